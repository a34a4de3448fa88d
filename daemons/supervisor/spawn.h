/*
 * Starting a role: fork into new namespaces, put the fixed descriptors in place, raise the walls that
 * need privilege, exec.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SPAWN_H
#define BULKHEAD_SUPERVISOR_SPAWN_H

#include "common/util/err.h"
#include "sandbox/sandbox.h"

#include <stddef.h>
#include <sys/types.h>

struct spawn_request {
	int program_fd; /* program.h; stays the caller's */
	const char *program; /* its name, for the log */
	const char *title;   /* argv[0], what ps shows: "authority[external]/0" */
	const struct sandbox_profile *profile;
	struct sandbox_ids ids;
	const char *root; /* of a compiler: directory that becomes "/"; others get an empty one */
	const struct localwall *localwall; /* behind which it starts; NULL: none */
};

struct spawned {
	pid_t pid;
	int link_fd; /* our end of the control link */
	int log_fd;  /* read end of the log pipe, non-blocking */
};

/*
 * Start the program. On success the descriptors in *out are the caller's. What goes wrong after the
 * fork is told by the child as a line in its log, and by its exit.
 */
int spawn_role(const struct spawn_request *request, struct spawned *out) BH_CHECKED;

#endif
