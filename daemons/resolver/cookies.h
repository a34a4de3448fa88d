/*
 * DNS cookies towards servers (RFC 7873, RFC 9018), the client's side: 64 bits in each query that only the server
 * and we know, and with which it answers. Whoever does not see our queries cannot forge a reply of a server that
 * speaks cookies.
 *
 * The client cookie is made from the server's address with a key of this process, so servers cannot compare it, and
 * it changes with each start. The server's own part is remembered with the facts about it (servers.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_COOKIES_H
#define BULKHEAD_DAEMONS_RESOLVER_COOKIES_H

#include "common/dns/message.h"
#include "daemons/resolver/servers.h"

enum cookies_verdict {
	COOKIES_NONE,  /* the reply has no cookie, or one of an impossible length */
	COOKIES_WRONG, /* not our client cookie */
	COOKIES_RIGHT,
};

#define COOKIES_OPTION_MAX (EDNS_OPTION_HEADER + COOKIE_CLIENT_SIZE + COOKIE_SERVER_MAX)

/* The COOKIE option of a query, with code and length: client cookie, and the server's if it is known. Octets. */
size_t cookies_write(const struct siphash_key *key, const struct addr *server, const struct server_facts *facts,
		     uint8_t out[COOKIES_OPTION_MAX]);

/* What is in a reply. COOKIES_RIGHT: *cookie and *len are the server's part; *len 0 when there is none. */
enum cookies_verdict cookies_judge(const struct siphash_key *key, const struct addr *server,
				   const struct message *msg, const uint8_t **cookie, size_t *len);

#endif
