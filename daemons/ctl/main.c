/*
 * bulkheadctl: asks the running appliance, or tests a configuration, and prints the answer.
 *
 * Owns nothing but its own output. What other processes send is shown only through grid.c and json.c,
 * which let no control character through.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/ipc/conf.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/check.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/print.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SILENCE_MS 60000 /* rows of progress start it again */

/* Long options without a letter. */
enum { OPTION_CACHED = 256, OPTION_CD, OPTION_PUBLIC, OPTION_IF_CHANGED };

struct options {
	const char *socket;
	bool json;
	bool verbose;
	const char *zone; /* flush -z */
	bool cached;	  /* trace: --cached, --cd, --public */
	bool cd;
	bool outside;
	bool if_changed; /* upgrade */
	struct check_options check;
};

static const char usage_text[] =
	"usage: bulkheadctl [-jv] [-s SOCKET] COMMAND\n"
	"\n"
	"  status              roles, zones, generation: is all well?\n"
	"  check [FILE]        test a configuration and its zones; nothing is started or changed\n"
	"  reload              read the configuration and the zones again, all or nothing\n"
	"  upgrade             go over to the programs that are installed now, without an outage\n"
	"  stop                end the appliance\n"
	"  stats [VIEW|ZONE]   counters of every role; of one view and its zones; or of one zone\n"
	"  zone status [ZONE]  what is served of all zones or one, and where it comes from\n"
	"  anchors             where validation begins and ends\n"
	"  nta add NAME [TIME] do not validate a name and below for a time: 90, 30m, 12h, 7d at most (1h)\n"
	"  nta remove NAME     validate it again\n"
	"  nta list            all that were set\n"
	"  flush NAME          forget one name in the caches\n"
	"  flush -z ZONE       forget a zone and everything below it\n"
	"  flush all           forget everything\n"
	"  trace NAME [TYPE]   each step of the resolver towards an answer, beginning with an empty cache\n"
	"  version, help\n"
	"\n"
	"  -s, --socket=PATH   control socket (" BH_RUN_DIR "/control.sock)\n"
	"  -j, --json          one JSON object instead of tables\n"
	"  -v, --verbose       every column and every counter\n"
	"  --cached            for trace: begin with what the cache holds, as for a client\n"
	"  --cd                for trace: without validation\n"
	"  --if-changed        for upgrade: reload instead when the programs are those that run\n"
	"  --public            for trace: ask outside for a name of an overlay zone\n"
	"  -b, --bulkheadd=PATH, -L, --roles=DIR   for check: the programs to use\n"
	"\n"
	"Exit status: 0 fine, 1 warning, 2 critical, 3 unknown or not reached.\n";

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "bulkheadctl: %s%s%s\n", what, word == NULL ? "" : ": ", word == NULL ? "" : word);
	fprintf(stderr, "Try: bulkheadctl help\n");
	return CTL_UNKNOWN;
}

/* Everything was written, or the exit status says that it was not. */
static int finish_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "bulkheadctl: cannot write: %s\n", strerror(errno));
		return CTL_UNKNOWN;
	}
	return status;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

static void show_progress(void *ctx, const struct ctl_row *row)
{
	(void)ctx;
	print_progress(stderr, row);
}

static int show(const struct answer *answer, const struct options *options)
{
	if (options->json) {
		json_print(stdout, answer);
	} else {
		const struct print_style style = { .colour = wants_colour(), .verbose = options->verbose };
		int err = print_answer(stdout, answer, &style);
		if (err != 0) {
			fprintf(stderr, "bulkheadctl: cannot show the answer: %s\n", bh_strerror(err));
			return CTL_UNKNOWN;
		}
	}
	return finish_output(answer->status);
}

/* No answer: say why on standard error, and for machines in an object as well. */
static int show_failure(struct answer *answer, const char *why, const struct options *options)
{
	fprintf(stderr, "bulkheadctl: %s\n", why);
	answer_end(answer, CTL_UNKNOWN, why);
	if (options->json) {
		json_print(stdout, answer);
	}
	return finish_output(CTL_UNKNOWN);
}

