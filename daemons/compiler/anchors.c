/*
 * Trust anchors from zone text, and the choice between that and XML.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/anchors.h"

#include "common/dns/anchor.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "daemons/compiler/scan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	const struct compile_request *request;
	struct anchor_list *out;
	int errors; /* beside those of the scanner */
};

static void tell(struct reading *r, enum zone_severity severity, const char *file, uint32_t line, const char *text)
{
	struct zone_finding finding = { .severity = severity, .file = file, .line = line, .text = text };
	r->request->report(r->request->ctx, &finding);
	r->errors += severity == ZONE_ERROR;
}

static void pass_on(void *ctx, const struct zone_finding *finding)
{
	struct reading *r = ctx;
	r->request->report(r->request->ctx, finding);
}

int anchor_list_add(struct anchor_list *list, const uint8_t *zone, uint16_t type, const uint8_t *rdata, size_t len)
{
	if (list->count >= ANCHORS_MAX || len > ANCHOR_RDATA_MAX) {
		return BH_ELIMIT;
	}
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
		struct anchor_item *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL) {
			return BH_ENOMEM;
		}
		list->items = items;
		list->capacity = capacity;
	}
	struct anchor_item *item = &list->items[list->count++];
	*item = (struct anchor_item){ .type = type, .len = (uint16_t)len };
	(void)dname_copy_lower(item->zone, zone);
	memcpy(item->rdata, rdata, len);
	return BH_OK;
}

void anchor_list_clear(struct anchor_list *list)
{
	free(list->items);
	*list = (struct anchor_list){ .items = NULL };
}

static int take_record(void *ctx, const struct scan_record *record)
{
	struct reading *r = ctx;
	char text[160];
	if (record->type != RR_DS && record->type != RR_DNSKEY) {
		tell(r, ZONE_WARNING, record->file, record->line, "neither DS nor DNSKEY: passed over");
		return BH_OK;
	}
	if (!rdata_is_valid(record->type, record->rdata, record->rdata_len)) {
		tell(r, ZONE_ERROR, record->file, record->line, "RDATA is not valid for its type");
		return BH_OK;
	}
	const char *fault = anchor_fault(record->type, record->rdata, record->rdata_len);
	if (fault != NULL) {
		snprintf(text, sizeof(text), "%s: without another anchor its zone will be bogus", fault);
		tell(r, ZONE_WARNING, record->file, record->line, text);
	}
	int rc = anchor_list_add(r->out, record->owner, record->type, record->rdata, record->rdata_len);
	if (rc != BH_ELIMIT) {
		return rc;
	}
	tell(r, ZONE_ERROR, record->file, record->line,
	     record->rdata_len > ANCHOR_RDATA_MAX ? "more than 1024 octets of RDATA" : "more than 4096 trust anchors");
	return BH_OK;
}

static_assert(ANCHOR_RDATA_MAX == 1024 && ANCHORS_MAX == 4096, "the texts above");

static bool is_xml(const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of byte order, in UTF-8 */
	size_t i = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
	while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')) {
		i++;
	}
	return i < len && text[i] == '<';
}

static int read_zone_text(struct reading *r, const char *text, size_t len)
{
	const struct scan_options options = {
		.root_fd = r->request->root_fd,
		.origin = r->request->zone,
		.ttl_unused = true,
		.record = take_record,
		.report = pass_on,
		.ctx = r,
	};
	struct scan *scan = scan_new(&options);
	if (scan == NULL) {
		return BH_ENOMEM;
	}
	int rc = text == NULL ? scan_file(scan, r->request->file) : scan_text(scan, r->request->file, text, len);
	scan_free(scan);
	return rc;
}

static int finish(struct reading *r, int rc, int *errors)
{
	if (rc < 0) {
		return rc;
	}
	if (rc + r->errors == 0 && r->out->count == 0) {
		tell(r, ZONE_ERROR, r->request->file, 0, "no trust anchor in it");
	}
	*errors = rc + r->errors;
	return BH_OK;
}

int compile_anchors_text(const struct compile_request *request, uint64_t now_sec, const char *text, size_t len,
			 struct anchor_list *out, int *errors)
{
	struct reading r = { .request = request, .out = out };
	int rc = is_xml(text, len) ? anchors_xml_read(request, now_sec, text, len, out)
				   : read_zone_text(&r, text, len);
	return finish(&r, rc, errors);
}

int compile_anchors(const struct compile_request *request, uint64_t now_sec, struct anchor_list *out, int *errors)
{
	struct reading r = { .request = request, .out = out };
	struct zone_file file;
	char why[256];
	int rc = zone_file_read(request->root_fd, request->file, &file, why, sizeof(why));
	if (rc == BH_ENOMEM) {
		return rc;
	}
	if (rc != BH_OK) {
		tell(&r, ZONE_ERROR, request->file, 0, why);
		*errors = r.errors;
		return BH_OK;
	}
	/* Zone text is read by the scanner itself, which knows from which folder $INCLUDE starts. */
	rc = is_xml(file.text, file.len) ? anchors_xml_read(request, now_sec, file.text, file.len, out)
					 : read_zone_text(&r, NULL, 0);
	zone_file_clear(&file);
	return finish(&r, rc, errors);
}
