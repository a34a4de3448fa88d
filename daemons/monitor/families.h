/*
 * Which counter of a role is which metric: tables, for metrics.c alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_FAMILIES_H
#define BULKHEAD_MONITOR_FAMILIES_H

#include "common/ipc/stats.h"

enum family_type { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM, FAMILY_INFO };

/* Metrics of one name. */
struct family {
	const char *name; /* without _total or _info; ends with the unit, if there is one */
	const char *unit; /* or NULL */
	enum family_type type;
	const char *help;
};

#define FAMILY_VALUE_MAX 32

/* A counter, or as many as are named by value_of, and how it is told from others of its family. */
struct family_sample {
	unsigned counter;
	const char *label; /* or NULL */
	const char *value; /* or NULL: value_of is asked, and what is 0 is left out */
	const char *(*value_of)(unsigned i, char out[FAMILY_VALUE_MAX]);
	unsigned count;
	unsigned always; /* the first so many are shown even when they are 0 */
};

struct counter_family {
	struct family family;
	enum role role;
	bool by_worker;
	const struct family_sample *samples;
	size_t sample_count;
	/* of a histogram: buckets from samples[0].counter on; bucket i is below bound_ms(i), the last has no bound */
	unsigned buckets;
	uint64_t (*bound_ms)(unsigned i);
	unsigned sum_ms; /* counter of milliseconds */
};

extern const struct counter_family counter_families[];
extern const size_t counter_family_count;

#endif
