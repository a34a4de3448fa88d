/*
 * Which NSEC or NSEC3 an authority sends, for the made-up Internet (RFC 4035 3.1.3, RFC 5155 7.2).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim_sign.h"

#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <string.h>

/* Put a proof with its signatures, once, unless the test wants it left out. NULL: there is none. */
static void put_proof(struct sim_serve *s, const struct sim_record *rr)
{
	for (unsigned i = 0; i < s->proof_count; i++) {
		if (s->proofs[i] == rr) {
			return;
		}
	}
	if (rr == NULL) {
		return; /* a zone that was signed wrongly on purpose */
	}
	cr_assert_lt(s->proof_count, COUNT(s->proofs));
	if ((s->how->strip >> s->proof_count & 1) == 0) {
		(void)sim_put(s, SECTION_AUTHORITY, rr->owner, rr->type);
	}
	s->proofs[s->proof_count++] = rr;
}

static bool is_proof(const struct sim_serve *s, const struct sim_record *rr)
{
	return rr->type == (s->how->nsec3 ? RR_NSEC3 : RR_NSEC) && rr->server == s->server &&
	       dname_equal(rr->zone, s->zone);
}

/* Is x in the gap from a to b of a circle, ends not among it? */
static bool is_between(int a_x, int x_b, int a_b)
{
	return a_b < 0 ? a_x < 0 && x_b < 0 : a_x < 0 || x_b < 0;
}

/* --- NSEC ------------------------------------------------------------------------------------------- */

/* The NSEC of name, or the one whose gap it is in. */
static const struct sim_record *nsec_for(const struct sim_serve *s, const uint8_t *name)
{
	for (unsigned i = 0; i < s->sim->record_count; i++) {
		const struct sim_record *rr = &s->sim->records[i];
		if (is_proof(s, rr) &&
		    (dname_equal(rr->owner, name) ||
		     is_between(dname_compare(rr->owner, name), dname_compare(name, rr->rdata),
				dname_compare(rr->owner, rr->rdata)))) {
			return rr;
		}
	}
	return NULL;
}

/* --- NSEC3 ------------------------------------------------------------------------------------------ */

static void hash_of(const struct sim_serve *s, const uint8_t *name, uint8_t hash[NSEC3_HASH_SIZE])
{
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	cr_assert_not_null(hasher);
	cr_assert_eq(nsec3_hash(hasher, name, s->how->salt, s->how->salt_len, s->how->iterations, hash), BH_OK);
	nsec3_hasher_free(hasher);
}

static const struct sim_record *nsec3_for(const struct sim_serve *s, const uint8_t *name, bool match)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	hash_of(s, name, hash);
	for (unsigned i = 0; i < s->sim->record_count; i++) {
		const struct sim_record *rr = &s->sim->records[i];
		uint8_t own[NSEC3_HASH_SIZE];
		if (!is_proof(s, rr)) {
			continue;
		}
		const uint8_t *next = rr->rdata + 5 + rr->rdata[4] + 1;
		cr_assert_eq(base32hex_decode(rr->owner + 1, 32, own), BH_OK);
		if (match ? memcmp(own, hash, sizeof(own)) == 0
			  : is_between(memcmp(own, hash, sizeof(own)), memcmp(hash, next, sizeof(own)),
				       memcmp(own, next, sizeof(own)))) {
			return rr;
		}
	}
	return NULL;
}

/*
 * RFC 5155 7.2.1: the closest encloser that has an NSEC3, and the name next to it covered. Returns the encloser, in
 * qname.
 */
static const uint8_t *prove_encloser(struct sim_serve *s, const uint8_t *qname, bool with_encloser)
{
	const uint8_t *next = qname;
	const uint8_t *encloser = dname_parent(qname);
	while (nsec3_for(s, encloser, true) == NULL) {
		cr_assert_not(dname_equal(encloser, s->zone));
		next = encloser;
		encloser = dname_parent(encloser);
	}
	if (with_encloser) {
		put_proof(s, nsec3_for(s, encloser, true));
	}
	put_proof(s, nsec3_for(s, next, false));
	return encloser;
}

/* --- both ------------------------------------------------------------------------------------------- */

/* "*" below the closest encloser of a name that is not there. */
static void wildcard_of(const struct sim_serve *s, const uint8_t *qname, uint8_t out[2 + DNAME_MAX])
{
	const uint8_t *encloser = qname;
	while (!sim_exists(s, encloser, true)) {
		encloser = dname_parent(encloser);
	}
	out[0] = 1;
	out[1] = '*';
	memcpy(out + 2, encloser, dname_len(encloser));
}

void sim_prove_nxdomain(struct sim_serve *s, const uint8_t *qname)
{
	uint8_t wildcard[2 + DNAME_MAX];
	if (s->how->nsec3) {
		const uint8_t *encloser = prove_encloser(s, qname, true);
		wildcard[0] = 1;
		wildcard[1] = '*';
		memcpy(wildcard + 2, encloser, dname_len(encloser));
		put_proof(s, nsec3_for(s, wildcard, false));
	} else {
		wildcard_of(s, qname, wildcard);
		put_proof(s, nsec_for(s, qname));
		put_proof(s, nsec_for(s, wildcard));
	}
}

void sim_prove_nodata(struct sim_serve *s, const uint8_t *qname)
{
	if (!s->how->nsec3) {
		put_proof(s, nsec_for(s, qname)); /* of an empty non-terminal: the one before it */
	} else if (nsec3_for(s, qname, true) != NULL) {
		put_proof(s, nsec3_for(s, qname, true));
	} else {
		(void)prove_encloser(s, qname, true); /* RFC 5155 7.2.4: it opted out */
	}
}

void sim_prove_no_ds(struct sim_serve *s, const uint8_t *cut)
{
	sim_prove_nodata(s, cut); /* RFC 5155 7.2.7 */
}

void sim_prove_wildcard(struct sim_serve *s, const uint8_t *qname)
{
	if (s->how->nsec3) {
		(void)prove_encloser(s, qname, false); /* RFC 5155 7.2.6: the signature tells the encloser */
	} else {
		put_proof(s, nsec_for(s, qname));
	}
}

void sim_prove_wildcard_nodata(struct sim_serve *s, const uint8_t *qname)
{
	uint8_t wildcard[2 + DNAME_MAX];
	wildcard_of(s, qname, wildcard);
	if (s->how->nsec3) {
		(void)prove_encloser(s, qname, true); /* RFC 5155 7.2.5 */
		put_proof(s, nsec3_for(s, wildcard, true));
	} else {
		put_proof(s, nsec_for(s, qname));
		put_proof(s, nsec_for(s, wildcard));
	}
}
