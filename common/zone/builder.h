/*
 * The builder of zone images from inside: shared by image_build.c (records come in), image_plan.c (order
 * and tree), image_check.c (what is wrong) and image_write.c (layout). For nobody else.
 *
 * Names and RDATA are appended to one growing arena; a record is a small struct in one growing array.
 * Nothing is allocated for a single record.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_BUILDER_H
#define BULKHEAD_COMMON_ZONE_BUILDER_H

#include "common/zone/image.h"
#include "common/zone/image_write.h"

#include <stdbool.h>

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX INT32_MAX

/*
 * In builder_record.name: a record of an NSEC3 RRset. Their owners are hashes and no names of the zone
 * (RFC 5155 7.2.8), so they stay apart from the tree.
 */
#define BUILDER_APART UINT32_C(0x80000000)

/* Files that one zone is read from, the including one among them. */
#define BUILDER_FILES_MAX UINT16_MAX

struct builder_record {
	union {
		uint32_t name; /* index into names, or into nsec3_owners with BUILDER_APART */
		uint32_t target; /* once planned, for types with targets: a node or IMAGE_NONE */
	};
	uint32_t rdata; /* arena offset */
	uint32_t ttl;
	uint32_t line;
	uint16_t type;
	uint16_t rdata_len;
	uint16_t file; /* index into files */
	uint16_t ttl_differs; /* 1: a dropped duplicate had another TTL */
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

enum reject_reason { REJECT_OUTSIDE, REJECT_META, REJECT_RDATA, REJECT_LONE_SIGNATURE, REJECT_NSEC3_OWNER };

/* What image_plan.c makes of the records. */
struct builder_plan {
	/*
	 * The tree, in the form of an image whose data is the arena: names of nodes are arena offsets,
	 * so image_find works on it. RRsets are not there yet; node.rrset and rrset_count are right.
	 */
	struct image view;
	struct image_node *nodes;
	uint32_t *slots;
	uint32_t node_count;
	uint32_t slot_count;
	uint32_t rrset_count;
	/*
	 * Records of node n: order[first[n]..first[n+1]), RRsets by type, in each first the records and then
	 * its signatures, both in canonical order without duplicates.
	 */
	uint32_t *order;
	uint32_t *first;

	/* Made by image_chain.c. */
	struct image_header header; /* of the view; only nsec3_chain is set */
	uint32_t flags;		    /* enum image_flags */
	uint32_t nsec3param;	    /* with IMAGE_NSEC3 the record that tells which chain it is */
	union image_denial *denial; /* one for each node, or NULL */
	struct image_nsec3 *nsec3;  /* as in the image, but .rrset is an index into nsec3_first */
	uint32_t nsec3_count;
	uint32_t *nsec3_order; /* records of NSEC3 RRset i: nsec3_order[nsec3_first[i]..nsec3_first[i+1]) */
	uint32_t *nsec3_first;
};

/* Owner of an NSEC3 RRset as it came in. */
struct nsec3_owner {
	uint8_t hash[IMAGE_NSEC3_HASH];
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

	/* Interned owner names; name 0 is the apex. */
	uint32_t *name_offsets;
	uint32_t *name_hashes;
	size_t name_count;
	size_t name_cap;
	uint32_t *name_slots; /* name + 1, or 0; dropped by the plan */
	size_t name_slot_count;
	uint32_t last_name; /* most records have the owner of the one before */

	struct nsec3_owner *nsec3_owners; /* each record's may stand there again: only the last one is looked at */
	size_t nsec3_owner_count;
	size_t nsec3_owner_cap;
	size_t nsec3_record_count; /* records with BUILDER_APART */

	const char **files;
	size_t file_count;
	size_t file_cap;
	uint16_t last_file;

	bool planned;
	struct builder_plan plan;

	/* Result of the check. */
	bool writable;
	size_t data_size;
};

/* Leave a record out, whose owner is at an arena offset. */
int builder_reject(struct image_builder *b, const struct builder_reject *reject) BH_CHECKED;

/* Leave out a signature over an NSEC3 that is not there. */
int builder_reject_nsec3(struct image_builder *b, const struct nsec3_owner *owner,
			 const struct builder_record *signature) BH_CHECKED;

static inline const uint8_t *builder_rdata(const struct image_builder *b, const struct builder_record *r)
{
	return b->arena + r->rdata;
}

static inline bool builder_is_apart(const struct builder_record *r)
{
	return (r->name & BUILDER_APART) != 0;
}

/* The type of the RRset that a record belongs to: for signatures the covered one. */
uint16_t builder_set_type(const struct image_builder *b, const struct builder_record *r);

/* Records of one type at a node, as slices of plan.order. */
struct builder_set {
	uint16_t type;
	const uint32_t *records;
	uint32_t record_count;
	const uint32_t *sigs;
	uint32_t sig_count;
};

/*
 * Walk over the RRsets of a node: start with *pos = plan.first[node]; false at the end. A set without
 * records (signatures over nothing) has record_count 0 and is no RRset of the image.
 */
bool builder_next_set(const struct image_builder *b, uint32_t node, uint32_t *pos, struct builder_set *out);

/* The RRset of a type at a node, record_count 0 when there is none. */
struct builder_set builder_find_set(const struct image_builder *b, uint32_t node, uint16_t type);

/* Sort, drop duplicates, build the tree. No record may be added afterwards. 0, BH_ENOMEM, BH_ELIMIT. */
int builder_plan(struct image_builder *b) BH_CHECKED;
void builder_plan_clear(struct builder_plan *plan);

/* The NSEC3 RRset whose index is nsec3[].rrset. */
struct builder_set builder_nsec3_set(const struct image_builder *b, uint32_t rrset);

/* Hash algorithm, flags, iterations and salt: what NSEC3 and NSEC3PARAM begin with (RFC 5155 3.2, 4.2). */
struct nsec3_params {
	uint8_t algorithm;
	uint8_t flags;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};

struct nsec3_params builder_nsec3_params(const struct image_builder *b, const struct builder_record *r);

/*
 * Order of two records of one owner: type of the RRset, signatures last, canonical RDATA. 0: duplicates.
 * Then sort by it, and drop duplicates: those that stay are moved to `to`, and their number is returned.
 */
int builder_compare(const struct image_builder *b, uint32_t x, uint32_t y);
size_t builder_drop_duplicates(struct image_builder *b, const uint32_t *from, size_t count, uint32_t *to);

/*
 * Parts of builder_plan in image_chain.c. First NSEC3 RRsets are made of the records apart. When the tree
 * is complete, the chain is chosen and what proves absence is looked up for each node.
 * 0, BH_ENOMEM, BH_ELIMIT, BH_ESYS (libcrypto).
 */
int builder_plan_nsec3(struct image_builder *b) BH_CHECKED;
int builder_plan_denial(struct image_builder *b) BH_CHECKED;

/* Octets of the data section. */
uint64_t builder_data_size(const struct image_builder *b);

#endif
