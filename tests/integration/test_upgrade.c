/*
 * Another version takes over while clients ask: not one query is lost, whoever should not take over does not, and
 * nothing is left behind.
 *
 * The other version is a copy of the build in which the version text is another one, put in the place of the first by
 * rename, as packages do it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/dns/query.h"
#include "common/util/clock.h"
#include "tests/integration/client.h"
#include "tests/integration/groups.h"
#include "tests/integration/harness.h"
#include "tests/integration/http.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD_RATE 400
#define UPGRADES 20

static const char *const roles[] = { "authority", "frontend", "resolver", "compiler", "monitor" };
static struct appliance appliance;

/* --- programs ------------------------------------------------------------------------------------------- */

/*
 * PACKAGE_VERSION with another first digit: the text must not grow, and its end must stay, since the linker lets other
 * texts be ends of this one.
 */
static const char *version_text(unsigned number)
{
	static char text[2][64];
	static unsigned turn;
	char *out = text[turn++ % 2];
	snprintf(out, sizeof(text[0]), "%s", PACKAGE_VERSION);
	out[0] = (char)('0' + number);
	return out;
}

/* Copy a program, replacing some octets wherever they occur (NULL: none), and put the copy in place by rename. */
static void install(const char *from, const char *to, const char *octets, const char *by)
{
	char aside[256];
	struct stat st;
	snprintf(aside, sizeof(aside), "%s.new", to);
	int in = open(from, O_RDONLY | O_CLOEXEC);
	MUST(in >= 0 && fstat(in, &st) == 0, "%s: %s", from, strerror(errno));
	size_t len = (size_t)st.st_size;
	char *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, in, 0);
	MUST(bytes != MAP_FAILED, "mmap: %s", strerror(errno));
	size_t n = octets == NULL ? 0 : strlen(octets);
	for (char *at = bytes; n > 0 && (at = memmem(at, len - (size_t)(at - bytes), octets, n)) != NULL; at += n) {
		memcpy(at, by, n);
	}
	unlink(aside);
	int out = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	MUST(out >= 0, "%s: %s", aside, strerror(errno));
	for (size_t pos = 0; pos < len;) {
		ssize_t written = write(out, bytes + pos, len - pos);
		MUST(written > 0, "%s: %s", aside, strerror(errno));
		pos += (size_t)written;
	}
	MUST(close(out) == 0 && rename(aside, to) == 0, "%s: %s", to, strerror(errno));
	munmap(bytes, len);
	close(in);
}

static void install_role(const char *role, unsigned version)
{
	char from[512];
	char to[256];
	snprintf(from, sizeof(from), "%s/%s", roles_directory(), role);
	snprintf(to, sizeof(to), "%s/%s", appliance.programs, role);
	install(from, to, PACKAGE_VERSION, version_text(version));
}

static void install_supervisor(unsigned version)
{
	char from[512];
	snprintf(from, sizeof(from), "%s/bulkheadd", build_directory());
	install(from, appliance.bulkheadd, PACKAGE_VERSION, version_text(version));
}

static void install_version(unsigned version)
{
	for (size_t i = 0; i < COUNT(roles); i++) {
		install_role(roles[i], version);
	}
	install_supervisor(version);
}

static void prepare(void)
{
	standard_prepare(&appliance, 300);
	snprintf(appliance.programs, sizeof(appliance.programs), "%s/programs", appliance.dir);
	snprintf(appliance.bulkheadd, sizeof(appliance.bulkheadd), "%s/programs/bulkheadd", appliance.dir);
	MUST(mkdir(appliance.programs, 0755) == 0, "mkdir: %s", strerror(errno));
	install_version(1);
}

static void start(void)
{
	prepare();
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(upgrade, .init = start, .fini = stop);

/* --- loads ---------------------------------------------------------------------------------------------- */

/* UDP: names that nobody asked before, and one that is in the caches. */
static const struct {
	const char *server;
	const char *suffix;
} paths[] = {
	{ INTERNAL, "load.corp.example" }, { EXTERNAL, "load.example.com" }, { RESOLVER, "load.many.example" },
	{ RESOLVER, "load.public.org" },   { RESOLVER, "=www.public.org" },
};

/*
 * TCP: a query on each connection, or many on one. RFC 7766 6.2.4: a server may close a connection on which nothing is
 * in work; a client that had asked meanwhile asks again on a new one. Those are counted, and so are connections on which
 * the first query found no answer, which no server may do to its client.
 */
struct tcp_result {
	uint64_t sent;
	uint64_t answered;
	uint64_t lost; /* no answer on a new connection either, or none in time */
	uint64_t closed; /* between two queries */
};

struct tcp_load {
	struct tcp_result result;
	volatile sig_atomic_t stop;
	pid_t pid;
};

static const struct {
	const char *server;
	const char *name;
	bool keeps; /* one connection for many queries */
} streams[] = {
	{ INTERNAL, "intranet.corp.example", false }, { INTERNAL, "intranet.corp.example", true },
	{ EXTERNAL, "www.example.com", false },	      { RESOLVER, "intranet.corp.example", false },
	{ RESOLVER, "www.public.org", false },	      { RESOLVER, "www.public.org", true },
};

static bool tcp_ask(int fd, const char *name, uint16_t id)
{
	uint8_t out[2 + ASK_WIRE_MAX];
	uint8_t in[4096];
	struct ask ask = { .name = name, .flags = FLAG_RD };
	size_t len = ask_compose(&ask, id, out + 2);
	put_u16(out, (uint16_t)len);
	if (send(fd, out, len + 2, MSG_NOSIGNAL) != (ssize_t)len + 2) {
		return false;
	}
	size_t have = 0;
	while (have < 2 || have < 2u + get_u16(in)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&p, 1, 5000 * (int)harness_slow()) > 0 ? recv(fd, in + have, sizeof(in) - have, 0) : 0;
		if (n <= 0) {
			return false;
		}
		have += (size_t)n;
	}
	return get_u16(in + 2) == id && (in[5] & 15) == RCODE_NOERROR;
}

