/*
 * What a role says to the supervisor, the other direction of send.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_HEAR_H
#define BULKHEAD_SUPERVISOR_HEAR_H

#include "common/util/err.h"

struct instance;
struct link_message;

/*
 * A message of this role's. An error: it breaks the protocol, or found fewer walls around itself than its profile
 * demands, and is to be killed.
 */
int hear_message(struct instance *inst, const struct link_message *m) BH_CHECKED;

#endif
