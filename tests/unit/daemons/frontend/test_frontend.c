/*
 * The whole frontend in its event loop, with real client sockets on loopback and the test itself at
 * the other end of the query links. SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "daemons/frontend/frontend.h"

#include "common/dns/dname.h"
#include "common/ipc/qlink.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"
#include "common/ipc/shard.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AUTHORITY, SHARD0, SHARD1, LINKS };

static struct event_base *base;
static struct frontend *frontend;
static struct stats_page page;
static struct stats_page *stats = &page;
static struct role_conf conf;
static struct role_listener listeners[4];
static struct role_query_link links[LINKS];
static struct role_zone zones[2];
static int far[LINKS]; /* our ends */
static struct qlink_batch *batch;
static int client;

static struct sockaddr_in bound(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return sin;
}

static int loopback_socket(int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	if (type == SOCK_STREAM) {
		cr_assert_eq(listen(fd, 16), 0);
	}
	return fd;
}

static void new_pair(unsigned which, uint32_t id)
{
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	far[which] = pair[1];
	links[which].fd = pair[0];
	links[which].info.id = id;
	links[which].info.peer = which == AUTHORITY ? ROLE_AUTHORITY : ROLE_RESOLVER;
	links[which].info.peer_index = which == SHARD1 ? 1 : 0;
}

static int configure(void)
{
	char why[64];
	int rc = frontend_role_ops.prepare(frontend, &conf, why, sizeof(why));
	if (rc == BH_OK) {
		frontend_role_ops.commit(frontend, &conf);
	}
	return rc;
}

static void setup(void)
{
	struct prefix all;
	memset(&conf, 0, sizeof(conf));
	memset(&page, 0, sizeof(page));
	base = event_base_new();
	frontend = frontend_new(base, &stats);
	batch = qlink_batch_new();
	cr_assert(base != NULL && frontend != NULL && batch != NULL);
	frontend_set_patience(frontend, 300);

	conf.options.frontend = (struct ipc_conf_frontend){ .cache_bytes = 1 << 20, .pending_max = 2000,
							    .client_pending_max = 1000,
							    .unproven_pending_max = 1000,
							    .tcp = { 10, 10, 5000, 5000 }, .budget = 100 };
	for (unsigned i = 0; i < 4; i++) {
		listeners[i].info.id = 10 + i;
		listeners[i].info.proto = i % 2 == 0 ? IPC_UDP : IPC_TCP;
		listeners[i].fd = loopback_socket(i % 2 == 0 ? SOCK_DGRAM : SOCK_STREAM);
	}
	for (unsigned i = 0; i < LINKS; i++) {
		new_pair(i, 20 + i);
	}
	memset(zones, 0, sizeof(zones));
	cr_assert_gt(dname_from_text("corp.example", zones[0].info.name), 0);
	cr_assert_gt(dname_from_text("example.com", zones[1].info.name), 0);
	zones[1].info.flags = IPC_ZONE_OVERLAY;
	conf.listeners = listeners;
	conf.listener_count = 2;
	conf.links = links;
	conf.link_count = LINKS;
	conf.zones = zones;
	conf.zone_count = 2;
	cr_assert_eq(prefix_parse("127.0.0.1", &all), BH_OK);
	cr_assert_eq(acl_add(&conf.acl, &all), BH_OK);
	cr_assert_eq(configure(), BH_OK);

	client = loopback_socket(SOCK_DGRAM);
	int room = 200 * 1024; /* the kernel doubles it: some 500 small packets at once */
	cr_assert_eq(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
}

static void teardown(void)
{
	frontend_free(frontend);
	event_base_free(base);
	qlink_batch_free(batch);
	acl_clear(&conf.acl);
	for (unsigned i = 0; i < LINKS; i++) {
		close(far[i]);
		close(links[i].fd);
	}
	for (unsigned i = 0; i < 4; i++) {
		close(listeners[i].fd);
	}
	close(client);
}

TestSuite(frontend, .init = setup, .fini = teardown);

/* A frontend in another process, or 0. */
static pid_t remote;

/* Let the frontend work on what is there. */
static void turn(void)
{
	if (remote != 0) {
		usleep(10000);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_geq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	}
}

/* How often to look for what must come: another process takes its time. */
static unsigned tries(void)
{
	return remote != 0 ? 300 : 1;
}

static void turn_for(unsigned ms)
{
	uint64_t end = clock_now_ms() + ms;
	while (clock_now_ms() < end) {
		turn();
		usleep(2000);
	}
}

static void send_raw(const void *bytes, size_t len, unsigned listener)
{
	struct sockaddr_in to = bound(listeners[listener].fd);
	cr_assert_eq(sendto(client, bytes, len, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)len);
}

static void send_query(uint16_t id, const char *qname, uint16_t type)
{
	uint8_t wire[512];
	size_t len = make_query(wire, id, qname, type, FLAG_RD, 1232, false);
	send_raw(wire, len, 0);
	turn();
}

/* The next reply to the client, or NULL. */
static const struct message *receive(void)
{
	static uint8_t wire[4096];
	ssize_t n = -1;
	for (unsigned i = 0; n < 0 && i < tries(); i++) {
		turn();
		n = recv(client, wire, sizeof(wire), 0);
	}
	return n < 0 ? NULL : parse(wire, (size_t)n);
}

static const struct message *expect(uint16_t rcode)
{
	const struct message *m = receive();
	cr_assert_not_null(m, "no answer");
	cr_assert_eq(m->rcode, rcode, "%s", rcode_text(m->rcode));
	return m;
}

struct seen {
	uint64_t token;
	uint16_t budget;
	uint8_t dns[600];
	size_t len;
};

/* The next question at our end of a link. */
static bool next_question(unsigned which, struct seen *seen)
{
	struct {
		uint8_t header[QLINK_HEADER];
		uint8_t dns[600];
	} d;
	ssize_t n = -1;
	for (unsigned i = 0; n < 0 && i < tries(); i++) {
		turn();
		n = recv(far[which], &d, sizeof(d), MSG_DONTWAIT);
	}
	if (n <= 0) {
		return false;
	}
	struct qlink_message m;
	cr_assert_eq(qlink_decode((uint8_t *)&d, (size_t)n, &m), BH_OK);
	cr_assert_eq(m.kind, QLINK_QUERY);
	seen->token = m.token;
	seen->budget = m.budget;
	seen->len = m.dns_len;
	memcpy(seen->dns, m.dns, m.dns_len);
	return true;
}

static void no_lost(void *ctx, const struct qlink_message *m)
{
	(void)ctx;
	(void)m;
	cr_assert_fail("the frontend did not take a reply");
}

static void reply_to(unsigned which, const struct seen *seen, uint16_t rcode, const struct rec *recs)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct qlink_message m = { .token = seen->token, .kind = QLINK_REPLY, .budget = seen->budget, .dns = wire };
	m.dns_len = make_reply(wire, seen->dns, seen->len, 0, rcode, recs, true, EDE_NONE, NULL);
	cr_assert_eq(qlink_push(batch, far[which], &m), BH_OK);
	cr_assert_eq(qlink_flush(batch, far[which], no_lost, NULL), BH_OK);
	turn();
}

