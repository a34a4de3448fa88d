/*
 * From an image to the messages of a transfer. Trusts the image, which was proved when it was opened.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/axfr.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"

#include <string.h>

void axfr_begin(struct axfr *x, const struct image *image, const struct query *q)
{
	*x = (struct axfr){
		.image = image,
		.id = q->id,
		/* RFC 5936 2.2.1: AA; RD comes back as it was sent. */
		.flags = (uint16_t)(FLAG_QR | FLAG_AA | (q->flags & FLAG_RD)),
		.qtype = q->qtype,
		.edns = q->edns.present,
		.do_bit = q->edns.do_bit,
		.place = AXFR_FIRST_SOA,
	};
	memcpy(x->qname, q->qname, q->qname_len);
	x->question = x->qname;
}

/* --- where the transfer is --- */

static const struct image_rrset *current_rrset(const struct axfr *x)
{
	switch (x->place) {
	case AXFR_FIRST_SOA:
	case AXFR_LAST_SOA:
		return image_rrset(x->image, 0, RR_SOA);
	case AXFR_NODES:
		return &x->image->rrsets[x->image->nodes[x->index].rrset + x->rrset];
	case AXFR_NSEC3:
		return &x->image->rrsets[x->image->nsec3[x->index].rrset];
	case AXFR_END:
		break;
	}
	return NULL;
}

static const uint8_t *current_owner(const struct axfr *x)
{
	return x->place == AXFR_NODES ? image_name(x->image, x->index)
	       : x->place == AXFR_NSEC3 ? x->nsec3_owner
					  : x->image->apex;
}

static void begin_place(struct axfr *x, enum axfr_place place)
{
	x->place = place;
	x->index = 0;
	x->rrset = 0;
}

/* To the next RRset from the one at x->index and x->rrset on, this one included. */
static void find_rrset(struct axfr *x)
{
	const struct image *image = x->image;
	x->record = 0;
	x->offset = 0;
	x->signatures = false;
	if (x->place == AXFR_NODES) {
		/* Empty non-terminals have names with data below them: at most DNAME_LABELS_MAX are passed over. */
		while (x->index < image->header->node_count && x->rrset >= image->nodes[x->index].rrset_count) {
			x->index++;
			x->rrset = 0;
		}
		if (x->index == image->header->node_count) {
			begin_place(x, AXFR_NSEC3);
		}
	}
	if (x->place == AXFR_NSEC3) {
		if (x->index == image->header->nsec3_count) {
			begin_place(x, AXFR_LAST_SOA);
		} else {
			image_nsec3_owner(image, x->index, x->nsec3_owner);
		}
	}
}

/* The RRset is done: to the next one. */
static void leave_rrset(struct axfr *x)
{
	switch (x->place) {
	case AXFR_FIRST_SOA:
		begin_place(x, AXFR_NODES);
		break;
	case AXFR_NODES:
		x->rrset++;
		break;
	case AXFR_NSEC3:
		x->index++;
		break;
	case AXFR_LAST_SOA:
	case AXFR_END:
		begin_place(x, AXFR_END);
		return;
	}
	find_rrset(x);
}

/* --- messages --- */

/* As many records of the current RRset as fit. BH_ENOSPC: some did not. */
static int put_records(struct axfr *x, struct compose *c, struct compose_rrset *set, struct image_walk walk,
		       unsigned count)
{
	const uint8_t *records = walk.at;
	walk.at += x->offset;
	while (x->record < count) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(&walk, &len);
		if (compose_rrset_add(c, set, rdata, len) != BH_OK) {
			return BH_ENOSPC;
		}
		x->offset = (size_t)(walk.at - records);
		x->record++;
		x->records++;
	}
	x->record = 0;
	x->offset = 0;
	return BH_OK;
}

