/*
 * Trust anchors as data: which records can be one, and those of the root zone that are built in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_ANCHOR_H
#define BULKHEAD_COMMON_DNS_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Why a record can never be an anchor's, as a phrase for the log (static storage): malformed, a digest of the wrong
 * length, no zone key, protocol not 3, revoked (RFC 4034 2.1, RFC 5011 2.1). NULL: it can. Algorithms and digest
 * types are not judged, but for "delete" (RFC 8078 4) and the reserved numbers.
 */
const char *anchor_fault(uint16_t type, const uint8_t *rdata, size_t len);

/* Key tag (RFC 4034 B) and algorithm of a record; 0 when it is cut short. */
uint16_t anchor_tag(uint16_t type, const uint8_t *rdata, size_t len);
uint8_t anchor_algorithm(uint16_t type, const uint8_t *rdata, size_t len);

#define ROOT_ANCHORS 2
#define ROOT_ANCHOR_SIZE 36 /* RDATA of a DS with SHA-256 (RFC 4509 2.1) */

/*
 * As IANA publishes them (root-anchors.xml, RFC 9718): DS of the keys of 2017, tag 20326, and of 2024, tag 38696,
 * which signs since 2026-10-11.
 */
extern const uint8_t root_anchors[ROOT_ANCHORS][ROOT_ANCHOR_SIZE];

/* Is it one of them? */
bool anchor_is_built_in(const uint8_t *zone, uint16_t type, const uint8_t *rdata, size_t len);

#endif
