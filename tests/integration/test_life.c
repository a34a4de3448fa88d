/*
 * DESIGN 2.9, 2.10 and 3: roles die, configurations and zones change, programs are broken - and those
 * who are not concerned notice nothing.
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
#include <sys/stat.h>
#include <unistd.h>

/* A role is back within a second (issue); the machine of the tests may be slow. */
#define BACK_MS 1000
/* What a killed process had read from its own listener and not answered: at most one batch. */
#define IN_HAND_MAX 64
#define LOAD_RATE 400

static struct appliance appliance;

static void start(void)
{
	standard_start(&appliance, 100);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(life, .init = start, .fini = stop);

/* The paths through the appliance, and what each needs. */
enum path { PATH_INTERNAL, PATH_EXTERNAL, PATH_FRONT_INTERNAL, PATH_FRONT_PUBLIC, PATH_COUNT };

static const struct {
	const char *server;
	const char *suffix;
} paths[PATH_COUNT] = {
	[PATH_INTERNAL] = { INTERNAL, "load.corp.example" },
	[PATH_EXTERNAL] = { EXTERNAL, "load.example.com" },
	[PATH_FRONT_INTERNAL] = { RESOLVER, "load.many.example" },
	[PATH_FRONT_PUBLIC] = { RESOLVER, "load.public.org" },
};

static void start_loads(struct load *loads[PATH_COUNT])
{
	for (int i = 0; i < PATH_COUNT; i++) {
		loads[i] = load_start(paths[i].server, paths[i].suffix, LOAD_RATE, RCODE_NOERROR);
	}
	harness_sleep_ms(500);
}

static void print_result(const char *what, int path, const struct load_result *r)
{
	fprintf(stderr, "%s, %s at %s: sent %llu lost %llu other %llu (rcode %llu) late %llu longest %llu ms\n", what,
		paths[path].suffix, paths[path].server, (unsigned long long)r->sent, (unsigned long long)r->lost,
		(unsigned long long)r->other, (unsigned long long)r->other_rcode, (unsigned long long)r->late,
		(unsigned long long)r->longest_ms);
}

/* End the loads; those of `concerned` (a bit each) may lose what the dead process had in hand. */
static void judge_loads(const char *what, struct load *loads[PATH_COUNT], unsigned concerned, unsigned may_lose)
{
	struct load_result results[PATH_COUNT];
	bool ok = true;
	for (int i = 0; i < PATH_COUNT; i++) {
		results[i] = load_stop(loads[i]);
		unsigned allowed = (concerned & 1u << i) != 0 ? may_lose : 0;
		bool good = results[i].answered > LOAD_RATE / 2 && results[i].lost + results[i].other <= allowed;
		if (!good) {
			print_result(what, i, &results[i]);
		}
		ok = ok && good;
	}
	MUST(ok, "%s: queries were lost or answered wrongly, see above", what);
}

static void kill_under_load(const char *role, const char *view, unsigned concerned, unsigned may_lose)
{
	struct load *loads[PATH_COUNT];
	char what[80];
	snprintf(what, sizeof(what), "kill -9 %s[%s]", role, view);
	struct role_process old = appliance_role(&appliance, role, view, 0);
	start_loads(loads);
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	int took = appliance_wait_restarted(&appliance, &old, 10000);
	MUST(took >= 0, "%s: it does not come back", what);
	harness_sleep_ms(1000);
	judge_loads(what, loads, concerned, may_lose);
	MUST(took <= (int)(BACK_MS * harness_slow()), "%s: back only after %d ms", what, took);

	struct role_process now = appliance_role(&appliance, role, view, 0);
	MUST(now.restarts == old.restarts + 1, "%s: status counts %llu restarts", what,
	     (unsigned long long)now.restarts);
	/* Nobody else was restarted. */
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		MUST(roles[i].restarts == 0 || (strcmp(roles[i].role, role) == 0 && strcmp(roles[i].view, view) == 0),
		     "%s: %s[%s] was restarted as well", what, roles[i].role, roles[i].view);
	}
}

