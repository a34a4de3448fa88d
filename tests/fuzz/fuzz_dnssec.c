/*
 * Fuzz target: RDATA of DNSKEY, RRSIG and DS, and an RRset to verify. Input: three times u16 length and RDATA, the
 * type of the set, its owner (no pointers), then records as dnssec_verify has them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#define INPUT_MAX 8192

struct input {
	const uint8_t *rdata[3]; /* DNSKEY, RRSIG, DS */
	size_t len[3];
	uint16_t type;
	const uint8_t *owner;
	const uint8_t *records;
	size_t records_len;
	uint16_t count;
};

/* What the caller of dnssec_verify has made sure of: a name, and records that are valid for their type. */
static bool take(struct cursor *c, struct input *in)
{
	for (unsigned i = 0; i < 3; i++) {
		in->rdata[i] = cursor_blob(c, &in->len[i]);
	}
	in->type = cursor_u16(c);
	if (c->failed) {
		return false;
	}
	int owner_len = dname_check(c->base + c->pos, cursor_left(c));
	if (owner_len < 0) {
		return false;
	}
	in->owner = cursor_bytes(c, (size_t)owner_len);
	in->records_len = cursor_left(c);
	in->records = c->base + c->pos;
	while (cursor_left(c) > 0) {
		size_t len;
		const uint8_t *rdata = cursor_blob(c, &len);
		if (rdata == NULL || !rdata_is_valid(in->type, rdata, len)) {
			return false;
		}
		in->count++;
	}
	return !c->failed;
}

/* The same records, the last one first. */
static void reverse(const struct input *in, uint8_t *out)
{
	struct cursor c = cursor_of(in->records, in->records_len);
	size_t end = in->records_len;
	while (cursor_left(&c) > 0) {
		size_t len;
		const uint8_t *rdata = cursor_blob(&c, &len);
		end -= 2 + len;
		memcpy(out + end, rdata - 2, 2 + len);
	}
}

static void upper(uint8_t *out, const uint8_t *name)
{
	for (size_t i = 0; i < dname_len(name); i++) {
		out[i] = name[i] >= 'a' && name[i] <= 'z' ? (uint8_t)(name[i] - 0x20) : name[i];
	}
}

static void verify(struct dnssec *dnssec, const struct dnssec_key *key, const struct rrsig *sig, struct input *in)
{
	uint8_t turned[INPUT_MAX];
	uint8_t owner[DNAME_MAX];
	struct dnssec_rrset set = { .owner = in->owner, .type = in->type, .count = in->count, .rdata = in->records,
				    .rdata_len = in->records_len };
	enum dnssec_verdict verdict = dnssec_verify(dnssec, key, sig, &set);
	FUZZ_CHECK((verdict == DNSSEC_FAILED) <= (in->count == 0 || in->count > SIGNED_RECORDS_MAX));
	/* Neither order nor case matters. */
	reverse(in, turned);
	upper(owner, in->owner);
	set.rdata = turned;
	set.owner = owner;
	FUZZ_CHECK(dnssec_verify(dnssec, key, sig, &set) == verdict);
	if (verdict == DNSSEC_GOOD) { /* but everything else does */
		struct rrsig other = *sig;
		other.original_ttl ^= 1;
		FUZZ_CHECK(dnssec_verify(dnssec, key, &other, &set) == DNSSEC_BAD);
		other = *sig;
		other.signature_len--;
		FUZZ_CHECK(dnssec_verify(dnssec, key, &other, &set) == DNSSEC_BAD);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dnssec *dnssec;
	struct cursor c = cursor_of(data, size);
	struct input in = { .count = 0 };
	struct dnskey dnskey;
	struct rrsig sig;
	struct ds ds;
	if (dnssec == NULL) {
		dnssec = dnssec_new();
		FUZZ_CHECK(dnssec != NULL);
	}
	if (size > INPUT_MAX || !take(&c, &in)) {
		return 0;
	}
	bool has_key = dnskey_parse(in.rdata[0], in.len[0], &dnskey) == BH_OK;
	FUZZ_CHECK(has_key == rdata_is_valid(RR_DNSKEY, in.rdata[0], in.len[0]));
	bool has_sig = rrsig_parse(in.rdata[1], in.len[1], &sig) == BH_OK;
	FUZZ_CHECK(has_sig == rdata_is_valid(RR_RRSIG, in.rdata[1], in.len[1]));
	bool has_ds = ds_parse(in.rdata[2], in.len[2], &ds) == BH_OK;
	FUZZ_CHECK(has_ds == rdata_is_valid(RR_DS, in.rdata[2], in.len[2]));
	if (!has_key) {
		return 0;
	}
	if (has_ds && dnssec_ds_matches(dnssec, &ds, in.owner, in.rdata[0], in.len[0])) {
		FUZZ_CHECK(ds.tag == dnskey.tag && ds.algorithm == dnskey.algorithm);
		FUZZ_CHECK(dnssec_has_digest(dnssec, ds.digest_type));
	}
	struct dnssec_key *key = dnssec_key_new(dnssec, &dnskey);
	if (key != NULL) {
		FUZZ_CHECK(dnssec_has_algorithm(dnssec, dnskey.algorithm) && dnssec_key_size(key) > 0);
		if (has_sig) {
			verify(dnssec, key, &sig, &in);
		}
	}
	dnssec_key_free(key);
	return 0;
}
