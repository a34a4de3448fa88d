/*
 * Testing a configuration without a running appliance: starts `bulkheadd -t` and listens to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_CHECK_H
#define BULKHEAD_DAEMONS_CTL_CHECK_H

#include "common/util/err.h"

#include <stddef.h>

struct answer;
struct session_options;

struct check_options {
	const char *program;  /* bulkheadd; NULL: the one beside this program */
	const char *role_dir; /* its -L, NULL: not given */
	const char *file;     /* its -c, NULL: not given */
};

/*
 * Run it, collect what it reports, wait for its end. Returns 0 when it gave a complete answer, else an
 * error with a line in why. No process is left behind.
 */
int check_run(const struct check_options *check, const struct session_options *session,
	      struct answer *answer, char *why, size_t why_size) BH_CHECKED;

#endif
