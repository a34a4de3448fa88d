/*
 * The system-call filter: from a list of rules to the kernel, with libseccomp.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>

static uint32_t action_of(const struct sandbox_rule *rule)
{
	switch ((enum sandbox_action)rule->action) {
	case SANDBOX_ALLOW:
		return SCMP_ACT_ALLOW;
	case SANDBOX_ERRNO:
		return SCMP_ACT_ERRNO((uint16_t)rule->error);
	case SANDBOX_KILL:
		break;
	}
	return SCMP_ACT_KILL_PROCESS;
}

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	struct scmp_arg_cmp pins[SANDBOX_ARGS];
	unsigned count = 0;

	for (size_t i = 0; i < SANDBOX_ARGS; i++) {
		const struct sandbox_arg *arg = &rule->args[i];
		struct scmp_arg_cmp *pin = &pins[count];
		switch ((enum sandbox_op)arg->op) {
		case SANDBOX_UNUSED:
			continue;
		case SANDBOX_EQUAL:
			*pin = (struct scmp_arg_cmp){ .arg = arg->index, .op = SCMP_CMP_EQ, .datum_a = arg->value };
			count++;
			continue;
		case SANDBOX_MASKED:
			*pin = (struct scmp_arg_cmp){
				.arg = arg->index,
				.op = SCMP_CMP_MASKED_EQ,
				.datum_a = arg->mask,
				.datum_b = arg->value,
			};
			count++;
			continue;
		}
		return -EINVAL;
	}
	return seccomp_rule_add_array(filter, action_of(rule), rule->syscall, count, pins);
}

static int set_attributes(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (rc == 0) {
		/* no_new_privs is a wall of its own and already up: without it loading must fail. */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	}
	if (rc == 0) {
		/*
		 * A binary tree over the call numbers. The kernel remembers which numbers are always
		 * allowed, so the hot calls, which have no pinned arguments, do not run the filter at all.
		 */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	}
	return rc;
}

/*
 * The filter signs: sched_get_priority_max of the mark, which the kernel refuses with EINVAL and no rule
 * allows, is refused with this errno. Whether a process is filtered at all could be asked, but roles always
 * are: they inherit the supervisor's filter.
 */
#define MARK_ERRNO EXFULL

int seccomp_raise(uint32_t fallback, enum seccomp_mark mark, const struct seccomp_list *lists,
		  size_t list_count, const struct why *why)
{
	const struct sandbox_rule *rule = NULL;
	scmp_filter_ctx filter = seccomp_init(fallback);

	if (filter == NULL) {
		errno = ENOMEM;
		return why_errno(why, "seccomp: make a filter");
	}
	int rc = set_attributes(filter);
	if (rc == 0) {
		const struct scmp_arg_cmp is_mark = {
			.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = (uint64_t)mark,
		};
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(MARK_ERRNO), SCMP_SYS(sched_get_priority_max), 1,
					    &is_mark);
	}
	for (size_t list = 0; list < list_count && rc == 0; list++) {
		for (size_t i = 0; i < lists[list].count && rc == 0; i++) {
			rule = &lists[list].rules[i];
			/*
			 * A call that this architecture does not have cannot be made, so needs no rule; what the
			 * fallback does anyway is no rule for libseccomp.
			 */
			if (rule->syscall >= 0 && action_of(rule) != fallback) {
				rc = add_rule(filter, rule);
			}
		}
	}
	if (rc != 0) {
		errno = -rc;
		rc = why_errno(why, "seccomp: add a rule (call %d)", rule == NULL ? -1 : rule->syscall);
		goto out;
	}
	rc = seccomp_load(filter);
	if (rc != 0) {
		errno = -rc;
		rc = why_errno(why, "seccomp: load the filter");
	}
out:
	seccomp_release(filter);
	return rc;
}

bool seccomp_stands(enum seccomp_mark mark, const struct why *why)
{
	if (sched_get_priority_max((int)mark) != -1 || errno != MARK_ERRNO) {
		return why_not(why, "seccomp: the filter is not in force");
	}
	return true;
}

/* Whether an earlier rule of the lists allows the same call. */
static bool counted_before(const struct seccomp_list *lists, size_t list, size_t index)
{
	int nr = lists[list].rules[index].syscall;

	for (size_t l = 0; l <= list; l++) {
		size_t end = l == list ? index : lists[l].count;
		for (size_t i = 0; i < end; i++) {
			if (lists[l].rules[i].syscall == nr && lists[l].rules[i].action == SANDBOX_ALLOW) {
				return true;
			}
		}
	}
	return false;
}

unsigned seccomp_count(const struct seccomp_list *lists, size_t list_count)
{
	unsigned count = 0;

	for (size_t list = 0; list < list_count; list++) {
		for (size_t i = 0; i < lists[list].count; i++) {
			const struct sandbox_rule *rule = &lists[list].rules[i];
			if (rule->syscall >= 0 && rule->action == SANDBOX_ALLOW &&
			    !counted_before(lists, list, i)) {
				count++;
			}
		}
	}
	return count;
}
