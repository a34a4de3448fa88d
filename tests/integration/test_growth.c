/*
 * No growth: descriptors and memory of every process stay as they are over many reloads. A thousand, or as
 * many as a minute allows on a slow or busy machine; BULKHEAD_TEST_RELOADS asks for a number whatever
 * time it takes. How many there were is in the output.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/dns/query.h"
#include "common/util/clock.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELOADS 1000
#define PATIENCE_MS 60000
#define WARM_UP 50
/* Allocators and counters settle; a leak of 1 KiB for each reload is far above this. */
#define GROWTH_KIB 400

static struct appliance appliance;

/* Every role, but few zones: each is compiled anew at each reload. */
static void start(void)
{
	static char conf[4096];
	standard_prepare(&appliance, 3600);
	snprintf(conf, sizeof(conf), "%s%s%s", CONF_HERE,
		 "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		 "  zone \"corp.example\" { file = \"corp.example.zone\" }\n}\n",
		 standard_resolver);
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

struct size {
	pid_t pid;
	char name[64];
	int fds;
	long kib;
};

static unsigned measure(struct size *out)
{
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	out[0] = (struct size){ .pid = appliance.pid, .name = "supervisor" };
	for (unsigned i = 0; i < count; i++) {
		out[i + 1].pid = roles[i].pid;
		snprintf(out[i + 1].name, sizeof(out[i + 1].name), "%s[%s]", roles[i].role, roles[i].view);
	}
	for (unsigned i = 0; i <= count; i++) {
		out[i].fds = harness_fd_count(out[i].pid);
		out[i].kib = harness_private_kib(out[i].pid);
	}
	return count + 1;
}

/* Returns how many there were until `end_ms`. */
static unsigned reload_many(unsigned count, uint64_t end_ms)
{
	static char text[8192];
	unsigned i;
	for (i = 0; i < count && clock_now_ms() < end_ms; i++) {
		/* every other time with another zone, so that images really change */
		snprintf(text, sizeof(text), "%sversion2 TXT \"%u\"\n", standard_corp_zone, i);
		appliance_file(&appliance, "internal/corp.example.zone", text);
		appliance_reload(&appliance);
	}
	return i;
}

/* The last control connection may be closed a moment after it was answered. */
static unsigned measure_settled(struct size *out, const struct size *before)
{
	unsigned count = 0;
	for (int i = 0; i < 20; i++) {
		count = measure(out);
		if (out[0].fds <= before[0].fds) {
			break;
		}
		harness_sleep_ms(50);
	}
	return count;
}

Test(growth, nothing_grows_over_many_reloads, .init = start, .fini = stop)
{
	const char *given = getenv("BULKHEAD_TEST_RELOADS");
	unsigned wanted = given == NULL ? RELOADS : (unsigned)strtoul(given, NULL, 10);
	struct size before[APPLIANCE_ROLES_MAX + 1];
	struct size after[APPLIANCE_ROLES_MAX + 1];

	reload_many(WARM_UP, UINT64_MAX);
	harness_sleep_ms(200);
	unsigned count = measure(before);
	uint64_t start_ms = clock_now_ms();
	unsigned reloads = reload_many(wanted, given == NULL ? start_ms + PATIENCE_MS : UINT64_MAX);
	uint64_t took = clock_now_ms() - start_ms;
	MUST(measure_settled(after, before) == count, "another number of processes");
	printf("growth: %u reloads in %llu ms\n", reloads, (unsigned long long)took);
	MUST(reloads >= 50, "only %u reloads in %d ms", reloads, PATIENCE_MS);
	for (unsigned i = 0; i < count; i++) {
		printf("growth: %-24s descriptors %d -> %d, private memory %ld -> %ld KiB\n", after[i].name,
		       before[i].fds, after[i].fds, before[i].kib, after[i].kib);
	}
	fflush(stdout);
	for (unsigned i = 0; i < count; i++) {
		MUST(before[i].pid == after[i].pid, "%s was restarted", after[i].name);
		MUST(after[i].fds <= before[i].fds, "%s: %d descriptors became %d", after[i].name, before[i].fds,
		     after[i].fds);
#ifndef BH_SANITIZERS
		MUST(after[i].kib <= before[i].kib + GROWTH_KIB, "%s: %ld KiB became %ld", after[i].name, before[i].kib,
		     after[i].kib);
#endif
	}
#ifdef BH_SANITIZERS
	printf("SKIPPED: growth of memory: the sanitizers keep what is freed\n");
#endif
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
}
