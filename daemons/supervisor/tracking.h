/*
 * The states of tracked keys (RFC 5011) between resolvers and disk: loaded for each generation, told to resolvers with
 * it, taken from the first shard, saved, told to the others.
 *
 * Bounded whatever a resolver says: one state for each zone with anchors, and one of them written and told a second.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_TRACKING_H
#define BULKHEAD_SUPERVISOR_TRACKING_H

#include "daemons/supervisor/supervisor.h"

struct instance;
struct link;
struct link_message;

/* Are keys tracked in this generation? */
bool tracking_is_on(const struct generation *generation);
/* Load what the zones of a generation in preparation have on disk. What cannot be used is told the log. */
void tracking_load(struct supervisor *sup, const struct generation *generation);
/* Another generation is in service. */
void tracking_settle(struct supervisor *sup);
/* The state of a zone that a resolver is told with this generation; NULL: there is none. */
const struct ipc_anchor_state *tracking_state(const struct supervisor *sup, const struct generation *generation,
					      const uint8_t *zone);
/* What the program before had found and not saved is saved now. */
void tracking_resume(struct supervisor *sup);
/* MSG_ANCHOR_FOUND. An error: it had nothing to say. */
int tracking_found(struct instance *inst, const struct link_message *m) BH_CHECKED;
/* A resolver runs: tell it what was found since its configuration was sent. */
void tracking_tell(struct instance *inst);
/* `anchors`: rows "anchor_key". */
int tracking_rows(struct supervisor *sup, struct link *link, uint32_t request) BH_CHECKED;
/* The appliance stops: what is not saved yet goes to the saver. */
void tracking_flush(struct supervisor *sup);
void tracking_end(struct supervisor *sup);

#endif
