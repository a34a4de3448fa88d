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

/* trace: where packets are printed, or NULL. why: what failed, or why it was not played. */
enum outcome play_file(const char *file, uint64_t seed, FILE *trace, char *why, size_t why_size);

#endif
