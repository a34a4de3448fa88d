/*
 * Proof that a block is a zone image in every detail that the serving path relies on. The compiler
 * that made it is not trusted: it read text that anybody may have written.
 *
 * One pass over the nodes in canonical order, which is also the order of a walk through the tree: the
 * path from the apex to the current node is all that is remembered. Every index of a node is computed
 * again and compared. Then one pass over the hash slots. Cost is linear in the size of the block: RDATA
 * may not be claimed twice (the octets of all RRsets together must fit into the data).
 *
 * One thing is taken on trust: that the NSEC3 which denies is the right one. To prove it, every name would be
 * hashed again, which costs more than all the rest. A lie about it makes a proof that no validator takes, as
 * lies in RDATA and signatures do; that it points into the chain is proved.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image.h"

#include "common/dns/fold.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/dns/canonical.h"
#include "common/util/checksum.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* RFC 5155 11: the only hash algorithm. */
#define NSEC3_SHA1 1

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX INT32_MAX

/* Nodes and slots whose memory is asked for before it is needed: more than cover one access to memory. */
#define NODES_AHEAD 16
#define SLOTS_AHEAD 64

static_assert(sizeof(struct image_header) == 128, "no padding in the header");
static_assert(sizeof(struct image_node) == 16, "no padding in nodes");
static_assert(sizeof(struct image_rrset) == 16, "no padding in RRsets");
static_assert(sizeof(union image_denial) == 8, "no padding in denials");
static_assert(sizeof(struct image_child) == 8, "no padding in children");
static_assert(sizeof(struct image_nsec3) == 24, "no padding in NSEC3s");

/* One step of the path from the apex to the current node. */
struct level {
	uint32_t node;
	size_t name_len;
	uint64_t hash;
	uint32_t place;	     /* of this node among the children; the apex has none */
	uint32_t next_child; /* where its next child has to stand */
};

/* Where the search for a node begins, and what its slot has to say. */
struct home {
	uint32_t slot; /* IMAGE_NONE (no slot has that number): the node was met */
	uint32_t hash; /* low half */
};

struct verifier {
	const struct image *image;
	struct level path[DNAME_LABELS_MAX + 1]; /* [0] is the apex, [depth] the current node */
	unsigned depth;
	uint32_t next_rrset;	/* RRsets before it belong to the nodes before */
	uint32_t nsec_owner;	/* last node with an NSEC that is not occluded */
	uint32_t wildcards;	/* nodes with the label "*" */
	uint32_t sources;	/* nodes that are said to have such a child */
	bool signatures;	/* an RRset with some was met */
	uint64_t rr_count;
	uint64_t claimed; /* octets of data claimed by RRsets */
	struct home *homes; /* for each node */
	char *why;
	size_t why_size;
};

/* What the types at a node say about it. */
enum node_types {
	TYPES_SOA = 1,
	TYPES_NS = 2,
	TYPES_CNAME = 4,
	TYPES_DNAME = 8,
	TYPES_BESIDE_CNAME = 16, /* any that may not stand beside it */
	TYPES_DNSKEY = 32,
	TYPES_SOA_SIGNED = 64,
	TYPES_NSEC = 128,
};

BH_PRINTF(2, 3) static int refuse(struct verifier *v, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(v->why, v->why_size, fmt, args);
	va_end(args);
	return BH_EMALFORMED;
}

static bool has_denial(const struct image_header *h)
{
	return (h->flags & (IMAGE_NSEC | IMAGE_NSEC3)) != 0;
}

_Static_assert(sizeof(struct image_header) % CHECKSUM_BLOCK == 0, "a piece that is summed alone");

uint64_t image_checksum(const uint8_t *block, size_t size)
{
	struct image_header header;
	struct checksum sum;
	memcpy(&header, block, sizeof(header));
	header.checksum = 0;
	checksum_begin(&sum);
	checksum_add(&sum, (const uint8_t *)&header, sizeof(header));
	checksum_add(&sum, block + sizeof(header), size - sizeof(header));
	return checksum_end(&sum);
}

