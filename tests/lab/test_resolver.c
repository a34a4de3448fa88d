/*
 * The resolver in the closed Internet, asked by a client inside, watched from the bridge.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/lab/box.h"
#include "tests/lab/cases.h"
#include "tests/lab/lab.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUERIES_MAX 4096

static struct lab_query queries[QUERIES_MAX];

static void start(void)
{
	box_start(100, "", "");
}

TestSuite(resolver, .init = start, .fini = box_stop);

/* Ask by UDP; how long it took. The reply is that of client_ask. */
static uint64_t ask_timed(const char *name, uint16_t type, const struct reply **reply)
{
	struct ask ask = { .server = BOX_RESOLVER, .name = name, .type = type, .flags = FLAG_RD, .edns = true,
			   .timeout_ms = 20000 };
	uint64_t began = clock_now_ms();
	*reply = client_ask(&ask);
	uint64_t took = clock_now_ms() - began;
	MUST((*reply)->received, "%s: no reply", name);
	return took;
}

static unsigned ask_rcode(const char *name, uint16_t type)
{
	const struct reply *reply;
	ask_timed(name, type, &reply);
	return reply->message.rcode;
}

/* Every answer of the table, cold and warm, while nobody on the way learns more than he must. */
Test(resolver, finds_every_answer_of_the_table)
{
	uint64_t mark = lab_mark();
	lab_ask_cases(BOX_RESOLVER, NULL);
	unsigned cold = lab_queries(mark, queries, QUERIES_MAX);
	mark = lab_mark();
	lab_ask_cases(BOX_RESOLVER, NULL);
	unsigned warm = lab_queries(mark, queries, QUERIES_MAX);
	printf("resolver: %zu questions cost %u queries cold and %u warm\n", lab_case_count, cold, warm);
	MUST(warm < cold / 4, "%u queries cold and %u warm: little was cached", cold, warm);
	MUST(cold < 12 * lab_case_count, "%u queries for %zu questions", cold, lab_case_count);
}

/* RFC 9156: the root sees one label, top level domains two. */
Test(resolver, names_are_minimised)
{
	uint64_t mark = lab_mark();
	static const char *const names[] = { "www.three.two.one.alpha.com", "host.old.alpha.com", "www.delta.org",
					     "any.thing.wild.alpha.com", "nothing.nothing.alpha.com" };
	for (size_t i = 0; i < COUNT(names); i++) {
		ask_rcode(names[i], RR_A);
	}
	unsigned count = lab_queries(mark, queries, QUERIES_MAX);
	unsigned root = 0;
	unsigned tld = 0;
	for (unsigned i = 0; i < count; i++) {
		char text[DNAME_TEXT_MAX];
		unsigned labels = dname_label_count(queries[i].name);
		dname_text(queries[i].name, text);
		if (strncmp(queries[i].server, "198.18.0.", 9) == 0) {
			MUST(labels <= 1, "the root was asked for %s", text);
			root++;
		}
		if (strncmp(queries[i].server, "198.18.1.", 9) == 0) {
			MUST(labels <= 2, "a top level domain was asked for %s", text);
			tld++;
		}
	}
	MUST(root > 0 && tld > 0, "neither the root (%u) nor top level domains (%u) were asked", root, tld);
}

