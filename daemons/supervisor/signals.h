/*
 * Signals of the supervisor, as events. They are blocked for good and read from a descriptor (signalfd(2)): what arrives
 * while nobody reads stays with the kernel, also across the exec of an upgrade, where a handler would have taken it along
 * into the memory that goes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SIGNALS_H
#define BULKHEAD_SUPERVISOR_SIGNALS_H

#include "common/util/err.h"

struct event_base;
struct signals;

typedef void signals_fn(void *ctx, int signo);

/*
 * From now on SIGCHLD, SIGHUP, SIGTERM and SIGINT are blocked, and fn is called for each from the event loop; several
 * SIGCHLD may come as one. SIGPIPE is ignored, no other signal is blocked. BH_ENOMEM, or BH_ESYS with errno.
 */
int signals_watch(struct event_base *base, signals_fn *fn, void *ctx, struct signals **out) BH_CHECKED;
/* Not watched any more, but still blocked: the end of the process is near. NULL does nothing. */
void signals_free(struct signals *s);

/*
 * In a child between fork and exec: every signal as a new program expects it, nothing blocked. Allocates and locks
 * nothing. BH_ESYS with errno.
 */
int signals_reset(void) BH_CHECKED;

#endif
