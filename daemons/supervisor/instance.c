/*
 * The life of role processes. A message that breaks the protocol, or a role that found fewer walls around
 * itself than its profile demands, is taken as compromise: the process is killed and started anew.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/instance.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/blame.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/counters.h"
#include "daemons/supervisor/local.h"
#include "daemons/supervisor/rolelog.h"
#include "daemons/supervisor/send.h"
#include "daemons/supervisor/spawn.h"
#include "daemons/supervisor/takeover.h"
#include "daemons/supervisor/tracking.h"
#include "daemons/supervisor/trust.h"
#include "daemons/supervisor/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* From fork to HELLO: the program is loaded and walls are raised; seconds mean that it hangs. */
	PATIENCE_START_MS = 10000,
	/* To prepare a generation, besides the time for images. */
	PATIENCE_PREPARE_MS = 10000,
	/* To put a prepared one in service: pointers are changed, old images unmapped. */
	PATIENCE_COMMIT_MS = 10000,
	/* From STOP to the end; then SIGKILL. */
	PATIENCE_STOP_MS = 5000,
	/* A process that was up this long was no failure of its start. */
	STABLE_MS = 10000,
	PATIENCE_MAX_MS = 600000,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 30000,
};

/* Images are verified octet by octet; the slowest machines we know do twice as much. */
#define IMAGE_OCTETS_PER_MS (16 * 1024)

/* Unsent messages towards one role. A view of 100,000 zones is told in about 30 MiB. */
#define QUEUE_MAX (64u * 1024 * 1024)

static void start(struct instance *inst);

const char *instance_state_text(enum instance_state state)
{
	static const char *const texts[] = {
		[INSTANCE_DOWN] = "backoff",	 [INSTANCE_STARTING] = "starting",
		[INSTANCE_CONFIGURING] = "starting", [INSTANCE_READY] = "running",
		[INSTANCE_STOPPING] = "stopping",
	};
	return texts[state];
}

