/*
 * Keys, digests and signatures by libcrypto. Keys, signatures and RRsets are whatever strangers sent; what
 * libcrypto gets of them is bounded first. Nothing is fetched by name and no memory of ours taken for a
 * verification: that was done for the process or for the key.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dnssec.h"

#include "common/dns/canonical.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec_known.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum hash { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_COUNT, HASH_NONE };

static const char *const hash_names[HASH_COUNT] = {
	[HASH_SHA1] = "SHA1", [HASH_SHA256] = "SHA256", [HASH_SHA384] = "SHA384", [HASH_SHA512] = "SHA512"
};

enum kind { KIND_NONE, KIND_RSA, KIND_P256, KIND_P384, KIND_ED25519, KIND_ED448, KIND_COUNT };

/* Lengths in octets: the public key as in DNSKEY, a signature. Those of RSA are those of its modulus. */
static const struct {
	const char *name;
	const char *group;
	uint16_t key_len;
	uint16_t signature_len;
	uint16_t memory; /* that libcrypto takes for a key with its context, as measured with 3.0, rounded up */
} kinds[KIND_COUNT] = {
	[KIND_RSA] = { .name = "RSA", .memory = 1408 }, /* and four times the modulus */
	/* RFC 6605 4 */
	[KIND_P256] = { .name = "EC", .group = "P-256", .key_len = 64, .signature_len = 64, .memory = 3072 },
	[KIND_P384] = { .name = "EC", .group = "P-384", .key_len = 96, .signature_len = 96, .memory = 3072 },
	/* RFC 8080 3, 4 */
	[KIND_ED25519] = { .name = "ED25519", .key_len = 32, .signature_len = 64, .memory = 512 },
	[KIND_ED448] = { .name = "ED448", .key_len = 57, .signature_len = 114, .memory = 512 },
};

#define POINT_MAX 96 /* longest key_len of a kind with a group */

#define ALGORITHM_MAX 16

/* RFC 8624 3.1: what a validator must or should verify. */
static const struct {
	enum kind kind;
	enum hash hash;
} algorithms[ALGORITHM_MAX + 1] = {
	[DNSSEC_RSASHA1] = { KIND_RSA, HASH_SHA1 },
	[DNSSEC_RSASHA1_NSEC3] = { KIND_RSA, HASH_SHA1 },
	[DNSSEC_RSASHA256] = { KIND_RSA, HASH_SHA256 },
	[DNSSEC_RSASHA512] = { KIND_RSA, HASH_SHA512 },
	[DNSSEC_ECDSAP256] = { KIND_P256, HASH_SHA256 },
	[DNSSEC_ECDSAP384] = { KIND_P384, HASH_SHA384 },
	[DNSSEC_ED25519] = { KIND_ED25519, HASH_NONE },
	[DNSSEC_ED448] = { KIND_ED448, HASH_NONE },
};

struct dnssec_key {
	uint8_t algorithm;
	uint16_t signature_len;
	size_t size;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verifier; /* ready to verify any number of digests; NULL for Ed25519, Ed448 */
};

/* One record of the set that is being put in order. */
struct record {
	const uint8_t *rdata;
	size_t len;
};

#define RDATA_FIELDS 10 /* octets between owner and RDATA: type, class, TTL, length */
#define RRSIG_FIXED 18	/* octets of an RRSIG before the signer */

enum {
	SCRATCH_RDATA = SIGNED_RDATA_MAX,
	SCRATCH_MESSAGE = RRSIG_FIXED + DNAME_MAX + SIGNED_RDATA_MAX + SIGNED_RECORDS_MAX * (DNAME_MAX + RDATA_FIELDS),
};

