/*
 * Places, processes, waiting and failing, for the integration and lab tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/harness.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/groups.h"

#include <criterion/criterion.h>
#include <criterion/options.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOWN_MAX 16
#define SHOWN_BYTES 16384 /* of the end of each log */

static pid_t watcher; /* the process that harness_main was called in */

static struct {
	char paths[SHOWN_MAX][PATH_MAX];
	unsigned count;
} shown;

/* --- failing --------------------------------------------------------------------------------------- */

void harness_show(const char *path)
{
	for (unsigned i = 0; i < shown.count; i++) {
		if (strcmp(shown.paths[i], path) == 0) {
			return;
		}
	}
	if (shown.count < SHOWN_MAX) {
		snprintf(shown.paths[shown.count++], PATH_MAX, "%s", path);
	}
}

/* Async-signal-safe: the watchdog calls this too. */
static void put(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));
	(void)n; /* there is nowhere else to say it */
}

static void print_shown(void)
{
	static char buf[SHOWN_BYTES];
	for (unsigned i = 0; i < shown.count; i++) {
		int fd = open(shown.paths[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			continue;
		}
		off_t size = lseek(fd, 0, SEEK_END);
		off_t from = size > SHOWN_BYTES ? size - SHOWN_BYTES : 0;
		ssize_t n = pread(fd, buf, sizeof(buf), from);
		close(fd);
		put("---- ");
		put(shown.paths[i]);
		put(" ----\n");
		if (n > 0) {
			ssize_t w = write(STDERR_FILENO, buf, (size_t)n);
			(void)w;
		}
		put("\n----\n");
	}
}

void harness_fail(const char *file, int line, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const char *base = strrchr(file, '/');
	fprintf(stderr, "%s:%d: %s\n", base == NULL ? file : base + 1, line, text);
	fflush(stderr);
	print_shown();
	if (getpid() == watcher) {
		exit(1); /* not inside a test */
	}
	cr_assert_fail("%s:%d: %s", base == NULL ? file : base + 1, line, text);
	abort(); /* not reached: the assertion leaves the test */
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
	put("the test took too long\n");
	print_shown();
	_exit(1);
}

unsigned harness_slow(void)
{
	const char *text = getenv("BULKHEAD_TEST_SLOW");
	long factor = text == NULL ? 1 : strtol(text, NULL, 10);
	return factor < 1 ? 1 : factor > 20 ? 20 : (unsigned)factor;
}

void harness_limit(unsigned seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &action, NULL);
	alarm(seconds * harness_slow());
}

int harness_skip(const char *name, const char *why)
{
	printf("SKIPPED: %s: %s\n", name, why);
	fflush(stdout);
	return HARNESS_SKIPPED;
}

/* --- network --------------------------------------------------------------------------------------- */

static int loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	memcpy(request.ifr_name, "lo", 3);
	int rc = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return rc;
}

void harness_own_network(void)
{
	MUST(unshare(CLONE_NEWNET) == 0, "a network namespace: %s", strerror(errno));
	MUST(loopback_up() == 0, "loopback up: %s", strerror(errno));
}

static int enter_network(pid_t network_of)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)network_of);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	int rc = setns(fd, CLONE_NEWNET);
	close(fd);
	return rc;
}

void harness_enter_network(pid_t network_of)
{
	MUST(enter_network(network_of) == 0, "network of process %d: %s", (int)network_of, strerror(errno));
}

void harness_address(const char *address_with_bits)
{
	char *argv[] = { "ip", "address", "add", (char *)address_with_bits, "dev", "lo", "nodad", NULL };
	if (strchr(address_with_bits, ':') == NULL) {
		argv[6] = NULL;
	}
	MUST(harness_run(argv, NULL, 5000) == 0, "ip address add %s", address_with_bits);
}

/* --- files ----------------------------------------------------------------------------------------- */

/*
 * All directories of a program are in one place, which its watcher holds by a lock as long as it lives and removes at its
 * end, whatever became of the tests. What a killed watcher left is removed by the next one: nobody holds it.
 */
