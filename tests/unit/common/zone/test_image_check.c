/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>

#define DS "DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\n"
#define RRSIG(type) "RRSIG " type " 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n"

/* Zone text behind ZONE_HEAD (whose lines are 1 to 4), and all that is found, in order. */
static const struct {
	const char *text;
	const char *findings;
} rules[] = {
	{ "", "" },
	/* CNAME */
	{ "a CNAME b\n", "" },
	{ "a CNAME b\na A 192.0.2.1\n", "5 error: CNAME at a.example., which has other data too (A)\n" },
	{ "a A 192.0.2.1\na CNAME b\n", "6 error: CNAME at a.example., which has other data too (A)\n" },
	{ "a CNAME b\na DNAME b\n", "5 error: CNAME at a.example., which has other data too (DNAME)\n" },
	{ "a CNAME b\na NSEC b A\na " RRSIG("CNAME") "a " RRSIG("NSEC"), "" },
	{ "a CNAME b\na CNAME c\n", "6 error: another CNAME record at a.example.\n" },
	{ "a CNAME c\na CNAME b\n", "6 error: another CNAME record at a.example.\n" },
	{ "a CNAME b\na CNAME B\n", "" }, /* the same but for case */
	{ "@ CNAME b\n", "5 error: CNAME at example., which has other data too (NS)\n" },
	/* SOA */
	{ "@ SOA ns admin 8 2 3 4 5\n", "5 error: another SOA record at example.\n" },
	{ "@ SOA ns admin 7 2 3 4 5\n", "" },
	{ "a SOA ns admin 8 2 3 4 5\n", "5 error: SOA at a.example., which is not the apex\n" },
	/* DNAME */
	{ "a DNAME b.example.net.\n", "" },
	{ "a DNAME b.example.net.\na A 192.0.2.1\n", "" },
	{ "a DNAME b\na DNAME c\n", "6 error: another DNAME record at a.example.\n" },
	{ "a DNAME b\nx.a A 192.0.2.1\n", "6 error: x.a.example. A is below the DNAME at a.example. (RFC 6672 2.4)\n" },
	{ "a DNAME b\nx.y.a A 192.0.2.1\n",
	  "6 error: x.y.a.example. A is below the DNAME at a.example. (RFC 6672 2.4)\n" },
	{ "a DNAME b\na NS ns\n", "5 warning: DNAME at a.example. is hidden by NS at the same name\n" },
	{ "*.w DNAME b\n", "" },
	/* delegations and glue */
	{ "sub NS ns.example.net.\n", "" },
	{ "sub NS ns\n", "" },
	{ "sub NS ns.sub\nns.sub A 192.0.2.1\n", "" },
	{ "sub NS ns.sub\nns.sub AAAA 2001:db8::1\n", "" },
	{ "sub NS sub\nsub A 192.0.2.1\n", "" },
	{ "sub NS ns.sub\n",
	  "5 error: NS at sub.example. points to ns.sub.example., whose address (glue) is missing\n" },
	{ "sub NS sub\n",
	  "5 error: NS at sub.example. points to sub.example., whose address (glue) is missing\n" },
	{ "sub NS ns.sub\n*.sub A 192.0.2.1\n", /* a wildcard down there is not ours to expand */
	  "5 error: NS at sub.example. points to ns.sub.example., whose address (glue) is missing\n"
	  "6 warning: *.sub.example. A is hidden by the delegation of sub.example. and is no glue\n" },
	{ "sub NS nothing\n",
	  "5 warning: NS at sub.example. points to nothing.example., which has no address\n" },
	{ "sub NS x.w\n*.w A 192.0.2.1\n", "" }, /* a wildcard gives the address */
	{ "sub NS text\ntext TXT x\n",
	  "5 warning: NS at sub.example. points to text.example., which has no address\n" },
	{ "sub NS c\nc CNAME ns\n", "5 error: NS at sub.example. points to c.example., which is an alias\n" },
	{ "sub NS x.w\n*.w CNAME ns\n", "5 error: NS at sub.example. points to x.w.example., which is an alias\n" },
	{ "sub NS x.d\nd DNAME example.net.\n",
	  "5 error: NS at sub.example. points to x.d.example., which is an alias\n" },
	{ "other NS ns.sub\nsub NS ns.sub\nns.sub A 192.0.2.1\n", "" }, /* glue of a sibling */
	{ "other NS x.sub\nsub NS ns\n", "5 warning: NS at other.example. points to x.sub.example. in another "
					 "delegation, and its address (glue) is missing\n" },
	{ "@ NS c\nc CNAME ns\n", "5 error: NS at example. points to c.example., which is an alias\n" },
	{ "@ NS nothing\n", "5 warning: NS at example. points to nothing.example., which has no address\n" },
	{ "@ NS ns.example.net.\n", "" },
	{ "@ NS 192.0.2.1\n", "5 warning: NS at example. points to 192.0.2.1.example., which looks like an "
			      "address and must be a name\n" },
	{ "*.w NS ns\n", "5 warning: NS at the wildcard *.w.example. does not delegate what it covers\n" },
	{ "sub " DS "sub NS ns\n", "" },
	{ "@ " DS, "5 warning: DS at example., which is no delegation\n" },
	{ "a " DS, "5 warning: DS at a.example., which is no delegation\n" },
	/* hidden data */
	{ "sub NS ns\nsub TXT x\n",
	  "6 warning: sub.example. TXT is hidden by the delegation of sub.example. and is no glue\n" },
	{ "sub NS ns\nx.sub A 192.0.2.1\n",
	  "6 warning: x.sub.example. A is hidden by the delegation of sub.example. and is no glue\n" },
	{ "sub NS ns.sub\nns.sub A 192.0.2.1\nns.sub TXT x\n",
	  "7 warning: ns.sub.example. TXT is hidden by the delegation of sub.example. and is no glue\n" },
	{ "sub NS ns\nx.sub NS ns\n", /* below a cut there is no other */
	  "6 warning: x.sub.example. NS is hidden by the delegation of sub.example. and is no glue\n" },
	{ "sub NS ns\nsub NSEC a NS\nsub " RRSIG("NSEC"), "" },
	/* MX and SRV */
	{ "a MX 10 ns\na MX 20 mail.example.net.\n", "" },
	{ "a MX 0 .\n_s._tcp SRV 0 0 0 .\n", "" },
	{ "a MX 10 nothing\n", "5 warning: MX at a.example. points to nothing.example., which has no address\n" },
	{ "a MX 10 c\nc CNAME ns\n", "5 warning: MX at a.example. points to c.example., which is an alias\n" },
	{ "a MX 10 x.sub\nsub NS ns\n", "" }, /* the delegated zone knows */
	{ "_s._tcp SRV 1 1 1 nothing\n",
	  "5 warning: SRV at _s._tcp.example. points to nothing.example., which has no address\n" },
	{ "_s._tcp SRV 1 1 1 c\nc CNAME ns\n",
	  "5 warning: SRV at _s._tcp.example. points to c.example., which is an alias\n" },
	/* RRsets */
	{ "a 60 A 192.0.2.1\na 61 A 192.0.2.2\n",
	  "6 warning: TTLs of the A records at a.example. differ; all get the lowest, 60\n" },
	{ "a 61 A 192.0.2.1\na 60 A 192.0.2.1\n",
	  "5 warning: TTLs of the A records at a.example. differ; all get the lowest, 60\n" },
	{ "a " RRSIG("A"), "5 warning: RRSIG of a.example. covers type A, which is not there; left out\n" },
	{ "a TXT x\na " RRSIG("A"), "6 warning: RRSIG of a.example. covers type A, which is not there; left out\n" },
	{ "@ NSEC3PARAM 1 0 0 -\n", "" },
	{ "@ NSEC3PARAM 1 0 1 -\n",
	  "5 warning: NSEC3 iterations above 0 (RFC 9276): some resolvers refuse them\n" },
	/* what is no data of this zone at all */
	{ "a.example.net. A 192.0.2.1\n", "5 error: a.example.net. is outside of the zone example.\n" },
	{ "notexample. A 192.0.2.1\n", "5 error: notexample. is outside of the zone example.\n" },
	{ "a TYPE255 \\# 0\n", "5 error: type ANY of a.example. is no type for zone data\n" },
	{ "a TYPE41 \\# 0\n", "5 error: type OPT of a.example. is no type for zone data\n" },
	{ "a TYPE0 \\# 0\n", "5 error: type TYPE0 of a.example. is no type for zone data\n" },
	{ "we\\\\ird\\032.x TYPE250 \\# 0\n",
	  "5 error: type TSIG of we\\\\ird\\032.x.example. is no type for zone data\n" },
	{ "a A \\# 3 c00002\n", "5 error: RDATA of a.example. is not valid for type A\n" },
	/* several at once: in the order of the names */
	{ "b MX 1 nothing\na MX 1 nothing\n",
	  "6 warning: MX at a.example. points to nothing.example., which has no address\n"
	  "5 warning: MX at b.example. points to nothing.example., which has no address\n" },
};

