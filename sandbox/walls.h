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

/*
 * Steps return 0, or an error with its reason in why; what is given away stays given away. Those that end in _stand(s) are
 * proofs: they change nothing, ask the kernel what a step has left, and say in why what does not stand.
 */

/* ids.c */
/* A session of its own: no controlling terminal. */
int ids_leave_session(const struct why *why) BH_CHECKED;
/* SIGKILL when the supervisor dies. Last step of confining: a change of ids would undo it. */
int ids_die_with_parent(const struct why *why) BH_CHECKED;
/* No id is 0, all of a kind are equal, no extra groups, own session, and taking id 0 is refused. */
bool ids_stand(const struct why *why);

/* caps.c */
/* In the child: the ids of the role, no extra groups, an empty bounding set, CAP_SYS_CHROOT alone and kept by exec. */
int caps_confine(const struct sandbox_ids *ids, const struct why *why) BH_CHECKED;
/* The last one, too. */
int caps_drop_all(const struct why *why) BH_CHECKED;
/* The bounding set too, securebits locked: what caps_none_stands proves. Needs CAP_SETPCAP. */
int caps_drop_for_good(const struct why *why) BH_CHECKED;
/* No capability in any set, an empty bounding set, securebits locked. */
bool caps_none_stands(const struct why *why);
/* Of the supervisor: all but its short list. */
int caps_keep_supervisor(const struct why *why) BH_CHECKED;
/* All that the supervisor holds becomes ambient, which exec keeps; caps_keep_supervisor takes that back. */
int caps_carry(const struct why *why) BH_CHECKED;
/* Bits of the capabilities that it keeps. */
uint64_t caps_supervisor_set(void);
/* It has these and no others. */
bool caps_supervisor_stands(const struct why *why);
/* exec never gives more than there is: set-user-id bits and file capabilities are without effect. */
int caps_no_new_privs(const struct why *why) BH_CHECKED;

/* namespaces.c */
#define NAMESPACES_VARIABLE "BH_NAMESPACES"
/* In the child, whose environment this is alone from now on: which namespaces are the supervisor's. */
int namespaces_tell_child(const struct why *why) BH_CHECKED;
/* All kinds of the profile, in the child before it touches anything that might not be its own. */
int namespaces_check_child(const struct sandbox_profile *profile, const struct why *why) BH_CHECKED;
/* One kind (enum sandbox_namespace) differs from the supervisor's. Needs /proc. */
bool namespaces_own_stands(enum sandbox_namespace kind, const struct why *why);
/* No interface is up. Needs socket(2). */
bool namespaces_net_stands(const struct why *why);

/* fs.c */
/* In the child, while it is privileged: the root that the role will have, empty, or (zone_root) the folder at path, read only. */
int fs_make_root(const struct sandbox_profile *profile, const char *path, const struct why *why) BH_CHECKED;
/* In the role: make it the root, with nothing of the old one left. */
int fs_change_root(const struct why *why) BH_CHECKED;
/* It is read only, and empty but for a zone_root. */
bool fs_root_stands(const struct sandbox_profile *profile, const struct why *why);

/* fds.c */
/* Close all from FD_FIRST_FREE on. */
int fds_close_inherited(const struct why *why) BH_CHECKED;
/* The fixed ones are of the kind that they must be; of others there are only those that an event base opens. */
bool fds_stand(const struct why *why);

/* rlimit.c */
/* The limits of the profile; tighter ones that are there stay. */
int rlimit_set(const struct sandbox_profile *profile, const struct why *why) BH_CHECKED;
/* No core files; and all limits of the profile. */
bool rlimit_core_stands(const struct why *why);
bool rlimit_stands(const struct sandbox_profile *profile, const struct why *why);
/* No core, and nobody of the same user may look into memory (PR_SET_DUMPABLE). */
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
/* A call that only this mark's filter answers is answered. */
bool seccomp_stands(enum seccomp_mark mark, const struct why *why);
/* How many calls the lists allow, for `status`. */
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
