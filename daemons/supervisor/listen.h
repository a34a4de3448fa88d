/*
 * The sockets on which clients are served: one for each address, device, protocol and worker, opened
 * by the supervisor and kept open for as long as a configuration names them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_LISTEN_H
#define BULKHEAD_SUPERVISOR_LISTEN_H

#include "common/ipc/conf.h"

#include <net/if.h>
#include <stdbool.h>

/* No view can be called so. */
#define LISTENER_OF_MONITOR "/monitor"

struct config;

struct listener {
	uint32_t id;
	enum ipc_proto proto;
	struct addr addr;
	char device[IFNAMSIZ]; /* "": any */
	unsigned worker;
	char owner[IPC_VIEW_MAX]; /* name of the view, "" for the frontend, or LISTENER_OF_MONITOR */
	int fd;
	bool unbound; /* UDP: until it comes into service, because others of ours are at its place */
	bool wanted; /* named by the configuration in preparation */
	bool in_use; /* named by the one in service */
};

struct listener_set {
	struct listener *items;
	size_t count;
	size_t room;
};

/* Before a new configuration is looked at: nothing is wanted. */
void listener_unwant_all(struct listener_set *set);

/*
 * Make sure that this socket is open, and want it. An address that moves to another owner gets a new
 * socket, so that no role ever holds one that another view serves. A new one gets the id *next_id and moves it on.
 * On failure why says what the kernel said.
 */
int listener_want(struct listener_set *set, enum ipc_proto proto, const struct addr *addr, const char *device,
		  unsigned worker, const char *owner, uint32_t *next_id, char *why, size_t why_size) BH_CHECKED;

/*
 * Exactly the sockets that this configuration names are wanted, for so many workers each; those of a configuration
 * before it are not. The first that cannot be opened ends it, and why says which.
 */
int listener_want_all(struct listener_set *set, const struct config *config, unsigned workers, uint32_t *next_id,
		      char *why, size_t why_size) BH_CHECKED;

/*
 * The configuration in preparation is in service now: close those that it does not want. The others get their share of what
 * comes from here on: until now TCP does not listen, and a UDP socket at a place where others of ours are is not bound.
 */
void listener_commit(struct listener_set *set);

/* It is not to be: close those that were opened for it. */
void listener_abort(struct listener_set *set);

void listener_clear(struct listener_set *set);

#endif
