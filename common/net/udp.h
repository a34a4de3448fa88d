/*
 * UDP service in batches: receive many, answer, send many (recvmmsg, sendmmsg). Knows no DNS.
 *
 * One batch object per process; it is used for one socket after the other. Buffers are allocated
 * once. Replies can be sent in the same round or kept for later by copying the udp_peer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_NET_UDP_H
#define BULKHEAD_COMMON_NET_UDP_H

#include "common/util/addr.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_BATCH 64

/* Where a packet came from, and to which of our addresses (sockets bound to "any" answer from it). */
struct udp_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} remote;
	socklen_t remote_len;
	struct addr local; /* family ADDR_NONE: the socket has one address */
};

struct udp_batch;

/* The caller owns it. NULL: no memory. */
struct udp_batch *udp_batch_new(void);
void udp_batch_free(struct udp_batch *batch);

/*
 * Receive up to UDP_BATCH packets without blocking. Returns how many, 0 when there are none. Errors
 * of single packets (ICMP answers to what we sent) are swallowed by the kernel call and retried.
 */
unsigned udp_batch_receive(struct udp_batch *batch, int fd);

/* Packet i of the last receive. Data is valid until the next receive. */
const uint8_t *udp_batch_data(const struct udp_batch *batch, unsigned i, size_t *len);
/* Where it came from, and to which of our addresses; valid as long. */
const struct udp_peer *udp_batch_peer(const struct udp_batch *batch, unsigned i);

/* Buffer for the next reply, UDP_RECV_MAX octets; the same one until udp_batch_push. */
uint8_t *udp_batch_reply(struct udp_batch *batch);

/* Queue the reply buffer's first len octets for peer; sends what is queued first when full. */
void udp_batch_push(struct udp_batch *batch, int fd, const struct udp_peer *peer, size_t len);

/*
 * Send what is queued through fd. Never blocks: what the kernel does not take (no buffer space, no
 * route) is counted, not retried. Returns the number of packets that could not be sent.
 */
unsigned udp_batch_flush(struct udp_batch *batch, int fd);

#endif
