/*
 * Queries over TCP. Answers are given at once, so one reply buffer serves all connections.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/net/tcp.h"

static void on_query(void *ctx, struct tcp_ref ref, const struct addr *peer, const uint8_t *msg, size_t len)
{
	struct server *server = ctx;
	server_wall_clock(server);
	server->work.idle_ms = tcp_server_idle_ms(server->tcp);
	size_t reply_len =
		query_reply(&server->work, server->view, TRANSPORT_TCP, peer, msg, len, server->reply);
	if (server->work.transfer == TRANSFER_BEGIN && serve_transfer_start(server, ref, peer)) {
		query_count(&server->work, TRANSPORT_TCP, reply_len, server->stats);
		return;
	}
	if (server->work.transfer == TRANSFER_BEGIN) {
		reply_len = query_refuse(&server->work, RCODE_SERVFAIL, EDE_OTHER, TRANSPORT_TCP, server->reply);
	}
	if (server->work.transfer == TRANSFER_REFUSED) {
		serve_transfer_refused(server, peer);
	}
	query_count(&server->work, TRANSPORT_TCP, reply_len, server->stats);
	/* What is no query ends the connection: its sender speaks something else. */
	tcp_reply(server->tcp, ref, server->reply, reply_len);
}

static void on_accepted(void *ctx)
{
	struct server *server = ctx;
	server->stats->counters[STAT_AUTH_TCP_ACCEPTED]++;
}

static void on_refused(void *ctx)
{
	struct server *server = ctx;
	server->stats->counters[STAT_AUTH_TCP_REFUSED]++;
}

struct tcp_server *serve_tcp_new(struct server *server)
{
	static const struct tcp_ops ops = { .query = on_query, .accepted = on_accepted, .refused = on_refused };
	return tcp_server_new(server->base, &tcp_limits_default, &ops, server);
}

int serve_tcp_start(struct source *source)
{
	return tcp_server_listen(source->server->tcp, source->fd);
}

void serve_tcp_stop(struct source *source)
{
	tcp_server_unlisten(source->server->tcp, source->fd);
}
