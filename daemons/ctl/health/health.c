/*
 * The order of a check, and its end. SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "daemons/ctl/health/health.h"

#include "common/util/clock.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/health/facts.h"
#include "daemons/ctl/health/parent.h"
#include "daemons/ctl/health/probe.h"
#include "daemons/ctl/health/report.h"
#include "daemons/ctl/health/state.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DAY_SEC 86400u
#define FACTS_OCTETS_MAX (256u << 20)
#define GRACE_SEC 1 /* behind the timeout, for what is not under our control */

struct health {
	const struct health_settings *settings;
	const struct options *options;
	uint64_t until_ms;
	struct report report;
	struct answer status;
	struct region region;
	struct facts facts;
};

/* Whatever hangs, a disk or a library: a plug-in ends. */
static void on_alarm(int signo)
{
	static const char line[] = "BULKHEAD UNKNOWN - the check did not end in time\n";
	(void)signo;
	ssize_t n = write(STDOUT_FILENO, line, sizeof(line) - 1);
	(void)n; /* there is no other way to say it */
	_exit(CTL_UNKNOWN);
}

static unsigned left_ms(const struct health *health)
{
	uint64_t now = clock_now_ms();
	return now < health->until_ms ? (unsigned)(health->until_ms - now) : 1;
}

static int ask_status(struct health *health, struct answer *answer, char *why, size_t why_size)
{
	static struct ctl_request request = { .count = 1, .words = { "status" } };
	const struct session_options session = { .silence_ms = left_ms(health) };
	return ask_collect(&request, health->options, &session, answer, why, why_size);
}

static int refresh(void *ctx, struct answer *answer)
{
	char why[IPC_TEXT_MAX];
	return ask_status(ctx, answer, why, sizeof(why));
}

/* --- around the appliance ---------------------------------------------------------------------------------- */

static void check_space(struct health *health)
{
	struct statvfs fs;
	char path[PATH_MAX];
	if (health->facts.state_dir[0] != '/' || strlen(health->facts.state_dir) >= sizeof(path)) {
		return;
	}
	memcpy(path, health->facts.state_dir, strlen(health->facts.state_dir) + 1);
	/* It is not open to everybody; the folder above is nearly always of the same file system. */
	while (statvfs(path, &fs) != 0) {
		char *slash = strrchr(path, '/');
		if (slash == NULL || slash == path) {
			report_add(&health->report, SEVERITY_SKIPPED, "space", "", "", "%s: %s", health->facts.state_dir,
				   strerror(errno));
			return;
		}
		*slash = '\0';
	}
	state_judge_space(health->facts.state_dir, (uint64_t)fs.f_bavail * fs.f_frsize, (uint64_t)fs.f_blocks * fs.f_frsize,
			  health->facts.image_octets, &health->report);
}

static void check_clock(struct health *health)
{
	struct stat st;
	uint64_t built = stat("/proc/self/exe", &st) == 0 ? (uint64_t)st.st_mtim.tv_sec : 0;
	state_judge_clock(clock_wall_sec(), built, &health->report);
}

/* --- what a check leaves for the next ---------------------------------------------------------------------- */

static void load_before(const char *path, struct state_before *before)
{
	*before = (struct state_before){ .known = false };
	FILE *file = path == NULL ? NULL : fopen(path, "re");
	if (file == NULL) {
		return; /* the first one; that it cannot be written is told */
	}
	before->known = fscanf(file, "bulkhead-check 1 %" SCNu64 " %" SCNu64, &before->started, &before->restarts) == 2;
	fclose(file);
}

