/*
 * The resolver's service: questions in over query links, answers out; equal questions in work are
 * resolved once. The shell around the core: it drives sockets (outquery.c) and composes replies.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_SERVE_H
#define BULKHEAD_DAEMONS_RESOLVER_SERVE_H

#include "common/ipc/role_link.h"
#include "daemons/resolver/tracing.h"

struct event_base;
struct serve;

typedef void serve_found_fn(void *ctx, const struct ipc_anchor_state *state);
typedef void serve_broken_fn(void *ctx, uint32_t link);

/* stats is read at each use (role_link changes the pointer once). NULL: no memory. */
struct serve *serve_new(struct event_base *base, struct stats_page **stats);
void serve_free(struct serve *serve);

/* The role_ops: see common/ipc/role_link.h. */
int serve_prepare(struct serve *serve, const struct role_conf *conf, char *why, size_t why_size);
void serve_commit(struct serve *serve, const struct role_conf *conf);
void serve_abort(struct serve *serve);
void serve_peer_restarted(struct serve *serve, uint32_t link_id);
void serve_negative_anchor(struct serve *serve, const struct ipc_negative_anchor *anchor);
void serve_anchor_state(struct serve *serve, const struct ipc_anchor_state *state);
/* What tracking the keys of anchor zones finds goes to this function. */
void serve_set_found(struct serve *serve, serve_found_fn *found, void *ctx);
/* Query links whose peer breaks the format go to this function. */
void serve_set_broken(struct serve *serve, serve_broken_fn *broken, void *ctx);
uint64_t serve_flush(struct serve *serve, const struct ipc_flush *what);
/* Steps of a trace go to this function; without it nothing is traced. */
void serve_set_teller(struct serve *serve, tracing_tell_fn *tell, void *ctx);
void serve_trace(struct serve *serve, uint32_t request, const struct ipc_trace *what);
/* No new questions; the event loop ends when those in work are answered, or after some seconds. */
void serve_stop(struct serve *serve);

#endif
