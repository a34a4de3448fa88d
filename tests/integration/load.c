/*
 * A load of unique questions. One process, several sockets (so that every worker behind SO_REUSEPORT
 * gets its share), a table of what is outstanding by socket and id, results in shared memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/client.h"

#include "common/dns/query.h"
#include "common/util/clock.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOAD_SOCKETS 16
#define LOAD_PATIENCE_MS 3000
#define LOAD_LATE_MS 1000

struct load {
	struct load_result result;
	volatile sig_atomic_t stop;
	pid_t pid;
	const char *server;
	const char *suffix;
	unsigned per_second;
	unsigned wanted_rcode;
};

struct outstanding {
	uint64_t sent_ms[65536]; /* by query number modulo 65536; 0: none */
	uint64_t oldest;	 /* number of the oldest query that may be outstanding */
};

static void send_one(struct load *load, const int *fds, struct outstanding *out, uint64_t now)
{
	char name[256];
	uint64_t number = load->result.sent;
	if (load->suffix[0] == '=') {
		snprintf(name, sizeof(name), "%s", load->suffix + 1);
	} else {
		snprintf(name, sizeof(name), "u%d-%llu.%s", (int)getpid(), (unsigned long long)number, load->suffix);
	}
	struct ask ask = { .name = name, .flags = FLAG_RD, .edns = true };
	uint8_t wire[ASK_WIRE_MAX];
	size_t len = ask_compose(&ask, (uint16_t)number, wire);
	ssize_t n = send(fds[number % LOAD_SOCKETS], wire, len, MSG_DONTWAIT);
	if (n < 0 && errno == ECONNREFUSED) {
		n = send(fds[number % LOAD_SOCKETS], wire, len, MSG_DONTWAIT);
	}
	out->sent_ms[number % 65536] = now;
	load->result.sent++;
}

static void receive_all(struct load *load, int fd, struct outstanding *out, uint64_t now)
{
	uint8_t wire[4096];
	for (;;) {
		ssize_t n = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
		if (n < 0 && errno == ECONNREFUSED) {
			continue;
		}
		if (n < DNS_HEADER_SIZE) {
			return;
		}
		uint16_t id = get_u16(wire);
		uint64_t sent = out->sent_ms[id];
		if (sent == 0) {
			continue; /* given up before */
		}
		out->sent_ms[id] = 0;
		load->result.answered++;
		if ((wire[3] & 15u) != load->wanted_rcode) {
			load->result.other++;
			load->result.other_rcode = wire[3] & 15u;
		}
		uint64_t took = now - sent;
		load->result.late += took > LOAD_LATE_MS;
		if (took > load->result.longest_ms) {
			load->result.longest_ms = took;
		}
	}
}

/* Queries are given up in the order they were sent. */
static void give_up(struct load *load, struct outstanding *out, uint64_t started, uint64_t now)
{
	while (out->oldest < load->result.sent) {
		uint64_t *sent = &out->sent_ms[out->oldest % 65536];
		if (*sent != 0) {
			if (now - *sent < (uint64_t)LOAD_PATIENCE_MS * harness_slow()) {
				return;
			}
			if (load->result.lost++ == 0) {
				load->result.first_lost_at_ms = *sent - started;
			}
			load->result.last_lost_at_ms = *sent - started;
			*sent = 0;
		}
		out->oldest++;
	}
}

static void run(void *arg)
{
	struct load *load = arg;
	static struct outstanding out;
	int fds[LOAD_SOCKETS];
	struct pollfd polls[LOAD_SOCKETS];
	for (size_t i = 0; i < LOAD_SOCKETS; i++) {
		fds[i] = client_udp(load->server, NULL);
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	uint64_t started = clock_now_ms();
	uint64_t due = 0; /* queries that should have been sent by now */
	while (!load->stop || out.oldest < load->result.sent) {
		uint64_t now = clock_now_ms();
		if (!load->stop) {
			due = (now - started) * load->per_second / 1000 + 1;
		}
		while (load->result.sent < due && !load->stop && load->result.sent - out.oldest < 60000) {
			send_one(load, fds, &out, now);
		}
		poll(polls, LOAD_SOCKETS, 1);
		now = clock_now_ms();
		for (size_t i = 0; i < LOAD_SOCKETS; i++) {
			receive_all(load, fds[i], &out, now);
		}
		give_up(load, &out, started, now);
	}
}

struct load *load_start(const char *server, const char *suffix, unsigned per_second, unsigned wanted_rcode)
{
	struct load *load = harness_share(sizeof(*load));
	load->server = server;
	load->suffix = suffix;
	load->per_second = per_second;
	load->wanted_rcode = wanted_rcode;
	pid_t pid = harness_beside(run, load); /* not into load, which the child writes, too */
	load->pid = pid;
	return load;
}

struct load_result load_now(const struct load *load)
{
	return load->result;
}

struct load_result load_stop(struct load *load)
{
	load->stop = 1;
	int status = harness_end(load->pid, LOAD_PATIENCE_MS * 2);
	struct load_result result = load->result;
	munmap(load, sizeof(*load));
	MUST(status == 0, "the load ended with status %d", status);
	return result;
}
