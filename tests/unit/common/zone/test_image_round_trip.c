/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "common/dns/canonical.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>

/* Random zones in, images walked: what comes out must be what went in. */

enum { RECORDS_MAX = 3000 };

struct record {
	uint8_t owner[DNAME_MAX];
	uint16_t type;
	uint16_t rdata_len;
	uint8_t rdata[80];
};

static size_t random_label(uint8_t *out)
{
	static const uint8_t octets[] = "abcABC-_*09\\.\0\xff";
	uint8_t len = (uint8_t)(1 + rand_below(rand_below(4) == 0 ? 12 : 2));
	out[0] = len;
	for (unsigned i = 1; i <= len; i++) {
		out[i] = octets[rand_below(sizeof(octets))];
	}
	return len + 1u;
}

static void random_owner(uint8_t *out)
{
	size_t pos = 0;
	for (unsigned labels = rand_below(5); labels > 0; labels--) {
		pos += random_label(out + pos);
	}
	memcpy(out + pos, "\007Example", 9);
}

static void random_record(struct record *r)
{
	static const uint16_t types[] = { RR_A, RR_AAAA, RR_TXT, RR_MX, RR_SRV, RR_PTR, 65280, RR_SVCB, RR_NAPTR };
	random_owner(r->owner);
	r->type = types[rand_below(COUNT(types))];
	size_t pos = 0;
	uint8_t name[DNAME_MAX];
	random_owner(name);
	size_t name_len = dname_len(name);
	switch (r->type) {
	case RR_A:
	case RR_AAAA:
		pos = r->type == RR_A ? 4 : 16;
		memset(r->rdata, 0, pos);
		r->rdata[pos - 1] = (uint8_t)rand_below(3);
		break;
	case RR_TXT:
		pos = 1 + rand_below(5);
		rand_bytes(r->rdata, pos);
		r->rdata[0] = (uint8_t)(pos - 1);
		break;
	case 65280:
		pos = rand_below(3);
		rand_bytes(r->rdata, pos);
		break;
	default:
		pos = r->type == RR_PTR ? 0 : r->type == RR_SRV ? 6 : r->type == RR_NAPTR ? 7 : 2;
		memset(r->rdata, 0, pos);
		memcpy(r->rdata + pos, name, name_len);
		pos += name_len;
		break;
	}
	r->rdata_len = (uint16_t)pos;
}

static int compare_records(const void *a, const void *b)
{
	const struct record *x = a;
	const struct record *y = b;
	int diff = dname_compare(x->owner, y->owner);
	diff = diff != 0 ? diff : (int)x->type - (int)y->type;
	return diff != 0 ? diff : canonical_compare(x->type, x->rdata, x->rdata_len, y->rdata, y->rdata_len);
}

/* The records of the image, in its order, behind those of the head. */
static size_t walk(const struct image *image, struct record *out)
{
	size_t count = 0;
	for (uint32_t n = 0; n < image->header->node_count; n++) {
		const struct image_node *node = &image->nodes[n];
		for (unsigned i = 0; i < node->rrset_count; i++) {
			const struct image_rrset *rrset = &image->rrsets[node->rrset + i];
			struct image_walk walk = image_records(image, rrset);
			for (unsigned r = 0; r < rrset->rr_count; r++) {
				uint16_t len;
				const uint8_t *rdata = image_next_rdata(&walk, &len);
				cr_assert_lt(count, RECORDS_MAX);
				memcpy(out[count].owner, image->data + node->name,
				       dname_len(image->data + node->name));
				out[count].type = rrset->type;
				out[count].rdata_len = len;
				cr_assert_leq(len, sizeof(out[count].rdata));
				memcpy(out[count].rdata, rdata, len);
				count++;
			}
		}
	}
	return count;
}

static size_t sort_unique(struct record *records, size_t count)
{
	qsort(records, count, sizeof(*records), compare_records);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_records(&records[kept - 1], &records[i]) != 0) {
			records[kept++] = records[i];
		}
	}
	return kept;
}

static void ignore(void *ctx, const struct zone_finding *f)
{
	(void)ctx;
	cr_assert_eq(f->severity, ZONE_WARNING, "%s", f->text);
}

static void add(struct image_builder *b, const struct record *r)
{
	cr_assert_eq(image_builder_add(b, r->owner, r->type, 60, r->rdata, r->rdata_len, "f", 1), BH_OK);
}

static void one_zone(struct record *in, struct record *out)
{
	struct name apex = name_of("example.");
	struct image_builder *b = image_builder_new(apex.wire);
	size_t count = 0;
	struct record *soa = &in[count++];
	*soa = (struct record){ .owner = "\007example", .type = RR_SOA, .rdata_len = 22 };
	struct record *ns = &in[count++];
	*ns = (struct record){ .owner = "\007example", .type = RR_NS, .rdata_len = 4, .rdata = "\002zz" };
	size_t want = 2 + rand_below(rand_below(3) == 0 ? RECORDS_MAX - 2 : 40);
	while (count < want) {
		random_record(&in[count++]);
	}
	for (size_t i = count; i-- > 0;) {
		add(b, &in[i]);
	}
	cr_assert_eq(image_builder_check(b, ignore, NULL), 0);
	size_t size = image_builder_size(b);
	uint8_t *block = calloc(1, size);
	struct image image;
	char why[128] = "";
	cr_assert_eq(image_builder_write(b, block, size), BH_OK);
	cr_assert_eq(image_verify(block, size, &image, why, sizeof(why)), BH_OK, "%s", why);

	count = sort_unique(in, count);
	cr_assert_eq(walk(&image, out), count);
	cr_assert_eq(image.header->rr_count, count);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(compare_records(&in[i], &out[i]), 0, "record %zu", i);
		struct image_match match;
		image_find(&image, in[i].owner, &match);
		cr_assert_neq(match.node, IMAGE_NONE);
		cr_assert(dname_equal(image.data + image.nodes[match.node].name, in[i].owner));
	}
	free(block);
	image_builder_free(b);
}

Test(image_round_trip, random_zones)
{
	struct record *in = calloc(RECORDS_MAX, sizeof(*in));
	struct record *out = calloc(RECORDS_MAX, sizeof(*out));
	for (unsigned i = 0; i < 150; i++) {
		one_zone(in, out);
	}
	free(in);
	free(out);
}
