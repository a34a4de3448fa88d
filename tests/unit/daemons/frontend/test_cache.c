/*
 * The answer cache: life, bounds, keys, flushing. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/cache.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct answer_builder builder;

static struct cache_key key_of(const char *qname, uint16_t qtype, uint8_t flags)
{
	static uint8_t lower[8][DNAME_MAX];
	static unsigned next;
	uint8_t *out = lower[next++ % 8];
	struct cache_key key = { .qname = out, .qtype = qtype, .flags = flags };
	key.qname_len = (uint8_t)dname_copy_lower(out, name(qname));
	cache_hash(&key);
	return key;
}

static const struct answer *make(const char *qname, uint16_t qtype, uint16_t rcode, const struct rec *recs)
{
	uint8_t lower[DNAME_MAX];
	uint8_t rdata[512];
	bool found = false;
	dname_copy_lower(lower, name(qname));
	answer_begin(&builder, lower, qtype, FORM_DO);
	for (; recs != NULL && recs->section != 0; recs++) {
		struct message_rr rr = { .owner = name(recs->owner), .type = recs->type, .rr_class = CLASS_IN,
					 .ttl = recs->ttl, .rdata = rdata };
		rr.rdata_len = (uint16_t)make_rdata(recs, rdata);
		cr_assert_eq(answer_add(&builder, recs->section, &rr), BH_OK);
		found = found || recs->type == qtype;
	}
	return answer_finish(&builder, rcode, 0, found);
}

/* Octets of the answers alone. */
static uint64_t answer_bytes(const struct cache *cache)
{
	struct cache *empty = cache_new(1 << 20);
	uint64_t table = cache_bytes(empty);
	cache_free(empty);
	return cache_bytes(cache) - table;
}

static const struct rec one_a[] = { { AN, "a.test", RR_A, 300, "192.0.2.1" }, { 0 } };

Test(cache, looks_ahead_where_it_will_find)
{
	static const struct {
		const char *qname;
		uint16_t qtype;
		uint16_t flags;
		bool do_bit;
		uint8_t key_flags;
	} cases[] = {
		{ "a.test", RR_A, FLAG_RD, false, 0 },
		{ "WWW.a.Test", RR_AAAA, FLAG_RD, true, KEY_DO },
		{ ".", RR_NS, FLAG_RD | FLAG_CD, false, KEY_CD },
		{ "a.test", RR_MX, 0, false, KEY_NO_RD },
	};
	struct cache *cache = cache_new(1 << 20);
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t query[512];
		size_t len = make_query(query, 1, cases[i].qname, cases[i].qtype, cases[i].flags, 1232, cases[i].do_bit);
		struct cache_key key = key_of(cases[i].qname, cases[i].qtype, cases[i].key_flags);
		uint64_t look = cache_look(cache, query, len);
		cr_assert_eq(look, key.hash, "%zu", i);
		cache_fetch(cache, look);
		/* Nothing behind the question counts, and what ends before its end is looked at no further. */
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *part = malloc(cut + 1); /* for the sanitizer */
			memcpy(part, query, cut);
			look = cache_look(cache, part, cut);
			cr_assert_eq(look, cut < DNS_HEADER_SIZE + key.qname_len + 4u ? 0 : key.hash, "%zu %zu", i, cut);
			cache_fetch(cache, look);
			free(part);
		}
	}
	cache_free(cache);
}

Test(cache, types_and_flags_of_a_name_have_their_own_places)
{
	struct cache_key a = key_of("a.test", RR_A, 0);
	cr_assert_eq(key_of("a.test", RR_A, KEY_DO).hash, a.hash);
	cr_assert_neq((uint32_t)key_of("a.test", RR_A, KEY_CD).hash, (uint32_t)a.hash);
	for (unsigned type = 2; type < 0x10000; type++) {
		cr_assert_neq((uint32_t)key_of("a.test", (uint16_t)type, 0).hash, (uint32_t)a.hash, "%u", type);
	}
}

/* Tables of this many places at least take a name's types one by one: who asks for all of them makes no long chain. */
Test(cache, types_of_a_name_are_spread_over_a_small_table)
{
	enum { PLACES = 16384 }; /* as many as the table of questions in work has */
	static uint8_t count[PLACES];
	for (unsigned type = 1; type <= PLACES; type++) {
		count[key_of("a.test", (uint16_t)type, 0).hash % PLACES]++;
	}
	for (unsigned i = 0; i < PLACES; i++) {
		cr_assert_eq(count[i], 1, "place %u has %u", i, count[i]);
	}
}

