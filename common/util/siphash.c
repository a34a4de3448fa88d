/*
 * SipHash over octets and words. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/siphash.h"

#include "common/util/rand.h"

struct siphash_key siphash_key_new(void)
{
	struct siphash_key key;
	rand_bytes(&key, sizeof(key));
	return key;
}

/* Little-endian load of n <= 8 octets, as the algorithm defines its words. */
static inline uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++) {
		v |= (uint64_t)p[i] << (8 * i);
	}
	return v;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	struct siphash_state s = siphash_begin(key);
	size_t left = len;
	for (; left >= 8; p += 8, left -= 8) {
		siphash_word(&s, load_le(p, 8), 2);
	}
	siphash_word(&s, (uint64_t)len << 56 | load_le(p, left), 2);
	return siphash_end(&s, 4);
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t words[3])
{
	struct siphash_state s = siphash_begin(key);
	for (unsigned i = 0; i < 3; i++) {
		siphash_word(&s, words[i], 1);
	}
	return siphash_end(&s, 3);
}
