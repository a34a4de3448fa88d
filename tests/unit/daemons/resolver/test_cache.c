/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/resolver/cache.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct cache *cache_of(uint64_t bytes)
{
	static const struct siphash_key key = { 1, 2 };
	struct cache *cache = cache_new(bytes, &key);
	cr_assert_not_null(cache);
	return cache;
}

static bool put(struct cache *cache, const char *text, enum cache_kind kind, uint16_t type, enum cache_rank rank,
		enum cache_part part, uint64_t expire_ms, const char *data)
{
	uint8_t name[DNAME_MAX];
	cr_assert_gt(dname_from_text(text, name), 0);
	struct cache_item item = { .name = name, .type = type, .kind = (uint8_t)kind, .rank = (uint8_t)rank,
				   .part = (uint8_t)part, .expire_ms = expire_ms, .len = strlen(data) };
	uint8_t *room = cache_put(cache, &item, 1000);
	if (room != NULL) {
		memcpy(room, data, item.len);
	}
	return room != NULL;
}

static bool has(struct cache *cache, const char *text, enum cache_kind kind, uint16_t type, uint64_t now_ms)
{
	uint8_t name[DNAME_MAX];
	struct cache_hit hit;
	cr_assert_gt(dname_from_text(text, name), 0);
	return cache_get(cache, name, kind, type, now_ms, &hit);
}

