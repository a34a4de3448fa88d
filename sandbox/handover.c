/*
 * The supervisor's walls across an exec of itself: what an upgrade keeps and what it cannot get.
 *
 * A filter of system calls stays in force over exec and can only be narrowed, and so can the set of capabilities.
 * The program before writes down what it has; the one after compares that with what it needs, and puts up only what is
 * narrower: the same list once more would cost each system call of all roles another walk, at each upgrade.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/sandbox.h"

#include "sandbox/walls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Filters that this process stands behind, of its own kind; 0: sandbox_enter_supervisor was not called yet. */
static unsigned filters;

void handover_filter_raised(void)
{
	filters++;
}

static bool is_there(const struct sandbox_rule *rule)
{
	return rule->syscall >= 0; /* numbers below are calls that this machine does not have */
}

static void write_rule(struct sink *out, const struct sandbox_rule *rule)
{
	sink_u32(out, (uint32_t)rule->syscall);
	sink_u8(out, rule->action);
	for (size_t i = 0; i < SANDBOX_ARGS; i++) {
		sink_u8(out, rule->args[i].index);
		sink_u8(out, rule->args[i].op);
		sink_u64(out, rule->args[i].mask);
		sink_u64(out, rule->args[i].value);
	}
}

static void read_rule(struct cursor *in, struct sandbox_rule *rule)
{
	uint32_t number = cursor_u32(in);
	*rule = (struct sandbox_rule){ .syscall = (int)(number & INT32_MAX), .action = cursor_u8(in) };
	in->failed = in->failed || number > INT32_MAX || rule->action > SANDBOX_KILL;
	for (size_t i = 0; i < SANDBOX_ARGS; i++) {
		struct sandbox_arg *arg = &rule->args[i];
		arg->index = cursor_u8(in);
		arg->op = cursor_u8(in);
		arg->mask = cursor_u64(in);
		arg->value = cursor_u64(in);
		in->failed = in->failed || arg->op > SANDBOX_MASKED;
	}
}

void sandbox_handover_take(struct sandbox_handover *out)
{
	const struct seccomp_list *list = &sandbox_supervisor_list;
	*out = (struct sandbox_handover){ .capabilities = caps_supervisor_set(), .filters = filters };
	for (size_t i = 0; i < list->count && out->count < SANDBOX_HANDOVER_RULES_MAX; i++) {
		if (is_there(&list->rules[i])) {
			out->rules[out->count] = list->rules[i];
			out->rules[out->count++].reason = NULL;
		}
	}
}

void sandbox_handover_encode(struct sink *out, const struct sandbox_handover *h)
{
	sink_u64(out, h->capabilities);
	sink_u32(out, h->filters);
	sink_u32(out, (uint32_t)h->count);
	for (size_t i = 0; i < h->count; i++) {
		write_rule(out, &h->rules[i]);
	}
}

void sandbox_handover_decode(struct cursor *in, struct sandbox_handover *h)
{
	*h = (struct sandbox_handover){ .capabilities = cursor_u64(in) };
	h->filters = cursor_u32(in);
	uint32_t count = cursor_u32(in);
	in->failed = in->failed || count > SANDBOX_HANDOVER_RULES_MAX;
	for (uint32_t i = 0; i < count && !in->failed; i++) {
		read_rule(in, &h->rules[h->count++]);
	}
}

/* Is every pin of `wide` one of `rule` as well, so that all calls which rule allows are allowed by wide? */
static bool covers(const struct sandbox_rule *wide, const struct sandbox_rule *rule)
{
	if (wide->syscall != rule->syscall || wide->action != SANDBOX_ALLOW) {
		return false;
	}
	for (size_t i = 0; i < SANDBOX_ARGS; i++) {
		const struct sandbox_arg *pin = &wide->args[i];
		bool found = pin->op == SANDBOX_UNUSED;
		for (size_t k = 0; k < SANDBOX_ARGS && !found; k++) {
			const struct sandbox_arg *arg = &rule->args[k];
			found = pin->op == arg->op && pin->index == arg->index && pin->mask == arg->mask &&
				pin->value == arg->value;
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

static bool is_allowed(const struct sandbox_handover *before, const struct sandbox_rule *rule)
{
	for (size_t i = 0; i < before->count; i++) {
		if (covers(&before->rules[i], rule)) {
			return true;
		}
	}
	return false;
}

/* Append the name of a system call to a list of words, as far as there is room. */
static void add_name(const struct why *why, int number, bool first)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	size_t used = strlen(why->text);
	snprintf(why->text + used, why->size - used, "%s%s", first ? "" : ", ", name == NULL ? "?" : name);
	free(name);
}

bool sandbox_handover_suffices(const struct sandbox_handover *before, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	struct sandbox_handover own;
	int last = -1;

	sandbox_handover_take(&own);
	if ((own.capabilities & ~before->capabilities) != 0) {
		return why_not(&why, "it needs capabilities that were given away: %llx",
			       (unsigned long long)(own.capabilities & ~before->capabilities));
	}
	why_text[0] = '\0';
	for (size_t i = 0; i < own.count; i++) {
		const struct sandbox_rule *rule = &own.rules[i];
		if (rule->action != SANDBOX_ALLOW || rule->syscall == last || is_allowed(before, rule)) {
			continue;
		}
		if (last < 0) {
			why_not(&why, "it needs system calls that are forbidden for good: ");
		}
		add_name(&why, rule->syscall, last < 0);
		last = rule->syscall;
	}
	if (last >= 0) {
		return false;
	}
	if (before->filters >= SANDBOX_FILTERS_MAX && !sandbox_handover_equal(before, &own)) {
		return why_not(&why, "%u filters of system calls of earlier versions are in force", before->filters);
	}
	return true;
}

static bool same_rule(const struct sandbox_rule *a, const struct sandbox_rule *b)
{
	return a->syscall == b->syscall && a->action == b->action &&
	       (a->action == SANDBOX_ALLOW ? covers(a, b) && covers(b, a) : true);
}

bool sandbox_handover_equal(const struct sandbox_handover *a, const struct sandbox_handover *b)
{
	if (a->capabilities != b->capabilities || a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!same_rule(&a->rules[i], &b->rules[i])) {
			return false;
		}
	}
	return true;
}

int sandbox_carry(char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	return caps_carry(&why);
}

int sandbox_carry_not(char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	return caps_keep_supervisor(&why);
}

int sandbox_resume_supervisor(const struct sandbox_handover *before, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	struct sandbox_handover own;

	sandbox_handover_take(&own);
	/* What cannot be seen from here is believed; that there is a filter of ours at all is not. */
	if (!seccomp_stands(SECCOMP_MARK_SUPERVISOR, &why)) {
		return BH_EPERM;
	}
	filters = before->filters;
	if (!sandbox_handover_equal(before, &own)) {
		return sandbox_enter_supervisor(why_text, why_size);
	}
	int err = caps_keep_supervisor(&why);
	if (err == BH_OK) {
		err = caps_no_new_privs(&why);
	}
	if (err == BH_OK) {
		err = rlimit_no_dump(&why); /* exec has made the process dumpable */
	}
	return err == BH_OK && !caps_supervisor_stands(&why) ? BH_EPERM : err;
}
