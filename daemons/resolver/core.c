/*
 * The core's life: making, configuring, finding zone cuts, handing out what is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"
#include "daemons/resolver/hints.h"
#include "daemons/resolver/stale.h"
#include "daemons/resolver/validate/validate.h"

#include <stdlib.h>

int core_zone_set(struct core_zone *zone, const struct delegation *d)
{
	size_t len = delegation_packed_size(d);
	uint8_t *packed = malloc(len);
	if (packed == NULL) {
		return BH_ENOMEM;
	}
	struct sink s = sink_of(packed, len);
	delegation_pack(&s, d);
	free(zone->packed);
	zone->packed = packed;
	zone->packed_len = len;
	memcpy(zone->zone, d->zone, dname_len(d->zone));
	zone->labels = dname_label_count(d->zone);
	return BH_OK;
}

static void zone_clear(struct core_zone *zone)
{
	free(zone->packed);
	*zone = (struct core_zone){ .packed = NULL };
}

struct core *core_new(uint64_t cache_max_bytes, const struct core_tools *tools)
{
	struct core *core = calloc(1, sizeof(*core));
	struct delegation *hints = calloc(1, sizeof(*hints));
	if (core == NULL || hints == NULL) {
		free(core);
		free(hints);
		return NULL;
	}
	core->key = siphash_key_new();
	core->cookie_key = siphash_key_new();
	core->rand_fn = tools->rand_fn;
	core->rand_ctx = tools->rand_ctx;
	core->counters = tools->counters;
	core->dnssec = tools->dnssec;
	core->hasher = tools->hasher;
	core->cache_bytes = cache_max_bytes;
	core->send_last = &core->send_first;
	core->done_last = &core->done_first;
	core->options = (struct core_options){ .ipv4 = true, .ipv6 = true, .max_ttl_sec = TTL_ANSWER_USUAL,
					       .max_negative_ttl_sec = TTL_NEGATIVE_USUAL, .use_0x20 = true,
					       .use_cookies = true, .minimise = true,
					       .prime_root = true, .special_names = true, .dnssec = true };
	region_init(&core->scratch, 64 * 1024, PARSE_MEMORY_MAX);
	core->pending = (struct region_account){ .limit = PENDING_MEMORY_MAX, .tight = RESOLUTION_MEMORY_TIGHT };
	core->anchors = anchors_new();
	hints_builtin(hints);
	struct stores stores;
	bool fine = stores_make(cache_max_bytes, &stores);
	if (fine) {
		stores_take(core, &stores);
	}
	fine = fine && core->anchors != NULL &&
		    core_zone_set(&core->hints, hints) == BH_OK && core_zone_set(&core->root, hints) == BH_OK;
	free(hints);
	if (!fine) {
		core_free(core);
		return NULL;
	}
	return core;
}

static void stubs_free(struct core_zone *stubs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		zone_clear(&stubs[i]);
	}
	free(stubs);
}

void core_free(struct core *core)
{
	struct resolution *r;
	if (core == NULL) {
		return;
	}
	upstream_free_all(core);
	while ((r = core_next_done(core)) != NULL) {
		core_release(r);
	}
	cache_free(core->cache);
	servers_free(core->servers);
	trust_store_free(core->trust);
	memo_free(core->memo);
	anchors_free(core->anchors);
	zone_clear(&core->hints);
	zone_clear(&core->root);
	stubs_free(core->stubs, core->stub_count);
	free(core->rebind_allow);
	region_clear(&core->scratch);
	free(core);
}

void core_set_counters(struct core *core, uint64_t *counters)
{
	core->counters = counters;
}

/* What configured servers have that those learned from the Internet do not. */
struct traits {
	bool loopback;
	bool odd_port;
};

