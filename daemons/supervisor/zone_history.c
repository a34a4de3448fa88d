/*
 * Commands on one zone. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/zone_history.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "daemons/supervisor/history.h"
#include "daemons/supervisor/inspect.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As for monitoring plug-ins. */
enum { FINE, WARNING, CRITICAL, UNKNOWN };

enum zone_command { ZONE_RELOAD, ZONE_DUMP, ZONE_DIFF, ZONE_ROLLBACK, ZONE_RELEASE };

struct zone_job {
	struct supervisor *sup;
	enum zone_command command;
	uid_t uid;
	zone_job_done_fn *done; /* NULL: the client is gone */
	void *ctx;
	struct inspect *inspect; /* NULL: none under way */
	char view[IPC_VIEW_MAX];
	uint8_t zone[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	uint64_t numbers[2]; /* of the generations that are shown; the first is gone back to */
	struct zone_image *image; /* to go back to */
	uint32_t image_before;	  /* of a reload: id of what was served; 0: nothing was */
	char why_text[IPC_TEXT_MAX]; /* of a reload or release: the first thing that is wrong with the text */
};

/* --- which zone, which generation ----------------------------------------------------------------------- */

/* What is read there would hold up all else. */
static bool is_readable(const struct supervisor *sup, char *why, size_t why_size)
{
	unsigned sec = saver_disk_hangs_sec(sup->saver);
	if (sec > 0) {
		snprintf(why, why_size, "histories cannot be read: the disk of the state directory has not answered for %u s", sec);
	}
	return sec == 0;
}

/* A zone as it is named by an operator. NULL: why says what is wrong. */
static const struct zone_state *find_zone(const struct supervisor *sup, const char *word, char *why, size_t why_size)
{
	const struct zone_set *set = sup->current.zones;
	const struct zone_state *found = NULL;
	char name_text[CTL_WORD_MAX];
	uint8_t name[DNAME_MAX];
	const char *at = strrchr(word, '@');

	snprintf(name_text, sizeof(name_text), "%.*s", at == NULL ? (int)strlen(word) : (int)(at - word), word);
	if (set == NULL || dname_from_text(name_text, name) < 0) {
		snprintf(why, why_size, set == NULL ? "the appliance is starting" : "not a domain name");
		return NULL;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (!dname_equal(zone->conf->name, name) || (at != NULL && strcmp(zone->view_name, at + 1) != 0)) {
			continue;
		}
		if (found != NULL) {
			snprintf(why, why_size, "several views have this zone: name one, as in %.200s@%s", name_text,
				 found->view_name);
			return NULL;
		}
		found = zone;
	}
	if (found == NULL) {
		snprintf(why, why_size, at == NULL ? "no view has this zone" : "that view has no such zone");
	}
	return found;
}

static bool read_number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t number = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || number > most) {
			return false;
		}
		number = number * 10 + (uint64_t)(*p - '0');
	}
	*out = number;
	return text[0] != '\0' && number <= most;
}

/* "12" or "serial:2024010101". NULL: why. */
static const struct history_item *find_generation(const struct history *history, const char *word, char *why,
						  size_t why_size)
{
	static const char prefix[] = "serial:";
	const struct history_item *item = NULL;
	uint64_t number;
	if (strncmp(word, prefix, sizeof(prefix) - 1) == 0) {
		if (read_number(word + sizeof(prefix) - 1, UINT32_MAX, &number)) {
			for (size_t i = 0; i < history->count && item == NULL; i++) {
				const struct history_item *at = &history->items[i];
				item = at->fault[0] == '\0' && at->head.info.serial == number ? at : NULL;
			}
		}
	} else if (read_number(word, SAVED_NUMBER_MAX, &number) && number > 0) {
		item = history_find(history, number);
	}
	if (item == NULL) {
		snprintf(why, why_size, "no generation %.40s is kept, see zone history", word);
		return NULL;
	}
	if (item->fault[0] != '\0') {
		snprintf(why, why_size, "generation %" PRIu64 " %s", item->number, item->fault);
		return NULL;
	}
	return item;
}

