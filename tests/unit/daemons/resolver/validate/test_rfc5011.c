/*
 * The state machine of RFC 5011, as a story for each transition: days pass, keys come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/rfc5011.h"

#include "common/dns/dnssec.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DAY UINT64_C(86400)
#define START (20000 * DAY)
#define TTL 172800

static struct ipc_anchor_state state;
static char told[1024];

/*
 * Keys are letters: 'a' has its name as key octets. In a line of what is seen, after a letter: '+' configured, '!'
 * revoked and signed by itself, '?' revoked but not signed, '-' without SEP, '0' no zone key.
 */
static struct rfc5011_observation observe(const char *line)
{
	static uint8_t rdata[64][8];
	static struct rfc5011_seen keys[64];
	unsigned count = 0;
	for (; *line != '\0'; line++) {
		if ((*line >= 'a' && *line <= 'z') || (*line >= 'A' && *line <= 'Z')) {
			const uint8_t key[8] = { 0x01, 0x01, 3, 13, (uint8_t)*line, 2, 3, 4 };
			memcpy(rdata[count], key, sizeof(key));
			keys[count] = (struct rfc5011_seen){ .rdata = rdata[count], .len = sizeof(key) };
			count++;
			continue;
		}
		struct rfc5011_seen *last = &keys[count - 1];
		uint8_t *flags = rdata[count - 1];
		last->configured |= *line == '+';
		last->self_signed |= *line == '!';
		flags[1] |= *line == '!' || *line == '?' ? DNSKEY_REVOKE : 0;
		flags[1] &= (uint8_t)(*line == '-' ? ~DNSKEY_SEP : 0xff);
		flags[0] &= (uint8_t)(*line == '0' ? 0 : 0xff);
	}
	return (struct rfc5011_observation){ .verified = true, .original_ttl = TTL, .sig_left_sec = 14 * 86400,
					     .keys = keys, .count = count };
}

static void on_change(void *ctx, const struct ipc_anchor_key *key, unsigned from, unsigned to)
{
	size_t used = strlen(told);
	(void)ctx;
	snprintf(told + used, sizeof(told) - used, "%c:%s>%s ", key->rdata[4], from == 0 ? "" : rfc5011_state_text(from),
		 to == 0 ? "" : rfc5011_state_text(to));
}

/* The state as "a:valid b:pending ", in the order of its keys. */
static const char *text(void)
{
	static char out[1024];
	size_t used = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < state.count; i++) {
		cr_assert_eq(state.keys[i].rdata[1] & DNSKEY_REVOKE, 0);
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%c:%s ", state.keys[i].rdata[4],
					 rfc5011_state_text(state.keys[i].state));
	}
	return out;
}

static bool see(const char *line, uint64_t day)
{
	struct rfc5011_observation o = observe(line);
	told[0] = '\0';
	return rfc5011_step(&state, &o, START + day * DAY, on_change, NULL);
}

#define EXPECT(wanted) cr_assert_str_eq(text(), wanted, "%s", text())

Test(rfc5011, configured_keys_are_valid_at_once_others_wait)
{
	cr_assert(see("a+bc-d0", 0));
	EXPECT("a:valid b:pending ");
	cr_assert_str_eq(told, "a:>valid b:>pending ");
	cr_assert_not(see("ab", 15));
	cr_assert_not(see("ab", 29));
	EXPECT("a:valid b:pending ");
	cr_assert(see("ab", 30));
	EXPECT("a:valid b:valid ");
	cr_assert_str_eq(told, "b:pending>valid ");
	cr_assert_not(see("ab", 31));
	cr_assert_str_eq(told, "");
}

Test(rfc5011, a_configured_key_without_sep_is_taken)
{
	see("a-+", 0);
	EXPECT("a:valid ");
}

Test(rfc5011, a_pending_key_that_goes_begins_anew)
{
	see("a+b", 0);
	see("ab", 20);
	see("a", 21);
	EXPECT("a:valid ");
	cr_assert_str_eq(told, "b:pending> ");
	see("ab", 22);
	see("ab", 40);
	see("ab", 51);
	EXPECT("a:valid b:pending ");
	see("ab", 52);
	EXPECT("a:valid b:valid ");
}

Test(rfc5011, a_clock_set_forward_is_not_thirty_days)
{
	see("a+b", 0);
	see("ab", 4000);
	EXPECT("a:valid b:pending ");
	see("ab", 4001);
	EXPECT("a:valid b:valid ");
}

Test(rfc5011, a_clock_set_back_makes_nothing_sooner)
{
	see("a+b", 100);
	for (unsigned i = 0; i < 5; i++) {
		see("ab", 1);
	}
	EXPECT("a:valid b:pending ");
}

