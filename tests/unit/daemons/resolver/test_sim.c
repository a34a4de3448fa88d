/*
 * Is the made-up Internet right? What it signs is shown to programs of others and to our verifier, and what its
 * servers prove is counted. Only then do tests of validation mean anything.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim_sign.h"

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/message.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "daemons/resolver/validate/denial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDR "192.0.2.1"

static const uint8_t algorithms[] = { 5, 7, 8, 10, 13, 14, 15, 16 };

/* All that a zone can have: wildcards, empty non-terminals, delegations with and without DS, glue, DNAME. */
static const char example[] =
	"example. 3600 NS ns.example.\n example. 3600 TXT Mixed Case\n ns.example. 3600 A 192.0.2.1\n"
	"www.example. 600 A 198.51.100.2\n www.example. 600 A 198.51.100.1\n www.example. 600 AAAA 2001:db8::1\n"
	"alias.example. 600 CNAME WWW.Example.\n"
	"*.wild.example. 600 A 198.51.100.3\n *.wild.example. 600 TXT any\n"
	"a.b.c.example. 600 A 198.51.100.4\n d.example. 600 DNAME elsewhere.\n"
	"secure.example. 3600 NS ns.secure.example.\n secure.example. 3600 NS NS.other.\n"
	"ns.secure.example. 3600 A 192.0.2.2\n"
	"insecure.example. 3600 NS ns.insecure.example.\n ns.insecure.example. 3600 A 192.0.2.3\n"
	"UPPER.example. 600 A 198.51.100.5\n";

static struct sim *signed_sim(const struct sim_signing *how)
{
	struct sim *sim = sim_new();
	sim_zone(sim, ADDR, "example.", example);
	sim_zone(sim, "192.0.2.2", "secure.example.",
		 "secure.example. 3600 NS ns.secure.example.\n ns.secure.example. 3600 A 192.0.2.2\n");
	sim_sign(sim, "192.0.2.2", "secure.example.", &(struct sim_signing){ .algorithm = how->algorithm });
	sim_sign(sim, ADDR, "example.", how);
	return sim;
}

/* --- what others say of it -------------------------------------------------------------------------- */

