/*
 * The walls around a process. Two halves:
 *
 *   sandbox_confine  runs in the supervisor's child between fork and exec, still privileged: makes
 *                    namespaces and mounts, changes ids, leaves two capabilities for the other half
 *   sandbox_enter    first act of a role's main after warming up: changes the root, gives the last
 *                    capabilities away, proves that nothing is left, limits, no-new-privs, Landlock,
 *                    and the system-call filter last
 *
 * A role therefore never runs as root, and between exec and sandbox_enter it reads nothing that
 * anybody but the supervisor and the installed files could have written. It keeps CAP_SYS_CHROOT alone
 * until then: the root can only be changed after the dynamic loader has read the libraries.
 *
 * A role is process 1 of its PID namespace: from outside only SIGKILL and SIGSTOP reach it (it handles
 * no signals), and abort() ends it by SIGSEGV, because the kernel ignores a SIGABRT that process 1 sends
 * to itself. SIGSYS always means that the filter stopped a call.
 *
 * Every failure is fatal for the role, with a line that says which wall and why. Only Landlock may be
 * missing (the kernel may not have it); that is logged.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_SANDBOX_H
#define BULKHEAD_SANDBOX_SANDBOX_H

#include "common/util/cursor.h"
#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors of a role at the start of its main. 0 and 1 are /dev/null, 2 is the log pipe. */
enum sandbox_fd {
	FD_LOG = 2,
	FD_LINK = 3,  /* control link */
	FD_ROOT = 4,  /* O_PATH directory that becomes "/"; closed by sandbox_enter */
	FD_FIRST_FREE = 5,
};

/* One allowed system call; up to SANDBOX_ARGS pinned arguments, all of which must match. */
#define SANDBOX_ARGS 3

struct sandbox_arg {
	uint8_t index;	/* 0 based */
	uint8_t op;	/* enum sandbox_op */
	uint64_t mask;	/* for SANDBOX_MASKED: (argument & mask) == value */
	uint64_t value;
};

enum sandbox_op { SANDBOX_UNUSED = 0, SANDBOX_EQUAL, SANDBOX_MASKED };

enum sandbox_action {
	SANDBOX_ALLOW = 0,
	SANDBOX_ERRNO, /* fails with `error`: only for calls that a library merely probes */
	SANDBOX_KILL,  /* ends the process where the default is milder (supervisor) */
};

struct sandbox_rule {
	int syscall; /* SCMP_SYS(name) */
	uint8_t action;
	int error;
	struct sandbox_arg args[SANDBOX_ARGS];
	const char *reason; /* who needs it */
};

enum sandbox_namespace {
	SANDBOX_NET = 1,
	SANDBOX_IPC = 2,
	SANDBOX_MOUNT = 4,
	SANDBOX_PID = 8,
	SANDBOX_UTS = 16,
	SANDBOX_CGROUP = 32,
};

struct sandbox_profile {
	const char *role;
	unsigned namespaces; /* enum sandbox_namespace: made by the supervisor, proved by sandbox_enter */
	bool zone_root;	     /* root is the view's zone directory, read only; else an empty one */
	uint64_t files_max;  /* RLIMIT_NOFILE */
	uint64_t memory_max; /* RLIMIT_AS in octets, 0: none */
	uint64_t cpu_max_sec; /* RLIMIT_CPU, 0: none */
	uint64_t file_size_max; /* RLIMIT_FSIZE in octets; a memfd counts as a file. 0: may not grow any */
	const struct sandbox_rule *rules;
	size_t rule_count;
};

extern const struct sandbox_profile sandbox_authority;
extern const struct sandbox_profile sandbox_frontend;
extern const struct sandbox_profile sandbox_resolver;
extern const struct sandbox_profile sandbox_compiler;
extern const struct sandbox_profile sandbox_monitor;

/* What sandbox_enter found in force, for HELLO: bits of enum wall_bits in common/ipc/conf.h. */
struct sandbox_state {
	uint32_t walls;
	uid_t uid;
	gid_t gid;
	unsigned syscalls; /* different system calls that the filter allows, pinned or not */
};

/* For sandbox_confine. */
struct sandbox_ids {
	uid_t uid;
	gid_t gid;
};

/*
 * Flags for clone(2) that give the child the namespaces of the profile; the supervisor forks with
 * them, so that a PID namespace holds the child itself. Also remembers which namespaces the caller is
 * in, for the child's proof that its own are others.
 */
int sandbox_clone_flags(const struct sandbox_profile *profile);

