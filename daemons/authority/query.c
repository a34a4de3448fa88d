/*
 * Checks before an answer, and counters after it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/query.h"

#include "common/dns/edns.h"
#include "daemons/authority/allow.h"
#include "daemons/authority/axfr.h"

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

/* --- signed queries --- */

enum signed_verdict { SIGNED_GOOD, SIGNED_FORMERR, SIGNED_SERVFAIL, SIGNED_BAD };

/* RFC 8945 5.2, and in SIGNED_BAD what the error record says. */
static enum signed_verdict check_signature(struct query_work *work, const struct view *view, const uint8_t *wire,
					   size_t len, uint64_t now_sec)
{
	struct tsig_record record;
	if (tsig_read(wire, len, work->query.tsig_at, &record) != BH_OK) {
		return SIGNED_FORMERR;
	}
	const struct tsig_key *key = allow_key(view->allow, record.name);
	switch (tsig_verify(work->tsig, key, wire, &record, now_sec, &work->request_tsig)) {
	case BH_OK:
		break;
	case BH_EMALFORMED:
		return SIGNED_FORMERR;
	default:
		return SIGNED_SERVFAIL; /* nobody knows */
	}
	if (work->request_tsig.error != TSIG_OK) {
		return SIGNED_BAD;
	}
	work->key = key;
	return SIGNED_GOOD;
}

static size_t room(enum transport transport)
{
	return transport == TRANSPORT_UDP ? UDP_SIZE_MAX : DNS_MESSAGE_MAX;
}

/* Put the TSIG record behind a reply. */
static size_t sign(struct query_work *work, enum transport transport, uint64_t now_sec, uint8_t *out, size_t len)
{
	struct tsig *tsig = &work->request_tsig;
	/* One that is not signed proves nothing: where names of a stranger's choice do not fit, it goes without. */
	if (tsig->key == NULL && tsig_size(tsig) > answer_limit(&work->query, transport) - len) {
		return len;
	}
	if (tsig_sign(work->tsig, tsig, now_sec, out, &len, room(transport)) != BH_OK) {
		/* libcrypto failed. A reply without signature is one that the client does not take: it asks again. */
		return answer_error(&work->answer, &work->query, RCODE_SERVFAIL, EDE_OTHER, true, out);
	}
	return len;
}

/* --- transfers --- */

static size_t begin_transfer(struct query_work *work)
{
	work->transfer = TRANSFER_BEGIN;
	work->answer.rcode = RCODE_NOERROR; /* for the counters */
	work->answer.truncated = false;
	return 0;
}

/* IXFR: there are no differences yet. The SOA alone, or the whole zone (RFC 1995 4). */
static size_t reply_ixfr(struct query_work *work, const struct ahead *ahead, enum transport transport,
			 const uint8_t *wire, size_t len, uint8_t *out)
{
	const struct image *image = ahead->zone->image;
	uint32_t serial;
	if (axfr_ixfr_serial(&work->query, wire, len, &serial) != BH_OK) {
		return answer_error(&work->answer, &work->query, RCODE_FORMERR, EDE_NONE, true, out);
	}
	/* RFC 1995 2: over UDP the SOA tells that there is something to be had over TCP. */
	if (transport == TRANSPORT_UDP || axfr_is_current(serial, image->header->serial)) {
		return answer_soa(&work->answer, &work->query, ahead, image, transport, out);
	}
	return begin_transfer(work);
}

