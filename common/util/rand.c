/*
 * getrandom(2) in blocks. The block is the only state.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/rand.h"

#include "common/util/log.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static struct {
	uint8_t bytes[1024];
	size_t left; /* unused bytes at the end of the block */
} block;

static void fill(uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			log_fatal("no randomness from the kernel: %m");
		}
		out += n;
		len -= (size_t)n;
	}
}

void rand_bytes(void *out, size_t len)
{
	if (len > sizeof(block.bytes) / 4) {
		fill(out, len);
		return;
	}
	if (len > block.left) {
		fill(block.bytes, sizeof(block.bytes));
		block.left = sizeof(block.bytes);
	}
	uint8_t *from = block.bytes + sizeof(block.bytes) - block.left;
	memcpy(out, from, len);
	explicit_bzero(from, len);
	block.left -= len;
}

uint16_t rand_u16(void)
{
	uint16_t v;
	rand_bytes(&v, sizeof(v));
	return v;
}

uint32_t rand_u32(void)
{
	uint32_t v;
	rand_bytes(&v, sizeof(v));
	return v;
}

uint64_t rand_u64(void)
{
	uint64_t v;
	rand_bytes(&v, sizeof(v));
	return v;
}

uint32_t rand_below(uint32_t bound)
{
	uint32_t tail = (uint32_t)(-bound) % bound; /* 2^32 mod bound: values below it are biased */
	uint32_t v;
	do {
		v = rand_u32();
	} while (v < tail);
	return v % bound;
}
