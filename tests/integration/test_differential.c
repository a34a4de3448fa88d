/*
 * The same zones on three servers: ours, NSD and Knot. Every name that the zones have, and many that they
 * have not, is asked with many types and sizes. Where our answer is that of neither of the others, we
 * are wrong until an RFC says otherwise; what an RFC leaves open and all three do differently (where an endless
 * chain of aliases is cut, what ANY gets, which courtesies go along) is not asked here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX 1024
#define TEXT_MAX (3 * CLIENT_TEXT_MAX)

static const char zone_diff[] =
	"$ORIGIN diff.example.\n$TTL 3600\n"
	"@ SOA ns1 hostmaster 7 7200 3600 1209600 300\n@ NS ns1\n@ NS ns.other.example.\n"
	"@ A 192.0.2.1\n@ MX 10 mail\n@ MX 20 mail.other.example.\n@ TXT \"apex\"\n@ CAA 0 issue \"ca.example\"\n"
	"ns1 A 192.0.2.53\nns1 AAAA 2001:db8::53\nmail A 192.0.2.25\nmail AAAA 2001:db8::25\n"
	"www CNAME web\nweb A 192.0.2.80\nweb TYPE65400 \\# 4 01020304\nweb HTTPS 1 . alpn=h2\n"
	"web NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp\n_sip._udp SRV 0 0 5060 mail\n"
	/* aliases: within, to nothing, to a delegation, out of what is served, across zones, in circles */
	"c1 CNAME c2\nc2 CNAME c3\nc3 CNAME web\nl1 CNAME l2\nl2 CNAME l1\nself CNAME self\ntonx CNAME nothere\n"
	"toent CNAME ent\ntode CNAME x.deleg\ntodecut CNAME deleg\ntoout CNAME www.elsewhere.test.\n"
	"toother CNAME www.other.example.\ntonxother CNAME nx.other.example.\ntochild CNAME www.child\n"
	"towild CNAME foo.wild\ntodn CNAME a.dn\n"
	/* empty non-terminals and wildcards */
	"a.b.c.ent A 192.0.2.2\n*.wild A 192.0.2.90\n*.wild TXT \"wild\"\n*.wild MX 5 mail\n"
	"real.wild A 192.0.2.91\na.sub2.wild TXT \"x\"\n*.wc CNAME web\n*.wcloop CNAME x.wcloop\n"
	"*.wcnx CNAME nothere\n*.wcout CNAME www.other.example.\n*.wcwild CNAME bar.wild\n"
	"*.star.star2 A 192.0.2.92\na.*.litstar A 192.0.2.93\n"
	/* DNAME: within, across zones, in circles, upwards, too long */
	"dn DNAME dnt\ndn TXT \"at dname\"\nx.dnt A 192.0.2.30\n*.w.dnt A 192.0.2.31\n"
	"dnout DNAME other.example.\ndn1 DNAME dn2\ndn2 DNAME dnt\ndnup DNAME diff.example.\n"
	"dnlong DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.diff.example.\n"
	/* delegations, glue, what they hide */
	"deleg NS ns1.deleg\ndeleg NS ns2.deleg\ndeleg NS mail\ndeleg NS ns.deleg2\n"
	"deleg DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n"
	"ns1.deleg A 192.0.2.101\nns1.deleg AAAA 2001:db8::101\nns2.deleg A 192.0.2.102\n"
	"hidden.deleg TXT \"below the cut\"\ndeleg2 NS ns.deleg2\nns.deleg2 A 192.0.2.111\n"
	"glueless NS ns.other.example.\nchild NS ns.child\nns.child A 192.0.2.120\n"
	"selfns NS selfns\nselfns A 192.0.2.121\ndeep.a.b.c NS ns1\n"
	/* spelling, odd labels, odd TTLs */
	"MiXeD A 192.0.2.77\nlow.MiXeD A 192.0.2.78\nesc\\.dot A 192.0.2.79\nesc\\000nul A 192.0.2.81\n"
	"und_er A 192.0.2.82\nttl0 0 A 192.0.2.99\nrp RP mail.diff.example. web.diff.example.\n";

static const char zone_child[] =
	"$ORIGIN child.diff.example.\n$TTL 1800\n@ SOA ns hostmaster 3 7200 3600 1209600 60\n@ NS ns\n"
	"ns A 192.0.2.120\nwww A 192.0.2.122\nup CNAME web.diff.example.\n";

