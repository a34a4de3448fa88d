/*
 * The list of refusals: what is answered at once without asking anybody.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_QUERY_H
#define BULKHEAD_DAEMONS_FRONTEND_QUERY_H

#include "common/dns/query.h"

struct refusal {
	uint16_t rcode;
	int ede;
	const char *text; /* EXTRA-TEXT or NULL, static */
};

/* What was found out about a query. */
struct query_judgement {
	enum query_verdict verdict; /* of query_parse, not QUERY_IGNORE */
	bool allowed;		    /* by the address list */
	bool bad_cookie;	    /* a good one is required of this client, and it has none */
};

/* Whether a query is taken on. False: reply with *refusal. Names are looked at by client_query_public only. */
bool client_query_accept(const struct query *q, const struct query_judgement *judged, struct refusal *refusal);

/* The second look, for names that the resolver answers for. */
bool client_query_public(const struct query *q, struct refusal *refusal);

#endif
