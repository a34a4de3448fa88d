/*
 * Proofs that something is not there: what NSEC and NSEC3 RRsets say together (RFC 4035 5.4, RFC 5155 8,
 * RFC 6840 4, RFC 9824). Logic only: their signatures were verified before, with keys of one zone.
 *
 * A set that cannot belong to a proof is not used, and never makes a proof of another one worthless: its owner
 * is not in the zone (NSEC3: not one label below it), it is a wildcard's expansion (labels of struct rrset,
 * as it was verified), it has more than one record, its next name is not in the zone or not behind its
 * owner, its type bitmap is malformed, its hash algorithm or flags are unknown (RFC 5155 8.1, 8.2). NSEC3 of one
 * proof have the same parameters, and NSEC and NSEC3 do not make up a proof together.
 *
 * Online signers are believed what they say: that names exist only up to the labels they chose (RFC 4470), or
 * that a name exists without types (RFC 9824); with NXNAME among its types it does not exist.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_DENIAL_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_DENIAL_H

#include "common/dns/nsec3.h"
#include "daemons/resolver/rrset.h"

struct denial {
	const uint8_t *zone; /* that signed all of them, any case */
	const struct rrset *const *sets; /* verified NSEC and NSEC3; others in between are passed over */
	unsigned count;
	struct nsec3_hasher *hasher;
	/*
	 * Hashes that may still be computed, of one iteration each (RFC 9276, CVE-2023-50868): a name costs
	 * 1 + iterations of them. Counted down; shared by all proofs of one client question.
	 */
	uint32_t *hashes;
};

enum denial_verdict {
	DENIAL_NOT_PROVEN, /* the proof is missing or says otherwise: bogus */
	DENIAL_PROVEN,
	/*
	 * There may be an unsigned delegation: an opt-out span covers the name (RFC 5155 6), or the NSEC3 have more
	 * iterations than are computed here (RFC 9276 3.2: ITERATIONS_MAX). The answer is insecure, not bogus.
	 */
	DENIAL_INSECURE,
	DENIAL_LIMIT, /* hashes are used up, or libcrypto failed: cannot be told */
};

/*
 * name does not exist, nothing is below it (RFC 8020), and no wildcard stands for it. DENIAL_INSECURE for opt-out:
 * the wildcard was denied all the same (RFC 5155 8.4).
 */
enum denial_verdict denial_name_error(const struct denial *d, const uint8_t *name);

/*
 * name exists, itself or by a wildcard or as an empty non-terminal, and has neither type nor CNAME. For DS the
 * proof has to come from the parent's side of a cut, for all else not (RFC 6840 4.1, 4.4; RFC 4035 5.2); the root
 * has no parent and answers for itself. RR_ANY: it has no types but those of the proof. DENIAL_INSECURE also for a
 * name inside an opt-out span that is no delegation: empty non-terminals above unsigned delegations are not in the
 * chain (RFC 5155 7.1, errata 3441).
 */
enum denial_verdict denial_nodata(const struct denial *d, const uint8_t *name, uint16_t type);

/*
 * An answer for name was expanded from a wildcard; labels is that of its RRSIG. No closer match exists (RFC 4035
 * 5.3.4, RFC 5155 8.8: the next closer name, not only name, is covered). DENIAL_NOT_PROVEN where labels is not below
 * those of name: that is no expansion, and needs no proof.
 */
enum denial_verdict denial_wildcard(const struct denial *d, const uint8_t *name, unsigned labels);

/* What the parent zone says about DS at name (RFC 4035 5.2, RFC 5155 8.6 and 8.9, RFC 6840 4.4, 5.8). */
enum denial_ds {
	DENIAL_DS_NOT_PROVEN,
	DENIAL_DS_INSECURE,   /* a delegation without DS; or inside an opt-out span, where there may be one */
	DENIAL_DS_NO_CUT,     /* proved: no delegation here, the name is in the zone itself, or an empty non-terminal */
	DENIAL_DS_NO_NAME,    /* proved: neither it nor anything below exists */
	DENIAL_DS_ITERATIONS, /* more iterations than are computed: insecure */
	DENIAL_DS_LIMIT,      /* as DENIAL_LIMIT */
};

/* name is below the zone; for its apex it is never proved, that is for the parent to say. */
enum denial_ds denial_ds(const struct denial *d, const uint8_t *name);

#endif
