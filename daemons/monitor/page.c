/*
 * Everything that is not a literal here goes through text_html or text_json: names of zones are anybody's choice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <config.h> /* of the build, not our own */

#include "daemons/monitor/page.h"

#include "daemons/monitor/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of the failures that are told, at most this much: names are long. */
#define PROBLEMS_MAX (64 * 1024)

#define WORD_MAX 32

/* "3 d 4 h", two units at most. */
static const char *duration_text(uint64_t sec, char out[WORD_MAX])
{
	static const struct {
		uint64_t sec;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;
	while (i < 3 && sec < units[i].sec) {
		i++;
	}
	uint64_t rest = i < 3 ? sec % units[i].sec / units[i + 1].sec : 0;
	if (rest > 0) {
		snprintf(out, WORD_MAX, "%" PRIu64 " %s %" PRIu64 " %s", sec / units[i].sec, units[i].name, rest,
			 units[i + 1].name);
	} else {
		snprintf(out, WORD_MAX, "%" PRIu64 " %s", sec / units[i].sec, units[i].name);
	}
	return out;
}

static const char *size_text(uint64_t octets, char out[WORD_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;
	uint64_t tenths = octets < UINT64_MAX / 10 ? octets * 10 : UINT64_MAX;
	while (unit < 4 && tenths >= 10240) {
		tenths /= 1024;
		unit++;
	}
	if (unit == 0 || tenths >= 1000) {
		snprintf(out, WORD_MAX, "%" PRIu64 " %s", tenths / 10, units[unit]);
	} else {
		snprintf(out, WORD_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
	}
	return out;
}

/* 1234567 as "1 234 567": &#8239; is a narrow blank at which no line ends. */
static void put_grouped(struct text *t, uint64_t value)
{
	char digits[WORD_MAX];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0) {
			text_add(t, "&#8239;");
		}
		text_bytes(t, &digits[i], 1);
	}
}

static void put_time(struct text *t, uint64_t sec)
{
	char out[WORD_MAX];
	time_t time = (time_t)sec;
	struct tm tm;
	if (gmtime_r(&time, &tm) == NULL || strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0) {
		return;
	}
	text_add(t, out);
}

static uint64_t since(uint64_t sec, const struct model_now *now)
{
	return now->sec > sec ? now->sec - sec : 0;
}

/* --- parts of the page ---------------------------------------------------------------------------------- */

static const char *appliance_word(const struct model *model)
{
	static const char *const words[IPC_APPLIANCE_STATES] = { "starting", "running", "reloading", "stopping" };
	return model->appliance_told ? words[model->appliance.state] : "unknown";
}

static void put_head(struct text *t, const struct model *model, unsigned failures, const struct model_now *now)
{
	char word[WORD_MAX];
	text_add(t, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	if (failures == 0) {
		text_add(t, "All well");
	} else {
		text_format(t, "%u problem%s", failures, failures == 1 ? "" : "s");
	}
	text_add(t, " - Bulkhead</title>\n<link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n"
		    "<link rel=\"stylesheet\" href=\"status.css\">\n<script src=\"status.js\" defer></script>\n"
		    "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n</head>\n<body>\n"
		    "<header>\n<p class=\"brand\"><img src=\"icon.svg\" alt=\"\" width=\"28\" height=\"28\"> Bulkhead</p>\n"
		    "<dl>\n<div><dt>State</dt><dd>");
	text_html(t, appliance_word(model));
	text_add(t, "</dd></div>\n");
	if (model->appliance_told) {
		text_format(t, "<div><dt>Generation</dt><dd>%" PRIu32 "</dd></div>\n", model->appliance.generation);
		text_format(t, "<div><dt>Up</dt><dd>%s</dd></div>\n",
			    duration_text(since(model->appliance.started_sec, now), word));
	}
	text_add(t, "<div><dt>Version</dt><dd>" PACKAGE_VERSION "</dd></div>\n</dl>\n</header>\n<main>\n");
}

static void put_line(struct text *t, const char *line, size_t len)
{
	char copy[1024];
	snprintf(copy, sizeof(copy), "%.*s", (int)(len < sizeof(copy) ? len : sizeof(copy) - 1), line);
	text_add(t, "<li>");
	text_html(t, copy);
	text_add(t, "</li>\n");
}

static void put_verdict(struct text *t, const struct model *model, unsigned failures, const struct text *problems,
			const struct model_now *now)
{
	bool silent = model->appliance_told && now->ms > model->told_ms + HEALTH_TOLD_MS;
	bool reload_failed = model->appliance_told && !model->appliance.change_ok;
	char word[WORD_MAX];

	text_format(t, "<section class=\"verdict %s\" aria-labelledby=\"verdict\">\n<h1 id=\"verdict\">",
		    failures > 0 ? "bad" : silent || reload_failed ? "odd" : "good");
	if (failures == 0) {
		text_add(t, "All is well: every view, zone and resolver answers its own probe.");
	} else {
		text_format(t, "%u problem%s", failures, failures == 1 ? "" : "s");
	}
	text_add(t, "</h1>\n");
	if (silent) {
		text_format(t, "<p>The supervisor has said nothing for %s: what is told of processes is as old as that.</p>\n",
			    duration_text((now->ms - model->told_ms) / 1000, word));
	}
	if (reload_failed) {
		text_format(t, "<p>The last reload, %s ago, failed: generation %" PRIu32 " stays in service.</p>\n",
			    duration_text(since(model->appliance.change_sec, now), word), model->appliance.generation);
	}
	if (failures > 0) {
		text_add(t, "<ul>\n");
		for (size_t at = 0; at < problems->len;) {
			const char *end = memchr(problems->bytes + at, '\n', problems->len - at);
			size_t len = end == NULL ? problems->len - at : (size_t)(end - problems->bytes) - at;
			put_line(t, problems->bytes + at, len);
			at += len + 1;
		}
		text_add(t, "</ul>\n");
	}
	text_add(t, "</section>\n");
}

/* Of the last step, in a second. */
static void put_rate(struct text *t, uint32_t in_step)
{
	uint64_t tenths = (uint64_t)in_step * 10 / RATES_STEP_SEC;
	if (tenths < 1000) {
		text_format(t, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	} else {
		put_grouped(t, tenths / 10);
	}
}

static void put_rates(struct text *t, const struct rates *rates)
{
	char name[RATES_NAME_MAX];
	text_add(t, "<section aria-labelledby=\"rates\">\n<h2 id=\"rates\">Queries <small>in a second, over ten minutes; "
		    "<span class=\"failures\">failures</span> in red</small></h2>\n<div class=\"plots\">\n");
	for (unsigned i = 0; i < rates->count; i++) {
		const struct rates_series *series = &rates->series[i];
		text_format(t, "<figure data-series=\"%u\"><figcaption><span>", i);
		text_html(t, rates_name(series, name));
		text_add(t, "</span> <strong>");
		put_rate(t, rates_at(rates, series->queries, RATES_POINTS - 1));
		text_add(t, "<span class=\"unit\">/s</span></strong></figcaption></figure>\n");
	}
	text_add(t, "</div>\n</section>\n");
}

static void put_role(struct text *t, const struct watched_role *role, const struct model_now *now)
{
	static const char *const states[IPC_ROLE_STATES] = { "down", "starting", "running", "stopping" };
	char word[WORD_MAX];
	char name[MODEL_NAME_MAX];
	bool fine = health_role_is_fine(role, now);
	const struct ipc_role_facts *facts = &role->facts;
	uint64_t cpu = model_cpu_permille(role);

	text_format(t, "<tr class=\"%s\"><th scope=\"row\">", fine ? "good" : "bad");
	text_html(t, model_role_name(role, name));
	text_format(t, "</th><td data-label=\"State\"><span class=\"state\">%s</span></td>",
		    !role->told ? "unknown" : states[facts->state]);
	text_format(t, "<td data-label=\"Probe\"%s>%s</td>", fine ? "" : " class=\"alarm\"", fine ? "answers" : "fails");
	text_format(t, "<td data-label=\"PID\" class=\"n\">%" PRIu32 "</td>", facts->pid);
	text_format(t, "<td data-label=\"Up\" class=\"n\">%s</td>",
		    facts->started_sec == 0 ? "-" : duration_text(since(facts->started_sec, now), word));
	text_format(t, "<td data-label=\"Restarts\" class=\"n\">%" PRIu32 "</td>", facts->restarts);
	text_format(t, "<td data-label=\"Memory\" class=\"n\">%s</td>", size_text(facts->resident, word));
	text_format(t, "<td data-label=\"CPU\" class=\"n\">%" PRIu64 ".%" PRIu64 " %%</td>", cpu / 10, cpu % 10);
	if (facts->pid == 0) {
		text_add(t, "<td data-label=\"Sandbox\">-</td></tr>\n");
	} else if (model_is_confined(role)) {
		text_format(t, "<td data-label=\"Sandbox\">%d walls, %u calls</td></tr>\n",
			    __builtin_popcount(facts->walls), facts->syscalls);
	} else if (facts->state == IPC_ROLE_STARTING) {
		text_add(t, "<td data-label=\"Sandbox\">being raised</td></tr>\n");
	} else {
		text_format(t, "<td data-label=\"Sandbox\" class=\"alarm\">%d walls missing</td></tr>\n",
			    __builtin_popcount(facts->missing));
	}
}

static void put_roles(struct text *t, const struct model *model, const struct model_now *now)
{
	char word[WORD_MAX];
	text_add(t, "<section aria-labelledby=\"processes\">\n<h2 id=\"processes\">Processes</h2>\n<table>\n<thead><tr>"
		    "<th scope=\"col\">Process</th><th scope=\"col\">State</th><th scope=\"col\">Probe</th>"
		    "<th scope=\"col\" class=\"n\">PID</th><th scope=\"col\" class=\"n\">Up</th>"
		    "<th scope=\"col\" class=\"n\">Restarts</th><th scope=\"col\" class=\"n\">Memory</th>"
		    "<th scope=\"col\" class=\"n\">CPU</th><th scope=\"col\">Sandbox</th></tr></thead>\n<tbody>\n");
	if (model->appliance_told) {
		const struct ipc_appliance_facts *facts = &model->appliance;
		text_format(t, "<tr class=\"good\"><th scope=\"row\">supervisor</th><td data-label=\"State\">"
			       "<span class=\"state\">%s</span></td><td data-label=\"Probe\">-</td>"
			       "<td data-label=\"PID\" class=\"n\">%" PRIu32 "</td>",
			    appliance_word(model), facts->pid);
		text_format(t, "<td data-label=\"Up\" class=\"n\">%s</td><td data-label=\"Restarts\" class=\"n\">0</td>",
			    duration_text(since(facts->started_sec, now), word));
		text_format(t, "<td data-label=\"Memory\" class=\"n\">%s</td><td data-label=\"CPU\" class=\"n\">-</td>"
			       "<td data-label=\"Sandbox\">privileged, filtered</td></tr>\n",
			    size_text(facts->resident, word));
	}
	for (size_t i = 0; i < model->role_count; i++) {
		put_role(t, &model->roles[i], now);
	}
	text_add(t, "</tbody>\n</table>\n</section>\n");
}

static void put_zone(struct text *t, const struct ipc_watched *zone, bool failed, uint64_t queries,
		     const struct model_now *now)
{
	char name[DNAME_TEXT_MAX];
	char word[WORD_MAX];
	bool old = (zone->flags & IPC_WATCHED_OLD) != 0;
	text_format(t, "<tr class=\"%s\"><th scope=\"row\">", failed ? "bad" : old ? "odd" : "good");
	text_html(t, dname_text(zone->name, name));
	text_add(t, "</th><td data-label=\"View\">");
	text_html(t, zone->view);
	text_format(t, "</td><td data-label=\"State\"><span class=\"state\">%s</span></td>",
		    failed ? "does not answer" : old ? "old: its text has faults" : "answers");
	text_format(t, "<td data-label=\"Serial\" class=\"n\">%" PRIu32 "</td><td data-label=\"Records\" class=\"n\">",
		    zone->serial);
	put_grouped(t, zone->records);
	text_add(t, "</td><td data-label=\"Queries\" class=\"n\">");
	put_grouped(t, queries);
	text_format(t, "</td><td data-label=\"Compiled\" class=\"n\">%s%s</td></tr>\n",
		    zone->made_sec == 0 ? "-" : duration_text(since(zone->made_sec, now), word),
		    zone->made_sec == 0 ? "" : " ago");
}

static void put_zones(struct text *t, const struct model *model, const struct model_now *now)
{
	size_t shown = 0;
	text_add(t, "<section aria-labelledby=\"zones\">\n<h2 id=\"zones\">Zones</h2>\n");
	if (!model->zones_told) {
		text_add(t, "<p>Not told to the monitor (zones = false).</p>\n</section>\n");
		return;
	}
	if (model->zone_count == 0) {
		text_add(t, "<p>There are none.</p>\n</section>\n");
		return;
	}
	text_add(t, "<table>\n<thead><tr><th scope=\"col\">Zone</th><th scope=\"col\">View</th><th scope=\"col\">State</th>"
		    "<th scope=\"col\" class=\"n\">Serial</th><th scope=\"col\" class=\"n\">Records</th>"
		    "<th scope=\"col\" class=\"n\">Queries</th><th scope=\"col\" class=\"n\">Compiled</th></tr></thead>\n<tbody>\n");
	for (int turn = 0; turn < 2; turn++) { /* first those that do not answer */
		for (size_t i = 0; i < model->zone_count && shown < PAGE_ZONES_MAX; i++) {
			uint64_t queries;
			bool failed = model_zone_failed(model, &model->zones[i], &queries);
			if (failed == (turn == 0)) {
				put_zone(t, &model->zones[i], failed, queries, now);
				shown++;
			}
		}
	}
	text_add(t, "</tbody>\n</table>\n");
	if (shown < model->zone_count) {
		text_add(t, "<p>And ");
		put_grouped(t, model->zone_count - shown);
		text_add(t, " more, which are in the metrics.</p>\n");
	}
	text_add(t, "</section>\n");
}

static uint64_t drops_of(const struct model *model)
{
	uint64_t drops = 0;
	for (size_t i = 0; i < model->role_count; i++) {
		const struct watched_role *role = &model->roles[i];
		if (role->info.role == ROLE_AUTHORITY) {
			drops += stats_read(&role->page->counters[STAT_AUTH_INTENTIONAL_DROPS]);
		} else if (role->info.role == ROLE_FRONTEND) {
			drops += stats_read(&role->page->counters[STAT_FRONT_INTENTIONAL_DROPS]);
		}
	}
	return drops;
}

void page_render(struct text *t, const struct model *model, const struct rates *rates, const struct model_now *now)
{
	struct text problems;
	text_init(&problems, PROBLEMS_MAX);
	unsigned failures = health_judge(model, now, &(struct health_scope){ .all = true }, &problems);

	put_head(t, model, failures, now);
	put_verdict(t, model, failures, &problems, now);
	put_rates(t, rates);
	put_roles(t, model, now);
	put_zones(t, model, now);
	text_add(t, "</main>\n<footer>\n<p><time>");
	put_time(t, now->sec);
	text_add(t, "</time>. Queries dropped on purpose: ");
	put_grouped(t, drops_of(model));
	text_add(t, ".</p>\n<nav aria-label=\"Other forms\"><a href=\"metrics\">Metrics</a> <a href=\"healthz\">Health</a> "
		    "<a href=\"status.json\">JSON</a></nav>\n</footer>\n</body>\n</html>\n");
	text_clear(&problems);
}

/* --- JSON ------------------------------------------------------------------------------------------------- */

static void put_ring(struct text *t, const char *name, const struct rates *rates, const uint32_t ring[RATES_POINTS])
{
	text_format(t, "\"%s\":[", name);
	for (unsigned i = 0; i < RATES_POINTS; i++) {
		text_format(t, "%s%" PRIu32, i > 0 ? "," : "", rates_at(rates, ring, i));
	}
	text_add(t, "]");
}

void page_render_json(struct text *t, const struct model *model, const struct rates *rates,
		      const struct model_now *now)
{
	char name[RATES_NAME_MAX];
	unsigned failures = health_judge(model, now, &(struct health_scope){ .all = true }, NULL);

	text_format(t, "{\"version\":\"" PACKAGE_VERSION "\",\"state\":\"%s\",\"generation\":%" PRIu32 ",\"problems\":%u,",
		    appliance_word(model), model->appliance.generation, failures);
	text_format(t, "\"step\":%d,\"series\":[", RATES_STEP_SEC);
	for (unsigned i = 0; i < rates->count; i++) {
		const struct rates_series *series = &rates->series[i];
		text_add(t, i > 0 ? ",\n{\"name\":\"" : "\n{\"name\":\"");
		text_json(t, rates_name(series, name));
		text_add(t, "\",");
		put_ring(t, "queries", rates, series->queries);
		text_add(t, ",");
		put_ring(t, "failures", rates, series->failures);
		text_add(t, "}");
	}
	text_add(t, "]}\n");
}
