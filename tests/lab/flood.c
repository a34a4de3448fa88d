/*
 * Clients that ask much. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/flood.h"

#include "common/dns/query.h"
#include "common/util/clock.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
/* Latencies that are looked at: the first ones. */
#define LATENCIES_MAX 65536
/* The id of a question: its slot, and a number that moves with each use of it. */
#define SLOT_BITS 13

struct slot {
	uint64_t sent_us; /* 0: free */
	uint8_t turn;
};

struct flood_process {
	struct flood flood;
	struct flood_result result;
	volatile sig_atomic_t stop;
	pid_t pid;
	struct slot slots[FLOOD_WINDOW_MAX];
	unsigned free[FLOOD_WINDOW_MAX];
	unsigned free_count;
	int fds[CLIENTS_MAX];
	uint32_t latencies[LATENCIES_MAX];
	unsigned latency_count;
};

static uint64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static unsigned sockets_of(const struct flood *f)
{
	return f->clients == 0 ? 1 : f->clients;
}

static void send_one(struct flood_process *p)
{
	const struct flood *f = &p->flood;
	struct flood_result *r = &p->result;
	char name[256];
	uint8_t wire[ASK_WIRE_MAX];
	unsigned number = f->first + (f->modulo == 0 ? r->sent : r->sent % f->modulo);
	unsigned at = p->free[--p->free_count];
	struct slot *slot = &p->slots[at];
	const char *mark = strchr(f->name, '#');
	MUST(mark != NULL, "%s has no number", f->name);
	snprintf(name, sizeof(name), "%.*s%u%s", (int)(mark - f->name), f->name, number, mark + 1);
	struct ask ask = { .name = name, .type = f->type, .flags = FLAG_RD, .edns = true };
	slot->turn = (uint8_t)((slot->turn + 1) & 7);
	slot->sent_us = now_us();
	size_t len = ask_compose(&ask, (uint16_t)(at | (unsigned)slot->turn << SLOT_BITS), wire);
	ssize_t n = send(p->fds[at % sockets_of(f)], wire, len, 0);
	if (n < 0 && errno == ECONNREFUSED) {
		n = send(p->fds[at % sockets_of(f)], wire, len, 0);
	}
	r->sent++;
}

static void receive_all(struct flood_process *p, int fd)
{
	struct flood_result *r = &p->result;
	uint8_t wire[4096];
	for (;;) {
		ssize_t n = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
		if (n < 0 && errno == ECONNREFUSED) {
			continue;
		}
		if (n < DNS_HEADER_SIZE) {
			return;
		}
		unsigned id = get_u16(wire);
		unsigned at = id & (FLOOD_WINDOW_MAX - 1);
		struct slot *slot = &p->slots[at];
		if (slot->sent_us == 0 || id >> SLOT_BITS != slot->turn) {
			continue; /* given up before */
		}
		if (p->latency_count < LATENCIES_MAX) {
			p->latencies[p->latency_count++] = (uint32_t)(now_us() - slot->sent_us);
		}
		slot->sent_us = 0;
		p->free[p->free_count++] = at;
		r->answered++;
		r->rcodes[wire[3] & 15]++;
		r->truncated += (wire[2] & 2) != 0;
		r->whole += get_u16(wire + 6) > 0;
		r->octets += (uint64_t)n;
	}
}

static void give_up(struct flood_process *p)
{
	uint64_t limit = (uint64_t)p->flood.patience_ms * harness_slow() * 1000;
	uint64_t now = now_us();
	for (unsigned i = 0; i < p->flood.window; i++) {
		if (p->slots[i].sent_us != 0 && now - p->slots[i].sent_us > limit) {
			p->slots[i].sent_us = 0;
			p->free[p->free_count++] = i;
			p->result.lost++;
		}
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void run(void *arg)
{
	struct flood_process *p = arg;
	const struct flood *f = &p->flood;
	struct flood_result *r = &p->result;
	struct pollfd polls[CLIENTS_MAX];
	int size = 4 << 20;
	MUST(f->window <= FLOOD_WINDOW_MAX && sockets_of(f) <= CLIENTS_MAX, "a flood too wide");
	for (unsigned i = 0; i < f->window; i++) {
		p->free[i] = f->window - 1 - i;
	}
	p->free_count = f->window;
	for (unsigned i = 0; i < sockets_of(f); i++) {
		char source[32];
		snprintf(source, sizeof(source), "10.1.0.%u", f->clients == 0 ? 100 : 200 + f->client + i);
		p->fds[i] = client_udp(f->server, source);
		MUST(setsockopt(p->fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0, "SO_RCVBUFFORCE");
		polls[i] = (struct pollfd){ .fd = p->fds[i], .events = POLLIN };
	}
	uint64_t began = now_us();
	uint64_t looked = began;
	for (;;) {
		uint64_t now = now_us();
		uint64_t due = f->per_second == 0 ? UINT64_MAX : (now - began) * f->per_second / 1000000 + 1;
		while (!p->stop && p->free_count > 0 && r->sent < f->count && r->sent < due) {
			send_one(p);
		}
		if (p->free_count == f->window && (p->stop || r->sent == f->count)) {
			break;
		}
		poll(polls, sockets_of(f), 1);
		for (unsigned i = 0; i < sockets_of(f); i++) {
			receive_all(p, p->fds[i]);
		}
		if (now - looked > 20000) {
			looked = now;
			give_up(p);
		}
	}
	r->took_ms = (now_us() - began) / 1000;
	for (unsigned i = 0; i < sockets_of(f); i++) {
		close(p->fds[i]);
	}
	qsort(p->latencies, p->latency_count, sizeof(p->latencies[0]), compare);
	if (p->latency_count > 0) {
		r->median_us = p->latencies[p->latency_count / 2];
		r->ninth_us = p->latencies[(uint64_t)p->latency_count * 9 / 10];
	}
}

static struct flood_process *make(const struct flood *flood)
{
	struct flood_process *p = harness_share(sizeof(*p));
	p->flood = *flood;
	return p;
}

struct flood_result flood_run(const struct flood *flood)
{
	struct flood_process *p = make(flood);
	run(p);
	struct flood_result result = p->result;
	munmap(p, sizeof(*p));
	return result;
}

struct flood_process *flood_start(const struct flood *flood)
{
	struct flood_process *p = make(flood);
	pid_t pid = harness_beside(run, p); /* not into p, which the child writes, too */
	p->pid = pid;
	return p;
}

struct flood_result flood_now(const struct flood_process *p)
{
	return p->result;
}

struct flood_result flood_wait(struct flood_process *p)
{
	unsigned seconds = p->flood.per_second == 0 ? 60 : p->flood.count / p->flood.per_second + 5;
	int status = harness_end(p->pid, p->flood.patience_ms + (p->stop ? 5000 : seconds * 1000));
	struct flood_result result = p->result;
	munmap(p, sizeof(*p));
	MUST(status == 0, "a flood ended with status %d", status);
	return result;
}

struct flood_result flood_end(struct flood_process *p)
{
	p->stop = 1;
	return flood_wait(p);
}
