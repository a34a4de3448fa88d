/*
 * TSIG: requests of every kind, replies and streams, against a client of the tests' own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/dns/tsig.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/common/dns/tsig_wire.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define NOW UINT64_C(0x123456789a) /* above 32 bits: all 48 are used */
#define SECRET "0123456789abcdef0123456789abcdef"

static struct tsig_key make_key(const char *name, enum tsig_algorithm algorithm)
{
	struct tsig_key key = { .algorithm = (uint8_t)algorithm, .secret_len = sizeof(SECRET) - 1 };
	memcpy(key.secret, SECRET, sizeof(SECRET) - 1);
	struct name n = name_of(name);
	dname_copy_lower(key.name, n.wire);
	return key;
}

static struct wire make_query(void)
{
	return wire_of("beef 0100 0001 0000 0000 0000 03777777 076578616d706c65 00 0001 0001");
}

static struct tsig_wire good_request(void)
{
	return (struct tsig_wire){ .name = "Partner.example.", .algorithm = "HMAC-sha256.", .secret = SECRET,
				   .time_sec = NOW, .fudge_sec = 300 };
}

struct outcome {
	int rc;
	struct tsig tsig;
};

/* As a server does it: parse, read, verify. */
static struct outcome receive(struct tsig_engine *engine, const struct tsig_key *key, const struct wire *w)
{
	struct outcome o = { .rc = BH_EMALFORMED };
	struct query q;
	struct tsig_record record;
	cr_assert_eq(query_parse(w->bytes, w->len, &q), QUERY_OK);
	cr_assert(q.has_tsig);
	if (tsig_read(w->bytes, w->len, q.tsig_at, &record) == BH_OK) {
		o.rc = tsig_verify(engine, key, w->bytes, &record, NOW, &o.tsig);
	}
	return o;
}

/* A reply to the query, signed, and what the client makes of it. */
static struct tsig_wire_reply answer(struct tsig_engine *engine, struct tsig *tsig, struct tsig_wire *client)
{
	struct wire w = make_query();
	size_t cap = w.len + tsig_size(tsig);
	w.bytes[2] |= 0x84;
	cr_assert_eq(tsig_sign(engine, tsig, NOW + 1, w.bytes, &w.len, cap - 1), BH_ENOSPC);
	cr_assert_eq(tsig_sign(engine, tsig, NOW + 1, w.bytes, &w.len, cap), BH_OK);
	cr_assert_eq(w.len, cap, "tsig_size is what it takes");
	return tsig_wire_check(client, w.bytes, w.len);
}

Test(tsig, algorithms_by_name)
{
	enum tsig_algorithm algorithm;
	cr_assert_eq(tsig_algorithm_parse("hmac-SHA256", &algorithm), BH_OK);
	cr_assert_eq(algorithm, TSIG_HMAC_SHA256);
	cr_assert_eq(tsig_algorithm_parse("hmac-sha512.", &algorithm), BH_OK);
	cr_assert_eq(algorithm, TSIG_HMAC_SHA512);
	static const char *const wrong[] = { "", ".", "hmac-sha1", "hmac-md5", "hmac-md5.sig-alg.reg.int", "hmac-sha2",
					     "hmac-sha2567", "hmac-sha256.." };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		cr_assert_eq(tsig_algorithm_parse(wrong[i], &algorithm), BH_ENOENT, "%s", wrong[i]);
	}
}

/* Every algorithm, from the request to three replies, each bound to the one before (RFC 8945 5.3.1). */
Test(tsig, request_and_stream_of_replies)
{
	struct tsig_engine *engine = tsig_engine_new();
	cr_assert_not_null(engine);
	for (unsigned a = 1; a < TSIG_ALGORITHM_END; a++) {
		struct tsig_key key = make_key("partner.example.", (enum tsig_algorithm)a);
		struct tsig_wire client = good_request();
		struct wire w = make_query();
		client.algorithm = tsig_algorithm_text((enum tsig_algorithm)a);
		w.len = tsig_wire_sign(&client, w.bytes, w.len);
		struct outcome o = receive(engine, &key, &w);
		cr_assert_eq(o.rc, BH_OK);
		cr_assert_eq(o.tsig.error, TSIG_OK);
		for (unsigned i = 0; i < 3; i++) {
			tsig_engine_forget(engine); /* nothing depends on what was used last */
			struct tsig_wire_reply r = answer(engine, &o.tsig, &client);
			cr_assert(r.present && r.good, "algorithm %u, reply %u", a, i);
			cr_assert_eq(r.time_sec, NOW + 1);
			cr_assert_eq(r.fudge_sec, TSIG_FUDGE);
			cr_assert_eq(r.mac_len, tsig_algorithm_size((enum tsig_algorithm)a));
			cr_assert_eq(r.original_id, 0xbeef);
			cr_assert_eq(r.error, 0);
			cr_assert_eq(r.other_len, 0);
		}
	}
	tsig_engine_free(engine);
}

