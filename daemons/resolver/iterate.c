/*
 * The iteration: frames and what happens to them. iterate.h tells the story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"
#include "daemons/resolver/minimise.h"
#include "daemons/resolver/special.h"

/* --- endings ----------------------------------------------------------------------------------------- */

static void end(struct core *core, struct resolution *r, uint16_t rcode, int ede, const char *text,
		uint64_t now_ms)
{
	struct frame *f = r->top;
	while (f->below != NULL) {
		f = f->below;
	}
	r->finished = true;
	r->rcode = rcode;
	r->ede = ede;
	r->ede_text = text;
	r->records = rcode == RCODE_SERVFAIL ? NULL : f->records;
	if (f->purpose == FRAME_PRIME) {
		prime_over(core, rcode == RCODE_NOERROR, now_ms);
	}
}

/*
 * The resolution as a whole failed. Remembered for the question as it was asked only: what an alias or a
 * glueless server led to may be fine when reached another way, and must not be harmed by it (RFC 9520).
 */
static void fail_all(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	if (!r->internal && ede != EDE_CACHED_ERROR) {
		store_failure(core, r->name, r->type, now_ms);
	}
	end(core, r, RCODE_SERVFAIL, ede, text, now_ms);
}

static void pop(struct resolution *r)
{
	r->top = r->top->below;
	r->depth--;
	r->top->state = FRAME_ASK;
}

/* The top frame cannot be resolved. Below it others may be tried. */
static void fail(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	if (r->top->below != NULL) {
		pop(r);
	} else {
		fail_all(core, r, ede, text, now_ms);
	}
}

/* The top frame has its result: rcode, and the records collected on the way. */
static void finish(struct core *core, struct resolution *r, uint16_t rcode, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->below == NULL) {
		end(core, r, rcode, EDE_NONE, NULL, now_ms);
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
	if (!core->options.special_names || core_find_stub(core, f->name) != NULL) {
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
	if (f->purpose != FRAME_CLIENT) { /* no server of the Internet has such a name */
		fail(core, r, EDE_INVALID_DATA, "name server with a special-use name", now_ms);
		return true;
	}
	rrset_append(&f->records, set);
	finish(core, r, verdict == SPECIAL_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR, now_ms);
	return true;
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
		if (cache_get(core->cache, f->name, CACHE_RRSET, types[i], now_ms, &hit)) {
			if (store_unpack(&hit, now_ms, &r->region, &set) != BH_OK) {
				set = NULL;
			}
			break;
		}
	}
	if (set == NULL) {
		set = rrset_single(f->name, RR_HINFO, TTL_ANSWER_MAX, hinfo, sizeof(hinfo), &r->region);
	}
	rrset_append(&f->records, set);
	finish(core, r, RCODE_NOERROR, now_ms);
}

static bool use_hit(struct core *core, struct resolution *r, const struct cache_hit *hit, uint64_t now_ms)
{
	struct rrset *set;
	if (hit->kind == CACHE_FAILURE) {
		fail(core, r, EDE_CACHED_ERROR, "failed a moment ago", now_ms);
		return true;
	}
	if (store_unpack(hit, now_ms, &r->region, &set) != BH_OK) {
		fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return true;
	}
	rrset_append(&r->top->records, set);
	finish(core, r, hit->kind == CACHE_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR, now_ms);
	return true;
}

