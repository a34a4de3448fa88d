/*
 * Waits until a server answers for zones, the end of "text to serving"; or looks whether a resolver answers rightly.
 *
 *   ask [-t SECONDS] [-s SERIAL] ADDRESS PORT ZONE ... | -f FILE
 *   ask -r [-t SECONDS] ADDRESS PORT FILE
 *
 * Each zone is asked for its SOA over UDP until the answer is authoritative and without error, and has that serial with
 * -s; one zone after the other, so the last answer is the moment when all of them are served. FILE has one name in each
 * line. Prints that moment in nanoseconds of the clock that `meter` uses. Status 1 when the time is up.
 *
 * With -r, FILE has lines "NAME RCODE ad|-": for A of NAME, with DO, the resolver must say RCODE ("NOERROR" with a record
 * in the answer, "NXDOMAIN" without, "SERVFAIL"), with AD set or not. The first line is asked again until it is so, which
 * waits for the resolver's start; for the others the first reply counts. Status 1 names the first that was wrong.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/limits.h"
#include "common/util/count.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEADER 12
#define TYPE_A 1
#define TYPE_SOA 6
#define OPT_LEN 11
#define RESOLVE_MS 5000 /* for one answer of a resolver: it may have to ask several servers */
#define AGAIN_MS 2 /* how long to wait for an answer before the question is sent again */

static uint64_t deadline_ns;
static bool want_serial;
static uint32_t serial;

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "ask: %s: %s\n", what, why);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A question for zone; returns its length. The wire form is spelled out here: no server's code is trusted. */
static size_t question(const char *zone, uint8_t type, uint8_t *wire)
{
	static const uint8_t header[HEADER] = { 0xbe, 0xc4, 0, 0, 0, 1 };
	size_t at = HEADER;
	memcpy(wire, header, HEADER);
	for (const char *p = zone; *p != '\0' && *p != '.';) {
		size_t len = strcspn(p, ".");
		if (len > LABEL_MAX || at - HEADER + len + 2 > DNAME_MAX) {
			fail(zone, "not a name");
		}
		wire[at++] = (uint8_t)len;
		memcpy(wire + at, p, len);
		at += len;
		p += len + (p[len] == '.');
	}
	memcpy(wire + at, (const uint8_t[]){ 0, 0, type, 0, 1 }, 5);
	return at + 5;
}

/*
 * Is this the answer to the question of that length, and the one we wait for? The SOA is the first record; its owner
 * is the question's name, compressed or not, and its serial is followed by four more numbers (RFC 1035 3.3.13).
 */
static bool answered(const uint8_t *reply, size_t len, const uint8_t *asked, size_t asked_len)
{
	if (len < asked_len || memcmp(reply, asked, 2) != 0 ||
	    memcmp(reply + HEADER, asked + HEADER, asked_len - HEADER) != 0) {
		return false;
	}
	bool authoritative = (reply[2] & 0x84) == 0x84;
	unsigned answers = (unsigned)reply[6] << 8 | reply[7];
	if (!authoritative || (reply[3] & 0x0f) != 0 || answers == 0 || !want_serial) {
		return authoritative && (reply[3] & 0x0f) == 0 && answers != 0;
	}
	size_t at = asked_len;
	while (at < len && reply[at] != 0 && reply[at] < 0xc0) {
		at += 1u + reply[at];
	}
	at += at < len && reply[at] >= 0xc0 ? 2 : 1;
	if (at > len || len - at < 10) {
		return false;
	}
	size_t rdata_len = (size_t)reply[at + 8] << 8 | reply[at + 9];
	at += 10;
	if (rdata_len < 22 || len - at < rdata_len) {
		return false;
	}
	const uint8_t *s = reply + at + rdata_len - 20;
	return ((uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3]) == serial;
}

static void wait_for(int fd, const char *zone)
{
	uint8_t asked[HEADER + DNAME_MAX + 4];
	uint8_t reply[4096];
	size_t asked_len = question(zone, TYPE_SOA, asked);
	/* One that came before its time must not answer for the next zone or the next serial: the question tells. */
	while (now_ns() < deadline_ns) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		if (send(fd, asked, asked_len, 0) < 0 && errno != ECONNREFUSED) {
			fail(zone, strerror(errno));
		}
		uint64_t again = now_ns() + AGAIN_MS * UINT64_C(1000000);
		for (uint64_t now = now_ns(); now < again; now = now_ns()) {
			struct timespec left = { .tv_nsec = (long)(again - now) };
			if (ppoll(&readable, 1, &left, NULL) <= 0) {
				break;
			}
			ssize_t got = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
			if (got > 0 && answered(reply, (size_t)got, asked, asked_len)) {
				return;
			}
			if (got < 0) {
				break; /* nobody listens yet */
			}
		}
		if (now_ns() < again) {
			nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000 }, NULL);
		}
	}
	fail(zone, "no answer in time");
}

