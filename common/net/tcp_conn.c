/*
 * One TCP connection: its input, its output, its state. Knows framing only.
 *
 * Whatever happens to a connection ends in tcp_conn_settle, the one place that decides whether it
 * may read, is idle, or is over. Time is compared by the server's tick, so no timer is touched here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp_conn.h"

#include "common/util/clock.h"
#include "common/util/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	/* Reads of 4 KiB that are thrown away before a close; who sends more than that is reset. */
	SINK_READS_MAX = 16,
};

static void leave_idle(struct tcp_conn *c)
{
	if (c->is_idle) {
		TAILQ_REMOVE(&c->server->idle, c, idle_entry);
		TAILQ_REMOVE(&c->client->idle, c, client_entry);
		c->is_idle = false;
	}
}

static void leave_waiting(struct tcp_conn *c)
{
	if (c->is_waiting) {
		TAILQ_REMOVE(&c->server->waiting, c, turn_entry);
		c->is_waiting = false;
	}
}

/* The first stream is over. What done calls cannot close the connection: it is dead or server->gathering. */
static void end_stream(struct tcp_conn *c, bool ok)
{
	struct tcp_stream *stream = TAILQ_FIRST(&c->streams);
	TAILQ_REMOVE(&c->streams, stream, entry);
	c->stream_count--;
	c->in_work--;
	stream->ops->done(stream->ctx, ok);
	free(stream);
}

void tcp_conn_close(struct tcp_conn *c)
{
	struct tcp_server *s = c->server;
	event_del(&c->readable);
	event_del(&c->writable);
	leave_idle(c);
	leave_waiting(c);
	tcp_client_leave(&s->clients, c->client);
	close(c->fd);
	s->slots[c->slot].conn = NULL;
	s->slots[c->slot].generation++;
	if (c->slot < s->slot_hint) {
		s->slot_hint = c->slot;
	}
	s->open--;
	tcp_buf_clear(&c->in);
	tcp_buf_clear(&c->out);
	while (!TAILQ_EMPTY(&c->streams)) { /* last, as done may call the server */
		end_stream(c, false);
	}
	free(c);
}

void tcp_conn_cut(struct tcp_conn *c)
{
	/*
	 * A plain close would leave its replies to the kernel, megabytes that a client with a closed window
	 * can hold for minutes, with no connection of ours to count. A reset frees them.
	 */
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0 && !c->server->cut_failed) {
		c->server->cut_failed = true;
		log_warn("tcp: cannot reset a client: %s", strerror(errno));
	}
	tcp_conn_close(c);
}

/* --- output --- */

/* Write without blocking; what is left stays with the caller. The connection may become broken. */
static size_t write_some(struct tcp_conn *c, const struct iovec *iov, int count)
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
static void keep_output(struct tcp_conn *c, const uint8_t *bytes, size_t len, size_t front)
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
static void write_frames(struct tcp_conn *c, const uint8_t *frames, size_t len)
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

