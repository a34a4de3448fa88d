/*
 * The cache: a table of chains that is sized once, and two lists in the order of last use.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/cache.h"

#include "common/dns/dname.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Ordinary octets of an entry, for the number of buckets. */
#define ENTRY_USUAL 384
#define BYTES_MIN (64 * 1024)
/* Share of the room for infrastructure, in quarters. */
#define INFRA_QUARTERS 1
/* No entry may take more than this part of its compartment. */
#define ENTRY_SHARE_MAX 8

struct entry {
	struct entry *chain;
	struct entry *newer; /* order of last use within the part */
	struct entry *older;
	uint64_t hash; /* of the name alone */
	uint64_t expire_ms;
	uint32_t size; /* what it takes from its part */
	uint32_t data_len;
	uint16_t type;
	uint8_t kind;
	uint8_t rank;
	uint8_t part;
	uint8_t flags;
	uint8_t name_len;
	uint8_t bytes[]; /* name, data */
};

struct part {
	struct entry *newest;
	struct entry *oldest;
	uint64_t bytes;
	uint64_t limit;
};

struct cache {
	struct siphash_key key;
	struct entry **buckets;
	size_t mask;
	struct part parts[CACHE_PARTS];
	uint64_t entries;
	uint64_t evictions;
	uint64_t table_bytes;
};

struct cache *cache_new(uint64_t max_bytes, const struct siphash_key *key)
{
	if (max_bytes < BYTES_MIN) {
		max_bytes = BYTES_MIN;
	}
	size_t buckets = 64;
	while (buckets < max_bytes / ENTRY_USUAL / 2 && buckets < ((size_t)1 << 26)) {
		buckets *= 2;
	}
	struct cache *cache = calloc(1, sizeof(*cache));
	if (cache == NULL) {
		return NULL;
	}
	cache->buckets = calloc(buckets, sizeof(struct entry *));
	if (cache->buckets == NULL) {
		free(cache);
		return NULL;
	}
	cache->key = *key;
	cache->mask = buckets - 1;
	cache->table_bytes = buckets * sizeof(struct entry *);
	uint64_t room = max_bytes - cache->table_bytes;
	cache->parts[CACHE_PART_INFRA].limit = room / 4 * INFRA_QUARTERS;
	cache->parts[CACHE_PART_ANSWERS].limit = room - cache->parts[CACHE_PART_INFRA].limit;
	return cache;
}

void cache_free(struct cache *cache)
{
	if (cache != NULL) {
		cache_flush_all(cache);
		free(cache->buckets);
		free(cache);
	}
}

/* All kinds and types of a name are found through one hash; its low bits are stirred per type. */
static struct entry **bucket_of(const struct cache *cache, uint64_t hash, uint16_t type)
{
	uint64_t stirred = (hash ^ type) * UINT64_C(0x9e3779b97f4a7c15);
	return &cache->buckets[(stirred >> 32) & cache->mask];
}

static void list_remove(struct part *part, struct entry *e)
{
	*(e->newer == NULL ? &part->newest : &e->newer->older) = e->older;
	*(e->older == NULL ? &part->oldest : &e->older->newer) = e->newer;
}

static void list_push(struct part *part, struct entry *e)
{
	e->newer = NULL;
	e->older = part->newest;
	*(part->newest == NULL ? &part->oldest : &part->newest->newer) = e;
	part->newest = e;
}

static void entry_drop(struct cache *cache, struct entry **link)
{
	struct entry *e = *link;
	struct part *part = &cache->parts[e->part];
	*link = e->chain;
	list_remove(part, e);
	part->bytes -= e->size;
	cache->entries--;
	free(e);
}

static struct entry **entry_link(const struct cache *cache, const struct entry *e)
{
	struct entry **link = bucket_of(cache, e->hash, e->type);
	while (*link != e) {
		link = &(*link)->chain;
	}
	return link;
}

/* Link to the entry, or to the end of its chain. Names in entries are in lower case already. */
static struct entry **find(const struct cache *cache, uint64_t hash, const uint8_t *name,
			   enum cache_kind kind, uint16_t type)
{
	struct entry **link = bucket_of(cache, hash, type);
	while (*link != NULL && ((*link)->hash != hash || (*link)->type != type || (*link)->kind != kind ||
				 !dname_equal((*link)->bytes, name))) {
		link = &(*link)->chain;
	}
	return link;
}

static bool get(struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind, uint16_t type,
		uint64_t now_ms, struct cache_hit *hit)
{
	struct entry **link = find(cache, hash, name, kind, type);
	struct entry *e = *link;
	if (e == NULL) {
		return false;
	}
	if (e->expire_ms <= now_ms) {
		entry_drop(cache, link);
		return false;
	}
	struct part *part = &cache->parts[e->part];
	if (part->newest != e) {
		list_remove(part, e);
		list_push(part, e);
	}
	*hit = (struct cache_hit){ .data = e->bytes + e->name_len, .len = e->data_len,
				   .expire_ms = e->expire_ms, .kind = e->kind, .rank = e->rank, .part = e->part,
				   .flags = e->flags };
	return true;
}

bool cache_get(struct cache *cache, const uint8_t *name, enum cache_kind kind, uint16_t type,
	       uint64_t now_ms, struct cache_hit *hit)
{
	return get(cache, dname_hash(&cache->key, name), name, kind, type, now_ms, hit);
}

