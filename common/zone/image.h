/*
 * The zone image: one zone as one contiguous, pointer-free block in a sealed memfd.
 *
 * Written by the compiler (image_write.h), mapped read-only and shared by every worker of a view.
 * image_open proves the whole block once - seals, checksum, every offset, index, count and name - so
 * that the functions below and those who follow the indexes need no check of their own.
 *
 * Layout: header | nodes | rrsets | sigs | hash slots | denial | children | nsec3 | data. Integers have the byte order
 * of the machine that made it (the header tells, another order is refused). Offsets are in bytes from the
 * start of the data section, indexes count elements.
 *
 *   nodes    one for every owner name, and for every empty non-terminal between it and the apex, in
 *            canonical order (RFC 4034 6.1); node 0 is the apex
 *   rrsets   those of one node stand together, ordered by type
 *   sigs     in a zone with any signature (IMAGE_SIGS) one data offset for every RRset
 *   slots    open addressing, linear probing, a power of two, at most two thirds full; 0 is empty, else
 *            node index + 1 in the low bits (as many as node_count has) and bits of the hash above
 *            them, so that other names are passed over without a look at their nodes. The home slot is
 *            the low bits of the hash's upper half. No name is further than IMAGE_PROBES_MAX from it
 *   denial   in a zone with a chain (IMAGE_NSEC, IMAGE_NSEC3) one struct image_denial for every node
 *   children in a zone with IMAGE_NSEC every node but the apex once more, those of one parent together: where
 *            the label of a name that does not exist belongs is found without a look at nodes and names
 *   nsec3    NSEC3 RRsets; their owners are no names of the zone (RFC 5155 7.2.8), so no nodes
 *   data     names (wire form, case as in the zone text) and RDATA. A name may as well stand inside of RDATA: that of
 *            a delegation is mostly the end of its server's, and the name of that server the owner of its glue
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_ZONE_IMAGE_H
#define BULKHEAD_COMMON_ZONE_IMAGE_H

#include "common/dns/dname.h"
#include "common/dns/fold.h"
#include "common/util/err.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC "BHZIMAGE"
#define IMAGE_VERSION 4u
#define IMAGE_BYTE_ORDER 0x01020304u
#define IMAGE_NONE UINT32_MAX

/* Sections begin at multiples of this, so that nodes and RRsets do not cross cache lines. */
#define IMAGE_ALIGN 64

static inline uint64_t image_align(uint64_t offset)
{
	return (offset + IMAGE_ALIGN - 1) & ~(uint64_t)(IMAGE_ALIGN - 1);
}

/* Nodes of an image: leaves a bit of the hash in every slot, and doubles fit into 32 bits. */
#define IMAGE_NODES_MAX (UINT32_C(1) << 30)
/*
 * Slots looked at for one name. At two thirds full the longest run in ten million names is some
 * hundreds; without a bound a lying compiler could make every query walk the whole table.
 */
#define IMAGE_PROBES_MAX 2048

/* A header of fixed size; the sections follow it without gaps but for alignment. Reserved octets are zero. */
struct image_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint64_t size;	   /* octets of the whole block, a multiple of IMAGE_ALIGN */
	uint64_t checksum; /* checksum.h over everything, this field as 0 */
	uint32_t serial;   /* of the SOA */
	uint32_t flags;	   /* enum image_flags */
	uint32_t node_count;
	uint32_t rrset_count;
	uint32_t slot_count;
	uint32_t rr_count; /* all records, for status */
	uint64_t sigs;	   /* offsets of sections from the start of the block; where they would be when empty */
	uint64_t slots;
	uint64_t denial;
	uint64_t children;
	uint64_t nsec3;
	uint64_t data;
	uint64_t data_size;
	uint32_t nsec3_count; /* all NSEC3 owners */
	uint32_t nsec3_chain; /* the first so many are the chain that proofs use */
	uint32_t nsec3_salt;  /* data offset of the salt of that chain; 0 without one, like the numbers below */
	uint16_t nsec3_iterations;
	uint8_t nsec3_salt_len;
	uint8_t reserved;
};

