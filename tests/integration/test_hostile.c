/*
 * One role was taken over (hostile_role.c) and lies to the supervisor: about generations, by silence, in
 * floods, at every step of a reload. The supervisor and all others must not be touched by it, the
 * reload must come to an end, and with the honest program back all is as before.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
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
#include <unistd.h>

/* A role that does not answer is given up after some seconds, a reload with it. */
#define RELOAD_MS 60000
#define BACK_MS 20000

static struct appliance appliance;

static void stop(void)
{
	appliance_clear(&appliance);
}

static void make_programs(const char *role, const char *plan)
{
	appliance_programs(&appliance, role, plan);
}

static void start_with(const char *role, const char *plan)
{
	standard_prepare(&appliance, 150);
	make_programs(role, plan);
	appliance_start(&appliance);
}

static void must_serve(const char *plan)
{
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
	ask = (struct ask){ .server = EXTERNAL, .name = "www.example.com" };
	client_expect_ask(&ask, "NOERROR aa", "www.example.com. A 203.0.113.80", EDE_NONE);
	MUST(harness_alive(appliance.pid), "%s: the supervisor is gone", plan);
}

static unsigned reload(const char *plan)
{
	const struct ctl_answer *answer = NULL;
	MUST(appliance_control_try(&appliance, "reload", RELOAD_MS, &answer), "%s: the reload does not end", plan);
	return answer->done.status;
}

static bool all_run(void *ctx)
{
	(void)ctx;
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(roles[i].state, "running") != 0) {
			return false;
		}
	}
	return count > 0;
}

/* The honest program is back: nothing of the hostile one remains. */
static void must_recover(const char *role, const char *plan)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	make_programs(NULL, NULL);
	struct role_process old = appliance_role(&appliance, role, "", 0);
	if (old.pid != 0) {
		kill(old.pid, SIGKILL);
	}
	snprintf(old.state, sizeof(old.state), "running"); /* what to wait for */
	MUST(appliance_wait_restarted(&appliance, &old, BACK_MS) >= 0, "%s: it does not come back", plan);
	MUST(harness_until(all_run, NULL, BACK_MS), "%s: not all roles run again", plan);
	MUST(reload(plan) == 0, "%s: no reload works any more", plan);
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	unsigned processes = appliance_children(&appliance, children);
	MUST(processes == count, "%s: %u roles, but %u processes", plan, count, processes);
	struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
	client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.80", EDE_ANY);
	must_serve(plan);
}

/* What one plan does to a reload: its end, and who is in service afterwards. */
enum outcome { FAILS, COMMITS, EITHER /* whichever comes first, but all of it */ };

static void lie_to_a_reload(const char *plan, enum outcome outcome)
{
	start_with("resolver", plan);
	uint64_t generation = appliance_generation(&appliance);
	unsigned status = reload(plan);
	MUST(outcome == EITHER || (status == 0) == (outcome == COMMITS), "%s: the reload ends with status %u", plan,
	     status);
	MUST((appliance_generation(&appliance) > generation) == (status == 0), "%s: wrong generation in service",
	     plan);
	must_serve(plan);
	must_recover("resolver", plan);
}

#define LIE(name, plan, outcome)                       \
	Test(hostile, name, .fini = stop)              \
	{                                              \
		lie_to_a_reload(plan, outcome);        \
	}

LIE(closes_its_link_after_prepared, "close-after-prepared", EITHER)
LIE(dies_instead_of_an_answer, "die", FAILS)
LIE(says_prepared_twice, "twice", EITHER)
LIE(prepares_another_generation, "wrong-generation", FAILS)
LIE(refuses, "refuse", FAILS)
LIE(dies_at_commit, "die-at-commit", COMMITS)
LIE(dies_after_prepared, "die-after-prepared", EITHER)
LIE(never_answers_commit, "mute-commit", COMMITS)

