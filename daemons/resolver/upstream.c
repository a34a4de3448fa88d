/*
 * Questions on their way to servers: composing them, joining equal ones, and matching what comes back.
 *
 * The name goes out in random case (0x20) and must come back so; the id is random; the shell sends
 * every packet from a random port of its own on a connected socket, so address and port were matched by
 * the kernel. What does not match is counted and ignored; after MISMATCHES_MAX such replies, or a wrong
 * case, the question is asked over TCP instead. What cannot be parsed is ignored as well (TuDoor:
 * a forged broken reply must not be worth more than silence).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"
#include "daemons/resolver/stale.h"

#include <stdlib.h>

static uint64_t question_hash(const struct core *core, const struct upstream_question *q)
{
	uint64_t words[3] = { (uint64_t)q->server.family << 56 | (uint64_t)q->server.port << 40 | (uint64_t)q->tcp << 33 |
				      (uint64_t)q->forward << 32 | q->server.scope_id,
			      0, 0 };
	memcpy(&words[1], q->server.bytes, sizeof(q->server.bytes));
	uint64_t name_hash = dname_hash(&core->key, q->name);
	/* After a flush nobody joins a question from before it: its answer may be what was to be forgotten. */
	return siphash_words(&core->key, (uint64_t[3]){ siphash_words(&core->key, words), name_hash, q->type }) +
	       core->flushes;
}

static struct upstream **find(const struct core *core, const struct upstream_question *q)
{
	struct upstream **link = (struct upstream **)&core->buckets[q->hash & (UPSTREAM_BUCKETS - 1)];
	while (*link != NULL) {
		const struct upstream *u = *link;
		if (u->hash == q->hash && u->type == q->type && u->tcp == q->tcp && u->forward == q->forward &&
		    addr_equal(&u->server, &q->server) && dname_equal(u->name, q->name)) {
			break;
		}
		link = &(*link)->chain;
	}
	return link;
}

bool upstream_exists(const struct core *core, struct upstream_question *q)
{
	q->hash = question_hash(core, q);
	return *find(core, q) != NULL;
}

/* 0x20: one random bit per letter. */
static void randomise_case(struct core *core, uint8_t *name)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 1; i <= name[0]; i++) {
			if (dname_fold(name[i]) < 'a' || dname_fold(name[i]) > 'z') {
				continue;
			}
			if (have == 0) {
				bits = core_rand(core, UINT32_C(1) << 24);
				have = 24;
			}
			name[i] = (uint8_t)(dname_fold(name[i]) ^ (bits & 1) << 5);
			bits >>= 1;
			have--;
		}
	}
}

static void write_query(struct core *core, struct upstream *u, const struct server_facts *facts, bool case_bits)
{
	struct sink s = sink_of(u->wire, sizeof(u->wire));
	sink_u16(&s, (uint16_t)core_rand(core, UINT32_C(1) << 16));
	/* A resolver is asked to resolve; what it finds bogus is for us to judge (RFC 6840 5.9). */
	sink_u16(&s, u->forward ? FLAG_RD | (core->options.dnssec ? FLAG_CD : 0) : 0);
	sink_u16(&s, 1);
	sink_u32(&s, 0);
	sink_u16(&s, u->edns ? 1 : 0);
	sink_bytes(&s, u->name, u->name_len);
	if (case_bits) {
		randomise_case(core, u->wire + DNS_HEADER_SIZE);
	}
	sink_u16(&s, u->type);
	sink_u16(&s, CLASS_IN);
	if (u->edns) {
		struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .ede = EDE_NONE,
					   .do_bit = core->options.dnssec };
		uint8_t option[COOKIES_OPTION_MAX];
		if (u->cookie) {
			edns.options = option;
			edns.options_len = (uint16_t)cookies_write(&core->cookie_key, &u->server, facts, option);
		}
		edns_write(&s, &edns);
	}
	u->wire_len = (uint16_t)s.pos; /* the buffer holds the longest name, see its size */
}

