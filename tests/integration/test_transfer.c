/*
 * Outgoing zone transfers: what comes out is the zone; NSD, Knot DNS and BIND take it; whoever may not have it
 * does not get it; and slow, vanishing and many clients cost nobody else anything.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/dns/tsig.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/integration/appliance.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/unit/common/dns/tsig_wire.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OURS "10.1.0.1"
#define OTHER_VIEW "10.1.0.2"
#define SECONDARY "10.1.0.3"
#define FRIEND "10.1.0.100"
#define STRANGER "10.2.0.1"

/* "0123456789abcdef0123456789abcdef" */
#define SECRET "0123456789abcdef0123456789abcdef"
#define SECRET_BASE64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define KEY "hmac-sha256:partner:" SECRET_BASE64

enum { LARGE_NAMES = 55000 };

static struct appliance appliance;

/* Names that go wrong easily: escapes, case, wildcards, long labels, hidden data, unknown types. */
static const char zone_plain[] =
	"$ORIGIN plain.example.\n$TTL 3600\n@ SOA ns1 Host\\.Master 7 7200 3600 1209600 300\n@ NS ns1\n@ NS NS.other.test.\n"
	"ns1 A 192.0.2.53\nMiXeD A 192.0.2.1\nalias CNAME MIXED\nlow.MiXeD 0 A 192.0.2.2\n"
	"esc\\.dot A 192.0.2.3\nesc\\000nul\\255\\\"\\; A 192.0.2.4\n*.wild TXT \"w\"\na.*.wild A 192.0.2.5\n"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
	"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
	"dddddddddddddddddddddddddddddddddddddddddd A 192.0.2.6\n"
	"deleg NS ns.deleg\ndeleg NS ns.sub.deleg\nns.deleg A 192.0.2.7\nns.sub.deleg AAAA 2001:db8::7\n"
	"deleg DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n"
	"dn DNAME other.test.\na.b.c.ent A 192.0.2.9\nweb TYPE65400 \\# 4 01020304\n"
	"_sip._udp SRV 0 0 5060 ns1\nweb NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp\nweb HTTPS 1 . alpn=h2\n"
	"rp RP host.plain.example. web.plain.example.\n*.load A 192.0.2.10\n";

static const char zone_keyed[] = "$ORIGIN keyed.example.\n$TTL 60\n@ SOA ns host 21 7200 3600 1209600 300\n@ NS ns\n"
				 "ns A 192.0.2.1\nwww A 192.0.2.2\n";

static const char zone_signed[] =
	"$ORIGIN @NAME@.\n$TTL 3600\n@ SOA ns host 31 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"
	"a.b TXT \"x\"\n*.w A 192.0.2.3\ndeleg NS ns.deleg\nns.deleg A 192.0.2.4\nsecure NS ns\n"
	"secure DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\n";

static const char conf_head[] = CONF_HERE
	"key \"partner\" { algorithm = \"hmac-sha256\" secret-file = \"partner.secret\" }\n"
	"key \"elsewhere\" { algorithm = \"hmac-sha256\" secret-file = \"partner.secret\" }\n"
	"view \"w\" {\n listen = { \"" OTHER_VIEW "\" }\n zones-dir = \"zones\"\n"
	" zone \"keyed.example\" { file = \"keyed.example.zone\" allow-transfer = { \"key:elsewhere\" } }\n}\n"
	"view \"v\" {\n listen = { \"" OURS "\" }\n zones-dir = \"zones\"\n"
	" zone \"closed.example\" { file = \"closed.example.zone\" }\n";

static char conf[8192];

static void add_zone(const char *name, const char *allow)
{
	size_t at = strlen(conf);
	snprintf(conf + at, sizeof(conf) - at, " zone \"%s\" { file = \"%s.zone\" allow-transfer = { %s } }\n", name, name,
		 allow);
}

static const char *path_of(const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", appliance.dir, name);
	return out;
}

static void write_large(uint32_t serial, unsigned names)
{
	char path[256];
	FILE *file = fopen(path_of("zones/large.example.zone", path), "w");
	MUST(file != NULL, "cannot write %s", path);
	fprintf(file, "$ORIGIN large.example.\n$TTL 3600\n@ SOA ns host %u 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n", serial);
	for (unsigned i = 0; i < names; i++) {
		fprintf(file, "host-%06u A 10.%u.%u.%u\nhost-%06u MX 10 host-%06u\n", i, i >> 16, i >> 8 & 255, i & 255, i,
			(i * 7919u) % names);
	}
	MUST(fclose(file) == 0, "cannot write %s", path);
}

