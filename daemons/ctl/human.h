/*
 * Numbers as people read them. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HUMAN_H
#define BULKHEAD_DAEMONS_CTL_HUMAN_H

#include <stdint.h>

#define HUMAN_MAX 32

/* All write into out and return it. */

/* "42s", "3m 07s", "5h 12m", "9d 03h" */
const char *human_duration(uint64_t sec, char out[HUMAN_MAX]);
/* "812", "1.5K", "20M", "3.1G": binary multiples */
const char *human_size(uint64_t octets, char out[HUMAN_MAX]);
/* "812", "1500", "15.2k", "3.1M": decimal multiples, four digits at most */
const char *human_count(uint64_t count, char out[HUMAN_MAX]);
/* count in ms milliseconds, for each second: "0", "0.3", "17", "12.5k"; "" when no time has passed */
const char *human_rate(uint64_t count, uint64_t ms, char out[HUMAN_MAX]);

#endif