Test(cache, gives_back_until_the_smallest_ttl_is_over)
{
	static const struct rec recs[] = {
		{ AN, "a.test", RR_CNAME, 60, "b.test" },
		{ AN, "b.test", RR_A, 300, "192.0.2.1" },
		{ 0 },
	};
	struct cache *cache = cache_new(1 << 20);
	struct cache_key key = key_of("a.test", RR_A, 0);
	uint32_t age = 99;

	cr_assert_null(cache_find(cache, &key, 0, &age));
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, recs), 1000);
	cr_assert_not_null(cache_find(cache, &key, 1000, &age));
	cr_assert_eq(age, 0);
	const struct answer *a = cache_find(cache, &key, 1999, &age);
	cr_assert_eq(age, 0);
	a = cache_find(cache, &key, 60999, &age);
	cr_assert_not_null(a);
	cr_assert_eq(age, 59);
	cr_assert_eq(a->ttl_count, 2);
	cr_assert_eq(a->life_sec, 60);
	cr_assert_null(cache_find(cache, &key, 61000, &age));
	cr_assert_eq(cache_entries(cache), 0, "an expired entry goes when it is found");
	cr_assert_eq(answer_bytes(cache), 0);
	cache_free(cache);
}

Test(cache, life_by_kind_of_answer)
{
	static const struct {
		const char *what;
		uint16_t rcode;
		struct rec recs[4];
		uint32_t life;
	} cases[] = {
		{ "positive", RCODE_NOERROR, { { AN, "a.test", RR_A, 7, "192.0.2.1" } }, 7 },
		{ "authority counts", RCODE_NOERROR,
		  { { AN, "a.test", RR_A, 7, "192.0.2.1" }, { AU, "test", RR_NS, 5, "ns.test" } }, 5 },
		{ "ttl 0", RCODE_NOERROR, { { AN, "a.test", RR_A, 0, "192.0.2.1" } }, 0 },
		{ "a day", RCODE_NOERROR, { { AN, "a.test", RR_A, 604800, "192.0.2.1" } }, 86400 },
		{ "nodata", RCODE_NOERROR, { { AU, "test", RR_SOA, 900, "60" } }, 60 },
		{ "nxdomain", RCODE_NXDOMAIN, { { AU, "test", RR_SOA, 30, "60" } }, 30 },
		{ "negative, an hour", RCODE_NXDOMAIN, { { AU, "test", RR_SOA, 9000, "9000" } }, 3600 },
		{ "negative alias", RCODE_NXDOMAIN,
		  { { AN, "a.test", RR_CNAME, 20, "b.test" }, { AU, "test", RR_SOA, 30, "60" } }, 20 },
		{ "nodata without soa", RCODE_NOERROR, { { 0 } }, 0 },
		{ "nxdomain without soa", RCODE_NXDOMAIN, { { 0 } }, 0 },
		{ "alias without end", RCODE_NOERROR, { { AN, "a.test", RR_CNAME, 20, "b.test" } }, 0 },
		{ "servfail", RCODE_SERVFAIL, { { AU, "test", RR_SOA, 30, "60" } }, 0 },
		{ "refused", RCODE_REFUSED, { { AN, "a.test", RR_A, 7, "192.0.2.1" } }, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct answer *a = make("a.test", RR_A, cases[i].rcode, cases[i].recs);
		cr_assert_eq(a->life_sec, cases[i].life, "%s: %u", cases[i].what, a->life_sec);
		struct cache *cache = cache_new(1 << 20);
		struct cache_key key = key_of("a.test", RR_A, 0);
		cache_insert(cache, &key, a, 0);
		cr_assert_eq(cache_entries(cache), cases[i].life > 0, "%s", cases[i].what);
		cache_free(cache);
	}
}

static const struct rec signed_a[] = { { AN, "a.test", RR_A, 300, "192.0.2.1" },
				       { AN, "a.test", RR_RRSIG, 300, "1" }, { 0 } };

Test(cache, key_is_name_type_and_flags)
{
	struct cache *cache = cache_new(1 << 20);
	struct cache_key key = key_of("a.test", RR_A, KEY_DO);
	uint32_t age;
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, signed_a), 0);
	struct cache_key same = key_of("A.Test", RR_A, KEY_DO);
	struct cache_key others[] = { key_of("a.test", RR_AAAA, KEY_DO), key_of("a.test", RR_A, 0),
				      key_of("a.test", RR_A, KEY_DO | KEY_CD), key_of("b.test", RR_A, KEY_DO) };
	cr_assert_not_null(cache_find(cache, &same, 0, &age));
	for (size_t i = 0; i < 4; i++) {
		others[i].hash = key.hash; /* even if the hash were the same */
		cr_assert_null(cache_find(cache, &others[i], 0, &age), "%zu", i);
	}
	cache_free(cache);
}

