/*
 * Trust anchors and negative ones: the closest counts.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/anchors.h"

#include "common/dns/dname.h"
#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOR_EVER UINT64_MAX

static const uint8_t key_fine[] = { 0x01, 0x01, 3, 13, 1, 2, 3, 4 };

static const uint8_t *wire(const char *text, uint8_t out[DNAME_MAX])
{
	cr_assert_gt(dname_from_text(text, out), 0, "%s", text);
	return out;
}

static void add(struct anchors *a, const char *zone)
{
	uint8_t name[DNAME_MAX];
	cr_assert_eq(anchors_add(a, wire(zone, name), RR_DNSKEY, key_fine, sizeof(key_fine)), BH_OK);
}

static void add_negative(struct anchors *a, const char *zone, uint64_t until_ms)
{
	uint8_t name[DNAME_MAX];
	cr_assert_eq(anchors_add_negative(a, wire(zone, name), until_ms), BH_OK);
}

/* "trust example.", "negative example.", "none" */
static const char *find(const struct anchors *a, const char *name, uint64_t now_ms)
{
	static char out[DNAME_TEXT_MAX + 16];
	static const char *const kinds[] = { "none", "trust ", "negative " };
	char text[DNAME_TEXT_MAX] = "";
	uint8_t buf[DNAME_MAX];
	struct anchor found;
	anchors_find(a, wire(name, buf), now_ms, &found);
	cr_assert_eq(found.zone == NULL, found.kind == ANCHOR_NONE);
	snprintf(out, sizeof(out), "%s%s", kinds[found.kind],
		 found.zone == NULL ? "" : dname_text(found.zone, text));
	return out;
}

static struct anchors *new_set(void)
{
	struct anchors *a = anchors_new();
	cr_assert_not_null(a);
	return a;
}

Test(anchors, nothing_is_found_in_an_empty_set)
{
	struct anchors *a = new_set();
	struct anchor got;
	cr_assert_str_eq(find(a, ".", 0), "none");
	cr_assert_str_eq(find(a, "www.example.com.", 0), "none");
	cr_assert_not(anchors_get(a, 0, &got));
	anchors_free(a);
	anchors_free(NULL);
}

Test(anchors, the_closest_counts_of_whichever_kind)
{
	static const struct {
		const char *name;
		const char *expected;
	} cases[] = {
		{ ".", "trust ." },
		{ "com.", "trust ." },
		{ "EXAMPLE.com.", "negative example.com." },
		{ "www.example.com.", "negative example.com." },
		{ "secure.example.com.", "trust secure.example.com." },
		{ "a.b.Secure.example.com.", "trust secure.example.com." },
		{ "hole.secure.example.com.", "negative hole.secure.example.com." },
		{ "xexample.com.", "trust ." },
		{ "zz.example.com.", "negative example.com." },
		{ "example.com.net.", "trust ." },
		{ "both.net.", "negative both.net." },
		{ "www.both.net.", "negative both.net." },
		{ "net.", "trust ." },
		{ "ex\\000ample.com.", "trust ." },
	};
	/* Each order in which they may come gives the same set. */
	static const char *const entries[] = { "+.", "-example.com.", "+SECURE.example.com.", "-hole.secure.example.com.",
					       "+both.net.", "-both.net." };
	enum { COUNT = 6 };
	unsigned order[COUNT] = { 0, 1, 2, 3, 4, 5 };
	for (unsigned turn = 0; turn < 720; turn++) {
		struct anchors *a = new_set();
		unsigned rest = turn;
		for (unsigned i = 0; i < COUNT; i++) { /* the turn-th permutation */
			unsigned pick = i + rest % (COUNT - i);
			rest /= COUNT - i;
			unsigned swap = order[i];
			order[i] = order[pick];
			order[pick] = swap;
			const char *e = entries[order[i]];
			if (e[0] == '+') {
				add(a, e + 1);
			} else {
				add_negative(a, e + 1, FOR_EVER);
			}
		}
		for (size_t i = 0; i < COUNT(cases); i++) {
			cr_assert_str_eq(find(a, cases[i].name, 1), cases[i].expected, "%s: %s", cases[i].name,
					 find(a, cases[i].name, 1));
		}
		anchors_free(a);
	}
}

