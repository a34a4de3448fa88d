/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/message.h"

#include "common/util/count.h"
#include "common/util/region.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>

#define HEAD(flags, qd, an, ns, ar) "abcd " flags " " qd " " an " " ns " " ar " "
#define QUESTION "07 6578616d706c65 00 0001 0001 " /* 12: example. A IN; ends at 25 */
#define ONE_ANSWER HEAD("8180", "0001", "0001", "0000", "0000") QUESTION
#define RR(type, len) "c00c " type " 0001 0000003c " len " "
#define OPT "00 0029 04d0 00000000 0000 "

static struct region region;

static int parse(const uint8_t *wire, size_t len, struct message *m)
{
	region_clear(&region);
	region_init(&region, 16384, 4 * 1024 * 1024);
	return message_parse(wire, len, &region, m);
}

static int parse_hex(const char *hex, struct message *m)
{
	static struct wire w;
	w = wire_of(hex);
	return parse(w.bytes, w.len, m);
}

/* A block of exactly len octets, so that sanitizers see what is read behind it. */
static int parse_cut(const struct wire *w, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct message m;
	memcpy(copy, w->bytes, len);
	int rc = parse(copy, len, &m);
	free(copy);
	return rc;
}

static const char answer[] = HEAD("8593", "0001", "0002", "0001", "0002") QUESTION
	"c00c 0005 0001 0000003c 0004 01 77 c00c"		      /* 25: CNAME, w at 37 */
	"c025 0001 0001 00000e10 0004 c0000201"			      /* 41 */
	"c00c 0002 0003 80000000 0002 c025"			      /* NS of class CH */
	"00 0029 1000 01008000 000d 000f 0004 0009 6f6b fde9 0001 ff" /* OPT: EDE 9 "ok" and another option */
	"01 6b 00 00fa 00ff 00000000 0001 ff";			      /* TSIG */

Test(message, fields_and_records)
{
	struct message m;
	cr_assert_eq(parse_hex(answer, &m), BH_OK);
	struct name example = name_of("example.");
	struct name w = name_of("w.example.");
	cr_assert_eq(m.id, 0xabcd);
	cr_assert_eq(m.flags, 0x8593);
	cr_assert_eq(m.rcode, 0x13u);
	cr_assert(dname_equal(m.qname, example.wire));
	cr_assert_eq(m.qtype, RR_A);
	cr_assert_eq(m.qclass, CLASS_IN);
	cr_assert(m.has_edns && m.do_bit);
	cr_assert_eq(m.udp_size, 4096u);
	cr_assert_eq(m.ede, 9);
	cr_assert_eq(m.ede_text_len, 2u);
	cr_assert_arr_eq(m.ede_text, "ok", 2);

	static const struct {
		uint16_t type, rr_class, rdata_len;
		uint8_t section;
		uint32_t ttl;
	} want[] = {
		{ RR_CNAME, 1, 11, SECTION_ANSWER, 60 },
		{ RR_A, 1, 4, SECTION_ANSWER, 3600 },
		{ RR_NS, 3, 11, SECTION_AUTHORITY, 0 }, /* RFC 2181 8: top bit set is 0 */
	};
	cr_assert_eq(m.rr_count, COUNT(want)); /* OPT and TSIG are not records */
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct message_rr *rr = &m.rrs[i];
		cr_assert_eq(rr->type, want[i].type);
		cr_assert_eq(rr->rr_class, want[i].rr_class);
		cr_assert_eq(rr->rdata_len, want[i].rdata_len);
		cr_assert_eq(rr->section, want[i].section);
		cr_assert_eq(rr->ttl, want[i].ttl);
		cr_assert(dname_equal(rr->owner, i == 1 ? w.wire : example.wire));
	}
	cr_assert_arr_eq(m.rrs[0].rdata, w.wire, w.len);
	cr_assert_arr_eq(m.rrs[2].rdata, w.wire, w.len);
}

Test(message, cut_at_every_length)
{
	struct wire w = wire_of(answer);
	for (size_t cut = 0; cut < w.len; cut++) {
		cr_assert_eq(parse_cut(&w, cut), BH_ETRUNC, "cut at %zu: %d", cut, parse_cut(&w, cut));
	}
	cr_assert_eq(parse_cut(&w, w.len), BH_OK);
}

