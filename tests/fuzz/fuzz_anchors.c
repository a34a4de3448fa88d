/*
 * Files of trust anchors from anybody, XML or zone text. What is taken without errors is well formed, and every record
 * that can never be used was told.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/anchor.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "daemons/compiler/anchors.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

struct findings {
	int errors;
	int warnings;
};

static void on_finding(void *ctx, const struct zone_finding *f)
{
	struct findings *found = ctx;
	found->errors += f->severity == ZONE_ERROR;
	found->warnings += f->severity != ZONE_ERROR;
	FUZZ_CHECK(f->text[0] != '\0' && f->file != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t root[1] = { 0 };
	struct findings found = { 0 };
	struct anchor_list list = { .items = NULL };
	const struct compile_request request = {
		.root_fd = -1, .file = "anchors", .zone = root, .default_ttl = 3600, .report = on_finding, .ctx = &found,
	};
	int errors = -1;
	int unusable = 0;
	int rc = compile_anchors_text(&request, 1800000000, (const char *)data, size, &list, &errors);
	FUZZ_CHECK(rc == BH_OK && errors == found.errors && (errors > 0 || list.count > 0));
	for (size_t i = 0; i < list.count; i++) {
		const struct anchor_item *item = &list.items[i];
		FUZZ_CHECK(dname_check(item->zone, sizeof(item->zone)) > 0);
		FUZZ_CHECK(rdata_is_valid(item->type, item->rdata, item->len));
		unusable += anchor_fault(item->type, item->rdata, item->len) != NULL;
	}
	FUZZ_CHECK(unusable <= found.warnings);
	anchor_list_clear(&list);
	return 0;
}
