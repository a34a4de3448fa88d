/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/base32hex.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdbool.h>
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
	/* every digit */
	{ "\x00\x44\x32\x14\xc7\x42\x54\xb6\x35\xcf\x84\x65\x3a\x56\xd7\xc6\x75\xbe\x77\xdf", 20,
	  "0123456789abcdefghijklmnopqrstuv" },
};

Test(base32hex, both_ways)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t text[64];
		uint8_t bytes[64];
		size_t text_len = strlen(cases[i].text);
		base32hex_encode((const uint8_t *)cases[i].bytes, cases[i].len, text);
		cr_expect_arr_eq(text, cases[i].text, text_len, "%zu", i);
		cr_expect_eq(base32hex_decode(text, text_len, bytes), BH_OK);
		cr_expect_arr_eq(bytes, cases[i].bytes, cases[i].len, "%zu", i);
		for (size_t k = 0; k < text_len; k++) {
			text[k] = (uint8_t)(text[k] >= 'a' ? text[k] - 32 : text[k]); /* either case is read */
		}
		cr_expect_eq(base32hex_decode(text, text_len, bytes), BH_OK);
		cr_expect_arr_eq(bytes, cases[i].bytes, cases[i].len, "%zu", i);
	}
}

Test(base32hex, refuses_what_is_no_digit)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVabcdefghijklmnopqrstuv";
	uint8_t bytes[8];
	for (unsigned c = 0; c < 256; c++) {
		for (unsigned at = 0; at < 8; at++) {
			uint8_t text[8] = { '0', '0', '0', '0', '0', '0', '0', '0' };
			bool digit = c != 0 && strchr(digits, (int)c) != NULL;
			text[at] = (uint8_t)c;
			cr_assert_eq(base32hex_decode(text, sizeof(text), bytes) == BH_OK, digit, "%u", c);
		}
	}
	cr_assert_lt(base32hex_decode((const uint8_t *)"0000000", 7, bytes), 0);
}

/* RFC 4648 table 4: every digit in every place. */
Test(base32hex, every_digit_in_every_place)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
	for (unsigned place = 0; place < 8; place++) {
		for (unsigned value = 0; value < 32; value++) {
			uint64_t group = (uint64_t)value << 5 * (7 - place);
			uint8_t bytes[5];
			uint8_t text[8];
			for (unsigned i = 0; i < 5; i++) {
				bytes[i] = (uint8_t)(group >> 8 * (4 - i));
			}
			base32hex_encode(bytes, sizeof(bytes), text);
			for (unsigned i = 0; i < 8; i++) {
				cr_assert_eq(text[i], i == place ? alphabet[value] : '0', "%u in place %u", value, place);
			}
		}
	}
}
