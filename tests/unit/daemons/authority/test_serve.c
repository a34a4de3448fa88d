/*
 * Sources of queries: sockets and query links, as configurations come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/qlink.h"
#include "common/ipc/role_link.h"
#include "common/net/tcp.h"
#include "common/net/udp.h"
#include "common/util/clock.h"
#include "daemons/authority/server.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct server server;
	struct world *world; /* owns the view */
	struct stats_page stats;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	signal(SIGPIPE, SIG_IGN);
	f->world = world_new();
	char text[8192] = "@ 3600 SOA ns1 host 7 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "big TXT \"%045u\"\n", i);
	}
	world_add(f->world, "a.test.", text);
	struct server *s = &f->server;
	s->base = event_base_new();
	s->stats = &f->stats;
	s->view = f->world->view;
	s->view->anyone = false; /* an empty list: nobody but links */
	LIST_INIT(&s->sources);
	LIST_INIT(&s->prepared);
	s->udp = udp_batch_new();
	s->links = qlink_batch_new();
	s->tcp = serve_tcp_new(s);
	cr_assert(s->base != NULL && s->udp != NULL && s->links != NULL && s->tcp != NULL);
	return f;
}

static void fixture_free(struct fixture *f)
{
	sources_stop(&f->server);
	sources_abort(&f->server);
	tcp_server_free(f->server.tcp);
	udp_batch_free(f->server.udp);
	qlink_batch_free(f->server.links);
	event_base_free(f->server.base);
	world_free(f->world);
	free(f);
}

static void run_ms(struct fixture *f, unsigned ms)
{
	uint64_t end = clock_now_ms() + ms;
	do {
		event_base_loop(f->server.base, EVLOOP_NONBLOCK);
		usleep(500);
	} while (clock_now_ms() < end);
}

/* A server socket on loopback and a client connected to it. */
static int open_pair(int type, int *client)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	cr_assert(type == SOCK_DGRAM || listen(fd, 16) == 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*client = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*client, (struct sockaddr *)&in, len), 0);
	return fd;
}

static size_t make_query(const char *name, const char *type, uint8_t wire[UDP_RECV_MAX])
{
	return question_wire(&(struct question){ name, type }, wire);
}

static bool udp_answers(struct fixture *f, int client)
{
	uint8_t wire[UDP_RECV_MAX];
	size_t len = make_query("ns1.a.test.", "A", wire);
	cr_assert_eq(send(client, wire, len, 0), (ssize_t)len);
	run_ms(f, 20);
	return recv(client, wire, sizeof(wire), MSG_DONTWAIT) > 12;
}

static void commit(struct fixture *f, const struct role_conf *conf)
{
	cr_assert_eq(sources_prepare(&f->server, conf), BH_OK);
	sources_commit(&f->server, conf);
}

Test(serve, sources_follow_the_configuration)
{
	struct fixture *f = fixture_new();
	int clients[2];
	struct role_listener listeners[2] = { { .info = { .id = 1, .proto = IPC_UDP } },
					      { .info = { .id = 2, .proto = IPC_UDP } } };
	listeners[0].fd = open_pair(SOCK_DGRAM, &clients[0]);
	listeners[1].fd = open_pair(SOCK_DGRAM, &clients[1]);
	f->server.view->anyone = true;

	struct role_conf first = { .listeners = listeners, .listener_count = 1 };
	cr_assert_eq(sources_prepare(&f->server, &first), BH_OK);
	cr_assert_not(udp_answers(f, clients[0]), "nothing is served before the commit");
	sources_commit(&f->server, &first);
	cr_assert(udp_answers(f, clients[0]));
	cr_assert(recv(clients[0], &(uint8_t[512]){ 0 }, 512, MSG_DONTWAIT) > 12, "the one that waited, too");

	struct role_conf both = { .listeners = listeners, .listener_count = 2 };
	cr_assert_eq(sources_prepare(&f->server, &both), BH_OK);
	sources_abort(&f->server);
	cr_assert_not(udp_answers(f, clients[1]), "an aborted one leaves nothing");
	cr_assert(udp_answers(f, clients[0]));
	const struct source *kept = LIST_FIRST(&f->server.sources);
	commit(f, &both);
	cr_assert(udp_answers(f, clients[0]));
	cr_assert(udp_answers(f, clients[1]));

	/* Packets that came before the address was given up are answered. */
	uint8_t wire[UDP_RECV_MAX];
	size_t len = make_query("ns1.a.test.", "A", wire);
	(void)recv(clients[1], wire + 600, 512, MSG_DONTWAIT);
	cr_assert_eq(send(clients[1], wire, len, 0), (ssize_t)len);
	commit(f, &first);
	cr_assert_eq(LIST_FIRST(&f->server.sources), kept, "what stays is not touched");
	cr_assert_gt(recv(clients[1], wire, sizeof(wire), MSG_DONTWAIT), 12);
	cr_assert_not(udp_answers(f, clients[1]));
	cr_assert_eq(f->stats.counters[STAT_AUTH_UDP_QUERIES], f->stats.counters[STAT_AUTH_NOERROR]);
	for (unsigned i = 0; i < 2; i++) {
		close(clients[i]);
		close(listeners[i].fd);
	}
	fixture_free(f);
}

