/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/facts.h"

#include "common/dns/dname.h"
#include "daemons/ctl/answer.h"

#include <stdio.h>
#include <string.h>

static bool is_served(const struct answer_row *row)
{
	const char *state = answer_text(row, "state");
	return strcmp(state, "serving") == 0 || strcmp(state, "old") == 0;
}

static bool is_public(const struct answer_table *views, const char *view)
{
	for (const struct answer_row *row = views == NULL ? NULL : views->first; row != NULL; row = row->next) {
		if (strcmp(answer_text(row, "view"), view) == 0) {
			return answer_number(row, "public") != 0;
		}
	}
	return false;
}

static int read_zones(const struct answer *answer, struct region *region, struct facts *facts)
{
	const struct answer_table *zones = answer_table(answer, "zone");
	const struct answer_table *views = answer_table(answer, "view");
	if (zones == NULL) {
		return BH_OK;
	}
	facts->zones = region_alloc(region, zones->rows * sizeof(facts->zones[0]));
	if (facts->zones == NULL) {
		return BH_ENOMEM;
	}
	for (const struct answer_row *row = zones->first; row != NULL; row = row->next) {
		struct zone_facts *zone = &facts->zones[facts->zone_count++];
		zone->view = answer_text(row, "view");
		zone->text = answer_text(row, "zone");
		zone->serial = (uint32_t)answer_number(row, "serial");
		zone->served = is_served(row);
		zone->old = strcmp(answer_text(row, "state"), "old") == 0;
		zone->detail = answer_text(row, "detail");
		zone->public_view = is_public(views, zone->view);
		facts->image_octets += answer_number(row, "bytes");
		if (dname_from_text(zone->text, zone->name) < 0) {
			return BH_EMALFORMED;
		}
	}
	return BH_OK;
}

/* Where to ask a listener that has no address of its own. */
static void replace_any(struct addr *addr)
{
	if (addr_is_any(addr)) {
		memset(addr->bytes, 0, sizeof(addr->bytes));
		if (addr->family == ADDR_V4) {
			addr->bytes[0] = 127;
			addr->bytes[3] = 1;
		} else {
			addr->bytes[15] = 1;
		}
	}
}

static int read_listeners(const struct answer *answer, struct region *region, struct facts *facts)
{
	const struct answer_table *listeners = answer_table(answer, "listener");
	if (listeners == NULL) {
		return BH_OK;
	}
	facts->listeners = region_alloc(region, listeners->rows * sizeof(facts->listeners[0]));
	if (facts->listeners == NULL) {
		return BH_ENOMEM;
	}
	for (const struct answer_row *row = listeners->first; row != NULL; row = row->next) {
		struct listener_facts *listener = &facts->listeners[facts->listener_count++];
		uint64_t port = answer_number(row, "port");
		if (port == 0 || port > UINT16_MAX ||
		    addr_parse(answer_text(row, "address"), (uint16_t)port, &listener->addr) != BH_OK) {
			return BH_EMALFORMED;
		}
		(void)addr_text(&listener->addr, listener->text);
		replace_any(&listener->addr);
		listener->view = answer_text(row, "view");
		listener->device = answer_text(row, "device");
		listener->workers = (unsigned)answer_number(row, "workers");
	}
	return BH_OK;
}

int facts_read(const struct answer *answer, struct region *region, struct facts *facts)
{
	const struct answer_table *appliance = answer_table(answer, "appliance");
	const struct answer_table *views = answer_table(answer, "view");
	memset(facts, 0, sizeof(*facts));
	facts->answer = answer;
	if (appliance == NULL) {
		return BH_EMALFORMED;
	}
	facts->state_dir = answer_text(appliance->first, "state_dir");
	facts->view_count = views == NULL ? 0 : views->rows;
	int rc = read_zones(answer, region, facts);
	return rc == BH_OK ? read_listeners(answer, region, facts) : rc;
}

bool facts_serial(const struct answer *answer, const char *view, const char *zone, uint32_t *serial)
{
	const struct answer_table *zones = answer_table(answer, "zone");
	for (const struct answer_row *row = zones == NULL ? NULL : zones->first; row != NULL; row = row->next) {
		if (strcmp(answer_text(row, "view"), view) == 0 && strcmp(answer_text(row, "zone"), zone) == 0 && is_served(row)) {
			*serial = (uint32_t)answer_number(row, "serial");
			return true;
		}
	}
	return false;
}

const struct listener_facts *facts_listener(const struct facts *facts, const char *view)
{
	for (size_t i = 0; i < facts->listener_count; i++) {
		if (facts->listeners[i].usable && strcmp(facts->listeners[i].view, view) == 0) {
			return &facts->listeners[i];
		}
	}
	return NULL;
}
