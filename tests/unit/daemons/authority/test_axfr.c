/*
 * The messages of transfers: what is in them, in which order, how large they are; and who gets them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/axfr.h"

#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/ipc/role_link.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/region.h"
#include "daemons/authority/allow.h"
#include "tests/unit/common/dns/tsig_wire.h"
#include "tests/unit/daemons/authority/world.h"
#include "tests/unit/daemons/authority/zone_text.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIG(type) "RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 a.test. AAAA\n"

/* All that a transfer sent: "owner TYPE" lines, and its messages counted. */
struct sent {
	char *text;
	size_t len;
	size_t room;
	unsigned messages;
	size_t largest;
	size_t octets;
	uint64_t records;
	struct message first; /* without records */
};

static void add_text(struct sent *s, const char *fmt, ...) BH_PRINTF(2, 3);

static void add_text(struct sent *s, const char *fmt, ...)
{
	va_list args;
	if (s->room - s->len < 4096) {
		s->room = s->room * 2 + 65536;
		s->text = realloc(s->text, s->room);
		cr_assert_not_null(s->text);
	}
	va_start(args, fmt);
	int n = vsnprintf(s->text + s->len, s->room - s->len, fmt, args);
	va_end(args);
	s->len += (size_t)n;
}

static struct query query_for(const char *apex, bool edns)
{
	struct query q = { .id = 0x4711, .flags = FLAG_RD | FLAG_CD, .qtype = RR_AXFR, .qclass = CLASS_IN };
	int len = dname_from_text(apex, q.qname);
	cr_assert_gt(len, 0);
	q.qname_len = (uint8_t)len;
	q.edns.present = edns;
	return q;
}

static ssize_t transfer(const struct image *image, const struct query *q, size_t reserved, struct sent *s)
{
	static struct axfr x;
	static struct compose compose;
	static uint8_t out[DNS_MESSAGE_MAX];
	struct region region;
	ssize_t len;
	memset(s, 0, sizeof(*s));
	add_text(s, "%s", "");
	region_init(&region, 1 << 20, 1 << 26);
	axfr_begin(&x, image, q);
	while ((len = axfr_next(&x, &compose, reserved, out)) > 0) {
		struct message m;
		char owner[DNAME_TEXT_MAX];
		char type[RR_TYPE_TEXT_MAX];
		region_reset(&region);
		cr_assert_eq(message_parse(out, (size_t)len, &region, &m), BH_OK);
		cr_assert_eq(m.id, q->id);
		cr_assert_eq(m.flags, FLAG_QR | FLAG_AA | FLAG_RD);
		cr_assert_gt(m.rr_count, 0);
		if (s->messages == 0) {
			s->first = m;
			cr_assert(m.qname != NULL && m.qtype == q->qtype);
			cr_assert(dname_equal(m.qname, image->apex));
		} else {
			cr_assert(m.qname == NULL && !m.has_edns, "in the first message only");
		}
		for (size_t i = 0; i < m.rr_count; i++) {
			cr_assert_eq(m.rrs[i].section, SECTION_ANSWER);
			add_text(s, "%s %s\n", dname_text(m.rrs[i].owner, owner), rr_type_text(m.rrs[i].type, type));
		}
		s->messages++;
		s->octets += (size_t)len;
		s->largest = (size_t)len > s->largest ? (size_t)len : s->largest;
	}
	s->records = x.records;
	cr_assert_eq(axfr_next(&x, &compose, reserved, out), len < 0 ? len : 0, "and stays there");
	region_clear(&region);
	return len;
}

