/*
 * Replies of hostile servers into the resolver's core: matching, parsing, judging, caching, going on.
 *
 * Input: packets, each with two octets of length before it; they answer one after the other what the core
 * asks for one question. Id and question are put right, so that the rest is reached; the top bit of the
 * length leaves them as they are. Octets that are missing are time-outs. The first octet has options; with the
 * second bit a trust anchor follows, the root's DS behind its length, and what comes is validated.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/fuzz/fuzz.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"
#include "daemons/resolver/core.h"

#include <string.h>

static uint32_t state;

static uint32_t weak_rand(void *ctx, uint32_t bound) /* repeatable */
{
	(void)ctx;
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % bound;
}

enum { PRIMES = 1, VALIDATES = 2 };
/* When the signatures of the seeds are good. */
#define SIGNED_AT 1700000000u

/* What the operator trusts is from the input as well, so that seeds can have keys of their own. */
static void set_anchor(struct core *core, struct cursor *c)
{
	size_t len = cursor_u8(c);
	const uint8_t *ds = cursor_bytes(c, len);
	struct anchors *anchors = anchors_new();
	if (anchors == NULL || c->failed || anchors_add(anchors, (const uint8_t *)"", RR_DS, ds, (uint16_t)len) != BH_OK) {
		anchors_free(anchors);
		return;
	}
	core_set_anchors(core, anchors, NULL);
	core->options.validation_date = SIGNED_AT;
}

static bool answer(struct core *core, struct upstream *u, struct cursor *c, uint64_t now_ms)
{
	uint8_t *wire = malloc(DNS_MESSAGE_MAX);
	uint16_t head = cursor_u16(c);
	size_t len = head & 0x7fff;
	if (len > cursor_left(c)) {
		len = cursor_left(c);
	}
	const uint8_t *bytes = cursor_bytes(c, len);
	if (wire == NULL || bytes == NULL || len < DNS_HEADER_SIZE) {
		free(wire);
		return false;
	}
	size_t question = (size_t)u->name_len + 4;
	memcpy(wire, bytes, len);
	if ((head & 0x8000) == 0) { /* header, our question, the rest of the input */
		memcpy(wire, u->wire, 2);
		wire[2] |= 0x80;
		put_u16(wire + 4, 1);
		memcpy(wire + DNS_HEADER_SIZE, u->wire + DNS_HEADER_SIZE, question);
		memcpy(wire + DNS_HEADER_SIZE + question, bytes + DNS_HEADER_SIZE, len - DNS_HEADER_SIZE);
		len += question;
	}
	uint8_t *exact = malloc(len); /* so that reading past the end is seen */
	bool over = exact != NULL;
	if (over) {
		memcpy(exact, wire, len);
		over = core_reply(core, u, exact, len, now_ms);
	}
	free(exact);
	free(wire);
	return over;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t name[] = "\003www\007example\003com";
	uint64_t counters[STAT_RES_COUNT] = { 0 };
	uint64_t now_ms = 1000;
	struct cursor c = cursor_of(data, size < 60000 ? size : 60000);
	state = 1;
	static struct dnssec *dnssec;
	static struct nsec3_hasher *hasher;
	if (dnssec == NULL) {
		dnssec = dnssec_new();
		hasher = nsec3_hasher_new();
	}
	struct core_tools tools = { .rand_fn = weak_rand, .dnssec = dnssec, .hasher = hasher, .counters = counters };
	struct core *core = dnssec == NULL || hasher == NULL ? NULL : core_new(1 << 16, &tools);
	if (core == NULL) {
		return 0;
	}
	unsigned options = cursor_u8(&c);
	core->options.prime_root = (options & PRIMES) != 0;
	if ((options & VALIDATES) != 0) {
		set_anchor(core, &c);
	}
	if (core_start(core, &(struct core_question){ .name = name, .type = RR_A, .budget = 250 }, NULL, now_ms) == NULL) {
		core_free(core);
		return 0;
	}
	struct upstream *u;
	unsigned packets = 0;
	while ((u = core_next_send(core)) != NULL) {
		FUZZ_CHECK(++packets <= 250); /* the budget bounds them */
		now_ms += 20;
		if (!answer(core, u, &c, now_ms)) {
			now_ms += u->timeout_ms;
			core_timeout(core, u, now_ms);
		}
	}
	struct resolution *r = core_next_done(core);
	FUZZ_CHECK(r != NULL); /* every question is answered */
	FUZZ_CHECK(!r->secure || core->validating);
	core_release(r);
	core_free(core);
	return 0;
}
