/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/monitor/health.h"
#include "tests/unit/daemons/monitor/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct world *w;

static void setup(void)
{
	w = world_new();
}

static void teardown(void)
{
	world_free(w);
}

TestSuite(health, .init = setup, .fini = teardown);

static const struct health_scope everything = { .all = true };

static const char *judge(const struct health_scope *scope, unsigned *failures)
{
	struct text t;
	text_init(&t, 1 << 20);
	*failures = health_judge(w->model, &w->now, scope, &t);
	cr_expect_eq(health_judge(w->model, &w->now, scope, NULL), *failures);
	return world_text(&t);
}

static void expect(const struct health_scope *scope, const char *lines)
{
	unsigned failures;
	unsigned count = 0;
	const char *text = judge(scope, &failures);
	cr_expect_str_eq(text, lines);
	for (const char *p = lines; (p = strchr(p, '\n')) != NULL; p++) {
		count++;
	}
	cr_expect_eq(failures, count);
}

static struct watched_role *role_of(unsigned which)
{
	for (size_t i = 0; i < w->model->role_count; i++) {
		if (w->model->roles[i].info.id == which + 1) {
			return &w->model->roles[i];
		}
	}
	return NULL;
}

Test(health, all_is_well)
{
	expect(&everything, "");
	for (unsigned i = 0; i < WORLD_ROLES; i++) {
		cr_expect(health_role_is_fine(role_of(i), &w->now));
	}
}

Test(health, a_process_that_hangs_is_found_by_its_age)
{
	w->pages[AUTH_1]->beat_ms = WORLD_MS - HEALTH_STALE_MS;
	expect(&everything, "");
	w->pages[AUTH_1]->beat_ms = WORLD_MS - HEALTH_STALE_MS - 1;
	expect(&everything, "authority[external]/1: no sign of life for 4 s\n");
	w->pages[AUTH_1]->beat_ms = WORLD_MS + 5; /* written while we look */
	expect(&everything, "");
	w->pages[AUTH_1]->beat_ms = 0;
	expect(&everything, "authority[external]/1: has not given a sign of life yet\n");
	w->pages[MON]->beat_ms = 0; /* whoever answers is there */
	w->pages[AUTH_1]->beat_ms = WORLD_MS;
	expect(&everything, "");
}

Test(health, a_process_that_is_gone)
{
	struct watched_role *role = role_of(RES);
	role->facts.state = IPC_ROLE_DOWN;
	snprintf(role->facts.last_end, sizeof(role->facts.last_end), "signal 9 (Killed)");
	expect(&everything, "resolver/0: does not run: signal 9 (Killed)\n");
	role->facts.state = IPC_ROLE_STARTING;
	expect(&everything, "resolver/0: is starting\n");
	/* what the supervisor said long ago is no news; the page is */
	role->told_ms = WORLD_MS - HEALTH_TOLD_MS - 1;
	expect(&everything, "");
}

Test(health, zones_are_told_once_by_name_or_counted)
{
	static const unsigned both[] = { AUTH_0, AUTH_1 };
	for (size_t i = 0; i < 2; i++) {
		stats_failed(w->pages[both[i]])[0] = 1 << 3;
		w->pages[both[i]]->probes[STATS_PROBE_OWN].failed = 1;
	}
	expect(&everything, "view external: zone example.com. does not answer\n");
	w->model->zones_told = false;
	w->model->zone_count = 0;
	expect(&everything, "authority[external]/0: 1 of 2 zones do not answer\nauthority[external]/1: 1 of 2 zones do not answer\n");
	w->pages[AUTH_0]->probes[STATS_PROBE_OWN].ended_ms = 0;
	w->pages[AUTH_1]->probes[STATS_PROBE_OWN].failed = 0;
	expect(&everything, "authority[external]/0: has not asked for all of its zones yet\n");
}

Test(health, frontend_and_resolver)
{
	w->pages[FRONT]->probes[STATS_PROBE_RESOLVER] = (struct stats_probe){ WORLD_MS, 4, 1, 2 };
	expect(&everything, "frontend/0: the resolver does not answer, worker 2\n");
	w->pages[FRONT]->probes[STATS_PROBE_VIEW] = (struct stats_probe){ 0, 1, 0, 0 };
	w->pages[FRONT]->probes[STATS_PROBE_RESOLVER].failed = 0;
	expect(&everything, "frontend/0: has not heard from the internal view yet\n");
	w->pages[FRONT]->probes[STATS_PROBE_VIEW] = (struct stats_probe){ 0, 0, 0, 0 }; /* there is none */
	expect(&everything, "");
	w->pages[RES]->probes[STATS_PROBE_OWN].failed = 1;
	expect(&everything, "resolver/0: its own question cannot be resolved\n");
	w->pages[RES]->probes[STATS_PROBE_OWN] = (struct stats_probe){ WORLD_MS - HEALTH_RESOLVER_MS - 1000, 1, 0, 0 };
	expect(&everything, "resolver/0: its own question was not resolved for 16 s\n");
	w->pages[RES]->probes[STATS_PROBE_OWN].ended_ms = 0;
	expect(&everything, "resolver/0: has not resolved its own question yet\n");
}

Test(health, parts)
{
	w->pages[AUTH_0]->beat_ms = 0;
	w->pages[RES]->beat_ms = 0;
	const struct health_scope view = { .view = "external" };
	const struct health_scope resolver = { .view = "resolver", .resolver = true };
	const struct health_scope other = { .view = "internal" };
	expect(&view, "authority[external]/0: has not given a sign of life yet\n");
	expect(&resolver, "resolver/0: has not given a sign of life yet\n");
	cr_expect(health_scope_exists(w->model, &view) && health_scope_exists(w->model, &resolver) &&
		  health_scope_exists(w->model, &everything));
	cr_expect_not(health_scope_exists(w->model, &other));
}

Test(health, many_failures_are_counted)
{
	static struct ipc_watched zones[HEALTH_LINES_MAX + 7];
	unsigned failures;
	for (size_t i = 0; i < COUNT(zones); i++) {
		zones[i] = w->zones[0];
	}
	w->model->zones = zones;
	w->model->zone_count = COUNT(zones);
	stats_failed(w->pages[AUTH_0])[0] = 1 << 3;
	w->pages[AUTH_0]->probes[STATS_PROBE_OWN].failed = 1;
	const char *text = judge(&everything, &failures);
	cr_expect_eq(failures, HEALTH_LINES_MAX + 7u);
	cr_expect_not_null(strstr(text, "\nand 7 more\n"));
}

/* A role that was taken over writes what it likes: nothing of it is an index. */
Test(health, wild_numbers_do_no_harm)
{
	unsigned failures;
	for (unsigned i = 0; i < WORLD_ROLES; i++) {
		memset(w->pages[i], 0xff, stats_size((enum role)role_of(i)->info.role));
	}
	(void)judge(&everything, &failures);
	cr_expect_gt(failures, 0u);
}
