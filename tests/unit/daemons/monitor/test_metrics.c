/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/monitor/families.h"
#include "daemons/monitor/metrics.h"
#include "tests/unit/daemons/monitor/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
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

TestSuite(metrics, .init = setup, .fini = teardown);

static const char *render(enum metrics_format format)
{
	struct text t;
	text_init(&t, 1 << 20);
	metrics_render(&t, w->model, &w->now, format);
	return world_text(&t);
}

#define HAS(text, line) cr_expect_not_null(strstr((text), line "\n"), "not there: %s", line)
#define HAS_NOT(text, part) cr_expect_null(strstr((text), part), "there: %s", part)

/* What `bulkheadctl stats` shows is in the metrics: each counter alone makes one sample that says its value. */
Test(metrics, every_counter_is_there)
{
	static const struct {
		unsigned page;
		enum role role;
	} roles[] = { { AUTH_0, ROLE_AUTHORITY }, { FRONT, ROLE_FRONTEND }, { RES, ROLE_RESOLVER } };
	for (size_t r = 0; r < COUNT(roles); r++) {
		for (unsigned i = 0; i < stats_count(roles[r].role); i++) {
			char value[32];
			char name[STATS_NAME_MAX];
			uint64_t number = UINT64_C(777000000) + i;
			w->pages[roles[r].page]->counters[i] = number;
			bool is_sum = i == (roles[r].role == ROLE_FRONTEND ? STAT_FRONT_WAIT_MS : STAT_RES_LATENCY_MS) &&
				      roles[r].role != ROLE_AUTHORITY;
			if (is_sum) {
				snprintf(value, sizeof(value), " %" PRIu64 ".%03" PRIu64 "\n", number / 1000, number % 1000);
			} else {
				snprintf(value, sizeof(value), " %" PRIu64 "\n", number);
			}
			cr_expect_not_null(strstr(render(METRICS_OPEN), value), "%s %s", role_text(roles[r].role),
					   stats_name(roles[r].role, i, name));
			w->pages[roles[r].page]->counters[i] = 0;
		}
	}
}

Test(metrics, workers_of_a_view_are_added_up)
{
	w->pages[AUTH_0]->counters[STAT_AUTH_NXDOMAIN] = 3;
	w->pages[AUTH_1]->counters[STAT_AUTH_NXDOMAIN] = 4;
	w->pages[AUTH_0]->counters[STAT_AUTH_UDP_QUERIES] = 5;
	w->pages[AUTH_1]->counters[STAT_AUTH_UDP_QUERIES] = 6;
	w->pages[AUTH_1]->counters[STAT_AUTH_QTYPE + 28] = 9;
	stats_zones(w->pages[AUTH_0])[3] = 10;
	stats_zones(w->pages[AUTH_1])[3] = 11;
	const char *text = render(METRICS_OPEN);
	HAS(text, "bulkhead_authority_responses_total{view=\"external\",rcode=\"NXDOMAIN\"} 7");
	HAS(text, "bulkhead_authority_responses_total{view=\"external\",rcode=\"SERVFAIL\"} 0");
	HAS(text, "bulkhead_authority_queries_total{view=\"external\",transport=\"udp\",worker=\"0\"} 5");
	HAS(text, "bulkhead_authority_queries_total{view=\"external\",transport=\"udp\",worker=\"1\"} 6");
	HAS(text, "bulkhead_authority_questions_total{view=\"external\",qtype=\"AAAA\"} 9");
	HAS_NOT(text, "qtype=\"MX\"");
	HAS(text, "bulkhead_zone_queries_total{view=\"external\",zone=\"example.com.\"} 21");
}

Test(metrics, histograms_are_cumulative)
{
	w->pages[FRONT]->counters[STAT_FRONT_WAIT] = 1;
	w->pages[FRONT]->counters[STAT_FRONT_WAIT + 1] = 2;
	w->pages[FRONT]->counters[STAT_FRONT_WAIT + 7] = 5;
	w->pages[FRONT]->counters[STAT_FRONT_WAIT_MS] = 60007;
	const char *text = render(METRICS_OPEN);
	HAS(text, "# TYPE bulkhead_frontend_wait_seconds histogram\n# UNIT bulkhead_frontend_wait_seconds seconds");
	HAS(text, "bulkhead_frontend_wait_seconds_bucket{le=\"0.001\"} 1\nbulkhead_frontend_wait_seconds_bucket{le=\"0.004\"} 3");
	HAS(text, "bulkhead_frontend_wait_seconds_bucket{le=\"4.096\"} 3\nbulkhead_frontend_wait_seconds_bucket{le=\"+Inf\"} 8\n"
		  "bulkhead_frontend_wait_seconds_sum 60.007\nbulkhead_frontend_wait_seconds_count 8");
	HAS(text, "bulkhead_resolver_resolution_seconds_bucket{le=\"16.384\"} 0");
}

