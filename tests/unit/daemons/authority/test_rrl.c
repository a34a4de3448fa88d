/*
 * Rate limiting: the rate itself, what has an account of its own, and floods from very many prefixes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/rrl.h"

#include "common/ipc/conf.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000)

static struct rrl make_rrl(unsigned per_second, size_t size)
{
	struct rrl rrl = { .mode = RRL_ON, .key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
			   .cost_us = 1000000 / per_second, .ipv4_bits = 24, .ipv6_bits = 56 };
	void *block = aligned_alloc(64, size);
	cr_assert_not_null(block);
	memset(block, 0, size);
	cr_assert_eq(rrl_table_init(&rrl.table, block, size), BH_OK);
	return rrl;
}

static void rrl_clear(struct rrl *rrl)
{
	free(rrl->table.lines);
	acl_clear(&rrl->exempt);
}

static struct addr v4(uint32_t bits)
{
	struct addr a = { .family = ADDR_V4 };
	put_u32(a.bytes, bits);
	return a;
}

static struct addr address(const char *text)
{
	struct addr a = { 0 };
	cr_assert_eq(addr_parse(text, 0, &a), BH_OK);
	return a;
}

static bool ask(const struct rrl *rrl, uint32_t client, uint64_t now_us)
{
	struct addr a = v4(client);
	return rrl_is_limited(rrl, &a, RRL_ANSWER, 1, now_us);
}

/* A number that looks like chance and is the same in each run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 32);
}

Test(rrl, table_sizes)
{
	static _Alignas(64) uint8_t block[1024];
	struct rrl_table t;
	cr_expect_eq(rrl_table_init(&t, block, 1024), BH_OK);
	cr_expect_eq(t.mask, 15);
	cr_expect_eq(rrl_table_init(&t, block, 64), BH_OK);
	cr_expect_eq(rrl_table_init(&t, block, 0), BH_EMALFORMED);
	cr_expect_eq(rrl_table_init(&t, block, 65), BH_EMALFORMED);
	cr_expect_eq(rrl_table_init(&t, block, 192), BH_EMALFORMED);
	cr_expect_eq(rrl_table_init(&t, block + 8, 64), BH_EMALFORMED);
}

/* A burst of one second's responses, then the rate; and wherever the clock stands, its wrap-around too. */
Test(rrl, rate)
{
	static const unsigned rates[] = { 1, 2, 3, 20, 1000, 100000 };
	static const uint64_t starts[] = { 0, 1, SECOND, (UINT64_C(1) << 40) - 1, (UINT64_C(1) << 40) - SECOND / 2,
					   UINT64_C(0xffffffffffff) };
	for (size_t r = 0; r < COUNT(rates); r++) {
		for (size_t t = 0; t < COUNT(starts); t++) {
			struct rrl rrl = make_rrl(rates[r], 4096);
			uint64_t now = starts[t];
			unsigned full = 0;
			for (unsigned i = 0; i < 2 * rates[r] + 10; i++) {
				full += !ask(&rrl, 0xc0000201, now);
			}
			cr_expect_eq(full, rates[r], "burst at %u: %u", rates[r], full);
			/* ten times the rate for three seconds: three seconds' worth is answered in full */
			full = 0;
			for (unsigned i = 0; i < 30 * rates[r]; i++) {
				full += !ask(&rrl, 0xc0000201, now + i * SECOND / (10 * rates[r]));
			}
			cr_expect(full >= 3 * rates[r] - rates[r] / 10 - 1 && full <= 3 * rates[r] + 1, "%u: %u in 3 s",
				  rates[r], full);
			/* whoever stops is free again after a second */
			cr_expect_not(ask(&rrl, 0xc0000201, now + 4 * SECOND + 2 * rrl.cost_us));
			/* exactly the rate is never limited */
			for (unsigned i = 0; i < 100; i++) {
				cr_expect_not(ask(&rrl, 0xc6336401, now + i * (uint64_t)rrl.cost_us));
			}
			rrl_clear(&rrl);
		}
	}
}