/* The rest of the current RRset. *owner_at: where its owner stands in the message, 0 when nobody knows. */
static int put_rrset(struct axfr *x, struct compose *c, uint16_t *owner_at)
{
	const struct image_rrset *rrset = current_rrset(x);
	const uint8_t *owner = current_owner(x);
	struct compose_rrset set;
	bool soa_alone = x->place == AXFR_FIRST_SOA || x->place == AXFR_LAST_SOA;
	bool is_soa = x->place == AXFR_NODES && rrset->type == RR_SOA; /* here only its signatures */

	if (!x->signatures && !is_soa) {
		compose_rrset_begin(&set, SECTION_ANSWER, owner, *owner_at, rrset->type, CLASS_IN, rrset->ttl);
		int rc = put_records(x, c, &set, image_records(x->image, rrset), rrset->rr_count);
		*owner_at = set.owner_at;
		if (rc != BH_OK) {
			return rc;
		}
	}
	x->signatures = true;
	if (!soa_alone && rrset->sig_count > 0) {
		compose_rrset_begin(&set, SECTION_ANSWER, owner, *owner_at, RR_RRSIG, CLASS_IN, rrset->ttl);
		int rc = put_records(x, c, &set, image_signatures(x->image, rrset), rrset->sig_count);
		*owner_at = set.owner_at;
		if (rc != BH_OK) {
			return rc;
		}
	}
	uint32_t index = x->index;
	enum axfr_place place = x->place;
	leave_rrset(x);
	if (x->index != index || x->place != place) {
		*owner_at = 0;
		/*
		 * Another owner. Of the names before it most labels are never seen again, but those of the apex,
		 * which stand in QNAME (in its case) or are the first that were written.
		 */
		if (c->target_count > COMPOSE_TARGETS_MAX / 2) {
			compose_forget(c, x->image->apex_labels);
		}
	}
	return BH_OK;
}

ssize_t axfr_next(struct axfr *x, struct compose *c, size_t reserved, uint8_t *out)
{
	struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .do_bit = x->do_bit, .ede = EDE_NONE };
	bool opt = x->edns && x->question != NULL;
	if (x->place == AXFR_END) {
		return 0;
	}
	/* RFC 5936 2.2.2: the question is in the first message; it may be left out of the others. */
	compose_begin(c, out, AXFR_MESSAGE_MAX - reserved, opt ? EDNS_SIZE_MIN : 0, x->id, x->flags, x->question,
		      x->qtype, CLASS_IN);
	c->exact = true; /* RFC 5936 3.4: the secondary gets names in the case that they have here */
	int rc = BH_OK;
	uint16_t owner_at = 0;
	while (x->place != AXFR_END && rc == BH_OK) {
		rc = put_rrset(x, c, &owner_at);
	}
	if (rc != BH_OK && c->counts[SECTION_ANSWER] == 0) { /* a record larger than others */
		c->limit = DNS_MESSAGE_MAX - reserved - c->reserved;
		rc = put_rrset(x, c, &owner_at);
		if (c->counts[SECTION_ANSWER] == 0) {
			return rc;
		}
	}
	x->question = NULL;
	return (ssize_t)compose_finish(c, opt ? &edns : NULL);
}

/* --- IXFR --- */

int axfr_ixfr_serial(const struct query *q, const uint8_t *wire, size_t len, uint32_t *serial)
{
	uint8_t name[DNAME_MAX];
	size_t pos = DNS_HEADER_SIZE + q->qname_len + 4u; /* a QNAME is never compressed */
	if (get_u16(wire + 8) != 1 || dname_read(wire, len, &pos, name) < 0 || !dname_equal(name, q->qname)) {
		return BH_EMALFORMED;
	}
	struct cursor c = cursor_of(wire, len);
	c.pos = pos;
	uint16_t type = cursor_u16(&c);
	uint16_t class = cursor_u16(&c);
	(void)cursor_u32(&c); /* TTL */
	size_t rdata_len;
	const uint8_t *rdata = cursor_blob(&c, &rdata_len);
	if (rdata == NULL || type != RR_SOA || class != CLASS_IN) {
		return BH_EMALFORMED;
	}
	size_t end = (size_t)(rdata - wire) + rdata_len;
	pos = (size_t)(rdata - wire);
	/* MNAME and RNAME may be compressed; behind them stand five numbers, the serial first. */
	if (dname_skip(wire, end, &pos) != BH_OK || dname_skip(wire, end, &pos) != BH_OK || end - pos != 20) {
		return BH_EMALFORMED;
	}
	*serial = get_u32(wire + pos);
	return BH_OK;
}