static void tcp_run(struct tcp_load *load, size_t which)
{
	struct tcp_result *r = &load->result;
	int fd = -1;
	uint16_t id = 0;
	while (!load->stop) {
		bool fresh = fd < 0;
		fd = fresh ? client_tcp_try(streams[which].server, NULL, 5000 * harness_slow()) : fd;
		bool answered = fd >= 0 && tcp_ask(fd, streams[which].name, ++id);
		r->closed += !fresh && !answered;
		if (fresh || answered) {
			r->sent++;
			r->answered += answered;
			r->lost += !answered;
		}
		if (fd >= 0 && (!answered || !streams[which].keeps)) {
			close(fd);
			fd = -1;
		}
		harness_sleep_ms(2);
	}
}

static struct tcp_load *tcp_start(size_t which)
{
	struct tcp_load *load = mmap(NULL, sizeof(*load), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(load != MAP_FAILED, "mmap: %s", strerror(errno));
	fflush(NULL);
	load->pid = fork();
	MUST(load->pid >= 0, "fork: %s", strerror(errno));
	if (load->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(0);
		tcp_run(load, which);
		_exit(0);
	}
	return load;
}

struct loads {
	struct load *udp[COUNT(paths)];
	struct tcp_load *tcp[COUNT(streams)];
};

/* kept: also those who keep their connections, for which an upgrade waits some seconds. */
static void start_loads(struct loads *loads, bool kept)
{
	for (size_t i = 0; i < COUNT(paths); i++) {
		loads->udp[i] = load_start(paths[i].server, paths[i].suffix, LOAD_RATE, RCODE_NOERROR);
	}
	for (size_t i = 0; i < COUNT(streams); i++) {
		loads->tcp[i] = kept || !streams[i].keeps ? tcp_start(i) : NULL;
	}
	harness_sleep_ms(500);
}

/* End the loads: nothing may be lost. Numbers are printed in any case. */
static void judge_loads(const char *what, struct loads *loads)
{
	uint64_t udp_sent = 0, udp_lost = 0, tcp_sent = 0, tcp_lost = 0, closed = 0, longest = 0;
	bool idle = false;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct load_result r = load_stop(loads->udp[i]);
		udp_sent += r.sent;
		udp_lost += r.sent - r.answered + r.other;
		longest = r.longest_ms > longest ? r.longest_ms : longest;
		idle = idle || r.sent < LOAD_RATE / 4;
		if (r.sent != r.answered || r.other != 0) {
			fprintf(stderr, "%s, UDP %s at %s: sent %llu answered %llu other %llu (rcode %llu)\n", what,
				paths[i].suffix, paths[i].server, (unsigned long long)r.sent,
				(unsigned long long)r.answered, (unsigned long long)r.other,
				(unsigned long long)r.other_rcode);
		}
	}
	for (size_t i = 0; i < COUNT(streams); i++) {
		struct tcp_load *load = loads->tcp[i];
		if (load == NULL) {
			continue;
		}
		load->stop = 1;
		MUST(harness_wait(load->pid, 15000) == 0, "the TCP load did not end");
		tcp_sent += load->result.sent;
		tcp_lost += load->result.lost;
		closed += load->result.closed;
		idle = idle || load->result.sent < 10;
		if (load->result.lost != 0) {
			fprintf(stderr, "%s, TCP %s at %s%s: sent %llu lost %llu\n", what, streams[i].name,
				streams[i].server, streams[i].keeps ? ", kept" : "",
				(unsigned long long)load->result.sent, (unsigned long long)load->result.lost);
		}
		munmap(load, sizeof(*load));
	}
	fprintf(stderr, "%s: UDP sent %llu lost %llu (longest %llu ms), TCP sent %llu lost %llu (closed between %llu)\n", what,
		(unsigned long long)udp_sent, (unsigned long long)udp_lost, (unsigned long long)longest,
		(unsigned long long)tcp_sent, (unsigned long long)tcp_lost, (unsigned long long)closed);
	MUST(!idle, "%s: a load did not ask enough to prove anything", what);
	MUST(udp_lost == 0 && tcp_lost == 0, "%s: queries were lost, see above", what);
}

