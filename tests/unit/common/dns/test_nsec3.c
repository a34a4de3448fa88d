/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/nsec3.h"

#include "common/dns/dname.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <string.h>

/* base32hex without padding, RFC 4648 7. */
static void to_text(const uint8_t hash[NSEC3_HASH_SIZE], char out[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5;
		unsigned two = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < NSEC3_HASH_SIZE ? hash[bit / 8 + 1] : 0);
		out[i] = "0123456789abcdefghijklmnopqrstuv"[two >> (11 - bit % 8) & 31];
	}
	out[32] = '\0';
}

Test(nsec3, hashes_as_in_rfc5155_appendix_a)
{
	static const struct {
		const char *name;
		const char *hash;
	} cases[] = {
		{ "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
		{ "EXAMPLE.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
		{ "a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
		{ "ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi" },
		{ "ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
		{ "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
		{ "x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s" },
	};
	static const uint8_t salt[] = { 0xaa, 0xbb, 0xcc, 0xdd };
	struct nsec3_hasher *hasher = nsec3_hasher_new();

	cr_assert_not_null(hasher);
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t name[DNAME_MAX];
		uint8_t hash[NSEC3_HASH_SIZE];
		char text[33];
		cr_assert_gt(dname_from_text(cases[i].name, name), 0);
		cr_assert_eq(nsec3_hash(hasher, name, salt, sizeof(salt), 12, hash), BH_OK);
		to_text(hash, text);
		cr_expect_str_eq(text, cases[i].hash, "%s", cases[i].name);
	}
	nsec3_hasher_free(hasher);
}

/* SHA-1 of the root name alone, one zero octet. */
Test(nsec3, without_salt_and_iterations_hashes_once)
{
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	uint8_t hash[NSEC3_HASH_SIZE];
	char text[33];

	cr_assert_not_null(hasher);
	cr_assert_eq(nsec3_hash(hasher, (const uint8_t *)"", NULL, 0, 0, hash), BH_OK);
	to_text(hash, text);
	cr_expect_str_eq(text, "bekjp7dgpvsjukll47bk43i3urmq4u2f");
	nsec3_hasher_free(hasher);
}
