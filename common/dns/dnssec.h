/*
 * The arithmetic of DNSSEC: key tags, digests of keys, and whether a signature was made with a key. libcrypto
 * does the work; here is what RFC 4034 feeds it. No policy, no clock, no chain of trust: those are the
 * validator's. Programs that link this link $(CRYPTO_LIBS).
 *
 * Everything that is parsed comes from strangers and may be anything.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_DNSSEC_H
#define BULKHEAD_COMMON_DNS_DNSSEC_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dnssec_algorithm {
	DNSSEC_RSASHA1 = 5,
	DNSSEC_RSASHA1_NSEC3 = 7,
	DNSSEC_RSASHA256 = 8,
	DNSSEC_RSASHA512 = 10,
	DNSSEC_ECDSAP256 = 13,
	DNSSEC_ECDSAP384 = 14,
	DNSSEC_ED25519 = 15,
	DNSSEC_ED448 = 16,
};

enum dnssec_digest { DNSSEC_SHA1 = 1, DNSSEC_SHA256 = 2, DNSSEC_SHA384 = 4 };
#define DNSSEC_DIGEST_MAX 48

enum dnskey_flags { DNSKEY_SEP = 0x0001, DNSKEY_REVOKE = 0x0080 /* RFC 5011 */, DNSKEY_ZONE = 0x0100 };

/* Parsed RDATA; pointers lead into it. */
struct dnskey {
	uint16_t flags;
	uint8_t protocol;
	uint8_t algorithm;
	uint16_t tag; /* RFC 4034 B */
	const uint8_t *key;
	size_t key_len;
};

struct rrsig {
	uint16_t covered;
	uint8_t algorithm;
	uint8_t labels;
	uint32_t original_ttl;
	uint32_t expiration; /* serial numbers (RFC 4034 3.1.5): compared as RFC 1982 says */
	uint32_t inception;
	uint16_t tag;
	const uint8_t *signer; /* wire form, uncompressed, as it came */
	const uint8_t *signature;
	size_t signature_len;
};

struct ds {
	uint16_t tag;
	uint8_t algorithm;
	uint8_t digest_type;
	const uint8_t *digest;
	size_t digest_len;
};

/* BH_EMALFORMED: not RDATA of that type. Algorithm, protocol and flags are not judged. */
int dnskey_parse(const uint8_t *rdata, size_t len, struct dnskey *out) BH_CHECKED;
int rrsig_parse(const uint8_t *rdata, size_t len, struct rrsig *out) BH_CHECKED;
int ds_parse(const uint8_t *rdata, size_t len, struct ds *out) BH_CHECKED;

/*
 * What libcrypto has, opened once per process before the sandbox is entered: it reads files of its own then.
 * Each algorithm is tried out, because some systems forbid RSA with SHA-1 by policy; where that is so, zones
 * signed with it only are insecure (RFC 4035 5.2), not bogus. Afterwards it opens nothing; for elliptic curves it
 * may ask the kernel for random octets (getpid, getrandom).
 */
struct dnssec;

/* NULL: out of memory, or libcrypto lacks what every system must have (RSA with SHA-256, P-256). */
struct dnssec *dnssec_new(void);
void dnssec_free(struct dnssec *dnssec);

/*
 * Can signatures of this algorithm be verified here (RFC 8624 3.1: 5, 7, 8, 10, 13, 14, 15, 16)? To be asked before
 * a key is made: one that cannot be made is of a zone that is insecure, or bogus.
 */
bool dnssec_has_algorithm(const struct dnssec *dnssec, uint8_t algorithm);
/* Shall it have algorithms 5 and 7 (RFC 9905)? It does from the beginning. DS with SHA-1 are not affected. */
void dnssec_use_sha1(struct dnssec *dnssec, bool use);
/* Digest types 1, 2, 4. */
bool dnssec_has_digest(const struct dnssec *dnssec, uint8_t digest_type);

/*
 * A public key ready for use. NULL: of an algorithm that is not known, malformed (a modulus that is even, of less
 * than 512 bit, RSA/SHA-512: 1024, or of more than 4096; an exponent that is even, 1 or above 64 bit; a point that is
 * not on P-256 or P-384), or out of memory. Octets that are no point of Ed25519 or Ed448 make a key under which every
 * signature is bad. Copies what it needs of dnskey; may be used for any number of signatures.
 */
struct dnssec_key;
struct dnssec_key *dnssec_key_new(struct dnssec *dnssec, const struct dnskey *dnskey);
void dnssec_key_free(struct dnssec_key *key);
/* Octets of memory that it takes, estimated. */
size_t dnssec_key_size(const struct dnssec_key *key);

/*
 * Does ds speak of this key of owner, by tag, algorithm and digest (RFC 4034 5.1.4)? False as well for a digest of an
 * unknown type or wrong length. Whether it is a zone key (RFC 4034 5.2) is for the caller to see.
 */
bool dnssec_ds_matches(struct dnssec *dnssec, const struct ds *ds, const uint8_t *owner, const uint8_t *dnskey_rdata,
		       size_t dnskey_len);

/*
 * An RRset of class IN: rdata is count times u16 length, RDATA that is valid (rdata_is_valid) and has no compressed
 * names; any order. Records that differ in the case of their names only count as one (RFC 4034 6.3).
 */
struct dnssec_rrset {
	const uint8_t *owner;
	uint16_t type;
	uint16_t count;
	const uint8_t *rdata;
	size_t rdata_len;
};

enum dnssec_verdict {
	DNSSEC_GOOD,
	DNSSEC_BAD,    /* not made with this key over this RRset */
	DNSSEC_FAILED, /* memory, or libcrypto itself; a set above SIGNED_RECORDS_MAX, SIGNED_RDATA_MAX, or none */
};

/*
 * Was sig made with key over set (RFC 4034 3.1.8.1, 6.2, 6.3)? Owner in lower case, for sig->labels below its
 * labels the wildcard it was expanded from (RFC 4035 5.3.2); TTL is sig->original_ttl; names in RDATA folded as
 * canonical_fold says, records in canonical order. The caller has checked before what needs no arithmetic:
 * type covered, class, labels, signer, dates, tag. One call is one verification; a signature of another algorithm
 * than the key's, of the wrong length, or with more labels than the owner is DNSSEC_BAD at no cost.
 */
enum dnssec_verdict dnssec_verify(struct dnssec *dnssec, const struct dnssec_key *key, const struct rrsig *sig,
				  const struct dnssec_rrset *set);

#endif
