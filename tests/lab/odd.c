/*
 * A server of many addresses, each with one zone and one fault. What a resolver must do with it is in
 * test_resolver.c; the zone data is always the same: the apex has SOA and NS, "ns" its address, every other name
 * below an A record 198.51.100.150.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/lab.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/addr.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/integration/harness.h"
#include "tests/lab/reply.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum fault {
	ODD_NONE,
	ODD_WRONG_ID,	   /* first a forged reply with another id, then the true one */
	ODD_WRONG_CASE,	   /* ... with the letters of the question folded the other way */
	ODD_WRONG_NAME,	   /* ... for another question */
	ODD_GARBAGE,	   /* ... random octets */
	ODD_WRONG_PORT,	   /* ... from another port */
	ODD_EDNS_FORMERR,  /* answers queries with OPT by a bare FORMERR */
	ODD_EDNS_DROP,	   /* does not answer queries with OPT; nobody works around that since 2019 */
	ODD_EDNS_NOTIMP,
	ODD_TC_ONLY,	   /* every UDP reply is empty with TC; TCP is right */
	ODD_TC_NO_TCP,	   /* the same, and TCP is closed */
	ODD_LOWERCASE,	   /* folds the question, always */
	ODD_NX_ENT,	   /* NXDOMAIN for empty non-terminals: all names but full ones (RFC 8020 broken) */
	ODD_SLOW,	   /* 500 ms for each answer */
	ODD_POISON,	   /* data of other zones in answer, authority and additional section */
	ODD_CUT,	   /* first a reply cut in its middle */
	ODD_SILENT,	   /* never answers */
	ODD_ALIAS_LIE,	   /* CNAME to www.alpha.com, with a forged address of it in the same reply */
	ODD_DEEP_ALIAS,	   /* endless CNAME chain: n1 -> n2 -> n3 ... */
	ODD_UPWARD,	   /* refers to the root */
	ODD_NS_FLOOD,	   /* delegates each child to 60 names that do not exist (NXNSAttack) */
};

struct odd_zone {
	const char *zone;
	const char *address; /* address[@port], as in a configuration */
	enum fault fault;
};

static const struct odd_zone zones[] = {
	{ "odd.com.", "203.0.113.101", ODD_NONE },
	{ "wrongid.com.", "203.0.113.102", ODD_WRONG_ID },
	{ "wrongcase.com.", "203.0.113.103", ODD_WRONG_CASE },
	{ "wrongname.com.", "203.0.113.104", ODD_WRONG_NAME },
	{ "garbage.com.", "203.0.113.105", ODD_GARBAGE },
	{ "wrongport.com.", "203.0.113.106", ODD_WRONG_PORT },
	{ "ednsformerr.com.", "203.0.113.107", ODD_EDNS_FORMERR },
	{ "ednsdrop.com.", "203.0.113.108", ODD_EDNS_DROP },
	{ "ednsnotimp.com.", "203.0.113.109", ODD_EDNS_NOTIMP },
	{ "tconly.com.", "203.0.113.110", ODD_TC_ONLY },
	{ "tcnotcp.com.", "203.0.113.111", ODD_TC_NO_TCP },
	{ "lowercase.com.", "203.0.113.112", ODD_LOWERCASE },
	{ "nxent.com.", "203.0.113.113", ODD_NX_ENT },
	{ "slow.com.", "203.0.113.114", ODD_SLOW },
	{ "poison.com.", "203.0.113.115", ODD_POISON },
	{ "cutreply.com.", "203.0.113.116", ODD_CUT },
	{ "silent.com.", "203.0.113.117", ODD_SILENT },
	{ "aliaslie.com.", "203.0.113.118", ODD_ALIAS_LIE },
	{ "deepalias.com.", "203.0.113.119", ODD_DEEP_ALIAS },
	{ "upward.com.", "203.0.113.120", ODD_UPWARD },
	{ "nsflood.com.", "203.0.113.121", ODD_NS_FLOOD },
	{ "consul.", "203.0.113.130@8600", ODD_NONE }, /* delegated by nobody: for a stub zone */
};

