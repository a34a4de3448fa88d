/*
 * What is wrong with a zone: each rule is a function, each finding names file and line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/cursor.h"
#include "common/dns/canonical.h"
#include "common/zone/checker.h"

#include <stdarg.h>
#include <stdio.h>

/* Longest finding: two names in full and the words around them. */
#define FINDING_MAX (2 * DNAME_TEXT_MAX + 512)

void checker_tell(struct checker *c, enum zone_severity severity, const char *file, uint32_t line, const char *fmt, ...)
{
	char text[FINDING_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	struct zone_finding finding = { .severity = severity, .file = file, .line = line, .text = text };
	c->report(c->ctx, &finding);
	if (severity == ZONE_ERROR && c->errors < INT32_MAX) {
		c->errors++;
	}
}

static void name_words(const uint8_t *owner, uint16_t type, struct words *w)
{
	dname_text(owner, w->owner);
	rr_type_text(type, w->type);
}

static void make_words(const struct checker *c, uint32_t node, uint16_t type, struct words *w)
{
	name_words(node_name(c, node), type, w);
}

static bool has_address(const struct checker *c, uint32_t node)
{
	return has_type(c, node, RR_A) || has_type(c, node, RR_AAAA);
}

static void check_rejects(struct checker *c)
{
	for (size_t i = 0; i < c->b->reject_count; i++) {
		const struct builder_reject *r = &c->b->rejects[i];
		struct words w;
		dname_text(c->b->arena + r->owner, w.owner);
		rr_type_text(r->type, w.type);
		switch ((enum reject_reason)r->reason) {
		case REJECT_OUTSIDE:
			dname_text(c->b->apex, w.other);
			tell_at(c, ZONE_ERROR, r, "%s is outside of the zone %s", w.owner, w.other);
			break;
		case REJECT_META:
			tell_at(c, ZONE_ERROR, r, "type %s of %s is no type for zone data", w.type, w.owner);
			break;
		case REJECT_RDATA:
			tell_at(c, ZONE_ERROR, r, "RDATA of %s is not valid for type %s", w.owner, w.type);
			break;
		case REJECT_NSEC3_OWNER: /* RFC 5155 3: a hash in base32hex as one label below the apex */
			tell_at(c, ZONE_ERROR, r, "owner of NSEC3 or its RRSIG is no hashed name: %s", w.owner);
			break;
		case REJECT_LONE_SIGNATURE:
			tell_at(c, ZONE_WARNING, r, "RRSIG of %s covers type %s, which is not there; left out",
				w.owner, w.type);
			break;
		}
	}
}

/* RFC 1035 5.2 (2): exactly one SOA; and a zone without NS cannot be delegated to. */
static void check_apex(struct checker *c)
{
	struct words w;
	dname_text(c->b->apex, w.owner);
	if (!has_type(c, 0, RR_SOA)) {
		checker_tell(c, ZONE_ERROR, "", 0, "no SOA record at the apex %s", w.owner);
	}
	if (!has_type(c, 0, RR_NS)) {
		checker_tell(c, ZONE_ERROR, "", 0, "no NS record at the apex %s", w.owner);
	}
}

/* Types of which a name has at most one record: tell of each but the first in the text. */
static void check_single(struct checker *c, uint32_t node, const struct builder_set *set)
{
	if (set->record_count < 2 ||
	    (set->type != RR_SOA && set->type != RR_CNAME && set->type != RR_DNAME)) {
		return;
	}
	struct words w;
	make_words(c, node, set->type, &w);
	uint32_t first = set->records[0];
	for (uint32_t i = 1; i < set->record_count; i++) {
		first = set->records[i] < first ? set->records[i] : first;
	}
	for (uint32_t i = 0; i < set->record_count; i++) {
		if (set->records[i] != first) {
			tell_at(c, ZONE_ERROR, record_at(c, set->records[i]), "another %s record at %s", w.type,
				w.owner);
		}
	}
}

/* The whole RRset with its signatures must be able to travel in one message, or nobody ever gets it. */
static void check_size(struct checker *c, const uint8_t *owner, const struct builder_set *set)
{
	if (set->record_count > UINT16_MAX || set->sig_count > UINT16_MAX) {
		struct words w;
		name_words(owner, set->type, &w);
		tell_at(c, ZONE_ERROR, record_at(c, set->records[0]), "more than %u %s records at %s", UINT16_MAX,
			w.type, w.owner);
		return;
	}
	/* Each record: pointer to the owner, type, class, TTL, length: 12 octets and RDATA. */
	uint64_t size = DNS_HEADER_SIZE + 4 + c->b->apex_len + (uint64_t)set->record_count * 12;
	for (uint32_t i = 0; i < set->record_count; i++) {
		size += builder_rdata_len(c->b, record_at(c, set->records[i]));
	}
	if (size > DNS_MESSAGE_MAX) {
		struct words w;
		name_words(owner, set->type, &w);
		tell_at(c, ZONE_WARNING, record_at(c, set->records[0]),
			"the %s records at %s do not fit into a DNS message", w.type, w.owner);
	}
}

/* RFC 2181 5.2; the writer takes the lowest. */
static void check_ttls(struct checker *c, const uint8_t *owner, const struct builder_set *set)
{
	const struct builder_record *first = record_at(c, set->records[0]);
	const struct builder_record *other = first->ttl_differs ? first : NULL;
	uint32_t lowest = first->ttl;
	for (uint32_t i = 1; i < set->record_count; i++) {
		const struct builder_record *r = record_at(c, set->records[i]);
		if (other == NULL && (r->ttl != first->ttl || r->ttl_differs)) {
			other = r;
		}
		lowest = r->ttl < lowest ? r->ttl : lowest;
	}
	if (other != NULL) {
		struct words w;
		name_words(owner, set->type, &w);
		tell_at(c, ZONE_WARNING, other, "TTLs of the %s records at %s differ; all get the lowest, %u",
			w.type, w.owner, lowest);
	}
}

/* RFC 2181 10.1: beside a CNAME only what RFC 4034 brought: NSEC and signatures. */
static void check_cname(struct checker *c, uint32_t node)
{
	if ((node_at(c, node)->flags & IMAGE_NODE_CNAME) == 0) {
		return;
	}
	struct builder_set set;
	for (uint32_t pos = 0; builder_next_set(c->b, node, &pos, &set);) {
		if (set.type != RR_CNAME && set.type != RR_NSEC) {
			struct builder_set cname = builder_find_set(c->b, node, RR_CNAME);
			struct words w;
			make_words(c, node, set.type, &w);
			tell_at(c, ZONE_ERROR, record_at(c, cname.records[0]),
				"CNAME at %s, which has other data too (%s)", w.owner, w.type);
			return;
		}
	}
}

/* Is this type expected at a delegation point? */
static bool belongs_to_cut(const struct checker *c, uint32_t node, uint16_t type)
{
	bool glue = (type == RR_A || type == RR_AAAA) && (node_at(c, node)->flags & PLAN_NODE_NS_TARGET) != 0;
	return glue || type == RR_NS || type == RR_DS || type == RR_NSEC ||
	       type == RR_DNAME; /* told by check_places */
}

/* Data that nobody is ever answered: below a DNAME an error, at and below a cut what is no glue. */
static void check_hidden(struct checker *c, uint32_t node, const struct builder_set *set)
{
	const struct image_node *n = node_at(c, node);
	const struct builder_record *r = record_at(c, set->records[0]);
	uint32_t cut = image_cut(&c->b->plan.view, node);
	uint32_t dname = image_dname(&c->b->plan.view, node);
	if (dname != IMAGE_NONE) {
		struct words w;
		make_words(c, node, set->type, &w);
		tell_at(c, ZONE_ERROR, r, "%s %s is below the DNAME at %s (RFC 6672 2.4)", w.owner, w.type,
			dname_text(node_name(c, dname), w.other));
		return;
	}
	if (cut == IMAGE_NONE) {
		return;
	}
	bool glue = (set->type == RR_A || set->type == RR_AAAA) && (n->flags & PLAN_NODE_NS_TARGET) != 0;
	if (cut == node ? !belongs_to_cut(c, node, set->type) : !glue) {
		struct words w;
		make_words(c, node, set->type, &w);
		tell_at(c, ZONE_WARNING, r, "%s %s is hidden by the delegation of %s and is no glue", w.owner,
			w.type, dname_text(node_name(c, cut), w.other));
	}
}

static void check_iterations(struct checker *c, const struct builder_set *set)
{
	for (uint32_t i = 0; i < set->record_count; i++) {
		const struct builder_record *r = record_at(c, set->records[i]);
		unsigned iterations = builder_nsec3_params(c->b, r).iterations;
		if (iterations > NSEC3_ITERATIONS_MAX) {
			tell_at(c, ZONE_ERROR, r, "%u NSEC3 iterations are more than %d (RFC 5155 10.3)", iterations,
				NSEC3_ITERATIONS_MAX);
		} else if (iterations > 0) { /* RFC 9276 3.1 */
			tell_at(c, ZONE_WARNING, r, "NSEC3 iterations above 0 (RFC 9276): some resolvers refuse them");
		}
	}
}

static void tell_place(struct checker *c, enum zone_severity severity, const struct builder_record *r, uint32_t node,
		       const char *before, const char *after)
{
	char owner[DNAME_TEXT_MAX];
	tell_at(c, severity, r, "%s %s%s", before, dname_text(node_name(c, node), owner), after);
}

static void check_places(struct checker *c, uint32_t node, const struct builder_set *set)
{
	const struct image_node *n = node_at(c, node);
	const struct builder_record *r = record_at(c, set->records[0]);
	switch (set->type) {
	case RR_SOA:
		if (node != 0) {
			tell_place(c, ZONE_ERROR, r, node, "SOA at", ", which is not the apex");
		}
		break;
	case RR_DS: /* RFC 4035 2.4 */
		if (node == 0 || !has_type(c, node, RR_NS)) {
			tell_place(c, ZONE_WARNING, r, node, "DS at", ", which is no delegation");
		}
		break;
	case RR_NS:
		if ((n->flags & IMAGE_NODE_WILDCARD) != 0) { /* RFC 4592 4.2 */
			tell_place(c, ZONE_WARNING, r, node, "NS at the wildcard", " does not delegate what it covers");
		}
		break;
	case RR_DNAME:
		if (node != 0 && has_type(c, node, RR_NS)) { /* RFC 6672 2.3 */
			tell_place(c, ZONE_WARNING, r, node, "DNAME at", " is hidden by NS at the same name");
		}
		break;
	case RR_NSEC3PARAM:
		check_iterations(c, set);
		break;
	case RR_CDS:
	case RR_CDNSKEY: /* RFC 7344 4.1 */
		if (node != 0) {
			tell_place(c, ZONE_WARNING, r, node, set->type == RR_CDS ? "CDS at" : "CDNSKEY at",
				   ", which is not the apex");
		}
		break;
	default:
		break;
	}
}

/* "192.0.2.1" or "192.0.2.1.example.": four labels of digits first. */
static bool looks_like_address(const uint8_t *name)
{
	for (unsigned i = 0; i < 4; i++, name = dname_parent(name)) {
		if (name[0] == 0 || name[0] > 3) {
			return false;
		}
		for (unsigned j = 1; j <= name[0]; j++) {
			if (name[j] < '0' || name[j] > '9') {
				return false;
			}
		}
	}
	return true;
}

/* What this zone knows of the name that NS, MX or SRV points to. */
enum target_state {
	TARGET_FINE,	  /* has an address, or is none of our business */
	TARGET_ALIAS,	  /* a CNAME, or below a DNAME */
	TARGET_NO_DATA,	  /* authoritative here, and without address */
	TARGET_NO_GLUE,	  /* at or below the same cut, and without address */
	TARGET_NO_SIBLING_GLUE, /* at or below another cut */
};

static enum target_state target_state(const struct checker *c, uint32_t owner, const struct builder_record *r,
				      const uint8_t *target)
{
	/* "." says: no such service here (RFC 7505, RFC 2782). */
	if (dname_is_root(target) || !dname_is_under(target, c->b->apex)) {
		return TARGET_FINE;
	}
	const struct image *view = &c->b->plan.view;
	uint32_t target_node = builder_target(c->b, r);
	uint32_t node = target_node;
	uint32_t above = node; /* where cut and DNAME are looked for */
	if (node == IMAGE_NONE) {
		struct image_look look;
		struct image_match match;
		image_look(&look, target);
		image_find_look(view, &look, &match);
		above = match.encloser;
		node = image_wildcard(view, above, look.hash[match.below]); /* RFC 4592 3.3.1: source of synthesis */
		if ((node_at(c, above)->flags & IMAGE_NODE_DNAME) != 0 && image_cut(view, above) == IMAGE_NONE) {
			return TARGET_ALIAS;
		}
	}
	uint32_t cut = image_cut(view, above);
	if (image_dname(view, above) != IMAGE_NONE) {
		return TARGET_ALIAS;
	}
	bool exact = target_node != IMAGE_NONE;
	if (cut != IMAGE_NONE) {
		if (exact && has_address(c, node)) {
			return TARGET_FINE;
		}
		return cut == owner ? TARGET_NO_GLUE : TARGET_NO_SIBLING_GLUE;
	}
	if (node != IMAGE_NONE && (node_at(c, node)->flags & IMAGE_NODE_CNAME) != 0) {
		return TARGET_ALIAS;
	}
	return node != IMAGE_NONE && has_address(c, node) ? TARGET_FINE : TARGET_NO_DATA;
}

static void check_target(struct checker *c, uint32_t node, const struct builder_record *r)
{
	bool ns = r->type == RR_NS;
	const uint8_t *target = canonical_target(r->type, builder_rdata(c->b, r));
	enum target_state state = target_state(c, node, r, target);
	bool odd = looks_like_address(target);
	if (state == TARGET_FINE && !odd) {
		return;
	}
	struct words w;
	make_words(c, node, r->type, &w);
	dname_text(target, w.other);
	if (odd) {
		tell_at(c, ZONE_WARNING, r, "%s at %s points to %s, which looks like an address and must be a name",
			w.type, w.owner, w.other);
		return;
	}
	switch (state) {
	case TARGET_FINE:
		break;
	case TARGET_ALIAS: /* RFC 2181 10.3 */
		tell_at(c, ns ? ZONE_ERROR : ZONE_WARNING, r, "%s at %s points to %s, which is an alias", w.type,
			w.owner, w.other);
		break;
	case TARGET_NO_DATA:
		tell_at(c, ZONE_WARNING, r, "%s at %s points to %s, which has no address", w.type, w.owner,
			w.other);
		break;
	case TARGET_NO_GLUE:
		tell_at(c, ZONE_ERROR, r, "NS at %s points to %s, whose address (glue) is missing", w.owner,
			w.other);
		break;
	case TARGET_NO_SIBLING_GLUE:
		if (ns) { /* for others the addresses are the other zone's business */
			tell_at(c, ZONE_WARNING, r,
				"NS at %s points to %s in another delegation, and its address (glue) is missing",
				w.owner, w.other);
		}
		break;
	}
}

static void check_targets(struct checker *c, uint32_t node, const struct builder_set *set)
{
	bool occluded = (node_at(c, node)->flags & IMAGE_NODE_OCCLUDED) != 0;
	if (occluded || (set->type != RR_NS && set->type != RR_MX && set->type != RR_SRV)) {
		return;
	}
	for (uint32_t i = 0; i < set->record_count; i++) {
		const struct builder_record *r = record_at(c, set->records[i]);
		/* The quick way for nearly all: an address stands where the record points to. */
		uint32_t target = builder_target(c->b, r);
		if (target == IMAGE_NONE || !has_address(c, target)) {
			check_target(c, node, r);
		}
	}
}

static void check_node(struct checker *c, uint32_t node)
{
	struct builder_set set;
	check_cname(c, node);
	for (uint32_t pos = 0; builder_next_set(c->b, node, &pos, &set);) {
		check_single(c, node, &set);
		check_size(c, node_name(c, node), &set);
		check_ttls(c, node_name(c, node), &set);
		check_hidden(c, node, &set);
		check_places(c, node, &set);
		check_targets(c, node, &set);
	}
}

/* NSEC3 RRsets stand apart from the nodes. */
static void check_nsec3(struct checker *c)
{
	const struct builder_plan *plan = &c->b->plan;
	for (uint32_t i = 0; i < plan->nsec3_count; i++) {
		struct builder_set set = builder_set_at(c->b, plan->nsec3[i].rrset);
		uint8_t owner[DNAME_MAX];
		image_nsec3_owner(&plan->view, i, owner);
		check_size(c, owner, &set);
		check_ttls(c, owner, &set);
	}
}

int image_builder_check(struct image_builder *b, zone_report_fn *report, void *ctx)
{
	struct checker c = { .b = b, .report = report, .ctx = ctx, .errors = 0 };
	int err = builder_plan(b);
	if (err != BH_OK) {
		return err;
	}
	check_apex(&c);
	check_rejects(&c);
	for (uint32_t n = 0; n < b->plan.node_count; n++) {
		check_node(&c, n);
	}
	check_nsec3(&c);
	check_dnssec(&c);
	if (c.errors == 0) {
		err = check_zonemd(&c);
		if (err != BH_OK) {
			return err;
		}
	}
	b->writable = c.errors == 0;
	return c.errors;
}
