/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/rand.h"

#include <criterion/criterion.h>

/* Vectors of the SipHash-2-4 paper: key 00..0f, input 00, 00 01, ...; first, eighth and last here. */
Test(rand, siphash_matches_published_vectors)
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

Test(rand, below_stays_below_and_reaches_every_value)
{
	unsigned seen[5] = { 0 };
	for (int i = 0; i < 5000; i++) {
		uint32_t v = rand_below(5);
		cr_assert_lt(v, 5u);
		seen[v]++;
	}
	for (int i = 0; i < 5; i++) {
		cr_assert_gt(seen[i], 700u);
	}
}

Test(rand, bytes_do_not_repeat_across_refills)
{
	uint64_t last = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rand_u64();
		cr_assert_neq(v, last);
		last = v;
	}
}