struct dnssec {
	EVP_MD *md[HASH_COUNT]; /* NULL: libcrypto does not have it */
	EVP_MD_CTX *hash[HASH_COUNT];
	EVP_MD_CTX *whole; /* for algorithms that hash the message themselves */
	EVP_PKEY_CTX *import[KIND_COUNT]; /* makes keys; NULL: libcrypto does not have the kind */
	EVP_PKEY *curve[KIND_COUNT];	  /* of kinds with a group: a key that has no point yet */
	bool works[ALGORITHM_MAX + 1];
	bool no_sha1; /* dnssec_use_sha1 */
	/*
	 * Scratch of one verification: RDATA with names folded, its records twice (merging goes from one to the
	 * other), the signed octets. Pages that were never written to cost nothing, and few sets are large.
	 */
	struct record records[2][SIGNED_RECORDS_MAX];
	uint8_t *rdata;
	uint8_t *message;
};

static enum kind kind_of(uint8_t algorithm)
{
	return algorithm <= ALGORITHM_MAX ? algorithms[algorithm].kind : KIND_NONE;
}

/* --- keys ------------------------------------------------------------------------------------------- */

/*
 * RFC 3110 2: 512 to 4096 bit; RFC 5702 2.2: RSA/SHA-512 from 1024. The exponent: the largest in use is 2^32 + 1,
 * and what is longer multiplies the work of each verification.
 */
enum { RSA_BITS_MIN = 512, RSA_SHA512_BITS_MIN = 1024, RSA_BITS_MAX = 4096, RSA_EXPONENT_MAX = 8 };

static unsigned bit_length(const uint8_t *number, size_t len)
{
	unsigned bits = 0;
	for (uint8_t top = len == 0 ? 0 : number[0]; top != 0; top >>= 1) {
		bits++;
	}
	return len == 0 ? 0 : (unsigned)(8 * (len - 1)) + bits;
}

static void skip_zeros(const uint8_t **number, size_t *len)
{
	for (; *len > 0 && **number == 0; (*len)--) {
		(*number)++;
	}
}

/* Numbers are given to libcrypto in the order of the machine. */
static OSSL_PARAM number_param(const char *name, uint8_t *out, const uint8_t *number, size_t len)
{
	for (size_t i = 0; i < len; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		out[i] = number[len - 1 - i];
#else
		out[i] = number[i];
#endif
	}
	return OSSL_PARAM_construct_BN(name, out, len);
}

static EVP_PKEY *import(EVP_PKEY_CTX *ctx, OSSL_PARAM params[])
{
	EVP_PKEY *pkey = NULL;
	return EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1 ? pkey : NULL;
}

/* RFC 3110 2. Zeros in front are against it, but harmless: a number is what it is. */
static EVP_PKEY *import_rsa(struct dnssec *dnssec, const struct dnskey *dnskey, uint16_t *signature_len)
{
	struct cursor c = cursor_of(dnskey->key, dnskey->key_len);
	size_t e_len = cursor_u8(&c);
	if (e_len == 0) {
		e_len = cursor_u16(&c);
	}
	const uint8_t *e = cursor_bytes(&c, e_len);
	size_t n_len = cursor_left(&c);
	const uint8_t *n = cursor_bytes(&c, n_len);
	if (!cursor_done(&c)) {
		return NULL;
	}
	skip_zeros(&e, &e_len);
	skip_zeros(&n, &n_len);
	unsigned bits = bit_length(n, n_len);
	unsigned least = dnskey->algorithm == DNSSEC_RSASHA512 ? RSA_SHA512_BITS_MIN : RSA_BITS_MIN;
	if (bits < least || bits > RSA_BITS_MAX || bit_length(e, e_len) < 2 || e_len > RSA_EXPONENT_MAX) {
		return NULL;
	}
	/* An even one is of no key pair, and of an even modulus libcrypto has no fast arithmetic. */
	if ((n[n_len - 1] & 1) == 0 || (e[e_len - 1] & 1) == 0) {
		return NULL;
	}
	uint8_t modulus[RSA_BITS_MAX / 8];
	uint8_t exponent[RSA_EXPONENT_MAX];
	OSSL_PARAM params[] = { number_param(OSSL_PKEY_PARAM_RSA_N, modulus, n, n_len),
				number_param(OSSL_PKEY_PARAM_RSA_E, exponent, e, e_len), OSSL_PARAM_construct_end() };
	*signature_len = (uint16_t)n_len; /* RFC 8017 8.2.2 */
	return import(dnssec->import[KIND_RSA], params);
}

