/*
 * The chain of trust over the made-up Internet: what is secure, what is not, what is bogus, and what each of them costs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/resolver/validate/validate.h"
#include "tests/unit/daemons/resolver/sim_sign.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ROOT "192.0.2.1"
#define COM "192.0.2.2"
#define LEAF "192.0.2.3"
#define SECOND "192.0.2.4"

static const char leaf[] =
	"leaf.com. 3600 NS ns.leaf.com.\n leaf.com. 3600 NS ns2.leaf.com.\n ns.leaf.com. 3600 A 192.0.2.3\n"
	"ns2.leaf.com. 3600 A 192.0.2.4\n"
	"www.leaf.com. 600 A 198.51.100.1\n mail.leaf.com. 600 A 198.51.100.2\n *.wild.leaf.com. 600 A 198.51.100.3\n"
	"a.b.leaf.com. 600 A 198.51.100.4\n alias.leaf.com. 600 CNAME www.leaf.com.\n"
	"out.leaf.com. 600 CNAME www.plain.com.\n d.leaf.com. 600 DNAME b.leaf.com.\n";

/* root, com and leaf.com are signed, plain.com is not; leaf.com as `how` says. */
static struct sim *internet_of(const struct sim_signing *how, const struct sim_signing *com_how)
{
	static const struct sim_signing usual;
	struct sim *sim = sim_new();
	sim_zone(sim, ROOT, ".", "com. 3600 NS ns.com.\n ns.com. 3600 A 192.0.2.2\n . 3600 NS a.root.\n");
	sim_zone(sim, COM, "com.",
		 "com. 3600 NS ns.com.\n ns.com. 3600 A 192.0.2.2\n leaf.com. 3600 NS ns.leaf.com.\n leaf.com. 3600 NS ns2.leaf.com.\n"
		 "ns.leaf.com. 3600 A 192.0.2.3\n ns2.leaf.com. 3600 A 192.0.2.4\n"
		 "plain.com. 3600 NS ns.plain.com.\n ns.plain.com. 3600 A 192.0.2.5\n");
	sim_zone(sim, LEAF, "leaf.com.", leaf);
	sim_zone(sim, SECOND, "leaf.com.", leaf);
	sim_zone(sim, "192.0.2.5", "plain.com.",
		 "plain.com. 3600 NS ns.plain.com.\n ns.plain.com. 3600 A 192.0.2.5\n www.plain.com. 600 A 198.51.100.9\n"
		 "in.plain.com. 600 CNAME www.leaf.com.\n");
	sim_sign(sim, LEAF, "leaf.com.", how);
	sim_sign(sim, SECOND, "leaf.com.", how);
	sim_sign(sim, COM, "com.", com_how != NULL ? com_how : &usual);
	sim_sign(sim, ROOT, ".", &usual);

	struct anchors *anchors = anchors_new();
	uint8_t ds[SIM_RDATA_MAX];
	uint16_t len = sim_sign_ds(".", ds);
	cr_assert(anchors != NULL && anchors_add(anchors, (const uint8_t *)"", RR_DS, ds, len) == BH_OK);
	sim->config.anchors = anchors;
	sim_configure(sim);
	sim->config.anchors = NULL;
	core_set_wall(sim->core, SIM_SIGN_TIME, sim->now_ms);
	return sim;
}

static struct sim *internet(void)
{
	return internet_of(&(struct sim_signing){ .nsec3 = false }, NULL);
}

static void expect(struct sim *sim, const char *name, uint16_t type, uint16_t rcode, bool secure, const char *what)
{
	struct sim_result r = sim_ask(sim, name, type);
	cr_expect_eq(r.rcode, rcode, "%s: %s %u: rcode %u ede %d", what, name, type, r.rcode, r.ede);
	cr_expect_eq(r.secure, secure, "%s: %s %u: secure %d", what, name, type, r.secure);
}

/* --- what is right ----------------------------------------------------------------------------------- */

