/*
 * The monitor: tells over HTTP how the appliance fares. It holds counters that it can read and not write, names of
 * zones, and sockets that it was given; no link leads from here to any other role.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/loop.h"
#include "common/ipc/role_link.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/monitor/http.h"
#include "daemons/monitor/model.h"
#include "daemons/monitor/rates.h"
#include "sandbox/sandbox.h"

#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

/* Stop: clients that read have this long, looked at every tick. */
#define STOP_TICK_MS 20
#define STOP_TICKS_MAX 50

struct monitor {
	struct event_base *base;
	struct stats_page *stats;
	struct http *http;
	const struct role_conf *conf; /* in service; NULL before the first one */
	struct model *model;	      /* of it */
	struct model *next;  /* prepared */
	struct rates rates;
	struct event *step;
	struct event *beat;
	struct event *stop_tick;
	unsigned stop_ticks;
	struct log_limit complaints;
};

static int on_prepare(void *ctx, const struct role_conf *conf, char *why, size_t why_size)
{
	struct monitor *monitor = ctx;
	monitor->next = model_new(conf, monitor->model);
	if (monitor->next == NULL) {
		snprintf(why, why_size, "out of memory for counters");
		return BH_ENOMEM;
	}
	return BH_OK;
}

/*
 * Nobody is served before the first facts are there: metrics without them would look like an appliance that has lost its
 * roles. Whoever connects meanwhile waits, or is served by the monitor before.
 */
static void show(struct monitor *monitor)
{
	if (monitor->model != NULL && monitor->model->appliance_told) {
		http_show(monitor->http, &(struct http_view){ .conf = monitor->conf, .model = monitor->model,
							      .rates = &monitor->rates });
	}
}

static void on_commit(void *ctx, const struct role_conf *conf)
{
	struct monitor *monitor = ctx;
	struct model *old = monitor->model;
	monitor->model = monitor->next;
	monitor->next = NULL;
	monitor->conf = conf;
	show(monitor);
	model_free(old, monitor->model);
}

static void on_abort(void *ctx)
{
	struct monitor *monitor = ctx;
	model_free(monitor->next, monitor->model);
	monitor->next = NULL;
}

static void on_role_facts(void *ctx, const struct ipc_role_facts *facts)
{
	struct monitor *monitor = ctx;
	model_role_facts(monitor->model, facts, clock_now_ms());
}

static void on_appliance_facts(void *ctx, const struct ipc_appliance_facts *facts)
{
	struct monitor *monitor = ctx;
	bool first = !monitor->model->appliance_told;
	model_appliance_facts(monitor->model, facts, clock_now_ms());
	if (first) {
		show(monitor);
	}
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *monitor = arg;
	(void)fd;
	(void)what;
	if (monitor->model != NULL) {
		rates_step(&monitor->rates, monitor->model);
	}
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *monitor = arg;
	(void)fd;
	(void)what;
	stats_beat(monitor->stats, clock_now_ms());
}

static void on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *monitor = arg;
	(void)fd;
	(void)what;
	if (http_clients(monitor->http) == 0 || ++monitor->stop_ticks > STOP_TICKS_MAX) {
		event_base_loopbreak(monitor->base);
	}
}

static void on_stop(void *ctx)
{
	static const struct timeval tick = { .tv_usec = STOP_TICK_MS * 1000 };
	struct monitor *monitor = ctx;
	http_stop(monitor->http);
	if (http_clients(monitor->http) == 0 || event_add(monitor->stop_tick, &tick) != 0) {
		event_base_loopbreak(monitor->base);
	}
}

/* What libevent has to say: strangers can make it say much. */
static struct log_limit *libevent_limit;

static void on_libevent(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN && log_limit_pass(libevent_limit, clock_now_ms(), 10000, 5, NULL)) {
		log_warn("libevent: %s", text);
	}
}

/*
 * The first call of some functions of the C library opens files: the time zone, and what getnameinfo (called by evhttp
 * for each client) reads.
 */
static void warm_up(void)
{
	struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char host[64];
	char port[16];
	char text[64];
	time_t now = time(NULL);
	struct tm tm;
	if (gmtime_r(&now, &tm) == NULL || strftime(text, sizeof(text), "%Y", &tm) == 0 ||
	    getnameinfo((struct sockaddr *)&loopback, sizeof(loopback), host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		log_fatal("the C library can tell neither time nor address");
	}
}

static void monitor_init(struct monitor *monitor)
{
	monitor->base = loop_new();
	if (monitor->base != NULL) {
		monitor->http = http_new(monitor->base);
		monitor->step = event_new(monitor->base, -1, EV_PERSIST, on_step, monitor);
		monitor->beat = event_new(monitor->base, -1, EV_PERSIST, on_beat, monitor);
		monitor->stop_tick = event_new(monitor->base, -1, EV_PERSIST, on_stop_tick, monitor);
	}
	if (monitor->http == NULL || monitor->step == NULL || monitor->beat == NULL || monitor->stop_tick == NULL) {
		log_fatal("out of memory");
	}
	libevent_limit = &monitor->complaints;
	event_set_log_callback(on_libevent);
}

static void monitor_clear(struct monitor *monitor)
{
	http_free(monitor->http);
	event_free(monitor->step);
	event_free(monitor->beat);
	event_free(monitor->stop_tick);
	model_free(monitor->model, NULL);
}

int main(void)
{
	static const struct role_ops ops = { .prepare = on_prepare, .commit = on_commit, .abort = on_abort,
					     .role_facts = on_role_facts, .appliance_facts = on_appliance_facts,
					     .stop = on_stop };
	static const struct timeval step = { .tv_sec = RATES_STEP_SEC };
	static const struct timeval beat = { .tv_sec = STATS_BEAT_MS / 1000 };
	static struct monitor monitor; /* large: rates */
	struct sandbox_state walls;

	sandbox_begin(&sandbox_monitor);
	warm_up();
	monitor_init(&monitor);
	sandbox_enter(&sandbox_monitor, &walls);

	struct ipc_hello hello = {
		.walls = walls.walls, .uid = walls.uid, .gid = walls.gid, .syscalls = (uint16_t)walls.syscalls
	};
	struct role_link *link = role_link_new(monitor.base, ROLE_MONITOR, &hello, &monitor.stats, &ops, &monitor);
	if (link == NULL) {
		log_fatal("control link: out of memory");
	}
	if (event_add(monitor.step, &step) != 0 || event_add(monitor.beat, &beat) != 0 ||
	    event_base_dispatch(monitor.base) < 0) {
		log_fatal("event loop failed");
	}
	monitor_clear(&monitor);
	role_link_free(link);
	event_base_free(monitor.base);
	return 0;
}