/* What nobody asked for is answered with SIGKILL, before it costs anybody anything. */
static void flood(const char *plan)
{
	start_with("frontend", plan);
	must_serve(plan);
	harness_sleep_ms(1000);
	MUST(appliance_role(&appliance, "frontend", "", 0).restarts > 0, "%s: is left alive", plan);
	MUST(appliance_logged(&appliance, "broke the protocol"), "%s: nothing in the log", plan);
	must_serve(plan);
	must_recover("frontend", plan);
}

#define FLOOD(name, plan)                       \
	Test(hostile, name, .fini = stop)       \
	{                                       \
		flood(plan);                    \
	}

FLOOD(flood_of_prepared, "flood-prepared")
FLOOD(flood_of_committed, "flood-committed")
FLOOD(flood_of_refused, "flood-refused")
FLOOD(flood_of_flushed, "flood-flushed")
FLOOD(flood_of_descriptors, "flood-descriptors")

/* A trace is as long as its bound: a resolver that tells more is ended, and who asked is told so. */
static void lie_to_a_trace(const char *plan, unsigned status)
{
	const struct ctl_answer *answer = NULL;
	start_with("resolver", plan);
	MUST(appliance_control_try(&appliance, "trace www.public.org A", 20000, &answer), "%s: the trace does not end",
	     plan);
	MUST(answer->done.status == status, "%s: the trace ends with status %u", plan, answer->done.status);
	MUST(answer->count <= IPC_TRACE_STEPS_MAX + 1, "%s: %u rows", plan, answer->count);
	MUST(appliance_log_wait(&appliance, "broke the protocol", 5000), "%s: is left alive", plan);
	must_serve(plan);
	must_recover("resolver", plan);
}

Test(hostile, a_trace_without_end, .fini = stop)
{
	lie_to_a_trace("flood-steps", 2);
}

Test(hostile, a_trace_that_ends_twice, .fini = stop)
{
	lie_to_a_trace("flood-ends", 0);
}

/* At the start of the appliance: it says that it serves before it was asked to. */
Test(hostile, commits_unasked, .fini = stop)
{
	start_with("resolver", "early-committed");
	must_serve("early-committed");
	MUST(strcmp(appliance_role(&appliance, "resolver", "", 0).state, "running") != 0, "it is believed");
	must_recover("resolver", "early-committed");
}

static const char *last_end(const char *role)
{
	static char text[256];
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	const struct ctl_row *row;
	unsigned from = 0;
	while ((row = answer_next(answer, "role", &from)) != NULL && strcmp(row_text(row, "role"), role) != 0) {
	}
	MUST(row != NULL, "no %s in status", role);
	snprintf(text, sizeof(text), "%s", row_text(row, "last_end"));
	return text;
}

/* A frontend breaks the format of a query link: who reads it tells the supervisor, which ends the frontend. */
Test(hostile, breaks_its_query_link, .fini = stop)
{
	start_with("frontend", "garble-link");
	MUST(reload("garble-link") == 0, "the reload fails");
	MUST(appliance_log_wait(&appliance, "frontend/0: broke its query link with ", 5000), "nobody tells");
	MUST(harness_until(all_run, NULL, BACK_MS), "it does not come back");
	MUST(strncmp(last_end("frontend"), "killed: broke its query link with ", 34) == 0, "status says %s", last_end("frontend"));
	MUST(appliance_role(&appliance, "resolver", "", 0).restarts == 0 &&
		     appliance_role(&appliance, "authority", "internal", 0).restarts == 0,
	     "who told was ended");
	must_recover("frontend", "garble-link");
	struct ask ask = { .server = RESOLVER, .name = "intranet.corp.example", .flags = FLAG_RD };
	client_expect_ask(&ask, NULL, "intranet.corp.example. A 10.1.2.3", EDE_ANY);
}

static bool resolver_ended(void *ctx)
{
	(void)ctx;
	return appliance_role(&appliance, "resolver", "", 0).restarts > 0;
}