Test(validate, every_kind_of_answer_of_a_signed_zone_is_secure)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint16_t rcode;
		bool secure;
	} cases[] = {
		{ "www.leaf.com.", RR_A, RCODE_NOERROR, true },
		{ "WWW.leaf.COM.", RR_A, RCODE_NOERROR, true },
		{ "www.leaf.com.", RR_MX, RCODE_NOERROR, true },	/* NODATA */
		{ "b.leaf.com.", RR_A, RCODE_NOERROR, true },		/* an empty non-terminal */
		{ "nothing.leaf.com.", RR_A, RCODE_NXDOMAIN, true },
		{ "x.y.nothing.leaf.com.", RR_A, RCODE_NXDOMAIN, true },
		{ "any.wild.leaf.com.", RR_A, RCODE_NOERROR, true },
		{ "a.b.wild.leaf.com.", RR_A, RCODE_NOERROR, true },
		{ "any.wild.leaf.com.", RR_MX, RCODE_NOERROR, true },	/* NODATA of the wildcard */
		{ "alias.leaf.com.", RR_A, RCODE_NOERROR, true },
		{ "a.d.leaf.com.", RR_A, RCODE_NOERROR, true },		/* by DNAME */
		{ "out.leaf.com.", RR_A, RCODE_NOERROR, false },	/* ends in a zone that is not signed */
		{ "in.plain.com.", RR_A, RCODE_NOERROR, false },	/* begins in one */
		{ "www.plain.com.", RR_A, RCODE_NOERROR, false },
		{ "nothing.plain.com.", RR_A, RCODE_NXDOMAIN, false },
		{ "nothing.com.", RR_A, RCODE_NXDOMAIN, true },
		{ "nothing.", RR_A, RCODE_NXDOMAIN, true },
		{ "leaf.com.", RR_DS, RCODE_NOERROR, true },
		{ "plain.com.", RR_DS, RCODE_NOERROR, true },		/* secure: there is none */
		{ "leaf.com.", RR_DNSKEY, RCODE_NOERROR, true },
		{ ".", RR_DNSKEY, RCODE_NOERROR, true },
		{ ".", RR_NS, RCODE_NOERROR, true },
	};
	static const struct sim_signing kinds[] = {
		{ .nsec3 = false }, { .nsec3 = true }, { .nsec3 = true, .salt = "ab", .iterations = 3 },
		{ .one_key = true }, { .algorithm = DNSSEC_RSASHA256 }, { .algorithm = DNSSEC_ED25519 },
	};
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		struct sim *sim = internet_of(&kinds[k], NULL);
		for (unsigned turn = 0; turn < 2; turn++) { /* resolved, and from the cache */
			for (unsigned i = 0; i < COUNT(cases); i++) {
				char what[32];
				snprintf(what, sizeof(what), "kind %u turn %u", k, turn);
				expect(sim, cases[i].name, cases[i].type, cases[i].rcode, cases[i].secure, what);
			}
		}
		sim_free(sim);
	}
}

Test(validate, without_anchors_nothing_is_secure_and_nothing_is_fetched)
{
	struct sim *sim = internet();
	sim_configure(sim); /* no anchors */
	expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, false, "no anchors");
	cr_expect_eq(sim_asked(sim, ".", RR_DNSKEY), 0u);
	sim_free(sim);
}

