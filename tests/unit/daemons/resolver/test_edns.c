/*
 * EDNS, cookies and TCP towards servers that do them badly or not at all. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/rand.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* What the only server of the world does. */
enum way {
	WAY_PLAIN_FORMERR,    /* FORMERR without OPT for EDNS */
	WAY_OPT_FORMERR,      /* FORMERR with OPT for EDNS */
	WAY_NOTIMP,
	WAY_BADVERS,
	WAY_COOKIE_FORMERR,   /* FORMERR for cookies, EDNS is fine */
	WAY_COOKIE_FORMERR_BARE, /* likewise, without question and OPT */
	WAY_ALWAYS_FORMERR,   /* whatever it is asked, with OPT when it came with one */
	WAY_PING_PONG,	      /* EDNS: FORMERR; without: BADVERS, which needs EDNS to be said */
	WAY_BADVERS_ALWAYS,
	WAY_BADCOOKIE_ALWAYS, /* with a new server cookie each time, over UDP */
	WAY_BADCOOKIE_TCP,    /* over TCP as well */
	WAY_BADCOOKIE_EMPTY,  /* without any cookie */
	WAY_DROPS_EDNS,
	WAY_COOKIES,	      /* a good server: BADCOOKIE for a wrong one */
	WAY_COOKIES_LOST,     /* knows cookies, but the reply has none: a forgery, or a brother */
	WAY_COOKIES_WRONG,    /* another client cookie */
	WAY_COOKIES_STATIC,   /* always the same one, over TCP as well */
	WAY_COUNT,
};

static enum way way;
static uint8_t server_cookie; /* octets of it */
static unsigned cookies_seen; /* queries with a client cookie */
static unsigned server_cookies_seen; /* ... and the server's */
static uint8_t first_cookie[8];

static int reply(const struct query *q, uint16_t rcode, bool opt, const uint8_t *cookie, size_t cookie_len,
		 bool answer, uint8_t *wire)
{
	static const uint8_t addr[4] = { 198, 51, 100, 1 };
	struct compose c;
	uint8_t option[64] = { 0, EDNS_OPTION_COOKIE, 0, (uint8_t)cookie_len };
	struct edns_reply edns = { .udp_size = 1232, .rcode = rcode, .ede = EDE_NONE };
	if (cookie_len > 0) {
		memcpy(option + 4, cookie, cookie_len);
		edns.options = option;
		edns.options_len = (uint16_t)(4 + cookie_len);
	}
	compose_begin(&c, wire, 1232, opt ? edns_size(&edns) : 0, q->id,
		      (uint16_t)(FLAG_QR | FLAG_AA | (rcode & FLAG_RCODE)), q->qname, q->qtype, q->qclass);
	if (answer && q->qtype == RR_A) {
		cr_assert_eq(compose_rr(&c, SECTION_ANSWER, q->qname, RR_A, CLASS_IN, 1, addr, 4), BH_OK);
	}
	return (int)compose_finish(&c, opt ? &edns : NULL);
}

static int fine(const struct query *q, uint8_t *wire)
{
	uint8_t cookie[40];
	memcpy(cookie, q->edns.cookie, 8);
	memset(cookie + 8, server_cookie, 16);
	return reply(q, RCODE_NOERROR, q->edns.present, cookie, q->edns.cookie_len > 0 ? 24 : 0, true, wire);
}

static int bad_cookie(const struct query *q, uint8_t *wire)
{
	uint8_t cookie[40];
	server_cookie++;
	memcpy(cookie, q->edns.cookie, 8);
	memset(cookie + 8, server_cookie, 16);
	return reply(q, RCODE_BADCOOKIE, true, cookie, 24, false, wire);
}

static bool good_cookie(const struct query *q)
{
	return q->edns.cookie_len == 24 && q->edns.cookie[8] == server_cookie;
}

