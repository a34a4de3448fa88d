/*
 * Parsing whole messages in one bounded pass (RFC 1035 4.1). Trusts nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/message.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"
#include "common/util/region.h"

#include <string.h>

/* The fields of one record, uncompressed: at most two names, three strings and 20 fixed octets. */
#define RDATA_FIELDS_MAX (2 * DNAME_MAX + 3 * 256 + 20)

struct parse {
	const uint8_t *wire;
	size_t len;
	size_t pos;
	size_t expanded; /* octets of names and RDATA made so far */
	struct region *region;
};

static int keep(struct parse *p, const void *bytes, size_t len, const uint8_t **out)
{
	if (len > MESSAGE_EXPANDED_MAX - p->expanded) {
		return BH_ELIMIT;
	}
	p->expanded += len;
	*out = region_copy(p->region, bytes, len);
	return *out == NULL ? BH_ENOMEM : BH_OK;
}

static int read_name(struct parse *p, const uint8_t **out)
{
	uint8_t name[DNAME_MAX];
	int len = dname_read(p->wire, p->len, &p->pos, name);
	return len < 0 ? len : keep(p, name, (size_t)len, out);
}

/*
 * The fields of a type at p->pos, names uncompressed, to `head`. They end before `end`. Moves p->pos
 * behind them.
 */
static int read_fields(struct parse *p, const uint8_t *field, size_t end, struct sink *head)
{
	for (; *field != RDATA_END; field++) {
		size_t size = *field;
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			uint8_t *name = sink_room(head, DNAME_MAX);
			int len = name == NULL ? BH_ELIMIT : dname_read(p->wire, end, &p->pos, name);
			if (len < 0) {
				return len;
			}
			head->pos -= DNAME_MAX - (size_t)len;
			continue;
		}
		if (*field == RDATA_STRING) {
			size = p->pos < end ? (size_t)p->wire[p->pos] + 1 : 1;
		}
		if (size > end - p->pos) {
			return BH_EMALFORMED;
		}
		sink_bytes(head, p->wire + p->pos, size);
		p->pos += size;
	}
	return head->failed ? BH_ELIMIT : BH_OK;
}

/* RDATA at p->pos, rdata_len octets, with its names uncompressed into rr. Moves p->pos behind it. */
static int read_rdata(struct parse *p, size_t rdata_len, struct message_rr *rr)
{
	uint8_t fields[RDATA_FIELDS_MAX];
	struct sink head = sink_of(fields, sizeof(fields));
	size_t end = p->pos + rdata_len;
	int rc = read_fields(p, rdata_fields(rr->type), end, &head);
	if (rc != BH_OK) {
		return rc;
	}
	/* What follows the fields has no names, may be long, and goes straight to where it stays. */
	size_t tail = end - p->pos;
	size_t len = head.pos + tail;
	if (len > UINT16_MAX) {
		return BH_EMALFORMED;
	}
	if (len > MESSAGE_EXPANDED_MAX - p->expanded) {
		return BH_ELIMIT;
	}
	p->expanded += len;
	uint8_t *rdata = region_alloc(p->region, len);
	if (rdata == NULL) {
		return BH_ENOMEM;
	}
	memcpy(rdata, fields, head.pos);
	memcpy(rdata + head.pos, p->wire + p->pos, tail);
	p->pos = end;
	if (!rdata_is_valid(rr->type, rdata, len)) {
		return BH_EMALFORMED;
	}
	rr->rdata = rdata;
	rr->rdata_len = (uint16_t)len;
	return BH_OK;
}

/* The first extended error and the first cookie of an OPT record; other options are of no interest here. */
static int read_options(const uint8_t *bytes, size_t len, struct message *out)
{
	struct cursor c = cursor_of(bytes, len);
	for (unsigned count = 0; cursor_left(&c) > 0; count++) {
		uint16_t code = cursor_u16(&c);
		size_t option_len;
		const uint8_t *option = cursor_blob(&c, &option_len);
		if (option == NULL) {
			return BH_EMALFORMED;
		}
		if (count >= EDNS_OPTIONS_MAX) {
			return BH_ELIMIT;
		}
		if (code == EDNS_OPTION_EDE && option_len >= 2 && out->ede == EDE_NONE) {
			out->ede = get_u16(option);
			out->ede_text = option + 2;
			out->ede_text_len = option_len - 2;
		}
		if (code == EDNS_OPTION_COOKIE && out->cookie == NULL) { /* RFC 7873 5.2: only the first counts */
			out->cookie = option;
			out->cookie_len = option_len;
		}
	}
	return c.failed ? BH_EMALFORMED : BH_OK;
}

