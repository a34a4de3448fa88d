/*
 * Options of replies, what the server says of itself, and what a limited client gets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/edns.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_COOKIE "000a00082464c4abcf10c957"
/* RFC 9018 A.1: of 198.51.100.100 at 1559731985 with the secret below */
#define SERVER_COOKIE "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480"
#define BAD_COOKIE    "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29481"
#define NSID	      "00030000"
#define KEEPALIVE     "000b0000"

static struct addr client;

static struct world *make_world(void)
{
	static const uint8_t secret[COOKIE_SECRET_SIZE] = { 0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
							    0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf };
	struct world *w = world_new();
	world_add(w, "a.test.",
		  "@ 3600 SOA ns1 host 7 7200 900 1209600 3600\n@ NS ns1\nns1 A 192.0.2.1\nns1 TXT \"t\"\n"
		  "ns2 A 192.0.2.2\n*.wild A 192.0.2.3\ndn DNAME b.test.\nalias CNAME gone.a.test.\n"
		  "sub NS ns.sub\nns.sub A 192.0.2.4\nsub2 NS ns.sub\n");
	world_add(w, "c.test.", "@ 3600 SOA ns1 host 7 7200 900 1209600 3600\n@ NS ns1\nns1 A 192.0.2.1\n");
	w->view->cookies = IPC_COOKIES_ANSWER;
	w->view->cookie_secrets.count = 1;
	memcpy(w->view->cookie_secrets.bytes[0], secret, sizeof(secret));
	w->work.now = (struct query_now){ .us = 5000000, .sec = 1559731985 };
	cr_assert_eq(addr_parse("198.51.100.100", 0, &client), BH_OK);
	return w;
}

static void limit(struct world *w, enum rrl_mode mode, unsigned per_second)
{
	void *block = aligned_alloc(64, 65536);
	cr_assert_not_null(block);
	memset(block, 0, 65536);
	w->view->rrl = (struct rrl){ .mode = mode, .cost_us = 1000000 / per_second, .ipv4_bits = 24, .ipv6_bits = 56 };
	cr_assert_eq(rrl_table_init(&w->view->rrl.table, block, 65536), BH_OK);
}

static void world_end(struct world *w)
{
	free(w->view->rrl.table.lines);
	acl_clear(&w->view->rrl.exempt);
	w->view->rrl = (struct rrl){ .mode = RRL_OFF };
	world_free(w);
}

/* Octets of the options in the reply, as hex; OPT is its last record. */
static const char *options_of(const struct world *w)
{
	static char text[2 * EDNS_RESERVE_MAX + 1];
	const uint8_t *end = w->reply + w->reply_len;
	for (size_t len = 0; len + EDNS_SIZE_MIN <= w->reply_len && len <= EDNS_RESERVE_MAX; len++) {
		const uint8_t *opt = end - len - EDNS_SIZE_MIN;
		if (opt[0] == 0 && get_u16(opt + 1) == RR_OPT && get_u16(opt + 9) == len &&
		    get_u16(opt + 3) == UDP_SIZE_MAX) {
			for (size_t i = 0; i < len; i++) {
				snprintf(text + 2 * i, 3, "%02x", opt[EDNS_SIZE_MIN + i]);
			}
			text[2 * len] = '\0';
			return text;
		}
	}
	return "none";
}