#define PLACE_START "bulkhead-place-"
#define PLACE_YOUNG_SEC 60 /* may have been made just now, and is not locked yet */

/* From the program to its tests, which are processes of their own and begin anew. */
#define PLACE "BULKHEAD_TEST_PLACE"

void harness_make_directory(char out[64])
{
	const char *place = getenv(PLACE);
	MUST(place != NULL && strlen(place) < 50, "no place for directories");
	snprintf(out, 64, "%.50s/XXXXXX", place);
	MUST(mkdtemp(out) != NULL, "mkdtemp: %s", strerror(errno));
	MUST(chmod(out, 0755) == 0, "chmod: %s", strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_directory(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void harness_remove_directory(const char *path)
{
	if (strncmp(path, "/tmp/" PLACE_START, strlen("/tmp/" PLACE_START)) == 0 && getenv("BULKHEAD_TEST_KEEP") == NULL) {
		remove_directory(path);
	}
}

static void remove_abandoned(const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	snprintf(path, sizeof(path), "/tmp/%s", name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && time(NULL) - st.st_mtime > PLACE_YOUNG_SEC &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0) {
		remove_directory(path);
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* Our place, held by the descriptor that is returned. */
static int take_place(void)
{
	DIR *tmp = opendir("/tmp");
	for (struct dirent *e = tmp == NULL ? NULL : readdir(tmp); e != NULL; e = readdir(tmp)) {
		if (strncmp(e->d_name, PLACE_START, strlen(PLACE_START)) == 0) {
			remove_abandoned(e->d_name);
		}
	}
	if (tmp != NULL) {
		closedir(tmp);
	}
	char path[] = "/tmp/" PLACE_START "XXXXXX";
	MUST(mkdtemp(path) != NULL && chmod(path, 0755) == 0, "mkdtemp: %s", strerror(errno));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(fd >= 0 && flock(fd, LOCK_SH) == 0, "%s cannot be locked: %s", path, strerror(errno));
	MUST(setenv(PLACE, path, 1) == 0, "setenv");
	return fd;
}

static void leave_place(int fd)
{
	const char *path = getenv(PLACE);
	if (getenv("BULKHEAD_TEST_KEEP") != NULL) {
		char kept[64];
		snprintf(kept, sizeof(kept), "/tmp/bulkhead-kept-%.20s", strrchr(path, '-') + 1);
		printf("kept: %s\n", rename(path, kept) == 0 ? kept : path);
	} else {
		remove_directory(path);
	}
	close(fd);
}

void harness_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
	MUST(len > 0 && (size_t)len < sizeof(path), "path too long: %s", name);
	for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		MUST(mkdir(path, 0755) == 0 || errno == EEXIST, "mkdir %s: %s", path, strerror(errno));
		*slash = '/';
	}
	/* A new file in place of the old one, as an editor or a deployment does it. */
	char aside[PATH_MAX + 8];
	snprintf(aside, sizeof(aside), "%s.new", path);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0, "%s: %s", aside, strerror(errno));
	size_t size = strlen(text);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);
		MUST(n > 0, "write %s: %s", aside, strerror(errno));
		done += (size_t)n;
	}
	close(fd);
	MUST(rename(aside, path) == 0, "rename %s: %s", path, strerror(errno));
}

char *harness_read(const char *path)
{
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return NULL;
	}
	size_t size = 0;
	size_t room = 65536;
	char *text = malloc(room);
	while (text != NULL) {
		size += fread(text + size, 1, room - size - 1, f);
		if (size < room - 1) {
			text[size] = '\0';
			break;
		}
		char *larger = realloc(text, room *= 2);
		if (larger == NULL) {
			free(text);
		}
		text = larger;
	}
	fclose(f);
	return text;
}

bool harness_contains(const char *path, const char *text)
{
	char *all = harness_read(path);
	bool found = all != NULL && strstr(all, text) != NULL;
	free(all);
	return found;
}

/* --- processes ------------------------------------------------------------------------------------- */

pid_t harness_spawn(char *const argv[], const char *log_path, const char *env)
{
	return harness_spawn_in(0, argv, log_path, env);
}

