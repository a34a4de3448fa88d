/*
 * The wheel of deadlines. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/wheel.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->tick = now_ms / WHEEL_TICK_MS;
}

void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t at_ms)
{
	uint64_t tick = at_ms / WHEEL_TICK_MS;
	tick = tick < wheel->tick ? wheel->tick : tick; /* slots of the past are not looked at */
	struct wheel_entry **slot = &wheel->slots[tick & (WHEEL_SLOTS - 1)];
	assert(entry->link == NULL);
	*entry = (struct wheel_entry){ .next = *slot, .link = slot, .at_ms = at_ms };
	if (*slot != NULL) {
		(*slot)->link = &entry->next;
	}
	*slot = entry;
	wheel->count++;
}

void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
	if (entry->link == NULL) {
		return;
	}
	*entry->link = entry->next;
	if (entry->next != NULL) {
		entry->next->link = entry->link;
	}
	entry->next = NULL;
	entry->link = NULL;
	wheel->count--;
}

struct wheel_entry *wheel_pop(struct wheel *wheel, uint64_t now_ms)
{
	uint64_t now_tick = now_ms / WHEEL_TICK_MS;
	if (now_tick > wheel->tick + WHEEL_SLOTS) {
		wheel->tick = now_tick - WHEEL_SLOTS; /* after a long sleep each slot is looked at once */
	}
	for (;;) {
		struct wheel_entry *entry = wheel->slots[wheel->tick & (WHEEL_SLOTS - 1)];
		while (entry != NULL && entry->at_ms > now_ms) {
			entry = entry->next;
		}
		if (entry != NULL) {
			wheel_remove(wheel, entry);
			return entry;
		}
		if (wheel->tick >= now_tick) {
			return NULL;
		}
		wheel->tick++;
	}
}
