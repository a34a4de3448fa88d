/*
 * The shelf against a plain model, and under floods. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/shelf.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct thing {
	uint64_t until_ms;
	uint32_t number;
	uint32_t len;
	uint8_t fill[];
};

static bool is_worth(const void *ctx, const void *entry, uint64_t now_ms)
{
	(void)ctx;
	return ((const struct thing *)entry)->until_ms > now_ms;
}

static struct shelf *make(uint64_t bytes, unsigned parts)
{
	struct shelf_options options = { .max_bytes = bytes, .part_count = parts, .shares = { 1, 1, 1, 1 },
					 .entry_usual = 128, .worth = is_worth };
	struct shelf *shelf = shelf_new(&options);
	cr_assert_not_null(shelf);
	return shelf;
}

static uint32_t hash_of(uint32_t number)
{
	return number * UINT32_C(2654435761) >> 3; /* several numbers share a hash */
}

static struct thing *find(const struct shelf *shelf, uint32_t number)
{
	struct thing *thing = shelf_first(shelf, hash_of(number));
	while (thing != NULL && thing->number != number) {
		thing = shelf_next(shelf, thing);
	}
	return thing;
}

static struct thing *add(struct shelf *shelf, unsigned part, uint32_t number, uint32_t len, uint64_t until_ms,
			 uint64_t now_ms)
{
	struct thing *thing =
		shelf_add(shelf, part, hash_of(number), sizeof(*thing) + len, find(shelf, number), now_ms);
	if (thing != NULL) {
		*thing = (struct thing){ .until_ms = until_ms, .number = number, .len = len };
		memset(thing->fill, (int)number, len);
	}
	return thing;
}

static void expect_whole(const struct thing *thing, uint32_t number)
{
	cr_assert_eq(thing->number, number);
	for (uint32_t i = 0; i < thing->len; i++) {
		cr_assert_eq(thing->fill[i], (uint8_t)number, "octet %u of %u", i, number);
	}
}

static uint32_t next(uint32_t *state)
{
	*state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
	return *state >> 8;
}

static bool pick_odd(const void *ctx, const void *entry)
{
	(void)ctx;
	return ((const struct thing *)entry)->number % 2 != 0;
}

/* Adding, replacing, using, removing and flushing in any order: what is found is whole, and is not what was removed. */
Test(shelf, holds_what_it_says_it_holds)
{
	enum { NUMBERS = 600, TURNS = 200000 };
	static bool removed[NUMBERS];
	for (uint32_t seed = 1; seed <= 3; seed++) {
		struct shelf *shelf = make(32768, 2);
		uint32_t state = seed;
		memset(removed, 0, sizeof(removed));
		for (unsigned turn = 0; turn < TURNS; turn++) {
			uint32_t number = next(&state) % NUMBERS;
			struct thing *thing = find(shelf, number);
			if (thing != NULL) {
				cr_assert_not(removed[number]);
				expect_whole(thing, number);
			}
			switch (next(&state) % 8) {
			case 0:
				if (thing != NULL) {
					shelf_remove(shelf, thing);
					removed[number] = true;
				}
				break;
			case 1:
			case 2:
				if (thing != NULL) {
					shelf_touch(thing);
				}
				break;
			default: {
				uint32_t len = next(&state) % (next(&state) % 8 == 0 ? 600 : 60);
				struct thing *made = add(shelf, number % 2, number, len, turn + next(&state) % 2000, turn);
				cr_assert_not_null(made);
				removed[number] = false;
				expect_whole(made, number);
			}
			}
			cr_assert_leq(shelf_bytes(shelf), 32768u);
			if (turn % 20011 == 20010) {
				uint64_t before = shelf_entries(shelf);
				uint64_t gone = shelf_flush(shelf, pick_odd, NULL);
				cr_assert_eq(shelf_entries(shelf), before - gone);
				cr_assert_eq(shelf_part_bytes(shelf, 1), 0u);
				for (uint32_t i = 1; i < NUMBERS; i += 2) {
					cr_assert_null(find(shelf, i));
				}
			}
		}
		uint64_t there = 0;
		for (uint32_t i = 0; i < NUMBERS; i++) {
			there += find(shelf, i) != NULL;
		}
		cr_assert_eq(there, shelf_entries(shelf));
		cr_assert_gt(shelf_evictions(shelf), 0u);
		shelf_free(shelf);
	}
}

Test(shelf, all_of_its_room_is_used)
{
	struct shelf *shelf = make(1 << 20, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		cr_assert_not_null(add(shelf, 0, i, 100, 1000, 1));
	}
	cr_assert_gt(shelf_bytes(shelf), (1u << 20) / 100 * 99);
	cr_assert_leq(shelf_bytes(shelf), 1u << 20);
	shelf_free(shelf);
}

