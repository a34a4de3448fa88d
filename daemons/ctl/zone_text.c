/*
 * zone dump and zone diff: text of a zone comes through a pipe, straight from the process that makes it, and goes out
 * line by line; nothing of it is kept. It may come from a role that was taken over: what is not printable is replaced, and
 * lines have an end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/answer.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/commands.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/progress.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_OCTETS 65536

struct zone_text {
	bool json;
	bool colour;
	bool diff;
	bool any;	  /* a line came */
	bool line_begun;
};

static void put_json(char c)
{
	if (c == '"' || c == '\\') {
		putchar('\\');
		putchar(c);
	} else if (c == '\t') {
		fputs("\\t", stdout);
	} else {
		putchar(c);
	}
}

static void begin_line(struct zone_text *t, char c)
{
	if (t->json) {
		fputs(t->any ? ",\n\"" : "\n\"", stdout);
	} else if (t->colour && t->diff) {
		fputs(c == '-' ? "\033[31m" : c == '+' ? "\033[32m" : "", stdout);
	}
	t->any = true;
	t->line_begun = true;
}

static void end_line(struct zone_text *t)
{
	if (t->json) {
		putchar('"');
	} else {
		fputs(t->colour && t->diff ? "\033[0m\n" : "\n", stdout);
	}
	t->line_begun = false;
}

static void put(struct zone_text *t, char c)
{
	if (!t->line_begun) {
		begin_line(t, c);
	}
	if (c == '\n') {
		end_line(t);
		return;
	}
	c = c == '\t' || (c >= ' ' && c <= '~') ? c : '?';
	if (t->json) {
		put_json(c);
	} else {
		putchar(c);
	}
}

static int on_stream(void *ctx, int fd)
{
	struct zone_text *t = ctx;
	static char piece[PIECE_OCTETS];
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return BH_ESYS;
		}
		for (ssize_t i = 0; i < n; i++) {
			put(t, piece[i]);
		}
		if (n == 0 && t->line_begun) {
			end_line(t);
		}
		if (n == 0 || ferror(stdout)) {
			return BH_OK; /* of an output that is closed ask_finish tells */
		}
	}
}

static void put_json_end(const struct answer *answer)
{
	printf("\n],\"status\":%u,\"text\":", answer->status);
	json_string(stdout, answer->text);
	fputs("}\n", stdout);
}

int command_zone_text(const struct call *call)
{
	struct zone_text text = { .json = call->options->given[OPTION_JSON] != NULL,
				  .colour = ask_colour(STDOUT_FILENO),
				  .diff = strcmp(call->command->name, "zone diff") == 0 };
	struct progress progress;
	struct session_options session = ask_session(call->options, &progress);
	struct ctl_request request = { 0 };
	struct answer answer;
	char why[IPC_TEXT_MAX];
	int rc = ask_word(&request, "zone");
	rc = rc == BH_OK ? ask_word(&request, text.diff ? "diff" : "dump") : rc;
	for (int i = 0; i < call->argc && rc == BH_OK; i++) {
		rc = ask_word(&request, call->argv[i]);
	}
	if (rc != BH_OK) {
		return CTL_UNKNOWN;
	}
	if (text.json) {
		printf("{\"%s\":[", text.diff ? "changes" : "records");
	}
	session.stream = on_stream;
	session.stream_ctx = &text;
	answer_init(&answer);
	int err = ask_collect(&request, call->options, &session, &answer, why, sizeof(why));
	progress_end(&progress);
	if (err != 0) {
		fprintf(stderr, "bulkheadctl: %s\n", why);
		answer_end(&answer, CTL_UNKNOWN, why);
	}
	if (text.json) {
		put_json_end(&answer);
	} else if (err == 0 && answer.text[0] != '\0') {
		/* The text may go to a file: what was done is for who asked. A comment, where both go to one place. */
		char line[IPC_TEXT_MAX];
		snprintf(line, sizeof(line), "%s", answer.text);
		for (char *p = line; *p != '\0'; p++) {
			*p = *p >= ' ' && *p <= '~' ? *p : '?';
		}
		fflush(stdout);
		fprintf(stderr, "; %s\n", line);
	}
	int status = ask_finish(answer.status);
	answer_clear(&answer);
	return status;
}

/* The option is a word of its own for the supervisor. */
int command_zone_rollback(const struct call *call)
{
	bool release = call->options->given[OPTION_RELEASE] != NULL;
	struct ctl_request request = { 0 };
	if (release && call->argc != 1) {
		return command_usage_error(call->command, "a rollback is released to the zone's text, not to a generation");
	}
	int rc = ask_word(&request, "zone");
	rc = rc == BH_OK ? ask_word(&request, release ? "release" : "rollback") : rc;
	for (int i = 0; i < call->argc && rc == BH_OK; i++) {
		rc = ask_word(&request, call->argv[i]);
	}
	return rc == BH_OK ? ask_show(&request, call->options) : CTL_UNKNOWN;
}
