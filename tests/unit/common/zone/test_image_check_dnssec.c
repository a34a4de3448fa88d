/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "tests/unit/common/zone/signed_zone.h"

#include <criterion/criterion.h>

#define UNPROVED "6 warning: signed, but the apex has neither NSEC nor NSEC3 with its NSEC3PARAM: absence is not proved\n"
#define NSEC(owner, rest) owner " NSEC " rest "\n" owner SIGNATURE("NSEC")
#define NSEC_HEAD SIGNED_HEAD NSEC("@", "a SOA") "a A 192.0.2.1\na" SIGNATURE("A") /* lines 10 to 13 */
#define DS "DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\n"

/* Whole zones, and all that is found. */
static const struct {
	const char *text;
	const char *findings;
} rules[] = {
	{ SIGNED_HEAD, UNPROVED },
	{ ZONE_HEAD "@ DNSKEY 256 3 13 AAAA\n",
	  "5 warning: DNSKEY without RRSIG over the SOA: the zone is served as unsigned\n" },
	{ ZONE_HEAD, "" },
	/* CDS and CDNSKEY */
	{ ZONE_HEAD "@ CDS 1 8 2 00\n@ CDNSKEY 256 3 13 AAAA\n", "" },
	{ ZONE_HEAD "a CDS 1 8 2 00\na CDNSKEY 256 3 13 AAAA\n",
	  "5 warning: CDS at a.example., which is not the apex\n"
	  "6 warning: CDNSKEY at a.example., which is not the apex\n" },
	/* iterations */
	{ ZONE_HEAD "@ NSEC3PARAM 1 0 0 -\n", "" },
	{ ZONE_HEAD "@ NSEC3PARAM 1 0 1 -\n",
	  "5 warning: NSEC3 iterations above 0 (RFC 9276): some resolvers refuse them\n" },
	{ ZONE_HEAD "@ NSEC3PARAM 1 0 2500 -\n",
	  "5 warning: NSEC3 iterations above 0 (RFC 9276): some resolvers refuse them\n" },
	{ ZONE_HEAD "@ NSEC3PARAM 1 0 0 -\n@ NSEC3PARAM 1 0 2501 -\n",
	  "6 error: 2501 NSEC3 iterations are more than 2500 (RFC 5155 10.3)\n" },
	/* signatures */
	{ SIGNED_HEAD "a A 192.0.2.1\na TXT x\na" SIGNATURE("A"),
	  "11 warning: a.example. TXT has no RRSIG in a signed zone\n" UNPROVED },
	{ SIGNED_HEAD "sub NS ns.sub\nns.sub A 192.0.2.1\nsub " DS,
	  "12 warning: sub.example. DS has no RRSIG in a signed zone\n" UNPROVED },
	/* the chain of NSEC */
	{ NSEC_HEAD NSEC("a", "ns A") NSEC("ns", "@ A"), "" },
	{ NSEC_HEAD NSEC("a", "NS A") NSEC("ns", "EXAMPLE. A"), "" },
	{ NSEC_HEAD NSEC("ns", "@ A"), "12 warning: a.example. has no NSEC\n" },
	{ NSEC_HEAD NSEC("a", "ns A"), "4 warning: ns.example. has no NSEC\n" },
	{ NSEC_HEAD NSEC("a", "n A") NSEC("ns", "@ A"),
	  "14 warning: NSEC of a.example. leads to n.example., not to ns.example.\n" },
	{ NSEC_HEAD NSEC("a", "@ A") NSEC("ns", "@ A"),
	  "14 warning: NSEC of a.example. leads to example., not to ns.example.\n" },
	{ NSEC_HEAD NSEC("a", "ns A") NSEC("ns", "a A"),
	  "16 warning: NSEC of ns.example. leads to a.example., not to example.\n" },
	{ NSEC_HEAD NSEC("a", "ns A") NSEC("ns", "sub A") "sub NS x.y.sub\nx.y.sub A 192.0.2.1\n" NSEC("sub", "@ NS"),
	  "" }, /* glue and what is above it have none */
	{ NSEC_HEAD NSEC("a", "ns A") NSEC("ns", "x.y A") "x.y A 192.0.2.1\nx.y" SIGNATURE("A") NSEC("x.y", "@ A"),
	  "" }, /* nor has an empty non-terminal */
};

Test(image_check_dnssec, finds_with_line)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct zone *z = zone_of("example.", rules[i].text);
		cr_expect_str_eq(z->found.text, rules[i].findings, "rule %zu:\n%s", i, z->found.text);
		zone_free(z);
	}
}