Test(axfr, everything_is_sent_and_the_soa_twice)
{
	static const char text[] =
		"@ SOA ns host 7 2 3 4 5\n@ " SIG("SOA") "@ NS ns\n@ NS NS.sub\n@ NSEC a.b NS SOA RRSIG NSEC\n@ " SIG("NSEC")
		"ns A 192.0.2.1\nns A 192.0.2.2\nns " SIG("A")
		"sub NS ns.sub\nsub NS ns.deep.sub\nns.sub A 192.0.2.3\nns.deep.sub AAAA ::1\n"
		"a.b TXT \"below an empty non-terminal\"\n"
		"Upper CNAME upper\nd DNAME ns\n*.w CNAME ns\n";
	static const char expected[] = "a.test. SOA\na.test. NS\na.test. NS\na.test. RRSIG\na.test. NSEC\na.test. RRSIG\n"
				       "a.b.a.test. TXT\nd.a.test. DNAME\n"
				       "ns.a.test. A\nns.a.test. A\nns.a.test. RRSIG\n"
				       "sub.a.test. NS\nsub.a.test. NS\nns.deep.sub.a.test. AAAA\nns.sub.a.test. A\n"
				       "Upper.a.test. CNAME\n*.w.a.test. CNAME\na.test. SOA\n";
	struct image image;
	struct sent s;
	uint8_t *block = zone_from_text("a.test.", text, &image);
	struct query q = query_for("A.test.", false);
	cr_assert_eq(transfer(&image, &q, 0, &s), 0);
	/* The order of RRsets of a name is that of their types. */
	cr_assert_str_eq(s.text, expected);
	cr_assert_eq(s.messages, 1);
	cr_assert_eq(s.records, image.header->rr_count + 1u);
	cr_assert_not(s.first.has_edns);
	free(s.text);

	q = query_for("a.test.", true);
	cr_assert_eq(transfer(&image, &q, 0, &s), 0);
	cr_assert(s.first.has_edns);
	free(s.text);
	free(block);
}

Test(axfr, nsec3_of_all_chains)
{
	static const char text[] = "@ SOA ns host 7 2 3 4 5\n@ NS ns\n@ NSEC3PARAM 1 0 0 -\nns A 192.0.2.1\n"
				   "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 1123456789abcdefghijklmnopqrstuv NS\n"
				   "1123456789abcdefghijklmnopqrstuv NSEC3 1 0 5 aabb 0123456789abcdefghijklmnopqrstuv NS\n";
	struct image image;
	struct sent s;
	uint8_t *block = zone_from_text("a.test.", text, &image);
	struct query q = query_for("a.test.", false);
	cr_assert_eq(transfer(&image, &q, 0, &s), 0);
	cr_assert_eq(s.records, image.header->rr_count + 1u);
	cr_assert_not_null(strstr(s.text, "0123456789abcdefghijklmnopqrstuv.a.test. NSEC3\n"), "%s", s.text);
	cr_assert_not_null(strstr(s.text, "1123456789abcdefghijklmnopqrstuv.a.test. NSEC3\n"), "%s", s.text);
	free(s.text);
	free(block);
}

/* All with the same beginning, 13 to 62 octets. */
static void name_of_number(unsigned i, char out[64])
{
	snprintf(out, 64, "host-%0*u", (int)(i % 50) + 8, i);
}

/* A zone of `count` names with labels of different lengths, so that messages end at every kind of place. */
static uint8_t *large_zone(const char *apex, unsigned count, struct image *image)
{
	size_t room = 4096 + (size_t)count * 200;
	char *text = malloc(room);
	size_t pos = (size_t)snprintf(text, room, "@ SOA ns host 7 2 3 4 5\n@ NS ns\n@ NS ns.other.example.\nns A 192.0.2.1\n");
	for (unsigned i = 0; i < count; i++) {
		char name[64];
		char other[64];
		name_of_number(i, name);
		name_of_number(i * 7 + 1000000, other);
		pos += (size_t)snprintf(text + pos, room - pos, "%s A 192.0.2.1\n%s A 192.0.2.2\n%s MX 1 %s\n", name, name, name,
					other);
	}
	uint8_t *block = zone_from_text(apex, text, image);
	free(text);
	return block;
}

Test(axfr, messages_are_full_and_names_short)
{
	struct image image;
	struct sent s;
	uint8_t *block = large_zone("large.test.", 5000, &image);
	struct query q = query_for("large.test.", true);
	for (size_t reserved = 0; reserved < 400; reserved += 133) {
		cr_assert_eq(transfer(&image, &q, reserved, &s), 0);
		cr_assert_eq(s.records, image.header->rr_count + 1u);
		cr_assert_leq(s.largest, AXFR_MESSAGE_MAX - reserved);
		/* Each but the last has no room for one more of the largest records: 63 + 2 + 10 + 2 + 65. */
		cr_assert_gt(s.octets, (s.messages - 1) * (AXFR_MESSAGE_MAX - reserved - 142));
		/* Owner in full once a name, the target of MX once in full, the apex never: 2 octets instead of 12. */
		size_t least = 5000 * ((38 + 2 + 14) + 16 + (2 + 10 + 2 + 38 + 2));
		cr_assert_lt(s.octets, least + least / 20, "%zu", s.octets);
		free(s.text);
	}
	free(block);
}