static void save_before(const char *path, const struct state_before *now, struct report *report)
{
	char beside[PATH_MAX];
	int n = path == NULL ? 0 : snprintf(beside, sizeof(beside), "%s.new", path);
	if (n <= 0 || (size_t)n >= sizeof(beside)) {
		return;
	}
	FILE *file = fopen(beside, "we");
	bool fine = file != NULL &&
		    fprintf(file, "bulkhead-check 1 %" PRIu64 " %" PRIu64 "\n", now->started, now->restarts) > 0;
	if (file != NULL && fclose(file) != 0) {
		fine = false;
	}
	if (!fine || rename(beside, path) != 0) {
		report_add(report, SEVERITY_UNKNOWN, "role", "", "", "restarts cannot be kept in %s: %s", path, strerror(errno));
	}
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

static int probe_all(struct health *health)
{
	const uint64_t now = clock_wall_sec();
	const struct probe_limits limits = { .warning_sec = (uint64_t)health->settings->warning_days * DAY_SEC,
					     .critical_sec = (uint64_t)health->settings->critical_days * DAY_SEC };
	struct probe probe = {
		.facts = &health->facts,
		.report = &health->report,
		.limits = &limits,
		.now_sec = now,
		.until_ms = health->until_ms,
		.turn = (uint32_t)(now / 60),
		.refresh = refresh,
		.ctx = health,
	};
	const struct listener_facts *resolver = NULL;
	int rc = probe_listeners(&probe);
	rc = rc == BH_OK ? probe_signatures(&probe) : rc;
	if (health->settings->local) {
		report_add(&health->report, SEVERITY_SKIPPED, "resolver", "", "", "and parents are not asked: --local");
		return rc;
	}
	rc = rc == BH_OK ? probe_resolver(&probe, &resolver) : rc;
	return rc == BH_OK ? parent_check(&probe, resolver) : rc;
}

static void check(struct health *health)
{
	struct state_before before;
	struct state_before now;
	char why[IPC_TEXT_MAX];
	struct report *report = &health->report;
	if (ask_status(health, &health->status, why, sizeof(why)) != BH_OK) {
		report_add(report, SEVERITY_CRITICAL, "appliance", "", "", "%s", why);
		return;
	}
	load_before(health->settings->state_file, &before);
	state_judge(&health->status, PACKAGE_VERSION, &before, &now, report);
	save_before(health->settings->state_file, &now, report);
	int rc = facts_read(&health->status, &health->region, &health->facts);
	if (rc != BH_OK) {
		report_add(report, SEVERITY_UNKNOWN, "appliance", "", "", "its status is not understood: %s", bh_strerror(rc));
		return;
	}
	state_judge_zones(&health->facts, report);
	check_space(health);
	check_clock(health);
	rc = probe_all(health);
	if (rc != BH_OK) {
		report_add(report, SEVERITY_UNKNOWN, "check", "", "", "%s", bh_strerror(rc));
	}
}

static int show(const struct health *health)
{
	if (health->options->given[OPTION_JSON] != NULL) {
		json_print(stdout, &health->report.answer);
		return ask_finish(health->report.answer.status);
	}
	const struct print_style style = { .colour = ask_colour(STDOUT_FILENO),
					   .verbose = health->options->given[OPTION_VERBOSE] != NULL };
	if (report_print(stdout, &health->report, &style) != BH_OK) {
		fputs("bulkheadctl: out of memory\n", stderr);
		return CTL_UNKNOWN;
	}
	return ask_finish(health->report.answer.status);
}

int health_run(const struct health_settings *settings, const struct options *options)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	char fine[96];
	struct health *health = calloc(1, sizeof(*health));
	if (health == NULL || sigaction(SIGALRM, &action, NULL) != 0) {
		fputs("bulkheadctl: out of memory\n", stderr);
		free(health);
		return CTL_UNKNOWN;
	}
	alarm(settings->timeout_sec + GRACE_SEC);
	uint64_t began = clock_now_ms();
	health->settings = settings;
	health->options = options;
	health->until_ms = began + (uint64_t)settings->timeout_sec * 1000;
	region_init(&health->region, 64u << 10, FACTS_OCTETS_MAX);
	answer_init(&health->status);
	report_init(&health->report);
	check(health);
	report_measure(&health->report, "time_ms", clock_now_ms() - began, "", "", "");
	snprintf(fine, sizeof(fine), "all well: zones %zu, views %zu, listeners %zu", health->facts.zone_count,
		 health->facts.view_count, health->facts.listener_count);
	report_end(&health->report, fine);
	int status = show(health);
	alarm(0);
	report_clear(&health->report);
	answer_clear(&health->status);
	region_clear(&health->region);
	free(health);
	return status;
}