Test(anchors, agree_with_a_search_label_by_label)
{
	/* Names of labels a, b, c up to depth 4: 121 of them; sets by chance. */
	static const char *const labels[] = { "a", "b", "c" };
	char names[121][16];
	unsigned count = 0;
	strcpy(names[count++], ".");
	for (unsigned from = 0, depth = 0; depth < 4; depth++) {
		unsigned to = count;
		for (unsigned i = from; i < to; i++) {
			for (unsigned l = 0; l < 3; l++) {
				snprintf(names[count++], sizeof(names[0]), "%s.%s", labels[l],
					 strcmp(names[i], ".") == 0 ? "" : names[i]);
			}
		}
		from = to;
	}
	cr_assert_eq(count, 121u);
	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		bool in[121] = { false };
		struct anchors *a = new_set();
		for (unsigned i = 0; i < 12; i++) {
			unsigned pick = (unsigned)rand() % count;
			in[pick] = true;
			add(a, names[pick]);
		}
		for (unsigned i = 0; i < count; i++) {
			const char *expected = NULL;
			for (const char *n = names[i]; expected == NULL; n = n[1] == '.' && n[2] != '\0' ? n + 2 : ".") {
				for (unsigned k = 0; k < count && expected == NULL; k++) {
					expected = in[k] && strcmp(names[k], n) == 0 ? names[k] : NULL;
				}
				if (strcmp(n, ".") == 0) {
					break;
				}
			}
			char want[32] = "none";
			if (expected != NULL) {
				snprintf(want, sizeof(want), "trust %s", expected);
			}
			cr_assert_str_eq(find(a, names[i], 0), want, "%s", names[i]);
		}
		anchors_free(a);
	}
}

Test(anchors, negative_ones_end_in_time)
{
	struct anchors *a = new_set();
	add(a, ".");
	add(a, "org.");
	add_negative(a, "example.org.", 1000);
	add_negative(a, "sub.example.org.", 2000);
	add_negative(a, "org.", 500);
	cr_assert_str_eq(find(a, "x.org.", 499), "negative org.");
	cr_assert_str_eq(find(a, "x.org.", 500), "trust org.");
	cr_assert_str_eq(find(a, "a.sub.example.org.", 999), "negative sub.example.org.");
	cr_assert_str_eq(find(a, "www.example.org.", 999), "negative example.org.");
	cr_assert_str_eq(find(a, "www.example.org.", 1000), "trust org.");
	cr_assert_str_eq(find(a, "a.sub.example.org.", 1000), "negative sub.example.org.");
	cr_assert_str_eq(find(a, "a.sub.example.org.", 2000), "trust org.");
	add_negative(a, "example.org.", FOR_EVER);
	cr_assert_str_eq(find(a, "www.example.org.", FOR_EVER - 1), "negative example.org.");
	add_negative(a, "example.org.", 0);
	cr_assert_str_eq(find(a, "www.example.org.", 600), "trust org.");
	anchors_free(a);
}

Test(anchors, trust_below_negative_ones_is_still_found)
{
	struct anchors *a = new_set();
	struct anchor got;
	uint8_t name[DNAME_MAX];
	add(a, ".");
	add(a, "corp.");
	add_negative(a, "corp.", FOR_EVER);
	add_negative(a, "b.corp.", FOR_EVER);
	anchors_find_trust(a, wire("x.b.corp.", name), &got);
	cr_assert_eq(got.kind, ANCHOR_TRUST);
	cr_assert(dname_equal(got.zone, wire("corp.", name)));
	anchors_find_trust(a, wire("net.", name), &got);
	cr_assert(got.kind == ANCHOR_TRUST && dname_is_root(got.zone));
	anchors_free(a);
}

/* Records that can never be used, each with a word of the reason. */
static const struct {
	uint16_t type;
	const char *bytes;
	uint16_t len;
	const char *why; /* NULL: of use */
} records[] = {
	{ RR_DNSKEY, "\x01\x01\x03\x08key", 7, NULL },
	{ RR_DNSKEY, "\x01\x00\x03\x0dkey", 7, NULL }, /* SEP is a hint only: RFC 4034 2.1.1 */
	{ RR_DNSKEY, "\x01\x01\x03\xf0key", 7, NULL }, /* whether the algorithm is known is asked elsewhere */
	{ RR_DNSKEY, "\x00\x01\x03\x08key", 7, "no zone key" },
	{ RR_DNSKEY, "\x01\x01\x02\x08key", 7, "protocol" },
	{ RR_DNSKEY, "\x01\x81\x03\x08key", 7, "revoked" },
	{ RR_DNSKEY, "\x01\x01\x03\x00key", 7, "algorithm" },
	{ RR_DNSKEY, "\x01\x01\x03\xffkey", 7, "algorithm" },
	{ RR_DNSKEY, "\x01\x01\x03\x08", 4, "cut short" },
	{ RR_DNSKEY, "\x01\x01\x03", 3, "cut short" },
	{ RR_DNSKEY, "", 0, "cut short" },
	{ RR_DS, "\x12\x34\x08\x01" "aaaaaaaaaaaaaaaaaaaa", 24, NULL },
	{ RR_DS, "\x12\x34\x08\x02" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 36, NULL },
	{ RR_DS, "\x12\x34\x08\x04" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 52, NULL },
	{ RR_DS, "\x12\x34\x08\x07" "a", 5, NULL },
	{ RR_DS, "\x12\x34\x08\x01" "aaaaaaaaaaaaaaaaaaa", 23, "length" },
	{ RR_DS, "\x12\x34\x08\x02" "aaaaaaaaaaaaaaaaaaaa", 24, "length" },
	{ RR_DS, "\x12\x34\x08\x04" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 36, "length" },
	{ RR_DS, "\x00\x00\x00\x00\x00", 5, "algorithm" }, /* RFC 8078 4 */
	{ RR_DS, "\x12\x34\x08\x02", 4, "cut short" },
	{ RR_DS, "\x12", 1, "cut short" },
	{ RR_A, "\x7f\x00\x00\x01", 4, "neither" },
};

