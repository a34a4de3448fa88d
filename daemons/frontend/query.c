/*
 * Refusing queries, in the order in which they must be checked. Pure.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/query.h"

static bool refuse(struct refusal *r, uint16_t rcode, int ede, const char *text)
{
	*r = (struct refusal){ .rcode = rcode, .ede = ede, .text = text };
	return false;
}

bool client_query_accept(const struct query *q, const struct query_judgement *judged, struct refusal *refusal)
{
	enum query_verdict verdict = judged->verdict;
	if (!judged->allowed) {
		return refuse(refusal, RCODE_REFUSED, EDE_PROHIBITED, NULL);
	}
	if (verdict == QUERY_NOTIMP || query_opcode(q) != OPCODE_QUERY) {
		return refuse(refusal, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL);
	}
	if (verdict == QUERY_FORMERR) {
		return refuse(refusal, RCODE_FORMERR, EDE_NONE, NULL);
	}
	if (verdict == QUERY_BADVERS) {
		return refuse(refusal, RCODE_BADVERS, EDE_NONE, NULL);
	}
	if (judged->bad_cookie) { /* RFC 7873 5.2.3: the client has the good one now, and asks again */
		return refuse(refusal, RCODE_BADCOOKIE, EDE_NONE, NULL);
	}
	if (q->qclass != CLASS_IN) {
		return refuse(refusal, RCODE_REFUSED, EDE_NOT_SUPPORTED, "only class IN");
	}
	if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
		return refuse(refusal, RCODE_REFUSED, EDE_PROHIBITED, "no transfers here");
	}
	/* RFC 6895 3.1: what is left of these asks for no data; RFC 8482 ANY does. */
	if (rr_type_is_meta(q->qtype) && q->qtype != RR_ANY) {
		return refuse(refusal, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL);
	}
	return true;
}

bool client_query_public(const struct query *q, struct refusal *refusal)
{
	/* Without RD nobody asks for recursion, and what others asked before is nobody's business. */
	if ((q->flags & FLAG_RD) == 0) {
		return refuse(refusal, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, NULL);
	}
	return true;
}
