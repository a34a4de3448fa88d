/*
 * The shell's side of validation: the anchors of the configuration in service and those that the operator sets at
 * run time, made into the set that the core reads; and the clock that ends the latter.
 *
 * The first shard tracks the keys of the anchor zones (RFC 5011): it asks for each zone's DNSKEY RRset at its start and
 * when that is due, and what it makes of it goes to the supervisor, who keeps it and tells the other shards.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_TRUSTING_H
#define BULKHEAD_DAEMONS_RESOLVER_TRUSTING_H

#include "common/dns/dnssec.h"
#include "common/ipc/role_link.h"
#include "daemons/resolver/validate/anchors.h"

struct core;
struct event_base;
struct resolution;
struct trusting;

/* What the supervisor is told of, and that the core has something to send or is done with a question of ours. */
struct trusting_ops {
	void (*found)(void *ctx, const struct ipc_anchor_state *state);
	void (*progress)(void *ctx);
};

/* dnssec must outlive it. NULL: no memory. */
struct trusting *trusting_new(struct event_base *base, struct dnssec *dnssec, const struct trusting_ops *ops, void *ctx);
void trusting_free(struct trusting *t);

/* Could a set be made of it? An error, with the reason in why, if not. */
int trusting_check(const struct trusting *t, const struct role_conf *conf, char *why, size_t why_size) BH_CHECKED;

/* conf goes in service in core, which must outlive this: the set for core_configure, the caller's. What cannot be used is told the log. BH_ENOMEM. */
int trusting_configure(struct trusting *t, struct core *core, const struct role_conf *conf, struct anchors **out)
	BH_CHECKED;

/* The same set once more, for another core. BH_ENOMEM. */
int trusting_copy(const struct trusting *t, struct anchors **out) BH_CHECKED;

/* Set or take away a negative anchor: the core has it when this returns. It is configured before. */
void trusting_negative(struct trusting *t, const struct ipc_negative_anchor *anchor);

/* What the first shard has found; likewise. */
void trusting_state(struct trusting *t, const struct ipc_anchor_state *state);

/* A finished resolution: true: it was asked here, is judged and released. */
bool trusting_take(struct trusting *t, struct resolution *r);

#endif
