/* The tables of commands and options, and what is made from them. SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/conf.h"
#include "common/util/count.h"
#include "daemons/ctl/command.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

Test(ctl_command, rows_are_complete)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *row = &command_rows[i];
		unsigned words = 1;
		cr_assert_not_null(row->name);
		for (const char *p = row->name; *p != '\0'; p++) {
			words += *p == ' ';
			cr_expect(*p == ' ' || islower((unsigned char)*p), "%s", row->name);
		}
		cr_expect_leq(words, 2u, "%s", row->name);
		cr_expect(row->arguments != NULL && row->help != NULL && row->help[0] != '\0', "%s", row->name);
		cr_expect_not_null(row->run, "%s", row->name);
		cr_expect(row->least <= row->most && row->most <= COMMAND_ARGUMENTS_MAX, "%s", row->name);
		cr_expect_eq(row->most == 0, row->arguments[0] == '\0', "%s: arguments that usage does not show", row->name);
		for (unsigned a = row->most; a < COMMAND_ARGUMENTS_MAX; a++) {
			cr_expect_eq(row->completes[a], COMPLETES_NOTHING, "%s completes what it does not take", row->name);
		}
		for (size_t j = 0; j < i; j++) {
			cr_expect_str_neq(row->name, command_rows[j].name);
		}
	}
}

Test(ctl_command, options_belong_to_commands_that_exist)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		bool any = false;
		cr_assert(row->name != NULL && row->help != NULL, "option %d", i);
		for (size_t c = 0; c < command_count; c++) {
			any = any || command_takes(&command_rows[c], (enum ctl_option)i);
		}
		cr_expect(any, "no command takes --%s", row->name);
		size_t named = 0;
		for (const char *p = row->commands; p != NULL && *p != '\0'; p++) {
			named += *p == ',';
		}
		size_t takers = 0;
		for (size_t c = 0; c < command_count; c++) {
			takers += command_takes(&command_rows[c], (enum ctl_option)i);
		}
		cr_expect(row->commands == NULL || takers == named + 1, "--%s names a command that does not exist", row->name);
		for (int j = 0; j < i; j++) {
			cr_expect_str_neq(row->name, option_rows[j].name);
			cr_expect(row->letter == 0 || row->letter != option_rows[j].letter, "-%c", row->letter);
		}
	}
}

Test(ctl_command, words_find_their_row)
{
	static const struct {
		const char *argv[4];
		int argc;
		const char *name; /* NULL: none */
		int words;
	} cases[] = {
		{ { "status" }, 1, "status", 1 },
		{ { "stats", "internal" }, 2, "stats", 1 },
		{ { "zone", "status" }, 2, "zone status", 2 },
		{ { "zone", "status", "example.com" }, 3, "zone status", 2 },
		{ { "zone" }, 1, NULL, 1 },
		{ { "zone", "stat" }, 2, NULL, 1 },
		{ { "zone status" }, 1, NULL, 0 }, /* one word with a blank in it */
		{ { "stat" }, 1, NULL, 0 },
		{ { "statuses" }, 1, NULL, 0 },
		{ { "" }, 1, NULL, 0 },
		{ { "nta", "remove", "x" }, 3, "nta remove", 2 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		int words = -1;
		const struct command *row =
			command_find(cases[i].argc, (char *const *)(uintptr_t)cases[i].argv, &words);
		cr_expect_eq(row == NULL, cases[i].name == NULL, "case %zu", i);
		cr_expect(row == NULL || strcmp(row->name, cases[i].name) == 0, "case %zu: %s", i,
			  row == NULL ? "" : row->name);
		cr_expect_eq(words, cases[i].words, "case %zu: %d", i, words);
	}
}

Test(ctl_command, a_slip_is_understood)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "statsu", "status" }, { "staus", "status" },	 { "rload", "reload" }, { "relaod", "reload" },
		{ "chekc", "check" },	{ "rel", "reload" },	 { "anchor", "anchors" }, { "flsh", "flush" },
		{ "zones", "zone status" }, { "xyzzy", NULL }, { "q", NULL }, { "", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *like = command_suggest(cases[i].typed);
		cr_expect_eq(like == NULL, cases[i].meant == NULL, "%s: %s", cases[i].typed, like == NULL ? "none" : like);
		cr_expect(like == NULL || cases[i].meant == NULL || strcmp(like, cases[i].meant) == 0, "%s: %s",
			  cases[i].typed, like == NULL ? "" : like);
	}
}

