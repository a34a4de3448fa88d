/*
 * The appliance in the lab: an edge with one side in the Internet and one inside.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_BOX_H
#define BULKHEAD_TESTS_LAB_BOX_H

#include "tests/integration/appliance.h"

#define BOX_INTERNAL "10.1.0.53"
#define BOX_RESOLVER "10.1.0.54"
#define BOX_EXTERNAL "203.0.113.53"

extern struct appliance box;

/*
 * Start it in the network of the box and enter the one of the inside client. more: further lines of the
 * resolver section. internal_zones: further zone sections of the internal view.
 */
void box_start(unsigned limit_sec, const char *more, const char *internal_zones);
void box_stop(void);

#endif
