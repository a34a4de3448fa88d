/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/siphash.h"

#include <criterion/criterion.h>

/* Vectors of the SipHash-2-4 paper: key 00..0f, input 00, 00 01, ...; first, eighth and last here. */
Test(siphash, matches_published_vectors)
{
	const struct siphash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t in[64];
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = (uint8_t)i;
	}
	cr_assert_eq(siphash(&key, in, 0), UINT64_C(0x726fdb47dd0e0e31));
	cr_assert_eq(siphash(&key, in, 1), UINT64_C(0x74f839c593dc67fd));
	cr_assert_eq(siphash(&key, in, 15), UINT64_C(0xa129ca6149be45e5));
}

/* No vectors are published for it: what tables need is that every bit of words and key counts. */
Test(siphash, words_depends_on_every_bit)
{
	union {
		uint64_t u64[5];
		struct {
			uint64_t words[3];
			struct siphash_key key;
		} in;
	} u = { .u64 = { 1, 2, 3, 4, 5 } };
	const uint64_t want = siphash_words(&u.in.key, u.in.words);
	for (unsigned bit = 0; bit < 5 * 64; bit++) {
		u.u64[bit / 64] ^= UINT64_C(1) << bit % 64;
		uint64_t differs = siphash_words(&u.in.key, u.in.words) ^ want;
		cr_expect_gt(__builtin_popcountll(differs), 8, "bit %u", bit);
		u.u64[bit / 64] ^= UINT64_C(1) << bit % 64;
	}
	cr_expect_eq(siphash_words(&u.in.key, u.in.words), want);
}