Test(cache, a_newer_answer_replaces)
{
	static const struct rec newer[] = { { AN, "a.test", RR_A, 300, "192.0.2.2" }, { 0 } };
	struct cache *cache = cache_new(1 << 20);
	struct cache_key key = key_of("a.test", RR_A, 0);
	uint32_t age;
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, one_a), 0);
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, newer), 5000);
	cr_assert_eq(cache_entries(cache), 1);
	const struct answer *a = cache_find(cache, &key, 6000, &age);
	cr_assert_eq(age, 1);
	cr_assert_eq(a->wire[a->len - 1], 2);
	cache_free(cache);
}

Test(cache, stays_below_its_bound_and_keeps_what_is_used)
{
	enum { LIMIT = 64 * 1024 };
	struct cache *cache = cache_new(LIMIT);
	struct cache_key hot = key_of("hot.test", RR_A, 0);
	uint8_t hot_name[DNAME_MAX];
	uint32_t age;
	char text[32];

	memcpy(hot_name, hot.qname, hot.qname_len);
	hot.qname = hot_name;
	cache_insert(cache, &hot, make("hot.test", RR_A, RCODE_NOERROR, one_a), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "n%d.test", i);
		struct cache_key key = key_of(text, RR_A, 0);
		cache_insert(cache, &key, make(text, RR_A, RCODE_NOERROR, one_a), 0);
		cr_assert_leq(cache_bytes(cache), LIMIT);
		cr_assert_not_null(cache_find(cache, &hot, 0, &age), "after %d", i);
		cr_assert_not_null(cache_find(cache, &key, 0, &age), "the newest is there");
	}
	cr_assert_gt(cache_entries(cache), 100);
	cr_assert_lt(cache_entries(cache), 1000);
	uint64_t entries = cache_entries(cache);
	cr_assert_eq(cache_flush_all(cache), entries);
	cr_assert_eq(cache_entries(cache), 0);
	cache_free(cache);
}

/*
 * A flood of names that are asked for once, twenty times what the cache holds: what is in use stays, and nothing is ever
 * above the limit.
 */
Test(cache, a_flood_asked_once_does_not_push_out_what_is_in_use)
{
	enum { LIMIT = 256 * 1024, POPULAR = 100, FLOOD = 30000, EVERY = 5000 };
	struct cache *cache = cache_new(LIMIT);
	unsigned hits = 0;
	uint32_t age;
	char text[32];

	for (int i = 0; i < POPULAR; i++) {
		snprintf(text, sizeof(text), "p%d.test", i);
		struct cache_key key = key_of(text, RR_A, 0);
		cache_insert(cache, &key, make(text, RR_A, RCODE_NOERROR, one_a), 0);
		for (int k = 0; k < 3; k++) { /* popular, so asked for before the flood too */
			cr_assert_not_null(cache_find(cache, &key, 0, &age));
		}
	}
	for (int i = 0; i < FLOOD; i++) {
		snprintf(text, sizeof(text), "n%d.test", i);
		struct cache_key key = key_of(text, RR_A, 0);
		cache_insert(cache, &key, make(text, RR_A, RCODE_NOERROR, one_a), 0);
		cr_assert_leq(cache_bytes(cache), LIMIT);
		if (i % EVERY == EVERY - 1) { /* more than three times what the cache holds came in between */
			for (int k = 0; k < POPULAR; k++) {
				snprintf(text, sizeof(text), "p%d.test", k);
				key = key_of(text, RR_A, 0);
				if (cache_find(cache, &key, 0, &age) != NULL) {
					hits++;
				} else {
					cache_insert(cache, &key, make(text, RR_A, RCODE_NOERROR, one_a), 0);
				}
			}
		}
	}
	/* what is given up of the popular is the aging of the shelf; a clock or LRU keeps none of it */
	cr_assert_geq(hits, FLOOD / EVERY * POPULAR * 95 / 100, "%u hits", hits);
	cr_assert_gt(cache_evictions(cache), FLOOD / 2);
	cr_assert_lt(cache_entries(cache), EVERY / 3);
	cache_free(cache);
}

