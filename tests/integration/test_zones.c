/*
 * Zones that do not compile at start: the others serve, the broken one says so to everybody who asks - in
 * DNS (SERVFAIL with EDE 14), in status, in the log with file and line, and in exit statuses.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "$ORIGIN bad.example.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"

static struct appliance appliance;

static void prepare(void)
{
	static char conf[4096];
	standard_prepare(&appliance, 60);
	snprintf(conf, sizeof(conf), "%s%s", CONF_HERE,
		 "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		 "  zone \"corp.example\" { file = \"corp.example.zone\" }\n"
		 "  zone \"bad.example\" { file = \"bad.example.zone\" }\n}\n");
	appliance_configure(&appliance, conf);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(zones, .init = prepare, .fini = stop);

static void must_serve_the_good_zone(void)
{
	static const struct expectation good = { INTERNAL, "intranet.corp.example", RR_A, "NOERROR aa rd",
						 "intranet.corp.example. A 10.1.2.3", EDE_NONE };
	client_expect(&good);
}

static void must_fail_the_bad_zone(void)
{
	static const struct expectation table[] = {
		{ INTERNAL, "bad.example", RR_SOA, NULL, "", EDE_NOT_READY },
		{ INTERNAL, "www.bad.example", RR_A, NULL, "", EDE_NOT_READY },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		client_expect(&table[i]);
		struct ask ask = { .server = INTERNAL, .name = table[i].name, .type = table[i].type };
		const struct reply *reply = client_ask(&ask);
		MUST(reply->received && reply->message.rcode == RCODE_SERVFAIL, "%s: SERVFAIL expected, got %u",
		     table[i].name, reply->message.rcode);
		MUST((reply->message.flags & FLAG_AA) == 0, "AA in a SERVFAIL reply");
	}
}

/* The row of a zone in status. */
static const struct ctl_row *zone_row(const struct ctl_answer *answer, const char *zone)
{
	unsigned from = 0;
	const struct ctl_row *row;
	while ((row = answer_next(answer, "zone", &from)) != NULL) {
		if (strstr(row_text(row, "zone"), zone) != NULL || strstr(row_text(row, "name"), zone) != NULL) {
			return row;
		}
	}
	return NULL;
}

/* Texts that are wrong, and where and how it is told. */
static const struct bad_zone {
	const char *what;
	const char *text;
	const char *told; /* part of a line of output */
} bad_zones[] = {
	{ "an address that is none", HEAD "www A 10.1.2.999\n", "bad.example.zone:6" },
	{ "an unknown type", HEAD "www NOSUCHTYPE 1\n", "bad.example.zone:6" },
	{ "no SOA", "$ORIGIN bad.example.\n$TTL 300\n@ NS ns\nns A 10.1.0.53\n", "SOA" },
	{ "no NS", "$ORIGIN bad.example.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n", "NS" },
	{ "a CNAME with other data", HEAD "www A 10.1.2.9\nwww CNAME ns\n", "CNAME" },
	{ "data out of the zone", HEAD "www.other.example. A 10.1.2.9\n", "bad.example.zone:6" },
	{ "nothing at all", "", "SOA" },
	{ "an include of a file outside, by an absolute path", HEAD "$INCLUDE @DIR@/outside.inc\n", "bad.example.zone:6" },
	{ "an include of a file outside, by ..", HEAD "$INCLUDE ../outside.inc\n", "bad.example.zone:6" },
	{ "an include of a file that is not there", HEAD "$INCLUDE missing.inc\n", "bad.example.zone:6" },
	{ "an include of itself", HEAD "$INCLUDE bad.example.zone\n", "bad.example.zone" },
};

Test(zones, every_fault_is_told_with_its_place_and_the_others_serve, .timeout = 120)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	harness_limit(110);
	appliance_file(&appliance, "outside.inc", "leak A 10.1.66.66\n");
	for (size_t i = 0; i < COUNT(bad_zones); i++) {
		const struct bad_zone *bad = &bad_zones[i];
		appliance_file(&appliance, "internal/bad.example.zone", bad->text);
		int status = appliance_try(&appliance, "-t", output);
		MUST(status == 1, "%s: -t ended with status %d: %s", bad->what, status, output);
		MUST(strstr(output, bad->told) != NULL && strstr(output, "bad.example") != NULL,
		     "%s: -t does not tell \"%s\": %s", bad->what, bad->told, output);
	}
}

