/*
 * Attacks on the resolver by hostile servers and clients, in the closed Internet: what one question of an attack
 * costs in packets, checks and CPU, and what is left for others meanwhile.
 *
 * CPU is that of the frontend and resolver together, and is only judged as a multiple of what a benign miss costs them
 * in the same run (a name of a zone that is known, one packet). Packets are counted on the bridge. Others are a client
 * at another address, with popular names (which are cached) and names that nobody asked for before (misses).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/limits.h"
#include "common/dns/query.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "daemons/frontend/pending.h"
#include "daemons/resolver/bounds.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/lab/box.h"
#include "tests/lab/flood.h"
#include "tests/lab/hostile.h"
#include "tests/lab/lab.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the supervisor gives out (daemons/supervisor/send.c): for a question, and answers waited for by a client. */
#define QUERY_BUDGET 250
#define UNPROVEN_PENDING 500

static pid_t frontend;
static pid_t resolver;

static void start_with(unsigned limit_sec, const char *more)
{
	char options[1024];
	snprintf(options, sizeof(options),
		 "  trust-anchors = \"%s/anchors\"\n  validation-date = \"" HOSTILE_DATE "\"\n%s", lab_directory(), more);
	box_start(limit_sec, options, "");
	frontend = appliance_role(&box, "frontend", "", 0).pid;
	resolver = appliance_role(&box, "resolver", "", 0).pid;
}

static void start(void)
{
	start_with(300, "");
}

TestSuite(attack, .init = start, .fini = box_stop);

/* Nanoseconds on a processor of a process with one thread. */
static uint64_t cpu_of(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	char *text = harness_read(path);
	MUST(text != NULL, "%s cannot be read", path);
	uint64_t ns = strtoull(text, NULL, 10);
	free(text);
	return ns;
}

static uint64_t cpu(void)
{
	return cpu_of(frontend) + cpu_of(resolver);
}

static uint64_t counter(const char *role, const char *name)
{
	return appliance_counter(&box, role, "", name);
}

static unsigned numbers = 1; /* names are never asked for twice */

/* --- others ------------------------------------------------------------------------------------------- */

enum { POPULAR = 50, OTHERS_MS = 1500, OTHERS_RATE = 100, OTHERS_EACH = OTHERS_RATE * OTHERS_MS / 1000 };

struct others {
	struct flood_result popular;
	struct flood_result misses;
};

/* A client asks for popular names and, as often, for new ones. */
static struct others ask_as_others(void)
{
	struct others o;
	struct flood popular = { .server = BOX_RESOLVER, .name = "popular#.calm.com", .modulo = POPULAR,
				 .count = OTHERS_EACH, .window = 256, .per_second = OTHERS_RATE, .patience_ms = 5000 };
	struct flood misses = { .server = BOX_RESOLVER, .name = "miss#.calm.com", .first = numbers, .count = OTHERS_EACH,
				.window = 256, .per_second = OTHERS_RATE, .patience_ms = 5000 };
	numbers += OTHERS_EACH;
	struct flood_process *p = flood_start(&popular);
	o.misses = flood_run(&misses);
	o.popular = flood_wait(p);
	MUST(o.popular.sent == OTHERS_EACH && o.misses.sent == OTHERS_EACH, "the others could not ask all they wanted");
	return o;
}

/* Percent with the right answer. */
static double good(const struct flood_result *r)
{
	return r->sent == 0 ? 0 : 100.0 * r->rcodes[RCODE_NOERROR] / r->sent;
}

/*
 * What others are owed whatever happens: cached names always, others but for a few, and nine of ten of them within a
 * time that stub resolvers wait (RFC 1536 1: 1 to 5 s), the servers of the lab and everything else of it having the same
 * processors.
 */
