/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/state.h"

#include "daemons/ctl/answer.h"
#include "daemons/ctl/health/facts.h"
#include "daemons/ctl/health/report.h"
#include "daemons/ctl/human.h"

#include <inttypes.h>
#include <string.h>

/* Its process, and the walls that stand around it, which the kernel told the supervisor and the role. */
static void judge_role(const struct answer_row *row, bool by_age, struct report *report)
{
	const char *view = answer_text(row, "view");
	const char *role = answer_text(row, "role");
	const char *state = answer_text(row, "state");
	const char *last_end = answer_text(row, "last_end");
	unsigned index = (unsigned)answer_number(row, "index");
	uint64_t up = answer_number(row, "uptime_sec");
	char text[HUMAN_MAX];
	if (strcmp(state, "stopping") == 0) {
		return; /* a reload has no use for it any more */
	}
	if (strcmp(state, "running") != 0) {
		report_add(report, SEVERITY_CRITICAL, "role", view, "", "%s %u is %s%s%s", role, index, state,
			   last_end[0] != '\0' ? ", its process ended: " : "", last_end);
		return;
	}
	if (by_age && answer_number(row, "restarts") > 0 && up < STATE_RESTART_RECENT_SEC) {
		report_add(report, SEVERITY_WARNING, "role", view, "", "%s %u was restarted %s ago: %s", role, index,
			   human_duration(up, text), last_end);
	}
	if (answer_text(row, "missing")[0] != '\0') {
		report_add(report, SEVERITY_CRITICAL, "sandbox", view, "", "%s %u lacks: %s", role, index,
			   answer_text(row, "missing"));
	}
	if (strcmp(answer_text(row, "capabilities"), "none") != 0) {
		report_add(report, SEVERITY_CRITICAL, "sandbox", view, "", "%s %u has capabilities: %s", role, index,
			   answer_text(row, "capabilities"));
	}
	if (strcmp(answer_text(row, "seccomp"), "filter") != 0) {
		report_add(report, SEVERITY_CRITICAL, "sandbox", view, "", "%s %u has no filter of system calls", role, index);
	}
}

void state_judge(const struct answer *status, const char *version, const struct state_before *before,
		 struct state_before *now, struct report *report)
{
	const struct answer_table *appliance = answer_table(status, "appliance");
	const struct answer_table *roles = answer_table(status, "role");
	*now = (struct state_before){ .known = true };
	if (appliance == NULL) {
		report_add(report, SEVERITY_UNKNOWN, "appliance", "", "", "does not say what it is");
		return;
	}
	const struct answer_row *row = appliance->first;
	now->started = answer_number(row, "pid");
	if (strcmp(answer_text(row, "version"), version) != 0) {
		report_add(report, SEVERITY_WARNING, "version", "", "", "the appliance is %s, this program %s: restart it",
			   answer_text(row, "version"), version);
	}
	if (strcmp(answer_text(row, "state"), "starting") == 0 || strcmp(answer_text(row, "state"), "stopping") == 0) {
		report_add(report, SEVERITY_CRITICAL, "appliance", "", "", "is %s", answer_text(row, "state"));
	}
	if (answer_text(row, "validation_date")[0] != '\0') {
		report_add(report, SEVERITY_WARNING, "clock", "", "", "signatures are validated as of %s, not now (validation-date)",
			   answer_text(row, "validation_date"));
	}
	uint64_t stuck_sec = answer_number(row, "saving_stuck_sec");
	if (stuck_sec > 0) {
		report_add(report, SEVERITY_WARNING, "disk", "", "",
			   "images and histories have not been written for %" PRIu64 " s: %s does not answer", stuck_sec,
			   answer_text(row, "state_dir"));
	}
	if (roles == NULL) {
		report_add(report, SEVERITY_CRITICAL, "role", "", "", "no role runs");
		return;
	}
	for (const struct answer_row *r = roles->first; r != NULL; r = r->next) {
		judge_role(r, !before->known, report);
		now->restarts += answer_number(r, "restarts");
	}
	/* Roles that a reload took away took their restarts with them: fewer is no news. */
	uint64_t old = before->known && before->started == now->started ? before->restarts : 0;
	if (before->known && now->restarts > old) {
		report_add(report, SEVERITY_WARNING, "role", "", "", "%" PRIu64 " restarts since the check before",
			   now->restarts - old);
	}
	report_measure(report, "roles", roles->rows, "", "", "");
	report_measure(report, "restarts", now->restarts, "c", "", "");
}

void state_judge_zones(const struct facts *facts, struct report *report)
{
	uint64_t served = 0;
	for (size_t i = 0; i < facts->zone_count; i++) {
		const struct zone_facts *zone = &facts->zones[i];
		served += zone->served;
		if (!zone->served) {
			report_add(report, SEVERITY_CRITICAL, "zone", zone->view, zone->text, "is not served: %s", zone->detail);
		} else if (zone->old) {
			report_add(report, SEVERITY_WARNING, "zone", zone->view, zone->text, "is served from old data: %s",
				   zone->detail);
		}
	}
	report_measure(report, "zones", facts->zone_count, "", "", "");
	report_measure(report, "zones_served", served, "", "", "");
}

void state_judge_space(const char *state_dir, uint64_t free_octets, uint64_t all_octets, uint64_t image_octets,
		       struct report *report)
{
	char has[HUMAN_MAX];
	char needs[HUMAN_MAX];
	enum severity severity = SEVERITY_FINE;
	if (free_octets < image_octets || free_octets < all_octets / 100) {
		severity = SEVERITY_CRITICAL;
	} else if (free_octets / 2 < image_octets || free_octets < all_octets / 20) {
		severity = SEVERITY_WARNING;
	}
	if (severity != SEVERITY_FINE) {
		report_add(report, severity, "space", "", "", "%s free below %s; the images of all zones take %s",
			   human_size(free_octets, has), state_dir, human_size(image_octets, needs));
	}
	report_measure(report, "state_free", free_octets, "B", "", "");
}

void state_judge_clock(uint64_t now_sec, uint64_t built_sec, struct report *report)
{
	if (now_sec < built_sec) {
		report_add(report, SEVERITY_CRITICAL, "clock", "", "",
			   "is before the time this program was made: no signature can be judged");
	}
}