/* RFC 5452: source address as configured; ports and ids unpredictable; letters in mixed case. */
Test(resolver, queries_are_hard_to_forge)
{
	uint64_t mark = lab_mark();
	for (unsigned i = 0; i < 300; i++) {
		char name[64];
		snprintf(name, sizeof(name), "forge-%u.wild.alpha.com", i);
		MUST(ask_rcode(name, RR_A) == RCODE_NOERROR, "%s", name);
	}
	unsigned count = lab_queries(mark, queries, QUERIES_MAX);
	MUST(count >= 300, "%u queries for 300 unknown names", count);
	static bool ports[65536];
	static bool ids[65536];
	unsigned distinct_ports = 0;
	unsigned distinct_ids = 0;
	unsigned mixed = 0;
	unsigned steps = 0;
	for (unsigned i = 0; i < count; i++) {
		MUST(strcmp(queries[i].source, "203.0.113.54") == 0 || strcmp(queries[i].source, "2001:db8:53::53") == 0,
		     "a query left from %s", queries[i].source);
		distinct_ports += !ports[queries[i].port];
		distinct_ids += !ids[queries[i].id];
		ports[queries[i].port] = true;
		ids[queries[i].id] = true;
		bool upper = false;
		bool lower = false;
		size_t len = dname_len(queries[i].name);
		for (size_t k = 0; k < len; k++) {
			upper = upper || (queries[i].name[k] >= 'A' && queries[i].name[k] <= 'Z');
			lower = lower || (queries[i].name[k] >= 'a' && queries[i].name[k] <= 'z');
		}
		mixed += upper && lower;
		steps += i > 0 && (uint16_t)(queries[i].id - queries[i - 1].id) <= 2;
	}
	MUST(distinct_ports > count * 9 / 10, "%u source ports for %u queries", distinct_ports, count);
	MUST(distinct_ids > count * 9 / 10, "%u ids for %u queries", distinct_ids, count);
	MUST(mixed > count * 3 / 4, "letters are mixed in %u of %u queries", mixed, count);
	MUST(steps < count / 20, "%u of %u ids follow each other", steps, count);
}

/* RFC 2308: what is not there is remembered, name and type apart. */
Test(resolver, answers_and_their_absence_are_cached)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint16_t again; /* a second type that the first reply tells too, or the same */
	} table[] = {
		{ "www.alpha.com", RR_A, RR_A },
		{ "www.alpha.com", RR_TXT, RR_TXT },	 /* NODATA */
		{ "nothing.alpha.com", RR_A, RR_A },	 /* NXDOMAIN */
		{ "nothing2.alpha.com", RR_A, RR_AAAA }, /* NXDOMAIN is of the name, RFC 2308 5 */
		{ "chain.alpha.com", RR_A, RR_A },
		{ "tonothing.alpha.com", RR_A, RR_A },
		{ "host.old.alpha.com", RR_A, RR_A },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		unsigned first = ask_rcode(table[i].name, table[i].type);
		uint64_t mark = lab_mark();
		unsigned second = ask_rcode(table[i].name, table[i].again);
		MUST(first == second, "%s: RCODE %u, then %u", table[i].name, first, second);
		MUST(lab_count(mark, NULL, NULL) == 0, "%s was asked again in the Internet", table[i].name);
	}
	/* the negative TTL is that of the SOA (300), not of the zone (3600) */
	const struct reply *reply;
	ask_timed("nothing3.alpha.com", RR_A, &reply);
	uint32_t ttl = reply_ttl(reply, SECTION_AUTHORITY, RR_SOA);
	MUST(ttl <= 300 && ttl > 290, "negative TTL %u", ttl);
}

Test(resolver, ttls_fall_and_end)
{
	const struct reply *reply;
	ask_timed("mail.alpha.com", RR_A, &reply);
	uint32_t first = reply_ttl(reply, SECTION_ANSWER, RR_A);
	ask_timed("short.alpha.com", RR_A, &reply);
	MUST(reply_ttl(reply, SECTION_ANSWER, RR_A) <= 2, "a TTL of 2 became %u", reply_ttl(reply, SECTION_ANSWER, RR_A));
	harness_sleep_ms(3100);
	ask_timed("mail.alpha.com", RR_A, &reply);
	uint32_t later = reply_ttl(reply, SECTION_ANSWER, RR_A);
	MUST(first <= 3600 && later <= first - 3 && later >= first - 6, "TTL %u, three seconds later %u", first, later);
	uint64_t mark = lab_mark();
	ask_timed("short.alpha.com", RR_A, &reply);
	MUST(lab_count(mark, NULL, "short.alpha.com") > 0, "a record was served after its TTL");
}

/* Identical questions in flight are asked once (CVE-2025-5994 and its kind). */
Test(resolver, identical_questions_are_asked_once)
{
	enum { CLIENTS = 100 };
	int fds[CLIENTS];
	uint8_t wire[ASK_WIRE_MAX];
	uint8_t reply[4096];
	struct ask ask = { .name = "same.slow.com", .flags = FLAG_RD };
	ask_rcode("www.slow.com", RR_A); /* its servers are known now */
	uint64_t mark = lab_mark();
	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = client_udp(BOX_RESOLVER, NULL);
		client_send(fds[i], wire, ask_compose(&ask, (uint16_t)(100 + i), wire));
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		ssize_t n = client_receive(fds[i], reply, sizeof(reply), 10000);
		MUST(n > DNS_HEADER_SIZE && get_u16(reply) == 100 + i && (reply[3] & 15) == RCODE_NOERROR,
		     "client %u got no answer", i);
		close(fds[i]);
	}
	unsigned count = lab_count(mark, NULL, "same.slow.com");
	MUST(count >= 1 && count <= 4, "%u queries for one question of %d clients", count, CLIENTS);
}

