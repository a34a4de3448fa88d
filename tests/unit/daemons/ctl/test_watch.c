/* Rates between two looks, quantiles, and the screen; the overview of status. SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/overview.h"
#include "daemons/ctl/print.h"
#include "daemons/ctl/rates.h"
#include "daemons/ctl/watch.h"
#include "tests/unit/daemons/ctl/rows.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct ctl_row row;
static struct region region;
static char text[256 * 1024];

static void add(struct answer *answer, const char *role, const char *view, unsigned index, const char *name,
		uint64_t value)
{
	row_begin(&row, "counter");
	row_text(&row, "role", role);
	row_text(&row, "view", view);
	row_number(&row, "index", index);
	row_text(&row, "name", name);
	row_number(&row, "value", value);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static void setup(void)
{
	region_init(&region, 64u << 10, 16u << 20);
}

TestSuite(ctl_rates, .init = setup);
TestSuite(ctl_watch, .init = setup);

Test(ctl_rates, are_differences_and_survive_a_restart)
{
	struct answer before;
	struct answer now;
	struct rates rates;
	answer_init(&before);
	answer_init(&now);
	add(&before, "authority", "a", 0, "udp_queries", 100);
	add(&before, "authority", "a", 1, "udp_queries", 500);
	add(&before, "authority", "b", 0, "udp_queries", 7);
	add(&before, "resolver", "", 0, "pending", 9);
	add(&now, "authority", "b", 0, "udp_queries", 8); /* another order */
	add(&now, "authority", "a", 0, "udp_queries", 130);
	add(&now, "authority", "a", 1, "udp_queries", 20); /* began anew */
	add(&now, "authority", "a", 1, "qtype_TXT", 4);    /* was at zero, and left out */
	add(&now, "resolver", "", 0, "pending", 3);
	cr_assert_eq(rates_between(&before, &now, &region, &rates), 0);
	cr_assert_eq(rates.count, 5u);
	cr_assert_eq(rates_sum(&rates, "authority", "a", "udp_queries"), 30u + 20u);
	cr_assert_eq(rates_sum(&rates, "authority", NULL, "udp_queries"), 51u);
	cr_assert_eq(rates_sum(&rates, "authority", "a", "qtype_TXT"), 4u);
	cr_assert_eq(rates_sum(&rates, "resolver", "", "pending"), 3u); /* there are three */
	const struct rate like = { .role = "authority", .view = "a", .index = 1 };
	cr_assert_eq(rates_of(&rates, &like, "udp_queries"), 20u);
	/* Of the first look nothing is known. */
	cr_assert_eq(rates_between(NULL, &now, &region, &rates), 0);
	cr_assert_eq(rates_sum(&rates, "authority", NULL, "udp_queries"), 0u);
	answer_clear(&before);
	answer_clear(&now);
}

Test(ctl_rates, quantiles_of_histograms)
{
	static const struct {
		uint64_t counts[4]; /* below 1 ms, 4, 16, longer */
		bool any;
		uint64_t p50, p90, p99;
	} cases[] = {
		{ { 0, 0, 0, 0 }, false, 0, 0, 0 },
		{ { 1, 0, 0, 0 }, true, 1, 1, 1 },
		{ { 50, 40, 9, 1 }, true, 1, 4, 16 },
		{ { 50, 40, 8, 2 }, true, 1, 4, UINT64_MAX },
		{ { 49, 41, 10, 0 }, true, 4, 4, 16 },
		{ { 0, 0, 0, 5 }, true, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ { 1u << 30, 1u << 30, 0, 0 }, true, 1, 4, 4 },
	};
	static const char *const names[2][4] = {
		{ "wait_longer", "wait_below_16ms", "wait_below_1ms", "wait_below_4ms" }, /* in no order */
		{ "latency_longer", "latency_under_16ms", "latency_under_1ms", "latency_under_4ms" },
	};
	static const unsigned places[4] = { 3, 2, 0, 1 };
	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct answer before;
			struct answer now;
			struct rates rates;
			uint64_t p[3] = { 0, 0, 0 };
			static const unsigned permilles[3] = { 500, 900, 990 };
			answer_init(&before);
			answer_init(&now);
			for (size_t b = 0; b < 4; b++) {
				/* Of two workers, and buckets at zero are left out. */
				uint64_t count = cases[i].counts[places[b]];
				if (count > 0) {
					add(&now, "r", "", 0, names[n][b], count / 2);
					add(&now, "r", "", 1, names[n][b], count - count / 2);
				}
				cr_assert(rates_is_bucket(names[n][b]));
			}
			cr_assert_eq(rates_between(&before, &now, &region, &rates), 0);
			for (size_t q = 0; q < 3; q++) {
				cr_expect_eq(rates_quantile(&rates, "r", permilles[q], &p[q]), cases[i].any, "case %zu", i);
			}
			cr_expect(!cases[i].any || (p[0] == cases[i].p50 && p[1] == cases[i].p90 && p[2] == cases[i].p99),
				  "case %zu: %llu %llu %llu", i, (unsigned long long)p[0], (unsigned long long)p[1],
				  (unsigned long long)p[2]);
			answer_clear(&before);
			answer_clear(&now);
		}
	}
	cr_assert(!rates_is_bucket("udp_queries") && !rates_is_bucket("wait_below_x"));
}

