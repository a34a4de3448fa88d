/*
 * The files that the appliance is made of: bulkheadd and its role programs, as they lie on the disk.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_PROGRAM_H
#define BULKHEAD_SUPERVISOR_PROGRAM_H

#include "common/ipc/msg.h"
#include "common/util/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRAM_ROLES 5
/* The roles that have a program. */
extern const enum role program_roles[PROGRAM_ROLES];

/* Which file it was: packages put new ones in place by rename, and whoever copies over one changes its time. */
struct program_stamp {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
};

/* The program of this process and those that it starts. */
struct program {
	char path[PATH_MAX]; /* where bulkheadd lies */
	struct program_stamp self; /* of what runs */
	struct program_stamp roles[PROGRAM_ROLES]; /* as they were when this process began; all 0: not there */
};

/* What runs, and from where. BH_ESYS: /proc does not tell. Ends in the log. */
int program_look(struct program *program, const char *role_dir) BH_CHECKED;

/* Does any of them lie there in another form now? A file that is gone has not changed: nothing could take its place. */
bool program_changed(const struct program *program, const char *role_dir);

/*
 * The file at this path, to be started: descriptor with close-on-exec, or an error with the reason in why: it is not
 * there, not a program, or not one that only root can write.
 */
int program_open(const char *path, char *why, size_t why_size) BH_CHECKED;

#endif