static int hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	static const uint8_t strange[24] = "stranger";
	(void)sim;
	(void)server;
	if (q->edns.cookie_len > 0) {
		cookies_seen++;
		server_cookies_seen += q->edns.cookie_len > 8;
		memcpy(first_cookie, q->edns.cookie, 8);
	}
	switch (way) {
	case WAY_PLAIN_FORMERR:
		return q->edns.present ? reply(q, RCODE_FORMERR, false, NULL, 0, false, wire) : fine(q, wire);
	case WAY_OPT_FORMERR:
		return q->edns.present ? reply(q, RCODE_FORMERR, true, NULL, 0, false, wire) : fine(q, wire);
	case WAY_NOTIMP:
		return q->edns.present ? reply(q, RCODE_NOTIMP, false, NULL, 0, false, wire) : fine(q, wire);
	case WAY_BADVERS:
		return q->edns.present ? reply(q, RCODE_BADVERS, true, NULL, 0, false, wire) : fine(q, wire);
	case WAY_COOKIE_FORMERR:
		return q->edns.cookie_len > 0 ? reply(q, RCODE_FORMERR, true, NULL, 0, false, wire) : fine(q, wire);
	case WAY_COOKIE_FORMERR_BARE:
		if (q->edns.cookie_len > 0) {
			struct compose c;
			compose_begin(&c, wire, 512, 0, q->id, FLAG_QR | RCODE_FORMERR, NULL, 0, 0);
			return (int)compose_finish(&c, NULL);
		}
		return fine(q, wire);
	case WAY_ALWAYS_FORMERR:
		return reply(q, RCODE_FORMERR, q->edns.present, NULL, 0, false, wire);
	case WAY_PING_PONG:
		return q->edns.present ? reply(q, RCODE_FORMERR, false, NULL, 0, false, wire)
				       : reply(q, RCODE_BADVERS, true, NULL, 0, false, wire);
	case WAY_BADVERS_ALWAYS:
		return reply(q, RCODE_BADVERS, true, NULL, 0, false, wire);
	case WAY_BADCOOKIE_ALWAYS:
		return tcp ? fine(q, wire) : bad_cookie(q, wire);
	case WAY_BADCOOKIE_TCP:
		return bad_cookie(q, wire);
	case WAY_BADCOOKIE_EMPTY:
		return reply(q, RCODE_BADCOOKIE, true, NULL, 0, false, wire);
	case WAY_DROPS_EDNS:
		return q->edns.present ? 0 : fine(q, wire);
	case WAY_COOKIES:
		return tcp || good_cookie(q) || q->edns.cookie_len == 0 ? fine(q, wire) : bad_cookie(q, wire);
	case WAY_COOKIES_LOST:
		return reply(q, RCODE_NOERROR, true, NULL, 0, true, wire);
	case WAY_COOKIES_WRONG:
		return tcp ? fine(q, wire) : reply(q, RCODE_NOERROR, true, strange, 24, true, wire);
	case WAY_COOKIES_STATIC:
		return reply(q, RCODE_NOERROR, true, strange, 24, true, wire);
	case WAY_COUNT:
		break;
	}
	return 0;
}

/* The root zone is all there is, on one server. */
static struct sim *world(enum way how)
{
	struct sim *sim = sim_new();
	way = how;
	server_cookie = 1;
	cookies_seen = server_cookies_seen = 0;
	sim->config.options.use_cookies = true;
	sim->config.options.minimise = false;
	sim_configure(sim);
	sim_server(sim, "192.0.2.1")->hook = hook;
	return sim;
}

static struct sim_result ask(struct sim *sim)
{
	static unsigned n;
	char name[32];
	snprintf(name, sizeof(name), "n%u.", n++);
	return sim_ask(sim, name, RR_A);
}

/* What the first question costs in packets, and each one after it: what was learned is remembered. */
Test(edns, what_servers_make_of_it_is_bounded_and_remembered)
{
	static const struct {
		enum way way;
		uint16_t rcode;
		unsigned first;
		unsigned then;
		bool edns;    /* then */
		bool cookies; /* then */
		unsigned tcp; /* of the first */
	} cases[] = {
		{ WAY_PLAIN_FORMERR, RCODE_NOERROR, 3, 1, false, false, 0 },
		{ WAY_OPT_FORMERR, RCODE_NOERROR, 3, 1, false, false, 0 },
		{ WAY_NOTIMP, RCODE_NOERROR, 2, 1, false, false, 0 },
		{ WAY_BADVERS, RCODE_NOERROR, 2, 1, false, false, 0 },
		{ WAY_COOKIE_FORMERR, RCODE_NOERROR, 2, 1, true, false, 0 },
		{ WAY_COOKIE_FORMERR_BARE, RCODE_NOERROR, 2, 1, true, false, 0 },
		{ WAY_ALWAYS_FORMERR, RCODE_SERVFAIL, 3, 1, false, false, 0 },
		{ WAY_PING_PONG, RCODE_SERVFAIL, 3, 1, false, false, 0 },
		{ WAY_BADVERS_ALWAYS, RCODE_SERVFAIL, 2, 1, false, false, 0 },
		{ WAY_BADCOOKIE_ALWAYS, RCODE_NOERROR, 3, 3, true, true, 1 },
		{ WAY_BADCOOKIE_TCP, RCODE_SERVFAIL, 3, 2, true, true, 1 },
		{ WAY_BADCOOKIE_EMPTY, RCODE_SERVFAIL, 2, 2, true, true, 1 },
		{ WAY_DROPS_EDNS, RCODE_NOERROR, 3, 1, false, false, 0 },
		{ WAY_COOKIES, RCODE_NOERROR, 2, 1, true, true, 0 },
		{ WAY_COOKIES_LOST, RCODE_NOERROR, 1, 1, true, true, 0 },
		{ WAY_COOKIES_WRONG, RCODE_NOERROR, 2, 2, true, true, 1 },
		{ WAY_COOKIES_STATIC, RCODE_NOERROR, 2, 1, true, false, 1 },
	};
	cr_assert_eq(COUNT(cases), WAY_COUNT);
	for (unsigned i = 0; i < WAY_COUNT; i++) {
		struct sim *sim = world(cases[i].way);
		struct sim_result r = ask(sim);
		cr_assert_eq(r.rcode, cases[i].rcode, "case %u", i);
		cr_assert_eq(sim->asked_count, cases[i].first, "case %u: %u", i, sim->asked_count);
		cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], cases[i].tcp, "case %u", i);
		cr_assert_leq(r.packets, (unsigned)ASKS_PER_SERVER_MAX);
		sim_forget(sim);
		cookies_seen = 0;
		r = ask(sim);
		cr_assert_eq(r.rcode, cases[i].rcode, "case %u", i);
		cr_assert_eq(sim->asked_count, cases[i].then, "case %u: %u", i, sim->asked_count);
		cr_assert_eq(sim->asked[0].edns, cases[i].edns, "case %u", i);
		cr_assert_eq(cookies_seen > 0, cases[i].cookies, "case %u", i);
		sim_free(sim);
	}
}

