/*
 * Names of counters. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/stats.h"

#include "common/dns/rr.h"
#include "common/util/count.h"

#include <assert.h>
#include <stdio.h>

static const char *const authority_names[] = {
	[STAT_AUTH_UDP_QUERIES] = "udp_queries",
	[STAT_AUTH_TCP_QUERIES] = "tcp_queries",
	[STAT_AUTH_LINK_QUERIES] = "link_queries",
	[STAT_AUTH_NOERROR] = "noerror",
	[STAT_AUTH_FORMERR] = "formerr",
	[STAT_AUTH_SERVFAIL] = "servfail",
	[STAT_AUTH_NXDOMAIN] = "nxdomain",
	[STAT_AUTH_NOTIMP] = "notimp",
	[STAT_AUTH_REFUSED] = "refused",
	[STAT_AUTH_RCODE + 6] = "yxdomain",
	[STAT_AUTH_RCODE + 9] = "notauth",
	[STAT_AUTH_RCODE + 16] = "badvers",
	[STAT_AUTH_RCODE + 17] = "badkey",
	[STAT_AUTH_RCODE + 18] = "badtime",
	[STAT_AUTH_RCODE + 22] = "badtrunc",
	[STAT_AUTH_RCODE + 23] = "badcookie",
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
	[STAT_AUTH_RATE_LIMITED] = "rate_limited",
	[STAT_AUTH_RATE_TRUNCATED] = "rate_truncated",
	[STAT_AUTH_RATE_BADCOOKIE] = "rate_badcookie",
	[STAT_AUTH_COOKIE] = "cookie_none",
	[STAT_AUTH_COOKIE + 1] = "cookie_client_only",
	[STAT_AUTH_COOKIE + 2] = "cookie_bad",
	[STAT_AUTH_COOKIE + 3] = "cookie_valid",
	[STAT_AUTH_EDNS_NONE] = "edns_none",
	[STAT_AUTH_EDNS_0] = "edns_0",
	[STAT_AUTH_EDNS_OTHER] = "edns_other",
	[STAT_AUTH_OPCODE + 0] = "opcode_query",
	[STAT_AUTH_OPCODE + 1] = "opcode_iquery",
	[STAT_AUTH_OPCODE + 2] = "opcode_status",
	[STAT_AUTH_OPCODE + 4] = "opcode_notify",
	[STAT_AUTH_OPCODE + 5] = "opcode_update",
	[STAT_AUTH_OTHER_QTYPE] = "qtype_other",
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
	[STAT_FRONT_REFRESHES] = "refreshes",
	[STAT_FRONT_SECURE] = "secure",
	[STAT_FRONT_BADCOOKIE] = "badcookie",
	[STAT_FRONT_COOKIE] = "cookie_none",
	[STAT_FRONT_COOKIE + 1] = "cookie_client_only",
	[STAT_FRONT_COOKIE + 2] = "cookie_bad",
	[STAT_FRONT_COOKIE + 3] = "cookie_valid",
	[STAT_FRONT_CLIENT_LIMITED] = "client_limited",
	[STAT_FRONT_DISPLACED] = "displaced",
	[STAT_FRONT_LATE] = "late",
	[STAT_FRONT_WAIT] = "wait_below_1ms",
	[STAT_FRONT_WAIT + 1] = "wait_below_4ms",
	[STAT_FRONT_WAIT + 2] = "wait_below_16ms",
	[STAT_FRONT_WAIT + 3] = "wait_below_64ms",
	[STAT_FRONT_WAIT + 4] = "wait_below_256ms",
	[STAT_FRONT_WAIT + 5] = "wait_below_1024ms",
	[STAT_FRONT_WAIT + 6] = "wait_below_4096ms",
	[STAT_FRONT_WAIT + 7] = "wait_longer",
	[STAT_FRONT_WAIT_MS] = "wait_ms",
};

static const char *const resolver_names[STAT_RES_COUNT] = {
	[STAT_RES_QUERIES] = "queries",
	[STAT_RES_CACHE_ANSWERS] = "cache_answers",
	[STAT_RES_CACHE_MISSES] = "cache_misses",
	[STAT_RES_LOCAL_ANSWERS] = "local_answers",
	[STAT_RES_STALE_ANSWERS] = "stale_answers",
	[STAT_RES_COALESCED] = "coalesced",
	[STAT_RES_REFRESHES] = "refreshes",
	[STAT_RES_FILTERED] = "filtered",
	[STAT_RES_SERVFAIL] = "servfail",
	[STAT_RES_NXDOMAIN] = "nxdomain",
	[STAT_RES_UPSTREAM_UDP] = "upstream_udp",
	[STAT_RES_UPSTREAM_TCP] = "upstream_tcp",
	[STAT_RES_UPSTREAM_ANSWERS] = "upstream_answers",
	[STAT_RES_UPSTREAM_NODATA] = "upstream_nodata",
	[STAT_RES_UPSTREAM_NXDOMAIN] = "upstream_nxdomain",
	[STAT_RES_UPSTREAM_REFERRALS] = "upstream_referrals",
	[STAT_RES_UPSTREAM_LAME] = "upstream_lame",
	[STAT_RES_UPSTREAM_ERRORS] = "upstream_errors",
	[STAT_RES_UPSTREAM_TRUNCATED] = "upstream_truncated",
	[STAT_RES_UPSTREAM_TIMEOUTS] = "upstream_timeouts",
	[STAT_RES_UPSTREAM_UNREACHABLE] = "upstream_unreachable",
	[STAT_RES_UPSTREAM_CLOSED] = "upstream_closed",
	[STAT_RES_UPSTREAM_MISMATCHES] = "upstream_mismatches",
	[STAT_RES_UPSTREAM_MALFORMED] = "upstream_malformed",
	[STAT_RES_VALIDATED_SECURE] = "validated_secure",
	[STAT_RES_VALIDATED_INSECURE] = "validated_insecure",
	[STAT_RES_VALIDATED_BOGUS] = "validated_bogus",
	[STAT_RES_VALIDATED_FAILED] = "validated_failed",
	[STAT_RES_SIGNATURE_CHECKS] = "signature_checks",
	[STAT_RES_NSEC3_HASHES] = "nsec3_hashes",
	[STAT_RES_DISPLACED] = "displaced",
	[STAT_RES_BUDGET_STOPS] = "budget_stops",
	[STAT_RES_TIME_STOPS] = "time_stops",
	[STAT_RES_CHAIN_STOPS] = "chain_stops",
	[STAT_RES_CACHE_ENTRIES] = "cache_entries",
	[STAT_RES_CACHE_BYTES] = "cache_bytes",
	[STAT_RES_CACHE_INFRA_BYTES] = "cache_infra_bytes",
	[STAT_RES_CACHE_LIMIT] = "cache_limit",
	[STAT_RES_CACHE_EVICTIONS] = "cache_evictions",
	[STAT_RES_PENDING] = "pending",
	[STAT_RES_SEND_FAILED] = "send_failed",
	[STAT_RES_LATENCY_MS] = "latency_ms",
};

static_assert(STAT_AUTH_COUNT <= STATS_COUNTERS, "in one page");
static_assert(sizeof(struct stats_page) == STATS_PAGE_SIZE, "one page");
static_assert(COUNT(authority_names) == STAT_AUTH_COUNT, "to the last");
static_assert(COUNT(frontend_names) == STAT_FRONT_COUNT, "a name each");
static_assert(STAT_RES_COUNT <= STATS_COUNTERS, "in one page");

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

size_t stats_size(enum role role)
{
	return STATS_PAGE_SIZE +
	       (role == ROLE_AUTHORITY ? (STATS_ZONES_MAX + STATS_FAILED_WORDS) * sizeof(uint64_t) : 0);
}

void stats_probes_clear(struct stats_page *page)
{
	stats_write(&page->beat_ms, 0);
	for (unsigned i = 0; i < STATS_PROBES; i++) {
		stats_write(&page->probes[i].ended_ms, 0);
		stats_write(&page->probes[i].parts, 0);
		stats_write(&page->probes[i].failed, 0);
		stats_write(&page->probes[i].first, 0);
	}
}

/* Of those that are many: the kind, and the number or type. */
static void authority_detail(unsigned counter, char out[STATS_NAME_MAX])
{
	char type[RR_TYPE_TEXT_MAX];
	if (counter >= STAT_AUTH_QTYPE) {
		snprintf(out, STATS_NAME_MAX, "qtype_%s", rr_type_text((uint16_t)(counter - STAT_AUTH_QTYPE), type));
	} else if (counter >= STAT_AUTH_OPCODE) {
		snprintf(out, STATS_NAME_MAX, "opcode_%u", counter - STAT_AUTH_OPCODE);
	} else {
		snprintf(out, STATS_NAME_MAX, "rcode_%u", counter - STAT_AUTH_RCODE);
	}
}

