/*
 * Service over TCP as clients of the whole appliance see it: its limits are those of the configuration, and
 * a stop answers what had arrived.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "intranet.corp.example"
/* Idle for 2 seconds at most, 0.4 when all connections are taken. */
#define TCP_CONF "  tcp { connections = 4  connections-per-client = 2  idle-timeout = 2  reply-timeout = 1 }\n"

static struct appliance appliance;

/* corp.example with the name that everybody asks for, and one with 50 KB of text. */
static void write_big_zone(void)
{
	static char text[65536];
	size_t used = (size_t)snprintf(text, sizeof(text),
				       "$ORIGIN corp.example.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n"
				       "@ NS ns\nns A 10.1.0.53\nintranet A 10.1.2.3\n");
	for (unsigned i = 0; i < 200; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "big TXT \"%0250u\"\n", i);
	}
	appliance_file(&appliance, "internal/corp.example.zone", text);
}

static void start_limited(void)
{
	standard_prepare(&appliance, 60);
	appliance_configure(&appliance,
			    CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n" TCP_CONF
				      "  zones-dir = \"@DIR@/internal\"\n"
				      "  zone \"corp.example\" { file = \"corp.example.zone\" }\n}\n"
				      "resolver {\n  listen = { \"10.1.0.54\" }\n" TCP_CONF
				      "  allow-query = { \"10.1.0.0/24\" }\n  internal-view = \"internal\"\n}\n");
	write_big_zone();
	appliance_start(&appliance);
}

static void start_standard(void)
{
	standard_start(&appliance, 60);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

static const char *const servers[] = { INTERNAL, RESOLVER };

static size_t compose(uint8_t out[2 + ASK_WIRE_MAX], uint16_t id)
{
	struct ask ask = { .name = NAME, .flags = FLAG_RD };
	size_t len = ask_compose(&ask, id, out + 2);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	return len + 2;
}

static void send_queries(int fd, unsigned count)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	for (unsigned id = 0; id < count; id++) {
		client_send(fd, out, compose(out, (uint16_t)id));
	}
}

/* `count` replies, each id once, as RFC 7766 6.2.1.1 lets them come in any order. */
static void expect_replies(int fd, unsigned count, const char *who)
{
	bool seen[256] = { false };
	uint8_t reply[4096];
	for (unsigned i = 0; i < count; i++) {
		ssize_t n = client_receive_tcp(fd, reply, sizeof(reply), 5000 * harness_slow());
		MUST(n > 12, "%s: %u of %u replies came", who, i, count);
		unsigned id = (unsigned)reply[0] << 8 | reply[1];
		MUST(id < count && !seen[id], "%s: a reply to nothing, id %u", who, id);
		MUST((reply[3] & 15) == 0 && reply[7] == 1, "%s: not the answer", who);
		seen[id] = true;
	}
}

/* Milliseconds until the other side ends the connection in order. */
static uint64_t wait_end(int fd, const char *who)
{
	uint8_t octet;
	uint64_t begin = clock_now_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	MUST(poll(&p, 1, (int)(5000 * harness_slow())) == 1, "%s: the connection stays open", who);
	MUST(recv(fd, &octet, 1, 0) == 0, "%s: %s instead of the end", who, strerror(errno));
	return clock_now_ms() - begin;
}

Test(tcp_limits, are_those_of_the_configuration, .init = start_limited, .fini = stop)
{
	for (size_t i = 0; i < COUNT(servers); i++) {
		int fd[3];
		for (unsigned k = 0; k < 3; k++) {
			fd[k] = client_tcp(servers[i], INSIDE);
			send_queries(fd[k], 1);
			expect_replies(fd[k], 1, servers[i]);
		}
		wait_end(fd[0], servers[i]); /* the third one of this client took its place */
		send_queries(fd[1], 2);
		expect_replies(fd[1], 2, servers[i]);
		int other = client_tcp(servers[i], INSIDE_TWO);
		send_queries(other, 1);
		expect_replies(other, 1, servers[i]);
		wait_end(fd[2], servers[i]); /* idle for too long: 0.8 to 1.2 seconds with so many open */
		wait_end(fd[1], servers[i]);
		wait_end(other, servers[i]);
		for (unsigned k = 0; k < 3; k++) {
			close(fd[k]);
		}
		close(other);
	}
}

