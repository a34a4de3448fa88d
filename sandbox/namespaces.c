/*
 * Namespaces: made by clone(2) in the supervisor, proved by the role. A namespace is a number in
 * /proc/self/ns; the supervisor remembers its own and its child finds them in the environment, so the
 * role can see that its numbers are others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct kind {
	enum sandbox_namespace kind;
	int clone_flag;
	const char *name; /* below /proc/self/ns */
} kinds[] = {
	{ SANDBOX_NET, CLONE_NEWNET, "net" },	   { SANDBOX_IPC, CLONE_NEWIPC, "ipc" },
	{ SANDBOX_MOUNT, CLONE_NEWNS, "mnt" },	   { SANDBOX_PID, CLONE_NEWPID, "pid" },
	{ SANDBOX_UTS, CLONE_NEWUTS, "uts" },	   { SANDBOX_CGROUP, CLONE_NEWCGROUP, "cgroup" },
};
#define KINDS COUNT(kinds)

/* The supervisor's namespaces as of its last sandbox_clone_flags; 0: not known. */
static uint64_t supervisor_ns[KINDS];

/* Number of one of our namespaces, 0 when it cannot be read. */
static uint64_t own_number(const struct kind *kind)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind->name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

int sandbox_clone_flags(const struct sandbox_profile *profile)
{
	int flags = 0;

	for (size_t i = 0; i < KINDS; i++) {
		supervisor_ns[i] = own_number(&kinds[i]);
		if (profile->namespaces & kinds[i].kind) {
			flags |= kinds[i].clone_flag;
		}
	}
	return flags;
}

pid_t sandbox_fork(const struct sandbox_profile *profile)
{
	/* The bare call: fork(3) takes no flags. No stack: the child goes on with a copy of ours. */
	unsigned long flags = (unsigned long)(sandbox_clone_flags(profile) | SIGCHLD);

	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

int namespaces_tell_child(const struct why *why)
{
	char text[256];
	size_t pos = 0;

	for (size_t i = 0; i < KINDS; i++) {
		if (supervisor_ns[i] == 0) {
			errno = ENOENT;
			return why_errno(why, "namespaces: /proc/self/ns/%s of the supervisor", kinds[i].name);
		}
		int n = snprintf(text + pos, sizeof(text) - pos, "%s=%" PRIu64 " ", kinds[i].name,
				 supervisor_ns[i]);
		if (n < 0 || (size_t)n >= sizeof(text) - pos) {
			errno = ENOSPC;
			return why_errno(why, "namespaces: tell the role");
		}
		pos += (size_t)n;
	}
	if (clearenv() != 0 || setenv(NAMESPACES_VARIABLE, text, 1) != 0) {
		return why_errno(why, "namespaces: tell the role");
	}
	return BH_OK;
}

/* The supervisor's number of this kind from the environment, 0 when it is not there. */
static uint64_t told_number(const struct kind *kind)
{
	char start[16];
	const char *text = getenv(NAMESPACES_VARIABLE);

	if (text == NULL) {
		return 0;
	}
	snprintf(start, sizeof(start), "%s=", kind->name);
	const char *at = strstr(text, start);
	if (at == NULL) {
		return 0;
	}
	uint64_t number = strtoull(at + strlen(start), NULL, 10);
	return number == UINT64_MAX ? 0 : number;
}

bool namespaces_own_stands(enum sandbox_namespace kind, const struct why *why)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].kind != kind) {
			continue;
		}
		uint64_t told = told_number(&kinds[i]);
		uint64_t own = own_number(&kinds[i]);
		if (told == 0 || own == 0) {
			return why_not(why, "%s namespace: %s is not known", kinds[i].name,
				       told == 0 ? "the supervisor's" : "the own one");
		}
		if (told == own) {
			return why_not(why, "%s namespace: is the supervisor's", kinds[i].name);
		}
		/* Alone in it: the first process of a PID namespace. */
		if (kind == SANDBOX_PID && getpid() != 1) {
			return why_not(why, "pid namespace: not its first process");
		}
		return true;
	}
	return why_not(why, "namespace: unknown kind %u", (unsigned)kind);
}

int namespaces_check_child(const struct sandbox_profile *profile, const struct why *why)
{
	for (size_t i = 0; i < KINDS; i++) {
		if ((profile->namespaces & kinds[i].kind) && !namespaces_own_stands(kinds[i].kind, why)) {
			return BH_EPERM;
		}
	}
	return BH_OK;
}

bool namespaces_net_stands(const struct why *why)
{
	bool stands = false;
	struct if_nameindex *list = NULL;
	/* Interface flags can be asked through a socket of any family. */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || (list = if_nameindex()) == NULL) {
		why_not(why, "net namespace: interfaces cannot be listed: %s", strerror(errno));
		goto out;
	}
	for (const struct if_nameindex *i = list; i->if_index != 0; i++) {
		struct ifreq request;
		memset(&request, 0, sizeof(request));
		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", i->if_name);
		if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
			why_not(why, "net namespace: state of %s: %s", i->if_name, strerror(errno));
			goto out;
		}
		if (request.ifr_flags & IFF_UP) {
			why_not(why, "net namespace: interface %s is up", i->if_name);
			goto out;
		}
	}
	stands = true;
out:
	if (list != NULL) {
		if_freenameindex(list);
	}
	if (fd >= 0) {
		close(fd);
	}
	return stands;
}
