/*
 * Random numbers from the kernel's generator. There is no other source of randomness in the project.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_RAND_H
#define BULKHEAD_COMMON_UTIL_RAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Unpredictable bytes by getrandom(2), taken from the kernel a block at a time; handed-out bytes are
 * wiped from the block. A process that cannot get any ends (log_fatal): nothing may run on
 * predictable ids. Not for use across fork without exec.
 */
void rand_bytes(void *out, size_t len);
uint16_t rand_u16(void);
uint32_t rand_u32(void);
uint64_t rand_u64(void);

/* Uniform in 0 .. bound-1 (no modulo bias); bound > 0. */
uint32_t rand_below(uint32_t bound);

#endif