static bool is_signed_with(const char *zone)
{
	char path[256];
	char name[64];
	struct stat st;
	snprintf(name, sizeof(name), "zones/%s.zone", zone);
	return stat(path_of(name, path), &st) == 0;
}

/* Keys and signatures by dnssec-signzone; without it these zones are not there. */
static void sign_zone(const char *zone, bool nsec3)
{
	char text[2048];
	char command[2048];
	char log[256];
	size_t at = 0;
	for (const char *p = zone_signed; *p != '\0';) {
		bool here = strncmp(p, "@NAME@", 6) == 0;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s", here ? (int)strlen(zone) : 1, here ? zone : p);
		p += here ? 6 : 1;
	}
	snprintf(command, sizeof(command), "sign/%s", zone);
	harness_write(appliance.dir, command, text);
	snprintf(command, sizeof(command),
		 "cd %s/sign && dnssec-keygen -q -a ECDSAP256SHA256 %s && dnssec-keygen -q -f KSK -a ECDSAP256SHA256 %s && "
		 "dnssec-signzone -S %s -o %s -f ../zones/%s.zone %s",
		 appliance.dir, zone, zone, nsec3 ? "-3 aabb -H 3 -A" : "", zone, zone, zone);
	char *argv[] = { "sh", "-c", command, NULL };
	MUST(harness_run(argv, path_of("sign.log", log), 20000) == 0, "%s cannot be signed, see %s", zone, log);
}

static void prepare(void)
{
	static const char *const addresses[] = { OURS "/32", OTHER_VIEW "/32", SECONDARY "/32", FRIEND "/32",
						 STRANGER "/32" };
	char path[256];
	harness_limit(150);
	harness_own_network();
	for (size_t i = 0; i < COUNT(addresses); i++) {
		harness_address(addresses[i]);
	}
	appliance_init(&appliance);
	appliance_file(&appliance, "partner.secret",
		       "key \"partner\" {\n\talgorithm hmac-sha256;\n\tsecret \"" SECRET_BASE64 "\";\n};\n");
	MUST(chmod(path_of("partner.secret", path), 0600) == 0, "chmod");
	appliance_file(&appliance, "zones/plain.example.zone", zone_plain);
	appliance_file(&appliance, "zones/keyed.example.zone", zone_keyed);
	appliance_file(&appliance, "zones/closed.example.zone", "$ORIGIN closed.example.\n@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n");
	write_large(41, LARGE_NAMES);
	snprintf(conf, sizeof(conf), "%s", conf_head);
	add_zone("plain.example", "\"10.1.0.0/24\"");
	add_zone("keyed.example", "\"key:partner\"");
	add_zone("large.example", "\"10.1.0.0/24\", \"key:partner\"");
	if (harness_has_program("dnssec-signzone") && harness_has_program("dnssec-keygen")) {
		sign_zone("nsec.example", false);
		sign_zone("nsec3.example", true);
		add_zone("nsec.example", "\"10.1.0.0/24 key:partner\"");
		add_zone("nsec3.example", "\"10.1.0.0/24\"");
	} else {
		fprintf(stderr, "skipped: signed zones: dnssec-signzone is not installed\n");
	}
	strcat(conf, "}\n");
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
}

static void finish(void)
{
	appliance_clear(&appliance);
}

TestSuite(transfer, .init = prepare, .fini = finish, .timeout = 180);

/* --- a client ----------------------------------------------------------------------------------------- */

struct request {
	const char *server; /* NULL: OURS */
	const char *source; /* NULL: FRIEND */
	const char *zone;
	uint16_t type; /* 0: AXFR */
	const char *key;
	const char *secret; /* NULL: SECRET */
	int64_t late_sec;
	int64_t serial; /* of IXFR */
};

static size_t compose_request(const struct request *r, struct tsig_wire *tsig, uint8_t wire[ASK_WIRE_MAX + 1024])
{
	uint16_t type = r->type == 0 ? RR_AXFR : r->type;
	size_t len = ask_compose(&(struct ask){ .name = r->zone, .type = type }, 0x4242, wire);
	if (type == RR_IXFR) {
		struct sink s = sink_of(wire, ASK_WIRE_MAX);
		s.pos = len;
		sink_u16(&s, 0xc00c);
		sink_u16(&s, RR_SOA);
		sink_u16(&s, CLASS_IN);
		sink_u32(&s, 0);
		sink_u16(&s, 22);
		sink_u16(&s, 0);
		sink_u32(&s, (uint32_t)r->serial);
		for (unsigned i = 0; i < 4; i++) {
			sink_u32(&s, 0);
		}
		put_u16(wire + 8, 1);
		len = s.pos;
	}
	if (r->key != NULL) {
		*tsig = (struct tsig_wire){ .name = r->key,
					    .algorithm = "hmac-sha256",
					    .secret = r->secret == NULL ? SECRET : r->secret,
					    .time_sec = clock_wall_sec() - (uint64_t)r->late_sec,
					    .fudge_sec = 300 };
		len = tsig_wire_sign(tsig, wire, len);
	}
	return len;
}

