/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/fold.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>

static const char zone_text[] = ZONE_HEAD "a A 192.0.2.2\n"
					  "x.y.z A 192.0.2.3\n"
					  "*.wild A 192.0.2.4\n"
					  "sub NS ns.sub\n"
					  "ns.sub A 192.0.2.5\n"
					  "MiXed.Case A 192.0.2.6\n"
					  "long-label-with-more-than-eight-octets A 192.0.2.7\n";

static const struct {
	const char *name;
	const char *node;     /* NULL: does not exist */
	const char *encloser;
	unsigned below;
} finds[] = {
	{ "example.", "example.", "example.", 0 },
	{ "EXAMPLE.", "example.", "example.", 0 },
	{ "a.example.", "a.example.", "a.example.", 0 },
	{ "A.eXample.", "a.example.", "a.example.", 0 },
	{ "mixed.CASE.example.", "MiXed.Case.example.", "MiXed.Case.example.", 0 },
	{ "LONG-label-with-more-than-eight-OCTETS.example.", "long-label-with-more-than-eight-octets.example.",
	  "long-label-with-more-than-eight-octets.example.", 0 },
	{ "long-label-with-more-than-eight-octetz.example.", NULL, "example.", 1 },
	{ "y.z.example.", "y.z.example.", "y.z.example.", 0 }, /* empty non-terminals */
	{ "z.example.", "z.example.", "z.example.", 0 },
	{ "case.example.", "Case.example.", "Case.example.", 0 },
	{ "q.y.z.example.", NULL, "y.z.example.", 1 },
	{ "b.example.", NULL, "example.", 1 },
	{ "1.2.3.4.5.6.7.8.9.b.example.", NULL, "example.", 10 },
	{ "1.2.3.4.5.6.7.8.9.x.y.z.example.", NULL, "x.y.z.example.", 9 },
	{ "1.2.3.ns.sub.example.", NULL, "ns.sub.example.", 3 },
	{ "foo.wild.example.", NULL, "wild.example.", 1 },
	{ "*.wild.example.", "*.wild.example.", "*.wild.example.", 0 },
	{ "foo.*.wild.example.", NULL, "*.wild.example.", 1 },
};

static void expect_name(const struct image *image, uint32_t node, const char *name)
{
	struct name want = name_of(name);
	const uint8_t *have = image->data + image->nodes[node].name;
	cr_assert(memcmp(have, want.wire, want.len) == 0, "another node than %s", name); /* with its case */
}

Test(image_find, gives_node_and_closest_encloser)
{
	struct zone *z = zone_of("example.", zone_text);
	for (size_t i = 0; i < COUNT(finds); i++) {
		struct image_match match;
		image_find(&z->image, name_of(finds[i].name).wire, &match);
		cr_assert_eq(match.node != IMAGE_NONE, finds[i].node != NULL, "%s", finds[i].name);
		if (finds[i].node != NULL) {
			expect_name(&z->image, match.node, finds[i].node);
		}
		expect_name(&z->image, match.encloser, finds[i].encloser);
		cr_assert_eq(match.below, finds[i].below, "%s", finds[i].name);
	}
	zone_free(z);
}

Test(image_find, works_in_the_root_zone)
{
	struct zone *z = zone_of(".", "$TTL 60\n. SOA a. b. 1 2 3 4 5\n. NS a.\na. A 192.0.2.1\nx.y. A 192.0.2.2\n");
	struct image_match match;
	cr_assert_eq(zone_node(z, "."), 0u);
	zone_node(z, "a.");
	zone_node(z, "y.");
	image_find(&z->image, name_of("q.y.").wire, &match);
	cr_assert_eq(match.node, IMAGE_NONE);
	cr_assert_eq(match.encloser, zone_node(z, "y."));
	zone_free(z);
}

