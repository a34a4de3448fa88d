/*
 * What a query costs the authority without the kernel: a list of queries answered many times by the code that
 * serves them over UDP, from zones in this process. Nothing is sent; there is one line of totals at the end.
 *
 *   replay [-d | -e] [-t] [-o] [-l] [-r TIMES] [-w IMAGE] -z ZONE=FILE ... | -i IMAGE ... QUERIES
 *
 *   -z  a zone from its text          -i  a compiled zone, as -w writes it
 *   -d  EDNS with DO, else            -e  EDNS without, else no OPT
 *   -t  replies may be as long as over TCP
 *   -o  one by one, not in batches as they come over UDP
 *   -l  response rates are counted, as for clients of 65536 networks; nobody is above the rate
 *   QUERIES  lines "NAME TYPE", as dnsperf reads them
 *
 * Instructions of a query:
 *   valgrind --tool=callgrind --toggle-collect='replay_*' tests/bench/replay ...
 * and divide "Collected" by the number of queries. What a large zone costs in time is read without valgrind:
 * nanoseconds of CPU for each query are in the last line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/edns.h"
#include "common/dns/nsec3.h"
#include "common/util/cursor.h"
#include "daemons/authority/query.h"
#include "daemons/compiler/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ZONES_MAX 64
#define DEFAULT_TTL 3600

struct packet {
	uint16_t len;
	uint8_t wire[DNS_HEADER_SIZE + DNAME_MAX + 4 + EDNS_SIZE_MIN];
};

static struct {
	bool edns;
	bool dnssec;
	bool limits;
	uint32_t clients;
	bool single;
	enum transport transport;
	unsigned long repeat;
	const char *write_to;
	struct image images[ZONES_MAX];
	size_t zone_count;
	struct packet *packets;
	size_t packet_count;
	struct view *view;
	struct query_work work;
	struct ahead ahead[AHEAD_MAX];
	uint8_t reply[QUERY_REPLY_MAX];
	uint64_t octets;
	uint64_t rcodes[16];
} r = { .transport = TRANSPORT_UDP, .repeat = 1 };

static _Noreturn void fail(const char *fmt, ...) BH_PRINTF(1, 2);

static _Noreturn void fail(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("replay: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	exit(1);
}

/* --- zones --- */

static void open_image(int fd, const char *what)
{
	struct stat st;
	char why[256] = "";
	if (r.zone_count == ZONES_MAX || fstat(fd, &st) != 0) {
		fail("%s: cannot be taken", what);
	}
	size_t size = (size_t)st.st_size;
	void *block = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0); /* to the end of the process */
	if (block == MAP_FAILED) {
		fail("%s: %s", what, strerror(errno));
	}
	if (image_verify(block, size, &r.images[r.zone_count++], why, sizeof(why)) != BH_OK) {
		fail("%s: %s", what, why);
	}
}

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	if (finding->severity == ZONE_ERROR) {
		fail("%s:%u: %s", finding->file, finding->line, finding->text);
	}
}

