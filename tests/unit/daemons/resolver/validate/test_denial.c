/*
 * Proofs of absence, case by case. The examples of RFC 4035 B and RFC 5155 B are here as data; what validators had to
 * learn later has a case each. That nothing false is ever proved is the subject of test_denial_model.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/validate/chains.h"

#include "common/dns/base32hex.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
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
		for (size_t i = 0; i < COUNT(rfc4035_a); i++) {
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
		for (size_t i = 0; i < COUNT(rfc5155_a); i++) {
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
	for (size_t i = 0; i < COUNT(cases); i++) {
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
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (uint8_t flags = 0; flags <= 1; flags++) {
			uint32_t hashes = 1000;
			select_nsec3(cases[i].records, flags);
			cr_expect_eq(ask("example.", cases[i].op, cases[i].name, cases[i].argument, &hashes),
				     flags == 1 ? cases[i].opt_out : cases[i].without, "%s, flags %u", cases[i].what, flags);
		}
	}
}

/* --- odd ones --------------------------------------------------------------------------------------- */

/* "=name", "<name", ">name": the hash of name, the one before, the one behind; as text. */
static void hash_label(const char *word, const struct chains_parameters *p, char out[33])
{
	uint8_t name[DNAME_MAX];
	uint8_t hash[NSEC3_HASH_SIZE];
	cr_assert_gt(dname_from_text(word + 1, name), 0, "%s", word);
	cr_assert_eq(nsec3_hash(hasher, name, p->salt, p->salt_len, p->iterations, hash), BH_OK);
	const uint8_t carry = word[0] == '>' ? 0xff : 0;
	for (unsigned i = NSEC3_HASH_SIZE; i-- > 0 && word[0] != '=';) {
		uint8_t was = hash[i];
		hash[i] = (uint8_t)(was + (word[0] == '>' ? 1 : -1));
		if (was != carry) {
			break;
		}
	}
	base32hex_encode(hash, sizeof(hash), (uint8_t *)out);
	out[32] = '\0';
}

/* "owner next types; ..."; owner and next as for hash_label make NSEC3 of it. */
static void add_records(const char *zone, const char *records, const struct chains_parameters *p)
{
	char text[1024];
	snprintf(text, sizeof(text), "%s", records);
	for (char *save = NULL, *one = strtok_r(text, ";", &save); one != NULL; one = strtok_r(NULL, ";", &save)) {
		char *within = NULL;
		const char *owner = strtok_r(one, " ", &within);
		const char *next = strtok_r(NULL, " ", &within);
		const char *types = within;
		cr_assert(owner != NULL && next != NULL && types != NULL, "%s", records);
		if (strchr("=<>", owner[0]) == NULL) {
			add(chains_nsec(&region, owner, next, types));
			continue;
		}
		char owner_label[33];
		char next_label[33];
		hash_label(owner, p, owner_label);
		hash_label(next, p, next_label);
		add(chains_nsec3(&region, owner_label, zone, p, next_label, types));
	}
}

struct odd {
	const char *what;
	const char *zone;
	const char *records;
	enum op op;
	const char *name;
	unsigned argument;
	int expected;
};

static void try_all(const struct odd *cases, size_t count, const struct chains_parameters *p)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t hashes = 10000;
		set_count = 0;
		add_records(cases[i].zone, cases[i].records, p);
		cr_expect_eq(ask(cases[i].zone, cases[i].op, cases[i].name, cases[i].argument, &hashes),
			     cases[i].expected, "%s", cases[i].what);
	}
}