bool upstream_ask(struct core *core, struct resolution *r, const struct upstream_question *q, uint64_t now_ms)
{
	struct upstream **link = find(core, q);
	struct upstream *u = *link;

	if (u == NULL) {
		u = calloc(1, sizeof(*u));
		if (u == NULL) {
			return false;
		}
		struct server_facts facts;
		servers_get(core->servers, &q->server, now_ms, &facts);
		u->server = q->server;
		u->tcp = q->tcp;
		u->forward = q->forward;
		u->type = q->type;
		u->hash = q->hash;
		u->name_len = (uint8_t)dname_len(q->name);
		memcpy(u->name, q->name, u->name_len);
		u->plain_probe = servers_probe_plain(&facts);
		u->edns = facts.edns && !u->plain_probe;
		u->cookie = u->edns && core->options.use_cookies && facts.cookies;
		u->expects_cookie = u->cookie && facts.cookie_len > 0;
		u->bad_cookie = u->cookie && facts.bad_cookie;
		u->timeout_ms = servers_timeout_ms(&facts) + (u->tcp ? RTO_TCP_EXTRA_MS : 0);
		if (u->forward && u->timeout_ms < RTO_FORWARD_MIN_MS) {
			u->timeout_ms = RTO_FORWARD_MIN_MS;
		}
		uint64_t left = r->deadline_ms > now_ms ? r->deadline_ms - now_ms : 1;
		if (u->timeout_ms > left) {
			u->timeout_ms = (uint32_t)left;
		}
		u->sent_ms = now_ms;
		write_query(core, u, &facts, core->options.use_0x20 && (facts.keeps_case || u->tcp));
		servers_note_sent(core->servers, &u->server, now_ms);
		core_count(core, u->tcp ? STAT_RES_UPSTREAM_TCP : STAT_RES_UPSTREAM_UDP);
		r->packets++;
		u->chain = *link;
		*link = u;
		*core->send_last = u;
		core->send_last = &u->send_next;
	}
	r->from_cache = false;
	r->wait_next = u->waiters;
	u->waiters = r;
	r->waiting = u;
	return true;
}

struct upstream *core_next_send(struct core *core)
{
	struct upstream *u = core->send_first;
	if (u != NULL) {
		core->send_first = u->send_next;
		u->send_next = NULL;
		if (core->send_first == NULL) {
			core->send_last = &core->send_first;
		}
	}
	return u;
}

static void unlink_upstream(struct core *core, struct upstream *u)
{
	struct upstream **link = &core->buckets[u->hash & (UPSTREAM_BUCKETS - 1)];
	while (*link != u) {
		link = &(*link)->chain;
	}
	*link = u->chain;
}

/* u is over: tell everyone who waits for it. */
static void finish(struct core *core, struct upstream *u, enum upstream_event event,
		   const struct message *msg, uint64_t now_ms)
{
	unlink_upstream(core, u);
	struct resolution *r = u->waiters;
	while (r != NULL) {
		struct resolution *next = r->wait_next;
		r->wait_next = NULL;
		r->waiting = NULL;
		iterate_event(core, r, event, msg, now_ms);
		r = next;
	}
	free(u);
}

enum match {
	MATCH_NOT,
	MATCH_CASE, /* all but the case of the name */
	MATCH_BARE, /* an error without question, as old servers answer EDNS */
	MATCH_FULL,
};

