/* Tables for people and JSON for machines. SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/grid.h"
#include "daemons/ctl/human.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/print.h"
#include "daemons/ctl/progress.h"
#include "tests/unit/daemons/ctl/rows.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct ctl_row row;

static void keep(struct answer *answer)
{
	cr_assert_eq(answer_add(answer, &row), 0);
}

/* What a printer writes, as a string of the heap. */
static char *text_of_json(const struct answer *answer)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_print(out, answer);
	fclose(out);
	return text;
}

static char *text_of_print(const struct answer *answer, bool colour, bool verbose)
{
	const struct print_style style = { .colour = colour, .verbose = verbose };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	cr_assert_eq(print_answer(out, answer, &style), 0);
	fclose(out);
	return text;
}

Test(ctl_json, groups_rows_by_table_with_typed_values)
{
	struct answer answer;
	answer_init(&answer);
	row_begin(&row, "role");
	row_text(&row, "role", "authority");
	row_number(&row, "pid", UINT64_MAX);
	row_bool(&row, "well", 1);
	keep(&answer);
	row_begin(&row, "zone");
	row_text(&row, "zone", "example.com.");
	keep(&answer);
	row_begin(&row, "role");
	row_text(&row, "role", "resolver");
	row_bool(&row, "well", 0);
	keep(&answer);
	row_begin(&row, "status");
	keep(&answer);
	answer_end(&answer, 1, "not all is well");
	char *text = text_of_json(&answer);
	cr_assert_str_eq(text,
			 "{\"status\":1,\"text\":\"not all is well\","
			 "\"role\":[{\"role\":\"authority\",\"pid\":18446744073709551615,\"well\":true},"
			 "{\"role\":\"resolver\",\"well\":false}],"
			 "\"zone\":[{\"zone\":\"example.com.\"}],\"status_rows\":[{}]}\n");
	free(text);
	answer_clear(&answer);
}

Test(ctl_json, escapes_strings)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
		{ "\n\t\r\b\x1b[2J\x7f", "\"\\n\\t\\u000d\\u0008\\u001b[2J\\u007f\"" },
		{ "\xc3\xa9", "\"\\u00e9\"" },			    /* e acute */
		{ "\xc2\x9b", "\"\\u009b\"" },			    /* a control character of C1 */
		{ "\xe2\x82\xac", "\"\\u20ac\"" },		    /* euro sign */
		{ "\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\"" },	    /* past the first plane */
		{ "\x80z", "\"\\ufffdz\"" },			    /* stray continuation */
		{ "\xc3", "\"\\ufffd\"" },			    /* cut */
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },		    /* cut */
		{ "\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\"" },    /* cut */
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },		    /* overlong */
		{ "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },    /* overlong */
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },    /* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* past U+10FFFF */
		{ "\xff\xfe", "\"\\ufffd\\ufffd\"" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		json_string(out, cases[i].in);
		fclose(out);
		cr_expect_str_eq(text, cases[i].out, "case %zu: %s", i, text);
		free(text);
	}
}

static void add_role(struct answer *answer, const char *role, const char *view, const char *state,
		     uint64_t pid, const char *missing)
{
	row_begin(&row, "role");
	row_text(&row, "role", role);
	row_text(&row, "view", view);
	row_number(&row, "index", 0);
	row_number(&row, "pid", pid);
	row_text(&row, "state", state);
	row_number(&row, "uptime_sec", 187);
	row_number(&row, "gid", 4711);
	row_text(&row, "walls", "no-capabilities,no-new-privs,seccomp");
	row_text(&row, "missing", missing);
	keep(answer);
}

Test(ctl_print, aligns_columns_and_hides_empty_ones)
{
	struct answer answer;
	answer_init(&answer);
	add_role(&answer, "authority", "internal", "running", 7, "");
	add_role(&answer, "resolver", "", "running", 12345, "");
	answer_end(&answer, 0, "all is well");
	char *text = text_of_print(&answer, false, false);
	cr_assert_str_eq(text, "OK: all is well\n"
			       "\n"
			       "Roles\n"
			       "ROLE       VIEW      #    PID  STATE        UP  WALLS\n"
			       "authority  internal  0      7  running  3m 07s  3\n"
			       "resolver             0  12345  running  3m 07s  3\n");
	free(text);
	text = text_of_print(&answer, false, true);
	cr_assert_not_null(strstr(text, "GID"));
	cr_assert_not_null(strstr(text, "MISSING"));
	cr_assert_not_null(strstr(text, "no-capabilities,no-new-privs,seccomp"));
	free(text);
	answer_clear(&answer);
}

