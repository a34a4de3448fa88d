/*
 * Looking for octets in the memory of other processes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_MEMORY_H
#define BULKHEAD_TESTS_INTEGRATION_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory_scan {
	unsigned found;	   /* places where the octets stand */
	uint64_t octets;   /* that were looked at */
	unsigned mappings; /* readable ones */
	unsigned unreadable; /* mappings that /proc/PID/mem did not give though readable */
	char first[256];   /* the line of /proc/PID/maps of the first place */
};

/*
 * Every readable mapping of the process, letters folded. needle is in lower case and longer than 8
 * octets. Fails the test when the process or its memory cannot be read at all.
 */
struct memory_scan memory_scan(pid_t pid, const char *needle);

#endif