static bool is_installed(const char *program)
{
	char command[128];
	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

/* Runs "before FILE after" over the zone; its exit status. */
static int run_over(const struct sim *sim, const char *zone, const char *before)
{
	char path[] = "/tmp/bulkhead-sim-XXXXXX";
	char command[256];
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	cr_assert_not_null(file);
	sim_sign_dump(sim, ADDR, zone, file);
	cr_assert_eq(fclose(file), 0);
	snprintf(command, sizeof(command), "%s %s >%s.out 2>&1", before, path, path);
	int status = system(command);
	if (status != 0) {
		snprintf(command, sizeof(command), "cat %s.out >&2", path);
		cr_expect_eq(system(command), 0);
	}
	snprintf(command, sizeof(command), "rm -f %s %s.out", path, path);
	cr_assert_eq(system(command), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define KNOT "kzonecheck -o example. -t 1700000000 -d on"
#define LDNS "ldns-verify-zone -t 20231114221320"

static const struct sim_signing shapes[] = {
	{ .nsec3 = false },
	{ .nsec3 = false, .one_key = true },
	{ .nsec3 = true },
	{ .nsec3 = true, .salt = "\xaa\xbb\xcc", .iterations = 10 },
	{ .nsec3 = true, .opt_out = true, .salt = "s" },
};

Test(sim, others_take_what_it_signs)
{
	bool knot = is_installed("kzonecheck");
	bool ldns = is_installed("ldns-verify-zone");
	if (!knot && !ldns) {
		cr_skip_test("neither kzonecheck nor ldns-verify-zone is installed");
	}
	for (size_t a = 0; a < COUNT(algorithms); a++) {
		for (size_t i = 0; i < COUNT(shapes); i++) {
			struct sim_signing how = shapes[i];
			how.algorithm = algorithms[a];
			struct sim *sim = signed_sim(&how);
			cr_expect(!knot || run_over(sim, "example.", KNOT) == 0, "knot: algorithm %u, shape %zu",
				  algorithms[a], i);
			/* "will error on opted-out delegations", says its help */
			cr_expect(!ldns || how.opt_out || run_over(sim, "example.", LDNS) == 0,
				  "ldns: algorithm %u, shape %zu", algorithms[a], i);
			sim_free(sim);
		}
	}
}

Test(sim, others_see_what_is_wrong)
{
	/* They do not look at the signer, nor at labels: see faults_are_where_they_were_ordered. */
	static const unsigned faults[] = { SIM_EXPIRED, SIM_NOT_YET, SIM_WRONG_TAG, SIM_FLIPPED, SIM_NO_RRSIG,
					   SIM_NO_ZSK };
	bool knot = is_installed("kzonecheck");
	bool ldns = is_installed("ldns-verify-zone");
	if (!knot && !ldns) {
		cr_skip_test("neither kzonecheck nor ldns-verify-zone is installed");
	}
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct sim *sim = signed_sim(&(struct sim_signing){ .faults = faults[i], .fault_type = RR_A,
								    .fault_name = "www.example." });
		cr_expect(!knot || run_over(sim, "example.", KNOT) != 0, "knot: fault %u", faults[i]);
		cr_expect(!ldns || run_over(sim, "example.", LDNS) != 0, "ldns: fault %u", faults[i]);
		sim_free(sim);
	}
}

/* --- what its servers answer ------------------------------------------------------------------------ */

struct asked {
	struct region region;
	uint8_t wire[65535];
	struct message msg;
};

static struct asked asked;

static void open_asked(void)
{
	region_init(&asked.region, 1 << 16, 1 << 28);
}

static void close_asked(void)
{
	region_clear(&asked.region);
}

TestSuite(sim, .init = open_asked, .fini = close_asked);

static const struct message *ask(struct sim *sim, const char *addr, const char *name, uint16_t type, bool do_bit)
{
	struct query q = { .id = 1, .qtype = type, .qclass = CLASS_IN,
			   .edns = { .present = true, .do_bit = do_bit, .udp_size = 1232 } };
	sim_name(name, q.qname);
	q.qname_len = (uint8_t)dname_len(q.qname);
	int len = sim_usual(sim, sim_server(sim, addr), &q, false, asked.wire);
	cr_assert_gt(len, 0);
	cr_assert_eq(message_parse(asked.wire, (size_t)len, &asked.region, &asked.msg), BH_OK, "%s", name);
	return &asked.msg;
}

static unsigned count_type(const struct message *msg, enum section section, uint16_t type)
{
	unsigned count = 0;
	for (size_t i = 0; i < msg->rr_count; i++) {
		count += msg->rrs[i].section == section && msg->rrs[i].type == type;
	}
	return count;
}

/* The DNSKEY RRset of a zone as its server tells it. */
static const struct rrset *keys_at(struct sim *sim, const char *addr, const char *zone)
{
	struct rrset *keys = NULL;
	uint8_t apex[DNAME_MAX];
	sim_name(zone, apex);
	const struct message *msg = ask(sim, addr, zone, RR_DNSKEY, true);
	cr_assert_eq(rrset_collect(msg, SECTION_ANSWER, apex, RR_DNSKEY, &asked.region, &keys), BH_OK);
	return keys;
}

/* Signatures over set that one of the keys has made. */
static unsigned good_signatures(struct dnssec *dnssec, const struct rrset *keys, const struct rrset *set)
{
	unsigned good = 0;
	const struct dnssec_rrset plain = { .owner = set->owner, .type = set->type, .count = set->count,
					    .rdata = set->rdata, .rdata_len = set->rdata_len };
	struct cursor c = cursor_of(set->sigs, set->sigs_len);
	for (unsigned i = 0; i < set->sig_count; i++) {
		size_t len;
		struct rrsig sig;
		const uint8_t *rdata = cursor_blob(&c, &len);
		cr_assert(rdata != NULL && rrsig_parse(rdata, len, &sig) == BH_OK);
		for (unsigned k = 0; k < keys->count; k++) {
			uint16_t key_len;
			struct dnskey dnskey;
			const uint8_t *key_rdata = rrset_rdata(keys, k, &key_len);
			cr_assert_eq(dnskey_parse(key_rdata, key_len, &dnskey), BH_OK);
			if (dnskey.tag != sig.tag || dnskey.algorithm != sig.algorithm) {
				continue;
			}
			struct dnssec_key *key = dnssec_key_new(dnssec, &dnskey);
			good += key != NULL && dnssec_verify(dnssec, key, &sig, &plain) == DNSSEC_GOOD;
			dnssec_key_free(key);
		}
	}
	return good;
}

/* Every RRset of answer and authority section but the NS of a referral has one good signature. */
static void expect_signed(struct dnssec *dnssec, const struct rrset *keys, const struct message *msg, const char *what)
{
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		struct rrset *set;
		bool is_referral = rr->section == SECTION_AUTHORITY && rr->type == RR_NS;
		if (rr->type == RR_RRSIG || rr->section == SECTION_ADDITIONAL || is_referral) {
			continue;
		}
		cr_assert_eq(rrset_collect(msg, rr->section, rr->owner, rr->type, &asked.region, &set), BH_OK);
		cr_expect_eq(set->sig_count, 1, "%s: type %u", what, rr->type);
		cr_expect_eq(good_signatures(dnssec, keys, set), 1u, "%s: type %u", what, rr->type);
	}
}

/* Records of NSEC and NSEC3 that each reply needs, by RFC 4035 3.1.3 and RFC 5155 7.2 (B of either has examples). */
static const struct {
	const char *name;
	uint16_t type;
	uint16_t rcode;
	unsigned answers; /* records but RRSIG */
	unsigned nsec;
	unsigned nsec3;
} questions[] = {
	{ "example.", RR_SOA, 0, 1, 0, 0 },
	{ "example.", RR_NS, 0, 1, 0, 0 },
	{ "EXAMPLE.", RR_TXT, 0, 1, 0, 0 },
	{ "www.example.", RR_A, 0, 2, 0, 0 },
	{ "alias.example.", RR_A, 0, 1, 0, 0 },
	{ "x.d.example.", RR_A, 0, 1, 0, 0 },	     /* DNAME */
	{ "upper.example.", RR_A, 0, 1, 0, 0 },
	{ "secure.example.", RR_DS, 0, 1, 0, 0 },
	{ "x.secure.example.", RR_A, 0, 0, 0, 0 },   /* referral with DS */
	{ "secure.example.", RR_A, 0, 0, 0, 0 },
	{ "x.wild.example.", RR_A, 0, 1, 1, 1 },     /* wildcard */
	{ "x.y.wild.example.", RR_A, 0, 1, 1, 1 },
	{ "*.wild.example.", RR_A, 0, 1, 0, 0 },
	{ "www.example.", RR_TXT, 0, 0, 1, 1 },	     /* no data */
	{ "b.c.example.", RR_A, 0, 0, 1, 1 },	     /* empty non-terminal */
	{ "wild.example.", RR_A, 0, 0, 1, 1 },
};

Test(sim, replies_are_signed_and_proved)
{
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (size_t a = 0; a < COUNT(algorithms); a++) {
		for (size_t i = 0; i < COUNT(shapes); i++) {
			struct sim_signing how = shapes[i];
			how.algorithm = algorithms[a];
			struct sim *sim = signed_sim(&how);
			const struct rrset *keys = keys_at(sim, ADDR, "example.");
			cr_assert_not_null(keys);
			cr_expect_eq(keys->count, how.one_key ? 1 : 2);
			cr_expect_eq(good_signatures(dnssec, keys, keys), 1u);
			for (size_t n = 0; n < COUNT(questions); n++) {
				const char *name = questions[n].name;
				const struct message *msg = ask(sim, ADDR, name, questions[n].type, true);
				unsigned nsec = count_type(msg, SECTION_AUTHORITY, RR_NSEC);
				unsigned nsec3 = count_type(msg, SECTION_AUTHORITY, RR_NSEC3);
				unsigned answers = 0;
				for (size_t r = 0; r < msg->rr_count; r++) {
					answers += msg->rrs[r].section == SECTION_ANSWER && msg->rrs[r].type != RR_RRSIG;
				}
				cr_expect(msg->do_bit);
				cr_expect_eq(msg->rcode, questions[n].rcode, "%s", name);
				cr_expect_eq(answers, questions[n].answers, "%s: %u", name, answers);
				cr_expect_eq(nsec, how.nsec3 ? 0 : questions[n].nsec, "%s: %u NSEC", name, nsec);
				cr_expect_eq(nsec3, how.nsec3 ? questions[n].nsec3 : 0, "%s: %u NSEC3", name, nsec3);
				expect_signed(dnssec, keys, msg, name);
			}
			sim_free(sim);
		}
	}
	dnssec_free(dnssec);
}

/* --- do its proofs prove? --------------------------------------------------------------------------- */

enum claim { CLAIM_NAME_ERROR, CLAIM_NODATA, CLAIM_WILDCARD, CLAIM_NO_DS };

/* The verdict of the code that validates, over what a server sent. */
static int verdict_on(const struct message *msg, enum claim claim, const char *text, uint16_t type, unsigned labels)
{
	static const uint8_t zone[] = "\007example";
	const struct rrset *sets[16];
	uint8_t name[DNAME_MAX];
	uint32_t hashes = 1000;
	struct denial d = { .zone = zone, .sets = sets, .hasher = nsec3_hasher_new(), .hashes = &hashes };
	cr_assert_not_null(d.hasher);
	sim_name(text, name);
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == SECTION_AUTHORITY && (rr->type == RR_NSEC || rr->type == RR_NSEC3)) {
			struct rrset *set;
			cr_assert_eq(rrset_collect(msg, rr->section, rr->owner, rr->type, &asked.region, &set), BH_OK);
			cr_assert(set->sig_count > 0 && d.count < COUNT(sets));
			set->labels = set->sigs[2 + 3]; /* as if that signature had been verified */
			sets[d.count++] = set;
		}
	}
	int verdict = claim == CLAIM_NAME_ERROR ? (int)denial_name_error(&d, name)
		      : claim == CLAIM_NODATA	? (int)denial_nodata(&d, name, type)
		      : claim == CLAIM_WILDCARD ? (int)denial_wildcard(&d, name, labels)
						: (int)denial_ds(&d, name);
	nsec3_hasher_free(d.hasher);
	return verdict;
}