Test(message, names_in_rdata_are_uncompressed_as_rfc_3597_4_asks)
{
	/* c00c is example.; all types whose names may come compressed, and what must come out. */
	static const struct {
		const char *hex;
		const char *want;
	} cases[] = {
		{ RR("0002", "0002") "c00c", "076578616d706c65 00" },
		{ RR("0005", "0004") "0161 c00c", "0161 076578616d706c65 00" },
		{ RR("0006", "0018") "c00c c00c 0000000100000002000000030000000400000005",
		  "076578616d706c6500 076578616d706c6500 0000000100000002000000030000000400000005" },
		{ RR("000c", "0002") "c00c", "076578616d706c65 00" },
		{ RR("000e", "0004") "c00c c00c", "076578616d706c6500 076578616d706c6500" },
		{ RR("000f", "0004") "000a c00c", "000a 076578616d706c65 00" },
		{ RR("0011", "0004") "c00c c00c", "076578616d706c6500 076578616d706c6500" },
		{ RR("0012", "0004") "0001 c00c", "0001 076578616d706c65 00" },
		{ RR("0015", "0004") "0001 c00c", "0001 076578616d706c65 00" },
		{ RR("001a", "0006") "0001 c00c c00c", "0001 076578616d706c6500 076578616d706c6500" },
		{ RR("001e", "0003") "c00c ff", "076578616d706c6500 ff" },
		{ RR("0021", "0008") "000100020003 c00c", "000100020003 076578616d706c65 00" },
		{ RR("0023", "000a") "00010002 0161 00 00 c00c", "00010002 0161 00 00 076578616d706c65 00" },
		{ RR("0024", "0004") "0001 c00c", "0001 076578616d706c65 00" },
		{ RR("0027", "0002") "c00c", "076578616d706c65 00" },
		{ RR("002e", "0016") "0001 0d 01 0000003c 65000000 64000000 3039 c00c ffff",
		  "0001 0d 01 0000003c 65000000 64000000 3039 076578616d706c6500 ffff" },
		{ RR("002f", "0005") "c00c 000140", "076578616d706c6500 000140" },
		{ RR("0041", "0008") "0001 c00c 00010000", "0001 076578616d706c6500 00010000" },
		/* no names: as it stands, even if it looks like a pointer */
		{ RR("ff00", "0002") "c00c", "c00c" },
		{ RR("0010", "0003") "02 c00c", "02 c00c" },
		{ RR("002b", "0006") "c00c 0102 c00c", "c00c 0102 c00c" },
		{ RR("ff00", "0000") "", "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(ONE_ANSWER);
		struct wire want = wire_of(cases[i].want);
		struct message m;
		wire_add_hex(&w, cases[i].hex);
		cr_assert_eq(parse(w.bytes, w.len, &m), BH_OK, "%s", cases[i].hex);
		cr_assert_eq(m.rrs[0].rdata_len, want.len, "%s", cases[i].hex);
		cr_assert_arr_eq(m.rrs[0].rdata, want.bytes, want.len);
		for (size_t cut = 0; cut < w.len; cut++) {
			cr_assert_lt(parse_cut(&w, cut), 0, "%s cut at %zu", cases[i].hex, cut);
		}
	}
}

Test(message, malformed)
{
	static const struct {
		const char *what;
		const char *hex;
		int err;
	} cases[] = {
		{ "two questions", HEAD("8180", "0002", "0000", "0000", "0000") QUESTION QUESTION, BH_EMALFORMED },
		{ "octet behind the end", HEAD("8180", "0001", "0000", "0000", "0000") QUESTION "00", BH_EMALFORMED },
		{ "owner points forward", ONE_ANSWER "c0ff 0001 0001 00000000 0004 c0000201", BH_EMALFORMED },
		{ "owner points at itself", ONE_ANSWER "c019 0001 0001 00000000 0004 c0000201", BH_EMALFORMED },
		{ "RDATA longer than the message", ONE_ANSWER RR("0001", "0005") "c0000201", BH_ETRUNC },
		{ "A of 3 octets", ONE_ANSWER RR("0001", "0003") "c00002", BH_EMALFORMED },
		{ "A of 5 octets", ONE_ANSWER RR("0001", "0005") "c000020101", BH_EMALFORMED },
		{ "A of 0 octets", ONE_ANSWER RR("0001", "0000"), BH_EMALFORMED },
		{ "TXT of 0 octets", ONE_ANSWER RR("0010", "0000"), BH_EMALFORMED },
		{ "NS with an octet too many", ONE_ANSWER RR("0002", "0003") "c00c 00", BH_EMALFORMED },
		{ "NS whose name runs out of its RDATA", ONE_ANSWER RR("0002", "0001") "01", BH_ETRUNC },
		{ "pointer half in the RDATA",
		  HEAD("8180", "0001", "0002", "0000", "0000") QUESTION RR("0002", "0001") "c0 " RR("0001", "0004") "c0000201",
		  BH_ETRUNC },
		{ "pointer into the RDATA that it stands in", ONE_ANSWER RR("0002", "0004") "0161 c025", BH_EMALFORMED },
		{ "SOA cut", ONE_ANSWER RR("0006", "0008") "c00c c00c 00000001", BH_EMALFORMED },
		{ "two OPTs", HEAD("8180", "0001", "0000", "0000", "0002") QUESTION OPT OPT, BH_EMALFORMED },
		{ "OPT in the answer", ONE_ANSWER OPT, BH_EMALFORMED },
		{ "OPT with an owner", HEAD("8180", "0001", "0000", "0000", "0001") QUESTION "c00c 0029 04d0 00000000 0000",
		  BH_EMALFORMED },
		{ "option cut", HEAD("8180", "0001", "0000", "0000", "0001") QUESTION "00 0029 04d0 00000000 0005 000f 0002 00",
		  BH_EMALFORMED },
		{ "more records than octets", HEAD("8180", "0001", "ffff", "ffff", "ffff") QUESTION, BH_ETRUNC },
		{ "one record, none there", ONE_ANSWER, BH_ETRUNC },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct message m;
		int rc = parse_hex(cases[i].hex, &m);
		cr_assert_eq(rc, cases[i].err, "%s: %d", cases[i].what, rc);
	}
}

Test(message, odd_but_allowed)
{
	struct message m;
	cr_assert_eq(parse_hex(HEAD("8180", "0000", "0000", "0000", "0000"), &m), BH_OK);
	cr_assert_null(m.qname);
	cr_assert_eq(m.rr_count, 0u);
	cr_assert_eq(m.ede, EDE_NONE);
	cr_assert_not(m.has_edns);
	/* EDE with a code only; a second one does not count; one too short is none */
	cr_assert_eq(parse_hex(HEAD("8180", "0000", "0000", "0000", "0001")
			       "00 0029 04d0 00000000 0011 000f 0001 00 000f 0002 0016 000f 0002 0003", &m), BH_OK);
	cr_assert_eq(m.ede, 22);
	cr_assert_eq(m.ede_text_len, 0u);
	/* a query parses as well: QR is judged elsewhere */
	cr_assert_eq(parse_hex(HEAD("0100", "0001", "0000", "0000", "0000") QUESTION, &m), BH_OK);
	/* TTL at the edge of RFC 2181 8 */
	cr_assert_eq(parse_hex(ONE_ANSWER "c00c 0001 0001 7fffffff 0004 c0000201", &m), BH_OK);
	cr_assert_eq(m.rrs[0].ttl, (uint32_t)INT32_MAX);
}

Test(message, options_are_bounded)
{
	for (unsigned count = EDNS_OPTIONS_MAX; count <= EDNS_OPTIONS_MAX + 1; count++) {
		struct wire w = wire_of(HEAD("8180", "0000", "0000", "0000", "0001") "00 0029 04d0 00000000");
		const uint8_t len[2] = { 0, (uint8_t)(count * 4) };
		struct message m;
		wire_add(&w, len, 2);
		for (unsigned i = 0; i < count; i++) {
			wire_add_hex(&w, "fde9 0000");
		}
		cr_assert_eq(parse(w.bytes, w.len, &m), count <= EDNS_OPTIONS_MAX ? BH_OK : BH_ELIMIT);
	}
}

/* A response with `count` records, each of type and rdata, owned by the question's name. */
static size_t many(uint8_t *out, unsigned count, const struct name *qname, uint16_t type, const char *rdata)
{
	struct wire r = wire_of(rdata);
	static const uint8_t head[4] = { 0xab, 0xcd, 0x81, 0x80 };
	memcpy(out, head, 4);
	const uint8_t counts[8] = { 0, 1, (uint8_t)(count >> 8), (uint8_t)count };
	memcpy(out + 4, counts, 8);
	memcpy(out + 12, qname->wire, qname->len);
	size_t pos = 12 + qname->len;
	memcpy(out + pos, "\0\1\0\1", 4);
	pos += 4;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t fixed[12] = { 0xc0, 12, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 0, 60, 0,
					    (uint8_t)r.len };
		cr_assert_leq(pos + 12 + r.len, (size_t)DNS_MESSAGE_MAX);
		memcpy(out + pos, fixed, 12);
		memcpy(out + pos + 12, r.bytes, r.len);
		pos += 12 + r.len;
	}
	return pos;
}

