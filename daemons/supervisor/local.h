/*
 * The local wall (sandbox/localwall.h) in this appliance: whether resolvers stand behind it, and what on this host
 * they may ask all the same.
 *
 *   - what the configuration names: servers of "stub" and "forward", root hints. Nothing else of the appliance's own, but
 *   - views that everybody may ask, at addresses that are not of an inside: their zones are public, and the Internet
 *     sends the resolver there
 *   - port 53 of all addresses of this host with do-not-query-localhost = false; of loopback addresses when root hints
 *     are on one. In neither case a listener of a view that is not for everybody, or of the resolver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_LOCAL_H
#define BULKHEAD_SUPERVISOR_LOCAL_H

#include "common/util/err.h"
#include "daemons/supervisor/config.h"
#include "sandbox/localwall.h"

#include <stdbool.h>

struct generation;
struct ipc_servers;
struct supervisor;

/* At start, before privileges go. Without it the appliance starts too; resolvers may not. */
void local_raise(struct supervisor *sup);
/* At the end, when no role is left. */
void local_remove(struct supervisor *sup);

/*
 * Must resolvers of this configuration be behind the wall? Not where it is "off". Where it could not be raised they
 * must be as long as there is a view to be kept from, and then cannot start: local_missing says why, else NULL.
 */
bool local_needed(const struct supervisor *sup, const struct config *config);
const char *local_missing(const struct supervisor *sup);

/* Get the rules of a generation ready; why says what is wrong. Then put them in force. */
int local_prepare(struct supervisor *sup, const struct generation *g, char *why, size_t why_size) BH_CHECKED;
void local_commit(struct supervisor *sup);

/* Its rules. The caller frees *out. hints: root servers. BH_ENOMEM. */
int local_rules(const struct config *config, const struct ipc_servers *hints, size_t hint_count,
		struct localwall_rule **out, size_t *out_count) BH_CHECKED;

/* "on", "off", "missing": of the generation in service; packets that were refused in *refused. NULL: no resolver. */
const char *local_state(const struct supervisor *sup, uint64_t *refused);

#endif
