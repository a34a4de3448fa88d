/*
 * Asking and showing. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/ask.h"

#include "common/util/clock.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/print.h"
#include "daemons/ctl/progress.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SILENCE_MS 60000 /* rows of progress start it again */
#define WIDTH_MAX 1000

/* The control socket that the options name, or the one of the installation. */
static const char *socket_of(const struct options *options)
{
	const char *given = options->given[OPTION_SOCKET];
	return given != NULL ? given : BH_RUN_DIR "/control.sock";
}

bool ask_colour(int fd)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");
	return isatty(fd) && (no_colour == NULL || no_colour[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned ask_width(int fd)
{
	struct winsize size;
	if (!isatty(fd)) {
		return 0;
	}
	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		return 80;
	}
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

struct session_options ask_session(const struct options *options, struct progress *progress)
{
	const char *term = getenv("TERM");
	bool shown = options->given[OPTION_JSON] == NULL && isatty(STDERR_FILENO) &&
		     (term == NULL || strcmp(term, "dumb") != 0);
	*progress = (struct progress){ .out = shown ? stderr : NULL,
					.width = ask_width(STDERR_FILENO),
					.began_ms = clock_now_ms() };
	return (struct session_options){ .silence_ms = SILENCE_MS, .progress = progress_show, .ctx = progress };
}

int ask_finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "bulkheadctl: cannot write: %s\n", strerror(errno));
		return CTL_UNKNOWN;
	}
	return status;
}

int ask_print(const struct answer *answer, const struct options *options)
{
	if (options->given[OPTION_JSON] != NULL) {
		json_print(stdout, answer);
	} else {
		const struct print_style style = { .colour = ask_colour(STDOUT_FILENO),
						   .verbose = options->given[OPTION_VERBOSE] != NULL,
						   .width = ask_width(STDOUT_FILENO) };
		int err = print_answer(stdout, answer, &style);
		if (err != 0) {
			fprintf(stderr, "bulkheadctl: cannot show the answer: %s\n", bh_strerror(err));
			return CTL_UNKNOWN;
		}
	}
	return ask_finish(answer->status);
}

/* No answer: say why on standard error, and for machines in an object as well. */
int ask_failed(struct answer *answer, const char *why, const struct options *options)
{
	fprintf(stderr, "bulkheadctl: %s\n", why);
	answer_end(answer, CTL_UNKNOWN, why);
	if (options->given[OPTION_JSON] != NULL) {
		json_print(stdout, answer);
	}
	return ask_finish(CTL_UNKNOWN);
}

int ask_word(struct ctl_request *request, const char *word)
{
	if (strlen(word) >= CTL_WORD_MAX || request->count == CTL_WORDS_MAX) {
		fprintf(stderr, "bulkheadctl: %s\n",
			request->count == CTL_WORDS_MAX ? "too many arguments" : "an argument is too long");
		return BH_ENOSPC;
	}
	memcpy(request->words[request->count++], word, strlen(word) + 1);
	return BH_OK;
}

int ask_collect(const struct ctl_request *request, const struct options *options,
		const struct session_options *session, struct answer *answer, char *why, size_t why_size)
{
	int fd = session_connect(socket_of(options), why, why_size);
	return fd < 0 ? BH_ESYS : session_run(fd, request, session, answer, why, why_size);
}

int ask_show(const struct ctl_request *request, const struct options *options)
{
	struct progress progress;
	const struct session_options session = ask_session(options, &progress);
	struct answer answer;
	char why[IPC_TEXT_MAX];
	answer_init(&answer);
	int err = ask_collect(request, options, &session, &answer, why, sizeof(why));
	progress_end(&progress);
	int status = err != 0 ? ask_failed(&answer, why, options) : ask_print(&answer, options);
	answer_clear(&answer);
	return status;
}
