/*
 * What is proved, from what the chains say about a name. The rules for the types at a name stand here, because they
 * are the same for NSEC and NSEC3.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/denial.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "daemons/resolver/validate/denial_chain.h"

#include <string.h>

bool denial_set_is_plain(const struct denial *d, const struct rrset *set, uint16_t type)
{
	/*
	 * CVE-2017-15105: the record of a wildcard, expanded to some name, has a good signature, and would say that
	 * this name has its types and that nothing exists up to the next one.
	 */
	return set->type == type && set->count == 1 && dname_is_under(set->owner, d->zone) &&
	       set->labels == dname_signed_labels(set->owner);
}

void denial_wildcard_name(const uint8_t *encloser, uint8_t out[DNAME_MAX])
{
	out[0] = 1;
	out[1] = '*';
	memcpy(out + 2, encloser, dname_len(encloser));
}

/* The parent's side of a zone cut. */
static bool is_delegation(const struct typemap *types)
{
	return typemap_has(types, RR_NS) && !typemap_has(types, RR_SOA);
}

bool denial_types_end_zone(const struct typemap *types)
{
	return is_delegation(types) || typemap_has(types, RR_DNAME);
}

/* Are there no types but those that the proof itself has brought to the name? */
static bool is_bare(const struct typemap *types)
{
	return typemap_count(types) == (unsigned)typemap_has(types, RR_RRSIG) + typemap_has(types, RR_NSEC) +
					       typemap_has(types, RR_NXNAME);
}

/* RFC 9824 3.1: said of a name that does not exist. With any data at the name it is nonsense. */
static bool is_nxname(const struct typemap *types)
{
	return typemap_has(types, RR_NXNAME) && is_bare(types);
}

static bool lacks(const struct typemap *types, uint16_t type)
{
	if (type == RR_ANY) {
		return is_bare(types); /* RFC 6840 4.2 */
	}
	/* RFC 6840 4.3: an alias has an answer for every type. */
	return !typemap_has(types, type) && !typemap_has(types, RR_CNAME);
}

static enum denial_verdict judge_name_error(const struct finding *f)
{
	if (f->name == PRESENCE_THERE) {
		return is_nxname(&f->types) ? DENIAL_PROVEN : DENIAL_NOT_PROVEN;
	}
	if (f->name != PRESENCE_ABSENT || f->wildcard != PRESENCE_ABSENT) {
		return DENIAL_NOT_PROVEN;
	}
	return f->opt_out ? DENIAL_INSECURE : DENIAL_PROVEN; /* RFC 5155 9.2 */
}

static bool nodata_at(const struct typemap *types, const uint8_t *name, uint16_t type)
{
	if (type == RR_DS) {
		/* RFC 6840 4.1, 4.4: the child's apex knows nothing of DS. */
		return lacks(types, type) && (!typemap_has(types, RR_SOA) || dname_is_root(name));
	}
	return lacks(types, type) && !is_delegation(types);
}

static enum denial_verdict judge_nodata(const struct finding *f, const uint8_t *name, uint16_t type)
{
	if (f->name == PRESENCE_THERE) {
		return nodata_at(&f->types, name, type) ? DENIAL_PROVEN : DENIAL_NOT_PROVEN;
	}
	if (f->name != PRESENCE_ABSENT) {
		return DENIAL_NOT_PROVEN;
	}
	if (f->opt_out) {
		return DENIAL_INSECURE;
	}
	/* RFC 5155 8.7. RFC 4592 4.2: what NS at a wildcard would mean is left open; nothing is taken from it. */
	bool proven = f->wildcard == PRESENCE_THERE && lacks(&f->wildcard_types, type) &&
		      !typemap_has(&f->wildcard_types, RR_NS);
	return proven ? DENIAL_PROVEN : DENIAL_NOT_PROVEN;
}

static enum denial_ds judge_ds(const struct finding *f)
{
	if (f->name == PRESENCE_THERE) {
		if (typemap_has(&f->types, RR_DS) || typemap_has(&f->types, RR_SOA)) {
			return DENIAL_DS_NOT_PROVEN; /* RFC 4035 5.2, RFC 5155 8.9 */
		}
		if (typemap_has(&f->types, RR_NS)) {
			return DENIAL_DS_INSECURE; /* RFC 6840 4.4: only with NS is it a delegation */
		}
		return is_nxname(&f->types) ? DENIAL_DS_NO_NAME : DENIAL_DS_NO_CUT;
	}
	if (f->name != PRESENCE_ABSENT) {
		return DENIAL_DS_NOT_PROVEN;
	}
	if (f->opt_out) {
		return DENIAL_DS_INSECURE; /* RFC 5155 8.6 */
	}
	if (f->wildcard == PRESENCE_ABSENT) {
		return DENIAL_DS_NO_NAME;
	}
	/* A name that a wildcard stands for is no delegation. */
	bool no_cut = f->wildcard == PRESENCE_THERE && !typemap_has(&f->wildcard_types, RR_NS) &&
		      !typemap_has(&f->wildcard_types, RR_DS);
	return no_cut ? DENIAL_DS_NO_CUT : DENIAL_DS_NOT_PROVEN;
}

