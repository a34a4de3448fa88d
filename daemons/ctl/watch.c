/*
 * Looking again and again, and the terminal: taken over at the beginning, given back whatever happens.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/watch.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/region.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/rates.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define REGION_OCTETS_MAX (64u << 20)
#define PATIENCE_MS 5000 /* with one look */

/* ECMA-48 and the private modes that all have: another screen, no cursor; and back. */
static const char screen_begin[] = "\033[?1049h\033[?25l";
static const char screen_end[] = "\033[?25h\033[?1049l";
static const char screen_home[] = "\033[H";
static const char line_rest[] = "\033[K";
static const char screen_rest[] = "\033[J";

/* What a handler of signals needs. */
static struct {
	volatile sig_atomic_t taken;
	volatile sig_atomic_t resized;
	bool has_modes;
	struct termios modes; /* as they were */
} terminal;

/* Only calls that a handler may make. */
static void give_terminal_back(void)
{
	if (!terminal.taken) {
		return;
	}
	terminal.taken = 0;
	ssize_t n = write(STDOUT_FILENO, screen_end, sizeof(screen_end) - 1);
	(void)n; /* a terminal that is gone needs nothing */
	if (terminal.has_modes) {
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.modes);
	}
}

static void take_terminal(void)
{
	struct termios modes;
	terminal.has_modes = tcgetattr(STDIN_FILENO, &terminal.modes) == 0;
	terminal.taken = 1;
	if (terminal.has_modes) {
		modes = terminal.modes;
		modes.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* "q" without return; ^C stays what it is */
		tcsetattr(STDIN_FILENO, TCSANOW, &modes);
	}
	ssize_t n = write(STDOUT_FILENO, screen_begin, sizeof(screen_begin) - 1);
	(void)n;
}

/* Ends the program as the signal would have. */
static void on_end(int signo)
{
	give_terminal_back();
	signal(signo, SIG_DFL);
	raise(signo);
}

/* ^Z: the shell gets its terminal; back in the foreground we take it again. */
static void on_stop(int signo)
{
	int saved = errno;
	give_terminal_back();
	(void)signo;
	raise(SIGSTOP);
	take_terminal();
	terminal.resized = 1;
	errno = saved;
}

static void on_resize(int signo)
{
	(void)signo;
	terminal.resized = 1;
}

static void handle_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_end };
	for (size_t i = 0; i < COUNT(ends); i++) {
		sigaction(ends[i], &action, NULL);
	}
	action.sa_handler = on_stop;
	sigaction(SIGTSTP, &action, NULL);
	action.sa_handler = on_resize;
	sigaction(SIGWINCH, &action, NULL);
}

