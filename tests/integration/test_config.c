/*
 * Wrong configuration lines, one by one, with the exact message; exit status 1 and nothing started.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct appliance appliance;

static void prepare(void)
{
	standard_prepare(&appliance, 100);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(config, .init = prepare, .fini = stop);

#define GOOD_VIEW "view \"internal\" { listen = { \"10.1.0.53\" } zones-dir = \"@DIR@/internal\" }\n"
/* A view on lines 2 to 5 with one more line at 4; line 1 is CONF_HERE. */
#define VIEW_WITH(line)                                                                                      \
	CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" } zones-dir = \"@DIR@/internal\"\n  " line "\n}\n"
#define RESOLVER_WITH(line) CONF_HERE GOOD_VIEW "resolver {\n  listen = { \"10.1.0.54\" }\n  " line "\n}\n"

/* message: "file:line: text" without the folder in front; "@DIR@" is replaced. */
static const struct wrong {
	const char *conf;
	const char *message;
} table[] = {
	/* words and syntax */
	{ VIEW_WITH("nonsense = 1"), "bulkhead.conf:4: no such option 'nonsense', allowed here: listen, interfaces, "
				     "allow-query, zones-dir, user, answer-rotation, cookies, cookie-secret-file, "
				     "nsid, identity, version, rate-limit, tcp, zone" },
	{ CONF_HERE "nonsense = 1\n" GOOD_VIEW, "bulkhead.conf:2: no such option 'nonsense', allowed here: appliance, "
						 "key, view, resolver, monitor" },
	{ RESOLVER_WITH("dnssec = true"), "bulkhead.conf:5: no such option 'dnssec'" },
	/* what later versions bring is refused, never silently ignored */
	{ VIEW_WITH("rate-limit { slip = 2 }"), "bulkhead.conf:4: slip: '2' would leave queries without an answer" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"corp.example.zone\" dnssec = \"default\" }"),
	  "bulkhead.conf:4: no such option 'dnssec', allowed here: file, overlay, allow-transfer" },
	{ RESOLVER_WITH("forward \".\" { to = { \"192.0.2.1@853\" } tls = true }"), "bulkhead.conf:5: forward '.': tls" },
	{ RESOLVER_WITH("forward \".\" { }"), "bulkhead.conf:5: forward '.': 'to' takes 1 to" },
	{ CONF_HERE GOOD_VIEW "key \"partner\" { algorithm = \"hmac-sha256\" }\n",
	  "bulkhead.conf:3: key 'partner' has no 'secret-file'" },
	{ "appliance { workers = \"many\" }\n" GOOD_VIEW,
	  "bulkhead.conf:1: workers: 'many' is not a number from 0 to 64" },
	{ "appliance { workers = 65 }\n" GOOD_VIEW, "bulkhead.conf:1: workers: '65' is not a number from 0 to 64" },
	{ "appliance { workers = -1 }\n" GOOD_VIEW, "bulkhead.conf:1: workers: '-1' is not a number from 0 to 64" },
	{ "appliance { log-level = \"loud\" }\n" GOOD_VIEW,
	  "bulkhead.conf:1: log-level: 'loud' is none of error, warning, info, debug" },
	{ CONF_HERE CONF_HERE GOOD_VIEW, "section 'appliance' stands twice" },
	{ CONF_HERE, "neither a view nor a resolver: nothing to serve" },
	/* addresses */
	{ VIEW_WITH("listen = { \"10.1.0.54\" }"), "bulkhead.conf:4: 'listen' is given twice" },
	{ CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0\" }\n  zones-dir = \"@DIR@/internal\"\n}\n",
	  "bulkhead.conf:3: listen: '10.1.0' is not an address, allowed: \"address\" or \"address@port\"" },
	{ CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53@65536\" }\n  zones-dir = \"@DIR@/internal\"\n}\n",
	  "bulkhead.conf:3: listen: '10.1.0.53@65536' is not an address" },
	{ CONF_HERE "view \"internal\" {\n  listen = { \"localhost\" }\n  zones-dir = \"@DIR@/internal\"\n}\n",
	  "bulkhead.conf:3: listen: 'localhost' is not an address" },
	{ CONF_HERE "view \"internal\" {\n  zones-dir = \"@DIR@/internal\"\n}\n", "has no 'listen' address" },
	{ CONF_HERE "view \"a\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n}\n"
		    "view \"b\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/external\"\n}\n",
	  "bulkhead.conf:7: listen: 10.1.0.53@53 is also used by view 'a'" },
	{ CONF_HERE "view \"a\" {\n  listen = { \"10.1.0.53\", \"10.1.0.53@53\" }\n  zones-dir = \"@DIR@/internal\"\n}\n",
	  "bulkhead.conf:3: listen: 10.1.0.53@53 stands twice" },
	{ VIEW_WITH("interfaces = { \"nosuch0\" }"),
	  "bulkhead.conf:4: interfaces: there is no network interface 'nosuch0'" },
	{ VIEW_WITH("allow-query = { \"10.1.0.0/33\" }"), "bulkhead.conf:4: allow-query: '10.1.0.0/33' is not a prefix" },
	{ VIEW_WITH("allow-query = { \"10.1.0.1/24\" }"), "bulkhead.conf:4: allow-query: '10.1.0.1/24' is not a prefix" },
	{ VIEW_WITH("allow-query = { \"key:partner\" }"), "bulkhead.conf:4: allow-query: 'key:partner' is not a prefix" },
	/* zones and files */
	{ CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/nowhere\"\n}\n",
	  "bulkhead.conf:4: zones-dir: '@DIR@/nowhere': No such file or directory" },
	{ CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/hints\"\n}\n",
	  "bulkhead.conf:4: zones-dir: '@DIR@/hints' is not a directory" },
	{ CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n}\n", "view 'internal' has no 'zones-dir'" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"missing.zone\" }"),
	  "bulkhead.conf:4: file: '@DIR@/internal/missing.zone': No such file or directory" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"../external/example.com.zone\" }"),
	  "bulkhead.conf:4: file: '../external/example.com.zone' must be a path below the view's zones-dir" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"/etc/passwd\" }"),
	  "bulkhead.conf:4: file: '/etc/passwd' must be a path below the view's zones-dir" },
	{ VIEW_WITH("zone \"corp..example\" { file = \"corp.example.zone\" }"), "'corp..example' is not a domain name" },
	{ VIEW_WITH("zone \"corp.example\" { overlay = true }"), "zone 'corp.example.' has no 'file'" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"corp.example.zone\" overlay = \"perhaps\" }"),
	  "bulkhead.conf:4: overlay: 'perhaps' is neither true nor false" },
	{ VIEW_WITH("zone \"corp.example\" { file = \"corp.example.zone\" } "
		    "zone \"CORP.example.\" { file = \"corp.example.zone\" }"),
	  "stands twice in view 'internal'" },
	{ CONF_HERE "view \"Internal!\" { listen = { \"10.1.0.53\" } zones-dir = \"@DIR@/internal\" }\n",
	  "view name 'Internal!': allowed are" },
	{ CONF_HERE GOOD_VIEW
	  "view \"internal\" { listen = { \"10.1.0.55\" } zones-dir = \"@DIR@/internal\" }\n",
	  "bulkhead.conf:3: found duplicate title 'internal'" },
	/* resolver */
	{ RESOLVER_WITH("internal-view = \"inside\""), "bulkhead.conf:5: internal-view: there is no view 'inside'" },
	{ RESOLVER_WITH("outgoing = { \"203.0.113.54@53\" }"),
	  "bulkhead.conf:5: outgoing: '203.0.113.54@53' is not an address without port" },
	{ RESOLVER_WITH("root-hints = \"nowhere\""), "bulkhead.conf:5: root-hints: '@DIR@/nowhere': No such file" },
	{ RESOLVER_WITH("trust-anchors = \"nowhere\""), "bulkhead.conf:5: trust-anchors: '@DIR@/nowhere': No such file" },
	{ RESOLVER_WITH("domain-insecure = { \"bad..name\" }"), "bulkhead.conf:5: 'bad..name' is not a domain name" },
	{ RESOLVER_WITH("validation-date = \"tomorrow\""),
	  "bulkhead.conf:5: validation-date: 'tomorrow' is not a date as \"YYYYMMDDHHMMSS\"" },
	{ RESOLVER_WITH("cache-size = \"12\""), "bulkhead.conf:5: cache-size: '12' is not a size of at least" },
	{ RESOLVER_WITH("cache-size = \"lots\""), "bulkhead.conf:5: cache-size: 'lots' is not a size" },
	{ RESOLVER_WITH("stub \"consul\" { to = { \"ten\" } }"), "bulkhead.conf:5: to: 'ten' is not an address" },
	{ RESOLVER_WITH("stub \"consul\" { }"), "stub 'consul': 'to' takes 1 to" },
	{ RESOLVER_WITH("rebind-allow = { \"bad..name\" }"), "bulkhead.conf:5: 'bad..name' is not a domain name" },
	{ RESOLVER_WITH("min-ttl = 7200"), "bulkhead.conf:5: min-ttl: '7200' is not a number from 0 to 3600" },
	{ RESOLVER_WITH("min-ttl = 60 max-ttl = 30"), "bulkhead.conf:5: min-ttl: 60 is more than max-ttl, 30" },
	{ RESOLVER_WITH("max-ttl = 0"), "bulkhead.conf:5: max-ttl: '0' is not a number from 1 to 604800" },
	{ RESOLVER_WITH("max-negative-ttl = 1d"), "bulkhead.conf:5: max-negative-ttl: '1d' is not a number from 1 to 86400" },
	{ RESOLVER_WITH("serve-stale = 86400"), "bulkhead.conf:5: serve-stale: '86400' is neither true nor false" },
	{ RESOLVER_WITH("serve-stale-ttl = 700000"),
	  "bulkhead.conf:5: serve-stale-ttl: '700000' is not a number from 1 to 604800" },
	{ RESOLVER_WITH("prefetch = often"), "bulkhead.conf:5: prefetch: 'often' is neither true nor false" },
	{ RESOLVER_WITH("rebind-protection = \"\""), "bulkhead.conf:5: rebind-protection: '' is neither true nor false" },
	{ RESOLVER_WITH("do-not-query-localhost = maybe"),
	  "bulkhead.conf:5: do-not-query-localhost: 'maybe' is neither true nor false" },
	{ RESOLVER_WITH("ipv4 = false ipv6 = false"), "ipv4 and ipv6 are both off" },
	/* RFC 5358: no open resolver by accident */
	{ CONF_HERE "resolver {\n  listen = { \"9.9.9.9\" }\n  allow-query = { \"any4\" }\n}\n",
	  "bulkhead.conf:3: listen: 9.9.9.9@53 can be reached from the Internet and allow-query lets everybody ask" },
	{ CONF_HERE "resolver {\n  listen = { \"::\" }\n  allow-query = { \"::/0\" }\n}\n",
	  "can be reached from the Internet and allow-query lets everybody ask" },
	/* files that are included */
	{ CONF_HERE "include(\"missing.conf\")\n" GOOD_VIEW, "bulkhead.conf:2: include: cannot read '@DIR@/missing.conf'" },
	{ CONF_HERE "include(\"part.conf\")\n" GOOD_VIEW, "part.conf:2: no such option 'nonsense'" },
	{ CONF_HERE "include(\"self.conf\")\n" GOOD_VIEW, "self.conf:1: include: '@DIR@/self.conf' is read already" },
	{ CONF_HERE "view \"internal\" { listen = { \"10.1.0.53\" }\n", "bulkhead.conf:" },
	{ CONF_HERE "view \"unfinished\n", "bulkhead.conf:" },
};

