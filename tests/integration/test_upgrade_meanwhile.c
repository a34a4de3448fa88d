/*
 * Other requests and signals at the time of an upgrade: each has its turn, none is lost, and a stop is one at any moment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "tests/integration/harness.h"
#include "tests/integration/loads.h"
#include "tests/integration/versions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct appliance appliance;

static void start(void)
{
	versions_prepare(&appliance);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(upgrade_meanwhile, .init = start, .fini = stop);

Test(upgrade_meanwhile, reloads_and_signals_meanwhile_are_answered)
{
	char logs[4][128];
	pid_t ctl[4];
	static const char *const words[4] = { "upgrade", "upgrade", "reload", "reload" };
	struct loads *loads = loads_start(true);
	version_install(&appliance, 2);
	for (int i = 0; i < 4; i++) {
		snprintf(logs[i], sizeof(logs[i]), "%s/ctl%d.log", appliance.dir, i);
		ctl[i] = appliance_spawn_bulkheadctl(&appliance, words[i], logs[i]);
		harness_sleep_ms(30);
	}
	for (int i = 0; i < 100; i++) {
		kill(appliance.pid, SIGHUP); /* also while there is no handler */
		harness_sleep_ms(10);
	}
	for (int i = 0; i < 4; i++) {
		int status = harness_wait(ctl[i], 60000);
		char *text = harness_read(logs[i]);
		MUST(status == (i == 1 ? 2 : 0), "%s: status %d: %s", words[i], status, text);
		MUST(strstr(text, i == 0   ? "upgraded from"
				  : i == 1 ? "another upgrade is under way"
					   : "is in service") != NULL,
		     "%s says: %s", words[i], text);
		free(text);
	}
	harness_sleep_ms(500);
	loads_judge(loads, "upgrade with reloads");
	version_must_be(&appliance, 2);
}

/* It waits for the end of the reload; a second one that comes meanwhile is done with the first. */
Test(upgrade_meanwhile, an_upgrade_during_a_reload_follows_it)
{
	char logs[3][128];
	pid_t ctl[3];
	static const char *const words[3] = { "reload", "upgrade", "upgrade" };
	MUST(kill(appliance.pid, SIGSTOP) == 0, "kill: %s", strerror(errno)); /* so that all are there at once */
	for (int i = 0; i < 3; i++) {
		snprintf(logs[i], sizeof(logs[i]), "%s/ctl%d.log", appliance.dir, i);
		ctl[i] = appliance_spawn_bulkheadctl(&appliance, words[i], logs[i]);
		harness_sleep_ms(200 * harness_slow()); /* in this order */
	}
	MUST(kill(appliance.pid, SIGCONT) == 0, "kill: %s", strerror(errno));
	for (int i = 0; i < 3; i++) {
		int status = harness_wait(ctl[i], 60000);
		char *text = harness_read(logs[i]);
		MUST(status == 0 && strstr(text, i == 0 ? "is in service" : "upgraded from") != NULL, "%s: status %d: %s",
		     words[i], status, text);
		free(text);
	}
	version_must_be(&appliance, 1); /* another process would be needed for a reload with programs of two versions */
}

/* .fini stops: no process of either version may outlive it, at any moment of the upgrade. */
Test(upgrade_meanwhile, a_stop_at_any_moment_leaves_nothing)
{
	for (unsigned i = 0; i < 12; i++) {
		char log[128];
		pid_t pids[APPLIANCE_ROLES_MAX];
		snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
		version_install(&appliance, 1 + i % 2);
		pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
		harness_sleep_ms(60 * i);
		unsigned count = harness_children(appliance.pid, pids, APPLIANCE_ROLES_MAX);
		appliance_stop(&appliance);
		for (unsigned k = 0; k < count; k++) {
			MUST(!harness_alive(pids[k]), "process %d outlived the appliance", (int)pids[k]);
		}
		harness_wait(ctl, 10000);
		appliance_start(&appliance);
	}
}

/*
 * The moment of the exec: the old program has heard a signal before it, or the new one hears it. Signals are sent from
 * when the old one says that it goes until the new one has taken over.
 */
Test(upgrade_meanwhile, a_signal_on_the_way_to_the_new_program_is_heard)
{
	char log[128];
	snprintf(log, sizeof(log), "%s/ctl.log", appliance.dir);
	for (unsigned i = 0; i < 8; i++) {
		version_install(&appliance, 1 + i % 2);
		appliance_stop(&appliance);
		unlink(appliance.log); /* the next supervisor begins another one */
		appliance_start(&appliance);
		pid_t ctl = appliance_spawn_bulkheadctl(&appliance, "upgrade", log);
		uint64_t end = clock_now_ms() + 10000 * harness_slow();
		while (!appliance_logged(&appliance, "roles serve on") && clock_now_ms() < end) {
		}
		usleep(i * 200);
		appliance_stop(&appliance);
		harness_wait(ctl, 10000);
		appliance_start(&appliance);
	}
}