/* --- what is asked of the appliance --------------------------------------------------------------------- */

static const struct ctl_row *appliance_row(void)
{
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(&appliance, "status"), "appliance", &from);
	MUST(row != NULL, "status tells nothing");
	return row;
}

static void must_be_version(const char *version)
{
	const struct ctl_row *row = appliance_row();
	MUST(strcmp(row_text(row, "version"), version) == 0, "version %s serves, expected %s", row_text(row, "version"),
	     version);
	MUST(strcmp(row_text(row, "state"), "running") == 0, "it is %s", row_text(row, "state"));
	MUST((pid_t)row_number(row, "pid") == appliance.pid, "the supervisor is another process");
}

struct processes {
	unsigned count;
	struct role_process items[APPLIANCE_ROLES_MAX];
};

static void must_be_others(const struct processes *before)
{
	struct processes now;
	now.count = appliance_roles(&appliance, now.items);
	MUST(now.count == before->count, "%u roles, there were %u", now.count, before->count);
	for (unsigned i = 0; i < now.count; i++) {
		MUST(strcmp(now.items[i].state, "running") == 0, "%s is %s", now.items[i].role, now.items[i].state);
		for (unsigned k = 0; k < before->count; k++) {
			MUST(now.items[i].pid != before->items[k].pid, "%s was not replaced", now.items[i].role);
		}
	}
	for (unsigned k = 0; k < before->count; k++) {
		MUST(!harness_alive(before->items[k].pid), "%s of the version before lives on", before->items[k].role);
	}
}

static void must_be_the_same(const struct processes *before)
{
	struct processes now;
	now.count = appliance_roles(&appliance, now.items);
	MUST(now.count == before->count, "%u roles, there were %u", now.count, before->count);
	for (unsigned i = 0; i < now.count; i++) {
		MUST(now.items[i].pid == before->items[i].pid && now.items[i].restarts == before->items[i].restarts,
		     "%s was touched", now.items[i].role);
	}
}

/* `bulkheadctl upgrade`: the answer of the new supervisor comes over the connection to the old one. */
static void must_upgrade(void)
{
	char output[APPLIANCE_OUTPUT_MAX];
	int status = appliance_bulkheadctl(&appliance, "upgrade", output);
	MUST(status == 0, "upgrade: status %d: %s", status, output);
	MUST(strstr(output, "upgraded from version") != NULL, "upgrade says: %s", output);
}

/* --- tests ---------------------------------------------------------------------------------------------- */

Test(upgrade, another_version_takes_over_under_load)
{
	struct loads loads;
	struct processes before;
	before.count = appliance_roles(&appliance, before.items);
	must_be_version(version_text(1));
	uint64_t generation = appliance_generation(&appliance);
	start_loads(&loads, true);
	install_version(2);
	must_upgrade();
	harness_sleep_ms(500);
	judge_loads("upgrade", &loads);

	must_be_version(version_text(2));
	must_be_others(&before);
	const struct ctl_row *row = appliance_row();
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
	struct loads loads;
	write_conf(3);
	appliance_reload(&appliance);
	start_loads(&loads, true);
	install_version(2);
	must_upgrade();
	write_conf(2);
	install_version(3);
	must_upgrade();
	harness_sleep_ms(500);
	judge_loads("upgrade of 3 workers, and to 2", &loads);
	must_be_version(version_text(3));
	struct processes now;
	now.count = appliance_roles(&appliance, now.items);
	MUST(now.count == 2 * 5, "%u roles with two workers", now.count);
}

/* Images are handed over as they are: the compiler is not needed for what has not changed. */
Test(upgrade, images_are_handed_over)
{
	harness_sleep_ms(2100); /* younger files count as changed: SOURCES_RACY_NS */
	appliance_reload(&appliance); /* their images are read later than that */
	install_version(2);
	must_upgrade();
	MUST(appliance_logged(&appliance, "reloaded generation=3"), "generation 3 is not in the log");
	char *log = harness_read(appliance.log);
	char *line = strstr(log, "reloaded generation=3");
	MUST(strstr(line, "compiled=0 kept=8 loaded=0") != NULL, "zones were compiled: %.100s", line);
	free(log);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
}

static uint64_t number_of(pid_t pid, const char *field)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	char *text = harness_read(path);
	char *at = text == NULL ? NULL : strstr(text, field);
	MUST(at != NULL, "%s has no %s", path, field);
	uint64_t value = strtoull(at + strlen(field), NULL, 10);
	free(text);
	return value;
}

struct footprint {
	int descriptors;
	unsigned children;
	uint64_t filters;
	uint64_t role_filters;
	uint64_t kilobytes;
};

static struct footprint look(void)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	struct role_process role = appliance_role(&appliance, "authority", "internal", 0);
	return (struct footprint){
		.descriptors = harness_fd_count(appliance.pid),
		.children = appliance_children(&appliance, children),
		.filters = number_of(appliance.pid, "Seccomp_filters:"),
		.role_filters = number_of(role.pid, "Seccomp_filters:"),
		.kilobytes = number_of(appliance.pid, "VmRSS:"),
	};
}

