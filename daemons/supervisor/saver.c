/*
 * Writing saved images, a slice at a time between other events. Owns the files "*.image" below STATE-DIR/VIEW/
 * whose names saved_name gives, and one temporary file per view; touches no other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/saved.h"

#include "common/ipc/link.h"
#include "common/util/log.h"

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
/* Warnings about files that cannot be written; the rest is counted. */
#define WARNINGS_MAX 5
/* No name of a zone begins with a dot. */
#define TEMPORARY ".saving"

struct work {
	struct zone_image *image; /* a reference of our own */
	uint8_t zone[DNAME_MAX];
	unsigned view;
};

struct saver {
	struct event *turn;
	char *state_dir;
	char (*views)[IPC_VIEW_MAX];
	struct work *items;
	size_t count;
	size_t next;
	unsigned written;
	unsigned failed;
	/* the directory of the view in work */
	int dir_fd; /* -1: none */
	unsigned dir_view;
	char dir[PATH_MAX];
	/* the file in work */
	int fd; /* -1: none */
	uint64_t done;
	uint64_t image_at;
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

/* Files of zones that are not in the set, or whose image no authority takes. */
static void remove_stale(const char *dir_path, const char *view, const struct zone_set *set)
{
	DIR *dir = opendir(dir_path);
	if (dir == NULL) {
		return; /* nothing was ever saved there */
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		struct config_zone zone = { .text = NULL };
		const struct zone_state like = { .view_name = view, .conf = &zone };
		if (!saved_name_parse(entry->d_name, zone.name)) {
			continue;
		}
		const struct zone_state *state = zone_set_find(set, &like);
		bool refused = state != NULL && state->image != NULL && state->image->refused != NULL;
		if (state != NULL && !refused) {
			continue;
		}
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			log_info("saved image removed, %s: %s/%s",
				 refused ? "it was refused" : "its zone is not configured any more", dir_path, entry->d_name);
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

static void head_of(const struct work *work, struct saved_head *head)
{
	*head = (struct saved_head){
		.info = work->image->info,
		.made_sec = work->image->made_sec,
		.sources = work->image->sources, /* borrowed */
	};
	snprintf(head->build, sizeof(head->build), "%s", ipc_build_id());
	memcpy(head->zone, work->zone, sizeof(head->zone));
}

/* Prefix and body in memory of their own; NULL: out of memory. */
static uint8_t *encode_head(const struct work *work, size_t *len)
{
	struct saved_head head;
	size_t room = 2048 + work->image->sources.octets + work->image->sources.count * 64;
	uint8_t *bytes = malloc(SAVED_PREFIX + room);
	if (bytes == NULL) {
		return NULL;
	}
	struct sink s = sink_of(bytes + SAVED_PREFIX, room);
	head_of(work, &head);
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

/* The directory of this view, which is one that only root can write. */
static bool enter_dir(struct saver *saver, unsigned view)
{
	if (saver->dir_fd >= 0 && saver->dir_view == view) {
		return true;
	}
	leave_dir(saver);
	if (snprintf(saver->dir, sizeof(saver->dir), "%s/%s", saver->state_dir, saver->views[view]) >=
	    (int)sizeof(saver->dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (have_dir(saver->state_dir, 0755) && have_dir(saver->dir, 0700)) {
		saver->dir_fd = open(saver->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		saver->dir_view = view;
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
	uint8_t *head = encode_head(work, &head_len);
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
	saver->image_at = head_len;
	return true;
}

/* The head last: as long as it is missing the file is not one. */
static bool end_file(struct saver *saver, const struct work *work)
{
	size_t len;
	uint8_t *head = encode_head(work, &len);
	if (head == NULL || len != saver->image_at) {
		free(head); /* it was compiled again meanwhile, from other files to the same image: next time */
		errno = EAGAIN;
		return false;
	}
	bool written = write_at(saver->fd, head, len, 0) &&
		       renameat(saver->dir_fd, TEMPORARY, saver->dir_fd, saver->name) == 0;
	free(head);
	return written;
}

static bool copy_slice(struct saver *saver, const struct work *work, size_t *budget)
{
	uint64_t left = work->image->info.size - saver->done;
	size_t want = left < *budget ? (size_t)left : *budget;
	if (lseek(saver->fd, (off_t)(saver->image_at + saver->done), SEEK_SET) < 0 ||
	    saved_copy(saver->fd, work->image->fd->fd, saver->done, want) != BH_OK) {
		return false;
	}
	saver->done += want;
	*budget -= want;
	return true;
}

/* Something of one file. True: the file is done with, this way or the other. */
static bool write_some(struct saver *saver, struct work *work, size_t *budget)
{
	if (saver->fd < 0 && !begin_file(saver, work)) {
		return true;
	}
	while (saver->done < work->image->info.size && *budget > 0) {
		if (!copy_slice(saver, work, budget)) {
			warn(saver, TEMPORARY, "cannot be written");
			give_up_file(saver);
			return true;
		}
	}
	if (saver->done < work->image->info.size) {
		return false;
	}
	if (end_file(saver, work)) {
		close(saver->fd);
		saver->fd = -1;
		saver->written++;
		work->image->saved = true;
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

/* Worth a file: complete, taken by its authorities, and not there yet. */
static bool wants_file(const struct zone_state *zone)
{
	const struct zone_image *image = zone->image;
	return image != NULL && !image->saved && !zone->stale && image->refused == NULL &&
	       !image->sources.incomplete && image->sources.count > 0;
}

static bool take_work(struct saver *saver, const struct config *config, const struct zone_set *set)
{
	saver->state_dir = strdup(config->state_dir);
	saver->views = calloc(config->view_count + 1, sizeof(*saver->views));
	saver->items = calloc(set->count + 1, sizeof(*saver->items));
	if (saver->state_dir == NULL || saver->views == NULL || saver->items == NULL) {
		return false;
	}
	for (size_t v = 0; v < config->view_count; v++) {
		memcpy(saver->views[v], config->views[v].name, sizeof(saver->views[v]));
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (wants_file(zone)) {
			struct work *work = &saver->items[saver->count++];
			zone->image->refs++;
			work->image = zone->image;
			work->view = zone->view;
			memcpy(work->zone, zone->conf->name, sizeof(work->zone));
		}
	}
	return true;
}

static void remove_stale_of(const struct config *config, const char *state_dir, const struct zone_set *set)
{
	for (size_t v = 0; config != NULL && v < config->view_count; v++) {
		char dir[PATH_MAX];
		const char *view = config->views[v].name;
		if (snprintf(dir, sizeof(dir), "%s/%s", state_dir, view) < (int)sizeof(dir)) {
			remove_stale(dir, view, set);
		}
	}
}

struct saver *saver_start(struct event_base *base, const struct config *config, const struct config *before,
			  const struct zone_set *set)
{
	struct saver *saver = calloc(1, sizeof(*saver));
	if (saver == NULL) {
		return NULL;
	}
	saver->fd = -1;
	saver->dir_fd = -1;
	saver->turn = event_new(base, -1, 0, on_turn, saver);
	if (saver->turn == NULL || !take_work(saver, config, set)) {
		saver_free(saver);
		return NULL;
	}
	remove_stale_of(config, saver->state_dir, set);
	remove_stale_of(before, saver->state_dir, set);
	event_active(saver->turn, EV_TIMEOUT, 0);
	return saver;
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
	free(saver->views);
	free(saver->state_dir);
	free(saver);
}
