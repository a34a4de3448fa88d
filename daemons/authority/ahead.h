/*
 * What is known of a question before it is answered: QNAME taken apart, and the zone responsible for it.
 *
 * Nearly all time of a query in a large zone is waiting for memory. So the server looks at a batch of queries at
 * once and fetches what each will need into the cache, one step for all of them before the next step.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_AHEAD_H
#define BULKHEAD_DAEMONS_AUTHORITY_AHEAD_H

#include "daemons/authority/view.h"

/* Queries that are looked at together: enough to keep the memory busy, few enough to stay in the nearest cache. */
#define AHEAD_MAX 16

struct ahead {
	struct image_look look;
	int qname_len;		      /* what dname_check says of QNAME */
	const struct view_zone *zone; /* NULL: none of ours */
	uint32_t node;		      /* one that the answer will probably need; for ahead_fetch */
};

/*
 * Look at wire[0..len) as if it were a good query. Whether it is one is for query_parse to say: where QNAME
 * should be and is no name, the look is at the root and there is no zone.
 */
void ahead_look(struct ahead *ahead, const struct view *view, const uint8_t *wire, size_t len);

/* Fetch what the answers to `count` looks will need. Changes nothing that matters. */
void ahead_fetch(struct ahead *batch, unsigned count);

#endif
