/*
 * Eight lanes, so that the multiplications of one block do not wait for each other. Each step is a
 * bijection of its lane (xor, odd multiplier, xor with itself shifted), and so is each step of the end:
 * two images that differ in one lane only never have the same sum.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/checksum.h"

#include <string.h>

#define LANES (CHECKSUM_BLOCK / 8)
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t state, uint64_t word)
{
	state = (state ^ word) * MULTIPLIER;
	return state ^ state >> 32;
}

void checksum_begin(struct checksum *sum)
{
	sum->octets = 0;
	for (unsigned i = 0; i < LANES; i++) {
		sum->lanes[i] = mix(MULTIPLIER, i);
	}
}

static void take_block(uint64_t lanes[LANES], const uint8_t *bytes)
{
	for (unsigned i = 0; i < LANES; i++) {
		uint64_t word;
		memcpy(&word, bytes + i * sizeof(word), sizeof(word));
		lanes[i] = mix(lanes[i], word);
	}
}

void checksum_add(struct checksum *sum, const uint8_t *bytes, size_t len)
{
	uint64_t lanes[LANES]; /* a copy stays in registers */
	memcpy(lanes, sum->lanes, sizeof(lanes));
	sum->octets += len;
	for (; len >= CHECKSUM_BLOCK; bytes += CHECKSUM_BLOCK, len -= CHECKSUM_BLOCK) {
		take_block(lanes, bytes);
	}
	if (len > 0) {
		uint8_t last[CHECKSUM_BLOCK] = { 0 };
		memcpy(last, bytes, len);
		take_block(lanes, last);
	}
	memcpy(sum->lanes, lanes, sizeof(lanes));
}

uint64_t checksum_end(const struct checksum *sum)
{
	uint64_t result = sum->octets;
	for (unsigned i = 0; i < LANES; i++) {
		result = mix(result, sum->lanes[i]);
	}
	return result;
}
