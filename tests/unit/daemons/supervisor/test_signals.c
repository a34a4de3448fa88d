/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/signals.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int seen[8];
static unsigned seen_count;
static struct event_base *loop;
static bool leave_at_once;

static void on_signal(void *ctx, int signo)
{
	cr_assert_eq(ctx, seen);
	cr_assert(seen_count < 8);
	seen[seen_count++] = signo;
	if (leave_at_once) {
		event_base_loopbreak(loop);
	}
}

static struct signals *watch(void)
{
	struct signals *s = NULL;
	loop = event_base_new();
	cr_assert_not_null(loop);
	cr_assert_eq(signals_watch(loop, on_signal, seen, &s), BH_OK);
	return s;
}

static void turn(unsigned times)
{
	while (times-- > 0) {
		cr_assert(event_base_loop(loop, EVLOOP_NONBLOCK) >= 0);
	}
}

static void end(struct signals *s)
{
	signals_free(s);
	event_base_free(loop);
}

static bool pending(int signo)
{
	sigset_t set;
	cr_assert_eq(sigpending(&set), 0);
	return sigismember(&set, signo) == 1;
}

Test(signals, each_is_told_once)
{
	struct signals *s = watch();
	raise(SIGHUP);
	raise(SIGHUP);
	raise(SIGTERM);
	raise(SIGINT);
	turn(8);
	cr_assert_eq(seen_count, 3);
	cr_assert_eq(seen[0] + seen[1] + seen[2], SIGHUP + SIGTERM + SIGINT);
	raise(SIGPIPE); /* ignored */
	turn(2);
	cr_assert_eq(seen_count, 3);
	end(s);
}

/* An exec out of the handler for one must leave the others with the kernel. */
Test(signals, one_is_taken_at_a_time)
{
	struct signals *s = watch();
	leave_at_once = true;
	raise(SIGTERM);
	raise(SIGCHLD);
	turn(1);
	cr_assert_eq(seen_count, 1);
	cr_assert(pending(seen[0] == SIGTERM ? SIGCHLD : SIGTERM));
	end(s);

	/* Somebody else who watches later has it. */
	seen_count = 0;
	int left = pending(SIGTERM) ? SIGTERM : SIGCHLD;
	s = watch();
	turn(2);
	cr_assert(seen_count == 1 && seen[0] == left);
	end(s);
}

/* Whoever started us with SIGCHLD ignored: children would be reaped by the kernel, and their ends be told to nobody. */
Test(signals, ends_of_children_are_told_whatever_was_inherited)
{
	int status;
	signal(SIGCHLD, SIG_IGN);
	struct signals *s = watch();
	pid_t pid = fork();
	if (pid == 0) {
		_exit(signals_reset() == BH_OK ? 7 : 1);
	}
	cr_assert_eq(event_base_loop(loop, EVLOOP_ONCE), 0);
	cr_assert(seen_count == 1 && seen[0] == SIGCHLD);
	cr_assert_eq(waitpid(pid, &status, WNOHANG), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	end(s);
}

Test(signals, a_child_begins_with_none_blocked)
{
	int status;
	struct signals *s = watch();
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t set;
		struct sigaction pipe;
		if (signals_reset() != BH_OK || sigprocmask(SIG_SETMASK, NULL, &set) != 0 || sigismember(&set, SIGTERM) ||
		    sigaction(SIGPIPE, NULL, &pipe) != 0 || pipe.sa_handler != SIG_DFL) {
			_exit(1);
		}
		raise(SIGTERM);
		_exit(2);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "%x", (unsigned)status);
	end(s);
}
