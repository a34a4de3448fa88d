/*
 * The client's side of TSIG for tests, written from RFC 8945 anew and sharing nothing with what it tests: one
 * HMAC over octets put together in one place.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_COMMON_DNS_TSIG_WIRE_H
#define BULKHEAD_TESTS_UNIT_COMMON_DNS_TSIG_WIRE_H

#include "common/dns/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A signed request, and everything about it that a test may want wrong. */
struct tsig_wire {
	const char *name;      /* of the key */
	const char *algorithm; /* "hmac-sha256": its digest follows from it; others are signed as if it was that */
	const char *secret;
	uint64_t time_sec;
	uint16_t fudge_sec;
	uint16_t original_id;	/* 0: that of the message */
	size_t mac_len;		/* 0: whole */
	uint8_t spoil_mac;	/* added to its last octet */
	uint16_t error;
	size_t other_len;	/* so many octets 0x55 */
	/* filled by tsig_wire_sign and each tsig_wire_check: what the next message is bound to */
	uint8_t mac[64];
	size_t prior_len;
	unsigned replies;
};

/* Append the record to msg, which has room for it; returns the new length. */
size_t tsig_wire_sign(struct tsig_wire *t, uint8_t *msg, size_t len);

/* What a reply's record says. */
struct tsig_wire_reply {
	bool present;
	bool good; /* the MAC is right and binds the reply to the request */
	size_t at; /* octets of the message before it */
	uint64_t time_sec;
	uint16_t fudge_sec;
	size_t mac_len;
	uint16_t original_id;
	uint16_t error;
	uint64_t other_time; /* when there are six octets of other data */
	size_t other_len;
};

/* Look at the next reply of the request. Its last record must be the TSIG, or there is none. */
struct tsig_wire_reply tsig_wire_check(struct tsig_wire *t, const uint8_t *msg, size_t len);

#endif
