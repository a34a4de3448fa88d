/*
 * A shelf: a bounded store of entries of any size, for caches. All memory is taken at its making: a table of
 * chains and one block in which entries stand one behind the other, so the limit holds to the octet, nothing is
 * allocated per entry and nothing falls apart into holes.
 *
 * A shelf has parts with their own room; what is put into one never pushes anything out of another. Each part is two
 * rings that are filled at the head and emptied at the tail. A new entry goes into the small ring. When it has reached
 * the tail there and was used meanwhile, it moves to the main ring, where entries that were used go round and
 * lose a use each time, and the first that has none left makes room. An entry that was never used moves only into
 * room that is free, or held by what is not worth it any more; else it is gone. So what is asked for once, by whoever
 * and in whatever numbers, passes through the small ring and does not push out what is in use (CVE-2023-2828 and its
 * kin), and a hit costs no more than one increment.
 *
 * An entry that takes the place of an older one of its user begins with that one's uses and one more.
 *
 * The shelf knows nothing of what it holds: it finds entries by a hash, the user compares keys. It owns its memory;
 * pointers to entries hold until the next shelf_add or shelf_flush.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_SHELF_H
#define BULKHEAD_COMMON_UTIL_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf;

#define SHELF_PARTS_MAX 4
/* Octets that an entry takes besides its own, and to whose multiple it is rounded up. */
#define SHELF_UNIT 16
/* No entry may take more than one in so many of its part. */
#define SHELF_ENTRY_SHARE 16

/* Is the entry still worth its room? Those that are not go first. */
typedef bool shelf_worth_fn(const void *ctx, const void *entry, uint64_t now_ms);

struct shelf_options {
	uint64_t max_bytes; /* for everything */
	unsigned part_count;
	unsigned shares[SHELF_PARTS_MAX]; /* of the room, relative to each other */
	unsigned entry_usual; /* octets of an ordinary entry, for the size of the table */
	shelf_worth_fn *worth;
	const void *ctx; /* of worth */
};

/* NULL: no memory, or too little room for anything. */
struct shelf *shelf_new(const struct shelf_options *options);
void shelf_free(struct shelf *shelf);

/* Entries with this hash, in no order: NULL at the end. Others with another hash may be among them. */
void *shelf_first(const struct shelf *shelf, uint32_t hash);
void *shelf_next(const struct shelf *shelf, const void *entry);

/*
 * Memory that shelf_first is going to read, fetched ahead of it: the chain's place in the table; and the first entry of the
 * chain, once the former is there.
 */
void shelf_look(const struct shelf *shelf, uint32_t hash);
void shelf_fetch(const struct shelf *shelf, uint32_t hash);

/* It was used. */
void shelf_touch(void *entry);

/*
 * Room for a new entry of size octets, aligned for a uint64_t, to be filled at once. replaced: an entry that it is
 * the successor of, or NULL; it is taken away. NULL: too large; then replaced is left where it is.
 */
void *shelf_add(struct shelf *shelf, unsigned part, uint32_t hash, size_t size, void *replaced, uint64_t now_ms);
/* Take an entry away; no pointer to it is valid any more. */
void shelf_remove(struct shelf *shelf, void *entry);

/* Take away every entry that the function picks (NULL: all); the number of them. */
typedef bool shelf_pick_fn(const void *ctx, const void *entry);
uint64_t shelf_flush(struct shelf *shelf, shelf_pick_fn *pick, const void *ctx);

/* Entries that are there. */
uint64_t shelf_entries(const struct shelf *shelf);
/* Octets of table and entries; those of one part's entries. */
uint64_t shelf_bytes(const struct shelf *shelf);
uint64_t shelf_part_bytes(const struct shelf *shelf, unsigned part);
/* Entries that were still worth their room when they had to go. */
uint64_t shelf_evictions(const struct shelf *shelf);

#endif
