/*
 * What a miss costs the resolver without the kernel: names that nobody asked before, resolved by the core from servers in
 * this process. Nothing is sent, nothing is validated (there is no trust anchor); one line of totals at the end.
 *
 *   misses [-n NAMES] [-z ZONES] [-c CACHE-MEGABYTES]
 *
 * NAMES names h0.z0.plain, h1.z1.plain ... in ZONES zones, each delegated by plain, which the root delegates: two servers
 * with glue each. So one packet in NAMES / ZONES is a referral.
 *
 * Instructions of a miss:
 *   valgrind --tool=callgrind --toggle-collect='core_start' --toggle-collect='core_reply' \
 *      --toggle-collect='core_next_*' --toggle-collect='core_release' tests/bench/misses
 * and divide "Collected" by the number of names.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"
#include "common/ipc/stats.h"
#include "daemons/resolver/iterate.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUDGET 250
#define TTL 3600
#define POINTER_TO_QUESTION 0xc00c

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "misses: %s\n", what);
	exit(1);
}

static uint32_t random_below(void *ctx, uint32_t bound)
{
	(void)ctx;
	return rand_below(bound);
}

/* --- the servers --- */

static void put_record(struct sink *s, const uint8_t *owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	if (owner == NULL) {
		sink_u16(s, POINTER_TO_QUESTION);
	} else {
		sink_bytes(s, owner, dname_len(owner));
	}
	sink_u16(s, type);
	sink_u16(s, CLASS_IN);
	sink_u32(s, TTL);
	sink_u16(s, (uint16_t)len);
	sink_bytes(s, rdata, len);
}

/* NS records of a zone, ns1 and ns2 below it, and their addresses. */
static void put_referral(struct sink *s, const uint8_t *zone, uint8_t third)
{
	size_t zone_len = dname_len(zone);
	uint8_t names[2][DNAME_MAX] = { "\003ns1", "\003ns2" };
	for (unsigned i = 0; i < 2; i++) {
		memcpy(names[i] + 4, zone, zone_len);
		put_record(s, zone, RR_NS, names[i], 4 + zone_len);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint8_t address[4] = { 203, 0, third, (uint8_t)(1 + i) };
		put_record(s, names[i], RR_A, address, sizeof(address));
	}
}

/* The reply to a packet, as by the root (203.0.113.1), plain (203.0.114.x), and everybody else. */
static size_t reply_to(const struct upstream *u, uint8_t *wire, size_t size)
{
	static const uint8_t address[4] = { 198, 51, 100, 2 };
	struct query q;
	if (query_parse(u->wire, u->wire_len, &q) != QUERY_OK) {
		fail("a query that cannot be read");
	}
	unsigned labels = dname_label_count(q.qname);
	bool root = u->server.bytes[2] == 113;
	bool tld = u->server.bytes[2] == 114;
	struct sink s = sink_of(wire, size);
	sink_bytes(&s, u->wire, 2);
	sink_u16(&s, root || tld ? FLAG_QR : FLAG_QR | FLAG_AA);
	sink_u16(&s, 1);
	sink_u16(&s, root || tld ? 0 : 1);
	sink_u16(&s, root || tld ? 2 : 0);
	sink_u16(&s, root || tld ? 2 : 0);
	sink_bytes(&s, u->wire + DNS_HEADER_SIZE, q.qname_len + 4u);
	if (root) {
		put_referral(&s, dname_skip_labels(q.qname, labels - 1), 114);
	} else if (tld) {
		put_referral(&s, dname_skip_labels(q.qname, labels - 2), 115);
	} else {
		put_record(&s, NULL, q.qtype, address, sizeof(address));
	}
	return s.pos;
}

/* --- the questions --- */

static struct core *make_core(uint64_t cache_bytes, uint64_t *counters)
{
	struct core_tools tools = { .rand_fn = random_below, .dnssec = dnssec_new(), .hasher = nsec3_hasher_new(),
				    .counters = counters };
	struct ipc_servers root = { .name = "\001a\004root", .count = 1 };
	struct core *core = core_new(cache_bytes, &tools);
	if (core == NULL || addr_parse("203.0.113.1", 53, &root.addrs[0]) != BH_OK) {
		fail("no core");
	}
	struct core_config config = {
		.options = { .ipv4 = true, .use_0x20 = true, .use_cookies = true, .minimise = true, .special_names = true,
			     .dnssec = true, .max_ttl_sec = 86400, .max_negative_ttl_sec = 3600 },
		.cache_bytes = cache_bytes,
		.roots = &root,
		.root_count = 1,
	};
	if (core_configure(core, &config) != BH_OK) {
		fail("no configuration");
	}
	core_set_wall(core, (uint64_t)time(NULL), 1000);
	return core;
}

/* Packets that were needed. */
static uint64_t resolve(struct core *core, const uint8_t *name, uint64_t now_ms)
{
	uint8_t wire[512];
	struct core_question question = { .name = name, .type = RR_A, .budget = BUDGET };
	struct upstream *u;
	uint64_t packets = 0;
	if (core_start(core, &question, NULL, now_ms) == NULL) {
		fail("out of memory");
	}
	while ((u = core_next_send(core)) != NULL) {
		size_t len = reply_to(u, wire, sizeof(wire));
		packets++;
		if (!core_reply(core, u, wire, len, now_ms)) {
			fail("a reply was not taken");
		}
	}
	struct resolution *r = core_next_done(core);
	if (r == NULL || r->rcode != RCODE_NOERROR || r->records == NULL) {
		fail("a name was not resolved");
	}
	core_release(r);
	return packets;
}

int main(int argc, char **argv)
{
	unsigned long names = 20000;
	unsigned long zones = 1000;
	unsigned long megabytes = 256;
	uint64_t counters[STAT_RES_COUNT] = { 0 };
	uint64_t packets = 0;
	struct timespec begin;
	struct timespec end;
	int option;
	while ((option = getopt(argc, argv, "n:z:c:")) != -1) {
		unsigned long value = optarg == NULL ? 0 : strtoul(optarg, NULL, 10);
		if (option == '?' || value == 0) {
			fail("usage: misses [-n NAMES] [-z ZONES] [-c CACHE-MEGABYTES]");
		}
		*(option == 'n' ? &names : option == 'z' ? &zones : &megabytes) = value;
	}
	struct core *core = make_core((uint64_t)megabytes << 20, counters);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (unsigned long i = 0; i < names; i++) {
		char text[DNAME_TEXT_MAX];
		uint8_t name[DNAME_MAX];
		snprintf(text, sizeof(text), "h%lu.z%lu.plain.", i, i * 7919 % zones);
		if (dname_from_text(text, name) < 0) {
			fail("not a name");
		}
		packets += resolve(core, name, 1000 + i / 10);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	core_count_cache(core);
	int64_t ns = (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + (end.tv_nsec - begin.tv_nsec);
	printf("%lu names, %" PRIu64 " packets, %" PRId64 " ns each, cache %" PRIu64 " octets of %" PRIu64 " entries\n", names,
	       packets, ns / (int64_t)names, counters[STAT_RES_CACHE_BYTES], counters[STAT_RES_CACHE_ENTRIES]);
	return 0;
}