/* RFC 8945 5.2 and its parts: what is wrong, and which answer there is. */
static const struct request_case {
	const char *what;
	struct tsig_wire request; /* what differs from a good one; 0 and NULL: nothing */
	int64_t late_sec;
	bool no_key;
	int rc;
	uint16_t error;
	bool is_signed;
} cases[] = {
	{ "good", { .name = NULL }, 0, false, BH_OK, TSIG_OK, true },
	{ "the name's case", { .name = "pARTNER.EXAMPLE" }, 0, false, BH_OK, TSIG_OK, true },
	{ "a forwarder's other id", { .original_id = 0x1111 }, 0, false, BH_OK, TSIG_OK, true },
	{ "error and other data are covered, not obeyed", { .error = 17, .other_len = 9 }, 0, false, BH_OK, TSIG_OK,
	  true },
	{ "unknown key", { .name = "other.example" }, 0, true, BH_OK, TSIG_BADKEY, false },
	{ "unknown key and wrong MAC", { .name = "other.example", .spoil_mac = 1 }, 0, true, BH_OK, TSIG_BADKEY, false },
	{ "unknown key and a MAC too short", { .mac_len = 3 }, 0, true, BH_OK, TSIG_BADKEY, false },
	{ "another algorithm than the key's", { .algorithm = "hmac-sha512" }, 0, false, BH_OK, TSIG_BADKEY, false },
	{ "an algorithm nobody has", { .algorithm = "hmac-sha1" }, 0, false, BH_OK, TSIG_BADKEY, false },
	{ "wrong secret", { .secret = "0123456789abcdef0123456789abcdeX" }, 0, false, BH_OK, TSIG_BADSIG, false },
	{ "wrong MAC", { .spoil_mac = 1 }, 0, false, BH_OK, TSIG_BADSIG, false },
	{ "wrong MAC and time", { .spoil_mac = 1 }, 9999, false, BH_OK, TSIG_BADSIG, false },
	{ "300 s late", { .name = NULL }, 300, false, BH_OK, TSIG_OK, true },
	{ "300 s early", { .name = NULL }, -300, false, BH_OK, TSIG_OK, true },
	{ "301 s late", { .name = NULL }, 301, false, BH_OK, TSIG_BADTIME, true },
	{ "301 s early", { .name = NULL }, -301, false, BH_OK, TSIG_BADTIME, true },
	{ "the client's fudge counts", { .fudge_sec = 5 }, 6, false, BH_OK, TSIG_BADTIME, true },
	{ "late and cut", { .mac_len = 16 }, 301, false, BH_OK, TSIG_BADTIME, true },
	{ "half a MAC", { .mac_len = 16 }, 0, false, BH_OK, TSIG_BADTRUNC, true },
	{ "an octet less", { .mac_len = 31 }, 0, false, BH_OK, TSIG_BADTRUNC, true },
	{ "cut and wrong", { .mac_len = 16, .spoil_mac = 1 }, 0, false, BH_OK, TSIG_BADSIG, false },
	{ "less than half", { .mac_len = 15 }, 0, false, BH_EMALFORMED, 0, false },
	{ "one octet", { .mac_len = 1 }, 0, false, BH_EMALFORMED, 0, false },
	{ "more than whole", { .mac_len = 33 }, 0, false, BH_EMALFORMED, 0, false },
};

Test(tsig, requests_that_are_not_quite_right)
{
	struct tsig_engine *engine = tsig_engine_new();
	struct tsig_key key = make_key("partner.example.", TSIG_HMAC_SHA256);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct request_case *tc = &cases[i];
		struct tsig_wire client = tc->request;
		struct tsig_wire good = good_request();
		struct wire w = make_query();
		client.name = client.name != NULL ? client.name : good.name;
		client.algorithm = client.algorithm != NULL ? client.algorithm : good.algorithm;
		client.secret = client.secret != NULL ? client.secret : good.secret;
		client.fudge_sec = client.fudge_sec != 0 ? client.fudge_sec : good.fudge_sec;
		client.time_sec = NOW - (uint64_t)tc->late_sec;
		w.len = tsig_wire_sign(&client, w.bytes, w.len);

		struct outcome o = receive(engine, tc->no_key ? NULL : &key, &w);
		cr_assert_eq(o.rc, tc->rc, "%s: %d", tc->what, o.rc);
		if (tc->rc != BH_OK) {
			continue;
		}
		cr_assert_eq(o.tsig.error, tc->error, "%s: %u", tc->what, o.tsig.error);
		struct tsig_wire_reply r = answer(engine, &o.tsig, &client);
		cr_assert(r.present, "%s", tc->what);
		cr_assert_eq(r.error, tc->error, "%s", tc->what);
		cr_assert_eq(r.good, tc->is_signed, "%s", tc->what);
		cr_assert(tc->is_signed || r.mac_len == 0, "%s: nothing to learn from", tc->what);
		/* 5.2.3: the client's time, and ours in the other data. */
		bool bad_time = tc->error == TSIG_BADTIME;
		cr_assert_eq(r.time_sec, bad_time ? client.time_sec : NOW + 1, "%s", tc->what);
		cr_assert_eq(r.other_len, bad_time ? 6u : 0u, "%s", tc->what);
		cr_assert(!bad_time || r.other_time == NOW + 1, "%s", tc->what);
	}
	tsig_engine_free(engine);
}

