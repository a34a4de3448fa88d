/*
 * Processes that show images. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/inspect.h"

#include "common/ipc/link.h"
#include "daemons/supervisor/rolelog.h"
#include "daemons/supervisor/spawn.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* From fork to HELLO, and from the answer to its end. */
#define PATIENCE_START_SEC 10
/* To verify an image of 4 GiB. */
#define PATIENCE_VERIFY_SEC 120
/* For somebody who reads page by page. */
#define PATIENCE_SHOW_SEC 3600
#define QUEUE_MAX 4096
#define REQUEST_ID 1

struct inspect {
	struct inspect *next;
	struct supervisor *sup;
	pid_t pid;	   /* 0: has ended */
	struct link *link; /* NULL: is closed */
	struct rolelog *log;
	struct event *timer;
	struct event *finish; /* frees it from the event loop, never from within */
	uint8_t zone[DNAME_MAX];
	struct shared_fd *images[2];
	unsigned image_count;
	struct shared_fd *out; /* NULL: none, or given away */
	unsigned inspected;
	bool greeted;
	bool for_reader; /* there is to be text */
	bool shows;
	inspect_done_fn *done; /* NULL: was called, or nobody waits */
	void *ctx;
	struct inspect_result result;
};

static void set_patience(struct inspect *inspect, long sec)
{
	const struct timeval tv = { .tv_sec = sec };
	if (event_add(inspect->timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

static void release(struct inspect *inspect)
{
	for (unsigned i = 0; i < inspect->image_count; i++) {
		shared_fd_release(inspect->images[i]);
		inspect->images[i] = NULL;
	}
	inspect->image_count = 0;
	shared_fd_release(inspect->out); /* whoever reads sees the end of the text */
	inspect->out = NULL;
}

static void tell(struct inspect *inspect, bool ok, const char *why)
{
	inspect_done_fn *done = inspect->done;
	if (done != NULL) {
		inspect->done = NULL;
		inspect->result.ok = ok;
		snprintf(inspect->result.why, sizeof(inspect->result.why), "%s", why);
		done(inspect->ctx, &inspect->result);
	}
}

/* It has said what was to be said, or never will. */
static int end(struct inspect *inspect, bool ok, const char *why)
{
	release(inspect);
	set_patience(inspect, PATIENCE_START_SEC);
	int rc = link_send(inspect->link, MSG_STOP, 0, NULL, 0, -1);
	tell(inspect, ok, why);
	return rc;
}

static int send_images(struct inspect *inspect)
{
	struct ipc_inspect m = { .log_level = (uint8_t)log_get_level() };
	uint8_t bytes[DNAME_MAX + 8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	int rc = BH_OK;
	memcpy(m.zone, inspect->zone, sizeof(m.zone));
	ipc_inspect_encode(&s, &m);
	for (unsigned i = 0; i < inspect->image_count && rc == BH_OK; i++) {
		rc = link_send_shared(inspect->link, MSG_INSPECT, REQUEST_ID, bytes, s.pos, inspect->images[i]);
	}
	set_patience(inspect, PATIENCE_VERIFY_SEC);
	return rc;
}

static int on_hello(struct inspect *inspect, const struct link_message *m)
{
	struct ipc_hello hello;
	int rc = ipc_hello_decode(m->payload, m->len, &hello);
	if (rc != BH_OK) {
		return rc;
	}
	if (hello.role != ROLE_COMPILER || strcmp(hello.build, ipc_build_id()) != 0) {
		return BH_EVERSION;
	}
	if ((sandbox_required_walls(&sandbox_compiler) & ~hello.walls) != 0) {
		log_err("compiler found fewer walls than its profile demands");
		return BH_EPERM;
	}
	inspect->greeted = true;
	link_set_phase(inspect->link, PHASE_RUN);
	return send_images(inspect);
}

static int on_inspected(struct inspect *inspect, const struct link_message *m)
{
	if (inspect->inspected >= inspect->image_count) {
		return BH_EPERM;
	}
	struct ipc_inspected *out = &inspect->result.images[inspect->inspected];
	int rc = ipc_inspected_decode(m->payload, m->len, out);
	if (rc != BH_OK) {
		return rc;
	}
	inspect->inspected++;
	if (!out->ok) {
		char why[IPC_TEXT_MAX];
		snprintf(why, sizeof(why), "its image is of no use: %.400s", out->why);
		return end(inspect, false, why);
	}
	if (inspect->inspected < inspect->image_count) {
		return BH_OK;
	}
	if (inspect->out == NULL) {
		return end(inspect, true, "");
	}
	inspect->shows = true;
	set_patience(inspect, PATIENCE_SHOW_SEC);
	rc = link_send_shared(inspect->link, MSG_SHOW, REQUEST_ID, NULL, 0, inspect->out);
	shared_fd_release(inspect->out); /* the other end must be the last who holds it */
	inspect->out = NULL;
	return rc;
}

static int on_shown(struct inspect *inspect, const struct link_message *m)
{
	if (!inspect->shows) {
		return BH_EPERM;
	}
	int rc = ipc_shown_decode(m->payload, m->len, &inspect->result.shown);
	if (rc != BH_OK) {
		return rc;
	}
	return end(inspect, inspect->result.shown.ok, inspect->result.shown.why);
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct inspect *inspect = ctx;
	(void)link;
	if (m->type == MSG_HELLO) {
		return on_hello(inspect, m);
	}
	if (m->request != REQUEST_ID || inspect->done == NULL) {
		return BH_EPERM;
	}
	return m->type == MSG_INSPECTED ? on_inspected(inspect, m) : m->type == MSG_SHOWN ? on_shown(inspect, m) : BH_EPERM;
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct inspect *inspect = ctx;
	link_free(link);
	inspect->link = NULL;
	if (err != BH_ECLOSED) {
		log_err("compiler that shows a zone broke the protocol, killed: %s", why);
		if (inspect->pid != 0) {
			kill(inspect->pid, SIGKILL);
		}
	}
	set_patience(inspect, PATIENCE_START_SEC);
	event_active(inspect->finish, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct inspect *inspect = arg;
	(void)fd;
	(void)what;
	if (inspect->pid != 0) {
		log_err("compiler that shows a zone does not come to an end, killed pid=%d", (int)inspect->pid);
		kill(inspect->pid, SIGKILL);
	}
}

static void inspect_free(struct inspect *inspect)
{
	release(inspect);
	link_free(inspect->link);
	rolelog_free(inspect->log);
	if (inspect->timer != NULL) {
		event_free(inspect->timer);
	}
	if (inspect->finish != NULL) {
		event_free(inspect->finish);
	}
	free(inspect);
}

/* Both the process and its link are gone. */
static void on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct inspect *inspect = arg;
	(void)fd;
	(void)what;
	if (inspect->pid != 0 || inspect->link != NULL) {
		return;
	}
	struct inspect **at = &inspect->sup->inspections;
	while (*at != inspect) {
		at = &(*at)->next;
	}
	*at = inspect->next;
	tell(inspect, false, "the compiler that shows it ended before it had answered, see the log");
	inspect_free(inspect);
}

static bool is_under_way(const struct inspect *inspect)
{
	return inspect->pid != 0 || inspect->link != NULL;
}

static int start_process(struct inspect *inspect, unsigned view_index)
{
	static const struct link_ops ops = { .message = on_message, .closed = on_closed };
	struct supervisor *sup = inspect->sup;
	const struct config_view *view = &sup->current.config->views[view_index];
	char title[64];
	char why[IPC_TEXT_MAX];
	struct spawned child;

	int program = program_of_role(&sup->program, ROLE_COMPILER, why, sizeof(why));
	if (program < 0) {
		log_err("compiler[%s]: cannot be started: %s", view->name, why);
		return program;
	}
	snprintf(title, sizeof(title), "compiler[%s]", view->name);
	const struct spawn_request request = {
		.program_fd = program,
		.program = role_text(ROLE_COMPILER),
		.title = title,
		.profile = &sandbox_compiler,
		.ids = sup->current.ids.compiler[view_index],
		.root = view->zones_dir,
	};
	if (spawn_role(&request, &child) != BH_OK) {
		return BH_ESYS;
	}
	inspect->pid = child.pid;
	inspect->log = rolelog_new(sup->base, child.log_fd, title);
	if (inspect->log == NULL) {
		close(child.log_fd);
	}
	inspect->link = link_new(sup->base, child.link_fd, ROLE_SUPERVISOR, ROLE_COMPILER, QUEUE_MAX, &ops, inspect);
	if (inspect->link == NULL) {
		close(child.link_fd);
		kill(child.pid, SIGKILL);
	}
	set_patience(inspect, PATIENCE_START_SEC);
	return BH_OK;
}

/* Of a descriptor that stays the caller's. */
static struct shared_fd *share(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct shared_fd *shared = own < 0 ? NULL : shared_fd_new(own);
	if (own >= 0 && shared == NULL) {
		close(own);
	}
	return shared;
}

static int prepare(struct inspect *inspect, const struct inspect_request *request)
{
	struct event_base *base = inspect->sup->base;
	memcpy(inspect->zone, request->zone, dname_len(request->zone));
	inspect->timer = event_new(base, -1, 0, on_timer, inspect);
	inspect->finish = event_new(base, -1, 0, on_finish, inspect);
	if (inspect->timer == NULL || inspect->finish == NULL) {
		return BH_ENOMEM;
	}
	for (unsigned i = 0; i < request->image_count; i++) {
		inspect->images[i] = share(request->images[i]);
		if (inspect->images[i] == NULL) {
			return BH_ESYS;
		}
		inspect->image_count++;
	}
	if (request->out >= 0 && (inspect->out = share(request->out)) == NULL) {
		return BH_ESYS;
	}
	return start_process(inspect, request->view);
}

int inspect_start(struct supervisor *sup, const struct inspect_request *request, inspect_done_fn *done, void *ctx,
		  struct inspect **out)
{
	unsigned count = 0;
	for (const struct inspect *other = sup->inspections; other != NULL; other = other->next) {
		count += is_under_way(other) && other->for_reader == (request->out >= 0);
	}
	struct inspect *inspect = count >= INSPECT_MAX ? NULL : calloc(1, sizeof(*inspect));
	if (inspect == NULL) {
		return count >= INSPECT_MAX ? BH_ELIMIT : BH_ENOMEM;
	}
	inspect->sup = sup;
	inspect->for_reader = request->out >= 0;
	int rc = prepare(inspect, request);
	if (rc != BH_OK) {
		inspect_free(inspect);
		return rc;
	}
	inspect->done = done;
	inspect->ctx = ctx;
	inspect->next = sup->inspections;
	sup->inspections = inspect;
	*out = inspect;
	return BH_OK;
}

void inspect_cancel(struct inspect *inspect)
{
	if (inspect == NULL) {
		return;
	}
	inspect->done = NULL;
	release(inspect);
	if (inspect->pid != 0) {
		kill(inspect->pid, SIGKILL);
	}
}

bool inspect_child_ended(struct supervisor *sup, pid_t pid, int status)
{
	for (struct inspect *inspect = sup->inspections; inspect != NULL; inspect = inspect->next) {
		if (inspect->pid == pid) {
			inspect->pid = 0;
			if (inspect->done != NULL && WIFSIGNALED(status)) {
				log_err("compiler that shows a zone was ended by signal %d", WTERMSIG(status));
			}
			event_active(inspect->finish, EV_TIMEOUT, 0);
			return true;
		}
	}
	return false;
}

void inspect_end(struct supervisor *sup)
{
	while (sup->inspections != NULL) {
		struct inspect *inspect = sup->inspections;
		sup->inspections = inspect->next;
		if (inspect->pid != 0) {
			kill(inspect->pid, SIGKILL);
			(void)waitpid(inspect->pid, NULL, 0); /* nobody outlives the supervisor; it fails if it was reaped */
		}
		inspect_free(inspect);
	}
}
