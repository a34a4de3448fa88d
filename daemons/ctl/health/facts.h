/*
 * What the appliance says of itself, from the rows of `status`: the measure for everything that is then looked at.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_FACTS_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_FACTS_H

#include "common/dns/limits.h"
#include "common/util/addr.h"
#include "common/util/err.h"
#include "common/util/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer;

/* Texts point into the answer. */
struct zone_facts {
	const char *view;
	const char *text; /* "example.com." */
	uint8_t name[DNAME_MAX];
	uint32_t serial; /* of the image that was loaded */
	bool served;	 /* by its own account: state "serving" or "old" */
	bool old;
	bool public_view; /* the world may ask, so a parent should delegate */
	const char *detail;
	/* for who looks at it */
	bool answered;	/* with its SOA */
	bool is_signed; /* and an RRSIG beside */
};

struct listener_facts {
	const char *view; /* "": the frontend */
	struct addr addr; /* where it is asked: loopback for one that listens on every address */
	const char *device;
	unsigned workers;
	char text[ADDR_TEXT_MAX]; /* as it is configured */
	/* for who looks at it */
	bool usable; /* it answers questions of ours */
};

struct facts {
	const struct answer *answer;
	struct zone_facts *zones;
	size_t zone_count;
	struct listener_facts *listeners;
	size_t listener_count;
	size_t view_count;
	const char *state_dir;
	uint64_t image_octets; /* of all zones */
};

/*
 * Read the rows; memory is the region's. Returns 0, BH_ENOMEM, or BH_EMALFORMED: a row without what it must have, as of another
 * version.
 */
int facts_read(const struct answer *answer, struct region *region, struct facts *facts) BH_CHECKED;

/* A zone of that view in an answer that was asked for later: its serial. False: it is not there, or not served. */
bool facts_serial(const struct answer *answer, const char *view, const char *zone, uint32_t *serial);

/* The first listener of the view ("": the frontend) that is usable, NULL: none. */
const struct listener_facts *facts_listener(const struct facts *facts, const char *view);

#endif
