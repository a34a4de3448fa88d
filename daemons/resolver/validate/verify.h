/*
 * Judging signatures with the keys of one zone, by the rules of RFC 4035 5.3.1 and 5.3.2, and the keys of a zone by
 * what its parent or the operator says of them (RFC 4035 5.2). No packets here: verify.c is told everything.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_VERIFY_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_VERIFY_H

#include "daemons/resolver/rrset.h"
#include "daemons/resolver/validate/anchors.h"
#include "daemons/resolver/validate/trust.h"

struct memo;

struct verifier {
	struct dnssec *dnssec;
	struct memo *memo; /* of signatures that were found good before */
	uint32_t wall_sec; /* seconds since 1970, modulo 2^32 (RFC 4034 3.1.5) */
	uint32_t min_ttl_sec; /* the operator's floor, which the original TTL of a signature does not undercut */
	/*
	 * Signature checks that may still be made for the client's question (KeyTrap, CVE-2023-50387), in units of one with
	 * P-256. Counted down, also for keys that turn out to be unusable.
	 */
	uint32_t *checks;
};

enum verify_result {
	VERIFY_GOOD,
	VERIFY_BAD,   /* ede and why say what */
	VERIFY_LIMIT, /* checks are used up */
	VERIFY_UNSUPPORTED, /* verify_keys: no DS of an algorithm and digest that are known here: insecure */
	VERIFY_FAILED, /* no memory */
};

struct verify_reason {
	int ede;	 /* enum ede, RFC 8914 */
	const char *why; /* static storage */
};

/*
 * Is set signed by a key of zone, which is secure? VERIFY_GOOD: set->ttl was cut to what the signature allows (RFC
 * 4035 5.3.3), and set->labels is that of the RRSIG: below the owner's labels, the set is a wildcard's expansion, and
 * that nothing closer exists is still to be proved.
 */
enum verify_result verify_set(const struct verifier *v, struct rrset *set, struct trust *zone,
			      struct verify_reason *reason);

/*
 * The signer that the signatures of a set name, into a signature's RDATA: `preferred` if one does, else the first that
 * may sign for owner. NULL: there is none.
 */
const uint8_t *verify_signer(const struct rrset *set, const uint8_t *preferred);

/* Does a DS RRset have one record of an algorithm and a digest that are known here? */
bool verify_has_usable(const struct verifier *v, const struct rrset *ds);

/*
 * Keys of a zone out of its DNSKEY RRset, which must be signed with a key that the parent's DS RRset (verified before) or
 * the operator's anchor (ds NULL) speaks of. VERIFY_GOOD: *out is secure, held for the caller, its expire_ms not set;
 * dnskeys->ttl was cut as above.
 */
enum verify_result verify_keys(const struct verifier *v, const uint8_t *zone, struct rrset *dnskeys,
			       const struct rrset *ds, const struct anchor *anchor, struct trust **out,
			       struct verify_reason *reason);

#endif
