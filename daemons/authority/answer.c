/*
 * Rounds of an answer, and the answer section (RFC 1034 4.3.2, RFC 4592, RFC 6672).
 *
 * Trusts the image, which was proved when it was opened, and a query that passed query.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

#include "common/dns/dname.h"

#include <string.h>

size_t answer_limit(const struct query *query, enum transport transport)
{
	if (transport != TRANSPORT_UDP) {
		return DNS_MESSAGE_MAX;
	}
	if (!query->edns.present || query->edns.udp_size < UDP_SIZE_PLAIN) {
		return UDP_SIZE_PLAIN; /* RFC 6891 6.2.3 */
	}
	return query->edns.udp_size < UDP_SIZE_MAX ? query->edns.udp_size : UDP_SIZE_MAX;
}

/* --- records --- */

/*
 * Append `count` records that stand one after the other to a set, beginning with record `first` and going round.
 * What was appended before one that did not fit is the caller's to take back.
 */
static int put_records(struct answer *a, struct compose_rrset *set, struct image_walk records, unsigned count,
		       unsigned first)
{
	struct image_walk walk = records;
	uint16_t len;

	for (unsigned i = 0; i < first; i++) {
		(void)image_next_rdata(&walk, &len);
	}
	for (unsigned i = 0, index = first; i < count; i++, index++) {
		if (index == count) {
			index = 0;
			walk = records;
		}
		const uint8_t *rdata = image_next_rdata(&walk, &len);
		if (compose_rrset_add(&a->compose, set, rdata, len) != BH_OK) {
			return BH_ENOSPC;
		}
		if (set->fields != NULL && index < ANSWER_COURTESY_MAX) {
			a->target_places[index] = set->name_at;
		}
	}
	return BH_OK;
}

/*
 * Which record of an RRset goes first: records have no order (RFC 2181 5), and since many clients take the
 * first, each should have its turn. The ID changes from query to query, and with it the same query gets the
 * same reply.
 */
static unsigned first_record(const struct answer *a, enum section section, const struct image_rrset *rrset)
{
	if (rrset->rr_count < 2 || section != SECTION_ANSWER || !a->view->rotate) {
		return 0;
	}
	return a->query->id % rrset->rr_count;
}

/* Where in the message an owner stands for sure, or 0. */
static uint16_t place_of(const struct answer *a, const uint8_t *owner)
{
	for (unsigned i = 0; i < a->place_count; i++) {
		if (a->places[i].name == owner) {
			return a->places[i].at;
		}
	}
	return 0;
}

/* Signatures of an RRset; with the TTL of what they cover (RFC 4034 3). */
static int put_signatures(struct answer *a, enum section section, struct answer_owner *owner,
			  const struct image_rrset *rrset, uint32_t ttl)
{
	if (rrset->sig_count == 0) {
		return BH_OK;
	}
	struct compose_rrset set;
	compose_rrset_begin(&set, section, owner->name, owner->at, RR_RRSIG, CLASS_IN, ttl);
	compose_rrset_below(&set, owner->fresh);
	int rc = put_records(a, &set, image_signatures(a->image, rrset), rrset->sig_count, 0);
	if (rc == BH_OK) {
		*owner = (struct answer_owner){ .name = owner->name, .at = set.owner_at };
	}
	return rc;
}

struct answer_owner answer_owner(const struct answer *a, const uint8_t *name)
{
	return (struct answer_owner){ .name = name, .at = place_of(a, name) };
}

int answer_put_at(struct answer *a, enum section section, struct answer_owner *owner,
		  const struct image_rrset *rrset, uint32_t ttl)
{
	struct compose_mark before = compose_mark(&a->compose);
	struct compose_rrset set;
	struct answer_owner owner_before = *owner;

	compose_rrset_begin(&set, section, owner->name, owner->at, rrset->type, CLASS_IN, ttl);
	compose_rrset_below(&set, owner->fresh);
	struct compose_known names;
	if (rrset == a->image->soa) {
		names = (struct compose_known){ .at = set.owner_at, /* of the apex */
						.fresh = { a->image->soa_names[0], a->image->soa_names[1] } };
		compose_rrset_names(&set, &names);
	}
	a->placed = set.fields != NULL ? rrset : a->placed;
	int rc = put_records(a, &set, image_records(a->image, rrset), rrset->rr_count, first_record(a, section, rrset));
	if (rc != BH_OK) {
		compose_rollback(&a->compose, &before); /* RFC 2181 9: no part of an RRset */
		return rc;
	}
	*owner = (struct answer_owner){ .name = owner->name, .at = set.owner_at };
	if (!a->dnssec || rrset->sig_count == 0) {
		return BH_OK;
	}
	struct compose_mark unsigned_end = compose_mark(&a->compose);
	rc = put_signatures(a, section, owner, rrset, ttl);
	if (rc != BH_OK && section == SECTION_ADDITIONAL) { /* RFC 4035 3.1.1: may stand without */
		compose_rollback(&a->compose, &unsigned_end);
		return BH_OK;
	}
	if (rc != BH_OK) {
		compose_rollback(&a->compose, &before);
		*owner = owner_before;
	}
	return rc;
}

