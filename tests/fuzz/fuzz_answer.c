/*
 * Queries against real zone images: whatever is asked, the reply keeps within its limit, parses, answers
 * the question that was asked, and is the same for the same query.
 *
 * The first octet chooses transport and kind: octets of a query as they are, or a query that is put together
 * from labels of the zones, so that aliases, cuts and wildcards are met often. A client asks once, and again at the
 * same moment: then it is above its rate.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/edns.h"
#include "common/dns/message.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/region.h"
#include "common/ipc/role_link.h"
#include "daemons/authority/allow.h"
#include "daemons/authority/axfr.h"
#include "daemons/authority/query.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/daemons/authority/zone_text.h"

#include <string.h>

#define SIG(type) "RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 a. AAAA\n"

static const char zone_a[] =
	"@ SOA b.c b.c 1 2 3 4 5\n@ " SIG("SOA") "@ NS b\n@ NS b.c\n@ MX 1 b\n@ DNSKEY 257 3 13 AAAA\n@ " SIG("DNSKEY")
	"b A 192.0.2.1\nb AAAA 2001:db8::1\nb " SIG("A")
	"c NS b.c\nc NS c.c\nc NS b.d\nb.c A 192.0.2.2\nc.c AAAA 2001:db8::2\n"
	"c DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nc " SIG("DS")
	"*.d A 192.0.2.3\n*.d MX 1 b\n*.d NAPTR 1 1 \"a\" \"b\" \"\" b\nb.d NS b.b.d\nb.b.d A 192.0.2.4\nb.c.d TXT \"x\"\n"
	"e CNAME b\nf CNAME e\n*.f CNAME g.f\ng CNAME b.h\nh DNAME e\ni DNAME a.a.\nj DNAME d.a.\n"
	"k CNAME l\nl CNAME k\n*.m CNAME b.*.m\n*.n DNAME b\n*.n TXT \"x\"\n";
static const char zone_aa[] = "@ SOA b b 1 2 3 4 5\n@ NS b\nb A 192.0.2.5\n*.b A 192.0.2.6\nh DNAME i.a.\ne CNAME e.a.\n"
			      "c NS b.c\nb.c A 192.0.2.7\n";

/* Signed, for the proofs: NSEC with a gap or two; and for NSEC3 what make_nsec3_zone puts behind it. */
static const char zone_nsec[] =
	"@ SOA b b 1 2 3 4 5\n@ " SIG("SOA") "@ NS b\n@ DNSKEY 257 3 13 AAAA\n@ NSEC *.a SOA\n@ " SIG("NSEC")
	"*.a CNAME b.a.c\n*.a NSEC b CNAME\n*.a " SIG("NSEC") "b A 192.0.2.1\nb NSEC c.d A\nc.d TXT \"x\"\nc.d NSEC e TXT\n"
	"e NS b\ne NSEC *.f NS\n*.f TXT \"f\"\n*.f NSEC a.f TXT\na.f A 192.0.2.1\na.f NSEC g A\ng DNAME f\ng NSEC @ DNAME\n"
	"h NS b\nh DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\ni.j NS b\n";
static const char *const nsec3_names[] = { "c.", "b.c.", "a.c.", "*.a.c.", "d.c.", "c.d.c.", "f.c.", "*.f.c.", "g.c." };

static struct {
	struct view *view;
	struct image images[5];
	struct query_work work;
	struct tsig_engine *tsig;
	struct axfr axfr;
	struct rrl_line line; /* a table of rates, of one line */
	struct addr client;
	struct region region;
	uint8_t reply[QUERY_REPLY_MAX];
	uint8_t again[QUERY_REPLY_MAX];
} f;

