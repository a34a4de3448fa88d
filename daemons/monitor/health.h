/*
 * Is the appliance well? Judged by what each role wrote down when it asked itself (stats.h), by how fresh that is,
 * and by what the supervisor knows of its process.
 *
 * Bounds, from the moment something goes wrong to the first verdict that says so:
 *   a process that is stopped or hangs          5 s (HEALTH_STALE_MS, and a beat)
 *   a process that is gone and not yet back     1 s
 *   a zone that does not answer                 1 s, and 1 s for each 1,000 zones of its view
 *   a frontend whose neighbour does not answer  5 s
 *   a resolver that answers no question         15 s
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_HEALTH_H
#define BULKHEAD_MONITOR_HEALTH_H

#include "daemons/monitor/model.h"
#include "daemons/monitor/text.h"

/* A role beats each second (STATS_BEAT_MS); one that has not for this long hangs. */
#define HEALTH_STALE_MS 4000
/* A resolver ends what it asks itself within 10 s (RESOLUTION_MS), and asks again 2 s later. */
#define HEALTH_RESOLVER_MS 15000
/* What the supervisor said is looked at for so long. */
#define HEALTH_TOLD_MS 5000
/* Failures that are told; what is behind them is counted. */
#define HEALTH_LINES_MAX 100

/* What is asked for: everything, or the parts that are marked. */
struct health_scope {
	bool all;
	const char *view; /* its authorities and zones; NULL: none */
	bool resolver;	  /* resolver and frontend */
};

/* Is there anything in this scope? What is not there cannot be asked for. */
bool health_scope_exists(const struct model *model, const struct health_scope *scope);

/* Number of failures; out (may be NULL) gets a line for each, without markup. */
unsigned health_judge(const struct model *model, const struct model_now *now, const struct health_scope *scope,
		      struct text *out);

/* One process alone. */
bool health_role_is_fine(const struct watched_role *role, const struct model_now *now);

#endif
