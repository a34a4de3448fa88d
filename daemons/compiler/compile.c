/*
 * One zone: scan, build, check, write. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/compile.h"

#include "common/zone/image.h"
#include "daemons/compiler/scan.h"


struct compiling {
	const struct compile_request *request;
	struct image_builder *builder;
};

static int take_record(void *ctx, const struct scan_record *r)
{
	struct compiling *c = ctx;
	return image_builder_add(c->builder, r->owner, r->type, r->ttl, r->rdata, r->rdata_len, r->file, r->line);
}

static void pass_on(void *ctx, const struct zone_finding *finding)
{
	struct compiling *c = ctx;
	c->request->report(c->request->ctx, finding);
}

static void pass_on_source(void *ctx, const char *path, const struct zone_file_id *id)
{
	struct compiling *c = ctx;
	if (c->request->source != NULL) {
		c->request->source(c->request->ctx, path, id);
	}
}

static int write_image(struct image_builder *builder, int image_fd, struct compile_result *out)
{
	struct image_header header;
	int err = image_builder_save(builder, image_fd, &header);
	if (err == BH_OK) {
		out->serial = header.serial;
		out->records = header.rr_count;
		out->size = header.size;
		out->checksum = header.checksum;
	}
	return err;
}

int compile_zone(const struct compile_request *request, int image_fd, struct compile_result *out)
{
	struct compiling c = { .request = request, .builder = image_builder_new(request->zone) };
	const struct scan_options options = {
		.root_fd = request->root_fd,
		.origin = request->zone,
		.default_ttl = request->default_ttl,
		.record = take_record,
		.report = pass_on,
		.source = pass_on_source,
		.ctx = &c,
	};
	struct scan *scan = scan_new(&options);
	int rc = BH_ENOMEM;
	*out = (struct compile_result){ 0 };
	if (c.builder == NULL || scan == NULL) {
		goto out;
	}
	rc = scan_file(scan, request->file);
	if (rc == 0) {
		rc = image_builder_check(c.builder, request->report, request->ctx);
	}
	if (rc == 0) {
		rc = write_image(c.builder, image_fd, out);
	}
	if (rc > 0) {
		out->errors = rc;
		rc = BH_OK;
	}
out:
	image_builder_free(c.builder); /* it names files that the scan owns */
	scan_free(scan);
	return rc;
}
