/*
 * Deadlines of many waiting things: one timer of the event loop turns a wheel of lists, so that setting and
 * taking back a deadline, which nearly every query does, is a few stores instead of the work of a heap.
 *
 * Deadlines are never early and at most one turn of the timer (WHEEL_TICK_MS) late. The wheel allocates nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_WHEEL_H
#define BULKHEAD_DAEMONS_RESOLVER_WHEEL_H

#include <stdint.h>

#define WHEEL_TICK_MS 16
/* A power of two: 512 ticks are 8 s, longer than a server is waited for. What is later stays for another round. */
#define WHEEL_SLOTS 512

/* Part of what waits; zero: not in a wheel. */
struct wheel_entry {
	struct wheel_entry *next;
	struct wheel_entry **link; /* what points here */
	uint64_t at_ms;
};

struct wheel {
	uint64_t tick; /* all before this one were looked at */
	unsigned count;
	struct wheel_entry *slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
/* The entry must not be in a wheel. A time that has passed already is due at once. */
void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t at_ms);
/* Nothing happens to one that is in no wheel. */
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry);
/* Take out one that is due, or NULL. To be called until then. */
struct wheel_entry *wheel_pop(struct wheel *wheel, uint64_t now_ms);

#endif
