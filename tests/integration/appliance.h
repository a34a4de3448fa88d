/*
 * One running appliance: its folder, its configuration, its processes, its control socket.
 *
 * Every path is below a temporary directory; "@DIR@" in a configuration or zone file stands for it. An
 * appliance is started in the network of the test process. appliance_stop proves that a clean stop
 * leaves nothing: exit status 0, no process, no mount, no control socket.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_APPLIANCE_H
#define BULKHEAD_TESTS_INTEGRATION_APPLIANCE_H

#include "common/ipc/conf.h"

#include <stdbool.h>
#include <sys/types.h>

#define APPLIANCE_ROLES_MAX 64
#define APPLIANCE_OUTPUT_MAX 16384

struct appliance {
	char dir[64];
	char conf[128];	  /* its configuration file */
	char log[128];	  /* what bulkheadd writes */
	char socket[100]; /* control socket */
	char bulkheadd[128]; /* "": that of the build */
	char programs[128]; /* directory given with -L; roles_directory() unless a test changes it */
	pid_t pid;	  /* the supervisor; 0: not running */
	pid_t network_of; /* a process in whose network it runs; 0: that of the test */
	int notify;	  /* our end of NOTIFY_SOCKET */
};

/* First line of most configurations: where everything is, one worker, on one line. */
#define CONF_HERE                                                                                            \
	"appliance { workers = 1 run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" log-level = \"debug\" }\n"

/* Directory of the build: BULKHEAD_BUILD_DIR, or where this test program was built. */
const char *build_directory(void);
/* Directory with the role programs, copied to where every user can start them. */
const char *roles_directory(void);

/* Make the folder. Nothing is started. */
void appliance_init(struct appliance *a);
/* Write a file below the folder; @DIR@ is replaced. */
void appliance_file(struct appliance *a, const char *name, const char *text);
void appliance_configure(struct appliance *a, const char *text);

/*
 * Role programs of its own: from its next process on, `role` is the hostile one with this plan, all others, and all of
 * them when it is NULL, are those of the build (hostile_role.c). May be called again while it runs, if it was called
 * before the start.
 */
void appliance_programs(struct appliance *a, const char *role, const char *plan);

/* Start and wait for readiness; the test fails when it does not come. */
void appliance_start(struct appliance *a);
/* Start without waiting. */
void appliance_launch(struct appliance *a);
/* Wait for READY=1. False: not in time, or the supervisor ended. */
bool appliance_wait_ready(struct appliance *a, unsigned limit_ms);

/*
 * Run bulkheadd in the foreground with one more option ("-t" or NULL) to its end: exit status. Both
 * outputs are in output.
 */
int appliance_try(struct appliance *a, const char *option, char output[APPLIANCE_OUTPUT_MAX]);

/* SIGTERM, and all the proofs of a clean stop. The folder stays until appliance_clear. */
void appliance_stop(struct appliance *a);
/* appliance_stop when it runs, and remove the folder. */
void appliance_clear(struct appliance *a);

/* Does the log hold this text? appliance_log_wait: within limit_ms. */
bool appliance_logged(const struct appliance *a, const char *text);
bool appliance_log_wait(const struct appliance *a, const char *text, unsigned limit_ms);

/* --- control ---------------------------------------------------------------------------------------- */

#define CTL_ROWS_MAX 4096

struct ctl_answer {
	unsigned count;
	struct ctl_row *rows; /* CTL_ROWS_MAX of them */
	struct ctl_done done;
};

/* Ask the supervisor ("status", "reload", "flush all"; words split at spaces). Valid until the next. */
const struct ctl_answer *appliance_control(const struct appliance *a, const char *words);
/* The same; false when the connection is refused, closed or silent for limit_ms. */
bool appliance_control_try(const struct appliance *a, const char *words, unsigned limit_ms,
			   const struct ctl_answer **answer);
/* A connected control socket, -1 with errno. */
int appliance_control_connect(const struct appliance *a);

/* Text of a field ("" when the row has none), its number or truth. */
const char *row_text(const struct ctl_row *row, const char *field);
uint64_t row_number(const struct ctl_row *row, const char *field);
bool row_has(const struct ctl_row *row, const char *field);
/* The next row of this table at or behind *from, moving *from behind it; NULL: no more. */
const struct ctl_row *answer_next(const struct ctl_answer *answer, const char *table, unsigned *from);

/* Start bulkheadctl with these words (split at spaces), both outputs to the end of that file. */
pid_t appliance_spawn_bulkheadctl(const struct appliance *a, const char *words, const char *output_path);
/* Run bulkheadctl with these words (split at spaces): its exit status, both outputs in output. */
int appliance_bulkheadctl(const struct appliance *a, const char *words, char output[APPLIANCE_OUTPUT_MAX]);

/* `bulkheadctl check` of its configuration with the programs of the build. */
int appliance_check(const struct appliance *a, char output[APPLIANCE_OUTPUT_MAX]);

/* Reload and expect it to succeed. */
void appliance_reload(struct appliance *a);
uint64_t appliance_generation(const struct appliance *a);

/* --- roles ------------------------------------------------------------------------------------------ */

struct role_process {
	char role[16];
	char view[IPC_VIEW_MAX];
	unsigned index;
	pid_t pid; /* 0: not running */
	uint64_t restarts;
	char state[64];
};

/* All serving roles, as `status` tells them. */
unsigned appliance_roles(const struct appliance *a, struct role_process out[APPLIANCE_ROLES_MAX]);
/* One of them; view "" for frontend and resolver. The test fails when there is none. */
struct role_process appliance_role(const struct appliance *a, const char *role, const char *view, unsigned index);
/*
 * Children of the supervisor, as harness_children tells, but without the process that writes below the state directory:
 * it is waited for, and the test fails when it does not end.
 */
unsigned appliance_children(const struct appliance *a, pid_t out[APPLIANCE_ROLES_MAX]);
/* That process; 0: there is none. */
pid_t appliance_writer(const struct appliance *a);
/* Wait until this role runs as another process than old. Returns milliseconds, or -1. */
int appliance_wait_restarted(const struct appliance *a, const struct role_process *old, unsigned limit_ms);
/* Sum of a counter over all instances of a role (view NULL: of every view). */
uint64_t appliance_counter(const struct appliance *a, const char *role, const char *view, const char *counter);

#endif
