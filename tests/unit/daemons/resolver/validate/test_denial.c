/*
 * Proofs of absence, case by case. The examples of RFC 4035 B and RFC 5155 B are here as data; what validators had to
 * learn later has a case each. That nothing false is ever proved is the subject of test_denial_model.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/validate/chains.h"

#include "common/dns/base32hex.h"
#include "common/dns/rr.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/denial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { SETS_MAX = 64 };

static struct nsec3_hasher *hasher;
static struct region region;
static const struct rrset *sets[SETS_MAX];
static unsigned set_count;

static void begin(void)
{
	hasher = nsec3_hasher_new();
	cr_assert_not_null(hasher);
	region_init(&region, 65536, 16u << 20);
}

static void end(void)
{
	region_clear(&region);
	nsec3_hasher_free(hasher);
}

TestSuite(denial, .init = begin, .fini = end);

enum op { NAME_ERROR, NODATA, WILDCARD, DS };

static int ask(const char *zone, enum op op, const char *name, unsigned argument, uint32_t *hashes)
{
	uint8_t zone_wire[DNAME_MAX];
	uint8_t name_wire[DNAME_MAX];
	cr_assert_gt(dname_from_text(zone, zone_wire), 0, "%s", zone);
	cr_assert_gt(dname_from_text(name, name_wire), 0, "%s", name);
	struct denial d = { .zone = zone_wire, .sets = sets, .count = set_count, .hasher = hasher, .hashes = hashes };
	switch (op) {
	case NAME_ERROR:
		return (int)denial_name_error(&d, name_wire);
	case NODATA:
		return (int)denial_nodata(&d, name_wire, (uint16_t)argument);
	case WILDCARD:
		return (int)denial_wildcard(&d, name_wire, argument);
	case DS:
		return (int)denial_ds(&d, name_wire);
	}
	return -1;
}

static void add(const struct rrset *set)
{
	cr_assert(set_count < SETS_MAX);
	sets[set_count++] = set;
}

/* --- the examples of the RFCs ----------------------------------------------------------------------- */

struct record {
	const char *owner;
	const char *next;
	const char *types;
};

static const struct record rfc4035_a[] = {
	{ "example.", "a.example.", "NS SOA MX RRSIG NSEC DNSKEY" },
	{ "a.example.", "ai.example.", "NS DS RRSIG NSEC" },
	{ "ai.example.", "b.example.", "A HINFO AAAA RRSIG NSEC" },
	{ "b.example.", "ns1.example.", "NS RRSIG NSEC" },
	{ "ns1.example.", "ns2.example.", "A RRSIG NSEC" },
	{ "ns2.example.", "*.w.example.", "A RRSIG NSEC" },
	{ "*.w.example.", "x.w.example.", "MX RRSIG NSEC" },
	{ "x.w.example.", "x.y.w.example.", "MX RRSIG NSEC" },
	{ "x.y.w.example.", "xx.example.", "MX RRSIG NSEC" },
	{ "xx.example.", "example.", "A HINFO AAAA RRSIG NSEC" },
};

