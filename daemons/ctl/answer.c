/*
 * Rows of an answer. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/answer.h"

#include "daemons/ctl/status.h"

#include <stdio.h>
#include <string.h>

void answer_init(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	region_init(&answer->region, 64u << 10, ANSWER_OCTETS_MAX);
	answer->status = CTL_UNKNOWN;
}

void answer_clear(struct answer *answer)
{
	region_clear(&answer->region);
	answer->first = NULL;
	answer->last = NULL;
	answer->tables = 0;
}

static const char *keep_text(struct answer *answer, const char *text)
{
	return region_copy(&answer->region, text, strlen(text) + 1);
}

static struct answer_table *find_table(const struct answer *answer, const char *name)
{
	for (struct answer_table *t = answer->first; t != NULL; t = t->next) {
		if (strcmp(t->name, name) == 0) {
			return t;
		}
	}
	return NULL;
}

static int add_table(struct answer *answer, const char *name, struct answer_table **out)
{
	if (answer->tables >= ANSWER_TABLES_MAX) {
		return BH_ELIMIT;
	}
	struct answer_table *table = region_alloc(&answer->region, sizeof(*table));
	if (table == NULL || (table->name = keep_text(answer, name)) == NULL) {
		return BH_ENOMEM;
	}
	if (answer->last == NULL) {
		answer->first = table;
	} else {
		answer->last->next = table;
	}
	answer->last = table;
	answer->tables++;
	*out = table;
	return 0;
}

/* Rows of one table nearly always name the same fields in the same order: names are then shared. */
static const char *keep_name(struct answer *answer, const struct answer_table *table, unsigned i,
			     const char *name)
{
	const struct answer_row *model = table->first;
	if (model != NULL && i < model->count && strcmp(model->fields[i].name, name) == 0) {
		return model->fields[i].name;
	}
	return keep_text(answer, name);
}

int answer_add(struct answer *answer, const struct ctl_row *in)
{
	if (in->count > CTL_FIELDS_MAX) {
		return BH_EMALFORMED;
	}
	struct answer_table *table = find_table(answer, in->table);
	if (table == NULL) {
		int err = add_table(answer, in->table, &table);
		if (err != 0) {
			return err;
		}
	}
	struct answer_row *row = region_alloc(&answer->region, sizeof(*row));
	if (row == NULL) {
		return BH_ENOMEM;
	}
	if (in->count > 0) {
		row->fields = region_alloc(&answer->region, in->count * sizeof(row->fields[0]));
		if (row->fields == NULL) {
			return BH_ENOMEM;
		}
	}
	for (unsigned i = 0; i < in->count; i++) {
		const struct ctl_field *from = &in->fields[i];
		struct answer_field *to = &row->fields[i];
		to->type = from->type;
		to->number = from->type == CTL_TEXT ? 0 : from->number;
		to->name = keep_name(answer, table, i, from->name);
		to->text = from->type == CTL_TEXT ? keep_text(answer, from->text) : "";
		if (to->name == NULL || to->text == NULL) {
			return BH_ENOMEM;
		}
	}
	row->count = in->count;
	if (table->last == NULL) {
		table->first = row;
	} else {
		table->last->next = row;
	}
	table->last = row;
	table->rows++;
	return 0;
}

void answer_end(struct answer *answer, uint8_t status, const char *text)
{
	answer->status = status <= CTL_UNKNOWN ? status : CTL_UNKNOWN;
	snprintf(answer->text, sizeof(answer->text), "%s", text);
}

const struct answer_field *answer_field(const struct answer_row *row, const char *name)
{
	for (unsigned i = 0; i < row->count; i++) {
		if (strcmp(row->fields[i].name, name) == 0) {
			return &row->fields[i];
		}
	}
	return NULL;
}

const struct answer_table *answer_table(const struct answer *answer, const char *name)
{
	return find_table(answer, name);
}

const char *answer_text(const struct answer_row *row, const char *name)
{
	const struct answer_field *field = answer_field(row, name);
	return field == NULL ? "" : field->text;
}

uint64_t answer_number(const struct answer_row *row, const char *name)
{
	const struct answer_field *field = answer_field(row, name);
	return field == NULL ? 0 : field->number;
}
