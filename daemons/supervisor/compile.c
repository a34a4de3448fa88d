/*
 * Compiler runs. Trusts nothing a compiler says beyond its own zone: seals are set here,
 * after the compiler is dead and can hold no writable mapping.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/compile.h"

#include "common/ipc/link.h"
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
#include <sys/wait.h>
#include <unistd.h>

/* Compilers at work at the same time: enough to fill the machines we know, few enough for memory. */
#define COMPILERS_MAX 4
/* From fork to HELLO, and from the end of its link to its own. */
#define PATIENCE_START_SEC 10
/* The whole work. Its time of CPU is bounded by its profile; this bounds one that does nothing. */
#define PATIENCE_WORK_SEC 1200
/* Findings of one compiler: it stops at 500 of each severity, see daemons/compiler/main.c. */
#define FINDINGS_MAX 1100
/* Output queue towards a compiler: one message goes there. */
#define COMPILER_QUEUE_MAX 8192
/* A zone without $TTL and without TTL in its first record; RFC 1035 leaves it open. */
#define DEFAULT_TTL_SEC 3600

struct job {
	struct compile_run *run;
	struct zone_state *zone; /* NULL: root hints */
	pid_t pid;		 /* 0: has ended */
	struct link *link;	 /* NULL: is closed */
	struct rolelog *log;
	struct event *timer; /* the end of patience */
	unsigned findings;
	int image_fd;
	int status; /* wait status */
	bool compiled_said;
	struct ipc_compiled compiled;
	char first_error[IPC_TEXT_MAX];
	char why_closed[96];
};

struct compile_run {
	struct compile_env env;
	struct zone_set *set;
	const struct zone_set *old;
	const struct compile_ops *ops;
	void *ctx;
	size_t next; /* next zone to start; set->count is the root hints */
	struct job *jobs[COMPILERS_MAX];
	struct event *advance; /* starts jobs from the event loop, never from within a callback */
};

static struct zone_image *old_image(const struct compile_run *run, const struct zone_state *zone)
{
	const struct zone_state *old = run->old == NULL ? NULL : zone_set_find(run->old, zone);
	return old == NULL ? NULL : old->image;
}

static const struct config_view *view_of(const struct job *job)
{
	return job->zone == NULL ? NULL : &job->run->env.config->views[job->zone->view];
}

static void tell(const struct job *job, bool warning, const char *file, unsigned line, const char *text)
{
	const struct config_view *view = view_of(job);
	char path[PATH_MAX];

	if (file[0] == '\0') {
		path[0] = '\0';
	} else if (view != NULL) {
		snprintf(path, sizeof(path), "%s/%s", view->zones_dir, file);
	} else {
		snprintf(path, sizeof(path), "%s", job->run->env.config->resolver.root_hints);
	}
	struct zone_finding_info finding = {
		.warning = warning,
		.view = view == NULL ? "" : view->name,
		.zone = view == NULL ? "." : job->zone->conf->text,
		.file = path,
		.line = line,
		.text = text,
	};
	job->run->ops->finding(job->run->ctx, &finding);
}

static int on_diagnostic(struct job *job, const struct link_message *m)
{
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
	tell(job, d.warning, d.file, d.line, d.text);
	return BH_OK;
}

