/*
 * The query links of a frontend: to this worker's internal authority and to each resolver shard.
 *
 * A set of links belongs to one configuration; a link that two configurations name is one object in
 * both sets. A link whose peer broke the format, or whose peer is gone, is dead: what waits on it is
 * answered SERVFAIL, and so is what would be asked over it, until the supervisor says that the peer is new
 * or another link takes its place.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_LINKS_H
#define BULKHEAD_DAEMONS_FRONTEND_LINKS_H

#include "common/ipc/role_link.h"
#include "daemons/frontend/route.h"

struct event_base;
struct links;

struct links_ops {
	void (*idle)(void *ctx); /* a round of replies was worked through: send what they caused */
	void (*broken)(void *ctx, uint32_t id); /* the peer of this link breaks the format: nothing more is read of it */
	void (*probed)(void *ctx); /* what is known of a neighbour has changed: links_write_probes */
};

/*
 * The set for a configuration, links of `current` (may be NULL) with the same id included. Nothing is read
 * from new ones before links_commit. NULL: out of memory.
 */
struct links *links_prepare(struct event_base *base, const struct role_query_link *list, size_t count,
			    const struct links *current, struct route *route, const struct links_ops *ops, void *ctx);
/* Forget a prepared set; links shared with the one in service stay. */
void links_abort(struct links *next);
/* Put a set in service. Returns the old one, which links_retire must get once the caller has swapped. */
void links_commit(struct links *next);
/* What waits on links that only `old` has is asked again by the routes of now; then they are gone. */
void links_retire(struct links *old, uint64_t now_ms);
/* End of the process: all jobs must be gone. */
void links_free(struct links *links);

/* For route_ops. */
int links_ask(struct links *links, const struct route_ask *ask) BH_CHECKED;
/*
 * Ask each neighbour whether it is there, once in a while: an authority for the SOA of zone (NULL: there is none to ask
 * for; it is read until the next call). Answers, and those that do not come within LINKS_PROBE_MS, are written into the
 * counter page. Sent by the next links_flush, or when the neighbour takes more, before all questions that wait.
 */
#define LINKS_PROBE_MS 3000
void links_probe(struct links *links, const uint8_t *zone, uint64_t now_ms);
/* What the last probes said, into the counter page; zone as above. */
void links_write_probes(const struct links *links, const uint8_t *zone, uint64_t now_ms);

/* Send what is queued on all links. */
void links_flush(struct links *links);
/* The peer of a link is a new process. */
void links_peer_restarted(struct links *links, uint32_t id, uint64_t now_ms);

#endif