Test(ctl_print, writes_no_blanks_at_the_end_of_a_line)
{
	struct answer answer;
	answer_init(&answer);
	row_begin(&row, "zone");
	row_text(&row, "zone", "a.example.");
	row_text(&row, "detail", "");
	row_text(&row, "more", "");
	keep(&answer);
	row_begin(&row, "zone");
	row_text(&row, "zone", "b.example.");
	row_text(&row, "detail", "something");
	row_text(&row, "more", "");
	keep(&answer);
	answer_end(&answer, 0, "");
	for (int verbose = 0; verbose < 2; verbose++) {
		char *text = text_of_print(&answer, false, verbose);
		cr_expect_null(strstr(text, " \n"), "%s", text);
		cr_expect_not_null(strstr(text, "\na.example.\nb.example.  something\n"), "%s", text);
		free(text);
	}
	answer_clear(&answer);
}

Test(ctl_print, marks_bad_rows_without_colours_too)
{
	struct answer answer;
	answer_init(&answer);
	add_role(&answer, "authority", "internal", "running", 7, "");
	add_role(&answer, "resolver", "", "failed", 0, "");
	add_role(&answer, "frontend", "", "running", 9, "seccomp");
	answer_end(&answer, 2, "resolver is down");
	char *text = text_of_print(&answer, false, false);
	cr_assert_not_null(strstr(text, "CRITICAL: resolver is down\n"));
	cr_assert_not_null(strstr(text, "\n  authority"));
	cr_assert_not_null(strstr(text, "\n! resolver"));
	cr_assert_not_null(strstr(text, "\n! frontend"));
	cr_assert_null(strchr(text, 033));
	free(text);
	text = text_of_print(&answer, true, false);
	cr_assert_not_null(strstr(text, "\033[1;31mfailed\033[0m"));
	cr_assert_not_null(strstr(text, "\033[32mrunning\033[0m"));
	free(text);
	answer_clear(&answer);
}

Test(ctl_print, shows_what_wants_attention_only_when_it_does)
{
	static const struct {
		const char *user, *capabilities, *seccomp;
		uint64_t restarts;
		const char *shown, *hidden; /* titles */
		bool bad;
	} cases[] = {
		{ "bulkhead-res", "none", "filter", 0, "CAPABILITIES", "SECCOMP", false },
		{ "bulkhead-res", "none", "filter", 0, "USER", "UID", false },
		{ "bulkhead-res", "none", "filter", 0, "USER", "RESTARTS", false },
		{ "", "none", "filter", 0, "UID", "USER", false },
		{ "bulkhead-res", "none", "filter", 3, "RESTARTS", "UID", false },
		{ "bulkhead-res", "none", "off", 0, "SECCOMP", "UID", true },
		{ "bulkhead-res", "CapEff400", "filter", 0, "CAPABILITIES", "SECCOMP", true },
		{ "bulkhead-res", "", "", 0, "USER", "SECCOMP", false }, /* no process to look at */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer;
		answer_init(&answer);
		row_begin(&row, "role");
		row_text(&row, "role", "resolver");
		row_number(&row, "restarts", cases[i].restarts);
		row_text(&row, "user", cases[i].user);
		row_number(&row, "uid", 60601);
		row_text(&row, "capabilities", cases[i].capabilities);
		row_text(&row, "seccomp", cases[i].seccomp);
		keep(&answer);
		char *text = text_of_print(&answer, false, false);
		cr_expect_not_null(strstr(text, cases[i].shown), "case %zu: %s", i, text);
		cr_expect_null(strstr(text, cases[i].hidden), "case %zu: %s", i, text);
		cr_expect_eq(strstr(text, "\n! ") != NULL, cases[i].bad, "case %zu: %s", i, text);
		free(text);
		answer_clear(&answer);
	}
}

Test(ctl_print, lets_no_control_character_through)
{
	static const char evil[] = "\033[2J\nOK\r\x9b\x7f";
	struct answer answer;
	answer_init(&answer);
	row_begin(&row, evil);
	row_text(&row, evil, evil);
	row_text(&row, "other", "x");
	keep(&answer);
	row_begin(&row, "finding");
	row_text(&row, "severity", evil);
	row_text(&row, "view", evil);
	row_text(&row, "zone", evil);
	row_text(&row, "file", evil);
	row_text(&row, "text", evil);
	keep(&answer);
	row_begin(&row, "counter");
	row_text(&row, "role", evil);
	row_text(&row, "view", evil);
	row_text(&row, "name", evil);
	row_number(&row, "value", 1);
	keep(&answer);
	answer_end(&answer, 0, evil);
	for (int verbose = 0; verbose < 2; verbose++) {
		char *text = text_of_print(&answer, false, verbose);
		for (const char *p = text; *p != '\0'; p++) {
			cr_assert(*p == '\n' || (*p >= 0x20 && *p < 0x7f), "octet %02x", (unsigned char)*p);
		}
		cr_assert_null(strstr(text, "\nOK\n"));
		cr_assert_not_null(strstr(text, "\\027[2J\\010OK\\013\\155\\127"));
		free(text);
	}
	answer_clear(&answer);
}