static const struct record rfc5155_a[] = {
	{ "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "MX DNSKEY NS SOA NSEC3PARAM RRSIG" },
	{ "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "2vptu5timamqttgl4luu9kg21e0aor3s", "A RRSIG" },
	{ "2vptu5timamqttgl4luu9kg21e0aor3s", "35mthgpgcu1qg68fab165klnsnk3dpvl", "MX RRSIG" },
	{ "35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995", "NS DS RRSIG" },
	{ "b4um86eghhds6nea196smvmlo4ors995", "gjeqe526plbf1g8mklp59enfd789njgi", "MX RRSIG" },
	{ "gjeqe526plbf1g8mklp59enfd789njgi", "ji6neoaepv8b5o6k4ev33abha8ht9fgc", "HINFO A AAAA RRSIG" },
	{ "ji6neoaepv8b5o6k4ev33abha8ht9fgc", "k8udemvp1j2f7eg6jebps17vp3n8i58h", "" },
	{ "k8udemvp1j2f7eg6jebps17vp3n8i58h", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi", "" },
	{ "kohar7mbb8dc2ce8a9qvl8hon4k53uhi", "q04jkcevqvmu85r014c7dkba38o0ji5r", "A RRSIG" },
	{ "q04jkcevqvmu85r014c7dkba38o0ji5r", "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "A RRSIG" },
	{ "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "t644ebqk9bibcna874givr6joj62mlhv", "MX RRSIG" },
	{ "t644ebqk9bibcna874givr6joj62mlhv", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "HINFO A AAAA RRSIG" },
};

/* All records of the example zone whose owners begin with one of the words. */
static void select_nsec(const char *words)
{
	char text[512];
	set_count = 0;
	snprintf(text, sizeof(text), "%s", words);
	for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		for (size_t i = 0; i < sizeof(rfc4035_a) / sizeof(rfc4035_a[0]); i++) {
			if (strcmp(rfc4035_a[i].owner, word) == 0) {
				add(chains_nsec(&region, rfc4035_a[i].owner, rfc4035_a[i].next, rfc4035_a[i].types));
			}
		}
	}
}

static void select_nsec3(const char *words, uint8_t flags)
{
	static const uint8_t salt[] = { 0xaa, 0xbb, 0xcc, 0xdd };
	const struct chains_parameters p = { flags, 12, sizeof(salt), salt };
	char text[512];
	set_count = 0;
	snprintf(text, sizeof(text), "%s", words);
	for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		for (size_t i = 0; i < sizeof(rfc5155_a) / sizeof(rfc5155_a[0]); i++) {
			if (strncmp(rfc5155_a[i].owner, word, strlen(word)) == 0) {
				add(chains_nsec3(&region, rfc5155_a[i].owner, "example.", &p, rfc5155_a[i].next,
						 rfc5155_a[i].types));
			}
		}
	}
}

Test(denial, examples_of_rfc4035_b)
{
	static const struct {
		const char *what;
		const char *records;
		enum op op;
		const char *name;
		unsigned argument;
		int expected;
	} cases[] = {
		{ "B.2 name error", "b.example. example.", NAME_ERROR, "ml.example.", 0, DENIAL_PROVEN },
		{ "B.2 without the wildcard", "b.example.", NAME_ERROR, "ml.example.", 0, DENIAL_NOT_PROVEN },
		{ "B.2 without the name", "example.", NAME_ERROR, "ml.example.", 0, DENIAL_NOT_PROVEN },
		{ "B.2 no NODATA", "b.example. example.", NODATA, "ml.example.", RR_A, DENIAL_NOT_PROVEN },
		{ "B.3 NODATA", "ns1.example.", NODATA, "ns1.example.", RR_MX, DENIAL_PROVEN },
		{ "B.3 another type", "ns1.example.", NODATA, "ns1.example.", RR_A, DENIAL_NOT_PROVEN },
		{ "B.3 no name error", "ns1.example. example.", NAME_ERROR, "ns1.example.", 0, DENIAL_NOT_PROVEN },
		{ "B.5 unsigned delegation", "b.example.", DS, "b.example.", 0, DENIAL_DS_INSECURE },
		{ "B.5 DS of it", "b.example.", NODATA, "b.example.", RR_DS, DENIAL_PROVEN },
		{ "B.5 data of the child", "b.example.", NODATA, "b.example.", RR_A, DENIAL_NOT_PROVEN },
		{ "B.5 name of the child", "b.example. example.", NAME_ERROR, "mc.b.example.", 0, DENIAL_NOT_PROVEN },
		{ "B.4 signed delegation", "a.example.", DS, "a.example.", 0, DENIAL_DS_NOT_PROVEN },
		{ "B.6 wildcard", "x.y.w.example.", WILDCARD, "a.z.w.example.", 2, DENIAL_PROVEN },
		{ "B.6 from above", "x.y.w.example.", WILDCARD, "a.z.w.example.", 1, DENIAL_NOT_PROVEN },
		{ "B.7 wildcard NODATA", "x.y.w.example. *.w.example.", NODATA, "a.z.w.example.", RR_AAAA, DENIAL_PROVEN },
		{ "B.7 the type it has", "x.y.w.example. *.w.example.", NODATA, "a.z.w.example.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "B.7 no name error", "x.y.w.example. *.w.example.", NAME_ERROR, "a.z.w.example.", 0,
		  DENIAL_NOT_PROVEN },
		{ "B.7 no delegation", "x.y.w.example. *.w.example.", DS, "a.z.w.example.", 0, DENIAL_DS_NO_CUT },
		{ "B.8 DS from the child", "example.", NODATA, "example.", RR_DS, DENIAL_NOT_PROVEN },
		{ "B.8 as a cut", "example.", DS, "example.", 0, DENIAL_DS_NOT_PROVEN },
		{ "empty non-terminal", "ns2.example.", NODATA, "w.example.", RR_A, DENIAL_PROVEN },
		{ "empty non-terminal is there", "ns2.example. example.", NAME_ERROR, "w.example.", 0,
		  DENIAL_NOT_PROVEN },
		{ "empty non-terminal is no cut", "ns2.example.", DS, "w.example.", 0, DENIAL_DS_NO_CUT },
		{ "wildcard by name", "*.w.example.", NODATA, "*.w.example.", RR_A, DENIAL_PROVEN },
		{ "behind the last", "xx.example. example.", NAME_ERROR, "zz.example.", 0, DENIAL_PROVEN },
		{ "nothing there", "xx.example. example.", DS, "zz.example.", 0, DENIAL_DS_NO_NAME },
		{ "apex NODATA", "example.", NODATA, "example.", RR_A, DENIAL_PROVEN },
		{ "apex exists", "example. xx.example.", NAME_ERROR, "example.", 0, DENIAL_NOT_PROVEN },
		{ "name above the zone", "example. xx.example.", NAME_ERROR, ".", 0, DENIAL_NOT_PROVEN },
		{ "name beside the zone", "example. xx.example.", NAME_ERROR, "zzz.", 0, DENIAL_NOT_PROVEN },
		{ "nothing at all", "", NAME_ERROR, "ml.example.", 0, DENIAL_NOT_PROVEN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t hashes = 0; /* NSEC costs none */
		select_nsec(cases[i].records);
		cr_expect_eq(ask("EXAMPLE.", cases[i].op, cases[i].name, cases[i].argument, &hashes), cases[i].expected,
			     "%s", cases[i].what);
	}
}

/* The zone of the examples is signed with Opt-Out: RFC 5155 9.2 takes AD from all that rests on a next closer name. */
Test(denial, examples_of_rfc5155_b)
{
	static const struct {
		const char *what;
		const char *records;
		enum op op;
		const char *name;
		unsigned argument;
		int opt_out; /* as in the RFC */
		int without;
	} cases[] = {
		{ "B.1 name error", "0p9 b4u 35m", NAME_ERROR, "a.c.x.w.example.", 0, DENIAL_INSECURE, DENIAL_PROVEN },
		{ "B.1 without the wildcard", "0p9 b4u", NAME_ERROR, "a.c.x.w.example.", 0, DENIAL_NOT_PROVEN,
		  DENIAL_NOT_PROVEN },
		{ "B.1 without the encloser", "0p9 35m", NAME_ERROR, "a.c.x.w.example.", 0, DENIAL_NOT_PROVEN,
		  DENIAL_NOT_PROVEN },
		{ "B.1 without the next closer name", "b4u 35m", NAME_ERROR, "a.c.x.w.example.", 0, DENIAL_NOT_PROVEN,
		  DENIAL_NOT_PROVEN },
		{ "B.2 NODATA", "2t7", NODATA, "ns1.example.", RR_MX, DENIAL_PROVEN, DENIAL_PROVEN },
		{ "B.2 another type", "2t7", NODATA, "ns1.example.", RR_A, DENIAL_NOT_PROVEN, DENIAL_NOT_PROVEN },
		{ "B.2.1 empty non-terminal", "ji6", NODATA, "y.w.example.", RR_A, DENIAL_PROVEN, DENIAL_PROVEN },
		{ "B.2.1 is no cut", "ji6", DS, "y.w.example.", 0, DENIAL_DS_NO_CUT, DENIAL_DS_NO_CUT },
		{ "B.3 unsigned delegation", "35m 0p9", DS, "c.example.", 0, DENIAL_DS_INSECURE,
		  DENIAL_DS_NOT_PROVEN /* *.example. was not denied */ },
		{ "B.3 DS of it", "35m 0p9", NODATA, "c.example.", RR_DS, DENIAL_INSECURE, DENIAL_NOT_PROVEN },
		{ "B.3 without the encloser", "35m", DS, "c.example.", 0, DENIAL_DS_NOT_PROVEN, DENIAL_DS_NOT_PROVEN },
		{ "signed delegation", "35m 0p9", DS, "a.example.", 0, DENIAL_DS_NOT_PROVEN, DENIAL_DS_NOT_PROVEN },
		{ "B.4 wildcard", "q04", WILDCARD, "a.z.w.example.", 2, DENIAL_INSECURE, DENIAL_PROVEN },
		{ "B.4 another record", "k8u", WILDCARD, "a.z.w.example.", 2, DENIAL_NOT_PROVEN, DENIAL_NOT_PROVEN },
		{ "B.5 wildcard NODATA", "k8u q04 r53", NODATA, "a.z.w.example.", RR_AAAA, DENIAL_INSECURE,
		  DENIAL_PROVEN },
		{ "B.5 the type it has", "k8u q04 r53", NODATA, "a.z.w.example.", RR_MX, DENIAL_INSECURE,
		  DENIAL_NOT_PROVEN },
		{ "B.5 no delegation", "k8u q04 r53", DS, "a.z.w.example.", 0, DENIAL_DS_INSECURE, DENIAL_DS_NO_CUT },
		{ "B.6 DS from the child", "0p9", NODATA, "example.", RR_DS, DENIAL_NOT_PROVEN, DENIAL_NOT_PROVEN },
		{ "B.6 as a cut", "0p9", DS, "example.", 0, DENIAL_DS_NOT_PROVEN, DENIAL_DS_NOT_PROVEN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint8_t flags = 0; flags <= 1; flags++) {
			uint32_t hashes = 1000;
			select_nsec3(cases[i].records, flags);
			cr_expect_eq(ask("example.", cases[i].op, cases[i].name, cases[i].argument, &hashes),
				     flags == 1 ? cases[i].opt_out : cases[i].without, "%s, flags %u", cases[i].what, flags);
		}
	}
}
