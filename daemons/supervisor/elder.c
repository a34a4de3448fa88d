/*
 * The end of role processes of the version before. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/elder.h"

#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/rolelog.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/takeover.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* From being let go to the end: longer than a role takes for transfers that it lets go on (daemons/authority/main.c). */
#define PATIENCE_SEC 60
/* The same when the appliance stops. */
#define PATIENCE_STOP_SEC 5
/* Messages taken from a socket in one go; what they say is not looked at. */
#define READ_BURST 64

struct elder {
	struct elder *next;
	struct supervisor *sup;
	struct state_role info;
	bool leaving; /* was let go */
	bool killed;
	bool stopping; /* with the appliance */
	struct rolelog *log;
	struct event *readable; /* of the link; NULL: it has none */
	struct event *timer;
};

static void kill_now(struct elder *e)
{
	e->killed = true;
	kill(e->info.pid, SIGKILL);
}

/* What it says must not fill its queue; what it sends along is closed by the kernel, since no room is given for it. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct elder *e = arg;
	uint8_t octet;
	(void)what;
	for (unsigned i = 0; i < READ_BURST; i++) {
		ssize_t n = recv(fd, &octet, sizeof(octet), MSG_DONTWAIT);
		if (n == 0) { /* it has closed its side, and its end comes as a signal */
			event_del(e->readable);
			return;
		}
		if (n < 0) {
			return;
		}
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct elder *e = arg;
	(void)fd;
	(void)what;
	log_warn("%s: of the version before, does not end in time, killed pid=%d", e->info.name, (int)e->info.pid);
	e->sup->takeover.killed++;
	kill_now(e);
}

static void set_timer(struct elder *e, unsigned sec)
{
	const struct timeval tv = { .tv_sec = sec };
	if (event_add(e->timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

static void let_go(struct elder *e, unsigned patience_sec)
{
	e->stopping = e->sup->stopping;
	if (!e->leaving) {
		e->leaving = true;
		log_debug("%s: of the version before, is let go pid=%d", e->info.name, (int)e->info.pid);
		if (e->info.link_fd < 0 || shutdown(e->info.link_fd, SHUT_WR) != 0) {
			kill_now(e);
		}
	}
	set_timer(e, patience_sec);
}

void elder_add(struct supervisor *sup, const struct state_role *role)
{
	struct elder *e = calloc(1, sizeof(*e));
	if (e == NULL) {
		log_fatal("out of memory");
	}
	e->sup = sup;
	e->info = *role;
	e->timer = event_new(sup->base, -1, 0, on_timer, e);
	if (e->timer == NULL) {
		log_fatal("out of memory");
	}
	if (role->link_fd >= 0) {
		e->readable = event_new(sup->base, role->link_fd, EV_READ | EV_PERSIST, on_readable, e);
		if (e->readable == NULL || event_add(e->readable, NULL) != 0) {
			log_fatal("out of memory");
		}
	}
	if (role->log_fd >= 0) {
		e->log = rolelog_new(sup->base, role->log_fd, role->name);
		if (e->log == NULL) {
			log_fatal("out of memory");
		}
	}
	e->next = sup->elders;
	sup->elders = e;
	if (role->stage == STATE_STARTING || role->link_fd < 0) {
		kill_now(e);
	} else if (role->stage == STATE_LEAVING) {
		e->leaving = true;
		set_timer(e, PATIENCE_SEC);
	}
}

static void elder_free(struct elder *e)
{
	struct elder **at = &e->sup->elders;
	while (*at != e) {
		at = &(*at)->next;
	}
	*at = e->next;
	event_free(e->timer);
	if (e->readable != NULL) {
		event_free(e->readable);
	}
	if (e->info.link_fd >= 0) {
		close(e->info.link_fd);
	}
	rolelog_free(e->log);
	free(e);
}

bool elder_child_ended(struct supervisor *sup, pid_t pid, int status)
{
	struct elder *e = sup->elders;
	while (e != NULL && e->info.pid != pid) {
		e = e->next;
	}
	if (e == NULL) {
		return false;
	}
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool lost = !e->leaving && !e->killed;
	if (lost || (!clean && !e->killed)) {
		log_err("%s: of the version before, ended %s: %s %d", e->info.name,
			lost ? "before a successor stood" : "unclean", WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	elder_free(e);
	if (lost && !sup->stopping) {
		takeover_retry_now(sup);
	}
	elder_advance(sup);
	return true;
}

/* The place of this elder is taken, or nobody is to have it. */
static bool has_successor(const struct elder *e)
{
	const struct supervisor *sup = e->sup;
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if ((uint8_t)inst->role == e->info.role && inst->index == e->info.index &&
		    strcmp(inst->view, e->info.view) == 0 && inst->wanted) {
			return inst->state == INSTANCE_READY && inst->committed != 0;
		}
	}
	return true;
}

static bool is_of(const struct elder *e, unsigned role_bits)
{
	return e->info.role < 32 && (role_bits & ROLE_BIT(e->info.role)) != 0;
}

void elder_advance(struct supervisor *sup)
{
	if (!sup->takeover.done || sup->stopping) {
		return;
	}
	/*
	 * What frontends ask must be there until they have ended. A monitor goes with them: it would tell of those who
	 * leave, in turn with its successor at the same address.
	 */
	const unsigned first = ROLE_BIT(ROLE_FRONTEND) | ROLE_BIT(ROLE_MONITOR);
	bool frontends = elder_any(sup, ROLE_BIT(ROLE_FRONTEND));
	for (struct elder *e = sup->elders; e != NULL; e = e->next) {
		if (!e->leaving && (!frontends || is_of(e, first)) && has_successor(e)) {
			let_go(e, PATIENCE_SEC);
		}
	}
	if (sup->elders == NULL) {
		takeover_finished(sup);
	}
}

void elder_stop_all(struct supervisor *sup, unsigned role_bits)
{
	for (struct elder *e = sup->elders; e != NULL; e = e->next) {
		if (is_of(e, role_bits)) {
			let_go(e, PATIENCE_STOP_SEC);
		}
	}
}

bool elder_stopping(const struct supervisor *sup)
{
	for (const struct elder *e = sup->elders; e != NULL; e = e->next) {
		if (!e->stopping) {
			return false;
		}
	}
	return true;
}

bool elder_any(const struct supervisor *sup, unsigned role_bits)
{
	for (const struct elder *e = sup->elders; e != NULL; e = e->next) {
		if (is_of(e, role_bits)) {
			return true;
		}
	}
	return false;
}

unsigned elder_count(const struct supervisor *sup)
{
	unsigned count = 0;
	for (const struct elder *e = sup->elders; e != NULL; e = e->next) {
		count++;
	}
	return count;
}

int elder_rows(const struct supervisor *sup, struct link *link, uint32_t request)
{
	int rc = BH_OK;
	for (const struct elder *e = sup->elders; e != NULL && rc == BH_OK; e = e->next) {
		struct ctl_row row;
		row_begin(&row, "old_role");
		row_text(&row, "name", e->info.name);
		row_text(&row, "state", e->leaving ? "draining" : "serving");
		row_number(&row, "pid", (uint64_t)e->info.pid);
		rc = row_send(link, request, &row);
	}
	return rc;
}

void elder_free_all(struct supervisor *sup)
{
	while (sup->elders != NULL) {
		kill_now(sup->elders);
		elder_free(sup->elders);
	}
}
