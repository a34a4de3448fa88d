/*
 * The core against broken, lying and hostile servers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Root 192.0.2.1 with com at 192.0.2.2; victim.com at 192.0.2.3 and .4. */
static struct sim *internet(void)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".",
		 ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "net. 86400 NS ns.com.\n");
	sim_zone(sim, "192.0.2.2", "com.",
		 "com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "victim.com. 3600 NS ns1.victim.com.\n victim.com. 3600 NS ns2.victim.com.\n"
		 "ns1.victim.com. 3600 A 192.0.2.3\n ns2.victim.com. 3600 A 192.0.2.4\n"
		 "evil.com. 3600 NS ns.evil.com.\n ns.evil.com. 3600 A 192.0.2.66\n");
	const char *zone = "victim.com. 3600 NS ns1.victim.com.\n victim.com. 3600 NS ns2.victim.com.\n"
			   "ns1.victim.com. 3600 A 192.0.2.3\n ns2.victim.com. 3600 A 192.0.2.4\n"
			   "www.victim.com. 60 A 198.51.100.1\n a.b.c.victim.com. 60 A 198.51.100.2\n";
	sim_zone(sim, "192.0.2.3", "victim.com.", zone);
	sim_zone(sim, "192.0.2.4", "victim.com.", zone);
	sim_zone(sim, "192.0.2.66", "evil.com.",
		 "evil.com. 3600 NS ns.evil.com.\n www.evil.com. 60 A 203.0.113.66\n");
	return sim;
}

static void on_both(struct sim *sim, unsigned flags)
{
	sim_server(sim, "192.0.2.3")->flags = flags;
	sim_server(sim, "192.0.2.4")->flags = flags;
}