/* So many; a control connection that has just ended may still be open at the other end. */
static bool has_descriptors(void *ctx)
{
	const int *wanted = ctx;
	return harness_fd_count(appliance.pid) <= *wanted;
}

Test(upgrade, many_upgrades_under_load_leave_nothing_behind)
{
	struct loads loads;
	struct footprint first = { 0 }, last = { 0 };
	start_loads(&loads, false);
	for (unsigned i = 0; i < UPGRADES; i++) {
		install_version(i % 2 == 0 ? 2 : 1);
		must_upgrade();
		must_be_version(version_text(i % 2 == 0 ? 2 : 1));
		last = look();
		first = i == 1 ? last : first;
	}
	harness_sleep_ms(300);
	char what[64];
	snprintf(what, sizeof(what), "%d upgrades", UPGRADES);
	judge_loads(what, &loads);
	fprintf(stderr, "after 2 and %d upgrades: descriptors %d %d, children %u %u, filters %llu %llu, memory %llu %llu kB\n",
		UPGRADES, first.descriptors, last.descriptors, first.children, last.children,
		(unsigned long long)first.filters, (unsigned long long)last.filters, (unsigned long long)first.kilobytes,
		(unsigned long long)last.kilobytes);
	MUST(harness_until(has_descriptors, &first.descriptors, 5000), "descriptors leak");
	MUST(first.children == last.children, "processes leak");
	MUST(first.filters == last.filters && first.role_filters == last.role_filters, "filters pile up");
	MUST(last.kilobytes < first.kilobytes + 1024, "memory leaks");
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
	install_role("authority", 1);
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
	install(from, appliance.bulkheadd, "BHSTATE", "BHSTATX");
}

/* A program that makes one more system call than the one that runs has left itself. */
static void greedy_supervisor(void)
{
	char from[512];
	snprintf(from, sizeof(from), "%s/tests/integration/greedy_bulkheadd", build_directory());
	install(from, appliance.bulkheadd, PACKAGE_VERSION, version_text(2));
}

static void unknowing_supervisor(void)
{
	char path[256];
	install("/bin/true", appliance.bulkheadd, NULL, NULL);
	snprintf(path, sizeof(path), "%s", appliance.bulkheadd);
	install("/bin/false", path, NULL, NULL); /* knows no -u */
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
	struct loads loads;
	struct processes before;
	before.count = appliance_roles(&appliance, before.items);
	uint64_t generation = appliance_generation(&appliance);
	int descriptors = harness_fd_count(appliance.pid);
	start_loads(&loads, true);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char output[APPLIANCE_OUTPUT_MAX];
		install_version(2);
		cases[i].spoil();
		int status = appliance_bulkheadctl(&appliance, "upgrade", output);
		MUST(status == 2, "%s: status %d: %s", cases[i].what, status, output);
		MUST(strstr(output, cases[i].why) != NULL && strstr(output, "nothing has changed") != NULL,
		     "%s: it says: %s", cases[i].what, output);
		must_be_version(version_text(1));
		must_be_the_same(&before);
		MUST(appliance_generation(&appliance) == generation, "%s: the generation changed", cases[i].what);
	}
	judge_loads("refused upgrades", &loads);
	MUST(harness_until(has_descriptors, &descriptors, 2000), "refused upgrades leak descriptors: %d, there were %d",
	     harness_fd_count(appliance.pid), descriptors);
	/* and what can, does */
	write_conf(1);
	install_version(2);
	must_upgrade();
	must_be_version(version_text(2));
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
	struct loads loads;
	struct processes before;
	char log[128];
	unsigned killed = 0;
	before.count = appliance_roles(&appliance, before.items);
	snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
	start_loads(&loads, true);
	install_version(2);
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
	judge_loads("new roles killed", &loads);
	must_be_version(version_text(2));
	must_be_others(&before);
}

/* After exec there is no way back: the roles of the version before serve until the fault is mended. */
Test(upgrade, a_change_that_fails_leaves_the_old_roles_serving)
{
	static const char two[] = "view \"external\" {\n  listen = { \"203.0.113.53\", \"203.0.113.54@5300\" }\n"
				  "  zones-dir = \"@DIR@/external\"\n  rate-limit { mode = \"off\" }\n"
				  "  zone \"example.com\" { file = \"example.com.zone\" }\n}\n";
	static char conf[8192];
	struct loads loads;
	struct processes before;
	char output[APPLIANCE_OUTPUT_MAX];
	before.count = appliance_roles(&appliance, before.items);
	harness_address("203.0.113.54/32");
	start_loads(&loads, true); /* before the socket is opened: they would hold it, too */
	struct sockaddr_storage sa;
	struct addr addr;
	MUST(addr_parse("203.0.113.54@5300", 53, &addr) == BH_OK, "address");
	int taken = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(bind(taken, (struct sockaddr *)&sa, addr_to_sockaddr(&addr, &sa)) == 0, "bind: %s", strerror(errno));
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, two, standard_world, standard_resolver);
	appliance_configure(&appliance, conf);
	install_version(2);
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
	judge_loads("a change that fails, then succeeds", &loads);
	must_be_version(version_text(2));
	must_be_others(&before);
}