static size_t reply_transfer(struct query_work *work, const struct ahead *ahead, const struct view *view,
			     enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			     uint8_t *out)
{
	const struct query *q = &work->query;
	struct answer *a = &work->answer;

	if (q->qtype == RR_AXFR && transport == TRANSPORT_UDP) {
		/* RFC 5936 4.2: there is no such thing; as NSD and Knot DNS answer it. */
		return answer_error(a, q, RCODE_NOTIMP, EDE_NOT_SUPPORTED, true, out);
	}
	if (ahead->zone == NULL || ahead->zone->labels != ahead->look.labels) { /* RFC 5936 2.2.1 */
		return answer_error(a, q, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE, true, out);
	}
	work->zone = ahead->zone;
	/* Query links have no client: nobody behind the frontend transfers a zone through it. */
	if (client == NULL || !allow_transfer(view->allow, (size_t)(ahead->zone - view->zones), client, work->key)) {
		work->transfer = TRANSFER_REFUSED;
		return answer_error(a, q, RCODE_REFUSED, EDE_PROHIBITED, true, out);
	}
	if (ahead->zone->image == NULL) {
		return answer_error(a, q, RCODE_SERVFAIL, EDE_NOT_READY, true, out);
	}
	if (q->qtype == RR_IXFR) {
		return reply_ixfr(work, ahead, transport, wire, len, out);
	}
	return begin_transfer(work);
}

/* --- one query --- */

/* A query that was parsed, from a client that may ask. */
static size_t reply_parsed(struct query_work *work, const struct ahead *ahead, const struct view *view,
			   enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			   uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;

	if (query_opcode(q) == OPCODE_NOTIFY) {
		return reply_notify(work, ahead, out);
	}
	if (q->qclass != CLASS_IN) { /* there is nothing in other classes, and ANY asks for all of them */
		return answer_error(a, q, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, true, out);
	}
	if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
		return reply_transfer(work, ahead, view, transport, client, wire, len, out);
	}
	if (q->qtype == RR_MAILA || q->qtype == RR_MAILB) { /* RFC 1035 3.2.3, obsolete */
		return answer_error(a, q, RCODE_NOTIMP, EDE_NOT_SUPPORTED, true, out);
	}
	if (q->qtype == RR_OPT || q->qtype == RR_TKEY || q->qtype == RR_TSIG) { /* records of a message, not of a name */
		return answer_error(a, q, RCODE_FORMERR, EDE_NONE, true, out);
	}
	return answer(a, view, q, ahead, transport, out);
}

static size_t reply_signed(struct query_work *work, const struct ahead *ahead, const struct view *view,
			   enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			   uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;
	uint64_t now_sec = work->now_sec();
	size_t reply_len = 0;

	switch (check_signature(work, view, wire, len, now_sec)) {
	case SIGNED_FORMERR:
		return answer_error(a, q, RCODE_FORMERR, EDE_NONE, true, out);
	case SIGNED_SERVFAIL:
		return answer_error(a, q, RCODE_SERVFAIL, EDE_OTHER, true, out);
	case SIGNED_BAD:
		reply_len = answer_error(a, q, RCODE_NOTAUTH, EDE_NONE, true, out);
		break;
	case SIGNED_GOOD:
		a->reserved = tsig_size(&work->request_tsig);
		reply_len = reply_parsed(work, ahead, view, transport, client, wire, len, out);
		break;
	}
	return reply_len == 0 ? 0 : sign(work, transport, now_sec, out, reply_len);
}

size_t query_reply_ahead(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;

	work->transfer = TRANSFER_NONE;
	work->key = NULL;
	work->zone = NULL;
	a->reserved = 0;
	switch (query_parse_checked(wire, len, ahead->qname_len, &work->query)) {
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
	if (q->has_tsig) {
		return reply_signed(work, ahead, view, transport, client, wire, len, out);
	}
	return reply_parsed(work, ahead, view, transport, client, wire, len, out);
}

size_t query_refuse(struct query_work *work, uint16_t rcode, int ede, enum transport transport, uint8_t *out)
{
	work->transfer = TRANSFER_REFUSED;
	size_t len = answer_error(&work->answer, &work->query, rcode, ede, true, out);
	return work->query.has_tsig ? sign(work, transport, work->now_sec(), out, len) : len;
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
	if (reply_len == 0 && work->transfer != TRANSFER_BEGIN) {
		stats->counters[STAT_AUTH_IGNORED]++;
		return;
	}
	stats->counters[by_transport[transport]]++;
	stats->counters[STAT_AUTH_TRANSFERS_REFUSED] += work->transfer == TRANSFER_REFUSED;
	stats->counters[rcode_counter(work->answer.rcode)]++;
	stats->counters[STAT_AUTH_TRUNCATED] += work->answer.truncated;
}
