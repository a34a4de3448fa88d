/*
 * Files of trust anchors: zone text and XML.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "daemons/compiler/anchors.h"

#include "common/dns/anchor.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/zone/zone_text.h"
#include "tests/unit/daemons/compiler/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(1795000000) /* 2026-11-18 */

#define DS_2017 "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define DS_2024 "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"

/* Reads, and writes what came as "zone TYPE length" or the findings into out. */
static void read_at(const char *text, size_t len, uint64_t now_sec, char *out, size_t size)
{
	static const uint8_t root[1] = { 0 };
	struct folder f = folder_new();
	struct findings found = { .len = 0 };
	struct anchor_list list = { .items = NULL };
	const struct compile_request request = {
		.root_fd = f.fd, .file = "anchors", .zone = root, .default_ttl = 3600, .report = findings_add, .ctx = &found,
	};
	int errors = -1;
	folder_put_bytes(&f, "anchors", text, len);
	cr_assert_eq(compile_anchors(&request, now_sec, &list, &errors), BH_OK);
	int used = snprintf(out, size, "%s", found.text);
	for (size_t i = 0; errors == 0 && i < list.count; i++) {
		char name[DNAME_TEXT_MAX];
		char type[RR_TYPE_TEXT_MAX];
		used += snprintf(out + used, size - (size_t)used, "%s %s %u\n", dname_text(list.items[i].zone, name),
				 rr_type_text(list.items[i].type, type), list.items[i].len);
	}
	anchor_list_clear(&list);
	folder_free(&f);
}

static const char *read_text(const char *text)
{
	static char out[65536];
	read_at(text, strlen(text), NOW, out, sizeof(out));
	return out;
}

Test(anchors, zone_text_of_any_zones)
{
	cr_assert_str_eq(read_text("; comment\n. IN DS " DS_2017 "\nCorp.Example. 3600 DNSKEY 257 3 13 ( AQID\n BAUG )\n"),
			 ". DS 36\ncorp.example. DNSKEY 10\n");
	cr_assert_str_eq(read_text("$ORIGIN example.\na DS 1 8 7 00\n"), "a.example. DS 5\n");
}

Test(anchors, what_can_never_be_used_is_passed_on_with_a_warning)
{
	const char *got = read_text("a. DNSKEY 385 3 13 AQID\n");
	cr_assert(strstr(got, "1 warning: ") != NULL && strstr(got, "revoked") != NULL, "%s", got);
	cr_assert(strstr(got, "a. DNSKEY 7\n") != NULL, "%s", got);
	got = read_text("a. DS 1 8 2 0102\n");
	cr_assert(strstr(got, "wrong length") != NULL && strstr(got, "a. DS 6\n") != NULL, "%s", got);
	got = read_text("a. DS 1 8 2 0102\na. A 192.0.2.1\n");
	cr_assert(strstr(got, "2 warning: ") != NULL && strstr(got, "neither DS nor DNSKEY") != NULL, "%s", got);
}

Test(anchors, mistakes_in_zone_text_are_errors)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "", "no trust anchor" },
		{ "; nothing\n", "no trust anchor" },
		{ "a. NS b.\n", "no trust anchor" },
		{ "a. DS 1 8\n", "1 error: " },
		{ "a. DNSKEY 257 3 x AQID\n", "1 error: " },
		{ "$INCLUDE missing\n", "1 error: " },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = read_text(cases[i].text);
		cr_assert(strstr(got, cases[i].why) != NULL, "%s: %s", cases[i].text, got);
		cr_assert(strstr(got, "a. D") == NULL, "%s", got);
	}
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustAnchor id=\"x\" source=\"y\">\n<Zone>.</Zone>\n"
#define TAIL "</TrustAnchor>\n"
#define BODY_2017                                                                                             \
	"<KeyTag>20326</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>\n<Digest>\n"                \
	"E06D44B80B8F1D39A95C0B0D7C65D084\n58E880409BBC683457104237C7F8EC8D</Digest>\n"
#define KEY_2017                                                                                              \
	"<PublicKey>AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN" \
	"7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/"   \
	"EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRU" \
	"fhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=</PublicKey>"
#define FROM_2017 "validFrom=\"2017-02-02T00:00:00+00:00\""
#define DIGEST(attributes, body) "<KeyDigest id=\"k\" " attributes ">" body "</KeyDigest>\n"

