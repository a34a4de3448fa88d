/*
 * A disk that hangs under the state directory holds up the process that writes there, and nothing else: queries are
 * answered, reloads and rollbacks done, the service manager hears signs of life, a stop and its end come in time; and when
 * the disk is back, every generation has its place in the history.
 *
 * The disk hangs in two ways: the test holds the lock of a view's folder, so that the writer waits for as long as the test
 * likes; and, where the machine has loop devices, a file system that is really frozen, so that the writer is in
 * uninterruptible sleep.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAVED_MS 5000
#define WATCHDOG_MS 400
/* As long as a writer may give no sign of life before that is told (saver.h), and a little more. */
#define STUCK_MS 13000
/* What a stop or an upgrade waits for it (saver.h), and what they take besides. */
#define PATIENCE_MS 5000

static struct appliance appliance;
static char state_dir[64]; /* "": below the folder of the appliance */

static void configure(void)
{
	static char conf[2048];
	snprintf(conf, sizeof(conf),
		 "appliance { workers = 1 run-dir = \"@DIR@/run\" state-dir = \"%s\" log-level = \"debug\" }\n"
		 "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		 "  rate-limit { mode = \"off\" }\n  zone \"a.example\" { file = \"a\" }\n}\n",
		 state_dir[0] == '\0' ? "@DIR@/state" : state_dir);
	appliance_configure(&appliance, conf);
}

static void write_a(unsigned serial)
{
	char text[1024];
	snprintf(text, sizeof(text),
		 "$ORIGIN a.example.\n$TTL 300\n@ SOA ns hostmaster %u 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"
		 "www A 10.1.2.%u\n",
		 serial, serial);
	appliance_file(&appliance, "internal/a", text);
}

static void must_serve(unsigned serial)
{
	char text[64];
	struct ask ask = { .server = INTERNAL, .name = "www.a.example" };
	snprintf(text, sizeof(text), "www.a.example. A 10.1.2.%u", serial);
	client_expect_ask(&ask, "NOERROR aa", text, EDE_NONE);
}

static void prepare(void)
{
	state_dir[0] = '\0';
	standard_prepare(&appliance, 120);
	configure();
	write_a(1);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(saving, .init = prepare, .fini = stop, .timeout = 130);

/* --- what is on disk -------------------------------------------------------------------------------------- */

static bool is_saved(void *ctx)
{
	(void)ctx;
	return appliance_writer(&appliance) == 0 &&
	       strstr(appliance_control(&appliance, "zone history a.example")->done.text, "not written yet") == NULL;
}

/* Serials from the newest on, once all is written. */
static void must_have(const char *wanted, unsigned limit_ms)
{
	char text[256] = "";
	size_t used = 0;
	unsigned from = 0;
	const struct ctl_row *row;
	MUST(harness_until(is_saved, NULL, limit_ms), "not all is written");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone history a.example");
	while ((row = answer_next(answer, "generation", &from)) != NULL && used < sizeof(text)) {
		MUST(strcmp(row_text(row, "state"), "unusable") != 0, "generation %u is of no use",
		     (unsigned)row_number(row, "number"));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used > 0 ? " " : "",
					 (unsigned)row_number(row, "serial"));
	}
	MUST(strcmp(text, wanted) == 0, "history \"%s\" instead of \"%s\"", text, wanted);
}

static void reload_with(unsigned serial)
{
	write_a(serial);
	appliance_reload(&appliance);
	must_serve(serial);
}

/* --- a disk that hangs ------------------------------------------------------------------------------------ */

static int hold(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/state/internal", appliance.dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(fd >= 0 && flock(fd, LOCK_EX) == 0, "%s: %s", path, strerror(errno));
	return fd;
}

static bool has_writer(void *ctx)
{
	pid_t *pid = ctx;
	*pid = appliance_writer(&appliance);
	return *pid != 0;
}

static pid_t must_have_writer(void)
{
	pid_t pid = 0;
	MUST(harness_until(has_writer, &pid, 2000), "nothing is being written");
	return pid;
}

/* Signs of life in so many milliseconds, in which nothing else is told. */
static unsigned signs(unsigned window_ms)
{
	unsigned count = 0;
	uint64_t end = clock_now_ms() + window_ms;
	for (uint64_t now = clock_now_ms(); now < end; now = clock_now_ms()) {
		char text[1024];
		struct pollfd p = { .fd = appliance.notify, .events = POLLIN };
		ssize_t n = poll(&p, 1, (int)(end - now)) > 0 ? recv(appliance.notify, text, sizeof(text) - 1, 0) : 0;
		text[n > 0 ? n : 0] = '\0';
		count += strcmp(text, "WATCHDOG=1") == 0;
	}
	return count;
}

static void must_be_alive(void)
{
	(void)signs(1); /* what was sent before */
	unsigned count = signs(2000);
	MUST(count >= 2000 / WATCHDOG_MS, "%u signs of life in two seconds", count);
}

static const struct ctl_row *appliance_row(void)
{
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(&appliance, "status"), "appliance", &from);
	MUST(row != NULL, "status tells nothing");
	return row;
}

