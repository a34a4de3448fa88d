/*
 * Who a role is: its own session, its death with the supervisor, and the proof that its user is not
 * root and cannot become it. The change of ids itself is one step with the capabilities, in caps.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int ids_leave_session(const struct why *why)
{
	/* No controlling terminal, so nobody's keystrokes can be forged with TIOCSTI. */
	if (setsid() < 0) {
		return why_errno(why, "ids: new session");
	}
	return BH_OK;
}

int ids_die_with_parent(const struct why *why)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
		return why_errno(why, "ids: die with the supervisor");
	}
	return BH_OK;
}

bool ids_stand(const struct why *why)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;
	int death = 0;

	if (getresuid(&uid, &euid, &suid) != 0 || getresgid(&gid, &egid, &sgid) != 0) {
		return why_not(why, "ids: cannot be read");
	}
	if (uid == 0 || gid == 0) {
		return why_not(why, "ids: still root (uid %u, gid %u)", (unsigned)uid, (unsigned)gid);
	}
	if (euid != uid || suid != uid || egid != gid || sgid != gid) {
		return why_not(why, "ids: real, effective and saved ids differ");
	}
	if (getgroups(0, NULL) != 0) {
		return why_not(why, "ids: extra groups are left");
	}
	if (getsid(0) != getpid()) {
		return why_not(why, "ids: not in a session of its own");
	}
	/* Really try: one success would mean a way back. */
	if (setuid(0) == 0 || setresuid(0, 0, 0) == 0 || seteuid(0) == 0) {
		return why_not(why, "ids: user 0 could be taken");
	}
	if (setgid(0) == 0 || setresgid(0, 0, 0) == 0 || setgroups(1, &gid) == 0) {
		return why_not(why, "ids: group 0 could be taken");
	}
	if (prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0) != 0 || death != SIGKILL) {
		return why_not(why, "ids: would outlive the supervisor");
	}
	return true;
}
