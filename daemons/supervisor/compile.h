/*
 * Runs of the compiler: from the zones of a configuration to a complete zone set. A zone whose files did not
 * change needs none: its image is kept, or loaded from the state directory.
 *
 * Several compilers work at once, each on the zones of one view, one after the other, until it has had
 * enough. What that keeps apart is the view, as everywhere: a process knows one view's directory and user
 * and never sees another's. A compiler that was taken over by the text of one zone can write false images of
 * zones of the same view that it is given afterwards, until it ends; it could read their text before, and those
 * who write zone text of a view are trusted with that view. It cannot change an image it has delivered, which
 * is sealed before the next zone is given out, and a false one is still only data that the authority
 * verifies. When it dies, the zone in work fails alone; the rest goes to a fresh process.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_COMPILE_H
#define BULKHEAD_SUPERVISOR_COMPILE_H

#include "daemons/supervisor/ids.h"
#include "daemons/supervisor/program.h"
#include "daemons/supervisor/zones.h"

#include <sys/types.h>

struct event_base;

struct zone_finding_info {
	bool warning;
	const char *view; /* "" for root hints and trust anchors */
	const char *zone;
	const char *file; /* path as an admin can open it */
	unsigned line;	  /* 0: none */
	const char *text;
};

struct compile_ops {
	void (*finding)(void *ctx, const struct zone_finding_info *finding);
	/* All compilers have ended; the set is filled. The run may be freed from here. */
	void (*done)(void *ctx);
};

/* A change of one zone alone: everything else stays as it is, files of others are not looked at. */
struct zone_override {
	char view[IPC_VIEW_MAX];
	uint8_t zone[DNAME_MAX];
	struct zone_image *image; /* what it serves from now on; NULL: what its text says */
	bool release;		  /* also where it is rolled back and the text has not changed since */
};

struct compile_env {
	struct event_base *base;
	struct program *program; /* where the compiler is */
	const struct config *config;
	const struct ids_table *ids;
	uint32_t *next_id; /* source of resource ids */
	const char *state_dir; /* saved images are below it; NULL: compile everything */
	struct zone_cause cause; /* of what is compiled */
	const struct zone_override *only; /* NULL: all zones */
};

struct compile_run;

struct compile_progress {
	uint32_t done; /* zones that were compiled, or failed to */
	uint32_t total; /* and all that are to be; grows while files are looked at */
	uint64_t records; /* of those that were compiled */
	uint64_t octets;  /* of their images */
	const char *zone; /* one in work; "" for none */
};

/*
 * Fill `set`, the zones of env->config, root hints and trust anchors. A zone of `old` (may be NULL) with the same sources or
 * the same content keeps its image and id; one that does not compile keeps the old image, or at
 * a start gets the one that was saved last, and is marked stale. env is copied, what it points to must outlive the run. NULL: out of memory.
 */
struct compile_run *compile_start(const struct compile_env *env, struct zone_set *set,
				  const struct zone_set *old, const struct compile_ops *ops, void *ctx);

/* A child ended. True: it was one of this run. */
bool compile_child_ended(struct compile_run *run, pid_t pid, int status);

/* How far it is. Pointers live as long as the run. */
void compile_progress(const struct compile_run *run, struct compile_progress *out);

/* Kills compilers that still run. */
void compile_free(struct compile_run *run);

#endif
