/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/typemap.h"

#include "common/dns/rr.h"
#include "common/util/count.h"

#include <criterion/criterion.h>

#define ONES8 "\x01\x01\x01\x01\x01\x01\x01\x01"
#define ONES32 ONES8 ONES8 ONES8 ONES8

/* RFC 4034 4.3: A MX RRSIG NSEC TYPE1234. */
static const uint8_t example[] = {
	0x00, 0x06, 0x40, 0x01, 0x00, 0x00, 0x00, 0x03, 0x04, 0x1b, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0, 0, 0, 0, 0, 0, 0, 0x20,
};

Test(typemap, has_the_types_of_rfc4034_4_3)
{
	struct typemap map;
	unsigned there = 0;
	cr_assert_eq(typemap_parse(example, sizeof(example), &map), BH_OK);
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		bool expected = type == RR_A || type == RR_MX || type == RR_RRSIG || type == RR_NSEC || type == 1234;
		cr_assert_eq(typemap_has(&map, (uint16_t)type), expected, "%u", type);
		there += typemap_has(&map, (uint16_t)type);
	}
	cr_assert_eq(typemap_count(&map), there);
}

Test(typemap, cut_short_is_malformed_but_between_windows)
{
	struct typemap map;
	for (size_t len = 0; len < sizeof(example); len++) {
		uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees reading past the end */
		cr_assert_not_null(exact);
		memcpy(exact + 1, example, len);
		cr_expect_eq(typemap_parse(exact + 1, len, &map), len == 0 || len == 8 ? BH_OK : BH_EMALFORMED, "%zu",
			     len);
		free(exact);
	}
}

Test(typemap, every_set_has_one_form)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
		int expected;
	} cases[] = {
		{ "one type", "\x00\x01\x40", 3, BH_OK },
		{ "two windows", "\x00\x01\x40\x01\x01\x40", 6, BH_OK },
		{ "the last type", "\xff\x01\x01", 3, BH_OK },
		{ "no octets", "\x00\x00", 2, BH_EMALFORMED },
		{ "no octets between others", "\x00\x00\x01\x01\x40", 5, BH_EMALFORMED },
		{ "33 octets", "\x00\x21" ONES32 "\x01", 35, BH_EMALFORMED },
		{ "32 octets", "\x00\x20" ONES32, 34, BH_OK },
		{ "zero at the end", "\x00\x02\x40\x00", 4, BH_EMALFORMED },
		{ "nothing but zero", "\x00\x01\x00", 3, BH_EMALFORMED },
		{ "twice the same window", "\x00\x01\x40\x00\x01\x20", 6, BH_EMALFORMED },
		{ "windows out of order", "\x01\x01\x40\x00\x01\x40", 6, BH_EMALFORMED },
		{ "octets missing", "\x00\x02\x40", 3, BH_EMALFORMED },
		{ "length missing", "\x00\x01\x40\x01", 4, BH_EMALFORMED },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct typemap map;
		cr_expect_eq(typemap_parse((const uint8_t *)cases[i].bytes, cases[i].len, &map), cases[i].expected,
			     "%s", cases[i].what);
	}
}

Test(typemap, the_empty_one_has_nothing)
{
	struct typemap map = { 0 };
	cr_expect_eq(typemap_count(&map), 0u);
	cr_expect_not(typemap_has(&map, RR_A));
	cr_expect_eq(typemap_parse(NULL, 0, &map), BH_OK);
	cr_expect_not(typemap_has(&map, 0));
}
