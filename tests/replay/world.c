/*
 * The scripted Internet. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/world.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/nsec3.h"
#include "common/ipc/stats.h"
#include "daemons/resolver/answer.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/anchors.h"
#include "tests/replay/match.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Packets on their way at the same time: a client waits for one, priming and prefetch are few. */
	PENDING_MAX = 2 * SCENARIO_CLIENTS_MAX,
	/* Replies to one packet: a true one behind forged ones. */
	REPLIES_MAX = 16,
	/* Packets of one scenario. */
	SENT_MAX = 16384,
	/* The core's clock does not begin at 0, as in life. */
	BEGIN_MS = 1000000,
	DELAY_USUAL_MS = 10,
	/* What a frontend gives by default. */
	BUDGET_USUAL = 250,
	CACHE_BYTES = 4 << 20,
	QUERY_WIRE_MAX = 1024,
};

/* A packet on its way, and what comes back for it. */
struct pending {
	struct upstream *u;
	enum { PENDING_REPLY, PENDING_NO_ROUTE, PENDING_REFUSED } kind;
	const struct scenario_entry *entries[REPLIES_MAX]; /* in the order of their coming */
	unsigned entry_count;
	unsigned next;
	uint64_t at_ms; /* of the next one */
	uint64_t timeout_ms;
};

struct sent {
	uint8_t *wire;
	size_t len;
	bool tcp;
};

struct client {
	struct query query;
	bool done;
	uint8_t *wire; /* DNS_MESSAGE_MAX */
	size_t len;
};

struct world {
	struct scenario *scenario;
	struct core *core;
	struct dnssec *dnssec;
	struct nsec3_hasher *hasher;
	FILE *trace;
	uint64_t random;
	uint64_t now_ms;
	unsigned step;
	unsigned waiting; /* clients */
	struct pending pending[PENDING_MAX];
	unsigned pending_count;
	struct sent *sent;
	size_t sent_count;
	size_t sent_begin; /* of those since the last question */
	struct region scratch;
	struct client *clients;
	unsigned client_count;
	uint64_t counters[STAT_RES_COUNT];
	uint64_t counters_begin[STAT_RES_COUNT];
	uint8_t reply[DNS_MESSAGE_MAX];
	char fault[512];
};

static uint32_t next_random(void *ctx, uint32_t bound)
{
	struct world *w = ctx;
	uint64_t x = w->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (uint32_t)((x >> 32) * bound >> 32);
}

BH_PRINTF(2, 3) static void set_fault(struct world *w, const char *format, ...)
{
	va_list args;
	if (w->fault[0] != '\0') {
		return;
	}
	va_start(args, format);
	vsnprintf(w->fault, sizeof(w->fault), format, args);
	va_end(args);
}

/* --- configuration ------------------------------------------------------------------------------------ */

/* What the core cannot do, or NULL. */
static const char *missing_feature(const struct scenario_config *c)
{
	if (c->harden_glue == 0) {
		return "harden-glue off: the core always holds glue to the zone that gave it";
	}
	if (c->force_ip6 > 0) {
		return "force-ipv6: the core prefers no family";
	}
	return NULL;
}

static bool is_on(int value, bool usual)
{
	return value < 0 ? usual : value > 0;
}

static uint32_t number_or(int64_t value, uint32_t usual)
{
	return value < 0 ? usual : (uint32_t)value;
}

/* NULL: out of memory, or more than there can be. */
static struct anchors *make_anchors(const struct world *w, const struct scenario_config *c)
{
	struct anchors *anchors = anchors_new();
	bool fine = anchors != NULL;
	for (size_t i = 0; fine && i < c->anchor_count; i++) {
		const struct message_rr *rr = &c->anchors[i];
		uint8_t algorithm = rr->rdata[rr->type == RR_DS ? 2 : 3];
		bool known = dnssec_has_algorithm(w->dnssec, algorithm) &&
			     (rr->type != RR_DS || dnssec_has_digest(w->dnssec, rr->rdata[3]));
		fine = (known ? anchors_add(anchors, rr->owner, rr->type, rr->rdata, rr->rdata_len)
			      : anchors_add_unusable(anchors, rr->owner)) == BH_OK;
	}
	for (const struct scenario_name *n = c->insecure; fine && n != NULL; n = n->next) {
		fine = anchors_add_negative(anchors, n->name, UINT64_MAX) == BH_OK;
	}
	if (!fine) {
		anchors_free(anchors);
		anchors = NULL;
	}
	return anchors;
}

