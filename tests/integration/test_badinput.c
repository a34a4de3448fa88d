/*
 * Bytes that nobody should send, to every listener by UDP and TCP: no process ends, nothing is
 * dropped on purpose, and the next honest client is served as ever.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct appliance appliance;

static void start(void)
{
	standard_start(&appliance, 100);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(badinput, .init = start, .fini = stop);

static const struct {
	const char *server;
	const char *name;
	const char *answer;
} listeners[] = {
	{ INTERNAL, "intranet.corp.example", "intranet.corp.example. A 10.1.2.3" },
	{ EXTERNAL, "www.example.com", "www.example.com. A 203.0.113.80" },
	{ RESOLVER, "intranet.corp.example", "intranet.corp.example. A 10.1.2.3" },
	{ RESOLVER, "www.public.org", "www.public.org. A 198.51.100.80" },
};

/* Every listener answers, no role was restarted, no query was dropped on purpose. */
static void must_be_well(const char *after)
{
	for (size_t i = 0; i < COUNT(listeners); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			struct ask ask = { .server = listeners[i].server,
					   .name = listeners[i].name,
					   .flags = FLAG_RD,
					   .tcp = tcp != 0 };
			client_expect_ask(&ask, NULL, listeners[i].answer, EDE_ANY);
		}
	}
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		MUST(roles[i].restarts == 0, "after %s: %s[%s] was restarted", after, roles[i].role, roles[i].view);
	}
	MUST(appliance_counter(&appliance, "authority", NULL, "intentional_drops") == 0 &&
		     appliance_counter(&appliance, "frontend", NULL, "intentional_drops") == 0,
	     "after %s: queries were dropped on purpose", after);
}

static size_t compose_honest(uint8_t *out, const char *name)
{
	struct ask ask = { .name = name, .type = RR_A, .flags = FLAG_RD, .edns = true, .do_bit = true };
	return ask_compose(&ask, 0x1234, out);
}

/*
 * What an honest query becomes: cut at each length, each octet changed, and lies in the header. Calls
 * send for each; returns how many there were.
 */
typedef void send_fn(void *ctx, const uint8_t *bytes, size_t len);

static unsigned for_each_bad(const char *name, send_fn *send_one, void *ctx)
{
	uint8_t good[ASK_WIRE_MAX];
	uint8_t bad[4096];
	size_t len = compose_honest(good, name);
	unsigned count = 0;

	for (size_t cut = 0; cut < len; cut++, count++) {
		send_one(ctx, good, cut);
	}
	for (size_t at = 2; at < len; at++) {
		static const uint8_t flips[] = { 0x01, 0x80, 0xff };
		for (size_t i = 0; i < COUNT(flips); i++, count++) {
			memcpy(bad, good, len);
			bad[at] ^= flips[i];
			send_one(ctx, bad, len);
		}
	}
	/* counts that lie: QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT */
	for (size_t at = 4; at < 12; at += 2) {
		static const uint16_t lies[] = { 0, 2, 255, 65535 };
		for (size_t i = 0; i < COUNT(lies); i++, count++) {
			memcpy(bad, good, len);
			put_u16(bad + at, lies[i]);
			send_one(ctx, bad, len);
		}
	}
	/* compression pointers in the question: to itself, forward, into the header, a ladder */
	static const uint16_t pointers[] = { 0xc00c, 0xc00d, 0xc000, 0xc0ff, 0xffff };
	for (size_t i = 0; i < COUNT(pointers); i++, count++) {
		memcpy(bad, good, 12);
		put_u16(bad + 12, pointers[i]);
		memcpy(bad + 14, "\0\1\0\1", 4);
		put_u16(bad + 10, 0);
		send_one(ctx, bad, 18);
	}
	/* trailing octets; much of nothing; random octets of many lengths */
	memcpy(bad, good, len);
	memset(bad + len, 0xaa, sizeof(bad) - len);
	send_one(ctx, bad, len + 1);
	send_one(ctx, bad, sizeof(bad));
	memset(bad, 0, sizeof(bad));
	send_one(ctx, bad, sizeof(bad));
	count += 3;
	for (int i = 0; i < 400; i++, count++) {
		size_t n = rand_below(i % 2 == 0 ? 64 : 1500);
		rand_bytes(bad, n);
		send_one(ctx, bad, n);
		if (n > 2) { /* the same as a query with one question */
			bad[2] &= 0x07;
			send_one(ctx, bad, n);
		}
	}
	return count;
}

