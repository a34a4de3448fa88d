/*
 * What one instance is told of a generation. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SEND_H
#define BULKHEAD_SUPERVISOR_SEND_H

#include "daemons/supervisor/instance.h"

/* Resources it does not have yet, the whole configuration, and PREPARE. */
int send_generation(struct instance *inst, const struct generation *generation) BH_CHECKED;

/* A message whose payload is one number. */
int send_number(struct instance *inst, enum msg_type type, uint32_t number) BH_CHECKED;

/* IDENTITY with the counter page. */
int send_identity(struct instance *inst) BH_CHECKED;

#endif
