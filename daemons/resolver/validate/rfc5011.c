/*
 * RFC 5011. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/rfc5011.h"

#include "common/dns/dnssec.h"
#include "common/util/count.h"

#include <string.h>

#define HOUR_SEC UINT64_C(3600)
#define DAY_SEC (24 * HOUR_SEC)

const char *rfc5011_state_text(unsigned state)
{
	static const char *const texts[] = { "unknown", "pending", "valid", "missing", "revoked", "removed" };
	return state < COUNT(texts) ? texts[state] : "unknown";
}

static uint64_t least(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* RFC 5011 2.3 */
static uint64_t query_interval(uint32_t ttl, uint32_t sig_left_sec)
{
	uint64_t sec = least(15 * DAY_SEC, ttl / 2, sig_left_sec / 2);
	return sec > HOUR_SEC ? sec : HOUR_SEC;
}

static uint64_t retry_time(uint32_t ttl, uint32_t sig_left_sec)
{
	uint64_t sec = least(DAY_SEC, ttl / 10, sig_left_sec / 10);
	return sec > HOUR_SEC ? sec : HOUR_SEC;
}

static uint16_t flags_of(const uint8_t *rdata)
{
	return get_u16(rdata);
}

/* The same key, whether revoked or not? A state's key is kept without that bit. */
static bool is_key(const struct ipc_anchor_key *key, const struct rfc5011_seen *seen)
{
	return key->len == seen->len && key->rdata[0] == seen->rdata[0] &&
	       key->rdata[1] == (seen->rdata[1] & (uint8_t)~DNSKEY_REVOKE) &&
	       memcmp(key->rdata + 2, seen->rdata + 2, seen->len - 2u) == 0;
}

static struct ipc_anchor_key *find_key(struct ipc_anchor_state *state, const struct rfc5011_seen *seen)
{
	for (unsigned i = 0; i < state->count; i++) {
		if (is_key(&state->keys[i], seen)) {
			return &state->keys[i];
		}
	}
	return NULL;
}

/* A place for one more key: at the end, or that of the key which was removed first. NULL: all are needed. */
static struct ipc_anchor_key *make_room(struct ipc_anchor_state *state)
{
	if (state->count < IPC_ANCHOR_KEYS_MAX) {
		return &state->keys[state->count++];
	}
	struct ipc_anchor_key *oldest = NULL;
	for (unsigned i = 0; i < state->count; i++) {
		struct ipc_anchor_key *key = &state->keys[i];
		if (key->state == IPC_KEY_REMOVED && (oldest == NULL || key->since_sec < oldest->since_sec)) {
			oldest = key;
		}
	}
	return oldest;
}

struct step {
	struct ipc_anchor_state *state;
	const struct rfc5011_observation *seen;
	uint64_t now_sec;
	rfc5011_change_fn *change;
	void *ctx;
	bool changed; /* who is trusted */
};

static void move(struct step *s, struct ipc_anchor_key *key, unsigned to)
{
	unsigned from = key->state;
	bool trusted = rfc5011_is_trusted(key);
	key->state = (uint8_t)to;
	key->since_sec = s->now_sec;
	s->changed = s->changed || trusted != rfc5011_is_trusted(key) || to == IPC_KEY_REVOKED;
	s->change(s->ctx, key, from, to);
}

static void add_key(struct step *s, const struct rfc5011_seen *seen, unsigned to)
{
	struct ipc_anchor_key *key = seen->len > sizeof(key->rdata) ? NULL : make_room(s->state);
	if (key == NULL) {
		return; /* as if it had not been seen; it is not trusted */
	}
	*key = (struct ipc_anchor_key){ .len = seen->len };
	memcpy(key->rdata, seen->rdata, seen->len);
	key->rdata[1] &= (uint8_t)~DNSKEY_REVOKE;
	/* RFC 5011 2.4.1: or the TTL of the first RRset that had it, if that is longer. */
	key->hold_sec = s->seen->original_ttl > RFC5011_HOLD_SEC ? s->seen->original_ttl : RFC5011_HOLD_SEC;
	key->seen = 1;
	move(s, key, to);
}

