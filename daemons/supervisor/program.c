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

/* False: there is none, and *out is all zeros. */
static bool stamp(const char *path, struct program_stamp *out)
{
	struct stat st;
	*out = (struct program_stamp){ .dev = 0 };
	if (stat(path, &st) != 0) {
		return false;
	}
	*out = (struct program_stamp){ .dev = st.st_dev,
				       .ino = st.st_ino,
				       .size = (uint64_t)st.st_size,
				       .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
	return true;
}

static bool same(const struct program_stamp *a, const struct program_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

static bool stamp_role(const char *role_dir, enum role role, struct program_stamp *out)
{
	char path[PATH_MAX + 32];
	snprintf(path, sizeof(path), "%s/%s", role_dir, role_text(role));
	return stamp(path, out);
}

int program_look(struct program *program, const char *role_dir)
{
	ssize_t len = readlink(SELF, program->path, sizeof(program->path) - 1);
	if (len <= 0 || !stamp(SELF, &program->self)) {
		log_err("%s cannot be read: %m", SELF);
		return BH_ESYS;
	}
	program->path[len] = '\0';
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		(void)stamp_role(role_dir, program_roles[i], &program->roles[i]); /* zeros then */
	}
	return BH_OK;
}

bool program_changed(const struct program *program, const char *role_dir)
{
	struct program_stamp now;
	if (stamp(program->path, &now) && !same(&now, &program->self)) {
		return true;
	}
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		if (stamp_role(role_dir, program_roles[i], &now) && !same(&now, &program->roles[i])) {
			return true;
		}
	}
	return false;
}

int program_open(const char *path, char *why, size_t why_size)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return BH_ESYS;
	}
	const char *fault = NULL;
	if (fstat(fd, &st) != 0) {
		fault = strerror(errno);
	} else if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0) {
		fault = "is no program";
	} else if (st.st_uid != 0 || (st.st_mode & 022) != 0) {
		fault = "is not a file that only root can write";
	}
	if (fault != NULL) {
		snprintf(why, why_size, "%s: %s", path, fault);
		close(fd);
		return BH_EPERM;
	}
	return fd;
}
