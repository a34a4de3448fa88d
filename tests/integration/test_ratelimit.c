/*
 * Response rate limiting of the whole appliance: floods from very many addresses, their victims, and clients in
 * between. Every query gets its reply, whatever else becomes of it.
 *
 * All of 127/8 is ours on loopback, so one socket can ask from any address of it (IP_PKTINFO), as a forger does; and
 * it sees what the victims would get.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/cursor.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVER "127.0.0.1@5300"
#define RATE 20 /* the default */

#define LOG_SHORT "response rate limit: responses are shortened"
#define LOG_ONLY  "response rate limit: exceeded, not enforced"

static struct appliance appliance;

static void configure(unsigned workers, const char *limit)
{
	char conf[1024];
	snprintf(conf, sizeof(conf),
		 "appliance { workers = %u run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" }\n"
		 "view \"external\" {\n  listen = { \"127.0.0.1@5300\" }\n  zones-dir = \"@DIR@/zones\"\n%s"
		 "  zone \"example.com\" { file = \"example.com\" }\n}\n",
		 workers, limit);
	appliance_configure(&appliance, conf);
}

static void start(unsigned workers, const char *limit)
{
	harness_own_network();
	harness_limit(100);
	appliance_init(&appliance);
	appliance_file(&appliance, "zones/example.com",
		       "$ORIGIN example.com.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\n"
		       "ns A 192.0.2.1\nwww A 192.0.2.80\n*.wild A 192.0.2.90\n");
	configure(workers, limit);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(ratelimit, .fini = stop);

/* --- a socket with many addresses --------------------------------------------------------------------- */

/* Kinds of senders, told apart by their address: 127.KIND.x.y. */
enum kind { LEGITIMATE = 20, VICTIM = 21, FORGED = 64 /* and up */ };

struct tally {
	uint64_t sent;
	uint64_t full;
	uint64_t truncated;
	uint64_t other;
};

static struct {
	int fd;
	struct tally tally[256]; /* by the second octet of the address */
	uint64_t random;
} s;

static uint32_t next_random(void)
{
	s.random = s.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(s.random >> 32);
}

static void open_socket(void)
{
	int on = 1;
	int room = 8 << 20;
	struct sockaddr_in any = { .sin_family = AF_INET };
	s.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(s.fd >= 0 && setsockopt(s.fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0 &&
		     setsockopt(s.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0 &&
		     bind(s.fd, (struct sockaddr *)&any, sizeof(any)) == 0,
	     "a socket of all addresses: %s", strerror(errno));
	memset(s.tally, 0, sizeof(s.tally));
}

static void send_from(uint32_t from, const uint8_t *wire, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5300),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)wire, .iov_len = len };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control, .msg_controllen = sizeof(control.bytes) };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(from) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	MUST(sendmsg(s.fd, &msg, 0) == (ssize_t)len, "sending from %x: %s", (unsigned)from, strerror(errno));
	s.tally[from >> 16 & 0xff].sent++;
}

static void ask_from(uint32_t from, const char *name)
{
	uint8_t wire[ASK_WIRE_MAX];
	size_t len = ask_compose(&(struct ask){ .server = SERVER, .name = name }, (uint16_t)next_random(), wire);
	send_from(from, wire, len);
}

/* Take what has come; the address it came to tells whose it is. */
static unsigned take_replies(void)
{
	unsigned count = 0;
	for (;; count++) {
		uint8_t wire[2048];
		union {
			struct cmsghdr align;
			uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		} control;
		struct iovec iov = { .iov_base = wire, .iov_len = sizeof(wire) };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				      .msg_controllen = sizeof(control.bytes) };
		ssize_t n = recvmsg(s.fd, &msg, 0);
		if (n < 0 && errno == EAGAIN) {
			return count;
		}
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		MUST(n >= DNS_HEADER_SIZE && c != NULL && c->cmsg_type == IP_PKTINFO, "a reply of %zd octets", n);
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		struct tally *t = &s.tally[ntohl(info.ipi_addr.s_addr) >> 16 & 0xff];
		uint16_t flags = get_u16(wire + 2);
		if ((flags & FLAG_TC) != 0) {
			/* nothing to amplify with: the question and no record */
			MUST(get_u16(wire + 4) == 1 && get_u32(wire + 6) == 0 && get_u16(wire + 10) == 0,
			     "a truncated reply with records");
			t->truncated++;
		} else if ((flags & FLAG_RCODE) == RCODE_NOERROR && get_u16(wire + 6) == 1) {
			t->full++;
		} else {
			t->other++;
		}
	}
}