/* Whatever a server answers, and in whatever order, one question costs at most ASKS_PER_SERVER_MAX. */
static int dice_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	way = (enum way)rand_below(WAY_COUNT);
	if (way == WAY_DROPS_EDNS) { /* silence is counted apart */
		way = WAY_ALWAYS_FORMERR;
	}
	int len = hook(sim, server, q, tcp, wire);
	if (rand_below(2) == 0) {
		servers_clear(sim->core->servers); /* others can push out what we know of this one */
	}
	if (rand_below(3) == 0) {
		wire[2] |= FLAG_TC >> 8;
	}
	return len;
}

Test(edns, no_mixture_of_faults_keeps_us_going)
{
	unsigned most = 0;
	for (unsigned i = 0; i < 3000; i++) {
		struct sim *sim = world(WAY_COOKIES);
		sim_server(sim, "192.0.2.1")->hook = dice_hook;
		for (unsigned k = 0; k < 3; k++) {
			struct sim_result r = ask(sim);
			cr_assert_leq(r.packets, (unsigned)ASKS_PER_SERVER_MAX);
			most = r.packets > most ? r.packets : most;
		}
		sim_free(sim);
	}
	cr_assert_geq(most, 4u, "the dice show something");
}

Test(edns, one_lost_packet_does_not_cost_a_server_its_edns)
{
	struct sim *sim = world(WAY_COOKIES);
	struct sim_server *server = sim_server(sim, "192.0.2.1");
	server->hook = NULL;
	server->flags = SIM_SILENT;
	struct sim_result r = ask(sim);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_eq(sim->asked_count, 3u, "two with EDNS, one without");
	cr_assert(sim->asked[0].edns && sim->asked[1].edns && !sim->asked[2].edns);
	sim_free(sim);

	sim = world(WAY_COOKIES);
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	sim_server(sim, "192.0.2.1")->hook = NULL;
	sim_server(sim, "192.0.2.1")->flags = SIM_SILENT;
	sim_forget(sim);
	(void)ask(sim);
	cr_assert_eq(sim->asked_count, 2u, "it spoke EDNS: no doubt of that");
	cr_assert(sim->asked[0].edns && sim->asked[1].edns);
	sim_free(sim);
}

/* Servers that drop EDNS are found out also when many questions are silent at the same time. */
Test(edns, many_silences_do_not_hide_the_reason)
{
	for (unsigned silences = 2; silences < 12; silences++) {
		struct sim *sim = world(WAY_DROPS_EDNS);
		for (unsigned i = 0; i < silences; i++) {
			servers_note_silence(sim->core->servers, &sim_server(sim, "192.0.2.1")->addr, 1000, sim->now_ms);
		}
		uint16_t rcode = RCODE_SERVFAIL;
		for (unsigned i = 0; i < 3 && rcode != RCODE_NOERROR; i++) {
			sim->now_ms += BACKOFF_MAX_MS;
			rcode = ask(sim).rcode;
		}
		cr_assert_eq(rcode, RCODE_NOERROR, "%u", silences);
		sim_free(sim);
	}
}