Test(denial, odd_nsec)
{
	static const struct odd cases[] = {
		/* RFC 6840 4.1, 4.4: what a parent says at a cut, and what it cannot say below. */
		{ "cut's NSEC for a name below", "z.", "c.z. z. NS RRSIG NSEC; z. c.z. NS SOA RRSIG NSEC", NAME_ERROR,
		  "a.c.z.", 0, DENIAL_NOT_PROVEN },
		{ "signed cut's NSEC for a name below", "z.", "c.z. d.z. NS DS RRSIG NSEC; z. c.z. NS SOA RRSIG NSEC",
		  NAME_ERROR, "a.c.z.", 0, DENIAL_NOT_PROVEN },
		{ "cut's NSEC for DS below", "z.", "c.z. d.z. NS RRSIG NSEC; z. c.z. NS SOA RRSIG NSEC", DS, "a.c.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "cut's NSEC for NODATA as by an empty non-terminal", "z.", "c.z. a.b.c.z. NS RRSIG NSEC", NODATA, "b.c.z.",
		  RR_A, DENIAL_NOT_PROVEN },
		{ "cut's NSEC for a wildcard below", "z.", "c.z. d.z. NS RRSIG NSEC", WILDCARD, "a.b.c.z.", 2,
		  DENIAL_NOT_PROVEN },
		{ "NODATA from the parent", "z.", "c.z. d.z. NS RRSIG NSEC", NODATA, "c.z.", RR_AAAA, DENIAL_NOT_PROVEN },
		{ "NODATA for NSEC at a cut", "z.", "c.z. d.z. NS RRSIG NSEC", NODATA, "c.z.", RR_NSEC, DENIAL_NOT_PROVEN },
		{ "DS from the parent", "z.", "c.z. d.z. NS RRSIG NSEC", NODATA, "c.z.", RR_DS, DENIAL_PROVEN },
		{ "DS from the child", "c.z.", "c.z. a.c.z. NS SOA RRSIG NSEC", NODATA, "c.z.", RR_DS, DENIAL_NOT_PROVEN },
		{ "DS from the child without SOA", "c.z.", "c.z. a.c.z. A RRSIG NSEC", NODATA, "c.z.", RR_DS,
		  DENIAL_NOT_PROVEN },
		{ "DS where no cut is", "z.", "c.z. d.z. A RRSIG NSEC", NODATA, "c.z.", RR_DS, DENIAL_PROVEN },
		{ "no cut", "z.", "c.z. d.z. A RRSIG NSEC", DS, "c.z.", 0, DENIAL_DS_NO_CUT },
		{ "no cut at an alias", "z.", "c.z. d.z. CNAME RRSIG NSEC", DS, "c.z.", 0, DENIAL_DS_NO_CUT },
		{ "SOA of another zone", "z.", "c.z. d.z. NS SOA RRSIG NSEC", DS, "c.z.", 0, DENIAL_DS_NOT_PROVEN },
		{ "SOA of another zone, NODATA", "z.", "c.z. d.z. NS SOA RRSIG NSEC", NODATA, "c.z.", RR_DS,
		  DENIAL_NOT_PROVEN },
		{ "the apex is no name below it", "z.", "z. a.z. A RRSIG NSEC", DS, "z.", 0, DENIAL_DS_NOT_PROVEN },
		{ "a cut with DS", "z.", "c.z. d.z. NS DS RRSIG NSEC", DS, "c.z.", 0, DENIAL_DS_NOT_PROVEN },
		/* The root has no parent. */
		{ "DS of the root", ".", ". a. NS SOA RRSIG NSEC DNSKEY", NODATA, ".", RR_DS, DENIAL_PROVEN },
		{ "the root is no cut", ".", ". a. NS SOA RRSIG NSEC DNSKEY", DS, ".", 0, DENIAL_DS_NOT_PROVEN },
		{ "no such TLD", ".", ". a. NS SOA RRSIG NSEC DNSKEY; c. . NS RRSIG NSEC", NAME_ERROR, "d.", 0,
		  DENIAL_PROVEN },
		/* DNAME: what is below is redirected, not absent. */
		{ "below a DNAME", "z.", "c.z. d.z. DNAME RRSIG NSEC; z. c.z. NS SOA RRSIG NSEC", NAME_ERROR, "a.c.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "below a DNAME at the apex", "z.", "z. z. NS SOA DNAME RRSIG NSEC", NAME_ERROR, "a.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "at a DNAME", "z.", "c.z. d.z. DNAME RRSIG NSEC", NODATA, "c.z.", RR_A, DENIAL_PROVEN },
		/* Next names: the apex ends a zone, others stay inside (CVE-2026-13321). */
		{ "last NSEC", "z.", "m.z. z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR, "n.z.", 0,
		  DENIAL_PROVEN },
		{ "last NSEC says nothing of what is before it", "z.", "m.z. z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC",
		  NAME_ERROR, "l.z.", 0, DENIAL_NOT_PROVEN },
		{ "zone of one name", "z.", "z. z. NS SOA RRSIG NSEC", NAME_ERROR, "a.z.", 0, DENIAL_PROVEN },
		{ "zone of one name, deep", "z.", "z. z. NS SOA RRSIG NSEC", NAME_ERROR, "a.b.c.z.", 0, DENIAL_PROVEN },
		{ "zone of one name, wildcard by name", "z.", "z. z. NS SOA RRSIG NSEC", NAME_ERROR, "*.z.", 0,
		  DENIAL_PROVEN },
		{ "next name in a sibling zone", "b.z.", "m.b.z. c.z. A RRSIG NSEC; b.z. a.b.z. NS SOA RRSIG NSEC",
		  NAME_ERROR, "n.b.z.", 0, DENIAL_NOT_PROVEN },
		{ "next name above the zone", "b.z.", "m.b.z. z. A RRSIG NSEC; b.z. a.b.z. NS SOA RRSIG NSEC", NAME_ERROR,
		  "n.b.z.", 0, DENIAL_NOT_PROVEN },
		{ "next name in a sibling zone, NODATA", "b.z.", "m.b.z. c.z. A RRSIG NSEC", NODATA, "m.b.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "next name before the owner", "z.", "m.z. b.z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR, "n.z.",
		  0, DENIAL_NOT_PROVEN },
		{ "next name is the owner", "z.", "m.z. m.z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR, "n.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "owner above the zone", "b.z.", "z. z. A RRSIG NSEC", NAME_ERROR, "n.b.z.", 0, DENIAL_NOT_PROVEN },
		{ "owner in a sibling zone", "b.z.", "a.z. n.b.z. A RRSIG NSEC", NAME_ERROR, "a.b.z.", 0, DENIAL_NOT_PROVEN },
		{ "a useless one beside a proof", "z.", "a.z. q. A RRSIG NSEC; m.z. z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC",
		  NAME_ERROR, "n.z.", 0, DENIAL_PROVEN },
		/* Case does not matter (RFC 4034 6.1). */
		{ "case", "z.", "B.z. D.Z. A RRSIG NSEC; Z. b.z. NS SOA RRSIG NSEC", NAME_ERROR, "C.z.", 0, DENIAL_PROVEN },
		/* Empty non-terminals exist. */
		{ "empty non-terminal", "z.", "a.z. x.y.c.z. A RRSIG NSEC", NODATA, "c.z.", RR_A, DENIAL_PROVEN },
		{ "empty non-terminal, lower", "z.", "a.z. x.y.c.z. A RRSIG NSEC", NODATA, "y.c.z.", RR_A, DENIAL_PROVEN },
		{ "empty non-terminal has no types at all", "z.", "a.z. x.y.c.z. A RRSIG NSEC", NODATA, "c.z.", RR_ANY,
		  DENIAL_PROVEN },
		{ "empty non-terminal exists", "z.", "a.z. x.c.z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR,
		  "c.z.", 0, DENIAL_NOT_PROVEN },
		{ "beside an empty non-terminal", "z.", "a.z. x.c.z. A RRSIG NSEC", NODATA, "d.z.", RR_A, DENIAL_NOT_PROVEN },
		{ "closest encloser is an empty non-terminal", "z.",
		  "a.z. x.c.z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR, "b.c.z.", 0, DENIAL_PROVEN },
		/* Wildcards: that at the closest encloser, derived from the record that covers the name. */
		{ "wildcard elsewhere denied", "z.", "a.c.z. x.c.z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR,
		  "m.c.z.", 0, DENIAL_NOT_PROVEN },
		{ "wildcard at the encloser denied", "z.", "a.c.z. x.c.z. A RRSIG NSEC; c.z. a.c.z. A RRSIG NSEC",
		  NAME_ERROR, "m.c.z.", 0, DENIAL_PROVEN },
		{ "wildcard above gives NODATA", "z.", "a.c.z. x.c.z. A RRSIG NSEC; *.z. a.z. A RRSIG NSEC", NODATA,
		  "m.c.z.", RR_MX, DENIAL_NOT_PROVEN },
		{ "wildcard has an alias", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. CNAME RRSIG NSEC", NODATA, "m.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "wildcard has the type", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. MX RRSIG NSEC", NODATA, "m.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "wildcard lacks the type", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. A RRSIG NSEC", NODATA, "m.z.", RR_MX,
		  DENIAL_PROVEN },
		{ "wildcard delegates", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. NS RRSIG NSEC", NODATA, "m.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "wildcard delegates, DS", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. NS RRSIG NSEC", DS, "m.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "wildcard with DS", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. DS RRSIG NSEC", DS, "m.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "wildcard stands for it, no cut", "z.", "a.z. z. A RRSIG NSEC; *.z. a.z. A RRSIG NSEC", DS, "m.z.", 0,
		  DENIAL_DS_NO_CUT },
		{ "wildcard not denied, DS", "z.", "a.z. z. A RRSIG NSEC", DS, "m.z.", 0, DENIAL_DS_NOT_PROVEN },
		{ "wildcard is an empty non-terminal", "z.", "a.z. z. A RRSIG NSEC; z. a.*.z. NS SOA RRSIG NSEC", NODATA,
		  "m.z.", RR_A, DENIAL_PROVEN },
		{ "wildcard is an empty non-terminal, name error", "z.", "a.z. z. A RRSIG NSEC; z. a.*.z. NS SOA RRSIG NSEC",
		  NAME_ERROR, "m.z.", 0, DENIAL_NOT_PROVEN },
		{ "the wildcard itself", "z.", "*.z. a.z. A RRSIG NSEC", NODATA, "*.z.", RR_MX, DENIAL_PROVEN },
		{ "the wildcard itself has it", "z.", "*.z. a.z. MX RRSIG NSEC", NODATA, "*.z.", RR_MX, DENIAL_NOT_PROVEN },
		{ "below a wildcard nothing is made", "z.", "*.z. a.z. A RRSIG NSEC", NAME_ERROR, "b.*.z.", 0, DENIAL_PROVEN },
		{ "asterisk inside", "z.", "a.z. z. A RRSIG NSEC; z. a.z. NS SOA RRSIG NSEC", NAME_ERROR, "a.*.m.z.", 0,
		  DENIAL_PROVEN },
		/* RFC 4035 5.3.4: the name itself covered is not enough, a closer match may stand between. */
		{ "expansion over an existing name", "z.", "b.z. m.z. A RRSIG NSEC", WILDCARD, "a.b.z.", 1,
		  DENIAL_NOT_PROVEN },
		{ "expansion over an empty non-terminal", "z.", "b.z. x.c.z. A RRSIG NSEC", WILDCARD, "a.c.z.", 1,
		  DENIAL_NOT_PROVEN },
		{ "expansion over two labels", "z.", "a.z. m.z. A RRSIG NSEC", WILDCARD, "a.b.z.", 1, DENIAL_PROVEN },
		{ "expansion of an asterisk", "z.", "a.z. m.z. A RRSIG NSEC", WILDCARD, "*.b.z.", 1, DENIAL_PROVEN },
		{ "no expansion", "z.", "a.z. m.z. A RRSIG NSEC", WILDCARD, "b.z.", 2, DENIAL_NOT_PROVEN },
		{ "wildcard by name is no expansion", "z.", "*.z. m.z. A RRSIG NSEC", WILDCARD, "*.z.", 1, DENIAL_NOT_PROVEN },
		{ "labels above the zone", "z.", "z. z. NS SOA RRSIG NSEC", WILDCARD, "a.z.", 0, DENIAL_NOT_PROVEN },
		{ "labels of the root's wildcard", ".", ". . NS SOA RRSIG NSEC", WILDCARD, "a.b.", 0, DENIAL_PROVEN },
		/* RFC 6840 4.3 */
		{ "alias", "z.", "a.z. z. CNAME RRSIG NSEC", NODATA, "a.z.", RR_A, DENIAL_NOT_PROVEN },
		{ "alias asked for", "z.", "a.z. z. CNAME RRSIG NSEC", NODATA, "a.z.", RR_CNAME, DENIAL_NOT_PROVEN },
		{ "ANY where something is", "z.", "a.z. z. A RRSIG NSEC", NODATA, "a.z.", RR_ANY, DENIAL_NOT_PROVEN },
		/* RFC 4470 */
		{ "white lies", "z.", "am~.z. ao!.z. A RRSIG NSEC; \\).z. +.z. RRSIG NSEC", NAME_ERROR, "an.z.", 0,
		  DENIAL_PROVEN },
		/* RFC 9824 */
		{ "compact, NODATA", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", NODATA, "a.z.", RR_A, DENIAL_PROVEN },
		{ "compact, DS", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", NODATA, "a.z.", RR_DS, DENIAL_PROVEN },
		{ "compact, ANY", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", NODATA, "a.z.", RR_ANY, DENIAL_PROVEN },
		{ "compact, name error", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", NAME_ERROR, "a.z.", 0, DENIAL_PROVEN },
		{ "compact, nothing there", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", DS, "a.z.", 0, DENIAL_DS_NO_NAME },
		{ "compact, of another name", "z.", "a.z. \\000.a.z. RRSIG NSEC NXNAME", NAME_ERROR, "b.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "compact, empty non-terminal", "z.", "a.z. \\000.a.z. RRSIG NSEC", NODATA, "a.z.", RR_A, DENIAL_PROVEN },
		{ "compact, empty non-terminal exists", "z.", "a.z. \\000.a.z. RRSIG NSEC", NAME_ERROR, "a.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "compact, empty non-terminal is no cut", "z.", "a.z. \\000.a.z. RRSIG NSEC", DS, "a.z.", 0,
		  DENIAL_DS_NO_CUT },
		{ "compact, unsigned delegation", "z.", "a.z. \\000.a.z. NS RRSIG NSEC", DS, "a.z.", 0, DENIAL_DS_INSECURE },
		{ "compact, the apex", "z.", "z. \\000.z. RRSIG NSEC NXNAME", NAME_ERROR, "z.", 0, DENIAL_NOT_PROVEN },
		{ "NXNAME with data", "z.", "a.z. \\000.a.z. A RRSIG NSEC NXNAME", NAME_ERROR, "a.z.", 0, DENIAL_NOT_PROVEN },
	};
	try_all(cases, COUNT(cases), &(struct chains_parameters){ 0 });
}

Test(denial, odd_nsec3)
{
	static const struct odd cases[] = {
		{ "name error", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "a.z.", 0, DENIAL_PROVEN },
		{ "name error, deep", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "x.y.a.z.", 0,
		  DENIAL_PROVEN },
		{ "only the name covered, not the next closer", "z.", "=z. >z. NS SOA; <b.a.z. >b.a.z. A; <*.z. >*.z. A",
		  NAME_ERROR, "b.a.z.", 0, DENIAL_NOT_PROVEN },
		{ "the name is there", "z.", "=z. >z. NS SOA; =a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "a.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "the next closer is there", "z.", "=z. >z. NS SOA; =a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "b.a.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "the longest encloser counts", "z.",
		  "=z. >z. NS SOA; <a.z. >a.z. A; =b.a.z. >b.a.z. A; <c.b.a.z. >c.b.a.z. A; <*.z. >*.z. A", NAME_ERROR,
		  "c.b.a.z.", 0, DENIAL_NOT_PROVEN },
		/* RFC 5155 8.3, RFC 6840 4.1 */
		{ "encloser is a cut", "z.", "=c.z. >c.z. NS; <a.c.z. >a.c.z. A; <*.c.z. >*.c.z. A", NAME_ERROR, "a.c.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "encloser is a DNAME", "z.", "=c.z. >c.z. DNAME; <a.c.z. >a.c.z. A; <*.c.z. >*.c.z. A", NAME_ERROR,
		  "a.c.z.", 0, DENIAL_NOT_PROVEN },
		{ "encloser is the apex", "c.z.", "=c.z. >c.z. NS SOA; <a.c.z. >a.c.z. A; <*.c.z. >*.c.z. A", NAME_ERROR,
		  "a.c.z.", 0, DENIAL_PROVEN },
		{ "DS below a cut", "z.", "=c.z. >c.z. NS; <a.c.z. >a.c.z. A; <*.c.z. >*.c.z. A", DS, "a.c.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "NODATA from the parent", "z.", "=c.z. >c.z. NS", NODATA, "c.z.", RR_A, DENIAL_NOT_PROVEN },
		{ "DS from the parent", "z.", "=c.z. >c.z. NS", NODATA, "c.z.", RR_DS, DENIAL_PROVEN },
		{ "unsigned delegation", "z.", "=c.z. >c.z. NS", DS, "c.z.", 0, DENIAL_DS_INSECURE },
		{ "signed delegation", "z.", "=c.z. >c.z. NS DS RRSIG", DS, "c.z.", 0, DENIAL_DS_NOT_PROVEN },
		{ "DS from the child", "c.z.", "=c.z. >c.z. NS SOA", NODATA, "c.z.", RR_DS, DENIAL_NOT_PROVEN },
		{ "no cut", "z.", "=c.z. >c.z. A RRSIG", DS, "c.z.", 0, DENIAL_DS_NO_CUT },
		{ "empty non-terminal", "z.", "=c.z. >c.z. ", NODATA, "c.z.", RR_A, DENIAL_PROVEN },
		{ "nothing there", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", DS, "a.z.", 0, DENIAL_DS_NO_NAME },
		{ "DS of the root", ".", "=. >. NS SOA", NODATA, ".", RR_DS, DENIAL_PROVEN },
		{ "no such TLD", ".", "=. >. NS SOA; <a. >a. A; <*. >*. A", NAME_ERROR, "b.a.", 0, DENIAL_PROVEN },
		/* One record covers all but itself. */
		{ "zone of one name", "z.", "=z. =z. NS SOA", NAME_ERROR, "a.z.", 0, DENIAL_PROVEN },
		{ "zone of one name has it", "z.", "=z. =z. NS SOA", NAME_ERROR, "z.", 0, DENIAL_NOT_PROVEN },
		{ "all around but itself", "z.", ">a.z. <a.z. A; =z. >z. NS SOA", NAME_ERROR, "a.z.", 0, DENIAL_NOT_PROVEN },
		/* Wildcards */
		{ "wildcard NODATA", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; =*.z. >*.z. A", NODATA, "a.z.", RR_MX,
		  DENIAL_PROVEN },
		{ "wildcard has it", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; =*.z. >*.z. MX", NODATA, "a.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "wildcard has an alias", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; =*.z. >*.z. CNAME", NODATA, "a.z.", RR_MX,
		  DENIAL_NOT_PROVEN },
		{ "wildcard of another encloser", "z.", "=z. >z. NS SOA; <b.z. >b.z. A; =*.b.z. >*.b.z. A", NODATA, "a.b.z.",
		  RR_MX, DENIAL_NOT_PROVEN },
		{ "expansion", "z.", "<b.z. >b.z. A", WILDCARD, "a.b.z.", 1, DENIAL_PROVEN },
		{ "expansion, the name covered", "z.", "<a.b.z. >a.b.z. A", WILDCARD, "a.b.z.", 1, DENIAL_NOT_PROVEN },
		{ "expansion over an existing name", "z.", "=b.z. >b.z. A", WILDCARD, "a.b.z.", 1, DENIAL_NOT_PROVEN },
		{ "expansion over a name that is there and is not", "z.", "<b.z. >b.z. A; =b.z. >b.z. A", WILDCARD, "a.b.z.",
		  1, DENIAL_NOT_PROVEN },
		{ "alias", "z.", "=a.z. >a.z. CNAME", NODATA, "a.z.", RR_A, DENIAL_NOT_PROVEN },
		/* RFC 9824 3.3 */
		{ "compact, NODATA", "z.", "=a.z. >a.z. RRSIG NXNAME", NODATA, "a.z.", RR_A, DENIAL_PROVEN },
		{ "compact, name error", "z.", "=a.z. >a.z. RRSIG NXNAME", NAME_ERROR, "a.z.", 0, DENIAL_PROVEN },
		/* One kind of chain makes a proof, not both together. */
		{ "NSEC for the wildcard", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; z. b.z. NS SOA RRSIG NSEC", NAME_ERROR, "c.z.",
		  0, DENIAL_NOT_PROVEN },
		{ "NSEC for one half, NSEC3 for the other", "z.", "b.z. d.z. A RRSIG NSEC; =z. >z. NS SOA; <*.z. >*.z. A",
		  NAME_ERROR, "c.z.", 0, DENIAL_NOT_PROVEN },
		{ "NSEC beside a proof of NSEC3", "z.",
		  "b.z. d.z. A RRSIG NSEC; =z. >z. NS SOA; <c.z. >c.z. A; <*.z. >*.z. A", NAME_ERROR, "c.z.", 0,
		  DENIAL_PROVEN },
		{ "NSEC3 beside a proof of NSEC", "z.",
		  "=z. >z. NS SOA; b.z. d.z. A RRSIG NSEC; z. b.z. NS SOA RRSIG NSEC", NAME_ERROR, "c.z.", 0, DENIAL_PROVEN },
	};
	uint8_t salt[255];
	for (unsigned i = 0; i < sizeof(salt); i++) {
		salt[i] = (uint8_t)i;
	}
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .iterations = 0 });
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .iterations = 3, .salt_len = 255, .salt = salt });
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .iterations = ITERATIONS_MAX, .salt_len = 1, .salt = salt });
}

/* What opt-out leaves open is open for everything that rests on a covered name, and for nothing else (RFC 5155 6). */
Test(denial, opt_out)
{
	static const struct odd cases[] = {
		{ "name error", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "a.z.", 0, DENIAL_INSECURE },
		{ "name error, wildcard not denied", "z.", "=z. >z. NS SOA; <a.z. >a.z. A", NAME_ERROR, "a.z.", 0,
		  DENIAL_NOT_PROVEN },
		{ "DS", "z.", "=z. >z. NS SOA; <a.z. >a.z. A", NODATA, "a.z.", RR_DS, DENIAL_INSECURE },
		{ "delegation", "z.", "=z. >z. NS SOA; <a.z. >a.z. A", DS, "a.z.", 0, DENIAL_DS_INSECURE },
		{ "delegation, deeper", "z.", "=z. >z. NS SOA; <a.z. >a.z. A", DS, "c.b.a.z.", 0, DENIAL_DS_INSECURE },
		{ "empty non-terminal of such", "z.", "=z. >z. NS SOA; <a.z. >a.z. A", NODATA, "a.z.", RR_A, DENIAL_INSECURE },
		{ "without an encloser", "z.", "<a.z. >a.z. A; <z. <z. A", DS, "a.z.", 0, DENIAL_DS_NOT_PROVEN },
		{ "below a signed cut", "z.", "=c.z. >c.z. NS DS RRSIG; <a.c.z. >a.c.z. A", DS, "a.c.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "expansion", "z.", "<b.z. >b.z. A", WILDCARD, "a.b.z.", 1, DENIAL_INSECURE },
		{ "what matches is secure", "z.", "=a.z. >a.z. A", NODATA, "a.z.", RR_MX, DENIAL_PROVEN },
		{ "a signed delegation is", "z.", "=a.z. >a.z. NS DS RRSIG; =z. >z. NS SOA", DS, "a.z.", 0,
		  DENIAL_DS_NOT_PROVEN },
		{ "no cut is secure", "z.", "=a.z. >a.z. A RRSIG", DS, "a.z.", 0, DENIAL_DS_NO_CUT },
	};
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .flags = 1 });
}

/* The flag counts on the record that covers the next closer name only. */
Test(denial, opt_out_of_other_records)
{
	const struct chains_parameters out = { .flags = 1 };
	const struct chains_parameters in = { .flags = 0 };
	uint32_t hashes = 1000;
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA; <*.z. >*.z. A", &out);
	add_records("z.", "<a.z. >a.z. A", &in);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_PROVEN);
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA; <*.z. >*.z. A", &in);
	add_records("z.", "<a.z. >a.z. A", &out);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_INSECURE);
	add_records("z.", "<a.z. >a.z. MX", &in); /* both cover it */
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_INSECURE);
	sets[2] = sets[3];
	add_records("z.", "<a.z. >a.z. A", &out); /* and the other way round */
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_INSECURE);
}

