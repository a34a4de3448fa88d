/*
 * What the codecs of this folder share, and nobody else includes. A value out of its range fails the cursor, and a
 * payload with octets left over is malformed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_CODEC_H
#define BULKHEAD_COMMON_IPC_CODEC_H

#include "common/dns/dname.h"
#include "common/util/cursor.h"
#include "common/util/log.h"

static inline int finish(const struct cursor *c)
{
	return cursor_done(c) ? BH_OK : BH_EMALFORMED;
}

/* A value in min..max, else the cursor fails. */
static inline uint32_t bounded(struct cursor *c, uint32_t value, uint32_t min, uint32_t max)
{
	if (value < min || value > max) {
		c->failed = true;
		return min;
	}
	return value;
}

static inline uint8_t get_bool(struct cursor *c)
{
	return (uint8_t)bounded(c, cursor_u8(c), 0, 1);
}

static inline uint8_t get_log_level(struct cursor *c)
{
	uint8_t level = cursor_u8(c);
	if (level != LOG_LEVEL_ERR && level != LOG_LEVEL_WARN && level != LOG_LEVEL_INFO &&
	    level != LOG_LEVEL_DEBUG) {
		c->failed = true;
	}
	return level;
}

/* How many elements follow; more than the message can hold is a mistake of ours that must not go out. */
static inline void put_count(struct sink *s, unsigned count, unsigned max)
{
	if (count > max) {
		s->failed = true;
		return;
	}
	sink_u8(s, (uint8_t)count);
}

static inline void put_name(struct sink *s, const uint8_t *name)
{
	sink_bytes(s, name, dname_len(name));
}

static inline void get_name(struct cursor *c, uint8_t out[DNAME_MAX])
{
	int len = c->failed ? BH_ETRUNC : dname_check(c->base + c->pos, c->len - c->pos);
	if (len < 0) {
		c->failed = true;
		out[0] = 0;
		return;
	}
	const uint8_t *p = cursor_bytes(c, (size_t)len);
	if (p != NULL) {
		memcpy(out, p, (size_t)len);
	}
}

#endif
