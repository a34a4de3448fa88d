/*
 * Comparing a message with an entry of a scenario.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_MATCH_H
#define BULKHEAD_TESTS_REPLAY_MATCH_H

#include "tests/replay/scenario.h"
#include "tests/replay/show.h"

/*
 * Does the message have what the entry says in the parts of entry->match? tcp: how it came. False: *why says what
 * differs, what was expected, and what came.
 */
bool match_message(const struct scenario_entry *entry, const struct message *msg, bool tcp, struct text *why);

#endif
