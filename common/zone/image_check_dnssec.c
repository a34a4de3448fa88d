/*
 * What is wrong with the signatures and chains of a signed zone, as far as that shows without a clock and
 * without cryptography. Only warnings: a zone is served as it was signed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/checker.h"

#include "common/dns/rr.h"

#include <stdlib.h>
#include <string.h>

/* One mistake of a signer is made at every name: so many are told of a kind, the rest is counted. */
#define TOLD_MAX 10

enum kind { KIND_SIGNATURE, KIND_NAME, KIND_NEXT, KIND_COUNT };

struct told {
	struct checker *c;
	uint32_t counts[KIND_COUNT];
};

/* Is there room for one more of a kind? */
static bool may_tell(struct told *t, enum kind kind)
{
	t->counts[kind] += t->counts[kind] < UINT32_MAX;
	return t->counts[kind] <= TOLD_MAX;
}

static void tell_rest(struct told *t)
{
	static const char *const what[KIND_COUNT] = {
		[KIND_SIGNATURE] = "RRsets without signature",
		[KIND_NAME] = "names that NSEC or NSEC3 does not fit",
		[KIND_NEXT] = "breaks in the chain of NSEC or NSEC3",
	};
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		if (t->counts[kind] > TOLD_MAX) {
			checker_tell(t->c, ZONE_WARNING, "", 0, "%u more %s", t->counts[kind] - TOLD_MAX, what[kind]);
		}
	}
}

static bool is_occluded(const struct checker *c, uint32_t node)
{
	return (node_at(c, node)->flags & IMAGE_NODE_OCCLUDED) != 0;
}

static bool is_cut(const struct checker *c, uint32_t node)
{
	return (node_at(c, node)->flags & IMAGE_NODE_CUT) != 0;
}

/* RFC 4035 2.2: every authoritative RRset; not NS of a delegation nor glue at it. */
static void check_signatures(struct told *t, uint32_t node)
{
	const struct checker *c = t->c;
	struct builder_set set;
	for (uint32_t pos = 0; builder_next_set(c->b, node, &pos, &set);) {
		bool authoritative = !is_cut(c, node) || set.type == RR_DS || set.type == RR_NSEC;
		if (set.sig_count == 0 && authoritative && may_tell(t, KIND_SIGNATURE)) {
			struct words w;
			tell_at(t->c, ZONE_WARNING, record_at(c, set.records[0]),
				"%s %s has no RRSIG in a signed zone", dname_text(node_name(c, node), w.owner),
				rr_type_text(set.type, w.type));
		}
	}
}

/* Of a node that is not empty. */
static const struct builder_record *first_record(const struct checker *c, uint32_t node)
{
	return record_at(c, builder_set_at(c->b, node_at(c, node)->rrset).records[0]);
}

static void tell_next(struct told *t, const struct builder_record *nsec, uint32_t node, uint32_t next)
{
	if (may_tell(t, KIND_NEXT)) {
		char owner[DNAME_TEXT_MAX];
		char has[DNAME_TEXT_MAX];
		char should[DNAME_TEXT_MAX];
		tell_at(t->c, ZONE_WARNING, nsec, "NSEC of %s leads to %s, not to %s",
			dname_text(node_name(t->c, node), owner), dname_text(builder_rdata(t->c->b, nsec), has),
			dname_text(node_name(t->c, next), should));
	}
}

/*
 * RFC 4035 2.3: each name with authoritative data or a delegation has an NSEC, which leads to the next such
 * name. Where one has none, an NSEC that leads there or past it is not told as well.
 */
