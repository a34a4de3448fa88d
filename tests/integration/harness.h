/*
 * The floor that the integration and lab tests stand on: a place of one's own for each test (a network
 * namespace, a temporary directory), processes that cannot outlive it, waiting with an end, and
 * failing with the logs in sight.
 *
 * A test program calls harness_main from its main. Its tests run one after the other, each in a
 * process of its own (Criterion does that); every child dies with that process, and harness_main
 * looks for what may still be left at the end: a remaining process or mount fails the program.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_HARNESS_H
#define BULKHEAD_TESTS_INTEGRATION_HARNESS_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Automake's exit status for a test that could not run. */
#define HARNESS_SKIPPED 77


/*
 * Run all tests of this program. Not root, or no namespaces here: says so and returns 77. before and
 * after (may be NULL) run around all tests, in the process that the tests descend from; before returns 0, or an exit status
 * that ends the program.
 */
int harness_main(int argc, char **argv, const char *name);
int harness_main_around(int argc, char **argv, const char *name, int (*before)(void), void (*after)(void));

/* "SKIPPED: name: why" on standard output; returns HARNESS_SKIPPED. */
int harness_skip(const char *name, const char *why);

/*
 * End the test as failed, with every log that was named by harness_show. Never returns. MUST is the
 * assertion of these tests: the text says what was expected, in words.
 */
void harness_fail(const char *file, int line, const char *fmt, ...) BH_PRINTF(3, 4) __attribute__((noreturn));
#define MUST(condition, ...)                                                                                 \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			harness_fail(__FILE__, __LINE__, __VA_ARGS__);                                       \
		}                                                                                            \
	} while (0)

/* Print the end of this file when a test fails or takes too long. At most 16 files. */
void harness_show(const char *path);

/*
 * Give the test at most this long; then the logs are printed and the test ends as failed. The time of
 * the environment variable BULKHEAD_TEST_SLOW (a factor, for slow machines and sanitizers) multiplies
 * this and every wait.
 */
void harness_limit(unsigned seconds);
unsigned harness_slow(void);

/* A network namespace of this process's own, loopback up. harness_address adds an address to it. */
void harness_own_network(void);
void harness_address(const char *address_with_bits);
/* Enter the network namespace of another process. */
void harness_enter_network(pid_t network_of);

/*
 * mkdtemp in the place of this program below /tmp, readable by all (roles run as others). out: room for 64. Everything in
 * that place is removed at the end of the program, unless BULKHEAD_TEST_KEEP is set; the next program does it for one that
 * was killed.
 */
void harness_make_directory(char out[64]);
/* Remove a directory that harness_make_directory made, with everything in it. */
void harness_remove_directory(const char *path);

/* Write text to dir/name, making folders on the way. */
void harness_write(const char *dir, const char *name, const char *text);
/* Whole file as a string, NULL when it cannot be read. Free it. */
char *harness_read(const char *path);
bool harness_contains(const char *path, const char *text);

/*
 * Start a program: argv as for execv (argv[0] looked up in PATH), both outputs to the file log_path
 * (NULL: discarded). It receives SIGTERM when the test process dies. env: one "NAME=value" or NULL.
 */
pid_t harness_spawn(char *const argv[], const char *log_path, const char *env);
/* The same in the network namespace of another process (0: our own). */
pid_t harness_spawn_in(pid_t network_of, char *const argv[], const char *log_path, const char *env);
/*
 * Run this function in a process beside the test, which has no time limit of its own and dies with the test; its exit
 * status is 0 once the function returns. It sees arg as it is at the fork.
 */
pid_t harness_beside(void (*run)(void *arg), void *arg);
/* Memory, all zeros, that the test and processes started behind this share; munmap it. */
void *harness_share(size_t size);
/* Wait for a child that must end within this time; returns its exit status, or 128 + signal. */
int harness_end(pid_t pid, unsigned limit_ms);
/* Run a program to its end, as above. */
int harness_run(char *const argv[], const char *log_path, unsigned limit_ms);
/* Wait for a child: exit status, 128 + signal, or -1 when it still runs after limit_ms. */
int harness_wait(pid_t pid, unsigned limit_ms);
void harness_sleep_ms(unsigned ms);

/* Is there a program of this name in PATH or /usr/sbin? */
bool harness_has_program(const char *name);

/* Processes whose parent is `parent`. Returns how many, at most max. */
unsigned harness_children(pid_t parent, pid_t *out, unsigned max);
/* A field of /proc/PID/status as text ("CapEff"), false when the process or field is not there. */
bool harness_proc_status(pid_t pid, const char *field, char *out, size_t size);
/* Number of open descriptors, or -1. */
int harness_fd_count(pid_t pid);
/* Private memory in KiB: of the resident set, what is not shared with files. -1: gone. */
long harness_private_kib(pid_t pid);
bool harness_alive(pid_t pid);

/* Poll `done` every 10 ms until it is true. Returns false after limit_ms. */
bool harness_until(bool (*done)(void *ctx), void *ctx, unsigned limit_ms);

#endif