static void send_udp(void *ctx, const uint8_t *bytes, size_t len)
{
	int fd = *(int *)ctx;
	ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
	(void)n; /* an empty datagram, or a full queue: all the same here */
	uint8_t reply[4096];
	while ((n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT)) >= 0) {
		/* whatever is said to it is a reply, and is no question */
		MUST(n >= DNS_HEADER_SIZE && (reply[2] & 0x80) != 0, "a reply of %zd octets without QR", n);
	}
}

Test(badinput, bad_packets_by_udp)
{
	for (size_t i = 0; i < COUNT(listeners); i++) {
		int fd = client_udp(listeners[i].server, INSIDE);
		unsigned count = for_each_bad(listeners[i].name, send_udp, &fd);
		MUST(count > 500, "only %u bad packets", count);
		close(fd);
		must_be_well("bad packets by UDP");
	}
}

/* A broken packet that has a header is answered (R18); only QR=1 and less than a header is not. */
Test(badinput, every_broken_query_is_answered_but_those_that_must_not_be)
{
	uint8_t good[ASK_WIRE_MAX];
	uint8_t reply[4096];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		size_t len = compose_honest(good, listeners[i].name);
		int fd = client_udp(listeners[i].server, INSIDE);
		for (size_t cut = DNS_HEADER_SIZE; cut < len; cut++) {
			put_u16(good, (uint16_t)cut);
			client_send(fd, good, cut);
			ssize_t n = client_receive(fd, reply, sizeof(reply), 3000 * harness_slow());
			MUST(n >= DNS_HEADER_SIZE && get_u16(reply) == cut && (reply[3] & 15) == RCODE_FORMERR,
			     "%s: a query cut at %zu octets: FORMERR expected, got %zd octets", listeners[i].server, cut, n);
		}
		good[2] |= 0x80;
		client_send(fd, good, len);
		client_send(fd, good, DNS_HEADER_SIZE - 1);
		MUST(client_receive(fd, reply, sizeof(reply), 200) < 0, "%s: a response was answered",
		     listeners[i].server);
		close(fd);
	}
	must_be_well("broken queries");
}

static void send_tcp(void *ctx, const uint8_t *bytes, size_t len)
{
	const char *server = ctx;
	uint8_t framed[2 + 4096];
	int fd = client_tcp_try(server, INSIDE, 5000);
	MUST(fd >= 0, "%s takes no more TCP connections: %s", server, strerror(errno));
	put_u16(framed, (uint16_t)len);
	memcpy(framed + 2, bytes, len);
	ssize_t n = send(fd, framed, len + 2, MSG_NOSIGNAL);
	(void)n;
	close(fd);
}

Test(badinput, bad_messages_by_tcp)
{
	for (size_t i = 0; i < COUNT(listeners); i++) {
		for_each_bad(listeners[i].name, send_tcp, (void *)(uintptr_t)listeners[i].server);
		must_be_well("bad messages by TCP");
	}
}

