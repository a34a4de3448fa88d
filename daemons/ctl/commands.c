/*
 * The table of commands, that of options, and the handlers that are too short for files of their own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "daemons/ctl/commands.h"

#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/check.h"
#include "daemons/ctl/health/health.h"
#include "daemons/ctl/overview.h"
#include "daemons/ctl/progress.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"
#include "daemons/ctl/watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option_row option_rows[OPTION_COUNT] = {
	[OPTION_SOCKET] = { 's', "socket", "PATH", NULL, "control socket (" BH_RUN_DIR "/control.sock)", COMPLETES_FILE },
	[OPTION_JSON] = { 'j', "json", NULL, NULL, "one JSON object instead of text", COMPLETES_NOTHING },
	[OPTION_VERBOSE] = { 'v', "verbose", NULL, NULL, "everything, nothing shortened", COMPLETES_NOTHING },
	[OPTION_ZONE] = { 'z', "zone", "ZONE", "flush", "forget a zone and everything below it", COMPLETES_ZONE },
	[OPTION_CACHED] = { 0, "cached", NULL, "trace", "begin with what the cache holds, as for a client",
			    COMPLETES_NOTHING },
	[OPTION_CD] = { 0, "cd", NULL, "trace", "without validation", COMPLETES_NOTHING },
	[OPTION_PUBLIC] = { 0, "public", NULL, "trace", "ask outside for a name of an overlay zone", COMPLETES_NOTHING },
	[OPTION_IF_CHANGED] = { 0, "if-changed", NULL, "upgrade", "reload instead when the programs are those that run",
				COMPLETES_NOTHING },
	[OPTION_RELEASE] = { 0, "release", NULL, "zone rollback", "serve what the zone's text says again", COMPLETES_NOTHING },
	[OPTION_BULKHEADD] = { 'b', "bulkheadd", "PROGRAM", "check", "for a FILE: the bulkheadd to use", COMPLETES_FILE },
	[OPTION_ROLES] = { 'L', "roles", "DIRECTORY", "check", "for a FILE: where the role programs are",
			   COMPLETES_DIRECTORY },
	[OPTION_WARNING] = { 'w', "warning", "DAYS", "check", "signatures that end sooner are a warning (3)",
			     COMPLETES_NOTHING },
	[OPTION_CRITICAL] = { 'c', "critical", "DAYS", "check", "signatures that end sooner are critical (1)",
			      COMPLETES_NOTHING },
	[OPTION_TIMEOUT] = { 't', "timeout", "SECONDS", "check", "for everything together (20)", COMPLETES_NOTHING },
	[OPTION_STATE] = { 0, "state", "FILE", "check", "keep there what the next check is to compare with",
			   COMPLETES_FILE },
	[OPTION_LOCAL] = { 0, "local", NULL, "check", "ask only this machine: neither the resolver nor parents",
			   COMPLETES_NOTHING },
	[OPTION_WATCH] = { 0, "watch", NULL, "stats", "rates, again and again: on a terminal a screen, else a line each time",
			   COMPLETES_NOTHING },
	[OPTION_TIMES] = { 'n', "times", "NUMBER", "stats", "with --watch: end after so many", COMPLETES_NOTHING },
	[OPTION_HELP] = { 'h', "help", NULL, NULL, "this, or what a command does", COMPLETES_NOTHING },
	[OPTION_VERSION] = { 'V', "version", NULL, NULL, "which version this is", COMPLETES_NOTHING },
};

/* In the order in which help shows them. */
const struct command command_rows[] = {
	{ .name = "status",
	  .arguments = "",
	  .run = command_status,
	  .help = "is all well? roles, views, zones, and what needs attention" },
	{ .name = "check",
	  .arguments = "[FILE]",
	  .most = 1,
	  .completes = { COMPLETES_FILE },
	  .run = command_check,
	  .help = "is the running appliance well? its listeners and parents are asked; or test FILE, a configuration",
	  .more = "Without FILE, as a monitoring plug-in: roles and their walls, zones and serials through every listener and "
		  "worker, over UDP and TCP, sizes of replies, signatures near their end, the resolver, delegations at parents "
		  "(NS, glue, DS, lame servers), restarts, clock and disk.\n\n"
		  "With FILE, nothing is asked: the configuration is read and all of its zones are compiled; nothing is started or "
		  "changed." },
	{ .name = "reload",
	  .arguments = "",
	  .run = command_send,
	  .help = "read the configuration and the zones again, all or nothing" },
	{ .name = "upgrade",
	  .arguments = "",
	  .run = command_upgrade,
	  .help = "go over to the programs that are installed now, without an outage",
	  .more = "The new version is asked first whether it can take over; when it cannot, it says why, and nothing has "
		  "changed. Then its roles are started beside those of the old one, which end when their successors serve. "
		  "The configuration is read again, as by reload." },
	{ .name = "stop", .arguments = "", .run = command_send, .help = "end the appliance" },
	{ .name = "stats",
	  .arguments = "[VIEW|ZONE] [--watch [SECONDS]]",
	  .most = 2,
	  .completes = { COMPLETES_VIEW_OR_ZONE, COMPLETES_NOTHING },
	  .run = command_stats,
	  .help = "counters of every role; of one view and its zones; or of one zone",
	  .more = "With --watch, what happens for each second, every 2 or so many SECONDS, until q or Ctrl-C. In a pipe a line each "
		  "time, with --json an object." },
	{ .name = "zone status",
	  .arguments = "[ZONE]",
	  .most = 1,
	  .completes = { COMPLETES_ZONE },
	  .run = command_send,
	  .help = "what is served of all zones or one, and where it comes from" },
	{ .name = "zone reload",
	  .arguments = "ZONE[@VIEW]",
	  .least = 1,
	  .most = 1,
	  .completes = { COMPLETES_ZONE },
	  .run = command_send,
	  .help = "read the files of one zone again; configuration and other zones are not looked at",
	  .more = "A zone that was rolled back stays so, unless its text has changed." },
	{ .name = "zone history",
	  .arguments = "ZONE[@VIEW]",
	  .least = 1,
	  .most = 1,
	  .completes = { COMPLETES_ZONE },
	  .run = command_send,
	  .help = "generations of a zone that are kept: when they came, why, serial and hash" },
	{ .name = "zone dump",
	  .arguments = "ZONE[@VIEW] [GENERATION]",
	  .least = 1,
	  .most = 2,
	  .completes = { COMPLETES_ZONE },
	  .run = command_zone_text,
	  .help = "text of a zone as it is served, or as it was; it can be compiled again",
	  .more = "A GENERATION is its number, or serial:NUMBER, the newest that has this serial." },
	{ .name = "zone diff",
	  .arguments = "ZONE[@VIEW] [FROM [TO]]",
	  .least = 1,
	  .most = 3,
	  .completes = { COMPLETES_ZONE },
	  .run = command_zone_text,
	  .help = "records that are gone (-) and that have come (+) between two generations",
	  .more = "TO is the newest when it is not given, FROM the one before TO." },
	{ .name = "zone rollback",
	  .arguments = "ZONE [GENERATION] | --release ZONE",
	  .least = 1,
	  .most = 2,
	  .completes = { COMPLETES_ZONE },
	  .run = command_zone_rollback,
	  .help = "serve a generation again, the one before by default, until the zone's text changes",
	  .more = "ZONE@VIEW names one of several views. The text stays as it is. Secondaries do not\ntake a serial below the one they have." },
	{ .name = "anchors", .arguments = "", .run = command_send, .help = "where validation begins and ends" },
	{ .name = "nta add",
	  .arguments = "NAME [TIME]",
	  .least = 1,
	  .most = 2,
	  .run = command_send,
	  .help = "do not validate a name and below for a time: 90, 30m, 12h, 7d at most (1h)" },
	{ .name = "nta remove", .arguments = "NAME", .least = 1, .most = 1, .run = command_send, .help = "validate it again" },
	{ .name = "nta list", .arguments = "", .run = command_send, .help = "all that were set" },
	{ .name = "flush",
	  .arguments = "NAME | -z ZONE | all",
	  .most = 1,
	  .choices = "all",
	  .run = command_flush,
	  .help = "forget one name in the caches, a zone and everything below it, or everything",
	  .more = "A name that is really called all is written with its dot: all." },
	{ .name = "trace",
	  .arguments = "NAME [TYPE]",
	  .least = 1,
	  .most = 2,
	  .completes = { COMPLETES_NOTHING, COMPLETES_TYPE },
	  .run = command_trace,
	  .help = "each step of the resolver towards an answer, beginning with an empty cache" },
	{ .name = "version", .arguments = "", .run = command_version, .help = "which version this is" },
	{ .name = "help",
	  .arguments = "[COMMAND]",
	  .most = 2,
	  .completes = { COMPLETES_COMMAND, COMPLETES_COMMAND },
	  .run = command_print_help,
	  .help = "what can be asked, or what a command does" },
};

