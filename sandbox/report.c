/*
 * Which walls stand, read back from the kernel. Says in why what is wrong with the first that is required
 * and does not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include "common/ipc/conf.h"
#include "common/util/count.h"

#include <stdio.h>
#include <sys/prctl.h>

/* Only the first finding about a required wall is kept: later ones are usually its consequences. */
struct finder {
	const struct why *why;
	uint32_t required;
	uint32_t walls;
};

static void found(struct finder *f, uint32_t bit, bool stands, const struct why *said)
{
	if (stands) {
		f->walls |= bit;
	} else if ((f->required & bit) && f->why->text[0] == '\0') {
		snprintf(f->why->text, f->why->size, "wall %s is missing: %s", sandbox_wall_text(bit), said->text);
	}
}

static bool no_new_privs_stands(const struct why *why)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || why_not(why, "no new privileges: not set");
}

static bool not_dumpable_stands(const struct why *why)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 || why_not(why, "dumpable: memory can be read");
}

uint32_t report_outside(const struct sandbox_profile *profile, const struct why *why)
{
	char text[256] = "";
	const struct why said = { text, sizeof(text) };
	struct finder f = { .why = why, .required = sandbox_required_walls(profile), .walls = 0 };

	found(&f, WALL_FDS, fds_stand(&said), &said);
	found(&f, WALL_OWN_MOUNTS, namespaces_own_stands(SANDBOX_MOUNT, &said), &said);
	found(&f, WALL_OWN_IPC, namespaces_own_stands(SANDBOX_IPC, &said), &said);
	found(&f, WALL_OWN_PID, namespaces_own_stands(SANDBOX_PID, &said), &said);
	if (profile->namespaces & SANDBOX_NET) {
		found(&f, WALL_EMPTY_NET,
		      namespaces_own_stands(SANDBOX_NET, &said) && namespaces_net_stands(&said), &said);
	} else {
		/* Not required here: only the supervisor knows whether it raised it. */
		found(&f, WALL_LOCAL, localwall_stands(&said), &said);
	}
	return f.walls;
}

uint32_t report_inside(const struct sandbox_profile *profile, const struct why *why)
{
	char text[256] = "";
	const struct why said = { text, sizeof(text) };
	struct finder f = { .why = why, .required = sandbox_required_walls(profile), .walls = 0 };

	found(&f, WALL_NO_CAPS, caps_none_stands(&said), &said);
	found(&f, WALL_NO_NEW_PRIVS, no_new_privs_stands(&said), &said);
	found(&f, WALL_NOT_DUMPABLE, not_dumpable_stands(&said), &said);
	found(&f, WALL_NO_CORE, rlimit_core_stands(&said), &said);
	found(&f, WALL_RLIMITS, rlimit_stands(profile, &said), &said);
	found(&f, WALL_EMPTY_ROOT, fs_root_stands(profile, &said), &said);
	return f.walls;
}

uint32_t sandbox_required_walls(const struct sandbox_profile *profile)
{
	static const struct {
		unsigned kind;
		uint32_t wall;
	} by_namespace[] = {
		{ SANDBOX_NET, WALL_EMPTY_NET },
		{ SANDBOX_MOUNT, WALL_OWN_MOUNTS },
		{ SANDBOX_IPC, WALL_OWN_IPC },
		{ SANDBOX_PID, WALL_OWN_PID },
	};
	uint32_t walls = WALL_NO_CAPS | WALL_NO_NEW_PRIVS | WALL_SECCOMP | WALL_NOT_DUMPABLE | WALL_NO_CORE |
			 WALL_EMPTY_ROOT | WALL_RLIMITS | WALL_FDS;

	for (size_t i = 0; i < COUNT(by_namespace); i++) {
		if (profile->namespaces & by_namespace[i].kind) {
			walls |= by_namespace[i].wall;
		}
	}
	return walls;
}

const char *sandbox_wall_text(uint32_t bit)
{
	switch ((enum wall_bits)bit) {
	case WALL_NO_CAPS:
		return "no-capabilities";
	case WALL_NO_NEW_PRIVS:
		return "no-new-privileges";
	case WALL_SECCOMP:
		return "seccomp";
	case WALL_NOT_DUMPABLE:
		return "not-dumpable";
	case WALL_NO_CORE:
		return "no-core";
	case WALL_EMPTY_ROOT:
		return "empty-root";
	case WALL_EMPTY_NET:
		return "empty-network";
	case WALL_OWN_MOUNTS:
		return "own-mounts";
	case WALL_OWN_IPC:
		return "own-ipc";
	case WALL_OWN_PID:
		return "own-pid";
	case WALL_LANDLOCK:
		return "landlock";
	case WALL_RLIMITS:
		return "limits";
	case WALL_FDS:
		return "descriptors";
	case WALL_LOCAL:
		return "local-wall";
	}
	return NULL;
}