/* RFC 9276 3.2. */
Test(denial, too_many_iterations_are_insecure)
{
	static const struct odd cases[] = {
		{ "name error", "z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", NAME_ERROR, "a.z.", 0, DENIAL_INSECURE },
		{ "NODATA", "z.", "=a.z. >a.z. A", NODATA, "a.z.", RR_MX, DENIAL_INSECURE },
		{ "expansion", "z.", "<b.z. >b.z. A", WILDCARD, "a.b.z.", 1, DENIAL_INSECURE },
		{ "DS", "z.", "=a.z. >a.z. A", DS, "a.z.", 0, DENIAL_DS_ITERATIONS },
		{ "of another zone", "z.", "=z. >z. NS SOA", NAME_ERROR, "a.y.", 0, DENIAL_NOT_PROVEN },
		{ "of the child", "z.", "=z. >z. NS SOA", NODATA, "z.", RR_DS, DENIAL_NOT_PROVEN },
		{ "beside a proof of NSEC", "z.", "=z. >z. NS SOA; z. z. NS SOA RRSIG NSEC", NAME_ERROR, "c.z.", 0,
		  DENIAL_PROVEN },
	};
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .iterations = ITERATIONS_MAX + 1 });
	try_all(cases, COUNT(cases), &(struct chains_parameters){ .iterations = UINT16_MAX });
}

