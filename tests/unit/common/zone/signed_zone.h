/*
 * Zones that look signed, as zone text: signatures are words, but chains of NSEC and NSEC3 are right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_COMMON_ZONE_SIGNED_ZONE_H
#define BULKHEAD_TESTS_UNIT_COMMON_ZONE_SIGNED_ZONE_H

#include "common/dns/base32hex.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "tests/unit/common/zone/zone_text.h"

#define SIGNATURE(type) " RRSIG " type " 13 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
/* Lines 1 to 9: a zone without fault but that nothing proves absence. */
#define SIGNED_HEAD                                                         \
	ZONE_HEAD "@" SIGNATURE("SOA") "@ DNSKEY 256 3 13 AAAA\n"           \
		  "@" SIGNATURE("NS") "@" SIGNATURE("DNSKEY") "ns" SIGNATURE("A")

/* Everything a tree can have, without proofs of absence. */
#define SIGNED_BODY                        \
	SIGNED_HEAD "a A 192.0.2.1\n"      \
		    "x.ent A 192.0.2.1\n"  \
		    "y.ent A 192.0.2.1\n"  \
		    "*.w TXT wild\n"       \
		    "m.w TXT mild\n"       \
		    "sub NS ns.sub\n"      \
		    "ns.sub A 192.0.2.2\n" \
		    "z.ns.sub A 192.0.2.2\n" \
		    "ns NS ns.sub\n"       \
		    "opt.ent2 NS ns.sub\n" \
		    "d DNAME example.net.\n" \
		    "zz A 192.0.2.3\n"

/* One chain of NSEC3 for names (absolute, ends with NULL) of the zone "example.", appended to text. */
struct chain_options {
	unsigned iterations;
	const char *salt; /* text; "-" is none */
	unsigned flags;
};

static inline int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_SIZE);
}

static inline void hash_of(const char *name, const struct chain_options *options, uint8_t out[NSEC3_HASH_SIZE])
{
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	uint8_t salt[16];
	size_t len = strcmp(options->salt, "-") == 0 ? 0 : strlen(options->salt) / 2;
	for (size_t i = 0; i < len; i++) {
		unsigned octet;
		cr_assert_eq(sscanf(options->salt + 2 * i, "%2x", &octet), 1);
		salt[i] = (uint8_t)octet;
	}
	cr_assert_not_null(hasher);
	cr_assert_eq(nsec3_hash(hasher, name_of(name).wire, salt, len, options->iterations, out), BH_OK);
	nsec3_hasher_free(hasher);
}

static inline void add_chain(char *text, size_t size, const char *const *names, const struct chain_options *options)
{
	uint8_t hashes[64][NSEC3_HASH_SIZE];
	size_t count = 0;
	for (; names[count] != NULL; count++) {
		cr_assert_lt(count, COUNT(hashes));
		hash_of(names[count], options, hashes[count]);
	}
	qsort(hashes, count, sizeof(hashes[0]), compare_hashes);
	for (size_t i = 0; i < count; i++) {
		uint8_t owner[33] = "";
		uint8_t next[33] = "";
		base32hex_encode(hashes[i], NSEC3_HASH_SIZE, owner);
		base32hex_encode(hashes[(i + 1) % count], NSEC3_HASH_SIZE, next);
		size_t len = strlen(text);
		int n = snprintf(text + len, size - len, "%s NSEC3 1 %u %u %s %s A\n%s" SIGNATURE("NSEC3"), owner,
				 options->flags, options->iterations, options->salt, next, owner);
		cr_assert(n > 0 && (size_t)n < size - len);
	}
}

#endif
