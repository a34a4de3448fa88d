/*
 * Hashing and comparing names eight octets at a time, letters folded. For common/dns and common/zone.
 *
 * Length octets of labels are below 64 and so never change by folding: a whole wire name can be folded
 * as one run of octets. Words are in the order of the machine, like everything in an image.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_FOLD_H
#define BULKHEAD_COMMON_DNS_FOLD_H

#include "common/dns/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ASCII lower case of eight octets at once. */
static inline uint64_t fold_word(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = word & (0x7f * ones);
	uint64_t from_a = low + (0x80 - 'A') * ones;  /* bit 7: octet & 0x7f >= 'A' */
	uint64_t above_z = low + (0x7f - 'Z') * ones; /* bit 7: octet & 0x7f > 'Z' */
	uint64_t upper = (from_a ^ above_z) & ~word & (0x80 * ones);
	return word | upper >> 2;
}

static inline uint64_t fold_load64(const uint8_t *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t fold_load32(const uint8_t *p)
{
	uint32_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* Fewer than eight octets as one word; only together with n it tells them apart. */
static inline uint64_t fold_load_tail(const uint8_t *p, size_t n)
{
	if (n >= 4) {
		return fold_load32(p) | fold_load32(p + n - 4) << ((n - 4) * 8);
	}
	return n == 0 ? 0 : p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16;
}

/*
 * Carry a hash over n < 256 octets. Each step is a bijection of the state (odd multiplier, xor with
 * itself shifted), so nothing of what came before is lost.
 */
static inline uint64_t fold_hash(uint64_t hash, const uint8_t *p, size_t n)
{
	size_t left = n;
	for (; left >= 8; p += 8, left -= 8) {
		hash = (hash ^ fold_word(fold_load64(p))) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	hash = (hash ^ fold_word(fold_load_tail(p, left)) ^ (uint64_t)n << 56) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

static inline bool fold_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	if (n < 8) {
		return fold_word(fold_load_tail(a, n)) == fold_word(fold_load_tail(b, n));
	}
	for (size_t i = 0; i + 8 < n; i += 8) {
		if (fold_word(fold_load64(a + i)) != fold_word(fold_load64(b + i))) {
			return false;
		}
	}
	return fold_word(fold_load64(a + n - 8)) == fold_word(fold_load64(b + n - 8));
}

/* RFC 4034 6.1: two labels as left-justified octet strings, letters folded; absence sorts first. */
static inline int fold_label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned min = a[0] < b[0] ? a[0] : b[0];
	for (unsigned i = 1; i <= min; i++) {
		int diff = (int)dname_fold(a[i]) - (int)dname_fold(b[i]);
		if (diff != 0) {
			return diff;
		}
	}
	return (int)a[0] - (int)b[0];
}

#endif