Test(image_check, finds_with_line)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		char text[2048];
		snprintf(text, sizeof(text), "%s%s", ZONE_HEAD, rules[i].text);
		struct zone *z = zone_of("example.", text);
		cr_expect_str_eq(z->found.text, rules[i].findings, "zone:\n%sfound:\n%swanted:\n%s", rules[i].text,
				 z->found.text, rules[i].findings);
		cr_expect_eq(z->errors > 0, strstr(rules[i].findings, " error: ") != NULL);
		zone_free(z);
	}
}

Test(image_check, apex_needs_soa_and_ns)
{
	struct zone *z = zone_of("example.", "$TTL 1\n@ NS ns\nns A 192.0.2.1\n");
	cr_assert_str_eq(z->found.text, "0 error: no SOA record at the apex example.\n");
	zone_free(z);
	z = zone_of("example.", "$TTL 1\n@ SOA ns admin 1 2 3 4 5\nns A 192.0.2.1\n");
	cr_assert_str_eq(z->found.text, "0 error: no NS record at the apex example.\n");
	zone_free(z);
	z = zone_of("example.", "; nothing\n");
	cr_assert_eq(z->found.count, 2u);
	zone_free(z);
}

/* RDATA that the scanner would not make; the builder looks for itself. */
Test(image_check, rdata_must_be_valid)
{
	static const struct {
		uint16_t type;
		const char *rdata;
	} bad[] = {
		{ 1, "c00002" }, { 28, "00" }, { 2, "0161" }, { 15, "000a" }, { 6, "00 00 0000" }, { 16, "" },
	};
	struct name apex = name_of("example.");
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct wire rdata = wire_of(bad[i].rdata);
		struct image_builder *b = image_builder_new(apex.wire);
		struct findings found = { .len = 0 };
		cr_assert_eq(image_builder_add(b, apex.wire, bad[i].type, 1, rdata.bytes, rdata.len, "f", 9), BH_OK);
		cr_assert_eq(image_builder_check(b, findings_add, &found), 3);
		cr_assert_not_null(strstr(found.text, "9 error: RDATA of example. is not valid for type "));
		uint8_t block[8];
		cr_assert_lt(image_builder_write(b, block, sizeof(block)), 0); /* nothing is written of such */
		image_builder_free(b);
	}
}

