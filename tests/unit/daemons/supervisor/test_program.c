/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/program.h"

#include "common/util/count.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directory of the role programs, which are copies of none: nothing is executed here. */
static char dir[] = "/tmp/test-program-XXXXXX";
static struct program program;
static char why[512];

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Another file each time, put in place by rename. */
static void put(const char *name, mode_t mode)
{
	char aside[128];
	snprintf(aside, sizeof(aside), "%s", path_of("aside"));
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && fchmod(fd, mode) == 0 && close(fd) == 0);
	cr_assert_eq(rename(aside, path_of(name)), 0);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		put(role_text(program_roles[i]), 0755);
	}
	cr_assert_eq(program_look(&program, dir), BH_OK);
	why[0] = '\0';
}

static void teardown(void)
{
	program_release(&program);
	for (size_t i = 0; i < PROGRAM_ROLES; i++) {
		(void)unlink(path_of(role_text(program_roles[i])));
	}
	cr_assert_eq(rmdir(dir), 0);
}

TestSuite(program, .init = setup, .fini = teardown);

static ino_t inode_of(int fd)
{
	struct stat st;
	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

Test(program, held_ones_stay_whatever_happens_to_their_files)
{
	cr_assert_eq(program_hold(&program, why, sizeof(why)), BH_OK, "%s", why);
	int fd = program_of_role(&program, ROLE_RESOLVER, why, sizeof(why));
	cr_assert(fd >= 0);
	ino_t before = inode_of(fd);
	cr_expect(!program_changed(&program));
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);

	put("resolver", 0755);
	cr_expect(program_changed(&program));
	cr_expect_eq(program_of_role(&program, ROLE_RESOLVER, why, sizeof(why)), fd);
	cr_assert_eq(program_hold(&program, why, sizeof(why)), BH_OK);
	cr_expect_eq(inode_of(program_of_role(&program, ROLE_RESOLVER, why, sizeof(why))), before);

	cr_assert_eq(unlink(path_of("resolver")), 0);
	cr_expect(!program_changed(&program), "a file that is gone cannot take over");
	cr_expect_eq(program_of_role(&program, ROLE_RESOLVER, why, sizeof(why)), fd);
}

Test(program, a_changed_time_is_another_file)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	cr_assert_eq(program_hold(&program, why, sizeof(why)), BH_OK);
	cr_assert_eq(utimensat(AT_FDCWD, path_of("compiler"), times, 0), 0);
	cr_expect(program_changed(&program));
}

Test(program, one_that_is_missing_is_looked_for_again)
{
	cr_assert_eq(unlink(path_of("frontend")), 0);
	cr_assert_lt(program_hold(&program, why, sizeof(why)), 0);
	cr_expect_not_null(strstr(why, "/frontend: No such file"), "%s", why);
	cr_expect(program_of_role(&program, ROLE_RESOLVER, why, sizeof(why)) >= 0, "the others are held");
	cr_expect_lt(program_of_role(&program, ROLE_FRONTEND, why, sizeof(why)), 0);
	put("frontend", 0755);
	cr_expect(program_changed(&program));
	cr_expect(program_of_role(&program, ROLE_FRONTEND, why, sizeof(why)) >= 0, "%s", why);
	cr_expect(!program_changed(&program));
}

Test(program, the_first_reason_is_told)
{
	cr_assert_eq(unlink(path_of(role_text(program_roles[1]))), 0);
	put(role_text(program_roles[2]), 0644);
	cr_assert_lt(program_hold(&program, why, sizeof(why)), 0);
	cr_expect_not_null(strstr(why, role_text(program_roles[1])), "%s", why);
}

Test(program, roles_without_a_program)
{
	cr_expect_eq(program_of_role(&program, ROLE_CONTROL, why, sizeof(why)), BH_ENOENT);
}

/* The owner is whoever runs this; who is somebody else is for root to try. */
Test(program, only_what_nobody_else_may_write)
{
	static const struct {
		mode_t mode;
		bool directory;
		uid_t owner; /* 0: as it is */
		int role; /* as a role program */
		int own;  /* as bulkheadd itself, by root */
	} cases[] = {
		{ 0755, false, 0, BH_OK, BH_OK },	   { 0555, false, 0, BH_OK, BH_OK },
		{ 0644, false, 0, BH_EPERM, BH_EPERM },	   { 0757, false, 0, BH_EPERM, BH_EPERM },
		{ 0755, true, 0, BH_EPERM, BH_EPERM },	   { 0755, false, 65534, BH_EPERM, BH_EPERM },
		{ 0000, false, 0, BH_EPERM, BH_EPERM },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *path = path_of("monitor");
		(void)unlink(path);
		if (cases[i].directory) {
			cr_assert_eq(mkdir(path, 0755), 0);
		} else {
			put("monitor", cases[i].mode);
		}
		if (cases[i].owner != 0 && chown(path, cases[i].owner, 0) != 0) {
			cr_log_warn("skipped: another owner needs root");
		} else {
			int fd = program_of_role(&program, ROLE_MONITOR, why, sizeof(why));
			cr_expect(cases[i].role == BH_OK ? fd >= 0 : fd == cases[i].role, "case %zu: role: %d %s", i, fd, why);
			program_release(&program);
			fd = geteuid() == 0 ? program_open(path, why, sizeof(why)) : cases[i].own;
			cr_expect(cases[i].own == BH_OK ? fd >= 0 : fd == cases[i].own, "case %zu: own: %d %s", i, fd, why);
			if (fd > 0) {
				close(fd);
			}
		}
		(void)rmdir(path_of("monitor"));
	}
}

/* A build tree may be its group's to write, and then its programs may be as well; an installed one may not. */
Test(program, a_group_may_write_no_more_than_it_can_write_this)
{
	struct stat self;
	cr_assert_eq(stat("/proc/self/exe", &self), 0);
	put("monitor", 0775);
	int fd = program_of_role(&program, ROLE_MONITOR, why, sizeof(why));
	struct stat st;
	cr_assert_eq(stat(path_of("monitor"), &st), 0);
	cr_expect_eq(fd >= 0, (self.st_mode & S_IWGRP) != 0 && st.st_gid == self.st_gid, "%s", why);
}
