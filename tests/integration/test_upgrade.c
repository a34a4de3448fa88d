/*
 * Another version takes over while clients ask: not one query is lost, whoever should not take over does not, and
 * nothing is left behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/loads.h"
#include "tests/integration/standard.h"
#include "tests/integration/versions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPGRADES 20
#define PROGRAMS 5 /* of roles */
#define RATE 400	  /* queries in a second */

static struct appliance appliance;

static void start(void)
{
	versions_prepare(&appliance);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(upgrade, .init = start, .fini = stop);

Test(upgrade, another_version_takes_over_under_load)
{
	struct processes before = processes_of(&appliance);
	version_must_be(&appliance, 1);
	uint64_t generation = appliance_generation(&appliance);
	struct loads *loads = loads_start(true);
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	harness_sleep_ms(500);
	loads_judge(loads, "upgrade");

	version_must_be(&appliance, 2);
	processes_must_be_others(&appliance, &before);
	const struct ctl_row *row = version_status(&appliance);
	MUST(strcmp(row_text(row, "upgraded_from"), version_text(1)) == 0, "status does not tell the version before");
	MUST(strlen(row_text(row, "upgraded")) == strlen("2026-11-21T12:30:00Z"), "status does not tell the time");
	MUST(appliance_generation(&appliance) == generation + 1, "the generation did not go on");
	/* What it took over is whole: reload, restart of a role, and a stop without traces (in .fini). */
	appliance_reload(&appliance);
	struct role_process old = appliance_role(&appliance, "resolver", "", 0);
	MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	MUST(appliance_wait_restarted(&appliance, &old, 10000) >= 0, "a role does not come back after the upgrade");
}

static void write_conf(unsigned workers)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf), "appliance { workers = %u run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" "
				     "log-level = \"debug\" }\n%s%s%s%s",
		 workers, standard_internal, standard_external, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
}

/* Several workers; and the configuration that is read with the upgrade has others. */
Test(upgrade, several_workers_and_another_number_of_them)
{
	write_conf(3);
	appliance_reload(&appliance);
	struct loads *loads = loads_start(true);
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	write_conf(2);
	version_install(&appliance, 3);
	version_upgrade(&appliance);
	harness_sleep_ms(500);
	loads_judge(loads, "upgrade of 3 workers, and to 2");
	version_must_be(&appliance, 3);
	struct processes now = processes_of(&appliance);
	MUST(now.count == 2 * 5, "%u roles with two workers", now.count);
}

/* Images are handed over as they are: the compiler is not needed for what has not changed. */
Test(upgrade, images_are_handed_over)
{
	harness_sleep_ms(2100); /* younger files count as changed: SOURCES_RACY_NS */
	appliance_reload(&appliance); /* their images are read later than that */
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	MUST(appliance_logged(&appliance, "reloaded generation=3"), "generation 3 is not in the log");
	char *log = harness_read(appliance.log);
	char *line = strstr(log, "reloaded generation=3");
	MUST(strstr(line, "compiled=0 kept=8 loaded=0") != NULL, "zones were compiled: %.100s", line);
	free(log);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
}

/* --- what is being written below the state directory -------------------------------------------------------- */

static void write_corp(unsigned serial)
{
	char text[512];
	snprintf(text, sizeof(text),
		 "$ORIGIN corp.example.\n$TTL 300\n@ SOA ns hostmaster %u 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n", serial);
	appliance_file(&appliance, "internal/corp.example.zone", text);
	appliance_reload(&appliance);
}

static bool is_saved(void *ctx)
{
	(void)ctx;
	return appliance_writer(&appliance) == 0 &&
	       strstr(appliance_control(&appliance, "zone history corp.example")->done.text, "not written yet") == NULL;
}

/* Who holds this lock keeps the writer from going on. */
static int hold_state(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/state/internal", appliance.dir);
	MUST(harness_until(is_saved, NULL, 10000), "not all is written");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(fd >= 0 && flock(fd, LOCK_EX) == 0, "%s: %s", path, strerror(errno));
	return fd;
}

static bool has_writer(void *ctx)
{
	pid_t *pid = ctx;
	*pid = appliance_writer(&appliance);
	return *pid != 0;
}

static void must_have_serials(const char *wanted)
{
	char text[256] = "";
	size_t used = 0;
	unsigned from = 0;
	const struct ctl_row *row;
	MUST(harness_until(is_saved, NULL, 10000), "not all is written");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone history corp.example");
	while ((row = answer_next(answer, "generation", &from)) != NULL && used < sizeof(text)) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used > 0 ? " " : "",
					 (unsigned)row_number(row, "serial"));
	}
	MUST(strcmp(text, wanted) == 0, "history \"%s\" instead of \"%s\"", text, wanted);
}

