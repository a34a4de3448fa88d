/*
 * The walk from what is trusted down to a zone. validate.h tells the story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/validate.h"

#include "daemons/resolver/validate/denial.h"

/* Where a step leads. */
enum step { STEP_ON, STEP_WAIT, STEP_END, STEP_FAILED };

void walk_begin(struct core *core, struct walk *w, const uint8_t *target, const uint8_t *anchor_zone, uint64_t now_ms)
{
	unsigned anchor_labels = dname_label_count(anchor_zone);
	unsigned labels = dname_label_count(target);
	*w = (struct walk){ .target = target, .anchor_zone = anchor_zone };
	for (const uint8_t *zone = target; labels >= anchor_labels; zone = dname_parent(zone), labels--) {
		w->at = trust_find(core->trust, zone, now_ms);
		if (w->at != NULL || labels == 0) {
			w->known_labels = labels;
			return;
		}
	}
}

/* The candidate's zone is known now; what the caller holds of it becomes ours. */
static void arrive(struct walk *w, struct trust *trust)
{
	trust_release(w->at);
	w->at = trust;
	w->known_labels = dname_label_count(trust->zone);
	w->ds = NULL;
	w->want = WANT_NOTHING;
	w->retries = 0;
	w->label_by_label = false;
}

/* What holds about a zone holds no longer than what holds about the one above it (ghost domains). */
static void set_expiry(const struct walk *w, struct trust *trust, uint32_t ttl, uint64_t now_ms)
{
	uint64_t ms = (ttl < TTL_TRUST_MAX ? ttl : TTL_TRUST_MAX) * UINT64_C(1000);
	trust->expire_ms = now_ms + ms;
	if (w->at != NULL && w->at->expire_ms < trust->expire_ms) {
		trust->expire_ms = w->at->expire_ms;
	}
}

/* Remember it for others, unless it may be what was to be forgotten (core_flush). */
static void keep(struct core *core, struct trust *trust)
{
	if (core->keeps) {
		trust_put(core->trust, trust);
	}
}

/* The candidate has this state, without keys. */
static enum step conclude(struct core *core, struct walk *w, enum trust_state state, uint32_t ttl,
			  const struct verify_reason *reason, uint64_t now_ms)
{
	struct trust *trust = trust_new(w->candidate, state, NULL, 0, 0);
	if (trust == NULL) {
		return STEP_FAILED;
	}
	if (reason != NULL) {
		trust->ede = reason->ede;
		trust->why = reason->why;
	}
	set_expiry(w, trust, ttl, now_ms);
	keep(core, trust);
	arrive(w, trust);
	return STEP_ON;
}

/* What was delivered is bogus: forget it, and what led to it, and ask somebody else; or give the zone up. */
static enum step on_bogus(struct core *core, struct walk *w, const struct verify_reason *reason, uint64_t now_ms)
{
	if (w->got.asked) {
		servers_set_lame(core->servers, &w->got.server, w->got.server_zone,
				 now_ms + SERVER_ERROR_SEC * UINT64_C(1000));
	}
	/* What else is there of the name is not in doubt; and to look for all of it takes a search through the whole cache. */
	cache_drop(core->cache, w->candidate, RR_DS);
	cache_drop(core->cache, w->candidate, RR_DNSKEY);
	cache_drop(core->cache, w->candidate, RR_CNAME);
	if (w->retries++ >= BOGUS_RETRIES_MAX) {
		return conclude(core, w, TRUST_BOGUS, TTL_BOGUS, reason, now_ms);
	}
	w->want = WANT_NOTHING;
	w->ds = NULL;
	return STEP_ON;
}

/* Fetch records of the candidate by a frame on top. */
static enum step fetch(struct core *core, struct resolution *r, struct walk *w, enum walk_want want, uint64_t now_ms)
{
	w->want = (uint8_t)want;
	w->got = (struct delivery){ .there = false };
	return iterate_push_trust(core, r, w->candidate, want == WANT_DS ? RR_DS : RR_DNSKEY, now_ms) ? STEP_WAIT
												   : STEP_END;
}

static struct rrset *find_set(struct rrset *list, const uint8_t *owner, uint16_t type)
{
	while (list != NULL && (list->type != type || !dname_equal(list->owner, owner))) {
		list = list->next;
	}
	return list;
}

