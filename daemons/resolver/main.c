/*
 * The resolver role: iterates through the Internet for the frontend. It has no client socket, no link to
 * any authority and no zone data; all it holds is what strangers told it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/loop.h"
#include "common/util/log.h"
#include "daemons/resolver/serve.h"
#include "sandbox/sandbox.h"

#include <event2/event.h>

static int on_prepare(void *ctx, const struct role_conf *conf, char *why, size_t why_size)
{
	return serve_prepare(ctx, conf, why, why_size);
}

static void on_commit(void *ctx, const struct role_conf *conf)
{
	serve_commit(ctx, conf);
}

static void on_abort(void *ctx)
{
	serve_abort(ctx);
}

static void on_peer_restarted(void *ctx, uint32_t link_id)
{
	serve_peer_restarted(ctx, link_id);
}

static void on_negative_anchor(void *ctx, const struct ipc_negative_anchor *anchor)
{
	serve_negative_anchor(ctx, anchor);
}

static void on_anchor_state(void *ctx, const struct ipc_anchor_state *state)
{
	serve_anchor_state(ctx, state);
}

static uint64_t on_flush(void *ctx, const struct ipc_flush *what)
{
	return serve_flush(ctx, what);
}

static void on_trace(void *ctx, uint32_t request, const struct ipc_trace *what)
{
	serve_trace(ctx, request, what);
}

/* ctx: where main has the link. */
static void tell_step(void *ctx, uint32_t request, const struct ipc_trace_step *step)
{
	struct role_link *const *link = ctx;
	if (role_link_trace_step(*link, request, step) != BH_OK) {
		log_warn("a step of a trace could not be told"); /* the link is over, and with it this process */
	}
}

static void tell_found(void *ctx, const struct ipc_anchor_state *state)
{
	struct role_link *const *link = ctx;
	if (role_link_anchor_found(*link, state) != BH_OK) {
		log_warn("the keys of a trust anchor's zone could not be told");
	}
}

static void tell_broken(void *ctx, uint32_t id)
{
	struct role_link *const *link = ctx;
	if (role_link_peer_broken(*link, id) != BH_OK) {
		log_warn("cannot tell that query link %u is broken", (unsigned)id);
	}
}

static void on_stop(void *ctx)
{
	serve_stop(ctx);
}

int main(void)
{
	static const struct role_ops ops = { .prepare = on_prepare, .commit = on_commit, .abort = on_abort,
					     .peer_restarted = on_peer_restarted, .flush = on_flush, .trace = on_trace,
					     .negative_anchor = on_negative_anchor, .anchor_state = on_anchor_state,
					     .stop = on_stop };
	sandbox_begin(&sandbox_resolver);

	/* Warm-up: the event base opens what it needs. */
	struct event_base *base = loop_new();
	if (base == NULL) {
		log_fatal("cannot make the event loop");
	}

	struct stats_page *stats = NULL;
	struct sandbox_state state;
	struct serve *serve = serve_new(base, &stats);
	if (serve == NULL) {
		log_fatal("out of memory");
	}
	sandbox_enter(&sandbox_resolver, &state);

	struct ipc_hello hello = { .walls = state.walls, .uid = state.uid, .gid = state.gid,
				   .syscalls = (uint16_t)state.syscalls };
	static struct role_link *link;
	serve_set_teller(serve, tell_step, &link);
	serve_set_found(serve, tell_found, &link);
	serve_set_broken(serve, tell_broken, &link);
	link = role_link_new(base, ROLE_RESOLVER, &hello, &stats, &ops, serve);
	if (link == NULL) {
		log_fatal("control link: out of memory");
	}
	if (event_base_dispatch(base) < 0) {
		log_fatal("the event loop failed");
	}
	serve_free(serve);
	role_link_free(link);
	event_base_free(base);
	return 0;
}