static void set_timer(struct instance *inst, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	if (event_add(inst->timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

static void kill_now(struct instance *inst)
{
	if (inst->pid != 0) {
		kill(inst->pid, SIGKILL);
	}
}

void instance_end(struct instance *inst, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(inst->sentence, sizeof(inst->sentence), fmt, args);
	va_end(args);
	log_err("%s: %s, killed pid=%d", inst->name, inst->sentence, (int)inst->pid);
	kill_now(inst);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct instance *inst = arg;
	(void)fd;
	(void)what;

	if (inst->state == INSTANCE_DOWN) {
		inst->restarts++;
		start(inst);
		return;
	}
	/* Of a running one something is owed, or the timer would not be set. */
	log_err("%s: no progress while %s, killed pid=%d", inst->name,
		inst->state == INSTANCE_READY ? "a generation is brought into service"
					      : instance_state_text(inst->state),
		(int)inst->pid);
	kill_now(inst);
}

/* PREPARE: the role owes one answer from here on, and has this long for it. */
static int tell_generation(struct instance *inst, const struct generation *g)
{
	uint64_t octets = 0;
	const struct zone_range zones = zone_set_view(g->zones, inst->view); /* none for other roles */
	for (size_t i = 0; i < zones.count; i++) {
		octets += zones.items[i].image == NULL ? 0 : zones.items[i].image->info.size;
	}
	uint64_t ms = PATIENCE_PREPARE_MS + octets / IMAGE_OCTETS_PER_MS;
	inst->told = g->number;
	inst->owed++;
	inst->refusals += inst->role == ROLE_AUTHORITY ? g->zones->count : 0;
	set_timer(inst, ms > PATIENCE_MAX_MS ? PATIENCE_MAX_MS : (unsigned)ms);
	return send_generation(inst, g);
}

/* --- messages of the role ---------------------------------------------------------------------- */

uint32_t instance_required_walls(const struct instance *inst)
{
	return sandbox_required_walls(inst->profile) | (inst->local_wall ? WALL_LOCAL : 0u);
}

static int check_hello(const struct instance *inst, const struct ipc_hello *hello)
{
	uint32_t missing = instance_required_walls(inst) & ~hello->walls;

	if (strcmp(hello->build, ipc_build_id()) != 0 || hello->protocol != IPC_PROTOCOL) {
		log_err("%s: is of another build: %s, expected %s", inst->name, hello->build, ipc_build_id());
		return BH_EVERSION;
	}
	if (hello->role != inst->role || hello->uid != inst->ids.uid || hello->gid != inst->ids.gid) {
		log_err("%s: is not what was started role=%s uid=%u gid=%u", inst->name, role_text(hello->role),
			(unsigned)hello->uid, (unsigned)hello->gid);
		return BH_EPERM;
	}
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		if ((missing & bit) != 0) {
			const char *wall = sandbox_wall_text(bit);
			log_err("%s: wall is missing: %s", inst->name, wall == NULL ? "unknown" : wall);
		}
	}
	return missing == 0 ? BH_OK : BH_EPERM;
}

/* The generation that a process that is just starting must be told. */
static const struct generation *generation_to_tell(const struct instance *inst)
{
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && inst->wanted) {
		return next;
	}
	return inst->sup->current.number != 0 && !inst->fresh ? &inst->sup->current : NULL;
}

static int on_hello(struct instance *inst, const struct link_message *m)
{
	if (inst->state != INSTANCE_STARTING) {
		return BH_OK; /* it was told to stop before it said its first word */
	}
	int rc = ipc_hello_decode(m->payload, m->len, &inst->hello);
	if (rc == BH_OK) {
		rc = check_hello(inst, &inst->hello);
	}
	if (rc == BH_OK) {
		rc = send_identity(inst);
	}
	const struct generation *g = generation_to_tell(inst);
	if (rc == BH_OK && g == NULL) {
		rc = BH_ENOENT; /* its change was given up meanwhile: it is being stopped */
	}
	if (rc == BH_OK) {
		link_set_phase(inst->link, PHASE_CONFIG);
		inst->state = INSTANCE_CONFIGURING;
		rc = tell_generation(inst, g);
	}
	return rc;
}

/*
 * An answer to PREPARE: there is exactly one for each, in their order. One that was given up meanwhile is
 * still answered (*late). A role that says more than it was asked could keep us busy for ever.
 */
static int take_answer(struct instance *inst, uint32_t generation, bool *late)
{
	if (inst->owed == 0) {
		return BH_EPERM;
	}
	inst->owed--;
	inst->refusals = inst->owed > 0 ? inst->refusals : 0;
	*late = inst->owed > 0;
	if (!*late && generation != inst->told) {
		return BH_EPERM;
	}
	if (!*late && inst->state != INSTANCE_STOPPING) {
		event_del(inst->timer);
	}
	return BH_OK;
}

static int on_prepared(struct instance *inst, const struct link_message *m)
{
	struct ipc_generation g;
	bool late = false;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc == BH_OK) {
		rc = take_answer(inst, g.generation, &late);
	}
	if (rc != BH_OK || late || inst->state == INSTANCE_STOPPING) {
		return rc;
	}
	inst->prepared = g.generation;
	if (g.generation == inst->sup->current.number) {
		instance_commit(inst, g.generation); /* it is in service everywhere else */
		return BH_OK;
	}
	change_poke(inst->sup);
	return BH_OK;
}

static int on_refused(struct instance *inst, const struct link_message *m)
{
	struct ipc_refused refused;
	bool late = false;
	int rc = ipc_refused_decode(m->payload, m->len, &refused);
	if (rc == BH_OK) {
		rc = take_answer(inst, refused.generation, &late);
	}
	if (rc != BH_OK || late || inst->state == INSTANCE_STOPPING) {
		return rc;
	}
	log_err("%s: refuses generation %u: %s", inst->name, (unsigned)refused.generation, refused.why);
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && next->number == refused.generation) {
		char why[IPC_TEXT_MAX];
		snprintf(why, sizeof(why), "%s refuses: %.400s", inst->name, refused.why);
		change_fail(inst->sup, why);
		return BH_OK;
	}
	return inst->state == INSTANCE_CONFIGURING ? BH_EPERM : BH_OK; /* cannot serve what all others do */
}

