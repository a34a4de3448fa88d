/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "common/util/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static void open_pipe(int prefixed)
{
	cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_set_fd(ends[1], prefixed);
	log_set_level(LOG_LEVEL_INFO);
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char text[8192];
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

Test(log, one_line_per_event_with_its_level)
{
	open_pipe(1);
	log_err("role=%s gone", "resolver");
	cr_assert_str_eq(logged(), "<3>role=resolver gone\n");
	log_warn("w");
	cr_assert_str_eq(logged(), "<4>w\n");
	log_info("i");
	cr_assert_str_eq(logged(), "<6>i\n");
	log_debug("d");
	cr_assert_str_eq(logged(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("d");
	cr_assert_str_eq(logged(), "<7>d\n");
	log_set_level(LOG_LEVEL_ERR);
	log_warn("w");
	cr_assert_str_eq(logged(), "");
	log_set_fd(ends[1], 0);
	log_err("for a person");
	cr_assert_str_eq(logged(), "error: for a person\n");
	log_set_level(LOG_LEVEL_INFO);
	log_warn("for a person");
	log_info("for a person");
	cr_assert_str_eq(logged(), "warning: for a person\nfor a person\n");
}

Test(log, nothing_of_a_stranger_reaches_the_terminal)
{
	open_pipe(0);
	log_info("name=%s", "a\nb\r\x1b[2J\x7f\xff\t\"\\");
	cr_assert_str_eq(logged(), "name=a\\010b\\013\\027[2J\\127\\255\\009\"\\\n");
}

Test(log, keeps_errno_and_formats_it)
{
	open_pipe(0);
	errno = ENOENT;
	log_info("x: %m");
	cr_assert_eq(errno, ENOENT);
	cr_assert_str_eq(logged(), "x: No such file or directory\n");
}

Test(log, long_lines_are_cut_and_say_so)
{
	/* Printable text of every length around the limit, and text that grows when it is escaped. */
	static char text[LOG_LINE_MAX * 2];
	for (int prefixed = 0; prefixed <= 1; prefixed++) {
		for (int escaped = 0; escaped <= 1; escaped++) {
			open_pipe(prefixed);
			for (size_t len = escaped ? 240 : 1000; len < (escaped ? 400u : 1100u); len++) {
				memset(text, escaped ? '\n' : 'x', len);
				text[len] = '\0';
				log_info("%s", text);
				const char *line = logged();
				size_t got = strlen(line);
				size_t whole = len * (escaped ? 4 : 1) + (prefixed ? 3 : 0) + 1;
				bool cut = strcmp(line + got - 4, "...\n") == 0;
				cr_assert_lt(got, (size_t)LOG_LINE_MAX);
				cr_assert_eq(line[got - 1], '\n');
				/* "...", the line feed and a terminator are kept free. */
				cr_assert_eq(cut, whole - 1 > LOG_LINE_MAX - 5, "%zu octets, escaped %d: %zu of %zu",
					     len, escaped, got, whole);
				cr_assert(cut || got == whole);
				cr_assert_gt(got, whole < 1000 ? whole - 1 : 999, "cut too early: %zu of %zu", got,
					     whole);
			}
			close(ends[0]);
			close(ends[1]);
		}
	}
}

Test(log, full_pipe_does_not_block_and_losses_are_told)
{
	char drain[65536];
	open_pipe(1);
	/* Fill the pipe; then three lines are lost, and the next one that fits tells how many. */
	memset(drain, 'x', sizeof(drain));
	while (write(ends[1], drain, sizeof(drain)) > 0) {
	}
	while (write(ends[1], drain, 1) > 0) {
	}
	log_err("lost");
	log_err("lost");
	log_err("lost");
	while (read(ends[0], drain, sizeof(drain)) > 0) {
	}
	log_err("kept");
	cr_assert_str_eq(logged(), "<4>log lines lost count=3\n<3>kept\n");
	log_err("again");
	cr_assert_str_eq(logged(), "<3>again\n");
}

Test(log, closed_pipe_is_survived)
{
	open_pipe(1);
	close(ends[1]);
	log_err("nobody hears");
}

Test(log, fatal_ends_the_process)
{
	open_pipe(1);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		log_fatal("over: %d", 7);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	cr_assert_str_eq(logged(), "<3>over: 7\n");
}

Test(log, levels_have_names)
{
	static const enum log_level levels[] = { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
	for (size_t i = 0; i < COUNT(levels); i++) {
		enum log_level back;
		cr_assert_eq(log_level_parse(log_level_text(levels[i]), &back), BH_OK);
		cr_assert_eq(back, levels[i]);
	}
	enum log_level level = LOG_LEVEL_WARN;
	cr_assert_eq(log_level_parse("INFO", &level), BH_EMALFORMED);
	cr_assert_eq(log_level_parse("", &level), BH_EMALFORMED);
	cr_assert_eq(level, LOG_LEVEL_WARN);
	cr_assert_str_eq(log_level_text((enum log_level)5), "unknown");
}

Test(log_limit, burst_per_window_and_the_suppressed_are_told_once)
{
	struct log_limit limit = { 0 };
	uint32_t suppressed = 99;
	uint64_t now = 1000000;
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(log_limit_pass(&limit, now + i, 1000, 3, &suppressed), i < 3, "call %u", i);
		cr_assert_eq(suppressed, 0u);
	}
	cr_assert(log_limit_pass(&limit, now + 1000, 1000, 3, &suppressed));
	cr_assert_eq(suppressed, 7u);
	cr_assert(log_limit_pass(&limit, now + 1001, 1000, 3, &suppressed));
	cr_assert_eq(suppressed, 0u);
	cr_assert(log_limit_pass(&limit, now + 5000, 1000, 3, NULL));
}

Test(log_limit, works_in_the_first_second_of_the_machine)
{
	struct log_limit limit = { 0 };
	cr_assert(log_limit_pass(&limit, 5, 1000, 1, NULL));
	cr_assert_not(log_limit_pass(&limit, 6, 1000, 1, NULL));
}
