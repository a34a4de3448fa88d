/*
 * FRAME_START: is there an answer that needs nobody, and if not, where does the way to one begin? iterate.h tells the
 * story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/resolver/core.h"
#include "common/dns/dname.h"
#include "daemons/resolver/rebind.h"
#include "daemons/resolver/special.h"
#include "daemons/resolver/validate/validate.h"

static bool start_special(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	enum special_verdict verdict;
	struct rrset *set;
	/* What is forwarded from the root down is the Internet; a zone of its own is the operator's word. */
	const struct core_zone *stub = core_find_stub(core, f->name);
	if (!core->options.special_names || (stub != NULL && stub->labels > 0)) {
		return false;
	}
	if (special_judge(f->name, f->type, &r->region, &verdict, &set) != BH_OK) {
		end_failed(core, r, EDE_OTHER, "out of memory", now_ms);
		return true;
	}
	if (verdict == SPECIAL_NOT) {
		return false;
	}
	core_count(core, STAT_RES_LOCAL_ANSWERS);
	trace_local(core, r, verdict != SPECIAL_NXDOMAIN, now_ms);
	if (f->purpose != FRAME_CLIENT) { /* no server of the Internet has such a name */
		frame_fail(core, r, EDE_INVALID_DATA, "name server with a special-use name", now_ms);
		return true;
	}
	rrset_append(&f->records, set);
	r->secure = false;
	frame_finish(core, r, verdict == SPECIAL_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR, now_ms);
	return true;
}

/* May the client have it as it is? */
static bool may_give(const struct resolution *r, const struct cache_hit *hit)
{
	enum security security = store_security(hit);
	return !r->validates || security == SECURITY_SECURE || security == SECURITY_INSECURE;
}

/* RFC 8482 4: ANY is answered with what is at hand, or with HINFO that says so. Nobody is asked. */
static void start_any(struct core *core, struct resolution *r, uint64_t now_ms)
{
	static const uint16_t types[] = { RR_CNAME, RR_A, RR_AAAA, RR_MX, RR_NS, RR_SOA, RR_TXT };
	static const uint8_t hinfo[] = "\007RFC8482";
	struct frame *f = r->top;
	struct rrset *set = NULL;
	for (unsigned i = 0; i < COUNT(types); i++) {
		struct cache_hit hit;
		if (cache_get(core->cache, f->name, CACHE_RRSET, types[i], now_ms, &hit) &&
		    hit.rank > RANK_REFERRAL && may_give(r, &hit)) {
			if (store_unpack(&hit, now_ms, &r->region, &set) != BH_OK) {
				set = NULL;
			}
			break;
		}
	}
	if (rebind_filter(core, r, &set) != BH_OK) {
		set = NULL;
	}
	if (set == NULL) {
		set = rrset_single(f->name, RR_HINFO, TTL_ANY, hinfo, sizeof(hinfo), &r->region);
	}
	rrset_append(&f->records, set);
	r->secure = false;
	frame_finish(core, r, RCODE_NOERROR, now_ms);
}

/* What is known is settled: go on with it. */
void frame_use(struct core *core, struct resolution *r, struct reply *reply, enum security security, uint64_t now_ms)
{
	if (r->top->purpose == FRAME_CLIENT) {
		r->secure = r->secure && security == SECURITY_SECURE;
	}
	if (reply->kind == REPLY_ALIAS) {
		frame_follow(core, r, reply->records, reply->target, now_ms);
		return;
	}
	if (r->top->purpose == FRAME_CLIENT && rebind_filter(core, r, &reply->records) != BH_OK) {
		iterate_no_memory(core, r, now_ms);
		return;
	}
	rrset_append(&r->top->records, reply->records);
	frame_finish(core, r,
	       reply->kind == REPLY_NXDOMAIN   ? RCODE_NXDOMAIN
	       : reply->kind == REPLY_OVERFLOW ? RCODE_YXDOMAIN
					       : RCODE_NOERROR,
	       now_ms);
}

