/*
 * Queries over UDP, in batches.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/net/udp.h"

#include <event2/event.h>

/* Batches of one socket in a row, before others get their turn. */
#define UDP_ROUNDS_MAX 8

static void reply_one(struct source *source, unsigned i, const struct ahead *ahead)
{
	struct server *server = source->server;
	const struct udp_peer *peer = udp_batch_peer(server->udp, i);
	struct addr client;
	size_t len;
	const uint8_t *wire = udp_batch_data(server->udp, i, &len);

	if (addr_from_sockaddr(&peer->remote.sa, peer->remote_len, &client) != BH_OK) {
		return; /* no Internet address: nowhere to send a reply to */
	}
	size_t reply_len = query_reply_ahead(&server->work, ahead, server->view, TRANSPORT_UDP,
					     &client, wire, len, udp_batch_reply(server->udp));
	if (server->work.transfer == TRANSFER_REFUSED) {
		serve_transfer_refused(server, &client);
	}
	query_count(&server->work, TRANSPORT_UDP, reply_len, server->stats);
	if (reply_len > 0) {
		udp_batch_push(server->udp, source->fd, peer, reply_len);
	}
}

/* Packets first..first + count of a batch, count being at most AHEAD_MAX. */
static void reply_some(struct source *source, unsigned first, unsigned count)
{
	struct server *server = source->server;
	for (unsigned i = 0; i < count; i++) {
		size_t len;
		const uint8_t *wire = udp_batch_data(server->udp, first + i, &len);
		ahead_look(&server->ahead[i], server->view, wire, len);
	}
	ahead_fetch(server->ahead, count);
	for (unsigned i = 0; i < count; i++) {
		reply_one(source, first + i, &server->ahead[i]);
	}
}

static void on_packets(evutil_socket_t fd, short what, void *arg)
{
	struct source *source = arg;
	struct server *server = source->server;
	(void)what;

	for (unsigned round = 0; round < UDP_ROUNDS_MAX; round++) {
		unsigned count = udp_batch_receive(server->udp, fd);
		for (unsigned first = 0; first < count; first += AHEAD_MAX) {
			reply_some(source, first, count - first < AHEAD_MAX ? count - first : AHEAD_MAX);
		}
		server->stats->counters[STAT_AUTH_SEND_FAILED] += udp_batch_flush(server->udp, fd);
		if (count < UDP_BATCH) {
			return;
		}
	}
}

int serve_udp_prepare(struct source *source)
{
	source->readable =
		event_new(source->server->base, source->fd, EV_READ | EV_PERSIST, on_packets, source);
	return source->readable == NULL ? BH_ENOMEM : BH_OK;
}

int serve_udp_start(struct source *source)
{
	return event_add(source->readable, NULL) == 0 ? BH_OK : BH_ENOMEM;
}

void serve_udp_stop(struct source *source)
{
	event_del(source->readable);
	/* What the kernel has taken for us before the address was given up is still answered. */
	on_packets(source->fd, EV_READ, source);
}
