/*
 * The zones of all views and their images.
 *
 * The supervisor holds images as descriptors and never maps one: what a zone says is known only to
 * its compiler and its authority.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ZONES_H
#define BULKHEAD_SUPERVISOR_ZONES_H

#include "daemons/supervisor/config.h"
#include "daemons/supervisor/sources.h"

/* Root servers taken from root-hints. */
#define ZONE_SET_HINTS_MAX 64

struct shared_fd;

/* Why a zone has another image than before. */
enum zone_cause_kind {
	ZONE_CAUSE_START = 1,
	ZONE_CAUSE_RELOAD,   /* bulkheadctl */
	ZONE_CAUSE_SIGNAL,   /* SIGHUP */
	ZONE_CAUSE_REPAIR,   /* a saved image was refused: a reload that began by itself */
	ZONE_CAUSE_ROLLBACK, /* bulkheadctl */
	ZONE_CAUSE_RELEASE,  /* bulkheadctl: the end of a rollback */
	ZONE_CAUSE_LAST = ZONE_CAUSE_RELEASE,
};

struct zone_cause {
	uint8_t kind; /* enum zone_cause_kind */
	uint32_t uid; /* of the control client, UINT32_MAX: there was none */
};

/*
 * The operator took a zone back to an earlier image. Its text stays as it is; when it makes another image than the one
 * told here, the rollback is over.
 */
struct zone_rollback {
	uint64_t image_of; /* generation of the history whose image is served; 0: not rolled back */
	uint64_t since_sec;
	uint32_t text_serial;
	uint64_t text_size;
	uint64_t text_checksum;
};

/* A sealed memfd with the compiler's word on it. Shared by zone sets of several generations. */
struct zone_image {
	unsigned refs;
	uint32_t id; /* resource id towards authorities */
	struct shared_fd *fd;
	struct ipc_compiled info;
	uint64_t made_sec;	/* when it was compiled, since 1970 */
	struct sources sources; /* what it was made from; of a rollback: what the text was read from */
	struct zone_cause cause;
	struct zone_rollback rollback;
	uint64_t number;	/* of its generation in the history; 0: not saved yet */
	bool saved;		/* below the state directory stands the same, with the same sources */
	bool other_build;	/* made by a compiler of the version before (takeover.c): saved, it is not current */
	bool save_waits;	/* for saver.c alone: it waits for being written, */
	int64_t save_ns;	/* or is being written, with sources of this time; 0: it is not */
	char *refused;		/* an authority does not take it: who and why; NULL as long as nobody said so */
};

/* How a zone came to the image it has in this generation. */
enum zone_origin {
	ZONE_COMPILED,
	ZONE_LOADED, /* from the state directory */
	ZONE_KEPT,   /* that of the generation before: no source has changed */
};

struct zone_state {
	unsigned view; /* index into config->views */
	const char *view_name;
	const struct config_zone *conf;
	uint32_t counter;	   /* of its queries, in the counters of its authorities */
	struct zone_image *image;  /* NULL: nothing to serve */
	enum zone_origin origin;   /* of image */
	bool stale;		   /* the text did not compile; image is of the generation before, or what was saved */
	char detail[IPC_TEXT_MAX]; /* first error when stale or without image */
};

struct zone_set {
	struct zone_state *items; /* ordered by name of the view, then by name of the zone */
	size_t count;
	struct ipc_servers *hints; /* from root-hints */
	size_t hint_count;
	struct ipc_anchor *anchors; /* from trust-anchors; the root's are the built-in ones when it says nothing of it */
	size_t anchor_count;
	bool anchors_failed;
	char anchors_detail[IPC_TEXT_MAX];
	bool hints_failed;
	char hints_detail[IPC_TEXT_MAX];
	unsigned compiled, kept, loaded; /* zones, by what was done for them; failures count as compiled */
};


/* Heap; config must outlive the set. NULL: out of memory. */
struct zone_set *zone_set_new(const struct config *config);
void zone_set_free(struct zone_set *set);

/* Root servers and trust anchors of another set, which has the same configuration. BH_ENOMEM, BH_ELIMIT. */
int zone_set_copy_roots(struct zone_set *set, const struct zone_set *from) BH_CHECKED;

/* The zone of this set with the view and name of `like`, or NULL. */
const struct zone_state *zone_set_find(const struct zone_set *set, const struct zone_state *like);

/*
 * The same for all zones of another set, one after the other in its order: two sets are walked side by side. *at is 0 at
 * the first call. set may be NULL.
 */
const struct zone_state *zone_set_next(const struct zone_set *set, size_t *at, const struct zone_state *like);

/* The zones of one view, which stand together. */
struct zone_range {
	struct zone_state *items;
	size_t count;
};

/* set may be NULL. */
struct zone_range zone_set_view(const struct zone_set *set, const char *view);

/*
 * Do two sets, made from these configurations, say the same of a view's zones, in everything that roles are told of a zone
 * but its image: names, counters, options, who may transfer?
 */
bool zone_set_same_view(const struct zone_set *a, const struct config *config_a, const struct zone_set *b,
			const struct config *config_b, const char *view);

/* One trust anchor more. BH_ELIMIT (ANCHORS_MAX), BH_ENOMEM. */
int zone_set_add_anchor(struct zone_set *set, const struct ipc_anchor *anchor) BH_CHECKED;
/* The built-in anchors of the root, unless the root has some already. BH_ELIMIT, BH_ENOMEM. */
int zone_set_add_root_anchors(struct zone_set *set) BH_CHECKED;

/* One user less; NULL is fine. */
void zone_image_release(struct zone_image *image);

#endif
