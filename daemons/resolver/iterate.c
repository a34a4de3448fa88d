/*
 * The iteration: frames and what happens to them. iterate.h tells the story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"
#include "daemons/resolver/minimise.h"
#include "daemons/resolver/rebind.h"
#include "daemons/resolver/special.h"
#include "daemons/resolver/stale.h"
#include "daemons/resolver/validate/validate.h"

/* --- endings ----------------------------------------------------------------------------------------- */

static void end(struct core *core, struct resolution *r, uint16_t rcode, int ede, const char *text,
		uint64_t now_ms)
{
	struct frame *f = r->top;
	while (f->below != NULL) {
		f = f->below;
	}
	validate_end(r);
	r->finished = true;
	r->rcode = rcode;
	r->ede = ede;
	r->ede_text = text;
	r->records = rcode == RCODE_SERVFAIL ? NULL : f->records;
	if (rcode != RCODE_SERVFAIL && r->notice != EDE_NONE) {
		r->ede = r->notice;
		r->ede_text = r->notice_text;
	}
	r->secure = r->secure && rcode != RCODE_SERVFAIL;
	trace_finished(core, r, now_ms);
	if (f->purpose == FRAME_PRIME) {
		prime_over(core, rcode == RCODE_NOERROR, now_ms);
	}
}

bool iterate_answer_stale(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct rrset *records;
	int rcode = stale_find(core, r, now_ms, &records);
	if (rcode < 0) {
		return false;
	}
	core_count(core, STAT_RES_STALE_ANSWERS);
	r->secure = false;
	r->notice = rcode == RCODE_NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE_ANSWER;
	r->notice_text = NULL;
	end(core, r, (uint16_t)rcode, EDE_NONE, NULL, now_ms);
	r->records = records;
	return true;
}

/*
 * The resolution as a whole failed. Remembered for the question as it was asked only: what an alias or a
 * glueless server led to may be fine when reached another way, and must not be harmed by it (RFC 9520).
 */
static void fail_all(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	bool unchecked = r->unchecked || r->validation != NULL;
	bool stale = stale_may_replace(core, r, ede) && iterate_answer_stale(core, r, now_ms);
	if (!r->internal && ede != EDE_CACHED_ERROR) {
		store_failure(core, r->name, r->type, ede, stale || r->detached, unchecked, now_ms);
	}
	if (stale) {
		return;
	}
	end(core, r, RCODE_SERVFAIL, ede, text, now_ms);
}

static void pop(struct resolution *r)
{
	r->top = r->top->below;
	r->depth--;
	r->top->state = FRAME_ASK;
}

void iterate_no_memory(struct core *core, struct resolution *r, uint64_t now_ms)
{
	fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
}

/* The frame on top, fetched for a validation, is over. */
static void deliver(struct resolution *r, const struct delivery *delivery)
{
	pop(r);
	validate_deliver(r, delivery);
}

/* The top frame cannot be resolved. Below it others may be tried. */
static void fail(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	const struct frame *f = r->top;
	trace_failed(core, r, ede, text, now_ms);
	if (f->purpose == FRAME_TRUST) {
		deliver(r, &(struct delivery){ .failed = true, .ede = ede, .why = text });
	} else if (f->below != NULL) {
		pop(r);
	} else if (f->bogus_why != NULL) { /* of those who answered at all, all gave what is bogus */
		fail_all(core, r, f->bogus_ede, f->bogus_why, now_ms);
	} else {
		fail_all(core, r, ede, text, now_ms);
	}
}

/* The records that a validation waits for. */
static void deliver_records(struct resolution *r)
{
	const struct frame *f = r->top;
	struct delivery delivery = { .records = f->records, .asked = f->answered };
	if (f->answered) {
		delivery.server = f->cut->addrs[f->choice].addr;
		delivery.server_zone = f->cut->zone;
	}
	deliver(r, &delivery);
}