static uint64_t rrsets_offset(const struct image_header *h)
{
	return image_align(sizeof(*h) + (uint64_t)h->node_count * sizeof(struct image_node));
}

static int check_header(struct verifier *v, const uint8_t *block, size_t size)
{
	if (size < sizeof(struct image_header)) {
		return refuse(v, "shorter than a header");
	}
	const struct image_header *h = (const void *)block;
	if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0) {
		return refuse(v, "not a zone image");
	}
	if (h->version != IMAGE_VERSION || h->byte_order != IMAGE_BYTE_ORDER) {
		refuse(v, "version or byte order differs from ours");
		return BH_EVERSION;
	}
	if (h->size != size) {
		return refuse(v, "size in the header differs");
	}
	if (h->reserved != 0) {
		return refuse(v, "reserved octets are not zero");
	}
	if (h->node_count == 0 || h->node_count > IMAGE_NODES_MAX) {
		return refuse(v, "number of nodes is out of range");
	}
	if (h->slot_count == 0 || (h->slot_count & (h->slot_count - 1)) != 0 ||
	    (uint64_t)h->node_count * 3 > (uint64_t)h->slot_count * 2) {
		return refuse(v, "number of hash slots is no power of two or too small");
	}
	/* 32-bit counts times small sizes: no sum here leaves 64 bits. */
	uint64_t children_size = (uint64_t)(h->node_count - 1) * (sizeof(uint64_t) + sizeof(struct image_child));
	uint64_t sigs = image_align(rrsets_offset(h) + (uint64_t)h->rrset_count * sizeof(struct image_rrset));
	uint64_t slots = image_align(sigs + ((h->flags & IMAGE_SIGS) != 0 ? h->rrset_count * sizeof(uint32_t) : 0));
	uint64_t denial = image_align(slots + (uint64_t)h->slot_count * sizeof(uint32_t));
	uint64_t children = image_align(denial + (has_denial(h) ? h->node_count * sizeof(union image_denial) : 0));
	uint64_t nsec3 = image_align(children + ((h->flags & IMAGE_NSEC) != 0 ? children_size : 0));
	uint64_t data = image_align(nsec3 + (uint64_t)h->nsec3_count * sizeof(struct image_nsec3));
	if (h->sigs != sigs || h->slots != slots || h->denial != denial || h->children != children ||
	    h->nsec3 != nsec3 || h->data != data || data > size || h->data_size > UINT32_MAX ||
	    image_align(data + h->data_size) != size) {
		return refuse(v, "sections are not where they belong");
	}
	if (image_checksum(block, size) != h->checksum) {
		return refuse(v, "checksum differs");
	}
	return BH_OK;
}

/* The same octets, letters folded. Names that stand once only are the same place. */
static bool same_name(const uint8_t *a, const uint8_t *b, size_t len)
{
	return a == b || memcmp(a, b, len) == 0 || fold_equal(a, b, len);
}

/* A target is none, or the node with the name that the record has. */
static int check_target(struct verifier *v, uint32_t index, uint16_t type, const uint8_t *rdata, uint32_t node)
{
	const struct image *image = v->image;
	uint64_t data_size = image->header->data_size;
	if (node == IMAGE_NONE) {
		return BH_OK;
	}
	if (node >= image->header->node_count) {
		return refuse(v, "RRset %u: target is no node", index);
	}
	uint32_t name = image->nodes[node].name;
	const uint8_t *target = canonical_target(type, rdata);
	size_t name_len = dname_len(target);
	/* Maybe not checked yet: so no length of it is taken. Its end shows in the comparison. */
	if (name > data_size || name_len > data_size - name ||
	    !same_name(image->data + name, target, name_len)) {
		return refuse(v, "RRset %u: target has another name", index);
	}
	return BH_OK;
}

/*
 * The records of an RRset or of its signatures: count of them at offset, each with `behind` octets behind it, are
 * inside of the data, each is valid and greater than the one before.
 */
