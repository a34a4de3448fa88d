/*
 * Which image a zone gets: the one in service, one from the state directory, one that the operator went back to, or the
 * one that a compiler made.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/compile_run.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Paths of source files that are remembered, of all zones together; compilers may lie about them. */
#define SOURCES_TOTAL_MAX (256u << 20)
/* Zones looked at, and octets loaded, before other events get their turn. */
#define LOOK_ZONES 64
#define LOOK_OCTETS (8u << 20)
/* Saved images that are not used, told one by one; the rest is counted. */
#define UNUSED_TOLD_MAX 10

static const struct zone_state *before(const struct compile_run *run, const struct zone_state *zone)
{
	return run->before[zone - run->set->items];
}

static struct zone_image *old_image(const struct compile_run *run, const struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	return old == NULL ? zone->image : old->image; /* at a start a rollback may be there, until its text is compiled */
}

const struct config_view *compile_view_of(const struct compile_run *run, const struct zone_state *zone)
{
	return zone == NULL ? NULL : &run->env.config->views[zone->view];
}

static void take(struct zone_state *zone, struct zone_image *image, enum zone_origin origin)
{
	zone_image_release(zone->image); /* of a rollback that was loaded, see old_image */
	zone->image = image;
	zone->origin = origin;
}

/* --- zones that need no compiler --------------------------------------------------------------------- */

/* The image of the generation before, when the same text would be read. */
static bool keep(struct compile_run *run, struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	if (old == NULL || old->image == NULL || old->image->refused != NULL) {
		return false;
	}
	size_t len = dname_len(zone->conf->name);
	const struct config_view *view = compile_view_of(run, zone);
	if (memcmp(old->conf->name, zone->conf->name, len) != 0 || /* its case is in the image */
	    !sources_current(&old->image->sources, view->zones_dir, zone->conf->file, DEFAULT_TTL_SEC)) {
		return false;
	}
	old->image->refs++;
	take(zone, old->image, ZONE_KEPT);
	run->set->kept++;
	return true;
}

static void tell_unused(struct compile_run *run, const struct zone_state *zone, const char *why)
{
	if (run->unused++ < UNUSED_TOLD_MAX) {
		log_info("zone %s view=%s: saved image is not used, it %s", zone->conf->text, zone->view_name, why);
	}
}

static struct zone_image *image_new(struct compile_run *run, int fd)
{
	struct zone_image *image = calloc(1, sizeof(*image));
	struct shared_fd *shared = image == NULL ? NULL : shared_fd_new(fd);
	if (shared == NULL) {
		free(image);
		return NULL;
	}
	image->refs = 1;
	image->id = (*run->env.next_id)++;
	image->fd = shared;
	return image;
}

/* What was saved. False: nothing that will do. */
static bool load_saved(struct compile_run *run, struct zone_state *zone, enum saved_age age)
{
	struct saved_head head;
	char why[128];
	int fd;

	if (run->env.state_dir == NULL || old_image(run, zone) != NULL) {
		return false; /* what was saved is no newer than what is in service */
	}
	int rc = saved_load(run->env.state_dir, zone->view_name, compile_view_of(run, zone)->zones_dir, zone->conf,
			    DEFAULT_TTL_SEC, age, &head, &fd, why, sizeof(why));
	if (rc == BH_ENOENT) {
		return false;
	}
	if (rc != BH_OK) {
		if (age != SAVED_ROLLBACK) {
			tell_unused(run, zone, why);
		}
		return false;
	}
	struct zone_image *image = image_new(run, fd);
	if (image == NULL) {
		log_fatal("out of memory");
	}
	image->info = head.info;
	image->made_sec = head.made_sec;
	image->cause = head.cause;
	image->number = head.number;
	image->saved = true;
	if (head.image_of != 0) {
		image->rollback = (struct zone_rollback){ .image_of = head.image_of,
							  .since_sec = head.since_sec,
							  .text_serial = head.text_serial,
							  .text_size = head.text_size,
							  .text_checksum = head.text_checksum };
		log_warn("zone %s view=%s: rolled back, generation %llu is served serial=%u", zone->conf->text,
			 zone->view_name, (unsigned long long)head.image_of, (unsigned)head.info.serial);
	}
	sources_move(&image->sources, &head.sources);
	take(zone, image, ZONE_LOADED);
	return true;
}

/* What was saved, when the same text would be read. */
static bool load(struct compile_run *run, struct zone_state *zone)
{
	bool loaded = load_saved(run, zone, SAVED_CURRENT);
	run->set->loaded += loaded;
	return loaded;
}

static bool is_overridden(const struct compile_run *run, const struct zone_state *zone)
{
	const struct zone_override *only = run->env.only;
	return only != NULL && strcmp(only->view, zone->view_name) == 0 && dname_equal(only->zone, zone->conf->name);
}

static bool is_released(const struct compile_run *run, const struct zone_state *zone)
{
	return is_overridden(run, zone) && run->env.only->release;
}

