/*
 * Completion for shells: what can stand at the cursor, from the tables of command.h and the running appliance.
 *
 * The shell's side (packaging/completion) calls `bulkheadctl --complete WORD...` with the words behind the program's name up to the
 * cursor; the last one is being typed and may be "". Printed are lines "word<tab>what it is", or ":file" or ":directory" where the
 * shell knows better. Words that a shell might take apart are left out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_COMPLETE_H
#define BULKHEAD_DAEMONS_CTL_COMPLETE_H

#include <stdbool.h>
#include <stdio.h>

struct answer;
struct options;

/* The answer to "status" of the appliance that the options name; false: there is none, and no names. */
typedef bool complete_ask_fn(const struct options *options, struct answer *answer);

/* Words of one call that are looked at; what shells hand over is a line that somebody typed. */
#define COMPLETE_WORDS_MAX 64

void complete_words(FILE *out, int argc, char *const *argv, complete_ask_fn *ask);

/* The program's `--complete`: returns the exit status. */
int complete_run(int argc, char *const *argv);

#endif