static void expect_www(struct sim *sim, const char *why)
{
	struct sim_result r = sim_ask(sim, "www.victim.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR, "%s", why);
	cr_assert_str_eq(r.answer, "www.victim.com. 60 A 198.51.100.1\n", "%s", why);
}

Test(hostile, one_bad_server_of_two_does_not_matter_and_is_remembered)
{
	static const struct {
		const char *what;
		unsigned flags;
	} cases[] = {
		{ "silent", SIM_SILENT },   { "a cache", SIM_CACHE },	   { "refused", SIM_REFUSED },
		{ "servfail", SIM_SERVFAIL }, { "upward referral", SIM_UPWARD }, { "no route", SIM_NO_ROUTE },
		{ "TC without TCP", SIM_TRUNCATES | SIM_NO_TCP },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		for (unsigned turn = 0; turn < 8; turn++) { /* whichever is chosen first */
			struct sim *sim = internet();
			struct sim_server *bad = sim_server(sim, "192.0.2.3");
			bad->flags = cases[i].flags;
			expect_www(sim, cases[i].what);
			if (bad->asked > 0 && (cases[i].flags & (SIM_CACHE | SIM_REFUSED | SIM_UPWARD)) != 0) {
				sim_forget(sim);
				sim->now_ms += 61000; /* expired, but within the memory of lameness? */
				if (cases[i].flags != SIM_REFUSED) {
					expect_www(sim, cases[i].what);
					cr_assert_eq(bad->asked, 0u, "%s was remembered", cases[i].what);
				}
			}
			sim_free(sim);
		}
	}
}

Test(hostile, all_servers_bad_is_servfail_with_a_reason_and_few_packets)
{
	static const unsigned cases[] = { SIM_SILENT, SIM_CACHE, SIM_REFUSED, SIM_SERVFAIL, SIM_UPWARD,
					  SIM_NO_ROUTE };
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim *sim = internet();
		on_both(sim, cases[i]);
		struct sim_result r = sim_ask(sim, "www.victim.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL, "case %u", i);
		cr_assert_eq(r.ede, cases[i] == SIM_NO_ROUTE ? EDE_NETWORK_ERROR : EDE_NO_REACHABLE_AUTHORITY, "case %u", i);
		cr_assert_leq(r.packets, 8u, "case %u: %u", i, r.packets);
		cr_assert_leq(r.took_ms, 10001u, "case %u", i);
		/* RFC 9520: asked again at once, nobody is bothered. */
		r = sim_ask(sim, "www.victim.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL);
		cr_assert_eq(r.ede, EDE_CACHED_ERROR);
		cr_assert_eq(r.packets, 0u);
		/* It comes back when the servers do. */
		on_both(sim, 0);
		sim->now_ms += 400 * 1000;
		expect_www(sim, "back");
		sim_free(sim);
	}
}

Test(hostile, a_server_that_forgets_aa_is_believed)
{
	struct sim *sim = internet();
	on_both(sim, SIM_NO_AA);
	expect_www(sim, "no AA");
	cr_assert_eq(sim_ask(sim, "none.victim.com.", RR_A).rcode, RCODE_NXDOMAIN);
	cr_assert_eq(sim_ask(sim, "www.victim.com.", RR_MX).rcode, RCODE_NOERROR);
	sim_free(sim);
}

static uint16_t aaaa_flags;

/* Load balancers that know A only: an error, or somebody's shrug, for every other type. */
static int only_a_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	(void)sim;
	(void)server;
	(void)tcp;
	struct compose c;
	if (q->qtype != RR_AAAA) {
		return -1;
	}
	compose_begin(&c, wire, DNS_MESSAGE_MAX, 0, q->id, (uint16_t)(FLAG_QR | aaaa_flags), q->qname, q->qtype,
		      q->qclass);
	return (int)compose_finish(&c, NULL);
}

Test(hostile, a_bad_answer_to_one_question_does_not_take_the_zone_from_all)
{
	static const uint16_t cases[] = { RCODE_SERVFAIL, RCODE_REFUSED, RCODE_NOTIMP, 0 /* no AA: lame */ };
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim *sim = internet();
		aaaa_flags = cases[i];
		sim_server(sim, "192.0.2.3")->hook = only_a_hook;
		sim_server(sim, "192.0.2.4")->hook = only_a_hook;
		struct sim_result r = sim_ask(sim, "www.victim.com.", RR_AAAA);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL, "case %u", i);
		expect_www(sim, "another type of the same name");
		r = sim_ask(sim, "a.b.c.victim.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_NOERROR, "case %u: another name", i);
		sim_free(sim);
	}
}

/* Whoever delegates to a stranger's servers cannot have each of his names refused by each of them. */
Test(hostile, servers_that_refuse_are_not_all_asked_again_for_every_name)
{
	struct sim *sim = internet();
	char addr[32];
	char name[32];
	sim_zone(sim, "192.0.2.2", "com.",
		 "lame.com. 3600 NS ns.lame.com.\n ns.lame.com. 3600 A 192.0.2.71\n ns.lame.com. 3600 A 192.0.2.72\n"
		 "ns.lame.com. 3600 A 192.0.2.73\n ns.lame.com. 3600 A 192.0.2.74\n"
		 "ns.lame.com. 3600 A 192.0.2.75\n ns.lame.com. 3600 A 192.0.2.76\n");
	for (unsigned i = 71; i <= 76; i++) {
		snprintf(addr, sizeof(addr), "192.0.2.%u", i);
		sim_server(sim, addr)->flags = SIM_REFUSED;
	}
	struct sim_result r = sim_ask(sim, "n.lame.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_geq(r.packets, 6u, "each is asked once: %u", r.packets);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "n%u.lame.com.", i);
		r = sim_ask(sim, name, RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL);
		cr_assert_leq(r.packets, 2u, "%s: %u", name, r.packets);
	}
	sim_free(sim);
}

