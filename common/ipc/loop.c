/*
 * How libevent is set up here. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/loop.h"

#include <event2/event.h>
#include <stddef.h>

/*
 * Without a list of changes for epoll, which libevent offers: fewer system calls to allow. EVENT_NOEPOLL and its like
 * in the environment would have it make calls that no role is allowed.
 */
#define FLAGS (EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV)

struct event_base *loop_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;
	if (config == NULL) {
		return NULL;
	}
	if (event_config_set_flag(config, FLAGS) == 0) {
		base = event_base_new_with_config(config);
	}
	event_config_free(config);
	return base;
}
