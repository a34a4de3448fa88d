/*
 * A server that attacks whoever resolves its zones: many addresses, each with one zone and one way to make a resolver
 * work. Every reply follows from the question alone, so that a run does the same each time; what a question may cost
 * is in test_attack.c. Signed zones are those of the resolver's unit tests, behind real sockets.
 *
 * Names carry a number that their asker chose ("x17.nxns.com"): nothing of one question helps the next one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/hostile.h"

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/harness.h"
#include "tests/lab/lab.h"
#include "tests/lab/reply.h"
#include "tests/unit/daemons/resolver/sim_sign.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum act {
	ACT_CALM,    /* an address for every name */
	ACT_NOTHING, /* NXDOMAIN for every name: the victim of others */
	ACT_NXNS,    /* each name is delegated to HOSTILE_NS names of the victim that do not exist (CVE-2020-12662) */
	ACT_MUTE_NS, /* each name is delegated to names below the zone of ACT_MUTE (CVE-2022-3204) */
	ACT_MUTE,    /* each name is delegated, with glue, to an address that nobody has */
	ACT_CAMP,    /* each alias is in a zone of its own, with HOSTILE_CAMP_NS servers of which a third has an address */
	ACT_CAMP_CHILD, /* ... and these zones: an alias to the next one */
	ACT_CNAME_LOOP, /* aliases in a circle of HOSTILE_CIRCLE */
	ACT_NS_LOOP, /* each name is delegated to a server named below the zone of its twin */
	ACT_SILENT,  /* no answer to anything below the apex */
	ACT_LADDER,  /* a reply of 64 KiB over TCP: names of as many pointers as are allowed */
	ACT_LADDER_OVER, /* ... and of one more */
	ACT_BOMB,    /* HOSTILE_BOMB_MS for each of three aliases, then an answer as large as UDP carries */
	ACT_TARPIT,  /* TC over UDP; TCP is accepted and never answered */
	ACT_SIGNED,  /* see make_signed */
};

struct act_zone {
	const char *zone;
	const char *address;
	enum act act;
};

static const struct act_zone zones[] = {
	{ "calm.com.", "203.0.113.140", ACT_CALM },
	{ "target.com.", "203.0.113.141", ACT_NOTHING },
	{ "nxns.com.", "203.0.113.142", ACT_NXNS },
	{ "mutens.com.", "203.0.113.143", ACT_MUTE_NS },
	{ "mute.com.", "203.0.113.144", ACT_MUTE },
	{ "camp.com.", "203.0.113.145", ACT_CAMP },
	{ "camp.com.", "203.0.113.146", ACT_CAMP_CHILD },
	{ "cloop.com.", "203.0.113.147", ACT_CNAME_LOOP },
	{ "nsloopa.com.", "203.0.113.148", ACT_NS_LOOP },
	{ "nsloopb.com.", "203.0.113.149", ACT_NS_LOOP },
	{ "hold.com.", "203.0.113.150", ACT_SILENT },
	{ "ladder.com.", "203.0.113.151", ACT_LADDER },
	{ "ladders.com.", "203.0.113.152", ACT_LADDER_OVER },
	{ "bomb.com.", "203.0.113.153", ACT_BOMB },
	{ "tarone.com.", "203.0.113.154", ACT_TARPIT },
	{ "tartwo.com.", "203.0.113.155", ACT_TARPIT },
	{ "keytrap.com.", "203.0.113.156", ACT_SIGNED },
	{ "sigs.com.", "203.0.113.157", ACT_SIGNED },
	{ "hashes.com.", "203.0.113.158", ACT_SIGNED },
	{ "toomany.com.", "203.0.113.159", ACT_SIGNED },
	{ "signed.com.", "203.0.113.160", ACT_SIGNED },
	{ "collide.com.", "203.0.113.161", ACT_SIGNED },
};

#define ZONES COUNT(zones)
#define CONNECTIONS_MAX 900
#define HELD_MAX 16384

struct act_server {
	const struct act_zone *zone;
	uint8_t apex[DNAME_MAX];
	int udp;
	int tcp;
};

/* A TCP connection: one query, one reply, again. */
struct connection {
	int fd; /* -1: free */
	const struct act_server *server;
	size_t got;
	uint8_t in[2 + 1024];
};

/* A UDP reply that waits for its time. */
struct held {
	uint64_t due_ms;
	int fd;
	struct sockaddr_storage to;
	socklen_t to_len;
	size_t len;
	uint8_t wire[UDP_SIZE_MAX];
};

