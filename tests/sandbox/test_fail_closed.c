/*
 * Each step of raising the walls is made to fail, or to lie about having been done: the role must not start,
 * and must say which wall it is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/sandbox/confined.h"

#include "common/ipc/conf.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANY (-1L)

static const struct fault_case {
	const char *what;
	const struct sandbox_profile *profile;
	struct fault confine;
	struct fault enter;
	const char *end;
	const char *says; /* part of the log */
} fault_cases[] = {
	/* the supervisor's child: a call fails */
	{ "setsid fails", &sandbox_authority, { SYS_setsid, ANY, false }, { 0 }, "confine failed",
	  "ids: new session: Operation not permitted" },
	{ "fsopen fails", &sandbox_authority, { SYS_fsopen, ANY, false }, { 0 }, "confine failed",
	  "root directory: empty file system: Operation not permitted" },
	{ "fsconfig fails", &sandbox_authority, { SYS_fsconfig, ANY, false }, { 0 }, "confine failed",
	  "root directory: empty file system" },
	{ "fsmount fails", &sandbox_authority, { SYS_fsmount, ANY, false }, { 0 }, "confine failed",
	  "root directory: empty file system" },
	{ "open_tree fails", &sandbox_compiler, { SYS_open_tree, ANY, false }, { 0 }, "confine failed",
	  "root directory: /tmp/confined." },
	{ "mount_setattr fails", &sandbox_compiler, { SYS_mount_setattr, ANY, false }, { 0 }, "confine failed",
	  "root directory: make /tmp/confined." },
	{ "dup2 fails", &sandbox_authority, { SYS_dup2, ANY, false }, { 0 }, "confine failed",
	  "root directory: keep its descriptor" },
	{ "securebits fail", &sandbox_authority, { SYS_prctl, PR_SET_SECUREBITS, false }, { 0 }, "confine failed",
	  "capabilities: lock securebits" },
	{ "keepcaps fails", &sandbox_authority, { SYS_prctl, PR_SET_KEEPCAPS, false }, { 0 }, "confine failed",
	  "capabilities: change to uid 64200 gid 64210" },
	{ "bounding set fails", &sandbox_authority, { SYS_prctl, PR_CAPBSET_DROP, false }, { 0 },
	  "confine failed", "capabilities: more than CAP_SYS_CHROOT is left" },
	{ "setgroups fails", &sandbox_authority, { SYS_setgroups, ANY, false }, { 0 }, "confine failed",
	  "capabilities: change to uid" },
	{ "setresgid fails", &sandbox_authority, { SYS_setresgid, ANY, false }, { 0 }, "confine failed",
	  "capabilities: change to uid" },
	{ "setresuid fails", &sandbox_authority, { SYS_setresuid, ANY, false }, { 0 }, "confine failed",
	  "capabilities: change to uid" },
	{ "capset fails", &sandbox_authority, { SYS_capset, ANY, false }, { 0 }, "confine failed",
	  "capabilities: change to uid" },
	{ "ambient set fails", &sandbox_authority, { SYS_prctl, PR_CAP_AMBIENT, false }, { 0 }, "confine failed",
	  "capabilities: " },
	{ "no_new_privs fails", &sandbox_authority, { SYS_prctl, PR_SET_NO_NEW_PRIVS, false }, { 0 },
	  "confine failed", "no new privileges: set" },
	{ "death signal fails", &sandbox_authority, { SYS_prctl, PR_SET_PDEATHSIG, false }, { 0 },
	  "confine failed", "ids: die with the supervisor" },

	/* the supervisor's child: a call claims success; if it does not notice, the role must */
	{ "setsid lies", &sandbox_authority, { SYS_setsid, ANY, true }, { 0 }, "does not start",
	  "ids: not in a session of its own" },
	{ "fsconfig lies", &sandbox_authority, { SYS_fsconfig, ANY, true }, { 0 }, "confine failed",
	  "root directory: empty file system" },
	{ "fsmount lies", &sandbox_authority, { SYS_fsmount, ANY, true }, { 0 }, "confine failed",
	  "root directory: " },
	{ "open_tree lies", &sandbox_compiler, { SYS_open_tree, ANY, true }, { 0 }, "confine failed",
	  "root directory: " },
	{ "mount_setattr lies", &sandbox_compiler, { SYS_mount_setattr, ANY, true }, { 0 }, "does not start",
	  "wall empty-root is missing: root directory: not mounted read-only" },
	{ "dup2 lies", &sandbox_authority, { SYS_dup2, ANY, true }, { 0 }, "does not start",
	  "wall descriptors is missing: descriptors: 4 is " },
	{ "securebits lie", &sandbox_authority, { SYS_prctl, PR_SET_SECUREBITS, true }, { 0 }, "does not start",
	  "wall no-capabilities is missing: capabilities: securebits are not locked" },
	{ "bounding set lies", &sandbox_authority, { SYS_prctl, PR_CAPBSET_DROP, true }, { 0 }, "confine failed",
	  "capabilities: more than CAP_SYS_CHROOT is left" },
	{ "setgroups lies", &sandbox_authority, { SYS_setgroups, ANY, true }, { 0 }, "does not start",
	  "ids: extra groups are left" },
	{ "setresgid lies", &sandbox_authority, { SYS_setresgid, ANY, true }, { 0 }, "does not start",
	  "ids: still root" },
	{ "setresuid lies", &sandbox_authority, { SYS_setresuid, ANY, true }, { 0 }, "does not start",
	  "ids: still root" },
	{ "capset lies", &sandbox_authority, { SYS_capset, ANY, true }, { 0 }, "confine failed",
	  "capabilities: " },
	{ "ambient set lies", &sandbox_authority, { SYS_prctl, PR_CAP_AMBIENT, true }, { 0 }, "confine failed",
	  "capabilities: more than CAP_SYS_CHROOT is left" },
	{ "no_new_privs lies", &sandbox_authority, { SYS_prctl, PR_SET_NO_NEW_PRIVS, true }, { 0 },
	  "does not start", "wall no-new-privileges is missing" },
	{ "death signal lies", &sandbox_authority, { SYS_prctl, PR_SET_PDEATHSIG, true }, { 0 }, "does not start",
	  "ids: would outlive the supervisor" },

	/* the role: a call fails */
	{ "close_range fails", &sandbox_authority, { 0 }, { SYS_close_range, ANY, false }, "does not start",
	  "descriptors: close the inherited ones: Operation not permitted" },
	{ "fchdir fails", &sandbox_authority, { 0 }, { SYS_fchdir, ANY, false }, "does not start",
	  "root directory: enter: Operation not permitted" },
	{ "chroot fails", &sandbox_authority, { 0 }, { SYS_chroot, ANY, false }, "does not start",
	  "root directory: change: Operation not permitted" },
	{ "chdir fails", &sandbox_authority, { 0 }, { SYS_chdir, ANY, false }, "does not start",
	  "root directory: leave the old one" },
	{ "capset fails in the role", &sandbox_authority, { 0 }, { SYS_capset, ANY, false }, "does not start",
	  "capabilities: give all away" },
	{ "capget fails in the role", &sandbox_authority, { 0 }, { SYS_capget, ANY, false }, "does not start",
	  "capabilities: " },
	{ "dumpable fails", &sandbox_authority, { 0 }, { SYS_prctl, PR_SET_DUMPABLE, false }, "does not start",
	  "dumpable: forbid" },
	{ "setrlimit fails", &sandbox_authority, { 0 }, { SYS_prlimit64, ANY, false }, "does not start",
	  "core dumps: forbid" },
	{ "getdents fails", &sandbox_authority, { 0 }, { SYS_getdents64, ANY, false }, "does not start",
	  "wall descriptors is missing: descriptors: cannot be listed" },
	{ "socket fails", &sandbox_authority, { 0 }, { SYS_socket, ANY, false }, "does not start",
	  "wall empty-network is missing: net namespace: interfaces cannot be listed" },
	{ "statfs fails", &sandbox_authority, { 0 }, { SYS_statfs, ANY, false }, "does not start",
	  "wall empty-root is missing: root directory: cannot be looked at" },
	{ "seccomp fails", &sandbox_authority, { 0 }, { SYS_seccomp, ANY, false }, "does not start",
	  "seccomp: " },

	/* the role: a call claims success */
	{ "close_range lies", &sandbox_authority, { 0 }, { SYS_close_range, ANY, true }, "does not start",
	  "wall descriptors is missing" },
	{ "fchdir lies", &sandbox_authority, { 0 }, { SYS_fchdir, ANY, true }, "does not start",
	  "root directory: not the one that was prepared" },
	{ "chroot lies", &sandbox_authority, { 0 }, { SYS_chroot, ANY, true }, "does not start",
	  "root directory: not the one that was prepared" },
	{ "chroot lies to the compiler", &sandbox_compiler, { 0 }, { SYS_chroot, ANY, true }, "does not start",
	  "root directory: not the one that was prepared" },
	{ "capset lies in the role", &sandbox_authority, { 0 }, { SYS_capset, ANY, true }, "does not start",
	  "wall no-capabilities is missing: capabilities: some are left" },
	{ "dumpable lies", &sandbox_authority, { 0 }, { SYS_prctl, PR_SET_DUMPABLE, true }, "does not start",
	  "wall not-dumpable is missing: dumpable: memory can be read" },
	{ "seccomp lies", &sandbox_authority, { 0 }, { SYS_seccomp, ANY, true }, "does not start",
	  "seccomp: the filter is not in force" },
};

