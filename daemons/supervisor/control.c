/*
 * bulkheadctl's other end. Only root and members of the group "bulkhead" get in: by the mode of the socket,
 * and again by what the kernel says of the peer. A client that breaks the protocol loses its own
 * connection and nothing else; their number and their queues are bounded, and one that is idle makes room for others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/control.h"

#include "common/ipc/link.h"
#include "common/ipc/shard.h"
#include "common/util/clock.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/progress.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/state.h"
#include "daemons/supervisor/status.h"
#include "daemons/supervisor/takeover.h"
#include "daemons/supervisor/trace.h"
#include "daemons/supervisor/trust.h"
#include "daemons/supervisor/upgrade.h"
#include "daemons/supervisor/zone_history.h"

#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 32
/* More of root's, when members of the group keep all of them at work. */
#define CLIENTS_RESERVE 4
/* One that waits for nothing may have to make room after so long without a word. */
#define CLIENT_IDLE_MS 1000
/* Rows waiting for one client: the status of a hundred thousand zones. */
#define CLIENT_QUEUE_MAX (64u * 1024 * 1024)
#define CONTROL_GROUP "bulkhead"
/* Groups of a peer that are looked at. */
#define GROUPS_MAX 256

enum waiting { WAITING_NOTHING, WAITING_RELOAD, WAITING_NEXT_RELOAD /* not begun yet */, WAITING_FLUSH, WAITING_TRACE,
	       WAITING_UPGRADE, WAITING_STOP, WAITING_ZONE };

struct client {
	struct client *next;
	struct control *control;
	struct link *link;
	uid_t uid; /* as the kernel saw it */
	enum waiting waiting;
	uint64_t heard_ms; /* when it connected, or said something last */
	uint32_t request;
	struct ipc_flush flush;
	enum role flush_role;	/* whose caches are being flushed */
	uint32_t flush_request; /* id towards the roles */
	unsigned flush_pending;
	bool flush_lost; /* a role ended meanwhile, and its cache with it */
	uint64_t flushed;
	uint32_t trace_request; /* id towards the resolver */
	const struct instance *tracer;
	unsigned steps;
	struct zone_job *job; /* of WAITING_ZONE */
};

struct control {
	struct supervisor *sup;
	int fd;
	struct event *readable;
	struct client *clients;
	unsigned client_count;
	uint32_t next_flush;
	uint32_t next_trace;
	struct event *progress; /* while somebody waits for a reload */
};

int control_socket(const char *run_dir, char *why, size_t why_size)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", run_dir);
	if (n < 0 || (size_t)n >= sizeof(sa.sun_path)) {
		snprintf(why, why_size, "run-dir is too long for a socket");
		return BH_ENOSPC;
	}
	const struct group *group = getgrnam(CONTROL_GROUP);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t saved = umask(0177); /* nobody gets in before owner and mode are right */
	int rc = fd < 0 || (unlink(sa.sun_path) != 0 && errno != ENOENT) ||
				 bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0
			 ? BH_ESYS
			 : BH_OK;
	umask(saved);
	if (rc != BH_OK || (group != NULL && chown(sa.sun_path, 0, group->gr_gid) != 0) ||
	    chmod(sa.sun_path, 0660) != 0 || listen(fd, CLIENTS_MAX) != 0) {
		snprintf(why, why_size, "%s: %s", sa.sun_path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return BH_ESYS;
	}
	return fd;
}

/* Root, or a member of the control group, as the kernel saw the peer when it connected. */
static bool peer_is_allowed(int fd, struct ucred *cred)
{
	socklen_t len = sizeof(*cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, cred, &len) != 0) {
		return false;
	}
	if (cred->uid == 0) {
		return true;
	}
	const struct group *group = getgrnam(CONTROL_GROUP);
	if (group == NULL) {
		return false;
	}
	if (cred->gid == group->gr_gid) {
		return true;
	}
	gid_t groups[GROUPS_MAX];
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0) {
		return false;
	}
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group->gr_gid) {
			return true;
		}
	}
	return false;
}

static void free_client(struct client *client)
{
	struct client **at = &client->control->clients;
	while (*at != client) {
		at = &(*at)->next;
	}
	*at = client->next;
	client->control->client_count--;
	if (client->waiting == WAITING_ZONE) {
		zone_job_cancel(client->job);
	}
	link_free(client->link);
	free(client);
}

