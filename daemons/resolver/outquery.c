/*
 * Sockets towards servers. Trusts nothing that comes out of them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/outquery.h"

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/rand.h"
#include "daemons/resolver/bounds.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Packets read from one socket before others have their turn: a flood of forgeries waits. */
#define READS_PER_TURN 8
#define PORT_FIRST 1024

enum wire_state { WIRE_UDP, WIRE_TCP_WRITE /* connecting, too */, WIRE_TCP_LENGTH, WIRE_TCP_BODY };

/* One socket. */
struct wire {
	struct outquery *oq;
	struct upstream *u;
	struct wire *next;
	struct wire *prev;
	int fd;
	enum wire_state state;
	struct event io;
	struct event timer; /* apart from io, so that no packet puts the end off */
	size_t pos;   /* octets written or read in this state */
	size_t len;   /* of the body */
	uint8_t *body; /* TCP only; first its length octets in `head` */
	uint8_t head[2];
};

struct outquery {
	struct event_base *base;
	struct core *core;
	outquery_progress_fn *progress;
	void *ctx;
	struct ipc_outgoing *sources;
	size_t source_count;
	struct wire *wires;
	unsigned count;
	unsigned tcp_count;
	struct log_limit complaints;
	uint8_t buffer[DNS_MESSAGE_MAX + 1];
};

struct outquery *outquery_new(struct event_base *base, outquery_progress_fn *progress, void *ctx)
{
	struct outquery *oq = calloc(1, sizeof(*oq));
	if (oq != NULL) {
		oq->base = base;
		oq->progress = progress;
		oq->ctx = ctx;
	}
	return oq;
}

/* Give the socket up; what it was for is the caller's. */
static void wire_free(struct wire *w)
{
	struct outquery *oq = w->oq;
	(void)event_del(&w->io);
	(void)event_del(&w->timer);
	close(w->fd);
	*(w->prev == NULL ? &oq->wires : &w->prev->next) = w->next;
	if (w->next != NULL) {
		w->next->prev = w->prev;
	}
	oq->count--;
	oq->tcp_count -= w->state != WIRE_UDP;
	free(w->body);
	free(w);
}

void outquery_free(struct outquery *oq)
{
	if (oq == NULL) {
		return;
	}
	while (oq->wires != NULL) {
		wire_free(oq->wires);
	}
	free(oq->sources);
	free(oq);
}

void outquery_set_core(struct outquery *oq, struct core *core)
{
	oq->core = core;
}

int outquery_set_sources(struct outquery *oq, const struct ipc_outgoing *sources, size_t count)
{
	struct ipc_outgoing *copy = NULL;
	if (count > 0) {
		copy = calloc(count, sizeof(*copy));
		if (copy == NULL) {
			return BH_ENOMEM;
		}
		memcpy(copy, sources, count * sizeof(*copy));
	}
	free(oq->sources);
	oq->sources = copy;
	oq->source_count = count;
	return BH_OK;
}

static enum upstream_failure failure_of_errno(int err)
{
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL: /* no address of this family here */
	case EAFNOSUPPORT:
		return UPSTREAM_NO_ROUTE;
	case EINVAL: /* these are about the one address, not its family */
	case EACCES: /* broadcast */
	case EPERM:  /* packet filter */
	case ECONNREFUSED:
		return UPSTREAM_REFUSED;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return UPSTREAM_RESOURCES;
	default:
		return UPSTREAM_CLOSED;
	}
}

/* A source address of this family, port 0; "any" when none is configured. */
static struct addr pick_source(const struct outquery *oq, uint8_t family)
{
	struct addr chosen = { .family = family };
	uint32_t seen = 0;
	for (size_t i = 0; i < oq->source_count; i++) {
		if (oq->sources[i].addr.family == family && rand_below(++seen) == 0) {
			chosen = oq->sources[i].addr;
		}
	}
	chosen.port = 0;
	return chosen;
}

/* RFC 6056, RFC 5452 9.2: a random port above 1023; when several are taken, the kernel's choice. */
static int bind_random(const struct outquery *oq, int fd, uint8_t family)
{
	struct addr source = pick_source(oq, family);
	struct sockaddr_storage sa;
	for (unsigned i = 0; i <= PORT_TRIES_MAX; i++) {
		source.port = i == PORT_TRIES_MAX
				      ? 0
				      : (uint16_t)(PORT_FIRST + rand_below(UINT16_MAX + 1 - PORT_FIRST));
		socklen_t len = addr_to_sockaddr(&source, &sa);
		if (bind(fd, (struct sockaddr *)&sa, len) == 0) {
			return 0;
		}
		if (errno != EADDRINUSE) {
			return -1;
		}
	}
	return -1;
}

/* Never fragment, never believe a path MTU: what is too large is for TCP. */
static int set_pmtu(int fd, uint8_t family)
{
	if (family == ADDR_V4) {
		int value = IP_PMTUDISC_OMIT;
		return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value));
	}
	int value = IPV6_PMTUDISC_OMIT;
	int only = 1;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) != 0) {
		return -1;
	}
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof(value));
}

