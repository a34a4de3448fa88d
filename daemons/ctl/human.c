/*
 * Numbers for people. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/human.h"

#include <inttypes.h>
#include <stdio.h>

const char *human_duration(uint64_t sec, char out[HUMAN_MAX])
{
	if (sec < 60) {
		snprintf(out, HUMAN_MAX, "%us", (unsigned)sec);
	} else if (sec < 3600) {
		snprintf(out, HUMAN_MAX, "%um %02us", (unsigned)(sec / 60), (unsigned)(sec % 60));
	} else if (sec < 86400) {
		snprintf(out, HUMAN_MAX, "%uh %02um", (unsigned)(sec / 3600),
			 (unsigned)(sec / 60 % 60));
	} else {
		snprintf(out, HUMAN_MAX, "%" PRIu64 "d %02uh", sec / 86400,
			 (unsigned)(sec / 3600 % 24));
	}
	return out;
}

const char *human_size(uint64_t octets, char out[HUMAN_MAX])
{
	static const char units[] = "KMGTPE";
	if (octets < 1024) {
		snprintf(out, HUMAN_MAX, "%u", (unsigned)octets);
		return out;
	}
	unsigned unit = 0;
	uint64_t whole = octets;
	unsigned tenths = 0;
	for (;; unit++) {
		tenths = (unsigned)(whole % 1024 * 10 / 1024);
		whole /= 1024;
		if (whole < 1024 || units[unit + 1] == '\0') {
			break;
		}
	}
	if (whole < 10) {
		snprintf(out, HUMAN_MAX, "%u.%u%c", (unsigned)whole, tenths, units[unit]);
	} else {
		snprintf(out, HUMAN_MAX, "%u%c", (unsigned)whole, units[unit]);
	}
	return out;
}

const char *human_count(uint64_t count, char out[HUMAN_MAX])
{
	static const char units[] = "kMGTPE";
	if (count < 10000) {
		snprintf(out, HUMAN_MAX, "%" PRIu64, count);
		return out;
	}
	unsigned unit = 0;
	uint64_t whole = count;
	unsigned tenths = 0;
	for (;; unit++) {
		tenths = (unsigned)(whole % 1000 / 100);
		whole /= 1000;
		if (whole < 1000 || units[unit + 1] == '\0') {
			break;
		}
	}
	if (whole < 100) {
		snprintf(out, HUMAN_MAX, "%u.%u%c", (unsigned)whole, tenths, units[unit]);
	} else {
		snprintf(out, HUMAN_MAX, "%u%c", (unsigned)whole, units[unit]);
	}
	return out;
}

const char *human_rate(uint64_t count, uint64_t ms, char out[HUMAN_MAX])
{
	if (ms == 0) {
		out[0] = '\0';
		return out;
	}
	double rate = (double)count * 1000 / (double)ms;
	if (rate > 0 && rate < 9.95) {
		snprintf(out, HUMAN_MAX, "%.1f", rate);
		return out;
	}
	return human_count(rate < 1e19 ? (uint64_t)(rate + 0.5) : UINT64_MAX, out);
}