/* RFC 5155 8.2: records of two chains make no proof together, but a whole one stays one. */
Test(denial, mixed_parameters)
{
	static const uint8_t salt[] = { 1, 2, 3, 1, 2, 4 };
	const struct chains_parameters one = { .iterations = 1 };
	const struct chains_parameters two = { .iterations = 1, .salt_len = 3, .salt = salt };
	const struct chains_parameters salted = { .iterations = 1, .salt_len = 3, .salt = salt + 3 };
	const struct chains_parameters three = { .iterations = 2 };
	const struct chains_parameters dear = { .iterations = ITERATIONS_MAX + 1 };
	uint32_t hashes = 10000;

	set_count = 0;
	add_records("z.", "=z. >z. NS SOA; <a.z. >a.z. A", &one);
	add_records("z.", "<*.z. >*.z. A", &two);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_NOT_PROVEN);
	add_records("z.", "=z. >z. NS SOA; <a.z. >a.z. A", &two);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_PROVEN);

	/* All but one hash are covered here, of whichever chain. */
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &two);
	add_records("z.", ">z. <z. A", &salted);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_NOT_PROVEN);
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &three);
	add_records("z.", "=z. >z. NS SOA", &two);
	add_records("z.", ">z. <z. A", &salted);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_NOT_PROVEN);

	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &dear);
	add_records("z.", "=a.z. >a.z. A", &one);
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_PROVEN);

	/* Chains beyond the bound are passed over. */
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &one);
	add_records("z.", "=z. >z. NS SOA", &two);
	add_records("z.", "=a.z. >a.z. A", &three);
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_NOT_PROVEN);
}