static unsigned shard_of(const char *qname)
{
	return SHARD0 + shard_of_name(name(qname), 2);
}

static const struct rec a_test[] = { { AN, "a.test", RR_A, 60, "192.0.2.1" }, { 0 } };

Test(frontend, asks_the_right_side_and_caches_public_answers_only)
{
	struct seen seen;
	send_query(1, "www.corp.example", RR_A);
	cr_assert(next_question(AUTHORITY, &seen));
	cr_assert_not(next_question(SHARD0, &seen) || next_question(SHARD1, &seen), "the resolver hears nothing");
	reply_to(AUTHORITY, &seen, RCODE_NOERROR,
		 (struct rec[]){ { AN, "www.corp.example", RR_A, 60, "10.0.0.1" }, { 0 } });
	cr_assert_str_eq(section_text(expect(RCODE_NOERROR), AN), "www.corp.example. A 60 10.0.0.1");
	send_query(2, "www.corp.example", RR_A);
	cr_assert(next_question(AUTHORITY, &seen), "not cached");
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	cr_assert_eq(expect(RCODE_NXDOMAIN)->id, 2);

	send_query(3, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	cr_assert_not(next_question(AUTHORITY, &seen));
	cr_assert_eq(seen.budget, 99);
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 3);
	send_query(4, "a.TEST", RR_A);
	const struct message *m = expect(RCODE_NOERROR);
	cr_assert_eq(m->id, 4);
	cr_assert_str_eq(section_text(m, AN), "a.TEST. A 60 192.0.2.1");
	cr_assert_null(receive());
	cr_assert_eq(page.counters[STAT_FRONT_UDP_QUERIES], 4);
	cr_assert_eq(page.counters[STAT_FRONT_CACHE_HITS], 1);
	cr_assert_eq(page.counters[STAT_FRONT_CACHE_ENTRIES], 1);
	cr_assert_eq(page.counters[STAT_FRONT_NOERROR], 3);
	cr_assert_eq(page.counters[STAT_FRONT_NXDOMAIN], 1);
	cr_assert_eq(page.counters[STAT_FRONT_TO_AUTHORITY], 2);
	cr_assert_eq(page.counters[STAT_FRONT_TO_RESOLVER], 1);
	cr_assert_eq(page.counters[STAT_FRONT_INTENTIONAL_DROPS], 0);
}

Test(frontend, shards_by_the_last_two_labels)
{
	bool used[2] = { false };
	char text[64];
	cr_assert_eq(shard_of_name(name("a.b.example.org"), 16), shard_of_name(name("Example.ORG"), 16));
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "www.d%u.org", i);
		uint32_t shard = shard_of_name(name(text), 2);
		cr_assert_lt(shard, 2);
		used[shard] = true;
	}
	cr_assert(used[0] && used[1]);
	cr_assert_eq(shard_of_name(name("."), 1), 0);
}

Test(frontend, refuses_who_may_not_ask)
{
	struct prefix other;
	acl_clear(&conf.acl);
	cr_assert_eq(prefix_parse("10.0.0.0/8", &other), BH_OK);
	cr_assert_eq(acl_add(&conf.acl, &other), BH_OK);
	cr_assert_eq(configure(), BH_OK);
	send_query(1, "a.test", RR_A);
	cr_assert_eq(expect(RCODE_REFUSED)->ede, EDE_PROHIBITED);
	send_query(1, "www.corp.example", RR_A);
	expect(RCODE_REFUSED);
}

Test(frontend, bad_queries_get_their_answer)
{
	uint8_t wire[512];
	size_t full = make_query(wire, 0x4242, "a.test", RR_A, FLAG_RD, 1232, false);
	for (size_t len = 0; len < full; len++) {
		send_raw(wire, len, 0);
		const struct message *m = receive();
		cr_assert_eq(m == NULL, len < DNS_HEADER_SIZE, "%zu", len);
		if (m != NULL) {
			cr_assert_eq(m->rcode, RCODE_FORMERR, "%zu: %u", len, m->rcode);
			cr_assert_eq(m->id, 0x4242);
		}
	}
	cr_assert_eq(page.counters[STAT_FRONT_IGNORED], DNS_HEADER_SIZE);
	wire[2] |= 0x80; /* a response is no question */
	send_raw(wire, full, 0);
	cr_assert_null(receive());
	wire[2] = (uint8_t)(OPCODE_UPDATE << 3);
	send_raw(wire, full, 0);
	expect(RCODE_NOTIMP);
	wire[2] = 1;
	wire[full - 11 + 6] = 1; /* EDNS version 1 */
	send_raw(wire, full, 0);
	expect(RCODE_BADVERS);
	cr_assert_eq(page.counters[STAT_FRONT_PENDING], 0);
}

/* A query with a COOKIE option, and keepalive. Returns its octets. */
static size_t cookie_query(uint8_t *out, const uint8_t *cookie, size_t cookie_len, bool keepalive)
{
	uint8_t options[64];
	struct sink s = sink_of(options, sizeof(options));
	struct compose c;
	if (cookie_len > 0) {
		sink_u16(&s, EDNS_OPTION_COOKIE);
		sink_blob(&s, cookie, cookie_len);
	}
	if (keepalive) {
		sink_u32(&s, (uint32_t)EDNS_OPTION_KEEPALIVE << 16);
	}
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_NONE, .options = options,
				   .options_len = (uint16_t)s.pos };
	compose_begin(&c, out, UDP_SIZE_PLAIN, edns_size(&edns), 7, FLAG_RD, name("cookie.test"), RR_A, CLASS_IN);
	return compose_finish(&c, &edns);
}

/* The option in the OPT that closes a message, or NULL. */
static const uint8_t *find_option(const uint8_t *wire, size_t len, uint16_t code, size_t *option_len)
{
	for (size_t at = len - 4; at > DNS_HEADER_SIZE; at--) {
		size_t claimed = get_u16(wire + at + 2);
		if (get_u16(wire + at) == code && at + 4 + claimed <= len && claimed <= 40) {
			*option_len = claimed;
			return wire + at + 4;
		}
	}
	return NULL;
}