static int answer(struct client *client, unsigned status, const char *text)
{
	client->waiting = WAITING_NOTHING;
	return row_done(client->link, client->request, status, text);
}

/* --- reload: the change tells all clients that wait for it ---------------------------------------- */

static void send_finding(struct control *control, const struct zone_finding_info *f)
{
	struct ctl_row row;
	row_finding(&row, f);
	for (struct client *c = control->clients; c != NULL; c = c->next) {
		if (c->waiting == WAITING_RELOAD && row_send(c->link, c->request, &row) != BH_OK) {
			c->waiting = WAITING_NOTHING; /* it does not read; its link ends by itself */
		}
	}
}

void control_finding(struct supervisor *sup, const struct zone_finding_info *finding)
{
	if (sup->control != NULL) {
		send_finding(sup->control, finding);
	}
}

static bool waits_long(const struct client *c)
{
	return c->waiting == WAITING_RELOAD || c->waiting == WAITING_NEXT_RELOAD || c->waiting == WAITING_UPGRADE;
}

/*
 * To all that wait for a reload or an upgrade: how far it is, now and then. Costs no more than PROGRESS_INTERVAL_MS allows, and ends with the
 * last one who waits; who does not read loses only its own connection.
 */
static void on_progress(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval interval = { .tv_usec = PROGRESS_INTERVAL_MS * 1000 };
	struct control *control = arg;
	struct compile_progress progress;
	struct ctl_row row;
	bool any = false;
	(void)fd;
	(void)what;

	const char *step = change_progress(control->sup, &progress);
	if (step == NULL) {
		step = control->sup->upgrade != NULL  ? "asking the new version"
		       : control->sup->takeover.done ? "the old version finishes"
						     : "waiting";
	}
	progress_row(step, &progress, &row);
	for (struct client *c = control->clients; c != NULL; c = c->next) {
		if (!waits_long(c)) {
			continue;
		}
		if (row_send(c->link, c->request, &row) != BH_OK) {
			c->waiting = WAITING_NOTHING; /* it does not read; its link ends by itself */
			continue;
		}
		any = true;
	}
	if (any && event_add(control->progress, &interval) != 0) {
		log_warn("control: progress is not told: out of memory");
	}
}

static void tell_progress(struct control *control)
{
	const struct timeval interval = { .tv_usec = PROGRESS_INTERVAL_MS * 1000 };
	if (!event_pending(control->progress, EV_TIMEOUT, NULL) && event_add(control->progress, &interval) != 0) {
		log_warn("control: progress is not told: out of memory");
	}
}

void control_reload_begins(struct supervisor *sup)
{
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = c->next) {
		c->waiting = c->waiting == WAITING_NEXT_RELOAD ? WAITING_RELOAD : c->waiting;
	}
}

void control_reloaded(struct supervisor *sup, unsigned status, const char *text)
{
	struct client *next;
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = next) {
		next = c->next;
		if (c->waiting == WAITING_RELOAD && answer(c, status, text) != BH_OK) {
			log_warn("control: a client did not take the answer to its reload");
		}
	}
}

/* --- upgrade ----------------------------------------------------------------------------------------- */

void control_upgraded(struct supervisor *sup, unsigned status, const char *text)
{
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = c->next) {
		if (c->waiting == WAITING_UPGRADE && answer(c, status, text) != BH_OK) {
			log_warn("control: a client did not take the answer to its upgrade");
		}
	}
}

int control_descriptor(const struct control *control)
{
	return control->fd;
}

static bool waits_across(const struct client *c)
{
	return c->waiting == WAITING_UPGRADE || c->waiting == WAITING_NEXT_RELOAD;
}

int control_collect(const struct control *control, struct state *s)
{
	s->clients = calloc(control->client_count + 1, sizeof(*s->clients));
	if (s->clients == NULL) {
		return BH_ENOMEM;
	}
	for (const struct client *c = control->clients; c != NULL; c = c->next) {
		if (waits_across(c)) {
			s->clients[s->client_count++] = (struct state_client){
				.fd = link_descriptor(c->link),
				.request = c->request,
				.uid = (uint32_t)c->uid,
				.wait = c->waiting == WAITING_UPGRADE ? STATE_WAITS_UPGRADE : STATE_WAITS_RELOAD,
			};
		}
	}
	return BH_OK;
}

