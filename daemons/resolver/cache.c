/*
 * The cache: records on a shelf.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/cache.h"

#include "common/dns/dname.h"
#include "common/util/shelf.h"

#include <stdlib.h>
#include <string.h>

/* Ordinary octets of an entry, for the number of chains. */
#define ENTRY_USUAL 192
#define BYTES_MIN (64 * 1024)
/* Share of the room for answers, where infrastructure has one. */
#define ANSWERS_SHARE 3

struct record {
	uint64_t expire_ms;
	uint32_t data_len;
	uint16_t type;
	uint8_t kind;
	uint8_t rank;
	uint8_t part;
	uint8_t flags;
	uint8_t name_len;
	uint8_t bytes[]; /* name in lower case, data */
};

struct cache {
	struct siphash_key key;
	struct shelf *shelf;
	uint64_t grace_ms;
};

/* What is over is of use for as long as it may be served stale; failures, as long as they tell that it is not the first. */
static bool is_worth(const void *ctx, const void *entry, uint64_t now_ms)
{
	const struct cache *cache = ctx;
	const struct record *record = entry;
	return record->expire_ms + cache->grace_ms > now_ms;
}

struct cache *cache_new(uint64_t max_bytes, const struct siphash_key *key)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	if (cache == NULL) {
		return NULL;
	}
	struct shelf_options options = {
		.max_bytes = max_bytes < BYTES_MIN ? BYTES_MIN : max_bytes,
		.part_count = CACHE_PARTS,
		.shares = { [CACHE_PART_ANSWERS] = ANSWERS_SHARE, [CACHE_PART_INFRA] = 1 },
		.entry_usual = ENTRY_USUAL,
		.worth = is_worth,
		.ctx = cache,
	};
	cache->key = *key;
	cache->shelf = shelf_new(&options);
	if (cache->shelf == NULL) {
		free(cache);
		return NULL;
	}
	return cache;
}

void cache_free(struct cache *cache)
{
	if (cache != NULL) {
		shelf_free(cache->shelf);
		free(cache);
	}
}

void cache_set_grace(struct cache *cache, uint64_t grace_ms)
{
	cache->grace_ms = grace_ms;
}

