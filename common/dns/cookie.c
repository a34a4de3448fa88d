/*
 * Server cookies. Trusts nothing in a cookie before its hash is right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/cookie.h"

#include "common/util/addr.h"
#include "common/util/cursor.h"
#include "common/util/siphash.h"

#include <string.h>

#define COOKIE_VERSION 1
/* RFC 9018 4.3: an hour back, five minutes ahead (clocks of an anycast group); renewed after half an hour. */
#define COOKIE_AGE_MAX_SEC 3600
#define COOKIE_AHEAD_MAX_SEC 300
#define COOKIE_RENEW_SEC 1800

/* Client cookie, and version, reserved bits and time of the server cookie: what is hashed with the address. */
#define HASHED_SIZE 16

static uint64_t load_le(const uint8_t p[8])
{
	uint64_t v = 0;
	for (unsigned i = 8; i-- > 0;) {
		v = v << 8 | p[i];
	}
	return v;
}

/* RFC 9018 4.4. The reserved bits are hashed as they came: others may use them. */
static void make_hash(const uint8_t secret[COOKIE_SECRET_SIZE], const struct addr *client,
		      const uint8_t head[HASHED_SIZE], uint8_t out[8])
{
	struct siphash_key key = { load_le(secret), load_le(secret + 8) };
	uint8_t bytes[HASHED_SIZE + sizeof(client->bytes)];
	size_t size = addr_size(client);

	memcpy(bytes, head, HASHED_SIZE);
	memcpy(bytes + HASHED_SIZE, client->bytes, size);
	uint64_t hash = siphash(&key, bytes, HASHED_SIZE + size);
	for (unsigned i = 0; i < 8; i++) {
		out[i] = (uint8_t)(hash >> (8 * i)); /* as SipHash defines its output */
	}
}

/* Octets of secrets must not be guessed one by one from how long the comparison takes. */
static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t different = 0;
	for (size_t i = 0; i < len; i++) {
		different |= a[i] ^ b[i];
	}
	return different == 0;
}

/* Number of the secret that made it, or -1. */
static int find_secret(const struct cookie_secrets *secrets, const struct addr *client, const uint8_t *cookie)
{
	uint8_t hash[8];
	for (unsigned i = 0; i < secrets->count; i++) {
		make_hash(secrets->bytes[i], client, cookie, hash);
		if (equal_in_constant_time(hash, cookie + HASHED_SIZE, sizeof(hash))) {
			return (int)i;
		}
	}
	return -1;
}

enum cookie_state cookie_answer(const struct cookie_secrets *secrets, const struct addr *client, uint32_t now_sec,
				const uint8_t *cookie, size_t cookie_len, uint8_t out[COOKIE_REPLY_SIZE])
{
	enum cookie_state state = cookie_len == COOKIE_CLIENT_SIZE ? COOKIE_CLIENT_ONLY : COOKIE_BAD;

	if (cookie_len == 0) {
		return COOKIE_NONE;
	}
	if (cookie_len == COOKIE_REPLY_SIZE && cookie[COOKIE_CLIENT_SIZE] == COOKIE_VERSION) {
		/* RFC 9018 4.3: serial number arithmetic */
		int32_t age = (int32_t)(now_sec - get_u32(cookie + COOKIE_CLIENT_SIZE + 4));
		bool timely = age <= COOKIE_AGE_MAX_SEC && age >= -COOKIE_AHEAD_MAX_SEC;
		int signer = timely ? find_secret(secrets, client, cookie) : -1;
		state = signer >= 0 ? COOKIE_VALID : COOKIE_BAD;
		if (signer == 0 && age <= COOKIE_RENEW_SEC) {
			memcpy(out, cookie, COOKIE_REPLY_SIZE);
			return state;
		}
	}
	memcpy(out, cookie, COOKIE_CLIENT_SIZE);
	put_u32(out + COOKIE_CLIENT_SIZE, (uint32_t)COOKIE_VERSION << 24);
	put_u32(out + COOKIE_CLIENT_SIZE + 4, now_sec);
	make_hash(secrets->bytes[0], client, out, out + HASHED_SIZE);
	return state;
}
