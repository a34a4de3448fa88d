/*
 * The supervisor's part of starting a role, for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/sandbox/confined.h"

#include "common/util/count.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE "tests/sandbox/probe" /* below the build directory, where tests are run */
#define PATIENCE_MS 20000

bool confined_possible(void)
{
	return geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "cannot prepare the test: %s: %s\n", what, strerror(errno));
	abort();
}

/* A directory with a file that may be read, and a link that leads out. */
static void make_root(char path[], bool filled)
{
	char name[128];

	if (mkdtemp(path) == NULL || chmod(path, 0755) != 0) {
		die("mkdtemp");
	}
	if (!filled) {
		return;
	}
	snprintf(name, sizeof(name), "%s/zone", path);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || write(fd, "zone\n", 5) != 5 || close(fd) != 0) {
		die("zone file");
	}
	snprintf(name, sizeof(name), "%s/link", path);
	if (symlink("/etc/passwd", name) != 0) {
		die("symlink");
	}
	snprintf(name, sizeof(name), "%s/climb", path);
	if (symlink("../../../../../../../etc/passwd", name) != 0) {
		die("symlink");
	}
}

static void remove_root(const char *path)
{
	static const char *const names[] = { "zone", "link", "climb" };

	for (size_t i = 0; i < COUNT(names); i++) {
		char name[128];
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		unlink(name);
	}
	rmdir(path);
}

/* Put the role's descriptors in their places. high: copies above all of them. */
static int place_fds(int log, int link)
{
	int high_log = fcntl(log, F_DUPFD, 20);
	int high_link = fcntl(link, F_DUPFD, 20);
	int null = open("/dev/null", O_RDWR);
	int high_null = fcntl(null, F_DUPFD, 20);
	int program = open(PROBE, O_PATH | O_CLOEXEC);
	int high_program = fcntl(program, F_DUPFD_CLOEXEC, 20);

	if (high_program < 0 || dup2(high_null, 0) < 0 || dup2(high_null, 1) < 0 || dup2(high_log, FD_LOG) < 0 ||
	    dup2(high_link, FD_LINK) < 0) {
		_exit(PROBE_UNKNOWN);
	}
	return high_program;
}

static _Noreturn void child(const struct confined *run, const char *root, int log, int link)
{
	char why[512] = "";
	char fault[64];
	const struct sandbox_ids ids = { .uid = run->as_root ? 0 : TEST_UID, .gid = run->as_root ? 0 : TEST_GID };
	int program = place_fds(log, link);

	/* Something to lose. */
	if (setgroups(2, (const gid_t[]){ TEST_GID + 1, TEST_GID + 2 }) != 0) {
		_exit(PROBE_UNKNOWN);
	}
	if (run->loopback_up) {
		struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
		if (ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &request) != 0) {
			_exit(PROBE_UNKNOWN);
		}
	}
	if (run->in_confine.call != 0) {
		fault_inject(&run->in_confine);
	}
	if (sandbox_confine(run->profile, &ids, root, why, sizeof(why)) != BH_OK) {
		dprintf(FD_LOG, "confine: %s\n", why);
		_exit(CONFINE_FAILED);
	}
	fault_print(&run->in_enter, fault, sizeof(fault));
	const char *role = run->probe_profile == NULL ? run->profile->role : run->probe_profile;
	/* Not by its path: the build directory may be closed to the role's user. */
	const char *argv[] = { "probe", role, run->attempt, fault, run->stray_after_close ? "stray" : "clean", NULL };
	fexecve(program, (char *const *)argv, environ);
	dprintf(FD_LOG, "exec: %s\n", strerror(errno));
	_exit(PROBE_UNKNOWN);
}

static void read_log(int fd, char *log, size_t size, pid_t pid)
{
	size_t pos = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		if (poll(&pfd, 1, PATIENCE_MS) <= 0) {
			kill(pid, SIGKILL); /* hangs */
			return;
		}
		ssize_t n = read(fd, log + pos, size - 1 - pos);
		if (n <= 0) {
			return;
		}
		pos += (size_t)n;
		log[pos] = '\0';
	}
}

