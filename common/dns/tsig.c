/*
 * Reading, checking and making TSIG records. Trusts nothing in a message; MACs are compared in constant
 * time, and nothing about a wrong one is told but that it is wrong.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/tsig.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

struct tsig_engine {
	EVP_MAC *hmac;
	EVP_MAC_CTX *ctx[TSIG_ALGORITHM_END]; /* its digest is set; each use sets a key */
};

/* --- HMAC --- */

/* A key of nothing: replaces the last one in the context, and shows that everything is there. */
static bool blank(EVP_MAC_CTX *ctx)
{
	static const uint8_t zero[1];
	uint8_t out[TSIG_MAC_MAX];
	size_t len;
	return EVP_MAC_init(ctx, zero, sizeof(zero), NULL) == 1 && EVP_MAC_update(ctx, zero, sizeof(zero)) == 1 &&
	       EVP_MAC_final(ctx, out, &len, sizeof(out)) == 1;
}

struct tsig_engine *tsig_engine_new(void)
{
	static const char *const digests[TSIG_ALGORITHM_END] = {
		[TSIG_HMAC_SHA256] = "SHA256", [TSIG_HMAC_SHA384] = "SHA384", [TSIG_HMAC_SHA512] = "SHA512"
	};
	struct tsig_engine *engine = calloc(1, sizeof(*engine));
	if (engine == NULL) {
		return NULL;
	}
	engine->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool ok = engine->hmac != NULL;
	for (unsigned i = 1; i < TSIG_ALGORITHM_END && ok; i++) {
		const OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digests[i], 0),
			OSSL_PARAM_construct_end(),
		};
		engine->ctx[i] = EVP_MAC_CTX_new(engine->hmac);
		/* Twice: the second time is how it will be in the sandbox. */
		ok = engine->ctx[i] != NULL && EVP_MAC_CTX_set_params(engine->ctx[i], params) == 1 &&
		     blank(engine->ctx[i]) && blank(engine->ctx[i]);
	}
	if (!ok) {
		tsig_engine_free(engine);
		return NULL;
	}
	return engine;
}

void tsig_engine_free(struct tsig_engine *engine)
{
	if (engine == NULL) {
		return;
	}
	for (unsigned i = 1; i < TSIG_ALGORITHM_END; i++) {
		EVP_MAC_CTX_free(engine->ctx[i]);
	}
	EVP_MAC_free(engine->hmac);
	free(engine);
}

void tsig_engine_forget(struct tsig_engine *engine)
{
	for (unsigned i = 1; i < TSIG_ALGORITHM_END; i++) {
		(void)blank(engine->ctx[i]); /* the key is set first: what could fail comes after it is gone */
	}
}

/* One MAC: parts are added, errors stay. */
struct mac {
	EVP_MAC_CTX *ctx;
	bool ok;
};

static struct mac mac_begin(struct tsig_engine *engine, const struct tsig_key *key)
{
	struct mac m = { .ctx = engine->ctx[key->algorithm] };
	m.ok = EVP_MAC_init(m.ctx, key->secret, key->secret_len, NULL) == 1;
	return m;
}

static void mac_add(struct mac *m, const uint8_t *bytes, size_t len)
{
	m->ok = m->ok && (len == 0 || EVP_MAC_update(m->ctx, bytes, len) == 1);
}

static int mac_end(struct mac *m, uint8_t out[TSIG_MAC_MAX])
{
	size_t len;
	return m->ok && EVP_MAC_final(m->ctx, out, &len, TSIG_MAC_MAX) == 1 ? BH_OK : BH_ESYS;
}

/* RFC 8945 5.3.1, 4.3.1: the MAC of the message before, with its length. */
static void mac_add_prior(struct mac *m, const struct tsig *tsig)
{
	uint8_t len[2];
	put_u16(len, tsig->mac_len);
	mac_add(m, len, sizeof(len));
	mac_add(m, tsig->mac, tsig->mac_len);
}

/* RFC 8945 4.3.2: the message as it is without the TSIG record. */
static void mac_add_message(struct mac *m, const uint8_t *msg, size_t len, uint16_t id, unsigned arcount)
{
	uint8_t header[DNS_HEADER_SIZE];
	memcpy(header, msg, sizeof(header));
	put_u16(header, id);
	put_u16(header + 10, (uint16_t)arcount);
	mac_add(m, header, sizeof(header));
	mac_add(m, msg + sizeof(header), len - sizeof(header));
}

static void sink_time(struct sink *s, uint64_t sec)
{
	sink_u16(s, (uint16_t)(sec >> 32));
	sink_u32(s, (uint32_t)sec);
}