/* The word of a role that was taken over ends its neighbour once; the second time it ends itself. */
Test(hostile, accuses_its_neighbour_again_and_again, .fini = stop)
{
	start_with("resolver", "blame");
	MUST(reload("blame") == 0, "the reload fails");
	MUST(appliance_log_wait(&appliance, "frontend/0: broke its query link with resolver/0, killed", 5000), "it is not believed");
	MUST(appliance_log_wait(&appliance, "resolver/0: said again that frontend/0 breaks their query link, killed", 5000),
	     "it goes on accusing");
	MUST(harness_until(resolver_ended, NULL, BACK_MS), "it does not come back");
	MUST(appliance_role(&appliance, "frontend", "", 0).restarts == 1, "the frontend was ended more than once");
	MUST(strstr(last_end("resolver"), "killed: said again that frontend/0") != NULL, "status says %s", last_end("resolver"));
	must_recover("resolver", "blame");
}

Test(hostile, accuses_others_of_what_it_cannot_know, .fini = stop)
{
	start_with("resolver", "blame-others");
	MUST(reload("blame-others") == 0, "the reload fails");
	MUST(appliance_log_wait(&appliance, "resolver/0: broke the protocol", 5000), "it is believed");
	MUST(appliance_role(&appliance, "frontend", "", 0).restarts == 0 &&
		     appliance_role(&appliance, "authority", "internal", 0).restarts == 0,
	     "somebody was ended on its word");
	must_recover("resolver", "blame-others");
}

static void replace(const char *role, const char *plan)
{
	struct role_process old = appliance_role(&appliance, role, "", 0);
	make_programs(role, plan);
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	MUST(appliance_log_wait(&appliance, "restart in 0 ms", 2000), "%s is not started again", role);
	harness_sleep_ms(200);
}

static void configure(const char *resolver)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 resolver);
	appliance_configure(&appliance, conf);
}

/* Removed by a reload before it said HELLO: what it says then must not bring it back. */
Test(hostile, says_hello_when_it_was_removed, .fini = stop)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	start_with(NULL, NULL);
	replace("resolver", "hello-after-stop");
	configure("");
	MUST(reload("hello-after-stop") == 0, "the reload without a resolver fails");
	harness_sleep_ms(500);
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	MUST(count == 3, "%u roles where three authorities are configured", count);
	MUST(appliance_children(&appliance, children) == count, "a process too many");
	must_serve("hello-after-stop");
	configure(standard_resolver);
	make_programs(NULL, NULL);
	MUST(reload("hello-after-stop") == 0, "the reload with a resolver fails");
}

/* A reload begins while a restarted role still prepares what is in service: it is told the next one then. */
Test(hostile, reload_while_a_role_starts, .fini = stop)
{
	start_with(NULL, NULL);
	replace("resolver", "slow-start");
	uint64_t from = clock_now_ms();
	MUST(reload("slow-start") == 0, "the reload fails");
	MUST(clock_now_ms() - from < 8000u * harness_slow(), "the reload takes too long");
	MUST(appliance_role(&appliance, "resolver", "", 0).restarts == 1, "it was killed for being slow");
	must_recover("resolver", "slow-start");
}

/* A role never answers PREPARE. Another one that comes back in the middle of a reload is told the new generation; when the reload fails after
 * that, it must be able to serve the old one, with the sockets that only the old one has. */
Test(hostile, reload_fails_while_a_role_is_back, .fini = stop)
{
	static const char elsewhere[] = "resolver {\n"
					"  listen = { \"10.1.0.54@5300\" }\n"
					"  allow-query = { \"10.1.0.0/24\" }\n"
					"  internal-view = \"internal\"\n"
					"  root-hints = \"@DIR@/hints\"\n  domain-insecure = { \".\" }\n"
					"  cache-size = \"16M\"\n"
					"}\n";
	start_with("resolver", "mute-prepare");
	configure(elsewhere);
	MUST(kill(appliance.pid, SIGHUP) == 0, "kill: %s", strerror(errno));
	harness_sleep_ms(500);
	struct role_process old = appliance_role(&appliance, "frontend", "", 0);
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	MUST(appliance_log_wait(&appliance, "reload failed", RELOAD_MS), "the reload does not end");
	MUST(harness_until(all_run, NULL, BACK_MS), "not all roles run again");
	MUST(appliance_role(&appliance, "frontend", "", 0).restarts == 1, "it had to be started twice");
	struct ask ask = { .server = RESOLVER, .name = "intranet.corp.example", .flags = FLAG_RD };
	client_expect_ask(&ask, NULL, "intranet.corp.example. A 10.1.2.3", EDE_ANY);
	configure(standard_resolver);
	must_recover("resolver", "mute-prepare");
}

