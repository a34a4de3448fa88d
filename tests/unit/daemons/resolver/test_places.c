/*
 * Where questions go: stubs, special names, families, priming, DS, ANY, flush, choice of servers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "daemons/resolver/hints.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct sim *internet(void)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".",
		 ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "ns.com. 86400 AAAA 2001:db8::2\n");
	static const char com[] = "com. 86400 NS ns.com.\n sub.com. 600 NS ns.sub.com.\n ns.sub.com. 600 A 192.0.2.3\n"
				  "sub.com. 600 DS x\n www.com. 60 A 198.51.100.1\n";
	sim_zone(sim, "192.0.2.2", "com.", com);
	sim_zone(sim, "2001:db8::2", "com.", com);
	sim_zone(sim, "192.0.2.3", "sub.com.", "sub.com. 600 NS ns.sub.com.\n www.sub.com. 60 A 198.51.100.2\n");
	return sim;
}

static void set_stub(struct sim *sim, struct ipc_servers *stub, const char *zone, const char *addr)
{
	memset(stub, 0, sizeof(*stub));
	cr_assert_gt(dname_from_text(zone, stub->name), 0);
	stub->count = 1;
	cr_assert_eq(addr_parse(addr, 0, &stub->addrs[0]), BH_OK);
	sim->config.stubs = stub;
	sim->config.stub_count = 1;
	sim_configure(sim);
}

Test(places, stub_wins_over_root_cache_and_special_names)
{
	static const char *const zones[] = { "com.", "internal.", "10.in-addr.arpa.", "sub.com." };
	for (unsigned i = 0; i < 4; i++) {
		struct sim *sim = internet();
		struct ipc_servers stub;
		char text[128];
		char name[128];
		snprintf(name, sizeof(name), "www.%s", zones[i]);
		(void)sim_ask(sim, name, RR_A); /* fills the cache from elsewhere */
		snprintf(text, sizeof(text), "www.%s 60 A 10.0.0.1\n", zones[i]);
		sim_zone(sim, "127.0.0.1@5300", zones[i], text);
		set_stub(sim, &stub, zones[i], "127.0.0.1@5300");
		sim_forget(sim);
		struct sim_result r = sim_ask(sim, name, RR_A);
		cr_assert_eq(r.rcode, RCODE_NOERROR, "%s", zones[i]);
		cr_assert(strstr(r.answer, "10.0.0.1") != NULL, "%s", r.answer);
		cr_assert_eq(sim->asked_count, 1u);
		sim_free(sim);
	}
}

Test(places, ds_of_a_stub_zone_does_not_leave)
{
	struct sim *sim = internet();
	struct ipc_servers stub;
	sim_zone(sim, "10.0.0.53", "corp.internal.", "a.corp.internal. 60 A 10.0.0.1\n");
	set_stub(sim, &stub, "corp.internal.", "10.0.0.53");
	(void)sim_ask(sim, "corp.internal.", RR_DS);
	(void)sim_ask(sim, "a.corp.internal.", RR_DS);
	cr_assert_eq(sim->servers[0].asked, 0u);
	sim_free(sim);
}

Test(places, hints_with_ports_are_not_primed)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "127.61.0.1@5301", ".", ". 86400 NS a.root.\n a.root. 86400 A 127.61.0.1\n x. 60 TXT t\n");
	cr_assert_eq(addr_parse("127.61.0.1@5301", 53, &sim->root.addrs[0]), BH_OK);
	sim->config.options.prime_root = true;
	sim_configure(sim);
	cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_asked(sim, ".", RR_NS), 0u);
	sim->now_ms += 61000;
	cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_NOERROR);
	sim_free(sim);
}

Test(places, stub_servers_speak_for_their_zone_only)
{
	struct sim *sim = internet();
	struct ipc_servers stub;
	sim_zone(sim, "10.0.0.53", "corp.test.", "a.corp.test. 60 CNAME www.com.\n");
	set_stub(sim, &stub, "corp.test.", "10.0.0.53");
	struct sim_result r = sim_ask(sim, "a.corp.test.", RR_A);
	cr_assert(strstr(r.answer, "198.51.100.1") != NULL, "the alias goes out: %s", r.answer);
	cr_assert_eq(sim_server(sim, "10.0.0.53")->asked, 1u);
	sim_free(sim);
}

