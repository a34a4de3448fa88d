/*
 * Answers that are better than none (RFC 8767): when a question cannot be answered in time or at all, what its
 * servers said last is given out with a TTL of TTL_STALE and an extended error that says so.
 *
 * Given out is a whole chain, from the name that was asked to its end, of which some link has expired for less
 * than the configured time; nothing that is bogus, and to clients that do not check for themselves nothing that was not
 * validated while it lived. It never has AD: signatures are not looked at again.
 *
 * A question for which there is such an answer is watched. When it is not finished after STALE_CLIENT_MS, its
 * client gets the stale answer (RFC 8767 5, client response timer) and the resolution goes on without it, so that
 * the cache is fresh for the next. Then, and when it failed, the failure is remembered for TTL_FAILURE_STALE (failure recheck
 * timer): questions meanwhile get the stale answer at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_STALE_H
#define BULKHEAD_DAEMONS_RESOLVER_STALE_H

#include "daemons/resolver/core.h"

/* Is there a stale answer to r's question? *out: its records, in r's region. The RCODE, or -1. */
int stale_find(struct core *core, struct resolution *r, uint64_t now_ms, struct rrset **out);

/* Does a failure with this extended error call for one? What is bogus is no outage. */
bool stale_may_replace(const struct core *core, const struct resolution *r, int ede);

/* r has not finished at once: watch it, when there is something to give in its place. */
void stale_watch(struct core *core, struct resolution *r, uint64_t now_ms);
void stale_unwatch(struct core *core, struct resolution *r);

#endif
