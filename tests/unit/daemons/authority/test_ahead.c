/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/dname.h"
#include "common/util/count.h"
#include "tests/unit/daemons/authority/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct world *make_world(void)
{
	struct world *w = world_new();
	world_add(w, "example.", "@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.2\n"
				 "sub NS ns.sub\nns.sub A 192.0.2.3\nalias CNAME www\n*.wild A 192.0.2.4\n");
	world_add(w, "deep.example.", "@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\n");
	world_add_failed(w, "failed.");
	return w;
}

static const struct {
	struct question question;
	const char *zone; /* that is found ahead; NULL: none */
} cases[] = {
	{ { .name = "www.example." }, "example." },
	{ { .name = "WWW.EXAMPLE.", .dnssec = true }, "example." },
	{ { .name = "no.such.name.example." }, "example." },
	{ { .name = "below.sub.example." }, "example." },
	{ { .name = "alias.example." }, "example." },
	{ { .name = "x.wild.example." }, "example." },
	{ { .name = "example.", .type = "SOA" }, "example." },
	{ { .name = "deep.example.", .type = "DS" }, "deep.example." },
	{ { .name = "a.deep.example." }, "deep.example." },
	{ { .name = "failed.", .type = "SOA" }, "failed." },
	{ { .name = "x.failed." }, "failed." },
	{ { .name = "other." }, NULL },
	{ { .name = "." }, NULL },
	{ { .name = "www.example.", .flags = 0x2000 }, "example." }, /* NOTIFY */
	{ { .name = "example.", .flags = 0x2000, .type = "SOA" }, "example." },
	{ { .name = "www.example.", .version = 1 }, "example." },
	{ { .name = "1.2.3.4.5.6.7.8.9.10.11.12.www.example." }, "example." },
};

#define CASES COUNT(cases)

Test(ahead, finds_the_zone)
{
	struct world *w = make_world();
	static struct ahead ahead;
	for (size_t i = 0; i < CASES; i++) {
		uint8_t wire[UDP_RECV_MAX];
		size_t len = question_wire(&cases[i].question, wire);
		ahead_look(&ahead, w->view, wire, len);
		cr_assert_eq(ahead.zone != NULL, cases[i].zone != NULL, "%s", cases[i].question.name);
		uint8_t want[DNAME_MAX];
		cr_assert(cases[i].zone == NULL || dname_from_text(cases[i].zone, want) > 0);
		cr_assert(cases[i].zone == NULL || dname_equal(ahead.zone->name, want), "%s", cases[i].question.name);
	}
	world_free(w);
}

/* Cut anywhere: what is read is in the packet, and a zone comes of whole names only. */
Test(ahead, scraps)
{
	struct world *w = make_world();
	static struct ahead ahead;
	uint8_t wire[UDP_RECV_MAX];
	size_t whole = question_wire(&cases[0].question, wire);
	for (size_t len = 0; len <= whole; len++) {
		uint8_t *copy = malloc(len + 1);
		memcpy(copy, wire, len);
		ahead_look(&ahead, w->view, copy, len);
		cr_assert_eq(ahead.zone != NULL, len >= whole - 4, "%zu octets", len);
		ahead_fetch(&ahead, 1);
		free(copy);
	}
	wire[DNS_HEADER_SIZE] = 0xc0; /* a pointer */
	wire[DNS_HEADER_SIZE + 1] = 0;
	ahead_look(&ahead, w->view, wire, whole);
	cr_assert_null(ahead.zone);
	cr_assert_eq(ahead.look.labels, 0);
	world_free(w);
}

/* A batch gives the same replies as one query after the other, every octet changed in turn. */
Test(ahead, batch_replies_like_single_queries)
{
	struct world *w = make_world();
	static struct ahead batch[CASES];
	static uint8_t wires[CASES][UDP_RECV_MAX];
	static uint8_t reply[QUERY_REPLY_MAX];
	size_t lens[CASES];
	w->view->rotate = true;
	for (size_t change = 0; change < 60; change++) {
		for (size_t i = 0; i < CASES; i++) {
			lens[i] = question_wire(&cases[i].question, wires[i]);
			wires[i][change % lens[i]] ^= change == 0 ? 0 : 0x21;
			ahead_look(&batch[i], w->view, wires[i], lens[i]);
		}
		ahead_fetch(batch, CASES);
		for (size_t i = 0; i < CASES; i++) {
			size_t len = query_reply_ahead(&w->work, &batch[i], w->view, TRANSPORT_UDP, NULL, wires[i],
						       lens[i], reply);
			cr_assert_eq(len, query_reply(&w->work, w->view, TRANSPORT_UDP, NULL, wires[i], lens[i], w->reply),
				     "%s, octet %zu", cases[i].question.name, change);
			cr_assert_eq(memcmp(reply, w->reply, len), 0, "%s, octet %zu", cases[i].question.name, change);
		}
	}
	world_free(w);
}
