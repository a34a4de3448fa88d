/*
 * What the monitor knows: counter pages, which it reads and nobody trusts for more than display, and what the
 * supervisor said. Rendering and judging are functions of this and of the time.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_MODEL_H
#define BULKHEAD_MONITOR_MODEL_H

#include "common/ipc/role_link.h"

/* One instance of a role, over the life of its processes. */
struct watched_role {
	struct ipc_page info;
	const struct stats_page *page; /* stats_size(role) octets, written by others at any time */
	bool told;		       /* facts have come */
	struct ipc_role_facts facts;
	uint64_t cpu_before_ms; /* facts.cpu_ms, one round of facts ago */
	uint64_t told_before_ms;
	uint64_t told_ms;
};

struct model {
	struct watched_role *roles; /* by role, view, index */
	size_t role_count;
	const struct ipc_watched *zones; /* by view, then by name; borrowed */
	size_t zone_count;
	bool zones_told; /* else there are zones that nobody tells us of */
	bool appliance_told;
	struct ipc_appliance_facts appliance;
	uint64_t told_ms; /* when that came */
};

/* The two clocks, taken once for what is rendered. */
struct model_now {
	uint64_t ms;  /* as in counter pages */
	uint64_t sec; /* since 1970 */
};

/*
 * Map the pages of a configuration; those that `old` (may be NULL) has mapped stay where they are, with what was told
 * of them. zones are borrowed from conf. NULL: out of memory.
 */
struct model *model_new(const struct role_conf *conf, const struct model *old);
/* Unmap what `next` (may be NULL) has not. */
void model_free(struct model *model, const struct model *next);

void model_role_facts(struct model *model, const struct ipc_role_facts *facts, uint64_t now_ms);
void model_appliance_facts(struct model *model, const struct ipc_appliance_facts *facts, uint64_t now_ms);

/* The roles of one kind and view behind *from, as a run; 0: no more. */
size_t model_next_group(const struct model *model, size_t *from);

/* Sum of a counter over some roles, which are of one kind. */
uint64_t model_sum(const struct watched_role *roles, size_t count, unsigned counter);

/* "authority[external]/0" */
#define MODEL_NAME_MAX 64
const char *model_role_name(const struct watched_role *role, char out[MODEL_NAME_MAX]);

/* Did any authority of its view find that this zone does not answer? queries (may be NULL): of all of them. */
bool model_zone_failed(const struct model *model, const struct ipc_watched *zone, uint64_t *queries);

/* Does it run behind all of its walls, as it says itself and as the kernel shows? */
bool model_is_confined(const struct watched_role *role);

/* How many thousandths of a processor it took lately. */
uint64_t model_cpu_permille(const struct watched_role *role);

#endif
