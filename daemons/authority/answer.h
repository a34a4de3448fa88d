/*
 * The answer to one checked question: a pure function of the question, the view and the transport.
 * No sockets, no allocation, no clock, no log.
 *
 * It goes in rounds. Each round finds the zone of the name looked for, the place of the name in that
 * zone, and then one step adds to the message: an RRset, a DNAME with its CNAME, a referral, or the
 * proof that there is nothing. Steps return an enum answer_state; an alias starts the next round.
 * Additional records come last, when the sections that matter are known to fit.
 *
 *   answer.c      rounds, and what goes into the answer section
 *   referral.c    delegations and their glue
 *   negative.c    name errors and missing types
 *   denial.c      NSEC and NSEC3 that prove them
 *   additional.c  addresses of names that the other sections mention
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_ANSWER_H
#define BULKHEAD_DAEMONS_AUTHORITY_ANSWER_H

#include "common/dns/compose.h"
#include "common/dns/query.h"
#include "common/zone/image.h"
#include "daemons/authority/ahead.h"
#include "daemons/authority/view.h"

enum transport {
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_LINK, /* from the frontend: as over TCP */
};

enum {
	/*
	 * Names looked at for addresses nobody is owed (all but glue): additional data is a courtesy, and
	 * must not make large RRsets dear (CVE-2024-11187).
	 */
	ANSWER_COURTESY_MAX = 32,
	/* RRsets of proofs: one for each alias that a wildcard made, three where the chain ends. */
	ANSWER_PROOFS_MAX = CNAME_STEPS_MAX + 3,
};

/* What a step made of its round. */
enum answer_state {
	ANSWER_DONE,
	ANSWER_ALIAS,	  /* look for a->sname in another round */
	ANSWER_TRUNCATED, /* something that belongs to the answer did not fit */
	ANSWER_REFUSED,	  /* no zone of ours */
	ANSWER_NOT_READY, /* the zone has no data */
	ANSWER_FAILED,	  /* the proof that it needs cannot be made */
};

/* An NSEC or NSEC3 RRset on its way into the authority section. */
struct answer_proof {
	const struct image *image;
	const struct image_rrset *rrset;
	uint32_t owner; /* a node, or in a zone with IMAGE_NSEC3 an index of image->nsec3 */
};

/* A name of which it is known where in the message it stands. */
struct answer_place {
	const uint8_t *name; /* this pointer; what it points to does not change during the answer */
	uint16_t at;
};

/*
 * Scratch memory of one answer. The caller keeps one per process and lends it; but for the options, what is in it
 * means nothing before a call. After the call rcode, truncated, asked and rate_* tell what was answered.
 */
struct answer {
	uint16_t rcode;
	bool truncated;
	bool authoritative;
	bool dnssec; /* DO was set: signatures ride along */
	size_t reserved; /* octets of each message that are left free, for TSIG; set before a call */
	int ede;     /* extended error of an error reply, or EDE_NONE */
	const struct view_zone *asked; /* zone of the first name, or NULL: whose query it is */
	enum rrl_class rate_class;    /* the account that the response belongs to, see rrl.h: of the first name */
	uint32_t rate_node;	      /* node of its zone for RRL_ANSWER and RRL_REFERRAL */
	/* EDNS options of the reply but EDE. In: options_len is set before answer and answer_error. */
	uint16_t options_len;
	uint8_t options[EDNS_OPTIONS_OUT_MAX];
	const struct view *view;
	const struct query *query;
	enum transport transport;
	const struct image *image; /* of the zone of this round */
	struct image_match match;  /* of sname in it */
	const uint8_t *sname;	   /* SNAME of RFC 1034 5.3.3: looked for in this round */
	const struct image_look *look; /* at sname */
	const struct view_zone *zone;  /* the nearest one at or above sname, or NULL */
	unsigned steps;		   /* aliases followed; names[0..steps] are the names looked for */
	const uint8_t *names[CNAME_STEPS_MAX + 1];
	unsigned place_count;
	struct answer_place places[3]; /* QNAME; apex and closest encloser of the first round, that are in it */
	unsigned dname_count; /* DNAMEs applied */
	const struct image_rrset *dnames[CNAME_STEPS_MAX];
	unsigned proof_count;
	struct answer_proof proofs[ANSWER_PROOFS_MAX];
	const struct image_rrset *extra; /* of image: its names want addresses; NULL: none */
	const struct image_rrset *placed; /* the last RRset put whose names may be compressed; they stand at: */
	uint16_t target_places[ANSWER_COURTESY_MAX]; /* 0 where it is not known */
	uint32_t referral_cut;		 /* the delegation point referred to, or IMAGE_NONE */
	struct compose compose;
	struct image_look alias; /* look at the name that an alias leads to */
	uint8_t synthesized[CNAME_STEPS_MAX][DNAME_MAX]; /* names that DNAMEs made */
};

