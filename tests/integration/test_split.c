/*
 * Who gets what: the two views, the resolver's address over both, and that nothing of the inside is
 * ever seen outside.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct appliance appliance;

static void start(void)
{
	standard_start(&appliance, 60);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(split, .init = start, .fini = stop);

/* DESIGN 2.1: the socket chooses the view. */
Test(split, each_address_answers_from_its_view)
{
	static const struct expectation table[] = {
		{ INTERNAL, "www.example.com", RR_A, "NOERROR aa rd", "www.example.com. A 10.1.2.80", EDE_NONE },
		{ INTERNAL, "onlyinside.example.com", RR_A, "NOERROR aa rd", "onlyinside.example.com. A 10.1.2.81",
		  EDE_NONE },
		{ INTERNAL, "shop.example.com", RR_A, "NXDOMAIN aa rd", "", EDE_NONE },
		{ INTERNAL, "www.corp.example", RR_A, "NOERROR aa rd",
		  "intranet.corp.example. A 10.1.2.3; www.corp.example. CNAME intranet.corp.example.", EDE_NONE },
		{ INTERNAL, "intranet.corp.example", RR_AAAA, "NOERROR aa rd", "", EDE_NONE },
		/* an alias that leaves the view's zones ends there: the authority asks nobody */
		{ INTERNAL, "out.corp.example", RR_A, "NOERROR aa rd", "out.corp.example. CNAME www.public.org.",
		  EDE_NONE },
		{ EXTERNAL, "www.example.com", RR_A, "NOERROR aa rd", "www.example.com. A 203.0.113.80", EDE_NONE },
		{ EXTERNAL, "onlyinside.example.com", RR_A, "NXDOMAIN aa rd", "", EDE_NONE },
		{ EXTERNAL, "shop.example.com", RR_A, "NOERROR aa rd", "shop.example.com. A 203.0.113.81", EDE_NONE },
		{ EXTERNAL, "example.com", RR_MX, "NOERROR aa rd", "example.com. MX 10 mail.example.com.", EDE_NONE },
		/* not its zone */
		{ EXTERNAL, "intranet.corp.example", RR_A, "REFUSED rd", "", EDE_ANY },
		{ EXTERNAL, "www.public.org", RR_A, "REFUSED rd", "", EDE_ANY },
		{ INTERNAL, "www.public.org", RR_A, "REFUSED rd", "", EDE_ANY },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		client_expect(&table[i]);
	}
}

/* DESIGN 5: one address that knows inside and outside names, overlay, aliases across the split. */
Test(split, the_resolver_address_knows_both_sides)
{
	static const struct expectation table[] = {
		{ RESOLVER, "intranet.corp.example", RR_A, NULL, "intranet.corp.example. A 10.1.2.3", EDE_NONE },
		{ RESOLVER, "missing.corp.example", RR_A, NULL, "", EDE_NONE },
		{ RESOLVER, "www.public.org", RR_A, "NOERROR rd ra", "www.public.org. A 198.51.100.80", EDE_NONE },
		{ RESOLVER, "missing.public.org", RR_A, "NXDOMAIN rd ra", "", EDE_NONE },
		{ RESOLVER, "www.public.org", RR_MX, "NOERROR rd ra", "", EDE_NONE },
		/* overlay: inside wins where it has the name and type, else the public one */
		{ RESOLVER, "www.example.com", RR_A, NULL, "www.example.com. A 10.1.2.80", EDE_NONE },
		{ RESOLVER, "onlyinside.example.com", RR_A, NULL, "onlyinside.example.com. A 10.1.2.81", EDE_NONE },
		{ RESOLVER, "shop.example.com", RR_A, NULL, "shop.example.com. A 203.0.113.81", EDE_NONE },
		{ RESOLVER, "both.example.com", RR_A, NULL, "both.example.com. A 10.1.2.82", EDE_NONE },
		{ RESOLVER, "both.example.com", RR_TXT, NULL, "both.example.com. TXT \"external\"", EDE_NONE },
		{ RESOLVER, "nowhere.example.com", RR_A, NULL, "", EDE_NONE },
		/* an internal alias to an outside name is followed through the resolver */
		{ RESOLVER, "out.corp.example", RR_A, NULL,
		  "out.corp.example. CNAME www.public.org.; www.public.org. A 198.51.100.80", EDE_NONE },
		{ RESOLVER, "outmissing.corp.example", RR_A, NULL, "outmissing.corp.example. CNAME missing.public.org.",
		  EDE_NONE },
		/* a public alias into a zone of ours, owner not ours: what the public has is all it gets */
		{ RESOLVER, "toshop.public.org", RR_A, NULL,
		  "shop.example.com. A 203.0.113.81; toshop.public.org. CNAME shop.example.com.", EDE_NONE },
		/* an owner of ours may point inside */
		{ RESOLVER, "intoinside.example.com", RR_A, NULL,
		  "intoinside.example.com. CNAME intranet.corp.example.; intranet.corp.example. A 10.1.2.3", EDE_NONE },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		client_expect(&table[i]);
	}
	struct ask ask = { .server = RESOLVER, .type = RR_A, .flags = FLAG_RD, .edns = true };
	static const struct {
		const char *name;
		unsigned rcode;
	} rcodes[] = { { "missing.corp.example", RCODE_NXDOMAIN },
		       { "nowhere.example.com", RCODE_NXDOMAIN },
		       { "outmissing.corp.example", RCODE_NXDOMAIN } };
	for (size_t i = 0; i < COUNT(rcodes); i++) {
		ask.name = rcodes[i].name;
		const struct reply *reply = client_ask(&ask);
		MUST(reply->received && reply->message.rcode == rcodes[i].rcode, "%s: RCODE %u expected, got %u",
		     rcodes[i].name, rcodes[i].rcode, reply->message.rcode);
	}
}