static void with_directory(const char *text, char *out, size_t size)
{
	const char *at = strstr(text, "@DIR@");
	if (at == NULL) {
		snprintf(out, size, "%s", text);
	} else {
		snprintf(out, size, "%.*s%s%s", (int)(at - text), text, appliance.dir, at + 5);
	}
}

/* A line that begins with the path of the file and holds the message. */
static bool tells(const char *output, const char *message)
{
	char wanted[1024];
	with_directory(message, wanted, sizeof(wanted));
	return strstr(output, wanted) != NULL;
}

Test(config, every_wrong_line_is_told_with_its_place)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	unsigned wrong = 0;
	appliance_file(&appliance, "part.conf", "# a comment\nnonsense = 1\n");
	appliance_file(&appliance, "self.conf", "include(\"self.conf\")\n");
	for (size_t i = 0; i < COUNT(table); i++) {
		appliance_configure(&appliance, table[i].conf);
		for (int test = 0; test < 2; test++) {
			int status = appliance_try(&appliance, test != 0 ? "-t" : NULL, output);
			if (status != 1 || !tells(output, table[i].message)) {
				fprintf(stderr, "case %zu%s: status %d, \"%s\" expected in:\n%s\n", i,
					test != 0 ? " with -t" : "", status, table[i].message, output);
				wrong++;
			}
			MUST(access(appliance.socket, F_OK) != 0, "case %zu: a control socket was made", i);
		}
	}
	MUST(wrong == 0, "%u wrong configurations are not told as they should be, see above", wrong);
}