/* Of all kinds from first to last. */
static struct tally sum(unsigned first, unsigned last)
{
	struct tally all = { 0 };
	for (unsigned i = first; i <= last; i++) {
		all.sent += s.tally[i].sent;
		all.full += s.tally[i].full;
		all.truncated += s.tally[i].truncated;
		all.other += s.tally[i].other;
	}
	return all;
}

static uint64_t replies(const struct tally *t)
{
	return t->full + t->truncated + t->other;
}

static bool all_replied(void *ctx)
{
	(void)ctx;
	take_replies();
	struct tally all = sum(0, 255);
	return replies(&all) == all.sent;
}

/* Every query has got a reply, and the appliance says the same of itself. */
static void expect_no_silence(uint64_t before)
{
	(void)harness_until(all_replied, NULL, 5000);
	struct tally all = sum(0, 255);
	MUST(replies(&all) == all.sent, "%llu replies to %llu queries", (unsigned long long)replies(&all),
	     (unsigned long long)all.sent);
	uint64_t counted = appliance_counter(&appliance, "authority", NULL, "udp_queries") - before;
	MUST(counted == all.sent, "%llu queries counted of %llu", (unsigned long long)counted,
	     (unsigned long long)all.sent);
	MUST(appliance_counter(&appliance, "authority", NULL, "intentional_drops") == 0, "dropped on purpose");
}

/* Full responses that one account may have had in this time, whatever the pace. */
static uint64_t allowed(uint64_t since_ms)
{
	return RATE + RATE * (clock_now_ms() - since_ms + 50) / 1000 + 2;
}

/* --- tests -------------------------------------------------------------------------------------------- */

Test(ratelimit, victims_get_short_replies_and_clients_full_ones)
{
	enum { ROUNDS = 300, FORGED_EACH = 30, VICTIM_EACH = 10, CLIENTS = 250 };
	start(2, "");
	open_socket();
	uint64_t begin = clock_now_ms();
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < FORGED_EACH; i++) {
			ask_from(0x7f000000 | (FORGED + next_random() % 128) << 16 | (next_random() & 0xffff),
				 "www.example.com");
		}
		for (unsigned i = 0; i < VICTIM_EACH; i++) { /* one /24, random names below a wildcard */
			char name[64];
			snprintf(name, sizeof(name), "x%u.wild.example.com", (unsigned)next_random());
			ask_from(0x7f000000 | VICTIM << 16 | 7 << 8 | (next_random() & 0xff), name);
		}
		/* each client asks about once a second */
		ask_from(0x7f000000 | LEGITIMATE << 16 | (round % CLIENTS) << 8 | 1, "www.example.com");
		take_replies();
		harness_sleep_ms(3);
	}
	(void)harness_until(all_replied, NULL, 5000);
	struct tally clients = sum(LEGITIMATE, LEGITIMATE);
	struct tally victim = sum(VICTIM, VICTIM);
	struct tally forged = sum(FORGED, 255);
	MUST(clients.full == ROUNDS, "clients: %llu full of %u", (unsigned long long)clients.full, ROUNDS);
	MUST(victim.full <= allowed(begin), "the victim got %llu in full", (unsigned long long)victim.full);
	MUST(victim.full >= RATE && victim.truncated + victim.full == ROUNDS * VICTIM_EACH, "victim: %llu full, %llu short",
	     (unsigned long long)victim.full, (unsigned long long)victim.truncated);
	MUST(forged.full == ROUNDS * FORGED_EACH, "each forged prefix alone is below the rate: %llu of %u",
	     (unsigned long long)forged.full, ROUNDS * FORGED_EACH);
	expect_no_silence(0);

	/* both workers had a part in it: one rate for both */
	const struct ctl_answer *answer = appliance_control(&appliance, "stats external");
	const struct ctl_row *row;
	unsigned from = 0;
	unsigned workers = 0;
	uint64_t truncated = 0;
	uint64_t limited = 0;
	while ((row = answer_next(answer, "counter", &from)) != NULL) {
		bool is_truncated = strcmp(row_text(row, "name"), "rate_truncated") == 0;
		truncated += is_truncated ? row_number(row, "value") : 0;
		workers += is_truncated && row_number(row, "value") > 0;
		limited += strcmp(row_text(row, "name"), "rate_limited") == 0 ? row_number(row, "value") : 0;
	}
	MUST(workers == 2, "%u workers limited anything", workers);
	MUST(truncated == victim.truncated && limited == truncated, "%llu counted as truncated",
	     (unsigned long long)truncated);
	from = 0;
	row = answer_next(answer, "zone_counter", &from);
	MUST(row != NULL && strcmp(row_text(row, "zone"), "example.com.") == 0, "no counter of the zone");
	struct tally all = sum(0, 255);
	MUST(row_number(row, "queries") == all.sent, "the zone counted %llu", (unsigned long long)row_number(row, "queries"));
	MUST(appliance_log_wait(&appliance, LOG_SHORT " client=127.21.7.0/24 class=answer", 2000), "no line in the log");

	/* what a limited client does next */
	char source[] = "127.21.7.9";
	client_expect_ask(&(struct ask){ .server = SERVER, .source = source, .name = "y.wild.example.com", .tcp = true },
			  "NOERROR aa", "y.wild.example.com. A 192.0.2.90", EDE_NONE);
}

