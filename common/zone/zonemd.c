/*
 * The message digest of a zone (ZONEMD, RFC 8976): verified when the zone has one. Scheme SIMPLE, SHA-384 and
 * SHA-512. It guards against accidents; against an attacker it does only with DNSSEC, which is not validated here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/fold.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/dns/canonical.h"
#include "common/zone/checker.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8976 5.2: scheme SIMPLE. */
#define SCHEME_SIMPLE 1

/* RFC 8976 5.3. */
static const struct {
	uint8_t number;
	const char *name;
	size_t size;
} algorithms[] = {
	{ .number = 1, .name = "SHA384", .size = 48 },
	{ .number = 2, .name = "SHA512", .size = 64 },
};

#define ALGORITHMS COUNT(algorithms)

/* Serial, scheme, hash algorithm; then the digest (RFC 8976 2.2). */
#define ZONEMD_FIXED 6

/* The longest record: owner, type, class, TTL, length, RDATA. */
#define RECORD_MAX (DNAME_MAX + 10 + UINT16_MAX)

struct digester {
	const struct image_builder *b;
	EVP_MD_CTX *ctx[ALGORITHMS]; /* NULL: not wanted */
	uint8_t *record;	     /* room for RECORD_MAX */
	size_t owner_len;	     /* record begins with the owner of the moment, in lower case */
};

int builder_warm_zonemd(void)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, algorithms[i].name, NULL);
		if (md == NULL) {
			return BH_ESYS;
		}
		EVP_MD_free(md);
	}
	return BH_OK;
}

static int begin(struct digester *d, size_t algorithm)
{
	EVP_MD *md = EVP_MD_fetch(NULL, algorithms[algorithm].name, NULL);
	d->ctx[algorithm] = EVP_MD_CTX_new();
	bool ok = md != NULL && d->ctx[algorithm] != NULL && EVP_DigestInit_ex2(d->ctx[algorithm], md, NULL) == 1;
	EVP_MD_free(md); /* the context has its own reference */
	return ok ? BH_OK : BH_ESYS;
}

/* One record in canonical form (RFC 8976 3.3.1, RFC 4034 6.2), with the TTL of the text. */
static int put_record(struct digester *d, uint32_t index)
{
	const struct builder_record *r = &d->b->records[index];
	uint16_t len = builder_rdata_len(d->b, r);
	uint8_t *p = d->record + d->owner_len;
	put_u16(p, r->type);
	put_u16(p + 2, CLASS_IN);
	put_u32(p + 4, r->ttl);
	put_u16(p + 8, len);
	memcpy(p + 10, builder_rdata(d->b, r), len);
	canonical_fold(r->type, p + 10);
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (d->ctx[i] != NULL && EVP_DigestUpdate(d->ctx[i], d->record, d->owner_len + 10 + len) != 1) {
			return BH_ESYS;
		}
	}
	return BH_OK;
}

static int put_records(struct digester *d, const uint32_t *records, uint32_t count)
{
	int err = BH_OK;
	for (uint32_t i = 0; i < count && err == BH_OK; i++) {
		err = put_record(d, records[i]);
	}
	return err;
}

/* All RRsets of one name: those of a node (or none: node_sets 0) and of an NSEC3 (or IMAGE_NONE). */
struct owner {
	const uint8_t *name;
	uint32_t first_set;
	uint32_t node_sets;
	uint32_t nsec3; /* its RRset */
	bool is_apex;
};

/* Walk over the RRsets of a name by type; start with *pos = 0. */
static bool next_set(const struct digester *d, const struct owner *o, uint32_t *pos, struct builder_set *out)
{
	uint32_t before = 0; /* RRsets of the node that come before NSEC3 */
	while (before < o->node_sets && d->b->plan.rrsets[o->first_set + before].type < RR_NSEC3) {
		before++;
	}
	uint32_t nsec3s = o->nsec3 == IMAGE_NONE ? 0 : 1;
	uint32_t at = (*pos)++;
	if (at >= o->node_sets + nsec3s) {
		return false;
	}
	if (nsec3s == 1 && at == before) {
		*out = builder_set_at(d->b, o->nsec3);
	} else {
		*out = builder_set_at(d->b, o->first_set + at - (nsec3s == 1 && at > before ? 1 : 0));
	}
	return true;
}

enum pass { PASS_BELOW_RRSIG, PASS_RRSIG, PASS_ABOVE_RRSIG, PASSES };