static bool same_image(const struct ipc_compiled *a, const struct ipc_compiled *b)
{
	return a->checksum == b->checksum && a->size == b->size;
}

/* The newest that is older than this one, of use, and another image. NULL: why. */
static const struct history_item *before(const struct history *history, uint64_t number, const struct ipc_compiled *than,
					 char *why, size_t why_size)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct history_item *item = &history->items[i];
		if (item->number < number && item->fault[0] == '\0' && !same_image(&item->head.info, than)) {
			return item;
		}
	}
	snprintf(why, why_size, "no earlier generation is kept");
	return NULL;
}

/* --- zone history ----------------------------------------------------------------------------------------- */

static const char *cause_text(const struct zone_cause *cause, char *out, size_t size)
{
	static const char *const texts[] = {
		[ZONE_CAUSE_START] = "start",	 [ZONE_CAUSE_RELOAD] = "reload",     [ZONE_CAUSE_SIGNAL] = "reload by signal",
		[ZONE_CAUSE_REPAIR] = "repair", [ZONE_CAUSE_ROLLBACK] = "rollback", [ZONE_CAUSE_RELEASE] = "release",
	};
	const struct passwd *pw = cause->uid == SAVED_NOBODY ? NULL : getpwuid(cause->uid);
	if (cause->uid == SAVED_NOBODY) {
		snprintf(out, size, "%s", texts[cause->kind]);
	} else if (pw != NULL) {
		snprintf(out, size, "%s by %s", texts[cause->kind], pw->pw_name);
	} else {
		snprintf(out, size, "%s by user %u", texts[cause->kind], (unsigned)cause->uid);
	}
	return out;
}

static int send_generation(const struct zone_state *zone, const struct history_item *item, struct link *link,
			   uint32_t request)
{
	struct ctl_row row;
	const struct saved_head *head = &item->head;
	const struct zone_image *image = zone->image;
	char text[128];
	bool fine = item->fault[0] == '\0';
	uint64_t image_of = image == NULL ? 0 : image->rollback.image_of;
	bool serving = image != NULL && fine && item->newest && same_image(&head->info, &image->info);

	row_begin(&row, "generation");
	row_text(&row, "view", zone->view_name);
	row_text(&row, "zone", zone->conf->text);
	row_number(&row, "number", item->number);
	row_text(&row, "since", fine ? time_text(head->since_sec, text) : "");
	row_number(&row, "serial", fine ? head->info.serial : 0);
	row_number(&row, "records", fine ? head->info.records : 0);
	row_number(&row, "bytes", fine ? head->info.size : 0);
	snprintf(text, sizeof(text), "%016" PRIx64, head->info.checksum);
	row_text(&row, "hash", fine ? text : "");
	row_text(&row, "cause", fine ? cause_text(&head->cause, text, sizeof(text)) : "");
	row_text(&row, "state", !fine ? "unusable" : serving ? "serving" : "kept");
	if (!fine) {
		row_text(&row, "detail", item->fault);
	} else if (head->image_of != 0) {
		snprintf(text, sizeof(text), "image of generation %" PRIu64, head->image_of);
		row_text(&row, "detail", text);
	} else {
		row_text(&row, "detail", image_of == item->number ? "served again" : "");
	}
	return row_send(link, request, &row);
}

