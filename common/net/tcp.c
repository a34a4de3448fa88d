/*
 * TCP service. Owns the connections, their buffers and their clocks; leaves DNS to its caller.
 *
 * A connection costs no buffer while nothing waits on it: input is read into one buffer of the
 * server and only an incomplete rest is kept; replies given while input is worked through are
 * gathered in another one and written at once, and only what the client does not take is kept.
 *
 * Whatever happens to a connection ends in conn_settle, the one place that decides whether it may
 * read, is idle, or is over. Time is looked at in one regular tick, so no timer is touched per query.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp.h"

#include "common/net/tcp_buf.h"
#include "common/util/clock.h"
#include "common/util/rand.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <unistd.h>

const struct tcp_limits tcp_limits_default = {
	.connections = 1024,
	.connections_client = 128,
	.pipelined = 128,
	.idle_ms = 10000,
	.message_ms = 5000,
	.write_ms = 10000,
	.write_bytes = 131072,
};

enum {
	/* Connections taken per wake-up of a listener, so that a flood leaves time for others. */
	ACCEPTS_MAX = 64,
	/* Clients are counted in this many chains; more connections only make them longer. */
	CLIENT_BUCKETS = 1024,
	/* Replies gathered before they are written: a few large ones or hundreds of ordinary ones. */
	GATHER_SIZE = 2 * 65537,
	TICK_MIN_MS = 20,
	TICK_MAX_MS = 500,
};

struct conn {
	struct tcp_server *server;
	uint32_t slot;
	int fd;
	struct addr peer;
	struct event readable;
	struct event writable;
	TAILQ_ENTRY(conn) idle_entry; /* in server->idle, longest idle first */
	LIST_ENTRY(conn) client_entry;
	struct tcp_buf in;	 /* an incomplete message, or messages that have to wait */
	struct tcp_buf out;	 /* what the client did not take yet */
	size_t out_front;	 /* octets of the first waiting reply that are left in out */
	uint64_t idle_since_ms;
	uint64_t message_since_ms; /* when the first octet of the incomplete message came */
	uint64_t write_since_ms;   /* since when the client should take the first waiting reply */
	unsigned in_work;	   /* queries without reply */
	bool is_idle;		   /* in server->idle */
	bool worked;		   /* had a query since it became idle */
	bool reading;		   /* readable is added */
	bool no_more;		   /* the client sends nothing more */
	bool deaf;		   /* we take nothing more, not even what was read */
	bool broken;		   /* close without sending what waits */
};

struct slot {
	uint32_t generation; /* of the connection there, or of the next one */
	struct conn *conn;
};

struct listener {
	LIST_ENTRY(listener) entry;
	struct tcp_server *server;
	struct event *event;
	int fd;
};

TAILQ_HEAD(idle_list, conn);
LIST_HEAD(client_list, conn);
LIST_HEAD(listener_list, listener);

struct tcp_server {
	struct event_base *base;
	struct tcp_limits limits;
	struct tcp_ops ops;
	void *ctx;
	struct listener_list listeners;
	struct event *tick;
	bool ticking;
	bool accept_paused; /* no descriptor or memory for more: tried again with the next tick */
	bool draining;
	uint64_t now_ms;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t slot_hint; /* no free slot before this one */
	unsigned open;
	struct idle_list idle;
	struct siphash_key client_key;
	struct client_list clients[CLIENT_BUCKETS];
	struct conn *gathering; /* the connection whose input is worked through now */
	size_t gathered;
	uint8_t gather[GATHER_SIZE];
	uint8_t input[TCP_FRAME_MAX];
};

/* --- clients and slots --- */

/* What counts as one client: an IPv4 address, an IPv6 /64. */
static size_t client_size(const struct addr *a)
{
	return a->family == ADDR_V4 ? 4 : 8;
}

static struct client_list *client_bucket(struct tcp_server *s, const struct addr *a)
{
	return &s->clients[siphash(&s->client_key, a->bytes, client_size(a)) % CLIENT_BUCKETS];
}

static unsigned client_count(struct tcp_server *s, const struct addr *a)
{
	unsigned count = 0;
	struct conn *c;
	LIST_FOREACH(c, client_bucket(s, a), client_entry)
	{
		count += c->peer.family == a->family &&
			 memcmp(c->peer.bytes, a->bytes, client_size(a)) == 0;
	}
	return count;
}

