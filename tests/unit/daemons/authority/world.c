/*
 * Zones, questions and answers as text. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/authority/world.h"

#include "common/dns/dname.h"
#include "common/dns/edns.h"
#include "common/dns/message.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/region.h"
#include "tests/unit/daemons/authority/zone_text.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	cr_assert_not_null(w);
	w->view = view_new(WORLD_ZONES_MAX);
	cr_assert_not_null(w->view);
	w->view->anyone = true;
	w->work.tsig = tsig_engine_new();
	w->work.now.sec = WORLD_NOW_SEC;
	cr_assert_not_null(w->work.tsig);
	w->view->hasher = nsec3_hasher_new();
	cr_assert_not_null(w->view->hasher);
	return w;
}

void world_free(struct world *w)
{
	nsec3_hasher_free(w->view->hasher);
	view_free(w->view);
	tsig_engine_free(w->work.tsig);
	for (unsigned i = 0; i < w->count; i++) {
		free(w->blocks[i]);
	}
	free(w);
}

void world_add(struct world *w, const char *apex, const char *text)
{
	unsigned i = w->count++;
	cr_assert_lt(i, WORLD_ZONES_MAX);
	w->blocks[i] = zone_from_text(apex, text, &w->images[i]);
	cr_assert_eq(view_add(w->view, w->images[i].apex, &w->images[i]), BH_OK);
}

void world_add_failed(struct world *w, const char *apex)
{
	unsigned i = w->count++;
	cr_assert_lt(i, WORLD_ZONES_MAX);
	cr_assert_gt(dname_from_text(apex, w->names[i]), 0);
	cr_assert_eq(view_add(w->view, w->names[i], NULL), BH_OK);
}

static size_t put_opt(const struct question *q, uint8_t *out, size_t room)
{
	struct sink s = sink_of(out, room);
	sink_u8(&s, 0);
	sink_u16(&s, RR_OPT);
	sink_u16(&s, q->udp_size != 0 ? q->udp_size : 1232);
	sink_u32(&s, (uint32_t)q->version << 16 | (q->dnssec ? EDNS_DO : 0u));
	sink_u16(&s, (uint16_t)(q->options == NULL ? 0 : strlen(q->options) / 2));
	for (const char *p = q->options; p != NULL && *p != '\0'; p += 2) {
		char pair[3] = { p[0], p[1], '\0' };
		sink_u8(&s, (uint8_t)strtoul(pair, NULL, 16));
	}
	return s.pos;
}

size_t question_wire(const struct question *q, uint8_t out[UDP_RECV_MAX])
{
	static const uint8_t tsig[] = { 0, 0, RR_TSIG, 0, CLASS_ANY, 0, 0, 0, 0, 0, 0 };
	uint8_t name[DNAME_MAX];
	uint16_t type = RR_A;
	bool edns = q->edns || q->dnssec || q->version > 0 || q->udp_size > 0 || q->options != NULL;

	cr_assert_gt(dname_from_text(q->name, name), 0, "%s", q->name);
	cr_assert(q->type == NULL || rr_type_parse(q->type, &type) == BH_OK, "%s", q->type);
	size_t pos = DNS_HEADER_SIZE;
	memset(out, 0, DNS_HEADER_SIZE);
	put_u16(out, 0x1234);
	put_u16(out + 2, q->flags);
	put_u16(out + 4, 1);
	put_u16(out + 10, (uint16_t)(edns + q->tsig));
	memcpy(out + pos, name, dname_len(name));
	pos += dname_len(name);
	put_u16(out + pos, type);
	put_u16(out + pos + 2, q->qclass != 0 ? q->qclass : CLASS_IN);
	pos += 4;
	if (edns) {
		pos += put_opt(q, out + pos, UDP_RECV_MAX - pos);
	}
	if (q->tsig) {
		memcpy(out + pos, tsig, sizeof(tsig));
		pos += sizeof(tsig);
	}
	return pos;
}

static void put(struct world *w, const char *fmt, ...) BH_PRINTF(2, 3);

static void put(struct world *w, const char *fmt, ...)
{
	size_t used = strlen(w->text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(w->text + used, sizeof(w->text) - used, fmt, args);
	va_end(args);
}

static void put_rdata(struct world *w, const struct message_rr *rr)
{
	char text[DNAME_TEXT_MAX];
	char address[INET6_ADDRSTRLEN];
	if (rr->type == RR_A || rr->type == RR_AAAA) {
		put(w, " %s", inet_ntop(rr->type == RR_A ? AF_INET : AF_INET6, rr->rdata, address, sizeof(address)));
		return;
	}
	if (rr->type == RR_TXT) {
		put(w, " \"%.*s\"", rr->rdata[0], (const char *)rr->rdata + 1);
		return;
	}
	if (rr->type == RR_SOA) {
		size_t len = dname_len(rr->rdata);
		put(w, " %s ...", dname_text(rr->rdata, text));
		put(w, " %u", get_u32(rr->rdata + len + dname_len(rr->rdata + len)));
		return;
	}
	if (rr->type == RR_RRSIG) { /* what it covers */
		put(w, " %s", rr_type_text(get_u16(rr->rdata), text));
		return;
	}
	size_t pos = 0;
	for (const uint8_t *field = rdata_fields(rr->type); *field != RDATA_END; field++) {
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			put(w, " %s", dname_text(rr->rdata + pos, text));
			pos += dname_len(rr->rdata + pos);
		} else if (*field == RDATA_STRING) {
			pos += (size_t)rr->rdata[pos] + 1;
		} else {
			for (unsigned i = 0; i + 1 < *field; i += 2) {
				put(w, " %u", get_u16(rr->rdata + pos + i));
			}
			pos += *field;
		}
	}
}

