/*
 * Other versions of the programs, and the upgrade to them.
 *
 * Another version is a copy of the build in which the version text is another one, put in the place of the one before by
 * rename, as packages do it. Versions have numbers: 1 is what runs at first.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_VERSIONS_H
#define BULKHEAD_TESTS_INTEGRATION_VERSIONS_H

#include "tests/integration/appliance.h"

/* standard_prepare, with programs of version 1 in a folder of the appliance's own. Nothing is started. */
void versions_prepare(struct appliance *a);

/* What this version says of itself: that of the build with this number as its first digit. Valid until the next call but one. */
const char *version_text(unsigned version);
/* Put all programs of a version in place; one role's alone. */
void version_install(const struct appliance *a, unsigned version);
void version_install_role(const struct appliance *a, const char *role, unsigned version);
/* Put a copy of a program in place, some octets replaced wherever they occur by as many others (NULL: none). */
void program_install(const char *from, const char *to, const char *octets, const char *by);

/* `bulkheadctl upgrade`, which must succeed: the new supervisor answers over the connection to the old one. */
void version_upgrade(const struct appliance *a);
/* This version serves, in the process that was started. */
void version_must_be(const struct appliance *a, unsigned version);
/* The row of `status` on the appliance as a whole. Valid until the next control request. */
const struct ctl_row *version_status(const struct appliance *a);

/* --- processes -------------------------------------------------------------------------------------------- */

struct processes {
	unsigned count;
	struct role_process items[APPLIANCE_ROLES_MAX];
};

struct processes processes_of(const struct appliance *a);
/* As many roles run, each as another process; of those before none is left. */
void processes_must_be_others(const struct appliance *a, const struct processes *before);
/* Nobody was touched. */
void processes_must_be_the_same(const struct appliance *a, const struct processes *before);

/* What must not grow with each upgrade. */
struct footprint {
	int descriptors;
	unsigned children;
	uint64_t filters;      /* of system calls: each exec can only add to those that are there */
	uint64_t role_filters; /* of a role */
	uint64_t kilobytes;
};

struct footprint footprint_of(const struct appliance *a);
/* Wait until the supervisor has no more descriptors than so many: a connection that has ended may still be open there. */
void footprint_must_fall_to(const struct appliance *a, int descriptors);

#endif
