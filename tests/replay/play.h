/*
 * Playing a scenario: its steps in their order, until one fails.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_PLAY_H
#define BULKHEAD_TESTS_REPLAY_PLAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_SKIP };

struct play_options {
	uint64_t seed; /* of the random numbers */
	FILE *trace;   /* where packets are printed, or NULL */
	const char *const *extra; /* lines of the head that come behind those of the file */
	unsigned extra_count;
};

/* why: what failed, or why it was not played. */
enum outcome play_file(const char *file, const struct play_options *options, char *why, size_t why_size);

#endif
