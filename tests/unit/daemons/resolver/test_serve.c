/*
 * The resolver's service with real sockets: a query link on one side, a scripted server on loopback on the
 * other, all in one event loop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/serve.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/dns/query.h"
#include "common/ipc/qlink.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "daemons/resolver/bounds.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEEN_MAX 1024
#define HELD_MAX 512
#define STUBS 10

struct bench {
	struct event_base *base;
	struct stats_page page;
	struct stats_page *stats;
	struct serve *serve;
	struct role_conf conf;
	struct role_query_link link;
	struct ipc_servers root;
	int ours; /* the frontend's end */
	struct qlink_batch *batch;
	/* the scripted server */
	int udp;
	int tcp;
	struct event *events[2];
	bool truncate;
	bool lie; /* wrong ids over UDP */
	bool mute;
	bool mute_tcp; /* connections are taken and never answered, but by the addresses 127.61.0.1xx */
	unsigned copies; /* of each reply over UDP, besides the first */
	unsigned udp_asked;
	unsigned tcp_asked;
	uint16_t ports[SEEN_MAX];
	int tcp_held[HELD_MAX];
	unsigned held;
	struct ipc_servers stubs[STUBS];
};

/* Every name has the address 198.51.100.7; the root zone is all there is. */
static size_t script(struct bench *b, const uint8_t *wire, size_t len, bool tcp, uint8_t *out)
{
	static const uint8_t addr[4] = { 198, 51, 100, 7 };
	struct query q;
	struct compose c;
	cr_assert_eq(query_parse(wire, len, &q), QUERY_OK);
	cr_assert_eq(q.flags & FLAG_RD, 0);
	cr_assert(q.edns.present && q.edns.udp_size == 1232);
	uint16_t id = b->lie && !tcp ? (uint16_t)(q.id + 1) : q.id;
	uint16_t flags = FLAG_QR | FLAG_AA | (b->truncate && !tcp ? FLAG_TC : 0);
	compose_begin(&c, out, 512, 0, id, flags, q.qname, q.qtype, q.qclass);
	if ((flags & FLAG_TC) == 0) {
		cr_assert_eq(compose_rr(&c, SECTION_ANSWER, q.qname, RR_A, CLASS_IN, 300, addr, 4), BH_OK);
	}
	return compose_finish(&c, NULL);
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	uint8_t in[512];
	uint8_t out[512];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	(void)what;
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
	cr_assert_gt(n, 0);
	cr_assert_lt(b->udp_asked, SEEN_MAX);
	b->ports[b->udp_asked++] = ntohs(from.sin_port);
	if (b->mute) {
		return;
	}
	size_t len = script(b, in, (size_t)n, false, out);
	for (unsigned i = 0; i < (b->lie ? 3 : 1 + b->copies); i++) {
		cr_assert_eq(sendto(fd, out, len, 0, (struct sockaddr *)&from, from_len), (ssize_t)len);
	}
}

/* The same on a socket of all addresses: the reply leaves from the one that was asked. */
static void on_udp_any(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	uint8_t in[512];
	uint8_t out[512];
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct sockaddr_in from;
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control, .msg_controllen = sizeof(control) };
	(void)what;
	ssize_t n = recvmsg(fd, &msg, 0);
	cr_assert_gt(n, 0);
	b->udp_asked++;
	iov.iov_base = out;
	iov.iov_len = script(b, in, (size_t)n, false, out);
	cr_assert_eq(sendmsg(fd, &msg, 0), (ssize_t)iov.iov_len);
}

static void on_tcp_data(evutil_socket_t c, short what, void *arg)
{
	struct bench *b = arg;
	uint8_t in[514];
	uint8_t out[514];
	(void)what;
	ssize_t n = read(c, in, sizeof(in)); /* ours come in one segment, length first */
	cr_assert_gt(n, 2);
	cr_assert_eq(get_u16(in), n - 2);
	b->tcp_asked++;
	size_t len = script(b, in + 2, (size_t)n - 2, true, out + 2);
	put_u16(out, (uint16_t)len);
	cr_assert_eq(write(c, out, 1), 1); /* in two pieces */
	cr_assert_eq(write(c, out + 1, len + 1), (ssize_t)(len + 1));
	close(c);
}

