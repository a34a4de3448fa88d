/*
 * A zone image from master file text, for tests and fuzzing. Ends the process when the text is wrong.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_AUTHORITY_ZONE_TEXT_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_AUTHORITY_ZONE_TEXT_H

#include "common/zone/image.h"

/* Returns the block behind *out, to be freed when the image is no longer used. */
uint8_t *zone_from_text(const char *apex, const char *text, struct image *out);

#endif