Test(validate, nothing_is_fetched_or_checked_twice)
{
	struct sim *sim = internet();
	expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, true, "first");
	cr_expect_eq(sim_asked(sim, ".", RR_DNSKEY) + sim_asked(sim, "com.", RR_DNSKEY) + sim_asked(sim, "leaf.com.", RR_DNSKEY),
		     3u, "the keys of each zone");
	cr_expect_eq(sim_asked(sim, "leaf.com.", RR_DS), 0u, "DS comes with the referral");
	sim_forget(sim);
	struct sim_result r = sim_ask(sim, "mail.leaf.com.", RR_A);
	cr_expect(r.secure);
	cr_expect_eq(r.packets, 1u);
	cr_expect_eq(r.checks, 1u, "one signature: %u", r.checks);
	r = sim_ask(sim, "mail.leaf.com.", RR_A);
	cr_expect(r.secure);
	cr_expect_eq(r.checks, 0u);
	/* Its TTL is over, the keys' are not. Each server has signatures of its own making: the other's is new once. */
	unsigned checks = 0;
	for (unsigned i = 0; i < 4; i++) {
		sim->now_ms += 700 * 1000;
		r = sim_ask(sim, "mail.leaf.com.", RR_A);
		cr_expect(r.secure);
		cr_expect_eq(r.packets, 1u);
		checks += r.checks;
	}
	cr_expect_leq(checks, 1u, "the same signatures again: %u", checks);
	sim_free(sim);
}

/* --- what is wrong ----------------------------------------------------------------------------------- */

Test(validate, each_fault_makes_the_zone_bogus_with_its_extended_error)
{
	static const struct {
		const char *what;
		struct sim_signing how;
		int ede;
	} cases[] = {
		{ "expired", { .faults = SIM_EXPIRED }, EDE_SIGNATURE_EXPIRED },
		{ "not yet valid", { .faults = SIM_NOT_YET }, EDE_SIGNATURE_NOT_YET_VALID },
		{ "wrong tag", { .faults = SIM_WRONG_TAG }, -2 },
		{ "wrong signer", { .faults = SIM_WRONG_SIGNER }, EDE_RRSIGS_MISSING },
		{ "wrong labels", { .faults = SIM_WRONG_LABELS }, -2 },
		{ "flipped", { .faults = SIM_FLIPPED }, EDE_DNSSEC_BOGUS },
		{ "no signature", { .faults = SIM_NO_RRSIG }, EDE_RRSIGS_MISSING },
		{ "no DNSKEY", { .faults = SIM_NO_DNSKEY }, EDE_DNSKEY_MISSING },
		{ "no key for data", { .faults = SIM_NO_ZSK }, EDE_DNSKEY_MISSING },
		{ "revoked", { .faults = SIM_REVOKED }, EDE_DNSKEY_MISSING },
		{ "no zone key", { .faults = SIM_NO_ZONE_FLAG }, EDE_DNSKEY_MISSING },
		{ "wrong DS", { .faults = SIM_WRONG_DIGEST }, EDE_DNSKEY_MISSING },
	};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim *sim = internet_of(&cases[i].how, NULL);
		struct sim_result r = sim_ask(sim, "www.leaf.com.", RR_A);
		cr_expect_eq(r.rcode, RCODE_SERVFAIL, "%s: %u", cases[i].what, r.rcode);
		cr_expect_not(r.secure, "%s", cases[i].what);
		cr_expect(cases[i].ede == -2 || r.ede == cases[i].ede, "%s: ede %d", cases[i].what, r.ede);
		cr_expect_leq(r.checks, 24u, "%s: %u", cases[i].what, r.checks);
		/* Again: the same, without a packet. */
		r = sim_ask(sim, "www.leaf.com.", RR_A);
		cr_expect_eq(r.rcode, RCODE_SERVFAIL, "%s again", cases[i].what);
		cr_expect_eq(r.packets, 0u, "%s again: %u packets", cases[i].what, r.packets);
		/* Who validates himself gets it (RFC 6840 5.9), others do not get what he got. */
		sim->cd = true;
		r = sim_ask(sim, "mail.leaf.com.", RR_A);
		cr_expect_eq(r.rcode, RCODE_NOERROR, "%s with CD", cases[i].what);
		cr_expect_not(r.secure, "%s with CD", cases[i].what);
		sim->cd = false;
		r = sim_ask(sim, "mail.leaf.com.", RR_A);
		cr_expect_eq(r.rcode, RCODE_SERVFAIL, "%s after CD", cases[i].what);
		sim_free(sim);
	}
}