pid_t harness_spawn_in(pid_t network_of, char *const argv[], const char *log_path, const char *env)
{
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid != 0) {
		return pid;
	}
	alarm(0);
	signal(SIGALRM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(127);
	}
	if (network_of != 0 && enter_network(network_of) != 0) {
		_exit(127);
	}
	int in = open("/dev/null", O_RDWR);
	int out = log_path == NULL ? in : open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
		_exit(127);
	}
	close_range(3, ~0u, 0);
	if (env != NULL) {
		putenv((char *)env);
	}
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t harness_beside(void (*run)(void *arg), void *arg)
{
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			_exit(127);
		}
		alarm(0);
		run(arg);
		_exit(0);
	}
	return pid;
}

void *harness_share(size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED, "mmap: %s", strerror(errno));
	return shared;
}

int harness_wait(pid_t pid, unsigned limit_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)limit_ms * harness_slow();
	for (;;) {
		int status;
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid) {
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		if (got < 0 || clock_now_ms() >= end) {
			return -1;
		}
		harness_sleep_ms(5);
	}
}

int harness_end(pid_t pid, unsigned limit_ms)
{
	char name[64] = "?";
	harness_proc_status(pid, "Name", name, sizeof(name));
	int status = harness_wait(pid, limit_ms);
	if (status < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		MUST(false, "%s did not end in %u ms", name, limit_ms);
	}
	return status;
}

int harness_run(char *const argv[], const char *log_path, unsigned limit_ms)
{
	return harness_end(harness_spawn(argv, log_path, NULL), limit_ms);
}

void harness_sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
	}
}

bool harness_has_program(const char *name)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin",
					       "/usr/local/bin" };
	for (size_t i = 0; i < COUNT(folders); i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

unsigned harness_children(pid_t parent, pid_t *out, unsigned max)
{
	DIR *proc = opendir("/proc");
	unsigned count = 0;
	if (proc == NULL) {
		return 0;
	}
	for (struct dirent *e = readdir(proc); e != NULL && count < max; e = readdir(proc)) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		char text[64];
		if (pid > 0 && harness_proc_status(pid, "PPid", text, sizeof(text)) &&
		    (pid_t)strtol(text, NULL, 10) == parent) {
			out[count++] = pid;
		}
	}
	closedir(proc);
	return count;
}

bool harness_proc_status(pid_t pid, const char *field, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return false;
	}
	char line[512];
	size_t field_len = strlen(field);
	bool found = false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, field_len) == 0 && line[field_len] == ':') {
			const char *value = line + field_len + 1;
			value += strspn(value, " \t");
			snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
			found = true;
		}
	}
	fclose(f);
	return found;
}

int harness_fd_count(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return -1;
	}
	int count = 0;
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		count += e->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

long harness_private_kib(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return -1;
	}
	char line[256];
	long total = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Private_", 8) == 0) {
			total += strtol(strchr(line, ':') + 1, NULL, 10);
		}
	}
	fclose(f);
	return total;
}

bool harness_alive(pid_t pid)
{
	char state[64];
	return harness_proc_status(pid, "State", state, sizeof(state)) && state[0] != 'Z';
}

bool harness_until(bool (*done)(void *ctx), void *ctx, unsigned limit_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)limit_ms * harness_slow();
	while (!done(ctx)) {
		if (clock_now_ms() >= end) {
			return false;
		}
		harness_sleep_ms(10);
	}
	return true;
}

/* --- the program ----------------------------------------------------------------------------------- */

/*
 * Two processes: the watcher, which is the program that was started, and its child, which runs Criterion.
 * The watcher is a child subreaper, so orphans of the tests become its own; it reaps them and looks at the
 * end for what is left. (Criterion's process cannot do that: it waits for any child, and turns in a
 * circle when one ends that it does not know.)
 */
