/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/common/zone/signed_zone.h"

#include <criterion/criterion.h>

/* Every name that is authoritative in SIGNED_BODY, but without opt.ent2 and ent2: opt-out spans them. */
static const char *const chained[] = {
	"example.",	  "a.example.",	   "ent.example.", "x.ent.example.", "y.ent.example.", "w.example.",
	"*.w.example.", "m.w.example.", "sub.example.", "ns.example.",	 "d.example.",	   "zz.example.",
	NULL,
};

static const char nsec_text[] = SIGNED_BODY "@ NSEC a SOA\n"
					    "a NSEC d A\n"
					    "d NSEC x.ent DNAME\n"
					    "x.ent NSEC y.ent A\n"
					    "y.ent NSEC opt.ent2 A\n"
					    "opt.ent2 NSEC ns NS\n"
					    "ns NSEC sub NS\n"
					    "sub NSEC *.w NS\n"
					    "z.ns.sub NSEC example. A\n" /* no NSEC of this zone: occluded */
					    "*.w NSEC m.w TXT\n"
					    "m.w NSEC zz TXT\n"
					    "zz NSEC @ A\n";

Test(image_chain, nsec_knows_who_denies_at_and_behind_nodes)
{
	struct zone *z = zone_of("example.", nsec_text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	cr_assert_eq(z->image.header->flags, IMAGE_SIGNED | IMAGE_NSEC | IMAGE_SIGS);
	uint32_t owner = 0;
	uint32_t ends[64];
	cr_assert_lt(z->image.header->node_count, COUNT(ends));
	for (uint32_t n = 0; n < z->image.header->node_count; n++) {
		bool occluded = (z->image.nodes[n].flags & IMAGE_NODE_OCCLUDED) != 0;
		owner = image_rrset(&z->image, n, RR_NSEC) != NULL && !occluded ? n : owner;
		cr_assert_eq(z->image.denial[n].nsec.owner, owner, "node %u", n);
		uint32_t end = n + 1;
		while (end < z->image.header->node_count &&
		       dname_is_under(image_name(&z->image, end), image_name(&z->image, n))) {
			end++;
		}
		ends[n] = end;
	}
	uint32_t place = 0;
	for (uint32_t n = 0; n < z->image.header->node_count; n++) { /* children of each, one behind the other */
		cr_assert_eq(z->image.denial[n].nsec.first_child, place, "node %u", n);
		for (uint32_t child = n + 1; child < ends[n]; child = ends[child], place++) {
			cr_assert_eq(z->image.children[place].node, child);
			cr_assert_eq(z->image.children[place].owner, z->image.denial[ends[child] - 1].nsec.owner);
		}
	}
	cr_assert_eq(place, z->image.header->node_count - 1);
	zone_free(z);
}

static const struct {
	const char *name;
	const char *owner;
} covers[] = {
	{ "0.example.", "example." },
	{ "aa.example.", "a.example." },
	{ "0.a.example.", "a.example." },
	{ "1.2.3.a.example.", "a.example." },
	{ "b.example.", "a.example." },
	{ "e.example.", "d.example." },
	{ "a.ent.example.", "d.example." }, /* behind the empty non-terminal */
	{ "xx.ent.example.", "x.ent.example." },
	{ "q.xx.ent.example.", "x.ent.example." },
	{ "z.ent.example.", "y.ent.example." },
	{ "ent1.example.", "y.ent.example." },
	{ "ent3.example.", "opt.ent2.example." },
	{ "nr.example.", "opt.ent2.example." },
	{ "nt.example.", "ns.example." },
	{ "SUC.example.", "sub.example." }, /* what is below the cut has no NSEC here */
	{ "!.w.example.", "sub.example." },
	{ "a.w.example.", "*.w.example." },
	{ "n.w.example.", "m.w.example." },
	{ "y.example.", "m.w.example." },
	{ "ZZZ.example.", "zz.example." },
	{ "\\255.example.", "zz.example." },
};

Test(image_chain, nsec_cover_is_the_last_one_before)
{
	struct zone *z = zone_of("example.", nsec_text);
	for (size_t i = 0; i < COUNT(covers); i++) {
		struct image_match match;
		struct name name = name_of(covers[i].name);
		image_find(&z->image, name.wire, &match);
		cr_assert_eq(match.node, IMAGE_NONE, "%s", covers[i].name);
		uint32_t owner = image_nsec_cover(&z->image, name.wire, &match);
		cr_expect_eq(owner, zone_node(z, covers[i].owner), "%s", covers[i].name);
	}
	zone_free(z);
}

/* Keys are never the wrong way round, and the same only where eight octets do not tell. */
Test(image_chain, label_keys_are_in_order)
{
	static const struct {
		const char *label;
		size_t len;
		bool same; /* as the one before */
	} labels[] = {
		{ "\0", 1, false }, /* the key of 0 is 0, as that of nothing */
		{ "\0\0", 2, true },
		{ "\001", 1, false },
		{ "*", 1, false },
		{ "A", 1, false },
		{ "a\0", 2, true },
		{ "ab", 2, false },
		{ "aBcdefg", 7, false },
		{ "abCdefg\0", 8, true },
		{ "abcdefgh", 8, false },
		{ "abcdefghi", 9, true },
		{ "abcdefgi", 8, false },
		{ "b", 1, false },
		{ "\377\377\377\377\377\377\377", 7, false },
		{ "\377\377\377\377\377\377\377\377", 8, false },
		{ "\377\377\377\377\377\377\377\377\377", 9, true },
	};
	uint64_t before = 0;
	for (size_t i = 0; i < COUNT(labels); i++) {
		uint8_t label[64] = { (uint8_t)labels[i].len };
		memcpy(label + 1, labels[i].label, labels[i].len);
		uint64_t key = image_label_key(label);
		cr_expect(i == 0 || (labels[i].same ? key == before : key > before), "label %zu", i);
		before = key;
	}
}

/* Against a look at all nodes, for many names below names of every kind; most of some have the same key. */
Test(image_chain, nsec_cover_agrees_with_a_walk)
{
	static const char *const prefixes[] = { "", "sameoctets", "\\255\\255\\255\\255\\255\\255\\255\\255", "\\000" };
	char *text = malloc(1 << 20);
	strcpy(text, SIGNED_HEAD "@ NSEC a SOA\n");
	size_t len = strlen(text);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned r = i * 2654435761u;
		len += (size_t)sprintf(text + len, "%x.%s%x.%x A 192.0.2.1\n%x.%s%x.%x NSEC @ A\n", r >> 28,
				       prefixes[i % 4], r >> 20 & 31, r >> 12 & 31, r >> 28, prefixes[i % 4],
				       r >> 20 & 31, r >> 12 & 31);
	}
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0);
	unsigned missing = 0;
	for (unsigned i = 0; i < 5000; i++) {
		char name[128];
		unsigned r = i * 2246822519u;
		if (i % 2 == 0) {
			snprintf(name, sizeof(name), "%s%x.%x.example.", prefixes[i / 2 % 4], r >> 20 & 63, r >> 12 & 31);
		} else {
			snprintf(name, sizeof(name), "%x.%s%x.%x.example.", r >> 27, prefixes[i / 2 % 4], r >> 20 & 63,
				 r >> 12 & 31);
		}
		struct image_match match;
		struct name wire = name_of(name);
		image_find(&z->image, wire.wire, &match);
		if (match.node != IMAGE_NONE) {
			continue;
		}
		missing++;
		uint32_t low = 0;
		uint32_t high = z->image.header->node_count; /* nodes are in canonical order */
		while (high - low > 1) {
			uint32_t middle = low + (high - low) / 2;
			if (dname_compare(image_name(&z->image, middle), wire.wire) < 0) {
				low = middle;
			} else {
				high = middle;
			}
		}
		cr_assert_eq(image_nsec_cover(&z->image, wire.wire, &match), z->image.denial[low].nsec.owner, "%s", name);
	}
	cr_assert_gt(missing, 1000u);
	free(text);
	zone_free(z);
}

