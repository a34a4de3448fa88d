/*
 * Clients of every kind that ask the standard appliance at the same time, and lose no query, whatever is done to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_LOADS_H
#define BULKHEAD_TESTS_INTEGRATION_LOADS_H

#include <stdbool.h>
#include <stdint.h>

struct loads;

/* kept: also those who keep their connections, for which an upgrade waits some seconds. */
struct loads *loads_start(bool kept);
/*
 * End and free them. Fails the test when a query was lost, or when too few were asked to prove anything. The numbers are
 * printed in any case, under this heading.
 */
void loads_judge(struct loads *loads, const char *what);

/* Ask for an address over an open connection: true when the answer came, and is NOERROR. */
bool loads_tcp_ask(int fd, const char *name, uint16_t id);

#endif