/* A server that does not answer costs its time once, not for every name. */
Test(resolver, dead_servers_are_remembered)
{
	const struct reply *reply;
	uint64_t silences = appliance_counter(&box, "resolver", "", "upstream_timeouts");
	ask_timed("www.dead.com", RR_A, &reply);
	for (unsigned i = 0; i < 20; i++) {
		char name[64];
		snprintf(name, sizeof(name), "n%u.dead.com", i);
		ask_timed(name, RR_A, &reply);
		MUST(reply->message.rcode == RCODE_NXDOMAIN, "%s: RCODE %u", name, reply->message.rcode);
	}
	/* Whichever question met the dead one first paid for it, and now and then it is tried again. */
	silences = appliance_counter(&box, "resolver", "", "upstream_timeouts") - silences;
	MUST(silences <= 5, "one dead server of two was met %llu times in 21 questions",
	     (unsigned long long)silences);
	uint64_t took = ask_timed("www.vsixbad.com", RR_A, &reply);
	MUST(took < 4000 * harness_slow(), "an IPv6 address that leads nowhere cost %llu ms", (unsigned long long)took);
}

/* No server at all: SERVFAIL with a reason, within the patience of a client, and remembered. */
Test(resolver, unreachable_zones_fail_in_time_with_a_reason)
{
	static const char *const names[] = { "www.alldead.com", "www.silent.com", "www.alllame.com", "www.tcnotcp.com" };
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct reply *reply;
		uint64_t mark = lab_mark();
		uint64_t took = ask_timed(names[i], RR_A, &reply);
		MUST(reply->message.rcode == RCODE_SERVFAIL, "%s: RCODE %u", names[i], reply->message.rcode);
		MUST(reply->message.ede >= 0, "%s: SERVFAIL without extended error", names[i]);
		MUST(took < 12000 * harness_slow(), "%s: %llu ms", names[i], (unsigned long long)took);
		unsigned count = lab_count(mark, NULL, NULL);
		MUST(count <= 40, "%s: %u queries", names[i], count);
	}
}

/* Work is bounded whatever the delegations say (NXNSAttack, loops, endless aliases). */
Test(resolver, one_question_costs_a_bounded_number_of_queries)
{
	static const struct {
		const char *name;
		unsigned queries; /* at most */
	} table[] = {
		{ "www.loopone.com", 40 },  { "www.selfloop.com", 40 }, { "cloop.alpha.com", 40 },
		{ "selfcname.alpha.com", 20 }, { "n1.deepalias.com", 60 }, { "x.victim.nsflood.com", 40 },
		{ "www.upward.com", 20 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct reply *reply;
		uint64_t mark = lab_mark();
		uint64_t took = ask_timed(table[i].name, RR_A, &reply);
		unsigned count = lab_count(mark, NULL, NULL);
		printf("resolver: %s cost %u queries and %llu ms, RCODE %u\n", table[i].name, count,
		       (unsigned long long)took, reply->message.rcode);
		MUST(count <= table[i].queries, "%s cost %u queries", table[i].name, count);
		MUST(took < 10000 * harness_slow(), "%s: %llu ms", table[i].name, (unsigned long long)took);
		static char text[CLIENT_TEXT_MAX];
		reply_section(reply, SECTION_ANSWER, text);
		MUST(strstr(text, " A ") == NULL, "%s: %s", table[i].name, text);
	}
	lab_ask_case(BOX_RESOLVER, "www.alpha.com", RR_A, "NOERROR", "www.alpha.com. A 198.51.100.1");
}

/* A reply too large for UDP says so to the client and is whole over TCP. */
Test(resolver, large_answers_come_by_tcp)
{
	struct ask ask = { .server = BOX_RESOLVER, .name = "big.alpha.com", .type = RR_TXT, .flags = FLAG_RD,
			   .edns = true, .timeout_ms = 10000 };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && (reply->message.flags & FLAG_TC) != 0 && reply->len <= 1232,
	     "a large answer by UDP: %zu octets, flags %04x", reply->len, reply->message.flags);
	ask.edns = false;
	reply = client_ask(&ask);
	MUST(reply->received && (reply->message.flags & FLAG_TC) != 0 && reply->len <= 512,
	     "a large answer by plain UDP: %zu octets", reply->len);
	ask.tcp = true;
	reply = client_ask(&ask);
	unsigned count = 0;
	for (size_t i = 0; reply->received && i < reply->message.rr_count; i++) {
		count += reply->message.rrs[i].type == RR_TXT;
	}
	MUST(count == 40, "%u of 40 records by TCP", count);
}

