/*
 * An answer for people: a headline, then one aligned table for each table of rows.
 *
 * Tables that are known get friendlier columns (durations, sizes, findings like a compiler's, counters
 * side by side); any other table prints as it came.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_PRINT_H
#define BULKHEAD_DAEMONS_CTL_PRINT_H

#include "common/ipc/conf.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stdio.h>

struct answer;
struct answer_row;
struct answer_table;
struct region;

struct print_style {
	bool colour;
	bool verbose; /* every column, every counter, nothing shortened */
	unsigned width; /* columns of the terminal; 0: lines may be as long as they are */
};

/* Returns 0 or BH_ENOMEM, BH_ELIMIT; errors of output stay in the stream (ferror). */
int print_answer(FILE *out, const struct answer *answer, const struct print_style *style) BH_CHECKED;

/* One table as it is, with the friendly columns of those that are known. */
int print_table(FILE *out, struct region *region, const struct answer_table *table,
		const struct print_style *style) BH_CHECKED;

#endif
