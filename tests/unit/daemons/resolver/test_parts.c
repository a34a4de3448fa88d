/*
 * The small parts of the resolver: minimisation, facts about servers, delegations, RRsets, judging.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim.h"

#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/util/count.h"
#include "daemons/resolver/minimise.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(minimise, one_label_at_a_time_then_more_and_never_over_the_count)
{
	for (unsigned known = 0; known < 127; known++) {
		for (unsigned total = known + 1; total <= 127; total++) {
			unsigned at = known;
			unsigned asked = 0;
			while (at < total) {
				unsigned next = minimise_labels(at, total, asked);
				cr_assert(next > at && next <= total);
				cr_assert(asked >= MINIMISE_ONE_LABEL || next == at + 1);
				at = next;
				asked++;
			}
			cr_assert_leq(asked, MINIMISE_COUNT_MAX);
		}
	}
	cr_assert_eq(minimise_labels(2, 40, MINIMISE_COUNT_MAX), 40u);
}

static struct servers *servers(void)
{
	static const struct siphash_key key = { 3, 4 };
	struct servers *s = servers_new(1000, &key);
	cr_assert_not_null(s);
	return s;
}

static struct addr addr_of(const char *text)
{
	struct addr a;
	cr_assert_eq(addr_parse(text, 53, &a), BH_OK);
	return a;
}

Test(servers, smooths_rtt_and_waits_accordingly)
{
	struct servers *s = servers();
	struct addr a = addr_of("192.0.2.1");
	struct server_facts f;
	servers_get(s, &a, 0, &f);
	cr_assert(!f.known && f.edns && f.keeps_case && !f.down);
	cr_assert_eq(servers_timeout_ms(&f), RTO_UNKNOWN_MS);
	for (unsigned i = 0; i < 50; i++) {
		servers_note_reply(s, &a, &(struct server_reply){ .rtt_ms = 100, .edns = true }, i);
	}
	servers_get(s, &a, 60, &f);
	cr_assert(f.known && f.edns_seen);
	cr_assert_eq(f.srtt_ms, 100u);
	cr_assert_leq(servers_timeout_ms(&f), 200u);
	servers_note_silence(s, &a, 200, 100);
	servers_get(s, &a, 101, &f);
	cr_assert_geq(servers_timeout_ms(&f), 300u);
	struct addr other_port = addr_of("192.0.2.1@5353");
	servers_get(s, &other_port, 101, &f);
	cr_assert_not(f.known);
	servers_free(s);
}

Test(servers, backs_off_longer_each_time_with_a_ceiling)
{
	struct servers *s = servers();
	struct addr a = addr_of("2001:db8::1");
	struct server_facts f;
	uint64_t now = 100000;
	uint64_t last = 0;
	for (unsigned i = 0; i < 300; i++) {
		servers_note_sent(s, &a, now);
		servers_note_silence(s, &a, 1000, now);
		servers_get(s, &a, now, &f);
		cr_assert_eq(f.down, i >= 2);
		if (f.down) {
			cr_assert_geq(f.probe_ms - now, last);
			last = f.probe_ms - now;
			cr_assert_leq(last, BACKOFF_MAX_MS);
			cr_assert_not(f.may_probe);
			servers_get(s, &a, now + PROBE_EVERY_MS, &f);
			cr_assert(f.may_probe);
		}
	}
	cr_assert_eq(last, BACKOFF_MAX_MS);
	servers_note_reply(s, &a, &(struct server_reply){ .rtt_ms = 10, .edns = true }, now);
	servers_get(s, &a, now, &f);
	cr_assert_not(f.down);
	servers_free(s);
}

Test(servers, lameness_is_per_zone_and_ends)
{
	struct servers *s = servers();
	struct addr a = addr_of("192.0.2.1");
	struct addr b = addr_of("192.0.2.2");
	uint8_t zone[DNAME_MAX];
	uint8_t other[DNAME_MAX];
	sim_name("Example.com.", zone);
	sim_name("example.net.", other);
	servers_set_lame(s, &a, zone, 5000);
	sim_name("example.COM.", zone);
	cr_assert(servers_is_lame(s, &a, servers_zone_hash(s, zone), 4999));
	cr_assert_not(servers_is_lame(s, &a, servers_zone_hash(s, zone), 5000));
	cr_assert_not(servers_is_lame(s, &b, servers_zone_hash(s, zone), 4000));
	cr_assert_not(servers_is_lame(s, &a, servers_zone_hash(s, other), 4000));
	servers_free(s);
}

/* A delegation has up to 13 servers: refusals of one must not push out those of the others. */
Test(servers, what_many_servers_of_a_zone_refuse_is_remembered_of_each)
{
	unsigned forgotten = 0;
	uint8_t zone[DNAME_MAX];
	sim_name("example.com.", zone);
	for (unsigned round = 0; round < 100; round++) {
		struct servers *s = servers();
		struct addr a = addr_of("192.0.2.0");
		for (unsigned i = 0; i < 13; i++) {
			a.bytes[3] = (uint8_t)i;
			a.bytes[2] = (uint8_t)round;
			servers_set_lame(s, &a, zone, 5000);
		}
		for (unsigned i = 0; i < 13; i++) {
			a.bytes[3] = (uint8_t)i;
			forgotten += !servers_is_lame(s, &a, servers_zone_hash(s, zone), 4000);
		}
		servers_free(s);
	}
	cr_assert_leq(forgotten, 2u, "%u of 1300", forgotten);
}

