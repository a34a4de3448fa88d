/*
 * Configuration of the appliance in the lab. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/box.h"

#include "tests/integration/harness.h"
#include "tests/lab/lab.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct appliance box;

static const char corp_zone[] =
	"$ORIGIN corp.alpha.com.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"
	"secret A 10.1.2.3\nhiddenlabel A 10.1.2.4\nout CNAME www.beta.org.\nchainout CNAME chain.alpha.com.\n";
static const char overlay_zone[] =
	"$ORIGIN alpha.com.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"
	"www A 10.1.2.80\nboth A 10.1.2.81\nonlyinside A 10.1.2.82\n";
static const char edge_zone[] =
	"$ORIGIN edge.com.\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 203.0.113.53\n"
	"www A 203.0.113.80\n";

void box_start(unsigned limit_sec, const char *more, const char *internal_zones)
{
	static char conf[8192];
	char path[PATH_MAX];
	harness_limit(limit_sec);
	appliance_init(&box);
	box.network_of = lab_network(LAB_BOX);
	appliance_file(&box, "internal/corp.zone", corp_zone);
	appliance_file(&box, "internal/overlay.zone", overlay_zone);
	appliance_file(&box, "external/edge.zone", edge_zone);
	snprintf(path, sizeof(path), "%s/hints", lab_directory());
	char *hints = harness_read(path);
	MUST(hints != NULL, "no root hints in the lab");
	appliance_file(&box, "hints", hints);
	free(hints);
	snprintf(conf, sizeof(conf),
		 "%sview \"internal\" {\n  listen = { \"10.1.0.53\" }\n  allow-query = { \"10.1.0.0/24\" }\n"
		 "  zones-dir = \"@DIR@/internal\"\n  zone \"corp.alpha.com\" { file = \"corp.zone\" }\n%s}\n"
		 "view \"external\" {\n  listen = { \"203.0.113.53\" }\n  zones-dir = \"@DIR@/external\"\n"
		 "  zone \"edge.com\" { file = \"edge.zone\" }\n}\n"
		 "resolver {\n  listen = { \"10.1.0.54\" }\n  allow-query = { \"10.1.0.0/24\" }\n"
		 "  internal-view = \"internal\"\n  root-hints = \"@DIR@/hints\"\n  domain-insecure = { \".\" }\n"
		 "  outgoing = { \"203.0.113.54\", \"2001:db8:53::53\" }\n%s%s}\n",
		 CONF_HERE, internal_zones, strstr(more, "cache-size") == NULL ? "  cache-size = \"16M\"\n" : "", more);
	appliance_configure(&box, conf);
	appliance_start(&box);
	harness_enter_network(lab_network(LAB_INSIDE));
}

void box_stop(void)
{
	appliance_clear(&box);
}