Test(hostile, silent_servers_are_left_alone_for_longer_and_longer)
{
	struct sim *sim = internet();
	on_both(sim, SIM_SILENT);
	for (unsigned i = 0; i < 4; i++) {
		(void)sim_ask(sim, "www.victim.com.", RR_A);
		sim->now_ms += 5500;
	}
	sim_forget(sim);
	char name[64];
	for (unsigned i = 0; i < 50; i++) { /* all within one second */
		snprintf(name, sizeof(name), "n%u.victim.com.", i);
		struct sim_result r = sim_ask(sim, name, RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL);
		if (sim->asked_count > 10) {
			break;
		}
	}
	cr_assert_leq(sim_server(sim, "192.0.2.3")->asked + sim_server(sim, "192.0.2.4")->asked, 100u);
	on_both(sim, 0);
	sim->now_ms += 6000;
	expect_www(sim, "probed and found alive");
	sim_free(sim);
}

Test(hostile, truncation_leads_to_tcp)
{
	struct sim *sim = internet();
	on_both(sim, SIM_TRUNCATES);
	expect_www(sim, "TCP");
	cr_assert_geq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u);
	sim_free(sim);
}

Test(hostile, edns_is_left_out_where_it_is_not_understood_and_that_is_remembered)
{
	static const unsigned cases[] = { SIM_NO_EDNS, SIM_DROPS_EDNS };
	for (unsigned i = 0; i < 2; i++) {
		struct sim *sim = internet();
		sim_server(sim, "192.0.2.4")->flags = SIM_REFUSED;
		sim_server(sim, "192.0.2.3")->flags = cases[i];
		struct sim_result r = sim_ask(sim, "www.victim.com.", RR_A);
		if (cases[i] == SIM_DROPS_EDNS && r.rcode != RCODE_NOERROR) { /* two silences, then the next question */
			sim->now_ms += 6000;
			r = sim_ask(sim, "www.victim.com.", RR_A);
		}
		cr_assert_eq(r.rcode, RCODE_NOERROR, "case %u", i);
		sim_forget(sim);
		sim->now_ms += 61000;
		expect_www(sim, "EDNS");
		for (unsigned k = 0; k < sim->asked_count; k++) {
			if (sim->asked[k].server.bytes[3] == 3) {
				cr_assert_not(sim->asked[k].edns, "remembered");
			}
		}
		sim_free(sim);
	}
}

Test(hostile, a_server_that_changes_case_is_asked_over_tcp_once_then_without_0x20)
{
	struct sim *sim = internet();
	on_both(sim, SIM_LOWER_CASE);
	expect_www(sim, "lower case");
	cr_assert_geq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u);
	uint64_t tcp = sim->counters[STAT_RES_UPSTREAM_TCP];
	for (unsigned i = 0; i < 4; i++) {
		sim->now_ms += 61000;
		expect_www(sim, "lower case");
	}
	cr_assert_leq(sim->counters[STAT_RES_UPSTREAM_TCP], tcp + 1); /* the other server */
	sim_free(sim);
}

Test(hostile, minimisation_gives_way_where_it_is_not_understood)
{
	static const unsigned cases[] = { SIM_NO_ENT, SIM_NO_MINIMISED };
	for (unsigned i = 0; i < 2; i++) {
		struct sim *sim = internet();
		on_both(sim, cases[i]);
		struct sim_result r = sim_ask(sim, "a.b.c.victim.com.", RR_A);
		cr_assert_eq(r.rcode, RCODE_NOERROR, "case %u", i);
		cr_assert_str_eq(r.answer, "a.b.c.victim.com. 60 A 198.51.100.2\n");
		sim_free(sim);
	}
}

/* --- forgeries ---------------------------------------------------------------------------------------- */

static unsigned junk_left;

static int junk_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	if (tcp || junk_left == 0) {
		return -1;
	}
	junk_left--;
	int len = sim_usual(sim, server, q, tcp, wire);
	wire[len - 1] = 0xc0; /* ends in half a pointer or worse */
	wire[7] = 9;	      /* more records than there are */
	return len;
}

Test(hostile, a_broken_reply_is_no_reply_and_tcp_comes_next)
{
	struct sim *sim = internet();
	sim_server(sim, "192.0.2.3")->hook = junk_hook;
	sim_server(sim, "192.0.2.4")->hook = junk_hook;
	junk_left = 1;
	expect_www(sim, "broken reply");
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_MALFORMED], 1u);
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u);
	sim_free(sim);
}

