/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/rolelog.h"

#include "common/util/log.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct event_base *base;
static struct rolelog *role_log;
static int pipe_fds[2];

static void setup(void)
{
	base = event_base_new();
	cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC), 0);
	role_log = rolelog_new(base, pipe_fds[0], "test/0");
	cr_assert_not_null(role_log);
}

static void teardown(void)
{
	rolelog_free(role_log);
	close(pipe_fds[1]);
	event_base_free(base);
}

TestSuite(rolelog, .init = setup, .fini = teardown);

/* Lines that the pipe takes while everything that wants to be read is. */
static unsigned flood(unsigned most)
{
	unsigned lines = 0;
	for (unsigned stuck = 0; lines < most && stuck < 100;) {
		if (write(pipe_fds[1], "a line\n", 7) == 7) {
			lines++;
			stuck = 0;
		} else {
			(void)event_base_loop(base, EVLOOP_NONBLOCK);
			stuck++;
		}
	}
	return lines;
}

Test(rolelog, a_flood_is_not_read_before_the_second_is_over)
{
	const unsigned many = 20 * ROLELOG_FLOOD;
	cr_assert_lt(flood(many), many);
	sleep(1);
	usleep(100000);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_assert_gt(flood(many), ROLELOG_FLOOD / 2, "and then it is");
}

Test(rolelog, a_burst_is_read_at_once)
{
	cr_assert_eq(flood(2000), 2000);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_assert_eq(flood(2000), 2000);
}
