/*
 * A view asks itself: the SOA of each of its zones, through the functions that answer clients, and not counted.
 *
 * One round after the other, PROBE_TICK_ZONES at a time, so that a view of 100,000 zones costs no client half a
 * millisecond. The first round of a new configuration hurries. What was found is written into the counter page.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_PROBE_H
#define BULKHEAD_DAEMONS_AUTHORITY_PROBE_H

#include "daemons/authority/query.h"

enum {
	PROBE_TICK_ZONES = 100, /* some 2,000 instructions each */
	PROBE_TICK_MS = 100,	/* between ticks of a round: 1,000 zones a second */
	PROBE_HURRY_MS = 10,	/* in the first round: 10,000 */
};

struct probe {
	size_t at;	 /* zone that is next */
	uint64_t failed; /* zones that did not answer when they were asked last */
	bool hurries;
};

/* A view came into service: nothing is known of its zones. */
void probe_begin(struct probe *probe, struct stats_page *stats);

/*
 * Ask the next zones of the view, and beat. reply: room for QUERY_REPLY_MAX octets. work is used as by query_reply.
 * Returns after how many milliseconds to come again.
 */
unsigned probe_tick(struct probe *probe, const struct view *view, struct query_work *work, struct stats_page *stats,
		    uint8_t *reply, uint64_t now_ms);

#endif
