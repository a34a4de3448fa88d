/*
 * Routes: who is asked, what is answered, what is kept; against a made-up authority and resolver.
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/route.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINK_AUTHORITY = 1, LINK_RESOLVER = 2, BUDGET = 100 };

/* What a side answers to a question; the first that matches. */
struct script {
	char who; /* 'a' or 'r' */
	const char *name;
	uint16_t type; /* 0: any */
	uint16_t flags;
	uint16_t rcode;
	struct rec recs[6];
	int ede; /* 0: none */
};

struct asked {
	uint64_t token;
	uint32_t link;
	uint8_t kind;
	uint16_t budget;
	uint8_t dns[512];
	size_t len;
};

static struct world {
	struct route route;
	struct stats_page page;
	struct stats_page *stats;
	struct asked asks[256]; /* not answered yet */
	unsigned ask_count;
	char log[8192]; /* "a:name r:name" of everything asked */
	int ask_rc;
	struct {
		uint16_t id;
		uint8_t wire[DNS_MESSAGE_MAX];
		size_t len;
		bool internal;
	} got[128];
	unsigned got_count;
	struct job *links[3];
	uint64_t now_ms;
	bool proven; /* who asks next */
} w;

static int fake_ask(void *ctx, const struct route_ask *ask)
{
	char text[DNAME_TEXT_MAX];
	cr_assert_eq(ctx, &w);
	if (w.ask_rc != BH_OK) {
		return w.ask_rc;
	}
	size_t used = strlen(w.log);
	dname_text(ask->name, text);
	text[strlen(text) - 1] = '\0';
	snprintf(w.log + used, sizeof(w.log) - used, "%s%c:%s", used == 0 ? "" : " ", ask->authority ? 'a' : 'r',
		 text);
	struct asked *a = &w.asks[w.ask_count++];
	a->kind = ask->message.kind;
	a->token = ask->message.token;
	a->link = ask->authority ? LINK_AUTHORITY : LINK_RESOLVER;
	a->budget = ask->message.budget;
	a->len = ask->message.dns_len;
	memcpy(a->dns, ask->message.dns, a->len);
	ask->job->link_id = a->link;
	job_link(ask->job, &w.links[a->link]);
	return BH_OK;
}

static void fake_answer(void *ctx, const struct origin *origin, const struct reply_to *to,
			const struct answer *answer, uint32_t age_sec, bool internal)
{
	bool tc;
	(void)ctx;
	(void)origin;
	w.got[w.got_count].id = to->id;
	w.got[w.got_count].internal = internal;
	w.got[w.got_count].len = reply_answer(to, answer, age_sec, w.got[w.got_count].wire, &tc);
	w.got_count++;
}

static void fake_refuse(void *ctx, const struct origin *origin, const struct reply_to *to,
			const struct refusal *refusal)
{
	(void)ctx;
	(void)origin;
	w.got[w.got_count].id = to->id;
	w.got[w.got_count].internal = false;
	w.got[w.got_count].len =
		reply_error(to, refusal->rcode, refusal->ede, refusal->text, w.got[w.got_count].wire);
	w.got_count++;
}

static const struct route_ops ops = { .ask = fake_ask, .answer = fake_answer, .refuse = fake_refuse };

static void setup(void)
{
	static const struct {
		const char *name;
		unsigned flags;
	} entries[] = {
		{ "corp.example", SPLIT_ZONE },
		{ "lab.corp.example", SPLIT_STUB },
		{ "example.com", SPLIT_ZONE | SPLIT_OVERLAY },
		{ "allowed.test", SPLIT_REBIND },
		{ "consul", SPLIT_STUB },
	};
	memset(&w, 0, sizeof(w));
	w.stats = &w.page;
	w.now_ms = 1000000;
	w.route.split = split_new();
	w.route.cache = cache_new(1 << 20);
	w.route.pending = pending_new();
	w.route.stats = &w.stats;
	w.route.ops = &ops;
	w.route.ctx = &w;
	w.route.budget = BUDGET;
	w.route.patience_ms = JOB_DEADLINE_MS;
	pending_limits(w.route.pending, &(struct pending_bounds){ 100, 70, 50 });
	cr_assert_eq(route_init(&w.route), BH_OK);
	for (size_t i = 0; i < COUNT(entries); i++) {
		cr_assert_eq(split_add(w.route.split, name(entries[i].name), entries[i].flags), BH_OK);
	}
}

static void teardown(void)
{
	cr_assert_eq(pending_count(w.route.pending), 0, "nobody waits for ever");
	pending_free(w.route.pending);
	cache_free(w.route.cache);
	split_free(w.route.split);
	route_clear(&w.route);
}

TestSuite(route, .init = setup, .fini = teardown);

static void query_from(const char *client, uint16_t id, const char *qname, uint16_t type, uint16_t flags,
		       bool do_bit)
{
	uint8_t wire[512];
	struct query q;
	struct origin origin = { 0 };
	size_t len = make_query(wire, id, qname, type, flags, 1232, do_bit);
	cr_assert_eq(query_parse(wire, len, &q), QUERY_OK);
	cr_assert_eq(addr_parse(client, 0, &origin.client), BH_OK);
	origin.proven = w.proven;
	struct reply_to to;
	reply_to_init(&to, &q, true);
	route_query(&w.route, &q, &origin, &to, w.now_ms);
}

static void query(const char *qname, uint16_t type)
{
	query_from("192.0.2.99", 77, qname, type, FLAG_RD, false);
}

static struct asked take_ask(void)
{
	cr_assert_gt(w.ask_count, 0, "nothing was asked");
	struct asked a = w.asks[0];
	memmove(w.asks, w.asks + 1, --w.ask_count * sizeof(w.asks[0]));
	return a;
}

static void reply_raw(const struct asked *a, const uint8_t *dns, size_t len)
{
	struct qlink_message m = { .token = a->token, .kind = QLINK_REPLY, .budget = (uint16_t)(a->budget < 2 ? 0 : a->budget - 2),
				   .dns = dns, .dns_len = len };
	route_reply(&w.route, a->link, &m, w.now_ms);
}

static void reply_with(const struct asked *a, uint16_t flags, uint16_t rcode, const struct rec *recs, int ede)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	size_t len = make_reply(wire, a->dns, a->len, flags, rcode, recs, true, ede, ede >= 0 ? "text" : NULL);
	reply_raw(a, wire, len);
}

/* Answer everything that is asked from the scripts; what is in none of them is SERVFAIL. */
static void play(const struct script *scripts)
{
	while (w.ask_count > 0) {
		struct asked a = take_ask();
		struct query q;
		cr_assert_eq(query_parse(a.dns, a.len, &q), QUERY_OK);
		const struct script *s = scripts;
		while (s->who != 0 && (s->who != (a.link == LINK_AUTHORITY ? 'a' : 'r') ||
				       (s->type != 0 && s->type != q.qtype) || !dname_equal(name(s->name), q.qname))) {
			s++;
		}
		if (s->who == 0) {
			reply_with(&a, 0, RCODE_SERVFAIL, NULL, EDE_NO_REACHABLE_AUTHORITY);
		} else {
			reply_with(&a, s->flags, s->rcode, s->recs, s->ede == 0 ? EDE_NONE : s->ede);
		}
	}
}

static const struct message *answer_of(unsigned i)
{
	cr_assert_lt(i, w.got_count, "not answered");
	return parse(w.got[i].wire, w.got[i].len);
}

#define AA FLAG_AA
#define INSIDE_SOA { AU, "corp.example", RR_SOA, 60, "30" }
#define OVERLAY_SOA { AU, "example.com", RR_SOA, 60, "30" }
#define PUBLIC_SOA { AU, "test", RR_SOA, 60, "30" }

