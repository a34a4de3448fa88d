/*
 * What the monitor is told besides its configuration: how each process and the appliance fare, once a second and
 * when something has changed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_WATCH_H
#define BULKHEAD_SUPERVISOR_WATCH_H

struct supervisor;

/* The monitor is ready: tell it now and from now on. */
void watch_begin(struct supervisor *sup);
/* Tell it now, if there is one. */
void watch_tell(struct supervisor *sup);
void watch_end(struct supervisor *sup);

#endif
