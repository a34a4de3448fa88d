/*
 * RRsets: taken from messages, packed for the cache.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/rrset.h"

#include "common/dns/dname.h"
#include "common/util/region.h"
#include "daemons/resolver/bounds.h"

#include <assert.h>

/* Above this many records the search for duplicates, quadratic, is left out. */
#define DEDUPLICATE_MAX 64

static bool covers(const struct message_rr *rr, uint16_t type)
{
	return rr->type == RR_RRSIG && rr->rdata_len >= 2 && get_u16(rr->rdata) == type;
}

static bool seen_before(const uint8_t *packed, unsigned count, const struct message_rr *rr)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t len = get_u16(packed);
		if (len == rr->rdata_len && memcmp(packed + 2, rr->rdata, len) == 0) {
			return true;
		}
		packed += 2 + len;
	}
	return false;
}

static void pack_one(uint8_t *at, uint32_t *pos, const struct message_rr *rr)
{
	put_u16(at + *pos, rr->rdata_len);
	memcpy(at + *pos + 2, rr->rdata, rr->rdata_len);
	*pos += 2 + (uint32_t)rr->rdata_len;
}

int rrset_collect(const struct message *msg, enum section section, const uint8_t *owner, uint16_t type,
		  struct region *region, struct rrset **out)
{
	size_t rdata_size = 0;
	size_t sigs_size = 0;
	unsigned records = 0;
	unsigned sigs = 0;

	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section != section || rr->rr_class != CLASS_IN) {
			continue;
		}
		bool member = rr->type == type;
		if ((!member && !covers(rr, type)) || !dname_equal(rr->owner, owner)) {
			continue;
		}
		if (member) {
			records++;
			rdata_size += 2 + (size_t)rr->rdata_len;
		} else {
			sigs++;
			sigs_size += 2 + (size_t)rr->rdata_len;
		}
	}
	*out = NULL;
	if (records == 0) {
		return BH_OK;
	}
	if (records > RRSET_RECORDS_MAX || sigs > RRSET_RECORDS_MAX) {
		return BH_ELIMIT;
	}

	struct rrset *set = region_alloc(region, sizeof(*set));
	uint8_t *rdata = region_alloc(region, rdata_size);
	uint8_t *sig = region_alloc(region, sigs_size);
	const uint8_t *name = region_copy(region, owner, dname_len(owner));
	if (set == NULL || rdata == NULL || sig == NULL || name == NULL) {
		return BH_ENOMEM;
	}
	*set = (struct rrset){ .owner = name, .rdata = rdata, .sigs = sig, .ttl = UINT32_MAX, .type = type,
			       .section = (uint8_t)section };
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section != section || rr->rr_class != CLASS_IN) {
			continue;
		}
		bool member = rr->type == type;
		if ((!member && !covers(rr, type)) || !dname_equal(rr->owner, owner)) {
			continue;
		}
		if (rr->ttl < set->ttl) {
			set->ttl = rr->ttl; /* RFC 2181 5.2 */
		}
		if (!member) {
			pack_one(sig, &set->sigs_len, rr);
			set->sig_count++;
		} else if (records > DEDUPLICATE_MAX || !seen_before(rdata, set->count, rr)) {
			pack_one(rdata, &set->rdata_len, rr);
			set->count++;
		}
	}
	*out = set;
	return BH_OK;
}

struct rrset *rrset_single(const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
			   uint16_t rdata_len, struct region *region)
{
	struct rrset *set = region_alloc(region, sizeof(*set));
	uint8_t *packed = region_alloc(region, 2 + (size_t)rdata_len);
	const uint8_t *name = region_copy(region, owner, dname_len(owner));
	if (set == NULL || packed == NULL || name == NULL) {
		return NULL;
	}
	put_u16(packed, rdata_len);
	memcpy(packed + 2, rdata, rdata_len);
	*set = (struct rrset){ .owner = name, .rdata = packed, .rdata_len = 2u + rdata_len, .ttl = ttl,
			       .type = type, .count = 1, .section = SECTION_ANSWER };
	return set;
}

