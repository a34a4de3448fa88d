/*
 * Bump allocation in a list of chunks. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/region.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct region_chunk {
	struct region_chunk *next;
	size_t size; /* bytes after the header */
	size_t pos;
};

#define ALIGNMENT (_Alignof(max_align_t))
#define HEADER ((sizeof(struct region_chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

void region_init(struct region *region, size_t chunk_size, size_t limit)
{
	*region = (struct region){ .chunks = NULL, .chunk_size = chunk_size, .used = 0, .limit = limit };
}

void region_share(struct region *region, struct region_account *account)
{
	region->account = account;
}

/* How many octets more there may be. */
static size_t room_left(const struct region *region)
{
	const struct region_account *a = region->account;
	size_t limit = region->limit;
	if (a != NULL && a->used > a->limit / 2 && limit > a->tight) {
		limit = a->tight;
	}
	size_t left = limit > region->used ? limit - region->used : 0;
	if (a != NULL && left > a->limit - a->used) { /* used is never over limit */
		left = a->limit - a->used;
	}
	return left;
}

static void count_used(struct region *region, size_t more, size_t less)
{
	region->used += more;
	region->used -= less;
	if (region->account != NULL) {
		region->account->used += more;
		region->account->used -= less;
	}
}

/*
 * A chunk with room for size. What is larger than an ordinary chunk gets one of its own behind the newest,
 * so that the rest of the newest is not lost to it.
 */
static struct region_chunk *chunk_add(struct region *region, size_t size)
{
	size_t left = room_left(region);
	size_t room = size > region->chunk_size ? size : region->chunk_size;
	if (room > left) {
		room = size; /* the last one before the ceiling */
	}
	if (room > left || room > PTRDIFF_MAX - HEADER) { /* no object can be larger */
		return NULL;
	}
	struct region_chunk *chunk = malloc(HEADER + room);
	if (chunk == NULL) {
		return NULL;
	}
	chunk->size = room;
	chunk->pos = 0;
	struct region_chunk **at = &region->chunks;
	if (size > region->chunk_size && *at != NULL) {
		at = &(*at)->next;
	}
	chunk->next = *at;
	*at = chunk;
	count_used(region, room, 0);
	return chunk;
}

void *region_alloc(struct region *region, size_t size)
{
	if (size > SIZE_MAX - ALIGNMENT) {
		return NULL;
	}
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	struct region_chunk *chunk = region->chunks;
	if (chunk == NULL || size > chunk->size - chunk->pos) {
		chunk = chunk_add(region, size);
		if (chunk == NULL) {
			return NULL;
		}
	}
	void *p = (char *)chunk + HEADER + chunk->pos;
	chunk->pos += size;
	return memset(p, 0, size);
}

void *region_copy(struct region *region, const void *bytes, size_t len)
{
	void *p = region_alloc(region, len);
	if (p != NULL && len > 0) {
		memcpy(p, bytes, len);
	}
	return p;
}

void region_wipe(struct region *region)
{
	for (struct region_chunk *chunk = region->chunks; chunk != NULL; chunk = chunk->next) {
		explicit_bzero((char *)chunk + HEADER, chunk->size);
	}
	region_clear(region);
}

void region_reset(struct region *region)
{
	struct region_chunk *kept = NULL;
	struct region_chunk *chunk = region->chunks;
	while (chunk != NULL) {
		struct region_chunk *next = chunk->next;
		if (kept == NULL && chunk->size == region->chunk_size) {
			kept = chunk;
		} else {
			count_used(region, 0, chunk->size);
			free(chunk);
		}
		chunk = next;
	}
	if (kept != NULL) {
		kept->next = NULL;
		kept->pos = 0;
	}
	region->chunks = kept;
}

void region_clear(struct region *region)
{
	struct region_chunk *chunk = region->chunks;
	while (chunk != NULL) {
		struct region_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
	region->chunks = NULL;
	count_used(region, 0, region->used);
}
