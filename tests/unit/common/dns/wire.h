/*
 * Wire bytes in tests: hex text with comments left outside, names from text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_COMMON_DNS_WIRE_H
#define BULKHEAD_TESTS_UNIT_COMMON_DNS_WIRE_H

#include "common/dns/dname.h"

#include <criterion/criterion.h>
#include <string.h>

struct wire {
	uint8_t bytes[4096];
	size_t len;
};

/* Hex digits, blanks ignored. */
static inline struct wire wire_of(const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	struct wire w = { .len = 0 };
	unsigned half = 0;
	for (; *hex != '\0'; hex++) {
		const char *digit = strchr(digits, *hex);
		if (*hex == ' ') {
			continue;
		}
		cr_assert(digit != NULL && w.len < sizeof(w.bytes), "bad hex in a test: %s", hex);
		w.bytes[w.len] = (uint8_t)(w.bytes[w.len] << 4 | (digit - digits));
		w.len += half;
		half ^= 1;
	}
	cr_assert_eq(half, 0u, "half an octet in a test");
	return w;
}

static inline void wire_add(struct wire *w, const void *bytes, size_t len)
{
	cr_assert_leq(len, sizeof(w->bytes) - w->len);
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
}

static inline void wire_add_hex(struct wire *w, const char *hex)
{
	struct wire more = wire_of(hex);
	wire_add(w, more.bytes, more.len);
}

struct name {
	uint8_t wire[DNAME_MAX];
	size_t len;
};

static inline struct name name_of(const char *text)
{
	struct name n;
	int len = dname_from_text(text, n.wire);
	cr_assert_gt(len, 0, "bad name in a test: %s", text);
	n.len = (size_t)len;
	return n;
}

/* A name of exactly len octets: labels as long as can be, letters `fill`. */
static inline struct name name_of_len(size_t len, uint8_t fill)
{
	struct name n = { .len = 0 };
	cr_assert(len >= 1 && len <= DNAME_MAX && len != 2);
	while (n.len < len - 1) {
		size_t label = len - 1 - n.len - 1;
		if (label > LABEL_MAX) {
			label = len - 1 - n.len - 1 == LABEL_MAX + 1 ? LABEL_MAX - 1 : LABEL_MAX;
		}
		n.wire[n.len] = (uint8_t)label;
		memset(n.wire + n.len + 1, fill, label);
		n.len += label + 1;
	}
	n.wire[n.len++] = 0;
	return n;
}

#endif
