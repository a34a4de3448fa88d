/*
 * Rings of entries in one block, and a table of chains over them. Places are counted in units of SHELF_UNIT octets
 * from the begin of the block; unit 0 is never used, so that 0 can mean none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/shelf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* One in so many units of a part is for what is new. */
#define SMALL_SHARE 8
/* Uses that are counted: so many rounds an entry survives without another one. */
#define USES_MAX 7
/* Entries that go round again for one that moves to the main ring: bounds the work of one shelf_add. */
#define ROUNDS_MAX 32
/* Entries that are looked at for room for one that was never used. */
#define SEARCH_MAX 4
/* Octets of an entry that are fetched ahead: an ordinary one. */
#define FETCH_OCTETS 256
/* One in so many of those that were never used takes a use from the one at the main ring's tail. */
#define AGING 8

struct slot {
	uint32_t chain; /* place of the next one, 0 at the end */
	uint32_t hash;
	uint32_t units; /* with this header */
	uint8_t ring;
	uint8_t uses;
	bool live; /* in the table; others only wait for the tail */
	uint8_t zero;
};
static_assert(sizeof(struct slot) == SHELF_UNIT, "a slot is one unit, so that any rest of a ring can hold one");

/* Entries stand from tail to head, round the end. Places are absolute. */
struct ring {
	uint32_t begin;
	uint32_t end;
	uint32_t head;
	uint32_t tail;
	uint32_t used; /* units from tail to head, with those that are not live */
};

struct shelf {
	struct shelf_options options;
	uint8_t *block;
	size_t block_size;
	uint32_t *table;
	uint32_t mask;
	struct ring rings[2 * SHELF_PARTS_MAX]; /* of part i: 2i small, 2i+1 main */
	uint64_t live_units[SHELF_PARTS_MAX];
	uint64_t entries;
	uint64_t evictions;
	unsigned unused; /* entries that left a small ring without having been used */
};

static struct slot *slot_at(const struct shelf *shelf, uint32_t place)
{
	return (struct slot *)(void *)(shelf->block + (size_t)place * SHELF_UNIT);
}

static uint32_t place_of(const struct shelf *shelf, const struct slot *slot)
{
	return (uint32_t)((size_t)((const uint8_t *)slot - shelf->block) / SHELF_UNIT);
}

static void *entry_of(struct slot *slot)
{
	return slot + 1;
}

static struct slot *slot_of(const void *entry)
{
	return (struct slot *)entry - 1;
}

static uint32_t units_of(size_t size)
{
	return (uint32_t)((size + SHELF_UNIT - 1) / SHELF_UNIT + 1);
}

static void ring_init(struct ring *ring, uint32_t begin, uint32_t units)
{
	*ring = (struct ring){ .begin = begin, .end = begin + units, .head = begin, .tail = begin };
}

/* It becomes resident as it is filled. Not malloc, which may have been told to fill what it hands out (M_PERTURB). */
static uint8_t *block_new(size_t size)
{
	void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return block == MAP_FAILED ? NULL : block;
}

struct shelf *shelf_new(const struct shelf_options *options)
{
	size_t buckets = 64;
	while (buckets < options->max_bytes / options->entry_usual && buckets < (size_t)1 << 28) {
		buckets *= 2;
	}
	uint64_t table_bytes = buckets * sizeof(uint32_t);
	uint64_t units = table_bytes < options->max_bytes ? (options->max_bytes - table_bytes) / SHELF_UNIT : 0;
	unsigned total = 0;
	for (unsigned i = 0; i < options->part_count; i++) {
		total += options->shares[i];
	}
	if (units > UINT32_MAX) {
		units = UINT32_MAX;
	}
	struct shelf *shelf = units > 1 ? calloc(1, sizeof(*shelf)) : NULL;
	if (shelf == NULL) {
		return NULL;
	}
	shelf->options = *options;
	shelf->mask = (uint32_t)(buckets - 1);
	shelf->table = calloc(buckets, sizeof(uint32_t));
	shelf->block_size = (size_t)units * SHELF_UNIT;
	shelf->block = block_new(shelf->block_size);
	if (shelf->table == NULL || shelf->block == NULL) {
		shelf_free(shelf);
		return NULL;
	}
	uint32_t begin = 1;
	for (unsigned i = 0; i < options->part_count; i++) {
		uint32_t own = (uint32_t)((units - 1) * options->shares[i] / total);
		ring_init(&shelf->rings[2 * i], begin, own / SMALL_SHARE);
		ring_init(&shelf->rings[2 * i + 1], begin + own / SMALL_SHARE, own - own / SMALL_SHARE);
		begin += own;
	}
	return shelf;
}

void shelf_free(struct shelf *shelf)
{
	if (shelf != NULL) {
		free(shelf->table);
		if (shelf->block != NULL) {
			(void)munmap(shelf->block, shelf->block_size); /* fails for what was not mapped only */
		}
		free(shelf);
	}
}

/* --- the table --- */