#define SOON_MS 1000
#define LATE_ENOUGH_MS 4000
static void expect_served(const char *what, const struct others *o, double misses_percent, unsigned ninth_ms)
{
	MUST(good(&o->popular) == 100.0, "%s: cached names were answered in %.1f %%", what, good(&o->popular));
	MUST(good(&o->misses) >= misses_percent, "%s: others' misses were answered in %.1f %%", what, good(&o->misses));
	MUST(o->misses.ninth_us <= UINT64_C(1000) * ninth_ms * harness_slow(),
	     "%s: one in ten misses of others took above %" PRIu64 " ms", what, o->misses.ninth_us / 1000);
}

/* --- what a question costs ----------------------------------------------------------------------------- */

struct attack {
	const char *name;
	const char *target; /* with # for a number */
	unsigned count;	    /* questions that are measured */
	unsigned window;    /* of them at a time */
	bool cold;	    /* none before that: they take long */
	double packets;	    /* ceilings for one question, on average: packets, */
	double checks;	    /* checks of signatures, in units of one with P-256, */
	double hashes;	    /* hashes of NSEC3 */
	double cpu;	    /* and CPU, in benign misses */
	double met;	    /* the checks that there have to be: an attack that ends early shows nothing of the ceiling */
};

/*
 * Ceilings of packets, checks and hashes follow from the bounds. CPU is noisy on a busy machine: ceilings are about
 * twice what was seen on one, and a defect shows as a factor of ten (circles of name servers cost 52 misses before
 * LOOKUPS_MAX).
 */
_Static_assert((int)HOSTILE_KEYS_KEPT == KEY_COLLISIONS_MAX && (int)HOSTILE_KEYS > KEY_COLLISIONS_MAX,
	       "KeyTrap at both sides of the bound");
static const struct attack attacks[] = {
	/* The referral, and the lookups of names in it, which do not exist. */
	{ "NXNSAttack", "x#.nxns.com", 100, 16, false, 1 + NS_LOOKUPS_MAX, 0, 0, 12 },
	/* Each lookup is a referral to a server that is silent, and soon known to be. */
	{ "silent delegations", "x#.mutens.com", 300, 300, true, 1 + NS_LOOKUPS_MAX * (1 + TRIES_PER_SERVER_MAX), 0, 0, 20 },
	/* Nothing but the budget bounds the product: a referral, lookups and the alias for each step. */
	{ "CNAME x NS", "c0-#.camp.com", 100, 16, false, (double)QUERY_BUDGET / COST_UDP, 0, 0, 100 },
	{ "CNAME circle", "c0-#.cloop.com", 100, 16, false, 1 + ALIAS_STEPS_MAX, 0, 0, 20 },
	{ "NS circle", "x.l0-#.nsloopa.com", 100, 16, false, FRAME_DEPTH_MAX, 0, 0, 30 },
	/* By UDP, which says TC, and by TCP. */
	{ "KeyTrap: keys and signatures", "x#.wild.collide.com", 100, 16, false, 2, SET_CHECKS_MAX, 0, 60, SET_CHECKS_MAX },
	{ "KeyTrap: signatures", "x#.wild.sigs.com", 100, 16, false, 2, SET_CHECKS_MAX, 0, 60, SET_CHECKS_MAX },
	/* Nothing that so many keys with one tag have signed is looked at. */
	{ "KeyTrap: too many keys", "x#.wild.keytrap.com", 100, 16, false, 2, 0, 0, 25 },
	{ "NSEC3, iterations allowed", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.x#.hashes.com", 100, 16, false, 2,
	  3 * SET_CHECKS_MAX, 30 * (1 + HOSTILE_ITERATIONS), 30 },
	{ "NSEC3, iterations too many", "a.b.x#.toomany.com", 100, 16, false, 2, 3 * SET_CHECKS_MAX, 0, 20 },
	/* 64 KiB each, of which nothing is of use. */
	{ "ladder of pointers", "x#.ladder.com", 30, 8, false, 2, 0, 0, 80 },
	{ "ladder, one pointer too many", "x#.ladders.com", 30, 8, false, 2, 0, 0, 20 },
	{ "random names", "x#.target.com", 1000, 64, false, 1, 0, 0, 3 },
	{ "random names, silent zone", "x#.hold.com", 200, 200, false, 1, 0, 0, 12 },
	{ "TCP tarpit", "x#.tarone.com", 100, 100, false, 2, 0, 0, 12 },
};