bool cache_get_any(struct cache *cache, const uint8_t *name, uint16_t type, uint64_t now_ms,
		   struct cache_hit *hit)
{
	uint64_t hash = dname_hash(&cache->key, name);
	return get(cache, hash, name, CACHE_RRSET, type, now_ms, hit) ||
	       get(cache, hash, name, CACHE_NODATA, type, now_ms, hit) ||
	       get(cache, hash, name, CACHE_NXDOMAIN, 0, now_ms, hit) ||
	       get(cache, hash, name, CACHE_FAILURE, type, now_ms, hit);
}

/* Least recently used ones go until `size` octets more fit. */
static void make_room(struct cache *cache, struct part *part, size_t size)
{
	while (part->oldest != NULL && part->bytes + size > part->limit) {
		entry_drop(cache, entry_link(cache, part->oldest));
		cache->evictions++;
	}
}

/* Kinds that exclude each other for one name and type. */
static bool kind_is_typed(uint8_t kind)
{
	return kind == CACHE_RRSET || kind == CACHE_NODATA || kind == CACHE_FAILURE;
}

/* May the item take the place of what is there? Drops what it replaces. */
static bool displace(struct cache *cache, uint64_t hash, const struct cache_item *item, uint64_t now_ms)
{
	static const enum cache_kind typed[] = { CACHE_RRSET, CACHE_NODATA, CACHE_FAILURE };
	enum cache_kind own[] = { (enum cache_kind)item->kind };
	const enum cache_kind *kinds = kind_is_typed(item->kind) ? typed : own;
	unsigned count = kind_is_typed(item->kind) ? 3 : 1;

	for (unsigned i = 0; i < count; i++) {
		const struct entry *e = *find(cache, hash, item->name, kinds[i], item->type);
		if (e != NULL && e->expire_ms > now_ms && e->rank > item->rank) {
			return false;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		struct entry **link = find(cache, hash, item->name, kinds[i], item->type);
		if (*link != NULL) {
			entry_drop(cache, link);
		}
	}
	if (item->kind == CACHE_RRSET || item->kind == CACHE_NODATA) { /* so the name exists */
		struct entry **link = find(cache, hash, item->name, CACHE_NXDOMAIN, 0);
		if (*link != NULL) {
			entry_drop(cache, link);
		}
	}
	return true;
}

uint8_t *cache_put(struct cache *cache, const struct cache_item *item, uint64_t now_ms)
{
	size_t name_len = dname_len(item->name);
	size_t size = sizeof(struct entry) + name_len + item->len;
	struct part *part = &cache->parts[item->part];

	if (item->expire_ms <= now_ms || size > part->limit / ENTRY_SHARE_MAX) {
		return NULL;
	}
	uint64_t hash = dname_hash(&cache->key, item->name);
	struct entry *e = malloc(size);
	if (e == NULL) {
		return NULL;
	}
	if (!displace(cache, hash, item, now_ms)) {
		free(e);
		return NULL;
	}
	size = malloc_usable_size(e) + sizeof(size_t); /* with what the allocator adds */
	*e = (struct entry){ .hash = hash, .expire_ms = item->expire_ms, .size = (uint32_t)size,
			     .data_len = (uint32_t)item->len, .type = item->type, .kind = item->kind,
			     .rank = item->rank, .part = item->part, .flags = item->flags,
			     .name_len = (uint8_t)name_len };
	(void)dname_copy_lower(e->bytes, item->name);
	make_room(cache, part, size);
	struct entry **bucket = bucket_of(cache, hash, item->type);
	e->chain = *bucket;
	*bucket = e;
	list_push(part, e);
	part->bytes += size;
	cache->entries++;
	return e->bytes + name_len;
}

typedef bool entry_match_fn(const struct entry *e, const uint8_t *name);

static bool match_all(const struct entry *e, const uint8_t *name)
{
	(void)e;
	(void)name;
	return true;
}

static bool match_name(const struct entry *e, const uint8_t *name)
{
	return dname_equal(e->bytes, name);
}

static bool match_zone(const struct entry *e, const uint8_t *name)
{
	return dname_is_under(e->bytes, name);
}

static uint64_t flush(struct cache *cache, entry_match_fn *match, const uint8_t *name)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < CACHE_PARTS; i++) {
		struct entry *e = cache->parts[i].newest;
		while (e != NULL) {
			struct entry *older = e->older;
			if (match(e, name)) {
				entry_drop(cache, entry_link(cache, e));
				count++;
			}
			e = older;
		}
	}
	return count;
}

uint64_t cache_flush_all(struct cache *cache)
{
	return flush(cache, match_all, NULL);
}

uint64_t cache_flush_name(struct cache *cache, const uint8_t *name)
{
	return flush(cache, match_name, name);
}

uint64_t cache_flush_zone(struct cache *cache, const uint8_t *name)
{
	return flush(cache, match_zone, name);
}

uint64_t cache_entries(const struct cache *cache)
{
	return cache->entries;
}

uint64_t cache_bytes(const struct cache *cache)
{
	return cache->table_bytes + cache->parts[CACHE_PART_ANSWERS].bytes +
	       cache->parts[CACHE_PART_INFRA].bytes;
}

uint64_t cache_part_bytes(const struct cache *cache, enum cache_part part)
{
	return cache->parts[part].bytes;
}

uint64_t cache_evictions(const struct cache *cache)
{
	return cache->evictions;
}
