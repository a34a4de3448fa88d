/*
 * Query links: making, keeping, closing. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for some hundred queries of usual size while the other end is being restarted. */
#define LINK_BUFFER (1024 * 1024)

void query_link_unwant_all(struct query_link_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		set->items[i].wanted = false;
	}
}

static int make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		return BH_ESYS;
	}
	for (int i = 0; i < 2; i++) {
		/* The kernel caps it at net.core.wmem_max; less means earlier SERVFAIL under overload. */
		int size = LINK_BUFFER;
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	return BH_OK;
}

int query_link_want(struct query_link_set *set, unsigned frontend, enum role peer, const char *peer_view,
		    unsigned peer_index, uint32_t *next_id)
{
	for (size_t i = 0; i < set->count; i++) {
		struct query_link *l = &set->items[i];
		if (l->frontend == frontend && l->peer == peer && l->peer_index == peer_index &&
		    strcmp(l->peer_view, peer_view) == 0) {
			l->wanted = true;
			return BH_OK;
		}
	}
	if (set->count == set->room) {
		size_t room = set->room == 0 ? 16 : set->room * 2;
		struct query_link *items = reallocarray(set->items, room, sizeof(*items));
		if (items == NULL) {
			return BH_ENOMEM;
		}
		set->items = items;
		set->room = room;
	}
	int pair[2];
	int rc = make_pair(pair);
	if (rc != BH_OK) {
		return rc;
	}
	struct query_link *l = &set->items[set->count++];
	*l = (struct query_link){
		.id = (*next_id)++,
		.frontend = frontend,
		.peer = peer,
		.peer_index = peer_index,
		.frontend_fd = pair[0],
		.peer_fd = pair[1],
		.wanted = true,
	};
	snprintf(l->peer_view, sizeof(l->peer_view), "%s", peer_view);
	return BH_OK;
}

static void keep_only(struct query_link_set *set, bool by_wish)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		struct query_link *l = &set->items[i];
		if (by_wish ? l->wanted : l->in_use) {
			set->items[kept++] = *l;
		} else {
			close(l->frontend_fd);
			close(l->peer_fd);
		}
	}
	set->count = kept;
}

void query_link_commit(struct query_link_set *set)
{
	keep_only(set, true);
	for (size_t i = 0; i < set->count; i++) {
		set->items[i].in_use = true;
	}
}

void query_link_abort(struct query_link_set *set)
{
	keep_only(set, false);
}

void query_link_clear(struct query_link_set *set)
{
	query_link_unwant_all(set);
	keep_only(set, true);
	free(set->items);
	*set = (struct query_link_set){ 0 };
}

/* Two accusations within this time are about the same thing. */
#define BLAME_SAME_MS 600000

bool query_link_blame(struct query_link_blame *blame, uint64_t now_ms)
{
	bool again = blame->at_ms != 0 && now_ms - blame->at_ms < BLAME_SAME_MS;
	blame->accuser = again && !blame->accuser;
	blame->at_ms = now_ms;
	return blame->accuser;
}

bool query_link_end(const struct query_link *link, enum role role, const char *view, unsigned index, int *fd,
		    struct ipc_link *info)
{
	info->id = link->id;
	if (role == ROLE_FRONTEND && link->frontend == index) {
		*fd = link->frontend_fd;
		info->peer = (uint8_t)link->peer;
		info->peer_index = (uint16_t)link->peer_index;
		return true;
	}
	if (role == link->peer && index == link->peer_index && strcmp(view, link->peer_view) == 0) {
		*fd = link->peer_fd;
		info->peer = ROLE_FRONTEND;
		info->peer_index = (uint16_t)link->frontend;
		return true;
	}
	return false;
}
