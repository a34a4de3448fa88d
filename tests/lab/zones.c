/*
 * What is in the lab's zones, and the configuration of its servers. The comments say which question
 * each record is for; the answers expected are in cases.c and the tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/lab.h"

#include "common/util/count.h"
#include "tests/integration/harness.h"

#include <stdio.h>
#include <string.h>

#define SOA(mname) "@ SOA " mname " hostmaster.invalid. 1 1800 900 604800 300\n"

static const char root_zone[] = "$ORIGIN .\n$TTL 3600\n" SOA("a.root-servers.net.")
	"@ NS a.root-servers.net.\n"
	"@ NS b.root-servers.net.\n"
	"a.root-servers.net. A 198.18.0.1\n"
	"b.root-servers.net. A 198.18.0.2\n"
	"com. NS a.nic.com.\ncom. NS b.nic.com.\n"
	"a.nic.com. A 198.18.1.1\nb.nic.com. A 198.18.1.2\n"
	"org. NS a.nic.org.\norg. NS b.nic.com.\n"
	"a.nic.org. A 198.18.1.1\n";

static const char com_zone[] = "$ORIGIN com.\n$TTL 3600\n" SOA("a.nic.com.")
	"@ NS a.nic.com.\n@ NS b.nic.com.\n"
	"a.nic A 198.18.1.1\nb.nic A 198.18.1.2\n"
	/* one server here, one in another tree */
	"alpha NS ns1.alpha.com.\nalpha NS ns2.beta.org.\nns1.alpha A 203.0.113.10\n"
	/* no glue: both names are in beta.org */
	"gamma NS ns1.beta.org.\ngamma NS ns2.beta.org.\n"
	/* one REFUSED (lame), one good */
	"lame NS ns1.lame\nlame NS ns2.lame\nns1.lame A 203.0.113.21\nns2.lame A 203.0.113.10\n"
	"alllame NS ns1.alllame\nns1.alllame A 203.0.113.21\n"
	/* one that nobody has, one good */
	"dead NS ns1.dead\ndead NS ns2.dead\nns1.dead A 203.0.113.250\nns2.dead A 203.0.113.11\n"
	"alldead NS ns1.alldead\nalldead NS ns2.alldead\nns1.alldead A 203.0.113.250\nns2.alldead A 203.0.113.251\n"
	/* IPv6 that leads nowhere, IPv4 that works; and IPv6 alone that works */
	"vsixbad NS ns1.vsixbad\nvsixbad NS ns2.vsixbad\nns1.vsixbad AAAA 2001:db8:dead::1\n"
	"ns2.vsixbad A 203.0.113.10\n"
	"vsixonly NS ns1.vsixonly\nns1.vsixonly AAAA 2001:db8:10::53\n"
	/* name servers that need each other, and one that needs itself */
	"loopone NS ns.looptwo.org.\n"
	"selfloop NS ns.selfloop\n"
	/* glueless over three zones: chainone -> chaintwo.org -> chainthree -> chainfour.org (glue) */
	"chainone NS ns.chaintwo.org.\nchainthree NS ns.chainfour.org.\n"
	/* zones of the odd server: see odd.c */
	"odd NS ns.odd\nns.odd A 203.0.113.101\n"
	"wrongid NS ns.wrongid\nns.wrongid A 203.0.113.102\n"
	"wrongcase NS ns.wrongcase\nns.wrongcase A 203.0.113.103\n"
	"wrongname NS ns.wrongname\nns.wrongname A 203.0.113.104\n"
	"garbage NS ns.garbage\nns.garbage A 203.0.113.105\n"
	"wrongport NS ns.wrongport\nns.wrongport A 203.0.113.106\n"
	"ednsformerr NS ns.ednsformerr\nns.ednsformerr A 203.0.113.107\n"
	"ednsdrop NS ns.ednsdrop\nns.ednsdrop A 203.0.113.108\n"
	"ednsnotimp NS ns.ednsnotimp\nns.ednsnotimp A 203.0.113.109\n"
	"tconly NS ns.tconly\nns.tconly A 203.0.113.110\n"
	"tcnotcp NS ns.tcnotcp\nns.tcnotcp A 203.0.113.111\n"
	"lowercase NS ns.lowercase\nns.lowercase A 203.0.113.112\n"
	"nxent NS ns.nxent\nns.nxent A 203.0.113.113\n"
	"slow NS ns.slow\nns.slow A 203.0.113.114\n"
	"poison NS ns.poison\nns.poison A 203.0.113.115\n"
	"cutreply NS ns.cutreply\nns.cutreply A 203.0.113.116\n"
	"silent NS ns.silent\nns.silent A 203.0.113.117\n"
	"aliaslie NS ns.aliaslie\nns.aliaslie A 203.0.113.118\n"
	"deepalias NS ns.deepalias\nns.deepalias A 203.0.113.119\n"
	"upward NS ns.upward\nns.upward A 203.0.113.120\n"
	"nsflood NS ns.nsflood\nns.nsflood A 203.0.113.121\n"
	/* zones of the hostile server: see hostile.c */
	"calm NS ns.calm\nns.calm A 203.0.113.140\n"
	"target NS ns.target\nns.target A 203.0.113.141\n"
	"nxns NS ns.nxns\nns.nxns A 203.0.113.142\n"
	"mutens NS ns.mutens\nns.mutens A 203.0.113.143\n"
	"mute NS ns.mute\nns.mute A 203.0.113.144\n"
	"camp NS ns.camp\nns.camp A 203.0.113.145\n"
	"cloop NS ns.cloop\nns.cloop A 203.0.113.147\n"
	"nsloopa NS ns.nsloopa\nns.nsloopa A 203.0.113.148\n"
	"nsloopb NS ns.nsloopb\nns.nsloopb A 203.0.113.149\n"
	"hold NS ns.hold\nns.hold A 203.0.113.150\n"
	"ladder NS ns.ladder\nns.ladder A 203.0.113.151\n"
	"ladders NS ns.ladders\nns.ladders A 203.0.113.152\n"
	"bomb NS ns.bomb\nns.bomb A 203.0.113.153\n"
	"tarone NS ns.tarone\nns.tarone A 203.0.113.154\n"
	"tartwo NS ns.tartwo\nns.tartwo A 203.0.113.155\n"
	"keytrap NS ns.keytrap\nns.keytrap A 203.0.113.156\n"
	"sigs NS ns.sigs\nns.sigs A 203.0.113.157\n"
	"hashes NS ns.hashes\nns.hashes A 203.0.113.158\n"
	"toomany NS ns.toomany\nns.toomany A 203.0.113.159\n"
	"signed NS ns.signed\nns.signed A 203.0.113.160\n"
	"collide NS ns.collide\nns.collide A 203.0.113.161\n";