static int check_records(struct verifier *v, uint32_t index, uint16_t type, uint16_t covered, uint32_t offset,
			 unsigned behind, unsigned count)
{
	uint64_t data_size = v->image->header->data_size;
	if (offset > data_size) {
		return refuse(v, "RRset %u: records are outside of the data", index);
	}

	uint64_t left = data_size - offset;
	struct image_walk walk = { .at = v->image->data + offset, .behind = behind };
	const uint8_t *last = NULL;
	size_t last_len = 0;
	for (unsigned i = 0; i < count; i++) {
		uint16_t rdata_len;
		if (left < sizeof(rdata_len) + behind) {
			return refuse(v, "RRset %u: records are outside of the data", index);
		}
		memcpy(&rdata_len, walk.at, sizeof(rdata_len));
		uint64_t size = sizeof(rdata_len) + rdata_len + (uint64_t)behind;
		if (left < size) {
			return refuse(v, "RRset %u: records are outside of the data", index);
		}
		v->claimed += size;
		if (v->claimed > data_size) {
			return refuse(v, "RRset %u: records overlap", index);
		}
		left -= size;
		const uint8_t *rdata = image_next_rdata(&walk, &rdata_len);
		if (!rdata_is_valid(type, rdata, rdata_len)) {
			return refuse(v, "RRset %u: RDATA is not valid for type %u", index, type);
		}
		if (type == RR_RRSIG && get_u16(rdata) != covered) {
			return refuse(v, "RRset %u: signature covers another type", index);
		}
		if (last != NULL && canonical_compare(type, last, last_len, rdata, rdata_len) >= 0) {
			return refuse(v, "RRset %u: records are not in order", index);
		}
		int err = behind == 0 ? BH_OK : check_target(v, index, type, rdata, image_walk_target(&walk));
		if (err != BH_OK) {
			return err;
		}
		last = rdata;
		last_len = rdata_len;
	}
	return BH_OK;
}

static int check_rrset(struct verifier *v, const struct image_rrset *rrset)
{
	uint32_t index = (uint32_t)(rrset - v->image->rrsets); /* for words */
	if (rrset->rr_count == 0 || rrset->ttl > TTL_MAX) {
		return refuse(v, "RRset %u: empty, or a bad TTL", index);
	}
	if (rr_type_is_meta(rrset->type) || rrset->type == RR_RRSIG) {
		return refuse(v, "RRset %u: type %u has none here", index, rrset->type);
	}
	if (rrset->behind != (canonical_has_target(rrset->type) ? IMAGE_TARGET : 0)) {
		return refuse(v, "RRset %u: targets do not belong here, or are missing", index);
	}
	if (rrset->sig_count == 0 && v->image->sigs != NULL && v->image->sigs[index] != 0) {
		return refuse(v, "RRset %u: a place of signatures without any", index);
	}
	int err = check_records(v, index, rrset->type, 0, rrset->data, rrset->behind, rrset->rr_count);
	if (err == BH_OK && rrset->sig_count > 0) {
		if (v->image->sigs == NULL) {
			return refuse(v, "RRset %u: signatures in an image without", index);
		}
		v->signatures = true;
		err = check_records(v, index, RR_RRSIG, rrset->type, v->image->sigs[index], 0, rrset->sig_count);
	}
	v->rr_count += (uint64_t)rrset->rr_count + rrset->sig_count;
	return err;
}

static unsigned type_of(const struct image_rrset *rrset)
{
	switch (rrset->type) {
	case RR_SOA:
		return TYPES_BESIDE_CNAME | TYPES_SOA | (rrset->sig_count > 0 ? TYPES_SOA_SIGNED : 0u);
	case RR_NS:
		return TYPES_BESIDE_CNAME | TYPES_NS;
	case RR_CNAME:
		return TYPES_CNAME;
	case RR_DNAME:
		return TYPES_BESIDE_CNAME | TYPES_DNAME;
	case RR_DNSKEY:
		return TYPES_BESIDE_CNAME | TYPES_DNSKEY;
	case RR_NSEC:
		return TYPES_NSEC;
	default:
		return TYPES_BESIDE_CNAME;
	}
}

