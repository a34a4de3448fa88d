/*
 * TCP towards servers: one connection for each query, closed with its reply. Trusts nothing that comes.
 *
 * Connections are few (UPSTREAM_TCP_MAX), and a server that never answers holds one until the deadline. So no
 * server has more than UPSTREAM_TCP_SERVER_MAX, and when all are taken, the one that waits longest makes room once
 * it has had its fair time: servers that are slow on purpose delay the others by that time at most.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/outwire.h"

#include "common/util/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_io(evutil_socket_t fd, short what, void *arg);

/* Length octets and message in one go (RFC 7766 8), then wait for the reply. */
static void tcp_write(struct wire *w)
{
	uint8_t out[2 + sizeof(w->u->wire)];
	size_t len = 2 + (size_t)w->u->wire_len;
	put_u16(out, w->u->wire_len);
	memcpy(out + 2, w->u->wire, w->u->wire_len);
	ssize_t n = write(w->fd, out + w->pos, len - w->pos); /* tells of a failed connect, too */
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			wire_fail(w, wire_failure(errno));
		}
		return;
	}
	w->pos += (size_t)n;
	if (w->pos == len) {
		w->pos = 0;
		w->state = WIRE_TCP_LENGTH;
		(void)event_del(&w->io);
		if (event_assign(&w->io, w->oq->base, w->fd, EV_READ | EV_PERSIST, on_io, w) != 0 ||
		    event_add(&w->io, NULL) != 0) {
			wire_fail(w, UPSTREAM_RESOURCES);
		}
	}
}

/* Read towards `want` octets at `to`. 1: complete, 0: more to come, -1: over. */
static int tcp_fill(struct wire *w, uint8_t *to, size_t want)
{
	ssize_t n = read(w->fd, to + w->pos, want - w->pos);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (n <= 0) {
		wire_fail(w, n == 0 ? UPSTREAM_CLOSED : wire_failure(errno));
		return -1;
	}
	w->pos += (size_t)n;
	return w->pos == want ? 1 : 0;
}

static void tcp_read(struct wire *w)
{
	if (w->state == WIRE_TCP_LENGTH) {
		if (tcp_fill(w, w->head, sizeof(w->head)) != 1) {
			return;
		}
		w->len = get_u16(w->head);
		w->body = w->len < DNS_HEADER_SIZE ? NULL : malloc(w->len);
		if (w->body == NULL) {
			wire_fail(w, UPSTREAM_CLOSED);
			return;
		}
		w->pos = 0;
		w->state = WIRE_TCP_BODY;
	}
	if (tcp_fill(w, w->body, w->len) == 1) {
		bool over = core_reply(w->oq->core, w->u, w->body, w->len, clock_now_ms());
		assert(over); /* one query per connection: there is nothing else to wait for */
		(void)over;
		wire_end(w);
	}
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;
	struct outquery *oq = w->oq;
	(void)fd;
	(void)what;
	if (w->state == WIRE_TCP_WRITE) {
		tcp_write(w);
	} else {
		tcp_read(w);
	}
	oq->progress(oq->ctx);
}

/* May this server have one more connection? Room is made if it must be. False: errno is set. */
static bool make_room(struct outquery *oq, const struct addr *server)
{
	struct wire *oldest = NULL; /* the list is newest first */
	unsigned of_server = 0;
	for (struct wire *w = oq->tcp; w != NULL; w = w->next) {
		oldest = w;
		of_server += addr_equal(&w->u->server, server);
	}
	errno = EMFILE;
	if (of_server >= UPSTREAM_TCP_SERVER_MAX) {
		return false;
	}
	if (oq->tcp_count < UPSTREAM_TCP_MAX) {
		return true;
	}
	uint64_t began_ms = oldest->deadline.at_ms - oldest->u->timeout_ms;
	if (clock_now_ms() < began_ms + UPSTREAM_TCP_FAIR_MS) {
		return false;
	}
	wire_fail(oldest, UPSTREAM_RESOURCES);
	return true;
}

static int open_socket(const struct outquery *oq, const struct addr *server)
{
	struct sockaddr_storage sa;
	const struct source *source = &oq->sources[outquery_pick_source(oq, server)];
	int fd = socket(server->family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	socklen_t len = addr_to_sockaddr(&source->addr, &sa);
	int rc = addr_is_any(&source->addr) ? 0 : bind(fd, (struct sockaddr *)&sa, len);
	len = addr_to_sockaddr(server, &sa);
	if (rc == 0 && (connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS)) {
		return fd;
	}
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

bool tcp_open(struct outquery *oq, struct upstream *u)
{
	if (!make_room(oq, &u->server)) {
		return false;
	}
	struct wire *w = calloc(1, sizeof(*w));
	int fd = w == NULL ? -1 : open_socket(oq, &u->server);
	if (fd < 0) {
		free(w);
		return false;
	}
	w->oq = oq;
	w->fd = fd;
	w->state = WIRE_TCP_WRITE;
	if (event_assign(&w->io, oq->base, fd, EV_WRITE | EV_PERSIST, on_io, w) != 0 ||
	    event_add(&w->io, NULL) != 0) {
		close(fd);
		free(w);
		errno = ENOMEM;
		return false;
	}
	oq->tcp_count++;
	wire_begin(w, u);
	return true;
}
