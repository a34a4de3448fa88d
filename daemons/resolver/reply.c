/*
 * Judging replies. Trusts nothing but that the question was ours.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/reply.h"

#include "common/dns/dname.h"
#include "common/util/region.h"

#include <string.h>

static bool has_flag(const struct message *msg, uint16_t flag)
{
	return (msg->flags & flag) != 0;
}

/*
 * Does it speak for the zone? A server that answers without AA but does not recurse has no place to have the
 * data from but its own: it forgot a bit, as some load balancers do. One with RA tells what is in its cache.
 */
static bool is_somebodys_cache(const struct message *msg)
{
	return !has_flag(msg, FLAG_AA) && has_flag(msg, FLAG_RA);
}

static void cap_ttls(struct rrset *list, uint32_t max)
{
	for (; list != NULL; list = list->next) {
		if (list->ttl > max) {
			list->ttl = max;
		}
	}
}

static uint32_t min_ttl(const struct rrset *list, uint32_t max)
{
	for (; list != NULL; list = list->next) {
		if (list->ttl < max) {
			max = list->ttl;
		}
	}
	return max;
}

/*
 * May SOA and proofs of this owner come from whom was asked? A server has its own zone and what is below; what is
 * forwarded need be no zone, then they are those of the zone around it.
 */
static bool speaks_for(const struct reply_question *q, const uint8_t *owner)
{
	return q->forward || dname_is_under(owner, q->zone);
}

/* NSEC and NSEC3 of the zone in the authority section, for clients that check proofs themselves. */
static int collect_proofs(const struct message *msg, const struct reply_question *q, struct region *region,
			  struct reply *out)
{
	unsigned count = 0;
	for (size_t i = 0; i < msg->rr_count && count < PROOF_RRSETS_MAX; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section != SECTION_AUTHORITY || (rr->type != RR_NSEC && rr->type != RR_NSEC3) ||
		    !speaks_for(q, rr->owner)) {
			continue;
		}
		bool known = false;
		for (const struct rrset *p = out->records; p != NULL; p = p->next) {
			known = known || (p->type == rr->type && dname_equal(p->owner, rr->owner));
		}
		struct rrset *set = NULL;
		int rc = known ? BH_OK
			       : rrset_collect(msg, SECTION_AUTHORITY, rr->owner, rr->type, region, &set);
		if (rc != BH_OK) {
			return rc;
		}
		if (set != NULL) {
			rrset_append(&out->records, set);
			count++;
		}
	}
	return BH_OK;
}

/* The name under a DNAME's target (RFC 6672 2.2), or NULL: too long or no memory. */
static const uint8_t *substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target,
				 struct region *region)
{
	size_t prefix = dname_len(name) - dname_len(owner);
	size_t target_len = dname_len(target);
	if (prefix + target_len > DNAME_MAX) {
		return NULL;
	}
	uint8_t *out = region_alloc(region, prefix + target_len);
	if (out != NULL) {
		memcpy(out, name, prefix);
		memcpy(out + prefix, target, target_len);
	}
	return out;
}

/* A DNAME strictly above the name and inside the zone; *out NULL: there is none. */
static int find_dname(const struct message *msg, const struct reply_question *q, struct region *region,
		      struct rrset **out)
{
	*out = NULL;
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == SECTION_ANSWER && rr->type == RR_DNAME && rr->rr_class == CLASS_IN &&
		    dname_is_under(rr->owner, q->zone) && dname_is_under(q->name, rr->owner) &&
		    dname_len(rr->owner) < dname_len(q->name)) {
			return rrset_collect(msg, SECTION_ANSWER, rr->owner, RR_DNAME, region, out);
		}
	}
	return BH_OK;
}

/* RFC 6672 3.1: the CNAME is made from the DNAME here; one that came along must say the same. */
static int judge_dname(const struct reply_question *q, struct rrset *dname, const struct rrset *cname,
		       struct region *region, struct reply *out)
{
	uint16_t len;
	if (dname->count != 1) {
		return BH_EMALFORMED; /* RFC 6672 2.4 */
	}
	const uint8_t *target = rrset_rdata(dname, 0, &len);
	size_t name_len = dname_len(q->name) - dname_len(dname->owner) + dname_len(target);
	out->records = dname;
	out->ttl = dname->ttl;
	if (name_len > DNAME_MAX) {
		out->kind = REPLY_OVERFLOW;
		return BH_OK;
	}
	out->target = substitute(q->name, dname->owner, target, region);
	if (out->target == NULL) {
		return BH_ENOMEM;
	}
	if (cname != NULL && !dname_equal(rrset_rdata(cname, 0, &len), out->target)) {
		return BH_EMALFORMED;
	}
	struct rrset *made = rrset_single(q->name, RR_CNAME, dname->ttl, out->target,
					  (uint16_t)dname_len(out->target), region);
	if (made == NULL) {
		return BH_ENOMEM;
	}
	made->made = true;
	rrset_append(&out->records, made);
	out->kind = REPLY_ALIAS;
	return BH_OK;
}