static int check_rrsets(struct verifier *v, uint32_t index, const struct image_node *node,
			unsigned *types)
{
	if (node->rrset != v->next_rrset ||
	    node->rrset_count > v->image->header->rrset_count - v->next_rrset) {
		return refuse(v, "node %u: its RRsets are not its own", index);
	}
	v->next_rrset += node->rrset_count;

	*types = 0;
	for (unsigned i = 0; i < node->rrset_count; i++) {
		const struct image_rrset *rrset = &v->image->rrsets[node->rrset + i];
		if (rrset->type == RR_NSEC3) {
			return refuse(v, "node %u: NSEC3 belongs to no node", index);
		}
		if (i > 0 && rrset[-1].type >= rrset->type) {
			return refuse(v, "node %u: types are not in order", index);
		}
		int err = check_rrset(v, rrset);
		if (err != BH_OK) {
			return err;
		}
		unsigned type = type_of(rrset);
		*types |= type;
		if ((type & (TYPES_SOA | TYPES_CNAME | TYPES_DNAME)) != 0 && rrset->rr_count != 1) {
			return refuse(v, "node %u: several records of type %u", index, rrset->type);
		}
	}
	if ((~*types & (TYPES_CNAME | TYPES_BESIDE_CNAME)) == 0) {
		return refuse(v, "node %u: CNAME and other data", index);
	}
	return BH_OK;
}

/* What is denied by which NSEC3: where it points to, but not whether rightly so. See the head of the file. */
static int check_nsec3_denial(struct verifier *v, uint32_t index)
{
	uint32_t chain = v->image->header->nsec3_chain;
	uint32_t match = v->image->denial[index].nsec3.match;
	uint32_t cover = v->image->denial[index].nsec3.cover;
	if ((match == IMAGE_NONE ? index == 0 : match >= chain) || (cover != IMAGE_NONE && cover >= chain)) {
		return refuse(v, "node %u: its denial is no NSEC3 of the chain", index);
	}
	return BH_OK;
}

static int check_denial(struct verifier *v, uint32_t index, bool has_nsec)
{
	const struct image *image = v->image;
	if ((image->header->flags & IMAGE_NSEC3) != 0) {
		return check_nsec3_denial(v, index);
	}
	if ((image->header->flags & IMAGE_NSEC) == 0) {
		return BH_OK;
	}
	if (has_nsec && (image->nodes[index].flags & IMAGE_NODE_OCCLUDED) == 0) {
		v->nsec_owner = index;
	}
	if (image->denial[index].nsec.owner != v->nsec_owner) {
		return refuse(v, "node %u: it is denied by another NSEC", index);
	}
	return BH_OK;
}