Test(zones, a_zone_that_fails_at_start_answers_servfail_and_the_others_serve)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	appliance_file(&appliance, "internal/bad.example.zone", bad_zones[0].text);
	appliance_start(&appliance);
	must_serve_the_good_zone();
	must_fail_the_bad_zone();
	MUST(appliance_logged(&appliance, "bad.example.zone:6"), "the log does not name file and line");

	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	const struct ctl_row *bad = zone_row(answer, "bad.example");
	const struct ctl_row *good = zone_row(answer, "corp.example");
	MUST(bad != NULL && good != NULL, "status does not show the zones");
	MUST(strcmp(row_text(bad, "state"), row_text(good, "state")) != 0, "status says \"%s\" of both zones",
	     row_text(bad, "state"));
	MUST(answer->done.status != 0, "status reports that all is well");
	MUST(appliance_bulkheadctl(&appliance, "status", output) != 0, "bulkheadctl status exits with 0: %s", output);
	MUST(strstr(output, "bad.example") != NULL, "bulkheadctl status does not show the zone: %s", output);
	int status = appliance_check(&appliance, output);
	MUST(status == 2, "bulkheadctl check exits with %d: %s", status, output);
	MUST(strstr(output, "bad.example.zone:6") != NULL, "bulkheadctl check does not tell the place: %s", output);

	/* repaired, and broken again: the good one stays */
	appliance_file(&appliance, "internal/bad.example.zone", HEAD "www A 10.1.2.9\n");
	appliance_reload(&appliance);
	struct ask ask = { .server = INTERNAL, .name = "www.bad.example" };
	client_expect_ask(&ask, "NOERROR aa", "www.bad.example. A 10.1.2.9", EDE_NONE);
	MUST(appliance_control(&appliance, "status")->done.status == 0, "status still reports a fault");
	MUST(appliance_check(&appliance, output) == 0, "bulkheadctl check: %s", output);
}

/* The resolver's address too: a broken internal zone is not looked up outside. */
Test(zones, a_broken_internal_zone_is_not_asked_of_the_public)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 standard_resolver);
	appliance_configure(&appliance, conf);
	appliance_file(&appliance, "internal/corp.example.zone", "broken\n");
	appliance_start(&appliance);
	struct ask ask = { .server = RESOLVER, .name = "intranet.corp.example", .flags = FLAG_RD, .edns = true };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && reply->message.rcode == RCODE_SERVFAIL, "SERVFAIL expected, got %u",
	     reply->message.rcode);
}

/* Files that must not be read: the walls of the compiler, seen from outside. */
static void must_not_load(const char *what)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	int status = appliance_try(&appliance, "-t", output);
	MUST(status == 1, "%s: -t ended with status %d: %s", what, status, output);
	MUST(strstr(output, "bad.example.zone") != NULL, "%s: -t does not name the file: %s", what, output);
	appliance_start(&appliance);
	must_serve_the_good_zone();
	must_fail_the_bad_zone();
	appliance_stop(&appliance);
}

Test(zones, a_symlink_out_of_the_directory_is_not_followed)
{
	char path[256];
	appliance_file(&appliance, "outside.zone", HEAD "www A 10.1.2.9\n");
	snprintf(path, sizeof(path), "%s/internal/bad.example.zone", appliance.dir);
	char target[256];
	snprintf(target, sizeof(target), "%s/outside.zone", appliance.dir);
	MUST(symlink(target, path) == 0, "symlink: %s", strerror(errno));
	must_not_load("an absolute symlink");
	unlink(path);
	MUST(symlink("../outside.zone", path) == 0, "symlink: %s", strerror(errno));
	must_not_load("a relative symlink");
}

Test(zones, a_symlink_inside_the_directory_is_followed)
{
	char path[256];
	appliance_file(&appliance, "internal/current/zone", HEAD "www A 10.1.2.9\n");
	snprintf(path, sizeof(path), "%s/internal/bad.example.zone", appliance.dir);
	MUST(symlink("current/zone", path) == 0, "symlink: %s", strerror(errno));
	appliance_start(&appliance);
	struct ask ask = { .server = INTERNAL, .name = "www.bad.example" };
	client_expect_ask(&ask, "NOERROR aa", "www.bad.example. A 10.1.2.9", EDE_NONE);
}

Test(zones, an_include_inside_the_directory_is_read)
{
	appliance_file(&appliance, "internal/parts/more.inc", "www A 10.1.2.9\n");
	appliance_file(&appliance, "internal/bad.example.zone", HEAD "$INCLUDE parts/more.inc\n");
	appliance_start(&appliance);
	struct ask ask = { .server = INTERNAL, .name = "www.bad.example" };
	client_expect_ask(&ask, "NOERROR aa", "www.bad.example. A 10.1.2.9", EDE_NONE);
}

/* The compiler is not root: what its user may not read stays unread. */
Test(zones, an_unreadable_file_is_told)
{
	char path[256];
	appliance_file(&appliance, "internal/bad.example.zone", HEAD "www A 10.1.2.9\n");
	snprintf(path, sizeof(path), "%s/internal/bad.example.zone", appliance.dir);
	MUST(chmod(path, 0600) == 0, "chmod: %s", strerror(errno));
	must_not_load("a file of mode 0600");
}

Test(zones, odd_files_do_not_block)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/internal/bad.example.zone", appliance.dir);
	MUST(mkfifo(path, 0644) == 0, "mkfifo: %s", strerror(errno));
	must_not_load("a FIFO");
	unlink(path);
	MUST(mkdir(path, 0755) == 0, "mkdir: %s", strerror(errno));
	must_not_load("a directory");
}
