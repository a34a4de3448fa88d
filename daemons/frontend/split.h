/*
 * The table of suffixes that decides who is asked for a name: the internal authority or the resolver.
 *
 * The longest suffix wins among internal zones and stub zones. A stub zone is the resolver's
 * business; a stub with the name of an internal zone wins over it. DS of a stub zone's apex belongs
 * to the zone above it (RFC 4035 3.1.4.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_FRONTEND_SPLIT_H
#define BULKHEAD_DAEMONS_FRONTEND_SPLIT_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stdint.h>

struct split;

enum split_flags {
	SPLIT_ZONE = 1,	   /* an internal zone */
	SPLIT_OVERLAY = 2, /* with SPLIT_ZONE: what it has not is looked up in public */
	SPLIT_STUB = 4,	   /* the resolver asks this zone's servers */
	SPLIT_REBIND = 8,  /* aliases here may point into internal zones */
};

struct split_match {
	bool internal; /* the internal authority answers */
	bool overlay;  /* internal, and may be completed from public */
	bool inside;   /* in or below an internal zone, whoever answers: never cached */
	bool own;      /* inside, or below a rebind-allow name */
	bool stub;     /* the servers of a stub zone answer */
};

/* NULL: out of memory. */
struct split *split_new(void);
void split_free(struct split *split);

/* Enter a name; flags of a name that is there already are added to it. */
int split_add(struct split *split, const uint8_t *name, unsigned flags) BH_CHECKED;

/* Who answers for this question. Cost is linear in the length of the name. */
struct split_match split_find(const struct split *split, const uint8_t *name, uint16_t qtype);

/* The same names with the same flags. */
bool split_equal(const struct split *a, const struct split *b);

#endif
