/*
 * The suffix table: an open hash table over names, walked one label at a time from the root with a
 * hash that grows with each label. Its content comes from the configuration alone, so a stranger
 * cannot make a chain longer; the hash needs no key.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/split.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"

#include <stdlib.h>

struct split_entry {
	uint64_t hash;
	unsigned flags; /* 0: free */
	uint8_t name[DNAME_MAX];
};

struct split {
	struct split_entry *slots;
	size_t room; /* power of two, or 0 */
	size_t count;
	unsigned depth; /* labels of the longest name */
};

#define ROOT_HASH UINT64_C(0xcbf29ce484222325)

/* FNV-1a over one label, letters folded, continuing from the hash of the labels to its right. */
static uint64_t hash_label(uint64_t hash, const uint8_t *label)
{
	for (unsigned i = 0; i <= label[0]; i++) {
		hash = (hash ^ dname_fold(label[i])) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static unsigned collect_labels(const uint8_t *name, const uint8_t *labels[DNAME_LABELS_MAX])
{
	unsigned count = 0;
	for (; *name != 0 && count < DNAME_LABELS_MAX; name = dname_parent(name)) {
		labels[count++] = name;
	}
	return count;
}

static uint64_t hash_name(const uint8_t *name)
{
	const uint8_t *labels[DNAME_LABELS_MAX];
	uint64_t hash = ROOT_HASH;
	for (unsigned count = collect_labels(name, labels); count > 0; count--) {
		hash = hash_label(hash, labels[count - 1]);
	}
	return hash;
}

/* The slot of a name, or the free one where it would go; NULL when there is no table. */
static struct split_entry *find_slot(const struct split *split, uint64_t hash, const uint8_t *name)
{
	if (split->room == 0) {
		return NULL;
	}
	size_t at = (size_t)(hash ^ hash >> 32) & (split->room - 1);
	while (split->slots[at].flags != 0 &&
	       (split->slots[at].hash != hash || !dname_equal(split->slots[at].name, name))) {
		at = (at + 1) & (split->room - 1); /* a free slot always remains */
	}
	return &split->slots[at];
}

static unsigned find_flags(const struct split *split, uint64_t hash, const uint8_t *name)
{
	const struct split_entry *slot = find_slot(split, hash, name);
	return slot == NULL ? 0 : slot->flags;
}

struct split *split_new(void)
{
	return calloc(1, sizeof(struct split));
}

void split_free(struct split *split)
{
	if (split != NULL) {
		free(split->slots);
		free(split);
	}
}

/* Twice the room, at most half full. */
static int grow(struct split *split)
{
	struct split bigger = { .room = split->room == 0 ? 16 : split->room * 2 };
	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (bigger.slots == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < split->room; i++) {
		if (split->slots[i].flags != 0) {
			*find_slot(&bigger, split->slots[i].hash, split->slots[i].name) = split->slots[i];
		}
	}
	free(split->slots);
	split->slots = bigger.slots;
	split->room = bigger.room;
	return BH_OK;
}

int split_add(struct split *split, const uint8_t *name, unsigned flags)
{
	if ((split->count + 1) * 2 > split->room) {
		int rc = grow(split);
		if (rc != BH_OK) {
			return rc;
		}
	}
	uint64_t hash = hash_name(name);
	struct split_entry *slot = find_slot(split, hash, name);
	if (slot->flags == 0) {
		slot->hash = hash;
		dname_copy_lower(slot->name, name);
		split->count++;
	}
	slot->flags |= flags;
	unsigned labels = dname_label_count(name);
	split->depth = labels > split->depth ? labels : split->depth;
	return BH_OK;
}

static void apply(struct split_match *match, unsigned flags)
{
	if (flags & SPLIT_ZONE) {
		match->internal = true;
		match->overlay = (flags & SPLIT_OVERLAY) != 0;
		match->inside = true;
		match->own = true;
		match->stub = false;
	}
	if (flags & SPLIT_STUB) {
		match->internal = false;
		match->overlay = false;
		match->stub = true;
	}
	if (flags & SPLIT_REBIND) {
		match->own = true;
	}
}

struct split_match split_find(const struct split *split, const uint8_t *name, uint16_t qtype)
{
	struct split_match match = { .internal = false };
	const uint8_t *labels[DNAME_LABELS_MAX];
	static const uint8_t root[1] = { 0 };

	if (split->count == 0) {
		return match;
	}
	unsigned count = collect_labels(name, labels);
	uint64_t hash = ROOT_HASH;
	apply(&match, find_flags(split, hash, root));
	for (unsigned depth = 1; depth <= count && depth <= split->depth; depth++) {
		const uint8_t *suffix = labels[count - depth];
		hash = hash_label(hash, suffix);
		unsigned flags = find_flags(split, hash, suffix);
		if (depth == count && qtype == RR_DS) {
			flags &= ~(unsigned)SPLIT_STUB;
		}
		apply(&match, flags);
	}
	return match;
}

bool split_equal(const struct split *a, const struct split *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->room; i++) {
		const struct split_entry *e = &a->slots[i];
		if (e->flags != 0 && find_flags(b, e->hash, e->name) != e->flags) {
			return false;
		}
	}
	return true;
}