static int read_opt(struct parse *p, const uint8_t *owner, uint16_t class, uint32_t ttl, size_t rdata_len,
		    struct message *out)
{
	if (out->has_edns || !dname_is_root(owner)) {
		return BH_EMALFORMED; /* RFC 6891 6.1.1 */
	}
	out->has_edns = true;
	out->udp_size = class;
	out->do_bit = (ttl & EDNS_DO) != 0;
	out->rcode = (uint16_t)(out->rcode | (ttl >> 24) << 4);
	const uint8_t *rdata = p->wire + p->pos;
	p->pos += rdata_len;
	return read_options(rdata, rdata_len, out);
}

static int read_rr(struct parse *p, enum section section, struct message *out)
{
	struct message_rr rr = { .section = (uint8_t)section };
	int rc = read_name(p, &rr.owner);
	if (rc != BH_OK) {
		return rc;
	}
	if (p->len - p->pos < 10) {
		return BH_ETRUNC;
	}
	const uint8_t *fixed = p->wire + p->pos;
	rr.type = get_u16(fixed);
	rr.rr_class = get_u16(fixed + 2);
	rr.ttl = get_u32(fixed + 4);
	size_t rdata_len = get_u16(fixed + 8);
	p->pos += 10;
	if (rdata_len > p->len - p->pos) {
		return BH_ETRUNC;
	}
	if (rr.type == RR_OPT) {
		if (section != SECTION_ADDITIONAL) {
			return BH_EMALFORMED;
		}
		return read_opt(p, rr.owner, rr.rr_class, rr.ttl, rdata_len, out);
	}
	if (rr.type == RR_TSIG) {
		p->pos += rdata_len;
		return BH_OK;
	}
	if (rr.ttl > INT32_MAX) {
		rr.ttl = 0; /* RFC 2181 8 */
	}
	rc = read_rdata(p, rdata_len, &rr);
	if (rc == BH_OK) {
		out->rrs[out->rr_count++] = rr;
	}
	return rc;
}

int message_parse(const uint8_t *wire, size_t len, struct region *region, struct message *out)
{
	struct parse p = { .wire = wire, .len = len, .pos = DNS_HEADER_SIZE, .region = region };

	*out = (struct message){ .ede = EDE_NONE };
	if (len < DNS_HEADER_SIZE) {
		return BH_ETRUNC;
	}
	out->id = get_u16(wire);
	out->flags = get_u16(wire + 2);
	out->rcode = out->flags & FLAG_RCODE;
	unsigned questions = get_u16(wire + 4);
	unsigned counts[3] = { get_u16(wire + 6), get_u16(wire + 8), get_u16(wire + 10) };
	unsigned total = counts[0] + counts[1] + counts[2];
	if (questions > 1) {
		return BH_EMALFORMED;
	}
	if (questions == 1) {
		int rc = read_name(&p, &out->qname);
		if (rc != BH_OK) {
			return rc;
		}
		if (len - p.pos < 4) {
			return BH_ETRUNC;
		}
		out->qtype = get_u16(wire + p.pos);
		out->qclass = get_u16(wire + p.pos + 2);
		p.pos += 4;
	}
	/* Counts are checked against the octets left before anything is allocated for them. */
	if (total > (len - p.pos) / 11) {
		return BH_ETRUNC;
	}
	if (total > MESSAGE_RR_MAX) {
		return BH_ELIMIT;
	}
	out->rrs = region_alloc(region, total * sizeof(*out->rrs));
	if (out->rrs == NULL) {
		return BH_ENOMEM;
	}
	for (unsigned section = 0; section < 3; section++) {
		for (unsigned i = 0; i < counts[section]; i++) {
			int rc = read_rr(&p, (enum section)(SECTION_ANSWER + section), out);
			if (rc != BH_OK) {
				return rc;
			}
		}
	}
	return p.pos == len ? BH_OK : BH_EMALFORMED;
}