/* 300 queries for 50 KB each: more than the kernel holds for one client, which takes nothing. */
Test(tcp_limits, slow_reader_is_reset, .init = start_limited, .fini = stop)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	struct ask big = { .name = "big.corp.example", .type = RR_TXT, .flags = FLAG_RD };
	size_t len = ask_compose(&big, 1, out + 2);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	for (size_t i = 0; i < COUNT(servers); i++) {
		int fd = client_tcp(servers[i], INSIDE);
		for (unsigned k = 0; k < 300; k++) {
			client_send(fd, out, len + 2);
		}
		struct pollfd p = { .fd = fd }; /* errors only: what there is to read stays there */
		int error = 0;
		socklen_t size = sizeof(error);
		MUST(poll(&p, 1, (int)(10000 * harness_slow())) == 1, "%s: a client that takes nothing stays", servers[i]);
		MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0, "SO_ERROR: %s", strerror(errno));
		MUST(error == ECONNRESET, "%s: %s instead of a reset", servers[i], strerror(error));
		close(fd);
		struct ask ask = { .server = servers[i], .name = NAME, .flags = FLAG_RD, .tcp = true };
		client_expect_ask(&ask, NULL, NAME ". A 10.1.2.3", EDE_ANY);
	}
	struct role_process role = appliance_role(&appliance, "authority", "internal", 0);
	MUST(role.restarts == 0, "the authority was restarted");
	role = appliance_role(&appliance, "frontend", "", 0);
	MUST(role.restarts == 0, "the frontend was restarted");
}

/*
 * Queries that the kernel has taken when the appliance is told to stop: on a connection in use, and on one
 * that was never accepted. The role sleeps meanwhile, so that it finds all of it at once with the order.
 */
Test(tcp_stop, answers_what_has_arrived, .init = start_standard, .fini = stop)
{
	static const char *const roles[][2] = { { "authority", "internal" }, { "frontend", "" } };
	pid_t pid[COUNT(servers)];
	int used[COUNT(servers)];
	int fresh[COUNT(servers)];
	for (size_t i = 0; i < COUNT(servers); i++) {
		used[i] = client_tcp(servers[i], INSIDE);
		send_queries(used[i], 1);
		expect_replies(used[i], 1, servers[i]);
		pid[i] = appliance_role(&appliance, roles[i][0], roles[i][1], 0).pid;
	}
	for (size_t i = 0; i < COUNT(servers); i++) {
		MUST(kill(pid[i], SIGSTOP) == 0, "stop %s: %s", roles[i][0], strerror(errno));
		fresh[i] = client_tcp(servers[i], INSIDE_TWO);
		send_queries(used[i], 200);
		send_queries(fresh[i], 100);
	}
	pid_t waker = fork();
	MUST(waker >= 0, "fork: %s", strerror(errno));
	if (waker == 0) {
		harness_sleep_ms(500);
		_exit(kill(pid[1], SIGCONT) == 0 && kill(pid[0], SIGCONT) == 0 ? 0 : 1);
	}
	appliance_stop(&appliance);
	int status;
	MUST(waitpid(waker, &status, 0) == waker && status == 0, "the roles were not woken");
	for (size_t i = 0; i < COUNT(servers); i++) {
		expect_replies(used[i], 200, servers[i]);
		wait_end(used[i], servers[i]);
		expect_replies(fresh[i], 100, servers[i]);
		wait_end(fresh[i], servers[i]);
		close(used[i]);
		close(fresh[i]);
	}
}