/* The zone of this instance whose image has this id, in a generation that it may have been told. */
static struct zone_state *zone_of_image(const struct instance *inst, uint32_t id)
{
	const struct generation *next = change_preparing(inst->sup);
	const struct generation *const places[] = { next, &inst->sup->current };
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		const struct zone_set *set = places[p] == NULL ? NULL : places[p]->zones;
		for (size_t i = 0; set != NULL && i < set->count; i++) {
			struct zone_state *zone = &set->items[i];
			if (zone->image != NULL && zone->image->id == id && strcmp(zone->view_name, inst->view) == 0) {
				return zone;
			}
		}
	}
	return NULL;
}

/*
 * It serves the zone from the image it had before, or answers SERVFAIL; the other zones go on. An image from the
 * state directory is not tried twice: the text is compiled at once.
 */
static int on_image_refused(struct instance *inst, const struct link_message *m)
{
	struct ipc_image_refused refused;
	int rc = ipc_image_refused_decode(m->payload, m->len, &refused);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->refusals == 0 || refused.id > inst->sent_id) {
		return BH_EPERM; /* more of them than it was sent */
	}
	inst->refusals--;
	struct zone_state *zone = zone_of_image(inst, refused.id);
	if (zone == NULL) {
		return BH_OK; /* of a change that was given up meanwhile */
	}
	log_err("%s: zone %s: its image is refused: %s", inst->name, zone->conf->text, refused.why);
	if (zone->image->refused == NULL) {
		char text[IPC_TEXT_MAX];
		snprintf(text, sizeof(text), "%s refuses its image: %.400s", inst->name, refused.why);
		zone->image->refused = strdup(text);
		if (zone->image->refused == NULL) {
			return BH_ENOMEM;
		}
		const struct zone_override *only = change_of_zone(inst->sup);
		if (only != NULL && only->image == zone->image) {
			change_fail(inst->sup, text); /* the image before stays in service everywhere */
		} else if (zone->origin == ZONE_LOADED) {
			log_warn("zone %s view=%s: its saved image is of no use, it is compiled anew", zone->conf->text,
				 zone->view_name);
			supervisor_reload_later(inst->sup);
		}
	}
	return BH_OK;
}

/* Those at the other ends of this instance's query links ask again what the dead process had read. */
static void tell_peers(struct instance *inst)
{
	struct supervisor *sup = inst->sup;
	for (size_t i = 0; i < sup->links.count; i++) {
		const struct query_link *l = &sup->links.items[i];
		struct ipc_link info;
		int fd;
		if (!l->in_use || !query_link_end(l, inst->role, inst->view, inst->index, &fd, &info)) {
			continue;
		}
		for (struct instance *other = sup->instances; other != NULL; other = other->next) {
			if (other != inst && other->state == INSTANCE_READY &&
			    query_link_end(l, other->role, other->view, other->index, &fd, &info) &&
			    send_number(other, MSG_PEER_RESTARTED, l->id) != BH_OK) {
				log_warn("%s: cannot be told of the restart of %s", other->name, inst->name);
			}
		}
	}
}

