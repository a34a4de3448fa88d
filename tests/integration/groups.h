/*
 * Control groups of a test program, and whether this machine has what the local wall needs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_GROUPS_H
#define BULKHEAD_TESTS_INTEGRATION_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Go into a control group of our own, as a service manager gives one to a service, and find out whether the local wall
 * can be had. Without such a group the tests run in the one they are in. groups_end: back, and all is removed.
 */
void groups_begin(void);
void groups_end(void);

/* Groups that the supervisor of this number has left in ours; 0 as well where we have none. */
unsigned groups_left_by(pid_t supervisor);

/* Why the local wall cannot be had here, NULL: it can. Configurations do without it then (appliance_file). */
const char *groups_no_local_wall(void);

#endif