static struct act_server servers[ZONES];
static struct connection connections[CONNECTIONS_MAX];
static struct held held[HELD_MAX];
static unsigned held_first;
static unsigned held_count;
static struct sim *sim;

/* --- signed zones ------------------------------------------------------------------------------------- */

static void sign(const struct act_zone *z, const struct sim_signing *how, FILE *anchors)
{
	char text[512];
	uint8_t ds[SIM_RDATA_MAX];
	snprintf(text, sizeof(text), "%s 3600 NS ns.%s\n ns.%s 3600 A %s\n *.wild.%s 3600 A 198.51.100.150\n", z->zone,
		 z->zone, z->zone, z->address, z->zone);
	sim_zone(sim, z->address, z->zone, text);
	sim_sign(sim, z->address, z->zone, how);
	uint16_t len = sim_sign_ds(z->zone, ds);
	fprintf(anchors, "%s 3600 IN DS %u %u %u ", z->zone, (unsigned)get_u16(ds), (unsigned)ds[2], (unsigned)ds[3]);
	for (unsigned i = 4; i < len; i++) {
		fprintf(anchors, "%02x", ds[i]);
	}
	fprintf(anchors, "\n");
}

/* Signatures are good at HOSTILE_DATE; the anchors go to a file of the lab. */
static void make_signed(void)
{
	static const struct sim_signing plain;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/anchors", lab_directory());
	FILE *anchors = fopen(path, "w");
	if (anchors == NULL) {
		exit(1);
	}
	sim = sim_new();
	for (size_t i = 0; i < ZONES; i++) {
		char wild[64];
		struct sim_signing how = plain;
		snprintf(wild, sizeof(wild), "*.wild.%s", zones[i].zone);
		if (zones[i].act != ACT_SIGNED) {
			continue;
		}
		if (strcmp(zones[i].zone, "keytrap.com.") == 0) {
			how.colliding_keys = HOSTILE_KEYS;
			how.junk_signatures = HOSTILE_SIGNATURES;
		} else if (strcmp(zones[i].zone, "collide.com.") == 0) {
			how.colliding_keys = HOSTILE_KEYS_KEPT - 1; /* beside the one that signs */
			how.junk_signatures = HOSTILE_SIGNATURES;
		} else if (strcmp(zones[i].zone, "sigs.com.") == 0) {
			how.junk_signatures = HOSTILE_SIGNATURES;
		} else if (strcmp(zones[i].zone, "hashes.com.") == 0) {
			how.nsec3 = true;
			how.iterations = HOSTILE_ITERATIONS;
		} else if (strcmp(zones[i].zone, "toomany.com.") == 0) {
			how.nsec3 = true;
			how.iterations = HOSTILE_ITERATIONS_OVER;
		}
		how.fault_name = wild;
		how.fault_type = RR_A;
		sign(&zones[i], &how, anchors);
	}
	if (fclose(anchors) != 0) {
		exit(1);
	}
}

static size_t signed_reply(const struct act_server *server, const struct query *q, bool tcp, uint8_t *out)
{
	struct sim_server *s = sim_server(sim, server->zone->address);
	int len = sim_usual(sim, s, q, tcp, out);
	if (!tcp && len > UDP_SIZE_MAX) {
		s->flags = SIM_TRUNCATES;
		len = sim_usual(sim, s, q, tcp, out);
		s->flags = 0;
	}
	return len < 0 ? 0 : (size_t)len;
}

/* --- replies ------------------------------------------------------------------------------------------ */

/* The number in the label just below the apex, and what comes before it: "c3-17" is 3 and 17. */
static void numbers_of(const struct act_server *server, const struct query *q, unsigned *first, unsigned *second)
{
	char label[LABEL_MAX + 1] = "";
	unsigned below = dname_label_count(q->qname) - dname_label_count(server->apex);
	const uint8_t *at = dname_skip_labels(q->qname, below - 1);
	memcpy(label, at + 1, at[0]);
	char *p = label;
	while (*p != '\0' && (*p < '0' || *p > '9')) {
		p++;
	}
	*first = (unsigned)strtoul(p, &p, 10);
	*second = *p == '-' ? (unsigned)strtoul(p + 1, NULL, 10) : 0;
}

static const uint8_t *child_of(const struct act_server *server, const struct query *q)
{
	return dname_skip_labels(q->qname, dname_label_count(q->qname) - dname_label_count(server->apex) - 1);
}