static void wait_for_file(int fd, const char *path)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		fail(path, strerror(errno));
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, " \t\n")] = '\0';
		wait_for(fd, line);
	}
	fclose(file);
}

/* --- a resolver --- */

struct expected {
	char name[DNAME_MAX * 4 + 1];
	char rcode[16];
	char ad[4];
};

static const char *rcode_name(unsigned rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
	return rcode < COUNT(names) ? names[rcode] : "another";
}

/* What is wrong with that reply, or NULL. */
static const char *objection(const uint8_t *reply, const struct expected *expected)
{
	static char what[128];
	unsigned answers = (unsigned)reply[6] << 8 | reply[7];
	bool ad = (reply[3] & 0x20) != 0;
	const char *rcode = rcode_name(reply[3] & 0x0f);
	snprintf(what, sizeof(what), "%s, %s AD, %u answers; expected %s, %s AD", rcode, ad ? "with" : "without", answers,
		 expected->rcode, expected->ad[0] == 'a' ? "with" : "without");
	bool right = strcmp(rcode, expected->rcode) == 0 && ad == (expected->ad[0] == 'a') &&
		     (answers > 0) == (strcmp(rcode, "NOERROR") == 0);
	return right ? NULL : what;
}

/* Ask once; what is wrong with the reply or that there is none, else NULL. */
static const char *ask_resolver(int fd, const struct expected *expected)
{
	static uint16_t id;
	static const uint8_t opt[OPT_LEN] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0 }; /* 1232 octets, DO (RFC 6891) */
	uint8_t asked[HEADER + DNAME_MAX + 4 + OPT_LEN];
	uint8_t reply[4096];
	size_t len = question(expected->name, TYPE_A, asked);
	id++;
	asked[0] = (uint8_t)(id >> 8);
	asked[1] = (uint8_t)id;
	asked[2] = 1;  /* RD */
	asked[11] = 1; /* ARCOUNT */
	memcpy(asked + len, opt, OPT_LEN);
	if (send(fd, asked, len + OPT_LEN, 0) < 0) {
		return strerror(errno);
	}
	uint64_t until = now_ns() + RESOLVE_MS * UINT64_C(1000000);
	for (uint64_t now = now_ns(); now < until; now = now_ns()) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		poll(&readable, 1, (int)((until - now) / 1000000 + 1));
		ssize_t got = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
		if (got >= HEADER && memcmp(reply, asked, 2) == 0 && (reply[2] & 0x80) != 0) {
			return objection(reply, expected);
		}
		if (got < 0 && errno != EAGAIN) {
			return strerror(errno);
		}
	}
	return "no reply";
}

static void check_resolver(int fd, const char *path)
{
	char line[sizeof(struct expected)];
	FILE *file = fopen(path, "r");
	unsigned count = 0;
	if (file == NULL) {
		fail(path, strerror(errno));
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		struct expected expected;
		if (sscanf(line, "%1020s %15s %3s", expected.name, expected.rcode, expected.ad) != 3) {
			fail(path, "not a line \"NAME RCODE ad|-\"");
		}
		const char *wrong = ask_resolver(fd, &expected);
		while (count == 0 && wrong != NULL && now_ns() < deadline_ns) {
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
			wrong = ask_resolver(fd, &expected);
		}
		if (wrong != NULL) {
			fail(expected.name, wrong);
		}
		count++;
	}
	fclose(file);
	if (count == 0) {
		fail(path, "nothing to ask");
	}
}

int main(int argc, char **argv)
{
	unsigned long seconds = 60;
	const char *path = NULL;
	bool resolver = false;
	for (int option; (option = getopt(argc, argv, "rt:s:f:")) != -1;) {
		switch (option) {
		case 'r':
			resolver = true;
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			want_serial = true;
			serial = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			path = optarg;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2 || (argc - optind == 2) == (path == NULL)) {
		fprintf(stderr, "ask [-t SECONDS] [-s SERIAL] ADDRESS PORT ZONE ... | -f FILE\n"
				"ask -r [-t SECONDS] ADDRESS PORT FILE\n");
		return 2;
	}
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[optind + 1])) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || inet_pton(AF_INET, argv[optind], &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(argv[optind], strerror(errno));
	}
	deadline_ns = now_ns() + seconds * UINT64_C(1000000000);
	if (resolver) {
		check_resolver(fd, argv[optind + 2]);
		return 0;
	}
	for (int i = optind + 2; i < argc; i++) {
		wait_for(fd, argv[i]);
	}
	if (path != NULL) {
		wait_for_file(fd, path);
	}
	printf("%" PRIu64 "\n", now_ns());
	return 0;
}