int zone_history_send(const struct supervisor *sup, const struct ctl_request *r, struct link *link, uint32_t request)
{
	const struct zone_set *set = sup->current.zones;
	char why[IPC_TEXT_MAX] = "no view has this zone";
	uint8_t name[DNAME_MAX];
	char name_text[CTL_WORD_MAX];
	unsigned zones = 0;
	unsigned generations = 0;
	unsigned unusable = 0;
	bool unsaved = false;
	int rc = BH_OK;

	if (r->count != 3) {
		return row_done(link, request, UNKNOWN, "usage: zone history ZONE[@VIEW]");
	}
	const char *at = strrchr(r->words[2], '@');
	snprintf(name_text, sizeof(name_text), "%.*s", at == NULL ? CTL_WORD_MAX : (int)(at - r->words[2]), r->words[2]);
	if (dname_from_text(name_text, name) < 0) {
		return row_done(link, request, UNKNOWN, "not a domain name");
	}
	if (!is_readable(sup, why, sizeof(why))) {
		return row_done(link, request, CRITICAL, why);
	}
	for (size_t i = 0; set != NULL && i < set->count && rc == BH_OK; i++) {
		const struct zone_state *zone = &set->items[i];
		struct history history;
		if (!dname_equal(zone->conf->name, name) || (at != NULL && strcmp(zone->view_name, at + 1) != 0)) {
			continue;
		}
		zones++;
		unsaved = unsaved || (zone->image != NULL && !zone->image->saved);
		if (history_read(sup->current.config->state_dir, zone->view_name, zone->conf->name, &history, why,
				 sizeof(why)) != BH_OK) {
			return row_done(link, request, CRITICAL, why);
		}
		for (size_t g = 0; g < history.count && rc == BH_OK; g++) {
			generations++;
			unusable += history.items[g].fault[0] != '\0';
			rc = send_generation(zone, &history.items[g], link, request);
		}
		history_clear(&history);
	}
	if (rc != BH_OK) {
		return rc;
	}
	if (zones == 0) {
		return row_done(link, request, UNKNOWN, why);
	}
	snprintf(why, sizeof(why), "%u generation%s%s%s", generations, generations == 1 ? "" : "s",
		 unusable > 0 ? ", some of no use" : "", unsaved ? "; what is served now is not written yet" : "");
	return row_done(link, request, unusable > 0 ? WARNING : FINE, why);
}

/* --- jobs ---------------------------------------------------------------------------------------------------- */

static void job_free(struct zone_job *job)
{
	zone_image_release(job->image);
	free(job);
}

static void job_end(struct zone_job *job, unsigned status, const char *text)
{
	if (job->done != NULL) {
		job->done(job->ctx, status, text);
	}
	job_free(job);
}

void zone_job_cancel(struct zone_job *job)
{
	if (job->inspect != NULL) {
		inspect_cancel(job->inspect);
		job_free(job);
		return;
	}
	job->done = NULL; /* the change comes to its end */
}

static int open_image(const struct zone_job *job, uint64_t number, struct saved_head *head, char *why, size_t why_size)
{
	char fault[HISTORY_WHY_MAX + 64];
	int fd = -1;
	int rc = history_open(job->sup->current.config->state_dir, job->view, job->zone, number, head, &fd, fault,
			      sizeof(fault));
	if (rc != BH_OK) {
		snprintf(why, why_size, "generation %" PRIu64 " %s", number, fault);
		return rc;
	}
	return fd;
}

static const char *start_text(int rc)
{
	return rc == BH_ELIMIT ? "enough zones are being shown already, try again later" : "cannot start a compiler";
}

/* --- zone dump, zone diff --------------------------------------------------------------------------------------- */

static void on_shown(void *ctx, const struct inspect_result *result)
{
	struct zone_job *job = ctx;
	char text[IPC_TEXT_MAX];
	job->inspect = NULL;
	if (!result->ok) {
		snprintf(text, sizeof(text), "%.400s", result->why);
		job_end(job, CRITICAL, text);
		return;
	}
	if (job->command == ZONE_DUMP) {
		snprintf(text, sizeof(text), "generation %" PRIu64 ", serial %" PRIu32 ": %" PRIu64 " records", job->numbers[0],
			 result->images[0].serial, result->shown.records);
	} else {
		snprintf(text, sizeof(text),
			 "generation %" PRIu64 ", serial %" PRIu32 " to %" PRIu64 ", serial %" PRIu32 ": %" PRIu64
			 " records removed, %" PRIu64 " added",
			 job->numbers[0], result->images[0].serial, job->numbers[1], result->images[1].serial,
			 result->shown.removed, result->shown.added);
	}
	job_end(job, FINE, text);
}

