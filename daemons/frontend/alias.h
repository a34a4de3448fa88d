/*
 * Reading an answer as a walk along its aliases, and deciding where the walk leaves the one who
 * answered: aliases cross the split in both directions.
 *
 *   internal answer   each alias target that is not the internal authority's is followed elsewhere
 *   public answer     an alias that points into an internal zone is followed inside only when it, and
 *                     every alias before it, is at a name of our own or below a rebind-allow name:
 *                     otherwise a stranger's name could be given an internal address. For the same
 *                     reason what the resolver found behind an alias into a stub zone is taken over
 *                     only from there, and from names that stub servers themselves answered for
 *
 * Pure. Records that are not on the walk are not taken over, whoever sent them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_ALIAS_H
#define BULKHEAD_DAEMONS_FRONTEND_ALIAS_H

#include "common/dns/message.h"
#include "daemons/frontend/split.h"

enum alias_end {
	ALIAS_FOUND,	/* the last name has what was asked */
	ALIAS_NONE,	/* it has not, or does not exist: the message's RCODE says which */
	ALIAS_LEAVES,	/* the last name is to be asked elsewhere, or again */
	ALIAS_REFERRAL, /* the answer only says who would know (RFC 1034 4.3.1) */
	ALIAS_LOOP,	/* a name came twice, or more than CNAME_STEPS_MAX of them */
};

struct alias_walk {
	/* in */
	const struct split *split;
	bool from_authority; /* who answered */
	bool follow;	     /* aliases may be followed elsewhere (RD was set) */
	/* out; names point into the message, or are the start name */
	bool trusted;	/* all aliases so far were at names of our own */
	bool fenced;	/* what the message says of the last name is not taken over */
	const uint8_t *names[CNAME_STEPS_MAX + 1];
	unsigned steps; /* aliases followed: names[steps] is the last name */
};

/*
 * Walk from name along the answer section. What follows is decided by the name alone, even when the
 * message has data for it. An RCODE other than NOERROR does not end the walk: the chain counts as far as
 * it is there.
 */
enum alias_end alias_walk(struct alias_walk *walk, const struct message *msg, const uint8_t *name,
			  uint16_t qtype);

/*
 * Is this record of the answer section part of the answer: aliases of the names walked, the DNAMEs that
 * made them, what the last name has of the type (not for ALIAS_LEAVES), and signatures over all these.
 */
bool alias_takes(const struct alias_walk *walk, enum alias_end end, const struct message_rr *rr,
		 uint16_t qtype);

#endif
