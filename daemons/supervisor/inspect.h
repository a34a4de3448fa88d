/*
 * A compiler that shows images instead of making them: verifies one or two, and writes the text of one, or what is
 * different in the second, to a pipe. One process for each request, of the user of the view's compilers; it ends with
 * the answer. The supervisor holds descriptors and sees numbers, never a zone.
 *
 * What it says is believed as far as it concerns its own view: a compiler that lies shows an operator a wrong text of the
 * view whose text it could have written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_INSPECT_H
#define BULKHEAD_SUPERVISOR_INSPECT_H

#include "daemons/supervisor/supervisor.h"

/*
 * At a time: each maps two images and waits for a person who reads. As many again may only be verified, so that who
 * reads for an hour, or does not read at all, does not keep anybody from going back to a good generation.
 */
#define INSPECT_MAX 4

struct inspect;

struct inspect_request {
	unsigned view; /* of the configuration in service */
	const uint8_t *zone;
	int images[2]; /* sealed */
	unsigned image_count;
	int out; /* where text goes; -1: images are only verified */
};

/* A process was started, but the images are of no use, or it did not come to an end: why says so. */
struct inspect_result {
	bool ok;
	struct ipc_inspected images[2];
	struct ipc_shown shown;
	char why[IPC_TEXT_MAX];
};

typedef void inspect_done_fn(void *ctx, const struct inspect_result *result);

/*
 * Descriptors are duplicated as needed and stay the caller's. done is called once, from the event loop, unless it is
 * cancelled before. BH_ELIMIT: INSPECT_MAX are under way; BH_ESYS, BH_ENOMEM.
 */
int inspect_start(struct supervisor *sup, const struct inspect_request *request, inspect_done_fn *done, void *ctx,
		  struct inspect **out) BH_CHECKED;
/* Nobody waits any more: the process is ended. NULL is fine. Not after done. */
void inspect_cancel(struct inspect *inspect);

/* A child ended. True: it was one of these. */
bool inspect_child_ended(struct supervisor *sup, pid_t pid, int status);
/* The appliance ends. */
void inspect_end(struct supervisor *sup);

#endif
