/*
 * Tracking the keys of anchor zones: what RFC 5011 makes of a DNSKEY RRset, once its signatures were judged; and what
 * the operator's anchors are worth in the light of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_TRACK_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_TRACK_H

#include "daemons/resolver/rrset.h"
#include "daemons/resolver/validate/gather.h"
#include "daemons/resolver/validate/rfc5011.h"

/* Does this anchor of the operator speak of the key (its RDATA, the REVOKE bit left out)? */
bool track_speaks_of(struct dnssec *dnssec, const struct ipc_anchor *anchor, const uint8_t *rdata, uint16_t len);

/*
 * state of a zone that has anchors in from->anchors, by its DNSKEY RRset as it came at now_sec (since 1970); keys
 * NULL: it could not be had. trusted: the zone's anchor of now. True: who is trusted has changed. Costs at most
 * TRACK_CHECKS signature checks.
 */
bool track_judge(const struct gather *from, struct ipc_anchor_state *state, const struct anchor *trusted,
		 struct rrset *keys, uint64_t now_sec, rfc5011_change_fn *change, void *ctx);

#endif
