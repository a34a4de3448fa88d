/*
 * One client query from the decision who is asked to the answer.
 *
 * The walk of a question (struct job):
 *
 *   name = question
 *   again:
 *     by the longest suffix the name is the internal authority's, or it is public
 *     public and cached      -> the cached answer is the reply
 *     else                   -> ask over a query link, wait
 *   reply:
 *     an alias leaves the one who answered (alias.h)   -> keep what led there, name = target, again
 *     the internal zone has it not and is an overlay   -> ask the public side for the same name
 *     otherwise                                        -> what was kept and this reply are the answer
 *
 * Each turn follows an alias or changes to the public side of the same name, and aliases are bounded
 * by CNAME_STEPS_MAX; every turn spends from one budget that nothing refills.
 *
 * Everybody is asked with DO, whatever the client set: so a question is in work once for both kinds of clients,
 * an answer without signatures is kept once for both, and one with them is kept in the forms that clients came
 * for, the shorter one made from the longer one. (Keeping the longer one alone would make each hit of a client
 * without DO a second composing, and a signed NXDOMAIN that only such clients want three to six times as large: see
 * test_cache.c. The price is DO in every question, whose signatures cross the query link for nothing.) An answer of
 * several pieces has AD if each piece had it; those of the internal authority never have.
 *
 * When a cached answer that is asked for is in the last part of its life, it is given, and asked for anew with
 * nobody waiting (QLINK_REFRESH): the new answer takes its place, a failure is passed over.
 *
 * Replies come from less trusted roles: whatever is wrong with one is SERVFAIL for this question and
 * nothing else. Only answers of the resolver to names outside the internal zones are cached.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_ROUTE_H
#define BULKHEAD_DAEMONS_FRONTEND_ROUTE_H

#include "common/ipc/qlink.h"
#include "common/ipc/stats.h"
#include "common/util/log.h"
#include "daemons/frontend/alias.h"
#include "daemons/frontend/cache.h"
#include "daemons/frontend/pending.h"
#include "daemons/frontend/query.h"
#include "daemons/frontend/split.h"

/* Something to ask: whom, and the message. name is in lower case. */
struct route_ask {
	struct job *job;
	bool authority; /* the internal authority; else the resolver */
	const uint8_t *name;
	struct qlink_message message;
};

struct route_ops {
	/*
	 * Send it, or keep it until it can be sent (route_send): enter the job into a list of the link (job_link) and set
	 * job->link_id. BH_ENOENT: there is no such link, BH_ECLOSED: it is dead, BH_EAGAIN: it is full.
	 */
	int (*ask)(void *ctx, const struct route_ask *ask);
	/* Give a client its answer. internal: it holds internal data; forget it after sending. */
	void (*answer)(void *ctx, const struct origin *origin, const struct reply_to *to,
		       const struct answer *answer, uint32_t age_sec, bool internal);
	void (*refuse)(void *ctx, const struct origin *origin, const struct reply_to *to,
		       const struct refusal *refusal);
};

/* Pointers are the owner's and may be changed between calls. */
struct route {
	struct split *split;
	struct cache *cache;
	struct pending *pending;
	struct stats_page **stats;
	const struct route_ops *ops;
	void *ctx;
	uint16_t budget;      /* of a new question */
	bool prefetch;	      /* ask anew for answers in use that end */
	uint64_t flushes;     /* by route_flushed */
	uint32_t patience_ms; /* from a new question to the SERVFAIL for all that wait; constant */
	/* work space, by route_init */
	struct answer_builder *builder;
	struct region scratch;
	uint8_t *wire;
	struct log_limit broken_log;
	bool had_internal; /* internal data was looked at since route_wipe_stack */
};

/* Work space. BH_ENOMEM. */
int route_init(struct route *route) BH_CHECKED;
void route_clear(struct route *route);

/* A query that client_query_accept let pass. It is answered now or later, exactly once. */
void route_query(struct route *route, const struct query *q, const struct origin *origin, const struct reply_to *to,
		 uint64_t now_ms);

/*
 * The cache was flushed. What was asked before is not cached when it comes: it may be what was to be forgotten. (Whoever
 * flushes the resolver too does that first.)
 */
void route_flushed(struct route *route);

/* A reply that came over link_id. What was not asked there is dropped. */
void route_reply(struct route *route, uint32_t link_id, const struct qlink_message *message, uint64_t now_ms);

/* Answer all who wait for job with an error; it is gone. */
void route_fail(struct route *route, struct job *job, int ede, const char *text);

/* Ask what the link could not take before; it is in none of its lists. */
void route_send(struct route *route, struct job *job);

/*
 * Whoever was to answer the jobs of this list is new, or the link is: ask again once. Jobs that were
 * asked again before fail.
 */
void route_ask_again(struct route *route, struct job **head, uint64_t now_ms);

/*
 * If internal data was looked at, overwrite what the calls that did so left on the stack. To be called from
 * where they were called.
 */
void route_wipe_stack(struct route *route);

/* Answer what has waited too long. Returns the next deadline, or 0 when nothing waits. */
uint64_t route_expire(struct route *route, uint64_t now_ms);

#endif
