/*
 * Records as text: a type and RDATA from an image that anybody may have written. The text is plain, and the scanner that
 * reads zone files makes of it what it was made of, or refuses it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rdata_text.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "daemons/compiler/scan.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

struct expected {
	uint16_t type;
	const uint8_t *rdata;
	size_t len;
	unsigned records;
};

static int take_record(void *ctx, const struct scan_record *r)
{
	struct expected *expected = ctx;
	FUZZ_CHECK(r->type == expected->type && r->rdata_len == expected->len &&
		   memcmp(r->rdata, expected->rdata, expected->len) == 0);
	expected->records++;
	return BH_OK;
}

static void ignore(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	(void)finding;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[RDATA_TEXT_MAX];
	static char line[RDATA_TEXT_MAX + 64];
	static const uint8_t root[] = { 0 };
	if (size < 2 || size > UINT16_MAX) {
		return 0;
	}
	uint16_t type = get_u16(data);
	struct expected expected = { .type = type, .rdata = data + 2, .len = size - 2 };
	size_t len = rdata_text(type, expected.rdata, expected.len, out);
	FUZZ_CHECK(len > 0 && len < RDATA_TEXT_MAX && out[len] == '\0');
	for (size_t i = 0; i < len; i++) {
		FUZZ_CHECK(out[i] >= ' ' && out[i] <= '~');
	}
	if (!rdata_is_valid(type, expected.rdata, expected.len) || rr_type_is_meta(type)) {
		return 0;
	}
	char type_text[RR_TYPE_TEXT_MAX];
	int n = snprintf(line, sizeof(line), "x. 1 IN %s %s\n", rr_type_text(type, type_text), out);
	const struct scan_options options = {
		.root_fd = -1, .origin = root, .default_ttl = 1, .record = take_record, .report = ignore, .ctx = &expected
	};
	struct scan *scan = scan_new(&options);
	if (scan != NULL && n > 0) {
		int errors = scan_text(scan, "rdata", line, (size_t)n);
		FUZZ_CHECK(errors >= 0 && (expected.records == 1 || errors > 0));
	}
	scan_free(scan);
	return 0;
}
