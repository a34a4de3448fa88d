/*
 * Writing saved images, in a process that may wait for the disk.
 *
 * A generation is written in this order, and each step begins when the one before it is on disk:
 *
 *   1. image and head into the temporary file, fsync
 *   2. the generation before: linked into its history folder, fsync of the folder (history_keep)
 *   3. rename over ZONE.image, fsync of the view's folder
 *   4. what the policy does not keep is removed
 *
 * In front of a rollback stands the generation that it names, if that is not there any more.
 *
 * Cut anywhere, ZONE.image is that of before or that of after, whole, and nothing of the history is lost. A temporary
 * file that is left is removed at the next start.
 *
 * The folder of a view is locked while anything of it is written: a process that was left behind in a disk that hung, by a
 * supervisor that has ended or has become another program, may still come back for one more system call.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/save_batch.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/zone/image.h" /* for IMAGE_VERSION alone */
#include "daemons/supervisor/anchor_file.h"
#include "daemons/supervisor/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* After so many octets what was written is forced to disk, and a sign of life given. */
#define FORCE_OCTETS (1024u * 1024)
/* The same after so many names of a folder. */
#define TOLD_NAMES 64
/* Warnings about files that cannot be written; the rest is counted. */
#define WARNINGS_MAX 5
/* No name of a zone begins with a dot. */
#define TEMPORARY ".saving"

struct writer {
	const struct save_batch *batch;
	save_tell_fn *tell;
	void *ctx;
	unsigned failed;
	/* the directory of the view in work */
	int dir_fd; /* -1: none */
	char dir_view[IPC_VIEW_MAX];
	char dir[PATH_MAX];
	/* the file in work */
	int fd; /* -1: none */
	uint8_t *head; /* encoded */
	size_t head_len;
	uint64_t keep; /* number of the generation before, which is to be kept; 0: none */
	struct saved_head values; /* without sources: those of the image are borrowed */
	char name[SAVED_NAME_MAX + 1];
};

/* --- telling ---------------------------------------------------------------------------------------- */

void save_report_encode(struct sink *out, const struct save_report *r)
{
	sink_u8(out, r->kind);
	sink_u8(out, r->level);
	sink_u8(out, r->ok);
	sink_u32(out, r->index);
	sink_u32(out, r->count);
	sink_u64(out, r->number);
	sink_u8(out, r->cause.kind);
	sink_u32(out, r->cause.uid);
	sink_string(out, r->text);
}

int save_report_decode(const uint8_t *p, size_t len, struct save_report *r)
{
	struct cursor c = cursor_of(p, len);
	*r = (struct save_report){ .kind = cursor_u8(&c) };
	r->level = cursor_u8(&c);
	r->ok = cursor_u8(&c) != 0;
	r->index = cursor_u32(&c);
	r->count = cursor_u32(&c);
	r->number = cursor_u64(&c);
	r->cause.kind = cursor_u8(&c);
	r->cause.uid = cursor_u32(&c);
	cursor_string(&c, r->text, sizeof(r->text));
	return !cursor_done(&c) || r->kind == 0 || r->kind > SAVE_REPORT_LAST ? BH_EMALFORMED : BH_OK;
}

static void tell(const struct writer *w, const struct save_report *report)
{
	w->tell(w->ctx, report);
}

static void say(const struct writer *w, enum log_level level, const char *fmt, ...) BH_PRINTF(3, 4);

static void say(const struct writer *w, enum log_level level, const char *fmt, ...)
{
	struct save_report report = { .kind = SAVE_SAYS, .level = (uint8_t)level };
	va_list args;
	va_start(args, fmt);
	vsnprintf(report.text, sizeof(report.text), fmt, args);
	va_end(args);
	tell(w, &report);
}

static void go_on(const struct writer *w)
{
	tell(w, &(struct save_report){ .kind = SAVE_GOES_ON });
}