/* A free slot; the table grows up to the limit. False: no memory. */
static bool take_slot(struct tcp_server *s, uint32_t *out)
{
	for (uint32_t i = s->slot_hint; i < s->slot_count; i++) {
		if (s->slots[i].conn == NULL) {
			s->slot_hint = i + 1;
			*out = i;
			return true;
		}
	}
	uint32_t count = s->slot_count == 0 ? 64 : s->slot_count * 2;
	struct slot *slots = realloc(s->slots, count * sizeof(*slots));
	if (slots == NULL) {
		return false;
	}
	for (uint32_t i = s->slot_count; i < count; i++) {
		slots[i] = (struct slot){ .generation = 1, .conn = NULL };
	}
	*out = s->slot_count;
	s->slot_hint = s->slot_count + 1;
	s->slots = slots;
	s->slot_count = count;
	return true;
}

static void leave_idle(struct conn *c)
{
	if (c->is_idle) {
		TAILQ_REMOVE(&c->server->idle, c, idle_entry);
		c->is_idle = false;
	}
}

static void conn_close(struct conn *c)
{
	struct tcp_server *s = c->server;
	event_del(&c->readable);
	event_del(&c->writable);
	leave_idle(c);
	LIST_REMOVE(c, client_entry);
	close(c->fd);
	s->slots[c->slot].conn = NULL;
	s->slots[c->slot].generation++;
	if (c->slot < s->slot_hint) {
		s->slot_hint = c->slot;
	}
	s->open--;
	tcp_buf_clear(&c->in);
	tcp_buf_clear(&c->out);
	free(c);
}

/* --- output --- */

/* Write without blocking; what is left stays with the caller. The connection may become broken. */
static size_t write_some(struct conn *c, const struct iovec *iov, int count)
{
	ssize_t n;
	do {
		n = writev(c->fd, iov, count);
	} while (n < 0 && errno == EINTR);
	if (n >= 0) {
		return (size_t)n;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		c->broken = true;
	}
	return 0;
}

/* Keep octets that the client did not take; they end with a complete frame. */
static void keep_output(struct conn *c, const uint8_t *bytes, size_t len, size_t front)
{
	bool first = tcp_buf_waiting(&c->out) == 0;
	if (len == 0 || c->broken) {
		return;
	}
	if (tcp_buf_append(&c->out, bytes, len) != BH_OK) {
		c->broken = true;
		return;
	}
	if (first) {
		c->out_front = front;
		c->write_since_ms = c->server->now_ms;
		if (event_add(&c->writable, NULL) != 0) {
			c->broken = true;
		}
	}
}

/*
 * bytes[0..len) holds the rest of a frame up to `end` and whole frames behind it; `done` octets of it
 * are gone. Where does the frame end that is first now?
 */
static size_t first_end(const uint8_t *bytes, size_t len, size_t end, size_t done)
{
	while (end <= done && end < len) {
		size_t size = tcp_frame_size(bytes + end, len - end);
		end = size > 0 ? end + size : len;
	}
	return end;
}

/* Write whole frames; keep the rest. */
static void write_frames(struct conn *c, const uint8_t *frames, size_t len)
{
	size_t done = 0;
	if (tcp_buf_waiting(&c->out) == 0) {
		done = write_some(c, &(struct iovec){ .iov_base = (void *)(uintptr_t)frames, .iov_len = len }, 1);
	}
	keep_output(c, frames + done, len - done, first_end(frames, len, 0, done) - done);
}

static void flush_gathered(struct tcp_server *s)
{
	if (s->gathered > 0) {
		size_t len = s->gathered;
		s->gathered = 0;
		write_frames(s->gathering, s->gather, len);
	}
}

static void send_message(struct conn *c, const uint8_t *msg, size_t len)
{
	struct tcp_server *s = c->server;
	uint8_t prefix[TCP_PREFIX] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (s->gathering == c) {
		if (TCP_PREFIX + len > GATHER_SIZE - s->gathered) {
			flush_gathered(s);
		}
		memcpy(s->gather + s->gathered, prefix, TCP_PREFIX);
		memcpy(s->gather + s->gathered + TCP_PREFIX, msg, len);
		s->gathered += TCP_PREFIX + len;
		return;
	}
	size_t done = 0;
	if (tcp_buf_waiting(&c->out) == 0) {
		struct iovec iov[2] = {
			{ .iov_base = prefix, .iov_len = TCP_PREFIX },
			{ .iov_base = (void *)(uintptr_t)msg, .iov_len = len },
		};
		done = write_some(c, iov, 2);
	}
	size_t front = TCP_PREFIX + len - done;
	if (done < TCP_PREFIX) {
		keep_output(c, prefix + done, TCP_PREFIX - done, front);
		done = TCP_PREFIX;
	}
	keep_output(c, msg + (done - TCP_PREFIX), len - (done - TCP_PREFIX), front);
}

