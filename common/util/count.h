/*
 * How many elements an array has.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_COUNT_H
#define BULKHEAD_COMMON_UTIL_COUNT_H

/* Of the array itself: a pointer, as which a function gets its argument, does not know (-Wsizeof-pointer-div tells). */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