/* The generations of the request into job->numbers. */
static bool choose_shown(struct zone_job *job, const struct ctl_request *r, const struct history *history, char *why,
			 size_t why_size)
{
	const struct history_item *items[2] = { NULL, NULL };
	if (history->count == 0) {
		snprintf(why, why_size, "nothing of this zone is kept yet");
		return false;
	}
	if (job->command == ZONE_DUMP) {
		items[0] = r->count > 3 ? find_generation(history, r->words[3], why, why_size) : &history->items[0];
		items[1] = items[0];
	} else {
		items[1] = r->count > 4 ? find_generation(history, r->words[4], why, why_size) : &history->items[0];
		if (items[1] != NULL) {
			items[0] = r->count > 3 ? find_generation(history, r->words[3], why, why_size)
						: before(history, items[1]->number, &items[1]->head.info, why, why_size);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (items[i] == NULL) {
			return false;
		}
		if (items[i]->fault[0] != '\0') {
			snprintf(why, why_size, "generation %" PRIu64 " %s", items[i]->number, items[i]->fault);
			return false;
		}
		job->numbers[i] = items[i]->number;
	}
	return true;
}

/* FINE, or the status with which the job is refused. */
static unsigned begin_showing(struct zone_job *job, const struct zone_state *zone, struct link *link, uint32_t request,
			      char *why, size_t why_size)
{
	struct inspect_request inspect = {
		.view = zone->view, .zone = job->zone, .image_count = job->command == ZONE_DUMP ? 1 : 2, .images = { -1, -1 }
	};
	int fds[2] = { -1, -1 };
	int rc = BH_OK;
	for (unsigned i = 0; i < inspect.image_count && rc == BH_OK; i++) {
		struct saved_head head;
		inspect.images[i] = open_image(job, job->numbers[i], &head, why, why_size);
		rc = inspect.images[i] < 0 ? inspect.images[i] : BH_OK;
		if (rc == BH_OK) {
			sources_clear(&head.sources);
		}
	}
	if (rc == BH_OK && pipe2(fds, O_CLOEXEC) != 0) {
		snprintf(why, why_size, "pipe: %s", strerror(errno));
		rc = BH_ESYS;
	}
	if (rc == BH_OK) {
		inspect.out = fds[1];
		rc = inspect_start(job->sup, &inspect, on_shown, job, &job->inspect);
		if (rc != BH_OK) {
			snprintf(why, why_size, "%s", start_text(rc));
		} else if (link_send(link, MSG_CTL_STREAM, request, NULL, 0, fds[0]) != BH_OK) {
			inspect_cancel(job->inspect);
			rc = BH_ECLOSED;
			snprintf(why, why_size, "the connection is closed");
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (inspect.images[i] >= 0) {
			close(inspect.images[i]);
		}
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	return rc == BH_OK ? FINE : CRITICAL;
}

/* --- zone reload, zone rollback, zone release ---------------------------------------------------------------------------------- */

static void on_finding(void *ctx, const struct zone_finding_info *f)
{
	struct zone_job *job = ctx;
	(f->warning ? log_warn : log_err)("zone %s view=%s: %s:%u: %s", f->zone, f->view, f->file, f->line, f->text);
	if (!f->warning && job->why_text[0] == '\0') {
		snprintf(job->why_text, sizeof(job->why_text), "%.200s:%u: %.250s", f->file, f->line, f->text);
	}
}

static void on_config_error(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	log_err("%s:%u: %s", file, line, text); /* a change of one zone reads no configuration */
}

static const struct zone_state *zone_of_job(const struct zone_job *job)
{
	struct config_zone conf = { .text = NULL };
	const struct zone_state like = { .view_name = job->view, .conf = &conf };
	memcpy(conf.name, job->zone, sizeof(conf.name));
	return job->sup->current.zones == NULL ? NULL : zone_set_find(job->sup->current.zones, &like);
}

/* RFC 1982 3.2: not equal, and not later. */
static bool is_earlier(uint32_t serial, uint32_t than)
{
	return serial != than && (int32_t)(serial - than) < 0;
}

static void tell_rolled_back(struct zone_job *job, const struct zone_image *image)
{
	char text[IPC_TEXT_MAX];
	uint32_t serial = image->info.serial;
	uint32_t text_serial = image->rollback.text_serial;
	bool earlier = is_earlier(serial, text_serial);
	log_warn("zone %s view=%s: rolled back to generation %" PRIu64 " serial=%" PRIu32 " by uid=%u", job->text, job->view,
		 image->rollback.image_of, serial, (unsigned)job->uid);
	int n = snprintf(text, sizeof(text),
			 "%.150s serves generation %" PRIu64 " again, serial %" PRIu32
			 ", until its text changes or the rollback is released",
			 job->text, image->rollback.image_of, serial);
	if (earlier && n > 0 && (size_t)n < sizeof(text)) {
		snprintf(text + n, sizeof(text) - (size_t)n,
			 "; secondaries that have serial %" PRIu32 " keep it, as %" PRIu32
			 " is no later one (RFC 1982): they follow with the next text whose serial is above",
			 text_serial, serial);
	}
	job_end(job, earlier ? WARNING : FINE, text);
}

static void tell_reloaded(struct zone_job *job, const struct zone_state *zone)
{
	const struct zone_image *image = zone->image;
	char text[IPC_TEXT_MAX];
	bool same = image->id == job->image_before;
	log_info("zone %s view=%s: reloaded serial=%u%s by uid=%u", job->text, job->view, (unsigned)image->info.serial,
		 same ? " unchanged" : "", (unsigned)job->uid);
	snprintf(text, sizeof(text), "%.200s %s, serial %" PRIu32 "%s", job->text,
		 same ? "has not changed" : "is served from its new text", image->info.serial,
		 image->rollback.image_of != 0 ? ", and is rolled back" : "");
	job_end(job, FINE, text);
}

static void on_changed(void *ctx, bool ok, unsigned failed_zones, const char *why)
{
	struct zone_job *job = ctx;
	const struct zone_state *zone = zone_of_job(job);
	char text[IPC_TEXT_MAX];
	(void)failed_zones; /* of others, too */
	if (!ok || zone == NULL || zone->image == NULL) {
		log_err("zone %s view=%s: not %s: %s", job->text, job->view,
			job->command == ZONE_RELOAD    ? "reloaded"
			: job->command == ZONE_RELEASE ? "released"
						       : "rolled back",
			why);
		snprintf(text, sizeof(text), "nothing is changed: %.400s", why);
		job_end(job, CRITICAL, text);
	} else if (job->command == ZONE_RELOAD) {
		tell_reloaded(job, zone);
	} else if (job->command == ZONE_RELEASE) {
		log_info("zone %s view=%s: released serial=%u by uid=%u", job->text, job->view,
			 (unsigned)zone->image->info.serial, (unsigned)job->uid);
		snprintf(text, sizeof(text), "%.200s is served from its text again, serial %" PRIu32, job->text,
			 zone->image->info.serial);
		job_end(job, FINE, text);
	} else {
		tell_rolled_back(job, zone->image);
	}
}

/* FINE: on_changed will follow. */
static unsigned begin_change(struct zone_job *job, char *why, size_t why_size)
{
	static const struct change_ops ops = { .finding = on_finding, .config_error = on_config_error, .done = on_changed };
	struct zone_override only = { .image = job->image, .release = job->command == ZONE_RELEASE };
	struct supervisor *sup = job->sup;
	snprintf(only.view, sizeof(only.view), "%s", job->view);
	memcpy(only.zone, job->zone, sizeof(only.zone));
	/* One that began while another program is asked would be cut by the exec, and half of it be lost. */
	if (sup->upgrade != NULL) {
		snprintf(why, why_size, "an upgrade is under way, try again");
		return CRITICAL;
	}
	if (sup->change != NULL || sup->stopping) {
		snprintf(why, why_size, "a reload is under way, try again");
		return CRITICAL;
	}
	sup->cause = (struct zone_cause){ .kind = job->command == ZONE_RELOAD	 ? ZONE_CAUSE_RELOAD
						  : job->command == ZONE_RELEASE ? ZONE_CAUSE_RELEASE
										 : ZONE_CAUSE_ROLLBACK,
					  .uid = job->uid };
	if (change_begin_zone(sup, &only, &ops, job) != BH_OK) {
		snprintf(why, why_size, "out of memory");
		return CRITICAL;
	}
	return FINE;
}

/* What the text of the zone makes: of a zone that is rolled back it stays as it was then. */
static bool take_text(struct zone_job *job)
{
	const struct zone_state *zone = zone_of_job(job);
	const struct zone_image *now = zone == NULL ? NULL : zone->image;
	struct zone_rollback *rollback = &job->image->rollback;
	if (now == NULL) {
		return false;
	}
	if (now->rollback.image_of != 0) {
		rollback->text_serial = now->rollback.text_serial;
		rollback->text_size = now->rollback.text_size;
		rollback->text_checksum = now->rollback.text_checksum;
	} else {
		rollback->text_serial = now->info.serial;
		rollback->text_size = now->info.size;
		rollback->text_checksum = now->info.checksum;
	}
	rollback->since_sec = clock_wall_sec();
	return sources_copy(&job->image->sources, &now->sources) == BH_OK;
}

/* The image is what it should be: now it may be served. */
static void on_verified(void *ctx, const struct inspect_result *result)
{
	struct zone_job *job = ctx;
	char why[IPC_TEXT_MAX] = "the zone is not configured any more";
	job->inspect = NULL;
	if (!result->ok) {
		snprintf(why, sizeof(why), "generation %" PRIu64 ": %.400s", job->numbers[0], result->why);
		job_end(job, CRITICAL, why);
		return;
	}
	if (result->images[0].checksum != job->image->info.checksum || result->images[0].serial != job->image->info.serial) {
		job_end(job, CRITICAL, "its image is not the one its head tells of");
		return;
	}
	if (!take_text(job) || begin_change(job, why, sizeof(why)) != FINE) {
		job_end(job, CRITICAL, why);
	}
}

static const struct history_item *choose_target(const struct ctl_request *r, const struct history *history,
						const struct zone_image *now, char *why, size_t why_size)
{
	uint64_t served = now->rollback.image_of != 0 ? now->rollback.image_of : UINT64_MAX;
	const struct history_item *item = r->count > 3 ? find_generation(history, r->words[3], why, why_size)
						       : before(history, served, &now->info, why, why_size);
	if (item == NULL) {
		return NULL;
	}
	if (same_image(&item->head.info, &now->info)) {
		snprintf(why, why_size, "generation %" PRIu64 " is what is served", item->number);
		return NULL;
	}
	if (now->rollback.image_of != 0 && item->head.info.checksum == now->rollback.text_checksum &&
	    item->head.info.size == now->rollback.text_size) {
		snprintf(why, why_size, "generation %" PRIu64 " is what the zone's text says: release the rollback",
			 item->number);
		return NULL;
	}
	return item;
}

static unsigned begin_rollback(struct zone_job *job, const struct zone_state *zone, const struct history_item *target,
			       char *why, size_t why_size)
{
	struct saved_head head;
	job->numbers[0] = target->head.image_of != 0 ? target->head.image_of : target->number;
	int fd = open_image(job, job->numbers[0], &head, why, why_size);
	if (fd < 0) {
		return CRITICAL;
	}
	sources_clear(&head.sources);
	job->image = calloc(1, sizeof(*job->image));
	struct shared_fd *shared = job->image == NULL ? NULL : shared_fd_new(fd);
	if (shared == NULL) {
		free(job->image);
		job->image = NULL;
		close(fd);
		snprintf(why, why_size, "out of memory");
		return CRITICAL;
	}
	*job->image = (struct zone_image){ .refs = 1,
					   .fd = shared,
					   .info = head.info,
					   .made_sec = head.made_sec,
					   .cause = { .kind = ZONE_CAUSE_ROLLBACK, .uid = job->uid },
					   .rollback = { .image_of = job->numbers[0] } };
	const struct inspect_request inspect = {
		.view = zone->view, .zone = job->zone, .images = { fd }, .image_count = 1, .out = -1
	};
	int rc = inspect_start(job->sup, &inspect, on_verified, job, &job->inspect);
	if (rc != BH_OK) {
		snprintf(why, why_size, "%s", start_text(rc));
	}
	return rc == BH_OK ? FINE : CRITICAL;
}

/* --- the beginning ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum zone_command command;
	unsigned most; /* words of the request */
	const char *usage;
} commands[] = {
	{ "reload", ZONE_RELOAD, 3, "usage: zone reload ZONE[@VIEW]" },
	{ "dump", ZONE_DUMP, 4, "usage: zone dump ZONE[@VIEW] [GENERATION]" },
	{ "diff", ZONE_DIFF, 5, "usage: zone diff ZONE[@VIEW] [FROM [TO]]" },
	{ "rollback", ZONE_ROLLBACK, 4, "usage: zone rollback ZONE[@VIEW] [GENERATION]" },
	{ "release", ZONE_RELEASE, 3, "usage: zone release ZONE[@VIEW]" },
};

static unsigned begin(struct zone_job *job, const struct ctl_request *r, const struct zone_state *zone, struct link *link,
		      uint32_t request, char *why, size_t why_size)
{
	struct history history;
	unsigned status = CRITICAL;
	if (job->command == ZONE_RELOAD) {
		job->image_before = zone->image == NULL ? 0 : zone->image->id;
		return begin_change(job, why, why_size);
	}
	if (job->command == ZONE_RELEASE) {
		if (zone->image == NULL || zone->image->rollback.image_of == 0) {
			snprintf(why, why_size, "the zone is not rolled back");
			return UNKNOWN;
		}
		return begin_change(job, why, why_size);
	}
	if (job->command == ZONE_ROLLBACK && zone->image == NULL) {
		snprintf(why, why_size, "the zone is not served: its text was never good since the start");
		return CRITICAL;
	}
	if (!is_readable(job->sup, why, why_size) ||
	    history_read(job->sup->current.config->state_dir, job->view, job->zone, &history, why, why_size) != BH_OK) {
		return CRITICAL;
	}
	if (job->command == ZONE_ROLLBACK) {
		const struct history_item *target = choose_target(r, &history, zone->image, why, why_size);
		status = target == NULL ? UNKNOWN : begin_rollback(job, zone, target, why, why_size);
	} else if (!choose_shown(job, r, &history, why, why_size)) {
		status = UNKNOWN;
	} else {
		status = begin_showing(job, zone, link, request, why, why_size);
	}
	history_clear(&history);
	return status;
}

struct zone_job *zone_job_begin(struct supervisor *sup, const struct ctl_request *r, uid_t uid, struct link *link,
				uint32_t request, zone_job_done_fn *done, void *ctx, unsigned *status, char *why,
				size_t why_size)
{
	size_t i = 0;
	*status = UNKNOWN;
	while (i < COUNT(commands) && (r->count < 2 || strcmp(r->words[1], commands[i].word) != 0)) {
		i++;
	}
	if (i == COUNT(commands)) {
		snprintf(why, why_size, "usage: zone status [ZONE], zone reload|history|dump|diff|rollback|release ZONE");
		return NULL;
	}
	if (r->count < 3 || r->count > commands[i].most) {
		snprintf(why, why_size, "%s", commands[i].usage);
		return NULL;
	}
	/* What stands for the configuration until then names no folders and no users. */
	if (takeover_running(sup)) {
		snprintf(why, why_size, "an upgrade is under way, try again");
		*status = CRITICAL;
		return NULL;
	}
	const struct zone_state *zone = find_zone(sup, r->words[2], why, why_size);
	if (zone == NULL) {
		return NULL;
	}
	struct zone_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	job->sup = sup;
	job->command = commands[i].command;
	job->uid = uid;
	job->done = done;
	job->ctx = ctx;
	snprintf(job->view, sizeof(job->view), "%s", zone->view_name);
	memcpy(job->zone, zone->conf->name, sizeof(job->zone));
	snprintf(job->text, sizeof(job->text), "%s", zone->conf->text);
	*status = begin(job, r, zone, link, request, why, why_size);
	if (*status != FINE) {
		job_free(job);
		return NULL;
	}
	return job;
}
