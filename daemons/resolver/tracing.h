/*
 * `bulkheadctl trace` in the resolver: one question at a time whose every step is told to the supervisor. By
 * default it is resolved in a core of its own, which has the configuration in service and an empty cache, and is
 * gone afterwards: all of the way is seen, and the cache that clients are served from stays as it was. Or it is
 * resolved as a client's question would be, in the core in service.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_TRACING_H
#define BULKHEAD_DAEMONS_RESOLVER_TRACING_H

#include "daemons/resolver/iterate.h"

struct event_base;
struct tracing;

/* A step for the supervisor, with the id of its request. */
typedef void tracing_tell_fn(void *ctx, uint32_t request, const struct ipc_trace_step *step);

/* dnssec and hasher must outlive it. NULL: no memory. */
struct tracing *tracing_new(struct event_base *base, struct dnssec *dnssec, struct nsec3_hasher *hasher,
			    core_rand_fn *rand_fn, tracing_tell_fn *tell, void *ctx);
void tracing_free(struct tracing *t);

/* Where to resolve: in service, or what a core of its own is made of. */
struct tracing_place {
	struct core *core;
	struct core_config config; /* its anchors are taken over in any case */
	const struct ipc_outgoing *outgoing;
	size_t outgoing_count;
};

/*
 * Begin. Its end is told in any case, now if it is refused. True: it runs in place->core, whose caller then
 * has something to send, and gives the finished resolution to tracing_over.
 */
bool tracing_begin(struct tracing *t, uint32_t request, const struct ipc_trace *what, struct tracing_place *place);
/* The end of a traced resolution in the core in service. */
void tracing_over(struct tracing *t, struct resolution *r);

#endif
