/*
 * Rates of the last ten minutes, for the plots of the status page: how many queries, and how many of them failed, in
 * each step of five seconds. What remembers for longer is a monitoring system.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_RATES_H
#define BULKHEAD_MONITOR_RATES_H

#include "daemons/monitor/model.h"

#define RATES_STEP_SEC 5
#define RATES_POINTS 120
/* Views (CONFIG_VIEWS_MAX), the clients of the resolver, and the servers that it asks. */
#define RATES_SERIES_MAX 66

struct rates_series {
	char role;		 /* enum role */
	char view[IPC_VIEW_MAX]; /* "" but for authorities */
	bool fresh;		 /* there is nothing to compare with yet */
	uint64_t queries_before;
	uint64_t failures_before;
	uint32_t queries[RATES_POINTS]; /* in a step; the ring's oldest is at rates.next */
	uint32_t failures[RATES_POINTS];
};

struct rates {
	struct rates_series series[RATES_SERIES_MAX];
	unsigned count;
	unsigned next;
};

/* One more step. A series of what is gone goes, one of what is new begins with zeroes. */
void rates_step(struct rates *rates, const struct model *model);

/* "view external", "clients of the resolver", "asked by the resolver". */
#define RATES_NAME_MAX 48
const char *rates_name(const struct rates_series *series, char out[RATES_NAME_MAX]);

/* Value i of a ring, the oldest is 0. */
static inline uint32_t rates_at(const struct rates *rates, const uint32_t ring[RATES_POINTS], unsigned i)
{
	return ring[(rates->next + i) % RATES_POINTS];
}

#endif