static int on_committed(struct instance *inst, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->commit_told == 0 || g.generation != inst->commit_told || g.generation == inst->committed) {
		return BH_EPERM; /* nobody asked */
	}
	inst->committed = g.generation;
	if (inst->state == INSTANCE_STOPPING) {
		return BH_OK;
	}
	event_del(inst->timer);
	if (inst->state == INSTANCE_CONFIGURING) {
		inst->state = INSTANCE_READY;
		inst->fresh = false;
		link_set_phase(inst->link, PHASE_RUN);
		log_info("%s: running pid=%d uid=%u generation=%u", inst->name, (int)inst->pid,
			 (unsigned)inst->ids.uid, (unsigned)g.generation);
		if (inst->restarts > 0) {
			tell_peers(inst);
		}
		if (inst->role == ROLE_RESOLVER) {
			trust_tell(inst);
			tracking_tell(inst);
		}
		if (inst->role == ROLE_MONITOR) {
			watch_begin(inst->sup);
		}
	}
	/* A change began while it was told the generation that is in service: now it can be told the next. */
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && inst->wanted && inst->told != next->number) {
		instance_prepare(inst, next);
	}
	elder_advance(inst->sup);
	change_poke(inst->sup);
	return BH_OK;
}

static int on_trace_step(struct instance *inst, const struct link_message *m)
{
	struct ipc_trace_step step;
	int rc = ipc_trace_step_decode(m->payload, m->len, &step);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->traces == 0 || inst->trace_steps == 0) {
		return BH_EPERM; /* nobody asked, or it has no end */
	}
	inst->trace_steps--;
	inst->traces -= ipc_trace_is_last(&step);
	inst->trace_steps = inst->traces == 0 ? 0 : inst->trace_steps;
	control_trace_step(inst->sup, inst, m->request, &step);
	return BH_OK;
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct instance *inst = ctx;
	struct ipc_flushed flushed;
	int rc;
	(void)link;

	switch ((enum msg_type)m->type) {
	case MSG_HELLO:
		return on_hello(inst, m);
	case MSG_PREPARED:
		return on_prepared(inst, m);
	case MSG_REFUSED:
		return on_refused(inst, m);
	case MSG_IMAGE_REFUSED:
		return on_image_refused(inst, m);
	case MSG_COMMITTED:
		return on_committed(inst, m);
	case MSG_ANCHOR_FOUND:
		return tracking_found(inst, m);
	case MSG_TRACE_STEP:
		return on_trace_step(inst, m);
	case MSG_PEER_BROKEN:
		return blame_peer(inst, m);
	case MSG_FLUSHED:
		rc = ipc_flushed_decode(m->payload, m->len, &flushed);
		if (rc == BH_OK && (m->request <= inst->flush_answered || m->request > inst->flush_sent)) {
			rc = BH_EPERM; /* answered before, or never asked */
		}
		if (rc == BH_OK) {
			inst->flush_answered = m->request;
			control_flushed(inst->sup, inst, m->request, &flushed);
		}
		return rc;
	default:
		return BH_EPERM;
	}
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct instance *inst = ctx;
	link_free(link);
	inst->link = NULL;
	if (err != BH_ECLOSED) {
		instance_end(inst, "broke the protocol: %.80s", why);
	}
	if (inst->state != INSTANCE_STOPPING || err != BH_ECLOSED) {
		kill_now(inst); /* a role without its link is of no use; one that was told to end closes it itself */
	}
}

/* --- processes ----------------------------------------------------------------------------------- */

/* The process is gone: forget what belonged to it. */
static void clear_process(struct instance *inst)
{
	link_free(inst->link);
	inst->link = NULL;
	rolelog_free(inst->log);
	inst->log = NULL;
	inst->pid = 0;
	inst->sent_id = 0;
	inst->flush_sent = 0;
	inst->flush_answered = 0;
	inst->traces = 0;
	inst->trace_steps = 0;
	inst->told = 0;
	inst->owed = 0;
	inst->refusals = 0;
	inst->prepared = 0;
	inst->commit_told = 0;
	inst->committed = 0;
	memset(&inst->hello, 0, sizeof(inst->hello));
}

static void died_in_change(const struct instance *inst)
{
	char why[IPC_TEXT_MAX];
	snprintf(why, sizeof(why), "%s died: %s", inst->name, inst->last_end);
	change_fail(inst->sup, why);
}

