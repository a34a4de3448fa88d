/*
 * The supervisor's own walls, in a child: it can still start every role, and can no longer do what it has no
 * use for.
 *
 * Nothing is tried here that would harm the machine if it worked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/confined.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void needs_root(void)
{
	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
}

/* Run body in a child behind the supervisor's walls; returns the wait status. */
static int behind_walls(int (*body)(const void *arg), const void *arg)
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		char why[512] = "";
		if (sandbox_enter_supervisor(why, sizeof(why)) != 0) {
			dprintf(STDERR_FILENO, "supervisor: %s\n", why);
			_exit(CONFINE_FAILED);
		}
		_exit(body(arg));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int start_role(const void *arg)
{
	/* Behind the walls no links can be made for a zone directory of the test's own. */
	const char *root = ((const struct sandbox_profile *)arg)->zone_root ? "/etc" : NULL;
	const struct confined run = { .profile = arg, .attempt = "allocate", .root_path = root };
	struct confined_end end = confined_run(&run);

	if (strcmp(confined_text(&end), "done") != 0) {
		dprintf(STDERR_FILENO, "%s: %s: %s\n", run.profile->role, confined_text(&end), end.log);
		return 1;
	}
	/* The role's own filter counts, not only the inherited one. */
	const struct confined forbidden = { .profile = arg, .attempt = "shmget", .root_path = root };
	end = confined_run(&forbidden);
	if (strcmp(confined_text(&end), "killed by SIGSYS") != 0) {
		dprintf(STDERR_FILENO, "%s: %s: %s\n", run.profile->role, confined_text(&end), end.log);
		return 2;
	}
	return 0;
}

Test(supervisor, starts_every_role_behind_its_walls, .timeout = 60)
{
	needs_root();
	for (size_t i = 0; i < COUNT(confined_roles); i++) {
		int status = behind_walls(start_role, confined_roles[i]);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", confined_roles[i]->role);
	}
}

static int try_one(const void *arg)
{
	const struct attempt *attempt = arg;

	errno = 0;
	if (attempt->try(NULL) == 0) {
		return PROBE_DONE;
	}
	return errno;
}

Test(supervisor, has_no_way_to_what_it_does_not_need, .timeout = 60)
{
	static const struct {
		const char *attempt;
		const char *end;
	} cases[] = {
		{ "ptrace_traceme", "killed by SIGSYS" },
		{ "process_vm_readv", "killed by SIGSYS" },
		{ "process_vm_writev", "killed by SIGSYS" },
		{ "process_madvise", "killed by SIGSYS" },
		{ "pidfd_getfd", "killed by SIGSYS" },
		{ "kcmp", "killed by SIGSYS" },
		{ "open_by_handle", "killed by SIGSYS" },
		{ "bpf", "killed by SIGSYS" },
		{ "perf_event_open", "killed by SIGSYS" },
		{ "userfaultfd", "killed by SIGSYS" },
		{ "io_uring_setup", "killed by SIGSYS" },
		{ "io_uring_enter", "killed by SIGSYS" },
		{ "init_module", "killed by SIGSYS" },
		{ "keyctl", "killed by SIGSYS" },
		{ "add_key", "killed by SIGSYS" },
		{ "request_key", "killed by SIGSYS" },
		{ "setns", "killed by SIGSYS" },
		{ "unshare_user", "killed by SIGSYS" },
		{ "personality", "killed by SIGSYS" },
		{ "x32_getpid", "killed by SIGSYS" },
		{ "int80_getpid", "killed by SIGSYS" },
		{ "clone3", "refused: ENOSYS" },
		{ "clone_new_user", "refused: EPERM" },
		{ "socket_packet", "refused: EPERM" },
		{ "socket_raw", "refused: EPERM" }, /* by the missing CAP_NET_RAW */
		{ "execve", "refused: EPERM" }, /* and with it every shell that foreign code wants */
		{ "execveat_path", "refused: EPERM" },
		{ "socket_vsock", "refused: EPERM" },
		{ "socket_alg", "refused: EPERM" },
		{ "mmap_write_exec", "refused: EPERM" },
		{ "mprotect_write_exec", "refused: EPERM" },
		{ "pkey_mprotect", "refused: EPERM" },
		{ "shmget", "refused: EPERM" },
		{ "fanotify", "refused: EPERM" },
		{ "name_to_handle", "refused: EPERM" },
		{ "memfd_secret", "refused: EPERM" },
		{ "timer_create", "refused: EPERM" },
		{ "unknown_call", "refused: EPERM" },
		{ "sendfile", "done" },
		{ "socket_udp4", "done" },
		{ "socket_unix", "done" },
		{ "allocate", "done" },
		{ "sort", "done" },
	};
	unsigned wrong = 0;

	needs_root();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct confined_end end = { .log = "" };
		const struct attempt *attempt = attempt_find(cases[i].attempt);
		if (attempt == NULL) {
			continue; /* not on this architecture */
		}
		end.status = behind_walls(try_one, attempt);
		if (strcmp(confined_text(&end), cases[i].end) != 0) {
			fprintf(stderr, "%s: %s, expected: %s\n", cases[i].attempt, confined_text(&end), cases[i].end);
			wrong++;
		}
	}
	cr_assert_eq(wrong, 0u, "%u attempts ended otherwise than expected", wrong);
}