/*
 * Findings of one question, one after the other: of NSEC, then of NSEC3 by their parameters. Each is judged alone; a
 * proof in one of them is enough.
 */
struct question {
	const struct denial *d;
	const uint8_t *name;
	bool next_closer; /* whether it is covered is all that matters */
	unsigned chains;  /* looked at so far */
	bool iterations;  /* one was not computed, for its iterations, ... */
	bool limit;	  /* ... or for want of hashes */
};

static bool next_finding(struct question *q, struct finding *f)
{
	memset(f, 0, sizeof(*f));
	if (q->chains > DENIAL_CHAINS_MAX || !dname_is_under(q->name, q->d->zone)) {
		return false;
	}
	if (q->chains == 0) {
		denial_nsec_find(q->d, q->name, f);
	} else if (q->next_closer) {
		denial_nsec3_covers(q->d, q->chains - 1, q->name, f);
	} else {
		denial_nsec3_find(q->d, q->chains - 1, q->name, f);
	}
	q->chains++;
	q->iterations = q->iterations || f->name == PRESENCE_ITERATIONS;
	q->limit = q->limit || f->name == PRESENCE_LIMIT || f->wildcard == PRESENCE_LIMIT;
	return true;
}

/* What the best finding gave, with what was not computed counted in. */
static enum denial_verdict conclude(const struct question *q, enum denial_verdict best)
{
	if (best != DENIAL_NOT_PROVEN) {
		return best;
	}
	return q->iterations ? DENIAL_INSECURE : q->limit ? DENIAL_LIMIT : DENIAL_NOT_PROVEN;
}

enum denial_verdict denial_name_error(const struct denial *d, const uint8_t *name)
{
	struct question q = { .d = d, .name = name };
	struct finding f;
	enum denial_verdict best = DENIAL_NOT_PROVEN;
	if (dname_equal(name, d->zone)) {
		return DENIAL_NOT_PROVEN; /* it has signed that it is not there */
	}
	while (best != DENIAL_PROVEN && next_finding(&q, &f)) {
		enum denial_verdict verdict = judge_name_error(&f);
		best = verdict != DENIAL_NOT_PROVEN ? verdict : best;
	}
	return conclude(&q, best);
}

enum denial_verdict denial_nodata(const struct denial *d, const uint8_t *name, uint16_t type)
{
	struct question q = { .d = d, .name = name };
	struct finding f;
	enum denial_verdict best = DENIAL_NOT_PROVEN;
	if (type == RR_DS && dname_equal(name, d->zone) && !dname_is_root(name)) {
		return DENIAL_NOT_PROVEN; /* RFC 4035 5.2: the parent's to say, whatever the child's iterations are */
	}
	while (best != DENIAL_PROVEN && next_finding(&q, &f)) {
		enum denial_verdict verdict = judge_nodata(&f, name, type);
		best = verdict != DENIAL_NOT_PROVEN ? verdict : best;
	}
	return conclude(&q, best);
}

enum denial_verdict denial_wildcard(const struct denial *d, const uint8_t *name, unsigned labels)
{
	unsigned name_labels = dname_label_count(name);
	if (labels >= name_labels) {
		return DENIAL_NOT_PROVEN;
	}
	struct question q = { .d = d, .name = dname_skip_labels(name, name_labels - labels - 1), .next_closer = true };
	struct finding f;
	enum denial_verdict best = DENIAL_NOT_PROVEN;
	while (best != DENIAL_PROVEN && next_finding(&q, &f)) {
		if (f.name == PRESENCE_ABSENT) {
			best = f.opt_out ? DENIAL_INSECURE : DENIAL_PROVEN; /* RFC 5155 9.2 */
		}
	}
	return conclude(&q, best);
}

enum denial_ds denial_ds(const struct denial *d, const uint8_t *name)
{
	struct question q = { .d = d, .name = name };
	struct finding f;
	if (dname_equal(name, d->zone)) {
		return DENIAL_DS_NOT_PROVEN;
	}
	while (next_finding(&q, &f)) {
		enum denial_ds verdict = judge_ds(&f);
		if (verdict != DENIAL_DS_NOT_PROVEN) {
			return verdict;
		}
	}
	return q.iterations ? DENIAL_DS_ITERATIONS : q.limit ? DENIAL_DS_LIMIT : DENIAL_DS_NOT_PROVEN;
}