static const struct flow {
	const char *what;
	const char *qname;
	uint16_t type;
	uint16_t rcode;
	const char *asked;
	const char *answer;
	const char *authority;
	bool aa;
	bool cached; /* the same question again asks nobody */
	int ede;     /* 0: none */
	struct script scripts[8];
} flows[] = {
	{ "internal name", "www.corp.example", RR_A, RCODE_NOERROR, "a:www.corp.example",
	  "www.corp.example. A 60 10.0.0.1", "", true, false, 0,
	  { { 'a', "www.corp.example", RR_A, AA, 0, { { AN, "www.corp.example", RR_A, 60, "10.0.0.1" } } } } },
	{ "internal, not there", "no.corp.example", RR_A, RCODE_NXDOMAIN, "a:no.corp.example", "",
	  "corp.example. SOA 60 30", true, false, 0, { { 'a', "no.corp.example", 0, AA, 3, { INSIDE_SOA } } } },
	{ "public name", "a.test", RR_A, RCODE_NOERROR, "r:a.test", "a.test. A 60 192.0.2.1", "", false, true, 0,
	  { { 'r', "a.test", RR_A, AA, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } } } },
	{ "public, not there", "no.test", RR_A, RCODE_NXDOMAIN, "r:no.test", "", "test. SOA 60 30", false, true, 0,
	  { { 'r', "no.test", 0, 0, 3, { PUBLIC_SOA } } } },
	{ "public, failing", "bad.test", RR_A, RCODE_SERVFAIL, "r:bad.test", "", "", false, false,
	  EDE_NO_REACHABLE_AUTHORITY, { { 0 } } },
	{ "public, refused", "bad.test", RR_A, RCODE_SERVFAIL, "r:bad.test", "", "", false, false, EDE_PROHIBITED,
	  { { 'r', "bad.test", 0, 0, RCODE_REFUSED, { { 0 } }, EDE_PROHIBITED } } },
	{ "public, TTL 0", "a.test", RR_A, RCODE_NOERROR, "r:a.test", "a.test. A 0 192.0.2.1", "", false, false, 0,
	  { { 'r', "a.test", RR_A, 0, 0, { { AN, "a.test", RR_A, 0, "192.0.2.1" } } } } },
	{ "stub below an internal zone", "x.lab.corp.example", RR_A, RCODE_NOERROR, "r:x.lab.corp.example",
	  "x.lab.corp.example. A 60 10.9.0.1", "", false, false, 0,
	  { { 'r', "x.lab.corp.example", 0, 0, 0, { { AN, "x.lab.corp.example", RR_A, 60, "10.9.0.1" } } } } },
	{ "stub of its own", "x.consul", RR_A, RCODE_NOERROR, "r:x.consul", "x.consul. A 60 10.9.0.1", "", false,
	  true, 0, { { 'r', "x.consul", 0, 0, 0, { { AN, "x.consul", RR_A, 60, "10.9.0.1" } } } } },
	{ "DS of an internal apex stays inside", "corp.example", RR_DS, RCODE_NOERROR, "a:corp.example", "",
	  "corp.example. SOA 60 30", true, false, 0, { { 'a', "corp.example", 0, AA, 0, { INSIDE_SOA } } } },

	/* aliases into stub zones: a stranger's is not taken over, whatever the resolver found behind it */
	{ "stranger's alias into a stub", "a.test", RR_A, RCODE_NOERROR, "r:a.test",
	  "a.test. CNAME 60 x.lab.corp.example.", "", false, false, 0,
	  { { 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_CNAME, 60, "x.lab.corp.example" },
					{ AN, "x.lab.corp.example", RR_A, 60, "10.9.0.1" } } } } },
	{ "stranger's alias into a stub of its own", "a.test", RR_A, RCODE_NOERROR, "r:a.test",
	  "a.test. CNAME 60 b.test.; b.test. CNAME 60 x.consul.", "", false, false, 0,
	  { { 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_CNAME, 60, "b.test" },
					{ AN, "b.test", RR_CNAME, 60, "x.consul" },
					{ AN, "x.consul", RR_A, 60, "10.9.0.1" } } } } },
	{ "alias into a stub that is allowed", "a.allowed.test", RR_A, RCODE_NOERROR, "r:a.allowed.test",
	  "a.allowed.test. CNAME 60 x.consul.; x.consul. A 60 10.9.0.1", "", false, true, 0,
	  { { 'r', "a.allowed.test", 0, 0, 0, { { AN, "a.allowed.test", RR_CNAME, 60, "x.consul" },
						{ AN, "x.consul", RR_A, 60, "10.9.0.1" } } } } },
	{ "alias from stub to stub", "a.consul", RR_A, RCODE_NOERROR, "r:a.consul",
	  "a.consul. CNAME 60 x.lab.corp.example.; x.lab.corp.example. A 60 10.9.0.1", "", false, true, 0,
	  { { 'r', "a.consul", 0, 0, 0, { { AN, "a.consul", RR_CNAME, 60, "x.lab.corp.example" },
					  { AN, "x.lab.corp.example", RR_A, 60, "10.9.0.1" } } } } },
	{ "internal alias into a stub", "in.corp.example", RR_A, RCODE_NOERROR, "a:in.corp.example r:x.consul",
	  "in.corp.example. CNAME 60 x.consul.; x.consul. A 60 10.9.0.1", "", true, false, 0,
	  { { 'a', "in.corp.example", 0, AA, 0, { { AN, "in.corp.example", RR_CNAME, 60, "x.consul" } } },
	    { 'r', "x.consul", 0, 0, 0, { { AN, "x.consul", RR_A, 60, "10.9.0.1" } } } } },

	{ "the alias itself is asked for, and a DNAME made it", "x.a.test", RR_CNAME, RCODE_NOERROR, "r:x.a.test",
	  "a.test. DNAME 60 b.test.; x.a.test. CNAME 60 x.b.test.", "", false, true, 0,
	  { { 'r', "x.a.test", 0, 0, 0, { { AN, "a.test", RR_DNAME, 60, "b.test" },
					  { AN, "x.a.test", RR_CNAME, 60, "x.b.test" },
					  { AN, "test", RR_TXT, 60, "junk" } } } } },
	{ "a DNAME above an answer that is no alias is not part of it", "x.a.test", RR_A, RCODE_NOERROR, "r:x.a.test",
	  "x.a.test. A 60 192.0.2.1", "", false, true, 0,
	  { { 'r', "x.a.test", 0, 0, 0, { { AN, "a.test", RR_DNAME, 60, "b.test" },
					  { AN, "x.a.test", RR_A, 60, "192.0.2.1" } } } } },

	/* aliases out of the inside */
	{ "internal alias to public", "out.corp.example", RR_A, RCODE_NOERROR, "a:out.corp.example r:a.test",
	  "out.corp.example. CNAME 60 a.test.; a.test. A 60 192.0.2.1", "", true, false, 0,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "a.test" } } },
	    { 'r', "a.test", RR_A, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } } } },
	{ "internal alias to nothing public", "out.corp.example", RR_A, RCODE_NXDOMAIN,
	  "a:out.corp.example r:no.test", "out.corp.example. CNAME 60 no.test.", "test. SOA 60 30", true, false, 0,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "no.test" } } },
	    { 'r', "no.test", RR_A, 0, 3, { PUBLIC_SOA } } } },
	{ "internal alias, public failing", "out.corp.example", RR_A, RCODE_SERVFAIL,
	  "a:out.corp.example r:a.test", "", "", false, false, EDE_NO_REACHABLE_AUTHORITY,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "a.test" } } } } },
	{ "internal alias into a stub, whatever the authority thinks it knows", "s.corp.example", RR_A,
	  RCODE_NOERROR, "a:s.corp.example r:x.lab.corp.example",
	  "s.corp.example. CNAME 60 x.lab.corp.example.; x.lab.corp.example. A 9 10.9.0.1", "", true, false, 0,
	  { { 'a', "s.corp.example", 0, AA, 0, { { AN, "s.corp.example", RR_CNAME, 60, "x.lab.corp.example" },
						  { AN, "x.lab.corp.example", RR_A, 60, "10.66.6.6" } } },
	    { 'r', "x.lab.corp.example", 0, 0, 0, { { AN, "x.lab.corp.example", RR_A, 9, "10.9.0.1" } } } } },
	{ "internal chain inside is one question", "one.corp.example", RR_A, RCODE_NOERROR, "a:one.corp.example",
	  "one.corp.example. CNAME 60 two.corp.example.; two.corp.example. A 60 10.0.0.2", "", true, false, 0,
	  { { 'a', "one.corp.example", 0, AA, 0, { { AN, "one.corp.example", RR_CNAME, 60, "two.corp.example" },
						    { AN, "two.corp.example", RR_A, 60, "10.0.0.2" } } } } },
	{ "the alias itself was asked", "out.corp.example", RR_CNAME, RCODE_NOERROR, "a:out.corp.example",
	  "out.corp.example. CNAME 60 a.test.", "", true, false, 0,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "a.test" } } } } },
	{ "internal DNAME out", "x.old.corp.example", RR_A, RCODE_NOERROR, "a:x.old.corp.example r:x.new.test",
	  "old.corp.example. DNAME 60 new.test.; x.old.corp.example. CNAME 60 x.new.test.; "
	  "x.new.test. A 60 192.0.2.1", "", true, false, 0,
	  { { 'a', "x.old.corp.example", 0, AA, 0, { { AN, "old.corp.example", RR_DNAME, 60, "new.test" },
						      { AN, "x.old.corp.example", RR_CNAME, 60, "x.new.test" } } },
	    { 'r', "x.new.test", RR_A, 0, 0, { { AN, "x.new.test", RR_A, 60, "192.0.2.1" } } } } },

	/* referrals */
	{ "delegated inside without a stub", "x.sub.corp.example", RR_A, RCODE_SERVFAIL, "a:x.sub.corp.example",
	  "", "", false, false, EDE_NO_REACHABLE_AUTHORITY,
	  { { 'a', "x.sub.corp.example", 0, 0, 0, { { AU, "sub.corp.example", RR_NS, 60, "ns.sub.corp.example" },
						     { AD, "ns.sub.corp.example", RR_A, 60, "10.1.1.1" } } } } },

	/* overlay */
	{ "overlay: inside has it", "www.example.com", RR_A, RCODE_NOERROR, "a:www.example.com",
	  "www.example.com. A 60 10.0.0.3", "", true, false, 0,
	  { { 'a', "www.example.com", RR_A, AA, 0, { { AN, "www.example.com", RR_A, 60, "10.0.0.3" } } } } },
	{ "overlay: only public has it", "shop.example.com", RR_A, RCODE_NOERROR,
	  "a:shop.example.com r:shop.example.com", "shop.example.com. A 60 192.0.2.7", "", false, false, 0,
	  { { 'a', "shop.example.com", 0, AA, 3, { OVERLAY_SOA } },
	    { 'r', "shop.example.com", 0, 0, 0, { { AN, "shop.example.com", RR_A, 60, "192.0.2.7" } } } } },
	{ "overlay: another type is in public", "www.example.com", RR_TXT, RCODE_NOERROR,
	  "a:www.example.com r:www.example.com", "www.example.com. TXT 60 hello", "", false, false, 0,
	  { { 'a', "www.example.com", RR_TXT, AA, 0, { OVERLAY_SOA } },
	    { 'r', "www.example.com", RR_TXT, 0, 0, { { AN, "www.example.com", RR_TXT, 60, "hello" } } } } },
	{ "overlay: nowhere", "no.example.com", RR_A, RCODE_NXDOMAIN, "a:no.example.com r:no.example.com", "",
	  "example.com. SOA 900 10", false, false, 0,
	  { { 'a', "no.example.com", 0, AA, 3, { OVERLAY_SOA } },
	    { 'r', "no.example.com", 0, 0, 3, { { AU, "example.com", RR_SOA, 900, "10" } } } } },
	{ "overlay: the name is inside, the type nowhere, and public knows no such name", "www.example.com",
	  RR_AAAA, RCODE_NOERROR, "a:www.example.com r:www.example.com", "", "example.com. SOA 60 30", false,
	  false, 0,
	  { { 'a', "www.example.com", RR_AAAA, AA, 0, { OVERLAY_SOA } },
	    { 'r', "www.example.com", 0, 0, 3, { { AU, "example.com", RR_SOA, 900, "10" } } } } },
	{ "overlay: public fails", "shop.example.com", RR_A, RCODE_SERVFAIL,
	  "a:shop.example.com r:shop.example.com", "", "", false, false, EDE_NO_REACHABLE_AUTHORITY,
	  { { 'a', "shop.example.com", 0, AA, 3, { OVERLAY_SOA } } } },
	{ "overlay: the inside fails", "shop.example.com", RR_A, RCODE_SERVFAIL, "a:shop.example.com", "", "",
	  false, false, EDE_NOT_READY,
	  { { 'a', "shop.example.com", 0, 0, RCODE_SERVFAIL, { { 0 } }, EDE_NOT_READY } } },
	{ "overlay: public alias to a name that is inside", "shop.example.com", RR_A, RCODE_NOERROR,
	  "a:shop.example.com r:shop.example.com a:www.example.com",
	  "shop.example.com. CNAME 60 www.example.com.; www.example.com. A 60 10.0.0.3", "", false, false, 0,
	  { { 'a', "shop.example.com", 0, AA, 3, { OVERLAY_SOA } },
	    { 'r', "shop.example.com", 0, 0, 0, { { AN, "shop.example.com", RR_CNAME, 60, "www.example.com" },
						   { AN, "www.example.com", RR_A, 60, "192.0.2.80" } } },
	    { 'a', "www.example.com", RR_A, AA, 0, { { AN, "www.example.com", RR_A, 60, "10.0.0.3" } } } } },
	{ "overlay: internal alias to a name that only public has", "a.example.com", RR_A, RCODE_NOERROR,
	  "a:a.example.com r:shop.example.com",
	  "a.example.com. CNAME 60 shop.example.com.; shop.example.com. A 60 192.0.2.7", "", true, false, 0,
	  { { 'a', "a.example.com", 0, AA, 3, { { AN, "a.example.com", RR_CNAME, 60, "shop.example.com" },
						 OVERLAY_SOA } },
	    { 'r', "shop.example.com", 0, 0, 0, { { AN, "shop.example.com", RR_A, 60, "192.0.2.7" } } } } },
	{ "corp alias to an overlay name that only public has", "b.corp.example", RR_A, RCODE_NOERROR,
	  "a:b.corp.example r:shop.example.com",
	  "b.corp.example. CNAME 60 shop.example.com.; shop.example.com. A 60 192.0.2.7", "", true, false, 0,
	  { { 'a', "b.corp.example", 0, AA, 3, { { AN, "b.corp.example", RR_CNAME, 60, "shop.example.com" },
						  OVERLAY_SOA } },
	    { 'r', "shop.example.com", 0, 0, 0, { { AN, "shop.example.com", RR_A, 60, "192.0.2.7" } } } } },

	/* public aliases that point inside */
	{ "rebind-allow: followed inside, not cached", "x.allowed.test", RR_A, RCODE_NOERROR,
	  "r:x.allowed.test a:www.corp.example",
	  "x.allowed.test. CNAME 60 www.corp.example.; www.corp.example. A 60 10.0.0.1", "", false, false, 0,
	  { { 'r', "x.allowed.test", 0, 0, 3, { { AN, "x.allowed.test", RR_CNAME, 60, "www.corp.example" },
						 { AU, "example", RR_SOA, 60, "60" } } },
	    { 'a', "www.corp.example", RR_A, AA, 0, { { AN, "www.corp.example", RR_A, 60, "10.0.0.1" } } } } },
	{ "rebind-allow: even when the rest failed in public", "x.allowed.test", RR_A, RCODE_NOERROR,
	  "r:x.allowed.test a:www.corp.example",
	  "x.allowed.test. CNAME 60 www.corp.example.; www.corp.example. A 60 10.0.0.1", "", false, false, 0,
	  { { 'r', "x.allowed.test", 0, 0, RCODE_SERVFAIL,
	      { { AN, "x.allowed.test", RR_CNAME, 60, "www.corp.example" } } },
	    { 'a', "www.corp.example", RR_A, AA, 0, { { AN, "www.corp.example", RR_A, 60, "10.0.0.1" } } } } },
	{ "a stranger's alias stays as public has it", "evil.test", RR_A, RCODE_NXDOMAIN, "r:evil.test",
	  "evil.test. CNAME 60 www.corp.example.", "example. SOA 60 60", false, true, 0,
	  { { 'r', "evil.test", 0, 0, 3, { { AN, "evil.test", RR_CNAME, 60, "www.corp.example" },
					    { AU, "example", RR_SOA, 60, "60" } } } } },
	{ "a stranger's alias by way of ours", "evil.test", RR_A, RCODE_NOERROR, "r:evil.test",
	  "evil.test. CNAME 60 y.allowed.test.; y.allowed.test. CNAME 60 www.corp.example.; "
	  "www.corp.example. A 60 192.0.2.66", "", false, true, 0,
	  { { 'r', "evil.test", 0, 0, 0, { { AN, "evil.test", RR_CNAME, 60, "y.allowed.test" },
					    { AN, "y.allowed.test", RR_CNAME, 60, "www.corp.example" },
					    { AN, "www.corp.example", RR_A, 60, "192.0.2.66" } } } } },
	{ "an internal alias by way of a stranger", "out.corp.example", RR_A, RCODE_NOERROR,
	  "a:out.corp.example r:evil.test",
	  "out.corp.example. CNAME 60 evil.test.; evil.test. CNAME 60 www.corp.example.; "
	  "www.corp.example. A 60 192.0.2.66", "", true, false, 0,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "evil.test" } } },
	    { 'r', "evil.test", 0, 0, 0, { { AN, "evil.test", RR_CNAME, 60, "www.corp.example" },
					    { AN, "www.corp.example", RR_A, 60, "192.0.2.66" } } } } },
	{ "there and back again", "out.corp.example", RR_A, RCODE_NOERROR,
	  "a:out.corp.example r:x.allowed.test a:www.corp.example",
	  "out.corp.example. CNAME 60 x.allowed.test.; x.allowed.test. CNAME 60 www.corp.example.; "
	  "www.corp.example. A 60 10.0.0.1", "", true, false, 0,
	  { { 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "x.allowed.test" } } },
	    { 'r', "x.allowed.test", 0, 0, 0, { { AN, "x.allowed.test", RR_CNAME, 60, "www.corp.example" } } },
	    { 'a', "www.corp.example", RR_A, AA, 0, { { AN, "www.corp.example", RR_A, 60, "10.0.0.1" } } } } },

	/* what is not part of the answer is left out */
	{ "records nobody asked for", "a.test", RR_A, RCODE_NOERROR, "r:a.test", "a.test. A 60 192.0.2.1", "",
	  false, true, 0,
	  { { 'r', "a.test", RR_A, 0, 0, { { AN, "bank.test", RR_A, 60, "192.0.2.66" },
					    { AN, "a.test", RR_A, 60, "192.0.2.1" },
					    { AN, "a.test", RR_TXT, 60, "more" },
					    { AN, "www.corp.example", RR_A, 60, "192.0.2.66" } } } } },
};

