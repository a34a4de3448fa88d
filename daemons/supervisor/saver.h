/*
 * All that is written below the state directory once the appliance runs: images, histories, states of trust anchor keys.
 * A disk may hang for as long as it likes, and who waits for it can do nothing else, so none of it is done by the
 * supervisor itself: it forks a process, the writer, which does one batch (save_batch.h) from its beginning to its end and
 * tells over a socket what became of each part.
 *
 * The writer is the same program with the same user; it holds no capability, and of descriptors the images of its batch,
 * the log and that socket. There is one at a time. What comes meanwhile waits for it: of each zone what is in service, and
 * generations before that which are not in the history yet, up to a bound.
 *
 *   the writer is killed    what it has not told of is written by the next one, after a pause
 *   the disk hangs          told once in the log and by `status` until it goes on; no other is started, and histories are
 *                           not read, as that would hang too
 *   the supervisor stops    the writer has some seconds, then it is killed; files are the old or the new ones, whole
 *   the supervisor dies     the writer is killed by the kernel with it; the same
 *   exec of an upgrade      waits some seconds for the writer (upgrade.c), then the writer finishes its batch beside the new
 *                           program, whose own writer waits for the lock of the folder
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SAVER_H
#define BULKHEAD_SUPERVISOR_SAVER_H

#include "daemons/supervisor/supervisor.h"

/* A writer that gave no sign of life for so long is told as one that is stuck: a mebibyte, or a file, is one. */
#define SAVER_STUCK_SEC 10
/* Others wait for so long at most until all is written: a stop, the exec of an upgrade. */
#define SAVER_PATIENCE_SEC 5

struct saver;

/* Writes nothing yet. NULL: out of memory. */
struct saver *saver_new(struct supervisor *sup);

/*
 * The current generation is in service: write what is new in it. Files of zones that no longer exist go into their
 * histories: those of the configuration before (NULL: there was none) and of other runs, but of no view that neither
 * names; no folder is looked through where the same zones were configured before, and no image was refused. Half-written
 * files of a run that was cut short are removed, and states of keys of zones that have no trust anchor any more.
 */
void saver_save(struct saver *saver, const struct config *before);

/* Write this state; one of the same zone that still waits is forgotten. */
void saver_put_anchor(struct saver *saver, const struct ipc_anchor_state *state);
/* Is the newest state of this zone still to be written? */
bool saver_has_anchor(const struct saver *saver, const uint8_t *zone);

/* Look through all histories for what the policy does not keep. */
void saver_sweep(struct saver *saver);

/* Somebody waits (SAVER_PATIENCE_SEC): no pause after a writer that was killed. */
void saver_hurry(struct saver *saver);
/* Nothing is being written, and nothing waits. */
bool saver_is_done(const struct saver *saver);
/* Generations that wait and are not in service any more. */
size_t saver_unfinished(const struct saver *saver);

/* For how long the writer has given no sign of life; 0: less than SAVER_STUCK_SEC, or there is none. */
unsigned saver_stuck_sec(const struct saver *saver);
/* The same of one in uninterruptible sleep, from two seconds on: whoever reads there may wait for as long. */
unsigned saver_disk_hangs_sec(const struct saver *saver);

/* A child ended. True: it was the writer. */
bool saver_child_ended(struct saver *saver, pid_t pid, int status);

/* What still writes is killed; what cannot be killed is left to itself. NULL is fine. */
void saver_free(struct saver *saver);

#endif