Test(ctl_print, findings_look_like_a_compilers)
{
	struct answer answer;
	answer_init(&answer);
	row_begin(&row, "finding");
	row_text(&row, "severity", "error");
	row_text(&row, "view", "internal");
	row_text(&row, "zone", "corp.example.");
	row_text(&row, "file", "internal/corp.example.zone");
	row_number(&row, "line", 12);
	row_text(&row, "text", "CNAME with other data");
	keep(&answer);
	row_begin(&row, "finding");
	row_text(&row, "severity", "warning");
	row_text(&row, "text", "something general");
	keep(&answer);
	answer_end(&answer, 2, "");
	char *text = text_of_print(&answer, false, false);
	cr_assert_str_eq(text, "CRITICAL\n"
			       "\n"
			       "Findings\n"
			       "internal/corp.example.zone:12: error: CNAME with other data"
			       "  [view internal, zone corp.example.]\n"
			       "warning: something general\n");
	free(text);
	answer_clear(&answer);
}

static void add_counter(struct answer *answer, const char *role, const char *view, uint64_t index,
			const char *name, uint64_t value)
{
	row_begin(&row, "counter");
	row_text(&row, "role", role);
	row_text(&row, "view", view);
	row_number(&row, "index", index);
	row_text(&row, "name", name);
	row_number(&row, "value", value);
	keep(answer);
}

Test(ctl_print, counters_stand_side_by_side)
{
	struct answer answer;
	answer_init(&answer);
	add_counter(&answer, "authority", "internal", 0, "udp_queries", 5);
	add_counter(&answer, "authority", "internal", 0, "tcp_queries", 0);
	add_counter(&answer, "authority", "internal", 0, "refused", 0);
	add_counter(&answer, "authority", "internal", 0, "intentional_drops", 0);
	add_counter(&answer, "authority", "internal", 1, "udp_queries", 6);
	add_counter(&answer, "frontend", "", 0, "udp_queries", 70);
	add_counter(&answer, "authority", "external", 0, "udp_queries", 1000);
	answer_end(&answer, 0, "");
	char *text = text_of_print(&answer, false, false);
	cr_assert_str_eq(text, "OK\n"
			       "\n"
			       "Counters\n"
			       "AUTHORITY          INTERNAL  EXTERNAL\n"
			       "udp_queries              11      1000\n"
			       "tcp_queries               0         0\n"
			       "intentional_drops         0         0\n"
			       "(1 more at zero; -v shows them)\n"
			       "\n"
			       "FRONTEND     TOTAL\n"
			       "udp_queries     70\n");
	free(text);
	add_counter(&answer, "authority", "internal", 1, "intentional_drops", 3);
	text = text_of_print(&answer, false, true);
	cr_assert_not_null(strstr(text, "\n! intentional_drops         3         0\n"));
	cr_assert_not_null(strstr(text, "\n  refused                   0         0\n"));
	free(text);
	answer_clear(&answer);
}

Test(ctl_print, durations_and_sizes)
{
	static const struct {
		uint64_t in;
		const char *duration, *size;
	} cases[] = {
		{ 0, "0s", "0" },
		{ 59, "59s", "59" },
		{ 60, "1m 00s", "60" },
		{ 1023, "17m 03s", "1023" },
		{ 1024, "17m 04s", "1.0K" },
		{ 3599, "59m 59s", "3.5K" },
		{ 3600, "1h 00m", "3.5K" },
		{ 86400, "1d 00h", "84K" },
		{ 1536u * 1024, "18d 04h", "1.5M" },
		{ UINT64_MAX, "213503982334601d 07h", "15E" },
	};
	char out[HUMAN_MAX];
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_str_eq(human_duration(cases[i].in, out), cases[i].duration);
		cr_expect_str_eq(human_size(cases[i].in, out), cases[i].size);
	}
}

