/*
 * Rows for tests, written as a supervisor would fill them. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_CTL_ROWS_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_CTL_ROWS_H

#include "common/ipc/conf.h"

#include <stdio.h>
#include <string.h>

static inline void row_begin(struct ctl_row *row, const char *table)
{
	memset(row, 0, sizeof(*row));
	snprintf(row->table, sizeof(row->table), "%s", table);
}

static inline struct ctl_field *row_field(struct ctl_row *row, const char *name, uint8_t type)
{
	struct ctl_field *field = &row->fields[row->count++];
	snprintf(field->name, sizeof(field->name), "%s", name);
	field->type = type;
	return field;
}

static inline void row_text(struct ctl_row *row, const char *name, const char *text)
{
	struct ctl_field *field = row_field(row, name, CTL_TEXT);
	snprintf(field->text, sizeof(field->text), "%s", text);
}

static inline void row_number(struct ctl_row *row, const char *name, uint64_t number)
{
	row_field(row, name, CTL_NUMBER)->number = number;
}

static inline void row_bool(struct ctl_row *row, const char *name, int yes)
{
	row_field(row, name, CTL_BOOL)->number = yes != 0;
}

#endif