/* OSSL_PARAM is for reading and for writing; what is read is not written to. */
static char *unconst(const void *p)
{
	return (char *)(uintptr_t)p;
}

/*
 * P-256 and P-384: to set the point of a copy costs a third of making a key from nothing, where libcrypto works out
 * numbers of the curve each time.
 */
static EVP_PKEY *import_point(struct dnssec *dnssec, enum kind kind, const struct dnskey *dnskey)
{
	uint8_t point[1 + POINT_MAX] = { 0x04 }; /* RFC 6605 4: x and y, as SEC 1 2.3.3 but for this octet */
	memcpy(point + 1, dnskey->key, dnskey->key_len);
	EVP_PKEY *pkey = EVP_PKEY_dup(dnssec->curve[kind]);
	if (pkey != NULL && EVP_PKEY_set1_encoded_public_key(pkey, point, 1 + dnskey->key_len) != 1) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *import_public(struct dnssec *dnssec, enum kind kind, const struct dnskey *dnskey,
			       uint16_t *signature_len)
{
	if (kind == KIND_RSA) {
		return import_rsa(dnssec, dnskey, signature_len);
	}
	if (dnskey->key_len != kinds[kind].key_len) {
		return NULL;
	}
	*signature_len = kinds[kind].signature_len;
	if (kinds[kind].group != NULL) {
		return import_point(dnssec, kind, dnskey);
	}
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unconst(dnskey->key),
								  dnskey->key_len),
				OSSL_PARAM_construct_end() };
	return import(dnssec->import[kind], params);
}

/* A context that verifies digests with the key. NULL: no memory, or policy forbids the hash. */
static EVP_PKEY_CTX *verifier_new(EVP_PKEY *pkey, enum kind kind, enum hash hash)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, unconst(hash_names[hash]), 0),
		kind == KIND_RSA ? OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
								     unconst(OSSL_PKEY_RSA_PAD_MODE_PKCSV15), 0)
				 : OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx != NULL && EVP_PKEY_verify_init_ex(ctx, params) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct dnssec_key *dnssec_key_new(struct dnssec *dnssec, const struct dnskey *dnskey)
{
	enum kind kind = kind_of(dnskey->algorithm);
	if (kind == KIND_NONE || dnssec->import[kind] == NULL) {
		return NULL;
	}
	struct dnssec_key *key = calloc(1, sizeof(*key));
	if (key == NULL) {
		return NULL;
	}
	enum hash hash = algorithms[dnskey->algorithm].hash;
	key->algorithm = dnskey->algorithm;
	key->pkey = import_public(dnssec, kind, dnskey, &key->signature_len);
	key->size = sizeof(*key) + kinds[kind].memory + (kind == KIND_RSA ? 4 * (size_t)key->signature_len : 0);
	if (key->pkey != NULL && hash != HASH_NONE) {
		key->verifier = verifier_new(key->pkey, kind, hash);
	}
	if (key->pkey == NULL || (hash != HASH_NONE && key->verifier == NULL)) {
		ERR_clear_error();
		dnssec_key_free(key);
		return NULL;
	}
	return key;
}

void dnssec_key_free(struct dnssec_key *key)
{
	if (key != NULL) {
		EVP_PKEY_CTX_free(key->verifier);
		EVP_PKEY_free(key->pkey);
		free(key);
	}
}

size_t dnssec_key_size(const struct dnssec_key *key)
{
	return key->size;
}

