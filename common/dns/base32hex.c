/*
 * Base32 with the extended hex alphabet. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"

#include "common/dns/dname.h"

#define GROUP_OCTETS 5
#define GROUP_DIGITS 8

void base32hex_encode(const uint8_t *bytes, size_t len, uint8_t *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	for (; len >= GROUP_OCTETS; len -= GROUP_OCTETS, bytes += GROUP_OCTETS) {
		uint64_t group = 0;
		for (unsigned i = 0; i < GROUP_OCTETS; i++) {
			group = group << 8 | bytes[i];
		}
		for (unsigned i = GROUP_DIGITS; i-- > 0;) {
			*out++ = (uint8_t)digits[group >> 5 * i & 31];
		}
	}
}

/* 32 and above: no digit. */
static unsigned digit_value(uint8_t c)
{
	c = dname_fold(c);
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'v' ? c - 'a' + 10u : 32u;
}

int base32hex_decode(const uint8_t *text, size_t text_len, uint8_t *out)
{
	if (text_len % GROUP_DIGITS != 0) {
		return BH_EMALFORMED;
	}
	for (; text_len > 0; text_len -= GROUP_DIGITS, text += GROUP_DIGITS) {
		uint64_t group = 0;
		for (unsigned i = 0; i < GROUP_DIGITS; i++) {
			unsigned value = digit_value(text[i]);
			if (value > 31) {
				return BH_EMALFORMED;
			}
			group = group << 5 | value;
		}
		for (unsigned i = GROUP_OCTETS; i-- > 0;) {
			*out++ = (uint8_t)(group >> 8 * i);
		}
	}
	return BH_OK;
}
