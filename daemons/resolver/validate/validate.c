/*
 * One reply's validation. validate.h tells the story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/validate.h"

#include "daemons/resolver/validate/denial.h"

struct verifier validate_verifier(struct core *core, struct resolution *r, uint64_t now_ms)
{
	return (struct verifier){ .dnssec = core->dnssec, .memo = core->memo, .wall_sec = core_wall_sec(core, now_ms),
				  .min_ttl_sec = core->options.min_ttl_sec, .checks = &r->checks };
}

static bool is_proof(const struct rrset *set)
{
	return set->section == SECTION_AUTHORITY && (set->type == RR_NSEC || set->type == RR_NSEC3);
}

static bool is_negative(const struct validation *v)
{
	return v->reply.kind == REPLY_NODATA || v->reply.kind == REPLY_NXDOMAIN;
}

/*
 * The RRset by which the zone speaks. An NSEC alone is as good as a SOA: some authorities leave the SOA out, and
 * what the NSEC proves does not depend on it.
 */
static struct rrset *find_speaker(const struct validation *v)
{
	struct rrset *proof = NULL;
	for (struct rrset *set = v->reply.records; set != NULL; set = set->next) {
		if (is_proof(set)) {
			proof = proof == NULL && is_negative(v) ? set : proof;
		} else {
			return set;
		}
	}
	return proof;
}

/*
 * Where a cut may be that leads to the data: DS is above the cut of its own name. But at the top of a stub zone its own
 * servers were asked (start_name in start.c), and what the operator said of that zone holds.
 */
static const uint8_t *place_of(const struct core *core, const uint8_t *name, uint16_t type)
{
	if (type != RR_DS || dname_is_root(name)) {
		return name;
	}
	const struct core_zone *stub = core_find_stub(core, name);
	return stub != NULL && !stub->forward && dname_equal(stub->zone, name) ? name : dname_parent(name);
}

void validate_end(struct resolution *r)
{
	if (r->validation != NULL) {
		trust_release(r->validation->walk.at);
		r->validation = NULL;
	}
}

static void verdict(struct core *core, struct resolution *r, enum security security, const struct verify_reason *reason,
		    uint64_t now_ms)
{
	struct validation *v = r->validation;
	trust_release(v->walk.at);
	v->walk.at = NULL;
	r->validation = NULL;
	iterate_validated(core, r, v, security, reason, now_ms);
}

/* It says nothing about the data that it could not be checked, but without a check it is not given out. */
static void failed(struct core *core, struct resolution *r, const struct verify_reason *reason, uint64_t now_ms)
{
	verdict(core, r, SECURITY_UNCHECKED, reason, now_ms);
}

void validate_begin(struct core *core, struct resolution *r, const struct validation *v, uint64_t now_ms)
{
	struct validation *copy = region_copy(&r->region, v, sizeof(*v));
	struct anchor anchor;
	const uint8_t *place = place_of(core, v->name, v->type);

	if (copy == NULL) {
		iterate_no_memory(core, r, now_ms);
		return;
	}
	r->validation = copy;
	r->top->state = FRAME_VALIDATE;
	copy->speaker = find_speaker(copy);
	copy->walk = (struct walk){ .at = NULL };
	anchors_find(core->anchors, place, now_ms, &anchor);
	/* RFC 4035 2.2: nothing signs an RRSIG, so asked for as such they are never secure. */
	bool only_signatures = copy->type == RR_RRSIG && copy->reply.kind == REPLY_ANSWER;
	if (anchor.kind != ANCHOR_TRUST || only_signatures) {
		verdict(core, r, SECURITY_INSECURE, NULL, now_ms);
		return;
	}
	const uint8_t *anchor_zone = region_copy(&r->region, anchor.zone, dname_len(anchor.zone));
	if (anchor_zone == NULL) {
		validate_end(r);
		iterate_no_memory(core, r, now_ms);
		return;
	}
	if (copy->speaker != NULL) {
		copy->signer = verify_signer(copy->speaker, copy->zone);
		/*
		 * RFC 4035 5.3.1: the signer is the zone that holds the data, so none above the cut whose servers gave them.
		 * And the closest anchor counts; who signs from above it does not speak for the zone.
		 */
		if (copy->signer != NULL && (!dname_is_under(copy->signer, anchor_zone) ||
					     (copy->zone != NULL && !dname_is_under(copy->signer, copy->zone)))) {
			copy->signer = NULL;
		}
	}
	walk_begin(core, &copy->walk, copy->signer != NULL ? copy->signer : place, anchor_zone, now_ms);
}

/* Leave out the proofs of a reply that needs none. */
static void drop_proofs(struct validation *v)
{
	struct rrset **link = &v->reply.records;
	while (*link != NULL) {
		if (is_proof(*link)) {
			*link = (*link)->next;
		} else {
			link = &(*link)->next;
		}
	}
}

