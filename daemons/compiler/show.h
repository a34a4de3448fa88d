/*
 * From zone images back to text: a whole zone, or what has changed from one image of it to another. For histories of
 * zones; the compiler's program does it, because it has the walls and none of what it needs besides.
 *
 * A zone's text has the SOA first, then all records in canonical order (RFC 4034 6.1, 6.3), names absolute and TTLs
 * given. Compiled, it makes the same zone, though not always the same octets: in an image data stands in the order of the
 * text. A difference has a line for each record, as IXFR tells it (RFC 1995 4) but in the order of names: "- " what is
 * gone, "+ " what has come, the SOA's first. A changed TTL is that of all records of an RRset; letters of owner names
 * in another case are no change.
 *
 * Text is written as it is made, in pieces of a fixed size: what is in memory does not grow with the zone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_SHOW_H
#define BULKHEAD_DAEMONS_COMPILER_SHOW_H

#include "common/util/err.h"

#include <stdint.h>

struct image;

/* Records, or lines of each kind. */
struct show_count {
	uint64_t records;
	uint64_t removed;
	uint64_t added;
};

/* Images are verified ones of the same zone. BH_ESYS: fd cannot be written (errno EPIPE: nobody reads), BH_ENOMEM. */
int show_zone(const struct image *image, int fd, struct show_count *count) BH_CHECKED;
int show_difference(const struct image *from, const struct image *to, int fd, struct show_count *count) BH_CHECKED;

#endif
