/*
 * Faults for the fail-closed tests, made with a filter of their own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/sandbox/confined.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

void fault_inject(const struct fault *fault)
{
	uint32_t action = fault->lie ? SCMP_ACT_ERRNO(0) : SCMP_ACT_ERRNO(EPERM);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter == NULL ? -ENOMEM : 0;

	if (rc == 0 && fault->first >= 0) {
		const struct scmp_arg_cmp pin = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)fault->first };
		rc = seccomp_rule_add_array(filter, action, fault->call, 1, &pin);
	} else if (rc == 0) {
		rc = seccomp_rule_add(filter, action, fault->call, 0);
	}
	if (rc == 0) {
		/* Still privileged before sandbox_confine, no_new_privs after it: loading needs neither changed. */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	}
	if (rc == 0) {
		rc = seccomp_load(filter);
	}
	if (rc != 0) {
		_exit(PROBE_UNKNOWN);
	}
	seccomp_release(filter);
}

void fault_print(const struct fault *fault, char *text, size_t size)
{
	snprintf(text, size, "%d,%ld,%d", fault->call, fault->first, fault->lie ? 1 : 0);
}

bool fault_scan(const char *text, struct fault *fault)
{
	int lie;

	if (sscanf(text, "%d,%ld,%d", &fault->call, &fault->first, &lie) != 3) {
		return false;
	}
	fault->lie = lie != 0;
	return true;
}
