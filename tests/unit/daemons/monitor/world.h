/*
 * An appliance for the monitor's tests: two workers of a view, a frontend, a resolver, a monitor, two zones. Pages are
 * memory of the test, which writes what it wants to see.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_MONITOR_WORLD_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_MONITOR_WORLD_H

#include "daemons/monitor/model.h"
#include "daemons/monitor/text.h"

enum { AUTH_0, AUTH_1, FRONT, RES, MON, WORLD_ROLES };

#define WORLD_MS UINT64_C(1000000)
#define WORLD_SEC UINT64_C(2000000000)

struct world {
	struct model *model;
	struct stats_page *pages[WORLD_ROLES];
	struct ipc_watched zones[2]; /* "example.com." and one of odd octets */
	struct model_now now;
};

/* Everything is well. */
struct world *world_new(void);
void world_free(struct world *w);

/* The text as a string of its own, valid until the next call; the text is cleared. */
const char *world_text(struct text *t);

#endif
