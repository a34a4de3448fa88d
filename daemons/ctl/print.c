/*
 * Answers for people. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/print.h"

#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/counters.h"
#include "daemons/ctl/grid.h"
#include "daemons/ctl/human.h"
#include "daemons/ctl/status.h"

#include <inttypes.h>
#include <string.h>

#define PRINT_OCTETS_MAX (512u << 20) /* of all cells of one answer */
#define CELL_MAX 600		      /* IPC_TEXT_MAX and something around it */

/* How a value is shown. */
enum form {
	FORM_PLAIN = 0,
	FORM_DURATION, /* a number of seconds */
	FORM_SIZE,     /* a number of octets */
	FORM_STATE,    /* a word of good_states or warn_states, else bad */
	FORM_WALL,     /* the one good word, or nothing; else bad */
	FORM_QUIET,    /* the same, and not shown as long as it is good */
	FORM_ALARM,    /* bad when there is something */
	FORM_NOTICE,   /* worth a look when there is something, not shown when there is nothing */
	FORM_FLAG,     /* "yes" or nothing */
	FORM_COUNT,    /* a list of words: their number, unless verbose */
	FORM_UNNAMED,  /* a number that counts where `good`, another field, has no name for it */
	FORM_DETAIL,   /* only when verbose */
	FORM_FILLED,   /* a number; 0 is nothing */
	FORM_SECURITY, /* secure is good, bogus bad */
};

struct column_rule {
	const char *table;
	const char *field;
	const char *title;
	enum form form;
	const char *good;
};

static const struct column_rule plain_column = { .form = FORM_PLAIN };

static const struct column_rule column_rules[] = {
	{ "appliance", "uptime_sec", "up", FORM_DURATION, NULL },
	{ "appliance", "state", "state", FORM_STATE, NULL },
	{ "appliance", "local_wall", "local wall", FORM_WALL, "on" },
	{ "appliance", "saving_stuck_sec", "saving is stuck for", FORM_DURATION, NULL },
	{ "appliance", "local_refused", "local refused", FORM_NOTICE, NULL },
	{ "role", "index", "#", FORM_PLAIN, NULL },
	{ "role", "state", "state", FORM_STATE, NULL },
	{ "role", "uptime_sec", "up", FORM_DURATION, NULL },
	{ "role", "restarts", "restarts", FORM_NOTICE, NULL },
	{ "role", "generation", "generation", FORM_DETAIL, NULL },
	{ "role", "uid", "uid", FORM_UNNAMED, "user" },
	{ "role", "gid", "gid", FORM_DETAIL, NULL },
	{ "role", "capabilities", "capabilities", FORM_WALL, "none" },
	{ "role", "seccomp", "seccomp", FORM_QUIET, "filter" },
	{ "role", "no_new_privs", "no_new_privs", FORM_DETAIL, NULL },
	{ "role", "walls", "walls", FORM_COUNT, NULL },
	{ "role", "missing", "missing", FORM_ALARM, NULL },
	{ "old_role", "state", "state", FORM_STATE, NULL },
	{ "zone", "state", "state", FORM_STATE, NULL },
	{ "zone", "bytes", "size", FORM_SIZE, NULL },
	{ "zone", "overlay", "overlay", FORM_FLAG, NULL },
	{ "generation", "number", "#", FORM_PLAIN, NULL },
	{ "generation", "bytes", "size", FORM_SIZE, NULL },
	{ "generation", "state", "state", FORM_STATE, NULL },
	{ "flushed", "index", "#", FORM_PLAIN, NULL },
	{ "anchor", "state", "state", FORM_STATE, NULL },
	{ "anchor_key", "state", "state", FORM_STATE, NULL },
	{ "anchor_key", "for_sec", "for", FORM_DURATION, NULL },
	{ "negative_anchor", "left_sec", "ends in", FORM_DURATION, NULL },
	{ "step", "at_ms", "ms", FORM_PLAIN, NULL },
	{ "step", "depth", "#", FORM_PLAIN, NULL },
	{ "step", "took_ms", "took", FORM_FILLED, NULL },
	{ "step", "octets", "octets", FORM_DETAIL, NULL },
	{ "step", "state", "state", FORM_SECURITY, NULL },
};