Test(validate, one_record_that_is_wrong_spoils_nothing_else)
{
	struct sim *sim = internet_of(&(struct sim_signing){ .faults = SIM_FLIPPED, .fault_name = "www.leaf.com." }, NULL);
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "the wrong one");
	expect(sim, "mail.leaf.com.", RR_A, RCODE_NOERROR, true, "another");
	expect(sim, "alias.leaf.com.", RR_A, RCODE_SERVFAIL, false, "an alias of the wrong one");
	sim_free(sim);
}

Test(validate, each_stripped_proof_makes_the_answer_bogus)
{
	static const struct {
		const char *name;
		uint16_t type;
	} questions[] = {
		{ "www.leaf.com.", RR_MX }, { "nothing.leaf.com.", RR_A }, { "any.wild.leaf.com.", RR_A },
		{ "any.wild.leaf.com.", RR_MX },
	};
	for (unsigned nsec3 = 0; nsec3 < 2; nsec3++) {
		for (unsigned q = 0; q < COUNT(questions); q++) {
			struct sim *sim = internet_of(&(struct sim_signing){ .nsec3 = nsec3 != 0, .strip = 7 }, NULL);
			expect(sim, questions[q].name, questions[q].type, RCODE_SERVFAIL, false, "all proofs stripped");
			sim_free(sim);
		}
	}
}

Test(validate, the_parent_must_prove_that_there_is_no_ds)
{
	/* com's proofs are stripped: plain.com may be signed for all we know. */
	for (unsigned nsec3 = 0; nsec3 < 2; nsec3++) {
		struct sim *sim = internet_of(&(struct sim_signing){ .nsec3 = false },
					      &(struct sim_signing){ .nsec3 = nsec3 != 0, .strip = 15 });
		expect(sim, "www.plain.com.", RR_A, RCODE_SERVFAIL, false, "no proof");
		expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, true, "a signed zone beside it");
		sim_free(sim);
	}
	static const struct sim_signing parents[] = {
		{ .nsec3 = true }, { .nsec3 = true, .opt_out = true }, { .nsec3 = true, .iterations = 60 },
	};
	for (unsigned i = 0; i < COUNT(parents); i++) {
		struct sim *sim = internet_of(&(struct sim_signing){ .nsec3 = false }, &parents[i]);
		expect(sim, "www.plain.com.", RR_A, RCODE_NOERROR, false, "insecure");
		sim_free(sim);
	}
}

Test(validate, unknown_algorithms_and_digests_are_insecure_and_not_bogus)
{
	static const struct sim_signing kinds[] = { { .faults = SIM_UNKNOWN_ALGORITHM }, { .digest = 77 },
						    { .faults = SIM_NO_DS } };
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		struct sim *sim = internet_of(&kinds[i], NULL);
		expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, false, "RFC 4035 5.2");
		sim_free(sim);
	}
}

/* --- who else may know better ------------------------------------------------------------------------ */

/* leaf.com's first server gives data of an attacker. */
static int lying_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	struct compose c;
	if (q->qtype != RR_A) {
		return sim_usual(sim, server, q, tcp, wire);
	}
	compose_begin(&c, wire, DNS_MESSAGE_MAX, 0, q->id, FLAG_QR | FLAG_AA, q->qname, q->qtype, q->qclass);
	static const uint8_t addr[4] = { 203, 0, 113, 66 };
	cr_assert_eq(compose_rr(&c, SECTION_ANSWER, q->qname, RR_A, CLASS_IN, 600, addr, 4), BH_OK);
	return (int)compose_finish(&c, NULL);
}