/* NULL: out of memory. */
static struct ipc_servers *make_servers(const struct scenario_stub *stubs, unsigned count)
{
	struct ipc_servers *servers = calloc(count + 1, sizeof(*servers));
	struct ipc_servers *next = servers;
	for (const struct scenario_stub *s = stubs; servers != NULL && s != NULL; s = s->next) {
		memcpy(next->name, s->zone, dname_len(s->zone));
		for (unsigned i = 0; i < s->addr_count && i < IPC_ADDRS_MAX; i++) {
			next->addrs[next->count++] = s->addrs[i];
		}
		next++;
	}
	return servers;
}

static bool configure(struct world *w, const struct scenario_config *c)
{
	struct ipc_servers *roots = calloc(c->root_count + 1, sizeof(*roots));
	struct ipc_servers *stubs = make_servers(c->stubs, c->stub_count);
	struct ipc_servers *forwards = make_servers(c->forwards, c->forward_count);
	struct anchors *anchors = make_anchors(w, c);
	if (roots == NULL || stubs == NULL || forwards == NULL || anchors == NULL) {
		free(roots);
		free(stubs);
		free(forwards);
		anchors_free(anchors);
		return false;
	}
	for (unsigned i = 0; i < c->root_count; i++) {
		char name[32];
		snprintf(name, sizeof(name), "root-%u.hint.", i + 1);
		int len = dname_from_text(name, roots[i].name);
		assert(len > 0);
		(void)len;
		roots[i].count = 1;
		roots[i].addrs[0] = c->roots[i];
	}
	struct core_config config = {
		.options = {
			.ipv4 = is_on(c->ip4, true), .ipv6 = is_on(c->ip6, true),
			.use_0x20 = is_on(c->use_0x20, true), .use_cookies = is_on(c->use_cookies, false),
			.minimise = is_on(c->minimise, true),
			.localhost = is_on(c->ask_localhost, false) ? IPC_LOCALHOST_ALWAYS : IPC_LOCALHOST_NEVER,
			.min_ttl_sec = number_or(c->min_ttl, 0), .max_ttl_sec = number_or(c->max_ttl, TTL_ANSWER_USUAL),
			.max_negative_ttl_sec = number_or(c->max_negative_ttl, TTL_NEGATIVE_USUAL),
			.stale_sec = number_or(c->stale_ttl, 0),
			.rebind_protection = is_on(c->rebind_protection, false),
			.prime_root = is_on(c->prime_root, false), .special_names = is_on(c->special_names, false),
			.dnssec = true, .no_sha1 = !is_on(c->validate_sha1, true),
		},
		.cache_bytes = CACHE_BYTES, .roots = roots, .root_count = c->root_count,
		.stubs = stubs, .stub_count = c->stub_count, .forwards = forwards,
		.forward_count = c->forward_count, .anchors = anchors,
	};
	core_set_wall(w->core, c->date_sec >= 0 ? (uint64_t)c->date_sec : SCENARIO_DATE_USUAL, w->now_ms);
	int rc = core_configure(w->core, &config);
	if (rc != BH_OK) {
		anchors_free(anchors);
	}
	free(roots);
	free(stubs);
	free(forwards);
	return rc == BH_OK;
}