/* --- other requests at the same time -------------------------------------------------------------------- */

Test(upgrade, reloads_and_signals_meanwhile_are_answered)
{
	struct loads loads;
	char logs[4][128];
	pid_t ctl[4];
	static const char *const words[4] = { "upgrade", "upgrade", "reload", "reload" };
	start_loads(&loads, true);
	install_version(2);
	for (int i = 0; i < 4; i++) {
		snprintf(logs[i], sizeof(logs[i]), "%s/ctl%d.log", appliance.dir, i);
		ctl[i] = appliance_spawn_bulkheadctl(&appliance, words[i], logs[i]);
		harness_sleep_ms(30);
	}
	for (int i = 0; i < 100; i++) {
		kill(appliance.pid, SIGHUP); /* also while there is no handler */
		harness_sleep_ms(10);
	}
	for (int i = 0; i < 4; i++) {
		int status = harness_wait(ctl[i], 60000);
		char *text = harness_read(logs[i]);
		MUST(status == (i == 1 ? 2 : 0), "%s: status %d: %s", words[i], status, text);
		MUST(strstr(text, i == 0   ? "upgraded from"
				  : i == 1 ? "another upgrade is under way"
					   : "is in service") != NULL,
		     "%s says: %s", words[i], text);
		free(text);
	}
	harness_sleep_ms(500);
	judge_loads("upgrade with reloads", &loads);
	must_be_version(version_text(2));
}

/* It waits for the end of the reload; a second one that comes meanwhile is done with the first. */
Test(upgrade, an_upgrade_during_a_reload_follows_it)
{
	char logs[3][128];
	pid_t ctl[3];
	static const char *const words[3] = { "reload", "upgrade", "upgrade" };
	MUST(kill(appliance.pid, SIGSTOP) == 0, "kill: %s", strerror(errno)); /* so that all are there at once */
	for (int i = 0; i < 3; i++) {
		snprintf(logs[i], sizeof(logs[i]), "%s/ctl%d.log", appliance.dir, i);
		ctl[i] = appliance_spawn_bulkheadctl(&appliance, words[i], logs[i]);
		harness_sleep_ms(200 * harness_slow()); /* in this order */
	}
	MUST(kill(appliance.pid, SIGCONT) == 0, "kill: %s", strerror(errno));
	for (int i = 0; i < 3; i++) {
		int status = harness_wait(ctl[i], 60000);
		char *text = harness_read(logs[i]);
		MUST(status == 0 && strstr(text, i == 0 ? "is in service" : "upgraded from") != NULL, "%s: status %d: %s",
		     words[i], status, text);
		free(text);
	}
	must_be_version(version_text(1)); /* another process would be needed for a reload with programs of two versions */
}

Test(upgrade, only_if_the_programs_changed)
{
	char output[APPLIANCE_OUTPUT_MAX];
	struct processes before;
	before.count = appliance_roles(&appliance, before.items);
	uint64_t generation = appliance_generation(&appliance);
	int status = appliance_bulkheadctl(&appliance, "--if-changed upgrade", output);
	MUST(status == 0 && strstr(output, "is in service") != NULL, "status %d: %s", status, output);
	MUST(appliance_generation(&appliance) == generation + 1, "no reload");
	must_be_the_same(&before);
	install_role("authority", 1); /* the same program, but another file */
	status = appliance_bulkheadctl(&appliance, "--if-changed upgrade", output);
	MUST(status == 0 && strstr(output, "upgraded from") != NULL, "status %d: %s", status, output);
	must_be_others(&before);
	before.count = appliance_roles(&appliance, before.items);
	status = appliance_bulkheadctl(&appliance, "upgrade --if-changed", output);
	MUST(status == 0 && strstr(output, "is in service") != NULL, "status %d: %s", status, output);
	must_be_the_same(&before);
}

/* .fini stops: no process of either version may outlive it, at any moment of the upgrade. */
Test(upgrade, a_stop_at_any_moment_leaves_nothing)
{
	for (unsigned i = 0; i < 12; i++) {
		char log[128];
		pid_t pids[APPLIANCE_ROLES_MAX];
		snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
		install_version(1 + i % 2);
		pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
		harness_sleep_ms(60 * i);
		unsigned count = harness_children(appliance.pid, pids, APPLIANCE_ROLES_MAX);
		appliance_stop(&appliance);
		for (unsigned k = 0; k < count; k++) {
			MUST(!harness_alive(pids[k]), "process %d outlived the appliance", (int)pids[k]);
		}
		harness_wait(ctl, 10000);
		appliance_start(&appliance);
	}
}

/*
 * The moment of the exec: the old program has heard a signal before it, or the new one hears it. Signals are sent from
 * when the old one says that it goes until the new one has taken over.
 */
