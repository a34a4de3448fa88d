/*
 * Looking at program files. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/program.h"

#include "common/util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

const enum role program_roles[PROGRAM_ROLES] = { ROLE_AUTHORITY, ROLE_FRONTEND, ROLE_RESOLVER, ROLE_COMPILER,
					     ROLE_MONITOR };

static void stamp_of(const struct stat *st, struct program_stamp *out)
{
	*out = (struct program_stamp){ .dev = st->st_dev,
				       .ino = st->st_ino,
				       .size = (uint64_t)st->st_size,
				       .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec };
}

static bool same(const struct program_stamp *a, const struct program_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

/* Is there a file at this path that is not the one of the stamp? */
static bool is_another(const char *path, const struct program_stamp *before)
{
	struct stat st;
	struct program_stamp now;
	if (stat(path, &st) != 0) {
		return false;
	}
	stamp_of(&st, &now);
	return !same(&now, before);
}

static void role_path(const struct program *program, size_t index, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", program->role_dir, role_text(program_roles[index]));
}

int program_look(struct program *program, const char *role_dir)
{
	struct stat st;
	ssize_t len = readlink(SELF, program->path, sizeof(program->path) - 1);
	if (len <= 0 || stat(SELF, &st) != 0) {
		log_err("%s cannot be read: %m", SELF);
		return BH_ESYS;
	}
	program->path[len] = '\0';
	stamp_of(&st, &program->self);
	snprintf(program->role_dir, sizeof(program->role_dir), "%s", role_dir);
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		program->roles[i] = (struct program_role){ .fd = -1 };
	}
	return BH_OK;
}

/* Only what can be executed, and that nobody can write who could not write `like` (NULL: nobody but root). */
static const char *fault_of(const struct stat *st, const struct stat *like)
{
	const mode_t others = 022;
	if (!S_ISREG(st->st_mode) || (st->st_mode & 0111) == 0) {
		return "is no program";
	}
	if (like == NULL) {
		return st->st_uid == 0 && (st->st_mode & others) == 0 ? NULL : "is not a file that only root can write";
	}
	/* A build tree belongs to who builds, with the mode of his umask; he could have written bulkheadd as well. */
	bool trusted = (st->st_uid == 0 || st->st_uid == like->st_uid) &&
		       ((st->st_mode & S_IWGRP) == 0 || ((like->st_mode & S_IWGRP) != 0 && st->st_gid == like->st_gid)) &&
		       (st->st_mode & S_IWOTH) == 0;
	return trusted ? NULL : "may be written by others than bulkheadd itself";
}

static int open_like(const char *path, const struct stat *like, struct stat *st, char *why, size_t why_size)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return BH_ESYS;
	}
	const char *fault = fstat(fd, st) != 0 ? strerror(errno) : fault_of(st, like);
	if (fault != NULL) {
		snprintf(why, why_size, "%s: %s", path, fault);
		close(fd);
		return BH_EPERM;
	}
	return fd;
}

static int hold(struct program *program, size_t index, char *why, size_t why_size)
{
	struct program_role *role = &program->roles[index];
	char path[PATH_MAX + 32];
	struct stat self, st;
	if (role->fd >= 0) {
		return role->fd;
	}
	if (stat(SELF, &self) != 0) {
		snprintf(why, why_size, "%s: %s", SELF, strerror(errno));
		return BH_ESYS;
	}
	role_path(program, index, path, sizeof(path));
	int fd = open_like(path, &self, &st, why, why_size);
	if (fd >= 0) {
		role->fd = fd;
		stamp_of(&st, &role->stamp);
	}
	return fd;
}

int program_hold(struct program *program, char *why, size_t why_size)
{
	char more[PATH_MAX + 128];
	int rc = BH_OK;
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		int fd = hold(program, i, rc == BH_OK ? why : more, rc == BH_OK ? why_size : sizeof(more));
		rc = rc == BH_OK && fd < 0 ? fd : rc; /* the first reason is told */
	}
	return rc;
}

int program_of_role(struct program *program, enum role role, char *why, size_t why_size)
{
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		if (program_roles[i] == role) {
			return hold(program, i, why, why_size);
		}
	}
	snprintf(why, why_size, "%s has no program", role_text(role));
	return BH_ENOENT;
}

void program_release(struct program *program)
{
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		if (program->roles[i].fd >= 0) {
			close(program->roles[i].fd);
		}
		program->roles[i] = (struct program_role){ .fd = -1 };
	}
}

bool program_changed(const struct program *program)
{
	if (is_another(program->path, &program->self)) {
		return true;
	}
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		char path[PATH_MAX + 32];
		role_path(program, i, path, sizeof(path));
		if (is_another(path, &program->roles[i].stamp)) {
			return true;
		}
	}
	return false;
}

int program_open(const char *path, char *why, size_t why_size)
{
	struct stat st;
	return open_like(path, NULL, &st, why, why_size);
}
