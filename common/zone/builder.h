/*
 * The builder of zone images from inside: shared by image_build.c (records come in), image_plan.c (order
 * and tree), image_check.c (what is wrong) and image_write.c (layout). For nobody else.
 *
 * Names and RDATA are appended to one growing arena, which is the data section of the image to be: a name
 * or an RRset stays where it was put, unless its records did not come in one piece. A record is a small
 * struct in one growing array. Nothing is allocated for a single record, and nothing is there twice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_BUILDER_H
#define BULKHEAD_COMMON_ZONE_BUILDER_H

#include "common/zone/image.h"
#include "common/zone/image_write.h"

#include <stdbool.h>
#include <string.h>

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX INT32_MAX

/* Files that one zone is read from, the including one among them. */
#define BUILDER_FILES_MAX UINT16_MAX

struct builder_record {
	union {
		uint32_t name;	 /* index into names */
		uint32_t target; /* once planned, for types with targets: a node or IMAGE_NONE */
	};
	uint32_t data; /* arena offset of u16 length and RDATA, as they are in an image */
	uint32_t line;
	unsigned ttl : 31;
	unsigned ttl_differs : 1; /* a dropped duplicate had another TTL */
	uint16_t type;
	uint16_t file; /* index into files */
};

/* A flag of nodes in the plan only, beside enum image_node_flags: an NS record points here. */
#define PLAN_NODE_NS_TARGET 0x8000

/* A record that is left out of the zone; told by the check. */
struct builder_reject {
	uint32_t owner; /* arena offset */
	uint32_t line;
	uint16_t file;
	uint16_t type;
	uint8_t reason; /* enum reject_reason */
};

enum reject_reason { REJECT_OUTSIDE, REJECT_META, REJECT_RDATA, REJECT_LONE_SIGNATURE };

/* Where the records of an RRset are in plan.order; its signatures follow, up to the first of the next. */
struct builder_place {
	uint32_t first;
	uint32_t record_count;
};

/* What image_plan.c makes of the records: the sections of the image, but for the arena. */
struct builder_plan {
	struct image view; /* image_find and image_rrset work on it */
	struct image_node *nodes;
	struct image_rrset *rrsets;
	uint32_t *slots;
	uint32_t node_count;
	uint32_t rrset_count;
	uint32_t slot_count;
	uint32_t rr_count;
	/*
	 * Records by node, RRsets by type, in each first the records and then its signatures, both in
	 * canonical order without duplicates. One more place than RRsets tells where the last one ends.
	 */
	uint32_t *order;
	struct builder_place *places;
};

struct image_builder {
	uint8_t apex[DNAME_MAX];
	size_t apex_len;
	unsigned apex_labels;

	uint8_t *arena;
	size_t arena_len;
	size_t arena_cap;

	struct builder_record *records;
	size_t record_count;
	size_t record_cap;

	struct builder_reject *rejects;
	size_t reject_count;
	size_t reject_cap;

	/*
	 * Arena offsets of owner names: one for each run of records with the same owner, so that a name may
	 * be there several times. Name 0 is the apex. Dropped by the plan.
	 */
	uint32_t *names;
	size_t name_count;
	size_t name_cap;

	const char **files;
	size_t file_count;
	size_t file_cap;
	uint16_t last_file;

	bool planned;
	struct builder_plan plan;

	bool writable; /* by the check */
};

/* Leave a record out, whose owner is at an arena offset. */
int builder_reject(struct image_builder *b, const struct builder_reject *reject) BH_CHECKED;

static inline const uint8_t *builder_rdata(const struct image_builder *b, const struct builder_record *r)
{
	return b->arena + r->data + sizeof(uint16_t);
}

static inline uint16_t builder_rdata_len(const struct image_builder *b, const struct builder_record *r)
{
	uint16_t len;
	memcpy(&len, b->arena + r->data, sizeof(len));
	return len;
}

/* Append octets to the arena; *offset is where they are. BH_ENOMEM, BH_ELIMIT (offsets have 32 bits). */
int builder_store(struct image_builder *b, const void *bytes, size_t len, uint32_t *offset) BH_CHECKED;

/* The type of the RRset that a record belongs to: for signatures the covered one. */
uint16_t builder_set_type(const struct image_builder *b, const struct builder_record *r);

/* An RRset of the plan with its records, as slices of plan.order. */
struct builder_set {
	uint16_t type;
	const struct image_rrset *rrset; /* its counts mean nothing while they are above 65535 */
	const uint32_t *records;
	uint32_t record_count;
	const uint32_t *sigs;
	uint32_t sig_count;
};

/* Walk over the RRsets of a node: start with *pos = 0; false at the end. */
bool builder_next_set(const struct image_builder *b, uint32_t node, uint32_t *pos, struct builder_set *out);

/* The RRset of a type at a node, record_count 0 when there is none. */
struct builder_set builder_find_set(const struct image_builder *b, uint32_t node, uint16_t type);

/* Sort, drop duplicates, build the tree. No record may be added afterwards. 0, BH_ENOMEM, BH_ELIMIT. */
int builder_plan(struct image_builder *b) BH_CHECKED;
void builder_plan_clear(struct builder_plan *plan);

#endif
