/*
 * Writing saved images, a slice at a time between other events. Owns the files "*.image" below STATE-DIR/VIEW/
 * whose names saved_name gives, one temporary file per view, and with history.c the folders "*.history"; touches no
 * other.
 *
 * A generation is written in this order, and each step begins when the one before it is on disk:
 *
 *   1. image and head into the temporary file, fsync
 *   2. the generation before: linked into its history folder, fsync of the folder (history_keep)
 *   3. rename over ZONE.image, fsync of the view's folder
 *   4. what the policy does not keep is removed
 *
 * Cut anywhere, ZONE.image is that of before or that of after, whole, and nothing of the history is lost. A temporary
 * file that is left is removed at the next start. Pieces of a large image are forced to disk on the way, so that the
 * last fsync does not hold up everything else for seconds.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/saved.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/zone/image.h" /* for IMAGE_VERSION alone */
#include "daemons/supervisor/history.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Work of one turn: a fraction of a millisecond. */
#define SLICE_OCTETS (256u * 1024)
/* After so many octets what was written is forced to disk: some ten milliseconds on a slow one. */
#define FORCE_OCTETS (1024u * 1024)
/* Warnings about files that cannot be written; the rest is counted. */
#define WARNINGS_MAX 5
/* Generations that a saver takes over from the one before it: their images stay in memory until they are written. */
#define UNFINISHED_MAX 1000
/* No name of a zone begins with a dot. */
#define TEMPORARY ".saving"

struct work {
	struct zone_image *image; /* a reference of our own */
	uint8_t zone[DNAME_MAX];
	char view[IPC_VIEW_MAX];
};

struct saver {
	struct event *turn;
	char *state_dir;
	struct history_policy policy;
	struct work *items;
	size_t count;
	size_t next;
	unsigned written;
	unsigned failed;
	/* the directory of the view in work */
	int dir_fd; /* -1: none */
	char dir_view[IPC_VIEW_MAX];
	char dir[PATH_MAX];
	/* the file in work */
	int fd; /* -1: none */
	uint64_t done;
	uint64_t forced; /* of done */
	uint64_t image_at;
	uint64_t keep;	 /* number of the generation before, which is to be kept; 0: none */
	struct saved_head head; /* without sources: those of the image are borrowed */
	char name[SAVED_NAME_MAX + 1];
};

static void warn(struct saver *saver, const char *name, const char *what)
{
	if (saver->failed++ < WARNINGS_MAX) {
		log_warn("zone images are not saved: %s/%s: %s: %s", saver->dir, name, what, strerror(errno));
	}
}

/* A directory that is ours, made when it is not there. */
static bool have_dir(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, mode) != 0 && errno != EEXIST) {
		return false;
	}
	if (lstat(path, &st) != 0) {
		return false;
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0) {
		errno = EPERM; /* its owner could swap what we trust in it */
		return false;
	}
	return true;
}

/* --- what is no longer wanted ----------------------------------------------------------------------- */

/* A zone that is configured no more: its newest generation is history too, and goes by count and age. */
static bool put_away(int dir_fd, const uint8_t *zone, const char *name)
{
	struct saved_head head;
	char why[HISTORY_WHY_MAX];
	uint64_t at;
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int rc = fd < 0 ? BH_ESYS : saved_read(fd, &head, &at, why, sizeof(why));
	if (rc == BH_OK) {
		sources_clear(&head.sources);
		rc = history_keep(dir_fd, zone, head.number);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc == BH_OK;
}

/* Files of zones that are not in the set, or whose image no authority takes. And what a run that was cut left there. */
static void remove_stale(const char *state_dir, const char *view, const struct zone_set *set, bool keep)
{
	char dir_path[PATH_MAX];
	int fd = history_open_view(state_dir, view);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return; /* nothing was ever saved there, or it is not ours; then the saver says so */
	}
	snprintf(dir_path, sizeof(dir_path), "%s/%s", state_dir, view);
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		struct config_zone zone = { .text = NULL };
		const struct zone_state like = { .view_name = view, .conf = &zone };
		if (strcmp(entry->d_name, TEMPORARY) == 0 && unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			log_info("half-written image removed: %s/%s", dir_path, entry->d_name);
			continue;
		}
		if (!saved_name_parse(entry->d_name, zone.name)) {
			continue;
		}
		const struct zone_state *state = zone_set_find(set, &like);
		bool refused = state != NULL && state->image != NULL && state->image->refused != NULL && state->image->saved;
		if (state != NULL && !refused) {
			continue;
		}
		bool kept = !refused && keep && put_away(dirfd(dir), zone.name, entry->d_name);
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			log_info("saved image removed, %s%s: %s/%s",
				 refused ? "it was refused" : "its zone is not configured any more",
				 kept ? ", its history is kept" : "", dir_path, entry->d_name);
		} else {
			log_warn("saved image that is of no use cannot be removed: %s/%s: %m", dir_path, entry->d_name);
		}
	}
	closedir(dir);
}

