/*
 * What each role may do, word for word. A profile that is widened, or pinned less, fails here: the change
 * belongs into both places, in a commit of its own that says why.
 *
 * A line is the call, then its pinned arguments: INDEX=VALUE, or INDEX&MASK=VALUE for some bits.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/util/count.h"
#include "tests/sandbox/confined.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const authority_may[] = {
	"accept4",
	"brk",
	"clock_gettime",
	"close",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit_group",
	"fcntl 1=1034",
	"fcntl 1=3",
	"fcntl 1=4",
	"fstat",
	"futex 1=129",
	"getpid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"mmap 2&0x4=0",
	"mremap",
	"munmap",
	"newfstatat 3=4096",
	"read",
	"recvmmsg",
	"recvmsg",
	"rt_sigaction 0=6",
	"rt_sigprocmask",
	"sendmmsg",
	"sendmsg",
	"setsockopt 1=1 2=13",
	"sysinfo",
	"tgkill 0=1 2=6",
	"write",
	"writev",
};

static const char *const frontend_may[] = {
	"accept4",
	"brk",
	"clock_gettime",
	"close",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit_group",
	"fcntl 1=3",
	"fcntl 1=4",
	"futex 1=129",
	"getpid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"mmap 2&0x4=0",
	"mremap",
	"munmap",
	"read",
	"recvmmsg",
	"recvmsg",
	"rt_sigaction 0=6",
	"rt_sigprocmask",
	"sendmmsg",
	"sendmsg",
	"setsockopt 1=1 2=13",
	"sysinfo",
	"tgkill 0=1 2=6",
	"write",
	"writev",
};

static const char *const resolver_may[] = {
	"bind",
	"brk",
	"clock_gettime",
	"close",
	"connect",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit_group",
	"fcntl 1=3",
	"fcntl 1=4",
	"futex 1=129",
	"getpid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"mmap 2&0x4=0",
	"mremap",
	"munmap",
	"read",
	"recvmmsg",
	"recvmsg",
	"rt_sigaction 0=6",
	"rt_sigprocmask",
	"sendmmsg",
	"sendmsg",
	"setsockopt 1=0 2=10",
	"setsockopt 1=41 2=23",
	"setsockopt 1=41 2=26",
	"socket 0=10 1&0xfffffffffff7f7ff=1 2=0",
	"socket 0=10 1&0xfffffffffff7f7ff=2 2=0",
	"socket 0=2 1&0xfffffffffff7f7ff=1 2=0",
	"socket 0=2 1&0xfffffffffff7f7ff=2 2=0",
	"sysinfo",
	"tgkill 0=1 2=6",
	"write",
	"writev",
};

static const char *const compiler_may[] = {
	"brk",
	"clock_gettime",
	"close",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit_group",
	"fcntl 1=1034",
	"fcntl 1=3",
	"fcntl 1=4",
	"fstat",
	"ftruncate",
	"futex 1=129",
	"getpid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"madvise 2=4",
	"mmap 2&0x4=0",
	"mremap",
	"munmap",
	"newfstatat 3=4096",
	"openat 2&0x600643=0",
	"openat2 -> errno 38",
	"poll 1=1",
	"read",
	"recvmsg",
	"restart_syscall",
	"rt_sigaction 0=6",
	"rt_sigprocmask",
	"sendmsg",
	"sysinfo",
	"tgkill 0=1 2=6",
	"write",
	"writev",
};

static const char *const monitor_may[] = {
	"accept4",
	"brk",
	"clock_gettime",
	"close",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit_group",
	"fcntl 1=3",
	"fcntl 1=4",
	"futex 1=129",
	"getpeername",
	"getpid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"ioctl 1=21531",
	"mmap 2&0x4=0",
	"mremap",
	"munmap",
	"readv",
	"recvmsg",
	"rt_sigaction 0=6",
	"rt_sigprocmask",
	"sendmsg",
	"shutdown 1=1",
	"socket -> errno 13",
	"sysinfo",
	"tgkill 0=1 2=6",
	"write",
	"writev",
};

static void render(const struct sandbox_rule *rule, char *text, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, rule->syscall);
	size_t pos = (size_t)snprintf(text, size, "%s", name);

	free(name);
	for (size_t i = 0; i < SANDBOX_ARGS; i++) {
		const struct sandbox_arg *arg = &rule->args[i];
		if (arg->op == SANDBOX_EQUAL) {
			pos += (size_t)snprintf(text + pos, size - pos, " %u=%" PRIu64, arg->index, arg->value);
		} else if (arg->op == SANDBOX_MASKED) {
			pos += (size_t)snprintf(text + pos, size - pos, " %u&%#" PRIx64 "=%" PRIu64, arg->index,
						arg->mask, arg->value);
		}
	}
	if (rule->action == SANDBOX_ERRNO) {
		snprintf(text + pos, size - pos, " -> errno %d", rule->error);
	} else if (rule->action != SANDBOX_ALLOW) {
		snprintf(text + pos, size - pos, " -> kill");
	}
}

static void check(const struct sandbox_profile *profile, const char *const *may, size_t count)
{
#ifndef __x86_64__
	cr_skip_test("the list is written with the names and numbers of x86-64");
#endif
	for (size_t r = 0; r < profile->rule_count; r++) {
		char text[256];
		size_t i = 0;
		render(&profile->rules[r], text, sizeof(text));
		while (i < count && strcmp(may[i], text) != 0) {
			i++;
		}
		cr_expect_lt(i, count, "%s may now: %s", profile->role, text);
		cr_expect_gt(strlen(profile->rules[r].reason), 2u, "%s: no reason", text);
	}
	/* No rule is there twice, so as many as named here are all that are named here. */
	cr_expect_eq(profile->rule_count, count, "%s has %zu rules, not %zu", profile->role, profile->rule_count,
		     count);
}

