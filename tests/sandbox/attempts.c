/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sandbox/attempts.h"

#include "common/util/count.h"
#include "sandbox/sandbox.h"
#include "tests/sandbox/confined.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* 0 for a result that is no error. */
static int done(long result)
{
	return result < 0 ? -1 : 0;
}

#define TRY(name, expression)                                       \
	static int try_##name(struct event_base *base)              \
	{                                                           \
		(void)base;                                         \
		return done((long)(expression));                    \
	}

/* --- files --- */
TRY(open_read, open("/etc/passwd", O_RDONLY | O_CLOEXEC))
TRY(open_zone, open("/zone", O_RDONLY | O_CLOEXEC))
TRY(open_link_out, open("/link", O_RDONLY | O_CLOEXEC))
TRY(open_climb_out, open("/climb", O_RDONLY | O_CLOEXEC))
TRY(open_dotdot, open("/../../etc/passwd", O_RDONLY | O_CLOEXEC))
TRY(open_proc_one, open("/proc/1/status", O_RDONLY | O_CLOEXEC))
TRY(open_write, open("/zone", O_WRONLY | O_CLOEXEC))
TRY(open_read_write, open("/zone", O_RDWR | O_CLOEXEC))
TRY(open_truncate, open("/zone", O_RDONLY | O_TRUNC | O_CLOEXEC))
TRY(open_create, open("/new", O_RDONLY | O_CREAT | O_CLOEXEC, 0644))
TRY(open_tmpfile, open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600))
#ifdef __x86_64__
TRY(open_legacy, syscall(SYS_open, "/zone", O_RDONLY))
TRY(creat_legacy, syscall(SYS_creat, "/new", 0644))
TRY(readlink_legacy, syscall(SYS_readlink, "/link", (char[8]){ 0 }, 8))
#endif
TRY(mkdir, mkdir("/new", 0755))
TRY(unlink, unlink("/zone"))
TRY(rename, rename("/zone", "/zonf"))
TRY(link, link("/zone", "/zonf"))
TRY(chmod, chmod("/zone", 0777))
TRY(truncate, truncate("/zone", 0))
TRY(readlink, syscall(SYS_readlinkat, AT_FDCWD, "/link", (char[8]){ 0 }, 8))
TRY(getdents, syscall(SYS_getdents64, 3, (char[64]){ 0 }, 64))
TRY(chdir, chdir("/"))
TRY(open_by_handle, syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY))
TRY(name_to_handle, syscall(SYS_name_to_handle_at, AT_FDCWD, "/", NULL, NULL, 0))
TRY(memfd_create, memfd_create("code", 0))
TRY(inotify, syscall(SYS_inotify_init1, 0))
TRY(fanotify, syscall(SYS_fanotify_init, 0, 0))

static int try_openat2(struct event_base *base)
{
	struct open_how how = { .flags = O_RDONLY };
	(void)base;
	return done(syscall(SYS_openat2, AT_FDCWD, "/zone", &how, sizeof(how)));
}