static void check_nsec_chain(struct told *t)
{
	const struct checker *c = t->c;
	uint32_t last = 0; /* whose NSEC it is; the apex has one */
	const struct builder_record *nsec = NULL;
	bool led = true; /* a name was met that nsec leads to */
	for (uint32_t n = 0; n < c->b->plan.node_count; n++) {
		if (is_occluded(c, n) || (node_at(c, n)->flags & IMAGE_NODE_ENT) != 0) {
			continue;
		}
		led = led || dname_equal(builder_rdata(c->b, nsec), node_name(c, n));
		struct builder_set set = builder_find_set(c->b, n, RR_NSEC);
		if (set.record_count == 0) {
			if (may_tell(t, KIND_NAME)) {
				char owner[DNAME_TEXT_MAX];
				tell_at(t->c, ZONE_WARNING, first_record(c, n), "%s has no NSEC",
					dname_text(node_name(c, n), owner));
			}
			continue;
		}
		if (!led) {
			tell_next(t, nsec, last, n);
		}
		last = n;
		nsec = record_at(c, set.records[0]);
		led = false;
	}
	if (!led && !dname_equal(builder_rdata(c->b, nsec), c->b->apex)) {
		tell_next(t, nsec, last, 0);
	}
}

static const struct builder_record *nsec3_record(const struct checker *c, uint32_t index)
{
	return record_at(c, builder_set_at(c->b, c->b->plan.nsec3[index].rrset).records[0]);
}

/* RFC 5155 3.1.7: the next hash in order; the last one leads to the first. */
static void check_nsec3_next(struct told *t)
{
	const struct checker *c = t->c;
	const struct builder_plan *plan = &c->b->plan;
	uint32_t count = plan->header.nsec3_chain;
	for (uint32_t i = 0; i < count; i++) {
		const struct builder_record *r = nsec3_record(c, i);
		struct nsec3_params params = builder_nsec3_params(c->b, r);
		const uint8_t *next = params.salt + params.salt_len + 1;
		uint32_t after = i + 1 < count ? i + 1 : 0;
		if (memcmp(next, plan->nsec3[after].hash, IMAGE_NSEC3_HASH) != 0 && may_tell(t, KIND_NEXT)) {
			uint8_t owner[DNAME_MAX];
			uint8_t should[DNAME_MAX];
			struct words w;
			image_nsec3_owner(&plan->view, i, owner);
			image_nsec3_owner(&plan->view, after, should);
			tell_at(t->c, ZONE_WARNING, r, "NSEC3 %s does not lead to the next one, %s",
				dname_text(owner, w.owner), dname_text(should, w.other));
		}
	}
}

/*
 * Which names need an NSEC3 although opt-out is around: all but insecure delegations, and empty
 * non-terminals that lead to nothing else (RFC 5155 7.1).
 */
static void mark_denied(struct checker *c)
{
	struct image_node *nodes = c->b->plan.nodes;
	for (uint32_t n = c->b->plan.node_count; n-- > 0;) {
		if (is_occluded(c, n)) {
			continue;
		}
		bool insecure = is_cut(c, n) && !has_type(c, n, RR_DS);
		if ((nodes[n].flags & IMAGE_NODE_ENT) == 0 && !insecure) {
			nodes[n].flags |= PLAN_NODE_DENIED;
		}
		if ((nodes[n].flags & PLAN_NODE_DENIED) != 0) {
			nodes[nodes[n].parent].flags |= PLAN_NODE_DENIED;
		}
	}
}

/* Opt-out (RFC 5155 6) excuses a name without NSEC3 of its own. */
static bool is_opted_out(const struct checker *c, uint32_t node)
{
	uint32_t cover = c->b->plan.denial[node].nsec3.cover;
	return (node_at(c, node)->flags & PLAN_NODE_DENIED) == 0 &&
	       (builder_nsec3_params(c->b, nsec3_record(c, cover)).flags & NSEC3_OPT_OUT) != 0;
}

