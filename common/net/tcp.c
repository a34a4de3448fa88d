/*
 * TCP service: listeners, the table of connections, limits and time. What happens on one connection is
 * in tcp_conn.c; DNS is left to the caller.
 *
 * Time is looked at in one regular tick over all connections, so no timer is touched per query.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp.h"

#include "common/net/tcp_conn.h"
#include "common/util/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct tcp_limits tcp_limits_default = {
	.connections = 1024,
	.connections_client = 128,
	.pipelined = 128,
	.idle_ms = 10000,
	.message_ms = 5000,
	.write_ms = 10000,
	.stream_ms = 7200000, /* two hours: four GiB with five megabits a second; no secondary needs more */
	.drain_ms = 2000,
	.write_bytes = 131072,
};

enum {
	/* Connections taken per wake-up of a listener, so that a flood leaves time for others. */
	ACCEPTS_MAX = 64,
	/* Wake-ups that found all that was expected, before more is. */
	FULL_RUNS = 4,
	/*
	 * Connections that get their turn before the event loop looks for others: each makes one message of a
	 * stream, so transfers hold a query up for the time of a few messages, however many of them run.
	 */
	TURNS_MAX = 4,
	/* Connections that are asked to go for a new one; some turn out to be busy. */
	RETIRE_MAX = 8,
	TICK_MIN_MS = 20,
	TICK_MAX_MS = 500,
	/* Idle time of connections to a server that is being replaced: some round trips for the first query. */
	FADE_IDLE_MS = 1000,
};

/* --- slots --- */

/* Find a free slot; the table grows with the connections there are. False: no memory. */
static bool take_slot(struct tcp_server *s, uint32_t *out)
{
	for (uint32_t i = s->slot_hint; i < s->slot_count; i++) {
		if (s->slots[i].conn == NULL) {
			s->slot_hint = i;
			*out = i;
			return true;
		}
	}
	uint32_t count = s->slot_count == 0 ? 64 : s->slot_count * 2;
	struct tcp_slot *slots = realloc(s->slots, count * sizeof(*slots));
	if (slots == NULL) {
		return false;
	}
	for (uint32_t i = s->slot_count; i < count; i++) {
		slots[i] = (struct tcp_slot){ .generation = 1, .conn = NULL };
	}
	*out = s->slot_count;
	s->slot_hint = s->slot_count;
	s->slots = slots;
	s->slot_count = count;
	return true;
}

/* --- accepting --- */

/* Room for one more when all connections are taken: one that is idle goes, of the heaviest client first. */
static bool make_room(struct tcp_server *s)
{
	for (unsigned i = 0; i < RETIRE_MAX && s->open >= s->limits.connections; i++) {
		struct tcp_client *heavy = tcp_client_heaviest(&s->clients);
		struct tcp_conn *c = TAILQ_FIRST(heavy != NULL ? &heavy->idle : &s->idle);
		if (c == NULL) {
			break;
		}
		tcp_conn_retire(c);
	}
	return s->open < s->limits.connections;
}

/*
 * How many connections a client may have now: all that the limits give it while half of all are free,
 * falling linearly to a quarter of that when none is.
 */
static unsigned client_limit(const struct tcp_server *s)
{
	uint64_t most = s->limits.connections;
	uint64_t taken = s->open < most ? s->open : most;
	uint64_t client = s->limits.connections_client;
	if (taken * 2 > most) {
		client -= client * 3 * (taken * 2 - most) / (most * 4);
	}
	return client > 0 ? (unsigned)client : 1;
}

/* A client that has all it may have gives up what it uses least. */
static bool make_client_room(struct tcp_server *s, const struct addr *peer)
{
	unsigned limit = client_limit(s);
	struct tcp_client *client;
	for (unsigned i = 0; i < RETIRE_MAX; i++) {
		client = tcp_client_find(&s->clients, peer);
		if (client == NULL || client->open < limit) {
			return true;
		}
		if (TAILQ_EMPTY(&client->idle)) {
			return false;
		}
		tcp_conn_retire(TAILQ_FIRST(&client->idle));
	}
	return false;
}

static void start_tick(struct tcp_server *s)
{
	uint64_t least = s->limits.idle_ms;
	least = s->limits.message_ms < least ? s->limits.message_ms : least;
	least = s->limits.write_ms < least ? s->limits.write_ms : least;
	uint64_t ms = least / 20; /* a quarter of a fifth */
	ms = ms < TICK_MIN_MS ? TICK_MIN_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	if (!s->ticking) {
		s->ticking = event_add(s->tick, &tv) == 0;
	}
}

/* No descriptor or memory: a level-triggered listener would spin, so wait for the next tick. */
static void pause_accept(struct tcp_server *s)
{
	struct tcp_listener *l;
	s->accept_paused = true;
	LIST_FOREACH(l, &s->listeners, entry)
	{
		event_del(l->event);
	}
}

static void resume_accept(struct tcp_server *s)
{
	struct tcp_listener *l;
	s->accept_paused = false;
	LIST_FOREACH(l, &s->listeners, entry)
	{
		if (event_add(l->event, NULL) != 0) {
			s->accept_paused = true;
		}
	}
}

