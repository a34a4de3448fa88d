/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/region.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(region, memory_is_zeroed_aligned_and_apart)
{
	struct region r;
	region_init(&r, 256, 1024 * 1024);
	uint8_t *last = NULL;
	for (size_t size = 0; size < 600; size += 7) {
		uint8_t *p = region_alloc(&r, size);
		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % _Alignof(max_align_t), 0u);
		for (size_t i = 0; i < size; i++) {
			cr_assert_eq(p[i], 0u);
		}
		memset(p, 0xa5, size);
		cr_assert(last == NULL || p != last);
		last = size == 0 ? NULL : p;
	}
	/* Memory that was used before is zeroed again. */
	region_reset(&r);
	uint8_t *p = region_alloc(&r, 200);
	for (size_t i = 0; i < 200; i++) {
		cr_assert_eq(p[i], 0u);
	}
	region_clear(&r);
}

Test(region, copies)
{
	struct region r;
	region_init(&r, 64, 4096);
	char *p = region_copy(&r, "bulkhead", 9);
	cr_assert_str_eq(p, "bulkhead");
	cr_assert_not_null(region_copy(&r, NULL, 0));
	region_clear(&r);
}

Test(region, ceiling_holds)
{
	struct region r;
	region_init(&r, 1024, 10 * 1024);
	size_t got = 0;
	while (region_alloc(&r, 512) != NULL) {
		got += 512;
		cr_assert_leq(r.used, 10u * 1024);
	}
	cr_assert_eq(got, 10u * 1024);
	cr_assert_null(region_alloc(&r, 1));
	region_reset(&r);
	cr_assert_not_null(region_alloc(&r, 1024));
	region_clear(&r);
	cr_assert_eq(r.used, 0u);
}

Test(region, ceiling_below_one_chunk_still_gives_what_it_allows)
{
	struct region r;
	region_init(&r, 4096, 1000);
	cr_assert_not_null(region_alloc(&r, 900));
	cr_assert_null(region_alloc(&r, 200));
	region_clear(&r);
}

Test(region, absurd_sizes_are_refused)
{
	struct region r;
	region_init(&r, 256, SIZE_MAX);
	for (size_t below = 0; below < 64; below++) {
		cr_assert_null(region_alloc(&r, SIZE_MAX - below));
	}
	cr_assert_eq(r.used, 0u);
	region_clear(&r);
}

Test(region, large_block_does_not_waste_the_chunk_in_use)
{
	struct region r;
	region_init(&r, 4096, 16 * 1024 * 1024);
	for (unsigned i = 0; i < 100; i++) {
		cr_assert_not_null(region_alloc(&r, 16));
		cr_assert_not_null(region_alloc(&r, 5000));
	}
	/* 100 large blocks, and one ordinary chunk for all the small ones. */
	cr_assert_leq(r.used, 100u * 5008 + 4096);
	region_clear(&r);
}

Test(region, reset_keeps_one_ordinary_chunk)
{
	struct region r;
	region_init(&r, 1024, 1024 * 1024);
	for (unsigned round = 0; round < 3; round++) {
		cr_assert_not_null(region_alloc(&r, 8000)); /* a large one comes first */
		for (unsigned i = 0; i < 50; i++) {
			cr_assert_not_null(region_alloc(&r, 100));
		}
		region_reset(&r);
		cr_assert_eq(r.used, 1024u);
	}
	region_reset(&r);
	cr_assert_eq(r.used, 1024u);
	region_clear(&r);
	cr_assert_eq(r.used, 0u);
	region_clear(&r);
	cr_assert_not_null(region_alloc(&r, 1));
	region_clear(&r);
}

Test(region, an_account_is_the_ceiling_of_all_and_gets_everything_back)
{
	struct region_account account = { .limit = 4096, .tight = 512 };
	struct region greedy;
	struct region modest[16];
	region_init(&greedy, 256, 1 << 20);
	region_share(&greedy, &account);
	unsigned got = 0;
	while (region_alloc(&greedy, 256) != NULL) {
		got++;
		cr_assert_lt(got, 100u);
	}
	cr_assert_eq(got, 9u, "up to the half and one chunk over it: %u", got);
	cr_assert_eq(account.used, greedy.used);
	unsigned served = 0;
	for (unsigned i = 0; i < 16; i++) {
		region_init(&modest[i], 256, 1 << 20);
		region_share(&modest[i], &account);
		served += region_alloc(&modest[i], 200) != NULL;
		cr_assert_leq(account.used, account.limit);
	}
	cr_assert_eq(served, (4096u - 9 * 256) / 256, "others have what is left: %u", served);
	region_clear(&modest[0]);
	cr_assert_not_null(region_alloc(&modest[15], 200));
	region_reset(&greedy);
	cr_assert_eq(greedy.used, 256u);
	region_wipe(&greedy);
	for (unsigned i = 0; i < 16; i++) {
		region_clear(&modest[i]);
	}
	cr_assert_eq(account.used, 0u);
}
