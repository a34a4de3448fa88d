/*
 * Type Bit Maps. The bytes come from strangers; nothing is read from a map that was not checked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/typemap.h"

#include "common/util/cursor.h"

#define WINDOW_OCTETS_MAX 32 /* RFC 4034 4.1.2: 256 types of one window */

int typemap_parse(const uint8_t *bytes, size_t len, struct typemap *out)
{
	struct cursor c = cursor_of(bytes, len);
	int last = -1;
	while (cursor_left(&c) > 0) { /* windows ascend: 256 at most */
		int window = cursor_u8(&c);
		size_t octets = cursor_u8(&c);
		const uint8_t *bits = cursor_bytes(&c, octets);
		if (bits == NULL || octets < 1 || octets > WINDOW_OCTETS_MAX || window <= last ||
		    bits[octets - 1] == 0) {
			return BH_EMALFORMED;
		}
		last = window;
	}
	if (c.failed) {
		return BH_EMALFORMED;
	}
	*out = (struct typemap){ .windows = bytes, .len = len };
	return BH_OK;
}

bool typemap_has(const struct typemap *map, uint16_t type)
{
	struct cursor c = cursor_of(map->windows, map->len);
	while (cursor_left(&c) > 0) {
		uint8_t window = cursor_u8(&c);
		size_t octets = cursor_u8(&c);
		const uint8_t *bits = cursor_bytes(&c, octets);
		if (bits != NULL && window == type >> 8) {
			size_t at = (type & 0xffu) / 8;
			return at < octets && (bits[at] & 0x80u >> (type & 7)) != 0;
		}
	}
	return false;
}

unsigned typemap_count(const struct typemap *map)
{
	unsigned count = 0;
	struct cursor c = cursor_of(map->windows, map->len);
	while (cursor_left(&c) > 0) {
		(void)cursor_u8(&c);
		size_t octets = cursor_u8(&c);
		const uint8_t *bits = cursor_bytes(&c, octets);
		for (size_t i = 0; bits != NULL && i < octets; i++) {
			count += (unsigned)__builtin_popcount(bits[i]);
		}
	}
	return count;
}