/* --- digests ---------------------------------------------------------------------------------------- */

static bool hash_begin(EVP_MD_CTX *ctx)
{
	return ctx != NULL && EVP_DigestInit_ex2(ctx, NULL, NULL) == 1;
}

static bool hash_add(EVP_MD_CTX *ctx, const uint8_t *bytes, size_t len)
{
	return EVP_DigestUpdate(ctx, bytes, len) == 1;
}

static bool hash_end(EVP_MD_CTX *ctx, uint8_t out[EVP_MAX_MD_SIZE], unsigned *len)
{
	return EVP_DigestFinal_ex(ctx, out, len) == 1;
}

static enum hash digest_hash(uint8_t digest_type)
{
	switch (digest_type) {
	case DNSSEC_SHA1:
		return HASH_SHA1;
	case DNSSEC_SHA256:
		return HASH_SHA256;
	case DNSSEC_SHA384:
		return HASH_SHA384;
	default:
		return HASH_NONE;
	}
}

bool dnssec_has_digest(const struct dnssec *dnssec, uint8_t digest_type)
{
	enum hash hash = digest_hash(digest_type);
	return hash != HASH_NONE && dnssec->hash[hash] != NULL;
}

bool dnssec_ds_matches(struct dnssec *dnssec, const struct ds *ds, const uint8_t *owner, const uint8_t *dnskey_rdata,
		       size_t dnskey_len)
{
	struct dnskey dnskey;
	if (!dnssec_has_digest(dnssec, ds->digest_type) || dnskey_parse(dnskey_rdata, dnskey_len, &dnskey) != BH_OK ||
	    dnskey.tag != ds->tag || dnskey.algorithm != ds->algorithm) {
		return false;
	}
	EVP_MD_CTX *ctx = dnssec->hash[digest_hash(ds->digest_type)];
	uint8_t name[DNAME_MAX];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	/* RFC 4034 5.1.4 */
	return hash_begin(ctx) && hash_add(ctx, name, dname_copy_lower(name, owner)) &&
	       hash_add(ctx, dnskey_rdata, dnskey_len) && hash_end(ctx, digest, &len) && len == ds->digest_len &&
	       memcmp(digest, ds->digest, len) == 0;
}

/* --- signatures ------------------------------------------------------------------------------------- */

/* SEQUENCE of two INTEGER of up to 48 octets: no length needs more than one octet. */
#define DER_MAX (2 + 2 * (2 + 1 + 48))

static void der_integer(struct sink *s, const uint8_t *number, size_t len)
{
	while (len > 1 && number[0] == 0) {
		number++;
		len--;
	}
	bool is_high = (number[0] & 0x80) != 0; /* would be negative */
	sink_u8(s, 0x02);
	sink_u8(s, (uint8_t)(len + is_high));
	if (is_high) {
		sink_u8(s, 0);
	}
	sink_bytes(s, number, len);
}

/* RFC 6605 4: r and s side by side; libcrypto takes them as ECDSA-Sig-Value (RFC 3279 2.2.3). */
static size_t der_signature(const uint8_t *signature, size_t len, uint8_t out[DER_MAX])
{
	struct sink s = sink_of(out, DER_MAX);
	sink_u8(&s, 0x30);
	sink_u8(&s, 0);
	der_integer(&s, signature, len / 2);
	der_integer(&s, signature + len / 2, len / 2);
	out[1] = (uint8_t)(s.pos - 2);
	return s.pos;
}

/* What libcrypto said; nothing of it is left behind. Its queue of errors is bounded (16). */
static enum dnssec_verdict verdict_of(int rc)
{
	if (rc == 1) {
		return DNSSEC_GOOD;
	}
	bool out_of_memory = false;
	for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
		out_of_memory |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
	}
	return out_of_memory ? DNSSEC_FAILED : DNSSEC_BAD;
}

