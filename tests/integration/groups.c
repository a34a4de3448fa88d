/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/integration/groups.h"

#include "sandbox/localwall.h"
#include "sandbox/localwall_group.h"
#include "tests/integration/harness.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* From the program to its tests, which are processes of their own. */
#define NO_WALL "BULKHEAD_TEST_NO_LOCAL_WALL"

static char outer[PATH_MAX / 2];
static char own[PATH_MAX / 2]; /* "": none */

static bool go_into(const char *group)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	FILE *file = fopen(path, "we");
	bool good = file != NULL && fputs("0", file) >= 0;
	return file != NULL && fclose(file) == 0 && good;
}

/* What the last number of a name says, is there such a process? */
static bool names_a_process(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *end;
	long pid = dash == NULL ? 0 : strtol(dash + 1, &end, 10);
	return pid <= 0 || *end != '\0' || harness_alive((pid_t)pid);
}

/* Groups with a name that begins so, of processes that are gone. The kernel keeps one that has processes. */
static void remove_abandoned(const char *in, const char *start)
{
	DIR *dir = opendir(in);
	for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
		char path[PATH_MAX];
		if (strncmp(e->d_name, start, strlen(start)) == 0 && !names_a_process(e->d_name) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", in, e->d_name) < sizeof(path)) {
			remove_abandoned(path, "bulkhead-local-");
			rmdir(path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

static void make_own(void)
{
	char *mounts = harness_read("/proc/self/mountinfo");
	char *groups = harness_read("/proc/self/cgroup");
	bool found = mounts != NULL && groups != NULL &&
		     localwall_group_path(mounts, groups, outer, sizeof(outer)) == BH_OK;
	if (found) {
		remove_abandoned(outer, "bulkhead-local-");
		remove_abandoned(outer, "bulkhead-test-");
	}
	if (found && (size_t)snprintf(own, sizeof(own), "%s/bulkhead-test-%d", outer, (int)getpid()) < sizeof(own) &&
	    (mkdir(own, 0755) != 0 || !go_into(own))) {
		rmdir(own);
		own[0] = '\0';
	}
	free(mounts);
	free(groups);
}

static void try_wall(void)
{
	char why[512] = "";
	int said[2];
	MUST(pipe(said) == 0, "pipe");
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork");
	if (pid == 0) {
		struct localwall *wall;
		harness_own_network();
		if (localwall_raise(&wall, why, sizeof(why)) == BH_OK && localwall_remove(wall) == BH_OK) {
			why[0] = '\0';
		}
		_exit(write(said[1], why, strlen(why)) < 0);
	}
	close(said[1]);
	ssize_t n = read(said[0], why, sizeof(why) - 1);
	why[n > 0 ? n : 0] = '\0';
	close(said[0]);
	waitpid(pid, NULL, 0);
	unsetenv(NO_WALL);
	if (why[0] != '\0') {
		MUST(setenv(NO_WALL, why, 1) == 0, "setenv");
	}
}

void groups_begin(void)
{
	make_own();
	try_wall();
}

/* How many groups in ours have a name that begins so; end: they are removed. */
static unsigned each_group(const char *start, bool end)
{
	unsigned count = 0;
	DIR *dir = own[0] == '\0' ? NULL : opendir(own);
	for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
		char path[PATH_MAX];
		if (strncmp(e->d_name, start, strlen(start)) != 0) {
			continue;
		}
		count++;
		snprintf(path, sizeof(path), "%s/%s", own, e->d_name);
		if (end && rmdir(path) != 0) {
			perror(path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return count;
}

unsigned groups_left_by(pid_t supervisor)
{
	char name[64];
	snprintf(name, sizeof(name), "bulkhead-local-%d", (int)supervisor);
	return each_group(name, false);
}

void groups_end(void)
{
	if (own[0] == '\0') {
		return;
	}
	(void)each_group("bulkhead-local-", true); /* of supervisors that tests killed */
	if (!go_into(outer) || rmdir(own) != 0) {
		perror(own);
	}
}

const char *groups_no_local_wall(void)
{
	return getenv(NO_WALL);
}