/* What a search of all NSEC3s of the chain finds. */
static uint32_t plain_find(const struct image *image, const uint8_t *hash)
{
	uint32_t best = image->header->nsec3_chain - 1;
	for (uint32_t i = 0; i < image->header->nsec3_chain; i++) {
		if (memcmp(image->nsec3[i].hash, hash, IMAGE_NSEC3_HASH) <= 0) {
			best = i;
		}
	}
	return best;
}

static void expect_nsec3_denial(const struct zone *z, uint32_t n, const struct chain_options *options)
{
	const union image_denial *denial = &z->image.denial[n];
	const struct image_node *node = &z->image.nodes[n];
	char name[DNAME_TEXT_MAX];
	char below[DNAME_TEXT_MAX + 2];
	uint8_t hash[NSEC3_HASH_SIZE];
	dname_text(image_name(&z->image, n), name);
	snprintf(below, sizeof(below), "*.%s", name);
	if ((node->flags & IMAGE_NODE_OCCLUDED) != 0) {
		cr_assert_eq(denial->nsec3.match, IMAGE_NONE, "%s", name);
		cr_assert_eq(denial->nsec3.cover, IMAGE_NONE, "%s", name);
		return;
	}
	hash_of(name, options, hash);
	uint32_t own = plain_find(&z->image, hash);
	if (memcmp(z->image.nsec3[own].hash, hash, sizeof(hash)) != 0) {
		cr_assert(strstr(name, "ent2") != NULL, "%s", name);
		cr_assert_eq(denial->nsec3.match, IMAGE_NONE, "%s", name);
		cr_assert_eq(denial->nsec3.cover, own, "%s", name);
		return;
	}
	cr_assert_eq(denial->nsec3.match, own, "%s", name);
	bool closed = (node->flags & (IMAGE_NODE_CUT | IMAGE_NODE_DNAME)) != 0;
	hash_of(below, options, hash);
	cr_assert_eq(denial->nsec3.cover, closed ? IMAGE_NONE : plain_find(&z->image, hash), "%s", name);
}

