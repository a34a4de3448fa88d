/*
 * The message that goes back to the frontend: a finished resolution, or a refusal, as a reply to one query.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_ANSWER_H
#define BULKHEAD_DAEMONS_RESOLVER_ANSWER_H

#include "common/dns/query.h"
#include "daemons/resolver/iterate.h"

/* RCODE for a query that is not resolved, or NOERROR. */
uint16_t answer_judge_query(enum query_verdict verdict, const struct query *query);

/*
 * Write the reply into buf (DNS_MESSAGE_MAX octets). query tells id, question with its case, RD, CD, DO and
 * whether to send OPT. Signatures and proofs go only to who set DO (RFC 4035 3.2.1). Returns the
 * octets. A result that does not fit becomes SERVFAIL.
 */
size_t answer_write(const struct query *query, const struct resolution *r, uint8_t *buf);

/* A reply without records. */
size_t answer_error(const struct query *query, uint16_t rcode, int ede, const char *text, uint8_t *buf);

#endif
