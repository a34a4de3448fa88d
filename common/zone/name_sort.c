/*
 * Names are turned into keys that compare as plain octet strings, labels from the apex outwards, and
 * the keys are sorted by a quicksort that looks at eight octets at a time: most comparisons are of two
 * words that lie in the array itself. Zones that come from another server are sorted already, so that is
 * looked at first. Pivots are chosen by chance: whoever writes the text must not be able to choose an order that
 * costs the square of its length, and some orders that people do write would.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/name_sort.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Octets 0 and 1 in labels are escaped by 1, and each label ends with 0: at most twice the name. */
#define KEY_MAX (2 * DNAME_MAX)
#define WORD sizeof(uint64_t)
/* The largest key with its length. */
#define KEY_ROOM (KEY_MAX + sizeof(uint16_t))

struct item {
	uint64_t word; /* key octets at the depth of the moment, as a number */
	uint32_t key;  /* offset of the key: u16 length, octets */
	uint32_t id;
};

static size_t put_label(uint8_t *out, const uint8_t *label)
{
	size_t pos = 0;
	for (unsigned i = 1; i <= label[0]; i++) {
		uint8_t c = dname_fold(label[i]);
		if (c <= 1) {
			out[pos++] = 1;
			c++;
		}
		out[pos++] = c;
	}
	out[pos++] = 0;
	return pos;
}

static size_t make_key(uint8_t *out, const uint8_t *name, unsigned apex_labels)
{
	uint8_t at[DNAME_LABELS_MAX]; /* octets, not pointers: compilers may clear it for every name */
	unsigned count = 0;
	for (unsigned pos = 0; name[pos] != 0; pos += name[pos] + 1u) {
		at[count++] = (uint8_t)pos;
	}
	size_t pos = sizeof(uint16_t);
	for (unsigned i = count - apex_labels; i-- > 0;) {
		pos += put_label(out + pos, name + at[i]);
	}
	uint16_t len = (uint16_t)(pos - sizeof(len));
	memcpy(out, &len, sizeof(len));
	return pos;
}

/* The word of a key at depth; what is behind the end of the key is 0, which no label begins with. */
static uint64_t key_word(const uint8_t *key, size_t depth)
{
	uint16_t len;
	memcpy(&len, key, sizeof(len));
	size_t left = depth < len ? len - depth : 0;
	if (left >= WORD) {
		return get_u64(key + sizeof(len) + depth);
	}
	uint64_t word = 0;
	for (size_t i = 0; i < left; i++) {
		word |= (uint64_t)key[sizeof(len) + depth + i] << (8 * (WORD - 1 - i));
	}
	return word;
}

static bool item_before(const uint8_t *keys, const struct item *a, const struct item *b, size_t depth)
{
	if (a->word != b->word) {
		return a->word < b->word;
	}
	for (depth += WORD; depth < KEY_MAX; depth += WORD) {
		uint64_t x = key_word(keys + a->key, depth);
		uint64_t y = key_word(keys + b->key, depth);
		if (x != y) {
			return x < y;
		}
	}
	return a->id < b->id;
}

static void insertion_sort(const uint8_t *keys, struct item *items, size_t count, size_t depth)
{
	for (size_t i = 1; i < count; i++) {
		struct item item = items[i];
		size_t at = i;
		for (; at > 0 && item_before(keys, &item, &items[at - 1], depth); at--) {
			items[at] = items[at - 1];
		}
		items[at] = item;
	}
}

/* What stays the same for all of one sort. */
struct sorter {
	const uint8_t *keys;
	uint64_t chance; /* never 0 */
};

/* Some item's word. The numbers (xorshift) need only be unknown to the author of the text. */
static uint64_t any_word(struct sorter *s, const struct item *items, size_t count)
{
	s->chance ^= s->chance << 13;
	s->chance ^= s->chance >> 7;
	s->chance ^= s->chance << 17;
	return items[(size_t)((unsigned __int128)s->chance * count >> 64)].word;
}

static uint64_t median_word(struct sorter *s, const struct item *items, size_t count)
{
	uint64_t a = any_word(s, items, count);
	uint64_t b = any_word(s, items, count);
	uint64_t c = any_word(s, items, count);
	if (a > b) {
		uint64_t t = a;
		a = b;
		b = t;
	}
	return c <= a ? a : c < b ? c : b;
}

