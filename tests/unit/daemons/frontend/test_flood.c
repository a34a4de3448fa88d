/*
 * A flood of random names below a zone whose servers do not answer, and the other clients beside it: what
 * they get, in ratio to what they get without the flood. The clock is the test's own; the resolver is one that takes
 * 20 ms for a name, and never answers for the zone under attack.
 *
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

enum {
	WAITERS = 1000,
	PER_CLIENT = 200,
	PER_UNPROVEN = 50,
	RESOLVER_MS = 20,
	RUN_MS = 20000,
	OTHERS = 50,	   /* clients, each with a question every OTHERS ms: one a millisecond of all */
	POPULAR = 20,	   /* names that four of five of their questions are for */
	QUEUE = 65536,
};

struct ask {
	uint64_t token;
	uint64_t due_ms;
	size_t len;
	uint8_t dns[256];
};

static struct world {
	struct route route;
	struct stats_page page;
	struct stats_page *stats;
	struct job *link;
	struct ask *queue;
	size_t first, last;
	uint64_t now_ms;
	/* of the others */
	unsigned asked, good, hits;
	uint64_t latency_ms;
	uint64_t sent_ms[65536]; /* by id */
	bool asking; /* a query is being handed over: an answer now is a hit */
} w;

static int on_ask(void *ctx, const struct route_ask *ask)
{
	(void)ctx;
	if (strstr((const char *)ask->name, "victim") == NULL) {
		struct ask *a = &w.queue[w.last++ % QUEUE];
		cr_assert_lt(w.last - w.first, QUEUE);
		*a = (struct ask){ .token = ask->message.token, .due_ms = w.now_ms + RESOLVER_MS,
				   .len = ask->message.dns_len };
		memcpy(a->dns, ask->message.dns, a->len);
	}
	ask->job->link_id = 1;
	job_link(ask->job, &w.link);
	return BH_OK;
}

static bool is_other(const struct origin *origin)
{
	return origin->client.bytes[2] == 2;
}

static void on_answer(void *ctx, const struct origin *origin, const struct reply_to *to, const struct answer *answer,
		      uint32_t age_sec, bool internal)
{
	(void)ctx;
	(void)answer;
	(void)age_sec;
	(void)internal;
	if (is_other(origin)) {
		w.good += !to->late;
		w.hits += w.asking;
		w.latency_ms += w.now_ms - w.sent_ms[to->id];
	}
}

static void on_refuse(void *ctx, const struct origin *origin, const struct reply_to *to, const struct refusal *refusal)
{
	(void)ctx;
	(void)origin;
	(void)to;
	cr_assert_eq(refusal->rcode, RCODE_SERVFAIL);
}

static const struct route_ops ops = { .ask = on_ask, .answer = on_answer, .refuse = on_refuse };

static void send_query(const char *client, uint16_t id, const char *qname)
{
	struct query q = { .id = id, .flags = FLAG_RD, .qtype = RR_A, .qclass = CLASS_IN };
	struct origin origin = { .listener = (struct listener *)&w };
	struct reply_to to;
	q.qname_len = (uint8_t)dname_from_text(qname, q.qname);
	cr_assert_eq(addr_parse(client, 0, &origin.client), BH_OK);
	reply_to_init(&to, &q, false);
	w.asking = true;
	route_query(&w.route, &q, &origin, &to, w.now_ms);
	w.asking = false;
}

static void resolver_answers(void)
{
	uint8_t wire[512];
	while (w.first < w.last && w.queue[w.first % QUEUE].due_ms <= w.now_ms) {
		const struct ask *a = &w.queue[w.first++ % QUEUE];
		char owner[DNAME_TEXT_MAX];
		const struct rec recs[] = { { AN, dname_text(parse(a->dns, a->len)->qname, owner), RR_A, 3600, "192.0.2.1" },
					    { 0 } };
		size_t len = make_reply(wire, a->dns, a->len, 0, 0, recs, false, EDE_NONE, NULL);
		struct qlink_message m = { .token = a->token, .kind = QLINK_REPLY, .budget = 10, .dns = wire, .dns_len = len };
		route_reply(&w.route, 1, &m, w.now_ms);
	}
}

