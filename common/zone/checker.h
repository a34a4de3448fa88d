/*
 * The check of a zone from inside: shared by image_check.c (the rules of plain zones), image_check_dnssec.c and
 * zonemd.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_CHECKER_H
#define BULKHEAD_COMMON_ZONE_CHECKER_H

#include "common/dns/rr.h"
#include "common/zone/builder.h"

struct checker {
	struct image_builder *b;
	zone_report_fn *report;
	void *ctx;
	int errors;
};

/*
 * Names and type as text. Declared only where there is something to tell: 2 KiB that compilers may clear, for
 * every RRset of the zone.
 */
struct words {
	char owner[DNAME_TEXT_MAX];
	char other[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
};

BH_PRINTF(5, 6) void checker_tell(struct checker *c, enum zone_severity severity, const char *file, uint32_t line,
				  const char *fmt, ...);

/* A finding at the line of a record: tell_at(c, severity, record, "..."). */
#define tell_at(c, severity, record, ...) \
	checker_tell((c), (severity), (c)->b->files[(record)->file], (record)->line, __VA_ARGS__)

static inline const struct builder_record *record_at(const struct checker *c, uint32_t index)
{
	return &c->b->records[index];
}

static inline const uint8_t *node_name(const struct checker *c, uint32_t node)
{
	return c->b->arena + c->b->plan.nodes[node].name;
}

static inline const struct image_node *node_at(const struct checker *c, uint32_t node)
{
	return &c->b->plan.nodes[node];
}

static inline bool has_type(const struct checker *c, uint32_t node, uint16_t type)
{
	return builder_find_set(c->b, node, type).record_count > 0;
}

/* ZONEMD of a zone without errors, in zonemd.c. 0, BH_ENOMEM, BH_ESYS (libcrypto). */
int check_zonemd(struct checker *c) BH_CHECKED;

/* Signatures and chains of a whole zone that was planned, after the rules of its nodes. */
void check_dnssec(struct checker *c);

#endif