Test(limits, options_come_when_asked_for)
{
	static const struct {
		const char *options;
		enum transport transport;
		const char *want;
	} cases[] = {
		{ "", TRANSPORT_UDP, "" },
		{ NSID, TRANSPORT_UDP, "00030003626f78" },
		{ NSID, TRANSPORT_TCP, "00030003626f78" },
		{ CLIENT_COOKIE, TRANSPORT_UDP, SERVER_COOKIE },
		{ CLIENT_COOKIE, TRANSPORT_TCP, SERVER_COOKIE },
		{ SERVER_COOKIE, TRANSPORT_UDP, SERVER_COOKIE },
		{ BAD_COOKIE, TRANSPORT_UDP, SERVER_COOKIE },
		{ KEEPALIVE, TRANSPORT_TCP, "000b0002012c" },
		/* RFC 7828 3.2.2: not over UDP */
		{ KEEPALIVE, TRANSPORT_UDP, "" },
		{ NSID KEEPALIVE CLIENT_COOKIE, TRANSPORT_TCP, SERVER_COOKIE "00030003626f78" "000b0002012c" },
		/* padding is for transports that nobody else can read */
		{ "000c00080000000000000000", TRANSPORT_TCP, "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = make_world();
		w->view->nsid_len = 3;
		memcpy(w->view->nsid, "box", 3);
		w->work.idle_ms = 30000;
		world_ask(w, &(struct question){ "ns1.a.test.", .options = cases[i].options, .client = &client,
						 .transport = cases[i].transport });
		cr_expect_str_eq(options_of(w), cases[i].want, "case %zu: %s", i, options_of(w));
		cr_expect_eq(strncmp(w->text, "NOERROR aa edns\nan ns1.a.test.", 29), 0, "%s", w->text);
		/* the same with every error that has a place for them: what is after them is EDE */
		world_ask(w, &(struct question){ "elsewhere.", .options = cases[i].options, .client = &client,
						 .transport = cases[i].transport });
		cr_expect_eq(strncmp(options_of(w), cases[i].want, strlen(cases[i].want)), 0, "case %zu: %s", i,
			     options_of(w));
		cr_expect_eq(strlen(options_of(w)), strlen(cases[i].want) + 12, "case %zu: %s", i, options_of(w));
		/* and nothing at all without EDNS, and with everything off */
		world_ask(w, &(struct question){ "ns1.a.test.", .client = &client, .transport = cases[i].transport });
		cr_expect_str_eq(options_of(w), "none");
		w->view->nsid_len = 0;
		w->view->cookies = IPC_COOKIES_OFF;
		world_ask(w, &(struct question){ "ns1.a.test.", .options = cases[i].options, .client = &client,
						 .transport = cases[i].transport });
		/* keepalive has no setting, but the time of the connections */
		bool tells = strstr(cases[i].options, KEEPALIVE) != NULL && cases[i].transport == TRANSPORT_TCP;
		cr_expect_str_eq(options_of(w), tells ? "000b0002012c" : "");
		world_end(w);
	}
}

/* RFC 7828 3.3.2: 0 from a server that wants to be left; no more than the field can say. */
Test(limits, keepalive_is_the_present_idle_time)
{
	static const struct {
		unsigned idle_ms;
		const char *want;
	} cases[] = { { 0, "000b00020000" }, { 2050, "000b00020014" }, { INT32_MAX, "000b0002ffff" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = make_world();
		w->work.idle_ms = cases[i].idle_ms;
		world_ask(w, &(struct question){ "ns1.a.test.", .options = KEEPALIVE, .client = &client,
						 .transport = TRANSPORT_TCP });
		cr_expect_str_eq(options_of(w), cases[i].want);
		world_end(w);
	}
}

/* The largest options leave the limit of the client's buffer alone. */
Test(limits, options_are_part_of_the_limit)
{
	struct world *w = make_world();
	char text[8192] = "@ 3600 SOA ns1 host 7 7200 900 1209600 3600\n@ NS ns1\n";
	for (unsigned i = 0; i < 24; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "many TXT \"%02u\"\n", i);
	}
	world_add(w, "b.test.", text);
	w->view->nsid_len = NSID_MAX;
	bool cut = false;
	for (uint16_t size = 512; size < 700; size++) {
		world_ask(w, &(struct question){ "many.b.test.", "TXT", .udp_size = size, .client = &client,
						 .options = NSID CLIENT_COOKIE });
		cr_expect_leq(w->reply_len, size);
		cr_expect_eq(strlen(options_of(w)), 2 * (4 + NSID_MAX + 4 + COOKIE_REPLY_SIZE));
		cut = cut || strstr(w->text, " tc") != NULL;
	}
	cr_expect(cut && strstr(w->text, " tc") == NULL);
	world_end(w);
}

/* RFC 7873 5.2.3; clients without cookies, over TCP, and with a valid one are served. */
Test(limits, required_cookies)
{
	static const struct {
		const char *options;
		enum transport transport;
		bool served;
		enum cookie_state state;
	} cases[] = {
		{ NULL, TRANSPORT_UDP, true, COOKIE_NONE },
		{ "", TRANSPORT_UDP, true, COOKIE_NONE },
		{ CLIENT_COOKIE, TRANSPORT_UDP, false, COOKIE_CLIENT_ONLY },
		{ BAD_COOKIE, TRANSPORT_UDP, false, COOKIE_BAD },
		{ SERVER_COOKIE, TRANSPORT_UDP, true, COOKIE_VALID },
		{ CLIENT_COOKIE, TRANSPORT_TCP, true, COOKIE_CLIENT_ONLY },
		{ BAD_COOKIE, TRANSPORT_TCP, true, COOKIE_BAD },
	};
	struct world *w = make_world();
	w->view->cookies = IPC_COOKIES_REQUIRE;
	for (size_t i = 0; i < COUNT(cases); i++) {
		world_ask(w, &(struct question){ "ns1.a.test.", .options = cases[i].options, .client = &client,
						 .transport = cases[i].transport });
		cr_expect_eq(strncmp(w->text, cases[i].served ? "NOERROR aa" : "BADCOOKIE edns\n", 10), 0, "case %zu: %s", i,
			     w->text);
		cr_expect_eq(w->work.cookie, cases[i].state, "case %zu", i);
		if (!cases[i].served) {
			cr_expect_str_eq(options_of(w), SERVER_COOKIE);
		}
	}
	/* over a query link there is no client */
	world_ask(w, &(struct question){ "ns1.a.test.", .options = CLIENT_COOKIE, .transport = TRANSPORT_LINK });
	cr_expect_eq(strncmp(w->text, "NOERROR aa", 10), 0);
	world_end(w);
}

Test(limits, names_of_the_server)
{
	static const struct {
		const char *name, *type;
		const char *want; /* with both names set */
	} cases[] = {
		{ "id.server.", "TXT", "NOERROR aa\nan id.server. 0 TXT \"the box\"\n" },
		{ "HostName.BIND.", "TXT", "NOERROR aa\nan HostName.BIND. 0 TXT \"the box\"\n" },
		{ "version.bind.", "TXT", "NOERROR aa\nan version.bind. 0 TXT \"9\"\n" },
		{ "version.server.", "ANY", "NOERROR aa\nan version.server. 0 TXT \"9\"\n" },
		{ "version.bind.", "A", "REFUSED\n" },
		{ "authors.bind.", "TXT", "REFUSED\n" },
		{ "bind.", "TXT", "REFUSED\n" },
		{ "a.test.", "TXT", "REFUSED\n" },
	};
	struct world *w = make_world();
	for (unsigned on = 0; on < 2; on++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			const char *got = world_ask(w, &(struct question){ cases[i].name, cases[i].type, .qclass = CLASS_CH });
			cr_expect_str_eq(got, on != 0 ? cases[i].want : "REFUSED\n", "%s %s: %s", cases[i].name,
					 cases[i].type, got);
		}
		strcpy(w->view->identity, "the box");
		strcpy(w->view->version, "9");
	}
	/* the longest text with the largest OPT */
	memset(w->view->identity, 'x', IPC_IDENTITY_MAX - 1);
	w->view->nsid_len = NSID_MAX;
	world_ask(w, &(struct question){ "hostname.bind.", "TXT", .qclass = CLASS_CH, .options = NSID CLIENT_COOKIE,
					 .client = &client });
	cr_expect_eq(strncmp(w->text, "NOERROR aa edns\nan hostname.bind. 0 TXT \"xxxx", 40), 0, "%s", w->text);
	world_end(w);
}

