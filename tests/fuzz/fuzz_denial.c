/*
 * NSEC and NSEC3 sets of a hostile zone, which may sign whatever it likes, and proofs from them.
 *
 * Input: zone, name, labels and type of the question, then sets: a kind, an owner, RDATA. Names are made of few labels,
 * so that they meet each other, and hashes are those of such names or next to them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/fuzz/fuzz.h"

#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/denial.h"

#include <string.h>

enum { SETS = 24, HASHES = 5000 };

struct made {
	struct rrset set;
	uint8_t owner[DNAME_MAX];
	uint8_t *rdata; /* of its own size, so that reading past the end is seen */
};

static struct nsec3_hasher *hasher;
static struct made made[SETS];

/* Up to seven labels of few kinds, above one of three zones or not. */
static void make_name(struct fuzz_input *in, const uint8_t *zone, uint8_t out[DNAME_MAX])
{
	static const char *const labels[] = { "\001a", "\001b", "\001*", "\001z", "\001B", "\002ab", "\001\377", "\001y" };
	unsigned choice = fuzz_u8(in);
	size_t len = 0;
	for (unsigned left = choice & 7; left > 0; left--) {
		const char *label = labels[fuzz_u8(in) & 7];
		memcpy(out + len, label, 1 + (size_t)label[0]);
		len += 1 + (size_t)label[0];
	}
	const uint8_t *end = (choice & 0xc0) == 0xc0 ? (const uint8_t *)"" : zone;
	memcpy(out + len, end, dname_len(end));
}

/* The hash of a name, one less, one more, or what the input says. */
static void make_hash(struct fuzz_input *in, const uint8_t *zone, const uint8_t *salt, size_t salt_len,
		      unsigned iterations, uint8_t out[NSEC3_HASH_SIZE])
{
	uint8_t name[DNAME_MAX];
	unsigned how = fuzz_u8(in) & 3;
	make_name(in, zone, name);
	FUZZ_CHECK(nsec3_hash(hasher, name, salt, salt_len, iterations & 63, out) == BH_OK);
	if (how == 3) {
		memset(out, fuzz_u8(in), NSEC3_HASH_SIZE);
	}
	out[NSEC3_HASH_SIZE - 1] = (uint8_t)(out[NSEC3_HASH_SIZE - 1] + (how == 2) - (how == 1));
}

static size_t make_types(struct fuzz_input *in, uint8_t *out)
{
	static const uint8_t maps[][20] = {
		{ 0 },					    /* none */
		{ 8, 0, 6, 0x40, 0, 0, 0, 0, 0x03 },	    /* A RRSIG NSEC */
		{ 8, 0, 6, 0x22, 0, 0, 0, 0, 0x03 },	    /* NS SOA RRSIG NSEC */
		{ 8, 0, 6, 0x20, 0, 0, 0, 0, 0x03 },	    /* NS RRSIG NSEC */
		{ 8, 0, 6, 0x20, 0, 0, 0, 0, 0x13 },	    /* NS DS RRSIG NSEC */
		{ 8, 0, 6, 0x04, 0, 0, 0, 0, 0x03 },	    /* CNAME RRSIG NSEC */
		{ 8, 0, 6, 0, 0, 0, 0, 0x01, 0x03 },	    /* DNAME RRSIG NSEC */
		{ 19, 0, 17, 0, 0, 0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 }, /* RRSIG NSEC NXNAME */
	};
	unsigned choice = fuzz_u8(in);
	if (choice < 8) {
		memcpy(out, maps[choice] + 1, maps[choice][0]);
		return maps[choice][0];
	}
	size_t len = choice & 15;
	for (size_t i = 0; i < len; i++) {
		out[i] = fuzz_u8(in);
	}
	return len;
}

static void make_set(struct fuzz_input *in, const uint8_t *zone, struct made *m)
{
	uint8_t rdata[1024];
	size_t len = 0;
	unsigned kind = fuzz_u8(in);
	uint16_t type = kind & 1 ? RR_NSEC3 : RR_NSEC;
	make_name(in, zone, m->owner);
	if ((kind & 0x80) != 0) { /* anything */
		for (len = 0; len < (kind & 0x7e); len++) {
			rdata[len] = fuzz_u8(in);
		}
	} else if (type == RR_NSEC) {
		make_name(in, zone, rdata);
		len = dname_len(rdata);
		len += make_types(in, rdata + len);
	} else {
		uint8_t salt[4] = { 1, 2, 3, 4 };
		uint8_t salt_len = kind >> 1 & 1;
		uint8_t iterations = kind >> 2 & 1 ? fuzz_u8(in) : 0;
		uint8_t hash[NSEC3_HASH_SIZE];
		make_hash(in, zone, salt, salt_len, iterations, hash);
		if (dname_len(zone) + 33 <= DNAME_MAX && (kind & 0x40) == 0) {
			m->owner[0] = 32;
			base32hex_encode(hash, sizeof(hash), m->owner + 1);
			memcpy(m->owner + 33, zone, dname_len(zone));
		}
		uint8_t fixed[] = { 1, kind >> 3 & 1, 0, iterations, salt_len };
		memcpy(rdata, fixed, sizeof(fixed));
		len = sizeof(fixed);
		memcpy(rdata + len, salt, salt_len);
		len += salt_len;
		rdata[len++] = NSEC3_HASH_SIZE;
		make_hash(in, zone, salt, salt_len, iterations, rdata + len);
		len += NSEC3_HASH_SIZE;
		len += make_types(in, rdata + len);
	}
	m->rdata = malloc(2 + len);
	FUZZ_CHECK(m->rdata != NULL);
	put_u16(m->rdata, (uint16_t)len);
	memcpy(m->rdata + 2, rdata, len);
	m->set = (struct rrset){ .owner = m->owner, .type = type, .count = 1, .rdata = m->rdata, .rdata_len = 2 + (uint32_t)len,
				 .labels = (uint8_t)(dname_label_count(m->owner) - dname_is_wildcard(m->owner)) };
}

