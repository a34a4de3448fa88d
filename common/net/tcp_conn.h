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
#include "common/net/tcp_client.h"

#include <event2/event_struct.h>
#include <sys/queue.h>

enum {
	/*
	 * Read at once: some hundred ordinary queries. What is left of it after a turn is kept, so more
	 * would only be copied.
	 */
	TCP_INPUT_SIZE = 16384,
	/* Messages of one connection in one turn of the event loop, before others get theirs. */
	TCP_TURN_MESSAGES = 128,
	/* ... and octets of replies to them: four of the largest. */
	TCP_TURN_OCTETS = 4 * TCP_FRAME_MAX,
	/* Replies gathered before they are written: a few large ones or hundreds of ordinary ones. */
	TCP_GATHER_SIZE = 2 * TCP_FRAME_MAX,
};

/* A reply of many messages that is not finished. */
struct tcp_stream {
	TAILQ_ENTRY(tcp_stream) entry;
	const struct tcp_stream_ops *ops;
	void *ctx;
	bool begun;
	uint64_t since_ms; /* its first message */
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
	TAILQ_ENTRY(tcp_conn) client_entry; /* in client->idle, in the same order */
	TAILQ_ENTRY(tcp_conn) turn_entry;   /* in server->waiting, next one first */
	struct tcp_client *client;
	struct tcp_stream_list streams;	  /* the first one runs, the others wait for it */
	struct tcp_buf in;	 /* an incomplete message, or messages that have to wait */
	struct tcp_buf out;	 /* what the client did not take yet */
	size_t out_front;	 /* octets of the first waiting reply that are left in out */
	uint64_t idle_since_ms;
	uint64_t message_since_ms; /* when the first octet of the incomplete message came */
	uint64_t write_since_ms;   /* since when the client should take the first waiting reply */
	unsigned waiting_turn;	   /* the server's count of turns when it came into waiting */
	unsigned in_work;	   /* queries without reply, or with an unfinished stream */
	unsigned stream_count;	   /* how many of these are streams */
	bool is_idle;		   /* in server->idle */
	bool is_waiting;	   /* in server->waiting: there is something to do without the client */
	bool worked;		   /* had a query since it became idle */
	bool reading;		   /* readable is added */
	bool closing;		   /* what is in the socket is the last that we take */
	bool no_more;		   /* that was taken, or the client sends nothing more */
	bool ended;		   /* the client ended its side: nothing can be in the socket */
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
	unsigned burst;	    /* connections to be expected at a time: asking for one more costs a call */
	unsigned full_runs; /* how many times in a row there were that many */
};

TAILQ_HEAD(tcp_turn_list, tcp_conn);
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
	bool fading; /* being replaced: no new connections */
	bool cut_failed; /* told once */
	uint64_t drain_since_ms;
	uint64_t now_ms;
	struct tcp_slot *slots;
	uint32_t slot_count;
	uint32_t slot_hint; /* no free slot before this one */
	unsigned open;
	struct tcp_idle_list idle;
	struct event *turn; /* pending while someone is in waiting */
	struct tcp_turn_list waiting;
	unsigned turns;
	struct tcp_clients clients;
	struct tcp_conn *gathering; /* the connection whose input is worked through now */
	size_t gathered;
	size_t turn_octets; /* of replies in this turn of it */
	uint8_t gather[TCP_GATHER_SIZE];
	uint8_t input[TCP_INPUT_SIZE];
	uint8_t message[TCP_FRAME_MAX]; /* of a stream, on its way out */
};

/* Have the waiting connections served when the loop has gone round. */
void tcp_server_turn(struct tcp_server *server);

/*
 * A time of the limits as it is now: in full when nobody is connected, falling linearly to a fifth when all
 * connections are taken (RFC 7766 6.2.3, RFC 9210 4.2: by the resources there are).
 */
uint64_t tcp_server_time(const struct tcp_server *server, unsigned ms);

/*
 * A connection for an accepted descriptor, in a free slot. NULL: out of memory; fd is then still the
 * caller's.
 */
struct tcp_conn *tcp_conn_open(struct tcp_server *server, uint32_t slot, int fd, const struct addr *peer);

/* End it at once: its slot is free, its reference dead. */
void tcp_conn_close(struct tcp_conn *conn);

/* The same for one that took too long: the kernel throws away what it did not take, and resets it. */
void tcp_conn_cut(struct tcp_conn *conn);

/*
 * Take what is in its socket, answer that, and end it then: a query that came before the decision is
 * not lost. Often it is gone afterwards.
 */
void tcp_conn_retire(struct tcp_conn *conn);

/* Send one message, or keep what the client does not take. */
void tcp_conn_send(struct tcp_conn *conn, const uint8_t *msg, size_t len);

/*
 * Its turn to do what needs nothing of the client: some of the messages that it sent already, the next
 * message of a stream. It may be gone afterwards.
 */
void tcp_conn_turn(struct tcp_conn *conn);

/*
 * Decide what a connection may do after anything happened to it: read, be idle, end. It may be gone
 * afterwards. Not while it is server->gathering, which is settled when its input is worked through.
 */
void tcp_conn_settle(struct tcp_conn *conn);

/* Has it taken longer than its limits for sending a message or for taking a reply? */
bool tcp_conn_is_overdue(const struct tcp_conn *conn);

#endif
