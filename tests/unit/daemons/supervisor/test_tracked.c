/*
 * What a resolver says of tracked keys and is believed, or not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/tracked.h"

#include "common/dns/anchor.h"
#include "common/dns/dnssec.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

#define DAY 86400u
#define NOW (UINT64_C(1000) * DAY)

static const uint8_t root[1] = { 0 };

/*
 * Anchors of the root: the key NAMED as DNSKEY, the keys DIGESTED, DIGESTED_1 and DIGESTED_4 as DS with these digests. TWIN has
 * the tag of DIGESTED, ODD a DS with a digest that nobody knows.
 */
enum { NAMED = 1, DIGESTED, STRANGER, DIGESTED_1, DIGESTED_4, TWIN, ODD, ANCHORS = 5 };

static struct ipc_anchor_key key(unsigned which, unsigned state, uint64_t since_sec, uint32_t hold_sec)
{
	struct ipc_anchor_key k = { .state = (uint8_t)state, .since_sec = since_sec, .hold_sec = hold_sec, .len = 36 };
	const uint8_t head[] = { 1, 1, 3, 13 };
	memset(k.rdata, which == TWIN ? DIGESTED : (int)which, k.len);
	memcpy(k.rdata, head, sizeof(head));
	if (which == TWIN) { /* RFC 4034 B: words are added, so their order is nothing to the tag */
		k.rdata[10]++;
		k.rdata[12]--;
	}
	return k;
}

static struct ipc_anchor digest_of(unsigned which, uint8_t type, const char *md)
{
	struct ipc_anchor_key k = key(which, 0, 0, 0);
	struct ipc_anchor a = { .type = RR_DS, .len = 36 };
	uint8_t covered[1 + sizeof(k.rdata)] = { 0 }; /* the root's name */
	size_t len = 32;
	put_u16(a.rdata, anchor_tag(RR_DNSKEY, k.rdata, k.len));
	a.rdata[2] = 13;
	a.rdata[3] = type;
	memcpy(covered + 1, k.rdata, k.len);
	if (md != NULL) {
		cr_assert_eq(EVP_Q_digest(NULL, md, NULL, covered, 1u + k.len, a.rdata + 4, &len), 1);
	}
	a.len = (uint16_t)(4 + len);
	return a;
}

static size_t make_anchors(struct ipc_anchor anchors[ANCHORS])
{
	struct ipc_anchor_key named = key(NAMED, 0, 0, 0);
	anchors[0] = (struct ipc_anchor){ .type = RR_DNSKEY, .len = named.len };
	memcpy(anchors[0].rdata, named.rdata, named.len);
	anchors[1] = digest_of(DIGESTED, DNSSEC_SHA256, "SHA256");
	anchors[2] = digest_of(DIGESTED_1, DNSSEC_SHA1, "SHA1");
	anchors[3] = digest_of(DIGESTED_4, DNSSEC_SHA384, "SHA384");
	anchors[4] = digest_of(ODD, 200, NULL);
	return ANCHORS;
}

struct view {
	unsigned which; /* 0: the key is not in the state */
	unsigned state;
	unsigned age_days;
	uint32_t hold_sec;
};

static void fill(struct ipc_anchor_state *out, const struct view *v)
{
	*out = (struct ipc_anchor_state){ .count = v->which != 0 };
	out->keys[0] = key(v->which, v->state, NOW - (uint64_t)v->age_days * DAY, v->hold_sec);
}

