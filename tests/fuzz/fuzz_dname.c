/*
 * Names: the input is a message whose every octet may begin a name, and also a text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/util/siphash.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define STARTS_MAX 64
#define TEXT_MAX 2048

/* Whatever was accepted once must keep the promises of dname.h. */
static void check_name(const uint8_t *name, size_t len)
{
	static const struct siphash_key key = { 1, 2 };
	char text[DNAME_TEXT_MAX];
	uint8_t copy[DNAME_MAX];

	FUZZ_CHECK(len >= 1 && len <= DNAME_MAX);
	FUZZ_CHECK(dname_len(name) == len);
	FUZZ_CHECK(dname_check(name, len) == (int)len);
	FUZZ_CHECK(dname_check(name, len - 1) == BH_ETRUNC);
	FUZZ_CHECK(dname_label_count(name) <= DNAME_LABELS_MAX);

	FUZZ_CHECK(dname_text(name, text) == text && strlen(text) < DNAME_TEXT_MAX);
	for (const char *p = text; *p != '\0'; p++) {
		FUZZ_CHECK(*p > 0x20 && *p < 0x7f);
	}
	FUZZ_CHECK(dname_from_text(text, copy) == (int)len && memcmp(copy, name, len) == 0);

	FUZZ_CHECK(dname_copy_lower(copy, name) == len);
	FUZZ_CHECK(dname_equal(copy, name) && dname_compare(copy, name) == 0);
	FUZZ_CHECK(dname_hash(&key, copy) == dname_hash(&key, name));
	FUZZ_CHECK(dname_shared_labels(copy, name) == dname_label_count(name));
	FUZZ_CHECK(dname_is_under(name, copy));
	FUZZ_CHECK(*dname_skip_labels(name, dname_label_count(name)) == 0);
	if (!dname_is_root(name)) {
		FUZZ_CHECK(dname_compare(name, dname_parent(name)) > 0);
		FUZZ_CHECK(!dname_is_under(dname_parent(name), name));
	}
}

static void check_pair(const uint8_t *a, const uint8_t *b)
{
	int order = dname_compare(a, b);
	int reverse = dname_compare(b, a);
	FUZZ_CHECK((order < 0) == (reverse > 0) && (order == 0) == (reverse == 0));
	FUZZ_CHECK((order == 0) == dname_equal(a, b));
	FUZZ_CHECK(dname_shared_labels(a, b) == dname_shared_labels(b, a));
	FUZZ_CHECK(dname_is_under(a, b) == (dname_shared_labels(a, b) == dname_label_count(b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t name[DNAME_MAX];
	uint8_t last[DNAME_MAX] = { 0 };
	char text[TEXT_MAX];

	for (size_t start = 0; start <= size && start < STARTS_MAX; start++) {
		size_t pos = start;
		size_t skipped = start;
		int len = dname_read(data, size, &pos, name);
		int skip = dname_skip(data, size, &skipped);
		if (len < 0) {
			FUZZ_CHECK(pos == start);
			FUZZ_CHECK(skip == BH_OK || skipped == start);
			continue;
		}
		FUZZ_CHECK(pos > start && pos <= size);
		FUZZ_CHECK(skip == BH_OK && skipped == pos);
		check_name(name, (size_t)len);
		check_pair(name, last);
		memcpy(last, name, (size_t)len);
	}
	if (size < sizeof(text)) {
		memcpy(text, data, size);
		text[size] = '\0';
		int len = dname_from_text(text, name);
		if (len > 0) {
			check_name(name, (size_t)len);
		}
	}
	return 0;
}