enum image_flags {
	IMAGE_SIGNED = 1, /* the apex has DNSKEY and RRSIG over the SOA */
	IMAGE_NSEC = 2,	  /* signed, and the apex has an NSEC: names are denied by the NSEC chain */
	/*
	 * Signed, with an NSEC3PARAM (flags 0, SHA-1; RFC 5155 4.1) whose chain has the apex: names are denied
	 * by it. Where both chains are, as in the middle of a change, this one (RFC 5155 10.4, 10.5: it is
	 * complete as long as its NSEC3PARAM is there). Never together with IMAGE_NSEC.
	 */
	IMAGE_NSEC3 = 4,
	IMAGE_SIGS = 8, /* some RRset has signatures */
};

/*
 * What proves the absence of things at and below a node, so that answering needs no hash but that of
 * the next closer name. Chains are served as they were found: whether an NSEC reaches as far as it must, and
 * whether an NSEC3 that covers a delegation has opt-out, is the signer's business (the compiler warns).
 */
union image_denial {
	struct {
		/* The last node at or before this one that has an NSEC and is not occluded. The apex has one. */
		uint32_t owner;
		/* Of its children the first one's place in the section of that name. They end where those of the next node begin. */
		uint32_t first_child;
	} nsec;
	struct {	/* indexes into nsec3, below nsec3_chain */
		uint32_t match; /* whose hash is that of this name; the apex has one. IMAGE_NONE: none, or occluded */
		/*
		 * With a match: what covers "*" below this name (or matches it when there is one); IMAGE_NONE at
		 * cuts and DNAMEs, below which nothing is denied. Without (opt-out, RFC 5155 6): what covers the
		 * hash of this name itself; IMAGE_NONE when occluded.
		 */
		uint32_t cover;
	} nsec3;
};

/*
 * Children stand by the index of their parent, and those of one parent in canonical order. The section has first the
 * keys (image_label_key) of all their labels, then one of these for each.
 */
struct image_child {
	uint32_t node;
	uint32_t owner; /* nsec.owner of the last node at or below it: what covers names behind it, up to the next child */
};

#define IMAGE_NSEC3_HASH 20  /* SHA-1, the only algorithm there is (RFC 5155 11) */
#define IMAGE_NSEC3_LABEL 32 /* octets of it in base32hex */

/*
 * Strictly sorted by hash within the chain; those of other chains behind it in any order. An RRset of the
 * chain is one record with the hash algorithm, iterations and salt of the chain and a next hash of
 * IMAGE_NSEC3_HASH octets. Theirs are the last nsec3_count RRsets, in the order of this section.
 */
struct image_nsec3 {
	uint8_t hash[IMAGE_NSEC3_HASH]; /* base32hex of it and the apex are the owner name */
	uint32_t rrset;
};

enum image_node_flags {
	IMAGE_NODE_ENT = 1,	   /* empty non-terminal: no RRsets */
	IMAGE_NODE_CUT = 2,	   /* a delegation point: NS here, not the apex, not occluded */
	IMAGE_NODE_OCCLUDED = 4,   /* below a cut or a DNAME: glue at most, never authoritative */
	IMAGE_NODE_CNAME = 8,	   /* has a CNAME */
	IMAGE_NODE_DNAME = 16,	   /* has a DNAME */
	IMAGE_NODE_WILDCARD = 32,  /* leftmost label is "*" */
	IMAGE_NODE_SOURCE = 64,	   /* there is such a node right below (a source of synthesis, RFC 4592 3.3.1) */
};

/* Four to a cache line. What hides a node and the wildcard below it are found by image_cut and the like. */
struct image_node {
	uint32_t name;	   /* data offset of the owner name */
	uint32_t parent;   /* node with one label less; the apex is its own */
	uint32_t rrset;	   /* first of its RRsets; where it would be when there are none */
	uint16_t rrset_count;
	uint16_t flags; /* enum image_node_flags */
};

/*
 * Delegations and DNAMEs hide what is below them, other cuts and DNAMEs included: of those on the way
 * from the apex to a name the topmost counts. A DNAME at a cut is hidden by the cut. With a CNAME there is
 * no other RRset but NSEC; CNAME, DNAME and SOA are single.
 *
 * Records of an RRset stand one after the other as u16 length (machine order, unaligned), RDATA
 * (uncompressed, valid for its type) and the octets of `behind`, in canonical order (RFC 4034 6.3), no two equal. Its
 * signatures stand likewise where the section sigs says, with nothing behind them; an RRset of type RRSIG does not
 * exist in an image, nor do meta types.
 */