/* RFC 8945 4.3.3. Names are in canonical form: they were folded when they were read. */
static void mac_add_variables(struct mac *m, const uint8_t *name, const uint8_t *algorithm, uint64_t time_sec,
			      uint16_t fudge_sec, uint16_t error, const uint8_t *other, size_t other_len)
{
	uint8_t bytes[2 * DNAME_MAX + 32];
	struct sink s = sink_of(bytes, sizeof(bytes));
	sink_bytes(&s, name, dname_len(name));
	sink_u16(&s, CLASS_ANY);
	sink_u32(&s, 0); /* TTL */
	sink_bytes(&s, algorithm, dname_len(algorithm));
	sink_time(&s, time_sec);
	sink_u16(&s, fudge_sec);
	sink_u16(&s, error);
	sink_u16(&s, (uint16_t)other_len);
	mac_add(m, bytes, s.pos);
	mac_add(m, other, other_len);
}

/* --- requests --- */

int tsig_read(const uint8_t *wire, size_t len, size_t at, struct tsig_record *record)
{
	size_t pos = at;
	if (dname_read(wire, len, &pos, record->name) < 0) {
		return BH_EMALFORMED;
	}
	dname_copy_lower(record->name, record->name);

	struct cursor c = cursor_of(wire, len);
	c.pos = pos;
	uint16_t type = cursor_u16(&c);
	uint16_t class = cursor_u16(&c);
	uint32_t ttl = cursor_u32(&c);
	size_t rdata_len;
	const uint8_t *rdata = cursor_blob(&c, &rdata_len);
	/* RFC 8945 4.2; 5.1: nothing stands behind it. */
	if (rdata == NULL || type != RR_TSIG || class != CLASS_ANY || ttl != 0 || !cursor_done(&c)) {
		return BH_EMALFORMED;
	}

	/* RFC 8945 4.2: the algorithm is a name in uncompressed form. */
	int name_len = dname_check(rdata, rdata_len);
	if (name_len < 0) {
		return BH_EMALFORMED;
	}
	dname_copy_lower(record->algorithm, rdata);
	c = cursor_of(rdata, rdata_len);
	c.pos = (size_t)name_len;
	record->at = at;
	record->time_sec = (uint64_t)cursor_u16(&c) << 32;
	record->time_sec |= cursor_u32(&c);
	record->fudge_sec = cursor_u16(&c);
	record->mac = cursor_blob(&c, &record->mac_len);
	record->original_id = cursor_u16(&c);
	record->error = cursor_u16(&c);
	record->other = cursor_blob(&c, &record->other_len);
	return cursor_done(&c) ? BH_OK : BH_EMALFORMED;
}

/* RFC 8945 5.2.2.1: octets of a MAC that may be there at all. */
static bool is_mac_length(size_t len, size_t whole)
{
	size_t least = whole / 2 > TSIG_MAC_MIN ? whole / 2 : TSIG_MAC_MIN;
	return len >= least && len <= whole;
}

static bool is_in_time(const struct tsig_record *record, uint64_t now_sec)
{
	uint64_t apart = record->time_sec > now_sec ? record->time_sec - now_sec : now_sec - record->time_sec;
	return apart <= record->fudge_sec;
}

int tsig_verify(struct tsig_engine *engine, const struct tsig_key *key, const uint8_t *wire,
		const struct tsig_record *record, uint64_t now_sec, struct tsig *tsig)
{
	tsig->key = NULL;
	tsig->begun = false;
	tsig->request_sec = record->time_sec;
	tsig->mac_len = 0;
	memcpy(tsig->name, record->name, dname_len(record->name));
	memcpy(tsig->algorithm, record->algorithm, dname_len(record->algorithm));

	/* RFC 8945 5.2.1 */
	if (key == NULL || !dname_equal(record->algorithm, tsig_algorithm_name(key->algorithm))) {
		tsig->error = TSIG_BADKEY;
		return BH_OK;
	}
	/* 5.2.2, 5.2.2.1 */
	size_t whole = tsig_algorithm_size(key->algorithm);
	if (!is_mac_length(record->mac_len, whole)) {
		return BH_EMALFORMED;
	}
	uint8_t mac[TSIG_MAC_MAX];
	struct mac m = mac_begin(engine, key);
	mac_add_message(&m, wire, record->at, record->original_id, get_u16(wire + 10) - 1u);
	mac_add_variables(&m, record->name, record->algorithm, record->time_sec, record->fudge_sec, record->error,
			  record->other, record->other_len);
	int rc = mac_end(&m, mac);
	if (rc != BH_OK) {
		return rc;
	}
	bool same = CRYPTO_memcmp(mac, record->mac, record->mac_len) == 0;
	OPENSSL_cleanse(mac, sizeof(mac)); /* of a wrong request it would be a good signature */
	if (!same) {
		tsig->error = TSIG_BADSIG;
		return BH_OK;
	}
	/* From here on the client is who it says, and replies are signed (5.3.2). */
	tsig->key = key;
	tsig->mac_len = (uint8_t)record->mac_len;
	memcpy(tsig->mac, record->mac, record->mac_len);
	/* 5.2.3, 5.2.4. Our policy: MACs are whole; nobody saves anything by cutting them. */
	tsig->error = !is_in_time(record, now_sec)  ? TSIG_BADTIME
		      : record->mac_len != whole ? TSIG_BADTRUNC
						    : TSIG_OK;
	return BH_OK;
}