/* The name of the apex, its hash, and what only it has. */
static int check_apex(struct verifier *v, struct image *image)
{
	const struct image_header *h = image->header;
	const struct image_node *node = &image->nodes[0];
	int len = node->name > h->data_size ? BH_ETRUNC
					    : dname_check(image->data + node->name, h->data_size - node->name);
	if (len < 0) {
		return refuse(v, "node 0: bad name");
	}
	image->apex = image->data + node->name;
	image->apex_labels = dname_label_count(image->apex);
	image->apex_hash = IMAGE_HASH_ROOT;
	for (unsigned i = image->apex_labels; i-- > 0;) {
		image->apex_hash = image_hash_label(image->apex_hash, dname_skip_labels(image->apex, i));
	}
	v->path[0] = (struct level){ .node = 0, .name_len = (size_t)len, .hash = image->apex_hash };
	v->depth = 0;
	if ((h->flags & IMAGE_NSEC) != 0 && image->denial[0].nsec.first_child != 0) {
		return refuse(v, "node 0: its children are not the first");
	}

	unsigned types;
	int err = check_rrsets(v, 0, node, &types);
	if (err != BH_OK) {
		return err;
	}
	if ((~types & (TYPES_SOA | TYPES_NS)) != 0) {
		return refuse(v, "node 0: no SOA or no NS");
	}
	image->soa = image_rrset(image, 0, RR_SOA);
	const uint8_t *numbers = image->data + image->soa->data + sizeof(uint16_t);
	for (unsigned i = 0; i < 2; i++) { /* behind MNAME and RNAME */
		size_t name_len = dname_len(numbers);
		image->soa_names[i] = dname_is_under(numbers, image->apex) ? (uint8_t)(name_len - (size_t)len) : UINT8_MAX;
		numbers += name_len;
	}
	uint32_t minimum = get_u32(numbers + 4 * sizeof(uint32_t));
	image->negative_ttl = image->soa->ttl < minimum ? image->soa->ttl : minimum;
	unsigned expected = (~types & (TYPES_DNSKEY | TYPES_SOA_SIGNED)) == 0 ? IMAGE_SIGNED : 0u;
	if (expected != 0 && (h->flags & IMAGE_NSEC3) != 0) {
		expected |= IMAGE_NSEC3; /* whether rightly so, check_chain finds out */
	} else if (expected != 0 && (types & TYPES_NSEC) != 0) {
		expected |= IMAGE_NSEC;
	}
	if (h->serial != get_u32(numbers) || (h->flags & ~(uint32_t)IMAGE_SIGS) != expected) {
		return refuse(v, "serial or flags in the header differ from the apex");
	}
	unsigned flags = (types & TYPES_DNAME) != 0 ? IMAGE_NODE_DNAME : 0u;
	if (node->parent != 0 || (node->flags & ~IMAGE_NODE_SOURCE) != flags) {
		return refuse(v, "node 0: flags or parent are wrong");
	}
	return check_denial(v, 0, (types & TYPES_NSEC) != 0);
}

/* Where on the path to the node before the parent of the next one is; false: not on it. */
static bool find_level(const struct verifier *v, uint32_t parent, unsigned *depth)
{
	unsigned at = v->depth;
	while (at > 0 && v->path[at].node != parent) { /* of all nodes together as many steps as nodes */
		at--;
	}
	*depth = at;
	return v->path[at].node == parent;
}

/*
 * Nodes of the path from depth on have no more below them. All their children have been met, so those of the next node
 * begin where theirs end: by this the children of all nodes follow each other, from the apex to the end of the section.
 */
static bool subtrees_end(const struct verifier *v, unsigned depth)
{
	const struct image *image = v->image;
	uint32_t all = image->header->node_count - 1;
	bool right = true;
	for (unsigned i = depth; i <= v->depth; i++) {
		const struct level *level = &v->path[i];
		uint32_t end = level->node < all ? image->denial[level->node + 1].nsec.first_child : all;
		right &= level->next_child == end;
		right &= i == 0 || image->children[level->place].owner == v->nsec_owner;
	}
	return right;
}

/* The node of the path's last level is its parent's next child. */
static bool child_fits(struct verifier *v, const uint8_t *name)
{
	const struct image *image = v->image;
	struct level *level = &v->path[v->depth];
	uint32_t place = v->path[v->depth - 1].next_child++;
	if (place >= image->header->node_count - 1 || image->children[place].node != level->node ||
	    image->child_keys[place] != image_label_key(name)) {
		return false;
	}
	level->place = place;
	level->next_child = image->denial[level->node].nsec.first_child;
	return true;
}

/*
 * The place of a node in the tree: behind the one before, its parent on the path. Extends the path. A name is a
 * label in front of its parent's, which was checked: that makes it a name, below the apex, and no name between is
 * missing.
 */
