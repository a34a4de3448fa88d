/*
 * The record of a supervisor's state as a program of another version may have written it. One that decodes says the same
 * when it is encoded, and names descriptors that can be taken over.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/state.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

/* Files of no zone that fit in here are remembered. */
#define INPUT_MAX (1u << 20)

static bool is_complete(const struct state *s)
{
	for (size_t i = 0; i < s->zone_count; i++) {
		if (s->zones[i].sources.incomplete) {
			return false; /* paths that are too long are forgotten */
		}
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[INPUT_MAX];
	struct state s;
	if (size > INPUT_MAX) {
		return 0;
	}
	if (state_decode(data, size, &s) == BH_OK) {
		int *fds = NULL;
		int count = state_descriptors(&s, &fds);
		FUZZ_CHECK(count >= 2);
		for (int i = 0; i < count; i++) {
			FUZZ_CHECK(fds[i] > STDERR_FILENO && (i == 0 || fds[i - 1] < fds[i]));
		}
		free(fds);
		FUZZ_CHECK(s.conf_path[0] == '/' && s.role_dir[0] == '/' && s.program[0] == '/');
		FUZZ_CHECK(s.next_generation > s.generation && s.generation > 0);
		for (size_t i = 0; i < s.zone_count; i++) {
			FUZZ_CHECK(s.zones[i].view < s.view_count && s.zones[i].id < s.next_id);
			FUZZ_CHECK(dname_check(s.zones[i].name, sizeof(s.zones[i].name)) > 0);
		}
		for (size_t i = 0; i < s.role_count; i++) {
			FUZZ_CHECK(s.roles[i].pid > 1); /* it will be sent signals */
		}
		struct sink sink = sink_of(bytes, sizeof(bytes));
		state_encode(&sink, &s);
		FUZZ_CHECK(!is_complete(&s) || (sink.pos == size && memcmp(bytes, data, size) == 0));
	}
	state_clear(&s, false);
	return 0;
}
