/*
 * What the hostile server of the lab does, in numbers: more than the bounds of common/dns/limits.h and
 * daemons/resolver/bounds.h allow each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_HOSTILE_H
#define BULKHEAD_TESTS_LAB_HOSTILE_H

#include <stdbool.h>

enum hostile_numbers {
	HOSTILE_NS = 40,	   /* names of servers in a referral */
	HOSTILE_CAMP_NS = 13,	   /* ... of a zone on the way of an alias: all are kept */
	HOSTILE_CIRCLE = 1000,	   /* aliases until they meet again */
	HOSTILE_BOMB_MS = 900,	   /* for each answer that is held back */
	HOSTILE_KEYS = 24,	   /* keys with one tag: not too many to be kept, but the zone is given up for them */
	HOSTILE_KEYS_KEPT = 4,	   /* ... so many that each signature is tried with all of them */
	HOSTILE_SIGNATURES = 100,  /* of one RRset */
	HOSTILE_ITERATIONS = 50,   /* as many as are computed */
	HOSTILE_ITERATIONS_OVER = 500, /* far more; hashing them is this server's work alone */
};

/* When the signatures of its zones are good, as in validation-date. */
#define HOSTILE_DATE "20231114221320"

/*
 * The server, of its harmless zones or of all others: never returns. Writes anchors of its signed zones to the file
 * "anchors" of the lab.
 */
void lab_be_hostile(bool harmless) __attribute__((noreturn));

#endif