/* The top frame has its result: rcode, and the records collected on the way. */
static void finish(struct core *core, struct resolution *r, uint16_t rcode, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->below == NULL) {
		end(core, r, rcode, EDE_NONE, NULL, now_ms);
		return;
	}
	if (f->purpose == FRAME_TRUST) {
		deliver_records(r);
		return;
	}
	struct delegation *cut = f->below->cut;
	for (const struct rrset *set = f->records; set != NULL && rcode == RCODE_NOERROR; set = set->next) {
		for (unsigned i = 0; set->type == f->type && i < set->count && i < ADDRS_PER_NS_MAX; i++) {
			struct addr addr;
			uint16_t len;
			const uint8_t *rdata = rrset_rdata(set, i, &len);
			if (delegation_addr_of_rdata(set->type, rdata, len, &addr) &&
			    !delegation_addr_is_harmful(&addr, core->allow_loopback)) {
				(void)delegation_add_addr(cut, f->ns, &addr);
			}
		}
	}
	pop(r);
}

bool iterate_pay(struct core *core, struct resolution *r, uint32_t units, uint64_t now_ms)
{
	if (units > r->budget) {
		r->budget = 0;
		core_count(core, STAT_RES_BUDGET_STOPS);
		fail_all(core, r, EDE_OTHER, "work limit for one question reached", now_ms);
		return false;
	}
	r->budget -= units;
	return true;
}

/* --- aliases ----------------------------------------------------------------------------------------- */

/* Records of an alias were found for the top frame; go on with its target. */
static void follow(struct core *core, struct resolution *r, struct rrset *records, const uint8_t *target,
		   uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->purpose == FRAME_TRUST) { /* the alias itself is what there is to know */
		rrset_append(&f->records, records);
		deliver_records(r);
		return;
	}
	if (f->purpose != FRAME_CLIENT) {
		/* RFC 2181 10.3: the name of a server is no alias. Followed, these would multiply (CAMP). */
		fail(core, r, EDE_INVALID_DATA, "name server is an alias", now_ms);
		return;
	}
	rrset_append(&f->records, records);
	for (const struct rrset *set = f->records; set != NULL; set = set->next) {
		if (set->type == RR_CNAME && dname_equal(set->owner, target)) {
			fail(core, r, EDE_OTHER, "aliases run in a circle", now_ms);
			return;
		}
	}
	if (++f->aliases > ALIAS_STEPS_MAX) {
		core_count(core, STAT_RES_CHAIN_STOPS);
		fail(core, r, EDE_OTHER, "too many aliases", now_ms);
		return;
	}
	if (!iterate_pay(core, r, COST_ALIAS, now_ms)) {
		return;
	}
	f->name = region_copy(&r->region, target, dname_len(target));
	if (f->name == NULL) {
		fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	f->state = FRAME_START;
	f->answered = false;
	f->bogus_why = NULL;
	r->unchecked = false;
	f->referrals = 0;
	f->minimised = 0;
	f->minimise_off = false;
}

/* --- FRAME_START ------------------------------------------------------------------------------------- */

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
		fail_all(core, r, EDE_OTHER, "out of memory", now_ms);
		return true;
	}
	if (verdict == SPECIAL_NOT) {
		return false;
	}
	core_count(core, STAT_RES_LOCAL_ANSWERS);
	trace_local(core, r, verdict != SPECIAL_NXDOMAIN, now_ms);
	if (f->purpose != FRAME_CLIENT) { /* no server of the Internet has such a name */
		fail(core, r, EDE_INVALID_DATA, "name server with a special-use name", now_ms);
		return true;
	}
	rrset_append(&f->records, set);
	r->secure = false;
	finish(core, r, verdict == SPECIAL_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR, now_ms);
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
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
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
	finish(core, r, RCODE_NOERROR, now_ms);
}

/* What is known is settled: go on with it. */
static void use(struct core *core, struct resolution *r, struct reply *reply, enum security security, uint64_t now_ms)
{
	if (r->top->purpose == FRAME_CLIENT) {
		r->secure = r->secure && security == SECURITY_SECURE;
	}
	if (reply->kind == REPLY_ALIAS) {
		follow(core, r, reply->records, reply->target, now_ms);
		return;
	}
	if (r->top->purpose == FRAME_CLIENT && rebind_filter(core, r, &reply->records) != BH_OK) {
		iterate_no_memory(core, r, now_ms);
		return;
	}
	rrset_append(&r->top->records, reply->records);
	finish(core, r,
	       reply->kind == REPLY_NXDOMAIN   ? RCODE_NXDOMAIN
	       : reply->kind == REPLY_OVERFLOW ? RCODE_YXDOMAIN
					       : RCODE_NOERROR,
	       now_ms);
}