struct running {
	int fd;
	bool is_signed;
	struct tsig_wire tsig;
	struct region region;
	/* so far */
	unsigned messages;
	unsigned soas;
	uint64_t records;
	uint32_t serial;
	unsigned rcode;
	unsigned error; /* of the TSIG record */
};

static void begin(const struct request *r, struct running *t)
{
	uint8_t frame[2 + ASK_WIRE_MAX + 1024];
	memset(t, 0, sizeof(*t));
	region_init(&t->region, 1 << 20, 1 << 26);
	t->is_signed = r->key != NULL;
	t->fd = client_tcp(r->server == NULL ? OURS : r->server, r->source == NULL ? FRIEND : r->source);
	size_t len = compose_request(r, &t->tsig, frame + 2);
	put_u16(frame, (uint16_t)len);
	client_send(t->fd, frame, len + 2);
}

/* The next message; the transfer is over when this is false. */
static bool next(struct running *t)
{
	static uint8_t wire[65535];
	struct message m;
	ssize_t len = client_receive_tcp(t->fd, wire, sizeof(wire), 20000);
	MUST(len > 0, "after %u messages: %zd", t->messages, len);
	region_reset(&t->region);
	MUST(message_parse(wire, (size_t)len, &t->region, &m) == BH_OK, "message %u cannot be read", t->messages);
	MUST(m.id == 0x4242 && (m.qname != NULL) == (t->messages == 0), "message %u: head", t->messages);
	if (t->is_signed) {
		struct tsig_wire_reply r = tsig_wire_check(&t->tsig, wire, (size_t)len);
		MUST(r.present, "message %u is not signed", t->messages);
		MUST(r.good || (r.error != 0 && r.error != TSIG_BADTIME), "message %u: wrong signature", t->messages);
		t->error = r.error;
	}
	t->messages++;
	t->rcode = m.rcode;
	t->records += m.rr_count;
	for (size_t i = 0; i < m.rr_count; i++) {
		if (m.rrs[i].type == RR_SOA) {
			t->soas++;
			size_t at = dname_len(m.rrs[i].rdata);
			t->serial = get_u32(m.rrs[i].rdata + at + dname_len(m.rrs[i].rdata + at));
		}
	}
	return m.rcode == RCODE_NOERROR && t->soas < 2 && !(t->messages == 1 && m.rr_count == 1);
}

static void end(struct running *t)
{
	close(t->fd);
	region_clear(&t->region);
}

static void transfer(const struct request *r, struct running *t)
{
	begin(r, t);
	while (next(t)) {
	}
	end(t);
}

static uint64_t counter(const char *name)
{
	return appliance_counter(&appliance, "authority", "v", name);
}

struct wanted {
	const char *counter;
	uint64_t value;
};

static bool has_counted(void *ctx)
{
	const struct wanted *w = ctx;
	return counter(w->counter) >= w->value;
}

static void wait_counter(const char *name, uint64_t value, unsigned limit_ms)
{
	struct wanted w = { name, value };
	MUST(harness_until(has_counted, &w, limit_ms * harness_slow()), "%s is %llu, not %llu", name,
	     (unsigned long long)counter(name), (unsigned long long)value);
}

