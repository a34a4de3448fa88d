/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/sum64.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t sum_of(const uint8_t *bytes, size_t len)
{
	struct sum64 sum = { .octets = 0 };
	sum64_add(&sum, bytes, len);
	return sum64_end(&sum);
}

Test(sum64, sees_every_single_bit_and_every_length)
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
Test(sum64, tells_zeroes_of_different_length_apart)
{
	static const uint8_t zeroes[256];
	for (size_t len = 1; len <= sizeof(zeroes); len++) {
		cr_assert_neq(sum_of(zeroes, len), sum_of(zeroes, len - 1), "length %zu", len);
	}
}

Test(sum64, pieces_give_the_sum_of_the_whole)
{
	uint8_t bytes[6 * SUM64_STEP + 5];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * i);
	}
	for (size_t piece = SUM64_STEP; piece < sizeof(bytes); piece += SUM64_STEP) {
		struct sum64 sum = { .octets = 0 };
		for (size_t at = 0; at < sizeof(bytes); at += piece) {
			sum64_add(&sum, bytes + at, sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece);
		}
		cr_assert_eq(sum64_end(&sum), sum_of(bytes, sizeof(bytes)), "pieces of %zu", piece);
	}
}

/* Words that change places, in one lane and between lanes. */
Test(sum64, order_matters)
{
	uint8_t bytes[4 * SUM64_STEP];
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