/* Who asks through the frontend loses nothing: it asks the successor again. */
Test(life, internal_authority_killed_under_load)
{
	kill_under_load("authority", "internal", 1u << PATH_INTERNAL, IN_HAND_MAX);
}

Test(life, external_authority_killed_under_load)
{
	kill_under_load("authority", "external", 1u << PATH_EXTERNAL, IN_HAND_MAX);
}

Test(life, frontend_killed_under_load)
{
	/* what it had passed on and was waiting for dies with it, too */
	kill_under_load("frontend", "", 1u << PATH_FRONT_INTERNAL | 1u << PATH_FRONT_PUBLIC, 2 * IN_HAND_MAX);
}

Test(life, resolver_killed_under_load)
{
	kill_under_load("resolver", "", 1u << PATH_FRONT_PUBLIC, 0);
}

/* The server of the whole (small) Internet: the resolver asks again. */
Test(life, authority_that_the_resolver_asks_killed_under_load)
{
	kill_under_load("authority", "world", 1u << PATH_FRONT_PUBLIC, 0);
}

/* Stopped, not dead: what arrives in the meantime waits in the sockets. */
Test(life, queries_wait_while_a_role_is_away)
{
	struct role_process old = appliance_role(&appliance, "authority", "internal", 0);
	MUST(kill(old.pid, SIGSTOP) == 0, "kill: %s", strerror(errno));
	struct ask ask = { .name = "www.corp.example", .flags = FLAG_RD };
	uint8_t wire[ASK_WIRE_MAX];
	int fds[20];
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = client_udp(INTERNAL, INSIDE);
		client_send(fds[i], wire, ask_compose(&ask, (uint16_t)i, wire));
	}
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(fds); i++) {
		uint8_t reply[4096];
		ssize_t n = client_receive(fds[i], reply, sizeof(reply), 3000 * harness_slow());
		MUST(n > DNS_HEADER_SIZE && get_u16(reply) == i && (reply[3] & 15) == RCODE_NOERROR,
		     "queued query %zu was not answered by the successor", i);
		close(fds[i]);
	}
}

/* --- reload ------------------------------------------------------------------------------------------ */

static void configure_parts(const char *internal, const char *external)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, internal, external, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
}

static void write_corp(const char *version)
{
	static char text[8192];
	snprintf(text, sizeof(text), "%sversion2 TXT \"%s\"\n", standard_corp_zone, version);
	appliance_file(&appliance, "internal/corp.example.zone", text);
}

static void must_be_version(const char *server, const char *version)
{
	char answer[128];
	snprintf(answer, sizeof(answer), "version2.corp.example. TXT \"%s\"", version);
	struct ask ask = { .server = server, .name = "version2.corp.example", .type = RR_TXT, .flags = FLAG_RD };
	client_expect_ask(&ask, NULL, answer, EDE_ANY);
}

Test(life, reloads_with_changed_zones_lose_no_query)
{
	struct load *loads[PATH_COUNT];
	start_loads(loads);
	for (int i = 0; i < 10; i++) {
		char version[16];
		snprintf(version, sizeof(version), "v%d", i);
		write_corp(version);
		uint64_t generation = appliance_generation(&appliance);
		appliance_reload(&appliance);
		must_be_version(INTERNAL, version);
		must_be_version(RESOLVER, version); /* internal answers are not cached */
		MUST(appliance_generation(&appliance) > generation, "the generation does not grow");
	}
	judge_loads("reload with a changed zone", loads, 0, 0);
}

