/*
 * What a role sees of the file system: one directory, read only. Made in the child's own mount
 * namespace while it is still privileged, entered by the role itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT_ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/*
 * Both kinds of root are mounts that are attached nowhere: only their descriptor leads to them. So nothing can
 * travel to another mount namespace, no path is covered, nothing is to be cleaned up, and it does not matter
 * whether the supervisor's own root is a mount point (in a plain chroot it is not). The bare calls: C libraries
 * of kernels that have them do not all know them.
 */

/* An empty file system. Returns a descriptor or a negative error. */
static int open_empty_root(const struct why *why)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (context < 0) {
		return why_errno(why, "root directory: empty file system");
	}
	int fd = -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "555", 0) == 0 &&
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "4k", 0) == 0 &&
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
		fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, ROOT_ATTRIBUTES);
	}
	int err = fd < 0 ? why_errno(why, "root directory: empty file system") : fd;
	close(context);
	return err;
}

/* The directory, read only. Returns a descriptor or a negative error. */
static int open_zone_root(const char *path, const struct why *why)
{
	struct mount_attr attr = { .attr_set = ROOT_ATTRIBUTES, .propagation = MS_PRIVATE };
	/* Without AT_RECURSIVE: other file systems mounted below the zone directory are not zone files. */
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0) {
		return why_errno(why, "root directory: %s", path);
	}
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0) {
		int err = why_errno(why, "root directory: make %s read-only", path);
		close(fd);
		return err;
	}
	return fd;
}

int fs_make_root(const struct sandbox_profile *profile, const char *path, const struct why *why)
{
	if (!(profile->namespaces & SANDBOX_MOUNT)) {
		errno = EINVAL;
		return why_errno(why, "root directory: not without an own mount namespace");
	}
	int fd = profile->zone_root ? open_zone_root(path, why) : open_empty_root(why);
	if (fd < 0) {
		return fd;
	}
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		int err = why_errno(why, "root directory: %s", path);
		close(fd);
		return err;
	}
	/* Survives exec, so no O_CLOEXEC on the second one. */
	if (fd == FD_ROOT) {
		if (fcntl(fd, F_SETFD, 0) != 0) {
			return why_errno(why, "root directory: keep its descriptor");
		}
		return BH_OK;
	}
	int err = BH_OK;
	if (dup2(fd, FD_ROOT) < 0) {
		err = why_errno(why, "root directory: keep its descriptor");
	}
	close(fd);
	return err;
}

int fs_change_root(const struct why *why)
{
	struct stat wanted, got;

	if (fstat(FD_ROOT, &wanted) != 0 || fchdir(FD_ROOT) != 0) {
		return why_errno(why, "root directory: enter");
	}
	if (chroot(".") != 0) {
		return why_errno(why, "root directory: change");
	}
	if (chdir("/") != 0) {
		return why_errno(why, "root directory: leave the old one");
	}
	if (stat("/", &got) != 0) {
		return why_errno(why, "root directory: look at the new one");
	}
	if (got.st_dev != wanted.st_dev || got.st_ino != wanted.st_ino) {
		errno = EXDEV;
		return why_errno(why, "root directory: not the one that was prepared");
	}
	if (close(FD_ROOT) != 0) {
		return why_errno(why, "root directory: close its descriptor");
	}
	return BH_OK;
}

/* Nothing but "." and "..". */
static bool root_is_empty(const struct why *why)
{
	bool empty = true;
	DIR *dir = opendir("/");

	if (dir == NULL) {
		return why_not(why, "root directory: cannot be read: %s", strerror(errno));
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL) {
			if (errno != 0) {
				empty = why_not(why, "root directory: cannot be read: %s", strerror(errno));
			}
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			empty = why_not(why, "root directory: is not empty (%s)", entry->d_name);
			break;
		}
	}
	closedir(dir);
	return empty;
}

bool fs_root_stands(const struct sandbox_profile *profile, const struct why *why)
{
	const unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	struct statvfs mount_state;
	struct stat root, up, here;

	if (statvfs("/", &mount_state) != 0 || stat("/", &root) != 0 || stat("/..", &up) != 0 ||
	    stat(".", &here) != 0) {
		return why_not(why, "root directory: cannot be looked at: %s", strerror(errno));
	}
	if ((mount_state.f_flag & wanted) != wanted) {
		return why_not(why, "root directory: not mounted read-only, nosuid, nodev, noexec");
	}
	if (up.st_ino != root.st_ino || up.st_dev != root.st_dev || here.st_ino != root.st_ino ||
	    here.st_dev != root.st_dev) {
		return why_not(why, "root directory: there is something above it");
	}
	return profile->zone_root || root_is_empty(why);
}
