/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/limits.h"
#include "common/net/udp.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_socket(int family, const char *address, bool pktinfo)
{
	struct addr a;
	struct sockaddr_storage ss;
	cr_assert_eq(addr_parse(address, 0, &a), BH_OK);
	socklen_t len = addr_to_sockaddr(&a, &ss);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	if (pktinfo) {
		int on = 1;
		int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
		int option = family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO;
		cr_assert_eq(setsockopt(fd, level, option, &on, sizeof(on)), 0);
	}
	cr_assert_eq(bind(fd, (struct sockaddr *)&ss, len), 0, "bind %s", address);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a;
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&ss, len, &a), BH_OK);
	return a.port;
}

static void connect_to(int fd, const char *address, uint16_t port)
{
	struct addr a;
	struct sockaddr_storage ss;
	cr_assert_eq(addr_parse(address, port, &a), BH_OK);
	socklen_t len = addr_to_sockaddr(&a, &ss);
	cr_assert_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
}

static void echo_all(struct udp_batch *batch, int fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t len;
		const uint8_t *data = udp_batch_data(batch, i, &len);
		memcpy(udp_batch_reply(batch), data, len);
		udp_batch_push(batch, fd, udp_batch_peer(batch, i), len);
	}
}

Test(udp, echoes_more_packets_than_one_batch)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(AF_INET, "127.0.0.1", false);
	int client = open_socket(AF_INET, "127.0.0.1", false);
	connect_to(client, "127.0.0.1", port_of(server));

	cr_assert_eq(udp_batch_receive(batch, server), 0, "nothing there, does not block");
	for (unsigned i = 0; i < UDP_BATCH + 10; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "packet %u", i);
		cr_assert_eq(send(client, text, (size_t)len, 0), len);
	}
	unsigned n = udp_batch_receive(batch, server);
	cr_assert_eq(n, UDP_BATCH);
	echo_all(batch, server, n);
	n = udp_batch_receive(batch, server);
	cr_assert_eq(n, 10);
	echo_all(batch, server, n);
	cr_assert_eq(udp_batch_flush(batch, server), 0);
	cr_assert_eq(udp_batch_receive(batch, server), 0);

	for (unsigned i = 0; i < UDP_BATCH + 10; i++) {
		char text[16];
		char want[16];
		ssize_t len = recv(client, text, sizeof(text) - 1, MSG_DONTWAIT);
		cr_assert_gt(len, 0, "reply %u", i);
		text[len] = '\0';
		snprintf(want, sizeof(want), "packet %u", i);
		cr_assert_str_eq(text, want);
	}
	close(client);
	close(server);
	udp_batch_free(batch);
}

Test(udp, socket_with_one_address_has_no_local_address)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(AF_INET, "127.0.0.1", false);
	int client = open_socket(AF_INET, "127.0.0.1", false);
	connect_to(client, "127.0.0.1", port_of(server));
	cr_assert_eq(send(client, "x", 1, 0), 1);
	cr_assert_eq(udp_batch_receive(batch, server), 1);
	const struct udp_peer *peer = udp_batch_peer(batch, 0);
	cr_assert_eq(peer->local.family, ADDR_NONE);
	cr_assert_eq(ntohs(peer->remote.in.sin_port), port_of(client));
	close(client);
	close(server);
	udp_batch_free(batch);
}

/* The client is connected: a reply from another address than it asked never reaches it. */
static void check_any_socket(int family, const char *any, const char *asked)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(family, any, true);
	int client = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	connect_to(client, asked, port_of(server));

	cr_assert_eq(send(client, "query", 5, 0), 5);
	cr_assert_eq(udp_batch_receive(batch, server), 1);
	struct addr want;
	cr_assert_eq(addr_parse(asked, 0, &want), BH_OK);
	cr_assert(addr_same_host(&udp_batch_peer(batch, 0)->local, &want));

	/* Kept and answered later, with other traffic in between. */
	struct udp_peer kept = *udp_batch_peer(batch, 0);
	cr_assert_eq(udp_batch_receive(batch, server), 0);
	memcpy(udp_batch_reply(batch), "answer", 6);
	udp_batch_push(batch, server, &kept, 6);
	cr_assert_eq(udp_batch_flush(batch, server), 0);
	char got[16];
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), 6, "reply comes from %s", asked);
	close(client);
	close(server);
	udp_batch_free(batch);
}

