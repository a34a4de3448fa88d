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
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

int fs_make_root(const struct sandbox_profile *profile, const char *path, const struct why *why)
{
	/* Nothing that is mounted here may travel back to the supervisor's namespace. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		return why_errno(why, "root directory: make mounts private");
	}
	if (profile->zone_root) {
		/* Without MS_REC: other file systems mounted below the zone directory are not zone files. */
		if (mount(path, path, NULL, MS_BIND, NULL) != 0) {
			return why_errno(why, "root directory: bind %s", path);
		}
		if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | ROOT_FLAGS, NULL) != 0) {
			return why_errno(why, "root directory: make %s read-only", path);
		}
	} else if (mount("none", path, "tmpfs", ROOT_FLAGS, "mode=555,size=4k") != 0) {
		return why_errno(why, "root directory: empty file system on %s", path);
	}
	/* Survives exec, so no O_CLOEXEC on the second one. */
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return why_errno(why, "root directory: open %s", path);
	}
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