static const struct {
	const char *name;
	uint16_t type;
	uint16_t rcode;
	enum claim claim;
	unsigned labels;
	int nsec, nsec3, opt_out;	/* verdicts */
	unsigned nsec_parts, nsec3_parts; /* RRsets that it takes */
} claims[] = {
	{ "nothing.example.", RR_A, RCODE_NXDOMAIN, CLAIM_NAME_ERROR, 0, DENIAL_PROVEN, DENIAL_PROVEN,
	  DENIAL_INSECURE, 2, 3 },
	{ "x.www.example.", RR_A, RCODE_NXDOMAIN, CLAIM_NAME_ERROR, 0, DENIAL_PROVEN, DENIAL_PROVEN,
	  DENIAL_INSECURE, 1, 3 },
	{ "x.y.c.example.", RR_A, RCODE_NXDOMAIN, CLAIM_NAME_ERROR, 0, DENIAL_PROVEN, DENIAL_PROVEN,
	  DENIAL_INSECURE, 2, 3 },
	{ "www.example.", RR_TXT, 0, CLAIM_NODATA, 0, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_PROVEN, 1, 1 },
	{ "example.", RR_A, 0, CLAIM_NODATA, 0, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_PROVEN, 1, 1 },
	{ "b.c.example.", RR_A, 0, CLAIM_NODATA, 0, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_PROVEN, 1, 1 },
	{ "www.example.", RR_DS, 0, CLAIM_NODATA, 0, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_PROVEN, 1, 1 },
	{ "x.wild.example.", RR_A, 0, CLAIM_WILDCARD, 2, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_INSECURE, 1, 1 },
	{ "x.wild.example.", RR_AAAA, 0, CLAIM_NODATA, 0, DENIAL_PROVEN, DENIAL_PROVEN, DENIAL_INSECURE, 1, 3 },
	{ "insecure.example.", RR_DS, 0, CLAIM_NO_DS, 0, DENIAL_DS_INSECURE, DENIAL_DS_INSECURE,
	  DENIAL_DS_INSECURE, 1, 1 },
	{ "insecure.example.", RR_A, 0, CLAIM_NO_DS, 0, DENIAL_DS_INSECURE, DENIAL_DS_INSECURE,
	  DENIAL_DS_INSECURE, 1, 1 },
};