/* --- sockets --- */
TRY(socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(socket_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
TRY(socket_packet, socket(AF_PACKET, SOCK_RAW, 0))
TRY(socket_vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
TRY(socket_alg, socket(AF_ALG, SOCK_SEQPACKET, 0))
TRY(socket_udp4, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
TRY(socket_udp6, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
TRY(socket_tcp4, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
TRY(socket_tcp6, socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
TRY(socket_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
TRY(socket_ping, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP))
TRY(socket_mptcp, socket(AF_INET, SOCK_STREAM, 262))
TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
TRY(listen, listen(FD_LINK, 1))
TRY(sockopt_rcvbuf, setsockopt(FD_LINK, SOL_SOCKET, SO_RCVBUF, &(int){ 65536 }, sizeof(int)))
TRY(sockopt_device, setsockopt(FD_LINK, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))
TRY(sockopt_peercred, getsockopt(FD_LINK, SOL_SOCKET, SO_PEERCRED, (char[64]){ 0 }, &(socklen_t){ 64 }))
TRY(getpeername, getpeername(FD_LINK, (struct sockaddr *)(char[128]){ 0 }, &(socklen_t){ 128 }))

static int to_loopback(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (call == connect) {
		to.sin_port = htons(53530);
	}
	return fd < 0 ? -1 : call(fd, (const struct sockaddr *)&to, sizeof(to));
}

static int try_connect_udp4(struct event_base *base)
{
	(void)base;
	return to_loopback(connect);
}

static int try_bind_udp4(struct event_base *base)
{
	(void)base;
	return to_loopback(bind);
}

/* On the descriptor that every role has. */
static int try_connect_link(struct event_base *base)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/socket" };
	(void)base;
	return connect(FD_LINK, (const struct sockaddr *)&to, sizeof(to));
}

static int try_bind_link(struct event_base *base)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "\0abstract" };
	(void)base;
	return bind(FD_LINK, (const struct sockaddr *)&to, sizeof(to));
}

/* --- processes --- */
static int try_execve(struct event_base *base)
{
	char *argv[] = { (char *)"sh", NULL };
	(void)base;
	return execve("/bin/sh", argv, argv + 1);
}

static int try_execveat(struct event_base *base)
{
	char *argv[] = { (char *)"sh", NULL };
	(void)base;
	return done(syscall(SYS_execveat, FD_LINK, "", argv, argv + 1, AT_EMPTY_PATH));
}

static int try_execveat_path(struct event_base *base)
{
	char *argv[] = { (char *)"sh", NULL };
	(void)base;
	return done(syscall(SYS_execveat, AT_FDCWD, "/bin/sh", argv, argv + 1, 0));
}

/* A child that came to be ends at once. */
static int child_ends(long pid)
{
	if (pid == 0) {
		_exit(0);
	}
	return done(pid);
}

static int try_fork(struct event_base *base)
{
	(void)base;
	return child_ends(fork());
}

#ifdef __x86_64__
static int try_fork_legacy(struct event_base *base)
{
	(void)base;
	return child_ends(syscall(SYS_fork));
}

static int try_vfork(struct event_base *base)
{
	(void)base;
	return child_ends(vfork());
}

#endif

static int try_clone3(struct event_base *base)
{
	uint64_t args[11] = { [4] = SIGCHLD };
	(void)base;
	return child_ends(syscall(SYS_clone3, args, sizeof(args)));
}

static int try_clone_new_user(struct event_base *base)
{
	(void)base;
	return child_ends(syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), NULL, NULL, NULL, NULL));
}

TRY(ptrace_traceme, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(ptrace_attach, ptrace(PTRACE_ATTACH, 2, NULL, NULL))
TRY(kill_zero, kill(1, 0))
TRY(kill_other, kill(2, SIGTERM))
TRY(kill_all, kill(-1, SIGKILL))
TRY(tkill, syscall(SYS_tkill, 2, SIGTERM))
TRY(tgkill_other, syscall(SYS_tgkill, 2, 2, SIGABRT))
TRY(tgkill_segv, syscall(SYS_tgkill, 1, 1, SIGSEGV))
TRY(sigqueue, syscall(SYS_rt_sigqueueinfo, 2, SIGTERM, NULL))
TRY(pidfd_open, syscall(SYS_pidfd_open, 1, 0))
TRY(pidfd_send_signal, syscall(SYS_pidfd_send_signal, FD_LINK, SIGTERM, NULL, 0))
TRY(pidfd_getfd, syscall(SYS_pidfd_getfd, FD_LINK, 0, 0))
TRY(process_vm_readv, process_vm_readv(1, NULL, 0, NULL, 0, 0))
TRY(process_vm_writev, process_vm_writev(1, NULL, 0, NULL, 0, 0))
TRY(process_madvise, syscall(SYS_process_madvise, FD_LINK, NULL, 0, 0, 0))
TRY(kcmp, syscall(SYS_kcmp, 1, 1, 0, 0, 0))
TRY(wait, waitpid(-1, NULL, WNOHANG))
TRY(setpriority, setpriority(PRIO_PROCESS, 0, 5))
TRY(sched_setaffinity, syscall(SYS_sched_setaffinity, 0, 8, &(uint64_t){ 1 }))
TRY(prlimit, syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, (uint64_t[2]){ 0 }))
TRY(sigaction_segv, syscall(SYS_rt_sigaction, SIGSEGV, NULL, NULL, 8))

/* --- memory --- */
#define MAP_BYTES 4096
TRY(seal, fcntl(FD_LINK, F_ADD_SEALS, F_SEAL_SHRINK))
static int map(int prot)
{
	return mmap(NULL, MAP_BYTES, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

TRY(mmap_read_write, map(PROT_READ | PROT_WRITE))
TRY(mmap_exec, map(PROT_READ | PROT_EXEC))
TRY(mmap_write_exec, map(PROT_READ | PROT_WRITE | PROT_EXEC))

static int protect(int prot)
{
	void *page = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? -1 : mprotect(page, MAP_BYTES, prot);
}

TRY(mprotect_read, protect(PROT_READ))
TRY(mprotect_exec, protect(PROT_READ | PROT_EXEC))
TRY(mprotect_write_exec, protect(PROT_READ | PROT_WRITE | PROT_EXEC))
TRY(pkey_mprotect, syscall(SYS_pkey_mprotect, NULL, 0, PROT_EXEC, -1))
TRY(remap_file_pages, syscall(SYS_remap_file_pages, NULL, 0, 0, 0, 0))
TRY(shmget, shmget(IPC_PRIVATE, MAP_BYTES, IPC_CREAT | 0600))
TRY(shmat, syscall(SYS_shmat, 0, NULL, SHM_EXEC))
TRY(mlock, mlock(NULL, MAP_BYTES))
TRY(userfaultfd, syscall(SYS_userfaultfd, 0))
TRY(memfd_secret, syscall(447, 0))

/* --- ids and walls --- */
TRY(setuid, setuid(0))
TRY(setresuid, setresuid(0, 0, 0))
TRY(setgid, setgid(0))
TRY(setgroups, setgroups(0, NULL))
TRY(capset, syscall(SYS_capset, (uint32_t[2]){ 0x20080522, 0 }, (uint32_t[6]){ 0 }))
TRY(unshare_user, unshare(CLONE_NEWUSER))
TRY(setns, setns(FD_LINK, 0))
TRY(mount, mount("none", "/", "tmpfs", 0, NULL))
TRY(umount, umount2("/", MNT_DETACH))
TRY(fsopen, syscall(SYS_fsopen, "tmpfs", 0))
TRY(open_tree, syscall(SYS_open_tree, AT_FDCWD, "/", 0))
TRY(move_mount, syscall(SYS_move_mount, AT_FDCWD, "/", AT_FDCWD, "/", 0))
TRY(chroot, chroot("/"))
TRY(pivot_root, syscall(SYS_pivot_root, "/", "/"))
TRY(set_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
TRY(set_keepcaps, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
TRY(clear_pdeathsig, prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0))
TRY(set_ptracer, prctl(PR_SET_PTRACER, -1, 0, 0, 0))
TRY(get_seccomp, prctl(PR_GET_SECCOMP, 0, 0, 0, 0))
TRY(seccomp, syscall(SYS_seccomp, 2, 0, NULL))
TRY(personality, personality(0))

/* --- the kernel --- */
TRY(io_uring_setup, syscall(SYS_io_uring_setup, 1, (char[128]){ 0 }))
TRY(io_uring_enter, syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL))
TRY(bpf, syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0))
TRY(perf_event_open, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
TRY(keyctl, syscall(SYS_keyctl, 0, 0))
TRY(add_key, syscall(SYS_add_key, "user", "name", "value", 5, -1))
TRY(request_key, syscall(SYS_request_key, "user", "name", NULL, -1))
TRY(init_module, syscall(SYS_init_module, NULL, 0, ""))
TRY(kexec_load, syscall(SYS_kexec_load, 0, 0, NULL, 0))
TRY(reboot, syscall(SYS_reboot, 0, 0, 0, NULL))
TRY(syslog, syscall(SYS_syslog, 3, NULL, 0))
TRY(tiocsti, ioctl(FD_LOG, TIOCSTI, "x"))
TRY(tioclinux, ioctl(FD_LOG, TIOCLINUX, "x"))
TRY(fionread, ioctl(FD_LINK, FIONREAD, &(int){ 0 }))
TRY(vhangup, syscall(SYS_vhangup))
TRY(futex_requeue, syscall(SYS_futex, &(uint32_t){ 0 }, 12, 0, NULL, NULL, 0)) /* FUTEX_CMP_REQUEUE_PI */
TRY(sendfile, (int)syscall(SYS_sendfile, memfd_create("to", 0), memfd_create("from", 0), NULL, 1))
TRY(splice, syscall(SYS_splice, 0, NULL, 1, NULL, 1, 0))
TRY(vmsplice, syscall(SYS_vmsplice, 1, NULL, 0, 0))
TRY(timer_create, syscall(SYS_timer_create, 0, NULL, NULL))
TRY(unknown_call, syscall(1000))
TRY(mq_open, syscall(SYS_mq_open, "queue", O_CREAT, 0600, NULL))
#ifdef __x86_64__
TRY(modify_ldt, syscall(SYS_modify_ldt, 0, NULL, 0))
TRY(arch_prctl, syscall(SYS_arch_prctl, 0x1003, &(uint64_t){ 0 }))
TRY(x32_getpid, syscall(0x40000000 | SYS_getpid))

/* The 32-bit entry of an x86-64 kernel has its own numbers: 20 is getpid there. */
static int try_int80_getpid(struct event_base *base)
{
	long result;
	(void)base;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return 0;
}

#endif

/* --- what every role must be able to do --- */
static int try_allocate(struct event_base *base)
{
	static const size_t sizes[] = { 24, 4000, 140000, 3000000, 70000000 };
	(void)base;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		char *block = malloc(sizes[i]);
		if (block == NULL) {
			return -1;
		}
		memset(block, 1, sizes[i]);
		char *bigger = realloc(block, sizes[i] * 2);
		if (bigger == NULL) {
			free(block);
			return -1;
		}
		memset(bigger, 1, sizes[i] * 2);
		free(bigger);
	}
	return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(*(int *)arg)++;
}

static int try_event_loop(struct event_base *base)
{
	int fired = 0;
	struct timeval soon = { .tv_usec = 10000 };
	struct event *readable = event_new(base, FD_LINK, EV_READ | EV_PERSIST, on_timer, &fired);
	struct event *timer = evtimer_new(base, on_timer, &fired);

	if (readable == NULL || timer == NULL || evutil_make_socket_nonblocking(FD_LINK) != 0 ||
	    event_add(readable, NULL) != 0 || evtimer_add(timer, &soon) != 0 ||
	    event_base_loop(base, EVLOOP_ONCE) != 0 || fired != 1) {
		return -1;
	}
	event_free(readable);
	event_free(timer);
	event_base_free(base);
	return 0;
}

static int try_control_link(struct event_base *base)
{
	struct iovec iov = { .iov_base = (char[]){ "hello" }, .iov_len = 5 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)base;
	if (sendmsg(FD_LINK, &msg, MSG_NOSIGNAL) != 5) {
		return -1;
	}
	return recvmsg(FD_LINK, &msg, MSG_DONTWAIT) < 0 && errno == EAGAIN ? 0 : -1;
}

static int try_poll_one(struct event_base *base)
{
	struct pollfd pfd = { .fd = FD_LINK, .events = POLLOUT };

	(void)base;
	return poll(&pfd, 1, 0) == 1 ? 0 : -1;
}

static int try_poll_two(struct event_base *base)
{
	struct pollfd pfd[2] = { { .fd = FD_LINK, .events = POLLOUT }, { .fd = FD_LOG, .events = POLLOUT } };

	(void)base;
	return poll(pfd, 2, 0) == 2 ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static int try_sort(struct event_base *base)
{
	static uint64_t values[100000];
	(void)base;

	for (size_t i = 0; i < COUNT(values); i++) {
		values[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	}
	qsort(values, COUNT(values), sizeof(values[0]), compare);
	return 0;
}

static int try_randomness(struct event_base *base)
{
	char bytes[300];
	struct timespec now;
	(void)base;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		return -1;
	}
	return clock_gettime(CLOCK_MONOTONIC, &now);
}

/* Serve nothing until it is ended from outside. */
static int try_idle(struct event_base *base)
{
	struct timeval late = { .tv_sec = 60 };
	int fired = 0;
	struct event *timer = evtimer_new(base, on_timer, &fired);

	return timer == NULL || evtimer_add(timer, &late) != 0 ? -1 : event_base_dispatch(base);
}

static int try_abort(struct event_base *base)
{
	(void)base;
	abort();
}

static int try_exit(struct event_base *base)
{
	(void)base;
	exit(PROBE_DONE);
}

/* The C library asks for the name of the interface: what evhttp does for a client with a link-local address. */
static int try_name_of_link_local(struct event_base *base)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_scope_id = 1 };
	char host[128];
	char port[16];
	(void)base;
	sa.sin6_addr.s6_addr[0] = 0xfe;
	sa.sin6_addr.s6_addr[1] = 0x80;
	return getnameinfo((struct sockaddr *)&sa, sizeof(sa), host, sizeof(host), port, sizeof(port),
			   NI_NUMERICHOST | NI_NUMERICSERV) == 0
		       ? 0
		       : -1;
}

/* The memory file that waits in the control link, or -1. */
static int receive_file(void)
{
	char byte;
	int image = -1;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	if (recvmsg(FD_LINK, &msg, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&msg) == NULL) {
		return -1;
	}
	memcpy(&image, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return image;
}

/* Counters that were given to be read. */
static int map_page(int prot)
{
	int page = receive_file();
	return page < 0 || mmap(NULL, MAP_BYTES, prot, MAP_SHARED, page, 0) == MAP_FAILED ? -1 : 0;
}

TRY(page_read, map_page(PROT_READ))
TRY(page_map, map_page(PROT_READ | PROT_WRITE))
TRY(page_write, write(receive_file(), "x", 1))

/* Receive the memory file that waits in the control link, grow it and write to it: what a compiler does. */
static int try_image(struct event_base *base)
{
	int image = receive_file();
	(void)base;
	if (image < 0 || ftruncate(image, 1 << 20) != 0) {
		return -1;
	}
	char *map_at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, image, 0);
	if (map_at == MAP_FAILED) {
		return -1;
	}
	memset(map_at, 7, 1 << 20);
	return munmap(map_at, 1 << 20);
}

#define ROW(name) { #name, try_##name }

const struct attempt attempts[] = {
	ROW(open_read), ROW(open_zone), ROW(open_link_out), ROW(open_climb_out), ROW(open_dotdot),
	ROW(open_proc_one), ROW(open_write), ROW(open_read_write), ROW(open_truncate), ROW(open_create),
	ROW(open_tmpfile), ROW(mkdir), ROW(unlink), ROW(rename), ROW(link),
	ROW(chmod), ROW(truncate), ROW(readlink), ROW(getdents), ROW(chdir), ROW(open_by_handle),
	ROW(name_to_handle), ROW(memfd_create), ROW(inotify), ROW(fanotify), ROW(openat2),
	ROW(socket_unix), ROW(socket_netlink), ROW(socket_packet), ROW(socket_vsock), ROW(socket_alg),
	ROW(socket_udp4), ROW(socket_udp6), ROW(socket_tcp4), ROW(socket_tcp6), ROW(socket_raw), ROW(socket_ping),
	ROW(socket_mptcp), ROW(socketpair), ROW(listen), ROW(sockopt_rcvbuf), ROW(sockopt_device),
	ROW(sockopt_peercred), ROW(getpeername), ROW(connect_udp4), ROW(bind_udp4), ROW(connect_link), ROW(bind_link),
	ROW(execve), ROW(execveat), ROW(execveat_path), ROW(fork), ROW(clone3), ROW(clone_new_user), ROW(ptrace_traceme),
	ROW(ptrace_attach), ROW(kill_zero), ROW(kill_other), ROW(kill_all), ROW(tkill), ROW(tgkill_other),
	ROW(tgkill_segv), ROW(sigqueue), ROW(pidfd_open), ROW(pidfd_send_signal), ROW(pidfd_getfd),
	ROW(process_vm_readv), ROW(process_vm_writev), ROW(process_madvise), ROW(kcmp), ROW(wait), ROW(setpriority),
	ROW(sched_setaffinity), ROW(prlimit), ROW(sigaction_segv),
	ROW(mmap_read_write), ROW(mmap_exec), ROW(mmap_write_exec), ROW(mprotect_read), ROW(mprotect_exec),
	ROW(mprotect_write_exec), ROW(pkey_mprotect), ROW(remap_file_pages), ROW(shmget), ROW(shmat), ROW(mlock),
	ROW(userfaultfd), ROW(memfd_secret),
	ROW(setuid), ROW(setresuid), ROW(setgid), ROW(setgroups), ROW(capset), ROW(unshare_user), ROW(setns),
	ROW(mount), ROW(umount), ROW(fsopen), ROW(open_tree), ROW(move_mount), ROW(chroot), ROW(pivot_root),
	ROW(set_dumpable), ROW(set_keepcaps), ROW(clear_pdeathsig), ROW(set_ptracer), ROW(get_seccomp), ROW(seccomp),
	ROW(personality),
	ROW(io_uring_setup), ROW(io_uring_enter), ROW(bpf), ROW(perf_event_open), ROW(keyctl), ROW(add_key),
	ROW(request_key), ROW(init_module), ROW(kexec_load), ROW(reboot), ROW(syslog), ROW(tiocsti), ROW(tioclinux),
	ROW(fionread), ROW(vhangup), ROW(futex_requeue), ROW(sendfile), ROW(splice), ROW(vmsplice), ROW(timer_create), ROW(mq_open),
	ROW(unknown_call),
	ROW(allocate), ROW(event_loop), ROW(control_link), ROW(poll_one), ROW(poll_two), ROW(seal), ROW(sort), ROW(randomness), ROW(idle), ROW(abort),
	ROW(exit), ROW(image), ROW(name_of_link_local), ROW(page_read), ROW(page_map), ROW(page_write),
#ifdef __x86_64__
	ROW(open_legacy), ROW(creat_legacy), ROW(readlink_legacy), ROW(fork_legacy), ROW(vfork), ROW(modify_ldt),
	ROW(arch_prctl), ROW(x32_getpid), ROW(int80_getpid),
#endif
};
const size_t attempt_count = COUNT(attempts);

const struct attempt *attempt_find(const char *name)
{
	for (size_t i = 0; i < attempt_count; i++) {
		if (strcmp(attempts[i].name, name) == 0) {
			return &attempts[i];
		}
	}
	return NULL;
}
