/*
 * What the sanitizers' run-time library does beside a role's own work: in builds with sanitizers these calls
 * are allowed to every role. In all other builds this list is empty. Their reports name addresses only: the
 * files that would give them names are out of sight.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/util/count.h"
#include "sandbox/profiles/rules.h"
#include "sandbox/walls.h"

#ifdef BH_SANITIZERS

#include <fcntl.h>

static const struct sandbox_rule rules[] = {
	CALL(mmap, "reports: symbols of libraries"),
	CALL(mprotect, "shadow memory"),
	CALL(sigaltstack, "stack of the handler for faults"),
	CALL(rt_sigaction, "handler for faults"),
	CALL(rt_sigreturn, "handler for faults"),
	CALL(madvise, "giving memory back"),
	CALL(sched_yield, "locks"),
	CALL(futex, "locks"),
	CALL(getrlimit, "size of the stack"),
	CALL(prlimit64, "size of the stack"),
	CALL(getuid, "reports"),
	CALL(geteuid, "reports"),
	/* Reports look for files that are not there: the root is empty. */
	REFUSE(open, ENOENT, "reports: map of the memory"),
	REFUSE(readlink, ENOENT, "reports: name of the program"),
	REFUSE(readlinkat, ENOENT, "reports: name of the program"),
	REFUSE(stat, ENOENT, "reports: symbols"),
	REFUSE(access, ENOENT, "reports: symbols"),
	REFUSE(ioctl, ENOTTY, "reports: colours"),
	REFUSE(pipe, EPERM, "reports: reading memory carefully"),
	REFUSE(pipe2, EPERM, "reports: reading memory carefully"),
	REFUSE(process_vm_readv, EPERM, "reports: reading memory carefully"),
};

const struct seccomp_list sandbox_sanitizer_list = { rules, COUNT(rules) };

static const struct sandbox_rule serving_rules[] = {
	REFUSE(openat, ENOENT, "reports: symbols of the program"),
};

const struct seccomp_list sandbox_sanitizer_serving_list = { serving_rules, COUNT(serving_rules) };

/*
 * Roles cannot look for leaks at their end: that needs clone and ptrace. They may be linked with other
 * defaults, so weak. The supervisor and the tests may still ask for it in the environment.
 */
const char *__asan_default_options(void);
__attribute__((weak)) const char *__asan_default_options(void)
{
	/* Freed memory is overwritten, as the frontend has it without sanitizers (mallopt). */
	return "detect_leaks=0:max_free_fill_size=1048576";
}

#else

const struct seccomp_list sandbox_sanitizer_list = { NULL, 0 };
const struct seccomp_list sandbox_sanitizer_serving_list = { NULL, 0 };

#endif
