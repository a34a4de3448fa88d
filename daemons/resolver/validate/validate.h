/*
 * Validation of one reply, as a part of the resolution that asked for it (RFC 4035 5, RFC 5155 8, RFC 6840).
 *
 * A reply has one RRset that says which zone speaks: the answer, the alias, or for a negative one its SOA. Its RRSIG
 * names a signer. The walk (walk.c) finds out what is known of that zone: it begins at the closest zone that was
 * verified already, or at the trust anchor, and goes down:
 *
 *	root --DS com--> com --DS example.com--> example.com
 *
 * At each cut the DS RRset, mostly in the cache since the referral, is verified with the keys of the zone above, then
 * the DNSKEY RRset with that DS. Both are fetched by frames on top of the one that is validated, so they are paid
 * from the same budget. Where the zone above proves that there is no DS, everything below is insecure. A reply
 * without signatures is believed only when the walk towards its name ends so; when all cuts down to it are
 * secure or no cuts, it is bogus.
 *
 *	the zone speaks securely  -> its signatures over the reply's RRsets; for negatives and expansions of
 *	                             wildcards the proof (denial.h)
 *	it is insecure            -> the reply is insecure; nothing is verified
 *	bogus                     -> another server is asked, at most BOGUS_RETRIES_MAX times; then SERVFAIL
 *
 * What was verified is kept: zones in the trust store, replies in the cache with their state. No check is done twice
 * while they live.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_VALIDATE_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_VALIDATE_H

#include "daemons/resolver/core.h"
#include "daemons/resolver/validate/verify.h"

/* What a frame that was pushed for the walk brought. */
struct delivery {
	bool there;
	bool failed; /* ede, why: nothing could be had */
	bool asked;  /* it came from a server just now, not from the cache */
	int ede;
	const char *why;
	struct rrset *records;
	struct addr server;
	const uint8_t *server_zone;
};

enum walk_want { WANT_NOTHING, WANT_DS, WANT_KEYS };

/* On the way down to a zone or name. */
struct walk {
	const uint8_t *target;
	const uint8_t *anchor_zone;
	struct trust *at;      /* the closest zone verified so far, held; NULL: none yet, not even the anchor's */
	unsigned known_labels; /* of target, from the right: no cut between at->zone and there */
	const uint8_t *candidate; /* the name at hand: a cut or not */
	struct rrset *ds;      /* verified, of the candidate */
	uint8_t want;
	uint8_t retries;       /* at the candidate, since at */
	bool label_by_label; /* a shortcut to a known delegation misled us */
	struct delivery got;
};

enum walk_result {
	WALK_WAITS,    /* a frame was pushed */
	WALK_SECURE,   /* at: the zone that target is in, or target itself */
	WALK_INSECURE,
	WALK_BOGUS,    /* reason */
	WALK_FAILED,   /* reason; it says nothing about the data */
	WALK_ENDED,    /* the resolution is over: its budget, its memory */
};

struct validation {
	struct reply reply;
	const uint8_t *name; /* what was asked */
	const uint8_t *zone; /* at whose authoritative server, or NULL */
	uint16_t type;
	uint8_t flags; /* of the cache entry to be */
	uint8_t part;
	bool cached;   /* from the cache, unchecked */
	struct rrset *speaker; /* the RRset that says which zone speaks; NULL: none */
	const uint8_t *signer; /* NULL: it is not signed */
	struct walk walk;
};

/* --- validate.c --- */

/*
 * Begin for the top frame; its state becomes FRAME_VALIDATE. v is taken over: everything up to `cached` is filled
 * in. The verdict comes by iterate_validated, perhaps before this returns.
 */
void validate_begin(struct core *core, struct resolution *r, const struct validation *v, uint64_t now_ms);
/* Go on. */
void validate_run(struct core *core, struct resolution *r, uint64_t now_ms);
/* A frame of purpose FRAME_TRUST is over, the frame below it is the validated one again. */
void validate_deliver(struct resolution *r, const struct delivery *delivery);
/* Let go of what is held. */
void validate_end(struct resolution *r);
struct verifier validate_verifier(struct core *core, struct resolution *r, uint64_t now_ms);

/* --- walk.c --- */
void walk_begin(struct core *core, struct walk *w, const uint8_t *target, const uint8_t *anchor_zone, uint64_t now_ms);
enum walk_result walk_run(struct core *core, struct resolution *r, struct walk *w, struct verify_reason *reason,
			  uint64_t now_ms);

#endif
