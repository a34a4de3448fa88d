/*
 * What fuzz targets share: a check that is always on, and a reader that never runs dry.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_FUZZ_FUZZ_H
#define BULKHEAD_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The property that an input has just broken is the failure. */
#define FUZZ_CHECK(condition)                                                                       \
	do {                                                                                        \
		if (!(condition)) {                                                                 \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);     \
			abort();                                                                    \
		}                                                                                   \
	} while (0)

/* Input as a stream of choices; past its end every choice is 0. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (in->left == 0) {
		return 0;
	}
	in->left--;
	return *in->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	unsigned high = fuzz_u8(in);
	return (uint16_t)(high << 8 | fuzz_u8(in));
}

#endif