/* Ask and judge; how many RRsets of proof there were. */
static unsigned try_claim(const struct sim_signing *how, size_t n, int *verdict)
{
	struct sim *sim = signed_sim(how);
	const struct message *msg = ask(sim, ADDR, claims[n].name, claims[n].type, true);
	*verdict = verdict_on(msg, claims[n].claim, claims[n].name, claims[n].type, claims[n].labels);
	cr_expect_eq(msg->rcode, claims[n].rcode, "%s", claims[n].name);
	sim_free(sim);
	return count_type(msg, SECTION_AUTHORITY, how->nsec3 ? RR_NSEC3 : RR_NSEC);
}

static void expect_proof(const struct sim_signing *shape, size_t n)
{
	struct sim_signing how = *shape;
	int want = how.opt_out ? claims[n].opt_out : how.nsec3 ? claims[n].nsec3 : claims[n].nsec;
	int verdict;
	unsigned parts = try_claim(&how, n, &verdict);
	cr_expect_eq(verdict, want, "%s %u: %d", claims[n].name, claims[n].type, verdict);
	/* One NSEC3 may be good for two parts; with opt-out an insecure delegation takes an encloser and a cover. */
	unsigned most = !how.nsec3 ? claims[n].nsec_parts
		       : how.opt_out && claims[n].claim == CLAIM_NO_DS ? 2 : claims[n].nsec3_parts;
	cr_expect(parts >= 1 && parts <= most && (how.nsec3 || parts == most), "%s: %u", claims[n].name, parts);
	for (unsigned part = 0; part < parts; part++) {
		how.strip = 1u << part;
		cr_expect_eq(try_claim(&how, n, &verdict), parts - 1);
		/* Where delegations opt out, less proves less, but something. */
		bool is_less = verdict == DENIAL_NOT_PROVEN ||
			       (how.opt_out && claims[n].claim != CLAIM_NO_DS && verdict == DENIAL_INSECURE);
		cr_expect(is_less, "%s %u without part %u: %d", claims[n].name, claims[n].type, part, verdict);
	}
}

