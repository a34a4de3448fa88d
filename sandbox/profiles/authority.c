/*
 * What an authority may do: talk through sockets it was given, map images it was given. It opens
 * nothing, connects to nothing, and knows no path.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/profiles/rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct sandbox_rule rules[] = {
	/*
	 * memory: allocator; images and counters arrive as descriptors.
	 * Never executable, and no protection is changed.
	 */
	CALL(brk, "malloc"),
	CALL_IF(mmap, "malloc, images, counters", BITS(2, PROT_EXEC, 0)),
	CALL(munmap, "free, images, counters"),
	CALL(mremap, "realloc"),
	/* event loop */
	CALL(epoll_wait, "libevent"),
	CALL(epoll_pwait, "libevent where there is no epoll_wait"),
	CALL(epoll_ctl, "libevent"),
	CALL(close, "TCP clients, replaced images"),
	/* time and chance; the clock only where it cannot be read without the kernel */
	CALL(clock_gettime, "libevent, deadlines"),
	CALL(gettimeofday, "libevent"),
	CALL(getrandom, "identifiers, keys of hash tables"),
	/* service on inherited sockets */
	CALL(recvmmsg, "queries over UDP, query links"),
	CALL(sendmmsg, "replies over UDP, query links"),
	CALL(accept4, "TCP clients"),
	CALL(read, "queries over TCP"),
	CALL_IF(setsockopt, "clients that take no replies: the kernel keeps none for them", EQ(1, SOL_SOCKET),
		EQ(2, SO_LINGER)),
	/* control link and log */
	CALL(recvmsg, "control link, descriptors"),
	CALL(sendmsg, "control link"),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_GETFL)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_SETFL)),
	CALL(write, "log"),
	/* images */
	CALL_IF(fcntl, "images must be sealed", EQ(1, F_GET_SEALS)),
	CALL(fstat, "size of images"),
	CALL_IF(newfstatat, "fstat of some C libraries: a descriptor, no path", EQ(3, AT_EMPTY_PATH)),
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
};

const struct sandbox_profile sandbox_authority = {
	.role = "authority",
	.namespaces = SANDBOX_NET | SANDBOX_IPC | SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_UTS | SANDBOX_CGROUP,
	/* TCP clients, listeners, and the images of 100,000 zones (CONFIG_ZONES_MAX) in two generations */
	.files_max = 262144,
	/*
	 * No limit of address space or time: images are as large as their zones, and it runs for years. The
	 * service manager's limits on memory apply.
	 */
	.rules = rules,
	.rule_count = COUNT(rules),
};