void tcp_conn_send(struct tcp_conn *c, const uint8_t *msg, size_t len)
{
	struct tcp_server *s = c->server;
	uint8_t prefix[TCP_PREFIX] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (s->gathering == c) {
		if (TCP_PREFIX + len > TCP_GATHER_SIZE - s->gathered) {
			flush_gathered(s);
		}
		memcpy(s->gather + s->gathered, prefix, TCP_PREFIX);
		memcpy(s->gather + s->gathered + TCP_PREFIX, msg, len);
		s->gathered += TCP_PREFIX + len;
		s->turn_octets += TCP_PREFIX + len;
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
static void advance_output(struct tcp_conn *c, size_t done)
{
	if (done >= c->out_front) { /* a whole reply went: the next one has the full time */
		c->write_since_ms = c->server->now_ms;
	}
	c->out_front = first_end(c->out.data + c->out.pos, tcp_buf_waiting(&c->out), c->out_front, done) - done;
	tcp_buf_consume(&c->out, done);
}

/* Send the next message of the first stream, or end that stream. */
static void work_stream(struct tcp_conn *c)
{
	struct tcp_server *s = c->server;
	struct tcp_stream *stream = TAILQ_FIRST(&c->streams);

	if (!stream->begun) {
		stream->begun = true;
		stream->since_ms = s->now_ms;
	} else if (s->now_ms - stream->since_ms > s->limits.stream_ms) {
		c->broken = true; /* as if it took nothing: it must not take a part for the whole */
		return;
	}
	s->gathering = c; /* whatever next and done call, the connection lives until the caller settles it */
	ssize_t len = stream->ops->next(stream->ctx, s->message + TCP_PREFIX, sizeof(s->message) - TCP_PREFIX);
	if (len == 0) {
		end_stream(c, true);
	}
	flush_gathered(s);
	s->gathering = NULL;
	c->worked = true;
	if (len < 0 || (size_t)len > sizeof(s->message) - TCP_PREFIX) {
		c->broken = true;
	} else if (len > 0) {
		s->message[0] = (uint8_t)(len >> 8);
		s->message[1] = (uint8_t)len;
		write_frames(c, s->message, TCP_PREFIX + (size_t)len);
	}
}

/* --- the state of a connection --- */

static bool may_take_query(const struct tcp_conn *c)
{
	const struct tcp_limits *limits = &c->server->limits;
	return !c->broken && !c->deaf && c->in_work < limits->pipelined &&
	       tcp_buf_waiting(&c->out) <= limits->write_bytes;
}

static bool has_message(const struct tcp_conn *c)
{
	return tcp_frame_size(c->in.data + c->in.pos, tcp_buf_waiting(&c->in)) > 0;
}

static void set_reading(struct tcp_conn *c, bool reading)
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

static void settle_idle(struct tcp_conn *c, bool idle)
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
		TAILQ_INSERT_TAIL(&c->client->idle, c, client_entry);
	}
}

/* A stream goes on when all before it was taken: so at most one message of it waits here. */
static bool stream_is_ready(const struct tcp_conn *c)
{
	return !TAILQ_EMPTY(&c->streams) && tcp_buf_waiting(&c->out) == 0;
}

static void settle_waiting(struct tcp_conn *c, bool waiting)
{
	struct tcp_server *s = c->server;
	if (!waiting) {
		leave_waiting(c);
	} else if (!c->is_waiting) {
		TAILQ_INSERT_TAIL(&s->waiting, c, turn_entry);
		c->is_waiting = true;
		c->waiting_turn = s->turns;
		if (TAILQ_FIRST(&s->waiting) == c) {
			tcp_server_turn(s);
		}
	}
}

/*
 * End it with nothing left to send. Octets that nobody reads would make the kernel reset the connection, and
 * some clients lose replies to a reset that they have not read yet.
 */
static void close_gently(struct tcp_conn *c)
{
	uint8_t sink[4096];
	for (unsigned i = 0; i < SINK_READS_MAX && !c->ended; i++) {
		if (read(c->fd, sink, sizeof(sink)) < (ssize_t)sizeof(sink)) {
			break;
		}
	}
	tcp_conn_close(c);
}

/* Decide what a connection may do after anything happened to it. It may be gone afterwards. */
void tcp_conn_settle(struct tcp_conn *c)
{
	if (c->server->draining) {
		c->closing = true;
	}
	if (c->deaf) {
		tcp_buf_clear(&c->in);
	}
	bool quiet = c->in_work == 0 && tcp_buf_waiting(&c->out) == 0;
	bool more = may_take_query(c);
	bool message = has_message(c);

	set_reading(c, more && !c->no_more && !message);
	if (c->broken) {
		tcp_conn_close(c);
		return;
	}
	if (quiet && !message && (c->no_more || c->deaf)) {
		close_gently(c);
		return;
	}
	settle_idle(c, quiet && !message);
	settle_waiting(c, (more && message) || (c->reading && c->closing) || stream_is_ready(c));
}

/* --- input --- */

/*
 * Hand the messages of bytes[0..len) over as long as the connection may take more. Returns how many
 * octets were used up.
 */
