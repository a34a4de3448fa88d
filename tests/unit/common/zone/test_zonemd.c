/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/zone/signed_zone.h"

#include <criterion/criterion.h>

/* The zones of RFC 8976 appendix A; all have this SOA and, at the end of a line, their ZONEMDs. */
#define HEAD                                                                        \
	"example. 86400 IN SOA ns1 admin 2018031900 1800 900 604800 86400\n" \
	"example. 86400 IN NS ns1\n"                                              \
	"example. 86400 IN NS ns2\n"
#define ZONEMD "example. 86400 IN ZONEMD "

#define SIMPLE HEAD "ns1 3600 IN A 203.0.113.63\nns2 3600 IN AAAA 2001:db8::63\n"
#define SIMPLE_DIGEST "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c"

/* A.2, but for its record out of the zone, which is an error here. */
#define COMPLEX                                                                     \
	HEAD "ns1 3600 IN A 203.0.113.63\n"                                          \
	     "NS2 3600 IN AAAA 2001:db8::63\n"                                       \
	     "occluded.sub 7200 IN TXT \"I'm occluded but must be digested\"\n"      \
	     "sub 7200 IN NS ns1\n"                                                  \
	     "duplicate 300 IN TXT \"I must be digested just once\"\n"               \
	     "duplicate 300 IN TXT \"I must be digested just once\"\n"               \
	     "UPPERCASE 3600 IN TXT \"canonicalize uppercase owner names\"\n"        \
	     "* 777 IN PTR dont-forget-about-wildcards\n"                            \
	     "mail 3600 IN MX 20 MAIL1\n"                                            \
	     "mail 3600 IN MX 10 Mail2.Example.\n"                                   \
	     "sortme 3600 IN AAAA 2001:db8::5:61\n"                                  \
	     "sortme 3600 IN AAAA 2001:db8::3:62\n"                                  \
	     "sortme 3600 IN AAAA 2001:db8::4:63\n"                                  \
	     "sortme 3600 IN AAAA 2001:db8::1:65\n"                                  \
	     "sortme 3600 IN AAAA 2001:db8::2:64\n"                                  \
	     "non-apex 900 IN ZONEMD 2018031900 1 1 616c6c6f776564206275742069676e6f" \
	     "7265642e20616c6c6f776564206275742069676e6f7265642e20616c6c6f7765\n"
#define COMPLEX_DIGEST "a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe"

#define MULTIPLE                                                    \
	HEAD "ns1 3600 IN A 203.0.113.63\n"                          \
	     "ns2 86400 IN TXT \"This example has multiple digests\"\n" \
	     "NS2 3600 IN AAAA 2001:db8::63\n"
#define MULTIPLE_SHA384 \
	"62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306"
#define MULTIPLE_SHA512                                                    \
	"08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2fa9a5e6eb85f37c8a" \
	"4e114d884e66f176eab121cb02db7d652e0cc4827e7a3204f166b47e5613fd27"
#define PRIVATE ZONEMD "2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee\n"
#define PRIVATE_SCHEME ZONEMD "2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e\n"
#define WRONG "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

#define DIFFERS "the zone is not the one that ZONEMD was made for: its digest differs\n"

static const struct {
	const char *name;
	const char *text;
	int errors;
	const char *found; /* the parts of findings about ZONEMD, one after the other */
} cases[] = {
	{ "A.1", SIMPLE ZONEMD "2018031900 1 1 " SIMPLE_DIGEST "\n", 0, "" },
	{ "A.2", COMPLEX ZONEMD "2018031900 1 1 " COMPLEX_DIGEST "\n", 0, "" },
	{ "A.3",
	  MULTIPLE ZONEMD "2018031900 1 1 " MULTIPLE_SHA384 "\n" ZONEMD "2018031900 1 2 " MULTIPLE_SHA512 "\n" PRIVATE
		  PRIVATE_SCHEME,
	  0,
	  "9 warning: ZONEMD with scheme 1 and hash algorithm 240 is not verified\n"
	  "10 warning: ZONEMD with scheme 241 and hash algorithm 1 is not verified\n" },
	{ "only SHA-512", MULTIPLE ZONEMD "2018031900 1 2 " MULTIPLE_SHA512 "\n", 0, "" },
	{ "none that is known", MULTIPLE PRIVATE, 0,
	  "7 warning: ZONEMD with scheme 1 and hash algorithm 240 is not verified\n" },
	{ "another digest", SIMPLE ZONEMD "2018031900 1 1 " COMPLEX_DIGEST "\n", 1, "6 error: " DIFFERS },
	{ "a digest too long", SIMPLE ZONEMD "2018031900 1 1 " SIMPLE_DIGEST "00\n", 1, "6 error: " DIFFERS },
	{ "another digest beside one that is not known", SIMPLE ZONEMD "2018031900 1 1 " WRONG "\n" PRIVATE, 1,
	  "7 warning: ZONEMD with scheme 1 and hash algorithm 240 is not verified\n6 error: " DIFFERS },
	{ "another serial", SIMPLE ZONEMD "2018031901 1 1 " SIMPLE_DIGEST "\n", 1,
	  "6 error: ZONEMD was made for serial 2018031901, the zone has 2018031900\n" },
	{ "one record more", SIMPLE "x 60 A 192.0.2.1\n" ZONEMD "2018031900 1 1 " SIMPLE_DIGEST "\n", 1,
	  "7 error: " DIFFERS },
	{ "one of two matches", MULTIPLE ZONEMD "2018031900 1 1 " WRONG "\n" ZONEMD "2018031900 1 2 " MULTIPLE_SHA512 "\n",
	  0, "7 warning: " DIFFERS },
	{ "twice the same algorithm", SIMPLE ZONEMD "2018031900 1 1 " SIMPLE_DIGEST "\n" ZONEMD "2018031900 1 1 " WRONG "\n",
	  0, "6 warning: several ZONEMD records with hash algorithm 1; none of them is used\n" },
	{ "twice the same, and another that differs",
	  SIMPLE ZONEMD "2018031900 1 1 " SIMPLE_DIGEST "\n" ZONEMD "2018031900 1 1 " WRONG "\n" ZONEMD
			"2018031900 1 2 " MULTIPLE_SHA512 "\n",
	  1, "6 warning: several ZONEMD records with hash algorithm 1; none of them is used\n8 error: " DIFFERS },
};