/*
 * RFC 8976 3.3.1: by type, and RRSIGs are an RRset of their own among them. Signatures in the order of what
 * they cover are in canonical order, as that is how their RDATA begins. Without ZONEMD of the apex and
 * signatures over it.
 */
static int put_owner(struct digester *d, const struct owner *o)
{
	int err = BH_OK;
	d->owner_len = dname_copy_lower(d->record, o->name);
	for (unsigned pass = 0; pass < PASSES && err == BH_OK; pass++) {
		struct builder_set set;
		for (uint32_t pos = 0; err == BH_OK && next_set(d, o, &pos, &set);) {
			if (o->is_apex && set.type == RR_ZONEMD) {
				continue;
			}
			if (pass == PASS_RRSIG) {
				err = put_records(d, set.sigs, set.sig_count);
			} else if ((set.type < RR_RRSIG) == (pass == PASS_BELOW_RRSIG)) {
				err = put_records(d, set.records, set.record_count);
			}
		}
	}
	return err;
}

/* NSEC3s by hash, which is the order of their owner names: those of the chain, and the others among them. */
struct nsec3_walk {
	uint32_t chain;
	uint32_t other;
};

/* The next one, or IMAGE_NONE. take: go on behind it. */
static uint32_t next_nsec3(const struct builder_plan *plan, struct nsec3_walk *walk, bool take)
{
	bool chain_left = walk->chain < plan->header.nsec3_chain;
	bool other_left = walk->other < plan->nsec3_count;
	if (!chain_left && !other_left) {
		return IMAGE_NONE;
	}
	bool from_chain = chain_left;
	if (chain_left && other_left) {
		from_chain = memcmp(plan->nsec3[walk->chain].hash, plan->nsec3[walk->other].hash,
				    IMAGE_NSEC3_HASH) < 0;
	}
	uint32_t *at = from_chain ? &walk->chain : &walk->other;
	uint32_t found = *at;
	*at += take;
	return found;
}

/* NSEC3s whose owner is before this name, which is right below the apex; all that are left before NULL. */
static int put_nsec3s_before(struct digester *d, struct nsec3_walk *walk, const uint8_t *name)
{
	const struct builder_plan *plan = &d->b->plan;
	uint32_t next;
	while ((next = next_nsec3(plan, walk, false)) != IMAGE_NONE) {
		uint8_t owner[DNAME_MAX];
		image_nsec3_owner(&plan->view, next, owner);
		if (name != NULL && fold_label_compare(owner, name) >= 0) {
			return BH_OK;
		}
		struct owner o = { .name = owner, .nsec3 = plan->nsec3[next].rrset };
		int err = put_owner(d, &o);
		if (err != BH_OK) {
			return err;
		}
		(void)next_nsec3(plan, walk, true);
	}
	return BH_OK;
}

/* The RRset of the NSEC3 with just this owner, or IMAGE_NONE. */
static uint32_t nsec3_at(const struct digester *d, struct nsec3_walk *walk, const uint8_t *name)
{
	const struct builder_plan *plan = &d->b->plan;
	uint32_t next = next_nsec3(plan, walk, false);
	if (next == IMAGE_NONE) {
		return IMAGE_NONE;
	}
	uint8_t owner[DNAME_MAX];
	image_nsec3_owner(&plan->view, next, owner);
	if (fold_label_compare(owner, name) != 0) {
		return IMAGE_NONE;
	}
	return plan->nsec3[next_nsec3(plan, walk, true)].rrset;
}

/* RFC 8976 3.3: all that the zone has, occluded data and glue too, in canonical order of owners. */
static int put_zone(struct digester *d)
{
	const struct builder_plan *plan = &d->b->plan;
	struct nsec3_walk walk = { .chain = 0, .other = plan->header.nsec3_chain };
	int err = BH_OK;
	for (uint32_t n = 0; n < plan->node_count && err == BH_OK; n++) {
		const struct image_node *node = &plan->nodes[n];
		struct owner o = {
			.name = d->b->arena + node->name,
			.first_set = node->rrset,
			.node_sets = node->rrset_count,
			.nsec3 = IMAGE_NONE,
			.is_apex = n == 0,
		};
		if (n > 0 && node->parent == 0) { /* where owners of NSEC3 can be */
			err = put_nsec3s_before(d, &walk, o.name);
			o.nsec3 = nsec3_at(d, &walk, o.name);
		}
		if (err == BH_OK) {
			err = put_owner(d, &o);
		}
	}
	return err == BH_OK ? put_nsec3s_before(d, &walk, NULL) : err;
}

