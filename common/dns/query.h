/*
 * A query as it came from a client: checked, with the few things taken out that an answer needs.
 * Shared by the authority and the frontend, so both judge the same bytes alike.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_QUERY_H
#define BULKHEAD_COMMON_DNS_QUERY_H

#include "common/dns/limits.h"
#include "common/dns/rr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of the second header word, RFC 1035 4.1.1, RFC 4035 3. */
enum dns_flag {
	FLAG_QR = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_AD = 0x0020,
	FLAG_CD = 0x0010,
	FLAG_RCODE = 0x000f,
};

struct edns_query {
	bool present;
	bool do_bit;
	bool nsid;	       /* RFC 5001: empty NSID option was sent */
	bool keepalive;	       /* RFC 7828 option was sent */
	uint8_t version;
	uint16_t udp_size;     /* as sent, values below 512 raised to 512 (RFC 6891 6.2.3) */
	uint8_t cookie_len;    /* 0: none; else 8, or 16..40 (RFC 7873 4) */
	uint8_t cookie[40];    /* the first COOKIE option */
};

struct query {
	uint16_t id;
	uint16_t flags;		  /* second header word */
	uint16_t qtype;
	uint16_t qclass;
	uint8_t qname_len;	  /* 0: no question could be read */
	bool has_tsig;		  /* a TSIG record closes the message; not verified here */
	uint32_t tsig_at;	  /* where it begins, for tsig_read */
	uint8_t qname[DNAME_MAX]; /* case kept as sent */
	struct edns_query edns;
};

/* Opcode of a query. */
static inline unsigned query_opcode(const struct query *q)
{
	return (q->flags & FLAG_OPCODE) >> 11;
}

enum query_verdict {
	QUERY_OK,
	QUERY_IGNORE,  /* QR=1 or shorter than a header: the only silence there is */
	QUERY_FORMERR,
	QUERY_NOTIMP,  /* an opcode other than QUERY and NOTIFY */
	QUERY_BADVERS, /* EDNS version above 0, RFC 6891 6.1.3 */
};

/*
 * Parse wire[0..len) into *q. Whatever the verdict (but QUERY_IGNORE), id and flags are filled, and
 * the question and EDNS as far as they could be read before the fault, so an error reply can echo
 * them. Opcode NOTIFY is parsed like QUERY, except that an answer section is allowed (RFC 1996 3.7).
 *
 * FORMERR: QDCOUNT other than 1 (RFC 9619), a name or record cut or malformed, records in the answer
 * section, authority records other than those of IXFR (RFC 1995 3), two OPT records or OPT with an
 * owner other than the root (RFC 6891 6.1.1), malformed or more than EDNS_OPTIONS_MAX options, a
 * cookie of forbidden length (RFC 7873 5.2.2), TSIG that is not last (RFC 8945 5.1), bytes behind
 * the last record. Unknown options are ignored (RFC 6891 6.1.2). Cost is linear in len.
 */
enum query_verdict query_parse(const uint8_t *wire, size_t len, struct query *q);

/*
 * The same for who has looked at the question already. qname_len: what dname_check says of the octets behind the
 * header, or any error when there are none.
 */
enum query_verdict query_parse_checked(const uint8_t *wire, size_t len, int qname_len, struct query *q);

#endif