Test(zonemd, verifies)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct zone *z = zone_of("example.", cases[i].text);
		char found[4096] = "";
		for (char *line = strtok(z->found.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			if (strstr(line, "ZONEMD") != NULL && strstr(line, "hidden") == NULL) {
				strcat(strcat(found, line), "\n");
			}
		}
		cr_expect_eq(z->errors, cases[i].errors, "%s: %d errors", cases[i].name, z->errors);
		cr_expect_str_eq(found, cases[i].found, "%s:\n%s", cases[i].name, found);
		zone_free(z);
	}
}

/*
 * NSEC3s stand apart in the plan, those of a second chain behind the first; here they are among the other
 * names, and two of them are at names that have other data too, of types below and above. The digest was
 * computed by another program.
 */
#define SIG2(type) " RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
static const char with_nsec3[] =
	"$TTL 3600\n"
	"@ SOA ns admin 7 2 3 4 5\n"
	"@ NS ns\n"
	"ns A 192.0.2.1\n"
	"@" SIGNATURE("SOA")
	"@ DNSKEY 256 3 13 AAAA\n"
	"@ NSEC3PARAM 1 0 0 -\n"
	"x.w TXT x\n"
	"00w A 192.0.2.9\n"
	"vw A 192.0.2.9\n"
	"3msev9usmd4br9s97v51r2tdvmr9iqo1 NSEC3 1 0 0 - kncb8asp44gj31sjvi5s29d8q49gb30r A TXT\n"
	"3msev9usmd4br9s97v51r2tdvmr9iqo1" SIG2("NSEC3")
	"kncb8asp44gj31sjvi5s29d8q49gb30r NSEC3 1 0 0 - tf4v2jbvf5iq28bheot32e5nsh2dbof3 A TXT\n"
	"kncb8asp44gj31sjvi5s29d8q49gb30r" SIG2("NSEC3")
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3 NSEC3 1 0 0 - vdec5svarlb837sln077ffsvbrj6lv0q A TXT\n"
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3" SIG2("NSEC3")
	"vdec5svarlb837sln077ffsvbrj6lv0q NSEC3 1 0 0 - 3msev9usmd4br9s97v51r2tdvmr9iqo1 A TXT\n"
	"vdec5svarlb837sln077ffsvbrj6lv0q" SIG2("NSEC3")
	"3msev9usmd4br9s97v51r2tdvmr9iqo1 A 192.0.2.7\n"
	"3msev9usmd4br9s97v51r2tdvmr9iqo1 TYPE65280 \\# 1 00\n"
	"3msev9usmd4br9s97v51r2tdvmr9iqo1" SIG2("A")
	"3msev9usmd4br9s97v51r2tdvmr9iqo1" SIG2("TYPE65280")
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3 A 192.0.2.7\n"
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3 TYPE65280 \\# 1 00\n"
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3" SIG2("A")
	"tf4v2jbvf5iq28bheot32e5nsh2dbof3" SIG2("TYPE65280")
	"3e2rlkei7jmt51mt36jkatnf3p35to75 NSEC3 1 0 1 aa 4mbqub7tk3n6kmjcduj45folfm0b3rud A TXT\n"
	"3e2rlkei7jmt51mt36jkatnf3p35to75" SIG2("NSEC3")
	"4mbqub7tk3n6kmjcduj45folfm0b3rud NSEC3 1 0 1 aa moqmu4f8656s5imld4ub4p400iosj4jj A TXT\n"
	"4mbqub7tk3n6kmjcduj45folfm0b3rud" SIG2("NSEC3")
	"moqmu4f8656s5imld4ub4p400iosj4jj NSEC3 1 0 1 aa pftip0etuq7uv7tlbhtevqukkvv7piut A TXT\n"
	"moqmu4f8656s5imld4ub4p400iosj4jj" SIG2("NSEC3")
	"pftip0etuq7uv7tlbhtevqukkvv7piut NSEC3 1 0 1 aa 3e2rlkei7jmt51mt36jkatnf3p35to75 A TXT\n"
	"pftip0etuq7uv7tlbhtevqukkvv7piut" SIG2("NSEC3")
	"@ ZONEMD 7 1 2 1e970cad4e1c009b40712b4a4409a305fbb329d8e8994c4ecff421e549140b28"
	"fbefa462fea50618737d0b048d481ff2b6c7909e0d6ef3cf7e8278ab8200ebe8\n";

Test(zonemd, takes_nsec3_by_owner_name)
{
	struct zone *z = zone_of("example.", with_nsec3);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	cr_assert_eq(z->image.header->nsec3_count, 8u);
	cr_assert_eq(z->image.header->nsec3_chain, 4u);
	zone_free(z);

	char other[sizeof(with_nsec3)];
	memcpy(other, with_nsec3, sizeof(other));
	strstr(other, "vdec5")[4] = '6'; /* its NSEC3 leads elsewhere */
	z = zone_of("example.", other);
	cr_assert_eq(z->errors, 1);
	cr_assert_not_null(strstr(z->found.text, DIFFERS));
	zone_free(z);
}