/* --- who gets it -------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct request request;
	unsigned rcode;
	uint64_t records;
	unsigned error;
} answers[] = {
	{ "by address", { .zone = "keyed.example" }, RCODE_REFUSED, 0, 0 },
	{ "by key", { .zone = "keyed.example", .key = "partner" }, RCODE_NOERROR, 5, 0 },
	{ "by key from anywhere", { .zone = "keyed.example", .key = "partner", .source = STRANGER }, RCODE_NOERROR, 5, 0 },
	{ "a stranger", { .zone = "plain.example", .source = STRANGER }, RCODE_REFUSED, 0, 0 },
	{ "a stranger with a key for other zones", { .zone = "plain.example", .source = STRANGER, .key = "partner" },
	  RCODE_REFUSED, 0, 0 },
	{ "nobody", { .zone = "closed.example", .key = "partner" }, RCODE_REFUSED, 0, 0 },
	{ "no zone", { .zone = "www.keyed.example" }, RCODE_NOTAUTH, 0, 0 },
	{ "unknown key", { .zone = "keyed.example", .key = "nobody" }, RCODE_NOTAUTH, 0, TSIG_BADKEY },
	{ "wrong secret", { .zone = "keyed.example", .key = "partner", .secret = "x" }, RCODE_NOTAUTH, 0, TSIG_BADSIG },
	{ "too late", { .zone = "keyed.example", .key = "partner", .late_sec = 400 }, RCODE_NOTAUTH, 0, TSIG_BADTIME },
	{ "too early", { .zone = "keyed.example", .key = "partner", .late_sec = -400 }, RCODE_NOTAUTH, 0, TSIG_BADTIME },
	/* The socket chooses the view: the other one's key is nothing here, with the same secret. */
	{ "a key of another view", { .zone = "keyed.example", .key = "elsewhere" }, RCODE_NOTAUTH, 0, TSIG_BADKEY },
	{ "our key in another view", { .zone = "keyed.example", .key = "partner", .server = OTHER_VIEW }, RCODE_NOTAUTH, 0,
	  TSIG_BADKEY },
	{ "its own key there", { .zone = "keyed.example", .key = "elsewhere", .server = OTHER_VIEW }, RCODE_NOERROR, 5, 0 },
	{ "an old serial", { .zone = "keyed.example", .key = "partner", .type = RR_IXFR, .serial = 20 }, RCODE_NOERROR, 5, 0 },
	{ "the same serial", { .zone = "keyed.example", .key = "partner", .type = RR_IXFR, .serial = 21 }, RCODE_NOERROR, 1, 0 },
	{ "a newer serial", { .zone = "keyed.example", .key = "partner", .type = RR_IXFR, .serial = 22 }, RCODE_NOERROR, 1, 0 },
	{ "IXFR refused", { .zone = "keyed.example", .type = RR_IXFR, .serial = 20 }, RCODE_REFUSED, 0, 0 },
};

Test(transfer, those_who_may_and_those_who_may_not)
{
	uint64_t refused = 0;
	uint64_t done = 0;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct running t;
		transfer(&answers[i].request, &t);
		MUST(t.rcode == answers[i].rcode, "%s: RCODE %u", answers[i].what, t.rcode);
		MUST(t.records == answers[i].records, "%s: %llu records", answers[i].what, (unsigned long long)t.records);
		MUST(t.error == answers[i].error, "%s: TSIG error %u", answers[i].what, t.error);
		bool here = answers[i].request.server == NULL;
		refused += here && t.rcode == RCODE_REFUSED;
		done += here && t.records > 1;
	}
	wait_counter("transfers_done", done, 2000);
	MUST(counter("transfers_started") == done, "started and not done");
	MUST(counter("transfers_refused") == refused, "%llu refused", (unsigned long long)counter("transfers_refused"));
	MUST(counter("transfers_aborted") == 0, "aborted");
	MUST(appliance_log_wait(&appliance, "transfer refused zone=plain.example. client=" STRANGER "@", 2000), "no line");
	MUST(appliance_log_wait(&appliance, "transfer done zone=keyed.example. client=" FRIEND "@", 2000), "no line");
	MUST(appliance_log_wait(&appliance, "serial=21 key=partner. records=5 messages=1", 2000), "no line");
	MUST(!appliance_logged(&appliance, SECRET_BASE64) && !appliance_logged(&appliance, SECRET), "a secret in the log");
}