void control_drain(struct control *control)
{
	for (struct client *c = control->clients; c != NULL; c = c->next) {
		if (waits_across(c) && link_drain(c->link, 100) != BH_OK) {
			continue; /* it does not read, or went away */
		}
	}
}

/* --- flush: ask every cache, sum up ---------------------------------------------------------------- */

/* Roles of that kind forget. Returns how many are at it. */
static unsigned flush_roles(struct client *client, enum role role)
{
	uint8_t bytes[DNAME_MAX + 8];
	struct sink s = sink_of(bytes, sizeof(bytes));

	ipc_flush_encode(&s, &client->flush);
	client->flush_role = role;
	client->flush_request = ++client->control->next_flush;
	client->flush_pending = 0;
	for (struct instance *inst = client->control->sup->instances; inst != NULL; inst = inst->next) {
		if (inst->state == INSTANCE_READY && inst->link != NULL && inst->role == role &&
		    link_send(inst->link, MSG_FLUSH, client->flush_request, bytes, s.pos, -1) == BH_OK) {
			inst->flush_sent = client->flush_request;
			client->flush_pending++;
		}
	}
	return client->flush_pending;
}

static int flush_is_over(struct client *client)
{
	char text[96];
	snprintf(text, sizeof(text), "%llu %s forgotten%s", (unsigned long long)client->flushed,
		 client->flushed == 1 ? "entry" : "entries", client->flush_lost ? ", a role was restarted meanwhile" : "");
	return answer(client, 0, text);
}

/*
 * Resolvers first: a frontend that has flushed keeps what it asks for from then on, so what answers it must not
 * be old. Only when the last resolver is through are the frontends told.
 */
static int flush_on(struct client *client)
{
	if (client->flush_pending > 0 ||
	    (client->flush_role == ROLE_RESOLVER && flush_roles(client, ROLE_FRONTEND) > 0)) {
		return BH_OK;
	}
	return flush_is_over(client);
}

static int begin_flush(struct client *client, const struct ctl_request *r)
{
	if (takeover_running(client->control->sup)) {
		return answer(client, 2, "flush: an upgrade is under way, caches are new when it has ended");
	}
	client->flush = (struct ipc_flush){ .kind = IPC_FLUSH_ALL };
	if (r->count == 3 && (strcmp(r->words[1], "name") == 0 || strcmp(r->words[1], "zone") == 0)) {
		client->flush.kind = r->words[1][0] == 'n' ? IPC_FLUSH_NAME : IPC_FLUSH_ZONE;
		if (dname_from_text(r->words[2], client->flush.name) < 0) {
			return answer(client, 3, "flush: not a domain name");
		}
	} else if (r->count != 2 || strcmp(r->words[1], "all") != 0) {
		return answer(client, 3, "usage: flush all | flush name NAME | flush zone ZONE");
	}
	client->flushed = 0;
	client->flush_lost = false;
	client->waiting = WAITING_FLUSH;
	if (flush_roles(client, ROLE_RESOLVER) == 0 && flush_roles(client, ROLE_FRONTEND) == 0) {
		return answer(client, 0, "there is no cache");
	}
	return BH_OK;
}

void control_flush_frontends(struct supervisor *sup, const uint8_t *zone)
{
	struct ipc_flush what = { .kind = IPC_FLUSH_ZONE };
	uint8_t bytes[DNAME_MAX + 8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	uint32_t request = ++sup->control->next_flush;
	(void)dname_copy_lower(what.name, zone);
	ipc_flush_encode(&s, &what);
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->state == INSTANCE_READY && inst->link != NULL && inst->role == ROLE_FRONTEND &&
		    link_send(inst->link, MSG_FLUSH, request, bytes, s.pos, -1) == BH_OK) {
			inst->flush_sent = request;
		}
	}
}

void control_flushed(struct supervisor *sup, const struct instance *inst, uint32_t request,
		     const struct ipc_flushed *flushed)
{
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = c->next) {
		if (c->waiting != WAITING_FLUSH || c->flush_request != request) {
			continue;
		}
		struct ctl_row row;
		row_begin(&row, "flushed");
		row_text(&row, "role", role_text(inst->role));
		row_number(&row, "index", inst->index);
		row_number(&row, "entries", flushed->entries);
		c->flushed += flushed->entries;
		c->flush_pending--;
		if (row_send(c->link, c->request, &row) != BH_OK || flush_on(c) != BH_OK) {
			c->waiting = WAITING_NOTHING;
		}
		return;
	}
}