/* Servers of one configured zone into a delegation. Root servers have names, those of stubs have none. */
static void add_servers(struct delegation *d, const struct ipc_servers *s, bool named, struct traits *traits)
{
	int ns = named ? delegation_add_ns(d, s->name) : NS_NONE;
	if (ns < 0) {
		return; /* more than NS_PER_ZONE_MAX roots: those before are enough */
	}
	for (unsigned i = 0; i < s->count; i++) {
		struct addr addr = s->addrs[i];
		if (addr.port == 0) {
			addr.port = 53;
		}
		traits->loopback = traits->loopback || addr_is_loopback(&addr);
		traits->odd_port = traits->odd_port || addr.port != 53;
		(void)delegation_add_addr(d, (uint8_t)ns, &addr);
	}
}

static int build_roots(const struct core_config *config, struct core_zone *out, struct traits *traits)
{
	static const uint8_t root[1] = { 0 };
	struct delegation *d = calloc(1, sizeof(*d));
	if (d == NULL) {
		return BH_ENOMEM;
	}
	if (config->root_count == 0) {
		hints_builtin(d);
	} else {
		d->zone = root;
		d->configured = true;
		for (size_t i = 0; i < config->root_count; i++) {
			add_servers(d, &config->roots[i], true, traits);
		}
	}
	int rc = core_zone_set(out, d);
	free(d);
	return rc;
}

/* Stub zones, then forward zones. */
static int build_stubs(const struct core_config *config, struct core_zone **out, struct traits *traits)
{
	size_t count = config->stub_count + config->forward_count;
	struct core_zone *stubs = calloc(count + 1, sizeof(*stubs));
	struct delegation *d = calloc(1, sizeof(*d));
	int rc = stubs == NULL || d == NULL ? BH_ENOMEM : BH_OK;
	for (size_t i = 0; rc == BH_OK && i < count; i++) {
		bool forward = i >= config->stub_count;
		const struct ipc_servers *s = forward ? &config->forwards[i - config->stub_count] : &config->stubs[i];
		*d = (struct delegation){ .zone = s->name, .configured = true };
		struct traits unused = { .loopback = false };
		add_servers(d, s, false, forward ? &unused : traits); /* nothing is learned from forwarders */
		rc = core_zone_set(&stubs[i], d);
		stubs[i].forward = forward;
	}
	free(d);
	if (rc != BH_OK && stubs != NULL) {
		stubs_free(stubs, count);
		stubs = NULL;
	}
	*out = stubs;
	return rc;
}

static uint64_t zones_hash(const struct core *core, const struct core_zone *root, const struct core_zone *stubs,
			   size_t stub_count)
{
	uint64_t hash = siphash(&core->key, root->packed, root->packed_len);
	for (size_t i = 0; i < stub_count; i++) {
		hash = hash * 31 + siphash(&core->key, stubs[i].zone, dname_len(stubs[i].zone));
		hash = hash * 31 + siphash(&core->key, stubs[i].packed, stubs[i].packed_len) + stubs[i].forward;
	}
	return hash;
}

