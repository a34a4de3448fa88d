/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/resolver/validate/memo.h"
#include "daemons/resolver/validate/trust.h"

#include "common/dns/rr.h"
#include "tests/unit/daemons/resolver/sim.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct trust_store *store_of(uint64_t bytes)
{
	struct siphash_key key = { 1, 2 };
	struct trust_store *store = trust_store_new(bytes, &key);
	cr_assert_not_null(store);
	return store;
}

static void put(struct trust_store *store, const char *name, uint64_t expire_ms)
{
	uint8_t zone[DNAME_MAX];
	static const uint8_t keys[] = { 0, 7, 1, 1, 3, 13, 'k', 'e', 'y' };
	sim_name(name, zone);
	struct trust *t = trust_new(zone, TRUST_SECURE, keys, sizeof(keys), 1);
	cr_assert_not_null(t);
	t->expire_ms = expire_ms;
	trust_put(store, t);
	trust_release(t);
}

static bool has(struct trust_store *store, const char *name, uint64_t now_ms)
{
	uint8_t zone[DNAME_MAX];
	sim_name(name, zone);
	struct trust *t = trust_find(store, zone, now_ms);
	bool found = t != NULL;
	trust_release(t);
	return found;
}

Test(trust, holds_until_it_expires_and_the_newer_word_counts)
{
	struct trust_store *store = store_of(1 << 20);
	put(store, "Example.COM.", 1000);
	cr_assert(has(store, "example.com.", 999));
	cr_assert_not(has(store, "www.example.com.", 999));
	put(store, "example.com.", 2000);
	cr_assert_eq(trust_count(store), 1u);
	cr_assert(has(store, "example.com.", 1999));
	cr_assert_not(has(store, "example.com.", 2000));
	cr_assert_eq(trust_count(store), 0u);
	cr_assert_eq(trust_bytes(store), 0u);
	trust_store_free(store);
}

Test(trust, memory_is_bounded_and_the_used_zone_stays)
{
	struct trust_store *store = store_of(256 * 1024);
	char name[32];
	put(store, "com.", 1000);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "z%u.com.", i);
		put(store, name, 1000);
		cr_assert_leq(trust_bytes(store), 256u * 1024);
		cr_assert(has(store, "com.", 1));
	}
	cr_assert_gt(trust_count(store), 50u);
	cr_assert_lt(trust_count(store), 500u);
	trust_store_free(store);
}

Test(trust, who_holds_an_entry_may_see_it_forgotten)
{
	struct trust_store *store = store_of(1 << 20);
	uint8_t zone[DNAME_MAX];
	put(store, "a.com.", 1000);
	put(store, "b.org.", 1000);
	sim_name("a.com.", zone);
	struct trust *held = trust_find(store, zone, 1);
	sim_name("com.", zone);
	trust_flush_zone(store, zone);
	cr_assert_not(has(store, "a.com.", 1));
	cr_assert(has(store, "b.org.", 1));
	cr_assert_eq(held->keys[0].dnskey.algorithm, 13);
	trust_release(held);
	trust_flush(store);
	cr_assert_eq(trust_count(store), 0u);
	trust_store_free(store);
}

/* Whatever of what was checked is another: so is the note. */
Test(memo, a_note_is_of_this_signature_these_records_and_this_key)
{
	struct memo *memo = memo_new(1024);
	cr_assert_not_null(memo);
	static const uint8_t rdata[] = { 0, 4, 192, 0, 2, 1 };
	static const uint8_t other_rdata[] = { 0, 4, 192, 0, 2, 2 };
	uint8_t owner[DNAME_MAX];
	uint8_t upper[DNAME_MAX];
	uint8_t other[DNAME_MAX];
	sim_name("www.example.", owner);
	sim_name("WWW.Example.", upper);
	sim_name("ww.example.", other);
	struct rrset set = { .owner = owner, .type = RR_A, .count = 1, .rdata = rdata, .rdata_len = sizeof(rdata) };
	struct rrset cases[] = { set, set, set };
	struct memo_note note, n;
	cr_assert(memo_note(memo, &set, (const uint8_t *)"sig", 3, (const uint8_t *)"key", 3, &note));
	cr_assert_not(memo_has(memo, &note));
	memo_add(memo, &note);
	cr_assert(memo_has(memo, &note));
	set.owner = upper;
	cr_assert(memo_note(memo, &set, (const uint8_t *)"sig", 3, (const uint8_t *)"key", 3, &n));
	cr_assert(memo_has(memo, &n), "names are equal in any case");
	cases[0].owner = other;
	cases[1].type = RR_TXT;
	cases[2].rdata = other_rdata;
	for (unsigned i = 0; i < 3; i++) {
		cr_assert(memo_note(memo, &cases[i], (const uint8_t *)"sig", 3, (const uint8_t *)"key", 3, &n));
		cr_assert_not(memo_has(memo, &n), "case %u", i);
	}
	cr_assert(memo_note(memo, &set, (const uint8_t *)"sih", 3, (const uint8_t *)"key", 3, &n));
	cr_assert_not(memo_has(memo, &n));
	cr_assert(memo_note(memo, &set, (const uint8_t *)"sigk", 4, (const uint8_t *)"ey", 2, &n));
	cr_assert_not(memo_has(memo, &n), "where one part ends and the next begins");
	memo_free(memo);
}