static void schedule_restart(struct instance *inst, bool was_stable)
{
	inst->failures = was_stable ? 0 : inst->failures;
	unsigned delay = 0;
	if (inst->failures > 0) {
		unsigned shift = inst->failures - 1 < 9 ? inst->failures - 1 : 9;
		delay = (unsigned)BACKOFF_FIRST_MS << shift;
		delay = delay > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : delay;
	}
	inst->failures++;
	inst->state = INSTANCE_DOWN;
	log_err("%s: ended: %s, restart in %u ms restarts=%u", inst->name, inst->last_end, delay, inst->restarts);
	set_timer(inst, delay);
	/* At the start of the appliance those that can serve do. A reload must not put one that cannot start in
	 * the place of one that serves. Behind an elder there is time for another attempt. */
	if (inst->fresh && inst->sup->current.number != 0 && !takeover_running(inst->sup)) {
		died_in_change(inst);
	}
}

static void start(struct instance *inst)
{
	static const struct link_ops link_ops = { .message = on_message, .closed = on_closed };
	char why[IPC_TEXT_MAX];
	struct spawned child;
	struct spawn_request request = {
		.program = role_text(inst->role),
		.title = inst->name,
		.profile = inst->profile,
		.ids = inst->ids,
		.localwall = inst->local_wall ? inst->sup->localwall : NULL,
	};

	inst->started_ms = clock_now_ms();
	inst->state = INSTANCE_STARTING;
	if (inst->local_wall && local_missing(inst->sup) != NULL) {
		snprintf(inst->last_end, sizeof(inst->last_end), "no local wall: %.140s", local_missing(inst->sup));
		schedule_restart(inst, false);
		return;
	}
	request.program_fd = program_of_role(&inst->sup->program, inst->role, why, sizeof(why));
	if (request.program_fd < 0) {
		snprintf(inst->last_end, sizeof(inst->last_end), "no program: %.140s", why);
		schedule_restart(inst, false);
		return;
	}
	if (spawn_role(&request, &child) != BH_OK) {
		snprintf(inst->last_end, sizeof(inst->last_end), "cannot fork: %s", strerror(errno));
		schedule_restart(inst, false);
		return;
	}
	inst->pid = child.pid;
	inst->log = rolelog_new(inst->sup->base, child.log_fd, inst->name);
	if (inst->log == NULL) {
		close(child.log_fd);
	}
	inst->link = link_new(inst->sup->base, child.link_fd, ROLE_SUPERVISOR, inst->role, QUEUE_MAX, &link_ops,
			      inst);
	if (inst->link == NULL) {
		close(child.link_fd);
		kill_now(inst); /* its end brings the restart */
	}
	set_timer(inst, PATIENCE_START_MS);
}

static void describe_end(struct instance *inst, int status)
{
	if (inst->sentence[0] != '\0') {
		snprintf(inst->last_end, sizeof(inst->last_end), "killed: %s", inst->sentence);
		inst->sentence[0] = '\0';
	} else if (WIFSIGNALED(status)) {
		int signo = WTERMSIG(status);
		snprintf(inst->last_end, sizeof(inst->last_end), "signal %d (%s)%s", signo, strsignal(signo),
			 signo == SIGSYS ? ", a system call outside its profile" : "");
	} else {
		snprintf(inst->last_end, sizeof(inst->last_end), "exit status %d", WEXITSTATUS(status));
	}
}

static void remove_instance(struct instance *inst)
{
	struct instance **at = &inst->sup->instances;
	while (*at != inst) {
		at = &(*at)->next;
	}
	*at = inst->next;
	clear_process(inst);
	event_free(inst->timer);
	if (inst->stats != NULL) {
		munmap((void *)(uintptr_t)inst->stats, stats_size(inst->role));
	}
	if (inst->stats_fd >= 0) {
		close(inst->stats_fd);
	}
	if (inst->page_fd >= 0) {
		close(inst->page_fd);
	}
	free(inst);
}

