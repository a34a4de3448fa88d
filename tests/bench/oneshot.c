/*
 * A load of DNS queries over TCP, a new connection for each: connect, ask, take the reply, close. dnsperf can do
 * that too, but pauses between connections, so that servers are not compared but it.
 *
 *   oneshot [-c CONNECTIONS] [-l SECONDS] [-Q RATE] [-n COUNT] ADDRESS PORT QUERIES
 *
 * So many connections are open at a time; RATE queries a second at most; ends after SECONDS or COUNT queries. QUERIES has
 * lines "NAME TYPE" with types A and AAAA. Prints its totals in the words of dnsperf.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS_MAX 1024
#define QUERIES_MAX 1000000
#define TIMEOUT_NS UINT64_C(2000000000)
#define SECOND_NS UINT64_C(1000000000)

struct query {
	uint16_t len; /* with the two octets of length */
	uint8_t wire[2 + DNS_HEADER_SIZE + DNAME_MAX + 4];
};

struct slot {
	int fd; /* -1: free */
	bool asked;
	uint64_t started_ns;
	size_t got;
	uint8_t reply[2 + DNS_MESSAGE_MAX];
};

static struct query *queries;
static size_t query_count, next_query;
static struct slot slots[SLOTS_MAX];
static struct sockaddr_in server = { .sin_family = AF_INET };
static int ep;
static uint64_t sent, completed, lost, request_octets, reply_octets, rcodes[16];

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "oneshot: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* --- queries --- */

static void make_query(struct query *query, const char *name, const char *type)
{
	uint8_t *w = query->wire + 2;
	size_t at = DNS_HEADER_SIZE;
	memset(query, 0, sizeof(*query));
	w[5] = 1; /* QDCOUNT */
	for (const char *p = name; *p != '\0' && *p != '.';) {
		size_t len = strcspn(p, ".");
		if (len > LABEL_MAX || at - DNS_HEADER_SIZE + len + 2 > DNAME_MAX) {
			errno = EINVAL;
			fail(name);
		}
		w[at++] = (uint8_t)len;
		memcpy(w + at, p, len);
		at += len;
		p += len + (p[len] == '.');
	}
	at += 2; /* the root, and the upper half of the type */
	w[at] = strcmp(type, "AAAA") == 0 ? 28 : 1;
	w[at + 2] = 1; /* IN */
	at += 3;
	query->wire[0] = (uint8_t)(at >> 8);
	query->wire[1] = (uint8_t)at;
	query->len = (uint16_t)(at + 2);
}

static void read_queries(const char *path)
{
	char name[1100], type[16];
	FILE *file = fopen(path, "r");
	queries = malloc(QUERIES_MAX * sizeof(*queries));
	if (file == NULL || queries == NULL) {
		fail(path);
	}
	while (query_count < QUERIES_MAX && fscanf(file, "%1099s %15s", name, type) == 2) {
		make_query(&queries[query_count++], name, type);
	}
	fclose(file);
	if (query_count == 0) {
		errno = ENOENT;
		fail(path);
	}
}

/* --- connections --- */

static void finish(struct slot *slot, bool answered)
{
	close(slot->fd);
	slot->fd = -1;
	if (!answered) {
		lost++;
		return;
	}
	completed++;
	reply_octets += slot->got - 2;
	rcodes[slot->reply[5] & 0x0f]++;
}

static void begin(struct slot *slot)
{
	int on = 1;
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = slot };
	slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	slot->asked = false;
	slot->got = 0;
	slot->started_ns = now_ns();
	if (slot->fd < 0 || setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, slot->fd, &event) != 0) {
		fail("socket");
	}
	sent++;
	if (connect(slot->fd, (struct sockaddr *)&server, sizeof(server)) != 0 && errno != EINPROGRESS) {
		finish(slot, false);
	}
}

