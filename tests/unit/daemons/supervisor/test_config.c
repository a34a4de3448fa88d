/*
 * bulkhead.conf: what is accepted, and the exact words for what is not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static void write_secret(const char *name, mode_t mode)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	write_file(name, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
	cr_assert_eq(chmod(path, mode), 0);
}

static void setup(void)
{
	char path[256];
	snprintf(dir, sizeof(dir), "/tmp/bulkhead-config-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/zones", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	write_file("zones/a.zone", "");
	write_file("hints", "");
	write_secret("secret", 0600);
	write_secret("open", 0644);
	write_secret("short", 0600);
	write_file("short", "");
}

static void teardown(void)
{
	static const char *const names[] = { "zones/a.zone", "hints", "secret", "open", "short", "test.conf", "included.conf", "zones", "" };
	for (size_t i = 0; i < COUNT(names); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

/* All complaints, one a line, "NAME:LINE: TEXT" with NAME the last part of the path. */
struct complaints {
	char text[8192];
};

static void on_error(void *ctx, const char *file, unsigned line, const char *text)
{
	struct complaints *c = ctx;
	const char *slash = strrchr(file, '/');
	size_t used = strlen(c->text);
	snprintf(c->text + used, sizeof(c->text) - used, "%s:%u: %s\n", slash == NULL ? file : slash + 1, line, text);
}

static struct config *load(const char *text, struct complaints *c)
{
	char path[256];
	c->text[0] = '\0';
	write_file("test.conf", text);
	snprintf(path, sizeof(path), "%s/test.conf", dir);
	return config_load(path, on_error, c);
}

TestSuite(config, .init = setup, .fini = teardown);

Test(config, takes_the_full_grammar)
{
	struct complaints c;
	struct config *config = load("appliance {\n"
				     "  workers = 3\n  state-dir = \"state\"\n  run-dir = \"/r\"\n  log-level = \"debug\"\n"
				     "}\n"
				     "view \"internal\" {\n"
				     "  listen = { \"127.0.0.1@5301\", \"::1@5301\" }\n"
				     "  interfaces = { \"lo\" }\n"
				     "  allow-query = { \"10.0.0.0/8\", \"fd00::/8\", \"192.0.2.1\" }\n"
				     "  zones-dir = \"zones\"\n"
				     "  tcp { connections = 7  connections-per-client = 3\n"
				     "        idle-timeout = 4  reply-timeout = 5 }\n"
				     "  zone \"Corp.Example\" { file = \"a.zone\" overlay = true }\n"
				     "  zone \"example\" { file = \"a.zone\" }\n"
				     "}\n"
				     "resolver {\n"
				     "  listen = { \"127.0.0.1@5300\" }\n"
				     "  internal-view = \"internal\"\n"
				     "  outgoing = { \"192.0.2.7\" }\n"
				     "  root-hints = \"hints\"\n"
				     "  trust-anchors = \"hints\"\n"
				     "  domain-insecure = { \"Corp.Example\", \".\" }\n"
				     "  validation-date = \"20261121120001\"\n"
				     "  cache-size = \"64M\"\n"
				     "  rebind-allow = { \"allowed.example\" }\n"
				     "  ipv6 = false\n  validate-sha1 = no\n  use-0x20 = off\n  qname-minimisation = no\n  prime-root = false\n"
				     "  min-ttl = 5\n  max-ttl = 600\n  max-negative-ttl = 60\n  serve-stale = true\n"
				     "  serve-stale-ttl = 7200\n  prefetch = off\n  rebind-protection = no\n"
				     "  stub \"consul\" { to = { \"10.0.0.20@8600\" } }\n"
				     "  use-cookies = false\n  do-not-query-localhost = false\n"
				     "  forward \"Ad.Corp.Example\" { to = { \"10.0.0.30\", \"127.0.0.1@5301\" } }\n"
				     "  forward \".\" { to = { \"fd00::9@5300\" }  tls = false  forward-first = no }\n"
				     "}\n",
				     &c);
	cr_assert_not_null(config, "%s", c.text);
	cr_assert_eq(config->workers, 3);
	char state[128];
	snprintf(state, sizeof(state), "%s/state", dir);
	cr_assert_str_eq(config->state_dir, state);
	cr_assert_str_eq(config->run_dir, "/r");
	cr_assert_eq(config->log_level, LOG_LEVEL_DEBUG);
	cr_assert_eq(config->view_count, 1);
	const struct config_view *view = &config->views[0];
	cr_assert_eq(view->listen.count, 2);
	cr_assert_eq(view->listen.addrs[1].port, 5301);
	cr_assert_not(view->anyone);
	cr_assert_eq(view->allow_query.count, 3);
	cr_assert_eq(view->tcp.connections, 7);
	cr_assert_eq(view->tcp.connections_client, 3);
	cr_assert_eq(view->tcp.idle_ms, 4000);
	cr_assert_eq(view->tcp.reply_ms, 5000);
	cr_assert_eq(view->zone_count, 2);
	cr_assert_str_eq(view->zones[0].text, "example.");
	cr_assert_str_eq(view->zones[1].text, "Corp.Example.");
	cr_assert(view->zones[1].overlay);
	const struct config_resolver *r = &config->resolver;
	cr_assert(r->present);
	cr_assert_eq(r->internal_view, 0);
	cr_assert_eq(r->cache_size, 64u * 1024 * 1024);
	cr_assert_str_eq(strrchr(r->trust_anchors, '/'), "/hints");
	cr_assert_eq(r->insecure_count, 2);
	cr_assert_arr_eq(r->insecure[0].name, "\4Corp\7Example", 14);
	cr_assert(dname_is_root(r->insecure[1].name));
	cr_assert_eq(r->validation_date, 1795262401u);
	cr_assert_eq(r->forward_count, 2);
	cr_assert_arr_eq(r->forwards[0].servers.name, "\2Ad\4Corp\7Example", 17);
	cr_assert_eq(r->forwards[0].servers.count, 2);
	cr_assert(dname_is_root(r->forwards[1].servers.name));
	cr_assert_not(r->use_cookies);
	cr_assert_eq(r->localhost, IPC_LOCALHOST_ALWAYS);
	cr_assert_eq(r->stub_count, 1);
	cr_assert_eq(r->stubs[0].servers.addrs[0].port, 8600);
	cr_assert(!r->validate_sha1);
	cr_assert(r->ipv4 && !r->ipv6 && !r->use_0x20 && !r->qname_minimisation && !r->prime_root);
	cr_assert_eq(r->min_ttl_sec, 5);
	cr_assert_eq(r->max_ttl_sec, 600);
	cr_assert_eq(r->max_negative_ttl_sec, 60);
	cr_assert_eq(r->stale_sec, 7200);
	cr_assert(!r->prefetch && !r->rebind_protection);
	cr_assert_eq(r->tcp.connections, 1000);
	cr_assert_eq(r->tcp.connections_client, 128);
	cr_assert_eq(r->tcp.idle_ms, 10000);
	cr_assert_eq(r->tcp.reply_ms, 10000);
	cr_assert_eq(r->allow_query.count, 2, "loopback only when nothing is said");
	config_free(config);
}

