/*
 * Retention by age (history.h): what a zone's next generation does not remove, because there is none, a look at all
 * histories does, a minute after the start and then once a day, in the process that writes them (saver.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SWEEP_H
#define BULKHEAD_SUPERVISOR_SWEEP_H

struct supervisor;
struct sweeper;

/* NULL: out of memory. */
struct sweeper *sweep_start(struct supervisor *sup);
/* NULL is fine. */
void sweep_end(struct sweeper *sweeper);

#endif
