/*
 * The trust anchors of the root zone that are built in, as IANA publishes them (root-anchors.xml, RFC 9718): the keys
 * of 2017, tag 20326, and of 2024, tag 38696, which signs since 2026-10-11. Data only.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_ROOT_ANCHORS_H
#define BULKHEAD_COMMON_DNS_ROOT_ANCHORS_H

#include <stdint.h>

#define ROOT_ANCHORS 2
#define ROOT_ANCHOR_SIZE 36 /* RDATA of a DS with SHA-256 (RFC 4509 2.1) */

extern const uint8_t root_anchors[ROOT_ANCHORS][ROOT_ANCHOR_SIZE];

#endif
