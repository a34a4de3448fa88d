/*
 * Resource limits, and no memory image on disk or to a debugger.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "sandbox/walls.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct limit {
	int resource;
	const char *name;
	rlim_t value;
};

#define LIMITS 9

static rlim_t or_infinite(uint64_t value)
{
	return value == 0 ? RLIM_INFINITY : (rlim_t)value;
}

static void limits_of(const struct sandbox_profile *profile, struct limit out[LIMITS])
{
#ifdef BH_SANITIZERS
	rlim_t memory = RLIM_INFINITY; /* their shadow memory reserves terabytes of addresses */
#else
	rlim_t memory = or_infinite(profile->memory_max);
#endif
	const struct limit limits[LIMITS] = {
		{ RLIMIT_CORE, "core", 0 },
		{ RLIMIT_NPROC, "nproc", 0 }, /* counts at fork: it cannot */
		{ RLIMIT_NOFILE, "nofile", (rlim_t)profile->files_max },
		{ RLIMIT_FSIZE, "fsize", (rlim_t)profile->file_size_max },
		{ RLIMIT_AS, "as", memory },
		{ RLIMIT_CPU, "cpu", or_infinite(profile->cpu_max_sec) },
		{ RLIMIT_MEMLOCK, "memlock", 0 },
		{ RLIMIT_MSGQUEUE, "msgqueue", 0 },
		{ RLIMIT_RTPRIO, "rtprio", 0 },
	};
	memcpy(out, limits, sizeof(limits));
}

int rlimit_set(const struct sandbox_profile *profile, const struct why *why)
{
	struct limit limits[LIMITS];

	limits_of(profile, limits);
	for (size_t i = 0; i < LIMITS; i++) {
		struct rlimit now;
		if (getrlimit((__rlimit_resource_t)limits[i].resource, &now) != 0) {
			return why_errno(why, "limits: read %s", limits[i].name);
		}
		/* An administrator's tighter limit stays. */
		if (now.rlim_max < limits[i].value) {
			continue;
		}
		struct rlimit wanted = { .rlim_cur = limits[i].value, .rlim_max = limits[i].value };
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &wanted) != 0) {
			return why_errno(why, "limits: set %s", limits[i].name);
		}
	}
	return BH_OK;
}

bool rlimit_stands(const struct sandbox_profile *profile, const struct why *why)
{
	struct limit limits[LIMITS];

	limits_of(profile, limits);
	for (size_t i = 0; i < LIMITS; i++) {
		struct rlimit now;
		if (getrlimit((__rlimit_resource_t)limits[i].resource, &now) != 0 ||
		    now.rlim_cur > limits[i].value || now.rlim_max > limits[i].value) {
			return why_not(why, "limits: %s is too high", limits[i].name);
		}
	}
	return true;
}

bool rlimit_core_stands(const struct why *why)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_CORE, &now) != 0 || now.rlim_cur != 0 || now.rlim_max != 0) {
		return why_not(why, "core dumps: possible");
	}
	return true;
}

int rlimit_no_dump(const struct why *why)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0) {
		return why_errno(why, "core dumps: forbid");
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return why_errno(why, "dumpable: forbid");
	}
	return BH_OK;
}