static void advance(struct slot *slot)
{
	if (!slot->asked) {
		const struct query *query = &queries[next_query++ % query_count];
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = slot };
		if (write(slot->fd, query->wire, query->len) != query->len ||
		    epoll_ctl(ep, EPOLL_CTL_MOD, slot->fd, &event) != 0) {
			finish(slot, false);
			return;
		}
		slot->asked = true;
		request_octets += query->len - 2u;
		return;
	}
	ssize_t got = read(slot->fd, slot->reply + slot->got, sizeof(slot->reply) - slot->got);
	if (got < 0 && errno == EAGAIN) {
		return;
	}
	if (got <= 0) {
		finish(slot, false);
		return;
	}
	slot->got += (size_t)got;
	size_t whole = slot->got < 2 ? SIZE_MAX : 2 + ((size_t)slot->reply[0] << 8 | slot->reply[1]);
	if (slot->got >= whole) {
		finish(slot, whole >= 2 + DNS_HEADER_SIZE);
	}
}

/* --- the run --- */

static uint64_t run(unsigned slot_count, double seconds, uint64_t rate, uint64_t count)
{
	struct epoll_event events[64];
	uint64_t start = now_ns(), now = start, end = start + (uint64_t)(seconds * 1e9);
	unsigned busy;
	do {
		busy = 0;
		now = now_ns();
		for (unsigned i = 0; i < slot_count; i++) {
			bool due = rate == 0 || sent < (now - start) / 1000 * rate / 1000000;
			if (slots[i].fd < 0 && now < end && sent < count && due) {
				begin(&slots[i]);
			} else if (slots[i].fd >= 0 && now > slots[i].started_ns + TIMEOUT_NS) {
				finish(&slots[i], false);
			}
			busy += slots[i].fd >= 0;
		}
		int ready = epoll_wait(ep, events, 64, 1);
		for (int i = 0; i < ready; i++) {
			advance(events[i].data.ptr);
		}
	} while (busy > 0 || (now < end && sent < count));
	return now_ns() - start;
}

static void print_totals(uint64_t ns)
{
	static const char *const names[16] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
	const char *separator = " ";
	printf("  Queries sent:         %" PRIu64 "\n  Queries completed:    %" PRIu64 "\n  Queries lost:         %" PRIu64
	       "\n\n  Response codes:      ",
	       sent, completed, lost);
	for (unsigned i = 0; i < 16; i++) {
		if (rcodes[i] > 0) {
			printf("%s%s %" PRIu64 " (%.2f%%)", separator, names[i] == NULL ? "OTHER" : names[i], rcodes[i],
			       100.0 * (double)rcodes[i] / (double)completed);
			separator = ", ";
		}
	}
	printf("\n  Average packet size:  request %" PRIu64 ", response %" PRIu64 "\n  Run time (s):         %.6f\n"
	       "  Queries per second:   %.6f\n",
	       sent == 0 ? 0 : request_octets / sent, completed == 0 ? 0 : reply_octets / completed, (double)ns / 1e9,
	       (double)completed * 1e9 / (double)ns);
}

int main(int argc, char **argv)
{
	unsigned slot_count = 50;
	double seconds = 3600;
	uint64_t rate = 0, count = UINT64_MAX;
	for (int option; (option = getopt(argc, argv, "c:l:Q:n:")) != -1;) {
		switch (option) {
		case 'c':
			slot_count = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			seconds = strtod(optarg, NULL);
			break;
		case 'Q':
			rate = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3 || slot_count == 0 || slot_count > SLOTS_MAX ||
	    inet_pton(AF_INET, argv[optind], &server.sin_addr) != 1) {
		fprintf(stderr, "oneshot [-c CONNECTIONS] [-l SECONDS] [-Q RATE] [-n COUNT] ADDRESS PORT QUERIES\n");
		return 2;
	}
	server.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0) {
		fail("epoll");
	}
	read_queries(argv[optind + 2]);
	for (unsigned i = 0; i < slot_count; i++) {
		slots[i].fd = -1;
	}
	print_totals(run(slot_count, seconds, rate, count));
	return 0;
}
