/* Server cookies: the examples of RFC 9018, and what is no proof. SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/cookie.h"

#include "common/util/addr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>

static struct addr address(const char *text)
{
	struct addr a = { 0 };
	cr_assert_eq(addr_parse(text, 0, &a), BH_OK);
	return a;
}

static struct cookie_secrets secrets_of(const char *first, const char *second)
{
	struct cookie_secrets s = { .count = second == NULL ? 1 : 2 };
	struct wire w = wire_of(first);
	memcpy(s.bytes[0], w.bytes, COOKIE_SECRET_SIZE);
	if (second != NULL) {
		w = wire_of(second);
		memcpy(s.bytes[1], w.bytes, COOKIE_SECRET_SIZE);
	}
	return s;
}

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define SECRET_NEW "445536bcd2513298075a5d379663c962"
#define SECRET_OLD "dd3bdf9344b678b185a6f5cb60fca715"

Test(cookie, examples_of_rfc_9018)
{
	static const struct {
		const char *first, *second, *client;
		uint32_t now;
		const char *query, *reply;
		enum cookie_state state;
	} cases[] = {
		/* appendix A.1: a client learns a server cookie */
		{ SECRET, NULL, "198.51.100.100", 1559731985, "2464c4abcf10c957",
		  "2464c4abcf10c957 010000005cf79f11 1f8130c3eee29480", COOKIE_CLIENT_ONLY },
		/* A.2: it is renewed 40 minutes later */
		{ SECRET, NULL, "198.51.100.100", 1559734385, "2464c4abcf10c957 010000005cf79f11 1f8130c3eee29480",
		  "2464c4abcf10c957 010000005cf7a871 d4a564a1442aca77", COOKIE_VALID },
		/* A.3: reserved bits of another implementation; nearly two hours old, so by 4.3 it proves nothing */
		{ SECRET, NULL, "203.0.113.203", 0x5cf7a9ac, "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5",
		  "fc93fc62807ddb86 010000005cf7a9ac f73a7810aca2381e", COOKIE_BAD },
		/* the same in time: known, kept while it is fresh, reserved bits and all, then renewed */
		{ SECRET, NULL, "203.0.113.203", 0x5cf78f71 + 1800, "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5",
		  "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5", COOKIE_VALID },
		/* A.4: IPv6, and a secret that was replaced */
		{ SECRET_NEW, SECRET_OLD, "2001:db8:220:1:59de:d0f4:8769:82b8", 0x5cf7c609,
		  "22681ab97d52c298 010000005cf7c579 26556bd0934c72f8",
		  "22681ab97d52c298 010000005cf7c609 a6bb79d16625507a", COOKIE_VALID },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cookie_secrets secrets = secrets_of(cases[i].first, cases[i].second);
		struct addr client = address(cases[i].client);
		struct wire query = wire_of(cases[i].query);
		struct wire want = wire_of(cases[i].reply);
		uint8_t out[COOKIE_REPLY_SIZE];
		enum cookie_state state =
			cookie_answer(&secrets, &client, cases[i].now, query.bytes, query.len, out);
		cr_expect_eq(state, cases[i].state, "case %zu: %d", i, state);
		cr_expect_arr_eq(out, want.bytes, sizeof(out), "case %zu", i);
	}
}

