/*
 * Saved images as a file system may give them back: any name, any head. A head that decodes says the same when it
 * is encoded and decoded again, and a file name that is ours leads back to itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/saved.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void try_name(const uint8_t *data, size_t size)
{
	char name[SAVED_NAME_MAX + 10];
	char again[SAVED_NAME_MAX + 1];
	uint8_t zone[DNAME_MAX];
	size_t len = size < sizeof(name) - 1 ? size : sizeof(name) - 1;
	memcpy(name, data, len);
	name[len] = '\0';
	if (saved_name_parse(name, zone)) {
		FUZZ_CHECK(dname_check(zone, sizeof(zone)) > 0);
		FUZZ_CHECK(saved_name(zone, again) && strcmp(again, name) == 0);
	}
}

static void try_head(const uint8_t *data, size_t size)
{
	static uint8_t bytes[SAVED_BODY_MAX];
	static struct saved_head head;
	static struct saved_head again;
	if (saved_head_decode(data, size, &head) == BH_OK && !head.sources.incomplete) {
		struct sink s = sink_of(bytes, sizeof(bytes));
		saved_head_encode(&s, &head);
		FUZZ_CHECK(!s.failed && s.pos == size && memcmp(bytes, data, size) == 0);
		FUZZ_CHECK(saved_head_decode(bytes, s.pos, &again) == BH_OK);
		FUZZ_CHECK(again.sources.count == head.sources.count);
		(void)sources_current(&head.sources, "/nonexistent", "zone", 3600);
		sources_clear(&again.sources);
	}
	sources_clear(&head.sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= SAVED_BODY_MAX) {
		try_name(data, size);
		try_head(data, size);
	}
	return 0;
}
