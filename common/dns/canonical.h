/*
 * RDATA as far as it is looked into: canonical form and order, and the name a record points to.
 * RDATA is uncompressed and valid for its type (rdata_is_valid).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_CANONICAL_H
#define BULKHEAD_COMMON_DNS_CANONICAL_H

#include "common/dns/rr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Order of two RDATA of one type (RFC 4034 6.3): as octet strings in canonical form, that is with the
 * letters of names folded for the types that RFC 4034 6.2 lists (NSEC is off that list, RFC 6840 5.1).
 * 0: the same record.
 */
int canonical_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* Fold the names in RDATA that are folded in canonical form (RFC 4034 6.2 (3)), in place. */
void canonical_fold(uint16_t type, uint8_t *rdata);

/* Types whose records have a target in the image. */
static inline bool canonical_has_target(uint16_t type)
{
	switch (type) {
	case RR_NS:
	case RR_MX:
	case RR_SRV:
	case RR_SVCB:
	case RR_HTTPS:
	case RR_KX:
	case RR_AFSDB:
	case RR_NAPTR:
	case RR_RT:
		return true;
	default:
		return false;
	}
}

/* The name that a record of such a type points to; points into rdata. */
const uint8_t *canonical_target(uint16_t type, const uint8_t *rdata);

#endif
