/*
 * The list of refusals. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/query.h"

#include "common/util/count.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <criterion/criterion.h>

Test(frontend_query, refusals)
{
	static const struct {
		const char *what;
		enum query_verdict verdict;
		bool allowed;
		uint16_t opcode, qtype, qclass;
		int rcode; /* -1: taken */
		int ede;
		bool bad_cookie;
	} cases[] = {
		{ "good", QUERY_OK, true, OPCODE_QUERY, RR_A, CLASS_IN, -1, 0 },
		{ "any", QUERY_OK, true, OPCODE_QUERY, RR_ANY, CLASS_IN, -1, 0 },
		{ "unknown type", QUERY_OK, true, OPCODE_QUERY, 65280, CLASS_IN, -1, 0 },
		{ "not allowed", QUERY_OK, false, OPCODE_QUERY, RR_A, CLASS_IN, RCODE_REFUSED, EDE_PROHIBITED },
		{ "not allowed comes first", QUERY_FORMERR, false, OPCODE_QUERY, RR_A, CLASS_IN, RCODE_REFUSED,
		  EDE_PROHIBITED },
		{ "opcode", QUERY_NOTIMP, true, OPCODE_UPDATE, 0, 0, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
		{ "notify", QUERY_OK, true, OPCODE_NOTIFY, RR_SOA, CLASS_IN, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
		{ "formerr", QUERY_FORMERR, true, OPCODE_QUERY, 0, 0, RCODE_FORMERR, EDE_NONE },
		{ "badvers", QUERY_BADVERS, true, OPCODE_QUERY, RR_A, CLASS_IN, RCODE_BADVERS, EDE_NONE },
		{ "chaos", QUERY_OK, true, OPCODE_QUERY, RR_TXT, CLASS_CH, RCODE_REFUSED, EDE_NOT_SUPPORTED },
		{ "class any", QUERY_OK, true, OPCODE_QUERY, RR_A, CLASS_ANY, RCODE_REFUSED, EDE_NOT_SUPPORTED },
		{ "axfr", QUERY_OK, true, OPCODE_QUERY, RR_AXFR, CLASS_IN, RCODE_REFUSED, EDE_PROHIBITED },
		{ "ixfr", QUERY_OK, true, OPCODE_QUERY, RR_IXFR, CLASS_IN, RCODE_REFUSED, EDE_PROHIBITED },
		{ "opt", QUERY_OK, true, OPCODE_QUERY, RR_OPT, CLASS_IN, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
		{ "tsig", QUERY_OK, true, OPCODE_QUERY, RR_TSIG, CLASS_IN, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
		{ "maila", QUERY_OK, true, OPCODE_QUERY, RR_MAILA, CLASS_IN, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
		{ "bad cookie", QUERY_OK, true, OPCODE_QUERY, RR_A, CLASS_IN, RCODE_BADCOOKIE, EDE_NONE, true },
		{ "not allowed, bad cookie", QUERY_OK, false, OPCODE_QUERY, RR_A, CLASS_IN, RCODE_REFUSED,
		  EDE_PROHIBITED, true },
		{ "opcode, bad cookie", QUERY_OK, true, OPCODE_NOTIFY, RR_SOA, CLASS_IN, RCODE_NOTIMP,
		  EDE_NOT_SUPPORTED, true },
		{ "type 0", QUERY_OK, true, OPCODE_QUERY, 0, CLASS_IN, RCODE_NOTIMP, EDE_NOT_SUPPORTED },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct query q = { .flags = (uint16_t)(cases[i].opcode << 11), .qtype = cases[i].qtype,
				   .qclass = cases[i].qclass };
		struct refusal r = { 0 };
		struct query_judgement judged = { .verdict = cases[i].verdict, .allowed = cases[i].allowed,
						  .bad_cookie = cases[i].bad_cookie };
		bool taken = client_query_accept(&q, &judged, &r);
		cr_assert_eq(taken, cases[i].rcode < 0, "%s", cases[i].what);
		if (!taken) {
			cr_assert_eq(r.rcode, cases[i].rcode, "%s", cases[i].what);
			cr_assert_eq(r.ede, cases[i].ede, "%s", cases[i].what);
		}
	}
}

Test(frontend_query, public_names_need_rd)
{
	struct refusal r;
	cr_assert(client_query_public(&(struct query){ .flags = FLAG_RD }, &r));
	cr_assert_not(client_query_public(&(struct query){ .flags = FLAG_CD }, &r));
	cr_assert_eq(r.rcode, RCODE_REFUSED);
	cr_assert_eq(r.ede, EDE_NOT_AUTHORITATIVE);
}
