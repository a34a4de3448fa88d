/*
 * Who is behind the connections: a record for each client that has one, so that no client gets more than
 * its part, and the heaviest one makes room when all connections are taken. For tcp.c and tcp_conn.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_NET_TCP_CLIENT_H
#define BULKHEAD_COMMON_NET_TCP_CLIENT_H

#include "common/util/addr.h"
#include "common/util/siphash.h"

#include <sys/queue.h>

struct tcp_conn;
TAILQ_HEAD(tcp_idle_list, tcp_conn);

enum {
	/* Chains of clients; more of them only make chains longer. */
	TCP_CLIENT_BUCKETS = 1024,
	/* Clients are sorted by the bit length of their number of connections. */
	TCP_CLIENT_WEIGHTS = 17,
};

struct tcp_client {
	LIST_ENTRY(tcp_client) entry;
	TAILQ_ENTRY(tcp_client) weight_entry;
	struct addr addr; /* of its first connection; an IPv6 client is a /64 */
	unsigned open;
	struct tcp_idle_list idle; /* its idle connections, longest idle first */
};

LIST_HEAD(tcp_client_list, tcp_client);
TAILQ_HEAD(tcp_weight_list, tcp_client);

struct tcp_clients {
	struct siphash_key key;
	struct tcp_client_list buckets[TCP_CLIENT_BUCKETS];
	struct tcp_weight_list weights[TCP_CLIENT_WEIGHTS];
};

/* An empty table, with a random key for its hash. */
void tcp_clients_init(struct tcp_clients *clients);

/* NULL: it has no connection. */
struct tcp_client *tcp_client_find(struct tcp_clients *clients, const struct addr *addr);

/* One more connection of that client. NULL: out of memory. */
struct tcp_client *tcp_client_join(struct tcp_clients *clients, const struct addr *addr);

/* One less. The last one takes the record with it. */
void tcp_client_leave(struct tcp_clients *clients, struct tcp_client *client);

/* A client of many connections, some idle, or NULL. Bounded work: "many" is by powers of two. */
struct tcp_client *tcp_client_heaviest(struct tcp_clients *clients);

#endif
