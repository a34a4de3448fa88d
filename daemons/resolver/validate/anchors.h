/*
 * Where trust begins and where it ends by the operator's word: trust anchors (DS or DNSKEY of a zone) and negative
 * trust anchors (RFC 7646: a zone that is not validated). Of those at or above a name the closest counts, of
 * whichever kind (RFC 4035 5, RFC 6840 C.1); at one and the same name a negative one.
 *
 * A set is built as a whole when a configuration, a key or a negative anchor changes, and then only read. No
 * arithmetic here: whether libcrypto has an algorithm is asked by who builds the set.
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

/* The closest one; its pointers are valid until the set is changed or freed. */
struct anchor {
	enum anchor_kind kind;
	const uint8_t *zone; /* in lower case; NULL for ANCHOR_NONE */
	unsigned count; /* ANCHOR_TRUST: records; 0: none of them can be used, all below is bogus */
	const struct anchor_record *records;
};

/* Empty: nothing is validated. NULL: no memory. */
struct anchors *anchors_new(void);
void anchors_free(struct anchors *anchors);

/*
 * Add a record of a trust anchor: type RR_DS or RR_DNSKEY. One with a fault (anchor_fault) still makes its zone one with an anchor;
 * one that is there already is not added again. BH_ENOMEM, BH_ELIMIT (ANCHOR_ZONES_MAX, ANCHOR_RECORDS_MAX).
 */
int anchors_add(struct anchors *anchors, const uint8_t *zone, uint16_t type, const uint8_t *rdata, uint16_t len)
	BH_CHECKED;

/* The zone has an anchor, but the record at hand is of no use: its algorithm is not known here. Errors as above. */
int anchors_add_unusable(struct anchors *anchors, const uint8_t *zone) BH_CHECKED;

/* Not validated until until_ms (UINT64_MAX: for ever), which is the core's clock. A second call for a zone changes it. */
int anchors_add_negative(struct anchors *anchors, const uint8_t *zone, uint64_t until_ms) BH_CHECKED;

/* ANCHOR_NONE in out->kind: the name is below no anchor (RFC 4035 4.3: indeterminate, treated as insecure). */
void anchors_find(const struct anchors *anchors, const uint8_t *name, uint64_t now_ms, struct anchor *out);

/* The same without negative ones: where trust for the name would begin. */
void anchors_find_trust(const struct anchors *anchors, const uint8_t *name, struct anchor *out);

/*
 * Zone number `index` in canonical order (RFC 4034 6.1), or false when there are no more. ANCHOR_TRUST when it has a
 * trust anchor, whatever negative one hides it.
 */
bool anchors_get(const struct anchors *anchors, size_t index, struct anchor *out);

/* Is there a trust anchor? */
bool anchors_any(const struct anchors *anchors);

/* Are they the same, each zone's records in the same order? */
bool anchors_same(const struct anchors *a, const struct anchors *b);

#endif
