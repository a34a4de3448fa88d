/*
 * What was learned about the servers of others, by address: round-trip time, silence, EDNS, cookies, whether
 * the case of names is kept; and by address and zone: who does not serve it.
 *
 * Fixed memory: sets of few ways under a keyed hash; the least recently used one of a set is
 * forgotten first. Forgetting costs a packet or two, never correctness.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_SERVERS_H
#define BULKHEAD_DAEMONS_RESOLVER_SERVERS_H

#include "common/dns/limits.h"
#include "common/util/addr.h"
#include "common/util/siphash.h"

struct servers;

struct server_facts {
	uint32_t srtt_ms;  /* smoothed; valid when known */
	uint32_t rttvar_ms;
	bool known;	   /* it has answered before */
	bool down;	   /* in back-off: it was silent several times in a row */
	bool may_probe;	   /* down, but one packet may be spent on it now */
	bool edns;	   /* ask with EDNS */
	bool edns_seen;	   /* it answered with EDNS before */
	bool keeps_case;   /* ask with 0x20 */
	bool cookies;	   /* ask with a cookie */
	bool bad_cookie;   /* its last reply was BADCOOKIE */
	uint8_t timeouts;  /* in a row */
	uint64_t probe_ms; /* when the back-off ends */
	uint8_t cookie_len; /* of its server cookie; 0: it has shown none */
	uint8_t cookie[COOKIE_SERVER_MAX];
};

/* What a reply tells about its server. */
struct server_reply {
	uint32_t rtt_ms;
	bool edns; /* it understood EDNS */
	bool bad_cookie;
	size_t cookie_len; /* of a new server cookie, COOKIE_SERVER_MIN .. COOKIE_SERVER_MAX; 0: none */
	const uint8_t *cookie;
};

/* count: about so many servers are remembered, at least 256. NULL: no memory. */
struct servers *servers_new(size_t count, const struct siphash_key *key);
void servers_free(struct servers *servers);
/* Octets that it takes, now and always. */
size_t servers_bytes(const struct servers *servers);

/* Facts, or those of a server never heard of. */
void servers_get(const struct servers *servers, const struct addr *addr, uint64_t now_ms,
		 struct server_facts *out);

/* A packet goes out. */
void servers_note_sent(struct servers *servers, const struct addr *addr, uint64_t now_ms);
/* It answered. */
void servers_note_reply(struct servers *servers, const struct addr *addr, const struct server_reply *reply,
			uint64_t now_ms);
/* Nothing came within waited_ms, or the network said that it is not there. */
void servers_note_silence(struct servers *servers, const struct addr *addr, uint32_t waited_ms,
			  uint64_t now_ms);
void servers_note_no_edns(struct servers *servers, const struct addr *addr, uint64_t now_ms);
/* It does not answer with cookies, or not always: for a while none is sent or expected. */
void servers_note_no_cookies(struct servers *servers, const struct addr *addr, uint64_t now_ms);
void servers_note_no_case(struct servers *servers, const struct addr *addr, uint64_t now_ms);

/*
 * Is it time to ask it without EDNS? Some servers, or packet filters before them, drop queries with OPT. One that
 * never spoke EDNS and was silent twice in a row is asked without it, and after every second silence again: with
 * only one lost packet no signed zone shall lose its signatures.
 */
bool servers_probe_plain(const struct server_facts *facts);

/* How long to wait for a reply over UDP. */
uint32_t servers_timeout_ms(const struct server_facts *facts);

/* Until then this server is asked about this zone only when there is nobody better. */
void servers_set_lame(struct servers *servers, const struct addr *addr, const uint8_t *zone,
		      uint64_t until_ms);
/* zone_hash: servers_zone_hash of the zone, made once for all its servers. */
bool servers_is_lame(const struct servers *servers, const struct addr *addr, uint64_t zone_hash, uint64_t now_ms);
uint64_t servers_zone_hash(const struct servers *servers, const uint8_t *zone);

/* Forget all facts. */
void servers_clear(struct servers *servers);

#endif