/* The client took `done` waiting octets. */
static void advance_output(struct conn *c, size_t done)
{
	if (done >= c->out_front) { /* a whole reply went: the next one has the full time */
		c->write_since_ms = c->server->now_ms;
	}
	c->out_front = first_end(c->out.data + c->out.pos, tcp_buf_waiting(&c->out), c->out_front, done) - done;
	tcp_buf_consume(&c->out, done);
}

/* --- the state of a connection --- */

static bool may_take_query(const struct conn *c)
{
	const struct tcp_limits *limits = &c->server->limits;
	return !c->broken && !c->deaf && c->in_work < limits->pipelined &&
	       tcp_buf_waiting(&c->out) <= limits->write_bytes;
}

static bool has_message(const struct conn *c)
{
	return tcp_frame_size(c->in.data + c->in.pos, tcp_buf_waiting(&c->in)) > 0;
}

/* How long a connection may be idle: the full time when empty, a fifth when all slots are taken. */
static uint64_t idle_limit(const struct tcp_server *s)
{
	uint64_t open = s->open < s->limits.connections ? s->open : s->limits.connections;
	uint64_t most = s->limits.connections > 0 ? s->limits.connections : 1;
	return s->limits.idle_ms - s->limits.idle_ms * open * 4 / (most * 5);
}

static void set_reading(struct conn *c, bool reading)
{
	if (reading == c->reading) {
		return;
	}
	c->reading = reading;
	if (!reading) {
		event_del(&c->readable);
		return;
	}
	c->message_since_ms = c->server->now_ms; /* time in which we did not listen is not the client's */
	if (event_add(&c->readable, NULL) != 0) {
		c->broken = true;
	}
}

static void settle_idle(struct conn *c, bool idle)
{
	struct tcp_server *s = c->server;
	if (idle && c->is_idle && !c->worked) {
		return;
	}
	leave_idle(c);
	c->worked = false;
	if (idle) {
		c->idle_since_ms = s->now_ms;
		c->is_idle = true;
		TAILQ_INSERT_TAIL(&s->idle, c, idle_entry);
	}
}

/* Decide what a connection may do after anything happened to it. It may be gone afterwards. */
static void conn_settle(struct conn *c)
{
	if (c->server->draining) {
		c->deaf = true;
	}
	if (c->deaf) {
		tcp_buf_clear(&c->in);
	}
	bool quiet = c->in_work == 0 && tcp_buf_waiting(&c->out) == 0;
	bool more = may_take_query(c);
	bool waiting = has_message(c);

	set_reading(c, more && !c->no_more && !waiting);
	if (c->broken || (quiet && !waiting && (c->no_more || c->deaf))) {
		conn_close(c);
		return;
	}
	settle_idle(c, quiet && !waiting);
	if (more && waiting) { /* worked through from the event loop: the caller may be in a callback of its own */
		event_active(&c->readable, EV_READ, 0);
	}
}

/* --- input --- */

/*
 * Hand the messages of bytes[0..len) over as long as the connection may take more. Returns how many
 * octets were used up.
 */
static size_t take_messages(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct tcp_server *s = c->server;
	struct tcp_ref ref = { .slot = c->slot, .generation = s->slots[c->slot].generation };
	size_t pos = 0;
	size_t frame;

	s->gathering = c;
	while (may_take_query(c) && (frame = tcp_frame_size(bytes + pos, len - pos)) > 0) {
		if (frame == TCP_PREFIX) { /* no message has no octets: the framing is lost */
			c->deaf = true;
			break;
		}
		c->in_work++;
		c->worked = true;
		s->ops.query(s->ctx, ref, &c->peer, bytes + pos + TCP_PREFIX, frame - TCP_PREFIX);
		pos += frame;
	}
	flush_gathered(s);
	s->gathering = NULL;
	return pos;
}