static int check_place(struct verifier *v, uint32_t index)
{
	const struct image *image = v->image;
	const struct image_node *node = &image->nodes[index];
	unsigned depth;
	if (!find_level(v, node->parent, &depth)) {
		return refuse(v, "node %u: its parent is not on the way to the node before", index);
	}
	const struct level *parent = &v->path[depth++];
	const uint8_t *name = image->data + node->name;
	uint64_t left = node->name < image->data_size ? image->data_size - node->name : 0;
	size_t len = left == 0 ? 0 : (size_t)name[0] + 1 + parent->name_len;
	if (left == 0 || name[0] == 0 || name[0] > LABEL_MAX || len > DNAME_MAX || len > left) {
		return refuse(v, "node %u: bad name", index);
	}
	if (!same_name(name + name[0] + 1, image->data + image->nodes[parent->node].name, parent->name_len)) {
		return refuse(v, "node %u: not below its parent", index);
	}

	const struct image_node *before = &image->nodes[index - 1];
	if (before->rrset_count == 0 && depth != v->depth + 1) {
		return refuse(v, "node %u: empty, and nothing is below it", index - 1);
	}

	if (depth <= v->depth) {
		const struct image_node *sibling = &image->nodes[v->path[depth].node];
		if (fold_label_compare(image->data + sibling->name, name) >= 0) {
			return refuse(v, "node %u: not in canonical order", index);
		}
	}
	uint64_t hash = image_hash_label(parent->hash, name);
	bool nsec = (image->header->flags & IMAGE_NSEC) != 0;
	if (nsec && !subtrees_end(v, depth)) {
		return refuse(v, "node %u: a subtree before it has other children or another NSEC behind it", index);
	}
	v->path[depth] = (struct level){ .node = index, .name_len = len, .hash = hash };
	v->depth = depth;
	return !nsec || child_fits(v, name) ? BH_OK : refuse(v, "node %u: is not found among the children", index);
}

static int check_node(struct verifier *v, uint32_t index)
{
	const struct image *image = v->image;
	const struct image_node *node = &image->nodes[index];
	int err = check_place(v, index);
	if (err != BH_OK) {
		return err;
	}
	unsigned types;
	err = check_rrsets(v, index, node, &types);
	if (err != BH_OK) {
		return err;
	}
	if ((types & TYPES_SOA) != 0) {
		return refuse(v, "node %u: SOA below the apex", index);
	}

	const struct image_node *parent = &image->nodes[node->parent]; /* checked before: on the path */
	bool occluded = (parent->flags & (IMAGE_NODE_CUT | IMAGE_NODE_DNAME | IMAGE_NODE_OCCLUDED)) != 0;
	bool is_cut = (types & TYPES_NS) != 0 && !occluded;
	bool wildcard = dname_is_wildcard(image->data + node->name);
	unsigned flags = (node->rrset_count == 0 ? IMAGE_NODE_ENT : 0u) | (is_cut ? IMAGE_NODE_CUT : 0u) |
			 (occluded ? IMAGE_NODE_OCCLUDED : 0u) | ((types & TYPES_CNAME) != 0 ? IMAGE_NODE_CNAME : 0u) |
			 ((types & TYPES_DNAME) != 0 ? IMAGE_NODE_DNAME : 0u) | (wildcard ? IMAGE_NODE_WILDCARD : 0u);
	if ((node->flags & ~IMAGE_NODE_SOURCE) != flags) {
		return refuse(v, "node %u: flags are wrong", index);
	}

	/* The parent of each wildcard has the flag, and no more nodes have it: so no others. */
	if (wildcard) {
		v->wildcards++;
		if ((parent->flags & IMAGE_NODE_SOURCE) == 0) {
			return refuse(v, "node %u: its parent does not know this wildcard", index);
		}
	}
	return check_denial(v, index, (types & TYPES_NSEC) != 0);
}

static uint32_t home_slot(const struct image *image, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & image->slot_mask;
}

static int check_nodes(struct verifier *v, struct image *image)
{
	const struct image_header *h = image->header;
	int err = check_apex(v, image);
	for (uint32_t i = 0; err == BH_OK && i < h->node_count; i++) {
		if (i + NODES_AHEAD < h->node_count) { /* any address may be asked for */
			__builtin_prefetch(image->data + image->nodes[i + NODES_AHEAD].name);
		}
		if (i > 0) {
			err = check_node(v, i);
		}
		uint64_t hash = v->path[v->depth].hash;
		v->homes[i] = (struct home){ .slot = home_slot(image, hash), .hash = (uint32_t)hash };
		v->sources += (image->nodes[i].flags & IMAGE_NODE_SOURCE) != 0;
	}
	if (err != BH_OK) {
		return err;
	}
	if (image->nodes[h->node_count - 1].rrset_count == 0) {
		return refuse(v, "the last node is empty");
	}
	if (v->wildcards != v->sources) {
		return refuse(v, "a node has a wildcard child that does not exist");
	}
	if ((h->flags & IMAGE_NSEC) != 0 && !subtrees_end(v, 0)) {
		return refuse(v, "a subtree at the end has other children or another NSEC behind it");
	}
	return BH_OK;
}

