/*
 * Signed zones (tests/data/signed): the same on several servers, and under the eyes of a validating resolver
 * that trusts nothing but the key of the root. Three zones hold the same names, denied by NSEC, by NSEC3, and by NSEC3
 * with opt-out, salt and iterations; the root and a signed and an unsigned child of each are served too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/peers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct peer_zone zones[] = {
	{ "nsec", NULL },	{ "nsec3", NULL },	 { "optout", NULL },
	{ "child.nsec", NULL }, { "child.nsec3", NULL }, { "child.optout", NULL },
	{ "uchild.nsec", NULL }, { "uchild.nsec3", NULL }, { "uchild.optout", NULL },
	{ ".", NULL },
};

#define NSEC3_LABEL 32 /* octets of a hash in base32hex */

static struct appliance appliance;
static struct peer_names names;
static size_t owner_count; /* the first of these are in the zones */

static void setup(void)
{
	harness_limit(500);
	peers_start(&appliance, zones, COUNT(zones));
	for (size_t i = 0; i < COUNT(zones); i++) {
		names_add_owners(&names, &zones[i]);
	}
	owner_count = names.count;
	for (size_t i = 0; i < owner_count; i++) {
		/* Below owners of NSEC3, which are no names, NSD proves something else; a few of them will do. */
		if (strcspn(names.names[i], ".") != NSEC3_LABEL || i % 32 == 0) {
			names_add_derived(&names, i);
		}
	}
}

static void stop(void)
{
	peers_report();
	appliance_clear(&appliance);
}

TestSuite(signed, .init = setup, .fini = stop);

static const uint16_t types[] = { RR_A,	      RR_NS,	RR_SOA,	  RR_CNAME, RR_DNAME, RR_MX, RR_TXT,  RR_DS,
				  RR_DNSKEY,  RR_NSEC,	RR_NSEC3, RR_NSEC3PARAM, RR_CDS, RR_CDNSKEY, RR_SRV, RR_PTR,
				  RR_HTTPS, 65280, 65281 };

/* Letters in a case that changes from name to name. */
static const char *mix_case(const char *name, size_t seed, char out[DNAME_TEXT_MAX])
{
	size_t i = 0;
	for (; name[i] != '\0'; i++) {
		bool upper = ((i * 7 + seed * 13) >> 2) % 2 == 1;
		out[i] = upper && name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	}
	out[i] = '\0';
	return out;
}

/*
 * NSEC asked at an alias in a zone with NSEC3: only NSD follows it as we do (a NODATA with the CNAME bit is one that
 * validators refuse, RFC 5155 8.5), and what this alias leads to - a name below an empty non-terminal that opt-out
 * left out - NSD proves otherwise than we, Knot and BIND do. Asked for another type, both halves are compared.
 */
static bool nobody_does_both(const char *name, uint16_t type)
{
	return type == RR_NSEC && strncasecmp(name, "tooptout.", 9) == 0;
}

Test(signed, every_name_and_type_with_do, .timeout = 500)
{
	unsigned wrong = 0;
	for (size_t i = 0; i < names.count; i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			char name[DNAME_TEXT_MAX];
			struct ask ask = { .name = mix_case(names.names[i], i + k, name), .type = types[k], .edns = true,
					   .do_bit = true, .flags = (i + k) % 3 == 0 ? FLAG_RD | FLAG_CD | FLAG_AD : 0 };
			wrong += nobody_does_both(name, types[k]) ? 0 : peers_compare(&ask);
		}
	}
	MUST(wrong == 0, "%u answers are like nobody's", wrong);
}

