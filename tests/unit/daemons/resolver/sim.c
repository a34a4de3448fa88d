/*
 * The made-up Internet. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"
#include "tests/unit/daemons/resolver/sim_sign.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/util/rand.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 256

static uint32_t sim_rand(void *ctx, uint32_t bound)
{
	(void)ctx;
	return rand_below(bound);
}

struct sim *sim_new(void)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	cr_assert_not_null(sim);
	sim->records = calloc(SIM_RECORDS_MAX, sizeof(*sim->records));
	sim->asked = calloc(SIM_ASKED_MAX, sizeof(*sim->asked));
	sim->dnssec = dnssec_new();
	sim->hasher = nsec3_hasher_new();
	cr_assert(sim->dnssec != NULL && sim->hasher != NULL);
	struct core_tools tools = { .rand_fn = sim_rand, .dnssec = sim->dnssec, .hasher = sim->hasher,
				    .counters = sim->counters };
	sim->core = core_new(1 << 20, &tools);
	cr_assert(sim->records != NULL && sim->asked != NULL && sim->core != NULL);
	sim->now_ms = 1000000;
	cr_assert_gt(dname_from_text("a.root.", sim->root.name), 0);
	sim->root.count = 1;
	cr_assert_eq(addr_parse("192.0.2.1", 53, &sim->root.addrs[0]), BH_OK);
	sim->config = (struct core_config){
		.options = { .ipv4 = true, .ipv6 = true, .max_ttl_sec = TTL_ANSWER_USUAL,
			     .max_negative_ttl_sec = TTL_NEGATIVE_USUAL, .use_0x20 = true, .minimise = true,
			     .special_names = true, .dnssec = true },
		.cache_bytes = 1 << 20, .roots = &sim->root, .root_count = 1,
	};
	sim_configure(sim);
	return sim;
}

void sim_configure(struct sim *sim)
{
	cr_assert_eq(core_configure(sim->core, &sim->config), BH_OK);
}

void sim_free(struct sim *sim)
{
	core_free(sim->core);
	dnssec_free(sim->dnssec);
	nsec3_hasher_free(sim->hasher);
	free(sim->records);
	free(sim->asked);
	free(sim);
}

struct sim_server *sim_server(struct sim *sim, const char *addr)
{
	struct addr a;
	cr_assert_eq(addr_parse(addr, 53, &a), BH_OK, "%s", addr);
	for (unsigned i = 0; i < sim->server_count; i++) {
		if (addr_equal(&sim->servers[i].addr, &a)) {
			return &sim->servers[i];
		}
	}
	cr_assert_lt(sim->server_count, SIM_SERVERS_MAX);
	struct sim_server *server = &sim->servers[sim->server_count++];
	*server = (struct sim_server){ .addr = a, .rtt_ms = 10 };
	return server;
}

void sim_name(const char *text, uint8_t out[DNAME_MAX])
{
	cr_assert_gt(dname_from_text(text, out), 0, "%s", text);
}

uint16_t sim_rdata(uint16_t type, const char *text, uint8_t *out)
{
	int len = 0;
	switch (type) {
	case RR_A:
		cr_assert_eq(inet_pton(AF_INET, text, out), 1, "%s", text);
		return 4;
	case RR_AAAA:
		cr_assert_eq(inet_pton(AF_INET6, text, out), 1, "%s", text);
		return 16;
	case RR_TXT:
		out[0] = (uint8_t)strlen(text);
		memcpy(out + 1, text, out[0]);
		return (uint16_t)(out[0] + 1);
	case RR_DS:
		memset(out, 1, 36);
		return 36;
	default:
		len = dname_from_text(text, out);
		cr_assert_gt(len, 0, "%s", text);
		return (uint16_t)len;
	}
}

struct sim_record *sim_add(struct sim *sim, unsigned server, const uint8_t *zone, const uint8_t *owner, uint32_t ttl,
			   uint16_t type)
{
	cr_assert_lt(sim->record_count, SIM_RECORDS_MAX);
	struct sim_record *rr = &sim->records[sim->record_count++];
	rr->server = server;
	memcpy(rr->zone, zone, dname_len(zone));
	memcpy(rr->owner, owner, dname_len(owner));
	rr->ttl = ttl;
	rr->type = type;
	return rr;
}

void sim_zone(struct sim *sim, const char *addr, const char *zone, const char *text)
{
	struct sim_server *server = sim_server(sim, addr);
	unsigned index = (unsigned)(server - sim->servers);
	uint8_t apex[DNAME_MAX];
	cr_assert_gt(dname_from_text(zone, apex), 0);
	server->zones[server->zone_count++] = zone;

	struct sim_record *soa = sim_add(sim, index, apex, apex, 300, RR_SOA);
	size_t len = dname_len(apex);
	memcpy(soa->rdata, apex, len);
	memcpy(soa->rdata + len, apex, len);
	memset(soa->rdata + 2 * len, 0, 20);
	put_u32(soa->rdata + 2 * len + 16, 300);
	soa->rdata_len = (uint16_t)(2 * len + 20);

	while (*text != '\0') {
		char owner[256];
		char type_text[16];
		char rdata[256];
		unsigned ttl;
		int used = 0;
		cr_assert_eq(sscanf(text, " %255s %u %15s %255[^\n]%n", owner, &ttl, type_text, rdata, &used), 4,
			     "%s", text);
		uint16_t type;
		cr_assert_eq(rr_type_parse(type_text, &type), BH_OK);
		uint8_t name[DNAME_MAX];
		sim_name(owner, name);
		struct sim_record *rr = sim_add(sim, index, apex, name, ttl, type);
		rr->rdata_len = sim_rdata(type, rdata, rr->rdata);
		text += used;
		text += strspn(text, " \t\n");
	}
}

/* parent: DS are looked for in the zone above. */
static bool zone_from(struct sim *sim, unsigned server, const struct query *q, bool parent, uint8_t *zone)
{
	bool found = false;
	unsigned best = 0;
	for (unsigned i = 0; i < sim->record_count; i++) {
		const struct sim_record *rr = &sim->records[i];
		if (rr->server != server || rr->type != RR_SOA || !dname_is_under(q->qname, rr->zone)) {
			continue;
		}
		unsigned labels = dname_label_count(rr->zone);
		bool parent_side = parent && dname_equal(rr->zone, q->qname) && labels > 0;
		if (!parent_side && (!found || labels >= best)) {
			found = true;
			best = labels;
			memcpy(zone, rr->zone, dname_len(rr->zone));
		}
	}
	return found;
}