/* A referral of the name just below the apex, to servers that are called before, a number from 0, behind. */
static void refer(struct compose *c, const struct act_server *server, const struct query *q, unsigned count,
		  const char *before, const char *behind)
{
	compose_flags(c, FLAG_AA, 0);
	for (unsigned i = 0; i < count; i++) {
		char target[96];
		snprintf(target, sizeof(target), "%s%u%s", before, i, behind);
		reply_add_name(c, SECTION_AUTHORITY, child_of(server, q), RR_NS, target);
	}
}

static void camp(struct compose *c, const struct act_server *server, const struct query *q, bool child)
{
	unsigned step;
	unsigned n;
	char text[96];
	numbers_of(server, q, &step, &n);
	char kind = (char)dname_fold(child_of(server, q)[1]);
	if (kind == 's') { /* a server's name: "s4-17" */
		if (step % 3 == 0 && q->qtype == RR_A) {
			reply_add_address(c, SECTION_ANSWER, q->qname, "203.0.113.146");
		} else {
			reply_add_soa(c, SECTION_AUTHORITY, server->apex);
		}
	} else if (child && q->qtype == RR_A) {
		snprintf(text, sizeof(text), "c%u-%u.camp.com.", step + 1, n);
		reply_add_name(c, SECTION_ANSWER, q->qname, RR_CNAME, text);
	} else if (child) {
		reply_add_soa(c, SECTION_AUTHORITY, child_of(server, q));
	} else {
		snprintf(text, sizeof(text), "-%u%02u.camp.com.", n, step);
		refer(c, server, q, HOSTILE_CAMP_NS, "s", text);
	}
}

/*
 * What the format allows at most and an honest server would never write: a record for each pointer that can be made,
 * with the owner at the end of a ladder. The first owners are the steps: "a" before a pointer to the one before.
 */
static size_t ladder(const struct query *q, unsigned jumps, uint8_t *out)
{
	struct compose c;
	compose_begin(&c, out, DNS_MESSAGE_MAX, 0, q->id, FLAG_QR | FLAG_AA, q->qname, q->qtype, q->qclass);
	size_t at = compose_finish(&c, NULL);
	unsigned target = DNS_HEADER_SIZE;
	unsigned count = 0;
	for (; at + 32 < DNS_MESSAGE_MAX; count++) {
		size_t begin = at;
		if (count < jumps - 1) {
			out[at++] = 1;
			out[at++] = 'a';
		}
		put_u16(out + at, (uint16_t)(0xc000u | target));
		at += 2;
		put_u16(out + at, RR_A);
		put_u16(out + at + 2, CLASS_IN);
		put_u32(out + at + 4, REPLY_TTL);
		put_u16(out + at + 8, 4);
		put_u32(out + at + 10, 0xc6336496 + count);
		at += 14;
		target = count < jumps - 1 ? (unsigned)begin : target;
	}
	put_u16(out + 6, (uint16_t)count);
	return at;
}

static void bomb(struct compose *c, const struct act_server *server, const struct query *q)
{
	unsigned step;
	unsigned n;
	char text[64];
	numbers_of(server, q, &step, &n);
	if (step < 3) {
		snprintf(text, sizeof(text), "b%u-%u.bomb.com.", step + 1, n);
		reply_add_name(c, SECTION_ANSWER, q->qname, RR_CNAME, text);
		return;
	}
	for (unsigned i = 0; i < 60; i++) {
		uint8_t address[4] = { 198, 51, 100, (uint8_t)i };
		reply_add(c, SECTION_ANSWER, q->qname, RR_A, address, 4);
	}
}

