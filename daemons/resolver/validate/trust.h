/*
 * What is known about zones for validation: a zone is secure, with the keys that it signs with; or insecure, by a
 * proof of its parent; or bogus. Each was found out once and holds until the records behind it expire.
 *
 * Bounded memory under a keyed hash, the least recently used zone is forgotten first: forgetting costs packets and
 * signature checks, never correctness. Who works with an entry holds it; it may be forgotten meanwhile.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_TRUST_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_TRUST_H

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/util/siphash.h"

enum trust_state { TRUST_SECURE, TRUST_INSECURE, TRUST_BOGUS };

struct trust_key {
	struct dnskey dnskey;   /* into the entry's own memory */
	struct dnssec_key *key; /* made when first needed; NULL before, and after a failure */
	bool unusable;		/* it could not be made */
};

struct trust {
	uint64_t expire_ms;
	const char *why; /* of a bogus zone; static storage */
	enum trust_state state;
	int ede; /* of a bogus zone */
	unsigned key_count;
	struct trust_key *keys;
	uint8_t zone[DNAME_MAX];
	/* the store's own */
	struct trust *chain;
	struct trust *newer;
	struct trust *older;
	uint64_t hash;
	uint32_t holders;
	size_t size;
	uint8_t *rdata;
};

struct trust_store;

/* max_bytes: for all zones with their keys. NULL: no memory. */
struct trust_store *trust_store_new(uint64_t max_bytes, const struct siphash_key *key);
/* Every holder has let go before. */
void trust_store_free(struct trust_store *store);

/* The zone's unexpired entry, held for the caller (trust_release), or NULL. */
struct trust *trust_find(struct trust_store *store, const uint8_t *zone, uint64_t now_ms);

/*
 * An entry for zone, not yet in the store, held for the caller. key_rdata: key_count times u16 length, RDATA of DNSKEYs
 * that dnskey_parse takes; copied. NULL: no memory.
 */
struct trust *trust_new(const uint8_t *zone, enum trust_state state, const uint8_t *key_rdata, size_t len,
			unsigned key_count);

/* Put it into the store, in place of what was there about the zone. The caller goes on to hold it. */
void trust_put(struct trust_store *store, struct trust *trust);

/* NULL is fine. */
void trust_release(struct trust *trust);

/* Forget everything; or zone and all below it. */
void trust_flush(struct trust_store *store);
void trust_flush_zone(struct trust_store *store, const uint8_t *zone);

size_t trust_count(const struct trust_store *store);
uint64_t trust_bytes(const struct trust_store *store);

#endif