Test(servers, a_million_addresses_take_no_more_memory_and_the_used_one_stays)
{
	struct servers *s = servers();
	struct addr a = addr_of("192.0.2.1");
	struct addr flood = addr_of("2001:db8::");
	struct server_facts f;
	for (uint32_t i = 0; i < 100000; i++) {
		put_u32(flood.bytes + 12, i);
		servers_note_silence(s, &flood, 100, i);
		servers_note_reply(s, &a, &(struct server_reply){ .rtt_ms = 20, .edns = true }, i);
	}
	servers_get(s, &a, 100000, &f);
	cr_assert(f.known);
	servers_free(s);
}

Test(delegation, harmful_addresses)
{
	static const struct {
		const char *text;
		bool harmful;
		bool with_loopback;
	} cases[] = {
		{ "0.0.0.0", true, true },     { "0.1.2.3", true, true },   { "127.0.0.1", true, false },
		{ "127.53.0.9", true, false }, { "224.0.0.1", true, true }, { "255.255.255.255", true, true },
		{ "240.0.0.1", true, true },   { "10.0.0.1", false, false }, { "192.168.1.1", false, false },
		{ "192.0.2.1", false, false }, { "::", true, true },	    { "::1", true, false },
		{ "ff02::1", true, true },     { "fd00::1", false, false }, { "2001:db8::1", false, false },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct addr a = addr_of(cases[i].text);
		cr_assert_eq(delegation_addr_is_harmful(&a, false), cases[i].harmful, "%s", cases[i].text);
		cr_assert_eq(delegation_addr_is_harmful(&a, true), cases[i].with_loopback, "%s", cases[i].text);
	}
	struct addr mapped = { .family = ADDR_V6, .bytes = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
	cr_assert(delegation_addr_is_harmful(&mapped, true));
}

Test(delegation, bounds_and_packing)
{
	static struct delegation d;
	static uint8_t names[20][DNAME_MAX];
	struct region region;
	region_init(&region, 4096, 1 << 20);
	d = (struct delegation){ .zone = names[0] };
	for (unsigned i = 0; i < 20; i++) {
		char text[16];
		snprintf(text, sizeof(text), "n%u.x.", i);
		sim_name(text, names[i]);
		int n = delegation_add_ns(&d, names[i]);
		cr_assert_eq(n, i < NS_PER_ZONE_MAX ? (int)i : BH_ELIMIT);
		for (unsigned k = 0; n >= 0 && k < 10; k++) {
			struct addr a = addr_of("192.0.2.1");
			a.bytes[1] = (uint8_t)i;
			a.bytes[2] = (uint8_t)k;
			bool added = delegation_add_addr(&d, (uint8_t)n, &a);
			cr_assert(!added || k < ADDRS_PER_NS_MAX);
			cr_assert_not(delegation_add_addr(&d, (uint8_t)n, &a), "twice");
		}
	}
	cr_assert_eq(d.ns_count, NS_PER_ZONE_MAX);
	cr_assert_eq(d.addr_count, ADDRS_PER_ZONE_MAX);
	static uint8_t bytes[4096];
	size_t len = delegation_packed_size(&d);
	struct sink s = sink_of(bytes, sizeof(bytes));
	delegation_pack(&s, &d);
	cr_assert_eq(s.pos, len);
	struct delegation *back = delegation_unpack(names[0], 7, bytes, len, &region);
	cr_assert_not_null(back);
	cr_assert_eq(back->deadline_ms, 7u);
	cr_assert_eq(back->ns_count, d.ns_count);
	cr_assert_eq(back->addr_count, d.addr_count);
	for (unsigned i = 0; i < d.addr_count; i++) {
		cr_assert(addr_equal(&back->addrs[i].addr, &d.addrs[i].addr));
		cr_assert_eq(back->addrs[i].ns, d.addrs[i].ns);
	}
	for (unsigned i = 0; i < d.ns_count; i++) {
		cr_assert(dname_equal(back->ns[i].name, d.ns[i].name));
		cr_assert_eq(back->ns[i].addr_count, d.ns[i].addr_count);
	}
	region_clear(&region);
}

/* --- judging ------------------------------------------------------------------------------------------ */

struct line {
	enum section section;
	const char *owner;
	uint16_t type;
	const char *rdata;
};

static enum reply_kind judge(uint16_t flags, const char *name, uint16_t type, const char *zone,
			     const struct line *lines, struct reply *out, struct region *region)
{
	static uint8_t wire[4096];
	static uint8_t names[2][DNAME_MAX];
	static struct message msg;
	struct compose c;
	sim_name(name, names[0]);
	sim_name(zone, names[1]);
	compose_begin(&c, wire, sizeof(wire), 0, 1, FLAG_QR | flags, names[0], type, CLASS_IN);
	for (; lines->owner != NULL; lines++) {
		uint8_t owner[DNAME_MAX];
		uint8_t rdata[512];
		uint16_t len;
		sim_name(lines->owner, owner);
		if (lines->type == RR_SOA) {
			len = (uint16_t)dname_copy_lower(rdata, owner);
			memset(rdata + len, 0, 21);
			len = (uint16_t)(len + 21);
			put_u32(rdata + len - 4, 60);
		} else {
			len = sim_rdata(lines->type, lines->rdata, rdata);
		}
		cr_assert_eq(compose_rr(&c, lines->section, owner, lines->type, CLASS_IN, 300, rdata, len), BH_OK);
	}
	size_t len = compose_finish(&c, NULL);
	cr_assert_eq(message_parse(wire, len, region, &msg), BH_OK);
	struct reply_question q = { .name = names[0], .type = type, .zone = names[1] };
	int rc = reply_judge(&msg, &q, region, out);
	return rc == BH_OK ? out->kind : (enum reply_kind)99;
}

#define AN SECTION_ANSWER
#define NS SECTION_AUTHORITY
#define AR SECTION_ADDITIONAL
#define BAD ((enum reply_kind)99)

Test(reply, judges)
{
	static const struct {
		const char *what;
		uint16_t flags;
		uint16_t type;
		enum reply_kind kind;
		struct line lines[5];
	} cases[] = {
		{ "answer", FLAG_AA, RR_A, REPLY_ANSWER, { { AN, "w.x.com.", RR_A, "192.0.2.1" } } },
		{ "answer without AA", 0, RR_A, REPLY_ANSWER, { { AN, "w.x.com.", RR_A, "192.0.2.1" } } },
		{ "answer from a cache", FLAG_RA, RR_A, REPLY_LAME, { { AN, "w.x.com.", RR_A, "192.0.2.1" } } },
		{ "answer with AA and RA", FLAG_AA | FLAG_RA, RR_A, REPLY_ANSWER, { { AN, "w.x.com.", RR_A, "192.0.2.1" } } },
		{ "answer to something else", FLAG_AA, RR_A, REPLY_NODATA, { { AN, "v.x.com.", RR_A, "192.0.2.1" } } },
		{ "wrong type", FLAG_AA, RR_A, REPLY_NODATA, { { AN, "w.x.com.", RR_AAAA, "2001:db8::1" } } },
		{ "alias", FLAG_AA, RR_A, REPLY_ALIAS, { { AN, "w.x.com.", RR_CNAME, "a.b." } } },
		{ "alias with NXDOMAIN", FLAG_AA | RCODE_NXDOMAIN, RR_A, REPLY_ALIAS,
		  { { AN, "w.x.com.", RR_CNAME, "a.b." }, { NS, "b.", RR_SOA, "" } } },
		{ "two aliases", FLAG_AA, RR_A, BAD,
		  { { AN, "w.x.com.", RR_CNAME, "a.b." }, { AN, "w.x.com.", RR_CNAME, "a.c." } } },
		{ "CNAME was asked for", FLAG_AA, RR_CNAME, REPLY_ANSWER, { { AN, "w.x.com.", RR_CNAME, "a.b." } } },
		{ "DNAME", FLAG_AA, RR_A, REPLY_ALIAS, { { AN, "x.com.", RR_DNAME, "y.net." } } },
		{ "DNAME and its CNAME", FLAG_AA, RR_A, REPLY_ALIAS,
		  { { AN, "x.com.", RR_DNAME, "y.net." }, { AN, "w.x.com.", RR_CNAME, "w.y.net." } } },
		{ "DNAME and another CNAME", FLAG_AA, RR_A, BAD,
		  { { AN, "x.com.", RR_DNAME, "y.net." }, { AN, "w.x.com.", RR_CNAME, "evil." } } },
		{ "DNAME above the zone", FLAG_AA, RR_A, REPLY_NODATA, { { AN, ".", RR_DNAME, "y.net." } } },
		{ "DNAME at the name", FLAG_AA, RR_A, REPLY_NODATA, { { AN, "w.x.com.", RR_DNAME, "y.net." } } },
		{ "DNAME in the authority section", FLAG_AA, RR_A, REPLY_NODATA, { { NS, "x.com.", RR_DNAME, "y." } } },
		{ "no data", FLAG_AA, RR_A, REPLY_NODATA, { { NS, "x.com.", RR_SOA, "" } } },
		{ "no data without AA", 0, RR_A, REPLY_NODATA, { { NS, "x.com.", RR_SOA, "" } } },
		{ "no data from a cache", FLAG_RA, RR_A, REPLY_LAME, { { NS, "x.com.", RR_SOA, "" } } },
		{ "nothing with AA", FLAG_AA, RR_A, REPLY_NODATA, { { AN, NULL, 0, NULL } } },
		{ "nothing", 0, RR_A, REPLY_LAME, { { AN, NULL, 0, NULL } } },
		{ "no such name", FLAG_AA | RCODE_NXDOMAIN, RR_A, REPLY_NXDOMAIN, { { NS, "com.", RR_SOA, "" } } },
		{ "no such name without AA", RCODE_NXDOMAIN, RR_A, REPLY_NXDOMAIN, { { NS, "com.", RR_SOA, "" } } },
		{ "no such name without AA and SOA", RCODE_NXDOMAIN, RR_A, REPLY_LAME, { { AN, NULL, 0, NULL } } },
		{ "no data by the SOA of a zone above", 0, RR_A, REPLY_LAME, { { NS, ".", RR_SOA, "" } } },
		{ "no such name by the SOA of a zone above", RCODE_NXDOMAIN, RR_A, REPLY_LAME, { { NS, ".", RR_SOA, "" } } },
		{ "referral", 0, RR_A, REPLY_REFERRAL, { { NS, "x.com.", RR_NS, "n.x.com." } } },
		{ "referral with AA", FLAG_AA, RR_A, REPLY_REFERRAL, { { NS, "x.com.", RR_NS, "n.x.com." } } },
		{ "NS beside SOA", FLAG_AA, RR_A, REPLY_NODATA,
		  { { NS, "x.com.", RR_SOA, "" }, { NS, "x.com.", RR_NS, "n.x.com." } } },
		{ "NS beside an answer", FLAG_AA, RR_A, REPLY_ANSWER,
		  { { AN, "w.x.com.", RR_A, "192.0.2.1" }, { NS, "x.com.", RR_NS, "n.x.com." } } },
		{ "referral to the zone itself", 0, RR_A, REPLY_LAME, { { NS, "com.", RR_NS, "n.x.com." } } },
		{ "upward referral", 0, RR_A, REPLY_LAME, { { NS, ".", RR_NS, "a.root." } } },
		{ "referral aside", 0, RR_A, REPLY_LAME, { { NS, "y.com.", RR_NS, "n.x.com." } } },
		{ "referral for DS to below the cut", 0, RR_DS, REPLY_LAME, { { NS, "w.x.com.", RR_NS, "n.x.com." } } },
		{ "referral for DS on the way", 0, RR_DS, REPLY_REFERRAL, { { NS, "x.com.", RR_NS, "n.x.com." } } },
		{ "SERVFAIL", RCODE_SERVFAIL, RR_A, REPLY_ERROR, { { AN, NULL, 0, NULL } } },
		{ "REFUSED with data", FLAG_AA | RCODE_REFUSED, RR_A, REPLY_ERROR, { { AN, "w.x.com.", RR_A, "192.0.2.1" } } },
		{ "YXDOMAIN without DNAME", FLAG_AA | RCODE_YXDOMAIN, RR_A, REPLY_ERROR, { { AN, NULL, 0, NULL } } },
	};
	struct region region;
	region_init(&region, 4096, 1 << 20);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct reply r;
		cr_assert_eq(judge(cases[i].flags, "w.x.com.", cases[i].type, "com.", cases[i].lines, &r, &region),
			     cases[i].kind, "%s", cases[i].what);
	}
	region_clear(&region);
}