Test(life, a_zone_broken_on_reload_stays_as_it_was)
{
	struct load *loads[PATH_COUNT];
	write_corp("good");
	appliance_reload(&appliance);
	start_loads(loads);
	appliance_file(&appliance, "internal/corp.example.zone",
		       "$ORIGIN corp.example.\n$TTL 300\n@ SOA ns hostmaster 2 1800 900 604800 300\n@ NS ns\n"
		       "ns A 10.1.0.53\nversion2 TXT \"bad\"\nbroken A 10.1.2.999\n");
	const struct ctl_answer *answer = appliance_control(&appliance, "reload");
	MUST(answer->done.status != 0, "a reload with a broken zone reports success");
	must_be_version(INTERNAL, "good");
	must_be_version(RESOLVER, "good");
	MUST(appliance_logged(&appliance, "corp.example.zone:7"), "the log does not name the file and line");
	harness_sleep_ms(300);
	judge_loads("reload with a broken zone", loads, 0, 0);
	/* repaired: in service with the next reload */
	write_corp("better");
	appliance_reload(&appliance);
	must_be_version(INTERNAL, "better");
}

Test(life, zones_come_and_go_under_load)
{
	static const char without_corp[] = "view \"internal\" {\n"
					   "  listen = { \"10.1.0.53\" }\n"
					   "  allow-query = { \"10.1.0.0/24\" }\n"
					   "  zones-dir = \"@DIR@/internal\"\n"
					   "  zone \"many.example\" { file = \"many.example.zone\" }\n"
					   "}\n";
	struct load *loads[2] = { load_start(RESOLVER, "load.many.example", LOAD_RATE, RCODE_NOERROR),
				  load_start(EXTERNAL, "load.example.com", LOAD_RATE, RCODE_NOERROR) };
	struct ask ask = { .server = INTERNAL, .name = "www.corp.example" };
	harness_sleep_ms(300);
	for (int i = 0; i < 5; i++) {
		configure_parts(without_corp, standard_external);
		appliance_reload(&appliance);
		client_expect_ask(&ask, "REFUSED", "", EDE_ANY);
		configure_parts(standard_internal, standard_external);
		appliance_reload(&appliance);
		client_expect_ask(&ask, "NOERROR aa", NULL, EDE_ANY);
	}
	for (size_t i = 0; i < COUNT(loads); i++) {
		struct load_result r = load_stop(loads[i]);
		print_result("zones come and go", i == 0 ? PATH_FRONT_INTERNAL : PATH_EXTERNAL, &r);
		MUST(r.answered > 100 && r.lost == 0 && r.other == 0, "queries were lost when another zone went");
	}
}

/* A listener more, a listener less: the others stay open. */
Test(life, listeners_come_and_go_under_load)
{
	static const char two[] = "view \"external\" {\n  listen = { \"203.0.113.53\", \"203.0.113.54@5300\" }\n"
				  "  zones-dir = \"@DIR@/external\"\n  rate-limit { mode = \"off\" }\n"
				  "  zone \"example.com\" { file = \"example.com.zone\" }\n}\n";
	harness_address("203.0.113.54/32");
	struct load *load = load_start(EXTERNAL, "load.example.com", LOAD_RATE, RCODE_NOERROR);
	for (int i = 0; i < 5; i++) {
		configure_parts(standard_internal, two);
		appliance_reload(&appliance);
		struct ask ask = { .server = "203.0.113.54@5300", .name = "www.example.com" };
		client_expect_ask(&ask, "NOERROR aa", "www.example.com. A 203.0.113.80", EDE_NONE);
		ask.tcp = true;
		client_expect_ask(&ask, "NOERROR aa", "www.example.com. A 203.0.113.80", EDE_NONE);
		configure_parts(standard_internal, standard_external);
		appliance_reload(&appliance);
		ask.tcp = false;
		ask.timeout_ms = 200;
		MUST(!client_ask(&ask)->received, "the closed listener still answers");
	}
	struct load_result r = load_stop(load);
	MUST(r.answered > 100 && r.lost == 0 && r.other == 0, "%llu queries were lost when listeners changed",
	     (unsigned long long)(r.lost + r.other));
}