/* What is sent proves what it should; and not any more when one part of it is left out. */
Test(sim, replies_prove_and_do_not_without_any_part)
{
	cr_assert_eq((int)DENIAL_NOT_PROVEN, (int)DENIAL_DS_NOT_PROVEN);
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (size_t n = 0; n < COUNT(claims); n++) {
			expect_proof(&shapes[i], n);
		}
	}
}

/* --- faults ----------------------------------------------------------------------------------------- */

/* The first signature over www.example. A; false: there is none. */
static bool signature_of(struct sim *sim, const char *name, uint16_t type, struct rrsig *sig)
{
	struct rrset *set = NULL;
	uint8_t owner[DNAME_MAX];
	sim_name(name, owner);
	const struct message *msg = ask(sim, ADDR, name, type, true);
	cr_assert_eq(rrset_collect(msg, SECTION_ANSWER, owner, type, &asked.region, &set), BH_OK);
	cr_assert_not_null(set);
	if (set->sig_count == 0) {
		return false;
	}
	struct cursor c = cursor_of(set->sigs, set->sigs_len);
	size_t len;
	const uint8_t *rdata = cursor_blob(&c, &len);
	cr_assert_eq(rrsig_parse(rdata, len, sig), BH_OK);
	return true;
}

Test(sim, faults_are_where_they_were_ordered)
{
	static const uint8_t wrong[] = { 5, 'w', 'r', 'o', 'n', 'g', 0 };
	static const uint8_t zone[] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (unsigned fault = SIM_EXPIRED; fault <= SIM_NO_RRSIG; fault *= 2) {
		struct sim *sim = signed_sim(&(struct sim_signing){ .faults = fault, .fault_type = RR_A,
								    .fault_name = "www.example." });
		const struct rrset *keys = keys_at(sim, ADDR, "example.");
		uint16_t tags[2];
		for (unsigned k = 0; k < 2; k++) {
			struct dnskey dnskey;
			uint16_t len;
			const uint8_t *rdata = rrset_rdata(keys, k, &len);
			cr_assert_eq(dnskey_parse(rdata, len, &dnskey), BH_OK);
			tags[k] = dnskey.tag;
		}
		expect_signed(dnssec, keys, ask(sim, ADDR, "www.example.", RR_AAAA, true), "other type");
		expect_signed(dnssec, keys, ask(sim, ADDR, "ns.example.", RR_A, true), "other name");
		struct rrsig sig;
		bool is_there = signature_of(sim, "www.example.", RR_A, &sig);
		cr_expect_eq(is_there, fault != SIM_NO_RRSIG);
		if (is_there) {
			cr_expect_eq(sig.expiration < SIM_SIGN_TIME, fault == SIM_EXPIRED, "%u", fault);
			cr_expect_eq(sig.inception > SIM_SIGN_TIME, fault == SIM_NOT_YET, "%u", fault);
			cr_expect_lt(sig.inception, sig.expiration, "%u", fault);
			cr_expect_eq(sig.tag != tags[0] && sig.tag != tags[1], fault == SIM_WRONG_TAG, "%u", fault);
			cr_expect(dname_equal(sig.signer, fault == SIM_WRONG_SIGNER ? wrong : zone), "%u", fault);
			cr_expect_eq(sig.labels, fault == SIM_WRONG_LABELS ? 3 : 2, "%u", fault);
		}
		sim_free(sim);
	}
	dnssec_free(dnssec);
}

