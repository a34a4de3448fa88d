/*
 * How the keys of an anchor zone become trusted and cease to be, by what the zone itself publishes (RFC 5011). A
 * state machine without packets, arithmetic and clock: what was seen and verified goes in, the new state comes out.
 *
 *	                 30 days                gone
 *	(new) -> ADDPEND --------> VALID <--------------> MISSING     trusted: VALID and MISSING
 *	           | gone            |         back          |
 *	           v                 +-------- revoked ------+
 *	        forgotten            v
 *	                          REVOKED --30 days--> REMOVED        never trusted again
 *
 * A key that the operator configured is VALID when it is first seen. Beside the state, configured anchors stay
 * trusted as long as no revoked key is what they speak of: a key may be configured before it is published.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_VALIDATE_RFC5011_H
#define BULKHEAD_DAEMONS_RESOLVER_VALIDATE_RFC5011_H

#include "common/ipc/conf.h"

/* RFC 5011 2.4.1, 2.4.2: both hold-down times. */
#define RFC5011_HOLD_SEC IPC_KEY_HOLD_SEC
/* Times that a new key must have been seen, so that a clock set forward cannot stand for thirty days. */
#define RFC5011_SEEN_MIN 3

/* A key of the zone's DNSKEY RRset. */
struct rfc5011_seen {
	const uint8_t *rdata; /* as it came; what dnskey_parse takes */
	uint16_t len;
	bool configured;  /* an anchor of the operator speaks of it, its REVOKE bit left out */
	bool self_signed; /* it has signed the RRset; needed of revoked ones only */
};

struct rfc5011_observation {
	/* The RRset is signed by a trusted key. If not, nothing but revocations counts (RFC 5011 2.1). */
	bool verified;
	uint32_t original_ttl; /* of its signature */
	uint32_t sig_left_sec; /* until it expires */
	const struct rfc5011_seen *keys;
	unsigned count;
};

/* Told of each change; from or to 0: the key is not known. */
typedef void rfc5011_change_fn(void *ctx, const struct ipc_anchor_key *key, unsigned from, unsigned to);

/*
 * state was as of an earlier time, or empty but for its zone, and becomes that of now_sec. True: a key became
 * trusted or is no longer, or may not be used again; the state wants to be saved in any case.
 */
bool rfc5011_step(struct ipc_anchor_state *state, const struct rfc5011_observation *seen, uint64_t now_sec,
		  rfc5011_change_fn *change, void *ctx);

/* The zone could not be asked, or its answer not be verified: when to try again. */
void rfc5011_failed(struct ipc_anchor_state *state, uint64_t now_sec);

static inline bool rfc5011_is_trusted(const struct ipc_anchor_key *key)
{
	return key->state == IPC_KEY_VALID || key->state == IPC_KEY_MISSING;
}

/* "valid" */
const char *rfc5011_state_text(unsigned state);

#endif