Test(route, flows)
{
	for (size_t i = 0; i < COUNT(flows); i++) {
		const struct flow *f = &flows[i];
		teardown();
		setup();
		for (unsigned round = 0; round < 2; round++) {
			w.log[0] = '\0';
			query(f->qname, f->type);
			play(f->scripts);
			cr_assert_eq(w.got_count, round + 1, "%s: one answer to each query", f->what);
			const struct message *m = answer_of(round);
			if (round == 0) {
				cr_assert_str_eq(w.log, f->asked, "%s: asked %s", f->what, w.log);
			} else { /* public parts may come from the cache, the first question not */
				cr_assert_eq(w.log[0] == '\0', f->cached, "%s: asked %s", f->what, w.log);
			}
			cr_assert_eq(m->rcode, f->rcode, "%s: %u", f->what, m->rcode);
			cr_assert_str_eq(section_text(m, AN), f->answer, "%s: %s", f->what, section_text(m, AN));
			cr_assert_str_eq(section_text(m, AU), f->authority, "%s: %s", f->what,
					 section_text(m, AU));
			cr_assert_eq((m->flags & FLAG_AA) != 0, f->aa, "%s: AA", f->what);
			cr_assert_eq(m->ede, f->ede == 0 ? EDE_NONE : f->ede, "%s: EDE %d", f->what, m->ede);
			cr_assert_eq(m->flags & (FLAG_RA | FLAG_RD | FLAG_AD), FLAG_RA | FLAG_RD, "%s", f->what);
		}
		cr_assert_eq(cache_flush_zone(w.route.cache, name("corp.example")), 0, "%s", f->what);
		cr_assert_eq(cache_flush_zone(w.route.cache, name("example.com")), 0, "%s", f->what);
	}
}