int answer_put(struct answer *a, enum section section, const uint8_t *owner, const struct image_rrset *rrset,
	       uint32_t ttl)
{
	struct answer_owner known = answer_owner(a, owner);
	return answer_put_at(a, section, &known, rrset, ttl);
}

/* --- aliases --- */

/*
 * Look for another name in the next round, unless the chain is at its bound or comes back to a name
 * it has seen: then the chain so far is the answer, and whoever asked may make sense of it.
 */
static enum answer_state follow(struct answer *a, const uint8_t *target)
{
	for (unsigned i = 0; i <= a->steps; i++) {
		if (dname_equal(a->names[i], target)) {
			return ANSWER_DONE;
		}
	}
	if (a->steps == CNAME_STEPS_MAX) {
		return ANSWER_DONE;
	}
	a->names[++a->steps] = target;
	a->sname = target;
	image_look(&a->alias, target);
	a->look = &a->alias;
	a->zone = view_find_look(a->view, a->look, false);
	return ANSWER_ALIAS;
}

static enum answer_state answer_cname(struct answer *a, const struct image_rrset *cname)
{
	struct image_walk walk = image_records(a->image, cname);
	uint16_t len;
	if (answer_put(a, SECTION_ANSWER, a->sname, cname, cname->ttl) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	return follow(a, image_next_rdata(&walk, &len));
}

/* Put target in the place of the last labels of name (RFC 6672 2.2). False: too long. */
static bool substitute(const uint8_t *name, unsigned keep_labels, const uint8_t *target, uint8_t out[DNAME_MAX])
{
	size_t keep = (size_t)(dname_skip_labels(name, keep_labels) - name);
	size_t target_len = dname_len(target);
	if (target_len > DNAME_MAX - keep) {
		return false;
	}
	memcpy(out, name, keep);
	memcpy(out + keep, target, target_len);
	return true;
}

/* sname is below the owner of a DNAME. */
static enum answer_state answer_dname(struct answer *a, uint32_t node)
{
	const struct image_rrset *dname = image_rrset(a->image, node, RR_DNAME);
	const uint8_t *owner = image_name(a->image, node);
	unsigned below = dname_label_count(a->sname) - dname_label_count(owner);
	struct image_walk walk = image_records(a->image, dname);
	uint16_t len;
	const uint8_t *target = image_next_rdata(&walk, &len);

