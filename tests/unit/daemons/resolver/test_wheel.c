/*
 * Deadlines: none early, none lost. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/wheel.h"

#include "common/util/rand.h"

#include <criterion/criterion.h>
#include <stdbool.h>

#define ENTRIES 2000

Test(wheel, every_deadline_comes_in_its_time)
{
	static struct wheel wheel;
	static struct wheel_entry entries[ENTRIES];
	static bool gone[ENTRIES];
	static const uint64_t steps[] = { 0, 1, WHEEL_TICK_MS - 1, WHEEL_TICK_MS, 777,
					  WHEEL_TICK_MS * WHEEL_SLOTS - 1, WHEEL_TICK_MS * WHEEL_SLOTS * 3 };
	uint64_t now = 123456789;
	unsigned left = 0;
	wheel_init(&wheel, now);
	for (unsigned i = 0; i < ENTRIES; i++) { /* up to four rounds ahead, and some in the past */
		wheel_add(&wheel, &entries[i], now - 50 + rand_below(4 * WHEEL_SLOTS * WHEEL_TICK_MS));
		left++;
	}
	for (unsigned i = 0; i < ENTRIES; i += 3) {
		wheel_remove(&wheel, &entries[i]);
		wheel_remove(&wheel, &entries[i]); /* twice is nothing */
		gone[i] = true;
		left--;
	}
	cr_assert_eq(wheel.count, left);
	for (unsigned turn = 0; left > 0; turn++) {
		struct wheel_entry *entry;
		cr_assert_lt(turn, 100000u);
		while ((entry = wheel_pop(&wheel, now)) != NULL) {
			cr_assert_leq(entry->at_ms, now, "not early");
			cr_assert_not(gone[entry - entries], "each once");
			gone[entry - entries] = true;
			left--;
		}
		for (unsigned i = 0; i < ENTRIES; i++) {
			cr_assert(gone[i] || entries[i].at_ms > now, "not late");
		}
		now += steps[rand_below(turn < 300 ? 5 : 7)];
	}
	cr_assert_eq(wheel.count, 0u);
}

Test(wheel, what_is_added_while_it_turns_is_not_missed)
{
	static struct wheel wheel;
	struct wheel_entry a = { .link = NULL };
	struct wheel_entry b = { .link = NULL };
	wheel_init(&wheel, 1000);
	wheel_add(&wheel, &a, 1100);
	cr_assert_null(wheel_pop(&wheel, 1099));
	cr_assert_eq(wheel_pop(&wheel, 5000), &a);
	wheel_add(&wheel, &b, 1200); /* long past */
	cr_assert_eq(wheel_pop(&wheel, 5000), &b);
	cr_assert_null(wheel_pop(&wheel, 5000));
	wheel_add(&wheel, &a, 5001); /* in the tick that was looked at */
	cr_assert_eq(wheel_pop(&wheel, 5001), &a);
}
