/*
 * Choosing: which server of a cut is asked next, and which of its names is looked up when none has an
 * address that is left to ask.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"

/* A server never heard of counts as this fast: tried before slow ones, after near ones. */
#define UNKNOWN_MS 60
/* Servers within this distance of the best are as good as it: a spoofer shall not know whom we ask. */
#define BAND_MS 30
/* One question in so many goes to any server, to see whether it became faster. */
#define EXPLORE_ONE_IN 20
/* Put behind others, but still asked. */
#define PENALTY_TRIED_MS 2000
#define PENALTY_FAMILY_MS 8000
#define PENALTY_DOWN_MS 20000
/*
 * Did not answer for the zone a moment ago: behind all others, but not out. Some servers refuse, or answer as
 * strangers to the zone, for one type or name only; one such question must not take the zone from everybody
 * who asks for the rest of it.
 */
#define PENALTY_LAME_MS 60000
#define SCORE_NONE UINT32_MAX

static bool family_on(const struct core *core, const struct addr *addr)
{
	return addr->family == ADDR_V4 ? core->options.ipv4 : core->options.ipv6;
}

static uint32_t score(const struct core *core, const struct frame *f, const struct ns_addr *a, uint64_t zone_hash,
		      uint64_t now_ms)
{
	struct server_facts facts;
	if (a->out || a->tries > TRIES_PER_SERVER_MAX || !family_on(core, &a->addr)) {
		return SCORE_NONE;
	}
	servers_get(core->servers, &a->addr, now_ms, &facts);
	if (a->tries == TRIES_PER_SERVER_MAX &&
	    (f->cut->plain_probes >= PLAIN_PROBES_MAX || !servers_probe_plain(&facts))) {
		return SCORE_NONE;
	}
	/* A forwarder is silent while those behind it are: names of others must not take it from everybody. */
	if (facts.down && !facts.may_probe && !f->cut->forward) {
		return SCORE_NONE;
	}
	bool lame = servers_is_lame(core->servers, &a->addr, zone_hash, now_ms);
	if (lame && f->lame_tries >= LAME_TRIES_MAX) {
		return SCORE_NONE;
	}
	uint32_t value = facts.known ? facts.srtt_ms : UNKNOWN_MS;
	value += a->tries * PENALTY_TRIED_MS;
	value += facts.down ? PENALTY_DOWN_MS : facts.timeouts * 100u;
	if (core->family_down_until_ms[addr_family_index(&a->addr)] > now_ms) {
		value += PENALTY_FAMILY_MS;
	}
	value += lame ? PENALTY_LAME_MS : 0;
	return value;
}

int choose_server(struct core *core, const struct frame *f, uint64_t now_ms)
{
	uint32_t scores[ADDRS_PER_ZONE_MAX];
	const struct delegation *cut = f->cut;
	uint32_t best = SCORE_NONE;

	if (f->sends >= SENDS_PER_ZONE_MAX) {
		return -1;
	}
	uint64_t zone_hash = servers_zone_hash(core->servers, cut->zone);
	for (unsigned i = 0; i < cut->addr_count; i++) {
		scores[i] = score(core, f, &cut->addrs[i], zone_hash, now_ms);
		best = scores[i] < best ? scores[i] : best;
	}
	if (best == SCORE_NONE) {
		return -1;
	}
	uint32_t limit = best + BAND_MS;
	if (core_rand(core, EXPLORE_ONE_IN) == 0 && best < PENALTY_TRIED_MS) {
		limit = PENALTY_TRIED_MS - 1; /* any that was not tried and does not seem dead */
	}
	int chosen = -1;
	uint32_t seen = 0;
	for (unsigned i = 0; i < cut->addr_count; i++) {
		if (scores[i] <= limit && core_rand(core, ++seen) == 0) {
			chosen = (int)i;
		}
	}
	return chosen;
}

/*
 * Is a frame for this name open already? Then looking it up would run in a circle, whatever the type: the
 * way to it leads through what that frame waits for.
 */
static bool in_work(const struct resolution *r, const uint8_t *name)
{
	for (const struct frame *f = r->top; f != NULL; f = f->below) {
		if (dname_equal(f->name, name)) {
			return true;
		}
	}
	return false;
}

/* Has server n an address that could still be asked for this question? */
static bool has_hope(const struct frame *f, unsigned n)
{
	for (unsigned i = 0; i < f->cut->addr_count; i++) {
		const struct ns_addr *a = &f->cut->addrs[i];
		if (a->ns == n && !a->out && a->tries == 0) {
			return true;
		}
	}
	return false;
}

