/*
 * The files that the appliance is made of: bulkheadd and its role programs.
 *
 * Role programs are opened once, when the supervisor starts, and every role and compiler is started from these
 * descriptors: whatever is put in their place on the disk meanwhile, a supervisor starts roles of its own build until
 * another one has taken over from it (upgrade.h), which opens its own. A file that is written over in its place is not
 * guarded against; packages and install(1) put another one there.
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
	char role_dir[PATH_MAX];
	struct program_stamp self; /* of what runs */
	struct program_role {
		int fd;			    /* -1: could not be opened yet */
		struct program_stamp stamp; /* of what fd is; all 0: nothing */
	} roles[PROGRAM_ROLES];		    /* as program_roles */
};

/* What runs, and where role programs are; none is opened yet. BH_ESYS: /proc does not tell, which ends in the log. */
int program_look(struct program *program, const char *role_dir) BH_CHECKED;

/*
 * Open all role programs, as far as they are not. An error with the reason in why: one of them is not there, not a
 * program, or not trusted as far as the program of this process is: it belongs neither to root nor to the owner of
 * that, or more may write it. The others are open then.
 */
int program_hold(struct program *program, char *why, size_t why_size) BH_CHECKED;

/*
 * The program of this role, to be started: the descriptor stays the program's. One that was not there is looked for
 * again. Errors as above.
 */
int program_of_role(struct program *program, enum role role, char *why, size_t why_size) BH_CHECKED;

/* Close them. */
void program_release(struct program *program);

/*
 * Does any of them lie there in another form now? A file that is gone has not changed: nothing could take its place.
 */
bool program_changed(const struct program *program);

/*
 * The file at this path, to be executed by the supervisor itself: descriptor with close-on-exec, or an error with the
 * reason in why: it is not there, not a program, or not one that only root can write.
 */
int program_open(const char *path, char *why, size_t why_size) BH_CHECKED;

#endif
