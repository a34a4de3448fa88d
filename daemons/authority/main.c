/*
 * The authority: answers for the zones of one view. It holds sealed images and inherited sockets, and
 * can get neither files nor sockets nor other data.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/nsec3.h"
#include "common/ipc/loop.h"
#include "common/ipc/qlink.h"
#include "common/ipc/role_link.h"
#include "common/net/tcp.h"
#include "common/net/udp.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/rand.h"
#include "daemons/authority/server.h"
#include "sandbox/sandbox.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

/* Stop: how often and how many times it is asked whether TCP connections have got their replies. */
#define STOP_TICK_MS 20
#define STOP_TICKS_MAX 100
/*
 * Replaced by another process, there is no hurry: connections may go on for so long, and what is in work then, zone
 * transfers above all, for so long.
 */
#define RETIRE_FADE_TICKS (2000 / STOP_TICK_MS)
#define RETIRE_DRAIN_MS 30000
#define RETIRE_TICKS_MAX (RETIRE_FADE_TICKS + (RETIRE_DRAIN_MS + 2000) / STOP_TICK_MS)

static void on_image_refused(void *ctx, uint32_t image, const char *why)
{
	struct server *server = ctx;
	if (role_link_refuse_image(server->link, image, why) != BH_OK) {
		log_err("cannot tell that image %u is refused: %s", (unsigned)image, why);
	}
}

static void on_probe(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	(void)fd;
	(void)what;
	unsigned ms = probe_tick(&server->probe, server->view, &server->work, server->stats, server->reply,
				 clock_now_ms());
	struct timeval next = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	if (event_add(server->probe_timer, &next) != 0) {
		log_fatal("cannot set a timer");
	}
}

static int on_prepare(void *ctx, const struct role_conf *conf, char *why, size_t why_size)
{
	struct server *server = ctx;
	int rc = view_build(conf, server->view, on_image_refused, server, &server->next, why, why_size);
	if (rc != BH_OK) {
		return rc;
	}
	server->next->hasher = server->hasher;
	rc = sources_prepare(server, conf);
	if (rc != BH_OK) {
		snprintf(why, why_size, "listeners: %s", bh_strerror(rc));
		view_free(server->next);
		server->next = NULL;
	}
	return rc;
}

static void set_tcp_limits(struct server *server, unsigned drain_ms)
{
	const struct ipc_tcp *tcp = &server->tcp_options;
	struct tcp_limits limits = tcp_limits_default;
	limits.connections = tcp->connections;
	limits.connections_client = tcp->connections_client;
	limits.idle_ms = tcp->idle_ms;
	limits.write_ms = tcp->reply_ms;
	limits.drain_ms = drain_ms;
	tcp_server_limits(server->tcp, &limits);
}

static void on_commit(void *ctx, const struct role_conf *conf)
{
	struct server *server = ctx;

	tsig_engine_forget(server->work.tsig);
	view_free(server->view); /* no query is in work between two events */
	server->view = server->next;
	server->next = NULL;
	count_view(server->view, server->stats);

	server->tcp_options = conf->options.authority.tcp;
	set_tcp_limits(server, tcp_limits_default.drain_ms);
	sources_commit(server, conf);
	if (conf->probe) {
		probe_begin(&server->probe, server->stats);
		on_probe(-1, 0, server);
	} else {
		(void)event_del(server->probe_timer);
		stats_probes_clear(server->stats);
	}
}

static void on_abort(void *ctx)
{
	struct server *server = ctx;
	sources_abort(server);
	view_free(server->next);
	server->next = NULL;
}

static void on_peer_restarted(void *ctx, uint32_t link_id)
{
	sources_peer_restarted(ctx, link_id);
}

static void on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	(void)fd;
	(void)what;
	unsigned most = server->retiring ? RETIRE_TICKS_MAX : STOP_TICKS_MAX;
	if (tcp_server_count(server->tcp) == 0 || ++server->stop_ticks > most) {
		event_base_loopbreak(server->base);
		return;
	}
	if (server->retiring && server->stop_ticks == RETIRE_FADE_TICKS) {
		tcp_server_drain(server->tcp);
	}
}

/* Answer what has arrived, let TCP clients have their replies, then end. */
static void on_stop(void *ctx)
{
	struct server *server = ctx;
	static const struct timeval tick = { .tv_usec = STOP_TICK_MS * 1000 };

	sources_stop(server);
	tcp_server_drain(server->tcp);
	if (tcp_server_count(server->tcp) == 0 || event_add(server->stop_timer, &tick) != 0) {
		event_base_loopbreak(server->base);
	}
}

/* Its successor reads the same sockets: what is in them is not lost. */
static void on_retire(void *ctx)
{
	struct server *server = ctx;
	static const struct timeval tick = { .tv_usec = STOP_TICK_MS * 1000 };

	server->retiring = true;
	sources_stop(server);
	set_tcp_limits(server, RETIRE_DRAIN_MS);
	tcp_server_fade(server->tcp);
	if (tcp_server_count(server->tcp) == 0 || event_add(server->stop_timer, &tick) != 0) {
		event_base_loopbreak(server->base);
	}
}

static void server_init(struct server *server)
{
	server->base = loop_new();
	LIST_INIT(&server->sources);
	LIST_INIT(&server->prepared);
	LIST_INIT(&server->running);
	server->udp = udp_batch_new();
	server->links = qlink_batch_new();
	if (server->base == NULL || server->udp == NULL || server->links == NULL) {
		log_fatal("out of memory");
	}
	server->work.tsig = tsig_engine_new();
	if (server->work.tsig == NULL) {
		log_fatal("libcrypto: HMAC is not there");
	}
	server->hasher = nsec3_hasher_new();
	if (server->hasher == NULL) {
		log_fatal("hash of NSEC3: out of memory, or libcrypto has no SHA-1");
	}
	server->tcp = serve_tcp_new(server);
	server->stop_timer = event_new(server->base, -1, EV_PERSIST, on_stop_tick, server);
	server->probe_timer = event_new(server->base, -1, 0, on_probe, server);
	if (server->tcp == NULL || server->stop_timer == NULL || server->probe_timer == NULL) {
		log_fatal("out of memory");
	}
}

static void server_clear(struct server *server)
{
	sources_stop(server);
	sources_abort(server);
	event_free(server->stop_timer);
	event_free(server->probe_timer);
	tcp_server_free(server->tcp);
	qlink_batch_free(server->links);
	udp_batch_free(server->udp);
	view_free(server->next);
	view_free(server->view);
	tsig_engine_free(server->work.tsig);
	nsec3_hasher_free(server->hasher);
}

int main(void)
{
	static const struct role_ops ops = {
		.prepare = on_prepare, .commit = on_commit, .abort = on_abort,
		.peer_restarted = on_peer_restarted, .retire = on_retire, .stop = on_stop
	};
	static struct server server; /* large: scratch memory and the reply buffer */
	struct sandbox_state walls;

	sandbox_begin(&sandbox_authority);
	server_init(&server);

	sandbox_enter(&sandbox_authority, &walls);

	struct ipc_hello hello = {
		.walls = walls.walls, .uid = walls.uid, .gid = walls.gid, .syscalls = (uint16_t)walls.syscalls
	};
	struct role_link *link =
		role_link_new(server.base, ROLE_AUTHORITY, &hello, &server.stats, &ops, &server);
	if (link == NULL) {
		log_fatal("control link: out of memory");
	}
	server.link = link;
	if (event_base_dispatch(server.base) < 0) {
		log_fatal("event loop failed");
	}
	server_clear(&server);
	role_link_free(link);
	event_base_free(server.base);
	return 0;
}