struct cost {
	double packets;
	double checks;
	double hashes;
	double ns;
};

/* Questions of an attack, from four clients. Each is answered, whatever it is. */
static struct cost measure(const char *name, unsigned count, unsigned window)
{
	struct flood f = { .server = BOX_RESOLVER, .name = name, .clients = 4, .first = numbers, .count = count,
			   .window = window, .patience_ms = RESOLUTION_MS + 5000 };
	numbers += count;
	uint64_t mark = lab_mark();
	uint64_t checks = counter("resolver", "signature_checks");
	uint64_t hashes = counter("resolver", "nsec3_hashes");
	uint64_t before = cpu();
	struct flood_result result = flood_run(&f);
	struct cost cost = { .ns = (double)(cpu() - before) / count };
	cost.packets = (double)lab_count(mark, NULL, NULL) / count;
	cost.checks = (double)(counter("resolver", "signature_checks") - checks) / count;
	cost.hashes = (double)(counter("resolver", "nsec3_hashes") - hashes) / count;
	MUST(result.answered == count, "%s: %u of %u questions were answered", name, result.answered, count);
	return cost;
}

/* What a zone costs that is met for the first time, over all questions of a run: its keys, say. */
#define FIRST_MEETING 6

static void expect_cost(const struct attack *a, const struct cost *c, double miss_ns)
{
	double slack = (double)FIRST_MEETING / a->count;
	MUST(c->packets <= a->packets + slack, "%s: %.2f packets a question, at most %.2f", a->name, c->packets, a->packets);
	MUST(c->checks <= a->checks + slack, "%s: %.2f checks a question, at most %.2f", a->name, c->checks, a->checks);
	MUST(c->checks >= a->met, "%s: %.2f checks a question: it does not attack", a->name, c->checks);
	MUST(c->hashes <= a->hashes + slack, "%s: %.1f hashes a question, at most %.1f", a->name, c->hashes, a->hashes);
	MUST(c->ns <= a->cpu * miss_ns, "%s: CPU of %.1f misses a question, at most %.1f", a->name, c->ns / miss_ns, a->cpu);
}

/* One question of each attack is bounded; and while it is asked 400 times a second, others are served. */
Test(attack, costs_are_bounded_and_others_are_served)
{
	enum { RATE = 400 };
	(void)ask_as_others();
	struct others calm = ask_as_others();
	expect_served("calm", &calm, 100, SOON_MS);
	(void)measure("warm#.calm.com", 500, 16);
	struct cost miss = measure("benign#.calm.com", 2000, 16);
	MUST(miss.packets >= 0.99 && miss.packets <= 1.01, "a benign miss costs %.2f packets", miss.packets);
	printf("attack: calm: a miss costs %.2f packets and %.0f us of CPU; others: hits %" PRIu64 " us, misses %" PRIu64
	       " us (medians)\n"
	       "attack:                                 one question            |   others meanwhile, at %d a second\n"
	       "attack:                              packets  checks hashes  CPU |  popular   hits misses  hit x  miss x\n",
	       miss.packets, miss.ns / 1000, calm.popular.median_us, calm.misses.median_us, RATE);
	for (size_t i = 0; i < COUNT(attacks); i++) {
		const struct attack *a = &attacks[i];
		if (!a->cold) {
			(void)measure(a->target, 4, 4);
		}
		struct cost c = measure(a->target, a->count, a->window);
		struct flood flood = { .server = BOX_RESOLVER, .name = a->target, .clients = 4, .first = 1000000,
				       .count = UINT_MAX, .window = 4 * UNPROVEN_PENDING, .per_second = RATE,
				       .patience_ms = RESOLUTION_MS + 5000 };
		struct flood_process *p = flood_start(&flood);
		uint64_t hits = counter("frontend", "cache_hits");
		struct others o = ask_as_others();
		hits = counter("frontend", "cache_hits") - hits;
		struct flood_result r = flood_end(p);
		printf("attack: %-29s %7.2f %7.2f %6.0f %4.1f | %6.1f %% %6" PRIu64 " %4.1f %% %6.1f %7.1f\n", a->name, c.packets,
		       c.checks, c.hashes, c.ns / miss.ns, good(&o.popular), hits, good(&o.misses),
		       (double)o.popular.median_us / (double)calm.popular.median_us,
		       (double)o.misses.median_us / (double)calm.misses.median_us);
		fflush(stdout);
		expect_cost(a, &c, miss.ns);
		MUST(r.lost == 0 && r.sent >= RATE, "%s: %u of %u questions of the flood had no answer", a->name, r.lost, r.sent);
		MUST(hits >= OTHERS_EACH, "%s: %" PRIu64 " hits for %d questions", a->name, hits, OTHERS_EACH);
		expect_served(a->name, &o, 95, SOON_MS);
	}
}

