/*
 * The resolver asks itself, now and then, one question through its core: NS of the root, or of another name. From the
 * cache if it is there: what is proven is that the resolver answers, not that the Internet does. Counted as nobody's
 * question; what is sent to servers for it is counted as sent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_PROBING_H
#define BULKHEAD_DAEMONS_RESOLVER_PROBING_H

#include "common/ipc/role_link.h"

#include <stdbool.h>

struct core;
struct event_base;
struct probing;
struct resolution;

/* From the end of one question to the beginning of the next. */
#define PROBING_PAUSE_MS 2000

/* Called when the core has something to do. NULL: out of memory. */
typedef void probing_progress_fn(void *ctx);
struct probing *probing_new(struct event_base *base, struct stats_page **stats, probing_progress_fn *progress, void *ctx);
void probing_free(struct probing *probing);

/* A configuration came into service: begin, go on, or end. */
void probing_configure(struct probing *probing, struct core *core, const struct role_conf *conf);

/* Is this resolution ours? Then it is over and released. */
bool probing_take(struct probing *probing, struct resolution *r);

#endif
