/*
 * A fast 64-bit sum that finds damage: cut, torn and rotten files. It is no protection against somebody who means
 * it; for that there are walls, and siphash (rand.h) where strangers choose the input.
 *
 * Four lanes take eight octets in turn. Each step is a bijection of its lane for a given word and of the word
 * for a given lane, so that a change of one word is always seen; the length is part of the sum.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_SUM64_H
#define BULKHEAD_COMMON_UTIL_SUM64_H

#include <stddef.h>
#include <stdint.h>

#define SUM64_LANES 4
#define SUM64_STEP (SUM64_LANES * sizeof(uint64_t))

struct sum64 {
	uint64_t lanes[SUM64_LANES];
	uint64_t octets;
};

/* Start with zeroes. Every piece but the last is a multiple of SUM64_STEP octets. */
void sum64_add(struct sum64 *sum, const void *bytes, size_t len);
uint64_t sum64_end(const struct sum64 *sum);

#endif
