/*
 * Checks before an answer, and counters after it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/query.h"

#include "common/dns/edns.h"

/*
 * NOTIFY (RFC 1996). The zones here are made from text by a compiler and have no primaries, so
 * nobody has a reason to notify us: NOTAUTH for a zone that is not served (RFC 1996 3.10 leaves it
 * to the server), REFUSED for one that is.
 */
static size_t reply_notify(struct query_work *work, const struct ahead *ahead, uint8_t *out)
{
	const struct query *q = &work->query;
	bool ours = q->qclass == CLASS_IN && ahead->zone != NULL && ahead->zone->labels == ahead->look.labels;
	return answer_error(&work->answer, q, ours ? RCODE_REFUSED : RCODE_NOTAUTH,
			    ours ? EDE_PROHIBITED : EDE_NOT_AUTHORITATIVE, true, out);
}

size_t query_reply_ahead(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;

	switch (query_parse(wire, len, &work->query)) {
	case QUERY_IGNORE:
		return 0;
	case QUERY_NOTIMP: /* nothing behind the header was looked at */
		return answer_error(a, q, RCODE_NOTIMP, EDE_NONE, false, out);
	case QUERY_FORMERR:
		return answer_error(a, q, RCODE_FORMERR, EDE_NONE, false, out);
	case QUERY_BADVERS:
		return answer_error(a, q, RCODE_BADVERS, EDE_NONE, true, out);
	case QUERY_OK:
		break;
	}
	if (client != NULL && !view_allows(view, client)) {
		return answer_error(a, q, RCODE_REFUSED, EDE_PROHIBITED, true, out);
	}
	if (q->has_tsig) { /* RFC 8945 5.2.1: no key is known here */
		return answer_error(a, q, RCODE_NOTAUTH, EDE_NONE, true, out);
	}
	if (query_opcode(q) == OPCODE_NOTIFY) {
		return reply_notify(work, ahead, out);
	}
	if (q->qclass != CLASS_IN) { /* there is nothing in other classes, and ANY asks for all of them */
		return answer_error(a, q, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, true, out);
	}
	if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) { /* nobody is allowed to transfer */
		return answer_error(a, q, RCODE_REFUSED, EDE_PROHIBITED, true, out);
	}
	if (q->qtype == RR_MAILA || q->qtype == RR_MAILB) { /* RFC 1035 3.2.3, obsolete */
		return answer_error(a, q, RCODE_NOTIMP, EDE_NOT_SUPPORTED, true, out);
	}
	if (q->qtype == RR_OPT || q->qtype == RR_TKEY || q->qtype == RR_TSIG) { /* records of a message, not of a name */
		return answer_error(a, q, RCODE_FORMERR, EDE_NONE, true, out);
	}
	return answer(a, view, q, ahead, transport, out);
}

size_t query_reply(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client, const uint8_t *wire, size_t len, uint8_t *out)
{
	ahead_look(&work->ahead, view, wire, len);
	return query_reply_ahead(work, &work->ahead, view, transport, client, wire, len, out);
}

static unsigned rcode_counter(uint16_t rcode)
{
	switch (rcode) {
	case RCODE_NOERROR:
		return STAT_AUTH_NOERROR;
	case RCODE_NXDOMAIN:
		return STAT_AUTH_NXDOMAIN;
	case RCODE_REFUSED:
		return STAT_AUTH_REFUSED;
	case RCODE_SERVFAIL:
		return STAT_AUTH_SERVFAIL;
	case RCODE_FORMERR:
		return STAT_AUTH_FORMERR;
	case RCODE_NOTIMP:
		return STAT_AUTH_NOTIMP;
	default:
		return STAT_AUTH_OTHER_RCODE;
	}
}

void query_count(const struct query_work *work, enum transport transport, size_t reply_len,
		 struct stats_page *stats)
{
	static const unsigned by_transport[] = {
		[TRANSPORT_UDP] = STAT_AUTH_UDP_QUERIES,
		[TRANSPORT_TCP] = STAT_AUTH_TCP_QUERIES,
		[TRANSPORT_LINK] = STAT_AUTH_LINK_QUERIES,
	};
	if (reply_len == 0) {
		stats->counters[STAT_AUTH_IGNORED]++;
		return;
	}
	stats->counters[by_transport[transport]]++;
	stats->counters[rcode_counter(work->answer.rcode)]++;
	stats->counters[STAT_AUTH_TRUNCATED] += work->answer.truncated;
}
