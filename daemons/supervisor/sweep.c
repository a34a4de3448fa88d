/*
 * When all histories are looked at. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/sweep.h"

#include "common/util/log.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/supervisor.h"
#include "daemons/supervisor/takeover.h"

#include <event2/event.h>
#include <stdlib.h>

#define FIRST_SEC 60 /* the start has more important things to do */
#define AGAIN_SEC 86400

struct sweeper {
	struct supervisor *sup;
	struct event *turn;
};

static void go_on(struct sweeper *sweeper, long sec)
{
	const struct timeval pause = { .tv_sec = sec };
	if (event_add(sweeper->turn, &pause) != 0) {
		log_fatal("out of memory");
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct sweeper *sweeper = arg;
	const struct config *config = sweeper->sup->current.config;
	(void)fd;
	(void)what;
	if (config == NULL || takeover_running(sweeper->sup)) {
		go_on(sweeper, FIRST_SEC); /* it still starts, or what stands for the configuration knows no policy */
		return;
	}
	saver_sweep(sweeper->sup->saver);
	go_on(sweeper, AGAIN_SEC);
}

struct sweeper *sweep_start(struct supervisor *sup)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	if (sweeper == NULL) {
		return NULL;
	}
	sweeper->sup = sup;
	sweeper->turn = event_new(sup->base, -1, 0, on_turn, sweeper);
	if (sweeper->turn == NULL) {
		free(sweeper);
		return NULL;
	}
	go_on(sweeper, FIRST_SEC);
	return sweeper;
}

void sweep_end(struct sweeper *sweeper)
{
	if (sweeper == NULL) {
		return;
	}
	event_free(sweeper->turn);
	free(sweeper);
}