/* --- full tables ---------------------------------------------------------------------------------------- */

/* As many new names as the machine can: whoever asks little keeps his service. */
Test(attack, a_flood_of_random_names_leaves_others_their_service)
{
	(void)ask_as_others();
	struct others calm = ask_as_others();
	static const char *const names[] = { "x#.target.com", "x#.hold.com" };
	for (size_t i = 0; i < COUNT(names); i++) {
		struct flood flood = { .server = BOX_RESOLVER, .name = names[i], .clients = 8, .count = UINT_MAX, .window = 400,
				       .patience_ms = RESOLUTION_MS + 5000 };
		struct flood_process *p = flood_start(&flood);
		struct others o = ask_as_others();
		struct flood_result r = flood_end(p);
		printf("attack: flood of %s: %u questions in %" PRIu64 " ms; others: popular %.1f %%, misses %.1f %%, %.1f and %.1f "
		       "times the calm medians\n", names[i], r.sent, r.took_ms, good(&o.popular), good(&o.misses),
		       (double)o.popular.median_us / (double)calm.popular.median_us,
		       (double)o.misses.median_us / (double)calm.misses.median_us);
		MUST(r.lost == 0, "%u questions of the flood had no answer", r.lost);
		expect_served(names[i], &o, 95, LATE_ENOUGH_MS);
	}
}

/*
 * Everything that can wait waits, for servers that answer after seconds: who comes then takes the place of one of
 * those who wait most. Nobody is left without an answer.
 */
Test(attack, a_full_table_of_questions_leaves_others_their_service)
{
	enum { CLIENTS = 12 };
	struct flood_process *p[2];
	(void)ask_as_others();
	for (unsigned i = 0; i < 2; i++) {
		struct flood flood = { .server = BOX_RESOLVER, .name = "b0-#.bomb.com", .client = i * CLIENTS, .clients = CLIENTS,
				       .first = 1 + i * 10000000, .count = UINT_MAX, .window = CLIENTS * UNPROVEN_PENDING,
				       .patience_ms = RESOLUTION_MS + 5000 };
		p[i] = flood_start(&flood);
	}
	harness_sleep_ms(1500);
	struct others o = ask_as_others();
	uint64_t displaced = counter("frontend", "displaced");
	uint64_t older = counter("resolver", "displaced");
	uint64_t overloaded = counter("frontend", "overloaded");
	uint64_t limited = counter("frontend", "client_limited");
	for (unsigned i = 0; i < 2; i++) {
		struct flood_result r = flood_end(p[i]);
		MUST(r.lost == 0, "%u of %u questions had no answer", r.lost, r.sent);
	}
	printf("attack: full table: %" PRIu64 " gave way in the frontend, %" PRIu64 " in the resolver, %" PRIu64 " clients had "
	       "enough, %" PRIu64 " too many at all; others: popular %.1f %%, misses %.1f %%\n", displaced, older, limited, overloaded, good(&o.popular), good(&o.misses));
	MUST(displaced + limited + overloaded > 0, "no table was full");
	expect_served("full table", &o, 90, LATE_ENOUGH_MS);
}

