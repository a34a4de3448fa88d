/*
 * Landlock, where the kernel has it: a second lock behind the changed root and the filter. Everything the
 * running kernel's version can forbid is forbidden; the compiler may read below its root.
 *
 * The kernel's interface is written out here, so that the same program uses what a newer kernel knows than
 * the headers it was built with.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers are the same on every architecture. */
enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

/* Rights over files, by the version of the interface that brought them. */
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_VERSION_1 ((UINT64_C(1) << 13) - 1) /* execute ... make symbolic links */
#define FS_REFER (UINT64_C(1) << 13)	       /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)	       /* 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)       /* 5 */
/* 4: TCP. */
#define NET_BIND_TCP UINT64_C(1)
#define NET_CONNECT_TCP UINT64_C(2)
/* 6: processes outside the same sandbox. */
#define SCOPE_ABSTRACT_UNIX UINT64_C(1)
#define SCOPE_SIGNAL UINT64_C(2)

struct ruleset_attr {
	uint64_t handled_fs;
	uint64_t handled_net; /* since 4 */
	uint64_t scoped;      /* since 6 */
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static size_t attr_for(long version, const struct sandbox_profile *profile, struct ruleset_attr *attr)
{
	*attr = (struct ruleset_attr){ .handled_fs = FS_VERSION_1 };
	if (version >= 2) {
		attr->handled_fs |= FS_REFER;
	}
	if (version >= 3) {
		attr->handled_fs |= FS_TRUNCATE;
	}
	if (version >= 5) {
		attr->handled_fs |= FS_IOCTL_DEV;
	}
	if (version < 4) {
		return sizeof(attr->handled_fs);
	}
	/* A role without its own network is one that must use the real one. */
	if (profile->namespaces & SANDBOX_NET) {
		attr->handled_net = NET_BIND_TCP | NET_CONNECT_TCP;
	}
	if (version < 6) {
		return sizeof(attr->handled_fs) + sizeof(attr->handled_net);
	}
	attr->scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return sizeof(*attr);
}

static int allow_reading(int ruleset, const struct why *why)
{
	struct path_beneath_attr beneath = {
		.allowed = FS_READ_FILE | FS_READ_DIR,
		.parent_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (beneath.parent_fd < 0) {
		return why_errno(why, "landlock: open the root");
	}
	int err = BH_OK;
	if (syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &beneath, 0) != 0) {
		err = why_errno(why, "landlock: allow reading");
	}
	close(beneath.parent_fd);
	return err;
}

/* Really try: even the empty root cannot be listed any more. */
static int root_is_shut(const struct why *why)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != EACCES) {
		if (fd >= 0) {
			close(fd);
			errno = EPERM;
		}
		return why_errno(why, "landlock: the root can still be opened");
	}
	return BH_OK;
}

int landlock_raise(const struct sandbox_profile *profile, bool *found, const struct why *why)
{
	struct ruleset_attr attr;
	long version = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	*found = false;
	/* EPERM is not the kernel's answer to this question, but that of a container whose filter does not know it. */
	if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM)) {
		return BH_OK;
	}
	if (version < 1) {
		return why_errno(why, "landlock: ask for its version");
	}
	int ruleset = (int)syscall(NR_CREATE_RULESET, &attr, attr_for(version, profile, &attr), 0);
	if (ruleset < 0) {
		return why_errno(why, "landlock: make a ruleset");
	}
	int err = BH_OK;
	if (profile->zone_root) {
		err = allow_reading(ruleset, why);
	}
	if (err == BH_OK && syscall(NR_RESTRICT_SELF, ruleset, 0) != 0) {
		err = why_errno(why, "landlock: restrict");
	}
	if (close(ruleset) != 0 && err == BH_OK) {
		err = why_errno(why, "landlock: close the ruleset");
	}
	if (err == BH_OK && !profile->zone_root) {
		err = root_is_shut(why);
	}
	*found = err == BH_OK;
	return err;
}
