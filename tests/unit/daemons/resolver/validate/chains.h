/*
 * NSEC and NSEC3 RRsets for tests, written as text. They have no RRSIGs: what is tested relies on others for that,
 * and asks only for the Labels they were verified with.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_RESOLVER_VALIDATE_CHAINS_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_RESOLVER_VALIDATE_CHAINS_H

#include "common/dns/dname.h"
#include "common/util/region.h"
#include "daemons/resolver/rrset.h"

/* Bit maps of types separated by blanks. Returns octets. */
size_t chains_types(const char *types, uint8_t out[512]);

/* Verified with an RRSIG of that many labels. */
struct rrset *chains_set(struct region *region, const uint8_t *owner, uint16_t type, const uint8_t *rdata, size_t len,
			 unsigned labels);

/* Labels as signed under its own name. */
struct rrset *chains_nsec(struct region *region, const char *owner, const char *next, const char *types);

struct chains_parameters {
	uint8_t flags;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};

/* owner and next are hashes in base32hex, owner without the zone. */
struct rrset *chains_nsec3(struct region *region, const char *owner, const char *zone, const struct chains_parameters *p,
			   const char *next, const char *types);

#endif