void rrset_append(struct rrset **list, struct rrset *tail)
{
	while (*list != NULL) {
		list = &(*list)->next;
	}
	*list = tail;
}

const uint8_t *rrset_rdata(const struct rrset *set, unsigned i, uint16_t *len)
{
	assert(i < set->count);
	const uint8_t *p = set->rdata;
	while (i-- > 0) {
		p += 2 + get_u16(p);
	}
	*len = get_u16(p);
	return p + 2;
}

#define PACKED_MADE 0x80 /* beside the section */
#define PACKED_FIXED 19 /* section, type, ttl, count, sig_count, and two lengths of four octets */

size_t rrset_packed_size(const struct rrset *list)
{
	size_t size = 0;
	for (; list != NULL; list = list->next) {
		size += PACKED_FIXED + dname_len(list->owner) + list->rdata_len + list->sigs_len;
	}
	return size;
}

void rrset_pack(struct sink *s, const struct rrset *list)
{
	for (; list != NULL; list = list->next) {
		sink_u8(s, (uint8_t)(list->section | (list->made ? PACKED_MADE : 0)));
		sink_u16(s, list->type);
		sink_u32(s, list->ttl);
		sink_u16(s, list->count);
		sink_u16(s, list->sig_count);
		sink_u32(s, list->rdata_len);
		sink_u32(s, list->sigs_len);
		sink_bytes(s, list->owner, dname_len(list->owner));
		sink_bytes(s, list->rdata, list->rdata_len);
		sink_bytes(s, list->sigs, list->sigs_len);
	}
}

uint32_t rrset_packed_ttl(const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_of(bytes, len);
	uint32_t least = len == 0 ? 0 : UINT32_MAX;
	while (cursor_left(&c) > 0) {
		(void)cursor_bytes(&c, 3); /* section, type */
		uint32_t ttl = cursor_u32(&c);
		(void)cursor_bytes(&c, 4); /* counts */
		size_t rest = (size_t)cursor_u32(&c);
		rest += cursor_u32(&c);
		int name_len = c.failed ? BH_ETRUNC : dname_check(c.base + c.pos, c.len - c.pos);
		assert(name_len > 0); /* we packed it ourselves */
		(void)cursor_bytes(&c, (size_t)name_len + rest);
		assert(!c.failed);
		least = ttl < least ? ttl : least;
	}
	return least;
}

int rrset_unpack(const uint8_t *bytes, size_t len, struct region *region, struct rrset **out)
{
	const uint8_t *copy = region_copy(region, bytes, len);
	if (copy == NULL) {
		return BH_ENOMEM;
	}
	struct cursor c = cursor_of(copy, len);
	struct rrset **tail = out;
	*out = NULL;
	while (cursor_left(&c) > 0) {
		struct rrset *set = region_alloc(region, sizeof(*set));
		if (set == NULL) {
			*out = NULL;
			return BH_ENOMEM;
		}
		uint8_t section = cursor_u8(&c);
		set->section = section & (PACKED_MADE - 1);
		set->made = (section & PACKED_MADE) != 0;
		set->type = cursor_u16(&c);
		set->ttl = cursor_u32(&c);
		set->count = cursor_u16(&c);
		set->sig_count = cursor_u16(&c);
		set->rdata_len = cursor_u32(&c);
		set->sigs_len = cursor_u32(&c);
		set->owner = c.base + c.pos;
		int name_len = c.failed ? BH_ETRUNC : dname_check(set->owner, c.len - c.pos);
		assert(name_len > 0); /* we packed it ourselves */
		(void)cursor_bytes(&c, (size_t)name_len);
		set->rdata = cursor_bytes(&c, set->rdata_len);
		set->sigs = cursor_bytes(&c, set->sigs_len);
		assert(!c.failed);
		*tail = set;
		tail = &set->next;
	}
	return BH_OK;
}
