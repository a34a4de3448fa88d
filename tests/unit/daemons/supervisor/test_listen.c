/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/listen.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addr loopback(uint16_t port)
{
	struct addr addr;
	cr_assert_eq(addr_parse("127.0.0.1", port, &addr), BH_OK);
	return addr;
}

/* A port that is free now: bound by the kernel, then given back. */
static uint16_t free_port(void)
{
	struct addr addr = loopback(0);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&addr, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&sa, len, &addr), BH_OK);
	close(fd);
	return addr.port;
}

Test(listen, keeps_what_stays_and_closes_what_goes)
{
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	uint32_t next_id = 7;
	char why[256] = "";

	for (unsigned worker = 0; worker < 2; worker++) {
		cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", worker, "v", &next_id, why, sizeof(why)), BH_OK,
			     "%s", why);
	}
	cr_assert_eq(set.count, 2);
	cr_assert_eq(set.items[0].id, 7);
	cr_assert_eq(set.items[1].id, 8);
	cr_assert_neq(set.items[0].fd, set.items[1].fd);
	listener_commit(&set);

	int kept = set.items[0].fd;
	listener_unwant_all(&set);
	cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_OK);
	cr_assert_eq(next_id, 9, "nothing was opened");
	listener_commit(&set);
	cr_assert_eq(set.count, 1);
	cr_assert_eq(set.items[0].fd, kept);
	listener_clear(&set);
}

Test(listen, abort_closes_only_what_was_opened_for_it)
{
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	uint32_t next_id = 1;
	char why[256] = "";

	cr_assert_eq(listener_want(&set, IPC_TCP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_OK);
	listener_commit(&set);
	listener_unwant_all(&set);
	struct addr b = loopback(free_port());
	cr_assert_eq(listener_want(&set, IPC_TCP, &b, "", 0, "v", &next_id, why, sizeof(why)), BH_OK);
	listener_abort(&set);
	cr_assert_eq(set.count, 1);
	cr_assert(addr_equal(&set.items[0].addr, &a));
	listener_clear(&set);
}

Test(listen, another_owner_gets_another_socket)
{
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	uint32_t next_id = 1;
	char why[256] = "";

	cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_OK);
	listener_commit(&set);
	listener_unwant_all(&set);
	cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", 0, "w", &next_id, why, sizeof(why)), BH_OK);
	cr_assert_eq(set.count, 2);
	listener_commit(&set);
	cr_assert_eq(set.count, 1);
	cr_assert_str_eq(set.items[0].owner, "w");
	listener_clear(&set);
}

Test(listen, refuses_a_port_that_somebody_else_shares)
{
	/* A stranger with SO_REUSEPORT and the same user would silently take half of the queries. */
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, &sa);
	uint32_t next_id = 1;
	char why[256] = "";
	int one = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, len), 0);

	cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_ESYS);
	char text[ADDR_TEXT_MAX];
	char expected[256];
	snprintf(expected, sizeof(expected), "cannot listen on udp %s: Address already in use", addr_text(&a, text));
	cr_assert_str_eq(why, expected);
	cr_assert_eq(set.count, 0);
	close(fd);
	listener_clear(&set);
}

/* --- sharing an address ---------------------------------------------------------------------------------- */

#define DATAGRAMS 64

/* From many ports, so that the kernel shares them out. */
static void send_many(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		cr_assert_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, len), 1);
		close(fd);
	}
}

static unsigned received(int fd)
{
	char byte;
	unsigned count = 0;
	while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1) {
		count++;
	}
	return count;
}

/* A worker more is prepared: until it serves, all queries go to the one that reads; a change that fails loses none. */
Test(listen, a_socket_gets_nothing_before_it_serves)
{
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	uint32_t next_id = 1;
	char why[256] = "";

	cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_OK, "%s", why);
	listener_commit(&set);
	send_many(&a);
	cr_expect_eq(received(set.items[0].fd), DATAGRAMS);
	for (int round = 0; round < 2; round++) {
		listener_unwant_all(&set);
		for (unsigned worker = 0; worker < 2; worker++) {
			cr_assert_eq(listener_want(&set, IPC_UDP, &a, "", worker, "v", &next_id, why, sizeof(why)), BH_OK,
				     "%s", why);
		}
		cr_assert_eq(set.count, 2u);
		send_many(&a);
		cr_expect_eq(received(set.items[0].fd), DATAGRAMS, "round %d", round);
		if (round == 0) {
			listener_abort(&set);
			cr_expect_eq(set.count, 1u);
		}
	}
	listener_commit(&set);
	send_many(&a);
	unsigned first = received(set.items[0].fd);
	unsigned second = received(set.items[1].fd);
	cr_expect(first > 0 && second > 0 && first + second == DATAGRAMS, "%u and %u", first, second);
	listener_clear(&set);
}

static bool connects(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool connected = connect(fd, (struct sockaddr *)&sa, len) == 0;
	close(fd);
	return connected;
}

static unsigned accepted(int fd)
{
	unsigned count = 0;
	for (int c; (c = accept(fd, NULL, NULL)) >= 0; count++) {
		close(c);
	}
	return count;
}

Test(listen, tcp_listens_when_it_serves)
{
	struct listener_set set = { 0 };
	struct addr a = loopback(free_port());
	uint32_t next_id = 1;
	char why[256] = "";

	cr_assert_eq(listener_want(&set, IPC_TCP, &a, "", 0, "v", &next_id, why, sizeof(why)), BH_OK, "%s", why);
	cr_expect(!connects(&a));
	listener_commit(&set);
	cr_expect(connects(&a));
	cr_expect_eq(accepted(set.items[0].fd), 1u);
	listener_unwant_all(&set);
	for (unsigned worker = 0; worker < 2; worker++) {
		cr_assert_eq(listener_want(&set, IPC_TCP, &a, "", worker, "v", &next_id, why, sizeof(why)), BH_OK);
	}
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		cr_assert(connects(&a));
	}
	cr_expect_eq(accepted(set.items[0].fd), DATAGRAMS);
	listener_commit(&set);
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		cr_assert(connects(&a));
	}
	unsigned second = accepted(set.items[1].fd);
	cr_expect(second > 0 && second + accepted(set.items[0].fd) == DATAGRAMS, "%u", second);
	listener_clear(&set);
}
