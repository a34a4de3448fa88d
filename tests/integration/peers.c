/*
 * Servers to compare with, and comparing. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/peers.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/integration/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_MAX 8192

const char *const peer_addresses[PEERS] = { "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4" };
static const char *const peer_labels[PEERS] = { "ours", "NSD", "Knot", "BIND" };

static const struct peer_zone *zones;
static size_t zone_count;
static const char *dir;

int peers_missing(char why[64])
{
	static const char *const programs[] = { "nsd", "knotd", "named" };
	for (size_t i = 0; i < COUNT(programs); i++) {
		if (!harness_has_program(programs[i])) {
			snprintf(why, 64, "%s is not installed", programs[i]);
			return -1;
		}
	}
	return 0;
}

char *data_read(const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/data/%s", BH_SOURCE_DIR, name);
	char *text = harness_read(path);
	MUST(text != NULL, "cannot read %s", path);
	return text;
}

/* --- starting ----------------------------------------------------------------------------------------- */

struct text {
	char chars[CONF_MAX];
	size_t len;
};

BH_PRINTF(2, 3) static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(t->chars + t->len, sizeof(t->chars) - t->len, fmt, args);
	va_end(args);
	MUST(len >= 0 && (size_t)len < sizeof(t->chars) - t->len, "a configuration is too long");
	t->len += (size_t)len;
}

static const char *file_of(const struct peer_zone *zone)
{
	static char name[128];
	snprintf(name, sizeof(name), "%s.zone", strcmp(zone->name, ".") == 0 ? "root" : zone->name);
	return name;
}

static void write_zones(struct appliance *a)
{
	for (size_t i = 0; i < zone_count; i++) {
		char path[128];
		snprintf(path, sizeof(path), "zones/%s", file_of(&zones[i]));
		if (zones[i].text != NULL) {
			appliance_file(a, path, zones[i].text);
			continue;
		}
		char name[128];
		snprintf(name, sizeof(name), "signed/%s", file_of(&zones[i]));
		char *text = data_read(name);
		appliance_file(a, path, text);
		free(text);
	}
}

static void configure_ours(struct appliance *a)
{
	struct text t = { .len = 0 };
	/* One address asks for everything. */
	add(&t, "%sview \"v\" {\n listen = { \"%s\" }\n zones-dir = \"zones\"\n rate-limit { mode = \"off\" }\n", CONF_HERE,
	    peer_addresses[PEER_OURS]);
	for (size_t i = 0; i < zone_count; i++) {
		add(&t, " zone \"%s\" { file = \"%s\" }\n", zones[i].name, file_of(&zones[i]));
	}
	add(&t, "}\n");
	appliance_configure(a, t.chars);
}

static void configure_nsd(void)
{
	struct text t = { .len = 0 };
	add(&t,
	    "server:\n  ip-address: %s\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n"
	    "  zonesdir: \"%s/zones\"\n  pidfile: \"%s/nsd.pid\"\n  xfrdfile: \"%s/nsd.xfrd\"\n"
	    "  zonelistfile: \"%s/nsd.list\"\n  xfrdir: \"%s\"\n  server-count: 1\n"
	    "  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n",
	    peer_addresses[PEER_NSD], dir, dir, dir, dir, dir);
	for (size_t i = 0; i < zone_count; i++) {
		add(&t, "zone:\n  name: \"%s\"\n  zonefile: \"%s\"\n", zones[i].name, file_of(&zones[i]));
	}
	harness_write(dir, "nsd.conf", t.chars);
}

static void configure_knot(void)
{
	struct text t = { .len = 0 };
	add(&t,
	    "server:\n  listen: %s\n  rundir: \"%s/knot\"\n  pidfile: \"%s/knot/pid\"\n"
	    "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
	    "control:\n  listen: \"%s/knot/control\"\n"
	    "database:\n  storage: \"%s/knot/db\"\n  journal-db-max-size: 16M\n"
	    "  kasp-db-max-size: 16M\n  timer-db-max-size: 16M\n"
	    "log:\n  - target: stderr\n    any: info\n"
	    "template:\n  - id: default\n    storage: \"%s/zones\"\n    journal-content: none\n"
	    "    zonefile-load: whole\n    zonefile-sync: -1\n    semantic-checks: false\nzone:\n",
	    peer_addresses[PEER_KNOT], dir, dir, dir, dir, dir);
	for (size_t i = 0; i < zone_count; i++) {
		add(&t, "  - domain: \"%s\"\n    file: \"%s\"\n", zones[i].name, file_of(&zones[i]));
	}
	harness_write(dir, "knot.conf", t.chars);
	harness_write(dir, "knot/empty", "");
}

