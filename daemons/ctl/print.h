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

struct print_style {
	bool colour;
	bool verbose; /* every column, every counter, nothing shortened */
};

/* Returns 0 or BH_ENOMEM, BH_ELIMIT; errors of output stay in the stream (ferror). */
int print_answer(FILE *out, const struct answer *answer, const struct print_style *style) BH_CHECKED;

/* A row of the progress table as one short line. */
void print_progress(FILE *out, const struct ctl_row *row);

/* "42s", "3m 07s", "5h 12m", "9d 03h" */
#define PRINT_DURATION_MAX 32
const char *print_duration(uint64_t sec, char out[PRINT_DURATION_MAX]);
/* "812", "1.5K", "20M", "3.1G": binary multiples */
#define PRINT_SIZE_MAX 24
const char *print_size(uint64_t octets, char out[PRINT_SIZE_MAX]);

#endif