static struct session_options session_options_for(const struct options *options)
{
	bool progress = !options->json && isatty(STDERR_FILENO);
	return (struct session_options){
		.silence_ms = SILENCE_MS,
		.progress = progress ? show_progress : NULL,
	};
}

static int ask(const struct ctl_request *request, const struct options *options)
{
	const struct session_options session = session_options_for(options);
	struct answer answer;
	char why[IPC_TEXT_MAX];
	answer_init(&answer);
	int status;
	int fd = session_connect(options->socket, why, sizeof(why));
	if (fd < 0 || session_run(fd, request, &session, &answer, why, sizeof(why)) != 0) {
		status = show_failure(&answer, why, options);
	} else {
		status = show(&answer, options);
	}
	answer_clear(&answer);
	return status;
}

static int check(const struct options *options)
{
	const struct session_options session = session_options_for(options);
	struct answer answer;
	char why[IPC_TEXT_MAX];
	answer_init(&answer);
	int status;
	if (check_run(&options->check, &session, &answer, why, sizeof(why)) != 0) {
		status = show_failure(&answer, why, options);
	} else {
		status = show(&answer, options);
	}
	answer_clear(&answer);
	return status;
}

static int add_word(struct ctl_request *request, const char *word)
{
	if (strlen(word) >= CTL_WORD_MAX) {
		return usage_error("an argument is too long", NULL);
	}
	memcpy(request->words[request->count++], word, strlen(word) + 1);
	return CTL_FINE;
}

static int flush_caches(struct ctl_request *request, int argc, char **argv, const struct options *options)
{
	const char *kind = options->zone != NULL ? "zone" : "name";
	const char *name = options->zone;
	if (options->zone != NULL && argc != 1) {
		return usage_error("flush takes a name or -z ZONE, not both", NULL);
	}
	if (options->zone == NULL) {
		if (argc != 2) {
			return usage_error("flush wants one NAME, -z ZONE, or all", NULL);
		}
		name = argv[1];
		if (strcmp(name, "all") == 0) {
			kind = "all";
			name = NULL;
		}
	}
	int status = add_word(request, "flush");
	if (status == CTL_FINE) {
		status = add_word(request, kind);
	}
	if (status == CTL_FINE && name != NULL) {
		status = add_word(request, name);
	}
	return status == CTL_FINE ? ask(request, options) : status;
}

static int trace(struct ctl_request *request, int argc, char **argv, const struct options *options)
{
	const char *words[CTL_WORDS_MAX] = { "trace" };
	unsigned count = 1;
	int status = CTL_FINE;
	if (argc < 2 || argc > 3) {
		return usage_error("trace wants a NAME and perhaps a TYPE", argc > 3 ? argv[3] : NULL);
	}
	words[count++] = argv[1];
	words[count++] = argc == 3 ? argv[2] : "A";
	if (options->cached) {
		words[count++] = "cached";
	}
	if (options->cd) {
		words[count++] = "cd";
	}
	if (options->outside) {
		words[count++] = "public";
	}
	for (unsigned i = 0; i < count && status == CTL_FINE; i++) {
		status = add_word(request, words[i]);
	}
	return status == CTL_FINE ? ask(request, options) : status;
}

static int zone_command(struct ctl_request *request, int argc, char **argv, const struct options *options)
{
	if (argc < 2 || strcmp(argv[1], "status") != 0) {
		return usage_error("zone knows: status [ZONE]", NULL);
	}
	if (argc > 3) {
		return usage_error("zone status takes one ZONE", argv[3]);
	}
	int status = CTL_FINE;
	for (int i = 0; i < argc && status == CTL_FINE; i++) {
		status = add_word(request, argv[i]);
	}
	return status == CTL_FINE ? ask(request, options) : status;
}

static int nta_command(struct ctl_request *request, int argc, char **argv, const struct options *options)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool fine = (strcmp(what, "add") == 0 && (argc == 3 || argc == 4)) ||
		    (strcmp(what, "remove") == 0 && argc == 3) || (strcmp(what, "list") == 0 && argc == 2);
	if (!fine) {
		return usage_error("nta knows: add NAME [TIME], remove NAME, list", NULL);
	}
	int status = CTL_FINE;
	for (int i = 0; i < argc && status == CTL_FINE; i++) {
		status = add_word(request, argv[i]);
	}
	return status == CTL_FINE ? ask(request, options) : status;
}

