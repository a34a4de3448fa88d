/*
 * Questions to name servers and their replies, many at a time, each with an end.
 *
 * The only sockets that bulkheadctl opens besides the control socket. A question has a socket of its own, so its source
 * port is fresh: where several workers share an address, the kernel picks one by the ports, and repeating over the same
 * socket asks the same worker. Replies are trusted with nothing but their place: id, question and sender must fit, and
 * the rest is for message_parse.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_EXCHANGE_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_EXCHANGE_H

#include "common/dns/message.h"
#include "common/util/addr.h"
#include "common/util/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At work at the same time: enough to be quick, few enough for any limit of descriptors. */
#define EXCHANGE_UDP_MAX 64
/* An appliance bounds connections of one client. */
#define EXCHANGE_TCP_MAX 16
/* Once more over UDP, and then the end of patience. */
#define EXCHANGE_AGAIN_MS 400
#define EXCHANGE_PATIENCE_MS 1500
/* For what has to ask others itself: a resolver. */
#define EXCHANGE_LONG_PATIENCE_MS 5000

enum exchange_state {
	EXCHANGE_NEW = 0,  /* not asked: the time for everything was up */
	EXCHANGE_ASKED,
	EXCHANGE_ANSWERED,
	EXCHANGE_SILENT,   /* nothing that fits came */
	EXCHANGE_CLOSED,   /* nobody listens there, or the connection ended too early */
	EXCHANGE_NO_ROUTE, /* this machine cannot reach it at all */
	EXCHANGE_FAILED,   /* a system call of ours; error says which */
};

struct exchange {
	/* what is asked; for the caller to fill in, all else zero */
	struct addr to;
	uint8_t qname[DNAME_MAX];
	uint16_t qtype;
	uint16_t flags;	   /* FLAG_RD, FLAG_CD */
	uint16_t udp_size; /* offered in OPT; 0: no EDNS */
	bool do_bit;
	bool tcp;
	bool long_patience;
	size_t tag; /* the caller's own */
	/* what came of it */
	enum exchange_state state;
	int error;	    /* errno of the last fault */
	bool truncated;	    /* TC over UDP; the reply is that of TCP */
	uint16_t udp_octets; /* of the reply over UDP */
	uint8_t *reply;	    /* heap, NULL unless EXCHANGE_ANSWERED */
	size_t reply_len;
};

/* As many as it takes; zero it first. */
struct exchange_list {
	struct exchange *items;
	size_t count, room;
};

/* One question more, of class IN and with EDNS as this appliance asks others. Valid until the next; NULL: out of memory. */
struct exchange *exchange_add(struct exchange_list *list, const struct addr *to, const uint8_t *qname, uint16_t qtype);

/*
 * Ask all of them, until each has come to an end or until_ms (of clock_now_ms) is reached. A reply with TC=1 is followed by the
 * same question over TCP. Returns 0, or BH_ENOMEM.
 */
int exchange_run(struct exchange_list *list, uint64_t until_ms) BH_CHECKED;

/* Give it all back. */
void exchange_clear(struct exchange_list *list);

/* The reply taken apart, in region; false: there is none, or it is malformed. */
bool exchange_read(const struct exchange *x, struct region *region, struct message *out) BH_CHECKED;

/* "does not answer", "nobody listens there": why there is no reply. */
const char *exchange_trouble(const struct exchange *x);

/* Is it an address of this machine? An address of a listener may be elsewhere at present (anycast, failover). */
bool exchange_is_here(const struct addr *addr);

/* Does wire[0..len) answer this question with this id? For tests. */
bool exchange_fits(const struct exchange *x, uint16_t id, const uint8_t *wire, size_t len);

#endif
