/*
 * The walls as they look from outside, in /proc: whatever a role says about itself, this is what the kernel
 * says.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct appliance appliance;
static struct role_process roles[APPLIANCE_ROLES_MAX];
static unsigned role_count;

static void start(void)
{
	standard_prepare(&appliance, 60);
	standard_add_monitor(&appliance);
	appliance_start(&appliance);
	role_count = appliance_roles(&appliance, roles);
	MUST(role_count >= 6, "%u roles", role_count);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(walls, .init = start, .fini = stop);

static const char *name_of(const struct role_process *role)
{
	static char text[80];
	snprintf(text, sizeof(text), "%s[%s] %u", role->role, role->view, role->index);
	return text;
}

static void must_be(const struct role_process *role, const char *field, const char *wanted)
{
	char got[256];
	MUST(harness_proc_status(role->pid, field, got, sizeof(got)), "%s: no %s in /proc", name_of(role), field);
	MUST(strcmp(got, wanted) == 0, "%s: %s is \"%s\", not \"%s\"", name_of(role), field, got, wanted);
}

Test(walls, no_capabilities_no_new_privileges_and_a_filter)
{
	for (unsigned i = 0; i < role_count; i++) {
		static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
		for (size_t k = 0; k < COUNT(sets); k++) {
			must_be(&roles[i], sets[k], "0000000000000000");
		}
		must_be(&roles[i], "NoNewPrivs", "1");
		must_be(&roles[i], "Seccomp", "2");
		must_be(&roles[i], "Threads", "1");
		must_be(&roles[i], "Groups", "");
	}
}

/* Real, effective, saved and file system id are one; no two roles or views share a user or a group. */
Test(walls, every_role_and_view_has_its_own_ids)
{
	unsigned long ids[APPLIANCE_ROLES_MAX][2];
	for (unsigned i = 0; i < role_count; i++) {
		static const char *const fields[] = { "Uid", "Gid" };
		for (size_t k = 0; k < COUNT(fields); k++) {
			char text[256];
			unsigned long four[4];
			MUST(harness_proc_status(roles[i].pid, fields[k], text, sizeof(text)) &&
				     sscanf(text, "%lu %lu %lu %lu", &four[0], &four[1], &four[2], &four[3]) == 4,
			     "%s: no %s", name_of(&roles[i]), fields[k]);
			MUST(four[0] != 0 && four[0] == four[1] && four[1] == four[2] && four[2] == four[3],
			     "%s: %s %s", name_of(&roles[i]), fields[k], text);
			ids[i][k] = four[0];
		}
		for (unsigned k = 0; k < i; k++) {
			bool same = strcmp(roles[i].role, roles[k].role) == 0 && strcmp(roles[i].view, roles[k].view) == 0;
			MUST(same || (ids[i][0] != ids[k][0] && ids[i][1] != ids[k][1]),
			     "%s shares uid %lu or gid %lu with %s[%s]", name_of(&roles[i]), ids[i][0], ids[i][1],
			     roles[k].role, roles[k].view);
		}
	}
}

static void read_link(pid_t pid, const char *what, char out[PATH_MAX])
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	ssize_t n = readlink(path, out, PATH_MAX - 1);
	MUST(n > 0, "%s: %s", path, strerror(errno));
	out[n] = '\0';
}

Test(walls, namespaces_differ_from_the_supervisors)
{
	for (unsigned i = 0; i < role_count; i++) {
		static const char *const spaces[] = { "ns/mnt", "ns/ipc", "ns/net" };
		for (size_t k = 0; k < COUNT(spaces); k++) {
			char own[PATH_MAX];
			char supervisors[PATH_MAX];
			read_link(roles[i].pid, spaces[k], own);
			read_link(appliance.pid, spaces[k], supervisors);
			/* the resolver alone may reach the network */
			bool shared = strcmp(spaces[k], "ns/net") == 0 && strcmp(roles[i].role, "resolver") == 0;
			MUST((strcmp(own, supervisors) == 0) == shared, "%s: %s is %s, the supervisor's %s",
			     name_of(&roles[i]), spaces[k], own, supervisors);
			for (unsigned m = 0; m < i; m++) {
				read_link(roles[m].pid, spaces[k], supervisors);
				MUST(strcmp(own, supervisors) != 0, "%s shares %s with %s[%s]", name_of(&roles[i]),
				     spaces[k], roles[m].role, roles[m].view);
			}
		}
	}
}

