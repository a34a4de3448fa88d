/*
 * What an authority may do: talk through sockets it was given, map images it was given. It opens
 * nothing, connects to nothing, and knows no path.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/profiles/rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>

static const struct sandbox_rule rules[] = {
	/* memory: allocator; images and counters arrive as descriptors. Never executable. */
	CALL(brk, "malloc"),
	CALL_IF(mmap, "malloc, images, counters", BITS(2, PROT_EXEC, 0)),
	CALL_IF(mprotect, "malloc", BITS(2, PROT_EXEC, 0)),
	CALL(munmap, "free, images, counters"),
	CALL(mremap, "realloc"),
	CALL(madvise, "free"),
	/* event loop */
	CALL(epoll_wait, "libevent"),
	CALL(epoll_pwait, "libevent where there is no epoll_wait"),
	CALL(epoll_ctl, "libevent"),
	CALL(close, "TCP clients, replaced images"),
	/* time and chance; the first two only where the clock cannot be read without the kernel */
	CALL(clock_gettime, "libevent, deadlines"),
	CALL(gettimeofday, "libevent"),
	CALL(getrandom, "identifiers and keys of hash tables"),
	/* service on inherited sockets */
	CALL(recvmmsg, "queries over UDP, query links"),
	CALL(sendmmsg, "replies over UDP, query links"),
	CALL(recvfrom, "queries over TCP"),
	CALL(sendto, "replies over TCP"),
	CALL(read, "queries over TCP"),
	CALL(readv, "queries over TCP"),
	CALL(accept4, "TCP clients"),
	CALL(shutdown, "TCP clients"),
	/* control link and log */
	CALL(recvmsg, "control link, descriptors"),
	CALL(sendmsg, "control link"),
	CALL_IF(poll, "last words on the control link: one descriptor", EQ(1, 1)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_GETFL)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_SETFL)),
	CALL_IF(fcntl, "images and counters must be sealed", EQ(1, F_GET_SEALS)),
	CALL(write, "log, replies over TCP"),
	CALL(fstat, "size of images"),
	CALL_IF(newfstatat, "fstat of newer C libraries: a descriptor, no path", EQ(3, AT_EMPTY_PATH)),
	/* sorting: the C library asks how much memory there is */
	CALL(sysinfo, "qsort"),
	/* the end: abort() and the C library's own checks. There is only process 1 to signal. */
	CALL(exit_group, "exit"),
	CALL(getpid, "abort"),
	CALL(gettid, "abort"),
	CALL_IF(tgkill, "abort: itself", EQ(0, 1), EQ(2, SIGABRT)),
	CALL(rt_sigprocmask, "abort"),
	CALL_IF(rt_sigaction, "abort", EQ(0, SIGABRT)),
	CALL(writev, "the C library's last words before abort, replies over TCP"),
	CALL_IF(futex, "once-initialisers wake nobody, but ask", EQ(1, FUTEX_WAKE_PRIVATE)),
	CALL(restart_syscall, "poll after the process was stopped and continued"),
};

const struct sandbox_profile sandbox_authority = {
	.role = "authority",
	.namespaces = SANDBOX_NET | SANDBOX_IPC | SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_UTS | SANDBOX_CGROUP,
	.files_max = 16384, /* TCP clients, listeners, images of two generations */
	/*
	 * No limit of address space or time: images are as large as their zones, and it runs for years. The
	 * service manager's limits on memory apply.
	 */
	.rules = rules,
	.rule_count = RULE_COUNT(rules),
};
