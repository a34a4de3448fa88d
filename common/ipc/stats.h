/*
 * Counters: one page of shared memory per process, and behind that of an authority one counter for each zone.
 * The role writes it, the supervisor maps it read-only and reads plain 64-bit loads out of it; nothing in it
 * is trusted for more than display.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_STATS_H
#define BULKHEAD_COMMON_IPC_STATS_H

#include "common/ipc/msg.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_PAGE_SIZE 4096
#define STATS_COUNTERS 500

/*
 * Counters of zones. A zone has the same one as long as it is configured, and one that takes the place of another in
 * a change gets one that no zone had: so two times the zones of a view. Sparse: what is not used costs nothing.
 */
#define STATS_ZONES_MAX 200000

/*
 * How a role fares when it asks itself (MSG_CONF_PROBE). Times are those of CLOCK_MONOTONIC, the same for all
 * processes.
 */
struct stats_probe {
	uint64_t ended_ms; /* when the last round ended; 0: none has */
	uint64_t parts;	   /* that were asked in it */
	uint64_t failed;   /* those that did not answer rightly when they were asked last */
	uint64_t first;	   /* which of them was the first: index of a peer */
};

/*
 * Which probe: of an authority, its zones; of a resolver, a question of its own; of a frontend, the internal view and
 * the resolver over their links, each 0 parts when there is no such link.
 */
enum stats_probe_index { STATS_PROBE_OWN, STATS_PROBE_VIEW = 0, STATS_PROBE_RESOLVER = 1, STATS_PROBES = 2 };

/* A role that probes itself says so at least this often. */
#define STATS_BEAT_MS 1000

/* Octets are those of the machine; both ends run on it. */
struct stats_page {
	uint64_t counters[STATS_COUNTERS];
	uint64_t zone_room; /* counters of zones behind this page; the role's own note, as the next */
	uint64_t zone_high; /* those from here on were never used */
	uint64_t beat_ms;   /* when it last said that its event loop runs; 0: it does not probe itself */
	struct stats_probe probes[STATS_PROBES];
	uint64_t unused[STATS_PAGE_SIZE / 8 - STATS_COUNTERS - 3 - STATS_PROBES * 4];
};

/* Counters of zones, zone_room of them. */
static inline uint64_t *stats_zones(struct stats_page *page)
{
	return (uint64_t *)(page + 1);
}

/* Behind those one bit for each: the zone did not answer when it was asked last. */
#define STATS_FAILED_WORDS (STATS_ZONES_MAX / 64)
static_assert(STATS_ZONES_MAX % 64 == 0, "whole words");

static inline uint64_t *stats_failed(struct stats_page *page)
{
	return stats_zones(page) + STATS_ZONES_MAX;
}

