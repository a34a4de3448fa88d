/*
 * Things a broken-in role would like to do, and things it must be able to do.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_SANDBOX_ATTEMPTS_H
#define BULKHEAD_TESTS_SANDBOX_ATTEMPTS_H

#include <stddef.h>

struct event_base;

struct attempt {
	const char *name;
	/* 0: it worked; -1: errno says why not. */
	int (*try)(struct event_base *base);
};

extern const struct attempt attempts[];
extern const size_t attempt_count;

const struct attempt *attempt_find(const char *name);

#endif