Test(route, public_parts_of_an_internal_answer_are_cached_alone)
{
	static const struct script scripts[] = {
		{ 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "a.test" } } },
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } },
		{ 0 },
	};
	query("out.corp.example", RR_A);
	play(scripts);
	query("a.test", RR_A);
	cr_assert_str_eq(w.log, "a:out.corp.example r:a.test", "a.test was cached");
	cr_assert_str_eq(section_text(answer_of(1), AN), "a.test. A 60 192.0.2.1");
	w.now_ms += 10000;
	query("out.corp.example", RR_A);
	play(scripts);
	cr_assert_str_eq(w.log, "a:out.corp.example r:a.test a:out.corp.example", "the rest from the cache");
	cr_assert_str_eq(section_text(answer_of(2), AN),
			 "out.corp.example. CNAME 60 a.test.; a.test. A 50 192.0.2.1");
	cr_assert(w.got[2].internal);
	cr_assert_not(w.got[1].internal);
	cr_assert_eq(cache_entries(w.route.cache), 1);
}

Test(route, ttl_falls_and_ends)
{
	static const struct script scripts[] = {
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } }, { 0 }
	};
	query("a.test", RR_A);
	play(scripts);
	w.now_ms += 59000;
	query("A.test", RR_A);
	cr_assert_str_eq(section_text(answer_of(1), AN), "A.test. A 1 192.0.2.1");
	w.now_ms += 1000;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 1, "expired: asked again");
	play(scripts);
	cr_assert_eq(w.page.counters[STAT_FRONT_CACHE_HITS], 1);
	cr_assert_eq(w.page.counters[STAT_FRONT_CACHE_MISSES], 2);
}

static const struct rec *signed_records(void)
{
	static const struct rec records[] = { { AN, "a.test", RR_A, 60, "192.0.2.1" },
					      { AN, "a.test", RR_RRSIG, 60, "1" }, { 0 } };
	return records;
}

static unsigned asks_of(uint16_t id, uint16_t flags, bool do_bit, bool is_signed)
{
	unsigned before = w.ask_count;
	query_from("192.0.2.99", id, "a.test", RR_A, flags, do_bit);
	unsigned asked = w.ask_count - before;
	while (w.ask_count > 0) {
		struct asked a = take_ask();
		static const struct rec plain[] = { { AN, "a.test", RR_A, 60, "192.0.2.1" }, { 0 } };
		reply_with(&a, FLAG_AD, 0, is_signed ? signed_records() : plain, EDE_NONE);
	}
	return asked;
}

/* RFC 4035 3.2.1: signatures for those who set DO; one question serves both, and one answer if there are none. */
Test(route, clients_with_and_without_do_share_questions)
{
	struct query q;
	query_from("192.0.2.99", 1, "a.test", RR_A, FLAG_RD, false);
	query_from("192.0.2.98", 2, "a.test", RR_A, FLAG_RD, true);
	query_from("192.0.2.97", 3, "a.test", RR_A, FLAG_RD, false);
	cr_assert_eq(w.ask_count, 1);
	struct asked a = take_ask();
	cr_assert_eq(query_parse(a.dns, a.len, &q), QUERY_OK);
	cr_assert(q.edns.do_bit, "always asked with DO");
	cr_assert_eq(q.edns.udp_size, 65535);
	reply_with(&a, 0, 0, signed_records(), EDE_NONE);
	cr_assert_eq(w.got_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		bool do_bit = w.got[i].id == 2;
		cr_assert_str_eq(section_text(answer_of(i), AN),
				 do_bit ? "a.test. A 60 192.0.2.1; a.test. RRSIG 60 1" : "a.test. A 60 192.0.2.1");
		cr_assert_eq(answer_of(i)->do_bit, do_bit, "RFC 3225 3");
	}
	cr_assert_eq(cache_entries(w.route.cache), 2, "one of each form");
	w.now_ms += 10000;
	cr_assert_eq(asks_of(4, FLAG_RD, false, true), 0);
	cr_assert_str_eq(section_text(answer_of(3), AN), "a.test. A 50 192.0.2.1");
	cr_assert_eq(asks_of(5, FLAG_RD, true, true), 0);
	cr_assert_str_eq(section_text(answer_of(4), AN), "a.test. A 50 192.0.2.1; a.test. RRSIG 50 1");
}

Test(route, the_shorter_form_is_made_from_the_longer_one)
{
	cr_assert_eq(asks_of(1, FLAG_RD, true, true), 1);
	cr_assert_eq(cache_entries(w.route.cache), 1);
	w.now_ms += 10000;
	for (uint16_t i = 2; i < 4; i++) {
		cr_assert_eq(asks_of(i, FLAG_RD | FLAG_AD, false, true), 0);
		cr_assert_str_eq(section_text(answer_of(i - 1u), AN), "a.test. A 50 192.0.2.1");
		cr_assert_neq(answer_of(i - 1u)->flags & FLAG_AD, 0, "AD lives on");
		cr_assert_eq(cache_entries(w.route.cache), 2);
	}
	w.now_ms += 50000;
	cr_assert_eq(asks_of(4, FLAG_RD, false, true), 1, "and dies with it");
	/* The other way round there is nothing to make it from. */
	cr_assert_eq(asks_of(5, FLAG_RD, true, true), 1);
	cr_assert_eq(cache_entries(w.route.cache), 2);
}