/* As strict as the others about size and RRsets, as open about names; nothing that it adds of its own. */
static void configure_bind(void)
{
	struct text t = { .len = 0 };
	add(&t,
	    "options {\n directory \"%s/zones\"; pid-file \"%s/named.pid\"; session-keyfile none;\n"
	    " listen-on { %s; }; listen-on-v6 { none; }; recursion no; allow-query { any; }; notify no;\n"
	    " dnssec-validation no; empty-zones-enable no; minimal-responses no; max-records-per-type 0;\n"
	    " max-types-per-name 0; max-udp-size 1232; answer-cookie no; managed-keys-directory \"%s\";\n"
	    " zero-no-soa-ttl no; check-names primary ignore; check-integrity no; check-wildcard no; zone-statistics none;\n};\n"
	    "controls { };\n",
	    dir, dir, peer_addresses[PEER_BIND], dir);
	for (size_t i = 0; i < zone_count; i++) {
		add(&t, "zone \"%s\" { type primary; file \"%s\"; masterfile-format text; };\n", zones[i].name,
		    file_of(&zones[i]));
	}
	harness_write(dir, "named.conf", t.chars);
}

static void start(const char *program, const char *options, const char *name)
{
	char conf[128];
	char log[128];
	snprintf(conf, sizeof(conf), "%s/%s.conf", dir, name);
	snprintf(log, sizeof(log), "%s/%s.log", dir, name);
	harness_show(log);
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)options, conf, NULL };
	(void)harness_spawn(argv, log, NULL);
}

struct probe {
	const char *server;
	const char *zone;
};

static bool answers(void *ctx)
{
	const struct probe *probe = ctx;
	struct ask ask = { .server = probe->server, .name = probe->zone, .type = RR_SOA, .timeout_ms = 200 };
	const struct reply *reply = client_ask(&ask);
	return reply->received && reply->error == BH_OK && reply->message.rcode == RCODE_NOERROR;
}

void peers_start(struct appliance *a, const struct peer_zone *list, size_t count)
{
	zones = list;
	zone_count = count;
	harness_own_network();
	appliance_init(a);
	dir = a->dir;
	for (size_t i = 0; i < PEERS; i++) {
		char address[32];
		snprintf(address, sizeof(address), "%s/32", peer_addresses[i]);
		harness_address(address);
	}
	write_zones(a);
	configure_ours(a);
	configure_nsd();
	configure_knot();
	configure_bind();
	start("/usr/sbin/nsd", "-dc", "nsd");
	start("/usr/sbin/knotd", "-c", "knot");
	start("/usr/sbin/named", "-gc", "named");
	appliance_start(a);
	for (size_t i = 0; i < PEERS; i++) {
		for (size_t k = 0; k < count; k++) {
			struct probe probe = { peer_addresses[i], zones[k].name };
			MUST(harness_until(answers, &probe, 10000 * harness_slow()), "%s does not answer for %s",
			     peer_labels[i], zones[k].name);
		}
	}
}

/* --- comparing ---------------------------------------------------------------------------------------- */

enum part { PART_STATUS, PART_ANSWER, PART_AUTHORITY, PART_GLUE, PART_TTL, PARTS };
static const char *const part_labels[PARTS] = { "status", "answer", "authority", "glue", "TTL" };

struct described {
	char part[PARTS][CLIENT_TEXT_MAX];
	char additional[CLIENT_TEXT_MAX]; /* courtesies */
};

static unsigned asked;
static unsigned differences[PEERS][PARTS];

/* The zone of a name, by its labels: an index of zones, or zone_count. */
static size_t zone_of(const uint8_t *name)
{
	size_t best = zone_count;
	unsigned labels = 0;
	for (size_t i = 0; i < zone_count; i++) {
		uint8_t apex[DNAME_MAX];
		bool under = dname_from_text(zones[i].name, apex) > 0 && dname_is_under(name, apex);
		if (under && (best == zone_count || dname_label_count(apex) >= labels)) {
			best = i;
			labels = dname_label_count(apex);
		}
	}
	return best;
}

static bool is_apex(const uint8_t *name)
{
	uint8_t apex[DNAME_MAX];
	size_t zone = zone_of(name);
	return zone < zone_count && dname_from_text(zones[zone].name, apex) > 0 && dname_equal(apex, name);
}

