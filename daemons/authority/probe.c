/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/authority/probe.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/ipc/stats.h"
#include "common/util/cursor.h"

#include <string.h>

#define PROBE_ID 0x5052

/* Header, a name, type and class. */
#define PROBE_MAX (DNS_HEADER_SIZE + DNAME_MAX + 4)

static size_t compose_query(const struct view_zone *zone, uint8_t wire[PROBE_MAX])
{
	struct sink s = sink_of(wire, PROBE_MAX);
	sink_u16(&s, PROBE_ID);
	sink_u16(&s, 0);
	sink_u16(&s, 1);
	sink_u16(&s, 0);
	sink_u32(&s, 0);
	sink_bytes(&s, zone->name, zone->name_len);
	sink_u16(&s, RR_SOA);
	sink_u16(&s, CLASS_IN);
	return s.pos;
}

/* Does the view answer with authority, and with a SOA? */
static bool zone_answers(const struct view *view, const struct view_zone *zone, struct query_work *work, uint8_t *reply)
{
	uint8_t wire[PROBE_MAX];
	size_t len = compose_query(zone, wire);
	len = query_reply(work, view, TRANSPORT_LINK, NULL, wire, len, reply);
	if (len < DNS_HEADER_SIZE) {
		return false;
	}
	uint16_t flags = get_u16(reply + 2);
	return get_u16(reply) == PROBE_ID && (flags & FLAG_QR) != 0 && (flags & FLAG_AA) != 0 &&
	       (flags & FLAG_RCODE) == RCODE_NOERROR && get_u16(reply + 6) > 0;
}

/* The bits behind the counters of zones; NULL: this page has none (the private one at the start). */
static uint64_t *failed_bits(struct stats_page *stats)
{
	return stats->zone_room == STATS_ZONES_MAX ? stats_failed(stats) : NULL;
}

void probe_begin(struct probe *probe, struct stats_page *stats)
{
	uint64_t *bits = failed_bits(stats);
	*probe = (struct probe){ .hurries = true };
	for (size_t i = 0; bits != NULL && i < STATS_FAILED_WORDS; i++) {
		if (stats_read(&bits[i]) != 0) { /* a counter may be given to another zone */
			stats_write(&bits[i], 0);
		}
	}
	stats_write(&stats->probes[STATS_PROBE_OWN].failed, 0);
}

static void note(struct probe *probe, struct stats_page *stats, uint32_t counter, bool fine)
{
	uint64_t *bits = failed_bits(stats);
	if (bits == NULL || counter >= STATS_ZONES_MAX) {
		return;
	}
	uint64_t *word = &bits[counter / 64];
	uint64_t bit = UINT64_C(1) << counter % 64;
	bool was_fine = (*word & bit) == 0;
	if (fine != was_fine) {
		stats_write(word, *word ^ bit);
		probe->failed += fine ? UINT64_MAX : 1;
		stats_write(&stats->probes[STATS_PROBE_OWN].failed, probe->failed);
	}
}

unsigned probe_tick(struct probe *probe, const struct view *view, struct query_work *work, struct stats_page *stats,
		    uint8_t *reply, uint64_t now_ms)
{
	struct stats_probe *page = &stats->probes[STATS_PROBE_OWN];
	for (unsigned i = 0; i < PROBE_TICK_ZONES && probe->at < view->zone_count; i++) {
		const struct view_zone *zone = &view->zones[probe->at++];
		note(probe, stats, zone->counter, zone_answers(view, zone, work, reply));
	}
	stats_beat(stats, now_ms);
	if (probe->at < view->zone_count) {
		return probe->hurries ? PROBE_HURRY_MS : PROBE_TICK_MS;
	}
	stats_write(&page->parts, view->zone_count);
	stats_write(&page->ended_ms, now_ms);
	probe->at = 0;
	probe->hurries = false;
	return view->zone_count > PROBE_TICK_ZONES ? PROBE_TICK_MS : STATS_BEAT_MS;
}
