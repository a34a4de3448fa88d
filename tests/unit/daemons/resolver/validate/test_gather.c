/*
 * One set of anchors out of many sources.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/gather.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MANY 8

struct sources {
	struct gather from;
	struct ipc_anchor anchors[MANY];
	struct ipc_negative_anchor insecure[MANY];
	struct ipc_servers stubs[MANY];
	struct timed_negative timed[MANY];
};

static void put(const char *text, uint8_t out[DNAME_MAX])
{
	cr_assert_gt(dname_from_text(text, out), 0, "%s", text);
}

static struct sources *sources_new(void)
{
	static struct sources s;
	memset(&s, 0, sizeof(s));
	s.from = (struct gather){ .anchors = s.anchors, .insecure = s.insecure, .stubs = s.stubs, .timed = s.timed };
	return &s;
}

static void add_trust(struct sources *s, const char *zone)
{
	struct ipc_anchor *a = &s->anchors[s->from.anchor_count++];
	put(zone, a->zone);
	a->type = RR_DS;
	a->len = ROOT_ANCHOR_SIZE;
	memcpy(a->rdata, root_anchors[0], ROOT_ANCHOR_SIZE);
}

static const char *find(const struct sources *s, const char *name, uint64_t now_ms)
{
	static const char *const kinds[] = { "none ", "trust ", "negative " };
	static char out[DNAME_TEXT_MAX + 16];
	char text[DNAME_TEXT_MAX] = "";
	uint8_t wire[DNAME_MAX];
	struct anchors *anchors;
	struct anchor found;
	cr_assert_eq(gather_anchors(&s->from, &anchors), BH_OK);
	put(name, wire);
	anchors_find(anchors, wire, now_ms, &found);
	snprintf(out, sizeof(out), "%s%s", kinds[found.kind], found.zone == NULL ? "" : dname_text(found.zone, text));
	anchors_free(anchors);
	return out;
}

Test(gather, stub_zones_are_not_affected_by_a_signed_parent)
{
	struct sources *s = sources_new();
	add_trust(s, ".");
	add_trust(s, "signed.internal.");
	put("consul.", s->stubs[s->from.stub_count++].name);
	put("internal.", s->stubs[s->from.stub_count++].name);
	put("signed.internal.", s->stubs[s->from.stub_count++].name);
	put("below.signed.internal.", s->stubs[s->from.stub_count++].name);
	cr_assert_str_eq(find(s, "a.consul.", 0), "negative consul.");
	cr_assert_str_eq(find(s, "a.internal.", 0), "negative internal.");
	cr_assert_str_eq(find(s, "a.signed.internal.", 0), "trust signed.internal.");
	cr_assert_str_eq(find(s, "a.below.signed.internal.", 0), "trust signed.internal.",
			 "the operator's own chain of trust goes on");
	cr_assert_str_eq(find(s, "example.", 0), "trust .");
}

Test(gather, an_own_anchor_outside_of_stub_zones_does_not_bind_them)
{
	struct sources *s = sources_new();
	add_trust(s, "example.");
	put("corp.example.", s->stubs[s->from.stub_count++].name);
	cr_assert_str_eq(find(s, "a.corp.example.", 0), "negative corp.example.");
	cr_assert_str_eq(find(s, "a.example.", 0), "trust example.");
}

Test(gather, the_root_as_a_stub_zone_keeps_its_anchors)
{
	struct sources *s = sources_new();
	add_trust(s, ".");
	put(".", s->stubs[s->from.stub_count++].name);
	put("corp.", s->stubs[s->from.stub_count++].name);
	cr_assert_str_eq(find(s, "example.", 0), "trust .");
	cr_assert_str_eq(find(s, "a.corp.", 0), "negative corp.");
}

Test(gather, domain_insecure_at_the_root_ends_validation_but_for_own_anchors)
{
	struct sources *s = sources_new();
	add_trust(s, ".");
	add_trust(s, "corp.");
	put(".", s->insecure[s->from.insecure_count++].zone);
	cr_assert_str_eq(find(s, "example.", 0), "negative .");
	cr_assert_str_eq(find(s, "a.corp.", 0), "trust corp.");
}

Test(gather, what_is_for_a_time_ends_and_what_is_for_ever_does_not)
{
	struct sources *s = sources_new();
	add_trust(s, ".");
	put("a.", s->timed[s->from.timed_count].zone);
	s->timed[s->from.timed_count++].until_ms = 1000;
	put("b.", s->timed[s->from.timed_count].zone);
	s->timed[s->from.timed_count++].until_ms = 1000;
	put("b.", s->insecure[s->from.insecure_count++].zone);
	cr_assert_str_eq(find(s, "x.a.", 999), "negative a.");
	cr_assert_str_eq(find(s, "x.a.", 1000), "trust .");
	cr_assert_str_eq(find(s, "x.b.", 1000), "negative b.");
}

Test(gather, zones_without_an_anchor_of_use_are_counted)
{
	struct dnssec *dnssec = dnssec_new();
	struct sources *s = sources_new();
	cr_assert_not_null(dnssec);
	add_trust(s, ".");
	cr_assert_eq(gather_complain(&s->from, dnssec), 0u);
	add_trust(s, "a.");
	s->anchors[1].rdata[2] = 250; /* algorithm */
	add_trust(s, "a.");
	s->anchors[2].rdata[3] = 250; /* digest type */
	add_trust(s, "b.");
	s->anchors[3].len = 10;
	cr_assert_eq(gather_complain(&s->from, dnssec), 2u);
	add_trust(s, "a.");
	cr_assert_eq(gather_complain(&s->from, dnssec), 1u);
	dnssec_free(dnssec);
}
