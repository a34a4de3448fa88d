/*
 * Queries of the frontend over query links. Every query gets its reply: what the peer's buffer does
 * not take is held, and nothing more is read from that link until it is gone, so a slow peer costs at
 * most one batch of replies.
 *
 * The frontend has judged the client; here everything that comes over a link may ask.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/ipc/qlink.h"
#include "common/ipc/role_link.h"
#include "common/util/log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct held_reply {
	TAILQ_ENTRY(held_reply) entry;
	uint64_t token;
	uint16_t budget;
	size_t len;
	uint8_t dns[];
};

/* A link whose peer breaks the format, or is gone for good, is left alone until its peer is a new process. */
static void give_up(struct source *source, int rc)
{
	/* Its end is no fault: when a new version takes over, the frontends of the old one go first. */
	(rc == BH_ECLOSED ? log_debug : log_err)("query link %u: %s, no longer served", (unsigned)source->id,
						 bh_strerror(rc));
	event_del(source->readable);
	event_del(source->writable);
	if (rc == BH_EMALFORMED && source->server->link != NULL &&
	    role_link_peer_broken(source->server->link, source->id) != BH_OK) {
		log_err("cannot tell that query link %u is broken", (unsigned)source->id);
	}
}

static void hold(void *ctx, const struct qlink_message *m)
{
	struct source *source = ctx;
	struct held_reply *held = malloc(sizeof(*held) + m->dns_len);
	if (held == NULL) { /* the frontend's own clock answers its client */
		source->server->stats->counters[STAT_AUTH_SEND_FAILED]++;
		return;
	}
	held->token = m->token;
	held->budget = m->budget;
	held->len = m->dns_len;
	memcpy(held->dns, m->dns, m->dns_len);
	TAILQ_INSERT_TAIL(&source->held, held, entry);
}

/* Send what is queued; decide which of reading and writing goes on. */
static int settle(struct source *source)
{
	int rc = qlink_flush(source->server->links, source->fd, hold, source);
	if (rc != BH_OK && rc != BH_EAGAIN) {
		return rc;
	}
	bool waiting = !TAILQ_EMPTY(&source->held);
	struct event *on = waiting ? source->writable : source->readable;
	event_del(waiting ? source->readable : source->writable);
	return event_add(on, NULL) == 0 ? BH_OK : BH_ENOMEM;
}

static void push(struct source *source, const struct qlink_message *m)
{
	if (qlink_push(source->server->links, source->fd, m) != BH_OK) {
		hold(source, m);
	}
}

static void reply_one(struct source *source, const struct qlink_message *m)
{
	struct server *server = source->server;
	if (m->kind != QLINK_QUERY && m->kind != QLINK_PROBE) {
		return; /* we ask nothing, so nobody replies to us */
	}
	size_t len =
		query_reply(&server->work, server->view, TRANSPORT_LINK, NULL, m->dns, m->dns_len, server->reply);
	if (m->kind == QLINK_QUERY) {
		query_count(&server->work, TRANSPORT_LINK, len, server->stats);
	}
	if (len > 0) {
		push(source, &(struct qlink_message){ .token = m->token,
						      .kind = QLINK_REPLY,
						      .budget = m->budget,
						      .dns = server->reply,
						      .dns_len = len });
	}
}

static void on_messages(evutil_socket_t fd, short what, void *arg)
{
	struct source *source = arg;
	struct qlink_batch *links = source->server->links;
	unsigned count;
	(void)what;

	int received = qlink_receive(links, fd, &count);
	for (unsigned i = 0; i < count; i++) {
		reply_one(source, qlink_get(links, i));
	}
	received = qlink_pardon(links, received, &source->leftovers);
	int rc = settle(source);
	if (rc != BH_OK || received != BH_OK) {
		give_up(source, received != BH_OK ? received : rc);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct source *source = arg;
	struct held_list again = TAILQ_HEAD_INITIALIZER(again);
	(void)fd;
	(void)what;

	TAILQ_CONCAT(&again, &source->held, entry);
	while (!TAILQ_EMPTY(&again)) {
		struct held_reply *held = TAILQ_FIRST(&again);
		TAILQ_REMOVE(&again, held, entry);
		push(source, &(struct qlink_message){ .token = held->token,
						      .kind = QLINK_REPLY,
						      .budget = held->budget,
						      .dns = held->dns,
						      .dns_len = held->len });
		free(held);
	}
	int rc = settle(source);
	if (rc != BH_OK) {
		give_up(source, rc);
	}
}

int serve_link_prepare(struct source *source)
{
	struct event_base *base = source->server->base;
	source->readable = event_new(base, source->fd, EV_READ | EV_PERSIST, on_messages, source);
	source->writable = event_new(base, source->fd, EV_WRITE | EV_PERSIST, on_writable, source);
	return source->readable == NULL || source->writable == NULL ? BH_ENOMEM : BH_OK;
}

int serve_link_start(struct source *source)
{
	return event_add(source->readable, NULL) == 0 ? BH_OK : BH_ENOMEM;
}

void serve_link_stop(struct source *source)
{
	event_del(source->readable);
	event_del(source->writable);
	while (!TAILQ_EMPTY(&source->held)) {
		struct held_reply *held = TAILQ_FIRST(&source->held);
		TAILQ_REMOVE(&source->held, held, entry);
		free(held);
	}
}

void serve_link_peer_restarted(struct source *source)
{
	source->leftovers = QLINK_LEFTOVERS_MAX;
	int rc = settle(source);
	if (rc != BH_OK) {
		give_up(source, rc);
	}
}
