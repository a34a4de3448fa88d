/*
 * What tracking the keys of an anchor zone (RFC 5011) has found, over restarts: STATE-DIR/anchors/ZONE.state, of root
 * only. Written beside the old one, synced and renamed: half a file, or none after a power cut, would begin thirty days
 * of waiting anew, or forget that a key was revoked.
 *
 * A file that is damaged, not of root, or of another zone is not used, and tracking begins with the configured anchors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ANCHOR_FILE_H
#define BULKHEAD_SUPERVISOR_ANCHOR_FILE_H

#include "common/ipc/conf.h"

/* Magic, length and sum of the body, and a state with all keys at their longest. */
#define ANCHOR_FILE_PREFIX 20
#define ANCHOR_FILE_MAX (ANCHOR_FILE_PREFIX + 17000)

/* The content of a file; for save and tests. */
void anchor_file_encode(struct sink *out, const struct ipc_anchor_state *state);
int anchor_file_decode(const uint8_t *p, size_t len, struct ipc_anchor_state *state) BH_CHECKED;

/* 0, or an error with the reason in why. */
int anchor_file_save(const char *state_dir, const struct ipc_anchor_state *state, char *why, size_t why_size) BH_CHECKED;
/* BH_ENOENT: there is none. Other errors have their reason in why. */
int anchor_file_load(const char *state_dir, const uint8_t *zone, struct ipc_anchor_state *state, char *why,
		     size_t why_size) BH_CHECKED;

/* Entries of the directory that are looked at in one go: far more than TRACKED_ZONES_MAX, and not whatever lies there. */
#define ANCHOR_FILES_LOOKED_AT 1024
/* A file that was removed, or was not: errno. */
typedef void anchor_file_removed_fn(void *ctx, const char *name, int error);
/*
 * Remove the states of zones that none of these anchors is of, and what a save left that did not end. Who sets such an
 * anchor again means it anew.
 */
void anchor_file_keep(const char *state_dir, const struct ipc_anchor *anchors, size_t count, anchor_file_removed_fn *removed,
		      void *ctx);

#endif