/* RFC 4035 3.1.4.1: DS are answered by the parent. Who has only the child says that it has none. */
static bool zone_at(struct sim *sim, unsigned server, const struct query *q, uint8_t *zone)
{
	return zone_from(sim, server, q, q->qtype == RR_DS, zone) ||
	       (q->qtype == RR_DS && zone_from(sim, server, q, false, zone));
}

static const struct sim_signed *signing_of(const struct sim_serve *s)
{
	for (unsigned i = 0; i < s->sim->signed_count; i++) {
		const struct sim_signed *how = &s->sim->zones[i];
		if (how->server == s->server && dname_equal(how->zone, s->zone)) {
			return how;
		}
	}
	return NULL;
}

static bool is_at(const struct sim_serve *s, const struct sim_record *rr, const uint8_t *owner)
{
	return rr->server == s->server && dname_equal(rr->zone, s->zone) && dname_equal(rr->owner, owner);
}

static void put_record(struct sim_serve *s, enum section section, const uint8_t *name, const struct sim_record *rr)
{
	cr_assert_eq(compose_rr(&s->c, section, name, rr->type, CLASS_IN, rr->ttl, rr->rdata, rr->rdata_len), BH_OK);
}

/* Records of `owner` in the name of `name`, or as they stand (NULL). */
static unsigned put_as(struct sim_serve *s, enum section section, const uint8_t *name, const uint8_t *owner,
		       uint16_t type)
{
	unsigned count = 0;
	for (unsigned i = 0; i < s->sim->record_count; i++) {
		const struct sim_record *rr = &s->sim->records[i];
		if (rr->type == type && is_at(s, rr, owner)) {
			put_record(s, section, name == NULL ? rr->owner : name, rr);
			count++;
		}
	}
	for (unsigned i = 0; count > 0 && s->how != NULL && i < s->sim->record_count; i++) {
		const struct sim_record *rr = &s->sim->records[i];
		if (rr->type == RR_RRSIG && get_u16(rr->rdata) == type && is_at(s, rr, owner)) {
			put_record(s, section, name == NULL ? rr->owner : name, rr);
		}
	}
	return count;
}

