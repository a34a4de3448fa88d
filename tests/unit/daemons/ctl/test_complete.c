/* What is offered at the cursor. SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/complete.h"
#include "tests/unit/daemons/ctl/rows.h"

#include <criterion/criterion.h>

static char text[64 * 1024];
static const char *asked; /* the socket that was named */

static void add(struct answer *answer, const char *table, const char *name)
{
	static struct ctl_row row;
	row_begin(&row, table);
	row_text(&row, table, name);
	cr_assert_eq(answer_add(answer, &row), 0);
}

static bool play(const struct options *options, struct answer *answer)
{
	asked = options->given[OPTION_SOCKET];
	add(answer, "view", "internal");
	add(answer, "view", "external");
	add(answer, "zone", "example.com.");
	add(answer, "zone", "example.net.");
	add(answer, "zone", ".");
	add(answer, "zone", "$(reboot).example.");
	add(answer, "zone", "-rf.example.");
	return true;
}

static bool nobody(const struct options *options, struct answer *answer)
{
	(void)options;
	(void)answer;
	return false;
}

/* Candidates joined with blanks. words are divided by blanks; a blank at the end begins another. */
static const char *complete(const char *line, complete_ask_fn *ask)
{
	static char copy[512];
	static char joined[64 * 1024];
	char *argv[COMPLETE_WORDS_MAX];
	int argc = 0;
	size_t used = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	argv[argc++] = copy;
	for (char *p = copy; *p != '\0'; p++) {
		if (*p == ' ') {
			*p = '\0';
			argv[argc++] = p + 1;
		}
	}
	memset(text, 0, sizeof(text));
	FILE *out = fmemopen(text, sizeof(text), "w");
	asked = NULL;
	complete_words(out, argc, argv, ask);
	cr_assert_eq(fclose(out), 0);
	joined[0] = '\0';
	for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
		used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%.*s", used > 0 ? " " : "",
					 (int)strcspn(p, "\t\n"), p);
	}
	return joined;
}

Test(ctl_complete, words_options_and_names)
{
	static const struct {
		const char *line, *candidates;
	} cases[] = {
		{ "st", "status stop stats" },
		{ "sta", "status stats" },
		{ "zone ", "status reload history dump diff rollback" },
		{ "zone s", "status" },
		{ "zone status ", "example.com example.net ." },
		{ "zone status example.c", "example.com" },
		{ "zone status example.com.", "example.com." },
		{ "zone status example.com ", "" },
		{ "stats e", "external example.com example.net" },
		{ "-s /x stats i", "internal" },
		{ "flush ", "all" },
		{ "flush -z example.n", "example.net" },
		{ "flush --zone = example.n", "example.net" },
		{ "flush --z", "--zone" },
		{ "flush --ca", "" }, /* of trace */
		{ "trace --c", "--cached --cd" },
		{ "trace www.example AA", "AAAA" },
		{ "trace --cd www.example MX", "MX" },
		{ "--soc", "--socket" },
		{ "--socket /r", ":file" },
		{ "--socket =", ":file" },
		{ "--socket=/r", ":file" },
		{ "-s", "-s" },
		{ "-L", "" }, /* of check */
		{ "check -L ", ":directory" },
		{ "check ", ":file" },
		{ "nta ", "add remove list" },
		{ "nta r", "remove" },
		{ "help nta r", "remove" },
		{ "help sto", "stop" },
		{ "status ", "" },
		{ "nonsense ", "" },
		{ "nonsense more ", "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = complete(cases[i].line, play);
		/* Others may come later: what is here must be there, in this order. */
		cr_expect_str_eq(got, cases[i].candidates, "\"%s\": %s", cases[i].line, got);
	}
	complete("-s /x stats ", play);
	cr_expect_str_eq(asked, "/x");
	complete("--socket=/y stats ", play);
	cr_expect_str_eq(asked, "/y");
	complete("-js/z stats ", play);
	cr_expect_str_eq(asked, "/z");
	cr_expect_str_eq(complete("stats ", nobody), "");
	complete("sta", play);
	cr_expect_null(asked); /* nobody is asked for commands */
}

/* Every command and option of the tables is offered, and nothing else. */
Test(ctl_complete, everything_is_offered)
{
	for (size_t i = 0; i < command_count; i++) {
		char line[64];
		char wanted[64];
		const char *space = strchr(command_rows[i].name, ' ');
		snprintf(line, sizeof(line), "%.*s", space == NULL ? (int)strlen(command_rows[i].name)
								   : (int)(space - command_rows[i].name) + 1,
			 command_rows[i].name);
		complete(line, nobody);
		snprintf(wanted, sizeof(wanted), "%s\t", space == NULL ? command_rows[i].name : space + 1);
		cr_expect_not_null(strstr(text, wanted), "%s: %s", line, text);
		for (int o = 0; o < OPTION_COUNT; o++) {
			snprintf(line, sizeof(line), "%s --", command_rows[i].name);
			complete(line, nobody);
			snprintf(wanted, sizeof(wanted), "--%s\t", option_rows[o].name);
			cr_expect_eq(strstr(text, wanted) != NULL, command_takes(&command_rows[i], (enum ctl_option)o), "%s%s",
				     line, option_rows[o].name);
		}
	}
}

Test(ctl_complete, nothing_reaches_a_shell_that_it_could_take_for_more)
{
	complete("stats ", play);
	cr_assert_null(strpbrk(text, "$()`;&|<>*?'\"\\"));
	complete("zone status -", play);
	cr_assert_null(strstr(text, "-rf"));
	complete("zone status ", play);
	cr_assert_null(strstr(text, "-rf"));
	/* Too many words, no words: nothing, and no harm. */
	char line[400];
	memset(line, ' ', sizeof(line));
	line[2 * COMPLETE_WORDS_MAX] = '\0';
	char *argv[1] = { NULL };
	complete_words(stderr, 0, argv, nobody);
}
