/*
 * Response rate limiting: how often a prefix of client addresses may get the same kind of response over UDP
 * before it gets short ones. Its aim is the amplification of forged queries: their "client" is the victim.
 *
 * What is counted together. One account is a client prefix and one of
 *
 *   answer     an existing name, whatever types are asked of it: an attacker must not multiply his share by
 *              the types of a name. A wildcard or a DNAME counts as itself, or random names below would
 *              each have an account.
 *   nodata, nxdomain   the zone: random names and types must not each have an account
 *   referral   the delegation
 *   error      everything else, in one account for the prefix
 *
 * BIND, NSD and earlier releases of Knot DNS divide alike; BIND has the type in the account of an answer
 * and drops limited errors, NSD has further classes for large types. Later releases of Knot count a prefix
 * as a whole, which is stronger against a sweep through the names of a large zone but makes a large
 * resolver pay for each of its different questions.
 *
 * What a limited client gets. Never silence (ANSSI-BP-038 R18): a response without records and TC=1, which a
 * real client repeats over TCP; a client with a cookie of its own gets BADCOOKIE and a server cookie, which
 * costs it one more packet only (as BIND does, RFC 7873 5.2.3). So `slip` is 1 and can be nothing else. Errors
 * hold nothing that amplifies and cannot be made shorter than without their extended error and NSID; TC would only
 * send clients to TCP for the same refusal. Over TCP, over query links and with a valid server cookie,
 * the client's address is proved and nothing is counted.
 *
 * How it counts. An account is the debt of its prefix, as time: each response costs 1/rate of a second, and
 * time pays it off. Whoever owes RRL_WINDOW_US is limited. So a burst of `rate` responses is let through and
 * then `rate` each second; a limited response costs nothing more, so that somebody slightly above the
 * rate loses only what is above, and whoever stops is free again after a second.
 *
 * Why the memory cannot be filled with effect. The table is one block that all workers of a view map: lines
 * of eight accounts, one 64-bit word each, changed by compare-and-swap.
 *
 *  - The line and the 24-bit tag of an account come from SipHash with a key made at start. A stranger cannot
 *    choose addresses that meet in a line, nor those that meet somebody else's account.
 *  - An account that owes nothing is free. One response of a forged address at 20 per second occupies its
 *    word for 50 ms: a million different addresses a second keep 50,000 of the 524,288 words busy.
 *  - Where all eight are busy, each line is a summary of its most frequent accounts in the manner of Misra and
 *    Gries: a newcomer takes one response off the smallest debt, and takes its place when nothing is left.
 *    So debts are only ever understated: the innocent are never limited by what others did (but for two
 *    accounts with equal line and tag, one pair in 2^40), and an account cannot be pushed out by others that
 *    are smaller than itself. To hide one flood, seven accounts of its line have to be larger, and as nobody
 *    knows the lines, those of the whole table: ten million responses a second at the default rate.
 *  - The worst case is that a small flood is not counted for a while, never that somebody is limited.
 *
 * A process that writes nonsense into the table limits, or does not, clients of its own view.
 *
 * The time is a parameter: microseconds of the monotonic clock, taken once per batch of packets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_RRL_H
#define BULKHEAD_DAEMONS_AUTHORITY_RRL_H

#include "common/util/addr.h"
#include "common/util/siphash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	/* Accounts in a line: one line of cache. */
	RRL_WAYS = 8,
	/* Debt at which an account is limited; the burst it may have. */
	RRL_WINDOW_US = 1000000,
};

struct rrl_line {
	_Alignas(64) _Atomic(uint64_t) words[RRL_WAYS];
};

struct rrl_table {
	struct rrl_line *lines;
	uint64_t mask; /* number of lines - 1; a power of two */
};

enum rrl_class { RRL_ANSWER, RRL_NODATA, RRL_NXDOMAIN, RRL_REFERRAL, RRL_ERROR, RRL_CLASS_COUNT };

enum rrl_mode { RRL_OFF, RRL_LOG, RRL_ON };

struct rrl {
	enum rrl_mode mode;
	struct rrl_table table;
	struct siphash_key key;
	uint32_t cost_us; /* of one response: 1000000 / responses per second */
	uint8_t ipv4_bits; /* 1..32 */
	uint8_t ipv6_bits; /* 1..64 */
	struct acl exempt;
};

/* Text of a class, for the log. */
const char *rrl_class_text(enum rrl_class class);

/*
 * Take block[0..size) as a table: 64-aligned, a number of lines that is a power of two, or BH_EMALFORMED. All
 * octets 0 is an empty table. The block stays the caller's.
 */
int rrl_table_init(struct rrl_table *table, void *block, size_t size) BH_CHECKED;

/*
 * Count a response to client. what tells accounts of one class apart (a name, a zone; 0 for errors).
 * True: it is above the rate; the response must be a short one, unless the mode is RRL_LOG. Cost: one hash
 * and one line of cache.
 */
bool rrl_is_limited(const struct rrl *rrl, const struct addr *client, enum rrl_class class, uint64_t what,
		    uint64_t now_us);

/* The prefix whose account a client has; for the log. */
struct prefix rrl_prefix(const struct rrl *rrl, const struct addr *client);

#endif
