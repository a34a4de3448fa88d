/*
 * Names that are answered here and never asked outside: RFC 6303 and 7793 (reverse zones of private
 * and special addresses), RFC 6761 (localhost, invalid, test), RFC 6762 (local), RFC 7686 (onion),
 * RFC 8375 (home.arpa), RFC 9462 (resolver.arpa), RFC 9476 (alt), and internal, reserved by ICANN for
 * private use. RFC 6761 6.5: example names are not special to resolvers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_SPECIAL_H
#define BULKHEAD_DAEMONS_RESOLVER_SPECIAL_H

#include "daemons/resolver/rrset.h"

enum special_verdict { SPECIAL_NOT, SPECIAL_ANSWER, SPECIAL_NODATA, SPECIAL_NXDOMAIN };

/*
 * Judge a question. For SPECIAL_ANSWER *set is the answer, for the negative ones the SOA, with its
 * section set. A DS question at the top of a special zone below arpa is the parent's to answer
 * (RFC 8375 4, RFC 6303 3), so it is not special. BH_ENOMEM.
 */
int special_judge(const uint8_t *name, uint16_t type, struct region *region, enum special_verdict *verdict,
		  struct rrset **set) BH_CHECKED;

#endif
