/*
 * Payloads between processes: the first octet chooses the message, the rest is its payload. What a
 * decoder takes must encode to the same octets, within the lengths of its row.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/common/ipc/codecs.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[MSG_PAYLOAD_MAX];
	static _Alignas(max_align_t) uint8_t m[65536];

	if (size == 0) {
		return 0;
	}
	uint16_t type = data[0];
	const struct msg_rule *rule = msg_rule(type);
	if (rule == NULL || codecs[type].size == 0 || size - 1 > MSG_PAYLOAD_MAX) {
		return 0;
	}
	FUZZ_CHECK(codecs[type].size <= sizeof(m));
	memset(m, 0xa5, codecs[type].size); /* what a decoder leaves alone must not be needed */
	if (codecs[type].get(data + 1, size - 1, m) == BH_OK) {
		struct sink s = sink_of(again, sizeof(again));
		FUZZ_CHECK(size - 1 >= rule->min_len && size - 1 <= rule->max_len);
		codecs[type].put(&s, m);
		FUZZ_CHECK(!s.failed && s.pos == size - 1);
		FUZZ_CHECK(memcmp(again, data + 1, s.pos) == 0);
	}
	return 0;
}
