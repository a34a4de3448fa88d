/*
 * One conversation on a control link: a request out, rows and one DONE in.
 *
 * Trusts the link's own checks of sender, length and phase, and the decoders of conf.h; a message
 * that does not fit ends the conversation.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_SESSION_H
#define BULKHEAD_DAEMONS_CTL_SESSION_H

#include "common/ipc/conf.h"
#include "common/util/err.h"

#include <stddef.h>

struct answer;

/* Rows of this table are not kept: they only say that work goes on, and in which step it is. */
#define SESSION_PROGRESS_TABLE "progress"

typedef void session_progress_fn(void *ctx, const struct ctl_row *row);

struct session_options {
	unsigned silence_ms; /* longest time without any message */
	session_progress_fn *progress; /* may be NULL */
	void *ctx;
	/* Text comes through this pipe: read it to its end. An error ends the conversation. NULL: none is expected. */
	int (*stream)(void *ctx, int fd);
	void *stream_ctx;
};

/*
 * Connect to the control socket. Returns a descriptor or -1 with a line in why that says what to do.
 */
int session_connect(const char *path, char *why, size_t why_size) BH_CHECKED;

/*
 * Send the request (NULL: the other side speaks unasked, as `bulkheadd -t -r` does) and collect the
 * answer until DONE. fd is closed in any case. Returns 0, or an error with a line in why.
 */
int session_run(int fd, const struct ctl_request *request, const struct session_options *options,
		struct answer *answer, char *why, size_t why_size) BH_CHECKED;

#endif