static size_t exchange(const uint8_t *query, size_t len, uint8_t *reply, size_t room)
{
	send_raw(query, len, 0);
	turn();
	ssize_t n = recv(client, reply, room, 0);
	cr_assert_gt(n, 0);
	return (size_t)n;
}

static void set_cookies(uint8_t mode)
{
	conf.options.frontend.cookies = mode;
	conf.cookie_secrets.secrets.count = mode == IPC_COOKIES_OFF ? 0 : 1;
	memset(conf.cookie_secrets.secrets.bytes, 0x77, sizeof(conf.cookie_secrets.secrets.bytes));
	cr_assert_eq(configure(), BH_OK);
}

/* RFC 7873 5.2, RFC 9018: who sends half a cookie gets the other half, and is known by it. */
Test(frontend, gives_cookies_and_knows_them)
{
	static const uint8_t half[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t query[512], reply[2048], whole[COOKIE_REPLY_SIZE];
	size_t option_len = 0;

	set_cookies(IPC_COOKIES_REQUIRE);
	/* no cookie at all: served as always */
	send_query(1, "plain.test", RR_A);
	struct seen seen;
	cr_assert(next_question(shard_of("plain.test"), &seen));
	cr_assert_null(receive());
	/* half of one: BADCOOKIE with what is needed */
	size_t n = exchange(query, cookie_query(query, half, 8, true), reply, sizeof(reply));
	cr_assert_eq(parse(reply, n)->rcode, RCODE_BADCOOKIE);
	const uint8_t *option = find_option(reply, n, EDNS_OPTION_COOKIE, &option_len);
	cr_assert_not_null(option);
	cr_assert_eq(option_len, COOKIE_REPLY_SIZE);
	cr_assert_eq(memcmp(option, half, 8), 0);
	memcpy(whole, option, sizeof(whole));
	cr_assert_null(find_option(reply, n, EDNS_OPTION_KEEPALIVE, &option_len), "RFC 7828 3.2.2: not over UDP");
	/* a forged one: the same */
	whole[23] ^= 1;
	n = exchange(query, cookie_query(query, whole, sizeof(whole), false), reply, sizeof(reply));
	cr_assert_eq(parse(reply, n)->rcode, RCODE_BADCOOKIE);
	whole[23] ^= 1;
	/* the whole: it is asked for */
	send_raw(query, cookie_query(query, whole, sizeof(whole), false), 0);
	cr_assert(next_question(shard_of("cookie.test"), &seen));
	cr_assert_eq(page.counters[STAT_FRONT_COOKIE + COOKIE_NONE], 1);
	cr_assert_eq(page.counters[STAT_FRONT_COOKIE + COOKIE_CLIENT_ONLY], 1);
	cr_assert_eq(page.counters[STAT_FRONT_COOKIE + COOKIE_BAD], 1);
	cr_assert_eq(page.counters[STAT_FRONT_COOKIE + COOKIE_VALID], 1);
	cr_assert_eq(page.counters[STAT_FRONT_BADCOOKIE], 2);

	/* Where they are not required, a bad one is answered, with a good one. */
	set_cookies(IPC_COOKIES_ANSWER);
	whole[23] ^= 1;
	send_raw(query, cookie_query(query, whole, sizeof(whole), false), 0);
	turn_for(350); /* nobody answers: the error has the cookie too */
	const struct message *m = NULL;
	unsigned with_cookie = 0;
	ssize_t got;
	while ((got = recv(client, reply, sizeof(reply), 0)) > 0) {
		m = parse(reply, (size_t)got);
		cr_assert_eq(m->rcode, RCODE_SERVFAIL);
		option = find_option(reply, (size_t)got, EDNS_OPTION_COOKIE, &option_len);
		with_cookie += option != NULL && memcmp(option, half, 8) == 0;
	}
	cr_assert_eq(with_cookie, 2);
	set_cookies(IPC_COOKIES_OFF);
	conf.options.frontend.cookies = IPC_COOKIES_ANSWER;
	cr_assert_neq(configure(), BH_OK, "without a secret there are none");
}

/* Who has a cookie of ours may wait for more than who may be anybody. */
Test(frontend, a_cookie_buys_room)
{
	static const uint8_t half[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t query[512], reply[2048], whole[COOKIE_REPLY_SIZE];
	size_t option_len = 0;
	char text[32];

	conf.options.frontend.unproven_pending_max = 3;
	conf.options.frontend.client_pending_max = 6;
	set_cookies(IPC_COOKIES_REQUIRE);
	for (uint16_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		send_query(i, text, RR_A);
	}
	const struct message *m = expect(RCODE_SERVFAIL);
	cr_assert(m->id == 3 && m->ede == EDE_OTHER);
	size_t n = exchange(query, cookie_query(query, half, 8, false), reply, sizeof(reply));
	const uint8_t *option = find_option(reply, n, EDNS_OPTION_COOKIE, &option_len);
	cr_assert_not_null(option);
	memcpy(whole, option, sizeof(whole));
	for (unsigned i = 0; i < 4; i++) {
		send_raw(query, cookie_query(query, whole, sizeof(whole), false), 0);
		turn();
	}
	cr_assert_eq(page.counters[STAT_FRONT_PENDING], 6);
	expect(RCODE_SERVFAIL);
	cr_assert_null(receive());
}

/* One TCP exchange: several questions at once, answers in any order. */
Test(frontend, serves_tcp)
{
	static uint8_t wire[DNS_MESSAGE_MAX + 2];
	static struct rec big[302];
	struct seen seen;
	struct sockaddr_in to = bound(listeners[1].fd);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	for (uint16_t id = 1; id <= 2; id++) {
		size_t len = make_query(wire + 2, id, id == 1 ? "big.test" : "www.corp.example", RR_A, FLAG_RD, 0,
					false);
		put_u16(wire, (uint16_t)len);
		cr_assert_eq(send(fd, wire, len + 2, 0), (ssize_t)len + 2);
	}
	turn_for(20);
	for (unsigned i = 0; i < 300; i++) {
		big[i] = (struct rec){ AN, "big.test", RR_A, 60, "192.0.2.1" };
	}
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	cr_assert(next_question(shard_of("big.test"), &seen));
	reply_to(shard_of("big.test"), &seen, RCODE_NOERROR, big);
	turn_for(20);
	for (uint16_t want = 2; want >= 1; want--) {
		cr_assert_eq(recv(fd, wire, 2, MSG_WAITALL), 2);
		size_t len = get_u16(wire);
		cr_assert_eq(recv(fd, wire, len, MSG_WAITALL), (ssize_t)len);
		const struct message *m = parse(wire, len);
		cr_assert_eq(m->id, want);
		cr_assert_eq(m->rcode, want == 2 ? RCODE_NXDOMAIN : RCODE_NOERROR);
		cr_assert_eq(m->rr_count, want == 2 ? 0 : 300);
		cr_assert_eq(m->flags & FLAG_TC, 0);
	}
	close(fd);
	/* The same answer over UDP is too large. */
	send_query(3, "big.test", RR_A);
	const struct message *m = expect(RCODE_NOERROR);
	cr_assert_eq(m->flags & FLAG_TC, FLAG_TC);
	cr_assert_eq(m->rr_count, 0);
	cr_assert_eq(page.counters[STAT_FRONT_TRUNCATED], 1);
	cr_assert_eq(page.counters[STAT_FRONT_TCP_QUERIES], 2);
	cr_assert_eq(page.counters[STAT_FRONT_TCP_ACCEPTED], 1);
}

static int tcp_connect(void)
{
	struct sockaddr_in to = bound(listeners[1].fd);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval tv = { .tv_sec = 2 };
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return fd;
}

static void tcp_send(int fd, const uint8_t *query, size_t len)
{
	uint8_t frame[600];
	put_u16(frame, (uint16_t)len);
	memcpy(frame + 2, query, len);
	cr_assert_eq(send(fd, frame, len + 2, 0), (ssize_t)len + 2);
}

static void tcp_send_query(int fd, uint16_t id, const char *qname)
{
	uint8_t wire[512];
	tcp_send(fd, wire, make_query(wire, id, qname, RR_A, FLAG_RD, 1232, false));
}

/* The next message, or 0 octets: the end. */
static size_t tcp_receive(int fd, uint8_t *wire)
{
	uint8_t head[2];
	if (recv(fd, head, 2, MSG_WAITALL) != 2) {
		return 0;
	}
	size_t len = get_u16(head);
	cr_assert_eq(recv(fd, wire, len, MSG_WAITALL), (ssize_t)len);
	return len;
}

/* RFC 7766 6.2.3: who has said all that he wants to say still gets every answer, as each is ready. */
Test(frontend, tcp_half_closed_clients_get_their_answers)
{
	static const char *const names[] = { "one.test", "two.test", "three.test" };
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct seen seen[3];
	int fd = tcp_connect();
	for (uint16_t i = 0; i < 3; i++) {
		tcp_send_query(fd, i, names[i]);
	}
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	turn_for(20);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert(next_question(shard_of(names[i]), &seen[i]));
	}
	for (unsigned i = 3; i-- > 0;) {
		reply_to(shard_of(names[i]), &seen[i], RCODE_NXDOMAIN, NULL);
		turn_for(10);
		size_t len = tcp_receive(fd, wire);
		cr_assert_gt(len, 0);
		cr_assert_eq(parse(wire, len)->id, i, "as ready, not as asked");
	}
	turn_for(10);
	cr_assert_eq(tcp_receive(fd, wire), 0, "then the connection ends");
	close(fd);
}

/* A client that is gone leaves nothing behind, and its number of connections is bounded. */
Test(frontend, tcp_clients_that_go_and_that_crowd)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct seen seen;
	int fds[12];
	struct linger reset = { .l_onoff = 1 };

	int fd = tcp_connect();
	tcp_send_query(fd, 1, "gone.test");
	turn_for(20);
	cr_assert(next_question(shard_of("gone.test"), &seen));
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
	turn_for(20);
	reply_to(shard_of("gone.test"), &seen, RCODE_NXDOMAIN, NULL);
	turn_for(20);
	cr_assert_eq(page.counters[STAT_FRONT_PENDING], 0);

	/* Ten are allowed: idle ones make room for new ones, and the new ones are served. */
	for (unsigned i = 0; i < 12; i++) {
		fds[i] = tcp_connect();
		turn_for(10);
		tcp_send_query(fds[i], (uint16_t)i, "gone.test");
		turn_for(10);
		if (next_question(shard_of("gone.test"), &seen)) {
			reply_to(shard_of("gone.test"), &seen, RCODE_NXDOMAIN, NULL);
			turn_for(10);
		}
		size_t len = tcp_receive(fds[i], wire);
		cr_assert_gt(len, 0, "connection %u", i);
		cr_assert_eq(parse(wire, len)->id, i);
	}
	for (unsigned i = 0; i < 12; i++) {
		close(fds[i]);
	}
}

