/*
 * Facts about servers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/servers.h"

#include "common/dns/dname.h"
#include "daemons/resolver/bounds.h"

#include <stdlib.h>
#include <string.h>

#define SETS_MIN 64
#define SETS_MAX 8192
#define WAYS 4
/* Silences in a row before a server counts as down. */
#define DOWN_AFTER 3

struct server {
	struct addr addr; /* family ADDR_NONE: empty */
	uint32_t srtt_ms;
	uint32_t rttvar_ms;
	bool known;
	bool edns_seen;
	bool bad_cookie;
	uint8_t timeouts;
	uint8_t cookie_len;
	uint8_t cookie[COOKIE_SERVER_MAX];
	uint64_t used_ms;
	uint64_t sent_ms;
	uint64_t down_until_ms;
	uint64_t no_edns_until_ms;
	uint64_t no_case_until_ms;
	uint64_t no_cookies_until_ms;
};

struct lame_slot {
	uint64_t hash; /* of address and zone: 64 keyed bits, so a collision is not to be had */
	uint64_t until_ms;
};

struct servers {
	struct siphash_key key;
	size_t set_count; /* a power of two */
	struct server (*sets)[WAYS];
	struct lame_slot (*lame)[WAYS]; /* as many sets */
};

struct servers *servers_new(size_t count, const struct siphash_key *key)
{
	struct servers *servers = calloc(1, sizeof(*servers));
	if (servers == NULL) {
		return NULL;
	}
	servers->key = *key;
	servers->set_count = SETS_MIN;
	while (servers->set_count < count / WAYS && servers->set_count < SETS_MAX) {
		servers->set_count *= 2;
	}
	servers->sets = calloc(servers->set_count, sizeof(*servers->sets));
	servers->lame = calloc(servers->set_count, sizeof(*servers->lame));
	if (servers->sets == NULL || servers->lame == NULL) {
		servers_free(servers);
		return NULL;
	}
	return servers;
}

void servers_free(struct servers *servers)
{
	if (servers != NULL) {
		free(servers->sets);
		free(servers->lame);
		free(servers);
	}
}

size_t servers_bytes(const struct servers *servers)
{
	return sizeof(*servers) + servers->set_count * (sizeof(*servers->sets) + sizeof(*servers->lame));
}

void servers_clear(struct servers *servers)
{
	memset(servers->sets, 0, servers->set_count * sizeof(*servers->sets));
	memset(servers->lame, 0, servers->set_count * sizeof(*servers->lame));
}

static uint64_t addr_hash(const struct servers *servers, const struct addr *addr)
{
	uint64_t words[3] = { (uint64_t)addr->family << 48 | (uint64_t)addr->port << 32 | addr->scope_id };
	memcpy(&words[1], addr->bytes, sizeof(addr->bytes));
	return siphash_words(&servers->key, words);
}

static struct server *set_of(const struct servers *servers, const struct addr *addr)
{
	return servers->sets[addr_hash(servers, addr) & (servers->set_count - 1)];
}

static const struct server *find(const struct servers *servers, const struct addr *addr)
{
	const struct server *set = set_of(servers, addr);
	for (unsigned i = 0; i < WAYS; i++) {
		if (addr_equal(&set[i].addr, addr)) {
			return &set[i];
		}
	}
	return NULL;
}

/* The entry of addr, made anew over the least recently used one of its set if need be. */
static struct server *touch(struct servers *servers, const struct addr *addr, uint64_t now_ms)
{
	struct server *set = set_of(servers, addr);
	struct server *oldest = set;
	for (unsigned i = 0; i < WAYS; i++) {
		if (addr_equal(&set[i].addr, addr)) {
			set[i].used_ms = now_ms;
			return &set[i];
		}
		if (set[i].used_ms < oldest->used_ms) {
			oldest = &set[i];
		}
	}
	*oldest = (struct server){ .addr = *addr, .used_ms = now_ms };
	return oldest;
}

void servers_get(const struct servers *servers, const struct addr *addr, uint64_t now_ms,
		 struct server_facts *out)
{
	const struct server *s = find(servers, addr);
	*out = (struct server_facts){ .edns = true, .keeps_case = true, .cookies = true };
	if (s == NULL) {
		return;
	}
	out->srtt_ms = s->srtt_ms;
	out->rttvar_ms = s->rttvar_ms;
	out->known = s->known;
	out->down = s->down_until_ms > now_ms;
	out->may_probe = out->down && s->sent_ms + PROBE_EVERY_MS <= now_ms;
	out->edns = s->no_edns_until_ms <= now_ms;
	out->edns_seen = s->edns_seen;
	out->keeps_case = s->no_case_until_ms <= now_ms;
	out->timeouts = s->timeouts;
	out->probe_ms = s->down_until_ms;
	out->cookies = s->no_cookies_until_ms <= now_ms;
	out->bad_cookie = s->bad_cookie;
	if (out->cookies) {
		out->cookie_len = s->cookie_len;
		memcpy(out->cookie, s->cookie, s->cookie_len);
	}
}

void servers_note_sent(struct servers *servers, const struct addr *addr, uint64_t now_ms)
{
	touch(servers, addr, now_ms)->sent_ms = now_ms;
}

