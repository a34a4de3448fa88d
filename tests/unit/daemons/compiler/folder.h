/*
 * A temporary folder with files for tests of the compiler.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_COMPILER_FOLDER_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_COMPILER_FOLDER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[64];
	int fd;
};

static inline struct folder folder_new(void)
{
	struct folder f = { .path = "/tmp/bulkhead-test-XXXXXX" };
	cr_assert_not_null(mkdtemp(f.path));
	f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(f.fd, 0);
	return f;
}

static inline void folder_put_bytes(const struct folder *f, const char *name, const void *bytes, size_t len)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0, "%s", name);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static inline void folder_put(const struct folder *f, const char *name, const char *text)
{
	folder_put_bytes(f, name, text, strlen(text));
}

static inline int folder_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void folder_free(struct folder *f)
{
	close(f->fd);
	nftw(f->path, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
