/*
 * Counters: one page of shared memory per process. The role writes it, the supervisor maps it
 * read-only and reads plain 64-bit loads out of it; nothing in it is trusted for more than display.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_STATS_H
#define BULKHEAD_COMMON_IPC_STATS_H

#include "common/ipc/msg.h"

#include <stdint.h>

#define STATS_PAGE_SIZE 4096
#define STATS_COUNTERS 500

/* Octets are those of the machine; both ends run on it. */
struct stats_page {
	uint64_t counters[STATS_COUNTERS];
	uint64_t unused[STATS_PAGE_SIZE / 8 - STATS_COUNTERS];
};

/* Counters of the authority. */
enum stats_authority {
	STAT_AUTH_UDP_QUERIES,
	STAT_AUTH_TCP_QUERIES,
	STAT_AUTH_LINK_QUERIES, /* over query links */
	STAT_AUTH_NOERROR,
	STAT_AUTH_NXDOMAIN,
	STAT_AUTH_REFUSED,
	STAT_AUTH_SERVFAIL,
	STAT_AUTH_FORMERR,
	STAT_AUTH_NOTIMP,
	STAT_AUTH_OTHER_RCODE,
	STAT_AUTH_TRUNCATED,
	STAT_AUTH_IGNORED,	     /* QR=1 or shorter than a header */
	STAT_AUTH_INTENTIONAL_DROPS, /* stays 0 */
	STAT_AUTH_SEND_FAILED,	     /* the kernel did not take a reply */
	STAT_AUTH_TCP_ACCEPTED,
	STAT_AUTH_TCP_REFUSED,
	STAT_AUTH_TRANSFERS_STARTED,
	STAT_AUTH_TRANSFERS_DONE,
	STAT_AUTH_TRANSFERS_REFUSED, /* not allowed, or too many at once */
	STAT_AUTH_TRANSFERS_ABORTED, /* the client went, or did not read */
	STAT_AUTH_COUNT
};

enum stats_frontend {
	STAT_FRONT_UDP_QUERIES,
	STAT_FRONT_TCP_QUERIES,
	STAT_FRONT_CACHE_HITS,
	STAT_FRONT_CACHE_MISSES,
	STAT_FRONT_CACHE_ENTRIES,
	STAT_FRONT_CACHE_BYTES,
	STAT_FRONT_TO_AUTHORITY,
	STAT_FRONT_TO_RESOLVER,
	STAT_FRONT_COALESCED,
	STAT_FRONT_OVERLAY,
	STAT_FRONT_NOERROR,
	STAT_FRONT_NXDOMAIN,
	STAT_FRONT_REFUSED,
	STAT_FRONT_SERVFAIL,
	STAT_FRONT_FORMERR,
	STAT_FRONT_NOTIMP,
	STAT_FRONT_OTHER_RCODE,
	STAT_FRONT_TRUNCATED,
	STAT_FRONT_TIMEOUTS,
	STAT_FRONT_OVERLOADED, /* answered SERVFAIL because a table was full */
	STAT_FRONT_IGNORED,
	STAT_FRONT_INTENTIONAL_DROPS,
	STAT_FRONT_SEND_FAILED,
	STAT_FRONT_PENDING,
	STAT_FRONT_TCP_ACCEPTED,
	STAT_FRONT_TCP_REFUSED,
	STAT_FRONT_COUNT
};

enum stats_resolver {
	STAT_RES_QUERIES,
	STAT_RES_CACHE_ANSWERS, /* answered without asking anyone */
	STAT_RES_LOCAL_ANSWERS, /* RFC 6303, RFC 6761 names */
	STAT_RES_COALESCED,
	STAT_RES_SERVFAIL,
	STAT_RES_NXDOMAIN,
	STAT_RES_UPSTREAM_UDP,
	STAT_RES_UPSTREAM_TCP,
	STAT_RES_UPSTREAM_TIMEOUTS,
	STAT_RES_UPSTREAM_MISMATCHES,
	STAT_RES_UPSTREAM_MALFORMED,
	STAT_RES_UPSTREAM_LAME,
	STAT_RES_BUDGET_STOPS,
	STAT_RES_CACHE_ENTRIES,
	STAT_RES_CACHE_BYTES,
	STAT_RES_CACHE_EVICTIONS,
	STAT_RES_PENDING,
	STAT_RES_SEND_FAILED,
	STAT_RES_COUNT
};

/* Number of counters of a role, and the name of one ("udp_queries"); NULL past the end. */
unsigned stats_count(enum role role);
const char *stats_name(enum role role, unsigned counter);

#endif
