/*
 * Sorting names into canonical order (RFC 4034 6.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_NAME_SORT_H
#define BULKHEAD_COMMON_ZONE_NAME_SORT_H

#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Sort ids[0..count) by the names at bytes + offsets[id], equal ones by id. All names are at or below one
 * apex of apex_labels labels. Memory while it runs: some 40 octets for each name, none when they are in
 * order already. 0 or BH_ENOMEM.
 */
int name_sort(const uint8_t *bytes, const uint32_t *offsets, unsigned apex_labels, uint32_t *ids,
	      size_t count) BH_CHECKED;

#endif