/* The alias at or above the name, if the answer section has one; kind is left alone otherwise. */
static int judge_alias(const struct message *msg, const struct reply_question *q, struct region *region,
		       struct reply *out, bool *found)
{
	struct rrset *cname = NULL;
	struct rrset *dname = NULL;
	int rc = rrset_collect(msg, SECTION_ANSWER, q->name, RR_CNAME, region, &cname);
	if (rc == BH_OK) {
		rc = find_dname(msg, q, region, &dname);
	}
	*found = rc == BH_OK && (cname != NULL || dname != NULL);
	if (!*found) {
		return rc;
	}
	if (dname != NULL) {
		return judge_dname(q, dname, cname, region, out);
	}
	if (cname->count != 1) {
		return BH_EMALFORMED; /* RFC 2181 10.1: two canonical names are none */
	}
	uint16_t len;
	out->kind = REPLY_ALIAS;
	out->records = cname;
	out->target = rrset_rdata(cname, 0, &len);
	return BH_OK;
}

/* The answer section. *found: it says something about the asked name. */
static int judge_answer(const struct message *msg, const struct reply_question *q, struct region *region,
			struct reply *out, bool *found)
{
	struct rrset *set;
	int rc = rrset_collect(msg, SECTION_ANSWER, q->name, q->type, region, &set);
	if (rc != BH_OK) {
		return rc;
	}
	*found = set != NULL;
	if (set != NULL && q->type != RR_CNAME) {
		out->kind = REPLY_ANSWER;
		out->records = set;
	} else {
		rc = judge_alias(msg, q, region, out, found);
	}
	if (q->type == RR_CNAME && out->kind == REPLY_ALIAS) {
		out->kind = REPLY_ANSWER; /* with the DNAME that made it: it alone is signed (RFC 6672 5.3.1) */
	}
	if (rc != BH_OK || !*found) {
		return rc;
	}
	if (!q->forward && is_somebodys_cache(msg)) {
		out->kind = REPLY_LAME;
		return BH_OK;
	}
	rc = collect_proofs(msg, q, region, out);
	cap_ttls(out->records, TTL_ANSWER_MAX);
	out->ttl = min_ttl(out->records, TTL_ANSWER_MAX);
	return rc;
}

/* SOA of a zone that holds the name; *out NULL: none. */
static int find_soa(const struct message *msg, const struct reply_question *q, struct region *region,
		    struct rrset **out)
{
	*out = NULL;
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == SECTION_AUTHORITY && rr->type == RR_SOA && rr->rr_class == CLASS_IN &&
		    speaks_for(q, rr->owner) && dname_is_under(q->name, rr->owner)) {
			return rrset_collect(msg, SECTION_AUTHORITY, rr->owner, RR_SOA, region, out);
		}
	}
	return BH_OK;
}

static int judge_negative(const struct message *msg, const struct reply_question *q, struct region *region,
			  struct rrset *soa, struct reply *out)
{
	out->kind = msg->rcode == RCODE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	if ((!q->forward && is_somebodys_cache(msg)) || (!out->authoritative && soa == NULL)) {
		out->kind = REPLY_LAME; /* without SOA and AA: a shrug, or a referral to itself, upwards or aside */
		return BH_OK;
	}
	if (soa == NULL) {
		/* RFC 2308 5: not to be cached. But NSEC prove what they prove without it (RFC 4035 5.4). */
		int proofs = collect_proofs(msg, q, region, out);
		cap_ttls(out->records, 0);
		out->passing = true;
		return proofs;
	}
	uint16_t len;
	const uint8_t *rdata = rrset_rdata(soa, 0, &len);
	uint32_t minimum = get_u32(rdata + len - 4);
	uint32_t ttl = minimum < soa->ttl ? minimum : soa->ttl; /* RFC 2308 5 */
	out->records = soa;
	int rc = collect_proofs(msg, q, region, out);
	out->ttl = ttl < TTL_NEGATIVE_MAX ? ttl : TTL_NEGATIVE_MAX;
	cap_ttls(out->records, out->ttl);
	return rc;
}

/* Owner of the NS set that refers downwards and towards the name, or NULL. */
static const uint8_t *referral_owner(const struct message *msg, const struct reply_question *q)
{
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section != SECTION_AUTHORITY || rr->type != RR_NS || rr->rr_class != CLASS_IN ||
		    !dname_is_under(q->name, rr->owner) || !dname_is_under(rr->owner, q->zone) ||
		    dname_len(rr->owner) == dname_len(q->zone)) {
			continue;
		}
		/* RFC 4035 3.1.4.1: DS lives above the cut, so nobody may refer below for it. */
		if (q->type == RR_DS && dname_len(rr->owner) == dname_len(q->name)) {
			continue;
		}
		return rr->owner;
	}
	return NULL;
}

