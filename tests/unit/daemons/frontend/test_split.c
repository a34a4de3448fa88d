/*
 * The suffix table. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "daemons/frontend/split.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct split *make(void)
{
	static const struct {
		const char *name;
		unsigned flags;
	} entries[] = {
		{ "corp.example", SPLIT_ZONE },
		{ "lab.corp.example", SPLIT_STUB },
		{ "deep.lab.corp.example", SPLIT_ZONE },
		{ "example.com", SPLIT_ZONE | SPLIT_OVERLAY },
		{ "both.example", SPLIT_ZONE },
		{ "both.example", SPLIT_STUB },
		{ "consul", SPLIT_STUB },
		{ "10.in-addr.arpa", SPLIT_ZONE },
		{ "allowed.test", SPLIT_REBIND },
	};
	struct split *split = split_new();
	for (size_t i = 0; i < COUNT(entries); i++) {
		cr_assert_eq(split_add(split, name(entries[i].name), entries[i].flags), BH_OK);
	}
	return split;
}

Test(split, longest_suffix_decides)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *expect; /* i internal, o overlay, n inside, w own, s stub */
	} cases[] = {
		{ "corp.example", RR_A, "inw" },
		{ "CORP.Example", RR_A, "inw" },
		{ "a.b.corp.example", RR_A, "inw" },
		{ "xcorp.example", RR_A, "" },
		{ "example", RR_A, "" },
		{ ".", RR_NS, "" },
		{ "lab.corp.example", RR_A, "nws" },
		{ "x.lab.corp.example", RR_A, "nws" },
		{ "deep.lab.corp.example", RR_A, "inw" },
		{ "x.deep.lab.corp.example", RR_A, "inw" },
		{ "www.example.com", RR_A, "ionw" },
		{ "both.example", RR_A, "nws" },
		{ "x.both.example", RR_A, "nws" },
		{ "a.consul", RR_A, "s" },
		{ "1.2.3.10.in-addr.arpa", RR_PTR, "inw" },
		{ "1.2.3.11.in-addr.arpa", RR_PTR, "" },
		{ "x.allowed.test", RR_A, "w" },
		{ "allowed.test", RR_A, "w" },
		/* RFC 4035 3.1.4.1: DS is with the zone above; that of an internal apex stays inside */
		{ "lab.corp.example", RR_DS, "inw" },
		{ "x.lab.corp.example", RR_DS, "nws" },
		{ "corp.example", RR_DS, "inw" },
		{ "both.example", RR_DS, "inw" },
		{ "consul", RR_DS, "" },
	};
	struct split *split = make();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct split_match m = split_find(split, name(cases[i].name), cases[i].type);
		char got[6];
		snprintf(got, sizeof(got), "%s%s%s%s%s", m.internal ? "i" : "", m.overlay ? "o" : "",
			 m.inside ? "n" : "", m.own ? "w" : "", m.stub ? "s" : "");
		cr_assert_str_eq(got, cases[i].expect, "%s: %s, not %s", cases[i].name, got, cases[i].expect);
	}
	split_free(split);
}

Test(split, root_can_be_an_entry)
{
	struct split *split = split_new();
	cr_assert_not(split_find(split, name("a.test"), RR_A).internal);
	cr_assert_eq(split_add(split, name("."), SPLIT_ZONE), BH_OK);
	cr_assert(split_find(split, name("a.test"), RR_A).internal);
	cr_assert(split_find(split, name("."), RR_A).internal);
	cr_assert_eq(split_add(split, name("test"), SPLIT_STUB), BH_OK);
	cr_assert_not(split_find(split, name("a.test"), RR_A).internal);
	split_free(split);
}

Test(split, holds_many_and_compares)
{
	struct split *a = split_new();
	struct split *b = split_new();
	char text[32];
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "z%d.example", i);
		cr_assert_eq(split_add(a, name(text), SPLIT_ZONE), BH_OK);
		snprintf(text, sizeof(text), "Z%d.EXAMPLE", 999 - i);
		cr_assert_eq(split_add(b, name(text), SPLIT_ZONE), BH_OK);
	}
	cr_assert(split_find(a, name("x.z777.example"), RR_A).internal);
	cr_assert_not(split_find(a, name("x.z1000.example"), RR_A).internal);
	cr_assert(split_equal(a, b));
	cr_assert_eq(split_add(b, name("z5.example"), SPLIT_OVERLAY), BH_OK);
	cr_assert_not(split_equal(a, b));
	cr_assert_eq(split_add(a, name("z5.example"), SPLIT_OVERLAY), BH_OK);
	cr_assert(split_equal(a, b));
	cr_assert_eq(split_add(a, name("more.example"), SPLIT_REBIND), BH_OK);
	cr_assert_not(split_equal(a, b));
	split_free(a);
	split_free(b);
}
