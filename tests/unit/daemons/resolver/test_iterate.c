/*
 * The iteration core against a made-up Internet. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Root 192.0.2.1; com 192.0.2.2; example.com 192.0.2.3 and .4; net 192.0.2.5; example.net 192.0.2.6. */
static struct sim *small_internet(void)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".",
		 ". 86400 NS a.root.\n a.root. 86400 A 192.0.2.1\n"
		 "com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "net. 86400 NS ns.net.\n ns.net. 86400 A 192.0.2.5\n");
	sim_zone(sim, "192.0.2.2", "com.",
		 "com. 86400 NS ns.com.\n ns.com. 86400 A 192.0.2.2\n"
		 "example.com. 3600 NS ns1.example.com.\n example.com. 3600 NS ns2.example.com.\n"
		 "ns1.example.com. 3600 A 192.0.2.3\n ns2.example.com. 3600 A 192.0.2.4\n"
		 "glueless.com. 3600 NS ns.example.net.\n");
	const char *example_com =
		"example.com. 3600 NS ns1.example.com.\n example.com. 3600 NS ns2.example.com.\n"
		"ns1.example.com. 3600 A 192.0.2.3\n ns2.example.com. 3600 A 192.0.2.4\n"
		"www.example.com. 600 A 198.51.100.1\n www.example.com. 600 AAAA 2001:db8::1\n"
		"alias.example.com. 600 CNAME www.example.net.\n"
		"loop1.example.com. 600 CNAME loop2.example.com.\n"
		"loop2.example.com. 600 CNAME loop1.example.com.\n"
		"a.b.c.d.example.com. 600 A 198.51.100.9\n"
		"d.example.com. 600 DNAME example.net.\n";
	sim_zone(sim, "192.0.2.3", "example.com.", example_com);
	sim_zone(sim, "192.0.2.4", "example.com.", example_com);
	sim_zone(sim, "192.0.2.5", "net.",
		 "net. 86400 NS ns.net.\n ns.net. 86400 A 192.0.2.5\n"
		 "example.net. 3600 NS ns.example.net.\n ns.example.net. 3600 A 192.0.2.6\n");
	sim_zone(sim, "192.0.2.6", "example.net.",
		 "example.net. 3600 NS ns.example.net.\n ns.example.net. 3600 A 192.0.2.6\n"
		 "www.example.net. 600 A 198.51.100.2\n");
	sim_zone(sim, "192.0.2.6", "glueless.com.",
		 "glueless.com. 3600 NS ns.example.net.\n www.glueless.com. 600 A 198.51.100.3\n");
	return sim;
}

Test(iterate, follows_referrals_from_the_root_and_caches)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "www.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "www.example.com. 600 A 198.51.100.1\n");
	cr_assert_eq(r.packets, 3u); /* root, com, example.com */
	sim->now_ms += 100 * 1000;
	r = sim_ask(sim, "WWW.example.COM.", RR_A);
	cr_assert_eq(r.packets, 0u);
	cr_assert_str_eq(r.answer, "www.example.com. 500 A 198.51.100.1\n");
	r = sim_ask(sim, "www.example.com.", RR_AAAA); /* the way is known */
	cr_assert_eq(r.packets, 1u);
	sim->now_ms += 501 * 1000;
	r = sim_ask(sim, "www.example.com.", RR_A);
	cr_assert_eq(r.packets, 1u);
	sim_free(sim);
}

Test(iterate, minimises_what_it_asks)
{
	struct sim *sim = small_internet();
	(void)sim_ask(sim, "www.example.com.", RR_AAAA);
	cr_assert_eq(sim->servers[0].asked, 1u);
	cr_assert_str_eq(sim->asked[0].name, "com.");
	cr_assert_eq(sim->asked[0].type, RR_A);
	cr_assert_str_eq(sim->asked[1].name, "example.com.");
	cr_assert_str_eq(sim->asked[2].name, "www.example.com.");
	cr_assert_eq(sim->asked[2].type, RR_AAAA);
	sim_free(sim);
}

Test(iterate, without_minimisation_asks_the_whole_name)
{
	struct sim *sim = small_internet();
	sim->config.options.minimise = false;
	sim_configure(sim);
	struct sim_result r = sim_ask(sim, "www.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_eq(sim_asked(sim, "www.example.com.", RR_A), 3u);
	sim_free(sim);
}

Test(iterate, looks_up_servers_without_glue)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "www.glueless.com.", RR_A);
	cr_assert_str_eq(r.answer, "www.glueless.com. 600 A 198.51.100.3\n");
	cr_assert_eq(sim_asked(sim, "ns.example.net.", RR_A), 1u);
	sim_free(sim);
}