/* DESIGN 5: rebinding. A stranger's public alias must not lead a client to an inside address. */
Test(split, a_strangers_alias_does_not_lead_inside)
{
	struct ask ask = { .server = RESOLVER, .name = "toinside.public.org", .flags = FLAG_RD, .edns = true };
	const uint8_t inside[4] = { 10, 1, 2, 3 };
	for (int tcp = 0; tcp < 2; tcp++) {
		ask.tcp = tcp != 0;
		const struct reply *reply = client_ask(&ask);
		MUST(reply->received, "no reply");
		MUST(!reply_has_octets(reply, inside, 4), "the inside address is in the reply to a public alias");
	}
	/* www.example.com has an inside address too; the alias's owner is not ours. */
	ask.name = "toexample.public.org";
	const uint8_t inside_www[4] = { 10, 1, 2, 80 };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && !reply_has_octets(reply, inside_www, 4),
	     "the inside address of www.example.com is in the reply to a stranger's alias");
}

Test(split, rebind_allow_lets_a_named_domain_point_inside)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 "resolver { listen = { \"10.1.0.54\" } allow-query = { \"10.1.0.0/24\" }\n"
		 "internal-view = \"internal\" root-hints = \"@DIR@/hints\" domain-insecure = { \".\" } rebind-allow = { \"public.org\" } }\n");
	appliance_configure(&appliance, conf);
	appliance_reload(&appliance);
	static const struct expectation wanted = { RESOLVER, "toinside.public.org", RR_A, NULL,
						   "intranet.corp.example. A 10.1.2.3; "
						   "toinside.public.org. CNAME intranet.corp.example.",
						   EDE_NONE };
	client_expect(&wanted);
}

Test(split, strangers_are_refused_with_a_reason)
{
	static const struct {
		const char *server;
		const char *name;
	} table[] = { { INTERNAL, "www.corp.example" }, { RESOLVER, "www.public.org" }, { RESOLVER, "www.corp.example" } };
	for (size_t i = 0; i < COUNT(table); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			struct ask ask = { .server = table[i].server,
					   .source = OUTSIDE,
					   .name = table[i].name,
					   .flags = FLAG_RD,
					   .edns = true,
					   .tcp = tcp != 0 };
			const struct reply *reply = client_ask(&ask);
			MUST(reply->received && reply->message.rcode == RCODE_REFUSED,
			     "%s at %s for a stranger: not REFUSED", table[i].name, table[i].server);
			MUST(reply->message.rr_count == 0, "a REFUSED reply with records");
			MUST(reply->message.ede == EDE_PROHIBITED, "extended error 18 expected, got %d",
			     reply->message.ede);
		}
	}
	/* The external view has no list: anybody may ask. */
	struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "www.example.com" };
	client_expect_ask(&ask, "NOERROR aa", "www.example.com. A 203.0.113.80", EDE_NONE);
}

/* What an external reply must not hold behind its question. */
static void must_hold_nothing_internal(const struct reply *reply, const char *name)
{
	static const char *const words[] = { "corp.example", "onlyinside", "internal-only", " 10.1." };
	static char text[CLIENT_TEXT_MAX];
	for (int section = SECTION_ANSWER; section <= SECTION_ADDITIONAL; section++) {
		reply_section(reply, (enum section)section, text);
		/* A public alias to an internal name is what the operator published; it is not a leak of ours. */
		if (strcmp(text, "intoinside.example.com. CNAME intranet.corp.example.") == 0) {
			continue;
		}
		for (size_t i = 0; i < COUNT(words); i++) {
			MUST(strstr(text, words[i]) == NULL, "the reply to %s from outside holds \"%s\": %s", name,
			     words[i], text);
		}
	}
}