/*
 * DNSBomb (CVE-2024-33655): answers that servers hold back come to a victim at once. Who is not proven to be there
 * gets LATE_ANSWERS of them in full, and the rest as TC=1; nobody is left without an answer.
 */
Test(attack, answers_held_back_are_no_bomb)
{
	enum { QUESTIONS = 400 };
	struct flood flood = { .server = BOX_RESOLVER, .name = "b0-#.bomb.com", .clients = 1, .first = 1, .count = QUESTIONS,
			       .window = QUESTIONS, .patience_ms = RESOLUTION_MS + 5000 };
	(void)measure("warm#.calm.com", 10, 1);
	struct flood_result r = flood_run(&flood);
	printf("attack: DNSBomb: %u questions, %u answers in full and %u TC, %" PRIu64 " octets, after %" PRIu64 " ms\n", r.sent,
	       r.whole, r.truncated, r.octets, r.median_us / 1000);
	MUST(r.answered == QUESTIONS && r.lost == 0, "%u of %u were answered", r.answered, r.sent);
	/* All come at once: who asked last has waited for less, and on a busy machine that is long after the first. */
	MUST(r.median_us / 1000 >= LATE_MS / 2, "answers were not held back: %" PRIu64 " us", r.median_us);
	MUST(r.whole >= 1 && r.whole <= LATE_ANSWERS, "%u answers came in full", r.whole);
	MUST(r.truncated + r.whole + r.rcodes[RCODE_SERVFAIL] == QUESTIONS, "%u in full, %u TC", r.whole, r.truncated);
}

/* --- TCP ------------------------------------------------------------------------------------------------ */