Test(serve, tcp_answers_and_closes_on_what_is_no_query)
{
	struct fixture *f = fixture_new();
	int client;
	struct role_listener l = { .info = { .id = 1, .proto = IPC_TCP }, .fd = open_pair(SOCK_STREAM, &client) };
	struct role_conf conf = { .listeners = &l, .listener_count = 1 };
	uint8_t frame[2 + UDP_RECV_MAX];
	uint8_t got[65537];
	f->server.view->anyone = true;
	commit(f, &conf);

	size_t len = make_query("big.a.test.", "TXT", frame + 2);
	put_u16(frame, (uint16_t)len);
	cr_assert_eq(send(client, frame, len + 2, 0), (ssize_t)len + 2);
	run_ms(f, 30);
	ssize_t n = recv(client, got, sizeof(got), MSG_DONTWAIT);
	cr_assert_gt(n, 4500, "%zd", n);
	cr_assert_eq(get_u16(got), n - 2);
	cr_assert_eq(f->stats.counters[STAT_AUTH_TCP_QUERIES], 1);
	cr_assert_eq(f->stats.counters[STAT_AUTH_TCP_ACCEPTED], 1);

	frame[4] |= 0x80; /* a response */
	cr_assert_eq(send(client, frame, len + 2, 0), (ssize_t)len + 2);
	run_ms(f, 30);
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), 0, "closed");
	cr_assert_eq(f->stats.counters[STAT_AUTH_IGNORED], 1);
	close(client);
	close(l.fd);
	fixture_free(f);
}

