/*
 * Keys, digests and signatures, with the examples of the RFCs: those were made by others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dnssec.h"

#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/common/dns/wire.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>

/* --- records from text ------------------------------------------------------------------------------ */

static void add_base64(struct wire *w, const char *text)
{
	uint8_t out[1024];
	size_t len = strlen(text);
	cr_assert(len % 4 == 0 && len / 4 * 3 <= sizeof(out));
	int got = EVP_DecodeBlock(out, (const uint8_t *)text, (int)len);
	cr_assert_gt(got, 0, "%s", text);
	size_t padding = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	wire_add(w, out, (size_t)got - padding);
}

static struct wire dnskey_of(unsigned flags, unsigned algorithm, const char *base64)
{
	struct wire w = { .len = 0 };
	const uint8_t fixed[] = { (uint8_t)(flags >> 8), (uint8_t)flags, 3, (uint8_t)algorithm };
	wire_add(&w, fixed, sizeof(fixed));
	add_base64(&w, base64);
	return w;
}

/* RDATA of an RRSIG whose dates are numbers. */
static struct wire rrsig_of(unsigned covered, unsigned algorithm, unsigned labels, uint32_t ttl, uint32_t expiration,
			    uint32_t inception, unsigned tag, const char *signer, const char *base64)
{
	struct wire w = { .len = 18 };
	struct name name = name_of(signer);
	put_u16(w.bytes, (uint16_t)covered);
	w.bytes[2] = (uint8_t)algorithm;
	w.bytes[3] = (uint8_t)labels;
	put_u32(w.bytes + 4, ttl);
	put_u32(w.bytes + 8, expiration);
	put_u32(w.bytes + 12, inception);
	put_u16(w.bytes + 16, (uint16_t)tag);
	wire_add(&w, name.wire, name.len);
	add_base64(&w, base64);
	return w;
}

/* Records of an RRset: u16 length and RDATA each, from hex with '|' between them. */
static struct wire rdata_of(const char *hex)
{
	struct wire w = { .len = 0 };
	while (*hex != '\0') {
		char one[2048];
		size_t len = strcspn(hex, "|");
		cr_assert_lt(len, sizeof(one));
		memcpy(one, hex, len);
		one[len] = '\0';
		struct wire rdata = wire_of(one);
		uint8_t prefix[2];
		put_u16(prefix, (uint16_t)rdata.len);
		wire_add(&w, prefix, 2);
		wire_add(&w, rdata.bytes, rdata.len);
		hex += len + (hex[len] == '|');
	}
	return w;
}

/* --- one example ------------------------------------------------------------------------------------ */

struct example {
	const char *source;
	unsigned flags;
	unsigned algorithm;
	const char *key;
	unsigned tag;
	const char *zone;
	const char *owner;
	unsigned type;
	const char *rdata; /* hex; see rdata_of */
	unsigned labels;
	uint32_t expiration;
	uint32_t inception;
	const char *signature;
};

#define AI "02 6169 07 6578616d706c65 00"

static const struct example examples[] = {
	{ "RFC 4035 B.1", 256, 5,
	  "AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFHyhl94C+NwILQdzsU"
	  "lSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==",
	  38519, "example.", "a.z.w.example.", RR_MX, "0001" AI, 2, 1084127779, 1081535779,
	  "OMK8rAZlepfzLWW75Dxd63jy2wswESzxDKG2f9AMN1CytCd10cYISAxfAdvXSZ7xujKAtPbctvOQ2ofO7AZJ+d01EeeQTVBPq4/6KCWh"
	  "qe2XTjnkVLNvvhnc0u28aoSsG0+4InvkkOHknKxw4kX18MMR34i8lC36SR5xBni8vHI=" },
	{ "RFC 5702 6.1", 256, 8,
	  "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=", 9033,
	  "example.net.", "www.example.net.", RR_A, "c000025b", 3, 1893456000, 946684800,
	  "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==" },
	{ "RFC 5702 6.2", 256, 10,
	  "AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJ"
	  "CQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
	  3740, "example.net.", "www.example.net.", RR_A, "c000025b", 3, 1893456000, 946684800,
	  "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagY"
	  "JRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=" },
	{ "RFC 6605 6.1", 257, 13,
	  "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==", 55648,
	  "example.net.", "www.example.net.", RR_A, "c0000201", 3, 1284026679, 1281607479,
	  "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==" },
	{ "RFC 6605 6.2", 257, 14,
	  "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6"
	  "Glur8I/mlVNgF6W/qTI37m40",
	  10771, "example.net.", "www.example.net.", RR_A, "c0000201", 3, 1284027625, 1281608425,
	  "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bd"
	  "cJzusdnI0RSMROxxwGipWcJm" },
	{ "RFC 8080 6.1", 257, 15, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", 3613, "example.com.",
	  "example.com.", RR_MX, "000a 04 6d61696c 07 6578616d706c65 03 636f6d 00", 2, 1440021600, 1438207200,
	  "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==" },
	{ "RFC 8080 6.1", 257, 15, "zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=", 35217, "example.com.",
	  "example.com.", RR_MX, "000a 04 6d61696c 07 6578616d706c65 03 636f6d 00", 2, 1440021600, 1438207200,
	  "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==" },
	{ "RFC 8080 6.2", 257, 16,
	  "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA", 9713, "example.com.",
	  "example.com.", RR_MX, "000a 04 6d61696c 07 6578616d706c65 03 636f6d 00", 2, 1440021600, 1438207200,
	  "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07"
	  "+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA" },
	{ "RFC 8080 6.2", 257, 16,
	  "kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA", 38353, "example.com.",
	  "example.com.", RR_MX, "000a 04 6d61696c 07 6578616d706c65 03 636f6d 00", 2, 1440021600, 1438207200,
	  "E1/oLjSGIbmLny/4fcgM1z4oL6aqo+izT3urCyHyvEp4Sp8Syg1eI+lJ57CSnZqjJP41O/9l4m0AsQ4f7qI1gVnML8vWWiyW2KXhT9ku"
	  "AICUSxv5OWbf81Rq7Yu60npabODB0QFPb/rkW3kUZmQ0YQUA" },
};