/* NS of a zone that is served here, with their signatures: beside answers, as some like it. */
static bool is_courtesy(const struct message_rr *rr)
{
	bool ns = rr->type == RR_NS || (rr->type == RR_RRSIG && get_u16(rr->rdata) == RR_NS);
	return rr->section == SECTION_AUTHORITY && ns && is_apex(rr->owner);
}

static bool is_wanted(void *ctx, const struct message_rr *rr)
{
	(void)ctx;
	return !is_courtesy(rr);
}

static uint32_t lowest_ttl(const struct reply *reply, enum section section, uint16_t type)
{
	uint32_t lowest = UINT32_MAX;
	for (size_t i = 0; i < reply->message.rr_count; i++) {
		const struct message_rr *rr = &reply->message.rrs[i];
		if (rr->section == section && (type == 0 || rr->type == type) && rr->ttl < lowest) {
			lowest = rr->ttl;
		}
	}
	return lowest;
}

static const struct message_rr *find_rr(const struct message *m, enum section section, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == section && (type == 0 || rr->type == type) && dname_equal(rr->owner, owner)) {
			return rr;
		}
	}
	return NULL;
}

/*
 * RFC 1034 4.3.2 3a, RFC 6672 3.2: an alias starts the search again, with the zones to choose from. Knot and BIND end
 * the answer where an alias leaves the zone, so that resolvers ask again: true, and for what. What they then
 * answer together is what one answer should be.
 */
static bool ends_at_other_zone(const struct ask *ask, const struct message *m, uint8_t target[DNAME_MAX])
{
	uint8_t name[DNAME_MAX];
	size_t zone = zone_count;
	if (ask->type == RR_CNAME || dname_from_text(ask->name, name) < 0) {
		return false;
	}
	for (unsigned step = 0; step <= m->rr_count; step++) {
		const struct message_rr *cname = find_rr(m, SECTION_ANSWER, name, RR_CNAME);
		if (cname == NULL) {
			memcpy(target, name, dname_len(name));
			return zone < zone_count && zone_of(name) < zone_count && zone_of(name) != zone &&
			       find_rr(m, SECTION_ANSWER, name, 0) == NULL &&
			       lowest_ttl(&(struct reply){ .received = true, .message = *m }, SECTION_AUTHORITY, RR_SOA) ==
				       UINT32_MAX;
		}
		zone = zone_of(name);
		memcpy(name, cname->rdata, cname->rdata_len);
	}
	return false; /* in circles */
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Records joined with "; " and others, as one sorted set. */
static void merge(char set[CLIENT_TEXT_MAX], const char *others)
{
	static char text[2 * CLIENT_TEXT_MAX];
	char *records[1024];
	size_t count = 0;
	snprintf(text, sizeof(text), "%s%s%s", set, set[0] != '\0' && others[0] != '\0' ? "; " : "", others);
	for (char *at = text; at != NULL && *at != '\0' && count < COUNT(records);) {
		records[count++] = at;
		at = strstr(at, "; ");
		if (at != NULL) {
			*at = '\0';
			at += 2;
		}
	}
	qsort(records, count, sizeof(*records), compare_texts);
	size_t len = 0;
	set[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(records[i - 1], records[i]) != 0) {
			int n = snprintf(set + len, CLIENT_TEXT_MAX - len, "%s%s", len == 0 ? "" : "; ", records[i]);
			MUST(n > 0 && (size_t)n < CLIENT_TEXT_MAX - len, "an answer is too long for the comparison");
			len += (size_t)n;
		}
	}
}

static void add_section(char set[CLIENT_TEXT_MAX], const struct reply *reply, enum section section)
{
	static char text[CLIENT_TEXT_MAX];
	merge(set, reply_section_if(reply, section, is_wanted, NULL, text));
}

/* Times that an answer is put together from answers for other zones. */
#define ZONES_CROSSED_MAX 4

