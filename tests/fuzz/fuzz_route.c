/*
 * Routes of the frontend under hostile replies: first octet chooses the question, then replies, each with
 * an octet of flags, two octets of length and the bytes. Bit 0 of the flags puts the right id and question
 * in front, so that the rest is looked at; bits 1 and 2 give the RCODE its low bits, bit 3 sets AA, bit 4
 * makes the budget of the reply large, bit 5 sets AD.
 *
 * Whatever comes, each client gets exactly one answer that can be parsed and that it can take, the work
 * is bounded, and nothing internal is cached.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/log.h"
#include "daemons/frontend/route.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Alias steps and their overlay turns, for each question. */
#define ASKS_MAX (2 * (CNAME_STEPS_MAX + 2))

static struct {
	struct route_ask ask;
	uint8_t dns[512];
	bool open;
	unsigned asks;
	unsigned answers;
	struct job *jobs;
	struct stats_page page;
} world;

static struct stats_page *stats = &world.page;

static int take_ask(void *ctx, const struct route_ask *ask)
{
	(void)ctx;
	FUZZ_CHECK(ask->message.dns_len <= sizeof(world.dns));
	FUZZ_CHECK(ask->authority || !dname_equal(ask->name, (const uint8_t *)"\4corp\4test"));
	world.ask = *ask;
	memcpy(world.dns, ask->message.dns, ask->message.dns_len);
	world.open = true;
	world.asks++;
	ask->job->link_id = 1;
	job_link(ask->job, &world.jobs);
	return BH_OK;
}

static void check_reply(const struct reply_to *to, const uint8_t *wire, size_t len)
{
	static struct region region;
	struct message msg;
	if (region.limit == 0) {
		region_init(&region, 1 << 16, 4 << 20);
	}
	region_reset(&region);
	FUZZ_CHECK(len <= to->limit);
	FUZZ_CHECK(message_parse(wire, len, &region, &msg) == BH_OK);
	FUZZ_CHECK(msg.id == to->id && (msg.flags & FLAG_QR) != 0);
	FUZZ_CHECK((msg.flags & FLAG_AD) == 0 || to->do_bit); /* none of the queries has AD */
	FUZZ_CHECK(memcmp(msg.qname, to->qname, to->qname_len) == 0);
	world.answers++;
}

static void take_answer(void *ctx, const struct origin *origin, const struct reply_to *to,
			const struct answer *answer, uint32_t age_sec, bool internal)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	bool truncated;
	(void)ctx;
	(void)origin;
	(void)internal;
	check_reply(to, wire, reply_answer(to, answer, age_sec, wire, &truncated));
}

static void take_refusal(void *ctx, const struct origin *origin, const struct reply_to *to,
			 const struct refusal *refusal)
{
	uint8_t wire[REPLY_ERROR_MAX];
	(void)ctx;
	(void)origin;
	check_reply(to, wire, reply_error(to, refusal->rcode, refusal->ede, refusal->text, wire));
}

static const struct route_ops ops = { .ask = take_ask, .answer = take_answer, .refuse = take_refusal };

static void make_route(struct route *r)
{
	static const struct {
		const char *name;
		unsigned flags;
	} entries[] = {
		{ "corp.test", SPLIT_ZONE },	 { "over.test", SPLIT_ZONE | SPLIT_OVERLAY },
		{ "sub.corp.test", SPLIT_STUB }, { "ok.test", SPLIT_REBIND },
	};
	*r = (struct route){ .split = split_new(), .cache = cache_new(1 << 16), .pending = pending_new(),
			     .stats = &stats, .ops = &ops, .budget = 100, .patience_ms = 1000 };
	FUZZ_CHECK(route_init(r) == BH_OK);
	pending_limits(r->pending, &(struct pending_bounds){ 4, 4, 4 });
	for (size_t i = 0; i < COUNT(entries); i++) {
		uint8_t name[DNAME_MAX];
		FUZZ_CHECK(dname_from_text(entries[i].name, name) > 0);
		FUZZ_CHECK(split_add(r->split, name, entries[i].flags) == BH_OK);
	}
}

