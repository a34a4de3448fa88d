/*
 * Numbers of counters, by view. Sets are ordered by view and zone, so that two of them are walked side by side.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/counters.h"

#include "common/ipc/stats.h"
#include "daemons/supervisor/zones.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(STATS_ZONES_MAX >= 2 * CONFIG_ZONES_MAX, "the zones of a view before and after a change");

static void assign_view(struct zone_range next, struct zone_range old, uint8_t used[STATS_ZONES_MAX])
{
	size_t at = 0;
	uint32_t free_one = 0;

	memset(used, 0, STATS_ZONES_MAX);
	for (size_t i = 0; i < old.count; i++) {
		used[old.items[i].counter] = 1;
	}
	for (size_t i = 0; i < next.count; i++) {
		struct zone_state *zone = &next.items[i];
		int order = -1;
		while (at < old.count && (order = dname_compare(old.items[at].conf->name, zone->conf->name)) < 0) {
			at++;
		}
		if (order == 0) {
			zone->counter = old.items[at].counter;
			continue;
		}
		while (used[free_one] != 0) { /* ends: there is twice the room that one set needs */
			free_one++;
		}
		zone->counter = free_one++;
	}
}

int counters_assign(struct zone_set *next, const struct zone_set *old)
{
	uint8_t *used = malloc(STATS_ZONES_MAX);
	if (used == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < next->count;) {
		struct zone_range range = zone_set_view(next, next->items[i].view_name);
		assign_view(range, zone_set_view(old, next->items[i].view_name), used);
		i += range.count;
	}
	free(used);
	return BH_OK;
}

int counters_open_for_reading(int counters_fd)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", counters_fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}