unsigned sim_put(struct sim_serve *s, enum section section, const uint8_t *owner, uint16_t type)
{
	return put_as(s, section, NULL, owner, type);
}

/* NSEC3 are there for what they deny (RFC 5155 7.2.8). */
static bool is_nsec3(const struct sim_record *rr)
{
	return rr->type == RR_NSEC3 || (rr->type == RR_RRSIG && get_u16(rr->rdata) == RR_NSEC3);
}

bool sim_exists(const struct sim_serve *s, const uint8_t *name, bool ent)
{
	for (unsigned i = 0; i < s->sim->record_count; i++) {
		const struct sim_record *rr = &s->sim->records[i];
		if (rr->server == s->server && dname_equal(rr->zone, s->zone) && !is_nsec3(rr) &&
		    (ent ? dname_is_under(rr->owner, name) : dname_equal(rr->owner, name))) {
			return true;
		}
	}
	return false;
}

/* Referral when a cut lies between the zone and the name; glue from the zone. */
static bool refer(struct sim_serve *s, const struct query *q)
{
	unsigned labels = dname_label_count(q->qname);
	for (unsigned n = dname_label_count(s->zone) + 1; n <= labels; n++) {
		const uint8_t *owner = dname_skip_labels(q->qname, labels - n);
		if (q->qtype == RR_DS && n == labels) {
			continue;
		}
		if (sim_put(s, SECTION_AUTHORITY, owner, RR_NS) == 0) {
			continue;
		}
		if (s->how != NULL && sim_put(s, SECTION_AUTHORITY, owner, RR_DS) == 0) {
			sim_prove_no_ds(s, owner);
		}
		for (unsigned i = 0; i < s->sim->record_count; i++) {
			const struct sim_record *rr = &s->sim->records[i];
			if (rr->server == s->server && rr->type == RR_NS && dname_equal(rr->owner, owner) &&
			    dname_equal(rr->zone, s->zone)) {
				(void)sim_put(s, SECTION_ADDITIONAL, rr->rdata, RR_A);
				(void)sim_put(s, SECTION_ADDITIONAL, rr->rdata, RR_AAAA);
			}
		}
		compose_flags(&s->c, FLAG_AA, 0);
		return true;
	}
	return false;
}

/* RFC 4592 3.3.1: the wildcard below the closest encloser, if there is one; an answer or none of that type. */
static bool from_wildcard(struct sim_serve *s, const struct query *q)
{
	const uint8_t *encloser = q->qname;
	while (!sim_exists(s, encloser, true)) {
		encloser = dname_parent(encloser);
	}
	uint8_t wildcard[2 + DNAME_MAX] = { 1, '*' };
	memcpy(wildcard + 2, encloser, dname_len(encloser));
	if (dname_equal(encloser, q->qname) || !sim_exists(s, wildcard, false)) {
		return false;
	}
	if (put_as(s, SECTION_ANSWER, q->qname, wildcard, q->qtype) > 0 ||
	    put_as(s, SECTION_ANSWER, q->qname, wildcard, RR_CNAME) > 0) {
		if (s->how != NULL) {
			sim_prove_wildcard(s, q->qname);
		}
		return true;
	}
	(void)sim_put(s, SECTION_AUTHORITY, s->zone, RR_SOA);
	if (s->how != NULL) {
		sim_prove_wildcard_nodata(s, q->qname);
	}
	return true;
}