static void ask_question(struct route *r, uint8_t choice, uint16_t id)
{
	static const char *const names[] = { "a.test", "a.corp.test", "a.over.test", "a.ok.test" };
	static const uint16_t types[] = { RR_A, RR_TXT, RR_ANY, RR_CNAME };
	struct query q = { .id = id, .flags = choice & 0x40 ? 0 : FLAG_RD, .qtype = types[choice >> 2 & 3],
			   .qclass = CLASS_IN };
	struct origin origin = { .listener = choice & 0x80 ? NULL : (struct listener *)&world };
	q.qname_len = (uint8_t)dname_from_text(names[choice & 3], q.qname);
	q.edns.present = (choice & 0x10) != 0;
	q.edns.udp_size = UDP_SIZE_PLAIN;
	q.edns.do_bit = (choice & 0x20) != 0;
	origin.client.family = ADDR_V4;
	struct reply_to to;
	reply_to_init(&to, &q, origin.listener == NULL);
	route_query(r, &q, &origin, &to, 1000);
}

/* Question and id of what was asked, then the input's bytes; counts are the input's too. */
static size_t make_reply(uint8_t *out, size_t room, uint8_t how, const uint8_t *bytes, size_t len)
{
	size_t question = world.ask.message.dns_len - DNS_HEADER_SIZE - EDNS_SIZE_MIN;
	if ((how & 1) == 0) {
		memcpy(out, bytes, len);
		return len;
	}
	memset(out, 0, DNS_HEADER_SIZE);
	memcpy(out, world.dns, 2);
	put_u16(out + 2, (uint16_t)(FLAG_QR | (how & 8 ? FLAG_AA : 0) | (how & 32 ? FLAG_AD : 0) | (how >> 1 & 3)));
	out[5] = 1;
	memcpy(out + DNS_HEADER_SIZE, world.dns + DNS_HEADER_SIZE, question);
	size_t counts = len < 3 ? len : 3;
	for (size_t i = 0; i < counts; i++) {
		out[7 + 2 * i] = bytes[i];
	}
	len -= counts;
	size_t pos = DNS_HEADER_SIZE + question;
	len = len < room - pos ? len : room - pos;
	memcpy(out + pos, bytes + counts, len);
	return pos + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	struct route r;

	if (size == 0) {
		return 0;
	}
	log_set_level(LOG_LEVEL_ERR);
	memset(&world, 0, sizeof(world));
	make_route(&r);
	ask_question(&r, data[0], 1);
	ask_question(&r, data[0], 2); /* joins the first, or comes from the cache, or is refused too */
	struct fuzz_input in = { data + 1, size - 1 };
	while (world.open && in.left > 0) {
		uint8_t how = fuzz_u8(&in);
		size_t len = fuzz_u16(&in);
		len = len < in.left ? len : in.left;
		world.open = false;
		struct qlink_message m = { .token = world.ask.message.token, .kind = QLINK_REPLY, .dns = wire,
					   .budget = how & 16 ? UINT16_MAX : world.ask.message.budget };
		m.dns_len = make_reply(wire, sizeof(wire), how, in.data, len);
		in.data += len;
		in.left -= len;
		route_reply(&r, 1, &m, 2000);
	}
	FUZZ_CHECK(world.asks <= ASKS_MAX);
	FUZZ_CHECK(route_expire(&r, 1000000) == 0);
	FUZZ_CHECK(world.answers == 2);
	FUZZ_CHECK(pending_count(r.pending) == 0);
	uint8_t inside[DNAME_MAX];
	FUZZ_CHECK(dname_from_text("corp.test", inside) > 0);
	FUZZ_CHECK(cache_flush_zone(r.cache, inside) == 0);
	FUZZ_CHECK(dname_from_text("over.test", inside) > 0);
	FUZZ_CHECK(cache_flush_zone(r.cache, inside) == 0);
	cache_free(r.cache);
	split_free(r.split);
	pending_free(r.pending);
	route_clear(&r);
	return 0;
}
