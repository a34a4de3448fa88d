/*
 * The TCP server over loopback. The server and its clients live in one process and one event loop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp.h"
#include "common/net/tcp_buf.h"
#include "common/util/clock.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUERIES_MAX 1000

struct fixture {
	struct event_base *base;
	struct tcp_server *server;
	int listener;
	struct sockaddr_in where;
	bool answer_at_once; /* else queries are only noted */
	size_t answer_len;   /* 0: echo */
	struct flow *flows;  /* queries of one 's' are answered by the next of these */
	unsigned flow_count;
	unsigned queries;
	unsigned accepted;
	unsigned refused;
	struct tcp_ref refs[QUERIES_MAX];
	size_t lens[QUERIES_MAX];
	uint8_t first[QUERIES_MAX]; /* first octet of each query */
};

/* A stream of `count` messages of `len` octets; each begins with `mark` and its number. */
struct flow {
	uint8_t mark;
	unsigned count;
	size_t len;
	unsigned abort_at; /* 0: never */
	unsigned made;
	unsigned ended;
	bool ok;
};

static ssize_t flow_next(void *ctx, uint8_t *buf, size_t size)
{
	struct flow *flow = ctx;
	cr_assert_eq(flow->ended, 0);
	cr_assert_leq(flow->len, size);
	if (flow->abort_at > 0 && flow->made + 1 == flow->abort_at) {
		return -1;
	}
	if (flow->made == flow->count) {
		return 0;
	}
	memset(buf, 0, flow->len);
	buf[0] = flow->mark;
	buf[1] = (uint8_t)flow->made++;
	return (ssize_t)flow->len;
}

static void flow_done(void *ctx, bool ok)
{
	struct flow *flow = ctx;
	flow->ended++;
	flow->ok = ok;
}

static const struct tcp_stream_ops flow_ops = { .next = flow_next, .done = flow_done };

static const struct tcp_limits small_limits = {
	.connections = 4,
	.connections_client = 100,
	.pipelined = 3,
	.idle_ms = 60000,
	.message_ms = 60000,
	.write_ms = 60000,
	.stream_ms = 60000,
	.drain_ms = 60000,
	.write_bytes = 65536,
};

static void on_query(void *ctx, struct tcp_ref ref, const struct addr *peer, const uint8_t *msg, size_t len)
{
	struct fixture *f = ctx;
	static uint8_t big[65535];
	cr_assert(addr_is_loopback(peer));
	cr_assert_lt(f->queries, QUERIES_MAX);
	f->refs[f->queries] = ref;
	f->lens[f->queries] = len;
	f->first[f->queries++] = msg[0];
	if (f->flows != NULL && msg[0] == 's') {
		tcp_reply_stream(f->server, ref, &flow_ops, &f->flows[f->flow_count++]);
	} else if (f->answer_at_once && f->answer_len > 0) {
		big[0] = msg[0];
		tcp_reply(f->server, ref, big, f->answer_len);
	} else if (f->answer_at_once) {
		tcp_reply(f->server, ref, msg, len);
	}
}

static void on_accepted(void *ctx)
{
	((struct fixture *)ctx)->accepted++;
}

static void on_refused(void *ctx)
{
	((struct fixture *)ctx)->refused++;
}

static void setup_fixture(struct fixture *f, const struct tcp_limits *limits)
{
	static const struct tcp_ops ops = { .query = on_query, .accepted = on_accepted, .refused = on_refused };
	signal(SIGPIPE, SIG_IGN);
	memset(f, 0, sizeof(*f));
	f->base = event_base_new();
	f->server = tcp_server_new(f->base, limits, &ops, f);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	f->where = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(f->where);
	cr_assert_eq(bind(f->listener, (struct sockaddr *)&f->where, len), 0);
	cr_assert_eq(listen(f->listener, 64), 0);
	cr_assert_eq(getsockname(f->listener, (struct sockaddr *)&f->where, &len), 0);
	cr_assert_eq(tcp_server_listen(f->server, f->listener), BH_OK);
}

static void clear_fixture(struct fixture *f)
{
	tcp_server_free(f->server);
	close(f->listener);
	event_base_free(f->base);
}

static void run_ms(struct fixture *f, unsigned ms)
{
	uint64_t end = clock_now_ms() + ms;
	do {
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(500);
	} while (clock_now_ms() < end);
}

/* Let the loop run until condition holds, at most a second. */
#define RUN_UNTIL(f, condition)                                        \
	do {                                                           \
		for (unsigned i_ = 0; i_ < 1000 && !(condition); i_++) { \
			run_ms((f), 1);                                \
		}                                                      \
		cr_assert(condition, "%s", #condition);                \
	} while (0)

static int client_open(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	cr_assert_eq(connect(fd, (struct sockaddr *)&f->where, sizeof(f->where)), 0);
	cr_assert_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	return fd;
}

/* A message of len octets that all are `octet`, framed. */
static void client_send(int fd, uint8_t octet, size_t len)
{
	static uint8_t frame[TCP_FRAME_MAX];
	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	memset(frame + 2, octet, len);
	for (size_t done = 0; done < len + 2;) {
		ssize_t n = send(fd, frame + done, len + 2 - done, MSG_NOSIGNAL);
		cr_assert_gt(n, 0);
		done += (size_t)n;
	}
}

/* Octets available at once; -1: the connection is closed and all was read. */
static ssize_t client_take(int fd, uint8_t *out, size_t room)
{
	ssize_t n = recv(fd, out, room, MSG_DONTWAIT);
	if (n > 0) {
		return n;
	}
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

static bool client_is_closed(int fd)
{
	uint8_t sink[64];
	return client_take(fd, sink, sizeof(sink)) == -1;
}

/* Closed in order, not reset: all that was sent could be read. */
static bool client_is_ended(int fd)
{
	uint8_t octet;
	return recv(fd, &octet, 1, MSG_DONTWAIT) == 0;
}

/* Connect from an address of loopback, to be another client. */
static int client_open_from(struct fixture *f, uint32_t address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&f->where, sizeof(f->where)), 0);
	return fd;
}

