/*
 * Queries over UDP, in batches.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/net/udp.h"
#include "common/util/clock.h"
#include "common/util/log.h"

#include <event2/event.h>
#include <string.h>

/* Batches of one socket in a row, before others get their turn. */
#define UDP_ROUNDS_MAX 8

/* Lines about limited clients: one in this time, with how many there would have been. */
#define RATE_LOG_MS 10000

/* Somebody is above the rate: told with the prefix it comes from, or whose address it carries. */
static void log_limited(struct server *server, const struct addr *client)
{
	const struct rrl *rrl = &server->view->rrl;
	struct prefix prefix = rrl_prefix(rrl, client);
	struct addr net = { .family = prefix.family };
	char text[ADDR_TEXT_MAX];
	uint32_t suppressed = 0;

	if (!log_limit_pass(&server->rate_log, server->work.now.us / 1000, RATE_LOG_MS, 1, &suppressed)) {
		return;
	}
	memcpy(net.bytes, prefix.bytes, sizeof(net.bytes));
	log_warn("response rate limit: %s client=%s/%u class=%s others_since_last=%u",
		 rrl->mode == RRL_LOG ? "exceeded, not enforced" : "responses are shortened", addr_text(&net, text),
		 prefix.bits, rrl_class_text(server->work.answer.rate_class), (unsigned)suppressed);
}

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
	size_t reply_len = query_reply_ahead(&server->work, ahead, server->view, TRANSPORT_UDP, &client, wire, len,
					     udp_batch_reply(server->udp));
	if (server->work.transfer == TRANSFER_REFUSED) {
		serve_transfer_refused(server, &client);
	}
	if (server->work.limited != QUERY_UNLIMITED) {
		log_limited(server, &client);
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
		server->work.now.us = clock_now_us();
		server_wall_clock(server);
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