static const struct chain_options option_sets[] = {
	{ .iterations = 0, .salt = "-", .flags = 0 },
	{ .iterations = 5, .salt = "aabbccdd", .flags = 1 },
	{ .iterations = 1, .salt = "00", .flags = 1 },
};

Test(image_chain, nsec3_knows_match_and_cover_of_every_node)
{
	for (size_t i = 0; i < COUNT(option_sets); i++) {
		const struct chain_options *options = &option_sets[i];
		char text[8192] = SIGNED_BODY;
		snprintf(text + strlen(text), 128, "@ NSEC3PARAM 1 0 %u %s\n", options->iterations, options->salt);
		add_chain(text, sizeof(text), chained, options);
		struct zone *z = zone_of("example.", text);
		cr_assert_eq(z->errors, 0, "%s", z->found.text);
		const struct image_header *h = z->image.header;
		cr_assert_eq(h->flags, IMAGE_SIGNED | IMAGE_NSEC3 | IMAGE_SIGS);
		cr_assert_eq(h->nsec3_iterations, options->iterations);
		cr_assert_eq(h->nsec3_chain, COUNT(chained) - 1);
		cr_assert_eq(h->nsec3_count, COUNT(chained) - 1);
		for (uint32_t n = 0; n < h->node_count; n++) {
			expect_nsec3_denial(z, n, options);
		}
		zone_free(z);
	}
}