/* Time of a cookie against ours, RFC 9018 4.3; also where seconds wrap around (RFC 1982). */
Test(cookie, age)
{
	static const struct {
		int32_t age;
		enum cookie_state state;
		bool kept;
	} cases[] = {
		{ 0, COOKIE_VALID, true },    { 1800, COOKIE_VALID, true }, { 1801, COOKIE_VALID, false },
		{ 3600, COOKIE_VALID, false }, { 3601, COOKIE_BAD, false }, { -300, COOKIE_VALID, true },
		{ -301, COOKIE_BAD, false },  { INT32_MIN, COOKIE_BAD, false },
	};
	static const uint32_t times[] = { 1559731985, 0, 100, UINT32_MAX, INT32_MAX };
	struct cookie_secrets secrets = secrets_of(SECRET, NULL);
	struct addr client = address("2001:db8::1");
	for (size_t t = 0; t < COUNT(times); t++) {
		uint8_t made[COOKIE_REPLY_SIZE];
		uint8_t out[COOKIE_REPLY_SIZE];
		cr_assert_eq(cookie_answer(&secrets, &client, times[t], (const uint8_t *)"12345678", 8, made),
			     COOKIE_CLIENT_ONLY);
		for (size_t i = 0; i < COUNT(cases); i++) {
			uint32_t now = times[t] + (uint32_t)cases[i].age;
			cr_expect_eq(cookie_answer(&secrets, &client, now, made, sizeof(made), out), cases[i].state,
				     "made at %u, age %d", times[t], cases[i].age);
			cr_expect_eq(memcmp(made, out, sizeof(out)) == 0, cases[i].kept || cases[i].age == 0,
				     "made at %u, age %d", times[t], cases[i].age);
			cr_expect_eq(get_u32(out + 12), cases[i].kept ? times[t] : now);
		}
	}
}

/* A cookie is worth nothing when any bit of it is changed, or when it comes from elsewhere. */
Test(cookie, of_another)
{
	struct cookie_secrets secrets = secrets_of(SECRET, SECRET_OLD);
	struct cookie_secrets other = secrets_of(SECRET_NEW, NULL);
	struct addr client = address("192.0.2.1");
	struct addr neighbour = address("192.0.2.2");
	uint8_t made[40] = { 0 };
	uint8_t out[COOKIE_REPLY_SIZE];
	cr_assert_eq(cookie_answer(&secrets, &client, 5000, (const uint8_t *)"12345678", 8, made), COOKIE_CLIENT_ONLY);
	cr_assert_eq(cookie_answer(&secrets, &client, 5000, made, COOKIE_REPLY_SIZE, out), COOKIE_VALID);
	cr_expect_eq(cookie_answer(&secrets, &neighbour, 5000, made, COOKIE_REPLY_SIZE, out), COOKIE_BAD);
	cr_expect_eq(cookie_answer(&other, &client, 5000, made, COOKIE_REPLY_SIZE, out), COOKIE_BAD);
	for (unsigned bit = 0; bit < COOKIE_REPLY_SIZE * 8; bit++) {
		made[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_eq(cookie_answer(&secrets, &client, 5000, made, COOKIE_REPLY_SIZE, out), COOKIE_BAD,
			     "bit %u", bit);
		cr_expect_arr_eq(out, made, COOKIE_CLIENT_SIZE); /* RFC 7873 5.2.4: the client's part comes back */
		made[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Lengths that RFC 7873 allows and we never send. */
	for (size_t len = 16; len <= sizeof(made); len++) {
		cr_expect_eq(cookie_answer(&secrets, &client, 5000, made, len, out),
			     len == COOKIE_REPLY_SIZE ? COOKIE_VALID : COOKIE_BAD, "%zu octets", len);
	}
	cr_expect_eq(cookie_answer(&secrets, &client, 5000, made, 0, out), COOKIE_NONE);
}

Test(cookie, roll_over)
{
	struct cookie_secrets before = secrets_of(SECRET_OLD, NULL);
	struct cookie_secrets during = secrets_of(SECRET_NEW, SECRET_OLD);
	struct cookie_secrets after = secrets_of(SECRET_NEW, NULL);
	struct addr client = address("192.0.2.1");
	uint8_t old[COOKIE_REPLY_SIZE];
	uint8_t new[COOKIE_REPLY_SIZE];
	uint8_t out[COOKIE_REPLY_SIZE];
	cr_assert_eq(cookie_answer(&before, &client, 5000, (const uint8_t *)"12345678", 8, old), COOKIE_CLIENT_ONLY);
	cr_expect_eq(cookie_answer(&during, &client, 5000, old, sizeof(old), new), COOKIE_VALID);
	cr_expect_neq(memcmp(old, new, sizeof(new)), 0); /* signed with the first one at once */
	cr_expect_eq(cookie_answer(&after, &client, 5000, new, sizeof(new), out), COOKIE_VALID);
	cr_expect_eq(cookie_answer(&after, &client, 5000, old, sizeof(old), out), COOKIE_BAD);
}