Test(validate, an_honest_server_beside_a_lying_one_is_found)
{
	for (unsigned turn = 0; turn < 8; turn++) { /* whoever is asked first */
		struct sim *sim = internet();
		sim_server(sim, LEAF)->hook = lying_hook;
		struct sim_result r = sim_ask(sim, "www.leaf.com.", RR_A);
		cr_expect_eq(r.rcode, RCODE_NOERROR);
		cr_expect(r.secure);
		cr_expect_str_eq(r.answer, "www.leaf.com. 600 A 198.51.100.1\n");
		sim_free(sim);
	}
}

/* The first two replies about the keys of each zone are forged. */
static unsigned forged[8];

static int forging_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	static const uint8_t key[] = "\1\1\3\17not a key of anybody at all!!!!";
	struct compose c;
	if (q->qtype != RR_DNSKEY || forged[dname_label_count(q->qname)] >= BOGUS_RETRIES_MAX) {
		return sim_usual(sim, server, q, tcp, wire);
	}
	forged[dname_label_count(q->qname)]++;
	compose_begin(&c, wire, DNS_MESSAGE_MAX, 0, q->id, FLAG_QR | FLAG_AA, q->qname, q->qtype, q->qclass);
	cr_assert_eq(compose_rr(&c, SECTION_ANSWER, q->qname, RR_DNSKEY, CLASS_IN, 600, key, sizeof(key) - 1), BH_OK);
	return (int)compose_finish(&c, NULL);
}

/* Who lies about one zone does not use up the patience with the zones below it. */
Test(validate, each_zone_on_the_way_is_asked_again)
{
	static const char *const servers[] = { ROOT, COM, LEAF, SECOND };
	struct sim *sim = internet();
	memset(forged, 0, sizeof(forged));
	for (unsigned i = 0; i < COUNT(servers); i++) {
		sim_server(sim, servers[i])->hook = forging_hook;
	}
	struct sim_result r = sim_ask(sim, "www.leaf.com.", RR_A);
	for (unsigned labels = 0; labels <= 2; labels++) {
		cr_expect_eq(forged[labels], BOGUS_RETRIES_MAX, "%u labels: %u", labels, forged[labels]);
	}
	cr_expect_eq(r.rcode, RCODE_NOERROR);
	cr_expect(r.secure);
	sim_free(sim);
}

/* --- attacks ----------------------------------------------------------------------------------------- */

/* KeyTrap (CVE-2023-50387): work is bounded for the RRset and the question, and the zone is what suffers. */
Test(validate, many_colliding_keys_and_signatures_cost_little)
{
	static const struct sim_signing kinds[] = {
		{ .colliding_keys = 200 },
		{ .colliding_keys = 3, .junk_signatures = 40 },
		{ .junk_signatures = 60 },
		{ .junk_ds = 60 },
		{ .colliding_keys = 300, .junk_signatures = 40, .junk_ds = 60 },
	};
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		struct sim *sim = internet_of(&kinds[i], NULL);
		struct sim_result r = sim_ask(sim, "www.leaf.com.", RR_A);
		cr_expect_leq(r.checks, 40u, "kind %u: %u checks", i, r.checks);
		unsigned checks = 0;
		for (unsigned k = 0; k < 20; k++) { /* other names of it: the verdict about the zone is known */
			char name[40];
			snprintf(name, sizeof(name), "n%u.leaf.com.", k);
			checks += sim_ask(sim, name, RR_A).checks;
		}
		cr_expect_leq(checks, 20 * 3 * SET_CHECKS_MAX, "kind %u: %u checks", i, checks);
		expect(sim, "nothing.com.", RR_A, RCODE_NXDOMAIN, true, "others are fine");
		sim_free(sim);
	}
}