/* RFC 7828: who asks over TCP is told how long the connection may be idle. */
Test(frontend, tcp_keepalive)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	uint8_t query[512];
	struct seen seen;
	size_t option_len = 0;
	int fd = tcp_connect();
	tcp_send(fd, query, cookie_query(query, NULL, 0, true));
	turn_for(20);
	cr_assert(next_question(shard_of("cookie.test"), &seen));
	reply_to(shard_of("cookie.test"), &seen, RCODE_NXDOMAIN, NULL);
	turn_for(20);
	size_t len = tcp_receive(fd, wire);
	cr_assert_gt(len, 0);
	const uint8_t *option = find_option(wire, len, EDNS_OPTION_KEEPALIVE, &option_len);
	cr_assert_not_null(option);
	cr_assert_eq(option_len, 2);
	unsigned tenths = get_u16(option);
	cr_assert(tenths > 10 && tenths <= 50, "%u tenths of a second, of 5 s", tenths);
	close(fd);
}

/* What is no DNS over TCP gives the connection up; nothing waits for ever. */
Test(frontend, tcp_garbage)
{
	struct sockaddr_in to = bound(listeners[1].fd);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint8_t byte;
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(send(fd, "\0\5hello", 7, 0), 7);
	turn_for(20);
	cr_assert_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0, "closed");
	close(fd);
}

Test(frontend, identical_questions_are_asked_once)
{
	struct seen seen;
	for (uint16_t i = 0; i < 100; i++) {
		uint8_t wire[512];
		size_t len = make_query(wire, i, "a.test", RR_A, FLAG_RD, 0, false);
		send_raw(wire, len, 0);
	}
	turn();
	cr_assert(next_question(shard_of("a.test"), &seen));
	cr_assert_not(next_question(shard_of("a.test"), &(struct seen){ 0 }));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	bool got[100] = { false };
	for (unsigned i = 0; i < 100; i++) {
		uint16_t id = expect(RCODE_NOERROR)->id;
		cr_assert_not(got[id]);
		got[id] = true;
	}
	cr_assert_null(receive());
}

