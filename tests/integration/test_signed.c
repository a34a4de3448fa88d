/*
 * Signed zones (tests/data/signed): the same on several servers, and under the eyes of a validating resolver
 * that trusts nothing but the key of the root. Three zones hold the same names, denied by NSEC, by NSEC3, and by NSEC3
 * with opt-out, salt and iterations; the root and a signed and an unsigned child of each are served too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/peers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

Test(signed, every_name_and_type_with_do, .timeout = 500)
{
	unsigned wrong = 0;
	for (size_t i = 0; i < names.count; i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			char name[DNAME_TEXT_MAX];
			struct ask ask = { .name = mix_case(names.names[i], i + k, name), .type = types[k], .edns = true,
					   .do_bit = true, .flags = (i + k) % 3 == 0 ? FLAG_RD | FLAG_CD | FLAG_AD : 0 };
			wrong += peers_compare(&ask);
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

int main(int argc, char **argv)
{
	char why[64];
	if (peers_missing(why) != 0) {
		return harness_skip("integration/signed", why);
	}
	return harness_main(argc, argv, "integration/signed");
}