Test(split, nothing_internal_is_ever_in_an_external_reply_or_log)
{
	static const char *const names[] = {
		"onlyinside.example.com", "www.example.com",  "both.example.com", "intoinside.example.com",
		"example.com",		  "ns.example.com",   "corp.example",	  "intranet.corp.example",
		"secret.corp.example",	  "x.load.corp.example", "example",	  ".",
		"many.example",		  "a.onlyinside.example.com", "3.2.1.10.in-addr.arpa",
	};
	static const uint16_t types[] = { RR_A,	   RR_AAAA, RR_TXT,  RR_NS,   RR_SOA,  RR_MX,	 RR_CNAME,
					  RR_PTR,  RR_ANY,  RR_AXFR, RR_IXFR, RR_NSEC, RR_DNAME, RR_HTTPS };
	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			for (int tcp = 0; tcp < 2; tcp++) {
				struct ask ask = { .server = EXTERNAL,
						   .source = OUTSIDE,
						   .name = names[i],
						   .type = types[k],
						   .flags = FLAG_RD | FLAG_CD,
						   .edns = true,
						   .do_bit = true,
						   .tcp = tcp != 0 };
				const struct reply *reply = client_ask(&ask);
				MUST(reply->received, "%s type %u: no reply", names[i], types[k]);
				must_hold_nothing_internal(reply, names[i]);
			}
		}
	}
	/* Lines of the external authority in the log, written at level debug. */
	char *log = harness_read(appliance.log);
	MUST(log != NULL, "no log");
	for (char *save, *line = strtok_r(log, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "authority[external]") != NULL) {
			MUST(strstr(line, "corp.example") == NULL && strstr(line, "onlyinside") == NULL &&
				     strstr(line, "internal-only") == NULL,
			     "the external authority's log: %s", line);
		}
	}
	free(log);
}

/* RFC 1035 4.1.1, RFC 6891: header bits and limits as seen from outside, on every listener. */
Test(split, headers_are_right_on_every_listener)
{
	static const struct {
		const char *server;
		const char *name;
		uint16_t flags;
		const char *status;
	} table[] = {
		{ INTERNAL, "www.corp.example", 0, "NOERROR aa" },
		{ INTERNAL, "www.corp.example", FLAG_RD, "NOERROR aa rd" },
		{ EXTERNAL, "www.example.com", FLAG_AD, "NOERROR aa" },
		{ RESOLVER, "www.public.org", FLAG_RD, "NOERROR rd ra" },
		{ RESOLVER, "www.public.org", FLAG_RD | FLAG_CD, "NOERROR rd ra cd" },
		{ EXTERNAL, "www.example.com", OPCODE_STATUS << 11, "NOTIMP" },
		{ INTERNAL, "www.corp.example", OPCODE_UPDATE << 11, "NOTIMP" },
		{ RESOLVER, "www.public.org", OPCODE_UPDATE << 11, "NOTIMP" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ask ask = { .server = table[i].server, .name = table[i].name, .flags = table[i].flags };
		char got[64];
		const struct reply *reply = client_ask(&ask);
		MUST(strncmp(reply_status(reply, got), table[i].status, strlen(table[i].status)) == 0,
		     "%s at %s, flags %04x: \"%s\" expected, got \"%s\"", table[i].name, table[i].server,
		     table[i].flags, table[i].status, got);
	}
	static const char *const servers[] = { INTERNAL, EXTERNAL, RESOLVER };
	static const char *const names[] = { "www.corp.example", "www.example.com", "www.public.org" };
	for (size_t i = 0; i < COUNT(servers); i++) {
		struct ask ask = { .server = servers[i], .name = names[i], .flags = FLAG_RD, .edns = true, .edns_version = 1 };
		const struct reply *reply = client_ask(&ask);
		MUST(reply->received && reply->message.rcode == RCODE_BADVERS, "%s: BADVERS expected, got %u",
		     servers[i], reply->message.rcode);
		/* Without OPT in the query there is none in the reply (RFC 6891 7). */
		ask.edns = false;
		reply = client_ask(&ask);
		MUST(reply->received && !reply->message.has_edns, "%s: OPT in a reply to plain DNS", servers[i]);
	}
}

/* --- the same in other shapes ------------------------------------------------------------------------------ */

static void prepare(void)
{
	standard_prepare(&appliance, 60);
}

/* Several workers for each view, several frontends and resolver shards: whoever is asked, the answer is one. */
Test(shapes, several_workers_and_shards, .init = prepare, .fini = stop)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s",
		 "appliance { workers = 3 run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" }\n", standard_internal,
		 standard_external, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
	for (unsigned i = 0; i < 3; i++) {
		appliance_role(&appliance, "authority", "internal", i);
		appliance_role(&appliance, "authority", "external", i);
		appliance_role(&appliance, "frontend", "", i);
		appliance_role(&appliance, "resolver", "", i);
	}
	struct load *loads[] = { load_start(INTERNAL, "load.corp.example", 500, RCODE_NOERROR),
				 load_start(EXTERNAL, "load.example.com", 500, RCODE_NOERROR),
				 load_start(RESOLVER, "load.many.example", 500, RCODE_NOERROR),
				 load_start(RESOLVER, "load.public.org", 500, RCODE_NOERROR) };
	harness_sleep_ms(1000);
	for (size_t i = 0; i < COUNT(loads); i++) {
		struct load_result r = load_stop(loads[i]);
		MUST(r.answered > 100 && r.lost == 0 && r.other == 0, "load %zu: %llu answered, %llu lost, %llu others", i,
		     (unsigned long long)r.answered, (unsigned long long)r.lost, (unsigned long long)r.other);
	}
	for (unsigned i = 0; i < 40; i++) { /* names of one domain share a shard; these are of many */
		char name[64];
		snprintf(name, sizeof(name), "www.domain-%u.org", i);
		struct ask ask = { .server = RESOLVER, .name = name, .flags = FLAG_RD };
		client_expect_ask(&ask, "NXDOMAIN rd ra", "", EDE_NONE);
	}
	/* every worker had its share (SO_REUSEPORT), every shard its names */
	static const char *const counters[][2] = { { "authority", "udp_queries" }, { "frontend", "udp_queries" },
						   { "resolver", "queries" } };
	const struct ctl_answer *answer = appliance_control(&appliance, "stats");
	for (size_t i = 0; i < COUNT(counters); i++) {
		unsigned busy = 0;
		unsigned from = 0;
		const struct ctl_row *row;
		while ((row = answer_next(answer, "counter", &from)) != NULL) {
			busy += strcmp(row_text(row, "role"), counters[i][0]) == 0 &&
				strcmp(row_text(row, "name"), counters[i][1]) == 0 && row_number(row, "value") > 0 &&
				strcmp(row_text(row, "view"), "world") != 0;
		}
		MUST(busy >= 2, "only %u processes of role %s had anything to do", busy, counters[i][0]);
	}
}

