/*
 * The query links: which pairs of roles may talk. Nothing that is not made here exists.
 *
 * Each frontend has one link to every resolver shard and one to the worker of the same index of the
 * internal view's authority. Both ends stay open here, so that a successor finds what was queued.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_LINKS_H
#define BULKHEAD_SUPERVISOR_LINKS_H

#include "common/ipc/conf.h"

#include <stdbool.h>

/* Who was ended last because the link was said to be broken (blame.h). */
struct query_link_blame {
	uint64_t at_ms; /* 0: nobody yet */
	bool accuser;	/* not who was accused */
};

struct query_link {
	uint32_t id;
	unsigned frontend;	   /* index of the frontend worker */
	enum role peer;		   /* ROLE_RESOLVER or ROLE_AUTHORITY */
	char peer_view[IPC_VIEW_MAX]; /* of an authority, else "" */
	unsigned peer_index;
	int frontend_fd;
	int peer_fd;
	bool wanted;
	bool in_use;
	struct query_link_blame blame;
};

struct query_link_set {
	struct query_link *items;
	size_t count;
	size_t room;
};

void query_link_unwant_all(struct query_link_set *set);
int query_link_want(struct query_link_set *set, unsigned frontend, enum role peer, const char *peer_view,
		    unsigned peer_index, uint32_t *next_id) BH_CHECKED;
void query_link_commit(struct query_link_set *set);
void query_link_abort(struct query_link_set *set);
void query_link_clear(struct query_link_set *set);

/* Said to be broken now: is it the accuser's turn to be ended, not that of who is accused? Remembers the decision. */
bool query_link_blame(struct query_link_blame *blame, uint64_t now_ms);

/* Is this role instance one end? Then *fd is that end and *info what it is told. */
bool query_link_end(const struct query_link *link, enum role role, const char *view, unsigned index, int *fd,
		    struct ipc_link *info);

#endif
