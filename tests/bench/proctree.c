/*
 * See proctree.h. Processes come and go while they are read: a walk that lost one on the way is done again.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/bench/proctree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 32768 /* of the whole machine */
#define WALKS_MAX 20
#define FILES_MAX 65536 /* memory files of a tree: one for each zone */

struct process {
	pid_t pid;
	pid_t parent;
	uint64_t reaped_ticks; /* of children that have ended and were waited for */
	bool below;	       /* descends from the root */
};

static struct process processes[PROCESSES_MAX];
static unsigned process_count;

/* Up to size - 1 octets of a file of /proc as a string. Returns false when the process is gone. */
static bool slurp(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	size_t len = 0;
	ssize_t got;
	while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0) {
		len += (size_t)got;
	}
	close(fd);
	text[len] = '\0';
	return len > 0;
}

/* proc(5): "pid (name) state ppid ... 14 utime 15 stime 16 cutime 17 cstime"; a name may hold brackets. */
static bool read_stat(pid_t pid, struct process *process)
{
	char path[64], text[1024];
	unsigned long cutime, cstime;
	int parent;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!slurp(path, text, sizeof(text))) {
		return false;
	}
	const char *after = strrchr(text, ')');
	if (after == NULL ||
	    sscanf(after + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu", &parent, &cutime,
		   &cstime) != 3) {
		return false;
	}
	*process = (struct process){ .pid = pid, .parent = parent, .reaped_ticks = cutime + cstime };
	return true;
}

static int list_all(void)
{
	DIR *dir = opendir("/proc");
	if (dir == NULL) {
		return -1;
	}
	process_count = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL && process_count < PROCESSES_MAX;) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_stat((pid_t)atoi(entry->d_name), &processes[process_count])) {
			process_count++;
		}
	}
	closedir(dir);
	return 0;
}

/* Mark what descends from root. Returns false when root itself is not there. */
static bool mark(pid_t root)
{
	bool found = false;
	for (unsigned i = 0; i < process_count; i++) {
		found |= processes[i].pid == root;
		processes[i].below = processes[i].parent == root;
	}
	/* A child may stand before its parent in /proc once process ids have wrapped: repeat until nothing is new. */
	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < process_count; i++) {
			for (unsigned j = 0; j < process_count && !processes[i].below; j++) {
				if (processes[j].below && processes[j].pid == processes[i].parent) {
					processes[i].below = more = true;
				}
			}
		}
	}
	return found;
}

int proctree_list(pid_t root, pid_t *pids, unsigned max)
{
	unsigned count = 0;
	if (list_all() != 0) {
		return -1;
	}
	mark(root);
	for (unsigned i = 0; i < process_count && count < max; i++) {
		if (processes[i].below) {
			pids[count++] = processes[i].pid;
		}
	}
	return (int)count;
}

/* --- CPU time --- */

static bool add_cpu(pid_t root, uint64_t *ns)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t sum = 0;
	for (unsigned i = 0; i < process_count; i++) {
		const struct process *p = &processes[i];
		if (p->below) {
			clockid_t clock;
			struct timespec used;
			if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
				return false;
			}
			sum += (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
		}
		if (p->below || p->pid == root) {
			struct process now;
			/* One that ended since the list was made has moved its time to its parent's. */
			if (!read_stat(p->pid, &now) || now.reaped_ticks != p->reaped_ticks) {
				return false;
			}
			sum += p->reaped_ticks * tick_ns;
		}
	}
	*ns = sum;
	return true;
}

int proctree_cpu_ns(pid_t root, uint64_t *ns)
{
	for (unsigned walk = 0; walk < WALKS_MAX; walk++) {
		if (list_all() != 0 || !mark(root)) {
			return -1;
		}
		if (add_cpu(root, ns)) {
			return 0;
		}
	}
	return -1;
}

/* --- memory --- */

struct file {
	dev_t dev;
	ino_t ino;
	uint64_t octets;
};

static struct file files[FILES_MAX];
static unsigned file_count;

static int compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	return x->ino != y->ino ? (x->ino < y->ino ? -1 : 1) : (x->dev > y->dev) - (x->dev < y->dev);
}

static void add_memory_files(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return; /* ended meanwhile */
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL && file_count < FILES_MAX;) {
		char name[64];
		struct stat st;
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, name, sizeof(name) - 1);
		if (len < 7 || strncmp(name, "/memfd:", 7) != 0 || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0) {
			continue;
		}
		files[file_count++] = (struct file){ st.st_dev, st.st_ino, (uint64_t)st.st_blocks * 512 };
	}
	closedir(dir);
}

static uint64_t memory_files(void)
{
	uint64_t sum = 0;
	qsort(files, file_count, sizeof(files[0]), compare_files);
	for (unsigned i = 0; i < file_count; i++) {
		if (i == 0 || compare_files(&files[i - 1], &files[i]) != 0) {
			sum += files[i].octets;
		}
	}
	return sum;
}

/* A line "Pss:   123 kB" of smaps_rollup, in octets; 0 when it is not there. */
static uint64_t field(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10) * 1024;
}

int proctree_memory(pid_t root, uint64_t *octets, unsigned *count)
{
	uint64_t pss = 0, shared = 0;
	if (list_all() != 0 || !mark(root)) {
		return -1;
	}
	*count = 0;
	file_count = 0;
	for (unsigned i = 0; i < process_count; i++) {
		char path[64], text[4096];
		if (!processes[i].below) {
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)processes[i].pid);
		if (!slurp(path, text, sizeof(text))) {
			continue; /* ended meanwhile: has no memory */
		}
		pss += field(text, "\nPss:");
		shared += field(text, "\nPss_Shmem:");
		add_memory_files(processes[i].pid);
		(*count)++;
	}
	uint64_t in_files = memory_files();
	*octets = pss + (in_files > shared ? in_files - shared : 0);
	return 0;
}