Test(signed, every_size_flag_and_transport, .timeout = 500)
{
	static const struct ask variants[] = {
		{ .edns = false },
		{ .edns = true, .flags = FLAG_AD },
		{ .edns = false, .flags = FLAG_CD | FLAG_RD },
		{ .edns = true, .do_bit = true, .udp_size = 512 },
		{ .edns = true, .do_bit = true, .udp_size = 900 },
		{ .edns = true, .do_bit = true, .tcp = true },
		{ .edns = false, .tcp = true },
	};
	static const uint16_t few[] = { RR_A, RR_DS, RR_TXT };
	unsigned wrong = 0;
	for (size_t i = 0; i < names.count; i++) {
		for (size_t k = 0; k < COUNT(few); k++) {
			for (size_t v = i % 3; v < COUNT(variants); v += 3) {
				struct ask ask = variants[v];
				ask.name = names.names[i];
				ask.type = few[k];
				wrong += peers_compare(&ask);
			}
		}
	}
	MUST(wrong == 0, "%u answers are like nobody's", wrong);
}

/* --- a validator -------------------------------------------------------------------------------------- */

#define VALIDATOR "10.1.0.9"

/* Keeps nothing, so that each question comes to us and is judged by what we answer. */
static void start_validator(void)
{
	char conf[4096];
	char log[128];
	char *anchor = data_read("signed/root.anchor");
	const char *dir = appliance.dir;
	harness_address(VALIDATOR "/32");
	harness_write(dir, "unbound/root.anchor", anchor);
	free(anchor);
	snprintf(conf, sizeof(conf), ". NS ns.root.\nns.root. A %s\n", peer_addresses[PEER_OURS]);
	harness_write(dir, "unbound/root.hints", conf);
	snprintf(conf, sizeof(conf),
		 "server:\n interface: %s\n access-control: 10.0.0.0/8 allow\n username: \"\"\n chroot: \"\"\n"
		 " directory: \"%s/unbound\"\n pidfile: \"%s/unbound/pid\"\n use-syslog: no\n logfile: \"\"\n"
		 " root-hints: \"%s/unbound/root.hints\"\n trust-anchor-file: \"%s/unbound/root.anchor\"\n"
		 " module-config: \"validator iterator\"\n val-log-level: 2\n do-ip6: no\n qname-minimisation: no\n"
		 " aggressive-nsec: no\n harden-below-nxdomain: no\n cache-max-ttl: 0\n cache-max-negative-ttl: 0\n"
		 " trust-anchor-signaling: no\n root-key-sentinel: no\n minimal-responses: no\n"
		 " local-zone: test. nodefault\n"
		 "remote-control:\n control-enable: no\n",
		 VALIDATOR, dir, dir, dir, dir);
	harness_write(dir, "unbound/conf", conf);
	snprintf(conf, sizeof(conf), "%s/unbound/conf", dir);
	snprintf(log, sizeof(log), "%s/unbound/log", dir);
	harness_show(log);
	char *argv[] = { (char *)(uintptr_t)"/usr/sbin/unbound", (char *)(uintptr_t)"-dc", conf, NULL };
	(void)harness_spawn(argv, log, NULL);
}

static bool validates(void *ctx)
{
	struct ask ask = { .server = VALIDATOR, .name = "nsec", .type = RR_SOA, .flags = FLAG_RD, .edns = true, .do_bit = true,
			   .timeout_ms = 500 };
	const struct reply *reply = client_ask(&ask);
	(void)ctx;
	return reply->received && (reply->message.flags & FLAG_AD) != 0;
}

/* What the validator has to say of an answer, going by what we answered. */
enum judgement {
	SECURE,
	INSECURE, /* with data or without, but not bogus */
	UNKNOWN,  /* goes on at servers that do not exist, or leads nowhere */
};

static bool is_insecure_zone(const uint8_t *name)
{
	static const char *const apexes[] = { "uchild.nsec", "uchild.nsec3", "uchild.optout" };
	for (size_t i = 0; i < COUNT(apexes); i++) {
		uint8_t apex[DNAME_MAX];
		MUST(dname_from_text(apexes[i], apex) > 0, "bad name in test: %s", apexes[i]);
		if (dname_is_under(name, apex)) {
			return true;
		}
	}
	return false;
}

/* Does an answer of ours end in circles? Resolvers end those as they like. */
static bool circles(const struct message *m)
{
	for (size_t i = 0; i < m->rr_count; i++) {
		for (size_t k = 0; k < m->rr_count; k++) {
			const struct message_rr *from = &m->rrs[i];
			const struct message_rr *to = &m->rrs[k];
			if (from->type == RR_CNAME && to->type == RR_CNAME && to->section == SECTION_ANSWER && k <= i &&
			    dname_equal(from->rdata, to->owner)) {
				return true;
			}
		}
	}
	return false;
}