Test(route, an_unsigned_answer_is_kept_once)
{
	cr_assert_eq(asks_of(1, FLAG_RD, false, false), 1);
	cr_assert_eq(asks_of(2, FLAG_RD, true, false), 0);
	cr_assert_eq(cache_entries(w.route.cache), 1);
	cr_assert_str_eq(section_text(answer_of(1), AN), "a.test. A 60 192.0.2.1");
	cr_assert(answer_of(1)->do_bit);
}

/* RFC 4035 3.2.2: what was not checked for one client is not for another. */
Test(route, cd_is_told_and_kept_apart)
{
	struct query q;
	query_from("192.0.2.99", 1, "a.test", RR_A, FLAG_RD | FLAG_CD, true);
	query_from("192.0.2.99", 2, "a.test", RR_A, FLAG_RD, true);
	cr_assert_eq(w.ask_count, 2, "nor do they wait together");
	for (unsigned i = 0; i < 2; i++) {
		struct asked a = take_ask();
		cr_assert_eq(query_parse(a.dns, a.len, &q), QUERY_OK);
		cr_assert_eq(q.flags, i == 0 ? FLAG_RD | FLAG_CD : FLAG_RD);
		reply_with(&a, 0, i == 0 ? RCODE_NOERROR : RCODE_SERVFAIL, i == 0 ? signed_records() : NULL,
			   i == 0 ? EDE_NONE : EDE_DNSSEC_BOGUS);
	}
	cr_assert_eq(answer_of(0)->flags & FLAG_CD, FLAG_CD);
	cr_assert_eq(answer_of(1)->flags & (FLAG_CD | FLAG_RCODE), RCODE_SERVFAIL);
	cr_assert_eq(answer_of(1)->ede, EDE_DNSSEC_BOGUS);
	cr_assert_eq(asks_of(3, FLAG_RD | FLAG_CD, true, true), 0, "cached");
	cr_assert_eq(asks_of(4, FLAG_RD | FLAG_CD, false, true), 0, "for both kinds");
	cr_assert_eq(asks_of(5, FLAG_RD, true, true), 1, "but not for others");
	cr_assert_eq(asks_of(6, FLAG_RD, false, true), 0);
}

static const struct ad_case {
	const char *what;
	const char *qname;
	bool secure;
	struct script scripts[5];
} ad_cases[] = {
	{ "the resolver says so", "a.test", true,
	  { { 'r', "a.test", 0, FLAG_AD, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } } } },
	{ "it does not", "a.test", false, { { 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } } } },
	{ "absence", "a.test", true, { { 'r', "a.test", 0, FLAG_AD, 3, { PUBLIC_SOA } } } },
	{ "the authority says so", "a.corp.example", false,
	  { { 'a', "a.corp.example", 0, AA | FLAG_AD, 0, { { AN, "a.corp.example", RR_A, 60, "10.0.0.1" } } } } },
	{ "its alias to secure data", "a.corp.example", false,
	  { { 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_CNAME, 60, "a.test" } } },
	    { 'r', "a.test", 0, FLAG_AD, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } } } },
	{ "a secure alias to inside", "a.allowed.test", false,
	  { { 'r', "a.allowed.test", 0, FLAG_AD, 0, { { AN, "a.allowed.test", RR_CNAME, 60, "a.corp.example" } } },
	    { 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_A, 60, "10.0.0.1" } } } } },
	{ "an overlay's data from public", "a.example.com", true,
	  { { 'a', "a.example.com", 0, AA, 3, { OVERLAY_SOA } },
	    { 'r', "a.example.com", 0, FLAG_AD, 0, { { AN, "a.example.com", RR_A, 60, "192.0.2.1" } } } } },
	{ "an overlay's own absence", "a.example.com", false,
	  { { 'a', "a.example.com", 0, AA, 0, { OVERLAY_SOA } },
	    { 'r', "a.example.com", 0, FLAG_AD, 3, { { AU, "com", RR_SOA, 60, "30" } } } } },
	{ "behind an overlay's alias", "a.example.com", false,
	  { { 'a', "a.example.com", 0, AA, 0, { { AN, "a.example.com", RR_CNAME, 60, "b.example.com" },
						 OVERLAY_SOA } },
	    { 'r', "b.example.com", 0, FLAG_AD, 0, { { AN, "b.example.com", RR_A, 60, "192.0.2.1" } } } } },
	{ "an alias that is not followed", "a.test", false,
	  { { 'r', "a.test", 0, FLAG_AD, 0, { { AN, "a.test", RR_CNAME, 60, "x.consul" },
					       { AN, "x.consul", RR_A, 60, "10.0.0.1" } } } } },
};

/* RFC 6840 5.7, 5.8: AD is for clients that set DO or AD, and only when every piece is secure. */
Test(route, ad_needs_every_piece_and_a_client_that_asks)
{
	static const struct {
		uint16_t flags;
		bool do_bit;
		bool told;
	} clients[] = { { FLAG_RD, false, false }, { FLAG_RD, true, true }, { FLAG_RD | FLAG_AD, false, true },
			{ FLAG_RD | FLAG_AD, true, true } };
	for (size_t i = 0; i < COUNT(ad_cases); i++) {
		const struct ad_case *c = &ad_cases[i];
		teardown();
		setup();
		for (unsigned k = 0; k < 8; k++) { /* twice: the second time what can be comes from the cache */
			query_from("192.0.2.99", (uint16_t)k, c->qname, RR_A, clients[k % 4].flags, clients[k % 4].do_bit);
			play(c->scripts);
			bool ad = (answer_of(k)->flags & FLAG_AD) != 0;
			cr_assert_eq(ad, c->secure && clients[k % 4].told, "%s, client %u", c->what, k);
		}
	}
}

/* A zone that the internal authority serves is what it says, whatever its signed parent proves in public. */
Test(route, internal_zones_do_not_depend_on_a_signed_parent)
{
	static const struct script scripts[] = {
		{ 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_A, 60, "10.0.0.1" } } },
		{ 'a', "corp.example", RR_DS, AA, 0, { INSIDE_SOA } },
		{ 'a', "none.corp.example", 0, AA, 3, { INSIDE_SOA } },
		/* nobody asks: */
		{ 'r', "a.corp.example", 0, FLAG_AD, 3, { { AU, "example", RR_SOA, 60, "30" } } },
		{ 0 },
	};
	for (unsigned k = 0; k < 2; k++) {
		uint16_t flags = k == 0 ? FLAG_RD | FLAG_AD : FLAG_RD | FLAG_CD;
		w.got_count = 0;
		w.log[0] = '\0';
		query_from("192.0.2.99", 1, "a.corp.example", RR_A, flags, true);
		query_from("192.0.2.99", 2, "corp.example", RR_DS, flags, true);
		query_from("192.0.2.99", 3, "none.corp.example", RR_A, flags, true);
		play(scripts);
		cr_assert_str_eq(w.log, "a:a.corp.example a:corp.example a:none.corp.example");
		cr_assert_str_eq(section_text(answer_of(0), AN), "a.corp.example. A 60 10.0.0.1");
		cr_assert_eq(answer_of(1)->rcode, RCODE_NOERROR);
		cr_assert_eq(answer_of(2)->rcode, RCODE_NXDOMAIN);
		for (unsigned i = 0; i < 3; i++) {
			cr_assert_eq(answer_of(i)->flags & (FLAG_AD | FLAG_AA), FLAG_AA);
			cr_assert_eq(answer_of(i)->ede, EDE_NONE);
		}
	}
}

static void reply_ttl(uint32_t ttl, const char *address, uint16_t rcode)
{
	struct asked a = take_ask();
	const struct rec recs[] = { { AN, "a.test", RR_A, ttl, address }, { 0 } };
	reply_with(&a, 0, rcode, rcode == RCODE_NOERROR ? recs : NULL, EDE_NONE);
}