static const char zone_other[] =
	"$ORIGIN other.example.\n$TTL 1800\n@ SOA ns hostmaster 3 7200 3600 1209600 60\n@ NS ns\n"
	"@ NS ns1.diff.example.\nns A 192.0.2.54\nwww CNAME web\nweb A 192.0.2.55\nmail A 192.0.2.56\nx A 192.0.2.57\n";

static char zone_diff_large[16384]; /* zone_diff and large RRsets */

static const struct {
	const char *name;
	const char *text;
} zones[] = {
	{ "diff.example", zone_diff_large },
	{ "child.diff.example", zone_child },
	{ "other.example", zone_other },
};

static const char *const servers[] = { "10.1.0.1", "10.1.0.2", "10.1.0.3" };
enum { OURS, NSD, KNOT, SERVERS };

static struct appliance appliance;
static char names[NAMES_MAX][DNAME_TEXT_MAX];
static size_t name_count;
static size_t owner_count; /* the first of these are in the zones */

/* --- names -------------------------------------------------------------------------------------------- */

static void add_name(const char *prefix, const char *name)
{
	uint8_t wire[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%s%s", prefix, name);
	if (len < 0 || (size_t)len >= sizeof(text) || dname_from_text(text, wire) < 0) {
		return; /* a prefix too much */
	}
	for (size_t i = 0; i < name_count; i++) {
		if (strcmp(names[i], text) == 0) {
			return;
		}
	}
	MUST(name_count < NAMES_MAX, "more than %d names", NAMES_MAX);
	snprintf(names[name_count++], DNAME_TEXT_MAX, "%s", text);
}

/* The first word of every line that is no directive. */
static void add_owners(const char *zone, const char *text)
{
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		char owner[DNAME_TEXT_MAX];
		size_t len = strcspn(line, " ");
		if (*line == '$') {
			continue;
		}
		snprintf(owner, sizeof(owner), "%.*s.", (int)len, line);
		add_name(*line == '@' ? "" : owner, zone);
	}
}

/* What stands for a wildcard, below it, and beside it. */
static void add_derived(const char *name)
{
	static const char *const prefixes[] = { "nx.", "a.b.c.", "_x.", "*." };
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		add_name(prefixes[i], name);
	}
	const char *star = strchr(name, '*');
	if (star != NULL) {
		char text[DNAME_TEXT_MAX];
		snprintf(text, sizeof(text), "%.*sfoo%s", (int)(star - name), name, star + 1);
		add_name("", text);
		add_name("x.y.", text);
	}
	for (const char *dot = strchr(name, '.'); dot != NULL && dot[1] != '\0'; dot = strchr(dot + 1, '.')) {
		if (dot == name || dot[-1] != '\\') {
			add_name("", dot + 1);
		}
	}
}

BH_PRINTF(2, 3) static void add_line(size_t *at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(zone_diff_large + *at, sizeof(zone_diff_large) - *at, fmt, args);
	va_end(args);
	MUST(len > 0 && (size_t)len < sizeof(zone_diff_large) - *at, "the zone is too large");
	*at += (size_t)len;
}

/* RRsets that fit nowhere, or just so: 28 to 31 addresses around 512 octets. */
static void make_large(void)
{
	size_t at = 0;
	add_line(&at, "%s", zone_diff);
	for (unsigned n = 28; n <= 31; n++) {
		for (unsigned i = 1; i <= n; i++) {
			add_line(&at, "n%u A 10.8.%u.%u\n", n, n, i);
		}
	}
	for (unsigned i = 1; i <= 90; i++) {
		add_line(&at, "big A 10.9.0.%u\n", i);
	}
	for (unsigned i = 1; i <= 13; i++) {
		add_line(&at, "bigns NS ns%u.bigns\nns%u.bigns A 192.0.2.%u\nns%u.bigns AAAA 2001:db8:1::%u\n", i, i, i,
			 i, i);
	}
}

static void make_names(void)
{
	char label[64];
	for (size_t i = 0; i < COUNT(zones); i++) {
		add_owners(zones[i].name, zones[i].text);
	}
	owner_count = name_count;
	for (size_t i = 0; i < owner_count; i++) {
		add_derived(names[i]);
	}
	memset(label, 'z', 63);
	label[63] = '\0';
	add_name(label, ".dnlong.diff.example");
	add_name("www.", "dnout.diff.example");
	add_name("x.", "dn1.diff.example");
	add_name("q.w.", "dn.diff.example");
	add_name("www.", "dnup.diff.example");
	add_name("x.dn.dnup.", "dnup.diff.example");
	add_name("", "elsewhere.test");
}

