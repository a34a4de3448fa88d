/*
 * The frontend: answers clients from its cache, from the internal authority and from the resolver. It
 * holds no zone and has no way to the Internet; its query links are its only neighbours.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/ipc/loop.h"
#include "common/ipc/role_link.h"
#include "common/util/log.h"
#include "daemons/frontend/frontend.h"
#include "sandbox/sandbox.h"

#include <event2/event.h>
#include <malloc.h>

/* ctx: where main has the link. */
static void tell_broken(void *ctx, uint32_t id)
{
	struct role_link *const *link = ctx;
	if (role_link_peer_broken(*link, id) != BH_OK) {
		log_warn("cannot tell that query link %u is broken", (unsigned)id);
	}
}

int main(void)
{
	sandbox_begin(&sandbox_frontend);
#ifndef BH_SANITIZERS /* whose allocator knows no such option */
	/* Freed memory is overwritten: answers of the internal zones pass through, they do not stay. */
	if (mallopt(M_PERTURB, 0x5a) != 1) {
		log_fatal("cannot have freed memory overwritten");
	}
#endif
	struct event_base *base = loop_new();
	if (base == NULL) {
		log_fatal("cannot make an event base");
	}
	struct sandbox_state state;
	sandbox_enter(&sandbox_frontend, &state);

	static struct stats_page *stats;
	struct frontend *frontend = frontend_new(base, &stats);
	struct ipc_hello hello = { .walls = state.walls, .uid = state.uid, .gid = state.gid,
				   .syscalls = (uint16_t)state.syscalls };
	static struct role_link *link;
	link = frontend == NULL ? NULL
				: role_link_new(base, ROLE_FRONTEND, &hello, &stats, &frontend_role_ops, frontend);
	if (link == NULL) {
		log_fatal("out of memory");
	}
	frontend_set_broken(frontend, tell_broken, &link);
	if (event_base_dispatch(base) < 0) {
		log_fatal("the event loop failed");
	}
	frontend_free(frontend);
	role_link_free(link);
	event_base_free(base);
	return 0;
}