#define VIEW(body) "view \"v\" {\n listen = { \"127.0.0.1@53\" }\n zones-dir = \"zones\"\n" body "}\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define KEY(name, file) "key \"" name "\" { algorithm = \"HMAC-SHA256\" secret-file = \"" file "\" }\n"
#define RESOLVER(body) "resolver {\n listen = { \"127.0.0.1@54\" }\n" body "}\n"

/* Text, and all that is said of it; %s is the temporary directory. */
static const struct {
	const char *text;
	const char *complaints;
} faults[] = {
	{ "", "test.conf:1: neither a view nor a resolver: nothing to serve\n" },
	{ VIEW("key = 1\n"),
	  "test.conf:4: no such option 'key', allowed here: listen, interfaces, allow-query, zones-dir, user, "
	  "answer-rotation, cookies, cookie-secret-file, nsid, identity, version, rate-limit, tcp, zone\n" },
	{ VIEW("rate-limit { window = 5 }\n"),
	  "test.conf:4: no such option 'window', allowed here: mode, responses-per-second, slip, ipv4-prefix, "
	  "ipv6-prefix, exempt\n" },
	{ VIEW("rate-limit { mode = \"maybe\" }\n"),
	  "test.conf:4: mode: 'maybe' is none of \"on\", \"log\", \"off\"\n" },
	{ VIEW("rate-limit { responses-per-second = 0 }\n"),
	  "test.conf:4: responses-per-second: '0' is not a number from 1 to 100000\n" },
	{ VIEW("rate-limit {\n slip = 2\n}\n"),
	  "test.conf:5: slip: '2' would leave queries without an answer, allowed: 1, every limited response is sent "
	  "truncated\n" },
	{ VIEW("rate-limit { slip = 0 }\n"),
	  "test.conf:4: slip: '0' would leave queries without an answer, allowed: 1, every limited response is sent "
	  "truncated\n" },
	{ VIEW("rate-limit { ipv4-prefix = 33 ipv6-prefix = 65 }\n"),
	  "test.conf:4: ipv4-prefix: '33' is not a number from 1 to 32\n"
	  "test.conf:4: ipv6-prefix: '65' is not a number from 1 to 64\n" },
	{ VIEW("rate-limit { exempt = { \"10.0.0.1/8\" } }\n"),
	  "test.conf:4: exempt: '10.0.0.1/8' is not a prefix, allowed: \"address/bits\" without host bits, "
	  "\"address\", \"any4\", \"any6\"\n" },
	{ VIEW("rate-limit { }\nrate-limit { }\n"), "test.conf:5: section 'rate-limit' stands twice in view 'v'\n" },
	{ VIEW("cookies = \"yes\"\n"), "test.conf:4: cookies: 'yes' is none of \"answer\", \"require\", \"off\"\n" },
	{ VIEW("cookie-secret-file = \"missing\"\n"),
	  "test.conf:4: cookie-secret-file: '%s/missing': No such file or directory\n" },
	{ VIEW("cookie-secret-file = \"open\"\n"),
	  "test.conf:4: cookie-secret-file: '%s/open': others can read it: make a new one, and chmod o-rw\n" },
	{ VIEW("cookie-secret-file = \"secret\"\n"),
	  "test.conf:4: cookie-secret-file: '%s/secret': it does not hold one or two secrets of 32 hexadecimal "
	  "digits\n" },
	{ VIEW("nsid = \"0x123\"\n"), "test.conf:4: nsid: '0x123' is not 0x and pairs of hexadecimal digits\n" },
	{ VIEW("nsid = \"0x\"\n"), "test.conf:4: nsid: '0x' is not 0x and pairs of hexadecimal digits\n" },
	{ VIEW("nsid = \"" HUNDRED "x\"\n"), "test.conf:4: nsid: longer than 100 octets\n" },
	{ VIEW("identity = \"" HUNDRED HUNDRED HUNDRED "\"\n"), "test.conf:4: identity: longer than 255 octets\n" },
	{ "appliance { version = \"" HUNDRED HUNDRED HUNDRED "\" }\n" VIEW(""),
	  "test.conf:1: version: longer than 255 octets\n" },
	{ VIEW("answer-rotation = sometimes\n"),
	  "test.conf:4: answer-rotation: 'sometimes' is neither true nor false\n" },
	{ "keys { }\n", "test.conf:1: no such option 'keys', allowed here: appliance, key, view, resolver, monitor\n" },
	{ "key \"partner\" { }\n" VIEW(""), "test.conf:1: key 'partner' has no 'algorithm'\n" },
	{ "key \"partner\" { algorithm = \"hmac-sha256\" }\n" VIEW(""),
	  "test.conf:1: key 'partner' has no 'secret-file'\n" },
	{ "key \"partner\" { secret = \"x\" }\n" VIEW(""),
	  "test.conf:1: no such option 'secret', allowed here: algorithm, secret-file\n" },
	{ "key \"a..b\" { }\n" VIEW(""), "test.conf:1: 'a..b' is not a domain name\n" },
	{ "key \"p\" {\n algorithm = \"hmac-md5\"\n secret-file = \"secret\" }\n" VIEW(""),
	  "test.conf:2: algorithm: 'hmac-md5' is none of hmac-sha256, hmac-sha384, hmac-sha512\n" },
	{ KEY("p", "missing") VIEW(""), "test.conf:1: secret-file: '%s/missing': No such file or directory\n" },
	{ KEY("p", "open") VIEW(""),
	  "test.conf:1: secret-file: '%s/open': others can read it: make a new one, and chmod o-rw\n" },
	{ KEY("p", "short") VIEW(""),
	  "test.conf:1: secret-file: '%s/short': a secret has at least 16 octets, this has 0\n" },
	{ KEY("p", "secret") KEY("P.", "secret") VIEW(""), "test.conf:2: key 'P.' stands twice\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\"\n allow-transfer = { \"key:p\" } }\n"),
	  "test.conf:5: allow-transfer: there is no key 'p'\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" allow-transfer = { \"key:a..b\" } }\n"),
	  "test.conf:4: 'a..b' is not a domain name\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" allow-transfer = { \" \" } }\n"),
	  "test.conf:4: allow-transfer: ' ' is neither a prefix nor a key\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" allow-transfer = { \"any4 any6\" } }\n"),
	  "test.conf:4: allow-transfer: 'any4 any6' is not a prefix, allowed: \"address/bits\" without host bits, "
	  "\"address\", \"any4\", \"any6\", \"key:name\", or a prefix and a key with a blank between, which then are "
	  "both needed\n" },
	{ VIEW("zone \"a\" { dnssec = \"default\" }\n"),
	  "test.conf:4: no such option 'dnssec', allowed here: file, overlay, allow-transfer\n" },
	{ RESOLVER("backward \".\" { }\n"),
	  "test.conf:3: no such option 'backward', allowed here: listen, interfaces, allow-query, open, cookies, "
	  "cookie-secret-file, internal-view, "
	  "outgoing, root-hints, trust-anchors, domain-insecure, validate-sha1, validation-date, cache-size, min-ttl, max-ttl, "
	  "max-negative-ttl, serve-stale, serve-stale-ttl, prefetch, rebind-protection, rebind-allow, ipv4, ipv6, use-0x20, "
	  "qname-minimisation, prime-root, use-cookies, do-not-query-localhost, local-wall, tcp, stub, forward\n" },
	{ "appliance { workers = \"many\" }\n" VIEW(""),
	  "test.conf:1: workers: 'many' is not a number from 0 to 64\n" },
	{ "appliance { workers = 65 }\n" VIEW(""), "test.conf:1: workers: '65' is not a number from 0 to 64\n" },
	{ "appliance { workers = -1 }\n" VIEW(""), "test.conf:1: workers: '-1' is not a number from 0 to 64\n" },
	{ "appliance { log-level = \"loud\" }\n" VIEW(""),
	  "test.conf:1: log-level: 'loud' is none of error, warning, info, debug\n" },
	{ "appliance { }\nappliance { }\n" VIEW(""), "test.conf:2: section 'appliance' stands twice\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1\",\n  \"localhost\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:3: listen: 'localhost' is not an address, allowed: \"address\" or \"address@port\"\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1@0\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:2: listen: '127.0.0.1@0' is not an address, allowed: \"address\" or \"address@port\"\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1@99999\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:2: listen: '127.0.0.1@99999' is not an address, allowed: \"address\" or \"address@port\"\n" },
	{ "view \"v\" {\n zones-dir = \"zones\"\n}\n", "test.conf:3: 'view' has no 'listen' address\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1\" }\n}\n", "test.conf:3: view 'v' has no 'zones-dir'\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1\" }\n zones-dir = \"nowhere\"\n}\n",
	  "test.conf:3: zones-dir: '%s/nowhere': No such file or directory\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1\" }\n zones-dir = \"hints\"\n}\n",
	  "test.conf:3: zones-dir: '%s/hints' is not a directory\n" },
	{ "view \"No Good\" {\n listen = { \"127.0.0.1\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:4: view name 'No Good': allowed are 1 to 31 of a-z, 0-9, '-' and '_'\n" },
	{ "view {\n}\n", "test.conf:1: missing title for section 'view'\n" },
	{ VIEW("allow-query = { \"10.0.0.1/8\" }\n"),
	  "test.conf:4: allow-query: '10.0.0.1/8' is not a prefix, allowed: \"address/bits\" without host bits, "
	  "\"address\", \"any4\", \"any6\"\n" },
	{ VIEW("interfaces = { \"nosuchif0\" }\n"),
	  "test.conf:4: interfaces: there is no network interface 'nosuchif0'\n" },
	{ VIEW("tcp { connections = 0 }\n"), "test.conf:4: connections: '0' is not a number from 1 to 10000\n" },
	{ VIEW("tcp {\n connections-per-client = 10001\n}\n"),
	  "test.conf:5: connections-per-client: '10001' is not a number from 1 to 10000\n" },
	{ VIEW("tcp { idle-timeout = 3601 }\n"),
	  "test.conf:4: idle-timeout: '3601' is not a number from 1 to 3600\n" },
	{ RESOLVER("tcp { reply-timeout = \"10s\" }\n"),
	  "test.conf:3: reply-timeout: '10s' is not a number from 1 to 3600\n" },
	{ VIEW("tcp { }\ntcp { }\n"), "test.conf:5: section 'tcp' stands twice\n" },
	{ VIEW("tcp { fast-open = true }\n"),
	  "test.conf:4: no such option 'fast-open', allowed here: connections, connections-per-client, idle-timeout, "
	  "reply-timeout\n" },
	{ VIEW("zone \"a\" { }\n"), "test.conf:4: zone 'a.' has no 'file'\n" },
	{ VIEW("zone \"a\" { file = \"b.zone\" }\n"),
	  "test.conf:4: file: '%s/zones/b.zone': No such file or directory\n" },
	{ VIEW("zone \"a\" { file = \"../hints\" }\n"),
	  "test.conf:4: file: '../hints' must be a path below the view's zones-dir\n" },
	{ VIEW("zone \"a\" { file = \"/etc/passwd\" }\n"),
	  "test.conf:4: file: '/etc/passwd' must be a path below the view's zones-dir\n" },
	{ VIEW("zone \"a..b\" { file = \"a.zone\" }\n"), "test.conf:4: 'a..b' is not a domain name\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" }\nzone \"A.\" { file = \"a.zone\" }\n"),
	  "test.conf:5: zone 'A.' stands twice in view 'v'\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" }\nzone \"b\" { file = \"a.zone\" }\nzone \"a\" { file = \"a.zone\" }\n"),
	  "test.conf:6: zone 'a.' stands twice in view 'v'\n" },
	{ VIEW("zone \"a\" { file = \"a.zone\" overlay = perhaps }\n"),
	  "test.conf:4: overlay: 'perhaps' is neither true nor false\n" },
	{ VIEW("user = \"x\"\nuser = \"y\"\n"), "test.conf:5: 'user' is given twice\n" },
	{ VIEW("") "view \"w\" {\n listen = { \"127.0.0.1@53\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:6: listen: 127.0.0.1@53 is also used by view 'v'\n" },
	{ VIEW("") "view \"w\" {\n listen = { \"0.0.0.0\" }\n zones-dir = \"zones\"\n}\n",
	  "test.conf:6: listen: 0.0.0.0@53 is also used by view 'v'\n" },
	{ VIEW("") VIEW(""), "test.conf:5: found duplicate title 'v'\n" },
	{ "# a comment\n/* and one\n of two lines */ appliance { // a third\n workers = x }\n" VIEW(""),
	  "test.conf:4: workers: 'x' is not a number from 0 to 64\n" },
	{ "appliance { state-dir = \"a#b//c/*\" # real\n workers = x }\n" VIEW(""),
	  "test.conf:2: workers: 'x' is not a number from 0 to 64\n" },
	{ VIEW("") "resolver {\n listen = { \"127.0.0.1@53\" }\n}\n",
	  "test.conf:6: listen: 127.0.0.1@53 is also used by view 'v'\n" },
	{ RESOLVER("cookies = \"maybe\"\n"),
	  "test.conf:3: cookies: 'maybe' is none of \"answer\", \"require\", \"off\"\n" },
	{ "resolver {\n listen = { \"127.0.0.1\", \"127.0.0.1@53\" }\n}\n",
	  "test.conf:2: listen: 127.0.0.1@53 stands twice\n" },
	{ RESOLVER("internal-view = \"nobody\"\n"), "test.conf:3: internal-view: there is no view 'nobody'\n" },
	{ RESOLVER("outgoing = { \"192.0.2.1@53\" }\n"),
	  "test.conf:3: outgoing: '192.0.2.1@53' is not an address without port\n" },
	{ RESOLVER("root-hints = \"missing\"\n"), "test.conf:3: root-hints: '%s/missing': No such file or directory\n" },
	{ RESOLVER("trust-anchors = \"missing\"\n"),
	  "test.conf:3: trust-anchors: '%s/missing': No such file or directory\n" },
	{ RESOLVER("domain-insecure = { \"fine\", \"a..b\" }\n"), "test.conf:3: 'a..b' is not a domain name\n" },
	{ RESOLVER("validation-date = \"today\"\n"),
	  "test.conf:3: validation-date: 'today' is not a date as \"YYYYMMDDHHMMSS\"\n" },
	{ RESOLVER("validation-date = \"20260230120000\"\n"),
	  "test.conf:3: validation-date: '20260230120000' is not a date as \"YYYYMMDDHHMMSS\"\n" },
	{ RESOLVER("validation-date = \"20261121126000\"\n"),
	  "test.conf:3: validation-date: '20261121126000' is not a date as \"YYYYMMDDHHMMSS\"\n" },
	{ RESOLVER("validation-date = \"20261121120060\"\n"),
	  "test.conf:3: validation-date: '20261121120060' is not a date as \"YYYYMMDDHHMMSS\"\n" },
	{ RESOLVER("cache-size = \"12 apples\"\n"),
	  "test.conf:3: cache-size: '12 apples' is not a size of at least 1048576 octets, as \"256M\"\n" },
	{ RESOLVER("cache-size = \"1K\"\n"),
	  "test.conf:3: cache-size: '1K' is not a size of at least 1048576 octets, as \"256M\"\n" },
	{ RESOLVER("ipv4 = false\nipv6 = false\n"),
	  "test.conf:5: resolver: ipv4 and ipv6 are both off, nobody can be asked\n" },
	{ RESOLVER("forward \".\" { }\n"), "test.conf:3: forward '.': 'to' takes 1 to 16 addresses\n" },
	{ RESOLVER("forward \".\" { to = { \"192.0.2.1@853#dns.example.net\" } }\n"),
	  "test.conf:3: to: '192.0.2.1@853#dns.example.net' is not an address, allowed: \"address\" or "
	  "\"address@port\"\n" },
	{ RESOLVER("forward \".\" { to = { \"192.0.2.1\" }\n tls = true }\n"),
	  "test.conf:4: forward '.': tls = true: queries over TLS are not supported yet, only tls = false\n" },
	{ RESOLVER("forward \".\" { to = { \"192.0.2.1\" }\n forward-first = true }\n"),
	  "test.conf:4: forward '.': forward-first = true is not supported: what is forwarded is asked of nobody else\n" },
	{ RESOLVER("forward \"a..b\" { to = { \"192.0.2.1\" } }\n"), "test.conf:3: 'a..b' is not a domain name\n" },
	{ RESOLVER("forward \"x\" { to = { \"192.0.2.1\" } }\n forward \"X.\" { to = { \"192.0.2.2\" } }\n"),
	  "test.conf:4: forward 'X.' stands twice\n" },
	{ RESOLVER("forward \"x\" { to = { \"192.0.2.1\" } }\n stub \"X\" { to = { \"192.0.2.2\" } }\n"),
	  "test.conf:3: forward 'x': there is a stub of that name\n" },
	{ RESOLVER("stub \"x\" { to = { \"192.0.2.1\" } }\n stub \"X.\" { to = { \"192.0.2.2\" } }\n"),
	  "test.conf:4: stub 'X.' stands twice\n" },
	{ RESOLVER("stub \"x\" { to = { \"127.0.0.1@54\" } }\n"),
	  "test.conf:3: stub 'x': the resolver listens at 127.0.0.1@54 itself: queries would go round in a circle\n" },
	{ RESOLVER("forward \"x\" { to = { \"127.0.0.1@54\" } }\n"),
	  "test.conf:3: forward 'x': the resolver listens at 127.0.0.1@54 itself: queries would go round in a circle\n" },
	{ "resolver {\n listen = { \"0.0.0.0@5300\", \"::1\" }\n forward \"x\" { to = { \"127.0.0.9@5300\" } }\n"
	  " forward \"y\" { to = { \"127.0.0.9\", \"::1\" } }\n}\n",
	  "test.conf:3: forward 'x': the resolver listens at 0.0.0.0@5300 itself: queries would go round in a circle\n"
	  "test.conf:4: forward 'y': the resolver listens at ::1@53 itself: queries would go round in a circle\n" },
	{ RESOLVER("local-wall = maybe\n"), "test.conf:3: local-wall: 'maybe' is none of \"on\", \"off\"\n" },
	{ RESOLVER("do-not-query-localhost = maybe\n"), "test.conf:3: do-not-query-localhost: 'maybe' is neither true nor false\n" },
	{ RESOLVER("stub \"x\" { }\n"), "test.conf:3: stub 'x': 'to' takes 1 to 16 addresses\n" },
	{ RESOLVER("stub \"x\" { to = { \"y\" } }\n"),
	  "test.conf:3: to: 'y' is not an address, allowed: \"address\" or \"address@port\"\n" },
	{ "resolver {\n listen = { \"8.8.8.8\" }\n allow-query = { \"any4\" }\n}\n",
	  "test.conf:2: listen: 8.8.8.8@53 can be reached from the Internet and allow-query lets everybody ask: narrow "
	  "allow-query, or set open = true\n" },
	{ RESOLVER("") "resolver { listen = { \"127.0.0.2\" } }\n", "test.conf:4: section 'resolver' stands twice\n" },
	{ VIEW("") "monitor { port = 1 }\n",
	  "test.conf:5: no such option 'port', allowed here: listen, interfaces, allow, names, zones, probe\n" },
	{ VIEW("") "monitor { }\nmonitor { }\n", "test.conf:6: section 'monitor' stands twice\n" },
	{ VIEW("") "monitor {\n listen = { \"192.0.2.1\" }\n}\n",
	  "test.conf:6: listen: an address that is not loopback needs 'allow': who may look, as \"10.0.0.0/8\"\n" },
	{ VIEW("") "monitor {\n listen = { \"0.0.0.0\" }\n}\n",
	  "test.conf:6: listen: an address that is not loopback needs 'allow': who may look, as \"10.0.0.0/8\"\n" },
	{ VIEW("") "monitor {\n listen = { \"8.8.8.8\" }\n allow = { \"10.0.0.0/8\", \"any4\" }\n}\n",
	  "test.conf:7: allow: an address that can be reached from the Internet would tell everybody: narrow 'allow'\n" },
	{ VIEW("") "monitor {\n listen = { \"nowhere\" }\n allow = { \"all\" }\n zones = \"some\"\n}\n",
	  "test.conf:6: listen: 'nowhere' is not an address, allowed: \"address\" or \"address@port\"\n"
	  "test.conf:7: allow: 'all' is not a prefix, allowed: \"address/bits\" without host bits, \"address\", \"any4\", "
	  "\"any6\"\n"
	  "test.conf:8: zones: 'some' is neither true nor false\n" },
	{ VIEW("") "monitor {\n interfaces = { \"lo\" }\n}\n",
	  "test.conf:6: interfaces: without 'listen' it is loopback alone\n" },
	{ VIEW("") "monitor {\n names = { \"a/b\", \"\" }\n probe = \"a..b\"\n}\n",
	  "test.conf:6: names: 'a/b' is neither a host name nor an address\n"
	  "test.conf:6: names: '' is neither a host name nor an address\n"
	  "test.conf:7: 'a..b' is not a domain name\n" },
	{ VIEW("") "monitor { listen = { \"127.0.0.1@53\" } }\n",
	  "test.conf:5: listen: 127.0.0.1@53 is also used by view 'v'\n" },
	{ VIEW("") RESOLVER("") "monitor { listen = { \"127.0.0.1@54\" } }\n",
	  "test.conf:8: listen: 127.0.0.1@54 is also used by the resolver\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1@9953\" }\n zones-dir = \"zones\"\n}\nmonitor {\n}\n",
	  "test.conf:6: listen: 127.0.0.1@9953 is also used by view 'v'\n" },
	{ "include(\"missing.conf\")\n",
	  "test.conf:1: include: cannot read '%s/missing.conf': No such file or directory\n" },
	{ "view \"v\" {\n listen = { \"127.0.0.1\"\n", "test.conf:3: premature end of file\n" },
};