static void answer(struct sim_serve *s, const struct query *q, unsigned flags)
{
	if (refer(s, q)) {
		return;
	}
	for (const uint8_t *up = q->qname; !dname_equal(up, s->zone); ) {
		up = dname_parent(up);
		if (sim_put(s, SECTION_ANSWER, up, RR_DNAME) > 0) {
			return; /* no CNAME made here: the resolver must do it */
		}
	}
	if (sim_put(s, SECTION_ANSWER, q->qname, q->qtype) > 0 || sim_put(s, SECTION_ANSWER, q->qname, RR_CNAME) > 0) {
		if (q->qtype == RR_NS && dname_is_root(q->qname)) {
			for (unsigned i = 0; i < s->sim->record_count; i++) {
				const struct sim_record *rr = &s->sim->records[i];
				if (rr->server == s->server && rr->type == RR_A) {
					(void)sim_put(s, SECTION_ADDITIONAL, rr->owner, RR_A);
				}
			}
		}
		return;
	}
	bool is_there = sim_exists(s, q->qname, (flags & SIM_NO_ENT) == 0);
	if (!is_there && from_wildcard(s, q)) {
		return;
	}
	(void)sim_put(s, SECTION_AUTHORITY, s->zone, RR_SOA);
	if (!is_there) {
		compose_flags(&s->c, FLAG_RCODE, RCODE_NXDOMAIN);
	}
	if (s->how != NULL) {
		is_there ? sim_prove_nodata(s, q->qname) : sim_prove_nxdomain(s, q->qname);
	}
}

int sim_usual(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	unsigned flags = server->flags;
	struct sim_serve s = { .sim = sim, .server = (unsigned)(server - sim->servers) };
	uint8_t qname[DNAME_MAX];
	memcpy(qname, q->qname, q->qname_len);
	if ((flags & SIM_LOWER_CASE) != 0) {
		(void)dname_copy_lower(qname, qname);
	}
	if ((flags & SIM_SILENT) != 0 || ((flags & SIM_DROPS_EDNS) != 0 && q->edns.present)) {
		return 0;
	}
	if ((flags & SIM_NO_EDNS) != 0 && q->edns.present) {
		compose_begin(&s.c, wire, 512, 0, q->id, FLAG_QR | RCODE_FORMERR, NULL, 0, 0);
		return (int)compose_finish(&s.c, NULL);
	}
	struct edns_reply edns = { .udp_size = 1232, .do_bit = q->edns.do_bit, .ede = EDE_NONE };
	const struct edns_reply *opt = q->edns.present ? &edns : NULL;
	compose_begin(&s.c, wire, 60000, opt != NULL ? edns_size(opt) : 0, q->id,
		      (uint16_t)(FLAG_QR | FLAG_AA), qname, q->qtype, q->qclass);
	if ((flags & SIM_TRUNCATES) != 0 && !tcp) {
		compose_flags(&s.c, 0, FLAG_TC);
	} else if ((flags & (SIM_REFUSED | SIM_SERVFAIL)) != 0 || !zone_at(sim, s.server, q, s.zone) ||
		   ((flags & SIM_NO_MINIMISED) != 0 && q->qtype == RR_A && !sim_exists(&s, q->qname, false))) {
		edns.rcode = (flags & SIM_SERVFAIL) != 0 ? RCODE_SERVFAIL : RCODE_REFUSED;
		compose_flags(&s.c, FLAG_AA, edns.rcode);
	} else if ((flags & SIM_UPWARD) != 0) {
		static const uint8_t root[1];
		static const uint8_t ns[] = "\001a\004root";
		compose_flags(&s.c, FLAG_AA, 0);
		cr_assert_eq(compose_rr(&s.c, SECTION_AUTHORITY, root, RR_NS, CLASS_IN, 3600, ns, sizeof(ns)), BH_OK);
	} else {
		s.how = q->edns.do_bit ? signing_of(&s) : NULL;
		answer(&s, q, flags);
		edns.rcode = get_u16(wire + 2) & FLAG_RCODE;
		if ((flags & (SIM_NO_AA | SIM_CACHE)) != 0) {
			compose_flags(&s.c, FLAG_AA, (flags & SIM_CACHE) != 0 ? FLAG_RA : 0);
		}
	}
	return (int)compose_finish(&s.c, opt);
}

