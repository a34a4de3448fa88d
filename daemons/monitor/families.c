/*
 * The tables. Every counter of stats.h is in one of them: a test looks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/monitor/families.h"

#include "common/dns/rr.h"
#include "common/util/count.h"

#include <stdio.h>

static const char *rcode_value(unsigned i, char out[FAMILY_VALUE_MAX])
{
	const char *text = rcode_text(i);
	if (text[0] != 'R' || text[1] != 'C') { /* RCODE?: it has no name */
		snprintf(out, FAMILY_VALUE_MAX, "%s", text);
	} else {
		snprintf(out, FAMILY_VALUE_MAX, "RCODE%u", i);
	}
	return out;
}

static const char *qtype_value(unsigned i, char out[FAMILY_VALUE_MAX])
{
	char type[RR_TYPE_TEXT_MAX];
	snprintf(out, FAMILY_VALUE_MAX, "%s", rr_type_text((uint16_t)i, type));
	return out;
}

static const char *opcode_value(unsigned i, char out[FAMILY_VALUE_MAX])
{
	static const char *const names[] = { "QUERY", "IQUERY", "STATUS", NULL, "NOTIFY", "UPDATE", "DSO" };
	if (i < COUNT(names) && names[i] != NULL) {
		snprintf(out, FAMILY_VALUE_MAX, "%s", names[i]);
	} else {
		snprintf(out, FAMILY_VALUE_MAX, "OPCODE%u", i);
	}
	return out;
}

/* 1, 4, 16 ... milliseconds: STAT_FRONT_WAIT. */
static uint64_t wait_bound(unsigned i)
{
	return UINT64_C(1) << 2 * i;
}

/* 1, 2, 4 ... milliseconds: STATS_LATENCIES. */
static uint64_t latency_bound(unsigned i)
{
	return UINT64_C(1) << i;
}