/* Read one framed message, running the loop; returns its length and first two octets. */
static size_t client_read_two(struct fixture *f, int fd, uint8_t *first)
{
	static uint8_t frame[TCP_FRAME_MAX];
	size_t have = 0;
	for (unsigned i = 0; i < 5000; i++) {
		size_t want = have < 2 ? 2 : 2 + ((size_t)frame[0] << 8 | frame[1]);
		if (have >= 2 && have == want) {
			first[0] = frame[2];
			first[1] = frame[3];
			return want - 2;
		}
		ssize_t n = client_take(fd, frame + have, want - have);
		cr_assert_neq(n, -1, "closed");
		have += (size_t)n;
		if (n == 0) {
			run_ms(f, 1);
		}
	}
	cr_assert_fail("no reply");
	return 0;
}

static size_t client_read(struct fixture *f, int fd, uint8_t *first)
{
	uint8_t two[2];
	size_t len = client_read_two(f, fd, two);
	*first = two[0];
	return len;
}

static int client_open_small(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096;
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&f->where, sizeof(f->where)), 0);
	return fd;
}

static void client_reset(int fd)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
}

Test(tcp, answers_pipelined_queries_in_one_segment)
{
	struct fixture f;
	setup_fixture(&f, &tcp_limits_default);
	f.answer_at_once = true;
	int fd = client_open(&f);
	uint8_t frames[50 * 14];
	for (unsigned i = 0; i < 50; i++) {
		frames[i * 14] = 0;
		frames[i * 14 + 1] = 12;
		memset(frames + i * 14 + 2, (int)i, 12);
	}
	cr_assert_eq(send(fd, frames, sizeof(frames), 0), (ssize_t)sizeof(frames));
	for (unsigned i = 0; i < 50; i++) {
		uint8_t first;
		cr_assert_eq(client_read(&f, fd, &first), 12);
		cr_assert_eq(first, i);
	}
	cr_assert_eq(f.accepted, 1);
	cr_assert_eq(tcp_server_count(f.server), 1);
	close(fd);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	clear_fixture(&f);
}

Test(tcp, message_split_at_every_octet)
{
	struct fixture f;
	setup_fixture(&f, &tcp_limits_default);
	f.answer_at_once = true;
	int fd = client_open(&f);
	static const uint8_t two[] = { 0, 3, 'a', 'b', 'c', 0, 2, 'd', 'e' };
	for (size_t cut = 1; cut < sizeof(two); cut++) {
		uint8_t first;
		cr_assert_eq(send(fd, two, cut, 0), (ssize_t)cut);
		run_ms(&f, 2);
		cr_assert_eq(send(fd, two + cut, sizeof(two) - cut, 0), (ssize_t)(sizeof(two) - cut));
		cr_assert_eq(client_read(&f, fd, &first), 3);
		cr_assert_eq(first, 'a');
		cr_assert_eq(client_read(&f, fd, &first), 2);
		cr_assert_eq(first, 'd');
	}
	for (size_t i = 0; i < sizeof(two); i++) {
		cr_assert_eq(send(fd, two + i, 1, 0), 1);
		run_ms(&f, 1);
	}
	uint8_t first;
	cr_assert_eq(client_read(&f, fd, &first), 3);
	cr_assert_eq(client_read(&f, fd, &first), 2);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, largest_messages_both_ways)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &tcp_limits_default);
	int fd = client_open(&f);
	for (unsigned i = 0; i < 3; i++) {
		f.queries = 0;
		client_send(fd, (uint8_t)('a' + i), 65535);
		RUN_UNTIL(&f, f.queries == 1);
		cr_assert_eq(f.lens[0], 65535);
		static uint8_t reply[65535];
		reply[0] = (uint8_t)('A' + i);
		tcp_reply(f.server, f.refs[0], reply, sizeof(reply));
		cr_assert_eq(client_read(&f, fd, &first), 65535);
		cr_assert_eq(first, 'A' + i);
	}
	close(fd);
	clear_fixture(&f);
}

Test(tcp, replies_later_and_in_any_order)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	client_send(fd, 'a', 12);
	client_send(fd, 'b', 12);
	client_send(fd, 'c', 12);
	RUN_UNTIL(&f, f.queries == 3);
	static const unsigned order[] = { 2, 0, 1 };
	for (unsigned i = 0; i < 3; i++) {
		tcp_reply(f.server, f.refs[order[i]], &f.first[order[i]], 1);
		cr_assert_eq(client_read(&f, fd, &first), 1);
		cr_assert_eq(first, "abc"[order[i]]);
	}
	close(fd);
	clear_fixture(&f);
}

Test(tcp, reading_pauses_above_the_pipelining_limit)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	for (unsigned i = 0; i < 10; i++) {
		client_send(fd, (uint8_t)i, 20);
	}
	run_ms(&f, 50);
	cr_assert_eq(f.queries, 3, "limit of unanswered queries");
	for (unsigned i = 0; i < 10; i++) {
		RUN_UNTIL(&f, f.queries > i);
		run_ms(&f, 3);
		cr_assert_leq(f.queries, i + 3);
		tcp_reply(f.server, f.refs[i], &f.first[i], 1);
		cr_assert_eq(client_read(&f, fd, &first), 1);
		cr_assert_eq(first, i);
	}
	cr_assert_eq(f.queries, 10);
	close(fd);
	clear_fixture(&f);
}