/* --- the clock ---------------------------------------------------------------------------------------- */

struct pending {
	struct upstream *u;
	uint64_t at_ms;
	int len; /* 0: time-out; -1: failure */
	uint8_t *wire;
};

static void send_one(struct sim *sim, struct upstream *u, struct pending *p)
{
	struct query q;
	uint8_t *wire = malloc(65535);
	cr_assert_not_null(wire);
	cr_assert_eq(query_parse(u->wire, u->wire_len, &q), QUERY_OK);
	cr_assert_lt(sim->asked_count, SIM_ASKED_MAX);
	struct sim_asked *asked = &sim->asked[sim->asked_count++];
	uint8_t lower[DNAME_MAX];
	(void)dname_copy_lower(lower, q.qname);
	(void)dname_text(lower, asked->name);
	asked->server = u->server;
	asked->type = q.qtype;
	asked->tcp = u->tcp;
	asked->edns = q.edns.present;

	struct sim_server *server = NULL;
	for (unsigned i = 0; i < sim->server_count; i++) {
		if (addr_equal(&sim->servers[i].addr, &u->server)) {
			server = &sim->servers[i];
		}
	}
	*p = (struct pending){ .u = u, .at_ms = sim->now_ms + u->timeout_ms, .wire = wire };
	if (server == NULL) {
		return;
	}
	server->asked++;
	if ((server->flags & SIM_NO_ROUTE) != 0 || ((server->flags & SIM_NO_TCP) != 0 && u->tcp)) {
		p->len = -1;
		p->at_ms = sim->now_ms;
		return;
	}
	int len = server->hook == NULL ? -1 : server->hook(sim, server, &q, u->tcp, wire);
	if (len < 0) {
		len = sim_usual(sim, server, &q, u->tcp, wire);
	}
	if (len > 0 && server->rtt_ms < u->timeout_ms) {
		p->len = len;
		p->at_ms = sim->now_ms + server->rtt_ms;
	}
}

static void happen(struct sim *sim, struct pending *p)
{
	sim->now_ms = p->at_ms > sim->now_ms ? p->at_ms : sim->now_ms;
	if (p->len == 0) {
		core_timeout(sim->core, p->u, sim->now_ms);
	} else if (p->len < 0) {
		core_failed(sim->core, p->u, p->u->tcp ? UPSTREAM_CLOSED : UPSTREAM_NO_ROUTE, sim->now_ms);
	} else if (!core_reply(sim->core, p->u, p->wire, (size_t)p->len, sim->now_ms)) {
		p->at_ms += p->u->timeout_ms; /* ignored: now it waits in vain */
		p->len = 0;
		return;
	}
	free(p->wire);
	p->u = NULL;
}

static void run(struct sim *sim)
{
	static struct pending pending[PENDING_MAX];
	unsigned count = 0;
	for (;;) {
		struct upstream *u;
		while ((u = core_next_send(sim->core)) != NULL) {
			cr_assert_lt(count, PENDING_MAX);
			send_one(sim, u, &pending[count++]);
		}
		if (count == 0) {
			return;
		}
		unsigned first = 0;
		for (unsigned i = 1; i < count; i++) {
			first = pending[i].at_ms < pending[first].at_ms ? i : first;
		}
		if (core_next_wake(sim->core) <= pending[first].at_ms) {
			sim->now_ms = core_next_wake(sim->core);
			core_wake(sim->core, sim->now_ms);
			struct resolution *early = core_next_done(sim->core);
			if (early != NULL) { /* the one that was asked for: the others go on */
				sim->early = early;
				sim->early_ms = sim->now_ms;
			}
			continue;
		}
		happen(sim, &pending[first]);
		if (pending[first].u == NULL) {
			pending[first] = pending[--count];
		}
	}
}