static void warn(struct writer *w, const char *name, const char *what)
{
	if (w->failed++ < WARNINGS_MAX) {
		say(w, LOG_LEVEL_WARN, "zone images are not saved: %s/%s: %s: %s", w->dir, name, what, strerror(errno));
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

/*
 * Until its process has really gone, nobody else writes there. A file system that has no locks does without: then it is
 * only known that each supervisor has one writer.
 */
static void lock_dir(int fd)
{
	while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {
	}
}

/* Files of zones that are not in the set, or whose image no authority takes. And what a run that was cut left there. */
static void remove_stale(const struct writer *w, const char *view)
{
	const struct save_batch *batch = w->batch;
	char dir_path[PATH_MAX];
	int fd = history_open_view(batch->state_dir, view);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return; /* nothing was ever saved there, or it is not ours; then begin_file says so */
	}
	lock_dir(fd);
	snprintf(dir_path, sizeof(dir_path), "%s/%s", batch->state_dir, view);
	const struct dirent *entry;
	unsigned looked = 0;
	while ((entry = readdir(dir)) != NULL) {
		struct config_zone zone = { .text = NULL };
		const struct zone_state like = { .view_name = view, .conf = &zone };
		if (++looked % TOLD_NAMES == 0) {
			go_on(w);
		}
		if (strcmp(entry->d_name, TEMPORARY) == 0 && unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			say(w, LOG_LEVEL_INFO, "half-written image removed: %s/%s", dir_path, entry->d_name);
			continue;
		}
		if (!saved_name_parse(entry->d_name, zone.name)) {
			continue;
		}
		const struct zone_state *state = zone_set_find(batch->set, &like);
		bool refused = state != NULL && state->image != NULL && state->image->refused != NULL && state->image->saved;
		if (state != NULL && !refused) {
			continue;
		}
		bool kept = !refused && batch->policy.count > 0 && put_away(dirfd(dir), zone.name, entry->d_name);
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			say(w, LOG_LEVEL_INFO, "saved image removed, %s%s: %s/%s",
			    refused ? "it was refused" : "its zone is not configured any more",
			    kept ? ", its history is kept" : "", dir_path, entry->d_name);
		} else {
			say(w, LOG_LEVEL_WARN, "saved image that is of no use cannot be removed: %s/%s: %s", dir_path,
			    entry->d_name, strerror(errno));
		}
	}
	closedir(dir);
}

/* --- generations ------------------------------------------------------------------------------------ */

static void end_head(struct writer *w)
{
	free(w->head);
	w->head = NULL;
}

static void give_up_file(struct writer *w)
{
	close(w->fd);
	w->fd = -1;
	end_head(w);
	unlinkat(w->dir_fd, TEMPORARY, 0);
}

