/*
 * What the process that writes below the state directory does, from its beginning to its end: one batch of images,
 * states of trust anchor keys, files that are put away, and histories that are looked through. It blocks as long as the
 * disk does; saver.h is the side that does not.
 *
 * Owns the files "*.image" below STATE-DIR/VIEW/ whose names saved_name gives, one temporary file per view, with
 * history.h the folders "*.history", with anchor_file.h the states; touches no other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SAVE_BATCH_H
#define BULKHEAD_SUPERVISOR_SAVE_BATCH_H

#include "common/util/log.h"
#include "daemons/supervisor/history.h"
#include "daemons/supervisor/zones.h"

/* A generation of a zone. */
struct save_work {
	struct zone_image *image; /* a reference of our own */
	int64_t read_ns;	  /* of the sources that it is written with */
	uint8_t zone[DNAME_MAX];
	char view[IPC_VIEW_MAX];
};

struct save_batch {
	const char *state_dir;
	struct history_policy policy;
	struct ipc_anchor_state *anchors;
	size_t anchor_count;
	bool keep_anchors; /* remove the states of zones that the set has no anchor of */
	/* Views in whose folders is looked for what is no longer wanted, and the zones that are. */
	char (*tidy)[IPC_VIEW_MAX];
	size_t tidy_count;
	const struct zone_set *set;
	struct save_work *works; /* generations of one zone in their order */
	size_t work_count;
	const struct config *sweep; /* look through the histories of all its views; NULL: do not */
};

enum save_report_kind {
	SAVE_GOES_ON = 1, /* a sign of life */
	SAVE_SAYS,	  /* a line for the log */
	SAVE_TIDIED,	  /* all views were looked through, and the states of keys */
	SAVE_ANCHOR,	  /* one state is on disk, or cannot be written */
	SAVE_WORK,	  /* likewise one generation */
	SAVE_SWEPT,	  /* histories: this many generations were removed */
	SAVE_END,	  /* nothing is left to do */
	SAVE_REPORT_LAST = SAVE_END,
};

struct save_report {
	uint8_t kind;
	uint8_t level; /* enum log_level */
	bool ok;
	uint32_t index; /* of the anchor or the work */
	uint32_t count;
	uint64_t number; /* that the generation has got */
	struct zone_cause cause; /* as it stands on disk: of a generation that was there before, that of then */
	char text[512];
};

#define SAVE_REPORT_MAX 640

void save_report_encode(struct sink *out, const struct save_report *r);
int save_report_decode(const uint8_t *p, size_t len, struct save_report *r) BH_CHECKED;

typedef void save_tell_fn(void *ctx, const struct save_report *report);

/* All of it; what became of each part is told, at last SAVE_END. */
void save_batch_write(const struct save_batch *batch, save_tell_fn *tell, void *ctx);

#endif
