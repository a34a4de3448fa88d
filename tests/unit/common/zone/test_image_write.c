/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/fold.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char zone_text[] = ZONE_HEAD "@ MX 10 mail\n"
					  "@ MX 20 mail.example.net.\n"
					  "mail A 192.0.2.10\n"
					  "deep.er.still A 192.0.2.11\n"
					  "*.w TXT any\n"
					  "alias CNAME mail\n"
					  "d DNAME example.net.\n"
					  "sub NS ns.sub\n"
					  "ns.sub A 192.0.2.12\n"
					  "x.sub NS ns\n"
					  "y.x.sub A 192.0.2.13\n"
					  "dcut DNAME example.net.\n"
					  "dcut NS ns\n"
					  "z.dcut TXT x\n";

static const struct {
	const char *name;
	unsigned flags;
	const char *parent;
	const char *cut;   /* NULL: none */
	const char *dname;
	const char *wildcard;
} nodes[] = {
	{ "example.", 0, "example.", NULL, NULL, NULL },
	{ "mail.example.", 0, "example.", NULL, NULL, NULL },
	{ "still.example.", IMAGE_NODE_ENT, "example.", NULL, NULL, NULL },
	{ "er.still.example.", IMAGE_NODE_ENT, "still.example.", NULL, NULL, NULL },
	{ "deep.er.still.example.", 0, "er.still.example.", NULL, NULL, NULL },
	{ "w.example.", IMAGE_NODE_ENT, "example.", NULL, NULL, "*.w.example." },
	{ "*.w.example.", IMAGE_NODE_WILDCARD, "w.example.", NULL, NULL, NULL },
	{ "alias.example.", IMAGE_NODE_CNAME, "example.", NULL, NULL, NULL },
	{ "d.example.", IMAGE_NODE_DNAME, "example.", NULL, NULL, NULL },
	{ "sub.example.", IMAGE_NODE_CUT, "example.", "sub.example.", NULL, NULL },
	{ "ns.sub.example.", IMAGE_NODE_OCCLUDED, "sub.example.", "sub.example.", NULL, NULL },
	{ "x.sub.example.", IMAGE_NODE_OCCLUDED, "sub.example.", "sub.example.", NULL, NULL },
	{ "y.x.sub.example.", IMAGE_NODE_OCCLUDED, "x.sub.example.", "sub.example.", NULL, NULL },
	{ "dcut.example.", IMAGE_NODE_CUT | IMAGE_NODE_DNAME, "example.", "dcut.example.", NULL, NULL },
	{ "z.dcut.example.", IMAGE_NODE_OCCLUDED, "dcut.example.", "dcut.example.", NULL, NULL },
};

static uint32_t node_or_none(const struct zone *z, const char *name)
{
	return name == NULL ? IMAGE_NONE : zone_node(z, name);
}