/* An example in wire form, for tests to change before it is tried. */
struct trial {
	struct wire dnskey;
	struct wire rrsig;
	struct wire rdata;
	struct name owner;
	uint16_t type;
	uint16_t count;
};

static struct trial trial_of(const struct example *e)
{
	struct trial t = { .type = (uint16_t)e->type, .count = 1 };
	t.dnskey = dnskey_of(e->flags, e->algorithm, e->key);
	t.rrsig = rrsig_of(e->type, e->algorithm, e->labels, 3600, e->expiration, e->inception, e->tag, e->zone,
			   e->signature);
	t.rdata = rdata_of(e->rdata);
	t.owner = name_of(e->owner);
	for (const char *p = e->rdata; *p != '\0'; p++) {
		t.count += *p == '|';
	}
	return t;
}

static struct dnssec *dnssec;

static void open_dnssec(void)
{
	dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
}

static void close_dnssec(void)
{
	dnssec_free(dnssec);
}

TestSuite(dnssec, .init = open_dnssec, .fini = close_dnssec);

static struct dnssec_key *key_of(const struct wire *rdata)
{
	struct dnskey dnskey;
	cr_assert_eq(dnskey_parse(rdata->bytes, rdata->len, &dnskey), BH_OK);
	return dnssec_key_new(dnssec, &dnskey);
}

static enum dnssec_verdict verify_with(const struct dnssec_key *key, const struct trial *t)
{
	struct rrsig sig;
	const struct dnssec_rrset set = { .owner = t->owner.wire, .type = t->type, .count = t->count,
					  .rdata = t->rdata.bytes, .rdata_len = t->rdata.len };
	cr_assert_eq(rrsig_parse(t->rrsig.bytes, t->rrsig.len, &sig), BH_OK);
	return dnssec_verify(dnssec, key, &sig, &set);
}

/* A key that cannot be used at all is as bad as one that did not sign. */
static enum dnssec_verdict verify(const struct trial *t)
{
	struct dnssec_key *key = key_of(&t->dnskey);
	enum dnssec_verdict verdict = key == NULL ? DNSSEC_BAD : verify_with(key, t);
	dnssec_key_free(key);
	return verdict;
}

/* Octets of an RRSIG before the signature. */
static size_t rrsig_head(const struct trial *t)
{
	struct rrsig sig;
	cr_assert_eq(rrsig_parse(t->rrsig.bytes, t->rrsig.len, &sig), BH_OK);
	return (size_t)(sig.signature - t->rrsig.bytes);
}

Test(dnssec, verifies_the_examples_of_the_rfcs)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct trial t = trial_of(&examples[i]);
		struct dnskey dnskey;
		cr_assert_eq(dnskey_parse(t.dnskey.bytes, t.dnskey.len, &dnskey), BH_OK);
		cr_expect_eq(dnskey.tag, examples[i].tag, "%s: tag %u", examples[i].source, dnskey.tag);
		cr_expect(dnssec_has_algorithm(dnssec, (uint8_t)examples[i].algorithm), "%s", examples[i].source);
		cr_expect_eq(verify(&t), DNSSEC_GOOD, "%s, tag %u", examples[i].source, examples[i].tag);
	}
}

/* Is the octet at `at` of a name in wire[name_at..) a letter, so that its bit 0x20 says nothing? */
static bool is_case_bit(const uint8_t *wire, size_t at, unsigned bit)
{
	uint8_t lower = wire[at] | 0x20;
	return bit == 5 && lower >= 'a' && lower <= 'z';
}

Test(dnssec, rejects_every_flipped_bit_of_a_signature)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct trial t = trial_of(&examples[i]);
		struct dnssec_key *key = key_of(&t.dnskey);
		size_t head = rrsig_head(&t);
		cr_assert_not_null(key);
		for (size_t bit = 0; bit < 8 * t.rrsig.len; bit++) {
			size_t at = bit / 8;
			if (at < 18 + dname_len(t.rrsig.bytes + 18) && at >= 18 && dname_fold(t.rrsig.bytes[at]) < 64) {
				continue; /* a length octet of the signer: no name any more */
			}
			t.rrsig.bytes[at] ^= (uint8_t)(1u << bit % 8);
			enum dnssec_verdict want = at >= 18 && at < head && is_case_bit(t.rrsig.bytes, at, bit % 8)
							   ? DNSSEC_GOOD
							   : DNSSEC_BAD;
			cr_expect_eq(verify_with(key, &t), want, "%s: bit %zu of RRSIG", examples[i].source, bit);
			t.rrsig.bytes[at] ^= (uint8_t)(1u << bit % 8);
		}
		cr_expect_eq(verify_with(key, &t), DNSSEC_GOOD); /* the key is none the worse for it */
		dnssec_key_free(key);
	}
}