static unsigned terminal_height(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

struct watch {
	const struct options *options;
	struct ctl_request request;
	bool terminal;
	struct answer answers[2]; /* before and now */
	uint64_t at_ms[2];
	unsigned now;	 /* which of both */
	unsigned looked; /* how often */
};

static int look(struct watch *watch, char *why, size_t why_size)
{
	const struct session_options session = { .silence_ms = PATIENCE_MS };
	watch->now = 1 - watch->now;
	struct answer *answer = &watch->answers[watch->now];
	answer_clear(answer);
	answer_init(answer);
	int rc = ask_collect(&watch->request, watch->options, &session, answer, why, why_size);
	watch->at_ms[watch->now] = clock_now_ms();
	if (rc == BH_OK && answer->status == CTL_UNKNOWN) {
		snprintf(why, why_size, "%s", answer->text);
		return BH_ENOENT;
	}
	watch->looked += rc == BH_OK;
	return rc;
}

/* The screen is written as a whole: nothing flickers, and a line that was longer before leaves nothing behind. */
void watch_put(FILE *out, const char *drawn, size_t len, unsigned width, unsigned height)
{
	unsigned column = 0;
	unsigned line = 1;
	fputs(screen_home, out);
	for (size_t i = 0; i < len && line <= height; i++) {
		if (drawn[i] == '\n') {
			fputs(line_rest, out);
			column = 0;
			if (i + 1 < len && line < height) { /* no line more than the screen has: it would scroll */
				fputs("\r\n", out);
			}
			line++;
		} else if (drawn[i] == '\033') { /* colours, up to their "m": they take no room */
			size_t end = i;
			while (end + 1 < len && drawn[end] != 'm') {
				end++;
			}
			fwrite(drawn + i, 1, end - i + 1, out);
			i = end;
		} else if (column < width) {
			fputc(drawn[i], out);
			column++;
		}
	}
	fputs(screen_rest, out);
}

static int show(struct watch *watch)
{
	const struct answer *before = watch->looked > 1 ? &watch->answers[1 - watch->now] : NULL;
	uint64_t ms = before == NULL ? 0 : watch->at_ms[watch->now] - watch->at_ms[1 - watch->now];
	uint64_t now_sec = clock_wall_sec();
	struct region region;
	struct rates rates;
	region_init(&region, 256u << 10, REGION_OCTETS_MAX);
	int rc = rates_between(before, &watch->answers[watch->now], &region, &rates);
	if (rc == BH_OK && watch->terminal) {
		const struct watch_screen screen = { .width = ask_width(STDOUT_FILENO),
						     .height = terminal_height(),
						     .colour = ask_colour(STDOUT_FILENO),
						     .verbose = watch->options->given[OPTION_VERBOSE] != NULL,
						     .ms = ms,
						     .now_sec = now_sec };
		char *drawn = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&drawn, &len);
		rc = out == NULL ? BH_ENOMEM : watch_draw(out, &region, &rates, &screen);
		if (rc == BH_OK) {
			rc = fflush(out) == 0 ? BH_OK : BH_ENOMEM;
		}
		if (rc == BH_OK) {
			watch_put(stdout, drawn, len, screen.width, screen.height);
			fflush(stdout);
		}
		if (out != NULL) {
			fclose(out);
			free(drawn);
		}
	} else if (rc == BH_OK && before != NULL) {
		if (watch->options->given[OPTION_JSON] != NULL) {
			watch_json(stdout, &rates, ms, now_sec);
		} else {
			watch_line(stdout, &rates, ms, now_sec);
		}
	}
	region_clear(&region);
	return rc;
}

/* Until the next look is due. True: the person wants no more. A new size is drawn at once. */
static bool pause_until(struct watch *watch, uint64_t when_ms)
{
	for (;;) {
		uint64_t now = clock_now_ms();
		struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
		if (now >= when_ms) {
			return false;
		}
		int ready = poll(&in, watch->terminal && terminal.has_modes ? 1 : 0, (int)(when_ms - now));
		if (terminal.resized) {
			terminal.resized = 0;
			if (show(watch) != BH_OK) {
				return true;
			}
		}
		if (ready > 0) {
			char key;
			ssize_t n = read(STDIN_FILENO, &key, 1);
			if (n == 0 || (n == 1 && (key == 'q' || key == 'Q'))) {
				return true;
			}
		}
	}
}

int watch_run(const struct call *call, const char *of, unsigned interval_sec, unsigned times)
{
	char why[IPC_TEXT_MAX] = "";
	struct watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		fputs("bulkheadctl: out of memory\n", stderr);
		return CTL_UNKNOWN;
	}
	watch->options = call->options;
	watch->terminal = call->options->given[OPTION_JSON] == NULL && isatty(STDOUT_FILENO) &&
			  getenv("TERM") != NULL && strcmp(getenv("TERM"), "dumb") != 0;
	answer_init(&watch->answers[0]);
	answer_init(&watch->answers[1]);
	int rc = ask_word(&watch->request, "stats");
	rc = rc == BH_OK && of != NULL ? ask_word(&watch->request, of) : rc;
	rc = rc == BH_OK ? look(watch, why, sizeof(why)) : rc; /* faults are told before the terminal is taken */
	if (rc == BH_OK && watch->terminal) {
		handle_signals();
		take_terminal();
	}
	uint64_t next = clock_now_ms();
	unsigned shown = 0;
	bool enough = false;
	while (rc == BH_OK && !enough) {
		rc = show(watch);
		shown += watch->looked > 1;
		next += (uint64_t)interval_sec * 1000;
		enough = (times > 0 && shown >= times) || fflush(stdout) != 0 || ferror(stdout) || pause_until(watch, next);
		rc = rc == BH_OK && !enough ? look(watch, why, sizeof(why)) : rc;
	}
	give_terminal_back();
	answer_clear(&watch->answers[0]);
	answer_clear(&watch->answers[1]);
	free(watch);
	if (rc != BH_OK) {
		fprintf(stderr, "bulkheadctl: %s\n", why[0] != '\0' ? why : bh_strerror(rc));
		return CTL_UNKNOWN;
	}
	return ask_finish(CTL_FINE);
}
