/*
 * Replies that a frontend does not take at once: it has less of the processor than we, or thousands of questions
 * end with one tick of the clock. They wait here, in their order and in bounded memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_BACKLOG_H
#define BULKHEAD_DAEMONS_RESOLVER_BACKLOG_H

#include "common/ipc/qlink.h"

#include <stdbool.h>
#include <sys/queue.h>

struct backlog_item;

struct backlog {
	STAILQ_HEAD(, backlog_item) items; /* oldest first */
	size_t bytes;
};

void backlog_init(struct backlog *backlog);
/* Forgets all of it; how many there were. */
unsigned backlog_clear(struct backlog *backlog);

/* Keep a copy. BH_ELIMIT: it holds BACKLOG_MAX octets. BH_ENOMEM. */
int backlog_keep(struct backlog *backlog, const struct qlink_message *message) BH_CHECKED;
/* False: it is empty. *out holds until the next call that changes it. */
bool backlog_first(const struct backlog *backlog, struct qlink_message *out);
/* The first one was sent. */
void backlog_drop_first(struct backlog *backlog);
/* Append all of another one, which is empty then. */
void backlog_move(struct backlog *to, struct backlog *from);

#endif