Test(transfer, over_udp_there_is_the_soa_at_most)
{
	static const struct {
		struct request request;
		unsigned rcode;
		unsigned records;
	} cases[] = {
		{ { .zone = "plain.example" }, RCODE_NOTIMP, 0 },
		{ { .zone = "plain.example", .type = RR_IXFR, .serial = 1 }, RCODE_NOERROR, 1 },
		{ { .zone = "plain.example", .type = RR_IXFR, .serial = 7 }, RCODE_NOERROR, 1 },
		{ { .zone = "plain.example", .type = RR_IXFR, .serial = 7, .source = STRANGER }, RCODE_REFUSED, 0 },
		{ { .zone = "keyed.example", .type = RR_IXFR, .serial = 7, .key = "partner" }, RCODE_NOERROR, 1 },
		{ { .zone = "www.plain.example", .type = RR_A, .key = "partner" }, RCODE_NXDOMAIN, 1 },
		{ { .zone = "www.plain.example", .type = RR_A, .key = "partner", .secret = "x" }, RCODE_NOTAUTH, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t wire[ASK_WIRE_MAX + 1024];
		struct tsig_wire tsig;
		struct region region;
		struct message m;
		size_t len = compose_request(&cases[i].request, &tsig, wire);
		int fd = client_udp(OURS, cases[i].request.source == NULL ? FRIEND : cases[i].request.source);
		client_send(fd, wire, len);
		ssize_t n = client_receive(fd, wire, sizeof(wire), 5000);
		MUST(n > 0, "case %zu: no reply", i);
		region_init(&region, 1 << 16, 1 << 20);
		MUST(message_parse(wire, (size_t)n, &region, &m) == BH_OK, "case %zu", i);
		MUST(m.rcode == cases[i].rcode && m.rr_count == cases[i].records, "case %zu: RCODE %u, %zu records", i,
		     m.rcode, m.rr_count);
		if (cases[i].request.key != NULL) {
			struct tsig_wire_reply r = tsig_wire_check(&tsig, wire, (size_t)n);
			MUST(r.present && r.good == (cases[i].request.secret == NULL), "case %zu: signature", i);
		}
		region_clear(&region);
		close(fd);
	}
}

Test(transfer, keys_change_with_a_reload)
{
	static const struct request old = { .zone = "keyed.example", .key = "partner" };
	static const struct request changed = { .zone = "keyed.example", .key = "partner",
						.secret = "another secret of 32 octets.....", };
	struct running t;
	char path[256];
	transfer(&old, &t);
	MUST(t.records == 5, "before");
	appliance_file(&appliance, "partner.secret", "YW5vdGhlciBzZWNyZXQgb2YgMzIgb2N0ZXRzLi4uLi4=\n");
	MUST(chmod(path_of("partner.secret", path), 0600) == 0, "chmod");
	appliance_reload(&appliance);
	transfer(&old, &t);
	MUST(t.rcode == RCODE_NOTAUTH && t.error == TSIG_BADSIG, "the old secret: %u %u", t.rcode, t.error);
	transfer(&changed, &t);
	MUST(t.records == 5, "the new secret");
	/* What others can read is no secret: the reload is refused, and all stays as it was. */
	MUST(chmod(path, 0644) == 0, "chmod");
	const struct ctl_answer *answer = appliance_control(&appliance, "reload");
	MUST(answer->done.status != 0, "reloaded with a secret that everybody can read");
	transfer(&changed, &t);
	MUST(t.records == 5, "after a refused reload");
}

/* --- clients that make trouble ------------------------------------------------------------------------ */

#define LARGE_RECORDS (2 * (uint64_t)LARGE_NAMES + 4) /* with the second SOA */

Test(transfer, many_at_once_and_queries_are_answered)
{
	enum { CLIENTS = 50 };
	static struct running t[CLIENTS];
	static const struct request r = { .zone = "large.example" };
	static const struct request signed_r = { .zone = "large.example", .key = "partner" };
	bool more[CLIENTS];
	unsigned left = CLIENTS;
	struct load *load = load_start(OURS, "load.plain.example", 500, RCODE_NOERROR);
	for (unsigned i = 0; i < CLIENTS; i++) {
		begin(i % 2 == 0 ? &r : &signed_r, &t[i]);
		more[i] = true;
	}
	while (left > 0) { /* each reads a message in its turn: all run until nearly the end */
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (more[i]) {
				more[i] = next(&t[i]);
				left -= !more[i];
			}
		}
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		MUST(t[i].records == LARGE_RECORDS && t[i].serial == 41, "client %u: %llu records", i,
		     (unsigned long long)t[i].records);
		end(&t[i]);
	}
	struct load_result result = load_stop(load);
	MUST(result.answered > 100 && result.lost == 0 && result.other == 0 && result.late == 0,
	     "of %llu queries %llu lost, %llu wrong, %llu late; the longest took %llu ms", (unsigned long long)result.sent,
	     (unsigned long long)result.lost, (unsigned long long)result.other, (unsigned long long)result.late,
	     (unsigned long long)result.longest_ms);
	wait_counter("transfers_done", CLIENTS, 2000);
}

/* Were so many requests for transfers answered one way or the other? */
static bool all_judged(void *ctx)
{
	return counter("transfers_started") + counter("transfers_refused") >= *(const uint64_t *)ctx;
}

static bool none_runs(void *ctx)
{
	(void)ctx;
	return counter("transfers_done") + counter("transfers_aborted") == counter("transfers_started");
}

