/*
 * Zone text to records: libzscanner reads the syntax, and what it leaves open is decided here - files and
 * $INCLUDE, missing TTLs, going on after errors.
 *
 * $INCLUDE: the file is looked up from the folder of the file that includes it, and must be below the zone
 * directory. Its origin is the given one or the current one; $ORIGIN and $TTL in it end with it.
 *
 * TTL of a record that has none: $TTL (RFC 2308 4); without it, once a SOA without TTL was seen, the SOA's
 * minimum, else the TTL of the record before (RFC 1035 5.1), as BIND does; else the default that was given. All
 * but $TTL with a warning, once. A TTL above 2^31-1 counts as 0 (RFC 2181 8), with a warning.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_SCAN_H
#define BULKHEAD_DAEMONS_COMPILER_SCAN_H

#include "common/dns/dname.h"
#include "common/zone/image_write.h"
#include "daemons/compiler/zone_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* $INCLUDE in an included file, and so on: more is a loop. Each level needs some 210 KiB. */
#define SCAN_DEPTH_MAX 16
/* Files read for one zone: a file that includes itself twice would double with each level. */
#define SCAN_FILES_MAX 4096

struct scan_record {
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl;
	const uint8_t *rdata;
	size_t rdata_len;
	const char *file; /* lives as long as the scan */
	uint32_t line;
};

/* Takes one record; an error ends the scan and becomes its result. */
typedef int scan_record_fn(void *ctx, const struct scan_record *record);

struct scan_options {
	int root_fd; /* zone directory; -1: $INCLUDE is refused */
	const uint8_t *origin;
	uint32_t default_ttl;
	bool ttl_unused; /* TTLs are of no use to the caller: one that is missing is not told */
	scan_record_fn *record;
	zone_report_fn *report;
	zone_source_fn *source; /* may be NULL */
	void *ctx; /* for all of them */
};

struct scan;

/* Options are copied, the name of the origin too. NULL: out of memory. */
struct scan *scan_new(const struct scan_options *options);
void scan_free(struct scan *scan);

/*
 * Read a file below the zone directory, or text that the caller has (name: for findings). What is wrong
 * with the text goes to report and does not end the scan. Returns the number of errors reported, or a
 * negative error of our own or of the record function.
 */
int scan_file(struct scan *scan, const char *path) BH_CHECKED;
int scan_text(struct scan *scan, const char *name, const char *text, size_t len) BH_CHECKED;

#endif