static void accept_one(struct tcp_server *s, int fd, const struct addr *peer)
{
	struct tcp_conn *c = NULL;
	uint32_t slot;
	if (make_client_room(s, peer) && make_room(s) && take_slot(s, &slot)) {
		c = tcp_conn_open(s, slot, fd, peer);
	}
	if (c == NULL) {
		close(fd);
		if (s->ops.refused != NULL) {
			s->ops.refused(s->ctx);
		}
		return;
	}
	start_tick(s);
	if (s->ops.accepted != NULL) {
		s->ops.accepted(s->ctx);
	}
}

/* Take up to `most` new connections; returns how many there were. */
static unsigned accept_some(struct tcp_server *s, int listen_fd, unsigned most)
{
	for (unsigned i = 0; i < most; i++) {
		struct sockaddr_storage ss;
		socklen_t ss_len = sizeof(ss);
		int fd = accept4(listen_fd, (struct sockaddr *)&ss, &ss_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				pause_accept(s);
				start_tick(s);
			}
			if (errno == EINTR || errno == ECONNABORTED) {
				continue;
			}
			return i;
		}
		struct addr peer;
		if (addr_from_sockaddr((struct sockaddr *)&ss, ss_len, &peer) != BH_OK) {
			close(fd);
			continue;
		}
		accept_one(s, fd, &peer);
	}
	return most;
}

/*
 * As many as came the last time, so that the call that finds nothing is made once in a while only: the
 * listener wakes us again for what is left.
 */
static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct tcp_listener *l = arg;
	struct tcp_server *s = l->server;
	(void)what;

	s->now_ms = clock_now_ms();
	unsigned count = accept_some(s, listen_fd, l->burst);
	if (count < l->burst) {
		l->burst = count > 0 ? count : 1;
		l->full_runs = 0;
	} else if (++l->full_runs == FULL_RUNS) {
		l->burst = count < ACCEPTS_MAX / 2 ? count * 2 : ACCEPTS_MAX;
		l->full_runs = 0;
	}
}

/* --- time --- */

uint64_t tcp_server_time(const struct tcp_server *s, unsigned ms)
{
	uint64_t open = s->open < s->limits.connections ? s->open : s->limits.connections;
	uint64_t most = s->limits.connections > 0 ? s->limits.connections : 1;
	return ms - ms * open * 4 / (most * 5);
}

unsigned tcp_server_idle_ms(const struct tcp_server *server)
{
	return server->draining || server->fading ? 0 : (unsigned)tcp_server_time(server, server->limits.idle_ms);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_server *s = arg;
	(void)fd;
	(void)what;

	s->now_ms = clock_now_ms();
	s->ticking = false;
	bool drained = s->draining && s->now_ms - s->drain_since_ms > s->limits.drain_ms;
	for (uint32_t i = 0; i < s->slot_count; i++) {
		struct tcp_conn *c = s->slots[i].conn;
		if (c != NULL && (tcp_conn_is_overdue(c) || drained)) {
			tcp_conn_cut(c);
		}
	}
	for (unsigned i = s->open; i > 0; i--) { /* what turns out to be busy goes to the end of the list */
		struct tcp_conn *c = TAILQ_FIRST(&s->idle);
		if (c == NULL || (s->open <= s->limits.connections &&
				  s->now_ms - c->idle_since_ms <= tcp_server_time(s, s->limits.idle_ms))) {
			break;
		}
		tcp_conn_retire(c);
	}
	if (s->accept_paused && !s->draining && !s->fading) {
		resume_accept(s);
	}
	tcp_server_turn(s);
	if (s->open > 0 || s->accept_paused) {
		start_tick(s);
	}
}

/* --- turns --- */

void tcp_server_turn(struct tcp_server *s)
{
	static const struct timeval now = { 0, 0 };
	if (!TAILQ_EMPTY(&s->waiting) && event_add(s->turn, &now) != 0) {
		start_tick(s); /* no memory for a timer: tried again then */
	}
}

/* A few connections, each once and for a bounded time; the rest when the loop has served everybody else. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_server *s = arg;
	struct tcp_conn *c;
	(void)fd;
	(void)what;

	s->now_ms = clock_now_ms();
	s->turns++;
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		c = TAILQ_FIRST(&s->waiting);
		if (c == NULL || c->waiting_turn == s->turns) {
			break;
		}
		TAILQ_REMOVE(&s->waiting, c, turn_entry);
		c->is_waiting = false;
		tcp_conn_turn(c); /* to the end of the list, if there is more */
	}
	tcp_server_turn(s);
}

/* --- the server --- */

static void free_events(struct tcp_server *s)
{
	if (s->tick != NULL) {
		event_free(s->tick);
	}
	if (s->turn != NULL) {
		event_free(s->turn);
	}
}

