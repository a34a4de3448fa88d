/*
 * The line of progress. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/progress.h"

#include "common/util/clock.h"
#include "daemons/ctl/human.h"

#include <string.h>

static const struct ctl_field *find(const struct ctl_row *row, const char *name)
{
	for (unsigned i = 0; i < row->count; i++) {
		if (strcmp(row->fields[i].name, name) == 0) {
			return &row->fields[i];
		}
	}
	return NULL;
}

static uint64_t number_of(const struct ctl_row *row, const char *name)
{
	const struct ctl_field *field = find(row, name);
	return field != NULL && field->type == CTL_NUMBER ? field->number : 0;
}

static const char *text_of(const struct ctl_row *row, const char *name)
{
	const struct ctl_field *field = find(row, name);
	return field != NULL && field->type == CTL_TEXT ? field->text : "";
}

/* Append; what does not fit is left out. */
static void add_one(char out[PROGRESS_TEXT_MAX], const char *text)
{
	size_t used = strlen(out);
	size_t len = strnlen(text, PROGRESS_TEXT_MAX - 1 - used);
	memcpy(out + used, text, len);
	out[used + len] = '\0';
}

static void add(char out[PROGRESS_TEXT_MAX], const char *before, const char *text, const char *behind)
{
	add_one(out, before);
	add_one(out, text);
	add_one(out, behind);
}

const char *progress_text(const struct ctl_row *row, uint64_t elapsed_ms, unsigned width, char out[PROGRESS_TEXT_MAX])
{
	char number[HUMAN_MAX];
	uint64_t total = number_of(row, "total");
	uint64_t records = number_of(row, "records");
	out[0] = '\0';
	add(out, "", text_of(row, "step"), "");
	if (total > 0) {
		add(out, " ", human_count(number_of(row, "done"), number), "");
		add(out, " of ", human_count(total, number), " zones");
	}
	if (records > 0) {
		add(out, ", ", human_count(records, number), " records");
		if (elapsed_ms > 0) {
			add(out, ", ", human_rate(records, elapsed_ms, number), "/s");
		}
	}
	add(out, ", ", human_duration(elapsed_ms / 1000, number), "");
	if (text_of(row, "zone")[0] != '\0') {
		add(out, "  ", text_of(row, "zone"), "");
	}
	size_t most = width < 2 ? 1 : width - 1;
	if (most < PROGRESS_TEXT_MAX) {
		out[most] = '\0'; /* the last column stays free: some terminals go on in the next line there */
	}
	for (char *p = out; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e) {
			*p = '?';
		}
	}
	return out;
}

void progress_show(void *ctx, const struct ctl_row *row)
{
	struct progress *progress = ctx;
	char text[PROGRESS_TEXT_MAX];
	uint64_t now = clock_now_ms();
	if (progress->out == NULL) {
		return;
	}
	fprintf(progress->out, "\r%s\033[K", progress_text(row, now - progress->began_ms, progress->width, text));
	fflush(progress->out);
	progress->shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown) {
		fputs("\r\033[K", progress->out);
		fflush(progress->out);
		progress->shown = false;
	}
}