struct world *world_new(struct scenario *scenario, uint64_t seed, FILE *trace, bool *missing, char *why,
			size_t why_size)
{
	const char *feature = missing_feature(&scenario->config);
	*missing = feature != NULL;
	if (feature != NULL) {
		snprintf(why, why_size, "%s", feature);
		return NULL;
	}
	struct world *w = calloc(1, sizeof(*w));
	if (w != NULL) {
		w->scenario = scenario;
		w->trace = trace;
		w->random = seed;
		w->now_ms = BEGIN_MS;
		region_init(&w->scratch, 256 * 1024, 16 * 1024 * 1024);
		w->sent = calloc(SENT_MAX, sizeof(*w->sent));
		w->clients = calloc(SCENARIO_CLIENTS_MAX, sizeof(*w->clients));
		w->dnssec = dnssec_new();
		if (w->dnssec != NULL) {
			dnssec_use_sha1(w->dnssec, is_on(scenario->config.validate_sha1, true));
		}
		w->hasher = nsec3_hasher_new();
		struct core_tools tools = { .rand_fn = next_random, .rand_ctx = w, .dnssec = w->dnssec,
					    .hasher = w->hasher, .counters = w->counters };
		w->core = w->dnssec == NULL || w->hasher == NULL ? NULL : core_new(CACHE_BYTES, &tools);
	}
	if (w == NULL || w->sent == NULL || w->clients == NULL || w->core == NULL ||
	    !configure(w, &scenario->config)) {
		snprintf(why, why_size, "out of memory");
		world_free(w);
		return NULL;
	}
	return w;
}

void world_free(struct world *world)
{
	if (world == NULL) {
		return;
	}
	core_free(world->core);
	dnssec_free(world->dnssec);
	nsec3_hasher_free(world->hasher);
	for (size_t i = 0; i < world->sent_count; i++) {
		free(world->sent[i].wire);
	}
	for (unsigned i = 0; world->clients != NULL && i < SCENARIO_CLIENTS_MAX; i++) {
		free(world->clients[i].wire);
	}
	free(world->sent);
	free(world->clients);
	region_clear(&world->scratch);
	free(world);
}

void world_set_step(struct world *world, unsigned step)
{
	world->step = step;
}

const char *world_fault(const struct world *world)
{
	return world->fault[0] == '\0' ? NULL : world->fault;
}

uint64_t world_now_ms(const struct world *world)
{
	return world->now_ms - BEGIN_MS;
}

/* --- replies of servers -------------------------------------------------------------------------------- */

static bool in_range(const struct scenario_range *range, unsigned step, const struct addr *server)
{
	if (step < range->from || step > range->to) {
		return false;
	}
	for (unsigned i = 0; i < range->addr_count; i++) {
		if (addr_equal(&range->addrs[i], server)) {
			return true;
		}
	}
	return false;
}

static bool matches(const struct scenario_entry *e, const struct message *query, bool tcp)
{
	char buf[64]; /* nobody reads why it does not */
	struct text why = TEXT_OF(buf);
	return match_message(e, query, tcp, &why);
}

/* Entries of a list for a query: the first that matches, and those that it wants behind it. */
static unsigned find_entries(const struct scenario_entry *e, const struct message *query, bool tcp,
			     const struct scenario_entry **out)
{
	unsigned count = 0;
	for (; e != NULL && count < REPLIES_MAX; e = e->next) {
		if (matches(e, query, tcp)) {
			out[count++] = e;
			if ((e->adjust & ADJUST_MORE) == 0) {
				break;
			}
		}
	}
	return count;
}

/* A reply that is given once, by whichever server is asked, in this step or a later one. */
static unsigned find_once(struct world *w, const struct message *query, bool tcp,
			  const struct scenario_entry **out)
{
	for (const struct scenario_step *s = w->scenario->steps; s != NULL; s = s->next) {
		if (s->kind == STEP_REPLY && s->id >= w->step && !s->entry->used && matches(s->entry, query, tcp)) {
			s->entry->used = true;
			out[0] = s->entry;
			return 1;
		}
	}
	return 0;
}