/* ZONE=FILE */
static void compile(const char *arg)
{
	uint8_t apex[DNAME_MAX];
	char name[DNAME_TEXT_MAX];
	const char *file = strchr(arg, '=');
	size_t len = file == NULL ? sizeof(name) : (size_t)(file - arg);
	if (len >= sizeof(name)) {
		fail("%s: not ZONE=FILE", arg);
	}
	memcpy(name, arg, len);
	name[len] = '\0';
	if (dname_from_text(name, apex) < 0) {
		fail("%s: not a name", name);
	}
	struct compile_result result;
	struct compile_request request = {
		.root_fd = open(file[1] == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.file = file[1] == '/' ? file + 2 : file + 1,
		.zone = apex,
		.default_ttl = DEFAULT_TTL,
		.report = on_finding,
	};
	int fd = r.write_to != NULL ? open(r.write_to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
				    : memfd_create("zone", MFD_CLOEXEC);
	if (request.root_fd < 0 || fd < 0) {
		fail("%s: %s", arg, strerror(errno));
	}
	int rc = compile_zone(&request, fd, &result);
	if (rc != BH_OK || result.errors != 0) {
		fail("%s: %s", arg, rc != BH_OK ? bh_strerror(rc) : "has errors");
	}
	open_image(fd, arg);
	close(fd);
	close(request.root_fd);
}

static void open_saved(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fail("%s: %s", path, strerror(errno));
	}
	open_image(fd, path);
	close(fd);
}

/* --- queries --- */

static void make_packet(struct packet *p, const uint8_t *name, uint16_t type, uint16_t id)
{
	struct sink s = sink_of(p->wire, sizeof(p->wire));
	sink_u16(&s, id);
	sink_u16(&s, FLAG_RD);
	sink_u16(&s, 1);
	sink_u32(&s, 0);
	sink_u16(&s, r.edns);
	sink_bytes(&s, name, dname_len(name));
	sink_u16(&s, type);
	sink_u16(&s, CLASS_IN);
	if (r.edns) {
		edns_write(&s, &(struct edns_reply){
				       .udp_size = UDP_SIZE_MAX, .do_bit = r.dnssec, .ede = EDE_NONE });
	}
	p->len = (uint16_t)s.pos;
}

static void read_queries(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t line_room = 0;
	size_t room = 0;
	if (file == NULL) {
		fail("%s: %s", path, strerror(errno));
	}
	while (getline(&line, &line_room, file) > 0) {
		char *rest = NULL;
		const char *name = strtok_r(line, " \t\n", &rest);
		const char *type = strtok_r(NULL, " \t\n", &rest);
		uint8_t wire[DNAME_MAX];
		uint16_t number;
		if (name == NULL || name[0] == '#') {
			continue;
		}
		if (type == NULL || dname_from_text(name, wire) < 0 || rr_type_parse(type, &number) != BH_OK) {
			fail("%s: query %zu is not NAME TYPE", path, r.packet_count + 1);
		}
		if (r.packet_count == room) {
			room = room == 0 ? 1024 : 2 * room;
			r.packets = realloc(r.packets, room * sizeof(*r.packets));
			if (r.packets == NULL) {
				fail("out of memory");
			}
		}
		make_packet(&r.packets[r.packet_count], wire, number, (uint16_t)r.packet_count);
		r.packet_count++;
	}
	if (r.packet_count == 0) {
		fail("%s: no queries", path);
	}
	free(line);
	fclose(file);
}

/* --- the measured part --- */

/* Who asks next, as of everybody in turn; the time goes on so that each may. NULL: rates are not limited. */
static const struct addr *next_client(void)
{
	static struct addr client = { .family = ADDR_V4, .bytes = { 10 } };
	if (!r.limits) {
		return NULL;
	}
	r.clients++;
	client.bytes[1] = (uint8_t)(r.clients >> 8);
	client.bytes[2] = (uint8_t)r.clients;
	r.work.now.us += 1;
	return &client;
}

static void count_reply(size_t len, struct stats_page *stats)
{
	query_count(&r.work, r.transport, len, stats);
	r.octets += len;
	r.rcodes[r.reply[3] & FLAG_RCODE]++;
}

/* As serve_udp.c does it. */
static void answer_batch(const struct packet *packets, unsigned count, struct stats_page *stats)
{
	for (unsigned i = 0; i < count; i++) {
		ahead_look(&r.ahead[i], r.view, packets[i].wire, packets[i].len);
	}
	ahead_fetch(r.ahead, count);
	for (unsigned i = 0; i < count; i++) {
		count_reply(query_reply_ahead(&r.work, &r.ahead[i], r.view, r.transport, next_client(), packets[i].wire,
					      packets[i].len, r.reply),
			    stats);
	}
}

/* Not static: callgrind knows it by its name. */
void replay_all(void);

__attribute__((noinline)) void replay_all(void)
{
	static struct stats_page stats;
	for (unsigned long turn = 0; turn < r.repeat; turn++) {
		for (size_t i = 0; i < r.packet_count; i += AHEAD_MAX) {
			size_t left = r.packet_count - i;
			answer_batch(&r.packets[i], left < AHEAD_MAX ? (unsigned)left : AHEAD_MAX, &stats);
		}
	}
}

/* Not static: callgrind knows it by its name. */
void replay_single(void);

__attribute__((noinline)) void replay_single(void)
{
	static struct stats_page stats;
	for (unsigned long turn = 0; turn < r.repeat; turn++) {
		for (size_t i = 0; i < r.packet_count; i++) {
			const struct packet *p = &r.packets[i];
			count_reply(query_reply(&r.work, r.view, r.transport, next_client(), p->wire, p->len, r.reply),
				    &stats);
		}
	}
}

static void build_view(void)
{
	r.view = view_new(ZONES_MAX);
	if (r.view == NULL) {
		fail("out of memory");
	}
	r.view->hasher = nsec3_hasher_new(); /* to the end of the process */
	if (r.view->hasher == NULL) {
		fail("libcrypto has no SHA-1");
	}
	r.view->anyone = true;
	r.view->rotate = true;
	if (r.limits) {
		void *block = mmap(NULL, IPC_RATE_TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		r.view->rrl = (struct rrl){ .mode = RRL_ON, .cost_us = 50000, .ipv4_bits = 24, .ipv6_bits = 56 };
		if (block == MAP_FAILED || rrl_table_init(&r.view->rrl.table, block, IPC_RATE_TABLE_SIZE) != BH_OK) {
			fail("out of memory");
		}
	}
	for (size_t i = 0; i < r.zone_count; i++) {
		if (view_add(r.view, r.images[i].apex, &r.images[i]) != BH_OK) {
			fail("one zone twice");
		}
	}
}

static void print_totals(double seconds)
{
	double count = (double)r.packet_count * (double)r.repeat;
	printf("queries %.0f, octets of a reply %.1f, ns %.1f;", count, (double)r.octets / count, seconds * 1e9 / count);
	for (unsigned i = 0; i < 16; i++) {
		if (r.rcodes[i] > 0) {
			printf(" %s %" PRIu64, rcode_text(i), r.rcodes[i]);
		}
	}
	putchar('\n');
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "detolr:w:z:i:")) != -1) {
		switch (option) {
		case 'd':
			r.edns = r.dnssec = true;
			break;
		case 'e':
			r.edns = true;
			break;
		case 't':
			r.transport = TRANSPORT_TCP;
			break;
		case 'o':
			r.single = true;
			break;
		case 'l':
			r.limits = true;
			break;
		case 'r':
			r.repeat = strtoul(optarg, NULL, 10);
			break;
		case 'w':
			r.write_to = optarg;
			break;
		case 'z':
			compile(optarg);
			break;
		case 'i':
			open_saved(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind == argc && r.write_to != NULL && r.zone_count > 0) {
		return 0; /* only compiled */
	}
	if (optind + 1 != argc || r.repeat == 0) {
		fail("usage: replay [-d | -e] [-t] [-o] [-l] [-r TIMES] [-w IMAGE] -z ZONE=FILE ... | -i IMAGE ... QUERIES");
	}
	read_queries(argv[optind]);
	build_view();
	double start = cpu_seconds();
	if (r.single) {
		replay_single();
	} else {
		replay_all();
	}
	print_totals(cpu_seconds() - start);
	return 0;
}
