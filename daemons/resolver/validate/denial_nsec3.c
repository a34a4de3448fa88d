/*
 * What NSEC3 records say about a name (RFC 5155 8, RFC 6840 4.1, RFC 9276 3.2).
 *
 * Hashes are what this costs: a name of many labels under an NSEC3 zone asks for one per label (CVE-2023-50868).
 * Each name is hashed once, from the name upwards, and no longer than until the first ancestor that exists.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/denial_chain.h"

#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"

#include <string.h>

#define HASH_LABEL_LEN (NSEC3_HASH_SIZE / 5 * 8)

enum { ALGORITHM_SHA1 = 1, FLAG_OPT_OUT = 0x01 };

struct nsec3 {
	uint8_t owner[NSEC3_HASH_SIZE];
	const uint8_t *next; /* NSEC3_HASH_SIZE octets */
	struct typemap types;
	bool opt_out;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};

/* Records with the same parameters. */
struct chain {
	const struct denial *d;
	struct nsec3 records[DENIAL_SETS_MAX];
	unsigned count;
};

/* The hash in an owner name, which is one label below the zone and nothing else (RFC 5155 3, CVE-2026-10723). */
static bool owner_parse(const struct denial *d, const uint8_t *owner, uint8_t out[NSEC3_HASH_SIZE])
{
	return owner[0] == HASH_LABEL_LEN && dname_equal(dname_parent(owner), d->zone) &&
	       base32hex_decode(owner + 1, HASH_LABEL_LEN, out) == BH_OK;
}

static bool nsec3_parse(const struct denial *d, const struct rrset *set, struct nsec3 *out)
{
	if (!denial_set_is_plain(d, set, RR_NSEC3) || !owner_parse(d, set->owner, out->owner)) {
		return false;
	}
	uint16_t len;
	const uint8_t *rdata = rrset_rdata(set, 0, &len);
	struct cursor c = cursor_of(rdata, len);
	uint8_t algorithm = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);
	out->iterations = cursor_u16(&c);
	out->salt_len = cursor_u8(&c);
	out->salt = cursor_bytes(&c, out->salt_len);
	uint8_t next_len = cursor_u8(&c);
	out->next = cursor_bytes(&c, next_len);
	/* RFC 5155 8.1, 8.2: unknown algorithms, and flags besides Opt-Out, make a record one to ignore. */
	if (c.failed || algorithm != ALGORITHM_SHA1 || (flags & ~FLAG_OPT_OUT) != 0 || next_len != NSEC3_HASH_SIZE) {
		return false;
	}
	out->opt_out = (flags & FLAG_OPT_OUT) != 0;
	size_t left = cursor_left(&c);
	return typemap_parse(cursor_bytes(&c, left), left, &out->types) == BH_OK;
}

static bool same_parameters(const struct nsec3 *a, const struct nsec3 *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0;
}

/* The records of the chain with this index, in the order in which chains first show; false: there is none. */
static bool collect(const struct denial *d, unsigned index, struct chain *chain)
{
	struct nsec3 firsts[DENIAL_CHAINS_MAX];
	unsigned chains = 0;
	chain->d = d;
	chain->count = 0;
	for (unsigned i = 0; i < d->count && chain->count < DENIAL_SETS_MAX; i++) {
		struct nsec3 *record = &chain->records[chain->count];
		if (!nsec3_parse(d, d->sets[i], record)) {
			continue;
		}
		unsigned is = 0;
		while (is < chains && !same_parameters(record, &firsts[is])) {
			is++;
		}
		if (is == chains && chains < DENIAL_CHAINS_MAX) {
			firsts[chains++] = *record;
		}
		if (is == index) {
			chain->count++;
		}
	}
	return chain->count > 0;
}

static enum presence hash(const struct chain *chain, const uint8_t *name, uint8_t out[NSEC3_HASH_SIZE])
{
	const struct nsec3 *any = &chain->records[0];
	uint32_t cost = 1 + (uint32_t)any->iterations;
	if (*chain->d->hashes < cost) {
		return PRESENCE_LIMIT;
	}
	*chain->d->hashes -= cost;
	return nsec3_hash(chain->d->hasher, name, any->salt, any->salt_len, any->iterations, out) == BH_OK
		       ? PRESENCE_UNKNOWN
		       : PRESENCE_LIMIT;
}

static const struct nsec3 *matching(const struct chain *chain, const uint8_t name[NSEC3_HASH_SIZE])
{
	for (unsigned i = 0; i < chain->count; i++) {
		if (memcmp(chain->records[i].owner, name, NSEC3_HASH_SIZE) == 0) {
			return &chain->records[i];
		}
	}
	return NULL;
}

