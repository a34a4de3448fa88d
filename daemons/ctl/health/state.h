/*
 * Judging what the appliance says of itself: roles, walls, zones, restarts, versions; and the clock and the disk it stands on.
 * Pure functions: rows and numbers in, findings out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_STATE_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct facts;
struct report;

/* A role that was started again this short ago is worth a look. Without --state: of checks before, nothing is known. */
#define STATE_RESTART_RECENT_SEC 3600

struct state_before {
	bool known;	   /* a check before left its number */
	uint64_t restarts; /* of all roles */
	uint64_t started;  /* pid of the supervisor: another one counts from 0 again */
};

/* Rows "appliance" and "role". version: of this program. now is filled with what the next check is to know. */
void state_judge(const struct answer *status, const char *version, const struct state_before *before,
		 struct state_before *now, struct report *report);

/* Rows "zone": those that are not served, or from old data. */
void state_judge_zones(const struct facts *facts, struct report *report);

/*
 * Room below state-dir: free_octets of all_octets. Images are written beside the ones they replace, so as much as all images take
 * must be free.
 */
void state_judge_space(const char *state_dir, uint64_t free_octets, uint64_t all_octets, uint64_t image_octets,
		       struct report *report);

/* Is the clock fit for judging signatures? built_sec: when this program was made, so it is later now. */
void state_judge_clock(uint64_t now_sec, uint64_t built_sec, struct report *report);

#endif
