/*
 * Forward zones: who is asked what, and what is believed of it. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static uint16_t seen_flags;
static unsigned seen_rd;
static unsigned seen_no_rd;

static void put(struct compose *c, enum section section, const char *owner, uint16_t type, const char *rdata)
{
	uint8_t name[DNAME_MAX];
	uint8_t bytes[512];
	sim_name(owner, name);
	uint16_t len = sim_rdata(type, rdata, bytes);
	cr_assert_eq(compose_rr(c, section, name, type, CLASS_IN, 600, bytes, len), BH_OK);
}

/* A resolver: no AA, RA, whole chains; everything has the address 198.51.100.9 there. */
static int resolver_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	static const uint8_t addr[4] = { 198, 51, 100, 9 };
	struct compose c;
	char name[DNAME_TEXT_MAX];
	(void)sim;
	(void)server;
	(void)tcp;
	seen_flags = q->flags;
	seen_rd += (q->flags & FLAG_RD) != 0;
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_NONE };
	compose_begin(&c, wire, 4096, edns_size(&edns), q->id, FLAG_QR | FLAG_RA | FLAG_RD, q->qname, q->qtype, q->qclass);
	uint8_t lower[DNAME_MAX];
	(void)dname_copy_lower(lower, q->qname);
	(void)dname_text(lower, name);
	if (strncmp(name, "alias", 5) == 0) { /* what it says of others is a lie */
		put(&c, SECTION_ANSWER, name, RR_CNAME, "www.com.");
		put(&c, SECTION_ANSWER, "www.com.", RR_A, "203.0.113.66");
		put(&c, SECTION_AUTHORITY, "com.", RR_NS, "ns.evil.corp.test.");
		put(&c, SECTION_AUTHORITY, ".", RR_NS, "ns.evil.corp.test.");
		put(&c, SECTION_ADDITIONAL, "ns.evil.corp.test.", RR_A, "203.0.113.66");
		put(&c, SECTION_ADDITIONAL, "ns.com.", RR_A, "203.0.113.66");
	} else if (strncmp(name, "refer", 5) == 0) { /* as one that does not recurse */
		put(&c, SECTION_AUTHORITY, "corp.test.", RR_NS, "ns.evil.corp.test.");
		put(&c, SECTION_AUTHORITY, name, RR_NS, "ns.evil.corp.test.");
		put(&c, SECTION_ADDITIONAL, "ns.evil.corp.test.", RR_A, "203.0.113.66");
	} else if (strncmp(name, "fails", 5) == 0) {
		edns.rcode = RCODE_SERVFAIL;
		compose_flags(&c, 0, RCODE_SERVFAIL);
	} else if (q->qtype == RR_A) {
		cr_assert_eq(compose_rr(&c, SECTION_ANSWER, q->qname, RR_A, CLASS_IN, 600, addr, 4), BH_OK);
	} else if (q->qtype == RR_DS) {
		put(&c, SECTION_ANSWER, name, RR_DS, "x");
	}
	return (int)compose_finish(&c, &edns);
}

static int iterating_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	(void)sim;
	(void)server;
	(void)tcp;
	(void)wire;
	seen_no_rd += (q->flags & (FLAG_RD | FLAG_CD)) == 0;
	return -1;
}

/* The Internet with com, and a forwarder 10.0.0.53 for a zone. */
static struct sim *world(struct ipc_servers *forward, const char *zone)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".",
		 ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "test. 86400 NS ns.com.\n");
	sim_zone(sim, "192.0.2.2", "com.", "com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n www.com. 60 A 198.51.100.1\n");
	sim_server(sim, "192.0.2.1")->hook = iterating_hook;
	sim_server(sim, "192.0.2.2")->hook = iterating_hook;
	sim_server(sim, "10.0.0.53")->hook = resolver_hook;
	memset(forward, 0, sizeof(*forward));
	sim_name(zone, forward->name);
	forward->count = 1;
	cr_assert_eq(addr_parse("10.0.0.53", 53, &forward->addrs[0]), BH_OK);
	sim->config.forwards = forward;
	sim->config.forward_count = 1;
	sim_configure(sim);
	seen_rd = seen_no_rd = 0;
	return sim;
}

Test(forward, the_whole_name_is_asked_once_with_rd_and_cd)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, "corp.test.");
	struct sim_result r = sim_ask(sim, "a.b.c.corp.test.", RR_A);
	cr_assert_str_eq(r.answer, "a.b.c.corp.test. 600 A 198.51.100.9\n");
	cr_assert_eq(sim->asked_count, 1u);
	cr_assert_eq(seen_flags & (FLAG_RD | FLAG_CD), FLAG_RD | FLAG_CD);
	cr_assert(sim->asked[0].edns);
	r = sim_ask(sim, "a.b.c.corp.test.", RR_A);
	cr_assert_eq(r.packets, 0u, "it is cached");
	r = sim_ask(sim, "www.com.", RR_A);
	cr_assert_str_eq(r.answer, "www.com. 60 A 198.51.100.1\n");
	cr_assert_eq(sim_server(sim, "10.0.0.53")->asked, 1u, "for its zone only");
	cr_assert_gt(seen_no_rd, 0u, "authorities are not asked to recurse");
	sim_free(sim);
}

