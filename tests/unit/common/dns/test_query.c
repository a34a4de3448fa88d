/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/query.h"

#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>

#define HEAD(flags, qd, an, ns, ar) "abcd " flags " " qd " " an " " ns " " ar " "
#define PLAIN HEAD("0100", "0001", "0000", "0000", "0000")
#define WITH_AR(n) HEAD("0100", "0001", "0000", "0000", n)
#define QUESTION "03 777777 07 6578616d706c65 00 0001 0001 " /* www.example. A IN */
#define OPT(size, ttl, len) "00 0029 " size " " ttl " " len " "
#define SOA "00 0006 0001 00000000 0016 00 00 00000001 00000002 00000003 00000004 00000005 "

struct query_case {
	const char *what;
	const char *hex;
	enum query_verdict want;
};

static const struct query_case cases[] = {
	{ "plain", PLAIN QUESTION, QUERY_OK },
	{ "root, class CH", PLAIN "00 0010 0003", QUERY_OK },
	{ "all harmless flags", HEAD("07ff", "0001", "0000", "0000", "0000") QUESTION, QUERY_OK },
	{ "EDNS", WITH_AR("0001") QUESTION OPT("04d0", "00000000", "0000"), QUERY_OK },
	{ "EDNS, unknown option",
	  WITH_AR("0001") QUESTION OPT("04d0", "00000000", "0006") "fde9 0002 ffff", QUERY_OK },
	{ "EDNS behind another record",
	  WITH_AR("0002") QUESTION "0161 00 ff00 0001 00000000 0001 ff " OPT("04d0", "00000000", "0000"), QUERY_OK },
	{ "EDNS and TSIG", WITH_AR("0002") QUESTION OPT("04d0", "00000000", "0000") "00 00fa 00ff 00000000 0000",
	  QUERY_OK },
	{ "IXFR", HEAD("0000", "0001", "0000", "0001", "0000") "00 00fb 0001 " SOA, QUERY_OK },
	{ "NOTIFY without SOA", HEAD("2400", "0001", "0000", "0000", "0000") "00 0006 0001", QUERY_OK },
	{ "NOTIFY with SOA", HEAD("2400", "0001", "0001", "0000", "0000") "00 0006 0001 " SOA, QUERY_OK },

	{ "response", HEAD("8100", "0001", "0000", "0000", "0000") QUESTION, QUERY_IGNORE },
	{ "response of nonsense", "ffff 8000", QUERY_IGNORE },
	{ "IQUERY", HEAD("0800", "0000", "0001", "0000", "0000"), QUERY_NOTIMP },
	{ "STATUS", HEAD("1000", "0000", "0000", "0000", "0000"), QUERY_NOTIMP },
	{ "UPDATE", HEAD("2800", "0001", "0000", "0000", "0000") QUESTION, QUERY_NOTIMP },
	{ "DSO", HEAD("3000", "0000", "0000", "0000", "0000"), QUERY_NOTIMP },
	{ "opcode 15", HEAD("7800", "0001", "0000", "0000", "0000") QUESTION, QUERY_NOTIMP },
	{ "no question", HEAD("0100", "0000", "0000", "0000", "0000"), QUERY_FORMERR },
	{ "two questions", HEAD("0100", "0002", "0000", "0000", "0000") QUESTION QUESTION, QUERY_FORMERR },
	{ "65535 questions", HEAD("0100", "ffff", "0000", "0000", "0000") QUESTION, QUERY_FORMERR },
	{ "question name by pointer", PLAIN "c00c 0001 0001", QUERY_FORMERR },
	{ "question name by pointer into the header", PLAIN "c004 0001 0001", QUERY_FORMERR },
	{ "question name ends in a pointer", PLAIN "0161 c004 0001 0001", QUERY_FORMERR },
	{ "label type 01", PLAIN "41 00 0001 0001", QUERY_FORMERR },
	{ "answer in a query", HEAD("0100", "0001", "0001", "0000", "0000") "00 0006 0001 " SOA, QUERY_FORMERR },
	{ "authority in a query", HEAD("0100", "0001", "0000", "0001", "0000") "00 0006 0001 " SOA, QUERY_FORMERR },
	{ "authority in AXFR", HEAD("0100", "0001", "0000", "0001", "0000") "00 00fc 0001 " SOA, QUERY_FORMERR },
	{ "authority in NOTIFY", HEAD("2400", "0001", "0000", "0001", "0000") "00 0006 0001 " SOA, QUERY_FORMERR },
	{ "answer in IXFR", HEAD("0000", "0001", "0001", "0000", "0000") "00 00fb 0001 " SOA, QUERY_FORMERR },
	{ "octet behind the question", PLAIN QUESTION "00", QUERY_FORMERR },
	{ "octet behind EDNS", WITH_AR("0001") QUESTION OPT("04d0", "00000000", "0000") "00", QUERY_FORMERR },
	{ "65535 additional records", WITH_AR("ffff") QUESTION OPT("04d0", "00000000", "0000"), QUERY_FORMERR },
	{ "counts that sum up to 0 in 16 bits", HEAD("2400", "0001", "8000", "0000", "8000") "00 0006 0001",
	  QUERY_FORMERR },
	{ "two OPTs", WITH_AR("0002") QUESTION OPT("04d0", "00000000", "0000") OPT("04d0", "00000000", "0000"),
	  QUERY_FORMERR },
	{ "OPT with an owner", WITH_AR("0001") QUESTION "0161 00 0029 04d0 00000000 0000", QUERY_FORMERR },
	{ "OPT whose owner is a pointer to the root", WITH_AR("0001") QUESTION "c018 0029 04d0 00000000 0000",
	  QUERY_FORMERR },
	{ "OPT as authority of IXFR",
	  HEAD("0000", "0001", "0000", "0001", "0000") "00 00fb 0001 " OPT("04d0", "00000000", "0000"), QUERY_FORMERR },
	{ "OPT as answer of NOTIFY",
	  HEAD("2400", "0001", "0001", "0000", "0000") "00 0006 0001 " OPT("04d0", "00000000", "0000"), QUERY_FORMERR },
	{ "option cut", WITH_AR("0001") QUESTION OPT("04d0", "00000000", "0003") "0003 00", QUERY_FORMERR },
	{ "option longer than OPT", WITH_AR("0001") QUESTION OPT("04d0", "00000000", "0005") "0003 0002 00",
	  QUERY_FORMERR },
	{ "TSIG not last", WITH_AR("0002") QUESTION "00 00fa 00ff 00000000 0000 " OPT("04d0", "00000000", "0000"),
	  QUERY_FORMERR },
	{ "TSIG in the answer of NOTIFY",
	  HEAD("2400", "0001", "0001", "0000", "0000") "00 0006 0001 00 00fa 00ff 00000000 0000", QUERY_FORMERR },
	{ "EDNS version 1", WITH_AR("0001") QUESTION OPT("04d0", "00010000", "0000"), QUERY_BADVERS },
	{ "EDNS version 255 with unreadable options", WITH_AR("0001") QUESTION OPT("04d0", "00ff8000", "0001") "ff",
	  QUERY_BADVERS },
};