Test(places, public_delegations_do_not_reach_into_stubs)
{
	struct sim *sim = internet();
	struct ipc_servers stub;
	sim->config.options.ipv6 = false;
	sim_zone(sim, "192.0.2.2", "com.", "bad.com. 60 NS host.corp.test.\n");
	sim_zone(sim, "10.0.0.53", "corp.test.", "host.corp.test. 60 A 10.0.0.9\n");
	set_stub(sim, &stub, "corp.test.", "10.0.0.53");
	struct sim_result r = sim_ask(sim, "x.bad.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_eq(sim_server(sim, "10.0.0.53")->asked, 0u);
	sim_free(sim);
}

Test(places, loopback_servers_only_where_the_operator_has_them)
{
	for (unsigned allowed = 0; allowed < 2; allowed++) {
		struct sim *sim = internet();
		struct ipc_servers stub;
		sim->config.options.ipv6 = false;
		sim_configure(sim);
		sim_zone(sim, "192.0.2.2", "com.", "lo.com. 600 NS ns.lo.com.\n ns.lo.com. 600 A 127.61.0.9\n");
		sim_zone(sim, "127.61.0.9", "lo.com.", "www.lo.com. 60 A 198.51.100.3\n");
		if (allowed) {
			set_stub(sim, &stub, "corp.test.", "127.0.0.1");
		}
		struct sim_result r = sim_ask(sim, "www.lo.com.", RR_A);
		cr_assert_eq(r.rcode, allowed ? RCODE_NOERROR : RCODE_SERVFAIL);
		sim_free(sim);
	}
}

Test(places, special_names_never_leave)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint16_t rcode;
		const char *answer;
	} cases[] = {
		{ "localhost.", RR_A, RCODE_NOERROR, "localhost. 10800 A 127.0.0.1\n" },
		{ "x.LOCALHOST.", RR_AAAA, RCODE_NOERROR, "x.LOCALHOST. 10800 AAAA ::1\n" },
		{ "localhost.", RR_MX, RCODE_NOERROR, "" },
		{ "printer.local.", RR_A, RCODE_NXDOMAIN, "" },
		{ "a.b.internal.", RR_A, RCODE_NXDOMAIN, "" },
		{ "internal.", RR_A, RCODE_NOERROR, "" },
		{ "home.arpa.", RR_NS, RCODE_NOERROR, "home.arpa. 10800 NS home.arpa.\n" },
		{ "tv.home.arpa.", RR_A, RCODE_NXDOMAIN, "" },
		{ "abc.onion.", RR_A, RCODE_NXDOMAIN, "" },
		{ "x.alt.", RR_A, RCODE_NXDOMAIN, "" },
		{ "x.test.", RR_A, RCODE_NXDOMAIN, "" },
		{ "x.invalid.", RR_A, RCODE_NXDOMAIN, "" },
		{ "1.0.0.127.in-addr.arpa.", RR_PTR, RCODE_NOERROR, "1.0.0.127.in-addr.arpa. 10800 PTR localhost.\n" },
		{ "0.0.127.in-addr.arpa.", RR_PTR, RCODE_NOERROR, "" },
		{ "2.0.0.127.in-addr.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "1.2.3.10.in-addr.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "1.2.16.172.in-addr.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "1.2.31.172.in-addr.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "1.2.127.100.in-addr.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "d.f.ip6.arpa.", RR_SOA, RCODE_NOERROR, "d.f.ip6.arpa. 10800 SOA ...\n" },
		{ "1.d.f.ip6.arpa.", RR_PTR, RCODE_NXDOMAIN, "" },
		{ "_dns.resolver.arpa.", RR_SVCB, RCODE_NXDOMAIN, "" },
	};
	struct sim *sim = internet();
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim_result r = sim_ask(sim, cases[i].name, cases[i].type);
		cr_assert_eq(r.rcode, cases[i].rcode, "%s", cases[i].name);
		cr_assert_str_eq(r.answer, cases[i].answer, "%s", cases[i].name);
		cr_assert(cases[i].answer[0] != '\0' || strstr(r.authority, "SOA") != NULL, "%s", cases[i].name);
	}
	cr_assert_eq(sim->asked_count, 0u);
	static const char *const ordinary[] = { "15.172.in-addr.arpa.", "32.172.in-addr.arpa.", "63.100.in-addr.arpa.",
						"016.172.in-addr.arpa.", "example.", "localhost.com.", "11.in-addr.arpa." };
	for (unsigned i = 0; i < COUNT(ordinary); i++) {
		sim_forget(sim);
		(void)cache_flush_all(sim->core->cache);
		(void)sim_ask(sim, ordinary[i], RR_PTR);
		cr_assert_gt(sim->asked_count, 0u, "%s", ordinary[i]);
	}
	(void)cache_flush_all(sim->core->cache);
	sim_forget(sim);
	(void)sim_ask(sim, "home.arpa.", RR_DS); /* RFC 8375: so that validators see that it is not signed */
	cr_assert_gt(sim->asked_count, 0u);
	sim_free(sim);
}

