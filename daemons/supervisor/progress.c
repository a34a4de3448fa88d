/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/progress.h"

#include "daemons/supervisor/rows.h"

void progress_row(const char *step, const struct compile_progress *progress, struct ctl_row *row)
{
	row_begin(row, "progress");
	row_text(row, "step", step);
	row_number(row, "done", progress->done);
	row_number(row, "total", progress->total);
	row_number(row, "records", progress->records);
	row_number(row, "octets", progress->octets);
	row_text(row, "zone", progress->zone);
}
