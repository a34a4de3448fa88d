/*
 * Text that grows, with an end: what pages and metrics are written into. The first failure is kept, and nothing is
 * added after it, so that a writer checks once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_TEXT_H
#define BULKHEAD_MONITOR_TEXT_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; /* heap, not terminated; the owner's to free */
	size_t len;
	size_t room;
	size_t max; /* octets, never more */
	bool failed; /* out of memory, or above max */
};

/* Empty, without memory. */
void text_init(struct text *t, size_t max);
void text_clear(struct text *t);

void text_bytes(struct text *t, const char *bytes, size_t len);
void text_add(struct text *t, const char *string);
void text_format(struct text *t, const char *fmt, ...) BH_PRINTF(2, 3);
/* "12.345" for 12345. */
void text_thousandths(struct text *t, uint64_t value);

/*
 * With what is special there escaped. HTML: text and quoted attributes. Metrics: a label's value (OpenMetrics 1.0,
 * escaped-char). JSON: a string without its quotes (RFC 8259 7). Octets that are no printable ASCII become '?': names
 * come with escapes of their own, so there are none.
 */
void text_html(struct text *t, const char *string);
void text_label(struct text *t, const char *string);
void text_json(struct text *t, const char *string);

#endif
