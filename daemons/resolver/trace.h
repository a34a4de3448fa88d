/*
 * Telling the steps of one resolution, for `bulkheadctl trace`. The core calls the function only for a resolution
 * that was begun with tracing on; nobody else pays more than a look at one flag.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_TRACE_H
#define BULKHEAD_DAEMONS_RESOLVER_TRACE_H

#include "common/ipc/conf.h"

/* Which fields mean something, the event says (common/ipc/conf.h). Pointers are valid during the call. */
struct trace_step {
	enum ipc_trace_event event;
	unsigned depth;
	const uint8_t *name;
	uint16_t type;
	const struct addr *server; /* NULL: none */
	bool tcp;
	uint16_t rcode;
	enum ipc_trace_kind kind;
	enum ipc_trace_security security;
	int ede;
	const char *why; /* static storage, or NULL */
	const uint8_t *other; /* a zone or a target, or NULL */
	uint64_t took_ms;
	uint64_t octets;
};

typedef void core_trace_fn(void *ctx, const struct trace_step *step, uint64_t now_ms);

#endif
