/*
 * Building a zone image out of records in any order. Used by the compiler and by tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_IMAGE_WRITE_H
#define BULKHEAD_COMMON_ZONE_IMAGE_WRITE_H

#include "common/dns/dname.h"
#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

struct image_builder;

/* What is wrong with a zone, found while records come in or by image_builder_check. */
enum zone_severity { ZONE_ERROR, ZONE_WARNING };

struct zone_finding {
	enum zone_severity severity;
	const char *file; /* as given to image_builder_add, or "" when no single line is at fault */
	uint32_t line;	  /* 0: the zone as a whole */
	const char *text; /* one English sentence without final dot; names in it are escaped */
};

typedef void zone_report_fn(void *ctx, const struct zone_finding *finding);

/*
 * Programs that build images link $(CRYPTO_LIBS). libcrypto reads files of its own when it is used first: so a
 * process calls this before it enters its sandbox. BH_ESYS: a digest that images need is not there.
 */
int image_builder_warm(void) BH_CHECKED;

/* For a zone with this apex (copied). NULL: out of memory. */
struct image_builder *image_builder_new(const uint8_t *apex);
void image_builder_free(struct image_builder *builder);

/*
 * Take one record (copied). owner at or below the apex, else it is reported as an error and left
 * out. rdata uncompressed. file must live as long as the builder. Exact duplicates are dropped
 * (RFC 2181 5); records of an RRset with differing TTLs get the lowest and a warning (RFC 2181 5.2).
 * What is wrong with a record is told by image_builder_check, after which none may be added any more.
 * Errors are our own only: BH_ENOMEM, BH_ELIMIT (more than 4 GiB of data).
 */
int image_builder_add(struct image_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
		      const uint8_t *rdata, size_t rdata_len, const char *file, uint32_t line) BH_CHECKED;

/*
 * Check the whole zone; findings go to report in the order of the zone. Returns the number of errors
 * (0: an image may be written) or a negative error of our own.
 *
 * Errors: no or several SOA at the apex, SOA elsewhere, no NS at the apex, CNAME with other data (RRSIG,
 * NSEC excepted, RFC 2181 10.1, RFC 4034), several CNAMEs or DNAMEs at a name, data below a DNAME (RFC 6672
 * 2.4), owners of NSEC3 that are no hashes right below the apex, NS target inside the zone without address below a cut that needs glue, NS or MX or SRV whose target
 * in this zone is a CNAME (RFC 2181 10.3: for MX and SRV a warning), DS at the apex or at a name without NS
 * (warning), RDATA invalid for its type, meta types, class other than IN, NSEC3 iterations above
 * NSEC3_ITERATIONS_MAX, ZONEMD records of which none matches the zone (RFC 8976 4).
 * Warnings: NS, MX or SRV target in this zone without address (a wildcard may give one), missing glue in
 * another delegation, a target that looks like an address, occluded data at or below a cut that is no glue, NS at
 * a wildcard, DNAME beside NS, TTLs of an RRset that differ, an RRset too large for a message, signatures over
 * what is not there (left out), NSEC3 iterations above 0 (RFC 9276), CDS or CDNSKEY below the apex; in a signed zone
 * RRsets without signature, names without NSEC or NSEC3, chains that are broken. Signatures are not verified, and
 * their times are not looked at: a zone is served as it was signed, and there is no clock here.
 */
int image_builder_check(struct image_builder *builder, zone_report_fn *report, void *ctx) BH_CHECKED;

/* Octets that image_builder_write will write; valid after a check without errors. */
size_t image_builder_size(const struct image_builder *builder);

/*
 * Write the finished image into block[0..image_builder_size), aligned to IMAGE_ALIGN and zeroed. For tests: it
 * is there twice then.
 */
int image_builder_write(struct image_builder *builder, uint8_t *block, size_t size) BH_CHECKED;

struct image_header;

/*
 * Write the finished image to fd, at its position, and give memory back on the way; after that only
 * image_builder_free may be called. *out: its header. BH_ESYS: errno tells.
 */
int image_builder_save(struct image_builder *builder, int fd, struct image_header *out) BH_CHECKED;

#endif