Test(dnssec, rejects_every_flipped_bit_of_the_records)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct trial t = trial_of(&examples[i]);
		struct dnssec_key *key = key_of(&t.dnskey);
		cr_assert_not_null(key);
		for (size_t bit = 8 * 2; bit < 8 * t.rdata.len; bit++) {
			uint8_t *octet = &t.rdata.bytes[bit / 8];
			bool is_name = t.type == RR_MX && bit / 8 >= 4;
			*octet ^= (uint8_t)(1u << bit % 8);
			if (rdata_is_valid(t.type, t.rdata.bytes + 2, t.rdata.len - 2)) {
				enum dnssec_verdict want =
					is_name && is_case_bit(octet, 0, bit % 8) ? DNSSEC_GOOD : DNSSEC_BAD;
				cr_expect_eq(verify_with(key, &t), want, "%s: bit %zu", examples[i].source, bit);
			}
			*octet ^= (uint8_t)(1u << bit % 8);
		}
		t.type ^= RR_A ^ RR_TXT;
		cr_expect_eq(verify_with(key, &t), DNSSEC_BAD, "%s: type", examples[i].source);
		dnssec_key_free(key);
	}
}

Test(dnssec, rejects_every_flipped_bit_of_a_key)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct trial t = trial_of(&examples[i]);
		for (size_t bit = 8 * 4; bit < 8 * t.dnskey.len; bit++) {
			t.dnskey.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_expect_eq(verify(&t), DNSSEC_BAD, "%s: bit %zu", examples[i].source, bit);
			t.dnskey.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

Test(dnssec, rejects_signatures_of_another_length)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct trial t = trial_of(&examples[i]);
		struct dnssec_key *key = key_of(&t.dnskey);
		size_t head = rrsig_head(&t);
		size_t whole = t.rrsig.len;
		cr_assert_not_null(key);
		for (t.rrsig.len = head + 1; t.rrsig.len < whole; t.rrsig.len++) {
			cr_expect_eq(verify_with(key, &t), DNSSEC_BAD, "%s: %zu", examples[i].source, t.rrsig.len);
		}
		for (unsigned more = 1; more < 70; more++) {
			t.rrsig.bytes[t.rrsig.len++] = 0;
			cr_expect_eq(verify_with(key, &t), DNSSEC_BAD, "%s: %u more", examples[i].source, more);
		}
		/* A zero in front, as of a number that is written with more octets. */
		t.rrsig.len = whole + 1;
		memmove(t.rrsig.bytes + head + 1, t.rrsig.bytes + head, whole - head);
		t.rrsig.bytes[head] = 0;
		cr_expect_eq(verify_with(key, &t), DNSSEC_BAD, "%s", examples[i].source);
		dnssec_key_free(key);
	}
}

/* Order of the group, octets of P-256 and P-384. */
#define ORDER_P256 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_P384 \
	"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"

Test(dnssec, rejects_ecdsa_numbers_out_of_range)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		if (examples[i].algorithm != DNSSEC_ECDSAP256 && examples[i].algorithm != DNSSEC_ECDSAP384) {
			continue;
		}
		struct wire order = wire_of(examples[i].algorithm == DNSSEC_ECDSAP256 ? ORDER_P256 : ORDER_P384);
		const struct trial good = trial_of(&examples[i]);
		size_t head = rrsig_head(&good);
		for (unsigned which = 0; which < 3; which++) { /* r, s, both */
			for (unsigned value = 0; value < 4; value++) { /* 0, n, n + 1, as large as can be */
				struct trial t = good;
				for (unsigned half = 0; half < 2; half++) {
					uint8_t *number = t.rrsig.bytes + head + half * order.len;
					if (which != half && which != 2) {
						continue;
					}
					memset(number, value == 3 ? 0xff : 0, order.len);
					if (value == 1 || value == 2) {
						memcpy(number, order.bytes, order.len);
						number[order.len - 1] += (uint8_t)(value - 1);
					}
				}
				cr_expect_eq(verify(&t), DNSSEC_BAD, "%s: %u %u", examples[i].source, which, value);
			}
		}
	}
}

Test(dnssec, takes_no_key_of_another_length)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct trial good = trial_of(&examples[i]);
		bool is_rsa = examples[i].algorithm <= DNSSEC_RSASHA512;
		for (size_t len = 5; len < good.dnskey.len + 40; len++) {
			struct trial t = good;
			t.dnskey.len = len; /* zeros behind it */
			if (len != good.dnskey.len) {
				struct dnssec_key *key = key_of(&t.dnskey);
				cr_expect(is_rsa || key == NULL, "%s: %zu", examples[i].source, len);
				dnssec_key_free(key);
				cr_expect_eq(verify(&t), DNSSEC_BAD, "%s: %zu", examples[i].source, len);
			}
		}
	}
}

