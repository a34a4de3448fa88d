/*
 * Starting and stopping an appliance, and what `status` says about its processes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/appliance.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/groups.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READY_MS 10000
#define STOP_MS 10000

const char *build_directory(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("BULKHEAD_BUILD_DIR");
	MUST(realpath(given == NULL ? BH_BUILD_DIR : given, path) != NULL, "build directory %s: %s",
	     given == NULL ? BH_BUILD_DIR : given, strerror(errno));
	return path;
}

const char *roles_directory(void)
{
	const char *dir = getenv("BULKHEAD_TEST_ROLES");
	MUST(dir != NULL, "no role programs: not started by harness_main");
	return dir;
}

void appliance_init(struct appliance *a)
{
	memset(a, 0, sizeof(*a));
	a->notify = -1;
	harness_make_directory(a->dir);
	snprintf(a->conf, sizeof(a->conf), "%s/bulkhead.conf", a->dir);
	snprintf(a->log, sizeof(a->log), "%s/log", a->dir);
	snprintf(a->socket, sizeof(a->socket), "%s/run/control.sock", a->dir);
	snprintf(a->programs, sizeof(a->programs), "%s", roles_directory());
	harness_show(a->log);
}

/* The caller frees. */
static char *replaced(const char *text, const char *place, const char *with)
{
	size_t room = strlen(text) + 1;
	for (const char *p = strstr(text, place); p != NULL; p = strstr(p + 1, place)) {
		room += strlen(with);
	}
	char *out = malloc(room);
	MUST(out != NULL, "out of memory");
	size_t at = 0;
	for (const char *p = text;;) {
		const char *next = strstr(p, place);
		size_t len = next == NULL ? strlen(p) : (size_t)(next - p);
		memcpy(out + at, p, len);
		at += len;
		if (next == NULL) {
			break;
		}
		memcpy(out + at, with, strlen(with));
		at += strlen(with);
		p = next + strlen(place);
	}
	out[at] = '\0';
	return out;
}

void appliance_file(struct appliance *a, const char *name, const char *text)
{
	char *out = replaced(text, "@DIR@", a->dir);
	if (groups_no_local_wall() != NULL) { /* else resolvers would not start */
		char *without = replaced(out, "resolver {", "resolver { local-wall = \"off\" ");
		free(out);
		out = without;
	}
	harness_write(a->dir, name, out);
	free(out);
}

void appliance_programs(struct appliance *a, const char *role, const char *plan)
{
	static const char *const programs[] = { "authority", "frontend", "resolver", "compiler", "monitor" };
	snprintf(a->programs, sizeof(a->programs), "%s/programs", a->dir);
	bool there = mkdir(a->programs, 0755) != 0;
	MUST(!there || errno == EEXIST, "mkdir: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(programs); i++) {
		char from[512];
		char to[256];
		char name[64];
		if (!there) {
			char *argv[] = { "cp", from, to, NULL };
			snprintf(from, sizeof(from), "%s/tests/integration/hostile_role", build_directory());
			snprintf(to, sizeof(to), "%s/%s", a->programs, programs[i]);
			MUST(harness_run(argv, NULL, 10000) == 0, "cannot copy the hostile role");
			MUST(chmod(to, 0755) == 0, "chmod: %s", strerror(errno));
			snprintf(from, sizeof(from), "%s/%s", roles_directory(), programs[i]);
			snprintf(to, sizeof(to), "%s/%s.honest", a->programs, programs[i]);
			MUST(symlink(from, to) == 0, "symlink: %s", strerror(errno));
		}
		snprintf(name, sizeof(name), "%s.plan", programs[i]);
		snprintf(to, sizeof(to), "%s/%s", a->programs, name);
		if (role != NULL && strcmp(programs[i], role) == 0) {
			harness_write(a->programs, name, plan);
		} else {
			MUST(unlink(to) == 0 || errno == ENOENT, "unlink: %s", strerror(errno));
		}
	}
}

void appliance_configure(struct appliance *a, const char *text)
{
	appliance_file(a, "bulkhead.conf", text);
}

static pid_t spawn_supervisor(struct appliance *a, const char *option, const char *log, const char *env)
{
	static char program[PATH_MAX];
	if (a->bulkheadd[0] != '\0') {
		snprintf(program, sizeof(program), "%s", a->bulkheadd);
	} else {
		snprintf(program, sizeof(program), "%s/bulkheadd", build_directory());
	}
	char *argv[] = { program, "-f", "-c", a->conf, "-L", a->programs, (char *)option, NULL };
	return harness_spawn_in(a->network_of, argv, log, env);
}

