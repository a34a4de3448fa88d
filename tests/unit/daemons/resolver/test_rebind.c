/*
 * Private addresses in public answers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/resolver/rebind.h"
#include "tests/unit/daemons/resolver/sim.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

Test(rebind, knows_private_addresses)
{
	static const struct {
		const char *text;
		bool is_private;
	} cases[] = {
		{ "0.0.0.0", true },	    { "0.255.255.255", true },	  { "1.0.0.0", false },
		{ "9.255.255.255", false }, { "10.0.0.0", true },	  { "10.255.255.255", true },
		{ "11.0.0.0", false },	    { "100.63.255.255", false },  { "100.64.0.0", true },
		{ "100.127.255.255", true }, { "100.128.0.0", false },	  { "126.255.255.255", false },
		{ "127.0.0.1", true },	    { "127.255.255.255", true },  { "128.0.0.0", false },
		{ "169.253.255.255", false }, { "169.254.0.0", true },	  { "169.255.0.0", false },
		{ "172.15.255.255", false }, { "172.16.0.0", true },	  { "172.31.255.255", true },
		{ "172.32.0.0", false },    { "192.167.255.255", false }, { "192.168.0.0", true },
		{ "192.168.255.255", true }, { "192.169.0.0", false },	  { "198.51.100.1", false },
		{ "::", true },		    { "::1", true },		  { "::10.0.0.1", true },
		{ "::8.8.8.8", false },	    { "::ffff:192.168.1.1", true }, { "::ffff:198.51.100.1", false },
		{ "64:ff9b::10.1.1.1", true }, { "64:ff9b::198.51.100.1", false }, { "64:ff9b:1::1", true },
		{ "64:ff9b:2::1", false },  { "2002:a00:1::", true },	  { "2002:c633:6401::", false },
		{ "fbff::1", false },	    { "fc00::1", true },	  { "fdff::1", true },
		{ "fe00::1", false },	    { "fe7f::1", false },	  { "fe80::1", true },
		{ "febf::1", true },	    { "fec0::1", true },	  { "ff02::1", false },
		{ "2001:db8::1", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t rdata[16];
		bool v6 = strchr(cases[i].text, ':') != NULL;
		cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, cases[i].text, rdata), 1);
		cr_expect_eq(rebind_is_private(v6 ? RR_AAAA : RR_A, rdata, v6 ? 16 : 4), cases[i].is_private, "%s",
			     cases[i].text);
	}
}

Test(rebind, knows_private_hints)
{
	static const uint8_t wanted[] = { 0, 1, 0, 0, 1, 0, 3, 2, 'h', '2', 0, 4, 0, 8, 198, 51, 100, 1, 10, 0, 0, 1,
					  0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	uint8_t rdata[sizeof(wanted)];
	memcpy(rdata, wanted, sizeof(rdata));
	cr_expect(rebind_is_private(RR_HTTPS, rdata, sizeof(rdata)), "the second address");
	rdata[18] = 11;
	cr_expect_not(rebind_is_private(RR_SVCB, rdata, sizeof(rdata)));
	rdata[26] = 0xfd;
	cr_expect(rebind_is_private(RR_SVCB, rdata, sizeof(rdata)));
	for (uint16_t len = 0; len < sizeof(rdata); len++) { /* cut anywhere: no reading past the end */
		uint8_t *exact = malloc(len + 1u);
		memcpy(exact, rdata, len);
		cr_expect_not(rebind_is_private(RR_SVCB, exact, len), "cut at %u", len);
		free(exact);
	}
}

static struct sim *internet(void)
{
	struct sim *sim = sim_new();
	sim_zone(sim, "192.0.2.1", ".", "example. 86400 NS ns.example.\nns.example. 86400 A 192.0.2.2\n");
	sim_zone(sim, "192.0.2.2", "example.",
		 "evil.example. 60 A 192.168.1.1\nmixed.example. 60 A 198.51.100.1\nmixed.example. 60 A 10.0.0.1\n"
		 "six.example. 60 AAAA fd00::1\nalias.example. 60 CNAME evil.example.\n"
		 "intra.example. 60 A 10.0.0.7\nlured.example. 60 CNAME intra.example.\n"
		 "out.intra.example. 60 CNAME evil.example.\nwww.intra.example. 60 CNAME intra.example.\n");
	sim_zone(sim, "192.0.2.3", "corp.test.", "corp.test. 60 A 10.1.1.1\n");
	sim->config.options.rebind_protection = true;
	return sim;
}

Test(rebind, takes_private_addresses_out_of_public_answers)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *answer;
		int ede;
	} cases[] = {
		{ "evil.example.", RR_A, "", EDE_BLOCKED },
		{ "six.example.", RR_AAAA, "", EDE_BLOCKED },
		{ "mixed.example.", RR_A, "mixed.example. 60 A 198.51.100.1\n", EDE_BLOCKED },
		{ "alias.example.", RR_A, "alias.example. 60 CNAME evil.example.\n", EDE_BLOCKED },
		{ "intra.example.", RR_A, "intra.example. 60 A 10.0.0.7\n", EDE_NONE },
		{ "www.intra.example.", RR_A,
		  "www.intra.example. 60 CNAME intra.example.\nintra.example. 60 A 10.0.0.7\n", EDE_NONE },
		/* rebind-allow is for that name's own: it is no bridge for others, nor a way out */
		{ "lured.example.", RR_A, "lured.example. 60 CNAME intra.example.\n", EDE_BLOCKED },
		{ "out.intra.example.", RR_A, "out.intra.example. 60 CNAME evil.example.\n", EDE_BLOCKED },
		{ "localhost.", RR_A, "localhost. 10800 A 127.0.0.1\n", EDE_NONE },
		{ "corp.test.", RR_A, "corp.test. 60 A 10.1.1.1\n", EDE_NONE },
	};
	struct sim *sim = internet();
	struct ipc_name allow;
	struct ipc_servers stub = { .count = 1 };
	sim_name("intra.example.", allow.name);
	sim_name("corp.test.", stub.name);
	cr_assert_eq(addr_parse("192.0.2.3", 53, &stub.addrs[0]), BH_OK);
	sim->config.rebind_allow = &allow;
	sim->config.rebind_allow_count = 1;
	sim->config.stubs = &stub;
	sim->config.stub_count = 1;
	sim_configure(sim);
	for (unsigned again = 0; again < 2; again++) { /* as it came, and from the cache */
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct sim_result r = sim_ask(sim, cases[i].name, cases[i].type);
			cr_expect_eq(r.rcode, RCODE_NOERROR, "%s", cases[i].name);
			cr_expect_str_eq(r.answer, cases[i].answer, "%s", cases[i].name);
			cr_expect_eq(r.ede, cases[i].ede, "%s: %d", cases[i].name, r.ede);
			cr_expect_not(r.secure);
		}
	}
	cr_expect_gt(sim->counters[STAT_RES_FILTERED], 0u);
	sim->config.options.rebind_protection = false;
	sim_configure(sim);
	cr_expect_str_eq(sim_ask(sim, "evil.example.", RR_A).answer, "evil.example. 60 A 192.168.1.1\n",
			 "the cache has what came");
	sim_free(sim);
}