const size_t command_count = COUNT(command_rows);

/* The command's own words into the request. */
static int add_name(struct ctl_request *request, const char *name)
{
	int rc = BH_OK;
	for (const char *at = name; *at != '\0' && rc == BH_OK;) {
		char word[32];
		size_t len = strcspn(at, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		rc = ask_word(request, word);
		at += len + (at[len] == ' ');
	}
	return rc;
}

int command_send(const struct call *call)
{
	struct ctl_request request = { 0 };
	int rc = add_name(&request, call->command->name);
	for (int i = 0; i < call->argc && rc == BH_OK; i++) {
		rc = ask_word(&request, call->argv[i]);
	}
	return rc == BH_OK ? ask_show(&request, call->options) : CTL_UNKNOWN;
}

/* Send words; NULL ends them. */
static int send_words(const char *const *words, const struct options *options)
{
	struct ctl_request request = { 0 };
	int rc = BH_OK;
	for (; *words != NULL && rc == BH_OK; words++) {
		rc = ask_word(&request, *words);
	}
	return rc == BH_OK ? ask_show(&request, options) : CTL_UNKNOWN;
}

int command_flush(const struct call *call)
{
	const char *zone = call->options->given[OPTION_ZONE];
	if ((zone != NULL) == (call->argc == 1)) {
		return command_usage_error(call->command, "flush wants one NAME, or -z ZONE, or all");
	}
	if (zone == NULL && strcmp(call->argv[0], "all") == 0) {
		return send_words((const char *const[]){ "flush", "all", NULL }, call->options);
	}
	return send_words((const char *const[]){ "flush", zone != NULL ? "zone" : "name",
						 zone != NULL ? zone : call->argv[0], NULL },
			  call->options);
}

int command_upgrade(const struct call *call)
{
	bool if_changed = call->options->given[OPTION_IF_CHANGED] != NULL;
	return send_words((const char *const[]){ "upgrade", if_changed ? "if-changed" : NULL, NULL }, call->options);
}

int command_trace(const struct call *call)
{
	const char *words[7] = { "trace", call->argv[0], call->argc == 2 ? call->argv[1] : "A" };
	unsigned count = 3;
	if (call->options->given[OPTION_CACHED] != NULL) {
		words[count++] = "cached";
	}
	if (call->options->given[OPTION_CD] != NULL) {
		words[count++] = "cd";
	}
	if (call->options->given[OPTION_PUBLIC] != NULL) {
		words[count++] = "public";
	}
	words[count] = NULL;
	return send_words(words, call->options);
}

/* A number of an option from least to most, or the default; false: told what is allowed. */
static bool option_number(const struct call *call, enum ctl_option option, uint32_t otherwise, uint32_t least,
			  uint32_t most, uint32_t *out)
{
	const char *text = call->options->given[option];
	char *end;
	*out = otherwise;
	if (text == NULL) {
		return true;
	}
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || value < least || value > most) {
		(void)command_usage_error(NULL, "--%s=%s: %u to %u are possible", option_rows[option].name, text,
					  (unsigned)least, (unsigned)most);
		return false;
	}
	*out = (uint32_t)value;
	return true;
}