Test(life, a_broken_configuration_changes_nothing)
{
	static const char *const broken[] = {
		"view \"internal\" { listen = { \"10.1.0.53\" }\n",				  /* no end */
		"view \"internal\" { listen = { \"not an address\" } zones-dir = \"@DIR@/internal\" }\n",
		"nonsense = 1\n",
		"",										  /* nothing to serve */
	};
	struct load *loads[PATH_COUNT];
	uint64_t generation = appliance_generation(&appliance);
	start_loads(loads);
	for (size_t i = 0; i < COUNT(broken); i++) {
		char conf[2048];
		snprintf(conf, sizeof(conf), "%s%s", CONF_HERE, broken[i]);
		appliance_configure(&appliance, conf);
		const struct ctl_answer *answer = appliance_control(&appliance, "reload");
		MUST(answer->done.status != 0, "a reload with broken configuration %zu reports success", i);
		MUST(appliance_generation(&appliance) == generation, "the generation changed with configuration %zu", i);
		struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
		client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
	}
	unlink(appliance.conf);
	MUST(appliance_control(&appliance, "reload")->done.status != 0, "a reload without configuration succeeds");
	MUST(appliance_generation(&appliance) == generation, "the generation changed without configuration");
	judge_loads("reload with broken configurations", loads, 0, 0);
}

struct version_wait {
	const char *version;
};

static bool has_version(void *ctx)
{
	const struct version_wait *wait = ctx;
	struct ask ask = { .server = INTERNAL, .name = "version2.corp.example", .type = RR_TXT };
	const struct reply *reply = client_ask(&ask);
	return reply_has_octets(reply, wait->version, strlen(wait->version));
}

Test(life, sighup_reloads)
{
	struct version_wait wait = { "by-signal" };
	write_corp(wait.version);
	MUST(kill(appliance.pid, SIGHUP) == 0, "kill: %s", strerror(errno));
	MUST(harness_until(has_version, &wait, 5000), "SIGHUP did not bring the new zone into service");
}

/* --- programs that cannot stay up ---------------------------------------------------------------------- */

/* A directory with links to the programs of the build, but one that only exits. */
static void make_programs(const char *broken)
{
	static const char *const programs[] = { "authority", "frontend", "resolver", "compiler", "monitor" };
	snprintf(appliance.programs, sizeof(appliance.programs), "%s/programs", appliance.dir);
	MUST(mkdir(appliance.programs, 0755) == 0 || errno == EEXIST, "mkdir: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(programs); i++) {
		char from[512];
		char to[256];
		snprintf(from, sizeof(from), "%s/%s", roles_directory(), programs[i]);
		snprintf(to, sizeof(to), "%s/%s", appliance.programs, programs[i]);
		unlink(to);
		if (broken != NULL && strcmp(programs[i], broken) == 0) {
			harness_write(appliance.programs, programs[i], "#!/bin/sh\nexit 1\n");
			MUST(chmod(to, 0755) == 0, "chmod: %s", strerror(errno));
		} else {
			MUST(symlink(from, to) == 0, "symlink: %s", strerror(errno));
		}
	}
}

static void prepare_only(void)
{
	standard_prepare(&appliance, 100);
}

static bool answers_inside(void *ctx)
{
	(void)ctx;
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example", .timeout_ms = 300 };
	const struct reply *reply = client_ask(&ask);
	return reply->received && reply->message.rcode == RCODE_NOERROR;
}

