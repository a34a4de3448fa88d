/*
 * Views and listeners for `status`: what is served where, and to whom. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/status.h"

#include <string.h>

/* May the whole Internet ask? Then the world finds its zones through their parents, and so do we. */
static bool is_public(const struct config_view *view)
{
	bool any = view->anyone;
	for (size_t i = 0; i < view->allow_query.count; i++) {
		any = any || view->allow_query.items[i].bits == 0;
	}
	return any;
}

static int send_view(const struct supervisor *sup, const struct config_view *view, struct link *link, uint32_t request)
{
	const struct zone_set *set = sup->current.zones;
	struct ctl_row row;
	uint64_t failed = 0;
	uint64_t old = 0;
	uint64_t records = 0;
	uint64_t octets = 0;
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (strcmp(zone->view_name, view->name) != 0) {
			continue;
		}
		if (zone->image == NULL || zone->image->refused != NULL) {
			failed++;
			continue;
		}
		old += zone->stale;
		records += zone->image->info.records;
		octets += zone->image->info.size;
	}
	row_begin(&row, "view");
	row_text(&row, "view", view->name);
	row_number(&row, "zones", view->zone_count);
	row_number(&row, "old", old);
	row_number(&row, "failed", failed);
	row_number(&row, "records", records);
	row_number(&row, "bytes", octets);
	row_bool(&row, "public", is_public(view));
	return row_send(link, request, &row);
}

static int send_listener(const struct listener *listener, unsigned workers, struct link *link, uint32_t request)
{
	struct ctl_row row;
	struct addr host = listener->addr;
	char text[ADDR_TEXT_MAX];
	host.port = 0;
	row_begin(&row, "listener");
	row_text(&row, "role", listener->owner[0] == '\0' ? role_text(ROLE_FRONTEND) : role_text(ROLE_AUTHORITY));
	row_text(&row, "view", listener->owner);
	row_text(&row, "address", addr_text(&host, text));
	row_number(&row, "port", listener->addr.port);
	row_text(&row, "device", listener->device);
	row_number(&row, "workers", workers);
	return row_send(link, request, &row);
}

int places_send(const struct supervisor *sup, struct link *link, uint32_t request)
{
	const struct config *config = sup->current.config;
	int rc = BH_OK;
	for (size_t i = 0; config != NULL && i < config->view_count && rc == BH_OK; i++) {
		rc = send_view(sup, &config->views[i], link, request);
	}
	for (size_t i = 0; config != NULL && i < sup->listeners.count && rc == BH_OK; i++) {
		const struct listener *listener = &sup->listeners.items[i];
		if (listener->in_use && listener->worker == 0 && listener->proto == IPC_UDP) {
			rc = send_listener(listener, config->workers, link, request);
		}
	}
	return rc;
}

uint64_t places_queries(const struct instance *inst)
{
	static const unsigned authority[] = { STAT_AUTH_UDP_QUERIES, STAT_AUTH_TCP_QUERIES, STAT_AUTH_LINK_QUERIES };
	static const unsigned frontend[] = { STAT_FRONT_UDP_QUERIES, STAT_FRONT_TCP_QUERIES };
	static const unsigned resolver[] = { STAT_RES_QUERIES };
	const unsigned *counters = NULL;
	unsigned count = 0; /* other roles are not asked */
	uint64_t sum = 0;
	if (inst->role == ROLE_AUTHORITY) {
		counters = authority;
		count = COUNT(authority);
	} else if (inst->role == ROLE_FRONTEND) {
		counters = frontend;
		count = COUNT(frontend);
	} else if (inst->role == ROLE_RESOLVER) {
		counters = resolver;
		count = COUNT(resolver);
	}
	for (unsigned i = 0; i < count && inst->stats != NULL; i++) {
		sum += __atomic_load_n(&inst->stats->counters[counters[i]], __ATOMIC_RELAXED);
	}
	return sum;
}