Test(places, families_that_are_off_or_without_route)
{
	struct sim *sim = internet();
	sim->config.options.ipv6 = false;
	sim_configure(sim);
	for (unsigned i = 0; i < 20; i++) {
		(void)cache_flush_all(sim->core->cache);
		cr_assert_eq(sim_ask(sim, "www.com.", RR_A).rcode, RCODE_NOERROR);
	}
	cr_assert_eq(sim_server(sim, "2001:db8::2")->asked, 0u);
	sim_free(sim);

	sim = internet();
	sim_server(sim, "2001:db8::2")->flags = SIM_NO_ROUTE;
	for (unsigned i = 0; i < 20; i++) {
		(void)cache_flush_all(sim->core->cache);
		struct sim_result r = sim_ask(sim, "www.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_NOERROR);
		cr_assert_leq(r.took_ms, 100u);
	}
	cr_assert_leq(sim_server(sim, "2001:db8::2")->asked, 2u);
	sim_free(sim);
}

Test(places, the_fast_server_is_preferred_and_the_slow_one_not_forgotten)
{
	struct sim *sim = internet();
	sim_server(sim, "2001:db8::2")->rtt_ms = 200;
	for (unsigned i = 0; i < 200; i++) {
		(void)cache_flush_all(sim->core->cache);
		(void)sim_ask(sim, "www.com.", RR_A);
	}
	unsigned slow = sim_server(sim, "2001:db8::2")->asked;
	unsigned fast = sim_server(sim, "192.0.2.2")->asked;
	cr_assert_gt(fast, 5 * slow, "%u %u", fast, slow);
	cr_assert_gt(slow, 0u);
	sim_free(sim);
}

Test(places, ds_is_asked_at_the_parent)
{
	struct sim *sim = internet();
	(void)sim_ask(sim, "www.sub.com.", RR_A);
	sim_forget(sim);
	struct sim_result r = sim_ask(sim, "sub.com.", RR_DS);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "sub.com. 600 DS ...\n");
	cr_assert_eq(sim_server(sim, "192.0.2.3")->asked, 0u);
	sim_free(sim);
}

Test(places, any_is_answered_from_what_is_at_hand)
{
	struct sim *sim = internet();
	struct sim_result r = sim_ask(sim, "www.com.", RR_ANY);
	cr_assert_str_eq(r.answer, "www.com. 86400 HINFO ...\n");
	cr_assert_eq(sim->asked_count, 0u);
	(void)sim_ask(sim, "www.com.", RR_A);
	r = sim_ask(sim, "www.com.", RR_ANY);
	cr_assert_str_eq(r.answer, "www.com. 60 A 198.51.100.1\n");
	sim_free(sim);
}

Test(places, priming_replaces_the_hints)
{
	struct sim *sim = sim_new();
	/* The hint knows one server; the root says there is another one, and the hint's dies. */
	static const char zone[] = ". 86400 NS a.root.\n . 86400 NS b.root.\n a.root. 86400 A 192.0.2.1\n"
				   "b.root. 86400 A 192.0.2.9\n x. 60 TXT t\n y. 60 TXT t\n";
	sim_zone(sim, "192.0.2.1", ".", zone);
	sim_zone(sim, "192.0.2.9", ".", zone);
	sim->config.options.prime_root = true;
	sim_configure(sim);
	cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_asked(sim, ".", RR_NS), 1u);
	sim_server(sim, "192.0.2.1")->flags = SIM_SILENT;
	cr_assert_eq(sim_ask(sim, "y.", RR_TXT).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_asked(sim, ".", RR_NS), 1u, "not again before it expires");
	sim->now_ms += 86401 * UINT64_C(1000);
	sim_server(sim, "192.0.2.1")->flags = 0;
	(void)sim_ask(sim, "x.", RR_TXT);
	cr_assert_eq(sim_asked(sim, ".", RR_NS), 2u);
	sim_free(sim);
}