int command_stats(const struct call *call)
{
	const char *of = NULL;
	uint32_t interval = WATCH_INTERVAL_SEC;
	uint32_t times;
	bool watching = call->options->given[OPTION_WATCH] != NULL;
	if (!watching) {
		return call->options->given[OPTION_TIMES] != NULL || call->argc > 1
			       ? command_usage_error(call->command, "only with --watch there is a number")
			       : command_send(call);
	}
	for (int i = 0; i < call->argc; i++) {
		/* "2" is a number of seconds; a zone of that name is "2." */
		char *end;
		unsigned long number = strtoul(call->argv[i], &end, 10);
		bool is_number = *end == '\0' && call->argv[i][0] >= '0' && call->argv[i][0] <= '9';
		if (is_number && (number < 1 || number > WATCH_INTERVAL_MAX)) {
			return command_usage_error(call->command, "1 to %d seconds are possible", WATCH_INTERVAL_MAX);
		}
		if (is_number) {
			interval = (uint32_t)number;
		} else if (of != NULL) {
			return command_usage_error(call->command, "one view or zone, not both: %s", call->argv[i]);
		} else {
			of = call->argv[i];
		}
	}
	return option_number(call, OPTION_TIMES, 0, 1, 1000000, &times) ? watch_run(call, of, interval, times) : CTL_UNKNOWN;
}