bool frame_must_validate(const struct resolution *r)
{
	return r->validates && r->top->purpose == FRAME_CLIENT;
}

/*
 * The closest cut at or above name that is known, as a suffix of it: whose servers gave what is kept of it. NULL: a
 * resolver, which speaks for all zones. DS is from above the cut of its own name.
 */
static const uint8_t *known_cut(const struct core *core, const uint8_t *name, uint16_t type, uint64_t now_ms)
{
	const struct core_zone *top = core_find_stub(core, name);
	unsigned least = top == NULL ? 0 : top->labels;
	unsigned labels = dname_label_count(name);
	struct cache_hit hit;
	if ((top != NULL ? top : &core->root)->forward) {
		return NULL;
	}
	if (type == RR_DS && labels > least) {
		name = dname_parent(name);
		labels--;
	}
	while (labels > least && !cache_get(core->cache, name, CACHE_DELEGATION, 0, now_ms, &hit)) {
		name = dname_parent(name);
		labels--;
	}
	return name;
}

/* An entry of the cache about name and type, which the top frame can use: now, or when it was validated. */
static void use_hit(struct core *core, struct resolution *r, const struct cache_hit *hit, const uint8_t *name,
		    uint16_t type, uint64_t now_ms)
{
	struct validation v = { .name = name, .type = type, .flags = hit->flags & STORE_CUT, .part = hit->part,
				.cached = true };
	enum security security = store_security(hit);

	if (frame_must_validate(r) && security == SECURITY_BOGUS) {
		end_resolution(core, r, RCODE_SERVFAIL, store_ede(hit), "was found to be bogus a moment ago", now_ms);
		return;
	}
	v.reply.kind = hit->kind == CACHE_NXDOMAIN ? REPLY_NXDOMAIN
		       : hit->kind == CACHE_NODATA ? REPLY_NODATA
						   : REPLY_ANSWER;
	v.reply.authoritative = hit->rank >= RANK_ANSWER;
	v.reply.ttl = (uint32_t)((hit->expire_ms - now_ms + 999) / 1000);
	if (store_unpack(hit, now_ms, &r->region, &v.reply.records) != BH_OK) {
		iterate_no_memory(core, r, now_ms);
		return;
	}
	for (const struct rrset *set = v.reply.records; set != NULL && type == RR_CNAME; set = set->next) {
		if (set->type == RR_CNAME && r->top->type != RR_CNAME) {
			uint16_t len;
			v.reply.kind = REPLY_ALIAS;
			v.reply.target = rrset_rdata(set, 0, &len);
			break;
		}
	}
	trace_hit(core, r, &v.reply, security, now_ms);
	if (frame_must_validate(r) && security == SECURITY_UNCHECKED) {
		v.zone = known_cut(core, name, type, now_ms); /* if that is another one meanwhile, it is asked for anew */
		validate_begin(core, r, &v, now_ms);
	} else {
		frame_use(core, r, &v.reply, security, now_ms);
	}
}

/* RFC 2181 5.4.1: what came beside a referral leads the way, but is nobody's answer. */
static bool is_answer(const struct frame *f, const struct cache_hit *hit)
{
	return f->purpose != FRAME_CLIENT || hit->rank != RANK_REFERRAL;
}

/* A refresh passes over what it is to replace; addresses of servers on the way are good to their end. */
static bool asks_anew(const struct resolution *r, const struct cache_hit *hit, uint64_t now_ms)
{
	return r->refresh && r->top->purpose == FRAME_CLIENT && store_is_ending(hit, now_ms);
}

/*
 * RFC 8020 2: below a name that does not exist there is nothing. Only where that was proven, or the root said it of a
 * top-level domain: unsigned servers that deny the names above existing ones are too many (RFC 8020 6; Unbound's
 * harden-below-nxdomain does the same).
 */
