/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/sum64.h"

#include <string.h>

/* Odd, so multiplication loses nothing; the bits of the golden ratio. */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
	uint64_t x = (lane ^ word) * FACTOR;
	return x ^ x >> 32;
}

static void add_step(struct sum64 *sum, const uint8_t *p)
{
	for (unsigned i = 0; i < SUM64_LANES; i++) {
		uint64_t word;
		memcpy(&word, p + i * sizeof(word), sizeof(word));
		sum->lanes[i] = mix(sum->lanes[i], word);
	}
}

void sum64_add(struct sum64 *sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t whole = len - len % SUM64_STEP;
	for (size_t at = 0; at < whole; at += SUM64_STEP) {
		add_step(sum, p + at);
	}
	if (len > whole) {
		uint8_t rest[SUM64_STEP] = { 0 };
		memcpy(rest, p + whole, len - whole);
		add_step(sum, rest);
	}
	sum->octets += len;
}

uint64_t sum64_end(const struct sum64 *sum)
{
	uint64_t all = sum->octets;
	for (unsigned i = 0; i < SUM64_LANES; i++) {
		all = mix(all, sum->lanes[i]);
	}
	return mix(all, FACTOR);
}