struct image_rrset {
	uint16_t type;
	uint16_t rr_count;
	uint32_t ttl;
	uint32_t data; /* data offset */
	uint16_t sig_count;
	/*
	 * IMAGE_TARGET for NS, MX, SRV, SVCB, HTTPS, KX, AFSDB, NAPTR, RT, else 0. Behind each record stands a u32
	 * (machine order, unaligned): the node of the name it points to when that is in this zone (glue below a cut
	 * included), else IMAGE_NONE.
	 */
	uint16_t behind;
};

#define IMAGE_TARGET 4

struct image {
	const struct image_header *header; /* start of the mapping */
	const struct image_node *nodes;
	const struct image_rrset *rrsets;
	const uint32_t *sigs; /* NULL without IMAGE_SIGS */
	const uint32_t *slots;
	const uint8_t *data;
	uint64_t data_size;
	const uint8_t *apex; /* owner name of node 0 */
	unsigned apex_labels;
	uint64_t apex_hash;
	const struct image_rrset *soa;
	uint32_t negative_ttl; /* RFC 2308 3, 5: TTL of the SOA or its MINIMUM, whichever is lower */
	uint8_t soa_names[2];  /* octets of MNAME and RNAME in front of the apex; UINT8_MAX: it is not below it */
	uint32_t slot_mask;  /* slot_count - 1 */
	uint32_t index_mask; /* bits of a slot that hold node index + 1 */
	const union image_denial *denial; /* NULL without IMAGE_NSEC and IMAGE_NSEC3 */
	const uint64_t *child_keys;	  /* NULL without IMAGE_NSEC */
	const struct image_child *children;
	const struct image_nsec3 *nsec3;
};

/*
 * Map the memfd read-only and verify it. fd must be sealed against write, grow and shrink; it is not
 * closed and not needed after. On success *out is heap memory for image_close. On failure a negative
 * error, and why[0..why_size) says in a few words what is wrong.
 */
int image_open(int fd, struct image **out, char *why, size_t why_size) BH_CHECKED;

/* The same checks, but for the seals, over bytes in memory (8-aligned; not copied). For tests and fuzzing. */
int image_verify(const uint8_t *block, size_t size, struct image *out, char *why, size_t why_size) BH_CHECKED;

/* What header->checksum of this block must be; size is that of a header at least. */
uint64_t image_checksum(const uint8_t *block, size_t size);

void image_close(struct image *image);

/*
 * Hash of a name from the root towards its first label: start with IMAGE_HASH_ROOT and feed the
 * labels, rightmost first, each as its length octet and folded octets. Since suffixes share their
 * beginning, one pass over a name gives the hashes of all its suffixes.
 */
#define IMAGE_HASH_ROOT UINT64_C(0xcbf29ce484222325)
uint64_t image_hash_label(uint64_t hash, const uint8_t *label);

/*
 * A name taken apart once, for all who look it up: labels, hashes of its suffixes, letters folded. Means
 * nothing before image_look.
 */
struct image_look {
	uint8_t len;			    /* octets, root label included */
	uint8_t labels;			    /* without the root */
	uint8_t at[DNAME_LABELS_MAX + 1];   /* offset of each label, leftmost first; at[labels]: the root */
	uint8_t lower[DNAME_MAX + 9];	    /* what is behind len octets can be read and means nothing */
	uint64_t hash[DNAME_LABELS_MAX + 1]; /* of the name from each label on */
};

void image_look(struct image_look *look, const uint8_t *name);

struct image_match {
	uint32_t node;	   /* the name itself, or IMAGE_NONE */
	uint32_t encloser; /* closest encloser (RFC 4592 3.3.1): node itself when it exists */
	unsigned below;	   /* labels of the name below the encloser */
};

/*
 * Look a name up that is at or below the apex (dname_is_under(name, image->apex)). Occluded nodes are
 * found like others; the caller looks at image_cut and image_dname of the encloser.
 */
void image_find(const struct image *image, const uint8_t *name, struct image_match *out);

/* The same for a name that was taken apart already. */
void image_find_look(const struct image *image, const struct image_look *look, struct image_match *out);

/*
 * Fetch into the cache what image_find_look will need, one step nearer with each call, so that the memory works
 * for several queries at once: first the slots, then the node that they name, then its name and RRsets, then their
 * data. Changes nothing and promises nothing. image_fetch_node returns a node for the others.
 */
void image_fetch_slots(const struct image *image, const struct image_look *look);
uint32_t image_fetch_node(const struct image *image, const struct image_look *look);
void image_fetch_sets(const struct image *image, uint32_t node);
void image_fetch_data(const struct image *image, uint32_t node);

