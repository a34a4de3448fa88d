/*
 * What is refused, and how; and what is counted. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/authority/world.h"

#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <string.h>

#define OPCODE(n) ((uint16_t)((n) << 11))

static struct world *make_world(void)
{
	struct world *w = world_new();
	world_add(w, "a.test.",
		  "@ 3600 SOA ns1 host 7 7200 900 1209600 3600\n@ NS ns1\nns1 A 192.0.2.1\nns1 TXT \"t\"\n");
	return w;
}

Test(query, refusals)
{
	static const struct {
		struct question q;
		const char *want;
	} table[] = {
		/* RFC 9619, RFC 1035: opcodes */
		{ { "a.test.", .flags = OPCODE(1) | FLAG_RD }, "NOTIMP rd headeronly\n" },
		{ { "a.test.", .flags = OPCODE(2), .edns = true }, "NOTIMP headeronly\n" },
		{ { "a.test.", .flags = OPCODE(3) }, "NOTIMP headeronly\n" },
		{ { "a.test.", .flags = OPCODE(5) }, "NOTIMP headeronly\n" },
		{ { "a.test.", .flags = OPCODE(6) }, "NOTIMP headeronly\n" },
		{ { "a.test.", .flags = OPCODE(15) }, "NOTIMP headeronly\n" },
		{ { "a.test.", "SOA", .flags = OPCODE(4) | FLAG_AA }, "REFUSED\n" },
		{ { "ns1.a.test.", "SOA", .flags = OPCODE(4), .edns = true }, "NOTAUTH edns ede=20\n" },
		{ { "b.test.", "SOA", .flags = OPCODE(4) }, "NOTAUTH\n" },
		/* RFC 6891 6.1.3 */
		{ { "a.test.", .version = 1 }, "BADVERS edns\n" },
		{ { "a.test.", .version = 255, .dnssec = true }, "BADVERS edns do\n" },
		/* classes */
		{ { "a.test.", .qclass = CLASS_CH }, "REFUSED\n" },
		{ { "version.bind.", "TXT", .qclass = CLASS_CH }, "REFUSED\n" },
		{ { "a.test.", .qclass = CLASS_ANY, .edns = true }, "REFUSED edns ede=20\n" },
		{ { "a.test.", .qclass = CLASS_NONE }, "REFUSED\n" },
		{ { "a.test.", .qclass = 4 }, "REFUSED\n" },
		/* RFC 8945 5.2.1 */
		{ { "a.test.", .tsig = true }, "FORMERR\n" },
		/* transfers and other meta types */
		{ { "a.test.", "AXFR", .transport = TRANSPORT_TCP }, "REFUSED\n" },
		{ { "a.test.", "AXFR" }, "NOTIMP\n" },
		{ { "b.test.", "AXFR", .transport = TRANSPORT_TCP, .edns = true }, "NOTAUTH edns ede=20\n" },
		{ { "a.test.", "IXFR" }, "REFUSED\n" },
		{ { "a.test.", "MAILA" }, "NOTIMP\n" },
		{ { "a.test.", "MAILB" }, "NOTIMP\n" },
		{ { "a.test.", "TSIG" }, "FORMERR\n" },
		{ { "a.test.", "OPT" }, "FORMERR\n" },
		{ { "a.test.", "TKEY" }, "FORMERR\n" },
		/* RFC 8906 3.1.2: types nobody knows are types without data */
		{ { "a.test.", "TYPE0" }, "NOERROR aa\nau a.test. 3600 SOA ns1.a.test. ... 7\n" },
		{ { "a.test.", "TYPE128" }, "NOERROR aa\nau a.test. 3600 SOA ns1.a.test. ... 7\n" },
		{ { "a.test.", "TYPE65535" }, "NOERROR aa\nau a.test. 3600 SOA ns1.a.test. ... 7\n" },
	};
	struct world *w = make_world();
	for (size_t i = 0; i < COUNT(table); i++) {
		cr_expect_str_eq(world_ask(w, &table[i].q), table[i].want, "case %zu %s %s:\n%s", i, table[i].q.name,
				 table[i].q.type == NULL ? "A" : table[i].q.type, w->text);
	}
	world_free(w);
}

Test(query, clients_that_may_not_ask)
{
	static const struct {
		const char *client;
		const char *want;
	} table[] = {
		{ "10.1.2.3", "NOERROR aa edns\nan ns1.a.test. 3600 A 192.0.2.1\n" },
		{ "::ffff:10.1.2.3", "NOERROR aa edns\nan ns1.a.test. 3600 A 192.0.2.1\n" },
		{ "11.1.2.3", "REFUSED edns ede=18\n" },
		{ "fd00::1", "NOERROR aa edns\nan ns1.a.test. 3600 A 192.0.2.1\n" },
		{ "fe00::1", "REFUSED edns ede=18\n" },
	};
	struct world *w = make_world();
	struct prefix p;
	w->view->anyone = false;
	cr_assert_eq(prefix_parse("10.0.0.0/8", &p), BH_OK);
	cr_assert_eq(acl_add(&w->view->acl, &p), BH_OK);
	cr_assert_eq(prefix_parse("fd00::/8", &p), BH_OK);
	cr_assert_eq(acl_add(&w->view->acl, &p), BH_OK);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct addr client;
		cr_assert_eq(addr_parse(table[i].client, 0, &client), BH_OK);
		struct question q = { "ns1.a.test.", .edns = true, .client = &client };
		cr_expect_str_eq(world_ask(w, &q), table[i].want, "%s: %s", table[i].client, w->text);
	}
	/* over a link there is no client to judge */
	cr_assert_eq(strncmp(world_ask(w, &(struct question){ "ns1.a.test.", .transport = TRANSPORT_LINK }),
			     "NOERROR", 7),
		     0);
	/* an empty list: nobody */
	acl_clear(&w->view->acl);
	struct addr client;
	cr_assert_eq(addr_parse("10.1.2.3", 0, &client), BH_OK);
	cr_assert_str_eq(world_ask(w, &(struct question){ "ns1.a.test.", .client = &client }), "REFUSED\n");
	world_free(w);
}

