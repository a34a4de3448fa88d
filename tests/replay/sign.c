/*
 * Making keys, signatures, DS and NSEC3 for scenarios.
 *
 * Ed25519 keys are made from the digest of their name and zone, so they are the same in every run. Those of other
 * algorithms are made anew, as their signatures could not be repeated anyway.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/sign.h"

#include "common/dns/base32hex.h"
#include "common/dns/canonical.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RSA_BITS = 1024,
	DNSKEY_SIZE_MAX = 600,
	SIGNATURE_MAX = 512,
	/* Octets that are signed: a whole RRset. */
	SIGNED_MAX = 65536,
	HASH_SIZE = 32,
	/* Good for so long before and after the date of the scenario. */
	GOOD_BEFORE_SEC = 86400,
	GOOD_AFTER_SEC = 10 * 86400,
	TTL_USUAL = 3600,
	/* Junk keys or signatures of one line. */
	JUNK_MAX = 200,
};

struct line {
	struct scenario *s;
	char *const *words;
	unsigned count;
	uint8_t section;
	struct record_list *list;
	char *why;
	size_t why_size;
};

static bool complain(const struct line *l, const char *what, const char *word)
{
	snprintf(l->why, l->why_size, "%s%s%s", what, word[0] == '\0' ? "" : " ", word);
	return false;
}

/* --- words -------------------------------------------------------------------------------------------- */

/* The text behind "key=" in the words from `from` on, or NULL. */
static const char *option(const struct line *l, unsigned from, const char *key)
{
	size_t len = strlen(key);
	for (unsigned i = from; i < l->count; i++) {
		if (strncmp(l->words[i], key, len) == 0 && l->words[i][len] == '=') {
			return l->words[i] + len + 1;
		}
	}
	return NULL;
}

static bool has_word(const struct line *l, unsigned from, const char *word)
{
	for (unsigned i = from; i < l->count; i++) {
		if (strcmp(l->words[i], word) == 0) {
			return true;
		}
	}
	return false;
}

/* Every word from `from` on must be one of these: "key=" takes a value, "key" none. */
static bool only_options(const struct line *l, unsigned from, const char *const *known, unsigned known_count)
{
	for (unsigned i = from; i < l->count; i++) {
		bool found = false;
		for (unsigned k = 0; k < known_count; k++) {
			size_t len = strlen(known[k]);
			found = found || (known[k][len - 1] == '=' ? strncmp(l->words[i], known[k], len) == 0
								   : strcmp(l->words[i], known[k]) == 0);
		}
		if (!found) {
			return complain(l, "unknown word", l->words[i]);
		}
	}
	return true;
}

static bool number_option(const struct line *l, unsigned from, const char *key, unsigned long max, unsigned long *out)
{
	const char *text = option(l, from, key);
	char *end;
	if (text == NULL) {
		return true;
	}
	*out = strtoul(text, &end, 10);
	return (end != text && *end == '\0' && *out <= max) || complain(l, "a number is wanted, not", text);
}

/* YYYYMMDDHHMMSS */
static bool date_option(const struct line *l, unsigned from, const char *key, uint32_t *out)
{
	const char *text = option(l, from, key);
	struct tm tm = { .tm_isdst = 0 };
	if (text == NULL) {
		return true;
	}
	const char *end = strptime(text, "%Y%m%d%H%M%S", &tm);
	if (end == NULL || *end != '\0') {
		return complain(l, "a date YYYYMMDDHHMMSS is wanted, not", text);
	}
	*out = (uint32_t)timegm(&tm);
	return true;
}

static bool name_word(const struct line *l, const char *text, uint8_t out[DNAME_MAX])
{
	return dname_from_text(text, out) > 0 || complain(l, "no domain name:", text);
}

static const struct scenario_key *find_key(const struct line *l, const char *name)
{
	for (const struct scenario_key *k = l->s->keys; k != NULL; k = k->next) {
		if (strcmp(k->name, name) == 0) {
			return k;
		}
	}
	(void)complain(l, "there is no key", name);
	return NULL;
}

