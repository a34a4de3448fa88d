/*
 * Which counter of an authority belongs to which zone, and counters for those who only read.
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

/*
 * The memory of a role's counters once more, opened so that nobody can write to it: neither by write(2) nor by a shared
 * mapping. (F_SEAL_FUTURE_WRITE would also keep the role's next process from writing.) The caller closes it; -1 with
 * errno.
 */
int counters_open_for_reading(int counters_fd) BH_CHECKED;

#endif