/* RFC 6303, 6761, 6762, 7686, 8375: names that have no business in the public DNS. */
Test(resolver, special_names_are_answered_here)
{
	static const struct {
		const char *name;
		uint16_t type;
		int rcode; /* -1: any */
	} table[] = {
		{ "localhost", RR_A, RCODE_NOERROR },
		{ "any.localhost", RR_A, -1 },
		{ "1.0.0.127.in-addr.arpa", RR_PTR, -1 },
		{ "1.2.0.10.in-addr.arpa", RR_PTR, RCODE_NXDOMAIN },
		{ "1.1.168.192.in-addr.arpa", RR_PTR, RCODE_NXDOMAIN },
		{ "1.1.16.172.in-addr.arpa", RR_PTR, RCODE_NXDOMAIN },
		{ "1.1.254.169.in-addr.arpa", RR_PTR, RCODE_NXDOMAIN },
		{ "1.d.f.ip6.arpa", RR_PTR, RCODE_NXDOMAIN },
		{ "d.f.ip6.arpa", RR_PTR, RCODE_NOERROR } /* the apex of an empty zone */,
		{ "host.home.arpa", RR_A, RCODE_NXDOMAIN },
		{ "secret.onion", RR_A, RCODE_NXDOMAIN },
		{ "name.invalid", RR_A, RCODE_NXDOMAIN },
		{ "name.test", RR_A, RCODE_NXDOMAIN },
	};
	ask_rcode("www.alpha.com", RR_A); /* priming is done */
	uint64_t mark = lab_mark();
	for (size_t i = 0; i < COUNT(table); i++) {
		unsigned rcode = ask_rcode(table[i].name, table[i].type);
		MUST(table[i].rcode < 0 || rcode == (unsigned)table[i].rcode, "%s: RCODE %u", table[i].name, rcode);
	}
	unsigned count = lab_queries(mark, queries, QUERIES_MAX);
	char text[DNAME_TEXT_MAX] = "";
	if (count > 0) {
		dname_text(queries[0].name, text);
	}
	MUST(count == 0, "%u queries went to the Internet, the first for %s", count, text);
}

/* Without RD nobody is asked for the client. */
Test(resolver, no_recursion_without_rd)
{
	ask_rcode("www.alpha.com", RR_A);
	uint64_t mark = lab_mark();
	struct ask ask = { .server = BOX_RESOLVER, .name = "www.beta.org", .edns = true };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received, "no reply");
	static char text[CLIENT_TEXT_MAX];
	MUST(reply_section(reply, SECTION_ANSWER, text)[0] == '\0', "an answer without recursion: %s", text);
	MUST(lab_count(mark, NULL, "beta.org") == 0, "a query without RD was passed on");
}

