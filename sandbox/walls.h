/*
 * The single walls, for sandbox.c alone. Two kinds of functions:
 *
 *   raise   NAME_verb: puts a wall up; 0 or BH_ESYS with "wall: step: reason" in why
 *   prove   NAME_stands: reads back from the kernel whether it is up; on false why says what was found
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_WALLS_H
#define BULKHEAD_SANDBOX_WALLS_H

#include "common/util/err.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a failing step says what it was. */
struct why {
	char *text;
	size_t size;
};

/* Write "fmt: strerror(errno)"; returns BH_ESYS so that a step can end in `return why_errno(...)`. */
int why_errno(const struct why *why, const char *fmt, ...) BH_PRINTF(2, 3);
/* Write fmt alone; returns false, for the proofs. */
bool why_not(const struct why *why, const char *fmt, ...) BH_PRINTF(2, 3);

/* ids.c */
int ids_leave_session(const struct why *why) BH_CHECKED;
/* SIGKILL when the supervisor dies. Last step of confining: a change of ids would undo it. */
int ids_die_with_parent(const struct why *why) BH_CHECKED;
/* No id is 0, all of a kind are equal, no extra groups, own session, and taking id 0 is refused. */
bool ids_stand(const struct why *why);

/* caps.c */
int caps_confine(const struct sandbox_ids *ids, const struct why *why) BH_CHECKED;
int caps_drop_all(const struct why *why) BH_CHECKED;
/* The bounding set too, securebits locked: what caps_none_stands proves. Needs CAP_SETPCAP. */
int caps_drop_for_good(const struct why *why) BH_CHECKED;
bool caps_none_stands(const struct why *why);
int caps_keep_supervisor(const struct why *why) BH_CHECKED;
/* All that the supervisor holds becomes ambient, which exec keeps; caps_keep_supervisor takes that back. */
int caps_carry(const struct why *why) BH_CHECKED;
/* Bits of the capabilities that it keeps. */
uint64_t caps_supervisor_set(void);
bool caps_supervisor_stands(const struct why *why);
int caps_no_new_privs(const struct why *why) BH_CHECKED;

/* namespaces.c */
#define NAMESPACES_VARIABLE "BH_NAMESPACES"
int namespaces_tell_child(const struct why *why) BH_CHECKED;
/* All kinds of the profile, in the child before it touches anything that might not be its own. */
int namespaces_check_child(const struct sandbox_profile *profile, const struct why *why) BH_CHECKED;
/* One kind (enum sandbox_namespace) differs from the supervisor's. Needs /proc. */
bool namespaces_own_stands(enum sandbox_namespace kind, const struct why *why);
/* No interface is up. Needs socket(2). */
bool namespaces_net_stands(const struct why *why);

/* fs.c */
int fs_make_root(const struct sandbox_profile *profile, const char *path, const struct why *why) BH_CHECKED;
int fs_change_root(const struct why *why) BH_CHECKED;
bool fs_root_stands(const struct sandbox_profile *profile, const struct why *why);

/* fds.c */
int fds_close_inherited(const struct why *why) BH_CHECKED;
bool fds_stand(const struct why *why);

/* rlimit.c */
int rlimit_set(const struct sandbox_profile *profile, const struct why *why) BH_CHECKED;
bool rlimit_core_stands(const struct why *why);
bool rlimit_stands(const struct sandbox_profile *profile, const struct why *why);
int rlimit_no_dump(const struct why *why) BH_CHECKED;

/* landlock.c: *found says whether the kernel has Landlock; without it nothing was done. */
int landlock_raise(const struct sandbox_profile *profile, bool *found, const struct why *why) BH_CHECKED;

/* localwall_proof.c: nothing that we send arrives on this host. Needs socket(2). */
bool localwall_stands(const struct why *why);

/* seccomp.c */
struct seccomp_list {
	const struct sandbox_rule *rules;
	size_t count;
};
/* Which filter answers: roles run behind two, so that one is in force says nothing about the other. */
enum seccomp_mark { SECCOMP_MARK_SUPERVISOR = 0x62680001, SECCOMP_MARK_ROLE = 0x62680002 };
/* lists: of which a call must be in one. fallback: SCMP_ACT_* for everything else. */
int seccomp_raise(uint32_t fallback, enum seccomp_mark mark, const struct seccomp_list *lists,
		  size_t list_count, const struct why *why) BH_CHECKED;
bool seccomp_stands(enum seccomp_mark mark, const struct why *why);
unsigned seccomp_count(const struct seccomp_list *lists, size_t list_count);

/*
 * report.c: the walls of enum wall_bits that are found standing, seen while /proc is in sight, and after the
 * change of root. why->text is "" before; it is still when all that the profile requires stand.
 */
uint32_t report_outside(const struct sandbox_profile *profile, const struct why *why);
uint32_t report_inside(const struct sandbox_profile *profile, const struct why *why);

/* handover.c: the supervisor's filter was raised once more. */
void handover_filter_raised(void);

/* profiles/supervisor.c, profiles/sanitizers.c (empty in builds without sanitizers) */
extern const struct seccomp_list sandbox_supervisor_list;
extern const struct seccomp_list sandbox_sanitizer_list;
extern const struct seccomp_list sandbox_sanitizer_serving_list; /* for roles that open no files */

#endif
