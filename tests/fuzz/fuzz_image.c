/*
 * Zone images by a lying compiler. The input is either an image whose header is set right, or a list of
 * changes to a good one; the checksum is always made right. What image_verify takes must be safe to
 * follow: every index is followed here as the serving path does, and names from the input are looked up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rr.h"
#include "common/util/rand.h"
#include "common/zone/checksum.h"
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

/* A zone with one of everything the format knows. */
static uint8_t *good_image(size_t *size)
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
	FUZZ_CHECK(image_builder_check(b, ignore, NULL) == 0);
	*size = image_builder_size(b);
	uint8_t *block = calloc(1, *size);
	FUZZ_CHECK(block != NULL && image_builder_write(b, block, *size) == BH_OK);
	image_builder_free(b);
	return block;
}

static void follow_rrset(const struct image *image, const struct image_rrset *r)
{
	size_t pos = 0;
	for (unsigned i = 0; i < r->rr_count; i++) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(image->data + r->data, &pos, &len);
		FUZZ_CHECK(rdata_is_valid(r->type, rdata, len));
		sum += len > 0 ? rdata[len - 1] : 0;
		if (r->targets != IMAGE_NONE) {
			const uint32_t *targets = (const void *)(image->data + r->targets);
			sum += targets[i] == IMAGE_NONE ? 0 : image->nodes[targets[i]].rrset;
		}
	}
	pos = 0;
	for (unsigned i = 0; i < r->sig_count; i++) {
		uint16_t len;
		const uint8_t *rdata = image_next_rdata(image->data + r->sigs, &pos, &len);
		FUZZ_CHECK(rdata_is_valid(RR_RRSIG, rdata, len));
		sum += rdata[len - 1];
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
		FUZZ_CHECK(node->wildcard == IMAGE_NONE || image->nodes[node->wildcard].parent == n);
		FUZZ_CHECK(node->cut == IMAGE_NONE || image_rrset(image, node->cut, RR_NS) != NULL);
		FUZZ_CHECK(node->dname == IMAGE_NONE || image_rrset(image, node->dname, RR_DNAME) != NULL);
		FUZZ_CHECK(node->rrset == rrsets);
		for (unsigned i = 0; i < node->rrset_count; i++) {
			const struct image_rrset *r = &image->rrsets[node->rrset + i];
			FUZZ_CHECK(image_rrset(image, n, r->type) == r);
			follow_rrset(image, r);
		}
		rrsets += node->rrset_count;
	}
	FUZZ_CHECK(rrsets == image->header->rrset_count);
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
}

static void make_header_right(uint8_t *block, size_t size)
{
	struct checksum check;
	struct image_header *h = (void *)block;
	memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
	h->version = IMAGE_VERSION;
	h->byte_order = IMAGE_BYTE_ORDER;
	h->size = size;
	checksum_begin(&check);
	checksum_add(&check, block + sizeof(*h), size - sizeof(*h));
	h->checksum = checksum_end(&check);
}

/* Changes of the good image: u16 position, u8 how, u8 value, as many as there are. */
static uint8_t *changed_image(struct fuzz_input *in, size_t *size)
{
	static uint8_t *good; /* made once, kept to the end */
	static size_t good_size;
	if (good == NULL) {
		good = good_image(&good_size);
	}
	*size = good_size;
	uint8_t *block = malloc(*size);
	FUZZ_CHECK(block != NULL);
	memcpy(block, good, *size);
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
	if (fuzz_u8(&in) % 2 == 0) {
		block = changed_image(&in, &block_size);
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