Test(iterate, glue_of_the_servers_own_zone_is_the_last_resort)
{
	struct sim *sim = small_internet();
	/* ns.other.net says of itself that it is where nobody is; its parent knows better. */
	sim_zone(sim, "192.0.2.2", "com.", "second.com. 3600 NS ns.other.net.\n");
	sim_zone(sim, "192.0.2.5", "net.", "other.net. 3600 NS ns.other.net.\n ns.other.net. 3600 A 192.0.2.7\n");
	sim_zone(sim, "192.0.2.7", "other.net.", "ns.other.net. 3600 A 192.0.2.8\n");
	sim_zone(sim, "192.0.2.7", "second.com.", "www.second.com. 600 A 198.51.100.4\n");
	sim_server(sim, "192.0.2.8")->flags = SIM_SILENT;
	struct sim_result r = sim_ask(sim, "www.second.com.", RR_A);
	cr_assert_str_eq(r.answer, "www.second.com. 600 A 198.51.100.4\n");
	cr_assert_gt(sim_server(sim, "192.0.2.8")->asked, 0u, "the zone's own word comes first");
	sim_free(sim);
}

Test(iterate, follows_aliases_across_zones)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "alias.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "alias.example.com. 600 CNAME www.example.net.\n"
				   "www.example.net. 600 A 198.51.100.2\n");
	r = sim_ask(sim, "alias.example.com.", RR_A);
	cr_assert_eq(r.packets, 0u);
	cr_assert_str_eq(r.answer, "alias.example.com. 600 CNAME www.example.net.\n"
				   "www.example.net. 600 A 198.51.100.2\n");
	sim_free(sim);
}

Test(iterate, a_cname_made_by_a_dname_is_answered_with_it)
{
	struct sim *sim = small_internet();
	for (unsigned turn = 0; turn < 2; turn++) { /* from the server, from the cache */
		struct sim_result r = sim_ask(sim, "www.d.example.com.", RR_CNAME);
		cr_assert_eq(r.rcode, RCODE_NOERROR);
		cr_assert_str_eq(r.answer, "d.example.com. 600 DNAME example.net.\n"
					   "www.d.example.com. 600 CNAME www.example.net.\n");
	}
	struct sim_result r = sim_ask(sim, "alias.example.com.", RR_CNAME);
	cr_assert_str_eq(r.answer, "alias.example.com. 600 CNAME www.example.net.\n");
	sim_free(sim);
}

Test(iterate, follows_dname_and_makes_the_cname)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "www.d.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "d.example.com. 600 DNAME example.net.\n"
				   "www.d.example.com. 600 CNAME www.example.net.\n"
				   "www.example.net. 600 A 198.51.100.2\n");
	sim_free(sim);
}

Test(iterate, alias_circle_is_servfail)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "loop1.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_SERVFAIL);
	cr_assert_eq(r.ede, EDE_OTHER);
	cr_assert_leq(r.packets, 5u);
	cr_assert_geq(r.budget, 230u, "seen at once, not after many steps: %u", r.budget);
	sim_free(sim);
}

Test(iterate, ttls_have_a_ceiling)
{
	struct sim *sim = small_internet();
	sim_zone(sim, "192.0.2.6", "example.net.", "long.example.net. 2000000 A 198.51.100.2\n");
	struct sim_result r = sim_ask(sim, "long.example.net.", RR_A);
	cr_assert_str_eq(r.answer, "long.example.net. 86400 A 198.51.100.2\n");
	sim->now_ms += UINT64_C(86400) * 1000;
	cr_assert_gt(sim_ask(sim, "long.example.net.", RR_A).packets, 0u);
	sim_free(sim);
}

Test(iterate, caches_absence_with_its_soa)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "none.example.com.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NXDOMAIN);
	cr_assert_str_eq(r.authority, "example.com. 300 SOA ...\n");
	r = sim_ask(sim, "none.example.com.", RR_AAAA);
	cr_assert_eq(r.rcode, RCODE_NXDOMAIN);
	cr_assert_eq(r.packets, 0u);
	r = sim_ask(sim, "www.example.com.", RR_TXT);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "");
	cr_assert_str_eq(r.authority, "example.com. 300 SOA ...\n");
	r = sim_ask(sim, "www.example.com.", RR_TXT);
	cr_assert_eq(r.packets, 0u);
	sim_free(sim);
}

Test(iterate, missing_top_level_domain_costs_the_root_one_question)
{
	struct sim *sim = small_internet();
	struct sim_result r = sim_ask(sim, "a.b.nowhere.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NXDOMAIN);
	cr_assert_eq(sim_asked(sim, "nowhere.", RR_A), 1u);
	cr_assert_eq(r.packets, 1u);
	r = sim_ask(sim, "c.nowhere.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NXDOMAIN);
	cr_assert_eq(r.packets, 0u);
	sim_free(sim);
}

Test(iterate, long_names_below_one_cut_are_minimised_within_bounds)
{
	struct sim *sim = small_internet();
	char name[256] = "";
	char text[400];
	for (unsigned i = 0; i < 32; i++) {
		strcat(name, "a.");
	}
	strcat(name, "example.net.");
	snprintf(text, sizeof(text), "%s 60 A 198.51.100.7\n", name);
	sim_zone(sim, "192.0.2.6", "example.net.", text);
	struct sim_result r = sim_ask(sim, name, RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_leq(r.packets, 13u);
	sim_forget(sim);
	r = sim_ask(sim, "a.b.c.d.e.f.example.com.", RR_A); /* two servers, six labels */
	cr_assert_eq(r.rcode, RCODE_NXDOMAIN);
	sim_free(sim);
}
