/*
 * Signatures and keys. Everything here but keys of zones that are secure comes from strangers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/verify.h"

#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/memo.h"

#include <stdlib.h>
#include <string.h>

/* a - b of serial numbers (RFC 1982 3.2, RFC 4034 3.1.5). */
static int32_t serial_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* Record i of a packed list; moves *p on. */
static const uint8_t *next_packed(const uint8_t **p, uint16_t *len)
{
	const uint8_t *at = *p;
	*len = get_u16(at);
	*p = at + 2 + *len;
	return at + 2;
}

/* What of RFC 4035 5.3.1 a signature meets that is judged without arithmetic and without keys. */
static bool fits(const struct rrset *set, const struct rrsig *sig, const uint8_t *zone)
{
	/* The parent speaks of DS; what a zone says about its own is worth nothing. */
	if (set->type == RR_DS && dname_equal(set->owner, zone)) {
		return false;
	}
	return sig->covered == set->type && dname_equal(sig->signer, zone) && dname_is_under(set->owner, zone) &&
	       sig->labels <= dname_signed_labels(set->owner) && sig->labels >= dname_label_count(zone);
}

/*
 * Clocks differ: a tenth of the signature's life, within SKEW_MIN_SEC and SKEW_MAX_SEC, is granted at both ends.
 * EDE_NONE: the dates are right.
 */
static int judge_dates(const struct rrsig *sig, uint32_t now)
{
	int32_t life = serial_diff(sig->expiration, sig->inception);
	if (life < 0) {
		return EDE_DNSSEC_BOGUS; /* ends before it begins */
	}
	int32_t skew = life / 10;
	skew = skew < SKEW_MIN_SEC ? SKEW_MIN_SEC : skew > SKEW_MAX_SEC ? SKEW_MAX_SEC : skew;
	if (serial_diff(sig->inception, now) > skew) {
		return EDE_SIGNATURE_NOT_YET_VALID;
	}
	if (serial_diff(now, sig->expiration) > skew) {
		return EDE_SIGNATURE_EXPIRED;
	}
	return EDE_NONE;
}

/* RFC 4035 5.3.3; for a signature that lives on the granted skew, only a moment. */
static void cut_ttl(const struct verifier *v, struct rrset *set, const struct rrsig *sig)
{
	int32_t left = serial_diff(sig->expiration, v->wall_sec);
	uint32_t most = left > 1 ? (uint32_t)left : 1;
	uint32_t original = sig->original_ttl > v->min_ttl_sec ? sig->original_ttl : v->min_ttl_sec;
	most = original < most ? original : most;
	if (set->ttl > most) {
		set->ttl = most;
	}
}

static struct dnssec_rrset as_input(const struct rrset *set)
{
	return (struct dnssec_rrset){ .owner = set->owner, .type = set->type, .count = set->count, .rdata = set->rdata,
				      .rdata_len = set->rdata_len };
}

/* The RDATA that a parsed key was taken from: flags, protocol and algorithm stand before the key. */
static const uint8_t *key_rdata(const struct dnskey *key, size_t *len)
{
	*len = key->key_len + 4;
	return key->key - 4;
}

/* What a check costs, as a multiple of P-256 or RSA: measured in instructions of libcrypto, 0.8 million for P-256. */
static uint32_t price_of(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_ECDSAP384:
		return 8;
	case DNSSEC_ED448:
		return 3;
	case DNSSEC_ED25519:
		return 2;
	default:
		return 1;
	}
}