int core_configure(struct core *core, const struct core_config *config)
{
	struct core_zone hints = { .packed = NULL };
	struct core_zone root = { .packed = NULL };
	struct core_zone *stubs = NULL;
	struct stores stores = { .cache = NULL };
	struct anchors *anchors = config->anchors != NULL ? config->anchors : anchors_new();
	struct traits root_traits = { .loopback = false };
	struct traits stub_traits = { .loopback = false };
	struct ipc_name *rebind_allow = calloc(config->rebind_allow_count + 1, sizeof(*rebind_allow));

	if (rebind_allow == NULL || anchors == NULL || build_roots(config, &hints, &root_traits) != BH_OK ||
	    build_roots(config, &root, &root_traits) != BH_OK ||
	    build_stubs(config, &stubs, &stub_traits) != BH_OK) {
		goto fail;
	}
	if (config->cache_bytes != core->cache_bytes && !stores_make(config->cache_bytes, &stores)) {
		goto fail;
	}
	size_t stub_count = config->stub_count + config->forward_count;
	uint64_t hash = zones_hash(core, &hints, stubs, stub_count);
	bool changed = hash != core->config_hash || !anchors_same(anchors, core->anchors) ||
		       config->options.no_sha1 != core->options.no_sha1;
	core->options = config->options;
	core->allow_loopback = core->options.localhost == IPC_LOCALHOST_AUTO ? root_traits.loopback || stub_traits.loopback
									 : core->options.localhost == IPC_LOCALHOST_ALWAYS;
	if (root_traits.odd_port) {
		core->options.prime_root = false; /* addresses in DNS have no port: it would lead astray */
	}
	if (stores.cache != NULL) {
		stores_take(core, &stores);
		core->cache_bytes = config->cache_bytes;
	} else if (changed) {
		(void)cache_flush_all(core->cache);
	}
	cache_set_grace(core->cache, core->options.stale_sec * UINT64_C(1000));
	if (changed) {
		core->flushes++; /* what is in work comes from the old servers, or was found with the old anchors */
		trust_flush(core->trust);
	}
	anchors_free(core->anchors);
	core->anchors = anchors;
	core->validating = anchors_any(anchors);
	if (changed) { /* priming is due again */
		servers_clear(core->servers);
		core->prime_at_ms = 0;
		zone_clear(&core->root);
		core->root = root;
	} else {
		zone_clear(&root);
	}
	zone_clear(&core->hints);
	core->hints = hints;
	stubs_free(core->stubs, core->stub_count);
	core->stubs = stubs;
	core->stub_count = stub_count;
	core->config_hash = hash;
	free(core->rebind_allow);
	for (size_t i = 0; i < config->rebind_allow_count; i++) {
		rebind_allow[i] = config->rebind_allow[i];
	}
	core->rebind_allow = rebind_allow;
	core->rebind_allow_count = config->rebind_allow_count;
	return BH_OK;
fail:
	free(rebind_allow);
	if (config->anchors == NULL) {
		anchors_free(anchors);
	}
	zone_clear(&hints);
	zone_clear(&root);
	if (stubs != NULL) {
		stubs_free(stubs, config->stub_count + config->forward_count);
	}
	return BH_ENOMEM;
}

void core_set_anchors(struct core *core, struct anchors *anchors, const uint8_t *zone)
{
	anchors_free(core->anchors);
	core->anchors = anchors;
	core->validating = anchors_any(anchors);
	if (zone != NULL) {
		core->flushes++; /* what is in work may have been found with the old ones */
		trust_flush_zone(core->trust, zone);
		(void)cache_flush_zone(core->cache, zone);
	}
}

const struct core_zone *core_find_stub(const struct core *core, const uint8_t *name)
{
	const struct core_zone *best = NULL;
	for (size_t i = 0; i < core->stub_count; i++) {
		if ((best == NULL || core->stubs[i].labels > best->labels) &&
		    dname_is_under(name, core->stubs[i].zone)) {
			best = &core->stubs[i];
		}
	}
	return best;
}

struct delegation *core_find_cut(struct core *core, const uint8_t *name, struct region *region,
				 uint64_t now_ms)
{
	const struct core_zone *top = core_find_stub(core, name);
	if (top == NULL) {
		top = &core->root;
	}
	for (unsigned labels = dname_label_count(name); labels > top->labels; labels--) {
		struct cache_hit hit;
		if (!top->forward && cache_get(core->cache, name, CACHE_DELEGATION, 0, now_ms, &hit)) {
			struct delegation *d = delegation_unpack(name, hit.expire_ms, hit.data, hit.len, region);
			if (d != NULL) {
				choose_fill(core, d, now_ms);
			}
			return d;
		}
		name = dname_parent(name);
	}
	struct delegation *d = delegation_unpack(name, UINT64_MAX, top->packed, top->packed_len, region);
	if (d != NULL) {
		d->configured = true;
		d->forward = top->forward;
	}
	return d;
}

void core_done(struct core *core, struct resolution *r)
{
	stale_unwatch(core, r);
	core->detached -= r->detached;
	core->counters[STAT_RES_SIGNATURE_CHECKS] += SIGNATURE_CHECKS_MAX - r->checks;
	core->counters[STAT_RES_NSEC3_HASHES] += NSEC3_HASHES_MAX - r->hashes;
	if (r->internal || r->detached) {
		core_release(r);
		return;
	}
	*core->done_last = r;
	core->done_last = &r->done_next;
}