/* Capabilities, literally: one more, and this fails. */
static int check_capabilities(const void *arg)
{
	const uint64_t want = UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_SYS_CHROOT |
			      UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP |
			      UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct rlimit core;
	(void)arg;

	if (syscall(SYS_capget, &header, data) != 0) {
		return 1;
	}
	if ((data[0].effective | (uint64_t)data[1].effective << 32) != want ||
	    (data[0].permitted | (uint64_t)data[1].permitted << 32) != want ||
	    (data[0].inheritable | data[1].inheritable) != 0) {
		return 2;
	}
	for (int cap = 0; prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) != (int)(want >> cap & 1)) {
			return 3;
		}
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0 || geteuid() != 0) {
		return 4;
	}
	return 0;
}

Test(supervisor, keeps_exactly_its_capabilities)
{
	needs_root();
	int status = behind_walls(check_capabilities, NULL);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(supervisor, fails_closed)
{
	static const struct {
		struct fault fault;
		const char *says;
	} cases[] = {
		{ { SYS_prctl, PR_SET_SECUREBITS, false }, "capabilities: lock securebits: Operation not permitted" },
		{ { SYS_prctl, PR_CAP_AMBIENT, false }, "capabilities: clear the ambient set" },
		{ { SYS_capset, -1, false }, "capabilities: keep only the supervisor's" },
		{ { SYS_capset, -1, true }, "capabilities: not exactly the supervisor's" },
		{ { SYS_prctl, PR_CAPBSET_DROP, true }, "capabilities: not exactly the supervisor's" },
		{ { SYS_prctl, PR_SET_NO_NEW_PRIVS, false }, "no new privileges: set" },
		{ { SYS_prctl, PR_SET_DUMPABLE, false }, "dumpable: forbid" },
		{ { SYS_prlimit64, -1, false }, "core dumps: forbid" },
		{ { SYS_seccomp, -1, false }, "seccomp: load the filter" },
		{ { SYS_seccomp, -1, true }, "seccomp: the filter is not in force" },
	};

	needs_root();
	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[512] = "";
		int said[2];
		cr_assert_eq(pipe(said), 0);
		pid_t pid = fork();
		cr_assert_geq(pid, 0);
		if (pid == 0) {
			fault_inject(&cases[i].fault);
			int err = sandbox_enter_supervisor(why, sizeof(why));
			_exit(err == 0 || write(said[1], why, strlen(why)) < 0);
		}
		int status;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		close(said[1]);
		ssize_t n = read(said[0], why, sizeof(why) - 1);
		close(said[0]);
		cr_expect(status == 0, "%s: went on", cases[i].says);
		why[n < 0 ? 0 : n] = '\0';
		cr_expect_not_null(strstr(why, cases[i].says), "\"%s\", expected \"%s\"", why, cases[i].says);
	}
}
