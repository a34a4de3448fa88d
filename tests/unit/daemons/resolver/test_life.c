/*
 * How long answers live: refreshing, floors and ceilings, failures.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include <criterion/criterion.h>

/* example. with a name, an alias to it, and names that are not there. */
static struct sim *small_internet(void)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", "example. 86400 NS ns.example.\nns.example. 86400 A 192.0.2.2\n");
	sim_zone(sim, "192.0.2.2", "example.",
		 "www.example. 100 A 198.51.100.1\nalias.example. 1000 CNAME www.example.\n"
		 "short.example. 3 A 198.51.100.3\nzero.example. 0 A 198.51.100.4\n"
		 "long.example. 604800 A 198.51.100.5\n");
	return sim;
}

Test(refresh, asks_anew_in_the_last_tenth_only_and_replaces_what_was_there)
{
	struct sim *sim = small_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 80000;
	cr_assert_eq(sim_refresh(sim, "www.example.", RR_A).packets, 0u, "a fifth is left");
	sim->now_ms += 11000;
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).packets, 0u, "a query does not care");
	cr_assert_eq(sim_refresh(sim, "www.example.", RR_A).packets, 1u);
	cr_assert_eq(sim_refresh(sim, "www.example.", RR_A).packets, 0u, "it is young again");
	sim->now_ms += 80000;
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).packets, 0u);
	cr_assert_eq(sim->counters[STAT_RES_REFRESHES], 3u);
	sim_free(sim);
}

Test(refresh, asks_for_those_links_of_a_chain_that_end)
{
	struct sim *sim = small_internet();
	cr_assert_eq(sim_ask(sim, "alias.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 95000;
	sim_forget(sim);
	cr_assert_eq(sim_refresh(sim, "alias.example.", RR_A).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_asked(sim, "alias.example.", RR_A), 0u);
	cr_assert_eq(sim_asked(sim, "www.example.", RR_A), 1u);
	sim_free(sim);
}

Test(refresh, that_fails_takes_nothing_away)
{
	struct sim *sim = small_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 95000;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	cr_assert_eq(sim_refresh(sim, "www.example.", RR_A).rcode, RCODE_SERVFAIL);
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_assert_eq(r.rcode, RCODE_NOERROR);
	cr_assert_str_eq(r.answer, "www.example. 5 A 198.51.100.1\n");
	sim_free(sim);
}

Test(refresh, of_an_absence)
{
	struct sim *sim = small_internet();
	cr_assert_eq(sim_ask(sim, "none.example.", RR_A).rcode, RCODE_NXDOMAIN);
	sim->now_ms += 280000;
	sim_zone(sim, "192.0.2.2", "example.", "none.example. 100 A 198.51.100.9\n");
	cr_assert_eq(sim_refresh(sim, "none.example.", RR_A).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_ask(sim, "none.example.", RR_A).packets, 0u);
	sim_free(sim);
}
