/*
 * Zone text through libzscanner into an image. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/authority/zone_text.h"

#include "common/dns/rr.h"
#include "common/zone/image_write.h"

#include <libzscanner/scanner.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records without a TTL of their own. */
#define DEFAULT_TTL 3600

static _Noreturn void wrong(const char *fmt, ...) BH_PRINTF(1, 2);

static _Noreturn void wrong(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("zone in a test: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	abort();
}

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	if (finding->severity == ZONE_ERROR) {
		wrong("line %u: %s", finding->line, finding->text);
	}
}

static void on_record(zs_scanner_t *s)
{
	if (image_builder_add(s->process.data, s->r_owner, s->r_type, s->r_ttl, s->r_data, s->r_data_length,
			      "text", (uint32_t)s->line_counter) != BH_OK) {
		wrong("line %lu", (unsigned long)s->line_counter);
	}
}

static void on_error(zs_scanner_t *s)
{
	wrong("line %lu: %s", (unsigned long)s->line_counter, zs_strerror(s->error.code));
}

static void scan(struct image_builder *builder, const char *apex, const char *text)
{
	zs_scanner_t *s = malloc(sizeof(*s)); /* large */
	if (s == NULL || zs_init(s, apex, CLASS_IN, DEFAULT_TTL) != 0 ||
	    zs_set_input_string(s, text, strlen(text)) != 0 ||
	    zs_set_processing(s, on_record, on_error, builder) != 0 || zs_parse_all(s) != 0) {
		wrong("scanner");
	}
	zs_deinit(s);
	free(s);
}

uint8_t *zone_from_text(const char *apex, const char *text, struct image *out)
{
	uint8_t name[DNAME_MAX];
	char why[256] = "";
	struct image_builder *builder = dname_from_text(apex, name) > 0 ? image_builder_new(name) : NULL;
	if (builder == NULL) {
		wrong("apex %s", apex);
	}
	scan(builder, apex, text);
	if (image_builder_check(builder, on_finding, NULL) != 0) {
		wrong("check of %s", apex);
	}
	size_t size = image_builder_size(builder);
	uint8_t *block = calloc(1, size);
	if (block == NULL || image_builder_write(builder, block, size) != BH_OK ||
	    image_verify(block, size, out, why, sizeof(why)) != BH_OK) {
		wrong("image of %s: %s", apex, why);
	}
	image_builder_free(builder);
	return block;
}