static void must_tell_that_it_is_stuck(pid_t writer)
{
	char text[64];
	char output[APPLIANCE_OUTPUT_MAX];
	snprintf(text, sizeof(text), "from the process that does it pid=%d", (int)writer);
	MUST(appliance_log_wait(&appliance, text, STUCK_MS), "the log does not say that writing is stuck");
	MUST(row_number(appliance_row(), "saving_stuck_sec") >= 10, "status does not say for how long");
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	MUST(answer->done.status == 1 && strstr(answer->done.text, "not being written") != NULL, "status: %u %s",
	     answer->done.status, answer->done.text);
	int status = appliance_bulkheadctl(&appliance, "status", output);
	MUST(status == 1 && strstr(output, "! images and histories are not being written") != NULL, "status: %d %s", status,
	     output);
}

static unsigned times_logged(const char *text)
{
	unsigned count = 0;
	char *log = harness_read(appliance.log);
	for (const char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++) {
		count++;
	}
	free(log);
	return count;
}

static void start_watched(void)
{
	char interval[32];
	snprintf(interval, sizeof(interval), "%u", WATCHDOG_MS * 1000);
	setenv("WATCHDOG_USEC", interval, 1);
	appliance_start(&appliance);
	must_have("1", SAVED_MS);
	reload_with(2);
	must_have("2 1", SAVED_MS);
}

/* --- tests ------------------------------------------------------------------------------------------------ */