static void resolver_detail(unsigned counter, char out[STATS_NAME_MAX])
{
	unsigned bucket = counter - STAT_RES_LATENCY;
	if (bucket < STATS_LATENCIES - 1) {
		snprintf(out, STATS_NAME_MAX, "latency_under_%ums", 1u << bucket);
	} else {
		snprintf(out, STATS_NAME_MAX, "latency_longer");
	}
}

const char *stats_name(enum role role, unsigned counter, char out[STATS_NAME_MAX])
{
	if (counter >= stats_count(role)) {
		return NULL;
	}
	const char *name = role == ROLE_AUTHORITY  ? authority_names[counter]
			   : role == ROLE_FRONTEND ? frontend_names[counter]
						   : resolver_names[counter];
	if (name != NULL) {
		snprintf(out, STATS_NAME_MAX, "%s", name);
	} else if (role == ROLE_RESOLVER) {
		resolver_detail(counter, out);
	} else {
		authority_detail(counter, out);
	}
	return out;
}

bool stats_is_detail(enum role role, unsigned counter)
{
	if (role == ROLE_RESOLVER) {
		return counter >= STAT_RES_LATENCY;
	}
	return role == ROLE_AUTHORITY &&
	       (counter >= STAT_AUTH_OPCODE || (counter > STAT_AUTH_REFUSED && counter < STAT_AUTH_OTHER_RCODE));
}