static void act(struct compose *c, const struct act_server *server, const struct query *q)
{
	unsigned first;
	unsigned second;
	char text[96];
	uint8_t ns[DNAME_MAX];
	numbers_of(server, q, &first, &second);
	switch (server->zone->act) {
	case ACT_NOTHING:
		compose_flags(c, 0, RCODE_NXDOMAIN);
		reply_add_soa(c, SECTION_AUTHORITY, server->apex);
		break;
	case ACT_NXNS:
		snprintf(text, sizeof(text), "-%u.target.com.", first);
		refer(c, server, q, HOSTILE_NS, "v", text);
		break;
	case ACT_MUTE_NS:
		snprintf(text, sizeof(text), "-%u.mute.com.", first);
		refer(c, server, q, HOSTILE_NS, "ns.m", text);
		break;
	case ACT_MUTE:
		reply_name_below(child_of(server, q), "ns", ns);
		compose_flags(c, FLAG_AA, 0);
		reply_add(c, SECTION_AUTHORITY, child_of(server, q), RR_NS, ns, dname_len(ns));
		reply_add_address(c, SECTION_ADDITIONAL, ns, "203.0.113.250");
		break;
	case ACT_CAMP:
	case ACT_CAMP_CHILD:
		camp(c, server, q, server->zone->act == ACT_CAMP_CHILD);
		break;
	case ACT_CNAME_LOOP:
		snprintf(text, sizeof(text), "c%u-%u.cloop.com.", (first + 1) % HOSTILE_CIRCLE, second);
		reply_add_name(c, SECTION_ANSWER, q->qname, RR_CNAME, text);
		break;
	case ACT_NS_LOOP:
		snprintf(text, sizeof(text), ".l%u-%u.nsloop%c.com.", first + 1, second,
			 server->zone->zone[6] == 'a' ? 'b' : 'a');
		refer(c, server, q, HOSTILE_NS, "ns", text);
		break;
	case ACT_BOMB:
		bomb(c, server, q);
		break;
	case ACT_TARPIT:
		compose_flags(c, 0, FLAG_TC);
		break;
	default:
		if (q->qtype == RR_A) {
			reply_add_address(c, SECTION_ANSWER, q->qname, "198.51.100.150");
		} else {
			reply_add_soa(c, SECTION_AUTHORITY, server->apex);
		}
	}
}

/* Octets of the reply; 0: none is given. */
static size_t reply_to(const struct act_server *server, const struct query *q, bool tcp, uint8_t *out)
{
	struct compose c;
	struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .do_bit = q->edns.do_bit, .ede = EDE_NONE };
	unsigned below = dname_label_count(q->qname) - dname_label_count(server->apex);
	const char *zone = server->zone->zone;
	uint8_t ns[DNAME_MAX];

	if (server->zone->act == ACT_SIGNED) {
		return signed_reply(server, q, tcp, out);
	}
	compose_begin(&c, out, tcp ? DNS_MESSAGE_MAX : UDP_SIZE_MAX, q->edns.present ? edns_size(&edns) : 0, q->id,
		      (uint16_t)(FLAG_QR | FLAG_AA), q->qname, q->qtype, q->qclass);
	reply_name_below(server->apex, "ns", ns);
	if (below == 0) {
		reply_add_soa(&c, q->qtype == RR_SOA ? SECTION_ANSWER : SECTION_AUTHORITY, server->apex);
	} else if (dname_equal(q->qname, ns)) {
		if (q->qtype == RR_A) {
			reply_add_address(&c, SECTION_ANSWER, q->qname, server->zone->address);
		} else {
			reply_add_soa(&c, SECTION_AUTHORITY, server->apex);
		}
	} else if (server->zone->act == ACT_SILENT) {
		return 0;
	} else if (strncmp(zone, "ladder", 6) == 0 && tcp) {
		return ladder(q, DNAME_JUMPS_MAX + (server->zone->act == ACT_LADDER_OVER), out);
	} else if (strncmp(zone, "ladder", 6) == 0) {
		compose_flags(&c, 0, FLAG_TC);
	} else {
		act(&c, server, q);
	}
	edns.rcode = get_u16(out + 2) & FLAG_RCODE;
	return compose_finish(&c, q->edns.present ? &edns : NULL);
}

/* --- serving ------------------------------------------------------------------------------------------ */

static bool is_query(const struct act_server *server, const uint8_t *wire, size_t len, struct query *q)
{
	return query_parse(wire, len, q) == QUERY_OK && dname_is_under(q->qname, server->apex);
}

static void hold(const struct act_server *server, const struct sockaddr_storage *to, socklen_t to_len,
		 const uint8_t *wire, size_t len)
{
	if (held_count == HELD_MAX || len > UDP_SIZE_MAX) {
		return; /* lost, as packets are */
	}
	struct held *h = &held[(held_first + held_count++) % HELD_MAX];
	*h = (struct held){ .due_ms = clock_now_ms() + HOSTILE_BOMB_MS, .fd = server->udp, .to = *to, .to_len = to_len,
			    .len = len };
	memcpy(h->wire, wire, len);
}

static void release_held(void)
{
	uint64_t now_ms = clock_now_ms();
	while (held_count > 0 && held[held_first].due_ms <= now_ms) {
		const struct held *h = &held[held_first];
		sendto(h->fd, h->wire, h->len, 0, (const struct sockaddr *)&h->to, h->to_len);
		held_first = (held_first + 1) % HELD_MAX;
		held_count--;
	}
}

