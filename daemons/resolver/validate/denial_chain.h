/*
 * Between denial.c and its two halves: what the records of one chain, NSEC or NSEC3, say about one name. What
 * follows from it is decided in denial.c, for both chains alike.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_DENIAL_CHAIN_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_DENIAL_CHAIN_H

#include "common/dns/typemap.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/denial.h"

enum presence {
	PRESENCE_UNKNOWN, /* nothing was said, or nothing that may be believed */
	PRESENCE_THERE,	  /* it has types, none for an empty non-terminal */
	PRESENCE_ABSENT,  /* neither it nor anything below */
	/* NSEC3 only: */
	PRESENCE_ITERATIONS, /* not computed: more than ITERATIONS_MAX */
	PRESENCE_LIMIT,	     /* not computed: hashes are used up, or libcrypto failed */
};

struct finding {
	enum presence name;
	struct typemap types; /* THERE */
	/* ABSENT: */
	bool opt_out;		/* unsigned delegations may be there all the same (RFC 5155 6) */
	enum presence wildcard; /* that at the closest encloser, the only one that could stand for the name */
	struct typemap wildcard_types;
};

/* The set is one record, signed under its own name, in the zone: only such belong to a chain. */
bool denial_set_is_plain(const struct denial *d, const struct rrset *set, uint16_t type);

/* *.encloser in out; encloser is a proper ancestor of a name, so there is room. */
void denial_wildcard_name(const uint8_t *encloser, uint8_t out[DNAME_MAX]);

/* At the owner of a record with these types the zone ends: what is below is not in it (RFC 6840 4.1). */
bool denial_types_end_zone(const struct typemap *types);

/* name is in d->zone. What is found out is put into *out, which was zeroed. */
void denial_nsec_find(const struct denial *d, const uint8_t *name, struct finding *out);

/*
 * The same from NSEC3. They are taken by their parameters: those that come first, then others, so for chain 0 to
 * DENIAL_CHAINS_MAX - 1.
 */
void denial_nsec3_find(const struct denial *d, unsigned chain, const uint8_t *name, struct finding *out);

/* Of that only whether name is ABSENT, and out->opt_out: for one hash, where the closest encloser is known. */
void denial_nsec3_covers(const struct denial *d, unsigned chain, const uint8_t *name, struct finding *out);

#endif