/* --- limited responses ------------------------------------------------------------------------------- */

/* Ask so often within one moment that the account is used up, then once more. */
static const char *ask_beyond(struct world *w, const struct question *q, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		world_ask(w, q);
		cr_assert_eq(w->work.limited, QUERY_UNLIMITED, "%s: limited at %u", q->name, i);
	}
	return world_ask(w, q);
}

Test(limits, what_a_limited_client_gets)
{
	static const struct {
		struct question q;
		const char *want;
		enum query_limited how;
	} cases[] = {
		{ { "ns1.a.test." }, "NOERROR aa tc\n", QUERY_RATE_TRUNCATED },
		{ { "ns1.a.test.", .edns = true }, "NOERROR aa tc edns\n", QUERY_RATE_TRUNCATED },
		{ { "ns1.a.test.", "MX", .dnssec = true }, "NOERROR aa tc edns do\n", QUERY_RATE_TRUNCATED },
		{ { "no.a.test.", .edns = true }, "NXDOMAIN aa tc edns\n", QUERY_RATE_TRUNCATED },
		{ { "x.sub.a.test." }, "NOERROR tc\n", QUERY_RATE_TRUNCATED },
		{ { "ns1.a.test.", .options = NSID }, "NOERROR aa tc edns\n", QUERY_RATE_TRUNCATED },
		{ { "ns1.a.test.", .options = CLIENT_COOKIE }, "BADCOOKIE edns\n", QUERY_RATE_COOKIE },
		{ { "ns1.a.test.", .options = BAD_COOKIE }, "BADCOOKIE edns\n", QUERY_RATE_COOKIE },
		{ { "ns1.a.test.", .options = NSID CLIENT_COOKIE }, "BADCOOKIE edns\n", QUERY_RATE_COOKIE },
		{ { "version.bind.", "TXT", .qclass = CLASS_CH }, "NOERROR tc\n", QUERY_RATE_TRUNCATED },
		{ { "hostname.bind.", "TXT", .qclass = CLASS_CH, .options = NSID }, "NOERROR tc edns\n", QUERY_RATE_TRUNCATED },
		/* errors: the extended error goes, nothing else can */
		{ { "elsewhere.", .edns = true }, "REFUSED edns\n", QUERY_RATE_ERROR },
		{ { "elsewhere.", .options = NSID }, "REFUSED edns\n", QUERY_RATE_ERROR },
		{ { "elsewhere.", .options = NSID CLIENT_COOKIE }, "REFUSED edns\n", QUERY_RATE_ERROR },
		{ { "elsewhere." }, "REFUSED\n", QUERY_RATE_ERROR },
		{ { "a.test.", .flags = 2 << 11 }, "NOTIMP headeronly\n", QUERY_RATE_ERROR },
		{ { "a.test.", "MAILA", .edns = true }, "NOTIMP edns\n", QUERY_RATE_ERROR },
		{ { "a.test.", "OPT", .options = NSID }, "FORMERR edns\n", QUERY_RATE_ERROR },
		{ { "a.test.", .version = 1 }, "BADVERS edns\n", QUERY_RATE_ERROR },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct question q = cases[i].q;
		struct world *w = make_world();
		uint8_t wire[UDP_RECV_MAX];
		q.client = &client;
		limit(w, RRL_ON, 5);
		w->view->nsid_len = NSID_MAX;
		memset(w->view->identity, 'x', IPC_IDENTITY_MAX - 1);
		memset(w->view->version, 'x', IPC_IDENTITY_MAX - 1);
		const char *got = ask_beyond(w, &q, 5);
		cr_expect_str_eq(got, cases[i].want, "case %zu: %s", i, got);
		cr_expect_eq(w->work.limited, cases[i].how, "case %zu", i);
		cr_expect_eq(w->work.answer.truncated, cases[i].how == QUERY_RATE_TRUNCATED);
		/* no amplification: at most a server cookie more than the query */
		cr_expect_leq(w->reply_len, question_wire(&q, wire) + 16, "case %zu", i);
		/* over TCP and links: in full */
		q.transport = TRANSPORT_TCP;
		world_ask(w, &q);
		cr_expect_eq(w->work.limited, QUERY_UNLIMITED);
		cr_expect_null(strstr(w->text, " tc"));
		q.transport = TRANSPORT_LINK;
		q.client = NULL;
		world_ask(w, &q);
		cr_expect_eq(w->work.limited, QUERY_UNLIMITED);
		/* and again in full when the time has come */
		q = cases[i].q;
		q.client = &client;
		w->work.now.us += 1000000;
		world_ask(w, &q);
		cr_expect_eq(w->work.limited, QUERY_UNLIMITED);
		world_end(w);
	}
}