/* What others say about names that are not theirs changes nothing, now and later. */
Test(resolver, data_of_strangers_is_not_believed)
{
	lab_ask_case(BOX_RESOLVER, "www.poison.com", RR_A, "NOERROR", "www.poison.com. A 198.51.100.150");
	lab_ask_case(BOX_RESOLVER, "www.aliaslie.com", RR_A, "NOERROR",
		     "www.aliaslie.com. CNAME www.alpha.com.; www.alpha.com. A 198.51.100.1");
	lab_ask_case(BOX_RESOLVER, "www.alpha.com", RR_A, "NOERROR", "www.alpha.com. A 198.51.100.1");
	lab_ask_case(BOX_RESOLVER, "ns1.alpha.com", RR_A, "NOERROR", "ns1.alpha.com. A 203.0.113.10");
	lab_ask_case(BOX_RESOLVER, "alpha.com", RR_NS, "NOERROR",
		     "alpha.com. NS ns1.alpha.com.; alpha.com. NS ns2.beta.org.");
	lab_ask_case(BOX_RESOLVER, "com", RR_NS, "NOERROR", "com. NS a.nic.com.; com. NS b.nic.com.");
	/* com was not taken over: names in it are still found through its own servers */
	uint64_t mark = lab_mark();
	lab_ask_case(BOX_RESOLVER, "www.odd.com", RR_A, "NOERROR", "www.odd.com. A 198.51.100.150");
	MUST(lab_count(mark, "203.0.113.115", NULL) == 0, "the server of poison.com is asked for other zones");
}

/* A forged reply before the true one is no answer and does not end the wait. */
Test(resolver, forged_replies_are_waited_out)
{
	static const char *const zones[] = { "wrongid", "wrongcase", "wrongname", "wrongport", "garbage", "cutreply" };
	for (size_t i = 0; i < COUNT(zones); i++) {
		for (unsigned k = 0; k < 5; k++) {
			char name[64];
			char answer[128];
			snprintf(name, sizeof(name), "n%u.%s.com", k, zones[i]);
			snprintf(answer, sizeof(answer), "%s. A 198.51.100.150", name);
			lab_ask_case(BOX_RESOLVER, name, RR_A, "NOERROR", answer);
		}
	}
}

/* Nobody in the Internet can use it: its outgoing address is no listener. */
Test(resolver, is_not_open)
{
	struct ask ask = { .server = "203.0.113.54", .name = "www.alpha.com", .flags = FLAG_RD, .timeout_ms = 500 };
	harness_enter_network(lab_network(LAB_OUTSIDE));
	MUST(!client_ask(&ask)->received, "the resolver answers in the Internet");
	ask.server = BOX_EXTERNAL;
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && reply->message.rcode == RCODE_REFUSED, "the external view resolves for strangers");
	struct ask own = { .server = BOX_EXTERNAL, .name = "www.edge.com" };
	client_expect_ask(&own, "NOERROR aa", "www.edge.com. A 203.0.113.80", EDE_NONE);
}

/* --- further configurations ------------------------------------------------------------------------------- */

static void start_stub(void)
{
	box_start(60, "  stub \"consul\" { to = { \"203.0.113.130@8600\" } }\n"
		      "  stub \"delta.org\" { to = { \"203.0.113.11\" } }\n", "");
}

Test(stub, zones_are_asked_of_their_servers_alone, .init = start_stub, .fini = box_stop)
{
	ask_rcode("www.beta.org", RR_A);
	uint64_t mark = lab_mark();
	lab_ask_case(BOX_RESOLVER, "web.consul", RR_A, "NOERROR", "web.consul. A 198.51.100.150");
	MUST(lab_count(mark, "203.0.113.130@8600", "consul") > 0, "the stub's server was not asked");
	MUST(lab_count(mark, NULL, NULL) == lab_count(mark, "203.0.113.130@8600", NULL), "others were asked as well");
	mark = lab_mark();
	lab_ask_case(BOX_RESOLVER, "www.delta.org", RR_A, "NOERROR", "www.delta.org. A 198.51.100.22");
	MUST(lab_count(mark, NULL, NULL) == lab_count(mark, "203.0.113.11", NULL), "others were asked as well");
}

static void start_overlay(void)
{
	box_start(60, "", "  zone \"alpha.com\" { file = \"overlay.zone\" overlay = true }\n");
}

