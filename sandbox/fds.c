/*
 * A role's descriptors: only those it was given, and those of its event base.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/walls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What an event base may have opened: nothing here leads out of the process. */
static const char *const own_kinds[] = { "anon_inode:[eventpoll]", "anon_inode:[eventfd]",
					 "anon_inode:[timerfd]", "pipe:[" };

int fds_close_inherited(const struct why *why)
{
	if (close_range(FD_FIRST_FREE, UINT_MAX, 0) != 0) {
		return why_errno(why, "descriptors: close the inherited ones");
	}
	return BH_OK;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* A fixed descriptor is of the kind the contract says. */
static bool fixed_stands(int fd, const struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return why_not(why, "descriptors: %d is missing", fd);
	}
	bool right = false;
	switch (fd) {
	case 0:
	case 1:
		right = is_null(&st);
		break;
	case FD_LOG:
		/* Never a terminal or a file: the log goes to the supervisor. */
		right = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
		break;
	case FD_LINK:
		right = S_ISSOCK(st.st_mode);
		break;
	case FD_ROOT:
		right = S_ISDIR(st.st_mode);
		break;
	default:
		break;
	}
	return right || why_not(why, "descriptors: %d is of the wrong kind", fd);
}

static bool own_stands(int dir, const char *name, const struct why *why)
{
	char kind[128];
	ssize_t n = readlinkat(dir, name, kind, sizeof(kind) - 1);

	if (n < 0) {
		return why_not(why, "descriptors: %s cannot be read: %s", name, strerror(errno));
	}
	kind[n] = '\0';
	for (size_t i = 0; i < COUNT(own_kinds); i++) {
		if (strncmp(kind, own_kinds[i], strlen(own_kinds[i])) == 0) {
			return true;
		}
	}
	return why_not(why, "descriptors: %s is left open (%s)", name, kind);
}

bool fds_stand(const struct why *why)
{
	for (int fd = 0; fd <= FD_ROOT; fd++) {
		if (!fixed_stands(fd, why)) {
			return false;
		}
	}
	DIR *list = opendir("/proc/self/fd");
	if (list == NULL) {
		return why_not(why, "descriptors: cannot be listed: %s", strerror(errno));
	}
	bool stands = true;
	const struct dirent *entry;
	while (stands && (errno = 0, entry = readdir(list)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);
		if (entry->d_name[0] == '.' || fd <= FD_ROOT || fd == dirfd(list)) {
			continue;
		}
		stands = own_stands(dirfd(list), entry->d_name, why);
	}
	if (stands && errno != 0) {
		stands = why_not(why, "descriptors: cannot be listed: %s", strerror(errno));
	}
	closedir(list);
	return stands;
}