static int bind_tcp(const struct outquery *oq, int fd, uint8_t family)
{
	struct addr source = pick_source(oq, family);
	struct sockaddr_storage sa;
	if (addr_is_any(&source)) {
		return 0;
	}
	socklen_t len = addr_to_sockaddr(&source, &sa);
	return bind(fd, (struct sockaddr *)&sa, len);
}

/* A socket connected to the server (TCP: perhaps still connecting), or -1 with errno. */
static int open_socket(const struct outquery *oq, const struct upstream *u)
{
	struct sockaddr_storage sa;
	int domain = u->server.family == ADDR_V4 ? AF_INET : AF_INET6;
	int fd = socket(domain, (u->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	int rc = u->tcp ? bind_tcp(oq, fd, u->server.family)
			: set_pmtu(fd, u->server.family) != 0 || bind_random(oq, fd, u->server.family) != 0;
	socklen_t len = addr_to_sockaddr(&u->server, &sa);
	if (rc == 0 && (connect(fd, (struct sockaddr *)&sa, len) == 0 || (u->tcp && errno == EINPROGRESS))) {
		return fd;
	}
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* The socket's work is over with a failure. */
static void wire_fail(struct wire *w, enum upstream_failure why)
{
	struct core *core = w->oq->core;
	struct upstream *u = w->u;
	wire_free(w);
	core_failed(core, u, why, clock_now_ms());
}

/* --- UDP ---------------------------------------------------------------------------------------------- */

static void udp_read(struct wire *w)
{
	struct outquery *oq = w->oq;
	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = read(w->fd, oq->buffer, sizeof(oq->buffer));
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				wire_fail(w, failure_of_errno(errno));
			}
			return;
		}
		if (core_reply(oq->core, w->u, oq->buffer, (size_t)n, clock_now_ms())) {
			wire_free(w);
			return;
		}
	}
}

/* --- TCP ---------------------------------------------------------------------------------------------- */

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
			wire_fail(w, failure_of_errno(errno));
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
		wire_fail(w, n == 0 ? UPSTREAM_CLOSED : failure_of_errno(errno));
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
		wire_free(w);
	}
}

/* --- both ---------------------------------------------------------------------------------------------- */

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;
	struct outquery *oq = w->oq;
	(void)fd;
	(void)what;
	if (w->state == WIRE_UDP) {
		udp_read(w);
	} else if (w->state == WIRE_TCP_WRITE) {
		tcp_write(w);
	} else {
		tcp_read(w);
	}
	oq->progress(oq->ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;
	struct outquery *oq = w->oq;
	struct upstream *u = w->u;
	(void)fd;
	(void)what;
	wire_free(w);
	core_timeout(oq->core, u, clock_now_ms());
	oq->progress(oq->ctx);
}

static struct wire *wire_new(struct outquery *oq, struct upstream *u, int fd)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct timeval tv = { .tv_sec = (time_t)(u->timeout_ms / 1000),
			      .tv_usec = (suseconds_t)(u->timeout_ms % 1000 * 1000) };
	if (w == NULL) {
		return NULL;
	}
	*w = (struct wire){ .oq = oq, .u = u, .next = oq->wires, .fd = fd,
			    .state = u->tcp ? WIRE_TCP_WRITE : WIRE_UDP };
	if (event_assign(&w->io, oq->base, fd, (u->tcp ? EV_WRITE : EV_READ) | EV_PERSIST, on_io, w) != 0 ||
	    event_assign(&w->timer, oq->base, -1, 0, on_timer, w) != 0 || event_add(&w->io, NULL) != 0) {
		free(w);
		return NULL;
	}
	if (event_add(&w->timer, &tv) != 0) {
		(void)event_del(&w->io);
		free(w);
		return NULL;
	}
	if (oq->wires != NULL) {
		oq->wires->prev = w;
	}
	oq->wires = w;
	oq->count++;
	oq->tcp_count += u->tcp;
	u->shell = w;
	return w;
}

/* The socket is there and, with UDP, the packet on its way; or -1 and errno. */
static int open_and_send(struct outquery *oq, struct upstream *u)
{
	if (oq->count >= UPSTREAM_MAX || (u->tcp && oq->tcp_count >= UPSTREAM_TCP_MAX)) {
		errno = EMFILE;
		return -1;
	}
	int fd = open_socket(oq, u);
	/* EAGAIN: the kernel had no room for the packet. That is a lost packet like any other. */
	if (fd >= 0 && !u->tcp && write(fd, u->wire, u->wire_len) < 0 && errno != EAGAIN) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

void outquery_send(struct outquery *oq, struct upstream *u)
{
	uint32_t suppressed = 0;
	int fd = open_and_send(oq, u);
	enum upstream_failure why = fd < 0 ? failure_of_errno(errno) : UPSTREAM_RESOURCES;
	if (fd >= 0 && wire_new(oq, u, fd) != NULL) {
		return;
	}
	if (fd >= 0) {
		close(fd);
	}
	uint64_t now_ms = clock_now_ms();
	if (why == UPSTREAM_RESOURCES && log_limit_pass(&oq->complaints, now_ms, 60000, 1, &suppressed)) {
		log_warn("no socket for a query to a server sockets=%u tcp=%u suppressed=%u", oq->count,
			 oq->tcp_count, suppressed);
	}
	core_failed(oq->core, u, why, now_ms);
}
