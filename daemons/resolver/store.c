/*
 * Between frames and cache: what is kept of a reply, for how long, in which compartment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

void store_reply(struct core *core, const struct frame *f, const uint8_t *name, uint16_t type,
		 const struct reply *reply, uint8_t flags, uint64_t now_ms)
{
	static const uint8_t kinds[] = { [REPLY_ANSWER] = CACHE_RRSET, [REPLY_ALIAS] = CACHE_RRSET,
					 [REPLY_NODATA] = CACHE_NODATA, [REPLY_NXDOMAIN] = CACHE_NXDOMAIN };
	struct cache_item item = {
		.name = name,
		.type = reply->kind == REPLY_ALIAS ? RR_CNAME : reply->kind == REPLY_NXDOMAIN ? 0 : type,
		.kind = kinds[reply->kind],
		.rank = reply->authoritative ? RANK_ANSWER : RANK_NO_AA,
		.part = f->purpose == FRAME_CLIENT ? CACHE_PART_ANSWERS : CACHE_PART_INFRA,
		.flags = flags,
		.expire_ms = now_ms + reply->ttl * UINT64_C(1000),
		.len = rrset_packed_size(reply->records),
	};
	uint8_t *room = cache_put(core->cache, &item, now_ms);
	if (room != NULL) {
		struct sink s = sink_of(room, item.len);
		rrset_pack(&s, reply->records);
	}
}

void store_delegation(struct core *core, const struct delegation *cut, uint64_t now_ms)
{
	struct cache_item item = {
		.name = cut->zone,
		.kind = CACHE_DELEGATION,
		.rank = RANK_REFERRAL,
		.part = CACHE_PART_INFRA,
		.expire_ms = cut->deadline_ms,
		.len = delegation_packed_size(cut),
	};
	uint8_t *room = cache_put(core->cache, &item, now_ms);
	if (room != NULL) {
		struct sink s = sink_of(room, item.len);
		delegation_pack(&s, cut);
	}
}

void store_failure(struct core *core, const uint8_t *name, uint16_t type, uint64_t now_ms)
{
	struct cache_item item = {
		.name = name,
		.type = type,
		.kind = CACHE_FAILURE,
		.rank = RANK_FAILURE,
		.part = CACHE_PART_ANSWERS,
		.expire_ms = now_ms + TTL_FAILURE * UINT64_C(1000),
	};
	(void)cache_put(core->cache, &item, now_ms); /* no room is no harm: it is resolved again */
}

int store_unpack(const struct cache_hit *hit, uint64_t now_ms, struct region *region, struct rrset **out)
{
	uint32_t left = (uint32_t)((hit->expire_ms - now_ms + 999) / 1000);
	int rc = rrset_unpack(hit->data, hit->len, region, out);
	if (rc != BH_OK) {
		return rc;
	}
	for (struct rrset *set = *out; set != NULL; set = set->next) {
		if (set->ttl > left) {
			set->ttl = left;
		}
	}
	return BH_OK;
}