static bool start_below_nothing(struct core *core, struct resolution *r, uint64_t now_ms)
{
	const struct frame *f = r->top;
	const struct core_zone *stub = core_find_stub(core, f->name);
	unsigned least = stub == NULL ? 0 : stub->labels; /* what the Internet says ends there */
	const uint8_t *name = f->name;
	for (unsigned labels = dname_label_count(name); labels > least + 1; labels--) {
		struct cache_hit hit;
		bool top = labels == 2 && stub == NULL;
		name = dname_parent(name);
		if ((f->purpose != FRAME_CLIENT && !top) ||
		    !cache_get(core->cache, name, CACHE_NXDOMAIN, 0, now_ms, &hit)) {
			continue;
		}
		if ((top && (hit.flags & STORE_CUT) != 0) ||
		    (f->purpose == FRAME_CLIENT && store_security(&hit) == SECURITY_SECURE &&
		     !asks_anew(r, &hit, now_ms))) {
			use_hit(core, r, &hit, name, f->type, now_ms);
			return true;
		}
	}
	return false;
}

/* Is there an answer, an alias, an absence or a failure in the cache? */
static bool start_cached(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct cache_hit hit;

	if (r->fresh && f->purpose == FRAME_CLIENT) {
		return false;
	}
	uint64_t hash = cache_hash(core->cache, f->name);
	if (cache_get_any(core->cache, hash, f->name, f->type, now_ms, &hit) && hit.kind != CACHE_FAILURE &&
	    is_answer(f, &hit) && !asks_anew(r, &hit, now_ms)) {
		use_hit(core, r, &hit, f->name, f->type, now_ms);
		return true;
	}
	if (f->type != RR_CNAME && cache_get_at(core->cache, hash, f->name, CACHE_RRSET, RR_CNAME, now_ms, &hit) &&
	    !asks_anew(r, &hit, now_ms)) {
		use_hit(core, r, &hit, f->name, RR_CNAME, now_ms);
		return true;
	}
	/* RFC 4035 3.2.2, RFC 6840 5.9: who checks himself is not kept from the data because it could not be checked here. */
	if (cache_get_at(core->cache, hash, f->name, CACHE_FAILURE, f->type, now_ms, &hit) &&
	    (r->validates || !store_is_unchecked(&hit))) {
		frame_fail(core, r, EDE_CACHED_ERROR, store_failure_text(&hit), now_ms);
		return true;
	}
	return start_below_nothing(core, r, now_ms);
}

/* The frame is at a new cut now. */
void frame_enter_cut(struct frame *f, struct delegation *cut)
{
	f->cut = cut;
	f->sends = 0;
	f->heard = 0;
	f->lame_tries = 0;
	f->known_labels = (uint8_t)dname_label_count(cut->zone);
	f->state = FRAME_ASK;
}

/*
 * Where the way to the records begins. RFC 4035 3.1.4.1: DS is the parent's. But the top of a stub zone has
 * no parent outside: asking there would tell the Internet of an internal name.
 */
static const uint8_t *start_name(const struct core *core, const struct frame *f)
{
	if (f->type != RR_DS || dname_is_root(f->name)) {
		return f->name;
	}
	const struct core_zone *stub = core_find_stub(core, f->name);
	return stub != NULL && dname_equal(stub->zone, f->name) ? f->name : dname_parent(f->name);
}

void frame_start(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->purpose != FRAME_PRIME) {
		if (start_special(core, r, now_ms)) {
			return;
		}
		if (f->type == RR_ANY) {
			start_any(core, r, now_ms);
			return;
		}
		if (start_cached(core, r, now_ms)) {
			return;
		}
	}
	struct delegation *cut = core_find_cut(core, start_name(core, f), &r->region, now_ms);
	if (cut == NULL) {
		end_failed(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	frame_enter_cut(f, cut);
	if (dname_is_root(cut->zone) && f->purpose != FRAME_PRIME) {
		prime_if_due(core, now_ms);
	}
}
