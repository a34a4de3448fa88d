/*
 * Proofs of absence. The zones and answers of RFC 4035 A, B and RFC 5155 A, B, and what those leave out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/message.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An RRset of one record and what looks like its signature. */
#define SIG(owner, type) owner " RRSIG " type " 13 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
#define RR(owner, type, rdata) owner " " type " " rdata "\n" SIG(owner, type)
#define DS "1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define APEX_SOA RR("@ 3600", "SOA", "ns1 bugs.x.w 1 3600 300 3600000 3600")
#define SOA_LINES "au example. 3600 SOA ns1.example. ... 1\nau example. 3600 RRSIG SOA\n"
/* One record of the authority section and its signature. */
#define AU(owner, type, rdata) "au " owner " 3600 " type rdata "\nau " owner " 3600 RRSIG " type "\n"

/* --- NSEC: RFC 4035 A, B --- */

static const char zone_4035[] = "$TTL 3600\n" APEX_SOA RR("@", "NS", "ns1") RR("@", "NS", "ns2") RR("@", "MX", "1 xx")
	RR("@", "DNSKEY", "256 3 5 AAAA") RR("@", "NSEC", "a NS SOA MX RRSIG NSEC DNSKEY")
	"a NS ns1.a\na NS ns2.a\n" RR("a", "DS", DS) RR("a", "NSEC", "ai NS DS RRSIG NSEC")
	"ns1.a A 192.0.2.5\nns2.a A 192.0.2.6\n"
	RR("ai", "A", "192.0.2.9") RR("ai", "HINFO", "\"KLH-10\" \"ITS\"") RR("ai", "AAAA", "2001:db8::f00:baa9")
	RR("ai", "NSEC", "b A HINFO AAAA RRSIG NSEC")
	"b NS ns1.b\nb NS ns2.b\n" RR("b", "NSEC", "ns1 NS RRSIG NSEC")
	"ns1.b A 192.0.2.7\nns2.b A 192.0.2.8\n"
	RR("ns1", "A", "192.0.2.1") RR("ns1", "NSEC", "ns2 A RRSIG NSEC")
	RR("ns2", "A", "192.0.2.2") RR("ns2", "NSEC", "*.w A RRSIG NSEC")
	RR("*.w", "MX", "1 ai") RR("*.w", "NSEC", "x.w MX RRSIG NSEC")
	RR("x.w", "MX", "1 xx") RR("x.w", "NSEC", "x.y.w MX RRSIG NSEC")
	RR("x.y.w", "MX", "1 xx") RR("x.y.w", "NSEC", "xx MX RRSIG NSEC")
	RR("xx", "A", "192.0.2.10") RR("xx", "HINFO", "\"KLH-10\" \"TOPS-20\"") RR("xx", "AAAA", "2001:db8::f00:baaa")
	RR("xx", "NSEC", "@ A HINFO AAAA RRSIG NSEC");

#define NSEC_APEX AU("example.", "NSEC", " a.example.")
#define NSEC_NS1 AU("ns1.example.", "NSEC", " ns2.example.")
#define NSEC_NS2 AU("ns2.example.", "NSEC", " *.w.example.")
#define NSEC_B AU("b.example.", "NSEC", " ns1.example.")
#define NSEC_WILD AU("*.w.example.", "NSEC", " x.w.example.")
#define NSEC_XW AU("x.w.example.", "NSEC", " x.y.w.example.")
#define NSEC_XYW AU("x.y.w.example.", "NSEC", " xx.example.")
#define NSEC_XX AU("xx.example.", "NSEC", " example.")