Test(validate, a_question_has_a_limit_of_hashes)
{
	struct sim *sim = internet_of(&(struct sim_signing){ .nsec3 = true, .iterations = 50 }, NULL);
	struct sim_result r = sim_ask(sim, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.leaf.com.", RR_A);
	cr_expect_eq(r.rcode, RCODE_NXDOMAIN);
	cr_expect_leq(r.hashes, (unsigned)NSEC3_HASHES_MAX);
	sim_free(sim);
	sim = internet_of(&(struct sim_signing){ .nsec3 = true, .iterations = 2000 }, NULL);
	r = sim_ask(sim, "nothing.leaf.com.", RR_A);
	cr_expect_eq(r.rcode, RCODE_NXDOMAIN, "RFC 9276 3.2: insecure");
	cr_expect_not(r.secure);
	cr_expect_eq(r.hashes, 0u);
	sim_free(sim);
}

/* --- the operator's word ----------------------------------------------------------------------------- */

Test(validate, the_closest_anchor_counts)
{
	struct sim *sim = internet_of(&(struct sim_signing){ .faults = SIM_NO_DS }, NULL);
	uint8_t zone[DNAME_MAX];
	uint8_t ds[SIM_RDATA_MAX];
	sim_name("leaf.com.", zone);
	struct anchors *anchors = anchors_new();
	uint16_t len = sim_sign_ds(".", ds);
	cr_assert(anchors != NULL && anchors_add(anchors, (const uint8_t *)"", RR_DS, ds, len) == BH_OK);
	len = sim_sign_ds("leaf.com.", ds);
	cr_assert_eq(anchors_add(anchors, zone, RR_DS, ds, len), BH_OK);
	sim->config.anchors = anchors;
	sim_configure(sim);
	sim->config.anchors = NULL;
	expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, true, "an island with an anchor of its own");
	expect(sim, "www.plain.com.", RR_A, RCODE_NOERROR, false, "beside it");

	/* An anchor that is wrong makes the zone bogus though the root's chain says that it is insecure. */
	anchors = anchors_new();
	ds[len - 1] ^= 1;
	cr_assert(anchors != NULL && anchors_add(anchors, zone, RR_DS, ds, len) == BH_OK);
	sim->config.anchors = anchors;
	sim_configure(sim);
	sim->config.anchors = NULL;
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "a wrong anchor");
	expect(sim, "www.plain.com.", RR_A, RCODE_NOERROR, false, "below no anchor");
	sim_free(sim);
}

Test(validate, signatures_end_the_life_of_what_they_cover)
{
	struct sim *sim = internet();
	struct sim_result r = sim_ask(sim, "www.leaf.com.", RR_A);
	cr_expect_str_eq(r.answer, "www.leaf.com. 600 A 198.51.100.1\n");
	/* 100 seconds before all signatures of the zone end. */
	sim_free(sim);
	sim = internet();
	core_set_wall(sim->core, SIM_SIGN_TIME + SIM_SIGN_AFTER - 100, sim->now_ms);
	r = sim_ask(sim, "www.leaf.com.", RR_A);
	cr_expect(r.secure);
	cr_expect_str_eq(r.answer, "www.leaf.com. 100 A 198.51.100.1\n", "RFC 4035 5.3.3: %s", r.answer);
	sim_free(sim);
}

/* --- changes in the middle, and places that are no zones ---------------------------------------------- */

static struct anchors *root_anchor(bool wrong)
{
	struct anchors *anchors = anchors_new();
	uint8_t ds[SIM_RDATA_MAX];
	uint16_t len = sim_sign_ds(".", ds);
	ds[len - 1] ^= wrong;
	cr_assert(anchors != NULL && anchors_add(anchors, (const uint8_t *)"", RR_DS, ds, len) == BH_OK);
	return anchors;
}

/* With the root's anchor, and one for leaf.com if anchored. */
static void use_sha1(struct sim *sim, bool use, bool anchored)
{
	uint8_t zone[DNAME_MAX];
	uint8_t ds[SIM_RDATA_MAX];
	sim_name("leaf.com.", zone);
	uint16_t len = sim_sign_ds("leaf.com.", ds);
	dnssec_use_sha1(sim->dnssec, use);
	sim->config.options.no_sha1 = !use;
	sim->config.anchors = root_anchor(false);
	cr_assert(!anchored || anchors_add(sim->config.anchors, zone, RR_DS, ds, len) == BH_OK);
	sim_configure(sim);
	sim->config.anchors = NULL;
}