/* --- servers ------------------------------------------------------------------------------------------ */

static void configure_ours(void)
{
	char conf[2048];
	size_t at = (size_t)snprintf(conf, sizeof(conf), 
				     "%sview \"v\" {\n listen = { \"%s\" }\n zones-dir = \"zones\"\n"
				     " rate-limit { mode = \"off\" }\n",
				     CONF_HERE, servers[OURS]);
	for (size_t i = 0; i < COUNT(zones); i++) {
		at += (size_t)snprintf(conf + at, sizeof(conf) - at, " zone \"%s\" { file = \"%s.zone\" }\n",
				       zones[i].name, zones[i].name);
	}
	snprintf(conf + at, sizeof(conf) - at, "}\n");
	appliance_configure(&appliance, conf);
}

static void configure_nsd(void)
{
	char conf[4096];
	const char *dir = appliance.dir;
	size_t at = (size_t)snprintf(conf, sizeof(conf),
				     "server:\n  ip-address: %s\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n"
				     "  zonesdir: \"%s/zones\"\n  pidfile: \"%s/nsd.pid\"\n  xfrdfile: \"%s/nsd.xfrd\"\n"
				     "  zonelistfile: \"%s/nsd.list\"\n  xfrdir: \"%s\"\n  server-count: 1\n"
				     "  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n",
				     servers[NSD], dir, dir, dir, dir, dir);
	for (size_t i = 0; i < COUNT(zones); i++) {
		at += (size_t)snprintf(conf + at, sizeof(conf) - at, "zone:\n  name: \"%s\"\n  zonefile: \"%s.zone\"\n",
				       zones[i].name, zones[i].name);
	}
	harness_write(dir, "nsd.conf", conf);
}

static void configure_knot(void)
{
	char conf[4096];
	const char *dir = appliance.dir;
	size_t at = (size_t)snprintf(conf, sizeof(conf),
				     "server:\n  listen: %s\n  rundir: \"%s/knot\"\n  pidfile: \"%s/knot/pid\"\n"
				     "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
				     "control:\n  listen: \"%s/knot/control\"\n"
				     "database:\n  storage: \"%s/knot/db\"\n  journal-db-max-size: 16M\n"
				     "  kasp-db-max-size: 16M\n  timer-db-max-size: 16M\n"
				     "log:\n  - target: stderr\n    any: info\n"
				     "template:\n  - id: default\n    storage: \"%s/zones\"\n    journal-content: none\n"
				     "    zonefile-load: whole\n    zonefile-sync: -1\n    semantic-checks: false\nzone:\n",
				     servers[KNOT], dir, dir, dir, dir, dir);
	for (size_t i = 0; i < COUNT(zones); i++) {
		at += (size_t)snprintf(conf + at, sizeof(conf) - at, "  - domain: %s\n    file: \"%s.zone\"\n",
				       zones[i].name, zones[i].name);
	}
	harness_write(dir, "knot.conf", conf);
	harness_write(dir, "knot/empty", "");
}

static void start_peer(const char *program, const char *option, const char *name)
{
	char conf[128];
	char log[128];
	snprintf(conf, sizeof(conf), "%s/%s.conf", appliance.dir, name);
	snprintf(log, sizeof(log), "%s/%s.log", appliance.dir, name);
	harness_show(log);
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)option, conf, NULL };
	(void)harness_spawn(argv, log, NULL);
}

static bool answers(void *ctx)
{
	struct ask ask = { .server = *(const char *const *)ctx, .name = "www.other.example", .timeout_ms = 200 };
	const struct reply *reply = client_ask(&ask);
	return reply->received && reply->error == BH_OK && reply->message.rcode == RCODE_NOERROR;
}

