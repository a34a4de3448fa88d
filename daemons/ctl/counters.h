/*
 * The table of counters: one grid for each role, a row for each name, a column for each view, workers added up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_COUNTERS_H
#define BULKHEAD_DAEMONS_CTL_COUNTERS_H

#include "common/util/err.h"
#include "common/util/region.h"

#include <stdio.h>

struct answer_table;
struct print_style;

/* Rows that are not as expected are printed as print_table does. Returns 0, BH_ENOMEM or BH_ELIMIT. */
int counters_print(FILE *out, struct region *region, const struct answer_table *table,
		   const struct print_style *style) BH_CHECKED;

#endif