static int check_running(const struct call *call)
{
	struct health_settings settings = { .state_file = call->options->given[OPTION_STATE],
					    .local = call->options->given[OPTION_LOCAL] != NULL };
	if (!option_number(call, OPTION_TIMEOUT, HEALTH_TIMEOUT_SEC, 1, 600, &settings.timeout_sec) ||
	    !option_number(call, OPTION_WARNING, HEALTH_WARNING_DAYS, 0, 3650, &settings.warning_days) ||
	    !option_number(call, OPTION_CRITICAL, HEALTH_CRITICAL_DAYS, 0, 3650, &settings.critical_days)) {
		return CTL_UNKNOWN;
	}
	return health_run(&settings, call->options);
}

int command_check(const struct call *call)
{
	if (call->argc == 0) {
		return check_running(call);
	}
	struct progress progress;
	const struct session_options session = ask_session(call->options, &progress);
	const struct check_options check = {
		.program = call->options->given[OPTION_BULKHEADD],
		.role_dir = call->options->given[OPTION_ROLES],
		.file = call->argv[0],
	};
	struct answer answer;
	char why[IPC_TEXT_MAX];
	answer_init(&answer);
	int err = check_run(&check, &session, &answer, why, sizeof(why));
	progress_end(&progress);
	int status = err != 0 ? ask_failed(&answer, why, call->options) : ask_print(&answer, call->options);
	answer_clear(&answer);
	return status;
}

int command_version(const struct call *call)
{
	(void)call;
	printf("bulkheadctl %s\n", PACKAGE_VERSION);
	return ask_finish(CTL_FINE);
}

int command_print_help(const struct call *call)
{
	unsigned width = ask_width(STDOUT_FILENO);
	width = width == 0 ? 100 : width;
	if (call->argc == 0) {
		command_help_all(stdout, width);
		return ask_finish(CTL_FINE);
	}
	int words;
	const struct command *command = command_find(call->argc, call->argv, &words);
	if (command != NULL && words == call->argc) {
		command_help(stdout, command, width);
		return ask_finish(CTL_FINE);
	}
	/* "help zone": all that begin so */
	bool any = false;
	for (size_t i = 0; i < command_count && call->argc == 1; i++) {
		size_t len = strlen(call->argv[0]);
		if (strncmp(command_rows[i].name, call->argv[0], len) == 0 && command_rows[i].name[len] == ' ') {
			fputs(any ? "\n" : "", stdout);
			command_help(stdout, &command_rows[i], width);
			any = true;
		}
	}
	return any ? ask_finish(CTL_FINE) : command_usage_error(NULL, "no such command: %s", call->argv[0]);
}
