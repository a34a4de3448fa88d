/*
 * Between frames and cache: what is kept of a reply, for how long, in which compartment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/ipc/qlink.h"

/* Flags of an entry: STORE_CUT, and above it how it was validated (2 bits) and for bogus ones why (5 bits). */
#define SECURITY_SHIFT 1
#define EDE_SHIFT 3

enum security store_security(const struct cache_hit *hit)
{
	return (enum security)(hit->flags >> SECURITY_SHIFT & 3);
}

int store_ede(const struct cache_hit *hit)
{
	return hit->flags >> EDE_SHIFT;
}

/* A place in the cache, or NULL: it is full, or what is worked on may be what was to be forgotten. */
static uint8_t *put(struct core *core, const struct cache_item *item, uint64_t now_ms)
{
	return core->keeps ? cache_put(core->cache, item, now_ms) : NULL;
}

static void put_records(struct core *core, struct cache_item *item, const struct rrset *records, uint64_t now_ms)
{
	item->len = rrset_packed_size(records);
	uint8_t *room = put(core, item, now_ms);
	if (room != NULL) {
		struct sink s = sink_of(room, item->len);
		rrset_pack(&s, records);
	}
}

void store_reply(struct core *core, const uint8_t *name, uint16_t type, const struct reply *reply, uint8_t part,
		 uint8_t flags, enum security security, int ede, uint64_t now_ms)
{
	static const uint8_t kinds[] = { [REPLY_ANSWER] = CACHE_RRSET, [REPLY_ALIAS] = CACHE_RRSET,
					 [REPLY_NODATA] = CACHE_NODATA, [REPLY_NXDOMAIN] = CACHE_NXDOMAIN };
	static const uint8_t ranks[] = { [SECURITY_UNCHECKED] = RANK_ANSWER, [SECURITY_INSECURE] = RANK_ANSWER,
					 [SECURITY_SECURE] = RANK_VALIDATED, [SECURITY_BOGUS] = RANK_FAILURE };
	if (reply->kind == REPLY_OVERFLOW || reply->passing) {
		return; /* rare, and of no kind */
	}
	uint32_t ttl = security == SECURITY_BOGUS && reply->ttl > TTL_BOGUS ? TTL_BOGUS : reply->ttl;
	struct cache_item item = {
		.name = name,
		.type = reply->kind == REPLY_ALIAS ? RR_CNAME : reply->kind == REPLY_NXDOMAIN ? 0 : type,
		.kind = kinds[reply->kind],
		.rank = ranks[security] == RANK_ANSWER && !reply->authoritative ? RANK_NO_AA : ranks[security],
		.part = part,
		.flags = (uint8_t)(flags | (unsigned)security << SECURITY_SHIFT |
				   (ede == EDE_NONE ? 0u : (unsigned)ede << EDE_SHIFT)),
		.expire_ms = now_ms + ttl * UINT64_C(1000),
	};
	put_records(core, &item, reply->records, now_ms);
}

void store_referral(struct core *core, const struct reply *reply, uint64_t now_ms)
{
	if (reply->records == NULL) {
		return; /* an unsigned zone, or a server that keeps proofs to itself: whoever needs them asks */
	}
	uint32_t ttl = reply->ttl;
	for (const struct rrset *set = reply->records; set != NULL; set = set->next) {
		ttl = set->ttl < ttl ? set->ttl : ttl;
	}
	struct cache_item item = {
		.name = reply->cut->zone,
		.type = RR_DS,
		.kind = reply->records->type == RR_DS ? CACHE_RRSET : CACHE_NODATA,
		.rank = RANK_REFERRAL,
		.part = CACHE_PART_INFRA,
		.expire_ms = now_ms + ttl * UINT64_C(1000),
	};
	put_records(core, &item, reply->records, now_ms);
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
	uint8_t *room = put(core, &item, now_ms);
	if (room != NULL) {
		struct sink s = sink_of(room, item.len);
		delegation_pack(&s, cut);
	}
}

/* Flags of a failure: how often in a row it happened before (3 bits), and above it the extended error. */
#define FAILURE_COUNT_MAX 7

void store_failure(struct core *core, const uint8_t *name, uint16_t type, int ede, bool stale, bool unchecked,
		   uint64_t now_ms)
{
	struct cache_hit hit;
	unsigned before = 0;
	/* One that ended no longer ago than the longest lasts was the one before. */
	if (cache_get_late(core->cache, name, CACHE_FAILURE, type, TTL_FAILURE_MAX * UINT64_C(1000), now_ms, &hit)) {
		before = hit.flags & FAILURE_COUNT_MAX;
		before += before < FAILURE_COUNT_MAX;
	}
	uint32_t ttl = (uint32_t)TTL_FAILURE << before;
	ttl = ttl > TTL_FAILURE_MAX ? TTL_FAILURE_MAX : ttl;
	if (stale && ttl < TTL_FAILURE_STALE) {
		ttl = TTL_FAILURE_STALE;
	}
	struct cache_item item = {
		.name = name,
		.type = type,
		.kind = CACHE_FAILURE,
		.rank = RANK_FAILURE,
		.part = CACHE_PART_ANSWERS,
		.flags = (uint8_t)(before | (ede == EDE_NONE ? 0u : (unsigned)ede << EDE_SHIFT)),
		.expire_ms = now_ms + ttl * UINT64_C(1000),
		.len = 1,
	};
	uint8_t *room = put(core, &item, now_ms);
	if (room != NULL) { /* no room is no harm: it is resolved again */
		*room = unchecked;
	}
}

bool store_is_unchecked(const struct cache_hit *hit)
{
	return hit->len == 1 && hit->data[0] != 0;
}

const char *store_failure_text(const struct cache_hit *hit)
{
	switch (store_ede(hit)) {
	case EDE_NO_REACHABLE_AUTHORITY:
		return "failed a moment ago: 22, no reachable authority";
	case EDE_NETWORK_ERROR:
		return "failed a moment ago: 23, network error";
	case EDE_INVALID_DATA:
		return "failed a moment ago: 24, invalid data";
	case EDE_DNSSEC_BOGUS:
		return "failed a moment ago: 6, bogus";
	case EDE_DNSKEY_MISSING:
		return "failed a moment ago: 9, DNSKEY missing";
	default:
		return "failed a moment ago";
	}
}

bool store_is_ending(const struct cache_hit *hit, uint64_t now_ms)
{
	/* The frontend, which got whole seconds, may see its last part begin a second earlier. */
	uint64_t life_ms = rrset_packed_ttl(hit->data, hit->len) * UINT64_C(1000) + 1000;
	return (hit->expire_ms - now_ms) * QLINK_REFRESH_SHARE <= life_ms;
}

int store_unpack(const struct cache_hit *hit, uint64_t now_ms, struct region *region, struct rrset **out)
{
	uint32_t left = hit->expire_ms <= now_ms ? TTL_STALE : (uint32_t)((hit->expire_ms - now_ms + 999) / 1000);
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
