/*
 * Negative trust anchors of the operator. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/nta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const struct nta_list *list, const uint8_t *zone)
{
	size_t i = 0;
	while (i < list->count && !dname_equal(list->items[i].zone, zone)) {
		i++;
	}
	return i;
}

int nta_add(struct nta_list *list, const uint8_t *zone, uint32_t sec, uint64_t now_ms)
{
	size_t i = find(list, zone);
	if (i == NEGATIVE_ANCHORS_MAX) {
		return BH_ELIMIT;
	}
	if (i == list->count) {
		(void)dname_copy_lower(list->items[i].zone, zone);
		list->count++;
	}
	list->items[i].until_ms = now_ms + sec * UINT64_C(1000);
	return BH_OK;
}

bool nta_remove(struct nta_list *list, const uint8_t *zone)
{
	size_t i = find(list, zone);
	if (i == list->count) {
		return false;
	}
	memmove(&list->items[i], &list->items[i + 1], (list->count - i - 1) * sizeof(list->items[0]));
	list->count--;
	return true;
}

void nta_expire(struct nta_list *list, uint64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].until_ms > now_ms) {
			list->items[kept++] = list->items[i];
		}
	}
	list->count = kept;
}

struct ipc_negative_anchor nta_message(const struct nta *nta, uint64_t now_ms)
{
	struct ipc_negative_anchor m = { .left_sec = (uint32_t)((nta->until_ms - now_ms + 999) / 1000) };
	memcpy(m.zone, nta->zone, sizeof(m.zone));
	return m;
}

bool nta_parse_time(const char *text, uint32_t *out)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	unsigned long unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 1;
	if (unit > 1 || *end == 's') {
		end++;
	}
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number == 0 || number > NTA_MAX_SEC / unit) {
		return false;
	}
	*out = (uint32_t)(number * unit);
	return true;
}