static bool add(const struct line *l, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
		size_t len)
{
	struct record_list *list = l->list;
	if (list->count == list->room) {
		return complain(l, "too many records", "");
	}
	struct message_rr *rr = &list->rrs[list->count];
	*rr = (struct message_rr){ .ttl = ttl, .type = type, .rr_class = CLASS_IN, .rdata_len = (uint16_t)len,
				   .section = l->section };
	rr->owner = region_copy(list->region, owner, dname_len(owner));
	rr->rdata = region_copy(list->region, rdata, len);
	if (rr->owner == NULL || rr->rdata == NULL) {
		return complain(l, "the file is too large", "");
	}
	list->count++;
	return true;
}

/* --- keys --------------------------------------------------------------------------------------------- */

/* The same octets for the same text and number. */
static void digest_of(const char *text, const uint8_t *zone, unsigned number, uint8_t out[HASH_SIZE])
{
	uint8_t bytes[DNAME_MAX + 256];
	struct sink s = sink_of(bytes, sizeof(bytes));
	unsigned len = HASH_SIZE;
	sink_u32(&s, number);
	sink_bytes(&s, zone, dname_len(zone));
	sink_bytes(&s, text, strnlen(text, 128));
	if (EVP_Digest(bytes, s.pos, out, &len, EVP_sha256(), NULL) != 1) {
		memset(out, 0, HASH_SIZE);
	}
}

static EVP_PKEY *make_pkey(const struct scenario_key *key)
{
	uint8_t seed[HASH_SIZE];
	switch (key->algorithm) {
	case DNSSEC_ED25519:
		digest_of(key->name, key->zone, 0, seed);
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	case DNSSEC_ED448:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	case DNSSEC_ECDSAP256:
		return EVP_EC_gen("P-256");
	case DNSSEC_ECDSAP384:
		return EVP_EC_gen("P-384");
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
	case DNSSEC_RSASHA256:
	case DNSSEC_RSASHA512:
		return EVP_RSA_gen(RSA_BITS);
	default: /* nobody knows it: any key will do */
		digest_of(key->name, key->zone, 0, seed);
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	}
}

static bool write_number(struct sink *s, const EVP_PKEY *pkey, const char *name, bool with_length)
{
	BIGNUM *number = NULL;
	if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1) {
		return false;
	}
	size_t len = (size_t)BN_num_bytes(number);
	if (with_length) {
		sink_u8(s, (uint8_t)len);
	}
	uint8_t *room = sink_room(s, len);
	if (room != NULL) {
		BN_bn2bin(number, room);
	}
	BN_free(number);
	return room != NULL;
}

static bool write_public(struct sink *s, const struct scenario_key *key)
{
	uint8_t bytes[200];
	size_t len = sizeof(bytes);
	switch (key->algorithm) {
	case DNSSEC_ECDSAP256:
	case DNSSEC_ECDSAP384:
		if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes, len, &len) != 1) {
			return false;
		}
		sink_bytes(s, bytes + 1, len - 1); /* behind the mark of an uncompressed point */
		return !s->failed;
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
	case DNSSEC_RSASHA256:
	case DNSSEC_RSASHA512:
		return write_number(s, key->pkey, OSSL_PKEY_PARAM_RSA_E, true) &&
		       write_number(s, key->pkey, OSSL_PKEY_PARAM_RSA_N, false);
	default:
		if (EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len) != 1) {
			return false;
		}
		sink_bytes(s, bytes, len);
		return !s->failed;
	}
}

/* RFC 4034 B: the sum of all 16-bit words, with the carry added once. */
static uint32_t tag_sum(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)rdata[i] << 8 : rdata[i];
	}
	return sum;
}

static uint16_t tag_of(const uint8_t *rdata, size_t len)
{
	uint32_t sum = tag_sum(rdata, len);
	return (uint16_t)(sum + (sum >> 16));
}