Test(dnssec, takes_no_point_that_is_not_on_the_curve)
{
	for (unsigned algorithm = DNSSEC_ECDSAP256; algorithm <= DNSSEC_ECDSAP384; algorithm++) {
		for (unsigned fill = 0; fill < 256; fill += 51) {
			struct wire w = { .bytes = { 1, 0, 3, (uint8_t)algorithm }, .len = 4 };
			w.len += algorithm == DNSSEC_ECDSAP256 ? 64 : 96;
			memset(w.bytes + 4, (int)fill, w.len - 4);
			cr_expect_null(key_of(&w), "%u %02x", algorithm, fill);
		}
	}
}

/* An RSA key with a modulus of that many bits, all ones or with an even end. */
static struct wire rsa_of(unsigned algorithm, const char *exponent_hex, unsigned bits, bool even)
{
	struct wire w = { .bytes = { 1, 0, 3, (uint8_t)algorithm }, .len = 4 };
	wire_add_hex(&w, exponent_hex);
	size_t at = w.len;
	w.len += (bits + 7) / 8;
	cr_assert_leq(w.len, sizeof(w.bytes));
	memset(w.bytes + at, 0xff, w.len - at);
	if (bits % 8 != 0) {
		w.bytes[at] = (uint8_t)((1u << bits % 8) - 1);
	}
	w.bytes[w.len - 1] -= even;
	return w;
}

Test(dnssec, takes_rsa_keys_within_limits_only)
{
	static const struct {
		unsigned algorithm;
		const char *exponent; /* with its length */
		unsigned bits;
		bool even;
		bool good;
	} cases[] = {
		{ 8, "03 010001", 511, false, false },
		{ 8, "03 010001", 512, false, true },
		{ 8, "03 010001", 513, false, true },
		{ 8, "03 010001", 4095, false, true },
		{ 8, "03 010001", 4096, false, true },
		{ 8, "03 010001", 4097, false, false },
		{ 8, "03 010001", 16384, false, false },
		{ 5, "03 010001", 512, false, true },
		{ 7, "03 010001", 511, false, false },
		{ 10, "03 010001", 1023, false, false },
		{ 10, "03 010001", 1024, false, true },
		{ 10, "03 010001", 4097, false, false },
		{ 8, "03 010001", 1024, true, false },
		{ 8, "01 00", 1024, false, false },
		{ 8, "01 01", 1024, false, false },
		{ 8, "01 02", 1024, false, false },
		{ 8, "01 03", 1024, false, true },
		{ 8, "03 010000", 1024, false, false },
		{ 8, "05 0100000001", 1024, false, true },
		{ 8, "08 ffffffffffffffff", 1024, false, true },
		{ 8, "09 010000000000000001", 1024, false, false },
		{ 8, "0a 0000ffffffffffffffff", 1024, false, true },
		{ 8, "00 0003 010001", 1024, false, true }, /* RFC 3110 2: the long form, where it is not needed */
		{ 8, "00 0000", 1024, false, false },
		{ 8, "ff", 1024, false, false },
		{ 8, "00 ffff", 1024, false, false },
		{ 8, "03 010001", 0, false, false },
		{ 8, "80", 1024, false, false }, /* nothing is left for the modulus */
		{ 8, "03 010001 00", 1024, false, true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = rsa_of(cases[i].algorithm, cases[i].exponent, cases[i].bits, cases[i].even);
		struct dnssec_key *key = key_of(&w);
		cr_expect_eq(key != NULL, cases[i].good, "case %zu: %s, %u bit", i, cases[i].exponent, cases[i].bits);
		cr_expect(key == NULL || dnssec_key_size(key) > cases[i].bits / 8);
		dnssec_key_free(key);
	}
}

Test(dnssec, zeros_before_rsa_numbers_change_nothing)
{
	struct trial t = trial_of(&examples[1]);
	struct wire w = { .len = 0 };
	cr_assert_eq(t.dnskey.bytes[4], 3);
	wire_add(&w, t.dnskey.bytes, 4);
	wire_add_hex(&w, "05 0000");
	wire_add(&w, t.dnskey.bytes + 5, 3);
	wire_add_hex(&w, "000000");
	wire_add(&w, t.dnskey.bytes + 8, t.dnskey.len - 8);
	t.dnskey = w;
	cr_expect_eq(verify(&t), DNSSEC_GOOD);
}

Test(dnssec, folds_names_and_knows_wildcards)
{
	static const struct {
		const char *owner;
		const char *signer;
		const char *rdata;
		enum dnssec_verdict verdict;
	} cases[] = {
		{ "a.z.w.example.", "example.", "0001" AI, DNSSEC_GOOD },
		{ "A.Z.W.EXAMPLE.", "eXaMpLe.", "0001 02 4169 07 4578414d706c45 00", DNSSEC_GOOD },
		{ "b.w.example.", "example.", "0001" AI, DNSSEC_GOOD },
		{ "*.w.example.", "example.", "0001" AI, DNSSEC_GOOD },
		{ "*.x.W.example.", "example.", "0001" AI, DNSSEC_GOOD },
		{ "w.example.", "example.", "0001" AI, DNSSEC_BAD },
		{ "example.", "example.", "0001" AI, DNSSEC_BAD },
		{ "*.example.", "example.", "0001" AI, DNSSEC_BAD },
		{ ".", "example.", "0001" AI, DNSSEC_BAD },
		{ "a.z.v.example.", "example.", "0001" AI, DNSSEC_BAD },
		{ "a.z.w.example.", "w.example.", "0001" AI, DNSSEC_BAD },
		{ "a.z.w.example.", "example.", "0002" AI, DNSSEC_BAD },
		{ "a.z.w.example.", "example.", "0001 02 6169 00", DNSSEC_BAD },
	};
	const struct example *e = &examples[0];
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trial t = trial_of(e);
		t.owner = name_of(cases[i].owner);
		t.rrsig = rrsig_of(e->type, e->algorithm, 2, 3600, e->expiration, e->inception, e->tag,
				   cases[i].signer, e->signature);
		t.rdata = rdata_of(cases[i].rdata);
		cr_expect_eq(verify(&t), cases[i].verdict, "%s %s %s", cases[i].owner, cases[i].signer, cases[i].rdata);
	}
}

