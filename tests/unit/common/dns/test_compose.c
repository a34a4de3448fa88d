/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/compose.h"

#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

static uint8_t buf[DNS_MESSAGE_MAX];
static struct compose c;
static const uint8_t ip[4] = { 192, 0, 2, 1 };

static void begin(size_t limit, const char *qname)
{
	static struct name n;
	n = name_of(qname);
	memset(buf, 0xee, sizeof(buf));
	compose_begin(&c, buf, limit, 0, 0xabcd, FLAG_QR | FLAG_AA, n.wire, RR_A, CLASS_IN);
}

static int add(enum section section, const char *owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct name n = name_of(owner);
	return compose_rr(&c, section, n.wire, type, CLASS_IN, 60, rdata, len);
}

static int add_hex(enum section section, const char *owner, uint16_t type, const char *rdata)
{
	struct wire w = wire_of(rdata);
	cr_assert(rdata_is_valid(type, w.bytes, w.len));
	return add(section, owner, type, w.bytes, w.len);
}

static void assert_message(const char *hex)
{
	struct wire want = wire_of(hex);
	size_t len = compose_finish(&c, NULL);
	cr_assert_eq(len, want.len, "%zu octets, not %zu", len, want.len);
	for (size_t i = 0; i < len; i++) {
		cr_assert_eq(buf[i], want.bytes[i], "octet %zu: %02x, not %02x", i, buf[i], want.bytes[i]);
	}
}

/* Every target can be pointed at, and stands in the table where it says. */
static void assert_targets(void)
{
	unsigned taken = 0;
	for (unsigned i = 0; i < c.target_count; i++) {
		cr_assert_lt(c.targets[i].parent, 0x4000);
		cr_assert_lt(c.targets[i].offset, 0x4000);
		cr_assert_eq(c.slots[c.targets[i].slot], i);
	}
	for (unsigned i = 0; i < COMPOSE_SLOTS && c.target_count > 0; i++) {
		taken += c.slots_taken[i / 64] >> i % 64 & 1;
	}
	cr_assert_eq(taken, c.target_count);
}

Test(compose, header_and_question_only)
{
	begin(512, "wWw.example.");
	assert_message("abcd 8400 0001 0000 0000 0000 03 775777 07 6578616d706c65 00 0001 0001");
	compose_begin(&c, buf, 512, 0, 1, FLAG_QR | RCODE_FORMERR, NULL, 0, 0);
	assert_message("0001 8001 0000 0000 0000 0000");
}

