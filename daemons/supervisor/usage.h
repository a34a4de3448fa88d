/*
 * What a process takes, as the kernel tells. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_USAGE_H
#define BULKHEAD_SUPERVISOR_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Its resident set in octets, and processor time. False, and nothing is set: it is gone. */
bool usage_read(pid_t pid, uint64_t *resident, uint64_t *cpu_ms);

#endif
