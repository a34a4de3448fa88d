/*
 * What came back for one request: rows of named values grouped by table, and how it ended.
 *
 * A row as it arrives has room for the longest of everything; kept rows are only as long as their
 * content. All memory is one region of the answer, with a ceiling, so the other side cannot make this
 * program grow without bound.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_ANSWER_H
#define BULKHEAD_DAEMONS_CTL_ANSWER_H

#include "common/ipc/conf.h"
#include "common/util/region.h"

#include <stdint.h>

#define ANSWER_TABLES_MAX 64
#define ANSWER_OCTETS_MAX (256u << 20) /* of all rows */

struct answer_field {
	const char *name;
	uint8_t type; /* enum ctl_value_type */
	uint64_t number;
	const char *text; /* "" unless CTL_TEXT; octets of the other side, not yet fit for a terminal */
};

struct answer_row {
	unsigned count;
	struct answer_field *fields;
	struct answer_row *next;
};

struct answer_table {
	const char *name;
	unsigned rows;
	struct answer_row *first;
	struct answer_row *last;
	struct answer_table *next;
};

struct answer {
	struct region region;
	unsigned tables;
	struct answer_table *first; /* in the order of their first row */
	struct answer_table *last;
	uint8_t status; /* of DONE, at most 3 */
	char text[IPC_TEXT_MAX];
};

void answer_init(struct answer *answer);
void answer_clear(struct answer *answer);

/* Keep a copy of the row in its table. BH_ELIMIT: too many tables or octets; BH_ENOMEM. */
int answer_add(struct answer *answer, const struct ctl_row *row) BH_CHECKED;

/* How it ended. A status that is no exit status of ours counts as 3 (unknown). */
void answer_end(struct answer *answer, uint8_t status, const char *text);

/* The table of that name, or NULL. */
const struct answer_table *answer_table(const struct answer *answer, const char *name);

/* The field of that name, or NULL; its text ("" when it has none), its number or truth (0 when it has none). */
const struct answer_field *answer_field(const struct answer_row *row, const char *name);
const char *answer_text(const struct answer_row *row, const char *name);
uint64_t answer_number(const struct answer_row *row, const char *name);

#endif