/* RFC 5155 1.3: between owner and next hash; the last one reaches over the end, the only one over all but itself. */
static bool covers(const struct nsec3 *record, const uint8_t name[NSEC3_HASH_SIZE])
{
	bool behind = memcmp(record->owner, name, NSEC3_HASH_SIZE) < 0;
	bool before = memcmp(name, record->next, NSEC3_HASH_SIZE) < 0;
	if (memcmp(record->owner, record->next, NSEC3_HASH_SIZE) < 0) {
		return behind && before;
	}
	return memcmp(record->owner, name, NSEC3_HASH_SIZE) != 0 && (behind || before);
}

/* Of several that cover a hash, one with Opt-Out counts: it claims less. */
static const struct nsec3 *covering(const struct chain *chain, const uint8_t name[NSEC3_HASH_SIZE])
{
	const struct nsec3 *found = NULL;
	for (unsigned i = 0; i < chain->count; i++) {
		if (covers(&chain->records[i], name) && (found == NULL || chain->records[i].opt_out)) {
			found = &chain->records[i];
		}
	}
	return found;
}

static void find_wildcard(const struct chain *chain, const uint8_t *encloser, struct finding *out)
{
	uint8_t name[DNAME_MAX];
	uint8_t hashed[NSEC3_HASH_SIZE];
	denial_wildcard_name(encloser, name);
	out->wildcard = hash(chain, name, hashed);
	if (out->wildcard != PRESENCE_UNKNOWN) {
		return;
	}
	const struct nsec3 *record = matching(chain, hashed);
	if (record != NULL) {
		out->wildcard = PRESENCE_THERE;
		out->wildcard_types = record->types;
	} else if (covering(chain, hashed) != NULL) {
		out->wildcard = PRESENCE_ABSENT;
	}
}

/* RFC 5155 8.3: the longest ancestor that exists, and the name below it, next closer to the name, that does not. */
static void find(const struct chain *chain, const uint8_t *name, struct finding *out)
{
	uint8_t next_closer[NSEC3_HASH_SIZE];
	uint8_t hashed[NSEC3_HASH_SIZE];
	const uint8_t *encloser = name;
	const struct nsec3 *record;
	for (;;) { /* at most DNAME_LABELS_MAX */
		out->name = hash(chain, encloser, hashed);
		if (out->name != PRESENCE_UNKNOWN) {
			return;
		}
		record = matching(chain, hashed);
		if (record != NULL) {
			break;
		}
		if (dname_equal(encloser, chain->d->zone)) {
			return;
		}
		encloser = dname_parent(encloser);
		memcpy(next_closer, hashed, sizeof(next_closer));
	}
	if (encloser == name) {
		out->name = PRESENCE_THERE;
		out->types = record->types;
		return;
	}
	const struct nsec3 *cover = covering(chain, next_closer);
	/* RFC 5155 8.3, RFC 6840 4.1: not from a delegation or DNAME, below which the zone has nothing to say. */
	if (cover == NULL || denial_types_end_zone(&record->types)) {
		return;
	}
	out->name = PRESENCE_ABSENT;
	out->opt_out = cover->opt_out;
	find_wildcard(chain, encloser, out);
}

void denial_nsec3_find(const struct denial *d, unsigned chain_index, const uint8_t *name, struct finding *out)
{
	struct chain chain;
	if (!collect(d, chain_index, &chain)) {
		return;
	}
	if (chain.records[0].iterations > ITERATIONS_MAX) {
		out->name = PRESENCE_ITERATIONS;
		return;
	}
	find(&chain, name, out);
}

void denial_nsec3_covers(const struct denial *d, unsigned chain_index, const uint8_t *name, struct finding *out)
{
	struct chain chain;
	uint8_t hashed[NSEC3_HASH_SIZE];
	if (!collect(d, chain_index, &chain)) {
		return;
	}
	if (chain.records[0].iterations > ITERATIONS_MAX) {
		out->name = PRESENCE_ITERATIONS;
		return;
	}
	out->name = hash(&chain, name, hashed);
	if (out->name != PRESENCE_UNKNOWN) {
		return;
	}
	const struct nsec3 *cover = covering(&chain, hashed);
	if (cover != NULL && matching(&chain, hashed) == NULL) {
		out->name = PRESENCE_ABSENT;
		out->opt_out = cover->opt_out;
	}
}
