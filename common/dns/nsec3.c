/*
 * Hashed owner names of NSEC3, with SHA-1 of libcrypto.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/nsec3.h"

#include "common/dns/dname.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>

struct nsec3_hasher {
	EVP_MD *md; /* fetched once: a look-up by name for every hash costs more than the hash */
	EVP_MD_CTX *ctx;
};

struct nsec3_hasher *nsec3_hasher_new(void)
{
	struct nsec3_hasher *hasher = calloc(1, sizeof(*hasher));
	if (hasher == NULL) {
		return NULL;
	}
	hasher->md = EVP_MD_fetch(NULL, "SHA1", NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (hasher->md == NULL || hasher->ctx == NULL || EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1) {
		nsec3_hasher_free(hasher);
		return NULL;
	}
	return hasher;
}

void nsec3_hasher_free(struct nsec3_hasher *hasher)
{
	if (hasher != NULL) {
		EVP_MD_CTX_free(hasher->ctx);
		EVP_MD_free(hasher->md);
		free(hasher);
	}
}

/* One round: IH(salt, x, k) of RFC 5155 5. */
static int hash_round(struct nsec3_hasher *hasher, const uint8_t *x, size_t x_len, const uint8_t *salt,
		      size_t salt_len, uint8_t out[NSEC3_HASH_SIZE])
{
	bool ok = EVP_DigestInit_ex2(hasher->ctx, NULL, NULL) == 1 && EVP_DigestUpdate(hasher->ctx, x, x_len) == 1 &&
		  (salt_len == 0 || EVP_DigestUpdate(hasher->ctx, salt, salt_len) == 1) &&
		  EVP_DigestFinal_ex(hasher->ctx, out, NULL) == 1;
	return ok ? BH_OK : BH_ESYS;
}

int nsec3_hash(struct nsec3_hasher *hasher, const uint8_t *name, const uint8_t *salt, size_t salt_len,
	       unsigned iterations, uint8_t out[NSEC3_HASH_SIZE])
{
	uint8_t folded[DNAME_MAX];
	size_t len = dname_len(name);
	for (size_t i = 0; i < len; i++) {
		folded[i] = dname_fold(name[i]); /* length octets are below 64: folding leaves them */
	}
	int rc = hash_round(hasher, folded, len, salt, salt_len, out);
	for (unsigned i = 0; i < iterations && rc == BH_OK; i++) {
		rc = hash_round(hasher, out, NSEC3_HASH_SIZE, salt, salt_len, out);
	}
	return rc;
}
