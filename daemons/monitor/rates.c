/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/monitor/rates.h"

#include <stdio.h>
#include <string.h>

static uint64_t queries_of(const struct watched_role *roles, size_t count)
{
	switch ((enum role)roles->info.role) {
	case ROLE_AUTHORITY:
		return model_sum(roles, count, STAT_AUTH_UDP_QUERIES) + model_sum(roles, count, STAT_AUTH_TCP_QUERIES) +
		       model_sum(roles, count, STAT_AUTH_LINK_QUERIES);
	case ROLE_FRONTEND:
		return model_sum(roles, count, STAT_FRONT_UDP_QUERIES) + model_sum(roles, count, STAT_FRONT_TCP_QUERIES);
	default:
		return model_sum(roles, count, STAT_RES_UPSTREAM_UDP) + model_sum(roles, count, STAT_RES_UPSTREAM_TCP);
	}
}

static uint64_t failures_of(const struct watched_role *roles, size_t count)
{
	switch ((enum role)roles->info.role) {
	case ROLE_AUTHORITY:
		return model_sum(roles, count, STAT_AUTH_SERVFAIL);
	case ROLE_FRONTEND:
		return model_sum(roles, count, STAT_FRONT_SERVFAIL);
	default:
		return model_sum(roles, count, STAT_RES_UPSTREAM_TIMEOUTS) +
		       model_sum(roles, count, STAT_RES_UPSTREAM_UNREACHABLE);
	}
}

static bool is_of(const struct rates_series *series, const struct watched_role *roles)
{
	return series->role == (char)roles->info.role && strcmp(series->view, roles->info.view) == 0;
}

static bool is_counted(const struct watched_role *roles)
{
	return (ROLES_SERVING & ROLE_BIT(roles->info.role)) != 0;
}

static void drop_gone(struct rates *rates, const struct model *model)
{
	unsigned kept = 0;
	for (unsigned s = 0; s < rates->count; s++) {
		bool there = false;
		for (size_t i = 0; i < model->role_count; i++) {
			there = there || is_of(&rates->series[s], &model->roles[i]);
		}
		if (there && kept != s) {
			rates->series[kept] = rates->series[s];
		}
		kept += there;
	}
	rates->count = kept;
}

static struct rates_series *series_of(struct rates *rates, const struct watched_role *roles)
{
	for (unsigned s = 0; s < rates->count; s++) {
		if (is_of(&rates->series[s], roles)) {
			return &rates->series[s];
		}
	}
	if (rates->count == RATES_SERIES_MAX) {
		return NULL;
	}
	struct rates_series *series = &rates->series[rates->count++];
	*series = (struct rates_series){ .role = (char)roles->info.role, .fresh = true };
	snprintf(series->view, sizeof(series->view), "%s", roles->info.view);
	return series;
}

/* Counters fall when a worker is taken away; that is no rate. */
static uint32_t difference(uint64_t now, uint64_t before, bool fresh)
{
	uint64_t d = fresh || now < before ? 0 : now - before;
	return d < UINT32_MAX ? (uint32_t)d : UINT32_MAX;
}

void rates_step(struct rates *rates, const struct model *model)
{
	drop_gone(rates, model);
	for (size_t at = 0, begin = 0; at < model->role_count; begin = at) {
		size_t count = model_next_group(model, &at);
		const struct watched_role *roles = &model->roles[begin];
		struct rates_series *series = is_counted(roles) ? series_of(rates, roles) : NULL;
		if (series == NULL) {
			continue;
		}
		uint64_t queries = queries_of(roles, count);
		uint64_t failures = failures_of(roles, count);
		series->queries[rates->next] = difference(queries, series->queries_before, series->fresh);
		series->failures[rates->next] = difference(failures, series->failures_before, series->fresh);
		series->queries_before = queries;
		series->failures_before = failures;
		series->fresh = false;
	}
	rates->next = (rates->next + 1) % RATES_POINTS;
}

const char *rates_name(const struct rates_series *series, char out[RATES_NAME_MAX])
{
	switch ((enum role)series->role) {
	case ROLE_AUTHORITY:
		snprintf(out, RATES_NAME_MAX, "view %s", series->view);
		break;
	case ROLE_FRONTEND:
		snprintf(out, RATES_NAME_MAX, "clients of the resolver");
		break;
	default:
		snprintf(out, RATES_NAME_MAX, "asked by the resolver");
	}
	return out;
}
