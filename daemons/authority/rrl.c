/*
 * The table of debts. The words are shared with other processes: each is read once, judged, and changed by
 * compare-and-swap, and nothing in them is trusted to make sense.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/rrl.h"

#include "common/util/cursor.h"

#include <assert.h>
#include <string.h>

/*
 * A word: 24 bits of tag, and 40 bits of the time in microseconds at which the debt is paid off, modulo
 * 2^40 (12.7 days). An account whose time is not within RRL_DEBT_MAX_US ahead owes nothing; so one that was
 * left alone may look busy for two seconds in 12.7 days, which costs a client at most a few short responses.
 */
#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
/* The window, and one response of the smallest rate. */
#define RRL_DEBT_MAX_US (2 * RRL_WINDOW_US)
/* Attempts to change a word that other workers change at the same time; then the response goes uncounted. */
#define TRIES_MAX 4

static_assert(sizeof(struct rrl_line) == 64, "a line of cache");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");

const char *rrl_class_text(enum rrl_class class)
{
	static const char *const texts[RRL_CLASS_COUNT] = {
		[RRL_ANSWER] = "answer",     [RRL_NODATA] = "nodata", [RRL_NXDOMAIN] = "nxdomain",
		[RRL_REFERRAL] = "referral", [RRL_ERROR] = "error",
	};
	return texts[class];
}

int rrl_table_init(struct rrl_table *table, void *block, size_t size)
{
	size_t lines = size / sizeof(struct rrl_line);
	if (lines == 0 || size % sizeof(struct rrl_line) != 0 || (lines & (lines - 1)) != 0 ||
	    (uintptr_t)block % sizeof(struct rrl_line) != 0) {
		return BH_EMALFORMED;
	}
	table->lines = block;
	table->mask = lines - 1;
	return BH_OK;
}

struct prefix rrl_prefix(const struct rrl *rrl, const struct addr *client)
{
	struct prefix p = { .family = client->family,
			    .bits = client->family == ADDR_V4 ? rrl->ipv4_bits : rrl->ipv6_bits };
	for (unsigned i = 0; i < p.bits; i += 8) {
		unsigned rest = p.bits - i;
		p.bytes[i / 8] = (uint8_t)(client->bytes[i / 8] & (rest >= 8 ? 0xffu : 0xffu << (8 - rest)));
	}
	return p;
}

/*
 * All that a stranger could learn of the hash is that two accounts share a line, and that only from responses that
 * are missing after floods of millions: the fewer rounds of siphash_words do.
 */
static uint64_t account_of(const struct rrl *rrl, const struct addr *client, enum rrl_class class, uint64_t what)
{
	uint64_t net;
	if (client->family == ADDR_V4) {
		net = get_u32(client->bytes) & (uint32_t)(UINT32_MAX << (32 - rrl->ipv4_bits));
	} else {
		net = (uint64_t)get_u32(client->bytes) << 32 | get_u32(client->bytes + 4);
		net &= UINT64_MAX << (64 - rrl->ipv6_bits);
	}
	return siphash_words(&rrl->key, (const uint64_t[3]){ net, what, (uint64_t)client->family << 8 | class });
}

static inline uint64_t debt_of(uint64_t word, uint64_t now_us)
{
	uint64_t debt = (word - now_us) & TIME_MASK;
	return debt <= RRL_DEBT_MAX_US && word != 0 ? debt : 0; /* 0: never used */
}

static inline uint64_t make_word(uint64_t tag, uint64_t now_us, uint64_t debt)
{
	return tag << TIME_BITS | ((now_us + debt) & TIME_MASK);
}

static bool swap(_Atomic(uint64_t) *word, uint64_t *seen, uint64_t value)
{
	return atomic_compare_exchange_strong_explicit(word, seen, value, memory_order_relaxed, memory_order_relaxed);
}

/* The account has this word: true when it is at its limit, else it owes one response more. */
static bool charge(const struct rrl *rrl, _Atomic(uint64_t) *word, uint64_t seen, uint64_t now_us)
{
	uint64_t tag = seen >> TIME_BITS;
	for (unsigned tries = 0; tries < TRIES_MAX && seen >> TIME_BITS == tag; tries++) {
		uint64_t debt = debt_of(seen, now_us);
		if (debt + rrl->cost_us > RRL_WINDOW_US) {
			return true;
		}
		if (swap(word, &seen, make_word(tag, now_us, debt + rrl->cost_us))) {
			break;
		}
	}
	return false;
}

/* No account here yet: take the place of the smallest debt, or make that smaller. */
static void open_account(const struct rrl *rrl, struct rrl_line *line, uint64_t tag, uint64_t now_us)
{
	unsigned least = 0;
	uint64_t least_word = 0;
	uint64_t least_debt = UINT64_MAX;
	for (unsigned i = 0; i < RRL_WAYS && least_debt > 0; i++) {
		uint64_t word = atomic_load_explicit(&line->words[i], memory_order_relaxed);
		uint64_t debt = debt_of(word, now_us);
		if (debt < least_debt) {
			least = i;
			least_word = word;
			least_debt = debt;
		}
	}
	uint64_t value = least_debt <= rrl->cost_us
				 ? make_word(tag, now_us, rrl->cost_us)
				 : make_word(least_word >> TIME_BITS, now_us, least_debt - rrl->cost_us);
	/* Another worker was here first: then this response is not counted. */
	(void)swap(&line->words[least], &least_word, value);
}

bool rrl_is_limited(const struct rrl *rrl, const struct addr *client, enum rrl_class class, uint64_t what,
		    uint64_t now_us)
{
	uint64_t hash = account_of(rrl, client, class, what);
	struct rrl_line *line = &rrl->table.lines[hash & rrl->table.mask];
	uint64_t tag = hash >> TIME_BITS;

	for (unsigned i = 0; i < RRL_WAYS; i++) {
		uint64_t word = atomic_load_explicit(&line->words[i], memory_order_relaxed);
		if (word >> TIME_BITS == tag) {
			/* Few are limited, so only they are looked up in the list of those who never are. */
			return charge(rrl, &line->words[i], word, now_us) && !acl_match(&rrl->exempt, client);
		}
	}
	open_account(rrl, line, tag, now_us);
	return false;
}