bool sign_add_key(struct scenario *s, char *const *words, unsigned count, char *why, size_t why_size)
{
	static const char *const known[] = { "flags=", "protocol=" };
	struct line l = { .s = s, .words = words, .count = count, .why = why, .why_size = why_size };
	uint8_t zone[DNAME_MAX];
	uint8_t rdata[DNSKEY_SIZE_MAX];
	unsigned long flags = DNSKEY_ZONE | DNSKEY_SEP;
	unsigned long protocol = 3;
	unsigned long algorithm = DNSSEC_ED25519;
	unsigned options = 2;
	if (count < 2) {
		return complain(&l, "key: a name and a zone are wanted", "");
	}
	if (count > 2 && strchr(words[2], '=') == NULL) {
		algorithm = strtoul(words[2], NULL, 10);
		options = 3;
	}
	if (!name_word(&l, words[1], zone) || !only_options(&l, options, known, 2) || algorithm > UINT8_MAX ||
	    !number_option(&l, options, "flags", UINT16_MAX, &flags) ||
	    !number_option(&l, options, "protocol", UINT8_MAX, &protocol)) {
		return false;
	}
	struct scenario_key *key = region_alloc(&s->region, sizeof(*key));
	if (key == NULL) {
		return complain(&l, "the file is too large", "");
	}
	key->name = region_copy(&s->region, words[0], strlen(words[0]) + 1);
	key->zone = region_copy(&s->region, zone, dname_len(zone));
	key->algorithm = (uint8_t)algorithm;
	if (key->name == NULL || key->zone == NULL) {
		return complain(&l, "the file is too large", "");
	}
	key->pkey = make_pkey(key);
	struct sink out = sink_of(rdata, sizeof(rdata));
	sink_u16(&out, (uint16_t)flags);
	sink_u8(&out, (uint8_t)protocol);
	sink_u8(&out, key->algorithm);
	if (key->pkey == NULL || !write_public(&out, key)) {
		EVP_PKEY_free(key->pkey);
		return complain(&l, "libcrypto makes no key of algorithm", count > 2 ? words[2] : "");
	}
	key->tag = tag_of(rdata, out.pos);
	key->dnskey_len = (uint16_t)out.pos;
	key->dnskey = region_copy(&s->region, rdata, out.pos);
	key->next = s->keys;
	s->keys = key;
	return key->dnskey != NULL || complain(&l, "the file is too large", "");
}

void sign_free_keys(struct scenario_key *keys)
{
	for (; keys != NULL; keys = keys->next) {
		EVP_PKEY_free(keys->pkey);
	}
}

/* The tag that the key has with the flag of RFC 5011. */
static uint16_t revoked_tag(const struct scenario_key *key)
{
	uint8_t rdata[DNSKEY_SIZE_MAX];
	memcpy(rdata, key->dnskey, key->dnskey_len);
	rdata[1] |= DNSKEY_REVOKE;
	return tag_of(rdata, key->dnskey_len);
}

/* %DNSKEY KEY [ttl=N] [revoked] */
static bool line_dnskey(const struct line *l)
{
	static const char *const known[] = { "ttl=", "revoked" };
	const struct scenario_key *key = find_key(l, l->words[1]);
	unsigned long ttl = TTL_USUAL;
	uint8_t rdata[DNSKEY_SIZE_MAX];
	if (key == NULL || !only_options(l, 2, known, 2) || !number_option(l, 2, "ttl", UINT32_MAX, &ttl)) {
		return false;
	}
	memcpy(rdata, key->dnskey, key->dnskey_len);
	if (has_word(l, 2, "revoked")) {
		rdata[1] |= DNSKEY_REVOKE;
	}
	return add(l, key->zone, RR_DNSKEY, (uint32_t)ttl, rdata, key->dnskey_len);
}

/*
 * %COLLIDE KEY COUNT: keys of random octets with its algorithm, flags and tag. The last word of the key is what is
 * missing in the sum.
 */
static bool line_collide(const struct line *l)
{
	const struct scenario_key *key = find_key(l, l->words[1]);
	unsigned long count = l->count == 3 ? strtoul(l->words[2], NULL, 10) : 0;
	if (key == NULL) {
		return false;
	}
	if (count < 1 || count > JUNK_MAX || key->dnskey_len % 2 != 0 || key->dnskey_len < 4 + HASH_SIZE) {
		return complain(l, "COLLIDE takes a key of Ed25519 and a number up to 200", "");
	}
	for (unsigned i = 0; i < count; i++) {
		uint8_t rdata[DNSKEY_SIZE_MAX];
		memcpy(rdata, key->dnskey, key->dnskey_len);
		digest_of("collide", key->zone, i, rdata + 4);
		put_u16(rdata + key->dnskey_len - 2, 0);
		uint32_t last = (key->tag + 0x20000u - tag_of(rdata, key->dnskey_len)) & 0xffff;
		put_u16(rdata + key->dnskey_len - 2, (uint16_t)last);
		while (tag_of(rdata, key->dnskey_len) != key->tag) { /* the carry */
			put_u16(rdata + key->dnskey_len - 2, (uint16_t)--last);
		}
		if (!add(l, key->zone, RR_DNSKEY, TTL_USUAL, rdata, key->dnskey_len)) {
			return false;
		}
	}
	return true;
}

