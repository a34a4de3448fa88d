/*
 * Inside of a compiler run: what compile.c, which talks to compilers, and compile_image.c, which decides what image a zone
 * gets, know in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_COMPILE_RUN_H
#define BULKHEAD_SUPERVISOR_COMPILE_RUN_H

#include "daemons/supervisor/compile.h"

struct event;
struct link;
struct rolelog;

/* Compilers at work at the same time: one for each processor, but few enough for memory. */
#define COMPILERS_MAX 16
/* A zone without $TTL and without TTL in its first record; RFC 1035 leaves it open. */
#define DEFAULT_TTL_SEC 3600

/* The zone that a compiler works on. */
struct job {
	bool given; /* there is one, and it was not judged yet */
	struct zone_state *zone; /* NULL: root hints or trust anchors, as the compiler's view says */
	uint32_t request;
	int image_fd;
	unsigned findings;
	struct sources sources;
	char first_error[IPC_TEXT_MAX];
};

/* A compiler process. */
struct compiler {
	struct compile_run *run;
	unsigned view; /* or HINTS_VIEW, ANCHORS_VIEW */
	pid_t pid;	   /* 0: has ended */
	struct link *link; /* NULL: is closed */
	struct rolelog *log;
	struct event *timer; /* the end of patience */
	bool greeted; /* HELLO came */
	bool stopped; /* there is nothing more for it to do */
	unsigned zones;
	uint64_t octets;
	int status; /* wait status */
	char why_closed[96];
	struct job job;
};

struct compile_run {
	struct compile_env env;
	struct zone_set *set;
	const struct zone_state **before; /* of each zone: the same zone in the set that is in service, or NULL */
	const struct compile_ops *ops;
	void *ctx;
	size_t looked;	 /* zones looked at: kept, loaded, or put into pending */
	size_t *pending; /* indexes of zones to compile, by view; set->count: root hints, and one more: trust anchors */
	size_t pending_count;
	size_t next; /* in pending */
	unsigned compiler_count;
	struct compiler *compilers[COMPILERS_MAX];
	struct event *advance; /* does things from the event loop, never from within a callback */
	uint32_t next_request;
	uint32_t judged; /* zones whose job came to an end, well or not; and what became of those that did well */
	uint64_t records;
	uint64_t octets;
	size_t sources_octets;
	unsigned unused; /* saved images */
};

/* --- compile_image.c --- */

/* The view of a zone in the configuration. NULL: zone is NULL. */
const struct config_view *compile_view_of(const struct compile_run *run, const struct zone_state *zone);

/* Look at some zones more: they get an image that is there, or come into pending. True: all were looked at. */
bool compile_look(struct compile_run *run) BH_CHECKED;

/* The image of a job that went well into its zone. NULL, or why not. */
const char *compile_take_image(struct compile_run *run, struct job *job, const struct ipc_compiled *info) BH_CHECKED;

/* A zone does not compile: what was in service stays there; at a start that is what was saved last. */
void compile_fall_back(struct compile_run *run, struct zone_state *zone);

#endif
