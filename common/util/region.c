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

#define ALIGNMENT (sizeof(max_align_t))
#define HEADER ((sizeof(struct region_chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

void region_init(struct region *region, size_t chunk_size, size_t limit)
{
	*region = (struct region){ .chunks = NULL, .chunk_size = chunk_size, .used = 0, .limit = limit };
}

static struct region_chunk *chunk_add(struct region *region, size_t size)
{
	if (size < region->chunk_size) {
		size = region->chunk_size;
	}
	if (size > SIZE_MAX - HEADER || region->used > region->limit ||
	    size > region->limit - region->used) {
		return NULL;
	}
	struct region_chunk *chunk = malloc(HEADER + size);
	if (chunk == NULL) {
		return NULL;
	}
	chunk->next = region->chunks;
	chunk->size = size;
	chunk->pos = 0;
	region->chunks = chunk;
	region->used += size;
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

void region_reset(struct region *region)
{
	struct region_chunk *chunk = region->chunks;
	while (chunk != NULL && chunk->next != NULL) {
		struct region_chunk *next = chunk->next;
		region->used -= chunk->size;
		free(chunk);
		chunk = next;
	}
	if (chunk != NULL && chunk->size > region->chunk_size) { /* an oversized first one is not kept */
		region->used -= chunk->size;
		free(chunk);
		chunk = NULL;
	}
	if (chunk != NULL) {
		chunk->pos = 0;
	}
	region->chunks = chunk;
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
	region->used = 0;
}