/* The exec waits until all is written that was served, and nothing is lost. */
Test(upgrade, generations_that_are_not_written_yet_are_waited_for)
{
	char log[128];
	pid_t writer = 0;
	write_corp(100);
	int lock = hold_state();
	write_corp(101);
	MUST(harness_until(has_writer, &writer, 2000), "nothing is being written");
	write_corp(102);
	write_corp(103);
	version_install(&appliance, 2);
	snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
	pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
	MUST(appliance_log_wait(&appliance, "whether it can take over", 2000), "no upgrade");
	harness_sleep_ms(1500);
	close(lock);
	MUST(harness_wait(ctl, 20000) == 0, "the upgrade failed");
	version_must_be(&appliance, 2);
	must_have_serials("103 102 101 100 1");
	MUST(!appliance_logged(&appliance, "lost for histories"), "something was lost");
}

/* But not for a disk that hangs: the writer goes on beside the new program, which does not write before it has ended. */
Test(upgrade, a_writer_that_is_stuck_does_not_hold_up_an_upgrade)
{
	pid_t writer = 0;
	write_corp(100);
	int lock = hold_state();
	write_corp(101);
	MUST(harness_until(has_writer, &writer, 2000), "nothing is being written");
	version_install(&appliance, 2);
	uint64_t begun_ms = clock_now_ms();
	version_upgrade(&appliance);
	MUST(clock_now_ms() - begun_ms < 12000 * harness_slow(), "it took %u ms", (unsigned)(clock_now_ms() - begun_ms));
	version_must_be(&appliance, 2);
	MUST(appliance_logged(&appliance, "generations lost for histories count=0"), "the log does not say that it goes on");
	MUST(harness_alive(writer), "the writer was ended");
	write_corp(102);
	close(lock);
	must_have_serials("102 101 100 1");
	MUST(!harness_alive(writer), "the writer does not end");
}

Test(upgrade, many_upgrades_under_load_leave_nothing_behind)
{
	struct footprint first = { 0 }, last = { 0 };
	struct loads *loads = loads_start(false);
	for (unsigned i = 0; i < UPGRADES; i++) {
		version_install(&appliance, i % 2 == 0 ? 2 : 1);
		version_upgrade(&appliance);
		version_must_be(&appliance, i % 2 == 0 ? 2 : 1);
		last = footprint_of(&appliance);
		first = i == 1 ? last : first;
	}
	harness_sleep_ms(300);
	char what[64];
	snprintf(what, sizeof(what), "%d upgrades", UPGRADES);
	loads_judge(loads, what);
	fprintf(stderr, "after 2 and %d upgrades: descriptors %d %d, children %u %u, filters %llu %llu, memory %llu %llu kB\n",
		UPGRADES, first.descriptors, last.descriptors, first.children, last.children,
		(unsigned long long)first.filters, (unsigned long long)last.filters, (unsigned long long)first.kilobytes,
		(unsigned long long)last.kilobytes);
	footprint_must_fall_to(&appliance, first.descriptors);
	MUST(first.children == last.children, "processes leak");
	MUST(first.filters == last.filters && first.role_filters == last.role_filters, "filters pile up");
	MUST(last.kilobytes < first.kilobytes + 1024, "memory leaks");
}

/* --- programs of two versions ------------------------------------------------------------------------------- */

/* Who is killed, and who is asked meanwhile and must not feel it. */
static const struct {
	const char *role;
	const char *view;
	bool internal;
	bool external;
} victims[] = {
	{ "authority", "internal", false, true }, { "authority", "external", true, false },
	{ "authority", "world", true, true },	  { "frontend", "", true, true },
	{ "resolver", "", true, true },
};

static void must_lose_nothing(const char *what, struct load *load)
{
	struct load_result r = load == NULL ? (struct load_result){ .sent = RATE } : load_stop(load);
	MUST(load == NULL || (r.sent == r.answered && r.other == 0), "%s: sent %llu answered %llu other %llu", what,
	     (unsigned long long)r.sent, (unsigned long long)r.answered, (unsigned long long)r.other);
	MUST(r.sent > RATE / 10, "%s: the load did not ask enough to prove anything", what);
}

