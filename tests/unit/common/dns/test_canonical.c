/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/canonical.h"

#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>

static const struct {
	uint16_t type;
	const char *a;
	const char *b;
	int order; /* of a against b */
} orders[] = {
	{ RR_A, "c0000201", "c0000202", -1 },
	{ RR_TXT, "0161", "0141", 1 },	     /* text is not a name: case counts */
	{ RR_TXT, "0161", "01610162", -1 },  /* the shorter one first */
	{ RR_NS, "016100", "014100", 0 },    /* names: it does not */
	{ RR_NS, "016100", "01610162 00", -1 },
	{ RR_MX, "000a 016100", "000a 014100", 0 },
	{ RR_MX, "0009 017a00", "000a 016100", -1 },
	{ RR_SRV, "0001 0001 0050 016100", "0001 0001 0050 014100", 0 },
	{ RR_SOA, "016100 016200 00000001 00000002 00000003 00000004 00000005",
	  "014100 014200 00000001 00000002 00000003 00000004 00000005", 0 },
	{ RR_SOA, "016100 016200 00000001 00000002 00000003 00000004 00000005",
	  "014100 014200 00000001 00000002 00000003 00000004 00000006", -1 },
	{ RR_NAPTR, "0001 0001 0153 0141 00 016100", "0001 0001 0153 0141 00 014100", 0 },
	{ RR_NAPTR, "0001 0001 0153 0141 00 016100", "0001 0001 0153 0161 00 016100", -1 },
	/* RRSIG: signer folded, signature not */
	{ RR_RRSIG, "0001 08 02 00000e10 65000000 64000000 1234 016100 aa",
	  "0001 08 02 00000e10 65000000 64000000 1234 014100 aa", 0 },
	{ RR_RRSIG, "0001 08 02 00000e10 65000000 64000000 1234 016100 61",
	  "0001 08 02 00000e10 65000000 64000000 1234 016100 41", 1 },
	/* off the list: NSEC (RFC 6840 5.1) and later types */
	{ RR_NSEC, "016100 000140", "014100 000140", 1 },
	{ RR_SVCB, "0001 016100", "0001 014100", 1 },
	{ RR_HTTPS, "0001 016100", "0001 016100", 0 },
	{ 65280, "", "", 0 },
	{ 65280, "", "00", -1 },
};

Test(canonical, orders_rdata)
{
	for (size_t i = 0; i < COUNT(orders); i++) {
		struct wire a = wire_of(orders[i].a);
		struct wire b = wire_of(orders[i].b);
		cr_assert(rdata_is_valid(orders[i].type, a.bytes, a.len), "case %zu", i);
		int there = canonical_compare(orders[i].type, a.bytes, a.len, b.bytes, b.len);
		int back = canonical_compare(orders[i].type, b.bytes, b.len, a.bytes, a.len);
		cr_assert_eq((there > 0) - (there < 0), orders[i].order, "case %zu", i);
		cr_assert_eq((back > 0) - (back < 0), -orders[i].order, "case %zu", i);
	}
}

Test(canonical, finds_targets)
{
	static const struct {
		uint16_t type;
		const char *rdata;
	} cases[] = {
		{ RR_NS, "0174 00" },
		{ RR_MX, "000a 0174 00" },
		{ RR_SRV, "0001 0002 0003 0174 00" },
		{ RR_SVCB, "0001 0174 00 0001 0003 026832" },
		{ RR_HTTPS, "0001 0174 00" },
		{ RR_KX, "0001 0174 00" },
		{ RR_AFSDB, "0001 0174 00" },
		{ RR_RT, "0001 0174 00" },
		{ RR_NAPTR, "0001 0001 0153 00 03616263 0174 00" },
	};
	struct name want = name_of("t.");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire rdata = wire_of(cases[i].rdata);
		cr_assert(canonical_has_target(cases[i].type));
		cr_assert(dname_equal(canonical_target(cases[i].type, rdata.bytes), want.wire), "case %zu", i);
	}
	cr_assert_not(canonical_has_target(RR_CNAME));
	cr_assert_not(canonical_has_target(RR_PTR));
	cr_assert_not(canonical_has_target(RR_A));
}