/* One signature, with its RDATA, against one key. *tries: checks that may still be made for the RRset. */
static enum verify_result check(const struct verifier *v, struct trust_key *key, const struct rrsig *sig,
				const uint8_t *sig_rdata, size_t sig_len, const struct rrset *set, unsigned *tries)
{
	uint32_t price = price_of(sig->algorithm);
	struct memo_note note;
	size_t key_len;
	const uint8_t *key_bytes = key_rdata(&key->dnskey, &key_len);
	bool noted = memo_note(v->memo, set, sig_rdata, sig_len, key_bytes, key_len, &note);
	if (noted && memo_has(v->memo, &note)) {
		return VERIFY_GOOD;
	}
	if (*v->checks < price || *tries == 0) {
		return VERIFY_LIMIT;
	}
	*v->checks -= price;
	--*tries;
	if (key->key == NULL && !key->unusable) {
		key->key = dnssec_key_new(v->dnssec, &key->dnskey);
		key->unusable = key->key == NULL;
	}
	if (key->unusable) {
		return VERIFY_BAD;
	}
	struct dnssec_rrset input = as_input(set);
	switch (dnssec_verify(v->dnssec, key->key, sig, &input)) {
	case DNSSEC_GOOD:
		if (noted) {
			memo_add(v->memo, &note);
		}
		return VERIFY_GOOD;
	case DNSSEC_BAD:
		return VERIFY_BAD;
	default:
		return VERIFY_FAILED;
	}
}

/* One signature against all keys that it may be made with: *known counts those. */
static enum verify_result check_keys(const struct verifier *v, struct trust_key *keys, unsigned key_count,
				     const struct rrsig *sig, const uint8_t *sig_rdata, size_t sig_len,
				     const struct rrset *set, unsigned *tries, unsigned *known)
{
	*known = 0;
	for (unsigned i = 0; i < key_count && *known < KEY_COLLISIONS_MAX; i++) {
		if (keys[i].dnskey.tag != sig->tag || keys[i].dnskey.algorithm != sig->algorithm) {
			continue;
		}
		++*known;
		enum verify_result result = check(v, &keys[i], sig, sig_rdata, sig_len, set, tries);
		if (result != VERIFY_BAD) {
			return result;
		}
	}
	return VERIFY_BAD;
}

static enum verify_result bad(struct verify_reason *reason, int ede, const char *why)
{
	reason->ede = ede;
	reason->why = why;
	return VERIFY_BAD;
}

/* Any of the set's signatures by any of these keys, which are zone's. */
static enum verify_result verify_any(const struct verifier *v, struct rrset *set, const uint8_t *zone,
				     struct trust_key *keys, unsigned key_count, struct verify_reason *reason)
{
	const uint8_t *p = set->sigs;
	unsigned tried = 0;
	unsigned tries = SET_CHECKS_MAX;
	(void)bad(reason, EDE_RRSIGS_MISSING, "no signature of the zone");
	for (unsigned i = 0; i < set->sig_count && tried < SIGNATURES_MAX; i++) {
		struct rrsig sig;
		uint16_t len;
		unsigned known;
		const uint8_t *rdata = next_packed(&p, &len);
		if (rrsig_parse(rdata, len, &sig) != BH_OK || !fits(set, &sig, zone)) {
			continue;
		}
		int dates = judge_dates(&sig, v->wall_sec);
		if (dates != EDE_NONE) {
			(void)bad(reason, dates, "a signature's dates are wrong");
			continue;
		}
		if (!dnssec_has_algorithm(v->dnssec, sig.algorithm)) {
			if (tried == 0) {
				(void)bad(reason, EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "signed with unknown algorithms only");
			}
			continue;
		}
		tried++;
		enum verify_result result = check_keys(v, keys, key_count, &sig, rdata, len, set, &tries, &known);
		if (result == VERIFY_LIMIT && tries == 0) {
			return bad(reason, EDE_DNSSEC_BOGUS, "more signatures and keys than are tried");
		}
		if (result == VERIFY_GOOD) {
			cut_ttl(v, set, &sig);
			set->labels = sig.labels;
		}
		if (result != VERIFY_BAD) {
			return result;
		}
		(void)bad(reason, known == 0 ? EDE_DNSKEY_MISSING : EDE_DNSSEC_BOGUS,
			  known == 0 ? "signed with a key that the zone does not have" : "a signature is wrong");
	}
	return VERIFY_BAD;
}

enum verify_result verify_set(const struct verifier *v, struct rrset *set, struct trust *zone,
			      struct verify_reason *reason)
{
	return verify_any(v, set, zone->zone, zone->keys, zone->key_count, reason);
}