/* Is there an answer, an alias, an absence or a failure in the cache? */
static bool start_cached(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct cache_hit hit;

	if (cache_get_any(core->cache, f->name, f->type, now_ms, &hit) && hit.kind != CACHE_FAILURE) {
		return use_hit(core, r, &hit, now_ms);
	}
	if (f->type != RR_CNAME && cache_get(core->cache, f->name, CACHE_RRSET, RR_CNAME, now_ms, &hit)) {
		struct rrset *set;
		if (store_unpack(&hit, now_ms, &r->region, &set) != BH_OK) {
			fail_all(core, r, EDE_OTHER, "memory for one question used up", now_ms);
			return true;
		}
		for (struct rrset *s = set; s != NULL; s = s->next) {
			if (s->type == RR_CNAME) {
				uint16_t len;
				follow(core, r, set, rrset_rdata(s, 0, &len), now_ms);
				return true;
			}
		}
	}
	if (cache_get(core->cache, f->name, CACHE_FAILURE, f->type, now_ms, &hit)) {
		return use_hit(core, r, &hit, now_ms);
	}
	/* RFC 8020, where the root said that a top-level domain does not exist. */
	unsigned labels = dname_label_count(f->name);
	if (labels > 1 &&
	    cache_get(core->cache, dname_skip_labels(f->name, labels - 1), CACHE_NXDOMAIN, 0, now_ms, &hit) &&
	    (hit.flags & STORE_CUT) != 0 && core_find_stub(core, f->name) == NULL) {
		return use_hit(core, r, &hit, now_ms);
	}
	return false;
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
	if (!core->options.minimise || f->minimise_off || f->purpose == FRAME_PRIME) {
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
	bool joins = upstream_exists(core, &a->addr, f->ask_name, f->ask_type, tcp);
	if (!iterate_pay(core, r, joins ? COST_JOIN : tcp ? COST_TCP : COST_UDP, now_ms)) {
		return;
	}
	a->tries++;
	f->sends++;
	f->state = FRAME_WAIT;
	if (!upstream_ask(core, r, &a->addr, f->ask_name, f->ask_type, tcp, now_ms)) {
		fail_all(core, r, EDE_OTHER, "out of memory", now_ms);
	}
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

static void frame_ask(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	uint16_t type;

	set_question(core, f, now_ms);
	int server = choose_server(core, f, now_ms);
	if (server >= 0) {
		f->choice = (uint8_t)server;
		f->lame_tries += servers_is_lame(core->servers, &f->cut->addrs[server].addr, f->cut->zone, now_ms);
		ask(core, r, false, now_ms);
		return;
	}
	int ns = choose_lookup(core, r, f, &type);
	if (ns >= 0) {
		push_lookup(core, r, (unsigned)ns, type, now_ms);
		return;
	}
	if (choose_glue(core, f->cut, now_ms)) {
		return;
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
		fail(core, r, EDE_OTHER, "too many referrals", now_ms);
		return;
	}
	uint64_t deadline = now_ms + reply->ttl * UINT64_C(1000);
	reply->cut->deadline_ms = deadline < f->cut->deadline_ms ? deadline : f->cut->deadline_ms;
	store_delegation(core, reply->cut, now_ms);
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
		store_reply(core, f, f->ask_name, f->ask_type, reply, 0, now_ms);
		f->minimised++;
		f->lame_tries = 0; /* it is of use after all */
		f->known_labels = (uint8_t)dname_label_count(f->ask_name);
		return;
	case REPLY_NXDOMAIN:
		if (dname_is_root(f->cut->zone)) { /* the root's servers can be trusted to know their own */
			store_reply(core, f, f->ask_name, 0, reply, STORE_CUT, now_ms);
			rrset_append(&f->records, reply->records);
			finish(core, r, RCODE_NXDOMAIN, now_ms);
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
	core_count(core, STAT_RES_UPSTREAM_LAME);
	servers_set_lame(core->servers, &a->addr, f->cut->zone, now_ms + seconds * UINT64_C(1000));
	a->out = true;
	f->state = FRAME_ASK;
}

static void on_final(struct core *core, struct resolution *r, struct reply *reply, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (reply->kind == REPLY_OVERFLOW) {
		rrset_append(&f->records, reply->records);
		finish(core, r, RCODE_YXDOMAIN, now_ms);
		return;
	}
	store_reply(core, f, f->ask_name, f->ask_type, reply, 0, now_ms);
	if (reply->kind == REPLY_ALIAS) {
		follow(core, r, reply->records, reply->target, now_ms);
		return;
	}
	rrset_append(&f->records, reply->records);
	finish(core, r, reply->kind == REPLY_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR, now_ms);
}

static void on_reply(struct core *core, struct resolution *r, const struct message *msg, uint64_t now_ms)
{
	struct frame *f = r->top;
	struct reply reply;
	struct reply_question question = { .name = f->ask_name, .type = f->ask_type, .zone = f->cut->zone,
					   .allow_loopback = core->allow_loopback };
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
	if (reply.kind == REPLY_REFERRAL) {
		on_referral(core, r, &reply, now_ms);
	} else if (f->ask_minimised) {
		on_minimised(core, r, &reply, now_ms);
	} else if (reply.kind == REPLY_LAME || reply.kind == REPLY_ERROR) {
		on_bad_server(core, r, &reply, now_ms);
	} else {
		on_final(core, r, &reply, now_ms);
	}
}

/* --- the machine ------------------------------------------------------------------------------------- */

void iterate_run(struct core *core, struct resolution *r, uint64_t now_ms)
{
	while (!r->finished && r->waiting == NULL) {
		if (now_ms >= r->deadline_ms) {
			fail_all(core, r, EDE_NO_REACHABLE_AUTHORITY, "no answer in time", now_ms);
		} else if (++r->steps > STEPS_MAX) {
			fail_all(core, r, EDE_OTHER, "work limit for one question reached", now_ms);
		} else if (r->top->state == FRAME_START) {
			frame_start(core, r, now_ms);
		} else {
			frame_ask(core, r, now_ms);
		}
	}
	if (r->finished) {
		core_done(core, r);
	}
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
	switch (event) {
	case EVENT_REPLY:
		if (iterate_pay(core, r, parse_cost(msg), now_ms)) {
			on_reply(core, r, msg, now_ms);
		}
		break;
	case EVENT_TCP:
		ask(core, r, true, now_ms);
		break;
	case EVENT_AGAIN:
		ask(core, r, false, now_ms);
		break;
	case EVENT_NEXT:
		r->top->state = FRAME_ASK;
		break;
	}
	iterate_run(core, r, now_ms);
}
