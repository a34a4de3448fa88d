/*
 * Compiler runs. Trusts nothing a compiler says beyond its own view: an image is sealed here before it counts, and
 * the kernel refuses that as long as anybody could still write to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/compile.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/rolelog.h"
#include "daemons/supervisor/saved.h"
#include "daemons/supervisor/spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Compilers at work at the same time: one for each processor, but few enough for memory. */
#define COMPILERS_MAX 16
/*
 * What one process compiles: enough zones that starting it costs nothing in comparison, and after so many octets
 * of images it ends, to give the memory of large zones back.
 */
#define COMPILER_ZONES_MAX 1000
#define COMPILER_OCTETS_MAX (16u << 20)
/* From fork to HELLO, and from the end of its work to its own. */
#define PATIENCE_START_SEC 10
/* The work on one zone. Time of CPU is bounded by the profile; this bounds one that does nothing. */
#define PATIENCE_WORK_SEC 1200
/* Findings of one zone: it stops at 500 of each severity, see daemons/compiler/main.c. */
#define FINDINGS_MAX 1100
/* Output queue towards a compiler: one message goes there. */
#define COMPILER_QUEUE_MAX 8192
/* A zone without $TTL and without TTL in its first record; RFC 1035 leaves it open. */
#define DEFAULT_TTL_SEC 3600
/* Paths of source files that are remembered, of all zones together; compilers may lie about them. */
#define SOURCES_TOTAL_MAX (256u << 20)
/* Zones looked at, and octets loaded, before other events get their turn. */
#define LOOK_ZONES 64
#define LOOK_OCTETS (8u << 20)
/* Saved images that are not used, told one by one; the rest is counted. */
#define UNUSED_TOLD_MAX 10

/* Places of root hints and trust anchors behind those of the zones: each is compiled as if it were a view of its own. */
#define HINTS_VIEW UINT_MAX
#define ANCHORS_VIEW (UINT_MAX - 1)

/* The zone that a compiler works on. */
struct job {
	bool given; /* there is one, and it was not judged yet */
	struct zone_state *zone; /* NULL: root hints or trust anchors, as the compiler's view says */
	uint32_t request;
	int image_fd;
	unsigned findings;
	struct sources sources;
	char first_error[IPC_TEXT_MAX];
};

/* A compiler process. */
struct compiler {
	struct compile_run *run;
	unsigned view; /* or HINTS_VIEW, ANCHORS_VIEW */
	pid_t pid;	   /* 0: has ended */
	struct link *link; /* NULL: is closed */
	struct rolelog *log;
	struct event *timer; /* the end of patience */
	bool greeted; /* HELLO came */
	bool stopped; /* there is nothing more for it to do */
	unsigned zones;
	uint64_t octets;
	int status; /* wait status */
	char why_closed[96];
	struct job job;
};

struct compile_run {
	struct compile_env env;
	struct zone_set *set;
	const struct zone_state **before; /* of each zone: the same zone in the set that is in service, or NULL */
	const struct compile_ops *ops;
	void *ctx;
	size_t looked;	 /* zones looked at: kept, loaded, or put into pending */
	size_t *pending; /* indexes of zones to compile, by view; set->count: root hints, and one more: trust anchors */
	size_t pending_count;
	size_t next; /* in pending */
	unsigned compiler_count;
	struct compiler *compilers[COMPILERS_MAX];
	struct event *advance; /* does things from the event loop, never from within a callback */
	uint32_t next_request;
	uint32_t judged; /* zones whose job came to an end, well or not; and what became of those that did well */
	uint64_t records;
	uint64_t octets;
	size_t sources_octets;
	unsigned unused; /* saved images */
};

static const struct zone_state *before(const struct compile_run *run, const struct zone_state *zone)
{
	return run->before[zone - run->set->items];
}

static struct zone_image *old_image(const struct compile_run *run, const struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	return old == NULL ? zone->image : old->image; /* at a start a rollback may be there, until its text is compiled */
}

static const struct config_view *view_of(const struct compile_run *run, const struct zone_state *zone)
{
	return zone == NULL ? NULL : &run->env.config->views[zone->view];
}

/* The file of root hints or trust anchors. */
static const char *lone_file(const struct compiler *compiler)
{
	const struct config_resolver *resolver = &compiler->run->env.config->resolver;
	return compiler->view == HINTS_VIEW ? resolver->root_hints : resolver->trust_anchors;
}

