/*
 * The builder of zone images from inside: shared by image_build.c (records come in), image_plan.c (order
 * and tree), image_check.c (what is wrong) and image_write.c (layout). For nobody else.
 *
 * Names and RDATA are appended to one growing arena, which is the data section of the image to be: a name
 * or an RRset stays where it was put, unless its records did not come in one piece. An owner that stands in RDATA
 * before it or right behind it is not put there again. A record is a small
 * struct in one growing array. Nothing is allocated for a single record, and nothing is there twice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_BUILDER_H
#define BULKHEAD_COMMON_ZONE_BUILDER_H

#include "common/dns/canonical.h"
#include "common/zone/image.h"
#include "common/zone/image_write.h"

#include <stdbool.h>
#include <string.h>

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX INT32_MAX

/*
 * In builder_record.name: a record of an NSEC3 RRset. Their owners are hashes and no names of the zone
 * (RFC 5155 7.2.8), so they stay apart from the tree.
 */
#define BUILDER_APART UINT32_C(0x80000000)

/* Runs of records with one owner. */
#define BUILDER_NAMES_MAX (BUILDER_APART - 1)

/* Files that one zone is read from, the including one among them. */
#define BUILDER_FILES_MAX UINT16_MAX

/* A delegation has mostly two servers or four, and their glue follows; an NSEC names the owner that comes next. */
#define BUILDER_LENDERS 4

struct builder_record {
	uint32_t name; /* index into names, or into nsec3_owners with BUILDER_APART */
	uint32_t data; /* arena offset of u16 length, RDATA and maybe a target, as they are in an image */
	uint32_t line : 31;
	uint32_t lends : 1; /* an owner name stands in this RDATA: it must not move, though a copy may be made */
	unsigned ttl : 31;
	unsigned ttl_differs : 1; /* a dropped duplicate had another TTL */
	uint16_t type;
	uint16_t file; /* index into files */
};

/* Flags of nodes in the plan only, beside enum image_node_flags. */
enum {
	PLAN_NODE_NS_TARGET = 0x8000, /* an NS record points here */
	PLAN_NODE_DENIED = 0x4000,    /* must have an NSEC3, opt-out or not; set by the check */
	PLAN_NODE_FLAGS = PLAN_NODE_NS_TARGET | PLAN_NODE_DENIED,
};

/* A record that is left out of the zone; told by the check. */
struct builder_reject {
	uint32_t owner; /* arena offset */
	uint32_t line;
	uint16_t file;
	uint16_t type;
	uint8_t reason; /* enum reject_reason */
};

enum reject_reason { REJECT_OUTSIDE, REJECT_META, REJECT_RDATA, REJECT_LONE_SIGNATURE, REJECT_NSEC3_OWNER };

/* Where the records of an RRset are in plan.order; its signatures follow. */
struct builder_place {
	uint32_t first;
	uint32_t record_count;
	uint32_t sig_count;
};

/* What image_plan.c makes of the records: the sections of the image, but for the arena. */
struct builder_plan {
	struct image view; /* image_find and image_rrset work on it */
	struct image_node *nodes;
	struct image_rrset *rrsets;
	uint32_t *sigs; /* of each RRset; left out of an image when there are none */
	uint32_t *slots;
	uint32_t node_count;
	uint32_t rrset_count;
	uint32_t slot_count;
	uint32_t rr_count;
	bool signatures; /* some RRset has them */
	/*
	 * Records by node, RRsets by type, in each first the records and then its signatures, both in
	 * canonical order without duplicates.
	 */
	uint32_t *order;
	uint32_t order_count;
	struct builder_place *places; /* of each RRset */

	/* Made by image_chain.c. The RRsets of NSEC3 stand behind those of the nodes. */
	struct image_header header; /* of the view; only nsec3_chain is set */
	uint32_t flags;		    /* enum image_flags */
	uint32_t nsec3param;	    /* with IMAGE_NSEC3 the record that tells which chain it is */
	union image_denial *denial; /* one for each node, or NULL */
	uint64_t *child_keys;	    /* with IMAGE_NSEC, else NULL: keys, and behind them the children */
	struct image_child *children;
	struct image_nsec3 *nsec3;
	uint32_t nsec3_count;
};

