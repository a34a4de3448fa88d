/*
 * Building rows of the control protocol. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ROWS_H
#define BULKHEAD_SUPERVISOR_ROWS_H

#include "common/ipc/conf.h"

#include <stdbool.h>

struct link;
struct zone_finding_info;

/* Begin a row of a table in *row. */
void row_begin(struct ctl_row *row, const char *table);
/* Values longer than a field are cut. */
void row_text(struct ctl_row *row, const char *name, const char *text);
void row_number(struct ctl_row *row, const char *name, uint64_t number);
void row_bool(struct ctl_row *row, const char *name, bool value);

#define TIME_TEXT_MAX 32
/* "2026-11-21T12:30:00Z"; of a time that no calendar has, the number. Returns out. */
const char *time_text(uint64_t sec, char out[TIME_TEXT_MAX]);

/* A whole row "finding". */
void row_finding(struct ctl_row *row, const struct zone_finding_info *finding);

/* Send the row, or the end of an answer, to a control client. */
int row_send(struct link *link, uint32_t request, const struct ctl_row *row) BH_CHECKED;
int row_done(struct link *link, uint32_t request, unsigned status, const char *text) BH_CHECKED;

#endif