Test(places, built_in_hints)
{
	static struct delegation d;
	hints_builtin(&d);
	cr_assert_eq(d.ns_count, 13);
	cr_assert_eq(d.addr_count, 26);
	char text[ADDR_TEXT_MAX];
	cr_assert_str_eq(addr_text(&d.addrs[2].addr, text), "170.247.170.2@53");
	cr_assert_str_eq(addr_text(&d.addrs[3].addr, text), "2801:1b8:10::b@53");
}

Test(places, flush_forgets)
{
	struct sim *sim = internet();
	struct ipc_flush what = { .kind = IPC_FLUSH_NAME };
	(void)sim_ask(sim, "www.com.", RR_A);
	(void)sim_ask(sim, "www.sub.com.", RR_A);
	sim_name("WWW.com.", what.name);
	cr_assert_eq(core_flush(sim->core, &what), 1u);
	cr_assert_eq(sim_ask(sim, "www.com.", RR_A).packets, 1u);
	cr_assert_eq(sim_ask(sim, "www.sub.com.", RR_A).packets, 0u);
	what.kind = IPC_FLUSH_ZONE;
	sim_name("sub.com.", what.name);
	cr_assert_gt(core_flush(sim->core, &what), 1u);
	cr_assert_eq(sim_ask(sim, "www.com.", RR_A).packets, 0u);
	cr_assert_eq(sim_ask(sim, "www.sub.com.", RR_A).packets, 2u);
	what.kind = IPC_FLUSH_ALL;
	cr_assert_gt(core_flush(sim->core, &what), 3u);
	core_count_cache(sim->core);
	cr_assert_eq(sim->counters[STAT_RES_CACHE_ENTRIES], 0u);
	sim_free(sim);
}

/* A path that swallows IPv6 costs a few time-outs, not one for each zone. */
Test(places, a_family_that_is_silent_is_noticed)
{
	struct sim *sim = sim_new();
	char root[8192] = ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n";
	char text[256];
	for (unsigned i = 0; i < 30; i++) {
		size_t used = strlen(root);
		snprintf(root + used, sizeof(root) - used,
			 "z%u. 86400 NS ns.z%u.\n ns.z%u. 86400 A 192.0.2.%u\n ns.z%u. 86400 AAAA 2001:db8::%u\n", i, i, i,
			 100 + i, i, i);
		char addr[32];
		snprintf(addr, sizeof(addr), "192.0.2.%u", 100 + i);
		static char names[30][8];
		snprintf(names[i], sizeof(names[i]), "z%u.", i);
		snprintf(text, sizeof(text), "www.z%u. 60 A 198.51.100.1\n", i);
		sim_zone(sim, addr, names[i], text);
	}
	sim_zone(sim, "192.0.2.1", ".", root);
	unsigned six = 0;
	for (unsigned i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "www.z%u.", i);
		cr_assert_eq(sim_ask(sim, text, RR_A).rcode, RCODE_NOERROR, "%s", text);
	}
	for (unsigned i = 0; i < sim->asked_count; i++) {
		six += sim->asked[i].server.family == ADDR_V6;
	}
	cr_assert_leq(six, (unsigned)FAMILY_SILENCES_MAX + 2, "%u", six);
	/* When it comes back it is used again, where it seems better. */
	for (unsigned i = 0; i < 30; i++) {
		static char names[30][8];
		char addr[32];
		snprintf(addr, sizeof(addr), "192.0.2.%u", 100 + i);
		sim_server(sim, addr)->rtt_ms = 400;
		snprintf(names[i], sizeof(names[i]), "z%u.", i);
		snprintf(addr, sizeof(addr), "2001:db8::%u", i);
		snprintf(text, sizeof(text), "www.z%u. 60 A 198.51.100.1\n", i);
		sim_zone(sim, addr, names[i], text);
	}
	sim->now_ms += BACKOFF_MAX_MS + FAMILY_DOWN_SEC * 1000;
	for (unsigned turn = 0; turn < 3; turn++) { /* the slow ones are found slow first */
		sim_forget(sim);
		sim->now_ms += 61000;
		for (unsigned i = 0; i < 30; i++) {
			snprintf(text, sizeof(text), "www.z%u.", i);
			(void)sim_ask(sim, text, RR_A);
		}
	}
	six = 0;
	for (unsigned i = 0; i < sim->asked_count; i++) {
		six += sim->asked[i].server.family == ADDR_V6;
	}
	cr_assert_gt(six, 4u);
	sim_free(sim);
}

