/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>

static const uint8_t numbers[15] = {
	0x01,						/* u8 */
	0x02, 0x03,					/* u16 */
	0x04, 0x05, 0x06, 0x07,				/* u32 */
	0x88, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, /* u64 */
};

Test(cursor, reads_numbers_in_network_order)
{
	struct cursor c = cursor_of(numbers, sizeof(numbers));
	cr_assert_eq(cursor_u8(&c), 0x01);
	cr_assert_eq(cursor_u16(&c), 0x0203);
	cr_assert_eq(cursor_u32(&c), UINT32_C(0x04050607));
	cr_assert_not(cursor_done(&c));
	cr_assert_eq(cursor_u64(&c), UINT64_C(0x88090a0b0c0d0e0f));
	cr_assert(cursor_done(&c));
	cr_assert_eq(cursor_left(&c), 0u);
}

Test(cursor, first_failure_gives_zero_stays_in_place_and_sticks)
{
	for (size_t len = 0; len < 8; len++) {
		struct cursor c = cursor_of(numbers + 7, len);
		cr_assert_eq(cursor_u64(&c), 0u, "u64 of %zu octets", len);
		cr_assert(c.failed);
		cr_assert_eq(c.pos, 0u, "u64 of %zu octets moved to %zu", len, c.pos);
		cr_assert_eq(cursor_left(&c), 0u);
		/* There would be octets for this one, yet nothing is read after a failure. */
		cr_assert_eq(cursor_u8(&c), 0u);
		cr_assert_null(cursor_bytes(&c, 0));
		cr_assert_not(cursor_done(&c));
	}
	struct cursor c4 = cursor_of(numbers, 3);
	cr_assert_eq(cursor_u32(&c4), 0u);
	struct cursor c2 = cursor_of(numbers, 1);
	cr_assert_eq(cursor_u16(&c2), 0u);
	cr_assert_eq(c2.pos, 0u);
}

Test(cursor, huge_length_does_not_wrap)
{
	struct cursor c = cursor_of(numbers, sizeof(numbers));
	cursor_u8(&c);
	cr_assert_null(cursor_bytes(&c, SIZE_MAX));
	cr_assert(c.failed);
	cr_assert_eq(c.pos, 1u);
}

Test(cursor, empty_input_without_storage)
{
	struct cursor c = cursor_of(NULL, 0);
	cr_assert(cursor_done(&c));
	cr_assert_eq(cursor_u8(&c), 0u);
	cr_assert(c.failed);
}

static const uint8_t blob[5] = { 0x00, 0x03, 'a', 'b', 'c' };

Test(cursor, blob_cut_at_every_length)
{
	size_t len = 7;
	for (size_t cut = 0; cut < sizeof(blob); cut++) {
		struct cursor c = cursor_of(blob, cut);
		cr_assert_null(cursor_blob(&c, &len));
		cr_assert_eq(len, 0u);
		cr_assert(c.failed);
		cr_assert_eq(c.pos, 0u, "cut at %zu", cut);
	}
	struct cursor c = cursor_of(blob, sizeof(blob));
	const uint8_t *p = cursor_blob(&c, &len);
	cr_assert_eq(p, blob + 2);
	cr_assert_eq(len, 3u);
	cr_assert(cursor_done(&c));
}

Test(cursor, string_needs_room_and_no_nul)
{
	static const struct {
		uint8_t bytes[5];
		size_t cap;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ { 0, 3, 'a', 'b', 'c' }, 4, "abc" },
		{ { 0, 3, 'a', 'b', 'c' }, 3, NULL }, /* no room for the terminator */
		{ { 0, 3, 'a', 0, 'c' }, 8, NULL },   /* would end early */
		{ { 0, 4, 'a', 'b', 'c' }, 8, NULL }, /* cut */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[8] = "before";
		struct cursor c = cursor_of(cases[i].bytes, 5);
		cursor_string(&c, out, cases[i].cap);
		cr_assert_eq(c.failed, cases[i].want == NULL, "case %zu", i);
		cr_assert_str_eq(out, cases[i].want == NULL ? "" : cases[i].want, "case %zu", i);
		cr_assert_eq(c.pos, cases[i].want == NULL ? 0u : 5u, "case %zu", i);
	}
	const uint8_t empty[2] = { 0, 0 };
	char out[1] = { 'x' };
	struct cursor c = cursor_of(empty, sizeof(empty));
	cursor_string(&c, out, sizeof(out));
	cr_assert(cursor_done(&c));
	cr_assert_eq(out[0], '\0');
}

Test(sink, writes_what_the_cursor_reads)
{
	uint8_t out[sizeof(numbers)];
	struct sink s = sink_of(out, sizeof(out));
	sink_u8(&s, 0x01);
	sink_u16(&s, 0x0203);
	sink_u32(&s, UINT32_C(0x04050607));
	sink_u64(&s, UINT64_C(0x88090a0b0c0d0e0f));
	cr_assert_not(s.failed);
	cr_assert_eq(s.pos, sizeof(out));
	cr_assert_arr_eq(out, numbers, sizeof(out));
	sink_bytes(&s, NULL, 0); /* nothing always fits */
	cr_assert_not(s.failed);
	sink_u8(&s, 1);
	cr_assert(s.failed);
	cr_assert_eq(s.pos, sizeof(out));
}

Test(sink, field_that_does_not_fit_writes_nothing)
{
	for (size_t cap = 0; cap < sizeof(blob); cap++) {
		uint8_t out[8];
		memset(out, 0xee, sizeof(out));
		struct sink s = sink_of(out, cap);
		sink_string(&s, "abc");
		cr_assert(s.failed);
		cr_assert_eq(s.pos, 0u, "cap %zu", cap);
		for (size_t i = 0; i < sizeof(out); i++) {
			cr_assert_eq(out[i], 0xee, "cap %zu, octet %zu", cap, i);
		}
		sink_bytes(&s, NULL, 0);
		cr_assert_eq(s.pos, 0u);
	}
	uint8_t out[sizeof(blob)];
	struct sink s = sink_of(out, sizeof(out));
	sink_string(&s, "abc");
	cr_assert_not(s.failed);
	cr_assert_arr_eq(out, blob, sizeof(blob));
}

Test(sink, blob_longer_than_its_length_field_is_refused)
{
	static uint8_t bytes[UINT16_MAX + 1];
	static uint8_t out[UINT16_MAX + 16];
	struct sink s = sink_of(out, sizeof(out));
	sink_blob(&s, bytes, sizeof(bytes));
	cr_assert(s.failed);
	cr_assert_eq(s.pos, 0u);

	s = sink_of(out, sizeof(out));
	sink_blob(&s, bytes, UINT16_MAX);
	cr_assert_not(s.failed);
	cr_assert_eq(get_u16(out), UINT16_MAX);
}

Test(sink, huge_length_does_not_wrap)
{
	uint8_t out[4];
	struct sink s = sink_of(out, sizeof(out));
	sink_u8(&s, 1);
	cr_assert_null(sink_room(&s, SIZE_MAX));
	cr_assert(s.failed);
}
