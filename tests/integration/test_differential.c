/*
 * The same zones on several servers: every name that the zones have, and many that they have not, is asked with many
 * types and sizes. What an RFC leaves open and all do differently (where an endless chain of aliases is cut, what ANY
 * gets) is not asked here. Signed zones are in test_signed.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/peers.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char zone_diff[] =
	"$ORIGIN diff.example.\n$TTL 3600\n"
	"@ SOA ns1 hostmaster 7 7200 3600 1209600 300\n@ NS ns1\n@ NS ns.other.example.\n"
	"@ A 192.0.2.1\n@ MX 10 mail\n@ MX 20 mail.other.example.\n@ TXT \"apex\"\n@ CAA 0 issue \"ca.example\"\n"
	"ns1 A 192.0.2.53\nns1 AAAA 2001:db8::53\nmail A 192.0.2.25\nmail AAAA 2001:db8::25\n"
	"www CNAME web\nweb A 192.0.2.80\nweb TYPE65400 \\# 4 01020304\nweb HTTPS 1 . alpn=h2\n"
	"web TYPE65401 \\# 0\nweb CDS 1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n"
	"web NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp\n_sip._udp SRV 0 0 5060 mail\n"
	/* aliases: within, to nothing, to a delegation, out of what is served, across zones, in circles */
	"c1 CNAME c2\nc2 CNAME c3\nc3 CNAME web\nl1 CNAME l2\nl2 CNAME l1\nself CNAME self\ntonx CNAME nothere\n"
	"toent CNAME ent\ntode CNAME x.deleg\ntodecut CNAME deleg\ntoout CNAME www.elsewhere.test.\n"
	"toother CNAME www.other.example.\ntonxother CNAME nx.other.example.\ntochild CNAME www.child\n"
	"towild CNAME foo.wild\ntodn CNAME a.dn\n"
	/* empty non-terminals and wildcards */
	"a.b.c.ent A 192.0.2.2\n*.wild A 192.0.2.90\n*.wild TXT \"wild\"\n*.wild MX 5 mail\n"
	"real.wild A 192.0.2.91\na.sub2.wild TXT \"x\"\n*.wc CNAME web\n*.wcloop CNAME x.wcloop\n"
	"*.wcnx CNAME nothere\n*.wcout CNAME www.other.example.\n*.wcwild CNAME bar.wild\n"
	"*.star.star2 A 192.0.2.92\na.*.litstar A 192.0.2.93\n*.dnwild DNAME dnt\n*.dnwild TXT \"beside\"\n"
	"*.undercut.deleg A 192.0.2.94\nx.*.y.*.stars A 192.0.2.96\n*.*.stars2 A 192.0.2.97\n"
	/* DNAME: within, across zones, in circles, upwards, too long */
	"dn DNAME dnt\ndn TXT \"at dname\"\nx.dnt A 192.0.2.30\n*.w.dnt A 192.0.2.31\n"
	"dnout DNAME other.example.\ndn1 DNAME dn2\ndn2 DNAME dnt\ndnup DNAME diff.example.\n"
	"dnlong DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.diff.example.\n"
	/* delegations, glue, what they hide */
	"deleg NS ns1.deleg\ndeleg NS ns2.deleg\ndeleg NS mail\ndeleg NS ns.deleg2\n"
	"deleg DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n"
	"ns1.deleg A 192.0.2.101\nns1.deleg AAAA 2001:db8::101\nns2.deleg A 192.0.2.102\n"
	"hidden.deleg TXT \"below the cut\"\ndeleg2 NS ns.deleg2\nns.deleg2 A 192.0.2.111\n"
	"glueless NS ns.other.example.\nchild NS ns.child\nns.child A 192.0.2.120\n"
	"selfns NS selfns\nselfns A 192.0.2.121\ndeep.a.b.c NS ns1\n"
	/* spelling, odd labels, odd TTLs */
	"MiXeD A 192.0.2.77\nlow.MiXeD A 192.0.2.78\nesc\\.dot A 192.0.2.79\nesc\\000nul A 192.0.2.81\n"
	"und_er A 192.0.2.82\nttl0 0 A 192.0.2.99\nrp RP mail.diff.example. web.diff.example.\n";

static const char zone_child[] =
	"$ORIGIN child.diff.example.\n$TTL 1800\n@ SOA ns hostmaster 3 7200 3600 1209600 60\n@ NS ns\n"
	"ns A 192.0.2.120\nwww A 192.0.2.122\nup CNAME web.diff.example.\n";

/* The zone between, deleg.diff.example, is not served. */
static const char zone_below[] =
	"$ORIGIN below.deleg.diff.example.\n$TTL 1800\n@ SOA ns hostmaster 3 7200 3600 1209600 60\n@ NS ns\n"
	"ns A 192.0.2.130\nwww A 192.0.2.132\n";

