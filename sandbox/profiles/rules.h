/*
 * How profiles are written: one line per call, pinned arguments, and who needs it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_PROFILES_RULES_H
#define BULKHEAD_SANDBOX_PROFILES_RULES_H

#include "sandbox/sandbox.h"

#include <errno.h>
#include <seccomp.h>

/* The call with any arguments. */
#define CALL(name, who) { .syscall = SCMP_SYS(name), .reason = (who) }

/* The call when every pinned argument matches: EQ(index, value), or BITS(index, mask, value) for some bits. */
#define CALL_IF(name, who, ...) { .syscall = SCMP_SYS(name), .args = { __VA_ARGS__ }, .reason = (who) }
#define EQ(i, v) { .index = (i), .op = SANDBOX_EQUAL, .value = (uint64_t)(v) }
#define BITS(i, m, v) { .index = (i), .op = SANDBOX_MASKED, .mask = (uint64_t)(m), .value = (uint64_t)(v) }

/* Probed by a library that goes on without it. */
#define REFUSE(name, err, who) \
	{ .syscall = SCMP_SYS(name), .action = SANDBOX_ERRNO, .error = (err), .reason = (who) }

/* Ends the process where the default is to refuse. */
#define KILL(name, who) { .syscall = SCMP_SYS(name), .action = SANDBOX_KILL, .reason = (who) }

#endif