/* What the scenario has for a packet. None: that is the scenario's failure, and silence. */
static unsigned find_replies(struct world *w, const struct upstream *u, const struct message *query,
			     const struct scenario_entry **out)
{
	for (const struct scenario_range *r = w->scenario->ranges; r != NULL; r = r->next) {
		if (in_range(r, w->step, &u->server)) {
			unsigned count = find_entries(r->entries, query, u->tcp, out);
			if (count > 0) {
				return count;
			}
			break; /* the first range that covers address and step speaks for the server */
		}
	}
	unsigned count = find_once(w, query, u->tcp, out);
	if (count == 0) {
		char addr[ADDR_TEXT_MAX];
		char buf[512];
		struct text t = TEXT_OF(buf);
		uint8_t lower[DNAME_MAX];
		(void)dname_copy_lower(lower, query->qname);
		show_question(&t, lower, query->qtype);
		set_fault(w, "step %u: no entry for the query %s to %s%s", w->step, buf,
			  addr_text(&u->server, addr), u->tcp ? " over TCP" : "");
	}
	return count;
}

/* RFC 7873 4: the client's cookie as it came, or one octet of it changed, and the server's. The octets. */
static uint16_t write_cookie(const struct scenario_entry *e, const struct query *q, uint8_t *option)
{
	struct sink s = sink_of(option, EDNS_OPTION_HEADER + COOKIE_REPLY_SIZE);
	if ((e->adjust & (ADJUST_COOKIE | ADJUST_WRONG_COOKIE)) == 0 || q->edns.cookie_len == 0) {
		return 0;
	}
	sink_u16(&s, EDNS_OPTION_COOKIE);
	sink_u16(&s, COOKIE_REPLY_SIZE);
	sink_u8(&s, (uint8_t)(q->edns.cookie[0] ^ ((e->adjust & ADJUST_WRONG_COOKIE) != 0)));
	sink_bytes(&s, q->edns.cookie + 1, COOKIE_CLIENT_SIZE - 1);
	sink_bytes(&s, "a server's word.", COOKIE_REPLY_SIZE - COOKIE_CLIENT_SIZE);
	return (uint16_t)s.pos;
}

static size_t compose_reply(struct world *w, const struct scenario_entry *e, const struct query *q, size_t limit)
{
	struct compose c;
	uint8_t qname[DNAME_MAX];
	bool copy = (e->adjust & ADJUST_COPY_QUERY) != 0;
	bool question = copy || e->has_question;
	if (question) {
		/* With the id goes the spelling of the name, or a server that is none of ours would be tested. */
		bool same = copy || ((e->adjust & ADJUST_COPY_ID) != 0 && dname_equal(e->qname, q->qname));
		const uint8_t *name = same ? q->qname : e->qname;
		memcpy(qname, name, dname_len(name));
	}
	if (question && (e->adjust & ADJUST_LOWER_CASE) != 0) {
		(void)dname_copy_lower(qname, qname);
	}
	struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .rcode = e->rcode, .do_bit = e->do_bit, .ede = e->ede };
	uint8_t option[EDNS_OPTION_HEADER + COOKIE_REPLY_SIZE];
	edns.options_len = write_cookie(e, q, option);
	edns.options = option;
	bool opt = q->edns.present && (e->adjust & ADJUST_NO_EDNS) == 0;
	uint16_t id = (e->adjust & (ADJUST_COPY_ID | ADJUST_RAW_ID)) != 0 ? q->id : (uint16_t)(q->id ^ 0x5555);
	compose_begin(&c, w->reply, limit, opt ? edns_size(&edns) : 0, id,
		      (uint16_t)(e->flags | (e->rcode & FLAG_RCODE)), question ? qname : NULL,
		      copy ? q->qtype : e->qtype, copy ? q->qclass : e->qclass);
	struct compose_mark mark = compose_mark(&c);
	for (size_t i = 0; i < e->rr_count; i++) {
		const struct message_rr *rr = &e->rrs[i];
		if (compose_rr(&c, (enum section)rr->section, rr->owner, rr->type, rr->rr_class, rr->ttl, rr->rdata,
			       rr->rdata_len) == BH_OK) {
			continue;
		}
		if (rr->section == SECTION_ADDITIONAL) {
			break; /* RFC 2181 9: need not be complete */
		}
		compose_rollback(&c, &mark);
		compose_flags(&c, 0, FLAG_TC);
		break;
	}
	return compose_finish(&c, opt ? &edns : NULL);
}

