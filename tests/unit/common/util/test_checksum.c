/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/checksum.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t sum_of(const uint8_t *bytes, size_t len)
{
	struct checksum sum;
	checksum_begin(&sum);
	checksum_add(&sum, bytes, len);
	return checksum_end(&sum);
}

Test(checksum, is_the_same_in_pieces)
{
	uint8_t bytes[5 * CHECKSUM_BLOCK + 7];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 37);
	}
	for (size_t cut = 0; cut <= sizeof(bytes); cut += CHECKSUM_BLOCK) {
		struct checksum sum;
		checksum_begin(&sum);
		checksum_add(&sum, bytes, cut);
		checksum_add(&sum, bytes + cut, sizeof(bytes) - cut);
		cr_assert_eq(checksum_end(&sum), sum_of(bytes, sizeof(bytes)));
	}
}

/* Every bit, every length, and blocks that change places. */
Test(checksum, sees_every_change)
{
	uint8_t bytes[4 * CHECKSUM_BLOCK];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 11 + i / CHECKSUM_BLOCK);
	}
	const uint64_t want = sum_of(bytes, sizeof(bytes));
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(sum_of(bytes, sizeof(bytes)), want, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sizeof(bytes); len++) {
		cr_assert_neq(sum_of(bytes, len), want, "length %zu", len);
	}
	uint8_t swapped[sizeof(bytes)];
	memcpy(swapped, bytes + CHECKSUM_BLOCK, CHECKSUM_BLOCK);
	memcpy(swapped + CHECKSUM_BLOCK, bytes, CHECKSUM_BLOCK);
	memcpy(swapped + 2 * CHECKSUM_BLOCK, bytes + 2 * CHECKSUM_BLOCK, 2 * CHECKSUM_BLOCK);
	cr_assert_neq(sum_of(swapped, sizeof(swapped)), want);
}

/* All zero is no fixed point: a hole in a file is seen however long it is. */
Test(checksum, counts_zeros)
{
	static const uint8_t zeros[4 * CHECKSUM_BLOCK];
	cr_assert_neq(sum_of(zeros, CHECKSUM_BLOCK), sum_of(zeros, 2 * CHECKSUM_BLOCK));
	cr_assert_neq(sum_of(zeros, 1), sum_of(zeros, 2));
	cr_assert_neq(sum_of(zeros, 0), 0u);
}

Test(checksum, sees_every_single_bit_and_every_length)
{
	uint8_t bytes[100];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 37);
	}
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		uint64_t whole = sum_of(bytes, len);
		cr_assert_neq(whole, sum_of(bytes, len - 1), "length %zu", len);
		for (size_t bit = 0; bit < len * 8; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_neq(whole, sum_of(bytes, len), "length %zu bit %zu", len, bit);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* A file that lost its end to zeroes, and one of zeroes alone: what file systems leave after a power cut. */
Test(checksum, tells_zeroes_of_different_length_apart)
{
	static const uint8_t zeroes[256];
	for (size_t len = 1; len <= sizeof(zeroes); len++) {
		cr_assert_neq(sum_of(zeroes, len), sum_of(zeroes, len - 1), "length %zu", len);
	}
}

Test(checksum, pieces_give_the_sum_of_the_whole)
{
	uint8_t bytes[6 * CHECKSUM_BLOCK + 5];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * i);
	}
	for (size_t piece = CHECKSUM_BLOCK; piece < sizeof(bytes); piece += CHECKSUM_BLOCK) {
		struct checksum sum;
		checksum_begin(&sum);
		for (size_t at = 0; at < sizeof(bytes); at += piece) {
			checksum_add(&sum, bytes + at, sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece);
		}
		cr_assert_eq(checksum_end(&sum), sum_of(bytes, sizeof(bytes)), "pieces of %zu", piece);
	}
}

/* Words that change places, in one lane and between lanes. */
Test(checksum, order_matters)
{
	uint8_t bytes[4 * CHECKSUM_BLOCK];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)i;
	}
	uint64_t before = sum_of(bytes, sizeof(bytes));
	for (size_t a = 0; a < sizeof(bytes); a += 8) {
		for (size_t b = a + 8; b < sizeof(bytes); b += 8) {
			uint8_t other[sizeof(bytes)];
			memcpy(other, bytes, sizeof(bytes));
			memcpy(other + a, bytes + b, 8);
			memcpy(other + b, bytes + a, 8);
			cr_assert_neq(before, sum_of(other, sizeof(other)), "words at %zu and %zu", a, b);
		}
	}
}