Test(limits, valid_cookies_are_never_limited)
{
	struct world *w = make_world();
	limit(w, RRL_ON, 1);
	for (unsigned i = 0; i < 100; i++) {
		world_ask(w, &(struct question){ "ns1.a.test.", .options = SERVER_COOKIE, .client = &client });
		cr_assert_eq(strncmp(w->text, "NOERROR aa", 10), 0, "%s", w->text);
	}
	/* nor do they use up what is left for others of their prefix */
	world_ask(w, &(struct question){ "ns1.a.test.", .client = &client });
	cr_expect_eq(w->work.limited, QUERY_UNLIMITED);
	world_end(w);
}

Test(limits, log_only_answers_in_full)
{
	struct world *w = make_world();
	struct question q = { "ns1.a.test.", .client = &client };
	limit(w, RRL_LOG, 1);
	cr_expect_str_eq(ask_beyond(w, &q, 1), "NOERROR aa\nan ns1.a.test. 3600 A 192.0.2.1\n");
	cr_expect_eq(w->work.limited, QUERY_RATE_LOGGED);
	world_end(w);
}

/* Names that an attacker can make up have no accounts of their own. */
Test(limits, accounts_of_responses)
{
	static const struct {
		const char *first, *first_type, *then, *then_type;
		bool same;
	} cases[] = {
		{ "ns1.a.test.", "A", "ns1.a.test.", "TXT", true },
		{ "ns1.a.test.", "A", "NS1.a.TEST.", "A", true },
		{ "ns1.a.test.", "A", "ns2.a.test.", "A", false },
		{ "ns1.a.test.", "A", "ns1.c.test.", "A", false },
		{ "ns1.a.test.", "A", "ns1.a.test.", "MX", false },	   /* nodata */
		{ "ns1.a.test.", "MX", "ns2.a.test.", "SRV", true },	   /* nodata of the zone */
		{ "ns1.a.test.", "MX", "no.a.test.", "A", false },
		{ "no1.a.test.", "A", "no2.x.a.test.", "MX", true },	   /* names that do not exist */
		{ "no1.a.test.", "A", "no1.c.test.", "A", false },
		{ "1.wild.a.test.", "A", "2.x.wild.a.test.", "A", true }, /* RFC 4592 */
		{ "1.dn.a.test.", "A", "2.x.dn.a.test.", "A", true },	   /* RFC 6672 */
		{ "1.dn.a.test.", "A", "ns1.a.test.", "A", false },
		{ "alias.a.test.", "A", "no.a.test.", "A", false },	   /* the alias, not where it leads */
		{ "1.sub.a.test.", "A", "sub.a.test.", "MX", true },	   /* referrals */
		{ "1.sub.a.test.", "A", "sub2.a.test.", "A", false },
		{ "elsewhere.", "A", "a.test.", "MAILB", true },	   /* errors */
		{ "elsewhere.", "A", "no.a.test.", "A", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = make_world();
		struct question first = { cases[i].first, cases[i].first_type, .client = &client };
		struct question then = { cases[i].then, cases[i].then_type, .client = &client };
		limit(w, RRL_ON, 2);
		(void)ask_beyond(w, &first, 2);
		cr_expect_neq(w->work.limited, QUERY_UNLIMITED, "case %zu", i);
		world_ask(w, &then);
		cr_expect_eq(w->work.limited != QUERY_UNLIMITED, cases[i].same, "case %zu: %s %s", i, cases[i].then,
			     cases[i].then_type);
		world_end(w);
	}
}

/* --- counters ---------------------------------------------------------------------------------------- */

#define ROOM 16

struct counted {
	struct stats_page page;
	uint64_t zones[ROOM];
};

Test(limits, counters_of_limits_and_cookies)
{
	struct world *w = make_world();
	struct stats_page page = { 0 };
	static const char *const options[] = { NULL, "", CLIENT_COOKIE, BAD_COOKIE, SERVER_COOKIE };
	limit(w, RRL_ON, 1);
	for (size_t i = 0; i < COUNT(options); i++) {
		for (unsigned n = 0; n < 3; n++) {
			world_ask(w, &(struct question){ "ns1.a.test.", .options = options[i], .client = &client });
			query_count(&w->work, TRANSPORT_UDP, w->reply_len, &page);
		}
	}
	/* the first of all and those with a valid cookie are not limited */
	cr_expect_eq(page.counters[STAT_AUTH_RATE_LIMITED], 11);
	cr_expect_eq(page.counters[STAT_AUTH_RATE_TRUNCATED], 5);
	cr_expect_eq(page.counters[STAT_AUTH_TRUNCATED], 5);
	cr_expect_eq(page.counters[STAT_AUTH_RATE_BADCOOKIE], 6);
	cr_expect_eq(page.counters[STAT_AUTH_RCODE + RCODE_BADCOOKIE], 6);
	cr_expect_eq(page.counters[STAT_AUTH_COOKIE + COOKIE_NONE], 6);
	cr_expect_eq(page.counters[STAT_AUTH_COOKIE + COOKIE_CLIENT_ONLY], 3);
	cr_expect_eq(page.counters[STAT_AUTH_COOKIE + COOKIE_BAD], 3);
	cr_expect_eq(page.counters[STAT_AUTH_COOKIE + COOKIE_VALID], 3);
	cr_expect_eq(page.counters[STAT_AUTH_EDNS_NONE], 3);
	cr_expect_eq(page.counters[STAT_AUTH_EDNS_0], 12);
	cr_expect_eq(page.counters[STAT_AUTH_UDP_QUERIES], 15);
	world_end(w);
}

Test(limits, counters_of_zones)
{
	struct world *w = make_world();
	struct counted counted = { .page.zone_room = ROOM };
	world_add_failed(w, "f.test.");
	w->view->zones[0].counter = 3;
	w->view->zones[1].counter = 15;
	w->view->zones[2].counter = 16; /* no room: not counted, and nothing else is touched */
	static const char *const names[] = { "ns1.a.test.", "no.a.test.", "alias.a.test.", "x.sub.a.test.", "ns1.c.test.",
					     "f.test.",	    "elsewhere." };
	for (size_t i = 0; i < COUNT(names); i++) {
		world_ask(w, &(struct question){ names[i] });
		query_count(&w->work, TRANSPORT_UDP, w->reply_len, &counted.page);
	}
	/* a query of another class, or one that cannot be read, is for no zone */
	world_ask(w, &(struct question){ "ns1.a.test.", .qclass = CLASS_CH });
	query_count(&w->work, TRANSPORT_UDP, w->reply_len, &counted.page);
	for (unsigned i = 0; i < ROOM; i++) {
		cr_expect_eq(counted.zones[i], i == 3 ? 4 : i == 15 ? 1 : 0, "counter %u: %lu", i,
			     (unsigned long)counted.zones[i]);
	}
	/* what no zone has begins at 0, up to where there ever was one */
	counted.page.zone_high = 16;
	counted.zones[5] = 77;
	count_view(w->view, &counted.page);
	cr_expect_eq(counted.page.zone_high, 16);
	cr_expect(counted.zones[3] == 4 && counted.zones[15] == 1 && counted.zones[5] == 0);
	w->view->zones[1].counter = 1;
	count_view(w->view, &counted.page);
	cr_expect(counted.page.zone_high == 4 && counted.zones[15] == 0 && counted.zones[3] == 4);
	/* a page that says nonsense */
	counted.page.zone_high = UINT64_MAX;
	counted.zones[ROOM - 1] = 1;
	count_view(w->view, &counted.page);
	cr_expect_eq(counted.zones[ROOM - 1], 0);
	world_end(w);
}

Test(limits, every_counter_has_a_name_of_its_own)
{
	static char names[STAT_AUTH_COUNT][STATS_NAME_MAX];
	for (unsigned i = 0; i < STAT_AUTH_COUNT; i++) {
		cr_assert_not_null(stats_name(ROLE_AUTHORITY, i, names[i]));
		for (unsigned k = 0; k < i; k++) {
			cr_expect_str_neq(names[i], names[k], "%u and %u", i, k);
		}
	}
	cr_expect_null(stats_name(ROLE_AUTHORITY, STAT_AUTH_COUNT, names[0]));
	cr_expect_str_eq(names[STAT_AUTH_QTYPE + RR_AAAA], "qtype_AAAA");
	cr_expect_str_eq(names[STAT_AUTH_RCODE + 7], "rcode_7");
	cr_expect_str_eq(names[STAT_AUTH_NXDOMAIN], "nxdomain");
	cr_expect(stats_is_detail(ROLE_AUTHORITY, STAT_AUTH_RCODE + RCODE_BADVERS) &&
		  !stats_is_detail(ROLE_AUTHORITY, STAT_AUTH_REFUSED) &&
		  !stats_is_detail(ROLE_AUTHORITY, STAT_AUTH_INTENTIONAL_DROPS));
}
