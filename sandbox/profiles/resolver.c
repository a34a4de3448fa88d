/*
 * What a resolver may do: open sockets to the Internet and talk through query links it was given. It has
 * no client's socket and no file.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/profiles/rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Flags of the type are free; the protocol is the type's own: no ICMP, no MPTCP, no SCTP. */
#define SOCKET(family, type)                                                                              \
	CALL_IF(socket, "servers", EQ(0, family), BITS(1, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type), \
		EQ(2, 0))

static const struct sandbox_rule rules[] = {
	/*
	 * memory: allocator; counters arrive as a descriptor.
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
	CALL(close, "sockets"),
	/* time and chance; the clock only where it cannot be read without the kernel */
	CALL(clock_gettime, "libevent, deadlines"),
	CALL(gettimeofday, "libevent"),
	CALL(getrandom, "identifiers, keys of hash tables; libcrypto's random generator"),
	/* query links from the frontends */
	CALL(recvmmsg, "query links"),
	CALL(sendmmsg, "query links"),
	/* the Internet: UDP and TCP over IPv4 and IPv6, no other family, type or protocol */
	SOCKET(AF_INET, SOCK_DGRAM),
	SOCKET(AF_INET, SOCK_STREAM),
	SOCKET(AF_INET6, SOCK_DGRAM),
	SOCKET(AF_INET6, SOCK_STREAM),
	CALL(bind, "configured source address"),
	CALL(connect, "servers; and nobody, which gives the port back"),
	CALL_IF(setsockopt, "no fragments (RFC 9715)", EQ(1, IPPROTO_IP), EQ(2, IP_MTU_DISCOVER)),
	CALL_IF(setsockopt, "no fragments (RFC 9715)", EQ(1, IPPROTO_IPV6), EQ(2, IPV6_MTU_DISCOVER)),
	CALL_IF(setsockopt, "one family per socket", EQ(1, IPPROTO_IPV6), EQ(2, IPV6_V6ONLY)),
	CALL(read, "replies of servers"),
	/* control link and log */
	CALL(recvmsg, "control link, descriptors"),
	CALL(sendmsg, "control link"),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_GETFL)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_SETFL)),
	CALL(write, "log, queries to servers"),
	/* sorting: the C library asks how much memory there is */
	CALL(sysinfo, "qsort"),
	/* the end: abort() and the C library's own checks. There is only process 1 to signal. */
	CALL(exit_group, "exit"),
	CALL(getpid, "abort; libcrypto's random generator, for P-384: was it forked?"),
	CALL(gettid, "abort"),
	CALL_IF(tgkill, "abort: itself", EQ(0, 1), EQ(2, SIGABRT)),
	CALL(rt_sigprocmask, "abort"),
	CALL_IF(rt_sigaction, "abort", EQ(0, SIGABRT)),
	CALL(writev, "the C library's last words before abort"),
	CALL_IF(futex, "once-initialisers wake nobody, but ask", EQ(1, FUTEX_WAKE_PRIVATE)),
};

const struct sandbox_profile sandbox_resolver = {
	.role = "resolver",
	/* Not the network: it alone is for the Internet. */
	.namespaces = SANDBOX_IPC | SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_UTS | SANDBOX_CGROUP,
	.files_max = 16384, /* one socket per query in flight */
	/* No limit of address space: its caches are as large as configured. */
	.rules = rules,
	.rule_count = COUNT(rules),
};