/* From the start: views serve, status shows what does not. */
Test(broken_program, a_role_that_ends_at_once_leaves_the_others_serving, .init = prepare_only, .fini = stop)
{
	make_programs("resolver");
	appliance_launch(&appliance);
	MUST(harness_until(answers_inside, NULL, 10000), "the internal view does not serve");
	struct ask ask = { .server = EXTERNAL, .name = "www.example.com" };
	client_expect_ask(&ask, "NOERROR aa", "www.example.com. A 203.0.113.80", EDE_NONE);
	harness_sleep_ms(3000);
	struct role_process broken = appliance_role(&appliance, "resolver", "", 0);
	MUST(broken.restarts >= 1, "no second attempt within three seconds");
	MUST(broken.restarts <= 12, "%llu attempts in three seconds: no back-off", (unsigned long long)broken.restarts);
	MUST(strcmp(broken.state, appliance_role(&appliance, "authority", "internal", 0).state) != 0,
	     "status says \"%s\" of a role that cannot stay up", broken.state);
	MUST(appliance_control(&appliance, "status")->done.status != 0, "status reports that all is well");
	/* clients of the resolver's address get an answer, not silence (DESIGN 2.7) */
	ask = (struct ask){ .server = RESOLVER, .name = "intranet.corp.example", .flags = FLAG_RD };
	client_expect_ask(&ask, NULL, "intranet.corp.example. A 10.1.2.3", EDE_ANY);
	ask.name = "www.public.org";
	ask.timeout_ms = 15000;
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && reply->message.rcode == RCODE_SERVFAIL, "without a resolver: SERVFAIL expected");
}

/* While it runs: its programs are held open, so what becomes of their files is nothing to it. */
Test(broken_program, replaced_or_removed_while_it_runs_it_serves_on, .init = prepare_only, .fini = stop)
{
	make_programs(NULL);
	appliance_start(&appliance);
	for (int i = 0; i < 2; i++) {
		char path[256];
		struct role_process old = appliance_role(&appliance, "resolver", "", 0);
		make_programs("resolver");
		snprintf(path, sizeof(path), "%s/resolver", appliance.programs);
		MUST(i == 0 || unlink(path) == 0, "unlink: %s", strerror(errno));
		kill(old.pid, SIGKILL);
		MUST(appliance_wait_restarted(&appliance, &old, 20000) >= 0, "it does not come back");
		struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
		client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.80", EDE_ANY);
	}
}

/* bulkheadd says at once which program it does not have, or does not trust, and starts nothing. */
Test(broken_program, start_without_a_program_that_can_be_trusted, .init = prepare_only, .fini = stop)
{
	static const struct {
		const char *command; /* for the shell, in the directory of the programs */
		const char *why;
	} cases[] = {
		{ "rm compiler", "compiler: No such file or directory" },
		{ "rm monitor && mkdir monitor", "monitor: is no program" },
		{ "rm frontend && cp -L authority frontend && chmod 644 frontend", "frontend: is no program" },
		{ "rm frontend && cp -L authority frontend && chmod 757 frontend",
		  "frontend: may be written by others than bulkheadd itself" },
		{ "rm resolver && cp -L authority resolver && chown 65534 resolver && chmod 755 resolver",
		  "resolver: may be written by others than bulkheadd itself" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char command[512];
		char log[256];
		char daemon[512];
		char *spoil[] = { "/bin/sh", "-c", command, NULL };
		char *argv[] = { daemon, "-f", "-c", appliance.conf, "-L", appliance.programs, NULL };
		make_programs(NULL);
		snprintf(command, sizeof(command), "cd %s && %s", appliance.programs, cases[i].command);
		MUST(harness_run(spoil, NULL, 10000) == 0, "%s", command);
		snprintf(log, sizeof(log), "%s/start.log", appliance.dir);
		snprintf(daemon, sizeof(daemon), "%s/bulkheadd", build_directory());
		MUST(harness_run(argv, log, 10000) == 1, "%s: it starts", cases[i].command);
		char *text = harness_read(log);
		MUST(text != NULL && strstr(text, cases[i].why) != NULL, "%s: it says: %s", cases[i].command, text);
		free(text);
		snprintf(command, sizeof(command), "rm -r %s", appliance.programs);
		MUST(harness_run(spoil, NULL, 10000) == 0, "%s", command);
	}
}

/* --- the supervisor's start ------------------------------------------------------------------------------ */

/* A socket in the place of standard error would take the log. */
Test(broken_program, start_without_standard_descriptors, .init = prepare_only, .fini = stop)
{
	char command[512];
	snprintf(command, sizeof(command), "exec %s/bulkheadd -f -c %s -L %s 0<&- 1>&- 2>&-", build_directory(),
		 appliance.conf, appliance.programs);
	char *argv[] = { "/bin/sh", "-c", command, NULL };
	appliance.pid = harness_spawn(argv, NULL, NULL);
	MUST(harness_until(answers_inside, NULL, 10000), "the internal view does not serve");
	for (int fd = 0; fd <= 2; fd++) {
		char path[64];
		char target[64] = "";
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)appliance.pid, fd);
		MUST(readlink(path, target, sizeof(target) - 1) > 0 && strcmp(target, "/dev/null") == 0,
		     "descriptor %d is %s", fd, target);
	}
}

