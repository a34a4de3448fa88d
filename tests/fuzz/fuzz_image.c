/*
 * Zone images by a lying compiler. The input is either an image whose header is set right, or a list of
 * changes to a good one, unsigned or with NSEC or NSEC3; the checksum is always made right. What image_verify takes must be safe to
 * follow: every index is followed here as the serving path does, and names from the input are looked up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"
#include "common/dns/canonical.h"
#include "common/dns/nsec3.h"
#include "common/dns/rr.h"
#include "common/util/rand.h"
#include "common/zone/image.h"
#include "common/zone/image_write.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Keeps what is read from being optimised away. */
static volatile uint64_t sum;

static void add(struct image_builder *b, const char *owner, uint16_t type, const char *rdata, size_t len)
{
	uint8_t name[DNAME_MAX];
	FUZZ_CHECK(dname_from_text(owner, name) > 0);
	FUZZ_CHECK(image_builder_add(b, name, type, 60, (const uint8_t *)rdata, len, "f", 1) == BH_OK);
}

static void ignore(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	(void)finding;
}

#define ADD(owner, type, rdata) add(b, owner, type, rdata, sizeof(rdata) - 1)
#define SIG_OF_A "\0\001\010\002\0\0\0\074\150\0\0\0\147\0\0\0\0\001\001e\0s"
#define SIG_OF_SOA "\0\006\010\001\0\0\0\074\150\0\0\0\147\0\0\0\0\001\001e\0s"

enum kind { KIND_PLAIN, KIND_NSEC, KIND_NSEC3, KINDS };

static void add_nsec3(struct image_builder *b, const char *name)
{
	uint8_t wire[DNAME_MAX];
	uint8_t hash[NSEC3_HASH_SIZE];
	char owner[NSEC3_HASH_SIZE / 5 * 8 + 4] = "";
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	FUZZ_CHECK(hasher != NULL && dname_from_text(name, wire) > 0);
	FUZZ_CHECK(nsec3_hash(hasher, wire, (const uint8_t *)"!", 1, 1, hash) == BH_OK);
	nsec3_hasher_free(hasher);
	base32hex_encode(hash, sizeof(hash), (uint8_t *)owner);
	memcpy(owner + NSEC3_HASH_SIZE / 5 * 8, ".e.", 4);
	ADD(owner, RR_NSEC3, "\001\001\0\001\001!\02401234567890123456789\0\001\002");
}

static void sign(struct image_builder *b, enum kind kind)
{
	ADD("e.", RR_DNSKEY, "\001\0\003\015key");
	ADD("e.", RR_RRSIG, SIG_OF_SOA);
	ADD("e.", RR_NSEC, "\001c\001e\0\0\001\002");
	ADD("c.e.", RR_NSEC, "\001m\001e\0\0\001\004");
	ADD("m.e.", RR_NSEC, "\001e\0\0\001\004");
	if (kind == KIND_NSEC3) {
		ADD("e.", RR_NSEC3PARAM, "\001\0\0\001\001!");
		add_nsec3(b, "e.");
		add_nsec3(b, "m.e.");
		add_nsec3(b, "er.e.");
		add_nsec3(b, "deep.er.e.");
		ADD("00000000000000000000000000000000.e.", RR_NSEC3, "\001\0\0\0\0\0"); /* of no chain */
	}
}

/* A zone with one of everything the format knows. */
static uint8_t *good_image(enum kind kind, size_t *size)
{
	static const uint8_t apex[] = "\001e";
	struct image_builder *b = image_builder_new(apex);
	FUZZ_CHECK(b != NULL);
	ADD("e.", RR_SOA, "\001a\0\001b\0\0\0\0\001\0\0\0\002\0\0\0\003\0\0\0\004\0\0\0\005");
	ADD("e.", RR_NS, "\002ns\001e\0");
	ADD("e.", RR_MX, "\0\001\001m\001e\0");
	ADD("ns.e.", RR_A, "\300\0\002\001");
	ADD("ns.e.", RR_A, "\300\0\002\002");
	ADD("ns.e.", RR_RRSIG, SIG_OF_A);
	ADD("m.e.", RR_AAAA, "0123456789abcdef");
	ADD("*.w.e.", RR_TXT, "\001x");
	ADD("deep.er.e.", 65280, "xyz");
	ADD("c.e.", RR_CNAME, "\001m\001e\0");
	ADD("d.e.", RR_DNAME, "\001x\0");
	ADD("sub.e.", RR_NS, "\002ns\003sub\001e\0");
	ADD("ns.sub.e.", RR_A, "\300\0\002\003");
	if (kind != KIND_PLAIN) {
		sign(b, kind);
	}
	FUZZ_CHECK(image_builder_check(b, ignore, NULL) == 0);
	*size = image_builder_size(b);
	uint8_t *block = calloc(1, *size);
	FUZZ_CHECK(block != NULL && image_builder_write(b, block, *size) == BH_OK);
	image_builder_free(b);
	return block;
}