/* A length that lies: more announced than sent, then closed, or reset; zero; and octet by octet. */
Test(badinput, lying_lengths_by_tcp)
{
	uint8_t good[2 + ASK_WIRE_MAX];
	uint8_t reply[4096];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		size_t len = compose_honest(good + 2, listeners[i].name);
		static const int announced[] = { 0, 1, 11, 0x100, 0xffff };
		for (size_t k = 0; k < COUNT(announced); k++) {
			int fd = client_tcp(listeners[i].server, INSIDE);
			put_u16(good, (uint16_t)announced[k]);
			ssize_t n = send(fd, good, len + 2, MSG_NOSIGNAL);
			(void)n;
			struct linger reset = { .l_onoff = k % 2, .l_linger = 0 };
			MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0, "linger");
			close(fd);
		}
		int fd = client_tcp(listeners[i].server, INSIDE);
		put_u16(good, (uint16_t)len);
		for (size_t k = 0; k < len + 2; k++) {
			client_send(fd, good + k, 1);
			if (k % 8 == 0) {
				harness_sleep_ms(2);
			}
		}
		MUST(client_receive_tcp(fd, reply, sizeof(reply), 5000 * harness_slow()) > 0,
		     "%s: a query sent octet by octet was not answered", listeners[i].server);
		close(fd);
	}
	must_be_well("lying lengths");
}

/* RFC 7766 6.2.1.1: many queries before the first reply; all are answered, in any order. */
Test(badinput, pipelined_queries_are_all_answered)
{
	enum { QUERIES = 200 };
	static uint8_t out[QUERIES * (2 + ASK_WIRE_MAX)];
	uint8_t reply[4096];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		bool seen[QUERIES] = { false };
		size_t at = 0;
		for (unsigned k = 0; k < QUERIES; k++) {
			char name[128];
			snprintf(name, sizeof(name), "p%u.%s", k, listeners[i].name);
			struct ask ask = { .name = k % 2 == 0 ? listeners[i].name : name, .flags = FLAG_RD };
			size_t len = ask_compose(&ask, (uint16_t)k, out + at + 2);
			put_u16(out + at, (uint16_t)len);
			at += len + 2;
		}
		int fd = client_tcp(listeners[i].server, INSIDE);
		client_send(fd, out, at);
		for (unsigned k = 0; k < QUERIES; k++) {
			ssize_t n = client_receive_tcp(fd, reply, sizeof(reply), 10000 * harness_slow());
			MUST(n >= DNS_HEADER_SIZE, "%s: %u of %d pipelined queries answered", listeners[i].server, k, QUERIES);
			uint16_t id = get_u16(reply);
			MUST(id < QUERIES && !seen[id], "%s: reply %u twice or unknown", listeners[i].server, id);
			seen[id] = true;
			unsigned rcode = reply[3] & 15;
			MUST(rcode == (id % 2 == 0 ? RCODE_NOERROR : RCODE_NXDOMAIN), "%s: reply %u: RCODE %u",
			     listeners[i].server, id, rcode);
		}
		close(fd);
	}
	must_be_well("pipelining");
}

/* A client that has said all it wants and closes its side still gets the replies. */
Test(badinput, half_closed_connections_get_their_replies)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	uint8_t reply[4096];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		int fd = client_tcp(listeners[i].server, INSIDE);
		size_t len = compose_honest(out + 2, listeners[i].name);
		put_u16(out, (uint16_t)len);
		client_send(fd, out, len + 2);
		client_send(fd, out, len + 2);
		MUST(shutdown(fd, SHUT_WR) == 0, "shutdown: %s", strerror(errno));
		for (int k = 0; k < 2; k++) {
			MUST(client_receive_tcp(fd, reply, sizeof(reply), 5000 * harness_slow()) > 0,
			     "%s: reply %d missing after a half-close", listeners[i].server, k);
		}
		MUST(client_receive_tcp(fd, reply, sizeof(reply), 5000 * harness_slow()) == 0,
		     "%s: the connection stays open after a half-close", listeners[i].server);
		close(fd);
	}
}