Test(image_write, describes_every_node)
{
	struct zone *z = zone_of("example.", zone_text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	cr_assert_eq(z->image.header->node_count, COUNT(nodes) + 1); /* and ns.example. */
	for (size_t i = 0; i < COUNT(nodes); i++) {
		const struct image_node *n = &z->image.nodes[zone_node(z, nodes[i].name)];
		unsigned flags = nodes[i].flags | (nodes[i].wildcard != NULL ? IMAGE_NODE_SOURCE : 0u);
		cr_expect_eq(n->flags, flags, "%s: flags %u", nodes[i].name, n->flags);
		cr_expect_eq(n->parent, zone_node(z, nodes[i].parent), "%s: parent", nodes[i].name);
		uint32_t node = (uint32_t)(n - z->image.nodes);
		struct image_look look;
		image_look(&look, image_name(&z->image, node));
		cr_expect_eq(image_cut(&z->image, node), node_or_none(z, nodes[i].cut), "%s: cut", nodes[i].name);
		cr_expect_eq(image_dname(&z->image, node), node_or_none(z, nodes[i].dname), "%s: dname", nodes[i].name);
		cr_expect_eq(image_wildcard(&z->image, node, look.hash[0]), node_or_none(z, nodes[i].wildcard),
			     "%s: wildcard", nodes[i].name);
	}
	zone_free(z);
}

Test(image_write, points_records_to_their_nodes)
{
	struct zone *z = zone_of("example.", zone_text);
	const struct image_rrset *mx = image_rrset(&z->image, 0, RR_MX);
	cr_assert(mx != NULL && mx->rr_count == 2);
	struct image_walk walk = image_records(&z->image, mx);
	uint16_t len;
	(void)image_next_rdata(&walk, &len);
	cr_assert_eq(image_walk_target(&walk), zone_node(z, "mail.example.")); /* canonical order: preference 10 first */
	(void)image_next_rdata(&walk, &len);
	cr_assert_eq(image_walk_target(&walk), IMAGE_NONE);
	const struct image_rrset *ns = image_rrset(&z->image, zone_node(z, "sub.example."), RR_NS);
	walk = image_records(&z->image, ns);
	(void)image_next_rdata(&walk, &len);
	cr_assert_eq(image_walk_target(&walk), zone_node(z, "ns.sub.example.")); /* glue */
	cr_assert_eq(image_rrset(&z->image, 0, RR_SOA)->behind, 0);
	zone_free(z);
}

/* Is the name of a node inside of the RDATA of an RRset? */
static bool is_inside(const struct zone *z, const char *name, const char *owner, uint16_t type)
{
	const struct image_rrset *rrset = image_rrset(&z->image, zone_node(z, owner), type);
	struct image_walk walk = image_records(&z->image, rrset);
	const uint8_t *begin = walk.at;
	for (unsigned i = 0; i < rrset->rr_count; i++) {
		uint16_t len;
		(void)image_next_rdata(&walk, &len);
	}
	const uint8_t *stands = image_name(&z->image, zone_node(z, name));
	return stands > begin && stands < walk.at;
}

/* Owners that stand in RDATA are not there again, and have the case of the text all the same. */
Test(image_write, names_of_delegations_are_there_once)
{
	struct zone *z = zone_of("example.", ZONE_HEAD
				 "b NS NS1.b\nb NS ns2.b\nNS1.b A 192.0.2.1\nns2.b A 192.0.2.2\n"
				 "C NS ns1.c\nns1.C A 192.0.2.3\n"	 /* another case is another name in the image */
				 "d NS ns2.d\nd NS ns1.d\nns1.d A 192.0.2.4\nns2.d A 192.0.2.5\n" /* out of order */
				 "e NS ns1.ee\nee NS ns1.ee\nns1.ee A 192.0.2.6\n"
				 "f MX 10 f\ng SRV 0 0 1 h\nh A 192.0.2.7\n");
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	static const struct {
		const char *name;
		const char *text;
		const char *owner; /* in whose RRset it stands, or NULL */
		uint16_t type;
	} names[] = {
		{ "b.example.", "\001b\007example", "b.example.", RR_NS },
		{ "ns1.b.example.", "\003NS1\001b\007example", "b.example.", RR_NS },
		{ "ns2.b.example.", "\003ns2\001b\007example", "b.example.", RR_NS },
		{ "c.example.", "\001C\007example", NULL, 0 },
		{ "ns1.c.example.", "\003ns1\001C\007example", NULL, 0 },
		{ "d.example.", "\001d\007example", NULL, 0 }, /* in a copy that was left behind */
		{ "ns1.d.example.", "\003ns1\001d\007example", NULL, 0 },
		{ "ns2.d.example.", "\003ns2\001d\007example", NULL, 0 },
		{ "e.example.", "\001e\007example", NULL, 0 }, /* ee ends like it, but not in a label */
		{ "ns1.ee.example.", "\003ns1\002ee\007example", "e.example.", RR_NS },
		{ "f.example.", "\001f\007example", "f.example.", RR_MX },
		{ "h.example.", "\001h\007example", "g.example.", RR_SRV },
	};
	for (size_t i = 0; i < COUNT(names); i++) {
		const uint8_t *name = image_name(&z->image, zone_node(z, names[i].name));
		cr_expect_eq(memcmp(name, names[i].text, strlen(names[i].text) + 1), 0, "%s", names[i].name);
		cr_expect(names[i].owner == NULL || is_inside(z, names[i].name, names[i].owner, names[i].type), "%s",
			  names[i].name);
	}
	struct image_walk walk =
		image_records(&z->image, image_rrset(&z->image, zone_node(z, "d.example."), RR_NS));
	uint16_t len;
	cr_assert_eq(memcmp(image_next_rdata(&walk, &len), "\003ns1\001d", 6), 0);
	cr_assert_eq(memcmp(image_next_rdata(&walk, &len), "\003ns2\001d", 6), 0);
	zone_free(z);
}

Test(image_write, header_tells_of_the_zone)
{
	struct zone *z = zone_of("example.", zone_text);
	const struct image_header *h = z->image.header;
	cr_assert_eq(h->serial, 7u);
	cr_assert_eq(h->flags, 0u);
	cr_assert_eq(h->rr_count, 17u);
	cr_assert_eq(h->rrset_count, 16u);
	cr_assert_eq(h->size, z->size);
	zone_free(z);
}

/* Of duplicates, differing in the case of names or in nothing, one stays; its TTL is the lowest. */
Test(image_write, drops_duplicates)
{
	struct zone *z = zone_of("example.", ZONE_HEAD "a 60 MX 10 NS\na 50 MX 10 ns\na 70 MX 10 nS\n"
						       "A.EXAMPLE. 80 MX 9 ns\n");
	uint32_t node = zone_node(z, "a.example.");
	const struct image_rrset *mx = image_rrset(&z->image, node, RR_MX);
	cr_assert_eq(mx->rr_count, 2);
	cr_assert_eq(mx->ttl, 50u);
	struct image_walk walk = image_records(&z->image, mx);
	uint16_t len;
	const uint8_t *first = image_next_rdata(&walk, &len);
	cr_assert_eq(get_u16(first), 9);
	const uint8_t *second = image_next_rdata(&walk, &len);
	cr_assert_eq(memcmp(second, "\000\012\002NS", 5), 0, "the first in the text stays");
	cr_assert_eq(memcmp(z->image.data + z->image.nodes[node].name, "\001a\007example", 11), 0);
	zone_free(z);
}

Test(image_write, keeps_signatures_with_what_they_sign)
{
	struct zone *z = zone_of("example.", ZONE_HEAD
				 "@ DNSKEY 257 3 8 AAAA\n"
				 "@ RRSIG SOA 8 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
				 "a 100 A 192.0.2.2\n"
				 "a 90 RRSIG A 8 2 3600 20300101000000 20200101000000 2 example. AAAA\n"
				 "a 90 RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
				 "a 90 RRSIG TXT 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n");
	cr_assert_eq(z->image.header->flags, (uint32_t)(IMAGE_SIGNED | IMAGE_SIGS));
	cr_assert_eq(image_rrset(&z->image, 0, RR_SOA)->sig_count, 1);
	uint32_t node = zone_node(z, "a.example.");
	const struct image_rrset *a = image_rrset(&z->image, node, RR_A);
	cr_assert(a->rr_count == 1 && a->sig_count == 2 && a->ttl == 90);
	cr_assert_eq(z->image.nodes[node].rrset_count, 1);
	struct image_walk walk = image_signatures(&z->image, a);
	uint16_t len;
	const uint8_t *sig = image_next_rdata(&walk, &len);
	cr_assert_eq(get_u16(sig), RR_A);
	cr_assert_eq(get_u16(sig + 16), 1, "the lower key tag first");
	cr_assert_null(image_rrset(&z->image, node, RR_RRSIG));
	zone_free(z);
}

Test(image_write, needs_the_right_size)
{
	struct zone *z = zone_of("example.", ZONE_HEAD);
	uint8_t *block = calloc(1, z->size + 8);
	cr_assert_eq(image_builder_write(z->builder, block, z->size - 1), BH_ENOSPC);
	cr_assert_eq(image_builder_write(z->builder, block, z->size + 1), BH_ENOSPC);
	cr_assert_eq(image_builder_write(z->builder, block, z->size), BH_OK);
	cr_assert_eq(memcmp(block, z->block, z->size), 0, "the same zone gives the same image");
	free(block);
	zone_free(z);
}

/* One RRset of which the text has the records in one piece, in one piece in another order, and scattered. */
Test(image_write, joins_the_records_of_an_rrset)
{
	static const char *const texts[] = {
		ZONE_HEAD "m MX 1 ns\nm MX 2 ns\nm MX 3 ns\nn A 192.0.2.1\n",
		ZONE_HEAD "m MX 3 ns\nm MX 1 ns\nm MX 2 ns\nn A 192.0.2.1\n",
		ZONE_HEAD "m MX 3 ns\nn A 192.0.2.1\nm MX 1 ns\nM MX 2 ns\n",
		ZONE_HEAD "m MX 2 ns\nm A 192.0.2.9\nm MX 1 ns\nn A 192.0.2.1\nm MX 3 ns\n",
	};
	for (size_t t = 0; t < COUNT(texts); t++) {
		struct zone *z = zone_of("example.", texts[t]);
		const struct image_rrset *mx = image_rrset(&z->image, zone_node(z, "m.example."), RR_MX);
		cr_assert_eq(mx->rr_count, 3);
		struct image_walk walk = image_records(&z->image, mx);
		for (unsigned i = 1; i <= 3; i++) {
			uint16_t len;
			const uint8_t *rdata = image_next_rdata(&walk, &len);
			cr_assert_eq(get_u16(rdata), i, "text %zu", t);
		}
		cr_assert_not_null(image_rrset(&z->image, zone_node(z, "n.example."), RR_A));
		zone_free(z);
	}
}

Test(image_write, saves_what_it_writes)
{
	struct zone *z = zone_of("example.", zone_text);
	uint8_t *saved = calloc(1, z->size);
	FILE *file = tmpfile();
	struct image_header header;
	cr_assert(saved != NULL && file != NULL);
	cr_assert_eq(image_builder_save(z->builder, fileno(file), &header), BH_OK);
	cr_assert_eq(fread(saved, 1, z->size, file), 0u, "its position is behind the image");
	rewind(file);
	cr_assert_eq(fread(saved, 1, z->size, file), z->size);
	cr_assert_eq(fgetc(file), EOF);
	cr_assert_eq(memcmp(saved, z->block, z->size), 0);
	cr_assert_eq(memcmp(&header, z->block, sizeof(header)), 0);
	fclose(file);
	free(saved);
	zone_free(z);
}

/* The word that a block of the hash needs to come from one state to another. */
static uint64_t word_between(uint64_t from, uint64_t to)
{
	const uint64_t factor = fold_hash_block(0, 1); /* of the step; undone below like the shift */
	uint64_t product = to ^ to >> 32;
	uint64_t odd = factor ^ factor >> 32;
	uint64_t inverse = 1;
	for (unsigned i = 0; i < 6; i++) {
		inverse *= 2 - odd * inverse;
	}
	return product * inverse ^ from;
}

/* A label of sixteen octets whose hash is that of all others of this kind; false: not with this number. */
static bool colliding_label(uint64_t hash, uint32_t number, uint8_t out[17])
{
	char first[9];
	uint64_t words[2];
	snprintf(first, sizeof(first), "%08x", number);
	memcpy(&words[0], first, sizeof(words[0]));
	words[1] = word_between(fold_hash_block(hash, words[0]), UINT64_C(0x1234567890abcdef));
	out[0] = 16;
	memcpy(out + 1, words, sizeof(words));
	return fold_word(words[1]) == words[1]; /* no capital letters in it */
}

/* Names that were made to have one hash: a zone of few is served, one of many is refused, and not after hours. */
Test(image_write, names_made_to_fall_together_are_bounded, .timeout = 30)
{
	static const struct {
		unsigned names;
		int err;
	} cases[] = { { 1500, BH_OK }, { 3000, BH_ELIMIT }, { 200000, BH_ELIMIT } };
	struct name apex = name_of("t.");
	uint64_t hash = image_hash_label(IMAGE_HASH_ROOT, apex.wire);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct findings found = { .len = 0 };
		struct image_builder *b = image_builder_new(apex.wire);
		static const uint8_t soa[] = "\001a\0\001b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";
		cr_assert_eq(image_builder_add(b, apex.wire, RR_SOA, 60, soa, sizeof(soa) - 1, "f", 1), BH_OK);
		cr_assert_eq(image_builder_add(b, apex.wire, RR_NS, 60, soa, 3, "f", 1), BH_OK);
		uint32_t number = 0;
		for (unsigned made = 0; made < cases[i].names; number++) {
			uint8_t name[20];
			memcpy(name + 17, apex.wire, 3);
			if (colliding_label(hash, number, name)) {
				cr_assert_eq(image_hash_label(hash, name),
					     fold_hash_end(UINT64_C(0x1234567890abcdef), 0, 16));
				cr_assert_eq(image_builder_add(b, name, RR_A, 60, soa, 4, "f", 1), BH_OK);
				made++;
			}
		}
		cr_assert_eq(image_builder_check(b, findings_add, &found), cases[i].err, "%u names", cases[i].names);
		image_builder_free(b);
	}
}