static void put_flags(struct world *w, const struct message *m)
{
	static const struct {
		uint16_t bit;
		const char *text;
	} flags[] = { { FLAG_AA, " aa" }, { FLAG_TC, " tc" }, { FLAG_RD, " rd" },
		      { FLAG_RA, " ra" }, { FLAG_AD, " ad" }, { FLAG_CD, " cd" } };
	put(w, "%s", rcode_text(m->rcode));
	for (size_t i = 0; i < COUNT(flags); i++) {
		put(w, "%s", (m->flags & flags[i].bit) != 0 ? flags[i].text : "");
	}
	put(w, "%s%s", m->has_edns ? " edns" : "", m->do_bit ? " do" : "");
	if (m->ede != EDE_NONE) {
		put(w, " ede=%d", m->ede);
	}
	put(w, "%s\n", m->qname == NULL ? " headeronly" : "");
}

const char *world_send(struct world *w, const uint8_t *wire, size_t len, enum transport transport,
		       const struct addr *client)
{
	static const char *const sections[] = { "qd", "an", "au", "ad" };
	struct region region;
	struct message m;
	char text[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];

	w->text[0] = '\0';
	w->reply_len = query_reply(&w->work, w->view, transport, client, wire, len, w->reply);
	if (w->reply_len == 0) {
		return w->text;
	}
	region_init(&region, 65536, 16 * 1024 * 1024);
	cr_assert_eq(message_parse(w->reply, w->reply_len, &region, &m), BH_OK, "reply does not parse");
	cr_assert_neq(m.flags & FLAG_QR, 0);
	cr_assert_eq(m.id, get_u16(wire));
	cr_assert_eq(m.flags & FLAG_OPCODE, get_u16(wire + 2) & FLAG_OPCODE);
	put_flags(w, &m);
	for (size_t i = 0; i < m.rr_count; i++) {
		const struct message_rr *rr = &m.rrs[i];
		put(w, "%s %s %u %s", sections[rr->section], dname_text(rr->owner, text), rr->ttl,
		    rr_type_text(rr->type, type));
		put_rdata(w, rr);
		put(w, "\n");
	}
	region_clear(&region);
	return w->text;
}

const char *world_ask(struct world *w, const struct question *q)
{
	uint8_t wire[UDP_RECV_MAX];
	size_t len = question_wire(q, wire);
	return world_send(w, wire, len, q->transport, q->client);
}

void world_check(struct world *w, const struct world_case *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = world_ask(w, &table[i].q);
		cr_expect_str_eq(got, table[i].want, "%s %s:\n%swanted:\n%s", table[i].q.name,
				 table[i].q.type == NULL ? "A" : table[i].q.type, got, table[i].want);
	}
}
