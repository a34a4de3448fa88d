/*
 * The appliance that most tests run: an internal and an external view that share example.com, a
 * resolver, and a small Internet of its own (a further view with a root, "org", "com" and public.org), all
 * in the test's own network namespace.
 *
 *   10.1.0.53     internal view: corp.example, example.com (overlay), many.example
 *   10.1.0.54     resolver, for 10.1.0.0/24
 *   203.0.113.53  external view: example.com
 *   198.18.0.1    the Internet: ".", "com", "org", "public.org"; example.com is delegated to the external view
 *   10.1.0.100    a client inside, 10.1.0.101 another; 192.0.2.10 one outside
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_STANDARD_H
#define BULKHEAD_TESTS_INTEGRATION_STANDARD_H

#include "tests/integration/appliance.h"

#define INTERNAL "10.1.0.53"
#define RESOLVER "10.1.0.54"
#define EXTERNAL "203.0.113.53"
#define WORLD "198.18.0.1"
#define MONITOR "10.1.0.55@9953"
#define INSIDE "10.1.0.100"
#define INSIDE_TWO "10.1.0.101"
#define OUTSIDE "192.0.2.10"

/* Parts of the configuration, so that tests can leave one out or change it. */
extern const char standard_internal[];
extern const char standard_external[];
extern const char standard_world[];
extern const char standard_resolver[];
extern const char standard_monitor[]; /* not of the standard appliance: standard_add_monitor */

/* Zone texts that tests replace. */
extern const char standard_corp_zone[];
extern const char standard_external_zone[];

/* Network, folder, all files; a configuration of all parts. Nothing is started. */
void standard_prepare(struct appliance *a, unsigned limit_sec);
/* Behind standard_prepare: the same, and a monitor. */
void standard_add_monitor(struct appliance *a);
/* standard_prepare and appliance_start. */
void standard_start(struct appliance *a, unsigned limit_sec);

#endif
