/*
 * What a monitor may do: answer HTTP on sockets it was given, read counters it was given. It opens nothing, connects
 * to nothing, and knows no path.
 *
 * Beyond what other roles need are the calls that libevent makes for bufferevents and evhttp, each with its arguments
 * pinned.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/profiles/rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct sandbox_rule rules[] = {
	/*
	 * memory: allocator; counters arrive as descriptors, and those of others cannot be written through them.
	 * Never executable, and no protection is changed.
	 */
	CALL(brk, "malloc"),
	CALL_IF(mmap, "malloc, counters", BITS(2, PROT_EXEC, 0)),
	CALL(munmap, "free, counters"),
	CALL(mremap, "realloc"),
	/* event loop */
	CALL(epoll_wait, "libevent"),
	CALL(epoll_pwait, "libevent where there is no epoll_wait"),
	CALL(epoll_ctl, "libevent"),
	CALL(close, "clients, replaced listeners, counters of instances that are gone"),
	/* time and chance; the clock only where it cannot be read without the kernel */
	CALL(clock_gettime, "libevent, deadlines"),
	CALL(gettimeofday, "libevent"),
	CALL(getrandom, "keys of hash tables"),
	/* HTTP on inherited sockets */
	CALL(accept4, "clients"),
	CALL(getpeername, "clients: who may not ask does not keep a connection"),
	CALL_IF(ioctl, "evbuffer: how much there is to be read", EQ(1, FIONREAD)),
	CALL(readv, "evbuffer: requests"),
	CALL(writev, "evbuffer: replies; the C library's last words before abort"),
	CALL_IF(shutdown, "evhttp: the end of a connection", EQ(1, SHUT_WR)),
	REFUSE(socket, EACCES, "evhttp: getnameinfo would ask for the name of a link-local client's interface"),
	/* control link and log */
	CALL(recvmsg, "control link, descriptors"),
	CALL(sendmsg, "control link"),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_GETFL)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_SETFL)),
	CALL(write, "log"),
	/* sorting: the C library asks how much memory there is */
	CALL(sysinfo, "qsort"),
	/* the end: abort() and the C library's own checks. There is only process 1 to signal. */
	CALL(exit_group, "exit"),
	CALL(getpid, "abort"),
	CALL(gettid, "abort"),
	CALL_IF(tgkill, "abort: itself", EQ(0, 1), EQ(2, SIGABRT)),
	CALL(rt_sigprocmask, "abort"),
	CALL_IF(rt_sigaction, "abort", EQ(0, SIGABRT)),
	CALL_IF(futex, "once-initialisers wake nobody, but ask", EQ(1, FUTEX_WAKE_PRIVATE)),
};

const struct sandbox_profile sandbox_monitor = {
	.role = "monitor",
	.namespaces = SANDBOX_NET | SANDBOX_IPC | SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_UTS | SANDBOX_CGROUP,
	.files_max = 16384, /* listeners, its few clients, and the counters of 64 workers of 64 views twice over */
	/* No limit of address space: counters of zones are mapped, whether they are used or not. */
	.rules = rules,
	.rule_count = COUNT(rules),
};