static const char root_zone[] = ". 86400 NS a.root.\n . 86400 NS b.root.\n a.root. 86400 A 192.0.2.1\n"
				"b.root. 86400 A 192.0.2.9\n x. 60 TXT t\n y. 60 TXT t\n z. 60 TXT t\n";

/* A root server names others that are no root servers: that passes. */
Test(places, servers_that_priming_found_and_that_fail_are_not_kept)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", ". 86400 NS evil.root.\n evil.root. 86400 A 192.0.2.66\n x. 60 TXT t\n y. 60 TXT t\n");
	sim->config.options.prime_root = true;
	sim_configure(sim);
	cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_ask(sim, "y.", RR_TXT).rcode, RCODE_SERVFAIL, "192.0.2.66 does not answer");
	sim->now_ms += PRIME_RETRY_SEC * 1000;
	(void)sim_ask(sim, "y.", RR_TXT); /* begins to prime, which fails, and leads back to the hints */
	sim->now_ms += 6000;
	cr_assert_eq(sim_ask(sim, "y.", RR_TXT).rcode, RCODE_NOERROR, "the hints are asked again");
	sim_free(sim);
}

/* Missing addresses are those of the hints, where the name is the same; a server without any does no harm. */
Test(places, priming_with_missing_addresses)
{
	static const struct {
		const char *zone;
		bool replaces; /* hints by what was found */
	} cases[] = {
		{ ". 86400 NS a.root.\n x. 60 TXT t\n y. 60 TXT t\n", true },
		{ ". 86400 NS a.root.\n . 86400 NS c.root.\n x. 60 TXT t\n y. 60 TXT t\n", true },
		{ ". 86400 NS c.root.\n x. 60 TXT t\n y. 60 TXT t\n", false },
		{ "x. 60 TXT t\n y. 60 TXT t\n", false },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim *sim = sim_new();
		sim_zone(sim, "192.0.2.1", ".", cases[i].zone);
		sim->config.options.prime_root = true;
		sim_configure(sim);
		cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_NOERROR, "case %u", i);
		cr_assert_eq(sim_ask(sim, "y.", RR_TXT).rcode, RCODE_NOERROR, "case %u", i);
		unsigned asked = sim_asked(sim, ".", RR_NS);
		cr_assert(asked >= 1 && asked <= 3, "case %u: %u", i, asked);
		cr_assert_eq(sim->core->prime_at_ms > sim->now_ms + PRIME_RETRY_SEC * 1000, cases[i].replaces, "case %u", i);
		sim_free(sim);
	}
}

/* Started before the network is there: an hour of silence, and service a moment after it ends. */
Test(places, roots_that_were_silent_from_the_start_are_found_again)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", root_zone);
	sim_zone(sim, "192.0.2.9", ".", root_zone);
	sim->config.options.prime_root = true;
	sim_configure(sim);
	sim_server(sim, "192.0.2.1")->flags = SIM_SILENT;
	for (unsigned i = 0; i < 60; i++) {
		cr_assert_eq(sim_ask(sim, "x.", RR_TXT).rcode, RCODE_SERVFAIL);
		sim->now_ms += 60000;
		sim_forget(sim);
	}
	sim_server(sim, "192.0.2.1")->flags = 0;
	struct sim_result r = sim_ask(sim, "x.", RR_TXT);
	if (r.rcode != RCODE_NOERROR) { /* RFC 9520 3.2: the failure is remembered, for a minute by now */
		sim->now_ms += 61000;
		r = sim_ask(sim, "x.", RR_TXT);
	}
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	sim->now_ms += PRIME_RETRY_SEC * 1000;
	(void)sim_ask(sim, "y.", RR_TXT);
	cr_assert_eq(sim_asked(sim, ".", RR_NS) > 0, true, "and priming is made up for");
	sim_free(sim);
}

static int flush_then_reply(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	struct ipc_flush what = { .kind = IPC_FLUSH_NAME };
	sim_name("other.test.", what.name);
	(void)core_flush(sim->core, &what);
	server->hook = NULL;
	return sim_usual(sim, server, q, tcp, wire);
}