static void follow_rrset(const struct image *image, const struct image_rrset *r)
{
	struct image_walk walk = image_records(image, r);
	for (unsigned i = 0; i < r->rr_count; i++) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(&walk, &len);
		FUZZ_CHECK(rdata_is_valid(r->type, rdata, len));
		sum += len > 0 ? rdata[len - 1] : 0;
		if (r->behind == IMAGE_TARGET) {
			uint32_t target = image_walk_target(&walk);
			FUZZ_CHECK(target == IMAGE_NONE || dname_equal(image_name(image, target), canonical_target(r->type, rdata)));
		}
	}
	if (r->sig_count > 0) {
		walk = image_signatures(image, r);
	}
	for (unsigned i = 0; i < r->sig_count; i++) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(&walk, &len);
		FUZZ_CHECK(rdata_is_valid(RR_RRSIG, rdata, len));
		sum += rdata[len - 1];
	}
}

static void follow_denial(const struct image *image, uint32_t n)
{
	const struct image_header *h = image->header;
	const union image_denial *denial = &image->denial[n];
	if ((h->flags & IMAGE_NSEC3) != 0) {
		FUZZ_CHECK(denial->nsec3.match == IMAGE_NONE ? n != 0 : denial->nsec3.match < h->nsec3_chain);
		FUZZ_CHECK(denial->nsec3.cover == IMAGE_NONE || denial->nsec3.cover < h->nsec3_chain);
	} else {
		FUZZ_CHECK(image_rrset(image, denial->nsec.owner, RR_NSEC) != NULL && denial->nsec.owner <= n);
		uint32_t all = h->node_count - 1;
		uint32_t end = n < all ? image->denial[n + 1].nsec.first_child : all;
		FUZZ_CHECK((n > 0 || denial->nsec.first_child == 0) && denial->nsec.first_child <= end && end <= all);
		for (uint32_t i = denial->nsec.first_child; i < end; i++) {
			const struct image_child *child = &image->children[i];
			FUZZ_CHECK(child->node < h->node_count && image->nodes[child->node].parent == n);
			FUZZ_CHECK(image->child_keys[i] == image_label_key(image_name(image, child->node)));
			FUZZ_CHECK(child->owner < h->node_count && image_rrset(image, child->owner, RR_NSEC) != NULL);
		}
	}
}

/* The NSEC3s; a chain has all that answering relies on. */
static void follow_nsec3(const struct image *image)
{
	const struct image_header *h = image->header;
	FUZZ_CHECK((h->nsec3_chain > 0) == ((h->flags & IMAGE_NSEC3) != 0));
	for (uint32_t i = 0; i < h->nsec3_count; i++) {
		const struct image_rrset *r = &image->rrsets[image->nsec3[i].rrset];
		uint8_t owner[DNAME_MAX];
		image_nsec3_owner(image, i, owner);
		FUZZ_CHECK(dname_is_under(owner, image->apex));
		FUZZ_CHECK(r->type == RR_NSEC3);
		follow_rrset(image, r);
		if (i < h->nsec3_chain) {
			FUZZ_CHECK(r->rr_count == 1);
			FUZZ_CHECK(image_nsec3_find(image, image->nsec3[i].hash) == i);
			const uint8_t *salt = image->data + r->data + sizeof(uint16_t) + 5;
			FUZZ_CHECK(memcmp(salt, image->data + h->nsec3_salt, h->nsec3_salt_len) == 0);
			FUZZ_CHECK(salt[h->nsec3_salt_len] == IMAGE_NSEC3_HASH);
		}
	}
}

static void follow(const struct image *image)
{
	uint32_t rrsets = 0;
	for (uint32_t n = 0; n < image->header->node_count; n++) {
		const struct image_node *node = &image->nodes[n];
		const uint8_t *name = image->data + node->name;
		struct image_match match;
		FUZZ_CHECK(dname_is_under(name, image->apex));
		image_find(image, name, &match);
		FUZZ_CHECK(match.node == n && match.encloser == n);
		FUZZ_CHECK(n == 0 || node->parent < n);
		FUZZ_CHECK(n == 0 || dname_compare(image->data + image->nodes[n - 1].name, name) < 0);
		FUZZ_CHECK(n == 0 || dname_equal(dname_parent(name), image->data + image->nodes[node->parent].name));
		struct image_look look;
		image_look(&look, name);
		uint32_t wildcard = image_wildcard(image, n, look.hash[0]);
		uint32_t cut = image_cut(image, n);
		uint32_t dname = image_dname(image, n);
		FUZZ_CHECK((wildcard == IMAGE_NONE) == ((node->flags & IMAGE_NODE_SOURCE) == 0));
		FUZZ_CHECK(wildcard == IMAGE_NONE || dname_is_wildcard(image_name(image, wildcard)));
		FUZZ_CHECK(wildcard == IMAGE_NONE || image->nodes[wildcard].parent == n);
		FUZZ_CHECK(cut == IMAGE_NONE || image_rrset(image, cut, RR_NS) != NULL);
		FUZZ_CHECK(dname == IMAGE_NONE || image_rrset(image, dname, RR_DNAME) != NULL);
		FUZZ_CHECK(cut == IMAGE_NONE || dname == IMAGE_NONE);
		FUZZ_CHECK(node->rrset == rrsets);
		for (unsigned i = 0; i < node->rrset_count; i++) {
			const struct image_rrset *r = &image->rrsets[node->rrset + i];
			FUZZ_CHECK(image_rrset(image, n, r->type) == r);
			follow_rrset(image, r);
		}
		rrsets += node->rrset_count;
		if (image->denial != NULL) {
			follow_denial(image, n);
		}
	}
	FUZZ_CHECK(rrsets + image->header->nsec3_count == image->header->rrset_count);
	follow_nsec3(image);
	FUZZ_CHECK(image_rrset(image, 0, RR_SOA) != NULL && image_rrset(image, 0, RR_NS) != NULL);
}

