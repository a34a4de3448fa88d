/*
 * Waits until a server answers for zones: the end of "text to serving".
 *
 *   ask [-t SECONDS] [-s SERIAL] ADDRESS PORT ZONE ... | -f FILE
 *
 * Each zone is asked for its SOA over UDP until the answer is authoritative and without error, and has that serial with
 * -s; one zone after the other, so the last answer is the moment when all of them are served. FILE has one name in each
 * line. Prints that moment in nanoseconds of the clock that `meter` uses. Status 1 when the time is up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/limits.h"

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
#define TYPE_SOA 6
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

/* An SOA question for zone; returns its length. The wire form is spelled out here: no server's code is trusted. */
static size_t question(const char *zone, uint8_t *wire)
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
	memcpy(wire + at, (const uint8_t[]){ 0, 0, TYPE_SOA, 0, 1 }, 5);
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
	size_t asked_len = question(zone, asked);
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

int main(int argc, char **argv)
{
	unsigned long seconds = 60;
	const char *path = NULL;
	for (int option; (option = getopt(argc, argv, "t:s:f:")) != -1;) {
		switch (option) {
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
		fprintf(stderr, "ask [-t SECONDS] [-s SERIAL] ADDRESS PORT ZONE ... | -f FILE\n");
		return 2;
	}
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[optind + 1])) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || inet_pton(AF_INET, argv[optind], &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(argv[optind], strerror(errno));
	}
	deadline_ns = now_ns() + seconds * UINT64_C(1000000000);
	for (int i = optind + 2; i < argc; i++) {
		wait_for(fd, argv[i]);
	}
	if (path != NULL) {
		wait_for_file(fd, path);
	}
	printf("%" PRIu64 "\n", now_ns());
	return 0;
}