static bool check_end(const char *what, const struct confined *run, const char *want, const char *says)
{
	struct confined_end end = confined_run(run);

	if (strcmp(confined_text(&end), want) == 0 && strstr(end.log, says) != NULL) {
		return true;
	}
	fprintf(stderr, "%s: %s, expected: %s with \"%s\"; it said: %s\n", what, confined_text(&end), want, says,
		end.log);
	return false;
}

static void needs_root(void)
{
	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
}

Test(fail_closed, every_step, .timeout = 120)
{
	unsigned wrong = 0;

	needs_root();
	for (size_t i = 0; i < COUNT(fault_cases); i++) {
		const struct fault_case *c = &fault_cases[i];
		const struct confined run = {
			.profile = c->profile,
			.attempt = "allocate",
			.in_confine = c->confine,
			.in_enter = c->enter,
		};
		wrong += !check_end(c->what, &run, c->end, c->says);
	}
	cr_assert_eq(wrong, 0u, "%u steps fail open", wrong);
}

Test(fail_closed, landlock_that_is_there_must_work)
{
	needs_root();
	if (syscall(444, NULL, 0, 1) < 1) {
		cr_skip_test("this kernel has no Landlock");
	}
	const struct confined fails = {
		.profile = &sandbox_authority, .attempt = "allocate", .in_enter = { 446, ANY, false },
	};
	const struct confined lies = {
		.profile = &sandbox_authority, .attempt = "allocate", .in_enter = { 446, ANY, true },
	};
	cr_expect(check_end("landlock fails", &fails, "does not start", "landlock: restrict"));
	cr_expect(check_end("landlock lies", &lies, "does not start", "landlock: the root can still be opened"));
}

