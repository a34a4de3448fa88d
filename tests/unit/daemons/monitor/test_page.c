/* The page, its JSON, rates and texts. SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/monitor/page.h"
#include "tests/unit/daemons/monitor/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct world *w;
static struct rates rates;

static void setup(void)
{
	w = world_new();
	memset(&rates, 0, sizeof(rates));
}

static void teardown(void)
{
	world_free(w);
}

TestSuite(page, .init = setup, .fini = teardown);

static const char *page(void)
{
	struct text t;
	text_init(&t, 1 << 20);
	page_render(&t, w->model, &rates, &w->now);
	return world_text(&t);
}

#define HAS(text, part) cr_expect_not_null(strstr((text), part), "not there: %s", part)
#define HAS_NOT(text, part) cr_expect_null(strstr((text), part), "there: %s", part)

Test(page, all_is_well)
{
	const char *text = page();
	HAS(text, "<title>All well - Bulkhead</title>");
	HAS(text, "<html lang=\"en\">");
	HAS(text, "<section class=\"verdict good\"");
	HAS(text, "<dd>1 d 1 h</dd>");
	HAS(text, "<th scope=\"row\">authority[external]/1</th>");
	HAS(text, "13 walls, 29 calls");
	HAS(text, "1&#8239;234&#8239;567");
	HAS(text, "2026112101");
	HAS(text, "1 h ago");
	HAS(text, "2033-05-18 03:33:20 UTC");
	/* nothing that the policy forbids: no inline script or style, no other origin */
	HAS_NOT(text, " style=");
	HAS_NOT(text, "<style");
	HAS_NOT(text, "<script>");
	HAS_NOT(text, "onclick");
	HAS_NOT(text, "onload");
	HAS_NOT(text, "http://");
	HAS_NOT(text, "https://");
}

Test(page, names_are_escaped)
{
	const char *text = page();
	HAS(text, "&lt;\\&quot;\\\\&amp;&#39;&gt;.");
	HAS_NOT(text, "<\\\"");
}

Test(page, problems_come_first)
{
	w->pages[RES]->beat_ms = 1;
	stats_failed(w->pages[AUTH_0])[1] = 1;
	w->pages[AUTH_0]->probes[STATS_PROBE_OWN].failed = 1;
	const char *text = page();
	HAS(text, "<title>2 problems - Bulkhead</title>");
	HAS(text, "<li>resolver/0: no sign of life for");
	HAS(text, "<li>view external: zone &lt;\\&quot;");
	const char *bad = strstr(text, "<th scope=\"row\">&lt;");
	const char *good = strstr(text, "<th scope=\"row\">example.com.");
	cr_expect(bad != NULL && good != NULL && bad < good, "zones that do not answer stand first");
}

Test(page, reload_and_supervisor)
{
	w->model->appliance.change_ok = 0;
	HAS(page(), "The last reload, 1 min ago, failed: generation 7 stays in service.");
	w->model->told_ms = WORLD_MS - 65000;
	HAS(page(), "The supervisor has said nothing for 1 min 5 s");
	w->model->appliance_told = false;
	HAS_NOT(page(), "<th scope=\"row\">supervisor</th>");
}

Test(page, many_zones_are_counted)
{
	static struct ipc_watched zones[PAGE_ZONES_MAX + 1234];
	for (size_t i = 0; i < COUNT(zones); i++) {
		zones[i] = w->zones[0];
	}
	w->model->zones = zones;
	w->model->zone_count = COUNT(zones);
	HAS(page(), "And 1&#8239;234 more");
	w->model->zones_told = false;
	HAS(page(), "zones = false");
}

Test(page, rates)
{
	char name[RATES_NAME_MAX];
	w->pages[AUTH_0]->counters[STAT_AUTH_UDP_QUERIES] = 1000000;
	rates_step(&rates, w->model);
	cr_assert_eq(rates.count, 3u);
	cr_expect_str_eq(rates_name(&rates.series[0], name), "view external");
	cr_expect_eq(rates_at(&rates, rates.series[0].queries, RATES_POINTS - 1), 0u, "nothing to compare with yet");
	w->pages[AUTH_0]->counters[STAT_AUTH_UDP_QUERIES] += 500;
	w->pages[AUTH_1]->counters[STAT_AUTH_TCP_QUERIES] += 50;
	w->pages[AUTH_1]->counters[STAT_AUTH_SERVFAIL] += 2;
	rates_step(&rates, w->model);
	cr_expect_eq(rates_at(&rates, rates.series[0].queries, RATES_POINTS - 1), 550u);
	cr_expect_eq(rates_at(&rates, rates.series[0].failures, RATES_POINTS - 1), 2u);
	HAS(page(), "<strong>110<span class=\"unit\">/s");

	struct text t;
	text_init(&t, 1 << 20);
	page_render_json(&t, w->model, &rates, &w->now);
	const char *json = world_text(&t);
	HAS(json, "\"problems\":0,\"step\":5,\"series\":[\n{\"name\":\"view external\",\"queries\":[0,");
	HAS(json, ",0,550],\"failures\":[");

	/* a counter that falls is no rate, and what is gone goes */
	w->pages[AUTH_0]->counters[STAT_AUTH_UDP_QUERIES] = 3;
	rates_step(&rates, w->model);
	cr_expect_eq(rates_at(&rates, rates.series[0].queries, RATES_POINTS - 1), 0u);
	cr_expect_eq(rates_at(&rates, rates.series[0].queries, RATES_POINTS - 2), 550u);
	for (unsigned i = 0; i < 3 * RATES_POINTS; i++) {
		rates_step(&rates, w->model);
	}
	cr_expect_eq(rates_at(&rates, rates.series[0].queries, 0), 0u);
	w->model->role_count = 2;
	rates_step(&rates, w->model);
	cr_expect_eq(rates.count, 1u);
}

Test(text, is_bounded_and_escaped)
{
	struct text t;
	text_init(&t, 10);
	text_add(&t, "12345");
	text_add(&t, "67890");
	cr_expect(!t.failed && t.len == 10);
	text_add(&t, "x");
	cr_expect(t.failed && t.len == 10);
	text_clear(&t);

	text_init(&t, 100);
	text_json(&t, "a\"\\<\n\x80");
	cr_expect_str_eq(world_text(&t), "a\\\"\\\\\\u003c??");
	text_label(&t, "a\"\\\nb\x7f");
	cr_expect_str_eq(world_text(&t), "a\\\"\\\\\\nb?");
	text_html(&t, "<&>\"'\t");
	cr_expect_str_eq(world_text(&t), "&lt;&amp;&gt;&quot;&#39;?");
	text_thousandths(&t, 1002);
	cr_expect_str_eq(world_text(&t), "1.002");
}
