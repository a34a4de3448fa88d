/*
 * `status` for people: the state in one word and line, what needs attention and why, then roles, views and zones in as few
 * lines as say it. Rows in, text out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_OVERVIEW_H
#define BULKHEAD_DAEMONS_CTL_OVERVIEW_H

#include "common/util/err.h"

#include <stdio.h>

struct answer;
struct call;
struct print_style;

/* Zones are listed when there are at most as many; `zone status` lists them all. */
#define OVERVIEW_ZONES_MAX 20
#define OVERVIEW_ATTENTION_MAX 20
/* Between two looks at the counters, for rates. */
#define OVERVIEW_RATE_MS 300

/*
 * later: the answer to the same question a moment after, for rates; NULL: none are shown. An answer without a row "appliance"
 * is printed as print_answer does. Returns 0, BH_ENOMEM or BH_ELIMIT.
 */
int overview_print(FILE *out, const struct answer *answer, const struct answer *later,
		   const struct print_style *style) BH_CHECKED;

/* The command. */
int command_status(const struct call *call);

#endif