/* Reverse zones have PTR, aliases as of RFC 2317, and names that are numbers. */
static const char zone_reverse[] =
	"$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 1800\n@ SOA ns.other.example. hostmaster 3 7200 3600 1209600 60\n"
	"@ NS ns.other.example.\n1 PTR web.diff.example.\n1 PTR www.diff.example.\n2 CNAME 2.0/25\n3 CNAME 3.0/25\n"
	"0/25 NS ns.other.example.\n128/25 NS ns.128/25\nns.128/25 A 192.0.2.129\n200 CNAME 200.128/25\n"
	"* PTR unknown.diff.example.\n";

static const char zone_other[] =
	"$ORIGIN other.example.\n$TTL 1800\n@ SOA ns hostmaster 3 7200 3600 1209600 60\n@ NS ns\n"
	"@ NS ns1.diff.example.\nns A 192.0.2.54\nwww CNAME web\nweb A 192.0.2.55\nmail A 192.0.2.56\nx A 192.0.2.57\n";

static char zone_diff_large[16384]; /* zone_diff and large RRsets */

static const struct peer_zone zones[] = {
	{ "diff.example", zone_diff_large },
	{ "child.diff.example", zone_child },
	{ "below.deleg.diff.example", zone_below },
	{ "2.0.192.in-addr.arpa", zone_reverse },
	{ "other.example", zone_other },
};

static struct appliance appliance;
static struct peer_names names;
static size_t owner_count; /* the first of these are in the zones */

BH_PRINTF(2, 3) static void add_line(size_t *at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(zone_diff_large + *at, sizeof(zone_diff_large) - *at, fmt, args);
	va_end(args);
	MUST(len > 0 && (size_t)len < sizeof(zone_diff_large) - *at, "the zone is too large");
	*at += (size_t)len;
}

/* RRsets that fit nowhere, or just so: 28 to 31 addresses around 512 octets. */
static void make_large(void)
{
	size_t at = 0;
	add_line(&at, "%s", zone_diff);
	for (unsigned n = 28; n <= 31; n++) {
		for (unsigned i = 1; i <= n; i++) {
			add_line(&at, "n%u A 10.8.%u.%u\n", n, n, i);
		}
	}
	for (unsigned i = 1; i <= 90; i++) {
		add_line(&at, "big A 10.9.0.%u\n", i);
	}
	for (unsigned i = 1; i <= 13; i++) {
		add_line(&at, "bigns NS ns%u.bigns\nns%u.bigns A 192.0.2.%u\nns%u.bigns AAAA 2001:db8:1::%u\n", i, i, i,
			 i, i);
	}
}

static void make_names(void)
{
	char label[64];
	for (size_t i = 0; i < COUNT(zones); i++) {
		names_add_owners(&names, &zones[i]);
	}
	owner_count = names.count;
	for (size_t i = 0; i < owner_count; i++) {
		names_add_derived(&names, i);
	}
	memset(label, 'z', 63);
	label[63] = '\0';
	names_add(&names, label, ".dnlong.diff.example");
	names_add(&names, "www.", "dnout.diff.example");
	names_add(&names, "x.", "dn1.diff.example");
	names_add(&names, "q.w.", "dn.diff.example");
	names_add(&names, "www.", "dnup.diff.example");
	names_add(&names, "x.dn.dnup.", "dnup.diff.example");
	names_add(&names, "", "elsewhere.test");
}

static void setup(void)
{
	harness_limit(120);
	make_large();
	peers_start(&appliance, zones, COUNT(zones));
	make_names();
}

static void stop(void)
{
	peers_report();
	appliance_clear(&appliance);
}

TestSuite(differential, .init = setup, .fini = stop);

Test(differential, every_name_and_type, .timeout = 150)
{
	static const uint16_t types[] = { RR_A,	   RR_AAAA, RR_NS,    RR_SOA,	RR_CNAME,  RR_DNAME, RR_MX,
					  RR_TXT,  RR_SRV,  RR_DS,    RR_HTTPS, RR_DNSKEY, RR_NAPTR, RR_PTR,
					  RR_CDS,  65400,   65401 };
	unsigned wrong = 0;
	for (size_t i = 0; i < names.count; i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			struct ask ask = { .name = names.names[i], .type = types[k], .edns = true,
					   .flags = (i + k) % 3 == 0 ? FLAG_RD : 0 };
			wrong += peers_compare(&ask);
		}
	}
	MUST(wrong == 0, "%u answers are like nobody's", wrong);
}

Test(differential, every_size_and_transport, .timeout = 150)
{
	static const uint16_t types[] = { RR_A, RR_NS, RR_MX };
	static const uint16_t sizes[] = { 0, 100, 512, 600, 4096 };
	unsigned wrong = 0;
	for (size_t i = 0; i < owner_count; i++) {
		for (size_t k = 0; k < COUNT(types) * COUNT(sizes); k++) {
			uint16_t size = sizes[k % COUNT(sizes)];
			struct ask ask = { .name = names.names[i], .type = types[k / COUNT(sizes)], .edns = size > 0,
					   .udp_size = size, .tcp = size == 4096 && i % 8 == 0 };
			wrong += peers_compare(&ask);
		}
	}
	MUST(wrong == 0, "%u answers are like nobody's", wrong);
}

/* --- messages that are no ordinary query --------------------------------------------------------------- */