/* Into w->reply. */
static size_t make_reply(struct world *w, const struct scenario_entry *e, const struct upstream *u)
{
	struct query q;
	enum query_verdict verdict = query_parse(u->wire, u->wire_len, &q);
	assert(verdict == QUERY_OK); /* the core's own packet */
	(void)verdict;
	if (e->raw == NULL) {
		size_t udp_max = q.edns.present ? q.edns.udp_size : UDP_SIZE_PLAIN;
		return compose_reply(w, e, &q, u->tcp ? DNS_MESSAGE_MAX : udp_max);
	}
	memcpy(w->reply, e->raw, e->raw_len);
	if ((e->adjust & (ADJUST_RAW_ID | ADJUST_COPY_ID)) != 0 && e->raw_len >= 2) {
		put_u16(w->reply, q.id);
	}
	return e->raw_len;
}

/* --- packets and time ---------------------------------------------------------------------------------- */

static void trace_packet(struct world *w, const struct upstream *u, const char *arrow, const uint8_t *wire,
			 size_t len)
{
	char addr[ADDR_TEXT_MAX];
	struct message msg;
	if (w->trace == NULL) {
		return;
	}
	fprintf(w->trace, "  %6llu ms %s %s %s\n", (unsigned long long)world_now_ms(w), arrow,
		addr_text(&u->server, addr), u->tcp ? "TCP" : "UDP");
	region_reset(&w->scratch);
	if (message_parse(wire, len, &w->scratch, &msg) == BH_OK) {
		show_message(w->trace, "              ", &msg);
	} else {
		fprintf(w->trace, "              %zu octets that are no message\n", len);
	}
}

static void schedule(struct pending *p, uint64_t now_ms)
{
	p->at_ms = p->timeout_ms;
	if (p->next < p->entry_count) {
		unsigned delay = p->entries[p->next]->delay_ms;
		uint64_t at = now_ms + (delay > 0 ? delay : p->next == 0 ? DELAY_USUAL_MS : 1);
		bool silent = (p->entries[p->next]->adjust & ADJUST_DO_NOT_ANSWER) != 0;
		if (!silent && at < p->timeout_ms) {
			p->at_ms = at;
		} else {
			p->next = p->entry_count; /* too late, or never */
		}
	}
}

static void send_one(struct world *w, struct upstream *u)
{
	assert(w->pending_count < PENDING_MAX);
	struct pending *p = &w->pending[w->pending_count++];
	struct message query;
	*p = (struct pending){ .u = u, .timeout_ms = w->now_ms + u->timeout_ms };
	trace_packet(w, u, "->", u->wire, u->wire_len);
	if (w->sent_count < SENT_MAX) {
		struct sent *s = &w->sent[w->sent_count++];
		s->wire = malloc(u->wire_len);
		s->len = s->wire == NULL ? 0 : u->wire_len;
		s->tcp = u->tcp;
		memcpy(s->wire, u->wire, s->len);
	} else {
		set_fault(w, "step %u: more than %d packets", w->step, SENT_MAX);
	}
	region_reset(&w->scratch);
	if (message_parse(u->wire, u->wire_len, &w->scratch, &query) != BH_OK) {
		set_fault(w, "step %u: the core sent what is no message", w->step);
	} else {
		p->entry_count = find_replies(w, u, &query, p->entries);
	}
	unsigned adjust = p->entry_count > 0 ? p->entries[0]->adjust : 0;
	p->kind = (adjust & ADJUST_NO_ROUTE) != 0 ? PENDING_NO_ROUTE
						  : (adjust & ADJUST_REFUSE) != 0 ? PENDING_REFUSED : PENDING_REPLY;
	schedule(p, w->now_ms);
}