static void add_glue(const struct message *msg, const struct reply_question *q, struct delegation *cut)
{
	for (unsigned n = 0; n < cut->ns_count; n++) {
		if (!dname_is_under(cut->ns[n].name, q->zone)) {
			continue; /* the referring zone has no say over this name */
		}
		for (size_t i = 0; i < msg->rr_count; i++) {
			const struct message_rr *rr = &msg->rrs[i];
			struct addr addr;
			if (rr->section == SECTION_ADDITIONAL && rr->rr_class == CLASS_IN &&
			    delegation_addr_of_rdata(rr->type, rr->rdata, rr->rdata_len, &addr) &&
			    dname_equal(rr->owner, cut->ns[n].name) &&
			    !delegation_addr_is_harmful(&addr, q->allow_loopback)) {
				(void)delegation_add_addr(cut, (uint8_t)n, &addr);
			}
		}
	}
}

static int judge_referral(const struct message *msg, const struct reply_question *q, const uint8_t *owner,
			  struct region *region, struct reply *out)
{
	struct rrset *set;
	int rc = rrset_collect(msg, SECTION_AUTHORITY, owner, RR_NS, region, &set);
	if (rc != BH_OK) {
		return rc;
	}
	struct delegation *cut = region_alloc(region, sizeof(*cut));
	if (cut == NULL) {
		return BH_ENOMEM;
	}
	cut->zone = dname_skip_labels(q->name, dname_label_count(q->name) - dname_label_count(owner));
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len;
		if (delegation_add_ns(cut, rrset_rdata(set, i, &len)) < 0) {
			break; /* NS_PER_ZONE_MAX are enough */
		}
	}
	add_glue(msg, q, cut);
	/* RFC 4035 3.1.4: DS, or the proof that there is none. */
	rc = rrset_collect(msg, SECTION_AUTHORITY, owner, RR_DS, region, &out->records);
	if (rc == BH_OK && out->records == NULL) {
		rc = collect_proofs(msg, q, region, out);
	}
	if (rc != BH_OK) {
		return rc;
	}
	out->kind = REPLY_REFERRAL;
	out->cut = cut;
	out->ttl = set->ttl < TTL_DELEGATION_MAX ? set->ttl : TTL_DELEGATION_MAX;
	return BH_OK;
}

int reply_judge(const struct message *msg, const struct reply_question *q, struct region *region,
		struct reply *out)
{
	bool found = false;
	*out = (struct reply){ .kind = REPLY_ERROR, .authoritative = q->forward || has_flag(msg, FLAG_AA) };
	/* RFC 6672 2.2: YXDOMAIN comes with the DNAME that overflowed. */
	if (msg->rcode != RCODE_NOERROR && msg->rcode != RCODE_NXDOMAIN && msg->rcode != RCODE_YXDOMAIN) {
		return BH_OK;
	}
	/* NXDOMAIN with an alias speaks of the alias' target (RFC 6604 3): the alias is what we take. */
	int rc = judge_answer(msg, q, region, out, &found);
	if (rc != BH_OK || found || msg->rcode == RCODE_YXDOMAIN) {
		return rc;
	}
	struct rrset *soa;
	rc = find_soa(msg, q, region, &soa);
	if (rc != BH_OK) {
		return rc;
	}
	const uint8_t *owner = referral_owner(msg, q);
	if (q->forward && soa == NULL && (owner != NULL || !has_flag(msg, FLAG_RA))) {
		out->kind = REPLY_LAME;
		return BH_OK;
	}
	if (msg->rcode == RCODE_NOERROR && soa == NULL && owner != NULL) {
		return judge_referral(msg, q, owner, region, out);
	}
	return judge_negative(msg, q, region, soa, out);
}

static uint32_t bound(uint32_t ttl, uint32_t min, uint32_t max)
{
	ttl = ttl < min ? min : ttl;
	return ttl > max ? max : ttl;
}

void reply_bound_ttl(struct reply *reply, const struct core_options *options)
{
	bool negative = reply->kind == REPLY_NODATA || reply->kind == REPLY_NXDOMAIN;
	uint32_t max = options->max_ttl_sec;
	if (negative && options->max_negative_ttl_sec < max) {
		max = options->max_negative_ttl_sec;
	}
	if (reply->kind == REPLY_REFERRAL || reply->passing) {
		return;
	}
	reply->ttl = bound(reply->ttl, options->min_ttl_sec, max);
	for (struct rrset *set = reply->records; set != NULL; set = set->next) {
		set->ttl = bound(set->ttl, options->min_ttl_sec, max);
	}
}