/* %DS KEY [digest=N] [broken] [ttl=N] [tag=N] [algorithm=N] [revoked] */
static bool line_ds(const struct line *l)
{
	static const char *const known[] = { "digest=", "broken", "ttl=", "tag=", "algorithm=", "revoked" };
	const struct scenario_key *key = find_key(l, l->words[1]);
	unsigned long digest = DNSSEC_SHA256;
	unsigned long ttl = TTL_USUAL;
	unsigned long tag = key == NULL ? 0 : key->tag;
	unsigned long algorithm = key == NULL ? 0 : key->algorithm;
	if (key == NULL || !only_options(l, 2, known, 6) || !number_option(l, 2, "digest", UINT8_MAX, &digest) ||
	    !number_option(l, 2, "ttl", UINT32_MAX, &ttl) || !number_option(l, 2, "tag", UINT16_MAX, &tag) ||
	    !number_option(l, 2, "algorithm", UINT8_MAX, &algorithm)) {
		return false;
	}
	uint8_t bytes[DNAME_MAX + DNSKEY_SIZE_MAX];
	size_t len = dname_copy_lower(bytes, key->zone);
	memcpy(bytes + len, key->dnskey, key->dnskey_len);
	if (has_word(l, 2, "revoked")) {
		bytes[len + 1] |= DNSKEY_REVOKE;
		tag = revoked_tag(key);
	}
	uint8_t rdata[4 + DNSSEC_DIGEST_MAX];
	unsigned digest_len = HASH_SIZE;
	const EVP_MD *md = digest == DNSSEC_SHA1 ? EVP_sha1() : digest == DNSSEC_SHA384 ? EVP_sha384() : EVP_sha256();
	put_u16(rdata, (uint16_t)tag);
	rdata[2] = (uint8_t)algorithm;
	rdata[3] = (uint8_t)digest;
	if (EVP_Digest(bytes, len + key->dnskey_len, rdata + 4, &digest_len, md, NULL) != 1) {
		return complain(l, "libcrypto does not know the digest", "");
	}
	rdata[4] ^= has_word(l, 2, "broken");
	return add(l, key->zone, RR_DS, (uint32_t)ttl, rdata, 4 + digest_len);
}

/* --- signatures --------------------------------------------------------------------------------------- */

struct signing {
	const struct scenario_key *key;
	uint16_t tag;
	uint8_t algorithm;
	uint8_t signer[DNAME_MAX];
	uint32_t inception;
	uint32_t expiration;
	unsigned labels; /* above any name: those of the owner */
	unsigned junk;	 /* signatures of random octets in front */
	bool broken;
};

static const EVP_MD *hash_for(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
		return EVP_sha1();
	case DNSSEC_RSASHA256:
	case DNSSEC_ECDSAP256:
		return EVP_sha256();
	case DNSSEC_ECDSAP384:
		return EVP_sha384();
	case DNSSEC_RSASHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/* RFC 6605 4: both numbers one behind the other, instead of ASN.1. */
static bool flatten_ecdsa(uint8_t *sig, size_t *len, int half)
{
	const uint8_t *der = sig;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)*len);
	if (parsed == NULL) {
		return false;
	}
	bool fine = BN_bn2binpad(ECDSA_SIG_get0_r(parsed), sig, half) == half &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), sig + half, half) == half;
	ECDSA_SIG_free(parsed);
	*len = 2 * (size_t)half;
	return fine;
}

static bool make_signature(const struct scenario_key *key, const uint8_t *bytes, size_t len, uint8_t *sig,
			   size_t *sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	*sig_len = SIGNATURE_MAX;
	bool fine = ctx != NULL &&
		    EVP_DigestSignInit(ctx, NULL, hash_for(key->algorithm), NULL, key->pkey) == 1 &&
		    EVP_DigestSign(ctx, sig, sig_len, bytes, len) == 1;
	EVP_MD_CTX_free(ctx);
	if (fine && (key->algorithm == DNSSEC_ECDSAP256 || key->algorithm == DNSSEC_ECDSAP384)) {
		fine = flatten_ecdsa(sig, sig_len, key->algorithm == DNSSEC_ECDSAP256 ? 32 : 48);
	}
	return fine;
}

