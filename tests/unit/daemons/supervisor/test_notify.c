/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/notify.h"

#include "common/util/clock.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF 4711

/* The service manager's end of the socket, under an abstract name. */
static int manager;

static void listen_as_manager(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char text[sizeof(name.sun_path)];

	snprintf(text, sizeof(text), "@bulkhead-test-notify-%d", (int)getpid());
	memcpy(name.sun_path + 1, text + 1, strlen(text) - 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(manager, (struct sockaddr *)&name,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text))),
		     0);
	setenv("NOTIFY_SOCKET", text, 1);
}

/* The next datagram, "" when there is none. */
static const char *told(void)
{
	static char text[1024];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

Test(notify, a_reload_is_told_with_a_time_that_is_not_before_it)
{
	listen_as_manager();
	for (int i = 0; i < 50; i++) {
		uint64_t usec, before = clock_now_us();
		notify_reloading();
		uint64_t after = clock_now_us();
		cr_assert_eq(sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
		cr_assert(usec >= before && usec <= after, "%" PRIu64 " is not in %" PRIu64 "..%" PRIu64, usec, before,
			  after);
	}
}

/* Its queue is full for a moment. */
Test(notify, a_manager_that_is_busy_is_told_all_the_same)
{
	listen_as_manager();
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	int filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(getsockname(manager, (struct sockaddr *)&name, &len), 0);
	unsigned count = 0;
	while (count < 100000 && sendto(filler, "x", 1, 0, (struct sockaddr *)&name, len) == 1) {
		count++;
	}
	cr_assert(errno == EAGAIN && count > 0);
	pid_t reader = fork();
	if (reader == 0) {
		usleep(100000);
		_exit(strcmp(told(), "x") != 0);
	}
	notify("READY=1");
	int status;
	cr_assert(waitpid(reader, &status, 0) == reader && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (; count > 1; count--) {
		cr_assert_str_eq(told(), "x");
	}
	cr_assert_str_eq(told(), "READY=1");
}

/* It reads no more: it is waited for once, and as soon as it reads again it is told. */
Test(notify, a_manager_that_reads_no_more_is_not_waited_for_each_time)
{
	listen_as_manager();
	uint64_t begin_ms = clock_now_ms();
	for (unsigned i = 0; i < 5000; i++) {
		notify("WATCHDOG=1"); /* more than any queue holds */
	}
	cr_assert_lt(clock_now_ms() - begin_ms, 60000u);
	while (told()[0] != '\0') {
	}
	notify("READY=1");
	cr_assert_str_eq(told(), "READY=1");
}

Test(notify, without_a_manager_nothing_is_told)
{
	listen_as_manager();
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	cr_assert_str_eq(told(), "");
}

Test(notify, the_journal_is_known_by_device_and_inode)
{
	int fds[2];
	struct stat st;
	char stream[64];
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(fstat(fds[1], &st), 0);

	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	cr_assert(notify_is_journal(fds[1], stream));
	cr_assert_not(notify_is_journal(fds[1], NULL), "not started by a manager");
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	cr_assert_not(notify_is_journal(null, stream), "redirected");
	cr_assert_not(notify_is_journal(-1, stream));

	static const struct {
		const char *before, *between, *after;
	} faults[] = { { "", "", "" },	 { " ", ":", "" }, { "", ":-", "" },
		       { "", " ", "" },	 { "", ":", " " }, { "", ":", ":1" } };
	for (size_t i = 0; i < COUNT(faults); i++) {
		snprintf(stream, sizeof(stream), "%s%ju%s%ju%s", faults[i].before, (uintmax_t)st.st_dev, faults[i].between,
			 (uintmax_t)st.st_ino, faults[i].after);
		cr_assert_not(notify_is_journal(fds[1], stream), "'%s'", stream);
	}
	cr_assert_not(notify_is_journal(fds[1], ""));
}

Test(notify, watchdog_interval_of_the_environment)
{
	static const struct {
		const char *usec;
		const char *pid;
		int rc;
		uint64_t interval;
	} cases[] = {
		{ NULL, NULL, BH_OK, 0 },
		{ NULL, "4711", BH_OK, 0 },
		{ "60000000", "4711", BH_OK, 60000000 },
		{ "60000000", NULL, BH_OK, 60000000 },
		{ "60000000", "4712", BH_OK, 0 }, /* meant for another process */
		{ "10000", "4711", BH_OK, 10000 },
		{ "9999", "4711", BH_EMALFORMED, 0 },
		{ "0", "4711", BH_EMALFORMED, 0 },
		{ "", "4711", BH_EMALFORMED, 0 },
		{ "-1", "4711", BH_EMALFORMED, 0 },
		{ "60000000s", "4711", BH_EMALFORMED, 0 },
		{ "99999999999999999999", "4711", BH_EMALFORMED, 0 },
		{ "18446744073709551615", "4711", BH_EMALFORMED, 0 },
		{ "60000000", "", BH_EMALFORMED, 0 },
		{ "60000000", "47x", BH_EMALFORMED, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t got = 1;
		cr_expect_eq(notify_watchdog_interval(cases[i].usec, cases[i].pid, SELF, &got), cases[i].rc, "case %zu", i);
		cr_expect_eq(got, cases[i].rc == BH_OK ? cases[i].interval : 1, "case %zu: %" PRIu64, i, got);
	}
}

Test(notify, signs_of_life_come_from_the_loop_and_only_from_there)
{
	struct event_base *base = event_base_new();
	struct event *watchdog = NULL;
	const struct timeval second = { .tv_sec = 1 };
	listen_as_manager();
	setenv("WATCHDOG_USEC", "400000", 1);
	unsetenv("WATCHDOG_PID");

	cr_assert_eq(notify_watchdog_start(base, &watchdog), BH_OK);
	cr_assert_not_null(watchdog);
	usleep(500000); /* a loop that does not turn */
	cr_assert_str_eq(told(), "");

	unsigned signs = 0;
	cr_assert_eq(event_base_loopexit(base, &second), 0);
	cr_assert_eq(event_base_dispatch(base), 0);
	while (strcmp(told(), "WATCHDOG=1") == 0) {
		signs++;
	}
	cr_assert(signs >= 2 && signs <= 8, "%u signs in a second, the interval being 400 ms", signs);
	event_free(watchdog);

	/* The first one does not wait for half the interval. */
	setenv("WATCHDOG_USEC", "60000000", 1);
	cr_assert_eq(notify_watchdog_start(base, &watchdog), BH_OK);
	cr_assert_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	cr_assert_str_eq(told(), "WATCHDOG=1");
	cr_assert_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	cr_assert_str_eq(told(), "");
	event_free(watchdog);
	watchdog = NULL;

	setenv("WATCHDOG_PID", "1", 1);
	cr_assert_eq(notify_watchdog_start(base, &watchdog), BH_OK);
	cr_assert_null(watchdog);
	event_base_free(base);
}

/* The next one comes soon; a loop that waits for the manager does nothing else. */
Test(notify, a_sign_of_life_waits_for_nobody)
{
	struct event_base *base = event_base_new();
	struct event *watchdog = NULL;
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	listen_as_manager();
	int filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(getsockname(manager, (struct sockaddr *)&name, &len), 0);
	for (unsigned i = 0; i < 100000 && sendto(filler, "x", 1, 0, (struct sockaddr *)&name, len) == 1; i++) {
	}
	setenv("WATCHDOG_USEC", "60000000", 1);
	unsetenv("WATCHDOG_PID");
	uint64_t begun_ms = clock_now_ms();
	cr_assert_eq(notify_watchdog_start(base, &watchdog), BH_OK);
	cr_assert_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	cr_assert_lt(clock_now_ms() - begun_ms, 1000);
	event_free(watchdog);
	event_base_free(base);
	close(filler);
}