/* The buffer of an incomplete message: read into it, so that it is not copied for every segment. */
static ssize_t read_kept(struct conn *c)
{
	size_t waiting = tcp_buf_waiting(&c->in);
	size_t room = waiting < TCP_FRAME_MAX / 2 ? waiting + 512 : TCP_FRAME_MAX - waiting;
	if (tcp_buf_reserve(&c->in, room) != BH_OK) {
		errno = ENOMEM;
		return -1;
	}
	ssize_t n = read(c->fd, c->in.data + c->in.len, room);
	if (n > 0) {
		c->in.len += (size_t)n;
	}
	return n;
}

static void work_kept(struct conn *c)
{
	size_t used = take_messages(c, c->in.data + c->in.pos, tcp_buf_waiting(&c->in));
	if (used > 0) {
		tcp_buf_consume(&c->in, used);
		c->message_since_ms = c->server->now_ms;
	}
}

static void work_fresh(struct conn *c, size_t len)
{
	struct tcp_server *s = c->server;
	size_t used = take_messages(c, s->input, len);
	c->message_since_ms = s->now_ms;
	if (used < len && tcp_buf_append(&c->in, s->input + used, len - used) != BH_OK) {
		c->broken = true;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct tcp_server *s = c->server;
	(void)what;

	s->now_ms = clock_now_ms();
	if (has_message(c)) { /* had to wait; nothing is read before it is worked through */
		work_kept(c);
		conn_settle(c);
		return;
	}
	if (!c->reading) { /* woken for a message that is gone */
		conn_settle(c);
		return;
	}
	bool fresh = tcp_buf_waiting(&c->in) == 0;
	ssize_t n = fresh ? read(fd, s->input, sizeof(s->input)) : read_kept(c);
	if (n > 0) {
		if (fresh) {
			work_fresh(c, (size_t)n);
		} else {
			work_kept(c);
		}
	} else if (n == 0) {
		c->no_more = true; /* the client may still read: RFC 7766 6.2.4 */
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		c->broken = true;
	}
	conn_settle(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	(void)fd;
	(void)what;

	c->server->now_ms = clock_now_ms();
	size_t waiting = tcp_buf_waiting(&c->out);
	if (waiting > 0) {
		struct iovec iov = { .iov_base = c->out.data + c->out.pos, .iov_len = waiting };
		advance_output(c, write_some(c, &iov, 1));
	}
	if (tcp_buf_waiting(&c->out) == 0) {
		event_del(&c->writable);
	}
	conn_settle(c);
}

/* --- accepting --- */

/* Room for one more: close the longest idle connection when all are taken. */
static bool make_room(struct tcp_server *s)
{
	if (s->open < s->limits.connections) {
		return true;
	}
	struct conn *oldest = TAILQ_FIRST(&s->idle);
	if (oldest == NULL) {
		return false;
	}
	conn_close(oldest);
	return s->open < s->limits.connections;
}

static bool conn_open(struct tcp_server *s, int fd, const struct addr *peer)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return false;
	}
	c->server = s;
	c->fd = fd;
	c->peer = *peer;
	if (event_assign(&c->readable, s->base, fd, EV_READ | EV_PERSIST, on_readable, c) != 0 ||
	    event_assign(&c->writable, s->base, fd, EV_WRITE | EV_PERSIST, on_writable, c) != 0 ||
	    event_add(&c->readable, NULL) != 0) {
		free(c);
		return false;
	}
	if (!take_slot(s, &c->slot)) {
		event_del(&c->readable);
		free(c);
		return false;
	}
	c->reading = true;
	c->message_since_ms = s->now_ms;
	s->slots[c->slot].conn = c;
	s->open++;
	LIST_INSERT_HEAD(client_bucket(s, peer), c, client_entry);
	settle_idle(c, true);
	return true;
}

static void start_tick(struct tcp_server *s)
{
	uint64_t least = s->limits.idle_ms / 5;
	least = s->limits.message_ms < least ? s->limits.message_ms : least;
	least = s->limits.write_ms < least ? s->limits.write_ms : least;
	uint64_t ms = least / 4;
	ms = ms < TICK_MIN_MS ? TICK_MIN_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	if (!s->ticking) {
		s->ticking = event_add(s->tick, &tv) == 0;
	}
}

/* No descriptor or memory: a level-triggered listener would spin, so wait for the next tick. */
static void pause_accept(struct tcp_server *s)
{
	struct listener *l;
	s->accept_paused = true;
	LIST_FOREACH(l, &s->listeners, entry)
	{
		event_del(l->event);
	}
}

