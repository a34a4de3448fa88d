/*
 * What the rows of the tables mean: finding, checking, explaining. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/command.h"

#include "daemons/ctl/status.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define WORD_MAX 32	/* a word that is longer is like no command */
#define HELP_WIDTH_MIN 60
#define INDENT 2
#define LETTERS_FROM 1000 /* getopt's value of an option without a letter: this and its number */

/* --- options ----------------------------------------------------------------------------------------- */

static int find_option(int got)
{
	if (got >= LETTERS_FROM && got < LETTERS_FROM + OPTION_COUNT) {
		return got - LETTERS_FROM;
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].letter != 0 && option_rows[i].letter == got) {
			return i;
		}
	}
	return -1;
}

int options_read(int argc, char **argv, struct options *options, char *why, size_t why_size)
{
	struct option longs[OPTION_COUNT + 1] = { { NULL, 0, NULL, 0 } };
	char letters[2 * OPTION_COUNT + 2] = ":"; /* ":": a missing value is told from an unknown option */
	size_t len = 1;
	int got;

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		longs[i].name = row->name;
		longs[i].has_arg = row->value != NULL ? required_argument : no_argument;
		longs[i].val = row->letter != 0 ? row->letter : LETTERS_FROM + i;
		if (row->letter != 0) {
			letters[len++] = row->letter;
			if (row->value != NULL) {
				letters[len++] = ':';
			}
		}
	}
	letters[len] = '\0';
	memset(options, 0, sizeof(*options));
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int i = find_option(got);
		if (i < 0) {
			snprintf(why, why_size, "%s: %s", got == ':' ? "an option without its value" : "unknown option",
				 optind > 0 && optind <= argc ? argv[optind - 1] : "");
			return BH_EMALFORMED;
		}
		options->given[i] = optarg == NULL ? "" : optarg;
	}
	return optind;
}

/* Is the name in a list that is divided by commas? */
static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = list; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, len) == 0 && (at[len] == '\0' || at[len] == ',')) {
			return true;
		}
	}
	return false;
}

bool command_takes(const struct command *command, enum ctl_option option)
{
	const char *list = option_rows[option].commands;
	return list == NULL || is_listed(list, command->name);
}

/* --- finding ----------------------------------------------------------------------------------------- */

/* How many of the words are the name's; *whole: all of the name was there. */
static int match_name(const char *name, int argc, char *const *argv, bool *whole)
{
	int words = 0;
	*whole = false;
	for (const char *at = name; words < argc; at++) {
		size_t len = strcspn(at, " ");
		if (strlen(argv[words]) != len || strncmp(at, argv[words], len) != 0) {
			return words;
		}
		words++;
		at += len;
		if (*at == '\0') {
			*whole = true;
			return words;
		}
	}
	return words;
}

const struct command *command_find(int argc, char *const *argv, int *words)
{
	*words = 0;
	for (size_t i = 0; i < command_count; i++) {
		bool whole;
		int n = match_name(command_rows[i].name, argc, argv, &whole);
		if (whole) {
			*words = n;
			return &command_rows[i];
		}
		*words = n > *words ? n : *words;
	}
	return NULL;
}

/* Letters to insert, remove, change, or exchange with their neighbour (Damerau and Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0];
	unsigned *last = rows[1];
	unsigned *now = rows[2];
	if (a_len > WORD_MAX || b_len > WORD_MAX) {
		return WORD_MAX;
	}
	for (size_t j = 0; j <= b_len; j++) {
		last[j] = (unsigned)j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) {
				best = before[j - 2] + 1;
			}
			now[j] = best;
		}
		unsigned *free_row = before;
		before = last;
		last = now;
		now = free_row;
	}
	return last[b_len];
}

const char *command_suggest(const char *typed)
{
	const char *best = NULL;
	size_t len = strlen(typed);
	unsigned least = len < 4 ? 2 : 3; /* as far away is no likeness */
	if (len < 2 || len > WORD_MAX) {
		return NULL;
	}
	for (size_t i = 0; i < command_count; i++) {
		if (strncmp(command_rows[i].name, typed, len) == 0) {
			return command_rows[i].name; /* cut short */
		}
	}
	for (size_t i = 0; i < command_count; i++) {
		const char *name = command_rows[i].name;
		char first[WORD_MAX + 1];
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, " "), name);
		unsigned whole = distance(typed, name);
		unsigned word = distance(typed, first);
		unsigned d = whole < word ? whole : word;
		if (d < least) {
			least = d;
			best = name;
		}
	}
	return best;
}

/* --- explaining -------------------------------------------------------------------------------------- */

/* Text from column `from` on, broken at blanks so that it stays within width. */
static void put_wrapped(FILE *out, const char *text, unsigned from, unsigned width)
{
	unsigned column = from;
	while (*text != '\0') {
		unsigned len = (unsigned)strcspn(text, " \n");
		if (column > from && column + len >= width) {
			fprintf(out, "\n%*s", (int)from, "");
			column = from;
		}
		fprintf(out, "%.*s", (int)len, text);
		column += len;
		text += len;
		if (*text == '\n') {
			fprintf(out, "\n%*s", text[1] == '\0' ? 0 : (int)from, "");
			column = from;
			text++;
		} else if (*text == ' ') {
			text += strspn(text, " ");
			if (column + 1 + strcspn(text, " \n") < width) {
				fputc(' ', out);
			}
			column++;
		}
	}
	fputc('\n', out);
}

