/*
 * Signed zones in the made-up Internet: keys, DS, RRSIG, NSEC or NSEC3, and ways to get each of them wrong.
 *
 * Zones are signed from the leaves to the root: the DS of a delegation are added when the parent is signed, from
 * the keys of the children that were signed before. A zone on several servers is signed on each of them and has
 * the same keys everywhere. Servers then answer queries with DO as authorities do (RFC 4035 3.1, RFC 5155 7.2).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_RESOLVER_SIM_SIGN_H
#define BULKHEAD_TESTS_RESOLVER_SIM_SIGN_H

#include "tests/unit/daemons/resolver/sim.h"

#include <stdio.h>

/* Unix time at which everything is to be validated; signatures are good from a day before to ten days after. */
#define SIM_SIGN_TIME 1700000000u
#define SIM_SIGN_BEFORE 86400u
#define SIM_SIGN_AFTER 864000u
/* Wrong by more than what is granted to wrong clocks. */
#define SIM_SIGN_WRONG 172800u

enum sim_fault {
	/* Of signatures: all of the zone, or those that fault_name and fault_type choose. */
	SIM_EXPIRED = 1,	   /* SIM_SIGN_WRONG before SIM_SIGN_TIME */
	SIM_NOT_YET = 2,	   /* good from as long after it */
	SIM_WRONG_TAG = 4,	   /* a tag that no key has */
	SIM_WRONG_SIGNER = 8,	   /* signed in the name of the zone "wrong." */
	SIM_WRONG_LABELS = 16,	   /* one more than the owner has */
	SIM_FLIPPED = 32,	   /* one bit of the signature */
	SIM_NO_RRSIG = 64,
	/* Of keys. */
	SIM_NO_DNSKEY = 128,	   /* no DNSKEY RRset at all */
	SIM_NO_ZSK = 256,	   /* the key that signs data is not in it; nothing without two keys */
	SIM_REVOKED = 512,	   /* the key that DS speaks of is revoked (RFC 5011 2.1) */
	SIM_NO_ZONE_FLAG = 1024,   /* keys are no zone keys (RFC 4034 2.1.1) */
	SIM_UNKNOWN_ALGORITHM = 2048, /* number 200 in DNSKEY, RRSIG and DS; signed with P-256 */
	/* Of the DS that the parent gets. */
	SIM_WRONG_DIGEST = 4096,
	SIM_NO_DS = 8192,	   /* an island */
};

/* All zero: P-256, two keys, NSEC, DS with SHA-256, nothing wrong. */
struct sim_signing {
	uint8_t algorithm;	  /* enum dnssec_algorithm */
	bool one_key;		  /* for DNSKEY and for data */
	unsigned rsa_bits;	  /* 0: 1024 */
	uint8_t digest;		  /* of DS; an unknown type has 32 octets of anything */
	bool nsec3;
	bool opt_out;		  /* delegations without DS have no NSEC3 */
	uint16_t iterations;
	const char *salt;	  /* octets as text; NULL: none */
	unsigned faults;	  /* enum sim_fault */
	const char *fault_name;	  /* owner of the signatures that are wrong; NULL: any */
	uint16_t fault_type;	  /* type that they cover; 0: any */
	unsigned strip;		  /* bit n: the RRset n (0..) of NSEC or NSEC3 of each reply is left out */
	unsigned colliding_keys;  /* CVE-2023-50387: more DNSKEYs with the tag of the key that signs data, in front */
	unsigned junk_signatures; /* more RRSIGs, of random octets, in front; chosen like faults */
	unsigned junk_ds;	  /* more DS in the parent with the right tag, of random octets, in front */
};

/* Sign a zone that sim_zone has put on a server. */
void sim_sign(struct sim *sim, const char *addr, const char *zone, const struct sim_signing *how);

/* RDATA of the DS, and of the DNSKEY that it speaks of, of a zone that was signed: for anchors. Octets. */
uint16_t sim_sign_ds(const char *zone, uint8_t out[SIM_RDATA_MAX]);
uint16_t sim_sign_dnskey(const char *zone, uint8_t out[SIM_RDATA_MAX]);

/* The zone as text that other programs read (RFC 3597 5), SOA first. */
void sim_sign_dump(const struct sim *sim, const char *addr, const char *zone, FILE *out);

/* --- for sim.c -------------------------------------------------------------------------------------- */

/* Proofs, for the authority section of a reply (RFC 4035 3.1.3, RFC 5155 7.2). */
void sim_prove_nxdomain(struct sim_serve *s, const uint8_t *qname);
void sim_prove_nodata(struct sim_serve *s, const uint8_t *qname);
/* Data from a wildcard: that there is no closer match. */
void sim_prove_wildcard(struct sim_serve *s, const uint8_t *qname);
void sim_prove_wildcard_nodata(struct sim_serve *s, const uint8_t *qname);
/* A delegation without DS. */
void sim_prove_no_ds(struct sim_serve *s, const uint8_t *cut);

#endif
