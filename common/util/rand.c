/*
 * getrandom(2) in blocks, and SipHash-2-4. The block is the only state.
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

static inline uint64_t rotl(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* Little-endian load of n <= 8 bytes, as the algorithm defines its words. */
static inline uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++) {
		v |= (uint64_t)p[i] << (8 * i);
	}
	return v;
}

static void sip_begin(const struct siphash_key *key, uint64_t v[4])
{
	v[0] = key->k0 ^ UINT64_C(0x736f6d6570736575);
	v[1] = key->k1 ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key->k0 ^ UINT64_C(0x6c7967656e657261);
	v[3] = key->k1 ^ UINT64_C(0x7465646279746573);
}

static inline void sip_word(uint64_t v[4], uint64_t word, unsigned rounds)
{
	v[3] ^= word;
	for (unsigned i = 0; i < rounds; i++) {
		sip_round(v);
	}
	v[0] ^= word;
}

static inline uint64_t sip_end(uint64_t v[4], unsigned rounds)
{
	v[2] ^= 0xff;
	for (unsigned i = 0; i < rounds; i++) {
		sip_round(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct siphash_key siphash_key_new(void)
{
	struct siphash_key key;
	rand_bytes(&key, sizeof(key));
	return key;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t v[4];

	sip_begin(key, v);
	size_t left = len;
	for (; left >= 8; p += 8, left -= 8) {
		sip_word(v, load_le(p, 8), 2);
	}
	sip_word(v, (uint64_t)len << 56 | load_le(p, left), 2);
	return sip_end(v, 4);
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t words[3])
{
	uint64_t v[4];

	sip_begin(key, v);
	for (unsigned i = 0; i < 3; i++) {
		sip_word(v, words[i], 1);
	}
	return sip_end(v, 3);
}
