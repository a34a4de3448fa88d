/*
 * Sockets towards servers: sends what the core produces and brings back what comes.
 *
 * Every UDP query has a port of its own, drawn by the kernel's generator from net.ipv4.ip_local_port_range, on a
 * socket connected to its server, so the kernel hands us only what comes from that address and port (RFC 5452
 * 9.2). With its reply the socket is disconnected: that gives the port back, nothing reaches it any more, and what
 * had come is read and thrown away. So it may rest and serve another query, which gets another port. Opening and
 * closing a socket for each costs the kernel three times as much.
 *
 * Path MTU messages are not believed and no fragmented replies provoked (IP_PMTUDISC_OMIT). TCP connections carry
 * one query each (outtcp.c).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_OUTQUERY_H
#define BULKHEAD_DAEMONS_RESOLVER_OUTQUERY_H

#include "daemons/resolver/iterate.h"

struct event_base;
struct outquery;

/* Called from the event loop after the core was told something. */
typedef void outquery_progress_fn(void *ctx);

/* NULL: no memory. */
struct outquery *outquery_new(struct event_base *base, outquery_progress_fn *progress, void *ctx);
/* Closes every socket; to be called before core_free. */
void outquery_free(struct outquery *oq);

void outquery_set_core(struct outquery *oq, struct core *core);

/* Source addresses from now on (copied); none: the kernel chooses. BH_ENOMEM: nothing changed. */
int outquery_set_sources(struct outquery *oq, const struct ipc_outgoing *sources, size_t count) BH_CHECKED;

/* Send u. When that is impossible the core is told at once. */
void outquery_send(struct outquery *oq, struct upstream *u);
/* Nobody waits for u: its socket is free for others, and u is freed. One that was not sent yet is left alone. */
void outquery_cancel(struct outquery *oq, struct upstream *u);

#endif