static bool must_validate(const struct resolution *r)
{
	return r->validates && r->top->purpose == FRAME_CLIENT;
}

/* An entry of the cache about name and type, which the top frame can use: now, or when it was validated. */
static void use_hit(struct core *core, struct resolution *r, const struct cache_hit *hit, const uint8_t *name,
		    uint16_t type, uint64_t now_ms)
{
	struct validation v = { .name = name, .type = type, .flags = hit->flags & STORE_CUT, .part = hit->part,
				.cached = true };
	enum security security = store_security(hit);

	if (must_validate(r) && security == SECURITY_BOGUS) {
		end(core, r, RCODE_SERVFAIL, store_ede(hit), "was found to be bogus a moment ago", now_ms);
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
	if (must_validate(r) && security == SECURITY_UNCHECKED) {
		validate_begin(core, r, &v, now_ms);
	} else {
		use(core, r, &v.reply, security, now_ms);
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
 * RFC 8020 2: below a name that does not exist there is nothing. Only where that was proven: unsigned servers that
 * deny the names above existing ones are too many (RFC 8020 6; Unbound's harden-below-nxdomain does the same).
 */
static bool start_below_nothing(struct core *core, struct resolution *r, uint64_t now_ms)
{
	const struct frame *f = r->top;
	const struct core_zone *stub = core_find_stub(core, f->name);
	unsigned least = stub == NULL ? 0 : stub->labels; /* what the Internet says ends there */
	const uint8_t *name = f->name;
	for (unsigned labels = dname_label_count(name); f->purpose == FRAME_CLIENT && labels > least + 1; labels--) {
		struct cache_hit hit;
		name = dname_parent(name);
		if (cache_get(core->cache, name, CACHE_NXDOMAIN, 0, now_ms, &hit) &&
		    store_security(&hit) == SECURITY_SECURE && !asks_anew(r, &hit, now_ms)) {
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

	if (cache_get_any(core->cache, f->name, f->type, now_ms, &hit) && hit.kind != CACHE_FAILURE &&
	    is_answer(f, &hit) && !asks_anew(r, &hit, now_ms)) {
		use_hit(core, r, &hit, f->name, f->type, now_ms);
		return true;
	}
	if (f->type != RR_CNAME && cache_get(core->cache, f->name, CACHE_RRSET, RR_CNAME, now_ms, &hit) &&
	    !asks_anew(r, &hit, now_ms)) {
		use_hit(core, r, &hit, f->name, RR_CNAME, now_ms);
		return true;
	}
	/* RFC 4035 3.2.2, RFC 6840 5.9: who checks himself is not kept from the data because it could not be checked here. */
	if (cache_get(core->cache, f->name, CACHE_FAILURE, f->type, now_ms, &hit) &&
	    (r->validates || !store_is_unchecked(&hit))) {
		fail(core, r, EDE_CACHED_ERROR, store_failure_text(&hit), now_ms);
		return true;
	}
	/* RFC 8020, where the root said that a top-level domain does not exist. */
	unsigned labels = dname_label_count(f->name);
	const uint8_t *top = labels > 1 ? dname_skip_labels(f->name, labels - 1) : NULL;
	if (top != NULL && cache_get(core->cache, top, CACHE_NXDOMAIN, 0, now_ms, &hit) &&
	    (hit.flags & STORE_CUT) != 0 && core_find_stub(core, f->name) == NULL) {
		use_hit(core, r, &hit, top, f->type, now_ms);
		return true;
	}
	return start_below_nothing(core, r, now_ms);
}

/* The frame is at a new cut now. */
static void enter_cut(struct frame *f, struct delegation *cut)
{
	f->cut = cut;
	f->sends = 0;
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

static void frame_start(struct core *core, struct resolution *r, uint64_t now_ms)
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
		fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	enter_cut(f, cut);
	if (dname_is_root(cut->zone) && f->purpose != FRAME_PRIME) {
		prime_if_due(core, now_ms);
	}
}

/* --- FRAME_ASK --------------------------------------------------------------------------------------- */

/* What is to be asked: the whole name, or with minimisation a part that the cache does not know. */
static void set_question(struct core *core, struct frame *f, uint64_t now_ms)
{
	unsigned total = dname_label_count(f->name);
	f->ask_name = f->name;
	f->ask_type = f->type;
	f->ask_minimised = false;
	if (!core->options.minimise || f->minimise_off || f->purpose == FRAME_PRIME || f->cut->forward) {
		return;
	}
	while (f->known_labels < total) {
		struct cache_hit hit;
		unsigned labels = minimise_labels(f->known_labels, total, f->minimised);
		if (labels >= total) {
			return;
		}
		const uint8_t *name = dname_skip_labels(f->name, total - labels);
		bool known = cache_get(core->cache, name, CACHE_RRSET, RR_A, now_ms, &hit) ||
			     cache_get(core->cache, name, CACHE_NODATA, RR_A, now_ms, &hit) ||
			     cache_get(core->cache, name, CACHE_RRSET, RR_CNAME, now_ms, &hit);
		if (!known) {
			f->ask_name = name;
			f->ask_type = RR_A; /* RFC 9156 2.1 */
			f->ask_minimised = true;
			return;
		}
		f->known_labels = (uint8_t)labels;
	}
}

/* Send the question at hand to the chosen server. */
static void ask(struct core *core, struct resolution *r, bool tcp, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct ns_addr *a = &f->cut->addrs[f->choice];
	struct upstream_question q = { .server = a->addr, .name = f->ask_name, .type = f->ask_type, .tcp = tcp,
				       .forward = f->cut->forward };
	bool joins = upstream_exists(core, &q);
	if (!iterate_pay(core, r, joins ? COST_JOIN : tcp ? COST_TCP : COST_UDP, now_ms)) {
		return;
	}
	a->tries++;
	f->sends++;
	f->state = FRAME_WAIT;
	trace_ask(core, r, tcp, joins, now_ms);
	if (!upstream_ask(core, r, &q, now_ms)) {
		fail_all(core, r, EDE_OTHER, "out of memory", now_ms);
	}
}

/* The same server, in another way. */
static void ask_again(struct core *core, struct resolution *r, bool tcp, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct ns_addr *a = &f->cut->addrs[f->choice];
	if (a->tries >= ASKS_PER_SERVER_MAX) {
		a->out = true;
		f->state = FRAME_ASK;
		return;
	}
	ask(core, r, tcp, now_ms);
}

/* Look for an address of server ns of the cut: a frame on top. */
static void push_lookup(struct core *core, struct resolution *r, unsigned ns, uint16_t type, uint64_t now_ms)
{
	struct frame *below = r->top;
	below->cut->lookups++;
	below->cut->ns[ns].asked |= type == RR_A ? NS_ASKED_A : NS_ASKED_AAAA;
	if (!iterate_pay(core, r, COST_SUBRESOLUTION, now_ms)) {
		return;
	}
	struct frame *f = region_alloc(&r->region, sizeof(*f));
	if (f == NULL) {
		fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	*f = (struct frame){ .below = below, .name = below->cut->ns[ns].name, .type = type,
			     .purpose = FRAME_SERVER, .ns = (uint8_t)ns };
	r->top = f;
	r->depth++;
}

bool iterate_push_trust(struct core *core, struct resolution *r, const uint8_t *name, uint16_t type, uint64_t now_ms)
{
	struct frame *f = region_alloc(&r->region, sizeof(*f));
	if (f == NULL) {
		iterate_no_memory(core, r, now_ms);
		return false;
	}
	*f = (struct frame){ .below = r->top, .name = name, .type = type, .purpose = FRAME_TRUST };
	r->top = f;
	r->depth++;
	return true;
}

static void frame_ask(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	uint16_t type;

	set_question(core, f, now_ms);
	int server = choose_server(core, f, now_ms);
	bool lame = server >= 0 &&
		    servers_is_lame(core->servers, &f->cut->addrs[server].addr, f->cut->zone, now_ms);
	/* Servers without address may be better than one that failed for the zone a moment ago. */
	int ns = server < 0 || lame ? choose_lookup(core, r, f, &type) : -1;
	if (ns >= 0) {
		push_lookup(core, r, (unsigned)ns, type, now_ms);
		return;
	}
	if (server >= 0) {
		f->choice = (uint8_t)server;
		if (f->cut->addrs[server].tries >= TRIES_PER_SERVER_MAX) {
			f->cut->plain_probes++;
		}
		f->lame_tries += lame;
		ask(core, r, false, now_ms);
		return;
	}
	if (choose_glue(core, f->cut, now_ms)) {
		return;
	}
	if (dname_is_root(f->cut->zone)) {
		prime_doubt(core, now_ms);
	}
	fail(core, r, EDE_NO_REACHABLE_AUTHORITY,
	     f->cut->addr_count == 0 ? "no server of the zone has a usable address"
				     : "no server of the zone gave a usable answer",
	     now_ms);
}

/* --- replies ----------------------------------------------------------------------------------------- */

static void on_referral(struct core *core, struct resolution *r, struct reply *reply, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (++f->referrals > REFERRALS_MAX) {
		core_count(core, STAT_RES_CHAIN_STOPS);
		fail(core, r, EDE_OTHER, "too many referrals", now_ms);
		return;
	}
	uint64_t deadline = now_ms + reply->ttl * UINT64_C(1000);
	reply->cut->deadline_ms = deadline < f->cut->deadline_ms ? deadline : f->cut->deadline_ms;
	store_delegation(core, reply->cut, now_ms);
	store_referral(core, reply, now_ms);
	choose_fill(core, reply->cut, now_ms);
	enter_cut(f, reply->cut);
}

/* Another question is at hand: every server that is not out may be asked it. */
static void next_question(struct frame *f)
{
	for (unsigned i = 0; i < f->cut->addr_count; i++) {
		f->cut->addrs[i].tries = 0;
	}
}

/* Addresses of servers, keys and DS are kept apart from what clients can fill the cache with. */
static uint8_t part_of(const struct frame *f)
{
	return f->purpose == FRAME_CLIENT ? CACHE_PART_ANSWERS : CACHE_PART_INFRA;
}

/* A final reply to the question at hand. flags: of its entry in the cache. */
static void accept_reply(struct core *core, struct resolution *r, struct reply *reply, uint8_t flags, uint64_t now_ms)
{
	struct frame *f = r->top;
	f->answered = true;
	if (must_validate(r)) {
		/* A resolver speaks for all zones, above and below the one that is configured. */
		struct validation v = { .reply = *reply, .name = f->ask_name,
					.zone = f->cut->forward ? NULL : f->cut->zone, .type = f->ask_type,
					.flags = flags, .part = part_of(f) };
		validate_begin(core, r, &v, now_ms);
		return;
	}
	store_reply(core, f->ask_name, f->ask_type, reply, part_of(f), flags, SECURITY_UNCHECKED, EDE_NONE, now_ms);
	use(core, r, reply, SECURITY_UNCHECKED, now_ms);
}

/* What is bogus may be right at another server, or when it is asked for anew. True: it is tried. */
static bool try_elsewhere(struct core *core, struct resolution *r, const struct validation *v,
			  const struct verify_reason *reason, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->bogus_retries >= BOGUS_RETRIES_MAX) {
		return false;
	}
	if (v->cached) {
		cache_drop(core->cache, v->name, v->type);
		f->state = FRAME_START;
	} else {
		struct ns_addr *a = &f->cut->addrs[f->choice];
		servers_set_lame(core->servers, &a->addr, f->cut->zone, now_ms + SERVER_ERROR_SEC * UINT64_C(1000));
		a->out = true;
		uint16_t lookup_type;
		if (choose_server(core, f, now_ms) < 0 && choose_lookup(core, r, f, &lookup_type) < 0) {
			return false;
		}
		f->state = FRAME_ASK;
	}
	f->bogus_retries++;
	r->unchecked = true;
	f->bogus_ede = reason->ede;
	f->bogus_why = reason->why;
	return true;
}

void iterate_validated(struct core *core, struct resolution *r, struct validation *v, enum security security,
		       const struct verify_reason *reason, uint64_t now_ms)
{
	static const enum stats_resolver counters[] = { [SECURITY_UNCHECKED] = STAT_RES_VALIDATED_FAILED,
							[SECURITY_INSECURE] = STAT_RES_VALIDATED_INSECURE,
							[SECURITY_SECURE] = STAT_RES_VALIDATED_SECURE,
							[SECURITY_BOGUS] = STAT_RES_VALIDATED_BOGUS };
	trace_verdict(core, r, v, security, reason, now_ms);
	if (security == SECURITY_UNCHECKED) {
		core_count(core, counters[security]);
		r->unchecked = true;
		fail_all(core, r, reason->ede, reason->why, now_ms);
		return;
	}
	if (security == SECURITY_BOGUS && try_elsewhere(core, r, v, reason, now_ms)) {
		return;
	}
	core_count(core, counters[security]);
	store_reply(core, v->name, v->type, &v->reply, v->part, v->flags, security,
		    security == SECURITY_BOGUS ? reason->ede : EDE_NONE, now_ms);
	if (security == SECURITY_BOGUS) {
		end(core, r, RCODE_SERVFAIL, reason->ede, reason->why, now_ms);
		return;
	}
	use(core, r, &v->reply, security, now_ms);
}

/* A reply to a part of the name: only referrals and how far the name exists matter. */
static void on_minimised(struct core *core, struct resolution *r, struct reply *reply, uint64_t now_ms)
{
	struct frame *f = r->top;
	f->state = FRAME_ASK;
	next_question(f);
	switch (reply->kind) {
	case REPLY_ANSWER:
	case REPLY_ALIAS:
	case REPLY_NODATA:
		store_reply(core, f->ask_name, f->ask_type, reply, part_of(f), 0, SECURITY_UNCHECKED, EDE_NONE, now_ms);
		f->minimised++;
		f->lame_tries = 0; /* it is of use after all */
		f->known_labels = (uint8_t)dname_label_count(f->ask_name);
		return;
	case REPLY_NXDOMAIN:
		if (dname_is_root(f->cut->zone)) { /* the root's servers can be trusted to know their own */
			accept_reply(core, r, reply, STORE_CUT, now_ms);
			return;
		}
		f->minimise_off = true;
		return;
	default: /* perhaps it does not like such questions: ask it the whole one */
		f->minimise_off = true;
		return;
	}
}

static void on_bad_server(struct core *core, struct resolution *r, const struct reply *reply, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct ns_addr *a = &f->cut->addrs[f->choice];
	uint32_t seconds = reply->kind == REPLY_LAME ? LAME_SEC : SERVER_ERROR_SEC;
	if (reply->kind == REPLY_LAME || !f->cut->forward) { /* an error of a resolver is about the name */
		servers_set_lame(core->servers, &a->addr, f->cut->zone, now_ms + seconds * UINT64_C(1000));
	}
	a->out = true;
	f->state = FRAME_ASK;
}

static void count_reply(struct core *core, enum reply_kind kind)
{
	static const enum stats_resolver counters[] = {
		[REPLY_ANSWER] = STAT_RES_UPSTREAM_ANSWERS,     [REPLY_ALIAS] = STAT_RES_UPSTREAM_ANSWERS,
		[REPLY_OVERFLOW] = STAT_RES_UPSTREAM_ANSWERS,   [REPLY_NODATA] = STAT_RES_UPSTREAM_NODATA,
		[REPLY_NXDOMAIN] = STAT_RES_UPSTREAM_NXDOMAIN,  [REPLY_REFERRAL] = STAT_RES_UPSTREAM_REFERRALS,
		[REPLY_LAME] = STAT_RES_UPSTREAM_LAME,	        [REPLY_ERROR] = STAT_RES_UPSTREAM_ERRORS,
	};
	core_count(core, counters[kind]);
}

/* A forwarder that leaves signatures out makes all that is signed bogus: the operator has to know. */
static void complain_of_forwarder(struct core *core, const struct frame *f, const struct reply *reply, uint64_t now_ms)
{
	char text[ADDR_TEXT_MAX];
	char name[DNAME_TEXT_MAX];
	if (f->cut->forward && core->validating && f->ask_type == RR_DNSKEY && reply->kind == REPLY_ANSWER &&
	    reply->records->sig_count == 0 && log_limit_pass(&core->complaints, now_ms, 600000, 1, NULL)) {
		log_warn("forwarder %s gives keys of %s without signatures: it must support DNSSEC, or validation fails",
			 addr_text(&f->cut->addrs[f->choice].addr, text), dname_text(f->ask_name, name));
	}
}

static void on_reply(struct core *core, struct resolution *r, const struct message *msg, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct reply reply;
	struct reply_question question = { .name = f->ask_name, .type = f->ask_type, .zone = f->cut->zone,
					   .allow_loopback = core->allow_loopback, .forward = f->cut->forward };
	int rc = reply_judge(msg, &question, &r->region, &reply);
	if (rc == BH_ENOMEM) {
		fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	if (rc != BH_OK) {
		reply = (struct reply){ .kind = REPLY_ERROR };
	}
	if (f->purpose == FRAME_PRIME && reply.kind == REPLY_ANSWER &&
	    !prime_accept(core, msg, reply.records, now_ms)) {
		reply.kind = REPLY_ERROR;
	}
	count_reply(core, reply.kind);
	complain_of_forwarder(core, f, &reply, now_ms);
	reply_bound_ttl(&reply, &core->options);
	trace_reply(core, r, msg, &reply, now_ms);
	if (reply.kind == REPLY_REFERRAL) {
		on_referral(core, r, &reply, now_ms);
	} else if (f->ask_minimised) {
		on_minimised(core, r, &reply, now_ms);
	} else if (reply.kind == REPLY_LAME || reply.kind == REPLY_ERROR) {
		on_bad_server(core, r, &reply, now_ms);
	} else {
		accept_reply(core, r, &reply, 0, now_ms);
	}
}

/* --- the machine ------------------------------------------------------------------------------------- */

void iterate_run(struct core *core, struct resolution *r, uint64_t now_ms)
{
	bool outer = core->keeps; /* priming may run within another resolution */
	core->keeps = r->flushes == core->flushes;
	while (!r->finished && r->waiting == NULL) {
		if (now_ms >= r->deadline_ms) {
			core_count(core, STAT_RES_TIME_STOPS);
			fail_all(core, r, EDE_NO_REACHABLE_AUTHORITY, "no answer in time", now_ms);
		} else if (++r->steps > STEPS_MAX) {
			fail_all(core, r, EDE_OTHER, "work limit for one question reached", now_ms);
		} else if (r->top->state == FRAME_START) {
			frame_start(core, r, now_ms);
		} else if (r->top->state == FRAME_VALIDATE) {
			validate_run(core, r, now_ms);
		} else {
			frame_ask(core, r, now_ms);
		}
	}
	if (r->finished) {
		core_done(core, r);
	}
	core->keeps = outer;
}

/* Octets of a message as they were counted by the parser: what its names and data expand to. */
static uint32_t parse_cost(const struct message *msg)
{
	size_t octets = 0;
	for (size_t i = 0; i < msg->rr_count; i++) {
		octets += 10 + (size_t)msg->rrs[i].rdata_len;
	}
	return (uint32_t)(octets / PARSED_OCTETS_PER_UNIT);
}

void iterate_event(struct core *core, struct resolution *r, enum upstream_event event,
		   const struct message *msg, uint64_t now_ms)
{
	core->keeps = r->flushes == core->flushes;
	if (event != EVENT_REPLY) {
		trace_no_reply(core, r, event, now_ms);
	}
	switch (event) {
	case EVENT_REPLY:
		if (iterate_pay(core, r, parse_cost(msg), now_ms)) {
			on_reply(core, r, msg, now_ms);
		}
		break;
	case EVENT_TCP:
	case EVENT_AGAIN:
		ask_again(core, r, event == EVENT_TCP, now_ms);
		break;
	case EVENT_NEXT:
		r->top->state = FRAME_ASK;
		break;
	}
	iterate_run(core, r, now_ms);
}