/* Breaks one thing in a set that proves NODATA; it must not any more, nor spoil a good one beside it. */
struct broken {
	const char *what;
	size_t offset; /* in RDATA; 1000 and above: see break_set */
	uint8_t value;
};

enum { TWO_RECORDS = 1000, LABELS_LESS, LABELS_MORE, NOT_VERIFIED, WRONG_TYPE, CUT_SHORT, NO_TYPES };

static const struct rrset *break_set(const struct rrset *good, const struct broken *how)
{
	struct rrset *set = region_copy(&region, good, sizeof(*good));
	uint8_t *rdata = region_alloc(&region, 2 * (size_t)good->rdata_len);
	cr_assert(set != NULL && rdata != NULL);
	memcpy(rdata, good->rdata, good->rdata_len);
	set->rdata = rdata;
	switch (how->offset) {
	case TWO_RECORDS:
		memcpy(rdata + good->rdata_len, good->rdata, good->rdata_len);
		rdata[2 * good->rdata_len - 1] ^= 0xff;
		set->rdata_len *= 2;
		set->count = 2;
		break;
	case LABELS_LESS:
		set->labels--;
		break;
	case LABELS_MORE:
		set->labels++;
		break;
	case NOT_VERIFIED:
		set->labels = 0;
		break;
	case WRONG_TYPE:
		set->type = set->type == RR_NSEC ? RR_NSEC3 : RR_NSEC;
		break;
	case CUT_SHORT:
		put_u16(rdata, (uint16_t)(get_u16(rdata) - how->value));
		set->rdata_len -= how->value;
		break;
	case NO_TYPES: /* the map of NSEC in these tests has 8 octets */
		put_u16(rdata, (uint16_t)(get_u16(rdata) - 8));
		set->rdata_len -= 8;
		break;
	default:
		cr_assert(how->offset + 2 < good->rdata_len);
		rdata[2 + how->offset] = how->value;
	}
	return set;
}

