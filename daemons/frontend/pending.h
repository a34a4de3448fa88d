/*
 * Questions in work and the clients that wait for them.
 *
 * A question (struct job) is asked once, however many clients wait (struct waiter). Both are bounded:
 * so many waiters together, so many per client address. Every waiter is answered exactly once by
 * whoever takes it off its job. No sockets here; now is a parameter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_PENDING_H
#define BULKHEAD_DAEMONS_FRONTEND_PENDING_H

#include "common/net/tcp.h"
#include "common/net/udp.h"
#include "common/util/region.h"
#include "daemons/frontend/cache.h"
#include "daemons/frontend/reply.h"

struct listener;

/* From creation of a job to the SERVFAIL for all that wait. The resolver gives up earlier. */
#define JOB_DEADLINE_MS 12000
/* Octets of records kept from earlier steps: what does not fit into a message is no use. */
#define JOB_REGION_MAX (128 * 1024)

/* The way back to a client. */
struct origin {
	struct listener *listener; /* UDP; NULL: TCP */
	struct udp_peer peer;
	struct tcp_ref ref;
	struct addr client;
};

struct waiter {
	struct waiter *next; /* of the same job */
	struct job *job;
	struct origin origin;
	struct reply_to to;
};

/* The negative answer of an overlay zone, in case the public side has nothing better. */
struct job_fallback {
	bool present;
	struct message_rr *rrs; /* SECTION_AUTHORITY */
	size_t rr_count;
};

struct job {
	/* owned by pending.c */
	struct job *chain; /* of the same bucket */
	struct job *older; /* by deadline */
	struct job *newer;
	struct job *link_next; /* asked over the same link */
	struct job *link_prev;
	struct job **link_head; /* NULL: nothing is asked */
	uint32_t slot;
	uint64_t token;
	uint64_t deadline_ms;
	struct waiter *waiters;
	struct cache_key key; /* qname points to `qname` */
	uint8_t qname[DNAME_MAX]; /* lower case */

	/* owned by route.c: where the work stands */
	uint8_t name[DNAME_MAX]; /* asked now: qname, or where its aliases led; lower case */
	bool public_turn;  /* name is internal with overlay and the public side is asked */
	bool from_authority; /* who is asked now */
	bool asked_again;  /* after a restart of who is asked */
	bool internal_data; /* something here came from the internal authority */
	bool aa;
	bool first_done; /* the first answer was taken over, and aa with it */
	uint8_t steps;	 /* aliases followed */
	uint16_t budget;
	uint16_t ask_id; /* DNS id of what was asked */
	uint32_t link_id;
	struct region region;
	struct message_rr *kept; /* answer records of earlier steps */
	size_t kept_count;
	struct job_fallback fallback;
	int ede;
	char ede_text[EDE_TEXT_MAX + 1];
};

struct pending;

/* NULL: out of memory. */
struct pending *pending_new(void);
/* All jobs must be gone. */
void pending_free(struct pending *pending);

/* Bounds from now on; what is in work stays. */
void pending_limits(struct pending *pending, uint32_t waiters, uint32_t per_client);

/* The job for this question, or NULL. */
struct job *pending_find(const struct pending *pending, const struct cache_key *key);

/*
 * May this client wait for one more answer? BH_ELIMIT: no. Asked before job_new and waiter_new, so
 * that nothing has to be taken back.
 */
int pending_admit(const struct pending *pending, const struct addr *client) BH_CHECKED;

/*
 * A job without waiters; key is copied. Its deadline is not before that of any other. NULL: out of
 * memory.
 */
struct job *job_new(struct pending *pending, const struct cache_key *key, uint64_t deadline_ms);

/* The client waits for job. origin and to are copied. BH_ENOMEM: it does not. */
int waiter_new(struct pending *pending, struct job *job, const struct origin *origin,
	       const struct reply_to *to) BH_CHECKED;

/* Takes the first waiter off a job; NULL when nobody waits any more. The caller answers and waiter_frees it. */
struct waiter *job_take_waiter(struct pending *pending, struct job *job);

/* Takes off all jobs the waiters whose origin is this listener; a list by ->next. */
struct waiter *pending_take_listener(struct pending *pending, const struct listener *listener);

/* The end of a waiter that was taken off its job. */
void waiter_free(struct waiter *waiter);

/* The job is over; its waiters must have been taken. What it knew is overwritten. */
void job_free(struct pending *pending, struct job *job);

/* A new token: replies to older ones are not accepted any more. */
void job_new_token(struct pending *pending, struct job *job);

/* The job with this token, or NULL. */
struct job *pending_by_token(const struct pending *pending, uint64_t token);

/* Enter a job into the list of what is asked over a link, and take it out again. */
void job_link(struct job *job, struct job **head);
void job_unlink(struct job *job);

/* The job whose deadline comes first, or NULL. */
struct job *pending_oldest(const struct pending *pending);

/* Clients waiting now. */
uint32_t pending_count(const struct pending *pending);

#endif