Test(query, verdicts)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(cases[i].hex);
		struct query q;
		cr_assert_eq(query_parse(w.bytes, w.len, &q), cases[i].want, "%s: %d", cases[i].what,
			     (int)query_parse(w.bytes, w.len, &q));
	}
}

Test(query, valid_queries_cut_at_every_length)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].want != QUERY_OK && cases[i].want != QUERY_BADVERS) {
			continue;
		}
		struct wire w = wire_of(cases[i].hex);
		for (size_t cut = 0; cut < w.len; cut++) {
			struct query q;
			enum query_verdict want = cut < DNS_HEADER_SIZE ? QUERY_IGNORE : QUERY_FORMERR;
			cr_assert_eq(query_parse(w.bytes, cut, &q), want, "%s cut at %zu", cases[i].what, cut);
			if (want == QUERY_FORMERR) {
				cr_assert_eq(q.id, 0xabcd);
			}
		}
	}
}

Test(query, fields)
{
	struct wire w = wire_of(HEAD("0190", "0001", "0000", "0000", "0000") QUESTION);
	struct query q;
	memset(&q, 0xee, sizeof(q));
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_OK);
	struct name www = name_of("www.example.");
	cr_assert_eq(q.id, 0xabcd);
	cr_assert_eq(q.flags, 0x0190);
	cr_assert_eq(query_opcode(&q), 0u);
	cr_assert_eq(q.qtype, RR_A);
	cr_assert_eq(q.qclass, CLASS_IN);
	cr_assert_eq(q.qname_len, www.len);
	cr_assert_arr_eq(q.qname, www.wire, www.len);
	cr_assert_not(q.has_tsig || q.edns.present || q.edns.do_bit || q.edns.nsid || q.edns.keepalive);
	cr_assert_eq(q.edns.cookie_len, 0u);
}

Test(query, case_of_the_question_is_kept)
{
	struct wire w = wire_of(PLAIN "03 77577a 00 00ff 00ff");
	struct query q;
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_OK);
	cr_assert_arr_eq(q.qname, w.bytes + 12, 5);
}

Test(query, what_was_read_before_the_fault_is_there)
{
	struct query q;
	struct wire w = wire_of(WITH_AR("0002") QUESTION OPT("1000", "00008000", "0000") "00");
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_FORMERR);
	cr_assert_eq(q.qname_len, 13u);
	cr_assert_eq(q.qtype, RR_A);

	w = wire_of(WITH_AR("0001") QUESTION OPT("1000", "00008000", "0000") "00");
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_FORMERR);
	cr_assert(q.edns.present && q.edns.do_bit);
	cr_assert_eq(q.edns.udp_size, 4096u);

	w = wire_of(PLAIN "03 7777");
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_FORMERR);
	cr_assert_eq(q.qname_len, 0u);
	cr_assert_eq(q.id, 0xabcd);

	w = wire_of(HEAD("2900", "0001", "0000", "0000", "0000") QUESTION);
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_NOTIMP);
	cr_assert_eq(query_opcode(&q), (unsigned)OPCODE_UPDATE);
	cr_assert_eq(q.flags, 0x2900);
	cr_assert_eq(q.qname_len, 0u);
}

