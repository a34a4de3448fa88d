/*
 * Zone text from anybody: scanned, built, checked. When there are no errors, the image must be written
 * and verified, and hold no more records than the text had.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image.h"
#include "common/zone/image_write.h"
#include "daemons/compiler/scan.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

struct zone {
	struct image_builder *builder;
	unsigned records;
	int errors;
};

static int on_record(void *ctx, const struct scan_record *r)
{
	struct zone *z = ctx;
	z->records++;
	FUZZ_CHECK(dname_check(r->owner, DNAME_MAX) > 0 && r->line > 0 && r->ttl <= INT32_MAX);
	return image_builder_add(z->builder, r->owner, r->type, r->ttl, r->rdata, r->rdata_len, r->file, r->line);
}

static void on_finding(void *ctx, const struct zone_finding *f)
{
	struct zone *z = ctx;
	z->errors += f->severity == ZONE_ERROR;
	FUZZ_CHECK(f->text[0] != '\0' && f->file != NULL);
}

static void write_image(struct zone *z)
{
	size_t size = image_builder_size(z->builder);
	uint8_t *block = calloc(1, size);
	struct image image;
	char why[128] = "";
	FUZZ_CHECK(block != NULL && image_builder_write(z->builder, block, size) == BH_OK);
	FUZZ_CHECK(image_verify(block, size, &image, why, sizeof(why)) == BH_OK);
	FUZZ_CHECK(image.header->rr_count <= z->records);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t apex[] = "\001e";
	struct zone z = { .builder = image_builder_new(apex) };
	const struct scan_options options = {
		.root_fd = -1, .origin = apex, .record = on_record, .report = on_finding, .ctx = &z,
	};
	struct scan *scan = scan_new(&options);
	FUZZ_CHECK(z.builder != NULL && scan != NULL);
	int errors = scan_text(scan, "zone", (const char *)data, size);
	FUZZ_CHECK(errors == z.errors);
	int all = image_builder_check(z.builder, on_finding, &z);
	FUZZ_CHECK(all >= 0 && errors + all == z.errors);
	if (all == 0) {
		write_image(&z);
	}
	image_builder_free(z.builder);
	scan_free(scan);
	return 0;
}