static void tell_superfluous(struct told *t)
{
	const struct checker *c = t->c;
	const struct builder_plan *plan = &c->b->plan;
	uint8_t *used = calloc(plan->header.nsec3_chain, 1);
	if (used == NULL) { /* which ones is nice to know, no more */
		checker_tell(t->c, ZONE_WARNING, "", 0, "there are NSEC3 records for names that do not exist");
		return;
	}
	for (uint32_t n = 0; n < plan->node_count; n++) {
		if (plan->denial[n].nsec3.match != IMAGE_NONE) {
			used[plan->denial[n].nsec3.match] = 1;
		}
	}
	for (uint32_t i = 0; i < plan->header.nsec3_chain; i++) {
		if (!used[i] && may_tell(t, KIND_NAME)) {
			uint8_t owner[DNAME_MAX];
			char text[DNAME_TEXT_MAX];
			image_nsec3_owner(&plan->view, i, owner);
			tell_at(t->c, ZONE_WARNING, nsec3_record(c, i), "NSEC3 %s is of no name in the zone",
				dname_text(owner, text));
		}
	}
	free(used);
}

/* RFC 5155 7.1: each name in the chain, empty non-terminals among them, and nothing else. */
static void check_nsec3_names(struct told *t)
{
	struct checker *c = t->c;
	const struct builder_plan *plan = &c->b->plan;
	uint32_t matched = 0;
	mark_denied(c);
	for (uint32_t n = 0; n < plan->node_count; n++) {
		if (plan->denial[n].nsec3.match != IMAGE_NONE) {
			matched++;
		} else if (!is_occluded(c, n) && !is_opted_out(c, n) && may_tell(t, KIND_NAME)) {
			uint32_t at = n; /* an empty one is told at the first name below it that is not */
			while ((node_at(c, at)->flags & IMAGE_NODE_ENT) != 0) {
				at++;
			}
			char owner[DNAME_TEXT_MAX];
			tell_at(c, ZONE_WARNING, first_record(c, at), "%s has no NSEC3",
				dname_text(node_name(c, n), owner));
		}
	}
	if (matched < plan->header.nsec3_chain) {
		tell_superfluous(t);
	}
}

static void check_nsec3_signatures(struct told *t)
{
	const struct checker *c = t->c;
	for (uint32_t i = 0; i < c->b->plan.nsec3_count; i++) {
		struct builder_set set = builder_set_at(c->b, c->b->plan.nsec3[i].rrset);
		if (set.sig_count == 0 && may_tell(t, KIND_SIGNATURE)) {
			uint8_t owner[DNAME_MAX];
			char text[DNAME_TEXT_MAX];
			image_nsec3_owner(&c->b->plan.view, i, owner);
			tell_at(t->c, ZONE_WARNING, record_at(c, set.records[0]),
				"%s NSEC3 has no RRSIG in a signed zone", dname_text(owner, text));
		}
	}
}

void check_dnssec(struct checker *c)
{
	const struct builder_plan *plan = &c->b->plan;
	struct told t = { .c = c };
	struct builder_set keys = builder_find_set(c->b, 0, RR_DNSKEY);
	if ((plan->flags & IMAGE_SIGNED) == 0) {
		if (keys.record_count > 0 && has_type(c, 0, RR_SOA)) {
			tell_at(c, ZONE_WARNING, record_at(c, keys.records[0]),
				"DNSKEY without RRSIG over the SOA: the zone is served as unsigned");
		}
		return;
	}
	for (uint32_t n = 0; n < plan->node_count; n++) {
		if (!is_occluded(c, n)) {
			check_signatures(&t, n);
		}
	}
	check_nsec3_signatures(&t);
	if ((plan->flags & IMAGE_NSEC3) != 0) {
		check_nsec3_names(&t);
		check_nsec3_next(&t);
	} else if ((plan->flags & IMAGE_NSEC) != 0) {
		check_nsec_chain(&t);
	} else {
		tell_at(c, ZONE_WARNING, record_at(c, keys.records[0]),
			"signed, but the apex has neither NSEC nor NSEC3 with its NSEC3PARAM: absence is not proved");
	}
	tell_rest(&t);
}