/* --- the supervisor's end --------------------------------------------------------------------------------- */

static bool all_gone(void *ctx)
{
	const pid_t *pids = ctx;
	for (unsigned i = 0; pids[i] != 0; i++) {
		if (harness_alive(pids[i])) {
			return false;
		}
	}
	return true;
}

/* Roles without a supervisor must not live on unseen. */
Test(life, roles_end_with_a_killed_supervisor)
{
	pid_t pids[APPLIANCE_ROLES_MAX + 1] = { 0 };
	MUST(harness_children(appliance.pid, pids, APPLIANCE_ROLES_MAX) >= 5, "the supervisor has no children");
	MUST(kill(appliance.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	harness_wait(appliance.pid, 2000);
	appliance.pid = 0;
	MUST(harness_until(all_gone, pids, 3000), "roles live on after their supervisor was killed");
	/* and the next one starts where the dead one left a socket */
	appliance_start(&appliance);
}

/* What a client has asked over TCP before the stop is answered before the end. */
Test(life, stop_drains_tcp)
{
	static const char *const servers[] = { INTERNAL, EXTERNAL, RESOLVER };
	static const char *const names[] = { "intranet.corp.example", "www.example.com", "www.public.org" };
	uint8_t out[2 + ASK_WIRE_MAX];
	uint8_t reply[4096];
	int fds[COUNT(servers)];
	for (size_t i = 0; i < COUNT(servers); i++) {
		struct ask ask = { .name = names[i], .flags = FLAG_RD };
		size_t len = ask_compose(&ask, (uint16_t)(40 + i), out + 2);
		put_u16(out, (uint16_t)len);
		fds[i] = client_tcp(servers[i], INSIDE);
		client_send(fds[i], out, len + 2);
		MUST(client_receive_tcp(fds[i], reply, sizeof(reply), 5000) > 0, "no reply before the stop");
		client_send(fds[i], out, len + 2);
	}
	harness_sleep_ms(20); /* they are accepted and read */
	kill(appliance.pid, SIGTERM);
	for (size_t i = 0; i < COUNT(servers); i++) {
		ssize_t n = client_receive_tcp(fds[i], reply, sizeof(reply), 5000);
		MUST(n > DNS_HEADER_SIZE && (reply[3] & 15) == RCODE_NOERROR, "%s did not answer what it had read",
		     servers[i]);
		close(fds[i]);
	}
	MUST(harness_wait(appliance.pid, 8000) == 0, "bulkheadd did not end with status 0");
	appliance.pid = 0;
}

Test(life, stop_by_control_and_start_again)
{
	for (int i = 0; i < 3; i++) {
		const struct ctl_answer *answer = appliance_control(&appliance, "stop");
		MUST(answer->done.status == 0, "stop: %s", answer->done.text);
		MUST(harness_wait(appliance.pid, 5000) == 0, "bulkheadd did not end with status 0");
		appliance.pid = 0;
		appliance_start(&appliance);
	}
}