/* RFC 7766 6.2.4: a client that ended its side still reads its replies. */
Test(tcp, half_closed_client_gets_all_its_replies)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	for (unsigned i = 0; i < 5; i++) { /* more than may be in work at once */
		client_send(fd, (uint8_t)i, 20);
	}
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	for (unsigned i = 0; i < 5; i++) {
		RUN_UNTIL(&f, f.queries > i);
		tcp_reply(f.server, f.refs[i], &f.first[i], 1);
		cr_assert_eq(client_read(&f, fd, &first), 1);
		cr_assert_eq(first, i);
	}
	RUN_UNTIL(&f, client_is_closed(fd));
	cr_assert_eq(tcp_server_count(f.server), 0);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, reply_to_a_dead_connection_does_nothing)
{
	struct fixture f;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	client_send(fd, 'a', 12);
	RUN_UNTIL(&f, f.queries == 1);
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	int other = client_open(&f); /* takes the same slot */
	client_send(other, 'b', 12);
	RUN_UNTIL(&f, f.queries == 2);
	cr_assert_eq(f.refs[0].slot, f.refs[1].slot);
	tcp_reply(f.server, f.refs[0], (const uint8_t *)"stale", 5);
	tcp_reply(f.server, (struct tcp_ref){ .slot = 1000, .generation = 1 }, (const uint8_t *)"none", 4);
	run_ms(&f, 5);
	uint8_t sink[8];
	cr_assert_eq(client_take(other, sink, sizeof(sink)), 0);
	close(other);
	clear_fixture(&f);
}

Test(tcp, message_of_no_octets_ends_the_connection)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	client_send(fd, 'a', 12);
	cr_assert_eq(send(fd, "\0\0", 2, 0), 2);
	client_send(fd, 'b', 12);
	RUN_UNTIL(&f, f.queries == 1);
	tcp_reply(f.server, f.refs[0], (const uint8_t *)"x", 1);
	cr_assert_eq(client_read(&f, fd, &first), 1, "what came before is answered");
	RUN_UNTIL(&f, client_is_ended(fd));
	cr_assert_eq(f.queries, 1);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, giving_a_query_up_closes)
{
	struct fixture f;
	setup_fixture(&f, &small_limits);
	int fd = client_open(&f);
	client_send(fd, 'a', 12);
	client_send(fd, 'b', 12);
	RUN_UNTIL(&f, f.queries == 2);
	tcp_reply(f.server, f.refs[0], NULL, 0);
	cr_assert_eq(tcp_server_count(f.server), 1, "the other query is still in work");
	tcp_reply(f.server, f.refs[1], (const uint8_t *)"x", 1);
	uint8_t first;
	cr_assert_eq(client_read(&f, fd, &first), 1);
	RUN_UNTIL(&f, client_is_closed(fd));
	close(fd);
	clear_fixture(&f);
}

Test(tcp, longest_idle_connection_makes_room)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.answer_at_once = true;
	int fd[5];
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open(&f);
		RUN_UNTIL(&f, f.accepted == i + 1);
	}
	client_send(fd[0], 'a', 12); /* the first is now the one that was idle for the shortest time */
	cr_assert_eq(client_read(&f, fd[0], &first), 12);
	fd[4] = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 5);
	cr_assert_eq(tcp_server_count(f.server), 4);
	RUN_UNTIL(&f, client_is_closed(fd[1]));
	cr_assert_not(client_is_closed(fd[0]));
	cr_assert_not(client_is_closed(fd[2]));
	for (unsigned i = 0; i < 5; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp, connections_in_work_are_not_thrown_out)
{
	struct fixture f;
	setup_fixture(&f, &small_limits);
	int fd[5];
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open(&f);
		client_send(fd[i], 'a', 12);
		RUN_UNTIL(&f, f.queries == i + 1);
	}
	fd[4] = client_open(&f);
	RUN_UNTIL(&f, f.refused == 1);
	RUN_UNTIL(&f, client_is_closed(fd[4]));
	cr_assert_eq(tcp_server_count(f.server), 4);
	for (unsigned i = 0; i < 5; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp, one_client_cannot_take_all_connections)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.connections_client = 2;
	setup_fixture(&f, &limits);
	int fd[4];
	for (unsigned i = 0; i < 3; i++) {
		fd[i] = client_open(&f);
		RUN_UNTIL(&f, f.accepted == i + 1);
	}
	RUN_UNTIL(&f, client_is_ended(fd[0])); /* the longest idle one of its own */
	cr_assert_eq(tcp_server_count(f.server), 2);
	client_send(fd[1], 'a', 12);
	client_send(fd[2], 'a', 12);
	RUN_UNTIL(&f, f.queries == 2);
	fd[3] = client_open(&f);
	RUN_UNTIL(&f, f.refused == 1); /* none of its own is idle, others have nothing to do with it */
	RUN_UNTIL(&f, client_is_ended(fd[3]));
	int other = client_open_from(&f, 0x7f000063);
	RUN_UNTIL(&f, f.accepted == 4);
	cr_assert_eq(tcp_server_count(f.server), 3);
	for (unsigned i = 0; i < 4; i++) {
		close(fd[i]);
	}
	close(other);
	clear_fixture(&f);
}

Test(tcp, heaviest_client_makes_room)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	int fd[6];
	limits.connections = 5;
	setup_fixture(&f, &limits);
	/* One has the longest idle connection, the other has three. */
	fd[0] = client_open_from(&f, 0x7f000001);
	for (unsigned i = 1; i < 4; i++) {
		RUN_UNTIL(&f, f.accepted == i);
		fd[i] = client_open_from(&f, 0x7f000002);
	}
	RUN_UNTIL(&f, f.accepted == 4);
	fd[4] = client_open_from(&f, 0x7f000003);
	RUN_UNTIL(&f, f.accepted == 5);
	fd[5] = client_open_from(&f, 0x7f000004);
	RUN_UNTIL(&f, f.accepted == 6);
	RUN_UNTIL(&f, client_is_ended(fd[1]));
	for (unsigned i = 0; i < 6; i++) {
		cr_assert(i == 1 || !client_is_closed(fd[i]), "%u", i);
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp, part_of_a_client_shrinks_as_connections_fill_up)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	int fd[20];
	limits.connections = 20;
	limits.connections_client = 16;
	setup_fixture(&f, &limits);
	for (unsigned i = 0; i < 20; i++) {
		fd[i] = client_open(&f);
		client_send(fd[i], 'a', 12); /* in work: it does not make room */
	}
	RUN_UNTIL(&f, f.refused + f.accepted == 20);
	/* 13 of 20: 16 - 16 * 3/4 * (26 - 20)/20 = 12.4 */
	cr_assert_eq(f.accepted, 13);
	int other = client_open_from(&f, 0x7f000002);
	RUN_UNTIL(&f, f.accepted == 14);
	for (unsigned i = 0; i < 20; i++) {
		close(fd[i]);
	}
	close(other);
	clear_fixture(&f);
}

