/*
 * Compiler runs. Trusts nothing a compiler says beyond its own view: an image is sealed here before it counts, and
 * the kernel refuses that as long as anybody could still write to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/compile_run.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/rolelog.h"
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

/* Places of root hints and trust anchors behind those of the zones: each is compiled as if it were a view of its own. */
#define HINTS_VIEW UINT_MAX
#define ANCHORS_VIEW (UINT_MAX - 1)

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
	const struct config_view *view = compile_view_of(run, zone);
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
	snprintf(job->zone->detail, sizeof(job->zone->detail), "%s",
		 job->first_error[0] == '\0' ? "does not compile" : job->first_error);
	compile_fall_back(run, job->zone);
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
	const char *why = info.ok && job->zone != NULL ? compile_take_image(compiler->run, job, &info) : NULL;
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
	const struct config_view *view = compile_view_of(compiler->run, compiler->job.zone);
	char title[64 + DNAME_TEXT_MAX];
	char root[PATH_MAX];
	struct spawned child;

	int program = program_of_role(env->program, ROLE_COMPILER, compiler->why_closed, sizeof(compiler->why_closed));
	if (program < 0) {
		advance_soon(compiler->run); /* finished in the next turn */
		return;
	}
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
		.program_fd = program,
		.program = role_text(ROLE_COMPILER),
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

	if (run->looked <= run->set->count && !compile_look(run)) {
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
