/*
 * Parsing of queries. No allocation, one pass. Trusts nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"

#include "common/dns/dname.h"
#include "common/dns/edns.h"
#include "common/util/cursor.h"

#include <string.h>

/* Options of one OPT record. False: FORMERR. */
static bool parse_options(const uint8_t *bytes, size_t len, struct edns_query *edns)
{
	struct cursor c = cursor_of(bytes, len);

	for (unsigned count = 0; cursor_left(&c) > 0; count++) {
		uint16_t code = cursor_u16(&c);
		size_t option_len;
		const uint8_t *option = cursor_blob(&c, &option_len);
		if (option == NULL || count >= EDNS_OPTIONS_MAX) {
			return false;
		}
		switch (code) {
		case EDNS_OPTION_NSID:
			edns->nsid = true;
			break;
		case EDNS_OPTION_COOKIE:
			/* RFC 7873 4: client cookie 8, server cookie 8..32; 5.2.2: else FORMERR. */
			if (option_len != 8 && (option_len < 16 || option_len > 40)) {
				return false;
			}
			if (edns->cookie_len == 0) { /* RFC 7873 5.2: others are ignored */
				memcpy(edns->cookie, option, option_len);
				edns->cookie_len = (uint8_t)option_len;
			}
			break;
		case EDNS_OPTION_KEEPALIVE:
			edns->keepalive = true;
			break;
		default:
			break;
		}
	}
	return !c.failed;
}

/* One record of the authority or additional section. False: FORMERR. */
static bool parse_record(const uint8_t *wire, size_t len, size_t *pos, bool last, bool additional,
			 struct query *q)
{
	size_t owner = *pos;
	if (dname_skip(wire, len, pos) != BH_OK) {
		return false;
	}
	struct cursor c = cursor_of(wire, len);
	c.pos = *pos;
	uint16_t type = cursor_u16(&c);
	uint16_t class = cursor_u16(&c);
	uint32_t ttl = cursor_u32(&c);
	size_t rdata_len;
	const uint8_t *rdata = cursor_blob(&c, &rdata_len);
	if (rdata == NULL) {
		return false;
	}
	*pos = c.pos;

	if (type == RR_OPT) {
		if (!additional || q->edns.present || wire[owner] != 0) {
			return false;
		}
		q->edns.present = true;
		q->edns.udp_size = class < UDP_SIZE_PLAIN ? UDP_SIZE_PLAIN : class;
		q->edns.version = (uint8_t)(ttl >> 16);
		q->edns.do_bit = (ttl & EDNS_DO) != 0;
		/* Options of an unknown version have an unknown layout: leave them alone. */
		return q->edns.version != 0 || parse_options(rdata, rdata_len, &q->edns);
	}
	if (type == RR_TSIG) {
		if (!additional || !last) {
			return false;
		}
		q->has_tsig = true;
		q->tsig_at = (uint32_t)owner;
	}
	return true;
}

enum query_verdict query_parse(const uint8_t *wire, size_t len, struct query *q)
{
	int qname_len = len <= DNS_HEADER_SIZE ? BH_ETRUNC
					       : dname_check(wire + DNS_HEADER_SIZE, len - DNS_HEADER_SIZE);
	return query_parse_checked(wire, len, qname_len, q);
}

enum query_verdict query_parse_checked(const uint8_t *wire, size_t len, int qname_len, struct query *q)
{
	q->qname_len = 0;
	q->qtype = 0;
	q->qclass = 0;
	q->has_tsig = false;
	q->edns = (struct edns_query){ 0 };
	if (len < DNS_HEADER_SIZE || (wire[2] & 0x80) != 0) {
		q->id = 0;
		q->flags = 0;
		return QUERY_IGNORE;
	}
	q->id = get_u16(wire);
	q->flags = get_u16(wire + 2);

	unsigned opcode = query_opcode(q);
	if (opcode != OPCODE_QUERY && opcode != OPCODE_NOTIFY) {
		return QUERY_NOTIMP; /* the layout of other opcodes is none of our business */
	}
	unsigned answers = get_u16(wire + 6);
	unsigned authority = get_u16(wire + 8);
	unsigned additional = get_u16(wire + 10);
	if (get_u16(wire + 4) != 1) {
		return QUERY_FORMERR; /* RFC 9619 */
	}

	/* Nothing stands before the question, so a pointer in it cannot be honest; dname_check refuses it. */
	if (qname_len < 0 || len - DNS_HEADER_SIZE - (size_t)qname_len < 4) {
		return QUERY_FORMERR;
	}
	memcpy(q->qname, wire + DNS_HEADER_SIZE, (size_t)qname_len);
	q->qname_len = (uint8_t)qname_len;
	size_t pos = DNS_HEADER_SIZE + (size_t)qname_len;
	q->qtype = get_u16(wire + pos);
	q->qclass = get_u16(wire + pos + 2);
	pos += 4;

	if ((answers > 0 && opcode != OPCODE_NOTIFY) || (authority > 0 && q->qtype != RR_IXFR)) {
		return QUERY_FORMERR;
	}
	unsigned total = answers + authority + additional;
	if (total > (len - pos) / 11) { /* smallest record: root owner and ten fixed octets */
		return QUERY_FORMERR;
	}
	for (unsigned i = 0; i < total; i++) {
		if (!parse_record(wire, len, &pos, i + 1 == total, i >= answers + authority, q)) {
			return QUERY_FORMERR;
		}
	}
	if (pos != len) {
		return QUERY_FORMERR;
	}
	if (q->edns.present && q->edns.version != 0) {
		return QUERY_BADVERS;
	}
	return QUERY_OK;
}