/* 5,500 addresses are 88,000 octets: nobody could ever be sent them. */
Test(image_check, rrset_must_fit_into_a_message)
{
	char *text = malloc(200000);
	size_t len = (size_t)sprintf(text, "%s", ZONE_HEAD);
	for (unsigned i = 0; i < 5500; i++) {
		len += (size_t)sprintf(text + len, "big A 10.0.%u.%u\n", i / 256, i % 256);
	}
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0);
	cr_assert_str_eq(z->found.text,
			 "5 warning: the A records at big.example. do not fit into a DNS message\n");
	const struct image_rrset *rrset = image_rrset(&z->image, zone_node(z, "big.example."), 1);
	cr_assert_eq(rrset->rr_count, 5500);
	zone_free(z);
	free(text);
}

Test(image_check, more_records_than_can_be_counted_are_an_error)
{
	struct name apex = name_of("example.");
	struct image_builder *b = image_builder_new(apex.wire);
	struct findings found = { .len = 0 };
	for (unsigned i = 0; i <= UINT16_MAX; i++) {
		uint8_t rdata[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		cr_assert_eq(image_builder_add(b, apex.wire, 1, 1, rdata, sizeof(rdata), "f", i), BH_OK);
	}
	cr_assert_eq(image_builder_check(b, findings_add, &found), 3);
	cr_assert_not_null(strstr(found.text, "error: more than 65535 A records at example."));
	image_builder_free(b);
}

static void count_findings(void *ctx, const struct zone_finding *finding)
{
	unsigned *count = ctx;
	*count += finding->severity == ZONE_WARNING;
}

/* Many pointers to a name of many types: each must not look at all the types. */
Test(image_check, names_of_many_types_are_not_dear, .timeout = 20)
{
	enum { POINTERS = 300000, TYPES = 40000, FIRST_TYPE = 20000 };
	struct name apex = name_of("example.");
	struct name big = name_of("big.example.");
	struct image_builder *b = image_builder_new(apex.wire);
	static const uint8_t soa[] = "\001a\0\001b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";
	uint8_t mx[2 + DNAME_MAX] = { 0, 1 };
	memcpy(mx + 2, big.wire, big.len);
	cr_assert_eq(image_builder_add(b, apex.wire, 6, 60, soa, sizeof(soa) - 1, "f", 1), BH_OK);
	cr_assert_eq(image_builder_add(b, apex.wire, 2, 60, soa, 3, "f", 1), BH_OK);
	for (unsigned i = 0; i < TYPES; i++) {
		cr_assert_eq(image_builder_add(b, big.wire, (uint16_t)(FIRST_TYPE + i), 60, soa, 1, "f", 1), BH_OK);
	}
	for (unsigned i = 0; i < POINTERS; i++) {
		char owner[32];
		sprintf(owner, "p%u.example.", i);
		cr_assert_eq(image_builder_add(b, name_of(owner).wire, 15, 60, mx, 2 + big.len, "f", 1), BH_OK);
	}
	unsigned warnings = 0;
	cr_assert_eq(image_builder_check(b, count_findings, &warnings), 0);
	cr_assert_eq(warnings, POINTERS); /* that it has no address */
	image_builder_free(b);
}