/* Each has its share, whatever it asks for, and leaves the others theirs; then there is room for nobody. */
Test(transfer, more_than_there_is_room_for_are_told)
{
	/* The kernel keeps a few whole transfers for a client that does not read: their places are free again. */
	enum { CLIENTS = 5, EACH = 120, SHARE = 64, ALL = 256, SLACK = 10 };
	uint8_t frame[2 + ASK_WIRE_MAX + 1024];
	struct tsig_wire tsig;
	struct running t;
	int fds[CLIENTS];
	uint64_t before = 0;
	size_t len = compose_request(&(struct request){ .zone = "large.example" }, &tsig, frame + 2);
	put_u16(frame, (uint16_t)len);
	for (unsigned i = 0; i < CLIENTS; i++) {
		char address[32];
		snprintf(address, sizeof(address), "10.1.0.%u/32", 110 + i);
		harness_address(address);
		*strchr(address, '/') = '\0';
		fds[i] = client_tcp(OURS, address);
		for (unsigned k = 0; k < EACH; k++) {
			client_send(fds[i], frame, len + 2);
		}
		uint64_t asked = (i + 1) * EACH;
		MUST(harness_until(all_judged, &asked, 5000 * harness_slow()), "some were not answered");
		uint64_t started = counter("transfers_started") - before;
		bool full = i * SHARE >= ALL;
		MUST(started >= (full ? 0 : SHARE) && started <= (full ? CLIENTS * SLACK : SHARE + SLACK), "client %u: %llu",
		     i, (unsigned long long)started);
		before += started;
	}
	MUST(appliance_log_wait(&appliance, "why=too many at once", 2000), "no line");
	for (unsigned i = 0; i < CLIENTS; i++) {
		close(fds[i]);
	}
	MUST(harness_until(none_runs, NULL, 5000 * harness_slow()), "some still run");
	transfer(&(struct request){ .zone = "plain.example" }, &t);
	MUST(t.soas == 2, "there is room again");
}

Test(transfer, clients_that_vanish_or_do_not_read)
{
	static const struct request r = { .zone = "large.example" };
	struct running gone;
	struct running slow;
	struct running other;
	begin(&r, &gone);
	MUST(next(&gone), "it is larger than one message");
	struct linger hard = { .l_onoff = 1 };
	MUST(setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0, "linger");
	end(&gone);
	wait_counter("transfers_aborted", 1, 3000);
	MUST(appliance_log_wait(&appliance, "transfer aborted zone=large.example.", 2000), "no line");

	/* One after the other, more than the kernel keeps for a client that does not read. */
	uint8_t frame[2 + ASK_WIRE_MAX + 1024];
	struct tsig_wire none;
	size_t len = compose_request(&r, &none, frame + 2);
	put_u16(frame, (uint16_t)len);
	begin(&r, &slow);
	for (unsigned i = 0; i < 9; i++) {
		client_send(slow.fd, frame, len + 2);
	}
	MUST(next(&slow), "it is larger than one message");
	struct role_process before = appliance_role(&appliance, "authority", "v", 0);
	long memory = harness_private_kib(before.pid);
	transfer(&r, &other); /* goes past it */
	MUST(other.records == LARGE_RECORDS, "%llu records", (unsigned long long)other.records);
	MUST(harness_private_kib(before.pid) < memory + 1024, "grows while it waits");
	wait_counter("transfers_aborted", 2, 25000); /* ten seconds without a message taken */
	end(&slow);
}

Test(transfer, a_reload_in_the_middle_does_not_change_what_was_begun)
{
	static const struct request r = { .zone = "large.example", .key = "partner" };
	struct running t;
	struct running later;
	begin(&r, &t);
	for (unsigned i = 0; i < 3; i++) {
		MUST(next(&t), "it is larger");
	}
	write_large(42, LARGE_NAMES / 2);
	appliance_reload(&appliance);
	write_large(43, LARGE_NAMES / 3);
	appliance_reload(&appliance);
	transfer(&r, &later);
	MUST(later.serial == 43 && later.records == 2 * (LARGE_NAMES / 3) + 4, "serial %u", later.serial);
	while (next(&t)) {
	}
	MUST(t.serial == 41 && t.records == LARGE_RECORDS, "serial %u, %llu records", t.serial,
	     (unsigned long long)t.records);
	end(&t);
	wait_counter("transfers_done", 2, 2000);
}

/* --- what comes out, by other programs ---------------------------------------------------------------- */

static void run(const char *log, const char *fmt, ...) BH_PRINTF(2, 3);

