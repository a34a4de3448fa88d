/*
 * Trust anchors and negative ones: an array in canonical order, in which each entry knows the closest one above it.
 *
 * In that order every ancestor of a name that is an entry is also at or above the last entry that is not behind
 * the name. So one search and a walk upwards find the closest; with the root's anchor alone that is one comparison.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/anchors.h"

#include "common/dns/anchor.h"
#include "common/dns/dname.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	const struct entry *above; /* closest entry whose zone holds this one, or NULL */
	bool trust;
	unsigned count;
	struct anchor_record *records; /* each rdata is of malloc */
	uint64_t negative_until_ms;    /* 0: none */
	uint8_t zone[];
};

struct anchors {
	struct entry **entries;
	size_t count;
	size_t capacity;
};

struct anchors *anchors_new(void)
{
	return calloc(1, sizeof(struct anchors));
}

void anchors_free(struct anchors *anchors)
{
	if (anchors == NULL) {
		return;
	}
	for (size_t i = 0; i < anchors->count; i++) {
		struct entry *e = anchors->entries[i];
		for (unsigned k = 0; k < e->count; k++) {
			free((void *)e->records[k].rdata);
		}
		free(e->records);
		free(e);
	}
	free(anchors->entries);
	free(anchors);
}

/* Entries that are not behind name in canonical order. */
static size_t upper_bound(const struct anchors *anchors, const uint8_t *name)
{
	size_t low = 0;
	size_t high = anchors->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dname_compare(anchors->entries[middle]->zone, name) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The closest entry at or above name; *place: where name itself would stand. */
static struct entry *closest(const struct anchors *anchors, const uint8_t *name, size_t *place)
{
	*place = upper_bound(anchors, name);
	const struct entry *e = *place == 0 ? NULL : anchors->entries[*place - 1];
	while (e != NULL && !dname_is_under(name, e->zone)) { /* at most DNAME_LABELS_MAX times */
		e = e->above;
	}
	return (struct entry *)e;
}

static int grow(struct anchors *anchors)
{
	if (anchors->count < anchors->capacity) {
		return BH_OK;
	}
	size_t capacity = anchors->capacity == 0 ? 16 : 2 * anchors->capacity;
	struct entry **entries = realloc(anchors->entries, capacity * sizeof(struct entry *));
	if (entries == NULL) {
		return BH_ENOMEM;
	}
	anchors->entries = entries;
	anchors->capacity = capacity;
	return BH_OK;
}

static int find_or_add(struct anchors *anchors, const uint8_t *zone, struct entry **out)
{
	size_t place;
	struct entry *above = closest(anchors, zone, &place);
	if (above != NULL && dname_equal(above->zone, zone)) {
		*out = above;
		return BH_OK;
	}
	if (anchors->count >= ANCHOR_ZONES_MAX) {
		return BH_ELIMIT;
	}
	struct entry *e = grow(anchors) != BH_OK ? NULL : calloc(1, sizeof(*e) + dname_len(zone));
	if (e == NULL) {
		return BH_ENOMEM;
	}
	(void)dname_copy_lower(e->zone, zone);
	e->above = above;
	memmove(&anchors->entries[place + 1], &anchors->entries[place],
		(anchors->count - place) * sizeof(struct entry *));
	anchors->entries[place] = e;
	anchors->count++;
	/* What is below it stands right behind it. */
	for (size_t i = place + 1; i < anchors->count && dname_is_under(anchors->entries[i]->zone, zone); i++) {
		if (anchors->entries[i]->above == above) {
			anchors->entries[i]->above = e;
		}
	}
	*out = e;
	return BH_OK;
}

static bool has_record(const struct entry *e, uint16_t type, const uint8_t *rdata, uint16_t len)
{
	for (unsigned i = 0; i < e->count; i++) {
		const struct anchor_record *r = &e->records[i];
		if (r->type == type && r->len == len && memcmp(r->rdata, rdata, len) == 0) {
			return true;
		}
	}
	return false;
}

static int add_record(struct entry *e, uint16_t type, const uint8_t *rdata, uint16_t len)
{
	if (e->count >= ANCHOR_RECORDS_MAX) {
		return BH_ELIMIT;
	}
	struct anchor_record *records = realloc(e->records, (e->count + 1) * sizeof(*records));
	if (records == NULL) {
		return BH_ENOMEM;
	}
	e->records = records;
	uint8_t *copy = malloc(len);
	if (copy == NULL) {
		return BH_ENOMEM;
	}
	memcpy(copy, rdata, len);
	records[e->count++] = (struct anchor_record){ .type = type, .len = len, .rdata = copy };
	return BH_OK;
}

int anchors_add(struct anchors *anchors, const uint8_t *zone, uint16_t type, const uint8_t *rdata, uint16_t len)
{
	struct entry *e;
	int rc = find_or_add(anchors, zone, &e);
	if (rc != BH_OK) {
		return rc;
	}
	e->trust = true; /* whatever becomes of the record: its zone is never taken for one without an anchor */
	if (anchor_fault(type, rdata, len) != NULL || has_record(e, type, rdata, len)) {
		return BH_OK;
	}
	return add_record(e, type, rdata, len);
}

int anchors_add_unusable(struct anchors *anchors, const uint8_t *zone)
{
	struct entry *e;
	int rc = find_or_add(anchors, zone, &e);
	if (rc == BH_OK) {
		e->trust = true;
	}
	return rc;
}

int anchors_add_negative(struct anchors *anchors, const uint8_t *zone, uint64_t until_ms)
{
	struct entry *e;
	int rc = find_or_add(anchors, zone, &e);
	if (rc == BH_OK) {
		e->negative_until_ms = until_ms;
	}
	return rc;
}

static void trust_of(const struct entry *e, struct anchor *out)
{
	*out = (struct anchor){ .kind = ANCHOR_TRUST, .zone = e->zone, .count = e->count, .records = e->records };
}

void anchors_find(const struct anchors *anchors, const uint8_t *name, uint64_t now_ms, struct anchor *out)
{
	size_t place;
	*out = (struct anchor){ .kind = ANCHOR_NONE };
	for (const struct entry *e = closest(anchors, name, &place); e != NULL; e = e->above) {
		if (e->negative_until_ms > now_ms) {
			*out = (struct anchor){ .kind = ANCHOR_NEGATIVE, .zone = e->zone };
			return;
		}
		if (e->trust) {
			trust_of(e, out);
			return;
		}
	}
}

void anchors_find_trust(const struct anchors *anchors, const uint8_t *name, struct anchor *out)
{
	size_t place;
	const struct entry *e = closest(anchors, name, &place);
	*out = (struct anchor){ .kind = ANCHOR_NONE };
	while (e != NULL && !e->trust) {
		e = e->above;
	}
	if (e != NULL) {
		trust_of(e, out);
	}
}

bool anchors_get(const struct anchors *anchors, size_t index, struct anchor *out)
{
	if (index >= anchors->count) {
		return false;
	}
	const struct entry *e = anchors->entries[index];
	if (e->trust) {
		trust_of(e, out);
	} else {
		*out = (struct anchor){ .kind = ANCHOR_NEGATIVE, .zone = e->zone };
	}
	return true;
}

bool anchors_any(const struct anchors *anchors)
{
	bool any = false;
	for (size_t i = 0; i < anchors->count; i++) {
		any = any || anchors->entries[i]->trust;
	}
	return any;
}

static bool entries_same(const struct entry *a, const struct entry *b)
{
	if (!dname_equal(a->zone, b->zone) || a->trust != b->trust || a->count != b->count ||
	    a->negative_until_ms != b->negative_until_ms) {
		return false;
	}
	for (unsigned i = 0; i < a->count; i++) {
		const struct anchor_record *x = &a->records[i];
		const struct anchor_record *y = &b->records[i];
		if (x->type != y->type || x->len != y->len || memcmp(x->rdata, y->rdata, x->len) != 0) {
			return false;
		}
	}
	return true;
}

bool anchors_same(const struct anchors *a, const struct anchors *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; i < a->count && same; i++) {
		same = entries_same(a->entries[i], b->entries[i]);
	}
	return same;
}
