/*
 * bulkheadd -u DESCRIPTOR -n: could this program take over? Asked by the one that runs (upgrade.h), as its child, with
 * its walls and its capabilities. Nothing is changed: no socket is opened, nothing is written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_REHEARSAL_H
#define BULKHEAD_SUPERVISOR_REHEARSAL_H

/*
 * One line on standard output: this version, or why not. Returns the exit status, 0: it could.
 */
int rehearsal_run(int record_fd);

#endif
