/*
 * Base32 with the extended hex alphabet. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"

#include "common/util/cursor.h"

#define GROUP_OCTETS 5
#define GROUP_DIGITS 8

/* 40 bits as eight octets with five bits each, and those as digits, all eight at once. */
static uint64_t group_digits(uint64_t group)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	group = (group & UINT64_C(0xfffff00000)) << 12 | (group & UINT64_C(0xfffff));
	group = (group & UINT64_C(0x000ffc00000ffc00)) << 6 | (group & UINT64_C(0x000003ff000003ff));
	group = (group & UINT64_C(0x03e003e003e003e0)) << 3 | (group & UINT64_C(0x001f001f001f001f));
	uint64_t letters = (group + (0x80 - 10) * ones) >> 7 & ones; /* 1 where the value is 10 or more */
	return group + '0' * ones + letters * ('a' - '0' - 10);
}

void base32hex_encode(const uint8_t *bytes, size_t len, uint8_t *out)
{
	for (; len >= GROUP_OCTETS; len -= GROUP_OCTETS, bytes += GROUP_OCTETS, out += GROUP_DIGITS) {
		uint64_t digits = group_digits((uint64_t)get_u32(bytes) << 8 | bytes[4]);
		put_u32(out, (uint32_t)(digits >> 32));
		put_u32(out + 4, (uint32_t)digits);
	}
}

/* Value of a digit and 1; 0: no digit. A table, as a signed zone has a name of 32 random digits for each of its own. */
static const uint8_t values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['g'] = 17, ['h'] = 18, ['i'] = 19, ['j'] = 20, ['k'] = 21, ['l'] = 22, ['m'] = 23, ['n'] = 24,
	['o'] = 25, ['p'] = 26, ['q'] = 27, ['r'] = 28, ['s'] = 29, ['t'] = 30, ['u'] = 31, ['v'] = 32,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['G'] = 17, ['H'] = 18,
	['I'] = 19, ['J'] = 20, ['K'] = 21, ['L'] = 22, ['M'] = 23, ['N'] = 24, ['O'] = 25, ['P'] = 26,
	['Q'] = 27, ['R'] = 28, ['S'] = 29, ['T'] = 30, ['U'] = 31, ['V'] = 32,
};

int base32hex_decode(const uint8_t *text, size_t text_len, uint8_t *out)
{
	if (text_len % GROUP_DIGITS != 0) {
		return BH_EMALFORMED;
	}
	for (; text_len > 0; text_len -= GROUP_DIGITS, text += GROUP_DIGITS) {
		uint64_t group = 0;
		for (unsigned i = 0; i < GROUP_DIGITS; i++) {
			unsigned value = values[text[i]];
			if (value == 0) {
				return BH_EMALFORMED;
			}
			group = group << 5 | (value - 1);
		}
		for (unsigned i = GROUP_OCTETS; i-- > 0;) {
			*out++ = (uint8_t)(group >> 8 * i);
		}
	}
	return BH_OK;
}