Test(edns, plain_probes_are_few_for_a_zone_of_many_silent_servers)
{
	struct sim *sim = sim_new();
	char text[4096] = ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n";
	for (unsigned i = 0; i < 6; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "dead. 60 NS n%u.dead.\n n%u.dead. 60 A 192.0.2.%u\n", i, i,
			 100 + i);
	}
	sim_zone(sim, "192.0.2.1", ".", text);
	struct sim_result r = sim_ask(sim, "x.dead.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	unsigned plain = 0;
	for (unsigned i = 0; i < sim->asked_count; i++) {
		plain += !sim->asked[i].edns;
	}
	cr_assert_leq(plain, (unsigned)PLAIN_PROBES_MAX);
	sim_free(sim);
}

Test(edns, a_server_with_cookies_cannot_be_forged_over_udp)
{
	struct sim *sim = world(WAY_COOKIES);
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	cr_assert_gt(server_cookies_seen, 0u, "its cookie comes back to it");
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 0u);
	/* From now on replies have none, over UDP. */
	way = WAY_COOKIES_LOST;
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u, "it was not believed");
	/* TCP said the same: so it is the server, and it is let off for a while. */
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u);
	sim->now_ms += COOKIE_NONE_SEC * UINT64_C(1000);
	way = WAY_COOKIES;
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	way = WAY_COOKIES_WRONG;
	cr_assert_eq(ask(sim).rcode, RCODE_NOERROR);
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 2u, "nor is the cookie of somebody else");
	sim_free(sim);
}

Test(edns, client_cookies_differ_between_servers_and_processes)
{
	struct siphash_key keys[2] = { { 1, 2 }, { 3, 4 } };
	struct server_facts facts = { .cookie_len = 0 };
	uint8_t seen[8][COOKIES_OPTION_MAX];
	unsigned count = 0;
	for (unsigned k = 0; k < 2; k++) {
		static const char *const texts[] = { "192.0.2.1@53", "192.0.2.1@5353", "192.0.2.2@53", "2001:db8::1@53" };
		for (unsigned i = 0; i < 4; i++) {
			struct addr addr;
			uint8_t again[COOKIES_OPTION_MAX];
			cr_assert_eq(addr_parse(texts[i], 53, &addr), BH_OK);
			cr_assert_eq(cookies_write(&keys[k], &addr, &facts, seen[count]), 12u);
			cr_assert_eq(cookies_write(&keys[k], &addr, &facts, again), 12u);
			cr_assert_eq(memcmp(seen[count], again, 12), 0, "the same each time");
			for (unsigned j = 0; j < count; j++) {
				cr_assert_neq(memcmp(seen[j] + 4, seen[count] + 4, 8), 0);
			}
			count++;
		}
	}
	struct sim *sim = world(WAY_COOKIES);
	(void)ask(sim);
	uint8_t before[8];
	memcpy(before, first_cookie, 8);
	sim_free(sim);
	sim = world(WAY_COOKIES);
	(void)ask(sim);
	cr_assert_neq(memcmp(before, first_cookie, 8), 0);
	sim_free(sim);
}

/* Every length of the option: 0..7, 9..15 and above 40 cannot be (RFC 7873 4). */
Test(edns, cookies_of_impossible_length_are_none)
{
	struct siphash_key key = { 5, 6 };
	struct server_facts facts = { .cookie_len = COOKIE_SERVER_MAX };
	struct addr addr;
	uint8_t bytes[64 + COOKIES_OPTION_MAX] = { 0 };
	cr_assert_eq(addr_parse("192.0.2.1", 53, &addr), BH_OK);
	cr_assert_eq(cookies_write(&key, &addr, &facts, bytes), (size_t)COOKIES_OPTION_MAX);
	for (size_t len = 0; len < 60; len++) {
		const uint8_t *cookie;
		size_t cookie_len;
		struct message msg = { .cookie = bytes + 4, .cookie_len = len };
		bool may_be = len == 8 || (len >= 16 && len <= 40);
		cr_assert_eq(cookies_judge(&key, &addr, &msg, &cookie, &cookie_len),
			     may_be ? COOKIES_RIGHT : COOKIES_NONE, "%zu", len);
		cr_assert_eq(cookie_len, may_be ? len - 8 : 0);
	}
}

Test(edns, tcp_that_is_closed_at_once_ends_soon)
{
	struct sim *sim = world(WAY_COOKIES);
	sim_server(sim, "192.0.2.1")->hook = NULL;
	sim_server(sim, "192.0.2.1")->flags = SIM_TRUNCATES | SIM_NO_TCP;
	struct sim_result r = ask(sim);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_leq(r.packets, 3u);
	cr_assert_leq(r.took_ms, 100u);
	sim_free(sim);
}
