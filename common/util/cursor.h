/*
 * Bounded reading and writing of byte strings, network byte order, with a sticky error: do a run of
 * fields, check once. Every parser and encoder of the project goes through these two.
 *
 * Neither owns the bytes it walks over. After the first failure every read gives 0 or NULL and every
 * write does nothing; position stays where the failing call began.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_CURSOR_H
#define BULKHEAD_COMMON_UTIL_CURSOR_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *base;
	size_t pos; /* always <= len */
	size_t len;
	bool failed;
};

static inline struct cursor cursor_of(const uint8_t *base, size_t len)
{
	return (struct cursor){ .base = base, .pos = 0, .len = len, .failed = false };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : c->len - c->pos;
}

/* Everything was read and nothing failed: how a decoder refuses trailing bytes. */
static inline bool cursor_done(const struct cursor *c)
{
	return !c->failed && c->pos == c->len;
}

/* The next n bytes, or NULL. Points into the input. */
static inline const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	if (c->failed || n > c->len - c->pos) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *p = c->base + c->pos;
	c->pos += n;
	return p;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 1);
	return p == NULL ? 0 : p[0];
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 2);
	return p == NULL ? 0 : (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 4);
	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 8);
	uint64_t v = 0;
	for (unsigned i = 0; p != NULL && i < 8; i++) {
		v = v << 8 | p[i];
	}
	return v;
}

/* A u16 length and that many bytes; *len is set to 0 on failure. NULL on failure. */
static inline const uint8_t *cursor_blob(struct cursor *c, size_t *len)
{
	size_t start = c->pos;
	uint16_t n = cursor_u16(c);
	const uint8_t *p = cursor_bytes(c, n);
	if (p == NULL) {
		c->pos = start;
	}
	*len = p == NULL ? 0 : n;
	return p;
}

/*
 * A blob copied out as a C string; fails when it does not fit into cap (with its terminator) or
 * holds a NUL byte. out is always terminated.
 */
static inline void cursor_string(struct cursor *c, char *out, size_t cap)
{
	size_t start = c->pos;
	size_t len;
	const uint8_t *p = cursor_blob(c, &len);
	if (p == NULL || len >= cap || memchr(p, 0, len) != NULL) {
		c->pos = start;
		c->failed = true;
		out[0] = '\0';
		return;
	}
	memcpy(out, p, len);
	out[len] = '\0';
}

struct sink {
	uint8_t *base;
	size_t pos; /* always <= cap */
	size_t cap;
	bool failed;
};

static inline struct sink sink_of(uint8_t *base, size_t cap)
{
	return (struct sink){ .base = base, .pos = 0, .cap = cap, .failed = false };
}

/* Room for n bytes that the caller fills at once, or NULL. */
static inline uint8_t *sink_room(struct sink *s, size_t n)
{
	if (s->failed || n > s->cap - s->pos) {
		s->failed = true;
		return NULL;
	}
	uint8_t *p = s->base + s->pos;
	s->pos += n;
	return p;
}

static inline void sink_bytes(struct sink *s, const void *bytes, size_t n)
{
	uint8_t *p = sink_room(s, n);
	if (p != NULL && n > 0) {
		memcpy(p, bytes, n);
	}
}

static inline void sink_u8(struct sink *s, uint8_t v)
{
	uint8_t *p = sink_room(s, 1);
	if (p != NULL) {
		p[0] = v;
	}
}

static inline void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

static inline void sink_u16(struct sink *s, uint16_t v)
{
	uint8_t *p = sink_room(s, 2);
	if (p != NULL) {
		put_u16(p, v);
	}
}

static inline void sink_u32(struct sink *s, uint32_t v)
{
	uint8_t *p = sink_room(s, 4);
	if (p != NULL) {
		put_u32(p, v);
	}
}

static inline void sink_u64(struct sink *s, uint64_t v)
{
	uint8_t *p = sink_room(s, 8);
	if (p != NULL) {
		put_u32(p, (uint32_t)(v >> 32));
		put_u32(p + 4, (uint32_t)v);
	}
}

/* The mirror of cursor_blob; fails when len does not fit into 16 bits. */
static inline void sink_blob(struct sink *s, const void *bytes, size_t len)
{
	uint8_t *p = len > UINT16_MAX ? NULL : sink_room(s, 2 + len);
	if (p == NULL) {
		s->failed = true;
		return;
	}
	put_u16(p, (uint16_t)len);
	if (len > 0) {
		memcpy(p + 2, bytes, len);
	}
}

static inline void sink_string(struct sink *s, const char *text)
{
	sink_blob(s, text, strlen(text));
}

#endif
