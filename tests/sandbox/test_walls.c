/*
 * Each thing a broken-in role would like to do, tried from inside each role's real sandbox.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/util/count.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/confined.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SERVING "authority, frontend, resolver, monitor"

/* What does not end in SIGSYS. role: one or several, NULL: every role. The last fitting row counts. */
static const struct exception {
	const char *role;
	const char *attempt;
	const char *end;
} exceptions[] = {
	/* every role must be able to */
	{ NULL, "allocate", "done" },
	{ NULL, "event_loop", "done" },
	{ NULL, "control_link", "done" },
	{ NULL, "sort", "done" },
	{ NULL, "randomness", "done" },
	{ NULL, "exit", "done" },
	{ NULL, "mmap_read_write", "done" },
	/* counters that were given to be read */
	{ NULL, "page_read", "done" },
	{ NULL, "page_map", "refused: EACCES" },
	{ NULL, "page_write", "refused: EBADF" },
	/* process 1 does not die of a SIGABRT of its own; the C library then makes it fault */
	{ NULL, "abort", "killed by SIGSEGV" },

	/* the resolver alone makes sockets: of two families and two types */
	{ "resolver", "socket_udp4", "done" },
	{ "resolver", "socket_udp6", "done" },
	{ "resolver", "socket_tcp4", "done" },
	{ "resolver", "socket_tcp6", "done" },
	{ "resolver", "connect_udp4", "done" },
	{ "resolver", "bind_udp4", "done" },
	/* connect and bind cannot be pinned to a family, but it has no socket that they would be of use for */
	{ "resolver", "connect_link", "refused: ENOENT" },
	{ "resolver", "bind_link", "done" },

	/* the compiler alone opens files: below its root, for reading */
	{ "compiler", "open_zone", "done" },
	{ "compiler", "open_read", "refused: ENOENT" },
	{ "compiler", "open_link_out", "refused: ENOENT" },
	{ "compiler", "open_climb_out", "refused: ENOENT" },
	{ "compiler", "open_dotdot", "refused: ENOENT" },
	/* so that the program goes on with openat, whose flags are pinned */
	{ "compiler", "openat2", "refused: ENOSYS" },
	{ "compiler", "open_proc_one", "refused: ENOENT" },
	{ "compiler", "image", "done" },
	{ "compiler", "poll_one", "done" },

	/* the monitor's HTTP library asks for names of interfaces, and gets none */
	{ "monitor", "socket_unix", "refused: EACCES" },
	{ "monitor", "socket_netlink", "refused: EACCES" },
	{ "monitor", "socket_packet", "refused: EACCES" },
	{ "monitor", "socket_vsock", "refused: EACCES" },
	{ "monitor", "socket_alg", "refused: EACCES" },
	{ "monitor", "socket_udp4", "refused: EACCES" },
	{ "monitor", "socket_udp6", "refused: EACCES" },
	{ "monitor", "socket_tcp4", "refused: EACCES" },
	{ "monitor", "socket_tcp6", "refused: EACCES" },
	{ "monitor", "socket_raw", "refused: EACCES" },
	{ "monitor", "socket_ping", "refused: EACCES" },
	{ "monitor", "socket_mptcp", "refused: EACCES" },
	{ "monitor", "connect_udp4", "refused: EACCES" },
	{ "monitor", "bind_udp4", "refused: EACCES" },
	{ "monitor", "name_of_link_local", "done" },
	{ "monitor", "getpeername", "done" },
	{ "monitor", "fionread", "done" },

#ifdef BH_SANITIZERS
	/* what their run-time library needs or does itself: see sandbox/profiles/sanitizers.c */
	{ NULL, "open_legacy", "refused: ENOENT" },
	{ SERVING, "open_read", "refused: ENOENT" },
	{ SERVING, "open_zone", "refused: ENOENT" },
	{ SERVING, "open_link_out", "refused: ENOENT" },
	{ SERVING, "open_climb_out", "refused: ENOENT" },
	{ SERVING, "open_dotdot", "refused: ENOENT" },
	{ SERVING, "open_proc_one", "refused: ENOENT" },
	{ SERVING, "open_write", "refused: ENOENT" },
	{ SERVING, "open_read_write", "refused: ENOENT" },
	{ SERVING, "open_truncate", "refused: ENOENT" },
	{ SERVING, "open_create", "refused: ENOENT" },
	{ SERVING, "open_tmpfile", "refused: ENOENT" },
	{ NULL, "readlink", "refused: ENOENT" },
	{ NULL, "readlink_legacy", "refused: ENOENT" },
	{ NULL, "process_vm_readv", "refused: EPERM" },
	{ NULL, "prlimit", "done" },
	{ NULL, "sigaction_segv", "done" },
	{ NULL, "mmap_exec", "done" },
	{ NULL, "mmap_write_exec", "done" },
	{ NULL, "mprotect_read", "done" },
	{ NULL, "mprotect_exec", "done" },
	{ NULL, "mprotect_write_exec", "done" },
	{ NULL, "mlock", "done" }, /* they do not make the call */
	{ NULL, "tiocsti", "refused: ENOTTY" },
	{ NULL, "tioclinux", "refused: ENOTTY" },
	{ "authority, frontend, resolver, compiler", "fionread", "refused: ENOTTY" },
	{ NULL, "futex_requeue", "refused: EINVAL" },
	{ NULL, "abort", "reported and ended" },
#endif
};

static const char *expected(const char *role, const char *attempt)
{
	const char *end = "killed by SIGSYS";

	for (size_t i = 0; i < COUNT(exceptions); i++) {
		const struct exception *e = &exceptions[i];
		if (strcmp(e->attempt, attempt) == 0 && (e->role == NULL || strstr(e->role, role) != NULL)) {
			end = e->end;
		}
	}
	return end;
}

static void try_all(const struct sandbox_profile *profile)
{
	unsigned wrong = 0;

	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
	for (size_t i = 0; i < attempt_count; i++) {
		if (strcmp(attempts[i].name, "idle") == 0) {
			continue; /* does not end by itself */
		}
		const struct confined run = { .profile = profile, .attempt = attempts[i].name };
		struct confined_end end = confined_run(&run);
		const char *want = expected(profile->role, attempts[i].name);
		if (strcmp(confined_text(&end), want) != 0) {
			fprintf(stderr, "%s, %s: %s, expected: %s\n%s", profile->role, attempts[i].name,
				confined_text(&end), want, end.log);
			wrong++;
		}
	}
	cr_assert_eq(wrong, 0u, "%u attempts of %s ended otherwise than expected", wrong, profile->role);
}

Test(walls, authority, .timeout = 120)
{
	try_all(&sandbox_authority);
}

Test(walls, frontend, .timeout = 120)
{
	try_all(&sandbox_frontend);
}

Test(walls, resolver, .timeout = 120)
{
	try_all(&sandbox_resolver);
}

Test(walls, monitor, .timeout = 120)
{
	try_all(&sandbox_monitor);
}

Test(walls, compiler, .timeout = 120)
{
	try_all(&sandbox_compiler);
}