/* RFC 9905, by the operator's word, which holds for what is in the cache, too. */
Test(validate, a_zone_with_sha1_is_secure_or_not_as_is_said)
{
	struct sim *sim = internet_of(&(struct sim_signing){ .algorithm = DNSSEC_RSASHA1_NSEC3, .nsec3 = true }, NULL);
	for (unsigned turn = 0; turn < 4; turn++) {
		bool use = turn % 2 == 0;
		use_sha1(sim, use, false);
		expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, use, use ? "with" : "without");
		expect(sim, "nothing.leaf.com.", RR_A, RCODE_NXDOMAIN, use, use ? "with" : "without");
		expect(sim, "nothing.com.", RR_A, RCODE_NXDOMAIN, true, "another zone");
	}
	/* An anchor says that the zone is signed, so it fails closed. */
	use_sha1(sim, true, true);
	expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, true, "with an anchor");
	use_sha1(sim, false, true);
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "with an anchor that cannot be used");
	sim_free(sim);
}

/* The operator takes the anchor away while leaf.com's keys are on their way. */
static int distrusting_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	(void)server;
	(void)tcp;
	(void)wire;
	if (q->qtype == RR_DNSKEY) {
		core_set_anchors(sim->core, root_anchor(true), (const uint8_t *)"");
	}
	return -1;
}

Test(validate, what_was_in_work_when_anchors_changed_is_not_kept)
{
	struct sim *sim = internet();
	sim_server(sim, LEAF)->hook = sim_server(sim, SECOND)->hook = distrusting_hook;
	(void)sim_ask(sim, "www.leaf.com.", RR_A);
	cr_expect_eq(trust_count(sim->core->trust), 0u, "zones found with the old anchor");
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "the same");
	expect(sim, "mail.leaf.com.", RR_A, RCODE_SERVFAIL, false, "another name there");
	sim_free(sim);
}

/* What is bogus costs no search through the cache, and takes nothing else of the name out of it. */
Test(validate, bogus_keys_take_nothing_else_out_of_the_cache)
{
	struct sim *sim = internet_of(&(struct sim_signing){ .faults = SIM_WRONG_DIGEST }, NULL);
	struct cache_hit hit;
	uint8_t zone[DNAME_MAX];
	sim_name("leaf.com.", zone);
	sim->cd = true;
	expect(sim, "leaf.com.", RR_NS, RCODE_NOERROR, false, "NS");
	sim->cd = false;
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "the zone is bogus");
	cr_expect(cache_get(sim->core->cache, zone, CACHE_RRSET, RR_NS, sim->now_ms, &hit), "its NS RRset");
	cr_expect(cache_get(sim->core->cache, zone, CACHE_DELEGATION, 0, sim->now_ms, &hit), "the way to it");
	sim_free(sim);
}

/* A resolver in front of com and leaf.com: it answers with AA=0, RA=1 what their servers would say. */
static int forwarder_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	unsigned labels = dname_label_count(q->qname) - (q->qtype == RR_DS);
	(void)server;
	int len = sim_usual(sim, sim_server(sim, labels == 0 ? ROOT : labels == 1 ? COM : LEAF), q, tcp, wire);
	cr_assert_gt(len, DNS_HEADER_SIZE);
	put_u16(wire + 2, (uint16_t)((get_u16(wire + 2) & ~FLAG_AA) | FLAG_RA));
	return len;
}

