/*
 * One query from its octets to the octets of its reply: the refusals, in the order in which a packet
 * has to be checked, and then the answer. Pure, like answer.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_QUERY_H
#define BULKHEAD_DAEMONS_AUTHORITY_QUERY_H

#include "common/dns/query.h"
#include "common/dns/tsig.h"
#include "common/ipc/stats.h"
#include "daemons/authority/answer.h"

/* What a request for a transfer (AXFR, IXFR) came to. */
enum query_transfer {
	TRANSFER_NONE, /* it was none, or needs nobody's attention */
	TRANSFER_BEGIN, /* over TCP: no reply is made, the caller sends work->zone in its place */
	TRANSFER_REFUSED,
};

/* The time, taken once for many queries. */
struct query_now {
	uint64_t us;  /* of the monotonic clock: response rates, UDP only */
	uint32_t sec; /* since 1970: cookies, TSIG */
};

/* What rate limiting made of a response. */
enum query_limited {
	QUERY_UNLIMITED,
	QUERY_RATE_LOGGED,    /* above the rate, sent as it was because limits are only logged */
	QUERY_RATE_ERROR,     /* an error above the rate, without what could be left out */
	QUERY_RATE_TRUNCATED, /* TC=1 in its place */
	QUERY_RATE_COOKIE,    /* BADCOOKIE in its place */
};

/* One query; the caller keeps one per process and sets the first three. The rest is scratch memory. */
struct query_work {
	struct tsig_engine *tsig;
	struct query_now now;
	unsigned idle_ms; /* how long a TCP connection may be idle now, for RFC 7828; TRANSPORT_TCP only */
	struct query query;
	struct ahead ahead;
	struct answer answer;
	struct tsig request_tsig; /* when query.has_tsig and it was well formed */
	const struct tsig_key *key; /* that the query was signed with, rightly and in time, or NULL */
	enum query_transfer transfer;
	const struct view_zone *zone; /* asked for in a transfer; NULL: none of ours */
	enum cookie_state cookie;
	enum query_limited limited;
};

/* Room that a reply may need, depending on the transport. */
#define QUERY_REPLY_MAX DNS_MESSAGE_MAX /* UDP: UDP_SIZE_MAX */

/*
 * Answer wire[0..len). client: who asks, NULL for query links: everybody may ask over them, without cookies and
 * limits. Returns the octets of the reply in out, or 0 for what must not be answered: responses and
 * packets without a whole header; and for TRANSFER_BEGIN.
 *
 * Signed queries (TSIG, RFC 8945) are verified with the keys of the view, and their replies signed. Who may ask
 * is for the view's list to say; a key gives the right to transfer, and proves a client as a cookie does.
 */
size_t query_reply(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client, const uint8_t *wire, size_t len, uint8_t *out);

/* The same for a query that ahead_look has looked at: of these octets, with this view. */
size_t query_reply_ahead(struct query_work *work, const struct ahead *ahead, const struct view *view,
			 enum transport transport, const struct addr *client, const uint8_t *wire, size_t len,
			 uint8_t *out);

/*
 * The reply to the last query, that asked for a transfer, in its place: a refusal of ours, signed if the query
 * was. Returns its octets.
 */
size_t query_refuse(struct query_work *work, uint16_t rcode, int ede, enum transport transport, uint8_t *out);

/* --- edns.c --- */

/*
 * Judge the cookie of work->query and make the options of its reply: COOKIE, NSID, keepalive, each only when it
 * was asked for.
 */
void query_options(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client);

/*
 * Leave the cookie only, for replies that may go to somebody who did not ask. True: there was more. The reply is to
 * be made again.
 */
bool query_options_shorten(struct query_work *work);

/* --- count.c --- */

/* Count what the last query_reply made, reply_len being what it returned. */
void query_count(const struct query_work *work, enum transport transport, size_t reply_len,
		 struct stats_page *stats);

/* The view is in service now: counters that no zone of it has begin at 0 when they are given out again. */
void count_view(const struct view *view, struct stats_page *stats);

#endif
