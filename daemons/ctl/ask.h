/*
 * One request to the appliance, and its answer on standard output: what most commands do.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_ASK_H
#define BULKHEAD_DAEMONS_CTL_ASK_H

#include "common/ipc/conf.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>

struct answer;
struct call;
struct options;
struct progress;
struct session_options;

/* How a session of this call waits and shows progress; progress_end when it is over. */
struct session_options ask_session(const struct options *options, struct progress *progress);

/* Colours are for terminals only, and for whom they are welcome (NO_COLOR, TERM). fd: where they would go. */
bool ask_colour(int fd);

/* Columns of the terminal at fd, or 0: it is none, lines may be as long as they are. */
unsigned ask_width(int fd);

/* BH_ENOSPC: the word is too long or one too many; told on standard error. */
int ask_word(struct ctl_request *request, const char *word) BH_CHECKED;

/* Ask, show, return the exit status. */
int ask_show(const struct ctl_request *request, const struct options *options);

/* Ask and collect: 0, or an error with a line in why. answer is initialised by the caller. */
int ask_collect(const struct ctl_request *request, const struct options *options,
		const struct session_options *session, struct answer *answer, char *why, size_t why_size) BH_CHECKED;

/* Show an answer as the options want it; or why there is none. They return the exit status. */
int ask_print(const struct answer *answer, const struct options *options);
int ask_failed(struct answer *answer, const char *why, const struct options *options);

/* Everything was written: status; else CTL_UNKNOWN, told on standard error. */
int ask_finish(int status);

#endif