Test(frontend, silence_of_the_other_side_ends_in_servfail)
{
	struct seen seen;
	send_query(1, "a.test", RR_A);
	send_query(2, "www.corp.example", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	cr_assert_null(receive());
	turn_for(400);
	cr_assert_eq(expect(RCODE_SERVFAIL)->id, 1);
	cr_assert_eq(expect(RCODE_SERVFAIL)->id, 2);
	cr_assert_eq(page.counters[STAT_FRONT_TIMEOUTS], 2);
	/* too late: nobody gets a second answer, but it is no reason to break with the resolver */
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	cr_assert_null(receive());
	send_query(3, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	expect(RCODE_NOERROR);
}

/* Nobody reads at the other end for long: each query is still answered exactly once. */
Test(frontend, questions_wait_for_a_full_link_and_end_in_time)
{
	enum { QUERIES = 900 };
	static uint8_t got[QUERIES];
	char text[32];
	/* All answers may come at once, when we are not given the processor for long. */
	int room = 4 << 20;
	cr_assert_eq(setsockopt(client, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	for (uint16_t i = 0; i < QUERIES; i++) {
		snprintf(text, sizeof(text), "n%u.corp.example", i);
		send_query(i, text, RR_A);
		cr_assert_null(receive());
	}
	cr_assert_eq(page.counters[STAT_FRONT_OVERLOADED], 0);
	unsigned answers = 0;
	uint64_t end = clock_now_ms() + 10000;
	while (answers < QUERIES && clock_now_ms() < end) {
		const struct message *m;
		while ((m = receive()) != NULL) {
			cr_assert_eq(m->rcode, RCODE_SERVFAIL);
			got[m->id]++;
			answers++;
		}
	}
	cr_assert_null(receive());
	for (unsigned i = 0; i < QUERIES; i++) {
		cr_assert_eq(got[i], 1, "query %u got %u answers", i, got[i]);
	}
	cr_assert_eq(page.counters[STAT_FRONT_PENDING], 0);
}

/* A flood fills the link to somebody slow. Who asks little is asked for first when there is room. */
Test(frontend, a_flood_waits_behind_others_for_a_full_link)
{
	enum { QUERIES = 900, LIGHT_AT = 600 };
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000002) } };
	uint8_t light[DNAME_MAX];
	struct seen seen;
	char text[32];
	int flooder = client;
	int quiet = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	unsigned asked = 0;
	unsigned light_was = 0;

	struct prefix prefix;
	cr_assert_eq(prefix_parse("127.0.0.2", &prefix), BH_OK);
	cr_assert_eq(acl_add(&conf.acl, &prefix), BH_OK);
	cr_assert_eq(configure(), BH_OK);
	dname_copy_lower(light, name("light.corp.example"));
	cr_assert_eq(bind(quiet, (struct sockaddr *)&other, sizeof(other)), 0);
	for (uint16_t i = 0; i < QUERIES; i++) {
		snprintf(text, sizeof(text), "n%u.corp.example", i);
		client = i == LIGHT_AT ? quiet : flooder;
		send_query(i, i == LIGHT_AT ? "light.corp.example" : text, RR_A);
	}
	client = flooder;
	for (unsigned idle = 0; idle < 5;) {
		if (!next_question(AUTHORITY, &seen)) {
			idle++;
			continue;
		}
		asked++;
		if (memcmp(seen.dns + DNS_HEADER_SIZE, light, dname_len(light)) == 0) {
			light_was = asked;
		}
		reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	}
	cr_assert_eq(asked, QUERIES, "%u", asked);
	cr_assert_gt(light_was, 0u);
	cr_assert_lt(light_was, LIGHT_AT - 100u, "the link takes less than all, and the newer ones come later: %u", light_was);
	client = quiet;
	cr_assert_eq(expect(RCODE_NXDOMAIN)->id, LIGHT_AT);
	client = flooder;
	close(quiet);
}

Test(frontend, a_broken_peer_is_left_alone_until_it_is_new)
{
	struct seen seen;
	unsigned shard = shard_of("a.test");
	send_query(1, "a.test", RR_A);
	send_query(2, "www.corp.example", RR_A);
	cr_assert(next_question(shard, &seen));
	for (unsigned i = 0; i < 50; i++) { /* most of it is still there when the next process begins */
		cr_assert_eq(send(far[shard], "garbage", 7, 0), 7);
	}
	turn();
	cr_assert_eq(expect(RCODE_SERVFAIL)->id, 1);
	cr_assert_null(receive(), "the other side is none the worse");
	send_query(3, "b.a.test", RR_A); /* of the same shard */
	cr_assert_eq(expect(RCODE_SERVFAIL)->ede, EDE_NETWORK_ERROR);
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	cr_assert_eq(expect(RCODE_NXDOMAIN)->id, 2);

	frontend_role_ops.peer_restarted(frontend, 20 + shard);
	send_query(4, "a.test", RR_A);
	cr_assert(next_question(shard, &seen));
	reply_to(shard, &seen, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 4);
}

Test(frontend, a_query_from_a_peer_breaks_the_link)
{
	uint8_t wire[512];
	struct qlink_message m = { .token = 1, .kind = QLINK_QUERY, .budget = 1, .dns = wire };
	m.dns_len = make_query(wire, 1, "www.corp.example", RR_A, FLAG_RD, 0, false);
	cr_assert_eq(qlink_push(batch, far[SHARD0], &m), BH_OK);
	cr_assert_eq(qlink_flush(batch, far[SHARD0], no_lost, NULL), BH_OK);
	turn();
	cr_assert_not(next_question(AUTHORITY, &(struct seen){ 0 }), "the resolver cannot ask the inside");
}

Test(frontend, a_closed_link_is_a_dead_link)
{
	close(far[AUTHORITY]);
	turn();
	send_query(1, "www.corp.example", RR_A);
	expect(RCODE_SERVFAIL);
	far[AUTHORITY] = dup(0);
}

Test(frontend, what_a_dead_peer_had_read_is_asked_again)
{
	struct seen seen;
	unsigned shard = shard_of("a.test");
	send_query(1, "a.test", RR_A);
	cr_assert(next_question(shard, &seen));
	frontend_role_ops.peer_restarted(frontend, 20 + shard);
	cr_assert(next_question(shard, &seen));
	reply_to(shard, &seen, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 1);
	cr_assert_null(receive());
}

Test(frontend, reload_keeps_what_is_in_work)
{
	struct seen seen;
	send_query(1, "www.corp.example", RR_A);
	send_query(2, "a.test", RR_A);
	cr_assert(next_question(AUTHORITY, &seen));
	struct seen other;
	cr_assert(next_question(shard_of("a.test"), &other));

	/* a second listener, one shard on a new link, the authority's link as before */
	conf.listener_count = 3;
	int old_near = links[SHARD0].fd;
	int old_far = far[SHARD0];
	unsigned replaced = shard_of("a.test");
	if (replaced == SHARD1) {
		old_near = links[SHARD1].fd;
		old_far = far[SHARD1];
	}
	new_pair(replaced, 40);
	cr_assert_eq(configure(), BH_OK);
	close(old_near);
	close(old_far);
	turn();
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	cr_assert_eq(expect(RCODE_NXDOMAIN)->id, 1);
	cr_assert(next_question(replaced, &other), "asked again over the new link");
	reply_to(replaced, &other, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 2);

	/* the new listener answers, from the cache that the reload kept */
	uint8_t wire[512];
	size_t len = make_query(wire, 3, "a.test", RR_A, FLAG_RD, 0, false);
	send_raw(wire, len, 2);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 3);
	cr_assert_eq(page.counters[STAT_FRONT_CACHE_HITS], 1);
}

