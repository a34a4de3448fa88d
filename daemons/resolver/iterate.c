/*
 * The iteration: frames and what happens to them. iterate.h tells the story.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"
#include "daemons/resolver/minimise.h"
#include "daemons/resolver/validate/validate.h"

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
		end_failed(core, r, EDE_OTHER, "out of memory", now_ms);
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
	r->lookups++;
	below->cut->ns[ns].asked |= type == RR_A ? NS_ASKED_A : NS_ASKED_AAAA;
	if (!iterate_pay(core, r, COST_SUBRESOLUTION, now_ms)) {
		return;
	}
	struct frame *f = region_alloc(&r->region, sizeof(*f));
	if (f == NULL) {
		end_failed(core, r, EDE_OTHER, "memory for one question used up", now_ms);
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

/* RFC 8914 4.24: of the network alone, if all that was heard came from it; else 4.23, servers that were of no use. */
static void fail_exhausted(struct core *core, struct resolution *r, uint64_t now_ms)
{
	const struct frame *f = r->top;
	if (f->heard == HEARD_NETWORK) {
		frame_fail(core, r, EDE_NETWORK_ERROR, "the network leads to no server of the zone", now_ms);
		return;
	}
	frame_fail(core, r, EDE_NO_REACHABLE_AUTHORITY,
		   f->cut->addr_count == 0	      ? "no server of the zone has a usable address"
		   : (f->heard & HEARD_REPLY) != 0 ? "no server of the zone gave a usable answer"
						   : "no server of the zone answers",
		   now_ms);
}

static void frame_ask(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct frame *f = r->top;
	uint16_t type;

	set_question(core, f, now_ms);
	int server = choose_server(core, f, now_ms);
	bool lame = server >= 0 && servers_is_lame(core->servers, &f->cut->addrs[server].addr,
						   servers_zone_hash(core->servers, f->cut->zone), now_ms);
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
	if (r->glue_searches < GLUE_SEARCHES_MAX) {
		r->glue_searches++;
		if (choose_glue(core, f->cut, now_ms)) {
			return;
		}
	}
	if (dname_is_root(f->cut->zone)) {
		prime_doubt(core, now_ms);
	}
	fail_exhausted(core, r, now_ms);
}

/* --- replies ----------------------------------------------------------------------------------------- */

static void on_referral(struct core *core, struct resolution *r, struct reply *reply, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (++f->referrals > REFERRALS_MAX) {
		core_count(core, STAT_RES_CHAIN_STOPS);
		frame_fail(core, r, EDE_OTHER, "too many referrals", now_ms);
		return;
	}
	uint64_t deadline = now_ms + reply->ttl * UINT64_C(1000);
	reply->cut->deadline_ms = deadline < f->cut->deadline_ms ? deadline : f->cut->deadline_ms;
	store_delegation(core, reply->cut, now_ms);
	store_referral(core, reply, now_ms);
	choose_fill(core, reply->cut, now_ms);
	frame_enter_cut(f, reply->cut);
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
	if (frame_must_validate(r)) {
		/* A resolver speaks for all zones, above and below the one that is configured. */
		struct validation v = { .reply = *reply, .name = f->ask_name,
					.zone = f->cut->forward ? NULL : f->cut->zone, .type = f->ask_type,
					.flags = flags, .part = part_of(f) };
		validate_begin(core, r, &v, now_ms);
		return;
	}
	store_reply(core, f->ask_name, f->ask_type, reply, part_of(f), flags, SECURITY_UNCHECKED, EDE_NONE, now_ms);
	frame_use(core, r, reply, SECURITY_UNCHECKED, now_ms);
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
		end_failed(core, r, reason->ede, reason->why, now_ms);
		return;
	}
	if (security == SECURITY_BOGUS && try_elsewhere(core, r, v, reason, now_ms)) {
		return;
	}
	core_count(core, counters[security]);
	store_reply(core, v->name, v->type, &v->reply, v->part, v->flags, security,
		    security == SECURITY_BOGUS ? reason->ede : EDE_NONE, now_ms);
	if (security == SECURITY_BOGUS) {
		end_resolution(core, r, RCODE_SERVFAIL, reason->ede, reason->why, now_ms);
		return;
	}
	frame_use(core, r, &v->reply, security, now_ms);
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
	if (core->validating && f->ask_type == RR_DNSKEY && reply->kind == REPLY_ANSWER &&
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
		end_failed(core, r, EDE_OTHER, "memory for one question used up", now_ms);
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
	if (f->cut->forward) {
		complain_of_forwarder(core, f, &reply, now_ms);
	}
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
			end_failed(core, r, EDE_NO_REACHABLE_AUTHORITY, "no answer in time", now_ms);
		} else if (++r->steps > STEPS_MAX) {
			end_failed(core, r, EDE_OTHER, "work limit for one question reached", now_ms);
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
		r->top->heard |= HEARD_REPLY;
		if (iterate_pay(core, r, parse_cost(msg), now_ms)) {
			on_reply(core, r, msg, now_ms);
		}
		break;
	case EVENT_TCP:
	case EVENT_AGAIN:
		r->top->heard |= HEARD_REPLY;
		ask_again(core, r, event == EVENT_TCP, now_ms);
		break;
	case EVENT_NEXT:
	case EVENT_UNREACHED:
		r->top->heard |= event == EVENT_NEXT ? HEARD_SILENCE : HEARD_NETWORK;
		r->top->state = FRAME_ASK;
		break;
	}
	iterate_run(core, r, now_ms);
}
