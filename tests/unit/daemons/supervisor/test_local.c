/*
 * What the configuration opens in the local wall, and what it is warned of.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/local.h"

#include "common/util/count.h"
#include "common/util/log.h"
#include "daemons/supervisor/supervisor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/bulkhead-local-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/test.conf", dir);
	unlink(path);
	rmdir(dir);
}

TestSuite(local, .init = setup, .fini = teardown);

static void on_error(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	cr_assert_fail("%s:%u: %s", file, line, text);
}

static struct config *load(const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/test.conf", dir);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert(fputs(text, file) >= 0 && fclose(file) == 0);
	return config_load(path, on_error, NULL);
}

/* The same, with what is logged meanwhile. */
static struct config *load_and_listen(const char *text, char *said, size_t size)
{
	int pipe_fds[2];
	cr_assert_eq(pipe(pipe_fds), 0);
	log_set_fd(pipe_fds[1], 0);
	struct config *config = load(text);
	log_set_fd(STDERR_FILENO, 0);
	close(pipe_fds[1]);
	ssize_t n = read(pipe_fds[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(pipe_fds[0]);
	return config;
}

#define INSIDE "view \"internal\" {\n listen = { \"10.0.0.53\", \"127.0.0.1@5301\" }\n allow-query = { \"10.0.0.0/8\" }\n zones-dir = \".\"\n}\n"
#define OUTSIDE(listen) "view \"external\" {\n listen = { " listen " }\n zones-dir = \".\"\n}\n"
#define RESOLVER(more) "resolver {\n listen = { \"10.0.0.54\" }\n" more "}\n"

static const struct {
	const char *conf;
	const char *hint; /* NULL: none */
	const char *rules;
} rule_cases[] = {
	{ RESOLVER(""), NULL, "-10.0.0.54@53" },
	{ INSIDE RESOLVER(""), NULL, "-10.0.0.54@53 -10.0.0.53@53 -127.0.0.1@5301" },
	/* the Internet sends the resolver to a view of public zones; not to one that only happens to have no list */
	{ OUTSIDE("\"203.0.113.53\", \"2001:db8::53@5300\"") RESOLVER(""), NULL,
	  "-10.0.0.54@53 +203.0.113.53@53 +2001:db8::53@5300" },
	{ OUTSIDE("\"0.0.0.0@5300\"") RESOLVER(""), NULL, "-10.0.0.54@53 +0.0.0.0@5300" },
	{ OUTSIDE("\"10.1.1.1\", \"172.31.0.1\", \"192.168.1.1\", \"100.64.0.1\", \"169.254.1.1\", \"127.0.0.2\", \"fd00::1\", \"::1\"")
	  RESOLVER(""), NULL, "-10.0.0.54@53" },
	/* everybody by name is everybody; everybody of one family is that */
	{ "view \"v\" { listen = { \"203.0.113.53\", \"2001:db8::53\" } zones-dir = \".\" allow-query = { \"any4\" } }\n" RESOLVER(""), NULL,
	  "-10.0.0.54@53 +203.0.113.53@53 -2001:db8::53@53" },
	/* the view of the inside is none for everybody, whatever it says */
	{ OUTSIDE("\"203.0.113.53\"") RESOLVER(" internal-view = \"external\"\n"), NULL, "-10.0.0.54@53 -203.0.113.53@53" },
	/* what is written down goes before */
	{ INSIDE RESOLVER(" stub \"a\" { to = { \"127.0.0.1@8600\", \"10.0.0.53\" } }\n forward \"b\" { to = { \"192.0.2.1\" } }\n"), NULL,
	  "+127.0.0.1@8600 +10.0.0.53@53 +192.0.2.1@53 -10.0.0.54@53 -10.0.0.53@53 -127.0.0.1@5301" },
	/* nobody's address goes to one; as a rule it would be for all */
	{ RESOLVER(" stub \"a\" { to = { \"0.0.0.0@8600\", \"::@8600\" } }\n"), NULL, "+127.0.0.1@8600 +::1@8600 -10.0.0.54@53" },
	/* root servers are asked, but open no view that is not for everybody */
	{ INSIDE RESOLVER(""), "198.18.0.1", "-10.0.0.54@53 -10.0.0.53@53 -127.0.0.1@5301 +198.18.0.1@53" },
	{ INSIDE RESOLVER(""), "127.0.0.9@5300", "-10.0.0.54@53 -10.0.0.53@53 -127.0.0.1@5301 +127.0.0.9@5300 ~0.0.0.0@53 ~::@53" },
	{ INSIDE RESOLVER(" do-not-query-localhost = true\n"), "127.0.0.9@5300",
	  "-10.0.0.54@53 -10.0.0.53@53 -127.0.0.1@5301 +127.0.0.9@5300" },
	{ RESOLVER(" do-not-query-localhost = false\n"), "127.0.0.9", "-10.0.0.54@53 +127.0.0.9@53 +0.0.0.0@53 +::@53" },
	/* one that listens everywhere shuts its port everywhere: the first of two rules counts */
	{ "view \"v\" { listen = { \"0.0.0.0\" } zones-dir = \".\" allow-query = { \"10.0.0.0/8\" } }\n"
	  "resolver { listen = { \"10.0.0.54@5354\" } do-not-query-localhost = false }\n", NULL,
	  "-10.0.0.54@5354 -0.0.0.0@53 +0.0.0.0@53 +::@53" },
};

Test(local, opens_what_is_written_down_and_public_views)
{
	for (size_t i = 0; i < COUNT(rule_cases); i++) {
		static const char signs[] = { [LOCALWALL_REFUSE] = '-', [LOCALWALL_ALLOW] = '+', [LOCALWALL_LOOPBACK] = '~' };
		struct ipc_servers hint = { .count = 1 };
		struct localwall_rule *rules;
		size_t count;
		char text[1024] = "";
		size_t used = 0;
		if (rule_cases[i].hint != NULL) {
			cr_assert_eq(addr_parse(rule_cases[i].hint, 53, &hint.addrs[0]), BH_OK);
		}
		struct config *config = load(rule_cases[i].conf);
		cr_assert_not_null(config);
		cr_expect(config->resolver.local_wall);
		cr_assert_eq(local_rules(config, &hint, rule_cases[i].hint != NULL, &rules, &count), BH_OK);
		for (size_t r = 0; r < count; r++) {
			char to[ADDR_TEXT_MAX];
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c%s", r == 0 ? "" : " ",
						 signs[rules[r].verdict], addr_text(&rules[r].to, to));
		}
		cr_expect_str_eq(text, rule_cases[i].rules, "case %zu: %s", i, text);
		free(rules);
		config_free(config);
	}
}

static const struct {
	const char *conf;
	const char *says; /* NULL: nothing */
} warning_cases[] = {
	{ INSIDE RESOLVER(""), NULL },
	{ INSIDE RESOLVER(" stub \"consul\" { to = { \"127.0.0.1@8600\" } }\n"), NULL },
	{ INSIDE RESOLVER(" stub \"corp\" {\n to = { \"192.0.2.1\",\n \"127.0.0.1@5301\" } }\n"),
	  "test.conf:10: stub 'corp': view 'internal', which not everybody may ask, listens at 127.0.0.1@5301: a resolver that was "
	  "taken over can ask it for all of its zones" },
	{ INSIDE RESOLVER(" forward \".\" { to = { \"10.0.0.53\" } }\n"), "test.conf:8: forward '.': view 'internal', " },
	{ INSIDE RESOLVER(" local-wall = off\n forward \".\" { to = { \"10.0.0.53\" } }\n"),
	  "test.conf:8: local-wall: off: a resolver that was taken over can ask everything on this host" },
	{ "view \"all\" { listen = { \"0.0.0.0@5301\" } zones-dir = \".\" allow-query = { \"10.0.0.0/8\" } }\n"
	  RESOLVER(" stub \"corp\" { to = { \"127.0.0.9@5301\" } }\n"), "test.conf:4: stub 'corp': view 'all', " },
	{ "view \"all\" { listen = { \"0.0.0.0@5301\" } zones-dir = \".\" allow-query = { \"10.0.0.0/8\" } }\n"
	  RESOLVER(" stub \"corp\" { to = { \"192.0.2.77@5301\", \"127.0.0.1@5302\", \"::1@5301\" } }\n"), NULL },
	{ OUTSIDE("\"127.0.0.1@5301\"") RESOLVER(" stub \"a\" { to = { \"127.0.0.1@5301\" } }\n"), NULL },
};

Test(local, warns_of_what_is_opened)
{
	for (size_t i = 0; i < COUNT(warning_cases); i++) {
		char said[1024];
		struct config *config = load_and_listen(warning_cases[i].conf, said, sizeof(said));
		cr_assert_not_null(config);
		if (warning_cases[i].says == NULL) {
			cr_expect_str_eq(said, "", "case %zu: %s", i, said);
		} else {
			cr_expect_not_null(strstr(said, warning_cases[i].says), "case %zu: %s", i, said);
			cr_expect_eq(strchr(said, '\n'), strrchr(said, '\n'), "case %zu: %s", i, said);
		}
		config_free(config);
	}
}

/* Without the wall nothing is kept from views; without views there is nothing to keep. */
Test(local, is_needed_where_there_is_a_view)
{
	static const struct {
		const char *conf;
		bool needed;
	} cases[] = {
		{ INSIDE RESOLVER(""), true },
		{ RESOLVER(""), false },
		{ INSIDE, false },
		{ INSIDE RESOLVER(" local-wall = \"off\"\n"), false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct supervisor sup = { .localwall = NULL, .localwall_why = "no such thing" };
		struct config *config = load(cases[i].conf);
		cr_assert_not_null(config);
		cr_expect_eq(local_needed(&sup, config), cases[i].needed, "case %zu", i);
		cr_expect_str_eq(local_missing(&sup), "no such thing");
		config_free(config);
	}
}