Test(frontend, a_listener_that_goes_answers_all_before)
{
	uint8_t wire[512];
	conf.listener_count = 3;
	cr_assert_eq(configure(), BH_OK);
	size_t len = make_query(wire, 1, "a.test", RR_A, FLAG_RD, 0, false);
	send_raw(wire, len, 2);
	turn();
	len = make_query(wire, 2, "b.test", RR_A, FLAG_RD, 0, false);
	send_raw(wire, len, 2); /* still in the socket */
	conf.listener_count = 2;
	cr_assert_eq(configure(), BH_OK);
	bool got[3] = { false };
	for (unsigned i = 0; i < 2; i++) {
		const struct message *m = expect(RCODE_SERVFAIL);
		got[m->id] = true;
	}
	cr_assert(got[1] && got[2]);
	send_query(3, "a.test", RR_A); /* the other one serves on, and joins the question in work */
	struct seen seen;
	cr_assert(next_question(shard_of("a.test"), &seen));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 3);
}

Test(frontend, an_aborted_configuration_changes_nothing)
{
	char why[64];
	struct seen seen;
	conf.zone_count = 0;
	conf.listener_count = 4;
	conf.options.frontend.cache_bytes = 4096;
	cr_assert_eq(frontend_role_ops.prepare(frontend, &conf, why, sizeof(why)), BH_OK);
	frontend_role_ops.abort(frontend);
	send_query(1, "www.corp.example", RR_A);
	cr_assert(next_question(AUTHORITY, &seen), "the old split");
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	expect(RCODE_NXDOMAIN);
	uint8_t wire[512];
	size_t len = make_query(wire, 2, "a.test", RR_A, FLAG_RD, 0, false);
	send_raw(wire, len, 2);
	cr_assert_null(receive(), "the new listener is not served");
}

Test(frontend, another_split_forgets_the_cache)
{
	struct seen seen;
	send_query(1, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	expect(RCODE_NOERROR);
	cr_assert_gt(dname_from_text("test", zones[0].info.name), 0);
	cr_assert_eq(configure(), BH_OK);
	send_query(2, "a.test", RR_A);
	cr_assert(next_question(AUTHORITY, &seen), "now it is ours");
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	expect(RCODE_NXDOMAIN);
	cr_assert_gt(dname_from_text("corp.example", zones[0].info.name), 0);
	cr_assert_eq(configure(), BH_OK);
	send_query(3, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen), "and nothing of before is left");
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	expect(RCODE_NOERROR);
}

Test(frontend, flushes_on_request)
{
	struct seen seen;
	struct ipc_flush what = { .kind = IPC_FLUSH_NAME };
	cr_assert_gt(dname_from_text("A.TEST", what.name), 0);
	send_query(1, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	expect(RCODE_NOERROR);
	cr_assert_eq(frontend_role_ops.flush(frontend, &what), 1);
	cr_assert_eq(page.counters[STAT_FRONT_CACHE_ENTRIES], 0);
	send_query(2, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	expect(RCODE_NOERROR);
	what.kind = IPC_FLUSH_ALL;
	cr_assert_eq(frontend_role_ops.flush(frontend, &what), 1);
}

Test(frontend, works_without_resolver_and_without_inside)
{
	struct seen seen;
	conf.link_count = 1; /* the authority alone */
	cr_assert_eq(configure(), BH_OK);
	send_query(1, "a.test", RR_A);
	expect(RCODE_SERVFAIL);
	send_query(2, "www.corp.example", RR_A);
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
	expect(RCODE_NXDOMAIN);

	conf.links = links + 1; /* the resolver alone */
	conf.link_count = 2;
	conf.zone_count = 0;
	cr_assert_eq(configure(), BH_OK);
	send_query(3, "www.corp.example", RR_A);
	cr_assert(next_question(shard_of("www.corp.example"), &seen), "public, as far as we know");
	reply_to(shard_of("www.corp.example"), &seen, RCODE_NXDOMAIN, NULL);
	expect(RCODE_NXDOMAIN);

	conf.link_count = 0;
	cr_assert_eq(configure(), BH_OK);
	send_query(4, "a.test", RR_A);
	expect(RCODE_SERVFAIL);
	conf.links = links;
}

/* How often bytes stand in the writable memory of a process. */
static unsigned count_in_memory(pid_t pid, const char *bytes, size_t len)
{
	enum { CHUNK = 1 << 16 };
	static char chunk[CHUNK];
	char path[64];
	char line[512];
	unsigned found = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int mem = open(path, O_RDONLY);
	cr_assert(maps != NULL && mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, stop;
		char mode[8];
		if (sscanf(line, "%lx-%lx %7s", &start, &stop, mode) != 3 || strncmp(mode, "rw", 2) != 0) {
			continue;
		}
		for (; start < stop; start += CHUNK - len) {
			size_t want = stop - start < CHUNK ? stop - start : CHUNK;
			ssize_t n = pread(mem, chunk, want, (off_t)start);
			const char *at = chunk;
			while (n > 0 && (at = memmem(at, (size_t)(chunk + n - at), bytes, len)) != NULL) {
				found++;
				at++;
			}
		}
	}
	fclose(maps);
	close(mem);
	return found;
}

/* Soon after the answer went out. */
static bool is_forgotten(const char *canary)
{
	for (unsigned i = 0; i < 50; i++) {
		if (count_in_memory(remote, canary, strlen(canary)) == 0) {
			return true;
		}
		turn();
	}
	return false;
}

static const struct message *tcp_exchange(uint16_t id, const char *qname, const struct rec *recs)
{
	static uint8_t wire[DNS_MESSAGE_MAX + 2];
	struct sockaddr_in to = bound(listeners[1].fd);
	struct seen seen;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	size_t len = make_query(wire + 2, id, qname, RR_TXT, FLAG_RD, 1232, false);
	put_u16(wire, (uint16_t)len);
	cr_assert_eq(send(fd, wire, len + 2, 0), (ssize_t)len + 2);
	turn();
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NOERROR, recs);
	cr_assert_eq(recv(fd, wire, 2, MSG_WAITALL), 2);
	len = get_u16(wire);
	cr_assert_eq(recv(fd, wire, len, MSG_WAITALL), (ssize_t)len);
	close(fd);
	return parse(wire, len);
}

/*
 * Internal data is nowhere in our memory once it was sent and other answers have passed (invariant 2):
 * the canary in small. The frontend runs in a process of its own; only its links bring it the canary, as a
 * TXT text and as a name.
 */
Test(frontend, forgets_what_was_internal)
{
	char canary[32];
	char host[64];
	struct seen seen;

#ifdef BH_SANITIZERS
	cr_skip_test("sanitizers keep freed memory, and map more than can be searched");
#endif
	remote = fork();
	cr_assert_geq(remote, 0);
	if (remote == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		mallopt(M_PERTURB, 0x5a); /* as main does */
		event_base_dispatch(base);
		_exit(0);
	}
	snprintf(canary, sizeof(canary), "canary%016llx", (unsigned long long)rand_u64());
	snprintf(host, sizeof(host), "%s.corp.example", canary);
	const struct rec inside[] = { { AN, "www.corp.example", RR_CNAME, 60, host },
				      { AN, host, RR_TXT, 60, canary },
				      { 0 } };
	const struct rec leaving[] = { { AN, "out.corp.example", RR_CNAME, 60, host },
				       { AN, host, RR_CNAME, 60, "a.test" },
				       { 0 } };

	send_query(1, "www.corp.example", RR_TXT);
	cr_assert(next_question(AUTHORITY, &seen));
	cr_assert_eq(count_in_memory(remote, canary, strlen(canary)), 0, "not before");
	reply_to(AUTHORITY, &seen, RCODE_NOERROR, inside);
	cr_assert_eq(expect(RCODE_NOERROR)->rr_count, 2);
	cr_assert(is_forgotten(canary), "not after a simple answer");
	cr_assert_eq(tcp_exchange(2, "www.corp.example", inside)->rr_count, 2);
	send_query(3, "out.corp.example", RR_TXT);
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NOERROR, leaving);
	cr_assert(next_question(shard_of("a.test"), &seen));
	cr_assert_gt(count_in_memory(remote, canary, strlen(canary)), 0, "the search finds what is in work");
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR,
		 (struct rec[]){ { AN, "a.test", RR_TXT, 60, "public-marker" }, { 0 } });
	cr_assert_eq(expect(RCODE_NOERROR)->rr_count, 3);

	/* other traffic of each kind */
	send_query(4, "no.corp.example", RR_TXT);
	cr_assert(next_question(AUTHORITY, &seen));
	reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, (struct rec[]){ { AU, "corp.example", RR_SOA, 60, "60" }, { 0 } });
	expect(RCODE_NXDOMAIN);
	tcp_exchange(5, "other.corp.example",
		     (struct rec[]){ { AN, "other.corp.example", RR_TXT, 60, "something else" }, { 0 } });
	cr_assert_gt(count_in_memory(remote, "public-marker", 13), 0, "the search finds what is cached");
	cr_assert(is_forgotten(canary), "not after");
	cr_assert_eq(kill(remote, SIGKILL), 0);
	waitpid(remote, NULL, 0);
}

