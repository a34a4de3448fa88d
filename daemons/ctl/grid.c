/*
 * Aligned columns. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/grid.h"

#include <string.h>

#define GAP 2 /* blanks between columns */
#define COLUMN_LEAST 8 /* a text that is cut keeps as much */
#define LINE_MAX 1024  /* wider than terminals are */

struct grid_line {
	struct grid_cell cells[GRID_COLUMNS_MAX];
	bool bad;
	struct grid_line *next;
};

struct grid {
	struct region *region;
	unsigned columns;
	const char *titles[GRID_COLUMNS_MAX];
	bool right[GRID_COLUMNS_MAX];
	int width[GRID_COLUMNS_MAX];	/* longest cell with the title */
	bool filled[GRID_COLUMNS_MAX]; /* some cell is not empty */
	bool any_bad;
	struct grid_line *first;
	struct grid_line *last;
};

static bool is_printable(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

const char *text_printable(struct region *region, const char *text)
{
	size_t len = 0;
	for (const char *p = text; *p != '\0'; p++) {
		len += is_printable((unsigned char)*p) ? 1 : 4;
	}
	char *out = region_alloc(region, len + 1);
	if (out == NULL) {
		return NULL;
	}
	char *to = out;
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (is_printable(c)) {
			*to++ = (char)c;
		} else {
			*to++ = '\\';
			*to++ = (char)('0' + c / 100);
			*to++ = (char)('0' + c / 10 % 10);
			*to++ = (char)('0' + c % 10);
		}
	}
	*to = '\0';
	return out;
}

struct grid *grid_new(struct region *region)
{
	struct grid *grid = region_alloc(region, sizeof(*grid));
	if (grid != NULL) {
		grid->region = region;
	}
	return grid;
}

/* "uptime_sec" -> "UPTIME SEC" */
static void capitalise(char *title)
{
	for (char *p = title; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z') {
			*p = (char)(*p - 'a' + 'A');
		} else if (*p == '_') {
			*p = ' ';
		}
	}
}

int grid_column(struct grid *grid, const char *title, bool right)
{
	if (grid->columns >= GRID_COLUMNS_MAX) {
		return BH_ELIMIT;
	}
	const char *printable = text_printable(grid->region, title);
	if (printable == NULL) {
		return BH_ENOMEM;
	}
	char *text = region_copy(grid->region, printable, strlen(printable) + 1);
	if (text == NULL) {
		return BH_ENOMEM;
	}
	capitalise(text);
	unsigned i = grid->columns++;
	grid->titles[i] = text;
	grid->right[i] = right;
	grid->width[i] = (int)strlen(text);
	return (int)i;
}

int grid_row(struct grid *grid, bool bad)
{
	struct grid_line *line = region_alloc(grid->region, sizeof(*line));
	if (line == NULL) {
		return BH_ENOMEM;
	}
	line->bad = bad;
	grid->any_bad |= bad;
	if (grid->last == NULL) {
		grid->first = line;
	} else {
		grid->last->next = line;
	}
	grid->last = line;
	return 0;
}

int grid_set(struct grid *grid, unsigned column, const char *text, enum tone tone)
{
	const char *printable = text_printable(grid->region, text);
	if (printable == NULL) {
		return BH_ENOMEM;
	}
	int width = (int)strlen(printable);
	if (width > grid->width[column]) {
		grid->width[column] = width;
	}
	if (width > 0) {
		grid->filled[column] = true;
	}
	grid->last->cells[column].text = printable;
	grid->last->cells[column].tone = (unsigned char)tone;
	return 0;
}

void tone_print(FILE *out, bool colour, enum tone tone, const char *text)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",  [TONE_TITLE] = "1",	  [TONE_FAINT] = "2",
		[TONE_GOOD] = "32", [TONE_WARN] = "33", [TONE_BAD] = "1;31",
	};
	if (!colour || tone == TONE_PLAIN) {
		fputs(text, out);
	} else {
		fprintf(out, "\033[%sm%s\033[0m", codes[tone], text);
	}
}

struct look {
	bool colour;
	unsigned indent;
	bool shown[GRID_COLUMNS_MAX];
	int width[GRID_COLUMNS_MAX];
};

/* The last column of a line that has something to show: no blanks are written behind it. */
static unsigned last_filled(const struct grid *grid, const struct look *look, const struct grid_cell *cells)
{
	unsigned last = 0;
	for (unsigned i = 0; i < grid->columns; i++) {
		if (look->shown[i] && cells[i].text != NULL && cells[i].text[0] != '\0') {
			last = i;
		}
	}
	return last;
}

static void print_line(FILE *out, const struct grid *grid, const struct look *look,
		       const struct grid_cell *cells, bool bad)
{
	const unsigned last = last_filled(grid, look, cells);
	fprintf(out, "%*s", (int)look->indent, "");
	if (grid->any_bad) {
		tone_print(out, look->colour, TONE_BAD, bad ? "! " : "  ");
	}
	for (unsigned i = 0; i <= last && i < grid->columns; i++) {
		if (!look->shown[i]) {
			continue;
		}
		const char *text = cells[i].text == NULL ? "" : cells[i].text;
		int len = (int)strlen(text);
		char cut[LINE_MAX];
		if (len > look->width[i] && look->width[i] < LINE_MAX) { /* at least COLUMN_LEAST wide */
			snprintf(cut, sizeof(cut), "%.*s..", look->width[i] - 2, text);
			text = cut;
			len = look->width[i];
		}
		int pad = look->width[i] - len;
		if (grid->right[i]) {
			fprintf(out, "%*s", pad, "");
		}
		tone_print(out, look->colour, (enum tone)cells[i].tone, text);
		if (i == last) {
			break;
		}
		fprintf(out, "%*s", GAP + (grid->right[i] ? 0 : pad), "");
	}
	fputc('\n', out);
}

/* Take columns from the widest texts until the line fits. */
static void fit(const struct grid *grid, struct look *look, unsigned width)
{
	for (;;) {
		int total = (int)look->indent + (grid->any_bad ? 2 : 0);
		int widest = -1;
		int shown = 0;
		for (unsigned i = 0; i < grid->columns; i++) {
			if (!look->shown[i]) {
				continue;
			}
			total += look->width[i] + (shown++ > 0 ? GAP : 0);
			if (!grid->right[i] && look->width[i] > COLUMN_LEAST &&
			    (widest < 0 || look->width[i] > look->width[widest])) {
				widest = (int)i;
			}
		}
		if (total <= (int)width || widest < 0) {
			return;
		}
		int over = total - (int)width;
		int less = look->width[widest] - COLUMN_LEAST;
		look->width[widest] -= over < less ? (over + 1) / 2 : less > 1 ? (less + 1) / 2 : 1;
	}
}

void grid_print(FILE *out, const struct grid *grid, const struct grid_look *wanted)
{
	struct look look = { .colour = wanted->colour, .indent = wanted->indent };
	struct grid_cell titles[GRID_COLUMNS_MAX] = { 0 };
	for (unsigned i = 0; i < grid->columns; i++) {
		look.shown[i] = wanted->all || grid->filled[i];
		look.width[i] = grid->width[i];
		titles[i].text = grid->titles[i];
		titles[i].tone = TONE_FAINT;
	}
	if (wanted->width > 0) {
		fit(grid, &look, wanted->width);
	}
	if (!wanted->untitled) {
		print_line(out, grid, &look, titles, false);
	}
	for (const struct grid_line *line = grid->first; line != NULL; line = line->next) {
		print_line(out, grid, &look, line->cells, line->bad);
	}
}