static bool has_descriptors(void *ctx)
{
	const int *count = ctx;
	return harness_fd_count(appliance.pid) <= *count;
}

/* Descriptors of the supervisor at rest: all is saved, and the last control connection is gone. */
static int descriptors_at_rest(void)
{
	enum { SAME_TIMES = 10, EVERY_MS = 50, TIMES_MAX = 200 };
	int count = harness_fd_count(appliance.pid);
	for (unsigned same = 0, i = 0; same < SAME_TIMES && i < TIMES_MAX; i++) {
		harness_sleep_ms(EVERY_MS);
		int now = harness_fd_count(appliance.pid);
		same = now == count ? same + 1 : 0;
		count = now;
	}
	return count;
}

/* A compiler that was taken over by the text it reads: the zones keep their old data, the reload ends. */
static void change_all_zones(void)
{
	char *argv[] = { "find", appliance.dir, "-name", "*.zone", "-exec", "touch", "{}", "+", NULL };
	MUST(harness_run(argv, NULL, 10000) == 0, "touch");
}

static void hostile_compiler(const char *plan)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	start_with(NULL, NULL);
	change_all_zones();
	int descriptors = descriptors_at_rest();
	make_programs("compiler", plan);
	configure(""); /* root hints that do not compile would fail the reload as a whole */
	/* not over the control socket: it tells more findings than the harness takes */
	MUST(kill(appliance.pid, SIGHUP) == 0, "kill: %s", strerror(errno));
	MUST(appliance_log_wait(&appliance, "reloaded generation=2, zones that do not compile count=8", RELOAD_MS),
	     "%s: the reload does not end", plan);
	MUST(appliance_generation(&appliance) == 2, "%s: zones that do not compile are no reason to give up", plan);
	must_serve(plan);
	make_programs(NULL, NULL);
	configure(standard_resolver);
	MUST(reload(plan) == 0, "%s: no reload works any more", plan);
	MUST(harness_until(all_run, NULL, BACK_MS), "%s: not all roles run again", plan);
	MUST(harness_until(has_descriptors, &descriptors, 2000), "%s: descriptors are left", plan);
	MUST(appliance_children(&appliance, children) == 5, "%s: processes are left", plan);
	must_serve(plan);
}

Test(hostile, compiler_closes_its_link, .fini = stop)
{
	hostile_compiler("close-link");
}

Test(hostile, compiler_names_sources_without_end, .fini = stop)
{
	hostile_compiler("flood-sources");
	MUST(!appliance_logged(&appliance, "does not come to an end"), "it was stopped by time, not by number");
}

/* It would change the image after it was verified: the kernel refuses the seal, and nobody is sent the image. */
Test(hostile, compiler_holds_on_to_its_image, .fini = stop)
{
	hostile_compiler("holds-image");
	MUST(appliance_logged(&appliance, "it holds on to its image"), "the log does not say why");
	MUST(!appliance_logged(&appliance, "its image is refused"), "an authority saw it");
}

Test(hostile, compiler_lies_about_the_size, .fini = stop)
{
	hostile_compiler("wrong-size");
	MUST(appliance_logged(&appliance, "another size than it says"), "the log does not say why");
}

Test(hostile, compiler_answers_for_another_zone, .fini = stop)
{
	hostile_compiler("wrong-request");
}

