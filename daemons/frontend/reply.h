/*
 * What a client gets: the id, flags and spelling of its own query, no more octets than it can take.
 * Pure: bytes in, bytes out.
 *
 * AA is set when the first owner of the answer section is data of our internal authority (RFC 1035
 * 4.1.1 speaks of that name), as other resolvers do for zones of their own. RA is always set. AD is set when all
 * that is answered is secure and the client wants to know: its query had DO or AD (RFC 6840 5.7, 5.8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_REPLY_H
#define BULKHEAD_DAEMONS_FRONTEND_REPLY_H

#include "common/dns/query.h"
#include "daemons/frontend/answer.h"

/* COOKIE (RFC 7873) and keepalive (RFC 7828) with their headers. */
#define REPLY_OPTIONS_MAX (4 + COOKIE_REPLY_SIZE + 4 + 2)
/* Largest error reply: header, question, OPT. */
#define REPLY_ERROR_MAX (DNS_HEADER_SIZE + DNAME_MAX + 4 + ANSWER_OPT_MAX)

/* What of a query is needed to reply to it; kept as long as it waits. */
struct reply_to {
	uint16_t id;
	uint16_t flags; /* of the query */
	uint16_t qtype;
	uint16_t qclass;
	uint16_t limit; /* octets that the client takes: 512..1232 over UDP, 65535 over TCP */
	bool edns;
	bool do_bit;
	bool late; /* TC=1 and no records, whatever there is (pending.h) */
	uint8_t options_len;
	uint8_t options[REPLY_OPTIONS_MAX]; /* EDNS options: COOKIE, keepalive */
	uint8_t qname_len; /* 0: the question could not be read */
	uint8_t qname[DNAME_MAX];
};

/* Without options. */
void reply_to_init(struct reply_to *to, const struct query *q, bool tcp);

/* Which form of an answer the client is to get. */
static inline enum answer_form reply_form(const struct reply_to *to)
{
	return to->do_bit ? FORM_DO : FORM_PLAIN;
}

/*
 * The answer for this client, age_sec after it was made; it is fit for the client (forms), and
 * answer->qname_len is that of the client's question. What does not fit: the additional section is left out; the authority section too if there are
 * answers and the client did not ask for DNSSEC (RFC 2181 9 wants TC for what is required only; the SOA of a
 * negative answer is required: without it the end of an alias chain looks like no end); else TC and empty
 * sections. buf: room for to->limit octets. *truncated says whether TC is set.
 */
size_t reply_answer(const struct reply_to *to, const struct answer *answer, uint32_t age_sec, uint8_t *buf,
		    bool *truncated);

/* An RCODE without records. text: EXTRA-TEXT or NULL. buf: room for REPLY_ERROR_MAX octets. */
size_t reply_error(const struct reply_to *to, uint16_t rcode, int ede, const char *text, uint8_t *buf);

#endif