/* [0, *lower) below the pivot, [*lower, *upper) equal to it, the rest above. */
static void partition(struct sorter *s, struct item *items, size_t count, size_t *lower, size_t *upper)
{
	uint64_t pivot = median_word(s, items, count);
	size_t low = 0;
	size_t high = count;
	for (size_t i = 0; i < high;) {
		struct item item = items[i];
		if (item.word < pivot) {
			items[i++] = items[low];
			items[low++] = item;
		} else if (item.word > pivot) {
			items[i] = items[--high];
			items[high] = item;
		} else {
			i++;
		}
	}
	*lower = low;
	*upper = high;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = ((const struct item *)a)->id;
	uint32_t y = ((const struct item *)b)->id;
	return (x > y) - (x < y);
}

/*
 * Items that are equal up to and with the word at depth: load the next one. When no key goes on there, the
 * names are equal and left in the order of their ids: false.
 */
static bool next_words(const uint8_t *keys, struct item *items, size_t count, size_t depth)
{
	bool more = false;
	for (size_t i = 0; i < count; i++) {
		uint16_t len;
		memcpy(&len, keys + items[i].key, sizeof(len));
		more = more || len > depth + WORD;
		items[i].word = key_word(keys + items[i].key, depth + WORD);
	}
	if (!more) {
		qsort(items, count, sizeof(*items), compare_ids);
	}
	return more;
}

/* All items share their first `depth` key octets. Each recursion has at most half of the items. */
static void sort(struct sorter *s, struct item *items, size_t count, size_t depth)
{
	while (count > 12 && depth < KEY_MAX) {
		size_t lower;
		size_t upper;
		partition(s, items, count, &lower, &upper);
		struct {
			struct item *items;
			size_t count;
			size_t depth;
		} parts[3] = {
			{ items, lower, depth },
			{ items + lower, upper - lower, depth + WORD },
			{ items + upper, count - upper, depth },
		};
		if (!next_words(s->keys, parts[1].items, parts[1].count, depth)) {
			parts[1].count = 0;
		}
		unsigned largest = 0;
		for (unsigned i = 1; i < 3; i++) {
			largest = parts[i].count > parts[largest].count ? i : largest;
		}
		for (unsigned i = 0; i < 3; i++) {
			if (i != largest && parts[i].count > 1) {
				sort(s, parts[i].items, parts[i].count, parts[i].depth);
			}
		}
		items = parts[largest].items;
		count = parts[largest].count;
		depth = parts[largest].depth;
	}
	insertion_sort(s->keys, items, count, depth);
}

/* Does each name stand where it belongs? */
static bool in_order(const uint8_t *bytes, const uint32_t *offsets, const uint32_t *ids, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		int diff = dname_compare(bytes + offsets[ids[i - 1]], bytes + offsets[ids[i]]);
		if (diff > 0 || (diff == 0 && ids[i - 1] > ids[i])) {
			return false;
		}
	}
	return true;
}

int name_sort(const uint8_t *bytes, const uint32_t *offsets, unsigned apex_labels, uint32_t *ids,
	      size_t count)
{
	if (in_order(bytes, offsets, ids, count)) {
		return BH_OK;
	}
	/* Keys have twice the octets of the names at most, but nearly always about as many: grown as needed. */
	size_t room = count * 24 + KEY_ROOM;
	size_t pos = 0;
	uint8_t *keys = malloc(room);
	struct item *items = malloc(count * sizeof(*items));
	int err = keys == NULL || items == NULL ? BH_ENOMEM : BH_OK;
	for (size_t i = 0; i < count && err == BH_OK; i++) {
		if (room - pos < KEY_ROOM) {
			uint8_t *more = realloc(keys, room + room / 2);
			if (more == NULL || room + room / 2 > UINT32_MAX) {
				keys = more == NULL ? keys : more;
				err = BH_ENOMEM;
				break;
			}
			keys = more;
			room += room / 2;
		}
		items[i] = (struct item){ .key = (uint32_t)pos, .id = ids[i] };
		pos += make_key(keys + pos, bytes + offsets[ids[i]], apex_labels);
		items[i].word = key_word(keys + items[i].key, 0);
	}
	if (err == BH_OK) {
		struct sorter s = { .keys = keys, .chance = rand_u64() | 1 };
		sort(&s, items, count, 0);
		for (size_t i = 0; i < count; i++) {
			ids[i] = items[i].id;
		}
	}
	free(keys);
	free(items);
	return err;
}
