/*
 * The new side of an upgrade: bulkheadd -u DESCRIPTOR, after exec in the process of the program before, with its
 * children and its descriptors (upgrade.h is the old side).
 *
 * What the record names is taken over, and then a change of generation (change.c) reads the configuration and starts
 * roles of this version beside those of the old one, elders (elder.h), which serve meanwhile. All must be prepared
 * before any is committed; then resolvers and authorities are, and only when they are, frontends, so that no new
 * frontend asks a resolver that is not there. Then elders go. A change that fails leaves the elders serving; it is
 * tried again from time to time, and by `reload`.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_TAKEOVER_H
#define BULKHEAD_SUPERVISOR_TAKEOVER_H

#include "daemons/supervisor/state.h"
#include "daemons/supervisor/supervisor.h"

/*
 * The record in this descriptor: sealed, of root's own making. 0; else an error with the reason in why. *s is to be
 * cleared in any case.
 */
int takeover_read(int fd, struct state *s, char *why, size_t why_size) BH_CHECKED;

/* Only what the record names, the log and the event loop stay open. Failure is fatal: there is no way back. */
void takeover_keep_descriptors(const struct state *s);

/*
 * Listeners, tables, images, trust, and the elders, from the record, which is left to be cleared. sup has an event
 * base and nothing else. Failure is fatal: there is no way back.
 */
void takeover_adopt(struct supervisor *sup, struct state *s);

/* The change that replaces the elders has ended. */
void takeover_changed(struct supervisor *sup, bool ok, const char *why);

/* An elder died before its successor stood: do not wait with the next try. */
void takeover_retry_now(struct supervisor *sup);
/* The last elder has gone. */
void takeover_finished(struct supervisor *sup);

/* Are roles of the version before still to be replaced? Then commits have an order. */
static inline bool takeover_running(const struct supervisor *sup)
{
	return sup->takeover.running && !sup->takeover.done;
}

/* Fields of the row "appliance". */
struct ctl_row;
void takeover_fields(const struct supervisor *sup, struct ctl_row *row);

void takeover_end(struct supervisor *sup);

#endif
