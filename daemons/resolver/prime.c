/*
 * Root priming (RFC 8109): the built-in or configured hints are asked once for the root's servers and
 * their addresses, and again before the answer expires. Questions of clients do not wait for it.
 *
 * This is the one place where addresses beside an answer are believed: they come from a root server
 * and are used for the root zone only. A root server that lies can lead us astray, but not for good: when what it
 * named is of no use, priming begins anew, from the hints once it has failed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "common/dns/dname.h"

void prime_if_due(struct core *core, uint64_t now_ms)
{
	static const uint8_t root[1] = { 0 };
	if (!core->options.prime_root || core->priming || now_ms < core->prime_at_ms ||
	    core_find_stub(core, root) != NULL) {
		return;
	}
	struct resolution *r = resolution_new(core, root, RR_NS, BUDGET_INTERNAL, FRAME_PRIME, now_ms);
	if (r != NULL) {
		core->priming = true;
		iterate_run(core, r, now_ms);
	}
}

static void add_known_addrs(struct core *core, struct delegation *d, uint8_t n, const struct delegation *hints)
{
	for (unsigned i = 0; i < hints->addr_count; i++) {
		const struct ns_addr *a = &hints->addrs[i];
		if (a->ns != NS_NONE && dname_equal(hints->ns[a->ns].name, d->ns[n].name)) {
			(void)delegation_add_addr(d, n, &a->addr);
		}
	}
	(void)core;
}

bool prime_accept(struct core *core, const struct message *msg, const struct rrset *ns, uint64_t now_ms)
{
	static const uint8_t root[1] = { 0 };
	struct delegation *hints = delegation_unpack(root, UINT64_MAX, core->hints.packed,
						     core->hints.packed_len, &core->scratch);
	struct delegation *d = region_alloc(&core->scratch, sizeof(*d));
	if (hints == NULL || d == NULL) {
		return false;
	}
	d->zone = root;
	for (unsigned i = 0; i < ns->count && i < NS_PER_ZONE_MAX; i++) {
		uint16_t len;
		int n = delegation_add_ns(d, rrset_rdata(ns, i, &len));
		if (n < 0) {
			break;
		}
		for (size_t k = 0; k < msg->rr_count; k++) {
			const struct message_rr *rr = &msg->rrs[k];
			struct addr addr;
			if (rr->section == SECTION_ADDITIONAL && rr->rr_class == CLASS_IN &&
			    delegation_addr_of_rdata(rr->type, rr->rdata, rr->rdata_len, &addr) &&
			    dname_equal(rr->owner, d->ns[n].name) &&
			    !delegation_addr_is_harmful(&addr, core->allow_loopback)) {
				(void)delegation_add_addr(d, (uint8_t)n, &addr);
			}
		}
		if (d->ns[n].addr_count == 0) {
			add_known_addrs(core, d, (uint8_t)n, hints);
		}
	}
	if (d->addr_count == 0 || core_zone_set(&core->root, d) != BH_OK) {
		return false;
	}
	uint32_t ttl = ns->ttl < PRIME_MIN_SEC ? PRIME_MIN_SEC : ns->ttl;
	core->prime_at_ms = now_ms + ttl * UINT64_C(1000);
	return true;
}

void prime_over(struct core *core, bool fine, uint64_t now_ms)
{
	static const uint8_t root[1] = { 0 };
	core->priming = false;
	if (fine) {
		return;
	}
	core->prime_at_ms = now_ms + PRIME_RETRY_SEC * UINT64_C(1000);
	region_reset(&core->scratch);
	struct delegation *hints = delegation_unpack(root, UINT64_MAX, core->hints.packed,
						     core->hints.packed_len, &core->scratch);
	if (hints == NULL || core_zone_set(&core->root, hints) != BH_OK) {
		core->prime_at_ms = now_ms; /* no memory: what there was stays until the next try */
	}
}

void prime_doubt(struct core *core, uint64_t now_ms)
{
	if (core->prime_at_ms > now_ms + PRIME_RETRY_SEC * UINT64_C(1000)) {
		core->prime_at_ms = now_ms;
	}
}