void control_role_gone(struct supervisor *sup, const struct instance *inst)
{
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = c->next) {
		if (c->waiting == WAITING_TRACE && c->tracer == inst && answer(c, 2, "trace: the resolver ended") != BH_OK) {
			c->waiting = WAITING_NOTHING;
		}
	}
	/* Its cache is gone with it. Replies come in the order of the requests, whose ids grow. */
	for (struct client *c = sup->control == NULL ? NULL : sup->control->clients; c != NULL; c = c->next) {
		bool owed = c->waiting == WAITING_FLUSH && inst->role == c->flush_role &&
			    inst->flush_sent >= c->flush_request && inst->flush_answered < c->flush_request;
		if (owed) {
			c->flush_lost = true;
			c->flush_pending--;
			if (flush_on(c) != BH_OK) {
				c->waiting = WAITING_NOTHING;
			}
		}
	}
}

/* --- trace: the shard that answers for the name tells its steps --------------------------------------- */

static struct instance *find_shard(struct supervisor *sup, const uint8_t *name)
{
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->role == ROLE_RESOLVER && inst->state == INSTANCE_READY && inst->link != NULL &&
		    inst->index == shard_of_name(name, inst->count)) {
			return inst;
		}
	}
	return NULL;
}

static int begin_trace(struct client *client, const struct ctl_request *r)
{
	struct supervisor *sup = client->control->sup;
	struct ipc_trace what;
	uint8_t bytes[DNAME_MAX + 8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	const char *fault = sup->current.config == NULL ? "the appliance is starting"
							: trace_parse(r, sup->current.config, &what);
	if (fault != NULL) {
		return answer(client, 3, fault);
	}
	struct instance *inst = find_shard(sup, what.name);
	ipc_trace_encode(&s, &what);
	client->trace_request = ++client->control->next_trace;
	if (inst == NULL || link_send(inst->link, MSG_TRACE, client->trace_request, bytes, s.pos, -1) != BH_OK) {
		return answer(client, 3, "trace: the resolver does not run");
	}
	inst->traces++;
	inst->trace_steps += IPC_TRACE_STEPS_MAX + 1; /* and the last one */
	client->tracer = inst;
	client->steps = 0;
	client->waiting = WAITING_TRACE;
	return BH_OK;
}

void control_trace_step(struct supervisor *sup, const struct instance *inst, uint32_t request,
			const struct ipc_trace_step *step)
{
	struct client *c = sup->control == NULL ? NULL : sup->control->clients;
	while (c != NULL && (c->waiting != WAITING_TRACE || c->tracer != inst || c->trace_request != request)) {
		c = c->next;
	}
	if (c == NULL) {
		return; /* it went away */
	}
	struct ctl_row row;
	char text[IPC_TEXT_MAX];
	int rc = BH_OK;
	if (c->steps++ <= IPC_TRACE_STEPS_MAX) { /* the shares of other traces are not for this client */
		trace_row(step, &row);
		rc = row_send(c->link, c->request, &row);
	}
	if (rc == BH_OK && ipc_trace_is_last(step)) {
		unsigned status = trace_end(step, text, sizeof(text));
		rc = answer(c, status, text);
	}
	if (rc != BH_OK) {
		c->waiting = WAITING_NOTHING;
	}
}

static int begin_reload(struct client *client)
{
	struct supervisor *sup = client->control->sup;
	sup->cause = (struct zone_cause){ .kind = ZONE_CAUSE_RELOAD, .uid = client->uid };
	client->waiting = WAITING_NEXT_RELOAD; /* at once: faults of the configuration are told from within */
	if (!supervisor_reload(sup)) {
		return answer(client, 2, "the appliance stops");
	}
	tell_progress(client->control);
	return BH_OK;
}

/* `upgrade`, or `upgrade if-changed`: a reload when the programs on disk are those that run. */
static int begin_upgrade(struct client *client, const struct ctl_request *r)
{
	struct supervisor *sup = client->control->sup;
	char why[IPC_TEXT_MAX];
	bool if_changed = r->count == 2 && strcmp(r->words[1], "if-changed") == 0;
	if (r->count != 1 && !if_changed) {
		return answer(client, 3, "usage: upgrade [if-changed]");
	}
	if (if_changed && !program_changed(&sup->program)) {
		return begin_reload(client);
	}
	client->waiting = WAITING_UPGRADE;
	if (!supervisor_upgrade(sup, why, sizeof(why))) {
		return answer(client, 2, why);
	}
	tell_progress(client->control);
	return BH_OK;
}

/* --- generations of zones ---------------------------------------------------------------------------- */

static void on_zone_job(void *ctx, unsigned status, const char *text)
{
	struct client *client = ctx;
	if (answer(client, status, text) != BH_OK) {
		log_warn("control: a client did not take its answer");
	}
}

static int begin_zone(struct client *client, const struct ctl_request *r)
{
	struct supervisor *sup = client->control->sup;
	unsigned status;
	char why[IPC_TEXT_MAX];
	if (r->count >= 2 && r->count <= 3 && strcmp(r->words[1], "status") == 0) {
		return zone_status_send(sup, r->count == 3 ? r->words[2] : NULL, client->link, client->request);
	}
	if (r->count >= 2 && strcmp(r->words[1], "history") == 0) {
		return zone_history_send(sup, r, client->link, client->request);
	}
	client->job = zone_job_begin(sup, r, client->uid, client->link, client->request, on_zone_job, client, &status, why,
				     sizeof(why));
	if (client->job == NULL) {
		return answer(client, status, why);
	}
	client->waiting = WAITING_ZONE;
	return BH_OK;
}

/* --- requests ---------------------------------------------------------------------------------------- */

static int on_request(struct client *client, const struct ctl_request *r)
{
	struct supervisor *sup = client->control->sup;
	const char *command = r->words[0];

	if (strcmp(command, "flush") == 0) {
		return begin_flush(client, r);
	}
	if (strcmp(command, "trace") == 0) {
		return begin_trace(client, r);
	}
	if (strcmp(command, "stats") == 0 && r->count <= 2) {
		return stats_send(sup, client->link, client->request, r->count == 2 ? r->words[1] : NULL);
	}
	if (strcmp(command, "zone") == 0) {
		return begin_zone(client, r);
	}
	if (strcmp(command, "upgrade") == 0) {
		return begin_upgrade(client, r);
	}
	if (strcmp(command, "nta") == 0) {
		return trust_nta(sup, r, client->link, client->request);
	}
	if (strcmp(command, "status") == 0 && r->count == 2 && strcmp(r->words[1], "summary") == 0) {
		return status_send(sup, false, client->link, client->request);
	}
	if (r->count != 1) {
		return answer(client, 3, "this command takes no such arguments");
	}
	if (strcmp(command, "status") == 0) {
		return status_send(sup, true, client->link, client->request);
	}
	if (strcmp(command, "anchors") == 0) {
		return trust_anchors_send(sup, client->link, client->request);
	}
	if (strcmp(command, "reload") == 0) {
		return begin_reload(client);
	}
	if (strcmp(command, "stop") == 0) {
		client->waiting = WAITING_STOP;
		log_info("control: asked to stop");
		supervisor_stop(sup, 0);
		return BH_OK;
	}
	return answer(client, 3,
		      "unknown command, known are: status, stats, zone, anchors, nta, reload, upgrade, flush, trace, stop");
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct client *client = ctx;
	struct ctl_request *r = calloc(1, sizeof(*r));
	(void)link;

	if (r == NULL) {
		return BH_ENOMEM;
	}
	int rc = client->waiting != WAITING_NOTHING ? BH_EPERM : ctl_request_decode(m->payload, m->len, r);
	client->heard_ms = clock_now_ms();
	if (rc == BH_OK) {
		client->request = m->request;
		rc = on_request(client, r);
	}
	free(r);
	return rc;
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	(void)link;
	if (err != BH_ECLOSED) {
		log_warn("control: connection closed: %s", why);
	}
	free_client(ctx);
}

/* The connection that nobody has used for longest, of the group's members or of root. NULL: all are in use. */
static struct client *find_idlest(const struct control *control, bool of_root)
{
	struct client *found = NULL;
	uint64_t now_ms = clock_now_ms();
	for (struct client *c = control->clients; c != NULL; c = c->next) {
		bool idle = c->waiting == WAITING_NOTHING && now_ms - c->heard_ms >= CLIENT_IDLE_MS;
		if (idle && (c->uid == 0) == of_root && (found == NULL || c->heard_ms < found->heard_ms)) {
			found = c;
		}
	}
	return found;
}

static void evict(struct client *client)
{
	log_info("control: an idle connection is closed to make room for another uid=%u idle_ms=%llu", (unsigned)client->uid,
		 (unsigned long long)(clock_now_ms() - client->heard_ms));
	free_client(client);
}

/* May one more come in? Members make room for all, root's connections only for root's, and when its reserve is used up. */
static bool make_room(struct control *control, uid_t newcomer)
{
	unsigned most = CLIENTS_MAX + (newcomer == 0 ? CLIENTS_RESERVE : 0u);
	struct client *idlest;
	while (control->client_count >= CLIENTS_MAX && (idlest = find_idlest(control, false)) != NULL) {
		evict(idlest);
	}
	if (control->client_count >= most && newcomer == 0 && (idlest = find_idlest(control, true)) != NULL) {
		evict(idlest);
	}
	return control->client_count < most;
}

/* fd is the client's from now on. NULL: too many, or out of memory; it is still the caller's. */
static struct client *add_client(struct control *control, int fd, uid_t uid)
{
	static const struct link_ops link_ops = { .message = on_message, .closed = on_closed };
	struct client *client = make_room(control, uid) ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL) {
		return NULL;
	}
	client->control = control;
	client->uid = uid;
	client->heard_ms = clock_now_ms();
	client->link = link_new(control->sup->base, fd, ROLE_SUPERVISOR, ROLE_CONTROL, CLIENT_QUEUE_MAX, &link_ops,
				client);
	if (client->link == NULL) {
		free(client);
		return NULL;
	}
	link_set_phase(client->link, PHASE_RUN);
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
	return client;
}

