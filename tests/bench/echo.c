/*
 * The floor of the bench: what the kernel takes for a query and a reply. Sends back what it gets, marked as a reply
 * and made as long as the real one, and knows nothing more of DNS.
 *
 *   echo [-t] [-s OCTETS] ADDRESS PORT
 *
 *   -t  TCP (RFC 7766 framing) instead of UDP
 *   -s  length of a reply; what the query does not fill is zeros. Without it, that of the query.
 *
 * UDP: blocking recvmmsg and sendmmsg with as many packets as the authority takes at once, and no other call.
 * TCP: epoll, one read and one write for what is there on a connection.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 65535
#define CONNECTIONS_MAX 4096 /* by descriptor */
#define EVENTS 64

static size_t reply_len; /* 0: as the query */

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listening(int type, const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int on = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		fail(address);
	}
	return fd;
}

/* --- UDP --- */

static _Noreturn void serve_udp(int fd)
{
	static uint8_t data[UDP_BATCH][BUFFER];
	static struct sockaddr_in peers[UDP_BATCH];
	static struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
	static struct iovec in_io[UDP_BATCH], out_io[UDP_BATCH];

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		in_io[i] = (struct iovec){ data[i], BUFFER };
		out_io[i].iov_base = data[i];
		in[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i], .msg_iov = &in_io[i], .msg_iovlen = 1 };
		out[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i], .msg_namelen = sizeof(peers[i]),
						  .msg_iov = &out_io[i], .msg_iovlen = 1 };
	}
	for (;;) {
		for (unsigned i = 0; i < UDP_BATCH; i++) {
			in[i].msg_hdr.msg_namelen = sizeof(peers[i]);
		}
		int count = recvmmsg(fd, in, UDP_BATCH, MSG_WAITFORONE, NULL);
		if (count < 0 && errno != EINTR) {
			fail("recvmmsg");
		}
		for (int i = 0; i < count; i++) {
			data[i][2] |= 0x80; /* QR */
			out_io[i].iov_len = reply_len == 0 ? in[i].msg_len : reply_len;
		}
		for (int sent = 0; sent < count;) {
			int n = sendmmsg(fd, out + sent, (unsigned)(count - sent), 0);
			sent += n > 0 ? n : 1; /* one that the kernel does not take is lost, as the authority's */
		}
	}
}

/* --- TCP --- */

struct connection {
	size_t len; /* octets of a frame that is not whole yet */
	uint8_t data[2 + BUFFER];
};

static struct connection *connections[CONNECTIONS_MAX];

static void close_connection(int fd)
{
	free(connections[fd]);
	connections[fd] = NULL;
	close(fd);
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };
			poll(&wait, 1, 1000);
		} else if (n < 0) {
			return false;
		} else {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void echo_frames(int fd)
{
	static uint8_t out[4 * (2 + BUFFER)];
	struct connection *c = connections[fd];
	size_t pos = 0, out_len = 0;
	ssize_t got = read(fd, c->data + c->len, sizeof(c->data) - c->len);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN) {
			close_connection(fd);
		}
		return;
	}
	c->len += (size_t)got;
	for (;;) {
		size_t len = c->len - pos < 2 ? 0 : (size_t)c->data[pos] << 8 | c->data[pos + 1];
		if (len < 12 || c->len - pos - 2 < len) {
			break;
		}
		size_t reply = reply_len == 0 ? len : reply_len;
		if (sizeof(out) - out_len < 2 + reply) {
			if (!write_all(fd, out, out_len)) {
				close_connection(fd);
				return;
			}
			out_len = 0;
		}
		out[out_len] = (uint8_t)(reply >> 8);
		out[out_len + 1] = (uint8_t)reply;
		memset(out + out_len + 2, 0, reply);
		memcpy(out + out_len + 2, c->data + pos + 2, len < reply ? len : reply);
		out[out_len + 4] |= 0x80; /* QR */
		out_len += 2 + reply;
		pos += 2 + len;
	}
	memmove(c->data, c->data + pos, c->len - pos);
	c->len -= pos;
	if (!write_all(fd, out, out_len)) {
		close_connection(fd);
	}
}

static _Noreturn void serve_tcp(int listener)
{
	struct epoll_event events[EVENTS];
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0 || listen(listener, 1024) != 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event) != 0) {
		fail("listen");
	}
	for (;;) {
		int count = epoll_wait(ep, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd != listener) {
				echo_frames(events[i].data.fd);
				continue;
			}
			int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0) {
				continue;
			}
			event.data.fd = fd;
			if (fd >= CONNECTIONS_MAX || (connections[fd] = malloc(sizeof(struct connection))) == NULL) {
				close(fd);
				continue;
			}
			connections[fd]->len = 0;
			if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) != 0) {
				fail("epoll");
			}
		}
	}
}

int main(int argc, char **argv)
{
	bool tcp = false;
	for (int option; (option = getopt(argc, argv, "ts:")) != -1;) {
		switch (option) {
		case 't':
			tcp = true;
			break;
		case 's':
			reply_len = (size_t)strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || reply_len > BUFFER || (reply_len != 0 && reply_len < 12)) {
		fprintf(stderr, "echo [-t] [-s OCTETS] ADDRESS PORT\n");
		return 2;
	}
	int fd = listening(tcp ? SOCK_STREAM : SOCK_DGRAM, argv[optind], argv[optind + 1]);
	if (tcp) {
		serve_tcp(fd);
	}
	serve_udp(fd);
}