/* NSEC3 owners are no names; what else is there under such a name is. */
Test(image_chain, nsec3_owners_are_no_nodes)
{
	char text[8192] = SIGNED_BODY "@ NSEC3PARAM 1 0 0 -\n";
	size_t head = strlen(text);
	add_chain(text, sizeof(text), chained, &option_sets[0]);
	char owner[33] = "";
	memcpy(owner, text + head, 32);
	snprintf(text + strlen(text), 128, "%s A 192.0.2.9\n", owner);
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0);
	cr_assert_eq(z->image.header->node_count, 17u); /* 12 in the chain, ent2 and below, 2 occluded, the odd one */
	char name[64];
	snprintf(name, sizeof(name), "%s.example.", owner);
	uint32_t node = zone_node(z, name);
	cr_assert_not_null(image_rrset(&z->image, node, RR_A));
	cr_assert_null(image_rrset(&z->image, node, RR_NSEC3));
	/* It has no NSEC3 of its own: the chain does not know it. */
	cr_assert_eq(z->image.denial[node].nsec3.match, IMAGE_NONE);

	/* All of them can be walked over, with owner and signature. */
	for (uint32_t i = 0; i < z->image.header->nsec3_count; i++) {
		uint8_t wire[DNAME_MAX];
		image_nsec3_owner(&z->image, i, wire);
		cr_assert_eq(dname_check(wire, sizeof(wire)), 1 + 32 + 9);
		uint8_t hash[20];
		cr_assert_eq(base32hex_decode(wire + 1, 32, hash), BH_OK);
		cr_assert_arr_eq(hash, z->image.nsec3[i].hash, sizeof(hash));
		const struct image_rrset *r = &z->image.rrsets[z->image.nsec3[i].rrset];
		cr_assert_eq(r->type, RR_NSEC3);
		cr_assert_eq(r->sig_count, 1);
	}
	zone_free(z);
}

/* RFC 5155 4.1.2: the chain is that of an NSEC3PARAM without flags, and it must have the apex. */
Test(image_chain, of_several_chains_the_complete_one_is_used)
{
	char text[16384] = SIGNED_BODY "@ NSEC a SOA\n"
				       "@ NSEC3PARAM 1 0 0 -\n"
				       "@ NSEC3PARAM 1 0 1 00\n"
				       "@ NSEC3PARAM 1 1 5 aabbccdd\n"
				       "@ NSEC3PARAM 9 0 0 -\n";
	add_chain(text, sizeof(text), chained + 1, &option_sets[0]); /* lacks the apex */
	add_chain(text, sizeof(text), chained, &option_sets[1]);	     /* its NSEC3PARAM has flags */
	add_chain(text, sizeof(text), chained, &option_sets[2]);
	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	const struct image_header *h = z->image.header;
	cr_assert_eq(h->flags, IMAGE_SIGNED | IMAGE_NSEC3 | IMAGE_SIGS);
	cr_assert_eq(h->nsec3_iterations, 1);
	cr_assert_eq(h->nsec3_salt_len, 1);
	cr_assert_eq(z->image.data[h->nsec3_salt], 0);
	cr_assert_eq(h->nsec3_chain, COUNT(chained) - 1);
	cr_assert_eq(h->nsec3_count, 3 * (COUNT(chained) - 1) - 1);
	for (uint32_t n = 0; n < h->node_count; n++) {
		expect_nsec3_denial(z, n, &option_sets[2]);
	}
	zone_free(z);
}