/* Names of NSEC3_BODY with what an NSEC3 chain has: all; all but what opt-out may leave out. */
#define NSEC3_BODY                                                                  \
	SIGNED_HEAD "@ NSEC3PARAM 1 0 0 -\n@" SIGNATURE("NSEC3PARAM") /* 10, 11 */  \
		    "x.ent A 192.0.2.1\nx.ent" SIGNATURE("A")		 /* 12, 13 */  \
		    "in.se.cure NS ns\nse NS ns\nse " DS "se" SIGNATURE("DS") /* 14 to 17 */

static const char *const all[] = { "example.",	   "ns.example.",   "ent.example.", "x.ent.example.",
				   "cure.example.", "se.cure.example.", "in.se.cure.example.", "se.example.", NULL };
static const char *const opted[] = { "example.", "ns.example.", "ent.example.", "x.ent.example.", "se.example.", NULL };
static const char *const no_ent[] = { "example.", "ns.example.", "x.ent.example.", "se.example.", NULL };
static const char *const no_secure[] = { "example.", "ns.example.", "ent.example.", "x.ent.example.", NULL };
static const char *const too_many[] = { "example.",	  "ns.example.", "ent.example.", "x.ent.example.",
					"se.example.", "none.example.", NULL };

static const struct {
	const char *const *names;
	unsigned flags;
	const char *findings;
} chains[] = {
	{ all, 0, "" },
	{ all, 1, "" },
	{ opted, 1, "" },
	{ opted, 0,
	  "14 warning: cure.example. has no NSEC3\n"
	  "14 warning: se.cure.example. has no NSEC3\n"
	  "14 warning: in.se.cure.example. has no NSEC3\n" },
	{ no_ent, 1, "12 warning: ent.example. has no NSEC3\n" },
	{ no_secure, 1, "15 warning: se.example. has no NSEC3\n" },
	{ too_many, 1, "*warning: NSEC3 7nbqoluajeb02b3nakcntq1dvrpb9hec.example. is of no name in the zone\n" },
};

Test(image_check_dnssec, nsec3_of_every_name_and_of_no_other)
{
	for (size_t i = 0; i < COUNT(chains); i++) {
		char text[8192] = NSEC3_BODY;
		const struct chain_options options = { .salt = "-", .flags = chains[i].flags };
		add_chain(text, sizeof(text), chains[i].names, &options);
		struct zone *z = zone_of("example.", text);
		const char *found = z->found.text;
		if (chains[i].findings[0] == '*') { /* its line depends on the order of hashes */
			found = strchr(found, 'w');
			found = found == NULL ? "" : found;
		}
		cr_expect_str_eq(found, chains[i].findings + (chains[i].findings[0] == '*'), "chain %zu:\n%s", i,
				 z->found.text);
		zone_free(z);
	}
}

/* The first NSEC3 in the text leads elsewhere; one has no signature. */
Test(image_check_dnssec, nsec3_must_lead_to_the_next_hash)
{
	char text[8192] = NSEC3_BODY;
	const struct chain_options options = { .salt = "-", .flags = 1 };
	size_t head = strlen(text);
	add_chain(text, sizeof(text), opted, &options);
	char *next = strstr(text + head, " 0 - ") + strlen(" 0 - ");
	*next = *next == '0' ? '1' : '0';
	char *sig = strstr(next, "RRSIG NSEC3");
	memcpy(sig, "TXT x ;    ", 11);
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	cr_assert_eq(z->found.count, 4u, "%s", z->found.text); /* and a TXT that has no NSEC3 nor signature */
	cr_assert_not_null(strstr(z->found.text, "18 warning: NSEC3 "));
	cr_assert_not_null(strstr(z->found.text, "does not lead to the next one, "));
	cr_assert_not_null(strstr(z->found.text, "NSEC3 has no RRSIG in a signed zone"));
	zone_free(z);
}

Test(image_check_dnssec, the_same_fault_everywhere_is_told_a_few_times)
{
	char text[8192] = SIGNED_HEAD NSEC("@", "a SOA");
	size_t len = strlen(text);
	for (unsigned i = 0; i < 25; i++) {
		len += (size_t)sprintf(text + len, "a%u A 192.0.2.1\n", i);
	}
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0);
	cr_assert_not_null(strstr(z->found.text, "0 warning: 15 more RRsets without signature\n"), "%s", z->found.text);
	cr_assert_not_null(strstr(z->found.text, "0 warning: 16 more names that NSEC or NSEC3 does not fit\n"));
	cr_assert_eq(z->found.count, 23u, "%s", z->found.text); /* and the NSEC of the apex leads nowhere */
	zone_free(z);
}
