/*
 * Keys of transaction signatures (TSIG, RFC 8945): what the supervisor reads, sends to the authority of
 * a view, and tsig.c signs with. No cryptography here, so that the supervisor links none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_TSIG_KEY_H
#define BULKHEAD_COMMON_DNS_TSIG_KEY_H

#include "common/dns/limits.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * RFC 8945 6: of what it lists as mandatory or recommended to implement, all that is not also "not recommended
 * to use" or too old to be asked for. HMAC-MD5 and HMAC-SHA1 must not be used in new installations; the
 * truncated and the 224 bit variants are optional, and no other server makes keys of them by itself.
 */
enum tsig_algorithm {
	TSIG_HMAC_SHA256 = 1,
	TSIG_HMAC_SHA384 = 2,
	TSIG_HMAC_SHA512 = 3,
	TSIG_ALGORITHM_END,
};

struct tsig_key {
	uint8_t name[DNAME_MAX];
	uint8_t algorithm;	 /* enum tsig_algorithm */
	uint16_t secret_len;	 /* 1..TSIG_SECRET_MAX */
	uint8_t secret[TSIG_SECRET_MAX];
};

/* "hmac-sha256", any case, with or without final dot. BH_ENOENT: not offered. */
int tsig_algorithm_parse(const char *text, enum tsig_algorithm *out) BH_CHECKED;
const char *tsig_algorithm_text(enum tsig_algorithm algorithm);

/* Its name in a TSIG record: wire form, lower case. */
const uint8_t *tsig_algorithm_name(enum tsig_algorithm algorithm);

/* Octets of a whole MAC. */
size_t tsig_algorithm_size(enum tsig_algorithm algorithm);

/* Overwrite the secret; the compiler does not leave it out. */
void tsig_key_clear(struct tsig_key *key);

/* An array of keys: overwritten and freed. NULL is fine. */
void tsig_keys_free(struct tsig_key *keys, size_t count);

#endif