/* "  left      text text"; what is too long on the left has a line of its own. */
static void put_pair(FILE *out, const char *left, const char *text, unsigned column, unsigned width)
{
	unsigned len = INDENT + (unsigned)strlen(left);
	fprintf(out, "%*s%s", INDENT, "", left);
	if (len + 2 > column) {
		fputc('\n', out);
		len = 0;
	}
	fprintf(out, "%*s", (int)(column - len), "");
	put_wrapped(out, text, column, width);
}

static void put_command(FILE *out, const struct command *command, unsigned column, unsigned width)
{
	char left[96];
	snprintf(left, sizeof(left), "%s%s%s", command->name, command->arguments[0] == '\0' ? "" : " ",
		 command->arguments);
	put_pair(out, left, command->help, column, width);
}

static void put_option(FILE *out, const struct option_row *row, unsigned column, unsigned width)
{
	char left[96];
	char letter[8] = "";
	if (row->letter != 0) {
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	}
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->value == NULL ? "" : "=",
		 row->value == NULL ? "" : row->value);
	put_pair(out, left, row->help, column, width);
}

void command_help_all(FILE *out, unsigned width)
{
	width = width < HELP_WIDTH_MIN ? HELP_WIDTH_MIN : width;
	fputs("usage: bulkheadctl [OPTION...] COMMAND [ARGUMENT...]\n\n", out);
	for (size_t i = 0; i < command_count; i++) {
		put_command(out, &command_rows[i], 24, width);
	}
	fputs("\nOptions:\n", out);
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].commands == NULL) {
			put_option(out, &option_rows[i], 24, width);
		}
	}
	fputc('\n', out);
	put_wrapped(out, "`bulkheadctl COMMAND --help' tells more of a command, and its own options.", 0, width);
	put_wrapped(out, "Exit status: 0 fine, 1 warning, 2 critical, 3 unknown or not reached.", 0, width);
}

void command_help(FILE *out, const struct command *command, unsigned width)
{
	bool any = false;
	width = width < HELP_WIDTH_MIN ? HELP_WIDTH_MIN : width;
	for (int i = 0; i < OPTION_COUNT; i++) {
		any = any || (option_rows[i].commands != NULL && command_takes(command, (enum ctl_option)i));
	}
	fprintf(out, "usage: bulkheadctl %s%s%s%s\n\n", command->name, any ? " [OPTION...]" : "",
		command->arguments[0] == '\0' ? "" : " ", command->arguments);
	put_wrapped(out, command->help, 0, width);
	if (command->more != NULL) {
		fputc('\n', out);
		put_wrapped(out, command->more, 0, width);
	}
	if (any) {
		fputs("\nOptions:\n", out);
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].commands != NULL && command_takes(command, (enum ctl_option)i)) {
			put_option(out, &option_rows[i], 24, width);
		}
	}
}

int command_usage_error(const struct command *command, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("bulkheadctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	if (command != NULL) {
		fprintf(stderr, "usage: bulkheadctl %s%s%s\n", command->name, command->arguments[0] == '\0' ? "" : " ",
			command->arguments);
	} else {
		fputs("Try: bulkheadctl help\n", stderr);
	}
	return CTL_UNKNOWN;
}

/* --- running ----------------------------------------------------------------------------------------- */

static int refuse_unknown(int argc, char **argv, int begun)
{
	char typed[2 * WORD_MAX + 2];
	char known[256] = "";
	size_t used = 0;
	snprintf(typed, sizeof(typed), "%.*s%s%.*s", WORD_MAX, argv[0], argc > 1 && begun > 0 ? " " : "",
		 argc > 1 && begun > 0 ? WORD_MAX : 0, argc > 1 ? argv[1] : "");
	if (begun > 0) { /* "zone" is the beginning of several */
		size_t len = strlen(argv[0]);
		for (size_t i = 0; i < command_count && used < sizeof(known); i++) {
			const char *name = command_rows[i].name;
			if (strncmp(name, argv[0], len) == 0 && name[len] == ' ') {
				int n = snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "", name + len + 1);
				used += n > 0 ? (size_t)n : 0;
			}
		}
		return command_usage_error(NULL, "%s: %s knows: %s", typed, argv[0], known);
	}
	const char *like = command_suggest(typed);
	return like != NULL ? command_usage_error(NULL, "no such command: %s (did you mean %s?)", typed, like)
			    : command_usage_error(NULL, "no such command: %s", typed);
}

int command_run(int argc, char **argv, const struct options *options)
{
	int words;
	if (argc < 1) {
		return command_usage_error(NULL, "no command");
	}
	const struct command *command = command_find(argc, argv, &words);
	if (command == NULL) {
		return refuse_unknown(argc, argv, words);
	}
	struct call call = { command, argc - words, argv + words, options };
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (options->given[i] != NULL && !command_takes(command, (enum ctl_option)i)) {
			return command_usage_error(NULL, "--%s belongs to: %s", option_rows[i].name,
						   option_rows[i].commands);
		}
	}
	if (options->given[OPTION_HELP] != NULL) {
		command_help(stdout, command, 80);
		return CTL_FINE;
	}
	if ((unsigned)call.argc < command->least) {
		return command_usage_error(command, "%s wants an argument more", command->name);
	}
	if ((unsigned)call.argc > command->most) {
		return command_usage_error(command, "too many arguments: %s", call.argv[command->most]);
	}
	return command->run(&call);
}