Test(udp, any_socket_answers_from_the_address_that_was_asked)
{
	check_any_socket(AF_INET, "0.0.0.0", "127.0.0.77");
	check_any_socket(AF_INET6, "::", "::1");
}

Test(udp, counts_what_the_kernel_refuses_and_sends_the_rest)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(AF_INET, "127.0.0.1", false);
	int client = open_socket(AF_INET, "127.0.0.1", false);
	connect_to(client, "127.0.0.1", port_of(server));
	cr_assert_eq(send(client, "x", 1, 0), 1);
	cr_assert_eq(udp_batch_receive(batch, server), 1);

	struct udp_peer good = *udp_batch_peer(batch, 0);
	struct udp_peer bad = good;
	bad.remote.in.sin_port = 0; /* EINVAL */
	const struct udp_peer *order[] = { &bad, &good, &bad, &bad, &good };
	for (size_t i = 0; i < COUNT(order); i++) {
		udp_batch_reply(batch)[0] = 'y';
		udp_batch_push(batch, server, order[i], 1);
	}
	cr_assert_eq(udp_batch_flush(batch, server), 3);
	cr_assert_eq(udp_batch_flush(batch, server), 0, "counted once");
	char got[4];
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), 1);
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), 1);
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), -1);
	close(client);
	close(server);
	udp_batch_free(batch);
}

/* An unreachable client leaves an error on a socket that asked for such errors: nobody else pays. */
Test(udp, error_left_by_one_client_costs_no_other)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(AF_INET, "127.0.0.1", false);
	int on = 1;
	cr_assert_eq(setsockopt(server, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	int gone = open_socket(AF_INET, "127.0.0.1", false);
	int client = open_socket(AF_INET, "127.0.0.1", false);
	connect_to(gone, "127.0.0.1", port_of(server));
	connect_to(client, "127.0.0.1", port_of(server));

	cr_assert_eq(send(gone, "x", 1, 0), 1);
	cr_assert_eq(udp_batch_receive(batch, server), 1);
	struct udp_peer dead = *udp_batch_peer(batch, 0);
	close(gone);
	cr_assert_eq(send(client, "x", 1, 0), 1);
	cr_assert_eq(udp_batch_receive(batch, server), 1);
	struct udp_peer alive = *udp_batch_peer(batch, 0);

	udp_batch_push(batch, server, &dead, 1);
	(void)udp_batch_flush(batch, server);
	udp_batch_push(batch, server, &alive, 1); /* ECONNREFUSED of the first waits here */
	cr_assert_eq(udp_batch_flush(batch, server), 0);
	char got[4];
	cr_assert_eq(recv(client, got, sizeof(got), MSG_DONTWAIT), 1);

	udp_batch_push(batch, server, &dead, 1);
	(void)udp_batch_flush(batch, server);
	cr_assert_eq(send(client, "x", 1, 0), 1);
	cr_assert_eq(udp_batch_receive(batch, server), 1, "and on receiving");
	close(client);
	close(server);
	udp_batch_free(batch);
}

Test(udp, longer_packets_than_the_buffer_are_cut)
{
	struct udp_batch *batch = udp_batch_new();
	int server = open_socket(AF_INET, "127.0.0.1", false);
	int client = open_socket(AF_INET, "127.0.0.1", false);
	connect_to(client, "127.0.0.1", port_of(server));
	static const uint8_t big[UDP_RECV_MAX + 100];
	cr_assert_eq(send(client, big, sizeof(big), 0), (ssize_t)sizeof(big));
	cr_assert_eq(send(client, "", 0, 0), 0);
	cr_assert_eq(udp_batch_receive(batch, server), 2);
	size_t len;
	(void)udp_batch_data(batch, 0, &len);
	cr_assert_eq(len, UDP_RECV_MAX);
	(void)udp_batch_data(batch, 1, &len);
	cr_assert_eq(len, 0);
	close(client);
	close(server);
	udp_batch_free(batch);
}