Test(frontend, stops_when_all_are_answered)
{
	struct seen seen;
	send_query(1, "a.test", RR_A);
	cr_assert(next_question(shard_of("a.test"), &seen));
	uint8_t wire[512];
	size_t len = make_query(wire, 2, "b.test", RR_A, FLAG_RD, 0, false);
	send_raw(wire, len, 0); /* waits in the socket: is taken before the stop */
	frontend_role_ops.stop(frontend);
	cr_assert_eq(event_base_got_break(base), 0);
	reply_to(shard_of("a.test"), &seen, RCODE_NOERROR, a_test);
	cr_assert_eq(expect(RCODE_NOERROR)->id, 1);
	uint64_t start = clock_now_ms();
	cr_assert_eq(event_base_loop(base, 0), 0);
	cr_assert_eq(expect(RCODE_SERVFAIL)->id, 2);
	cr_assert_lt(clock_now_ms() - start, 1500);
}

/* The next probe at our end of a link. */
static bool next_probe(unsigned which, struct seen *seen)
{
	static uint8_t d[QLINK_HEADER + 600];
	struct qlink_message m;
	ssize_t n = -1;
	for (uint64_t end_ms = clock_now_ms() + 10000; n < 0 && clock_now_ms() < end_ms;) {
		turn();
		n = recv(far[which], d, sizeof(d), MSG_DONTWAIT);
	}
	if (n <= 0) {
		return false;
	}
	cr_assert_eq(qlink_decode(d, (size_t)n, &m), BH_OK);
	cr_assert_eq(m.kind, QLINK_PROBE);
	*seen = (struct seen){ .token = m.token, .len = m.dns_len };
	memcpy(seen->dns, m.dns, m.dns_len);
	return true;
}

static void answer_probe(unsigned which, uint16_t rcode)
{
	struct seen seen;
	cr_assert(next_probe(which, &seen), "link %u", which);
	seen.dns[2] = (uint8_t)(FLAG_QR >> 8 | (which == AUTHORITY ? FLAG_AA >> 8 : 0));
	seen.dns[3] = (uint8_t)rcode;
	struct qlink_message m = { .token = seen.token, .kind = QLINK_REPLY, .dns = seen.dns, .dns_len = seen.len };
	cr_assert_eq(qlink_push(batch, far[which], &m), BH_OK);
	cr_assert_eq(qlink_flush(batch, far[which], no_lost, NULL), BH_OK);
	turn();
}

/* With a watcher, each neighbour is asked once in a while; what it answers is noted, and nothing is counted. */
Test(frontend, asks_whether_its_neighbours_are_there, .timeout = 30)
{
	const struct stats_probe *view = &page.probes[STATS_PROBE_VIEW];
	const struct stats_probe *resolver = &page.probes[STATS_PROBE_RESOLVER];
	conf.probe = true;
	cr_assert_eq(configure(), BH_OK);
	answer_probe(AUTHORITY, RCODE_NOERROR);
	/* told with the answer, not with the next questions */
	cr_expect(page.beat_ms > 0 && view->parts == 1 && view->failed == 0 && view->ended_ms > 0);
	answer_probe(SHARD0, RCODE_NOERROR);
	cr_expect(resolver->ended_ms == 0, "a shard has not answered yet");
	answer_probe(SHARD1, RCODE_NOERROR);
	cr_expect(resolver->parts == 2 && resolver->failed == 0 && resolver->ended_ms > 0);
	answer_probe(AUTHORITY, RCODE_REFUSED);
	cr_expect(view->failed == 1, "it refused: the zone is not there");
	answer_probe(SHARD0, RCODE_NOERROR);
	answer_probe(SHARD1, RCODE_SERVFAIL);
	cr_expect(resolver->failed == 1 && resolver->first == 1);

	/* a zone without data is SERVFAIL, which is its authority's to tell; and a shard that is silent fails */
	struct seen seen;
	answer_probe(AUTHORITY, RCODE_SERVFAIL);
	cr_expect_eq(view->failed, 0);
	cr_assert(next_probe(AUTHORITY, &seen));
	cr_assert(next_probe(SHARD1, &seen) && next_probe(SHARD1, &seen), "asked again after LINKS_PROBE_MS");
	cr_expect(resolver->failed >= 1, "it did not answer in time");
	for (unsigned i = 0; i < STAT_FRONT_COUNT; i++) {
		cr_expect_eq(page.counters[i], 0, "counter %u", i);
	}
}

