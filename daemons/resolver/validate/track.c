/*
 * Tracking anchor keys. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/track.h"

#include "common/dns/rr.h"
#include "common/util/log.h"
#include "daemons/resolver/validate/memo.h"
#include "daemons/resolver/validate/verify.h"

#include <string.h>

/* Signature checks for one RRset: some keys of the zone, and as many that revoked themselves. */
#define TRACK_CHECKS 32
/* Keys of one RRset that are looked at: the root has up to five. */
#define TRACK_KEYS_MAX 32

bool track_speaks_of(struct dnssec *dnssec, const struct ipc_anchor *anchor, const uint8_t *rdata, uint16_t len)
{
	struct ds ds;
	if (anchor->type == RR_DNSKEY) {
		return anchor->len == len && memcmp(anchor->rdata, rdata, len) == 0;
	}
	return ds_parse(anchor->rdata, anchor->len, &ds) == BH_OK &&
	       dnssec_ds_matches(dnssec, &ds, anchor->zone, rdata, len);
}

static bool is_configured(const struct gather *from, const uint8_t *zone, const uint8_t *rdata, uint16_t len)
{
	uint8_t plain[ANCHOR_RDATA_MAX];
	if (len > sizeof(plain)) {
		return false;
	}
	memcpy(plain, rdata, len);
	plain[1] &= (uint8_t)~DNSKEY_REVOKE;
	for (size_t i = 0; i < from->anchor_count; i++) {
		const struct ipc_anchor *a = &from->anchors[i];
		if (dname_equal(a->zone, zone) && track_speaks_of(from->dnssec, a, plain, len)) {
			return true;
		}
	}
	return false;
}

/* RFC 1982, RFC 4034 3.1.5 */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Has the key signed the RRset, at this time? */
static bool has_signed(const struct gather *from, const struct rrset *keys, const struct dnskey *dnskey, uint32_t wall_sec,
		       unsigned *checks)
{
	struct dnssec_rrset set = { .owner = keys->owner, .type = RR_DNSKEY, .count = keys->count,
				    .rdata = keys->rdata, .rdata_len = keys->rdata_len };
	struct cursor c = cursor_of(keys->sigs, keys->sigs_len);
	struct dnssec_key *key = NULL;
	bool good = false;
	for (unsigned i = 0; i < keys->sig_count && *checks > 0 && !good; i++) {
		struct rrsig sig;
		size_t len;
		const uint8_t *rdata = cursor_blob(&c, &len);
		if (rdata == NULL || rrsig_parse(rdata, len, &sig) != BH_OK || sig.covered != RR_DNSKEY ||
		    sig.tag != dnskey->tag || sig.algorithm != dnskey->algorithm ||
		    !dname_equal(sig.signer, keys->owner) || sig.labels != dname_label_count(keys->owner) ||
		    is_before(wall_sec, sig.inception) || is_before(sig.expiration, wall_sec)) {
			continue;
		}
		(*checks)--;
		if (key == NULL) {
			key = dnssec_key_new(from->dnssec, dnskey);
		}
		good = key != NULL && dnssec_verify(from->dnssec, key, &sig, &set) == DNSSEC_GOOD;
	}
	if (key != NULL) {
		dnssec_key_free(key);
	}
	return good;
}

/* The times that RFC 5011 2.3 reckons with: of the signature that ends first. */
static void read_times(const struct rrset *keys, uint32_t wall_sec, struct rfc5011_observation *out)
{
	struct cursor c = cursor_of(keys->sigs, keys->sigs_len);
	out->original_ttl = keys->ttl;
	out->sig_left_sec = UINT32_MAX;
	for (unsigned i = 0; i < keys->sig_count; i++) {
		struct rrsig sig;
		size_t len;
		const uint8_t *rdata = cursor_blob(&c, &len);
		if (rdata == NULL || rrsig_parse(rdata, len, &sig) != BH_OK) {
			continue;
		}
		uint32_t left = is_before(wall_sec, sig.expiration) ? sig.expiration - wall_sec : 0;
		if (left < out->sig_left_sec) {
			out->sig_left_sec = left;
			out->original_ttl = sig.original_ttl;
		}
	}
}

bool track_judge(const struct gather *from, struct ipc_anchor_state *state, const struct anchor *trusted,
		 struct rrset *keys, uint64_t now_sec, rfc5011_change_fn *change, void *ctx)
{
	struct rfc5011_seen seen[TRACK_KEYS_MAX];
	struct rfc5011_observation o = { .keys = seen };
	uint32_t wall_sec = (uint32_t)now_sec;
	uint32_t checks = TRACK_CHECKS;
	unsigned own_checks = TRACK_CHECKS;
	char zone[DNAME_TEXT_MAX];

	if (keys == NULL) {
		rfc5011_failed(state, now_sec);
		return false;
	}
	read_times(keys, wall_sec, &o);
	for (unsigned i = 0; i < keys->count && o.count < TRACK_KEYS_MAX; i++) {
		struct dnskey dnskey;
		uint16_t len;
		const uint8_t *rdata = rrset_rdata(keys, i, &len);
		if (dnskey_parse(rdata, len, &dnskey) != BH_OK || dnskey.protocol != 3 || len < ANCHOR_KEY_MIN) {
			continue;
		}
		bool revoked = (dnskey.flags & DNSKEY_REVOKE) != 0;
		seen[o.count++] = (struct rfc5011_seen){
			.rdata = rdata,
			.len = len,
			.configured = is_configured(from, state->zone, rdata, len),
			.self_signed = revoked && has_signed(from, keys, &dnskey, wall_sec, &own_checks),
		};
	}
	/* Once in hours: nothing is remembered of it. */
	struct memo *memo = memo_new(16);
	if (memo == NULL) {
		rfc5011_failed(state, now_sec);
		return false;
	}
	struct verifier verifier = { .dnssec = from->dnssec, .memo = memo, .wall_sec = wall_sec, .checks = &checks };
	struct verify_reason reason = { 0, "" };
	struct trust *trust = NULL;
	o.verified = verify_keys(&verifier, state->zone, keys, NULL, trusted, &trust, &reason) == VERIFY_GOOD;
	trust_release(trust);
	memo_free(memo);
	if (!o.verified) {
		log_warn("trust anchor cannot be verified, tried again later zone=%s: %s", dname_text(state->zone, zone),
			 reason.why);
	}
	return rfc5011_step(state, &o, now_sec, change, ctx);
}
