/*
 * What the world is told of our zones: for each zone of a view that anyone may ask, the delegation at its parent against what
 * we serve (ANSSI-BP-038 R13): NS, glue, DS, and whether each name server answers for the zone.
 *
 * The servers of the parent are found through the appliance's resolver and then asked directly, since no resolver repeats a
 * delegation: for the name servers of a zone it gives the zone's own word. A parent that is a zone of the same view is asked on
 * our own listener.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_PARENT_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_PARENT_H

#include "common/util/addr.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dnssec;
struct listener_facts;
struct probe;
struct report;

/* Zones in one check; of more, others each time. Each costs about ten questions. */
#define PARENT_ZONES_MAX 256
#define PARENT_NS_MAX 16     /* name servers of a zone: 13 have the largest */
#define PARENT_ADDRS_MAX 64  /* their addresses */
#define PARENT_KEYS_MAX 32   /* keys, and DS */
#define PARENT_SERVERS_MAX 4 /* of the parent, asked until one answers */
#define PARENT_STEPS_MAX 4   /* names towards the root that are no zone of their own */

struct parent_addr {
	const uint8_t *name;
	struct addr addr;
};

struct parent_rdata {
	const uint8_t *octets;
	size_t len;
};

/* One side of a delegation. What is above a bound is left out, and then nothing is said to be missing. */
struct parent_side {
	bool full; /* a bound was reached */
	unsigned ns_count;
	const uint8_t *ns[PARENT_NS_MAX];
	unsigned addr_count;
	struct parent_addr addrs[PARENT_ADDRS_MAX]; /* glue, or our records of these names */
	unsigned key_count;
	struct parent_rdata keys[PARENT_KEYS_MAX]; /* DS of the parent, DNSKEY of ours */
};

/* Compare; findings of the zone. dnssec NULL: DS are not compared. Pure. */
void parent_compare(const char *view, const char *zone, const uint8_t *name, const struct parent_side *parent,
		    const struct parent_side *ours, struct dnssec *dnssec, struct report *report);

/* All of it. resolver: a listener of the frontend that answers us, NULL: none. Returns 0 or BH_ENOMEM. */
int parent_check(struct probe *probe, const struct listener_facts *resolver) BH_CHECKED;

#endif