static void describe(const struct ask *ask, enum peer peer, struct described *out)
{
	struct ask one = *ask;
	char again[DNAME_TEXT_MAX];
	uint8_t target[DNAME_MAX];
	char status[64];
	uint32_t ttls[3] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	bool whole = false;

	memset(out, 0, sizeof(*out));
	one.server = peer_addresses[peer];
	for (unsigned i = 0; i < ZONES_CROSSED_MAX && !whole; i++) {
		const struct reply *reply = client_ask(&one);
		MUST(reply->received && reply->error == BH_OK, "%s: no reply to %s, type %u", peer_labels[peer], one.name,
		     one.type);
		const struct message *m = &reply->message;
		uint16_t flags = m->flags;
		if (i > 0) { /* AA is that of the first name, RFC 1035 4.1.1 */
			flags = (uint16_t)((flags & ~FLAG_AA) | (strstr(out->part[PART_STATUS], " aa") != NULL ? FLAG_AA : 0));
		}
		struct reply as_shown = { .received = true, .message = { .rcode = m->rcode } };
		as_shown.message.flags = flags & (uint16_t)~FLAG_CD; /* RFC 4035 3.1.6 clears it; BIND copies it */
		snprintf(out->part[PART_STATUS], CLIENT_TEXT_MAX, "%s%s", reply_status(&as_shown, status),
			 m->do_bit ? " do" : "");
		if ((flags & FLAG_TC) != 0) { /* what is left in a message that says so is nobody's business */
			memset(out->part[PART_ANSWER], 0, sizeof(*out) - sizeof(out->part[0]));
			return;
		}
		whole = !ends_at_other_zone(&one, m, target);
		const struct message_rr *ns = NULL;
		for (const uint8_t *up = target; !whole && ns == NULL; up = dname_parent(up)) {
			ns = find_rr(m, SECTION_AUTHORITY, up, RR_NS);
			if (dname_is_root(up)) {
				break;
			}
		}
		add_section(out->part[PART_ANSWER], reply, SECTION_ANSWER);
		if (whole || ns == NULL) { /* a referral to the zone that is asked next says nothing new */
			add_section(out->part[PART_AUTHORITY], reply, SECTION_AUTHORITY);
		}
		bool referral = (flags & FLAG_AA) == 0 && out->part[PART_AUTHORITY][0] != '\0';
		add_section(referral ? out->part[PART_GLUE] : out->additional, reply, SECTION_ADDITIONAL);
		uint32_t now[3] = { lowest_ttl(reply, SECTION_ANSWER, 0), lowest_ttl(reply, SECTION_AUTHORITY, RR_SOA),
				    lowest_ttl(reply, SECTION_AUTHORITY, RR_NSEC) };
		for (size_t k = 0; k < COUNT(ttls); k++) {
			bool counts = k == 0 || whole || ns == NULL;
			ttls[k] = counts && now[k] < ttls[k] ? now[k] : ttls[k];
		}
		dname_text(target, again);
		one.name = again;
	}
	snprintf(out->part[PART_TTL], CLIENT_TEXT_MAX, "%u %u %u", ttls[0], ttls[1], ttls[2]);
}

static bool same(const struct described *a, const struct described *b)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (strcmp(a->part[i], b->part[i]) != 0) {
			return false;
		}
	}
	return true;
}

/* Is each of our additional records in the reply of one of the others? Records are joined with "; ". */
static bool additional_known(const struct described *all)
{
	for (const char *record = all[PEER_OURS].additional; *record != '\0';) {
		char one[CLIENT_TEXT_MAX];
		size_t len = strcspn(record, ";");
		snprintf(one, sizeof(one), "%.*s", (int)len, record);
		bool known = false;
		for (size_t i = PEER_OURS + 1; i < PEERS; i++) {
			known = known || strstr(all[i].additional, one) != NULL;
		}
		if (!known) {
			return false;
		}
		record += len + (record[len] == ';' ? 2 : 0);
	}
	return true;
}

static void print(const struct ask *ask, const struct described *all)
{
	char type[RR_TYPE_TEXT_MAX];
	fprintf(stderr, "%s %s%s%s%s, %u octets:\n", ask->name, rr_type_text(ask->type, type), ask->tcp ? " TCP" : "",
		ask->edns ? " EDNS" : "", ask->do_bit ? " DO" : "", ask->udp_size);
	for (size_t i = 0; i < PEERS; i++) {
		fprintf(stderr, "  %s\n", peer_labels[i]);
		for (size_t k = 0; k < PARTS; k++) {
			fprintf(stderr, "    %-10s %s\n", part_labels[k], all[i].part[k]);
		}
		fprintf(stderr, "    additional %s\n", all[i].additional);
	}
}

unsigned peers_compare(const struct ask *ask)
{
	static struct described all[PEERS];
	bool alone = true;
	asked++;
	for (size_t i = 0; i < PEERS; i++) {
		describe(ask, (enum peer)i, &all[i]);
		if (i == PEER_OURS) {
			continue;
		}
		if (same(&all[PEER_OURS], &all[i])) {
			alone = false;
			continue;
		}
		size_t part = 0;
		while (strcmp(all[PEER_OURS].part[part], all[i].part[part]) == 0) {
			part++;
		}
		differences[i][part]++;
	}
	if (!alone && additional_known(all)) {
		return 0;
	}
	print(ask, all);
	return 1;
}

