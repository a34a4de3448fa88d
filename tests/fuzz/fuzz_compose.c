/*
 * The composer: the input chooses names, records, marks and rollbacks; what comes out must be a message
 * with exactly the records that were taken, whatever was pointed at or taken back in between.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define RECORDS_MAX 256
#define NAMES 8

struct record {
	enum section section;
	uint16_t type;
	uint32_t ttl;
	uint8_t owner[DNAME_MAX];
	uint8_t rdata[2 * DNAME_MAX + 64];
	size_t rdata_len;
};

static struct record records[RECORDS_MAX];

/* A new name in front of an old one, so that suffixes are shared the way they are in zones. */
static void make_name(struct fuzz_input *in, uint8_t names[NAMES][DNAME_MAX])
{
	const uint8_t *suffix = names[fuzz_u8(in) % NAMES];
	uint8_t made[DNAME_MAX];
	size_t label = 1u + fuzz_u8(in) % LABEL_MAX;
	size_t suffix_len = dname_len(suffix);

	if (label + 1 + suffix_len > DNAME_MAX) {
		suffix = dname_skip_labels(suffix, dname_label_count(suffix));
		suffix_len = 1;
	}
	made[0] = (uint8_t)label;
	uint8_t octet = fuzz_u8(in);
	for (size_t i = 1; i <= label; i++) {
		made[i] = i % 4 == 1 ? fuzz_u8(in) : octet;
	}
	memcpy(made + 1 + label, suffix, suffix_len);
	memcpy(names[fuzz_u8(in) % NAMES], made, 1 + label + suffix_len);
}

static size_t put_name(uint8_t *out, const uint8_t *name)
{
	size_t len = dname_len(name);
	memcpy(out, name, len);
	return len;
}

static void make_record(struct fuzz_input *in, uint8_t names[NAMES][DNAME_MAX], struct record *r)
{
	static const uint16_t types[] = { RR_A, RR_NS, RR_SOA, RR_MX, RR_SRV, RR_RRSIG, RR_NAPTR, RR_TXT, 65280 };
	uint8_t choice = fuzz_u8(in);
	r->type = types[choice % (COUNT(types))];
	r->ttl = fuzz_u8(in);
	put_name(r->owner, names[fuzz_u8(in) % NAMES]);

	uint8_t *p = r->rdata;
	for (const uint8_t *field = rdata_fields(r->type); *field != RDATA_END; field++) {
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			p += put_name(p, names[fuzz_u8(in) % NAMES]);
		} else if (*field == RDATA_STRING) {
			*p++ = 1;
			*p++ = fuzz_u8(in);
		} else {
			memset(p, choice, *field);
			p += *field;
		}
	}
	if (r->type == RR_RRSIG || r->type == RR_TXT || r->type == 65280) {
		*p++ = 1;
		*p++ = choice;
	}
	r->rdata_len = (size_t)(p - r->rdata);
}

static bool equal_folded(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (dname_fold(a[i]) != dname_fold(b[i])) {
			return false;
		}
	}
	return true;
}

static void check_message(const uint8_t *wire, size_t len, const uint8_t *qname, size_t count)
{
	struct region region;
	struct message m;
	region_init(&region, 16384, 4 * 1024 * 1024);
	FUZZ_CHECK(message_parse(wire, len, &region, &m) == BH_OK);
	FUZZ_CHECK(dname_equal(m.qname, qname));
	FUZZ_CHECK(m.rr_count == count);
	for (size_t i = 0; i < count; i++) {
		const struct record *r = &records[i];
		const struct message_rr *rr = &m.rrs[i];
		FUZZ_CHECK(dname_equal(rr->owner, r->owner) && rr->type == r->type && rr->ttl == r->ttl);
		FUZZ_CHECK(rr->section == r->section && rr->rdata_len == r->rdata_len);
		FUZZ_CHECK(equal_folded(rr->rdata, r->rdata, r->rdata_len));
	}
	region_clear(&region);
}

/* A few records with one owner, as one RRset; those that fit stay. Returns how many. */
static size_t add_rrset(struct fuzz_input *in, struct compose *c, const uint8_t *qname, struct record *r, size_t room)
{
	struct compose_rrset set;
	unsigned choice = fuzz_u8(in);
	bool known = (choice & 4) != 0 && dname_equal(r->owner, qname);
	size_t wanted = 1 + choice % 4;
	size_t count = 0;

	compose_rrset_begin(&set, r->section, r->owner, known ? COMPOSE_QNAME : 0, r->type, CLASS_IN, r->ttl);
	for (; count < wanted && count < room; count++) {
		struct compose_mark before = compose_mark(c);
		if (compose_rrset_add(c, &set, r->rdata, r->rdata_len) != BH_OK) {
			FUZZ_CHECK(c->pos == before.pos && c->target_count == before.target_count);
			break;
		}
		r[count] = *r;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[DNS_MESSAGE_MAX];
	static struct compose c;
	struct fuzz_input in = { data, size };
	uint8_t names[NAMES][DNAME_MAX] = { { 0 } };
	struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .ede = EDE_OTHER, .ede_text = "why" };

	make_name(&in, names);
	uint8_t qname[DNAME_MAX];
	put_name(qname, names[fuzz_u8(&in) % NAMES]);
	size_t limit = UDP_SIZE_PLAIN + (size_t)fuzz_u16(&in) % (DNS_MESSAGE_MAX - UDP_SIZE_PLAIN + 1);
	compose_begin(&c, buf, limit, edns_size(&edns), 1, FLAG_QR, qname, RR_A, CLASS_IN);

	enum section section = SECTION_ANSWER;
	struct compose_mark mark = compose_mark(&c);
	size_t count = 0;
	size_t count_at_mark = 0;
	while (in.left > 0 && count < RECORDS_MAX) {
		switch (fuzz_u8(&in) % 8) {
		case 0:
			make_name(&in, names);
			break;
		case 1:
			mark = compose_mark(&c);
			count_at_mark = count;
			break;
		case 2:
			compose_rollback(&c, &mark);
			count = count_at_mark;
			break;
		case 3:
			section = section == SECTION_ADDITIONAL ? section : section + 1;
			break;
		case 4:
			make_record(&in, names, &records[count]);
			records[count].section = section;
			count += add_rrset(&in, &c, qname, &records[count], RECORDS_MAX - count);
			break;
		default:
			make_record(&in, names, &records[count]);
			records[count].section = section;
			struct compose_mark before = compose_mark(&c);
			if (compose_rr(&c, section, records[count].owner, records[count].type, CLASS_IN,
				       records[count].ttl, records[count].rdata, records[count].rdata_len) == BH_OK) {
				count++;
			} else {
				FUZZ_CHECK(c.pos == before.pos && c.target_count == before.target_count);
			}
			break;
		}
	}
	size_t len = compose_finish(&c, &edns);
	FUZZ_CHECK(len <= limit);
	check_message(buf, len, qname, count);
	return 0;
}