static void run(const char *log, const char *fmt, ...)
{
	char command[2048];
	char path[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	char *argv[] = { "sh", "-c", command, NULL };
	harness_show(path_of(log, path));
	MUST(harness_run(argv, path, 60000) == 0, "failed: %s", command);
}

#define COMPILE "named-compilezone -q -D -i none -k ignore -m ignore -M ignore -n ignore -r ignore -S ignore -T ignore -W ignore"

/* Owners of NSEC3 are made from their hashes, in lower case; case means nothing there (RFC 5155 3.3). */
#define DIFF_FOLDED "for f in want got; do awk '{ $1 = tolower($1) } 1' $f.db > $f.low; done && diff want.low got.low"

/* The zone as dig receives it, and its text, are the same to another implementation. */
Test(transfer, each_zone_equals_its_text)
{
	static const struct {
		const char *name;
		const char *key;
	} zones[] = { { "plain.example", "" },	     { "keyed.example", "-y " KEY }, { "nsec.example", "-y " KEY },
		      { "nsec3.example", "" },	     { "large.example", "" },	     { "large.example", "-y " KEY } };
	if (!harness_has_program("dig") || !harness_has_program("named-compilezone")) {
		fprintf(stderr, "skipped: each_zone_equals_its_text: dig or named-compilezone is not installed\n");
		return;
	}
	for (size_t i = 0; i < COUNT(zones); i++) {
		const char *name = zones[i].name;
		if (!is_signed_with(name)) {
			continue;
		}
		run("dig.log", "cd %s && dig -b %s @%s %s +noall +answer +onesoa %s AXFR >got && test -s got", appliance.dir,
		    FRIEND, OURS, zones[i].key, name);
		run("compare.log", "cd %s && %s -o want.db %s zones/%s.zone && %s -o got.db %s got && %s",
		    appliance.dir, COMPILE, name, name, COMPILE, name, strcmp(name, "nsec3.example") == 0 ? DIFF_FOLDED : "diff want.db got.db");
	}
}

struct secondary {
	const char *program;
	const char *options; /* before the configuration */
	void (*configure)(void);
};

static const char *const transferred[][2] = { { "plain.example", "" },	      { "keyed.example", "partner" },
					      { "nsec.example", "partner" }, { "nsec3.example", "" },
					      { "large.example", "partner" } };

static void configure_nsd(void)
{
	char text[4096];
	const char *dir = appliance.dir;
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "server:\n  ip-address: %s\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n"
				     "  zonesdir: \"%s/nsd\"\n  pidfile: \"%s/nsd/pid\"\n  xfrdfile: \"%s/nsd/xfrd\"\n"
				     "  zonelistfile: \"%s/nsd/list\"\n  xfrdir: \"%s/nsd\"\n  server-count: 1\n"
				     "remote-control:\n  control-enable: no\n"
				     "key:\n  name: partner\n  algorithm: hmac-sha256\n  secret: \"" SECRET_BASE64 "\"\n",
				     SECONDARY, dir, dir, dir, dir, dir);
	for (size_t i = 0; i < COUNT(transferred); i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "zone:\n  name: %s\n  zonefile: %s\n  request-xfr: AXFR %s %s\n  outgoing-interface: %s\n",
				       transferred[i][0], transferred[i][0], OURS,
				       transferred[i][1][0] == '\0' ? "NOKEY" : transferred[i][1], SECONDARY);
	}
	harness_write(dir, "nsd.conf", text);
	harness_write(dir, "nsd/empty", "");
}

static void configure_knot(void)
{
	char text[4096];
	const char *dir = appliance.dir;
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "server:\n  listen: %s\n  rundir: \"%s/knotd\"\n  udp-workers: 1\n  tcp-workers: 1\n"
				     "  background-workers: 1\ncontrol:\n  listen: \"%s/knotd/control\"\n"
				     "database:\n  storage: \"%s/knotd/db\"\n  journal-db-max-size: 64M\n"
				     "  kasp-db-max-size: 16M\n  timer-db-max-size: 16M\nlog:\n  - target: stderr\n    any: info\n"
				     "key:\n  - id: partner\n    algorithm: hmac-sha256\n    secret: " SECRET_BASE64 "\n"
				     "remote:\n  - id: plain\n    address: %s\n    via: %s\n"
				     "  - id: keyed\n    address: %s\n    via: %s\n    key: partner\n"
				     "template:\n  - id: default\n    storage: \"%s/knotd\"\n    journal-content: none\nzone:\n",
				     SECONDARY, dir, dir, dir, OURS, SECONDARY, OURS, SECONDARY, dir);
	for (size_t i = 0; i < COUNT(transferred); i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "  - domain: %s\n    master: %s\n", transferred[i][0],
				       transferred[i][1][0] == '\0' ? "plain" : "keyed");
	}
	harness_write(dir, "knotd.conf", text);
	harness_write(dir, "knotd/empty", "");
}