/* Clients that hold connections: others are accepted all the same. */
Test(attack, held_connections_do_not_keep_clients_out)
{
	enum { HELD = 1500, CLIENTS = 30 };
	static int fds[HELD];
	unsigned open = 0;
	struct ask ask = { .server = BOX_RESOLVER, .source = "10.1.0.100", .name = "popular1.calm.com", .flags = FLAG_RD, .tcp = true };
	for (unsigned i = 0; i < HELD; i++) {
		char source[32];
		snprintf(source, sizeof(source), "10.1.0.%u", 200 + i % CLIENTS);
		fds[i] = client_tcp_try(BOX_RESOLVER, source, 2000);
		open += fds[i] >= 0;
		if (i % 100 == 99) {
			const struct reply *reply = client_ask(&ask);
			MUST(reply->received && reply->message.rcode == RCODE_NOERROR,
			     "no answer over TCP beside %u connections of others", open);
		}
	}
	printf("attack: %u connections of %d clients were opened, and others were answered over TCP\n", open, CLIENTS);
	MUST(open > 1000, "%u connections could be opened: no table was full", open);
	for (unsigned i = 0; i < HELD; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

/* Servers that accept and are silent: other servers are still asked over TCP. */
Test(attack, silent_tcp_servers_do_not_keep_others_from_being_asked)
{
	struct flood_process *p[2];
	static const char *const names[2] = { "x#.tarone.com", "x#.tartwo.com" };
	struct ask ask = { .server = BOX_RESOLVER, .source = "10.1.0.100", .name = "big.alpha.com", .type = RR_TXT,
			   .flags = FLAG_RD, .tcp = true };
	(void)measure("warm#.calm.com", 10, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct flood flood = { .server = BOX_RESOLVER, .name = names[i], .client = 2 * i, .clients = 2, .count = UINT_MAX,
				       .window = 2 * UNPROVEN_PENDING, .patience_ms = RESOLUTION_MS + 5000 };
		p[i] = flood_start(&flood);
	}
	harness_sleep_ms(300); /* they wait for TCP now, and the servers are not yet known for it */
	struct others o = ask_as_others();
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received && reply->message.rcode == RCODE_NOERROR, "an answer over TCP could not be had");
	uint64_t tcp = counter("resolver", "upstream_tcp");
	for (unsigned i = 0; i < 2; i++) {
		struct flood_result r = flood_end(p[i]);
		MUST(r.lost == 0, "%u of %u questions had no answer", r.lost, r.sent);
	}
	printf("attack: TCP tarpits: %" PRIu64 " questions over TCP; others: popular %.1f %%, misses %.1f %%\n", tcp, good(&o.popular),
	       good(&o.misses));
	MUST(tcp >= 2 * UPSTREAM_TCP_SERVER_MAX, "%" PRIu64 " questions over TCP filled no table", tcp);
	expect_served("TCP tarpits", &o, 95, LATE_ENOUGH_MS);
}

/* --- memory --------------------------------------------------------------------------------------------- */

#define SOAK_MIB 8

static void start_soak(void)
{
	start_with(300, "  cache-size = \"8M\"\n");
}

/*
 * Ten times as many names as the caches can hold, once each. The processes grow by what cache-size says, within a
 * tenth; and names in use are still there, all the time.
 */
Test(soak, cache_size_is_obeyed_and_popular_names_stay, .init = start_soak, .fini = box_stop)
{
	enum { FIRST = 5000, ROUND = 20000, IN_USE = 200, HOT_ROUNDS = 5 };
	const uint64_t size = (uint64_t)SOAK_MIB << 20;
	struct flood popular = { .server = BOX_RESOLVER, .name = "hot#.calm.com", .modulo = IN_USE, .count = IN_USE * HOT_ROUNDS,
				 .window = 64, .patience_ms = 5000 };
	struct flood soak = { .server = BOX_RESOLVER, .name = "soak#.calm.com", .clients = 8, .window = 256, .patience_ms = 15000 };
	long before = harness_private_kib(frontend) + harness_private_kib(resolver);
	uint64_t bytes = counter("frontend", "cache_bytes") + counter("resolver", "cache_bytes");
	(void)flood_run(&popular);
	soak.first = numbers;
	soak.count = FIRST;
	(void)flood_run(&soak);
	double each = (double)(counter("frontend", "cache_bytes") + counter("resolver", "cache_bytes") - bytes) / FIRST;
	unsigned names = (unsigned)(10 * (double)size / each);
	unsigned asked = FIRST;
	unsigned hot_asked = 0;
	uint64_t hot_packets = 0;
	while (asked < names) {
		soak.first = numbers + asked;
		soak.count = ROUND;
		struct flood_result r = flood_run(&soak);
		MUST(r.rcodes[RCODE_NOERROR] == ROUND, "%u of %d names were answered", r.rcodes[RCODE_NOERROR], ROUND);
		asked += ROUND;
		popular.count = IN_USE;
		uint64_t sent = counter("resolver", "upstream_udp");
		r = flood_run(&popular);
		MUST(r.rcodes[RCODE_NOERROR] == IN_USE, "%u of %d popular names were answered", r.rcodes[RCODE_NOERROR], IN_USE);
		hot_packets += counter("resolver", "upstream_udp") - sent;
		hot_asked += IN_USE;
	}
	uint64_t grown = (uint64_t)(harness_private_kib(frontend) + harness_private_kib(resolver) - before) * 1024;
	double hit_rate = 100.0 * (1 - (double)hot_packets / hot_asked);
	printf("attack: soak: %u names of %.0f octets through a cache of %d MiB: grown by %.2f MiB (%.0f %%); popular names: %.2f %% "
	       "hits\n", asked, each, SOAK_MIB, (double)grown / (1 << 20), 100.0 * (double)grown / (double)size, hit_rate);
	MUST(grown <= size + size / 10, "cache-size is %d MiB, and the processes have grown by %.2f MiB", SOAK_MIB,
	     (double)grown / (1 << 20));
	MUST(grown >= size * 7 / 10, "the cache was not filled: %.2f MiB", (double)grown / (1 << 20));
	MUST(hit_rate >= 95, "popular names: %.2f %% hits", hit_rate);
}