static const struct family_sample authority_queries[] = {
	{ .counter = STAT_AUTH_UDP_QUERIES, .label = "transport", .value = "udp", .count = 1 },
	{ .counter = STAT_AUTH_TCP_QUERIES, .label = "transport", .value = "tcp", .count = 1 },
	{ .counter = STAT_AUTH_LINK_QUERIES, .label = "transport", .value = "link", .count = 1 },
};
static const struct family_sample authority_responses[] = {
	{ .counter = STAT_AUTH_RCODE, .label = "rcode", .value_of = rcode_value, .count = STATS_RCODES,
	  .always = 6 },
	{ .counter = STAT_AUTH_OTHER_RCODE, .label = "rcode", .value = "other", .count = 1 },
};
static const struct family_sample authority_questions[] = {
	{ .counter = STAT_AUTH_QTYPE, .label = "qtype", .value_of = qtype_value, .count = STATS_QTYPES },
	{ .counter = STAT_AUTH_OTHER_QTYPE, .label = "qtype", .value = "other", .count = 1 },
};
static const struct family_sample authority_opcodes[] = {
	{ .counter = STAT_AUTH_OPCODE, .label = "opcode", .value_of = opcode_value, .count = STATS_OPCODES },
};
static const struct family_sample authority_truncated_responses[] = {
	{ .counter = STAT_AUTH_TRUNCATED, .count = 1 },
};
static const struct family_sample authority_ignored_packets[] = {
	{ .counter = STAT_AUTH_IGNORED, .count = 1 },
};
static const struct family_sample authority_intentional_drops[] = {
	{ .counter = STAT_AUTH_INTENTIONAL_DROPS, .count = 1 },
};
static const struct family_sample authority_send_failures[] = {
	{ .counter = STAT_AUTH_SEND_FAILED, .count = 1 },
};
static const struct family_sample authority_tcp_connections[] = {
	{ .counter = STAT_AUTH_TCP_ACCEPTED, .label = "result", .value = "accepted", .count = 1 },
	{ .counter = STAT_AUTH_TCP_REFUSED, .label = "result", .value = "refused", .count = 1 },
};
static const struct family_sample authority_transfers[] = {
	{ .counter = STAT_AUTH_TRANSFERS_STARTED, .label = "result", .value = "started", .count = 1 },
	{ .counter = STAT_AUTH_TRANSFERS_DONE, .label = "result", .value = "done", .count = 1 },
	{ .counter = STAT_AUTH_TRANSFERS_REFUSED, .label = "result", .value = "refused", .count = 1 },
	{ .counter = STAT_AUTH_TRANSFERS_ABORTED, .label = "result", .value = "aborted", .count = 1 },
};
static const struct family_sample authority_rate_limited[] = {
	{ .counter = STAT_AUTH_RATE_LIMITED, .count = 1 },
};
static const struct family_sample authority_rate_limited_answers[] = {
	{ .counter = STAT_AUTH_RATE_TRUNCATED, .label = "answer", .value = "truncated", .count = 1 },
	{ .counter = STAT_AUTH_RATE_BADCOOKIE, .label = "answer", .value = "badcookie", .count = 1 },
};
static const struct family_sample authority_cookies[] = {
	{ .counter = STAT_AUTH_COOKIE, .label = "cookie", .value = "none", .count = 1 },
	{ .counter = STAT_AUTH_COOKIE + 1, .label = "cookie", .value = "client_only", .count = 1 },
	{ .counter = STAT_AUTH_COOKIE + 2, .label = "cookie", .value = "bad", .count = 1 },
	{ .counter = STAT_AUTH_COOKIE + 3, .label = "cookie", .value = "valid", .count = 1 },
};
static const struct family_sample authority_edns[] = {
	{ .counter = STAT_AUTH_EDNS_NONE, .label = "version", .value = "none", .count = 1 },
	{ .counter = STAT_AUTH_EDNS_0, .label = "version", .value = "0", .count = 1 },
	{ .counter = STAT_AUTH_EDNS_OTHER, .label = "version", .value = "other", .count = 1 },
};
static const struct family_sample frontend_queries[] = {
	{ .counter = STAT_FRONT_UDP_QUERIES, .label = "transport", .value = "udp", .count = 1 },
	{ .counter = STAT_FRONT_TCP_QUERIES, .label = "transport", .value = "tcp", .count = 1 },
};
static const struct family_sample frontend_responses[] = {
	{ .counter = STAT_FRONT_NOERROR, .label = "rcode", .value = "NOERROR", .count = 1 },
	{ .counter = STAT_FRONT_NXDOMAIN, .label = "rcode", .value = "NXDOMAIN", .count = 1 },
	{ .counter = STAT_FRONT_REFUSED, .label = "rcode", .value = "REFUSED", .count = 1 },
	{ .counter = STAT_FRONT_SERVFAIL, .label = "rcode", .value = "SERVFAIL", .count = 1 },
	{ .counter = STAT_FRONT_FORMERR, .label = "rcode", .value = "FORMERR", .count = 1 },
	{ .counter = STAT_FRONT_NOTIMP, .label = "rcode", .value = "NOTIMP", .count = 1 },
	{ .counter = STAT_FRONT_BADCOOKIE, .label = "rcode", .value = "BADCOOKIE", .count = 1 },
	{ .counter = STAT_FRONT_OTHER_RCODE, .label = "rcode", .value = "other", .count = 1 },
};
static const struct family_sample frontend_cache_lookups[] = {
	{ .counter = STAT_FRONT_CACHE_HITS, .label = "result", .value = "hit", .count = 1 },
	{ .counter = STAT_FRONT_CACHE_MISSES, .label = "result", .value = "miss", .count = 1 },
};
static const struct family_sample frontend_cache_entries[] = {
	{ .counter = STAT_FRONT_CACHE_ENTRIES, .count = 1 },
};
static const struct family_sample frontend_cache_bytes[] = {
	{ .counter = STAT_FRONT_CACHE_BYTES, .count = 1 },
};
static const struct family_sample frontend_asked[] = {
	{ .counter = STAT_FRONT_TO_AUTHORITY, .label = "peer", .value = "authority", .count = 1 },
	{ .counter = STAT_FRONT_TO_RESOLVER, .label = "peer", .value = "resolver", .count = 1 },
};
static const struct family_sample frontend_coalesced_queries[] = {
	{ .counter = STAT_FRONT_COALESCED, .count = 1 },
};
static const struct family_sample frontend_overlay_lookups[] = {
	{ .counter = STAT_FRONT_OVERLAY, .count = 1 },
};
static const struct family_sample frontend_truncated_responses[] = {
	{ .counter = STAT_FRONT_TRUNCATED, .count = 1 },
};
static const struct family_sample frontend_timeouts[] = {
	{ .counter = STAT_FRONT_TIMEOUTS, .count = 1 },
};
static const struct family_sample frontend_overloaded_queries[] = {
	{ .counter = STAT_FRONT_OVERLOADED, .count = 1 },
};
static const struct family_sample frontend_limited_queries[] = {
	{ .counter = STAT_FRONT_CLIENT_LIMITED, .label = "reason", .value = "client", .count = 1 },
	{ .counter = STAT_FRONT_DISPLACED, .label = "reason", .value = "displaced", .count = 1 },
};
static const struct family_sample frontend_late_answers[] = {
	{ .counter = STAT_FRONT_LATE, .count = 1 },
};
static const struct family_sample frontend_ignored_packets[] = {
	{ .counter = STAT_FRONT_IGNORED, .count = 1 },
};
static const struct family_sample frontend_intentional_drops[] = {
	{ .counter = STAT_FRONT_INTENTIONAL_DROPS, .count = 1 },
};
static const struct family_sample frontend_send_failures[] = {
	{ .counter = STAT_FRONT_SEND_FAILED, .count = 1 },
};
static const struct family_sample frontend_pending_queries[] = {
	{ .counter = STAT_FRONT_PENDING, .count = 1 },
};
static const struct family_sample frontend_tcp_connections[] = {
	{ .counter = STAT_FRONT_TCP_ACCEPTED, .label = "result", .value = "accepted", .count = 1 },
	{ .counter = STAT_FRONT_TCP_REFUSED, .label = "result", .value = "refused", .count = 1 },
};
static const struct family_sample frontend_refreshes[] = {
	{ .counter = STAT_FRONT_REFRESHES, .count = 1 },
};
static const struct family_sample frontend_secure_responses[] = {
	{ .counter = STAT_FRONT_SECURE, .count = 1 },
};
static const struct family_sample frontend_cookies[] = {
	{ .counter = STAT_FRONT_COOKIE, .label = "cookie", .value = "none", .count = 1 },
	{ .counter = STAT_FRONT_COOKIE + 1, .label = "cookie", .value = "client_only", .count = 1 },
	{ .counter = STAT_FRONT_COOKIE + 2, .label = "cookie", .value = "bad", .count = 1 },
	{ .counter = STAT_FRONT_COOKIE + 3, .label = "cookie", .value = "valid", .count = 1 },
};
static const struct family_sample frontend_wait_seconds[] = {
	{ .counter = STAT_FRONT_WAIT, .count = 1 },
};
static const struct family_sample resolver_questions[] = {
	{ .counter = STAT_RES_QUERIES, .count = 1 },
};
static const struct family_sample resolver_answers[] = {
	{ .counter = STAT_RES_CACHE_ANSWERS, .label = "source", .value = "cache", .count = 1 },
	{ .counter = STAT_RES_CACHE_MISSES, .label = "source", .value = "miss", .count = 1 },
	{ .counter = STAT_RES_LOCAL_ANSWERS, .label = "source", .value = "local", .count = 1 },
	{ .counter = STAT_RES_STALE_ANSWERS, .label = "source", .value = "stale", .count = 1 },
};
static const struct family_sample resolver_responses[] = {
	{ .counter = STAT_RES_SERVFAIL, .label = "rcode", .value = "SERVFAIL", .count = 1 },
	{ .counter = STAT_RES_NXDOMAIN, .label = "rcode", .value = "NXDOMAIN", .count = 1 },
};
static const struct family_sample resolver_coalesced_questions[] = {
	{ .counter = STAT_RES_COALESCED, .count = 1 },
};
static const struct family_sample resolver_refreshes[] = {
	{ .counter = STAT_RES_REFRESHES, .count = 1 },
};
static const struct family_sample resolver_filtered_answers[] = {
	{ .counter = STAT_RES_FILTERED, .count = 1 },
};
static const struct family_sample resolver_upstream_queries[] = {
	{ .counter = STAT_RES_UPSTREAM_UDP, .label = "transport", .value = "udp", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_TCP, .label = "transport", .value = "tcp", .count = 1 },
};
static const struct family_sample resolver_upstream_replies[] = {
	{ .counter = STAT_RES_UPSTREAM_ANSWERS, .label = "kind", .value = "answer", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_NODATA, .label = "kind", .value = "nodata", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_NXDOMAIN, .label = "kind", .value = "nxdomain", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_REFERRALS, .label = "kind", .value = "referral", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_LAME, .label = "kind", .value = "lame", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_ERRORS, .label = "kind", .value = "error", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_TRUNCATED, .label = "kind", .value = "truncated", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_MALFORMED, .label = "kind", .value = "malformed", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_MISMATCHES, .label = "kind", .value = "mismatch", .count = 1 },
};
static const struct family_sample resolver_upstream_failures[] = {
	{ .counter = STAT_RES_UPSTREAM_TIMEOUTS, .label = "reason", .value = "timeout", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_UNREACHABLE, .label = "reason", .value = "unreachable", .count = 1 },
	{ .counter = STAT_RES_UPSTREAM_CLOSED, .label = "reason", .value = "closed", .count = 1 },
};
static const struct family_sample resolver_validations[] = {
	{ .counter = STAT_RES_VALIDATED_SECURE, .label = "result", .value = "secure", .count = 1 },
	{ .counter = STAT_RES_VALIDATED_INSECURE, .label = "result", .value = "insecure", .count = 1 },
	{ .counter = STAT_RES_VALIDATED_BOGUS, .label = "result", .value = "bogus", .count = 1 },
	{ .counter = STAT_RES_VALIDATED_FAILED, .label = "result", .value = "failed", .count = 1 },
};
static const struct family_sample resolver_stopped_questions[] = {
	{ .counter = STAT_RES_BUDGET_STOPS, .label = "bound", .value = "budget", .count = 1 },
	{ .counter = STAT_RES_TIME_STOPS, .label = "bound", .value = "time", .count = 1 },
	{ .counter = STAT_RES_CHAIN_STOPS, .label = "bound", .value = "chain", .count = 1 },
	{ .counter = STAT_RES_DISPLACED, .label = "bound", .value = "displaced", .count = 1 },
};
static const struct family_sample resolver_signature_checks[] = {
	{ .counter = STAT_RES_SIGNATURE_CHECKS, .count = 1 },
};
static const struct family_sample resolver_nsec3_hashes[] = {
	{ .counter = STAT_RES_NSEC3_HASHES, .count = 1 },
};
static const struct family_sample resolver_cache_entries[] = {
	{ .counter = STAT_RES_CACHE_ENTRIES, .count = 1 },
};
static const struct family_sample resolver_cache_bytes[] = {
	{ .counter = STAT_RES_CACHE_BYTES, .count = 1 },
};
static const struct family_sample resolver_cache_infrastructure_bytes[] = {
	{ .counter = STAT_RES_CACHE_INFRA_BYTES, .count = 1 },
};
static const struct family_sample resolver_cache_limit_bytes[] = {
	{ .counter = STAT_RES_CACHE_LIMIT, .count = 1 },
};
static const struct family_sample resolver_cache_evictions[] = {
	{ .counter = STAT_RES_CACHE_EVICTIONS, .count = 1 },
};
static const struct family_sample resolver_pending_questions[] = {
	{ .counter = STAT_RES_PENDING, .count = 1 },
};
static const struct family_sample resolver_send_failures[] = {
	{ .counter = STAT_RES_SEND_FAILED, .count = 1 },
};
static const struct family_sample resolver_resolution_seconds[] = {
	{ .counter = STAT_RES_LATENCY, .count = 1 },
};