static void print_set(char *out, size_t size, const struct rrset *set)
{
	char owner[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	for (unsigned i = 0; i < set->count; i++) {
		char text[DNAME_TEXT_MAX] = "...";
		uint16_t len;
		const uint8_t *rdata = rrset_rdata(set, i, &len);
		if (set->type == RR_A || set->type == RR_AAAA) {
			inet_ntop(set->type == RR_A ? AF_INET : AF_INET6, rdata, text, sizeof(text));
		} else if (set->type == RR_NS || set->type == RR_CNAME || set->type == RR_PTR ||
			   set->type == RR_DNAME) {
			(void)dname_text(rdata, text);
		}
		size_t used = strlen(out);
		snprintf(out + used, size - used, "%s %u %s %s\n", dname_text(set->owner, owner),
			 (unsigned)set->ttl, rr_type_text(set->type, type), text);
	}
}

static struct sim_result ask(struct sim *sim, const char *name, uint16_t type, uint32_t budget, bool refresh)
{
	static struct sim_result result;
	uint8_t wire[DNAME_MAX];
	uint64_t start = sim->now_ms;
	cr_assert_gt(dname_from_text(name, wire), 0);
	struct core_question question = { .name = wire, .type = type, .cd = sim->cd, .refresh = refresh, .fresh = sim->fresh,
					  .budget = budget };
	cr_assert_not_null(core_start(sim->core, &question, sim, sim->now_ms));
	run(sim);
	struct resolution *r = sim->early != NULL ? sim->early : core_next_done(sim->core);
	uint64_t end_ms = sim->early != NULL ? sim->early_ms : sim->now_ms;
	sim->early = NULL;
	cr_assert_not_null(r, "every question is answered");
	cr_assert_eq(r->ctx, sim);
	memset(&result, 0, sizeof(result));
	result.rcode = r->rcode;
	result.ede = r->ede;
	result.secure = r->secure;
	result.checks = SIGNATURE_CHECKS_MAX - r->checks;
	result.hashes = NSEC3_HASHES_MAX - r->hashes;
	result.packets = r->packets;
	result.lookups = r->lookups;
	result.budget = r->budget;
	result.took_ms = end_ms - start;
	for (const struct rrset *set = r->records; set != NULL; set = set->next) {
		if (set->section == SECTION_ANSWER) {
			print_set(result.answer, sizeof(result.answer), set);
		} else {
			print_set(result.authority, sizeof(result.authority), set);
		}
	}
	core_release(r);
	cr_assert_null(core_next_done(sim->core));
	return result;
}

struct sim_result sim_ask_budget(struct sim *sim, const char *name, uint16_t type, uint32_t budget)
{
	return ask(sim, name, type, budget, false);
}

struct sim_result sim_refresh(struct sim *sim, const char *name, uint16_t type)
{
	return ask(sim, name, type, 250, true);
}

struct sim_result sim_ask(struct sim *sim, const char *name, uint16_t type)
{
	return sim_ask_budget(sim, name, type, 250);
}

unsigned sim_asked(const struct sim *sim, const char *name, uint16_t type)
{
	unsigned count = 0;
	for (unsigned i = 0; i < sim->asked_count; i++) {
		if (strcmp(sim->asked[i].name, name) == 0 && (type == 0 || sim->asked[i].type == type)) {
			count++;
		}
	}
	return count;
}

void sim_forget(struct sim *sim)
{
	sim->asked_count = 0;
	for (unsigned i = 0; i < sim->server_count; i++) {
		sim->servers[i].asked = 0;
	}
}