Test(denial, nsec_as_in_rfc4035_appendix_b)
{
	static const struct world_case table[] = {
		/* B.2: Name Error; two RRsets, and one where it proves both */
		{ { "ml.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES NSEC_APEX NSEC_B },
		{ { "0.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES NSEC_APEX },
		{ { "zz.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES NSEC_APEX NSEC_XX },
		{ { "q.ns1.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES NSEC_NS1 },
		{ { "q.y.w.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES NSEC_XW },
		/* B.3: No Data */
		{ { "ns1.example.", "MX", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_NS1 },
		/* an empty non-terminal: the NSEC before it, whose next name is below it */
		{ { "w.example.", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_NS2 },
		{ { "y.w.example.", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_XW },
		/* B.4: a referral to a signed zone */
		{ { "mc.a.example.", "MX", .dnssec = true },
		  "NOERROR edns do\nau a.example. 3600 NS ns1.a.example.\nau a.example. 3600 NS ns2.a.example.\n"
		  AU("a.example.", "DS", " 1 3330")
		  "ad ns1.a.example. 3600 A 192.0.2.5\nad ns2.a.example. 3600 A 192.0.2.6\n" },
		/* B.5: and to an unsigned one */
		{ { "mc.b.example.", "MX", .dnssec = true },
		  "NOERROR edns do\nau b.example. 3600 NS ns1.b.example.\nau b.example. 3600 NS ns2.b.example.\n" NSEC_B
		  "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n" },
		/* glue is below the cut like all else */
		{ { "x.ns1.b.example.", .dnssec = true },
		  "NOERROR edns do\nau b.example. 3600 NS ns1.b.example.\nau b.example. 3600 NS ns2.b.example.\n" NSEC_B
		  "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n" },
		{ { "b.example.", "DS", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_B },
		/* B.6: a wildcard answer, with the proof that nothing is closer */
		{ { "a.z.w.example.", "MX", .dnssec = true },
		  "NOERROR aa edns do\nan a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX\n" NSEC_XYW
		  "ad ai.example. 3600 A 192.0.2.9\nad ai.example. 3600 RRSIG A\n"
		  "ad ai.example. 3600 AAAA 2001:db8::f00:baa9\nad ai.example. 3600 RRSIG AAAA\n" },
		/* the wildcard itself is a name like others: RFC 4592 2.1.1 */
		{ { "*.w.example.", "A", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_WILD },
		/* B.7: Wildcard No Data */
		{ { "a.z.w.example.", "AAAA", .dnssec = true },
		  "NOERROR aa edns do\n" SOA_LINES NSEC_XYW NSEC_WILD },
		/* ... where both are the same: the name is right behind the wildcard */
		{ { "a.w.example.", "AAAA", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_WILD },
		/* B.8: DS of the child zone, asked at the child */
		{ { "example.", "DS", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_APEX },
		/* RFC 4035 3.1.3: only who says DO gets any of it */
		{ { "ml.example.", .edns = true }, "NXDOMAIN aa edns\nau example. 3600 SOA ns1.example. ... 1\n" },
		{ { "ml.example." }, "NXDOMAIN aa\nau example. 3600 SOA ns1.example. ... 1\n" },
		{ { "mc.b.example." },
		  "NOERROR\nau b.example. 3600 NS ns1.b.example.\nau b.example. 3600 NS ns2.b.example.\n"
		  "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n" },
		/* NSEC are data for those who ask for them; RFC 4592 4.7: of a wildcard too */
		{ { "b.example.", "NSEC" },
		  "NOERROR\nau b.example. 3600 NS ns1.b.example.\nau b.example. 3600 NS ns2.b.example.\n"
		  "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n" },
		{ { "ns1.example.", "NSEC" }, "NOERROR aa\nan ns1.example. 3600 NSEC ns2.example.\n" },
		{ { "a.w.example.", "NSEC", .dnssec = true },
		  "NOERROR aa edns do\nan a.w.example. 3600 NSEC x.w.example.\nan a.w.example. 3600 RRSIG NSEC\n" NSEC_WILD },
		{ { "ns1.example.", "NSEC3", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_NS1 },
	};
	struct world *w = world_new();
	world_add(w, "example.", zone_4035);
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* --- NSEC3: RFC 5155 A, B --- */

#define H_APEX "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define H_NS1 "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
#define H_XYW "2vptu5timamqttgl4luu9kg21e0aor3s"
#define H_A "35mthgpgcu1qg68fab165klnsnk3dpvl"
#define H_XW "b4um86eghhds6nea196smvmlo4ors995"
#define H_AI "gjeqe526plbf1g8mklp59enfd789njgi"
#define H_YW "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
#define H_W "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_ODD "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"
#define H_NS2 "q04jkcevqvmu85r014c7dkba38o0ji5r"
#define H_WILD "r53bq7cc2uvmubfu5ocmm6pers9tk9en"
#define H_XX "t644ebqk9bibcna874givr6joj62mlhv"
#define NSEC3(owner, next, types) RR(owner, "NSEC3", "1 1 12 aabbccdd " next " " types)

static const char zone_5155[] = "$TTL 3600\n" APEX_SOA RR("@", "NS", "ns1") RR("@", "NS", "ns2") RR("@", "MX", "1 xx")
	RR("@", "DNSKEY", "256 3 7 AAAA") RR("@", "NSEC3PARAM", "1 0 12 aabbccdd")
	/* its name is that of an NSEC3 */
	RR(H_NS1, "A", "192.0.2.127")
	"a NS ns1.a\na NS ns2.a\n" RR("a", "DS", DS) "ns1.a A 192.0.2.5\nns2.a A 192.0.2.6\n"
	RR("ai", "A", "192.0.2.9") RR("ai", "HINFO", "\"KLH-10\" \"ITS\"") RR("ai", "AAAA", "2001:db8::f00:baa9")
	"c NS ns1.c\nc NS ns2.c\nns1.c A 192.0.2.7\nns2.c A 192.0.2.8\n"
	RR("ns1", "A", "192.0.2.1") RR("ns2", "A", "192.0.2.2")
	RR("*.w", "MX", "1 ai") RR("x.w", "MX", "1 xx") RR("x.y.w", "MX", "1 xx")
	RR("xx", "A", "192.0.2.10") RR("xx", "HINFO", "\"KLH-10\" \"TOPS-20\"") RR("xx", "AAAA", "2001:db8::f00:baaa")
	NSEC3(H_APEX, H_NS1, "MX DNSKEY NS SOA NSEC3PARAM RRSIG") NSEC3(H_NS1, H_XYW, "A RRSIG")
	NSEC3(H_XYW, H_A, "MX RRSIG") NSEC3(H_A, H_XW, "NS DS RRSIG") NSEC3(H_XW, H_AI, "MX RRSIG")
	NSEC3(H_AI, H_YW, "A HINFO AAAA RRSIG") NSEC3(H_YW, H_W, "") NSEC3(H_W, H_ODD, "")
	NSEC3(H_ODD, H_NS2, "A RRSIG") NSEC3(H_NS2, H_WILD, "A RRSIG") NSEC3(H_WILD, H_XX, "MX RRSIG")
	NSEC3(H_XX, H_APEX, "HINFO A AAAA RRSIG");

#define AU3(hash) AU(hash ".example.", "NSEC3", " 257 12") /* SHA-1, opt-out, iterations */
#define C_NS "au c.example. 3600 NS ns1.c.example.\nau c.example. 3600 NS ns2.c.example.\n"
#define C_GLUE "ad ns1.c.example. 3600 A 192.0.2.7\nad ns2.c.example. 3600 A 192.0.2.8\n"

Test(denial, nsec3_as_in_rfc5155_appendix_b)
{
	static const struct world_case table[] = {
		/* B.1, 7.2.2: Name Error: encloser x.w, next closer name c.x.w, wildcard *.x.w */
		{ { "a.c.x.w.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\n" SOA_LINES AU3(H_XW) AU3(H_A) AU3(H_APEX) },
		/* B.2, 7.2.3: No Data */
		{ { "ns1.example.", "MX", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES AU3(H_NS1) },
		/* B.2.1: an empty non-terminal */
		{ { "y.w.example.", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES AU3(H_YW) },
		/* B.3, 7.2.7: a referral to an opt-out unsigned zone */
		{ { "mc.c.example.", "MX", .dnssec = true },
		  "NOERROR edns do\n" C_NS AU3(H_APEX) AU3(H_A) C_GLUE },
		{ { "mc.c.example.", "MX" }, "NOERROR\n" C_NS C_GLUE },
		/* 7.2.4: DS of it */
		{ { "c.example.", "DS", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES AU3(H_APEX) AU3(H_A) },
		/* B.4, 7.2.6: wildcard expansion */
		{ { "a.z.w.example.", "MX", .dnssec = true },
		  "NOERROR aa edns do\nan a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX\n" AU3(H_NS2)
		  "ad ai.example. 3600 A 192.0.2.9\nad ai.example. 3600 RRSIG A\n"
		  "ad ai.example. 3600 AAAA 2001:db8::f00:baa9\nad ai.example. 3600 RRSIG AAAA\n" },
		/* B.5, 7.2.5: Wildcard No Data */
		{ { "a.z.w.example.", "AAAA", .dnssec = true },
		  "NOERROR aa edns do\n" SOA_LINES AU3(H_NS2) AU3(H_W) AU3(H_WILD) },
		/* B.6: DS of the child zone, asked at the child */
		{ { "example.", "DS", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES AU3(H_APEX) },
		/* 7.2.8: the name of an NSEC3 is none, unless there is more there */
		{ { H_NS1 ".example.", "NSEC3", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES AU3(H_ODD) },
		{ { H_NS1 ".example." }, "NOERROR aa\nan " H_NS1 ".example. 3600 A 192.0.2.127\n" },
		{ { H_W ".example.", "NSEC3" }, "NXDOMAIN aa\nau example. 3600 SOA ns1.example. ... 1\n" },
		/* RFC 4035 3.1.3: without DO there is none of it */
		{ { "a.c.x.w.example.", .edns = true }, "NXDOMAIN aa edns\nau example. 3600 SOA ns1.example. ... 1\n" },
	};
	struct world *w = world_new();
	world_add(w, "example.", zone_5155);
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* --- what the NSEC3 of a reply say of names --- */

/* Chain of NSEC3 (no salt, no iterations) for these names, appended to text. */
static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_SIZE);
}

static void hash_of(const char *name, uint8_t out[NSEC3_HASH_SIZE])
{
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	uint8_t wire[DNAME_MAX];
	cr_assert_not_null(hasher);
	cr_assert_gt(dname_from_text(name, wire), 0, "%s", name);
	cr_assert_eq(nsec3_hash(hasher, wire, NULL, 0, 0, out), BH_OK);
	nsec3_hasher_free(hasher);
}

#define TEXT_MAX 16384

static void add_chain(char text[TEXT_MAX], const char *const *names, unsigned flags)
{
	uint8_t hashes[32][NSEC3_HASH_SIZE];
	size_t count = 0;
	for (; names[count] != NULL; count++) {
		cr_assert_lt(count, COUNT(hashes));
		hash_of(names[count], hashes[count]);
	}
	qsort(hashes, count, sizeof(hashes[0]), compare_hashes);
	for (size_t i = 0; i < count; i++) {
		char owner[33] = "";
		char next[33] = "";
		base32hex_encode(hashes[i], NSEC3_HASH_SIZE, (uint8_t *)owner);
		base32hex_encode(hashes[(i + 1) % count], NSEC3_HASH_SIZE, (uint8_t *)next);
		size_t len = strlen(text);
		int n = snprintf(text + len, TEXT_MAX - len, "%s NSEC3 1 %u 0 - %s A\n%s" SIG("", "NSEC3"), owner, flags,
				 next, owner);
		cr_assert(n > 0 && (size_t)n < TEXT_MAX - len);
	}
}

/* Does an NSEC3 of the reply match ("=name") or cover ("-name") it? Unsigned ones do not count. */
static bool shown(const struct message *m, const char *claim)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	hash_of(claim + 1, hash);
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		uint8_t owner[NSEC3_HASH_SIZE];
		if (rr->type != RR_NSEC3) {
			continue;
		}
		cr_assert_eq(base32hex_decode(rr->owner + 1, 32, owner), BH_OK);
		const uint8_t *next = rr->rdata + 6; /* no salt */
		int from = memcmp(owner, hash, NSEC3_HASH_SIZE);
		int to = memcmp(hash, next, NSEC3_HASH_SIZE);
		bool last = memcmp(owner, next, NSEC3_HASH_SIZE) >= 0;
		bool covers = last ? from < 0 || to < 0 : from < 0 && to < 0;
		if (claim[0] == '=' ? from == 0 : from != 0 && covers) {
			return true;
		}
	}
	return false;
}

static unsigned count_type(const struct message *m, uint16_t type)
{
	unsigned count = 0;
	for (size_t i = 0; i < m->rr_count; i++) {
		count += m->rrs[i].type == type && m->rrs[i].section == SECTION_AUTHORITY;
	}
	return count;
}

struct claims {
	struct question q;
	const char *status;
	const char *claims[4];
};

/* The reply shows these claims, and no NSEC3 is there twice or for nothing. */
static void check_claims(struct world *w, const struct claims *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct claims *c = &table[i];
		struct region region;
		struct message m;
		unsigned wanted = 0;
		const char *got = world_ask(w, &c->q);
		region_init(&region, 65536, 16 * 1024 * 1024);
		cr_assert_eq(message_parse(w->reply, w->reply_len, &region, &m), BH_OK);
		cr_expect_eq(strncmp(got, c->status, strlen(c->status)), 0, "%s: %s", c->q.name, got);
		for (; wanted < COUNT(c->claims) && c->claims[wanted] != NULL; wanted++) {
			cr_expect(shown(&m, c->claims[wanted]), "%s: %s is not shown\n%s", c->q.name, c->claims[wanted],
				  got);
		}
		unsigned nsec3s = count_type(&m, RR_NSEC3);
		cr_expect(nsec3s <= wanted && (nsec3s > 0) == (wanted > 0), "%s: %u NSEC3\n%s", c->q.name, nsec3s, got);
		for (size_t k = 0; k < m.rr_count; k++) {
			for (size_t n = 0; n < k; n++) {
				cr_expect(m.rrs[k].type != RR_NSEC3 || m.rrs[n].type != RR_NSEC3 ||
						  !dname_equal(m.rrs[k].owner, m.rrs[n].owner),
					  "%s: twice\n%s", c->q.name, got);
			}
		}
		region_clear(&region);
	}
}

#define NSEC3_HEAD "$TTL 3600\n" APEX_SOA RR("@", "NS", "ns1") RR("@", "DNSKEY", "256 3 13 AAAA") \
	RR("@", "NSEC3PARAM", "1 0 0 -") RR("ns1", "A", "192.0.2.1")

static const char optout_text[] = NSEC3_HEAD
	RR("*.w", "TXT", "\"w\"") RR("b.w", "TXT", "\"b\"") RR("*.cw", "CNAME", "q.w") RR("*.star.ent", "TXT", "\"s\"")
	"i.ent NS ns.else.\n" "i2.empty.hollow NS ns.else.\n" "sec NS ns.else.\n" RR("sec", "DS", DS)
	"nods NS ns.else.\n" RR("d", "DNAME", "w");
static const char *const optout_names[] = { "example.", "ns1.example.", "w.example.", "*.w.example.", "b.w.example.",
					    "cw.example.", "*.cw.example.", "ent.example.", "star.ent.example.",
					    "*.star.ent.example.", "sec.example.", "d.example.", "nods.example.", NULL };

/* RFC 5155 6, 7.2.4, 7.2.7; erratum 3441: an empty non-terminal that opt-out left out is like a delegation. */
Test(denial, nsec3_opt_out)
{
	static const struct claims table[] = {
		/* insecure referrals: the name is left out, and so may the one above be */
		{ { "x.i.ent.example.", .dnssec = true }, "NOERROR edns do\n", { "=ent.example.", "-i.ent.example." } },
		{ { "i2.empty.hollow.example.", .dnssec = true },
		  "NOERROR edns do\n",
		  { "=example.", "-hollow.example." } },
		/* with a match though insecure: 7.2.7 */
		{ { "q.nods.example.", .dnssec = true }, "NOERROR edns do\n", { "=nods.example." } },
		{ { "nods.example.", "DS", .dnssec = true }, "NOERROR aa edns do\n", { "=nods.example." } },
		{ { "q.sec.example.", .dnssec = true }, "NOERROR edns do\n", { NULL } },
		{ { "sec.example.", "DS", .dnssec = true }, "NOERROR aa edns do\n", { NULL } },
		{ { "i.ent.example.", "DS", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "=ent.example.", "-i.ent.example." } },
		/* empty non-terminals, those of the chain and those that are left out */
		{ { "ent.example.", .dnssec = true }, "NOERROR aa edns do\n", { "=ent.example." } },
		{ { "hollow.example.", .dnssec = true }, "NOERROR aa edns do\n", { "=example.", "-hollow.example." } },
		{ { "empty.hollow.example.", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "=example.", "-hollow.example." } },
		/* names that do not exist, below them */
		{ { "x.hollow.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\n",
		  { "=example.", "-hollow.example.", "-*.example." } },
		{ { "x.y.empty.hollow.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\n",
		  { "=example.", "-hollow.example.", "-*.example." } },
		{ { "x.y.ent.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\n",
		  { "=ent.example.", "-y.ent.example.", "-*.ent.example." } },
		{ { "x.b.w.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\n",
		  { "=b.w.example.", "-x.b.w.example.", "-*.b.w.example." } },
		/* wildcards */
		{ { "x.y.w.example.", "TXT", .dnssec = true }, "NOERROR aa edns do\n", { "-y.w.example." } },
		{ { "x.y.w.example.", "A", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "=w.example.", "-y.w.example.", "=*.w.example." } },
		{ { "x.star.ent.example.", "TXT", .dnssec = true }, "NOERROR aa edns do\n", { "-x.star.ent.example." } },
		{ { "*.w.example.", "A", .dnssec = true }, "NOERROR aa edns do\n", { "=*.w.example." } },
		/* each alias of a wildcard has a proof of its own */
		{ { "a.cw.example.", "TXT", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "-a.cw.example.", "-q.w.example." } },
		{ { "a.cw.example.", "A", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "-a.cw.example.", "-q.w.example.", "=w.example.", "=*.w.example." } },
		/* RFC 5155 8.5: with the bit of CNAME set nothing is proved, so an alias is followed for NSEC, too */
		{ { "a.cw.example.", "NSEC", .dnssec = true },
		  "NOERROR aa edns do\n",
		  { "-a.cw.example.", "-q.w.example.", "=w.example.", "=*.w.example." } },
		{ { "x.d.example.", "TXT", .dnssec = true }, "NOERROR aa edns do\n", { "-x.w.example." } },
		{ { "d.example.", "A", .dnssec = true }, "NOERROR aa edns do\n", { "=d.example." } },
	};
	char text[TEXT_MAX];
	strcpy(text, optout_text);
	add_chain(text, optout_names, 1);
	struct world *w = world_new();
	world_add(w, "example.", text);
	check_claims(w, table, COUNT(table));
	world_free(w);
}

/* RFC 5155 7.2.9: who exists for the chain cannot be denied; nor can anybody without a hash. */
Test(denial, servfail_rather_than_a_wrong_proof)
{
	static const char *const names[] = { "example.", "ns1.example.", "ghost.example.", NULL };
	static const struct world_case table[] = {
		{ { "ghost.example.", .dnssec = true }, "SERVFAIL edns do ede=0\n" },
		{ { "x.ghost.example.", .dnssec = true }, "SERVFAIL edns do ede=0\n" },
		{ { "ghost.example." }, "NXDOMAIN aa\nau example. 3600 SOA ns1.example. ... 1\n" },
	};
	static const struct world_case no_hasher[] = {
		{ { "x.example.", .dnssec = true }, "SERVFAIL edns do ede=0\n" },
		{ { "x.example." }, "NXDOMAIN aa\nau example. 3600 SOA ns1.example. ... 1\n" },
		{ { "ns1.example.", .dnssec = true },
		  "NOERROR aa edns do\nan ns1.example. 3600 A 192.0.2.1\nan ns1.example. 3600 RRSIG A\n" },
	};
	char text[TEXT_MAX] = NSEC3_HEAD;
	add_chain(text, names, 0);
	struct world *w = world_new();
	world_add(w, "example.", text);
	world_check(w, table, COUNT(table));
	struct nsec3_hasher *hasher = w->view->hasher;
	w->view->hasher = NULL;
	world_check(w, no_hasher, COUNT(no_hasher));
	w->view->hasher = hasher;
	world_free(w);
}

/* RFC 5155 10.4, 10.5: while a zone changes from one to the other, NSEC3 is the one that is complete. */
Test(denial, nsec3_goes_before_nsec)
{
	static const char *const names[] = { "example.", "ns1.example.", NULL };
	static const struct claims table[] = {
		{ { "ns1.example.", "TXT", .dnssec = true }, "NOERROR aa edns do\n", { "=ns1.example." } },
	};
	char text[TEXT_MAX] = NSEC3_HEAD RR("@", "NSEC", "ns1 SOA") RR("ns1", "NSEC", "@ A");
	add_chain(text, names, 0);
	struct world *w = world_new();
	world_add(w, "example.", text);
	check_claims(w, table, COUNT(table));
	cr_assert_null(strstr(w->text, " NSEC "));
	world_free(w);
}

/* A zone that is not wholly signed is served as it is. */
Test(denial, no_chain_no_proof)
{
	static const struct world_case table[] = {
		{ { "x.example.", .dnssec = true }, "NXDOMAIN aa edns do\n" SOA_LINES },
		{ { "c.example.", .dnssec = true }, "NOERROR edns do\nau c.example. 3600 NS ns.else.\n" },
	};
	static const struct world_case unsigned_table[] = {
		{ { "x.example.", .dnssec = true },
		  "NXDOMAIN aa edns do\nau example. 3600 SOA ns1.example. ... 1\n" },
	};
	struct world *w = world_new();
	world_add(w, "example.", NSEC3_HEAD "c NS ns.else.\n");
	world_check(w, table, COUNT(table));
	world_free(w);
	w = world_new(); /* NSEC without keys */
	world_add(w, "example.", "@ 3600 SOA ns1 bugs.x.w 1 3600 300 3600000 3600\n@ NS ns.else.\n@ NSEC @ SOA\n");
	world_check(w, unsigned_table, COUNT(unsigned_table));
	world_free(w);
}

/* --- chains of aliases, and sizes --- */

static const char zone_aliases[] = "$TTL 3600\n" RR("@ 3600", "SOA", "ns1 host 1 2 3 4 300") RR("@", "NS", "ns.else.")
	RR("@", "DNSKEY", "256 3 13 AAAA") RR("@", "NSEC", "*.a SOA")
	RR("*.a", "CNAME", "q.b") RR("*.a", "NSEC", "*.b CNAME") RR("*.b", "CNAME", "o.example.")
	RR("*.b", "NSEC", "*.d CNAME") RR("*.d", "CNAME", "y.d") RR("*.d", "NSEC", "*.out CNAME")
	RR("*.out", "CNAME", "www.elsewhere.") RR("*.out", "NSEC", "sub CNAME")
	"sub NS ns.sub\nns.sub A 192.0.2.1\n" RR("sub", "NSEC", "*.tosub NS") RR("*.tosub", "CNAME", "www.sub")
	RR("*.tosub", "NSEC", "*.z CNAME") RR("*.z", "DNAME", "a") RR("*.z", "NSEC", "@ DNAME");

#define AL(owner, next) "au " owner ".al. 300 NSEC " next ".al.\nau " owner ".al. 300 RRSIG NSEC\n"
#define ALIAS(owner, target) "an " owner " 3600 CNAME " target "\nan " owner " 3600 RRSIG CNAME\n"

/* Every wildcard that made an alias is proved, whatever comes at the end; in their own zone, once, RFC 9077 3. */
Test(denial, proofs_of_all_aliases)
{
	static const struct world_case table[] = {
		{ { "1.a.al.", .dnssec = true },
		  "NXDOMAIN aa edns do\n" ALIAS("1.a.al.", "q.b.al.") ALIAS("q.b.al.", "o.example.") SOA_LINES
		  AL("*.a", "*.b") AL("*.b", "*.d") NSEC_APEX NSEC_NS2 },
		/* a loop, whose names have one proof together */
		{ { "1.d.al.", .dnssec = true },
		  "NOERROR aa edns do\n" ALIAS("1.d.al.", "y.d.al.") ALIAS("y.d.al.", "y.d.al.") AL("*.d", "*.out") },
		/* leads out of what is served */
		{ { "1.out.al.", .dnssec = true },
		  "NOERROR aa edns do\n" ALIAS("1.out.al.", "www.elsewhere.") AL("*.out", "sub") },
		{ { "1.out.al.", "CNAME", .dnssec = true },
		  "NOERROR aa edns do\n" ALIAS("1.out.al.", "www.elsewhere.") AL("*.out", "sub") },
		{ { "1.out.al.", "ANY", .dnssec = true },
		  "NOERROR aa edns do\n" ALIAS("1.out.al.", "www.elsewhere.") AL("*.out", "sub") },
		{ { "1.tosub.al.", .dnssec = true },
		  "NOERROR aa edns do\n" ALIAS("1.tosub.al.", "www.sub.al.") "au sub.al. 3600 NS ns.sub.al.\n"
		  AL("*.tosub", "*.z") AL("sub", "*.tosub") "ad ns.sub.al. 3600 A 192.0.2.1\n" },
		/* RFC 4592 4.4: DNAME of a wildcard is but data */
		{ { "1.z.al.", "DNAME", .dnssec = true },
		  "NOERROR aa edns do\nan 1.z.al. 3600 DNAME a.al.\nan 1.z.al. 3600 RRSIG DNAME\n" "au *.z.al. 300 NSEC al.\nau *.z.al. 300 RRSIG NSEC\n" },
	};
	struct world *w = world_new();
	world_add(w, "al.", zone_aliases);
	world_add(w, "example.", zone_4035);
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* RFC 4035 3.1: what proves belongs to the answer: without it, TC. */
Test(denial, what_does_not_fit_is_truncation)
{
	static const struct question questions[] = {
		{ "a.c.x.w.example.", .dnssec = true },		  { "a.z.w.example.", "AAAA", .dnssec = true },
		{ "mc.c.example.", "MX", .dnssec = true },	  { "a.z.w.example.", "MX", .dnssec = true },
		{ "c.example.", "DS", .dnssec = true },
	};
	/* long signatures, so that every size matters */
	char text[sizeof(zone_5155) + 64 * 400] = "";
	for (const char *p = zone_5155; *p != '\0'; p++) {
		size_t len = strlen(text);
		if (strncmp(p, "example. AAAA", 13) == 0) {
			p += 12;
			len += (size_t)sprintf(text + len, "example. ");
			memset(text + len, 'A', 340);
			continue;
		}
		text[len] = *p;
	}
	struct world *w = world_new();
	world_add(w, "example.", text);
	for (size_t i = 0; i < COUNT(questions); i++) {
		struct question q = questions[i];
		q.transport = TRANSPORT_TCP;
		char *whole = strdup(world_ask(w, &q));
		char *additional = strstr(whole, "\nad ");
		size_t owed = additional == NULL || strstr(whole, " NS ") != NULL ? strlen(whole)
										   : (size_t)(additional - whole) + 1;
		bool cut = false;
		q.transport = TRANSPORT_UDP;
		for (q.udp_size = 512; q.udp_size <= 1232; q.udp_size++) {
			const char *got = world_ask(w, &q);
			bool truncated = w->work.answer.truncated;
			cr_assert_leq(w->reply_len, q.udp_size);
			cr_assert(truncated == (strstr(got, " tc") != NULL));
			cr_assert(truncated || strncmp(got, whole, owed) == 0, "%s at %u:\n%s", q.name, q.udp_size, got);
			cut = cut || truncated;
		}
		cr_assert(cut, "%s: always fits", q.name);
		free(whole);
	}
	world_free(w);
}

/* RFC 9077 3: a TTL in the zone that is longer than that of the SOA is lowered, a shorter one is kept. */
Test(denial, ttl_is_that_of_negative_answers)
{
	static const struct world_case table[] = {
		{ { "t.", "TXT", .dnssec = true },
		  "NOERROR aa edns do\nau t. 200 SOA ns.else. ... 1\nau t. 200 RRSIG SOA\n"
		  "au t. 200 NSEC x.t.\nau t. 200 RRSIG NSEC\n" },
		{ { "x.t.", .dnssec = true },
		  "NOERROR aa edns do\nau t. 200 SOA ns.else. ... 1\nau t. 200 RRSIG SOA\n"
		  "au x.t. 60 NSEC t.\nau x.t. 60 RRSIG NSEC\n" },
		{ { "t.", "NSEC" }, "NOERROR aa\nan t. 200 NSEC x.t.\n" },
	};
	struct world *w = world_new();
	world_add(w, "t.", "$TTL 3600\n" RR("@ 200", "SOA", "ns.else. h 1 2 3 4 300") RR("@", "NS", "ns.else.")
			       RR("@", "DNSKEY", "256 3 13 AAAA") RR("@", "NSEC", "x SOA")
				       RR("x", "TXT", "\"x\"") RR("x 60", "NSEC", "@ TXT"));
	world_check(w, table, COUNT(table));
	world_free(w);
}

/* Both sides of a cut served here: DS and its absence are proved by the parent (RFC 4035 3.1.4.1). */
Test(denial, parent_and_child_and_root)
{
#define ROOT_SOA "au . 300 SOA ns.else. ... 1\nau . 300 RRSIG SOA\n"
	static const struct world_case table[] = {
		{ { "example.", "DS", .dnssec = true },
		  "NOERROR aa edns do\n" ROOT_SOA "au example. 300 NSEC sec.\nau example. 300 RRSIG NSEC\n" },
		{ { "a.example.", "DS", .dnssec = true },
		  "NOERROR aa edns do\nan a.example. 3600 DS 1 3330\nan a.example. 3600 RRSIG DS\n" },
		{ { "example.", "TXT", .dnssec = true }, "NOERROR aa edns do\n" SOA_LINES NSEC_APEX },
		{ { ".", "DS", .dnssec = true },
		  "NOERROR aa edns do\n" ROOT_SOA "au . 300 NSEC example.\nau . 300 RRSIG NSEC\n" },
		{ { "no.such.", .dnssec = true },
		  "NXDOMAIN aa edns do\n" ROOT_SOA "au . 300 NSEC example.\nau . 300 RRSIG NSEC\n"
		  "au sec. 300 NSEC .\nau sec. 300 RRSIG NSEC\n" },
		{ { "x.sec.", .dnssec = true },
		  "NOERROR edns do\nau sec. 3600 NS ns.else.\nau sec. 3600 DS 1 3330\nau sec. 3600 RRSIG DS\n" },
	};
	struct world *w = world_new();
	world_add(w, "example.", zone_4035);
	world_add(w, ".", "$TTL 3600\n" RR("@ 3600", "SOA", "ns.else. h 1 2 3 4 300") RR("@", "NS", "ns.else.")
			      RR("@", "DNSKEY", "256 3 13 AAAA") RR("@", "NSEC", "example SOA")
				      "example NS ns.else.\n" RR("example", "NSEC", "sec NS")
				      "sec NS ns.else.\n" RR("sec", "DS", DS) RR("sec", "NSEC", "@ NS DS"));
	world_check(w, table, COUNT(table));
	world_free(w);
}