/* The same zone with a chain of NSEC3, some names left out. */
static void make_nsec3_zone(char *text, size_t room)
{
	uint8_t hashes[COUNT(nsec3_names)][NSEC3_HASH_SIZE];
	size_t count = COUNT(hashes);
	for (size_t i = 0; i < count; i++) {
		uint8_t name[DNAME_MAX];
		FUZZ_CHECK(dname_from_text(nsec3_names[i], name) > 0);
		FUZZ_CHECK(nsec3_hash(f.view->hasher, name, NULL, 0, 0, hashes[i]) == BH_OK);
	}
	size_t pos = (size_t)snprintf(text, room, "%s@ NSEC3PARAM 1 0 0 -\n", zone_nsec);
	for (size_t i = 0; i < count; i++) {
		char owner[33] = "";
		base32hex_encode(hashes[i], NSEC3_HASH_SIZE, (uint8_t *)owner);
		pos += (size_t)snprintf(text + pos, room - pos, "%s NSEC3 1 1 0 - %s A\n%s " SIG("NSEC3"), owner, owner, owner);
	}
	FUZZ_CHECK(pos < room);
}

/* Of the signed seeds. */
#define NOW_SEC 0x6b0188b2

/* Everybody may transfer everything; "k" is a key. */
static void allow_all(void)
{
	static struct tsig_key key = { .name = "\001k", .algorithm = TSIG_HMAC_SHA256, .secret_len = 32,
				       .secret = "0123456789abcdef0123456789abcdef" };
	static struct ipc_transfer transfers[] = {
		{ .zone = 0, .needs = IPC_TRANSFER_PREFIX, .prefix = { .family = ADDR_V4 } },
		{ .zone = 1, .needs = IPC_TRANSFER_KEY, .key = "\001k" },
		{ .zone = 2, .needs = IPC_TRANSFER_PREFIX, .prefix = { .family = ADDR_V4 } },
		{ .zone = 3, .needs = IPC_TRANSFER_PREFIX, .prefix = { .family = ADDR_V4 } },
		{ .zone = 4, .needs = IPC_TRANSFER_PREFIX, .prefix = { .family = ADDR_V4 } },
		{ .zone = 5, .needs = IPC_TRANSFER_PREFIX, .prefix = { .family = ADDR_V4 } },
	};
	static struct role_conf conf = { .keys = &key, .key_count = 1, .transfers = transfers, .transfer_count = 6,
					 .zone_count = 6 };
	char why[64];
	FUZZ_CHECK(allow_new(&conf, &f.view->allow, why, sizeof(why)) == BH_OK);
	f.tsig = tsig_engine_new();
	FUZZ_CHECK(f.tsig != NULL);
}

static void setup(void)
{
	static char big[100000];
	static const uint8_t failed[] = { 1, 'z', 0 };
	size_t pos = (size_t)snprintf(big, sizeof(big), "@ SOA b b 1 2 3 4 5\n@ NS b\n");
	for (unsigned i = 0; i < 60; i++) {
		pos += (size_t)snprintf(big + pos, sizeof(big) - pos,
					"b A 192.0.2.%u\nc NS b%u.c\nb%u.c A 192.0.2.9\nb%u.c AAAA ::1\nd MX 1 b%u.e\n"
					"b%u.e A 192.0.2.1\nf TXT \"a%u\"\n",
					i, i, i, i, i, i, i);
	}
	f.view = view_new(8);
	FUZZ_CHECK(f.view != NULL);
	f.view->anyone = true;
	f.view->hasher = nsec3_hasher_new();
	FUZZ_CHECK(f.view->hasher != NULL);
	zone_from_text("a.", zone_a, &f.images[0]);
	zone_from_text("a.a.", zone_aa, &f.images[1]);
	zone_from_text("b.", big, &f.images[2]);
	zone_from_text("d.", zone_nsec, &f.images[3]);
	make_nsec3_zone(big, sizeof(big));
	zone_from_text("c.", big, &f.images[4]);
	for (unsigned i = 0; i < COUNT(f.images); i++) {
		FUZZ_CHECK(view_add(f.view, f.images[i].apex, &f.images[i]) == BH_OK);
	}
	FUZZ_CHECK(view_add(f.view, failed, NULL) == BH_OK);
	allow_all();
	region_init(&f.region, 1 << 20, 1 << 24);
	f.view->cookies = IPC_COOKIES_ANSWER;
	f.view->cookie_secrets.count = 2;
	f.view->nsid_len = NSID_MAX;
	snprintf(f.view->identity, sizeof(f.view->identity), "%0255d", 0);
	f.view->rrl = (struct rrl){ .mode = RRL_ON, .cost_us = 1000000, .ipv4_bits = 24, .ipv6_bits = 56 };
	FUZZ_CHECK(rrl_table_init(&f.view->rrl.table, &f.line, sizeof(f.line)) == BH_OK);
	FUZZ_CHECK(addr_parse("192.0.2.1", 0, &f.client) == BH_OK);
}