Test(upgrade, a_signal_on_the_way_to_the_new_program_is_heard)
{
	char log[128];
	snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
	for (unsigned i = 0; i < 8; i++) {
		install_version(1 + i % 2);
		appliance_stop(&appliance);
		unlink(appliance.log); /* the next supervisor begins another one */
		appliance_start(&appliance);
		pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
		uint64_t end = clock_now_ms() + 10000 * harness_slow();
		while (!appliance_logged(&appliance, "roles serve on") && clock_now_ms() < end) {
		}
		usleep(i * 200);
		appliance_stop(&appliance);
		harness_wait(ctl, 10000);
		appliance_start(&appliance);
	}
}

/* --- with all that an appliance may have ---------------------------------------------------------------- */

#define WHOLE_UPGRADES 10

/* Somebody who scrapes all the time. A verdict that something does not answer is no lost answer, but has its time. */
struct scrapes {
	uint64_t asked;
	uint64_t lost; /* no metrics */
	uint64_t unwell;
	uint64_t unwell_ms; /* the longest */
	uint64_t generation; /* the highest one that was told */
	uint64_t back; /* times that a lower one was told after it */
	char why[512];
	volatile sig_atomic_t stop;
	pid_t pid;
};

/* The status of the answer, 0: there is none. */
static int scrape(const char *path, char *body, size_t size)
{
	char request[256];
	size_t len = 0;
	int status = 0;
	int fd = client_tcp_try(MONITOR, INSIDE, 5000 * harness_slow());
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n", path);
	body[0] = '\0';
	if (fd < 0 || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		return 0;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, 5000 * (int)harness_slow()) > 0 ? recv(fd, body + len, size - 1 - len, 0) : -1;
		if (got <= 0) {
			len = got < 0 ? 0 : len; /* reset on the way: not an answer */
			break;
		}
		len += (size_t)got;
	}
	body[len] = '\0';
	close(fd);
	return sscanf(body, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

static void scrapes_run(struct scrapes *s)
{
	static char body[1 << 18];
	uint64_t since_ms = 0;
	while (!s->stop) {
		s->asked++;
		bool answered = scrape("/metrics", body, sizeof(body)) == 200;
		const char *at = strstr(body, "\nbulkhead_generation ");
		uint64_t generation = at == NULL ? 0 : strtoull(at + strlen("\nbulkhead_generation "), NULL, 10);
		s->lost += !answered || generation == 0;
		s->back += answered && generation < s->generation;
		s->generation = generation > s->generation ? generation : s->generation;
		int status = scrape("/healthz", body, sizeof(body));
		s->lost += status != 200 && status != 503;
		if (status == 503) {
			since_ms = since_ms == 0 ? clock_now_ms() : since_ms;
			uint64_t took_ms = clock_now_ms() - since_ms;
			s->unwell++;
			if (took_ms >= s->unwell_ms) {
				s->unwell_ms = took_ms;
				snprintf(s->why, sizeof(s->why), "%.500s", strstr(body, "\r\n\r\n"));
			}
		} else {
			since_ms = 0;
		}
		harness_sleep_ms(20);
	}
}

static struct scrapes *scrapes_start(void)
{
	struct scrapes *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(s != MAP_FAILED, "mmap: %s", strerror(errno));
	fflush(NULL);
	s->pid = fork();
	MUST(s->pid >= 0, "fork: %s", strerror(errno));
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(0);
		scrapes_run(s);
		_exit(0);
	}
	return s;
}

static void judge_scrapes(struct scrapes *s)
{
	s->stop = 1;
	MUST(harness_wait(s->pid, 15000) == 0, "who scrapes did not end");
	fprintf(stderr, "scraped %llu times, lost %llu, not well %llu times, at most for %llu ms: %s\n",
		(unsigned long long)s->asked, (unsigned long long)s->lost, (unsigned long long)s->unwell,
		(unsigned long long)s->unwell_ms, s->why);
	MUST(s->asked > 50, "too few to prove anything");
	MUST(s->lost == 0, "metrics were lost");
	/* New roles have asked themselves and each other before those that are asked for it are there, or right after. */
	MUST(s->unwell_ms < 800 * harness_slow(), "not well for %llu ms", (unsigned long long)s->unwell_ms);
	munmap(s, sizeof(*s));
}

static bool is_well(void *ctx)
{
	(void)ctx;
	return http_get(MONITOR, INSIDE, "/healthz")->status == 200;
}