/* No interface but a loopback that is down: nothing to send through. */
Test(walls, network_namespaces_are_empty)
{
	for (unsigned i = 0; i < role_count; i++) {
		if (strcmp(roles[i].role, "resolver") == 0) {
			continue;
		}
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)roles[i].pid);
		char *text = harness_read(path);
		MUST(text != NULL, "%s: %s", path, strerror(errno));
		unsigned interfaces = 0;
		for (const char *p = text; (p = strchr(p, ':')) != NULL; p++) {
			interfaces++;
		}
		MUST(interfaces <= 1, "%s has interfaces: %s", name_of(&roles[i]), text);
		free(text);
		snprintf(path, sizeof(path), "/proc/%d/net/route", (int)roles[i].pid);
		text = harness_read(path);
		MUST(text != NULL && strchr(text, '\n') == strrchr(text, '\n'), "%s has routes: %s", name_of(&roles[i]), text);
		free(text);
	}
}

static struct stat stat_of(pid_t pid, const char *what)
{
	struct stat st;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	MUST(stat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st;
}

static bool same_place(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The root is an empty directory, not ours, and the working directory is that root. */
Test(walls, the_root_is_empty)
{
	struct stat supervisors = stat_of(appliance.pid, "root/");
	for (unsigned i = 0; i < role_count; i++) {
		char root[64];
		struct stat own = stat_of(roles[i].pid, "root/");
		struct stat cwd = stat_of(roles[i].pid, "cwd/");
		MUST(!same_place(&own, &supervisors), "%s: the root is the supervisor's", name_of(&roles[i]));
		MUST(same_place(&own, &cwd), "%s: the working directory is not its root", name_of(&roles[i]));
		MUST((own.st_mode & 022) == 0 && own.st_uid == 0, "%s: its root is writable: uid %u mode %o",
		     name_of(&roles[i]), own.st_uid, own.st_mode & 07777);
		snprintf(root, sizeof(root), "/proc/%d/root/", (int)roles[i].pid);
		DIR *dir = opendir(root);
		MUST(dir != NULL, "%s: %s", root, strerror(errno));
		for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
			MUST(strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0, "%s sees \"%s\" in its root",
			     name_of(&roles[i]), e->d_name);
		}
		closedir(dir);
	}
}

/* How a descriptor of a process was opened: flags of open(2). */
static unsigned open_flags(pid_t pid, const char *fd)
{
	char path[64];
	unsigned flags;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, fd);
	char *text = harness_read(path);
	const char *at = text == NULL ? NULL : strstr(text, "flags:");
	MUST(at != NULL && sscanf(at, "flags: %o", &flags) == 1, "%s: %s", path, text);
	free(text);
	return flags;
}

/* Open descriptors: sockets, event polls, images; no file, no directory, no device but /dev/null. */
Test(walls, descriptors_are_only_what_was_given)
{
	static const char *const allowed[] = { "socket:[", "anon_inode:[eventpoll]", "anon_inode:[eventfd]",
					       "anon_inode:[timerfd]", "/memfd:", "pipe:[", "/dev/null" };
	for (unsigned i = 0; i < role_count; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/fd", (int)roles[i].pid);
		DIR *dir = opendir(path);
		MUST(dir != NULL, "%s: %s", path, strerror(errno));
		for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
			char what[64];
			char target[PATH_MAX];
			if (e->d_name[0] == '.') {
				continue;
			}
			snprintf(what, sizeof(what), "fd/%.16s", e->d_name);
			read_link(roles[i].pid, what, target);
			bool ok = false;
			for (size_t k = 0; k < COUNT(allowed); k++) {
				ok = ok || strncmp(target, allowed[k], strlen(allowed[k])) == 0;
			}
			MUST(ok, "%s: descriptor %s is %s", name_of(&roles[i]), e->d_name, target);
			bool image = strncmp(target, "/memfd:", 7) == 0;
			if (strncmp(target, "/memfd:counters", 15) == 0 && strcmp(roles[i].role, "monitor") == 0) {
				MUST((open_flags(roles[i].pid, e->d_name) & O_ACCMODE) == O_RDONLY,
				     "the monitor can write counters: descriptor %s", e->d_name);
				continue;
			}
			MUST(!image || strcmp(roles[i].role, "authority") == 0, "%s has an image: %s",
			     name_of(&roles[i]), target);
		}
		closedir(dir);
	}
}

/* Of counters the monitor has one page to write, its own: the others it maps as they were given to it, for reading. */
Test(walls, the_monitor_writes_its_own_counters_only)
{
	struct role_process monitor = appliance_role(&appliance, "monitor", "", 0);
	char path[64];
	char line[4096];
	unsigned written = 0;
	unsigned read = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)monitor.pid);
	FILE *maps = fopen(path, "re");
	MUST(maps != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), maps) != NULL) {
		char perms[8];
		if (strstr(line, "/memfd:counters") != NULL) {
			MUST(sscanf(line, "%*s %7s", perms) == 1, "maps: %s", line);
			written += perms[1] == 'w';
			read += perms[1] != 'w';
		}
	}
	fclose(maps);
	MUST(written == 1, "%u pages of counters are mapped for writing", written);
	MUST(read == role_count, "%u pages of counters are mapped for reading, of %u roles", read, role_count);
}

