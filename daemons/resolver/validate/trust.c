/*
 * The store of verified zones. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/trust.h"

#include "common/util/cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct trust_store {
	struct siphash_key key;
	struct trust **buckets;
	size_t mask;
	uint64_t max_bytes;
	uint64_t bytes;
	size_t count;
	struct trust *newest;
	struct trust *oldest;
};

/* Octets of an ordinary zone, for the number of buckets. */
#define ENTRY_USUAL 2048
/*
 * Octets of a key once it is ready for use, as libcrypto has it, and of how many of a zone's keys that is reckoned with:
 * the others never sign anything that is asked for.
 */
#define KEY_READY 2048
#define KEYS_READY 2
/* What malloc adds to three blocks. */
#define OVERHEAD 48

struct trust_store *trust_store_new(uint64_t max_bytes, const struct siphash_key *key)
{
	struct trust_store *store = calloc(1, sizeof(*store));
	if (store == NULL) {
		return NULL;
	}
	size_t buckets = 64;
	while (buckets < max_bytes / ENTRY_USUAL) {
		buckets *= 2;
	}
	store->buckets = calloc(buckets, sizeof(struct trust *));
	if (store->buckets == NULL) {
		free(store);
		return NULL;
	}
	store->key = *key;
	store->mask = buckets - 1;
	store->max_bytes = max_bytes > buckets * sizeof(struct trust *) ? max_bytes - buckets * sizeof(struct trust *) : 1;
	return store;
}

static void trust_free(struct trust *trust)
{
	for (unsigned i = 0; i < trust->key_count; i++) {
		dnssec_key_free(trust->keys[i].key);
	}
	free(trust->keys);
	free(trust->rdata);
	free(trust);
}

void trust_release(struct trust *trust)
{
	if (trust != NULL) {
		assert(trust->holders > 0);
		if (--trust->holders == 0) {
			trust_free(trust);
		}
	}
}

static void list_remove(struct trust_store *store, struct trust *t)
{
	*(t->newer == NULL ? &store->newest : &t->newer->older) = t->older;
	*(t->older == NULL ? &store->oldest : &t->older->newer) = t->newer;
}

static void list_push(struct trust_store *store, struct trust *t)
{
	t->newer = NULL;
	t->older = store->newest;
	*(store->newest == NULL ? &store->oldest : &store->newest->newer) = t;
	store->newest = t;
}

static struct trust **find(struct trust_store *store, uint64_t hash, const uint8_t *zone)
{
	struct trust **link = &store->buckets[hash & store->mask];
	while (*link != NULL && ((*link)->hash != hash || !dname_equal((*link)->zone, zone))) {
		link = &(*link)->chain;
	}
	return link;
}

static void forget(struct trust_store *store, struct trust **link)
{
	struct trust *t = *link;
	*link = t->chain;
	list_remove(store, t);
	store->count--;
	store->bytes -= t->size;
	trust_release(t);
}

void trust_flush(struct trust_store *store)
{
	while (store->oldest != NULL) {
		forget(store, find(store, store->oldest->hash, store->oldest->zone));
	}
}

void trust_flush_zone(struct trust_store *store, const uint8_t *zone)
{
	struct trust *next;
	for (struct trust *t = store->oldest; t != NULL; t = next) {
		next = t->newer;
		if (dname_is_under(t->zone, zone)) {
			forget(store, find(store, t->hash, t->zone));
		}
	}
}

void trust_store_free(struct trust_store *store)
{
	if (store != NULL) {
		trust_flush(store);
		free(store->buckets);
		free(store);
	}
}

struct trust *trust_find(struct trust_store *store, const uint8_t *zone, uint64_t now_ms)
{
	struct trust **link = find(store, dname_hash(&store->key, zone), zone);
	struct trust *t = *link;
	if (t == NULL) {
		return NULL;
	}
	if (t->expire_ms <= now_ms) {
		forget(store, link);
		return NULL;
	}
	list_remove(store, t);
	list_push(store, t);
	t->holders++;
	return t;
}

struct trust *trust_new(const uint8_t *zone, enum trust_state state, const uint8_t *key_rdata, size_t len,
			unsigned key_count)
{
	struct trust *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->holders = 1;
	t->state = state;
	t->size = sizeof(*t) + OVERHEAD + len + key_count * sizeof(*t->keys) +
		  (key_count < KEYS_READY ? key_count : KEYS_READY) * (size_t)KEY_READY;
	memcpy(t->zone, zone, dname_len(zone));
	if (key_count == 0) {
		return t;
	}
	t->rdata = malloc(len);
	t->keys = calloc(key_count, sizeof(*t->keys));
	if (t->rdata == NULL || t->keys == NULL) {
		trust_free(t);
		return NULL;
	}
	memcpy(t->rdata, key_rdata, len);
	struct cursor c = cursor_of(t->rdata, len);
	for (unsigned i = 0; i < key_count; i++) {
		uint16_t size = cursor_u16(&c);
		const uint8_t *rdata = cursor_bytes(&c, size);
		int rc = c.failed ? BH_ETRUNC : dnskey_parse(rdata, size, &t->keys[i].dnskey);
		assert(rc == BH_OK); /* the caller's promise */
		t->key_count++;
	}
	return t;
}

void trust_put(struct trust_store *store, struct trust *trust)
{
	trust->hash = dname_hash(&store->key, trust->zone);
	struct trust **link = find(store, trust->hash, trust->zone);
	if (*link == trust) {
		return;
	}
	if (*link != NULL) {
		forget(store, link);
	}
	while (store->bytes + trust->size > store->max_bytes && store->oldest != NULL) { /* the last one may be larger */
		forget(store, find(store, store->oldest->hash, store->oldest->zone));
	}
	link = &store->buckets[trust->hash & store->mask];
	trust->chain = *link;
	*link = trust;
	list_push(store, trust);
	store->count++;
	store->bytes += trust->size;
	trust->holders++;
}

uint64_t trust_bytes(const struct trust_store *store)
{
	return store->bytes;
}

size_t trust_count(const struct trust_store *store)
{
	return store->count;
}
