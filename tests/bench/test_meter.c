/*
 * Is the bench's accounting right? Processes that know how much CPU time and memory they have used, against what
 * proctree.h says of them: one that lives, one below another, one that has ended there, one with a thread that has ended,
 * one that has lost its parent, and a memory file that nobody has mapped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/bench/proctree.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND UINT64_C(1000000)
#define BURN_NS (100 * MILLISECOND)
#define MEGABYTE (UINT64_C(1) << 20)

static unsigned failures;

static void expect_near(const char *what, uint64_t got, uint64_t expected, uint64_t slack)
{
	uint64_t difference = got > expected ? got - expected : expected - got;
	bool good = difference <= slack;
	printf("%s %s: %" PRIu64 ", expected %" PRIu64 " +- %" PRIu64 "\n", good ? "ok  " : "FAIL", what, got,
	       expected, slack);
	failures += !good;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void burn(void)
{
	for (uint64_t start = own_cpu_ns(); own_cpu_ns() - start < BURN_NS;) {
	}
}

static void *burn_thread(void *unused)
{
	burn();
	return unused;
}

/* --- children: each burns in its own way, says so, and waits for its end --- */

static void child_lives(void)
{
	burn();
}

static void child_of_child_ends(void)
{
	if (fork() == 0) {
		burn();
		_exit(0);
	}
	wait(NULL);
}

static void child_of_child_lives(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		burn();
		raise(SIGSTOP); /* how the parent knows that it is done */
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
}

static void thread_ends(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, burn_thread, NULL) == 0) {
		pthread_join(thread, NULL);
	}
}

static void nothing(void)
{
}

static void memory_mapped(void)
{
	static char data[32 * MEGABYTE];
	for (volatile char *p = data; p < data + sizeof(data); p += 1024) {
		*p = 1;
	}
}

static void memory_in_file(void)
{
	static char zeros[MEGABYTE];
	int fd = memfd_create("test", 0);
	for (unsigned i = 0; i < 32; i++) {
		if (write(fd, zeros, sizeof(zeros)) != sizeof(zeros)) {
			_exit(1);
		}
	}
	if (dup(fd) < 0) { /* the same memory, not twice */
		_exit(1);
	}
}

/* Run what in a child, or in a grandchild whose parent has left; returns its process id when it is done. */
static pid_t started(void (*what)(void), bool orphan)
{
	int done[2];
	pid_t pid = -1;
	if (pipe(done) != 0) {
		exit(1);
	}
	pid_t us = getpid();
	pid_t child = fork();
	if (child == 0 && orphan && fork() != 0) {
		_exit(0);
	}
	if (child == 0) {
		while (getppid() != us) { /* an orphan is not to end with the parent it loses */
			usleep(1000);
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what();
		pid = getpid();
		if (write(done[1], &pid, sizeof(pid)) != sizeof(pid)) {
			_exit(1);
		}
		for (;;) {
			pause();
		}
	}
	close(done[1]);
	if (child < 0 || read(done[0], &pid, sizeof(pid)) != sizeof(pid)) {
		printf("FAIL a child has ended before its time\n");
		exit(1);
	}
	close(done[0]);
	if (orphan) {
		waitpid(child, NULL, 0);
	}
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0) { /* and what it leaves to us */
	}
}

static uint64_t cpu_ns(void)
{
	uint64_t ns;
	if (proctree_cpu_ns(getpid(), &ns) != 0) {
		printf("FAIL CPU time cannot be read\n");
		exit(1);
	}
	return ns;
}

/* How it is read: to the nanosecond while a process lives, in ticks of 10 ms (user and system each) afterwards. */
#define SLACK_US 20000
#define SLACK_ENDED_US 50000

static void cpu(const char *what, void (*how)(void), bool orphan, uint64_t slack_us)
{
	uint64_t before = cpu_ns();
	pid_t pid = started(how, orphan);
	expect_near(what, (cpu_ns() - before) / 1000, BURN_NS / 1000, slack_us);
	stop(pid);
	expect_near("and when it has ended", (cpu_ns() - before) / 1000, BURN_NS / 1000, SLACK_ENDED_US);
}

static uint64_t memory(unsigned *count)
{
	uint64_t octets;
	if (proctree_memory(getpid(), &octets, count) != 0) {
		printf("FAIL memory cannot be read\n");
		exit(1);
	}
	return octets;
}

static uint64_t memory_of(void (*how)(void))
{
	unsigned count;
	pid_t pid = started(how, false);
	uint64_t octets = memory(&count);
	stop(pid);
	expect_near("processes", count, 1, 0);
	return octets;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0); /* children inherit nothing to print again */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
		return 1;
	}
	cpu("a child, us", child_lives, false, SLACK_US);
	cpu("a child of a child, us", child_of_child_lives, false, SLACK_US);
	cpu("a child of a child that has ended, us", child_of_child_ends, false, SLACK_ENDED_US);
	cpu("a thread that has ended, us", thread_ends, false, SLACK_US);
	cpu("a child that has lost its parent, us", child_lives, true, SLACK_US);

	uint64_t none = memory_of(nothing);
	expect_near("memory of a process, kB", (memory_of(memory_mapped) - none) / 1024, 32 * 1024,
		    4096);
	expect_near("memory in a file that is not mapped, kB", (memory_of(memory_in_file) - none) / 1024, 32 * 1024,
		    4096);
	return failures == 0 ? 0 : 1;
}