/* What this monitor tells is what these roles have counted, and of itself. */
static void must_be_of_these_roles(void)
{
	static const char sample[] = "bulkhead_authority_queries_total{view=\"external\",transport=\"udp\",worker=\"0\"}";
	MUST(harness_until(is_well, NULL, 15000 * harness_slow()), "not well: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
	harness_sleep_ms(1200); /* the page of metrics is made anew each second, and so are the facts */
	double before = http_metric(http_get(MONITOR, INSIDE, "/metrics"), sample);
	for (int i = 0; i < 5; i++) {
		struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "www.example.com" };
		MUST(client_ask(&ask)->received, "no reply");
	}
	harness_sleep_ms(1200);
	const struct http_reply *r = http_get(MONITOR, INSIDE, "/metrics");
	MUST(before >= 0 && http_metric(r, sample) == before + 5, "queries: %f, they were %f", http_metric(r, sample), before);
	MUST(http_metric(r, "bulkhead_generation") == (double)appliance_generation(&appliance), "generation");
	MUST(http_metric(r, "bulkhead_healthy") == 1, "it does not say that all is well");
	MUST(http_metric(r, "bulkhead_role_confined{role=\"resolver\",worker=\"0\"}") == 1, "confined");
	MUST(http_metric(r, "bulkhead_role_restarts_total{role=\"resolver\",worker=\"0\"}") == 0, "restarts");
}

/* A process of ours in the control group of the resolver meets what the resolver would. */
static int ask_from_group_of(pid_t pid, const char *server)
{
	char path[64];
	char procs[1200] = "";
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	char *text = harness_read(path);
	char *group = text == NULL ? NULL : strstr(text, "0::");
	MUST(group != NULL, "%s", path);
	group[strcspn(group, "\n")] = '\0';
	static const char *const places[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	for (size_t i = 0; i < COUNT(places) && (procs[0] == '\0' || access(procs, W_OK) != 0); i++) {
		snprintf(procs, sizeof(procs), "%s%.1000s/cgroup.procs", places[i], group + 3);
	}
	free(text);
	fflush(NULL);
	pid_t child = fork();
	MUST(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		struct sockaddr_storage sa;
		struct addr addr;
		int fd = open(procs, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1 || addr_parse(server, 53, &addr) != BH_OK) {
			_exit(99);
		}
		int s = socket(AF_INET, SOCK_DGRAM, 0);
		socklen_t len = addr_to_sockaddr(&addr, &sa);
		_exit(sendto(s, "x", 1, 0, (struct sockaddr *)&sa, len) == 1 ? 0 : errno);
	}
	return harness_wait(child, 5000);
}

static void must_be_walled(void)
{
	if (groups_no_local_wall() != NULL) {
		return;
	}
	pid_t pid = appliance_role(&appliance, "resolver", "", 0).pid;
	MUST(strcmp(row_text(appliance_row(), "local_wall"), "on") == 0, "status: local wall is %s",
	     row_text(appliance_row(), "local_wall"));
	int status = ask_from_group_of(pid, INTERNAL);
	MUST(status == EPERM, "the resolver's group may ask the internal view: %s", strerror(status));
	status = ask_from_group_of(pid, EXTERNAL);
	MUST(status == 0, "the resolver's group may not ask the external view: %s", strerror(status));
}

static const char *history_text(void)
{
	static char text[2][1024];
	static unsigned turn;
	char *out = text[turn++ % 2];
	const struct ctl_answer *answer = appliance_control(&appliance, "zone history example.com@external");
	const struct ctl_row *row;
	unsigned from = 0;
	size_t used = 0;
	while ((row = answer_next(answer, "generation", &from)) != NULL && used < 900) {
		used += (size_t)snprintf(out + used, 1024 - used, "%llu %llu %s %s %s; ",
					 (unsigned long long)row_number(row, "number"),
					 (unsigned long long)row_number(row, "serial"), row_text(row, "cause"),
					 row_text(row, "state"), row_text(row, "detail"));
	}
	return out;
}

static bool is_saved(void *ctx)
{
	(void)ctx;
	return strstr(appliance_control(&appliance, "zone history example.com@external")->done.text, "not written yet") == NULL;
}

static const char *version_served(void)
{
	static char text[64];
	struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "version.example.com", .type = RR_TXT };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received, "no reply");
	snprintf(text, sizeof(text), "%s", reply_has_octets(reply, "\3two", 4) ? "two" : reply_has_octets(reply, "\3one", 4) ? "one" : "none");
	return text;
}

/* The external zone goes back from version two to version one. */
static void roll_back(void)
{
	static char zone[4096];
	snprintf(zone, sizeof(zone), "%s", standard_external_zone);
	char *at = strstr(zone, "\"one\"");
	memcpy(at, "\"two\"", 5);
	at = strstr(zone, "hostmaster 1 ");
	memcpy(at, "hostmaster 2 ", 13);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
	appliance_file(&appliance, "external/example.com.zone", zone);
	appliance_reload(&appliance);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone rollback example.com@external");
	MUST(answer->done.status == 1, "rollback: %u %s", answer->done.status, answer->done.text);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
}