Test(fail_closed, wrong_arguments)
{
	needs_root();
	const struct confined no_zones = {
		.profile = &sandbox_compiler, .attempt = "allocate", .root_path = "/nonexistent/zones",
	};
	cr_expect(check_end("missing zone directory", &no_zones, "confine failed",
			    "root directory: /nonexistent/zones: No such file or directory"));
	const struct confined file_root = {
		.profile = &sandbox_compiler, .attempt = "allocate", .root_path = "/etc/passwd",
	};
	cr_expect(check_end("a file as root", &file_root, "confine failed",
			    "root directory: /etc/passwd: Not a directory"));
	const struct confined root = {
		.profile = &sandbox_authority, .attempt = "allocate", .as_root = true,
	};
	cr_expect(check_end("as root", &root, "confine failed", "capabilities: a role may not be root"));
}

Test(fail_closed, strays)
{
	needs_root();
	const struct confined stray = {
		.profile = &sandbox_authority, .attempt = "allocate", .stray_after_close = true,
	};
	cr_expect(check_end("open file", &stray, "does not start", "is left open (/etc/passwd)"));
	const struct confined up = {
		.profile = &sandbox_authority, .attempt = "allocate", .loopback_up = true,
	};
	cr_expect(check_end("interface", &up, "does not start",
			    "wall empty-network is missing: net namespace: interface lo is up"));
}

