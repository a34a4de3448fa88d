/*
 * Keyed hashing, for tables that strangers fill and for what they must not guess.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_SIPHASH_H
#define BULKHEAD_COMMON_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};
/* A key that nobody knows. */
struct siphash_key siphash_key_new(void);

/* SipHash-2-4 (Aumasson, Bernstein 2012): 64 bits over len bytes under a 128-bit key. */
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);

/*
 * SipHash-1-3 of three words, always three: no length is mixed in. Its fewer rounds do where nobody sees the hash,
 * as in tables of this process.
 */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t words[3]);

/* --- the algorithm's parts, for those who hash while they read ----------------------------------------- */

struct siphash_state {
	uint64_t v[4];
};

static inline uint64_t siphash_rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void siphash_round(struct siphash_state *s)
{
	uint64_t *v = s->v;
	v[0] += v[1];
	v[1] = siphash_rotate(v[1], 13) ^ v[0];
	v[0] = siphash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotate(v[1], 17) ^ v[2];
	v[2] = siphash_rotate(v[2], 32);
}

static inline struct siphash_state siphash_begin(const struct siphash_key *key)
{
	return (struct siphash_state){ { key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
					 key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573) } };
}

/* rounds: 2 in SipHash-2-4, 1 in SipHash-1-3. The last word of a message has its length in the upper octet. */
static inline void siphash_word(struct siphash_state *s, uint64_t word, unsigned rounds)
{
	s->v[3] ^= word;
	for (unsigned i = 0; i < rounds; i++) {
		siphash_round(s);
	}
	s->v[0] ^= word;
}

/* rounds: 4 in SipHash-2-4, 3 in SipHash-1-3. */
static inline uint64_t siphash_end(struct siphash_state *s, unsigned rounds)
{
	s->v[2] ^= 0xff;
	for (unsigned i = 0; i < rounds; i++) {
		siphash_round(s);
	}
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

#endif
