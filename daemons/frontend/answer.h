/*
 * An answer that is ready to be given to any number of clients: the message as wire bytes without
 * OPT, and where in it the things stand that differ from client to client or from second to second.
 *
 * The question in it is in lower case; since a client's question has the same length, its own
 * spelling is copied over it (and compressed owner names follow).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_ANSWER_H
#define BULKHEAD_DAEMONS_FRONTEND_ANSWER_H

#include "common/dns/compose.h"
#include "common/dns/message.h"

/* Records of 11 octets at least in 65535. */
#define ANSWER_RR_MAX 5957
/*
 * RFC 4035 3.2.1: signatures and proofs are for clients that set DO. An answer without any is one for both kinds;
 * of others there is one for each kind.
 */
enum answer_form { FORM_PLAIN = 1, FORM_DO = 2 };

/* Room that each answer leaves for our OPT with one extended error and its text, COOKIE and keepalive. */
#define ANSWER_OPT_MAX (EDNS_SIZE_MIN + 6 + EDE_TEXT_MAX + 4 + COOKIE_REPLY_SIZE + 4 + 2)
/* Nothing is kept longer than this: a day, and an hour for "there is none" (RFC 2308 5 suggests 1-3 h). */
#define ANSWER_LIFE_MAX 86400u
#define ANSWER_LIFE_NEGATIVE_MAX 3600u

struct answer {
	const uint8_t *wire;	/* header, question, records */
	const uint16_t *ttl_at; /* offsets of the TTL of each record */
	const char *ede_text;	/* of the extended error, "" when it has none */
	uint16_t len;
	uint16_t ttl_count;
	uint16_t answer_end;	/* offsets where sections end */
	uint16_t authority_end;
	uint16_t counts[4];	/* enum section */
	uint16_t qtype;
	uint8_t qname_len;
	uint8_t forms; /* enum answer_form: the clients that it is fit for */
	uint8_t ede_text_len;
	bool aa;
	bool ad; /* the resolver found all of it secure (RFC 4035 3.2.3) */
	bool found;    /* the question has its answer, and not only aliases on the way */
	bool negative; /* what it says is in the SOA: the authority section is part of the answer */
	uint16_t rcode;
	int16_t ede; /* EDE_NONE or the extended error that came with it */
	uint32_t life_sec; /* how long it may be kept; 0: not at all */
};

/* Work space for one answer at a time; large, allocated once per process. */
struct answer_builder {
	struct answer answer;
	struct compose compose;
	uint32_t min_ttl;
	bool has_soa;
	uint8_t form; /* that is being made */
	char ede_text[EDE_TEXT_MAX + 1];
	uint16_t ttl_at[ANSWER_RR_MAX];
	uint8_t wire[DNS_MESSAGE_MAX];
};

/* qname in lower case; form: one of enum answer_form. */
void answer_begin(struct answer_builder *b, const uint8_t *qname, uint16_t qtype, enum answer_form form);

/*
 * Append a record, unless it is not for this form; sections must not go backwards. BH_ENOSPC: the message is
 * full.
 */
int answer_add(struct answer_builder *b, enum section section, const struct message_rr *rr) BH_CHECKED;

/*
 * Complete it. Lives in the builder until the next answer_begin. found: the question has its answer, and
 * not only aliases on the way. life_sec becomes the smallest TTL if so, the SOA's bound for negative
 * answers (RFC 2308 5), and 0 for other RCODEs and for negative answers without SOA. flags: FLAG_AA, FLAG_AD.
 */
const struct answer *answer_finish(struct answer_builder *b, uint16_t rcode, uint16_t flags, bool found);

/* Extended error of the builder's answer; text is cut at EDE_TEXT_MAX and made printable. */
void answer_set_ede(struct answer_builder *b, int ede, const uint8_t *text, size_t len);

/* Forget the content: it held internal data. */
void answer_wipe(struct answer_builder *b);

#endif