/* What the others get while `flooders` clients send five questions a millisecond together. */
static void run(unsigned flooders)
{
	char client[32];
	char text[64];
	unsigned serial = 0;

	memset(&w, 0, sizeof(w));
	w.stats = &w.page;
	w.now_ms = 1000000;
	w.queue = calloc(QUEUE, sizeof(*w.queue));
	w.route = (struct route){ .split = split_new(), .cache = cache_new(8 << 20), .pending = pending_new(),
				  .stats = &w.stats, .ops = &ops, .ctx = &w, .budget = 100,
				  .patience_ms = JOB_DEADLINE_MS };
	cr_assert_not_null(w.queue);
	cr_assert_eq(route_init(&w.route), BH_OK);
	pending_limits(w.route.pending, &(struct pending_bounds){ WAITERS, PER_CLIENT, PER_UNPROVEN });
	for (unsigned ms = 0; ms < RUN_MS; ms++, w.now_ms++) {
		for (unsigned i = 0; i < 5 && flooders > 0; i++, serial++) {
			snprintf(client, sizeof(client), "10.0.%u.%u", 100 + serial % flooders / 200, serial % flooders % 200);
			snprintf(text, sizeof(text), "r%u.victim.test", serial);
			send_query(client, 0, text);
		}
		snprintf(client, sizeof(client), "10.0.2.%u", ms % OTHERS);
		if (ms % 5 != 0) {
			snprintf(text, sizeof(text), "popular%u.test", ms % POPULAR);
		} else {
			snprintf(text, sizeof(text), "rare%u.test", ms);
		}
		w.asked++;
		w.sent_ms[ms % 65536] = w.now_ms;
		send_query(client, (uint16_t)ms, text);
		resolver_answers();
		(void)route_expire(&w.route, w.now_ms);
		cr_assert_leq(pending_count(w.route.pending), WAITERS);
	}
	w.now_ms += JOB_DEADLINE_MS + 1000;
	resolver_answers();
	cr_assert_eq(route_expire(&w.route, w.now_ms), 0);
	cr_assert_eq(pending_count(w.route.pending), 0);
	pending_free(w.route.pending);
	cache_free(w.route.cache);
	split_free(w.route.split);
	route_clear(&w.route);
	free(w.queue);
}

Test(flood, others_keep_their_service)
{
	static const struct {
		unsigned flooders;
		bool displaces;
	} cases[] = {
		{ 1, false },  /* its own bound holds it */
		{ 10, false }, /* together half of the table */
		{ 40, true },  /* twice the table */
		{ 400, true }, /* each of them light */
	};
	run(0);
	unsigned asked = w.asked;
	unsigned good = w.good;
	unsigned hits = w.hits;
	uint64_t latency_ms = w.latency_ms;
	cr_assert_geq(good, asked - 2 * RESOLVER_MS, "without a flood all is well");
	cr_assert_gt(hits, asked * 7 / 10);
	for (size_t i = 0; i < COUNT(cases); i++) {
		run(cases[i].flooders);
		cr_assert_geq(w.good, good - good / 100, "%u flooders: %u of %u", cases[i].flooders, w.good, good);
		cr_assert_geq(w.hits, hits - hits / 100, "%u flooders: %u of %u hits", cases[i].flooders, w.hits, hits);
		cr_assert_leq(w.latency_ms, latency_ms + latency_ms / 50, "%u flooders", cases[i].flooders);
		cr_assert_eq(w.page.counters[STAT_FRONT_DISPLACED] > 0, cases[i].displaces, "%u flooders",
			     cases[i].flooders);
	}
}