struct tcp_server *tcp_server_new(struct event_base *base, const struct tcp_limits *limits,
				  const struct tcp_ops *ops, void *ctx)
{
	struct tcp_server *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return NULL;
	}
	s->tick = event_new(base, -1, 0, on_tick, s);
	s->turn = event_new(base, -1, 0, on_turn, s);
	if (s->tick == NULL || s->turn == NULL) {
		free_events(s);
		free(s);
		return NULL;
	}
	s->base = base;
	s->limits = *limits;
	s->ops = *ops;
	s->ctx = ctx;
	LIST_INIT(&s->listeners);
	TAILQ_INIT(&s->idle);
	TAILQ_INIT(&s->waiting);
	tcp_clients_init(&s->clients);
	return s;
}

void tcp_server_limits(struct tcp_server *server, const struct tcp_limits *limits)
{
	server->limits = *limits;
}

static void listener_free(struct tcp_listener *l)
{
	LIST_REMOVE(l, entry);
	event_free(l->event);
	free(l);
}

void tcp_server_free(struct tcp_server *server)
{
	if (server == NULL) {
		return;
	}
	for (uint32_t i = 0; i < server->slot_count; i++) {
		if (server->slots[i].conn != NULL) {
			tcp_conn_close(server->slots[i].conn);
		}
	}
	while (!LIST_EMPTY(&server->listeners)) {
		listener_free(LIST_FIRST(&server->listeners));
	}
	free_events(server);
	free(server->slots);
	free(server);
}

int tcp_server_listen(struct tcp_server *server, int fd)
{
	struct tcp_listener *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return BH_ENOMEM;
	}
	l->server = server;
	l->fd = fd;
	l->burst = 1;
	l->event = event_new(server->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
	if (l->event == NULL || event_add(l->event, NULL) != 0) {
		if (l->event != NULL) {
			event_free(l->event);
		}
		free(l);
		return BH_ENOMEM;
	}
	LIST_INSERT_HEAD(&server->listeners, l, entry);
	return BH_OK;
}

void tcp_server_unlisten(struct tcp_server *server, int fd)
{
	struct tcp_listener *l;
	LIST_FOREACH(l, &server->listeners, entry)
	{
		if (l->fd == fd) {
			server->now_ms = clock_now_ms();
			(void)accept_some(server, fd, server->limits.connections);
			listener_free(l);
			return;
		}
	}
}

/* The connection with a query without reply that ref names, or NULL. */
static struct tcp_conn *find_conn(struct tcp_server *s, struct tcp_ref ref)
{
	if (ref.slot >= s->slot_count || s->slots[ref.slot].generation != ref.generation) {
		return NULL;
	}
	return s->slots[ref.slot].conn;
}

/* After a reply: unless its input is being worked through, and settled after. */
static void settle_later(struct tcp_server *s, struct tcp_conn *c)
{
	if (s->gathering != c) {
		s->now_ms = clock_now_ms();
		tcp_conn_settle(c);
	}
}

void tcp_reply(struct tcp_server *server, struct tcp_ref ref, const uint8_t *msg, size_t len)
{
	struct tcp_conn *c = find_conn(server, ref);
	if (c == NULL || c->in_work == c->stream_count) {
		return; /* more replies than queries would break the framing for the client */
	}
	c->in_work--;
	if (len == 0 || len > TCP_FRAME_MAX - TCP_PREFIX) {
		c->deaf = true; /* its buffer may be in use further up: tcp_conn_settle empties it */
	} else if (!c->broken) {
		tcp_conn_send(c, msg, len);
	}
	settle_later(server, c);
}

void tcp_reply_stream(struct tcp_server *server, struct tcp_ref ref, const struct tcp_stream_ops *ops, void *ctx)
{
	struct tcp_conn *c = find_conn(server, ref);
	struct tcp_stream *stream = NULL;
	if (c != NULL && c->in_work > c->stream_count) {
		stream = malloc(sizeof(*stream));
		c->broken |= stream == NULL;
	}
	if (stream == NULL) {
		ops->done(ctx, false);
	} else {
		*stream = (struct tcp_stream){ .ops = ops, .ctx = ctx };
		TAILQ_INSERT_TAIL(&c->streams, stream, entry);
		c->stream_count++;
	}
	if (c != NULL) {
		settle_later(server, c);
	}
}

static void free_listeners(struct tcp_server *server)
{
	while (!LIST_EMPTY(&server->listeners)) {
		listener_free(LIST_FIRST(&server->listeners));
	}
}

void tcp_server_fade(struct tcp_server *server)
{
	server->fading = true;
	server->now_ms = clock_now_ms();
	while (!LIST_EMPTY(&server->listeners)) {
		tcp_server_unlisten(server, LIST_FIRST(&server->listeners)->fd);
	}
	if (server->limits.idle_ms > FADE_IDLE_MS) {
		server->limits.idle_ms = FADE_IDLE_MS;
	}
	if (server->open > 0) {
		start_tick(server);
	}
}

void tcp_server_drain(struct tcp_server *server)
{
	server->draining = true;
	server->now_ms = clock_now_ms();
	server->drain_since_ms = server->now_ms;
	free_listeners(server);
	for (uint32_t i = 0; i < server->slot_count; i++) {
		struct tcp_conn *c = server->slots[i].conn;
		if (c != NULL && c != server->gathering) {
			tcp_conn_retire(c);
		}
	}
}

unsigned tcp_server_count(const struct tcp_server *server)
{
	return server->open;
}