/* Inside and outside names behind one address, and no internal name on the wire. */
Test(overlay, inside_and_outside_meet_at_the_resolvers_address, .init = start_overlay, .fini = box_stop)
{
	uint64_t mark = lab_mark();
	lab_ask_case(BOX_RESOLVER, "secret.corp.alpha.com", RR_A, "NOERROR", "secret.corp.alpha.com. A 10.1.2.3");
	lab_ask_case(BOX_RESOLVER, "hiddenlabel.corp.alpha.com", RR_A, "NOERROR",
		     "hiddenlabel.corp.alpha.com. A 10.1.2.4");
	lab_ask_case(BOX_RESOLVER, "missinglabel.corp.alpha.com", RR_A, "NXDOMAIN", "");
	lab_ask_case(BOX_RESOLVER, "hiddenlabel.corp.alpha.com", RR_TXT, "NOERROR", "");
	lab_ask_case(BOX_RESOLVER, "onlyinside.alpha.com", RR_A, "NOERROR", "onlyinside.alpha.com. A 10.1.2.82");
	lab_ask_case(BOX_RESOLVER, "www.alpha.com", RR_A, "NOERROR", "www.alpha.com. A 10.1.2.80");
	MUST(lab_count(mark, NULL, NULL) <= 2, "internal names made %u queries to the Internet", lab_count(mark, NULL, NULL));

	/* the public side of the overlay */
	lab_ask_case(BOX_RESOLVER, "onlypublic.alpha.com", RR_A, "NOERROR", "onlypublic.alpha.com. A 198.51.100.9");
	lab_ask_case(BOX_RESOLVER, "both.alpha.com", RR_A, "NOERROR", "both.alpha.com. A 10.1.2.81");
	lab_ask_case(BOX_RESOLVER, "both.alpha.com", RR_TXT, "NOERROR", "both.alpha.com. TXT \"public text\"");
	lab_ask_case(BOX_RESOLVER, "nowhere.alpha.com", RR_A, "NXDOMAIN", "");
	lab_ask_case(BOX_RESOLVER, "www.one.alpha.com", RR_A, "NOERROR", "www.one.alpha.com. A 198.51.100.31");
	/* aliases over the split, both ways */
	lab_ask_case(BOX_RESOLVER, "out.corp.alpha.com", RR_A, "NOERROR",
		     "out.corp.alpha.com. CNAME www.beta.org.; www.beta.org. A 198.51.100.11");
	lab_ask_case(BOX_RESOLVER, "toinside.alpha.com", RR_A, "NOERROR",
		     "secret.corp.alpha.com. A 10.1.2.3; toinside.alpha.com. CNAME secret.corp.alpha.com.");
	const struct reply *reply;
	const uint8_t inside[4] = { 10, 1, 2, 3 };
	ask_timed("toinside.beta.org", RR_A, &reply);
	MUST(!reply_has_octets(reply, inside, 4), "a stranger's alias led inside");

	/* the bridge has seen nothing that is inside only */
	static const char *const words[] = { "hiddenlabel", "missinglabel" };
	for (size_t i = 0; i < COUNT(words); i++) {
		MUST(!lab_saw(mark, words[i], strlen(words[i])), "\"%s\" was seen in the Internet", words[i]);
	}
	MUST(!lab_saw(mark, inside, 4), "an internal address was seen in the Internet");
	MUST(lab_saw(mark, "onlypublic", 10), "the record of the bridge is blind");
}

static void start_v4_only(void)
{
	box_start(60, "  ipv6 = false\n  use-0x20 = false\n  qname-minimisation = false\n", "");
}

/* Options do what they say. */
Test(options, ipv6_0x20_and_minimisation_can_be_off, .init = start_v4_only, .fini = box_stop)
{
	uint64_t mark = lab_mark();
	lab_ask_case(BOX_RESOLVER, "www.three.two.one.alpha.com", RR_A, "NOERROR",
		     "www.three.two.one.alpha.com. A 198.51.100.33");
	lab_ask_case(BOX_RESOLVER, "www.vsixonly.com", RR_A, "SERVFAIL", "");
	lab_ask_case(BOX_RESOLVER, "www.vsixbad.com", RR_A, "NOERROR", "www.vsixbad.com. A 198.51.100.202");
	unsigned count = lab_queries(mark, queries, QUERIES_MAX);
	unsigned full = 0;
	for (unsigned i = 0; i < count; i++) {
		MUST(strchr(queries[i].server, ':') == NULL, "%s was asked with ipv6 = false", queries[i].server);
		for (const uint8_t *p = queries[i].name; *p != 0; p++) {
			MUST(*p < 'A' || *p > 'Z', "capitals with use-0x20 = false");
		}
		full += strncmp(queries[i].server, "198.18.0.", 9) == 0 && dname_label_count(queries[i].name) > 1;
	}
	MUST(full > 0, "the root saw no full name with qname-minimisation = false");
}