static int link_pair(struct fixture *f, struct role_query_link *link)
{
	int ends[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	*link = (struct role_query_link){ .info = { .id = 5, .peer = ROLE_FRONTEND }, .fd = ends[0] };
	commit(f, &(struct role_conf){ .links = link, .link_count = 1 });
	return ends[1];
}

static ssize_t link_send_query(int fd, uint64_t token, const char *name, const char *type)
{
	uint8_t datagram[QLINK_HEADER + UDP_RECV_MAX];
	uint8_t wire[UDP_RECV_MAX];
	size_t len = make_query(name, type, wire);
	struct sink s = sink_of(datagram, sizeof(datagram));
	sink_u64(&s, token);
	sink_u8(&s, QLINK_QUERY);
	sink_u8(&s, 0);
	sink_u16(&s, 77);
	sink_u32(&s, 0);
	sink_bytes(&s, wire, len);
	return send(fd, datagram, s.pos, MSG_DONTWAIT);
}

Test(serve, link_answers_with_token_and_budget)
{
	struct fixture *f = fixture_new();
	struct role_query_link link;
	int peer = link_pair(f, &link);
	for (uint64_t token = 100; token < 140; token++) { /* more than a batch */
		cr_assert_gt(link_send_query(peer, token, "ns1.a.test.", "A"), 0);
	}
	run_ms(f, 30);
	for (uint64_t token = 100; token < 140; token++) {
		uint8_t got[4096];
		ssize_t n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
		cr_assert_gt(n, QLINK_HEADER + 12);
		struct cursor c = cursor_of(got, (size_t)n);
		cr_assert_eq(cursor_u64(&c), token);
		cr_assert_eq(cursor_u8(&c), QLINK_REPLY);
		cr_assert_eq(cursor_u8(&c), 0);
		cr_assert_eq(cursor_u16(&c), 77, "nothing of the budget was spent");
		cr_assert_eq(get_u16(got + QLINK_HEADER + 2) & 0x840f, 0x8400, "NOERROR with AA: no list is looked at");
	}
	cr_assert_eq(f->stats.counters[STAT_AUTH_LINK_QUERIES], 40);
	close(peer);
	close(link.fd);
	fixture_free(f);
}

/* A frontend that does not read: nothing is lost, nothing grows, and every query has its one reply. */
Test(serve, link_holds_replies_for_a_slow_peer)
{
	struct fixture *f = fixture_new();
	struct role_query_link link;
	int peer = link_pair(f, &link);
	enum { QUERIES = 400 };
	bool seen[QUERIES] = { false };
	unsigned sent = 0;
	unsigned received = 0;

	for (unsigned i = 0; i < 200; i++) {
		while (sent < QUERIES && link_send_query(peer, sent, "big.a.test.", "TXT") > 0) {
			sent++;
		}
		run_ms(f, 1);
	}
	uint64_t taken = f->stats.counters[STAT_AUTH_LINK_QUERIES];
	cr_assert_lt(taken, QUERIES, "reading has stopped");
	run_ms(f, 20);
	cr_assert_eq(f->stats.counters[STAT_AUTH_LINK_QUERIES], taken);
	for (unsigned rounds = 0; rounds < 2000 && received < QUERIES; rounds++) {
		uint8_t got[65536];
		ssize_t n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
		if (n > 0) {
			struct cursor c = cursor_of(got, (size_t)n);
			uint64_t token = cursor_u64(&c);
			cr_assert_lt(token, QUERIES);
			cr_assert_not(seen[token]);
			seen[token] = true;
			received++;
		}
		if (sent < QUERIES && link_send_query(peer, sent, "big.a.test.", "TXT") > 0) {
			sent++;
		}
		if (n <= 0) {
			run_ms(f, 1);
		} else {
			event_base_loop(f->server.base, EVLOOP_NONBLOCK);
		}
	}
	cr_assert_eq(sent, QUERIES);
	cr_assert_eq(received, QUERIES);
	cr_assert_eq(f->stats.counters[STAT_AUTH_SEND_FAILED], 0);
	close(peer);
	close(link.fd);
	fixture_free(f);
}

Test(serve, link_that_breaks_the_format_is_left_alone)
{
	struct fixture *f = fixture_new();
	struct role_query_link link;
	int peer = link_pair(f, &link);
	cr_assert_gt(link_send_query(peer, 1, "ns1.a.test.", "A"), 0);
	cr_assert_eq(send(peer, "short", 5, 0), 5);
	cr_assert_gt(link_send_query(peer, 2, "ns1.a.test.", "A"), 0);
	run_ms(f, 20);
	uint8_t got[4096];
	cr_assert_gt(recv(peer, got, sizeof(got), MSG_DONTWAIT), 0, "what came before is answered");
	cr_assert_gt(recv(peer, got, sizeof(got), MSG_DONTWAIT), 0, "and what was read with it");
	cr_assert_gt(link_send_query(peer, 3, "ns1.a.test.", "A"), 0);
	run_ms(f, 20);
	cr_assert_lt(recv(peer, got, sizeof(got), MSG_DONTWAIT), 0);
	cr_assert_eq(event_base_get_num_events(f->server.base, EVENT_BASE_COUNT_ADDED), 0, "and it costs nothing");

	/* The peer is a new process; what the dead one left behind is no reason to leave this one alone, too. */
	for (unsigned i = 0; i < 50; i++) {
		cr_assert_eq(send(peer, "short", 5, 0), 5);
	}
	sources_peer_restarted(&f->server, link.info.id);
	run_ms(f, 20);
	cr_assert_gt(recv(peer, got, sizeof(got), MSG_DONTWAIT), 0, "what was not read before is answered");
	cr_assert_gt(link_send_query(peer, 4, "ns1.a.test.", "A"), 0);
	run_ms(f, 20);
	cr_assert_gt(recv(peer, got, sizeof(got), MSG_DONTWAIT), 0, "the successor is served");
	close(peer);
	close(link.fd);
	fixture_free(f);
}

Test(serve, link_whose_peer_is_gone_costs_nothing)
{
	struct fixture *f = fixture_new();
	struct role_query_link link;
	int peer = link_pair(f, &link);
	close(peer);
	run_ms(f, 20);
	cr_assert_eq(event_base_get_num_events(f->server.base, EVENT_BASE_COUNT_ADDED), 0);
	close(link.fd);
	fixture_free(f);
}