void appliance_launch(struct appliance *a)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/notify", a->dir);
	static char env[sizeof(to.sun_path) + 16];
	snprintf(env, sizeof(env), "NOTIFY_SOCKET=%s", to.sun_path);

	unlink(to.sun_path);
	a->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	MUST(a->notify >= 0 && bind(a->notify, (struct sockaddr *)&to, sizeof(to)) == 0, "notify socket: %s",
	     strerror(errno));
	a->pid = spawn_supervisor(a, NULL, a->log, env);
}

bool appliance_wait_ready(struct appliance *a, unsigned limit_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)limit_ms * harness_slow();
	while (clock_now_ms() < end) {
		char text[1024];
		struct pollfd p = { .fd = a->notify, .events = POLLIN };
		if (poll(&p, 1, 20) > 0) {
			ssize_t n = recv(a->notify, text, sizeof(text) - 1, MSG_DONTWAIT);
			text[n > 0 ? n : 0] = '\0';
			if (strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1") != NULL) {
				return true;
			}
		} else if (!harness_alive(a->pid)) {
			return false;
		}
	}
	return false;
}

void appliance_start(struct appliance *a)
{
	appliance_launch(a);
	MUST(appliance_wait_ready(a, READY_MS), "the appliance was not ready in %d ms", READY_MS);
}

int appliance_try(struct appliance *a, const char *option, char output[APPLIANCE_OUTPUT_MAX])
{
	char path[128];
	snprintf(path, sizeof(path), "%s/try.log", a->dir);
	unlink(path);
	harness_show(path);
	pid_t pid = spawn_supervisor(a, option, path, NULL);
	int status = harness_wait(pid, READY_MS);
	if (status < 0) {
		kill(pid, SIGTERM);
		harness_wait(pid, STOP_MS);
		MUST(false, "bulkheadd %s goes on where it should end", option == NULL ? "" : option);
	}
	char *text = harness_read(path);
	snprintf(output, APPLIANCE_OUTPUT_MAX, "%s", text == NULL ? "" : text);
	free(text);
	return status;
}

static void must_leave_no_mount(const struct appliance *a)
{
	char *mounts = harness_read("/proc/self/mountinfo");
	MUST(mounts != NULL && strstr(mounts, a->dir) == NULL, "a mount is left behind");
	free(mounts);
}

void appliance_stop(struct appliance *a)
{
	pid_t roles[APPLIANCE_ROLES_MAX];
	unsigned count = harness_children(a->pid, roles, APPLIANCE_ROLES_MAX);

	kill(a->pid, SIGTERM);
	int status = harness_wait(a->pid, STOP_MS);
	MUST(status >= 0, "bulkheadd does not stop on SIGTERM");
	MUST(groups_left_by(a->pid) == 0, "a control group is left behind");
	a->pid = 0;
	close(a->notify);
	a->notify = -1;
	MUST(status == 0, "bulkheadd ended with status %d", status);
	for (unsigned i = 0; i < count; i++) {
		MUST(!harness_alive(roles[i]), "process %d outlived its supervisor", (int)roles[i]);
	}
	must_leave_no_mount(a);
	MUST(access(a->socket, F_OK) != 0, "the control socket is left behind");
}

void appliance_clear(struct appliance *a)
{
	if (a->pid != 0) {
		appliance_stop(a);
	}
	if (a->dir[0] != '\0') {
		harness_remove_directory(a->dir);
	}
	memset(a, 0, sizeof(*a));
	a->notify = -1;
}

bool appliance_logged(const struct appliance *a, const char *text)
{
	return harness_contains(a->log, text);
}

struct log_wait {
	const struct appliance *a;
	const char *text;
};

static bool has_logged(void *ctx)
{
	struct log_wait *wait = ctx;
	return appliance_logged(wait->a, wait->text);
}

bool appliance_log_wait(const struct appliance *a, const char *text, unsigned limit_ms)
{
	struct log_wait wait = { a, text };
	return harness_until(has_logged, &wait, limit_ms);
}

pid_t appliance_spawn_bulkheadctl(const struct appliance *a, const char *words, const char *output_path)
{
	char program[PATH_MAX];
	char copy[1024];
	char *argv[16] = { program, "-s", (char *)a->socket };
	unsigned argc = 3;
	snprintf(program, sizeof(program), "%s/bulkheadctl", build_directory());
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *save, *word = strtok_r(copy, " ", &save); word != NULL && argc < COUNT(argv) - 1;
	     word = strtok_r(NULL, " ", &save)) {
		argv[argc++] = word;
	}
	return harness_spawn(argv, output_path, NULL);
}

