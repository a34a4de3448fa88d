/*
 * Counters: plain increments in memory that the supervisor can read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/query.h"

#include <string.h>

static unsigned min_unsigned(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void query_count(const struct query_work *work, enum transport transport, size_t reply_len,
		 struct stats_page *stats)
{
	static const unsigned by_transport[] = {
		[TRANSPORT_UDP] = STAT_AUTH_UDP_QUERIES,
		[TRANSPORT_TCP] = STAT_AUTH_TCP_QUERIES,
		[TRANSPORT_LINK] = STAT_AUTH_LINK_QUERIES,
	};
	const struct query *q = &work->query;
	const struct answer *a = &work->answer;
	uint64_t *counters = stats->counters;

	if (reply_len == 0 && work->transfer != TRANSFER_BEGIN) {
		counters[STAT_AUTH_IGNORED]++;
		return;
	}
	counters[by_transport[transport]]++;
	counters[STAT_AUTH_RCODE + min_unsigned(a->rcode, STATS_RCODES)]++;
	counters[STAT_AUTH_OPCODE + query_opcode(q)]++;
	counters[STAT_AUTH_QTYPE + min_unsigned(q->qtype, STATS_QTYPES)] += q->qname_len > 0;
	counters[STAT_AUTH_COOKIE + work->cookie]++;
	counters[STAT_AUTH_EDNS_NONE + q->edns.present + (q->edns.version != 0)]++;
	counters[STAT_AUTH_TRUNCATED] += a->truncated;
	counters[STAT_AUTH_TRANSFERS_REFUSED] += work->transfer == TRANSFER_REFUSED;
	if (work->limited != QUERY_UNLIMITED) {
		counters[STAT_AUTH_RATE_LIMITED]++;
		counters[STAT_AUTH_RATE_TRUNCATED] += work->limited == QUERY_RATE_TRUNCATED;
		counters[STAT_AUTH_RATE_BADCOOKIE] += work->limited == QUERY_RATE_COOKIE;
	}
	if (a->asked != NULL && a->asked->counter < stats->zone_room) {
		stats_zones(stats)[a->asked->counter]++;
	}
}

void count_view(const struct view *view, struct stats_page *stats)
{
	static uint8_t used[STATS_ZONES_MAX]; /* too large for the stack */
	uint64_t *zones = stats_zones(stats);
	uint64_t room = stats->zone_room < STATS_ZONES_MAX ? stats->zone_room : STATS_ZONES_MAX;
	uint64_t old_high = stats->zone_high < room ? stats->zone_high : room;

	memset(used, 0, sizeof(used));
	stats->zone_high = 0;
	for (size_t i = 0; i < view->zone_count; i++) {
		uint32_t counter = view->zones[i].counter;
		if (counter < room) {
			used[counter] = 1;
			stats->zone_high = counter >= stats->zone_high ? counter + 1 : stats->zone_high;
		}
	}
	for (uint64_t i = 0; i < old_high; i++) {
		if (used[i] == 0 && zones[i] != 0) {
			zones[i] = 0;
		}
	}
}