Test(hostile, compiler_answers_twice, .fini = stop)
{
	hostile_compiler("compiled-twice");
}

/*
 * A compiler that is to verify what a zone goes back to, or to show it, and lies: nothing is changed, and who asked is told.
 */
Test(hostile, compiler_lies_about_history, .fini = stop)
{
	static const char *const plans[] = { "inspect-lies",	 "inspect-twice",    "shown-unasked", "inspect-other",
					     "inspect-compiles", "inspect-closes", "inspect-dies" };
	char command[512];
	char *argv[] = { "sh", "-c", command, NULL };
	start_with(NULL, NULL);
	snprintf(command, sizeof(command), "echo 'one-more.corp.example. A 10.1.2.9' >>%s/internal/corp.example.zone",
		 appliance.dir);
	MUST(harness_run(argv, NULL, 10000) == 0, "%s", command);
	MUST(reload("history") == 0, "the reload fails");
	int descriptors = descriptors_at_rest();
	for (size_t i = 0; i < COUNT(plans); i++) {
		static char output[APPLIANCE_OUTPUT_MAX];
		make_programs("compiler", plans[i]);
		const struct ctl_answer *answer = appliance_control(&appliance, "zone rollback corp.example");
		MUST(answer->done.status == 2, "%s: %u %s", plans[i], answer->done.status, answer->done.text);
		must_serve(plans[i]);
		if (strcmp(plans[i], "inspect-lies") != 0) { /* that one waits for ever, for a text that it will not write */
			MUST(appliance_bulkheadctl(&appliance, "zone dump corp.example", output) == 2, "%s: %s", plans[i], output);
		}
		MUST(harness_until(has_descriptors, &descriptors, 2000), "%s: descriptors are left", plans[i]);
	}
	make_programs(NULL, NULL);
	MUST(appliance_control(&appliance, "zone rollback corp.example")->done.status <= 1, "nothing works any more");
	must_serve("history");
}

/* The zone in work fails, those before and after it are judged on their own. */
Test(hostile, compiler_dies_in_one_zone, .fini = stop)
{
	hostile_compiler("die-on-corp");
	char *log = harness_read(appliance.log);
	unsigned died = 0;
	for (const char *at = log; at != NULL && (at = strstr(at, "the compiler ended with status 3")) != NULL; at++) {
		died++;
	}
	free(log);
	MUST(died == 1, "%u zones failed with the compiler", died);
	MUST(appliance_logged(&appliance, "zone corp.example. view=internal: the compiler ended with status 3"),
	     "it was another zone");
}

/* The supervisor cannot know that an image is wrong; the authority does. Each zone keeps what it has. */
Test(hostile, compiler_makes_bad_images, .fini = stop)
{
	hostile_compiler("bad-image");
	MUST(appliance_logged(&appliance, "zone corp.example.: its image is refused: "), "the log does not tell");
}

/* At the start there is nothing to keep: SERVFAIL, with the reason in status; saved is nothing of it. */
Test(hostile, compiler_makes_bad_images_at_start, .fini = stop)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	standard_prepare(&appliance, 150);
	configure("");
	make_programs("compiler", "bad-image");
	appliance_start(&appliance);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example", .edns = true };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && reply->message.rcode == RCODE_SERVFAIL, "SERVFAIL expected");
	MUST(appliance_bulkheadctl(&appliance, "zone status corp.example", output) == 2, "%s", output);
	MUST(strstr(output, "refuses its image: not a zone image") != NULL, "%s", output);
	make_programs(NULL, NULL);
	MUST(reload("bad-image") == 0, "the reload fails");
	must_serve("bad-image");
	MUST(appliance_bulkheadctl(&appliance, "zone status", output) == 0, "%s", output);
}

Test(hostile, compiler_finds_faults_without_end, .fini = stop)
{
	hostile_compiler("flood-diagnostics");
	MUST(!appliance_logged(&appliance, "does not come to an end"), "it was stopped by time, not by number");
}