/* A flood that fills a link is no sign that who reads it is gone: what it was asked goes first when it reads on. */
Test(frontend, a_probe_waits_for_a_full_link, .timeout = 30)
{
	const struct stats_probe *view = &page.probes[STATS_PROBE_VIEW];
	struct qlink_message m;
	static uint8_t d[QLINK_HEADER + 600];
	char text[32];
	ssize_t n;
	unsigned before = 0;
	bool seen = false;

	for (uint16_t i = 0; i < 900; i++) {
		snprintf(text, sizeof(text), "n%u.corp.example", i);
		send_query(i, text, RR_A);
	}
	conf.probe = true;
	cr_assert_eq(configure(), BH_OK);
	turn();
	cr_expect_eq(view->failed, 0, "it has its time");
	for (unsigned i = 0; i < 10000 && !seen; i++) {
		turn();
		n = recv(far[AUTHORITY], d, sizeof(d), MSG_DONTWAIT);
		if (n > 0) {
			cr_assert_eq(qlink_decode(d, (size_t)n, &m), BH_OK);
			seen = m.kind == QLINK_PROBE;
			before += !seen;
		}
	}
	cr_assert(seen);
	cr_expect_lt(before, 890u, "behind what was sent, before what waits");
	memmove(d, m.dns, m.dns_len);
	d[2] = (FLAG_QR | FLAG_AA) >> 8;
	m = (struct qlink_message){ .token = m.token, .kind = QLINK_REPLY, .dns = d, .dns_len = m.dns_len };
	cr_assert_eq(qlink_push(batch, far[AUTHORITY], &m), BH_OK);
	cr_assert_eq(qlink_flush(batch, far[AUTHORITY], no_lost, NULL), BH_OK);
	for (unsigned i = 0; i < 100 && view->ended_ms == 0; i++) { /* what was found is written with the next tick */
		turn_for(STATS_BEAT_MS / 20);
	}
	cr_expect_eq(view->parts, 1u);
	cr_expect_eq(view->failed, 0u);
	cr_expect_gt(view->ended_ms, 0u);
}

/* A link that takes some 50 questions only: all answers at once are not more than the client's socket holds. */
static void new_narrow_pair(uint32_t id)
{
	int room = 16384;
	new_pair(AUTHORITY, id);
	cr_assert_eq(setsockopt(links[AUTHORITY].fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
}

/* In the place of the one that there was. */
static void replace_link(uint32_t id)
{
	int old[] = { far[AUTHORITY], links[AUTHORITY].fd };
	new_narrow_pair(id);
	conf.links = links;
	conf.link_count = LINKS;
	cr_assert_eq(configure(), BH_OK);
	close(old[0]);
	close(old[1]);
}

/* What becomes of a link while questions wait for room on it. */
enum fate { FATE_NEW_PEER, FATE_NEW_PEER_TWICE, FATE_NEW_LINK, FATE_NO_LINK, FATE_BROKEN, FATE_CLOSED };

static void meet(enum fate fate)
{
	switch (fate) {
	case FATE_NEW_PEER_TWICE:
		frontend_role_ops.peer_restarted(frontend, links[AUTHORITY].info.id);
		turn();
		/* fall through */
	case FATE_NEW_PEER:
		frontend_role_ops.peer_restarted(frontend, links[AUTHORITY].info.id);
		break;
	case FATE_NEW_LINK:
		replace_link(40);
		break;
	case FATE_NO_LINK:
		conf.links = links + 1;
		conf.link_count = LINKS - 1;
		cr_assert_eq(configure(), BH_OK);
		break;
	case FATE_BROKEN:
		cr_assert_eq(send(far[AUTHORITY], "garbage", 7, 0), 7);
		break;
	case FATE_CLOSED:
		shutdown(far[AUTHORITY], SHUT_RDWR);
		break;
	}
}

/* Whatever it is, each question has one answer, and nothing of it stays. */
Test(frontend, questions_that_wait_survive_their_link, .timeout = 60)
{
	enum { QUERIES = 300 };
	static const bool answered[] = { [FATE_NEW_PEER] = true, [FATE_NEW_PEER_TWICE] = false, [FATE_NEW_LINK] = true,
					 [FATE_NO_LINK] = false, [FATE_BROKEN] = false, [FATE_CLOSED] = false };
	frontend_set_patience(frontend, 20000);
	replace_link(50);
	for (unsigned fate = 0; fate < COUNT(answered); fate++) {
		uint8_t got[QUERIES] = { 0 };
		unsigned good = 0;
		char text[48];
		for (uint16_t i = 0; i < QUERIES; i++) {
			snprintf(text, sizeof(text), "n%u-%u.corp.example", i, fate);
			send_query(i, text, RR_A);
			cr_assert_null(receive());
		}
		meet((enum fate)fate);
		for (unsigned idle = 0; idle < 20; idle++) {
			const struct message *m;
			struct seen seen;
			while ((m = receive()) != NULL) {
				cr_assert_lt(m->id, QUERIES);
				got[m->id]++;
				good += m->rcode == RCODE_NXDOMAIN;
				idle = 0;
			}
			if (answered[fate] && next_question(AUTHORITY, &seen)) {
				reply_to(AUTHORITY, &seen, RCODE_NXDOMAIN, NULL);
				idle = 0;
			}
		}
		for (unsigned i = 0; i < QUERIES; i++) {
			cr_assert_eq(got[i], 1, "fate %u: query %u got %u answers", fate, i, got[i]);
		}
		cr_expect_eq(good, answered[fate] ? QUERIES : 0u, "fate %u: %u", fate, good);
		cr_assert_eq(page.counters[STAT_FRONT_PENDING], 0);
		replace_link(51 + fate);
	}
}