static const char org_zone[] = "$ORIGIN org.\n$TTL 3600\n" SOA("a.nic.org.")
	"@ NS a.nic.org.\n@ NS b.nic.com.\na.nic A 198.18.1.1\n"
	"beta NS ns1.beta\nbeta NS ns2.beta\nns1.beta A 203.0.113.20\nns2.beta A 203.0.113.21\n"
	/* glueless, by a server whose own zone is glueless too */
	"delta NS ns.gamma.com.\n"
	"looptwo NS ns.loopone.com.\n"
	"chaintwo NS ns.chainthree.com.\n"
	"chainfour NS ns.chainfour\nns.chainfour A 203.0.113.11\n";

static const char alpha_zone[] = "$ORIGIN alpha.com.\n$TTL 3600\n" SOA("ns1")
	"@ NS ns1\n@ NS ns2.beta.org.\nns1 A 203.0.113.10\n@ MX 10 mail\n"
	"www A 198.51.100.1\nwww AAAA 2001:db8:1::1\n"
	"mail A 198.51.100.2\n"
	"short 2 A 198.51.100.3\n"
	/* across four zones: alpha.com -> beta.org -> gamma.com -> delta.org */
	"chain CNAME chain.beta.org.\n"
	"tonothing CNAME nothing.beta.org.\n"
	"tonodata CNAME onlytext.beta.org.\n"
	"cloop CNAME cloop.beta.org.\n"
	"selfcname CNAME selfcname\n"
	"*.wild A 198.51.100.77\nexact.wild TXT \"exact\"\n"
	"x.y.ent A 198.51.100.5\n"
	"old DNAME new.beta.org.\n"
	/* three levels of delegation below, alternating between the servers */
	"one NS ns.one\nns.one A 203.0.113.20\n"
	/* public names that point at what an internal view has */
	"toinside CNAME secret.corp.alpha.com.\n"
	/* what an overlay of this zone does not have */
	"onlypublic A 198.51.100.9\nboth A 198.51.100.10\nboth TXT \"public text\"\n";

static const char one_zone[] = "$ORIGIN one.alpha.com.\n$TTL 3600\n" SOA("ns")
	"@ NS ns\nns A 203.0.113.20\nwww A 198.51.100.31\ntwo NS ns.two\nns.two A 203.0.113.11\n";
static const char two_zone[] = "$ORIGIN two.one.alpha.com.\n$TTL 3600\n" SOA("ns")
	"@ NS ns\nns A 203.0.113.11\nwww A 198.51.100.32\nthree NS ns.three\nns.three A 203.0.113.21\n";