Test(rrl, accounts)
{
	static const struct {
		const char *client;
		enum rrl_class class;
		uint64_t what;
		bool limited; /* by what 192.0.2.1 and 2001:db8:0:1::1 did */
	} cases[] = {
		{ "192.0.2.1", RRL_ANSWER, 1, true },		{ "192.0.2.255", RRL_ANSWER, 1, true },
		{ "192.0.3.1", RRL_ANSWER, 1, false },		{ "192.0.2.1", RRL_ANSWER, 2, false },
		{ "192.0.2.1", RRL_NXDOMAIN, 1, false },	{ "192.0.2.1", RRL_NODATA, 1, false },
		{ "192.0.2.1", RRL_REFERRAL, 1, false },	{ "192.0.2.1", RRL_ERROR, 1, false },
		{ "2001:db8:0:1::1", RRL_ANSWER, 1, true },	{ "2001:db8:0:ff:1::", RRL_ANSWER, 1, true },
		{ "2001:db8:0:100::1", RRL_ANSWER, 1, false },	{ "c000:200::", RRL_ANSWER, 1, false },
		{ "0:0:c000:200::", RRL_ANSWER, 1, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rrl rrl = make_rrl(20, 65536);
		struct addr heavy4 = address("192.0.2.1");
		struct addr heavy6 = address("2001:db8:0:1::1");
		struct addr client = address(cases[i].client);
		for (unsigned n = 0; n < 40; n++) {
			(void)rrl_is_limited(&rrl, &heavy4, RRL_ANSWER, 1, SECOND);
			(void)rrl_is_limited(&rrl, &heavy6, RRL_ANSWER, 1, SECOND);
		}
		cr_expect_eq(rrl_is_limited(&rrl, &client, cases[i].class, cases[i].what, SECOND), cases[i].limited,
			     "%s %s", cases[i].client, rrl_class_text(cases[i].class));
		rrl_clear(&rrl);
	}
}

/* Workers are processes with one block between them; a successor finds what its predecessor left. */
Test(rrl, processes_share_a_table)
{
	struct rrl rrl = { .mode = RRL_ON, .cost_us = 50000, .ipv4_bits = 24, .ipv6_bits = 56 };
	void *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(block, MAP_FAILED);
	cr_assert_eq(rrl_table_init(&rrl.table, block, 4096), BH_OK);
	for (unsigned worker = 0; worker < 4; worker++) {
		pid_t pid = fork();
		if (pid == 0) {
			unsigned full = 0;
			for (unsigned i = 0; i < 6; i++) {
				full += !ask(&rrl, 0xc0000201, SECOND);
			}
			_exit((int)full);
		}
		int status = -1;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect_eq(WEXITSTATUS(status), worker < 3 ? 6 : 2); /* 20 in all */
	}
	munmap(block, 4096);
}

Test(rrl, exempt_clients_are_never_limited)
{
	struct rrl rrl = make_rrl(20, 4096);
	struct prefix p;
	cr_assert_eq(prefix_parse("192.0.2.128/25", &p), BH_OK);
	cr_assert_eq(acl_add(&rrl.exempt, &p), BH_OK);
	unsigned limited = 0;
	for (unsigned i = 0; i < 100; i++) {
		cr_expect_not(ask(&rrl, 0xc0000281, SECOND));
		limited += ask(&rrl, 0xc0000201, SECOND);
	}
	cr_expect_geq(limited, 80);
	rrl_clear(&rrl);
}

Test(rrl, prefix_of_a_client)
{
	static const struct {
		const char *client;
		uint8_t v4, v6;
		const char *want;
	} cases[] = {
		{ "192.0.2.255", 24, 56, "192.0.2.0/24" },   { "192.0.2.255", 32, 56, "192.0.2.255/32" },
		{ "192.0.2.255", 1, 56, "128.0.0.0/1" },     { "192.0.2.255", 25, 56, "192.0.2.128/25" },
		{ "2001:db8:0:ffff:2:3:4:5", 24, 56, "2001:db8:0:ff00::/56" },
		{ "2001:db8:0:ffff::1", 24, 64, "2001:db8:0:ffff::/64" },
		{ "2001:db8:0:ffff::1", 24, 20, "2001::/20" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rrl rrl = { .ipv4_bits = cases[i].v4, .ipv6_bits = cases[i].v6 };
		struct addr client = address(cases[i].client);
		struct prefix want;
		cr_assert_eq(prefix_parse(cases[i].want, &want), BH_OK, "%s", cases[i].want);
		struct prefix got = rrl_prefix(&rrl, &client);
		cr_expect(got.family == want.family && got.bits == want.bits &&
				  memcmp(got.bytes, want.bytes, sizeof(got.bytes)) == 0,
			  "case %zu", i);
	}
}

/* --- floods ------------------------------------------------------------------------------------------ */

struct flood {
	const char *what;
	unsigned rate;	       /* configured */
	unsigned per_second;   /* forged queries */
	unsigned prefixes;     /* from so many /24, at random */
	unsigned victim_each;  /* one of so many is from the victim's prefix; 0: none */
	unsigned victim_most;  /* full responses that the victim may get, per second on average */
};

#define LEGITIMATE 200
#define SECONDS 3

/*
 * Clients that ask one to five times a second, among a flood of forged addresses: each of them is answered in
 * full, always. The victim of an attack on one prefix hidden in the flood gets its rate and no more.
 */
static void simulate(const struct flood *f)
{
	struct rrl rrl = make_rrl(f->rate, IPC_RATE_TABLE_SIZE);
	uint64_t state = 1;
	uint64_t next_us[LEGITIMATE];
	uint64_t victim_full = 0;
	uint64_t victim_all = 0;
	uint64_t asked = 0;
	uint64_t limited = 0;

	for (unsigned i = 0; i < LEGITIMATE; i++) {
		next_us[i] = SECOND + next_random(&state) % SECOND;
	}
	for (uint64_t n = 0; n < (uint64_t)f->per_second * SECONDS; n++) {
		uint64_t now = SECOND + n * SECOND / f->per_second;
		bool victim = f->victim_each != 0 && next_random(&state) % f->victim_each == 0;
		uint32_t from = victim ? 0xcb007100 : (next_random(&state) % f->prefixes) << 8;
		bool short_one = ask(&rrl, from | (next_random(&state) & 0xff), now);
		victim_all += victim;
		victim_full += victim && !short_one;
		if (n % 64 != 0) {
			continue; /* as a batch of packets has one time */
		}
		for (unsigned i = 0; i < LEGITIMATE; i++) {
			if (next_us[i] <= now) {
				asked++;
				limited += ask(&rrl, 0xac100000 + (i << 8), now);
				next_us[i] += SECOND / (1 + i % 5);
			}
		}
	}
	cr_expect_gt(asked, LEGITIMATE * SECONDS);
	cr_expect_eq(limited, 0, "%s: %lu of %lu legitimate queries were limited", f->what, (unsigned long)limited,
		     (unsigned long)asked);
	cr_expect_leq(victim_full, (uint64_t)f->victim_most * SECONDS, "%s: the victim got %lu of %lu in full", f->what,
		      (unsigned long)victim_full, (unsigned long)victim_all);
	cr_expect(f->victim_each == 0 || victim_all > (uint64_t)f->victim_most * SECONDS * 4,
		  "%s: no attack at all: %lu", f->what, (unsigned long)victim_all);
	rrl_clear(&rrl);
}

Test(rrl, floods)
{
	static const struct flood floods[] = {
		/* the burst of a second, then 20 a second: 27 on average of three */
		{ "one victim", 20, 100000, 1, 1, 27 },
		{ "2^20 prefixes", 20, 1000000, 1 << 20, 0, 0 },
		{ "2^20 prefixes and a victim", 20, 1000000, 1 << 20, 1000, 27 },
		/* every one of 65,536 prefixes is above its rate */
		{ "2^16 heavy ones and a victim", 20, 2000000, 1 << 16, 1000, 27 },
		/*
		 * A flood that the table cannot hold: a response is 200 ms of debt, and 4 million a second are
		 * 800,000 debts at any time for 524,288 words. The victim is found all the same.
		 */
		{ "more than the table holds, and a victim", 5, 4000000, 1 << 24, 1000, 8 },
	};
	for (size_t i = 0; i < COUNT(floods); i++) {
		simulate(&floods[i]);
	}
}