static bool same_set(const struct message_rr *a, const struct message_rr *b)
{
	return a->section == b->section && a->type == b->type && dname_equal(a->owner, b->owner);
}

static int order(const void *a, const void *b)
{
	const struct message_rr *x = *(const struct message_rr *const *)a;
	const struct message_rr *y = *(const struct message_rr *const *)b;
	return canonical_compare(x->type, x->rdata, x->rdata_len, y->rdata, y->rdata_len);
}

/* RFC 4034 3.1.8.1: the records in canonical form and order, with the owner that was signed. */
static void write_set(struct sink *s, const struct record_list *list, const struct message_rr *of,
		      const uint8_t *owner)
{
	const struct message_rr *members[256];
	unsigned count = 0;
	for (size_t i = 0; i < list->count && count < 256; i++) {
		if (same_set(&list->rrs[i], of)) {
			members[count++] = &list->rrs[i];
		}
	}
	qsort(members, count, sizeof(members[0]), order);
	for (unsigned i = 0; i < count; i++) {
		sink_bytes(s, owner, dname_len(owner));
		sink_u16(s, of->type);
		sink_u16(s, CLASS_IN);
		sink_u32(s, of->ttl);
		sink_u16(s, members[i]->rdata_len);
		uint8_t *room = sink_room(s, members[i]->rdata_len);
		if (room != NULL) {
			memcpy(room, members[i]->rdata, members[i]->rdata_len);
			canonical_fold(of->type, room);
		}
	}
}

static void signed_owner(const struct message_rr *rr, unsigned labels, uint8_t out[DNAME_MAX])
{
	uint8_t lower[DNAME_MAX];
	(void)dname_copy_lower(lower, rr->owner);
	unsigned have = dname_label_count(lower) - dname_is_wildcard(lower);
	const uint8_t *name = lower;
	size_t at = 0;
	if (labels < have) {
		memcpy(out, "\001*", 2);
		at = 2;
		name = dname_skip_labels(lower, dname_label_count(lower) - labels);
	}
	memcpy(out + at, name, dname_len(name));
}

static bool sign_set(const struct line *l, const struct message_rr *rr, const struct signing *how)
{
	uint8_t rdata[18 + DNAME_MAX + SIGNATURE_MAX];
	uint8_t owner[DNAME_MAX];
	uint8_t sig[SIGNATURE_MAX];
	size_t sig_len;
	struct message_rr set = *rr; /* the list grows */
	unsigned have = dname_label_count(set.owner) - dname_is_wildcard(set.owner);
	unsigned labels = how->labels <= DNAME_LABELS_MAX ? how->labels : have;
	uint8_t *bytes = malloc(SIGNED_MAX);
	if (bytes == NULL) {
		return complain(l, "out of memory", "");
	}
	struct sink head = sink_of(rdata, sizeof(rdata));
	sink_u16(&head, set.type);
	sink_u8(&head, how->algorithm);
	sink_u8(&head, (uint8_t)labels);
	sink_u32(&head, set.ttl);
	sink_u32(&head, how->expiration);
	sink_u32(&head, how->inception);
	sink_u16(&head, how->tag);
	uint8_t *signer = sink_room(&head, dname_len(how->signer));
	(void)dname_copy_lower(signer, how->signer);

	struct sink s = sink_of(bytes, SIGNED_MAX);
	sink_bytes(&s, rdata, head.pos);
	signed_owner(&set, labels, owner);
	write_set(&s, l->list, &set, owner);
	bool fine = !s.failed && make_signature(how->key, bytes, s.pos, sig, &sig_len);
	free(bytes);
	if (!fine) {
		return complain(l, "libcrypto does not sign", "");
	}
	for (unsigned i = 0; i < how->junk; i++) {
		uint8_t junk[SIGNATURE_MAX] = { 0 };
		digest_of("junk", set.owner, i, junk);
		memcpy(rdata + head.pos, junk, sig_len);
		if (!add(l, set.owner, RR_RRSIG, set.ttl, rdata, head.pos + sig_len)) {
			return false;
		}
	}
	sig[sig_len / 2] ^= how->broken;
	memcpy(rdata + head.pos, sig, sig_len);
	return add(l, set.owner, RR_RRSIG, set.ttl, rdata, head.pos + sig_len);
}