/* Verify the proofs; those of others, and those with bad signatures, are left out of the reply. */
static enum verify_result verify_proofs(const struct verifier *verifier, struct validation *v, struct denial *denial,
					const struct rrset **sets, struct verify_reason *reason)
{
	struct rrset **link = &v->reply.records;
	while (*link != NULL) {
		struct rrset *set = *link;
		if (!is_proof(set)) {
			link = &set->next;
			continue;
		}
		enum verify_result result = VERIFY_GOOD; /* the speaker was verified before */
		struct verify_reason bad;
		if (set != v->speaker && denial->count < PROOF_RRSETS_MAX) {
			result = verify_set(verifier, set, v->walk.at, &bad);
		}
		if (denial->count >= PROOF_RRSETS_MAX) {
			*link = set->next;
		} else if (result == VERIFY_GOOD) {
			sets[denial->count++] = set;
			link = &set->next;
		} else if (result == VERIFY_BAD) {
			*link = set->next;
			*reason = bad; /* says more than that the proof is missing */
		} else {
			return result;
		}
	}
	return VERIFY_GOOD;
}

/* RFC 4035 5.3.4: was the speaker expanded from a wildcard? */
static bool is_expansion(const struct rrset *set)
{
	return set->labels < dname_signed_labels(set->owner);
}

static uint32_t smallest_ttl(const struct validation *v)
{
	uint32_t ttl = v->reply.ttl;
	for (const struct rrset *set = v->reply.records; set != NULL; set = set->next) {
		ttl = set->ttl < ttl ? set->ttl : ttl;
	}
	return ttl;
}

/* The zone is secure and signed the speaker: what is left are the proofs. */
static void judge_proofs(struct core *core, struct resolution *r, const struct verifier *verifier, uint64_t now_ms)
{
	struct validation *v = r->validation;
	const struct rrset *sets[PROOF_RRSETS_MAX];
	struct verify_reason reason = { EDE_NSEC_MISSING, "no proof that the name or type does not exist" };
	struct denial denial = { .zone = v->walk.at->zone, .sets = sets, .hasher = core->hasher, .hashes = &r->hashes };

	if (!is_negative(v) && !is_expansion(v->speaker)) {
		drop_proofs(v);
		v->reply.ttl = smallest_ttl(v);
		verdict(core, r, SECURITY_SECURE, NULL, now_ms);
		return;
	}
	enum verify_result result = verify_proofs(verifier, v, &denial, sets, &reason);
	if (result != VERIFY_GOOD) {
		reason = (struct verify_reason){ EDE_OTHER, result == VERIFY_LIMIT ? "work limit for one question reached"
										     : "out of memory" };
		failed(core, r, &reason, now_ms);
		return;
	}
	enum denial_verdict proof = v->reply.kind == REPLY_NXDOMAIN ? denial_name_error(&denial, v->name)
				    : v->reply.kind == REPLY_NODATA
					    ? denial_nodata(&denial, v->name, v->type)
					    : denial_wildcard(&denial, v->speaker->owner, v->speaker->labels);
	v->reply.ttl = smallest_ttl(v);
	switch (proof) {
	case DENIAL_PROVEN:
		verdict(core, r, SECURITY_SECURE, NULL, now_ms);
		return;
	case DENIAL_INSECURE:
		verdict(core, r, SECURITY_INSECURE, NULL, now_ms);
		return;
	case DENIAL_LIMIT:
		reason = (struct verify_reason){ EDE_OTHER, "work limit for one question reached" };
		failed(core, r, &reason, now_ms);
		return;
	case DENIAL_NOT_PROVEN:
		break;
	}
	verdict(core, r, SECURITY_BOGUS, &reason, now_ms);
}

/* The walk is over, and the zone at its end is secure. */
static void judge(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct validation *v = r->validation;
	struct verifier verifier = validate_verifier(core, r, now_ms);
	struct verify_reason reason = { EDE_RRSIGS_MISSING, "the zone is signed, the answer is not" };

	if (v->signer == NULL) {
		verdict(core, r, SECURITY_BOGUS, &reason, now_ms);
		return;
	}
	if (!dname_equal(v->walk.at->zone, v->signer)) {
		reason = (struct verify_reason){ EDE_DNSSEC_BOGUS, "signed by a name that is no zone" };
		verdict(core, r, SECURITY_BOGUS, &reason, now_ms);
		return;
	}
	switch (verify_set(&verifier, v->speaker, v->walk.at, &reason)) {
	case VERIFY_GOOD:
		judge_proofs(core, r, &verifier, now_ms);
		return;
	case VERIFY_LIMIT:
		reason = (struct verify_reason){ EDE_OTHER, "work limit for one question reached" };
		failed(core, r, &reason, now_ms);
		return;
	case VERIFY_FAILED:
		reason = (struct verify_reason){ EDE_OTHER, "out of memory" };
		failed(core, r, &reason, now_ms);
		return;
	default:
		verdict(core, r, SECURITY_BOGUS, &reason, now_ms);
		return;
	}
}

void validate_run(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct verify_reason reason = { EDE_OTHER, NULL };
	switch (walk_run(core, r, &r->validation->walk, &reason, now_ms)) {
	case WALK_WAITS:
	case WALK_ENDED:
		return;
	case WALK_SECURE:
		judge(core, r, now_ms);
		return;
	case WALK_INSECURE:
		verdict(core, r, SECURITY_INSECURE, NULL, now_ms);
		return;
	case WALK_BOGUS:
		verdict(core, r, SECURITY_BOGUS, &reason, now_ms);
		return;
	case WALK_FAILED:
		failed(core, r, &reason, now_ms);
		return;
	}
}

void validate_deliver(struct resolution *r, const struct delivery *delivery)
{
	r->validation->walk.got = *delivery;
	r->validation->walk.got.there = true;
	r->top->state = FRAME_VALIDATE;
}
