/*
 * What a check found: findings with a severity, measures, and how that is told.
 *
 * Kept as an answer like that of the supervisor, so --json and the tables treat both alike: table "finding" (severity,
 * check, view, zone, text) and table "measure" (name, value, unit, warning, critical).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_REPORT_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_REPORT_H

#include "daemons/ctl/answer.h"
#include "daemons/ctl/print.h"

#include <stdint.h>
#include <stdio.h>

/* Kept; more are only counted. */
#define REPORT_FINDINGS_MAX 2000
/* Shown to people, and to monitoring systems that keep a few KiB, unless verbose. */
#define REPORT_SHOWN_MAX 50

enum severity {
	SEVERITY_FINE,	  /* worth a word, nothing wrong */
	SEVERITY_SKIPPED, /* could not or need not be looked at; the status stays */
	SEVERITY_UNKNOWN,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITY_COUNT
};

struct report {
	struct answer answer;
	struct ctl_row row; /* being written: too large for a stack */
	unsigned counts[SEVERITY_COUNT];
	unsigned kept;
	bool failed; /* out of memory: the report is not complete */
};

void report_init(struct report *report);
void report_clear(struct report *report);

/* check: "role", "zone", "listener" ...; view and zone may be "". */
void report_add(struct report *report, enum severity severity, const char *check, const char *view, const char *zone,
		const char *format, ...) __attribute__((format(printf, 6, 7)));

/*
 * A number for graphs. unit: "", "s", "B", "c" (a counter). warning and critical: thresholds in the form of plug-ins ("3:" for
 * "below 3"), or "".
 */
void report_measure(struct report *report, const char *name, uint64_t value, const char *unit, const char *warning,
		    const char *critical);

/* The exit status, and the text of the first line: `fine` when nothing is wrong. */
void report_end(struct report *report, const char *fine);

/*
 * "BULKHEAD CRITICAL - 1 critical, 2 warnings: the first of the worst | measures", then a line for each finding, the worst
 * first. Returns 0 or BH_ENOMEM.
 */
int report_print(FILE *out, const struct report *report, const struct print_style *style) BH_CHECKED;

#endif
