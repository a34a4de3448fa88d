/*
 * DNSSEC in scenarios: keys are named in the head, and the lines of a section that begin with '%' make records of
 * them when the file is read. README.md has the words. Nothing here uses code of the validator, but the canonical
 * form of RDATA.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_SIGN_H
#define BULKHEAD_TESTS_REPLAY_SIGN_H

#include "tests/replay/scenario.h"

/* "NAME ZONE [ALGORITHM] [flags=N] [protocol=N]". False: *why tells. */
bool sign_add_key(struct scenario *s, char *const *words, unsigned count, char *why, size_t why_size);

/* A line with '%': its records are added to the list. False: *why tells. */
bool sign_line(struct scenario *s, char *const *words, unsigned count, uint8_t section, struct record_list *list,
	       char *why, size_t why_size);

void sign_free_keys(struct scenario_key *keys);

#endif