Test(query, edns_size_version_and_flags)
{
	static const struct {
		const char *opt;
		uint16_t size;
		uint8_t version;
		bool do_bit;
	} sizes[] = {
		{ OPT("0000", "00000000", "0000"), 512, 0, false }, /* RFC 6891 6.2.3: below 512 is 512 */
		{ OPT("01ff", "00000000", "0000"), 512, 0, false },
		{ OPT("0200", "00000000", "0000"), 512, 0, false },
		{ OPT("0201", "00008000", "0000"), 513, 0, true },
		{ OPT("ffff", "00007fff", "0000"), 65535, 0, false }, /* Z bits are ignored */
		{ OPT("04d0", "ff008000", "0000"), 1232, 0, true },	 /* so is an RCODE in a query */
		{ OPT("04d0", "00018000", "0000"), 1232, 1, true },
	};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct wire w = wire_of(WITH_AR("0001") QUESTION);
		struct query q;
		wire_add_hex(&w, sizes[i].opt);
		enum query_verdict verdict = query_parse(w.bytes, w.len, &q);
		cr_assert_eq(verdict, sizes[i].version > 0 ? QUERY_BADVERS : QUERY_OK);
		cr_assert(q.edns.present);
		cr_assert_eq(q.edns.udp_size, sizes[i].size, "case %zu", i);
		cr_assert_eq(q.edns.version, sizes[i].version, "case %zu", i);
		cr_assert_eq(q.edns.do_bit, sizes[i].do_bit, "case %zu", i);
	}
}

/* A query with one OPT that holds these options. */
static enum query_verdict parse_with_options(const uint8_t *options, size_t len, struct query *q)
{
	struct wire w = wire_of(WITH_AR("0001") QUESTION "00 0029 04d0 00000000");
	const uint8_t length[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	wire_add(&w, length, 2);
	wire_add(&w, options, len);
	return query_parse(w.bytes, w.len, q);
}

Test(query, cookies_of_allowed_lengths_only)
{
	for (unsigned len = 0; len <= 64; len++) {
		uint8_t option[4 + 64] = { 0, 10, 0, (uint8_t)len };
		struct query q;
		memset(option + 4, 0x5a, len);
		bool good = len == 8 || (len >= 16 && len <= 40); /* RFC 7873 4 */
		cr_assert_eq(parse_with_options(option, 4 + len, &q), good ? QUERY_OK : QUERY_FORMERR, "%u", len);
		cr_assert_eq(q.edns.cookie_len, good ? len : 0, "%u", len);
		for (unsigned i = 0; good && i < len; i++) {
			cr_assert_eq(q.edns.cookie[i], 0x5a);
		}
	}
}

Test(query, first_cookie_counts)
{
	struct wire w = wire_of("000a 0008 0101010101010101 000a 0010 02020202020202020202020202020202");
	struct query q;
	cr_assert_eq(parse_with_options(w.bytes, w.len, &q), QUERY_OK);
	cr_assert_eq(q.edns.cookie_len, 8u);
	cr_assert_eq(q.edns.cookie[0], 1u);
}

Test(query, known_options)
{
	struct wire w = wire_of("0003 0000 000b 0000 000c 0004 00000000 0008 0004 00010000");
	struct query q;
	cr_assert_eq(parse_with_options(w.bytes, w.len, &q), QUERY_OK);
	cr_assert(q.edns.nsid && q.edns.keepalive);
}

Test(query, options_are_bounded)
{
	uint8_t options[4 * (EDNS_OPTIONS_MAX + 1)] = { 0 };
	struct query q;
	for (unsigned i = 0; i <= EDNS_OPTIONS_MAX; i++) {
		options[4 * i] = 0xfd; /* fd00: for local use, empty */
	}
	cr_assert_eq(parse_with_options(options, 4 * EDNS_OPTIONS_MAX, &q), QUERY_OK);
	cr_assert_eq(parse_with_options(options, 4 * (EDNS_OPTIONS_MAX + 1), &q), QUERY_FORMERR);
}

Test(query, longest_names)
{
	struct query q;
	for (size_t len = 250; len <= DNAME_MAX; len++) {
		struct name n = name_of_len(len, 'X');
		struct wire w = wire_of(PLAIN);
		wire_add(&w, n.wire, n.len);
		wire_add_hex(&w, "0001 0001");
		cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_OK);
		cr_assert_eq(q.qname_len, len);
	}
	/* 256 octets */
	struct name n = name_of_len(DNAME_MAX - 1, 'X');
	struct wire w = wire_of(PLAIN "0161");
	wire_add(&w, n.wire, n.len);
	wire_add_hex(&w, "0001 0001");
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_FORMERR);
	cr_assert_eq(q.qname_len, 0u);
}

Test(query, tsig_is_seen)
{
	struct query q;
	struct wire w = wire_of(WITH_AR("0001") QUESTION "03 6b6579 00 00fa 00ff 00000000 0003 010203");
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_OK);
	cr_assert(q.has_tsig);
}