static bool is_gone(const char *link)
{
	char target[512];
	ssize_t len = readlink(link, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = '\0';
	return strncmp(target, appliance.programs, strlen(appliance.programs)) == 0 && strstr(target, " (deleted)") != NULL;
}

/* Processes of the appliance, but the one that writes, whose program is not the one on the disk. */
static unsigned replaced_programs(void)
{
	pid_t pids[APPLIANCE_ROLES_MAX + 1];
	unsigned count = appliance_children(&appliance, pids);
	unsigned replaced = 0;
	pids[count++] = appliance.pid;
	for (unsigned i = 0; i < count; i++) {
		char link[64];
		snprintf(link, sizeof(link), "/proc/%d/exe", (int)pids[i]);
		replaced += is_gone(link);
	}
	return replaced;
}

/* Descriptors of the supervisor to such programs. */
static unsigned held_replaced(void)
{
	unsigned held = 0;
	for (int fd = 0; fd < 1024; fd++) {
		char link[64];
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)appliance.pid, fd);
		held += is_gone(link);
	}
	return held;
}

/* What is executed by descriptor is called by a number, unless it says who it is. */
static void must_bear_their_names(void)
{
	struct processes now = processes_of(&appliance);
	for (unsigned i = 0; i < now.count; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)now.items[i].pid);
		char *comm = harness_read(path);
		MUST(comm != NULL && strcspn(comm, "\n") == strlen(now.items[i].role) &&
			     strncmp(comm, now.items[i].role, strlen(now.items[i].role)) == 0,
		     "%s is called %s", now.items[i].role, comm);
		free(comm);
	}
}

/* Between the unpacking of a package and the upgrade: the supervisor starts what it was started with. */
Test(upgrade, roles_of_the_old_version_come_back_until_it_is_replaced)
{
	char output[APPLIANCE_OUTPUT_MAX];
	version_install(&appliance, 2);
	for (size_t i = 0; i < COUNT(victims); i++) {
		struct load *internal =
			victims[i].internal ? load_start(INTERNAL, "load.corp.example", RATE, RCODE_NOERROR) : NULL;
		struct load *external =
			victims[i].external ? load_start(EXTERNAL, "load.example.com", RATE, RCODE_NOERROR) : NULL;
		struct role_process old = appliance_role(&appliance, victims[i].role, victims[i].view, 0);
		harness_sleep_ms(200);
		MUST(kill(old.pid, SIGKILL) == 0, "kill: %s", strerror(errno));
		MUST(appliance_wait_restarted(&appliance, &old, 10000) >= 0, "%s %s of the old version does not come back",
		     victims[i].role, victims[i].view);
		harness_sleep_ms(200);
		must_lose_nothing(victims[i].role, internal);
		must_lose_nothing(victims[i].role, external);
	}
	version_must_be(&appliance, 1);
	must_bear_their_names();
	MUST(!appliance_logged(&appliance, "of another build"), "a program of the new version was started");

	/* compilers, those of a reload and the one that shows a zone */
	char path[256];
	snprintf(path, sizeof(path), "%s/internal/corp.example.zone", appliance.dir);
	FILE *zone = fopen(path, "ae");
	MUST(zone != NULL && fputs("added.corp.example. 300 IN A 10.1.2.77\n", zone) >= 0 && fclose(zone) == 0, "%s: %s", path,
	     strerror(errno));
	appliance_reload(&appliance);
	struct ask ask = { .server = INTERNAL, .name = "added.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "added.corp.example. A 10.1.2.77", EDE_NONE);
	MUST(appliance_bulkheadctl(&appliance, "zone dump corp.example@internal", output) == 0, "dump: %s", output);

	/* Each of them runs a file that is gone; after the upgrade none does. */
	struct processes before = processes_of(&appliance);
	MUST(replaced_programs() == before.count + 1, "%u processes run a replaced program", replaced_programs());
	MUST(held_replaced() == PROGRAMS, "the supervisor holds %u replaced programs", held_replaced());
	version_upgrade(&appliance);
	version_must_be(&appliance, 2);
	processes_must_be_others(&appliance, &before);
	must_bear_their_names();
	MUST(replaced_programs() == 0, "%u processes run a replaced program after the upgrade", replaced_programs());
	MUST(held_replaced() == 0, "the supervisor holds %u replaced programs", held_replaced());
}

/* --- refused -------------------------------------------------------------------------------------------- */

static void break_missing_role(void)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/frontend", appliance.programs);
	MUST(unlink(path) == 0, "unlink: %s", strerror(errno));
}

static void break_role(void)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/resolver", appliance.programs);
	harness_write(appliance.programs, "resolver", "#!/bin/sh\nexit 1\n");
	MUST(chmod(path, 0755) == 0, "chmod: %s", strerror(errno));
}

static void leave_old_role(void)
{
	version_install_role(&appliance, "authority", 1);
}

static void break_compiler(void)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/compiler", appliance.programs);
	MUST(truncate(path, 4000) == 0, "truncate: %s", strerror(errno));
}

