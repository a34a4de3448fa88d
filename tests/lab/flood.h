/*
 * Clients that ask much: numbered names, so many at a time or so many a second, from one address or many; what came
 * of it, and how long it took.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_FLOOD_H
#define BULKHEAD_TESTS_LAB_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#define FLOOD_WINDOW_MAX 8192

struct flood {
	const char *server;
	const char *name;     /* with # for the number */
	uint16_t type;	      /* 0: A */
	unsigned client;      /* 10.1.0.200 + this; clients of them take turns (0: 10.1.0.100 alone) */
	unsigned clients;
	unsigned first;	      /* the first number */
	unsigned modulo;      /* numbers begin again after so many; 0: never */
	unsigned count;	      /* questions in all */
	unsigned window;      /* of them waiting for an answer at a time */
	unsigned per_second;  /* 0: as fast as answers come */
	unsigned patience_ms; /* until one is given up; multiplied by harness_slow() */
};

struct flood_result {
	unsigned sent;
	unsigned answered;
	unsigned lost;
	unsigned rcodes[16];
	unsigned truncated;
	unsigned whole; /* answers with records in their answer section */
	uint64_t octets;
	uint64_t median_us;
	uint64_t ninth_us; /* nine of ten came within */
	uint64_t took_ms;
};

/* Ask it all and wait for the answers. In the network of the caller. */
struct flood_result flood_run(const struct flood *flood);

/* The same beside the test. flood_wait waits for its end; flood_end stops it first, and waits for answers that are due. */
struct flood_process;
struct flood_process *flood_start(const struct flood *flood);
struct flood_result flood_now(const struct flood_process *process);
struct flood_result flood_wait(struct flood_process *process);
struct flood_result flood_end(struct flood_process *process);

#endif
