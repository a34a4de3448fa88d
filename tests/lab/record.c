/*
 * The recorder of the bridge, and questions about what it saw.
 *
 * Record: u32 length in the machine's order, then the Ethernet frame. Only IP is kept.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/lab.h"

#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/addr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_MAX 66000
/* Packets are written by another process; this long after an answer they are all in the file. */
#define SETTLE_MS 60

void lab_record(const char *path)
{
	static uint8_t buf[4 + FRAME_MAX];
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int size = 8 << 20;
	if (out < 0 || fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
		_exit(1);
	}
	int bridge = (int)if_nametoindex("br0");
	for (;;) {
		struct sockaddr_ll from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, buf + 4, FRAME_MAX, 0, (struct sockaddr *)&from, &from_len);
		/* Each frame enters by one port; on its way out or up it would be seen again. */
		if (n <= 14 || from.sll_pkttype == PACKET_OUTGOING || from.sll_ifindex == bridge) {
			continue;
		}
		uint16_t type = get_u16(buf + 4 + 12);
		if (type != ETH_P_IP && type != ETH_P_IPV6) {
			continue;
		}
		uint32_t len = (uint32_t)n;
		memcpy(buf, &len, 4);
		if (write(out, buf, 4 + (size_t)n) != 4 + n) {
			_exit(1);
		}
	}
}

static void record_path(char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/packets", lab_directory());
}

uint64_t lab_mark(void)
{
	char path[PATH_MAX];
	struct stat st;
	harness_sleep_ms(SETTLE_MS);
	record_path(path);
	MUST(stat(path, &st) == 0, "no record of packets: %s", strerror(errno));
	return (uint64_t)st.st_size;
}

/* The whole record mapped; *len its octets. */
static const uint8_t *map_record(size_t *len)
{
	char path[PATH_MAX];
	struct stat st;
	harness_sleep_ms(SETTLE_MS);
	record_path(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && fstat(fd, &st) == 0, "no record of packets: %s", strerror(errno));
	*len = (size_t)st.st_size;
	void *map = *len == 0 ? NULL : mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	MUST(map != MAP_FAILED, "mmap: %s", strerror(errno));
	close(fd);
	return map;
}

/* One IP packet: its UDP or TCP payload, and from where to where. False: something else. */
struct flow {
	struct addr from;
	struct addr to;
	bool tcp;
	const uint8_t *payload;
	size_t len;
};

static bool read_flow(const uint8_t *frame, size_t frame_len, struct flow *flow)
{
	struct cursor c = cursor_of(frame, frame_len);
	cursor_bytes(&c, 12);
	uint16_t type = cursor_u16(&c);
	uint8_t proto;
	*flow = (struct flow){ 0 };
	if (type == ETH_P_IP) {
		const uint8_t *ip = cursor_bytes(&c, 20);
		if (ip == NULL || cursor_bytes(&c, (size_t)(ip[0] & 15u) * 4 - 20) == NULL) {
			return false;
		}
		proto = ip[9];
		flow->from.family = flow->to.family = ADDR_V4;
		memcpy(flow->from.bytes, ip + 12, 4);
		memcpy(flow->to.bytes, ip + 16, 4);
		size_t total = get_u16(ip + 2); /* frames are padded */
		c.len = total + 14 < c.len ? total + 14 : c.len;
	} else {
		const uint8_t *ip = cursor_bytes(&c, 40);
		if (ip == NULL) {
			return false;
		}
		proto = ip[6];
		flow->from.family = flow->to.family = ADDR_V6;
		memcpy(flow->from.bytes, ip + 8, 16);
		memcpy(flow->to.bytes, ip + 24, 16);
	}
	if (proto != IPPROTO_UDP && proto != IPPROTO_TCP) {
		return false;
	}
	flow->tcp = proto == IPPROTO_TCP;
	flow->from.port = cursor_u16(&c);
	flow->to.port = cursor_u16(&c);
	if (flow->tcp) {
		const uint8_t *rest = cursor_bytes(&c, 16);
		if (rest == NULL || cursor_bytes(&c, (size_t)(rest[8] >> 4) * 4 - 20) == NULL) {
			return false;
		}
	} else {
		cursor_bytes(&c, 4);
	}
	flow->len = cursor_left(&c);
	flow->payload = cursor_bytes(&c, flow->len);
	return flow->payload != NULL && flow->len > 0;
}