static void corrupt_supervisor(void)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/corrupt", appliance.programs);
	harness_write(appliance.programs, "corrupt", "this is no program\n");
	MUST(chmod(path, 0755) == 0 && rename(path, appliance.bulkheadd) == 0, "rename: %s", strerror(errno));
}

static void cut_supervisor(void)
{
	MUST(truncate(appliance.bulkheadd, 40000) == 0, "truncate: %s", strerror(errno));
}

static void remove_supervisor(void)
{
	MUST(unlink(appliance.bulkheadd) == 0, "unlink: %s", strerror(errno));
}

static void open_supervisor(void)
{
	MUST(chmod(appliance.bulkheadd, 0775) == 0, "chmod: %s", strerror(errno));
}

/* A program that speaks of another format of the record: its magic, as it stands in the program, is another. */
static void other_format(void)
{
	char from[512];
	snprintf(from, sizeof(from), "%s/bulkheadd", build_directory());
	program_install(from, appliance.bulkheadd, "BHSTATE", "BHSTATX");
}

/* A program that makes one more system call than the one that runs has left itself. */
static void greedy_supervisor(void)
{
	char from[512];
	snprintf(from, sizeof(from), "%s/tests/integration/greedy_bulkheadd", build_directory());
	program_install(from, appliance.bulkheadd, PACKAGE_VERSION, version_text(2));
}

static void unknowing_supervisor(void)
{
	program_install("/bin/false", appliance.bulkheadd, NULL, NULL); /* knows no -u */
}

static void break_configuration(void)
{
	appliance_configure(&appliance, CONF_HERE "view \"internal\" { nonsense = 1 }\n");
}

Test(upgrade, what_cannot_take_over_is_refused_and_nothing_changes)
{
	static const struct {
		const char *what;
		void (*spoil)(void);
		const char *why;
	} cases[] = {
		{ "a role program is missing", break_missing_role, "No such file" },
		{ "a role program does not run", break_role, "ends at once" },
		{ "a role program is of the version before", leave_old_role, "of another build" },
		{ "the compiler is cut", break_compiler, "ends at once" },
		{ "bulkheadd is no program", corrupt_supervisor, "cannot be started" },
		{ "bulkheadd is cut", cut_supervisor, "nothing has changed" },
		{ "bulkheadd is gone", remove_supervisor, "No such file" },
		{ "bulkheadd is writable by a group", open_supervisor, "only root can write" },
		{ "bulkheadd knows no upgrade", unknowing_supervisor, "knows no upgrade" },
		{ "the record has another format", other_format, "a restart is needed" },
		{ "more system calls", greedy_supervisor, "forbidden for good: mincore; it needs a restart" },
		{ "the configuration is broken", break_configuration, "nonsense" },
	};
	struct processes before = processes_of(&appliance);
	uint64_t generation = appliance_generation(&appliance);
	int descriptors = harness_fd_count(appliance.pid);
	struct loads *loads = loads_start(true);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char output[APPLIANCE_OUTPUT_MAX];
		version_install(&appliance, 2);
		cases[i].spoil();
		int status = appliance_bulkheadctl(&appliance, "upgrade", output);
		MUST(status == 2, "%s: status %d: %s", cases[i].what, status, output);
		MUST(strstr(output, cases[i].why) != NULL && strstr(output, "nothing has changed") != NULL,
		     "%s: it says: %s", cases[i].what, output);
		version_must_be(&appliance, 1);
		processes_must_be_the_same(&appliance, &before);
		MUST(appliance_generation(&appliance) == generation, "%s: the generation changed", cases[i].what);
	}
	loads_judge(loads, "refused upgrades");
	footprint_must_fall_to(&appliance, descriptors);
	/* and what can, does */
	write_conf(1);
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	version_must_be(&appliance, 2);
}

/* --- faults on the way ---------------------------------------------------------------------------------- */

/* Is this child of the supervisor a role that is not among those? */
static bool is_new_role(pid_t pid, const struct processes *before)
{
	char path[64];
	for (unsigned i = 0; i < before->count; i++) {
		if (before->items[i].pid == pid) {
			return false;
		}
	}
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	char *title = harness_read(path);
	bool role = title != NULL && strchr(title, '/') != NULL && strncmp(title, "bulkheadd", 9) != 0;
	free(title);
	return role;
}

