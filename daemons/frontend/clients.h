/*
 * The clients' side: UDP and TCP service on the listeners that the supervisor opened.
 *
 * Server cookies are given out and judged here: whoever has one of ours, or comes over TCP, is proven to be
 * where its queries say.
 *
 * Replies made in one round are sent together. Internal data is overwritten in the buffers once it
 * is sent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_CLIENTS_H
#define BULKHEAD_DAEMONS_FRONTEND_CLIENTS_H

#include "common/ipc/role_link.h"
#include "daemons/frontend/route.h"

struct event_base;
struct clients;
struct listener_set;

/* What clients need of the rest of the frontend. */
struct clients_ops {
	/* May this address ask? */
	bool (*allowed)(void *ctx, const struct addr *client);
	/*
	 * What comes next, still unread: its answer may be asked for from memory while the queries before it are at work.
	 * look for each, then fetch for each with what that returned.
	 */
	uint64_t (*look)(void *ctx, const uint8_t *msg, size_t len);
	void (*fetch)(void *ctx, uint64_t look);
	/* A query that passed all refusals that need no look at names. Answer by clients_answer or clients_refuse. */
	void (*query)(void *ctx, const struct query *q, const struct origin *origin, const struct reply_to *to,
		      uint64_t now_ms);
	/* A round of queries was handed over: flush what it caused. */
	void (*idle)(void *ctx);
};

/* NULL: out of memory. */
struct clients *clients_new(struct event_base *base, struct stats_page **stats,
			    const struct clients_ops *ops, void *ctx);
void clients_free(struct clients *clients);

/* Listeners of a configuration, those in service with the same id included. NULL: out of memory. */
struct listener_set *clients_prepare(struct clients *clients, const struct role_listener *list, size_t count);
void clients_abort(struct clients *clients, struct listener_set *next);
/*
 * Serve exactly these listeners. Queries that wait in a UDP socket that goes are taken first; whoever waits for
 * an answer through it gets SERVFAIL now (pending). TCP connections live on.
 */
void clients_commit(struct clients *clients, struct listener_set *next, struct pending *pending);
void clients_limits(struct clients *clients, const struct ipc_tcp *tcp);
/* What cookies are worth from now on (RFC 7873); secrets are needed unless they are off, and copied. */
void clients_cookies(struct clients *clients, enum ipc_cookies mode, const struct cookie_secrets *secrets);

/* Give one answer. internal: overwrite it in the buffers after sending. */
void clients_answer(struct clients *clients, const struct origin *origin, const struct reply_to *to,
		    const struct answer *answer, uint32_t age_sec, bool internal);
void clients_refuse(struct clients *clients, const struct origin *origin, const struct reply_to *to,
		    const struct refusal *refusal);

/* Send what is queued. */
void clients_flush(struct clients *clients);

/* No new queries; TCP connections close when idle. */
void clients_drain(struct clients *clients);
/* Another process takes new queries: those of open TCP connections go on, as in tcp_server_fade. */
void clients_fade(struct clients *clients);
/* TCP connections open. */
unsigned clients_connections(const struct clients *clients);

#endif