static enum dnssec_verdict check_digest(struct dnssec *dnssec, const struct dnssec_key *key, const uint8_t *signature,
					const uint8_t *message, size_t len)
{
	EVP_MD_CTX *ctx = dnssec->hash[algorithms[key->algorithm].hash];
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint8_t der[DER_MAX];
	size_t signature_len = key->signature_len;
	unsigned digest_len;
	if (!hash_begin(ctx) || !hash_add(ctx, message, len) || !hash_end(ctx, digest, &digest_len)) {
		ERR_clear_error();
		return DNSSEC_FAILED;
	}
	if (algorithms[key->algorithm].kind != KIND_RSA) {
		signature_len = der_signature(signature, signature_len, der);
		signature = der;
	}
	return verdict_of(EVP_PKEY_verify(key->verifier, signature, signature_len, digest, digest_len));
}

static enum dnssec_verdict check_whole(struct dnssec *dnssec, const struct dnssec_key *key, const uint8_t *signature,
				       const uint8_t *message, size_t len)
{
	if (EVP_MD_CTX_reset(dnssec->whole) != 1 ||
	    EVP_DigestVerifyInit_ex(dnssec->whole, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1) {
		ERR_clear_error();
		return DNSSEC_FAILED;
	}
	return verdict_of(EVP_DigestVerify(dnssec->whole, signature, key->signature_len, message, len));
}

/* Was signature made with key over message? */
static enum dnssec_verdict check(struct dnssec *dnssec, const struct dnssec_key *key, const uint8_t *signature,
				 size_t signature_len, const uint8_t *message, size_t len)
{
	if (signature_len != key->signature_len) {
		return DNSSEC_BAD;
	}
	return key->verifier != NULL ? check_digest(dnssec, key, signature, message, len)
				     : check_whole(dnssec, key, signature, message, len);
}

/* --- the signed octets ------------------------------------------------------------------------------ */

/*
 * Owner in canonical form; of what a wildcard was expanded to it is the wildcard (RFC 4035 5.3.2). Its octets,
 * 0: the signature is of more labels than the name has.
 */
static size_t signed_owner(const uint8_t *owner, unsigned labels, uint8_t out[DNAME_MAX])
{
	unsigned count = dname_label_count(owner);
	unsigned counted = dname_signed_labels(owner);
	if (labels > counted) {
		return 0;
	}
	if (labels == counted) {
		return dname_copy_lower(out, owner);
	}
	out[0] = 1;
	out[1] = '*';
	return 2 + dname_copy_lower(out + 2, dname_skip_labels(owner, count - labels));
}

static int compare_records(const struct record *a, const struct record *b)
{
	int diff = memcmp(a->rdata, b->rdata, a->len < b->len ? a->len : b->len);
	return diff != 0 ? diff : (a->len > b->len) - (a->len < b->len);
}

/* Merge from[begin..middle) and from[middle..end) into to[begin..end). */
static void merge(struct record *to, const struct record *from, size_t begin, size_t middle, size_t end)
{
	size_t left = begin;
	size_t right = middle;
	for (size_t i = begin; i < end; i++) {
		bool take_left = right == end || (left < middle && compare_records(&from[left], &from[right]) <= 0);
		to[i] = take_left ? from[left++] : from[right++];
	}
}

/* RFC 4034 6.3, in n log n whatever a stranger's order is; qsort would take memory. Returns where they ended up. */
static const struct record *sort_records(struct dnssec *dnssec, size_t count)
{
	struct record *from = dnssec->records[0];
	struct record *to = dnssec->records[1];
	for (size_t run = 1; run < count; run *= 2) {
		for (size_t begin = 0; begin < count; begin += 2 * run) {
			size_t middle = begin + run < count ? begin + run : count;
			size_t end = begin + 2 * run < count ? begin + 2 * run : count;
			merge(to, from, begin, middle, end);
		}
		struct record *other = from;
		from = to;
		to = other;
	}
	return from;
}

/* The records in canonical form and order (RFC 4034 6.2 (3), 6.3), in scratch. NULL: none, or beyond bounds. */
static const struct record *canonical_records(struct dnssec *dnssec, const struct dnssec_rrset *set)
{
	if (set->count == 0 || set->count > SIGNED_RECORDS_MAX || set->rdata_len > SCRATCH_RDATA) {
		return NULL;
	}
	memcpy(dnssec->rdata, set->rdata, set->rdata_len);
	struct cursor c = cursor_of(dnssec->rdata, set->rdata_len);
	for (size_t i = 0; i < set->count; i++) {
		struct record *record = &dnssec->records[0][i];
		record->rdata = cursor_blob(&c, &record->len);
		if (record->rdata != NULL) {
			canonical_fold(set->type, dnssec->rdata + (record->rdata - dnssec->rdata));
		}
	}
	return cursor_done(&c) ? sort_records(dnssec, set->count) : NULL;
}

/* RFC 4034 3.1.8.1: RRSIG without its signature, then the records. Its octets. */
static size_t signed_octets(struct dnssec *dnssec, const struct rrsig *sig, const uint8_t *owner, size_t owner_len,
			    uint16_t type, const struct record *records, size_t count)
{
	uint8_t signer[DNAME_MAX];
	size_t signer_len = dname_copy_lower(signer, sig->signer);
	struct sink s = sink_of(dnssec->message, SCRATCH_MESSAGE);
	sink_u16(&s, sig->covered);
	sink_u8(&s, sig->algorithm);
	sink_u8(&s, sig->labels);
	sink_u32(&s, sig->original_ttl);
	sink_u32(&s, sig->expiration);
	sink_u32(&s, sig->inception);
	sink_u16(&s, sig->tag);
	sink_bytes(&s, signer, signer_len);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && compare_records(&records[i - 1], &records[i]) == 0) {
			continue; /* RFC 4034 6.3: the same but for the case of a name */
		}
		sink_bytes(&s, owner, owner_len);
		sink_u16(&s, type);
		sink_u16(&s, CLASS_IN);
		sink_u32(&s, sig->original_ttl);
		sink_blob(&s, records[i].rdata, records[i].len);
	}
	return s.failed ? 0 : s.pos;
}