static const char three_zone[] = "$ORIGIN three.two.one.alpha.com.\n$TTL 3600\n" SOA("ns")
	"@ NS ns\nns A 203.0.113.21\nwww A 198.51.100.33\n";

static const char beta_zone[] = "$ORIGIN beta.org.\n$TTL 3600\n" SOA("ns1")
	"@ NS ns1\n@ NS ns2\nns1 A 203.0.113.20\nns2 A 203.0.113.21\n"
	"www A 198.51.100.11\n"
	"chain CNAME chain.gamma.com.\n"
	"onlytext TXT \"text\"\n"
	"cloop CNAME cloop.alpha.com.\n"
	"host.new A 198.51.100.12\n"
	"toinside CNAME secret.corp.alpha.com.\n";

static const char gamma_zone[] = "$ORIGIN gamma.com.\n$TTL 3600\n" SOA("ns1.beta.org.")
	"@ NS ns1.beta.org.\n@ NS ns2.beta.org.\nns A 203.0.113.11\nwww A 198.51.100.21\n"
	"chain CNAME chain.delta.org.\n";
static const char delta_zone[] = "$ORIGIN delta.org.\n$TTL 3600\n" SOA("ns.gamma.com.")
	"@ NS ns.gamma.com.\nwww A 198.51.100.22\nchain A 198.51.100.44\n";

/* Zones with one name server name and one record, for the servers that are hard to find. */
struct small_zone {
	const char *name;
	const char *ns;
	const char *more; /* records */
};

static const struct small_zone auth_a_small[] = {
	{ "lame.com.", "ns1.lame.com.\n@ NS ns2.lame.com.", "ns1 A 203.0.113.21\nns2 A 203.0.113.10" },
	{ "dead.com.", "ns1.dead.com.\n@ NS ns2.dead.com.", "ns1 A 203.0.113.250\nns2 A 203.0.113.11" },
	{ "vsixbad.com.", "ns1.vsixbad.com.\n@ NS ns2.vsixbad.com.",
	  "ns1 AAAA 2001:db8:dead::1\nns2 A 203.0.113.10" },
	{ "vsixonly.com.", "ns1.vsixonly.com.", "ns1 AAAA 2001:db8:10::53" },
	{ "chainone.com.", "ns.chaintwo.org.", "" },
	{ "chaintwo.org.", "ns.chainthree.com.", "ns A 203.0.113.10" },
	{ "chainthree.com.", "ns.chainfour.org.", "ns A 203.0.113.10" },
	{ "chainfour.org.", "ns.chainfour.org.", "ns A 203.0.113.11" },
};

struct zone_file {
	const char *name;
	const char *text;
};

static const struct zone_file root_files[] = { { ".", root_zone } };
static const struct zone_file tld_files[] = { { "com.", com_zone }, { "org.", org_zone } };
static const struct zone_file auth_a_files[] = { { "alpha.com.", alpha_zone },
						 { "two.one.alpha.com.", two_zone },
						 { "delta.org.", delta_zone } };
static const struct zone_file auth_b_files[] = { { "alpha.com.", alpha_zone },
						 { "beta.org.", beta_zone },
						 { "gamma.com.", gamma_zone },
						 { "one.alpha.com.", one_zone },
						 { "three.two.one.alpha.com.", three_zone } };

/* Text of several servers' configurations; the larger of both formats. */
#define CONF_MAX 16384

struct conf {
	char text[CONF_MAX];
	size_t at;
	bool knot;
	const char *dir;
	const char *name;
};

static void conf_begin(struct conf *c, const char *dir, const char *name, bool knot, const char *const *addresses)
{
	*c = (struct conf){ .knot = knot, .dir = dir, .name = name };
	char where[256];
	snprintf(where, sizeof(where), "%s/%s", dir, name);
	if (knot) {
		c->at = (size_t)snprintf(c->text, CONF_MAX,
					 "server:\n  rundir: \"%s\"\n  pidfile: \"%s/pid\"\n"
					 "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  listen: [",
					 where, where);
		for (unsigned i = 0; addresses[i] != NULL; i++) {
			c->at += (size_t)snprintf(c->text + c->at, CONF_MAX - c->at, "%s%s@53", i == 0 ? "" : ", ",
						  addresses[i]);
		}
		c->at += (size_t)snprintf(c->text + c->at, CONF_MAX - c->at,
					  "]\ncontrol:\n  listen: \"%s/control\"\n"
					  "database:\n  storage: \"%s/db\"\n  journal-db-max-size: 16M\n"
					  "  kasp-db-max-size: 16M\n  timer-db-max-size: 16M\n"
					  "log:\n  - target: stderr\n    any: info\n"
					  "template:\n  - id: default\n    storage: \"%s\"\n"
					  "    journal-content: none\n    zonefile-load: whole\n"
					  "    semantic-checks: false\nzone:\n",
					  where, where, where);
		return;
	}
	c->at = (size_t)snprintf(c->text, CONF_MAX,
				 "server:\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  zonesdir: \"%s\"\n"
				 "  pidfile: \"%s/pid\"\n  xfrdfile: \"%s/xfrd\"\n  zonelistfile: \"%s/zonelist\"\n"
				 "  xfrdir: \"%s\"\n  server-count: 1\n  verbosity: 1\n  rrl-ratelimit: 0\n",
				 where, where, where, where, where);
	for (unsigned i = 0; addresses[i] != NULL; i++) {
		c->at += (size_t)snprintf(c->text + c->at, CONF_MAX - c->at, "  ip-address: %s\n", addresses[i]);
	}
	c->at += (size_t)snprintf(c->text + c->at, CONF_MAX - c->at, "remote-control:\n  control-enable: no\n");
}

