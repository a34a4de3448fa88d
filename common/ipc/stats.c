/*
 * Names of counters. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/stats.h"

#include <assert.h>

static const char *const authority_names[] = {
	[STAT_AUTH_UDP_QUERIES] = "udp_queries",
	[STAT_AUTH_TCP_QUERIES] = "tcp_queries",
	[STAT_AUTH_LINK_QUERIES] = "link_queries",
	[STAT_AUTH_NOERROR] = "noerror",
	[STAT_AUTH_NXDOMAIN] = "nxdomain",
	[STAT_AUTH_REFUSED] = "refused",
	[STAT_AUTH_SERVFAIL] = "servfail",
	[STAT_AUTH_FORMERR] = "formerr",
	[STAT_AUTH_NOTIMP] = "notimp",
	[STAT_AUTH_OTHER_RCODE] = "other_rcode",
	[STAT_AUTH_TRUNCATED] = "truncated",
	[STAT_AUTH_IGNORED] = "ignored",
	[STAT_AUTH_INTENTIONAL_DROPS] = "intentional_drops",
	[STAT_AUTH_SEND_FAILED] = "send_failed",
	[STAT_AUTH_TCP_ACCEPTED] = "tcp_accepted",
	[STAT_AUTH_TCP_REFUSED] = "tcp_refused",
	[STAT_AUTH_TRANSFERS_STARTED] = "transfers_started",
	[STAT_AUTH_TRANSFERS_DONE] = "transfers_done",
	[STAT_AUTH_TRANSFERS_REFUSED] = "transfers_refused",
	[STAT_AUTH_TRANSFERS_ABORTED] = "transfers_aborted",
};

static const char *const frontend_names[] = {
	[STAT_FRONT_UDP_QUERIES] = "udp_queries",
	[STAT_FRONT_TCP_QUERIES] = "tcp_queries",
	[STAT_FRONT_CACHE_HITS] = "cache_hits",
	[STAT_FRONT_CACHE_MISSES] = "cache_misses",
	[STAT_FRONT_CACHE_ENTRIES] = "cache_entries",
	[STAT_FRONT_CACHE_BYTES] = "cache_bytes",
	[STAT_FRONT_TO_AUTHORITY] = "to_authority",
	[STAT_FRONT_TO_RESOLVER] = "to_resolver",
	[STAT_FRONT_COALESCED] = "coalesced",
	[STAT_FRONT_OVERLAY] = "overlay",
	[STAT_FRONT_NOERROR] = "noerror",
	[STAT_FRONT_NXDOMAIN] = "nxdomain",
	[STAT_FRONT_REFUSED] = "refused",
	[STAT_FRONT_SERVFAIL] = "servfail",
	[STAT_FRONT_FORMERR] = "formerr",
	[STAT_FRONT_NOTIMP] = "notimp",
	[STAT_FRONT_OTHER_RCODE] = "other_rcode",
	[STAT_FRONT_TRUNCATED] = "truncated",
	[STAT_FRONT_TIMEOUTS] = "timeouts",
	[STAT_FRONT_OVERLOADED] = "overloaded",
	[STAT_FRONT_IGNORED] = "ignored",
	[STAT_FRONT_INTENTIONAL_DROPS] = "intentional_drops",
	[STAT_FRONT_SEND_FAILED] = "send_failed",
	[STAT_FRONT_PENDING] = "pending",
	[STAT_FRONT_TCP_ACCEPTED] = "tcp_accepted",
	[STAT_FRONT_TCP_REFUSED] = "tcp_refused",
};

static const char *const resolver_names[] = {
	[STAT_RES_QUERIES] = "queries",
	[STAT_RES_CACHE_ANSWERS] = "cache_answers",
	[STAT_RES_LOCAL_ANSWERS] = "local_answers",
	[STAT_RES_COALESCED] = "coalesced",
	[STAT_RES_SERVFAIL] = "servfail",
	[STAT_RES_NXDOMAIN] = "nxdomain",
	[STAT_RES_UPSTREAM_UDP] = "upstream_udp",
	[STAT_RES_UPSTREAM_TCP] = "upstream_tcp",
	[STAT_RES_UPSTREAM_TIMEOUTS] = "upstream_timeouts",
	[STAT_RES_UPSTREAM_MISMATCHES] = "upstream_mismatches",
	[STAT_RES_UPSTREAM_MALFORMED] = "upstream_malformed",
	[STAT_RES_UPSTREAM_LAME] = "upstream_lame",
	[STAT_RES_BUDGET_STOPS] = "budget_stops",
	[STAT_RES_CACHE_ENTRIES] = "cache_entries",
	[STAT_RES_CACHE_BYTES] = "cache_bytes",
	[STAT_RES_CACHE_EVICTIONS] = "cache_evictions",
	[STAT_RES_PENDING] = "pending",
	[STAT_RES_SEND_FAILED] = "send_failed",
};

static_assert(sizeof(struct stats_page) == STATS_PAGE_SIZE, "one page");
static_assert(sizeof(authority_names) / sizeof(authority_names[0]) == STAT_AUTH_COUNT, "a name each");
static_assert(sizeof(frontend_names) / sizeof(frontend_names[0]) == STAT_FRONT_COUNT, "a name each");
static_assert(sizeof(resolver_names) / sizeof(resolver_names[0]) == STAT_RES_COUNT, "a name each");

unsigned stats_count(enum role role)
{
	switch (role) {
	case ROLE_AUTHORITY:
		return STAT_AUTH_COUNT;
	case ROLE_FRONTEND:
		return STAT_FRONT_COUNT;
	case ROLE_RESOLVER:
		return STAT_RES_COUNT;
	default:
		return 0;
	}
}

const char *stats_name(enum role role, unsigned counter)
{
	if (counter >= stats_count(role)) {
		return NULL;
	}
	return role == ROLE_AUTHORITY  ? authority_names[counter]
	       : role == ROLE_FRONTEND ? frontend_names[counter]
				       : resolver_names[counter];
}
