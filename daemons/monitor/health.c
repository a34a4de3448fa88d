/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/monitor/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verdict {
	const struct model *model;
	const struct model_now *now;
	struct text *out; /* NULL: nobody reads it */
	unsigned failures;
};

static void fail(struct verdict *v, const char *fmt, ...) BH_PRINTF(2, 3);

static void fail(struct verdict *v, const char *fmt, ...)
{
	char line[DNAME_TEXT_MAX + 256];
	va_list args;
	if (v->failures++ >= HEALTH_LINES_MAX || v->out == NULL) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_add(v->out, line);
	text_add(v->out, "\n");
}

/* Of a moment that another process wrote down: it may be ahead of ours by a little. */
static uint64_t age_ms(uint64_t then_ms, const struct model_now *now)
{
	return now->ms > then_ms ? now->ms - then_ms : 0;
}

/* False: it was told. */
static bool process_is_there(struct verdict *v, const struct watched_role *role, const char *name)
{
	bool fresh = role->told && age_ms(role->told_ms, v->now) <= HEALTH_TOLD_MS;
	if (fresh && role->facts.state == IPC_ROLE_DOWN) {
		fail(v, "%s: does not run%s%s", name, role->facts.last_end[0] == '\0' ? "" : ": ", role->facts.last_end);
		return false;
	}
	if (fresh && role->facts.state == IPC_ROLE_STARTING) {
		fail(v, "%s: is starting", name);
		return false;
	}
	uint64_t beat_ms = stats_read(&role->page->beat_ms);
	if (beat_ms == 0) {
		fail(v, "%s: has not given a sign of life yet", name);
		return false;
	}
	if (age_ms(beat_ms, v->now) > HEALTH_STALE_MS) {
		fail(v, "%s: no sign of life for %" PRIu64 " s", name, age_ms(beat_ms, v->now) / 1000);
		return false;
	}
	return true;
}

static void judge_authority(struct verdict *v, const struct watched_role *role, const char *name)
{
	const struct stats_probe *probe = &role->page->probes[STATS_PROBE_OWN];
	uint64_t failed = stats_read(&probe->failed);
	if (stats_read(&probe->ended_ms) == 0) {
		fail(v, "%s: has not asked for all of its zones yet", name);
	} else if (failed > 0 && !v->model->zones_told) {
		fail(v, "%s: %" PRIu64 " of %" PRIu64 " zones do not answer", name, failed, stats_read(&probe->parts));
	}
}

static void judge_frontend(struct verdict *v, const struct watched_role *role, const char *name)
{
	static const char *const peers[STATS_PROBES] = { [STATS_PROBE_VIEW] = "the internal view",
							 [STATS_PROBE_RESOLVER] = "the resolver" };
	for (unsigned i = 0; i < STATS_PROBES; i++) {
		const struct stats_probe *probe = &role->page->probes[i];
		if (stats_read(&probe->parts) > 0 && stats_read(&probe->ended_ms) == 0) {
			fail(v, "%s: has not heard from %s yet", name, peers[i]);
		} else if (stats_read(&probe->failed) > 0) {
			fail(v, "%s: %s does not answer, worker %" PRIu64, name, peers[i], stats_read(&probe->first));
		}
	}
}

static void judge_resolver(struct verdict *v, const struct watched_role *role, const char *name)
{
	const struct stats_probe *probe = &role->page->probes[STATS_PROBE_OWN];
	uint64_t ended_ms = stats_read(&probe->ended_ms);
	if (ended_ms == 0) {
		fail(v, "%s: has not resolved its own question yet", name);
	} else if (age_ms(ended_ms, v->now) > HEALTH_RESOLVER_MS) {
		fail(v, "%s: its own question was not resolved for %" PRIu64 " s", name, age_ms(ended_ms, v->now) / 1000);
	} else if (stats_read(&probe->failed) > 0) {
		fail(v, "%s: its own question cannot be resolved", name);
	}
}

static void judge_role(struct verdict *v, const struct watched_role *role)
{
	char name[MODEL_NAME_MAX];
	(void)model_role_name(role, name);
	if (role->info.role == ROLE_MONITOR || !process_is_there(v, role, name)) {
		return; /* a monitor that can be asked is there */
	}
	switch ((enum role)role->info.role) {
	case ROLE_AUTHORITY:
		judge_authority(v, role, name);
		break;
	case ROLE_FRONTEND:
		judge_frontend(v, role, name);
		break;
	case ROLE_RESOLVER:
		judge_resolver(v, role, name);
		break;
	default:
		break;
	}
}

static bool role_is_in(const struct health_scope *scope, const struct watched_role *role)
{
	if (role->info.role == ROLE_AUTHORITY) {
		return scope->all || (scope->view != NULL && strcmp(scope->view, role->info.view) == 0);
	}
	return scope->all || (scope->resolver && role->info.role != ROLE_MONITOR);
}

bool health_scope_exists(const struct model *model, const struct health_scope *scope)
{
	for (size_t i = 0; i < model->role_count; i++) {
		if (role_is_in(scope, &model->roles[i])) {
			return true;
		}
	}
	return scope->all;
}

/* Zones by name; each once, however many workers fail for it. */
static void judge_zones(struct verdict *v, const struct health_scope *scope)
{
	for (size_t i = 0; i < v->model->zone_count; i++) {
		const struct ipc_watched *zone = &v->model->zones[i];
		char name[DNAME_TEXT_MAX];
		if ((scope->all || (scope->view != NULL && strcmp(scope->view, zone->view) == 0)) &&
		    model_zone_failed(v->model, zone, NULL)) {
			fail(v, "view %s: zone %s does not answer", zone->view, dname_text(zone->name, name));
		}
	}
}

/* Is there a zone to look for? As a rule there is not. */
static bool any_zone_failed(const struct model *model)
{
	for (size_t i = 0; i < model->role_count; i++) {
		const struct watched_role *role = &model->roles[i];
		if (role->info.role == ROLE_AUTHORITY && stats_read(&role->page->probes[STATS_PROBE_OWN].failed) > 0) {
			return true;
		}
	}
	return false;
}

unsigned health_judge(const struct model *model, const struct model_now *now, const struct health_scope *scope,
		      struct text *out)
{
	struct verdict v = { .model = model, .now = now, .out = out };
	for (size_t i = 0; i < model->role_count; i++) {
		if (role_is_in(scope, &model->roles[i])) {
			judge_role(&v, &model->roles[i]);
		}
	}
	if (any_zone_failed(model)) {
		judge_zones(&v, scope);
	}
	if (out != NULL && v.failures > HEALTH_LINES_MAX) {
		text_format(out, "and %u more\n", v.failures - HEALTH_LINES_MAX);
	}
	return v.failures;
}

bool health_role_is_fine(const struct watched_role *role, const struct model_now *now)
{
	struct model alone = { .roles = (struct watched_role *)(uintptr_t)role, .role_count = 1 };
	struct verdict v = { .model = &alone, .now = now };
	judge_role(&v, role);
	return v.failures == 0;
}
