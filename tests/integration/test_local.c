/*
 * The local wall around a resolver that was taken over (hostile_role.c): from inside its real sandbox it tries to ask
 * this host by every way its filter leaves it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/groups.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct appliance appliance;

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(local, .fini = stop);

struct attempt {
	const char *how;
	const char *to;
	const char *result;
};

static void needs_wall(void)
{
	if (groups_no_local_wall() != NULL) {
		harness_skip("local", groups_no_local_wall());
		cr_skip_test("no local wall here");
	}
}

/* A way to elsewhere: without it every destination that is not here would be refused for want of a route. */
static void make_way_out(void)
{
	static char *const commands[][10] = {
		{ "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", NULL },
		{ "ip", "link", "set", "v0", "up", NULL },
		{ "ip", "link", "set", "v1", "up", NULL },
		{ "ip", "address", "add", "192.0.2.1/24", "dev", "v0", NULL },
		{ "ip", "route", "add", "default", "dev", "v0", NULL },
	};
	for (size_t i = 0; i < COUNT(commands); i++) {
		MUST(harness_run((char *const *)commands[i], NULL, 5000) == 0, "ip, command %zu", i);
	}
}

static void configure(const char *resolver)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 resolver);
	appliance_configure(&appliance, conf);
}

#define RESOLVER_WITH(more)                                                                                   \
	"resolver {\n  listen = { \"10.1.0.54\" }\n  allow-query = { \"10.1.0.0/24\" }\n"                      \
	"  internal-view = \"internal\"\n  root-hints = \"@DIR@/hints\"\n  domain-insecure = { \".\" }\n"        \
	"  cache-size = \"16M\"\n" more "}\n"

/* A hostile resolver that will try these. */
static void prepare(const struct attempt *attempts, size_t count)
{
	static char text[4096];
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s\n", attempts[i].how, attempts[i].to);
	}
	standard_prepare(&appliance, 60);
	make_way_out();
	appliance_programs(&appliance, "resolver", "honest");
	harness_write(appliance.programs, "resolver.targets", text);
}

static bool is_over(void *ctx)
{
	const size_t *from = ctx;
	char *log = harness_read(appliance.log);
	bool over = log != NULL && strlen(log) > *from && strstr(log + *from, " is over") != NULL;
	free(log);
	return over;
}

/* Have it try them all now. */
static void must_end(const char *when, const struct attempt *attempts, size_t count)
{
	const struct ctl_answer *answer;
	char *log = harness_read(appliance.log);
	size_t from = log == NULL ? 0 : strlen(log);
	unsigned wrong = 0;
	free(log);
	MUST(appliance_control_try(&appliance, "flush all", 20000, &answer), "%s: it does not answer", when);
	MUST(harness_until(is_over, &from, 5000), "%s: it does not tell", when);
	log = harness_read(appliance.log);
	for (size_t i = 0; i < count; i++) {
		char line[128];
		snprintf(line, sizeof(line), ": %s %s: %s\n", attempts[i].how, attempts[i].to, attempts[i].result);
		if (strstr(log + from, line) == NULL) {
			fprintf(stderr, "%s: expected%s", when, line);
			wrong++;
		}
	}
	if (wrong > 0) {
		fprintf(stderr, "%s", log + from);
	}
	free(log);
	MUST(wrong == 0, "%s: %u attempts ended otherwise than expected", when, wrong);
}

static const char *local_state(void)
{
	static char text[32];
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(&appliance, "status"), "appliance", &from);
	MUST(row != NULL, "status has no appliance");
	snprintf(text, sizeof(text), "%s", row_text(row, "local_wall"));
	return text;
}

static bool resolver_shows_wall(void)
{
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	const struct ctl_row *row;
	unsigned from = 0;
	while ((row = answer_next(answer, "role", &from)) != NULL) {
		if (strcmp(row_text(row, "role"), "resolver") == 0) {
			return strstr(row_text(row, "walls"), "local-wall") != NULL;
		}
	}
	return false;
}