/* What a client sent before its connection was chosen to make room is answered. */
Test(tcp, query_that_came_in_time_is_answered_before_the_end)
{
	struct fixture f;
	uint8_t first;
	int fd[5];
	setup_fixture(&f, &small_limits);
	f.answer_at_once = true;
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open(&f);
		RUN_UNTIL(&f, f.accepted == i + 1);
	}
	fd[4] = client_open(&f); /* is seen first */
	client_send(fd[0], 'a', 12);
	client_send(fd[0], 'b', 12);
	RUN_UNTIL(&f, f.accepted == 5);
	cr_assert_eq(client_read(&f, fd[0], &first), 12);
	cr_assert_eq(first, 'a');
	cr_assert_eq(client_read(&f, fd[0], &first), 12);
	cr_assert_eq(first, 'b');
	RUN_UNTIL(&f, client_is_ended(fd[0]) || client_is_ended(fd[1]));
	for (unsigned i = 0; i < 5; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

/* A client that sends thousands of queries at once does not keep the loop from others. */
Test(tcp, turn_of_a_connection_is_bounded)
{
	struct fixture f;
	uint8_t frames[800 * 3];
	uint8_t first;
	setup_fixture(&f, &tcp_limits_default);
	f.answer_at_once = true;
	int fd = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 1);
	for (unsigned i = 0; i < 800; i++) {
		memcpy(frames + i * 3, (const uint8_t[]){ 0, 1, (uint8_t)i }, 3);
	}
	cr_assert_eq(send(fd, frames, sizeof(frames), 0), (ssize_t)sizeof(frames));
	for (unsigned turns = 0; f.queries < 800; turns++) {
		unsigned before = f.queries;
		event_base_loop(f.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		cr_assert_leq(f.queries - before, 128);
		cr_assert_lt(turns, 1000);
	}
	for (unsigned i = 0; i < 800; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 1);
		cr_assert_eq(first, (uint8_t)i);
	}
	close(fd);
	clear_fixture(&f);
}

Test(tcp, reset_in_the_middle_of_anything)
{
	struct fixture f;
	setup_fixture(&f, &tcp_limits_default);
	for (unsigned kind = 0; kind < 6; kind++) {
		int fd = client_open(&f);
		unsigned queries = f.queries;
		RUN_UNTIL(&f, f.accepted == kind + 1);
		f.answer_at_once = kind >= 3;
		f.answer_len = kind >= 4 ? 65535 : 0;
		cr_assert_eq(send(fd, "\0\14abc", kind % 3 * 2, 0), kind % 3 * 2); /* part of a message */
		if (kind >= 3) {
			cr_assert_eq(send(fd, "\0\14abcdefghijkl" + kind % 3 * 2, 14 - kind % 3 * 2, 0), 14 - kind % 3 * 2);
			for (unsigned i = 0; i < 100; i++) {
				client_send(fd, 'q', 12);
			}
			RUN_UNTIL(&f, f.queries > queries);
		}
		run_ms(&f, 2);
		client_reset(fd);
		RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	}
	clear_fixture(&f);
}

/* A slow reader has less time when connections are scarce. */
Test(tcp, time_to_take_replies_shrinks_as_connections_fill_up)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	int fd[4];
	limits.write_ms = 2000; /* 4 of 4 open: 400 ms */
	limits.pipelined = 1000;
	setup_fixture(&f, &limits);
	f.answer_at_once = true;
	f.answer_len = 65535;
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open_small(&f);
		for (unsigned n = 0; i == 0 && n < 200; n++) {
			client_send(fd[i], 'q', 12);
		}
	}
	RUN_UNTIL(&f, f.accepted == 4);
	run_ms(&f, 100);
	cr_assert_eq(tcp_server_count(f.server), 4);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 3);
	for (unsigned i = 0; i < 4; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

/* RFC 7828 3.2.2: what a client is told is what it gets; 0 asks it to close. */
Test(tcp, idle_time_can_be_told)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	int fd[4];
	limits.idle_ms = 10000;
	setup_fixture(&f, &limits);
	cr_assert_eq(tcp_server_idle_ms(f.server), 10000);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open(&f);
		RUN_UNTIL(&f, f.accepted == i + 1);
		cr_assert_eq(tcp_server_idle_ms(f.server), 10000 - 2000 * (i + 1));
	}
	tcp_server_drain(f.server);
	cr_assert_eq(tcp_server_idle_ms(f.server), 0);
	for (unsigned i = 0; i < 4; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp, idle_time_shrinks_as_connections_fill_up)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.idle_ms = 1000; /* 4 of 4 open: 200 ms; 1 of 4: 800 ms */
	setup_fixture(&f, &limits);
	int fd = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 1);
	run_ms(&f, 400);
	cr_assert_eq(tcp_server_count(f.server), 1);
	int more[3];
	for (unsigned i = 0; i < 3; i++) {
		more[i] = client_open(&f);
	}
	RUN_UNTIL(&f, f.accepted == 4);
	run_ms(&f, 150);
	cr_assert(client_is_closed(fd), "400 ms are too long when all slots are taken");
	close(fd);
	for (unsigned i = 0; i < 3; i++) {
		close(more[i]);
	}
	clear_fixture(&f);
}