static bool read_signing(const struct line *l, struct signing *how)
{
	static const char *const known[] = { "tag=", "algorithm=", "signer=", "inception=", "expiration=", "labels=",
					     "junk=", "broken", "again", "type=", "owner=", "revoked" };
	how->key = find_key(l, l->words[1]);
	if (how->key == NULL || !only_options(l, 2, known, COUNT(known))) {
		return false;
	}
	unsigned long tag = has_word(l, 2, "revoked") ? revoked_tag(how->key) : how->key->tag;
	unsigned long algorithm = how->key->algorithm;
	unsigned long labels = DNAME_LABELS_MAX + 1;
	unsigned long junk = 0;
	int64_t date = l->s->config.date_sec < 0 ? SCENARIO_DATE_USUAL : l->s->config.date_sec;
	how->inception = (uint32_t)(date - GOOD_BEFORE_SEC);
	how->expiration = (uint32_t)(date + GOOD_AFTER_SEC);
	memcpy(how->signer, how->key->zone, dname_len(how->key->zone));
	const char *signer = option(l, 2, "signer");
	if ((signer != NULL && !name_word(l, signer, how->signer)) ||
	    !number_option(l, 2, "tag", UINT16_MAX, &tag) ||
	    !number_option(l, 2, "algorithm", UINT8_MAX, &algorithm) ||
	    !number_option(l, 2, "labels", DNAME_LABELS_MAX, &labels) ||
	    !number_option(l, 2, "junk", JUNK_MAX, &junk) || !date_option(l, 2, "inception", &how->inception) ||
	    !date_option(l, 2, "expiration", &how->expiration)) {
		return false;
	}
	how->tag = (uint16_t)tag;
	how->algorithm = (uint8_t)algorithm;
	how->labels = (unsigned)labels;
	how->junk = (unsigned)junk;
	how->broken = has_word(l, 2, "broken");
	return true;
}

/* Is there a signature over this RRset already? */
static bool is_signed(const struct record_list *list, const struct message_rr *rr)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct message_rr *sig = &list->rrs[i];
		if (sig->type == RR_RRSIG && sig->section == rr->section && get_u16(sig->rdata) == rr->type &&
		    dname_equal(sig->owner, rr->owner)) {
			return true;
		}
	}
	return false;
}

/*
 * %SIGN KEY [words]: every RRset of the section so far that has no signature (with "again": all), or those with
 * type= and owner= only.
 */
static bool line_sign(const struct line *l)
{
	struct signing how;
	const char *type_text = option(l, 2, "type");
	const char *owner_text = option(l, 2, "owner");
	uint16_t type = 0;
	uint8_t owner[DNAME_MAX];
	unsigned done = 0;
	if (!read_signing(l, &how) || (owner_text != NULL && !name_word(l, owner_text, owner))) {
		return false;
	}
	if (type_text != NULL && rr_type_parse(type_text, &type) != BH_OK) {
		return complain(l, "no type:", type_text);
	}
	bool again = has_word(l, 2, "again");
	size_t count = l->list->count;
	for (size_t i = 0; i < count; i++) {
		const struct message_rr *rr = &l->list->rrs[i];
		bool first = true;
		for (size_t k = 0; k < i; k++) {
			first = first && !same_set(&l->list->rrs[k], rr);
		}
		if (!first || rr->section != l->section || rr->type == RR_RRSIG ||
		    (type != 0 && rr->type != type) || (owner_text != NULL && !dname_equal(rr->owner, owner)) ||
		    (!again && is_signed(l->list, rr))) {
			continue;
		}
		if (!sign_set(l, rr, &how)) {
			return false;
		}
		done++;
	}
	return done > 0 || complain(l, "SIGN: there is nothing to sign", "");
}

/* --- NSEC3 -------------------------------------------------------------------------------------------- */

/* The hash of a name; of "<name" the one before it, of ">name" the one behind it. */
static bool hash_word(const struct line *l, const char *word, const uint8_t *salt, size_t salt_len,
		      unsigned iterations, uint8_t out[NSEC3_HASH_SIZE])
{
	uint8_t name[DNAME_MAX];
	int step = word[0] == '<' ? -1 : word[0] == '>' ? 1 : 0;
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	bool fine = name_word(l, word + (step != 0), name) && hasher != NULL &&
		    nsec3_hash(hasher, name, salt, salt_len, iterations, out) == BH_OK;
	nsec3_hasher_free(hasher);
	for (unsigned i = NSEC3_HASH_SIZE; fine && step != 0 && i > 0; i--) {
		out[i - 1] = (uint8_t)(out[i - 1] + step);
		if (out[i - 1] != (step < 0 ? 0xff : 0)) {
			break; /* nothing to carry */
		}
	}
	return fine;
}