static void conf_zone(struct conf *c, const char *zone, const char *text)
{
	char file[128];
	char path[192];
	snprintf(file, sizeof(file), "%szone", zone);
	snprintf(path, sizeof(path), "%s/%s", c->name, file);
	harness_write(c->dir, path, text);
	c->at += (size_t)snprintf(c->text + c->at, CONF_MAX - c->at,
				  c->knot ? "  - domain: %s\n    file: \"%s\"\n"
					  : "zone:\n  name: \"%s\"\n  zonefile: \"%s\"\n",
				  zone, file);
}

static void conf_end(struct conf *c)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/server.conf", c->name);
	harness_write(c->dir, path, c->text);
}

static void write_server(const char *dir, const char *name, bool knot, const char *const *addresses,
			 const struct zone_file *files, size_t count)
{
	static struct conf c;
	conf_begin(&c, dir, name, knot, addresses);
	for (size_t i = 0; i < count; i++) {
		conf_zone(&c, files[i].name, files[i].text);
	}
	if (strcmp(name, "auth-a") == 0) {
		for (size_t i = 0; i < COUNT(auth_a_small); i++) {
			char text[1024];
			snprintf(text, sizeof(text),
				 "$ORIGIN %s\n$TTL 3600\n@ SOA ns hostmaster.invalid. 1 1800 900 604800 300\n"
				 "@ NS %s\nwww A 198.51.100.%u\n%s\n",
				 auth_a_small[i].name, auth_a_small[i].ns, (unsigned)(200 + i), auth_a_small[i].more);
			conf_zone(&c, auth_a_small[i].name, text);
		}
	}
	conf_end(&c);
}

/* alpha.com with a TXT RRset that fits into no UDP reply: "big", 40 records of 100 octets. */
static void make_big(char *out, size_t size, const char *zone)
{
	size_t at = (size_t)snprintf(out, size, "%s", zone);
	for (unsigned i = 1; i <= 40 && at < size; i++) {
		at += (size_t)snprintf(out + at, size - at,
				       "big TXT \"01234567890123456789012345678901234567890123456789"
				       "01234567890123456789012345678901234567890123456789\" \"%u\"\n",
				       i);
	}
}

void lab_write_zones(const char *dir)
{
	static const char *const addresses[][4] = { { "198.18.0.1", NULL },
						    { "198.18.0.2", NULL },
						    { "198.18.1.1", NULL },
						    { "198.18.1.2", NULL },
						    { "203.0.113.10", "203.0.113.11", "2001:db8:10::53", NULL },
						    { "203.0.113.20", "203.0.113.21", NULL } };
	static char alpha[16384];
	make_big(alpha, sizeof(alpha), alpha_zone);
	struct zone_file a[COUNT(auth_a_files)];
	struct zone_file b[COUNT(auth_b_files)];
	memcpy(a, auth_a_files, sizeof(a));
	memcpy(b, auth_b_files, sizeof(b));
	a[0].text = b[0].text = alpha;

	write_server(dir, "root-a", false, addresses[0], root_files, COUNT(root_files));
	write_server(dir, "root-b", true, addresses[1], root_files, COUNT(root_files));
	write_server(dir, "tld-a", false, addresses[2], tld_files, COUNT(tld_files));
	write_server(dir, "tld-b", true, addresses[3], tld_files, COUNT(tld_files));
	write_server(dir, "auth-a", false, addresses[4], a, COUNT(a));
	write_server(dir, "auth-b", true, addresses[5], b, COUNT(b));
	harness_write(dir, "hints", ". 3600000 NS a.root-servers.net.\n. 3600000 NS b.root-servers.net.\n"
				    "a.root-servers.net. 3600000 A 198.18.0.1\n"
				    "b.root-servers.net. 3600000 A 198.18.0.2\n");
}
