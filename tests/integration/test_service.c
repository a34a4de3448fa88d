/*
 * What a service manager sees: signs of life, reloads, and log lines with their level for the journal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define WAIT_MS 10000

static struct appliance appliance;

static void prepare(void)
{
	standard_prepare(&appliance, 60);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(service, .init = prepare, .fini = stop);

/* The next datagram within limit_ms, "" when there is none. */
static const char *told(unsigned limit_ms)
{
	static char text[1024];
	struct pollfd p = { .fd = appliance.notify, .events = POLLIN };
	ssize_t n = poll(&p, 1, (int)limit_ms) > 0 ? recv(appliance.notify, text, sizeof(text) - 1, 0) : 0;
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Signs of life in so many milliseconds. */
static unsigned signs(unsigned window_ms)
{
	unsigned count = 0;
	uint64_t end = clock_now_ms() + window_ms;
	for (uint64_t now = clock_now_ms(); now < end; now = clock_now_ms()) {
		count += strcmp(told((unsigned)(end - now)), "WATCHDOG=1") == 0;
	}
	return count;
}

Test(service, signs_of_life_end_while_the_supervisor_hangs)
{
	setenv("WATCHDOG_USEC", "400000", 1);
	appliance_start(&appliance);
	MUST(signs(2000) >= 4, "an interval of 400 ms passed without a sign");

	MUST(kill(appliance.pid, SIGSTOP) == 0, "SIGSTOP");
	harness_sleep_ms(50);
	(void)signs(1); /* what was sent before */
	MUST(signs(1000) == 0, "a process that is stopped cannot be alive");
	MUST(kill(appliance.pid, SIGCONT) == 0, "SIGCONT");
	MUST(signs(2000) >= 4, "signs of life did not come back");
}

Test(service, no_signs_of_life_where_nobody_watches)
{
	setenv("WATCHDOG_USEC", "400000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	appliance_start(&appliance);
	MUST(signs(1000) == 0, "the watchdog of another process was fed");
}

/* RELOADING=1 with a time after `since` and then, with nothing between them, READY=1 with this status. */
static void must_tell_reload(uint64_t since, const char *status)
{
	uint64_t usec = 0;
	const char *text = told(WAIT_MS);
	MUST(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec) == 1, "not the begin of a reload: '%s'", text);
	MUST(usec >= since && usec <= clock_now_us(), "%" PRIu64 " is not the time of this reload, begun after %" PRIu64,
	     usec, since);
	text = told(WAIT_MS);
	MUST(strncmp(text, "READY=1\n", 8) == 0 && strstr(text, status) != NULL, "not the end of a reload: '%s'", text);
}

Test(service, a_reload_is_told_from_begin_to_end_also_when_it_fails)
{
	appliance_start(&appliance);
	uint64_t since = clock_now_us();
	MUST(kill(appliance.pid, SIGHUP) == 0, "SIGHUP");
	must_tell_reload(since, "STATUS=generation 2 is in service");

	appliance_configure(&appliance, CONF_HERE "nonsense { }\n");
	since = clock_now_us();
	MUST(kill(appliance.pid, SIGHUP) == 0, "SIGHUP");
	must_tell_reload(since, "STATUS=reload failed, generation 2 stays in service");
}

/* A log file, and the variable that says: this is the journal. */
static void make_journal(unsigned long inode_offset)
{
	struct stat st;
	char stream[64];
	harness_write(appliance.dir, "log", "");
	MUST(stat(appliance.log, &st) == 0, "%s", appliance.log);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + inode_offset);
	setenv("JOURNAL_STREAM", stream, 1);
}

/* Lines of the log that begin with "<N>", and those that do not. */
static void count_lines(unsigned *with, unsigned *without)
{
	char *text = harness_read(appliance.log);
	MUST(text != NULL, "no log");
	*with = *without = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
		bool level = line[0] == '<' && line[1] >= '3' && line[1] <= '7' && line[2] == '>';
		*with += level;
		*without += !level;
	}
	free(text);
}

Test(service, every_line_in_the_journal_has_its_level)
{
	unsigned with, without;
	make_journal(0);
	appliance_start(&appliance);
	appliance_file(&appliance, "internal/corp.example.zone", "not a zone\n");
	(void)appliance_control(&appliance, "reload");
	struct role_process role = appliance_role(&appliance, "resolver", "", 0);
	MUST(kill(role.pid, SIGKILL) == 0, "SIGKILL");
	MUST(appliance_wait_restarted(&appliance, &role, WAIT_MS) >= 0, "the resolver did not come back");
	appliance_stop(&appliance);

	count_lines(&with, &without);
	MUST(with > 10 && without == 0, "%u lines with a level, %u without", with, without);
	MUST(appliance_logged(&appliance, "<6>started "), "the supervisor's own lines");
	MUST(appliance_logged(&appliance, "<6>resolver"), "lines of a role");
	MUST(appliance_logged(&appliance, "<3>") || appliance_logged(&appliance, "<4>"), "that something was wrong");
}

Test(service, errors_of_the_configuration_have_their_level_at_the_start_too)
{
	char output[APPLIANCE_OUTPUT_MAX];
	unsigned with, without;
	appliance_configure(&appliance, CONF_HERE "nonsense { }\n");
	MUST(appliance_try(&appliance, NULL, output) == 1 && strstr(output, "<") != output, "a person reads: %s", output);
	make_journal(0);
	appliance_launch(&appliance);
	MUST(harness_wait(appliance.pid, WAIT_MS) == 1, "started with nonsense");
	appliance.pid = 0;
	count_lines(&with, &without);
	MUST(with > 0 && without == 0, "%u lines with a level, %u without", with, without);
}

Test(service, a_log_that_is_not_the_journal_has_no_levels)
{
	unsigned with, without;
	make_journal(1); /* as left behind by a redirection */
	appliance_start(&appliance);
	appliance_stop(&appliance);
	count_lines(&with, &without);
	MUST(with == 0 && without > 5, "%u lines with a level, %u without", with, without);
}