Test(axfr, apexes_of_many_labels_and_none)
{
	static const char *const apexes[] = {
		".",
		"1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0."
		"1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.ip6.arpa.",
	};
	for (size_t i = 0; i < COUNT(apexes); i++) {
		struct image image;
		struct sent s;
		uint8_t *block = large_zone(apexes[i], 3000, &image);
		struct query q = query_for(apexes[i], false);
		cr_assert_eq(transfer(&image, &q, 0, &s), 0);
		cr_assert_eq(s.records, image.header->rr_count + 1u);
		cr_assert_leq(s.largest, (size_t)AXFR_MESSAGE_MAX);
		cr_assert_lt(s.octets, 3000u * 130, "%zu", s.octets);
		free(s.text);
		free(block);
	}
}

/* TXT of so many octets of RDATA. */
static uint8_t *zone_with_record(unsigned rdata_len, struct image *image)
{
	size_t room = 4096 + (size_t)rdata_len * 3;
	char *text = malloc(room);
	size_t pos = (size_t)snprintf(text, room, "@ SOA ns host 7 2 3 4 5\n@ NS ns\nbefore A 192.0.2.1\nlong TYPE65280 \\# %u ",
				      rdata_len);
	for (unsigned i = 0; i < rdata_len; i++) {
		pos += (size_t)snprintf(text + pos, room - pos, "%02x", i & 255);
	}
	snprintf(text + pos, room - pos, "\nns A 192.0.2.1\nzzz A 192.0.2.1\n");
	uint8_t *block = zone_from_text("a.test.", text, image);
	free(text);
	return block;
}

