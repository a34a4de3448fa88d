/*
 * Replies that wait. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/backlog.h"

#include "daemons/resolver/bounds.h"

#include <stdlib.h>
#include <string.h>

struct backlog_item {
	STAILQ_ENTRY(backlog_item) entry;
	struct qlink_message message; /* its dns is behind it */
	uint8_t dns[];
};

static size_t size_of(const struct qlink_message *message)
{
	return sizeof(struct backlog_item) + message->dns_len;
}

void backlog_init(struct backlog *backlog)
{
	STAILQ_INIT(&backlog->items);
	backlog->bytes = 0;
}

int backlog_keep(struct backlog *backlog, const struct qlink_message *message)
{
	size_t size = size_of(message);
	if (size > BACKLOG_MAX - backlog->bytes) {
		return BH_ELIMIT;
	}
	struct backlog_item *item = malloc(size);
	if (item == NULL) {
		return BH_ENOMEM;
	}
	item->message = *message;
	item->message.dns = item->dns;
	memcpy(item->dns, message->dns, message->dns_len);
	STAILQ_INSERT_TAIL(&backlog->items, item, entry);
	backlog->bytes += size;
	return BH_OK;
}

bool backlog_first(const struct backlog *backlog, struct qlink_message *out)
{
	const struct backlog_item *item = STAILQ_FIRST(&backlog->items);
	if (item == NULL) {
		return false;
	}
	*out = item->message;
	return true;
}

void backlog_drop_first(struct backlog *backlog)
{
	struct backlog_item *item = STAILQ_FIRST(&backlog->items);
	STAILQ_REMOVE_HEAD(&backlog->items, entry);
	backlog->bytes -= size_of(&item->message);
	free(item);
}

unsigned backlog_clear(struct backlog *backlog)
{
	unsigned count = 0;
	for (; !STAILQ_EMPTY(&backlog->items); count++) {
		backlog_drop_first(backlog);
	}
	return count;
}

void backlog_move(struct backlog *to, struct backlog *from)
{
	STAILQ_CONCAT(&to->items, &from->items);
	to->bytes += from->bytes;
	from->bytes = 0;
}
