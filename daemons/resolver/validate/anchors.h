/*
 * Where trust begins and where it ends by the operator's word: trust anchors (DS or DNSKEY of a zone) and negative
 * trust anchors (RFC 7646: a zone that is not validated). Of those at or above a name the closest counts, of
 * whichever kind (RFC 4035 5, RFC 6840 C.1); at one and the same name a negative one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_ANCHORS_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_ANCHORS_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct anchors;

enum anchor_kind { ANCHOR_NONE, ANCHOR_TRUST, ANCHOR_NEGATIVE };

struct anchor_record {
	uint16_t type; /* RR_DS or RR_DNSKEY */
	uint16_t len;
	const uint8_t *rdata;
};

/* The closest one; valid until the next change of the anchors. */
struct anchor {
	enum anchor_kind kind;
	const uint8_t *zone;
	unsigned count; /* ANCHOR_TRUST: records; 0: none of them can be used, all below is bogus */
	const struct anchor_record *records;
};

/* Empty: nothing is validated. NULL: no memory. */
struct anchors *anchors_new(void);
void anchors_free(struct anchors *anchors);

/*
 * Add a record of a trust anchor: type RR_DS or RR_DNSKEY. One that can never be used (malformed, no zone key,
 * protocol not 3, revoked) still makes its zone one with an anchor. BH_ENOMEM, BH_ELIMIT.
 */
int anchors_add(struct anchors *anchors, const uint8_t *zone, uint16_t type, const uint8_t *rdata, uint16_t len)
	BH_CHECKED;

/* Not validated until until_ms (UINT64_MAX: for ever), which is the core's clock. A second call for a zone changes it. */
int anchors_add_negative(struct anchors *anchors, const uint8_t *zone, uint64_t until_ms) BH_CHECKED;

/* ANCHOR_NONE in out->kind: the name is below no anchor (RFC 4035 4.3: indeterminate, treated as insecure). */
void anchors_find(const struct anchors *anchors, const uint8_t *name, uint64_t now_ms, struct anchor *out);

/* The anchor of the zone `index` in any order, or false. For tracking and display. */
bool anchors_get(const struct anchors *anchors, size_t index, struct anchor *out);

#endif