static void try_broken(const struct broken *cases, size_t count, const struct rrset *good, int without)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t hashes = 10000;
		set_count = 0;
		add(break_set(good, &cases[i]));
		cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), without, "%s", cases[i].what);
		add(good);
		cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_PROVEN, "%s, beside a good one",
			     cases[i].what);
	}
}

Test(denial, broken_nsec_is_not_used)
{
	/* Octets: 1 b 1 z 0, then 0 6 and six of types. */
	static const struct broken cases[] = {
		{ "two records", TWO_RECORDS, 0 },
		{ "expanded from a wildcard", LABELS_LESS, 0 }, /* CVE-2017-15105 */
		{ "more labels than it has", LABELS_MORE, 0 },
		{ "not verified", NOT_VERIFIED, 0 },
		{ "another type", WRONG_TYPE, 0 },
		{ "types cut short", CUT_SHORT, 1 },
		{ "name cut short", CUT_SHORT, 9 },
		{ "nothing", CUT_SHORT, 13 },
		{ "no types", NO_TYPES, 0 },
		{ "next name is a pointer", 0, 0xc0 },
		{ "next name of another zone", 3, 'y' },
		{ "next name before the owner", 1, 'A' - 1 },
		{ "map longer than it is", 6, 7 },
		{ "map shorter than it is", 6, 5 },
		{ "empty window", 6, 0 },
		{ "zero at the end of the map", 12, 0 },
	};
	try_broken(cases, COUNT(cases), chains_nsec(&region, "a.z.", "b.z.", "A RRSIG NSEC"), DENIAL_NOT_PROVEN);
}