/* How many keys of the zone's DNSKEY RRset its DS speaks of. */
static unsigned ds_matches(struct dnssec *dnssec, struct sim *sim, const char *zone)
{
	uint8_t rdata[SIM_RDATA_MAX];
	uint8_t apex[DNAME_MAX];
	struct ds ds;
	unsigned matches = 0;
	const struct rrset *keys = keys_at(sim, ADDR, zone);
	sim_name(zone, apex);
	cr_assert_eq(ds_parse(rdata, sim_sign_ds(zone, rdata), &ds), BH_OK);
	for (unsigned i = 0; keys != NULL && i < keys->count; i++) {
		uint16_t len;
		const uint8_t *key = rrset_rdata(keys, i, &len);
		matches += dnssec_ds_matches(dnssec, &ds, apex, key, len);
	}
	return matches;
}

Test(sim, keys_and_ds_are_as_ordered)
{
	static const struct {
		struct sim_signing how;
		unsigned keys;
		unsigned matches;
	} cases[] = {
		{ { .faults = 0 }, 2, 1 },
		{ { .one_key = true }, 1, 1 },
		{ { .digest = DNSSEC_SHA1 }, 2, 1 },
		{ { .digest = DNSSEC_SHA384 }, 2, 1 },
		{ { .digest = 200 }, 2, 0 },
		{ { .faults = SIM_NO_ZSK }, 1, 1 },
		{ { .faults = SIM_REVOKED }, 2, 1 },
		{ { .faults = SIM_NO_ZONE_FLAG }, 2, 1 },
		{ { .faults = SIM_WRONG_DIGEST }, 2, 0 },
		{ { .faults = SIM_UNKNOWN_ALGORITHM }, 2, 1 },
		{ { .colliding_keys = 20 }, 22, 1 },
		{ { .colliding_keys = 20, .algorithm = DNSSEC_RSASHA256, .one_key = true }, 21, 1 },
		{ { .colliding_keys = 5, .algorithm = DNSSEC_ED25519 }, 7, 1 },
	};
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sim *sim = signed_sim(&cases[i].how);
		const struct rrset *keys = keys_at(sim, ADDR, "example.");
		cr_assert_not_null(keys);
		cr_expect_eq(keys->count, cases[i].keys, "case %zu: %u", i, keys->count);
		cr_expect_eq(ds_matches(dnssec, sim, "example."), cases[i].matches, "case %zu", i);
		struct rrsig sig;
		cr_assert(signature_of(sim, "www.example.", RR_A, &sig));
		unsigned same_tag = 0;
		for (unsigned k = 0; k < keys->count; k++) {
			struct dnskey dnskey;
			uint16_t len;
			const uint8_t *rdata = rrset_rdata(keys, k, &len);
			cr_assert_eq(dnskey_parse(rdata, len, &dnskey), BH_OK);
			same_tag += dnskey.tag == sig.tag;
			bool is_unknown = (cases[i].how.faults & SIM_UNKNOWN_ALGORITHM) != 0;
			cr_expect_eq(dnssec_has_algorithm(dnssec, dnskey.algorithm), !is_unknown, "case %zu", i);
			cr_expect_eq((dnskey.flags & DNSKEY_ZONE) == 0, (cases[i].how.faults & SIM_NO_ZONE_FLAG) != 0);
		}
		unsigned missing = (cases[i].how.faults & SIM_NO_ZSK) != 0;
		cr_expect_eq(same_tag, cases[i].how.colliding_keys + 1 - missing, "case %zu: %u", i, same_tag);
		sim_free(sim);
	}
	struct sim *sim = signed_sim(&(struct sim_signing){ .faults = SIM_NO_DNSKEY });
	cr_expect_null(keys_at(sim, ADDR, "example."));
	sim_free(sim);
	dnssec_free(dnssec);
}