/* RFC 8906 and common sense: responses and scraps are the only ones that get no reply. */
Test(query, only_responses_and_scraps_are_ignored)
{
	struct world *w = make_world();
	uint8_t wire[UDP_RECV_MAX];
	size_t len = question_wire(&(struct question){ "ns1.a.test.", .edns = true }, wire);
	struct stats_page stats = { 0 };

	for (size_t cut = 0; cut < len; cut++) {
		const char *got = world_send(w, wire, cut, TRANSPORT_UDP, NULL);
		if (cut < DNS_HEADER_SIZE) {
			cr_assert_str_empty(got);
			query_count(&w->work, TRANSPORT_UDP, 0, &stats);
		} else {
			cr_assert_eq(strncmp(got, "FORMERR", 7), 0, "cut at %zu: %s", cut, got);
			cr_assert_not_null(strstr(got, "headeronly"));
		}
	}
	wire[2] |= 0x80;
	cr_assert_str_empty(world_send(w, wire, len, TRANSPORT_UDP, NULL));
	cr_assert_eq(stats.counters[STAT_AUTH_IGNORED], DNS_HEADER_SIZE);
	world_free(w);
}

/* Every octet of a query set to every value: a reply that parses, or silence for QR=1. */
Test(query, every_octet_changed)
{
	struct world *w = make_world();
	uint8_t wire[UDP_RECV_MAX];
	size_t len = question_wire(&(struct question){ "ns1.a.test.", .dnssec = true }, wire);
	for (size_t at = 0; at < len; at++) {
		uint8_t saved = wire[at];
		for (unsigned v = 0; v < 256; v++) {
			wire[at] = (uint8_t)v;
			const char *got = world_send(w, wire, len, TRANSPORT_UDP, NULL);
			bool response = (wire[2] & 0x80) != 0;
			cr_assert_eq(got[0] == '\0', response, "octet %zu = %u", at, v);
		}
		wire[at] = saved;
	}
	world_free(w);
}

Test(query, formerr_has_opt_when_one_was_read)
{
	struct world *w = make_world();
	uint8_t wire[UDP_RECV_MAX];
	size_t len = question_wire(&(struct question){ "ns1.a.test.", .dnssec = true }, wire);
	wire[len] = 0; /* trailing octet */
	cr_assert_str_eq(world_send(w, wire, len + 1, TRANSPORT_UDP, NULL), "FORMERR edns do headeronly\n");
	world_free(w);
}

Test(query, counters)
{
	static const struct {
		struct question q;
		unsigned counter;
		unsigned qtype;
	} table[] = {
		{ { "ns1.a.test." }, STAT_AUTH_NOERROR, RR_A },
		{ { "no.a.test." }, STAT_AUTH_NXDOMAIN, RR_A },
		{ { "b.test." }, STAT_AUTH_REFUSED, RR_A },
		{ { "f.test." }, STAT_AUTH_SERVFAIL, RR_A },
		{ { "a.test.", "OPT" }, STAT_AUTH_FORMERR, RR_OPT },
		{ { "a.test.", .flags = OPCODE(2) }, STAT_AUTH_NOTIMP, 0 },
		{ { "a.test.", .tsig = true }, STAT_AUTH_FORMERR, RR_A },
		{ { "a.test.", .version = 9, .edns = true }, STAT_AUTH_RCODE + RCODE_BADVERS, RR_A },
		{ { "a.test.", "CAA", .edns = true }, STAT_AUTH_NOERROR, RR_CAA },
		{ { "a.test.", "TYPE260" }, STAT_AUTH_NOERROR, STATS_QTYPES },
		{ { "a.test.", "TYPE65535" }, STAT_AUTH_NOERROR, STATS_QTYPES },
	};
	static const unsigned transports[] = { STAT_AUTH_UDP_QUERIES, STAT_AUTH_TCP_QUERIES, STAT_AUTH_LINK_QUERIES };
	struct world *w = make_world();
	world_add_failed(w, "f.test.");
	for (size_t i = 0; i < COUNT(table); i++) {
		for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_LINK; t++) {
			struct stats_page stats = { 0 };
			struct question q = table[i].q;
			q.transport = (enum transport)t;
			world_ask(w, &q);
			query_count(&w->work, q.transport, w->reply_len, &stats);
			bool named = w->work.query.qname_len > 0;
			for (unsigned c = 0; c < STAT_AUTH_COUNT; c++) {
				char name[STATS_NAME_MAX];
				bool want = c == table[i].counter || c == transports[t] || c == STAT_AUTH_COOKIE ||
					    c == STAT_AUTH_EDNS_NONE + q.edns + (unsigned)(q.version > 0) ||
					    c == STAT_AUTH_OPCODE + (unsigned)(q.flags >> 11 & 15) ||
					    (named && c == STAT_AUTH_QTYPE + table[i].qtype);
				cr_expect_eq(stats.counters[c], want, "case %zu counter %s", i,
					     stats_name(ROLE_AUTHORITY, c, name));
			}
		}
	}
	world_free(w);
}
