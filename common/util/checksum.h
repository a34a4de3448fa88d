/*
 * A fast 64-bit checksum of zone images and of what is saved beside them: against damage on the way or on a disk,
 * not against malice (for that there are image_verify and the walls, and siphash where strangers choose the
 * input). A change of any one word is always found; the length is part of the sum.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_CHECKSUM_H
#define BULKHEAD_COMMON_UTIL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Octets that are taken at once; all pieces but the last must be multiples of it. */
#define CHECKSUM_BLOCK 64

struct checksum {
	uint64_t lanes[CHECKSUM_BLOCK / 8];
	uint64_t octets;
};

/* For octets that were damaged by accident: not against who means to. */
void checksum_begin(struct checksum *sum);
/* What does not fill a block counts as if zeros followed. Words have the byte order of the machine. */
void checksum_add(struct checksum *sum, const uint8_t *bytes, size_t len);
uint64_t checksum_end(const struct checksum *sum);

#endif
