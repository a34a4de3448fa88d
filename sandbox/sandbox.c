/*
 * The order in which walls go up. What each one is stands in its own file.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/sandbox.h"

#include "common/ipc/conf.h"
#include "common/util/count.h"
#include "common/util/log.h"
#include "sandbox/walls.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WHY_SIZE 512
#define LISTS(lists) COUNT(lists)

int sandbox_confine(const struct sandbox_profile *profile, const struct sandbox_ids *ids,
		    const char *root_path, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	int err = namespaces_tell_child(&why);

	if (err == BH_OK) {
		err = namespaces_check_child(profile, &why);
	}
	if (err == BH_OK) {
		err = ids_leave_session(&why);
	}
	if (err == BH_OK) {
		err = fs_make_root(profile, root_path, &why);
	}
	if (err == BH_OK) {
		err = caps_confine(ids, &why);
	}
	if (err == BH_OK) {
		/* Before exec: a role program that became set-user-id would gain nothing. */
		err = caps_no_new_privs(&why);
	}
	if (err == BH_OK) {
		err = ids_die_with_parent(&why);
	}
	return err;
}

static _Noreturn void give_up(const struct sandbox_profile *profile, const char *why)
{
	log_fatal("sandbox: %s does not start: %s", profile->role, why);
}

static void must(const struct sandbox_profile *profile, int err, const char *why)
{
	if (err != BH_OK) {
		give_up(profile, why);
	}
}

void sandbox_begin(const struct sandbox_profile *profile)
{
	int type;
	socklen_t len = sizeof(type);

	if (getsockopt(FD_LINK, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
		fprintf(stderr, "%s: is started by bulkheadd\n", profile->role);
		exit(EXIT_FAILURE);
	}
	log_set_fd(FD_LOG, 1);
	/* It was executed by descriptor, which has made its name a number. */
	if (prctl(PR_SET_NAME, profile->role, 0, 0, 0) != 0) {
		log_fatal("cannot take its name: %m");
	}
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		log_fatal("cannot ignore SIGPIPE: %m");
	}

	char text[WHY_SIZE] = "";
	const struct why why = { text, sizeof(text) };

	must(profile, fds_close_inherited(&why), text);
}

/* UTS and cgroup namespaces have no bit of their own in HELLO, but a profile that asks for them gets them. */
static void check_other_namespaces(const struct sandbox_profile *profile, const struct why *why)
{
	static const enum sandbox_namespace others[] = { SANDBOX_UTS, SANDBOX_CGROUP };

	for (size_t i = 0; i < COUNT(others); i++) {
		if ((profile->namespaces & others[i]) && !namespaces_own_stands(others[i], why)) {
			give_up(profile, why->text);
		}
	}
}

void sandbox_enter(const struct sandbox_profile *profile, struct sandbox_state *out)
{
	char text[WHY_SIZE] = "";
	const struct why why = { text, sizeof(text) };
	const struct seccomp_list none = { NULL, 0 };
	const struct seccomp_list lists[] = {
		{ profile->rules, profile->rule_count },
		sandbox_sanitizer_list,
		profile->zone_root ? none : sandbox_sanitizer_serving_list,
	};
	bool landlock = false;

	uint32_t walls = report_outside(profile, &why);
	if (text[0] != '\0') {
		give_up(profile, text);
	}
	check_other_namespaces(profile, &why);
	if (clearenv() != 0) {
		give_up(profile, "environment: cannot be emptied");
	}

	must(profile, fs_change_root(&why), text);
	must(profile, caps_drop_all(&why), text);
	if (!ids_stand(&why)) {
		give_up(profile, text);
	}
	must(profile, caps_no_new_privs(&why), text);
	must(profile, rlimit_no_dump(&why), text);
	must(profile, rlimit_set(profile, &why), text);

	walls |= report_inside(profile, &why);
	if (text[0] != '\0') {
		give_up(profile, text);
	}

	must(profile, landlock_raise(profile, &landlock, &why), text);
	if (landlock) {
		walls |= WALL_LANDLOCK;
	} else {
		log_info("sandbox: this kernel has no Landlock, going on with the other walls");
	}

	*out = (struct sandbox_state){
		.uid = getuid(),
		.gid = getgid(),
		.syscalls = seccomp_count(lists, LISTS(lists)),
	};
	must(profile, seccomp_raise(SCMP_ACT_KILL_PROCESS, SECCOMP_MARK_ROLE, lists, LISTS(lists), &why), text);
	if (!seccomp_stands(SECCOMP_MARK_ROLE, &why)) {
		give_up(profile, text);
	}
	out->walls = walls | WALL_SECCOMP;
	if ((sandbox_required_walls(profile) & ~out->walls) != 0) {
		give_up(profile, "a wall was not looked at");
	}
}

int sandbox_enter_supervisor(char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	const struct seccomp_list lists[] = { sandbox_supervisor_list };
	int err = caps_keep_supervisor(&why);

	if (err == BH_OK) {
		err = caps_no_new_privs(&why);
	}
	if (err == BH_OK) {
		err = rlimit_no_dump(&why);
	}
	if (err == BH_OK && !caps_supervisor_stands(&why)) {
		err = BH_EPERM;
	}
	if (err == BH_OK) {
		/*
		 * Not to kill: the filter is inherited by roles on their way to their own, and a C library newer than
		 * this list may probe a call and do without it.
		 */
		err = seccomp_raise(SCMP_ACT_ERRNO(EPERM), SECCOMP_MARK_SUPERVISOR, lists, LISTS(lists), &why);
	}
	if (err == BH_OK && !seccomp_stands(SECCOMP_MARK_SUPERVISOR, &why)) {
		err = BH_EPERM;
	}
	if (err == BH_OK) {
		handover_filter_raised();
	}
	return err;
}

int sandbox_enter_writer(char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	int err = caps_drop_for_good(&why);

	if (err == BH_OK && !caps_none_stands(&why)) {
		err = BH_EPERM;
	}
	if (err == BH_OK) {
		err = caps_no_new_privs(&why);
	}
	return err;
}