/* All kinds and types of a name are found through one hash of it, stirred per type. */
static uint32_t stir(uint64_t hash, uint16_t type)
{
	return (uint32_t)((hash ^ type) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static struct record *find(const struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind,
			   uint16_t type)
{
	struct record *record = shelf_first(cache->shelf, stir(hash, type));
	while (record != NULL &&
	       (record->type != type || record->kind != kind || !dname_equal(record->bytes, name))) {
		record = shelf_next(cache->shelf, record);
	}
	return record;
}

static bool get(struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind, uint16_t type,
		uint64_t late_ms, uint64_t now_ms, struct cache_hit *hit)
{
	struct record *record = find(cache, hash, name, kind, type);
	if (record == NULL || record->expire_ms + late_ms <= now_ms) {
		return false;
	}
	shelf_touch(record);
	*hit = (struct cache_hit){ .data = record->bytes + record->name_len, .len = record->data_len,
				   .expire_ms = record->expire_ms, .kind = record->kind, .rank = record->rank,
				   .part = record->part, .flags = record->flags };
	return true;
}

uint64_t cache_hash(const struct cache *cache, const uint8_t *name)
{
	return dname_hash(&cache->key, name);
}

bool cache_get_at(struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind, uint16_t type,
		  uint64_t now_ms, struct cache_hit *hit)
{
	return get(cache, hash, name, kind, type, 0, now_ms, hit);
}

bool cache_get(struct cache *cache, const uint8_t *name, enum cache_kind kind, uint16_t type, uint64_t now_ms,
	       struct cache_hit *hit)
{
	return get(cache, dname_hash(&cache->key, name), name, kind, type, 0, now_ms, hit);
}

bool cache_get_late(struct cache *cache, const uint8_t *name, enum cache_kind kind, uint16_t type,
		    uint64_t late_ms, uint64_t now_ms, struct cache_hit *hit)
{
	return get(cache, dname_hash(&cache->key, name), name, kind, type, late_ms, now_ms, hit);
}

bool cache_get_any(struct cache *cache, uint64_t hash, const uint8_t *name, uint16_t type, uint64_t now_ms,
		   struct cache_hit *hit)
{
	return get(cache, hash, name, CACHE_RRSET, type, 0, now_ms, hit) ||
	       get(cache, hash, name, CACHE_NODATA, type, 0, now_ms, hit) ||
	       get(cache, hash, name, CACHE_NXDOMAIN, 0, 0, now_ms, hit) ||
	       get(cache, hash, name, CACHE_FAILURE, type, 0, now_ms, hit);
}

static void drop(struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind, uint16_t type)
{
	struct record *record = find(cache, hash, name, kind, type);
	if (record != NULL) {
		shelf_remove(cache->shelf, record);
	}
}

static bool is_better(const struct record *record, const struct cache_item *item, uint64_t now_ms)
{
	return record != NULL && record->expire_ms > now_ms && record->rank > item->rank;
}

/*
 * The records whose place the item takes, own kind first; NULL: none. False: there is a better one. A failure
 * takes the place of a failure only: what is over is still there to be served stale.
 */
static bool find_displaced(const struct cache *cache, uint64_t hash, const struct cache_item *item, uint64_t now_ms,
			   struct record *out[2])
{
	bool typed = item->kind == CACHE_RRSET || item->kind == CACHE_NODATA;
	out[0] = find(cache, hash, item->name, (enum cache_kind)item->kind, item->type);
	out[1] = NULL;
	if (item->kind == CACHE_FAILURE) {
		return !is_better(find(cache, hash, item->name, CACHE_RRSET, item->type), item, now_ms) &&
		       !is_better(find(cache, hash, item->name, CACHE_NODATA, item->type), item, now_ms);
	}
	if (typed) {
		enum cache_kind other = item->kind == CACHE_RRSET ? CACHE_NODATA : CACHE_RRSET;
		out[1] = find(cache, hash, item->name, other, item->type);
	}
	return !is_better(out[0], item, now_ms) && !is_better(out[1], item, now_ms);
}

uint8_t *cache_put(struct cache *cache, const struct cache_item *item, uint64_t now_ms)
{
	size_t name_len = dname_len(item->name);
	uint64_t hash = dname_hash(&cache->key, item->name);
	struct record *old[2];

	if (item->expire_ms <= now_ms || item->len > UINT32_MAX || !find_displaced(cache, hash, item, now_ms, old)) {
		return NULL;
	}
	struct record *replaced = old[0] != NULL ? old[0] : old[1];
	size_t size = offsetof(struct record, bytes) + name_len + item->len;
	struct record *record =
		shelf_add(cache->shelf, item->part, stir(hash, item->type), size, replaced, now_ms);
	if (record == NULL) {
		return NULL;
	}
	*record = (struct record){ .expire_ms = item->expire_ms, .data_len = (uint32_t)item->len,
				   .type = item->type, .kind = item->kind, .rank = item->rank,
				   .part = item->part, .flags = item->flags, .name_len = (uint8_t)name_len };
	(void)dname_copy_lower(record->bytes, item->name);
	if (item->kind == CACHE_RRSET || item->kind == CACHE_NODATA) {
		drop(cache, hash, item->name, item->kind == CACHE_RRSET ? CACHE_NODATA : CACHE_RRSET, item->type);
		drop(cache, hash, item->name, CACHE_FAILURE, item->type);
		drop(cache, hash, item->name, CACHE_NXDOMAIN, 0); /* so the name exists */
	}
	return record->bytes + name_len;
}

void cache_drop(struct cache *cache, const uint8_t *name, uint16_t type)
{
	uint64_t hash = dname_hash(&cache->key, name);
	drop(cache, hash, name, CACHE_RRSET, type);
	drop(cache, hash, name, CACHE_NODATA, type);
	drop(cache, hash, name, CACHE_NXDOMAIN, 0);
	drop(cache, hash, name, CACHE_FAILURE, type);
}

static bool pick_name(const void *ctx, const void *entry)
{
	return dname_equal(((const struct record *)entry)->bytes, ctx);
}

static bool pick_zone(const void *ctx, const void *entry)
{
	return dname_is_under(((const struct record *)entry)->bytes, ctx);
}

uint64_t cache_flush_all(struct cache *cache)
{
	return shelf_flush(cache->shelf, NULL, NULL);
}

uint64_t cache_flush_name(struct cache *cache, const uint8_t *name)
{
	return shelf_flush(cache->shelf, pick_name, name);
}

uint64_t cache_flush_zone(struct cache *cache, const uint8_t *name)
{
	return shelf_flush(cache->shelf, pick_zone, name);
}

uint64_t cache_entries(const struct cache *cache)
{
	return shelf_entries(cache->shelf);
}

uint64_t cache_bytes(const struct cache *cache)
{
	return shelf_bytes(cache->shelf);
}

uint64_t cache_part_bytes(const struct cache *cache, enum cache_part part)
{
	return shelf_part_bytes(cache->shelf, part);
}

uint64_t cache_evictions(const struct cache *cache)
{
	return shelf_evictions(cache->shelf);
}
