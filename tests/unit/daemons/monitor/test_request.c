/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/monitor/request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct role_listener listeners[3];
static struct ipc_host hosts[] = { { "gw.example.net" }, { "fd00::2" } };
static struct role_conf conf = { .listeners = listeners, .listener_count = 3, .hosts = hosts, .host_count = 2 };

static void listen_on(const char *a, const char *b, const char *c)
{
	const char *const texts[] = { a, b, c };
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(addr_parse(texts[i], 9953, &listeners[i].info.addr), BH_OK);
	}
}

static struct request_answer ask(const char *uri, const char *host, const char *accept)
{
	struct request r = { .reads = true, .uri = uri, .host = host, .accept = accept, .hosts = host != NULL, .version = 11 };
	listen_on("127.0.0.1", "10.0.0.53", "fd00::53");
	return request_judge(&r, &conf);
}

Test(request, paths)
{
	static const struct {
		const char *uri;
		unsigned status;
		enum request_target target;
		const char *part;
	} table[] = {
		{ "/", 200, TARGET_PAGE, "" },
		{ "/?a=b", 200, TARGET_PAGE, "" },
		{ "/#x", 200, TARGET_PAGE, "" },
		{ "/metrics", 200, TARGET_METRICS, "" },
		{ "/metrics?collect[]=x", 200, TARGET_METRICS, "" },
		{ "/healthz", 200, TARGET_HEALTH, "" },
		{ "/healthz/external", 200, TARGET_HEALTH, "external" },
		{ "/healthz/resolver", 200, TARGET_HEALTH, "resolver" },
		{ "/status.json", 200, TARGET_STATUS, "" },
		{ "/status.js", 200, TARGET_SCRIPT, "" },
		{ "/status.css", 200, TARGET_STYLE, "" },
		{ "/icon.svg", 200, TARGET_ICON, "" },
		{ "http://10.0.0.53:9953/metrics", 200, TARGET_METRICS, "" },
		{ "HTTP://10.0.0.53", 200, TARGET_PAGE, "" },
		{ "http://evil.example/metrics", 421, TARGET_NONE, "" },
		{ "http:///metrics", 421, TARGET_NONE, "" },
		{ "", 400, TARGET_NONE, "" },
		{ "*", 400, TARGET_NONE, "" },
		{ "metrics", 400, TARGET_NONE, "" },
		{ "https://10.0.0.53/", 400, TARGET_NONE, "" },
		{ "//metrics", 404, TARGET_NONE, "" },
		{ "/metrics/", 404, TARGET_NONE, "" },
		{ "/Metrics", 404, TARGET_NONE, "" },
		{ "/%6detrics", 404, TARGET_NONE, "" },
		{ "/../etc/passwd", 404, TARGET_NONE, "" },
		{ "/..%2f..%2fetc%2fpasswd", 404, TARGET_NONE, "" },
		{ "/healthz/", 404, TARGET_NONE, "" },
		{ "/healthz/../metrics", 404, TARGET_NONE, "" },
		{ "/healthz/A", 404, TARGET_NONE, "" },
		{ "/healthz/<b>", 404, TARGET_NONE, "" },
		{ "/healthz/0123456789012345678901234567890", 200, TARGET_HEALTH, "0123456789012345678901234567890" },
		{ "/healthz/01234567890123456789012345678901", 404, TARGET_NONE, "" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct request_answer a = ask(table[i].uri, "10.0.0.53", NULL);
		cr_expect(a.status == table[i].status && a.target == table[i].target, "%s: %u %d", table[i].uri, a.status,
			  (int)a.target);
		cr_expect_str_eq(a.part, table[i].part, "%s", table[i].uri);
	}
}

/* A name that somebody else made point here is not ours. */
Test(request, hosts)
{
	static const struct {
		const char *host;
		unsigned status;
	} table[] = {
		{ "127.0.0.1", 200 },	   { "127.0.0.1:9953", 200 }, { "127.0.0.1:80", 200 },	{ "10.0.0.53", 200 },
		{ "[fd00::53]", 200 },	   { "[FD00::53]:9953", 200 }, { "localhost", 200 },	{ "LocalHost:1", 200 },
		{ "gw.example.net", 200 }, { "GW.example.net.", 200 }, { "gw.example.net:9953", 200 }, { "[fd00::2]", 200 },
		{ "10.0.0.54", 421 },	   { "evil.example", 421 },    { "evil.example:9953", 421 },
		{ "localhost.evil.example", 421 }, { "127.0.0.1.evil.example", 421 }, { "gw.example.net.evil.example", 421 },
		{ "xgw.example.net", 421 }, { "", 421 },	       { ":80", 421 },		{ "[fd00::53", 421 },
		{ "[fd00::53]x", 421 },	   { "10.0.0.53:x", 421 },     { "10.0.0.53:80:80", 421 }, { "10.0.0.53@9953", 421 },
		{ "0x7f000001", 421 },	   { "127.1", 421 },	       { "2130706433", 421 },	{ "[::ffff:10.0.0.54]", 421 },
		{ ".", 421 },		   { "[]", 421 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct request_answer a = ask("/", table[i].host, NULL);
		cr_expect_eq(a.status, table[i].status, "%s: %u", table[i].host, a.status);
	}
	static char longest[400];
	memset(longest, 'a', sizeof(longest) - 1);
	cr_expect_eq(ask("/", longest, NULL).status, 421u);

	/* without Host: HTTP/1.0 alone; with two: nobody */
	struct request r = { .reads = true, .uri = "/", .version = 10 };
	cr_expect_eq(request_judge(&r, &conf).status, 200u);
	r.version = 11;
	cr_expect_eq(request_judge(&r, &conf).status, 400u);
	r = (struct request){ .reads = true, .uri = "/", .host = "10.0.0.53", .hosts = 2, .version = 11 };
	cr_expect_eq(request_judge(&r, &conf).status, 400u);

	/* on all addresses any address will do, but no name */
	listen_on("0.0.0.0", "0.0.0.0@1", "0.0.0.0@2");
	r = (struct request){ .reads = true, .uri = "/", .host = "192.0.2.9", .hosts = 1, .version = 11 };
	cr_expect_eq(request_judge(&r, &conf).status, 200u);
	r.host = "[2001:db8::1]";
	cr_expect_eq(request_judge(&r, &conf).status, 421u);
	r.host = "evil.example";
	cr_expect_eq(request_judge(&r, &conf).status, 421u);
	/* localhost where loopback is */
	listen_on("10.0.0.1", "10.0.0.2", "10.0.0.3");
	r.host = "localhost";
	cr_expect_eq(request_judge(&r, &conf).status, 421u);
}

Test(request, methods)
{
	struct request r = { .reads = false, .uri = "/", .host = "10.0.0.53", .hosts = 1, .version = 11 };
	listen_on("127.0.0.1", "10.0.0.53", "fd00::53");
	cr_expect_eq(request_judge(&r, &conf).status, 405u);
	r.uri = "/nothing";
	cr_expect_eq(request_judge(&r, &conf).status, 404u);
	r.uri = NULL;
	cr_expect_eq(request_judge(&r, &conf).status, 400u);
}

Test(request, formats)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} table[] = {
		{ NULL, METRICS_PROMETHEUS },
		{ "", METRICS_PROMETHEUS },
		{ "*/*", METRICS_PROMETHEUS },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", METRICS_PROMETHEUS },
		{ "application/openmetrics-text", METRICS_OPEN },
		{ "application/openmetrics-text; version=1.0.0", METRICS_OPEN },
		{ "application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.5,"
		  "text/plain;version=0.0.4;q=0.25,*/*;q=0.1",
		  METRICS_OPEN },
		{ "text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.1", METRICS_PROMETHEUS },
		{ "Application/OpenMetrics-Text;q=0", METRICS_PROMETHEUS },
		{ "application/openmetrics-textual", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.001", METRICS_OPEN },
		{ ",,,;q=;, application/openmetrics-text ;q=.5", METRICS_OPEN },
		{ "application/openmetrics-text;q=99999999999999999999", METRICS_OPEN },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		cr_expect_eq(ask("/metrics", "10.0.0.53", table[i].accept).format, table[i].format, "%s", table[i].accept);
	}
}
