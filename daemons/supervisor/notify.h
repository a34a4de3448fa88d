/*
 * The service manager: telling it what happens (sd_notify(3), a documented and stable protocol of one datagram),
 * and what it said about us in the environment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_NOTIFY_H
#define BULKHEAD_SUPERVISOR_NOTIFY_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct event;
struct event_base;

/*
 * Send "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..." lines to $NOTIFY_SOCKET. Does nothing when the variable
 * is not set. Failures are logged, they are no reason not to serve.
 */
void notify(const char *fmt, ...) BH_PRINTF(1, 2);

/*
 * Say that a reload begins, at the time of this call. To be sent before anything is begun, and each time followed by
 * READY=1, also when the reload comes to nothing: units of Type=notify-reload wait for that pair.
 */
void notify_reloading(void);

/*
 * Is fd the stream to the journal that `stream` names, the value of $JOURNAL_STREAM (NULL: not set)? The variable
 * outlives a redirection, so the device and inode in it are compared with what is really there (systemd.exec(5)).
 */
bool notify_is_journal(int fd, const char *stream);

/*
 * How often the service manager wants a sign of life, from $WATCHDOG_USEC and $WATCHDOG_PID (sd_watchdog_enabled(3)):
 * microseconds, 0: it does not, or means another process than self. BH_EMALFORMED: the variables make no sense.
 */
int notify_watchdog_interval(const char *usec, const char *pid, pid_t self, uint64_t *out) BH_CHECKED;

/*
 * Send WATCHDOG=1 from this event loop, twice in each interval that the environment asks for; a loop that hangs sends
 * nothing and the service manager ends us. *out: NULL when nobody watches. The caller frees it with event_free.
 */
int notify_watchdog_start(struct event_base *base, struct event **out) BH_CHECKED;

#endif