bool instance_child_ended(struct supervisor *sup, pid_t pid, int status)
{
	struct instance *inst = sup->instances;
	while (inst != NULL && inst->pid != pid) {
		inst = inst->next;
	}
	if (inst == NULL) {
		return false;
	}
	enum instance_state was = inst->state;
	bool stable = was == INSTANCE_READY && clock_now_ms() - inst->started_ms >= STABLE_MS;

	describe_end(inst, status);
	control_role_gone(sup, inst);
	clear_process(inst);
	event_del(inst->timer);
	if (was == INSTANCE_STOPPING) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			log_warn("%s: did not end cleanly: %s", inst->name, inst->last_end);
		}
		remove_instance(inst);
		change_poke(sup);
		return true;
	}
	schedule_restart(inst, stable);
	if (was == INSTANCE_READY && change_preparing(sup) != NULL && inst->wanted) {
		died_in_change(inst);
	}
	change_poke(sup);
	return true;
}

/* --- what a generation needs ----------------------------------------------------------------------- */

static int make_stats_page(struct instance *inst)
{
	inst->stats_fd = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (inst->stats_fd < 0 || ftruncate(inst->stats_fd, (off_t)stats_size(inst->role)) != 0 ||
	    /* A role that shrinks its page would kill the reader with SIGBUS. */
	    fcntl(inst->stats_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		return BH_ESYS;
	}
	void *page = mmap(NULL, stats_size(inst->role), PROT_READ, MAP_SHARED, inst->stats_fd, 0);
	if (page == MAP_FAILED) {
		return BH_ESYS;
	}
	inst->stats = page;
	inst->page_id = inst->sup->next_id++;
	inst->page_fd = counters_open_for_reading(inst->stats_fd);
	return inst->page_fd >= 0 ? BH_OK : BH_ESYS;
}

static const struct sandbox_profile *profile_of(enum role role)
{
	return role == ROLE_AUTHORITY  ? &sandbox_authority
	       : role == ROLE_FRONTEND ? &sandbox_frontend
	       : role == ROLE_MONITOR  ? &sandbox_monitor
				       : &sandbox_resolver;
}

static int want_one(struct supervisor *sup, enum role role, const char *view, unsigned index, unsigned count,
		    struct sandbox_ids ids, bool local_wall)
{
	struct instance **tail = &sup->instances;
	for (; *tail != NULL; tail = &(*tail)->next) {
		struct instance *inst = *tail;
		if (inst->role == role && inst->index == index && strcmp(inst->view, view) == 0 &&
		    inst->ids.uid == ids.uid && inst->ids.gid == ids.gid && inst->local_wall == local_wall &&
		    inst->state != INSTANCE_STOPPING) {
			inst->wanted = true;
			inst->count = count;
			return BH_OK;
		}
	}
	struct instance *inst = calloc(1, sizeof(*inst));
	if (inst == NULL) {
		return BH_ENOMEM;
	}
	inst->sup = sup;
	inst->role = role;
	inst->index = index;
	inst->count = count;
	inst->ids = ids;
	inst->profile = profile_of(role);
	inst->local_wall = local_wall;
	inst->state = INSTANCE_DOWN;
	inst->stats_fd = -1;
	inst->page_fd = -1;
	inst->wanted = true;
	inst->fresh = true;
	snprintf(inst->view, sizeof(inst->view), "%s", view);
	if (view[0] != '\0') {
		snprintf(inst->name, sizeof(inst->name), "%s[%s]/%u", role_text(role), view, index);
	} else {
		snprintf(inst->name, sizeof(inst->name), "%s/%u", role_text(role), index);
	}
	inst->timer = event_new(sup->base, -1, 0, on_timer, inst);
	*tail = inst;
	if (inst->timer == NULL) {
		log_fatal("out of memory");
	}
	int rc = make_stats_page(inst);
	if (rc != BH_OK) {
		remove_instance(inst);
	}
	return rc;
}

int instance_want(struct supervisor *sup, const struct generation *g)
{
	unsigned workers = g->config->workers;
	int rc = BH_OK;

	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		inst->wanted = false;
	}
	for (size_t v = 0; v < g->config->view_count; v++) {
		for (unsigned w = 0; w < workers && rc == BH_OK; w++) {
			rc = want_one(sup, ROLE_AUTHORITY, g->config->views[v].name, w, workers, g->ids.authority[v],
				      false);
		}
	}
	if (g->config->resolver.present) {
		for (unsigned w = 0; w < workers && rc == BH_OK; w++) {
			rc = want_one(sup, ROLE_RESOLVER, "", w, workers, g->ids.resolver,
				      local_needed(sup, g->config));
			if (rc == BH_OK) {
				rc = want_one(sup, ROLE_FRONTEND, "", w, workers, g->ids.frontend, false);
			}
		}
	}
	if (g->config->monitor.present && rc == BH_OK) {
		rc = want_one(sup, ROLE_MONITOR, "", 0, 1, g->ids.monitor, false);
	}
	return rc;
}

