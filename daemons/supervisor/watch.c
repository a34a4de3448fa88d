/*
 * Facts for the monitor. Nothing is sent while it has not read what it was sent before: it may be stopped, and
 * what it missed is of no interest.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/watch.h"

#include "common/ipc/link.h"
#include "common/ipc/watch.h"
#include "common/util/clock.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/status.h"
#include "daemons/supervisor/usage.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TELL_SEC 1

/* A moment of the monotonic clock as seconds since 1970. */
static uint64_t wall_of(uint64_t ms)
{
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	uint64_t wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
	return (wall_ms - (clock_now_ms() - ms)) / 1000;
}

static uint8_t state_of(const struct instance *inst)
{
	switch (inst->state) {
	case INSTANCE_DOWN:
		return IPC_ROLE_DOWN;
	case INSTANCE_STARTING:
	case INSTANCE_CONFIGURING:
		return IPC_ROLE_STARTING;
	case INSTANCE_READY:
		return IPC_ROLE_RUNNING;
	case INSTANCE_STOPPING:
		break;
	}
	return IPC_ROLE_STOPPING;
}

static int tell_role(const struct instance *monitor, const struct instance *inst)
{
	struct ipc_role_facts facts = { .page = inst->page_id, .state = state_of(inst), .restarts = inst->restarts };
	uint8_t bytes[sizeof(facts)];
	struct sink s = sink_of(bytes, sizeof(bytes));

	if (inst->pid != 0) {
		facts.pid = (uint32_t)inst->pid;
		facts.started_sec = wall_of(inst->started_ms);
		facts.generation = inst->committed;
		facts.walls = inst->hello.walls;
		facts.missing = inst->state == INSTANCE_READY
					? sandbox_required_walls(inst->profile) & ~inst->hello.walls
					: 0;
		facts.syscalls = inst->hello.syscalls;
		facts.confined = status_confined(inst->pid);
		(void)usage_read(inst->pid, &facts.resident, &facts.cpu_ms); /* gone: it ended just now */
	}
	snprintf(facts.last_end, sizeof(facts.last_end), "%s", inst->last_end);
	ipc_role_facts_encode(&s, &facts);
	return s.failed ? BH_ENOSPC : link_send(monitor->link, MSG_ROLE_FACTS, 0, bytes, s.pos, -1);
}

static int tell_appliance(const struct supervisor *sup, const struct instance *monitor)
{
	struct ipc_appliance_facts facts = { .generation = sup->current.number,
					     .pid = (uint32_t)getpid(),
					     .started_sec = wall_of(sup->started_ms),
					     .change_ok = sup->change_ok,
					     .change_sec = sup->change_sec };
	uint8_t bytes[sizeof(facts)];
	struct sink s = sink_of(bytes, sizeof(bytes));

	facts.state = sup->stopping		  ? IPC_APPLIANCE_STOPPING
		      : sup->current.number == 0 ? IPC_APPLIANCE_STARTING
		      : sup->change != NULL	  ? IPC_APPLIANCE_RELOADING
						  : IPC_APPLIANCE_RUNNING;
	(void)usage_read(getpid(), &facts.resident, &facts.cpu_ms);
	ipc_appliance_facts_encode(&s, &facts);
	return s.failed ? BH_ENOSPC : link_send(monitor->link, MSG_APPLIANCE_FACTS, 0, bytes, s.pos, -1);
}

static struct instance *find_monitor(const struct supervisor *sup)
{
	struct instance *inst = sup->instances;
	while (inst != NULL && (inst->role != ROLE_MONITOR || inst->state != INSTANCE_READY || inst->link == NULL)) {
		inst = inst->next;
	}
	return inst;
}

void watch_tell(struct supervisor *sup)
{
	const struct instance *monitor = find_monitor(sup);
	int rc = BH_OK;

	if (monitor == NULL || link_queued(monitor->link) > 0) {
		return;
	}
	for (const struct instance *inst = sup->instances; inst != NULL && rc == BH_OK; inst = inst->next) {
		rc = tell_role(monitor, inst);
	}
	if (rc == BH_OK) {
		rc = tell_appliance(sup, monitor);
	}
	if (rc != BH_OK) { /* the link is over, and its end comes from the event loop */
		log_warn("%s: cannot be told how all fare: %s", monitor->name, bh_strerror(rc));
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	(void)fd;
	(void)what;
	if (find_monitor(sup) == NULL) {
		(void)event_del(sup->watch_timer); /* until one is ready again */
		return;
	}
	watch_tell(sup);
}

void watch_begin(struct supervisor *sup)
{
	static const struct timeval period = { .tv_sec = TELL_SEC };
	if (sup->watch_timer == NULL) {
		sup->watch_timer = event_new(sup->base, -1, EV_PERSIST, on_timer, sup);
	}
	if (sup->watch_timer == NULL || event_add(sup->watch_timer, &period) != 0) {
		log_fatal("out of memory");
	}
	watch_tell(sup);
}

void watch_end(struct supervisor *sup)
{
	if (sup->watch_timer != NULL) {
		event_free(sup->watch_timer);
		sup->watch_timer = NULL;
	}
}