/* What an NSEC3 or NSEC3PARAM begins with is that of the chain, but for the flags. */
static bool in_chain(const struct image *image, const uint8_t *rdata)
{
	const struct image_header *h = image->header;
	return rdata[0] == NSEC3_SHA1 && get_u16(rdata + 2) == h->nsec3_iterations && rdata[4] == h->nsec3_salt_len &&
	       memcmp(rdata + 5, image->data + h->nsec3_salt, h->nsec3_salt_len) == 0;
}

/* An NSEC3PARAM without flags (RFC 5155 4.1.2) at the apex says what the header says. */
static bool has_nsec3param(const struct image *image)
{
	const struct image_rrset *rrset = image_rrset(image, 0, RR_NSEC3PARAM);
	if (rrset == NULL) {
		return false;
	}
	struct image_walk walk = image_records(image, rrset);
	for (unsigned i = 0; i < rrset->rr_count; i++) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(&walk, &len);
		if (in_chain(image, rdata) && rdata[1] == 0) {
			return true;
		}
	}
	return false;
}

/* The chain that the header tells of. */
static int check_chain(struct verifier *v)
{
	const struct image *image = v->image;
	const struct image_header *h = image->header;
	if (h->nsec3_chain > h->nsec3_count || (h->nsec3_chain > 0) != ((h->flags & IMAGE_NSEC3) != 0)) {
		return refuse(v, "length of the NSEC3 chain is wrong");
	}
	if (h->nsec3_chain == 0) {
		return h->nsec3_salt == 0 && h->nsec3_salt_len == 0 && h->nsec3_iterations == 0
			       ? BH_OK
			       : refuse(v, "NSEC3 salt or iterations without a chain");
	}
	if (h->nsec3_salt > h->data_size || h->nsec3_salt_len > h->data_size - h->nsec3_salt) {
		return refuse(v, "NSEC3 salt is outside of the data");
	}
	if (h->nsec3_iterations > NSEC3_ITERATIONS_MAX || !has_nsec3param(image)) {
		return refuse(v, "NSEC3 salt or iterations are not those of an NSEC3PARAM");
	}
	return BH_OK;
}

/* RRsets of NSEC3: behind those of the nodes, in the order of their section. */
static int check_nsec3s(struct verifier *v)
{
	const struct image *image = v->image;
	const struct image_header *h = image->header;
	if (h->nsec3_count != h->rrset_count - v->next_rrset) {
		return refuse(v, "number of RRsets in the header is wrong");
	}
	if (h->nsec3_count > 0 && v->path[0].name_len > DNAME_MAX - 1 - IMAGE_NSEC3_LABEL) {
		return refuse(v, "the apex is too long for owners of NSEC3");
	}
	int err = check_chain(v);
	for (uint32_t i = 0; i < h->nsec3_count && err == BH_OK; i++) {
		const struct image_nsec3 *nsec3 = &image->nsec3[i];
		const struct image_rrset *rrset = &image->rrsets[v->next_rrset + i];
		if (nsec3->rrset != v->next_rrset + i || rrset->type != RR_NSEC3) {
			return refuse(v, "NSEC3 %u: its RRset is not its own", i);
		}
		err = check_rrset(v, rrset);
		if (err != BH_OK || i >= h->nsec3_chain) {
			continue;
		}
		const uint8_t *rdata = image->data + rrset->data + sizeof(uint16_t);
		if (rrset->rr_count != 1 || !in_chain(image, rdata) || rdata[5 + rdata[4]] != IMAGE_NSEC3_HASH) {
			return refuse(v, "NSEC3 %u: is not of the chain", i);
		}
		if (i > 0 && memcmp(nsec3[-1].hash, nsec3->hash, IMAGE_NSEC3_HASH) >= 0) {
			return refuse(v, "NSEC3 %u: not in order", i);
		}
	}
	if (err == BH_OK && (v->rr_count != h->rr_count || v->signatures != ((h->flags & IMAGE_SIGS) != 0))) {
		return refuse(v, "number of records, or the flag of signatures, in the header is wrong");
	}
	return err;
}

