/*
 * Base32 with the extended hex alphabet, without padding (RFC 4648 7): labels of hashed owner names (RFC 5155 1.3).
 * Only for whole groups of five octets, which all hashes in use are.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_BASE32HEX_H
#define BULKHEAD_COMMON_DNS_BASE32HEX_H

#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

/* len octets (a multiple of 5) as len / 5 * 8 letters and digits, in lower case, without terminator. */
void base32hex_encode(const uint8_t *bytes, size_t len, uint8_t *out);

/* text_len characters (a multiple of 8) in any case as text_len / 8 * 5 octets, or BH_EMALFORMED. */
int base32hex_decode(const uint8_t *text, size_t text_len, uint8_t *out) BH_CHECKED;

#endif