Test(ratelimit, names_that_do_not_exist_share_an_account)
{
	start(1, "");
	open_socket();
	uint64_t begin = clock_now_ms();
	for (unsigned i = 0; i < 500; i++) {
		char name[64];
		snprintf(name, sizeof(name), "no%u.example.com", i);
		ask_from(0x7f000000 | VICTIM << 16 | (i & 0xff), name);
	}
	(void)harness_until(all_replied, NULL, 5000);
	MUST(s.tally[VICTIM].other <= allowed(begin) && s.tally[VICTIM].other >= RATE, "%llu in full",
	     (unsigned long long)s.tally[VICTIM].other);
	expect_no_silence(0);
}

/* A query with this content of a COOKIE option, from a limited prefix; the RCODE and the cookie of the reply. */
static unsigned ask_with_cookie(int fd, const uint8_t *cookie, size_t cookie_len, uint8_t out[24], bool *truncated)
{
	static uint16_t id = 1;
	uint8_t wire[ASK_WIRE_MAX];
	uint8_t reply[2048];
	size_t len = ask_compose(&(struct ask){ .server = SERVER, .name = "www.example.com", .edns = true }, ++id, wire);
	put_u16(wire + len - 2, (uint16_t)(4 + cookie_len));
	put_u16(wire + len, 10);
	put_u16(wire + len + 2, (uint16_t)cookie_len);
	memcpy(wire + len + 4, cookie, cookie_len);
	client_send(fd, wire, len + 4 + cookie_len);
	ssize_t n = client_receive(fd, reply, sizeof(reply), 5000);
	/* OPT is last, and the cookie all that is in it */
	MUST(n > DNS_HEADER_SIZE + 39 && get_u16(reply) == id, "no reply");
	const uint8_t *opt = reply + n - 39;
	MUST(opt[0] == 0 && get_u16(opt + 1) == RR_OPT && get_u16(opt + 9) == 28 && get_u16(opt + 11) == 10, "no cookie");
	memcpy(out, opt + 15, 24);
	*truncated = (reply[2] & 2) != 0;
	return (unsigned)(reply[3] & 15) | (unsigned)opt[5] << 4;
}

Test(ratelimit, cookies_prove_a_client)
{
	uint8_t cookie[24] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t again[24];
	bool truncated;
	start(2, "");
	int fd = client_udp(SERVER, "127.21.0.9");
	/* use up what the prefix may have */
	open_socket();
	for (unsigned i = 0; i < 400; i++) {
		ask_from(0x7f000000 | VICTIM << 16 | (i & 0xff), "www.example.com");
	}
	(void)harness_until(all_replied, NULL, 5000);
	MUST(s.tally[VICTIM].truncated > 300, "not limited");
	unsigned rcode = ask_with_cookie(fd, cookie, 8, cookie, &truncated);
	MUST(rcode == RCODE_BADCOOKIE && !truncated, "rcode %u", rcode);
	for (unsigned i = 0; i < 200; i++) {
		rcode = ask_with_cookie(fd, cookie, 24, again, &truncated);
		MUST(rcode == RCODE_NOERROR && !truncated, "rcode %u at %u", rcode, i);
		MUST(memcmp(cookie, again, 24) == 0, "another cookie");
	}
	/* the other worker, and a successor, know it too */
	struct role_process first = appliance_role(&appliance, "authority", "external", 0);
	struct role_process second = appliance_role(&appliance, "authority", "external", 1);
	kill(first.pid, SIGKILL);
	kill(second.pid, SIGKILL);
	MUST(appliance_wait_restarted(&appliance, &first, 10000) >= 0 &&
		     appliance_wait_restarted(&appliance, &second, 10000) >= 0,
	     "not restarted");
	rcode = ask_with_cookie(fd, cookie, 24, again, &truncated);
	MUST(rcode == RCODE_NOERROR && memcmp(cookie, again, 24) == 0, "rcode %u after a restart", rcode);
	/* but not with another address */
	int other = client_udp(SERVER, "127.21.0.10");
	(void)ask_with_cookie(other, cookie, 24, again, &truncated);
	MUST(memcmp(cookie, again, 24) != 0, "a cookie of another address was taken");
	MUST(appliance_counter(&appliance, "authority", NULL, "cookie_valid") == 201, "cookies counted");
}

