/*
 * What a role writes to its log pipe, line by line, signed by the supervisor.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ROLELOG_H
#define BULKHEAD_SUPERVISOR_ROLELOG_H

struct event_base;
struct rolelog;

/*
 * Read fd (owned from now on) and log each line as "NAME: line" at the level of its "<N>" prefix
 * (without one: at level warning, that is what a library wrote). Lines are cut at LOG_LINE_MAX, unprintable
 * octets escaped, and more than ROLELOG_BURST lines in a second are counted, not written. A role that
 * writes more than ROLELOG_FLOOD is not read any more until the second is over: it must not keep us busy.
 * name is copied. NULL: out of memory.
 */
#define ROLELOG_BURST 200
#define ROLELOG_FLOOD 5000
struct rolelog *rolelog_new(struct event_base *base, int fd, const char *name);

/* The pipe, which stays the log's. */
int rolelog_descriptor(const struct rolelog *log);

/* Read what is still in the pipe, then close. */
void rolelog_free(struct rolelog *log);

#endif