enum dnssec_verdict dnssec_verify(struct dnssec *dnssec, const struct dnssec_key *key, const struct rrsig *sig,
				  const struct dnssec_rrset *set)
{
	uint8_t owner[DNAME_MAX];
	size_t owner_len = signed_owner(set->owner, sig->labels, owner);
	if (owner_len == 0 || sig->algorithm != key->algorithm) {
		return DNSSEC_BAD;
	}
	const struct record *records = canonical_records(dnssec, set);
	if (records == NULL) {
		return DNSSEC_FAILED;
	}
	size_t len = signed_octets(dnssec, sig, owner, owner_len, set->type, records, set->count);
	if (len == 0) {
		return DNSSEC_FAILED;
	}
	return check(dnssec, key, sig->signature, sig->signature_len, dnssec->message, len);
}

/* --- what is there ---------------------------------------------------------------------------------- */

/*
 * Does libcrypto tell a good signature from a bad one, twice? The second time is how it will be in the
 * sandbox: nothing is opened any more.
 */
static bool is_right(struct dnssec *dnssec, const struct known_answer *known)
{
	static const uint8_t good[] = { 'b', 'u', 'l', 'k', 'h', 'e', 'a', 'd' };
	static const uint8_t bad[] = { 'b', 'u', 'l', 'k', 'h', 'e', 'a', 'r' };
	const struct dnskey dnskey = { .flags = DNSKEY_ZONE, .protocol = 3, .algorithm = known->algorithm,
				       .key = known->key, .key_len = known->key_len };
	struct dnssec_key *key = dnssec_key_new(dnssec, &dnskey);
	bool ok = key != NULL;
	for (unsigned turn = 0; turn < 2 && ok; turn++) {
		ok = check(dnssec, key, known->signature, known->signature_len, good, sizeof(good)) == DNSSEC_GOOD &&
		     check(dnssec, key, known->signature, known->signature_len, bad, sizeof(bad)) == DNSSEC_BAD;
	}
	dnssec_key_free(key);
	return ok;
}

