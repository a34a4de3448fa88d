/*
 * Which resolver shard answers for a name: frontends and the supervisor must agree.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_SHARD_H
#define BULKHEAD_COMMON_IPC_SHARD_H

#include <stdint.h>

/* The shard among `count` (at least 1) that answers for a name: names with the same last two labels share one. */
uint32_t shard_of_name(const uint8_t *name, uint32_t count);

#endif
