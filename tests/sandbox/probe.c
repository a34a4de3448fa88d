/*
 * Stands in for a role: enters its real sandbox, then tries the one thing that is named on its command line.
 *
 *   probe PROFILE ATTEMPT FAULT stray|clean
 *
 * Ends with the errno of a refused attempt, PROBE_DONE after a successful one, or is killed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/loop.h"
#include "common/util/count.h"
#include "common/util/log.h"
#include "sandbox/sandbox.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/confined.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct sandbox_profile *profile_by_name(const char *name)
{
	static struct sandbox_profile without_net;

	for (size_t i = 0; i < COUNT(confined_roles); i++) {
		if (strcmp(confined_roles[i]->role, name) == 0) {
			return confined_roles[i];
		}
	}
	if (strcmp(name, "without-net") == 0) {
		without_net = sandbox_authority;
		without_net.namespaces &= ~(unsigned)SANDBOX_NET;
		return &without_net;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct fault fault;
	struct sandbox_state state;

	log_set_fd(FD_LOG, 1);
	if (argc != 5 || !fault_scan(argv[3], &fault)) {
		return PROBE_UNKNOWN;
	}
	const struct sandbox_profile *profile = profile_by_name(argv[1]);
	const struct attempt *attempt = attempt_find(argv[2]);
	if (profile == NULL || attempt == NULL) {
		return PROBE_UNKNOWN;
	}
	if (fault.call != 0) {
		fault_inject(&fault);
	}
	sandbox_begin(profile);
	struct event_base *base = loop_new();
	if (base == NULL) {
		return PROBE_UNKNOWN;
	}
	if (strcmp(argv[4], "stray") == 0 && open("/etc/passwd", O_RDONLY) < 0) {
		return PROBE_UNKNOWN;
	}
	sandbox_enter(profile, &state);
	log_info("entered walls=%u uid=%u gid=%u syscalls=%u", state.walls, state.uid, state.gid, state.syscalls);

	errno = 0;
	if (attempt->try(base) == 0) {
		_exit(PROBE_DONE);
	}
	_exit(errno == 0 ? PROBE_UNKNOWN : errno);
}