Test(saving, all_goes_on_while_the_writer_waits)
{
	start_watched();
	int lock = hold();
	reload_with(3);
	pid_t writer = must_have_writer();
	MUST(kill(writer, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
	must_be_alive();
	reload_with(4);
	const struct ctl_answer *answer = appliance_control(&appliance, "zone rollback a.example 1");
	MUST(answer->done.status <= 1, "rollback: %u %s", answer->done.status, answer->done.text);
	must_serve(1);
	reload_with(5);
	answer = appliance_control(&appliance, "zone history a.example");
	MUST(strstr(answer->done.text, "2 generations; what is served now is not written yet") != NULL, "%s", answer->done.text);
	must_tell_that_it_is_stuck(writer);
	must_be_alive();
	reload_with(6);
	MUST(appliance_writer(&appliance) == writer, "there is another writer");
	MUST(times_logged("are not being written") == 1, "the same was told twice");
	MUST(kill(writer, SIGCONT) == 0, "SIGCONT: %s", strerror(errno));
	close(lock);
	must_have("6 5 1 4 3 2 1", SAVED_MS);
	MUST(appliance_logged(&appliance, "zone images are written again"), "the log does not say that it goes on");
	MUST(!row_has(appliance_row(), "saving_stuck_sec"), "status says that it is stuck");
}

Test(saving, a_writer_that_is_killed_costs_nothing)
{
	start_watched();
	int lock = hold();
	reload_with(3);
	pid_t writer = must_have_writer();
	reload_with(4);
	MUST(kill(writer, SIGKILL) == 0, "SIGKILL: %s", strerror(errno));
	MUST(appliance_log_wait(&appliance, "ended by signal 9", 2000), "its end is not told");
	must_be_alive();
	MUST(appliance_writer(&appliance) == 0, "a new writer comes without a pause");
	harness_sleep_ms(3500);
	MUST(must_have_writer() != writer, "it is still there");
	close(lock);
	must_have("4 3 2 1", SAVED_MS);
}

/* Whenever it is killed, and the supervisor with it: what is found then is whole, and what was in service is saved. */
Test(saving, the_supervisor_may_be_killed_at_any_moment)
{
	for (unsigned i = 0; i < 8; i++) {
		appliance_start(&appliance);
		must_serve(1 + i);
		write_a(2 + i);
		MUST(kill(appliance.pid, SIGHUP) == 0, "SIGHUP: %s", strerror(errno));
		MUST(appliance_log_wait(&appliance, i % 2 == 0 ? "generation=2" : "zone images saved", SAVED_MS), "no reload");
		harness_sleep_ms(i);
		pid_t writer = appliance_writer(&appliance);
		MUST(kill(appliance.pid, SIGKILL) == 0, "SIGKILL: %s", strerror(errno));
		harness_wait(appliance.pid, SAVED_MS);
		appliance.pid = 0;
		for (unsigned ms = 0; ms < 2000 && writer != 0 && harness_alive(writer); ms += 10) {
			harness_sleep_ms(10);
		}
		MUST(writer == 0 || !harness_alive(writer), "the writer outlived its supervisor");
		unlink(appliance.log);
	}
	appliance_start(&appliance);
	must_serve(9);
	const struct ctl_answer *answer = appliance_control(&appliance, "zone history a.example");
	MUST(answer->done.status == 0, "%s", answer->done.text);
}

Test(saving, a_stop_does_not_wait_for_a_writer_that_is_stopped)
{
	start_watched();
	int lock = hold();
	reload_with(3);
	pid_t writer = must_have_writer();
	MUST(kill(writer, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
	uint64_t begun_ms = clock_now_ms();
	appliance_stop(&appliance); /* exit status 0, and no process is left */
	uint64_t took_ms = clock_now_ms() - begun_ms;
	MUST(took_ms >= PATIENCE_MS - 1000 && took_ms < PATIENCE_MS + 4000, "the stop took %u ms", (unsigned)took_ms);
	MUST(appliance_logged(&appliance, "the process that writes them was killed"), "the log says nothing of it");
	close(lock);
	appliance_start(&appliance);
	must_serve(3);
	must_have("3 2 1", SAVED_MS);
}

/* What waits at a stop is written when the disk lets it. */
Test(saving, a_stop_waits_for_what_is_not_written)
{
	start_watched();
	int lock = hold();
	reload_with(3);
	(void)must_have_writer();
	reload_with(4);
	MUST(kill(appliance.pid, SIGTERM) == 0, "SIGTERM: %s", strerror(errno));
	harness_sleep_ms(1000);
	MUST(harness_alive(appliance.pid), "it did not wait");
	close(lock);
	appliance_stop(&appliance);
	appliance_start(&appliance);
	must_have("4 3 2 1", SAVED_MS); /* without 3 if what waited was lost */
}

/* --- a file system that is frozen --------------------------------------------------------------------------- */

static char file_system[64]; /* a folder: the image, and where it is mounted */

/* A guard thaws it when the test dies: nobody could ever end what waits there. */
static pid_t guard(int mounted, const int alive[2])
{
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		char octet;
		setsid();
		close(alive[1]);
		while (read(alive[0], &octet, 1) < 0 && errno == EINTR) {
		}
		(void)ioctl(mounted, FITHAW, 0);
		_exit(0);
	}
	return pid;
}

/* NULL, or why there is none. The mount is in a namespace of this process and goes with it. */
static const char *mount_file_system(int *mounted)
{
	static char script[512];
	char *argv[] = { "sh", "-c", script, NULL };
	if (!harness_has_program("mkfs.ext4")) {
		return "there is no mkfs.ext4";
	}
	MUST(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "namespace: %s",
	     strerror(errno));
	harness_make_directory(file_system);
	snprintf(script, sizeof(script),
		 "cd %s && truncate -s 16M image && mkfs.ext4 -q image && mkdir mounted && mount -o loop image mounted",
		 file_system);
	if (harness_run(argv, NULL, 20000) != 0) {
		harness_remove_directory(file_system);
		return "no file system can be mounted from a loop device";
	}
	snprintf(state_dir, sizeof(state_dir), "%.40s/mounted", file_system);
	*mounted = open(state_dir, O_RDONLY | O_DIRECTORY);
	MUST(*mounted >= 0, "%s: %s", state_dir, strerror(errno));
	return NULL;
}

static bool is_gone(void *ctx)
{
	const pid_t *pid = ctx;
	char state[64];
	return !harness_proc_status(*pid, "State", state, sizeof(state)) || state[0] == 'Z';
}

/* The appliance is stopped; the guard has thawed what was frozen. */
static void unmount_file_system(int mounted)
{
	close(mounted);
	MUST(umount(state_dir) == 0, "umount: %s", strerror(errno));
	harness_remove_directory(file_system);
}

Test(saving, all_goes_on_while_the_file_system_is_frozen)
{
	int mounted;
	int alive[2];
	const char *why = mount_file_system(&mounted);
	if (why != NULL) {
		printf("SKIPPED: saving, a frozen file system: %s\n", why); /* tests/totals counts the line, Criterion says nothing */
		fflush(stdout);
		cr_skip_test();
	}
	MUST(pipe2(alive, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
	configure();
	start_watched();
	pid_t guarding = guard(mounted, alive);
	MUST(ioctl(mounted, FIFREEZE, 0) == 0, "FIFREEZE: %s", strerror(errno));
	reload_with(3);
	pid_t writer = must_have_writer();
	must_be_alive();
	reload_with(4);
	must_tell_that_it_is_stuck(writer);
	must_be_alive();
	/* Who would read there would hang too. */
	static const char *const commands[] = { "zone history a.example", "zone rollback a.example 1", "zone dump a.example" };
	for (size_t i = 0; i < COUNT(commands); i++) {
		const struct ctl_answer *answer = appliance_control(&appliance, commands[i]);
		MUST(answer->done.status == 2 && strstr(answer->done.text, "histories cannot be read: the disk") != NULL,
		     "%s: %u %s", commands[i], answer->done.status, answer->done.text);
	}
	reload_with(5);
	must_be_alive();
	MUST(ioctl(mounted, FITHAW, 0) == 0, "FITHAW: %s", strerror(errno));
	must_have("5 4 3 2 1", SAVED_MS);

	/* A stop leaves a process behind that nobody can end, until the disk is back. */
	MUST(ioctl(mounted, FIFREEZE, 0) == 0, "FIFREEZE: %s", strerror(errno));
	reload_with(6);
	writer = must_have_writer();
	MUST(kill(appliance.pid, SIGTERM) == 0, "SIGTERM: %s", strerror(errno));
	MUST(harness_wait(appliance.pid, PATIENCE_MS + 4000) == 0, "it does not stop");
	appliance.pid = 0;
	MUST(appliance_logged(&appliance, "hangs in the disk and is left behind"), "the log says nothing of it");
	MUST(!is_gone(&writer), "the file system was not frozen");
	MUST(ioctl(mounted, FITHAW, 0) == 0, "FITHAW: %s", strerror(errno));
	MUST(harness_until(is_gone, &writer, 5000), "it goes on");
	appliance_start(&appliance);
	must_serve(6);
	must_have("6 5 4 3 2 1", SAVED_MS);
	appliance_stop(&appliance);
	close(alive[1]);
	MUST(harness_wait(guarding, 5000) == 0, "the guard does not end");
	unmount_file_system(mounted);
}