static int cut_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	int len = sim_usual(sim, server, q, tcp, wire);
	if (tcp || (q->qname[0] != 3 && q->qname[0] != 1)) { /* leaves minimised questions alone */
		return len;
	}
	wire[2] |= FLAG_TC >> 8;
	return len - 3;
}

/* RFC 2181 9: some servers cut where the octets end, not where a record does. */
Test(hostile, a_reply_cut_within_a_record_goes_to_tcp_at_once)
{
	struct sim *sim = internet();
	sim_server(sim, "192.0.2.3")->hook = cut_hook;
	sim_server(sim, "192.0.2.4")->hook = cut_hook;
	struct sim_result r = sim_ask(sim, "www.victim.com.", RR_A);
	cr_assert_str_eq(r.answer, "www.victim.com. 60 A 198.51.100.1\n");
	cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_TCP], 1u);
	cr_assert_leq(r.took_ms, 500u, "waited %llu ms", (unsigned long long)r.took_ms);
	sim_free(sim);
}

/* Each way to differ from the question is no reply. */
Test(hostile, replies_are_matched_in_every_part)
{
	struct sim *sim = internet();
	sim->config.options.use_0x20 = false;
	sim_configure(sim);
	uint8_t name[DNAME_MAX];
	sim_name("www.victim.com.", name);
	for (unsigned change = 0; change < 8; change++) {
		struct resolution *r = core_start(sim->core, &(struct core_question){ .name = name, .type = RR_A, .budget = 250 },
						  sim, sim->now_ms);
		cr_assert_not_null(r);
		struct upstream *u = core_next_send(sim->core);
		cr_assert_not_null(u);
		uint8_t wire[512];
		size_t len = u->wire_len;
		memcpy(wire, u->wire, len);
		wire[2] |= 0x84;
		switch (change) {
		case 0: wire[0] ^= 1; break;			/* id */
		case 1: wire[2] &= 0x7f; break;			/* a query */
		case 2: wire[2] |= 0x20; break;			/* opcode */
		case 3: wire[5] = 0; break;			/* no question */
		case 4: wire[5] = 2; break;			/* two */
		case 5: wire[13] ^= 3; break;			/* name */
		case 6: wire[12 + u->name_len + 1] ^= 1; break; /* type */
		default: wire[12 + u->name_len + 3] ^= 2; break; /* class */
		}
		uint64_t before = sim->counters[STAT_RES_UPSTREAM_MISMATCHES];
		cr_assert_not(core_reply(sim->core, u, wire, len, sim->now_ms), "change %u", change);
		cr_assert_eq(sim->counters[STAT_RES_UPSTREAM_MISMATCHES], before + 1);
		for (size_t cut = 0; cut < 12; cut++) { /* short ones, until TCP */
			if (core_reply(sim->core, u, wire, cut, sim->now_ms)) {
				break;
			}
		}
		u = core_next_send(sim->core);
		cr_assert(u != NULL && u->tcp, "three strange packets lead to TCP");
		core_failed(sim->core, u, UPSTREAM_CLOSED, sim->now_ms);
		while ((u = core_next_send(sim->core)) != NULL) {
			core_timeout(sim->core, u, sim->now_ms + 11000);
		}
		r = core_next_done(sim->core);
		cr_assert_not_null(r);
		core_release(r);
		sim->now_ms += 400000;
	}
	sim_free(sim);
}

Test(hostile, equal_questions_of_different_resolutions_are_sent_once)
{
	struct sim *sim = internet();
	uint8_t a[DNAME_MAX];
	uint8_t b[DNAME_MAX];
	sim_name("a.victim.com.", a);
	sim_name("b.victim.com.", b);
	cr_assert_not_null(core_start(sim->core, &(struct core_question){ .name = a, .type = RR_A, .budget = 250 }, sim,
				      sim->now_ms));
	cr_assert_not_null(core_start(sim->core, &(struct core_question){ .name = b, .type = RR_A, .budget = 250 }, sim,
				      sim->now_ms));
	struct upstream *u = core_next_send(sim->core); /* "com A" */
	cr_assert_not_null(u);
	cr_assert_null(core_next_send(sim->core));
	sim_free(sim);
}