/* A ZONEMD of the apex that may be used, one for each algorithm at most. */
struct candidate {
	uint32_t count;
	const struct builder_record *record;
	const uint8_t *rdata;
	bool serial_fits;
	bool matches;
};

static int compute(const struct image_builder *b, const struct candidate *candidates,
		   uint8_t digests[ALGORITHMS][EVP_MAX_MD_SIZE])
{
	struct digester d = { .b = b, .record = malloc(RECORD_MAX) };
	int err = d.record == NULL ? BH_ENOMEM : BH_OK;
	for (size_t i = 0; i < ALGORITHMS && err == BH_OK; i++) {
		err = candidates[i].serial_fits ? begin(&d, i) : BH_OK;
	}
	if (err == BH_OK) {
		err = put_zone(&d);
	}
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (err == BH_OK && d.ctx[i] != NULL && EVP_DigestFinal_ex(d.ctx[i], digests[i], NULL) != 1) {
			err = BH_ESYS;
		}
		EVP_MD_CTX_free(d.ctx[i]);
	}
	free(d.record);
	return err;
}

static size_t algorithm_of(const uint8_t *rdata)
{
	size_t i = 0;
	while (i < ALGORITHMS && (rdata[4] != SCHEME_SIMPLE || rdata[5] != algorithms[i].number)) {
		i++;
	}
	return i;
}

/* RFC 8976 4 (4): schemes and algorithms that are not known are passed over, and so are pairs that are there twice. */
static unsigned find_candidates(struct checker *c, const struct builder_set *set, struct candidate *candidates)
{
	for (uint32_t i = 0; i < set->record_count; i++) {
		const struct builder_record *r = record_at(c, set->records[i]);
		const uint8_t *rdata = builder_rdata(c->b, r);
		size_t algorithm = algorithm_of(rdata);
		if (algorithm == ALGORITHMS) {
			tell_at(c, ZONE_WARNING, r, "ZONEMD with scheme %u and hash algorithm %u is not verified",
				rdata[4], rdata[5]);
			continue;
		}
		candidates[algorithm].count++;
		candidates[algorithm].record = r;
		candidates[algorithm].rdata = rdata;
	}
	unsigned usable = 0;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		usable += candidates[i].count == 1;
		if (candidates[i].count > 1) {
			tell_at(c, ZONE_WARNING, candidates[i].record,
				"several ZONEMD records with hash algorithm %u; none of them is used",
				algorithms[i].number);
		}
	}
	return usable;
}

static void tell_mismatch(struct checker *c, const struct candidate *candidate, enum zone_severity severity,
			  uint32_t serial)
{
	if (candidate->serial_fits) {
		tell_at(c, severity, candidate->record, "the zone is not the one that ZONEMD was made for: its digest differs");
	} else {
		tell_at(c, severity, candidate->record, "ZONEMD was made for serial %u, the zone has %u",
			get_u32(candidate->rdata), serial);
	}
}

int check_zonemd(struct checker *c)
{
	struct builder_set set = builder_find_set(c->b, 0, RR_ZONEMD);
	struct candidate candidates[ALGORITHMS] = { 0 };
	if (set.record_count == 0 || find_candidates(c, &set, candidates) == 0) {
		return BH_OK;
	}
	uint32_t serial = builder_serial(c->b);
	for (size_t i = 0; i < ALGORITHMS; i++) {
		candidates[i].serial_fits = candidates[i].count == 1 && get_u32(candidates[i].rdata) == serial;
	}
	uint8_t digests[ALGORITHMS][EVP_MAX_MD_SIZE];
	int err = compute(c->b, candidates, digests);
	if (err != BH_OK) {
		return err;
	}
	/* RFC 8976 4: one that matches is enough. */
	bool any = false;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		struct candidate *candidate = &candidates[i];
		candidate->matches = candidate->serial_fits &&
				     builder_rdata_len(c->b, candidate->record) == ZONEMD_FIXED + algorithms[i].size &&
				     memcmp(candidate->rdata + ZONEMD_FIXED, digests[i], algorithms[i].size) == 0;
		any |= candidate->matches;
	}
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (candidates[i].count == 1 && !candidates[i].matches) {
			tell_mismatch(c, &candidates[i], any ? ZONE_WARNING : ZONE_ERROR, serial);
		}
	}
	return BH_OK;
}