Test(sim, parents_have_the_ds_of_their_children)
{
	struct sim *sim = sim_new();
	static const char root[] = ". 3600 NS a.root.\n a.root. 3600 A 192.0.2.1\n example. 3600 NS ns.example.\n";
	sim_zone(sim, ADDR, ".", root);
	sim_zone(sim, ADDR, "example.", example);
	sim_sign(sim, ADDR, "example.", &(struct sim_signing){ .junk_ds = 3 });
	sim_sign(sim, ADDR, ".", &(struct sim_signing){ .nsec3 = true });
	const struct message *msg = ask(sim, ADDR, "example.", RR_DS, true);
	cr_expect_eq(count_type(msg, SECTION_ANSWER, RR_DS), 4u);
	cr_expect_eq(count_type(msg, SECTION_ANSWER, RR_RRSIG), 1u);
	sim_free(sim);

	sim = sim_new();
	sim_zone(sim, ADDR, ".", root);
	sim_zone(sim, "192.0.2.2", "example.", example);
	sim_sign(sim, "192.0.2.2", "example.", &(struct sim_signing){ .faults = SIM_NO_DS });
	sim_sign(sim, ADDR, ".", &(struct sim_signing){ .nsec3 = true });
	msg = ask(sim, ADDR, "www.example.", RR_A, true);
	cr_expect_eq(count_type(msg, SECTION_AUTHORITY, RR_NS), 1u);
	cr_expect_eq(count_type(msg, SECTION_AUTHORITY, RR_DS), 0u);
	cr_expect_eq(count_type(msg, SECTION_AUTHORITY, RR_NSEC3), 1u);
	/* The child has no DS of its own to tell (RFC 4035 3.1.4.1). */
	msg = ask(sim, "192.0.2.2", "example.", RR_DS, true);
	cr_expect_eq(msg->rcode, RCODE_NOERROR);
	cr_expect_eq(count_type(msg, SECTION_AUTHORITY, RR_SOA), 1u);
	sim_free(sim);
}

Test(sim, without_do_nothing_of_dnssec_is_sent)
{
	struct sim *sim = signed_sim(&(struct sim_signing){ .nsec3 = true });
	for (size_t n = 0; n < COUNT(questions); n++) {
		const struct message *msg = ask(sim, ADDR, questions[n].name, questions[n].type, false);
		for (size_t i = 0; i < msg->rr_count; i++) {
			uint16_t type = msg->rrs[i].type;
			cr_expect(type != RR_RRSIG && type != RR_NSEC3 && (type != RR_DS || questions[n].type == RR_DS),
				  "%s: type %u", questions[n].name, type);
		}
	}
	sim_free(sim);
}

/* --- mass ------------------------------------------------------------------------------------------- */

/* The same numbers in every run (xorshift). */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void sink_random(struct sink *s, uint32_t *state, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sink_u8(s, (uint8_t)next_random(state));
	}
}

/* Up to three labels of letters in both cases; few letters, so that some records differ in case only. */
static void sink_random_name(struct sink *s, uint32_t *state)
{
	for (unsigned labels = next_random(state) % 4; labels > 0; labels--) {
		unsigned len = 1 + next_random(state) % 3;
		sink_u8(s, (uint8_t)len);
		for (unsigned i = 0; i < len; i++) {
			sink_u8(s, (uint8_t)"aAbBcC-1"[next_random(state) % 8]);
		}
	}
	sink_u8(s, 0);
}