Test(ctl_answer, tables_are_bounded)
{
	struct answer answer;
	char name[32];
	answer_init(&answer);
	for (unsigned i = 0; i <= ANSWER_TABLES_MAX; i++) {
		snprintf(name, sizeof(name), "table%u", i);
		row_begin(&row, name);
		cr_assert_eq(answer_add(&answer, &row), i < ANSWER_TABLES_MAX ? 0 : BH_ELIMIT);
	}
	answer_end(&answer, 200, "x");
	cr_assert_eq(answer.status, 3);
	answer_clear(&answer);
}

Test(ctl_human, counts_and_rates)
{
	static const struct {
		uint64_t count, ms;
		const char *as_count, *as_rate;
	} cases[] = {
		{ 0, 1000, "0", "0" },
		{ 1, 0, "1", "" },
		{ 1, 3000, "1", "0.3" },
		{ 9, 1000, "9", "9.0" },
		{ 9999, 1000, "9999", "9999" },
		{ 10000, 1000, "10.0k", "10.0k" },
		{ 123456, 1000, "123k", "123k" },
		{ 1250000, 500, "1.2M", "2.5M" },
		{ 99999999, 1000, "99.9M", "99.9M" },
		{ UINT64_MAX, 1, "18.4E", "18.4E" },
	};
	char out[HUMAN_MAX];
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_str_eq(human_count(cases[i].count, out), cases[i].as_count, "case %zu: %s", i, out);
		cr_expect_str_eq(human_rate(cases[i].count, cases[i].ms, out), cases[i].as_rate, "case %zu: %s", i, out);
	}
}

Test(ctl_progress, says_how_far_and_how_fast)
{
	char out[PROGRESS_TEXT_MAX];
	row_begin(&row, "progress");
	row_text(&row, "step", "compiling");
	row_number(&row, "done", 3);
	row_number(&row, "total", 12000);
	row_number(&row, "records", 1500000);
	row_text(&row, "zone", "example.com.");
	cr_assert_str_eq(progress_text(&row, 5000, 200, out),
			 "compiling 3 of 12.0k zones, 1.5M records, 300k/s, 5s  example.com.");
	cr_assert_str_eq(progress_text(&row, 5000, 30, out), "compiling 3 of 12.0k zones, 1");
	cr_assert_str_eq(progress_text(&row, 0, 1, out), "c");
	row_begin(&row, "progress");
	row_text(&row, "step", "\033[2J\nroles");
	cr_assert_str_eq(progress_text(&row, 61000, 80, out), "?[2J?roles, 1m 01s");
}

/* The text of a grid with a text column and a number, within width. */
static char *text_of_grid(unsigned width, const char *const *texts, size_t count)
{
	struct region region;
	char *text = NULL;
	size_t len = 0;
	region_init(&region, 4096, 1u << 20);
	struct grid *grid = grid_new(&region);
	cr_assert(grid_column(grid, "name", false) == 0 && grid_column(grid, "count", true) == 1 &&
		  grid_column(grid, "why", false) == 2);
	for (size_t i = 0; i < count; i++) {
		cr_assert(grid_row(grid, false) == 0 && grid_set(grid, 0, texts[i], TONE_PLAIN) == 0 &&
			  grid_set(grid, 1, "1234567890", TONE_PLAIN) == 0 && grid_set(grid, 2, texts[i], TONE_PLAIN) == 0);
	}
	FILE *out = open_memstream(&text, &len);
	grid_print(out, grid, &(struct grid_look){ .width = width });
	fclose(out);
	region_clear(&region);
	return text;
}

Test(ctl_grid, cuts_texts_and_never_numbers_to_fit)
{
	static const char *const texts[] = { "short", "a-name-that-is-fairly-long.example." };
	char *text = text_of_grid(0, texts, 2);
	cr_assert_not_null(strstr(text, "\na-name-that-is-fairly-long.example.  1234567890  a-name-that-is-fairly-long.example.\n"),
			   "%s", text);
	free(text);
	for (unsigned width = 30; width < 100; width++) {
		text = text_of_grid(width, texts, 2);
		for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
			cr_expect_leq(strcspn(p, "\n"), width, "width %u: %s", width, text);
		}
		cr_expect_not_null(strstr(text, "1234567890"));
		free(text);
	}
	text = text_of_grid(40, texts, 2);
	cr_expect_not_null(strstr(text, "..  1234567890"), "%s", text);
	free(text);
	text = text_of_grid(5, texts, 2); /* too narrow for anything: whole numbers all the same */
	cr_expect_not_null(strstr(text, "1234567890"));
	free(text);
}