void servers_note_reply(struct servers *servers, const struct addr *addr, const struct server_reply *reply,
			uint64_t now_ms)
{
	struct server *s = touch(servers, addr, now_ms);
	uint32_t rtt_ms = reply->rtt_ms;
	if (!s->known) { /* RFC 6298 2.2 */
		s->srtt_ms = rtt_ms;
		s->rttvar_ms = rtt_ms / 2;
	} else { /* RFC 6298 2.3 */
		uint32_t diff = rtt_ms > s->srtt_ms ? rtt_ms - s->srtt_ms : s->srtt_ms - rtt_ms;
		s->rttvar_ms = (3 * s->rttvar_ms + diff) / 4;
		s->srtt_ms = (7 * s->srtt_ms + rtt_ms) / 8;
	}
	s->known = true;
	s->timeouts = 0;
	s->down_until_ms = 0;
	s->edns_seen = s->edns_seen || reply->edns;
	s->bad_cookie = reply->bad_cookie;
	if (reply->cookie_len >= COOKIE_SERVER_MIN && reply->cookie_len <= COOKIE_SERVER_MAX) {
		s->cookie_len = (uint8_t)reply->cookie_len;
		memcpy(s->cookie, reply->cookie, reply->cookie_len);
	}
}

void servers_note_silence(struct servers *servers, const struct addr *addr, uint32_t waited_ms,
			  uint64_t now_ms)
{
	struct server *s = touch(servers, addr, now_ms);
	if (s->timeouts < UINT8_MAX) {
		s->timeouts++;
	} else {
		s->timeouts--; /* servers_probe_plain looks whether it is even */
	}
	if (s->known && s->srtt_ms < waited_ms) { /* a slow one falls behind the others */
		s->srtt_ms = (s->srtt_ms + waited_ms) / 2;
	}
	if (s->timeouts >= DOWN_AFTER) {
		unsigned doublings = s->timeouts - DOWN_AFTER;
		uint64_t pause = doublings > 6 ? BACKOFF_MAX_MS : (uint64_t)BACKOFF_FIRST_MS << doublings;
		s->down_until_ms = now_ms + (pause > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : pause);
	}
}

void servers_note_no_edns(struct servers *servers, const struct addr *addr, uint64_t now_ms)
{
	touch(servers, addr, now_ms)->no_edns_until_ms = now_ms + EDNS_NONE_SEC * UINT64_C(1000);
}

void servers_note_no_cookies(struct servers *servers, const struct addr *addr, uint64_t now_ms)
{
	struct server *s = touch(servers, addr, now_ms);
	s->no_cookies_until_ms = now_ms + COOKIE_NONE_SEC * UINT64_C(1000);
	s->cookie_len = 0;
	s->bad_cookie = false;
}

bool servers_probe_plain(const struct server_facts *facts)
{
	return facts->edns && !facts->edns_seen && facts->timeouts >= 2 && facts->timeouts % 2 == 0;
}

void servers_note_no_case(struct servers *servers, const struct addr *addr, uint64_t now_ms)
{
	touch(servers, addr, now_ms)->no_case_until_ms = now_ms + CASE_NONE_SEC * UINT64_C(1000);
}

uint32_t servers_timeout_ms(const struct server_facts *facts)
{
	uint64_t rto = RTO_UNKNOWN_MS;
	if (facts->known) {
		rto = (uint64_t)facts->srtt_ms + 4 * (uint64_t)facts->rttvar_ms;
		rto = rto < RTO_MIN_MS ? RTO_MIN_MS : rto;
	}
	rto <<= facts->timeouts > 2 ? 2 : facts->timeouts; /* RFC 6298 5.5 */
	return (uint32_t)(rto > RTO_MAX_MS ? RTO_MAX_MS : rto);
}

uint64_t servers_zone_hash(const struct servers *servers, const uint8_t *zone)
{
	return dname_hash(&servers->key, zone);
}

static uint64_t lame_hash(const struct servers *servers, const struct addr *addr, uint64_t zone_hash)
{
	const uint64_t words[3] = { addr_hash(servers, addr), zone_hash, 0 };
	return siphash_words(&servers->key, words);
}

void servers_set_lame(struct servers *servers, const struct addr *addr, const uint8_t *zone,
		      uint64_t until_ms)
{
	uint64_t hash = lame_hash(servers, addr, servers_zone_hash(servers, zone));
	struct lame_slot *set = servers->lame[hash & (servers->set_count - 1)];
	struct lame_slot *slot = &set[0];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash) {
			slot = &set[i];
			break;
		}
		if (set[i].until_ms < slot->until_ms) {
			slot = &set[i]; /* the one that is over first makes room */
		}
	}
	*slot = (struct lame_slot){ hash, until_ms };
}

bool servers_is_lame(const struct servers *servers, const struct addr *addr, uint64_t zone_hash, uint64_t now_ms)
{
	uint64_t hash = lame_hash(servers, addr, zone_hash);
	const struct lame_slot *set = servers->lame[hash & (servers->set_count - 1)];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash) {
			return set[i].until_ms > now_ms;
		}
	}
	return false;
}