/* RDATA that is valid for its type, by the list of its fields. */
static size_t random_rdata(uint32_t *state, uint16_t type, uint8_t out[SIM_RDATA_MAX])
{
	struct sink s = sink_of(out, SIM_RDATA_MAX);
	const uint8_t *fields = rdata_fields(type);
	for (const uint8_t *field = fields; *field != RDATA_END; field++) {
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			sink_random_name(&s, state);
		} else if (*field == RDATA_STRING) {
			uint8_t len = (uint8_t)(next_random(state) % 6);
			sink_u8(&s, len);
			sink_random(&s, state, len);
		} else {
			sink_random(&s, state, *field);
		}
	}
	if (!rdata_is_valid(type, out, s.pos)) { /* it has a tail */
		sink_random(&s, state, 1 + next_random(state) % 20);
	}
	cr_assert(!s.failed && rdata_is_valid(type, out, s.pos), "type %u", type);
	return s.pos;
}

#define MASS_SETS 40

static const uint16_t mass_types[] = {
	RR_A,	 RR_PTR,  RR_HINFO, RR_MINFO, RR_MX,	RR_RP,	RR_AFSDB, RR_RT,   RR_PX,  RR_AAAA,
	RR_SRV,	 RR_KX,	  RR_NAPTR, RR_SSHFP, RR_TLSA,	RR_SVCB, RR_HTTPS, RR_CAA, RR_MB, 65280,
};

static void mass_owner(unsigned i, uint8_t out[DNAME_MAX])
{
	char text[32];
	snprintf(text, sizeof(text), "%s%u.example.", i % 2 == 0 ? "n" : "N", i);
	sim_name(text, out);
}

/* RRsets of all kinds and sizes, through a message with compressed names, are what was signed. */
Test(sim, any_rrset_of_a_signed_zone_verifies)
{
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (size_t a = 0; a < COUNT(algorithms); a++) {
		uint32_t state = 20231114u + (uint32_t)a;
		struct sim *sim = sim_new();
		sim_zone(sim, ADDR, "example.", "example. 3600 NS ns.example.\n");
		for (unsigned i = 0; i < MASS_SETS; i++) {
			static const uint8_t zone[] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
			uint8_t owner[DNAME_MAX];
			mass_owner(i, owner);
			for (unsigned n = 1 + next_random(&state) % 30; n > 0; n--) {
				uint16_t type = mass_types[i % COUNT(mass_types)];
				struct sim_record *rr = sim_add(sim, 0, zone, owner, 60 * i, type);
				rr->rdata_len = (uint16_t)random_rdata(&state, type, rr->rdata);
			}
		}
		/* The longest keys that are common, here. */
		sim_sign(sim, ADDR, "example.", &(struct sim_signing){ .algorithm = algorithms[a], .rsa_bits = 2048 });
		const struct rrset *keys = keys_at(sim, ADDR, "example.");
		for (unsigned i = 0; i < MASS_SETS; i++) {
			uint16_t type = mass_types[i % COUNT(mass_types)];
			uint8_t owner[DNAME_MAX];
			char text[DNAME_TEXT_MAX];
			mass_owner(i, owner);
			const struct message *msg = ask(sim, ADDR, dname_text(owner, text), type, true);
			struct rrset *set = NULL;
			cr_assert_eq(rrset_collect(msg, SECTION_ANSWER, owner, type, &asked.region, &set), BH_OK);
			cr_assert_not_null(set);
			cr_expect_eq(good_signatures(dnssec, keys, set), 1u, "algorithm %u, set %u of type %u",
				     algorithms[a], i, type);
			/* One octet of it is another: the last one, which is never of a name's letters. */
			uint8_t *last = (uint8_t *)(uintptr_t)set->rdata + set->rdata_len - 1;
			if (rdata_fields(type)[0] == RDATA_END || type == RR_A || type == RR_AAAA) {
				*last ^= 1;
				cr_expect_eq(good_signatures(dnssec, keys, set), 0u, "type %u", type);
			}
		}
		sim_free(sim);
	}
	dnssec_free(dnssec);
}