/* NULL: of all. */
static void help_text(const struct command *command, unsigned width, char out_text[8192])
{
	FILE *out = fmemopen(out_text, 8192, "w");
	cr_assert_not_null(out);
	if (command == NULL) {
		command_help_all(out, width);
	} else {
		command_help(out, command, width);
	}
	cr_assert_eq(fclose(out), 0);
}

Test(ctl_command, help_names_every_row_within_the_width)
{
	static const unsigned widths[] = { 20, 60, 80, 100, 200 };
	for (size_t w = 0; w < COUNT(widths); w++) {
		static char all[8192];
		static char one[8192];
		help_text(NULL, widths[w], all);
		size_t most = widths[w] < 60 ? 60 : widths[w];
		for (size_t i = 0; i < command_count; i++) {
			char line[80];
			snprintf(line, sizeof(line), "\n  %s", command_rows[i].name);
			cr_expect_not_null(strstr(all, line), "%s", command_rows[i].name);
			help_text(&command_rows[i], widths[w], one);
			cr_expect(strncmp(one, "usage: bulkheadctl ", 19) == 0 &&
				  strncmp(one + 19, command_rows[i].name, strlen(command_rows[i].name)) == 0, "%s", one);
			for (const char *p = strchr(one, '\n') + 1; *p != '\0'; p = strchr(p, '\n') + 1) {
				cr_expect_leq(strcspn(p, "\n"), most, "%s", p);
			}
			cr_expect_null(strstr(one, " \n"), "%s", one);
		}
		for (const char *p = all; *p != '\0'; p = strchr(p, '\n') + 1) {
			cr_expect_leq(strcspn(p, "\n"), most, "%s", p);
		}
		cr_expect_null(strstr(all, " \n"), "%s", all);
	}
}

Test(ctl_command, options_are_read_in_any_place)
{
	struct options options;
	char why[128];
	const char *argv[] = { "bulkheadctl", "flush", "-jz", "example.com", "--socket=/x", "-v", NULL };
	int first = options_read(6, (char **)(uintptr_t)argv, &options, why, sizeof(why));
	cr_assert_eq(first, 5, "%d %s", first, why);
	cr_assert_str_eq(argv[5], "flush");
	cr_assert_str_eq(options.given[OPTION_ZONE], "example.com");
	cr_assert_str_eq(options.given[OPTION_SOCKET], "/x");
	cr_assert_str_eq(options.given[OPTION_JSON], "");
	cr_assert_str_eq(options.given[OPTION_VERBOSE], "");
	cr_assert_null(options.given[OPTION_CD]);
	cr_assert_null(options.given[OPTION_HELP]);
}

/* The page as it is written for mdoc(7): every command and option has an item there, and no other. */
Test(ctl_command, the_manual_has_every_row)
{
	static char page[128 * 1024];
	char path[512];
	snprintf(path, sizeof(path), "%s/daemons/ctl/bulkheadctl.8", BH_SOURCE_DIR);
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	for (size_t i = 0; i < command_count; i++) {
		char item[80];
		size_t len = (size_t)snprintf(item, sizeof(item), "\n.It Cm %s", command_rows[i].name);
		const char *at = strstr(page, item);
		cr_expect(at != NULL && (at[len] == '\n' || at[len] == ' '), "bulkheadctl.8 has no item \"%s\"",
			  command_rows[i].name);
	}
	for (const char *at = strstr(page, "\n.It Cm "); at != NULL; at = strstr(at + 1, "\n.It Cm ")) {
		bool known = false;
		for (size_t i = 0; i < command_count; i++) {
			known = known || strncmp(at + 8, command_rows[i].name, strlen(command_rows[i].name)) == 0;
		}
		cr_expect(known, "bulkheadctl.8 has a command that does not exist: %.40s", at + 8);
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		char item[80];
		snprintf(item, sizeof(item), "Fl %s%s", option_rows[i].letter != 0 ? "\\-" : "-", option_rows[i].name);
		cr_expect_not_null(strstr(page, item), "bulkheadctl.8 has no \"%s\"", item);
	}
}
