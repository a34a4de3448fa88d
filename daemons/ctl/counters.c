/*
 * Counters for people. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/counters.h"

#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/grid.h"
#include "daemons/ctl/print.h"

#include <inttypes.h>
#include <string.h>

struct counter {
	const char *role, *view, *name;
	uint64_t value;
};

static bool get_counter(const struct answer_row *row, struct counter *out)
{
	const struct answer_field *role = answer_field(row, "role");
	const struct answer_field *view = answer_field(row, "view");
	const struct answer_field *name = answer_field(row, "name");
	const struct answer_field *value = answer_field(row, "value");
	if (role == NULL || name == NULL || value == NULL || value->type == CTL_TEXT) {
		return false;
	}
	*out = (struct counter){ role->text, view == NULL ? "" : view->text, name->text, value->number };
	return true;
}

struct sums {
	struct {
		const char *name;
		uint64_t values[GRID_COLUMNS_MAX]; /* by view */
	} rows[512];				   /* a role has at most STATS_COUNTERS of them */
	unsigned row_count;
	const char *views[GRID_COLUMNS_MAX - 1];
	unsigned view_count;
};

static bool add_counter(struct sums *sums, const struct counter *counter)
{
	unsigned r = 0;
	unsigned v = 0;
	while (r < sums->row_count && strcmp(sums->rows[r].name, counter->name) != 0) {
		r++;
	}
	while (v < sums->view_count && strcmp(sums->views[v], counter->view) != 0) {
		v++;
	}
	if (r == COUNT(sums->rows) ||
	    v == COUNT(sums->views)) {
		return false;
	}
	if (r == sums->row_count) {
		sums->rows[sums->row_count++].name = counter->name;
	}
	if (v == sums->view_count) {
		sums->views[sums->view_count++] = counter->view;
	}
	sums->rows[r].values[v] += counter->value;
	return true;
}

/* Shown even at zero: that nobody asks is worth knowing, and that nothing was dropped on purpose. */
static bool is_always_shown(const char *name)
{
	static const char ending[] = "queries";
	size_t len = strlen(name);
	return strcmp(name, "intentional_drops") == 0 ||
	       (len >= sizeof(ending) - 1 && strcmp(name + len - (sizeof(ending) - 1), ending) == 0);
}

static int print_sums(FILE *out, struct region *region, const char *role, const struct sums *sums,
		      const struct print_style *style)
{
	char text[24];
	unsigned hidden = 0;
	struct grid *grid = grid_new(region);
	if (grid == NULL) {
		return BH_ENOMEM;
	}
	int err = grid_column(grid, role, false);
	for (unsigned v = 0; v < sums->view_count && err >= 0; v++) {
		err = grid_column(grid, sums->views[v][0] == '\0' ? "total" : sums->views[v], true);
	}
	for (unsigned r = 0; r < sums->row_count && err >= 0; r++) {
		bool alarm = strcmp(sums->rows[r].name, "intentional_drops") == 0;
		uint64_t any = 0;
		for (unsigned v = 0; v < sums->view_count; v++) {
			any |= sums->rows[r].values[v];
		}
		if (any == 0 && !is_always_shown(sums->rows[r].name) && !style->verbose) {
			hidden++;
			continue;
		}
		err = grid_row(grid, alarm && any != 0);
		if (err == 0) {
			err = grid_set(grid, 0, sums->rows[r].name, TONE_PLAIN);
		}
		for (unsigned v = 0; v < sums->view_count && err == 0; v++) {
			uint64_t value = sums->rows[r].values[v];
			snprintf(text, sizeof(text), "%" PRIu64, value);
			err = grid_set(grid, v + 1, text, alarm && value != 0 ? TONE_BAD : TONE_PLAIN);
		}
	}
	if (err < 0) {
		return err;
	}
	grid_print(out, grid, &(struct grid_look){ .colour = style->colour, .all = true });
	if (hidden > 0) {
		fprintf(out, "(%u more at zero; -v shows them)\n", hidden);
	}
	return 0;
}

/* Whether an earlier row of the table has the same role. */
static bool role_came_before(const struct answer_table *table, const struct answer_row *until, const char *role)
{
	for (const struct answer_row *row = table->first; row != until; row = row->next) {
		const struct answer_field *field = answer_field(row, "role");
		if (field != NULL && strcmp(field->text, role) == 0) {
			return true;
		}
	}
	return false;
}

int counters_print(FILE *out, struct region *region, const struct answer_table *table,
		   const struct print_style *style)
{
	struct counter counter;
	for (const struct answer_row *row = table->first; row != NULL; row = row->next) {
		if (!get_counter(row, &counter)) {
			return print_table(out, region, table, style);
		}
	}
	const char *last_role = NULL;
	for (const struct answer_row *row = table->first; row != NULL; row = row->next) {
		const char *role = answer_field(row, "role")->text;
		if ((last_role != NULL && strcmp(role, last_role) == 0) || role_came_before(table, row, role)) {
			continue;
		}
		struct sums *sums = region_alloc(region, sizeof(*sums));
		if (sums == NULL) {
			return BH_ENOMEM;
		}
		bool fits = true;
		for (const struct answer_row *r = row; r != NULL; r = r->next) {
			if (get_counter(r, &counter) && strcmp(counter.role, role) == 0) {
				fits = add_counter(sums, &counter) && fits;
			}
		}
		if (!fits) {
			return print_table(out, region, table, style);
		}
		if (last_role != NULL) {
			fputc('\n', out);
		}
		int err = print_sums(out, region, role, sums, style);
		if (err != 0) {
			return err;
		}
		last_role = role;
	}
	return 0;
}