static const struct {
	const char *table;
	const char *title;
} titles[] = {
	{ "appliance", "Appliance" }, { "role", "Roles" },	 { "zone", "Zones" },
	{ "finding", "Findings" },    { "counter", "Counters" }, { "flushed", "Flushed" },
	{ "generation", "Generations" },
	{ "zone_counter", "Queries by zone" },
	{ "anchor", "Trust anchors" },
	{ "anchor_key", "Keys of trust anchors" },
	{ "negative_anchor", "Not validated" },
	{ "step", "Steps" },
	{ "old_role", "Roles of the version before" },
};

static const char *const good_states[] = { "running", "ready",	"serving", "served", "ok",
					   "fine",    "loaded", "current", "up",     "",
					   "configured", "valid", "kept" };
static const char *const warn_states[] = { "starting",	"stopping", "reloading", "loading",
					   "preparing", "stale",    "old",	 "draining",
					   "upgrading",	"pending",	"missing",  "revoked",	 "removed" };

static bool is_among(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0) {
			return true;
		}
	}
	return false;
}

static enum tone state_tone(const char *state)
{
	if (is_among(state, good_states, COUNT(good_states))) {
		return TONE_GOOD;
	}
	if (is_among(state, warn_states, COUNT(warn_states))) {
		return TONE_WARN;
	}
	return TONE_BAD;
}

static const struct column_rule *find_rule(const char *table, const char *field)
{
	for (size_t i = 0; i < COUNT(column_rules); i++) {
		const struct column_rule *rule = &column_rules[i];
		if (strcmp(rule->table, table) == 0 && strcmp(rule->field, field) == 0) {
			return rule;
		}
	}
	return &plain_column;
}

static bool is_something(const struct answer_field *field)
{
	return field->type == CTL_TEXT ? field->text[0] != '\0' : field->number != 0;
}

/* Words in a list that is divided by blanks or commas. */
static unsigned count_words(const char *text)
{
	unsigned words = 0;
	bool inside = false;
	for (; *text != '\0'; text++) {
		bool divider = *text == ' ' || *text == ',';
		if (!divider && !inside) {
			words++;
		}
		inside = !divider;
	}
	return words;
}

static enum tone field_tone(const struct answer_field *field, const struct column_rule *rule)
{
	switch (rule->form) {
	case FORM_STATE:
		return state_tone(field->text);
	case FORM_WALL:
	case FORM_QUIET:
		return field->text[0] == '\0' || strcmp(field->text, rule->good) == 0 ? TONE_PLAIN : TONE_BAD;
	case FORM_ALARM:
		return is_something(field) ? TONE_BAD : TONE_PLAIN;
	case FORM_SECURITY:
		return strcmp(field->text, "secure") == 0 ? TONE_GOOD : strcmp(field->text, "bogus") == 0 ? TONE_BAD : TONE_PLAIN;
	case FORM_NOTICE:
		return is_something(field) ? TONE_WARN : TONE_PLAIN;
	default:
		return TONE_PLAIN;
	}
}

static void field_text(const struct answer_field *field, enum form form, bool verbose, char out[CELL_MAX])
{
	char text[HUMAN_MAX];
	if (field->type == CTL_BOOL) {
		snprintf(out, CELL_MAX, "%s", field->number != 0 ? "yes" : form == FORM_FLAG ? "" : "no");
	} else if (field->type == CTL_NUMBER && form == FORM_DURATION) {
		snprintf(out, CELL_MAX, "%s", human_duration(field->number, text));
	} else if (field->type == CTL_NUMBER && form == FORM_SIZE) {
		snprintf(out, CELL_MAX, "%s", human_size(field->number, text));
	} else if (field->type == CTL_NUMBER && form == FORM_FILLED && field->number == 0) {
		out[0] = '\0';
	} else if (field->type == CTL_NUMBER) {
		snprintf(out, CELL_MAX, "%" PRIu64, field->number);
	} else if (form == FORM_COUNT && !verbose && field->text[0] != '\0') {
		snprintf(out, CELL_MAX, "%u", count_words(field->text));
	} else {
		snprintf(out, CELL_MAX, "%s", field->text);
	}
}