/*
 * In a zone with IMAGE_NSEC: the node whose NSEC covers a name that image_find did not find (RFC 4034
 * 4.1.1): the last one before it that has an NSEC. Cost: a bisection of the encloser's children by their
 * keys, and one by their names of those whose labels begin with the same octets.
 */
uint32_t image_nsec_cover(const struct image *image, const uint8_t *name, const struct image_match *match);

/*
 * In a zone with IMAGE_NSEC3: index of the NSEC3 of the chain whose hash is this one, or else of the one that
 * covers it (RFC 5155 1.3): the greatest below it, before the first one the last.
 */
uint32_t image_nsec3_find(const struct image *image, const uint8_t hash[IMAGE_NSEC3_HASH]);

/* Owner name of an NSEC3 (index below nsec3_count): 1 + 32 octets and the apex, written to out. */
void image_nsec3_owner(const struct image *image, uint32_t nsec3, uint8_t out[DNAME_MAX]);

/*
 * The first octets of a label as a number: never greater than that of a label that sorts behind it (RFC 4034 6.1),
 * and for most labels of a zone lower.
 */
static inline uint64_t image_label_key(const uint8_t *label)
{
	size_t len = label[0];
	uint64_t word = len >= sizeof(word) ? fold_load64(label + 1) : fold_load_tail(label + 1, len);
	return be64toh(fold_word(word));
}

/*
 * What hides a node, or sends elsewhere: the delegation point at or above it, or the node strictly above whose DNAME
 * occludes it; IMAGE_NONE where there is none. Never both. Cost: for occluded nodes, a step for each label up to there.
 */
static inline uint32_t image_cut(const struct image *image, uint32_t node);
static inline uint32_t image_dname(const struct image *image, uint32_t node);

/* The topmost cut or DNAME above an occluded node; others it is themselves. */
uint32_t image_hider(const struct image *image, uint32_t node);

/* The child "*" of a node whose name has this hash, or IMAGE_NONE. */
uint32_t image_wildcard(const struct image *image, uint32_t node, uint64_t hash);

/* RRset of a type at a node, or NULL. */
const struct image_rrset *image_rrset(const struct image *image, uint32_t node, uint16_t type);

static inline const uint8_t *image_name(const struct image *image, uint32_t node)
{
	return image->data + image->nodes[node].name;
}

static inline uint32_t image_cut(const struct image *image, uint32_t node)
{
	unsigned flags = image->nodes[node].flags;
	if ((flags & IMAGE_NODE_OCCLUDED) != 0) {
		node = image_hider(image, node);
		flags = image->nodes[node].flags;
	}
	return (flags & IMAGE_NODE_CUT) != 0 ? node : IMAGE_NONE;
}

static inline uint32_t image_dname(const struct image *image, uint32_t node)
{
	if ((image->nodes[node].flags & IMAGE_NODE_OCCLUDED) == 0) {
		return IMAGE_NONE;
	}
	node = image_hider(image, node);
	return (image->nodes[node].flags & IMAGE_NODE_CUT) == 0 ? node : IMAGE_NONE;
}

/* Records of an RRset, or its signatures: where the next one is, and what stands behind each. */
struct image_walk {
	const uint8_t *at;
	unsigned behind;
};

static inline struct image_walk image_records(const struct image *image, const struct image_rrset *rrset)
{
	return (struct image_walk){ .at = image->data + rrset->data, .behind = rrset->behind };
}

/* Of an RRset with signatures. */
static inline struct image_walk image_signatures(const struct image *image, const struct image_rrset *rrset)
{
	return (struct image_walk){ .at = image->data + image->sigs[rrset - image->rrsets] };
}

/* The next RDATA: at most rr_count (sig_count) times. */
static inline const uint8_t *image_next_rdata(struct image_walk *walk, uint16_t *len)
{
	__builtin_memcpy(len, walk->at, sizeof(*len));
	const uint8_t *rdata = walk->at + sizeof(*len);
	walk->at = rdata + *len + walk->behind;
	return rdata;
}

/* The node that the record before points to, or IMAGE_NONE; only with IMAGE_TARGET. */
static inline uint32_t image_walk_target(const struct image_walk *walk)
{
	uint32_t node;
	__builtin_memcpy(&node, walk->at - IMAGE_TARGET, sizeof(node));
	return node;
}

#endif
