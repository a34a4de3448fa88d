/*
 * What one supervisor hands to the next: nothing that was given away comes back, and nothing is put up twice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "tests/sandbox/confined.h"

#include <criterion/criterion.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sandbox_handover before;
static char why[512];

static struct sandbox_rule *rule_of(int number)
{
	for (size_t i = 0; i < before.count; i++) {
		if (before.rules[i].syscall == number) {
			return &before.rules[i];
		}
	}
	cr_assert_fail("no rule for call %d", number);
	return NULL;
}

static void take(void)
{
	sandbox_handover_take(&before);
	before.filters = 1;
}

Test(handover, the_same_suffices, .init = take)
{
	cr_assert(sandbox_handover_suffices(&before, why, sizeof(why)), "%s", why);
}

/* What is allowed with fewer conditions covers what is asked for with more. */
Test(handover, more_than_needed_suffices, .init = take)
{
	memset(rule_of(SCMP_SYS(socketpair))->args, 0, sizeof(before.rules[0].args));
	cr_assert(sandbox_handover_suffices(&before, why, sizeof(why)), "%s", why);
	before.capabilities |= UINT64_C(1) << CAP_SYS_PTRACE;
	cr_assert(sandbox_handover_suffices(&before, why, sizeof(why)), "%s", why);
}

static void forbid_flock(void)
{
	rule_of(SCMP_SYS(flock))->action = SANDBOX_ERRNO;
}

static void kill_flock(void)
{
	rule_of(SCMP_SYS(flock))->action = SANDBOX_KILL;
}

static void pin_flock(void)
{
	rule_of(SCMP_SYS(flock))->args[0] = (struct sandbox_arg){ .index = 1, .op = SANDBOX_EQUAL, .value = 2 };
}

static void forget_flock(void)
{
	*rule_of(SCMP_SYS(flock)) = before.rules[--before.count];
}

static void other_pin(void)
{
	rule_of(SCMP_SYS(socketpair))->args[0].value++;
}

static void drop_chroot(void)
{
	before.capabilities &= ~(UINT64_C(1) << CAP_SYS_CHROOT);
}

static void many_filters(void)
{
	before.filters = SANDBOX_FILTERS_MAX;
	memset(rule_of(SCMP_SYS(socketpair))->args, 0, sizeof(before.rules[0].args)); /* so that another is needed */
}

Test(handover, less_does_not)
{
	static const struct {
		void (*spoil)(void);
		const char *why;
	} cases[] = { { forbid_flock, ": flock" },	  { kill_flock, ": flock" },	{ pin_flock, ": flock" },
		      { forget_flock, ": flock" },	  { other_pin, ": socketpair" }, { drop_chroot, "capabilities" },
		      { many_filters, "filters" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		take();
		cases[i].spoil();
		cr_assert(!sandbox_handover_suffices(&before, why, sizeof(why)), "case %zu", i);
		cr_assert(strstr(why, cases[i].why) != NULL, "case %zu says: %s", i, why);
	}
}

static unsigned filters_in_force(void)
{
	char line[128];
	unsigned count = 0;
	FILE *file = fopen("/proc/self/status", "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		(void)sscanf(line, "Seccomp_filters: %u", &count);
	}
	if (file != NULL) {
		fclose(file);
	}
	return count;
}

/* Exit statuses of the child below: the line of the check that failed, modulo what a status can hold. */
#define CHECK(condition)                                                            \
	do {                                                                        \
		if (!(condition)) {                                                 \
			dprintf(STDERR_FILENO, "line %d: %s: %s\n", __LINE__, #condition, why); \
			_exit(1);                                                   \
		}                                                                   \
	} while (0)

static bool is_ambient(int capability)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, (unsigned long)capability, 0, 0) == 1;
}

static void resume(void)
{
	sandbox_handover_take(&before);
	CHECK(before.filters == 0 && sandbox_resume_supervisor(&before, why, sizeof(why)) != 0); /* there is no filter */
	CHECK(sandbox_enter_supervisor(why, sizeof(why)) == 0);
	sandbox_handover_take(&before);
	CHECK(before.filters == 1);
	unsigned count = filters_in_force();
	CHECK(sandbox_carry(why, sizeof(why)) == 0 && is_ambient(CAP_SYS_ADMIN) && is_ambient(CAP_KILL));
	CHECK(sandbox_carry_not(why, sizeof(why)) == 0 && !is_ambient(CAP_SYS_ADMIN) && !is_ambient(CAP_KILL));
	for (int i = 0; i < 3; i++) {
		CHECK(sandbox_carry(why, sizeof(why)) == 0);
		CHECK(sandbox_resume_supervisor(&before, why, sizeof(why)) == 0);
		CHECK(filters_in_force() == count && !is_ambient(CAP_SYS_ADMIN));
	}
	memset(rule_of(SCMP_SYS(socketpair))->args, 0, sizeof(before.rules[0].args)); /* the one before allowed more */
	CHECK(sandbox_resume_supervisor(&before, why, sizeof(why)) == 0);
	CHECK(filters_in_force() == count + 1);
	sandbox_handover_take(&before);
	CHECK(before.filters == 2);
	_exit(0);
}

Test(handover, resuming_raises_only_what_is_narrower)
{
	int status;
	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		resume();
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d, see above", status);
}