/* --- poison ------------------------------------------------------------------------------------------- */

static void put_rr(struct compose *c, enum section section, const char *owner, uint16_t type, const char *rdata)
{
	uint8_t name[DNAME_MAX];
	uint8_t bytes[512];
	cr_assert_gt(dname_from_text(owner, name), 0);
	uint16_t len = sim_rdata(type, rdata, bytes);
	cr_assert_eq(compose_rr(c, section, name, type, CLASS_IN, 3600, bytes, len), BH_OK);
}

/* An answer with everything that must not be believed. */
static int poison_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	struct compose c;
	(void)sim;
	(void)server;
	(void)tcp;
	compose_begin(&c, wire, 4096, 0, q->id, FLAG_QR | FLAG_AA, q->qname, q->qtype, q->qclass);
	put_rr(&c, SECTION_ANSWER, "alias.evil.com.", RR_CNAME, "www.victim.com.");
	put_rr(&c, SECTION_ANSWER, "www.victim.com.", RR_A, "203.0.113.66");
	put_rr(&c, SECTION_ANSWER, "victim.com.", RR_DNAME, "evil.com.");
	put_rr(&c, SECTION_AUTHORITY, "victim.com.", RR_NS, "ns.evil.com.");
	put_rr(&c, SECTION_AUTHORITY, "com.", RR_NS, "ns.evil.com.");
	put_rr(&c, SECTION_AUTHORITY, "evil.com.", RR_NS, "ns.evil.net.");
	put_rr(&c, SECTION_ADDITIONAL, "ns1.victim.com.", RR_A, "203.0.113.66");
	put_rr(&c, SECTION_ADDITIONAL, "ns.com.", RR_A, "203.0.113.66");
	put_rr(&c, SECTION_ADDITIONAL, "a.root.", RR_A, "203.0.113.66");
	return (int)compose_finish(&c, NULL);
}

Test(hostile, nothing_unsolicited_is_believed)
{
	struct sim *sim = internet();
	sim_server(sim, "192.0.2.66")->hook = poison_hook;
	struct sim_result r = sim_ask(sim, "alias.evil.com.", RR_A);
	cr_assert_str_eq(r.answer, "alias.evil.com. 3600 CNAME www.victim.com.\nwww.victim.com. 60 A 198.51.100.1\n");
	expect_www(sim, "poison");
	r = sim_ask(sim, "victim.com.", RR_NS);
	cr_assert(strstr(r.answer, "evil") == NULL, "%s", r.answer);
	sim->now_ms += 61000;
	sim_forget(sim);
	(void)sim_ask(sim, "x.victim.com.", RR_A);
	cr_assert_eq(sim_server(sim, "192.0.2.66")->asked, 0u);
	for (unsigned i = 0; i < sim->asked_count; i++) {
		cr_assert_neq(sim->asked[i].server.bytes[0], 203);
	}
	sim_free(sim);
}

/* evil.com refers sub.evil.com to servers of others, with wrong addresses for them. */
static int glue_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	struct compose c;
	(void)sim;
	(void)server;
	(void)tcp;
	compose_begin(&c, wire, 4096, 0, q->id, FLAG_QR, q->qname, q->qtype, q->qclass);
	put_rr(&c, SECTION_AUTHORITY, "sub.evil.com.", RR_NS, "ns1.victim.com.");
	put_rr(&c, SECTION_AUTHORITY, "sub.evil.com.", RR_NS, "l.evil.com.");
	put_rr(&c, SECTION_ADDITIONAL, "ns1.victim.com.", RR_A, "203.0.113.66");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_A, "127.0.0.1");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_A, "0.0.0.0");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_A, "224.0.0.1");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_AAAA, "::1");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_AAAA, "::ffff:127.0.0.1");
	put_rr(&c, SECTION_ADDITIONAL, "l.evil.com.", RR_AAAA, "ff02::1");
	return (int)compose_finish(&c, NULL);
}

