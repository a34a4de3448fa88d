/*
 * The history of a zone (ANSSI-BP-038 R12): every generation that was served, as files below the state directory.
 *
 *   STATE-DIR/VIEW/ZONE.image               the newest generation, from which a start is quick (saved.h)
 *   STATE-DIR/VIEW/ZONE.history/NUMBER      those before it, and of zones that are configured no more all
 *
 * Folders are 0700 and files 0600 of root: no role can read them, not even those of the same view, and a process that
 * shows something of them gets sealed copies of what it shows and nothing else.
 *
 * A generation becomes history by a link, before the one after it is renamed over its first name: at every moment the
 * newest is there, the old or the new one, and an old one is never nowhere. In between it has two names, which
 * changes nothing: a number that is that of the newest counts once.
 *
 * Here is where files are named, listed, opened, linked and removed; what an image says is read by nobody here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_HISTORY_H
#define BULKHEAD_SUPERVISOR_HISTORY_H

#include "daemons/supervisor/saved.h"

/* Generations of one zone that are looked at: ten times what may be configured, so that all are found. */
#define HISTORY_LOOKED_AT_MAX 10000
#define HISTORY_WHY_MAX 96

struct history_item {
	uint64_t number;
	bool newest; /* ZONE.image */
	char fault[HISTORY_WHY_MAX]; /* why its image is of no use; "": it is, as far as its head tells */
	struct saved_head head;	     /* as far as fault is ""; without sources */
};

struct history {
	struct history_item *items; /* the newest first */
	size_t count;
};

/* All generations of a zone; none is no error. BH_ESYS: why says what cannot be read; BH_ENOMEM. */
int history_read(const char *state_dir, const char *view, const uint8_t *zone, struct history *out, char *why,
		 size_t why_size) BH_CHECKED;
void history_clear(struct history *history);
/* The item of this number, or NULL. */
const struct history_item *history_find(const struct history *history, uint64_t number);

/*
 * The image of one generation: a sealed memfd, and its head. A rollback's is that of the generation it names. The head's
 * sources are the caller's. BH_ENOENT: there is no such generation. In all errors why is filled.
 */
int history_open(const char *state_dir, const char *view, const uint8_t *zone, uint64_t number,
		 struct saved_head *head, int *memfd, char *why, size_t why_size) BH_CHECKED;

/*
 * The folder of a view, which must be one of root's, and no link, that nobody else can write: who could would choose what
 * is read and removed there. -1 with errno.
 */
int history_open_view(const char *state_dir, const char *view);

/* --- for save_batch.c; dir_fd is the view's folder -------------------------------------------------------------- */

/* The number that the generation after all these gets; newest: that of ZONE.image, 0: there is none. */
uint64_t history_next_number(int dir_fd, const uint8_t *zone, uint64_t newest);

/*
 * ZONE.image, whose number this is, becomes history: from now on it stays when its first name is taken by another. On
 * disk when this returns. A negative error with errno; then nothing has changed.
 */
int history_keep(int dir_fd, const uint8_t *zone, uint64_t number) BH_CHECKED;

/* Is this generation there, as far as its head tells? */
bool history_has(int dir_fd, const uint8_t *zone, uint64_t number);
/* One that has gone comes back: the whole file `from` of dir_fd, which is on disk, gets its place. A negative error with errno. */
int history_put_back(int dir_fd, const uint8_t *zone, uint64_t number, const char *from) BH_CHECKED;

/* What stays. */
struct history_policy {
	unsigned count;	  /* generations besides the newest; 0: none */
	uint64_t age_sec; /* since another took its place; 0: whatever their age */
};

/*
 * Remove what the policy does not keep, but never the generation `served` (0: none), whose image the newest serves.
 * name: of the history folder (history_name); one that is empty then goes. Returns how many were removed.
 */
unsigned history_prune(int dir_fd, const char *name, uint64_t served, const struct history_policy *policy,
		       uint64_t now_sec);

/* The generation whose image ZONE.image serves again, 0: it has its own, or there is none. */
uint64_t history_served(int dir_fd, const uint8_t *zone);

/* "ZONE.history"; false: the name is too long for a file system, such a zone has no history. */
bool history_name(const uint8_t *zone, char out[SAVED_NAME_MAX + 1]);
/* The zone of such a name; false when history_name would never give it. */
bool history_name_parse(const char *name, uint8_t zone[DNAME_MAX]);

#endif
