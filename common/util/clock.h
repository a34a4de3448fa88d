/*
 * The two clocks. Code under test takes "now" as a parameter; only main loops call these.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_CLOCK_H
#define BULKHEAD_COMMON_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some fixed point, never going back: for timeouts and TTLs. */
static inline uint64_t clock_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The same in microseconds: for rates. */
static inline uint64_t clock_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Seconds since 1970, UTC: for logs, uptime and signature validity. */
static inline uint64_t clock_wall_sec(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec;
}

#endif