#define ZONES COUNT(zones)

struct odd_server {
	const struct odd_zone *zone;
	uint8_t apex[DNAME_MAX];
	int udp;
	int tcp;   /* listening, -1: closed */
	int other; /* UDP, same address, another port; -1: none */
};

static struct odd_server servers[ZONES];

/* --- composing --------------------------------------------------------------------------------------- */

static void add_ns(struct compose *c, enum section section, const uint8_t *apex)
{
	uint8_t ns[DNAME_MAX];
	reply_name_below(apex, "ns", ns);
	reply_add(c, section, apex, RR_NS, ns, dname_len(ns));
}

/* "n17.deepalias.com" is an alias of "n18.deepalias.com". */
static void add_next_alias(struct compose *c, const struct odd_server *server, const struct query *q)
{
	char label[16] = "";
	char target[300];
	memcpy(label, q->qname + 1, q->qname[0] < sizeof(label) ? q->qname[0] : sizeof(label) - 1);
	long number = label[0] == 'n' || label[0] == 'N' ? strtol(label + 1, NULL, 10) : 0;
	snprintf(target, sizeof(target), "n%ld.%s", number + 1, server->zone->zone);
	reply_add_name(c, SECTION_ANSWER, q->qname, RR_CNAME, target);
}

static void add_ns_flood(struct compose *c, const struct odd_server *server, const struct query *q)
{
	unsigned own = dname_label_count(server->apex);
	const uint8_t *child = dname_skip_labels(q->qname, dname_label_count(q->qname) - own - 1);
	for (unsigned i = 0; i < 60; i++) {
		char target[64];
		snprintf(target, sizeof(target), "x%u-%u.alpha.com.", i, (unsigned)rand_u16());
		reply_add_name(c, SECTION_AUTHORITY, child, RR_NS, target);
	}
}

/* What is true in the zone, with the faults that concern content. Returns octets. */
static size_t true_reply(const struct odd_server *server, const struct query *q, bool tcp, uint8_t *out)
{
	struct compose c;
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_NONE };
	enum fault fault = server->zone->fault;
	bool opt = q->edns.present && fault != ODD_EDNS_FORMERR && fault != ODD_EDNS_NOTIMP && fault != ODD_EDNS_DROP;
	size_t limit = tcp ? DNS_MESSAGE_MAX : q->edns.present && q->edns.udp_size > 512 ? 1232 : 512;
	unsigned depth = dname_label_count(q->qname) - dname_label_count(server->apex);
	uint8_t qname[DNAME_MAX];

	memcpy(qname, q->qname, q->qname_len);
	if (fault == ODD_LOWERCASE) {
		dname_copy_lower(qname, qname);
	}
	compose_begin(&c, out, limit, opt ? edns_size(&edns) : 0, q->id,
		      (uint16_t)(FLAG_QR | FLAG_AA | (q->flags & FLAG_RD)), qname, q->qtype, q->qclass);
	if (!tcp && (fault == ODD_TC_ONLY || fault == ODD_TC_NO_TCP)) {
		compose_flags(&c, 0, FLAG_TC);
	} else if (depth == 0 && q->qtype == RR_SOA) {
		reply_add_soa(&c, SECTION_ANSWER, server->apex);
	} else if (depth == 0 && q->qtype == RR_NS) {
		add_ns(&c, SECTION_ANSWER, server->apex);
	} else if (depth == 0) {
		reply_add_soa(&c, SECTION_AUTHORITY, server->apex);
	} else if (depth == 1 && q->qtype == RR_A && q->qname[0] == 2 && dname_fold(q->qname[1]) == 'n' &&
		   dname_fold(q->qname[2]) == 's') {
		reply_add_address(&c, SECTION_ANSWER, qname, server->zone->address);
	} else if (fault == ODD_UPWARD) {
		compose_flags(&c, FLAG_AA, 0);
		reply_add_name(&c, SECTION_AUTHORITY, (const uint8_t *)"", RR_NS, "a.root-servers.net.");
	} else if (fault == ODD_NS_FLOOD) {
		compose_flags(&c, FLAG_AA, 0);
		add_ns_flood(&c, server, q);
	} else if (fault == ODD_DEEP_ALIAS) {
		add_next_alias(&c, server, q);
	} else if (fault == ODD_ALIAS_LIE) {
		uint8_t victim[DNAME_MAX];
		reply_add_name(&c, SECTION_ANSWER, qname, RR_CNAME, "www.alpha.com.");
		if (dname_from_text("www.alpha.com.", victim) > 0) {
			reply_add_address(&c, SECTION_ANSWER, victim, LAB_POISON);
		}
	} else if (fault == ODD_NX_ENT && depth < 3) {
		compose_flags(&c, 0, RCODE_NXDOMAIN);
		edns.rcode = RCODE_NXDOMAIN;
		reply_add_soa(&c, SECTION_AUTHORITY, server->apex);
	} else if (q->qtype == RR_A) {
		reply_add_address(&c, SECTION_ANSWER, qname, "198.51.100.150");
	} else {
		reply_add_soa(&c, SECTION_AUTHORITY, server->apex);
	}
	if (fault == ODD_POISON && depth > 0) {
		uint8_t victim[DNAME_MAX];
		if (dname_from_text("www.alpha.com.", victim) > 0) {
			reply_add_address(&c, SECTION_ANSWER, victim, LAB_POISON);
			reply_add_name(&c, SECTION_AUTHORITY, dname_parent(victim), RR_NS, "ns.poison.com.");
			reply_add_name(&c, SECTION_AUTHORITY, dname_parent(dname_parent(victim)), RR_NS, "ns.poison.com.");
			reply_add_address(&c, SECTION_ADDITIONAL, victim, LAB_POISON);
		}
		if (dname_from_text("ns1.alpha.com.", victim) > 0) {
			reply_add_address(&c, SECTION_ADDITIONAL, victim, LAB_POISON);
		}
	}
	return compose_finish(&c, opt ? &edns : NULL);
}

