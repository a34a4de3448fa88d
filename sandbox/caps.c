/*
 * Capabilities. A child on its way to a role keeps CAP_SYS_CHROOT alone, with an empty bounding set; the role
 * gives it away in sandbox_enter. The supervisor keeps a short list, with a reason for each.
 *
 * Raised with libcap-ng, proved with the bare kernel interface: a fault of the one does not hide in the other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/walls.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What the supervisor needs to start a role again and to open a listener again. Not here, on purpose:
 * CAP_SYS_PTRACE and CAP_DAC_* (it must not read roles' memory or others' files: the configuration
 * belongs to root, zone files are read by the compiler's own user), CAP_NET_RAW (an unbound socket may be tied
 * to a device without it), CAP_CHOWN and CAP_FOWNER (files are made with the right owner at start).
 */
static const unsigned supervisor_caps[] = {
	CAP_SYS_ADMIN,	      /* namespaces and mounts of a new role */
	CAP_SYS_CHROOT,	      /* handed to the role until its root is changed */
	CAP_SETUID,	      /* the role's user */
	CAP_SETGID,	      /* the role's group, no extra groups */
	CAP_SETPCAP,	      /* empty the role's bounding set, lock its securebits */
	CAP_KILL,	      /* end a role that hangs or breaks its protocol: it has another user */
	CAP_NET_BIND_SERVICE, /* open port 53 again on reload */
};

/* Being root gives no privileges any more, and changes of ids do not move capabilities; for good. */
#define ROLE_SECUREBITS                                                         \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |        \
	 SECBIT_NO_SETUID_FIXUP_LOCKED)

/* Highest capability the kernel knows; it answers EINVAL above. 63 is the width of the sets. */
static unsigned last_cap(void)
{
	unsigned cap = 0;
	while (cap < 63 && prctl(PR_CAPBSET_READ, (unsigned long)cap + 1, 0, 0, 0) >= 0) {
		cap++;
	}
	return cap;
}

struct cap_sets {
	uint64_t effective, permitted, inheritable, bounding, ambient;
};

static int read_sets(struct cap_sets *out)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	memset(out, 0, sizeof(*out));
	if (syscall(SYS_capget, &header, data) != 0) {
		return BH_ESYS;
	}
	out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	for (unsigned cap = 0, last = last_cap(); cap <= last; cap++) {
		int bounding = prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0);
		int ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, (unsigned long)cap, 0, 0);
		if (bounding < 0 || ambient < 0) {
			return BH_ESYS;
		}
		out->bounding |= (uint64_t)(bounding != 0) << cap;
		out->ambient |= (uint64_t)(ambient != 0) << cap;
	}
	return BH_OK;
}

int caps_confine(const struct sandbox_ids *ids, const struct why *why)
{
	if (ids->uid == 0 || ids->gid == 0) {
		errno = EINVAL;
		return why_errno(why, "capabilities: a role may not be root");
	}
	if (prctl(PR_SET_SECUREBITS, (unsigned long)ROLE_SECUREBITS, 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: lock securebits");
	}
	/*
	 * libcap-ng remembers the thread it looked at first: after the bare clone of sandbox_fork, which runs no
	 * pthread_atfork handler, that is still the supervisor. 0 is whoever calls.
	 */
	capng_setpid(0);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE, CAP_SYS_CHROOT) != 0) {
		return why_errno(why, "capabilities: choose");
	}
	/*
	 * One step: groups, ids, bounding set, capability sets. It leaves no CAP_SETPCAP, so the bounding set
	 * must be empty from here on; the inheritable bit was set before and stays.
	 */
	errno = 0;
	int err = capng_change_id((int)ids->uid, (int)ids->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (err != 0) {
		return why_errno(why, "capabilities: change to uid %u gid %u (step %d)", (unsigned)ids->uid,
				 (unsigned)ids->gid, err);
	}
	/* Ambient: kept through exec by a user who is not root. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)CAP_SYS_CHROOT, 0, 0) != 0) {
		return why_errno(why, "capabilities: keep CAP_SYS_CHROOT through exec");
	}
	struct cap_sets sets;
	if (read_sets(&sets) != BH_OK) {
		return why_errno(why, "capabilities: read back");
	}
	uint64_t chroot_only = UINT64_C(1) << CAP_SYS_CHROOT;
	if (sets.effective != chroot_only || sets.permitted != chroot_only || sets.inheritable != chroot_only ||
	    sets.ambient != chroot_only || sets.bounding != 0) {
		errno = EPERM;
		return why_errno(why, "capabilities: more than CAP_SYS_CHROOT is left");
	}
	return BH_OK;
}

int caps_drop_all(const struct why *why)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: clear the ambient set");
	}
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
		return why_errno(why, "capabilities: give all away");
	}
	return BH_OK;
}

int caps_drop_for_good(const struct why *why)
{
	if (prctl(PR_SET_SECUREBITS, (unsigned long)ROLE_SECUREBITS, 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: lock securebits");
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: clear the ambient set");
	}
	capng_setpid(0); /* whoever calls, as in caps_confine */
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) != 0) {
		return why_errno(why, "capabilities: give all away for good");
	}
	return BH_OK;
}