#define SAMPLES(array) .samples = (array), .sample_count = COUNT(array)

const struct counter_family counter_families[] = {
	{
		.family = { "bulkhead_authority_queries", NULL, FAMILY_COUNTER,
			    "Queries that were answered, by the way they came." },
		.role = ROLE_AUTHORITY,
		.by_worker = true,
		SAMPLES(authority_queries),
	},
	{
		.family = { "bulkhead_authority_responses", NULL, FAMILY_COUNTER,
			    "Responses by RCODE." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_responses),
	},
	{
		.family = { "bulkhead_authority_questions", NULL, FAMILY_COUNTER,
			    "Queries by the type they ask for." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_questions),
	},
	{
		.family = { "bulkhead_authority_opcodes", NULL, FAMILY_COUNTER,
			    "Queries by OPCODE." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_opcodes),
	},
	{
		.family = { "bulkhead_authority_truncated_responses", NULL, FAMILY_COUNTER,
			    "Responses with TC=1." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_truncated_responses),
	},
	{
		.family = { "bulkhead_authority_ignored_packets", NULL, FAMILY_COUNTER,
			    "Packets that must not be answered: responses, and what is shorter than a header." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_ignored_packets),
	},
	{
		.family = { "bulkhead_authority_intentional_drops", NULL, FAMILY_COUNTER,
			    "Queries that were dropped on purpose: always 0, every limit has an answer." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_intentional_drops),
	},
	{
		.family = { "bulkhead_authority_send_failures", NULL, FAMILY_COUNTER,
			    "Responses that the kernel did not take." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_send_failures),
	},
	{
		.family = { "bulkhead_authority_tcp_connections", NULL, FAMILY_COUNTER,
			    "TCP connections, accepted or refused because there are enough." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_tcp_connections),
	},
	{
		.family = { "bulkhead_authority_transfers", NULL, FAMILY_COUNTER,
			    "Zone transfers by what became of them." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_transfers),
	},
	{
		.family = { "bulkhead_authority_rate_limited", NULL, FAMILY_COUNTER,
			    "Responses above the rate of their client, in log mode too." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_rate_limited),
	},
	{
		.family = { "bulkhead_authority_rate_limited_answers", NULL, FAMILY_COUNTER,
			    "What clients above their rate got in the place of an answer." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_rate_limited_answers),
	},
	{
		.family = { "bulkhead_authority_cookies", NULL, FAMILY_COUNTER,
			    "Queries by what their DNS cookie is worth." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_cookies),
	},
	{
		.family = { "bulkhead_authority_edns", NULL, FAMILY_COUNTER,
			    "Queries by version of EDNS." },
		.role = ROLE_AUTHORITY,
		SAMPLES(authority_edns),
	},
	{
		.family = { "bulkhead_frontend_queries", NULL, FAMILY_COUNTER,
			    "Queries of clients, by the way they came." },
		.role = ROLE_FRONTEND,
		.by_worker = true,
		SAMPLES(frontend_queries),
	},
	{
		.family = { "bulkhead_frontend_responses", NULL, FAMILY_COUNTER,
			    "Responses to clients by RCODE." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_responses),
	},
	{
		.family = { "bulkhead_frontend_cache_lookups", NULL, FAMILY_COUNTER,
			    "Questions to the public that were in the cache of answers, or not." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_cache_lookups),
	},
	{
		.family = { "bulkhead_frontend_cache_entries", NULL, FAMILY_GAUGE,
			    "Answers in the cache." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_cache_entries),
	},
	{
		.family = { "bulkhead_frontend_cache_bytes", "bytes", FAMILY_GAUGE,
			    "Memory of the cache of answers." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_cache_bytes),
	},
	{
		.family = { "bulkhead_frontend_asked", NULL, FAMILY_COUNTER,
			    "Questions passed on, by who was asked." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_asked),
	},
	{
		.family = { "bulkhead_frontend_coalesced_queries", NULL, FAMILY_COUNTER,
			    "Queries that waited for an answer that another one had asked for." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_coalesced_queries),
	},
	{
		.family = { "bulkhead_frontend_overlay_lookups", NULL, FAMILY_COUNTER,
			    "Names of an overlay zone that were looked up in public." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_overlay_lookups),
	},
	{
		.family = { "bulkhead_frontend_truncated_responses", NULL, FAMILY_COUNTER,
			    "Responses with TC=1." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_truncated_responses),
	},
	{
		.family = { "bulkhead_frontend_timeouts", NULL, FAMILY_COUNTER,
			    "Questions that nobody answered in time." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_timeouts),
	},
	{
		.family = { "bulkhead_frontend_overloaded_queries", NULL, FAMILY_COUNTER,
			    "Queries answered SERVFAIL because a table was full." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_overloaded_queries),
	},
	{
		.family = { "bulkhead_frontend_limited_queries", NULL, FAMILY_COUNTER,
			    "Queries refused because their client waits for enough, or given up for a client that waits for less." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_limited_queries),
	},
	{
		.family = { "bulkhead_frontend_late_answers", NULL, FAMILY_COUNTER,
			    "Late answers of which a client that is not proven got TC=1 only." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_late_answers),
	},
	{
		.family = { "bulkhead_frontend_ignored_packets", NULL, FAMILY_COUNTER,
			    "Packets that must not be answered: responses, and what is shorter than a header." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_ignored_packets),
	},
	{
		.family = { "bulkhead_frontend_intentional_drops", NULL, FAMILY_COUNTER,
			    "Queries that were dropped on purpose: always 0, every limit has an answer." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_intentional_drops),
	},
	{
		.family = { "bulkhead_frontend_send_failures", NULL, FAMILY_COUNTER,
			    "Responses that the kernel did not take." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_send_failures),
	},
	{
		.family = { "bulkhead_frontend_pending_queries", NULL, FAMILY_GAUGE,
			    "Clients that wait for an answer now." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_pending_queries),
	},
	{
		.family = { "bulkhead_frontend_tcp_connections", NULL, FAMILY_COUNTER,
			    "TCP connections, accepted or refused because there are enough." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_tcp_connections),
	},
	{
		.family = { "bulkhead_frontend_refreshes", NULL, FAMILY_COUNTER,
			    "Answers in use that were asked for anew before they end." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_refreshes),
	},
	{
		.family = { "bulkhead_frontend_secure_responses", NULL, FAMILY_COUNTER,
			    "Responses with AD=1." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_secure_responses),
	},
	{
		.family = { "bulkhead_frontend_cookies", NULL, FAMILY_COUNTER,
			    "Queries by what their DNS cookie is worth." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_cookies),
	},
	{
		.family = { "bulkhead_frontend_wait_seconds", "seconds", FAMILY_HISTOGRAM,
			    "How long clients waited for answers that had to be asked for." },
		.role = ROLE_FRONTEND,
		SAMPLES(frontend_wait_seconds),
		.buckets = STATS_WAITS,
		.bound_ms = wait_bound,
		.sum_ms = STAT_FRONT_WAIT_MS,
	},
	{
		.family = { "bulkhead_resolver_questions", NULL, FAMILY_COUNTER,
			    "Questions that were resolved." },
		.role = ROLE_RESOLVER,
		.by_worker = true,
		SAMPLES(resolver_questions),
	},
	{
		.family = { "bulkhead_resolver_answers", NULL, FAMILY_COUNTER,
			    "Questions by where their answer came from; misses had to be asked for." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_answers),
	},
	{
		.family = { "bulkhead_resolver_responses", NULL, FAMILY_COUNTER,
			    "Answers that are none." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_responses),
	},
	{
		.family = { "bulkhead_resolver_coalesced_questions", NULL, FAMILY_COUNTER,
			    "Questions that waited for an equal one." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_coalesced_questions),
	},
	{
		.family = { "bulkhead_resolver_refreshes", NULL, FAMILY_COUNTER,
			    "Questions asked anew before their answer ends." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_refreshes),
	},
	{
		.family = { "bulkhead_resolver_filtered_answers", NULL, FAMILY_COUNTER,
			    "Answers that lost private addresses: protection from rebinding." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_filtered_answers),
	},
	{
		.family = { "bulkhead_resolver_upstream_queries", NULL, FAMILY_COUNTER,
			    "Queries sent to servers." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_upstream_queries),
	},
	{
		.family = { "bulkhead_resolver_upstream_replies", NULL, FAMILY_COUNTER,
			    "What servers answered." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_upstream_replies),
	},
	{
		.family = { "bulkhead_resolver_upstream_failures", NULL, FAMILY_COUNTER,
			    "Queries to servers without a reply." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_upstream_failures),
	},
	{
		.family = { "bulkhead_resolver_validations", NULL, FAMILY_COUNTER,
			    "Answers by how their validation ended; failed: keys could not be had, or it cost too much." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_validations),
	},
	{
		.family = { "bulkhead_resolver_stopped_questions", NULL, FAMILY_COUNTER,
			    "Questions that ended because of a bound." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_stopped_questions),
	},
	{
		.family = { "bulkhead_resolver_signature_checks", NULL, FAMILY_COUNTER,
			    "Signatures checked for clients, in units of one with P-256." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_signature_checks),
	},
	{
		.family = { "bulkhead_resolver_nsec3_hashes", NULL, FAMILY_COUNTER,
			    "Hashes of NSEC3 proofs made for clients, iterations counted." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_nsec3_hashes),
	},
	{
		.family = { "bulkhead_resolver_cache_entries", NULL, FAMILY_GAUGE,
			    "Entries of the cache." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_cache_entries),
	},
	{
		.family = { "bulkhead_resolver_cache_bytes", "bytes", FAMILY_GAUGE,
			    "Memory of the cache." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_cache_bytes),
	},
	{
		.family = { "bulkhead_resolver_cache_infrastructure_bytes", "bytes", FAMILY_GAUGE,
			    "Of the cache, for delegations and addresses of servers." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_cache_infrastructure_bytes),
	},
	{
		.family = { "bulkhead_resolver_cache_limit_bytes", "bytes", FAMILY_GAUGE,
			    "Memory that the cache may take." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_cache_limit_bytes),
	},
	{
		.family = { "bulkhead_resolver_cache_evictions", NULL, FAMILY_COUNTER,
			    "Entries that went to make room." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_cache_evictions),
	},
	{
		.family = { "bulkhead_resolver_pending_questions", NULL, FAMILY_GAUGE,
			    "Questions in work now." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_pending_questions),
	},
	{
		.family = { "bulkhead_resolver_send_failures", NULL, FAMILY_COUNTER,
			    "Replies that the frontend did not take." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_send_failures),
	},
	{
		.family = { "bulkhead_resolver_resolution_seconds", "seconds", FAMILY_HISTOGRAM,
			    "How long questions took for which servers had to be asked." },
		.role = ROLE_RESOLVER,
		SAMPLES(resolver_resolution_seconds),
		.buckets = STATS_LATENCIES,
		.bound_ms = latency_bound,
		.sum_ms = STAT_RES_LATENCY_MS,
	},
};
const size_t counter_family_count = COUNT(counter_families);
