/*
 * fork, confine, exec. The child between clone and exec calls nothing that allocates or locks: the
 * supervisor has one thread, but its heap may be in any state of a libevent callback.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/spawn.h"

#include "common/ipc/msg.h"
#include "common/util/log.h"
#include "daemons/supervisor/signals.h"
#include "sandbox/localwall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors of the child before they go to their fixed places. */
struct child_fds {
	int null;
	int log;
	int link;
	int program;
};

/* Where copies wait, above every fixed number, so that no dup2 overwrites one still needed. */
#define FD_PARKING 64

static void child_fail(const char *what)
{
	log_fatal("cannot start: %s: %s", what, strerror(errno));
}

static void place(int fd, int target)
{
	if (dup2(fd, target) < 0) { /* a duplicate has no close-on-exec flag */
		child_fail("dup2");
	}
}

/* Returns the program's. */
static int place_descriptors(const struct child_fds *fds)
{
	int null = fcntl(fds->null, F_DUPFD_CLOEXEC, FD_PARKING);
	int log = fcntl(fds->log, F_DUPFD_CLOEXEC, FD_PARKING);
	int link = fcntl(fds->link, F_DUPFD_CLOEXEC, FD_PARKING);
	int program = fcntl(fds->program, F_DUPFD_CLOEXEC, FD_PARKING); /* no role ever has it */
	if (null < 0 || log < 0 || link < 0 || program < 0) {
		child_fail("dup");
	}
	place(log, FD_LOG);
	log_set_fd(FD_LOG, 1);
	place(null, STDIN_FILENO);
	place(null, STDOUT_FILENO);
	place(link, FD_LINK);
	/* Everything else of the supervisor is close-on-exec already; this says so once more. FD_ROOT is
	 * opened by sandbox_confine. */
	if (syscall(SYS_close_range, FD_FIRST_FREE, (unsigned)program - 1, 0) != 0 ||
	    syscall(SYS_close_range, (unsigned)program + 1, ~0u, 0) != 0) {
		child_fail("close_range");
	}
	return program;
}

static void child_main(const struct spawn_request *request, const struct child_fds *fds)
{
	char why[256] = "";
	char *argv[2] = { (char *)(uintptr_t)request->title, NULL };

	/* Before the wall's descriptors are closed; from here on nothing can be sent to this host. */
	bool behind = request->localwall == NULL || localwall_join(request->localwall, why, sizeof(why)) == BH_OK;
	int program = place_descriptors(fds);
	if (signals_reset() != BH_OK) {
		child_fail("signals");
	}
	if (!behind || sandbox_confine(request->profile, &request->ids, request->root, why, sizeof(why)) != BH_OK) {
		log_fatal("cannot start: wall: %s", why);
	}
	/* Nothing of our environment gets through: sandbox_confine emptied it but for what the role must know. */
	syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	/* Not the program, which is open, but what it needs: an interpreter of scripts cannot reach what closes on exec. */
	log_fatal("cannot start: %s: %s", request->program,
		  errno == ENOENT ? "its loader is missing, or it is a script" : strerror(errno));
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0) {
			close(pair[i]);
		}
	}
}

int spawn_role(const struct spawn_request *request, struct spawned *out)
{
	int link[2] = { -1, -1 };
	int pipe_fds[2] = { -1, -1 };
	struct child_fds fds = { .null = -1 };
	int rc = BH_ESYS;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, link) != 0 ||
	    pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		goto out;
	}
	fds.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds.null < 0) {
		goto out;
	}
	fds.log = pipe_fds[1];
	fds.link = link[1];
	fds.program = request->program_fd;

	pid_t pid = sandbox_fork(request->profile);
	if (pid == 0) {
		child_main(request, &fds);
		_exit(1);
	}
	if (pid > 0) {
		*out = (struct spawned){ .pid = pid, .link_fd = link[0], .log_fd = pipe_fds[0] };
		link[0] = -1;
		pipe_fds[0] = -1;
		rc = BH_OK;
	}
out:;
	int saved_errno = errno;
	if (fds.null >= 0) {
		close(fds.null);
	}
	close_pair(link);
	close_pair(pipe_fds);
	errno = saved_errno;
	return rc;
}
