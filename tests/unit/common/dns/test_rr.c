/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"

#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(rr, every_type_has_a_text_that_reads_back)
{
	unsigned named = 0;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char text[RR_TYPE_TEXT_MAX];
		char numbered[RR_TYPE_TEXT_MAX];
		uint16_t back = 0;
		cr_assert_eq(rr_type_text((uint16_t)type, text), text);
		cr_assert_eq(rr_type_parse(text, &back), BH_OK, "%s", text);
		cr_assert_eq(back, type, "%s", text);
		snprintf(numbered, sizeof(numbered), "type%u", type);
		cr_assert_eq(rr_type_parse(numbered, &back), BH_OK);
		cr_assert_eq(back, type);
		named += strncmp(text, "TYPE", 4) != 0;
	}
	cr_assert_geq(named, 85u);
}

Test(rr, types_by_name)
{
	static const struct {
		const char *text;
		int type; /* -1: refused */
	} cases[] = {
		{ "A", 1 },	    { "a", 1 },		   { "aAaA", 28 },	  { "nsec3param", 51 },	 { "HTTPS", 65 },
		{ "CAA", 257 },	    { "ANY", 255 },	   { "DLV", 32769 },	  { "TYPE0", 0 },	 { "TYPE65535", 65535 },
		{ "TYPE00001", 1 }, { "TYPE65536", -1 },   { "TYPE99999", -1 },	  { "TYPE000001", -1 },	 { "TYPE", -1 },
		{ "TYPE-1", -1 },   { "TYPE 1", -1 },	   { "TYPE1x", -1 },	  { "TYPE+1", -1 },	 { "", -1 },
		{ "AA", -1 },	    { "1", -1 },	   { "A ", -1 },	  { "*", -1 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint16_t type = 4711;
		int rc = rr_type_parse(cases[i].text, &type);
		cr_assert_eq(rc, cases[i].type < 0 ? BH_EMALFORMED : BH_OK, "%s", cases[i].text);
		cr_assert_eq(type, cases[i].type < 0 ? 4711 : cases[i].type, "%s", cases[i].text);
	}
}

Test(rr, meta_types)
{
	static const struct {
		uint16_t type;
		bool meta;
	} cases[] = {
		{ 0, true },   { RR_A, false },	   { RR_OPT, true },  { RR_DS, false },	  { 127, false },    { 128, true },
		{ 249, true }, { RR_TSIG, true },  { RR_AXFR, true }, { RR_ANY, true },	  { 256, false },    { RR_CAA, false },
		{ 65535, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_assert_eq(rr_type_is_meta(cases[i].type), cases[i].meta, "%u", cases[i].type);
	}
}

Test(rr, rcodes_have_names)
{
	cr_assert_str_eq(rcode_text(0), "NOERROR");
	cr_assert_str_eq(rcode_text(RCODE_REFUSED), "REFUSED");
	cr_assert_str_eq(rcode_text(RCODE_BADVERS), "BADVERS");
	cr_assert_str_eq(rcode_text(RCODE_BADCOOKIE), "BADCOOKIE");
	static const unsigned unknown[] = { 11, 15, 24, 4095, 65535 };
	for (size_t i = 0; i < COUNT(unknown); i++) {
		cr_assert_str_eq(rcode_text(unknown[i]), "RCODE?");
	}
}

/* Fields as a string: a digit per fixed run is not enough, so numbers, c (compress), n (name), s. */
static void describe(uint16_t type, char *out, size_t size)
{
	size_t pos = 0;
	out[0] = '\0';
	for (const uint8_t *field = rdata_fields(type); *field != RDATA_END; field++) {
		const char *text = *field == RDATA_NAME_COMPRESS ? "c" : *field == RDATA_NAME ? "n" : "s";
		if (*field < 64) {
			pos += (size_t)snprintf(out + pos, size - pos, "%u ", *field);
		} else {
			pos += (size_t)snprintf(out + pos, size - pos, "%s ", text);
		}
	}
}

/* A layout found under a wrong number would decompress wrongly: every type is looked at. */
Test(rr, layout_of_every_type)
{
	static const struct {
		uint16_t type;
		const char *fields;
	} known[] = {
		{ 1, "4 " },	     { 2, "c " },	{ 3, "c " },	    { 4, "c " },	 { 5, "c " },
		{ 6, "c c 20 " },    { 7, "c " },	{ 8, "c " },	    { 9, "c " },	 { 12, "c " },
		{ 13, "s s " },	     { 14, "c c " },	{ 15, "2 c " },	    { 17, "n n " },	 { 18, "2 n " },
		{ 21, "2 n " },	     { 24, "18 n " },	{ 26, "2 n n " },   { 28, "16 " },	 { 30, "n " },
		{ 33, "6 n " },	     { 35, "4 s s s n " }, { 36, "2 n " },  { 39, "n " },	 { 43, "4 " },
		{ 44, "2 " },	     { 46, "18 n " },	{ 47, "n " },	    { 48, "4 " },	 { 50, "4 s s " },
		{ 51, "4 s " },	     { 52, "3 " },	{ 59, "4 " },	    { 60, "4 " },	 { 62, "6 " },
		{ 63, "6 " },	     { 64, "2 n " },	{ 65, "2 n " },	    { 257, "1 s " },
	};
	size_t next = 0;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char got[64];
		describe((uint16_t)type, got, sizeof(got));
		const char *want = "";
		if (next < COUNT(known) && known[next].type == type) {
			want = known[next++].fields;
		}
		cr_assert_str_eq(got, want, "type %u: %s", type, got);
	}
	cr_assert_eq(next, COUNT(known));
}

enum { SHORTER_INVALID = 1, LONGER_INVALID = 2, EXACT = 3 };

Test(rr, rdata_validity)
{
	/* `exact`: every shorter prefix is invalid; one octet more is invalid. */
	static const struct {
		uint16_t type;
		const char *hex;
		unsigned exact;
	} cases[] = {
		{ RR_A, "c0000201", EXACT },
		{ RR_AAAA, "20010db8000000000000000000000001", EXACT },
		{ RR_NS, "0161 00", EXACT },
		{ RR_CNAME, "00", EXACT },
		{ RR_SOA, "0161 00 0162 00 00000001 00000002 00000003 00000004 00000005", EXACT },
		{ RR_MX, "000a 0161 00", EXACT },
		{ RR_SRV, "0001 0002 0035 0161 00", EXACT },
		{ RR_HINFO, "0161 0162", EXACT },
		{ RR_MINFO, "0161 00 00", EXACT },
		{ RR_PX, "0001 0161 00 0162 00", EXACT },
		{ RR_NAPTR, "0001 0002 0173 00 0172 0161 00", EXACT },
		{ RR_DNAME, "0161 00", EXACT },
		{ RR_RRSIG, "0001 0d 01 0000003c 65000000 64000000 3039 0161 00 ff", SHORTER_INVALID },
		{ RR_SIG, "0001 0d 01 0000003c 65000000 64000000 3039 0161 00 ff", SHORTER_INVALID },
		{ RR_NSEC, "0161 00", SHORTER_INVALID },
		{ RR_DNSKEY, "0101 03 0d 01", SHORTER_INVALID },
		{ RR_DS, "3039 0d 02 01", SHORTER_INVALID },
		{ RR_CDS, "0000 00 00 00", SHORTER_INVALID }, /* RFC 8078 4: delete */
		{ RR_CDNSKEY, "0000 03 00 00", SHORTER_INVALID },
		{ RR_NSEC3, "01 00 0000 02 aabb 03 010203", SHORTER_INVALID },
		{ RR_NSEC3PARAM, "01 00 0000 02 aabb", EXACT },
		{ RR_TLSA, "03 01 01 ff", SHORTER_INVALID },
		{ RR_SSHFP, "01 01 ff", SHORTER_INVALID },
		{ RR_ZONEMD, "00000001 01 01 ff", SHORTER_INVALID },
		{ RR_CSYNC, "00000001 0003", SHORTER_INVALID },
		{ RR_SVCB, "0001 00", SHORTER_INVALID },
		{ RR_HTTPS, "0001 0161 00", SHORTER_INVALID },
		{ RR_CAA, "00 05 6973737565", SHORTER_INVALID },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(cases[i].hex);
		cr_assert(rdata_is_valid(cases[i].type, w.bytes, w.len), "type %u: %s", cases[i].type, cases[i].hex);
		for (size_t cut = 0; cut < w.len; cut++) {
			cr_assert_not(rdata_is_valid(cases[i].type, w.bytes, cut), "type %u: %s cut at %zu",
				      cases[i].type, cases[i].hex, cut);
		}
		w.bytes[w.len] = 0;
		cr_assert_eq(rdata_is_valid(cases[i].type, w.bytes, w.len + 1), cases[i].exact != EXACT,
			     "type %u: %s and more", cases[i].type, cases[i].hex);
	}
}

Test(rr, rdata_odd_cases)
{
	static const struct {
		uint16_t type;
		const char *hex;
		bool valid;
	} cases[] = {
		{ RR_TXT, "", false }, /* RFC 1035 3.3.14: one or more strings */
		{ RR_TXT, "00", true },
		{ RR_TXT, "0161 00 0162", true },
		{ RR_TXT, "0161 02 62", false },
		{ RR_SPF, "", false },
		{ RR_SPF, "0161", true },
		{ RR_NS, "c000", false }, /* no pointers in uncompressed RDATA */
		{ RR_NS, "0161 c000", false },
		{ RR_MX, "000a c000", false },
		{ RR_CAA, "00 0161", true }, /* a value may be empty */
		{ 10, "", true },	      /* NULL: anything */
		{ 65280, "", true },
		{ 65280, "c000ffff", true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(cases[i].hex);
		cr_assert_eq(rdata_is_valid(cases[i].type, w.bytes, w.len), cases[i].valid, "type %u: %s", cases[i].type,
			     cases[i].hex);
	}
	/* Names of any length in RDATA, and one octet too long. */
	struct name longest = name_of_len(DNAME_MAX, 'x');
	cr_assert(rdata_is_valid(RR_NS, longest.wire, longest.len));
}

Test(rr, compressed_types_are_those_with_such_a_field)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		const uint8_t *fields = rdata_fields((uint16_t)type);
		bool want = false;
		for (; *fields != RDATA_END; fields++) {
			want = want || *fields == RDATA_NAME_COMPRESS;
		}
		cr_assert_eq(rdata_is_compressed((uint16_t)type), want, "TYPE%u", type);
	}
}

/* The composer relies on it. */
Test(rr, compressed_types_have_only_names_and_fixed_octets)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		const uint8_t *fields = rdata_fields((uint16_t)type);
		for (; rdata_is_compressed((uint16_t)type) && *fields != RDATA_END; fields++) {
			cr_assert(*fields == RDATA_NAME_COMPRESS || *fields <= 63, "TYPE%u", type);
		}
	}
}
