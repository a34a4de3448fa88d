/*
 * Two looks at the counters, and what happened between them. No clock, no sockets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_RATES_H
#define BULKHEAD_DAEMONS_CTL_RATES_H

#include "common/util/err.h"
#include "common/util/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer;

/* One counter; texts point into the answer. */
struct rate {
	const char *role; /* "zone" for queries of a zone, whose name is `name` then */
	const char *view;
	unsigned index; /* worker */
	const char *name;
	uint64_t value;
	uint64_t more;	/* since the look before; 0 for a gauge */
	bool gauge;	/* tells how much there is, not how often something happened */
};

struct rates {
	size_t count;
	struct rate *list; /* in the order of the answer */
};

/*
 * before NULL: nothing is known of it, everything is 0. A counter that is smaller than before belongs to a role that began anew:
 * all of it is new. Memory is the region's. BH_ENOMEM.
 */
int rates_between(const struct answer *before, const struct answer *now, struct region *region,
		  struct rates *out) BH_CHECKED;

/* Sum over all workers; view NULL: over all views too; name "": nothing. */
uint64_t rates_sum(const struct rates *rates, const char *role, const char *view, const char *name);
/* Of one worker. */
uint64_t rates_of(const struct rates *rates, const struct rate *like, const char *name);

/*
 * The latency below which `permille` of a thousand stayed, from the histogram of a role (names "wait_below_4ms" or
 * "latency_under_4ms", and "..._longer"): the upper end of its bucket in milliseconds, UINT64_MAX for the last one, which has none.
 * False: nothing was waited for.
 */
bool rates_quantile(const struct rates *rates, const char *role, unsigned permille, uint64_t *ms);

/* Is it a bucket of a histogram? */
bool rates_is_bucket(const char *name);

#endif