Test(reply, negative_ttl_is_the_smaller_of_ttl_and_minimum)
{
	static const struct line lines[] = { { NS, "com.", RR_SOA, "" }, { AN, NULL, 0, NULL } };
	struct region region;
	struct reply r;
	region_init(&region, 4096, 1 << 20);
	cr_assert_eq(judge(FLAG_AA | RCODE_NXDOMAIN, "w.x.com.", RR_A, "com.", lines, &r, &region), REPLY_NXDOMAIN);
	cr_assert_eq(r.ttl, 60u);
	cr_assert_eq(r.records->ttl, 60u);
	region_clear(&region);
}

Test(reply, glue_is_taken_from_the_referring_zone_only)
{
	static const struct line lines[] = {
		{ NS, "x.com.", RR_NS, "n.x.com." },   { NS, "x.com.", RR_NS, "n.other.com." },
		{ NS, "x.com.", RR_NS, "n.net." },     { AR, "n.x.com.", RR_A, "192.0.2.1" },
		{ AR, "n.other.com.", RR_A, "192.0.2.2" }, { AR, "n.net.", RR_A, "192.0.2.3" },
		{ AR, "stranger.com.", RR_A, "192.0.2.4" }, { AR, "n.x.com.", RR_A, "127.0.0.1" },
		{ AN, NULL, 0, NULL },
	};
	struct region region;
	struct reply r;
	region_init(&region, 4096, 1 << 20);
	cr_assert_eq(judge(0, "w.x.com.", RR_A, "com.", lines, &r, &region), REPLY_REFERRAL);
	cr_assert_eq(r.cut->ns_count, 3);
	cr_assert_eq(r.cut->addr_count, 2);
	cr_assert_eq(r.cut->addrs[0].addr.bytes[3], 1);
	cr_assert_eq(r.cut->addrs[1].addr.bytes[3], 2);
	region_clear(&region);
}

