/*
 * How long answers live: refreshing, floors and ceilings, failures.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/dname.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdio.h>

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

Test(fresh, takes_nothing_from_the_cache_neither_answers_nor_failures)
{
	struct sim *sim = small_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	uint64_t queries = sim->counters[STAT_RES_QUERIES];
	sim->fresh = true;
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).packets, 1u, "the cut is known, the answer does not count");
	cr_assert_eq(sim->counters[STAT_RES_QUERIES], queries, "nobody's question");
	sim->fresh = false;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	cr_assert_eq(sim_ask(sim, "other.example.", RR_A).rcode, RCODE_SERVFAIL);
	cr_assert_eq(sim_ask(sim, "other.example.", RR_A).packets, 0u);
	sim->fresh = true;
	cr_assert_gt(sim_ask(sim, "other.example.", RR_A).packets, 0u);
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

Test(life, floors_and_ceilings_of_the_operator)
{
	static const struct {
		uint32_t min, max, max_negative;
		const char *name;
		const char *answer; /* NULL: an absence */
		uint32_t negative_ttl;
	} cases[] = {
		{ 0, 86400, 10800, "www.example.", "www.example. 100 A 198.51.100.1\n", 0 },
		{ 300, 86400, 10800, "www.example.", "www.example. 300 A 198.51.100.1\n", 0 },
		{ 300, 86400, 10800, "zero.example.", "zero.example. 300 A 198.51.100.4\n", 0 },
		{ 0, 86400, 10800, "long.example.", "long.example. 86400 A 198.51.100.5\n", 0 },
		{ 0, 604800, 10800, "long.example.", "long.example. 604800 A 198.51.100.5\n", 0 },
		{ 0, 50, 10800, "www.example.", "www.example. 50 A 198.51.100.1\n", 0 },
		{ 0, 86400, 10800, "none.example.", NULL, 300 },
		{ 0, 86400, 60, "none.example.", NULL, 60 },
		{ 0, 50, 60, "none.example.", NULL, 50 },
		{ 600, 86400, 10800, "none.example.", NULL, 600 },
		{ 600, 86400, 60, "none.example.", NULL, 60 },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim *sim = small_internet();
		sim->config.options.min_ttl_sec = cases[i].min;
		sim->config.options.max_ttl_sec = cases[i].max;
		sim->config.options.max_negative_ttl_sec = cases[i].max_negative;
		sim_configure(sim);
		for (unsigned again = 0; again < 2; again++) { /* as it came, and from the cache */
			struct sim_result r = sim_ask(sim, cases[i].name, RR_A);
			if (cases[i].answer != NULL) {
				cr_expect_str_eq(r.answer, cases[i].answer, "case %u", i);
			} else {
				char soa[64];
				snprintf(soa, sizeof(soa), "example. %u SOA ...\n", (unsigned)cases[i].negative_ttl);
				cr_expect_str_eq(r.authority, soa, "case %u", i);
			}
			cr_expect(again == 0 || r.packets == 0, "case %u", i);
		}
		sim_free(sim);
	}
}

/* A floor is for answers: the way to a zone lives as long as its parent says. */
Test(life, a_floor_does_not_lengthen_a_delegation)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", "example. 60 NS ns.example.\nns.example. 60 A 192.0.2.2\n");
	sim_zone(sim, "192.0.2.2", "example.", "a.example. 1 A 198.51.100.1\nb.example. 1 A 198.51.100.2\n");
	sim->config.options.min_ttl_sec = 3600;
	sim_configure(sim);
	cr_assert_eq(sim_ask(sim, "a.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 61000;
	sim_forget(sim);
	cr_assert_eq(sim_ask(sim, "b.example.", RR_A).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_server(sim, "192.0.2.1")->asked, 1u);
	sim_free(sim);
}

Test(failure, is_remembered_for_longer_and_longer_up_to_a_minute)
{
	static const unsigned seconds[] = { 5, 10, 20, 40, 60, 60 };
	struct sim *sim = small_internet();
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	for (unsigned i = 0; i < COUNT(seconds); i++) {
		cr_expect_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_SERVFAIL);
		sim->now_ms += seconds[i] * 1000 - 1;
		sim_forget(sim);
		struct sim_result r = sim_ask(sim, "www.example.", RR_A);
		cr_expect_eq(r.ede, EDE_CACHED_ERROR, "time %u", i);
		cr_expect_eq(r.packets, 0u, "time %u", i);
		sim->now_ms += 1;
	}
	cr_expect_neq(sim_ask(sim, "www.example.", RR_A).ede, EDE_CACHED_ERROR);
	sim->now_ms += 200000; /* a quiet while, and it begins anew */
	cr_expect_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_SERVFAIL);
	sim->now_ms += 5000;
	cr_expect_neq(sim_ask(sim, "www.example.", RR_A).ede, EDE_CACHED_ERROR);
	sim_free(sim);
}