static int count_leftovers(void)
{
	int left = 0;
	uint64_t end = clock_now_ms() + 5000 * harness_slow();
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0) {
		}
		pid_t pids[64];
		unsigned count = harness_children(getpid(), pids, 64);
		if (count == 0 || left > 1000) {
			return left;
		}
		if (clock_now_ms() < end) {
			harness_sleep_ms(20);
			continue;
		}
		for (unsigned i = 0; i < count; i++) {
			char name[64] = "?";
			harness_proc_status(pids[i], "Name", name, sizeof(name));
			fprintf(stderr, "left behind: process %d (%s)\n", (int)pids[i], name);
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			left++;
		}
	}
}

/* Criterion in a child; its exit status, 1 when it was killed. Other children are reaped on the way. */
static int run_criterion(int argc, char **argv)
{
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			_exit(1);
		}
		int status = 0;
		struct criterion_test_set *tests = criterion_initialize();
		criterion_options.jobs = 1; /* times are measured; the machine may be small */
		if (criterion_handle_args(argc, argv, true)) {
			status = criterion_run_all_tests(tests) ? 0 : 1;
		}
		criterion_finalize(tests);
		exit(status);
	}
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, 0);
		if (ended == pid) {
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		}
		if (ended < 0 && errno != EINTR) {
			return 1;
		}
	}
}

static bool can_make_namespaces(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		_exit(unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) == 0 && loopback_up() == 0 ? 0 : 1);
	}
	int status;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* --- role programs ----------------------------------------------------------------------------------- */

static int copy_program(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t n = in < 0 || out < 0 ? -1 : 1;
	while (n > 0) {
		n = copy_file_range(in, NULL, out, NULL, 1u << 30, 0);
	}
	if (in >= 0) {
		close(in);
	}
	if (out >= 0 && (fchmod(out, 0755) != 0 || close(out) != 0)) {
		n = -1;
	}
	return n == 0 ? 0 : -1;
}

/*
 * A role is started as a user of its own, who may not be able to reach a build directory (below /root, or in
 * a home of mode 0700): the tests take copies from where everybody can. Tests find them through the
 * environment.
 */
static int copy_roles(char dir[64])
{
	static const char *const roles[] = { "authority", "frontend", "resolver", "compiler", "monitor" };
	const char *build = getenv("BULKHEAD_BUILD_DIR");
	harness_make_directory(dir);
	for (size_t i = 0; i < COUNT(roles); i++) {
		char from[PATH_MAX];
		char to[PATH_MAX];
		snprintf(from, sizeof(from), "%s/%s", build == NULL ? BH_BUILD_DIR : build, roles[i]);
		snprintf(to, sizeof(to), "%s/%s", dir, roles[i]);
		if (copy_program(from, to) != 0) {
			fprintf(stderr, "cannot copy %s: %s\n", from, strerror(errno));
			return 1;
		}
	}
	return setenv("BULKHEAD_TEST_ROLES", dir, 1) == 0 ? 0 : 1;
}

/*
 * Only one program of a folder runs at a time, whatever `make -j` says: they measure times. The lock is on the folder
 * of this program and ends with this process.
 */
static int take_turn(void)
{
	char folder[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	folder[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash == NULL) {
		return -1;
	}
	*slash = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int harness_main(int argc, char **argv, const char *name)
{
	return harness_main_around(argc, argv, name, NULL, NULL);
}

int harness_main_around(int argc, char **argv, const char *name, int (*before)(void), void (*after)(void))
{
	if (geteuid() != 0) {
		return harness_skip(name, "needs root");
	}
	if (!can_make_namespaces()) {
		return harness_skip(name, "cannot make namespaces here");
	}
	signal(SIGPIPE, SIG_IGN);
	int turn = take_turn();
	watcher = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int held = take_place();
	groups_begin();
	char roles[64] = "";
	int status = copy_roles(roles);
	if (status == 0 && before != NULL) {
		status = before();
	}
	if (status == 0) {
		status = run_criterion(argc, argv);
	}
	if (after != NULL) {
		after();
	}
	if (count_leftovers() > 0) {
		status = 1;
	}
	groups_end();
	leave_place(held);
	if (turn >= 0) {
		close(turn);
	}
	return status;
}