Test(anchors, xml_as_published)
{
	cr_assert_str_eq(read_text(HEAD DIGEST(FROM_2017, BODY_2017 KEY_2017 "<Flags>257</Flags>") TAIL), ". DS 36\n");
	cr_assert_str_eq(read_text("\xef\xbb\xbf" HEAD DIGEST(FROM_2017, BODY_2017) TAIL), ". DS 36\n");
	cr_assert_str_eq(read_text("  \n<TrustAnchor><Zone>Example</Zone>" DIGEST(FROM_2017, BODY_2017) TAIL),
			 "example. DS 36\n");
}

Test(anchors, xml_dates_are_obeyed)
{
	static const struct {
		const char *attributes;
		uint64_t now_sec;
		bool valid;
	} cases[] = {
		{ "validFrom=\"2017-02-02T00:00:00+00:00\"", 1485993599, false },
		{ "validFrom=\"2017-02-02T00:00:00+00:00\"", 1485993600, true },
		{ "validFrom=\"2017-02-02T00:00:00Z\"", 1485993600, true },
		{ "validFrom=\"2017-02-02T00:00:00.25\"", 1485993600, true },
		{ "validFrom=\"2017-02-02T02:30:00+02:30\"", 1485993600, true },
		{ "validFrom=\"2017-02-02T02:30:00+02:30\"", 1485993599, false },
		{ "validFrom=\"2017-02-01T22:00:00-02:00\"", 1485993600, true },
		{ "validFrom=\"2017-02-01T22:00:00-02:00\"", 1485993599, false },
		{ "validFrom=\"2010-07-15T00:00:00+00:00\" validUntil=\"2019-01-11T00:00:00+00:00\"", 1547164799, true },
		{ "validFrom=\"2010-07-15T00:00:00+00:00\" validUntil=\"2019-01-11T00:00:00+00:00\"", 1547164800, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[4096];
		char out[1024];
		int len = snprintf(text, sizeof(text), HEAD "<KeyDigest %s>" BODY_2017 "</KeyDigest>" TAIL,
				   cases[i].attributes);
		read_at(text, (size_t)len, cases[i].now_sec, out, sizeof(out));
		cr_assert_eq(strcmp(out, ". DS 36\n") == 0, cases[i].valid, "%s: %s", cases[i].attributes, out);
		cr_assert_eq(strstr(out, "no KeyDigest is valid") == NULL, cases[i].valid, "%s", out);
	}
	/* One that has ended does not take the others with it. */
	cr_assert_str_eq(read_text(HEAD DIGEST("validFrom=\"2010-01-01T00:00:00Z\" validUntil=\"2011-01-01T00:00:00Z\"",
						BODY_2017) DIGEST(FROM_2017, BODY_2017) TAIL),
			 ". DS 36\n");
}

Test(anchors, xml_that_is_wrong_says_what)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "<", "XML: " },
		{ HEAD DIGEST(FROM_2017, BODY_2017), "XML: " },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]>" HEAD TAIL, "document type" },
		{ "<!DOCTYPE TrustAnchor [<!ENTITY x \"y\">]><TrustAnchor><Zone>&x;</Zone>" TAIL, "document type" },
		{ "<!DOCTYPE TrustAnchor SYSTEM \"file:///etc/passwd\"><TrustAnchor><Zone>.</Zone>" TAIL, "document type" },
		{ "<TrustAnchor><Zone>&x;</Zone></TrustAnchor>", "XML: " },
		{ HEAD TAIL, "no KeyDigest is valid" },
		{ "<Other/>", "not expected" },
		{ HEAD "<Revoked/>" TAIL, "not expected" },
		{ HEAD "<KeyTag>1</KeyTag>" TAIL, "not expected" },
		{ HEAD DIGEST(FROM_2017, "<Zone>.</Zone>" BODY_2017) TAIL, "not expected" },
		{ HEAD "<Zone>a</Zone>" TAIL, "twice" },
		{ HEAD DIGEST(FROM_2017, BODY_2017 "<KeyTag>1</KeyTag>") TAIL, "twice" },
		{ "<TrustAnchor>" DIGEST(FROM_2017, BODY_2017) TAIL, "before Zone" },
		{ "<TrustAnchor><Zone>a..b</Zone>" DIGEST(FROM_2017, BODY_2017) TAIL, "not a domain name" },
		{ HEAD "some text" TAIL, "text that is not expected" },
		{ HEAD DIGEST("", BODY_2017) TAIL, "no validFrom" },
		{ HEAD DIGEST("validFrom=\"2017-13-02T00:00:00Z\"", BODY_2017) TAIL, "not a date" },
		{ HEAD DIGEST("validFrom=\"2017-02-02\"", BODY_2017) TAIL, "not a date" },
		{ HEAD DIGEST("validFrom=\"2017-02-02T00:00:00Zulu\"", BODY_2017) TAIL, "not a date" },
		{ HEAD DIGEST(FROM_2017 " validUntil=\"never\"", BODY_2017) TAIL, "not a date" },
		{ HEAD DIGEST(FROM_2017, "<KeyTag>1</KeyTag>") TAIL, "without KeyTag" },
		{ HEAD DIGEST(FROM_2017, BODY_2017 "<Flags>257</Flags>") TAIL, "stand together" },
		{ HEAD DIGEST(FROM_2017, BODY_2017 KEY_2017 "<Flags>256</Flags>") TAIL, "not the key of this Digest" },
		{ HEAD DIGEST(FROM_2017, BODY_2017 "<PublicKey>AwEAAQ==</PublicKey><Flags>257</Flags>") TAIL, "not the key" },
		{ HEAD DIGEST(FROM_2017, BODY_2017 "<PublicKey>A</PublicKey><Flags>257</Flags>") TAIL, "base64" },
		{ HEAD DIGEST(FROM_2017, "<KeyTag>65536</KeyTag>") TAIL, "not a number" },
		{ HEAD DIGEST(FROM_2017, "<KeyTag>-1</KeyTag>") TAIL, "not a number" },
		{ HEAD DIGEST(FROM_2017, "<KeyTag></KeyTag>") TAIL, "empty" },
		{ HEAD DIGEST(FROM_2017, "<Algorithm>256</Algorithm>") TAIL, "not a number" },
		{ HEAD DIGEST(FROM_2017, "<KeyTag>1</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType><Digest>00"
					 "</Digest>") TAIL, "wrong length" },
		{ HEAD DIGEST(FROM_2017, "<Digest>0</Digest>") TAIL, "hexadecimal" },
		{ HEAD DIGEST(FROM_2017, "<Digest>0g</Digest>") TAIL, "hexadecimal" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = read_text(cases[i].text);
		cr_assert(strstr(got, cases[i].why) != NULL, "case %zu: %s", i, got);
		cr_assert(strstr(got, " DS 36") == NULL, "case %zu: %s", i, got);
		cr_assert_eq(strchr(got, '\n'), got + strlen(got) - 1, "one finding: %s", got);
	}
}

