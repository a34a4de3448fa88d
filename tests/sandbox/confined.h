/*
 * Starts tests/sandbox/probe the way the supervisor starts a role: clone with the profile's namespaces,
 * descriptors in place, sandbox_confine, exec. The test sees how it ended and what it logged.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_SANDBOX_CONFINED_H
#define BULKHEAD_TESTS_SANDBOX_CONFINED_H

#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <sys/types.h>

/* Of every role. */
static const struct sandbox_profile *const confined_roles[] = { &sandbox_authority, &sandbox_frontend, &sandbox_resolver,
								 &sandbox_compiler, &sandbox_monitor };

/* Exit statuses of the probe beside errno values (below 134) of refused attempts. */
enum {
	PROBE_DONE = 200,    /* the attempt succeeded */
	PROBE_UNKNOWN = 201, /* no such profile or attempt */
	CONFINE_FAILED = 202,
};

/* An unused block of numbers, as the supervisor takes when run from the source tree. */
enum { TEST_UID = 64200, TEST_GID = 64210 };

/*
 * A fault to inject: from then on the system call fails with EPERM, or, worse, claims success and does
 * nothing. arg 0 of the call must be `first` unless that is -1. No fault: call 0 (read) is never used so.
 */
struct fault {
	int call;
	long first;
	bool lie;
};

/* Install it in the calling process. */
void fault_inject(const struct fault *fault);
/* As words of a command line "call,first,lie", and back. */
void fault_print(const struct fault *fault, char *text, size_t size);
bool fault_scan(const char *text, struct fault *fault);

struct confined {
	const struct sandbox_profile *profile; /* whose namespaces and root are made */
	const char *probe_profile;	       /* what the probe enters; NULL: profile->role */
	const char *attempt;
	const char *root_path; /* NULL: a temporary directory with "zone", and a link out of it */
	struct fault in_confine;
	struct fault in_enter;
	bool stray_after_close; /* the probe opens a file before sandbox_enter */
	bool as_root;		/* ids 0 */
	bool fork_plainly;	/* fork(2) instead of sandbox_fork: no namespaces of its own */
	bool loopback_up;	/* bring an interface of the network namespace up */
};

struct confined_end {
	int status;	/* of waitpid */
	char log[8192]; /* what the role said, and what sandbox_confine said */
};

/* False: cannot be run here (not root); the test should be skipped. */
bool confined_possible(void);
struct confined_end confined_run(const struct confined *run);

/*
 * Start a role, wait until it is in its sandbox, end the process that started it, and see whether the
 * role ends within some seconds.
 */
bool confined_dies_with_parent(const struct confined *run);

/* How it ended, in words: "killed by SIGSYS", "refused: EPERM", "done", "confine failed" ... */
const char *confined_text(const struct confined_end *end);

#endif
