/*
 * The answer cache: buckets of chained entries, and one ring through all of them for the clock hand.
 * Now is a parameter. Each entry is one allocation: header, TTL offsets, wire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/cache.h"

#include "common/dns/dname.h"
#include "common/ipc/qlink.h"
#include "common/util/rand.h"
#include "common/util/siphash.h"

#include <stdlib.h>
#include <string.h>

/* Entries that the hand looks at before it takes one that was used: bounds the work of one insert. */
#define HAND_STEPS_MAX 64
/* What malloc needs around a block, about. */
#define MALLOC_OVERHEAD 16

struct entry {
	struct entry *chain;
	struct entry *next; /* ring */
	struct entry *prev;
	uint64_t hash;
	uint64_t made_ms;
	uint64_t dies_ms;
	uint32_t size; /* octets charged */
	uint8_t flags; /* of the key, without DO */
	bool used;     /* since the hand came by */
	bool ending;   /* was told to be */
	struct answer answer;
	uint16_t ttl_at[];
	/* the wire follows */
};

struct cache {
	struct entry **buckets;
	size_t bucket_count; /* power of two */
	struct entry *hand;
	uint64_t limit;
	uint64_t bytes;
	uint64_t entries;
};

void cache_hash(struct cache_key *key)
{
	static struct siphash_key secret;
	static bool ready;
	uint8_t bytes[DNAME_MAX + 3];

	if (!ready) {
		rand_bytes(&secret, sizeof(secret));
		ready = true;
	}
	memcpy(bytes, key->qname, key->qname_len);
	bytes[key->qname_len] = (uint8_t)(key->qtype >> 8);
	bytes[key->qname_len + 1] = (uint8_t)key->qtype;
	bytes[key->qname_len + 2] = (uint8_t)(key->flags & ~KEY_DO);
	key->hash = siphash(&secret, bytes, (size_t)key->qname_len + 3);
}

struct cache *cache_new(uint64_t limit)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	if (cache == NULL) {
		return NULL;
	}
	/* A bucket for each 256 octets, about the size of a small entry. */
	cache->bucket_count = 64;
	while (cache->bucket_count < limit / 256 && cache->bucket_count < (size_t)1 << 24) {
		cache->bucket_count *= 2;
	}
	cache->buckets = calloc(cache->bucket_count, sizeof(*cache->buckets));
	if (cache->buckets == NULL) {
		free(cache);
		return NULL;
	}
	cache->limit = limit;
	return cache;
}

static struct entry **bucket_of(struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static void remove_entry(struct cache *cache, struct entry *entry)
{
	struct entry **at = bucket_of(cache, entry->hash);
	while (*at != entry) {
		at = &(*at)->chain;
	}
	*at = entry->chain;
	if (cache->hand == entry) {
		cache->hand = entry->next == entry ? NULL : entry->next;
	}
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	cache->bytes -= entry->size;
	cache->entries--;
	free(entry);
}

void cache_free(struct cache *cache)
{
	if (cache != NULL) {
		cache_flush_all(cache);
		free(cache->buckets);
		free(cache);
	}
}

static bool matches(const struct entry *entry, const struct cache_key *key, uint8_t forms)
{
	return entry->hash == key->hash && (entry->answer.forms & forms) != 0 &&
	       entry->answer.qtype == key->qtype && entry->flags == (key->flags & ~KEY_DO) &&
	       entry->answer.qname_len == key->qname_len &&
	       memcmp(entry->answer.wire + DNS_HEADER_SIZE, key->qname, key->qname_len) == 0;
}

/* The first one that is fit for one of these forms. */
static struct entry *find_entry(struct cache *cache, const struct cache_key *key, uint8_t forms)
{
	struct entry *entry = *bucket_of(cache, key->hash);
	while (entry != NULL && !matches(entry, key, forms)) {
		entry = entry->chain;
	}
	return entry;
}

const struct answer *cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
				uint32_t *age_sec)
{
	struct entry *entry = find_entry(cache, key, key->flags & KEY_DO ? FORM_DO : FORM_PLAIN);
	if (entry == NULL) {
		return NULL;
	}
	if (now_ms >= entry->dies_ms) {
		remove_entry(cache, entry);
		return NULL;
	}
	entry->used = true;
	*age_sec = (uint32_t)((now_ms - entry->made_ms) / 1000);
	return &entry->answer;
}