struct answers {
	int name_error;
	int nodata;
	int ds_nodata;
	int ds;
	int wildcard;
};

static struct answers ask(const struct denial *d, const uint8_t *name, uint16_t type, unsigned labels)
{
	struct answers a;
	*d->hashes = HASHES;
	a.name_error = (int)denial_name_error(d, name);
	FUZZ_CHECK(*d->hashes <= HASHES); /* nothing is given back */
	*d->hashes = HASHES;
	a.nodata = (int)denial_nodata(d, name, type);
	a.ds_nodata = (int)denial_nodata(d, name, RR_DS);
	*d->hashes = HASHES;
	a.ds = (int)denial_ds(d, name);
	*d->hashes = HASHES;
	a.wildcard = (int)denial_wildcard(d, name, labels);
	FUZZ_CHECK(*d->hashes + DENIAL_CHAINS_MAX * (1 + ITERATIONS_MAX) >= HASHES); /* one name for each chain */
	return a;
}

static void judge(const struct denial *d, const uint8_t *name, uint16_t type, unsigned labels, bool nsec_only)
{
	struct answers a = ask(d, name, type, labels);

	if (!dname_is_under(name, d->zone)) { /* nothing can be said about other zones */
		FUZZ_CHECK(a.name_error == DENIAL_NOT_PROVEN && a.nodata == DENIAL_NOT_PROVEN &&
			   a.ds == DENIAL_DS_NOT_PROVEN && a.wildcard == DENIAL_NOT_PROVEN);
	}
	if (nsec_only) {
		/* NSEC never is insecure but for a delegation, and costs no hash. */
		FUZZ_CHECK(a.name_error <= DENIAL_PROVEN && a.nodata <= DENIAL_PROVEN && a.wildcard <= DENIAL_PROVEN);
		FUZZ_CHECK(a.ds <= DENIAL_DS_NO_NAME && *d->hashes == HASHES);
		/* A name that is not there is no cut, one that is a cut has no DS, and the other way round. */
		FUZZ_CHECK(a.name_error != DENIAL_PROVEN || a.ds == DENIAL_DS_NO_NAME);
		FUZZ_CHECK(a.ds != DENIAL_DS_NO_NAME || a.name_error == DENIAL_PROVEN);
		FUZZ_CHECK(a.ds != DENIAL_DS_INSECURE || a.nodata != DENIAL_PROVEN || type == RR_DS);
	}
	/* Without hashes only NSEC proves. */
	uint32_t none = 0;
	struct denial poor = *d;
	poor.hashes = &none;
	int without = (int)denial_name_error(&poor, name);
	FUZZ_CHECK(without == a.name_error || without == DENIAL_LIMIT || without == DENIAL_INSECURE);

	/* The case of a name means nothing. */
	uint8_t lower[DNAME_MAX];
	dname_copy_lower(lower, name);
	struct answers b = ask(d, lower, type, labels);
	FUZZ_CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = { "", "\001z", "\001b\001Z", "\001z\002ab" };
	struct fuzz_input in = { data, size };
	const struct rrset *sets[SETS];
	uint8_t name[DNAME_MAX];
	uint32_t hashes = HASHES;
	bool nsec_only = true;
	unsigned count = 0;

	if (hasher == NULL) {
		hasher = nsec3_hasher_new();
		FUZZ_CHECK(hasher != NULL);
	}
	const uint8_t *zone = (const uint8_t *)zones[fuzz_u8(&in) & 3];
	make_name(&in, zone, name);
	unsigned labels = fuzz_u8(&in) & 7;
	static const uint16_t types[] = { RR_A, RR_NS, RR_SOA, RR_CNAME, RR_NSEC, RR_ANY, RR_NXNAME, RR_DNAME };
	uint16_t type = types[fuzz_u8(&in) & 7];
	while (in.left > 0 && count < SETS) {
		make_set(&in, zone, &made[count]);
		nsec_only = nsec_only && made[count].set.type == RR_NSEC;
		sets[count] = &made[count].set;
		count++;
	}
	struct denial d = { .zone = zone, .sets = sets, .count = count, .hasher = hasher, .hashes = &hashes };
	judge(&d, name, type, labels, nsec_only);
	for (unsigned i = 0; i < count; i++) {
		free(made[i].rdata);
	}
	return 0;
}
