/*
 * The supervisor's list of system calls and one more, in the place of that in libsandbox.a: a bulkheadd of another
 * version that needs what the one before it gave away.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define sandbox_supervisor_list real_list
#include "common/util/count.h"
#include "sandbox/profiles/supervisor.c"
#undef sandbox_supervisor_list

static struct sandbox_rule more[COUNT(rules) + 1];
extern const struct seccomp_list sandbox_supervisor_list;
const struct seccomp_list sandbox_supervisor_list = { more, COUNT(more) };

static void __attribute__((constructor)) fill(void)
{
	const struct sandbox_rule one = CALL(mincore, "nobody");
	for (size_t i = 0; i < real_list.count; i++) {
		more[i] = real_list.rules[i];
	}
	more[COUNT(rules)] = one;
}