Test(anchors, xml_is_bounded)
{
	char out[4096];
	size_t len = 300 * 1024;
	char *text = malloc(len + 1);
	memset(text, ' ', len);
	text[0] = '<';
	text[len] = '\0';
	read_at(text, len, NOW, out, sizeof(out));
	cr_assert(strstr(out, "256 KiB") != NULL, "%s", out);
	int head = snprintf(text, len, HEAD "<KeyDigest " FROM_2017 "><PublicKey>");
	memset(text + head, 'A', 3000);
	read_at(text, len, NOW, out, sizeof(out)); /* too large a file, still */
	cr_assert(strstr(out, "256 KiB") != NULL, "%s", out);
	read_at(text, (size_t)head + 3000, NOW, out, sizeof(out));
	cr_assert(strstr(out, "too long") != NULL, "%s", out);
	free(text);
}

Test(anchors, cut_anywhere_is_an_error)
{
	static const char whole[] = HEAD DIGEST(FROM_2017, BODY_2017 KEY_2017 "<Flags>257</Flags>") "</TrustAnchor>";
	char out[4096];
	for (size_t len = sizeof(HEAD); len < sizeof(whole) - 1; len++) {
		read_at(whole, len, NOW, out, sizeof(out));
		cr_assert(strstr(out, " DS 36") == NULL && out[0] != '\0', "%zu: %s", len, out);
	}
}
