/*
 * Odd names, places and types, each with the rule that says what is answered. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA "@ 3600 SOA ns1 host 7 7200 900 1209600 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n"
#define NO(zone) "au " zone " 300 SOA ns1." zone " ... 7\n"
#define DS "1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* RFC 4592 2.1.1: a label "*" is one wherever it stands, but only the leftmost makes a wildcard. */
Test(answer, rfc4592_asterisk_labels)
{
	static const struct world_case table[] = {
		/* in the middle: a name like others, whose parent is an empty non-terminal wildcard */
		{ { "a.*.m.t." }, "NOERROR aa\nan a.*.m.t. 3600 A 192.0.2.2\n" },
		{ { "*.m.t." }, "NOERROR aa\n" NO("t.") },
		/* 3.3.1: the source of synthesis exists, though it is empty: no data, not NXDOMAIN */
		{ { "x.m.t." }, "NOERROR aa\n" NO("t.") },
		{ { "a.x.m.t." }, "NOERROR aa\n" NO("t.") },
		{ { "x.*.m.t." }, "NXDOMAIN aa\n" NO("t.") },
		/* two of them: the leftmost is the wildcard, the other a label */
		{ { "q.*.two.t." }, "NOERROR aa\nan q.*.two.t. 3600 A 192.0.2.3\n" },
		{ { "q.r.two.t." }, "NOERROR aa\n" NO("t.") },
		/* "**" and escaped spellings are no wildcards, or the same one */
		{ { "x.stars.t." }, "NXDOMAIN aa\n" NO("t.") },
		{ { "\\042.w.t." }, "NOERROR aa\nan *.w.t. 3600 A 192.0.2.5\n" },
		/* RFC 4592 2.2.1: the examples of "example." */
		{ { "_telnet._tcp.host1.w.t.", "SRV" }, "NXDOMAIN aa\n" NO("t.") },
		{ { "host3.w.t.", "MX" }, "NOERROR aa\n" NO("t.") },
		{ { "host1.w.t.", "MX" }, "NOERROR aa\n" NO("t.") },
		{ { "foo.bar.w.t." }, "NOERROR aa\nan foo.bar.w.t. 3600 A 192.0.2.5\n" },
		{ { "ghost.*.w.t." }, "NXDOMAIN aa\n" NO("t.") },
		{ { "host.sub.w.t." }, "NOERROR\nau sub.w.t. 3600 NS ns.else.\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", SOA "a.*.m A 192.0.2.2\n*.*.two A 192.0.2.3\n**.stars A 192.0.2.4\n*.w A 192.0.2.5\n"
			       "host1.w A 192.0.2.6\n_ssh._tcp.host1.w SRV 0 0 22 host1.w\nsub.w NS ns.else.\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 4592 4.4: undefined; here DNAME of a wildcard is data, and redirects only what is below "*" itself. */
Test(answer, rfc4592_wildcard_dname)
{
	static const struct world_case table[] = {
		{ { "x.d.t.", "DNAME" }, "NOERROR aa\nan x.d.t. 3600 DNAME ns1.t.\n" },
		{ { "x.d.t." }, "NOERROR aa\n" NO("t.") },
		{ { "y.x.d.t." }, "NOERROR aa\n" NO("t.") },
		{ { "y.*.d.t.", "CNAME" },
		  "NOERROR aa\nan *.d.t. 3600 DNAME ns1.t.\nan y.*.d.t. 3600 CNAME y.ns1.t.\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", SOA "*.d DNAME ns1\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 6672 2.3: at the apex it redirects everything below, and nothing at the apex. */
Test(answer, rfc6672_dname_at_the_apex)
{
	static const struct world_case table[] = {
		{ { "t.", "SOA" }, "NOERROR aa\nan t. 3600 SOA ns.u. ... 7\n" },
		{ { "t." }, "NOERROR aa\nau t. 300 SOA ns.u. ... 7\n" },
		{ { "a.b.t." },
		  "NOERROR aa\nan t. 3600 DNAME u.\nan a.b.t. 3600 CNAME a.b.u.\nan a.b.u. 3600 A 192.0.2.7\n" },
		{ { "*.t." },
		  "NXDOMAIN aa\nan t. 3600 DNAME u.\nan *.t. 3600 CNAME *.u.\nau u. 300 SOA ns1.u. ... 7\n" },
		{ { "a.b.t.", "DS" },
		  "NOERROR aa\nan t. 3600 DNAME u.\nan a.b.t. 3600 CNAME a.b.u.\nau u. 300 SOA ns1.u. ... 7\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", "@ 3600 SOA ns.u. host.u. 7 7200 900 1209600 300\n@ NS ns.u.\n@ DNAME u.\n");
	world_add(w, "u.", SOA "ns A 192.0.2.8\na.b A 192.0.2.7\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 6672 2.2, RFC 6604 3: the RCODE is that of the last step, YXDOMAIN too. */
Test(answer, rfc6604_yxdomain_after_an_alias)
{
#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
	struct world *w = world_new();
	world_add(w, "t.", SOA "al CNAME " L60 "." L60 "." L60 ".d\nd DNAME " L60 "." L60 ".u.\n");
	cr_assert_str_eq(world_ask(w, &(struct question){ "al.t.", .transport = TRANSPORT_TCP }),
			 "YXDOMAIN aa\nan al.t. 3600 CNAME " L60 "." L60 "." L60 ".d.t.\nan d.t. 3600 DNAME " L60
			 "." L60 ".u.\n");
	world_free(w);
}

/* RFC 1035 2.3.4: 255 octets are a name, as owner, as what a wildcard stands for, as one that is not there. */
Test(answer, rfc1035_names_of_255_octets)
{
#define L63 L60 "ggg"
#define LONG(last) L63 "." L63 "." L63 "." last
	/* three labels of 64 octets, one of 59, "t" and the root: 192 + 60 + 2 + 1 */
#define L59 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff"
#define X59 "xxxxxxxxxxbbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff"
#define L57 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffff"
	static const struct world_case table[] = {
		{ { LONG(L59) ".t." }, "NOERROR aa\nan " LONG(L59) ".t. 3600 A 192.0.2.2\n" },
		{ { LONG(X59) ".t." }, "NXDOMAIN aa\n" NO("t.") },
		{ { LONG(L57) ".w.t.", "TXT" },
		  "NOERROR aa\nan " LONG(L57) ".w.t. 3600 TXT \"w\"\n" },
		{ { "al.t." },
		  "NOERROR aa\nan al.t. 3600 CNAME " LONG(L59) ".t.\nan " LONG(L59) ".t. 3600 A 192.0.2.2\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", SOA LONG(L59) " A 192.0.2.2\n*.w TXT \"w\"\nal CNAME " LONG(L59) "\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 3597: types that nobody knows, and RDATA without an octet; RFC 7344 3: CDS and CDNSKEY are data. */
Test(answer, rfc3597_unknown_types)
{
	static const struct world_case table[] = {
		{ { "u.t.", "TYPE65280" }, "NOERROR aa\nan u.t. 3600 TYPE65280\n" },
		{ { "u.t.", "TYPE65281" }, "NOERROR aa\n" NO("t.") },
		{ { "e.t.", "TYPE65281" }, "NOERROR aa\nan e.t. 3600 TYPE65281\n" },
		{ { "x.w.t.", "TYPE65280" }, "NOERROR aa\nan x.w.t. 3600 TYPE65280\n" },
		{ { "al.t.", "TYPE65280" }, "NOERROR aa\nan al.t. 3600 CNAME u.t.\nan u.t. 3600 TYPE65280\n" },
		{ { "t.", "CDS" }, "NOERROR aa\nan t. 3600 CDS 0 0\n" },
		{ { "t.", "CDNSKEY" }, "NOERROR aa\nan t. 3600 CDNSKEY 0 768\n" },
		{ { "cut.t.", "CDS" }, "NOERROR\nau cut.t. 3600 NS ns.else.\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", SOA "u TYPE65280 \\# 4 01020304\ne TYPE65281 \\# 0\n*.w TYPE65280 \\# 1 00\nal CNAME u\n"
			       "@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA==\ncut NS ns.else.\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/*
 * RFC 4035 3.1.4.1: DS is asked of the zone above. When that is not served here, but one still further up, we are
 * authoritative for neither side of the cut: a referral to who is.
 */
Test(answer, rfc4035_ds_with_a_gap_between_the_zones)
{
	static const struct world_case table[] = {
		{ { "b.a.t.", "DS" }, "NOERROR\nau a.t. 3600 NS ns.else.\n" },
		{ { "b.a.t.", "SOA" }, "NOERROR aa\nan b.a.t. 3600 SOA ns1.b.a.t. ... 7\n" },
		{ { "alone.", "DS" }, "NOERROR aa\n" NO("alone.") },
		{ { "x.alone.", "DS" }, "NXDOMAIN aa\n" NO("alone.") },
	};
	struct world *w = world_new();
	world_add(w, "t.", SOA "a NS ns.else.\n");
	world_add(w, "b.a.t.", SOA);
	world_add(w, "alone.", SOA);
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 2317 4: aliases in a reverse zone, labels with a slash; RFC 2181 10.2: several PTR. */
Test(answer, rfc2317_reverse_zone)
{
#define REV "2.0.192.in-addr.arpa."
	static const struct world_case table[] = {
		{ { "1." REV, "PTR" },
		  "NOERROR aa\nan 1." REV " 3600 PTR a.test.\nan 1." REV " 3600 PTR b.test.\n" },
		{ { "2." REV, "PTR" },
		  "NOERROR aa\nan 2." REV " 3600 CNAME 2.0/25." REV "\nau 0/25." REV " 3600 NS ns.else.\n" },
		{ { "7." REV, "PTR" }, "NOERROR aa\nan 7." REV " 3600 PTR unknown.test.\n" },
		{ { REV, "PTR" }, "NOERROR aa\n" NO(REV) },
	};
	struct world *w = world_new();
	world_add(w, REV, SOA "1 PTR a.test.\n1 PTR b.test.\n2 CNAME 2.0/25\n0/25 NS ns.else.\n* PTR unknown.test.\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* A wildcard right below the root, and names with no zone but the root. */
Test(answer, root_with_a_wildcard)
{
	static const struct world_case table[] = {
		{ { "x.y.", "TXT" }, "NOERROR aa\nan x.y. 3600 TXT \"any\"\n" },
		{ { "com.", "DS" }, "NOERROR aa\nan com. 3600 DS 1 3330\n" },
		{ { ".", "DNSKEY" }, "NOERROR aa\nau . 300 SOA ns1. ... 7\n" },
		{ { "ns1.", "TXT" }, "NOERROR aa\nau . 300 SOA ns1. ... 7\n" },
		{ { ".", "ANY" }, "NOERROR aa\nan . 3600 NS ns1.\n" },
	};
	struct world *w = world_new();
	world_add(w, ".", "@ 3600 SOA ns1 host 7 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n* TXT \"any\"\n"
			  "com NS ns.else.\ncom DS " DS "\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}
