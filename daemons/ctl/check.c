/*
 * `bulkheadctl check`. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/check.h"

#include "daemons/ctl/answer.h"
#include "daemons/ctl/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_FD 3 /* bulkheadd -r 3 */
#define NO_EXEC 127 /* exit status of a child that could not become bulkheadd */

/* PATH of bulkheadd in the directory this program was started from. */
static int find_beside(char path[PATH_MAX])
{
	static const char name[] = "/bulkheadd";
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (len <= 0) {
		return BH_ENOENT;
	}
	path[len] = '\0';
	char *slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash - path) + sizeof(name) > PATH_MAX) {
		return BH_ENOENT;
	}
	memcpy(slash, name, sizeof(name));
	return 0;
}

/* In the child: put the report in its place and become bulkheadd. */
static void become_bulkheadd(const char *program, const struct check_options *check, int report)
{
	const char *argv[12];
	int argc = 0;
	argv[argc++] = program;
	argv[argc++] = "-t";
	argv[argc++] = "-r";
	argv[argc++] = "3";
	if (check->role_dir != NULL) {
		argv[argc++] = "-L";
		argv[argc++] = check->role_dir;
	}
	if (check->file != NULL) {
		argv[argc++] = "-c";
		argv[argc++] = check->file;
	}
	argv[argc] = NULL;
	/* dup2 onto itself would keep close-on-exec: step aside first. */
	int aside = report == REPORT_FD ? dup(report) : report;
	if (aside < 0 || dup2(aside, REPORT_FD) < 0) {
		fprintf(stderr, "bulkheadctl: cannot pass a descriptor: %s\n", strerror(errno));
		_exit(NO_EXEC);
	}
	if (aside != report) {
		close(aside);
	}
	execv(program, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "bulkheadctl: cannot start %s: %s\n", program, strerror(errno));
	_exit(NO_EXEC);
}

/* How the child ended, when its answer was not complete. */
static void explain_end(const char *program, int status, char *why, size_t why_size)
{
	if (WIFSIGNALED(status)) {
		snprintf(why, why_size, "%s was ended by signal %d before its answer was complete", program,
			 WTERMSIG(status));
	} else if (WEXITSTATUS(status) == NO_EXEC) {
		snprintf(why, why_size, "cannot start %s (-b names another program)", program);
	} else {
		snprintf(why, why_size, "%s ended with status %d before its answer was complete", program,
			 WEXITSTATUS(status));
	}
}

int check_run(const struct check_options *check, const struct session_options *session,
	      struct answer *answer, char *why, size_t why_size)
{
	char beside[PATH_MAX];
	const char *program = check->program;
	int ends[2];
	if (program == NULL) {
		if (find_beside(beside) != 0) {
			snprintf(why, why_size, "cannot find bulkheadd (-b names it)");
			return BH_ENOENT;
		}
		program = beside;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		snprintf(why, why_size, "cannot make a socket pair: %s", strerror(errno));
		return BH_ESYS;
	}
	pid_t pid = fork();
	if (pid < 0) {
		snprintf(why, why_size, "cannot start a process: %s", strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return BH_ESYS;
	}
	if (pid == 0) {
		become_bulkheadd(program, check, ends[1]);
	}
	close(ends[1]);
	int err = session_run(ends[0], NULL, session, answer, why, why_size);
	if (err != 0 && err != BH_ECLOSED) {
		kill(pid, SIGTERM); /* it is silent or talks nonsense: it shall not stay */
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			snprintf(why, why_size, "cannot wait for %s: %s", program, strerror(errno));
			return BH_ESYS;
		}
	}
	if (err == BH_ECLOSED) {
		explain_end(program, status, why, why_size);
	}
	return err;
}
