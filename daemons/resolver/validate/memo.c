/*
 * Notes of good signatures. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/memo.h"

#include "common/dns/dname.h"
#include "common/util/rand.h"
#include "common/util/siphash.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define SETS_MIN 64
#define SETS_MAX (1u << 16)
/* Octets of all that is hashed; ordinary RRsets with signature and key have 300 to 1500. */
#define INPUT_MAX 4096

struct memo {
	struct siphash_key keys[2];
	size_t mask;
	struct memo_note (*sets)[WAYS]; /* the newest first */
};

struct memo *memo_new(size_t count)
{
	struct memo *memo = calloc(1, sizeof(*memo));
	size_t sets = SETS_MIN;
	if (memo == NULL) {
		return NULL;
	}
	while (sets < count / WAYS && sets < SETS_MAX) {
		sets *= 2;
	}
	memo->sets = calloc(sets, sizeof(*memo->sets));
	if (memo->sets == NULL) {
		free(memo);
		return NULL;
	}
	memo->mask = sets - 1;
	rand_bytes(memo->keys, sizeof(memo->keys));
	return memo;
}

void memo_free(struct memo *memo)
{
	if (memo != NULL) {
		free(memo->sets);
		free(memo);
	}
}

size_t memo_bytes(const struct memo *memo)
{
	return sizeof(*memo) + (memo->mask + 1) * sizeof(*memo->sets);
}

bool memo_note(const struct memo *memo, const struct rrset *set, const uint8_t *rrsig, size_t rrsig_len,
	       const uint8_t *dnskey, size_t dnskey_len, struct memo_note *out)
{
	uint8_t input[INPUT_MAX];
	struct sink s = sink_of(input, sizeof(input));
	uint8_t owner[DNAME_MAX];
	/* Every part with its length, so that no two inputs are the same octets. */
	sink_u16(&s, set->type);
	sink_bytes(&s, owner, dname_copy_lower(owner, set->owner));
	sink_u32(&s, set->rdata_len);
	sink_bytes(&s, set->rdata, set->rdata_len);
	sink_u32(&s, (uint32_t)rrsig_len);
	sink_bytes(&s, rrsig, rrsig_len);
	sink_bytes(&s, dnskey, dnskey_len);
	if (s.failed) {
		return false;
	}
	out->words[0] = siphash(&memo->keys[0], input, s.pos);
	out->words[1] = siphash(&memo->keys[1], input, s.pos) | 1; /* an empty place has 0 */
	return true;
}

bool memo_has(const struct memo *memo, const struct memo_note *note)
{
	const struct memo_note *set = memo->sets[note->words[0] & memo->mask];
	bool found = false;
	for (unsigned i = 0; i < WAYS; i++) {
		found = found || (set[i].words[0] == note->words[0] && set[i].words[1] == note->words[1]);
	}
	return found;
}

void memo_add(struct memo *memo, const struct memo_note *note)
{
	struct memo_note *set = memo->sets[note->words[0] & memo->mask];
	memmove(&set[1], &set[0], (WAYS - 1) * sizeof(*set));
	set[0] = *note;
}
