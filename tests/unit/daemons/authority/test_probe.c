/*
 * A view that asks itself: what it finds, in which steps, and that nobody counts it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/stats.h"
#include "daemons/authority/probe.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ZONE_TEXT "@ SOA ns hostmaster 7 1800 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"

static struct world *w;
static struct stats_page *page;
static struct probe probe;

static void setup(void)
{
	w = world_new();
	page = calloc(1, stats_size(ROLE_AUTHORITY));
	cr_assert_not_null(page);
	page->zone_room = STATS_ZONES_MAX;
}

static void teardown(void)
{
	world_free(w);
	free(page);
}

TestSuite(probe, .init = setup, .fini = teardown);

static unsigned tick(uint64_t now_ms)
{
	return probe_tick(&probe, w->view, &w->work, page, w->reply, now_ms);
}

static bool is_failed(uint32_t counter)
{
	return (stats_failed(page)[counter / 64] >> counter % 64 & 1) != 0;
}

Test(probe, zones_that_do_not_answer_are_marked)
{
	world_add(w, "good.example.", "$ORIGIN good.example.\n$TTL 300\n" ZONE_TEXT);
	world_add_failed(w, "bad.example.");
	world_add(w, "fine.example.", "$ORIGIN fine.example.\n$TTL 300\n" ZONE_TEXT);
	w->view->zones[0].counter = 5;
	w->view->zones[1].counter = 64;
	w->view->zones[2].counter = STATS_ZONES_MAX - 1;
	probe_begin(&probe, page);
	cr_assert_eq(tick(1000), STATS_BEAT_MS, "three zones are one step");

	const struct stats_probe *out = &page->probes[STATS_PROBE_OWN];
	cr_expect_eq(page->beat_ms, 1000);
	cr_expect(out->ended_ms == 1000 && out->parts == 3 && out->failed == 1);
	cr_expect(!is_failed(5) && is_failed(64) && !is_failed(STATS_ZONES_MAX - 1));

	/* the next round finds the same, once */
	(void)tick(2000);
	cr_expect(out->ended_ms == 2000 && out->failed == 1);

	/* mended, and another breaks */
	w->view->zones[1].image = w->view->zones[0].image;
	w->view->zones[2].image = NULL;
	(void)tick(3000);
	cr_expect(out->failed == 1 && !is_failed(64) && is_failed(STATS_ZONES_MAX - 1));
	w->view->zones[1].image = NULL;
	w->view->zones[2].image = &w->images[2];
	(void)tick(4000);
	cr_expect(out->failed == 1 && is_failed(64) && !is_failed(STATS_ZONES_MAX - 1));

	/* a new view begins with nothing known */
	probe_begin(&probe, page);
	cr_expect(out->failed == 0 && !is_failed(64));
}

Test(probe, nothing_is_counted)
{
	world_add(w, "good.example.", "$ORIGIN good.example.\n$TTL 300\n" ZONE_TEXT);
	probe_begin(&probe, page);
	for (uint64_t i = 1; i < 10; i++) {
		(void)tick(i * 1000);
	}
	for (unsigned i = 0; i < STAT_AUTH_COUNT; i++) {
		cr_expect_eq(page->counters[i], 0, "counter %u", i);
	}
	cr_expect_eq(stats_zones(page)[w->view->zones[0].counter], 0);
}

/* Many zones take many steps; the first round hurries, and a step asks a bounded number. */
Test(probe, a_large_view_is_asked_in_steps)
{
	static uint8_t names[350][DNAME_MAX];
	struct view *view = view_new(350);
	cr_assert_not_null(view);
	for (unsigned i = 0; i < 350; i++) {
		char text[32];
		snprintf(text, sizeof(text), "z%u.example.", i);
		cr_assert_gt(dname_from_text(text, names[i]), 0);
		cr_assert_eq(view_add(view, names[i], NULL), BH_OK);
		view->zones[i].counter = i;
	}
	probe_begin(&probe, page);
	const struct stats_probe *out = &page->probes[STATS_PROBE_OWN];
	uint64_t now_ms = 1000;
	for (unsigned step = 1; step <= 3; step++) {
		cr_expect_eq(probe_tick(&probe, view, &w->work, page, w->reply, now_ms), PROBE_HURRY_MS);
		cr_expect_eq(out->failed, step * PROBE_TICK_ZONES, "what fails is told before the round ends");
		cr_expect(out->ended_ms == 0 && page->beat_ms == now_ms);
		now_ms += PROBE_HURRY_MS;
	}
	cr_expect_eq(probe_tick(&probe, view, &w->work, page, w->reply, now_ms), PROBE_TICK_MS);
	cr_expect(out->ended_ms == now_ms && out->parts == 350 && out->failed == 350);
	cr_expect_eq(probe_tick(&probe, view, &w->work, page, w->reply, now_ms), PROBE_TICK_MS, "no hurry any more");
	view_free(view);
}

Test(probe, a_view_without_zones_is_well)
{
	probe_begin(&probe, page);
	cr_expect_eq(tick(1), STATS_BEAT_MS);
	cr_expect(page->probes[STATS_PROBE_OWN].ended_ms == 1 && page->probes[STATS_PROBE_OWN].failed == 0);
}

/* Until the supervisor's page is there, the private one has no room for marks. */
Test(probe, a_page_without_marks_is_left_alone)
{
	struct stats_page *alone = calloc(1, sizeof(*alone));
	cr_assert_not_null(alone);
	world_add_failed(w, "bad.example.");
	probe_begin(&probe, alone);
	(void)probe_tick(&probe, w->view, &w->work, alone, w->reply, 5);
	cr_expect_eq(alone->probes[STATS_PROBE_OWN].ended_ms, 5);
	free(alone);
}
