/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/zone/name_sort.h"

#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The example of RFC 4034 6.1, in its order. */
static const char *const rfc_order[] = {
	"example.",	      "a.example.",	 "yljkjljk.a.example.",	 "Z.a.example.", "zABC.a.EXAMPLE.",
	"z.example.",	      "\\001.z.example.", "*.z.example.",	 "\\200.z.example.",
};

Test(name_sort, follows_rfc_4034)
{
	uint8_t bytes[512];
	uint32_t offsets[COUNT(rfc_order)];
	size_t len = 0;
	for (size_t i = 0; i < COUNT(rfc_order); i++) {
		struct name n = name_of(rfc_order[i]);
		offsets[i] = (uint32_t)len;
		memcpy(bytes + len, n.wire, n.len);
		len += n.len;
	}
	uint32_t ids[] = { 4, 8, 2, 0, 6, 1, 3, 7, 5 };
	cr_assert_eq(name_sort(bytes, offsets, 1, ids, COUNT(ids)), BH_OK);
	for (uint32_t i = 0; i < COUNT(ids); i++) {
		cr_assert_eq(ids[i], i);
	}
}

/* A name below "t." of few and nasty octets, so that many names share long beginnings. */
static size_t random_name(uint8_t *out)
{
	static const uint8_t octets[] = { 0, 1, 2, 'a', 'A', 'Z', 0xff };
	size_t pos = 0;
	for (unsigned labels = rand_below(6); labels > 0; labels--) {
		uint8_t len = (uint8_t)(rand_below(8) == 0 ? 1 + rand_below(30) : 1 + rand_below(3));
		out[pos++] = len;
		for (unsigned i = 0; i < len; i++) {
			out[pos++] = octets[rand_below(len > 3 && i < len - 2u ? 1 : sizeof(octets))];
		}
	}
	memcpy(out + pos, "\001t", 3);
	return pos + 3;
}

Test(name_sort, agrees_with_dname_compare_and_keeps_equal_names_by_id)
{
	enum { NAMES = 5000 };
	uint8_t *bytes = malloc(NAMES * DNAME_MAX);
	uint32_t offsets[NAMES];
	uint32_t ids[NAMES];
	size_t pos = 0;
	unsigned equal = 0;
	for (uint32_t i = 0; i < NAMES; i++) {
		offsets[i] = (uint32_t)pos;
		ids[i] = NAMES - 1 - i;
		pos += random_name(bytes + pos);
	}
	cr_assert_eq(name_sort(bytes, offsets, 1, ids, NAMES), BH_OK);
	for (size_t i = 1; i < NAMES; i++) {
		int diff = dname_compare(bytes + offsets[ids[i - 1]], bytes + offsets[ids[i]]);
		cr_assert(diff < 0 || (diff == 0 && ids[i - 1] < ids[i]));
		equal += diff == 0;
	}
	cr_assert_gt(equal, 100u);
	cr_assert_lt(equal, NAMES / 2u);
	free(bytes);
}

/* One name in very many places of a zone text must not cost the square of their number. */
Test(name_sort, takes_one_name_many_times)
{
	enum { NAMES = 300000 };
	static const uint8_t bytes[] = "\001b\001t\0\001a\001t";
	uint32_t *offsets = calloc(NAMES, sizeof(*offsets));
	uint32_t *ids = malloc(NAMES * sizeof(*ids));
	for (uint32_t i = 0; i < NAMES; i++) {
		offsets[i] = i == NAMES - 1 ? 5 : 0;
		ids[i] = i;
	}
	cr_assert_eq(name_sort(bytes, offsets, 1, ids, NAMES), BH_OK);
	cr_assert_eq(ids[0], NAMES - 1u);
	for (uint32_t i = 1; i < NAMES; i++) {
		cr_assert_eq(ids[i], i - 1);
	}
	free(offsets);
	free(ids);
}

/* What is in order already is not touched; labels of any octet are compared, not their text. */
Test(name_sort, leaves_an_ordered_zone_alone)
{
	static const uint8_t bytes[] = "\001t\0\001a\001t\0\001\0\001a\001t\0\002\0\0\001a\001t\0\001b\001t";
	static const uint32_t offsets[] = { 0, 3, 8, 15, 23 };
	uint32_t ids[] = { 0, 1, 2, 3, 4 };
	cr_assert_eq(name_sort(bytes, offsets, 1, ids, COUNT(ids)), BH_OK);
	for (uint32_t i = 0; i < COUNT(ids); i++) {
		cr_assert_eq(ids[i], i);
	}
}

/* Numbers down to 0 and up again in n steps, and the other way round. */
static uint32_t valley(uint32_t i, uint32_t n)
{
	return i < n / 2 ? n - 2 * i : 2 * i - n + 1;
}

static uint32_t hill(uint32_t i, uint32_t n)
{
	return 2 * n - valley(i, n);
}

/* An order in which somebody writes a zone must not cost the square of its length: that would be minutes here. */
Test(name_sort, takes_names_in_any_order, .timeout = 60)
{
	enum { NAMES = 300000, NAME_LEN = 11 };
	static uint32_t (*const orders[])(uint32_t i, uint32_t n) = { valley, hill };
	uint8_t *bytes = malloc(NAMES * NAME_LEN);
	uint32_t *offsets = malloc(NAMES * sizeof(*offsets));
	uint32_t *ids = malloc(NAMES * sizeof(*ids));
	for (size_t order = 0; order < COUNT(orders); order++) {
		for (uint32_t i = 0; i < NAMES; i++) {
			char label[9];
			snprintf(label, sizeof(label), "\007%07u", orders[order](i, NAMES));
			offsets[i] = i * NAME_LEN;
			ids[i] = i;
			memcpy(bytes + offsets[i], label, 8);
			memcpy(bytes + offsets[i] + 8, "\001t", 3);
		}
		cr_assert_eq(name_sort(bytes, offsets, 1, ids, NAMES), BH_OK);
		for (uint32_t i = 1; i < NAMES; i++) {
			cr_assert_lt(memcmp(bytes + offsets[ids[i - 1]], bytes + offsets[ids[i]], NAME_LEN), 0);
		}
	}
	free(bytes);
	free(offsets);
	free(ids);
}