Test(axfr, records_larger_than_a_message)
{
	static const struct {
		unsigned rdata_len;
		size_t reserved;
		bool fits;
	} cases[] = {
		{ 16000, 0, true },  { 16340, 0, true },  { 16390, 100, true }, { 60000, 300, true },
		/* header, "long" and the apex in full, fixed fields */
		{ 65535 - 12 - 13 - 10, 0, true },	  { 65535 - 12 - 13 - 10 + 1, 0, false },
		{ 65535 - 12 - 13 - 10 - 100, 100, true }, { 65535 - 12 - 13 - 10 - 99, 100, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct image image;
		struct sent s;
		uint8_t *block = zone_with_record(cases[i].rdata_len, &image);
		struct query q = query_for("a.test.", true);
		ssize_t rc = transfer(&image, &q, cases[i].reserved, &s);
		cr_assert_eq(rc, cases[i].fits ? 0 : BH_ENOSPC, "%u: %zd", cases[i].rdata_len, rc);
		cr_assert(!cases[i].fits || s.records == image.header->rr_count + 1u);
		cr_assert_leq(s.largest, DNS_MESSAGE_MAX - cases[i].reserved);
		free(s.text);
		free(block);
	}
}

Test(axfr, serials)
{
	static const struct {
		uint32_t client;
		uint32_t own;
		bool current;
	} cases[] = {
		{ 7, 7, true },	 { 8, 7, true },	  { 6, 7, false },	     { 0, UINT32_MAX, true },
		{ UINT32_MAX, 0, false }, { 0x80000006, 7, true }, { 0x80000007, 7, false }, { 0x80000008, 7, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_assert_eq(axfr_is_current(cases[i].client, cases[i].own), cases[i].current, "case %zu", i);
	}
}

/* --- requests --- */

#define SECRET "0123456789abcdef"

/* a.test. may be had from 192.0.2.0/24 and with key "k."; b.test. by nobody; c.test. did not compile. */
static struct world *make_world(void)
{
	static struct tsig_key key = { .name = "\001k", .algorithm = TSIG_HMAC_SHA256, .secret_len = sizeof(SECRET) - 1,
				       .secret = SECRET };
	static struct ipc_transfer transfers[] = {
		{ .zone = 0, .needs = IPC_TRANSFER_PREFIX,
		  .prefix = { .family = ADDR_V4, .bits = 24, .bytes = { 192, 0, 2 } } },
		{ .zone = 0, .needs = IPC_TRANSFER_KEY, .key = "\001k" },
		{ .zone = 2, .needs = IPC_TRANSFER_KEY, .key = "\001k" },
	};
	static struct role_conf conf = { .keys = &key, .key_count = 1, .transfers = transfers, .transfer_count = 3,
					 .zone_count = 3 };
	char why[128];
	struct world *w = world_new();
	world_add(w, "a.test.", "@ SOA ns host 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	world_add(w, "b.test.", "@ SOA ns host 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	world_add_failed(w, "c.test.");
	cr_assert_eq(allow_new(&conf, &w->view->allow, why, sizeof(why)), BH_OK, "%s", why);
	return w;
}

struct request {
	const char *zone;
	const char *type;
	enum transport transport;
	const char *client; /* NULL: 192.0.2.1 */
	const char *key;    /* NULL: not signed */
	const char *secret; /* NULL: the right one */
	int64_t late_sec;
	int serial;	      /* of IXFR; -1: no SOA in the request */
	enum query_transfer transfer;
	const char *reply; /* first line; NULL: none is made here */
	uint16_t error;	   /* of the TSIG record */
	uint16_t opcode;
};

static size_t make_request(const struct request *r, struct tsig_wire *tsig, uint8_t wire[UDP_RECV_MAX])
{
	size_t len = question_wire(&(struct question){ .name = r->zone, .type = r->type, .edns = false,
						       .flags = (uint16_t)(r->opcode << 11) }, wire);
	if (strcmp(r->type, "IXFR") == 0 && r->serial >= 0) {
		struct sink s = sink_of(wire, UDP_RECV_MAX);
		s.pos = len;
		sink_u16(&s, 0xc00c);
		sink_u16(&s, RR_SOA);
		sink_u16(&s, CLASS_IN);
		sink_u32(&s, 0);
		sink_u16(&s, 2 + 1 + 20);
		sink_u16(&s, 0xc00c);
		sink_u8(&s, 0);
		sink_u32(&s, (uint32_t)r->serial);
		for (unsigned i = 0; i < 4; i++) {
			sink_u32(&s, 0);
		}
		put_u16(wire + 8, 1);
		len = s.pos;
	}
	if (r->key != NULL) {
		*tsig = (struct tsig_wire){ .name = r->key,
					    .algorithm = "hmac-sha256",
					    .secret = r->secret != NULL ? r->secret : SECRET,
					    .time_sec = WORLD_NOW_SEC - (uint64_t)r->late_sec,
					    .fudge_sec = 300 };
		len = tsig_wire_sign(tsig, wire, len);
	}
	return len;
}

#define STRANGER "198.51.100.1"

static const struct request requests[] = {
	{ "a.test.", "AXFR", TRANSPORT_TCP, .transfer = TRANSFER_BEGIN },
	{ "A.TEST.", "AXFR", TRANSPORT_TCP, .transfer = TRANSFER_BEGIN },
	{ "a.test.", "AXFR", TRANSPORT_UDP, .reply = "NOTIMP" },
	{ "a.test.", "AXFR", TRANSPORT_UDP, STRANGER, .reply = "NOTIMP" },
	{ "a.test.", "AXFR", TRANSPORT_LINK, .transfer = TRANSFER_REFUSED, .reply = "REFUSED" },
	{ "a.test.", "AXFR", TRANSPORT_TCP, STRANGER, .transfer = TRANSFER_REFUSED, .reply = "REFUSED" },
	{ "a.test.", "AXFR", TRANSPORT_TCP, STRANGER, "k.", .transfer = TRANSFER_BEGIN },
	{ "a.test.", "AXFR", TRANSPORT_TCP, STRANGER, "K.", .transfer = TRANSFER_BEGIN },
	{ "a.test.", "AXFR", TRANSPORT_TCP, .key = "other.", .reply = "NOTAUTH", .error = TSIG_BADKEY },
	{ "a.test.", "AXFR", TRANSPORT_TCP, .key = "k.", .secret = "wrong", .reply = "NOTAUTH", .error = TSIG_BADSIG },
	{ "a.test.", "AXFR", TRANSPORT_TCP, .key = "k.", .late_sec = 301, .reply = "NOTAUTH", .error = TSIG_BADTIME },
	{ "ns.a.test.", "AXFR", TRANSPORT_TCP, .reply = "NOTAUTH" },
	{ "test.", "AXFR", TRANSPORT_TCP, .reply = "NOTAUTH" },
	{ "b.test.", "AXFR", TRANSPORT_TCP, .transfer = TRANSFER_REFUSED, .reply = "REFUSED" },
	{ "b.test.", "AXFR", TRANSPORT_TCP, .key = "k.", .transfer = TRANSFER_REFUSED, .reply = "REFUSED" },
	{ "c.test.", "AXFR", TRANSPORT_TCP, .key = "k.", .reply = "SERVFAIL" },
	{ "a.test.", "IXFR", TRANSPORT_TCP, .serial = 6, .transfer = TRANSFER_BEGIN },
	{ "a.test.", "IXFR", TRANSPORT_TCP, .serial = 7, .reply = "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n" },
	{ "a.test.", "IXFR", TRANSPORT_TCP, .serial = 8, .reply = "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n" },
	{ "a.test.", "IXFR", TRANSPORT_TCP, .serial = -1, .reply = "FORMERR" },
	{ "a.test.", "IXFR", TRANSPORT_UDP, .serial = 6, .reply = "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n" },
	{ "a.test.", "IXFR", TRANSPORT_UDP, .serial = 7, .reply = "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n" },
	{ "a.test.", "IXFR", TRANSPORT_UDP, .serial = 6, .key = "k.",
	  .reply = "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n" },
	{ "a.test.", "IXFR", TRANSPORT_UDP, STRANGER, .serial = 7, .transfer = TRANSFER_REFUSED, .reply = "REFUSED" },
	{ "c.test.", "IXFR", TRANSPORT_UDP, .serial = 7, .key = "k.", .reply = "SERVFAIL" },
	/* signed queries of other kinds */
	{ "ns.a.test.", "A", TRANSPORT_UDP, .key = "k.", .reply = "NOERROR aa\nan ns.a.test. 3600 A 192.0.2.1\n" },
	{ "ns.a.test.", "A", TRANSPORT_TCP, .key = "k.", .reply = "NOERROR aa\nan ns.a.test. 3600 A 192.0.2.1\n" },
	{ "ns.a.test.", "A", TRANSPORT_UDP, .key = "k.", .secret = "wrong", .reply = "NOTAUTH", .error = TSIG_BADSIG },
	{ "a.test.", "SOA", TRANSPORT_UDP, .key = "k.", .opcode = OPCODE_NOTIFY, .reply = "REFUSED" },
	{ "a.test.", "SOA", TRANSPORT_UDP, .key = "x.", .opcode = OPCODE_NOTIFY, .reply = "NOTAUTH", .error = TSIG_BADKEY },
};

Test(axfr, requests_and_their_answers)
{
	struct world *w = make_world();
	for (size_t i = 0; i < COUNT(requests); i++) {
		const struct request *r = &requests[i];
		uint8_t wire[UDP_RECV_MAX];
		struct tsig_wire tsig;
		struct addr client;
		size_t len = make_request(r, &tsig, wire);
		cr_assert_eq(addr_parse(r->client != NULL ? r->client : "192.0.2.1", 0, &client), BH_OK);
		const char *text = world_send(w, wire, len, r->transport,
					      r->transport == TRANSPORT_LINK ? NULL : &client);
		cr_assert_eq(w->work.transfer, r->transfer, "request %zu: %d %s", i, w->work.transfer, text);
		if (r->reply == NULL) {
			cr_assert_eq(w->reply_len, 0, "request %zu", i);
			continue;
		}
		size_t compare = strchr(r->reply, '\n') != NULL ? strlen(r->reply) + 1 : strlen(r->reply);
		cr_assert_eq(strncmp(text, r->reply, compare), 0, "request %zu: %s", i, text);
		if (r->key != NULL) {
			struct tsig_wire_reply reply = tsig_wire_check(&tsig, w->reply, w->reply_len);
			cr_assert(reply.present, "request %zu", i);
			cr_assert_eq(reply.error, r->error, "request %zu: %u", i, reply.error);
			cr_assert_eq(reply.good, r->error == 0 || r->error == TSIG_BADTIME, "request %zu", i);
		}
	}
	world_free(w);
}

/* What a client gets over UDP is counted like any answer, whatever was asked before it. */
Test(axfr, over_udp_the_rate_is_limited)
{
	struct world *w = make_world();
	uint8_t wire[UDP_RECV_MAX];
	struct addr client;
	void *block = aligned_alloc(64, 65536);
	cr_assert_not_null(block);
	memset(block, 0, 65536);
	w->view->rrl = (struct rrl){ .mode = RRL_ON, .cost_us = 500000, .ipv4_bits = 24, .ipv6_bits = 56 };
	cr_assert_eq(rrl_table_init(&w->view->rrl.table, block, 65536), BH_OK);
	cr_assert_eq(addr_parse("192.0.2.1", 0, &client), BH_OK);
	size_t len = make_request(&(struct request){ "a.test.", "IXFR", TRANSPORT_UDP, .serial = 6 }, NULL, wire);
	for (unsigned i = 0; i < 3; i++) {
		world_ask(w, &(struct question){ "elsewhere." });
		world_send(w, wire, len, TRANSPORT_UDP, &client);
		cr_assert_str_eq(w->text, i < 2 ? "NOERROR aa\nan a.test. 3600 SOA ns.a.test. ... 7\n"
						 : "NOERROR aa tc\n", "%u: %s", i, w->text);
		cr_assert_eq(w->work.limited, i < 2 ? QUERY_UNLIMITED : QUERY_RATE_TRUNCATED);
	}
	free(block);
	w->view->rrl = (struct rrl){ .mode = RRL_OFF };
	world_free(w);
}

/* A client that is not allowed to ask gets no signature, and no zone. */
Test(axfr, who_may_not_ask_may_not_transfer)
{
	struct world *w = make_world();
	uint8_t wire[UDP_RECV_MAX];
	struct tsig_wire tsig;
	struct addr client;
	w->view->anyone = false;
	size_t len = make_request(&(struct request){ "a.test.", "AXFR", TRANSPORT_TCP, .key = "k." }, &tsig, wire);
	cr_assert_eq(addr_parse("192.0.2.1", 0, &client), BH_OK);
	cr_assert_str_eq(world_send(w, wire, len, TRANSPORT_TCP, &client), "REFUSED\n");
	cr_assert_eq(w->work.transfer, TRANSFER_NONE);
	world_free(w);
}

/* RFC 8945 5.3: the signature has its room within the limit, and what does not fit goes with TC. */
Test(axfr, signed_answers_keep_within_the_limit)
{
	static char text[32768];
	size_t pos = (size_t)snprintf(text, sizeof(text), "@ SOA ns host 7 2 3 4 5\n@ NS ns\n");
	struct world *w = world_new();
	struct addr client;
	for (unsigned n = 0; n < 40; n++) {
		for (unsigned i = 0; i < n; i++) {
			pos += (size_t)snprintf(text + pos, sizeof(text) - pos, "n%u A 192.0.2.%u\n", n, i);
		}
	}
	world_add(w, "a.test.", text);
	static struct tsig_key key = { .name = "\001k", .algorithm = TSIG_HMAC_SHA256, .secret_len = sizeof(SECRET) - 1,
				       .secret = SECRET };
	static struct role_conf conf = { .keys = &key, .key_count = 1, .zone_count = 1 };
	char why[128];
	bool cut = false;
	cr_assert_eq(allow_new(&conf, &w->view->allow, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(addr_parse("192.0.2.1", 0, &client), BH_OK);
	for (unsigned n = 1; n < 40; n++) {
		uint8_t wire[UDP_RECV_MAX];
		struct tsig_wire tsig;
		char name[32];
		snprintf(name, sizeof(name), "n%u.a.test.", n);
		size_t len = make_request(&(struct request){ name, "A", TRANSPORT_UDP, .key = "k." }, &tsig, wire);
		world_send(w, wire, len, TRANSPORT_UDP, &client);
		cr_assert_leq(w->reply_len, UDP_SIZE_PLAIN, "%u records: %zu", n, w->reply_len);
		cr_assert(tsig_wire_check(&tsig, w->reply, w->reply_len).good, "%u records", n);
		cut = cut || w->work.answer.truncated;
		cr_assert_eq(w->work.answer.truncated, n > 25, "%u records", n); /* 12 + 16 + 16 n + 74 <= 512 */
	}
	cr_assert(cut);
	world_free(w);
}