struct resolution *core_next_done(struct core *core)
{
	struct resolution *r = core->done_first;
	if (r != NULL) {
		core->done_first = r->done_next;
		r->done_next = NULL;
		if (core->done_first == NULL) {
			core->done_last = &core->done_first;
		}
	}
	return r;
}

void core_release(struct resolution *r)
{
	validate_end(r);
	region_clear(&r->region);
	free(r);
}

struct resolution *resolution_new(struct core *core, const uint8_t *name, uint16_t type, uint32_t budget,
				  enum frame_purpose purpose, uint64_t now_ms)
{
	struct resolution *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return NULL;
	}
	region_init(&r->region, RESOLUTION_CHUNK, RESOLUTION_MEMORY_MAX);
	region_share(&r->region, &core->pending);
	struct frame *f = region_alloc(&r->region, sizeof(*f));
	r->name = region_copy(&r->region, name, dname_len(name));
	if (f == NULL || r->name == NULL) {
		core_release(r);
		return NULL;
	}
	r->flushes = core->flushes;
	r->type = type;
	r->ede = EDE_NONE;
	r->notice = EDE_NONE;
	r->secure = true;
	r->checks = SIGNATURE_CHECKS_MAX;
	r->hashes = NSEC3_HASHES_MAX;
	r->from_cache = true;
	r->budget = budget;
	r->internal = purpose == FRAME_PRIME;
	r->deadline_ms = now_ms + RESOLUTION_MS;
	*f = (struct frame){ .name = r->name, .type = type, .purpose = (uint8_t)purpose };
	r->top = f;
	r->depth = 1;
	return r;
}

struct resolution *core_start(struct core *core, const struct core_question *question, void *ctx, uint64_t now_ms)
{
	struct resolution *r = resolution_new(core, question->name, question->type, question->budget, FRAME_CLIENT, now_ms);
	if (r != NULL) {
		r->ctx = ctx;
		r->traced = question->trace && core->trace_fn != NULL;
		r->validates = core->validating && !question->cd;
		r->secure = core->validating;
		r->refresh = question->refresh;
		r->fresh = question->fresh;
		if (!r->fresh && !question->quiet) {
			core_count(core, r->refresh ? STAT_RES_REFRESHES : STAT_RES_QUERIES);
		}
		iterate_run(core, r, now_ms);
		if (!r->finished) {
			stale_watch(core, r, now_ms);
		}
	}
	return r;
}

void core_set_trace(struct core *core, core_trace_fn *fn, void *ctx)
{
	core->trace_fn = fn;
	core->trace_ctx = ctx;
}

void core_set_wall(struct core *core, uint64_t wall_sec, uint64_t now_ms)
{
	core->wall_base_sec = wall_sec;
	core->wall_base_ms = now_ms;
}

uint32_t core_wall_sec(const struct core *core, uint64_t now_ms)
{
	return core->options.validation_date != 0
		       ? core->options.validation_date
		       : (uint32_t)(core->wall_base_sec + (now_ms - core->wall_base_ms) / 1000);
}

uint64_t core_flush(struct core *core, const struct ipc_flush *what)
{
	core->flushes++;
	switch (what->kind) {
	case IPC_FLUSH_NAME:
		return cache_flush_name(core->cache, what->name);
	case IPC_FLUSH_ZONE:
		trust_flush_zone(core->trust, what->name);
		return cache_flush_zone(core->cache, what->name);
	default:
		trust_flush(core->trust);
		servers_clear(core->servers);
		return cache_flush_all(core->cache);
	}
}

uint32_t core_flushes(const struct core *core)
{
	return core->flushes;
}

void core_count_cache(struct core *core)
{
	core->counters[STAT_RES_CACHE_ENTRIES] = cache_entries(core->cache);
	core->counters[STAT_RES_CACHE_BYTES] = cache_bytes(core->cache);
	core->counters[STAT_RES_CACHE_INFRA_BYTES] = cache_part_bytes(core->cache, CACHE_PART_INFRA);
	core->counters[STAT_RES_CACHE_LIMIT] = core->cache_bytes;
	core->counters[STAT_RES_CACHE_EVICTIONS] = cache_evictions(core->cache);
}
