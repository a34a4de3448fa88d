/*
 * Stale answers: finding them, and the watch over questions that take long.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/stale.h"

#include "common/dns/dname.h"
#include "daemons/resolver/rebind.h"

static bool is_usable(const struct resolution *r, const struct cache_hit *hit)
{
	enum security security = store_security(hit);
	if (hit->rank == RANK_REFERRAL || security == SECURITY_BOGUS) {
		return false;
	}
	return !r->validates || security != SECURITY_UNCHECKED;
}

static bool get(struct core *core, const struct resolution *r, const uint8_t *name, enum cache_kind kind, uint16_t type,
		uint64_t now_ms, struct cache_hit *hit)
{
	uint64_t late_ms = core->options.stale_sec * UINT64_C(1000);
	return cache_get_late(core->cache, name, kind, type, late_ms, now_ms, hit) && is_usable(r, hit);
}

/*
 * What the cache knows, or knew, of the type at the name. Records drop an older NXDOMAIN of their name (cache_put), so one
 * that is there is younger than they are, and wins: the name has gone since. A name has no other records besides an
 * alias (RFC 2181 10.1), so of the two one was there before the other, and the one that lives longer was learnt later: it
 * was asked for when the other was over.
 */
static bool get_any(struct core *core, const struct resolution *r, const uint8_t *name, uint64_t now_ms,
		    struct cache_hit *hit, bool *alias)
{
	struct cache_hit other;
	*alias = false;
	if (get(core, r, name, CACHE_NXDOMAIN, 0, now_ms, hit)) {
		return true;
	}
	bool own = get(core, r, name, CACHE_RRSET, r->type, now_ms, hit) ||
		   get(core, r, name, CACHE_NODATA, r->type, now_ms, hit);
	*alias = r->type != RR_CNAME && get(core, r, name, CACHE_RRSET, RR_CNAME, now_ms, &other) &&
		 (!own || other.expire_ms > hit->expire_ms);
	if (*alias) {
		*hit = other;
	}
	return own || *alias;
}

static const uint8_t *target_of(const struct rrset *set)
{
	for (; set != NULL; set = set->next) {
		if (set->type == RR_CNAME) {
			uint16_t len;
			return rrset_rdata(set, 0, &len);
		}
	}
	return NULL;
}

int stale_find(struct core *core, struct resolution *r, uint64_t now_ms, struct rrset **out)
{
	const uint8_t *name = r->name;
	*out = NULL;
	for (unsigned step = 0; step <= ALIAS_STEPS_MAX && name != NULL; step++) {
		struct cache_hit hit;
		struct rrset *set;
		bool alias;
		if (!get_any(core, r, name, now_ms, &hit, &alias) ||
		    store_unpack(&hit, now_ms, &r->region, &set) != BH_OK) {
			return -1;
		}
		if (!alias) {
			if (rebind_filter(core, r, &set) != BH_OK) {
				return -1;
			}
			rrset_append(out, set);
			return hit.kind == CACHE_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
		}
		name = target_of(set);
		rrset_append(out, set);
	}
	return -1;
}

bool stale_may_replace(const struct core *core, const struct resolution *r, int ede)
{
	/* With bogus data there is somebody who answers, and perhaps lies: what was is not better than an error then. */
	bool bogus = (ede >= EDE_DNSSEC_INDETERMINATE && ede <= EDE_NSEC_MISSING) ||
		     ede == EDE_UNSUPPORTED_DNSKEY_ALGORITHM;
	return core->options.stale_sec > 0 && !r->internal && !r->detached && !r->refresh &&
	       !r->fresh && r->type != RR_ANY && !bogus;
}

/* --- the watch: in the order of their beginning, and all wait equally long --- */

void stale_watch(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct rrset *records;
	/* A traced one is seen to its end. */
	if (r->traced || !stale_may_replace(core, r, EDE_NONE) || stale_find(core, r, now_ms, &records) < 0) {
		return;
	}
	r->watched = true;
	r->stale_at_ms = now_ms + STALE_CLIENT_MS;
	r->watch_next = NULL;
	r->watch_prev = core->watch_last;
	*(core->watch_last == NULL ? &core->watch_first : &core->watch_last->watch_next) = r;
	core->watch_last = r;
}

void stale_unwatch(struct core *core, struct resolution *r)
{
	if (r->watched) {
		*(r->watch_prev == NULL ? &core->watch_first : &r->watch_prev->watch_next) = r->watch_next;
		*(r->watch_next == NULL ? &core->watch_last : &r->watch_next->watch_prev) = r->watch_prev;
		r->watched = false;
	}
}

uint64_t core_next_wake(const struct core *core)
{
	return core->watch_first == NULL ? UINT64_MAX : core->watch_first->stale_at_ms;
}

/* Answer r's client with what there was; r goes on for the cache's sake. */
static void answer_early(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct resolution *early =
		core->detached < STALE_DETACHED_MAX ? resolution_new(core, r->name, r->type, r->budget, FRAME_CLIENT,
								now_ms)
						    : NULL;
	if (early == NULL) {
		return; /* its client waits on */
	}
	early->validates = r->validates;
	if (!iterate_answer_stale(core, early, now_ms)) { /* it was pushed out of the cache meanwhile */
		core_release(early);
		return;
	}
	early->ctx = r->ctx;
	early->packets = r->packets;
	early->from_cache = false;
	r->ctx = NULL;
	r->detached = true;
	core->detached++;
	core->keeps = r->flushes == core->flushes;
	store_failure(core, r->name, r->type, EDE_NO_REACHABLE_AUTHORITY, true, false, now_ms);
	core_done(core, early);
}

void core_wake(struct core *core, uint64_t now_ms)
{
	while (core->watch_first != NULL && core->watch_first->stale_at_ms <= now_ms) {
		struct resolution *r = core->watch_first;
		stale_unwatch(core, r);
		answer_early(core, r, now_ms);
	}
}