static void on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct control *control = arg;
	struct ucred cred = { 0 };
	(void)what;

	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		return;
	}
	if (!peer_is_allowed(fd, &cred)) {
		log_warn("control: refused uid=%u pid=%d", (unsigned)cred.uid, (int)cred.pid);
		close(fd);
		return;
	}
	if (add_client(control, fd, cred.uid) == NULL) {
		log_warn("control: too many connections");
		close(fd);
	}
}

void control_adopt(struct control *control, const struct state_client *from)
{
	struct client *client = add_client(control, from->fd, (uid_t)from->uid);
	if (client == NULL) {
		log_warn("control: a client that waits for an upgrade gets no answer");
		close(from->fd);
		return;
	}
	client->request = from->request;
	client->waiting = from->wait == STATE_WAITS_UPGRADE ? WAITING_UPGRADE : WAITING_NEXT_RELOAD;
	tell_progress(control);
}

struct control *control_new(struct supervisor *sup, int fd)
{
	struct control *control = calloc(1, sizeof(*control));
	if (control == NULL) {
		return NULL;
	}
	control->sup = sup;
	control->fd = fd;
	control->readable = event_new(sup->base, fd, EV_READ | EV_PERSIST, on_accept, control);
	control->progress = evtimer_new(sup->base, on_progress, control);
	if (control->readable == NULL || control->progress == NULL || event_add(control->readable, NULL) != 0) {
		if (control->readable != NULL) {
			event_free(control->readable);
		}
		if (control->progress != NULL) {
			event_free(control->progress);
		}
		free(control);
		return NULL;
	}
	return control;
}

void control_tell_stopped(struct control *control)
{
	for (struct client *c = control->clients; c != NULL; c = c->next) {
		if ((c->waiting == WAITING_STOP && answer(c, 0, "stopped") != BH_OK) ||
		    (waits_long(c) && answer(c, 2, "the appliance was stopped meanwhile") != BH_OK)) {
			continue; /* it went away; nothing else to tell it */
		}
	}
}

void control_free(struct control *control, const char *run_dir)
{
	char path[PATH_MAX];
	if (control == NULL) {
		return;
	}
	while (control->clients != NULL) {
		if (link_drain(control->clients->link, 1000) != BH_OK) {
			log_warn("control: a client did not take its answer");
		}
		free_client(control->clients);
	}
	event_free(control->readable);
	event_free(control->progress);
	close(control->fd);
	snprintf(path, sizeof(path), "%s/control.sock", run_dir);
	unlink(path);
	free(control);
}
