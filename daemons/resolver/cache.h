/*
 * The cache: what servers said, by name, kind and type, until it expires or room is needed.
 *
 * Two compartments with their own room: answers, and infrastructure (delegations, addresses of name servers). A
 * flood of answers pushes out answers only, so the way to popular zones stays known; and in each, what is asked for
 * once does not push out what is in use (common/util/shelf.h; CVE-2023-2828 and its kin).
 *
 * An entry is opaque octets of its user with a rank of trust (RFC 2181 5.4.1): as long as it has not
 * expired, nothing of lower rank replaces it. What has expired stays until its room is needed, and can be had by
 * those who ask for it so. The table is keyed with a random key. All memory is taken at once: the limit is kept to
 * the octet.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_CACHE_H
#define BULKHEAD_DAEMONS_RESOLVER_CACHE_H

#include "common/util/err.h"
#include "common/util/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cache_kind {
	CACHE_RRSET,	  /* name and type: records, with proofs */
	CACHE_NODATA,	  /* name and type: there are none; SOA and proofs */
	CACHE_NXDOMAIN,	  /* name (type 0): does not exist; SOA and proofs */
	CACHE_FAILURE,	  /* name and type: could not be resolved just now (RFC 9520) */
	CACHE_DELEGATION, /* zone (type 0): its servers, as its parent says */
};

/* RFC 2181 5.4.1, least trusted first, as far as kept at all. */
enum cache_rank {
	RANK_FAILURE,	 /* nobody said anything */
	RANK_REFERRAL,	 /* authority and additional section of a referral */
	RANK_NO_AA,	 /* answer section without AA, and its negative kin */
	RANK_ANSWER,	 /* answer section with AA, and its negative kin */
	RANK_VALIDATED,	 /* the same, and found secure */
};

enum cache_part { CACHE_PART_ANSWERS, CACHE_PART_INFRA, CACHE_PARTS };

struct cache;

/* What cache_get gives: valid until the next call that changes the cache. */
struct cache_hit {
	const uint8_t *data;
	size_t len;
	uint64_t expire_ms;
	uint8_t kind;
	uint8_t rank;
	uint8_t part;
	uint8_t flags; /* the user's */
};

struct cache_item {
	const uint8_t *name;
	uint16_t type;
	uint8_t kind; /* enum cache_kind */
	uint8_t rank; /* enum cache_rank */
	uint8_t part; /* enum cache_part */
	uint8_t flags;
	uint64_t expire_ms;
	size_t len; /* octets of data */
};

/* max_bytes: ceiling for everything; at least 64 KiB are used. NULL: no memory. */
struct cache *cache_new(uint64_t max_bytes, const struct siphash_key *key);
void cache_free(struct cache *cache);
/* What has expired for so long is worth its room like what has not. 0 at first. */
void cache_set_grace(struct cache *cache, uint64_t grace_ms);

/*
 * Keyed hash of a name, for those who look for several things at it: cache_get_at is cache_get with that.
 */
uint64_t cache_hash(const struct cache *cache, const uint8_t *name);
bool cache_get_at(struct cache *cache, uint64_t hash, const uint8_t *name, enum cache_kind kind, uint16_t type,
		  uint64_t now_ms, struct cache_hit *hit);

/* An unexpired entry of this very kind; it counts as used. */
bool cache_get(struct cache *cache, const uint8_t *name, enum cache_kind kind, uint16_t type,
	       uint64_t now_ms, struct cache_hit *hit);

/* The same, also when it expired less than late_ms ago. */
bool cache_get_late(struct cache *cache, const uint8_t *name, enum cache_kind kind, uint16_t type,
		    uint64_t late_ms, uint64_t now_ms, struct cache_hit *hit);

/*
 * What is known about records of a type at a name: the RRset, its absence, the name's absence or a
 * recent failure, in this order. hash: cache_hash of the name.
 */
bool cache_get_any(struct cache *cache, uint64_t hash, const uint8_t *name, uint16_t type, uint64_t now_ms,
		   struct cache_hit *hit);

/*
 * Make room for an entry and return where its item->len octets of data are to be written at once.
 * NULL: not taken (already expired, better ranked one there, too large, no memory): nothing changed.
 * For a name and type only one of the kinds RRSET and NODATA is kept, the new one, and it ends a FAILURE. A FAILURE is
 * not taken while one of them is there, and replaces none that has expired.
 */
uint8_t *cache_put(struct cache *cache, const struct cache_item *item, uint64_t now_ms);

/* Forget what is known about a type at a name, its absence and that of the name among it. */
void cache_drop(struct cache *cache, const uint8_t *name, uint16_t type);

/* Forget everything / one name / a name and all below it. Returns the number of entries. */
uint64_t cache_flush_all(struct cache *cache);
uint64_t cache_flush_name(struct cache *cache, const uint8_t *name);
uint64_t cache_flush_zone(struct cache *cache, const uint8_t *name);

uint64_t cache_entries(const struct cache *cache);
uint64_t cache_bytes(const struct cache *cache);
uint64_t cache_part_bytes(const struct cache *cache, enum cache_part part);
uint64_t cache_evictions(const struct cache *cache);

#endif