Test(message, records_are_bounded)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct message m;
	struct name short_name = name_of("a.");
	size_t len = many(wire, MESSAGE_RR_MAX, &short_name, 65280, "00");
	cr_assert_eq(parse(wire, len, &m), BH_OK);
	cr_assert_eq(m.rr_count, (size_t)MESSAGE_RR_MAX);
	len = many(wire, MESSAGE_RR_MAX + 1, &short_name, 65280, "00");
	cr_assert_eq(parse(wire, len, &m), BH_ELIMIT);
}

Test(message, expansion_is_bounded)
{
	/* Every record is 14 octets and claims two names of 255. */
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct message m;
	struct name longest = name_of_len(DNAME_MAX, 'x');
	unsigned fit = (MESSAGE_EXPANDED_MAX - DNAME_MAX) / (2 * DNAME_MAX);
	size_t len = many(wire, fit, &longest, RR_NS, "c00c");
	cr_assert_eq(parse(wire, len, &m), BH_OK);
	len = many(wire, fit + 1, &longest, RR_NS, "c00c");
	cr_assert_eq(parse(wire, len, &m), BH_ELIMIT);
	len = many(wire, MESSAGE_RR_MAX, &longest, RR_NS, "c00c");
	cr_assert_eq(parse(wire, len, &m), BH_ELIMIT);
}