static unsigned view_of_index(const struct compile_run *run, size_t index)
{
	const struct zone_set *set = run->set;
	return index < set->count ? set->items[index].view : index == set->count ? HINTS_VIEW : ANCHORS_VIEW;
}

/* Of what the compiler has in work. */
static void tell(const struct compiler *compiler, bool warning, const char *file, unsigned line, const char *text)
{
	const struct compile_run *run = compiler->run;
	const struct zone_state *zone = compiler->job.zone;
	const struct config_view *view = view_of(run, zone);
	char path[PATH_MAX];

	if (file[0] == '\0') {
		path[0] = '\0';
	} else if (view != NULL) {
		snprintf(path, sizeof(path), "%s/%s", view->zones_dir, file);
	} else {
		snprintf(path, sizeof(path), "%s", lone_file(compiler));
	}
	struct zone_finding_info finding = {
		.warning = warning,
		.view = view == NULL ? "" : view->name,
		.zone = view == NULL ? "." : zone->conf->text,
		.file = path,
		.line = line,
		.text = text,
	};
	run->ops->finding(run->ctx, &finding);
}

static void advance_soon(struct compile_run *run)
{
	event_active(run->advance, EV_TIMEOUT, 0);
}

/* --- zones that need no compiler --------------------------------------------------------------------- */

static void take(struct zone_state *zone, struct zone_image *image, enum zone_origin origin)
{
	zone_image_release(zone->image); /* of a rollback that was loaded, see old_image */
	zone->image = image;
	zone->origin = origin;
}