/*
 * Slots: each node in one of them, and on the way there from its home no empty one, nor too many. A
 * home is forgotten (IMAGE_NONE: no slot has that number) once its node was met.
 */
static int check_slots(struct verifier *v)
{
	const struct image *image = v->image;
	const struct image_header *h = image->header;
	uint32_t index_bits = image->index_mask;

	uint32_t empty = 0; /* node_count < slot_count: there is one, unless a node is met twice */
	while (empty < h->slot_count && image->slots[empty] != 0) {
		empty++;
	}
	if (empty == h->slot_count) {
		return refuse(v, "no hash slot is empty");
	}
	uint32_t met = 0;
	uint32_t run = 0; /* slots in use before this one, since the last empty one */
	for (uint32_t i = 1; i <= h->slot_count; i++) {
		uint32_t at = (empty + i) & image->slot_mask;
		uint32_t slot = image->slots[at];
		/* Any address may be asked for; that of the node after it is near enough. */
		__builtin_prefetch(&v->homes[image->slots[(at + SLOTS_AHEAD) & image->slot_mask] & index_bits]);
		if (slot == 0) {
			run = 0;
			continue;
		}
		uint32_t node = (slot & index_bits) - 1; /* 0 - 1 is no node either */
		if (node >= h->node_count || v->homes[node].slot == IMAGE_NONE) {
			return refuse(v, "hash slot %u: no node, or one that stands elsewhere too", at);
		}
		uint32_t distance = (at - v->homes[node].slot) & image->slot_mask;
		if (distance > run || run >= IMAGE_PROBES_MAX ||
		    ((slot ^ v->homes[node].hash) & ~index_bits) != 0) {
			return refuse(v, "hash slot %u: node %u is not found there", at, node);
		}
		v->homes[node].slot = IMAGE_NONE;
		met++;
		run++;
	}
	return met == h->node_count ? BH_OK : refuse(v, "a node is in no hash slot");
}

int image_verify(const uint8_t *block, size_t size, struct image *out, char *why, size_t why_size)
{
	struct image image = { .header = (const void *)block };
	struct verifier v = { .image = &image, .why = why, .why_size = why_size };

	int err = check_header(&v, block, size);
	if (err != BH_OK) {
		return err;
	}
	const struct image_header *h = image.header;
	image.nodes = (const void *)(block + sizeof(*h));
	image.rrsets = (const void *)(block + rrsets_offset(h));
	image.sigs = (h->flags & IMAGE_SIGS) != 0 ? (const void *)(block + h->sigs) : NULL;
	image.slots = (const void *)(block + h->slots);
	image.denial = has_denial(h) ? (const void *)(block + h->denial) : NULL;
	if ((h->flags & IMAGE_NSEC) != 0) {
		image.child_keys = (const void *)(block + h->children);
		image.children = (const void *)(image.child_keys + h->node_count - 1);
	}
	image.nsec3 = (const void *)(block + h->nsec3);
	image.data = block + h->data;
	image.data_size = h->data_size;
	image.slot_mask = h->slot_count - 1;
	image.index_mask = UINT32_MAX >> __builtin_clz(h->node_count);

	v.homes = malloc((size_t)h->node_count * sizeof(*v.homes));
	if (v.homes == NULL) {
		snprintf(why, why_size, "out of memory");
		return BH_ENOMEM;
	}
	err = check_nodes(&v, &image);
	if (err == BH_OK) {
		err = check_nsec3s(&v);
	}
	if (err == BH_OK) {
		err = check_slots(&v);
	}
	free(v.homes);
	if (err == BH_OK) {
		*out = image;
	}
	return err;
}
