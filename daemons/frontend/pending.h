/*
 * Questions in work and the clients that wait for them.
 *
 * A question (struct job) is asked once, however many clients wait (struct waiter). Waiters are bounded, together
 * and per client. Every waiter is answered exactly once by whoever takes it off its job. No sockets here; now is
 * a parameter.
 *
 * A client is an IPv4 address or an IPv6 /64; a site is an IPv4 address or an IPv6 /56, which is what one customer
 * gets (RFC 6177). One that is not proven (UDP without a server cookie of ours) may be nobody who asked, so fewer
 * answers may come together for it: whoever makes slow servers hold back answers and has them sent to a victim at
 * once (DNSBomb, CVE-2024-33655) gets no more than that many. When the table is full, a newcomer takes the place
 * of the oldest waiter of a site that has at least twice as many: a flood of one does not shut out the others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_PENDING_H
#define BULKHEAD_DAEMONS_FRONTEND_PENDING_H

#include "common/net/tcp.h"
#include "common/net/udp.h"
#include "common/util/region.h"
#include "daemons/frontend/cache.h"
#include "daemons/frontend/party.h"
#include "daemons/frontend/reply.h"

struct listener;

/* From creation of a job to the SERVFAIL for all that wait. The resolver gives up earlier. */
#define JOB_DEADLINE_MS 12000
/* Octets of records kept from earlier steps: what does not fit into a message is no use. */
#define JOB_REGION_MAX (128 * 1024)
/* A site of many clients may wait for this many times what one of them may. */
#define SITE_CLIENTS 4
/*
 * An answer this late has been asked for again (stub resolvers wait 1 to 5 s, RFC 1536 1: most 2), and others wait
 * with it: who is not proven gets no more than this many of them in full, the rest as TC=1, which makes no more
 * octets of its query. A client that is there comes again over TCP and finds the answer in the cache.
 */
#define LATE_MS 2000
#define LATE_ANSWERS 10
/* One in so many of all that may wait: answers that are asked for anew at a time. */
#define REFRESH_SHARE 10

/* The way back to a client. */
struct origin {
	struct listener *listener; /* UDP; NULL: TCP */
	struct udp_peer peer;
	struct tcp_ref ref;
	struct addr client;
	bool proven; /* TCP, or a server cookie of ours: the address is the client's own */
};

LIST_HEAD(waiter_list, waiter);

struct waiter {
	LIST_ENTRY(waiter) job_entry;
	TAILQ_ENTRY(waiter) site_entry; /* oldest first */
	struct job *job;
	struct party *client;
	struct party *site;
	uint64_t since_ms;
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
	struct waiter_list waiters;
	bool light; /* job_is_light */
	struct cache_key key; /* qname points to `qname`; without KEY_DO: clients of both kinds wait together */
	uint8_t qname[DNAME_MAX]; /* lower case */

	/* owned by route.c: where the work stands */
	uint8_t name[DNAME_MAX]; /* asked now: qname, or where its aliases led; lower case */
	bool public_turn;  /* name is internal with overlay and the public side is asked */
	bool from_authority; /* who is asked now */
	bool asked_again;  /* after a restart of who is asked */
	bool internal_data; /* something here came from the internal authority */
	bool aa;
	bool insecure;	 /* a piece was kept that is not known to be secure: no AD */
	bool first_done; /* the first answer was taken over, and aa with it */
	uint8_t steps;	 /* aliases followed */
	uint16_t budget;
	uint16_t ask_id; /* DNS id of what was asked */
	uint32_t link_id;
	struct region region;
	struct message_rr *kept; /* answer records of earlier steps */
	size_t kept_count;
	struct job_fallback fallback;
	uint64_t asked_flushes; /* how often the cache had been flushed when it was asked */
	uint8_t refresh_forms;	/* enum answer_form, of an answer that is asked for anew with nobody waiting */
	int ede;
	char ede_text[EDE_TEXT_MAX + 1];
};

struct pending;

/* NULL: out of memory. */
struct pending *pending_new(void);
/* All jobs must be gone. */
void pending_free(struct pending *pending);

/* Bounds from now on; what is in work stays. */
struct pending_bounds {
	uint32_t waiters;
	uint32_t per_client; /* that is proven */
	uint32_t per_unproven;
};
void pending_limits(struct pending *pending, const struct pending_bounds *bounds);

/* The job for this question, or NULL. */
struct job *pending_find(const struct pending *pending, const struct cache_key *key);

/*
 * May this client wait for one more answer? Asked before pending_find, job_new and waiter_new, so that nothing has
 * to be taken back. With PENDING_INSTEAD one who waits has to be given up for it: *victim is still on its job.
 */
enum pending_verdict { PENDING_ADMITTED, PENDING_INSTEAD, PENDING_FULL, PENDING_CLIENT_FULL };
enum pending_verdict pending_admit(struct pending *pending, const struct origin *origin, struct waiter **victim);

/*
 * A job without waiters; key is copied. Its deadline is not before that of any other. NULL: out of
 * memory.
 */
struct job *job_new(struct pending *pending, const struct cache_key *key, uint64_t deadline_ms);

/* The client waits for job. origin and to are copied. BH_ENOMEM: it does not. */
int waiter_new(struct pending *pending, struct job *job, const struct origin *origin, const struct reply_to *to,
	       uint64_t now_ms) BH_CHECKED;

/* Take it off its job. The caller answers and waiter_frees it. */
void waiter_take(struct pending *pending, struct waiter *waiter);

/* Should it get TC=1 in the place of its answer? See LATE_MS. To be asked before it is taken. */
bool waiter_is_late(const struct waiter *waiter, uint64_t now_ms);

/*
 * Did somebody of a site that waited for LIGHT_ANSWERS at most, this one among them, come to wait for it? Told when
 * they come: thousands may wait for one job, and it is asked for again and again while a link is full.
 */
#define LIGHT_ANSWERS 32
bool job_is_light(const struct job *job);

/* The forms of an answer that are waited for, or wanted for the cache: enum answer_form. */
uint8_t job_forms(const struct job *job);

/* Takes off all jobs the waiters whose origin is this listener. */
void pending_take_listener(struct pending *pending, const struct listener *listener, struct waiter_list *taken);

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

/* May one more answer be asked for anew? */
bool pending_may_refresh(const struct pending *pending);

#endif
