/*
 * Elders: role processes that the program before this one started, of a version that may be another.
 *
 * They serve on with the descriptors they hold until a successor of ours stands in their place. Nothing is known of
 * the messages they speak, so nothing is said to them and nothing they say is heard; three things hold for every
 * version: ending our side of the link makes a role finish its work and end (common/ipc/role_link.h), its log pipe
 * carries lines, and SIGKILL ends it. One that does not end in time is killed.
 *
 * Frontends go first: what they have asked of elder resolvers and authorities must be answered by those.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ELDER_H
#define BULKHEAD_SUPERVISOR_ELDER_H

#include "daemons/supervisor/state.h"
#include "daemons/supervisor/supervisor.h"

struct link;
struct elder;

/* Watch this process from now on; its descriptors are owned. One that serves nothing yet is killed. Out of memory is fatal. */
void elder_add(struct supervisor *sup, const struct state_role *role);

/* A child ended. True: it was an elder. */
bool elder_child_ended(struct supervisor *sup, pid_t pid, int status);

/* Let go of those whose place is taken, in their order. To be called when anything happened to an instance or an elder. */
void elder_advance(struct supervisor *sup);

/* The appliance stops: all of these kinds end now, in seconds. */
void elder_stop_all(struct supervisor *sup, unsigned role_bits);

/* Was elder_stop_all called for all of those that are left? */
bool elder_stopping(const struct supervisor *sup);
bool elder_any(const struct supervisor *sup, unsigned role_bits);
unsigned elder_count(const struct supervisor *sup);

/* Rows "old_role". */
int elder_rows(const struct supervisor *sup, struct link *link, uint32_t request) BH_CHECKED;

/* Kill what is left. */
void elder_free_all(struct supervisor *sup);

#endif