/* A public delegation must not make us look into a stub zone: names there are none of its business. */
static bool crosses_stub(const struct core *core, const struct delegation *cut, const uint8_t *ns_name)
{
	const struct core_zone *stub = core_find_stub(core, ns_name);
	return stub != NULL && stub != core_find_stub(core, cut->zone);
}

int choose_lookup(struct core *core, const struct resolution *r, const struct frame *f, uint16_t *type)
{
	const struct delegation *cut = f->cut;
	if (cut->ns_count == 0 || cut->lookups >= NS_LOOKUPS_MAX || r->lookups >= LOOKUPS_MAX ||
	    r->depth >= FRAME_DEPTH_MAX) {
		return -1;
	}
	/* First those without any address; then those whose glue was of no use, to see what the zone itself says. */
	unsigned first = core_rand(core, cut->ns_count);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned k = 0; k < cut->ns_count; k++) {
			unsigned n = (first + k) % cut->ns_count;
			const struct ns_name *ns = &cut->ns[n];
			/* A server below its own zone can be found through its own servers only. */
			if ((pass == 0) != (ns->addr_count == 0) || dname_is_under(ns->name, cut->zone) ||
			    (pass == 1 && has_hope(f, n)) || crosses_stub(core, cut, ns->name) ||
			    in_work(r, ns->name)) {
				continue;
			}
			if (core->options.ipv4 && (ns->asked & NS_ASKED_A) == 0) {
				*type = RR_A;
				return (int)n;
			}
			if (core->options.ipv6 && (ns->asked & NS_ASKED_AAAA) == 0) {
				*type = RR_AAAA;
				return (int)n;
			}
		}
	}
	return -1;
}

static void fill_type(struct core *core, struct delegation *cut, uint8_t n, uint16_t type, uint64_t now_ms)
{
	struct cache_hit hit;
	struct ns_name *ns = &cut->ns[n];
	if (!cache_get_any(core->cache, cache_hash(core->cache, ns->name), ns->name, type, now_ms, &hit)) {
		return;
	}
	ns->asked |= type == RR_A ? NS_ASKED_A : NS_ASKED_AAAA;
	if (hit.kind != CACHE_RRSET) {
		return;
	}
	struct region region;
	struct rrset *set;
	region_init(&region, 4096, RESOLUTION_MEMORY_MAX);
	if (store_unpack(&hit, now_ms, &region, &set) == BH_OK) {
		for (unsigned i = 0; i < set->count && i < ADDRS_PER_NS_MAX; i++) {
			struct addr addr;
			uint16_t len;
			const uint8_t *rdata = rrset_rdata(set, i, &len);
			if (delegation_addr_of_rdata(set->type, rdata, len, &addr) &&
			    !delegation_addr_is_harmful(&addr, core->allow_loopback)) {
				(void)delegation_add_addr(cut, n, &addr);
			}
		}
	}
	region_clear(&region);
}

void choose_fill(struct core *core, struct delegation *cut, uint64_t now_ms)
{
	for (uint8_t n = 0; n < cut->ns_count; n++) {
		if (cut->ns[n].addr_count > 0 || crosses_stub(core, cut, cut->ns[n].name)) {
			continue;
		}
		if (core->options.ipv4) {
			fill_type(core, cut, n, RR_A, now_ms);
		}
		if (core->options.ipv6) {
			fill_type(core, cut, n, RR_AAAA, now_ms);
		}
	}
}

bool choose_glue(struct core *core, struct delegation *cut, uint64_t now_ms)
{
	bool any = false;
	for (uint8_t n = 0; n < cut->ns_count; n++) {
		const uint8_t *name = cut->ns[n].name;
		if (dname_is_under(name, cut->zone) || crosses_stub(core, cut, name)) {
			continue; /* its glue came with the cut; or is none of its business */
		}
		struct region region;
		region_init(&region, 4096, RESOLUTION_MEMORY_MAX);
		const struct delegation *own = core_find_cut(core, name, &region, now_ms);
		for (unsigned i = 0; own != NULL && i < own->addr_count; i++) {
			const struct ns_addr *a = &own->addrs[i];
			if (a->ns != NS_NONE && dname_equal(own->ns[a->ns].name, name)) {
				any = delegation_add_addr(cut, n, &a->addr) || any;
			}
		}
		region_clear(&region);
	}
	return any;
}
