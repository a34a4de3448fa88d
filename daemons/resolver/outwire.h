/*
 * Inside of the sockets towards servers: what outquery.c and outtcp.c share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_OUTWIRE_H
#define BULKHEAD_DAEMONS_RESOLVER_OUTWIRE_H

#include "common/util/log.h"
#include "common/util/siphash.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/outquery.h"
#include "daemons/resolver/wheel.h"

#include <event2/event.h>
#include <event2/event_struct.h>

enum wire_state { WIRE_UDP, WIRE_TCP_WRITE /* connecting, too */, WIRE_TCP_LENGTH, WIRE_TCP_BODY };

/* One socket. */
struct wire {
	struct wheel_entry deadline; /* first: the wheel hands this out */
	struct outquery *oq;
	struct upstream *u; /* NULL: UDP, idle, without port */
	struct wire *next;  /* in the list of those in use, or of a source's idle ones */
	struct wire *prev;
	int fd;
	enum wire_state state;
	uint32_t generation; /* of the sources */
	uint16_t source;     /* UDP: index of its source */
	struct event io;
	/* TCP */
	size_t pos;    /* octets written or read in this state */
	size_t len;    /* of the body */
	uint8_t *body; /* its length octets come first, in `head` */
	uint8_t head[2];
};

struct source {
	struct addr addr; /* port 0 */
	struct wire *idle;
};

struct outquery {
	struct event_base *base;
	struct core *core;
	outquery_progress_fn *progress;
	void *ctx;
	struct source *sources; /* of a family: the configured ones, or "any" */
	size_t source_count;
	uint32_t generation; /* raised with each change of sources */
	struct siphash_key source_key;
	struct wire *udp;    /* in use, newest first */
	struct wire *tcp;    /* likewise */
	unsigned count;
	unsigned tcp_count;
	unsigned idle_count;
	struct wheel wheel;
	struct event tick;
	struct log_limit complaints;
	uint8_t buffer[DNS_MESSAGE_MAX + 1];
};

/* --- outquery.c --- */
/*
 * The source to use for a server; index into sources. At least one of each family exists. The same one for one server
 * as long as they do not change: its cookies are made for our address (RFC 7873 4.2). Nobody can tell which.
 */
uint16_t outquery_pick_source(const struct outquery *oq, const struct addr *server);
/* Into the list of those in use, with its deadline. */
void wire_begin(struct wire *w, struct upstream *u);
/* The socket is given up or rests; what it was for is the caller's. */
void wire_end(struct wire *w);
/* The same, and the core is told. */
void wire_fail(struct wire *w, enum upstream_failure why);
enum upstream_failure wire_failure(int err);

/* --- outtcp.c --- */
/* Connect and send u. False: errno tells why, u is the caller's. */
bool tcp_open(struct outquery *oq, struct upstream *u) BH_CHECKED;

#endif
