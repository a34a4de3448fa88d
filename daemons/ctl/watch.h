/*
 * `stats --watch`: what happens, for each second, again and again.
 *
 * On a terminal a screen that is drawn anew. No library of screens is needed for that: it moves the cursor home, writes lines
 * that fit, and clears the rest, with sequences that every terminal of the last decades knows (ECMA-48); a dependency for five
 * of them would be the largest part of this program. In a pipe a line for each interval, or an object of JSON.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_WATCH_H
#define BULKHEAD_DAEMONS_CTL_WATCH_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct call;
struct rates;
struct region;

#define WATCH_INTERVAL_SEC 2
#define WATCH_INTERVAL_MAX 3600

struct watch_screen {
	unsigned width;	 /* columns, at least WATCH_WIDTH_MIN are used */
	unsigned height; /* lines; 0: as many as it takes */
	bool colour;
	bool verbose;	 /* every worker, even where they do not fit */
	uint64_t ms;	 /* between both looks */
	uint64_t now_sec; /* time of day */
};
#define WATCH_WIDTH_MIN 40

/* The lines of a screen, at most height of them. Returns 0 or BH_ENOMEM. */
int watch_draw(FILE *out, struct region *region, const struct rates *rates, const struct watch_screen *screen) BH_CHECKED;

/*
 * Lines that were drawn onto a screen, over what was there: cut where they or it end, so nothing wraps or scrolls.
 */
void watch_put(FILE *out, const char *drawn, size_t len, unsigned width, unsigned height);

/* One line: time, and rates of queries of each role and view. */
void watch_line(FILE *out, const struct rates *rates, uint64_t ms, uint64_t now_sec);

/* One object: time, interval_ms, and counters that are not 0, each with its value and what it is for each second. */
void watch_json(FILE *out, const struct rates *rates, uint64_t ms, uint64_t now_sec);

/* The command. */
int watch_run(const struct call *call, const char *of, unsigned interval_sec, unsigned times);

#endif