/* A number that another process may be writing. */
static inline uint64_t stats_read(const uint64_t *number)
{
	return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static inline void stats_write(uint64_t *number, uint64_t value)
{
	__atomic_store_n(number, value, __ATOMIC_RELAXED);
}

/* The event loop of this role runs. */
static inline void stats_beat(struct stats_page *page, uint64_t now_ms)
{
	stats_write(&page->beat_ms, now_ms);
}

/* Forget all probes of whoever wrote this page before. */
void stats_probes_clear(struct stats_page *page);

/* Octets of the memory for a role. */
size_t stats_size(enum role role);

/* Numbers that have a counter each; larger ones are counted together. */
#define STATS_OPCODES 16 /* all there are */
#define STATS_RCODES 24	 /* to BADCOOKIE */
#define STATS_QTYPES 260 /* to CAA and AMTRELAY */

/* Classes of waiting: below 1 ms, 4, 16, 64, 256, 1024, 4096, and more. */
#define STATS_WAITS 8

/* Counters of the authority. */
enum stats_authority {
	STAT_AUTH_UDP_QUERIES,
	STAT_AUTH_TCP_QUERIES,
	STAT_AUTH_LINK_QUERIES, /* over query links */
	STAT_AUTH_RCODE,	/* by number, then all others */
	STAT_AUTH_NOERROR = STAT_AUTH_RCODE,
	STAT_AUTH_FORMERR,
	STAT_AUTH_SERVFAIL,
	STAT_AUTH_NXDOMAIN,
	STAT_AUTH_NOTIMP,
	STAT_AUTH_REFUSED,
	STAT_AUTH_OTHER_RCODE = STAT_AUTH_RCODE + STATS_RCODES,
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
	STAT_AUTH_RATE_LIMITED,	   /* above the rate, in log mode too */
	STAT_AUTH_RATE_TRUNCATED,  /* of these, TC=1 in the place of an answer */
	STAT_AUTH_RATE_BADCOOKIE,  /* BADCOOKIE in its place */
	STAT_AUTH_COOKIE,	   /* four, as enum cookie_state */
	STAT_AUTH_EDNS_NONE = STAT_AUTH_COOKIE + 4,
	STAT_AUTH_EDNS_0,
	STAT_AUTH_EDNS_OTHER, /* BADVERS */
	STAT_AUTH_OPCODE,     /* by number */
	STAT_AUTH_QTYPE = STAT_AUTH_OPCODE + STATS_OPCODES, /* by number, then all others */
	STAT_AUTH_OTHER_QTYPE = STAT_AUTH_QTYPE + STATS_QTYPES,
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
	STAT_FRONT_REFRESHES,	   /* answers asked for anew before they end */
	STAT_FRONT_SECURE,	   /* answered with AD */
	STAT_FRONT_BADCOOKIE,	   /* answered so */
	STAT_FRONT_COOKIE,	   /* four, as enum cookie_state */
	STAT_FRONT_CLIENT_LIMITED = STAT_FRONT_COOKIE + 4, /* refused: its client waits for enough */
	STAT_FRONT_DISPLACED,	   /* given up for a client that waits for less */
	STAT_FRONT_LATE,	   /* TC=1 in the place of a late answer to a client that is not proven */
	STAT_FRONT_WAIT,	   /* answers that had to be waited for, by milliseconds: STATS_WAITS of them */
	STAT_FRONT_WAIT_MS = STAT_FRONT_WAIT + STATS_WAITS, /* how long all of them together */
	STAT_FRONT_COUNT
};

/*
 * Buckets of a histogram of times: bucket i counts what took at least 2^(i-1) and less than 2^i milliseconds, the
 * first what took none, the last all that took longer.
 */
#define STATS_LATENCIES 16

static inline unsigned stats_latency(uint64_t ms)
{
	unsigned bucket = 0;
	while (bucket < STATS_LATENCIES - 1 && ms >> bucket != 0) {
		bucket++;
	}
	return bucket;
}

enum stats_resolver {
	STAT_RES_QUERIES,
	STAT_RES_CACHE_ANSWERS, /* answered without asking anyone */
	STAT_RES_CACHE_MISSES,	/* somebody had to be asked */
	STAT_RES_LOCAL_ANSWERS, /* RFC 6303, RFC 6761 names */
	STAT_RES_STALE_ANSWERS, /* RFC 8767 */
	STAT_RES_COALESCED,
	STAT_RES_REFRESHES, /* asked anew before the end, because it is popular */
	STAT_RES_FILTERED,  /* answers that lost private addresses */
	STAT_RES_SERVFAIL,
	STAT_RES_NXDOMAIN,
	STAT_RES_UPSTREAM_UDP, /* packets sent, and below what became of them */
	STAT_RES_UPSTREAM_TCP,
	STAT_RES_UPSTREAM_ANSWERS, /* aliases among them */
	STAT_RES_UPSTREAM_NODATA,
	STAT_RES_UPSTREAM_NXDOMAIN,
	STAT_RES_UPSTREAM_REFERRALS,
	STAT_RES_UPSTREAM_LAME,	  /* does not serve the zone */
	STAT_RES_UPSTREAM_ERRORS, /* SERVFAIL and the like, or nonsense */
	STAT_RES_UPSTREAM_TRUNCATED,
	STAT_RES_UPSTREAM_TIMEOUTS,
	STAT_RES_UPSTREAM_UNREACHABLE, /* no route, or nobody listens */
	STAT_RES_UPSTREAM_CLOSED,      /* TCP ended too early */
	STAT_RES_UPSTREAM_MISMATCHES,  /* passed over: not the reply that is waited for */
	STAT_RES_UPSTREAM_MALFORMED,
	STAT_RES_VALIDATED_SECURE,
	STAT_RES_VALIDATED_INSECURE,
	STAT_RES_VALIDATED_BOGUS,
	STAT_RES_VALIDATED_FAILED, /* keys or DS could not be had, or it cost too much */
	STAT_RES_SIGNATURE_CHECKS, /* in units of one with P-256, what clients asked for */
	STAT_RES_NSEC3_HASHES,	   /* iterations counted, likewise */
	STAT_RES_BUDGET_STOPS, /* questions that ended because of a bound: the budget of work, ... */
	STAT_RES_TIME_STOPS,   /* RESOLUTION_MS */
	STAT_RES_CHAIN_STOPS,  /* aliases or referrals */
	STAT_RES_DISPLACED,    /* given up, having taken long, for others when there was no room for more */
	STAT_RES_CACHE_ENTRIES,
	STAT_RES_CACHE_BYTES,
	STAT_RES_CACHE_INFRA_BYTES, /* of these, for delegations and addresses of servers */
	STAT_RES_CACHE_LIMIT,
	STAT_RES_CACHE_EVICTIONS,
	STAT_RES_PENDING,
	STAT_RES_SEND_FAILED,
	STAT_RES_LATENCY, /* of questions for which somebody was asked: STATS_LATENCIES of them */
	STAT_RES_LATENCY_MS = STAT_RES_LATENCY + STATS_LATENCIES, /* how long all of them together */
	STAT_RES_COUNT
};

#define STATS_NAME_MAX 32

/* Number of counters of a role, and the name of one ("udp_queries"); NULL past the end. */
unsigned stats_count(enum role role);
const char *stats_name(enum role role, unsigned counter, char out[STATS_NAME_MAX]);

/* Is it one of many of its kind, which are worth showing only when there is something to show? */
bool stats_is_detail(enum role role, unsigned counter);

#endif
