/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/rows.h"

#include "common/ipc/link.h"
#include "daemons/supervisor/compile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void row_begin(struct ctl_row *row, const char *table)
{
	row->count = 0;
	snprintf(row->table, sizeof(row->table), "%s", table);
}

static struct ctl_field *add(struct ctl_row *row, const char *name, enum ctl_value_type type)
{
	assert(row->count < CTL_FIELDS_MAX);
	struct ctl_field *field = &row->fields[row->count++];
	field->type = (uint8_t)type;
	field->number = 0;
	field->text[0] = '\0';
	snprintf(field->name, sizeof(field->name), "%s", name);
	return field;
}

void row_text(struct ctl_row *row, const char *name, const char *text)
{
	struct ctl_field *field = add(row, name, CTL_TEXT);
	snprintf(field->text, sizeof(field->text), "%s", text);
}

void row_number(struct ctl_row *row, const char *name, uint64_t number)
{
	add(row, name, CTL_NUMBER)->number = number;
}

void row_bool(struct ctl_row *row, const char *name, bool value)
{
	add(row, name, CTL_BOOL)->number = value;
}

const char *time_text(uint64_t sec, char out[TIME_TEXT_MAX])
{
	time_t time = (time_t)sec;
	struct tm tm;
	if (gmtime_r(&time, &tm) == NULL || strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(out, TIME_TEXT_MAX, "%" PRIu64, sec);
	}
	return out;
}

void row_finding(struct ctl_row *row, const struct zone_finding_info *finding)
{
	row_begin(row, "finding");
	row_text(row, "severity", finding->warning ? "warning" : "error");
	row_text(row, "view", finding->view);
	row_text(row, "zone", finding->zone);
	row_text(row, "file", finding->file);
	row_number(row, "line", finding->line);
	row_text(row, "text", finding->text);
}

int row_send(struct link *link, uint32_t request, const struct ctl_row *row)
{
	uint8_t bytes[CTL_FIELDS_MAX * (IPC_TEXT_MAX + 64)];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ctl_row_encode(&s, row);
	return s.failed ? BH_ENOSPC : link_send(link, MSG_CTL_ROW, request, bytes, s.pos, -1);
}

int row_done(struct link *link, uint32_t request, unsigned status, const char *text)
{
	struct ctl_done done = { .status = (uint8_t)status };
	uint8_t bytes[IPC_TEXT_MAX + 16];
	struct sink s = sink_of(bytes, sizeof(bytes));
	snprintf(done.text, sizeof(done.text), "%s", text);
	ctl_done_encode(&s, &done);
	return s.failed ? BH_ENOSPC : link_send(link, MSG_CTL_DONE, request, bytes, s.pos, -1);
}