/*
 * Largest UDP response to a query (RFC 6891 6.2.3, 6.2.5, and UDP_SIZE_MAX), or the largest message
 * there is over other transports. out of answer and reply_error has this room.
 */
size_t answer_limit(const struct query *query, enum transport transport);

/*
 * Answer a query of class IN for data (no meta type), ahead being what is known of its question. Returns the
 * octets of the message in out.
 */
size_t answer(struct answer *a, const struct view *view, const struct query *query, const struct ahead *ahead,
	      enum transport transport, uint8_t *out);

/*
 * The answer to IXFR that is the SOA of the zone alone (RFC 1995 2, 4): the client has this version already,
 * or shall come over TCP.
 */
size_t answer_soa(struct answer *a, const struct query *query, const struct ahead *ahead, const struct image *image,
		  enum transport transport, uint8_t *out);

/*
 * A reply without data: header, the question when with_question and it could be read, OPT when the
 * query had EDNS, with an extended error (EDE_NONE: without).
 */
size_t answer_error(struct answer *a, const struct query *query, uint16_t rcode, int ede, bool with_question,
		    uint8_t *out);

/* A reply of one TXT record of class CHAOS, text being up to 255 octets (RFC 4892). */
size_t answer_text(struct answer *a, const struct query *query, const char *text, uint8_t *out);

/* --- for the files of this module --- */

/*
 * Add all of an RRset of a->image with this owner, and its signatures when they are wanted. BH_ENOSPC: it did not
 * fit and nothing is left of it. RRset and signatures count as one (RFC 4035 3.1.1), but in the
 * additional section, where the signatures may be missing.
 */
int answer_put(struct answer *a, enum section section, const uint8_t *owner,
	       const struct image_rrset *rrset, uint32_t ttl) BH_CHECKED;

/* An owner, and what is known of it. */
struct answer_owner {
	const uint8_t *name;
	uint16_t at;   /* where in the message it stands, but for its first `fresh` octets; 0: nobody knows */
	uint8_t fresh; /* whole labels */
};

/* What is known of a name. */
struct answer_owner answer_owner(const struct answer *a, const uint8_t *name);

/* The same for an owner of which more may be known; it stands at owner->at then, for its next RRset. */
int answer_put_at(struct answer *a, enum section section, struct answer_owner *owner,
		  const struct image_rrset *rrset, uint32_t ttl) BH_CHECKED;

enum answer_state answer_referral(struct answer *a, uint32_t cut);
enum answer_state answer_additional(struct answer *a);

/* sname does not exist and no wildcard stands for it. */
enum answer_state answer_no_name(struct answer *a);
/* The node of sname, or the wildcard that stands for it, has not the type asked for. */
enum answer_state answer_no_type(struct answer *a, uint32_t node);
/* TTL of an NSEC or NSEC3 RRset: no more than that of negative answers (RFC 9077 3). */
uint32_t answer_denial_ttl(const struct image *image, const struct image_rrset *rrset);

/* Note what proves it, if that is wanted and the zone has any proof. */
/* The type asked for, or DS of a delegation, is not at this node: that of sname, or the cut above it. */
void denial_type(struct answer *a, uint32_t node);
/*
 * sname itself does not exist (a wildcard may stand for it). ANSWER_FAILED: its hash could not be made, or is
 * that of an NSEC3 (RFC 5155 7.2.9); nothing may be answered then.
 */
enum answer_state denial_sname(struct answer *a);
/* No wildcard stands for sname. */
void denial_no_wildcard(struct answer *a);
/* The wildcard that stands for sname has not the type. */
void denial_wildcard_type(struct answer *a, uint32_t wildcard);
/* Add what was noted in all rounds. ANSWER_TRUNCATED: it did not fit. */
enum answer_state denial_put(struct answer *a);

#endif