/* Is this flow a query of the box to a server in the Internet? */
static bool query_of_flow(const struct flow *flow, struct lab_query *out)
{
	static struct addr box[3];
	if (box[0].family == 0) {
		MUST(addr_parse("203.0.113.53", 0, &box[0]) == BH_OK && addr_parse("203.0.113.54", 0, &box[1]) == BH_OK &&
			     addr_parse("2001:db8:53::53", 0, &box[2]) == BH_OK,
		     "addresses of the box");
	}
	bool from_box = false;
	for (size_t i = 0; i < COUNT(box); i++) {
		from_box = from_box || addr_same_host(&flow->from, &box[i]);
	}
	const uint8_t *wire = flow->payload;
	size_t len = flow->len;
	if (flow->tcp) {
		if (len < 2 || (size_t)get_u16(wire) + 2 > len) {
			return false; /* no segment that begins with a whole message */
		}
		len = get_u16(wire);
		wire += 2;
	}
	struct query query;
	if (!from_box || flow->from.port == 53 || query_parse(wire, len, &query) != QUERY_OK) {
		return false;
	}
	memcpy(out->name, query.qname, query.qname_len);
	out->type = query.qtype;
	out->id = query.id;
	out->port = flow->from.port;
	out->tcp = flow->tcp;
	out->edns = query.edns.present;
	struct addr server = flow->to;
	server.port = server.port == 53 ? 0 : server.port;
	char text[ADDR_TEXT_MAX];
	snprintf(out->server, sizeof(out->server), "%s", addr_text(&server, text));
	struct addr source = flow->from;
	source.port = 0;
	snprintf(out->source, sizeof(out->source), "%s", addr_text(&source, text));
	return true;
}

typedef void query_fn(void *ctx, const struct lab_query *query);

static void each_query(uint64_t mark, query_fn *fn, void *ctx)
{
	size_t len;
	const uint8_t *record = map_record(&len);
	for (size_t pos = (size_t)mark; pos + 4 <= len;) {
		uint32_t frame_len;
		memcpy(&frame_len, record + pos, 4);
		pos += 4;
		struct flow flow;
		struct lab_query query;
		if (frame_len > len - pos) {
			break;
		}
		if (read_flow(record + pos, frame_len, &flow) && query_of_flow(&flow, &query)) {
			fn(ctx, &query);
		}
		pos += frame_len;
	}
	if (record != NULL) {
		munmap((void *)(uintptr_t)record, len);
	}
}

struct listing {
	struct lab_query *out;
	unsigned max;
	unsigned count;
};

static void list_query(void *ctx, const struct lab_query *query)
{
	struct listing *l = ctx;
	MUST(l->count < l->max, "more than %u queries went to the Internet", l->max);
	l->out[l->count++] = *query;
}

unsigned lab_queries(uint64_t mark, struct lab_query *out, unsigned max)
{
	struct listing l = { .out = out, .max = max };
	each_query(mark, list_query, &l);
	return l.count;
}

struct counting {
	const char *server;
	const uint8_t *under;
	unsigned count;
};

static void count_query(void *ctx, const struct lab_query *query)
{
	struct counting *c = ctx;
	c->count += (c->server == NULL || strcmp(c->server, query->server) == 0) &&
		    (c->under == NULL || dname_is_under(query->name, c->under));
}

unsigned lab_count(uint64_t mark, const char *server, const char *under)
{
	uint8_t name[DNAME_MAX];
	MUST(under == NULL || dname_from_text(under, name) > 0, "bad name in test: %s", under);
	struct counting c = { .server = server, .under = under == NULL ? NULL : name };
	each_query(mark, count_query, &c);
	return c.count;
}

bool lab_saw(uint64_t mark, const void *octets, size_t octets_len)
{
	size_t len;
	const uint8_t *record = map_record(&len);
	bool saw = mark < len && octets_contain_folded(record + mark, len - (size_t)mark, octets, octets_len);
	if (record != NULL) {
		munmap((void *)(uintptr_t)record, len);
	}
	return saw;
}