static int run_command(int argc, char **argv, struct options *options)
{
	static const char *const plain[] = { "status", "reload", "stop", "stats", "anchors" };
	static struct ctl_request request; /* 8 KiB, starts as zeroes */
	const char *command = argv[0];
	if (options->zone != NULL && strcmp(command, "flush") != 0) {
		return usage_error("-z belongs to flush", NULL);
	}
	if ((options->cached || options->cd || options->outside) && strcmp(command, "trace") != 0) {
		return usage_error("--cached, --cd and --public belong to trace", NULL);
	}
	if (options->if_changed && strcmp(command, "upgrade") != 0) {
		return usage_error("--if-changed belongs to upgrade", NULL);
	}
	if (strcmp(command, "upgrade") == 0 && argc == 1) {
		int status = add_word(&request, command);
		if (status == CTL_FINE && options->if_changed) {
			status = add_word(&request, "if-changed");
		}
		return status == CTL_FINE ? ask(&request, options) : status;
	}
	if (strcmp(command, "trace") == 0) {
		return trace(&request, argc, argv, options);
	}
	if (strcmp(command, "flush") == 0) {
		return flush_caches(&request, argc, argv, options);
	}
	if (strcmp(command, "zone") == 0) {
		return zone_command(&request, argc, argv, options);
	}
	if (strcmp(command, "nta") == 0) {
		return nta_command(&request, argc, argv, options);
	}
	if (strcmp(command, "check") == 0) {
		if (argc > 2) {
			return usage_error("check takes one FILE", argv[2]);
		}
		options->check.file = argc == 2 ? argv[1] : NULL;
		return check(options);
	}
	if (strcmp(command, "stats") == 0 && argc == 2) {
		int status = add_word(&request, command);
		if (status == CTL_FINE) {
			status = add_word(&request, argv[1]);
		}
		return status == CTL_FINE ? ask(&request, options) : status;
	}
	if (argc > 1) {
		return usage_error("too many arguments", argv[1]);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(command, plain[i]) == 0) {
			int status = add_word(&request, command);
			return status == CTL_FINE ? ask(&request, options) : status;
		}
	}
	if (strcmp(command, "help") == 0) {
		fputs(usage_text, stdout);
		return finish_output(CTL_FINE);
	}
	if (strcmp(command, "version") == 0) {
		printf("bulkheadctl %s\n", PACKAGE_VERSION);
		return finish_output(CTL_FINE);
	}
	return usage_error("no such command", command);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },    { "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },	       { "zone", required_argument, NULL, 'z' },
		{ "bulkheadd", required_argument, NULL, 'b' }, { "roles", required_argument, NULL, 'L' },
		{ "help", no_argument, NULL, 'h' },	       { "version", no_argument, NULL, 'V' },
		{ "cached", no_argument, NULL, OPTION_CACHED }, { "cd", no_argument, NULL, OPTION_CD },
		{ "public", no_argument, NULL, OPTION_PUBLIC }, { "if-changed", no_argument, NULL, OPTION_IF_CHANGED },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .socket = BH_RUN_DIR "/control.sock" };
	const char *instead = NULL;
	int c;

	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "s:jvz:b:L:hV", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			options.socket = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'z':
			options.zone = optarg;
			break;
		case OPTION_CACHED:
			options.cached = true;
			break;
		case OPTION_CD:
			options.cd = true;
			break;
		case OPTION_IF_CHANGED:
			options.if_changed = true;
			break;
		case OPTION_PUBLIC:
			options.outside = true;
			break;
		case 'b':
			options.check.program = optarg;
			break;
		case 'L':
			options.check.role_dir = optarg;
			break;
		case 'h':
			instead = "help";
			break;
		case 'V':
			instead = "version";
			break;
		default:
			return usage_error("unknown option", NULL);
		}
	}
	if (instead != NULL) {
		char *word[] = { (char *)(uintptr_t)instead, NULL };
		options.zone = NULL;
		return run_command(1, word, &options);
	}
	if (optind == argc) {
		return usage_error("no command", NULL);
	}
	return run_command(argc - optind, argv + optind, &options);
}
