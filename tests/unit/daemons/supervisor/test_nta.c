/*
 * Negative trust anchors of the operator.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/nta.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct nta_list list;

static uint8_t *wire(const char *text)
{
	static uint8_t out[DNAME_MAX];
	cr_assert_gt(dname_from_text(text, out), 0);
	return out;
}

Test(nta, set_changed_taken_away_and_ended)
{
	cr_assert_eq(nta_add(&list, wire("A.Example"), 10, 1000), BH_OK);
	cr_assert_eq(nta_add(&list, wire("b"), 20, 1000), BH_OK);
	cr_assert_eq(nta_add(&list, wire("a.example"), 5, 2000), BH_OK);
	cr_assert_eq(list.count, 2u);
	struct ipc_negative_anchor m = nta_message(&list.items[0], 2001);
	cr_assert_eq(m.left_sec, 5u);
	cr_assert_arr_eq(m.zone, "\1a\7example", 11);
	nta_expire(&list, 6999);
	cr_assert_eq(list.count, 2u);
	nta_expire(&list, 7000);
	cr_assert_eq(list.count, 1u);
	cr_assert_not(nta_remove(&list, wire("a.example")));
	cr_assert(nta_remove(&list, wire("B")));
	cr_assert_eq(list.count, 0u);
}

Test(nta, are_bounded_and_what_has_ended_makes_room)
{
	char name[16];
	for (unsigned i = 0; i < NEGATIVE_ANCHORS_MAX; i++) {
		snprintf(name, sizeof(name), "z%u", i);
		cr_assert_eq(nta_add(&list, wire(name), i == 7 ? 1 : 100, 0), BH_OK);
	}
	cr_assert_eq(nta_add(&list, wire("more"), 1, 999), BH_ELIMIT);
	cr_assert_eq(nta_add(&list, wire("z9"), 1, 999), BH_OK);
	nta_expire(&list, 1000);
	cr_assert_eq(nta_add(&list, wire("more"), 1, 1000), BH_OK);
}

Test(nta, times)
{
	static const struct {
		const char *text;
		uint32_t sec; /* 0: refused */
	} cases[] = {
		{ "1", 1 },	  { "90s", 90 },   { "2m", 120 },	{ "3h", 10800 }, { "7d", NTA_MAX_SEC }, { "604800", NTA_MAX_SEC },
		{ "604801", 0 },  { "8d", 0 },	   { "0", 0 },		{ "-1", 0 },	 { "", 0 },		{ "h", 0 },
		{ "1w", 0 },	  { "1hh", 0 },	   { "1 h", 0 },	{ "99999999999999999999", 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t sec = 0;
		bool fine = nta_parse_time(cases[i].text, &sec);
		cr_assert_eq(fine, cases[i].sec != 0, "%s", cases[i].text);
		cr_assert_eq(sec, cases[i].sec, "%s: %u", cases[i].text, sec);
	}
}