/* A name as long as names can be, 127 labels, finds what it is below. */
Test(image_find, takes_the_longest_names)
{
	struct zone *z = zone_of("a.", "$TTL 60\na. SOA a. b. 1 2 3 4 5\na. NS b.\n"
				       "a.a.a.a.a.a.a.a.a.a.a.a.a.a. A 192.0.2.1\n");
	struct name n = { .len = 0 };
	for (unsigned i = 0; i < DNAME_LABELS_MAX; i++) {
		n.wire[n.len++] = 1;
		n.wire[n.len++] = 'A';
	}
	n.wire[n.len++] = 0;
	struct image_match match;
	image_find(&z->image, n.wire, &match);
	cr_assert_eq(match.node, IMAGE_NONE);
	cr_assert_eq(match.encloser, zone_node(z, "a.a.a.a.a.a.a.a.a.a.a.a.a.a."));
	cr_assert_eq(match.below, DNAME_LABELS_MAX - 14u);
	zone_free(z);
}

Test(image_find, rrset_among_many_types)
{
	char text[4096] = ZONE_HEAD;
	size_t len = strlen(text);
	for (unsigned type = 1000; type < 1040; type += 2) {
		len += (size_t)sprintf(text + len, "many TYPE%u \\# 1 00\n", type);
	}
	struct zone *z = zone_of("example.", text);
	uint32_t node = zone_node(z, "many.example.");
	for (uint16_t type = 990; type < 1050; type++) {
		const struct image_rrset *rrset = image_rrset(&z->image, node, type);
		bool there = type >= 1000 && type < 1040 && type % 2 == 0;
		cr_assert_eq(rrset != NULL, there, "type %u", type);
		cr_assert(rrset == NULL || rrset->type == type);
	}
	cr_assert_null(image_rrset(&z->image, node, 1));
	cr_assert_null(image_rrset(&z->image, node, 65535));
	zone_free(z);
}

Test(image_hash, folds_letters_only)
{
	cr_assert_eq(image_hash_label(1, (const uint8_t *)"\003AbZ"), image_hash_label(1, (const uint8_t *)"\003aBz"));
	/* '@' and '[' enclose the capitals, '`' and '{' the small letters; 0xc1 is 'A' with a high bit. */
	static const char *const pairs[][2] = {
		{ "\001@", "\001`" }, { "\001[", "\001{" }, { "\001\xc1", "\001\xe1" },
		{ "\010abcdefg@", "\010abcdefg`" }, { "\011abcdefghi", "\011abcdefghj" },
		{ "\002ab", "\002ba" }, { "\003abc", "\003acc" }, { "\001a", "\002aa" },
	};
	for (size_t i = 0; i < COUNT(pairs); i++) {
		cr_assert_neq(image_hash_label(1, (const uint8_t *)pairs[i][0]),
			      image_hash_label(1, (const uint8_t *)pairs[i][1]), "pair %zu", i);
	}
}

/* Numbered hosts, the worst case of weak hashes: slots must fill as by chance in every group of bits. */
Test(image_hash, spreads_numbered_names)
{
	enum { NAMES = 1 << 16, BUCKETS = 1 << 12 };
	static unsigned low[BUCKETS];
	static unsigned high[BUCKETS];
	for (unsigned i = 0; i < NAMES; i++) {
		uint8_t label[64];
		label[0] = (uint8_t)sprintf((char *)label + 1, "host%u", i);
		uint64_t hash = image_hash_label(IMAGE_HASH_ROOT, label);
		low[hash % BUCKETS]++;
		high[(hash >> 32) % BUCKETS]++;
	}
	for (unsigned i = 0; i < BUCKETS; i++) { /* mean 16, standard deviation 4 */
		cr_assert(low[i] < 48 && high[i] < 48, "%u and %u names share bits", low[i], high[i]);
	}
}

