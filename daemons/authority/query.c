/*
 * Checks before an answer, and limits after it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/query.h"

#include "common/dns/dname.h"
#include "common/dns/edns.h"
#include "common/util/count.h"
#include "daemons/authority/allow.h"
#include "daemons/authority/axfr.h"

#include <string.h>

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

/* Class CHAOS: what a server says of itself, if it was told to say anything (RFC 4892). */
static size_t reply_chaos(struct query_work *work, const struct view *view, uint8_t *out)
{
	static const struct {
		const char *name; /* wire form */
		bool version;
	} names[] = {
		{ "\2id\6server", false },
		{ "\10hostname\4bind", false },
		{ "\7version\6server", true },
		{ "\7version\4bind", true },
	};
	const struct query *q = &work->query;
	bool type_fits = q->qtype == RR_TXT || q->qtype == RR_ANY;
	for (size_t i = 0; i < COUNT(names) && type_fits; i++) {
		const char *text = names[i].version ? view->version : view->identity;
		if (text[0] != '\0' && dname_equal(q->qname, (const uint8_t *)names[i].name)) {
			return answer_text(&work->answer, q, text, out);
		}
	}
	return answer_error(&work->answer, q, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, true, out);
}

/* --- signed queries --- */

enum signed_verdict { SIGNED_GOOD, SIGNED_FORMERR, SIGNED_SERVFAIL, SIGNED_BAD };