static int on_root_hint(struct job *job, const struct link_message *m)
{
	struct zone_set *set = job->run->set;
	if (job->zone != NULL) {
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

static void set_patience(struct job *job, long sec)
{
	const struct timeval tv = { .tv_sec = sec };
	if (event_add(job->timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

/* HELLO: answer with the work. */
static int on_hello(struct job *job, const struct link_message *m)
{
	struct ipc_hello hello;
	struct ipc_compile work = { .default_ttl = DEFAULT_TTL_SEC, .log_level = (uint8_t)log_get_level() };
	uint8_t bytes[2048];
	struct sink s = sink_of(bytes, sizeof(bytes));

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
	if (job->zone == NULL) {
		char *path = strdup(job->run->env.config->resolver.root_hints);
		if (path == NULL) {
			return BH_ENOMEM;
		}
		work.kind = IPC_COMPILE_HINTS;
		snprintf(work.file, sizeof(work.file), "%s", basename(path));
		free(path);
	} else {
		work.kind = IPC_COMPILE_ZONE;
		memcpy(work.zone, job->zone->conf->name, sizeof(work.zone));
		snprintf(work.file, sizeof(work.file), "%s", job->zone->conf->file);
	}
	ipc_compile_encode(&s, &work);
	set_patience(job, PATIENCE_WORK_SEC);
	link_set_phase(job->link, PHASE_RUN);
	return s.failed ? BH_ENOSPC : link_send(job->link, MSG_COMPILE, 0, bytes, s.pos, -1);
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct job *job = ctx;
	(void)link;
	switch ((enum msg_type)m->type) {
	case MSG_HELLO:
		return on_hello(job, m);
	case MSG_DIAGNOSTIC:
		return on_diagnostic(job, m);
	case MSG_ROOT_HINT:
		return on_root_hint(job, m);
	case MSG_COMPILED:
		if (job->compiled_said) {
			return BH_EPERM;
		}
		job->compiled_said = true;
		return ipc_compiled_decode(m->payload, m->len, &job->compiled);
	default:
		return BH_EPERM;
	}
}

static void advance_soon(struct compile_run *run)
{
	event_active(run->advance, EV_TIMEOUT, 0);
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct job *job = ctx;
	link_free(link);
	job->link = NULL;
	if (err != BH_ECLOSED) {
		log_err("compiler broke the protocol, killed: %s", why);
		snprintf(job->why_closed, sizeof(job->why_closed), "%s", why);
		if (job->pid != 0) {
			kill(job->pid, SIGKILL);
		}
	}
	set_patience(job, PATIENCE_START_SEC);
	advance_soon(job->run);
}

/* A compiler that hangs would keep all later changes waiting. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;
	(void)fd;
	(void)what;
	if (job->why_closed[0] == '\0') {
		snprintf(job->why_closed, sizeof(job->why_closed), "it does not come to an end");
	}
	if (job->pid != 0) {
		log_err("compiler does not come to an end, killed pid=%d", (int)job->pid);
		kill(job->pid, SIGKILL);
	}
}

/* Seal the memfd: from now on nobody, not even we, can change what authorities will map. */
static int seal(int fd)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	return fcntl(fd, F_ADD_SEALS, seals) == 0 ? BH_OK : BH_ESYS;
}

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

/* The image of a job that went well into its zone. */
static int take_image(struct job *job)
{
	struct zone_image *old = old_image(job->run, job->zone);
	if (old != NULL && old->info.checksum == job->compiled.checksum && old->info.size == job->compiled.size &&
	    old->info.serial == job->compiled.serial) {
		old->refs++;
		job->zone->image = old;
		return BH_OK;
	}
	if (seal(job->image_fd) != BH_OK) {
		return BH_ESYS;
	}
	struct zone_image *image = calloc(1, sizeof(*image));
	if (image == NULL) {
		return BH_ENOMEM;
	}
	*image = (struct zone_image){
		.refs = 1, .id = (*job->run->env.next_id)++, .fd = job->image_fd, .info = job->compiled
	};
	job->image_fd = -1;
	job->zone->image = image;
	return BH_OK;
}

static void job_free(struct job *job)
{
	link_free(job->link);
	rolelog_free(job->log);
	event_free(job->timer);
	if (job->image_fd >= 0) {
		close(job->image_fd);
	}
	free(job);
}

/* Both the process and its link are gone: judge. */
static void finish_job(struct job *job)
{
	struct compile_run *run = job->run;
	bool exited_well = WIFEXITED(job->status) && WEXITSTATUS(job->status) == 0;
	bool ok = exited_well && job->compiled_said && job->compiled.ok && job->why_closed[0] == '\0';
	char text[IPC_TEXT_MAX] = "";

	rolelog_free(job->log);
	job->log = NULL;
	if (ok && job->zone != NULL && take_image(job) != BH_OK) {
		snprintf(text, sizeof(text), "cannot keep the image: %s", strerror(errno));
		ok = false;
	} else if (!ok && job->why_closed[0] != '\0') {
		snprintf(text, sizeof(text), "the compiler broke the protocol: %s", job->why_closed);
	} else if (!ok && (!job->compiled_said || !exited_well)) {
		how_it_ended(job->status, text, sizeof(text));
	}
	if (text[0] != '\0') {
		tell(job, false, "", 0, text);
		snprintf(job->first_error, sizeof(job->first_error), "%s", text);
	}
	if (!ok && job->zone != NULL) {
		struct zone_image *old = old_image(run, job->zone);
		snprintf(job->zone->detail, sizeof(job->zone->detail), "%s",
			 job->first_error[0] == '\0' ? "does not compile" : job->first_error);
		if (old != NULL) {
			old->refs++;
			job->zone->image = old;
			job->zone->stale = true;
		}
	} else if (!ok || (job->zone == NULL && run->set->hint_count == 0)) {
		run->set->hints_failed = true;
		snprintf(run->set->hints_detail, sizeof(run->set->hints_detail), "%s",
			 job->first_error[0] == '\0' ? "no root server with an address" : job->first_error);
	}
	job_free(job);
}

static void fail_to_start(struct job *job, const char *what)
{
	snprintf(job->why_closed, sizeof(job->why_closed), "%s: %s", what, strerror(errno));
	job->status = 0;
}

static void start_job(struct job *job)
{
	static const struct link_ops link_ops = { .message = on_message, .closed = on_closed };
	const struct compile_env *env = &job->run->env;
	const struct config_view *view = view_of(job);
	char program[PATH_MAX];
	char title[64 + DNAME_TEXT_MAX];
	char root[PATH_MAX];
	struct spawned child;

	snprintf(program, sizeof(program), "%s/compiler", env->role_dir);
	if (view != NULL) {
		snprintf(title, sizeof(title), "compiler[%s]", view->name);
		snprintf(root, sizeof(root), "%s", view->zones_dir);
	} else {
		snprintf(title, sizeof(title), "compiler[root-hints]");
		char *path = strdup(env->config->resolver.root_hints);
		snprintf(root, sizeof(root), "%s", path == NULL ? "" : dirname(path));
		free(path);
	}
	job->image_fd = memfd_create("zone-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->image_fd < 0) {
		fail_to_start(job, "memfd_create");
		return;
	}
	struct spawn_request request = {
		.program = program,
		.title = title,
		.profile = &sandbox_compiler,
		.ids = job->zone == NULL ? env->ids->hints : env->ids->compiler[job->zone->view],
		.root = root,
		.image_fd = job->image_fd,
	};
	if (spawn_role(&request, &child) != BH_OK) {
		fail_to_start(job, "cannot start the compiler");
		return;
	}
	job->pid = child.pid;
	job->log = rolelog_new(env->base, child.log_fd, title);
	if (job->log == NULL) {
		close(child.log_fd);
	}
	job->link = link_new(env->base, child.link_fd, ROLE_SUPERVISOR, ROLE_COMPILER, COMPILER_QUEUE_MAX,
			     &link_ops, job);
	if (job->link == NULL) {
		close(child.link_fd);
		kill(child.pid, SIGKILL);
	}
	set_patience(job, PATIENCE_START_SEC);
}

/* End what has ended, start what there is room for. */
static void on_advance(evutil_socket_t fd, short what, void *arg)
{
	struct compile_run *run = arg;
	size_t all = run->set->count + (run->env.config->resolver.root_hints != NULL ? 1 : 0);
	bool busy = false;
	(void)fd;
	(void)what;

	for (size_t i = 0; i < COMPILERS_MAX; i++) {
		if (run->jobs[i] != NULL && run->jobs[i]->pid == 0 && run->jobs[i]->link == NULL) {
			finish_job(run->jobs[i]);
			run->jobs[i] = NULL;
		}
		if (run->jobs[i] == NULL && run->next < all) {
			struct job *job = calloc(1, sizeof(*job));
			if (job == NULL || (job->timer = event_new(run->env.base, -1, 0, on_timer, job)) == NULL) {
				log_fatal("out of memory");
			}
			job->run = run;
			job->image_fd = -1;
			job->zone = run->next < run->set->count ? &run->set->items[run->next] : NULL;
			run->next++;
			run->jobs[i] = job;
			start_job(job);
			if (job->pid == 0) {
				advance_soon(run); /* it failed: finished in the next turn */
			}
		}
		busy = busy || run->jobs[i] != NULL;
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
	run->env = *env;
	run->set = set;
	run->old = old;
	run->ops = ops;
	run->ctx = ctx;
	run->advance = event_new(env->base, -1, 0, on_advance, run);
	if (run->advance == NULL) {
		free(run);
		return NULL;
	}
	advance_soon(run);
	return run;
}

bool compile_child_ended(struct compile_run *run, pid_t pid, int status)
{
	for (size_t i = 0; i < COMPILERS_MAX; i++) {
		if (run->jobs[i] != NULL && run->jobs[i]->pid == pid) {
			run->jobs[i]->pid = 0;
			run->jobs[i]->status = status;
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
		struct job *job = run->jobs[i];
		if (job == NULL) {
			continue;
		}
		if (job->pid != 0) {
			kill(job->pid, SIGKILL); /* reaped by the main loop as an unknown child */
		}
		job_free(job);
	}
	event_free(run->advance);
	free(run);
}
