/*
 * Which counter of an authority belongs to which zone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_COUNTERS_H
#define BULKHEAD_SUPERVISOR_COUNTERS_H

#include "common/util/err.h"

struct zone_set;

/*
 * Give each zone of next its counter: the one it has in old (in service; NULL: nothing is), or one that no zone of
 * its view has there, since both sets live until a change is committed or given up. BH_ENOMEM.
 */
int counters_assign(struct zone_set *next, const struct zone_set *old) BH_CHECKED;

#endif
