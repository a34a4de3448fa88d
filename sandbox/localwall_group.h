/*
 * The control group of the local wall: where the hierarchy is, a place of our own in it, going in, removing it.
 * For localwall.c alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_LOCALWALL_GROUP_H
#define BULKHEAD_SANDBOX_LOCALWALL_GROUP_H

#include "sandbox/walls.h"

#define LOCALWALL_GROUP_NAME_MAX 48

struct localwall_group {
	int parent_fd; /* the group that we are in */
	int dir_fd;    /* the new one below it; locked, which says that it is somebody's */
	int join_fd;   /* its cgroup.procs */
	char name[LOCALWALL_GROUP_NAME_MAX];
};

/* On failure nothing is left open or made. Groups like this that nobody has any more are removed on the way. */
int localwall_group_make(struct localwall_group *group, const struct why *why) BH_CHECKED;

/* The calling process goes in. */
int localwall_group_join(const struct localwall_group *group, const struct why *why) BH_CHECKED;

/* The same group in the hands of another program: its three descriptors, which are closed when they are not that. */
int localwall_group_take(struct localwall_group *group, const int fds[3], const struct why *why) BH_CHECKED;

/* BH_ESYS: it is still there. It remains to be closed. */
int localwall_group_remove(const struct localwall_group *group) BH_CHECKED;
void localwall_group_close(struct localwall_group *group);

/*
 * Where the group that we are in is found: the path in out. mounts and groups are texts as of /proc/self/mountinfo and
 * /proc/self/cgroup. BH_ENOENT: there is no cgroup2 in sight, or our group is not below what is mounted.
 */
int localwall_group_path(const char *mounts, const char *groups, char *out, size_t size) BH_CHECKED;

#endif
