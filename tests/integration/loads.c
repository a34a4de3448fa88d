/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/integration/loads.h"

#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOAD_RATE 400

/* UDP: names that nobody asked before, and one that is in the caches. */
static const struct {
	const char *server;
	const char *suffix;
} paths[] = {
	{ INTERNAL, "load.corp.example" }, { EXTERNAL, "load.example.com" }, { RESOLVER, "load.many.example" },
	{ RESOLVER, "load.public.org" },   { RESOLVER, "=www.public.org" },
};

/*
 * TCP: a query on each connection, or many on one. RFC 7766 6.2.4: a server may close a connection on which nothing is
 * in work; a client that had asked meanwhile asks again on a new one. Those are counted, and so are connections on which
 * the first query found no answer, which no server may do to its client.
 */
struct tcp_result {
	uint64_t sent;
	uint64_t answered;
	uint64_t lost; /* no answer on a new connection either, or none in time */
	uint64_t closed; /* between two queries */
};

struct tcp_load {
	struct tcp_result result;
	volatile sig_atomic_t stop;
	pid_t pid;
	size_t which; /* of streams */
};

static const struct {
	const char *server;
	const char *name;
	bool keeps; /* one connection for many queries */
} streams[] = {
	{ INTERNAL, "intranet.corp.example", false }, { INTERNAL, "intranet.corp.example", true },
	{ EXTERNAL, "www.example.com", false },	      { RESOLVER, "intranet.corp.example", false },
	{ RESOLVER, "www.public.org", false },	      { RESOLVER, "www.public.org", true },
};

bool loads_tcp_ask(int fd, const char *name, uint16_t id)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	uint8_t in[4096];
	struct ask ask = { .name = name, .flags = FLAG_RD };
	size_t len = ask_compose(&ask, id, out + 2);
	put_u16(out, (uint16_t)len);
	if (send(fd, out, len + 2, MSG_NOSIGNAL) != (ssize_t)len + 2) {
		return false;
	}
	ssize_t n = client_receive_tcp(fd, in, sizeof(in), 5000 * harness_slow());
	return n >= DNS_HEADER_SIZE && get_u16(in) == id && (in[3] & 15) == RCODE_NOERROR;
}

static void tcp_run(void *arg)
{
	struct tcp_load *load = arg;
	size_t which = load->which;
	struct tcp_result *r = &load->result;
	int fd = -1;
	uint16_t id = 0;
	while (!load->stop) {
		bool fresh = fd < 0;
		fd = fresh ? client_tcp_try(streams[which].server, NULL, 5000) : fd;
		bool answered = fd >= 0 && loads_tcp_ask(fd, streams[which].name, ++id);
		r->closed += !fresh && !answered;
		if (fresh || answered) {
			r->sent++;
			r->answered += answered;
			r->lost += !answered;
		}
		if (fd >= 0 && (!answered || !streams[which].keeps)) {
			close(fd);
			fd = -1;
		}
		harness_sleep_ms(2);
	}
}

static struct tcp_load *tcp_start(size_t which)
{
	struct tcp_load *load = harness_share(sizeof(*load));
	load->which = which;
	load->pid = harness_beside(tcp_run, load);
	return load;
}

struct loads {
	struct load *udp[COUNT(paths)];
	struct tcp_load *tcp[COUNT(streams)];
};

struct loads *loads_start(bool kept)
{
	struct loads *loads = calloc(1, sizeof(*loads));
	MUST(loads != NULL, "no memory");
	for (size_t i = 0; i < COUNT(paths); i++) {
		loads->udp[i] = load_start(paths[i].server, paths[i].suffix, LOAD_RATE, RCODE_NOERROR);
	}
	for (size_t i = 0; i < COUNT(streams); i++) {
		loads->tcp[i] = kept || !streams[i].keeps ? tcp_start(i) : NULL;
	}
	harness_sleep_ms(500);
	return loads;
}

void loads_judge(struct loads *loads, const char *what)
{
	uint64_t udp_sent = 0, udp_lost = 0, tcp_sent = 0, tcp_lost = 0, closed = 0, longest = 0;
	bool idle = false;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct load_result r = load_stop(loads->udp[i]);
		udp_sent += r.sent;
		udp_lost += r.sent - r.answered + r.other;
		longest = r.longest_ms > longest ? r.longest_ms : longest;
		idle = idle || r.sent < LOAD_RATE / 4;
		if (r.sent != r.answered || r.other != 0) {
			fprintf(stderr, "%s, UDP %s at %s: sent %llu answered %llu other %llu (rcode %llu)\n", what,
				paths[i].suffix, paths[i].server, (unsigned long long)r.sent,
				(unsigned long long)r.answered, (unsigned long long)r.other,
				(unsigned long long)r.other_rcode);
		}
	}
	for (size_t i = 0; i < COUNT(streams); i++) {
		struct tcp_load *load = loads->tcp[i];
		if (load == NULL) {
			continue;
		}
		load->stop = 1;
		MUST(harness_wait(load->pid, 15000) == 0, "the TCP load did not end");
		tcp_sent += load->result.sent;
		tcp_lost += load->result.lost;
		closed += load->result.closed;
		idle = idle || load->result.sent < 10;
		if (load->result.lost != 0) {
			fprintf(stderr, "%s, TCP %s at %s%s: sent %llu lost %llu\n", what, streams[i].name,
				streams[i].server, streams[i].keeps ? ", kept" : "",
				(unsigned long long)load->result.sent, (unsigned long long)load->result.lost);
		}
		munmap(load, sizeof(*load));
	}
	free(loads);
	fprintf(stderr, "%s: UDP sent %llu lost %llu (longest %llu ms), TCP sent %llu lost %llu (closed between %llu)\n", what,
		(unsigned long long)udp_sent, (unsigned long long)udp_lost, (unsigned long long)longest,
		(unsigned long long)tcp_sent, (unsigned long long)tcp_lost, (unsigned long long)closed);
	MUST(!idle, "%s: a load did not ask enough to prove anything", what);
	MUST(udp_lost == 0 && tcp_lost == 0, "%s: queries were lost, see above", what);
}
