/*
 * The zones of all views: their images, and the runs of the compiler that make them.
 *
 * The supervisor holds images as descriptors and never maps one: what a zone says is known only to
 * its compiler and its authority.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ZONES_H
#define BULKHEAD_SUPERVISOR_ZONES_H

#include "daemons/supervisor/config.h"
#include "daemons/supervisor/ids.h"

#include <sys/types.h>

struct event_base;

/* A sealed memfd with the compiler's word on it. Shared by zone sets of several generations. */
struct zone_image {
	unsigned refs;
	uint32_t id; /* resource id towards authorities */
	int fd;
	struct ipc_compiled info;
};

struct zone_state {
	unsigned view; /* index into config->views */
	const char *view_name;
	const struct config_zone *conf;
	uint32_t counter;	   /* of its queries, in the counters of its authorities */
	struct zone_image *image;  /* NULL: nothing to serve */
	bool stale;		   /* the text did not compile; image is of the generation before */
	char detail[IPC_TEXT_MAX]; /* first error when stale or without image */
};

struct zone_set {
	struct zone_state *items; /* ordered by name of the view, then by name of the zone */
	size_t count;
	struct ipc_servers *hints; /* from root-hints */
	size_t hint_count;
	bool hints_failed;
	char hints_detail[IPC_TEXT_MAX];
};

/* Heap; config must outlive the set. NULL: out of memory. */
struct zone_set *zone_set_new(const struct config *config);
void zone_set_free(struct zone_set *set);

struct zone_finding_info {
	bool warning;
	const char *view; /* "" for root hints */
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

struct compile_env {
	struct event_base *base;
	const char *role_dir;
	const struct config *config;
	const struct ids_table *ids;
	uint32_t *next_id; /* source of resource ids */
};

struct compile_run;

/*
 * Compile every zone of env->config into `set`, a few at a time, and the root hints. A zone of `old` (may
 * be NULL) with the same content keeps its image and id; one that does not compile keeps the old image
 * and is marked stale. env is copied, what it points to must outlive the run. NULL: out of memory.
 */
struct compile_run *compile_start(const struct compile_env *env, struct zone_set *set,
				  const struct zone_set *old, const struct compile_ops *ops, void *ctx);

/* A child ended. True: it was one of this run. */
bool compile_child_ended(struct compile_run *run, pid_t pid, int status);

/* Kills compilers that still run. */
void compile_free(struct compile_run *run);

#endif