Test(tcp, query_in_work_is_not_idle)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.idle_ms = 100;
	setup_fixture(&f, &limits);
	int fd = client_open(&f);
	client_send(fd, 'a', 12);
	RUN_UNTIL(&f, f.queries == 1);
	run_ms(&f, 300);
	cr_assert_eq(tcp_server_count(f.server), 1);
	tcp_reply(f.server, f.refs[0], (const uint8_t *)"x", 1);
	run_ms(&f, 300);
	cr_assert_eq(tcp_server_count(f.server), 0);
	close(fd);
	clear_fixture(&f);
}

/* Slowloris: an octet now and then keeps no connection open. */
Test(tcp, message_has_to_be_complete_in_time)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.message_ms = 150;
	setup_fixture(&f, &limits);
	int fd = client_open(&f);
	cr_assert_eq(send(fd, "\0\100", 2, 0), 2);
	for (unsigned i = 0; i < 60 && tcp_server_count(f.server) + !i > 0; i++) {
		(void)!send(fd, "x", 1, MSG_NOSIGNAL);
		run_ms(&f, 10);
	}
	cr_assert_eq(tcp_server_count(f.server), 0);
	cr_assert_eq(f.queries, 0);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, slow_reader_is_cut_and_reading_pauses)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.write_ms = 200;
	limits.pipelined = 1000;
	setup_fixture(&f, &limits);
	f.answer_at_once = true;
	f.answer_len = 65535;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096;
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&f.where, sizeof(f.where)), 0);
	for (unsigned i = 0; i < 500; i++) {
		client_send(fd, 'q', 12);
	}
	run_ms(&f, 100);
	cr_assert_lt(f.queries, 500, "does not gather replies for one who does not read");
	cr_assert_eq(tcp_server_count(f.server), 1);
	run_ms(&f, 400);
	cr_assert_eq(tcp_server_count(f.server), 0);
	int error = 0;
	socklen_t size = sizeof(error);
	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	cr_assert_eq(error, ECONNRESET, "the kernel keeps nothing for it");
	close(fd);
	clear_fixture(&f);
}

/* A client that takes every reply within its time is served to the end, however much it asked. */
Test(tcp, steady_reader_gets_everything)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.write_ms = 300;
	limits.pipelined = 1000;
	limits.write_bytes = 64 * 1024 * 1024; /* so that something waits all the time */
	setup_fixture(&f, &limits);
	f.answer_at_once = true;
	f.answer_len = 65535;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 65536;
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&f.where, sizeof(f.where)), 0);
	for (unsigned i = 0; i < 200; i++) {
		client_send(fd, (uint8_t)i, 12);
	}
	for (unsigned i = 0; i < 200; i++) {
		uint8_t first;
		cr_assert_eq(client_read(&f, fd, &first), 65535, "reply %u", i);
		cr_assert_eq(first, i);
		run_ms(&f, 8);
	}
	cr_assert_eq(f.queries, 200);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, drain_answers_what_is_in_work_and_takes_nothing_new)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	int idle = client_open(&f);
	int busy = client_open(&f);
	client_send(busy, 'a', 12);
	RUN_UNTIL(&f, f.queries == 1 && f.accepted == 2);
	tcp_server_drain(f.server);
	RUN_UNTIL(&f, client_is_closed(idle));
	client_send(busy, 'b', 12);
	run_ms(&f, 10);
	cr_assert_eq(f.queries, 1);
	tcp_reply(f.server, f.refs[0], (const uint8_t *)"x", 1);
	cr_assert_eq(client_read(&f, busy, &first), 1);
	RUN_UNTIL(&f, client_is_closed(busy));
	cr_assert_eq(tcp_server_count(f.server), 0);
	close(idle);
	close(busy);
	clear_fixture(&f);
}

/* What reached our sockets before the end is answered: on open connections, and on those not yet accepted. */
Test(tcp, drain_answers_what_has_arrived)
{
	struct fixture f;
	uint8_t first;
	struct tcp_limits limits = small_limits;
	limits.connections = 20;
	setup_fixture(&f, &limits);
	f.answer_at_once = true;
	int open = client_open(&f);
	int part = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 2);
	for (uint8_t i = 0; i < 200; i++) { /* more than one turn */
		client_send(open, i, 500);
	}
	cr_assert_eq(send(part, "\0\100abc", 5, 0), 5);
	int queued[5];
	for (uint8_t i = 0; i < 5; i++) {
		queued[i] = client_open(&f);
		client_send(queued[i], i, 12);
	}
	usleep(1000); /* no wait for anything: the kernel has it all */
	tcp_server_unlisten(f.server, f.listener);
	tcp_server_drain(f.server);
	for (uint8_t i = 0; i < 200; i++) {
		cr_assert_eq(client_read(&f, open, &first), 500);
		cr_assert_eq(first, i);
	}
	RUN_UNTIL(&f, client_is_ended(open));
	for (uint8_t i = 0; i < 5; i++) {
		cr_assert_eq(client_read(&f, queued[i], &first), 12);
		cr_assert_eq(first, i);
		RUN_UNTIL(&f, client_is_ended(queued[i]));
		close(queued[i]);
	}
	RUN_UNTIL(&f, client_is_ended(part));
	cr_assert_eq(tcp_server_count(f.server), 0);
	close(open);
	close(part);
	clear_fixture(&f);
}

