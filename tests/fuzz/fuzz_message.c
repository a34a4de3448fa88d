/*
 * Messages of other servers: take one apart, compose it again, and take that apart: the same records.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/util/region.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Compression may borrow the case of an equal name; nothing else of a record changes on its way. */
static bool same_rdata(const struct message_rr *a, const struct message_rr *b)
{
	if (a->rdata_len != b->rdata_len) {
		return false;
	}
	bool fold = *rdata_fields(a->type) != RDATA_END;
	for (size_t i = 0; i < a->rdata_len; i++) {
		if (fold ? dname_fold(a->rdata[i]) != dname_fold(b->rdata[i]) : a->rdata[i] != b->rdata[i]) {
			return false;
		}
	}
	return true;
}

static void check_record(const struct message_rr *rr)
{
	FUZZ_CHECK(dname_check(rr->owner, DNAME_MAX) > 0);
	FUZZ_CHECK(rdata_is_valid(rr->type, rr->rdata, rr->rdata_len));
	FUZZ_CHECK(rr->ttl <= INT32_MAX);
	FUZZ_CHECK(rr->section >= SECTION_ANSWER && rr->section <= SECTION_ADDITIONAL);
	FUZZ_CHECK(rr->type != RR_OPT && rr->type != RR_TSIG);
}

/* Octets, or 0 when the message does not fit: its sender may have compressed more than we do. */
static size_t compose_again(const struct message *m, uint8_t *buf)
{
	static struct compose c;
	struct edns_reply edns = { .udp_size = m->udp_size, .rcode = m->rcode, .do_bit = m->do_bit, .ede = m->ede };
	size_t reserved = m->has_edns ? edns_size(&edns) : 0;

	compose_begin(&c, buf, DNS_MESSAGE_MAX, reserved, m->id, m->flags, m->qname, m->qtype, m->qclass);
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		struct compose_mark before = compose_mark(&c);
		if (compose_rr(&c, (enum section)rr->section, rr->owner, rr->type, rr->rr_class, rr->ttl, rr->rdata,
			       rr->rdata_len) != BH_OK) {
			FUZZ_CHECK(c.pos == before.pos && c.target_count == before.target_count);
			return 0;
		}
	}
	return compose_finish(&c, m->has_edns ? &edns : NULL);
}

static void check_same(const struct message *a, const struct message *b)
{
	FUZZ_CHECK(a->id == b->id && a->flags == b->flags && a->rcode == b->rcode);
	FUZZ_CHECK((a->qname == NULL) == (b->qname == NULL));
	FUZZ_CHECK(a->qname == NULL ||
		   (dname_equal(a->qname, b->qname) && a->qtype == b->qtype && a->qclass == b->qclass));
	FUZZ_CHECK(a->has_edns == b->has_edns && a->do_bit == b->do_bit && a->udp_size == b->udp_size);
	FUZZ_CHECK(a->ede == b->ede);
	FUZZ_CHECK(a->rr_count == b->rr_count);
	for (size_t i = 0; i < a->rr_count; i++) {
		const struct message_rr *x = &a->rrs[i];
		const struct message_rr *y = &b->rrs[i];
		FUZZ_CHECK(dname_equal(x->owner, y->owner) && x->type == y->type && x->rr_class == y->rr_class);
		FUZZ_CHECK(x->ttl == y->ttl && x->section == y->section && same_rdata(x, y));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[DNS_MESSAGE_MAX];
	struct region region;
	struct region region_again;
	struct message m;
	struct message again;

	region_init(&region, 16384, 4 * 1024 * 1024);
	region_init(&region_again, 16384, 4 * 1024 * 1024);
	if (size <= DNS_MESSAGE_MAX && message_parse(data, size, &region, &m) == BH_OK) {
		for (size_t i = 0; i < m.rr_count; i++) {
			check_record(&m.rrs[i]);
		}
		size_t len = compose_again(&m, buf);
		if (len > 0) {
			FUZZ_CHECK(message_parse(buf, len, &region_again, &again) == BH_OK);
			check_same(&m, &again);
		}
	}
	region_clear(&region);
	region_clear(&region_again);
	return 0;
}