/* RFC 5011 2.1: the REVOKE bit counts when the key itself has signed. */
static void take_revocations(struct step *s)
{
	for (unsigned i = 0; i < s->seen->count; i++) {
		const struct rfc5011_seen *seen = &s->seen->keys[i];
		if ((flags_of(seen->rdata) & (DNSKEY_REVOKE | DNSKEY_ZONE)) != (DNSKEY_REVOKE | DNSKEY_ZONE) ||
		    !seen->self_signed) {
			continue;
		}
		struct ipc_anchor_key *key = find_key(s->state, seen);
		if (key != NULL && rfc5011_is_trusted(key)) {
			key->hold_sec = RFC5011_HOLD_SEC;
			move(s, key, IPC_KEY_REVOKED);
		} else if (key == NULL && seen->configured) {
			add_key(s, seen, IPC_KEY_REVOKED);
		}
	}
}

/* Is it there and not revoked? */
static bool is_present(const struct step *s, const struct ipc_anchor_key *key)
{
	for (unsigned i = 0; i < s->seen->count; i++) {
		const struct rfc5011_seen *seen = &s->seen->keys[i];
		if ((flags_of(seen->rdata) & DNSKEY_REVOKE) == 0 && is_key(key, seen)) {
			return true;
		}
	}
	return false;
}

/* Keys of the state that were seen, or not. */
static void judge_known(struct step *s)
{
	struct ipc_anchor_state *state = s->state;
	unsigned kept = 0;
	for (unsigned i = 0; i < state->count; i++) {
		struct ipc_anchor_key *key = &state->keys[i];
		bool present = is_present(s, key);
		/* A clock that went back makes nothing happen sooner. */
		uint64_t age_sec = s->now_sec > key->since_sec ? s->now_sec - key->since_sec : 0;
		if (key->state == IPC_KEY_PENDING && !present) {
			s->change(s->ctx, key, IPC_KEY_PENDING, 0);
			continue; /* RFC 5011 4.2 KeyRem: it begins anew when it comes back */
		}
		if (key->state == IPC_KEY_PENDING) {
			key->seen = key->seen == UINT8_MAX ? UINT8_MAX : (uint8_t)(key->seen + 1);
			if (age_sec >= key->hold_sec && key->seen >= RFC5011_SEEN_MIN) {
				move(s, key, IPC_KEY_VALID);
			}
		} else if (key->state == IPC_KEY_VALID && !present) {
			move(s, key, IPC_KEY_MISSING);
		} else if (key->state == IPC_KEY_MISSING && present) {
			move(s, key, IPC_KEY_VALID);
		} else if (key->state == IPC_KEY_REVOKED && age_sec >= key->hold_sec) {
			move(s, key, IPC_KEY_REMOVED);
		}
		if (kept != i) {
			state->keys[kept] = *key;
		}
		kept++;
	}
	state->count = (uint8_t)kept;
}

static void take_new(struct step *s)
{
	for (unsigned i = 0; i < s->seen->count; i++) {
		const struct rfc5011_seen *seen = &s->seen->keys[i];
		uint16_t flags = flags_of(seen->rdata);
		bool zone_key = (flags & DNSKEY_ZONE) != 0 && (flags & DNSKEY_REVOKE) == 0;
		/* RFC 5011 3: keys with SEP are candidates; one that the operator named needs no such hint. */
		if (!zone_key || find_key(s->state, seen) != NULL) {
			continue;
		}
		if (seen->configured) {
			add_key(s, seen, IPC_KEY_VALID);
		} else if ((flags & DNSKEY_SEP) != 0) {
			add_key(s, seen, IPC_KEY_PENDING);
		}
	}
}

bool rfc5011_step(struct ipc_anchor_state *state, const struct rfc5011_observation *seen, uint64_t now_sec,
		  rfc5011_change_fn *change, void *ctx)
{
	struct step s = { .state = state, .seen = seen, .now_sec = now_sec, .change = change, .ctx = ctx };
	take_revocations(&s);
	if (!seen->verified) {
		rfc5011_failed(state, now_sec);
		return s.changed;
	}
	judge_known(&s);
	take_new(&s);
	state->ttl = seen->original_ttl;
	state->sig_left_sec = seen->sig_left_sec;
	state->checked_sec = now_sec;
	state->next_sec = now_sec + query_interval(seen->original_ttl, seen->sig_left_sec);
	return s.changed;
}

void rfc5011_failed(struct ipc_anchor_state *state, uint64_t now_sec)
{
	state->next_sec = now_sec + retry_time(state->ttl, state->sig_left_sec);
}
