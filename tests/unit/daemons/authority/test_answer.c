/*
 * What is answered, rule by rule. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA "@ 3600 SOA ns1 host 7 7200 900 1209600 300\n"

static const char example_com[] = SOA
	"@ NS ns1\n"
	"@ NS ns2\n"
	"@ NS ns.elsewhere.test.\n"
	"@ MX 10 mail\n"
	"@ MX 20 mail.elsewhere.test.\n"
	"@ TXT \"apex\"\n"
	"ns1 A 192.0.2.1\n"
	"ns1 AAAA 2001:db8::1\n"
	"ns2 A 192.0.2.2\n"
	"mail A 192.0.2.3\n"
	"www 60 A 192.0.2.80\n"
	"www 60 A 192.0.2.81\n"
	"WwW2 A 192.0.2.82\n"
	"*.wild A 192.0.2.90\n"
	"*.wild MX 10 mail\n"
	"there.wild TXT \"blocks\"\n"
	"a.ent.wild TXT \"below an empty non-terminal\"\n"
	"x.y.z TXT \"deep\"\n"
	"*.cw CNAME www\n"
	"*.self CNAME x.self\n"
	"alias 120 CNAME www\n"
	"alias2 CNAME alias\n"
	"toother CNAME www.example.net.\n"
	"out CNAME www.elsewhere.test.\n"
	"broken CNAME www.failed.test.\n"
	"nowhere CNAME no.such.name\n"
	"loop1 CNAME loop2\n"
	"loop2 CNAME loop1\n"
	"selfloop CNAME selfloop\n"
	"tochild CNAME host.child\n"
	"_sip._udp SRV 1 2 5060 mail\n"
	"svc HTTPS 1 mail\n"
	"child NS ns.child\n"
	"child NS ns1\n"
	"child NS ns.sibling\n"
	"child DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"ns.child A 192.0.2.53\n"
	"ns.child AAAA 2001:db8::53\n"
	"sibling NS ns.sibling\n"
	"ns.sibling A 192.0.2.54\n"
	"mxsub MX 10 ns.child\n"
	"dn 100 DNAME target.example.net.\n"
	"dn TXT \"at the owner\"\n"
	"dl DNAME dl2\n"
	"dl2 DNAME dl\n"
	"chain0 CNAME chain1\n"
	"chain1 CNAME chain2\n"
	"*.down NS ns1\n";

static const char example_net[] = SOA
	"@ NS ns1\n"
	"ns1 A 192.0.2.11\n"
	"www A 192.0.2.91\n"
	"a.target A 192.0.2.92\n";

static struct world *make_world(void)
{
	struct world *w = world_new();
	world_add(w, "example.com.", example_com);
	world_add(w, "example.net.", example_net);
	world_add_failed(w, "failed.test.");
	return w;
}

#define NO_SOA "au example.com. 300 SOA ns1.example.com. ... 7\n"

Test(answer, positive)
{
	static const struct world_case table[] = {
		{ { "www.example.com." },
		  "NOERROR aa\n"
		  "an www.example.com. 60 A 192.0.2.80\nan www.example.com. 60 A 192.0.2.81\n" },
		/* RFC 4343 4.1: case of the question is kept */
		{ { "wWw.eXample.COM." },
		  "NOERROR aa\n"
		  "an wWw.eXample.COM. 60 A 192.0.2.80\nan wWw.eXample.COM. 60 A 192.0.2.81\n" },
		{ { "www2.example.com." }, "NOERROR aa\nan www2.example.com. 3600 A 192.0.2.82\n" },
		{ { "example.com.", "SOA" },
		  "NOERROR aa\nan example.com. 3600 SOA ns1.example.com. ... 7\n" },
		{ { "example.com.", "MX" },
		  "NOERROR aa\n"
		  "an example.com. 3600 MX 10 mail.example.com.\n"
		  "an example.com. 3600 MX 20 mail.elsewhere.test.\n"
		  "ad mail.example.com. 3600 A 192.0.2.3\n" },
		{ { "example.com.", "NS" },
		  "NOERROR aa\n"
		  "an example.com. 3600 NS ns.elsewhere.test.\n"
		  "an example.com. 3600 NS ns1.example.com.\n"
		  "an example.com. 3600 NS ns2.example.com.\n"
		  "ad ns1.example.com. 3600 A 192.0.2.1\n"
		  "ad ns1.example.com. 3600 AAAA 2001:db8::1\n"
		  "ad ns2.example.com. 3600 A 192.0.2.2\n" },
		{ { "_sip._udp.example.com.", "SRV" },
		  "NOERROR aa\n"
		  "an _sip._udp.example.com. 3600 SRV 1 2 5060 mail.example.com.\n"
		  "ad mail.example.com. 3600 A 192.0.2.3\n" },
		{ { "svc.example.com.", "HTTPS" },
		  "NOERROR aa\nan svc.example.com. 3600 HTTPS 1 mail.example.com.\n"
		  "ad mail.example.com. 3600 A 192.0.2.3\n" },
		/* an address below a cut is the child's to tell */
		{ { "mxsub.example.com.", "MX" },
		  "NOERROR aa\nan mxsub.example.com. 3600 MX 10 ns.child.example.com.\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 4035 3.1.6: AD and CD are cleared; RFC 1035 4.1.1: RD is copied; RFC 3225 3: so is DO. */
Test(answer, flags_of_the_query)
{
	static const struct world_case table[] = {
		{ { "example.com.", "TXT", .flags = FLAG_RD }, "NOERROR aa rd\nan example.com. 3600 TXT \"apex\"\n" },
		{ { "example.com.", "TXT", .flags = FLAG_CD | FLAG_AD | FLAG_RA | FLAG_AA | FLAG_TC | 0x4f },
		  "NOERROR aa\nan example.com. 3600 TXT \"apex\"\n" },
		{ { "example.com.", "TXT", .edns = true }, "NOERROR aa edns\nan example.com. 3600 TXT \"apex\"\n" },
		{ { "example.com.", "TXT", .dnssec = true },
		  "NOERROR aa edns do\nan example.com. 3600 TXT \"apex\"\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 2308 3, 5: SOA with min(TTL, MINIMUM). RFC 8020: what is above a name exists. */
Test(answer, no_data_and_no_name)
{
	static const struct world_case table[] = {
		{ { "www.example.com.", "AAAA" }, "NOERROR aa\n" NO_SOA },
		{ { "example.com.", "A" }, "NOERROR aa\n" NO_SOA },
		{ { "no.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "a.b.c.d.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "below.www.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "y.z.example.com." }, "NOERROR aa\n" NO_SOA },
		{ { "z.example.com.", "ANY" }, "NOERROR aa\n" NO_SOA },
		{ { "q.y.z.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "www.example.com.", "TYPE65280" }, "NOERROR aa\n" NO_SOA },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* The lower of the SOA's own TTL and its MINIMUM. */
Test(answer, negative_ttl_is_the_lower_of_two)
{
	struct world *w = world_new();
	world_add(w, "a.test.", "@ 100 SOA ns.other. host 7 7200 900 1209600 300\n@ NS ns.other.\n");
	cr_assert_str_eq(world_ask(w, &(struct question){ "x.a.test." }),
			 "NXDOMAIN aa\nau a.test. 100 SOA ns.other. ... 7\n");
	world_free(w);
}

/* RFC 4592 2.2, 3.3.1, 4. */
Test(answer, wildcards)
{
	static const struct world_case table[] = {
		{ { "q.wild.example.com." }, "NOERROR aa\nan q.wild.example.com. 3600 A 192.0.2.90\n" },
		{ { "q.r.s.wild.example.com." }, "NOERROR aa\nan q.r.s.wild.example.com. 3600 A 192.0.2.90\n" },
		{ { "q.wild.example.com.", "MX" },
		  "NOERROR aa\nan q.wild.example.com. 3600 MX 10 mail.example.com.\n"
		  "ad mail.example.com. 3600 A 192.0.2.3\n" },
		{ { "q.wild.example.com.", "TXT" }, "NOERROR aa\n" NO_SOA },
		/* the wildcard itself, and below it: "*" exists, so it is the closest encloser */
		{ { "*.wild.example.com." }, "NOERROR aa\nan *.wild.example.com. 3600 A 192.0.2.90\n" },
		{ { "q.*.wild.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		/* blocked by a name that exists, by an empty non-terminal, and below them */
		{ { "there.wild.example.com." }, "NOERROR aa\n" NO_SOA },
		{ { "q.there.wild.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "ent.wild.example.com." }, "NOERROR aa\n" NO_SOA },
		{ { "q.ent.wild.example.com." }, "NXDOMAIN aa\n" NO_SOA },
		{ { "wild.example.com." }, "NOERROR aa\n" NO_SOA },
		{ { "q.cw.example.com." },
		  "NOERROR aa\nan q.cw.example.com. 3600 CNAME www.example.com.\n"
		  "an www.example.com. 60 A 192.0.2.80\nan www.example.com. 60 A 192.0.2.81\n" },
		{ { "q.cw.example.com.", "CNAME" },
		  "NOERROR aa\nan q.cw.example.com. 3600 CNAME www.example.com.\n" },
		{ { "q.self.example.com." },
		  "NOERROR aa\nan q.self.example.com. 3600 CNAME x.self.example.com.\n"
		  "an x.self.example.com. 3600 CNAME x.self.example.com.\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, cname_chains)
{
	static const struct world_case table[] = {
		{ { "alias.example.com." },
		  "NOERROR aa\nan alias.example.com. 120 CNAME www.example.com.\n"
		  "an www.example.com. 60 A 192.0.2.80\nan www.example.com. 60 A 192.0.2.81\n" },
		{ { "alias.example.com.", "CNAME" },
		  "NOERROR aa\nan alias.example.com. 120 CNAME www.example.com.\n" },
		/* RFC 4035 2.5: these stand beside a CNAME, or they are not there */
		{ { "alias.example.com.", "RRSIG" }, "NOERROR aa\n" NO_SOA },
		{ { "alias.example.com.", "NSEC" }, "NOERROR aa\n" NO_SOA },
		/* RFC 2308 2.2: NODATA after a chain */
		{ { "alias2.example.com.", "TXT" },
		  "NOERROR aa\nan alias2.example.com. 3600 CNAME alias.example.com.\n"
		  "an alias.example.com. 120 CNAME www.example.com.\n" NO_SOA },
		/* RFC 6604 2.1: the RCODE is that of the last name */
		{ { "nowhere.example.com." },
		  "NXDOMAIN aa\nan nowhere.example.com. 3600 CNAME no.such.name.example.com.\n" NO_SOA },
		{ { "toother.example.com." },
		  "NOERROR aa\nan toother.example.com. 3600 CNAME www.example.net.\n"
		  "an www.example.net. 3600 A 192.0.2.91\n" },
		{ { "toother.example.com.", "MX" },
		  "NOERROR aa\nan toother.example.com. 3600 CNAME www.example.net.\n"
		  "au example.net. 300 SOA ns1.example.net. ... 7\n" },
		{ { "out.example.com." }, "NOERROR aa\nan out.example.com. 3600 CNAME www.elsewhere.test.\n" },
		{ { "broken.example.com." }, "NOERROR aa\nan broken.example.com. 3600 CNAME www.failed.test.\n" },
		{ { "loop1.example.com." },
		  "NOERROR aa\nan loop1.example.com. 3600 CNAME loop2.example.com.\n"
		  "an loop2.example.com. 3600 CNAME loop1.example.com.\n" },
		{ { "SELFLOOP.example.com." },
		  "NOERROR aa\nan SELFLOOP.example.com. 3600 CNAME SELFLOOP.example.com.\n" },
		{ { "tochild.example.com." },
		  "NOERROR aa\nan tochild.example.com. 3600 CNAME host.child.example.com.\n"
		  "au child.example.com. 3600 NS ns.child.example.com.\n"
		  "au child.example.com. 3600 NS ns.sibling.example.com.\n"
		  "au child.example.com. 3600 NS ns1.example.com.\n"
		  "ad ns.child.example.com. 3600 A 192.0.2.53\n"
		  "ad ns.child.example.com. 3600 AAAA 2001:db8::53\n"
		  "ad ns.sibling.example.com. 3600 A 192.0.2.54\n"
		  "ad ns1.example.com. 3600 A 192.0.2.1\n"
		  "ad ns1.example.com. 3600 AAAA 2001:db8::1\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, long_chain_ends_at_its_bound)
{
	char text[4096] = SOA "@ NS ns1\nns1 A 192.0.2.1\n";
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "c%u CNAME c%u\n", i, i + 1);
	}
	struct world *w = world_new();
	world_add(w, "a.test.", text);
	const char *got = world_ask(w, &(struct question){ "c0.a.test.", .transport = TRANSPORT_TCP });
	unsigned records = 0;
	for (const char *p = got; (p = strstr(p, "\nan ")) != NULL; p++) {
		records++;
	}
	cr_assert_eq(records, CNAME_STEPS_MAX + 1, "%s", got);
	cr_assert_eq(strncmp(got, "NOERROR aa\n", 11), 0);
	world_free(w);
}

/* RFC 6672. */
Test(answer, dnames)
{
	static const struct world_case table[] = {
		/* 3.1: the DNAME, then a CNAME with its TTL */
		{ { "a.dn.example.com." },
		  "NOERROR aa\nan dn.example.com. 100 DNAME target.example.net.\n"
		  "an a.dn.example.com. 100 CNAME a.target.example.net.\n"
		  "an a.target.example.net. 3600 A 192.0.2.92\n" },
		{ { "q.r.dn.example.com." },
		  "NXDOMAIN aa\nan dn.example.com. 100 DNAME target.example.net.\n"
		  "an q.r.dn.example.com. 100 CNAME q.r.target.example.net.\n"
		  "au example.net. 300 SOA ns1.example.net. ... 7\n" },
		/* 2.3: the owner is not redirected */
		{ { "dn.example.com.", "TXT" }, "NOERROR aa\nan dn.example.com. 3600 TXT \"at the owner\"\n" },
		{ { "dn.example.com.", "DNAME" },
		  "NOERROR aa\nan dn.example.com. 100 DNAME target.example.net.\n" },
		{ { "dn.example.com." }, "NOERROR aa\n" NO_SOA },
		/* the CNAME that it makes is what was asked for */
		{ { "a.dn.example.com.", "CNAME" },
		  "NOERROR aa\nan dn.example.com. 100 DNAME target.example.net.\n"
		  "an a.dn.example.com. 100 CNAME a.target.example.net.\n" },
		{ { "a.dn.example.com.", "ANY" },
		  "NOERROR aa\nan dn.example.com. 100 DNAME target.example.net.\n"
		  "an a.dn.example.com. 100 CNAME a.target.example.net.\n" },
		{ { "a.dn.example.com.", "DNAME" },
		  "NOERROR aa\nan dn.example.com. 100 DNAME target.example.net.\n"
		  "an a.dn.example.com. 100 CNAME a.target.example.net.\n"
		  "au example.net. 300 SOA ns1.example.net. ... 7\n" },
		{ { "q.dl.example.com." },
		  "NOERROR aa\nan dl.example.com. 3600 DNAME dl2.example.com.\n"
		  "an q.dl.example.com. 3600 CNAME q.dl2.example.com.\n"
		  "an dl2.example.com. 3600 DNAME dl.example.com.\n"
		  "an q.dl2.example.com. 3600 CNAME q.dl.example.com.\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 6672 2.2: 255 octets are the end; one less is fine. */
Test(answer, dname_that_makes_a_name_too_long)
{
#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
	struct world *w = world_new();
	world_add(w, "a.test.", SOA "@ NS ns1\nns1 A 192.0.2.1\nd DNAME target-that-is-longer.test.\n");
	/* 4 labels of 50: 204, one of n: n + 1, "target-that-is-longer.test.": 28 */
	const char *fits = L50 "." L50 "." L50 "." L50 ".aaaaaaaaaabbbbbbbbbbcc.d.a.test.";
	const char *long_one = L50 "." L50 "." L50 "." L50 ".aaaaaaaaaabbbbbbbbbbccc.d.a.test.";
	const char *got = world_ask(w, &(struct question){ fits, .transport = TRANSPORT_TCP });
	cr_assert_eq(strncmp(got, "NOERROR aa\n", 11), 0, "%s", got);
	cr_assert_not_null(strstr(got, " CNAME "));
	got = world_ask(w, &(struct question){ long_one, .transport = TRANSPORT_TCP });
	cr_assert_str_eq(got, "YXDOMAIN aa\nan d.a.test. 3600 DNAME target-that-is-longer.test.\n");
	world_free(w);
}

/* RFC 1034 4.3.2 3b, RFC 2181 6.1, RFC 9471. */
Test(answer, referrals)
{
#define CHILD_NS                                                  \
	"au child.example.com. 3600 NS ns.child.example.com.\n"   \
	"au child.example.com. 3600 NS ns.sibling.example.com.\n" \
	"au child.example.com. 3600 NS ns1.example.com.\n"
#define CHILD_GLUE                                                                                            \
	"ad ns.child.example.com. 3600 A 192.0.2.53\nad ns.child.example.com. 3600 AAAA 2001:db8::53\n"        \
	"ad ns.sibling.example.com. 3600 A 192.0.2.54\nad ns1.example.com. 3600 A 192.0.2.1\n"                 \
	"ad ns1.example.com. 3600 AAAA 2001:db8::1\n"
	static const struct world_case table[] = {
		{ { "host.child.example.com." }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		{ { "child.example.com." }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		{ { "child.example.com.", "NS" }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		{ { "child.example.com.", "ANY" }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		/* glue is not an answer */
		{ { "ns.child.example.com." }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		{ { "a.b.c.child.example.com.", "DS" }, "NOERROR\n" CHILD_NS CHILD_GLUE },
		/* RFC 4035 3.1.4 is about signed zones; see below for those */
		{ { "host.child.example.com.", .dnssec = true }, "NOERROR edns do\n" CHILD_NS CHILD_GLUE },
		{ { "x.sibling.example.com." },
		  "NOERROR\nau sibling.example.com. 3600 NS ns.sibling.example.com.\n"
		  "ad ns.sibling.example.com. 3600 A 192.0.2.54\n" },
		/* RFC 4035 3.1.4.1: DS at the cut is the parent's */
		{ { "child.example.com.", "DS" }, "NOERROR aa\nan child.example.com. 3600 DS 1 3330\n" },
		{ { "sibling.example.com.", "DS" }, "NOERROR aa\n" NO_SOA },
		{ { "example.com.", "DS" }, "NOERROR aa\n" NO_SOA },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, parent_and_child_zone_side_by_side)
{
	static const struct world_case table[] = {
		{ { "host.sub.p.test." }, "NOERROR aa\nan host.sub.p.test. 3600 A 192.0.2.5\n" },
		{ { "sub.p.test.", "NS" },
		  "NOERROR aa\nan sub.p.test. 3600 NS ns.sub.p.test.\nad ns.sub.p.test. 3600 A 192.0.2.6\n" },
		{ { "sub.p.test.", "SOA" }, "NOERROR aa\nan sub.p.test. 3600 SOA ns1.sub.p.test. ... 7\n" },
		{ { "sub.p.test.", "DS" }, "NOERROR aa\nan sub.p.test. 3600 DS 1 3330\n" },
		{ { "no.sub.p.test." }, "NXDOMAIN aa\nau sub.p.test. 300 SOA ns1.sub.p.test. ... 7\n" },
		{ { "host.sub.p.test.", "DS" }, "NOERROR aa\nau sub.p.test. 300 SOA ns1.sub.p.test. ... 7\n" },
		/* the parent serves no cut for this child: it says what it knows */
		{ { "hidden.p.test.", "DS" }, "NXDOMAIN aa\nau p.test. 300 SOA ns1.p.test. ... 7\n" },
		{ { "hidden.p.test.", "TXT" }, "NOERROR aa\nan hidden.p.test. 3600 TXT \"h\"\n" },
		{ { "p.test.", "DS" }, "NOERROR aa\nau p.test. 300 SOA ns1.p.test. ... 7\n" },
		{ { "alias.p.test." },
		  "NOERROR aa\nan alias.p.test. 3600 CNAME host.sub.p.test.\n"
		  "an host.sub.p.test. 3600 A 192.0.2.5\n" },
	};
	struct world *w = world_new();
	world_add(w, "sub.p.test.", SOA "@ NS ns\nns A 192.0.2.6\nhost A 192.0.2.5\n");
	world_add(w, "hidden.p.test.", SOA "@ NS ns.p.test.\n@ TXT \"h\"\n");
	world_add(w, "p.test.", SOA "@ NS ns1\nns1 A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.6\n"
				    "sub DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
				    "alias CNAME host.sub\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* Data below a cut or a DNAME is not there for queries; the topmost of nested ones rules. */
Test(answer, occluded_data)
{
	static const struct world_case table[] = {
		{ { "deep.cut.o.test.", "TXT" },
		  "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
		{ { "x.inner.cut.o.test." }, "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
		{ { "inner.cut.o.test.", "DS" }, "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
		{ { "q.dn.cut.o.test." }, "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
		{ { "al.cut.o.test." }, "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
		{ { "q.w.cut.o.test." }, "NOERROR\nau cut.o.test. 3600 NS ns.elsewhere.\n" },
	};
	struct world *w = world_new();
	world_add(w, "o.test.", SOA "@ NS ns.elsewhere.\ncut NS ns.elsewhere.\ndeep.cut TXT \"no\"\n"
				    "inner.cut NS ns2.elsewhere.\ndn.cut DNAME other.\nal.cut CNAME deep\n"
				    "*.w.cut A 192.0.2.1\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 8482 4.1: one RRset, over TCP too. */
Test(answer, any_is_minimal)
{
	static const struct world_case table[] = {
		{ { "ns1.example.com.", "ANY" }, "NOERROR aa\nan ns1.example.com. 3600 A 192.0.2.1\n" },
		{ { "ns1.example.com.", "ANY", .transport = TRANSPORT_TCP },
		  "NOERROR aa\nan ns1.example.com. 3600 A 192.0.2.1\n" },
		{ { "alias.example.com.", "ANY" },
		  "NOERROR aa\nan alias.example.com. 120 CNAME www.example.com.\n" },
		{ { "q.wild.example.com.", "ANY" }, "NOERROR aa\nan q.wild.example.com. 3600 A 192.0.2.90\n" },
		{ { "no.example.com.", "ANY" }, "NXDOMAIN aa\n" NO_SOA },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, names_outside_and_zones_without_data)
{
	static const struct world_case table[] = {
		{ { "www.elsewhere.test." }, "REFUSED\n" },
		{ { "com." }, "REFUSED\n" },
		{ { "." }, "REFUSED\n" },
		{ { "example.org.", .edns = true }, "REFUSED edns ede=20\n" },
		{ { "failed.test." }, "SERVFAIL\n" },
		{ { "a.b.failed.test.", .flags = FLAG_RD, .dnssec = true }, "SERVFAIL rd edns do ede=14\n" },
	};
	struct world *w = make_world();
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, root_zone)
{
	static const struct world_case table[] = {
		{ { ".", "NS" }, "NOERROR aa\nan . 3600 NS a.root.\nad a.root. 3600 A 192.0.2.1\n" },
		{ { "com." },
		  "NOERROR\nau com. 3600 NS a.gtld.com.\nad a.gtld.com. 3600 A 192.0.2.2\n" },
		{ { "www.example.com.", "AAAA" },
		  "NOERROR\nau com. 3600 NS a.gtld.com.\nad a.gtld.com. 3600 A 192.0.2.2\n" },
		{ { "nosuch." }, "NXDOMAIN aa\nau . 300 SOA a.root. ... 7\n" },
		{ { ".", "DS" }, "NOERROR aa\nau . 300 SOA a.root. ... 7\n" },
		{ { "root." }, "NOERROR aa\nau . 300 SOA a.root. ... 7\n" },
	};
	struct world *w = world_new();
	world_add(w, ".", ". 3600 SOA a.root. host. 7 7200 900 1209600 300\n. NS a.root.\na.root. A 192.0.2.1\n"
			  "com. NS a.gtld.com.\na.gtld.com. A 192.0.2.2\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

Test(answer, names_with_odd_octets)
{
	static const struct world_case table[] = {
		{ { "a\\.b.e.test." }, "NOERROR aa\nan a\\.b.e.test. 3600 A 192.0.2.1\n" },
		{ { "a.b.e.test." }, "NXDOMAIN aa\nau e.test. 300 SOA ns1.e.test. ... 7\n" },
		{ { "\\000\\255.e.test." }, "NOERROR aa\nan \\000\\255.e.test. 3600 A 192.0.2.2\n" },
	};
	struct world *w = world_new();
	world_add(w, "e.test.", SOA "@ NS ns1\nns1 A 192.0.2.1\na\\.b A 192.0.2.1\n\\000\\255 A 192.0.2.2\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* --- signed zones; proofs are in test_denial.c --- */

#define SIG(type) "RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 s.test. AAAA\n"

static const char signed_zone[] =
	SOA "@ " SIG("SOA") "@ NS ns1\n@ " SIG("NS")
	"@ DNSKEY 257 3 13 AAAA\n@ " SIG("DNSKEY")
	"ns1 A 192.0.2.1\nns1 " SIG("A")
	"ns1 AAAA 2001:db8::1\nns1 " SIG("AAAA")
	"al CNAME ns1\nal " SIG("CNAME") "al NSEC ns1.s.test. CNAME RRSIG NSEC\nal " SIG("NSEC")
	"child NS ns.child\nns.child A 192.0.2.9\n"
	"child DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nchild " SIG("DS")
	"d DNAME ns1.s.test.\nd " SIG("DNAME")
	"mx MX 1 ns1\nmx " SIG("MX");

Test(answer, signatures_ride_along_with_do)
{
	static const struct world_case table[] = {
		{ { "ns1.s.test.", .dnssec = true },
		  "NOERROR aa edns do\nan ns1.s.test. 3600 A 192.0.2.1\nan ns1.s.test. 3600 RRSIG A\n" },
		{ { "ns1.s.test.", .edns = true }, "NOERROR aa edns\nan ns1.s.test. 3600 A 192.0.2.1\n" },
		{ { "ns1.s.test." }, "NOERROR aa\nan ns1.s.test. 3600 A 192.0.2.1\n" },
		{ { "al.s.test.", .dnssec = true },
		  "NOERROR aa edns do\nan al.s.test. 3600 CNAME ns1.s.test.\nan al.s.test. 3600 RRSIG CNAME\n"
		  "an ns1.s.test. 3600 A 192.0.2.1\nan ns1.s.test. 3600 RRSIG A\n" },
		/* RFC 4035 2.5: NSEC and RRSIG may stand beside a CNAME, and are answered when asked for */
		{ { "al.s.test.", "NSEC" }, "NOERROR aa\nan al.s.test. 300 NSEC ns1.s.test.\n" }, /* RFC 9077 3 */
		{ { "al.s.test.", "RRSIG", .transport = TRANSPORT_TCP },
		  "NOERROR aa\nan al.s.test. 3600 RRSIG CNAME\nan al.s.test. 3600 RRSIG NSEC\n" },
		{ { "ns1.s.test.", "RRSIG" }, "NOERROR aa\nan ns1.s.test. 3600 RRSIG A\n" },
		{ { "ns1.s.test.", "RRSIG", .transport = TRANSPORT_LINK },
		  "NOERROR aa\nan ns1.s.test. 3600 RRSIG A\nan ns1.s.test. 3600 RRSIG AAAA\n" },
		/* RFC 4034 3: the RRSIG has the TTL of what it covers, also when that is lowered */
		{ { "mx.s.test.", "A", .dnssec = true },
		  "NOERROR aa edns do\nau s.test. 300 SOA ns1.s.test. ... 7\nau s.test. 300 RRSIG SOA\n" },
		{ { "mx.s.test.", "MX", .dnssec = true },
		  "NOERROR aa edns do\nan mx.s.test. 3600 MX 1 ns1.s.test.\nan mx.s.test. 3600 RRSIG MX\n"
		  "ad ns1.s.test. 3600 A 192.0.2.1\nad ns1.s.test. 3600 RRSIG A\n"
		  "ad ns1.s.test. 3600 AAAA 2001:db8::1\nad ns1.s.test. 3600 RRSIG AAAA\n" },
		{ { "x.child.s.test.", .dnssec = true },
		  "NOERROR edns do\nau child.s.test. 3600 NS ns.child.s.test.\n"
		  "au child.s.test. 3600 DS 1 3330\nau child.s.test. 3600 RRSIG DS\n"
		  "ad ns.child.s.test. 3600 A 192.0.2.9\n" },
		/* RFC 6672 5.3.1: the CNAME of a DNAME has no signature */
		{ { "q.d.s.test.", .dnssec = true },
		  "NXDOMAIN aa edns do\nan d.s.test. 3600 DNAME ns1.s.test.\nan d.s.test. 3600 RRSIG DNAME\n"
		  "an q.d.s.test. 3600 CNAME q.ns1.s.test.\n"
		  "au s.test. 300 SOA ns1.s.test. ... 7\nau s.test. 300 RRSIG SOA\n" },
		{ { "mx.s.test.", "ANY", .dnssec = true },
		  "NOERROR aa edns do\nan mx.s.test. 3600 MX 1 ns1.s.test.\nan mx.s.test. 3600 RRSIG MX\n" },
	};
	struct world *w = world_new();
	world_add(w, "s.test.", signed_zone);
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 5155 7.2.8: owners of NSEC3 are no names; wildcards stand for them and what is below. */
Test(answer, nsec3_owners_are_not_names)
{
	static const struct world_case table[] = {
		{ { "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.n.test.", "NSEC3" },
		  "NXDOMAIN aa\nau n.test. 300 SOA ns1.n.test. ... 7\n" },
		{ { "x.0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.n.test." },
		  "NXDOMAIN aa\nau n.test. 300 SOA ns1.n.test. ... 7\n" },
	};
	struct world *w = world_new();
	world_add(w, "n.test.", SOA "@ NS ns1\nns1 A 192.0.2.1\n@ NSEC3PARAM 1 0 0 -\n"
				    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
				    "2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA NSEC3PARAM\n");
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* --- sizes --- */

static struct world *big_world(void)
{
	char *text = malloc(200000);
	size_t pos = (size_t)sprintf(text, "%s@ NS ns1\nns1 A 192.0.2.1\n", SOA);
	for (unsigned i = 0; i < 300; i++) {
		pos += (size_t)sprintf(text + pos, "big A 10.0.%u.%u\n", i / 256, i % 256);
	}
	for (unsigned i = 0; i < 40; i++) {
		pos += (size_t)sprintf(text + pos, "mid A 10.1.0.%u\n", i);
	}
	for (unsigned i = 0; i < 13; i++) {
		pos += (size_t)sprintf(text + pos, "del NS n%u.del\nn%u.del A 192.0.2.%u\nn%u.del AAAA 2001:db8::%u\n",
				       i, i, i, i, i);
		pos += (size_t)sprintf(text + pos, "sib NS n%u.del\nmx MX %u n%u.mxx\nn%u.mxx A 192.0.2.%u\n", i, i,
				       i, i, i);
		pos += (size_t)sprintf(text + pos, "n%u.mxx AAAA 2001:db8::%u\n", i, i);
	}
	sprintf(text + pos, "albig CNAME big\n");
	struct world *w = world_new();
	world_add(w, "t.test.", text);
	free(text);
	return w;
}

static unsigned count_lines(const char *text, const char *start)
{
	unsigned count = 0;
	for (const char *p = strchr(text, '\n'); p != NULL && p[1] != '\0'; p = strchr(p + 1, '\n')) {
		count += strncmp(p + 1, start, strlen(start)) == 0;
	}
	return count;
}

/* RFC 6891 6.2.3, 6.2.5 and our ceiling. */
Test(answer, udp_limit)
{
	static const struct {
		struct question q;
		size_t limit;
	} table[] = {
		{ { "mid.t.test." }, 512 },
		{ { "mid.t.test.", .udp_size = 100 }, 512 },
		{ { "mid.t.test.", .udp_size = 512 }, 512 },
		{ { "mid.t.test.", .udp_size = 600 }, 600 },
		{ { "big.t.test.", .udp_size = 1232 }, 1232 },
		{ { "big.t.test.", .udp_size = 4096 }, 1232 },
		{ { "big.t.test.", .udp_size = 65535 }, 1232 },
	};
	struct world *w = big_world();
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *got = world_ask(w, &table[i].q);
		cr_assert_not_null(strstr(got, " tc"), "%s", got);
		cr_assert_eq(count_lines(got, "an "), 0, "RFC 2181 9: no part of an RRset");
		cr_assert_leq(w->reply_len, table[i].limit);
		cr_assert(w->work.answer.truncated);
	}
	cr_assert_null(strstr(world_ask(w, &(struct question){ "mid.t.test.", .udp_size = 1232 }), " tc"));
	world_free(w);
}

Test(answer, what_fits_to_the_octet)
{
	struct world *w = big_world();
	struct question q = { "mid.t.test.", .udp_size = 1232 };
	world_ask(w, &q);
	size_t full = w->reply_len;
	q.udp_size = (uint16_t)full;
	cr_assert_eq(count_lines(world_ask(w, &q), "an "), 40);
	cr_assert_eq(w->reply_len, full);
	q.udp_size = (uint16_t)(full - 1);
	cr_assert_eq(count_lines(world_ask(w, &q), "an "), 0);
	cr_assert_not_null(strstr(w->text, " tc"));
	world_free(w);
}

Test(answer, tcp_and_links_have_room)
{
	struct world *w = big_world();
	static const enum transport transports[] = { TRANSPORT_TCP, TRANSPORT_LINK };
	for (size_t i = 0; i < COUNT(transports); i++) {
		struct question q = { "big.t.test.", .transport = transports[i] };
		cr_assert_eq(count_lines(world_ask(w, &q), "an "), 300);
		cr_assert_null(strstr(w->text, " tc"));
		cr_assert_not(w->work.answer.truncated);
	}
	world_free(w);
}

/* The alias fits, what it leads to does not. */
Test(answer, truncated_chain_keeps_its_beginning)
{
	struct world *w = big_world();
	cr_assert_str_eq(world_ask(w, &(struct question){ "albig.t.test." }),
			 "NOERROR aa tc\nan albig.t.test. 3600 CNAME big.t.test.\n");
	world_free(w);
}

/* RFC 9471 3.1: glue below the cut is owed. */
Test(answer, missing_glue_is_truncation)
{
	struct world *w = big_world();
	const char *got = world_ask(w, &(struct question){ "x.del.t.test." });
	cr_assert_not_null(strstr(got, "NOERROR tc\n"), "%s", got);
	cr_assert_eq(count_lines(got, "au "), 13);
	got = world_ask(w, &(struct question){ "x.del.t.test.", .udp_size = 1232 });
	cr_assert_not_null(strstr(got, "NOERROR edns\n"), "%s", got);
	cr_assert_eq(count_lines(got, "ad "), 26);
	/* 3.2: of siblings it is a courtesy */
	got = world_ask(w, &(struct question){ "x.sib.t.test." });
	cr_assert_not_null(strstr(got, "NOERROR\n"), "%s", got);
	cr_assert_eq(count_lines(got, "au "), 13);
	cr_assert_gt(count_lines(got, "ad "), 0);
	cr_assert_lt(count_lines(got, "ad "), 26);
	world_free(w);
}

/* RFC 2181 9: additional data that is only useful goes without TC. */
Test(answer, courtesy_is_left_out_in_silence)
{
	struct world *w = big_world();
	const char *got = world_ask(w, &(struct question){ "mx.t.test.", "MX" });
	cr_assert_eq(strncmp(got, "NOERROR aa\n", 11), 0, "%s", got);
	cr_assert_eq(count_lines(got, "an "), 13);
	cr_assert_lt(count_lines(got, "ad "), 26);
	got = world_ask(w, &(struct question){ "mx.t.test.", "MX", .transport = TRANSPORT_TCP });
	cr_assert_eq(count_lines(got, "ad "), 26);
	world_free(w);
}

/* Whatever is asked at whatever size, the reply keeps within it and parses. */
Test(answer, every_size_for_every_name)
{
	static const char *const names[] = { "t.test.", "big.t.test.", "mid.t.test.", "x.del.t.test.", "x.sib.t.test.",
					     "mx.t.test.", "albig.t.test.", "no.t.test." };
	static const char *const types[] = { "A", "NS", "MX", "ANY", "SOA" };
	struct world *w = big_world();
	for (size_t n = 0; n < COUNT(names); n++) {
		for (size_t t = 0; t < COUNT(types); t++) {
			for (uint16_t size = 512; size <= 1240; size += 7) {
				struct question q = { names[n], types[t], .udp_size = size };
				world_ask(w, &q);
				cr_assert_leq(w->reply_len, size < 1232 ? size : 1232);
				cr_assert_gt(w->reply_len, 0);
			}
		}
	}
	world_free(w);
}

/* RFC 2181 5: records of a set have no order. Each is the first one in turn, and the others follow in theirs. */
Test(answer, records_of_the_answer_take_turns)
{
	static const struct {
		const char *type;
		unsigned count;
	} cases[] = { { "A", 3 }, { "TXT", 2 }, { "AAAA", 1 } };
	struct world *w = world_new();
	world_add(w, "example.", "@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n"
				 "www A 192.0.2.1\nwww A 192.0.2.2\nwww A 192.0.2.3\n"
				 "www TXT \"0\"\nwww TXT \"1\"\nwww AAAA 2001:db8::1\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned id = 0; id < 7; id++) {
			uint8_t wire[UDP_RECV_MAX];
			size_t len = question_wire(&(struct question){ .name = "www.example.", .type = cases[i].type }, wire);
			char want[512] = "NOERROR aa\n";
			put_u16(wire, (uint16_t)id);
			for (unsigned k = 0; k < cases[i].count; k++) {
				static const char *const rdata[3][3] = { { "192.0.2.1", "192.0.2.2", "192.0.2.3" },
									 { "\"0\"", "\"1\"", NULL },
									 { "2001:db8::1", NULL, NULL } };
				size_t used = strlen(want);
				snprintf(want + used, sizeof(want) - used, "an www.example. 3600 %s %s\n", cases[i].type,
					 rdata[i][(id + k) % cases[i].count]);
			}
			w->view->rotate = true;
			cr_assert_str_eq(world_send(w, wire, len, TRANSPORT_UDP, NULL), want, "id %u", id);
			if (id == 0) {
				continue;
			}
			w->view->rotate = false;
			put_u16(wire, 0);
			char in_order[WORLD_TEXT_MAX / 1024];
			snprintf(in_order, sizeof(in_order), "%s", world_send(w, wire, len, TRANSPORT_UDP, NULL));
			put_u16(wire, (uint16_t)id);
			cr_assert_str_eq(world_send(w, wire, len, TRANSPORT_UDP, NULL), in_order, "fixed order");
		}
	}
	/* Not in other sections, and not signatures. */
	w->view->rotate = true;
	uint8_t wire[UDP_RECV_MAX];
	size_t len = question_wire(&(struct question){ .name = "example.", .type = "NS" }, wire);
	put_u16(wire, 1);
	cr_assert_str_eq(world_send(w, wire, len, TRANSPORT_UDP, NULL),
			 "NOERROR aa\nan example. 3600 NS ns2.example.\nan example. 3600 NS ns1.example.\n"
			 "ad ns1.example. 3600 A 192.0.2.1\nad ns2.example. 3600 A 192.0.2.2\n");
	world_free(w);
}

Test(answer, signatures_do_not_take_turns)
{
	static const char *const sigs = "www RRSIG A 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
					"www RRSIG A 13 2 3600 20300101000000 20200101000000 2 example. BBBB\n";
	char text[1024];
	struct world *w = world_new();
	snprintf(text, sizeof(text), "@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.1\nwww A 192.0.2.2\n%s",
		 sigs);
	world_add(w, "example.", text);
	w->view->rotate = true;
	uint8_t wire[UDP_RECV_MAX];
	uint8_t tails[2][40];
	for (unsigned id = 0; id < 2; id++) {
		size_t len = question_wire(&(struct question){ .name = "www.example.", .dnssec = true }, wire);
		put_u16(wire, (uint16_t)id);
		world_send(w, wire, len, TRANSPORT_UDP, NULL);
		cr_assert_eq(get_u16(w->reply + 6), 4);
		memcpy(tails[id], w->reply + w->reply_len - EDNS_SIZE_MIN - sizeof(tails[id]), sizeof(tails[id]));
	}
	cr_assert_arr_eq(tails[0], tails[1], sizeof(tails[0])); /* the second signature */
	world_free(w);
}

/* More servers than names whose places are remembered: each address has its own owner, first record or not. */
Test(answer, glue_of_many_servers)
{
	enum { SERVERS = ANSWER_COURTESY_MAX + 8 };
	static char text[SERVERS * 128];
	static char want[SERVERS * 128];
	struct world *w = world_new();
	size_t used = (size_t)snprintf(text, sizeof(text), "@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n");
	size_t len = (size_t)snprintf(want, sizeof(want), "NOERROR\n");
	for (unsigned i = 0; i < SERVERS; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "sub NS n%02u.sub\nn%02u.sub A 192.0.2.%u\n", i, i, i);
		len += (size_t)snprintf(want + len, sizeof(want) - len, "au sub.example. 3600 NS n%02u.sub.example.\n", i);
	}
	for (unsigned i = 0; i < SERVERS; i++) {
		len += (size_t)snprintf(want + len, sizeof(want) - len, "ad n%02u.sub.example. 3600 A 192.0.2.%u\n", i, i);
	}
	world_add(w, "example.", text);
	w->view->rotate = true;
	cr_assert_str_eq(world_ask(w, &(struct question){ "www.sub.example.", .transport = TRANSPORT_TCP }), want);
	world_free(w);
}

/* MX records take turns; the addresses keep theirs, and each has the name that its record has. */
Test(answer, addresses_follow_their_names_when_records_take_turns)
{
	struct world *w = world_new();
	world_add(w, "example.", "@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"
				 "@ MX 1 mail1\n@ MX 2 mail2\n@ MX 3 mail3.other.\n"
				 "mail1 A 192.0.2.11\nmail1 AAAA 2001:db8::11\nmail2 A 192.0.2.12\n");
	w->view->rotate = true;
	for (unsigned id = 0; id < 3; id++) {
		static const char *const rdata[] = { "1 mail1.example.", "2 mail2.example.", "3 mail3.other." };
		char want[512];
		uint8_t wire[UDP_RECV_MAX];
		size_t len = question_wire(&(struct question){ "example.", "MX" }, wire);
		put_u16(wire, (uint16_t)id);
		snprintf(want, sizeof(want),
			 "NOERROR aa\nan example. 3600 MX %s\nan example. 3600 MX %s\nan example. 3600 MX %s\n"
			 "ad mail1.example. 3600 A 192.0.2.11\nad mail1.example. 3600 AAAA 2001:db8::11\n"
			 "ad mail2.example. 3600 A 192.0.2.12\n",
			 rdata[id % 3], rdata[(id + 1) % 3], rdata[(id + 2) % 3]);
		cr_assert_str_eq(world_send(w, wire, len, TRANSPORT_UDP, NULL), want);
	}
	world_free(w);
}