Test(denial, broken_nsec3_is_not_used)
{
	/* Octets: algorithm, flags, iterations 2, salt 0, length 20, hash, 0 1 and one of types. */
	static const struct broken cases[] = {
		{ "two records", TWO_RECORDS, 0 },
		{ "expanded from a wildcard", LABELS_LESS, 0 },
		{ "not verified", NOT_VERIFIED, 0 },
		{ "another type", WRONG_TYPE, 0 },
		{ "unknown algorithm", 0, 2 }, /* RFC 5155 8.1 */
		{ "algorithm 0", 0, 0 },
		{ "unknown flag", 1, 2 }, /* RFC 5155 8.2 */
		{ "unknown flag and opt-out", 1, 0x81 },
		{ "other iterations", 3, 1 },
		{ "salt over the end", 4, 255 },
		{ "shorter hash", 5, 19 },
		{ "longer hash", 5, 21 },
		{ "longer hash, no types", 5, 23 },
		{ "hash over the end", 5, 255 },
		{ "no hash", 5, 0 },
		{ "types cut short", CUT_SHORT, 1 },
		{ "hash cut short", CUT_SHORT, 4 },
		{ "nothing", CUT_SHORT, 29 },
		{ "zero at the end of the map", 28, 0 },
	};
	char owner[33];
	char next[33];
	const struct chains_parameters p = { 0 };
	hash_label("=a.z.", &p, owner);
	hash_label(">a.z.", &p, next);
	const struct rrset *good = chains_nsec3(&region, owner, "z.", &p, next, "A");
	cr_assert_eq(good->rdata_len, 2 + 29);
	try_broken(cases, COUNT(cases), good, DENIAL_NOT_PROVEN);
}