/* A query made of short labels. Returns its octets. */
static size_t make_query(struct fuzz_input *in, uint8_t out[UDP_RECV_MAX])
{
	static const uint16_t types[] = { RR_A,	  RR_AAAA, RR_NS,  RR_MX,  RR_SOA,   RR_CNAME,	RR_DNAME, RR_DS,
					  RR_ANY, RR_RRSIG, RR_TXT, RR_NSEC, RR_NAPTR, RR_DNSKEY, RR_AXFR,  65280 };
	struct sink s = sink_of(out, UDP_RECV_MAX);
	unsigned kind = fuzz_u8(in);
	bool edns = (kind & 1) != 0;
	static const uint8_t head[] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0 };

	sink_bytes(&s, head, sizeof(head));
	sink_u8(&s, edns);
	for (unsigned i = 0; i < 8; i++) {
		unsigned label = fuzz_u8(in);
		if (label < 0x10) {
			break;
		}
		if (label > 0xf0) { /* a long one, so that names grow past their end */
			sink_u8(&s, 60);
			for (unsigned k = 0; k < 60; k++) {
				sink_u8(&s, 'x');
			}
			continue;
		}
		sink_u8(&s, 1);
		sink_u8(&s, label % 16 == 15 ? '*' : (uint8_t)((label < 128 ? 'a' : 'A') + (int)(label % 16)));
	}
	static const uint8_t apexes[][5] = { { 1, 'a', 0 }, { 1, 'a', 1, 'a', 0 }, { 1, 'b', 0 }, { 0 },
					     { 1, 'c', 0 }, { 1, 'd', 0 } };
	/* Bit 3 is DO, so bits 4 and 5 tell of the signed zones; without them the choice is as it was. */
	const uint8_t *apex = apexes[(kind & 0x30) != 0 ? 4 + ((kind >> 4) & 1) : (kind >> 1) % 4];
	sink_bytes(&s, apex, dname_len(apex));
	sink_u16(&s, types[fuzz_u8(in) % (COUNT(types))]);
	sink_u16(&s, CLASS_IN);
	if (edns) {
		sink_u8(&s, 0);
		sink_u16(&s, RR_OPT);
		sink_u16(&s, (uint16_t)(512 + fuzz_u8(in) * 4));
		sink_u32(&s, (kind & 8) != 0 ? EDNS_DO : 0);
		static const uint8_t options[] = { 0, 3, 0, 0, 0, 11, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
		sink_blob(&s, options, (kind & 16) != 0 ? sizeof(options) : (kind & 32) != 0 ? 8 : 0);
	}
	return s.pos;
}

/* Ask; what was there before means nothing. */
static size_t reply_to(enum transport transport, const uint8_t *wire, size_t len, uint8_t *out)
{
	memset(&f.work, 0xa5, sizeof(f.work));
	f.work.tsig = f.tsig;
	f.work.idle_ms = 10000;
	f.work.now = (struct query_now){ .us = 5000000, .sec = NOW_SEC };
	return query_reply(&f.work, f.view, transport, transport == TRANSPORT_LINK ? NULL : &f.client, wire, len, out);
}

