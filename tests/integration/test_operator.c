/*
 * The operator at a terminal: completion by real shells, progress of a reload, and a screen that gives the terminal back.
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
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct appliance appliance;

static void start(void)
{
	standard_start(&appliance, 100);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(operator, .init = start, .fini = stop);

/* --- shells --------------------------------------------------------------------------------------------- */

/* Run a script with a shell; what it says. */
static const char *run_script(const char *shell, const char *script)
{
	static char text[APPLIANCE_OUTPUT_MAX];
	char log[160];
	snprintf(log, sizeof(log), "%s/shell", appliance.dir);
	char *argv[] = { (char *)(uintptr_t)shell, (char *)(uintptr_t)"-c", (char *)(uintptr_t)script, NULL };
	if (strcmp(shell, "zsh") == 0) {
		argv[1] = (char *)(uintptr_t)"-fc";
	}
	unlink(log);
	int status = harness_run(argv, log, 20000);
	char *said = harness_read(log);
	snprintf(text, sizeof(text), "%s", said == NULL ? "" : said);
	free(said);
	MUST(status == 0, "%s: exit status %d: %s\n%s", shell, status, script, text);
	return text;
}

/* As bash does it on Tab: words and cursor set, the function called that `complete` was given. */
static const char *bash_complete(const char *words)
{
	char script[1024];
	snprintf(script, sizeof(script),
		 "source %s/packaging/completion/bash/bulkheadctl || exit 3\n"
		 "spec=$(complete -p bulkheadctl); [[ $spec == *'-F _bulkheadctl '* ]] || exit 4\n"
		 "COMP_WORDS=(%s/bulkheadctl -s %s %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
		 "_bulkheadctl bulkheadctl && echo \"[${COMPREPLY[*]}]\"",
		 BH_SOURCE_DIR, build_directory(), appliance.socket, words);
	return run_script("bash", script);
}

Test(operator, bash_completes_words_and_names_of_the_appliance)
{
	static const struct {
		const char *words, *reply;
	} cases[] = {
		{ "relo", "[reload]\n" },
		{ "zone status corp", "[corp.example]\n" },
		{ "stats ext", "[external]\n" },
		{ "stats ''", "[internal external world corp.example example.com many.example com org public.org .]\n" },
		{ "flush --zone = many", "[many.example]\n" },
		{ "trace --pub", "[--public]\n" },
		{ "check /etc/passw", "[/etc/passwd" },
		{ "check -L /et", "[/etc" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *said = bash_complete(cases[i].words);
		if (strcmp(cases[i].words, "stats ''") == 0) {
			for (const char *const *name = (const char *const[]){ "internal", "world", "corp.example", " org", NULL };
			     *name != NULL; name++) {
				MUST(strstr(said, *name) != NULL, "%s is not offered: %s", *name, said);
			}
			continue;
		}
		MUST(strncmp(said, cases[i].reply, strlen(cases[i].reply)) == 0, "%s: %s", cases[i].words, said);
	}
	/* An appliance that hangs does not hang the shell. */
	MUST(kill(appliance.pid, SIGSTOP) == 0, "SIGSTOP: %s", strerror(errno));
	uint64_t began = clock_now_ms();
	const char *said = bash_complete("stats ext");
	uint64_t took = clock_now_ms() - began;
	kill(appliance.pid, SIGCONT);
	MUST(strcmp(said, "[]\n") == 0 && took < 5000 * harness_slow(), "%u ms: %s", (unsigned)took, said);
}

Test(operator, zsh_completes_the_same)
{
	char script[1024];
	if (!harness_has_program("zsh")) {
		harness_skip("operator", "zsh is not installed");
		return;
	}
	/* _describe shows what the function hands over; the rest of zsh's completion needs an editor. */
	snprintf(script, sizeof(script),
		 "compdef() { :; }; _describe() { print -l -- ${(P)3}; }; _files() { print files $1; }\n"
		 "source %s/packaging/completion/zsh/_bulkheadctl || exit 3\n"
		 "for last in relo 'zone status corp' 'stats ext' 'check -L x'; do\n"
		 "words=(%s/bulkheadctl -s %s ${=last}); CURRENT=$#words; _bulkheadctl || exit 5\ndone",
		 BH_SOURCE_DIR, build_directory(), appliance.socket);
	const char *said = run_script("zsh", script);
	MUST(strcmp(said, "reload:read the configuration and the zones again, all or nothing\ncorp.example:zone\n"
			  "external:view\nfiles -/\n") == 0,
	     "%s", said);
}

/* --- terminals --------------------------------------------------------------------------------------------- */

struct terminal {
	pid_t pid;
	int fd;
	size_t len;
	char said[256 * 1024];
};

static struct terminal tty;

/* bulkheadctl with these words on a terminal of its own. */
static void begin(const char *words, const char *term, unsigned rows, unsigned cols)
{
	const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
	char line[512];
	char program[300];
	snprintf(line, sizeof(line), "bulkheadctl -s %s %s", appliance.socket, words);
	snprintf(program, sizeof(program), "%s/bulkheadctl", build_directory());
	memset(&tty, 0, sizeof(tty));
	fflush(NULL);
	tty.pid = forkpty(&tty.fd, NULL, NULL, &size);
	MUST(tty.pid >= 0, "forkpty: %s", strerror(errno));
	if (tty.pid == 0) {
		char *argv[16];
		int argc = 0;
		for (char *word = strtok(line, " "); word != NULL && argc < 15; word = strtok(NULL, " ")) {
			argv[argc++] = word;
		}
		argv[argc] = NULL;
		setenv("TERM", term, 1);
		unsetenv("NO_COLOR");
		execv(program, argv);
		_exit(126);
	}
}

/* Until this was said, or the end. */
static bool read_until(const char *text, unsigned limit_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)limit_ms * harness_slow();
	while (text == NULL || strstr(tty.said, text) == NULL) {
		struct pollfd in = { .fd = tty.fd, .events = POLLIN };
		uint64_t now = clock_now_ms();
		if (now >= end || poll(&in, 1, (int)(end - now)) <= 0) {
			return false;
		}
		ssize_t n = read(tty.fd, tty.said + tty.len, sizeof(tty.said) - 1 - tty.len);
		if (n <= 0) {
			return text == NULL;
		}
		tty.len += (size_t)n;
	}
	return true;
}

