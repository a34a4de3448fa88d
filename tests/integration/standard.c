/*
 * Text of the standard appliance. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/standard.h"

#include "common/util/count.h"
#include "tests/integration/harness.h"

#include <stdio.h>

const char standard_internal[] =
	"view \"internal\" {\n"
	"  listen = { \"10.1.0.53\" }\n"
	"  allow-query = { \"10.1.0.0/24\" }\n"
	"  zones-dir = \"@DIR@/internal\"\n"
	"  zone \"corp.example\" { file = \"corp.example.zone\" }\n"
	"  zone \"example.com\" { file = \"example.com.zone\" overlay = true }\n"
	"  zone \"many.example\" { file = \"many.example.zone\" }\n"
	"}\n";
const char standard_external[] =
	"view \"external\" {\n"
	"  listen = { \"203.0.113.53\" }\n"
	"  zones-dir = \"@DIR@/external\"\n"
	"  rate-limit { mode = \"off\" }\n" /* one address asks for all; its own test has the limits */
	"  zone \"example.com\" { file = \"example.com.zone\" }\n"
	"}\n";
const char standard_world[] =
	"view \"world\" {\n"
	"  listen = { \"198.18.0.1\" }\n"
	"  zones-dir = \"@DIR@/world\"\n"
	"  rate-limit { mode = \"off\" }\n"
	"  zone \".\" { file = \"root.zone\" }\n"
	"  zone \"com\" { file = \"com.zone\" }\n"
	"  zone \"org\" { file = \"org.zone\" }\n"
	"  zone \"public.org\" { file = \"public.org.zone\" }\n"
	"}\n";
const char standard_resolver[] =
	"resolver {\n"
	"  listen = { \"10.1.0.54\" }\n"
	"  allow-query = { \"10.1.0.0/24\" }\n"
	"  internal-view = \"internal\"\n"
	"  root-hints = \"@DIR@/hints\"\n  domain-insecure = { \".\" }\n"
	"  cache-size = \"16M\"\n"
	"}\n";

const char standard_monitor[] =
	"monitor {\n"
	"  listen = { \"" MONITOR "\" }\n"
	"  allow = { \"10.1.0.0/24\" }\n"
	"  names = { \"gw.corp.example\" }\n"
	"}\n";

#define SOA "@ SOA ns hostmaster 1 1800 900 604800 300\n"

const char standard_corp_zone[] =
	"$ORIGIN corp.example.\n$TTL 300\n" SOA "@ NS ns\nns A 10.1.0.53\n"
	"intranet A 10.1.2.3\n"
	"www CNAME intranet\n"
	"out CNAME www.public.org.\n"
	"outmissing CNAME missing.public.org.\n"
	"version TXT \"one\"\n"
	"secret TXT \"internal-only-text\"\n"
	"*.load A 10.1.9.9\n";
static const char internal_example_zone[] =
	"$ORIGIN example.com.\n$TTL 300\n" SOA "@ NS ns\nns A 10.1.0.53\n"
	"www A 10.1.2.80\n"
	"onlyinside A 10.1.2.81\n"
	"onlyinside TXT \"internal-only-text\"\n"
	"both A 10.1.2.82\n";
static const char many_zone[] =
	"$ORIGIN many.example.\n$TTL 300\n" SOA "@ NS ns\nns A 10.1.0.53\n*.load A 10.1.9.10\n";
const char standard_external_zone[] =
	"$ORIGIN example.com.\n$TTL 300\n" SOA "@ NS ns\nns A 203.0.113.53\n@ MX 10 mail\n"
	"www A 203.0.113.80\n"
	"shop A 203.0.113.81\n"
	"mail A 203.0.113.82\n"
	"both TXT \"external\"\n"
	"intoinside CNAME intranet.corp.example.\n"
	"version TXT \"one\"\n"
	"*.load A 203.0.113.90\n";
static const char root_zone[] =
	"$ORIGIN .\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 1 1800 900 604800 300\n"
	"@ NS a.root-servers.net.\na.root-servers.net. A 198.18.0.1\n"
	"com. NS a.root-servers.net.\norg. NS a.root-servers.net.\n";
static const char com_zone[] =
	"$ORIGIN com.\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 1 1800 900 604800 300\n"
	"@ NS a.root-servers.net.\nexample NS ns.example\nns.example A 203.0.113.53\n";
static const char org_zone[] =
	"$ORIGIN org.\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 1 1800 900 604800 300\n"
	"@ NS a.root-servers.net.\npublic NS a.root-servers.net.\n";
static const char public_zone[] =
	"$ORIGIN public.org.\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 1 1800 900 604800 300\n"
	"@ NS a.root-servers.net.\n"
	"www A 198.51.100.80\n"
	"toinside CNAME intranet.corp.example.\n"
	"toexample CNAME www.example.com.\n"
	"toshop CNAME shop.example.com.\n"
	"*.load A 198.51.100.90\n";

void standard_prepare(struct appliance *a, unsigned limit_sec)
{
	static const char *const addresses[] = { INTERNAL "/32", RESOLVER "/32", EXTERNAL "/32",
						 WORLD "/32",	 INSIDE "/32",	 INSIDE_TWO "/32",
						 OUTSIDE "/32" };
	static char conf[8192];
	harness_limit(limit_sec);
	harness_own_network();
	for (size_t i = 0; i < COUNT(addresses); i++) {
		harness_address(addresses[i]);
	}
	appliance_init(a);
	appliance_file(a, "internal/corp.example.zone", standard_corp_zone);
	appliance_file(a, "internal/example.com.zone", internal_example_zone);
	appliance_file(a, "internal/many.example.zone", many_zone);
	appliance_file(a, "external/example.com.zone", standard_external_zone);
	appliance_file(a, "world/root.zone", root_zone);
	appliance_file(a, "world/com.zone", com_zone);
	appliance_file(a, "world/org.zone", org_zone);
	appliance_file(a, "world/public.org.zone", public_zone);
	appliance_file(a, "hints", ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.18.0.1\n");
	snprintf(conf, sizeof(conf), "%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 standard_resolver);
	appliance_configure(a, conf);
}

void standard_add_monitor(struct appliance *a)
{
	static char conf[8192];
	harness_address("10.1.0.55/32");
	snprintf(conf, sizeof(conf), "%s%s%s%s%s%s", CONF_HERE, standard_internal, standard_external, standard_world,
		 standard_resolver, standard_monitor);
	appliance_configure(a, conf);
}

void standard_start(struct appliance *a, unsigned limit_sec)
{
	standard_prepare(a, limit_sec);
	appliance_start(a);
}