static void setup(void)
{
	char file[64];
	harness_limit(120);
	harness_own_network();
	appliance_init(&appliance);
	make_large();
	for (size_t i = 0; i < SERVERS; i++) {
		char address[32];
		snprintf(address, sizeof(address), "%s/32", servers[i]);
		harness_address(address);
	}
	for (size_t i = 0; i < COUNT(zones); i++) {
		snprintf(file, sizeof(file), "zones/%s.zone", zones[i].name);
		appliance_file(&appliance, file, zones[i].text);
	}
	configure_ours();
	configure_nsd();
	configure_knot();
	start_peer("/usr/sbin/nsd", "-dc", "nsd");
	start_peer("/usr/sbin/knotd", "-c", "knot");
	appliance_start(&appliance);
	for (size_t i = 0; i < SERVERS; i++) {
		MUST(harness_until(answers, (void *)(uintptr_t)&servers[i], 10000 * harness_slow()),
		     "%s does not answer", servers[i]);
	}
	make_names();
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(differential, .init = setup, .fini = stop);

/* --- comparing ---------------------------------------------------------------------------------------- */

/* What must be equal: RCODE, flags, answer, and the authority section where it is more than a courtesy. */
static void describe(const struct ask *ask, const char *server, char out[TEXT_MAX])
{
	static char answer[CLIENT_TEXT_MAX];
	static char authority[CLIENT_TEXT_MAX];
	char status[64];
	struct ask one = *ask;
	one.server = server;
	const struct reply *reply = client_ask(&one);
	MUST(reply->received && reply->error == BH_OK, "%s: no reply to %s, type %u", server, ask->name, ask->type);

	const struct message *m = &reply->message;
	if ((m->flags & FLAG_TC) != 0) { /* what is left in a message that says so is nobody's business */
		snprintf(out, TEXT_MAX, "%s", reply_status(reply, status));
		return;
	}
	reply_section(reply, SECTION_ANSWER, answer);
	reply_section(reply, SECTION_AUTHORITY, authority);
	bool needed = answer[0] == '\0' || m->rcode != RCODE_NOERROR || (m->flags & FLAG_AA) == 0 ||
		      reply_ttl(reply, SECTION_AUTHORITY, RR_SOA) != UINT32_MAX;
	snprintf(out, TEXT_MAX, "%s | %s | %s | %u %u", reply_status(reply, status), answer, needed ? authority : "",
		 reply_ttl(reply, SECTION_ANSWER, ask->type), reply_ttl(reply, SECTION_AUTHORITY, RR_SOA));
}

/* 1 when our answer is nobody's. */
static unsigned compare(const struct ask *ask)
{
	static char texts[SERVERS][TEXT_MAX];
	for (size_t i = 0; i < SERVERS; i++) {
		describe(ask, servers[i], texts[i]);
	}
	if (strcmp(texts[OURS], texts[NSD]) == 0 || strcmp(texts[OURS], texts[KNOT]) == 0) {
		return 0;
	}
	fprintf(stderr, "%s type %u, %s%u octets:\n  ours %s\n  NSD  %s\n  Knot %s\n", ask->name, ask->type,
		ask->edns ? "EDNS " : "no EDNS ", ask->udp_size, texts[OURS], texts[NSD], texts[KNOT]);
	return 1;
}

Test(differential, every_name_and_type, .timeout = 150)
{
	static const uint16_t types[] = { RR_A,	   RR_AAAA, RR_NS,    RR_SOA,	RR_CNAME,  RR_DNAME, RR_MX,
					  RR_TXT,  RR_SRV,  RR_DS,    RR_HTTPS, RR_DNSKEY, RR_NAPTR, 65400 };
	unsigned wrong = 0;
	for (size_t i = 0; i < name_count; i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			struct ask ask = { .name = names[i], .type = types[k], .edns = true,
					   .flags = (i + k) % 3 == 0 ? FLAG_RD : 0 };
			wrong += compare(&ask);
		}
	}
	MUST(wrong == 0, "%u answers are like neither NSD's nor Knot's", wrong);
}

Test(differential, every_size_and_transport, .timeout = 150)
{
	static const uint16_t types[] = { RR_A, RR_NS, RR_MX };
	static const uint16_t sizes[] = { 0, 100, 512, 600, 4096 };
	unsigned wrong = 0;
	for (size_t i = 0; i < owner_count; i++) {
		for (size_t k = 0; k < COUNT(types) * COUNT(sizes); k++) {
			uint16_t size = sizes[k % COUNT(sizes)];
			struct ask ask = { .name = names[i], .type = types[k / COUNT(sizes)], .edns = size > 0,
					   .udp_size = size, .tcp = size == 4096 && i % 8 == 0 };
			wrong += compare(&ask);
		}
	}
	MUST(wrong == 0, "%u answers are like neither NSD's nor Knot's", wrong);
}

int main(int argc, char **argv)
{
	static const char *const programs[] = { "nsd", "knotd" };
	for (size_t i = 0; i < COUNT(programs); i++) {
		if (!harness_has_program(programs[i])) {
			char why[64];
			snprintf(why, sizeof(why), "%s is not installed", programs[i]);
			return harness_skip("integration/differential", why);
		}
	}
	return harness_main(argc, argv, "integration/differential");
}
