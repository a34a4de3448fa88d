/*
 * Which user each role runs as.
 *
 * With the package's users installed: bulkhead-int, -ext (views "internal" and "external"), -front, -res,
 * -zone (compilers), or `user =` of a view. Without them, as from a source tree: a block of numeric ids that
 * belong to nobody, one for each role and view.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_IDS_H
#define BULKHEAD_SUPERVISOR_IDS_H

#include "daemons/supervisor/config.h"
#include "sandbox/sandbox.h"

struct ids_table {
	struct sandbox_ids frontend;
	struct sandbox_ids resolver;
	struct sandbox_ids authority[CONFIG_VIEWS_MAX]; /* by view */
	struct sandbox_ids compiler[CONFIG_VIEWS_MAX];
	struct sandbox_ids hints; /* compiler of the root hints */
	struct sandbox_ids monitor;
	uid_t block;		  /* first number of the block */
	unsigned slots[CONFIG_VIEWS_MAX]; /* place of each view in it */
};

/*
 * Fill the table. An error, with the reason in why, when a `user =` does not exist, is root, or two roles
 * would share one user or group. What is in service now (old_config NULL: nothing): a view keeps its numbers
 * wherever it stands in the configuration, and a new one gets none that a role still has.
 */
int ids_resolve(const struct config *config, const struct config *old_config, const struct ids_table *old,
		struct ids_table *out, char *why, size_t why_size) BH_CHECKED;

#endif
