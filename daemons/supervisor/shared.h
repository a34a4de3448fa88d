/*
 * What all workers of a view, or all frontends (view ""), share and what outlives each of them: the table of response rates, as a descriptor
 * that the supervisor never maps, and the keys that go with it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SHARED_H
#define BULKHEAD_SUPERVISOR_SHARED_H

#include "daemons/supervisor/config.h"

struct shared {
	char view[IPC_VIEW_MAX];
	uint32_t id; /* resource id of the table */
	int fd;	     /* the table; -1: rates are not limited */
	uint8_t rate_key[16];
	uint8_t cookie_secret[COOKIE_SECRET_SIZE]; /* for views without secrets of their own */
};

struct shared_set {
	struct shared *items;
	size_t count;
};

/*
 * Make what the views of config need and the set has not. A table keeps its content and its id as long
 * as configurations in service want it. BH_ENOMEM, BH_ESYS with errno: what was made stays for shared_settle.
 */
int shared_want(struct shared_set *set, const struct config *config, uint32_t *next_id) BH_CHECKED;

/* A change came to its end: forget what config, now in service (NULL: none), does not need. */
void shared_settle(struct shared_set *set, const struct config *config);

/* What the workers of a view, or the frontends (""), share. NULL: shared_want never heard of it. */
const struct shared *shared_find(const struct shared_set *set, const char *view);

#endif
