/*
 * One query from its octets to the octets of its reply: the refusals, in the order in which a packet
 * has to be checked, and then the answer. Pure, like answer.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_QUERY_H
#define BULKHEAD_DAEMONS_AUTHORITY_QUERY_H

#include "common/dns/query.h"
#include "common/ipc/stats.h"
#include "daemons/authority/answer.h"

/* Scratch memory for one query; the caller keeps one per process. */
struct query_work {
	struct query query;
	struct ahead ahead;
	struct answer answer;
};

/* Room that a reply may need, depending on the transport. */
#define QUERY_REPLY_MAX DNS_MESSAGE_MAX /* UDP: UDP_SIZE_MAX */

/*
 * Answer wire[0..len). client: who asks, NULL when it does not matter (query links; views for
 * anyone). Returns the octets of the reply in out, or 0 for what must not be answered: responses and
 * packets without a whole header.
 */
size_t query_reply(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client, const uint8_t *wire, size_t len, uint8_t *out);

/* The same for a query that ahead_look has looked at: of these octets, with this view. */
size_t query_reply_ahead(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out);

/* Count what the last query_reply made, reply_len being what it returned. */
void query_count(const struct query_work *work, enum transport transport, size_t reply_len,
		 struct stats_page *stats);

#endif