/* In the last tenth of its life an answer that is in use is asked for anew, once, and nobody waits. */
Test(route, refreshes_what_is_in_use)
{
	w.route.prefetch = true;
	query("a.test", RR_A);
	cr_assert_eq(w.asks[0].kind, QLINK_QUERY);
	reply_ttl(100, "192.0.2.1", 0);
	w.now_ms += 89000;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 0, "not yet");
	w.now_ms += 1000;
	query("a.test", RR_A);
	query("a.test", RR_A);
	cr_assert_eq(w.got_count, 4, "nobody waits");
	cr_assert_str_eq(section_text(answer_of(3), AN), "a.test. A 10 192.0.2.1");
	cr_assert_eq(w.ask_count, 1, "once");
	cr_assert_eq(w.asks[0].kind, QLINK_REFRESH);
	cr_assert_eq(w.page.counters[STAT_FRONT_REFRESHES], 1);
	cr_assert_eq(pending_count(w.route.pending), 0);
	reply_ttl(100, "192.0.2.2", 0);
	cr_assert_eq(w.got_count, 4);
	query("a.test", RR_A);
	cr_assert_str_eq(section_text(answer_of(4), AN), "a.test. A 100 192.0.2.2");

	/* A failure takes nothing away; when the answer has died it is asked for in earnest, beside the refresh. */
	w.now_ms += 95000;
	query("a.test", RR_A);
	reply_ttl(0, NULL, RCODE_SERVFAIL);
	query("a.test", RR_A);
	cr_assert_str_eq(section_text(answer_of(6), AN), "a.test. A 5 192.0.2.2");
	cr_assert_eq(w.ask_count, 0);
	w.now_ms += 5000;
	query("a.test", RR_A);
	cr_assert_eq(w.asks[0].kind, QLINK_QUERY);
	reply_ttl(100, "192.0.2.3", 0);

	w.now_ms += 95000;
	query("a.test", RR_A);
	w.now_ms += 5000;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 2, "who waits does not wait for a refresh, which may be refused");
	cr_assert_eq(w.asks[1].kind, QLINK_QUERY);
	play((struct script[]){ { 0 } });

	/* short lives and other settings */
	query("a.test", RR_A);
	reply_ttl(REFRESH_LIFE_MIN - 1, "192.0.2.4", 0);
	w.now_ms += 8500;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 0);
	w.now_ms += 1000;
	w.route.prefetch = false;
	query("a.test", RR_A);
	reply_ttl(100, "192.0.2.4", 0);
	w.now_ms += 95000;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 0);
}

/* No more than a tenth of the table. */
Test(route, refreshes_are_bounded)
{
	char text[32];
	w.route.prefetch = true;
	for (uint16_t i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		query(text, RR_A);
		struct asked a = take_ask();
		const struct rec recs[] = { { AN, text, RR_A, 100, "192.0.2.1" }, { 0 } };
		reply_with(&a, 0, 0, recs, EDE_NONE);
	}
	w.now_ms += 95000;
	for (uint16_t i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		query(text, RR_A);
	}
	cr_assert_eq(w.ask_count, 100 / REFRESH_SHARE);
	cr_assert_eq(w.got_count, 60);
	play((struct script[]){ { 0 } });
	cr_assert(pending_may_refresh(w.route.pending));
}

/* What was asked before a flush is given, but not kept: it may be what was to be forgotten. */
Test(route, answers_in_flight_do_not_survive_a_flush)
{
	w.route.prefetch = true;
	query("a.test", RR_A);
	cr_assert_eq(cache_flush_all(w.route.cache), 0);
	route_flushed(&w.route);
	reply_ttl(100, "192.0.2.1", 0);
	cr_assert_str_eq(section_text(answer_of(0), AN), "a.test. A 100 192.0.2.1");
	cr_assert_eq(cache_entries(w.route.cache), 0);
	query("a.test", RR_A);
	reply_ttl(100, "192.0.2.2", 0);
	cr_assert_eq(cache_entries(w.route.cache), 1, "asked behind it");
	/* a refresh, too */
	w.now_ms += 95000;
	query("a.test", RR_A);
	cr_assert_eq(w.ask_count, 1);
	cr_assert_eq(cache_flush_name(w.route.cache, name("a.test")), 1);
	route_flushed(&w.route);
	reply_ttl(100, "192.0.2.2", 0);
	cr_assert_eq(cache_entries(w.route.cache), 0);
}

Test(route, without_rd)
{
	static const struct script scripts[] = {
		{ 'a', "out.corp.example", 0, AA, 0, { { AN, "out.corp.example", RR_CNAME, 60, "a.test" } } },
		{ 'a', "no.example.com", 0, AA, 3, { OVERLAY_SOA } },
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } },
		{ 0 },
	};
	query("a.test", RR_A);
	play(scripts);
	w.log[0] = '\0';
	query_from("192.0.2.99", 1, "a.test", RR_A, 0, false);
	cr_assert_eq(answer_of(1)->rcode, RCODE_REFUSED, "even when it is cached");
	cr_assert_eq(answer_of(1)->ede, EDE_NOT_AUTHORITATIVE);
	query_from("192.0.2.99", 1, "out.corp.example", RR_A, 0, false);
	query_from("192.0.2.99", 1, "no.example.com", RR_A, 0, false);
	play(scripts);
	cr_assert_str_eq(w.log, "a:out.corp.example a:no.example.com", "nothing is followed");
	cr_assert_str_eq(section_text(answer_of(2), AN), "out.corp.example. CNAME 60 a.test.");
	cr_assert_eq(answer_of(2)->flags & FLAG_RD, 0);
	cr_assert_eq(answer_of(3)->rcode, RCODE_NXDOMAIN);
}

Test(route, identical_questions_are_asked_once)
{
	static const struct script scripts[] = {
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } }, { 0 }
	};
	char client[32];
	for (uint16_t i = 0; i < 40; i++) {
		snprintf(client, sizeof(client), "192.0.2.%u", i % 4);
		query_from(client, i, i % 2 ? "a.test" : "A.tEst", RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.ask_count, 1);
	cr_assert_eq(w.page.counters[STAT_FRONT_COALESCED], 39);
	cr_assert_eq(w.page.counters[STAT_FRONT_PENDING], 40);
	query_from("192.0.2.1", 40, "a.test", RR_AAAA, FLAG_RD, false);
	cr_assert_eq(w.ask_count, 2, "another type is another question");
	play(scripts);
	cr_assert_eq(w.got_count, 41);
	bool seen[41] = { false };
	for (unsigned i = 0; i < 41; i++) {
		uint16_t id = w.got[i].id;
		cr_assert_not(seen[id], "id %u was answered twice", id);
		seen[id] = true;
		if (id < 40) {
			cr_assert_eq(memcmp(w.got[i].wire + 12, name(id % 2 ? "a.test" : "A.tEst"), 8), 0);
		}
	}
	cr_assert_eq(w.page.counters[STAT_FRONT_PENDING], 0);
}

