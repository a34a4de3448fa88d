/*
 * EDNS options of replies: cookies (RFC 7873, 9018), NSID (RFC 5001), TCP keepalive (RFC 7828). Padding
 * (RFC 7830) has no place on transports that everybody can read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/edns.h"

#include "common/dns/cookie.h"
#include "common/util/cursor.h"
#include "daemons/authority/query.h"

static void put_option(struct sink *s, enum edns_option code, const void *bytes, size_t len)
{
	sink_u16(s, (uint16_t)code);
	sink_blob(s, bytes, len);
}

void query_options(struct query_work *work, const struct view *view, enum transport transport,
		   const struct addr *client)
{
	const struct edns_query *edns = &work->query.edns;
	struct answer *a = &work->answer;

	struct sink s = sink_of(a->options, sizeof(a->options));
	if (edns->cookie_len > 0 && view->cookies != IPC_COOKIES_OFF && client != NULL) {
		uint8_t cookie[COOKIE_REPLY_SIZE];
		work->cookie = cookie_answer(&view->cookie_secrets, client, work->now.sec, edns->cookie,
					     edns->cookie_len, cookie);
		put_option(&s, EDNS_OPTION_COOKIE, cookie, sizeof(cookie));
	}
	if (edns->nsid && view->nsid_len > 0) {
		put_option(&s, EDNS_OPTION_NSID, view->nsid, view->nsid_len);
	}
	if (edns->keepalive && transport == TRANSPORT_TCP) { /* RFC 7828 3.2.2: never over UDP */
		unsigned tenths = work->idle_ms / 100; /* 0 asks the client to close: the server is about to end */
		uint8_t value[2];
		put_u16(value, (uint16_t)(tenths < UINT16_MAX ? tenths : UINT16_MAX));
		put_option(&s, EDNS_OPTION_KEEPALIVE, value, sizeof(value));
	}
	a->options_len = (uint16_t)s.pos; /* EDNS_OPTIONS_OUT_MAX is their sum */
}

bool query_options_shorten(struct query_work *work)
{
	struct answer *a = &work->answer;
	uint16_t cookie = work->cookie == COOKIE_NONE ? 0 : 4 + COOKIE_REPLY_SIZE; /* it stands first */
	bool shorter = a->options_len > cookie;
	a->options_len = shorter ? cookie : a->options_len;
	return shorter;
}