/* Writable and executable at once: nowhere (W^X). */
Test(walls, no_memory_is_writable_and_executable)
{
	for (unsigned i = 0; i < role_count; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)roles[i].pid);
		FILE *maps = fopen(path, "re");
		char line[4096];
		MUST(maps != NULL, "%s: %s", path, strerror(errno));
		while (fgets(line, sizeof(line), maps) != NULL) {
			char perms[8];
			MUST(sscanf(line, "%*s %7s", perms) == 1, "maps: %s", line);
			MUST(strchr(perms, 'w') == NULL || strchr(perms, 'x') == NULL, "%s: %s", name_of(&roles[i]), line);
		}
		fclose(maps);
	}
}

Test(walls, limits_are_in_force)
{
	for (unsigned i = 0; i < role_count; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/limits", (int)roles[i].pid);
		char *text = harness_read(path);
		MUST(text != NULL, "%s: %s", path, strerror(errno));
		static const char *const zero[] = { "Max core file size", "Max processes" };
		for (size_t k = 0; k < COUNT(zero); k++) {
			const char *line = strstr(text, zero[k]);
			unsigned long soft = 1;
			unsigned long hard = 1;
			MUST(line != NULL && sscanf(line + strlen(zero[k]), "%lu %lu", &soft, &hard) == 2 && soft == 0 && hard == 0,
			     "%s: %s is not 0: %.80s", name_of(&roles[i]), zero[k], line == NULL ? "" : line);
		}
		free(text);
	}
}

/* The supervisor keeps few capabilities, has a filter too, and reads no zone. */
Test(walls, the_supervisor_has_walls_of_its_own)
{
	char text[256];
	MUST(harness_proc_status(appliance.pid, "Seccomp", text, sizeof(text)) && strcmp(text, "2") == 0,
	     "the supervisor has no filter: %s", text);
	MUST(harness_proc_status(appliance.pid, "NoNewPrivs", text, sizeof(text)) && strcmp(text, "1") == 0,
	     "the supervisor may gain privileges: %s", text);
	MUST(harness_proc_status(appliance.pid, "CapEff", text, sizeof(text)), "CapEff");
	unsigned long long caps = strtoull(text, NULL, 16);
	MUST(__builtin_popcountll(caps) <= 12, "the supervisor has %d capabilities: %s", __builtin_popcountll(caps), text);
	MUST((caps & 1ull << 19) == 0, "the supervisor may trace other processes (CAP_SYS_PTRACE)");
	MUST((caps & 1ull << 16) == 0, "the supervisor may load kernel modules (CAP_SYS_MODULE)");
}

/* What status says is what the kernel says; every role shows the walls it must have. */
Test(walls, status_tells_the_truth)
{
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	unsigned from = 0;
	const struct ctl_row *row;
	unsigned seen = 0;
	while ((row = answer_next(answer, "role", &from)) != NULL) {
		pid_t pid = (pid_t)row_number(row, "pid");
		char text[256];
		char wanted[32];
		if (strcmp(row_text(row, "role"), "supervisor") == 0) {
			continue;
		}
		seen++;
		snprintf(wanted, sizeof(wanted), "%llu\t", (unsigned long long)row_number(row, "uid"));
		MUST(harness_proc_status(pid, "Uid", text, sizeof(text)) && strncmp(text, wanted, strlen(wanted)) == 0,
		     "status says uid %s, the kernel %s", wanted, text);
		MUST(harness_proc_status(pid, "PPid", text, sizeof(text)) && strtol(text, NULL, 10) == appliance.pid,
		     "pid %d of status is no child of the supervisor", (int)pid);
		MUST(strcmp(row_text(row, "seccomp"), "filter") == 0 && row_number(row, "no_new_privs") == 1,
		     "%s: seccomp \"%s\"", row_text(row, "role"), row_text(row, "seccomp"));
		MUST(strcmp(row_text(row, "missing"), "") == 0, "%s: missing walls: %s", row_text(row, "role"),
		     row_text(row, "missing"));
		static const char *const words[] = { "seccomp", "no-capabilities" };
		for (size_t i = 0; i < COUNT(words); i++) {
			MUST(strstr(row_text(row, "walls"), words[i]) != NULL, "%s: walls \"%s\" without %s",
			     row_text(row, "role"), row_text(row, "walls"), words[i]);
		}
	}
	MUST(seen == role_count, "%u roles in status, %u before", seen, role_count);
	pid_t children[APPLIANCE_ROLES_MAX];
	MUST(appliance_children(&appliance, children) == role_count,
	     "the supervisor has children that status does not show");
}