static void on_tcp(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	(void)what;
	int c = accept(fd, NULL, NULL);
	cr_assert_geq(c, 0);
	struct sockaddr_in here;
	socklen_t len = sizeof(here);
	cr_assert_eq(getsockname(c, (struct sockaddr *)&here, &len), 0);
	if (b->mute_tcp && (ntohl(here.sin_addr.s_addr) & 0xff) < 100) {
		cr_assert_lt(b->held, HELD_MAX);
		b->tcp_held[b->held++] = c;
		return;
	}
	cr_assert_eq(event_base_once(b->base, c, EV_READ, on_tcp_data, b, NULL), 0);
}

static void setup_server(struct bench *b)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f3d0001) } }; /* 127.61.0.1 */
	socklen_t len = sizeof(sin);
	b->tcp = socket(AF_INET, SOCK_STREAM, 0);
	b->udp = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(bind(b->tcp, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(getsockname(b->tcp, (struct sockaddr *)&sin, &len), 0);
	cr_assert_eq(bind(b->udp, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(listen(b->tcp, 512), 0);
	b->events[0] = event_new(b->base, b->udp, EV_READ | EV_PERSIST, on_udp, b);
	b->events[1] = event_new(b->base, b->tcp, EV_READ | EV_PERSIST, on_tcp, b);
	cr_assert_eq(event_add(b->events[0], NULL), 0);
	cr_assert_eq(event_add(b->events[1], NULL), 0);
	cr_assert_gt(dname_from_text("a.root.", b->root.name), 0);
	b->root.count = 1;
	cr_assert_eq(addr_parse("127.61.0.1", ntohs(sin.sin_port), &b->root.addrs[0]), BH_OK);
}

static struct bench *bench_new(unsigned pending_max)
{
	struct bench *b = calloc(1, sizeof(*b));
	int pair[2];
	char why[IPC_TEXT_MAX];
	b->base = event_base_new();
	b->stats = &b->page;
	b->serve = serve_new(b->base, &b->stats);
	b->batch = qlink_batch_new();
	cr_assert(b->base != NULL && b->serve != NULL && b->batch != NULL);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	b->ours = pair[0];
	setup_server(b);
	b->link = (struct role_query_link){ .info = { .id = 7, .peer = ROLE_FRONTEND }, .fd = pair[1] };
	b->conf = (struct role_conf){
		.options.resolver = { .cache_bytes = 1 << 20, .pending_max = pending_max, .max_ttl_sec = 86400,
				      .max_negative_ttl_sec = 10800, .ipv4 = 1, .use_0x20 = 1 },
		.links = &b->link, .link_count = 1, .roots = &b->root, .root_count = 1,
	};
	cr_assert_eq(serve_prepare(b->serve, &b->conf, why, sizeof(why)), BH_OK);
	serve_commit(b->serve, &b->conf);
	return b;
}

static void bench_free(struct bench *b)
{
	event_free(b->events[0]);
	event_free(b->events[1]);
	close(b->udp);
	close(b->tcp);
	for (unsigned i = 0; i < b->held; i++) {
		close(b->tcp_held[i]);
	}
	serve_free(b->serve);
	qlink_batch_free(b->batch);
	close(b->ours);
	close(b->link.fd);
	event_base_free(b->base);
	free(b);
}

static void send_raw(struct bench *b, enum qlink_kind kind, uint64_t token, const uint8_t *dns, size_t len)
{
	struct qlink_message m = { .token = token, .kind = (uint8_t)kind, .budget = 400, .dns = dns,
				   .dns_len = len };
	cr_assert_eq(qlink_push(b->batch, b->ours, &m), BH_OK);
	cr_assert_eq(qlink_flush(b->batch, b->ours, NULL, NULL), BH_OK);
}

static void ask_raw(struct bench *b, uint64_t token, const uint8_t *dns, size_t len)
{
	send_raw(b, QLINK_QUERY, token, dns, len);
}

static size_t write_query(uint8_t *wire, const char *name, uint16_t type, uint16_t qclass, uint16_t flags)
{
	uint8_t qname[DNAME_MAX];
	struct compose c;
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_NONE };
	cr_assert_gt(dname_from_text(name, qname), 0);
	compose_begin(&c, wire, 512, edns_size(&edns), 0x1234, flags, qname, type, qclass);
	return compose_finish(&c, &edns);
}

static void ask(struct bench *b, uint64_t token, const char *name, uint16_t type)
{
	uint8_t wire[512];
	ask_raw(b, token, wire, write_query(wire, name, type, CLASS_IN, FLAG_RD));
}

/* Run the loop until so many replies are there; they are parsed into msgs. */
static void collect(struct bench *b, unsigned want, struct region *region, struct message *msgs, uint64_t *tokens)
{
	unsigned have = 0;
	for (unsigned turn = 0; turn < 2000 && have < want; turn++) {
		unsigned count;
		struct timeval tv = { .tv_usec = 10000 };
		cr_assert_eq(event_base_loopexit(b->base, &tv), 0);
		(void)event_base_loop(b->base, EVLOOP_ONCE);
		cr_assert_eq(qlink_receive(b->batch, b->ours, &count), BH_OK);
		for (unsigned i = 0; i < count; i++) {
			const struct qlink_message *m = qlink_get(b->batch, i);
			cr_assert_lt(have, want);
			cr_assert_eq(m->kind, QLINK_REPLY);
			cr_assert_eq(message_parse(region_copy(region, m->dns, m->dns_len), m->dns_len, region,
						   &msgs[have]), BH_OK);
			tokens[have++] = m->token;
		}
	}
	cr_assert_eq(have, want);
}

static struct message one(struct bench *b, struct region *region)
{
	struct message msg;
	uint64_t token;
	collect(b, 1, region, &msg, &token);
	return msg;
}

Test(serve, answers_over_udp_with_the_right_flags)
{
	struct bench *b = bench_new(100);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	ask(b, 1, "WwW.Example.", RR_A);
	struct message m = one(b, &region);
	cr_assert_eq(m.id, 0x1234);
	cr_assert_eq(m.flags & ~FLAG_RCODE, FLAG_QR | FLAG_RD | FLAG_RA);
	cr_assert_eq(m.rcode, RCODE_NOERROR);
	cr_assert(m.has_edns);
	cr_assert_eq(memcmp(m.qname, "\3WwW\7Example", 13), 0, "the client's case");
	cr_assert_eq(m.rr_count, 1u);
	cr_assert_eq(memcmp(m.rrs[0].owner, "\3WwW\7Example", 13), 0);
	cr_assert_eq(m.rrs[0].ttl, 300u);
	cr_assert_eq(b->page.counters[STAT_RES_UPSTREAM_UDP], 1u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, counts_hits_misses_and_how_long_they_took)
{
	struct bench *b = bench_new(100);
	struct region region;
	uint64_t timed = 0;
	region_init(&region, 4096, 1 << 20);
	for (uint64_t i = 1; i <= 3; i++) {
		ask(b, i, "www.example.", RR_A);
		(void)one(b, &region);
	}
	for (unsigned i = 0; i < STATS_LATENCIES; i++) {
		timed += b->page.counters[STAT_RES_LATENCY + i];
	}
	cr_expect_eq(timed, 1u);
	cr_expect_eq(b->page.counters[STAT_RES_CACHE_MISSES], 1u);
	cr_expect_eq(b->page.counters[STAT_RES_CACHE_ANSWERS], 2u);
	cr_expect_eq(b->page.counters[STAT_RES_UPSTREAM_ANSWERS], 1u);
	cr_expect_gt(b->page.counters[STAT_RES_CACHE_LIMIT], b->page.counters[STAT_RES_CACHE_BYTES]);
	region_clear(&region);
	bench_free(b);
}

Test(serve, goes_to_tcp_on_truncation)
{
	struct bench *b = bench_new(100);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	b->truncate = true;
	ask(b, 1, "www.example.", RR_A);
	struct message m = one(b, &region);
	cr_assert_eq(m.rr_count, 1u);
	cr_assert_eq(b->tcp_asked, 1u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, goes_to_tcp_after_forgeries)
{
	struct bench *b = bench_new(100);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	b->lie = true;
	ask(b, 1, "www.example.", RR_A);
	struct message m = one(b, &region);
	cr_assert_eq(m.rr_count, 1u);
	cr_assert_eq(b->tcp_asked, 1u);
	cr_assert_eq(b->page.counters[STAT_RES_UPSTREAM_MISMATCHES], 3u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, asks_once_for_equal_questions_in_work)
{
	struct bench *b = bench_new(100);
	struct region region;
	struct message msgs[10];
	uint64_t tokens[10];
	uint64_t sum = 0;
	region_init(&region, 4096, 1 << 20);
	for (unsigned i = 0; i < 10; i++) {
		ask(b, 100 + i, i % 2 == 0 ? "www.example." : "WWW.example.", RR_A);
	}
	collect(b, 10, &region, msgs, tokens);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(msgs[i].rr_count, 1u);
		sum += tokens[i];
	}
	cr_assert_eq(sum, 1045u);
	cr_assert_eq(b->udp_asked, 1u);
	cr_assert_eq(b->page.counters[STAT_RES_COALESCED], 9u);
	cr_assert_eq(b->page.counters[STAT_RES_PENDING], 0u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, refresh_is_answered_like_a_query_and_refused_first)
{
	struct bench *b = bench_new(2);
	struct region region;
	uint8_t wire[512];
	size_t len = write_query(wire, "www.example.", RR_A, CLASS_IN, FLAG_RD);
	region_init(&region, 4096, 1 << 20);
	send_raw(b, QLINK_REFRESH, 1, wire, len);
	struct message m = one(b, &region);
	cr_assert_eq(m.rcode, RCODE_NOERROR);
	cr_assert_eq(b->page.counters[STAT_RES_REFRESHES], 1u);
	cr_assert_eq(b->page.counters[STAT_RES_QUERIES], 0u);

	b->mute = true;
	ask(b, 2, "slow.example.", RR_A);
	len = write_query(wire, "slow.example.", RR_A, CLASS_IN, FLAG_RD);
	send_raw(b, QLINK_REFRESH, 3, wire, len);
	struct message msgs[1];
	uint64_t tokens[1];
	collect(b, 1, &region, msgs, tokens);
	cr_assert_eq(tokens[0], 3u, "half of the table is taken");
	cr_assert_eq(msgs[0].rcode, RCODE_SERVFAIL);
	region_clear(&region);
	bench_free(b);
}

Test(serve, refuses_what_it_does_not_resolve)
{
	static const struct {
		uint16_t type, qclass, flags, rcode;
	} cases[] = {
		{ RR_A, CLASS_IN, 0, RCODE_REFUSED },
		{ RR_A, CLASS_CH, FLAG_RD, RCODE_REFUSED },
		{ RR_A, CLASS_ANY, FLAG_RD, RCODE_REFUSED },
		{ RR_AXFR, CLASS_IN, FLAG_RD, RCODE_REFUSED },
		{ RR_IXFR, CLASS_IN, FLAG_RD, RCODE_REFUSED },
		{ RR_TSIG, CLASS_IN, FLAG_RD, RCODE_NOTIMP },
		{ RR_MAILB, CLASS_IN, FLAG_RD, RCODE_NOTIMP },
		{ RR_A, CLASS_IN, FLAG_RD | 0x2000, RCODE_NOTIMP }, /* NOTIFY */
	};
	struct bench *b = bench_new(100);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		uint8_t wire[512];
		ask_raw(b, i, wire, write_query(wire, "x.example.", cases[i].type, cases[i].qclass, cases[i].flags));
		struct message m = one(b, &region);
		cr_assert_eq(m.rcode, cases[i].rcode, "case %u", i);
	}
	uint8_t cut[512];
	size_t len = write_query(cut, "x.example.", RR_A, CLASS_IN, FLAG_RD);
	for (size_t i = DNS_HEADER_SIZE; i < len; i++) {
		ask_raw(b, i, cut, i);
		cr_assert_eq(one(b, &region).rcode, RCODE_FORMERR, "cut at %zu", i);
	}
	cr_assert_eq(b->udp_asked, 0u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, full_table_is_servfail_at_once)
{
	struct bench *b = bench_new(2);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	b->mute = true;
	ask(b, 1, "a.example.", RR_A);
	ask(b, 2, "b.example.", RR_A);
	ask(b, 3, "c.example.", RR_A);
	struct message m = one(b, &region);
	cr_assert_eq(m.rcode, RCODE_SERVFAIL);
	cr_assert_eq(m.ede, EDE_OTHER);
	region_clear(&region);
	bench_free(b);
}

/* Servers that are slow on purpose cannot keep the table full: who has had its time makes room. */
Test(serve, the_oldest_question_makes_room_when_the_table_is_full)
{
	struct bench *b = bench_new(2);
	struct region region;
	struct message msgs[2];
	uint64_t tokens[2];
	region_init(&region, 4096, 1 << 20);
	ask(b, 9, "www.example.", RR_A);
	(void)one(b, &region);
	b->mute = true;
	ask(b, 1, "a.example.", RR_A);
	ask(b, 2, "b.example.", RR_A);
	ask(b, 3, "c.example.", RR_A);
	collect(b, 1, &region, msgs, tokens);
	cr_assert_eq(tokens[0], 3u, "nobody has had his time");
	usleep(QUESTION_FAIR_MS * 1000);
	b->mute = false;
	ask(b, 4, "d.example.", RR_A);
	collect(b, 2, &region, msgs, tokens);
	cr_assert_eq(tokens[0], 1u);
	cr_assert_eq(msgs[0].rcode, RCODE_SERVFAIL);
	cr_assert_eq(tokens[1], 4u);
	cr_assert_eq(msgs[1].rcode, RCODE_NOERROR);
	cr_assert_eq(b->page.counters[STAT_RES_DISPLACED], 1u);
	cr_assert_eq(b->page.counters[STAT_RES_PENDING], 1u);
	/* the first is forgotten altogether: asked again, it is asked again */
	ask(b, 5, "a.example.", RR_A);
	collect(b, 1, &region, msgs, tokens);
	cr_assert_eq(msgs[0].rcode, RCODE_NOERROR);
	region_clear(&region);
	bench_free(b);
}

/* Who makes room before its time would have come gets what there was, when it is served stale at all. */
Test(serve, who_makes_room_is_answered_with_what_is_stale)
{
	struct bench *b = bench_new(2);
	struct region region;
	struct message msg;
	uint64_t token;
	char why[IPC_TEXT_MAX];
	region_init(&region, 4096, 1 << 20);
	b->conf.options.resolver.max_ttl_sec = 1;
	b->conf.options.resolver.stale_sec = 3600;
	cr_assert_eq(serve_prepare(b->serve, &b->conf, why, sizeof(why)), BH_OK);
	serve_commit(b->serve, &b->conf);
	ask(b, 9, "a.example.", RR_A);
	(void)one(b, &region);
	usleep(1100 * 1000);
	b->mute = true;
	ask(b, 1, "a.example.", RR_A);
	ask(b, 2, "b.example.", RR_A);
	cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	usleep(QUESTION_FAIR_MS * 1000);
	ask(b, 3, "c.example.", RR_A);
	collect(b, 1, &region, &msg, &token);
	cr_expect_eq(token, 1u);
	cr_expect_eq(b->page.counters[STAT_RES_DISPLACED], 1u);
	cr_expect_eq(msg.rcode, RCODE_NOERROR);
	cr_expect_eq(msg.ede, EDE_STALE_ANSWER);
	cr_expect_eq(msg.rr_count, 1u);
	region_clear(&region);
	bench_free(b);
}

/* A frontend that does not read for a while loses no reply. */
Test(serve, replies_wait_for_a_slow_frontend)
{
	enum { QUESTIONS = 1500 };
	static bool got[QUESTIONS];
	struct bench *b = bench_new(100);
	struct region region;
	unsigned count = 0;
	region_init(&region, 4096, 1 << 20);
	ask(b, 0, "www.example.", RR_A);
	(void)one(b, &region);
	for (unsigned i = 0; i < QUESTIONS; i++) { /* all are answered from the cache, and nobody reads */
		ask(b, i, "www.example.", RR_A);
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	}
	for (unsigned idle = 0; idle < 10;) {
		unsigned n;
		cr_assert_eq(qlink_receive(b->batch, b->ours, &n), BH_OK);
		for (unsigned i = 0; i < n; i++, count++) {
			uint64_t token = qlink_get(b->batch, i)->token;
			cr_assert(token < QUESTIONS && !got[token]);
			got[token] = true;
		}
		idle = n == 0 ? idle + 1 : 0;
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	}
	cr_assert_eq(count, QUESTIONS, "%u", count);
	cr_assert_eq(b->page.counters[STAT_RES_SEND_FAILED], 0u);
	region_clear(&region);
	bench_free(b);
}

/* So many replies from the cache that some wait for the frontend, which does not read. */
static void fill_backlog(struct bench *b, unsigned questions)
{
	struct region region;
	region_init(&region, 4096, 1 << 20);
	ask(b, 0, "www.example.", RR_A);
	(void)one(b, &region);
	for (unsigned i = 0; i < questions; i++) {
		ask(b, i, "www.example.", RR_A);
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	}
	region_clear(&region);
}

/* Nobody will take them: they are given up, and the loop rests. */
Test(serve, what_waits_for_a_frontend_that_is_gone_is_forgotten)
{
	struct bench *b = bench_new(100);
	fill_backlog(b, 1500);
	shutdown(b->ours, SHUT_RDWR);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	}
	cr_expect_gt(b->page.counters[STAT_RES_SEND_FAILED], 0u);
	/* Timers may be due on a slow machine, but few of them: a loop that does not rest turns thousands of times. */
	enum { ROUNDS_MAX = 20 };
	unsigned rounds = 0;
	struct timeval tv = { .tv_usec = 100000 };
	cr_assert_eq(event_base_loopexit(b->base, &tv), 0);
	do {
		cr_assert_geq(event_base_loop(b->base, EVLOOP_ONCE), 0);
		rounds++;
	} while (!event_base_got_exit(b->base) && rounds <= ROUNDS_MAX);
	cr_expect_leq(rounds, ROUNDS_MAX, "something is done over and over");
	bench_free(b);
}

/* All questions are answered, but not all answers are taken. */
Test(serve, a_stop_waits_for_replies_that_wait)
{
	enum { QUESTIONS = 1500 };
	struct bench *b = bench_new(100);
	unsigned count = 0;
	fill_backlog(b, QUESTIONS);
	serve_stop(b->serve);
	cr_assert_not(event_base_got_break(b->base));
	for (unsigned i = 0; i < 10000 && !event_base_got_break(b->base); i++) {
		unsigned n;
		cr_assert_eq(qlink_receive(b->batch, b->ours, &n), BH_OK);
		count += n;
		cr_assert_geq(event_base_loop(b->base, EVLOOP_NONBLOCK), 0);
	}
	cr_expect(event_base_got_break(b->base), "and no longer");
	for (unsigned n = 1; n > 0; count += n) {
		cr_assert_eq(qlink_receive(b->batch, b->ours, &n), BH_OK);
	}
	cr_expect_eq(count, QUESTIONS, "%u", count);
	bench_free(b);
}

Test(serve, source_ports_are_fresh_and_spread)
{
	struct bench *b = bench_new(200);
	struct region region;
	static struct message msgs[100];
	uint64_t tokens[100];
	region_init(&region, 4096, 1 << 20);
	for (unsigned i = 0; i < 100; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.example.", i);
		ask(b, i, name, RR_A);
	}
	collect(b, 100, &region, msgs, tokens);
	unsigned high = 0;
	unsigned distinct = 0;
	unsigned close_by = 0;
	for (unsigned i = 0; i < b->udp_asked; i++) {
		bool seen = false;
		for (unsigned k = 0; k < i; k++) {
			seen = seen || b->ports[k] == b->ports[i];
		}
		cr_assert_geq(b->ports[i], 1024);
		distinct += !seen;
		high += b->ports[i] >= b->ports[0];
		close_by += i > 0 && (uint16_t)(b->ports[i] - b->ports[i - 1] + 8) <= 16;
	}
	cr_assert_gt(distinct, 95u);
	cr_assert_lt(close_by, 5u, "ports do not follow each other");
	cr_assert(high > 0 && b->udp_asked == 100);
	region_clear(&region);
	bench_free(b);
}

/* A socket that served one query and serves another has another port, and none of the first one's packets. */
Test(serve, what_comes_late_does_not_reach_the_next_query)
{
	static const unsigned copies[] = { 1, UPSTREAM_DRAIN_MAX - 2, UPSTREAM_DRAIN_MAX, 3 * UPSTREAM_DRAIN_MAX };
	for (unsigned k = 0; k < COUNT(copies); k++) {
		struct bench *b = bench_new(100);
		struct region region;
		region_init(&region, 4096, 1 << 20);
		b->copies = copies[k];
		for (unsigned i = 0; i < 20; i++) {
			char name[32];
			snprintf(name, sizeof(name), "n%u.example.", i);
			ask(b, i, name, RR_A);
			cr_assert_eq(one(b, &region).rr_count, 1u);
			cr_assert(i == 0 || b->ports[i] != b->ports[i - 1]);
		}
		cr_assert_eq(b->page.counters[STAT_RES_UPSTREAM_MISMATCHES], 0u, "%u copies", copies[k]);
		cr_assert_eq(b->udp_asked, 20u);
		region_clear(&region);
		bench_free(b);
	}
}

/* Zones s0 .. s8 on servers of their own, 127.61.0.10 and on; the last one's answers over TCP. */
static void set_stubs(struct bench *b)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fds[] = { b->udp, b->tcp };
	char why[IPC_TEXT_MAX];
	for (unsigned i = 0; i < 2; i++) { /* the same port, of all addresses */
		event_free(b->events[i]);
		close(fds[i]);
		fds[i] = socket(AF_INET, i == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);
		sin.sin_port = htons(b->root.addrs[0].port);
		int on = 1;
		cr_assert_eq(setsockopt(fds[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
		cr_assert(i == 1 || setsockopt(fds[i], IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
		cr_assert_eq(bind(fds[i], (struct sockaddr *)&sin, sizeof(sin)), 0);
		b->events[i] = event_new(b->base, fds[i], EV_READ | EV_PERSIST, i == 0 ? on_udp_any : on_tcp, b);
		cr_assert_eq(event_add(b->events[i], NULL), 0);
	}
	cr_assert_eq(listen(fds[1], 512), 0);
	b->udp = fds[0];
	b->tcp = fds[1];
	for (unsigned i = 0; i < STUBS; i++) {
		char text[32];
		snprintf(text, sizeof(text), "s%u.", i);
		cr_assert_gt(dname_from_text(text, b->stubs[i].name), 0);
		snprintf(text, sizeof(text), "127.61.0.%u", i == STUBS - 1 ? 100 : 10 + i);
		b->stubs[i].count = 1;
		cr_assert_eq(addr_parse(text, b->root.addrs[0].port, &b->stubs[i].addrs[0]), BH_OK);
	}
	b->conf.stubs = b->stubs;
	b->conf.stub_count = STUBS;
	cr_assert_eq(serve_prepare(b->serve, &b->conf, why, sizeof(why)), BH_OK);
	serve_commit(b->serve, &b->conf);
}

static void settle(struct bench *b, unsigned want)
{
	for (unsigned turn = 0; turn < 500 && b->held < want; turn++) {
		struct timeval tv = { .tv_usec = 10000 };
		cr_assert_eq(event_base_loopexit(b->base, &tv), 0);
		(void)event_base_loop(b->base, EVLOOP_ONCE);
	}
	cr_assert_geq(b->held, want);
}

Test(serve, slow_servers_do_not_hold_all_tcp_connections)
{
	struct bench *b = bench_new(1000);
	struct region region;
	char name[32];
	region_init(&region, 4096, 1 << 20);
	set_stubs(b);
	b->truncate = true;
	b->mute_tcp = true;
	/* One server: no more than its share. */
	for (unsigned i = 0; i < UPSTREAM_TCP_SERVER_MAX + 8; i++) {
		snprintf(name, sizeof(name), "n%u.s0.", i);
		ask(b, i, name, RR_A);
	}
	settle(b, UPSTREAM_TCP_SERVER_MAX);
	static struct message msgs[8];
	uint64_t tokens[8];
	collect(b, 8, &region, msgs, tokens);
	for (unsigned i = 0; i < 8; i++) {
		cr_assert_eq(msgs[i].rcode, RCODE_SERVFAIL, "those above it are told so");
	}
	cr_assert_eq(b->held, (unsigned)UPSTREAM_TCP_SERVER_MAX);
	/* Eight servers take all there are. */
	unsigned want = UPSTREAM_TCP_SERVER_MAX;
	for (unsigned s = 1; s < UPSTREAM_TCP_MAX / UPSTREAM_TCP_SERVER_MAX; s++) {
		for (unsigned i = 0; i < UPSTREAM_TCP_SERVER_MAX; i++) {
			snprintf(name, sizeof(name), "n%u.s%u.", i, s);
			ask(b, i, name, RR_A);
		}
		want += UPSTREAM_TCP_SERVER_MAX;
		settle(b, want);
	}
	/* Then a good one: once the oldest had its time, it is served while they still wait. */
	uint64_t fair_ms = clock_now_ms() + UPSTREAM_TCP_FAIR_MS;
	while (clock_now_ms() < fair_ms) {
		struct timeval tv = { .tv_usec = 10000 };
		cr_assert_eq(event_base_loopexit(b->base, &tv), 0);
		(void)event_base_loop(b->base, EVLOOP_ONCE);
	}
	snprintf(name, sizeof(name), "good.s%u.", STUBS - 1);
	ask(b, 9999, name, RR_A);
	unsigned turns = 0;
	for (bool there = false; !there; turns++) {
		struct message msg;
		uint64_t token;
		collect(b, 1, &region, &msg, &token);
		there = token == 9999;
		cr_assert(!there || msg.rcode == RCODE_NOERROR, "it had its connection");
		cr_assert_lt(turns, 100u);
	}
	region_clear(&region);
	bench_free(b);
}

Test(serve, special_names_are_answered_here)
{
	struct bench *b = bench_new(100);
	struct region region;
	region_init(&region, 4096, 1 << 20);
	ask(b, 1, "localhost.", RR_A);
	struct message m = one(b, &region);
	cr_assert_eq(m.rr_count, 1u);
	cr_assert_eq(memcmp(m.rrs[0].rdata, "\177\0\0\1", 4), 0);
	ask(b, 2, "5.1.168.192.in-addr.arpa.", RR_PTR);
	m = one(b, &region);
	cr_assert_eq(m.rcode, RCODE_NXDOMAIN);
	cr_assert_eq(b->udp_asked, 0u);
	region_clear(&region);
	bench_free(b);
}

Test(serve, frontend_that_broke_the_link_has_a_successor)
{
	struct bench *b = bench_new(100);
	struct region region;
	uint8_t wire[512];
	region_init(&region, 4096, 1 << 20);
	size_t len = write_query(wire, "x.example.", RR_A, CLASS_CH, FLAG_RD);
	for (unsigned i = 0; i < 50; i++) {
		cr_assert_eq(send(b->ours, "garbage", 7, 0), 7);
	}
	struct qlink_message odd = { .token = 9, .kind = QLINK_REPLY, .budget = 1, .dns = wire, .dns_len = len };
	cr_assert_eq(qlink_push(b->batch, b->ours, &odd), BH_OK);
	cr_assert_eq(qlink_flush(b->batch, b->ours, NULL, NULL), BH_OK);
	(void)event_base_loop(b->base, EVLOOP_ONCE);
	ask_raw(b, 1, wire, len); /* among the garbage, and answered when that is passed over */
	(void)event_base_loop(b->base, EVLOOP_NONBLOCK);
	serve_peer_restarted(b->serve, 7);
	cr_assert_eq(one(b, &region).rcode, RCODE_REFUSED);
	for (unsigned i = 0; i < 100; i++) {
		(void)event_base_loop(b->base, EVLOOP_NONBLOCK);
	}
	ask_raw(b, 2, wire, len);
	cr_assert_eq(one(b, &region).rcode, RCODE_REFUSED);
	region_clear(&region);
	bench_free(b);
}

/* With a watcher it asks itself, and writes down how that went; nobody's question is counted. */
Test(serve, asks_itself_when_it_is_watched)
{
	struct bench *b = bench_new(100);
	char why[IPC_TEXT_MAX];
	const struct stats_probe *own = &b->page.probes[STATS_PROBE_OWN];
	cr_assert_eq(b->page.beat_ms, 0, "nobody watches");

	b->conf.probe = true;
	cr_assert_gt(dname_from_text("www.example.", b->conf.probe_name.name), 0);
	cr_assert_eq(serve_prepare(b->serve, &b->conf, why, sizeof(why)), BH_OK);
	serve_commit(b->serve, &b->conf);
	for (unsigned turn = 0; turn < 500 && own->ended_ms == 0; turn++) {
		struct timeval tv = { .tv_usec = 10000 };
		cr_assert_eq(event_base_loopexit(b->base, &tv), 0);
		(void)event_base_loop(b->base, EVLOOP_ONCE);
	}
	cr_assert(own->ended_ms > 0 && own->parts == 1 && own->failed == 0);
	cr_assert_gt(b->page.beat_ms, 0);
	cr_assert_gt(b->page.counters[STAT_RES_UPSTREAM_UDP], 0u, "servers were asked");
	static const enum stats_resolver none[] = { STAT_RES_QUERIES,	     STAT_RES_CACHE_ANSWERS, STAT_RES_CACHE_MISSES,
						    STAT_RES_SERVFAIL,	     STAT_RES_NXDOMAIN,	     STAT_RES_PENDING,
						    STAT_RES_LATENCY_MS };
	for (size_t i = 0; i < COUNT(none); i++) {
		cr_expect_eq(b->page.counters[none[i]], 0u, "%d", (int)none[i]);
	}

	/* nobody watches any more */
	b->conf.probe = false;
	cr_assert_eq(serve_prepare(b->serve, &b->conf, why, sizeof(why)), BH_OK);
	serve_commit(b->serve, &b->conf);
	cr_assert(b->page.beat_ms == 0 && own->ended_ms == 0);
	bench_free(b);
}

Test(serve, a_probe_is_answered_and_not_counted)
{
	struct bench *b = bench_new(100);
	struct region region;
	uint8_t wire[512];
	region_init(&region, 4096, 1 << 20);
	send_raw(b, QLINK_PROBE, 5, wire, write_query(wire, ".", RR_SOA, CLASS_IN, FLAG_RD));
	struct message m = one(b, &region);
	cr_assert_eq(m.rcode, RCODE_NOERROR);
	for (unsigned i = 0; i < STAT_RES_COUNT; i++) {
		cr_expect(b->page.counters[i] == 0 || (i >= STAT_RES_CACHE_ENTRIES && i <= STAT_RES_CACHE_LIMIT), "%u", i);
	}
	region_clear(&region);
	bench_free(b);
}