/* A connection that is read from again only after its replies were taken is drained, too. */
Test(tcp, drain_answers_what_waits_for_a_reader)
{
	struct fixture f;
	uint8_t first;
	struct tcp_limits limits = small_limits;
	limits.pipelined = 2;
	setup_fixture(&f, &limits);
	int fd = client_open(&f);
	for (uint8_t i = 0; i < 40; i++) {
		client_send(fd, i, 1000);
	}
	RUN_UNTIL(&f, f.queries == 2);
	tcp_server_drain(f.server);
	for (uint8_t i = 0; i < 40; i++) {
		RUN_UNTIL(&f, f.queries > i);
		tcp_reply(f.server, f.refs[i], &f.first[i], 1);
		cr_assert_eq(client_read(&f, fd, &first), 1);
		cr_assert_eq(first, i);
	}
	RUN_UNTIL(&f, client_is_ended(fd));
	close(fd);
	clear_fixture(&f);
}

/* RFC 7766 6.2.4: many queries, the end, and only then the reading. */
Test(tcp, half_closed_client_gets_more_replies_than_the_limits_hold)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.answer_at_once = true;
	f.answer_len = 30000;
	int fd = client_open_small(&f);
	for (unsigned i = 0; i < 250; i++) {
		client_send(fd, (uint8_t)i, 300);
	}
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	run_ms(&f, 20);
	cr_assert_lt(f.queries, 250, "more than fits");
	for (unsigned i = 0; i < 250; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 30000);
		cr_assert_eq(first, i);
	}
	RUN_UNTIL(&f, client_is_ended(fd));
	close(fd);
	clear_fixture(&f);
}

Test(tcp, unlisten_keeps_open_connections)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.answer_at_once = true;
	int fd = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 1);
	tcp_server_unlisten(f.server, f.listener);
	int late = client_open(&f); /* the kernel queues it; nobody takes it */
	run_ms(&f, 20);
	cr_assert_eq(f.accepted, 1);
	client_send(fd, 'a', 12);
	cr_assert_eq(client_read(&f, fd, &first), 12);
	close(late);
	close(fd);
	clear_fixture(&f);
}

/* Whoever has just connected asks and is answered; whoever asks nothing is closed a little later, nobody new gets in. */
Test(tcp, fading_lets_open_connections_ask)
{
	struct fixture f;
	uint8_t first;
	struct tcp_limits limits = small_limits;
	limits.idle_ms = 10000;
	setup_fixture(&f, &limits);
	f.answer_at_once = true;
	int fd = client_open(&f);
	int silent = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 2);
	tcp_server_fade(f.server);
	cr_assert_eq(tcp_server_idle_ms(f.server), 0); /* told to clients: RFC 7828 3.4 */
	int late = client_open(&f);
	run_ms(&f, 100);
	cr_assert_eq(f.accepted, 2);
	client_send(fd, 'a', 12);
	cr_assert_eq(client_read(&f, fd, &first), 12);
	cr_assert_eq(tcp_server_count(f.server), 2);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	cr_assert(client_is_ended(silent));
	close(late);
	close(silent);
	close(fd);
	clear_fixture(&f);
}

Test(tcp, lower_limits_close_idle_connections)
{
	struct fixture f;
	struct tcp_limits limits = small_limits;
	limits.write_ms = 100;
	setup_fixture(&f, &limits);
	int fd[4];
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client_open(&f);
	}
	RUN_UNTIL(&f, f.accepted == 4);
	limits.connections = 1;
	tcp_server_limits(f.server, &limits);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 1);
	for (unsigned i = 0; i < 4; i++) {
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp, thousands_of_connections_one_after_the_other)
{
	struct fixture f;
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.answer_at_once = true;
	for (unsigned i = 0; i < QUERIES_MAX; i++) {
		int fd = client_open(&f);
		client_send(fd, (uint8_t)i, 30);
		cr_assert_eq(client_read(&f, fd, &first), 30);
		close(fd);
	}
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	cr_assert_eq(f.refused, 0);
	clear_fixture(&f);
}

/* --- streams --- */