/* Every octet of a signed request matters, but for the id, which forwarders change (5.5), and the case of names. */
Test(tsig, every_octet_is_covered)
{
	struct tsig_engine *engine = tsig_engine_new();
	struct tsig_key key = make_key("partner.example.", TSIG_HMAC_SHA256);
	struct tsig_wire client = good_request();
	struct wire whole = make_query();
	size_t question_end = whole.len;
	whole.len = tsig_wire_sign(&client, whole.bytes, whole.len);
	for (size_t i = 0; i < whole.len; i++) {
		struct wire w = whole;
		struct query q;
		struct tsig_record record;
		struct tsig tsig;
		w.bytes[i] ^= 1;
		if (query_parse(w.bytes, w.len, &q) != QUERY_OK || !q.has_tsig ||
		    tsig_read(w.bytes, w.len, q.tsig_at, &record) != BH_OK) {
			continue; /* broken altogether */
		}
		const struct tsig_key *found = dname_equal(record.name, key.name) ? &key : NULL;
		int rc = tsig_verify(engine, found, w.bytes, &record, NOW, &tsig);
		bool good = rc == BH_OK && tsig.error == TSIG_OK;
		cr_assert_eq(good, i < 2, "octet %zu of %zu, question ends at %zu", i, w.len, question_end);
	}
	tsig_engine_free(engine);
}

Test(tsig, cut_and_lengthened_records)
{
	struct tsig_wire client = good_request();
	struct wire whole = make_query();
	size_t at = whole.len;
	struct tsig_record record;
	whole.len = tsig_wire_sign(&client, whole.bytes, whole.len);
	cr_assert_eq(tsig_read(whole.bytes, whole.len, at, &record), BH_OK);
	for (size_t len = at; len < whole.len; len++) {
		uint8_t *exact = malloc(len); /* so that a sanitizer sees the first octet too many */
		memcpy(exact, whole.bytes, len);
		cr_assert_eq(tsig_read(exact, len, at, &record), BH_EMALFORMED, "%zu octets", len);
		free(exact);
	}
	/* The same with the length of RDATA in step: what is cut is inside. */
	size_t rdata_at = at + 17 + 10;
	size_t rdata_len = whole.len - rdata_at;
	for (size_t len = 0; len < rdata_len; len++) {
		struct wire w = whole;
		put_u16(w.bytes + rdata_at - 2, (uint16_t)len);
		cr_assert_eq(tsig_read(w.bytes, rdata_at + len, at, &record), BH_EMALFORMED, "RDATA of %zu", len);
	}
	struct wire w = whole;
	put_u16(w.bytes + rdata_at - 2, (uint16_t)(rdata_len + 1));
	w.bytes[w.len++] = 0;
	cr_assert_eq(tsig_read(w.bytes, w.len, at, &record), BH_EMALFORMED, "something behind the other data");

	static const struct {
		size_t offset;
		uint8_t value;
		const char *what;
	} wrong[] = { { 17 + 3, 1, "class IN" }, { 17 + 7, 1, "TTL 1" }, { 17 + 10, 0xc0, "a compressed algorithm" } };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		w = whole;
		w.bytes[at + wrong[i].offset] = wrong[i].value;
		cr_assert_eq(tsig_read(w.bytes, w.len, at, &record), BH_EMALFORMED, "%s", wrong[i].what);
	}
}

/*
 * "kdig -y hmac-sha256:k.:SECRET +noedns www.example A" of Knot DNS 3.2: a MAC worked out by another
 * implementation, so that this client and this server are not wrong together.
 */
#define KNOWN_REQUEST                                                                                            \
	"84d60120000100000000000103777777076578616d706c650000010001016b0000fa00ff"                                             \
	"00000000003d0b686d61632d7368613235360000006b0188b2012c0020b9fac696d02b6ff64e72b6"                                     \
	"fb5531331a5e20c89c950f9cb5846150a15d9ce16384d600000000"
Test(tsig, known_signature)
{
	struct tsig_engine *engine = tsig_engine_new();
	struct tsig_key key = make_key("k.", TSIG_HMAC_SHA256);
	struct wire w = wire_of(KNOWN_REQUEST);
	struct query q;
	struct tsig_record record;
	struct tsig tsig;
	cr_assert_eq(query_parse(w.bytes, w.len, &q), QUERY_OK);
	cr_assert_eq(tsig_read(w.bytes, w.len, q.tsig_at, &record), BH_OK);
	cr_assert_eq(tsig_verify(engine, &key, w.bytes, &record, record.time_sec, &tsig), BH_OK);
	cr_assert_eq(tsig.error, TSIG_OK);
	tsig_engine_free(engine);
}

Test(tsig, secrets_are_overwritten)
{
	struct tsig_key key = make_key("k.", TSIG_HMAC_SHA256);
	struct tsig_key nothing = { .secret_len = 0 };
	tsig_key_clear(&key);
	cr_assert_eq(memcmp(&key, &nothing, sizeof(key)), 0);
}