/* CVE-2026-10723: NSEC3 stand one label below the apex, and a hash is 32 characters of base32hex. */
Test(denial, nsec3_owner_is_one_label_below_the_zone)
{
	static const struct {
		const char *below; /* what stands between the hash and the root */
		int expected;
	} zones[] = {
		{ "z.", DENIAL_PROVEN }, { "Z.", DENIAL_PROVEN }, { "b.z.", DENIAL_NOT_PROVEN },
		{ "y.", DENIAL_NOT_PROVEN }, { ".", DENIAL_NOT_PROVEN },
	};
	const struct chains_parameters p = { 0 };
	char owner[34];
	char next[33];
	uint32_t hashes = 1000;
	hash_label("=a.z.", &p, owner);
	hash_label(">a.z.", &p, next);
	for (size_t i = 0; i < COUNT(zones); i++) {
		set_count = 0;
		add(chains_nsec3(&region, owner, zones[i].below, &p, next, "A"));
		cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), zones[i].expected, "%s", zones[i].below);
	}
	static const char odd[] = { 'w', '=', '-', 'z' };
	for (size_t i = 0; i < COUNT(odd); i++) {
		char broken[34];
		memcpy(broken, owner, sizeof(broken));
		broken[31] = odd[i];
		set_count = 0;
		add(chains_nsec3(&region, broken, "z.", &p, next, "A"));
		cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_NOT_PROVEN, "%c", odd[i]);
	}
	owner[32] = '0';
	owner[33] = '\0';
	set_count = 0;
	add(chains_nsec3(&region, owner, "z.", &p, next, "A"));
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_NOT_PROVEN, "33 characters");
	for (char *c = owner; *c != '\0'; c++) {
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	}
	owner[32] = '\0';
	set_count = 0;
	add(chains_nsec3(&region, owner, "z.", &p, next, "A"));
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_PROVEN, "upper case");
}

/* CVE-2023-50868: what is counted is what is computed, each name once, and the end of the budget is no proof. */
Test(denial, hashes_are_counted_and_bounded)
{
	char deep[2 * DNAME_LABELS_MAX + 3];
	for (unsigned i = 0; i < DNAME_LABELS_MAX - 1; i++) {
		memcpy(deep + 2 * (size_t)i, "a.", 2);
	}
	memcpy(deep + 2 * ((size_t)DNAME_LABELS_MAX - 1), "z.", 3);
	for (uint16_t iterations = 0; iterations <= ITERATIONS_MAX; iterations += ITERATIONS_MAX) {
		const struct chains_parameters p = { .iterations = iterations };
		const uint32_t each = 1u + iterations;
		const uint32_t all = (DNAME_LABELS_MAX + 1) * each; /* each label once, and the wildcard */
		set_count = 0;
		add_records("z.", "=z. >z. NS SOA; <a.z. >a.z. A; <*.z. >*.z. A", &p);
		uint32_t hashes = all + 7;
		cr_expect_eq(ask("z.", NAME_ERROR, deep, 0, &hashes), DENIAL_PROVEN);
		cr_expect_eq(hashes, 7u);
		for (uint32_t less = 0; less < all; less += each) {
			hashes = less + each - 1;
			cr_expect_eq(ask("z.", NAME_ERROR, deep, 0, &hashes), DENIAL_LIMIT);
			cr_expect_eq(hashes, each - 1);
			hashes = less;
			cr_expect_eq(ask("z.", DS, deep, 0, &hashes), DENIAL_DS_LIMIT);
		}
		hashes = each;
		cr_expect_eq(ask("z.", NODATA, "z.", RR_A, &hashes), DENIAL_PROVEN); /* the name itself: one */
		cr_expect_eq(hashes, 0u);
		cr_expect_eq(ask("z.", WILDCARD, deep, 1, &hashes), DENIAL_LIMIT);
		hashes = each;
		cr_expect_eq(ask("z.", WILDCARD, deep, 1, &hashes), DENIAL_PROVEN); /* the next closer name: one */
		cr_expect_eq(hashes, 0u);
	}
}

/* Nothing is hashed where NSEC proves, or where no NSEC3 can be used, or for names of other zones. */
Test(denial, hashes_are_not_spent_in_vain)
{
	uint32_t hashes = 1000;
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA; z. z. NS SOA RRSIG NSEC", &(struct chains_parameters){ 0 });
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_PROVEN);
	cr_expect_eq(ask("z.", NAME_ERROR, "a.y.", 0, &hashes), DENIAL_NOT_PROVEN);
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &(struct chains_parameters){ .flags = 2 });
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_NOT_PROVEN);
	set_count = 0;
	add_records("z.", "=z. >z. NS SOA", &(struct chains_parameters){ .iterations = ITERATIONS_MAX + 1 });
	cr_expect_eq(ask("z.", NAME_ERROR, "a.z.", 0, &hashes), DENIAL_INSECURE);
	cr_expect_eq(hashes, 1000u);
}

/* More sets than are looked at: no more work, and no proof from those behind. */
Test(denial, sets_beyond_the_bound_are_passed_over)
{
	uint32_t hashes = 1000;
	char owner[16];
	set_count = 0;
	for (unsigned i = 0; i < DENIAL_SETS_MAX; i++) {
		snprintf(owner, sizeof(owner), "b%02u.z.", i);
		add(chains_nsec(&region, owner, "c.z.", "A RRSIG NSEC"));
	}
	add(chains_nsec(&region, "a.z.", "b.z.", "A RRSIG NSEC"));
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_NOT_PROVEN);
	sets[0] = chains_nsec(&region, "b.z.", "y.", "A RRSIG NSEC"); /* useless ones do not count */
	cr_expect_eq(ask("z.", NODATA, "a.z.", RR_MX, &hashes), DENIAL_PROVEN);
}