/* IPv6, other ports, and a listener that takes packets of one device only. */
Test(shapes, other_addresses_and_ports, .init = prepare, .fini = stop)
{
	static char conf[8192];
	harness_address("fd00::53/128");
	harness_address("fd00::100/128");
	snprintf(conf, sizeof(conf), "%s%s%s", CONF_HERE,
		 "view \"internal\" {\n  listen = { \"fd00::53\", \"10.1.0.53@5300\" }\n  interfaces = { \"lo\" }\n"
		 "  allow-query = { \"fd00::/8\", \"10.1.0.100\" }\n  zones-dir = \"@DIR@/internal\"\n"
		 "  zone \"corp.example\" { file = \"corp.example.zone\" }\n}\n",
		 "view \"other\" {\n  listen = { \"10.1.0.53@5301\" }\n  zones-dir = \"@DIR@/external\"\n"
		 "  zone \"corp.example\" { file = \"other.zone\" }\n}\n");
	appliance_configure(&appliance, conf);
	appliance_file(&appliance, "external/other.zone",
		       "$ORIGIN corp.example.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\n"
		       "ns A 203.0.113.53\nintranet A 203.0.113.99\n");
	appliance_start(&appliance);
	static const struct {
		const char *server;
		const char *source;
		const char *answer;
	} table[] = {
		{ "fd00::53", "fd00::100", "intranet.corp.example. A 10.1.2.3" },
		{ "10.1.0.53@5300", INSIDE, "intranet.corp.example. A 10.1.2.3" },
		{ "10.1.0.53@5301", INSIDE_TWO, "intranet.corp.example. A 203.0.113.99" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			struct ask ask = { .server = table[i].server, .source = table[i].source,
					   .name = "intranet.corp.example", .tcp = tcp != 0 };
			client_expect_ask(&ask, "NOERROR aa", table[i].answer, EDE_NONE);
		}
	}
	struct ask stranger = { .server = "10.1.0.53@5300", .source = INSIDE_TWO, .name = "intranet.corp.example" };
	client_expect_ask(&stranger, "REFUSED", "", EDE_NONE);
}
