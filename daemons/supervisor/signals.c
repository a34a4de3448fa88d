/*
 * Signals from a descriptor. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/signals.h"

#include "common/util/count.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int watched[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

struct signals {
	int fd;
	struct event *readable;
	signals_fn *fn;
	void *ctx;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct signals *s = arg;
	struct signalfd_siginfo info;
	(void)what;

	/* One at a time: the end of a child may lead to an exec, and what has been read by then would be lost. */
	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		s->fn(s->ctx, (int)info.ssi_signo);
	}
}

/*
 * Where our parent ignored SIGCHLD, children would end unseen (waitpid(2)). Not set when it is the default already: that
 * would throw away one that is pending from before an exec (POSIX, XSH 2.4.3).
 */
static int set_dispositions(void)
{
	struct sigaction inherited;
	if (sigaction(SIGCHLD, NULL, &inherited) != 0 ||
	    (inherited.sa_handler == SIG_IGN && signal(SIGCHLD, SIG_DFL) == SIG_ERR)) {
		return BH_ESYS;
	}
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? BH_ESYS : BH_OK;
}

int signals_watch(struct event_base *base, signals_fn *fn, void *ctx, struct signals **out)
{
	sigset_t set;
	int rc = BH_ESYS;
	struct signals *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return BH_ENOMEM;
	}
	*s = (struct signals){ .fd = -1, .fn = fn, .ctx = ctx };
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(watched); i++) {
		sigaddset(&set, watched[i]);
	}
	/* Blocked before anything else: what is pending from before an exec must not act on its own. */
	if (sigprocmask(SIG_SETMASK, &set, NULL) != 0 || set_dispositions() != BH_OK) {
		goto fail;
	}
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0) {
		goto fail;
	}
	s->readable = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) != 0) {
		rc = BH_ENOMEM;
		goto fail;
	}
	*out = s;
	return BH_OK;
fail:;
	int saved_errno = errno;
	signals_free(s);
	errno = saved_errno;
	return rc;
}

void signals_free(struct signals *s)
{
	if (s == NULL) {
		return;
	}
	if (s->readable != NULL) {
		event_free(s->readable);
	}
	if (s->fd >= 0) {
		close(s->fd);
	}
	free(s);
}

int signals_reset(void)
{
	sigset_t none;
	for (int signo = 1; signo < NSIG; signo++) {
		if (signo != SIGKILL && signo != SIGSTOP) {
			signal(signo, SIG_DFL); /* numbers of no signal fail, which is fine */
		}
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? BH_OK : BH_ESYS;
}