const uint8_t *verify_signer(const struct rrset *set, const uint8_t *preferred)
{
	const uint8_t *p = set->sigs;
	const uint8_t *first = NULL;
	for (unsigned i = 0; i < set->sig_count && i < SIGNATURES_MAX; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = next_packed(&p, &len);
		if (rrsig_parse(rdata, len, &sig) != BH_OK || !dname_is_under(set->owner, sig.signer) ||
		    (set->type == RR_DS && dname_equal(set->owner, sig.signer))) {
			continue;
		}
		if (preferred != NULL && dname_equal(sig.signer, preferred)) {
			return sig.signer;
		}
		first = first == NULL ? sig.signer : first;
	}
	return first;
}

/* --- keys of a zone ---------------------------------------------------------------------------------- */

/* RFC 4034 2.1.1, 2.1.2; RFC 5011 2.1: a revoked key signs nothing but its own revocation. */
static bool is_zone_key(const struct dnskey *key)
{
	return (key->flags & DNSKEY_ZONE) != 0 && (key->flags & DNSKEY_REVOKE) == 0 && key->protocol == 3;
}

/* Honest zones have one pair of keys with one tag in 65,536; many are there to multiply the work (KeyTrap). */
static bool too_many_collide(const struct trust *trust)
{
	for (unsigned i = 0; i < trust->key_count; i++) {
		unsigned same = 0;
		for (unsigned k = 0; k < trust->key_count; k++) {
			same += trust->keys[k].dnskey.tag == trust->keys[i].dnskey.tag &&
				trust->keys[k].dnskey.algorithm == trust->keys[i].dnskey.algorithm;
		}
		if (same > KEY_COLLISIONS_MAX) {
			return true;
		}
	}
	return false;
}

/* The keys of a DNSKEY RRset that can be used, as an entry that is not trusted yet. NULL: no memory. */
static struct trust *usable_keys(const struct verifier *v, const uint8_t *zone, const struct rrset *dnskeys)
{
	uint8_t *packed = malloc(dnskeys->rdata_len + 1u);
	size_t used = 0;
	unsigned count = 0;
	const uint8_t *p = dnskeys->rdata;
	if (packed == NULL) {
		return NULL;
	}
	for (unsigned i = 0; i < dnskeys->count && count < ZONE_KEYS_MAX; i++) {
		struct dnskey key;
		uint16_t len;
		const uint8_t *rdata = next_packed(&p, &len);
		if (dnskey_parse(rdata, len, &key) == BH_OK && is_zone_key(&key) &&
		    dnssec_has_algorithm(v->dnssec, key.algorithm)) {
			memcpy(packed + used, rdata - 2, 2u + len);
			used += 2u + len;
			count++;
		}
	}
	struct trust *trust = trust_new(zone, TRUST_SECURE, packed, used, count);
	free(packed);
	return trust;
}

/* Does this record of DS RRset or anchor speak of the key? */
static bool speaks_of(const struct verifier *v, const uint8_t *zone, uint16_t type, const uint8_t *rdata, uint16_t len,
		      const struct dnskey *key)
{
	size_t key_len;
	const uint8_t *key_bytes = key_rdata(key, &key_len);
	struct ds ds;
	if (type == RR_DNSKEY) {
		return len == key_len && memcmp(rdata, key_bytes, len) == 0;
	}
	return ds_parse(rdata, len, &ds) == BH_OK && ds.tag == key->tag && ds.algorithm == key->algorithm &&
	       dnssec_ds_matches(v->dnssec, &ds, zone, key_bytes, key_len);
}

/* Can anything be done with it? RFC 4035 5.2: a DS of unknown algorithm or digest counts as not there. */
static bool is_usable(const struct verifier *v, uint16_t type, const uint8_t *rdata, uint16_t len, bool *weak)
{
	struct dnskey key;
	struct ds ds;
	*weak = false;
	if (type == RR_DNSKEY) {
		return dnskey_parse(rdata, len, &key) == BH_OK && is_zone_key(&key) &&
		       dnssec_has_algorithm(v->dnssec, key.algorithm);
	}
	if (ds_parse(rdata, len, &ds) != BH_OK) {
		return false;
	}
	*weak = ds.digest_type == DNSSEC_SHA1;
	return dnssec_has_algorithm(v->dnssec, ds.algorithm) && dnssec_has_digest(v->dnssec, ds.digest_type);
}

