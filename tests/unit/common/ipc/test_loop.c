/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/loop.h"

#include "common/util/count.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdlib.h>

/* Roles may make the calls of epoll and no others, whatever stands in the environment of who starts them. */
Test(loop, looks_at_no_environment)
{
	static const char *const names[] = { "EVENT_NOEPOLL", "EVENT_EPOLL_USE_CHANGELIST", "EVENT_PRECISE_TIMER" };
	for (size_t i = 0; i < COUNT(names); i++) {
		cr_assert_eq(setenv(names[i], "1", 1), 0);
	}
	struct event_base *base = loop_new();
	cr_assert_not_null(base);
	cr_expect_str_eq(event_base_get_method(base), "epoll");
	event_base_free(base);
}
