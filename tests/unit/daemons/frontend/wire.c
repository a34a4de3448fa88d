/*
 * Messages from and to text. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/frontend/wire.h"

#include "common/dns/dname.h"
#include "common/util/addr.h"
#include "common/util/cursor.h"
#include "common/util/region.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t *name(const char *text)
{
	static uint8_t names[4][DNAME_MAX];
	static unsigned next;
	uint8_t *out = names[next++ % 4];
	cr_assert_gt(dname_from_text(text, out), 0, "%s", text);
	return out;
}

size_t make_rdata(const struct rec *rec, uint8_t out[512])
{
	struct addr addr;
	size_t len;
	switch (rec->type) {
	case RR_A:
	case RR_AAAA:
		cr_assert_eq(addr_parse(rec->text, 0, &addr), BH_OK);
		memcpy(out, addr.bytes, addr_size(&addr));
		return addr_size(&addr);
	case RR_CNAME:
	case RR_NS:
	case RR_PTR:
	case RR_DNAME:
		return (size_t)dname_from_text(rec->text, out);
	case RR_SOA:
		len = (size_t)dname_from_text("ns.soa.test", out);
		len += (size_t)dname_from_text("host.soa.test", out + len);
		memset(out + len, 0, 20);
		put_u32(out + len + 16, (uint32_t)atoi(rec->text));
		return len + 20;
	case RR_RRSIG: /* text: number of the type covered */
		memset(out, 0, 18);
		put_u16(out, (uint16_t)atoi(rec->text));
		len = 18 + (size_t)dname_from_text("signer.test", out + 18);
		out[len] = 0x55;
		return len + 1;
	default:
		out[0] = (uint8_t)strlen(rec->text);
		memcpy(out + 1, rec->text, out[0]);
		return (size_t)out[0] + 1;
	}
}

size_t make_query(uint8_t *out, uint16_t id, const char *qname, uint16_t qtype, uint16_t flags,
		  uint16_t edns_size, bool do_bit)
{
	struct compose c;
	struct edns_reply edns = { .udp_size = edns_size, .do_bit = do_bit, .ede = EDE_NONE };
	compose_begin(&c, out, UDP_SIZE_PLAIN, EDNS_SIZE_MIN, id, flags, name(qname), qtype, CLASS_IN);
	return compose_finish(&c, edns_size == 0 ? NULL : &edns);
}

size_t make_reply(uint8_t *out, const uint8_t *query, size_t query_len, uint16_t flags, uint16_t rcode,
		  const struct rec *recs, bool with_edns, int ede, const char *ede_text)
{
	struct compose c;
	struct query q;
	uint8_t rdata[512];
	struct edns_reply edns = { .udp_size = 1232, .rcode = rcode, .ede = ede, .ede_text = ede_text };

	cr_assert_eq(query_parse(query, query_len, &q), QUERY_OK);
	compose_begin(&c, out, DNS_MESSAGE_MAX, edns_size(&edns), q.id, (uint16_t)(FLAG_QR | flags | rcode),
		      q.qname, q.qtype, q.qclass);
	for (; recs != NULL && recs->section != 0; recs++) {
		size_t len = make_rdata(recs, rdata);
		cr_assert_eq(compose_rr(&c, recs->section, name(recs->owner), recs->type, CLASS_IN, recs->ttl,
					rdata, len),
			     BH_OK);
	}
	return compose_finish(&c, with_edns ? &edns : NULL);
}

const struct message *parse(const uint8_t *wire, size_t len)
{
	static struct region region;
	static struct message msg;
	if (region.limit == 0) {
		region_init(&region, 4096, 4 << 20);
	}
	region_reset(&region);
	int rc = message_parse(wire, len, &region, &msg);
	cr_assert_eq(rc, BH_OK, "%s", bh_strerror(rc));
	return &msg;
}

static size_t rdata_text(const struct message_rr *rr, char *out, size_t room)
{
	char text[DNAME_TEXT_MAX];
	struct addr addr = { 0 };
	char addr_buf[ADDR_TEXT_MAX];
	switch (rr->type) {
	case RR_A:
	case RR_AAAA:
		addr.family = rr->type == RR_A ? ADDR_V4 : ADDR_V6;
		memcpy(addr.bytes, rr->rdata, rr->rdata_len);
		return (size_t)snprintf(out, room, "%s", addr_text(&addr, addr_buf));
	case RR_CNAME:
	case RR_NS:
	case RR_PTR:
	case RR_DNAME:
		return (size_t)snprintf(out, room, "%s", dname_text(rr->rdata, text));
	case RR_SOA:
		return (size_t)snprintf(out, room, "%u", get_u32(rr->rdata + rr->rdata_len - 4));
	case RR_RRSIG:
		return (size_t)snprintf(out, room, "%u", get_u16(rr->rdata));
	default:
		return (size_t)snprintf(out, room, "%.*s", rr->rdata[0], (const char *)rr->rdata + 1);
	}
}

const char *section_text(const struct message *msg, enum section section)
{
	static char out[4][16384];
	static unsigned next;
	char *text = out[next++ % 4];
	char owner[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	size_t pos = 0;

	text[0] = '\0';
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section != section) {
			continue;
		}
		pos += (size_t)snprintf(text + pos, sizeof(out[0]) - pos, "%s%s %s %u ", pos == 0 ? "" : "; ",
					dname_text(rr->owner, owner), rr_type_text(rr->type, type), rr->ttl);
		pos += rdata_text(rr, text + pos, sizeof(out[0]) - pos);
	}
	return text;
}