/* fork(2) with these flags: 0 in the child, its process id in the parent, -1 with errno set. */
pid_t sandbox_fork(const struct sandbox_profile *profile) BH_CHECKED;

/*
 * In the child, after the descriptors were put in place, before exec. root_path: for a zone root the
 * directory that becomes the root; the others get an empty file system and the path is not looked at. Both are
 * read-only, nosuid, nodev, noexec, attached to no place, so seen by nobody else, and opened as FD_ROOT (Linux
 * 5.12 or newer). Leaves an environment that holds nothing but BH_NAMESPACES, so the program must be started
 * with execv or with `environ`. Returns 0 or an error with the failed step in why_text. After an error the
 * child must exit.
 */
int sandbox_confine(const struct sandbox_profile *profile, const struct sandbox_ids *ids,
		    const char *root_path, char *why_text, size_t why_size) BH_CHECKED;

/*
 * First call of a role's main: ends a process that bulkheadd did not start, sends log lines to FD_LOG, takes the
 * role's name for its own (comm, in ps), ignores SIGPIPE, and closes every descriptor that does not belong to the
 * fixed ones, so that sandbox_enter finds only what main itself opened.
 */
void sandbox_begin(const struct sandbox_profile *profile);

/*
 * In the role's main, after warming up. Ends the process with a log line when a wall cannot be raised
 * or is not found standing afterwards. Descriptors above the fixed ones may then only be those of an event
 * base (epoll, eventfd, timerfd, pipe).
 */
void sandbox_enter(const struct sandbox_profile *profile, struct sandbox_state *out);

/*
 * The supervisor's own walls, after it opened what it needs: keeps exactly the capabilities for
 * starting roles and opening listeners again, drops the others from every set, no-new-privs, and a
 * filter that forbids what neither it nor a role on its way to its own filter needs.
 * Returns 0 or an error with the failed step in why_text.
 */
int sandbox_enter_supervisor(char *why_text, size_t why_size) BH_CHECKED;

/*
 * In a child of the supervisor that starts no role and goes on as root's, since the files it writes are root's: no
 * capability is left in any set, and none can be gained. The supervisor's filter and no-new-privs it has already.
 * Returns 0 or an error with the failed step in why_text.
 */
int sandbox_enter_writer(char *why_text, size_t why_size) BH_CHECKED;

/*
 * The supervisor's walls, as one program hands them to the next by exec (handover.c). Both directions of the codec
 * keep what they were given: an encoded one decodes to the same.
 */
#define SANDBOX_HANDOVER_RULES_MAX 1024
/*
 * Lists that differ, one behind the other. Each is some hundred instructions for every system call that the kernel
 * does not remember as allowed; it refuses more than 32768.
 */
#define SANDBOX_FILTERS_MAX 8

struct sandbox_handover {
	uint64_t capabilities;
	uint32_t filters; /* in force, the one of these rules included */
	size_t count;
	struct sandbox_rule rules[SANDBOX_HANDOVER_RULES_MAX]; /* without reasons; those of this machine's calls only */
};

/* What this program has when sandbox_enter_supervisor has succeeded: what it needs. */
void sandbox_handover_take(struct sandbox_handover *out);
void sandbox_handover_encode(struct sink *out, const struct sandbox_handover *h);
/* The cursor has failed when it makes no sense. */
void sandbox_handover_decode(struct cursor *in, struct sandbox_handover *h);
bool sandbox_handover_equal(const struct sandbox_handover *a, const struct sandbox_handover *b);
/* Does all that this program needs lie within what the one before left? False: why says what does not. */
bool sandbox_handover_suffices(const struct sandbox_handover *before, char *why_text, size_t why_size) BH_CHECKED;

/* Let the supervisor's capabilities through the next exec of this process, or not after all. */
int sandbox_carry(char *why_text, size_t why_size) BH_CHECKED;
int sandbox_carry_not(char *why_text, size_t why_size) BH_CHECKED;

/* sandbox_enter_supervisor, in a program that `before` has handed over to. */
int sandbox_resume_supervisor(const struct sandbox_handover *before, char *why_text, size_t why_size) BH_CHECKED;

/* Words for a bit of enum wall_bits ("seccomp", "no-capabilities"), NULL for an unknown one. */
const char *sandbox_wall_text(uint32_t bit);

/* The walls that this profile must show in its HELLO, or the supervisor kills it. */
uint32_t sandbox_required_walls(const struct sandbox_profile *profile);

#endif
