/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/integration/versions.h"

#include "common/util/count.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const roles[] = { "authority", "frontend", "resolver", "compiler", "monitor" };

/* --- programs ------------------------------------------------------------------------------------------- */

/*
 * PACKAGE_VERSION with another first digit: the text must not grow, and its end must stay, since the linker lets other
 * texts be ends of this one.
 */
const char *version_text(unsigned version)
{
	static char text[2][64];
	static unsigned turn;
	char *out = text[turn++ % 2];
	snprintf(out, sizeof(text[0]), "%s", PACKAGE_VERSION);
	out[0] = (char)('0' + version);
	return out;
}

void program_install(const char *from, const char *to, const char *octets, const char *by)
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

void version_install_role(const struct appliance *a, const char *role, unsigned version)
{
	char from[512];
	char to[256];
	snprintf(from, sizeof(from), "%s/%s", roles_directory(), role);
	snprintf(to, sizeof(to), "%s/%s", a->programs, role);
	program_install(from, to, PACKAGE_VERSION, version_text(version));
}

void version_install(const struct appliance *a, unsigned version)
{
	for (size_t i = 0; i < COUNT(roles); i++) {
		version_install_role(a, roles[i], version);
	}
	char from[512];
	snprintf(from, sizeof(from), "%s/bulkheadd", build_directory());
	program_install(from, a->bulkheadd, PACKAGE_VERSION, version_text(version));
}

void versions_prepare(struct appliance *a)
{
	standard_prepare(a, 300);
	snprintf(a->programs, sizeof(a->programs), "%s/programs", a->dir);
	snprintf(a->bulkheadd, sizeof(a->bulkheadd), "%s/programs/bulkheadd", a->dir);
	MUST(mkdir(a->programs, 0755) == 0, "mkdir: %s", strerror(errno));
	version_install(a, 1);
}

/* --- upgrades --------------------------------------------------------------------------------------------- */

void version_upgrade(const struct appliance *a)
{
	char output[APPLIANCE_OUTPUT_MAX];
	int status = appliance_bulkheadctl(a, "upgrade", output);
	MUST(status == 0, "upgrade: status %d: %s", status, output);
	MUST(strstr(output, "upgraded from version") != NULL, "upgrade says: %s", output);
}

const struct ctl_row *version_status(const struct appliance *a)
{
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(a, "status"), "appliance", &from);
	MUST(row != NULL, "status tells nothing");
	return row;
}

void version_must_be(const struct appliance *a, unsigned version)
{
	const struct ctl_row *row = version_status(a);
	MUST(strcmp(row_text(row, "version"), version_text(version)) == 0, "version %s serves, expected %s",
	     row_text(row, "version"), version_text(version));
	MUST(strcmp(row_text(row, "state"), "running") == 0, "it is %s", row_text(row, "state"));
	MUST((pid_t)row_number(row, "pid") == a->pid, "the supervisor is another process");
}

/* --- processes -------------------------------------------------------------------------------------------- */

struct processes processes_of(const struct appliance *a)
{
	struct processes now;
	now.count = appliance_roles(a, now.items);
	return now;
}

void processes_must_be_others(const struct appliance *a, const struct processes *before)
{
	struct processes now = processes_of(a);
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

void processes_must_be_the_same(const struct appliance *a, const struct processes *before)
{
	struct processes now = processes_of(a);
	MUST(now.count == before->count, "%u roles, there were %u", now.count, before->count);
	for (unsigned i = 0; i < now.count; i++) {
		MUST(now.items[i].pid == before->items[i].pid && now.items[i].restarts == before->items[i].restarts,
		     "%s was touched", now.items[i].role);
	}
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

struct footprint footprint_of(const struct appliance *a)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	struct role_process role = appliance_role(a, "authority", "internal", 0);
	return (struct footprint){
		.descriptors = harness_fd_count(a->pid),
		.children = appliance_children(a, children),
		.filters = number_of(a->pid, "Seccomp_filters:"),
		.role_filters = number_of(role.pid, "Seccomp_filters:"),
		.kilobytes = number_of(a->pid, "VmRSS:"),
	};
}

struct fall {
	pid_t pid;
	int descriptors;
};

static bool has_fallen(void *ctx)
{
	const struct fall *fall = ctx;
	return harness_fd_count(fall->pid) <= fall->descriptors;
}

void footprint_must_fall_to(const struct appliance *a, int descriptors)
{
	struct fall fall = { a->pid, descriptors };
	MUST(harness_until(has_fallen, &fall, 5000), "descriptors leak: %d, there were %d", harness_fd_count(a->pid),
	     descriptors);
}