/* RFC 4034 4.1.2 */
static bool write_bitmap(const struct line *l, unsigned from, struct sink *s)
{
	uint8_t bits[32] = { 0 };
	unsigned top = 0;
	for (unsigned i = from; i < l->count; i++) {
		uint16_t type;
		if (strchr(l->words[i], '=') != NULL) {
			continue;
		}
		if (rr_type_parse(l->words[i], &type) != BH_OK || type > UINT8_MAX) {
			return complain(l, "no type below 256:", l->words[i]);
		}
		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		top = type / 8u + 1 > top ? type / 8u + 1 : top;
	}
	if (top > 0) {
		sink_u8(s, 0);
		sink_u8(s, (uint8_t)top);
		sink_bytes(s, bits, top);
	}
	return true;
}

/* %NSEC3 ZONE FROM TO [flags=N] [iterations=N] [salt=TEXT] [ttl=N] [hash=N] TYPE... */
static bool line_nsec3(const struct line *l)
{
	uint8_t zone[DNAME_MAX];
	uint8_t owner[DNAME_MAX + 40];
	uint8_t from[NSEC3_HASH_SIZE];
	uint8_t to[NSEC3_HASH_SIZE];
	uint8_t rdata[512];
	unsigned long flags = 0;
	unsigned long iterations = 0;
	unsigned long ttl = TTL_USUAL;
	unsigned long hash = 1;
	const char *salt = option(l, 4, "salt");
	size_t salt_len = salt == NULL ? 0 : strlen(salt);
	if (l->count < 4) {
		return complain(l, "NSEC3 takes zone and two names", "");
	}
	if (!name_word(l, l->words[1], zone) || !number_option(l, 4, "flags", UINT8_MAX, &flags) ||
	    !number_option(l, 4, "iterations", UINT16_MAX, &iterations) ||
	    !number_option(l, 4, "ttl", UINT32_MAX, &ttl) || !number_option(l, 4, "hash", UINT8_MAX, &hash) ||
	    salt_len > 100 ||
	    !hash_word(l, l->words[2], (const uint8_t *)salt, salt_len, (unsigned)iterations, from) ||
	    !hash_word(l, l->words[3], (const uint8_t *)salt, salt_len, (unsigned)iterations, to)) {
		return false;
	}
	owner[0] = 32; /* 20 octets in base32hex */
	base32hex_encode(from, sizeof(from), owner + 1);
	memcpy(owner + 33, zone, dname_len(zone));
	struct sink s = sink_of(rdata, sizeof(rdata));
	sink_u8(&s, (uint8_t)hash);
	sink_u8(&s, (uint8_t)flags);
	sink_u16(&s, (uint16_t)iterations);
	sink_u8(&s, (uint8_t)salt_len);
	sink_bytes(&s, salt, salt_len);
	sink_u8(&s, sizeof(to));
	sink_bytes(&s, to, sizeof(to));
	return write_bitmap(l, 4, &s) && add(l, owner, RR_NSEC3, (uint32_t)ttl, rdata, s.pos);
}

bool sign_line(struct scenario *s, char *const *words, unsigned count, uint8_t section, struct record_list *list,
	       char *why, size_t why_size)
{
	static const struct {
		const char *word;
		bool (*make)(const struct line *l);
	} lines[] = {
		{ "%DNSKEY", line_dnskey }, { "%COLLIDE", line_collide }, { "%DS", line_ds }, { "%SIGN", line_sign },
		{ "%NSEC3", line_nsec3 },
	};
	struct line l = { .s = s, .words = words, .count = count, .section = section, .list = list, .why = why,
			  .why_size = why_size };
	for (unsigned i = 0; i < COUNT(lines); i++) {
		if (strcmp(words[0], lines[i].word) == 0) {
			return count >= 2 ? lines[i].make(&l) : complain(&l, words[0], "takes more words");
		}
	}
	return complain(&l, "unknown", words[0]);
}