Test(config, tells_each_fault_in_exact_words)
{
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct complaints c;
		char expected[1024];
		struct config *config = load(faults[i].text, &c);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(expected, sizeof(expected), faults[i].complaints, dir);
#pragma GCC diagnostic pop
		cr_expect_null(config, "accepted: %s", faults[i].text);
		cr_expect_str_eq(c.text, expected, "for: %s\nsaid:     %s\nexpected: %s", faults[i].text, c.text,
				 expected);
	}
}

Test(config, how_answers_are_given)
{
	struct complaints c;
	char path[256];
	write_file("cookies", "# of the anycast group\n000102030405060708090a0b0c0d0e0f\nFFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0\n");
	snprintf(path, sizeof(path), "%s/cookies", dir);
	cr_assert_eq(chmod(path, 0600), 0);
	struct config *config =
		load("appliance { workers = 1 nsid = \"box\" identity = \"the box\" version = \"9\" }\n"
		     "view \"a\" {\n listen = { \"127.0.0.1@53\" }\n zones-dir = \"zones\"\n}\n"
		     "view \"b\" {\n listen = { \"127.0.0.1@54\" }\n zones-dir = \"zones\"\n allow-query = { \"any4\" }\n"
		     " nsid = \"0x00fF\" identity = \"\" cookies = \"off\" answer-rotation = false\n}\n"
		     "view \"c\" {\n listen = { \"127.0.0.1@55\" }\n zones-dir = \"zones\"\n allow-query = { \"any4\" }\n"
		     " cookies = \"require\" cookie-secret-file = \"cookies\"\n"
		     " rate-limit { responses-per-second = 5 slip = 1 ipv4-prefix = 32 ipv6-prefix = 64\n"
		     "   exempt = { \"192.0.2.0/24\", \"2001:db8::/32\" } }\n}\n"
		     "view \"d\" {\n listen = { \"127.0.0.1@56\" }\n zones-dir = \"zones\"\n rate-limit { mode = \"log\" }\n}\n"
		     "view \"e\" {\n listen = { \"127.0.0.1@57\" }\n zones-dir = \"zones\"\n rate-limit { mode = \"off\" }\n}\n"
		     "resolver {\n listen = { \"127.0.0.1@58\" } cookies = \"require\" cookie-secret-file = \"cookies\"\n}\n",
		     &c);
	cr_assert_not_null(config, "%s", c.text);
	const struct config_view *v = config->views;
	/* limited where everybody may ask, and where it is wanted */
	cr_expect(v[0].rate.mode == IPC_RATE_ON && v[1].rate.mode == 0 && v[2].rate.mode == IPC_RATE_ON);
	cr_expect(v[3].rate.mode == IPC_RATE_LOG && v[4].rate.mode == 0);
	cr_expect(v[0].rate.per_second == 20 && v[0].rate.ipv4_bits == 24 && v[0].rate.ipv6_bits == 56);
	cr_expect(v[2].rate.per_second == 5 && v[2].rate.ipv4_bits == 32 && v[2].rate.ipv6_bits == 64);
	cr_expect_eq(v[2].rate.exempt.count, 2);
	cr_expect(v[0].cookies.mode == IPC_COOKIES_ANSWER && v[1].cookies.mode == IPC_COOKIES_OFF);
	cr_expect_eq(v[2].cookies.mode, IPC_COOKIES_REQUIRE);
	cr_expect_eq(v[0].cookies.secrets.count, 0);
	cr_assert_eq(v[2].cookies.secrets.count, 2);
	for (unsigned i = 0; i < COOKIE_SECRET_SIZE; i++) {
		cr_expect_eq(v[2].cookies.secrets.bytes[0][i], i);
		cr_expect_eq(v[2].cookies.secrets.bytes[1][i], 255 - i);
	}
	cr_expect_eq(config->resolver.cookies.mode, IPC_COOKIES_REQUIRE);
	cr_expect_eq(config->resolver.cookies.secrets.count, 2);
	cr_expect(v[0].rotate && !v[1].rotate);
	cr_expect(v[0].names.nsid_len == 3 && memcmp(v[0].names.nsid, "box", 3) == 0);
	cr_expect(v[1].names.nsid_len == 2 && memcmp(v[1].names.nsid, "\0\377", 2) == 0);
	cr_expect_str_eq(v[0].names.identity, "the box");
	cr_expect_str_eq(v[1].names.identity, "");
	cr_expect_str_eq(v[1].names.version, "9");
	config_free(config);
	remove(path);
}