/* What was asked before a flush is answered and not kept, whatever was flushed: neither answer nor referral. */
Test(places, nothing_in_flight_survives_a_flush)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", "example. 86400 NS ns.example.\nns.example. 86400 A 192.0.2.2\n");
	sim_zone(sim, "192.0.2.2", "example.", "www.example. 100 A 198.51.100.1\n");
	sim_server(sim, "192.0.2.1")->hook = flush_then_reply;
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_eq(r.packets, 2u);
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).packets, 2u, "from the root again");
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).packets, 0u, "and that was kept");
	sim_free(sim);
}

/* Who asks after a flush does not join what is in flight from before. */
Test(places, nothing_is_joined_across_a_flush)
{
	struct sim *sim = sim_new();
	struct core_question question = { .type = RR_A, .budget = 100 };
	struct ipc_flush what = { .kind = IPC_FLUSH_ALL };
	uint8_t name[DNAME_MAX];
	sim_zone(sim, "192.0.2.1", ".", "www.example. 100 A 198.51.100.1\n");
	sim_name("www.example.", name);
	question.name = name;
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2) {
			(void)core_flush(sim->core, &what);
		}
		cr_assert_not_null(core_start(sim->core, &question, NULL, sim->now_ms));
		cr_assert_eq(core_next_send(sim->core) != NULL, i % 2 == 0, "question %u", i);
	}
	sim_free(sim);
}

/* --- tracing --- */

static char steps[4096];

static void take_step(void *ctx, const struct trace_step *step, uint64_t now_ms)
{
	static const char *const events[IPC_TRACE_EVENTS] = {
		"ask", "reply", "nothing", "hit", "local", "zone", "verdict", "failed", "finished", "refused"
	};
	char text[DNAME_TEXT_MAX];
	char other[DNAME_TEXT_MAX];
	size_t used = strlen(steps);
	(void)ctx;
	(void)now_ms;
	snprintf(steps + used, sizeof(steps) - used, "%s %s%s%s\n", events[step->event], dname_text(step->name, text),
		 step->other == NULL ? "" : " ", step->other == NULL ? "" : dname_text(step->other, other));
}

/* Each step of a traced question is told, and nothing of others. */
Test(places, traces_its_steps)
{
	struct sim *sim = sim_new();
	uint8_t name[DNAME_MAX];
	sim_zone(sim, "192.0.2.1", ".", "example. 86400 NS ns.example.\nns.example. 86400 A 192.0.2.2\n");
	sim_zone(sim, "192.0.2.2", "example.",
		 "www.example. 100 A 198.51.100.1\nalias.example. 1000 CNAME www.example.\n");
	core_set_trace(sim->core, take_step, NULL);
	steps[0] = '\0';
	(void)sim_ask(sim, "other.example.", RR_A);
	cr_assert_str_eq(steps, "", "not asked to");
	(void)sim_ask(sim, "www.example.", RR_A);
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;

	sim_name("www.example.", name);
	struct core_question question = { .name = name, .type = RR_A, .budget = 100, .trace = true };
	cr_assert_not_null(core_start(sim->core, &question, NULL, sim->now_ms));
	struct resolution *r = core_next_done(sim->core);
	cr_assert_not_null(r);
	core_release(r);
	cr_assert_str_eq(steps, "hit www.example.\nfinished www.example.\n");
	steps[0] = '\0';
	sim_name("localhost.", name);
	cr_assert_not_null(core_start(sim->core, &question, NULL, sim->now_ms));
	r = core_next_done(sim->core);
	cr_assert_not_null(r);
	core_release(r);
	cr_assert_str_eq(steps, "local localhost.\nfinished localhost.\n");
	steps[0] = '\0';
	sim_name("alias.example.", name);
	cr_assert_not_null(core_start(sim->core, &question, NULL, sim->now_ms));
	cr_assert_str_eq(steps, "ask alias.example. example.\n");
	struct upstream *u = core_next_send(sim->core);
	cr_assert_not_null(u);
	core_timeout(sim->core, u, sim->now_ms + 1000);
	cr_assert_eq(strncmp(steps, "ask alias.example. example.\nnothing alias.example.\n", 51), 0, "%s", steps);
	sim_free(sim);
}