/* The result of a check that was not good. */
static enum step on_check(struct core *core, struct walk *w, enum verify_result result, struct verify_reason *reason,
			  uint64_t now_ms)
{
	if (result == VERIFY_BAD) {
		return on_bogus(core, w, reason, now_ms);
	}
	reason->ede = EDE_OTHER;
	reason->why = result == VERIFY_LIMIT ? "work limit for one question reached" : "out of memory";
	return STEP_FAILED;
}

/* No DS, and no alias: by which proof? */
static enum step on_no_ds(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
			  uint64_t now_ms)
{
	struct verifier verifier = validate_verifier(core, r, now_ms);
	const struct rrset *sets[PROOF_RRSETS_MAX];
	struct denial denial = { .zone = w->at->zone, .sets = sets, .hasher = core->hasher, .hashes = &r->hashes };
	uint32_t ttl = TTL_NEGATIVE_USUAL;
	*reason = (struct verify_reason){ EDE_NSEC_MISSING, "no proof of the absence of DS" };
	for (struct rrset *set = w->got.records; set != NULL && denial.count < PROOF_RRSETS_MAX; set = set->next) {
		if (set->type != RR_NSEC && set->type != RR_NSEC3) {
			continue;
		}
		struct verify_reason bad;
		enum verify_result result = verify_set(&verifier, set, w->at, &bad);
		if (result == VERIFY_GOOD) {
			sets[denial.count++] = set;
			ttl = set->ttl < ttl ? set->ttl : ttl;
		} else if (result == VERIFY_BAD) {
			*reason = bad; /* says more than that the proof is missing */
		} else {
			return on_check(core, w, result, reason, now_ms);
		}
	}
	switch (denial_ds(&denial, w->candidate)) {
	case DENIAL_DS_INSECURE:
	case DENIAL_DS_ITERATIONS:
		return conclude(core, w, TRUST_INSECURE, ttl, NULL, now_ms);
	case DENIAL_DS_NO_CUT:
		w->known_labels = dname_label_count(w->candidate);
		w->want = WANT_NOTHING;
		return STEP_ON;
	case DENIAL_DS_NO_NAME:
		w->known_labels = dname_label_count(w->target); /* nor anything below it */
		w->want = WANT_NOTHING;
		return STEP_ON;
	case DENIAL_DS_LIMIT:
		return on_check(core, w, VERIFY_LIMIT, reason, now_ms);
	case DENIAL_DS_NOT_PROVEN:
		break;
	}
	return on_check(core, w, VERIFY_BAD, reason, now_ms);
}

static enum step on_ds(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
		       uint64_t now_ms)
{
	struct verifier verifier = validate_verifier(core, r, now_ms);
	struct rrset *ds = find_set(w->got.records, w->candidate, RR_DS);
	struct rrset *alias = find_set(w->got.records, w->candidate, RR_CNAME);
	struct rrset *signed_set = ds != NULL ? ds : alias;
	enum step step;

	if (signed_set == NULL || signed_set->made) {
		/* RFC 6672 2.4: nothing is below a DNAME in its zone, so no cut either. */
		struct rrset *dname = w->got.records;
		if (signed_set != NULL && dname->type == RR_DNAME &&
		    verify_set(&verifier, dname, w->at, reason) == VERIFY_GOOD) {
			w->known_labels = dname_label_count(w->target);
			w->want = WANT_NOTHING;
			return STEP_ON;
		}
		step = on_no_ds(core, r, w, reason, now_ms);
	} else {
		enum verify_result result = verify_set(&verifier, signed_set, w->at, reason);
		if (result == VERIFY_GOOD && ds == NULL) { /* an alias is no cut */
			w->known_labels = dname_label_count(w->candidate);
			w->want = WANT_NOTHING;
			return STEP_ON;
		}
		if (result == VERIFY_GOOD) {
			if (!verify_has_usable(&verifier, ds)) { /* RFC 4035 5.2 */
				return conclude(core, w, TRUST_INSECURE, ds->ttl, NULL, now_ms);
			}
			w->ds = ds;
			return fetch(core, r, w, WANT_KEYS, now_ms);
		}
		step = on_check(core, w, result, reason, now_ms);
	}
	return step;
}

