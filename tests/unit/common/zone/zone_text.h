/*
 * Zones for tests, written as zone text: findings as lines of text, images in aligned memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_COMMON_ZONE_ZONE_TEXT_H
#define BULKHEAD_TESTS_UNIT_COMMON_ZONE_ZONE_TEXT_H

#include "common/zone/image.h"
#include "common/zone/image_write.h"
#include "daemons/compiler/scan.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What most zones begin with: SOA on line 2, NS on 3, its address on 4. */
#define ZONE_HEAD "$TTL 3600\n@ SOA ns admin 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

/* Findings, one line each: "3 error: text\n". */
struct findings {
	char text[8192];
	size_t len;
	unsigned count;
};

static inline void findings_add(void *ctx, const struct zone_finding *f)
{
	struct findings *found = ctx;
	int n = snprintf(found->text + found->len, sizeof(found->text) - found->len, "%u %s: %s\n", f->line,
			 f->severity == ZONE_ERROR ? "error" : "warning", f->text);
	cr_assert(n > 0 && (size_t)n < sizeof(found->text) - found->len);
	found->len += (size_t)n;
	found->count++;
}

struct zone {
	struct image_builder *builder;
	struct scan *scan;
	struct findings found;
	int errors;
	uint8_t *block; /* the image, NULL when there are errors; for free() */
	size_t size;
	struct image image; /* verified */
};

static inline int zone_add_record(void *ctx, const struct scan_record *r)
{
	struct zone *z = ctx;
	return image_builder_add(z->builder, r->owner, r->type, r->ttl, r->rdata, r->rdata_len, r->file, r->line);
}

static inline void zone_add_finding(void *ctx, const struct zone_finding *f)
{
	struct zone *z = ctx;
	findings_add(&z->found, f);
}

/* Octets that malloc aligns for any object, so for 8. */
static inline void zone_write(struct zone *z)
{
	char why[128] = "";
	z->size = image_builder_size(z->builder);
	z->block = calloc(1, z->size);
	cr_assert_not_null(z->block);
	cr_assert_eq(image_builder_write(z->builder, z->block, z->size), BH_OK);
	cr_assert_eq(image_verify(z->block, z->size, &z->image, why, sizeof(why)), BH_OK, "%s", why);
}

/* Scan, build, check, and if all is well write and verify. */
static inline struct zone *zone_of(const char *apex, const char *text)
{
	struct zone *z = calloc(1, sizeof(*z));
	struct name origin = name_of(apex);
	cr_assert_not_null(z);
	z->builder = image_builder_new(origin.wire);
	struct scan_options options = {
		.root_fd = -1,
		.origin = origin.wire,
		.default_ttl = 1800,
		.record = zone_add_record,
		.report = zone_add_finding,
		.ctx = z,
	};
	z->scan = scan_new(&options);
	cr_assert(z->builder != NULL && z->scan != NULL);
	z->errors = scan_text(z->scan, "test.zone", text, strlen(text));
	if (z->errors == 0) {
		z->errors = image_builder_check(z->builder, zone_add_finding, z);
	}
	cr_assert_geq(z->errors, 0);
	if (z->errors == 0) {
		zone_write(z);
	}
	return z;
}

static inline void zone_free(struct zone *z)
{
	image_builder_free(z->builder);
	scan_free(z->scan);
	free(z->block);
	free(z);
}

/* The node of a name, which must exist. */
static inline uint32_t zone_node(const struct zone *z, const char *name)
{
	struct image_match match;
	image_find(&z->image, name_of(name).wire, &match);
	cr_assert_neq(match.node, IMAGE_NONE, "%s is not there", name);
	return match.node;
}

#endif
