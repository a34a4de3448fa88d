/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/rand.h"

#include <criterion/criterion.h>

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
