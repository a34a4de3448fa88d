/*
 * Runs a server for the bench, and says what it has cost: with all its processes, also those that have ended or have
 * left their parent.
 *
 *   meter run [-c CPUS] DIR PROGRAM [ARGUMENT ...]
 *       Runs PROGRAM below this process until all it started has ended, or until SIGTERM, which ends them all. CPUS as
 *       "0" or "0,2". DIR gets pid (ours), started (the time of `meter read`), and log, what they print.
 *   meter read DIR
 *       One line: nanoseconds since the start, nanoseconds of CPU used, octets of memory, processes.
 *   meter cpu DIR
 *       The second of these alone; cheap.
 *   meter peak DIR MILLISECONDS
 *       Reads the memory that often until the server ends or SIGTERM; prints the most it saw, in octets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/bench/proctree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TREE_MAX 4096
#define STOP_SECONDS 10 /* between SIGTERM and SIGKILL */

static volatile sig_atomic_t stopping;

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("meter: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void catch_stop(void)
{
	struct sigaction action = { .sa_handler = on_stop };
	if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) {
		fail("signals: %s", strerror(errno));
	}
}

static void write_number(const char *dir, const char *name, uint64_t number)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	if (file == NULL || fprintf(file, "%" PRIu64 "\n", number) < 0 || fclose(file) != 0) {
		fail("%s: %s", path, strerror(errno));
	}
}

static uint64_t read_number(const char *dir, const char *name)
{
	char path[4096];
	uint64_t number;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%" SCNu64, &number) != 1) {
		fail("%s: no number in it", path);
	}
	fclose(file);
	return number;
}

/* --- run --- */

/* Keep this process, and what it will start, on those processors; NULL: where it is. */
static void pin(const char *cpus)
{
	cpu_set_t set;
	if (cpus == NULL) {
		return;
	}
	CPU_ZERO(&set);
	for (const char *p = cpus; *p != '\0';) {
		char *end;
		unsigned long cpu = strtoul(p, &end, 10);
		if (end == p || cpu >= CPU_SETSIZE || (*end != ',' && *end != '\0')) {
			fail("%s: not a list of processors", cpus);
		}
		CPU_SET(cpu, &set);
		p = *end == ',' ? end + 1 : end;
	}
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		fail("processors %s: %s", cpus, strerror(errno));
	}
}

static pid_t start(const char *dir, const char *cpus, char **program)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/log", dir);
	int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (log < 0 || null < 0) {
		fail("%s: %s", path, strerror(errno));
	}
	pid_t pid = fork();
	if (pid < 0) {
		fail("fork: %s", strerror(errno));
	}
	if (pid == 0) {
		pin(cpus);
		if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) {
			_exit(127);
		}
		execvp(program[0], program);
		dprintf(2, "%s: %s\n", program[0], strerror(errno));
		_exit(127);
	}
	close(log);
	close(null);
	return pid;
}

static void signal_all(int signal)
{
	static pid_t pids[TREE_MAX];
	int count = proctree_list(getpid(), pids, TREE_MAX);
	for (int i = 0; i < count; i++) {
		kill(pids[i], signal); /* one that has just ended is what we want */
	}
}

/* Wait for children until there are none; at the first SIGTERM end them. Returns the wait status of first. */
static int attend(pid_t first)
{
	int result = 0;
	uint64_t kill_at = 0;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0) {
			return result;
		}
		if (pid == first) {
			result = status;
		}
		if (pid > 0) {
			continue;
		}
		if (stopping && kill_at == 0) {
			signal_all(SIGTERM);
			kill_at = now_ns() + STOP_SECONDS * UINT64_C(1000000000);
		} else if (kill_at != 0 && now_ns() > kill_at) {
			signal_all(SIGKILL);
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL); /* a signal cuts it short */
	}
}

static int run(const char *dir, const char *cpus, char **program)
{
	/* Orphans become our children, and the bench's end is ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
		fail("prctl: %s", strerror(errno));
	}
	catch_stop();
	write_number(dir, "started", now_ns());
	pid_t pid = start(dir, cpus, program);
	write_number(dir, "pid", (uint64_t)getpid());
	int status = attend(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : stopping ? 0 : 128 + WTERMSIG(status);
}

/* --- read, cpu, peak --- */

static uint64_t cpu_of(pid_t root)
{
	uint64_t cpu;
	if (proctree_cpu_ns(root, &cpu) != 0) {
		fail("process %d: its CPU time cannot be read", (int)root);
	}
	return cpu;
}

static int report(const char *dir)
{
	pid_t root = (pid_t)read_number(dir, "pid");
	uint64_t octets;
	unsigned count;
	uint64_t wall = now_ns() - read_number(dir, "started");
	uint64_t cpu = cpu_of(root);
	if (proctree_memory(root, &octets, &count) != 0) {
		fail("process %d: its memory cannot be read", (int)root);
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n", wall, cpu, octets, count);
	return 0;
}

static int peak(const char *dir, long every_ms)
{
	pid_t root = (pid_t)read_number(dir, "pid");
	uint64_t octets, most = 0;
	unsigned count;
	catch_stop();
	while (!stopping && proctree_memory(root, &octets, &count) == 0) {
		most = octets > most ? octets : most;
		nanosleep(&(struct timespec){ .tv_sec = every_ms / 1000, .tv_nsec = every_ms % 1000 * 1000000 }, NULL);
	}
	printf("%" PRIu64 "\n", most);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 6 && strcmp(argv[1], "run") == 0 && strcmp(argv[2], "-c") == 0) {
		return run(argv[4], argv[3], argv + 5);
	}
	if (argc >= 4 && strcmp(argv[1], "run") == 0) {
		return run(argv[2], NULL, argv + 3);
	}
	if (argc == 3 && strcmp(argv[1], "read") == 0) {
		return report(argv[2]);
	}
	if (argc == 3 && strcmp(argv[1], "cpu") == 0) {
		printf("%" PRIu64 "\n", cpu_of((pid_t)read_number(argv[2], "pid")));
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "peak") == 0 && atol(argv[3]) > 0) {
		return peak(argv[2], atol(argv[3]));
	}
	fail("run [-c CPUS] DIR PROGRAM ... | read DIR | cpu DIR | peak DIR MILLISECONDS");
}