/* Eight rounds without any use are what it survives at most: what was popular once makes room in the end. */
Test(cache, what_is_not_used_any_more_makes_room)
{
	struct cache *cache = cache_new(64 * 1024);
	struct cache_key old = key_of("old.test", RR_A, 0);
	uint8_t old_name[DNAME_MAX];
	uint32_t age;
	char text[32];

	memcpy(old_name, old.qname, old.qname_len);
	old.qname = old_name;
	cache_insert(cache, &old, make("old.test", RR_A, RCODE_NOERROR, one_a), 0);
	for (int i = 0; i < 100; i++) {
		cr_assert_not_null(cache_find(cache, &old, 0, &age));
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "n%d.test", i);
		struct cache_key key = key_of(text, RR_A, 0);
		cache_insert(cache, &key, make(text, RR_A, RCODE_NOERROR, one_a), 0);
		cache_find(cache, &key, 0, &age);
	}
	cr_assert_null(cache_find(cache, &old, 0, &age));
	cache_free(cache);
}

Test(cache, refuses_what_is_too_large_for_it)
{
	static struct rec recs[401]; /* 6 KiB, where a sixteenth is 4 */
	struct cache *cache = cache_new(0); /* the least that there is */
	struct cache_key key = key_of("a.test", RR_A, 0);

	cr_assert_leq(cache_bytes(cache), 64 * 1024);
	for (unsigned i = 0; i < 400; i++) {
		recs[i] = one_a[0];
	}
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, recs), 0);
	cr_assert_eq(cache_entries(cache), 0);
	cache_insert(cache, &key, make("a.test", RR_A, RCODE_NOERROR, one_a), 0);
	cr_assert_eq(cache_entries(cache), 1);
	cache_free(cache);
}

/* The text of an extended error is kept with its answer, wherever that moves. */
Test(cache, extended_errors_are_kept)
{
	struct cache *cache = cache_new(64 * 1024);
	struct cache_key key = key_of("a.test", RR_A, 0);
	uint8_t held[DNAME_MAX];
	uint32_t age;
	char text[32];

	memcpy(held, key.qname, key.qname_len);
	key.qname = held;
	make("a.test", RR_A, RCODE_NOERROR, one_a);
	answer_set_ede(&builder, EDE_STALE_ANSWER, (const uint8_t *)"as it was", 9);
	cache_insert(cache, &key, &builder.answer, 0);
	for (int i = 0; i < 2000; i++) {
		const struct answer *a = cache_find(cache, &key, 0, &age);
		cr_assert_not_null(a);
		cr_assert_eq(a->ede, EDE_STALE_ANSWER);
		cr_assert_str_eq(a->ede_text, "as it was");
		cr_assert_eq(a->ede_text_len, 9);
		cr_assert_eq(a->wire[a->len - 1], 1, "the last octet of the address");
		snprintf(text, sizeof(text), "n%d.test", i);
		struct cache_key other = key_of(text, RR_A, 0);
		cache_insert(cache, &other, make(text, RR_A, RCODE_NOERROR, one_a), 0);
	}
	cache_free(cache);
}