static const struct attempt walled[] = {
	{ "udp", "10.1.0.53@53", "refused" },	  { "send", "10.1.0.53@53", "refused" },
	{ "mapped", "10.1.0.53@53", "refused" },  { "bound", "10.1.0.53@53", "refused" },
	{ "tcp", "10.1.0.53@53", "silence" },	  { "tfo", "10.1.0.53@53", "silence" },
	{ "tcpmapped", "10.1.0.53@53", "silence" },
	/* the frontend would tell internal names as well */
	{ "udp", "10.1.0.54@53", "refused" },	  { "tcp", "10.1.0.54@53", "silence" },
	/* a wildcard listener of the internal view */
	{ "udp", "127.0.0.1@5300", "refused" },	  { "tcp", "127.0.0.1@5300", "silence" },
	{ "udp", "0.0.0.0@5300", "refused" },	  { "udp", "203.0.113.53@5300", "refused" },
	{ "udp", "224.0.0.1@5300", "refused" },	  { "udp", "::1@53", "refused" },
	{ "tcp", "::1@53", "silence" },
	/* the Internet: another machine, and public views on this one */
	{ "udp", "192.0.2.9@53", "sent" },	  { "udp", "198.51.100.1@53", "sent" },
	{ "udp", "203.0.113.53@53", "sent" },	  { "tcp", "203.0.113.53@53", "connected" },
	{ "udp", "198.18.0.1@53", "sent" },	  { "tcp", "198.18.0.1@53", "connected" },
};

static const char more_internal[] = "view \"everywhere\" {\n  listen = { \"0.0.0.0@5300\" }\n  allow-query = { \"10.1.0.0/24\" }\n"
				    "  zones-dir = \"@DIR@/internal\"\n  zone \"corp.example\" { file = \"corp.example.zone\" }\n}\n";

Test(local, refuses_this_host_to_a_resolver_that_was_taken_over)
{
	static char conf[8192];
	needs_wall();
	prepare(walled, COUNT(walled));
	snprintf(conf, sizeof(conf), "%s%s", more_internal, standard_resolver);
	configure(conf);
	appliance_start(&appliance);
	must_end("at start", walled, COUNT(walled));
	MUST(strcmp(local_state(), "on") == 0 && resolver_shows_wall(), "status does not show it");

	struct role_process old = appliance_role(&appliance, "resolver", "", 0);
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	MUST(appliance_wait_restarted(&appliance, &old, 10000) >= 0, "it does not come back");
	must_end("after its end", walled, COUNT(walled));

	appliance_reload(&appliance);
	must_end("after a reload", walled, COUNT(walled));
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(&appliance, "status"), "appliance", &from);
	MUST(row_number(row, "local_refused") > 3 * 8, "%u refused", (unsigned)row_number(row, "local_refused"));
}

/* The same attempts where there is no wall: they would all succeed. */
Test(local, is_what_refuses)
{
	static const struct attempt open[] = {
		{ "udp", "10.1.0.53@53", "sent" },	{ "send", "10.1.0.53@53", "sent" },
		{ "mapped", "10.1.0.53@53", "sent" },	{ "tcp", "10.1.0.53@53", "connected" },
		{ "tfo", "10.1.0.53@53", "connected" }, { "tcp", "10.1.0.54@53", "connected" },
		{ "udp", "0.0.0.0@5300", "sent" },	{ "udp", "224.0.0.1@5300", "sent" },
	};
	needs_wall();
	prepare(open, COUNT(open));
	configure(RESOLVER_WITH("  local-wall = \"off\"\n"));
	appliance_start(&appliance);
	must_end("off", open, COUNT(open));
	MUST(strcmp(local_state(), "off") == 0 && !resolver_shows_wall(), "status shows what is not there");
	MUST(appliance_logged(&appliance, "local-wall: off: a resolver that was taken over can ask everything"), "no warning");

	/* other processes take over, behind it */
	static const struct attempt shut[] = { { "udp", "10.1.0.53@53", "refused" }, { "tcp", "10.1.0.54@53", "silence" } };
	struct role_process old = appliance_role(&appliance, "resolver", "", 0);
	configure(standard_resolver);
	appliance_reload(&appliance);
	must_end("on", shut, COUNT(shut));
	MUST(appliance_role(&appliance, "resolver", "", 0).pid != old.pid, "the process is the same");
	MUST(strcmp(local_state(), "on") == 0 && resolver_shows_wall(), "status does not show it");
}