static void resume_accept(struct tcp_server *s)
{
	struct listener *l;
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
	if (client_count(s, peer) >= s->limits.connections_client || !make_room(s) ||
	    !conn_open(s, fd, peer)) {
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

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct listener *l = arg;
	struct tcp_server *s = l->server;
	(void)what;

	s->now_ms = clock_now_ms();
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
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
			return;
		}
		struct addr peer;
		if (addr_from_sockaddr((struct sockaddr *)&ss, ss_len, &peer) != BH_OK) {
			close(fd);
			continue;
		}
		accept_one(s, fd, &peer);
	}
}

/* --- time --- */

static bool is_overdue(const struct conn *c)
{
	const struct tcp_server *s = c->server;
	if (tcp_buf_waiting(&c->out) > 0 && s->now_ms - c->write_since_ms > s->limits.write_ms) {
		return true;
	}
	return c->reading && tcp_buf_waiting(&c->in) > 0 &&
	       s->now_ms - c->message_since_ms > s->limits.message_ms;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_server *s = arg;
	(void)fd;
	(void)what;

	s->now_ms = clock_now_ms();
	s->ticking = false;
	for (uint32_t i = 0; i < s->slot_count; i++) {
		struct conn *c = s->slots[i].conn;
		if (c != NULL && is_overdue(c)) {
			conn_close(c);
		}
	}
	struct conn *c;
	while ((c = TAILQ_FIRST(&s->idle)) != NULL &&
	       (s->open > s->limits.connections || s->now_ms - c->idle_since_ms > idle_limit(s))) {
		conn_close(c);
	}
	if (s->accept_paused && !s->draining) {
		resume_accept(s);
	}
	if (s->open > 0 || s->accept_paused) {
		start_tick(s);
	}
}

/* --- the server --- */

struct tcp_server *tcp_server_new(struct event_base *base, const struct tcp_limits *limits,
				  const struct tcp_ops *ops, void *ctx)
{
	struct tcp_server *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return NULL;
	}
	s->tick = event_new(base, -1, 0, on_tick, s);
	if (s->tick == NULL) {
		free(s);
		return NULL;
	}
	s->base = base;
	s->limits = *limits;
	s->ops = *ops;
	s->ctx = ctx;
	LIST_INIT(&s->listeners);
	TAILQ_INIT(&s->idle);
	rand_bytes(&s->client_key, sizeof(s->client_key));
	return s;
}

void tcp_server_limits(struct tcp_server *server, const struct tcp_limits *limits)
{
	server->limits = *limits;
}

static void listener_free(struct listener *l)
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
			conn_close(server->slots[i].conn);
		}
	}
	while (!LIST_EMPTY(&server->listeners)) {
		listener_free(LIST_FIRST(&server->listeners));
	}
	event_free(server->tick);
	free(server->slots);
	free(server);
}

int tcp_server_listen(struct tcp_server *server, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return BH_ENOMEM;
	}
	l->server = server;
	l->fd = fd;
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
	struct listener *l;
	LIST_FOREACH(l, &server->listeners, entry)
	{
		if (l->fd == fd) {
			listener_free(l);
			return;
		}
	}
}

void tcp_reply(struct tcp_server *server, struct tcp_ref ref, const uint8_t *msg, size_t len)
{
	if (ref.slot >= server->slot_count || server->slots[ref.slot].generation != ref.generation ||
	    server->slots[ref.slot].conn == NULL) {
		return;
	}
	struct conn *c = server->slots[ref.slot].conn;
	if (c->in_work == 0) {
		return; /* more replies than queries would break the framing for the client */
	}
	c->in_work--;
	if (len == 0 || len > TCP_FRAME_MAX - TCP_PREFIX) {
		c->deaf = true; /* its buffer may be in use further up: conn_settle empties it */
	} else if (!c->broken) {
		send_message(c, msg, len);
	}
	if (server->gathering != c) { /* else its input is being worked through, and settled after */
		server->now_ms = clock_now_ms();
		conn_settle(c);
	}
}

void tcp_server_drain(struct tcp_server *server)
{
	server->draining = true;
	server->now_ms = clock_now_ms();
	while (!LIST_EMPTY(&server->listeners)) {
		listener_free(LIST_FIRST(&server->listeners));
	}
	for (uint32_t i = 0; i < server->slot_count; i++) {
		struct conn *c = server->slots[i].conn;
		if (c != NULL && c != server->gathering) {
			conn_settle(c);
		}
	}
}

unsigned tcp_server_count(const struct tcp_server *server)
{
	return server->open;
}