enum {
	QUESTIONS = 4, /* offsets of the counts in a header */
	ANSWERS = 6,
	AUTHORITY = 8,
	ADDITIONAL = 10,
};

/* One change to a query for diff.example SOA, and what is put behind it. */
struct odd {
	const char *what;
	uint16_t flags;
	uint16_t qclass;
	uint16_t qtype;
	size_t count_at; /* this count is... */
	uint16_t count;	 /* this */
	unsigned opts;	 /* OPT records, counted */
	uint8_t version;
	size_t cut;    /* octets taken from the end */
	bool question; /* a second one */
};

static size_t odd_wire(const struct odd *odd, uint8_t out[512])
{
	static const uint8_t name[] = "\4diff\7example";
	struct sink s = sink_of(out, 512);
	sink_u16(&s, 0x4321);
	sink_u16(&s, odd->flags);
	sink_u16(&s, odd->question ? 2 : 1);
	sink_u16(&s, 0);
	sink_u16(&s, 0);
	sink_u16(&s, (uint16_t)odd->opts);
	for (unsigned i = 0; i < 1u + odd->question; i++) {
		sink_bytes(&s, name, sizeof(name));
		sink_u16(&s, odd->qtype != 0 ? odd->qtype : RR_SOA);
		sink_u16(&s, odd->qclass != 0 ? odd->qclass : CLASS_IN);
	}
	for (unsigned i = 0; i < odd->opts; i++) {
		sink_u8(&s, 0);
		sink_u16(&s, RR_OPT);
		sink_u16(&s, 1232);
		sink_u32(&s, (uint32_t)odd->version << 16);
		sink_u16(&s, 0);
	}
	if (odd->count_at != 0) {
		put_u16(out + odd->count_at, odd->count);
	}
	return s.pos - odd->cut;
}

/*
 * RCODEs and flags only: how much of a question comes back with an error is left to servers. Not AXFR by UDP, which is not
 * defined (RFC 5936 4.2): REFUSED here, NOTIMP or FORMERR elsewhere.
 */
Test(differential, messages_that_are_no_ordinary_query)
{
	static const struct odd table[] = {
		{ .what = "a query like others" },
		{ .what = "RD, AD, CD", .flags = FLAG_RD | FLAG_AD | FLAG_CD },
		{ .what = "AA, TC, RA and an RCODE in a query", .flags = FLAG_AA | FLAG_TC | FLAG_RA | 5 },
		{ .what = "opcode IQUERY", .flags = 1 << 11 },
		{ .what = "opcode STATUS", .flags = 2 << 11 },
		{ .what = "opcode 3", .flags = 3 << 11 },
		{ .what = "opcode 6", .flags = 6 << 11 },
		{ .what = "opcode 15", .flags = 15 << 11 },
		{ .what = "opcode 15 with OPT", .flags = 15 << 11, .opts = 1 },
		{ .what = "QR", .flags = FLAG_QR },
		{ .what = "no question", .count_at = QUESTIONS, .count = 0, .cut = 18 },
		{ .what = "a question that is not counted", .count_at = QUESTIONS, .count = 0 },
		{ .what = "two questions", .question = true },
		{ .what = "two questions counted, one there", .count_at = QUESTIONS, .count = 2 },
		{ .what = "an answer counted that is not there", .count_at = ANSWERS, .count = 1 },
		{ .what = "additional records counted that are not there", .count_at = ADDITIONAL, .count = 3 },
		{ .what = "a question that is cut", .cut = 3 },
		{ .what = "a name that is cut", .cut = 8 },
		{ .what = "a header alone", .cut = 18 },
		{ .what = "half a header", .cut = 26 },
		{ .what = "OPT", .opts = 1 },
		{ .what = "two OPT", .opts = 2 },
		{ .what = "OPT that is cut", .opts = 1, .cut = 2 },
		{ .what = "EDNS version 1", .opts = 1, .version = 1 },
		{ .what = "EDNS version 255", .opts = 1, .version = 255 },
		{ .what = "class CH", .qclass = CLASS_CH },
		{ .what = "class HS", .qclass = 4 },
		{ .what = "class NONE", .qclass = CLASS_NONE },
		{ .what = "class 0xfff0", .qclass = 0xfff0 },
		{ .what = "type MAILB", .qtype = RR_MAILB },
		{ .what = "type OPT", .qtype = RR_OPT },
		{ .what = "type TSIG", .qtype = RR_TSIG },
		{ .what = "type TKEY", .qtype = RR_TKEY },
		{ .what = "type 128, which is not assigned", .qtype = 128 },
		{ .what = "type RRSIG in an unsigned zone", .qtype = RR_RRSIG },
		{ .what = "type 65535", .qtype = 65535 },
	};
	unsigned wrong = 0;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint8_t wire[512];
		wrong += peers_compare_octets(table[i].what, wire, odd_wire(&table[i], wire));
	}
	MUST(wrong == 0, "%u replies are like nobody's", wrong);
}

int main(int argc, char **argv)
{
	char why[64];
	if (peers_missing(why) != 0) {
		return harness_skip("integration/differential", why);
	}
	return harness_main(argc, argv, "integration/differential");
}
