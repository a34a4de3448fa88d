/*
 * Clients of the TCP server. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp_client.h"

#include "common/util/rand.h"

#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * Clients of one weight that are looked at for an idle connection. Few can be heavy: of 1024
	 * connections, 16 clients can have 64 each.
	 */
	HEAVY_LOOKS_MAX = 16,
};

/* What counts as one client: an IPv4 address, an IPv6 /64 (RFC 7766 9 leaves this to the server). */
static size_t client_size(const struct addr *a)
{
	return a->family == ADDR_V4 ? 4 : 8;
}

static struct tcp_client_list *bucket_of(struct tcp_clients *clients, const struct addr *a)
{
	return &clients->buckets[siphash(&clients->key, a->bytes, client_size(a)) % TCP_CLIENT_BUCKETS];
}

/* 1 for one connection, 2 for two or three, 3 for four to seven ... */
static unsigned weight_of(unsigned open)
{
	unsigned weight = 0;
	while (open > 0 && weight < TCP_CLIENT_WEIGHTS - 1) {
		weight++;
		open >>= 1;
	}
	return weight;
}

static void set_open(struct tcp_clients *clients, struct tcp_client *client, unsigned open)
{
	unsigned before = weight_of(client->open);
	unsigned after = weight_of(open);
	client->open = open;
	if (before != after) {
		if (before > 0) {
			TAILQ_REMOVE(&clients->weights[before], client, weight_entry);
		}
		if (after > 0) {
			TAILQ_INSERT_TAIL(&clients->weights[after], client, weight_entry);
		}
	}
}

void tcp_clients_init(struct tcp_clients *clients)
{
	rand_bytes(&clients->key, sizeof(clients->key));
	for (size_t i = 0; i < TCP_CLIENT_BUCKETS; i++) {
		LIST_INIT(&clients->buckets[i]);
	}
	for (size_t i = 0; i < TCP_CLIENT_WEIGHTS; i++) {
		TAILQ_INIT(&clients->weights[i]);
	}
}

struct tcp_client *tcp_client_find(struct tcp_clients *clients, const struct addr *addr)
{
	struct tcp_client *client;
	LIST_FOREACH(client, bucket_of(clients, addr), entry)
	{
		if (client->addr.family == addr->family &&
		    memcmp(client->addr.bytes, addr->bytes, client_size(addr)) == 0) {
			return client;
		}
	}
	return NULL;
}

struct tcp_client *tcp_client_join(struct tcp_clients *clients, const struct addr *addr)
{
	struct tcp_client *client = tcp_client_find(clients, addr);
	if (client == NULL) {
		client = calloc(1, sizeof(*client));
		if (client == NULL) {
			return NULL;
		}
		client->addr = *addr;
		TAILQ_INIT(&client->idle);
		LIST_INSERT_HEAD(bucket_of(clients, addr), client, entry);
	}
	set_open(clients, client, client->open + 1);
	return client;
}

void tcp_client_leave(struct tcp_clients *clients, struct tcp_client *client)
{
	set_open(clients, client, client->open - 1);
	if (client->open == 0) {
		LIST_REMOVE(client, entry);
		free(client);
	}
}

struct tcp_client *tcp_client_heaviest(struct tcp_clients *clients)
{
	for (unsigned weight = TCP_CLIENT_WEIGHTS - 1; weight > 1; weight--) {
		struct tcp_client *client;
		unsigned looks = 0;
		TAILQ_FOREACH(client, &clients->weights[weight], weight_entry)
		{
			if (!TAILQ_EMPTY(&client->idle)) {
				return client;
			}
			if (++looks == HEAVY_LOOKS_MAX) {
				break;
			}
		}
	}
	return NULL;
}
