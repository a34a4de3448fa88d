/*
 * Looking at all histories. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/sweep.h"

#include "common/util/clock.h"
#include "daemons/supervisor/history.h"
#include "daemons/supervisor/supervisor.h"
#include "daemons/supervisor/takeover.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_SEC 60 /* the start has more important things to do */
#define AGAIN_SEC 86400
/* Names looked at in one turn: a millisecond or two. */
#define TURN_NAMES 64

struct sweeper {
	struct supervisor *sup;
	struct event *turn;
	unsigned view; /* of the configuration that is in service */
	DIR *dir;      /* its folder, NULL: not opened yet */
	unsigned removed;
};

/* One name of the folder; false: there is none any more. */
static bool look_at_next(struct sweeper *sweeper, const struct history_policy *policy)
{
	uint8_t zone[DNAME_MAX];
	const struct dirent *entry = readdir(sweeper->dir);
	if (entry == NULL) {
		return false;
	}
	if (history_name_parse(entry->d_name, zone)) {
		int fd = dirfd(sweeper->dir);
		sweeper->removed += history_prune(fd, entry->d_name, history_served(fd, zone), policy, clock_wall_sec());
	}
	return true;
}

static void open_next_view(struct sweeper *sweeper, const struct config *config)
{
	while (sweeper->dir == NULL && sweeper->view < config->view_count) {
		int fd = history_open_view(config->state_dir, config->views[sweeper->view++].name);
		sweeper->dir = fd < 0 ? NULL : fdopendir(fd); /* NULL: nothing was ever saved there, or it is not ours */
		if (fd >= 0 && sweeper->dir == NULL) {
			close(fd);
		}
	}
}

static void go_on(struct sweeper *sweeper, long sec, long usec)
{
	const struct timeval pause = { .tv_sec = sec, .tv_usec = usec };
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
		go_on(sweeper, FIRST_SEC, 0); /* it still starts, or what stands for the configuration knows no policy */
		return;
	}
	const struct history_policy policy = { .count = config->history_count,
					       .age_sec = (uint64_t)config->history_days * 86400 };
	open_next_view(sweeper, config);
	for (unsigned i = 0; i < TURN_NAMES && sweeper->dir != NULL; i++) {
		if (!look_at_next(sweeper, &policy)) {
			closedir(sweeper->dir);
			sweeper->dir = NULL;
		}
	}
	if (sweeper->dir != NULL || sweeper->view < config->view_count) {
		go_on(sweeper, 0, 5000);
		return;
	}
	if (sweeper->removed > 0) {
		log_info("old generations of zones removed count=%u", sweeper->removed);
	}
	sweeper->removed = 0;
	sweeper->view = 0;
	go_on(sweeper, AGAIN_SEC, 0);
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
	go_on(sweeper, FIRST_SEC, 0);
	return sweeper;
}

void sweep_end(struct sweeper *sweeper)
{
	if (sweeper == NULL) {
		return;
	}
	if (sweeper->dir != NULL) {
		closedir(sweeper->dir);
	}
	event_free(sweeper->turn);
	free(sweeper);
}
