/*
 * Inside of tcp.c and tcp_conn.c: the server and its connections. Not for others.
 *
 * A connection costs no buffer while nothing waits on it: input is read into one buffer of the
 * server and only an incomplete rest is kept; replies given while input is worked through are
 * gathered in another one and written at once, and only what the client does not take is kept.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_NET_TCP_CONN_H
#define BULKHEAD_COMMON_NET_TCP_CONN_H

#include "common/net/tcp.h"
#include "common/net/tcp_buf.h"
#include "common/util/rand.h"

#include <event2/event_struct.h>
#include <sys/queue.h>

enum {
	/* Clients are counted in this many chains; more connections only make them longer. */
	TCP_CLIENT_BUCKETS = 1024,
	/* Replies gathered before they are written: a few large ones or hundreds of ordinary ones. */
	TCP_GATHER_SIZE = 2 * TCP_FRAME_MAX,
};

/* A reply of many messages that is not finished. */
struct tcp_stream {
	TAILQ_ENTRY(tcp_stream) entry;
	const struct tcp_stream_ops *ops;
	void *ctx;
};

TAILQ_HEAD(tcp_stream_list, tcp_stream);

struct tcp_conn {
	struct tcp_server *server;
	uint32_t slot;
	int fd;
	struct addr peer;
	struct event readable;
	struct event writable;
	TAILQ_ENTRY(tcp_conn) idle_entry; /* in server->idle, longest idle first */
	LIST_ENTRY(tcp_conn) client_entry;
	TAILQ_ENTRY(tcp_conn) turn_entry; /* in server->streaming, next one first */
	struct tcp_stream_list streams;	  /* the first one runs, the others wait for it */
	struct tcp_buf in;	 /* an incomplete message, or messages that have to wait */
	struct tcp_buf out;	 /* what the client did not take yet */
	size_t out_front;	 /* octets of the first waiting reply that are left in out */
	uint64_t idle_since_ms;
	uint64_t message_since_ms; /* when the first octet of the incomplete message came */
	uint64_t write_since_ms;   /* since when the client should take the first waiting reply */
	unsigned in_work;	   /* queries without reply, or with an unfinished stream */
	unsigned stream_count;	   /* how many of these are streams */
	bool is_idle;		   /* in server->idle */
	bool is_streaming;	   /* in server->streaming: the next message of a stream can go out */
	bool worked;		   /* had a query since it became idle */
	bool reading;		   /* readable is added */
	bool no_more;		   /* the client sends nothing more */
	bool deaf;		   /* we take nothing more, not even what was read */
	bool broken;		   /* close without sending what waits */
};

struct tcp_slot {
	uint32_t generation; /* of the connection there, or of the next one */
	struct tcp_conn *conn;
};

struct tcp_listener {
	LIST_ENTRY(tcp_listener) entry;
	struct tcp_server *server;
	struct event *event;
	int fd;
};

TAILQ_HEAD(tcp_idle_list, tcp_conn);
TAILQ_HEAD(tcp_turn_list, tcp_conn);
LIST_HEAD(tcp_client_list, tcp_conn);
LIST_HEAD(tcp_listener_list, tcp_listener);

struct tcp_server {
	struct event_base *base;
	struct tcp_limits limits;
	struct tcp_ops ops;
	void *ctx;
	struct tcp_listener_list listeners;
	struct event *tick;
	bool ticking;
	bool accept_paused; /* no descriptor or memory for more: tried again with the next tick */
	bool draining;
	uint64_t drain_since_ms;
	uint64_t now_ms;
	struct tcp_slot *slots;
	uint32_t slot_count;
	uint32_t slot_hint; /* no free slot before this one */
	unsigned open;
	struct tcp_idle_list idle;
	struct event *turn; /* pending while someone is in streaming */
	struct tcp_turn_list streaming;
	struct siphash_key client_key;
	struct tcp_client_list clients[TCP_CLIENT_BUCKETS];
	struct tcp_conn *gathering; /* the connection whose input is worked through now */
	size_t gathered;
	uint8_t gather[TCP_GATHER_SIZE];
	uint8_t input[TCP_FRAME_MAX];
	uint8_t message[TCP_FRAME_MAX]; /* of a stream, on its way out */
};

/* Have the streaming connections served when the loop has gone round. */
void tcp_server_turn(struct tcp_server *server);

/*
 * A connection for an accepted descriptor, in a free slot, which the caller puts into its lists of
 * clients. NULL: out of memory; fd is then still the caller's.
 */
struct tcp_conn *tcp_conn_open(struct tcp_server *server, uint32_t slot, int fd, const struct addr *peer);

/* End it at once: its slot is free, its reference dead. */
void tcp_conn_close(struct tcp_conn *conn);

/* Send one message, or keep what the client does not take. */
void tcp_conn_send(struct tcp_conn *conn, const uint8_t *msg, size_t len);

/*
 * Send the next message of its first stream, or end that stream. Not while messages before it wait to be
 * taken. The caller settles it.
 */
void tcp_conn_stream(struct tcp_conn *conn);

/*
 * Decide what a connection may do after anything happened to it: read, be idle, end. It may be gone
 * afterwards. Not while it is server->gathering, which is settled when its input is worked through.
 */
void tcp_conn_settle(struct tcp_conn *conn);

/* Has it taken longer than its limits for sending a message or for taking a reply? */
bool tcp_conn_is_overdue(const struct tcp_conn *conn);

#endif