Test(cache, finds_by_name_without_case_kind_and_type_until_it_expires)
{
	struct cache *cache = cache_of(1 << 20);
	uint8_t name[DNAME_MAX];
	struct cache_hit hit;
	cr_assert(put(cache, "www.Example.com.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "abc"));
	cr_assert_gt(dname_from_text("WWW.example.COM.", name), 0);
	cr_assert(cache_get(cache, name, CACHE_RRSET, RR_A, 4999, &hit));
	cr_assert_eq(hit.len, 3u);
	cr_assert_eq(memcmp(hit.data, "abc", 3), 0);
	cr_assert_eq(hit.expire_ms, 5000u);
	cr_assert_not(has(cache, "www.example.com.", CACHE_RRSET, RR_AAAA, 1000));
	cr_assert_not(has(cache, "www.example.com.", CACHE_NODATA, RR_A, 1000));
	cr_assert_not(has(cache, "w.example.com.", CACHE_RRSET, RR_A, 1000));
	cr_assert_not(has(cache, "www.example.com.", CACHE_RRSET, RR_A, 5000));
	cr_assert(cache_get_late(cache, name, CACHE_RRSET, RR_A, 1000, 5999, &hit));
	cr_assert_not(cache_get_late(cache, name, CACHE_RRSET, RR_A, 1000, 6000, &hit));
	cr_assert_not(put(cache, "x.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 1000, "late"));
	cache_free(cache);
}

Test(cache, trust_decides_what_replaces_what)
{
	struct cache *cache = cache_of(1 << 20);
	cr_assert(put(cache, "a.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "good"));
	cr_assert_not(put(cache, "a.", CACHE_RRSET, RR_A, RANK_REFERRAL, CACHE_PART_ANSWERS, 9000, "glue"));
	cr_assert_not(put(cache, "a.", CACHE_FAILURE, RR_A, RANK_FAILURE, CACHE_PART_ANSWERS, 9000, ""));
	cr_assert(has(cache, "a.", CACHE_RRSET, RR_A, 4000));
	cr_assert(put(cache, "a.", CACHE_NODATA, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "soa"));
	cr_assert_not(has(cache, "a.", CACHE_RRSET, RR_A, 4000), "one truth at a time");
	cr_assert(put(cache, "a.", CACHE_NXDOMAIN, 0, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "soa"));
	cr_assert(put(cache, "a.", CACHE_RRSET, RR_AAAA, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "now"));
	cr_assert_not(has(cache, "a.", CACHE_NXDOMAIN, 0, 4000), "it exists after all");
	cache_free(cache);
}

Test(cache, stays_within_its_bytes_and_keeps_what_is_used)
{
	struct cache *cache = cache_of(256 * 1024);
	char name[64];
	cr_assert(put(cache, "popular.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 1 << 30, "x"));
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%u.flood.", i);
		cr_assert(put(cache, name, CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 1 << 30, "1234567890"));
		if (i % 100 == 0) {
			cr_assert(has(cache, "popular.", CACHE_RRSET, RR_A, 2000), "after %u", i);
		}
		cr_assert_leq(cache_bytes(cache), 256u * 1024);
	}
	cr_assert_gt(cache_evictions(cache), 10000u);
	cr_assert(has(cache, "n19999.flood.", CACHE_RRSET, RR_A, 2000));
	cache_free(cache);
}

Test(cache, answers_do_not_push_out_infrastructure)
{
	struct cache *cache = cache_of(256 * 1024);
	char name[64];
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "zone%u.", i);
		cr_assert(put(cache, name, CACHE_DELEGATION, 0, RANK_REFERRAL, CACHE_PART_INFRA, 1 << 30, "ns"));
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%u.flood.", i);
		cr_assert(put(cache, name, CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 1 << 30, "1234567890"));
	}
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "zone%u.", i);
		cr_assert(has(cache, name, CACHE_DELEGATION, 0, 2000));
	}
	cache_free(cache);
}

Test(cache, refuses_what_would_empty_it)
{
	struct cache *cache = cache_of(64 * 1024);
	static char big[32768];
	memset(big, 'x', sizeof(big) - 1);
	cr_assert(put(cache, "a.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "x"));
	cr_assert_not(put(cache, "b.", CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, big));
	cr_assert(has(cache, "a.", CACHE_RRSET, RR_A, 2000));
	cache_free(cache);
}

Test(cache, flushes_names_and_zones)
{
	static const char *const names[] = { "example.com.", "www.example.com.", "a.b.example.com.", "xexample.com.",
					     "com." };
	struct cache *cache = cache_of(1 << 20);
	uint8_t zone[DNAME_MAX];
	for (unsigned i = 0; i < 5; i++) {
		cr_assert(put(cache, names[i], CACHE_RRSET, RR_A, RANK_ANSWER, CACHE_PART_ANSWERS, 5000, "x"));
		cr_assert(put(cache, names[i], CACHE_DELEGATION, 0, RANK_REFERRAL, CACHE_PART_INFRA, 5000, "x"));
	}
	cr_assert_gt(dname_from_text("Example.com.", zone), 0);
	cr_assert_eq(cache_flush_name(cache, zone), 2u);
	cr_assert_eq(cache_flush_zone(cache, zone), 4u);
	cr_assert_eq(cache_entries(cache), 4u);
	cr_assert_eq(cache_flush_all(cache), 4u);
	cache_free(cache);
}

static uint64_t resident_bytes(void)
{
	unsigned long total, resident;
	FILE *file = fopen("/proc/self/statm", "r");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%lu %lu", &total, &resident), 2);
	cr_assert_eq(fclose(file), 0);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Ten times as many names as there is room for, of all sizes, some used and some replaced. */
Test(cache, resident_memory_obeys_the_limit)
{
	enum { LIMIT = 16 << 20, PUTS = 1200000 };
	static char data[600];
	char name[64];
	uint64_t put_bytes = 0;
	uint32_t state = 1;
	memset(data, 'x', sizeof(data) - 1);
	struct cache *cache = cache_of(LIMIT);
	uint64_t before = resident_bytes();
	for (unsigned i = 0; i < PUTS; i++) {
		state = state * 1664525 + 1013904223;
		unsigned len = (state >> 8) % ((state >> 28) == 0 ? 599 : 120);
		snprintf(name, sizeof(name), "n%u.soak.example.", i % 10 == 0 ? (state >> 8) % (i + 1) : i);
		bool infra = i % 4 == 0;
		cr_assert(put(cache, name, infra ? CACHE_DELEGATION : CACHE_RRSET, infra ? 0 : RR_A, RANK_ANSWER,
			      infra ? CACHE_PART_INFRA : CACHE_PART_ANSWERS, 1 << 30, data + sizeof(data) - 1 - len));
		put_bytes += len + 64;
		if (i % 3 == 0) {
			(void)has(cache, name, CACHE_RRSET, RR_A, 2000);
		}
	}
	cr_assert_gt(put_bytes, 9 * (uint64_t)LIMIT);
	cr_assert_leq(cache_bytes(cache), (uint64_t)LIMIT);
	cr_expect_gt(cache_bytes(cache), LIMIT / 100 * 90, "%llu", (unsigned long long)cache_bytes(cache));
#ifdef __SANITIZE_ADDRESS__ /* it keeps a shadow of its own */
	(void)before;
#else
	uint64_t grown = resident_bytes() - before;
	cr_expect_leq(grown, LIMIT / 100 * 110, "%llu", (unsigned long long)grown);
	cr_expect_gt(grown, LIMIT / 100 * 90, "%llu", (unsigned long long)grown);
#endif
	cache_free(cache);
}