Test(metrics, two_formats)
{
	const char *text = render(METRICS_OPEN);
	HAS(text, "# TYPE bulkhead_role_cpu_seconds counter\n# UNIT bulkhead_role_cpu_seconds seconds");
	HAS(text, "# TYPE bulkhead_build info");
	HAS(text, "bulkhead_role_cpu_seconds_total{role=\"authority\",view=\"external\",worker=\"1\"} 1.234");
	HAS(text, "bulkhead_role_cpu_seconds_total{role=\"supervisor\",worker=\"0\"} 2.500");
	HAS(text, "bulkhead_supervisor_silence_seconds 0.900");
	cr_expect_str_eq(text + strlen(text) - 6, "# EOF\n");
	text = render(METRICS_PROMETHEUS);
	HAS(text, "# TYPE bulkhead_role_cpu_seconds_total counter");
	HAS(text, "# TYPE bulkhead_build_info gauge");
	HAS(text, "bulkhead_role_cpu_seconds_total{role=\"authority\",view=\"external\",worker=\"1\"} 1.234");
	HAS_NOT(text, "# UNIT");
	HAS_NOT(text, "# EOF");
}

/* Each family once, type before samples, nothing between its samples: what readers demand. */
Test(metrics, families_stand_together)
{
	static char seen[200][80];
	unsigned count = 0;
	char family[80] = "";
	char *line = (char *)(uintptr_t)render(METRICS_OPEN);
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (strncmp(line, "# TYPE ", 7) == 0) {
			cr_assert_eq(sscanf(line + 7, "%79s", family), 1);
			for (unsigned i = 0; i < count; i++) {
				cr_expect_str_neq(seen[i], family);
			}
			cr_assert_lt(count, 200u);
			strcpy(seen[count++], family);
		} else if (line[0] == '#') {
			char of[80];
			cr_expect(strcmp(line, "# EOF") == 0 || (sscanf(line, "# %*s %79s", of) == 1 && strcmp(of, family) == 0),
				  "%s", line);
		} else {
			cr_expect(strncmp(line, family, strlen(family)) == 0, "%s in %s", line, family);
		}
	}
	cr_expect_gt(count, 70u);
}

Test(metrics, names_are_escaped)
{
	const char *text = render(METRICS_OPEN);
	/* the wire name <"\&'> is <\"\\&'>. in DNS text, and that once more in a label */
	HAS(text, "bulkhead_zone_serial{view=\"external\",zone=\"<\\\\\\\"\\\\\\\\&'>.\"} 0");
}

Test(metrics, failures_show)
{
	stats_failed(w->pages[AUTH_1])[64 / 64] = 1;
	w->pages[AUTH_1]->probes[STATS_PROBE_OWN].failed = 1;
	w->pages[RES]->beat_ms = WORLD_MS - 60000;
	const char *text = render(METRICS_OPEN);
	HAS(text, "bulkhead_healthy 0");
	HAS(text, "bulkhead_zone_up{view=\"external\",zone=\"example.com.\"} 1");
	HAS(text, "bulkhead_zone_up{view=\"external\",zone=\"<\\\\\\\"\\\\\\\\&'>.\"} 0");
	HAS(text, "bulkhead_view_failed_zones{view=\"external\"} 1");
	HAS(text, "bulkhead_role_healthy{role=\"resolver\",worker=\"0\"} 0");
	HAS(text, "bulkhead_role_healthy{role=\"frontend\",worker=\"0\"} 1");
	w->pages[AUTH_1]->probes[STATS_PROBE_OWN].failed = 0;
	w->pages[RES]->beat_ms = WORLD_MS;
	HAS(render(METRICS_OPEN), "bulkhead_healthy 1");
}

Test(metrics, without_zones_and_without_word_of_the_supervisor)
{
	w->model->zone_count = 0;
	w->model->appliance_told = false;
	const char *text = render(METRICS_OPEN);
	HAS_NOT(text, "bulkhead_zone_");
	HAS_NOT(text, "role=\"supervisor\"");
	HAS(text, "bulkhead_view_zones{view=\"external\"} 2");
}

Test(metrics, a_text_that_is_full_fails)
{
	for (size_t max = 0; max < 20000; max += 777) {
		struct text t;
		text_init(&t, max);
		metrics_render(&t, w->model, &w->now, METRICS_OPEN);
		cr_expect(t.failed && t.len <= max);
		text_clear(&t);
	}
}
