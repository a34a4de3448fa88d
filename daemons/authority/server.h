/*
 * What the process is made of, and where queries come from. main.c owns the one server; serve_*.c
 * each serve one kind of source with it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_SERVER_H
#define BULKHEAD_DAEMONS_AUTHORITY_SERVER_H

#include "common/util/log.h"
#include "daemons/authority/probe.h"
#include "daemons/authority/query.h"

#include <sys/queue.h>

struct event;
struct event_base;
struct nsec3_hasher;
struct qlink_batch;
struct role_conf;
struct role_link;
struct tcp_ref;
struct tcp_server;
struct tcp_limits;
struct udp_batch;

enum source_kind { SOURCE_UDP, SOURCE_TCP, SOURCE_LINK };

struct transfer; /* serve_transfer.c */
LIST_HEAD(transfer_list, transfer);

struct held_reply; /* serve_link.c: a reply that the peer has not taken yet */
TAILQ_HEAD(held_list, held_reply);

/* A listening socket or a query link. fd belongs to the role's link. */
struct source {
	LIST_ENTRY(source) entry;
	struct server *server;
	enum source_kind kind;
	uint32_t id;
	int fd;
	struct event *readable;	  /* SOURCE_UDP, SOURCE_LINK */
	struct event *writable;	  /* SOURCE_LINK */
	struct held_list held;	  /* SOURCE_LINK */
	unsigned leftovers;	  /* SOURCE_LINK: broken messages of a dead peer that are passed over */
	bool wanted;		  /* by the configuration that is being committed */
};

LIST_HEAD(source_list, source);

struct server {
	struct event_base *base;
	struct role_link *link; /* NULL: nobody to tell */
	struct stats_page *stats;
	struct view *view; /* in service; NULL before the first configuration */
	struct view *next; /* prepared */
	struct nsec3_hasher *hasher; /* of all views */
	struct source_list sources;
	struct source_list prepared; /* those that the next configuration adds */
	struct udp_batch *udp;
	struct tcp_server *tcp;
	struct qlink_batch *links;
	unsigned transfers; /* running now */
	struct transfer_list running;
	struct log_limit transfer_log; /* of those that ran */
	struct log_limit refusal_log;
	struct probe probe;
	struct event *probe_timer; /* while somebody watches */
	struct event *stop_timer;
	unsigned stop_ticks;
	bool retiring; /* another process serves in our place */
	struct ipc_tcp tcp_options;
	struct log_limit rate_log;
	struct query_work work;
	struct ahead ahead[AHEAD_MAX]; /* of a part of a batch of packets */
	uint8_t reply[QUERY_REPLY_MAX];
};

/* Set the seconds of work.now from the time that the event loop has taken: no call of the kernel. */
void server_wall_clock(struct server *server);

/* --- serve_udp.c, serve_tcp.c, serve_link.c --- */

/* Make the events of a source without adding them. BH_ENOMEM. */
int serve_udp_prepare(struct source *source) BH_CHECKED;
int serve_link_prepare(struct source *source) BH_CHECKED;
/* Begin to serve it. BH_ENOMEM. */
int serve_udp_start(struct source *source) BH_CHECKED;
int serve_tcp_start(struct source *source) BH_CHECKED;
int serve_link_start(struct source *source) BH_CHECKED;
/* End it; what is in work on TCP connections goes on. */
void serve_udp_stop(struct source *source);
void serve_tcp_stop(struct source *source);
void serve_link_stop(struct source *source);
/* Its peer is a new process: it gets another chance. */
void serve_link_peer_restarted(struct source *source);

/* The TCP server of the process. NULL: out of memory. */
struct tcp_server *serve_tcp_new(struct server *server);

/* --- serve_transfer.c --- */

enum {
	/*
	 * Transfers of one process at a time, those that wait for another one on the same connection included.
	 * Each costs less than 2 KiB; more than this are more secondaries than a zone has. Above it the answer is
	 * SERVFAIL, and clients come again.
	 */
	TRANSFERS_MAX = 256,
	/*
	 * Of one client: one that takes its time, or comes again and again, leaves room for others. Secondaries run
	 * a few or a few tens at a time for all of their zones.
	 */
	TRANSFERS_CLIENT_MAX = 64,
};

/*
 * Send server->work.zone in reply to the query that server->work has just taken apart (TRANSFER_BEGIN). The
 * image that is in service now is sent to its end, whatever is reloaded meanwhile. False: too many at once, of
 * all or of this client.
 */
bool serve_transfer_start(struct server *server, struct tcp_ref ref, const struct addr *client);
/* Tell the log of a transfer that server->work refused. */
void serve_transfer_refused(struct server *server, const struct addr *client);

/* --- sources.c --- */

/* Make what conf adds, aside. BH_ENOMEM: nothing remains. */
int sources_prepare(struct server *server, const struct role_conf *conf) BH_CHECKED;
/* Begin and end sources, so that those of conf are served. */
void sources_commit(struct server *server, const struct role_conf *conf);
void sources_abort(struct server *server);
/* The peer of a query link is a new process. */
void sources_peer_restarted(struct server *server, uint32_t link_id);
/* End all of them. */
void sources_stop(struct server *server);

#endif