bool cache_is_ending(struct cache *cache, const struct cache_key *key, uint64_t now_ms)
{
	struct entry *entry = find_entry(cache, key, key->flags & KEY_DO ? FORM_DO : FORM_PLAIN);
	if (entry == NULL || entry->ending || entry->answer.life_sec < REFRESH_LIFE_MIN ||
	    (entry->dies_ms - now_ms) * QLINK_REFRESH_SHARE > entry->answer.life_sec * UINT64_C(1000)) {
		return false;
	}
	entry->ending = true;
	return true;
}

/* Make room for `size` octets. */
static void evict(struct cache *cache, uint64_t size, uint64_t now_ms)
{
	unsigned steps = 0;
	while (cache->hand != NULL && size > cache->limit - cache->bytes) {
		struct entry *entry = cache->hand;
		if (entry->used && now_ms < entry->dies_ms && steps < HAND_STEPS_MAX) {
			entry->used = false;
			cache->hand = entry->next;
			steps++;
			continue;
		}
		remove_entry(cache, entry); /* the hand moves on */
	}
}

void cache_insert(struct cache *cache, const struct cache_key *key, const struct answer *answer,
		  uint64_t now_ms)
{
	size_t offsets = answer->ttl_count * sizeof(uint16_t);
	size_t size = sizeof(struct entry) + offsets + answer->len;
	uint64_t charged = (size + MALLOC_OVERHEAD + 15) / 16 * 16;

	if (answer->life_sec == 0 || charged > cache->limit / 16) {
		return;
	}
	struct entry *old;
	while ((old = find_entry(cache, key, answer->forms)) != NULL) { /* one for each form at most */
		remove_entry(cache, old);
	}
	evict(cache, charged, now_ms);
	struct entry *entry = malloc(size);
	if (entry == NULL) {
		return;
	}
	entry->hash = key->hash;
	entry->made_ms = now_ms;
	entry->dies_ms = now_ms + (uint64_t)answer->life_sec * 1000;
	entry->size = (uint32_t)charged;
	entry->flags = (uint8_t)(key->flags & ~KEY_DO);
	entry->used = false;
	entry->ending = false;
	entry->answer = *answer;
	memcpy(entry->ttl_at, answer->ttl_at, offsets);
	uint8_t *wire = (uint8_t *)entry->ttl_at + offsets;
	memcpy(wire, answer->wire, answer->len);
	entry->answer.wire = wire;
	entry->answer.ttl_at = entry->ttl_at;

	struct entry **bucket = bucket_of(cache, entry->hash);
	entry->chain = *bucket;
	*bucket = entry;
	if (cache->hand == NULL) {
		entry->next = entry->prev = entry;
		cache->hand = entry;
	} else { /* behind the hand: a whole round until it comes by */
		entry->next = cache->hand;
		entry->prev = cache->hand->prev;
		entry->prev->next = entry;
		cache->hand->prev = entry;
	}
	cache->bytes += charged;
	cache->entries++;
}

typedef bool flush_test(const struct entry *entry, const uint8_t *name);

/* Remove every entry that the test picks; one pass over the ring. */
static uint64_t flush_where(struct cache *cache, flush_test *test, const uint8_t *name)
{
	uint64_t gone = 0;
	struct entry *entry = cache->hand;
	for (uint64_t left = cache->entries; left > 0; left--) {
		struct entry *next = entry->next;
		if (test(entry, name)) {
			remove_entry(cache, entry);
			gone++;
		}
		entry = next;
	}
	return gone;
}

static bool any_entry(const struct entry *entry, const uint8_t *name)
{
	(void)entry;
	(void)name;
	return true;
}

static bool of_name(const struct entry *entry, const uint8_t *name)
{
	return dname_equal(entry->answer.wire + DNS_HEADER_SIZE, name);
}

static bool under_zone(const struct entry *entry, const uint8_t *zone)
{
	return dname_is_under(entry->answer.wire + DNS_HEADER_SIZE, zone);
}

uint64_t cache_flush_all(struct cache *cache)
{
	return flush_where(cache, any_entry, NULL);
}

uint64_t cache_flush_name(struct cache *cache, const uint8_t *name)
{
	return flush_where(cache, of_name, name);
}

uint64_t cache_flush_zone(struct cache *cache, const uint8_t *zone)
{
	return flush_where(cache, under_zone, zone);
}

uint64_t cache_entries(const struct cache *cache)
{
	return cache->entries;
}

uint64_t cache_bytes(const struct cache *cache)
{
	return cache->bytes;
}
