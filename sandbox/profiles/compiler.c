/*
 * What a compiler may do: read files below its view's zone directory, which is its root and read-only, and
 * write one memory file. No socket but the control link.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/profiles/rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>

/* O_TMPFILE is two bits; O_DIRECTORY alone is fine. */
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

static const struct sandbox_rule rules[] = {
	/*
	 * memory: allocator; zone text is read into it, the image is mapped.
	 * Never executable, and no protection is changed.
	 */
	CALL(brk, "malloc"),
	CALL_IF(mmap, "malloc, zone text, the image", BITS(2, PROT_EXEC, 0)),
	CALL(munmap, "free, zone text, the image"),
	CALL(mremap, "realloc"),
	CALL_IF(madvise, "zone text that was read is given back", EQ(2, MADV_DONTNEED)),
	/* event loop */
	CALL(epoll_wait, "libevent"),
	CALL(epoll_pwait, "libevent where there is no epoll_wait"),
	CALL(epoll_ctl, "libevent"),
	CALL(close, "zone files"),
	/* time and chance; the clock only where it cannot be read without the kernel */
	CALL(clock_gettime, "libevent, deadlines"),
	CALL(gettimeofday, "libevent"),
	CALL(getrandom, "identifiers, keys of hash tables"),
	/* zone text: files below its root, for reading only */
	CALL_IF(openat, "zone files", BITS(2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH | TMPFILE_BIT, 0)),
	REFUSE(openat2, ENOSYS, "zone files: its flags cannot be pinned; openat will do, inside this root"),
	CALL(read, "zone files"),
	/* the image */
	CALL(ftruncate, "size of the image"),
	CALL(fstat, "size and kind of zone files"),
	CALL_IF(newfstatat, "fstat of some C libraries: a descriptor, no path", EQ(3, AT_EMPTY_PATH)),
	/* control link and log */
	CALL(recvmsg, "control link"),
	CALL(sendmsg, "control link"),
	CALL_IF(poll, "last words on the control link: one descriptor", EQ(1, 1)),
	CALL_IF(fcntl, "images that are shown must be sealed", EQ(1, F_GET_SEALS)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_GETFL)),
	CALL_IF(fcntl, "non-blocking sockets", EQ(1, F_SETFL)),
	CALL(write, "log, text of images"),
	/* sorting: the C library asks how much memory there is */
	CALL(sysinfo, "qsort"),
	/* the end: abort() and the C library's own checks. There is only process 1 to signal. */
	CALL(exit_group, "exit"),
	CALL(getpid, "abort"),
	CALL(gettid, "abort"),
	CALL_IF(tgkill, "abort: itself", EQ(0, 1), EQ(2, SIGABRT)),
	CALL(rt_sigprocmask, "abort"),
	CALL_IF(rt_sigaction, "abort", EQ(0, SIGABRT)),
	CALL(writev, "the C library's last words before abort"),
	CALL_IF(futex, "once-initialisers wake nobody, but ask", EQ(1, FUTEX_WAKE_PRIVATE)),
	CALL(restart_syscall, "poll, after the process was stopped and continued"),
};

const struct sandbox_profile sandbox_compiler = {
	.role = "compiler",
	.namespaces = SANDBOX_NET | SANDBOX_IPC | SANDBOX_MOUNT | SANDBOX_PID | SANDBOX_UTS | SANDBOX_CGROUP,
	.zone_root = true,
	.files_max = 64, /* nested includes */
	.memory_max = UINT64_C(32) << 30,    /* records before they are an image: hundreds of octets each */
	.file_size_max = UINT64_C(16) << 30, /* the image */
	.cpu_max_sec = 900,
	.rules = rules,
	.rule_count = COUNT(rules),
};