static void leave_dir(struct writer *w)
{
	if (w->dir_fd >= 0) {
		close(w->dir_fd);
		w->dir_fd = -1;
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
static void head_of(const struct save_work *work, struct saved_head *head)
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
	/* Another build's compiler may have made less of the text: the next start asks ours. */
	snprintf(head->build, sizeof(head->build), "%s", image->other_build ? "another" : ipc_build_id());
	memcpy(head->zone, work->zone, sizeof(head->zone));
}

/* Prefix and body into w->head. */
static bool encode_head(struct writer *w, const struct save_work *work)
{
	struct saved_head head = w->values;
	const struct sources *sources = &work->image->sources;
	size_t room = 2048 + sources->octets + sources->count * 64;
	w->head = malloc(SAVED_PREFIX + room);
	if (w->head == NULL) {
		return false;
	}
	head.sources = *sources; /* borrowed */
	head.sources.count = sources->incomplete ? 0 : sources->count; /* none: never current, the image is kept all the same */
	struct sink s = sink_of(w->head + SAVED_PREFIX, room);
	saved_head_encode(&s, &head);
	if (s.failed || s.pos > SAVED_BODY_MAX) {
		end_head(w);
		errno = EOVERFLOW;
		return false;
	}
	saved_prefix(w->head, w->head + SAVED_PREFIX, s.pos);
	w->head_len = SAVED_PREFIX + s.pos;
	return true;
}

/*
 * Which generation this is: that on disk, written anew because its sources are others, or the one after it. What of the
 * file that stands there cannot be read is no generation.
 */
static void number_it(struct writer *w, const struct save_work *work)
{
	struct saved_head before;
	char folder[SAVED_NAME_MAX + 1];
	char why[HISTORY_WHY_MAX];
	uint64_t at;
	int fd = openat(w->dir_fd, w->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool known = fd >= 0 && saved_read(fd, &before, &at, why, sizeof(why)) == BH_OK;

	if (fd >= 0) {
		close(fd);
	}
	w->keep = 0;
	if (known) {
		sources_clear(&before.sources);
		if (before.image_version == IMAGE_VERSION && before.info.checksum == w->values.info.checksum &&
		    before.info.size == w->values.info.size && before.image_of == w->values.image_of) {
			w->values.number = before.number;
			w->values.cause = before.cause;
			w->values.since_sec = before.since_sec;
			return;
		}
		/* A name may be just too long for a history, and short enough to be saved. */
		w->keep = w->batch->policy.count > 0 && history_name(work->zone, folder) ? before.number : 0;
	}
	w->values.number = history_next_number(w->dir_fd, work->zone, known ? before.number : 0);
}

/* The directory of this view, which is one that only root can write. */
static bool enter_dir(struct writer *w, const char *view)
{
	if (w->dir_fd >= 0 && strcmp(w->dir_view, view) == 0) {
		return true;
	}
	leave_dir(w);
	if (snprintf(w->dir, sizeof(w->dir), "%s/%s", w->batch->state_dir, view) >= (int)sizeof(w->dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (have_dir(w->batch->state_dir, 0755) && have_dir(w->dir, 0700)) {
		w->dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		snprintf(w->dir_view, sizeof(w->dir_view), "%s", view);
	}
	if (w->dir_fd >= 0) {
		lock_dir(w->dir_fd);
	}
	return w->dir_fd >= 0;
}

/* Empty; what a run that was cut short left there goes. */
static int open_temporary(const struct writer *w)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(w->dir_fd, TEMPORARY, flags, 0600);
	if (fd < 0 && errno == EEXIST && unlinkat(w->dir_fd, TEMPORARY, 0) == 0) {
		fd = openat(w->dir_fd, TEMPORARY, flags, 0600);
	}
	return fd;
}

/* The head for w->values, and the file that is written until it is whole. no_head: what to say of the former. */
static bool begin_temporary(struct writer *w, const struct save_work *work, const char *no_head)
{
	if (!encode_head(w, work)) {
		warn(w, w->name, no_head);
		return false;
	}
	w->fd = open_temporary(w);
	if (w->fd < 0) {
		warn(w, TEMPORARY, "cannot be made");
		end_head(w);
		return false;
	}
	return true;
}

/* Open the file of this work; false: it is not to be written. */
static bool begin_file(struct writer *w, const struct save_work *work)
{
	if (!saved_name(work->zone, w->name)) {
		return false;
	}
	if (!enter_dir(w, work->view)) {
		warn(w, "", "not a directory that only root can write, or not to be made");
		return false;
	}
	head_of(work, &w->values);
	number_it(w, work);
	return begin_temporary(w, work, "its head cannot be made");
}

/* The image behind the place of the head, forced to disk piece by piece. */
static bool copy_image(const struct writer *w, const struct save_work *work)
{
	uint64_t size = work->image->rollback.image_of == 0 ? work->image->info.size : 0;
	for (uint64_t done = 0; done < size;) {
		uint64_t want = size - done < FORCE_OCTETS ? size - done : FORCE_OCTETS;
		if (lseek(w->fd, (off_t)(w->head_len + done), SEEK_SET) < 0 ||
		    saved_copy(w->fd, work->image->fd->fd, done, want) != BH_OK) {
			return false;
		}
		done += want;
		if (want == FORCE_OCTETS && fdatasync(w->fd) != 0) {
			return false;
		}
		go_on(w);
	}
	return true;
}

/* The head last: as long as it is missing the file is not one. The steps of the order above. */
static bool end_file(struct writer *w, const struct save_work *work)
{
	bool written = write_at(w->fd, w->head, w->head_len, 0) && fsync(w->fd) == 0 &&
		       (w->keep == 0 || history_keep(w->dir_fd, work->zone, w->keep) == BH_OK) &&
		       renameat(w->dir_fd, TEMPORARY, w->dir_fd, w->name) == 0;
	if (!written) {
		return false;
	}
	close(w->fd);
	w->fd = -1;
	end_head(w);
	if (fsync(w->dir_fd) != 0) {
		warn(w, w->name, "may not be there after a power cut");
	}
	return true;
}

static void prune(const struct writer *w, const struct save_work *work)
{
	char folder[SAVED_NAME_MAX + 1];
	if (w->keep != 0 && history_name(work->zone, folder)) {
		unsigned removed =
			history_prune(w->dir_fd, folder, w->values.image_of, &w->batch->policy, clock_wall_sec());
		if (removed > 0) {
			say(w, LOG_LEVEL_DEBUG, "generations removed: %s/%s count=%u", w->dir, folder, removed);
		}
	}
}

/*
 * What a rollback goes back to may have been removed since it was chosen, by a generation that was on its way to the disk
 * then. Its image is here all the same: it gets its place again.
 */
static bool put_back_served(struct writer *w, const struct save_work *work)
{
	uint64_t number = work->image->rollback.image_of;
	struct zone_image image = *work->image; /* borrowed */
	struct save_work served = *work;
	if (number == 0 || !saved_name(work->zone, w->name) || !enter_dir(w, work->view) ||
	    history_has(w->dir_fd, work->zone, number)) {
		return true; /* or begin_file says why not */
	}
	image.rollback = (struct zone_rollback){ .image_of = 0 };
	image.sources.incomplete = true;
	served.image = &image;
	head_of(&served, &w->values);
	w->values.number = number;
	if (!begin_temporary(w, &served, "the head of what it serves cannot be made")) {
		return false;
	}
	if (!copy_image(w, &served) || !write_at(w->fd, w->head, w->head_len, 0) || fsync(w->fd) != 0 ||
	    history_put_back(w->dir_fd, work->zone, number, TEMPORARY) != BH_OK) {
		warn(w, w->name, "what it serves cannot be written");
		give_up_file(w);
		return false;
	}
	close(w->fd);
	w->fd = -1;
	end_head(w);
	return true;
}

static bool write_work(struct writer *w, const struct save_work *work)
{
	if (!put_back_served(w, work) || !begin_file(w, work)) {
		return false;
	}
	if (!copy_image(w, work)) {
		warn(w, TEMPORARY, "cannot be written");
		give_up_file(w);
		return false;
	}
	if (!end_file(w, work)) {
		warn(w, w->name, "cannot be written");
		give_up_file(w);
		return false;
	}
	return true;
}

static void write_works(struct writer *w)
{
	for (size_t i = 0; i < w->batch->work_count; i++) {
		struct save_report report = { .kind = SAVE_WORK, .index = (uint32_t)i };
		report.ok = write_work(w, &w->batch->works[i]);
		if (report.ok) {
			report.number = w->values.number;
			report.cause = w->values.cause;
		}
		tell(w, &report);
		if (report.ok) {
			prune(w, &w->batch->works[i]);
		}
	}
	leave_dir(w);
}

/* --- the whole -------------------------------------------------------------------------------------- */

static void write_anchors(const struct writer *w)
{
	for (size_t i = 0; i < w->batch->anchor_count; i++) {
		const struct ipc_anchor_state *state = &w->batch->anchors[i];
		struct save_report report = { .kind = SAVE_ANCHOR, .index = (uint32_t)i };
		char why[IPC_TEXT_MAX];
		char text[DNAME_TEXT_MAX];
		report.ok = anchor_file_save(w->batch->state_dir, state, why, sizeof(why)) == BH_OK;
		if (!report.ok) {
			say(w, LOG_LEVEL_ERR, "state of trust anchor keys is not saved zone=%s: %s",
			    dname_text(state->zone, text), why);
		}
		tell(w, &report);
	}
}

static void on_state_removed(void *ctx, const char *name, int error)
{
	if (error == 0) {
		say(ctx, LOG_LEVEL_INFO, "saved state of former trust anchor removed file=%s", name);
	} else {
		say(ctx, LOG_LEVEL_WARN, "saved state of former trust anchor cannot be removed file=%s: %s", name,
		    strerror(error));
	}
}

static unsigned sweep_view(const struct writer *w, const char *view)
{
	unsigned removed = 0;
	unsigned looked = 0;
	int fd = history_open_view(w->batch->state_dir, view);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (fd >= 0 && dir == NULL) {
		close(fd);
	}
	if (dir != NULL) {
		lock_dir(fd);
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		uint8_t zone[DNAME_MAX];
		if (history_name_parse(entry->d_name, zone)) {
			removed += history_prune(fd, entry->d_name, history_served(fd, zone), &w->batch->policy,
						 clock_wall_sec());
		}
		if (++looked % TOLD_NAMES == 0) {
			go_on(w);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return removed;
}

static void sweep(const struct writer *w)
{
	const struct config *config = w->batch->sweep;
	struct save_report report = { .kind = SAVE_SWEPT };
	for (size_t v = 0; v < config->view_count; v++) {
		report.count += sweep_view(w, config->views[v].name);
	}
	tell(w, &report);
}

void save_batch_write(const struct save_batch *batch, save_tell_fn *tell_fn, void *ctx)
{
	struct writer w = { .batch = batch, .tell = tell_fn, .ctx = ctx, .dir_fd = -1, .fd = -1 };
	write_anchors(&w);
	if (batch->keep_anchors) {
		anchor_file_keep(batch->state_dir, batch->set->anchors, batch->set->anchor_count, on_state_removed, &w);
	}
	for (size_t i = 0; i < batch->tidy_count; i++) {
		remove_stale(&w, batch->tidy[i]);
	}
	tell(&w, &(struct save_report){ .kind = SAVE_TIDIED });
	write_works(&w);
	if (batch->sweep != NULL) {
		sweep(&w);
	}
	tell(&w, &(struct save_report){ .kind = SAVE_END, .count = w.failed });
}
