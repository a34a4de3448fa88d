/*
 * Answers to `status`, `zone status` and `stats`. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_STATUS_H
#define BULKHEAD_SUPERVISOR_STATUS_H

#include "daemons/supervisor/supervisor.h"

struct instance;
struct link;

/* Rows "appliance", "role", "view", "listener", "zone", "negative_anchor", then the end with monitoring status
 * 0 fine, 1 warning, 2 critical. zones: with a row for each zone; without them the end is the same. */
int status_send(struct supervisor *sup, bool zones, struct link *link, uint32_t request) BH_CHECKED;

/*
 * Of that, rows "view" and "listener"; and the queries that came to an instance so far.
 */
int places_send(const struct supervisor *sup, struct link *link, uint32_t request) BH_CHECKED;
uint64_t places_queries(const struct instance *inst);

/*
 * Rows "zone", of one zone in every view that has it or of all (name NULL), with when and how its image was made.
 */
int zone_status_send(const struct supervisor *sup, const char *name, struct link *link, uint32_t request) BH_CHECKED;

/*
 * Rows "counter" of every role; or, of one view, those of its authorities and rows "zone_counter" of its
 * zones; or of one zone the latter. of: name of a view, or else of a zone; NULL: everything.
 */
int stats_send(const struct supervisor *sup, struct link *link, uint32_t request, const char *of) BH_CHECKED;

/* Does the kernel show it, seen from outside, behind a filter, without capabilities or a way to new privileges? */
bool status_confined(pid_t pid);

#endif
