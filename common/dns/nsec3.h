/*
 * Hashed owner names of NSEC3 (RFC 5155 5). Programs that link this link $(CRYPTO_LIBS).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_NSEC3_H
#define BULKHEAD_COMMON_DNS_NSEC3_H

#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

#define NSEC3_HASH_SIZE 20 /* SHA-1, the only algorithm that is defined (RFC 5155 11) */

/* An opened hash, made once per process before the sandbox is entered: libcrypto reads its own files then. */
struct nsec3_hasher;

/* NULL: out of memory, or libcrypto has no SHA-1. */
struct nsec3_hasher *nsec3_hasher_new(void);
void nsec3_hasher_free(struct nsec3_hasher *hasher);

/*
 * Hash of a name (wire form, any case: it is folded) into out. iterations: additional ones, as in the
 * record (RFC 5155 3.1.3); the caller bounds them. BH_ESYS: libcrypto failed, out means nothing.
 */
int nsec3_hash(struct nsec3_hasher *hasher, const uint8_t *name, const uint8_t *salt, size_t salt_len,
	       unsigned iterations, uint8_t out[NSEC3_HASH_SIZE]) BH_CHECKED;

#endif