Test(route, bounds_per_client_and_together)
{
	char text[32];
	for (uint16_t i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		query_from("192.0.2.1", i, text, RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.ask_count, 50);
	cr_assert_eq(w.got_count, 10, "the rest is told at once");
	cr_assert_eq(answer_of(9)->rcode, RCODE_SERVFAIL);
	cr_assert_eq(w.page.counters[STAT_FRONT_CLIENT_LIMITED], 10);
	cr_assert_eq(answer_of(9)->ede, EDE_OTHER);
	for (uint16_t i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "m%u.test", i);
		query_from("192.0.2.2", i, text, RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.ask_count, 100);
	query_from("192.0.2.2", 7, "more.test", RR_A, FLAG_RD, false);
	cr_assert_eq(w.got_count, 21, "the table is full, and who has half of it is not let in");
	play((struct script[]){ { 0 } });
	cr_assert_eq(w.got_count, 121);
	query_from("192.0.2.1", 1, "again.test", RR_A, FLAG_RD, false);
	cr_assert_eq(w.ask_count, 1, "and free again");
	play((struct script[]){ { 0 } });
}

/* Who is proven may wait for more, with the same address. */
Test(route, a_proven_client_may_wait_for_more)
{
	char text[32];
	for (uint16_t i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		query_from("192.0.2.1", i, text, RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.got_count, 10);
	w.proven = true;
	for (uint16_t i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "p%u.test", i);
		query_from("192.0.2.1", i, text, RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.got_count, 20);
	cr_assert_eq(w.ask_count, 70);
	play((struct script[]){ { 0 } });
}

/* An IPv6 /64 is one client; a /56 of them gets four times as much. */
Test(route, clients_of_ipv6_are_networks)
{
	static const struct {
		const char *before, *behind;
		unsigned queries, taken;
	} cases[] = {
		{ "2001:db8::", "", 90, 20 },	    /* one /64 */
		{ "2001:db8:0:", "::1", 90, 80 },   /* /64s of one /56, one question each */
		{ "2001:db8:0:", "00::1", 90, 90 }, /* /56s */
		{ "192.0.2.", "", 90, 90 },	    /* IPv4: addresses */
	};
	char text[32];
	char client[64];
	for (size_t i = 0; i < COUNT(cases); i++) {
		teardown();
		setup();
		pending_limits(w.route.pending, &(struct pending_bounds){ 250, 60, 20 });
		for (unsigned n = 0; n < cases[i].queries; n++) {
			snprintf(client, sizeof(client), "%s%u%s", cases[i].before, n + 1, cases[i].behind);
			snprintf(text, sizeof(text), "n%u.test", n);
			query_from(client, (uint16_t)n, text, RR_A, FLAG_RD, false);
		}
		cr_assert_eq(w.ask_count, cases[i].taken, "case %zu: %u", i, w.ask_count);
		cr_assert_eq(w.got_count, cases[i].queries - cases[i].taken, "case %zu", i);
		play((struct script[]){ { 0 } });
		cr_assert_eq(w.got_count, cases[i].queries, "case %zu", i);
		w.got_count = 0;
	}
}

/* A full table makes room for whoever waits for less, at the cost of the oldest of who waits for most. */
Test(route, a_full_table_takes_from_the_heaviest)
{
	char text[32];
	char client[32];
	query_from("192.0.2.50", 500, "first.test", RR_A, FLAG_RD, false);
	for (uint16_t i = 0; i < 98; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		query_from(i % 2 ? "192.0.2.1" : "192.0.2.2", i, text, RR_A, FLAG_RD, false);
	}
	query_from("192.0.2.51", 501, "n1.test", RR_A, FLAG_RD, false); /* waits with the flood's oldest of .1 */
	cr_assert_eq(w.got_count, 0);
	for (uint16_t i = 0; i < 10; i++) {
		snprintf(client, sizeof(client), "192.0.2.%u", 100 + i);
		snprintf(text, sizeof(text), "o%u.test", i);
		query_from(client, (uint16_t)(600 + i), text, RR_A, FLAG_RD, false);
	}
	cr_assert_eq(w.got_count, 10, "each of them has its place");
	cr_assert_eq(pending_count(w.route.pending), 100);
	cr_assert_eq(w.page.counters[STAT_FRONT_DISPLACED], 10);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_lt(w.got[i].id, 12, "the oldest of the flood go: %u", w.got[i].id);
		cr_assert_eq(answer_of(i)->rcode, RCODE_SERVFAIL);
		cr_assert_eq(answer_of(i)->ede, EDE_OTHER);
	}
	/* n0 was given up with its only waiter: its reply finds nobody. Whoever waited with n1 still has its answer. */
	play((struct script[]){ { 'r', "n1.test", 0, 0, 0, { { AN, "n1.test", RR_A, 60, "192.0.2.1" } } }, { 0 } });
	cr_assert_eq(w.got_count, 110);
	for (unsigned i = 0; i < w.got_count; i++) {
		cr_assert_eq(answer_of(i)->rcode, w.got[i].id == 501 ? RCODE_NOERROR : RCODE_SERVFAIL);
	}
}

/* DNSBomb: answers that slow servers hold back do not come all at once to somebody who did not ask. */
Test(route, late_answers_do_not_make_a_burst)
{
	static const struct rec records[] = { { AN, "n0.test", RR_TXT, 60, "a text of some length, to be large" }, { 0 } };
	static const struct {
		bool proven;
		uint32_t wait_ms;
		unsigned queries, full;
	} cases[] = {
		{ false, LATE_MS - 1, 50, 50 },
		{ false, LATE_MS, 50, LATE_ANSWERS },
		{ false, LATE_MS, LATE_ANSWERS, LATE_ANSWERS },
		{ true, LATE_MS, 50, 50 },
	};
	char text[32];
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned full = 0;
		teardown();
		setup();
		w.proven = cases[i].proven;
		for (unsigned n = 0; n < cases[i].queries; n++) {
			snprintf(text, sizeof(text), "n%u.test", n);
			query_from("192.0.2.1", (uint16_t)n, text, RR_TXT, FLAG_RD, false);
		}
		w.now_ms += cases[i].wait_ms;
		while (w.ask_count > 0) {
			struct asked a = take_ask();
			struct rec own[2] = { records[0], { 0 } };
			const struct message *m = parse(a.dns, a.len);
			char owner[DNAME_TEXT_MAX];
			own[0].owner = dname_text(m->qname, owner);
			reply_with(&a, 0, 0, own, EDE_NONE);
		}
		cr_assert_eq(w.got_count, cases[i].queries, "case %zu: never silent", i);
		for (unsigned n = 0; n < w.got_count; n++) {
			const struct message *m = answer_of(n);
			bool tc = (m->flags & FLAG_TC) != 0;
			cr_assert_eq(m->rcode, RCODE_NOERROR);
			cr_assert_eq(m->rr_count, tc ? 0 : 1);
			full += !tc;
		}
		cr_assert_eq(full, cases[i].full, "case %zu: %u", i, full);
		cr_assert_eq(w.page.counters[STAT_FRONT_LATE], cases[i].queries - cases[i].full);
	}
}

Test(route, alias_loops_end)
{
	static const struct {
		const char *what;
		const char *qname;
		struct script scripts[5];
		unsigned max_asks;
	} cases[] = {
		{ "across the split", "a.corp.example",
		  { { 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_CNAME, 60, "b.allowed.test" } } },
		    { 'r', "b.allowed.test", 0, 0, 0, { { AN, "b.allowed.test", RR_CNAME, 60, "a.corp.example" } } } },
		  17 },
		{ "overlay onto itself", "l.example.com",
		  { { 'a', "l.example.com", 0, AA, 3, { OVERLAY_SOA } },
		    { 'r', "l.example.com", 0, 0, 0, { { AN, "l.example.com", RR_CNAME, 60, "l.example.com" } } } },
		  34 },
		{ "in public", "p.test",
		  { { 'r', "p.test", 0, 0, 0, { { AN, "p.test", RR_CNAME, 60, "q.test" },
						 { AN, "q.test", RR_CNAME, 60, "p.test" } } } },
		  1 },
		{ "inside", "a.corp.example",
		  { { 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_CNAME, 60, "b.corp.example" },
							  { AN, "b.corp.example", RR_CNAME, 60, "a.corp.example" } } } },
		  1 },
		{ "inside, told one step at a time", "a.corp.example",
		  { { 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_CNAME, 60, "b.corp.example" } } },
		    { 'a', "b.corp.example", 0, AA, 0, { { AN, "b.corp.example", RR_CNAME, 60, "a.corp.example" } } } },
		  17 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		teardown();
		setup();
		query(cases[i].qname, RR_A);
		play(cases[i].scripts);
		cr_assert_eq(w.got_count, 1, "%s", cases[i].what);
		cr_assert_eq(answer_of(0)->rcode, RCODE_SERVFAIL, "%s", cases[i].what);
		uint64_t asks = w.page.counters[STAT_FRONT_TO_AUTHORITY] + w.page.counters[STAT_FRONT_TO_RESOLVER];
		cr_assert_leq(asks, cases[i].max_asks, "%s: %lu", cases[i].what, (unsigned long)asks);
	}
}

Test(route, one_budget_for_all_turns)
{
	static const struct script scripts[] = {
		{ 'a', "a.corp.example", 0, AA, 0, { { AN, "a.corp.example", RR_CNAME, 60, "b.allowed.test" } } },
		{ 'r', "b.allowed.test", 0, 0, 0, { { AN, "b.allowed.test", RR_CNAME, 60, "a.corp.example" } } },
		{ 0 },
	};
	w.route.budget = 8; /* each turn costs one here and two there */
	query("a.corp.example", RR_A);
	cr_assert_eq(w.asks[0].budget, 7);
	play(scripts);
	cr_assert_eq(answer_of(0)->rcode, RCODE_SERVFAIL);
	cr_assert_str_eq(w.log, "a:a.corp.example r:b.allowed.test a:a.corp.example");

	/* a reply that claims more than it was given gives nothing back */
	uint8_t wire[512];
	query("a.corp.example", RR_A);
	struct asked a = take_ask();
	size_t len = make_reply(wire, a.dns, a.len, AA, 0, scripts[0].recs, false, EDE_NONE, NULL);
	route_reply(&w.route, a.link, &(struct qlink_message){ .token = a.token, .kind = QLINK_REPLY,
							       .budget = UINT16_MAX, .dns = wire, .dns_len = len },
		    w.now_ms);
	cr_assert_eq(w.asks[0].budget, 6);
	play((struct script[]){ { 0 } });
}