/* Those that were there serve until their successors stand, however often those die. */
Test(upgrade, new_roles_that_are_killed_cost_nothing)
{
	char log[128];
	unsigned killed = 0;
	struct processes before = processes_of(&appliance);
	snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
	struct loads *loads = loads_start(true);
	version_install(&appliance, 2);
	pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
	uint64_t end = clock_now_ms() + 20000 * harness_slow();
	pid_t seen[8] = { 0 };
	while (killed < COUNT(seen) && clock_now_ms() < end) {
		pid_t children[APPLIANCE_ROLES_MAX];
		unsigned count = harness_children(appliance.pid, children, APPLIANCE_ROLES_MAX);
		for (unsigned i = 0; i < count && killed < COUNT(seen); i++) {
			bool known = false;
			for (unsigned k = 0; k < killed; k++) {
				known = known || seen[k] == children[i];
			}
			if (!known && is_new_role(children[i], &before)) {
				kill(children[i], SIGKILL);
				seen[killed++] = children[i];
			}
		}
	}
	MUST(killed == COUNT(seen), "only %u new roles were found", killed);
	MUST(harness_wait(ctl, 60000) == 0, "the upgrade did not go on: %s", harness_read(log));
	harness_sleep_ms(500);
	loads_judge(loads, "new roles killed");
	version_must_be(&appliance, 2);
	processes_must_be_others(&appliance, &before);
}

/* After exec there is no way back: the roles of the version before serve until the fault is mended. */
Test(upgrade, a_change_that_fails_leaves_the_old_roles_serving)
{
	static const char two[] = "view \"external\" {\n  listen = { \"203.0.113.53\", \"203.0.113.54@5300\" }\n"
				  "  zones-dir = \"@DIR@/external\"\n  rate-limit { mode = \"off\" }\n"
				  "  zone \"example.com\" { file = \"example.com.zone\" }\n}\n";
	static char conf[8192];
	char output[APPLIANCE_OUTPUT_MAX];
	struct processes before = processes_of(&appliance);
	harness_address("203.0.113.54/32");
	struct loads *loads = loads_start(true); /* before the socket is opened: they would hold it, too */
	struct sockaddr_storage sa;
	struct addr addr;
	MUST(addr_parse("203.0.113.54@5300", 53, &addr) == BH_OK, "address");
	int taken = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(bind(taken, (struct sockaddr *)&sa, addr_to_sockaddr(&addr, &sa)) == 0, "bind: %s", strerror(errno));
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, two, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
	version_install(&appliance, 2);
	int status = appliance_bulkheadctl(&appliance, "upgrade", output);
	MUST(status == 2 && strstr(output, "serve on") != NULL && strstr(output, "203.0.113.54") != NULL,
	     "upgrade: status %d: %s", status, output);
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	unsigned from = 0;
	MUST(answer->done.status == 1, "status %u while the old roles serve", answer->done.status);
	unsigned old_roles = 0;
	while (answer_next(answer, "old_role", &from) != NULL) {
		old_roles++;
	}
	MUST(old_roles == before.count, "status shows %u roles of the version before", old_roles);
	for (unsigned i = 0; i < before.count; i++) {
		MUST(harness_alive(before.items[i].pid), "%s of the version before is gone", before.items[i].role);
	}
	answer = appliance_control(&appliance, "upgrade");
	MUST(answer->done.status == 2 && strstr(answer->done.text, "still being replaced") != NULL, "a second upgrade: %s",
	     answer->done.text);
	close(taken);
	appliance_reload(&appliance);
	MUST(appliance_log_wait(&appliance, "upgraded from version", 20000), "the upgrade is not completed");
	harness_sleep_ms(300);
	loads_judge(loads, "a change that fails, then succeeds");
	version_must_be(&appliance, 2);
	processes_must_be_others(&appliance, &before);
}

Test(upgrade, only_if_the_programs_changed)
{
	char output[APPLIANCE_OUTPUT_MAX];
	struct processes before = processes_of(&appliance);
	uint64_t generation = appliance_generation(&appliance);
	int status = appliance_bulkheadctl(&appliance, "--if-changed upgrade", output);
	MUST(status == 0 && strstr(output, "is in service") != NULL, "status %d: %s", status, output);
	MUST(appliance_generation(&appliance) == generation + 1, "no reload");
	processes_must_be_the_same(&appliance, &before);
	version_install_role(&appliance, "authority", 1); /* the same program, but another file */
	status = appliance_bulkheadctl(&appliance, "--if-changed upgrade", output);
	MUST(status == 0 && strstr(output, "upgraded from") != NULL, "status %d: %s", status, output);
	processes_must_be_others(&appliance, &before);
	before = processes_of(&appliance);
	status = appliance_bulkheadctl(&appliance, "upgrade --if-changed", output);
	MUST(status == 0 && strstr(output, "is in service") != NULL, "status %d: %s", status, output);
	processes_must_be_the_same(&appliance, &before);
}
