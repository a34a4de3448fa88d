/*
 * DNS cookies (RFC 7873) with the interoperable server cookie of RFC 9018: version 1, SipHash-2-4, so that
 * servers of several makers behind one address can share a secret.
 *
 *   server cookie = version u8 (1) | reserved u24 | time u32 | hash u64
 *   hash = SipHash-2-4(client cookie | version | reserved | time | client address, secret)
 *
 * Pure: no state, no clock. Secrets belong to the caller.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_COOKIE_H
#define BULKHEAD_COMMON_DNS_COOKIE_H

#include "common/dns/limits.h"

#include <stddef.h>
#include <stdint.h>

struct addr;

/*
 * The secrets of a server: the first signs, all verify, so that a secret can be replaced without refusing
 * the cookies that clients hold (RFC 9018 5).
 */
struct cookie_secrets {
	unsigned count; /* 1..COOKIE_SECRETS_MAX */
	uint8_t bytes[COOKIE_SECRETS_MAX][COOKIE_SECRET_SIZE];
};

enum cookie_state {
	COOKIE_NONE,	    /* no COOKIE option */
	COOKIE_CLIENT_ONLY, /* the client has no server cookie yet */
	COOKIE_BAD,	    /* a server cookie that is not ours, too old, or of another address */
	COOKIE_VALID,	    /* this address has received an answer of ours */
};

/*
 * Judge the content of a COOKIE option of a query, and make that of the reply: the client cookie and a
 * server cookie, the one it sent as long as that is fresh, else a new one. cookie_len is 8 or 16..40 (0:
 * COOKIE_NONE, out is left alone); now_sec counts seconds since 1970 and may wrap around (RFC 1982).
 */
enum cookie_state cookie_answer(const struct cookie_secrets *secrets, const struct addr *client, uint32_t now_sec,
				const uint8_t *cookie, size_t cookie_len, uint8_t out[COOKIE_REPLY_SIZE]);

#endif