/* --- what is signed, octet by octet ----------------------------------------------------------------- */

/*
 * Sign octets that the test wrote down itself, the first `head` of which are RRSIG RDATA, with a key of its own;
 * gives the trial its key and RRSIG.
 */
static void sign_octets(struct trial *t, const uint8_t *message, size_t head, size_t message_len)
{
	static const uint8_t seed[32] = { 'a', ' ', 'k', 'e', 'y', ' ', 'o', 'f', ' ', 't', 'e', 's', 't', 's' };
	uint8_t signature[64];
	size_t len = sizeof(signature);
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	cr_assert(pkey != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1);
	cr_assert_eq(EVP_DigestSign(ctx, signature, &len, message, message_len), 1);
	t->dnskey = wire_of("0100 03 0f");
	t->dnskey.len += 32;
	len = 32;
	cr_assert_eq(EVP_PKEY_get_raw_public_key(pkey, t->dnskey.bytes + 4, &len), 1);
	t->rrsig = (struct wire){ .len = 0 };
	wire_add(&t->rrsig, message, head);
	wire_add(&t->rrsig, signature, sizeof(signature));
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

#define DATES "00000e10 50000000 40000000 1234" /* TTL, expiration, inception, tag */
#define EX "02 6578 00"
#define A_EX "01 61 02 6578 00 0001 0001 00000e10" /* a.ex. A IN 3600 */

Test(dnssec, signs_records_in_canonical_form_and_order)
{
	static const struct {
		const char *what;
		uint16_t type;
		const char *owner;
		const char *rdata;
		const char *head;
		const char *records;
	} cases[] = {
		{ "order of octets", RR_A, "a.ex.", "ff000000|00000001|7f000001|80000000|00000000",
		  "0001 0f 02" DATES EX,
		  A_EX "0004 00000000" A_EX "0004 00000001" A_EX "0004 7f000001" A_EX "0004 80000000"
		  A_EX "0004 ff000000" },
		{ "what is shorter comes first", RR_TXT, "a.ex.", "02 6161 01 62|01 61|00|02 6161|01 6100",
		  "0010 0f 02" DATES EX,
		  "01 61 02 6578 00 0010 0001 00000e10 0001 00"
		  "01 61 02 6578 00 0010 0001 00000e10 0002 01 61"
		  "01 61 02 6578 00 0010 0001 00000e10 0003 01 6100"
		  "01 61 02 6578 00 0010 0001 00000e10 0003 02 6161"
		  "01 61 02 6578 00 0010 0001 00000e10 0005 02 6161 01 62" },
		/* 'B' < 'a', but b > a. */
		{ "order of folded names", RR_NS, "a.ex.", "01 42 00|01 61 00|01 43 00", "0002 0f 02" DATES EX,
		  "01 61 02 6578 00 0002 0001 00000e10 0003 01 61 00"
		  "01 61 02 6578 00 0002 0001 00000e10 0003 01 62 00"
		  "01 61 02 6578 00 0002 0001 00000e10 0003 01 63 00" },
		{ "the same but for case", RR_NS, "a.ex.", "01 42 00|01 61 00|01 62 00", "0002 0f 02" DATES EX,
		  "01 61 02 6578 00 0002 0001 00000e10 0003 01 61 00"
		  "01 61 02 6578 00 0002 0001 00000e10 0003 01 62 00" },
		/* RFC 6840 5.1 */
		{ "NSEC as it stands", RR_NSEC, "A.eX.", "01 42 00 0001 40", "002f 0f 02" DATES EX,
		  "01 61 02 6578 00 002f 0001 00000e10 0006 01 42 00 0001 40" },
		{ "an unknown type as it stands", 0xff00, "A.eX.", "01 42 00", "ff00 0f 02" DATES EX,
		  "01 61 02 6578 00 ff00 0001 00000e10 0003 01 42 00" },
		{ "SVCB as it stands", RR_SVCB, "a.ex.", "0001 01 42 00", "0040 0f 02" DATES EX,
		  "01 61 02 6578 00 0040 0001 00000e10 0005 0001 01 42 00" },
		{ "both names of SOA", RR_SOA, "ex.", "01 4e 00 01 48 00 4142434445464748494a4b4c4d4e4f5051525354",
		  "0006 0f 01" DATES EX,
		  "02 6578 00 0006 0001 00000e10 001a 01 6e 00 01 68 00 4142434445464748494a4b4c4d4e4f5051525354" },
		{ "no letters of strings", RR_NAPTR, "ex.", "0001 0002 01 55 01 53 00 01 42 00", "0023 0f 01" DATES EX,
		  "02 6578 00 0023 0001 00000e10 000c 0001 0002 01 55 01 53 00 01 62 00" },
		{ "the root", RR_NS, ".", "01 42 00", "0002 0f 00" DATES "00",
		  "00 0002 0001 00000e10 0003 01 62 00" },
		{ "a wildcard of the root", RR_A, "b.a.ex.", "00000001", "0001 0f 00" DATES "00",
		  "01 2a 00 0001 0001 00000e10 0004 00000001" },
		{ "empty RDATA", 0xff00, "ex.", "|00", "ff00 0f 01" DATES EX,
		  "02 6578 00 ff00 0001 00000e10 0000 02 6578 00 ff00 0001 00000e10 0001 00" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trial t = { .owner = name_of(cases[i].owner), .type = cases[i].type, .count = 1 };
		t.rdata = rdata_of(cases[i].rdata);
		for (const char *p = cases[i].rdata; *p != '\0'; p++) {
			t.count += *p == '|';
		}
		struct wire message = wire_of(cases[i].head);
		size_t head = message.len;
		wire_add_hex(&message, cases[i].records);
		sign_octets(&t, message.bytes, head, message.len);
		cr_expect_eq(verify(&t), DNSSEC_GOOD, "%s", cases[i].what);
	}
}

/* RFC 4034 3.1.3: the asterisk is no label of a wildcard, not even when the signature is right otherwise. */
Test(dnssec, more_labels_than_the_owner_has_are_bad)
{
	static const struct {
		const char *owner;
		const char *head;
		const char *records;
		enum dnssec_verdict verdict;
	} cases[] = {
		{ "*.ex.", "0001 0f 01" DATES EX, "01 2a 02 6578 00 0001 0001 00000e10 0004 00000001", DNSSEC_GOOD },
		{ "*.ex.", "0001 0f 02" DATES EX, "01 2a 02 6578 00 0001 0001 00000e10 0004 00000001", DNSSEC_BAD },
		{ "ex.", "0001 0f 02" DATES EX, "02 6578 00 0001 0001 00000e10 0004 00000001", DNSSEC_BAD },
		{ "ex.", "0001 0f ff" DATES EX, "02 6578 00 0001 0001 00000e10 0004 00000001", DNSSEC_BAD },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trial t = { .owner = name_of(cases[i].owner), .type = RR_A, .count = 1 };
		t.rdata = rdata_of("00000001");
		struct wire message = wire_of(cases[i].head);
		size_t head = message.len;
		wire_add_hex(&message, cases[i].records);
		sign_octets(&t, message.bytes, head, message.len);
		cr_expect_eq(verify(&t), cases[i].verdict, "%s %s", cases[i].owner, cases[i].head);
	}
}

/* One number of 256 is an octet shorter in DER than the others, and every second one has a zero in front. */
Test(dnssec, verifies_ecdsa_numbers_of_all_lengths)
{
	struct trial t = { .owner = name_of("a.ex."), .type = RR_A, .count = 1, .rdata = rdata_of("00000001") };
	const struct wire head = wire_of("0001 0d 02" DATES EX);
	struct wire message = head;
	unsigned seen[2] = { 0, 0 };
	wire_add_hex(&message, A_EX "0004 00000001");
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t point[65];
	size_t point_len = sizeof(point);
	cr_assert(pkey != NULL && ctx != NULL);
	cr_assert_eq(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, point_len, &point_len), 1);
	t.dnskey = wire_of("0100 03 0d");
	wire_add(&t.dnskey, point + 1, 64);
	struct dnssec_key *key = key_of(&t.dnskey);
	cr_assert_not_null(key);
	for (unsigned tries = 0; tries < 20000 && (seen[0] == 0 || seen[1] == 0); tries++) {
		uint8_t der[80];
		uint8_t raw[64];
		size_t len = sizeof(der);
		const uint8_t *p = der;
		cr_assert_eq(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL), 1);
		cr_assert_eq(EVP_DigestSign(ctx, der, &len, message.bytes, message.len), 1);
		ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
		cr_assert(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
			  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
		ECDSA_SIG_free(sig);
		seen[0] += raw[0] == 0;
		seen[1] += raw[32] == 0;
		if (tries < 20 || raw[0] == 0 || raw[32] == 0) {
			t.rrsig = head;
			wire_add(&t.rrsig, raw, sizeof(raw));
			cr_expect_eq(verify_with(key, &t), DNSSEC_GOOD, "r %02x%02x, s %02x%02x", raw[0], raw[1],
				     raw[32], raw[33]);
		}
	}
	cr_expect(seen[0] > 0 && seen[1] > 0);
	dnssec_key_free(key);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

Test(dnssec, takes_as_many_records_as_the_bound_says)
{
	static uint8_t message[64 + (SIGNED_RECORDS_MAX + 1) * 22];
	static const uint8_t fixed[] = { 1, 'a', 2, 'e', 'x', 0, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 10, 0 };
	for (unsigned count = SIGNED_RECORDS_MAX - 1; count <= SIGNED_RECORDS_MAX + 1; count++) {
		struct trial t = { .owner = name_of("a.ex."), .type = RR_A, .count = (uint16_t)count };
		struct wire head = wire_of("0001 0f 02" DATES EX);
		struct sink s = sink_of(message, sizeof(message));
		sink_bytes(&s, head.bytes, head.len);
		for (unsigned i = 0; i < count; i++) {
			/* 5 has no factor in common with the counts: every address once, in no order. */
			uint8_t record[] = { 0, 4, 10, 0, (uint8_t)(i * 5 % count >> 8), (uint8_t)(i * 5 % count) };
			wire_add(&t.rdata, record, sizeof(record));
			sink_bytes(&s, fixed, sizeof(fixed));
			sink_u16(&s, (uint16_t)i);
		}
		cr_assert_not(s.failed);
		sign_octets(&t, message, head.len, s.pos);
		cr_expect_eq(verify(&t), count <= SIGNED_RECORDS_MAX ? DNSSEC_GOOD : DNSSEC_FAILED, "%u", count);
	}
}

Test(dnssec, records_that_are_not_as_many_as_counted_are_no_set)
{
	struct trial t = trial_of(&examples[3]);
	t.count = 2;
	cr_expect_eq(verify(&t), DNSSEC_FAILED);
	t.count = 0;
	cr_expect_eq(verify(&t), DNSSEC_FAILED);
	t.count = 1;
	t.rdata.len--;
	cr_expect_eq(verify(&t), DNSSEC_FAILED);
	t.count = 0;
	t.rdata.len = 0;
	cr_expect_eq(verify(&t), DNSSEC_FAILED);
}

/* The largest set that can come: names of 255 octets in owner and RDATA. */
Test(dnssec, has_room_for_the_longest_names)
{
	static uint8_t rdata[SIGNED_RECORDS_MAX * (2 + DNAME_MAX)];
	struct trial t = trial_of(&examples[3]);
	struct name longest = name_of_len(DNAME_MAX, 'X');
	struct sink s = sink_of(rdata, sizeof(rdata));
	for (unsigned i = 0; i < SIGNED_RECORDS_MAX; i++) {
		put_u16(longest.wire + 1, (uint16_t)(0x6100 + i));
		sink_blob(&s, longest.wire, longest.len);
	}
	cr_assert(!s.failed);
	struct dnssec_key *key = key_of(&t.dnskey);
	struct rrsig sig;
	cr_assert_eq(rrsig_parse(t.rrsig.bytes, t.rrsig.len, &sig), BH_OK);
	sig.signer = longest.wire;
	sig.labels = (uint8_t)dname_label_count(longest.wire);
	const struct dnssec_rrset set = { .owner = longest.wire, .type = RR_NS, .count = SIGNED_RECORDS_MAX,
					  .rdata = rdata, .rdata_len = s.pos };
	cr_expect_eq(dnssec_verify(dnssec, key, &sig, &set), DNSSEC_BAD); /* it got as far as the signature */
	dnssec_key_free(key);
}

/* --- DS --------------------------------------------------------------------------------------------- */

static const struct {
	const char *source;
	const char *owner;
	unsigned flags;
	unsigned algorithm;
	const char *key;
	const char *ds; /* hex of RDATA */
} ds_examples[] = {
	{ "RFC 4034 5.4", "dskey.example.com.", 256, 5,
	  "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+"
	  "X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
	  "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118" },
	{ "RFC 4509 2.3", "dskey.example.com.", 256, 5,
	  "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+"
	  "X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
	  "ec45 05 02 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a" },
	{ "RFC 6605 6.1", "example.net.", 257, 13,
	  "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
	  "d960 0d 02 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17" },
	{ "RFC 6605 6.2", "example.net.", 257, 14,
	  "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6"
	  "Glur8I/mlVNgF6W/qTI37m40",
	  "2a13 0e 04 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6" },
	{ "RFC 8080 6.1", "example.com.", 257, 15, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
	  "0e1d 0f 02 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b" },
};

static bool ds_matches(const struct wire *ds_rdata, const char *owner, const struct wire *dnskey)
{
	struct name name = name_of(owner);
	struct ds ds;
	cr_assert_eq(ds_parse(ds_rdata->bytes, ds_rdata->len, &ds), BH_OK);
	return dnssec_ds_matches(dnssec, &ds, name.wire, dnskey->bytes, dnskey->len);
}

Test(dnssec, finds_the_key_of_a_ds)
{
	for (size_t i = 0; i < COUNT(ds_examples); i++) {
		struct wire key = dnskey_of(ds_examples[i].flags, ds_examples[i].algorithm, ds_examples[i].key);
		struct wire ds = wire_of(ds_examples[i].ds);
		const char *source = ds_examples[i].source;
		char upper[64];
		size_t at = 0;
		for (; ds_examples[i].owner[at] != '\0'; at++) {
			upper[at] = ds_examples[i].owner[at] >= 'a' ? (char)(ds_examples[i].owner[at] - 32)
								     : ds_examples[i].owner[at];
		}
		upper[at] = '\0';
		cr_expect(ds_matches(&ds, ds_examples[i].owner, &key), "%s", source);
		cr_expect(ds_matches(&ds, upper, &key), "%s: case", source);
		cr_expect_not(ds_matches(&ds, "example.org.", &key), "%s: owner", source);
		for (size_t bit = 0; bit < 8 * ds.len; bit++) {
			ds.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_expect_not(ds_matches(&ds, ds_examples[i].owner, &key), "%s: bit %zu", source, bit);
			ds.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * key.len; bit++) {
			key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_expect_not(ds_matches(&ds, ds_examples[i].owner, &key), "%s: bit %zu of key", source, bit);
			key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t len = 5; len < ds.len + 20; len++) {
			struct wire other = ds;
			other.len = len;
			cr_expect_eq(ds_matches(&other, ds_examples[i].owner, &key), len == ds.len, "%s: %zu", source,
				     len);
		}
	}
}

/* --- what is known ---------------------------------------------------------------------------------- */

Test(dnssec, knows_what_rfc8624_asks_of_a_validator)
{
	for (unsigned number = 0; number < 256; number++) {
		bool algorithm = number == 5 || number == 7 || number == 8 || number == 10 ||
				 (number >= 13 && number <= 16);
		bool digest = number == 1 || number == 2 || number == 4;
		cr_expect_eq(dnssec_has_algorithm(dnssec, (uint8_t)number), algorithm, "%u", number);
		cr_expect_eq(dnssec_has_digest(dnssec, (uint8_t)number), digest, "%u", number);
	}
}

Test(dnssec, makes_no_key_of_an_unknown_algorithm)
{
	struct trial t = trial_of(&examples[1]);
	for (unsigned number = 0; number < 256; number++) {
		t.dnskey.bytes[3] = (uint8_t)number;
		struct dnssec_key *key = key_of(&t.dnskey);
		cr_expect_eq(key != NULL, number == 5 || number == 7 || number == 8, "%u", number); /* 512 bit */
		dnssec_key_free(key);
	}
}

Test(dnssec, a_key_is_of_its_algorithm_only)
{
	struct trial t = trial_of(&examples[0]);
	t.dnskey.bytes[3] = DNSSEC_RSASHA1_NSEC3;
	cr_expect_eq(verify(&t), DNSSEC_BAD);
}

/* --- parsing ---------------------------------------------------------------------------------------- */

Test(dnssec, parses_no_rdata_that_is_cut)
{
	struct trial t = trial_of(&examples[4]);
	struct wire ds_rdata = wire_of(ds_examples[3].ds);
	struct dnskey key;
	struct rrsig sig;
	struct ds ds;
	for (size_t len = 0; len <= t.dnskey.len; len++) {
		cr_expect_eq(dnskey_parse(t.dnskey.bytes, len, &key), len > 4 ? BH_OK : BH_EMALFORMED, "%zu", len);
	}
	cr_expect(key.flags == 257 && key.protocol == 3 && key.algorithm == 14 && key.tag == 10771 &&
		  key.key == t.dnskey.bytes + 4 && key.key_len == 96);
	for (size_t len = 0; len <= t.rrsig.len; len++) {
		int want = len > 18 + 13 ? BH_OK : BH_EMALFORMED;
		cr_expect_eq(rrsig_parse(t.rrsig.bytes, len, &sig), want, "%zu", len);
	}
	cr_expect(sig.covered == RR_A && sig.algorithm == 14 && sig.labels == 3 && sig.original_ttl == 3600 &&
		  sig.expiration == 1284027625 && sig.inception == 1281608425 && sig.tag == 10771 &&
		  sig.signer == t.rrsig.bytes + 18 && sig.signature == t.rrsig.bytes + 31 && sig.signature_len == 96);
	for (size_t len = 0; len <= ds_rdata.len; len++) {
		cr_expect_eq(ds_parse(ds_rdata.bytes, len, &ds), len > 4 ? BH_OK : BH_EMALFORMED, "%zu", len);
	}
	cr_expect(ds.tag == 10771 && ds.algorithm == 14 && ds.digest_type == 4 && ds.digest == ds_rdata.bytes + 4 &&
		  ds.digest_len == 48);
	t.rrsig.bytes[18] = 0xc0; /* the signer is never compressed (RFC 4034 3.1.7) */
	cr_expect_eq(rrsig_parse(t.rrsig.bytes, t.rrsig.len, &sig), BH_EMALFORMED);
}

/* RFC 4034 B: sums that are carried over, an odd octet at the end, the longest RDATA. */
Test(dnssec, adds_up_key_tags)
{
	static uint8_t rdata[UINT16_MAX + 1];
	struct dnskey key;
	static const struct {
		const char *rdata;
		uint16_t tag;
	} cases[] = {
		{ "0101 0308 01", 0x0509 }, /* 0101 + 0308 + 0100 */
		{ "0101 0308 0102", 0x050b },
		{ "ffff 0308 ffff", 0x0308 }, /* 0x20306: 2 is carried */
		{ "ffff ffff ff", 0xff00 },   /* 0x2fefe */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(cases[i].rdata);
		cr_assert_eq(dnskey_parse(w.bytes, w.len, &key), BH_OK);
		cr_expect_eq(key.tag, cases[i].tag, "%s: %04x", cases[i].rdata, key.tag);
	}
	memset(rdata, 0xff, sizeof(rdata));
	cr_assert_eq(dnskey_parse(rdata, UINT16_MAX, &key), BH_OK);
	/* 32767 * 0xffff + 0xff00 = 0x7fff7f01, and 0x7fff + 0x7f01 = 0xff00 */
	cr_expect_eq(key.tag, 0xff00, "%04x", key.tag);
	cr_expect_eq(dnskey_parse(rdata, UINT16_MAX + 1, &key), BH_EMALFORMED);
}
