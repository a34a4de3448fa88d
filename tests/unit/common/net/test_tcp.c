/*
 * The TCP server over loopback. The server and its clients live in one process and one event loop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp.h"
#include "common/net/tcp_buf.h"
#include "common/util/clock.h"

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
	unsigned queries;
	unsigned accepted;
	unsigned refused;
	struct tcp_ref refs[QUERIES_MAX];
	size_t lens[QUERIES_MAX];
	uint8_t first[QUERIES_MAX]; /* first octet of each query */
};

static const struct tcp_limits small_limits = {
	.connections = 4,
	.connections_client = 100,
	.pipelined = 3,
	.idle_ms = 60000,
	.message_ms = 60000,
	.write_ms = 60000,
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
	if (f->answer_at_once && f->answer_len > 0) {
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

/* Read one framed message, running the loop; returns its length and first octet. */
static size_t client_read(struct fixture *f, int fd, uint8_t *first)
{
	static uint8_t frame[TCP_FRAME_MAX];
	size_t have = 0;
	for (unsigned i = 0; i < 5000; i++) {
		size_t want = have < 2 ? 2 : 2 + ((size_t)frame[0] << 8 | frame[1]);
		if (have >= 2 && have == want) {
			*first = frame[2];
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
	RUN_UNTIL(&f, client_is_closed(fd));
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
	int fd[3];
	for (unsigned i = 0; i < 3; i++) {
		fd[i] = client_open(&f);
	}
	RUN_UNTIL(&f, f.refused == 1);
	cr_assert_eq(f.accepted, 2);
	RUN_UNTIL(&f, client_is_closed(fd[2]));

	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000063) };
	cr_assert_eq(bind(other, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(other, (struct sockaddr *)&f.where, sizeof(f.where)), 0);
	RUN_UNTIL(&f, f.accepted == 3);
	close(fd[0]);
	RUN_UNTIL(&f, tcp_server_count(f.server) == 2);
	fd[0] = client_open(&f);
	RUN_UNTIL(&f, f.accepted == 4);
	for (unsigned i = 0; i < 3; i++) {
		close(fd[i]);
	}
	close(other);
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