Test(tcp_stream, arrives_whole_and_ends_once)
{
	static const struct { unsigned count; size_t len; } cases[] = {
		{ 0, 0 }, { 1, 2 }, { 1, 65535 }, { 200, 65535 }, { 250, 17 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f;
		struct flow flow = { .mark = 'm', .count = cases[i].count, .len = cases[i].len };
		uint8_t head[2];
		setup_fixture(&f, &small_limits);
		f.flows = &flow;
		int fd = client_open_small(&f);
		client_send(fd, 's', 12);
		cr_assert_eq(shutdown(fd, SHUT_WR), 0); /* a half-closed client gets all of it */
		for (unsigned n = 0; n < cases[i].count; n++) {
			cr_assert_eq(client_read_two(&f, fd, head), cases[i].len);
			cr_assert_eq(head[0], 'm');
			cr_assert_eq(head[1], n);
		}
		RUN_UNTIL(&f, client_is_closed(fd));
		cr_assert_eq(flow.ended, 1);
		cr_assert(flow.ok);
		close(fd);
		clear_fixture(&f);
		cr_assert_eq(flow.ended, 1);
	}
}

Test(tcp_stream, is_made_as_the_client_takes_it)
{
	struct fixture f;
	struct flow flow = { .mark = 'm', .count = 100000, .len = 65535 };
	uint8_t head[2];
	setup_fixture(&f, &small_limits);
	f.flows = &flow;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	run_ms(&f, 50);
	unsigned ahead = flow.made;
	cr_assert_lt(ahead, 200, "what the kernel takes, and one message");
	run_ms(&f, 50);
	cr_assert_eq(flow.made, ahead);
	for (unsigned i = 0; i < 300; i++) {
		cr_assert_eq(client_read_two(&f, fd, head), 65535);
		cr_assert_eq(head[1], (uint8_t)i);
		cr_assert_leq(flow.made, i + 200);
	}
	cr_assert_eq(flow.ended, 0);
	clear_fixture(&f);
	cr_assert_eq(flow.ended, 1);
	cr_assert_not(flow.ok);
	close(fd);
}

Test(tcp_stream, one_who_takes_nothing_is_cut)
{
	struct fixture f;
	struct flow flow = { .mark = 'm', .count = 100000, .len = 65535 };
	struct tcp_limits limits = small_limits;
	limits.write_ms = 200;
	setup_fixture(&f, &limits);
	f.flows = &flow;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	RUN_UNTIL(&f, flow.made > 0);
	cr_assert_eq(flow.ended, 0);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	cr_assert_eq(flow.ended, 1);
	cr_assert_not(flow.ok);
	close(fd);
	clear_fixture(&f);
}

/* One that takes each message within its time, but takes all the time that there is. */
Test(tcp_stream, one_who_takes_too_long_in_all_is_cut)
{
	struct fixture f;
	struct flow flows[2] = { { .mark = 'm', .count = 100000, .len = 65535 }, { .mark = 'n', .count = 10, .len = 65535 } };
	struct tcp_limits limits = small_limits;
	uint8_t first;
	limits.stream_ms = 300;
	setup_fixture(&f, &limits);
	f.flows = flows;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	client_send(fd, 's', 12);
	uint64_t began = clock_now_ms();
	for (unsigned i = 0; i < 10000 && flows[0].ended == 0 && client_read(&f, fd, &first) == 65535; i++) {
		run_ms(&f, 5);
	}
	cr_assert_geq(clock_now_ms() - began, 300, "it was cut before its time");
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	cr_assert(flows[0].ended == 1 && !flows[0].ok && flows[0].made < flows[0].count);
	cr_assert(flows[1].ended == 1 && flows[1].made == 0, "what waits behind it goes with the connection");
	close(fd);
	clear_fixture(&f);
}

/* Time begins with the first message: those that waited for others have all of theirs. */
Test(tcp_stream, time_of_waiting_does_not_count)
{
	struct fixture f;
	struct flow flows[4] = { { .mark = 'a', .count = 20, .len = 65535 }, { .mark = 'b', .count = 20, .len = 65535 },
				 { .mark = 'c', .count = 20, .len = 65535 }, { .mark = 'd', .count = 20, .len = 65535 } };
	struct tcp_limits limits = small_limits;
	uint8_t first;
	limits.pipelined = 4;
	limits.stream_ms = 1000;
	setup_fixture(&f, &limits);
	f.flows = flows;
	int fd = client_open_small(&f);
	uint64_t began = clock_now_ms();
	for (unsigned i = 0; i < 4; i++) {
		client_send(fd, 's', 12);
	}
	for (unsigned i = 0; i < 80; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 65535, "message %u", i);
		run_ms(&f, 20);
	}
	RUN_UNTIL(&f, flows[3].ended == 1);
	cr_assert(flows[3].ok && clock_now_ms() - began > 1000);
	close(fd);
	clear_fixture(&f);
}

/* Taking each message within its time is enough, as long as it all takes no longer than stream_ms; and work is not idle. */
Test(tcp_stream, steady_reader_gets_everything)
{
	struct fixture f;
	struct flow flow = { .mark = 'm', .count = 200, .len = 65535 };
	struct tcp_limits limits = small_limits;
	uint8_t first;
	limits.write_ms = 400;
	limits.idle_ms = 100;
	setup_fixture(&f, &limits);
	f.flows = &flow;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	for (unsigned i = 0; i < 200; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 65535, "message %u", i);
		run_ms(&f, 8);
	}
	RUN_UNTIL(&f, flow.ended == 1);
	cr_assert(flow.ok);
	close(fd);
	clear_fixture(&f);
}

/* RFC 7766 6.2.1.1: a reply that is ready does not wait for the end of a transfer. */
Test(tcp_stream, other_replies_go_between_its_messages)
{
	struct fixture f;
	struct flow flow = { .mark = 'm', .count = 100000, .len = 60000 };
	uint8_t head[2];
	setup_fixture(&f, &small_limits);
	f.flows = &flow;
	f.answer_at_once = true;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	for (uint8_t n = 0; n < 3; n++) {
		cr_assert_eq(client_read_two(&f, fd, head), 60000);
		cr_assert_eq(head[1], n);
	}
	client_send(fd, 'q', 12);
	for (uint8_t n = 3;; n++) {
		cr_assert_lt(n, 200, "the reply waits for the stream");
		size_t len = client_read_two(&f, fd, head);
		if (head[0] == 'q') {
			cr_assert_eq(len, 12);
			break;
		}
		cr_assert_eq(len, 60000);
		cr_assert_eq(head[1], n);
	}
	close(fd);
	clear_fixture(&f);
}

Test(tcp_stream, those_of_one_connection_run_in_order)
{
	struct fixture f;
	struct flow flows[] = {
		{ .mark = 'a', .count = 30, .len = 5000 },
		{ .mark = 'b', .count = 30, .len = 5000 },
		{ .mark = 'c', .count = 30, .len = 5000 },
	};
	uint8_t head[2];
	setup_fixture(&f, &small_limits);
	f.flows = flows;
	int fd = client_open(&f);
	for (unsigned i = 0; i < 3; i++) {
		client_send(fd, 's', 12);
	}
	for (unsigned i = 0; i < 90; i++) {
		cr_assert_eq(client_read_two(&f, fd, head), 5000);
		cr_assert_eq(head[0], "abc"[i / 30]);
		cr_assert_eq(head[1], i % 30);
	}
	RUN_UNTIL(&f, flows[2].ended == 1);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert(flows[i].ok);
	}
	cr_assert_eq(tcp_server_count(f.server), 1);
	client_send(fd, 'q', 12);
	RUN_UNTIL(&f, f.queries == 4);
	close(fd);
	clear_fixture(&f);
}