/* The same memory, opened so that it can only be read: as the supervisor gives counters to the monitor. */
static int open_for_reading(int fd)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = ftruncate(fd, 4096) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	close(fd);
	return again;
}

/* A memory file waits for the role in its control link, as a compiler's image does, or the monitor's counters. */
static void send_image(int link, bool read_only)
{
	int image = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	image = read_only ? open_for_reading(image) : image;
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &image, sizeof(int));
	if (image < 0 || sendmsg(link, &msg, 0) != 1) {
		die("image");
	}
	close(image);
}

/* Start a role that logs to log. Returns its process id; *link is our end of its control link. */
static pid_t start(const struct confined *run, const char *root, int log, int *link)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		die("socketpair");
	}
	if (run->fork_plainly) {
		sandbox_clone_flags(run->profile); /* remembers our namespaces */
		pid = fork();
	} else {
		pid = sandbox_fork(run->profile);
	}
	if (pid < 0) {
		die("clone");
	}
	if (pid == 0) {
		child(run, root, log, ends[1]);
	}
	close(ends[1]);
	bool page = strncmp(run->attempt, "page_", 5) == 0;
	if (page || strcmp(run->attempt, "image") == 0) {
		send_image(ends[0], page);
	}
	*link = ends[0];
	return pid;
}

struct confined_end confined_run(const struct confined *run)
{
	struct confined_end end = { .status = 0, .log = "" };
	char root[] = "/tmp/confined.XXXXXX";
	int log[2];
	int link;

	if (pipe2(log, O_CLOEXEC) != 0) {
		die("pipe");
	}
	if (run->root_path == NULL) {
		make_root(root, run->profile->zone_root);
	}
	pid_t pid = start(run, run->root_path == NULL ? root : run->root_path, log[1], &link);
	close(log[1]);
	read_log(log[0], end.log, sizeof(end.log), pid);
	if (waitpid(pid, &end.status, 0) != pid) {
		die("waitpid");
	}
	close(log[0]);
	close(link);
	if (run->root_path == NULL) {
		remove_root(root);
	}
	return end;
}

bool confined_dies_with_parent(const struct confined *run)
{
	char root[] = "/tmp/confined.XXXXXX";
	char text[1024];
	int log[2];

	if (pipe2(log, O_CLOEXEC) != 0) {
		die("pipe");
	}
	make_root(root, run->profile->zone_root);
	pid_t starter = fork();
	if (starter < 0) {
		die("fork");
	}
	if (starter == 0) {
		int link;
		(void)start(run, root, log[1], &link);
		close(log[1]);
		pause();
		_exit(0);
	}
	close(log[1]);
	/* Its line on entering; then nothing more, while it is alive. */
	struct pollfd pfd = { .fd = log[0], .events = POLLIN };
	bool entered = read(log[0], text, sizeof(text)) > 0 && poll(&pfd, 1, 300) == 0;
	kill(starter, SIGKILL);
	waitpid(starter, NULL, 0);
	/* The role held the last writing end of its log. */
	bool ended = poll(&pfd, 1, 5000) == 1 && read(log[0], text, sizeof(text)) == 0;
	close(log[0]);
	remove_root(root);
	return entered && ended;
}

const char *confined_text(const struct confined_end *end)
{
	static char text[64];

	if (WIFSIGNALED(end->status)) {
		snprintf(text, sizeof(text), "killed by SIG%s", sigabbrev_np(WTERMSIG(end->status)));
	} else if (WEXITSTATUS(end->status) == PROBE_DONE) {
		return "done";
	} else if (WEXITSTATUS(end->status) == CONFINE_FAILED) {
		return "confine failed";
	} else if (WEXITSTATUS(end->status) == PROBE_UNKNOWN) {
		return "the test itself is broken";
	} else if (WEXITSTATUS(end->status) == 1 && strstr(end->log, "sandbox: ") != NULL) {
		return "does not start";
	} else if (WEXITSTATUS(end->status) == 1 && strstr(end->log, "Sanitizer") != NULL) {
		return "reported and ended";
	} else {
		snprintf(text, sizeof(text), "refused: %s", strerrorname_np(WEXITSTATUS(end->status)));
	}
	return text;
}