static enum step on_keys(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
			 uint64_t now_ms)
{
	struct verifier verifier = validate_verifier(core, r, now_ms);
	struct rrset *keys = find_set(w->got.records, w->candidate, RR_DNSKEY);
	struct trust *trust;
	struct anchor anchor = { .kind = ANCHOR_NONE };
	if (keys == NULL) {
		*reason = (struct verify_reason){ EDE_DNSKEY_MISSING, "the zone has no DNSKEY" };
		return on_bogus(core, w, reason, now_ms);
	}
	if (w->ds == NULL) {
		anchors_find(core->anchors, w->candidate, now_ms, &anchor);
		if (anchor.kind != ANCHOR_TRUST) { /* taken away meanwhile */
			*reason = (struct verify_reason){ EDE_DNSSEC_INDETERMINATE, "the trust anchor is gone" };
			return STEP_FAILED;
		}
	}
	enum verify_result result = verify_keys(&verifier, w->candidate, keys, w->ds, &anchor, &trust, reason);
	if (result != VERIFY_GOOD) {
		return on_check(core, w, result, reason, now_ms);
	}
	uint32_t ttl = w->ds != NULL && w->ds->ttl < keys->ttl ? w->ds->ttl : keys->ttl;
	set_expiry(w, trust, ttl, now_ms);
	keep(core, trust);
	arrive(w, trust);
	return STEP_ON;
}

/* Is something known already about DS at name? */
static bool ds_is_cached(const struct core *core, const uint8_t *name, uint64_t now_ms)
{
	struct cache_hit hit;
	return cache_get(core->cache, name, CACHE_RRSET, RR_DS, now_ms, &hit) ||
	       cache_get(core->cache, name, CACHE_NODATA, RR_DS, now_ms, &hit);
}

/*
 * The next name on the way that may be a cut: one label more; or straight to a delegation that was seen together with
 * its DS or the proof that there is none, if that is from the zone at hand. (If it is not, its signatures are another's,
 * and we go label by label.)
 */
static const uint8_t *next_candidate(const struct core *core, const struct walk *w, uint64_t now_ms)
{
	unsigned total = dname_label_count(w->target);
	for (unsigned labels = w->known_labels + 1; labels <= total && !w->label_by_label; labels++) {
		const uint8_t *name = dname_skip_labels(w->target, total - labels);
		if (ds_is_cached(core, name, now_ms)) {
			return name;
		}
	}
	return dname_skip_labels(w->target, total - w->known_labels - 1);
}

static enum step next_cut(struct core *core, struct resolution *r, struct walk *w, uint64_t now_ms)
{
	if (w->at == NULL) {
		w->candidate = w->anchor_zone;
		return fetch(core, r, w, WANT_KEYS, now_ms);
	}
	w->candidate = next_candidate(core, w, now_ms);
	struct trust *known = trust_find(core->trust, w->candidate, now_ms);
	if (known != NULL) {
		arrive(w, known);
		return STEP_ON;
	}
	return fetch(core, r, w, WANT_DS, now_ms);
}

/* The frame for it delivered. */
static enum step on_delivery(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
			     uint64_t now_ms)
{
	if (w->got.failed) {
		*reason = (struct verify_reason){ w->got.ede, w->got.why };
		return STEP_FAILED;
	}
	if (w->want == WANT_KEYS) {
		return on_keys(core, r, w, reason, now_ms);
	}
	/* A shortcut whose signatures are not of the zone at hand: there is a zone in between. */
	bool shortcut = dname_label_count(w->candidate) > w->known_labels + 1;
	const uint8_t *signer = w->got.records == NULL ? NULL : verify_signer(w->got.records, w->at->zone);
	if (shortcut && (signer == NULL || !dname_equal(signer, w->at->zone))) {
		w->label_by_label = true;
		w->want = WANT_NOTHING;
		return STEP_ON;
	}
	return on_ds(core, r, w, reason, now_ms);
}

enum walk_result walk_run(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
			  uint64_t now_ms)
{
	enum step step = STEP_ON;
	const struct trust *told = w->at;
	while (step == STEP_ON) {
		if (w->at != told) {
			trace_zone(core, r, w->at, now_ms);
			told = w->at;
		}
		if (w->want != WANT_NOTHING) {
			step = w->got.there ? on_delivery(core, r, w, reason, now_ms) : STEP_WAIT;
		} else if (w->at != NULL && w->at->state == TRUST_BOGUS) {
			*reason = (struct verify_reason){ w->at->ede, w->at->why };
			return WALK_BOGUS;
		} else if (w->at != NULL && w->at->state == TRUST_INSECURE) {
			return WALK_INSECURE;
		} else if (w->at != NULL && w->known_labels >= dname_label_count(w->target)) {
			return WALK_SECURE;
		} else {
			step = next_cut(core, r, w, now_ms);
		}
	}
	return step == STEP_WAIT ? WALK_WAITS : step == STEP_END ? WALK_ENDED : WALK_FAILED;
}