Test(rfc5011, a_long_ttl_makes_the_hold_longer)
{
	struct rfc5011_observation o = observe("a+b");
	o.original_ttl = 40 * 86400;
	rfc5011_step(&state, &o, START, on_change, NULL);
	see("ab", 20);
	see("ab", 39);
	EXPECT("a:valid b:pending ");
	see("ab", 40);
	EXPECT("a:valid b:valid ");
}

Test(rfc5011, a_missing_key_is_trusted_until_it_is_revoked)
{
	see("a+b+", 0);
	cr_assert_not(see("a", 1));
	EXPECT("a:valid b:missing ");
	cr_assert(rfc5011_is_trusted(&state.keys[1]));
	see("ab", 2);
	EXPECT("a:valid b:valid ");
	see("a", 3);
	cr_assert(see("ab!", 4));
	EXPECT("a:valid b:revoked ");
}

Test(rfc5011, a_revoked_key_is_never_trusted_again)
{
	see("a+b+", 0);
	cr_assert(see("a!b", 1));
	EXPECT("a:revoked b:valid ");
	cr_assert_str_eq(told, "a:valid>revoked ");
	cr_assert_not(rfc5011_is_trusted(&state.keys[0]));
	see("a+b", 2); /* without the bit, and still configured */
	EXPECT("a:revoked b:valid ");
	see("b", 30);
	EXPECT("a:revoked b:valid ");
	see("b", 31);
	EXPECT("a:removed b:valid ");
	for (unsigned i = 0; i < 50; i++) {
		see("a+b", 32 + i);
	}
	EXPECT("a:removed b:valid ");
}

Test(rfc5011, a_revocation_needs_the_keys_own_signature)
{
	see("a+b+", 0);
	see("a?b", 1);
	EXPECT("a:missing b:valid ");
	cr_assert_str_eq(told, "a:valid>missing ", "it is not there as it was");
}

Test(rfc5011, a_configured_key_that_is_first_seen_revoked_is_not_trusted)
{
	see("a+!b+", 0);
	EXPECT("a:revoked b:valid ");
	see("b", 1);
	see("c!b", 2); /* nobody trusted it: nothing to tell */
	EXPECT("a:revoked b:valid ");
}

Test(rfc5011, a_pending_key_that_is_revoked_is_forgotten)
{
	see("a+b", 0);
	see("ab!", 1);
	EXPECT("a:valid ");
}

Test(rfc5011, without_a_trusted_signature_only_revocations_count)
{
	see("a+b+", 0);
	struct rfc5011_observation o = observe("a!cd+");
	o.verified = false;
	cr_assert(rfc5011_step(&state, &o, START + DAY, on_change, NULL));
	EXPECT("a:revoked b:valid ");
	cr_assert_eq(state.checked_sec, START);
	cr_assert_eq(state.next_sec, START + DAY + 17280, "a retry: %llu", (unsigned long long)(state.next_sec - START - DAY));
}

Test(rfc5011, keys_are_bounded_and_those_removed_make_room)
{
	see("a+b+", 0);
	see("a!b", 1);
	see("b", 31);
	EXPECT("a:removed b:valid ");
	see("bcdefghijklmnopqrstuvwxyz", 32);
	cr_assert_eq(state.count, IPC_ANCHOR_KEYS_MAX);
	cr_assert_eq(state.keys[1].rdata[4], 'b');
	cr_assert_eq(state.keys[0].state, IPC_KEY_PENDING, "the removed one has made room");
	cr_assert_eq(rfc5011_is_trusted(&state.keys[1]), true);
}

Test(rfc5011, times_of_queries)
{
	static const struct {
		uint32_t ttl;
		uint32_t sig_left_sec;
		uint64_t next;
		uint64_t retry;
	} cases[] = {
		/* RFC 5011 2.3 */
		{ 172800, 14 * 86400, 86400, 17280 },
		{ 60, 14 * 86400, 3600, 3600 },
		{ 90 * 86400, 60 * 86400, 15 * 86400, 86400 },
		{ 90 * 86400, 6 * 86400, 3 * 86400, 51840 },
		{ 172800, 10, 3600, 3600 },
		{ 0, 0, 3600, 3600 },
		{ UINT32_MAX, UINT32_MAX, 15 * 86400, 86400 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rfc5011_observation o = observe("a+");
		o.original_ttl = cases[i].ttl;
		o.sig_left_sec = cases[i].sig_left_sec;
		rfc5011_step(&state, &o, START, on_change, NULL);
		cr_assert_eq(state.next_sec - START, cases[i].next, "case %zu", i);
		rfc5011_failed(&state, START);
		cr_assert_eq(state.next_sec - START, cases[i].retry, "case %zu", i);
	}
}
