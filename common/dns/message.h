/*
 * A whole message from another server, taken apart: every record with uncompressed owner and RDATA.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_MESSAGE_H
#define BULKHEAD_COMMON_DNS_MESSAGE_H

#include "common/dns/compose.h"
#include "common/dns/query.h"

struct region;

struct message_rr {
	const uint8_t *owner; /* checked, case as sent */
	const uint8_t *rdata; /* uncompressed, rdata_is_valid */
	uint32_t ttl;	      /* values with the top bit set are 0 (RFC 2181 8) */
	uint16_t type;
	uint16_t rr_class;
	uint16_t rdata_len;
	uint8_t section; /* enum section */
};

struct message {
	uint16_t id;
	uint16_t flags;
	uint16_t rcode;	      /* with the upper bits from OPT */
	const uint8_t *qname; /* NULL: no question section */
	uint16_t qtype;
	uint16_t qclass;
	struct message_rr *rrs; /* in the order of the message; OPT and TSIG are not in it */
	size_t rr_count;
	bool has_edns;
	bool do_bit;
	uint16_t udp_size;
	int ede; /* first extended error, or EDE_NONE */
	size_t ede_text_len;
	const uint8_t *ede_text; /* points into wire */
	size_t cookie_len;
	const uint8_t *cookie; /* first COOKIE option (RFC 7873), any length; points into wire; NULL: none */
};

/*
 * Take wire[0..len) apart. Everything in *out lives in region, but ede_text and cookie. Returns 0, or
 * BH_EMALFORMED/BH_ETRUNC (bad bytes, invalid RDATA of a known type, more than one question, two
 * OPTs, trailing octets), BH_ELIMIT (MESSAGE_RR_MAX, MESSAGE_EXPANDED_MAX), BH_ENOMEM. Does not judge
 * QR, TC, RCODE or whether sections make sense.
 */
int message_parse(const uint8_t *wire, size_t len, struct region *region, struct message *out) BH_CHECKED;

#endif
