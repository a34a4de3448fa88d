/*
 * A region: many small allocations that end together. Used for what lives as long as one request or
 * one configuration; never on the authority's hot path.
 *
 * region_reset keeps one chunk for the next request and frees the others. A region has a
 * ceiling: past it region_alloc gives NULL, so no input can make a request grow without bound.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_REGION_H
#define BULKHEAD_COMMON_UTIL_REGION_H

#include <stddef.h>

struct region_chunk;

/*
 * A purse that many regions pay their chunks from, for a ceiling of all together. When more than half of it is spent,
 * each region may have `tight` octets only: a few greedy ones shall not starve the many modest ones.
 */
struct region_account {
	size_t used;
	size_t limit;
	size_t tight;
};

struct region {
	struct region_chunk *chunks; /* the one being filled first */
	size_t chunk_size;	     /* bytes of an ordinary chunk */
	size_t used;		     /* bytes of all chunks */
	size_t limit;		     /* ceiling of `used` */
	struct region_account *account; /* or NULL */
};

/* Storage is the caller's; nothing is allocated until the first region_alloc. */
void region_init(struct region *region, size_t chunk_size, size_t limit);

/* To be called before the first region_alloc; the account must outlive the region's memory. */
void region_share(struct region *region, struct region_account *account);

/* Zeroed bytes, aligned for any object, or NULL (out of memory or past the limit). */
void *region_alloc(struct region *region, size_t size);

/* A copy of len bytes, or NULL. */
void *region_copy(struct region *region, const void *bytes, size_t len);

/* Forget all allocations; every pointer from this region is dead. */
void region_reset(struct region *region);

/* region_reset, and give all memory back. The region can be used again. */
void region_clear(struct region *region);

/* region_clear, with every byte overwritten first: for what must not stay behind in freed memory. */
void region_wipe(struct region *region);

#endif