static enum match match_reply(const struct upstream *u, const uint8_t *wire, size_t len)
{
	if (len < DNS_HEADER_SIZE || get_u16(wire) != get_u16(u->wire) || (wire[2] & 0x80) == 0 ||
	    (get_u16(wire + 2) & FLAG_OPCODE) != 0) {
		return MATCH_NOT;
	}
	unsigned rcode = get_u16(wire + 2) & FLAG_RCODE;
	if (get_u16(wire + 4) == 0) {
		bool bare = (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && get_u16(wire + 6) == 0;
		return bare ? MATCH_BARE : MATCH_NOT;
	}
	size_t question_len = (size_t)u->name_len + 4;
	if (get_u16(wire + 4) != 1 || len - DNS_HEADER_SIZE < question_len) {
		return MATCH_NOT;
	}
	const uint8_t *ours = u->wire + DNS_HEADER_SIZE;
	const uint8_t *theirs = wire + DNS_HEADER_SIZE;
	if (memcmp(ours, theirs, question_len) == 0) {
		return MATCH_FULL;
	}
	for (size_t i = 0; i < u->name_len; i++) {
		if (dname_fold(ours[i]) != dname_fold(theirs[i])) {
			return MATCH_NOT;
		}
	}
	return memcmp(ours + u->name_len, theirs + u->name_len, 4) == 0 ? MATCH_CASE : MATCH_NOT;
}

/* A reply that did not match. True: u is over. */
static bool mismatch(struct core *core, struct upstream *u, uint64_t now_ms)
{
	core_count(core, STAT_RES_UPSTREAM_MISMATCHES);
	if (u->tcp) {
		finish(core, u, EVENT_NEXT, NULL, now_ms);
		return true;
	}
	if (++u->mismatches < MISMATCHES_MAX) {
		return false;
	}
	finish(core, u, EVENT_TCP, NULL, now_ms);
	return true;
}

/*
 * RFC 6891 7 and 6.1.3: FORMERR or NOTIMP of a server that does not know EDNS, BADVERS for a version that everyone
 * must know. Some send their own OPT with it; from one that has answered properly before, FORMERR is an error
 * like any other.
 */
static bool refuses_edns(struct core *core, const struct upstream *u, const struct message *msg, uint64_t now_ms)
{
	if (msg->rcode == RCODE_BADVERS) {
		return true;
	}
	if (msg->rcode != RCODE_FORMERR && msg->rcode != RCODE_NOTIMP) {
		return false;
	}
	struct server_facts facts;
	servers_get(core->servers, &u->server, now_ms, &facts);
	return !msg->has_edns || !facts.edns_seen;
}

/* What the reply tells about the server, and what is to be done with it. */
static enum upstream_event learn(struct core *core, const struct upstream *u, const struct message *msg,
				 struct server_reply *told, uint64_t now_ms)
{
	enum upstream_event again = u->tcp ? EVENT_TCP : EVENT_AGAIN;
	bool refuses = u->edns && refuses_edns(core, u, msg, now_ms);
	uint64_t rtt = now_ms > u->sent_ms ? now_ms - u->sent_ms : 0;
	told->rtt_ms = (uint32_t)(u->tcp ? rtt / 2 : rtt);
	told->edns = msg->has_edns && !refuses;
	told->bad_cookie = u->cookie && msg->rcode == RCODE_BADCOOKIE;
	servers_note_reply(core->servers, &u->server, told, now_ms);
	core->family_silences[addr_family_index(&u->server)] = 0;
	if (told->bad_cookie && !u->tcp) {
		/* RFC 7873 5.3: once more with the cookie that it gave us, then over TCP. */
		return u->bad_cookie || told->cookie_len == 0 ? EVENT_TCP : EVENT_AGAIN;
	}
	if (!u->tcp && (msg->flags & FLAG_TC) != 0) {
		core_count(core, STAT_RES_UPSTREAM_TRUNCATED);
		return EVENT_TCP;
	}
	if (u->plain_probe && msg->rcode == RCODE_NOERROR) {
		servers_note_no_edns(core->servers, &u->server, now_ms); /* silence had a reason */
	}
	if (!refuses) {
		return EVENT_REPLY;
	}
	if (msg->rcode == RCODE_FORMERR && u->cookie && !u->expects_cookie) {
		servers_note_no_cookies(core->servers, &u->server, now_ms); /* perhaps it was only that */
	} else {
		servers_note_no_edns(core->servers, &u->server, now_ms);
	}
	return again;
}

/*
 * RFC 7873 5.3. EVENT_REPLY: the reply is good, and told has its server cookie. A reply of a server that knows
 * cookies has ours in it, or is a forgery, or came from its brother behind the same address that knows none: TCP
 * tells, and then no cookie is expected for a while.
 */
static enum upstream_event check_cookie(struct core *core, const struct upstream *u, const struct message *msg,
					struct server_reply *told, uint64_t now_ms)
{
	if (!u->cookie) {
		return EVENT_REPLY;
	}
	enum cookies_verdict verdict =
		cookies_judge(&core->cookie_key, &u->server, msg, &told->cookie, &told->cookie_len);
	if (verdict == COOKIES_RIGHT || (verdict == COOKIES_NONE && !u->expects_cookie)) {
		return EVENT_REPLY;
	}
	if (!u->tcp) {
		core_count(core, STAT_RES_UPSTREAM_MISMATCHES);
		return EVENT_TCP;
	}
	servers_note_no_cookies(core->servers, &u->server, now_ms);
	return EVENT_REPLY;
}

bool core_reply(struct core *core, struct upstream *u, uint8_t *wire, size_t len, uint64_t now_ms)
{
	enum match match = match_reply(u, wire, len);
	if (match == MATCH_NOT) {
		return mismatch(core, u, now_ms);
	}
	if (match == MATCH_CASE) {
		if (!u->tcp) {
			core_count(core, STAT_RES_UPSTREAM_MISMATCHES);
			finish(core, u, EVENT_TCP, NULL, now_ms);
			return true;
		}
		servers_note_no_case(core->servers, &u->server, now_ms);
	}
	if (match != MATCH_BARE) { /* names that point into the question get their own case back */
		memcpy(wire + DNS_HEADER_SIZE, u->name, u->name_len);
	}
	struct message msg;
	region_reset(&core->scratch);
	if (message_parse(wire, len, &core->scratch, &msg) != BH_OK) {
		core_count(core, STAT_RES_UPSTREAM_MALFORMED);
		if (!u->tcp && (get_u16(wire + 2) & FLAG_TC) == 0) {
			u->malformed = true;
			return false;
		}
		/* RFC 2181 9: what says that it was cut, and be it within a record, sends us to TCP. */
		finish(core, u, u->tcp ? EVENT_NEXT : EVENT_TCP, NULL, now_ms);
		return true;
	}
	struct server_reply told = { .rtt_ms = 0 };
	enum upstream_event event = check_cookie(core, u, &msg, &told, now_ms);
	if (event == EVENT_REPLY) {
		event = learn(core, u, &msg, &told, now_ms);
	}
	core->reply_octets = len;
	finish(core, u, event, &msg, now_ms);
	return true;
}

void core_timeout(struct core *core, struct upstream *u, uint64_t now_ms)
{
	core_count(core, STAT_RES_UPSTREAM_TIMEOUTS);
	servers_note_silence(core->servers, &u->server, u->timeout_ms, now_ms);
	unsigned family = addr_family_index(&u->server);
	if (!u->tcp && !u->forward && ++core->family_silences[family] >= FAMILY_SILENCES_MAX) {
		core->family_down_until_ms[family] = now_ms + FAMILY_DOWN_SEC * UINT64_C(1000);
	}
	bool noise = !u->tcp && (u->malformed || u->mismatches > 0);
	finish(core, u, noise ? EVENT_TCP : EVENT_NEXT, NULL, now_ms);
}

void core_failed(struct core *core, struct upstream *u, enum upstream_failure why, uint64_t now_ms)
{
	switch (why) {
	case UPSTREAM_NO_ROUTE:
		core_count(core, STAT_RES_UPSTREAM_UNREACHABLE);
		core->family_down_until_ms[addr_family_index(&u->server)] =
			now_ms + FAMILY_DOWN_SEC * UINT64_C(1000);
		servers_note_silence(core->servers, &u->server, 0, now_ms);
		break;
	case UPSTREAM_REFUSED:
	case UPSTREAM_CLOSED:
		core_count(core, why == UPSTREAM_CLOSED ? STAT_RES_UPSTREAM_CLOSED : STAT_RES_UPSTREAM_UNREACHABLE);
		servers_note_silence(core->servers, &u->server, 0, now_ms);
		break;
	case UPSTREAM_RESOURCES:
		break;
	}
	finish(core, u, why == UPSTREAM_RESOURCES ? EVENT_NEXT : EVENT_UNREACHED, NULL, now_ms);
}

struct upstream *core_give_up(struct core *core, struct resolution *r, const char *text, uint64_t now_ms)
{
	struct upstream *u = r->waiting;
	if (u != NULL) {
		struct resolution **link = &u->waiters;
		while (*link != r) {
			link = &(*link)->wait_next;
		}
		*link = r->wait_next;
		r->wait_next = NULL;
		r->waiting = NULL;
	}
	const struct frame *f = r->top;
	while (f->below != NULL) {
		f = f->below;
	}
	/* What was bogus so far is no reason for stale data; that there is no time left for it, is (RFC 8767 4). */
	if (!stale_may_replace(core, r, f->bogus_why == NULL ? EDE_NONE : f->bogus_ede) ||
	    !iterate_answer_stale(core, r, now_ms)) {
		end_resolution(core, r, RCODE_SERVFAIL, EDE_OTHER, text, now_ms);
	}
	core_done(core, r);
	return u != NULL && u->waiters == NULL ? u : NULL;
}

void core_forget(struct core *core, struct upstream *u)
{
	unlink_upstream(core, u);
	free(u);
}

void upstream_free_all(struct core *core)
{
	for (unsigned i = 0; i < UPSTREAM_BUCKETS; i++) {
		while (core->buckets[i] != NULL) {
			struct upstream *u = core->buckets[i];
			core->buckets[i] = u->chain;
			while (u->waiters != NULL) {
				struct resolution *r = u->waiters;
				u->waiters = r->wait_next;
				core_release(r);
			}
			free(u);
		}
	}
	core->send_first = NULL;
	core->send_last = &core->send_first;
}
