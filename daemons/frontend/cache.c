/*
 * The answer cache: answers on a shelf, each as header, TTL offsets, text of its extended error, wire. Now is a
 * parameter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/cache.h"

#include "common/dns/dname.h"
#include "common/ipc/qlink.h"
#include "common/util/shelf.h"
#include "common/util/siphash.h"

#include <stdlib.h>
#include <string.h>

/* Octets of a small entry, for the number of chains. */
#define ENTRY_USUAL 192
#define BYTES_MIN (64 * 1024)

struct entry {
	uint64_t made_ms;
	uint64_t dies_ms;
	uint8_t flags; /* of the key, without DO */
	bool ending;   /* was told to be */
	struct answer answer; /* its pointers hold from a find to the next insert: entries move */
	uint16_t ttl_at[];
	/* text of the extended error with its end, and the wire follow */
};

struct cache {
	struct shelf *shelf;
};

/*
 * The factor is odd and the type in the lowest bits, so those of one name are spread over chains that nobody knows, and
 * share one only where there are fewer chains than types.
 */
static uint64_t hash_of(const uint8_t *qname, uint16_t qtype, uint8_t flags)
{
	static struct siphash_key secret;
	static bool ready;
	if (!ready) {
		secret = siphash_key_new();
		ready = true;
	}
	return dname_hash(&secret, qname) + ((uint64_t)(flags & ~KEY_DO) << 16 | qtype) * UINT64_C(0x9e3779b97f4a7c15);
}

void cache_hash(struct cache_key *key)
{
	key->hash = hash_of(key->qname, key->qtype, key->flags);
}

uint64_t cache_look(const struct cache *cache, const uint8_t *msg, size_t len)
{
	const uint8_t *qname = msg + DNS_HEADER_SIZE;
	int qname_len = len > DNS_HEADER_SIZE ? dname_check(qname, len - DNS_HEADER_SIZE) : BH_ETRUNC;
	if (qname_len < 0 || len - DNS_HEADER_SIZE - (size_t)qname_len < 4) {
		return 0; /* no query: it is refused without a look into the cache */
	}
	uint16_t flags = get_u16(msg + 2);
	uint64_t hash = hash_of(qname, get_u16(qname + qname_len),
				(uint8_t)((flags & FLAG_CD ? KEY_CD : 0) | (flags & FLAG_RD ? 0 : KEY_NO_RD)));
	shelf_look(cache->shelf, (uint32_t)hash);
	return hash;
}

void cache_fetch(const struct cache *cache, uint64_t look)
{
	shelf_fetch(cache->shelf, (uint32_t)look);
}

/* What is over is never given out again. */
static bool is_worth(const void *ctx, const void *item, uint64_t now_ms)
{
	const struct entry *entry = item;
	(void)ctx;
	return entry->dies_ms > now_ms;
}

struct cache *cache_new(uint64_t limit)
{
	struct shelf_options options = {
		.max_bytes = limit < BYTES_MIN ? BYTES_MIN : limit,
		.part_count = 1,
		.shares = { 1 },
		.entry_usual = ENTRY_USUAL,
		.worth = is_worth,
	};
	struct cache *cache = calloc(1, sizeof(*cache));
	if (cache == NULL) {
		return NULL;
	}
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

static char *text_of(struct entry *entry)
{
	return (char *)(entry->ttl_at + entry->answer.ttl_count);
}

static uint8_t *wire_of(struct entry *entry)
{
	return (uint8_t *)text_of(entry) + entry->answer.ede_text_len + 1;
}

static const uint8_t *name_of(const struct entry *entry)
{
	return wire_of((struct entry *)(uintptr_t)entry) + DNS_HEADER_SIZE;
}

static bool matches(const struct entry *entry, const struct cache_key *key, uint8_t forms)
{
	return (entry->answer.forms & forms) != 0 && entry->answer.qtype == key->qtype &&
	       entry->flags == (key->flags & ~KEY_DO) && entry->answer.qname_len == key->qname_len &&
	       memcmp(name_of(entry), key->qname, key->qname_len) == 0;
}

/* The first one that is fit for one of these forms. */
static struct entry *find_entry(struct cache *cache, const struct cache_key *key, uint8_t forms)
{
	struct entry *entry = shelf_first(cache->shelf, (uint32_t)key->hash);
	while (entry != NULL && !matches(entry, key, forms)) {
		entry = shelf_next(cache->shelf, entry);
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
		shelf_remove(cache->shelf, entry);
		return NULL;
	}
	shelf_touch(entry);
	entry->answer.ttl_at = entry->ttl_at;
	entry->answer.ede_text = text_of(entry);
	entry->answer.wire = wire_of(entry);
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

void cache_insert(struct cache *cache, const struct cache_key *key, const struct answer *answer,
		  uint64_t now_ms)
{
	size_t offsets = answer->ttl_count * sizeof(uint16_t);
	size_t size = offsetof(struct entry, ttl_at) + offsets + answer->ede_text_len + 1 + answer->len;

	if (answer->life_sec == 0) {
		return;
	}
	/* One for each form at most; the uses of the last one live on. */
	struct entry *old = find_entry(cache, key, answer->forms);
	if (old != NULL && (old->answer.forms & answer->forms) != answer->forms) {
		shelf_remove(cache->shelf, old);
		old = find_entry(cache, key, answer->forms);
	}
	struct entry *entry = shelf_add(cache->shelf, 0, (uint32_t)key->hash, size, old, now_ms);
	if (entry == NULL) {
		return;
	}
	entry->made_ms = now_ms;
	entry->dies_ms = now_ms + (uint64_t)answer->life_sec * 1000;
	entry->flags = (uint8_t)(key->flags & ~KEY_DO);
	entry->ending = false;
	entry->answer = *answer;
	memcpy(entry->ttl_at, answer->ttl_at, offsets);
	memcpy(text_of(entry), answer->ede_text, answer->ede_text_len + 1u);
	memcpy(wire_of(entry), answer->wire, answer->len);
}

static bool of_name(const void *name, const void *entry)
{
	return dname_equal(name_of(entry), name);
}

static bool under_zone(const void *zone, const void *entry)
{
	return dname_is_under(name_of(entry), zone);
}

uint64_t cache_flush_all(struct cache *cache)
{
	return shelf_flush(cache->shelf, NULL, NULL);
}

uint64_t cache_flush_name(struct cache *cache, const uint8_t *name)
{
	return shelf_flush(cache->shelf, of_name, name);
}

uint64_t cache_flush_zone(struct cache *cache, const uint8_t *zone)
{
	return shelf_flush(cache->shelf, under_zone, zone);
}

uint64_t cache_entries(const struct cache *cache)
{
	return shelf_entries(cache->shelf);
}

uint64_t cache_bytes(const struct cache *cache)
{
	return shelf_bytes(cache->shelf);
}

uint64_t cache_evictions(const struct cache *cache)
{
	return shelf_evictions(cache->shelf);
}
