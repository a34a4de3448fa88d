/*
 * From zone text to what the supervisor wants: a zone image in a file, or the addresses of root hints.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_COMPILE_H
#define BULKHEAD_DAEMONS_COMPILER_COMPILE_H

#include "common/util/addr.h"
#include "common/zone/image_write.h"
#include "daemons/compiler/zone_file.h"

#include <stddef.h>
#include <stdint.h>

struct compile_request {
	int root_fd;		/* zone directory */
	const char *file;	/* below it */
	const uint8_t *zone;	/* apex */
	uint32_t default_ttl;	/* see scan.h */
	zone_report_fn *report; /* what is wrong with the zone */
	zone_source_fn *source; /* files that were read; may be NULL */
	void *ctx;
};

struct compile_result {
	int errors; /* of the zone; with any there is no image */
	uint32_t serial;
	uint32_t records;
	uint64_t size;
	uint64_t checksum; /* of the image header */
};

/*
 * Compile a zone and write its image to image_fd, an empty memfd; it is not sealed here. The semantic checks
 * are left out when the syntax is wrong already, as what is missing would only be told once more.
 * Returns 0 (look at errors), or an error of our own: BH_ENOMEM, BH_ELIMIT (zone too large for an image),
 * BH_ESYS.
 */
int compile_zone(const struct compile_request *request, int image_fd, struct compile_result *out) BH_CHECKED;

#define HINTS_SERVERS_MAX 64
#define HINTS_ADDRS_MAX 16 /* of one server */

struct hint_server {
	uint8_t name[DNAME_MAX];
	size_t addr_count;
	struct addr addrs[HINTS_ADDRS_MAX]; /* port 53 */
};

struct hints {
	size_t count;
	struct hint_server servers[HINTS_SERVERS_MAX];
};

/*
 * Read root hints: NS records of the root and A and AAAA records of their targets, other records are
 * ignored. Servers without address are left out with a warning; no server left is an error. request->zone is
 * the root. Returns as compile_zone; out is valid when *errors is 0.
 */
int compile_hints(const struct compile_request *request, struct hints *out, int *errors) BH_CHECKED;

#endif