/* The columns of a table: every field name of any row, in the order of first appearance. */
struct columns {
	unsigned count;
	const char *names[GRID_COLUMNS_MAX];
	const struct column_rule *rules[GRID_COLUMNS_MAX];
	int in_grid[GRID_COLUMNS_MAX]; /* column of the grid, -1: not shown */
};

static int find_column(const struct columns *columns, const char *name)
{
	for (unsigned i = 0; i < columns->count; i++) {
		if (strcmp(columns->names[i], name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/* Does any row have something in this column that a person wants to see? */
static bool column_is_wanted(const struct answer_table *table, const char *name,
			     const struct column_rule *rule)
{
	bool wanted = rule->form != FORM_QUIET && rule->form != FORM_NOTICE && rule->form != FORM_UNNAMED;
	for (const struct answer_row *row = table->first; row != NULL && !wanted; row = row->next) {
		const struct answer_field *field = answer_field(row, name);
		if (field != NULL && rule->form == FORM_UNNAMED) {
			const struct answer_field *named = answer_field(row, rule->good);
			wanted = named == NULL || named->text[0] == '\0';
		} else if (field != NULL) {
			wanted = field_tone(field, rule) != TONE_PLAIN;
		}
	}
	return wanted && rule->form != FORM_DETAIL;
}

static int add_columns(struct columns *columns, struct grid *grid, const struct answer_table *table,
		       bool verbose)
{
	for (const struct answer_row *row = table->first; row != NULL; row = row->next) {
		for (unsigned i = 0; i < row->count; i++) {
			const struct answer_field *field = &row->fields[i];
			if (find_column(columns, field->name) >= 0 || columns->count == GRID_COLUMNS_MAX) {
				continue;
			}
			const struct column_rule *rule = find_rule(table->name, field->name);
			unsigned c = columns->count++;
			columns->names[c] = field->name;
			columns->rules[c] = rule;
			columns->in_grid[c] = -1;
			if (!verbose && !column_is_wanted(table, field->name, rule)) {
				continue;
			}
			columns->in_grid[c] = grid_column(grid, rule->title == NULL ? field->name : rule->title,
							  field->type == CTL_NUMBER);
			if (columns->in_grid[c] < 0) {
				return columns->in_grid[c];
			}
		}
	}
	return 0;
}

static bool row_is_bad(const struct columns *columns, const struct answer_row *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		int c = find_column(columns, row->fields[i].name);
		if (c >= 0 && field_tone(&row->fields[i], columns->rules[c]) == TONE_BAD) {
			return true;
		}
	}
	return false;
}

int print_table(FILE *out, struct region *region, const struct answer_table *table, const struct print_style *style)
{
	struct columns columns = { 0 };
	char text[CELL_MAX];
	struct grid *grid = grid_new(region);
	if (grid == NULL) {
		return BH_ENOMEM;
	}
	int err = add_columns(&columns, grid, table, style->verbose);
	for (const struct answer_row *row = table->first; row != NULL && err == 0; row = row->next) {
		err = grid_row(grid, row_is_bad(&columns, row));
		for (unsigned i = 0; i < row->count && err == 0; i++) {
			const struct answer_field *field = &row->fields[i];
			int c = find_column(&columns, field->name);
			if (c < 0 || columns.in_grid[c] < 0) {
				continue;
			}
			field_text(field, columns.rules[c]->form, style->verbose, text);
			err = grid_set(grid, (unsigned)columns.in_grid[c], text,
				       field_tone(field, columns.rules[c]));
		}
	}
	if (err == 0) {
		grid_print(out, grid, &(struct grid_look){ .colour = style->colour, .all = style->verbose,
								   .width = style->verbose ? 0 : style->width });
	}
	return err;
}

/* --- findings: as compilers print them, so that editors find the place ------------------------------ */

static const char *printable_field(struct region *region, const struct answer_row *row, const char *name)
{
	const struct answer_field *field = answer_field(row, name);
	const char *text = field == NULL ? "" : text_printable(region, field->text);
	return text == NULL ? "" : text;
}

/* The line of a finding: "file:line: error: text  [view internal, zone corp.example.]" */
static void print_finding(FILE *out, struct region *region, const struct answer_row *row, const struct print_style *style)
{
	const char *severity = printable_field(region, row, "severity");
	const char *view = printable_field(region, row, "view");
	const char *zone = printable_field(region, row, "zone");
	const char *file = printable_field(region, row, "file");
	const struct answer_field *line = answer_field(row, "line");
	if (file[0] != '\0') {
		tone_print(out, style->colour, TONE_TITLE, file);
		if (line != NULL && line->number != 0) {
			fprintf(out, ":%" PRIu64, line->number);
		}
		fputs(": ", out);
	}
	bool warning = strcmp(severity, "warning") == 0;
	tone_print(out, style->colour, warning ? TONE_WARN : TONE_BAD, severity[0] == '\0' ? "error" : severity);
	fprintf(out, ": %s", printable_field(region, row, "text"));
	if (zone[0] != '\0' || view[0] != '\0') {
		fprintf(out, "  [%s%s%s%s%s]", view[0] == '\0' ? "" : "view ", view,
			zone[0] == '\0' || view[0] == '\0' ? "" : ", ", zone[0] == '\0' ? "" : "zone ", zone);
	}
	fputc('\n', out);
}

/* --- the whole --------------------------------------------------------------------------------------- */

static void print_headline(FILE *out, struct region *region, const struct answer *answer,
			   const struct print_style *style)
{
	static const struct {
		const char *word;
		enum tone tone;
	} words[] = {
		[CTL_FINE] = { "OK", TONE_GOOD },
		[CTL_WARNING] = { "WARNING", TONE_WARN },
		[CTL_CRITICAL] = { "CRITICAL", TONE_BAD },
		[CTL_UNKNOWN] = { "UNKNOWN", TONE_BAD },
	};
	const char *text = text_printable(region, answer->text);
	tone_print(out, style->colour, words[answer->status].tone, words[answer->status].word);
	if (text != NULL && text[0] != '\0') {
		fprintf(out, ": %s", text);
	}
	fputc('\n', out);
}

static void print_title(FILE *out, struct region *region, const char *table, const struct print_style *style)
{
	const char *title = text_printable(region, table);
	for (size_t i = 0; i < COUNT(titles); i++) {
		if (strcmp(titles[i].table, table) == 0) {
			title = titles[i].title;
		}
	}
	tone_print(out, style->colour, TONE_TITLE, title == NULL ? "" : title);
	fputc('\n', out);
}

int print_answer(FILE *out, const struct answer *answer, const struct print_style *style)
{
	struct region region;
	int err = 0;
	region_init(&region, 64u << 10, PRINT_OCTETS_MAX);
	print_headline(out, &region, answer, style);
	for (const struct answer_table *t = answer->first; t != NULL && err == 0; t = t->next) {
		fputc('\n', out);
		print_title(out, &region, t->name, style);
		if (strcmp(t->name, "finding") == 0) {
			for (const struct answer_row *row = t->first; row != NULL; row = row->next) {
				print_finding(out, &region, row, style);
				if (region.used > PRINT_OCTETS_MAX / 2) {
					region_reset(&region);
				}
			}
		} else if (strcmp(t->name, "counter") == 0) {
			err = counters_print(out, &region, t, style);
		} else {
			err = print_table(out, &region, t, style);
		}
		region_reset(&region);
	}
	region_clear(&region);
	return err;
}
