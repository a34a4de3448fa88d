/*
 * Protection against DNS rebinding: an address that means nothing in the Internet, in an answer from the Internet,
 * makes a browser believe that a device inside belongs to a stranger's site.
 *
 * Such addresses are taken out of A and AAAA RRsets; a record of SVCB or HTTPS with such a hint (RFC 9460 7.3) is taken out
 * as a whole. What is left has lost its signatures, and so the answer its AD. When nothing is left, the client gets
 * NOERROR without the RRset and the extended error 15, Blocked: the policy is that of the operator (RFC 8914 4.16), not
 * one that the client chose (17, Filtered). The cache keeps what came; the judgement is made for each answer, so
 * that a change of the configuration holds at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_REBIND_H
#define BULKHEAD_DAEMONS_RESOLVER_REBIND_H

#include "daemons/resolver/core.h"

/*
 * RFC 1918, 0/8, loopback, link-local, carrier-grade NAT (RFC 6598), unique local, site local; also inside of IPv6:
 * mapped (RFC 4291 2.5.5), compatible, 6to4 (RFC 3056), translated (RFC 6052 2.1), and all of the local-use prefix for
 * translation (RFC 8215).
 */
bool rebind_is_private(uint16_t type, const uint8_t *rdata, uint16_t len);

/*
 * Take private addresses out of the records of r's answer, where they are not allowed: that is where both the
 * question and the owner are below rebind-allow names or in a zone whose servers the operator configured, the root
 * excepted. When something was taken out, r is not secure any more and has its notice. BH_ENOMEM.
 */
int rebind_filter(struct core *core, struct resolution *r, struct rrset **records) BH_CHECKED;

#endif
