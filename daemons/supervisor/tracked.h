/*
 * What the first resolver says of the keys of anchor zones (RFC 5011), as far as the supervisor believes it. A state
 * outlives the process that found it, so one that was taken over must not be able to write a key of its own into it:
 * what it says has to follow from what was known before and from the time that has passed here.
 *
 * Whether an anchor's DS is that of a key is told by its digest: tag and algorithm are easily met by a key of one's own.
 * No other arithmetic is done here, and no signature is looked at.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_TRACKED_H
#define BULKHEAD_SUPERVISOR_TRACKED_H

#include "common/dns/limits.h"
#include "common/ipc/conf.h"

struct tracked {
	struct ipc_anchor_state state;
	bool news; /* to be saved, and told to the other shards */
};

/* By zone and the anchors that it began with: during a reload a zone may have two. */
struct tracked_list {
	struct tracked *items[2 * TRACKED_ZONES_MAX];
	size_t count;
};

struct tracked *tracked_find(const struct tracked_list *list, const uint8_t *zone, uint64_t configured);
/* Keep this state, in the place of the one before. BH_ELIMIT, BH_ENOMEM. */
int tracked_put(struct tracked_list *list, const struct ipc_anchor_state *state, bool news) BH_CHECKED;
/* Forget those that are not of these anchors. */
void tracked_keep(struct tracked_list *list, const struct ipc_anchor *anchors, size_t count);
void tracked_clear(struct tracked_list *list);

/*
 * Why `next` cannot have become of `before` (NULL: nothing was known) by now_sec, as a phrase for the log: a key became
 * trusted that the operator did not name and that did not wait, or one that was revoked came back. NULL: it can.
 */
const char *tracked_fault(const struct ipc_anchor_state *before, const struct ipc_anchor_state *next,
			  const struct ipc_anchor *anchors, size_t count, uint64_t now_sec);

#endif
