/*
 * `bulkheadctl check` of the running appliance: what it says of itself, what its listeners say, what the world is told of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_HEALTH_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct options;

#define HEALTH_TIMEOUT_SEC 20
#define HEALTH_WARNING_DAYS 3
#define HEALTH_CRITICAL_DAYS 1

struct health_settings {
	uint32_t timeout_sec;	/* for everything */
	uint32_t warning_days;	/* a signature that ends sooner, */
	uint32_t critical_days;
	const char *state_file; /* what the check before left, NULL: nothing is kept */
	bool local;		/* ask only this machine: neither the resolver nor parents */
};

/* Check and print; returns the exit status. Never takes longer than the timeout and a second. */
int health_run(const struct health_settings *settings, const struct options *options);

#endif