Test(config, keys_and_who_may_transfer)
{
	struct complaints c;
	struct config *config =
		load(VIEW("zone \"a\" { file = \"a.zone\"\n"
			  " allow-transfer = { \"192.0.2.1\", \"2001:db8::/32\", \"key:PARTNER.\", \"10.0.0.0/8  key:other\" } }\n"
			  "zone \"b\" { file = \"a.zone\" }\n")
		     KEY("partner", "secret") KEY("Other", "secret"), &c);
	cr_assert_not_null(config, "%s", c.text);
	cr_assert_eq(config->key_count, 2);
	cr_assert_eq(config->keys[0].secret_len, 32);
	cr_assert_eq(config->keys[0].algorithm, TSIG_HMAC_SHA256);
	cr_assert_eq(config->keys[1].name[1], 'o', "lower case");
	const struct config_zone *zone = &config->views[0].zones[0];
	static const struct {
		bool any;
		uint8_t bits;
		int key;
	} expected[] = { { false, 32, -1 }, { false, 32, -1 }, { true, 0, 0 }, { false, 8, 1 } };
	cr_assert_eq(zone->transfer_count, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(zone->transfers[i].any, expected[i].any, "%zu", i);
		cr_assert_eq(zone->transfers[i].key, expected[i].key, "%zu", i);
		cr_assert(zone->transfers[i].any || zone->transfers[i].prefix.bits == expected[i].bits, "%zu", i);
	}
	cr_assert_eq(config->views[0].zones[1].transfer_count, 0, "nobody when nothing is said");
	config_free(config);
}

