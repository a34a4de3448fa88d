/*
 * What a reply means for the question that was asked at a server of a zone, and what of it may be
 * believed. Everything else in it is dropped here and seen by nobody:
 *
 *   answer section      the RRset of the asked type at the asked name; or the CNAME at the asked name,
 *                       or the DNAME above it that lies in the zone. What an alias points to is asked
 *                       anew, never taken from the same reply (Kaminsky's attack by alias).
 *   authority section   SOA, NSEC and NSEC3 of the zone in final replies; NS only when the reply is a
 *                       referral, that is to a zone strictly below the asked one and above the asked name
 *                       (promiscuous NS, CVE-2025-11411), with its DS or the proof that there is none.
 *   additional section  addresses of the servers that a referral names, when their names are below
 *                       the zone that refers.
 *
 * The identity of the reply (id, address, question) was checked before.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_REPLY_H
#define BULKHEAD_DAEMONS_RESOLVER_REPLY_H

#include "daemons/resolver/delegation.h"
#include "daemons/resolver/iterate.h"
#include "daemons/resolver/rrset.h"

enum reply_kind {
	REPLY_ANSWER,	/* records: the RRset, proofs */
	REPLY_ALIAS,	/* records: CNAME, for a DNAME with the DNAME before it; target */
	REPLY_OVERFLOW, /* a DNAME makes the name too long (RFC 6672 2.2: YXDOMAIN); records: the DNAME */
	REPLY_NODATA,	/* records: SOA (if there is one), proofs */
	REPLY_NXDOMAIN, /* likewise */
	REPLY_REFERRAL, /* cut; records: its DS, or NSEC and NSEC3 that may prove that there is none */
	REPLY_LAME,	/* this server does not serve the zone */
	REPLY_ERROR,	/* rcode of an error, or nonsense */
};

struct reply_question {
	const uint8_t *name;
	uint16_t type;
	const uint8_t *zone;	/* name is in it */
	bool allow_loopback;	/* servers on loopback are not harmful here */
	bool forward;		/* the server is a resolver: no AA, and referrals mean that it does not recurse */
};

struct reply {
	enum reply_kind kind;
	bool authoritative;	/* it came with AA, or from a forwarder, whose word is enough for its zone */
	uint32_t ttl;		/* how long it may be kept; 0: not at all */
	bool passing;		/* an absence without SOA: whatever the operator's floor is, it is not kept */
	struct rrset *records;
	const uint8_t *target;	/* of an alias */
	struct delegation *cut; /* of a referral; deadline not set, ttl above */
};

/*
 * Judge msg. Everything in *out lives in region or in msg. BH_ENOMEM; BH_ELIMIT or BH_EMALFORMED: the
 * part that matters is out of bounds or breaks the protocol.
 */
int reply_judge(const struct message *msg, const struct reply_question *question, struct region *region,
		struct reply *out) BH_CHECKED;

/*
 * The operator's floor and ceilings for how long the records of a reply live. A referral is left alone: its
 * deadline is its parent's word.
 */
void reply_bound_ttl(struct reply *reply, const struct core_options *options);

#endif