Test(image_chain, without_usable_nsec3param_there_is_no_chain)
{
	static const char *const params[] = { "", "@ NSEC3PARAM 1 1 0 -\n", "@ NSEC3PARAM 1 0 0 11\n",
					      "@ NSEC3PARAM 2 0 0 -\n" };
	for (size_t i = 0; i < COUNT(params); i++) {
		char text[8192] = SIGNED_BODY;
		strcat(text, params[i]);
		add_chain(text, sizeof(text), chained, &option_sets[0]);
		struct zone *z = zone_of("example.", text);
		cr_assert_eq(z->errors, 0, "%s", z->found.text);
		cr_assert_eq(z->image.header->flags, IMAGE_SIGNED | IMAGE_SIGS, "%zu", i);
		cr_assert_eq(z->image.header->nsec3_chain, 0u);
		cr_assert_eq(z->image.header->nsec3_count, COUNT(chained) - 1);
		cr_assert_null(z->image.denial);
		zone_free(z);
	}
}

Test(image_chain, owners_must_be_hashes_right_below_the_apex)
{
	static const char *const owners[] = {
		"@", "a", "0p9mhaveqvm6t7vbl5lop2u3t2rp3to", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tox",
		"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.a", "wp9mhaveqvm6t7vbl5lop2u3t2rp3tom",
	};
	for (size_t i = 0; i < COUNT(owners); i++) {
		char text[2048];
		snprintf(text, sizeof(text), SIGNED_HEAD "%s NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n",
			 owners[i]);
		struct zone *z = zone_of("example.", text);
		cr_assert_eq(z->errors, 1, "%s", owners[i]);
		cr_assert_not_null(strstr(z->found.text, "10 error: owner of NSEC3"), "%s", z->found.text);
		zone_free(z);
	}
}

Test(image_chain, signatures_over_no_nsec3_are_left_out)
{
	struct zone *z = zone_of("example.", SIGNED_HEAD "0P9mhaveqvm6t7vbl5lop2u3t2rp3tom" SIGNATURE("NSEC3"));
	cr_assert_eq(z->errors, 0);
	cr_assert_str_eq(z->found.text, "10 warning: RRSIG of 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. covers type "
					"NSEC3, which is not there; left out\n"
					"6 warning: signed, but the apex has neither NSEC nor NSEC3 with its "
					"NSEC3PARAM: absence is not proved\n");
	cr_assert_eq(z->image.header->nsec3_count, 0u);
	zone_free(z);
}

/* A chain of hashes that are evenly spread, and one that a guess does not help with. */
Test(image_chain, nsec3_find_agrees_with_a_plain_search)
{
	enum { CHAIN_MAX = 300 };
	struct image_nsec3 chain[CHAIN_MAX];
	struct image_header header;
	struct image image = { .header = &header, .nsec3 = chain };
	for (unsigned shape = 0; shape < 4; shape++) {
		for (uint32_t count = 1; count <= CHAIN_MAX; count += count < 8 ? 1 : 73) {
			header.nsec3_chain = count;
			memset(chain, 0, sizeof(chain));
			for (uint32_t i = 0; i < count; i++) {
				uint64_t even = UINT64_MAX / count * i + 3;
				uint64_t words[] = { even, i, UINT64_MAX - CHAIN_MAX + i, 7 };
				for (unsigned k = 0; k < 8; k++) {
					chain[i].hash[k] = (uint8_t)(words[shape] >> (56 - 8 * k));
				}
				chain[i].hash[18] = (uint8_t)(i / 100);
				chain[i].hash[19] = (uint8_t)(i % 100 * 2);
			}
			for (uint32_t i = 0; i < count; i++) {
				uint8_t hash[IMAGE_NSEC3_HASH];
				for (int change = -1; change <= 1; change++) {
					memcpy(hash, chain[i].hash, sizeof(hash));
					hash[19] = (uint8_t)(hash[19] + change);
					cr_assert_eq(image_nsec3_find(&image, hash), plain_find(&image, hash));
				}
			}
			static const uint8_t ends[2] = { 0, 0xff };
			for (unsigned e = 0; e < 2; e++) {
				uint8_t hash[IMAGE_NSEC3_HASH];
				memset(hash, ends[e], sizeof(hash));
				cr_assert_eq(image_nsec3_find(&image, hash), plain_find(&image, hash));
			}
		}
	}
}