Test(anchors, what_is_of_no_use_says_why_and_never_opens_its_zone)
{
	uint8_t name[DNAME_MAX];
	for (size_t i = 0; i < COUNT(records); i++) {
		struct anchors *a = new_set();
		struct anchor got;
		uint8_t *exact = malloc(records[i].len + 1u); /* so that a reader of too much is noticed */
		memcpy(exact, records[i].bytes, records[i].len);
		const char *why = anchor_fault(records[i].type, exact, records[i].len);
		cr_assert_eq(why == NULL, records[i].why == NULL, "record %zu: %s", i, why == NULL ? "" : why);
		cr_assert(why == NULL || strstr(why, records[i].why) != NULL, "record %zu: %s", i, why);
		cr_assert_eq(anchors_add(a, wire("example.", name), records[i].type, exact, records[i].len), BH_OK);
		free(exact);
		anchors_find(a, wire("www.example.", name), 0, &got);
		cr_assert_eq(got.kind, ANCHOR_TRUST, "record %zu", i);
		cr_assert_eq(got.count, why == NULL ? 1u : 0u, "record %zu", i);
		if (why == NULL) {
			cr_assert_eq(got.records[0].type, records[i].type);
			cr_assert_eq(got.records[0].len, records[i].len);
			cr_assert_arr_eq(got.records[0].rdata, records[i].bytes, records[i].len);
		}
		anchors_free(a);
	}
	struct anchors *a = new_set();
	cr_assert_eq(anchors_add_unusable(a, wire("example.", name)), BH_OK);
	cr_assert_str_eq(find(a, "www.example.", 0), "trust example.");
	anchors_free(a);
}

Test(anchors, records_of_a_zone_are_kept_once_and_bounded)
{
	static const uint8_t root[1] = { 0 };
	struct anchors *a = new_set();
	struct anchor got;
	for (unsigned twice = 0; twice < 2; twice++) {
		for (unsigned i = 0; i < ROOT_ANCHORS; i++) {
			cr_assert_eq(anchors_add(a, root, RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE), BH_OK);
		}
	}
	anchors_find(a, root, 0, &got);
	cr_assert_eq(got.count, (unsigned)ROOT_ANCHORS);
	uint8_t key[6] = { 0x01, 0x01, 3, 13 };
	for (unsigned i = 0; i < ANCHOR_RECORDS_MAX - ROOT_ANCHORS; i++) {
		key[4] = (uint8_t)i;
		cr_assert_eq(anchors_add(a, root, RR_DNSKEY, key, sizeof(key)), BH_OK);
	}
	key[5] = 1;
	cr_assert_eq(anchors_add(a, root, RR_DNSKEY, key, sizeof(key)), BH_ELIMIT);
	anchors_find(a, root, 0, &got);
	cr_assert_eq(got.count, (unsigned)ANCHOR_RECORDS_MAX);
	anchors_free(a);
}

Test(anchors, zones_are_bounded_and_listed_in_canonical_order)
{
	struct anchors *a = new_set();
	uint8_t name[DNAME_MAX];
	char text[32];
	for (unsigned i = 0; i < ANCHOR_ZONES_MAX; i++) {
		snprintf(text, sizeof(text), "z%05u.example.", i * 7919u % ANCHOR_ZONES_MAX);
		add_negative(a, text, FOR_EVER);
	}
	cr_assert_eq(anchors_add_negative(a, wire("more.", name), 1), BH_ELIMIT);
	cr_assert_eq(anchors_add(a, wire("more.", name), RR_DNSKEY, key_fine, sizeof(key_fine)), BH_ELIMIT);
	add(a, "z00001.example."); /* it is there already */

	struct anchor got;
	size_t index = 0;
	for (; anchors_get(a, index, &got); index++) {
		snprintf(text, sizeof(text), "z%05zu.example.", index);
		cr_assert(dname_equal(got.zone, wire(text, name)));
		cr_assert_eq(got.kind, index == 1 ? ANCHOR_TRUST : ANCHOR_NEGATIVE);
	}
	cr_assert_eq(index, (size_t)ANCHOR_ZONES_MAX);
	anchors_free(a);
}