static bool open_hash(struct dnssec *dnssec, enum hash hash)
{
	dnssec->md[hash] = EVP_MD_fetch(NULL, hash_names[hash], NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned len;
	bool ok = dnssec->md[hash] != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, dnssec->md[hash], NULL) == 1 &&
		  hash_begin(ctx) && hash_end(ctx, out, &len);
	if (!ok) {
		EVP_MD_CTX_free(ctx);
		return false;
	}
	dnssec->hash[hash] = ctx;
	return true;
}

static void open_import(struct dnssec *dnssec, enum kind kind)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kinds[kind].name, NULL);
	bool ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1;
	if (ok && kinds[kind].group != NULL) {
		OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
									 unconst(kinds[kind].group), 0),
					OSSL_PARAM_construct_end() };
		ok = EVP_PKEY_fromdata(ctx, &dnssec->curve[kind], EVP_PKEY_KEY_PARAMETERS, params) == 1;
	}
	if (!ok) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	dnssec->import[kind] = ctx;
}

struct dnssec *dnssec_new(void)
{
	struct dnssec *dnssec = calloc(1, sizeof(*dnssec));
	if (dnssec == NULL) {
		return NULL;
	}
	dnssec->rdata = malloc(SCRATCH_RDATA);
	dnssec->message = malloc(SCRATCH_MESSAGE);
	dnssec->whole = EVP_MD_CTX_new();
	if (dnssec->rdata == NULL || dnssec->message == NULL || dnssec->whole == NULL) {
		dnssec_free(dnssec);
		return NULL;
	}
	for (enum hash hash = 0; hash < HASH_COUNT; hash++) {
		(void)open_hash(dnssec, hash); /* what needs it will not work */
	}
	for (enum kind kind = KIND_RSA; kind < KIND_COUNT; kind++) {
		open_import(dnssec, kind);
	}
	for (size_t i = 0; i < COUNT(known_answers); i++) {
		dnssec->works[known_answers[i].algorithm] = is_right(dnssec, &known_answers[i]);
	}
	ERR_clear_error();
	if (!dnssec->works[DNSSEC_RSASHA256] || !dnssec->works[DNSSEC_ECDSAP256]) {
		dnssec_free(dnssec);
		return NULL;
	}
	return dnssec;
}

void dnssec_free(struct dnssec *dnssec)
{
	if (dnssec == NULL) {
		return;
	}
	for (enum kind kind = KIND_RSA; kind < KIND_COUNT; kind++) {
		EVP_PKEY_free(dnssec->curve[kind]);
		EVP_PKEY_CTX_free(dnssec->import[kind]);
	}
	for (enum hash hash = 0; hash < HASH_COUNT; hash++) {
		EVP_MD_CTX_free(dnssec->hash[hash]);
		EVP_MD_free(dnssec->md[hash]);
	}
	EVP_MD_CTX_free(dnssec->whole);
	free(dnssec->message);
	free(dnssec->rdata);
	free(dnssec);
}

void dnssec_use_sha1(struct dnssec *dnssec, bool use)
{
	dnssec->no_sha1 = !use;
}

bool dnssec_has_algorithm(const struct dnssec *dnssec, uint8_t algorithm)
{
	return algorithm <= ALGORITHM_MAX && dnssec->works[algorithm] &&
	       !(dnssec->no_sha1 && (algorithm == DNSSEC_RSASHA1 || algorithm == DNSSEC_RSASHA1_NSEC3));
}