/* A turn of the loop makes a few messages, whatever number of streams there is, and all get their part. */
Test(tcp_stream, many_share_the_loop)
{
	enum { STREAMS = 12 };
	struct fixture f;
	struct flow flows[STREAMS];
	struct tcp_limits limits = small_limits;
	uint8_t sink[4096];
	int fd[STREAMS];
	limits.connections = 100;
	setup_fixture(&f, &limits);
	f.flows = flows;
	for (unsigned i = 0; i < STREAMS; i++) {
		flows[i] = (struct flow){ .mark = 'm', .count = 1000000, .len = 100 };
		fd[i] = client_open(&f);
		client_send(fd[i], 's', 12);
		while (f.flow_count <= i) {
			event_base_loop(f.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		}
	}
	unsigned start[STREAMS];
	unsigned before = 0;
	for (unsigned i = 0; i < STREAMS; i++) {
		start[i] = flows[i].made;
		before += start[i];
	}
	for (unsigned turn = 0; turn < 300; turn++) {
		event_base_loop(f.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		unsigned made = 0;
		for (unsigned i = 0; i < STREAMS; i++) {
			made += flows[i].made;
			while (client_take(fd[i], sink, sizeof(sink)) > 0) {
			}
		}
		cr_assert_leq(made - before, 4, "a bounded part of a turn");
		before = made;
	}
	for (unsigned i = 0; i < STREAMS; i++) {
		cr_assert_geq(flows[i].made - start[i], 90);
		cr_assert_leq(flows[i].made - start[i], 110, "turn and turn about");
		close(fd[i]);
	}
	clear_fixture(&f);
}

Test(tcp_stream, giving_up_closes)
{
	struct fixture f;
	struct flow flows[] = {
		{ .mark = 'm', .count = 10, .len = 100, .abort_at = 5 },
		{ .mark = 'm', .count = 10, .len = 100 },
	};
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.flows = flows;
	int fd = client_open(&f);
	client_send(fd, 's', 12);
	client_send(fd, 's', 12);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 100);
	}
	RUN_UNTIL(&f, client_is_closed(fd));
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(flows[i].ended, 1);
		cr_assert_not(flows[i].ok);
	}
	cr_assert_eq(flows[1].made, 0);
	close(fd);
	clear_fixture(&f);
}

Test(tcp_stream, ends_with_its_connection)
{
	struct fixture f;
	struct flow flows[] = {
		{ .mark = 'm', .count = 100000, .len = 60000 },
		{ .mark = 'm', .count = 1, .len = 10 },
		{ .mark = 'm', .count = 1, .len = 10 },
	};
	setup_fixture(&f, &small_limits);
	f.flows = flows;
	int fd = client_open_small(&f);
	client_send(fd, 's', 12);
	client_send(fd, 's', 12);
	RUN_UNTIL(&f, f.flow_count == 2 && flows[0].made > 2);
	client_reset(fd);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 0);
	tcp_reply_stream(f.server, f.refs[0], &flow_ops, &flows[2]); /* to nobody */
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(flows[i].ended, 1);
		cr_assert_not(flows[i].ok);
	}
	clear_fixture(&f);
}

/* One query has one reply: a second one would be taken for the answer to another query. */
Test(tcp_stream, takes_the_place_of_the_reply)
{
	struct fixture f;
	struct flow flows[] = {
		{ .mark = 'm', .count = 3, .len = 10 },
		{ .mark = 'x', .count = 3, .len = 10 },
	};
	uint8_t first;
	setup_fixture(&f, &small_limits);
	f.flows = flows;
	int fd = client_open(&f);
	client_send(fd, 's', 12);
	RUN_UNTIL(&f, f.flow_count == 1);
	tcp_reply(f.server, f.refs[0], (const uint8_t *)"x", 1);
	tcp_reply_stream(f.server, f.refs[0], &flow_ops, &flows[1]);
	cr_assert_eq(flows[1].ended, 1);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(client_read(&f, fd, &first), 10);
		cr_assert_eq(first, 'm');
	}
	RUN_UNTIL(&f, flows[0].ended == 1);
	cr_assert(flows[0].ok);
	close(fd);
	clear_fixture(&f);
}

Test(tcp_stream, draining_gives_it_some_time)
{
	struct fixture f;
	struct flow flows[] = {
		{ .mark = 'm', .count = 20, .len = 60000 },
		{ .mark = 'm', .count = 100000, .len = 60000 },
	};
	struct tcp_limits limits = small_limits;
	uint8_t first;
	limits.drain_ms = 200;
	setup_fixture(&f, &limits);
	f.flows = flows;
	int fd[2];
	for (unsigned i = 0; i < 2; i++) {
		fd[i] = client_open_small(&f);
		client_send(fd[i], 's', 12);
		RUN_UNTIL(&f, f.flow_count == i + 1 && flows[i].made > 0);
	}
	tcp_server_drain(f.server);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert_eq(client_read(&f, fd[0], &first), 60000);
	}
	RUN_UNTIL(&f, client_is_closed(fd[0]));
	cr_assert(flows[0].ok);
	RUN_UNTIL(&f, flows[1].ended == 1);
	cr_assert_not(flows[1].ok);
	cr_assert_eq(tcp_server_count(f.server), 0);
	close(fd[0]);
	close(fd[1]);
	clear_fixture(&f);
}

Test(tcp_buf, keeps_order_while_it_moves_and_grows)
{
	struct tcp_buf buf = { 0 };
	uint8_t next_in = 0;
	uint8_t next_out = 0;
	for (unsigned round = 0; round < 300; round++) {
		uint8_t chunk[100];
		size_t len = round * 37 % 100;
		for (size_t i = 0; i < len; i++) {
			chunk[i] = next_in++;
		}
		cr_assert_eq(tcp_buf_append(&buf, chunk, len), BH_OK);
		size_t take = tcp_buf_waiting(&buf) * (round % 4) / 3;
		take = take > tcp_buf_waiting(&buf) ? tcp_buf_waiting(&buf) : take;
		for (size_t i = 0; i < take; i++) {
			cr_assert_eq(buf.data[buf.pos + i], next_out);
			next_out++;
		}
		tcp_buf_consume(&buf, take);
	}
	tcp_buf_clear(&buf);
	cr_assert_eq(tcp_buf_waiting(&buf), 0);
}