/* A name of octets from the input below the apex. */
static void find(const struct image *image, const uint8_t *data, size_t size)
{
	uint8_t name[DNAME_MAX];
	size_t apex_len = dname_len(image->apex);
	size_t pos = 0;
	while (size > 0) {
		size_t label = 1 + data[0] % 5;
		if (label >= size || pos + label + 1 + apex_len > sizeof(name)) {
			break;
		}
		name[pos] = (uint8_t)label;
		memcpy(name + pos + 1, data + 1, label);
		pos += label + 1;
		data += label + 1;
		size -= label + 1;
	}
	memcpy(name + pos, image->apex, apex_len);
	struct image_match match;
	image_find(image, name, &match);
	FUZZ_CHECK(match.encloser < image->header->node_count);
	FUZZ_CHECK(match.node == IMAGE_NONE || match.node == match.encloser);
	const uint8_t *encloser = image->data + image->nodes[match.encloser].name;
	FUZZ_CHECK(dname_equal(dname_skip_labels(name, match.below), encloser));
	if (match.node == IMAGE_NONE && (image->header->flags & IMAGE_NSEC) != 0) {
		uint32_t owner = image_nsec_cover(image, name, &match);
		FUZZ_CHECK(image_rrset(image, owner, RR_NSEC) != NULL);
		FUZZ_CHECK(dname_compare(image_name(image, owner), name) < 0);
	}
	if ((image->header->flags & IMAGE_NSEC3) != 0) {
		uint8_t hash[IMAGE_NSEC3_HASH] = { 0 };
		memcpy(hash, name, pos < sizeof(hash) ? pos : sizeof(hash));
		FUZZ_CHECK(image_nsec3_find(image, hash) < image->header->nsec3_chain);
	}
}

static void make_header_right(uint8_t *block, size_t size)
{
	struct image_header *h = (void *)block;
	memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
	h->version = IMAGE_VERSION;
	h->byte_order = IMAGE_BYTE_ORDER;
	h->size = size;
	h->checksum = image_checksum(block, size);
}

/* Changes of the good image: u16 position, u8 how, u8 value, as many as there are. */
static uint8_t *changed_image(struct fuzz_input *in, enum kind kind, size_t *size)
{
	static uint8_t *good[KINDS]; /* made once, kept to the end */
	static size_t good_size[KINDS];
	if (good[kind] == NULL) {
		good[kind] = good_image(kind, &good_size[kind]);
	}
	*size = good_size[kind];
	uint8_t *block = malloc(*size);
	FUZZ_CHECK(block != NULL);
	memcpy(block, good[kind], *size);
	size_t words = *size / 4;
	while (in->left >= 4) {
		size_t at = fuzz_u16(in) % *size;
		size_t word = at / 4 % words * 4;
		uint8_t how = fuzz_u8(in);
		uint8_t value = fuzz_u8(in);
		switch (how % 4) {
		case 0:
			block[at] = value;
			break;
		case 1:
			block[at] = (uint8_t)(block[at] + value);
			break;
		case 2: /* a whole index or offset */
			memset(block + word, value, 4);
			break;
		default: /* another one's */
			memmove(block + word, block + value % words * 4, 4);
			break;
		}
	}
	return block;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t block_size;
	uint8_t *block;
	static const enum kind kinds[4] = { [0] = KIND_PLAIN, [2] = KIND_NSEC, [3] = KIND_NSEC3 };
	uint8_t how = fuzz_u8(&in) % 4;
	if (how != 1) {
		block = changed_image(&in, kinds[how], &block_size);
	} else {
		block_size = in.left;
		block = malloc(block_size + 1); /* aligned, and no octet more than needed */
		FUZZ_CHECK(block != NULL);
		memcpy(block, in.data, in.left);
	}
	if (block_size >= sizeof(struct image_header)) {
		make_header_right(block, block_size);
	}
	struct image image;
	char why[128] = "";
	int err = image_verify(block, block_size, &image, why, sizeof(why));
	FUZZ_CHECK(err == BH_OK || why[0] != '\0');
	if (err == BH_OK) {
		follow(&image);
		find(&image, data, size);
	}
	free(block);
	return 0;
}