/* Two looks at an appliance with so many workers. */
static void make_rates(unsigned workers, struct answer *before, struct answer *now, struct rates *rates)
{
	static const char *const views[] = { "internal", "external" };
	answer_init(before);
	answer_init(now);
	for (unsigned v = 0; v < 2; v++) {
		for (unsigned w = 0; w < workers; w++) {
			add(before, "authority", views[v], w, "udp_queries", 1000);
			add(now, "authority", views[v], w, "udp_queries", 1000 + 2000 * (v + 1));
			add(now, "authority", views[v], w, "nxdomain", 500);
			add(now, "authority", views[v], w, "qtype_TXT", 100 * (v + 1));
			add(now, "authority", views[v], w, "opcode_query", 9999);
		}
	}
	add(now, "frontend", "", 0, "wait_below_4ms", 10);
	cr_assert_eq(rates_between(before, now, &region, rates), 0);
}

static const char *draw(const struct rates *rates, const struct watch_screen *screen)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	cr_assert_eq(watch_draw(out, &region, rates, screen), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

Test(ctl_watch, a_screen_of_roles_latencies_and_what_is_frequent)
{
	struct answer before;
	struct answer now;
	struct rates rates;
	make_rates(2, &before, &now, &rates);
	draw(&rates, &(struct watch_screen){ .width = 100, .height = 40, .ms = 2000, .now_sec = 1000000000 });
	cr_assert_str_eq(text, "6000 queries per second  2001-09-09T01:46:40Z  every 2s\n"
			       "\n"
			       "ROLE       VIEW      WORKER  QUERIES  NXDOMAIN\n"
			       "authority  internal             2000       500\n"
			       "                     0          1000       250\n"
			       "                     1          1000       250\n"
			       "authority  external             4000       500\n"
			       "                     0          2000       250\n"
			       "                     1          2000       250\n"
			       "frontend                           0\n"
			       "                     0             0\n"
			       "\n"
			       "frontend waits:  50% <4ms  90% <4ms  99% <4ms\n"
			       "\n"
			       "ROLE       VIEW      MOST FREQUENT  PER SECOND  SO FAR\n"
			       "authority  external  qtype_TXT             200     400\n"
			       "authority  internal  qtype_TXT             100     200\n", "%s", text);
	answer_clear(&before);
	answer_clear(&now);
}

Test(ctl_watch, never_has_more_lines_or_columns_than_the_screen)
{
	struct answer before;
	struct answer now;
	struct rates rates;
	make_rates(30, &before, &now, &rates);
	for (unsigned height = 1; height < 90; height += 4) {
		for (unsigned width = 1; width < 120; width += 17) {
			static char put[256 * 1024];
			draw(&rates, &(struct watch_screen){ .width = width, .height = height, .colour = true, .ms = 1000 });
			FILE *out = fmemopen(put, sizeof(put), "w");
			watch_put(out, text, strlen(text), width, height);
			cr_assert_eq(fclose(out), 0);
			unsigned lines = 1;
			unsigned column = 0;
			for (const char *p = put; *p != '\0'; p++) {
				if (*p == '\033') {
					p += strcspn(p, "mHJK");
				} else if (*p == '\n') {
					lines++;
					column = 0;
				} else if (*p != '\r') {
					cr_assert_leq(++column, width);
				}
			}
			cr_assert_leq(lines, height, "%u lines on %u", lines, height);
		}
	}
	/* There is no room for sixty workers on 40 lines: they are summed up. */
	draw(&rates, &(struct watch_screen){ .width = 100, .height = 40, .ms = 1000 });
	cr_assert_null(strstr(text, "WORKER"));
	cr_assert_not_null(strstr(text, "MOST FREQUENT"));
	answer_clear(&before);
	answer_clear(&now);
}

Test(ctl_watch, lines_and_objects_for_pipes)
{
	struct answer before;
	struct answer now;
	struct rates rates;
	answer_init(&before);
	answer_init(&now);
	add(&before, "authority", "in", 0, "udp_queries", 10);
	add(&now, "authority", "in", 0, "udp_queries", 30);
	add(&now, "frontend", "", 0, "pending", 2);
	add(&now, "frontend", "", 0, "tcp_queries", 0);
	cr_assert_eq(rates_between(&before, &now, &region, &rates), 0);
	FILE *out = fmemopen(text, sizeof(text), "w");
	watch_line(out, &rates, 2000, 0);
	watch_json(out, &rates, 2000, 0);
	cr_assert_eq(fclose(out), 0);
	cr_assert_str_eq(text, "1970-01-01T00:00:00Z authority.in=10 frontend=0\n"
			       "{\"time\":\"1970-01-01T00:00:00Z\",\"interval_ms\":2000,\"counter\":["
			       "{\"role\":\"authority\",\"view\":\"in\",\"index\":0,\"name\":\"udp_queries\",\"value\":30,"
			       "\"per_second\":10.000},"
			       "{\"role\":\"frontend\",\"view\":\"\",\"index\":0,\"name\":\"pending\",\"value\":2}]}\n");
	answer_clear(&before);
	answer_clear(&now);
}

/* --- the overview ------------------------------------------------------------------------------------------ */

static void add_appliance(struct answer *answer, uint64_t at_ms)
{
	row_begin(&row, "appliance");
	row_text(&row, "version", "1.0");
	row_text(&row, "state", "running");
	row_number(&row, "generation", 4);
	row_number(&row, "uptime_sec", 273600);
	row_text(&row, "config", "/etc/b.conf");
	row_number(&row, "at_ms", at_ms);
	row_number(&row, "workers", 2);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static void add_role(struct answer *answer, const char *role, const char *view, unsigned index, const char *state,
		     uint64_t queries)
{
	row_begin(&row, "role");
	row_text(&row, "role", role);
	row_text(&row, "view", view);
	row_number(&row, "index", index);
	row_text(&row, "state", state);
	row_number(&row, "uptime_sec", 60 + index);
	row_text(&row, "last_end", strcmp(state, "running") == 0 ? "" : "killed by signal 11");
	row_text(&row, "user", "bulkhead-x");
	row_text(&row, "capabilities", "none");
	row_text(&row, "seccomp", "filter");
	row_text(&row, "missing", "");
	row_number(&row, "queries", queries);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static void add_zone(struct answer *answer, const char *name, const char *state, const char *detail)
{
	row_begin(&row, "zone");
	row_text(&row, "view", "internal");
	row_text(&row, "zone", name);
	row_text(&row, "state", state);
	row_number(&row, "serial", 7);
	row_text(&row, "detail", detail);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static void add_places(struct answer *answer, uint64_t zones)
{
	row_begin(&row, "view");
	row_text(&row, "view", "internal");
	row_number(&row, "zones", zones);
	row_number(&row, "records", 12345);
	row_number(&row, "bytes", 2048);
	row_bool(&row, "public", 1);
	cr_assert_eq(answer_add(answer, &row), 0);
	row_begin(&row, "listener");
	row_text(&row, "view", "internal");
	row_text(&row, "address", "10.0.0.53");
	row_number(&row, "port", 5300);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static const char *overview(const struct answer *answer, const struct answer *later, const struct print_style *style)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	cr_assert_eq(overview_print(out, answer, later, style), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

Test(ctl_overview, a_healthy_appliance_at_a_glance)
{
	const struct print_style style = { .colour = false };
	struct answer answer;
	struct answer later;
	answer_init(&answer);
	answer_init(&later);
	add_appliance(&answer, 1000);
	add_role(&answer, "authority", "internal", 0, "running", 100);
	add_role(&answer, "authority", "internal", 1, "running", 200);
	add_places(&answer, 1);
	add_zone(&answer, "example.com.", "serving", "");
	answer_end(&answer, 0, "all roles run, all zones are served");
	add_appliance(&later, 1500);
	add_role(&later, "authority", "internal", 0, "running", 150);
	add_role(&later, "authority", "internal", 1, "running", 210);
	overview(&answer, &later, &style);
	cr_assert_str_eq(text, "HEALTHY: all roles run, all zones are served\n"
			       "Bulkhead 1.0, up 3d 04h, generation 4, 2 workers, /etc/b.conf\n"
			       "\n"
			       "Roles\n"
			       "ROLE       VIEW      RUNNING      UP  QUERIES  PER SECOND  USER\n"
			       "authority  internal  2 of 2   1m 00s      300         120  bulkhead-x\n"
			       "\n"
			       "Views\n"
			       "VIEW      ZONES  RECORDS  SIZE  FOR     ADDRESSES\n"
			       "internal      1    12.3k  2.0K  anyone  10.0.0.53@5300\n"
			       "\n"
			       "Zones\n"
			       "VIEW      ZONE          STATE    SERIAL\n"
			       "internal  example.com.  serving       7\n",
			 "%s", text);
	/* The same with colours, and without the second look. */
	overview(&answer, NULL, &(struct print_style){ .colour = true });
	cr_assert_not_null(strstr(text, "\033[32mHEALTHY\033[0m: all"));
	cr_assert_null(strstr(text, "PER SECOND"));
	answer_clear(&answer);
	answer_clear(&later);
}

Test(ctl_overview, what_needs_attention_comes_first_and_says_why)
{
	const struct print_style style = { .colour = false, .width = 60 };
	struct answer answer;
	answer_init(&answer);
	add_appliance(&answer, 1000);
	add_role(&answer, "authority", "internal", 0, "running", 100);
	add_role(&answer, "authority", "internal", 1, "backoff", 200);
	add_places(&answer, 2);
	add_zone(&answer, "a.", "old", "a.zone:3: bad address");
	add_zone(&answer, "b.", "failed", "b.zone:1: no SOA\033[2J");
	answer_end(&answer, 2, "a role is down or a zone is not served");
	overview(&answer, NULL, &style);
	static const char attention[] = "\nNeeds attention\n"
					"! authority internal 1 is backoff: killed by signal 11, restarts: 0\n"
					"- zone a. (internal) is served from old data: a.zone:3: bad address\n"
					"! zone b. (internal) is not served: b.zone:1: no SOA\\027[2J\n";
	cr_assert_eq(strncmp(text, "CRITICAL: a role is down", 24), 0);
	cr_assert_not_null(strstr(text, attention), "%s", text);
	cr_assert(strstr(text, attention) < strstr(text, "\nRoles\n"));
	cr_assert_not_null(strstr(text, "\n! authority  internal  1 of 2"), "%s", text);
	answer_clear(&answer);
}

Test(ctl_overview, ten_thousand_zones_do_not_flood)
{
	struct print_style style = { .colour = false, .width = 80 };
	struct answer answer;
	answer_init(&answer);
	add_appliance(&answer, 1000);
	add_role(&answer, "authority", "internal", 0, "running", 100);
	add_places(&answer, 10000);
	for (unsigned i = 0; i < 10000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "zone%u.example.", i);
		add_zone(&answer, name, i % 100 == 0 ? "failed" : "serving", i % 100 == 0 ? "broken" : "");
	}
	answer_end(&answer, 2, "");
	overview(&answer, NULL, &style);
	unsigned lines = 0;
	for (const char *p = text; *p != '\0'; p++) {
		lines += *p == '\n';
	}
	cr_assert_lt(lines, 40u, "%u lines", lines);
	cr_assert_not_null(strstr(text, "\n10.0k zones; `bulkheadctl zone status' lists them with their serials\n"));
	cr_assert_not_null(strstr(text, "\n(80 more; -v shows them)\n"));
	answer_clear(&answer);
}