Test(compose, owners_and_rdata_names_are_compressed)
{
	begin(512, "www.example.");
	cr_assert_eq(add(SECTION_ANSWER, "WWW.EXAMPLE.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add_hex(SECTION_AUTHORITY, "example.", RR_NS, "026e73 076578616d706c65 00"), BH_OK);
	cr_assert_eq(add(SECTION_ADDITIONAL, "ns.example.", RR_A, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0001 0001 0001"
		       "03 777777 07 6578616d706c65 00 0001 0001" /* 12: www, 16: example */
		       "c00c 0001 0001 0000003c 0004 c0000201"	     /* 29 */
		       "c010 0002 0001 0000003c 0005 02 6e73 c010" /* 45; ns at 57 */
		       "c039 0001 0001 0000003c 0004 c0000201");
	assert_targets();
}

Test(compose, only_types_of_rfc_1035_are_compressed)
{
	static const struct {
		uint16_t type;
		const char *rdata; /* example. stands in it in full */
		const char *sent;
	} cases[] = {
		{ RR_NS, "076578616d706c65 00", "0002 c00c" },
		{ RR_CNAME, "0161 076578616d706c65 00", "0004 0161 c00c" },
		{ RR_PTR, "076578616d706c65 00", "0002 c00c" },
		{ RR_MX, "000a 076578616d706c65 00", "0004 000a c00c" },
		{ RR_MINFO, "076578616d706c65 00 076578616d706c65 00", "0004 c00c c00c" },
		{ RR_SOA, "0161 076578616d706c65 00 0162 0161 076578616d706c65 00"
			  "0000000100000002000000030000000400000005",
		  "001c 0161 c00c 0162 c025 0000000100000002000000030000000400000005" },
		/* RFC 3597 4: all others in full */
		{ RR_RP, "076578616d706c65 00 00", "000a 076578616d706c65 00 00" },
		{ RR_AFSDB, "0001 076578616d706c65 00", "000b 0001 076578616d706c65 00" },
		{ RR_SRV, "000100020003 076578616d706c65 00", "000f 000100020003 076578616d706c65 00" },
		{ RR_NAPTR, "00010002 00 00 00 076578616d706c65 00", "0010 00010002 00 00 00 076578616d706c65 00" },
		{ RR_DNAME, "076578616d706c65 00", "0009 076578616d706c65 00" },
		{ RR_NSEC, "076578616d706c65 00 000140", "000c 076578616d706c65 00 000140" },
		{ RR_SVCB, "0000 076578616d706c65 00", "000b 0000 076578616d706c65 00" },
		{ 65280, "076578616d706c65 00", "0009 076578616d706c65 00" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(512, "example.");
		cr_assert_eq(add_hex(SECTION_ANSWER, "example.", cases[i].type, cases[i].rdata), BH_OK);
		char want[512];
		snprintf(want, sizeof(want), "abcd84000001000100000000 076578616d706c6500 00010001 c00c %04x 0001 0000003c %s",
			 cases[i].type, cases[i].sent);
		assert_message(want);
	}
}

Test(compose, nothing_points_into_rdata_of_other_types)
{
	begin(512, "example.");
	cr_assert_eq(add_hex(SECTION_ANSWER, ".", RR_SRV, "000100020003 03777777 036e657700"), BH_OK);
	cr_assert_eq(add(SECTION_ADDITIONAL, "www.new.", RR_A, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0001 0000 0001 07 6578616d706c65 00 0001 0001"
		       "00 0021 0001 0000003c 000f 0001 0002 0003 03777777 036e657700"
		       "03777777 036e6577 00 0001 0001 0000003c 0004 c0000201");
}

Test(compose, equal_labels_under_other_names_are_not_mixed_up)
{
	begin(512, "a.b.example.");
	cr_assert_eq(add(SECTION_ANSWER, "a.c.example.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ANSWER, "a.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ANSWER, "b.a.c.example.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ANSWER, "a.b.", RR_A, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0004 0000 0000"
		       "0161 0162 07 6578616d706c65 00 0001 0001"	  /* 12: a, 14: b, 16: example */
		       "0161 0163 c010 0001 0001 0000003c 0004 c0000201" /* 29: a, 31: c */
		       "0161 00 0001 0001 0000003c 0004 c0000201"	  /* 49 */
		       "0162 c01d 0001 0001 0000003c 0004 c0000201"	  /* 66 */
		       "0161 0162 00 0001 0001 0000003c 0004 c0000201");
	assert_targets();
}

Test(compose, record_that_does_not_fit_changes_nothing)
{
	/* The whole message has 512 + room octets; records of every size around the end. */
	for (size_t limit = 512; limit < 530; limit++) {
		for (size_t size = 400; size < 520; size++) {
			static uint8_t rdata[600];
			begin(limit, "www.example.");
			size_t pos = c.pos;
			unsigned targets = c.target_count;
			int rc = add(SECTION_ANSWER, "new.names.example.", 65280, rdata, size);
			size_t need = pos + 4 + 6 + 2 + 10 + size;
			cr_assert_eq(rc, need <= limit ? BH_OK : BH_ENOSPC, "%zu of %zu", need, limit);
			if (rc != BH_OK) {
				cr_assert_eq(c.pos, pos);
				cr_assert_eq(c.target_count, targets);
				cr_assert_eq(c.counts[SECTION_ANSWER], 0u);
			}
			cr_assert_eq(compose_finish(&c, NULL), rc == BH_OK ? need : pos);
			cr_assert_eq(buf[limit], 0xee, "wrote past the limit");
		}
	}
}

Test(compose, rollback_forgets_names_and_counts)
{
	begin(512, "www.example.");
	struct compose_mark mark = compose_mark(&c);
	cr_assert_eq(add(SECTION_ANSWER, "other.names.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ADDITIONAL, "x.other.names.", RR_A, ip, 4), BH_OK);
	compose_rollback(&c, &mark);
	cr_assert_eq(add(SECTION_ANSWER, "other.names.", RR_A, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0001 0000 0000 03 777777 07 6578616d706c65 00 0001 0001"
		       "05 6f74686572 05 6e616d6573 00 0001 0001 0000003c 0004 c0000201");
}

Test(compose, opt_always_fits_what_was_reserved)
{
	struct edns_reply edns = { .udp_size = 1232, .rcode = RCODE_BADVERS, .ede = EDE_OTHER, .ede_text = "why" };
	struct name longest = name_of_len(DNAME_MAX, 'x');
	memset(buf, 0xee, sizeof(buf));
	compose_begin(&c, buf, 512, edns_size(&edns), 1, FLAG_QR | RCODE_SERVFAIL, longest.wire, RR_A, CLASS_IN);
	unsigned added = 0;
	while (add(SECTION_ANSWER, "a.", RR_A, ip, 4) == BH_OK) {
		added++;
	}
	size_t len = compose_finish(&c, &edns);
	cr_assert_leq(len, 512u);
	cr_assert_gt(len, 512u - 16 - 3);
	cr_assert_eq(buf[512], 0xee);
	cr_assert_eq(get_u16(buf + 2), FLAG_QR); /* BADVERS is 16: the low bits are 0 */
	cr_assert_eq(get_u16(buf + 6), added);
	cr_assert_eq(get_u16(buf + 10), 1u);
}

Test(compose, largest_question_leaves_room_for_the_largest_opt)
{
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_OTHER };
	struct name longest = name_of_len(DNAME_MAX, 'x');
	memset(buf, 0xee, sizeof(buf));
	compose_begin(&c, buf, 512, EDNS_RESERVE_MAX, 1, FLAG_QR, longest.wire, RR_A, CLASS_IN);
	cr_assert_leq(c.pos, c.limit);
	cr_assert_eq(compose_finish(&c, &edns), 12 + 255 + 4 + edns_size(&edns));
}

Test(compose, flags_change_bit_by_bit)
{
	begin(512, ".");
	compose_flags(&c, FLAG_AA, FLAG_TC | RCODE_NXDOMAIN);
	cr_assert_eq(get_u16(buf + 2), FLAG_QR | FLAG_TC | RCODE_NXDOMAIN);
	compose_flags(&c, FLAG_RCODE, RCODE_REFUSED);
	cr_assert_eq(get_u16(buf + 2), FLAG_QR | FLAG_TC | RCODE_REFUSED);
	cr_assert_eq(get_u16(buf), 0xabcd);
}

/* What was composed reads back as the same `count` records of type A owned by owner(i). */
static void assert_owners(size_t len, unsigned count, void (*owner)(unsigned i, char *text))
{
	struct region region;
	struct message m;
	region_init(&region, 65536, 8 * 1024 * 1024);
	cr_assert_eq(message_parse(buf, len, &region, &m), BH_OK);
	cr_assert_eq(m.rr_count, count);
	for (unsigned i = 0; i < count; i++) {
		char text[DNAME_TEXT_MAX];
		owner(i, text);
		struct name want = name_of(text);
		cr_assert(dname_equal(m.rrs[i].owner, want.wire), "record %u", i);
	}
	region_clear(&region);
}

static void numbered(unsigned i, char *text)
{
	sprintf(text, "n%u.zone%u.example.", i, i % 7);
}

Test(compose, more_names_than_the_table_holds)
{
	begin(DNS_MESSAGE_MAX, "www.example.");
	for (unsigned i = 0; i < 1000; i++) {
		char text[64];
		numbered(i, text);
		cr_assert_eq(add(SECTION_ANSWER, text, RR_A, ip, 4), BH_OK);
	}
	cr_assert_eq(c.target_count, COMPOSE_TARGETS_MAX);
	assert_targets();
	assert_owners(compose_finish(&c, NULL), 1000, numbered);
}

static void behind_the_reach(unsigned i, char *text)
{
	sprintf(text, i == 0 ? "." : "a.far.away.");
}

Test(compose, pointers_reach_14_bits)
{
	/* An unknown record that ends around octet 0x4000, then names behind it. */
	static uint8_t filler[0x4000];
	for (size_t size = 0x4000 - 80; size < 0x4000 - 20; size++) {
		begin(DNS_MESSAGE_MAX, "example.");
		cr_assert_eq(add(SECTION_ANSWER, ".", 65280, filler, size), BH_OK);
		for (unsigned i = 1; i < 6; i++) {
			cr_assert_eq(add(SECTION_ANSWER, "a.far.away.", RR_A, ip, 4), BH_OK);
		}
		assert_targets();
		assert_owners(compose_finish(&c, NULL), 6, behind_the_reach);
	}
}

static void labels127(unsigned i, char *text)
{
	(void)i;
	for (unsigned n = 0; n < 127; n++) {
		strcpy(text + 2 * n, "a.");
	}
}

Test(compose, names_of_127_labels)
{
	char text[DNAME_TEXT_MAX];
	labels127(0, text);
	begin(DNS_MESSAGE_MAX, text);
	unsigned count = 0;
	while (count < MESSAGE_RR_MAX / 4 && add(SECTION_ANSWER, text, RR_A, ip, 4) == BH_OK) {
		count++;
	}
	cr_assert_eq(count, MESSAGE_RR_MAX / 4u);
	size_t len = compose_finish(&c, NULL);
	cr_assert_eq(len, 12 + 255 + 4 + count * 16u); /* each owner is one pointer */
	assert_owners(len, count, labels127);
}

static void long_labels(unsigned i, char *text)
{
	static const char *const endings[] = { "", "x", "y", "xy" };
	sprintf(text, "seven12%s.same-beginning%s.example.", endings[i % 4], endings[i / 4]);
}

/* The table has the first seven octets of a label; what differs behind them is another label. */
Test(compose, labels_that_begin_alike_are_not_mixed_up)
{
	begin(DNS_MESSAGE_MAX, ".");
	for (unsigned i = 0; i < 16; i++) {
		char text[64];
		long_labels(i, text);
		cr_assert_eq(add(SECTION_ANSWER, text, RR_A, ip, 4), BH_OK);
	}
	assert_targets();
	cr_assert_eq(c.target_count, 1 + 4 + 16);
	assert_owners(compose_finish(&c, NULL), 16, long_labels);
}

Test(compose, folded_letters_and_other_octets_of_long_labels)
{
	begin(512, "example.");
	cr_assert_eq(add(SECTION_ANSWER, "Long-Label-@[.other.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ANSWER, "lONG-lABEL-@[.OTHER.", RR_A, ip, 4), BH_OK);
	size_t pos = c.pos;
	cr_assert_eq(add(SECTION_ANSWER, "lONG-lABEL-`{.OTHER.", RR_A, ip, 4), BH_OK); /* 0x20 apart, but no letters */
	cr_assert_eq(c.pos - pos, 14 + 2 + 14u);
	assert_targets();
}

/* Records of one RRset: the second and all later owners are pointers, also where the first was one. */
Test(compose, rrset_names_its_owner_once)
{
	static const struct {
		const char *owner;
		uint16_t at;
		size_t first;
		size_t later;
	} cases[] = {
		{ "www.example.", COMPOSE_QNAME, 2, 2 }, { "www.example.", 0, 2, 2 }, { "WWW.Example.", 0, 2, 2 },
		{ "example.", 0, 2, 2 },		 { "a.example.", 0, 4, 2 },   { "b.", 0, 3, 2 },
		{ ".", 0, 1, 1 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct name n = name_of(cases[i].owner);
		struct compose_rrset set;
		begin(512, "www.example.");
		compose_rrset_begin(&set, SECTION_ANSWER, n.wire, cases[i].at, RR_A, CLASS_IN, 60);
		for (unsigned k = 0; k < 3; k++) {
			size_t pos = c.pos;
			cr_assert_eq(compose_rrset_add(&c, &set, ip, 4), BH_OK);
			cr_assert_eq(c.pos - pos, (k == 0 ? cases[i].first : cases[i].later) + 14, "%s %u",
				     cases[i].owner, k);
		}
		struct region region;
		struct message m;
		region_init(&region, 65536, 8 * 1024 * 1024);
		cr_assert_eq(message_parse(buf, compose_finish(&c, NULL), &region, &m), BH_OK);
		cr_assert_eq(m.rr_count, 3);
		for (unsigned k = 0; k < 3; k++) {
			cr_assert(dname_equal(m.rrs[k].owner, n.wire) && m.rrs[k].ttl == 60 && m.rrs[k].type == RR_A);
		}
		region_clear(&region);
	}
}

/* The labels in front of a name that stands in the message: once, and then they are pointed at like any owner. */
Test(compose, rrset_below_a_name_that_stands)
{
	static uint8_t large[0x4000];
	const uint16_t example = COMPOSE_QNAME + 4;
	for (unsigned far = 0; far < 2; far++) {
		struct name n = name_of("a.n.example.");
		struct compose_rrset set;
		begin(DNS_MESSAGE_MAX, "www.example.");
		if (far == 1) {
			cr_assert_eq(add(SECTION_ANSWER, ".", 65280, large, sizeof(large)), BH_OK);
		}
		compose_rrset_begin(&set, SECTION_AUTHORITY, n.wire, example, RR_TXT, CLASS_IN, 60);
		compose_rrset_below(&set, 4);
		size_t limit = c.limit;
		for (c.limit = c.pos; c.limit < c.pos + 18; c.limit++) { /* a record is what does not fit */
			size_t pos = c.pos;
			cr_assert_eq(compose_rrset_add(&c, &set, (const uint8_t *)"\001x", 2), BH_ENOSPC);
			cr_assert_eq(c.pos, pos);
		}
		c.limit = limit;
		size_t first = c.pos;
		for (unsigned k = 0; k < 3; k++) {
			size_t pos = c.pos;
			cr_assert_eq(compose_rrset_add(&c, &set, (const uint8_t *)"\001x", 2), BH_OK);
			cr_assert_eq(c.pos - pos, (k == 0 || far == 1 ? 6 : 2) + 12u, "%u", k);
		}
		for (size_t at = first, k = 0; k < 3; k++) {
			uint8_t owner[DNAME_MAX];
			cr_assert(dname_read(buf, c.pos, &at, owner) > 0 && dname_equal(owner, n.wire));
			at += 12;
		}
	}
}

/* Names in RDATA of which is known where the rest of them stands, one of them, or that it stands nowhere. */
Test(compose, rrset_with_names_that_are_known)
{
	static const struct {
		uint16_t at;
		uint8_t fresh[2];
		size_t size; /* of both names */
	} cases[] = {
		{ COMPOSE_QNAME + 4, { 3, 2 }, 5 + 4 },
		{ COMPOSE_QNAME + 4, { 3, COMPOSE_UNKNOWN }, 5 + 4 },
		{ COMPOSE_QNAME + 4, { COMPOSE_UNKNOWN, COMPOSE_UNKNOWN }, 5 + 4 },
		{ 0, { 3, 2 }, 5 + 4 },
	};
	static const uint8_t rdata[] = "\002ns\007example\000\001h\007example\000" "aaaabbbbccccddddeeee";
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct name n = name_of("example.");
		struct compose_known known = { .at = cases[i].at, .fresh = { cases[i].fresh[0], cases[i].fresh[1] } };
		struct compose_rrset set;
		begin(512, "www.example.");
		compose_rrset_begin(&set, SECTION_AUTHORITY, n.wire, COMPOSE_QNAME + 4, RR_SOA, CLASS_IN, 60);
		compose_rrset_names(&set, &known);
		size_t limit = c.limit;
		for (c.limit = c.pos; c.limit < c.pos + 12 + cases[i].size + 20; c.limit++) {
			cr_assert_eq(compose_rrset_add(&c, &set, rdata, sizeof(rdata) - 1), BH_ENOSPC);
		}
		c.limit = limit;
		size_t at = c.pos + 12;
		cr_assert_eq(compose_rrset_add(&c, &set, rdata, sizeof(rdata) - 1), BH_OK);
		cr_assert_eq(c.pos - at, cases[i].size + 20);
		uint8_t name[DNAME_MAX];
		cr_assert(dname_read(buf, c.pos, &at, name) > 0 && dname_equal(name, rdata));
		cr_assert(dname_read(buf, c.pos, &at, name) > 0 && dname_equal(name, rdata + 12));
		cr_assert_eq(memcmp(buf + at, "aaaabbbbccccddddeeee", 20), 0);
	}
}

Test(compose, root_as_qname_is_not_pointed_at)
{
	struct compose_rrset set;
	begin(512, ".");
	compose_rrset_begin(&set, SECTION_ANSWER, c.buf + COMPOSE_QNAME, COMPOSE_QNAME, RR_A, CLASS_IN, 60);
	cr_assert_eq(compose_rrset_add(&c, &set, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0001 0000 0000 00 0001 0001 00 0001 0001 0000003c 0004 c0000201");
}

/* An owner in full behind the reach of pointers is written in full for every record. */
Test(compose, rrset_behind_the_reach_of_pointers)
{
	static uint8_t filler[0x4000];
	struct name n = name_of("far.away.");
	struct compose_rrset set;
	begin(DNS_MESSAGE_MAX, "example.");
	cr_assert_eq(add(SECTION_ANSWER, ".", 65280, filler, sizeof(filler)), BH_OK);
	compose_rrset_begin(&set, SECTION_ANSWER, n.wire, 0, RR_A, CLASS_IN, 60);
	for (unsigned k = 0; k < 3; k++) {
		size_t pos = c.pos;
		cr_assert_eq(compose_rrset_add(&c, &set, ip, 4), BH_OK);
		cr_assert_eq(c.pos - pos, 10 + 14u);
	}
	cr_assert_eq(c.target_count, 0);
}

/* What did not fit leaves the RRset as it was: its owner is not said to stand where it was taken back. */
Test(compose, rrset_goes_on_after_a_record_that_did_not_fit)
{
	static uint8_t large[512];
	struct name n = name_of("other.names.");
	struct compose_rrset set;
	begin(512, "www.example.");
	compose_rrset_begin(&set, SECTION_ANSWER, n.wire, 0, RR_TXT, CLASS_IN, 60);
	cr_assert_eq(compose_rrset_add(&c, &set, large, sizeof(large)), BH_ENOSPC);
	cr_assert_eq(c.target_count, 0);
	cr_assert_eq(compose_rrset_add(&c, &set, (const uint8_t *)"\x01x", 2), BH_OK);
	assert_message("abcd 8400 0001 0001 0000 0000 03 777777 07 6578616d706c65 00 0001 0001"
		       "05 6f74686572 05 6e616d6573 00 0010 0001 0000003c 0002 01 78");
}

/* More labels under one parent than are remembered: what the table has no place for goes out in full. */
Test(compose, crowded_table)
{
	uint8_t name[3] = { 1 };
	struct region region;
	struct message m;
	begin(DNS_MESSAGE_MAX, ".");
	for (unsigned i = 0; i < 512; i++) {
		name[1] = (uint8_t)i;
		cr_assert_eq(compose_rr(&c, SECTION_ANSWER, name, RR_A, CLASS_IN, 60, ip, 4), BH_OK);
		assert_targets();
	}
	cr_assert_gt(c.target_count, COMPOSE_TARGETS_MAX / 2);
	region_init(&region, 65536, 8 * 1024 * 1024);
	cr_assert_eq(message_parse(buf, compose_finish(&c, NULL), &region, &m), BH_OK);
	cr_assert_eq(m.rr_count, 512);
	for (unsigned i = 0; i < 512; i++) {
		cr_assert_eq(dname_fold(m.rrs[i].owner[1]), dname_fold((uint8_t)i));
	}
	region_clear(&region);
}

/* Octets inside of a label of QNAME look like a name at its end; nobody may point there. */
Test(compose, label_that_holds_a_name)
{
	begin(512, "x\\001b.");
	cr_assert_eq(add(SECTION_ANSWER, "b.", RR_A, ip, 4), BH_OK);
	cr_assert_eq(add(SECTION_ANSWER, "a.X\\001B.", RR_A, ip, 4), BH_OK);
	assert_message("abcd 8400 0001 0002 0000 0000 03 780162 00 0001 0001"
		       "0162 00 0001 0001 0000003c 0004 c0000201"
		       "0161 c00c 0001 0001 0000003c 0004 c0000201");
}

/* Names that each are below the one before: what is written can be read, by us and by others. */
Test(compose, no_long_rows_of_pointers)
{
	char text[512] = "example";
	struct region region;
	struct message m;

	begin(DNS_MESSAGE_MAX, "q.test");
	for (unsigned i = 0; i < 60; i++) {
		char longer[520];
		snprintf(longer, sizeof(longer), "x%u.%s", i, text);
		memcpy(text, longer, sizeof(text));
		cr_assert_eq(add(SECTION_ANSWER, text, RR_A, ip, 4), BH_OK);
	}
	size_t len = compose_finish(&c, NULL);
	region_init(&region, 16384, 1 << 20);
	cr_assert_eq(message_parse(buf, len, &region, &m), BH_OK);
	cr_assert_eq(m.rr_count, 60);
	cr_assert(dname_equal(m.rrs[59].owner, name_of(text).wire));
	for (size_t at = DNS_HEADER_SIZE, i = 0; i < m.rr_count; i++) { /* as far as each owner leads */
		unsigned jumps = 0;
		at = i == 0 ? DNS_HEADER_SIZE + 8 + 4 : at;
		for (size_t p = at; buf[p] != 0;) {
			jumps += buf[p] >= 0xc0;
			p = buf[p] >= 0xc0 ? (size_t)(get_u16(buf + p) & 0x3fff) : p + buf[p] + 1;
		}
		cr_assert_leq(jumps, COMPOSE_JUMPS_MAX, "record %zu: %u", i, jumps);
		cr_assert_eq(dname_skip(buf, len, &at), BH_OK);
		at += 10 + 4;
	}
	cr_assert_leq(len, 6500u, "compressed all the same, of 8400: %zu octets", len);
	region_clear(&region);
}