bool caps_none_stands(const struct why *why)
{
	struct cap_sets sets;

	if (read_sets(&sets) != BH_OK) {
		return why_not(why, "capabilities: cannot be read");
	}
	if ((sets.effective | sets.permitted | sets.inheritable | sets.ambient) != 0) {
		return why_not(why, "capabilities: some are left");
	}
	if (sets.bounding != 0) {
		return why_not(why, "capabilities: the bounding set is not empty");
	}
	if ((prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & ROLE_SECUREBITS) != ROLE_SECUREBITS) {
		return why_not(why, "capabilities: securebits are not locked");
	}
	return true;
}

uint64_t caps_supervisor_set(void)
{
	uint64_t set = 0;
	for (size_t i = 0; i < COUNT(supervisor_caps); i++) {
		set |= UINT64_C(1) << supervisor_caps[i];
	}
	return set;
}

int caps_keep_supervisor(const struct why *why)
{
	/* Not SECBIT_KEEP_CAPS_LOCKED: the change of ids of each role needs that bit for a moment. */
	if (prctl(PR_SET_SECUREBITS, (unsigned long)(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED), 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: lock securebits");
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
		return why_errno(why, "capabilities: clear the ambient set");
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < COUNT(supervisor_caps); i++) {
		/* In the bounding set too: else a role's child could not make CAP_SYS_CHROOT inheritable. */
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				 supervisor_caps[i]) != 0) {
			return why_errno(why, "capabilities: choose");
		}
	}
	if (capng_apply(CAPNG_SELECT_BOTH) != 0) {
		return why_errno(why, "capabilities: keep only the supervisor's");
	}
	return BH_OK;
}

int caps_carry(const struct why *why)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	if (syscall(SYS_capget, &header, data) != 0) {
		return why_errno(why, "capabilities: read");
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].inheritable = data[i].permitted;
	}
	if (syscall(SYS_capset, &header, data) != 0) {
		return why_errno(why, "capabilities: make inheritable");
	}
	for (size_t i = 0; i < COUNT(supervisor_caps); i++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)supervisor_caps[i], 0, 0) != 0) {
			return why_errno(why, "capabilities: keep %u through exec", supervisor_caps[i]);
		}
	}
	return BH_OK;
}

bool caps_supervisor_stands(const struct why *why)
{
	struct cap_sets sets;
	uint64_t set = caps_supervisor_set();

	if (read_sets(&sets) != BH_OK) {
		return why_not(why, "capabilities: cannot be read");
	}
	if (sets.effective != set || sets.permitted != set || sets.bounding != set || sets.inheritable != 0 ||
	    sets.ambient != 0) {
		return why_not(why, "capabilities: not exactly the supervisor's");
	}
	return true;
}

int caps_no_new_privs(const struct why *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return why_errno(why, "no new privileges: set");
	}
	return BH_OK;
}