static struct slot *next_with_hash(const struct shelf *shelf, uint32_t place, uint32_t hash)
{
	while (place != 0) {
		struct slot *slot = slot_at(shelf, place);
		if (slot->hash == hash) {
			return slot;
		}
		place = slot->chain;
	}
	return NULL;
}

void *shelf_first(const struct shelf *shelf, uint32_t hash)
{
	struct slot *slot = next_with_hash(shelf, shelf->table[hash & shelf->mask], hash);
	return slot == NULL ? NULL : entry_of(slot);
}

void *shelf_next(const struct shelf *shelf, const void *entry)
{
	const struct slot *slot = slot_of(entry);
	struct slot *next = next_with_hash(shelf, slot->chain, slot->hash);
	return next == NULL ? NULL : entry_of(next);
}

void shelf_look(const struct shelf *shelf, uint32_t hash)
{
	__builtin_prefetch(&shelf->table[hash & shelf->mask]);
}

void shelf_fetch(const struct shelf *shelf, uint32_t hash)
{
	const uint8_t *slot = shelf->block + (size_t)shelf->table[hash & shelf->mask] * SHELF_UNIT;
	for (unsigned i = 0; i < FETCH_OCTETS; i += 64) {
		__builtin_prefetch(slot + i);
	}
}

/* Where the place of a live slot is written. */
static uint32_t *link_to(const struct shelf *shelf, const struct slot *slot)
{
	uint32_t place = place_of(shelf, slot);
	uint32_t *link = &shelf->table[slot->hash & shelf->mask];
	while (*link != place) {
		link = &slot_at(shelf, *link)->chain;
	}
	return link;
}

void shelf_touch(void *entry)
{
	struct slot *slot = slot_of(entry);
	if (slot->uses < USES_MAX) {
		slot->uses++;
	}
}

void shelf_remove(struct shelf *shelf, void *entry)
{
	struct slot *slot = slot_of(entry);
	assert(slot->live);
	*link_to(shelf, slot) = slot->chain;
	slot->live = false;
	shelf->entries--;
	shelf->live_units[slot->ring / 2] -= slot->units;
}

/* --- rings --- */

static void ring_release_tail(struct shelf *shelf, struct ring *ring)
{
	const struct slot *slot = slot_at(shelf, ring->tail);
	ring->used -= slot->units;
	ring->tail += slot->units;
	if (ring->tail == ring->end) {
		ring->tail = ring->begin;
	}
}

/* Is there room for so many units in one piece at the head? A rest before the end that is too short is given up. */
static bool ring_has_room(struct shelf *shelf, struct ring *ring, uint32_t units)
{
	if (ring->used == 0) {
		ring->head = ring->tail = ring->begin;
	}
	if (ring->used == 0 || ring->head > ring->tail) {
		uint32_t rest = ring->end - ring->head;
		if (rest >= units) {
			return true;
		}
		if (ring->used == 0) {
			return false;
		}
		*slot_at(shelf, ring->head) = (struct slot){ .units = rest };
		ring->used += rest;
		ring->head = ring->begin;
	}
	return ring->head < ring->tail && ring->tail - ring->head >= units;
}

/* After ring_has_room. */
static uint32_t ring_take_head(struct ring *ring, uint32_t units)
{
	uint32_t place = ring->head;
	ring->head += units;
	ring->used += units;
	if (ring->head == ring->end) {
		ring->head = ring->begin;
	}
	return place;
}

/* The live slot at `from` stands at `to` from now on; the two may overlap. */
static void move(struct shelf *shelf, struct slot *from, uint32_t to, uint8_t ring)
{
	*link_to(shelf, from) = to;
	struct slot *slot = slot_at(shelf, to);
	memmove(slot, from, (size_t)from->units * SHELF_UNIT);
	slot->ring = ring;
}

static bool is_worth(const struct shelf *shelf, struct slot *slot, uint64_t now_ms)
{
	return shelf->options.worth(shelf->options.ctx, entry_of(slot), now_ms);
}

/* The slot at the tail goes round again. */
static void go_round(struct shelf *shelf, struct ring *ring, uint8_t number)
{
	struct slot *slot = slot_at(shelf, ring->tail);
	uint32_t units = slot->units;
	ring_release_tail(shelf, ring);
	/* Its own place is free now and joins what is free at the head: there is always room. */
	bool fits = ring_has_room(shelf, ring, units);
	assert(fits);
	move(shelf, slot, ring_take_head(ring, units), number);
}

static void drop_tail(struct shelf *shelf, struct ring *ring)
{
	struct slot *slot = slot_at(shelf, ring->tail);
	if (slot->live) {
		shelf_remove(shelf, entry_of(slot));
	}
	ring_release_tail(shelf, ring);
}

/* What is at the tail of a main ring loses a use and goes round, or has none and goes. True: it went round. */
static bool age_tail(struct shelf *shelf, struct ring *ring, uint8_t number)
{
	struct slot *slot = slot_at(shelf, ring->tail);
	if (slot->uses > 0) {
		slot->uses--;
		go_round(shelf, ring, number);
		return true;
	}
	drop_tail(shelf, ring);
	shelf->evictions++;
	return false;
}

