/*
 * Keys of the made-up Internet. Signatures are made the way libcrypto offers, and not with any code of the
 * verifier. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim_key.h"

#include "common/dns/dnssec.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

struct sim_key {
	uint8_t algorithm;
	EVP_PKEY *pkey;
};

static EVP_PKEY *generate(uint8_t algorithm, unsigned bits)
{
	switch (algorithm) {
	case DNSSEC_ECDSAP256:
		return EVP_EC_gen("P-256");
	case DNSSEC_ECDSAP384:
		return EVP_EC_gen("P-384");
	case DNSSEC_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case DNSSEC_ED448:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	default:
		return EVP_RSA_gen(bits);
	}
}

struct sim_key *sim_key_new(uint8_t algorithm, unsigned bits)
{
	struct sim_key *key = calloc(1, sizeof(*key));
	cr_assert_not_null(key);
	key->algorithm = algorithm;
	key->pkey = generate(algorithm, bits);
	cr_assert_not_null(key->pkey, "no key of algorithm %u", algorithm);
	return key;
}

void sim_key_free(struct sim_key *key)
{
	if (key != NULL) {
		EVP_PKEY_free(key->pkey);
		free(key);
	}
}

static void sink_number(struct sink *s, const EVP_PKEY *pkey, const char *name, bool with_length)
{
	BIGNUM *number = NULL;
	cr_assert_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
	size_t len = (size_t)BN_num_bytes(number);
	if (with_length) {
		sink_u8(s, (uint8_t)len);
	}
	uint8_t *room = sink_room(s, len);
	cr_assert_not_null(room);
	BN_bn2bin(number, room);
	BN_free(number);
}

static void sink_public(struct sink *s, const struct sim_key *key)
{
	uint8_t bytes[200];
	size_t len = sizeof(bytes);
	switch (key->algorithm) {
	case DNSSEC_ECDSAP256:
	case DNSSEC_ECDSAP384:
		cr_assert_eq(EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes, len, &len), 1);
		cr_assert_eq(bytes[0], 4); /* uncompressed */
		sink_bytes(s, bytes + 1, len - 1);
		break;
	case DNSSEC_ED25519:
	case DNSSEC_ED448:
		cr_assert_eq(EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len), 1);
		sink_bytes(s, bytes, len);
		break;
	default:
		sink_number(s, key->pkey, OSSL_PKEY_PARAM_RSA_E, true);
		sink_number(s, key->pkey, OSSL_PKEY_PARAM_RSA_N, false);
	}
}

uint16_t sim_key_dnskey(const struct sim_key *key, uint16_t flags, uint8_t number, uint8_t out[SIM_DNSKEY_MAX])
{
	struct sink s = sink_of(out, SIM_DNSKEY_MAX);
	sink_u16(&s, flags);
	sink_u8(&s, 3);
	sink_u8(&s, number);
	sink_public(&s, key);
	cr_assert_not(s.failed);
	return (uint16_t)s.pos;
}

static const char *hash_of(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
		return "SHA1";
	case DNSSEC_RSASHA512:
		return "SHA512";
	case DNSSEC_ECDSAP384:
		return "SHA384";
	case DNSSEC_ED25519:
	case DNSSEC_ED448:
		return NULL;
	default:
		return "SHA256";
	}
}

size_t sim_key_sign(const struct sim_key *key, const uint8_t *message, size_t len, uint8_t out[SIM_SIGNATURE_MAX])
{
	size_t out_len = SIM_SIGNATURE_MAX;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	cr_assert_not_null(ctx);
	cr_assert_eq(EVP_DigestSignInit_ex(ctx, NULL, hash_of(key->algorithm), NULL, NULL, key->pkey, NULL), 1);
	cr_assert_eq(EVP_DigestSign(ctx, out, &out_len, message, len), 1);
	EVP_MD_CTX_free(ctx);
	if (key->algorithm == DNSSEC_ECDSAP256 || key->algorithm == DNSSEC_ECDSAP384) {
		int half = key->algorithm == DNSSEC_ECDSAP256 ? 32 : 48;
		const uint8_t *der = out;
		ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)out_len);
		cr_assert_not_null(sig);
		cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half), half);
		cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half), half);
		ECDSA_SIG_free(sig);
		out_len = 2 * (size_t)half;
	}
	return out_len;
}

/* --- keys that collide ------------------------------------------------------------------------------ */

static uint16_t tag_of(const uint8_t *rdata, uint16_t len)
{
	struct dnskey dnskey;
	cr_assert_eq(dnskey_parse(rdata, len, &dnskey), BH_OK);
	return dnskey.tag;
}

/* Flags of no meaning: all but ZONE, REVOKE, SEP. */
#define FREE_FLAGS 0xfe7e

static bool set_tag(uint8_t *rdata, uint16_t len, uint16_t tag)
{
	unsigned away = (tag + 65535u - tag_of(rdata, len)) % 65535u;
	unsigned flags = DNSKEY_ZONE + away;
	if ((flags & ~(unsigned)FREE_FLAGS) != DNSKEY_ZONE) {
		return false;
	}
	put_u16(rdata, (uint16_t)flags);
	return tag_of(rdata, len) == tag;
}

uint16_t sim_key_colliding(uint8_t algorithm, unsigned bits, uint16_t tag, uint8_t out[SIM_DNSKEY_MAX])
{
	uint16_t len;
	do {
		struct sink s = sink_of(out, SIM_DNSKEY_MAX);
		sink_u16(&s, DNSKEY_ZONE);
		sink_u8(&s, 3);
		sink_u8(&s, algorithm);
		if (algorithm == DNSSEC_ECDSAP256 || algorithm == DNSSEC_ECDSAP384) {
			struct sim_key *key = sim_key_new(algorithm, 0); /* points must be on the curve */
			sink_public(&s, key);
			sim_key_free(key);
		} else {
			size_t size = algorithm == DNSSEC_ED25519 ? 32 : algorithm == DNSSEC_ED448 ? 57 : bits / 8;
			if (size == bits / 8) {
				sink_bytes(&s, "\003\001\000\001", 4);
			}
			uint8_t *number = sink_room(&s, size);
			cr_assert_not_null(number);
			rand_bytes(number, size);
			if (size == bits / 8) {
				number[0] |= 0x80;
				number[size - 1] |= 1;
			}
		}
		cr_assert_not(s.failed);
		len = (uint16_t)s.pos;
	} while (!set_tag(out, len, tag));
	return len;
}