Test(config, tells_several_faults_at_once)
{
	struct complaints c;
	cr_assert_null(load("appliance { workers = x }\n" VIEW("allow-query = { \"a\" }\n") RESOLVER("cache-size = y\n"),
			    &c));
	cr_expect_not_null(strstr(c.text, "workers"));
	cr_expect_not_null(strstr(c.text, "allow-query"));
	cr_expect_not_null(strstr(c.text, "cache-size"));
}

Test(config, include_is_relative_and_keeps_its_own_lines)
{
	struct complaints c;
	write_file("included.conf", "# one\nresolver {\n listen = { \"nonsense\" }\n}\n");
	cr_assert_null(load("include(\"included.conf\")\n" VIEW("zone \"a\" { }\n"), &c));
	cr_expect_str_eq(c.text, "test.conf:5: zone 'a.' has no 'file'\n"
				 "included.conf:3: listen: 'nonsense' is not an address, allowed: \"address\" or "
				 "\"address@port\"\n");
}

Test(config, include_of_itself_ends)
{
	struct complaints c;
	cr_assert_null(load("include(\"test.conf\")\n", &c));
	cr_expect_not_null(strstr(c.text, "test.conf' is read already"), "%s", c.text);
}

Test(config, includes_of_includes_add_their_sections)
{
	struct complaints c;
	write_file("included.conf", "include(\"hints\")\n" RESOLVER(""));
	write_file("hints", "appliance { workers = 7 }\n");
	struct config *config = load("include(\"included.conf\")\n" VIEW(""), &c);
	cr_assert_not_null(config, "%s", c.text);
	cr_expect_eq(config->workers, 7u);
	cr_expect_eq(config->view_count, 1u);
	cr_expect(config->resolver.present);
	config_free(config);
}

