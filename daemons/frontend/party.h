/*
 * Who waits, and for how many answers: a record for each prefix of client addresses that waits for any, found by
 * the prefix, and the heaviest found at once. Memory is bounded by the waiters. For pending.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_PARTY_H
#define BULKHEAD_DAEMONS_FRONTEND_PARTY_H

#include "common/util/addr.h"
#include "common/util/siphash.h"

#include <sys/queue.h>

enum {
	/* Chains; more parties only make them longer. */
	PARTY_BUCKETS = 4096,
	/* Parties are sorted by the bit length of what they wait for: pending tables are below 2^31. */
	PARTY_WEIGHTS = 32,
};

struct waiter;
TAILQ_HEAD(waiter_line, waiter);

struct party {
	LIST_ENTRY(party) entry;
	TAILQ_ENTRY(party) weight_entry;
	struct addr addr; /* of the first one of it; the prefix counts */
	uint32_t waiting;
	struct waiter_line line; /* oldest first; kept by the owner */
};

LIST_HEAD(party_list, party);
TAILQ_HEAD(party_weight, party);

struct party_table {
	struct siphash_key key;
	unsigned ipv6_octets; /* of an IPv6 address that make a party */
	struct party_list buckets[PARTY_BUCKETS];
	struct party_weight weights[PARTY_WEIGHTS];
};

void party_init(struct party_table *table, unsigned ipv6_octets);

/* NULL: it waits for nothing. */
struct party *party_find(struct party_table *table, const struct addr *addr);

/* One more answer that this address waits for. NULL: out of memory. */
struct party *party_join(struct party_table *table, const struct addr *addr);

/* One less. The last one takes the record with it. */
void party_leave(struct party_table *table, struct party *party);

/* One of those that wait for most, by powers of two; they take turns. NULL: nobody waits. */
struct party *party_heaviest(const struct party_table *table);

#endif