/* RFC 8945 5.2, and in SIGNED_BAD what the error record says. */
static enum signed_verdict check_signature(struct query_work *work, const struct view *view, const uint8_t *wire,
					   size_t len)
{
	struct tsig_record record;
	if (tsig_read(wire, len, work->query.tsig_at, &record) != BH_OK) {
		return SIGNED_FORMERR;
	}
	const struct tsig_key *key = allow_key(view->allow, record.name);
	switch (tsig_verify(work->tsig, key, wire, &record, work->now.sec, &work->request_tsig)) {
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
static size_t sign(struct query_work *work, enum transport transport, uint8_t *out, size_t len)
{
	struct tsig *tsig = &work->request_tsig;
	/* One that is not signed proves nothing: where names of a stranger's choice do not fit, it goes without. */
	if (tsig->key == NULL && tsig_size(tsig) > answer_limit(&work->query, transport) - len) {
		return len;
	}
	if (tsig_sign(work->tsig, tsig, work->now.sec, out, &len, room(transport)) != BH_OK) {
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
	if (q->qclass == CLASS_CH) {
		return reply_chaos(work, view, out);
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
	size_t reply_len = 0;

	switch (check_signature(work, view, wire, len)) {
	case SIGNED_FORMERR:
		return answer_error(a, q, RCODE_FORMERR, EDE_NONE, true, out);
	case SIGNED_SERVFAIL:
		return answer_error(a, q, RCODE_SERVFAIL, EDE_OTHER, true, out);
	case SIGNED_BAD:
		(void)query_options_shorten(work); /* anybody can make such a query, with any address */
		reply_len = answer_error(a, q, RCODE_NOTAUTH, EDE_NONE, true, out);
		break;
	case SIGNED_GOOD:
		a->reserved = tsig_size(&work->request_tsig);
		reply_len = reply_parsed(work, ahead, view, transport, client, wire, len, out);
		break;
	}
	return reply_len == 0 ? 0 : sign(work, transport, out, reply_len);
}

static size_t make_reply(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;

	work->transfer = TRANSFER_NONE;
	work->key = NULL;
	work->zone = NULL;
	work->cookie = COOKIE_NONE;
	work->limited = QUERY_UNLIMITED;
	a->asked = NULL;
	a->options_len = 0;
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
	if (q->edns.cookie_len > 0 || q->edns.nsid || q->edns.keepalive) { /* of most queries nothing */
		query_options(work, view, transport, client);
	}
	if (client != NULL && !view_allows(view, client)) {
		return answer_error(a, q, RCODE_REFUSED, EDE_PROHIBITED, true, out);
	}
	if (q->has_tsig) {
		return reply_signed(work, ahead, view, transport, client, wire, len, out);
	}
	if (view->cookies == IPC_COOKIES_REQUIRE && transport == TRANSPORT_UDP &&
	    (work->cookie == COOKIE_CLIENT_ONLY || work->cookie == COOKIE_BAD)) { /* RFC 7873 5.2.3 */
		return answer_error(a, q, RCODE_BADCOOKIE, EDE_NONE, true, out);
	}
	return reply_parsed(work, ahead, view, transport, client, wire, len, out);
}

size_t query_refuse(struct query_work *work, uint16_t rcode, int ede, enum transport transport, uint8_t *out)
{
	work->transfer = TRANSFER_REFUSED;
	size_t len = answer_error(&work->answer, &work->query, rcode, ede, true, out);
	return work->query.has_tsig ? sign(work, transport, out, len) : len;
}

/* --- limits --- */

/* Accounts of a class are told apart by name or zone. */
static uint64_t rate_account(const struct answer *a)
{
	if (a->rate_class == RRL_ERROR || a->asked == NULL) {
		return 0;
	}
	/* An odd factor keeps the nodes of a zone apart; the hash of the table does the rest. */
	uint64_t node = a->rate_class == RRL_ANSWER || a->rate_class == RRL_REFERRAL ? a->rate_node + 1 : 0;
	return a->asked->hash + node * UINT64_C(0x9e3779b97f4a7c15);
}

/* The response is above the rate of its client: put a shorter one in its place (rrl.h). */
static size_t shorten(struct query_work *work, const struct view *view, size_t len, uint8_t *out)
{
	struct answer *a = &work->answer;
	const struct query *q = &work->query;
	uint16_t rcode = a->rcode;
	enum rrl_class class = a->rate_class;

	if (view->rrl.mode == RRL_LOG) {
		work->limited = QUERY_RATE_LOGGED;
		return len;
	}
	/* An NSID is many times longer than the four octets that ask for it. */
	bool shorter = query_options_shorten(work);
	if (a->rate_class == RRL_ERROR) {
		/* Made again only when it can be shorter; errors with TSIG, FORMERR and NOTIMP cannot. */
		work->limited = QUERY_RATE_ERROR;
		return a->ede == EDE_NONE && !shorter ? len : answer_error(a, q, rcode, EDE_NONE, true, out);
	}
	if (work->cookie != COOKIE_NONE) { /* a cookie tells a client apart from its forger: RFC 7873 5.2.3 */
		work->limited = QUERY_RATE_COOKIE;
		len = answer_error(a, q, RCODE_BADCOOKIE, EDE_NONE, true, out);
	} else {
		work->limited = QUERY_RATE_TRUNCATED;
		len = answer_error(a, q, rcode, EDE_NONE, true, out);
		compose_flags(&a->compose, 0, (uint16_t)(FLAG_TC | (a->authoritative ? FLAG_AA : 0)));
		a->truncated = true;
	}
	a->rate_class = class; /* for the log: what was limited */
	return len;
}

size_t query_reply_ahead(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out)
{
	size_t reply_len = make_reply(work, ahead, view, transport, client, wire, len, out);
	const struct answer *a = &work->answer;

	/* TCP, links, valid server cookies and signatures prove a client: nothing to limit. */
	if (view->rrl.mode != RRL_OFF && transport == TRANSPORT_UDP && client != NULL && reply_len > 0 &&
	    work->cookie != COOKIE_VALID && work->key == NULL &&
	    rrl_is_limited(&view->rrl, client, a->rate_class, rate_account(a), work->now.us)) {
		return shorten(work, view, reply_len, out);
	}
	return reply_len;
}

size_t query_reply(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client, const uint8_t *wire, size_t len, uint8_t *out)
{
	ahead_look(&work->ahead, view, wire, len);
	return query_reply_ahead(work, &work->ahead, view, transport, client, wire, len, out);
}