/* The lowest free descriptor: the same before and after when none is left open. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY);
	cr_assert_geq(fd, 0);
	close(fd);
	return fd;
}

Test(config, refused_files_leave_nothing_behind)
{
	/* A server that is never restarted reads many broken configurations in its life. */
	static const char *const broken[] = { "view \"a\" {\n nonsense\n}\n", "view \"a", "view 'a", "/* a", "view \"a\" {",
					      "\"${HOME" };
	struct complaints c;
	int before = lowest_free();
	for (unsigned round = 0; round < 12; round++) {
		for (size_t i = 0; i < COUNT(broken); i++) {
			write_file("included.conf", broken[i]);
			cr_assert_null(load("include(\"included.conf\")\n", &c), "%s", broken[i]);
			cr_assert_eq(lowest_free(), before, "%s", broken[i]);
			cr_assert_null(load(broken[i], &c), "%s", broken[i]);
			cr_assert_eq(lowest_free(), before, "%s", broken[i]);
		}
	}
	write_file("included.conf", RESOLVER(""));
	struct config *config = load("include(\"included.conf\")\n" VIEW(""), &c);
	cr_assert_not_null(config, "%s", c.text);
	config_free(config);
}

Test(config, comment_without_end_is_told_where_it_begins)
{
	struct complaints c;
	cr_assert_null(load(VIEW("") "# 5\n /* hides all\n that follows\n", &c));
	cr_expect_str_eq(c.text, "test.conf:6: comment without end\n");
}