static enum judgement judge(const struct reply *reply)
{
	const struct message *m = &reply->message;
	bool soa = reply_ttl(reply, SECTION_AUTHORITY, RR_SOA) != UINT32_MAX;
	bool ns = reply_ttl(reply, SECTION_AUTHORITY, RR_NS) != UINT32_MAX;
	if ((m->flags & FLAG_AA) == 0 || (ns && !soa) || circles(m)) {
		return UNKNOWN;
	}
	enum judgement judgement = SECURE;
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		bool counts = rr->section == SECTION_ANSWER || rr->section == SECTION_AUTHORITY;
		bool opt_out = rr->type == RR_NSEC3 && (rr->rdata[1] & 1) != 0; /* RFC 5155 9.2: no AD then */
		if (counts && (is_insecure_zone(rr->owner) || opt_out)) {
			judgement = INSECURE;
		}
	}
	return judgement;
}

static unsigned validate(const char *name, uint16_t type, unsigned counts[UNKNOWN + 1])
{
	static char ours[CLIENT_TEXT_MAX];
	static char theirs[CLIENT_TEXT_MAX];
	struct ask ask = { .server = peer_addresses[PEER_OURS], .name = name, .type = type, .edns = true, .do_bit = true,
			   .tcp = true };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received, "we do not answer for %s", name);
	enum judgement judgement = judge(reply);
	unsigned rcode = reply->message.rcode;
	reply_section(reply, SECTION_ANSWER, ours);
	counts[judgement]++;
	if (judgement == UNKNOWN) {
		return 0;
	}
	ask.server = VALIDATOR;
	ask.flags = FLAG_RD;
	ask.timeout_ms = 20000;
	reply = client_ask(&ask);
	MUST(reply->received, "the validator does not answer for %s", name);
	reply_section(reply, SECTION_ANSWER, theirs);
	bool secure = (reply->message.flags & FLAG_AD) != 0;
	if (reply->message.rcode == rcode && strcmp(ours, theirs) == 0 && (secure || judgement == INSECURE)) {
		return 0;
	}
	fprintf(stderr, "%s type %u: ours %s %s\n  validator %s%s %s\n", name, type, rcode_text(rcode), ours,
		rcode_text(reply->message.rcode), secure ? " ad" : "", theirs);
	return 1;
}

Test(signed, a_validator_trusts_every_answer, .timeout = 500)
{
	/* Not NSEC, for which a resolver follows aliases; not CNAME and DNAME, as this one distrusts what a DNAME made. */
	static const uint16_t asked[] = { RR_A, RR_NS, RR_TXT, RR_MX, RR_DS, RR_DNSKEY, RR_CDS, 65280 };
	unsigned counts[UNKNOWN + 1] = { 0 };
	unsigned wrong = 0;
	if (!harness_has_program("unbound")) {
		harness_skip("signed/a_validator_trusts_every_answer", "unbound is not installed");
		return;
	}
	start_validator();
	MUST(harness_until(validates, NULL, 20000 * harness_slow()), "the validator does not answer");
	for (size_t i = 0; i < names.count; i++) {
		for (size_t k = 0; k < COUNT(asked); k++) {
			wrong += validate(names.names[i], asked[k], counts);
		}
	}
	printf("validated: %u secure, %u insecure, %u that nobody can tell\n", counts[SECURE], counts[INSECURE],
	       counts[UNKNOWN]);
	fflush(stdout);
	MUST(wrong == 0, "%u answers do not validate", wrong);
	MUST(counts[SECURE] > counts[UNKNOWN] && counts[INSECURE] > 0, "hardly anything was validated");
}

int main(int argc, char **argv)
{
	char why[64];
	if (peers_missing(why) != 0) {
		return harness_skip("integration/signed", why);
	}
	return harness_main(argc, argv, "integration/signed");
}