/* Cloned without one namespace, entered with a profile that requires it. */
Test(fail_closed, missing_namespaces)
{
	static const struct {
		unsigned kind;
		const char *says;
	} cases[] = {
		{ SANDBOX_NET, "wall empty-network is missing: net namespace: is the supervisor's" },
		{ SANDBOX_IPC, "wall own-ipc is missing: ipc namespace: is the supervisor's" },
		{ SANDBOX_PID, "wall own-pid is missing: pid namespace: is the supervisor's" },
		{ SANDBOX_UTS, "uts namespace: is the supervisor's" },
		{ SANDBOX_CGROUP, "cgroup namespace: is the supervisor's" },
	};

	needs_root();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sandbox_profile weaker = sandbox_authority;
		weaker.namespaces &= ~cases[i].kind;
		const struct confined run = { .profile = &weaker, .attempt = "allocate" };
		cr_expect(check_end(cases[i].says, &run, "does not start", cases[i].says));
	}
	struct sandbox_profile no_mounts = sandbox_authority;
	no_mounts.namespaces &= ~(unsigned)SANDBOX_MOUNT;
	const struct confined run = { .profile = &no_mounts, .attempt = "allocate" };
	cr_expect(check_end("mounts", &run, "confine failed",
			    "root directory: not without an own mount namespace"));
	/* Forked without them: the mounts of the supervisor must stay untouched. */
	const struct confined plain = {
		.profile = &sandbox_authority, .attempt = "allocate", .fork_plainly = true,
	};
	cr_expect(check_end("plain fork", &plain, "confine failed", "namespace: is the supervisor's"));
}

/* What a role reports is what stands: one wall fewer, one bit fewer. */
Test(report, walls_are_read_back)
{
	char want[32];

	needs_root();
	const uint32_t all = sandbox_required_walls(&sandbox_authority);
	cr_expect_eq(all & WALL_LANDLOCK, 0u, "Landlock may be missing");
	cr_expect_eq(all | WALL_LANDLOCK, 8191u, "every other wall is required");
	cr_expect_eq(sandbox_required_walls(&sandbox_frontend), all);
	cr_expect_eq(sandbox_required_walls(&sandbox_compiler), all);
	cr_expect_eq(sandbox_required_walls(&sandbox_monitor), all);
	cr_expect_eq(sandbox_required_walls(&sandbox_resolver), all & ~(uint32_t)WALL_EMPTY_NET);

	const uint32_t landlock = syscall(444, NULL, 0, 1) >= 1 ? WALL_LANDLOCK : 0;
	const struct confined full = { .profile = &sandbox_authority, .attempt = "allocate" };
	snprintf(want, sizeof(want), "walls=%u uid=64200 gid=64210", all | landlock);
	cr_expect(check_end("all walls", &full, "done", want));

	struct sandbox_profile weaker = sandbox_authority;
	weaker.namespaces &= ~(unsigned)SANDBOX_NET;
	const struct confined no_net = {
		.profile = &weaker, .probe_profile = "without-net", .attempt = "allocate",
	};
	snprintf(want, sizeof(want), "walls=%u ", (all | landlock) & ~(uint32_t)WALL_EMPTY_NET);
	cr_expect(check_end("without network namespace", &no_net, "done", want));
}

Test(report, every_wall_has_a_name)
{
	for (uint32_t bit = 1; bit <= WALL_LOCAL; bit <<= 1) {
		cr_expect_not_null(sandbox_wall_text(bit), "wall %u", bit);
	}
	cr_expect_null(sandbox_wall_text(0));
	cr_expect_null(sandbox_wall_text(3));
	cr_expect_null(sandbox_wall_text(WALL_LOCAL << 1));
}

Test(life, roles_die_with_the_supervisor, .timeout = 60)
{
	needs_root();
	for (size_t i = 0; i < COUNT(confined_roles); i++) {
		const struct confined run = { .profile = confined_roles[i], .attempt = "idle" };
		cr_expect(confined_dies_with_parent(&run), "%s outlives its parent", confined_roles[i]->role);
	}
}
