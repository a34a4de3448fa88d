/*
 * The answer cache: public answers as they were made for the first client, bounded in octets.
 *
 * An answer is found by lower-case name, type, DO and CD; what holds nothing that is only for one of the two kinds of
 * DO is held once and found by both. What was answered to CD=1 may be bogus, and is never found with CD=0. It is
 * given out with falling TTLs until the smallest of them is over. All memory is taken at once, so the limit is kept to the
 * octet; and what is asked for once, in whatever numbers, does not push out what is in use (common/util/shelf.h).
 * Only the caller knows what is public: nothing internal may be put in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_CACHE_H
#define BULKHEAD_DAEMONS_FRONTEND_CACHE_H

#include "daemons/frontend/answer.h"

struct cache;

/*
 * Part of the key besides the question; RD is for questions in work, never cached without. DO is not in the hash: it
 * says which form of the answer is wanted. REFRESH sets questions in work apart that nobody waits for.
 */
enum key_flags { KEY_DO = 1, KEY_CD = 2, KEY_NO_RD = 4, KEY_REFRESH = 8 };

struct cache_key {
	const uint8_t *qname; /* lower case */
	uint8_t qname_len;
	uint8_t flags;
	uint16_t qtype;
	uint64_t hash; /* by cache_hash */
};

/* Fill key->hash with a keyed hash over the other fields; the key is made anew in each process. */
void cache_hash(struct cache_key *key);

/*
 * For queries that are worked off one after the other: waiting for memory is most of what a hit costs, so the memory is
 * asked for while the queries before are at work. cache_look for each of a batch, whatever its octets are; then
 * cache_fetch with what that returned.
 */
uint64_t cache_look(const struct cache *cache, const uint8_t *msg, size_t len);
void cache_fetch(const struct cache *cache, uint64_t look);

/* limit: ceiling for everything, in octets; at least 64 KiB are used. NULL: out of memory. */
struct cache *cache_new(uint64_t limit);
void cache_free(struct cache *cache);

/*
 * The answer, and how many seconds ago it was made; NULL when there is none that is still good. Valid
 * until the next insert or flush.
 */
const struct answer *cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
				uint32_t *age_sec);

/*
 * Is the answer that was just found with this key in the last part of its life (QLINK_REFRESH_SHARE)? Says so once,
 * and not of lives below REFRESH_LIFE_MIN seconds, whose last part is over before a new answer is there.
 */
#define REFRESH_LIFE_MIN 10
bool cache_is_ending(struct cache *cache, const struct cache_key *key, uint64_t now_ms);

/*
 * Keep a copy for answer->life_sec, for all clients that it is fit for, whatever DO in the key; replaces older ones.
 * Does nothing when life_sec is 0 or the answer is larger than one in SHELF_ENTRY_SHARE of the cache. answer must not
 * be one of the cache's own: those move.
 */
void cache_insert(struct cache *cache, const struct cache_key *key, const struct answer *answer,
		  uint64_t now_ms);

/* Forget everything, one name with all types, or a name and all below it. Returns the entries gone. */
uint64_t cache_flush_all(struct cache *cache);
uint64_t cache_flush_name(struct cache *cache, const uint8_t *name);
uint64_t cache_flush_zone(struct cache *cache, const uint8_t *zone);

uint64_t cache_entries(const struct cache *cache);
/* With the table of chains. */
uint64_t cache_bytes(const struct cache *cache);
/* Answers that were still good when they had to go. */
uint64_t cache_evictions(const struct cache *cache);

#endif