/* One run tells them all. */
Test(config, all_faults_are_told_at_once)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	appliance_configure(&appliance, CONF_HERE
			    "view \"internal\" {\n  listen = { \"bad\" }\n  allow-query = { \"worse\" }\n"
			    "  zones-dir = \"@DIR@/nowhere\"\n}\nresolver {\n  listen = { \"worst\" }\n}\n");
	MUST(appliance_try(&appliance, "-t", output) == 1, "status 1 expected: %s", output);
	MUST(tells(output, "bulkhead.conf:3: ") && tells(output, "bulkhead.conf:4: ") && tells(output, "bulkhead.conf:5: ") &&
		     tells(output, "bulkhead.conf:8: "),
	     "not all four faults were told: %s", output);
}

Test(config, good_configurations_pass_the_test)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	static char conf[8192];
	MUST(appliance_try(&appliance, "-t", output) == 0, "the standard configuration: %s", output);
	/* comments, quoting, += and includes side by side */
	snprintf(conf, sizeof(conf),
		 "%s# a comment\n// another\n/* and\n one more */\n"
		 "include(\"a.conf\")\ninclude(\"b.conf\")\n"
		 "resolver {\n  listen = { \"10.1.0.54\" }\n  listen += { \"10.1.0.54@5353\" }\n"
		 "  cache-size = \"1M\"\n  stub \"consul\" { to = { \"10.1.0.20@8600\" } }\n}\n",
		 CONF_HERE);
	appliance_configure(&appliance, conf);
	appliance_file(&appliance, "a.conf", "view \"a\" { listen = { \"10.1.0.53\" } zones-dir = \"internal\" }\n");
	appliance_file(&appliance, "b.conf", "view \"b\" { listen = { \"203.0.113.53\" } zones-dir = \"external\" }\n");
	MUST(appliance_try(&appliance, "-t", output) == 0, "a good configuration: %s", output);
	/* as many includes side by side as one likes */
	size_t at = (size_t)snprintf(conf, sizeof(conf), "%s", CONF_HERE);
	for (int i = 0; i < 20; i++) {
		char name[32];
		char text[256];
		snprintf(name, sizeof(name), "view%d.conf", i);
		snprintf(text, sizeof(text), "view \"v%d\" { listen = { \"10.1.0.53@%d\" } zones-dir = \"internal\" }\n", i,
			 6000 + i);
		appliance_file(&appliance, name, text);
		at += (size_t)snprintf(conf + at, sizeof(conf) - at, "include(\"%s\")\n", name);
	}
	appliance_configure(&appliance, conf);
	MUST(appliance_try(&appliance, "-t", output) == 0, "twenty includes: %s", output);
	MUST(access(appliance.socket, F_OK) != 0, "-t made a control socket");
}