/* Slow clients fill what they may fill; others are served all the same, by UDP and by TCP. */
Test(badinput, slow_clients_do_not_keep_others_waiting)
{
	enum { SLOW = 400 };
	static int fds[SLOW];
	uint8_t part[8] = { 0, 40, 0x12, 0x34, 1, 0, 0, 1 };
	static const char *const servers[] = { INTERNAL, EXTERNAL, RESOLVER };
	for (size_t i = 0; i < COUNT(servers); i++) {
		unsigned open = 0;
		for (unsigned k = 0; k < SLOW; k++) {
			/* from many addresses of the loopback network, as limits count by client */
			fds[k] = client_tcp_try(servers[i], k % 2 == 0 ? OUTSIDE : INSIDE, 300);
			if (fds[k] >= 0) {
				ssize_t n = send(fds[k], part, 1 + k % sizeof(part), MSG_NOSIGNAL);
				(void)n;
				open++;
			}
		}
		MUST(open > 10, "%s: only %u connections could be opened", servers[i], open);
		uint64_t worst = 0;
		for (int k = 0; k < 20; k++) {
			for (int tcp = 0; tcp < 2; tcp++) {
				struct ask ask = { .server = servers[i],
						   .source = INSIDE_TWO,
						   .name = strcmp(servers[i], EXTERNAL) == 0 ? "www.example.com"
											      : "intranet.corp.example",
						   .tcp = tcp != 0,
						   .flags = FLAG_RD };
				uint64_t began = clock_now_ms();
				client_expect_ask(&ask, NULL, NULL, EDE_ANY);
				const uint64_t took = clock_now_ms() - began;
				worst = took > worst ? took : worst;
			}
		}
		MUST(worst < 1000 * harness_slow(), "%s: an honest client waited %llu ms behind slow ones", servers[i],
		     (unsigned long long)worst);
		for (unsigned k = 0; k < SLOW; k++) {
			if (fds[k] >= 0) {
				close(fds[k]);
			}
		}
	}
	must_be_well("slow clients");
}

/* A client that asks and never reads must not make a role grow or stop. */
Test(badinput, clients_that_do_not_read_are_cut_off)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		int fd = client_tcp(listeners[i].server, INSIDE);
		int small = 2048;
		MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0, "SO_RCVBUF");
		size_t len = compose_honest(out + 2, listeners[i].name);
		put_u16(out, (uint16_t)len);
		uint64_t end = clock_now_ms() + 700;
		uint64_t sent = 0;
		while (clock_now_ms() < end) {
			ssize_t n = send(fd, out, len + 2, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && errno != EAGAIN) {
				break; /* cut off: fine */
			}
			sent += n > 0;
			if (n < 0) {
				harness_sleep_ms(1);
			}
		}
		MUST(sent > 50, "%s: nothing could be sent", listeners[i].server);
		must_be_well("a client that does not read");
		close(fd);
	}
}

/* Many clients at once: none waits for another, and ids are not mixed up. */
Test(badinput, many_clients_at_once)
{
	enum { CLIENTS = 200 };
	static int fds[CLIENTS];
	uint8_t out[2 + ASK_WIRE_MAX];
	uint8_t reply[4096];
	for (size_t i = 0; i < COUNT(listeners); i++) {
		unsigned open = 0;
		for (unsigned k = 0; k < CLIENTS; k++) {
			struct ask ask = { .name = listeners[i].name, .flags = FLAG_RD };
			size_t len = ask_compose(&ask, (uint16_t)(7000 + k), out + 2);
			put_u16(out, (uint16_t)len);
			fds[k] = client_udp(listeners[i].server, INSIDE);
			client_send(fds[k], out + 2, len);
			open++;
		}
		for (unsigned k = 0; k < open; k++) {
			ssize_t n = client_receive(fds[k], reply, sizeof(reply), 5000 * harness_slow());
			MUST(n > DNS_HEADER_SIZE && get_u16(reply) == 7000 + k && (reply[3] & 15) == RCODE_NOERROR,
			     "%s: client %u got no answer of its own", listeners[i].server, k);
			close(fds[k]);
		}
	}
}
