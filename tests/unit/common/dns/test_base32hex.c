/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/base32hex.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 4648 10 as far as there is no padding, RFC 5155 appendix A (the apex), and the ends of the alphabet. */
static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} cases[] = {
	{ "", 0, "" },
	{ "fooba", 5, "cpnmuoj1" },
	{ "\0\0\0\0\0", 5, "00000000" },
	{ "\377\377\377\377\377", 5, "vvvvvvvv" },
	{ "\x06\x53\x68\xab\xee\xd7\xec\x6e\x9f\xeb\xa9\x6b\x8c\x8b\xc3\xe8\xb7\x91\xf7\x16", 20,
	  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
};

Test(base32hex, both_ways)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t text[64];
		uint8_t bytes[64];
		size_t text_len = strlen(cases[i].text);
		base32hex_encode((const uint8_t *)cases[i].bytes, cases[i].len, text);
		cr_expect_arr_eq(text, cases[i].text, text_len, "%zu", i);
		for (size_t k = 0; k < text_len; k++) {
			text[k] = (uint8_t)(text[k] >= 'a' ? text[k] - 32 : text[k]); /* either case is read */
		}
		cr_expect_eq(base32hex_decode(text, text_len, bytes), BH_OK);
		cr_expect_arr_eq(bytes, cases[i].bytes, cases[i].len, "%zu", i);
	}
}

Test(base32hex, refuses_what_is_no_digit)
{
	static const char *const bad[] = { "0000000w", "0000000/", "0000000:", "0000000@", "0000000`", "=0000000",
					   "000\377" "0000", "0000000" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[8];
		cr_expect_lt(base32hex_decode((const uint8_t *)bad[i], strlen(bad[i]), bytes), 0, "%s", bad[i]);
	}
}
