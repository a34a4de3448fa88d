/*
 * DNS over TCP service (RFC 1035 4.2.2, RFC 7766): two octets of length before each message,
 * pipelining, replies in any order, bounded connections, idle times that shrink under pressure, slow
 * readers cut off. Answers may be given at once or later. Knows framing, not DNS content.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_NET_TCP_H
#define BULKHEAD_COMMON_NET_TCP_H

#include "common/util/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct tcp_server;

/* Names one connection, even after it is gone: replies to a dead connection do nothing. */
struct tcp_ref {
	uint32_t slot;
	uint32_t generation;
};

struct tcp_limits {
	/*
	 * All together. An idle one makes room for a new one: the longest idle of the client with most
	 * connections. When none is idle the new one is closed at once, so that its client knows.
	 */
	unsigned connections;
	/*
	 * Per client: IPv4 address or IPv6 /64. Falls linearly to a quarter as the second half of all
	 * connections fills. Its own longest idle one makes room.
	 */
	unsigned connections_client;
	unsigned pipelined;	     /* queries without reply per connection; reading pauses above */
	/* These times fall linearly to a fifth as connections fill (RFC 7766 6.2.3, 10). */
	unsigned idle_ms;	     /* without a query in work */
	unsigned message_ms;	     /* from the first octet of a message to its last (slowloris) */
	unsigned write_ms;	     /* for the client to take a reply, or one message of a stream */
	/*
	 * For a whole stream, from its first message to its last: who takes each message within write_ms, but only just,
	 * would hold what it holds for ever. Those that wait for another one on their connection have not begun.
	 */
	unsigned stream_ms;
	unsigned drain_ms;	     /* from the beginning of draining to the end of what then still runs */
	size_t write_bytes;	     /* unsent octets per connection above which reading pauses */
};

extern const struct tcp_limits tcp_limits_default;

struct tcp_ops {
	/* A message arrived. msg is valid during the call. Answer with tcp_reply, now or later. */
	void (*query)(void *ctx, struct tcp_ref ref, const struct addr *peer, const uint8_t *msg, size_t len);
	/* Connections opened or refused for a limit, for counters; may be NULL. */
	void (*accepted)(void *ctx);
	void (*refused)(void *ctx);
};

/* NULL: out of memory. limits and ops are copied. */
struct tcp_server *tcp_server_new(struct event_base *base, const struct tcp_limits *limits,
				  const struct tcp_ops *ops, void *ctx);
/* Closes everything at once. */
void tcp_server_free(struct tcp_server *server);

/*
 * Other limits from now on, for open connections too: when more are open than `connections` allows
 * now, idle ones are closed as they are found. Cannot fail.
 */
void tcp_server_limits(struct tcp_server *server, const struct tcp_limits *limits);

/* Listen on a bound, listening, non-blocking socket (owned by the caller) until it is removed. */
int tcp_server_listen(struct tcp_server *server, int fd) BH_CHECKED;
/* Stop accepting on fd, after those that the kernel has accepted for us; its connections live on. */
void tcp_server_unlisten(struct tcp_server *server, int fd);

/*
 * Send one message of at most 65535 octets (copied); does nothing when the connection is gone. Every
 * query must be replied to exactly once; len 0 gives the query up and closes the connection.
 */
void tcp_reply(struct tcp_server *server, struct tcp_ref ref, const uint8_t *msg, size_t len);

/*
 * A reply of many messages, as zone transfers are (RFC 5936 2.2), made as the client takes them. Both
 * calls come from the event loop, never from within tcp_reply_stream but for the one case named there.
 */
struct tcp_stream_ops {
	/*
	 * Write the next message to buf[0..size), without its length; size is 65535. Returns its length, 0: there
	 * is no more, negative: give up, which closes the connection, so that the client does not take
	 * a part for the whole. Only called when all before it was taken, one message at a time, and others are
	 * served between two calls.
	 */
	ssize_t (*next)(void *ctx, uint8_t *buf, size_t size);
	/*
	 * The stream is over; ctx is not used again. ok: all messages were handed to the kernel. Called exactly
	 * once for each stream. The connection of a failed one is gone.
	 */
	void (*done)(void *ctx, bool ok);
};

/*
 * Reply to a query with a stream, in place of tcp_reply. The streams of one connection run one after
 * the other in the order in which they were given, since simple clients expect one transfer in a row;
 * replies to other queries may go out between two messages (RFC 7766 6.2.1.1). ops has to outlive the stream.
 * When the connection is gone already or there is no memory (then it is closed), done(ctx, false) is called
 * before this returns.
 */
void tcp_reply_stream(struct tcp_server *server, struct tcp_ref ref, const struct tcp_stream_ops *ops, void *ctx);

/*
 * No new connections but those that the kernel has accepted for us. Those that are open go on and are told that they
 * should end (RFC 7828 3.4); one that asks nothing for a second is closed. For a server that another one replaces, so
 * that a client which has just connected is not turned away; tcp_server_drain ends what then still goes on.
 */
void tcp_server_fade(struct tcp_server *server);

/*
 * No new connections, and no queries but those that have reached our sockets; connections close when what is in work
 * has been sent, streams included, or after drain_ms.
 */
void tcp_server_drain(struct tcp_server *server);

/*
 * How long a connection may be idle under the present pressure, for the client to know (RFC 7828); 0 when
 * draining.
 */
unsigned tcp_server_idle_ms(const struct tcp_server *server);

/* Connections open now. */
unsigned tcp_server_count(const struct tcp_server *server);

#endif