static void add_monitor(void)
{
	standard_add_monitor(&appliance);
	appliance_reload(&appliance);
	MUST(harness_until(is_well, NULL, 15000 * harness_slow()), "not well: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
}

Test(upgrade, monitor_rollback_and_local_wall_go_on)
{
	struct loads loads;
	struct footprint first = { 0 }, last = { 0 };
	int monitor_first = 0, monitor_last = 0;
	add_monitor();
	must_be_walled();
	roll_back();
	char history[1024];
	snprintf(history, sizeof(history), "%s", history_text());
	MUST(strcmp(version_served(), "one") == 0, "not rolled back");
	start_loads(&loads, false);
	struct scrapes *scrapes = scrapes_start();
	for (unsigned i = 0; i < WHOLE_UPGRADES; i++) {
		struct processes before;
		before.count = appliance_roles(&appliance, before.items);
		install_version(i % 2 == 0 ? 2 : 1);
		must_upgrade();
		must_be_version(version_text(i % 2 == 0 ? 2 : 1));
		must_be_others(&before);
		MUST(strcmp(version_served(), "one") == 0, "the rollback is gone");
		last = look();
		first = i == 1 ? last : first;
		monitor_last = harness_fd_count(appliance_role(&appliance, "monitor", "", 0).pid);
		monitor_first = i == 1 ? monitor_last : monitor_first;
	}
	harness_sleep_ms(1500);
	judge_scrapes(scrapes);
	judge_loads("upgrades with a monitor", &loads);
	must_be_of_these_roles();
	must_be_walled();
	MUST(strcmp(history_text(), history) == 0, "the history was: %s, it is: %s", history, history_text());
	MUST(harness_until(has_descriptors, &first.descriptors, 5000), "descriptors leak: %d, then %d", first.descriptors,
	     last.descriptors);
	/* who scrapes has a connection now and then */
	MUST(monitor_last <= monitor_first + 4, "descriptors of the monitor: %d, then %d", monitor_first, monitor_last);
	MUST(first.children == last.children, "processes leak");
	/* Also over a start: its file on disk is of the version that rolled back. */
	install_version(2);
	must_upgrade();
	appliance_stop(&appliance);
	appliance_start(&appliance);
	MUST(strcmp(version_served(), "one") == 0, "a start after an upgrade ends the rollback");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone release example.com@external");
	MUST(answer->done.status == 0, "release: %u %s", answer->done.status, answer->done.text);
	MUST(strcmp(version_served(), "two") == 0, "not released");
}

/* Clients that keep their connections keep the frontend before for seconds: its monitor is not to speak meanwhile. */
Test(upgrade, the_monitor_before_does_not_take_turns_with_its_successor)
{
	struct loads loads;
	add_monitor();
	start_loads(&loads, true);
	int fd = client_tcp(RESOLVER, INSIDE);
	MUST(tcp_ask(fd, "www.public.org", 7), "no answer");
	struct scrapes *scrapes = scrapes_start();
	harness_sleep_ms(500);
	uint64_t before = scrapes->generation;
	uint64_t begin_ms = clock_now_ms();
	install_version(2);
	must_upgrade();
	unsigned took = (unsigned)(clock_now_ms() - begin_ms);
	harness_sleep_ms(500);
	uint64_t back = scrapes->back;
	MUST(scrapes->generation == before + 1, "the new monitor does not tell");
	close(fd);
	judge_scrapes(scrapes);
	judge_loads("upgrade with kept connections", &loads);
	fprintf(stderr, "%llu answers of the monitor before, behind those of the new one, in %u ms\n", (unsigned long long)back,
		took);
	MUST(back <= 3, "%llu answers of the monitor before, behind those of the new one", (unsigned long long)back);
}

/* One begins when the other has ended, whichever came first. */
Test(upgrade, upgrades_and_changes_of_one_zone_wait_for_each_other)
{
	static const char *const words[][2] = { { "zone rollback --release example.com@external", "upgrade" },
						{ "zone rollback --release example.com@external", "reload" },
						{ "upgrade", "zone rollback --release example.com@external" } };
	for (size_t i = 0; i < COUNT(words); i++) {
		pid_t ctl[2];
		char logs[2][128];
		char *text[2];
		int status[2];
		roll_back();
		MUST(kill(appliance.pid, SIGSTOP) == 0, "kill: %s", strerror(errno)); /* so that both are there at once */
		for (unsigned k = 0; k < 2; k++) {
			snprintf(logs[k], sizeof(logs[k]), "%s/ctl%u.log", appliance.dir, k);
			ctl[k] = appliance_spawn_bulkheadctl(&appliance, words[i][k], logs[k]);
			harness_sleep_ms(200 * harness_slow());
		}
		MUST(kill(appliance.pid, SIGCONT) == 0, "kill: %s", strerror(errno));
		for (unsigned k = 0; k < 2; k++) {
			status[k] = harness_wait(ctl[k], 20000);
			text[k] = harness_read(logs[k]);
		}
		MUST(status[0] == 0, "%s: %d %s", words[i][0], status[0], text[0]);
		if (i < 2) {
			MUST(status[1] == 0, "%s after %s: %d %s", words[i][1], words[i][0], status[1], text[1]);
			MUST(strcmp(version_served(), "two") == 0, "not released");
		} else {
			MUST(status[1] == 2 && strstr(text[1], "an upgrade is under way") != NULL, "%d %s", status[1], text[1]);
			MUST(strcmp(version_served(), "one") == 0, "released");
		}
		free(text[0]);
		free(text[1]);
		appliance_file(&appliance, "external/example.com.zone", standard_external_zone);
		appliance_reload(&appliance);
	}
}
