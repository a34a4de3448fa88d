/*
 * One set of anchors out of everything that says where trust begins and ends: what is configured, the stub zones, and
 * what the operator set for a time.
 *
 * A stub zone is a negative anchor by itself: its servers are the operator's own, and the public tree above it,
 * signed, knows nothing of it. Unless it was given trust anchors: when the closest one at or above it is that of a
 * stub zone, the chain of trust goes on from there. The root as a stub zone keeps the root's anchors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_GATHER_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_GATHER_H

#include "common/dns/dnssec.h"
#include "common/ipc/conf.h"
#include "daemons/resolver/validate/anchors.h"

/* Set by the operator at run time. */
struct timed_negative {
	uint64_t until_ms;
	uint8_t zone[DNAME_MAX];
};

struct gather {
	const struct ipc_anchor *anchors;
	size_t anchor_count;
	const struct ipc_negative_anchor *insecure; /* for ever */
	size_t insecure_count;
	const struct ipc_servers *stubs;
	size_t stub_count;
	const struct timed_negative *timed;
	size_t timed_count;
	/*
	 * What tracking found (RFC 5011), each for a zone that has anchors, and begun with those: its trusted keys are
	 * anchors as well, and what the operator said of revoked ones does not count. A zone that has none left is
	 * bogus, not insecure as RFC 5011 5 has it: where a root or an island of trust ends, the operator should know.
	 */
	const struct ipc_anchor_state *states;
	size_t state_count;
	struct dnssec *dnssec; /* needed for states */
};

/* A new set, the caller's. BH_ENOMEM, BH_ELIMIT. */
int gather_anchors(const struct gather *from, struct anchors **out) BH_CHECKED;

/*
 * Tell the log of trust anchors that cannot be used, and why, and of zones that are bogus because they have no other.
 * Returns the number of such zones.
 */
unsigned gather_complain(const struct gather *from, const struct dnssec *dnssec);

#endif