/* Room in a main ring for one that was used: something is pushed out for it. */
static void make_main_room(struct shelf *shelf, struct ring *ring, uint8_t number, uint32_t units, uint64_t now_ms)
{
	unsigned rounds = 0;
	while (!ring_has_room(shelf, ring, units)) {
		struct slot *slot = slot_at(shelf, ring->tail);
		if (!slot->live || !is_worth(shelf, slot, now_ms)) {
			drop_tail(shelf, ring);
		} else {
			slot->uses = rounds < ROUNDS_MAX ? slot->uses : 0;
			rounds += age_tail(shelf, ring, number);
		}
	}
}

/*
 * Room for one that was never used: what is free, or not worth its room, as far as it is found with a few steps.
 * Now and then one at the tail grows older, so that what is not used any more makes room in the end.
 */
static bool find_main_room(struct shelf *shelf, struct ring *ring, uint8_t number, uint32_t units, uint64_t now_ms)
{
	bool ages = ++shelf->unused % AGING == 0;
	for (unsigned steps = 0; !ring_has_room(shelf, ring, units); steps++) {
		struct slot *slot = slot_at(shelf, ring->tail);
		if (!slot->live || !is_worth(shelf, slot, now_ms)) {
			drop_tail(shelf, ring);
		} else if (steps < SEARCH_MAX) {
			go_round(shelf, ring, number);
		} else if (!ages || age_tail(shelf, ring, number)) {
			return false;
		}
	}
	return true;
}

/* The tail of a small ring becomes free: what stands there moves to the main ring, or is gone. */
static void yield_small(struct shelf *shelf, unsigned part, uint64_t now_ms)
{
	struct ring *small = &shelf->rings[2 * part];
	uint8_t number = (uint8_t)(2 * part + 1);
	struct ring *main = &shelf->rings[number];
	struct slot *slot = slot_at(shelf, small->tail);
	uint32_t units = slot->units;

	if (slot->live && is_worth(shelf, slot, now_ms)) {
		bool used = slot->uses > 0;
		if (used) {
			make_main_room(shelf, main, number, units, now_ms);
		}
		if (used || find_main_room(shelf, main, number, units, now_ms)) {
			slot->uses = (uint8_t)(slot->uses - used); /* that use is what brought it here */
			move(shelf, slot, ring_take_head(main, units), number);
			ring_release_tail(shelf, small); /* the octets there are still those of the slot */
			return;
		}
		shelf->evictions++;
	}
	drop_tail(shelf, small);
}

void *shelf_add(struct shelf *shelf, unsigned part, uint32_t hash, size_t size, void *replaced, uint64_t now_ms)
{
	struct ring *small = &shelf->rings[2 * part];
	struct ring *main = &shelf->rings[2 * part + 1];
	uint8_t uses = 0;

	if (size > (size_t)(main->end - small->begin) / SHELF_ENTRY_SHARE * SHELF_UNIT) {
		return NULL;
	}
	uint32_t units = units_of(size);
	if (replaced != NULL) {
		const struct slot *old = slot_of(replaced);
		uses = (uint8_t)(old->uses + (old->uses < USES_MAX));
		shelf_remove(shelf, replaced);
	}
	while (!ring_has_room(shelf, small, units)) {
		yield_small(shelf, part, now_ms);
	}
	uint32_t place = ring_take_head(small, units);
	uint32_t *bucket = &shelf->table[hash & shelf->mask];
	struct slot *slot = slot_at(shelf, place);
	*slot = (struct slot){ .chain = *bucket, .hash = hash, .units = units, .ring = (uint8_t)(2 * part),
			       .uses = uses, .live = true };
	*bucket = place;
	shelf->entries++;
	shelf->live_units[part] += units;
	return entry_of(slot);
}

uint64_t shelf_flush(struct shelf *shelf, shelf_pick_fn *pick, const void *ctx)
{
	uint64_t gone = 0;
	for (unsigned i = 0; i < 2 * shelf->options.part_count; i++) {
		struct ring *ring = &shelf->rings[i];
		uint32_t place = ring->tail;
		for (uint32_t left = ring->used; left > 0;) {
			struct slot *slot = slot_at(shelf, place);
			if (slot->live && (pick == NULL || pick(ctx, entry_of(slot)))) {
				shelf_remove(shelf, entry_of(slot));
				gone++;
			}
			left -= slot->units;
			place += slot->units;
			if (place == ring->end) {
				place = ring->begin;
			}
		}
	}
	return gone;
}

uint64_t shelf_entries(const struct shelf *shelf)
{
	return shelf->entries;
}

uint64_t shelf_part_bytes(const struct shelf *shelf, unsigned part)
{
	return shelf->live_units[part] * SHELF_UNIT;
}

uint64_t shelf_bytes(const struct shelf *shelf)
{
	uint64_t bytes = ((uint64_t)shelf->mask + 1) * sizeof(uint32_t);
	for (unsigned i = 0; i < shelf->options.part_count; i++) {
		bytes += shelf_part_bytes(shelf, i);
	}
	return bytes;
}

uint64_t shelf_evictions(const struct shelf *shelf)
{
	return shelf->evictions;
}