Test(config, comments_end_where_they_should)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "/*/ nonsense */ " VIEW(""), true },
		{ "/**/ " VIEW(""), true },
		{ "/***/ " VIEW(""), true },
		{ "/* * / ** // # */ " VIEW(""), true },
		{ "// /*\n" VIEW(""), true },
		{ "# \"\n" VIEW(""), true },
		{ VIEW("") "/*", false },
		{ VIEW("") "/*/", false },
		{ VIEW("") "/* *", false },
		{ VIEW("") "/", false },
		{ "/*/ */ nonsense */ " VIEW(""), false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct complaints c;
		struct config *config = load(cases[i].text, &c);
		cr_expect_eq(config != NULL, cases[i].good, "%s: %s", cases[i].text, c.text);
		config_free(config);
	}
}

Test(config, open_resolver_can_be_asked_for)
{
	struct complaints c;
	struct config *config = load("resolver {\n listen = { \"8.8.8.8\" }\n allow-query = { \"any4\" }\n open = true\n}\n",
				     &c);
	cr_assert_not_null(config, "%s", c.text);
	config_free(config);
}

Test(config, the_monitor_is_off_and_then_on_loopback)
{
	struct complaints c;
	struct config *config = load(VIEW(""), &c);
	cr_assert_not_null(config, "%s", c.text);
	cr_assert_not(config->monitor.present);
	config_free(config);

	config = load(VIEW("") "monitor { }\n", &c);
	cr_assert_not_null(config, "%s", c.text);
	const struct config_monitor *m = &config->monitor;
	cr_assert(m->present && m->zones && m->listen.count == 1 && m->host_count == 0);
	cr_assert(addr_is_loopback(&m->listen.addrs[0]) && m->listen.addrs[0].port == CONFIG_MONITOR_PORT);
	struct addr near, far;
	cr_assert(addr_parse("127.0.0.9", 0, &near) == BH_OK && addr_parse("10.0.0.1", 0, &far) == BH_OK);
	cr_assert(acl_match(&m->allow, &near) && !acl_match(&m->allow, &far));
	cr_assert(dname_is_root(m->probe.name));
	config_free(config);

	config = load(VIEW("") "monitor { listen = { \"10.0.0.1\", \"fd00::1@80\" } allow = { \"10.0.0.0/8\" } "
			       "names = { \"GW.Example.NET.\", \"fd00::2\" } zones = false probe = \"example.com\" }\n",
		      &c);
	cr_assert_not_null(config, "%s", c.text);
	m = &config->monitor;
	cr_assert(m->listen.count == 2 && m->listen.addrs[0].port == CONFIG_MONITOR_PORT && m->listen.addrs[1].port == 80);
	cr_assert(!m->zones && acl_match(&m->allow, &far) && !acl_match(&m->allow, &near));
	cr_assert_eq(m->host_count, 2);
	cr_assert_str_eq(m->hosts[0].name, "gw.example.net");
	cr_assert_str_eq(m->hosts[1].name, "fd00::2");
	cr_assert_arr_eq(m->probe.name, "\7example\3com", 13);
	config_free(config);
}

Test(config, same_address_on_other_devices_is_no_clash)
{
	struct complaints c;
	/* Only lo is sure to exist, so the reverse is shown: the same device clashes. */
	cr_assert_null(load(VIEW("interfaces = { \"lo\" }\n")
			    "view \"w\" {\n listen = { \"127.0.0.1@53\" }\n interfaces = { \"lo\" }\n zones-dir = \"zones\"\n}\n",
			    &c));
	cr_expect_not_null(strstr(c.text, "also used by view 'v'"));
}