static size_t take_messages(struct tcp_conn *c, const uint8_t *bytes, size_t len)
{
	struct tcp_server *s = c->server;
	struct tcp_ref ref = { .slot = c->slot, .generation = s->slots[c->slot].generation };
	size_t pos = 0;
	size_t frame;

	s->gathering = c;
	s->turn_octets = 0;
	for (unsigned i = 0; i < TCP_TURN_MESSAGES && s->turn_octets < TCP_TURN_OCTETS && may_take_query(c); i++) {
		frame = tcp_frame_size(bytes + pos, len - pos);
		if (frame == 0) {
			break;
		}
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

static void work_kept(struct tcp_conn *c)
{
	size_t used = take_messages(c, c->in.data + c->in.pos, tcp_buf_waiting(&c->in));
	if (used > 0) {
		tcp_buf_consume(&c->in, used);
		c->message_since_ms = c->server->now_ms;
	}
}

static void work_fresh(struct tcp_conn *c, size_t len)
{
	struct tcp_server *s = c->server;
	size_t used = take_messages(c, s->input, len);
	c->message_since_ms = s->now_ms;
	if (used < len && tcp_buf_append(&c->in, s->input + used, len - used) != BH_OK) {
		c->broken = true;
	}
}

/* How much to read behind an incomplete message: into its buffer, so that it is not copied for every segment. */
static size_t kept_room(const struct tcp_conn *c)
{
	size_t waiting = tcp_buf_waiting(&c->in);
	return waiting < TCP_FRAME_MAX / 2 ? waiting + 512 : TCP_FRAME_MAX - waiting;
}

/* Read once, and work through what came. */
static void read_input(struct tcp_conn *c)
{
	struct tcp_server *s = c->server;
	bool fresh = tcp_buf_waiting(&c->in) == 0;
	size_t room = fresh ? sizeof(s->input) : kept_room(c);
	if (!fresh && tcp_buf_reserve(&c->in, room) != BH_OK) {
		c->broken = true;
		return;
	}
	ssize_t n;
	do {
		n = read(c->fd, fresh ? s->input : c->in.data + c->in.len, room);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && fresh) {
		work_fresh(c, (size_t)n);
	} else if (n > 0) {
		c->in.len += (size_t)n;
		work_kept(c);
	} else if (n == 0) {
		c->ended = true; /* the client may still read: RFC 7766 6.2.4 */
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		c->broken = true;
	}
	if (c->ended || (c->closing && n < (ssize_t)room)) {
		c->no_more = true;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_conn *c = arg;
	(void)fd;
	(void)what;

	c->server->now_ms = clock_now_ms();
	read_input(c);
	tcp_conn_settle(c);
}

void tcp_conn_turn(struct tcp_conn *c)
{
	if (has_message(c)) { /* nothing is read before it is worked through */
		work_kept(c);
	} else if (c->reading && c->closing) {
		read_input(c);
	}
	if (!c->broken && stream_is_ready(c)) {
		work_stream(c);
	}
	tcp_conn_settle(c);
}

void tcp_conn_retire(struct tcp_conn *c)
{
	c->closing = true;
	if (c->reading) {
		read_input(c);
	}
	tcp_conn_settle(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_conn *c = arg;
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
	tcp_conn_settle(c);
}

/* --- its beginning, and its clocks --- */

struct tcp_conn *tcp_conn_open(struct tcp_server *server, uint32_t slot, int fd, const struct addr *peer)
{
	struct tcp_conn *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return NULL;
	}
	*c = (struct tcp_conn){ .server = server, .slot = slot, .fd = fd, .peer = *peer, .reading = true };
	if (event_assign(&c->readable, server->base, fd, EV_READ | EV_PERSIST, on_readable, c) != 0 ||
	    event_assign(&c->writable, server->base, fd, EV_WRITE | EV_PERSIST, on_writable, c) != 0 ||
	    event_add(&c->readable, NULL) != 0) {
		free(c);
		return NULL;
	}
	c->client = tcp_client_join(&server->clients, peer);
	if (c->client == NULL) {
		event_del(&c->readable);
		free(c);
		return NULL;
	}
	TAILQ_INIT(&c->streams);
	c->message_since_ms = server->now_ms;
	server->slots[slot].conn = c;
	server->open++;
	settle_idle(c, true);
	return c;
}

bool tcp_conn_is_overdue(const struct tcp_conn *c)
{
	const struct tcp_server *s = c->server;
	if (tcp_buf_waiting(&c->out) > 0 && s->now_ms - c->write_since_ms > tcp_server_time(s, s->limits.write_ms)) {
		return true;
	}
	return c->reading && tcp_buf_waiting(&c->in) > 0 &&
	       s->now_ms - c->message_since_ms > tcp_server_time(s, s->limits.message_ms);
}
