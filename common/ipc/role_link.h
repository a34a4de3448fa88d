/*
 * The role's end of its control link: the life that all serving roles share.
 *
 *   fixed descriptors -> log -> warm-up -> sandbox_enter -> HELLO -> IDENTITY -> configuration -> loop
 *
 * This module keeps what the supervisor sent (listeners, query links, images) by id, collects one
 * configuration at a time, and calls the role to prepare, commit or forget it. The role itself only
 * says what to do with a complete configuration.
 *
 * A message that the supervisor should not have sent ends the process (log_fatal): a child treats
 * a bad parent as fatal.
 *
 * When the supervisor ends its side of the link, another process serves in this one's place: it finishes what
 * it has in work and ends. This is how a supervisor of another version, which may know other messages, lets go of
 * the roles that the one before it started (daemons/supervisor/elder.h), so it must never change. A role cannot
 * outlive its supervisor by it: the kernel kills it then.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_ROLE_LINK_H
#define BULKHEAD_COMMON_IPC_ROLE_LINK_H

#include "common/ipc/conf.h"
#include "common/ipc/stats.h"
#include "common/ipc/watch.h"

struct event_base;
struct role_link;

/* One listener or query link that the next configuration uses. Pointers and fd belong to role_link. */
struct role_listener {
	struct ipc_listener info;
	int fd;
};

struct role_query_link {
	struct ipc_link info;
	int fd;
};

struct role_zone {
	struct ipc_zone info;
	int image_fd; /* -1 for failed zones and for roles without images */
};

struct role_page {
	struct ipc_page info;
	int fd;
};

/*
 * A complete configuration, valid until the next one is committed and, if not committed, until the
 * call of abort. Arrays may be empty. Which options struct is filled depends on the role.
 */
struct role_conf {
	uint32_t generation;
	uint16_t index; /* of this process among those of its role and view */
	union {
		struct ipc_conf_authority authority;
		struct ipc_conf_frontend frontend;
		struct ipc_conf_resolver resolver;
		struct ipc_conf_monitor monitor;
	} options;
	struct role_listener *listeners;
	size_t listener_count;
	struct role_query_link *links;
	size_t link_count;
	struct role_zone *zones;
	size_t zone_count;
	struct tsig_key *keys;
	size_t key_count;
	struct ipc_transfer *transfers; /* their zones are indexes into zones; in ascending order */
	size_t transfer_count;
	struct acl acl;
	struct ipc_cookie_secrets cookie_secrets; /* count 0: none came */
	struct ipc_rate_limit rate;		  /* mode 0: none came */
	struct ipc_rate_table rate_table;	  /* that rate names */
	int rate_table_fd;			  /* belongs to role_link */
	struct acl rate_exempt;
	struct ipc_name *rebind_allow;
	size_t rebind_allow_count;
	struct ipc_servers *stubs;
	size_t stub_count;
	struct ipc_servers *forwards;
	size_t forward_count;
	struct ipc_servers *roots;
	size_t root_count;
	struct ipc_outgoing *outgoing;
	size_t outgoing_count;
	struct ipc_anchor *anchors;
	size_t anchor_count;
	struct ipc_negative_anchor *negative_anchors;
	size_t negative_anchor_count;
	struct ipc_anchor_state *anchor_states;
	size_t anchor_state_count;
	bool probe;		    /* somebody watches: ask yourself (stats.h) */
	struct ipc_name probe_name; /* what a resolver asks for: the NS records of this */
	/* of the monitor */
	struct role_page *pages;
	size_t page_count;
	struct ipc_host *hosts;
	size_t host_count;
	struct ipc_watched *watched; /* by view, then by name */
	size_t watched_count;
};

struct role_ops {
	/*
	 * Build everything that the configuration needs, aside, changing nothing in service. On failure
	 * write the reason to why and return an error; nothing may remain.
	 */
	int (*prepare)(void *ctx, const struct role_conf *conf, char *why, size_t why_size);
	/*
	 * Put the prepared one in service. Cannot fail. conf is that of prepare, at a place where it stays until the
	 * next one is committed.
	 */
	void (*commit)(void *ctx, const struct role_conf *conf);
	/* Forget the prepared one. */
	void (*abort)(void *ctx);
	/* The process at the other end of this query link is new: ask again what it had read. May be NULL. */
	void (*peer_restarted)(void *ctx, uint32_t link_id);
	/* Forget cached data; returns the number of entries. May be NULL (no cache). */
	uint64_t (*flush)(void *ctx, const struct ipc_flush *what);
	/* A negative trust anchor was set or taken away. May be NULL. */
	void (*negative_anchor)(void *ctx, const struct ipc_negative_anchor *anchor);
	/* Another shard has found this of the keys of an anchor zone. May be NULL. */
	void (*anchor_state)(void *ctx, const struct ipc_anchor_state *state);
	/* Resolve and tell each step by role_link_trace_step, the last one in any case. May be NULL. */
	void (*trace)(void *ctx, uint32_t request, const struct ipc_trace *what);
	/* How a process, and then the appliance, fares. May be NULL; the monitor alone is told. */
	void (*role_facts)(void *ctx, const struct ipc_role_facts *facts);
	void (*appliance_facts)(void *ctx, const struct ipc_appliance_facts *facts);
	/*
	 * Another process has taken over: take nothing new, finish what is in work, however long that takes within
	 * bounds, and end the event loop. Listening sockets of TCP are closed when this returns. May be NULL: as stop.
	 */
	void (*retire)(void *ctx);
	/* Stop: finish what is in work and end the event loop soon. May be NULL (loop ends at once). */
	void (*stop)(void *ctx);
};

/*
 * From within prepare: this image is refused. Its zone keeps what it has or fails; the generation goes on. An error
 * only when the link is over, which ends the process soon.
 */
int role_link_refuse_image(struct role_link *rl, uint32_t id, const char *why) BH_CHECKED;

/* One step of the trace that came with this request id. An error only when the link is over. */
int role_link_trace_step(struct role_link *rl, uint32_t request, const struct ipc_trace_step *step) BH_CHECKED;

/* Tracking has found this; the supervisor keeps it. An error only when the link is over. */
int role_link_anchor_found(struct role_link *rl, const struct ipc_anchor_state *state) BH_CHECKED;

/*
 * The peer of this query link breaks its format: the caller reads nothing more of it until peer_restarted. An error only
 * when the link to the supervisor is over.
 */
int role_link_peer_broken(struct role_link *rl, uint32_t id) BH_CHECKED;

/*
 * Attach to FD_LINK. Sends HELLO with what sandbox_enter found (hello.walls, uid, gid, syscalls filled by the
 * caller; the rest is filled here). The first configuration is prepared and committed from the event
 * loop. stats receives the mapped counter page with IDENTITY; until then counters go to a private page, so
 * *stats is never NULL. NULL: out of memory.
 */
struct role_link *role_link_new(struct event_base *base, enum role role, struct ipc_hello *hello,
				struct stats_page **stats, const struct role_ops *ops, void *ctx);
void role_link_free(struct role_link *link);

#endif
