/*
 * `bulkheadctl check` of a running appliance: well when it is, and for each thing that can be wrong, that thing is really
 * broken and must be found.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HERE "appliance { workers = 2 run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" log-level = \"debug\" }\n"

static struct appliance appliance;
static char output[APPLIANCE_OUTPUT_MAX];

/* Two workers each. more: of the external view; its rate limit is off. */
static void start_with(const char *more)
{
	static char conf[8192];
	standard_prepare(&appliance, 100);
	snprintf(conf, sizeof(conf),
		 "%s%sview \"external\" {\n  listen = { \"203.0.113.53\" }\n  zones-dir = \"@DIR@/external\"\n"
		 "  rate-limit { mode = \"off\" }\n  zone \"example.com\" { file = \"example.com.zone\" }\n%s}\n%s%s",
		 HERE, standard_internal, more, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(health, .fini = stop);

static int check(const char *options)
{
	char words[300];
	snprintf(words, sizeof(words), "check %s", options);
	return appliance_bulkheadctl(&appliance, words, output);
}

static void expect(int got, int wanted, const char *text)
{
	MUST(got == wanted, "exit status %d, expected %d: %s", got, wanted, output);
	MUST(strstr(output, text) != NULL, "\"%s\" is not said: %s", text, output);
}

#define COM                                                                                                  \
	"$ORIGIN com.\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 2 1800 900 604800 300\n"           \
	"@ NS a.root-servers.net.\n"

/* Another text for com, and nothing of the one before in the caches. */
static void change_com(const char *text)
{
	appliance_file(&appliance, "world/com.zone", text);
	appliance_reload(&appliance);
	MUST(appliance_bulkheadctl(&appliance, "flush all", output) == 0, "flush: %s", output);
}

Test(health, a_well_appliance_is_well)
{
	start_with("");
	expect(check(""), 0, "BULKHEAD OK - all well: zones 8, views 3, listeners 4 | ");
	MUST(strstr(output, " zones=8") != NULL && strstr(output, " zones_served=8") != NULL &&
		     strstr(output, " delegations=4") != NULL && strstr(output, " listeners=4") != NULL,
	     "measures: %s", output);
	MUST(strstr(output, "warning: ") == NULL && strstr(output, "critical: ") == NULL, "%s", output);
	/* From everywhere that is allowed to ask, and as an object. */
	expect(check("--json"), 0, "{\"status\":0,\"text\":\"all well: zones 8");
	MUST(strstr(output, "\"measure\":[{\"name\":\"roles\",\"value\":") != NULL, "%s", output);
	expect(check("--local"), 0, "and parents are not asked");
	MUST(strstr(output, "delegations") == NULL, "%s", output);
}

Test(health, a_worker_that_hangs_is_found)
{
	start_with("");
	struct role_process worker = appliance_role(&appliance, "authority", "external", 1);
	MUST(kill(worker.pid, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
	uint64_t began = clock_now_ms();
	expect(check("-t 8"), 2, "203.0.113.53@53 over UDP does not answer");
	MUST(clock_now_ms() - began < 12000 * harness_slow(), "it took %u ms", (unsigned)(clock_now_ms() - began));
	MUST(strstr(output, "203.0.113.53@53 over TCP does not answer") != NULL, "%s", output);
	MUST(strstr(output, ": a worker hangs") != NULL, "one of two is told apart from both: %s", output);
	kill(worker.pid, SIGCONT);
	expect(check(""), 0, "BULKHEAD OK");
}

Test(health, a_resolver_that_hangs_is_found_in_time)
{
	start_with("");
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(roles[i].role, "frontend") == 0) {
			MUST(kill(roles[i].pid, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
		}
	}
	uint64_t began = clock_now_ms();
	expect(check("-t 4"), 2, "10.1.0.54@53 over UDP does not answer");
	MUST(clock_now_ms() - began < 7000 * harness_slow(), "it took %u ms", (unsigned)(clock_now_ms() - began));
	MUST(strstr(output, "skipped: parent: zones that are not compared with theirs: 1, no resolver answers") != NULL, "%s", output);
	for (unsigned i = 0; i < count; i++) {
		kill(roles[i].pid, SIGCONT);
	}
}

Test(health, a_supervisor_that_hangs_is_not_waited_for)
{
	start_with("");
	MUST(kill(appliance.pid, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
	uint64_t began = clock_now_ms();
	expect(check("-t 2"), 2, "BULKHEAD CRITICAL - 1 critical: appliance: no answer for");
	MUST(clock_now_ms() - began < 5000 * harness_slow(), "it took %u ms", (unsigned)(clock_now_ms() - began));
	kill(appliance.pid, SIGCONT);
	appliance_stop(&appliance);
	expect(check(""), 2, "cannot reach");
}

Test(health, zones_that_are_old_or_not_there)
{
	start_with("");
	appliance_file(&appliance, "internal/corp.example.zone", "this is no zone\n");
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 2, "reload: %s", output);
	expect(check(""), 1, "warning: zone internal corp.example.: is served from old data");
}

/* A process that shares the address and serves another time: what a second daemon that was forgotten does. */
static void serve_old(void *arg)
{
	const unsigned *octets = arg;
	const struct addr at = { .family = ADDR_V4, .port = 53, .bytes = { 203, 0, 113, 53 } };
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&at, &sa);
	int one = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) != 0) {
		_exit(1);
	}
	for (;;) {
		static uint8_t wire[4096];
		static uint8_t reply[4096];
		static struct compose c;
		static const uint8_t soa[] = { 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
		struct query q;
		socklen_t from_len = sizeof(sa);
		ssize_t n = recvfrom(fd, wire, sizeof(wire), 0, (struct sockaddr *)&sa, &from_len);
		if (n < 0 || query_parse(wire, (size_t)n, &q) != QUERY_OK) {
			continue;
		}
		compose_begin(&c, reply, sizeof(reply), 0, q.id, FLAG_QR | FLAG_AA, q.qname, q.qtype, CLASS_IN);
		int rc = compose_rr(&c, SECTION_ANSWER, q.qname, RR_SOA, CLASS_IN, 300, soa, sizeof(soa));
		while (rc == BH_OK && c.pos < *octets) {
			rc = compose_rr(&c, SECTION_ADDITIONAL, q.qname, RR_TXT, CLASS_IN, 300,
					(const uint8_t *)"\x14twenty octets of text", 21);
		}
		size_t size = compose_finish(&c, NULL);
		(void)sendto(fd, reply, size, 0, (struct sockaddr *)&sa, from_len);
	}
}

Test(health, a_served_serial_that_is_not_the_loaded_one)
{
	start_with("");
	unsigned octets = 0;
	pid_t pid = harness_beside(serve_old, &octets);
	harness_sleep_ms(200);
	expect(check(""), 2, "critical: zone external example.com.: 203.0.113.53@53 serves serial 7, loaded is 1");
	MUST(strstr(output, "octets where") == NULL, "%s", output);
	kill(pid, SIGKILL);
	MUST(harness_wait(pid, 2000) == 128 + SIGKILL, "the process that shares the address ended by itself");
	expect(check(""), 0, "BULKHEAD OK");
	/* A reload is no alarm: the serial before and behind it are both right. */
	octets = 1400;
	pid = harness_beside(serve_old, &octets);
	harness_sleep_ms(200);
	expect(check(""), 2, "octets where 1232 are the most");
	kill(pid, SIGKILL);
	MUST(harness_wait(pid, 2000) == 128 + SIGKILL, "the process that shares the address ended by itself");
}

/* The signed zone of the tests with other dates: nobody checks the signatures here, only when they end. */
static void write_signed(const char *expiration)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/data/signed/nsec.zone", BH_SOURCE_DIR);
	char *text = harness_read(path);
	MUST(text != NULL && strlen(expiration) == 14, "%s", path);
	for (char *at = strstr(text, "20840101000000"); at != NULL; at = strstr(at, "20840101000000")) {
		memcpy(at, expiration, 14);
	}
	appliance_file(&appliance, "external/nsec.zone", text);
	free(text);
}

static const char *days_from_now(int days)
{
	static char text[32];
	time_t when = time(NULL) + days * 86400 + 3600;
	struct tm tm;
	strftime(text, sizeof(text), "%Y%m%d%H%M%S", gmtime_r(&when, &tm));
	return text;
}

#define ROOT                                                                                                 \
	"$ORIGIN .\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 2 1800 900 604800 300\n"              \
	"@ NS a.root-servers.net.\na.root-servers.net. A 198.18.0.1\ncom. NS a.root-servers.net.\n"               \
	"org. NS a.root-servers.net.\nnsec. NS ns1.nsec.\nnsec. NS ns2.nsec.\nns1.nsec. A 10.1.0.1\n"              \
	"ns2.nsec. A 10.1.0.1\nns2.nsec. AAAA 2001:db8::2\n"
#define RIGHT_DS "nsec. DS 14485 13 2 EF30052C168436841D3177D0558FBBE81B15DB5F71FFC2348AA6E9A170A51B12\n"
#define WRONG_DS "nsec. DS 14485 13 2 00000000168436841D3177D0558FBBE81B15DB5F71FFC2348AA6E9A170A51B12\n"

/* With the signed zone on both of its servers' addresses, delegated by the root. */
static void start_signed(const char *expiration)
{
	static char conf[8192];
	standard_prepare(&appliance, 100);
	harness_address("10.1.0.1/32");
	write_signed(expiration);
	appliance_file(&appliance, "world/root.zone", ROOT RIGHT_DS);
	snprintf(conf, sizeof(conf),
		 "%s%sview \"external\" {\n  listen = { \"203.0.113.53\", \"10.1.0.1\" }\n  zones-dir = \"@DIR@/external\"\n"
		 "  rate-limit { mode = \"off\" }\n  zone \"example.com\" { file = \"example.com.zone\" }\n"
		 "  zone \"nsec\" { file = \"nsec.zone\" }\n}\n%s%s",
		 HERE, standard_internal, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
}

Test(health, signatures_near_their_end)
{
	static const struct {
		int days;
		const char *options;
		int status;
		const char *text;
	} cases[] = {
		{ 2, "--local", 1, "warning: signature external nsec.: of " },
		{ 0, "--local", 2, "critical: signature external nsec.: of " },
		{ 2, "--local -w 2 -c 1", 0, "BULKHEAD OK" },
		{ 5, "--local -w 7", 1, "ends in 5d 0" },
		{ 5, "--local -w 20 -c 10", 2, "ends in 5d 0" },
		{ -1000, "--local", 2, "ended 999d" },
		{ 300, "--local", 0, " signature_left=" },
	};
	start_signed(days_from_now(300));
	for (size_t i = 0; i < COUNT(cases); i++) {
		write_signed(days_from_now(cases[i].days));
		appliance_reload(&appliance);
		expect(check(cases[i].options), cases[i].status, cases[i].text);
	}
}

Test(health, a_delegation_with_signatures)
{
	static const struct {
		const char *root;
		int status;
		const char *text;
	} cases[] = {
		{ ROOT RIGHT_DS, 0, "BULKHEAD OK" },
		{ ROOT RIGHT_DS WRONG_DS, 1, "warning: parent external nsec.: has a DS with tag 14485 that no key of the zone fits" },
		{ ROOT WRONG_DS, 2, "critical: parent external nsec.: has no DS that fits a key of the zone: it is bogus" },
		{ ROOT, 1, "warning: parent external nsec.: has no DS, and the zone is signed" },
	};
	start_signed(days_from_now(300));
	for (size_t i = 0; i < COUNT(cases); i++) {
		appliance_file(&appliance, "world/root.zone", cases[i].root);
		appliance_reload(&appliance);
		expect(check(""), cases[i].status, cases[i].text);
	}
}

Test(health, a_delegation_that_is_wrong)
{
	static const struct {
		const char *com;
		int status;
		const char *text;
	} cases[] = {
		{ COM "example NS ns.example\nns.example A 203.0.113.53\n", 0, "BULKHEAD OK" },
		/* nobody there: it does not answer, and it is not what the zone says */
		{ COM "example NS ns.example\nns.example A 203.0.113.99\n", 1,
		  "has glue ns.example.com. 203.0.113.99, which the zone does not have" },
		{ COM "example NS ns.example\nns.example A 203.0.113.99\n", 1, "lacks glue ns.example.com. 203.0.113.53" },
		/* somebody else's name server */
		{ COM "example NS ns.example\nns.example A 203.0.113.53\nexample NS a.root-servers.net.\n", 1,
		  "delegates to a.root-servers.net., which the zone does not name" },
		{ COM "example NS ns.example\nns.example A 203.0.113.53\nexample NS a.root-servers.net.\n", 1,
		  "name server 198.18.0.1 is lame: no authority" },
		{ COM "example NS a.root-servers.net.\n", 2, "delegates to none of the name servers of the zone" },
		{ COM, 2, "critical: parent external example.com.: does not delegate it: com." },
		{ COM "example NS ns.example\nns.example A 203.0.113.53\nexample DS 1 13 2 "
		      "EF30052C168436841D3177D0558FBBE81B15DB5F71FFC2348AA6E9A170A51B12\n",
		  2, "has DS, and the zone has no keys: it is bogus" },
	};
	start_with("");
	for (size_t i = 0; i < COUNT(cases); i++) {
		change_com(cases[i].com);
		expect(check(""), cases[i].status, cases[i].text);
	}
}

/* More than 1232 octets: nothing is wrong with it as long as TCP brings it. */
Test(health, large_answers_come_over_tcp)
{
	static char zone[8192];
	size_t at = (size_t)snprintf(zone, sizeof(zone), "%s", standard_external_zone);
	for (int i = 0; i < 20; i++) {
		at += (size_t)snprintf(zone + at, sizeof(zone) - at,
				       "@ TXT \"%02d a text of some length, as services want it to prove whose this domain is: %060d\"\n", i, i);
	}
	standard_prepare(&appliance, 100);
	appliance_file(&appliance, "external/example.com.zone", zone);
	appliance_start(&appliance);
	expect(check("--local"), 0, " truncated=1 ");
}

/* What cannot be looked at is said, and does not alarm. */
Test(health, what_is_skipped_is_told)
{
	static char conf[8192];
	standard_prepare(&appliance, 100);
	snprintf(conf, sizeof(conf),
		 "%sview \"internal\" {\n  listen = { \"10.1.0.53\", \"192.0.2.99\" }\n  allow-query = { \"192.0.2.0/24\" }\n"
		 "  zones-dir = \"@DIR@/internal\"\n  zone \"corp.example\" { file = \"corp.example.zone\" }\n}\n%s",
		 HERE, standard_external);
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
	expect(check(""), 0, "BULKHEAD OK - all well: zones 2, views 2, listeners 3, some of it skipped | ");
	MUST(strstr(output, "skipped: listener internal: 192.0.2.99@53 is no address of this machine at present") != NULL &&
		     strstr(output, "skipped: listener internal: 10.1.0.53@53 refuses this machine (allow-query)") != NULL &&
		     strstr(output, "skipped: resolver: none is configured") != NULL &&
		     strstr(output, "skipped: parent: zones that are not compared with theirs: 1, no resolver answers") != NULL,
	     "%s", output);
}

Test(health, restarts_are_told_once_when_the_check_before_is_known)
{
	char options[200];
	start_with("");
	snprintf(options, sizeof(options), "--local --state %s/last", appliance.dir);
	expect(check(options), 0, "BULKHEAD OK");
	struct role_process worker = appliance_role(&appliance, "authority", "internal", 0);
	MUST(kill(worker.pid, SIGKILL) == 0, "SIGKILL: %s", strerror(errno));
	MUST(appliance_wait_restarted(&appliance, &worker, 10000) >= 0, "it is not started again");
	expect(check("--local"), 1, "authority 0 was restarted ");
	expect(check(options), 1, "1 restarts since the check before");
	expect(check(options), 0, "BULKHEAD OK");
}

Test(health, options_are_checked)
{
	standard_prepare(&appliance, 60);
	expect(check("-t 0"), 3, "--timeout=0: 1 to 600 are possible");
	expect(check("-w x"), 3, "--warning=x: 0 to 3650 are possible");
	expect(check("-c -1"), 3, "--critical=-1: 0 to 3650 are possible");
}