int appliance_bulkheadctl(const struct appliance *a, const char *words, char output[APPLIANCE_OUTPUT_MAX])
{
	char path[128];
	snprintf(path, sizeof(path), "%s/ctl.log", a->dir);
	unlink(path);
	int status = harness_end(appliance_spawn_bulkheadctl(a, words, path), 20000);
	char *text = harness_read(path);
	snprintf(output, APPLIANCE_OUTPUT_MAX, "%s", text == NULL ? "" : text);
	free(text);
	return status;
}

int appliance_check(const struct appliance *a, char output[APPLIANCE_OUTPUT_MAX])
{
	char words[512];
	snprintf(words, sizeof(words), "-b %s/bulkheadd -L %s check %s", build_directory(), a->programs, a->conf);
	return appliance_bulkheadctl(a, words, output);
}

/* --- roles ------------------------------------------------------------------------------------------ */

static struct role_process role_of_row(const struct ctl_row *row)
{
	struct role_process r = { 0 };
	snprintf(r.role, sizeof(r.role), "%s", row_text(row, "role"));
	snprintf(r.view, sizeof(r.view), "%s", row_text(row, "view"));
	snprintf(r.state, sizeof(r.state), "%s", row_text(row, "state"));
	r.index = (unsigned)row_number(row, "index");
	r.pid = (pid_t)row_number(row, "pid");
	r.restarts = row_number(row, "restarts");
	return r;
}

unsigned appliance_roles(const struct appliance *a, struct role_process out[APPLIANCE_ROLES_MAX])
{
	const struct ctl_answer *answer = appliance_control(a, "status");
	unsigned from = 0;
	unsigned count = 0;
	const struct ctl_row *row;
	while (count < APPLIANCE_ROLES_MAX && (row = answer_next(answer, "role", &from)) != NULL) {
		struct role_process role = role_of_row(row);
		if (strcmp(role.role, "supervisor") != 0) {
			out[count++] = role;
		}
	}
	return count;
}

/* A child whose name begins like this; 0: there is none. */
static pid_t child_named(const struct appliance *a, const char *prefix)
{
	pid_t pids[APPLIANCE_ROLES_MAX];
	unsigned count = harness_children(a->pid, pids, APPLIANCE_ROLES_MAX);
	for (unsigned i = 0; i < count; i++) {
		char name[64];
		if (harness_proc_status(pids[i], "Name", name, sizeof(name)) && strncmp(name, prefix, strlen(prefix)) == 0) {
			return pids[i];
		}
	}
	return 0;
}

pid_t appliance_writer(const struct appliance *a)
{
	return child_named(a, "bulkheadd-saver");
}

/* Nor a child that has not got its name yet. */
static bool has_no_writer(void *ctx)
{
	return child_named(ctx, "bulkheadd") == 0;
}

unsigned appliance_children(const struct appliance *a, pid_t out[APPLIANCE_ROLES_MAX])
{
	MUST(harness_until(has_no_writer, (void *)(uintptr_t)a, 5000), "what is written below the state directory takes too long");
	return harness_children(a->pid, out, APPLIANCE_ROLES_MAX);
}

static bool find_role(const struct appliance *a, const char *role, const char *view, unsigned index,
		      struct role_process *out)
{
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(a, roles);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(roles[i].role, role) == 0 && strcmp(roles[i].view, view) == 0 && roles[i].index == index) {
			*out = roles[i];
			return true;
		}
	}
	return false;
}

struct role_process appliance_role(const struct appliance *a, const char *role, const char *view, unsigned index)
{
	struct role_process found = { 0 };
	MUST(find_role(a, role, view, index, &found), "status shows no %s[%s] %u", role, view, index);
	return found;
}

struct restart_wait {
	const struct appliance *a;
	const struct role_process *old;
};

static bool has_restarted(void *ctx)
{
	const struct restart_wait *wait = ctx;
	struct role_process now;
	return find_role(wait->a, wait->old->role, wait->old->view, wait->old->index, &now) && now.pid != 0 &&
	       now.pid != wait->old->pid && strcmp(now.state, wait->old->state) == 0;
}

int appliance_wait_restarted(const struct appliance *a, const struct role_process *old, unsigned limit_ms)
{
	struct restart_wait wait = { a, old };
	uint64_t start = clock_now_ms();
	return harness_until(has_restarted, &wait, limit_ms) ? (int)(clock_now_ms() - start) : -1;
}

void appliance_reload(struct appliance *a)
{
	char text[1024];
	while (a->notify >= 0 && recv(a->notify, text, sizeof(text), MSG_DONTWAIT) > 0) {
		/* what the service manager would read */
	}
	const struct ctl_answer *answer = appliance_control(a, "reload");
	MUST(answer->done.status == 0, "reload: status %u: %s", answer->done.status, answer->done.text);
}