/* Labels of every length, so that every kind of tail is met, with octets beside the letters. */
Test(image_find, look_has_the_hash_of_every_suffix)
{
	for (unsigned len = 1; len <= LABEL_MAX; len++) {
		uint8_t name[3 * (LABEL_MAX + 1) + 1];
		uint8_t other_case[sizeof(name)];
		size_t pos = 0;
		for (unsigned label = 0; label < 3; label++) {
			name[pos++] = (uint8_t)len;
			for (unsigned i = 0; i < len; i++) {
				name[pos++] = (uint8_t)("@AZ[`az{\xc1\x9a-*"[(i + label) % 12]);
			}
		}
		name[pos++] = 0;
		for (size_t i = 0; i < pos; i++) {
			bool letter = name[i] != dname_fold(name[i]) || (name[i] >= 'a' && name[i] <= 'z');
			other_case[i] = letter && name[i] > LABEL_MAX ? name[i] ^ 0x20 : name[i];
		}
		struct image_look look;
		struct image_look other;
		memset(&look, 0xff, sizeof(look)); /* what was in it before does not count */
		memset(&other, 0, sizeof(other));
		image_look(&look, name);
		image_look(&other, other_case);
		cr_assert_eq(look.len, pos);
		cr_assert_eq(look.labels, 3);
		cr_assert_eq(look.hash[3], IMAGE_HASH_ROOT);
		uint64_t hash = IMAGE_HASH_ROOT;
		for (unsigned i = 3; i-- > 0;) {
			cr_assert_eq(look.at[i], i * (len + 1));
			hash = image_hash_label(hash, name + look.at[i]);
			cr_assert_eq(look.hash[i], hash, "label of %u", len);
			cr_assert_eq(other.hash[i], hash, "label of %u", len);
		}
		for (size_t i = 0; i < pos; i++) {
			cr_assert_eq(look.lower[i], dname_fold(name[i]));
		}
	}
}

Test(image_find, tails_are_the_same_however_they_are_loaded)
{
	uint8_t octets[16];
	for (unsigned i = 0; i < sizeof(octets); i++) {
		octets[i] = (uint8_t)(0x81 + 7 * i);
	}
	for (size_t n = 0; n < 8; n++) {
		uint8_t want[8] = { 0 };
		uint64_t word = fold_load_tail(octets, n);
		memcpy(want, octets, n);
		cr_assert_eq(memcmp(want, &word, sizeof(word)), 0, "%zu octets", n);
		cr_assert_eq(fold_load_padded(octets, n), word, "%zu octets", n);
	}
}

/* Another name with the same hash, shorter and at the very end of the data: nothing behind it is read. */
Test(image_find, shorter_name_at_the_end_of_the_data)
{
	static const uint8_t zone[] = { 1, 'b', 0, 1, 'a', 1, 'b', 0 };
	static const char *const longer[] = { "aa.b.", "a.b.b.", "b.b.", "a.a.a.a.a.a.b.",
					      "a-long-label-before-the-apex.b." };
	uint8_t *data = malloc(sizeof(zone)); /* for the sanitizer to watch its end */
	memcpy(data, zone, sizeof(zone));
	for (size_t i = 0; i < COUNT(longer); i++) {
		struct image_look look;
		image_look(&look, name_of(longer[i]).wire);
		const struct image_node nodes[2] = { { .name = 0 }, { .name = 3 } };
		uint32_t slots[4] = { 0 };
		struct image image = { .nodes = nodes, .slots = slots, .data = data, .data_size = sizeof(zone),
				       .apex = data, .apex_labels = 1, .slot_mask = 3, .index_mask = 3 };
		slots[look.hash[0] >> 32 & 3] = ((uint32_t)look.hash[0] & ~3u) | 2;
		struct image_match match;
		image_find_look(&image, &look, &match);
		cr_assert_eq(match.node, IMAGE_NONE, "%s", longer[i]);
		image_fetch_slots(&image, &look);
		cr_assert_eq(image_fetch_node(&image, &look), 1u);
	}
	free(data);
}