/* Of a change of one zone: that one gets its image, or is looked at anew; all others stay as they are. */
static bool override(struct compile_run *run, struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	if (is_overridden(run, zone)) {
		if (run->env.only->image == NULL) {
			return !run->env.only->release && keep(run, zone);
		}
		run->env.only->image->refs++;
		run->env.only->image->id = (*run->env.next_id)++;
		take(zone, run->env.only->image, ZONE_LOADED);
		run->set->loaded++;
		return true;
	}
	if (old != NULL) {
		memcpy(zone->detail, old->detail, sizeof(zone->detail));
		zone->stale = old->stale;
		if (old->image != NULL) {
			old->image->refs++;
			take(zone, old->image, ZONE_KEPT);
			run->set->kept++;
		}
	}
	return true;
}

/* Needs no compiler? */
static bool is_there(struct compile_run *run, struct zone_state *zone, uint64_t *octets)
{
	if (run->env.only != NULL) {
		return override(run, zone);
	}
	if (load(run, zone)) {
		*octets += zone->image->info.size;
		return true;
	}
	if (keep(run, zone)) {
		return true;
	}
	/* Files may have been touched while nothing ran: whether their content is another, a compiler tells. */
	(void)load_saved(run, zone, SAVED_ROLLBACK);
	return false;
}

bool compile_look(struct compile_run *run)
{
	uint64_t octets = 0;
	for (unsigned i = 0; i < LOOK_ZONES && octets < LOOK_OCTETS && run->looked < run->set->count; i++) {
		struct zone_state *zone = &run->set->items[run->looked];
		if (!is_there(run, zone, &octets)) {
			run->pending[run->pending_count++] = run->looked;
			run->set->compiled++;
		}
		run->looked++;
	}
	if (run->looked < run->set->count) {
		return false;
	}
	if (run->unused > UNUSED_TOLD_MAX) {
		log_info("saved images that are not used count=%u", run->unused);
	}
	if (run->env.only != NULL) {
		run->looked++;
		return true;
	}
	if (run->env.config->resolver.root_hints != NULL) {
		run->pending[run->pending_count++] = run->set->count;
	}
	if (run->env.config->resolver.trust_anchors != NULL) {
		run->pending[run->pending_count++] = run->set->count + 1;
	}
	run->looked++; /* done with it: one past the end */
	return true;
}

/* --- zones that were compiled ------------------------------------------------------------------------ */

/*
 * Is this what the image in service was made for? Of a zone that is rolled back that is what its text made then, unless
 * the rollback is to end.
 */
static bool makes_the_same(const struct compile_run *run, const struct zone_state *zone, const struct zone_image *old,
			   const struct ipc_compiled *info)
{
	const struct zone_rollback *rollback = &old->rollback;
	if (old->refused != NULL) {
		return false;
	}
	if (rollback->image_of != 0) {
		return !is_released(run, zone) && rollback->text_checksum == info->checksum &&
		       rollback->text_size == info->size && rollback->text_serial == info->serial;
	}
	return old->info.checksum == info->checksum && old->info.size == info->size &&
	       old->info.serial == info->serial;
}

const char *compile_take_image(struct compile_run *run, struct job *job, const struct ipc_compiled *info)
{
	/* From here on nobody, not even we, can change what authorities will map. */
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	struct zone_image *old = old_image(run, job->zone);
	struct zone_image *image;
	struct stat st;

	if (fcntl(job->image_fd, F_ADD_SEALS, seals) != 0) {
		return errno == EBUSY ? "it holds on to its image" : "its image cannot be sealed";
	}
	if (fstat(job->image_fd, &st) != 0 || (uint64_t)st.st_size != info->size) {
		return "its image has another size than it says";
	}
	if (old != NULL && makes_the_same(run, job->zone, old, info)) {
		old->refs++;
		image = old; /* other text, same zone; what it says of it is new */
		image->other_build = false;
	} else {
		image = image_new(run, job->image_fd);
		if (image == NULL) {
			return "out of memory";
		}
		job->image_fd = -1;
		image->made_sec = clock_wall_sec();
		image->cause = run->env.cause;
		if (old != NULL && old->rollback.image_of != 0) {
			log_warn("zone %s view=%s: no longer rolled back, %s serial=%u", job->zone->conf->text,
				 job->zone->view_name,
				 is_released(run, job->zone) ? "released"
				 : old->refused != NULL	     ? "its image was refused"
							     : "its text has changed",
				 (unsigned)info->serial);
		}
	}
	if (image->rollback.image_of == 0) {
		image->info = *info;
	}
	run->sources_octets += job->sources.octets + job->sources.count * sizeof(struct source);
	if (run->sources_octets > SOURCES_TOTAL_MAX) {
		sources_clear(&job->sources);
		job->sources.incomplete = true;
	}
	sources_move(&image->sources, &job->sources);
	image->saved = false;
	take(job->zone, image, image == job->zone->image ? ZONE_LOADED : ZONE_COMPILED);
	return NULL;
}

void compile_fall_back(struct compile_run *run, struct zone_state *zone)
{
	struct zone_image *old = old_image(run, zone);
	if (old != NULL) {
		old->refs++;
		take(zone, old, old == zone->image ? ZONE_LOADED : ZONE_KEPT);
		zone->stale = true;
	} else if (load_saved(run, zone, SAVED_ANY)) {
		log_warn("zone %s view=%s: does not compile, the image that was saved is served serial=%u",
			 zone->conf->text, zone->view_name, (unsigned)zone->image->info.serial);
		zone->stale = true;
	}
}