static struct sim *stale_internet(void)
{
	struct sim *sim = small_internet();
	sim->config.options.stale_sec = 3600;
	sim_configure(sim);
	return sim;
}

Test(stale, is_given_when_the_servers_fail_and_they_are_left_alone_for_a_while)
{
	struct sim *sim = stale_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	cr_assert_eq(sim_ask(sim, "none.example.", RR_A).rcode, RCODE_NXDOMAIN);
	cr_assert_eq(sim_ask(sim, "www.example.", RR_AAAA).rcode, RCODE_NOERROR);
	sim->now_ms += 1001 * 1000;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.rcode, RCODE_NOERROR);
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_str_eq(r.answer, "www.example. 30 A 198.51.100.1\n");
	cr_expect_gt(r.packets, 0u, "they were asked first");
	r = sim_ask(sim, "none.example.", RR_A);
	cr_expect_eq(r.rcode, RCODE_NXDOMAIN);
	cr_expect_eq(r.ede, EDE_STALE_NXDOMAIN);
	cr_expect_str_eq(r.authority, "example. 30 SOA ...\n");
	r = sim_ask(sim, "www.example.", RR_AAAA);
	cr_expect_eq(r.rcode, RCODE_NOERROR);
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_eq(sim->counters[STAT_RES_STALE_ANSWERS], 3u);

	sim->now_ms += 29000;
	sim_server(sim, "192.0.2.2")->flags = 0;
	r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_eq(r.packets, 0u);
	sim->now_ms += 1000;
	r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.ede, EDE_NONE);
	cr_expect_str_eq(r.answer, "www.example. 100 A 198.51.100.1\n");
	sim_free(sim);
}

Test(stale, is_given_after_1800_ms_and_the_resolution_goes_on)
{
	struct sim *sim = stale_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 200 * 1000;
	sim_server(sim, "192.0.2.2")->rtt_ms = 700;
	sim_server(sim, "192.0.2.2")->flags = SIM_SILENT;
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_leq(r.took_ms, 1800u);
	sim_server(sim, "192.0.2.2")->flags = 0;
	sim->now_ms += 300 * 1000;
	sim_server(sim, "192.0.2.2")->rtt_ms = 50;
	cr_expect_eq(sim_ask(sim, "www.example.", RR_A).ede, EDE_NONE);
	cr_expect_eq(sim->core->detached, 0u);
	cr_expect_null(sim->core->watch_first);
	sim_free(sim);
}

/* What is over is not given out any more when the name has gone since. */
Test(stale, records_do_not_win_over_a_later_nxdomain)
{
	struct sim *sim = stale_internet();
	uint8_t www[DNAME_MAX];
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim_name("www.example.", www);
	for (unsigned i = 0; i < sim->record_count; i++) {
		if (dname_equal(sim->records[i].owner, www)) {
			sim_name("gone.example.", sim->records[i].owner);
		}
	}
	sim->now_ms += 101 * 1000;
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NXDOMAIN);
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	sim->now_ms += 901 * 1000;
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.rcode, RCODE_NXDOMAIN);
	cr_expect_eq(r.ede, EDE_STALE_NXDOMAIN);
	cr_expect_str_eq(r.answer, "");
	sim_free(sim);
}

