/*
 * Sockets towards servers: which there are, UDP, and deadlines. Trusts nothing that comes out of them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/outwire.h"

#include "common/util/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Packets read from one socket before others have their turn: a flood of forgeries waits. */
#define READS_PER_TURN 8

static void on_tick(evutil_socket_t fd, short what, void *arg);

struct outquery *outquery_new(struct event_base *base, outquery_progress_fn *progress, void *ctx)
{
	struct outquery *oq = calloc(1, sizeof(*oq));
	if (oq == NULL) {
		return NULL;
	}
	oq->base = base;
	oq->progress = progress;
	oq->ctx = ctx;
	wheel_init(&oq->wheel, clock_now_ms());
	oq->source_key = siphash_key_new();
	if (event_assign(&oq->tick, base, -1, EV_PERSIST, on_tick, oq) != 0 ||
	    outquery_set_sources(oq, NULL, 0) != BH_OK) {
		free(oq);
		return NULL;
	}
	return oq;
}

static void wire_close(struct wire *w)
{
	(void)event_del(&w->io);
	close(w->fd);
	free(w->body);
	free(w);
}

static void close_idle(struct outquery *oq)
{
	for (size_t i = 0; i < oq->source_count; i++) {
		while (oq->sources[i].idle != NULL) {
			struct wire *w = oq->sources[i].idle;
			oq->sources[i].idle = w->next;
			wire_close(w);
		}
	}
	oq->idle_count = 0;
}

void outquery_free(struct outquery *oq)
{
	if (oq == NULL) {
		return;
	}
	oq->generation++; /* nothing is laid to rest any more */
	while (oq->udp != NULL) {
		wire_end(oq->udp);
	}
	while (oq->tcp != NULL) {
		wire_end(oq->tcp);
	}
	close_idle(oq);
	(void)event_del(&oq->tick);
	free(oq->sources);
	free(oq);
}

void outquery_set_core(struct outquery *oq, struct core *core)
{
	oq->core = core;
}

int outquery_set_sources(struct outquery *oq, const struct ipc_outgoing *sources, size_t count)
{
	static const uint8_t families[] = { ADDR_V4, ADDR_V6 };
	struct source *list = calloc(count + 2, sizeof(*list));
	size_t used = 0;
	if (list == NULL) {
		return BH_ENOMEM;
	}
	for (unsigned k = 0; k < 2; k++) {
		size_t before = used;
		for (size_t i = 0; i < count; i++) {
			if (sources[i].addr.family == families[k]) {
				list[used].addr = sources[i].addr;
				list[used++].addr.port = 0;
			}
		}
		if (used == before) {
			list[used++].addr.family = families[k];
		}
	}
	close_idle(oq);
	free(oq->sources);
	oq->sources = list;
	oq->source_count = used;
	oq->generation++;
	return BH_OK;
}

uint16_t outquery_pick_source(const struct outquery *oq, const struct addr *server)
{
	uint16_t first = 0;
	uint16_t count = 0;
	for (size_t i = 0; i < oq->source_count; i++) {
		if (oq->sources[i].addr.family == server->family) {
			first = count == 0 ? (uint16_t)i : first; /* those of one family stand together */
			count++;
		}
	}
	if (count > 1) {
		first = (uint16_t)(first + siphash(&oq->source_key, server->bytes, sizeof(server->bytes)) % count);
	}
	return first;
}

enum upstream_failure wire_failure(int err)
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
	case EAGAIN: /* of connect: no port is free */
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return UPSTREAM_RESOURCES;
	default:
		return UPSTREAM_CLOSED;
	}
}

void wire_begin(struct wire *w, struct upstream *u)
{
	static const struct timeval tick = { .tv_usec = WHEEL_TICK_MS * 1000 };
	struct outquery *oq = w->oq;
	struct wire **list = w->state == WIRE_UDP ? &oq->udp : &oq->tcp;
	w->u = u;
	u->shell = w;
	w->prev = NULL;
	w->next = *list;
	if (*list != NULL) {
		(*list)->prev = w;
	}
	*list = w;
	if (oq->count++ == 0 && event_add(&oq->tick, &tick) != 0) {
		/* Without memory for a timer no silence is ever noticed, and nothing that waits would end. */
		log_fatal("cannot start the timer of queries to servers");
	}
	wheel_add(&oq->wheel, &w->deadline, clock_now_ms() + u->timeout_ms);
}

/*
 * Disconnect: the port is given back (it was not bound by number), and nothing finds the socket. What came before
 * is thrown away, so the next query sees no packet that was sent to this one. False: it cannot rest.
 */
static bool udp_rest(struct wire *w)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	uint8_t octet;
	if (connect(w->fd, &nobody, sizeof(nobody)) != 0) {
		return false;
	}
	for (unsigned i = 0; i < UPSTREAM_DRAIN_MAX; i++) {
		if (read(w->fd, &octet, sizeof(octet)) < 0 && errno == EAGAIN) {
			return true; /* another error is one that had been reported to the socket: it is gone now */
		}
	}
	return false;
}