Test(ratelimit, log_mode_answers_in_full)
{
	start(1, "  rate-limit { mode = \"log\" }\n");
	open_socket();
	for (unsigned i = 0; i < 300; i++) {
		ask_from(0x7f000000 | VICTIM << 16 | (i & 0xff), "www.example.com");
	}
	expect_no_silence(0);
	MUST(s.tally[VICTIM].full == 300, "%llu in full", (unsigned long long)s.tally[VICTIM].full);
	MUST(appliance_log_wait(&appliance, LOG_ONLY " client=127.21.0.0/24 class=answer", 2000), "no line in the log");
	MUST(appliance_counter(&appliance, "authority", NULL, "rate_limited") >= 200, "not counted");
	MUST(appliance_counter(&appliance, "authority", NULL, "rate_truncated") == 0, "truncated");

	/* a reload puts it in force, another takes it away */
	configure(1, "  rate-limit { mode = \"on\" exempt = { \"127.22.0.0/16\" } }\n");
	appliance_reload(&appliance);
	for (unsigned i = 0; i < 300; i++) {
		ask_from(0x7f000000 | VICTIM << 16 | (i & 0xff), "www.example.com");
		ask_from(0x7f000000 | 22 << 16 | (i & 0xff), "www.example.com");
	}
	expect_no_silence(0);
	MUST(s.tally[VICTIM].truncated >= 200, "not in force");
	MUST(s.tally[22].full == 300, "exempt, and limited");
	configure(1, "  rate-limit { mode = \"off\" }\n");
	appliance_reload(&appliance);
	configure(1, "");
	appliance_reload(&appliance);
	configure(1, "  rate-limit { mode = \"off\" }\n");
	appliance_reload(&appliance);
	uint64_t truncated = s.tally[VICTIM].truncated;
	for (unsigned i = 0; i < 300; i++) {
		ask_from(0x7f000000 | VICTIM << 16 | (i & 0xff), "www.example.com");
	}
	expect_no_silence(0);
	MUST(s.tally[VICTIM].truncated == truncated, "still in force");
}

/* Inode of the table that a process maps, 0: none. */
static unsigned long mapped_table(pid_t pid)
{
	char path[64];
	char line[512];
	unsigned long inode = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "memfd:response-rates") != NULL &&
		    sscanf(line, "%*s %*s %*s %*s %lu", &inode) != 1) {
			inode = 0;
		}
	}
	if (maps != NULL) {
		fclose(maps);
	}
	return inode;
}

Test(ratelimit, a_successor_goes_on_counting)
{
	start(2, "");
	open_socket();
	struct role_process first = appliance_role(&appliance, "authority", "external", 0);
	struct role_process second = appliance_role(&appliance, "authority", "external", 1);
	unsigned long inode = mapped_table(first.pid);
	MUST(inode != 0 && mapped_table(second.pid) == inode, "workers do not share a table");
	MUST(mapped_table(appliance.pid) == 0, "the supervisor maps the table");
	uint64_t begin = clock_now_ms();
	bool killed = false;
	while (clock_now_ms() - begin < 1500) {
		for (unsigned i = 0; i < 10; i++) {
			ask_from(0x7f000000 | VICTIM << 16 | (next_random() & 0xff), "www.example.com");
		}
		take_replies();
		harness_sleep_ms(5);
		if (!killed && clock_now_ms() - begin > 300) {
			kill(first.pid, SIGKILL);
			killed = true;
		}
	}
	MUST(appliance_wait_restarted(&appliance, &first, 10000) >= 0, "not restarted");
	struct role_process successor = appliance_role(&appliance, "authority", "external", 0);
	MUST(mapped_table(successor.pid) == inode, "the successor has another table");
	harness_sleep_ms(200);
	take_replies();
	MUST(s.tally[VICTIM].full <= allowed(begin) && s.tally[VICTIM].full >= RATE, "%llu in full in %llu ms",
	     (unsigned long long)s.tally[VICTIM].full, (unsigned long long)(clock_now_ms() - begin));
	MUST(s.tally[VICTIM].truncated > 1000, "no flood: %llu", (unsigned long long)s.tally[VICTIM].truncated);
}
