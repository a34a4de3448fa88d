/*
 * What the operator asks and says about validation: `anchors`, `nta`, and its part of `status`.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_TRUST_H
#define BULKHEAD_SUPERVISOR_TRUST_H

#include "daemons/supervisor/supervisor.h"

struct instance;
struct link;

/* `nta add NAME [TIME]`, `nta remove NAME`, `nta list`: carry it out and answer. */
int trust_nta(struct supervisor *sup, const struct ctl_request *r, struct link *link, uint32_t request) BH_CHECKED;

/* `anchors`: rows "anchor" and "negative_anchor", and the end. */
int trust_anchors_send(struct supervisor *sup, struct link *link, uint32_t request) BH_CHECKED;

/* Rows "negative_anchor" of those set at run time. */
int trust_nta_rows(struct supervisor *sup, struct link *link, uint32_t request) BH_CHECKED;

/* A resolver runs: tell it what the one before it knew. */
void trust_tell(struct instance *inst);

/*
 * Another generation is in service everywhere, and this was the one before (none: a config of NULL): where resolvers have
 * forgotten what they found with that, so do the frontends, which would give it out as it was judged then.
 */
void trust_settle(struct supervisor *sup, const struct generation *before);

/* The appliance ends. */
void trust_end(struct supervisor *sup);

#endif