/* An address that another process holds: told, and nothing started. */
Test(config, an_address_in_use_is_told)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	int other = client_tcp_try("10.1.0.53", NULL, 100);
	MUST(other < 0, "somebody listens already");
	MUST(appliance_try(&appliance, "-l", output) == 0, "-l: all addresses are free: %s", output);
	MUST(access(appliance.socket, F_OK) != 0, "-l made a control socket");
	appliance_start(&appliance);
	struct appliance second;
	appliance_init(&second);
	appliance_file(&second, "internal/corp.example.zone", standard_corp_zone);
	appliance_configure(&second, CONF_HERE "view \"other\" { listen = { \"10.1.0.53\" } zones-dir = \"@DIR@/internal\" }\n");
	int status = appliance_try(&second, NULL, output);
	MUST(status == 1 && strstr(output, "10.1.0.53") != NULL, "status %d: %s", status, output);
	status = appliance_try(&second, "-l", output);
	MUST(status == 1 && strstr(output, "cannot listen on udp 10.1.0.53") != NULL, "-l: status %d: %s", status, output);
	harness_remove_directory(second.dir);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", NULL, EDE_NONE);
}

Test(config, a_second_supervisor_on_the_same_run_dir_is_refused)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	static char conf[2048];
	appliance_start(&appliance);
	snprintf(conf, sizeof(conf), "%sview \"other\" { listen = { \"10.1.0.53@5399\" } zones-dir = \"@DIR@/internal\" }\n",
		 CONF_HERE);
	appliance_configure(&appliance, conf);
	int status = appliance_try(&appliance, NULL, output);
	MUST(status == 1, "status %d: %s", status, output);
	MUST(appliance_control(&appliance, "status")->done.status == 0, "the first one is not well any more");
}