static void configure_named(void)
{
	char text[4096];
	const char *dir = appliance.dir;
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "options {\n  directory \"%s/named\";\n  listen-on { %s; };\n  listen-on-v6 { none; };\n"
				     "  pid-file \"pid\";\n  session-keyfile \"session\";\n  recursion no;\n"
				     "  dnssec-validation no;\n  transfer-source %s;\n  notify no;\n};\ncontrols { };\n"
				     "key partner { algorithm hmac-sha256; secret \"" SECRET_BASE64 "\"; };\n",
				     dir, SECONDARY, SECONDARY);
	for (size_t i = 0; i < COUNT(transferred); i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "zone \"%s\" { type secondary; primaries { %s %s%s; }; file \"%s\"; };\n", transferred[i][0],
				       OURS, transferred[i][1][0] == '\0' ? "" : "key ", transferred[i][1],
				       transferred[i][0]);
	}
	harness_write(dir, "named.conf", text);
	harness_write(dir, "named/empty", "");
}

static const struct secondary secondaries[] = {
	{ "nsd", "-dc", configure_nsd },
	{ "knotd", "-c", configure_knot },
	{ "named", "-gc", configure_named },
};

/* The serial that a server has of a zone; false: it has none now. */
static bool serial_at(const char *server, const char *zone, uint32_t *serial)
{
	struct ask ask = { .server = server, .source = FRIEND, .name = zone, .type = RR_SOA, .timeout_ms = 300 };
	const struct reply *reply = client_ask(&ask);
	if (!reply->received || reply->error != BH_OK || reply->message.rcode != RCODE_NOERROR ||
	    reply->message.rr_count == 0) {
		return false;
	}
	const uint8_t *rdata = reply->message.rrs[0].rdata;
	size_t at = dname_len(rdata);
	*serial = get_u32(rdata + at + dname_len(rdata + at));
	return true;
}

/* Servers that take a zone over may be silent or without it for a moment, so they are asked until it is there. */
static bool has_zone(void *ctx)
{
	uint32_t ours;
	uint32_t theirs;
	return serial_at(OURS, ctx, &ours) && serial_at(SECONDARY, ctx, &theirs) && theirs == ours;
}

static bool has_last_name(void *ctx)
{
	struct ask ask = { .server = SECONDARY, .source = FRIEND, .name = ctx, .type = RR_MX, .timeout_ms = 300 };
	const struct reply *reply = client_ask(&ask);
	return reply->received && reply->error == BH_OK && reply->message.rcode == RCODE_NOERROR &&
	       reply->message.rr_count > 0;
}

static void take_over(const struct secondary *s)
{
	char file[64];
	char path[256];
	char log[256];
	if (!harness_has_program(s->program)) {
		fprintf(stderr, "skipped: %s as a secondary: it is not installed\n", s->program);
		return;
	}
	s->configure();
	snprintf(file, sizeof(file), "%s.conf", s->program);
	path_of(file, path);
	snprintf(file, sizeof(file), "%s.log", s->program);
	harness_show(path_of(file, log));
	char *argv[] = { (char *)(uintptr_t)s->program, (char *)(uintptr_t)s->options, path, NULL };
	pid_t pid = harness_spawn(argv, log, NULL);
	for (size_t i = 0; i < COUNT(transferred); i++) {
		const char *zone = transferred[i][0];
		if (!is_signed_with(zone)) {
			continue;
		}
		MUST(harness_until(has_zone, (void *)(uintptr_t)zone, 20000 * harness_slow()), "%s has not our serial of %s",
		     s->program, zone);
	}
	/* The last name of the largest zone came, too. */
	char name[64];
	snprintf(name, sizeof(name), "host-%06u.large.example", LARGE_NAMES - 1);
	MUST(harness_until(has_last_name, name, 5000 * harness_slow()), "%s: no %s", s->program, name);
	kill(pid, SIGTERM);
	MUST(harness_wait(pid, 20000) >= 0, "%s does not end", s->program);
}

Test(transfer, other_servers_take_our_zones)
{
	uint64_t done = 0;
	for (size_t i = 0; i < COUNT(secondaries); i++) {
		take_over(&secondaries[i]);
		MUST(counter("transfers_done") >= done, "counted");
		done = counter("transfers_done");
	}
	MUST(counter("transfers_aborted") == 0, "%llu aborted", (unsigned long long)counter("transfers_aborted"));
}