/* Long enough for servers on this machine; several of them do not answer what they do not like. */
#define ODD_TIMEOUT_MS 300

unsigned peers_compare_octets(const char *what, const uint8_t *wire, size_t len)
{
	char texts[PEERS][64];
	bool alone = true;
	asked++;
	for (size_t i = 0; i < PEERS; i++) {
		uint8_t reply[4096];
		int fd = client_udp(peer_addresses[i], NULL);
		client_send(fd, wire, len);
		ssize_t n = client_receive(fd, reply, sizeof(reply), ODD_TIMEOUT_MS * harness_slow());
		struct reply shown = { .received = n >= DNS_HEADER_SIZE };
		if (shown.received) {
			shown.message.flags = get_u16(reply + 2) & (uint16_t)~FLAG_CD;
			shown.message.rcode = shown.message.flags & FLAG_RCODE;
		}
		reply_status(&shown, texts[i]);
		close(fd);
		if (i != PEER_OURS && strcmp(texts[i], texts[PEER_OURS]) == 0) {
			alone = false;
		} else if (i != PEER_OURS) {
			differences[i][PART_STATUS]++;
		}
	}
	if (alone) {
		fprintf(stderr, "%s: ours \"%s\", NSD \"%s\", Knot \"%s\", BIND \"%s\"\n", what, texts[PEER_OURS],
			texts[PEER_NSD], texts[PEER_KNOT], texts[PEER_BIND]);
	}
	return alone;
}

void peers_report(void)
{
	printf("%u questions; differences:", asked);
	for (size_t i = PEER_OURS + 1; i < PEERS; i++) {
		printf(" %s", peer_labels[i]);
		for (size_t k = 0; k < PARTS; k++) {
			printf(" %u %s%s", differences[i][k], part_labels[k], k + 1 < PARTS ? "," : ";");
		}
	}
	printf("\n");
	fflush(stdout);
}

/* --- names -------------------------------------------------------------------------------------------- */

void names_add(struct peer_names *names, const char *prefix, const char *name)
{
	uint8_t wire[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%s%s", prefix, name);
	if (len < 0 || (size_t)len >= sizeof(text) || dname_from_text(text, wire) < 0) {
		return; /* a prefix too much */
	}
	dname_text(wire, text);
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->names[i], text) == 0) {
			return;
		}
	}
	MUST(names->count < PEER_NAMES_MAX, "more than %d names", PEER_NAMES_MAX);
	snprintf(names->names[names->count++], DNAME_TEXT_MAX, "%s", text);
}

void names_add_owners(struct peer_names *names, const struct peer_zone *zone)
{
	char file[128];
	snprintf(file, sizeof(file), "signed/%s", file_of(zone));
	char *text = zone->text == NULL ? data_read(file) : NULL;
	const char *next;

	for (const char *line = zone->text != NULL ? zone->text : text; *line != '\0'; line = next) {
		char owner[DNAME_TEXT_MAX];
		size_t len = strcspn(line, " \t\n");
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		if (*line == '$' || *line == ';' || len == 0) {
			continue;
		}
		bool absolute = line[len - 1] == '.' && (len < 2 || line[len - 2] != '\\');
		snprintf(owner, sizeof(owner), "%.*s%s", (int)len, line, absolute ? "" : ".");
		if (len == 1 && *line == '@') {
			names_add(names, "", zone->name);
		} else {
			names_add(names, owner, absolute || strcmp(zone->name, ".") == 0 ? "" : zone->name);
		}
	}
	free(text);
}

void names_add_derived(struct peer_names *names, size_t i)
{
	static const char *const prefixes[] = { "nx.", "a.b.c.", "_x.", "*.", "\\000.", "zzzz." };
	char name[DNAME_TEXT_MAX];
	snprintf(name, sizeof(name), "%s", names->names[i]);
	const char *rest = strcmp(name, ".") == 0 ? "" : name;
	for (size_t k = 0; k < COUNT(prefixes); k++) {
		names_add(names, prefixes[k], rest);
	}
	const char *star = strchr(name, '*');
	if (star != NULL) {
		char text[DNAME_TEXT_MAX];
		snprintf(text, sizeof(text), "%.*sfoo%s", (int)(star - name), name, star + 1);
		names_add(names, "", text);
		names_add(names, "x.y.", text);
	}
	for (const char *dot = strchr(name, '.'); dot != NULL && dot[1] != '\0'; dot = strchr(dot + 1, '.')) {
		if (dot == name || dot[-1] != '\\') {
			names_add(names, "", dot + 1);
		}
	}
}