/* Its wait status. */
static int end(void)
{
	int status;
	MUST(read_until(NULL, 10000), "it does not end: %s", tty.said);
	MUST(waitpid(tty.pid, &status, 0) == tty.pid, "waitpid: %s", strerror(errno));
	close(tty.fd);
	return status;
}

static bool ends_with(const char *wanted)
{
	size_t len = strlen(wanted);
	return tty.len >= len && memcmp(tty.said + tty.len - len, wanted, len) == 0;
}

#define SCREEN_BEGIN "\033[?1049h\033[?25l"
#define SCREEN_END "\033[?25h\033[?1049l"

Test(operator, a_screen_of_rates_gives_the_terminal_back)
{
	static const struct {
		const char *keys;
		int signal; /* 0: by keys */
		int ended_by;
	} cases[] = { { "q", 0, 0 }, { "\003", 0, SIGINT }, { "", SIGTERM, SIGTERM }, { "", SIGHUP, SIGHUP } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct termios before;
		struct termios during;
		struct termios after;
		begin("stats --watch 1", "xterm", 24, 80);
		MUST(tcgetattr(tty.fd, &before) == 0, "tcgetattr: %s", strerror(errno));
		MUST(read_until("queries per second", 5000), "no screen: %s", tty.said);
		MUST(strstr(tty.said, SCREEN_BEGIN) != NULL, "not a screen of its own: %s", tty.said);
		MUST(tcgetattr(tty.fd, &during) == 0 && (during.c_lflag & (ICANON | ECHO)) == 0, "keys wait for a return");
		if (cases[i].signal != 0) {
			kill(tty.pid, cases[i].signal);
		} else {
			MUST(write(tty.fd, cases[i].keys, strlen(cases[i].keys)) > 0, "write: %s", strerror(errno));
		}
		/* The settings outlive the program as long as our end is open. */
		MUST(read_until(SCREEN_END, 5000), "case %zu: the screen stays: %s", i, tty.said);
		int status;
		MUST(waitpid(tty.pid, &status, 0) == tty.pid, "waitpid: %s", strerror(errno));
		bool got = tcgetattr(tty.fd, &after) == 0;
		close(tty.fd);
		MUST(got && after.c_lflag == before.c_lflag, "case %zu: the terminal is not as it was", i);
		MUST(cases[i].ended_by != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].ended_by
					    : WIFEXITED(status) && WEXITSTATUS(status) == 0,
		     "case %zu: status %d", i, status);
	}
}

