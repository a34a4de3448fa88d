/*
 * The monitor of a whole appliance: metrics that rise, health that falls and comes back, and HTTP as the unfriendly
 * speak it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/http.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* health.h states the bounds of the verdict; besides, the polls of this test. */
#define HANG_MS 5000
#define SLACK_MS 1500

static struct appliance appliance;

static int health(const char *path)
{
	return http_get(MONITOR, INSIDE, path)->status;
}

/* Milliseconds until /healthz answers so; -1: not within limit_ms. */
static int until_health(const char *path, int status, unsigned limit_ms)
{
	uint64_t begin_ms = clock_now_ms();
	while (clock_now_ms() - begin_ms < limit_ms * harness_slow()) {
		if (health(path) == status) {
			return (int)(clock_now_ms() - begin_ms);
		}
		harness_sleep_ms(50);
	}
	return -1;
}

static void start(void)
{
	standard_prepare(&appliance, 110);
	standard_add_monitor(&appliance);
	appliance_start(&appliance);
	int took = until_health("/healthz", 200, 15000);
	MUST(took >= 0, "not healthy after the start: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(monitor, .init = start, .fini = stop, .timeout = 120);

static double metric(const char *sample)
{
	return http_metric(http_get(MONITOR, INSIDE, "/metrics"), sample);
}

#define UDP_EXTERNAL "bulkhead_authority_queries_total{view=\"external\",transport=\"udp\",worker=\"0\"}"
#define LINK_INTERNAL "bulkhead_authority_queries_total{view=\"internal\",transport=\"link\",worker=\"0\"}"

/* What is asked is counted; what roles ask themselves is not. */
Test(monitor, metrics_rise_with_queries_and_not_by_themselves)
{
	double before = metric(UDP_EXTERNAL);
	double link = metric(LINK_INTERNAL);
	double zone = metric("bulkhead_zone_queries_total{view=\"external\",zone=\"example.com.\"}");
	double questions = metric("bulkhead_resolver_questions_total{worker=\"0\"}");
	MUST(before >= 0 && link >= 0 && zone >= 0 && questions >= 0, "metrics are missing: %.2000s",
	     http_get(MONITOR, INSIDE, "/metrics")->body);
	harness_sleep_ms(2500); /* rounds of probes */
	MUST(metric(UDP_EXTERNAL) == before && metric(LINK_INTERNAL) == link, "probes were counted");
	MUST(metric("bulkhead_resolver_questions_total{worker=\"0\"}") == questions, "the resolver's own questions were counted");
	for (int i = 0; i < 7; i++) {
		struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "www.example.com" };
		MUST(client_ask(&ask)->received, "no reply");
	}
	struct ask ask = { .server = RESOLVER, .source = INSIDE, .name = "intranet.corp.example", .flags = FLAG_RD };
	MUST(client_ask(&ask)->received, "no reply");
	harness_sleep_ms(1100); /* what was rendered is kept for a second */
	MUST(metric(UDP_EXTERNAL) == before + 7, "%f, not %f + 7", metric(UDP_EXTERNAL), before);
	MUST(metric(LINK_INTERNAL) == link + 1, "%f, not %f + 1", metric(LINK_INTERNAL), link);
	MUST(metric("bulkhead_zone_queries_total{view=\"external\",zone=\"example.com.\"}") == zone + 7, "of the zone");
	MUST(metric("bulkhead_zone_serial{view=\"internal\",zone=\"corp.example.\"}") == 1, "serial");
	MUST(metric("bulkhead_generation") == 1, "generation");
	MUST(metric("bulkhead_healthy") == 1, "healthy");
	MUST(metric("bulkhead_role_confined{role=\"resolver\",worker=\"0\"}") == 1, "confined");
	MUST(metric("bulkhead_role_resident_memory_bytes{role=\"authority\",view=\"external\",worker=\"0\"}") > 1e6, "memory");

	/* as `stats` has it */
	uint64_t stats = appliance_counter(&appliance, "authority", "external", "udp_queries");
	MUST((double)stats == metric(UDP_EXTERNAL), "stats says %llu", (unsigned long long)stats);
}

Test(monitor, formats_and_headers)
{
	static const char *const headers[] = { "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
					       "Content-Security-Policy: default-src 'none'", "frame-ancestors 'none'",
					       "Cache-Control: no-store" };
	static const char *const paths[] = { "/", "/metrics", "/healthz", "/status.json", "/status.css", "/status.js",
					     "/icon.svg", "/nothing" };
	for (size_t i = 0; i < COUNT(paths); i++) {
		const struct http_reply *r = http_get(MONITOR, INSIDE, paths[i]);
		MUST(r->status == (strcmp(paths[i], "/nothing") == 0 ? 404 : 200), "%s: %d", paths[i], r->status);
		for (size_t k = 0; k < COUNT(headers); k++) {
			MUST(strstr(r->head, headers[k]) != NULL, "%s without %s", paths[i], headers[k]);
		}
	}
	const struct http_reply *r = http_ask(MONITOR, INSIDE, "GET", "/metrics", "10.1.0.55",
					      "Accept: application/openmetrics-text; version=1.0.0\r\n");
	MUST(strstr(r->head, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n") != NULL, "%.1000s",
	     r->head);
	MUST(strcmp(r->text + r->len - 6, "# EOF\n") == 0, "no end");
	r = http_ask(MONITOR, INSIDE, "HEAD", "/", "10.1.0.55", "");
	MUST(r->status == 200 && r->body[0] == '\0', "HEAD has a body: %.100s", r->body);
	MUST(strstr(r->head, "Content-Length: ") != NULL && strstr(r->head, "Content-Length: 0") == NULL, "%s", r->head);
}

/* Each role in turn is stopped: within the stated bound somebody says so, and takes it back when it goes on. */
static void must_notice_stop(const char *role, const char *view, const char *part)
{
	struct role_process process = appliance_role(&appliance, role, view, 0);
	MUST(kill(process.pid, SIGSTOP) == 0, "%s", strerror(errno));
	int took = until_health("/healthz", 503, HANG_MS + SLACK_MS);
	MUST(took >= 0, "%s[%s] is stopped, and nobody notices", role, view);
	MUST(health(part) == 503, "%s is fine without %s", part, role);
	took = until_health(part, 503, HANG_MS);
	MUST(strstr(http_get(MONITOR, INSIDE, "/healthz")->body, role) != NULL, "not told: %s",
	     http_get(MONITOR, INSIDE, "/healthz")->body);
	MUST(kill(process.pid, SIGCONT) == 0, "%s", strerror(errno));
	MUST(until_health("/healthz", 200, 20000) >= 0, "not healthy again: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
}

Test(monitor, a_role_that_hangs_is_noticed)
{
	must_notice_stop("authority", "external", "/healthz/external");
	must_notice_stop("frontend", "", "/healthz/resolver");
	must_notice_stop("resolver", "", "/healthz/resolver");
}

/* It ends at each start: it cannot come back. The other parts are well. */
Test(monitor, a_role_that_is_dead_is_noticed)
{
	appliance_stop(&appliance);
	appliance_programs(&appliance, NULL, NULL);
	appliance_start(&appliance);
	MUST(until_health("/healthz", 200, 15000) >= 0, "not healthy");

	appliance_programs(&appliance, "authority", "exit");
	struct role_process process = appliance_role(&appliance, "authority", "world", 0);
	MUST(kill(process.pid, SIGKILL) == 0, "%s", strerror(errno));
	int took = until_health("/healthz/world", 503, HANG_MS + SLACK_MS);
	MUST(took >= 0, "a dead role is not noticed");
	MUST(strstr(http_get(MONITOR, INSIDE, "/healthz/world")->body, "authority[world]/0: ") != NULL, "not told");
	MUST(health("/healthz/external") == 200 && health("/healthz/internal") == 200, "the other views fail with it");
	MUST(health("/healthz") == 503, "all is not well");
	appliance_programs(&appliance, NULL, NULL);
	MUST(until_health("/healthz", 200, 30000) >= 0, "not healthy again: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
	harness_sleep_ms(1100);
	MUST(metric("bulkhead_role_restarts_total{role=\"authority\",view=\"world\",worker=\"0\"}") >= 1, "restarts");
}

/* A zone whose text does not compile, and then does. */
Test(monitor, a_zone_that_does_not_answer_is_named)
{
	appliance_stop(&appliance);
	char *argv[] = { "rm", "-rf", NULL, NULL };
	char state[128];
	snprintf(state, sizeof(state), "%s/state", appliance.dir);
	argv[2] = state;
	MUST(harness_run(argv, NULL, 10000) == 0, "rm");
	appliance_file(&appliance, "external/example.com.zone", "broken\n");
	appliance_launch(&appliance);
	MUST(appliance_wait_ready(&appliance, 20000), "not started");
	MUST(until_health("/healthz/internal", 200, 10000) >= 0, "the internal view is well");
	const struct http_reply *r = http_get(MONITOR, INSIDE, "/healthz/external");
	MUST(r->status == 503 && strstr(r->body, "view external: zone example.com. does not answer\n") != NULL, "%d %s", r->status,
	     r->body);
	harness_sleep_ms(1100);
	MUST(metric("bulkhead_zone_up{view=\"external\",zone=\"example.com.\"}") == 0, "metric");
	appliance_file(&appliance, "external/example.com.zone", standard_external_zone);
	appliance_reload(&appliance);
	MUST(until_health("/healthz", 200, 10000) >= 0, "not healthy again");
	MUST(health("/healthz/nowhere") == 404, "there is no such view");
}

/* --- the unfriendly ---------------------------------------------------------------------------------- */

static pid_t monitor_pid(void)
{
	return appliance_role(&appliance, "monitor", "", 0).pid;
}

Test(monitor, bad_requests_are_refused)
{
	static char large[70000];
	pid_t pid = monitor_pid();
	memset(large, 'a', sizeof(large) - 1);
	static const struct {
		const char *method, *path, *host;
		int status;
	} table[] = {
		{ "POST", "/", "10.1.0.55", 405 },	  { "PUT", "/metrics", "10.1.0.55", 405 },
		{ "DELETE", "/", "10.1.0.55", 405 },	  { "OPTIONS", "/", "10.1.0.55", 405 },
		{ "TRACE", "/", "10.1.0.55", 405 },	  { "PATCH", "/", "10.1.0.55", 405 },
		{ "GET", "/", "evil.example", 421 },	  { "GET", "/metrics", "evil.example:9953", 421 },
		{ "GET", "/healthz", "10.1.0.56", 421 },  { "GET", "/", "gw.corp.example:9953", 200 },
		{ "GET", "/../../etc/passwd", "10.1.0.55", 404 }, { "GET", "/%2e%2e/etc/passwd", "10.1.0.55", 404 },
		{ "GET", "http://evil.example/", "10.1.0.55", 421 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct http_reply *r = http_ask(MONITOR, INSIDE, table[i].method, table[i].path, table[i].host, "");
		MUST(r->status == table[i].status, "%s %s at %s: %d", table[i].method, table[i].path, table[i].host, r->status);
		MUST(r->status != 405 || strstr(r->head, "Allow: GET, HEAD\r\n") != NULL, "405 without Allow");
		MUST(strstr(r->body, "root:") == NULL, "a file");
	}
	/* octets that are no request, too much of one, and bodies */
	static const char *const raw[] = {
		"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "BREW / HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: 10.1.0.55\r\nHost: 10.1.0.55\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: 10.1.0.55\r\nContent-Length: 99999999999\r\n\r\nx",
		"POST / HTTP/1.1\r\nHost: 10.1.0.55\r\nContent-Length: -1\r\n\r\nx",
		"POST / HTTP/1.1\r\nHost: 10.1.0.55\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"GET \x01\xff HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT(raw); i++) {
		const struct http_reply *r = http_send(MONITOR, INSIDE, raw[i], strlen(raw[i]), 20000 * harness_slow());
		MUST(r->status != 200, "%zu: %d for %s", i, r->status, raw[i]);
	}
	memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
	const struct http_reply *r = http_send(MONITOR, INSIDE, large, sizeof(large) - 1, 20000 * harness_slow());
	MUST(r->status != 200, "70 KB of header: %d", r->status);
	memcpy(large, "GET /aaaaaaaaaaaaaa", 19);
	r = http_send(MONITOR, INSIDE, large, sizeof(large) - 1, 20000 * harness_slow());
	MUST(r->status != 200, "70 KB of path: %d", r->status);

	/* many requests at once: one is answered, and then the connection ends */
	static char many[8000];
	many[0] = '\0';
	for (int i = 0; i < 100; i++) {
		strcat(many, "GET /healthz HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n");
	}
	r = http_send(MONITOR, INSIDE, many, strlen(many), 20000 * harness_slow());
	unsigned answers = 0;
	for (const char *p = r->text; (p = strstr(p, "HTTP/1.1 ")) != NULL; p++) {
		answers++;
	}
	MUST(answers <= 1, "%u answers on one connection", answers);
	MUST(health("/healthz") == 200 && monitor_pid() == pid, "the monitor is another process");
}

/* Who may not ask is gone before a request is read. */
Test(monitor, strangers_get_nothing)
{
	int fd = client_tcp_try(MONITOR, OUTSIDE, 2000);
	MUST(fd >= 0, "not even a connection");
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char byte;
	MUST(poll(&pfd, 1, 3000 * (int)harness_slow()) == 1 && recv(fd, &byte, 1, 0) <= 0, "it may stay without a word");
	close(fd);
	MUST(http_get(MONITOR, OUTSIDE, "/metrics")->status == 0, "a stranger is answered");
	MUST(health("/healthz") == 200, "others are not");
}

static bool is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Connections that say nothing, or an octet now and then, from many addresses: others are answered meanwhile or soon. */
Test(monitor, slow_clients_are_ended)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: 10.1.0.55\r\nX-Slow: ";
	int fds[40];
	pid_t pid = monitor_pid();
	int before = harness_fd_count(pid);
	for (unsigned i = 0; i < COUNT(fds); i++) {
		fds[i] = client_tcp(MONITOR, INSIDE_TWO);
	}
	harness_sleep_ms(500);
	unsigned open_ones = 0;
	for (unsigned i = 0; i < COUNT(fds); i++) {
		open_ones += !is_closed(fds[i]);
	}
	MUST(open_ones <= 16, "%u connections of one address", open_ones);
	MUST(health("/healthz") == 200, "another address is not answered");

	uint64_t begin_ms = clock_now_ms();
	unsigned left = open_ones;
	size_t at = 0;
	while (left > 0 && clock_now_ms() - begin_ms < 30000 * harness_slow()) {
		left = 0;
		for (unsigned i = 0; i < COUNT(fds); i++) {
			if (!is_closed(fds[i])) {
				char octet = at < sizeof(request) - 1 ? request[at] : 'x';
				(void)send(fds[i], &octet, 1, MSG_NOSIGNAL);
				left++;
			}
		}
		at++;
		harness_sleep_ms(200);
	}
	unsigned took = (unsigned)(clock_now_ms() - begin_ms);
	MUST(left == 0, "%u slow connections after %u ms", left, took);
	MUST(took > 10000, "ended by silence, not by time: %u ms", took);
	for (unsigned i = 0; i < COUNT(fds); i++) {
		close(fds[i]);
	}
	for (int i = 0; i < 40 && harness_fd_count(pid) > before; i++) {
		harness_sleep_ms(100);
	}
	MUST(harness_fd_count(pid) <= before, "descriptors stay open: %d, before %d", harness_fd_count(pid), before);
	MUST(monitor_pid() == pid && health("/healthz") == 200, "the monitor did not survive");
}

/* All are there at once, more than there is room for: who may not ask gets nothing, whichever place he has. */
Test(monitor, a_crowd_of_strangers_gets_nothing)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n";
	int fds[100];
	unsigned answered = 0;
	pid_t pid = monitor_pid();
	int before = harness_fd_count(pid);
	MUST(kill(pid, SIGSTOP) == 0, "%s", strerror(errno));
	for (unsigned i = 0; i < COUNT(fds); i++) {
		fds[i] = client_tcp_try(MONITOR, OUTSIDE, 2000);
		if (fds[i] >= 0) {
			(void)send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL);
		}
	}
	MUST(kill(pid, SIGCONT) == 0, "%s", strerror(errno));
	MUST(until_health("/healthz", 200, 10000) >= 0, "others are not answered");
	MUST(harness_fd_count(pid) <= before + 64 + 2, "%d descriptors became %d", before, harness_fd_count(pid));
	for (unsigned i = 0; i < COUNT(fds); i++) {
		char octets[16];
		struct pollfd pfd = { .fd = fds[i], .events = POLLIN };
		answered += fds[i] >= 0 && poll(&pfd, 1, 100) == 1 && recv(fds[i], octets, sizeof(octets), 0) > 0;
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	MUST(answered == 0, "%u strangers were answered", answered);
	MUST(monitor_pid() == pid, "another process");
}

/* More than there is room for wait, and nothing grows. */
Test(monitor, a_crowd_is_served_in_turn)
{
	pid_t pid = monitor_pid();
	(void)http_get(MONITOR, INSIDE, "/metrics");
	int fds = harness_fd_count(pid);
	long kib = harness_private_kib(pid);
	for (int round = 0; round < 300; round++) {
		MUST(http_get(MONITOR, INSIDE, round % 2 == 0 ? "/metrics" : "/")->status == 200, "round %d", round);
	}
	harness_sleep_ms(600);
	MUST(harness_fd_count(pid) <= fds, "%d descriptors became %d", fds, harness_fd_count(pid));
#ifndef BH_SANITIZERS
	MUST(harness_private_kib(pid) <= kib + 2000, "%ld KiB became %ld", kib, harness_private_kib(pid));
#endif
	MUST(monitor_pid() == pid, "another process");
}

/* With `zones = false` no name of a zone gets to the monitor. */
Test(monitor, names_of_zones_can_be_left_out)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 standard_resolver,
		 "monitor {\n  listen = { \"" MONITOR "\" }\n  allow = { \"10.1.0.0/24\" }\n  zones = false\n}\n");
	appliance_configure(&appliance, conf);
	appliance_reload(&appliance);
	static const char *const pages[] = { "/", "/metrics", "/status.json", "/healthz" };
	for (size_t i = 0; i < COUNT(pages); i++) {
		const struct http_reply *r = http_get(MONITOR, INSIDE, pages[i]);
		MUST(r->status == 200 && strstr(r->text, "corp.example") == NULL, "%s: %d", pages[i], r->status);
	}
	/* and without the section there is no monitor */
	snprintf(conf, sizeof(conf), "%s%s%s", CONF_HERE, standard_internal, standard_external);
	appliance_configure(&appliance, conf);
	appliance_reload(&appliance);
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		MUST(strcmp(roles[i].role, "monitor") != 0, "the monitor is still there");
	}
	MUST(client_tcp_try(MONITOR, INSIDE, 1000) < 0, "somebody listens");
}
