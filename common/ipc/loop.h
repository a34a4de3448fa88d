/*
 * The event loop of a process: one for each, made in its warm-up, since it opens descriptors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_LOOP_H
#define BULKHEAD_COMMON_IPC_LOOP_H

struct event_base;

/* An event base that takes no locks and looks at no environment; the caller frees it. NULL: no memory, or descriptor. */
struct event_base *loop_new(void);

#endif