Test(route, bad_replies_are_servfail)
{
	static const struct rec good[] = { { AN, "a.test", RR_A, 60, "192.0.2.1" }, { 0 } };
	uint8_t wire[1024];
	struct asked a;
	size_t len;
	for (unsigned fault = 0; fault < 9; fault++) {
		query("a.test", RR_A);
		a = take_ask();
		len = make_reply(wire, a.dns, a.len, 0, 0, good, true, EDE_NONE, NULL);
		switch (fault) {
		case 0: /* another name */
			wire[13] ^= 3;
			break;
		case 1: /* another type */
			wire[12 + 8 + 1] ^= 1;
			break;
		case 2: /* another class */
			wire[12 + 8 + 3] ^= 2;
			break;
		case 3: /* another id */
			wire[0] ^= 1;
			break;
		case 4: /* a query */
			wire[2] &= 0x7f;
			break;
		case 5: /* truncated */
			wire[2] |= 0x02;
			break;
		case 6: /* counts that lie */
			wire[7] = 2;
			break;
		case 7: /* octets behind the end */
			len++;
			break;
		case 8: /* RDLENGTH that lies; root owner of OPT is 11 from the end, RDATA 4 before */
			wire[len - 11 - 5] = 200;
			break;
		}
		reply_raw(&a, wire, len);
		cr_assert_eq(w.got_count, fault + 1);
		cr_assert_eq(answer_of(fault)->rcode, RCODE_SERVFAIL, "fault %u", fault);
		cr_assert_eq(answer_of(fault)->ede, EDE_INVALID_DATA, "fault %u", fault);
	}
	cr_assert_eq(cache_entries(w.route.cache), 0);
}

Test(route, reply_cut_at_every_length)
{
	static const struct rec recs[] = {
		{ AN, "a.test", RR_CNAME, 60, "b.test" },
		{ AN, "b.test", RR_A, 60, "192.0.2.1" },
		{ AU, "test", RR_SOA, 60, "60" },
		{ 0 },
	};
	uint8_t wire[1024];
	query("a.test", RR_A);
	struct asked a = take_ask();
	size_t full = make_reply(wire, a.dns, a.len, 0, 0, recs, true, EDE_OTHER, "text");
	reply_raw(&a, wire, 0);
	cr_assert_eq(answer_of(0)->rcode, RCODE_SERVFAIL);
	for (size_t len = 1; len < full; len++) {
		query("a.test", RR_A);
		a = take_ask();
		size_t made = make_reply(wire, a.dns, a.len, 0, 0, recs, true, EDE_OTHER, "text");
		cr_assert_eq(made, full);
		uint8_t *exact = malloc(len); /* so that a sanitizer sees a read past the end */
		memcpy(exact, wire, len);
		reply_raw(&a, exact, len);
		free(exact);
		cr_assert_eq(w.got_count, 2);
		cr_assert_eq(answer_of(1)->rcode, RCODE_SERVFAIL, "%zu", len);
		w.got_count = 1;
	}
}

Test(route, what_was_not_asked_is_dropped)
{
	static const struct rec recs[] = { { AN, "a.test", RR_A, 60, "192.0.2.1" }, { 0 } };
	uint8_t wire[1024];
	query("a.test", RR_A);
	struct asked a = take_ask();
	size_t len = make_reply(wire, a.dns, a.len, 0, 0, recs, true, EDE_NONE, NULL);
	struct asked wrong = a;
	wrong.token ^= UINT64_C(1) << 60;
	reply_raw(&wrong, wire, len);
	wrong.token = a.token ^ 1; /* another slot */
	reply_raw(&wrong, wire, len);
	wrong.token = UINT64_MAX;
	reply_raw(&wrong, wire, len);
	wrong = a;
	wrong.link = LINK_AUTHORITY; /* the right token from the wrong neighbour */
	reply_raw(&wrong, wire, len);
	cr_assert_eq(w.got_count, 0);
	reply_raw(&a, wire, len);
	cr_assert_eq(w.got_count, 1);
	reply_raw(&a, wire, len); /* once more */
	cr_assert_eq(w.got_count, 1);
}

Test(route, nothing_to_ask)
{
	static const struct {
		int rc, ede;
	} cases[] = { { BH_ENOENT, EDE_NETWORK_ERROR }, { BH_ECLOSED, EDE_NETWORK_ERROR }, { BH_EAGAIN, EDE_OTHER } };
	for (unsigned i = 0; i < 3; i++) {
		w.ask_rc = cases[i].rc;
		query("a.test", RR_A);
		cr_assert_eq(w.got_count, i + 1);
		cr_assert_eq(answer_of(i)->rcode, RCODE_SERVFAIL);
		cr_assert_eq(answer_of(i)->ede, cases[i].ede);
	}
	cr_assert_eq(w.page.counters[STAT_FRONT_OVERLOADED], 1);
}

Test(route, waiting_ends)
{
	query("a.test", RR_A);
	w.now_ms += 5000;
	query("b.test", RR_A);
	query("a.test", RR_A);
	cr_assert_eq(route_expire(&w.route, w.now_ms), 1000000 + JOB_DEADLINE_MS);
	cr_assert_eq(w.got_count, 0);
	cr_assert_eq(route_expire(&w.route, 1000000 + JOB_DEADLINE_MS), w.now_ms + JOB_DEADLINE_MS);
	cr_assert_eq(w.got_count, 2, "both who waited for a.test");
	cr_assert_eq(answer_of(0)->rcode, RCODE_SERVFAIL);
	cr_assert_eq(answer_of(0)->ede, EDE_NO_REACHABLE_AUTHORITY);
	cr_assert_eq(route_expire(&w.route, w.now_ms + JOB_DEADLINE_MS), 0);
	cr_assert_eq(w.got_count, 3);
	cr_assert_eq(w.page.counters[STAT_FRONT_TIMEOUTS], 2);
	/* a late reply finds nobody */
	play((struct script[]){ { 0 } });
	cr_assert_eq(w.got_count, 3);
}

Test(route, asks_again_once_when_the_other_end_is_new)
{
	static const struct script scripts[] = {
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } } }, { 0 }
	};
	query("a.test", RR_A);
	query("b.test", RR_A);
	query("x.corp.example", RR_A);
	struct asked old = take_ask();
	w.ask_count = 0;
	route_ask_again(&w.route, &w.links[LINK_RESOLVER], w.now_ms);
	cr_assert_str_eq(w.log, "r:a.test r:b.test a:x.corp.example r:b.test r:a.test");
	cr_assert_eq(w.got_count, 0);
	reply_with(&old, 0, 0, scripts[0].recs, EDE_NONE);
	cr_assert_eq(w.got_count, 0, "the old question is not answered any more");
	cr_assert_eq(w.asks[0].budget, old.budget - 1, "nothing is refilled");
	play(scripts);
	cr_assert_eq(w.got_count, 2);
	query("c.test", RR_A);
	for (unsigned i = 0; i < 2; i++) {
		w.ask_count = 0;
		route_ask_again(&w.route, &w.links[LINK_RESOLVER], w.now_ms);
	}
	cr_assert_eq(w.got_count, 3, "only once");
	cr_assert_eq(answer_of(2)->rcode, RCODE_SERVFAIL);
	route_ask_again(&w.route, &w.links[LINK_AUTHORITY], w.now_ms);
	play(scripts);
	cr_assert_eq(w.got_count, 4);
}

Test(route, extended_errors_are_passed_on_and_cached)
{
	static const struct script scripts[] = {
		{ 'r', "a.test", 0, 0, 0, { { AN, "a.test", RR_A, 60, "192.0.2.1" } }, EDE_STALE_ANSWER }, { 0 }
	};
	for (unsigned i = 0; i < 2; i++) {
		query("a.test", RR_A);
		play(scripts);
		const struct message *m = answer_of(i);
		cr_assert_eq(m->ede, EDE_STALE_ANSWER);
		cr_assert_eq(m->ede_text_len, 4);
	}
	cr_assert_str_eq(w.log, "r:a.test");
}

/* An answer of the largest size arrives whole over TCP, and 64 KiB of records is too much for us. */
Test(route, large_answers)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct compose c;
	uint8_t txt[91] = { 90 };
	for (unsigned round = 0; round < 2; round++) {
		query(round == 0 ? "big.test" : "huge.test", RR_TXT);
		struct asked a = take_ask();
		struct query q;
		cr_assert_eq(query_parse(a.dns, a.len, &q), QUERY_OK);
		compose_begin(&c, wire, sizeof(wire), 0, q.id, FLAG_QR, q.qname, RR_TXT, CLASS_IN);
		unsigned count = 0;
		while (compose_rr(&c, AN, q.qname, RR_TXT, CLASS_IN, 60, txt, sizeof(txt)) == BH_OK &&
		       ++count < (round == 0 ? 600 : 1000)) {
		}
		reply_raw(&a, wire, compose_finish(&c, NULL));
		const struct message *m = answer_of(round);
		cr_assert_eq(m->rcode, round == 0 ? RCODE_NOERROR : RCODE_SERVFAIL);
		cr_assert_eq(m->rr_count, round == 0 ? 600 : 0);
	}
}
