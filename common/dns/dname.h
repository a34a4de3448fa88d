/*
 * Domain names in wire form: uncompressed, a sequence of length-prefixed labels that ends with the
 * root label, at most DNAME_MAX octets. A `const uint8_t *name` argument without a bound is such a
 * name that was checked before; functions that take unchecked bytes take a length.
 *
 * Names keep the case they came with; comparison and hashing fold ASCII letters (RFC 4343).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_DNAME_H
#define BULKHEAD_COMMON_DNS_DNAME_H

#include "common/dns/limits.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct siphash_key;

/* ASCII lower case of one octet; other octets, length octets (< 64) among them, stay. */
static inline uint8_t dname_fold(uint8_t c)
{
	return (uint8_t)(c + (((uint8_t)(c - 'A') < 26) << 5));
}

/* Octets of a checked name, root label included. */
size_t dname_len(const uint8_t *name);

/* Labels of a checked name, root label not counted; "*" counts (unlike the RRSIG labels field). */
unsigned dname_label_count(const uint8_t *name);

/* The name without its first label; name must not be the root. */
static inline const uint8_t *dname_parent(const uint8_t *name)
{
	return name + 1 + name[0];
}

static inline bool dname_is_root(const uint8_t *name)
{
	return name[0] == 0;
}

static inline bool dname_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* Labels as an RRSIG counts them (RFC 4034 3.1.3): neither the root nor a leftmost "*". */
static inline unsigned dname_signed_labels(const uint8_t *name)
{
	return dname_label_count(name) - (dname_is_wildcard(name) ? 1 : 0);
}

/*
 * Check an uncompressed name at the start of bytes[0..len). Returns its octets, or BH_ETRUNC (ends
 * early) or BH_EMALFORMED (label type, too long). Pointers are refused.
 */
int dname_check(const uint8_t *bytes, size_t len) BH_CHECKED;

/*
 * Read a name, compressed or not, at *pos of a message of msg_len octets (RFC 1035 4.1.4).
 * out: room for DNAME_MAX octets. Returns the octets of the uncompressed name and moves *pos behind
 * the name where it stood; on failure nothing is changed but out. Pointers must point strictly
 * backwards of every earlier position of the same name; at most DNAME_JUMPS_MAX of them.
 */
int dname_read(const uint8_t *msg, size_t msg_len, size_t *pos, uint8_t out[DNAME_MAX]) BH_CHECKED;

/* Move *pos behind a possibly compressed name without following pointers. 0 or an error. */
int dname_skip(const uint8_t *msg, size_t msg_len, size_t *pos) BH_CHECKED;

/* Copy with letters folded; returns the octets. out may be name. */
size_t dname_copy_lower(uint8_t *out, const uint8_t *name);

/* Same name, letters folded. */
bool dname_equal(const uint8_t *a, const uint8_t *b);

/* name is ancestor or below it. */
bool dname_is_under(const uint8_t *name, const uint8_t *ancestor);

/* Number of labels that both names share from the root. */
unsigned dname_shared_labels(const uint8_t *a, const uint8_t *b);

/* Canonical order of RFC 4034 6.1: <0, 0, >0. */
int dname_compare(const uint8_t *a, const uint8_t *b);

/* Drop `count` labels from the left; count <= dname_label_count(name). */
const uint8_t *dname_skip_labels(const uint8_t *name, unsigned count);

/*
 * Keyed hash with letters folded, for tables that strangers fill: SipHash-1-3, whose fewer rounds do where nobody sees
 * the hash.
 */
uint64_t dname_hash(const struct siphash_key *key, const uint8_t *name);

/*
 * Master-file text (RFC 1035 5.1 escapes) to wire. A missing final dot is taken as present. What is not
 * printable ASCII must be escaped: a stray blank, or an internationalized name that is not in its A-label form
 * (RFC 5890), is a mistake and no name. out: room for DNAME_MAX octets. Returns the octets or BH_EMALFORMED.
 */
int dname_from_text(const char *text, uint8_t out[DNAME_MAX]) BH_CHECKED;

/* Text with escapes, absolute, final dot ("." for the root); printable ASCII only. Returns out. */
const char *dname_text(const uint8_t *name, char out[DNAME_TEXT_MAX]);

#endif