/* Neither do records when the name has become an alias since, nor the alias when it has its own records again. */
Test(stale, what_was_learnt_last_wins_among_records_and_alias)
{
	struct sim *sim = stale_internet();
	uint8_t www[DNAME_MAX];
	sim_zone(sim, "192.0.2.2", "example.", "new.example. 300 A 198.51.100.9\n");
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim_name("www.example.", www);
	struct sim_record *record = NULL;
	for (unsigned i = 0; i < sim->record_count; i++) {
		if (dname_equal(sim->records[i].owner, www)) {
			record = &sim->records[i];
			sim_name("gone.example.", record->owner);
		}
	}
	sim_zone(sim, "192.0.2.2", "example.", "www.example. 150 CNAME new.example.\n");
	sim->now_ms += 101 * 1000;
	cr_assert_str_eq(sim_ask(sim, "www.example.", RR_A).answer,
			 "www.example. 150 CNAME new.example.\nnew.example. 300 A 198.51.100.9\n");
	sim->now_ms += 301 * 1000;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	struct sim_result r = sim_ask(sim, "www.example.", RR_A);
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_str_eq(r.answer, "www.example. 30 CNAME new.example.\nnew.example. 30 A 198.51.100.9\n");

	sim_name("gone.example.", sim->records[sim->record_count - 1].owner);
	memcpy(record->owner, www, sizeof(www));
	sim_server(sim, "192.0.2.2")->flags = 0;
	sim->now_ms += 60 * 1000;
	cr_assert_str_eq(sim_ask(sim, "www.example.", RR_A).answer, "www.example. 100 A 198.51.100.1\n");
	sim->now_ms += 101 * 1000;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	cr_expect_str_eq(sim_ask(sim, "www.example.", RR_A).answer, "www.example. 30 A 198.51.100.1\n");
	sim_free(sim);
}

Test(stale, ends_and_is_off_by_default)
{
	struct sim *sim = stale_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	sim->now_ms += (100 + 3600) * 1000;
	cr_expect_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_SERVFAIL);
	sim_free(sim);
	sim = small_internet();
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	sim->now_ms += 101 * 1000;
	cr_expect_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_SERVFAIL);
	sim_free(sim);
}

Test(stale, whole_chains_or_nothing)
{
	struct sim *sim = stale_internet();
	cr_assert_eq(sim_ask(sim, "alias.example.", RR_A).rcode, RCODE_NOERROR);
	sim->now_ms += 200 * 1000;
	sim_server(sim, "192.0.2.2")->flags = SIM_SERVFAIL;
	struct sim_result r = sim_ask(sim, "alias.example.", RR_A);
	cr_expect_str_eq(r.answer, "alias.example. 800 CNAME www.example.\nwww.example. 30 A 198.51.100.1\n");
	cr_expect_eq(r.ede, EDE_STALE_ANSWER);
	cr_expect_eq(sim_ask(sim, "alias.example.", RR_AAAA).rcode, RCODE_SERVFAIL, "nothing known of its end");
	sim_free(sim);
}

/* The parent of a name is kept as one that does not exist, secure or not. */
static struct sim_result below_nothing(enum security security)
{
	struct sim *sim = small_internet();
	uint8_t name[DNAME_MAX];
	struct reply reply = { .kind = REPLY_NXDOMAIN, .ttl = 300 };
	sim_zone(sim, "192.0.2.2", "example.", "a.b.gone.example. 100 A 198.51.100.8\n");
	cr_assert_eq(sim_ask(sim, "www.example.", RR_A).rcode, RCODE_NOERROR);
	sim_name("gone.example.", name);
	store_reply(sim->core, name, RR_A, &reply, CACHE_PART_ANSWERS, 0, security, EDE_NONE, sim->now_ms);
	struct sim_result r = sim_ask(sim, "a.b.gone.example.", RR_A);
	sim_free(sim);
	return r;
}

Test(life, below_what_was_proven_absent_there_is_nothing)
{
	struct sim_result r = below_nothing(SECURITY_SECURE);
	cr_expect_eq(r.rcode, RCODE_NXDOMAIN);
	cr_expect_eq(r.packets, 0u);
	/* an unsigned server that denies names above existing ones (RFC 8020 6) */
	r = below_nothing(SECURITY_INSECURE);
	cr_expect_eq(r.rcode, RCODE_NOERROR);
	cr_expect_str_eq(r.answer, "a.b.gone.example. 100 A 198.51.100.8\n");
	cr_expect_eq(below_nothing(SECURITY_UNCHECKED).rcode, RCODE_NOERROR);
}
