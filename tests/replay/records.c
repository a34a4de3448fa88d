/*
 * Records of scenarios: libzscanner reads their text. A record without a TTL gets one hour; directives are refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/scenario.h"

#include "common/dns/dname.h"

#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL_DEFAULT 3600

static bool take(const zs_scanner_t *zs, unsigned line, uint8_t section, struct record_list *list, char *why,
		 size_t why_size)
{
	if (list->count == list->room) {
		snprintf(why, why_size, "line %u: more than %zu records", line, list->room);
		return false;
	}
	if (!rdata_is_valid(zs->r_type, zs->r_data, zs->r_data_length)) {
		snprintf(why, why_size, "line %u: data that no such record has; write the message as RAW", line);
		return false;
	}
	const uint8_t *owner = region_copy(list->region, zs->r_owner, zs->r_owner_length);
	const uint8_t *rdata = region_copy(list->region, zs->r_data, zs->r_data_length);
	if (owner == NULL || rdata == NULL) {
		snprintf(why, why_size, "line %u: the file is too large", line);
		return false;
	}
	list->rrs[list->count++] = (struct message_rr){
		.owner = owner, .rdata = rdata, .ttl = zs->r_ttl, .type = zs->r_type, .rr_class = zs->r_class,
		.rdata_len = (uint16_t)zs->r_data_length, .section = section,
	};
	return true;
}

static bool scan(zs_scanner_t *zs, unsigned line, uint8_t section, struct record_list *list, char *why,
		 size_t why_size)
{
	while (zs_parse_record(zs) == 0) {
		unsigned at = line + (unsigned)zs->line_counter - 1;
		switch (zs->state) {
		case ZS_STATE_DATA:
			if (!take(zs, at, section, list, why, why_size)) {
				return false;
			}
			break;
		case ZS_STATE_EOF:
			return true;
		case ZS_STATE_INCLUDE:
			snprintf(why, why_size, "line %u: $INCLUDE has no place here", at);
			return false;
		default:
			snprintf(why, why_size, "line %u: %s", at, zs_strerror(zs->error.code));
			return false;
		}
	}
	snprintf(why, why_size, "line %u: %s", line, zs_strerror(zs->error.code));
	return false;
}

bool records_read(const char *text, size_t len, unsigned line, uint8_t section, struct record_list *list, char *why,
		  size_t why_size)
{
	if (len == 0) {
		return true;
	}
	zs_scanner_t *zs = malloc(sizeof(*zs));
	if (zs == NULL || zs_init(zs, ".", CLASS_IN, TTL_DEFAULT) != 0) {
		snprintf(why, why_size, "out of memory");
		free(zs);
		return false;
	}
	bool fine = false;
	if (zs_set_input_string(zs, text, len) != 0) {
		snprintf(why, why_size, "line %u: %s", line, zs_strerror(zs->error.code));
	} else {
		fine = scan(zs, line, section, list, why, why_size);
	}
	zs_deinit(zs);
	free(zs);
	return fine;
}