/* --- writing ---------------------------------------------------------------------------------------- */

static void give_up_file(struct saver *saver)
{
	if (saver->fd >= 0) {
		close(saver->fd);
		saver->fd = -1;
		unlinkat(saver->dir_fd, TEMPORARY, 0);
	}
}

static void leave_dir(struct saver *saver)
{
	if (saver->dir_fd >= 0) {
		close(saver->dir_fd);
		saver->dir_fd = -1;
	}
}

static bool write_at(int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
	for (size_t pos = 0; pos < len;) {
		ssize_t n = pwrite(fd, bytes + pos, len - pos, (off_t)(at + pos));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		pos += (size_t)n;
	}
	return true;
}

/* Its head as far as it does not depend on what is on disk. */
static void head_of(const struct work *work, struct saved_head *head)
{
	const struct zone_image *image = work->image;
	*head = (struct saved_head){
		.image_version = IMAGE_VERSION,
		.cause = image->cause,
		.since_sec = clock_wall_sec(),
		.image_of = image->rollback.image_of,
		.text_serial = image->rollback.text_serial,
		.text_size = image->rollback.text_size,
		.text_checksum = image->rollback.text_checksum,
		.info = image->info,
		.made_sec = image->made_sec,
	};
	snprintf(head->build, sizeof(head->build), "%s", ipc_build_id());
	memcpy(head->zone, work->zone, sizeof(head->zone));
}

/* Prefix and body in memory of their own; NULL: out of memory. */
static uint8_t *encode_head(const struct saver *saver, const struct work *work, size_t *len)
{
	struct saved_head head = saver->head;
	const struct sources *sources = &work->image->sources;
	size_t room = 2048 + sources->octets + sources->count * 64;
	uint8_t *bytes = malloc(SAVED_PREFIX + room);
	if (bytes == NULL) {
		return NULL;
	}
	head.sources = *sources; /* borrowed */
	head.sources.count = sources->incomplete ? 0 : sources->count; /* none: never current, the image is kept all the same */
	struct sink s = sink_of(bytes + SAVED_PREFIX, room);
	saved_head_encode(&s, &head);
	if (s.failed) {
		free(bytes);
		errno = EOVERFLOW;
		return NULL;
	}
	saved_prefix(bytes, bytes + SAVED_PREFIX, s.pos);
	*len = SAVED_PREFIX + s.pos;
	return bytes;
}

/*
 * Which generation this is: that on disk, written anew because its sources are others, or the one after it. What of the
 * file that stands there cannot be read is no generation.
 */
