/*
 * What the processes below one process have cost: CPU time and memory, read from /proc.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_BENCH_PROCTREE_H
#define BULKHEAD_TESTS_BENCH_PROCTREE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * CPU time (user and system, all threads) in nanoseconds that the descendants of root have used, root itself not
 * included. Living processes are read to the nanosecond; those that have ended and were waited for to the
 * clock tick, 10 ms for each parent. root must be a subreaper (PR_SET_CHILD_SUBREAPER), or descendants whose parent
 * has ended are missed. Returns 0, or -1 where /proc cannot be read.
 */
int proctree_cpu_ns(pid_t root, uint64_t *ns);

/*
 * Memory of the descendants of root in octets: the sum of their proportional sets (PSS), and what of the memory
 * files (memfd) they hold open is not in those sets already, because a memory file takes memory whether or not
 * somebody has it mapped. count: how many processes. Returns 0 or -1.
 */
int proctree_memory(pid_t root, uint64_t *octets, unsigned *count);

/* The process ids of the descendants of root, at most max; returns how many, or -1. */
int proctree_list(pid_t root, pid_t *pids, unsigned max);

#endif