/* MaginotDNS, CVE-2021-25220: nothing outside of its zone is taken from a forwarder. */
Test(forward, nothing_but_the_asked_name_is_believed)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, "corp.test.");
	struct sim_result r = sim_ask(sim, "alias.corp.test.", RR_A);
	cr_assert_str_eq(r.answer, "alias.corp.test. 600 CNAME www.com.\nwww.com. 60 A 198.51.100.1\n");
	r = sim_ask(sim, "www.com.", RR_A);
	cr_assert_eq(r.packets, 0u);
	cr_assert_str_eq(r.answer, "www.com. 60 A 198.51.100.1\n");
	sim->now_ms += 61000;
	(void)sim_ask(sim, "other.com.", RR_A);
	r = sim_ask(sim, "refer.corp.test.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL, "a referral is no answer of a resolver");
	(void)sim_ask(sim, "x.evil.corp.test.", RR_A);
	for (unsigned i = 0; i < sim->asked_count; i++) {
		cr_assert_neq(sim->asked[i].server.bytes[0], 203);
	}
	sim_free(sim);
}

/* Nobody else is asked when it fails: who forwards has his reasons. */
Test(forward, there_is_no_way_around_it)
{
	static const unsigned faults[] = { SIM_SILENT, SIM_REFUSED, SIM_NO_ROUTE };
	for (unsigned i = 0; i < 3; i++) {
		struct ipc_servers forward;
		struct sim *sim = world(&forward, "com.");
		(void)sim_ask(sim, "www.test.", RR_A); /* test and com are known */
		sim_forget(sim);
		sim_server(sim, "10.0.0.53")->hook = NULL;
		sim_server(sim, "10.0.0.53")->flags = faults[i];
		struct sim_result r = sim_ask(sim, "www.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL);
		cr_assert_eq(r.ede, faults[i] == SIM_NO_ROUTE ? EDE_NETWORK_ERROR : EDE_NO_REACHABLE_AUTHORITY);
		for (unsigned k = 0; k < sim->asked_count; k++) {
			cr_assert_eq(sim->asked[k].server.bytes[0], 10);
		}
		sim_free(sim);
	}
}

Test(forward, everything_from_the_root_down)
{
	struct ipc_servers forward;
	struct ipc_servers stub;
	struct sim *sim = world(&forward, ".");
	sim->config.options.prime_root = true;
	memset(&stub, 0, sizeof(stub));
	sim_name("lab.test.", stub.name);
	stub.count = 1;
	cr_assert_eq(addr_parse("10.0.0.60", 53, &stub.addrs[0]), BH_OK);
	sim_zone(sim, "10.0.0.60", "lab.test.", "a.lab.test. 60 A 10.1.1.1\n b.lab.test. 60 CNAME www.com.\n");
	sim->config.stubs = &stub;
	sim->config.stub_count = 1;
	sim_configure(sim);
	struct sim_result r = sim_ask(sim, "www.com.", RR_A);
	cr_assert_str_eq(r.answer, "www.com. 600 A 198.51.100.9\n");
	r = sim_ask(sim, "com.", RR_DS);
	cr_assert_str_eq(r.answer, "com. 600 DS ...\n");
	(void)sim_ask(sim, ".", RR_DNSKEY);
	cr_assert_eq(sim_server(sim, "192.0.2.1")->asked, 0u, "no priming, no root");
	cr_assert_eq(sim_server(sim, "10.0.0.53")->asked, 3u);
	/* The closer zone wins, and its aliases go out by the forwarder. */
	r = sim_ask(sim, "a.lab.test.", RR_A);
	cr_assert_str_eq(r.answer, "a.lab.test. 60 A 10.1.1.1\n");
	r = sim_ask(sim, "b.lab.test.", RR_A);
	cr_assert_str_eq(r.answer, "b.lab.test. 60 CNAME www.com.\nwww.com. 600 A 198.51.100.9\n");
	/* Special-use names are nobody's business there either. */
	sim_forget(sim);
	cr_assert_eq(sim_ask(sim, "printer.local.", RR_A).rcode, RCODE_NXDOMAIN);
	cr_assert_eq(sim_ask(sim, "localhost.", RR_A).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_ask(sim, "1.1.168.192.in-addr.arpa.", RR_PTR).rcode, RCODE_NXDOMAIN);
	cr_assert_eq(sim->asked_count, 0u);
	sim_free(sim);
}

Test(forward, special_names_are_forwarded_where_the_zone_says_so)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, "home.arpa.");
	struct sim_result r = sim_ask(sim, "tv.home.arpa.", RR_A);
	cr_assert_str_eq(r.answer, "tv.home.arpa. 600 A 198.51.100.9\n");
	sim_free(sim);
}