/* What is due first happens. */
static void happen(struct world *w, struct pending *p)
{
	struct pending now = *p;
	bool over = true;
	w->now_ms = now.at_ms > w->now_ms ? now.at_ms : w->now_ms;
	if (now.next >= now.entry_count) {
		trace_packet(w, now.u, "-- silence:", now.u->wire, now.u->wire_len);
		core_timeout(w->core, now.u, w->now_ms);
	} else if (now.kind != PENDING_REPLY) {
		trace_packet(w, now.u, "-- failure:", now.u->wire, now.u->wire_len);
		core_failed(w->core, now.u,
			    now.kind == PENDING_NO_ROUTE ? UPSTREAM_NO_ROUTE
							 : now.u->tcp ? UPSTREAM_CLOSED : UPSTREAM_REFUSED,
			    w->now_ms);
	} else {
		size_t len = make_reply(w, now.entries[now.next], now.u);
		trace_packet(w, now.u, "<-", w->reply, len);
		over = core_reply(w->core, now.u, w->reply, len, w->now_ms);
		p->next++;
	}
	if (over) {
		*p = w->pending[--w->pending_count];
	} else {
		schedule(p, w->now_ms);
	}
}

static void take_done(struct world *w)
{
	struct resolution *r;
	while ((r = core_next_done(w->core)) != NULL) {
		struct client *c = r->ctx;
		c->len = answer_write(&c->query, r, c->wire);
		if (!c->query.edns.do_bit && (c->query.flags & FLAG_AD) == 0) {
			/* RFC 6840 5.8, as the frontend does: AD is for those who understand it. */
			put_u16(c->wire + 2, (uint16_t)(get_u16(c->wire + 2) & ~FLAG_AD));
		}
		c->done = true;
		w->waiting--;
		core_release(r);
	}
}

/* Until no client waits, or until the time given has come (0: as long as it takes). */
static void run(struct world *w, uint64_t until_ms)
{
	for (;;) {
		struct upstream *u;
		while ((u = core_next_send(w->core)) != NULL) {
			send_one(w, u);
		}
		take_done(w);
		if (until_ms == 0 && w->waiting == 0) {
			return;
		}
		struct pending *first = NULL;
		for (unsigned i = 0; i < w->pending_count; i++) {
			first = first == NULL || w->pending[i].at_ms < first->at_ms ? &w->pending[i] : first;
		}
		uint64_t wake_ms = core_next_wake(w->core);
		uint64_t next_ms = first == NULL || wake_ms < first->at_ms ? wake_ms : first->at_ms;
		if (next_ms == UINT64_MAX || (until_ms > 0 && next_ms > until_ms)) {
			return;
		}
		if (first != NULL && first->at_ms == next_ms) {
			happen(w, first);
		} else {
			w->now_ms = wake_ms > w->now_ms ? wake_ms : w->now_ms;
			core_wake(w->core, w->now_ms);
		}
	}
}

void world_pass(struct world *world, uint64_t seconds)
{
	uint64_t until = world->now_ms + seconds * UINT64_C(1000);
	run(world, until);
	world->now_ms = until > world->now_ms ? until : world->now_ms;
}

/* --- clients ------------------------------------------------------------------------------------------- */

static size_t compose_query(const struct scenario_entry *e, uint8_t *wire)
{
	struct compose c;
	struct edns_reply edns = { .udp_size = UDP_RECV_MAX, .do_bit = e->do_bit, .ede = EDE_NONE };
	bool opt = (e->adjust & ADJUST_NO_EDNS) == 0;
	if (e->raw != NULL) {
		size_t len = e->raw_len < QUERY_WIRE_MAX ? e->raw_len : QUERY_WIRE_MAX;
		memcpy(wire, e->raw, len);
		return len;
	}
	compose_begin(&c, wire, QUERY_WIRE_MAX, opt ? edns_size(&edns) : 0, 4711, e->flags,
		      e->has_question ? e->qname : NULL, e->qtype, e->qclass);
	return compose_finish(&c, opt ? &edns : NULL);
}