Test(validate, a_forward_zone_need_be_no_zone)
{
	static const char *const zones[] = { "leaf.com.", "b.leaf.com.", "com." };
	for (unsigned i = 0; i < COUNT(zones); i++) {
		struct sim *sim = internet();
		struct ipc_servers forward = { .count = 1 };
		sim_name(zones[i], forward.name);
		cr_assert_eq(addr_parse("10.0.0.53", 53, &forward.addrs[0]), BH_OK);
		sim_server(sim, "10.0.0.53")->hook = forwarder_hook;
		sim->config.forwards = &forward;
		sim->config.forward_count = 1;
		sim->config.anchors = root_anchor(false);
		sim_configure(sim);
		sim->config.anchors = NULL;
		expect(sim, "leaf.com.", RR_DS, RCODE_NOERROR, true, zones[i]);
		expect(sim, "a.b.leaf.com.", RR_A, RCODE_NOERROR, true, zones[i]);
		expect(sim, "x.b.leaf.com.", RR_A, RCODE_NXDOMAIN, true, zones[i]);
		expect(sim, "a.b.leaf.com.", RR_MX, RCODE_NOERROR, true, zones[i]);
		cr_expect_gt(sim_server(sim, "10.0.0.53")->asked, 0u);
		sim_free(sim);
	}
}

Test(validate, ds_of_an_unsigned_stub_zone_is_no_failure)
{
	struct sim *sim = internet();
	struct ipc_servers stub = { .count = 1 };
	uint8_t zone[DNAME_MAX];
	sim_name("corp.leaf.com.", zone);
	memcpy(stub.name, zone, dname_len(zone));
	cr_assert_eq(addr_parse("10.0.0.60", 53, &stub.addrs[0]), BH_OK);
	sim_zone(sim, "10.0.0.60", "corp.leaf.com.", "corp.leaf.com. 60 NS ns.corp.leaf.com.\n a.corp.leaf.com. 60 A 10.1.1.1\n");
	sim->config.stubs = &stub;
	sim->config.stub_count = 1;
	sim->config.anchors = root_anchor(false);
	cr_assert_eq(anchors_add_negative(sim->config.anchors, zone, UINT64_MAX), BH_OK);
	sim_configure(sim);
	sim->config.anchors = NULL;
	expect(sim, "a.corp.leaf.com.", RR_A, RCODE_NOERROR, false, "data");
	expect(sim, "corp.leaf.com.", RR_DS, RCODE_NOERROR, false, "DS");
	sim_free(sim);
}

static int keyless_hook(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire)
{
	if (q->qtype != RR_DNSKEY) {
		return sim_usual(sim, server, q, tcp, wire);
	}
	struct compose c;
	compose_begin(&c, wire, 512, 0, q->id, FLAG_QR | RCODE_SERVFAIL, q->qname, q->qtype, q->qclass);
	return (int)compose_finish(&c, NULL);
}

/* RFC 6840 5.9: the client may have better anchors, or other keys. */
Test(validate, who_checks_himself_is_not_kept_from_data_that_could_not_be_checked)
{
	struct sim *sim = internet();
	sim_server(sim, LEAF)->hook = sim_server(sim, SECOND)->hook = keyless_hook;
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "nobody gives its keys");
	sim_forget(sim);
	expect(sim, "www.leaf.com.", RR_A, RCODE_SERVFAIL, false, "remembered");
	cr_expect_eq(sim->asked_count, 0u);
	sim->cd = true;
	expect(sim, "www.leaf.com.", RR_A, RCODE_NOERROR, false, "CD=1");
	sim_server(sim, LEAF)->flags = sim_server(sim, SECOND)->flags = SIM_SERVFAIL;
	sim_server(sim, LEAF)->hook = sim_server(sim, SECOND)->hook = NULL;
	sim->cd = false;
	expect(sim, "other.leaf.com.", RR_A, RCODE_SERVFAIL, false, "no data");
	sim_forget(sim);
	sim->cd = true;
	expect(sim, "other.leaf.com.", RR_A, RCODE_SERVFAIL, false, "no data, CD=1");
	cr_expect_eq(sim->asked_count, 0u, "it is remembered for all");
	sim_free(sim);
}
