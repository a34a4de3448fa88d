/*
 * A hostile resolver tries whom it can ask.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_HOSTILE_REACH_H
#define BULKHEAD_TESTS_INTEGRATION_HOSTILE_REACH_H

/* Before the sandbox: the file PROGRAM.targets, "HOW ADDRESS@PORT" in each line (tests/sandbox/reach.h). Without it nothing is tried. */
void hostile_reach_read(const char *program);

/* From within: each of them, with a line in the log "round N: HOW ADDRESS@PORT: what came of it", and "round N is over". */
void hostile_reach_all(int poll_fd);

#endif
