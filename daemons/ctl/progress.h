/*
 * One line on a terminal that says how far long work has come, and leaves nothing behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_PROGRESS_H
#define BULKHEAD_DAEMONS_CTL_PROGRESS_H

#include "common/ipc/conf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRESS_TEXT_MAX 256

struct progress {
	FILE *out; /* a terminal; NULL: nothing is shown */
	unsigned width;
	uint64_t began_ms; /* when the work was asked for (clock_now_ms) */
	bool shown;
};

/*
 * The line for a row "progress", elapsed_ms after the work began: "compiling 3 of 20 zones, 1.2M records, 310k/s
 * example.com.", printable ASCII, shorter than width. Returns out.
 */
const char *progress_text(const struct ctl_row *row, uint64_t elapsed_ms, unsigned width,
			  char out[PROGRESS_TEXT_MAX]);

/* A session_progress_fn: ctx is a struct progress. */
void progress_show(void *ctx, const struct ctl_row *row);

/* Wipe the line. */
void progress_end(struct progress *progress);

#endif