/* A reply that says LAB_POISON, with a chosen id and question. */
static size_t forged_reply(const struct query *q, uint16_t id, const uint8_t *qname, uint8_t *out)
{
	struct compose c;
	compose_begin(&c, out, 512, 0, id, (uint16_t)(FLAG_QR | FLAG_AA), qname, q->qtype, q->qclass);
	reply_add_address(&c, SECTION_ANSWER, qname, LAB_POISON);
	return compose_finish(&c, NULL);
}

static size_t error_reply(const struct query *q, unsigned rcode, uint8_t *out)
{
	struct compose c;
	compose_begin(&c, out, 512, 0, q->id, (uint16_t)(FLAG_QR | (q->flags & FLAG_RD) | rcode), q->qname, q->qtype,
		      q->qclass);
	return compose_finish(&c, NULL);
}

/* --- serving ------------------------------------------------------------------------------------------ */

/* What comes before the true reply; first octets at out, or 0 for nothing. */
static size_t lie_first(const struct odd_server *server, const struct query *q, uint8_t *out)
{
	uint8_t name[DNAME_MAX];
	memcpy(name, q->qname, q->qname_len);
	switch (server->zone->fault) {
	case ODD_WRONG_ID:
		return forged_reply(q, (uint16_t)(q->id + 1), q->qname, out);
	case ODD_WRONG_PORT:
		return forged_reply(q, q->id, q->qname, out);
	case ODD_WRONG_CASE:
		for (size_t i = 0; i < q->qname_len; i++) {
			if ((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z') {
				name[i] ^= 32; /* no label is as long as a letter's code */
			}
		}
		return forged_reply(q, q->id, name, out);
	case ODD_WRONG_NAME:
		name[1] = name[1] == 'x' ? 'y' : 'x';
		return forged_reply(q, q->id, name, out);
	case ODD_GARBAGE:
		rand_bytes(out, 100);
		return 100;
	case ODD_CUT:
		return true_reply(server, q, false, out) / 2;
	default:
		return 0;
	}
}

static void serve_udp(const struct odd_server *server)
{
	uint8_t in[UDP_RECV_MAX];
	uint8_t out[DNS_MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(server->udp, in, sizeof(in), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	struct query q;
	if (n < 0 || query_parse(in, (size_t)n, &q) != QUERY_OK || !dname_is_under(q.qname, server->apex)) {
		return;
	}
	enum fault fault = server->zone->fault;
	if (fault == ODD_SILENT || (fault == ODD_EDNS_DROP && q.edns.present)) {
		return;
	}
	if (q.edns.present && (fault == ODD_EDNS_FORMERR || fault == ODD_EDNS_NOTIMP)) {
		size_t len = error_reply(&q, fault == ODD_EDNS_FORMERR ? RCODE_FORMERR : RCODE_NOTIMP, out);
		sendto(server->udp, out, len, 0, (struct sockaddr *)&from, from_len);
		return;
	}
	size_t lie = lie_first(server, &q, out);
	if (lie > 0) {
		sendto(fault == ODD_WRONG_PORT ? server->other : server->udp, out, lie, 0, (struct sockaddr *)&from,
		       from_len);
		harness_sleep_ms(20);
	}
	size_t len = true_reply(server, &q, false, out);
	if (fault == ODD_SLOW) {
		if (fork() == 0) { /* others are not kept waiting */
			harness_sleep_ms(500);
			sendto(server->udp, out, len, 0, (struct sockaddr *)&from, from_len);
			_exit(0);
		}
		return;
	}
	sendto(server->udp, out, len, 0, (struct sockaddr *)&from, from_len);
}

/* One query, one reply, close: what a resolver that lost its UDP reply to TC needs. */
static void serve_tcp(const struct odd_server *server)
{
	uint8_t in[2 + 4096];
	uint8_t out[2 + DNS_MESSAGE_MAX];
	int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		return;
	}
	struct timeval patience = { .tv_sec = 1 };
	struct query q;
	ssize_t n = -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    recv(fd, in, 2, MSG_WAITALL) == 2 && get_u16(in) <= 4096) {
		n = recv(fd, in + 2, get_u16(in), MSG_WAITALL);
	}
	if (n > 0 && query_parse(in + 2, (size_t)n, &q) == QUERY_OK && dname_is_under(q.qname, server->apex)) {
		size_t len = true_reply(server, &q, true, out + 2);
		put_u16(out, (uint16_t)len);
		ssize_t sent = send(fd, out, len + 2, MSG_NOSIGNAL);
		(void)sent; /* a resolver that went away is its own business */
	}
	close(fd);
}

void lab_be_odd(void)
{
	struct pollfd polls[2 * ZONES];
	signal(SIGCHLD, SIG_IGN);
	for (size_t i = 0; i < ZONES; i++) {
		struct odd_server *s = &servers[i];
		s->zone = &zones[i];
		if (dname_from_text(zones[i].zone, s->apex) < 0) {
			exit(1);
		}
		s->udp = reply_bind(zones[i].address, 53, SOCK_DGRAM);
		s->other = zones[i].fault == ODD_WRONG_PORT ? reply_bind("203.0.113.106@5353", 0, SOCK_DGRAM) : -1;
		s->tcp = zones[i].fault == ODD_TC_NO_TCP ? -1 : reply_bind(zones[i].address, 53, SOCK_STREAM);
		polls[2 * i] = (struct pollfd){ .fd = s->udp, .events = POLLIN };
		polls[2 * i + 1] = (struct pollfd){ .fd = s->tcp, .events = POLLIN };
	}
	for (;;) {
		if (poll(polls, 2 * ZONES, -1) < 0) {
			continue;
		}
		for (size_t i = 0; i < ZONES; i++) {
			if ((polls[2 * i].revents & POLLIN) != 0) {
				serve_udp(&servers[i]);
			}
			if ((polls[2 * i + 1].revents & POLLIN) != 0) {
				serve_tcp(&servers[i]);
			}
		}
	}
}