Test(tracked, what_does_not_follow_from_what_was_known_is_not_believed)
{
	const uint32_t hold = IPC_KEY_HOLD_SEC;
	static const struct view nothing;
	const struct {
		struct view before;
		struct view next;
		const char *fault; /* part of it */
	} table[] = {
		{ nothing, nothing, NULL },
		{ nothing, { NAMED, IPC_KEY_VALID, 0, hold }, NULL },
		{ nothing, { DIGESTED, IPC_KEY_VALID, 0, hold }, NULL },
		{ nothing, { DIGESTED_1, IPC_KEY_VALID, 0, hold }, NULL },
		{ nothing, { DIGESTED_4, IPC_KEY_VALID, 0, hold }, NULL },
		/* RFC 4034 5.1.4: a key with the tag of another is easily made */
		{ nothing, { TWIN, IPC_KEY_VALID, 0, hold }, "nobody named" },
		{ nothing, { ODD, IPC_KEY_VALID, 0, hold }, "nobody named" },
		{ nothing, { STRANGER, IPC_KEY_VALID, 0, hold }, "nobody named" },
		{ nothing, { STRANGER, IPC_KEY_MISSING, 0, hold }, "nobody named" },
		{ nothing, { STRANGER, IPC_KEY_PENDING, 0, hold }, NULL },
		{ nothing, { STRANGER, IPC_KEY_PENDING, 31, hold }, "longer than it is known" },
		{ nothing, { STRANGER, IPC_KEY_PENDING, 0, hold - 1 }, "longer than it is known" },
		{ nothing, { STRANGER, IPC_KEY_REVOKED, 0, hold }, NULL },
		{ { STRANGER, IPC_KEY_PENDING, 10, hold }, { STRANGER, IPC_KEY_PENDING, 10, hold }, NULL },
		{ { STRANGER, IPC_KEY_PENDING, 10, hold }, { STRANGER, IPC_KEY_PENDING, 0, hold }, NULL },
		{ { STRANGER, IPC_KEY_PENDING, 10, hold }, { STRANGER, IPC_KEY_PENDING, 10, 1 }, "was changed" },
		{ { STRANGER, IPC_KEY_PENDING, 10, hold }, { STRANGER, IPC_KEY_PENDING, 29, hold }, "longer than it is known" },
		{ { STRANGER, IPC_KEY_PENDING, 29, hold }, { STRANGER, IPC_KEY_VALID, 0, hold }, "too soon" },
		{ { STRANGER, IPC_KEY_PENDING, 30, hold }, { STRANGER, IPC_KEY_VALID, 0, hold }, NULL },
		{ { STRANGER, IPC_KEY_PENDING, 30, 40 * DAY }, { STRANGER, IPC_KEY_VALID, 0, 40 * DAY }, "too soon" },
		{ { STRANGER, IPC_KEY_VALID, 3, hold }, { STRANGER, IPC_KEY_MISSING, 0, hold }, NULL },
		{ { STRANGER, IPC_KEY_MISSING, 3, hold }, { STRANGER, IPC_KEY_VALID, 0, hold }, NULL },
		{ { STRANGER, IPC_KEY_VALID, 3, hold }, { STRANGER, IPC_KEY_REVOKED, 0, hold }, NULL },
		{ { NAMED, IPC_KEY_REVOKED, 40, hold }, { NAMED, IPC_KEY_VALID, 0, hold }, "revoked key" },
		{ { NAMED, IPC_KEY_REMOVED, 40, hold }, { NAMED, IPC_KEY_VALID, 0, hold }, "revoked key" },
	};
	struct ipc_anchor anchors[ANCHORS];
	size_t count = make_anchors(anchors);
	struct ipc_anchor_key digested = key(DIGESTED, 0, 0, 0);
	struct ipc_anchor_key twin = key(TWIN, 0, 0, 0);
	cr_assert_eq(anchor_tag(RR_DNSKEY, digested.rdata, digested.len), anchor_tag(RR_DNSKEY, twin.rdata, twin.len));
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ipc_anchor_state before;
		struct ipc_anchor_state next;
		fill(&before, &table[i].before);
		fill(&next, &table[i].next);
		const char *fault = tracked_fault(table[i].before.which == 0 ? NULL : &before, &next, anchors, count, NOW);
		cr_expect((fault == NULL) == (table[i].fault == NULL), "case %zu: %s", i, fault == NULL ? "believed" : fault);
		cr_expect(fault == NULL || table[i].fault == NULL || strstr(fault, table[i].fault) != NULL, "case %zu: %s", i,
			  fault);
	}
}

Test(tracked, states_are_kept_by_zone_and_anchors_and_bounded)
{
	struct tracked_list list = { .count = 0 };
	struct ipc_anchor anchors[ANCHORS];
	size_t count = make_anchors(anchors);
	struct ipc_anchor_state state = { .configured = ipc_anchor_sum(anchors, count, root), .ttl = 1 };
	struct ipc_anchor_state other = { .configured = state.configured + 1 };
	cr_assert_eq(tracked_put(&list, &state, true), BH_OK);
	cr_assert_eq(tracked_put(&list, &other, false), BH_OK);
	state.ttl = 2;
	cr_assert_eq(tracked_put(&list, &state, false), BH_OK);
	cr_assert_eq(list.count, 2u);
	const struct tracked *t = tracked_find(&list, root, state.configured);
	cr_assert(t != NULL && t->news && t->state.ttl == 2);
	cr_assert_null(tracked_find(&list, (const uint8_t *)"\1a", state.configured));

	/* a reload has ended: what began with other anchors goes */
	tracked_keep(&list, anchors, count);
	cr_assert_eq(list.count, 1u);
	cr_assert_not_null(tracked_find(&list, root, state.configured));

	int rc = BH_OK;
	for (unsigned i = 0; i < 2 * TRACKED_ZONES_MAX && rc == BH_OK; i++) {
		other.configured++;
		rc = tracked_put(&list, &other, true);
	}
	cr_assert_eq(rc, BH_ELIMIT);
	cr_assert_eq(tracked_put(&list, &state, false), BH_OK, "one that is there can be renewed");
	tracked_clear(&list);
	cr_assert_eq(list.count, 0u);
}
