/*
 * What bulkheadctl can do: one table of commands and one of options. Usage, help, suggestions, the completion of shells and the
 * check of what was typed are all made from these rows, so a command that is not here does not exist, and one that
 * is here is complete.
 *
 * To add a command: a row in commands.c, a handler in a file of its own (or command_send, when the words go to the
 * supervisor as they are), and its place in bulkheadctl.8, which a test compares with the table.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_COMMAND_H
#define BULKHEAD_DAEMONS_CTL_COMMAND_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a word names, for the completion of shells. */
enum completes {
	COMPLETES_NOTHING = 0, /* free text */
	COMPLETES_FILE,
	COMPLETES_DIRECTORY,
	COMPLETES_ZONE,
	COMPLETES_VIEW,
	COMPLETES_VIEW_OR_ZONE,
	COMPLETES_TYPE,	   /* of a resource record */
	COMPLETES_COMMAND, /* for help */
};

/* --- options ----------------------------------------------------------------------------------------- */

enum ctl_option {
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_VERBOSE,
	OPTION_ZONE,
	OPTION_CACHED,
	OPTION_CD,
	OPTION_PUBLIC,
	OPTION_IF_CHANGED,
	OPTION_RELEASE,
	OPTION_BULKHEADD,
	OPTION_ROLES,
	OPTION_WARNING,
	OPTION_CRITICAL,
	OPTION_TIMEOUT,
	OPTION_STATE,
	OPTION_LOCAL,
	OPTION_WATCH,
	OPTION_TIMES,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT
};

struct option_row {
	char letter;	      /* 0: only the long form */
	const char *name;     /* long form, without its dashes */
	const char *value;    /* what follows it ("PATH"), NULL: nothing */
	const char *commands; /* names of those that take it, divided by commas; NULL: all */
	const char *help;
	enum completes completes; /* its value */
};

extern const struct option_row option_rows[OPTION_COUNT];

/* What was given: the value of each option ("" when it takes none), NULL when it was not given. */
struct options {
	const char *given[OPTION_COUNT];
};

/*
 * Read the options of a command line, in any place of it. Returns the index of the first word that is none (words
 * are moved behind the options, as getopt_long(3) does), or a negative error with a line in why.
 */
int options_read(int argc, char **argv, struct options *options, char *why, size_t why_size) BH_CHECKED;

/* --- commands ---------------------------------------------------------------------------------------- */

#define COMMAND_ARGUMENTS_MAX 4

struct command;

struct call {
	const struct command *command;
	int argc; /* words after the command's name; the table's bounds hold */
	char **argv;
	const struct options *options;
};

/* Returns the exit status: enum ctl_status. */
typedef int command_fn(const struct call *call);

struct command {
	const char *name;      /* one or two words: "zone status" */
	const char *arguments; /* as usage shows them: "[ZONE]"; "" for none */
	unsigned least, most;  /* how many words may follow the name */
	enum completes completes[COMMAND_ARGUMENTS_MAX];
	const char *choices; /* a word that the first may be, besides names; NULL: none */
	command_fn *run;
	const char *help; /* one line */
	const char *more; /* for its own help: sentences, lines end where they should; NULL: nothing more */
};

extern const struct command command_rows[];
extern const size_t command_count;

/*
 * The command that the first words name; *words: how many they are. NULL: none, then *words is how many of them are the
 * beginning of one ("zone" alone: 1).
 */
const struct command *command_find(int argc, char *const *argv, int *words);

/* The name of a command that looks like what was typed, or NULL. */
const char *command_suggest(const char *typed);

/* May this option stand with this command? */
bool command_takes(const struct command *command, enum ctl_option option);

/* Everything, within width columns; and one command. */
void command_help_all(FILE *out, unsigned width);
void command_help(FILE *out, const struct command *command, unsigned width);

/* Check words and options against the table and run: returns the exit status, faults are told on standard error. */
int command_run(int argc, char **argv, const struct options *options);

/* A line on standard error, and where to read more. Returns CTL_UNKNOWN. */
int command_usage_error(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