Test(cache, flushes_names_and_zones)
{
	static const char *const names[] = { "a.test", "b.a.test", "c.b.a.test", "xa.test", "test" };
	struct cache *cache = cache_new(1 << 20);
	uint32_t age;
	for (unsigned i = 0; i < 5; i++) {
		for (uint16_t type = 1; type <= 2; type++) {
			struct cache_key key = key_of(names[i], type, 0);
			cache_insert(cache, &key, make(names[i], type, RCODE_NXDOMAIN,
						       (struct rec[]){ { AU, "test", RR_SOA, 60, "60" }, { 0 } }),
				     0);
		}
	}
	cr_assert_eq(cache_entries(cache), 10);
	cr_assert_eq(cache_flush_name(cache, name("B.A.TEST")), 2);
	cr_assert_eq(cache_flush_name(cache, name("b.a.test")), 0);
	cr_assert_eq(cache_flush_zone(cache, name("a.test")), 4);
	struct cache_key left = key_of("xa.test", 1, 0);
	cr_assert_not_null(cache_find(cache, &left, 0, &age));
	cr_assert_eq(cache_flush_zone(cache, name(".")), 4);
	cr_assert_eq(cache_flush_all(cache), 0);
	cache_free(cache);
}

/* RDATA of this many octets: a signature of ECDSA P-256 by "example.com" has 95, of RSA with 2048 bits 287. */
static void add_octets(enum section section, const char *owner, uint16_t type, size_t octets)
{
	static uint8_t rdata[512];
	struct message_rr rr = { .owner = name(owner), .type = type, .rr_class = CLASS_IN, .ttl = 300, .rdata = rdata,
				 .rdata_len = (uint16_t)octets };
	memset(rdata, 0, sizeof(rdata));
	rdata[4] = type == RR_NSEC3 ? 0 : 1;
	if (type == RR_NSEC3) {
		rdata[5] = 20; /* hash of the next name */
		rdata[27] = (uint8_t)(octets - 28);
	}
	cr_assert_eq(answer_add(&builder, section, &rr), BH_OK);
}

static uint64_t size_of(enum answer_form form, bool nxdomain, size_t signature)
{
	static const struct rec address = { AN, "www.example.com", RR_A, 300, "192.0.2.1" };
	static const struct rec soa = { AU, "example.com", RR_SOA, 300, "300" };
	const struct rec *rec = nxdomain ? &soa : &address;
	uint8_t rdata[512];
	struct message_rr rr = { .owner = name(rec->owner), .type = rec->type, .rr_class = CLASS_IN, .ttl = 300,
				 .rdata = rdata };
	struct cache *cache = cache_new(1 << 20);
	struct cache_key key = key_of("www.example.com", RR_A, KEY_DO);

	rr.rdata_len = (uint16_t)make_rdata(rec, rdata);
	answer_begin(&builder, key.qname, RR_A, form);
	cr_assert_eq(answer_add(&builder, rec->section, &rr), BH_OK);
	if (signature > 0) {
		add_octets(rec->section, rec->owner, RR_RRSIG, signature);
		for (unsigned i = 0; nxdomain && i < 3; i++) {
			static const char *const hashed[] = { "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.com",
							      "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.com",
							      "b4um86eghhds6nea196smvmlo4ors995.example.com" };
			add_octets(AU, hashed[i], RR_NSEC3, 36);
			add_octets(AU, hashed[i], RR_RRSIG, signature);
		}
	}
	cache_insert(cache, &key, answer_finish(&builder, nxdomain ? RCODE_NXDOMAIN : RCODE_NOERROR, 0, !nxdomain), 0);
	uint64_t bytes = answer_bytes(cache);
	cache_free(cache);
	return bytes;
}

/*
 * What the forms of answers cost: the reason why a signed one is kept in the forms that are used, and not always in
 * the long one. Octets without and with DO: an address 176 and 288 (ECDSA) or 480 (RSA), an NXDOMAIN with three NSEC3
 * 208 and 896 or 1664.
 */
Test(cache, sizes_of_forms)
{
	static const struct {
		bool nxdomain;
		size_t signature;
	} cases[] = { { false, 0 }, { false, 95 }, { false, 287 }, { true, 95 }, { true, 287 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t plain = size_of(FORM_PLAIN, cases[i].nxdomain, cases[i].signature);
		uint64_t with_do = size_of(FORM_DO, cases[i].nxdomain, cases[i].signature);
		unsigned records = cases[i].signature == 0 ? 0 : cases[i].nxdomain ? 4 : 1;
		cr_assert_eq(plain == with_do, records == 0, "case %zu", i);
		cr_assert_geq(with_do, plain + records * cases[i].signature, "case %zu", i);
		cr_assert_leq(plain, 256u, "case %zu: %lu", i, (unsigned long)plain);
	}
}
