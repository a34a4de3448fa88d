/*
 * Signatures that were found good. That a signature over an RRset was made with a key stays true for ever, while the
 * records come again and again: when they expired, and the NSEC3 of large zones beside every other answer. So it is
 * noted here, and the arithmetic is done once. Whether the key is still the zone's, and the dates, are judged every time.
 *
 * A note is 128 bits of keyed hashes over all that went into the check; the key never leaves the process, so nobody can
 * look for two things with one note. Fixed memory: sets of few ways, the oldest note of a set is overwritten.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_MEMO_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_MEMO_H

#include "daemons/resolver/rrset.h"

struct memo;

struct memo_note {
	uint64_t words[2];
};

/* count: about so many notes. NULL: no memory. */
struct memo *memo_new(size_t count);
void memo_free(struct memo *memo);
/* Octets that it takes. */
size_t memo_bytes(const struct memo *memo);

/*
 * The note for: this RRSIG over set, by the key with this RDATA. Records in another order make another note, which
 * costs a check. False: the set is larger than is worth it.
 */
bool memo_note(const struct memo *memo, const struct rrset *set, const uint8_t *rrsig, size_t rrsig_len,
	       const uint8_t *dnskey, size_t dnskey_len, struct memo_note *out);
bool memo_has(const struct memo *memo, const struct memo_note *note);
void memo_add(struct memo *memo, const struct memo_note *note);

#endif