Test(stats, every_counter_of_the_resolver_has_a_name_of_its_own)
{
	static char names[STAT_RES_COUNT][STATS_NAME_MAX];
	for (unsigned i = 0; i < STAT_RES_COUNT; i++) {
		cr_assert_not_null(stats_name(ROLE_RESOLVER, i, names[i]));
		cr_expect_eq(stats_is_detail(ROLE_RESOLVER, i), i >= STAT_RES_LATENCY, "%s", names[i]);
		for (unsigned k = 0; k < i; k++) {
			cr_expect_str_neq(names[i], names[k], "%u and %u", i, k);
		}
	}
	cr_expect_null(stats_name(ROLE_RESOLVER, STAT_RES_COUNT, names[0]));
	cr_expect_str_eq(names[STAT_RES_VALIDATED_BOGUS], "validated_bogus");
	cr_expect_str_eq(names[STAT_RES_LATENCY], "latency_under_1ms");
	cr_expect_str_eq(names[STAT_RES_LATENCY_MS - 1], "latency_longer");
}

Test(stats, times_fall_into_buckets_of_powers_of_two)
{
	static const struct {
		uint64_t ms;
		unsigned bucket;
	} cases[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 4, 3 }, { 1023, 10 }, { 1024, 11 },
		{ 16383, 14 }, { 16384, 15 }, { UINT64_MAX, 15 },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(stats_latency(cases[i].ms), cases[i].bucket, "%llu ms", (unsigned long long)cases[i].ms);
	}
}