/* The image of the generation before, when the same text would be read. */
static bool keep(struct compile_run *run, struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	if (old == NULL || old->image == NULL || old->image->refused != NULL) {
		return false;
	}
	size_t len = dname_len(zone->conf->name);
	const struct config_view *view = view_of(run, zone);
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
	int rc = saved_load(run->env.state_dir, zone->view_name, view_of(run, zone)->zones_dir, zone->conf,
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

/* Of a change of one zone: that one gets its image, or is compiled; all others stay as they are. */
static bool override(struct compile_run *run, struct zone_state *zone)
{
	const struct zone_state *old = before(run, zone);
	if (is_overridden(run, zone)) {
		if (run->env.only->image == NULL) {
			return false;
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

/* Some zones more. True: all were looked at. */
static bool look(struct compile_run *run)
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

/* --- jobs ---------------------------------------------------------------------------------------------- */

static void set_patience(struct compiler *compiler, long sec)
{
	const struct timeval tv = { .tv_sec = sec };
	if (event_add(compiler->timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

static void job_clear(struct job *job)
{
	if (job->image_fd >= 0) {
		close(job->image_fd);
	}
	sources_clear(&job->sources);
	*job = (struct job){ .image_fd = -1 };
}

/* The next zone of this compiler's view. False: there is none for it. */
static bool take_job(struct compiler *compiler)
{
	struct compile_run *run = compiler->run;
	struct timespec now;
	if (run->next == run->pending_count) {
		return false;
	}
	size_t index = run->pending[run->next];
	struct zone_state *zone = index < run->set->count ? &run->set->items[index] : NULL;
	if (view_of_index(run, index) != compiler->view) {
		return false;
	}
	run->next++;
	clock_gettime(CLOCK_REALTIME, &now);
	compiler->job = (struct job){
		.given = true,
		.zone = zone,
		.request = ++run->next_request,
		.image_fd = -1,
		.sources = { .read_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
			     .default_ttl = DEFAULT_TTL_SEC },
	};
	return true;
}

static int send_job(struct compiler *compiler)
{
	const struct config_resolver *resolver = &compiler->run->env.config->resolver;
	struct job *job = &compiler->job;
	struct ipc_compile work = { .default_ttl = DEFAULT_TTL_SEC, .log_level = (uint8_t)log_get_level() };
	uint8_t bytes[2048];
	struct sink s = sink_of(bytes, sizeof(bytes));

	if (job->zone == NULL) {
		char *path = strdup(lone_file(compiler));
		if (path == NULL) {
			return BH_ENOMEM;
		}
		work.kind = compiler->view == HINTS_VIEW ? IPC_COMPILE_HINTS : IPC_COMPILE_ANCHORS;
		work.now_sec = resolver->validation_date != 0 ? resolver->validation_date : clock_wall_sec();
		snprintf(work.file, sizeof(work.file), "%s", basename(path));
		free(path);
	} else {
		work.kind = IPC_COMPILE_ZONE;
		memcpy(work.zone, job->zone->conf->name, sizeof(work.zone));
		snprintf(work.file, sizeof(work.file), "%s", job->zone->conf->file);
	}
	ipc_compile_encode(&s, &work);
	job->image_fd = memfd_create("zone-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->image_fd < 0) {
		snprintf(compiler->why_closed, sizeof(compiler->why_closed), "memfd_create: %s", strerror(errno));
		return BH_ESYS;
	}
	set_patience(compiler, PATIENCE_WORK_SEC);
	return s.failed ? BH_ENOSPC
			: link_send(compiler->link, MSG_COMPILE, job->request, bytes, s.pos, job->image_fd);
}

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
		return !is_overridden(run, zone) && rollback->text_checksum == info->checksum &&
		       rollback->text_size == info->size && rollback->text_serial == info->serial;
	}
	return old->info.checksum == info->checksum && old->info.size == info->size &&
	       old->info.serial == info->serial;
}

/* The image of a job that went well into its zone. NULL, or why not. */
static const char *take_image(struct compiler *compiler, const struct ipc_compiled *info)
{
	/* From here on nobody, not even we, can change what authorities will map. */
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	struct compile_run *run = compiler->run;
	struct job *job = &compiler->job;
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
				 run->env.only != NULL	? "released"
				 : old->refused != NULL ? "its image was refused"
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

/* What was in service stays there; at a start that is what was saved last. */
static void fail_job(struct compiler *compiler)
{
	struct compile_run *run = compiler->run;
	struct job *job = &compiler->job;
	if (compiler->view == ANCHORS_VIEW) {
		run->set->anchors_failed = true;
		snprintf(run->set->anchors_detail, sizeof(run->set->anchors_detail), "%s",
			 job->first_error[0] == '\0' ? "no trust anchor" : job->first_error);
		return;
	}
	if (job->zone == NULL) {
		run->set->hints_failed = true;
		snprintf(run->set->hints_detail, sizeof(run->set->hints_detail), "%s",
			 job->first_error[0] == '\0' ? "no root server with an address" : job->first_error);
		return;
	}
	struct zone_image *old = old_image(run, job->zone);
	snprintf(job->zone->detail, sizeof(job->zone->detail), "%s",
		 job->first_error[0] == '\0' ? "does not compile" : job->first_error);
	if (old != NULL) {
		old->refs++;
		take(job->zone, old, old == job->zone->image ? ZONE_LOADED : ZONE_KEPT);
		job->zone->stale = true;
	} else if (load_saved(run, job->zone, SAVED_ANY)) {
		log_warn("zone %s view=%s: does not compile, the image that was saved is served serial=%u",
			 job->zone->conf->text, job->zone->view_name, (unsigned)job->zone->image->info.serial);
		job->zone->stale = true;
	}
}

/* The process ended, broke the protocol, or was never started, with a zone in work: that zone fails, no other. */
static void fail_job_with(struct compiler *compiler, const char *why)
{
	struct job *job = &compiler->job;
	if (!job->given) {
		return;
	}
	snprintf(job->first_error, sizeof(job->first_error), "%s", why);
	tell(compiler, false, "", 0, why);
	fail_job(compiler);
	compiler->run->judged += job->zone != NULL;
	job_clear(job);
}

/* More work, or the end. */
static int go_on(struct compiler *compiler)
{
	bool enough = compiler->zones >= COMPILER_ZONES_MAX || compiler->octets >= COMPILER_OCTETS_MAX;
	if (compiler->job.given || (!enough && take_job(compiler))) {
		return send_job(compiler);
	}
	compiler->stopped = true;
	set_patience(compiler, PATIENCE_START_SEC);
	return link_send(compiler->link, MSG_STOP, 0, NULL, 0, -1);
}

/* --- messages of a compiler ------------------------------------------------------------------------------ */

static int on_diagnostic(struct compiler *compiler, const struct link_message *m)
{
	struct job *job = &compiler->job;
	struct ipc_diagnostic d;
	if (++job->findings > FINDINGS_MAX) {
		return BH_ELIMIT;
	}
	int rc = ipc_diagnostic_decode(m->payload, m->len, &d);
	if (rc != BH_OK) {
		return rc;
	}
	if (!d.warning && job->first_error[0] == '\0') {
		if (d.line > 0) {
			snprintf(job->first_error, sizeof(job->first_error), "%.200s:%u: %.250s", d.file,
				 (unsigned)d.line, d.text);
		} else {
			snprintf(job->first_error, sizeof(job->first_error), "%s", d.text);
		}
	}
	tell(compiler, d.warning, d.file, d.line, d.text);
	return BH_OK;
}

static int on_source(struct compiler *compiler, const struct link_message *m)
{
	struct ipc_source source;
	int rc = ipc_source_decode(m->payload, m->len, &source);
	return rc == BH_OK ? sources_add(&compiler->job.sources, &source) : rc;
}

static int on_root_hint(struct compiler *compiler, const struct link_message *m)
{
	struct zone_set *set = compiler->run->set;
	if (compiler->view != HINTS_VIEW) {
		return BH_EPERM;
	}
	if (set->hint_count == ZONE_SET_HINTS_MAX) {
		return BH_ELIMIT;
	}
	int rc = ipc_servers_decode(m->payload, m->len, &set->hints[set->hint_count]);
	if (rc == BH_OK) {
		set->hint_count++;
	}
	return rc;
}

static int on_trust_anchor(struct compiler *compiler, const struct link_message *m)
{
	struct ipc_anchor anchor;
	if (compiler->view != ANCHORS_VIEW) {
		return BH_EPERM;
	}
	int rc = ipc_anchor_decode(m->payload, m->len, &anchor);
	return rc == BH_OK ? zone_set_add_anchor(compiler->run->set, &anchor) : rc;
}

/* Of root hints and trust anchors there must be some. */
static bool is_empty(const struct compiler *compiler)
{
	const struct zone_set *set = compiler->run->set;
	return (compiler->view == HINTS_VIEW && set->hint_count == 0) ||
	       (compiler->view == ANCHORS_VIEW && set->anchor_count == 0);
}

static int on_compiled(struct compiler *compiler, const struct link_message *m)
{
	struct job *job = &compiler->job;
	struct ipc_compiled info;
	int rc = ipc_compiled_decode(m->payload, m->len, &info);
	if (rc != BH_OK) {
		return rc;
	}
	const char *why = info.ok && job->zone != NULL ? take_image(compiler, &info) : NULL;
	if (why != NULL) {
		snprintf(compiler->why_closed, sizeof(compiler->why_closed), "%s", why);
		return BH_EPERM;
	}
	if (!info.ok || is_empty(compiler)) {
		fail_job(compiler);
	} else {
		compiler->run->records += info.records;
		compiler->run->octets += info.size;
	}
	compiler->run->judged += job->zone != NULL;
	job_clear(job);
	compiler->zones++;
	compiler->octets += info.size;
	return go_on(compiler);
}

/* HELLO: answer with the work. */
static int on_hello(struct compiler *compiler, const struct link_message *m)
{
	struct ipc_hello hello;
	int rc = ipc_hello_decode(m->payload, m->len, &hello);
	if (rc != BH_OK) {
		return rc;
	}
	if (hello.role != ROLE_COMPILER || strcmp(hello.build, ipc_build_id()) != 0) {
		return BH_EVERSION;
	}
	uint32_t missing = sandbox_required_walls(&sandbox_compiler) & ~hello.walls;
	if (missing != 0) {
		log_err("compiler found fewer walls than its profile demands missing=%x", (unsigned)missing);
		return BH_EPERM;
	}
	compiler->greeted = true;
	link_set_phase(compiler->link, PHASE_RUN);
	return go_on(compiler);
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct compiler *compiler = ctx;
	(void)link;
	if (m->type == MSG_HELLO) {
		return on_hello(compiler, m);
	}
	/* Whatever it says is about the zone in work: nothing before, after, or of another one. */
	if (!compiler->job.given || m->request != compiler->job.request) {
		return BH_EPERM;
	}
	switch ((enum msg_type)m->type) {
	case MSG_DIAGNOSTIC:
		return on_diagnostic(compiler, m);
	case MSG_SOURCE:
		return on_source(compiler, m);
	case MSG_ROOT_HINT:
		return on_root_hint(compiler, m);
	case MSG_TRUST_ANCHOR:
		return on_trust_anchor(compiler, m);
	case MSG_COMPILED:
		return on_compiled(compiler, m);
	default:
		return BH_EPERM;
	}
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct compiler *compiler = ctx;
	link_free(link);
	compiler->link = NULL;
	if (err != BH_ECLOSED) {
		if (compiler->why_closed[0] == '\0') {
			snprintf(compiler->why_closed, sizeof(compiler->why_closed), "%s", why);
		}
		log_err("compiler broke the protocol, killed: %s", compiler->why_closed);
		if (compiler->pid != 0) {
			kill(compiler->pid, SIGKILL);
		}
	}
	set_patience(compiler, PATIENCE_START_SEC);
	advance_soon(compiler->run);
}

/* A compiler that hangs would keep all later changes waiting. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct compiler *compiler = arg;
	(void)fd;
	(void)what;
	if (compiler->why_closed[0] == '\0') {
		snprintf(compiler->why_closed, sizeof(compiler->why_closed), "it does not come to an end");
	}
	if (compiler->pid != 0) {
		log_err("compiler does not come to an end, killed pid=%d", (int)compiler->pid);
		kill(compiler->pid, SIGKILL);
	}
}

/* --- processes ---------------------------------------------------------------------------------------------- */

static const char *how_it_ended(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status)) {
		snprintf(out, size, "the compiler was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	} else {
		snprintf(out, size, "the compiler ended with status %d", WEXITSTATUS(status));
	}
	return out;
}

static void compiler_free(struct compiler *compiler)
{
	link_free(compiler->link);
	rolelog_free(compiler->log);
	event_free(compiler->timer);
	job_clear(&compiler->job);
	free(compiler);
}

/* Both the process and its link are gone: judge what it left undone. */
static void finish_compiler(struct compiler *compiler)
{
	char text[IPC_TEXT_MAX];
	rolelog_free(compiler->log);
	compiler->log = NULL;
	if (compiler->why_closed[0] != '\0' && compiler->greeted) {
		snprintf(text, sizeof(text), "the compiler broke the protocol: %s", compiler->why_closed);
	} else if (compiler->why_closed[0] != '\0') {
		snprintf(text, sizeof(text), "cannot start the compiler: %s", compiler->why_closed);
	} else {
		how_it_ended(compiler->status, text, sizeof(text));
	}
	bool well = WIFEXITED(compiler->status) && WEXITSTATUS(compiler->status) == 0;
	if (!compiler->job.given && !well && compiler->why_closed[0] == '\0') {
		log_warn("compiler did not end cleanly: %s", text); /* its zones were done, and are what they are */
	}
	fail_job_with(compiler, text);
	compiler_free(compiler);
}

static void fail_to_start(struct compiler *compiler)
{
	snprintf(compiler->why_closed, sizeof(compiler->why_closed), "%s", strerror(errno));
	advance_soon(compiler->run); /* finished in the next turn */
}

static void start_process(struct compiler *compiler)
{
	static const struct link_ops link_ops = { .message = on_message, .closed = on_closed };
	const struct compile_env *env = &compiler->run->env;
	const struct config_view *view = view_of(compiler->run, compiler->job.zone);
	char program[PATH_MAX];
	char title[64 + DNAME_TEXT_MAX];
	char root[PATH_MAX];
	struct spawned child;

	snprintf(program, sizeof(program), "%s/compiler", env->role_dir);
	if (view != NULL) {
		snprintf(title, sizeof(title), "compiler[%s]", view->name);
		snprintf(root, sizeof(root), "%s", view->zones_dir);
	} else {
		snprintf(title, sizeof(title), "compiler[%s]",
			 compiler->view == HINTS_VIEW ? "root-hints" : "trust-anchors");
		char *path = strdup(lone_file(compiler));
		snprintf(root, sizeof(root), "%s", path == NULL ? "" : dirname(path));
		free(path);
	}
	struct spawn_request request = {
		.program = program,
		.title = title,
		.profile = &sandbox_compiler,
		.ids = view == NULL ? env->ids->hints : env->ids->compiler[compiler->view],
		.root = root,
	};
	if (spawn_role(&request, &child) != BH_OK) {
		fail_to_start(compiler);
		return;
	}
	compiler->pid = child.pid;
	compiler->log = rolelog_new(env->base, child.log_fd, title);
	if (compiler->log == NULL) {
		close(child.log_fd);
	}
	compiler->link = link_new(env->base, child.link_fd, ROLE_SUPERVISOR, ROLE_COMPILER, COMPILER_QUEUE_MAX,
				  &link_ops, compiler);
	if (compiler->link == NULL) {
		close(child.link_fd);
		kill(child.pid, SIGKILL);
	}
	set_patience(compiler, PATIENCE_START_SEC);
}

/* A process for the next zone. It has its first job from the beginning: one that cannot start fails it. */
static struct compiler *compiler_start(struct compile_run *run)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));
	if (compiler == NULL || (compiler->timer = event_new(run->env.base, -1, 0, on_timer, compiler)) == NULL) {
		log_fatal("out of memory");
	}
	size_t index = run->pending[run->next];
	compiler->run = run;
	compiler->view = view_of_index(run, index);
	compiler->job.image_fd = -1;
	if (!take_job(compiler)) {
		log_fatal("a zone is of no view"); /* the view was taken from it two lines above */
	}
	start_process(compiler);
	return compiler;
}

/* End what has ended, start what there is room for. */
static void on_advance(evutil_socket_t fd, short what, void *arg)
{
	struct compile_run *run = arg;
	bool busy = false;
	(void)fd;
	(void)what;

	if (run->looked <= run->set->count && !look(run)) {
		advance_soon(run);
		return;
	}
	for (size_t i = 0; i < run->compiler_count; i++) {
		struct compiler **at = &run->compilers[i];
		if (*at != NULL && (*at)->pid == 0 && (*at)->link == NULL) {
			finish_compiler(*at);
			*at = NULL;
		}
		if (*at == NULL && run->next < run->pending_count) {
			*at = compiler_start(run);
		}
		busy = busy || *at != NULL;
	}
	if (!busy) {
		run->ops->done(run->ctx);
	}
}

struct compile_run *compile_start(const struct compile_env *env, struct zone_set *set,
				  const struct zone_set *old, const struct compile_ops *ops, void *ctx)
{
	struct compile_run *run = calloc(1, sizeof(*run));
	if (run == NULL) {
		return NULL;
	}
	unsigned cpus = config_cpus();
	run->env = *env;
	run->set = set;
	run->ops = ops;
	run->ctx = ctx;
	run->compiler_count = cpus > COMPILERS_MAX ? COMPILERS_MAX : cpus;
	run->pending = calloc(set->count + 2, sizeof(*run->pending));
	run->before = calloc(set->count + 1, sizeof(struct zone_state *));
	run->advance = event_new(env->base, -1, 0, on_advance, run);
	if (run->advance == NULL || run->pending == NULL || run->before == NULL) {
		compile_free(run);
		return NULL;
	}
	size_t at = 0;
	for (size_t i = 0; i < set->count; i++) {
		run->before[i] = zone_set_next(old, &at, &set->items[i]);
	}
	advance_soon(run);
	return run;
}

void compile_progress(const struct compile_run *run, struct compile_progress *out)
{
	*out = (struct compile_progress){ .done = run->judged,
					  .total = run->set->compiled,
					  .records = run->records,
					  .octets = run->octets,
					  .zone = "" };
	for (size_t i = 0; i < COMPILERS_MAX; i++) {
		const struct compiler *compiler = run->compilers[i];
		if (compiler != NULL && compiler->job.given && compiler->job.zone != NULL) {
			out->zone = compiler->job.zone->conf->text;
			return;
		}
	}
}

bool compile_child_ended(struct compile_run *run, pid_t pid, int status)
{
	for (size_t i = 0; i < COMPILERS_MAX; i++) {
		if (run->compilers[i] != NULL && run->compilers[i]->pid == pid) {
			run->compilers[i]->pid = 0;
			run->compilers[i]->status = status;
			advance_soon(run);
			return true;
		}
	}
	return false;
}

void compile_free(struct compile_run *run)
{
	if (run == NULL) {
		return;
	}
	for (size_t i = 0; i < COMPILERS_MAX; i++) {
		struct compiler *compiler = run->compilers[i];
		if (compiler == NULL) {
			continue;
		}
		if (compiler->pid != 0) {
			kill(compiler->pid, SIGKILL); /* reaped by the main loop as an unknown child */
		}
		compiler_free(compiler);
	}
	if (run->advance != NULL) {
		event_free(run->advance);
	}
	free(run->pending);
	free(run->before);
	free(run);
}