/* As the role does with what the frontend sends: refuse, or begin to resolve. */
static bool start_client(struct world *w, struct client *c, const uint8_t *wire, size_t len)
{
	enum query_verdict verdict = query_parse(wire, len, &c->query);
	if (verdict == QUERY_IGNORE) {
		c->done = true;
		return true;
	}
	uint16_t rcode = answer_judge_query(verdict, &c->query);
	if (rcode != RCODE_NOERROR) {
		c->len = answer_error(&c->query, rcode, EDE_NONE, NULL, c->wire);
		c->done = true;
		return true;
	}
	uint32_t budget = w->scenario->config.budget < 0 ? BUDGET_USUAL : (uint32_t)w->scenario->config.budget;
	w->waiting++;
	struct core_question question = { .name = c->query.qname, .type = c->query.qtype,
					  .cd = (c->query.flags & FLAG_CD) != 0, .budget = budget };
	return core_start(w->core, &question, c, w->now_ms) != NULL;
}

bool world_ask(struct world *world, const struct scenario_entry *query, struct world_answer *out, char *why,
	       size_t why_size)
{
	uint8_t wire[QUERY_WIRE_MAX];
	size_t len = compose_query(query, wire);
	uint64_t begin = world->now_ms;
	struct client *c = NULL;
	world->sent_begin = world->sent_count;
	memcpy(world->counters_begin, world->counters, sizeof(world->counters));
	for (unsigned i = 0; i < query->clients; i++) {
		c = &world->clients[i];
		uint8_t *room = c->wire != NULL ? c->wire : malloc(DNS_MESSAGE_MAX);
		*c = (struct client){ .wire = room };
		if (room == NULL || !start_client(world, c, wire, len)) {
			snprintf(why, why_size, "out of memory");
			return false;
		}
	}
	run(world, 0);
	*out = (struct world_answer){ .took_ms = world->now_ms - begin };
	for (unsigned i = 0; i < query->clients; i++) {
		if (!world->clients[i].done) {
			snprintf(why, why_size, "a question without an answer");
			return false;
		}
		out->differ = out->differ || world->clients[i].len != c->len ||
			      memcmp(world->clients[i].wire, c->wire, c->len) != 0;
	}
	if (c != NULL) {
		out->wire = c->wire;
		out->len = c->len;
	}
	return true;
}

/* --- what was asked ------------------------------------------------------------------------------------ */

uint64_t world_packets(const struct world *world)
{
	return world->sent_count - world->sent_begin;
}

uint64_t world_counter(const struct world *world, unsigned counter)
{
	return world->counters[counter] - world->counters_begin[counter];
}

uint64_t world_asked(const struct world *world, const uint8_t *name, uint16_t type)
{
	uint64_t count = 0;
	for (size_t i = world->sent_begin; i < world->sent_count; i++) {
		struct query q;
		const struct sent *s = &world->sent[i];
		if (query_parse(s->wire, s->len, &q) == QUERY_OK && dname_equal(q.qname, name) &&
		    (type == RR_ANY || q.qtype == type)) {
			count++;
		}
	}
	return count;
}

bool world_sent_like(struct world *world, const struct scenario_entry *entry)
{
	for (size_t i = world->sent_begin; i < world->sent_count; i++) {
		struct message msg;
		const struct sent *s = &world->sent[i];
		region_reset(&world->scratch);
		if (message_parse(s->wire, s->len, &world->scratch, &msg) == BH_OK && matches(entry, &msg, s->tcp)) {
			return true;
		}
	}
	return false;
}
