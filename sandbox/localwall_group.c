/*
 * The control group of the local wall. It is made below the group that the supervisor was put in, so a service
 * manager that delegates that one finds everything inside; several appliances in one group do not meet, as each
 * has a name of its own and a lock on it. Only the second version of control groups can hold the program; beside the
 * first one (a "hybrid" layout) its hierarchy is mounted somewhere else and works the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/localwall_group.h"

#include "common/util/count.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define NAME_START "bulkhead-local-"
/* Names tried before giving up; each was taken by a process of our number in another PID namespace. */
#define NAMES_MAX 100
/* Both files of /proc are a page for usual, far less than this with hundreds of mounts. */
#define PROC_FILE_MAX (1024u * 1024)

/* --- where ------------------------------------------------------------------------------------------- */

/* A word of mountinfo: spaces and the like are written as \040. */
static void take_word(const char **at, char *out, size_t size)
{
	size_t len = 0;
	const char *p = *at;

	for (; *p != '\0' && *p != ' ' && *p != '\n'; p++) {
		char c = *p;
		if (c == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			c = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		}
		if (len + 1 < size) {
			out[len++] = c;
		}
	}
	out[len] = '\0';
	*at = *p == ' ' ? p + 1 : p;
}

/* "36 35 0:30 ROOT PLACE options ... - TYPE source options": the first of type cgroup2. False: there is none. */
static bool find_mount(const char *mounts, char *root, char *place, size_t size)
{
	char word[64];

	while (*mounts != '\0') {
		const char *end = strchr(mounts, '\n');
		const char *type = strstr(mounts, " - ");
		const char *at = mounts;
		for (int skipped = 0; skipped < 3; skipped++) {
			take_word(&at, word, sizeof(word));
		}
		take_word(&at, root, size);
		take_word(&at, place, size);
		if (type != NULL && (end == NULL || type < end)) {
			type += 3;
			take_word(&type, word, sizeof(word));
			if (strcmp(word, "cgroup2") == 0 && place[0] == '/') {
				return true;
			}
		}
		if (end == NULL) {
			break;
		}
		mounts = end + 1;
	}
	return false;
}

/* "0::PATH" is the line of the second version. */
static bool find_group(const char *groups, char *out, size_t size)
{
	while (*groups != '\0') {
		size_t len = strcspn(groups, "\n");
		if (strncmp(groups, "0::/", 4) == 0 && len - 3 < size) {
			memcpy(out, groups + 3, len - 3);
			out[len - 3] = '\0';
			return true;
		}
		groups += len + (groups[len] == '\n');
	}
	return false;
}

int localwall_group_path(const char *mounts, const char *groups, char *out, size_t size)
{
	char root[PATH_MAX];
	char place[PATH_MAX];
	char group[PATH_MAX];

	if (!find_mount(mounts, root, place, sizeof(place)) || !find_group(groups, group, sizeof(group))) {
		return BH_ENOENT;
	}
	/* A part of the hierarchy may be mounted: then both paths begin with where that part is. */
	size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
	bool below = strncmp(group, root, skip) == 0 && (skip == 0 || group[skip] == '/' || group[skip] == '\0');
	if (!below || strncmp(group, "/..", 3) == 0) { /* outside what our namespace shows */
		return BH_ENOENT;
	}
	const char *rest = strcmp(group + skip, "/") == 0 ? "" : group + skip;
	int n = snprintf(out, size, "%s%s", place, rest);
	return n < 0 || (size_t)n >= size ? BH_ENOSPC : BH_OK;
}

/* The caller frees. NULL and errno. */
static char *read_proc(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(PROC_FILE_MAX);
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && text != NULL && len < PROC_FILE_MAX - 1 &&
	       (n = read(fd, text + len, PROC_FILE_MAX - 1 - len)) > 0) {
		len += (size_t)n;
	}
	int saved = errno;
	if (fd >= 0) {
		close(fd);
	}
	if (n < 0) {
		free(text);
		errno = saved;
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int open_parent(char path[PATH_MAX], const struct why *why)
{
	char *mounts = read_proc("/proc/self/mountinfo");
	char *groups = read_proc("/proc/self/cgroup");
	struct statfs fs;
	int fd = -1;

	if (mounts == NULL || groups == NULL) {
		(void)why_errno(why, "control group: /proc/self/mountinfo, /proc/self/cgroup");
	} else if (localwall_group_path(mounts, groups, path, PATH_MAX) != BH_OK) {
		(void)why_not(why, "control group: there is no cgroup2 file system in sight that has our own group");
	} else {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fstatfs(fd, &fs) != 0) {
			(void)why_errno(why, "control group: %.200s", path);
		} else if (fs.f_type != CGROUP2_SUPER_MAGIC) {
			(void)why_not(why, "control group: %.200s is not of cgroup2", path);
			close(fd);
			fd = -1;
		}
	}
	free(mounts);
	free(groups);
	return fd;
}