	/* The DNAME first, then what follows from it; a chain that passes it again has it already. */
	bool seen = false;
	for (unsigned i = 0; i < a->dname_count; i++) {
		seen = seen || a->dnames[i] == dname;
	}
	if (!seen && answer_put(a, SECTION_ANSWER, owner, dname, dname->ttl) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	if (a->dname_count == CNAME_STEPS_MAX) {
		return ANSWER_DONE;
	}
	uint8_t *made = a->synthesized[a->dname_count];
	a->dnames[a->dname_count++] = dname;
	if (!substitute(a->sname, below, target, made)) {
		a->rcode = RCODE_YXDOMAIN; /* RFC 6672 2.2 */
		return ANSWER_DONE;
	}
	/* RFC 6672 3.1: the CNAME has the TTL of the DNAME; 5.3.1: it is not signed. */
	if (compose_rr(&a->compose, SECTION_ANSWER, a->sname, RR_CNAME, CLASS_IN, dname->ttl, made,
		       dname_len(made)) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	if (a->query->qtype == RR_CNAME || a->query->qtype == RR_ANY) { /* then it is what was asked for */
		return ANSWER_DONE;
	}
	return follow(a, made);
}

/* --- data --- */

/* RFC 8482 4.1: one RRset of those the name has stands for all. */
static enum answer_state answer_any(struct answer *a, const struct image_node *node)
{
	const struct image_rrset *rrset = &a->image->rrsets[node->rrset];
	return answer_put(a, SECTION_ANSWER, a->sname, rrset, rrset->ttl) == BH_OK ? ANSWER_DONE
										   : ANSWER_TRUNCATED;
}

/*
 * Signatures of a name, for a query for RRSIG: all that there are, but over UDP only those of one RRset,
 * for the same reason as ANY.
 */
static enum answer_state answer_signatures(struct answer *a, const struct image_node *node, bool *found)
{
	*found = false;
	for (unsigned i = 0; i < node->rrset_count && !(*found && a->transport == TRANSPORT_UDP); i++) {
		const struct image_rrset *rrset = &a->image->rrsets[node->rrset + i];
		struct compose_mark before = compose_mark(&a->compose);
		struct answer_owner owner = answer_owner(a, a->sname);
		if (put_signatures(a, SECTION_ANSWER, &owner, rrset, rrset->ttl) != BH_OK) {
			compose_rollback(&a->compose, &before);
			return ANSWER_TRUNCATED;
		}
		*found = *found || rrset->sig_count > 0;
	}
	return ANSWER_DONE;
}

/* The account of the response is that of the first name: who follows aliases has asked for them. */
static void set_account(struct answer *a, enum rrl_class class, uint32_t node)
{
	if (a->steps == 0) {
		a->rate_class = class;
		a->rate_node = node;
	}
}

/*
 * The name exists, or a wildcard stands for it (RFC 4592 3.3.1): then the RRsets of index are
 * answered as if they belonged to sname.
 */
static enum answer_state answer_node(struct answer *a, uint32_t index)
{
	const struct image_node *node = &a->image->nodes[index];
	uint16_t qtype = a->query->qtype;

	set_account(a, RRL_ANSWER, index);
	if (node->rrset_count > 0 && qtype == RR_ANY) {
		return answer_any(a, node);
	}
	if (qtype == RR_RRSIG) {
		bool found;
		enum answer_state state = answer_signatures(a, node, &found);
		if (found || state != ANSWER_DONE) {
			return state;
		}
	}
	const struct image_rrset *rrset = image_rrset(a->image, index, qtype);
	if (rrset != NULL) {
		uint32_t ttl = qtype == RR_NSEC ? answer_denial_ttl(a->image, rrset) : rrset->ttl;
		if (answer_put(a, SECTION_ANSWER, a->sname, rrset, ttl) != BH_OK) {
			return ANSWER_TRUNCATED;
		}
		a->extra = qtype == RR_NAPTR ? NULL : rrset; /* RFC 3403 4.1: those who ask know better */
		return ANSWER_DONE;
	}
	/*
	 * RRSIG and NSEC may stand beside a CNAME (RFC 4035 2.5), so the question for them stays here. But not that for
	 * NSEC where NSEC3 denies: no validator takes its word on a name that has a CNAME (RFC 5155 8.5).
	 */
	bool stays = qtype == RR_RRSIG || (qtype == RR_NSEC && (a->image->header->flags & IMAGE_NSEC3) == 0);
	if ((node->flags & IMAGE_NODE_CNAME) != 0 && !stays) {
		return answer_cname(a, image_rrset(a->image, index, RR_CNAME));
	}
	set_account(a, RRL_NODATA, 0);
	return answer_no_type(a, index); /* RFC 2308 2.2; empty non-terminals: RFC 4592 2.2.2 */
}

/* --- one round --- */

/*
 * The DNAME that governs sname, or IMAGE_NONE: one above the closest encloser, or at it when sname is
 * below (a DNAME does not govern its own owner, RFC 6672 2.3).
 */
static uint32_t governing_dname(const struct image *image, const struct image_match *match)
{
	const unsigned hides = IMAGE_NODE_CUT | IMAGE_NODE_OCCLUDED;
	unsigned flags = image->nodes[match->encloser].flags;
	bool here = match->node == IMAGE_NONE && (flags & (hides | IMAGE_NODE_DNAME)) == IMAGE_NODE_DNAME;
	return here ? match->encloser : image_dname(image, match->encloser);
}

/*
 * The zone responsible for sname. RFC 4035 3.1.4.1: DS belongs to the parent, if we serve it; the
 * apex of the child says that there is none only when nobody better can be asked here.
 */
static const struct view_zone *find_zone(const struct answer *a)
{
	const struct view_zone *zone = a->zone;
	if (zone != NULL && a->query->qtype == RR_DS && zone->labels == a->look->labels) {
		const struct view_zone *parent = view_find_look(a->view, a->look, true);
		return parent != NULL ? parent : zone;
	}
	return zone;
}

/* The apex and the closest encloser are ancestors of QNAME, or it itself: they stand in the question. */
static void note_places(struct answer *a)
{
	const struct image_look *look = a->look;
	a->places[1].name = a->image->apex;
	a->places[1].at = (uint16_t)(COMPOSE_QNAME + look->at[look->labels - a->image->apex_labels]);
	a->places[2].name = image_name(a->image, a->match.encloser);
	a->places[2].at = (uint16_t)(COMPOSE_QNAME + look->at[a->match.below]);
	a->place_count = 3;
}

static enum answer_state solve(struct answer *a)
{
	const struct view_zone *zone = find_zone(a);
	if (a->steps == 0) {
		a->asked = zone;
	}
	if (zone == NULL) {
		return ANSWER_REFUSED;
	}
	if (zone->image == NULL) {
		return ANSWER_NOT_READY;
	}
	const struct image *image = zone->image;
	a->image = image;
	image_find_look(image, a->look, &a->match);
	if (a->steps == 0) {
		note_places(a);
	}

	uint32_t dname = governing_dname(image, &a->match);
	if (dname != IMAGE_NONE) {
		a->authoritative = true;
		set_account(a, RRL_ANSWER, dname);
		return answer_dname(a, dname);
	}
	uint32_t cut = image_cut(image, a->match.encloser);
	/* RFC 4035 3.1.4.1: DS of the cut is the parent's own data. */
	if (cut != IMAGE_NONE && !(cut == a->match.node && a->query->qtype == RR_DS)) {
		set_account(a, RRL_REFERRAL, cut);
		return answer_referral(a, cut);
	}
	a->authoritative = true;
	if (a->match.node != IMAGE_NONE) {
		return answer_node(a, a->match.node);
	}
	uint32_t wildcard = image_wildcard(image, a->match.encloser, a->look->hash[a->match.below]);
	if (wildcard == IMAGE_NONE) {
		set_account(a, RRL_NXDOMAIN, 0);
		return answer_no_name(a);
	}
	enum answer_state state = denial_sname(a);
	return state == ANSWER_DONE ? answer_node(a, wildcard) : state;
}

/* --- the message --- */

/* Opcode and RD come back; AD and CD are none of an authority's business (RFC 4035 3.1.6). */
static uint16_t reply_flags(const struct query *query)
{
	return (uint16_t)(FLAG_QR | (query->flags & (FLAG_OPCODE | FLAG_RD)));
}

static struct edns_reply reply_edns(const struct answer *a, const struct query *query, uint16_t rcode, int ede)
{
	return (struct edns_reply){ .udp_size = UDP_SIZE_MAX,
				    .rcode = rcode,
				    .do_bit = query->edns.do_bit,
				    .ede = ede,
				    .options_len = a->options_len,
				    .options = a->options };
}

/*
 * Largest message without what is kept free. Where a long QNAME, key and algorithm leave no room in 512 octets,
 * the reply is larger by what is missing: a question with its signature (RFC 8945 5.3) is the least there is.
 */
static size_t limit_of(const struct answer *a, size_t limit, size_t opt)
{
	size_t least = COMPOSE_QUESTION_MAX + opt;
	return limit >= a->reserved + least ? limit - a->reserved : least;
}

size_t answer_error(struct answer *a, const struct query *query, uint16_t rcode, int ede, bool with_question,
		    uint8_t *out)
{
	struct edns_reply edns = reply_edns(a, query, rcode, ede);
	bool question = with_question && query->qname_len > 0;

	a->rcode = rcode;
	a->truncated = false;
	a->ede = ede;
	a->rate_class = RRL_ERROR;
	compose_begin(&a->compose, out, UDP_SIZE_PLAIN, query->edns.present ? edns_size(&edns) : 0, query->id,
		      (uint16_t)(reply_flags(query) | (rcode & FLAG_RCODE)), question ? query->qname : NULL,
		      query->qtype, query->qclass);
	return compose_finish(&a->compose, query->edns.present ? &edns : NULL);
}

size_t answer_text(struct answer *a, const struct query *query, const char *text, uint8_t *out)
{
	struct edns_reply edns = reply_edns(a, query, RCODE_NOERROR, EDE_NONE);
	uint8_t rdata[1 + UINT8_MAX];
	size_t len = strnlen(text, UINT8_MAX);

	a->rcode = RCODE_NOERROR;
	a->ede = EDE_NONE;
	a->rate_class = RRL_ANSWER; /* of no zone: one account for all that the server says of itself */
	rdata[0] = (uint8_t)len;
	memcpy(rdata + 1, text, len);
	compose_begin(&a->compose, out, UDP_SIZE_PLAIN, query->edns.present ? edns_size(&edns) : 0, query->id,
		      (uint16_t)(reply_flags(query) | FLAG_AA), query->qname, query->qtype, query->qclass);
	/* RFC 4892: the answer is of this server and this moment, so nobody is to keep it. */
	a->truncated = compose_rr(&a->compose, SECTION_ANSWER, query->qname, RR_TXT, query->qclass, 0, rdata,
				  len + 1) != BH_OK;
	compose_flags(&a->compose, 0, a->truncated ? FLAG_TC : 0);
	return compose_finish(&a->compose, query->edns.present ? &edns : NULL);
}

static void begin(struct answer *a, const struct view *view, const struct query *query, const struct ahead *ahead,
		  enum transport transport, uint8_t *out)
{
	a->rcode = RCODE_NOERROR;
	a->truncated = false;
	a->authoritative = false;
	a->dnssec = query->edns.do_bit; /* RFC 3225 3 */
	a->ede = EDE_NONE;
	a->view = view;
	a->query = query;
	a->transport = transport;
	a->sname = query->qname;
	a->look = &ahead->look;
	a->zone = ahead->zone;
	a->steps = 0;
	a->names[0] = query->qname;
	a->places[0] = (struct answer_place){ .name = query->qname, .at = COMPOSE_QNAME };
	a->place_count = 1;
	a->dname_count = 0;
	a->proof_count = 0;
	a->extra = NULL;
	a->placed = NULL;
	a->referral_cut = IMAGE_NONE;
	a->rate_class = RRL_ANSWER; /* of the apex, until more is known */
	a->rate_node = 0;
	size_t opt = query->edns.present ? EDNS_SIZE_MIN + a->options_len : 0;
	compose_begin(&a->compose, out, limit_of(a, answer_limit(query, transport), opt), opt, query->id,
		      reply_flags(query), query->qname, query->qtype, query->qclass);
}

static size_t finish(struct answer *a)
{
	struct edns_reply edns = reply_edns(a, a->query, a->rcode, EDE_NONE);
	uint16_t flags = (uint16_t)(a->rcode & FLAG_RCODE);
	flags |= a->authoritative ? FLAG_AA : 0; /* RFC 1034 6.2.7: of the first name of a chain */
	flags |= a->truncated ? FLAG_TC : 0;
	compose_flags(&a->compose, 0, flags);
	return compose_finish(&a->compose, a->query->edns.present ? &edns : NULL);
}

size_t answer_soa(struct answer *a, const struct query *query, const struct ahead *ahead, const struct image *image,
		  enum transport transport, uint8_t *out)
{
	const struct image_rrset *soa = image->soa;
	begin(a, NULL, query, ahead, transport, out);
	a->asked = ahead->zone;
	a->image = image;
	a->authoritative = true;
	a->dnssec = false;
	a->truncated = answer_put(a, SECTION_ANSWER, image->apex, soa, soa->ttl) != BH_OK;
	return finish(a);
}

size_t answer(struct answer *a, const struct view *view, const struct query *query, const struct ahead *ahead,
	      enum transport transport, uint8_t *out)
{
	enum answer_state state;

	begin(a, view, query, ahead, transport, out);
	do { /* follow() bounds it: CNAME_STEPS_MAX */
		state = solve(a);
	} while (state == ANSWER_ALIAS);

	if (a->steps == 0 && state == ANSWER_REFUSED) {
		return answer_error(a, query, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, true, out);
	}
	if (a->steps == 0 && state == ANSWER_NOT_READY) {
		return answer_error(a, query, RCODE_SERVFAIL, EDE_NOT_READY, true, out);
	}
	if (state == ANSWER_FAILED) { /* no answer rather than one that is taken for a forgery */
		return answer_error(a, query, RCODE_SERVFAIL, EDE_OTHER, true, out);
	}
	/* An alias that leads out of what is served here: the chain so far is the answer, with its proofs. */
	if (state != ANSWER_TRUNCATED) {
		state = denial_put(a);
	}
	if (state == ANSWER_DONE) {
		state = answer_additional(a);
	}
	a->truncated = state == ANSWER_TRUNCATED;
	return finish(a);
}