static void serve_udp(const struct act_server *server)
{
	static uint8_t out[DNS_MESSAGE_MAX];
	uint8_t in[UDP_RECV_MAX];
	for (unsigned i = 0; i < 64; i++) {
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		struct query q;
		ssize_t n = recvfrom(server->udp, in, sizeof(in), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
		if (n < 0) {
			return;
		}
		if (!is_query(server, in, (size_t)n, &q)) {
			continue;
		}
		size_t len = reply_to(server, &q, false, out);
		if (len > 0 && server->zone->act == ACT_BOMB &&
		    dname_label_count(q.qname) > dname_label_count(server->apex)) {
			hold(server, &from, from_len, out, len);
		} else if (len > 0) {
			sendto(server->udp, out, len, 0, (struct sockaddr *)&from, from_len);
		}
	}
}

static void accept_tcp(const struct act_server *server)
{
	int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++) {
		if (connections[i].fd < 0) {
			connections[i] = (struct connection){ .fd = fd, .server = server };
			return;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* False: the connection is over. */
static bool serve_tcp(struct connection *c)
{
	static uint8_t out[2 + DNS_MESSAGE_MAX];
	struct query q;
	ssize_t n = recv(c->fd, c->in + c->got, sizeof(c->in) - c->got, 0);
	if (n <= 0) {
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
	c->got += (size_t)n;
	if (c->got < 2 || c->got < 2 + (size_t)get_u16(c->in)) {
		return c->got < sizeof(c->in);
	}
	if (c->server->zone->act == ACT_TARPIT) {
		c->got = 0;
		return true; /* kept, and that is all */
	}
	if (!is_query(c->server, c->in + 2, get_u16(c->in), &q)) {
		return false;
	}
	size_t len = reply_to(c->server, &q, true, out + 2);
	put_u16(out, (uint16_t)len);
	c->got = 0;
	/* Up to 64 KiB: the buffers of a connection that is asked one thing at a time hold it. */
	return len > 0 && send(c->fd, out, len + 2, MSG_NOSIGNAL) == (ssize_t)len + 2;
}

/* Zones that do no harm have a process of their own: what attacks cost this server shall not be seen in them. */
static bool is_harmless(const struct act_zone *zone)
{
	return zone->act == ACT_CALM || zone->act == ACT_NOTHING;
}

void lab_be_hostile(bool harmless)
{
	static struct pollfd polls[2 * ZONES + CONNECTIONS_MAX];
	int buffer = 1 << 20;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		connections[i].fd = -1;
	}
	if (!harmless) {
		make_signed();
	}
	for (size_t i = 0; i < ZONES; i++) {
		struct act_server *s = &servers[i];
		s->zone = &zones[i];
		polls[2 * i].fd = polls[2 * i + 1].fd = -1;
		if (is_harmless(&zones[i]) != harmless) {
			continue;
		}
		if (dname_from_text(zones[i].zone, s->apex) < 0) {
			exit(1);
		}
		s->udp = reply_bind(zones[i].address, 53, SOCK_DGRAM);
		s->tcp = reply_bind(zones[i].address, 53, SOCK_STREAM);
		if (setsockopt(s->udp, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0 ||
		    setsockopt(s->tcp, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) != 0) {
			exit(1);
		}
		polls[2 * i] = (struct pollfd){ .fd = s->udp, .events = POLLIN };
		polls[2 * i + 1] = (struct pollfd){ .fd = s->tcp, .events = POLLIN };
	}
	for (;;) {
		for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
			polls[2 * ZONES + i] = (struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
		}
		int ready = poll(polls, 2 * ZONES + CONNECTIONS_MAX, held_count > 0 ? 5 : -1);
		release_held();
		for (size_t i = 0; ready > 0 && i < ZONES; i++) {
			if ((polls[2 * i].revents & POLLIN) != 0) {
				serve_udp(&servers[i]);
			}
			if ((polls[2 * i + 1].revents & POLLIN) != 0) {
				accept_tcp(&servers[i]);
			}
		}
		for (size_t i = 0; ready > 0 && i < CONNECTIONS_MAX; i++) {
			if (polls[2 * ZONES + i].fd >= 0 && polls[2 * ZONES + i].revents != 0 &&
			    polls[2 * ZONES + i].fd == connections[i].fd && !serve_tcp(&connections[i])) {
				close(connections[i].fd);
				connections[i].fd = -1;
			}
		}
	}
}
