/*
 * One role says that another broke their query link. One of the two is not what it should be: taken over, or with its
 * memory in disorder. It is ended and starts anew, as after a bad message to the supervisor.
 *
 * Which one it is cannot be known from here, and the word of a role that was taken over must not end its neighbours
 * again and again: who is accused is ended first, and when the same link is broken once more within a while, the
 * other one (links.h). So either of them is a new process soon.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_BLAME_H
#define BULKHEAD_SUPERVISOR_BLAME_H

#include "common/util/err.h"

struct instance;
struct link_message;

/* A message PEER_BROKEN. Returns an error when it is not one: then its sender is the one to be ended. */
int blame_peer(struct instance *accuser, const struct link_message *m) BH_CHECKED;

#endif
