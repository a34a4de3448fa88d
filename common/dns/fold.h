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

static inline uint64_t fold_load16(const uint8_t *p)
{
	uint16_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* How far to the left a value of `octets` octets goes to be in a word from octet `at` on. */
static inline unsigned fold_shift(size_t octets, size_t at)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)octets;
	return (unsigned)(8 * at);
#else
	return (unsigned)(8 * (8 - octets - at));
#endif
}

/* Fewer than eight octets as a word with zeros behind them; only together with n it tells them apart. */
static inline uint64_t fold_load_tail(const uint8_t *p, size_t n)
{
	if (n >= 4) { /* two parts that overlap */
		return fold_load32(p) << fold_shift(4, 0) | fold_load32(p + n - 4) << fold_shift(4, n - 4);
	}
	if (n >= 2) {
		return fold_load16(p) << fold_shift(2, 0) | fold_load16(p + n - 2) << fold_shift(2, n - 2);
	}
	return n == 0 ? 0 : (uint64_t)p[0] << fold_shift(1, 0);
}

/* The same where eight octets can be read: no branches. */
static inline uint64_t fold_load_padded(const uint8_t *p, size_t n)
{
	return fold_load64(p) & ((UINT64_C(1) << 8 * n) - 1) << (n == 0 ? 0 : fold_shift(n, 0));
}

/* Steps of a hash. Each is a bijection of the state, so nothing of what came before is lost. */
static inline uint64_t fold_hash_block(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static inline uint64_t fold_hash_end(uint64_t hash, uint64_t tail, size_t n)
{
	hash = (hash ^ tail ^ (uint64_t)n << 56) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* Carry a hash over n < 256 octets. */
static inline uint64_t fold_hash(uint64_t hash, const uint8_t *p, size_t n)
{
	size_t left = n;
	for (; left >= 8; p += 8, left -= 8) {
		hash = fold_hash_block(hash, fold_word(fold_load64(p)));
	}
	return fold_hash_end(hash, fold_word(fold_load_tail(p, left)), n);
}

/* The same over octets that are folded already, where eight more can be read behind them. */
static inline uint64_t fold_hash_padded(uint64_t hash, const uint8_t *p, size_t n)
{
	size_t left = n;
	for (; left >= 8; p += 8, left -= 8) {
		hash = fold_hash_block(hash, fold_load64(p));
	}
	return fold_hash_end(hash, fold_load_padded(p, left), n);
}

/* Octets at the end of a word before the last one that is not zero; the word is not zero. */
static inline size_t fold_zeros_behind(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (size_t)__builtin_clzll(word) / 8;
#else
	return (size_t)__builtin_ctzll(word) / 8;
#endif
}

/* Octets at the end that two runs of octets have in common. */
static inline size_t fold_common_suffix(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t left = a_len < b_len ? a_len : b_len;
	size_t same = 0;
	a += a_len - left;
	b += b_len - left;
	for (; left >= 8; left -= 8, same += 8) {
		uint64_t word_a = fold_load64(a + left - 8);
		uint64_t word_b = fold_load64(b + left - 8);
		if (word_a == word_b) {
			continue;
		}
		uint64_t differ = fold_word(word_a) ^ fold_word(word_b);
		if (differ != 0) {
			return same + fold_zeros_behind(differ);
		}
	}
	uint64_t differ = fold_word(fold_load_tail(a, left)) ^ fold_word(fold_load_tail(b, left));
	/* Behind the tail are 8 - left octets that are zero in both. */
	return same + (differ == 0 ? left : fold_zeros_behind(differ) - (8 - left));
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

/* The same where `lower` is folded already. */
static inline bool fold_equal_lower(const uint8_t *lower, const uint8_t *b, size_t n)
{
	if (n < 8) {
		return fold_load_tail(lower, n) == fold_word(fold_load_tail(b, n));
	}
	for (size_t i = 0; i + 8 < n; i += 8) {
		if (fold_load64(lower + i) != fold_word(fold_load64(b + i))) {
			return false;
		}
	}
	return fold_load64(lower + n - 8) == fold_word(fold_load64(b + n - 8));
}

/* RFC 4034 6.1: two labels as left-justified octet strings, letters folded; absence sorts first. */
static inline int fold_label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned min = a[0] < b[0] ? a[0] : b[0];
	unsigned i = 1;
	while (i + 7 <= min && fold_word(fold_load64(a + i)) == fold_word(fold_load64(b + i))) {
		i += 8;
	}
	for (; i <= min; i++) {
		if (a[i] != b[i] && dname_fold(a[i]) != dname_fold(b[i])) {
			return (int)dname_fold(a[i]) - (int)dname_fold(b[i]);
		}
	}
	return (int)a[0] - (int)b[0];
}

#endif
