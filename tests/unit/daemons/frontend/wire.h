/*
 * Messages from and to text, for the frontend's tests. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_FRONTEND_WIRE_H
#define BULKHEAD_TESTS_FRONTEND_WIRE_H

#include "common/dns/message.h"

/* One record. text by type: A and AAAA an address, CNAME NS PTR DNAME a name, SOA the MINIMUM, else TXT. */
struct rec {
	enum section section; /* 0 ends a list */
	const char *owner;
	uint16_t type;
	uint32_t ttl;
	const char *text;
};

#define AN SECTION_ANSWER
#define AU SECTION_AUTHORITY
#define AD SECTION_ADDITIONAL

/* Name from text; static storage, four at a time. */
const uint8_t *name(const char *text);

/* RDATA of a record; returns octets. */
size_t make_rdata(const struct rec *rec, uint8_t out[512]);

/* A query as a client sends it; edns_size 0: no OPT. */
size_t make_query(uint8_t *out, uint16_t id, const char *qname, uint16_t qtype, uint16_t flags,
		  uint16_t edns_size, bool do_bit);

/* A reply to the query; recs up to the first without section. edns: with OPT and this extended error. */
size_t make_reply(uint8_t *out, const uint8_t *query, size_t query_len, uint16_t flags, uint16_t rcode,
		  const struct rec *recs, bool edns, int ede, const char *ede_text);

/* Parse or fail the test; lives until the next call. */
const struct message *parse(const uint8_t *wire, size_t len);

/* "owner TYPE ttl rdata; ..." of one section. Static storage. */
const char *section_text(const struct message *msg, enum section section);

#endif
