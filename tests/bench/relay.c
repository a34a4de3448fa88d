/*
 * The floor of a miss: what the kernel takes for a query of a client, a query to a server, and both replies. Sends on what
 * it gets, each query from a port of its own on a connected socket, and knows nothing of DNS but the id.
 *
 *   relay ADDRESS PORT SERVER
 *
 * One process, one thread, no cache and no walls: recvmmsg and sendmmsg towards clients with as many packets as are there,
 * and for each query connect, send, recv, and a connect that gives the port back. A resolver cannot do with less as long
 * as it draws a port for every query (RFC 5452 9.2), but for keeping what it was told.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKING_MAX 1024
#define OCTETS_MAX 4096
#define EVENTS 256
/* A query without a reply so long is given up. */
#define PATIENCE_MS 1000

struct question {
	int fd;		/* 0: there was no need for one yet */
	uint64_t until; /* milliseconds; 0: not in use */
	struct sockaddr_in client;
};

static struct question questions[ASKING_MAX];
static unsigned resting[ASKING_MAX]; /* numbers of those that are not in use */
static unsigned resting_count;

/* Replies of this turn. */
static uint8_t replies[UDP_BATCH][OCTETS_MAX];
static struct sockaddr_in reply_to[UDP_BATCH];
static struct iovec reply_io[UDP_BATCH];
static struct mmsghdr reply_out[UDP_BATCH];
static unsigned reply_count;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
		fail(address);
	}
	return at;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void rest(struct question *q)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	if (connect(q->fd, &nobody, sizeof(nobody)) != 0) {
		fail("disconnect");
	}
	q->until = 0;
	resting[resting_count++] = (unsigned)(q - questions);
}

static void ask(int ep, const struct sockaddr_in *server, const uint8_t *query, size_t len,
		const struct sockaddr_in *client, uint64_t now)
{
	if (resting_count == 0) {
		return; /* lost, and counted as such by who asked */
	}
	struct question *q = &questions[resting[--resting_count]];
	if (q->fd == 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)(q - questions) };
		q->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (q->fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, q->fd, &event) != 0) {
			fail("socket");
		}
	}
	q->client = *client;
	q->until = now + PATIENCE_MS;
	if (connect(q->fd, (const struct sockaddr *)server, sizeof(*server)) != 0 || send(q->fd, query, len, 0) < 0) {
		rest(q);
	}
}

static void flush_replies(int clients)
{
	for (unsigned sent = 0; sent < reply_count;) {
		int n = sendmmsg(clients, reply_out + sent, reply_count - sent, 0);
		sent += n > 0 ? (unsigned)n : 1; /* one that the kernel does not take is lost */
	}
	reply_count = 0;
}

static void take_reply(int clients, struct question *q)
{
	ssize_t len = recv(q->fd, replies[reply_count], OCTETS_MAX, 0);
	if (len < 0) {
		return;
	}
	if (q->until != 0) { /* else it came after the end of its question */
		reply_to[reply_count] = q->client;
		reply_io[reply_count].iov_len = (size_t)len;
		reply_count++;
		rest(q);
	}
	if (reply_count == UDP_BATCH) {
		flush_replies(clients);
	}
}

static void take_queries(int ep, int clients, const struct sockaddr_in *server, uint64_t now)
{
	static uint8_t queries[UDP_BATCH][OCTETS_MAX];
	static struct sockaddr_in from[UDP_BATCH];
	static struct iovec io[UDP_BATCH];
	static struct mmsghdr in[UDP_BATCH];
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		io[i] = (struct iovec){ queries[i], OCTETS_MAX };
		in[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &io[i],
						 .msg_iovlen = 1 };
	}
	int count = recvmmsg(clients, in, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		ask(ep, server, queries[i], in[i].msg_len, &from[i], now);
	}
}

static void give_up_late(uint64_t now)
{
	static uint64_t next;
	if (now < next) {
		return;
	}
	next = now + PATIENCE_MS / 4;
	for (unsigned i = 0; i < ASKING_MAX; i++) {
		if (questions[i].until != 0 && questions[i].until <= now) {
			rest(&questions[i]);
		}
	}
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	if (argc != 4) {
		fprintf(stderr, "relay ADDRESS PORT SERVER\n");
		return 2;
	}
	struct sockaddr_in at = address_of(argv[1], argv[2]);
	struct sockaddr_in server = address_of(argv[3], argv[2]);
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = ASKING_MAX };
	int clients = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	if (clients < 0 || ep < 0 || bind(clients, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, clients, &event) != 0) {
		fail(argv[1]);
	}
	for (unsigned i = 0; i < ASKING_MAX; i++) {
		resting[resting_count++] = ASKING_MAX - 1 - i;
	}
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		reply_io[i].iov_base = replies[i];
		reply_out[i].msg_hdr = (struct msghdr){ .msg_name = &reply_to[i], .msg_namelen = sizeof(reply_to[i]),
							.msg_iov = &reply_io[i], .msg_iovlen = 1 };
	}
	for (;;) {
		int count = epoll_wait(ep, events, EVENTS, PATIENCE_MS);
		uint64_t now = now_ms();
		for (int i = 0; i < count; i++) {
			if (events[i].data.u32 == ASKING_MAX) {
				take_queries(ep, clients, &server, now);
			} else {
				take_reply(clients, &questions[events[i].data.u32]);
			}
		}
		flush_replies(clients);
		give_up_late(now);
	}
}