Test(message, rdata_with_a_name_and_a_tail_that_fills_the_message)
{
	/* An RRSIG whose signature goes on to the last octet that a message can have. */
	static uint8_t wire[DNS_MESSAGE_MAX];
	static const uint8_t head[12] = { 0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1 };
	struct name longest = name_of_len(DNAME_MAX, 'x');
	size_t at = 12 + DNAME_MAX + 4;
	size_t rdata_len = sizeof(wire) - at - 11;
	memset(wire, 0x5a, sizeof(wire));
	memcpy(wire, head, 12);
	memcpy(wire + 12, longest.wire, longest.len);
	memcpy(wire + 12 + DNAME_MAX, "\0\1\0\1", 4);
	const uint8_t fixed[11] = { 0, 0, RR_RRSIG, 0, 1, 0, 0, 0, 60, (uint8_t)(rdata_len >> 8), (uint8_t)rdata_len };
	memcpy(wire + at, fixed, 11);
	wire[at + 11 + 18] = 0xc0;
	wire[at + 11 + 19] = 12;

	struct message m;
	cr_assert_eq(parse(wire, sizeof(wire), &m), BH_OK);
	cr_assert_eq(m.rrs[0].rdata_len, rdata_len - 2 + DNAME_MAX);
	cr_assert_eq(m.rrs[0].rdata[17], 0x5a);
	cr_assert_arr_eq(m.rrs[0].rdata + 18, longest.wire, longest.len);
	for (size_t i = 18 + DNAME_MAX; i < m.rrs[0].rdata_len; i++) {
		cr_assert_eq(m.rrs[0].rdata[i], 0x5a);
	}
}

Test(message, memory_ceiling_is_an_error_not_an_end)
{
	struct wire w = wire_of(answer);
	for (size_t limit = 0; limit < 2048; limit += 16) {
		struct region small;
		struct message m;
		region_init(&small, 64, limit);
		int rc = message_parse(w.bytes, w.len, &small, &m);
		cr_assert(rc == BH_OK || rc == BH_ENOMEM, "%zu: %d", limit, rc);
		cr_assert(limit > 64 || rc == BH_ENOMEM);
		cr_assert(limit < 1024 || rc == BH_OK);
		region_clear(&small);
	}
}
