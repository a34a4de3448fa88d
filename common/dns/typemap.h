/*
 * Type Bit Maps: the types that a name has, as NSEC, NSEC3 and CSYNC list them (RFC 4034 4.1.2, RFC 5155 3.2.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_TYPEMAP_H
#define BULKHEAD_COMMON_DNS_TYPEMAP_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A checked one; points into the RDATA it was read from. All zero: no types. */
struct typemap {
	const uint8_t *windows;
	size_t len;
};

/*
 * The bit maps that fill bytes[0..len). BH_EMALFORMED: a window that is cut short, of a length that is not
 * 1 to 32, not above the one before it, or with a zero octet at its end, so that every set of types has one
 * form only. len 0 is the empty set; NSEC may not have it.
 */
int typemap_parse(const uint8_t *bytes, size_t len, struct typemap *out) BH_CHECKED;

/* Is the type in the set? */
bool typemap_has(const struct typemap *map, uint16_t type);

/* Number of types. */
unsigned typemap_count(const struct typemap *map);

#endif
