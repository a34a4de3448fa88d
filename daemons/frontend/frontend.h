/*
 * A frontend: clients on one side, query links on the other, the routes and the cache between them.
 * Started by main.c inside the sandbox, and by tests with descriptors of their own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_FRONTEND_H
#define BULKHEAD_DAEMONS_FRONTEND_FRONTEND_H

#include "common/ipc/role_link.h"

struct event_base;
struct frontend;

/*
 * *stats is looked at when something is counted, so it may be set after this call and change
 * later. NULL: out of memory.
 */
struct frontend *frontend_new(struct event_base *base, struct stats_page **stats);
/* Closes everything; whoever waits gets no answer any more. */
void frontend_free(struct frontend *f);

/* Other than JOB_DEADLINE_MS, before the first query: tests have no patience. */
void frontend_set_patience(struct frontend *f, uint32_t patience_ms);

/* Query links whose peer breaks the format go to this function. */
void frontend_set_broken(struct frontend *f, void (*broken)(void *ctx, uint32_t link), void *ctx);

/* For role_link; ctx is the struct frontend. */
extern const struct role_ops frontend_role_ops;

#endif