void wire_end(struct wire *w)
{
	struct outquery *oq = w->oq;
	struct wire **list = w->state == WIRE_UDP ? &oq->udp : &oq->tcp;
	wheel_remove(&oq->wheel, &w->deadline);
	*(w->prev == NULL ? list : &w->prev->next) = w->next;
	if (w->next != NULL) {
		w->next->prev = w->prev;
	}
	oq->count--;
	w->u = NULL;
	if (w->state != WIRE_UDP) {
		oq->tcp_count--;
		wire_close(w);
	} else if (w->generation != oq->generation || oq->idle_count >= UPSTREAM_IDLE_MAX || !udp_rest(w)) {
		wire_close(w);
	} else {
		struct source *source = &oq->sources[w->source];
		w->next = source->idle;
		source->idle = w;
		oq->idle_count++;
	}
}

void wire_fail(struct wire *w, enum upstream_failure why)
{
	struct core *core = w->oq->core;
	struct upstream *u = w->u;
	wire_end(w);
	core_failed(core, u, why, clock_now_ms());
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct outquery *oq = arg;
	struct wheel_entry *entry;
	uint64_t now_ms = clock_now_ms();
	bool any = false;
	(void)fd;
	(void)what;
	while ((entry = wheel_pop(&oq->wheel, now_ms)) != NULL) {
		struct wire *w = (struct wire *)entry;
		struct upstream *u = w->u;
		wire_end(w);
		core_timeout(oq->core, u, now_ms);
		any = true;
	}
	if (oq->count == 0) {
		(void)event_del(&oq->tick);
	}
	if (any) {
		oq->progress(oq->ctx);
	}
}

/* --- UDP ---------------------------------------------------------------------------------------------- */

static void udp_read(struct wire *w)
{
	struct outquery *oq = w->oq;
	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = read(w->fd, oq->buffer, sizeof(oq->buffer));
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				wire_fail(w, wire_failure(errno));
			}
			return;
		}
		if (core_reply(oq->core, w->u, oq->buffer, (size_t)n, clock_now_ms())) {
			wire_end(w);
			return;
		}
	}
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;
	struct outquery *oq = w->oq;
	(void)fd;
	(void)what;
	if (w->u != NULL) { /* else its deadline came first, within the same turn */
		udp_read(w);
		oq->progress(oq->ctx);
	}
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

/* A socket of this source, not connected. With port 0 the kernel draws the port, and takes it back. */
static int udp_socket(const struct addr *source)
{
	struct sockaddr_storage sa;
	int fd = socket(source->family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	socklen_t len = addr_to_sockaddr(source, &sa);
	if (set_pmtu(fd, source->family) != 0 ||
	    (!addr_is_any(source) && bind(fd, (struct sockaddr *)&sa, len) != 0)) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* A resting socket of the source, or a new one. NULL: errno is set. */
static struct wire *udp_take(struct outquery *oq, uint16_t source)
{
	struct wire *w = oq->sources[source].idle;
	if (w != NULL) {
		oq->sources[source].idle = w->next;
		oq->idle_count--;
		return w;
	}
	w = calloc(1, sizeof(*w));
	int fd = w == NULL ? -1 : udp_socket(&oq->sources[source].addr);
	if (fd < 0) {
		free(w);
		return NULL;
	}
	w->oq = oq;
	w->fd = fd;
	w->state = WIRE_UDP;
	w->source = source;
	w->generation = oq->generation;
	if (event_assign(&w->io, oq->base, fd, EV_READ | EV_PERSIST, on_udp, w) != 0 || event_add(&w->io, NULL) != 0) {
		close(fd);
		free(w);
		errno = ENOMEM;
		return NULL;
	}
	return w;
}

static bool udp_open(struct outquery *oq, struct upstream *u)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&u->server, &sa);
	struct wire *w = udp_take(oq, outquery_pick_source(oq, &u->server));
	if (w == NULL) {
		return false;
	}
	/* EAGAIN of write: the kernel had no room for the packet. That is a lost packet like any other. */
	if (connect(w->fd, (struct sockaddr *)&sa, len) != 0 ||
	    (write(w->fd, u->wire, u->wire_len) < 0 && errno != EAGAIN)) {
		int err = errno;
		wire_close(w);
		errno = err;
		return false;
	}
	wire_begin(w, u);
	return true;
}

/* --- both ---------------------------------------------------------------------------------------------- */

void outquery_cancel(struct outquery *oq, struct upstream *u)
{
	if (u->shell != NULL) {
		wire_end(u->shell);
		core_forget(oq->core, u);
	}
}

void outquery_send(struct outquery *oq, struct upstream *u)
{
	uint32_t suppressed = 0;
	errno = EMFILE;
	if (oq->count < UPSTREAM_MAX && (u->tcp ? tcp_open(oq, u) : udp_open(oq, u))) {
		return;
	}
	enum upstream_failure why = wire_failure(errno);
	uint64_t now_ms = clock_now_ms();
	if (why == UPSTREAM_RESOURCES && log_limit_pass(&oq->complaints, now_ms, 60000, 1, &suppressed)) {
		log_warn("no socket for a query to a server sockets=%u tcp=%u suppressed=%u", oq->count,
			 oq->tcp_count, suppressed);
	}
	core_failed(oq->core, u, why, now_ms);
}