Test(hostile, glue_from_outside_and_harmful_addresses_are_not_used)
{
	struct sim *sim = internet();
	sim_server(sim, "192.0.2.66")->hook = glue_hook;
	(void)sim_ask(sim, "x.sub.evil.com.", RR_A);
	for (unsigned i = 0; i < sim->asked_count; i++) {
		const uint8_t *b = sim->asked[i].server.bytes;
		cr_assert_eq(sim->asked[i].server.family, ADDR_V4);
		cr_assert(b[0] == 192, "asked %u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	}
	sim_free(sim);
}

Test(hostile, ghost_domains_die_at_the_parents_deadline)
{
	struct sim *sim = internet();
	(void)sim_ask(sim, "www.evil.com.", RR_A);
	/* The registry withdraws it: com says NXDOMAIN from now on. */
	for (unsigned i = 0; i < sim->record_count; i++) {
		struct sim_record *rr = &sim->records[i];
		uint8_t evil[DNAME_MAX];
		sim_name("evil.com.", evil);
		if (rr->server == 1 && dname_is_under(rr->owner, evil)) {
			sim_name("gone.gone.com.", rr->owner);
			rr->type = RR_TXT;
		}
	}
	/* Its servers go on answering, NS and addresses included; it is asked for often. */
	uint16_t rcode = RCODE_NOERROR;
	for (unsigned i = 0; i < 70; i++) {
		sim->now_ms += 61 * 1000;
		(void)sim_ask(sim, "evil.com.", RR_NS);
		(void)sim_ask(sim, "ns.evil.com.", RR_A);
		rcode = sim_ask(sim, "www.evil.com.", RR_A).rcode;
		if (i < 50) {
			cr_assert_eq(rcode, RCODE_NOERROR);
		}
	}
	cr_assert_eq(rcode, RCODE_NXDOMAIN, "3600 s after the referral the delegation is over");
	sim_free(sim);
}

Test(hostile, nested_delegations_do_not_outlive_the_outer_one)
{
	struct sim *sim = internet();
	sim_zone(sim, "192.0.2.66", "evil.com.", "sub.evil.com. 80000 NS ns.sub.evil.com.\n"
						 "ns.sub.evil.com. 80000 A 192.0.2.67\n");
	sim_zone(sim, "192.0.2.67", "sub.evil.com.", "www.sub.evil.com. 60 A 203.0.113.66\n");
	cr_assert_eq(sim_ask(sim, "www.sub.evil.com.", RR_A).rcode, RCODE_NOERROR);
	sim_forget(sim);
	sim->now_ms += 3601 * 1000;
	(void)sim_ask(sim, "www.sub.evil.com.", RR_A);
	cr_assert_gt(sim_server(sim, "192.0.2.2")->asked, 0u, "com is asked again");
	sim_free(sim);
}

/* --- work --------------------------------------------------------------------------------------------- */

Test(hostile, nxns_costs_few_packets)
{
	struct sim *sim = internet();
	char text[8192] = "evil.com. 3600 NS ns.evil.com.\n";
	for (unsigned i = 0; i < 100; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "x.evil.com. 0 NS n%u.victim.com.\n", i);
	}
	sim_zone(sim, "192.0.2.66", "evil.com.", text);
	struct sim_result r = sim_ask(sim, "a.x.evil.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_leq(sim_server(sim, "192.0.2.3")->asked + sim_server(sim, "192.0.2.4")->asked, 5u);
	cr_assert_leq(r.packets, 12u);
	sim_free(sim);
}

Test(hostile, nested_glueless_delegations_are_bounded_by_depth_and_budget)
{
	struct sim *sim = internet();
	char text[16384] = "evil.com. 3600 NS ns.evil.com.\n";
	for (unsigned level = 0; level < 12; level++) {
		for (unsigned i = 0; i < 8; i++) {
			size_t used = strlen(text);
			snprintf(text + used, sizeof(text) - used, "z%u.evil.com. 0 NS n%u.z%u.evil.com.\n", level, i,
				 level + 1);
		}
	}
	sim_zone(sim, "192.0.2.66", "evil.com.", text);
	struct sim_result r = sim_ask(sim, "a.z0.evil.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_leq(r.packets, 83u, "%u", r.packets);
	cr_assert_eq(r.lookups, LOOKUPS_MAX, "%u", r.lookups);
	cr_assert_gt(sim_asked(sim, "z4.evil.com.", RR_A), 0u);
	cr_assert_eq(sim_asked(sim, "z5.evil.com.", RR_A), 0u, "no deeper than FRAME_DEPTH_MAX");
	sim_free(sim);
}

Test(hostile, circles_of_name_servers_end)
{
	struct sim *sim = internet();
	sim_zone(sim, "192.0.2.2", "net.", "one.net. 3600 NS ns.two.net.\n two.net. 3600 NS ns.one.net.\n"
					   "self.net. 3600 NS ns.self.net.\n");
	static const char *const names[] = { "www.one.net.", "www.two.net.", "www.self.net." };
	for (unsigned i = 0; i < 3; i++) {
		struct sim_result r = sim_ask(sim, names[i], RR_A);
		cr_assert_eq(r.rcode, RCODE_SERVFAIL, "%s", names[i]);
		cr_assert_leq(r.packets, 4u, "%s %u", names[i], r.packets);
		cr_assert_geq(r.budget, 220u, "%s %u", names[i], r.budget);
	}
	sim_free(sim);
}

Test(hostile, long_chains_of_aliases_end)
{
	struct sim *sim = internet();
	char text[8192] = "evil.com. 3600 NS ns.evil.com.\n";
	for (unsigned i = 0; i < 60; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "c%u.evil.com. 0 CNAME c%u.evil.com.\n", i, i + 1);
	}
	sim_zone(sim, "192.0.2.66", "evil.com.", text);
	struct sim_result r = sim_ask(sim, "c0.evil.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_leq(r.packets, 16u);
	sim_free(sim);
}

Test(hostile, budget_is_spent_and_never_refilled)
{
	for (uint32_t budget = 0; budget < 12; budget++) {
		struct sim *sim = internet();
		struct sim_result r = sim_ask_budget(sim, "www.victim.com.", RR_A, budget);
		cr_assert_leq(r.packets * COST_UDP, budget);
		cr_assert_eq(r.rcode, budget < 3 * COST_UDP ? RCODE_SERVFAIL : RCODE_NOERROR, "%u", budget);
		if (r.rcode == RCODE_SERVFAIL) {
			cr_assert_eq(r.ede, EDE_OTHER);
			cr_assert_eq(sim->counters[STAT_RES_BUDGET_STOPS], 1u);
		}
		sim_free(sim);
	}
}

Test(hostile, many_silent_servers_end_in_servfail_in_time)
{
	struct sim *sim = internet();
	char text[4096] = "";
	for (unsigned i = 0; i < 13; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used,
			 "dead.com. 60 NS n%u.dead.com.\n n%u.dead.com. 60 A 192.0.2.%u\n", i, i, 100 + i);
	}
	sim_zone(sim, "192.0.2.2", "com.", text);
	struct sim_result r = sim_ask(sim, "www.dead.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_eq(r.ede, EDE_NO_REACHABLE_AUTHORITY);
	cr_assert_geq(r.took_ms, 9000u);
	cr_assert_leq(r.took_ms, (uint64_t)RESOLUTION_MS);
	sim_free(sim);
}

Test(hostile, a_flood_of_names_leaves_the_ways_to_others_known)
{
	struct sim *sim = internet();
	sim->config.cache_bytes = 65536;
	sim_configure(sim);
	sim_zone(sim, "192.0.2.2", "net.", "far.net. 3600 NS ns1.victim.com.\n");
	sim_zone(sim, "192.0.2.3", "far.net.", "www.far.net. 1 A 198.51.100.9\n");
	cr_assert_eq(sim_ask(sim, "www.far.net.", RR_A).rcode, RCODE_NOERROR);
	for (unsigned i = 0; i < 500; i++) {
		char name[64];
		snprintf(name, sizeof(name), "n%u.victim.com.", i);
		(void)sim_ask(sim, name, RR_A);
		sim_forget(sim);
	}
	sim->now_ms += 2000;
	struct sim_result r = sim_ask(sim, "www.far.net.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_eq(r.packets, 1u, "delegation and the address of its server are still there");
	core_count_cache(sim->core);
	cr_assert_gt(sim->counters[STAT_RES_CACHE_EVICTIONS], 0u);
	sim_free(sim);
}

Test(hostile, slow_servers_end_in_servfail_at_the_deadline)
{
	struct sim *sim = internet();
	/* Every level takes its time, none is silent. */
	for (unsigned i = 0; i < sim->server_count; i++) {
		sim->servers[i].rtt_ms = 2500;
	}
	struct sim_result r = sim_ask(sim, "www.victim.com.", RR_A);
	cr_assert_leq(r.took_ms, 10001u);
	cr_assert(r.rcode == RCODE_SERVFAIL || r.rcode == RCODE_NOERROR);
	sim_free(sim);
}

Test(hostile, aliases_of_name_servers_are_not_followed)
{
	struct sim *sim = internet();
	sim_zone(sim, "192.0.2.66", "evil.com.", "x.evil.com. 60 NS n.evil.com.\n");
	sim_zone(sim, "192.0.2.2", "net.", "cam.net. 60 NS alias.evil.com.\n");
	sim_zone(sim, "192.0.2.66", "evil.com.", "alias.evil.com. 60 CNAME www.victim.com.\n");
	struct sim_result r = sim_ask(sim, "a.cam.net.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_eq(sim_asked(sim, "www.victim.com.", 0), 0u);
	sim_free(sim);
}

/* Questions that need much memory, all waiting at the same time: modest ones are still answered. */
Test(hostile, memory_of_all_questions_together_has_a_ceiling)
{
	struct sim *sim = internet();
	uint8_t name[DNAME_MAX];
	char text[64];
	sim->core->pending.limit = 1024 * 1024;
	unsigned started = 0;
	unsigned refused = 0;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "n%u.victim.com.", i);
		sim_name(text, name);
		struct core_question question = { .name = name, .type = RR_A, .budget = 250 };
		struct resolution *r = core_start(sim->core, &question, NULL, sim->now_ms);
		refused += r == NULL;
		started += r != NULL;
		cr_assert_leq(sim->core->pending.used, sim->core->pending.limit);
	}
	cr_assert_eq(started, 1024u / 8);
	cr_assert_eq(refused, 200u - started, "said at once, with an error");
	/* They end, and everything is given back. */
	struct upstream *u;
	struct resolution *r;
	while ((u = core_next_send(sim->core)) != NULL) {
		sim->now_ms += 11000;
		core_timeout(sim->core, u, sim->now_ms);
	}
	while ((r = core_next_done(sim->core)) != NULL) {
		core_release(r);
	}
	cr_assert_eq(sim->core->pending.used, 0u);
	expect_www(sim, "service goes on");
	sim_free(sim);
}

/* What is known of servers is part of the configured memory. */
Test(hostile, facts_about_servers_count_as_cache)
{
	static const uint64_t sizes[] = { 1 << 20, 16 << 20, 256 << 20 };
	for (unsigned i = 0; i < 3; i++) {
		struct sim *sim = sim_new();
		sim->config.cache_bytes = sizes[i];
		sim_configure(sim);
		size_t servers = servers_bytes(sim->core->servers);
		cr_assert_lt(servers, sizes[i] / 16);
		cr_assert_leq(sim->core->cache_room + servers, sizes[i]);
		sim_free(sim);
	}
}