void instance_start_fresh(struct supervisor *sup)
{
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->fresh && inst->pid == 0) {
			start(inst);
		}
	}
}

static void stop_one(struct instance *inst, bool now)
{
	if (inst->pid == 0) {
		remove_instance(inst);
		return;
	}
	inst->state = INSTANCE_STOPPING;
	if (now || inst->link == NULL || link_send(inst->link, MSG_STOP, 0, NULL, 0, -1) != BH_OK) {
		kill_now(inst);
	}
	set_timer(inst, PATIENCE_STOP_MS);
}

void instance_settle(struct supervisor *sup, bool committed)
{
	struct instance *next;
	for (struct instance *inst = sup->instances; inst != NULL; inst = next) {
		next = inst->next;
		if (inst->state == INSTANCE_STOPPING) {
			continue;
		}
		if (committed) {
			/* The next crash is restarted with what is now in service, whoever made the instance. */
			inst->fresh = false;
		}
		if (committed ? !inst->wanted : inst->fresh) {
			stop_one(inst, false);
		}
	}
}

void instance_prepare(struct instance *inst, const struct generation *g)
{
	if (tell_generation(inst, g) != BH_OK) {
		log_err("%s: cannot be told generation %u, killed", inst->name, (unsigned)g->number);
		kill_now(inst);
	}
}

void instance_commit(struct instance *inst, uint32_t number)
{
	if (inst->commit_told == number) {
		return;
	}
	inst->commit_told = number;
	set_timer(inst, PATIENCE_COMMIT_MS);
	if (send_number(inst, MSG_COMMIT, number) != BH_OK) {
		kill_now(inst);
	}
}

void instance_abort(struct instance *inst, uint32_t number)
{
	if (inst->told != number) {
		return; /* it knows nothing of it */
	}
	if (send_number(inst, MSG_ABORT, number) != BH_OK) {
		kill_now(inst);
		return;
	}
	inst->prepared = 0;
	if (inst->state == INSTANCE_CONFIGURING && !inst->fresh && inst->sup->current.number != 0) {
		/* It had been told nothing else yet, and with ABORT it let go of everything it was sent. */
		inst->sent_id = 0;
		instance_prepare(inst, &inst->sup->current);
	}
}

void instance_stop_all(struct supervisor *sup, unsigned role_bits, bool now)
{
	struct instance *next;
	for (struct instance *inst = sup->instances; inst != NULL; inst = next) {
		next = inst->next;
		if ((role_bits & ROLE_BIT(inst->role)) != 0 && (now || inst->state != INSTANCE_STOPPING)) {
			stop_one(inst, now);
		}
	}
}

bool instance_any_wanted_up(const struct supervisor *sup)
{
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->wanted && inst->state != INSTANCE_DOWN) {
			return true;
		}
	}
	return false;
}

bool instance_any_running(const struct supervisor *sup, unsigned role_bits)
{
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if ((role_bits & ROLE_BIT(inst->role)) != 0 && inst->pid != 0) {
			return true;
		}
	}
	return false;
}

void instance_free_all(struct supervisor *sup)
{
	while (sup->instances != NULL) {
		kill_now(sup->instances);
		remove_instance(sup->instances);
	}
}