/* --- our own ----------------------------------------------------------------------------------------- */

/* Those of supervisors that were killed: empty, and nobody holds the lock. */
static void remove_stale(int parent_fd)
{
	int fd = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return; /* they do no harm */
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (strncmp(e->d_name, NAME_START, strlen(NAME_START)) != 0) {
			continue;
		}
		int group = openat(parent_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (group >= 0 && flock(group, LOCK_EX | LOCK_NB) == 0) {
			(void)unlinkat(parent_fd, e->d_name, AT_REMOVEDIR); /* roles may be left that are just dying */
		}
		if (group >= 0) {
			close(group);
		}
	}
	closedir(dir);
}

void localwall_group_close(struct localwall_group *group)
{
	int *const fds[] = { &group->join_fd, &group->dir_fd, &group->parent_fd };

	for (size_t i = 0; i < COUNT(fds); i++) {
		if (*fds[i] >= 0) {
			close(*fds[i]);
		}
		*fds[i] = -1;
	}
}

/* One name. BH_EEXIST: it is somebody else's, or was taken for stale before it was locked. */
static int make_named(struct localwall_group *group)
{
	if (mkdirat(group->parent_fd, group->name, 0755) != 0) {
		return errno == EEXIST ? BH_EEXIST : BH_ESYS;
	}
	group->dir_fd = openat(group->parent_fd, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->dir_fd < 0) {
		return errno == ENOENT ? BH_EEXIST : BH_ESYS;
	}
	if (flock(group->dir_fd, LOCK_EX | LOCK_NB) == 0) {
		group->join_fd = openat(group->dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (group->join_fd >= 0) {
			return BH_OK;
		}
	}
	bool gone = errno == EWOULDBLOCK || errno == ENOENT || errno == ENODEV;
	int saved = errno;
	(void)unlinkat(group->parent_fd, group->name, AT_REMOVEDIR); /* if it is still there it is empty */
	close(group->dir_fd);
	group->dir_fd = -1;
	errno = saved;
	return gone ? BH_EEXIST : BH_ESYS;
}

int localwall_group_make(struct localwall_group *group, const struct why *why)
{
	char path[PATH_MAX] = "";
	int rc = BH_EEXIST;

	*group = (struct localwall_group){ .parent_fd = -1, .dir_fd = -1, .join_fd = -1 };
	group->parent_fd = open_parent(path, why);
	if (group->parent_fd < 0) {
		return BH_ESYS;
	}
	remove_stale(group->parent_fd);
	for (int i = 0; i < NAMES_MAX && rc == BH_EEXIST; i++) {
		snprintf(group->name, sizeof(group->name), i == 0 ? NAME_START "%d" : NAME_START "%d.%d", (int)getpid(), i);
		rc = make_named(group);
	}
	if (rc != BH_OK) {
		rc = why_errno(why, "control group: make one in %.200s", path);
		localwall_group_close(group);
	}
	return rc;
}

int localwall_group_join(const struct localwall_group *group, const struct why *why)
{
	/* 0 is whoever writes, in any PID namespace. */
	if (write(group->join_fd, "0", 1) != 1) {
		return why_errno(why, "control group: go behind the local wall");
	}
	return BH_OK;
}

/* The last part of what /proc says of a directory. */
static bool read_name(int dir_fd, char name[LOCALWALL_GROUP_NAME_MAX])
{
	char link[64];
	char path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	const char *slash = strrchr(path, '/');
	return slash != NULL && strncmp(slash + 1, NAME_START, strlen(NAME_START)) == 0 &&
	       (size_t)snprintf(name, LOCALWALL_GROUP_NAME_MAX, "%s", slash + 1) < LOCALWALL_GROUP_NAME_MAX;
}

int localwall_group_take(struct localwall_group *group, const int fds[3], const struct why *why)
{
	struct statfs fs;

	*group = (struct localwall_group){ .parent_fd = fds[0], .dir_fd = fds[1], .join_fd = fds[2] };
	for (int i = 0; i < 3; i++) {
		if (fstatfs(fds[i], &fs) != 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0 || !read_name(group->dir_fd, group->name)) {
			localwall_group_close(group);
			(void)why_not(why, "control group: descriptor %d is not of the local wall", fds[i]);
			return BH_EPERM;
		}
	}
	return BH_OK;
}

int localwall_group_remove(const struct localwall_group *group)
{
	return unlinkat(group->parent_fd, group->name, AT_REMOVEDIR) == 0 ? BH_OK : BH_ESYS;
}
