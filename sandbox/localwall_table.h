/*
 * The memory that the supervisor and the program in the kernel share. Written by one, read by the other:
 * localwall.c and localwall_program.c only.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_LOCALWALL_TABLE_H
#define BULKHEAD_SANDBOX_LOCALWALL_TABLE_H

#include "sandbox/walls.h"

#include <stdint.h>

/* A quarter of the slots is used at most, so that rules stand near the slot of their hash. */
#define LOCALWALL_SLOTS 32768
/* Slots looked at for one address; a table that would need more is refused when it is made. */
#define LOCALWALL_PROBES 32

#define LOCALWALL_HASH 0x9e3779b1u
#define LOCALWALL_HASH_SHIFT 16
#define LOCALWALL_USED 0x10000u

/* What a slot says, in bits. */
enum localwall_bits {
	LOCALWALL_BIT_REFUSE = 1,
	LOCALWALL_BIT_LOOPBACK = 2, /* with an unspecified address: of loopback addresses */
	LOCALWALL_BIT_OTHERS = 4,   /* of the others; for a single address: allowed, whichever it is */
};

/* Where a packet goes. IPv4 as IPv4-mapped IPv6. */
struct localwall_place {
	uint32_t addr[4]; /* network order */
	uint32_t port;	  /* network order in 16 bits, and LOCALWALL_USED */
};

struct localwall_slot {
	struct localwall_place place; /* port 0: an empty slot, where a search ends */
	uint32_t bits;
};

/* Open addressing: a place is at or behind (hash & mask). */
struct localwall_bank {
	uint32_t mask; /* slots in use less one; a power of two, so that small tables stay in the cache */
	uint32_t unused;
	struct localwall_slot slots[LOCALWALL_SLOTS];
};

/*
 * Of version LOCALWALL_VERSION: whoever changes it, or what the program makes of it, changes that too.
 *
 * Two banks: the one in force is read by packets, the other is filled and then put in force by one store. A reader
 * would have to sleep through a whole change of generation to see its bank written.
 */
struct localwall_table {
	uint64_t refused;
	uint32_t bank;
	uint32_t unused;
	struct localwall_bank banks[2];
};

static inline uint32_t localwall_hash(const struct localwall_place *p)
{
	return (p->addr[0] ^ p->addr[1] ^ p->addr[2] ^ p->addr[3] ^ p->port) * LOCALWALL_HASH >> LOCALWALL_HASH_SHIFT;
}

/* Load the program that reads the map of this descriptor; its descriptor, or -1 with errno. */
int localwall_program(int map_fd);

#endif
