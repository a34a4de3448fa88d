/*
 * One role process and its successors: an instance keeps its place (role, view, index), its counters and
 * its restart history while processes come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_INSTANCE_H
#define BULKHEAD_SUPERVISOR_INSTANCE_H

#include "common/ipc/conf.h"
#include "common/ipc/stats.h"
#include "daemons/supervisor/supervisor.h"

struct link;
struct rolelog;

enum instance_state {
	INSTANCE_DOWN,	      /* waits for its restart time */
	INSTANCE_STARTING,    /* forked; HELLO has not come */
	INSTANCE_CONFIGURING, /* has been told a generation for the first time */
	INSTANCE_READY,
	INSTANCE_STOPPING,
};

struct instance {
	struct instance *next;
	struct supervisor *sup;
	enum role role;
	char view[IPC_VIEW_MAX]; /* "" for frontend and resolver */
	unsigned index;
	unsigned count;
	char name[64]; /* "authority[internal]/0" */
	enum instance_state state;
	pid_t pid; /* 0: no process */
	struct sandbox_ids ids;
	const struct sandbox_profile *profile;
	bool local_wall; /* is started behind it */
	struct link *link;
	struct rolelog *log;
	int stats_fd;
	const struct stats_page *stats; /* read-only */
	uint32_t page_id;		/* what the monitor knows it by */
	int page_fd;			/* the same memory, opened read-only: for the monitor */
	struct ipc_hello hello;
	uint64_t started_ms;
	unsigned restarts;
	unsigned failures; /* in a row; sets the back-off */
	char sentence[128]; /* why this process is being ended; "": it is not */
	char last_end[160]; /* how the last process ended, "" at first */
	struct event *timer; /* restart time, or the end of patience with a silent process */
	uint32_t sent_id;    /* resources up to this id were sent to this process */
	uint32_t flush_sent; /* last MSG_FLUSH to this process, and the last one it answered */
	uint32_t flush_answered;
	unsigned traces;     /* asked of this process and not told to the end */
	unsigned trace_steps; /* that it may still tell of them */
	uint32_t told;	     /* generation of the last PREPARE */
	unsigned owed;	     /* PREPAREs without an answer yet */
	size_t refusals;     /* images it may still refuse before it answers */
	uint32_t prepared;   /* generation it is ready to serve, 0: none */
	uint32_t commit_told; /* generation of the last COMMIT, and the last one that was confirmed */
	uint32_t committed;
	bool wanted; /* in the generation in preparation */
	bool fresh;  /* created by the change that is under way */
};

/*
 * Make the list of instances hold what `config` needs: new ones are created (not started), all needed
 * ones marked wanted. Returns an error when out of memory or descriptors.
 */
int instance_want(struct supervisor *sup, const struct generation *generation) BH_CHECKED;

/* Start the fresh ones. */
void instance_start_fresh(struct supervisor *sup);

/* After commit: stop those not wanted. After abort: stop fresh ones. */
void instance_settle(struct supervisor *sup, bool committed);

/*
 * PREPARE: the role owes one answer from here on, and has its time for it. An error: it cannot be told, and is to be
 * killed.
 */
int instance_tell(struct instance *inst, const struct generation *generation) BH_CHECKED;

/* Tell a ready instance the generation in preparation; one that cannot be told is killed. */
void instance_prepare(struct instance *inst, const struct generation *generation);
void instance_commit(struct instance *inst, uint32_t number);
void instance_abort(struct instance *inst, uint32_t number);

/* End this process at once for what it did: the words are for the log and for status. Its successor starts by itself. */
void instance_end(struct instance *inst, const char *fmt, ...) BH_PRINTF(2, 3);

/* A child ended. True: it was a role process. */
bool instance_child_ended(struct supervisor *sup, pid_t pid, int status);

/* Ask the roles of the bits to end. kill: at once. */
void instance_stop_all(struct supervisor *sup, unsigned role_bits, bool now);
/* Is any instance of the generation in preparation more than waiting for its restart? */
bool instance_any_wanted_up(const struct supervisor *sup);
bool instance_any_running(const struct supervisor *sup, unsigned role_bits);
void instance_free_all(struct supervisor *sup);

const char *instance_state_text(enum instance_state state);
/* The walls that it must have found around itself. */
uint32_t instance_required_walls(const struct instance *inst);

/* Replies to MSG_FLUSH, routed to whom asked (control.c). */
void control_flushed(struct supervisor *sup, const struct instance *inst, uint32_t request,
		     const struct ipc_flushed *flushed);

/* A step of a trace, routed likewise. */
void control_trace_step(struct supervisor *sup, const struct instance *inst, uint32_t request,
			const struct ipc_trace_step *step);

#endif