Test(local, follows_reloads_and_addresses)
{
	static const struct attempt before[] = {
		{ "udp", "127.0.0.1@8600", "refused" }, { "udp", "10.1.0.53@53", "refused" }, { "udp", "192.0.2.77@53", "sent" },
		{ "udp", "127.0.0.9@53", "refused" },
	};
	static const struct attempt stubs[] = {
		{ "udp", "127.0.0.1@8600", "sent" }, { "udp", "10.1.0.53@53", "sent" }, { "udp", "192.0.2.77@53", "refused" },
		{ "udp", "127.0.0.9@53", "refused" },
	};
	static const struct attempt localhost[] = {
		{ "udp", "127.0.0.1@8600", "refused" }, { "udp", "10.1.0.53@53", "refused" }, { "udp", "192.0.2.77@53", "sent" },
		{ "udp", "127.0.0.9@53", "sent" },
	};
	needs_wall();
	prepare(before, COUNT(before));
	configure(standard_resolver);
	appliance_start(&appliance);
	must_end("before", before, COUNT(before));

	char *add[] = { "ip", "address", "add", "192.0.2.77/32", "dev", "v0", NULL };
	MUST(harness_run(add, NULL, 5000) == 0, "ip address add");
	configure(RESOLVER_WITH("  stub \"consul\" { to = { \"127.0.0.1@8600\" } }\n"
				"  forward \"corp.example\" { to = { \"10.1.0.53\" } }\n"));
	appliance_reload(&appliance);
	must_end("stubs", stubs, COUNT(stubs));
	MUST(appliance_logged(&appliance, "forward 'corp.example': view 'internal', which not everybody may ask, listens at "
					  "10.1.0.53: a resolver that was taken over can ask it"),
	     "nothing says that the internal view is open");

	configure(RESOLVER_WITH("  do-not-query-localhost = false\n"));
	appliance_reload(&appliance);
	must_end("localhost", localhost, COUNT(localhost));

	/* a reload that fails changes nothing */
	configure(RESOLVER_WITH("  stub \"consul\" { to = { \"127.0.0.1@8600\" } }\n  trust-anchors = \"@DIR@/hints\"\n"));
	MUST(appliance_control(&appliance, "reload")->done.status != 0, "the reload does not fail");
	must_end("failed", localhost, COUNT(localhost));
	configure(standard_resolver);
	appliance_reload(&appliance);
}

/* An honest resolver gets all it needs: internal names from the frontend, the Internet from views on this very host. */
Test(local, is_not_in_the_way_of_an_honest_resolver)
{
	char own[512];
	char supervisors[512];
	char path[64];
	needs_wall();
	standard_start(&appliance, 60);
	struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
	client_expect_ask(&ask, NULL, "www.public.org. A 198.51.100.80", EDE_ANY);
	ask.name = "shop.example.com";
	client_expect_ask(&ask, NULL, "shop.example.com. A 203.0.113.81", EDE_ANY);

	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)appliance.pid);
	char *text = harness_read(path);
	snprintf(supervisors, sizeof(supervisors), "%s", strstr(text, "0::"));
	free(text);
	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)roles[i].pid);
		text = harness_read(path);
		snprintf(own, sizeof(own), "%s", strstr(text, "0::"));
		free(text);
		bool resolver = strcmp(roles[i].role, "resolver") == 0;
		MUST((strstr(own, "/bulkhead-local-") != NULL) == resolver, "%s is in %s", roles[i].role, own);
		MUST((strcmp(own, supervisors) == 0) == !resolver, "%s is in %s, the supervisor in %s", roles[i].role, own, supervisors);
	}
}

static bool resolver_runs(void *ctx)
{
	(void)ctx;
	return strcmp(appliance_role(&appliance, "resolver", "", 0).state, "running") == 0;
}

/* No control groups, as in many containers: everything else serves, and the reason is told. */
Test(local, without_it_resolvers_do_not_start)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	needs_wall();
	standard_prepare(&appliance, 60);
	MUST(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		     umount2("/sys/fs/cgroup", MNT_DETACH) == 0,
	     "control groups cannot be hidden: %s", strerror(errno));
	appliance_start(&appliance);
	MUST(appliance_logged(&appliance, "the resolver cannot be kept from this host's own services and does not start: control "
					  "group: there is no cgroup2 file system in sight"),
	     "the log does not say why");
	MUST(strcmp(local_state(), "missing") == 0, "status says %s", local_state());
	MUST(appliance_bulkheadctl(&appliance, "--json status", output) == 2, "%s", output);
	MUST(strstr(output, "no local wall: control group: there is no cgroup2") != NULL, "%s", output);
	MUST(!resolver_runs(NULL), "the resolver runs");
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);

	configure(RESOLVER_WITH("  local-wall = \"off\"\n"));
	appliance_reload(&appliance);
	MUST(harness_until(resolver_runs, NULL, 5000), "it does not start without");
	configure(standard_resolver);
	MUST(appliance_control(&appliance, "reload")->done.status == 2, "a resolver that runs is given up for one that cannot");
	MUST(resolver_runs(NULL), "the resolver is gone");
}