#define CHECK(role) check(&sandbox_##role, role##_may, sizeof(role##_may) / sizeof(role##_may[0]))

Test(profiles, authority)
{
	CHECK(authority);
}

Test(profiles, frontend)
{
	CHECK(frontend);
}

Test(profiles, resolver)
{
	CHECK(resolver);
}

Test(profiles, compiler)
{
	CHECK(compiler);
}

Test(profiles, monitor)
{
	CHECK(monitor);
}

/* The whole surface, for every reader of this file: different calls a role may make. */
Test(profiles, sizes)
{
	static const struct {
		const struct sandbox_profile *profile;
		const char *says;
	} cases[] = {
		{ &sandbox_authority, "syscalls=31\n" },
		{ &sandbox_frontend, "syscalls=29\n" },
		{ &sandbox_resolver, "syscalls=31\n" },
		{ &sandbox_compiler, "syscalls=32\n" },
		{ &sandbox_monitor, "syscalls=29\n" },
	};

	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
#if !defined(__x86_64__) || defined(BH_SANITIZERS)
	cr_skip_test("counted on x86-64, without the calls of the sanitizers");
#endif
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct confined run = { .profile = cases[i].profile, .attempt = "allocate" };
		struct confined_end end = confined_run(&run);
		cr_expect_str_eq(confined_text(&end), "done");
		cr_expect_not_null(strstr(end.log, cases[i].says), "%s: %s", cases[i].profile->role, end.log);
	}
}

/* What no role but the one named may have at all. */
Test(profiles, walls_between_roles)
{
	static const struct {
		int call;
		const char *only; /* "": nobody */
	} cases[] = {
		{ SCMP_SYS(socket), "resolver" },    { SCMP_SYS(connect), "resolver" },
		{ SCMP_SYS(bind), "resolver" },	     { SCMP_SYS(openat), "compiler" },
		{ SCMP_SYS(ftruncate), "compiler" }, { SCMP_SYS(open), "" },
		{ SCMP_SYS(listen), "" },	     { SCMP_SYS(execve), "" },
		{ SCMP_SYS(execveat), "" },
		{ SCMP_SYS(clone), "" },	     { SCMP_SYS(mprotect), "" },
		{ SCMP_SYS(prctl), "" },	     { SCMP_SYS(ioctl), "monitor" },
		{ SCMP_SYS(rt_sigreturn), "" },	     { SCMP_SYS(memfd_create), "" },
	};

	for (size_t p = 0; p < COUNT(confined_roles); p++) {
		for (size_t r = 0; r < confined_roles[p]->rule_count; r++) {
			for (size_t c = 0; c < COUNT(cases); c++) {
				cr_expect(confined_roles[p]->rules[r].syscall != cases[c].call ||
						  confined_roles[p]->rules[r].action == SANDBOX_ERRNO ||
						  strcmp(confined_roles[p]->role, cases[c].only) == 0,
					  "%s may make call %d", confined_roles[p]->role, cases[c].call);
			}
		}
	}
}
