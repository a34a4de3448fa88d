/*
 * Cookies towards servers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/cookies.h"

#include <string.h>

/* RFC 7873 4.1, RFC 9018 3: a keyed hash of the server's address; all of it, so that no two servers share one. */
static void client_cookie(const struct siphash_key *key, const struct addr *server, uint8_t out[COOKIE_CLIENT_SIZE])
{
	uint8_t bytes[7 + sizeof(server->bytes)];
	bytes[0] = server->family;
	put_u16(bytes + 1, server->port);
	put_u32(bytes + 3, server->scope_id);
	memcpy(bytes + 7, server->bytes, sizeof(server->bytes));
	uint64_t hash = siphash(key, bytes, sizeof(bytes));
	put_u32(out, (uint32_t)(hash >> 32));
	put_u32(out + 4, (uint32_t)hash);
}

size_t cookies_write(const struct siphash_key *key, const struct addr *server, const struct server_facts *facts,
		     uint8_t out[COOKIES_OPTION_MAX])
{
	put_u16(out, EDNS_OPTION_COOKIE);
	put_u16(out + 2, (uint16_t)(COOKIE_CLIENT_SIZE + facts->cookie_len));
	client_cookie(key, server, out + EDNS_OPTION_HEADER);
	memcpy(out + EDNS_OPTION_HEADER + COOKIE_CLIENT_SIZE, facts->cookie, facts->cookie_len);
	return EDNS_OPTION_HEADER + COOKIE_CLIENT_SIZE + (size_t)facts->cookie_len;
}

enum cookies_verdict cookies_judge(const struct siphash_key *key, const struct addr *server,
				   const struct message *msg, const uint8_t **cookie, size_t *len)
{
	uint8_t ours[COOKIE_CLIENT_SIZE];
	*cookie = NULL;
	*len = 0;
	/* RFC 7873 5.3: a cookie of a length that cannot be is as good as none. */
	if (msg->cookie == NULL || msg->cookie_len < COOKIE_CLIENT_SIZE ||
	    (msg->cookie_len > COOKIE_CLIENT_SIZE && msg->cookie_len < COOKIE_CLIENT_SIZE + COOKIE_SERVER_MIN) ||
	    msg->cookie_len > COOKIE_CLIENT_SIZE + COOKIE_SERVER_MAX) {
		return COOKIES_NONE;
	}
	client_cookie(key, server, ours);
	if (memcmp(ours, msg->cookie, sizeof(ours)) != 0) {
		return COOKIES_WRONG;
	}
	*cookie = msg->cookie + COOKIE_CLIENT_SIZE;
	*len = msg->cookie_len - COOKIE_CLIENT_SIZE;
	return COOKIES_RIGHT;
}