static void check_reply(const uint8_t *wire, size_t len, size_t limit)
{
	const struct query *q = &f.work.query;
	struct message m;
	region_reset(&f.region);
	FUZZ_CHECK(len <= limit);
	FUZZ_CHECK(message_parse(f.reply, len, &f.region, &m) == BH_OK);
	FUZZ_CHECK((m.flags & FLAG_QR) != 0 && m.id == get_u16(wire));
	FUZZ_CHECK((m.flags & (FLAG_RA | FLAG_AD | FLAG_CD)) == 0);
	FUZZ_CHECK(m.has_edns == q->edns.present && m.do_bit == q->edns.do_bit);
	FUZZ_CHECK(m.rcode == f.work.answer.rcode);
	FUZZ_CHECK(m.qname == NULL || (memcmp(m.qname, q->qname, q->qname_len) == 0 && m.qtype == q->qtype));
	FUZZ_CHECK(m.rcode != RCODE_NXDOMAIN || (m.flags & FLAG_AA) != 0);
	for (size_t i = 0; i < m.rr_count; i++) {
		bool dnssec = m.rrs[i].type == RR_RRSIG && q->qtype != RR_RRSIG;
		FUZZ_CHECK(!dnssec || q->edns.do_bit);
		bool denial = m.rrs[i].type == RR_NSEC || m.rrs[i].type == RR_NSEC3;
		FUZZ_CHECK(!denial || q->edns.do_bit || m.rrs[i].section == SECTION_ANSWER);
		/* RFC 5155 7.2.2: no RRset twice; those here have one record each. */
		for (size_t k = 0; k < i && denial && m.rrs[i].section == SECTION_AUTHORITY; k++) {
			FUZZ_CHECK(m.rrs[k].section != SECTION_AUTHORITY || m.rrs[k].type != m.rrs[i].type ||
				   !dname_equal(m.rrs[k].owner, m.rrs[i].owner));
		}
	}
}

/* Every message can be read, and they hold all records of the zone and the SOA once more. */
static void check_transfer(const uint8_t *wire)
{
	const struct image *image = f.work.zone->image;
	size_t records = 0;
	ssize_t len;
	axfr_begin(&f.axfr, image, &f.work.query);
	while ((len = axfr_next(&f.axfr, &f.work.answer.compose, wire[1], f.reply)) > 0) {
		struct message m;
		region_reset(&f.region);
		FUZZ_CHECK((size_t)len + wire[1] <= DNS_MESSAGE_MAX);
		FUZZ_CHECK(message_parse(f.reply, (size_t)len, &f.region, &m) == BH_OK);
		FUZZ_CHECK((m.flags & ~FLAG_RD) == (FLAG_QR | FLAG_AA) && m.id == get_u16(wire));
		records += m.rr_count;
	}
	FUZZ_CHECK(len == 0 && records == f.axfr.records && records == image->header->rr_count + 1u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t made[UDP_RECV_MAX];
	struct fuzz_input in = { data, size };

	if (f.view == NULL) {
		setup();
	}
	unsigned choice = fuzz_u8(&in);
	enum transport transport = (enum transport)(choice % 3);
	const uint8_t *wire = in.data;
	size_t len = in.left;
	if ((choice & 4) != 0) {
		len = make_query(&in, made);
		wire = made;
	}
	f.view->rotate = (choice & 8) != 0;
	memset(&f.line, 0, sizeof(f.line));
	size_t reply_len = reply_to(transport, wire, len, f.reply);
	if (f.work.transfer == TRANSFER_BEGIN) {
		FUZZ_CHECK(reply_len == 0 && transport == TRANSPORT_TCP);
		check_transfer(wire);
		return 0;
	}
	FUZZ_CHECK((reply_len == 0) == (len < DNS_HEADER_SIZE || (wire[2] & 0x80) != 0));
	if (reply_len > 0) {
		/* A long name and a long key together need more than the 512 octets a client may want. */
		size_t limit = answer_limit(&f.work.query, transport);
		check_reply(wire, reply_len, f.work.query.has_tsig && limit < UDP_SIZE_MAX ? UDP_SIZE_MAX : limit);
		/* Nothing may be left over from one query to the next. */
		memset(&f.line, 0, sizeof(f.line));
		FUZZ_CHECK(reply_to(transport, wire, len, f.again) == reply_len);
		FUZZ_CHECK(memcmp(f.reply, f.again, reply_len) == 0);
		/* Above the rate: a reply all the same, and one that is hardly longer than the query. */
		size_t short_len = reply_to(transport, wire, len, f.reply);
		FUZZ_CHECK(transport == TRANSPORT_UDP || short_len == reply_len);
		FUZZ_CHECK((f.work.limited != QUERY_UNLIMITED) == (transport == TRANSPORT_UDP));
		if (transport == TRANSPORT_UDP) {
			check_reply(wire, short_len, len + EDNS_SIZE_MIN + EDNS_OPTIONS_OUT_MAX);
			FUZZ_CHECK(get_u16(f.reply + 6) == 0 && get_u16(f.reply + 8) == 0);
		}
	}
	return 0;
}
