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