/* Octets of the section of children: all nodes but the apex. */
static inline size_t builder_children_size(const struct builder_plan *plan)
{
	return (size_t)(plan->node_count - 1) * (sizeof(*plan->child_keys) + sizeof(*plan->children));
}

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

	/*
	 * Arena offsets of owner names: one for each run of records with the same owner, so that a name may
	 * be there several times. Name 0 is the apex. Dropped by the plan.
	 */
	uint32_t *names;
	size_t name_count;
	size_t name_cap;

	struct nsec3_owner *nsec3_owners; /* each record's may stand there again: only the last one is looked at */
	size_t nsec3_owner_count;
	size_t nsec3_owner_cap;
	size_t nsec3_record_count; /* records with BUILDER_APART */

	/* Names in the RDATA of records that came last: owners that follow are often among them. */
	struct builder_lender {
		uint32_t name; /* arena offset */
		uint32_t record;
	} lenders[BUILDER_LENDERS];
	size_t lender_count; /* all there were, the last one at (lender_count - 1) % BUILDER_LENDERS */

	const char **files;
	size_t file_count;
	size_t file_cap;
	uint16_t last_file;

	bool planned;
	struct builder_plan plan;

	bool writable; /* by the check */
};

/* Is a name at or below the apex? */
bool builder_is_ours(const struct image_builder *b, const uint8_t *name);

/* Leave a record out, whose owner is at an arena offset. */
int builder_reject(struct image_builder *b, const struct builder_reject *reject) BH_CHECKED;

/* Leave out a signature over an NSEC3 that is not there. */
int builder_reject_nsec3(struct image_builder *b, const struct nsec3_owner *owner,
			 const struct builder_record *signature) BH_CHECKED;

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

/* Octets behind the RDATA of a record, and all octets of it. */
static inline unsigned builder_behind(uint16_t type)
{
	return canonical_has_target(type) ? IMAGE_TARGET : 0;
}

static inline size_t builder_record_size(const struct image_builder *b, const struct builder_record *r)
{
	return sizeof(uint16_t) + builder_rdata_len(b, r) + builder_behind(r->type);
}

/* The node that a record points to, or IMAGE_NONE; for types with targets, known once planned. */
static inline uint32_t builder_target(const struct image_builder *b, const struct builder_record *r)
{
	uint32_t node;
	memcpy(&node, builder_rdata(b, r) + builder_rdata_len(b, r), sizeof(node));
	return node;
}

static inline void builder_set_target(struct image_builder *b, const struct builder_record *r, uint32_t node)
{
	memcpy(b->arena + r->data + sizeof(uint16_t) + builder_rdata_len(b, r), &node, sizeof(node));
}

/* Append octets to the arena; *offset is where they are. BH_ENOMEM, BH_ELIMIT (offsets have 32 bits). */
int builder_store(struct image_builder *b, const void *bytes, size_t len, uint32_t *offset) BH_CHECKED;

static inline bool builder_is_apart(const struct builder_record *r)
{
	return (r->name & BUILDER_APART) != 0;
}

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

/* The RRset of a type at a node, record_count 0 when there is none. Not before the view is there. */
struct builder_set builder_find_set(const struct image_builder *b, uint32_t node, uint16_t type);

/* Sort, drop duplicates, build the tree. No record may be added afterwards. 0, BH_ENOMEM, BH_ELIMIT. */
int builder_plan(struct image_builder *b) BH_CHECKED;
void builder_plan_clear(struct builder_plan *plan);

/* The RRset with this index, such as that of an NSEC3. */
struct builder_set builder_set_at(const struct image_builder *b, uint32_t rrset);

/*
 * Make the next RRset, of record_count records from plan.order[first] on and the signatures behind them. Counts too
 * large are told by the check. BH_ENOMEM, BH_ELIMIT.
 */
int builder_add_rrset(struct image_builder *b, uint32_t first, uint32_t record_count, uint32_t sig_count) BH_CHECKED;

/* Serial of the SOA, which must be there. */
uint32_t builder_serial(const struct image_builder *b);

/* What image_builder_warm does for zonemd.c. */
int builder_warm_zonemd(void) BH_CHECKED;

/* Hash algorithm, flags, iterations and salt: what NSEC3 and NSEC3PARAM begin with (RFC 5155 3.2, 4.2). */
struct nsec3_params {
	uint8_t algorithm;
	uint8_t flags;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};

#define NSEC3_OPT_OUT 1 /* flag of NSEC3, RFC 5155 3.1.2.1 */

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

#endif