/* --- replies --- */

#define TIME_SIZE 6

static size_t other_size(const struct tsig *tsig)
{
	return tsig->error == TSIG_BADTIME ? TIME_SIZE : 0;
}

size_t tsig_size(const struct tsig *tsig)
{
	size_t mac = tsig->key == NULL ? 0 : tsig_algorithm_size(tsig->key->algorithm);
	return dname_len(tsig->name) + 10 + dname_len(tsig->algorithm) + TIME_SIZE + 2 + 2 + mac + 2 + 2 + 2 +
	       other_size(tsig);
}

/* The MAC of a reply, to tsig->mac. */
static int make_mac(struct tsig_engine *engine, struct tsig *tsig, const uint8_t *msg, size_t len,
		    uint64_t time_sec, const uint8_t *other)
{
	uint8_t out[TSIG_MAC_MAX];
	struct mac m = mac_begin(engine, tsig->key);
	mac_add_prior(&m, tsig);
	mac_add_message(&m, msg, len, get_u16(msg), get_u16(msg + 10));
	if (tsig->begun) { /* RFC 8945 5.3.1, 4.3.3.1: of the variables the timers only */
		uint8_t timers[TIME_SIZE + 2];
		struct sink s = sink_of(timers, sizeof(timers));
		sink_time(&s, time_sec);
		sink_u16(&s, TSIG_FUDGE);
		mac_add(&m, timers, s.pos);
	} else {
		mac_add_variables(&m, tsig->name, tsig->algorithm, time_sec, TSIG_FUDGE, tsig->error, other,
				  other_size(tsig));
	}
	int rc = mac_end(&m, out);
	if (rc == BH_OK) {
		tsig->mac_len = (uint8_t)tsig_algorithm_size(tsig->key->algorithm);
		memcpy(tsig->mac, out, tsig->mac_len);
	}
	return rc;
}

int tsig_sign(struct tsig_engine *engine, struct tsig *tsig, uint64_t now_sec, uint8_t *msg, size_t *len,
	      size_t cap)
{
	/* RFC 8945 5.2.3: the client's own time, and ours beside it. */
	uint64_t time_sec = tsig->error == TSIG_BADTIME ? tsig->request_sec : now_sec;
	uint8_t other[TIME_SIZE];
	struct sink s = sink_of(other, sizeof(other));
	sink_time(&s, now_sec);

	if (tsig_size(tsig) > cap - *len) {
		return BH_ENOSPC;
	}
	if (tsig->key != NULL) {
		int rc = make_mac(engine, tsig, msg, *len, time_sec, other);
		if (rc != BH_OK) {
			return rc;
		}
		tsig->begun = true;
	}
	s = sink_of(msg, cap);
	s.pos = *len;
	sink_bytes(&s, tsig->name, dname_len(tsig->name));
	sink_u16(&s, RR_TSIG);
	sink_u16(&s, CLASS_ANY);
	sink_u32(&s, 0);
	size_t rdata_at = s.pos;
	sink_u16(&s, 0);
	sink_bytes(&s, tsig->algorithm, dname_len(tsig->algorithm));
	sink_time(&s, time_sec);
	sink_u16(&s, TSIG_FUDGE);
	sink_blob(&s, tsig->mac, tsig->key == NULL ? 0 : tsig->mac_len); /* 5.3.2: empty when not signed */
	sink_u16(&s, get_u16(msg));
	sink_u16(&s, tsig->error);
	sink_blob(&s, other, other_size(tsig));
	put_u16(msg + rdata_at, (uint16_t)(s.pos - rdata_at - 2));
	put_u16(msg + 10, (uint16_t)(get_u16(msg + 10) + 1));
	*len = s.pos;
	return BH_OK;
}