Test(shelf, what_is_over_goes_before_what_is_not)
{
	struct shelf *shelf = make(1 << 20, 1);
	for (uint32_t i = 0; i < 6000; i++) { /* about 6800 have room */
		cr_assert_not_null(add(shelf, 0, i, 100, i % 2 == 0 ? 10 : 1000, 1));
	}
	for (uint32_t i = 6000; i < 9000; i++) {
		cr_assert_not_null(add(shelf, 0, i, 100, 1000, 20));
	}
	cr_assert_eq(shelf_evictions(shelf), 0u, "there was room where the expired ones were");
	for (uint32_t i = 1; i < 6000; i += 2) {
		cr_assert_not_null(find(shelf, i), "%u", i);
	}
	shelf_free(shelf);
}

Test(shelf, too_large_is_refused_and_takes_nothing_away)
{
	struct shelf *shelf = make(65536, 1);
	cr_assert_not_null(add(shelf, 0, 7, 10, 1000, 1));
	cr_assert_null(add(shelf, 0, 7, 65536 / SHELF_ENTRY_SHARE, 1000, 1));
	cr_assert_not_null(find(shelf, 7));
	cr_assert_not_null(add(shelf, 0, 8, 65536 / SHELF_ENTRY_SHARE - 400, 1000, 1));
	shelf_free(shelf);
	struct shelf_options none = { .max_bytes = 256, .part_count = 1, .shares = { 1 }, .entry_usual = 128,
				      .worth = is_worth };
	cr_assert_null(shelf_new(&none));
}

Test(shelf, parts_leave_each_other_alone)
{
	struct shelf *shelf = make(65536, 4);
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert_not_null(add(shelf, 3, i, 20, 1000, 1));
	}
	for (uint32_t i = 100; i < 10000; i++) {
		cr_assert_not_null(add(shelf, i % 3, i, 20, 1000, 1));
	}
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert_not_null(find(shelf, i));
	}
	shelf_free(shelf);
}

/*
 * A set that is in use, with questions spread evenly over it, against a flood of ten times as many octets as the shelf
 * has. Each of the set is used four times, about, while the flood brings so many new ones as there is room for.
 */
static unsigned hit_percent(unsigned junk_uses, unsigned renew_every)
{
	enum { POPULAR = 500, ROOM = 4400 };
	struct shelf *shelf = make(1 << 20, 1); /* about 4400 entries */
	uint32_t state = 5;
	unsigned hits = 0;
	unsigned asked = 0;
	for (uint32_t i = 0; i < POPULAR; i++) {
		cr_assert_not_null(add(shelf, 0, i, 190, 1 << 30, 1));
		shelf_touch(find(shelf, i));
	}
	for (uint32_t i = 0; i < 10 * ROOM; i++) {
		add(shelf, 0, 100000 + i, 190, 1 << 30, 1);
		for (unsigned k = 0; k < junk_uses; k++) {
			shelf_touch(find(shelf, 100000 + i));
		}
		if (i % (ROOM / POPULAR / 4) == 0) {
			uint32_t number = next(&state) % POPULAR;
			struct thing *thing = find(shelf, number);
			hits += thing != NULL;
			asked++;
			if (thing == NULL || (renew_every != 0 && next(&state) % renew_every == 0)) {
				add(shelf, 0, number, 190, 1 << 30, 1);
			} else {
				shelf_touch(thing);
			}
		}
	}
	shelf_free(shelf);
	return hits * 100 / asked;
}

Test(shelf, what_is_not_used_any_more_makes_room_in_the_end)
{
	struct shelf *shelf = make(1 << 20, 1);
	for (uint32_t i = 0; i < 4000; i++) {
		cr_assert_not_null(add(shelf, 0, i, 190, 1000, 1));
		shelf_touch(find(shelf, i));
	}
	unsigned old = 0;
	for (uint32_t i = 0; i < 100 * 4000; i++) {
		add(shelf, 0, 100000 + i, 190, 1000, 1);
	}
	for (uint32_t i = 0; i < 4000; i++) {
		old += find(shelf, i) != NULL;
	}
	cr_expect_eq(old, 0u);
	shelf_free(shelf);
}

Test(shelf, a_flood_does_not_push_out_what_is_in_use)
{
	cr_expect_geq(hit_percent(0, 0), 98u, "names asked once");
	cr_expect_geq(hit_percent(0, 3), 98u, "and entries of the set are replaced by newer ones now and then");
	cr_expect_geq(hit_percent(1, 0), 90u, "names asked twice");
	cr_expect_geq(hit_percent(1, 3), 90u, "names asked twice, with newer ones");
}

static uint64_t resident_bytes(void)
{
	unsigned long total = 0;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%lu %lu", &total, &resident), 2);
	cr_assert_eq(fclose(file), 0);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Also where malloc fills what it hands out, as in a process through which internal answers pass. */
Test(shelf, takes_memory_as_it_is_filled)
{
	const uint64_t size = 64 << 20;
	(void)mallopt(M_PERTURB, 0x5a);
	uint64_t before = resident_bytes();
	struct shelf *shelf = make(size, 1);
	cr_assert_lt(resident_bytes() - before, size / 8);
	for (uint32_t i = 0; i < 1000; i++) {
		cr_assert_not_null(add(shelf, 0, i, 1000, 1000, 0));
	}
	cr_assert_lt(resident_bytes() - before, size / 8);
	shelf_free(shelf);
}