/* The records that vouch for a zone: of a DS RRset, or of an anchor. */
struct vouchers {
	unsigned count;
	struct anchor_record items[VOUCHERS_MAX];
	bool usable[VOUCHERS_MAX];
	unsigned usable_count;
};

static void collect_vouchers(const struct verifier *v, const struct rrset *ds, const struct anchor *anchor,
			     struct vouchers *out)
{
	bool weak[VOUCHERS_MAX];
	bool strong = false;
	unsigned total = ds != NULL ? ds->count : anchor->count;
	const uint8_t *p = ds != NULL ? ds->rdata : NULL;
	out->count = 0;
	out->usable_count = 0;
	for (unsigned i = 0; i < total && out->count < VOUCHERS_MAX; i++) {
		struct anchor_record *item = &out->items[out->count];
		if (ds != NULL) {
			item->type = RR_DS;
			item->rdata = next_packed(&p, &item->len);
		} else {
			*item = anchor->records[i];
		}
		out->usable[out->count] = is_usable(v, item->type, item->rdata, item->len, &weak[out->count]);
		strong = strong || (out->usable[out->count] && !weak[out->count]);
		out->count++;
	}
	for (unsigned i = 0; i < out->count; i++) {
		/* RFC 4509 3: with a better digest at hand, those of SHA-1 are not looked at (downgrade). */
		out->usable[i] = out->usable[i] && !(strong && weak[i] && ds != NULL);
		out->usable_count += out->usable[i];
	}
}

bool verify_has_usable(const struct verifier *v, const struct rrset *ds)
{
	struct vouchers vouchers;
	collect_vouchers(v, ds, NULL, &vouchers);
	return vouchers.usable_count > 0;
}

enum verify_result verify_keys(const struct verifier *v, const uint8_t *zone, struct rrset *dnskeys,
			       const struct rrset *ds, const struct anchor *anchor, struct trust **out,
			       struct verify_reason *reason)
{
	struct vouchers vouchers;
	collect_vouchers(v, ds, anchor, &vouchers);
	*out = NULL;
	if (vouchers.usable_count == 0) {
		(void)bad(reason, EDE_UNSUPPORTED_DNSKEY_ALGORITHM,
			  ds != NULL ? "no DS of a known algorithm" : "no trust anchor that can be used");
		/* RFC 4035 5.2. But an anchor is the operator's word that the zone is signed: it fails closed. */
		return ds != NULL ? VERIFY_UNSUPPORTED : VERIFY_BAD;
	}
	struct trust *keys = usable_keys(v, zone, dnskeys);
	if (keys == NULL) {
		return VERIFY_FAILED;
	}
	if (too_many_collide(keys)) {
		trust_release(keys);
		return bad(reason, EDE_DNSSEC_BOGUS, "too many keys with one tag");
	}
	enum verify_result result = bad(reason, EDE_DNSKEY_MISSING, "no key of the zone is the one its parent speaks of");
	unsigned tried = 0;
	for (unsigned k = 0; k < keys->key_count && result == VERIFY_BAD && tried < ENTRY_KEYS_MAX; k++) {
		for (unsigned i = 0; i < vouchers.count; i++) {
			const struct anchor_record *item = &vouchers.items[i];
			if (vouchers.usable[i] &&
			    speaks_of(v, zone, item->type, item->rdata, item->len, &keys->keys[k].dnskey)) {
				tried++;
				result = verify_any(v, dnskeys, zone, &keys->keys[k], 1, reason);
				break;
			}
		}
	}
	if (result == VERIFY_GOOD) {
		*out = keys;
	} else {
		trust_release(keys);
	}
	return result;
}
