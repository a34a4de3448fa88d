/*
 * EDNS(0), RFC 6891: numbers, and the OPT record of a response.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_EDNS_H
#define BULKHEAD_COMMON_DNS_EDNS_H

#include "common/dns/rr.h"
#include "common/util/cursor.h"

enum edns_option {
	EDNS_OPTION_NSID = 3,	    /* RFC 5001 */
	EDNS_OPTION_COOKIE = 10,    /* RFC 7873 */
	EDNS_OPTION_KEEPALIVE = 11, /* RFC 7828 */
	EDNS_OPTION_PADDING = 12,   /* RFC 7830 */
	EDNS_OPTION_EDE = 15,	    /* RFC 8914 */
};

#define EDNS_DO 0x8000u /* in the TTL field of OPT, RFC 3225 */
#define EDNS_SIZE_MIN 11 /* OPT without options */
#define EDNS_OPTION_HEADER 4 /* code and length */
/* Longest EXTRA-TEXT that is written; longer text is cut at this many octets. */
#define EDE_TEXT_MAX 64

struct edns_reply {
	uint16_t udp_size;    /* what we can receive */
	uint16_t rcode;	      /* whole extended RCODE; its upper eight bits go into OPT */
	bool do_bit;	      /* copied from the query, RFC 3225 3 */
	int ede;	      /* enum ede, EDE_NONE for no option */
	const char *ede_text; /* EXTRA-TEXT or NULL; ASCII */
	uint16_t options_len; /* 0..EDNS_OPTIONS_OUT_MAX */
	const uint8_t *options; /* further options, each with code and length; NULL when options_len is 0 */
};

/* Octets that edns_write will need. */
size_t edns_size(const struct edns_reply *edns);

/* Append the OPT record. Fails through the sink when it does not fit. */
void edns_write(struct sink *s, const struct edns_reply *edns);

#endif