static void number_it(struct saver *saver, const struct work *work)
{
	struct saved_head before;
	char folder[SAVED_NAME_MAX + 1];
	char why[HISTORY_WHY_MAX];
	uint64_t at;
	int fd = openat(saver->dir_fd, saver->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool known = fd >= 0 && saved_read(fd, &before, &at, why, sizeof(why)) == BH_OK;

	if (fd >= 0) {
		close(fd);
	}
	saver->keep = 0;
	if (known) {
		sources_clear(&before.sources);
		if (before.image_version == IMAGE_VERSION && before.info.checksum == saver->head.info.checksum &&
		    before.info.size == saver->head.info.size && before.image_of == saver->head.image_of) {
			saver->head.number = before.number;
			saver->head.cause = before.cause;
			saver->head.since_sec = before.since_sec;
			return;
		}
		/* A name may be just too long for a history, and short enough to be saved. */
		saver->keep = saver->policy.count > 0 && history_name(work->zone, folder) ? before.number : 0;
	}
	saver->head.number = history_next_number(saver->dir_fd, work->zone, known ? before.number : 0);
}

/* The directory of this view, which is one that only root can write. */
static bool enter_dir(struct saver *saver, const char *view)
{
	if (saver->dir_fd >= 0 && strcmp(saver->dir_view, view) == 0) {
		return true;
	}
	leave_dir(saver);
	if (snprintf(saver->dir, sizeof(saver->dir), "%s/%s", saver->state_dir, view) >= (int)sizeof(saver->dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (have_dir(saver->state_dir, 0755) && have_dir(saver->dir, 0700)) {
		saver->dir_fd = open(saver->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		snprintf(saver->dir_view, sizeof(saver->dir_view), "%s", view);
	}
	return saver->dir_fd >= 0;
}

/* Empty; what a run that was cut short left there goes. */
static int open_temporary(const struct saver *saver)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(saver->dir_fd, TEMPORARY, flags, 0600);
	if (fd < 0 && errno == EEXIST && unlinkat(saver->dir_fd, TEMPORARY, 0) == 0) {
		fd = openat(saver->dir_fd, TEMPORARY, flags, 0600);
	}
	return fd;
}

/* Open the file of this work; false: it is not to be written. */
static bool begin_file(struct saver *saver, const struct work *work)
{
	size_t head_len;

	if (!saved_name(work->zone, saver->name)) {
		return false;
	}
	if (!enter_dir(saver, work->view)) {
		warn(saver, "", "not a directory that only root can write, or not to be made");
		return false;
	}
	head_of(work, &saver->head);
	number_it(saver, work);
	uint8_t *head = encode_head(saver, work, &head_len);
	free(head);
	if (head == NULL || head_len > SAVED_PREFIX + SAVED_BODY_MAX) {
		return false;
	}
	saver->fd = open_temporary(saver);
	if (saver->fd < 0) {
		warn(saver, TEMPORARY, "cannot be made");
		return false;
	}
	saver->done = 0;
	saver->forced = 0;
	saver->image_at = head_len;
	return true;
}

/* Octets of image that this file gets. */
static uint64_t octets_of(const struct work *work)
{
	return work->image->rollback.image_of == 0 ? work->image->info.size : 0;
}

/* The head last: as long as it is missing the file is not one. The steps of the order above. */
static bool end_file(struct saver *saver, struct work *work)
{
	size_t len;
	uint8_t *head = encode_head(saver, work, &len);
	if (head == NULL || len != saver->image_at) {
		free(head); /* it was compiled again meanwhile, from other files to the same image: next time */
		errno = EAGAIN;
		return false;
	}
	bool written = write_at(saver->fd, head, len, 0) && fsync(saver->fd) == 0 &&
		       (saver->keep == 0 || history_keep(saver->dir_fd, work->zone, saver->keep) == BH_OK) &&
		       renameat(saver->dir_fd, TEMPORARY, saver->dir_fd, saver->name) == 0;
	free(head);
	if (!written) {
		return false;
	}
	work->image->number = saver->head.number;
	work->image->cause = saver->head.cause;
	if (fsync(saver->dir_fd) != 0) {
		warn(saver, saver->name, "may not be there after a power cut");
	}
	return true;
}

static void prune(struct saver *saver, const struct work *work)
{
	char folder[SAVED_NAME_MAX + 1];
	if (saver->keep != 0 && history_name(work->zone, folder)) {
		unsigned removed =
			history_prune(saver->dir_fd, folder, saver->head.image_of, &saver->policy, clock_wall_sec());
		if (removed > 0) {
			log_debug("generations removed: %s/%s count=%u", saver->dir, folder, removed);
		}
	}
}

static bool copy_slice(struct saver *saver, const struct work *work, size_t *budget)
{
	uint64_t left = octets_of(work) - saver->done;
	size_t want = left < *budget ? (size_t)left : *budget;
	if (lseek(saver->fd, (off_t)(saver->image_at + saver->done), SEEK_SET) < 0 ||
	    saved_copy(saver->fd, work->image->fd->fd, saver->done, want) != BH_OK) {
		return false;
	}
	saver->done += want;
	*budget -= want;
	if (saver->done - saver->forced >= FORCE_OCTETS) {
		saver->forced = saver->done;
		return fdatasync(saver->fd) == 0;
	}
	return true;
}

/* Something of one file. True: the file is done with, this way or the other. */
static bool write_some(struct saver *saver, struct work *work, size_t *budget)
{
	if (saver->fd < 0 && !begin_file(saver, work)) {
		return true;
	}
	while (saver->done < octets_of(work) && *budget > 0) {
		if (!copy_slice(saver, work, budget)) {
			warn(saver, TEMPORARY, "cannot be written");
			give_up_file(saver);
			return true;
		}
	}
	if (saver->done < octets_of(work)) {
		return false;
	}
	if (end_file(saver, work)) {
		close(saver->fd);
		saver->fd = -1;
		saver->written++;
		work->image->saved = true;
		prune(saver, work);
	} else {
		warn(saver, saver->name, "cannot be written");
		give_up_file(saver);
	}
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	/* A pause between turns, so that a large view does not keep the loop busy on a slow disk. */
	static const struct timeval pause = { .tv_usec = 500 };
	struct saver *saver = arg;
	size_t budget = SLICE_OCTETS;
	(void)fd;
	(void)what;

	while (saver->next < saver->count && budget > 0) {
		struct work *work = &saver->items[saver->next];
		if (write_some(saver, work, &budget)) {
			zone_image_release(work->image);
			work->image = NULL;
			saver->next++;
			budget -= budget < SLICE_OCTETS / 16 ? budget : SLICE_OCTETS / 16; /* a file costs too */
		}
	}
	if (saver->next == saver->count) {
		if (saver->written > 0 || saver->failed > 0) {
			log_info("zone images saved count=%u failed=%u", saver->written, saver->failed);
		}
	} else if (event_add(saver->turn, &pause) != 0) {
		log_fatal("out of memory");
	}
}

/* --- the whole -------------------------------------------------------------------------------------- */

/* Worth a file: taken by its authorities, and not there yet. */
static bool wants_file(const struct zone_state *zone)
{
	const struct zone_image *image = zone->image;
	return image != NULL && !image->saved && !zone->stale && image->refused == NULL;
}

/* Of a zone that still exists, and not the one that is in service now. */
static bool is_missing_in_history(const struct work *work, const struct zone_set *set)
{
	struct config_zone zone = { .text = NULL };
	const struct zone_state like = { .view_name = work->view, .conf = &zone };
	memcpy(zone.name, work->zone, sizeof(zone.name));
	const struct zone_state *now = zone_set_find(set, &like);
	return now != NULL && now->image != work->image && work->image->refused == NULL;
}

static void take_unfinished(struct saver *saver, struct saver *before, const struct zone_set *set)
{
	for (size_t i = before->next; i < before->count; i++) {
		struct work *work = &before->items[i];
		if (is_missing_in_history(work, set)) {
			saver->items[saver->count++] = *work;
			work->image = NULL;
		}
	}
}

static bool take_work(struct saver *saver, const struct config *config, const struct zone_set *set,
		      struct saver *before)
{
	size_t unfinished = before == NULL ? 0 : before->count - before->next;
	if (unfinished > UNFINISHED_MAX) {
		unfinished = 0; /* the disk does not keep up: what is newest comes first */
	}
	saver->state_dir = strdup(config->state_dir);
	saver->policy = (struct history_policy){ .count = config->history_count,
						 .age_sec = (uint64_t)config->history_days * 86400 };
	saver->items = calloc(unfinished + set->count + 1, sizeof(*saver->items));
	if (saver->state_dir == NULL || saver->items == NULL) {
		return false;
	}
	if (unfinished > 0) {
		take_unfinished(saver, before, set);
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (wants_file(zone)) {
			struct work *work = &saver->items[saver->count++];
			zone->image->refs++;
			work->image = zone->image;
			snprintf(work->view, sizeof(work->view), "%s", zone->view_name);
			memcpy(work->zone, zone->conf->name, sizeof(work->zone));
		}
	}
	return true;
}

static void remove_stale_of(const struct config *config, const struct saver *saver, const struct zone_set *set)
{
	for (size_t v = 0; config != NULL && v < config->view_count; v++) {
		remove_stale(saver->state_dir, config->views[v].name, set, saver->policy.count > 0);
	}
}

struct saver *saver_start(struct event_base *base, const struct config *config, const struct config *before,
			  const struct zone_set *set, struct saver *unfinished)
{
	struct saver *saver = calloc(1, sizeof(*saver));
	if (saver == NULL) {
		saver_free(unfinished);
		return NULL;
	}
	saver->fd = -1;
	saver->dir_fd = -1;
	saver->turn = event_new(base, -1, 0, on_turn, saver);
	bool ok = saver->turn != NULL && take_work(saver, config, set, unfinished);
	saver_free(unfinished);
	if (!ok) {
		saver_free(saver);
		return NULL;
	}
	remove_stale_of(config, saver, set);
	remove_stale_of(before, saver, set);
	event_active(saver->turn, EV_TIMEOUT, 0);
	return saver;
}

bool saver_is_done(const struct saver *saver)
{
	return saver->next == saver->count;
}

void saver_free(struct saver *saver)
{
	if (saver == NULL) {
		return;
	}
	give_up_file(saver);
	leave_dir(saver);
	for (size_t i = 0; i < saver->count; i++) {
		zone_image_release(saver->items[i].image);
	}
	if (saver->turn != NULL) {
		event_free(saver->turn);
	}
	free(saver->items);
	free(saver->state_dir);
	free(saver);
}