Test(operator, a_screen_follows_the_size_of_the_terminal)
{
	const struct winsize small = { .ws_row = 6, .ws_col = 44 };
	begin("stats --watch 3600", "xterm", 40, 120);
	MUST(read_until("frontend waits:", 5000), "no screen: %s", tty.said);
	size_t mark = tty.len;
	MUST(ioctl(tty.fd, TIOCSWINSZ, &small) == 0, "TIOCSWINSZ: %s", strerror(errno));
	harness_sleep_ms(500);
	MUST(write(tty.fd, "q", 1) == 1, "write: %s", strerror(errno));
	MUST(WIFEXITED(end()), "it did not end by itself");
	const char *again = strstr(tty.said + mark, "\033[H");
	MUST(again != NULL, "nothing was drawn again");
	unsigned lines = 1;
	for (const char *p = again; *p != '\0'; p++) {
		lines += *p == '\n';
	}
	MUST(lines <= 6, "%u lines on a terminal of 6: %s", lines, again);
}

Test(operator, rates_in_a_pipe_are_lines_or_objects)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "stats --watch 1 -n 2", output) == 0, "%s", output);
	unsigned lines = 0;
	for (const char *p = output; *p != '\0'; p++) {
		lines += *p == '\n';
		MUST(*p == '\n' || (*p >= 0x20 && *p < 0x7f), "octet %02x in a pipe", (unsigned char)*p);
	}
	MUST(lines == 2 && strstr(output, " authority.internal=") != NULL && strstr(output, " frontend=") != NULL, "%s", output);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	MUST(client_ask(&ask)->received, "no answer");
	MUST(appliance_bulkheadctl(&appliance, "stats --watch 1 -n 1 --json", output) == 0 &&
		     strncmp(output, "{\"time\":\"", 9) == 0 && strstr(output, "}]}\n") != NULL,
	     "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "stats --watch 0", output) == 3, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "stats --watch no.such.zone", output) == 3, "%s", output);
}

/* A zone that takes longer to compile than the time between two words of progress. */
static void write_large(void)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/internal/many.example.zone", appliance.dir);
	FILE *file = fopen(path, "w");
	MUST(file != NULL, "%s: %s", path, strerror(errno));
	fprintf(file, "$ORIGIN many.example.\n$TTL 300\n@ SOA ns hostmaster 2 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n");
	for (unsigned i = 0; i < 1500000; i++) {
		fprintf(file, "host%u A 10.9.%u.%u\n", i, i / 250 % 250, i % 250);
	}
	MUST(fclose(file) == 0, "%s: %s", path, strerror(errno));
}

Test(operator, progress_is_for_terminals)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	write_large();
	begin("reload", "xterm", 24, 80);
	int status = end();
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0, "reload: %s", tty.said);
	const char *line = strstr(tty.said, "\rcompiling ");
	unsigned done = 0;
	unsigned total = 0;
	MUST(line != NULL && sscanf(line, "\rcompiling %u of %u zones, ", &done, &total) == 2 && done < total &&
		     strstr(line, "s  many.example.") != NULL,
	     "nothing of progress: %s", tty.said);
	MUST(strstr(line, "\r\033[K\033[32mOK\033[0m: ") != NULL, "the line of progress is not wiped: %s", tty.said);
	MUST(!ends_with("\033[K"), "%s", tty.said);
	/* Again, and nobody sees it: the output of a pipe is the answer alone. */
	write_large();
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 0, "%s", output);
	MUST(strstr(output, "compiling") == NULL && strchr(output, '\r') == NULL, "progress in a pipe: %s", output);
	MUST(strncmp(output, "OK: ", 4) == 0, "%s", output);
	/* On a terminal that can do nothing no line is written over. */
	write_large();
	begin("reload", "dumb", 24, 80);
	status = end();
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strchr(tty.said, '\033') == NULL, "%s", tty.said);
}

Test(operator, colours_are_for_terminals_that_want_them)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	begin("status", "xterm", 24, 60);
	int status = end();
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(tty.said, "\033[32mHEALTHY\033[0m: ") != NULL, "%s", tty.said);
	begin("status", "dumb", 24, 60);
	status = end();
	MUST(WIFEXITED(status) && strncmp(tty.said, "HEALTHY: ", 9) == 0 && strchr(tty.said, '\033') == NULL, "%s", tty.said);
	/* Its width is kept to, but for the sentences at the beginning. */
	for (const char *p = strstr(tty.said, "Roles"); p != NULL && *p != '\0'; p = strchr(p, '\n') + 1) {
		MUST(strcspn(p, "\r\n") <= 60, "%.80s", p);
	}
	MUST(appliance_bulkheadctl(&appliance, "status", output) == 0 && strchr(output, '\033') == NULL, "%s", output);
}