/* Names whose servers are dead make the forwarder answer late or not at all. Others must not suffer. */
Test(forward, dead_names_do_not_take_the_forwarder_from_the_rest)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, ".");
	for (unsigned i = 0; i < 10; i++) {
		char name[32];
		snprintf(name, sizeof(name), "fails%u.com.", i);
		cr_assert_eq(sim_ask(sim, name, RR_A).rcode, RCODE_SERVFAIL);
	}
	cr_assert_eq(sim_ask(sim, "one.com.", RR_A).packets, 1u);
	for (unsigned i = 0; i < 20; i++) {
		servers_note_silence(sim->core->servers, &forward.addrs[0], 2000, sim->now_ms);
	}
	struct sim_result r = sim_ask(sim, "two.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	sim_free(sim);
}

/* It resolves for us: that takes longer than the way to it. */
Test(forward, it_is_given_time)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, ".");
	for (unsigned i = 0; i < 10; i++) {
		char name[32];
		snprintf(name, sizeof(name), "quick%u.com.", i);
		(void)sim_ask(sim, name, RR_A);
	}
	sim_server(sim, "10.0.0.53")->rtt_ms = RTO_FORWARD_MIN_MS - 100;
	sim_forget(sim);
	struct sim_result r = sim_ask(sim, "slow.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_eq(r.packets, 1u);
	sim_free(sim);
}

Test(forward, a_second_one_is_asked_when_the_first_fails)
{
	struct ipc_servers forward;
	struct sim *sim = world(&forward, ".");
	forward.count = 2;
	cr_assert_eq(addr_parse("10.0.0.54", 53, &forward.addrs[1]), BH_OK);
	sim_configure(sim);
	sim_server(sim, "10.0.0.54")->hook = resolver_hook;
	for (unsigned i = 0; i < 20; i++) {
		char name[32];
		struct sim_server *bad = sim_server(sim, i % 2 == 0 ? "10.0.0.53" : "10.0.0.54");
		struct sim_server *good = sim_server(sim, i % 2 == 0 ? "10.0.0.54" : "10.0.0.53");
		bad->hook = NULL;
		bad->flags = i % 4 < 2 ? SIM_SILENT : SIM_SERVFAIL;
		good->hook = resolver_hook;
		good->flags = 0;
		snprintf(name, sizeof(name), "n%u.com.", i);
		cr_assert_eq(sim_ask(sim, name, RR_A).rcode, RCODE_NOERROR, "%u", i);
	}
	sim_free(sim);
}

Test(forward, loopback_of_a_forwarder_opens_no_loopback_for_the_internet)
{
	static const struct {
		uint8_t localhost;
		bool stub;
		uint16_t rcode;
	} cases[] = {
		{ IPC_LOCALHOST_AUTO, false, RCODE_SERVFAIL }, { IPC_LOCALHOST_AUTO, true, RCODE_NOERROR },
		{ IPC_LOCALHOST_NEVER, true, RCODE_SERVFAIL }, { IPC_LOCALHOST_ALWAYS, false, RCODE_NOERROR },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct ipc_servers forward;
		struct sim *sim = world(&forward, "corp.test.");
		cr_assert_eq(addr_parse("127.61.0.53", 53, &forward.addrs[0]), BH_OK);
		sim_server(sim, "127.61.0.53")->hook = resolver_hook;
		sim->config.options.localhost = cases[i].localhost;
		if (cases[i].stub) {
			sim->config.stubs = sim->config.forwards;
			sim->config.stub_count = 1;
			sim->config.forward_count = 0;
			sim_zone(sim, "127.61.0.53", "corp.test.", "x.corp.test. 60 A 10.0.0.1\n");
			sim_server(sim, "127.61.0.53")->hook = NULL;
		}
		sim_configure(sim);
		sim_zone(sim, "192.0.2.2", "com.", "lo.com. 600 NS ns.lo.com.\n ns.lo.com. 600 A 127.61.0.9\n");
		sim_zone(sim, "127.61.0.9", "lo.com.", "www.lo.com. 60 A 198.51.100.3\n");
		cr_assert_eq(sim_ask(sim, "x.corp.test.", RR_A).rcode, RCODE_NOERROR, "configured ones are asked");
		cr_assert_eq(sim_ask(sim, "www.lo.com.", RR_A).rcode, cases[i].rcode, "case %u", i);
		sim_free(sim);
	}
}
